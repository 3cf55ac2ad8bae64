/*
 * cli/settings.c -- the table of the installation's options, and opening what they name.
 */
#include "cli/settings.h"

#include "store/store.h"

#include <errno.h>
#include <sys/stat.h>

#define FIELD(member) .offset = offsetof(struct settings, member)
#define EVERYONE (SETTINGS_DATA | SETTINGS_JOB | SETTINGS_SERVE | SETTINGS_LINK)

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
     .sentence = "Where the event log and the SQLite file are kept; made when missing."},
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
     .sentence = "The buffer between nodes and the cache, redis://... or redis+sentinel://...; "
                 "unless set, the event log is the buffer and the cache is in the process."},
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

/* "scheme://user:PASSWORD@host/name?password=..." */
struct str settings_shown(struct str url, struct arena *arena)
{
    url = str_starts(url, STR("sqlite:")) ? url : str_slice(url, 0, str_find(url, 0, '?'));
    size_t user = str_find(url, 0, '/') + 2, at = url.len;
    struct buf shown = {0};

    for (size_t i = user; i < url.len && url.ptr[i] != '/'; i++) {
        at = url.ptr[i] == '@' ? i : at;
    }
    size_t colon =
        user < at && at < url.len ? str_find(str_slice(url, user, at), 0, ':') + user : at;
    buf_add(&shown, str_slice(url, 0, colon));
    buf_add(&shown, colon < at ? STR(":***") : STR(""));
    buf_add(&shown, str_slice(url, at, url.len));
    struct str copy = arena_str(arena, buf_str(&shown));
    buf_release(&shown);
    return copy;
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

int settings_open_store(const struct settings *settings, bool read_only, struct arena *arena,
                        struct store **out, struct err *err)
{
    struct store_config config = {
        .url = settings->database_url, .data_dir = settings->data_dir, .read_only = read_only};
    if (read_only && str_starts(config.url, STR("sqlite:"))) {
        struct str path = str_slice(config.url, STR("sqlite:").len, config.url.len);
        char *name = ARENA_NEW(arena, char, path.len + 1);
        memcpy(name, path.ptr, path.len);
        struct stat st;
        if (stat(name, &st) != 0 && errno == ENOENT) {
            return err_set(err, ERR_NOTFOUND,
                           "database %s: not there yet (abacus migrate makes it)", name);
        }
    } else if (!read_only) {
        int rc = settings_make_data_dir(settings, arena, err);
        if (rc != 0) {
            return rc;
        }
    }
    int rc = store_open(&config, out, err);
    return rc == 0 ? 0
                   : err_wrap(err, rc, "database %.*s", STR_FMT(settings_shown(config.url, arena)));
}
