/*
 * cli/settings.c -- the table of the installation's options, and opening what they name.
 */
#include "cli/settings.h"

#include "server/server.h"
#include "store/store.h"

#include <errno.h>
#include <sys/stat.h>

#define FIELD(member) .offset = offsetof(struct settings, member)
#define EVERYONE (SETTINGS_DATA | SETTINGS_JOB | SETTINGS_SERVE | SETTINGS_LINK | SETTINGS_SENDER)

const struct option settings_options[] = {
    {.name = "config",
     .type = OPTION_TEXT,
     .value = "FILE",
     .group = EVERYONE,
     FIELD(config),
     .sentence =
         "A file of options, one \"name = value\" on a line; flags and environment go first."},
    {.name = "listen",
     .environment = "ABACUS_LISTEN",
     .type = OPTION_ENDPOINT,
     .value = "ADDRESS:PORT",
     .fallback = "127.0.0.1:8080",
     .group = SETTINGS_SERVE | SETTINGS_LINK,
     FIELD(listen),
     .sentence = "Where to listen; port 0 picks a free one and prints it."},
    {.name = "data-dir",
     .environment = "ABACUS_DATA_DIR",
     .type = OPTION_TEXT,
     .value = "DIR",
     .fallback = "./data",
     .group = SETTINGS_DATA,
     FIELD(data_dir),
     .sentence = "Where the event log and the SQLite file are kept; made when missing by what "
                 "writes to either."},
    {.name = "database-url",
     .environment = "DATABASE_URL",
     .type = OPTION_DATABASE,
     .value = "URL",
     .group = SETTINGS_DATA,
     FIELD(database_url),
     .sentence = "The database, sqlite:PATH or postgres://...; unless set, "
                 "sqlite:DATA_DIR/abacus.db. One with a password belongs in the environment or the "
                 "file, not on the command line."},
    {.name = "redis-url",
     .environment = "REDIS_URL",
     .type = OPTION_REDIS,
     .value = "URL",
     .group = SETTINGS_DATA,
     FIELD(redis_url),
     .sentence =
         "The buffer between nodes and the cache, redis://... or redis+sentinel://...; "
         "unless set, the event log is the buffer and the cache is in the process. A password: as "
         "with --database-url."},
    {.name = "roles",
     .environment = "ABACUS_ROLES",
     .type = OPTION_SET,
     .value = "ingest,aggregate,query,web",
     .fallback = "ingest,aggregate,query,web",
     .group = SETTINGS_SERVE,
     FIELD(roles),
     .sentence =
         "What this node does: ingest (tracking, the event log), aggregate (the job), query "
         "(the API that reads), web (scripts and pages)."},
    {.name = "aggregate-interval",
     .environment = "ABACUS_AGGREGATE_INTERVAL",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "10s",
     .min = 100,
     .max = 86400000,
     .zero = true,
     .group = SETTINGS_SERVE,
     FIELD(aggregate_interval_ms),
     .sentence = "The pause between runs of the job in serve; 0 leaves the job to cron."},
    {.name = "drain-timeout",
     .environment = "ABACUS_DRAIN_TIMEOUT",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "30s",
     .min = 100,
     .max = 86400000,
     .zero = true,
     .group = SETTINGS_SERVE,
     FIELD(drain_timeout_ms),
     .sentence = "How long a stopping node of the platform waits for its log to be committed."},
    {.name = "durability",
     .environment = "ABACUS_DURABILITY",
     .type = OPTION_CHOICE,
     .value = "everysec|always",
     .fallback = "everysec",
     .group = SETTINGS_SERVE,
     FIELD(durability),
     .sentence =
         "With always an event is answered 202 only once it is on the disk; with everysec a "
         "power cut can cost the last second."},
    {.name = "trusted-proxies",
     .environment = "ABACUS_TRUSTED_PROXIES",
     .type = OPTION_CIDRS,
     .value = "CIDR,...",
     .group = SETTINGS_SERVE,
     FIELD(trusted_proxies),
     .sentence = "Proxies whose X-Forwarded-For is believed, read from the right."},
    {.name = "public-url",
     .environment = "ABACUS_PUBLIC_URL",
     .type = OPTION_URL,
     .value = "URL",
     .group = SETTINGS_SERVE | SETTINGS_LINK,
     FIELD(public_url),
     .sentence = "What scripts and links are made with; unless set, taken from the request."},
    {.name = "smtp-url",
     .environment = "ABACUS_SMTP_URL",
     .type = OPTION_TEXT,
     .value = "URL",
     .group = SETTINGS_SERVE,
     FIELD(smtp_url),
     .sentence = "Where mail is sent from, smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://; unless "
                 "set, invitation and reset links are shown once to the person who made them. A "
                 "password: as with --database-url."},
    {.name = "mail-from",
     .environment = "ABACUS_MAIL_FROM",
     .type = OPTION_TEXT,
     .value = "ADDRESS",
     .group = SETTINGS_SERVE,
     FIELD(mail_from),
     .sentence = "The sender of that mail; unless set, abacus@ the host of the public URL."},
    {.name = "payload-secret",
     .environment = "ABACUS_PAYLOAD_SECRET",
     .type = OPTION_TEXT,
     .value = "SECRET",
     .secret = true,
     .group = SETTINGS_SERVE,
     FIELD(payload_secret),
     .sentence = "The PAYLOAD_SECRET of a Payload CMS in the same PostgreSQL database: its users' "
                 "sessions are taken where `abacus user` knows them by --payload-id. In the "
                 "environment or the file only, not on the command line."},
    {.name = "payload-collection",
     .environment = "ABACUS_PAYLOAD_COLLECTION",
     .type = OPTION_ID,
     .value = "SLUG",
     .fallback = "users",
     .group = SETTINGS_SERVE,
     FIELD(payload_collection),
     .sentence = "The collection of Payload whose users may sign in; its sessions stand in the "
                 "table SLUG_sessions."},
    {.name = "payload-schema",
     .environment = "ABACUS_PAYLOAD_SCHEMA",
     .type = OPTION_ID,
     .value = "SCHEMA",
     .fallback = "public",
     .group = SETTINGS_SERVE,
     FIELD(payload_schema),
     .sentence = "The schema of Payload's tables."},
    {.name = "log",
     .environment = "ABACUS_LOG",
     .type = OPTION_CHOICE,
     .value = "error|warn|info|debug",
     .fallback = "info",
     .group = SETTINGS_DATA,
     FIELD(log),
     .sentence = "How much is told on stderr, one logfmt line per event."},
    {.name = "raw-days",
     .environment = "ABACUS_RAW_DAYS",
     .type = OPTION_COUNT,
     .value = "DAYS",
     .fallback = "30",
     .min = 1,
     .max = 36500,
     .zero = true,
     .group = SETTINGS_JOB | SETTINGS_SERVE,
     FIELD(raw_days),
     .sentence = "How long raw events are kept; 0 keeps them for ever."},
    {.name = "visit-days",
     .environment = "ABACUS_VISIT_DAYS",
     .type = OPTION_COUNT,
     .value = "DAYS",
     .fallback = "365",
     .min = 1,
     .max = 36500,
     .zero = true,
     .group = SETTINGS_JOB | SETTINGS_SERVE,
     FIELD(visit_days),
     .sentence = "How long visits are kept; 0 keeps them for ever."},
    {.name = "stats-days",
     .environment = "ABACUS_STATS_DAYS",
     .type = OPTION_COUNT,
     .value = "DAYS",
     .fallback = "365",
     .min = 1,
     .max = 36500,
     .zero = true,
     .group = SETTINGS_JOB | SETTINGS_SERVE,
     FIELD(stats_days),
     .sentence = "How long daily and hourly stats are kept; 0 keeps them for ever."},
    {.name = "audit-days",
     .environment = "ABACUS_AUDIT_DAYS",
     .type = OPTION_COUNT,
     .value = "DAYS",
     .fallback = "90",
     .min = 1,
     .max = 36500,
     .zero = true,
     .group = SETTINGS_JOB | SETTINGS_SERVE,
     FIELD(audit_days),
     .sentence = "How long the audit log is kept; 0 keeps it for ever."},
    {.name = "log-keep",
     .environment = "ABACUS_LOG_KEEP",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "1h",
     .min = 1000,
     .max = INT64_C(30) * 86400000,
     .zero = true,
     .group = SETTINGS_SERVE,
     FIELD(log_keep_ms),
     .sentence = "How long the event log is kept after it was counted."},
    {.name = "log-max",
     .environment = "ABACUS_LOG_MAX",
     .type = OPTION_SIZE,
     .value = "SIZE",
     .fallback = "1GiB",
     .min = INT64_C(32) << 20,
     .max = INT64_C(1) << 40,
     .group = SETTINGS_SERVE,
     FIELD(log_max_bytes),
     .sentence = "How large the event log may grow; beyond it tracking answers 503."},
    {.name = "geo-database",
     .environment = "ABACUS_GEO_DATABASE",
     .type = OPTION_TEXT,
     .value = "FILE",
     .group = SETTINGS_SENDER,
     FIELD(geo_database),
     .sentence = "Countries from this .mmdb file in place of Debian's tor-geoipdb. Put a newer one "
                 "in its place with mv, not with cp, and restart."},
    {.name = "agent-rules",
     .environment = "ABACUS_AGENT_RULES",
     .type = OPTION_TEXT,
     .value = "FILE",
     .group = SETTINGS_SENDER,
     FIELD(agent_rules),
     .sentence =
         "Browsers and systems from this regexes.yaml of uap-core in place of the one built "
         "in."},
    {.name = "demo-site",
     .environment = "ABACUS_DEMO_SITE",
     .type = OPTION_ID,
     .value = "SITE",
     .group = SETTINGS_SERVE,
     FIELD(demo_site),
     .sentence = "Serve the demo page at /demo, counted for this site."},
    {.name = "max-connections",
     .environment = "ABACUS_MAX_CONNECTIONS",
     .type = OPTION_COUNT,
     .value = "N",
     .fallback = "4096",
     .min = 16,
     .max = 1000000,
     .group = SETTINGS_SERVE,
     FIELD(max_connections),
     .sentence = "Connections in all."},
    {.name = "max-connections-per-address",
     .environment = "ABACUS_MAX_CONNECTIONS_PER_ADDRESS",
     .type = OPTION_COUNT,
     .value = "N",
     .fallback = "256",
     .min = 1,
     .max = 1000000,
     .group = SETTINGS_SERVE,
     FIELD(max_connections_per_address),
     .sentence = "Connections of one address; trusted proxies are exempt."},
    {.name = "threads",
     .environment = "ABACUS_THREADS",
     .type = OPTION_COUNT,
     .value = "N",
     .fallback = "0",
     .min = 1,
     .max = 256,
     .zero = true,
     .group = SETTINGS_SERVE,
     FIELD(threads),
     .sentence = "HTTP threads; 0 means one for each core."},
    {.name = "query-threads",
     .environment = "ABACUS_QUERY_THREADS",
     .type = OPTION_COUNT,
     .value = "N",
     .fallback = "2",
     .min = 1,
     .max = 64,
     .group = SETTINGS_SERVE,
     FIELD(query_threads),
     .sentence = "Threads that answer what needs the database."},
    {.name = NULL},
};

void settings_complete(struct settings *settings, struct arena *arena)
{
    while (settings->data_dir.len > 1 && str_ends(settings->data_dir, STR("/"))) {
        settings->data_dir.len--;
    }
    if (settings->database_url.len == 0) {
        struct buf url = {0};
        buf_addf(&url, "sqlite:%.*s/abacus.db", STR_FMT(settings->data_dir));
        settings->database_url = arena_str(arena, buf_str(&url));
        buf_release(&url);
    }
}

/* "scheme://user:PASSWORD@host/name?password=...". With an @ behind the first / or ?, who knows
 * where the password ends: nothing is shown then. */
struct str settings_shown(struct str url, struct arena *arena)
{
    if (str_starts(url, STR("sqlite:"))) {
        return url;
    }
    size_t user = str_find(url, 0, ':') + STR("://").len, at = url.len, place = url.len;
    for (size_t i = user; i < url.len; i++) {
        place = place == url.len && strchr("/?", url.ptr[i]) != NULL ? i : place;
        at = url.ptr[i] == '@' ? i : at;
    }
    struct buf shown = {0};
    if (at < url.len && at > place) {
        buf_addf(&shown, "%.*s***", STR_FMT(str_slice(url, 0, user)));
    } else if (at < url.len) {
        struct str name = str_slice(url, user, at), rest = str_slice(url, at, url.len);
        size_t colon = str_find(name, 0, ':');
        buf_add(&shown, str_slice(url, 0, user + colon));
        buf_add(&shown, colon < name.len ? STR(":***") : STR(""));
        buf_add(&shown, str_slice(rest, 0, str_find(rest, 0, '?')));
    } else {
        buf_add(&shown, str_slice(url, 0, str_find(url, 0, '?')));
    }
    struct str copy = arena_str(arena, buf_str(&shown));
    buf_release(&shown);
    return copy;
}

bool settings_store_is_local(const struct settings *settings)
{
    return str_starts(settings->database_url, STR("sqlite:"));
}

bool settings_take_events(const struct settings *settings)
{
    return (settings->roles & ROLE_INGEST) != 0;
}

bool settings_keep_files(const struct settings *settings)
{
    return settings_store_is_local(settings) ||
           (settings->roles & (ROLE_INGEST | ROLE_AGGREGATE)) != 0;
}

struct str settings_queue_url(const struct settings *settings, struct arena *arena)
{
    if (settings->redis_url.len > 0) {
        return settings->redis_url;
    }
    struct buf url = {0};
    buf_addf(&url, "log:%.*s", STR_FMT(settings->data_dir));
    struct str copy = arena_str(arena, buf_str(&url));
    buf_release(&url);
    return copy;
}

enum log_level settings_log_level(const struct settings *settings)
{
    static const char *const names[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    enum log_level level = LOG_ERROR;
    while (level < LOG_DEBUG && !str_eq(settings->log, str_from(names[level]))) {
        level++;
    }
    return level;
}

/* Parents are made too, as mkdir -p does; only the directory itself is private. */
int settings_make_data_dir(const struct settings *settings, struct arena *arena, struct err *err)
{
    struct str dir = settings->data_dir;
    char *path = ARENA_NEW(arena, char, dir.len + 1);
    memcpy(path, dir.ptr, dir.len);
    for (size_t i = 1; i < dir.len; i++) {
        if (path[i] == '/') {
            path[i] = '\0';
            (void)mkdir(path, 0755);
            path[i] = '/';
        }
    }
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_SYSTEM, "data directory %s: %s", path, strerror(errno));
    }
    if (stat(path, &st) != 0) {
        return err_set(err, ERR_SYSTEM, "data directory %s: %s", path, strerror(errno));
    }
    return S_ISDIR(st.st_mode)
               ? 0
               : err_set(err, ERR_SYSTEM, "data directory %s: not a directory", path);
}

/* Nothing but the log and SQLite needs the directory: a command that was given a wrong one must not
 * make it. */
static int find_database(const struct settings *settings, bool read_only, struct arena *arena,
                         struct err *err)
{
    struct str url = settings->database_url;
    if (!settings_store_is_local(settings)) {
        return 0;
    }
    if (!read_only) {
        return settings_make_data_dir(settings, arena, err);
    }
    struct str path = str_slice(url, STR("sqlite:").len, url.len);
    char *name = ARENA_NEW(arena, char, path.len + 1);
    memcpy(name, path.ptr, path.len);
    struct stat st;
    if (stat(name, &st) != 0 && errno == ENOENT) {
        return err_set(err, ERR_NOTFOUND, "database %s: not there yet (abacus migrate makes it)",
                       name);
    }
    return 0;
}

int settings_open_store(const struct settings *settings, bool read_only, struct arena *arena,
                        struct store **out, struct err *err)
{
    const struct store_config config = {
        .url = settings->database_url, .data_dir = settings->data_dir, .read_only = read_only};
    struct err why = {""};
    int rc = find_database(settings, read_only, arena, err);
    if (rc != 0) {
        return rc;
    }
    rc = store_open(&config, out, &why);
    if (rc == 0) {
        return 0;
    }
    /* The store's own texts begin with what they are about; here the URL tells it. */
    struct str text = str_from(why.text);
    if (str_starts(text, STR("database: "))) {
        text = str_slice(text, STR("database: ").len, text.len);
    }
    /* The URL was read with the other options: the command line is not what is wrong. */
    return err_set(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "database %.*s: %.*s",
                   STR_FMT(settings_shown(config.url, arena)), STR_FMT(text));
}
