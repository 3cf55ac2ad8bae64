/*
 * server/server.h -- `abacus serve`: wiring, threads, signals, stop.
 *
 * Threads: the HTTP pool and its query threads (http/), the log's flusher (log/), the directory
 * (directory/), one aggregator, one housekeeper that turns refusals into tallies once a second, one
 * that lets go of what was erased; with Redis one relay, and one that watches the buffer's length.
 * A node has those that its roles need.
 */
#ifndef ABACUS_SERVER_SERVER_H
#define ABACUS_SERVER_SERVER_H

#include "access/payload.h"
#include "api/api.h"
#include "base/err.h"
#include "base/logger.h"
#include "base/net.h"
#include "base/str.h"

/* The options of CONTRACT, parsed (cli/options.c holds the table). */
struct server_config {
    unsigned roles;                                        /* a set of enum role (api/api.h) */
    struct str listen, data_dir, database_url, public_url; /* public_url empty: from the request */
    struct str redis_url;                                  /* empty: none */
    struct str queue_url;                                  /* what the job reads (queue/queue.h) */
    int64_t drain_timeout_ms;
    struct cidr *trusted;
    size_t trusted_count;
    int64_t aggregate_interval_ms; /* 0: the job is cron's */
    bool always;                   /* durability */
    int32_t raw_days, visit_days, stats_days, audit_days;
    int64_t log_keep_ms, log_max_bytes;
    unsigned threads, query_threads, connections, connections_per_address; /* 0: http/'s defaults */
    struct str demo_site;           /* empty: no /demo pages */
    struct payload_config payload;  /* secret empty: Payload's tokens are not taken */
    struct str smtp_url, mail_from; /* empty: no mail */
    /* A database of countries (geo/geo.h), and rules for User-Agents (agent/agent.h); empty: those
     * that the system and the program bring. */
    struct str geo_database, agent_rules;
    struct logger logger;
};

/* Run until SIGTERM or SIGINT. 0: ended clean. ERR_UNAVAILABLE: a node of the platform stopped
 * before its log was committed; err says how many records remain. Prints "abacus: listening on
 * http://ADDR:PORT" on stderr when ready. */
int server_run(const struct server_config *config, struct err *err);

#endif
