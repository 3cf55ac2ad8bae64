/*
 * cli/settings.h -- the options that the whole installation shares (CONTRACT: Options), as one
 * table.
 */
#ifndef ABACUS_CLI_SETTINGS_H
#define ABACUS_CLI_SETTINGS_H

#include "base/logger.h"
#include "cli/options.h"

struct store;

/* Which commands take them on their command line. */
enum settings_group {
    SETTINGS_DATA = 1,    /* whoever opens the store or the log */
    SETTINGS_JOB = 2,     /* whoever runs the job, or asks how long things are kept */
    SETTINGS_SERVE = 4,   /* the server */
    SETTINGS_LINK = 8,    /* whoever makes links to the server */
    SETTINGS_SENDER = 16, /* whoever reads addresses and User-Agents */
};

struct settings {
    struct str config, listen, data_dir, database_url, redis_url, durability, public_url, log,
        demo_site, geo_database, agent_rules, smtp_url, mail_from, payload_secret,
        payload_collection, payload_schema;
    unsigned roles; /* a set of enum role (api/api.h) */
    struct cidr_list trusted_proxies;
    int64_t aggregate_interval_ms, drain_timeout_ms, log_keep_ms, log_max_bytes;
    int64_t raw_days, visit_days, stats_days, audit_days;
    int64_t max_connections, max_connections_per_address, threads, query_threads;
};

extern const struct option settings_options[];

/* What follows from other settings: the place of the database. Passwords in URLs stay there:
 * settings_shown() is for people. */
void settings_complete(struct settings *settings, struct arena *arena);

/* A URL without its password. */
struct str settings_shown(struct str url, struct arena *arena);

/* The database is a file, and salts are beside it. */
bool settings_store_is_local(const struct settings *settings);

/* A server with these settings takes events. */
bool settings_take_events(const struct settings *settings);

/* A server with these settings has a log, a database or dead letters in its data directory. */
bool settings_keep_files(const struct settings *settings);

/* The queue that the job reads: Redis, or this machine's log. */
struct str settings_queue_url(const struct settings *settings, struct arena *arena);

enum log_level settings_log_level(const struct settings *settings);

/* Make the data directory (0700) where it is missing. */
int settings_make_data_dir(const struct settings *settings, struct arena *arena, struct err *err);

/* Open the store. To write: the schema is brought up to date, and where the store is local, its
 * data directory made. To read: the database must be there. */
int settings_open_store(const struct settings *settings, bool read_only, struct arena *arena,
                        struct store **out, struct err *err);

#endif
