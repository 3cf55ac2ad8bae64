/*
 * server/server.c -- everything that runs, put together and taken apart in order.
 *
 * Up: what tells who sends (countries, rules for User-Agents), log (recovered), store (migrated)
 * and directory with a first snapshot, HTTP, then the jobs. A database server that is away is no
 * reason not to start: until it is there tracking answers 503.
 * Down: HTTP first, so that nothing is appended any more; the last refusals become tallies; the log
 * is flushed. On one machine what the log holds then is counted by the next start or by `abacus
 * aggregate`; a node of the platform first waits until it is committed.
 */
#include "server/server_internal.h"

#include "access/access.h"
#include "access/people.h"
#include "agent/agent.h"
#include "api/quotas.h"
#include "api/scripts.h"
#include "api/sightings.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/must.h"
#include "cache/cache.h"
#include "geo/geo.h"
#include "mail/mail.h"
#include "query/query.h"
#include "redis/redis.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STOP_GRACE_MS = 10 * 1000,
    MAIL_GRACE_MS = 5 * 1000,
    RECENT_BYTES = 64 * 1024 * 1024, /* of days that are not over yet, for breakdowns */
};

static void observe_store(void *ctx, const char *op, double seconds)
{
    struct server *server = ctx;

    metrics_db(server->metrics, op, seconds);
}

int server_open_store(struct server *server, bool read_only, struct store **out, struct err *err)
{
    const struct store_config config = {.url = server->config->database_url,
                                        .data_dir = server->config->data_dir,
                                        .read_only = read_only,
                                        .later = server_store_is_remote(server),
                                        .observe = observe_store,
                                        .ctx = server};

    return store_open(&config, out, err);
}

static int worker_open(void *app, void **worker, struct err *err)
{
    struct api *api = app;
    struct server *server = api->server;
    struct worker *own = must(calloc(1, sizeof(*own)));
    int rc = server_open_store(server, true, &own->store, err);

    own->server = server;
    *worker = own;
    return rc;
}

static int open_writer(void *app, struct store **out, struct err *err)
{
    return server_open_store(app, false, out, err);
}

static void worker_close(void *app, void *worker)
{
    struct worker *own = worker;

    (void)app;
    store_close(&own->store);
    store_close(&own->write);
    free(own);
}

static void *site_series(void *ctx, struct str tenant, struct str site)
{
    struct server *server = ctx;

    return metrics_site(server->metrics, tenant, site);
}

static int open_log(struct server *server, struct err *err)
{
    const struct log_config config = {.data_dir = server->config->data_dir,
                                      .max_bytes = (uint64_t)server->config->log_max_bytes,
                                      .keep_ms = server->config->log_keep_ms,
                                      .always = server->config->always,
                                      .logger = &server->config->logger};

    return log_open(&config, &server->log, err);
}

static void say_away(struct server *server, const char *what, const struct err *err)
{
    char quoted[512];

    logger_line(&server->config->logger, LOG_WARN, "not there yet", "peer=\"%s\" why=%s", what,
                logger_quote(err->text, quoted, sizeof(quoted)));
}

/* A Redis that throws keys away would lose events: better not to start. */
static int check_redis(struct server *server, struct err *err)
{
    const struct redis_config config = {.url = server->config->redis_url, .must_keep = true};
    struct redis *redis = NULL;

    if (!server_is_platform(server))
        return 0;
    int rc = redis_open(&config, &redis, err);

    if (rc == 0)
        rc = redis_ready(redis, err);
    if (rc == ERR_UNAVAILABLE) {
        say_away(server, "Redis", err);
        rc = 0;
    }
    redis_close(&redis);
    return rc;
}

/* A table that nobody named is the system's: without it events have no country, but they are
 * counted. */
static int open_geo(struct server *server, struct err *err)
{
    const struct geo_config config = {.database = server->config->geo_database};
    int rc = geo_open(&config, &server->geo, err);
    struct geo_about about = {.name = STR("")};
    char day[DATE_TEXT] = "unknown", quoted[512];

    if (rc != 0 && config.database.len > 0)
        return rc;
    if (rc == 0)
        geo_about(server->geo, &about);
    if (about.day != 0)
        date_format(about.day, day);
    if (about.name.len > 0)
        logger_line(&server->config->logger, LOG_DEBUG, "countries", "table=%s made=%s",
                    config.database.len > 0 ? "mmdb" : "tor-geoipdb", day);
    else
        logger_line(&server->config->logger, LOG_WARN, "no countries", "why=%s",
                    logger_quote(rc == 0 ? "tor-geoipdb is not installed" : err->text, quoted,
                                 sizeof(quoted)));
    return 0;
}

/* What tells who sends: needed where events come in. */
static int open_sender(struct server *server, struct err *err)
{
    int rc = open_geo(server, err);

    return rc == 0 ? agent_open(server->config->agent_rules, &server->agent, err) : rc;
}

static int open_cache(struct server *server, struct err *err)
{
    return cache_open(server_is_platform(server) ? server->config->redis_url : STR("memory:"),
                      &server->cache, err);
}

/* What was there before the first request; *store is for directory_start(). */
static int open_directory(struct server *server, struct store **store, struct err *err)
{
    const struct directory_config config = {.raw_days = server->config->raw_days,
                                            .visit_days = server->config->visit_days,
                                            .stats_days = server->config->stats_days,
                                            .logger = &server->config->logger,
                                            .series = site_series,
                                            .tick = housekeep_tick,
                                            .ctx = server};

    server->quotas = quotas_new();
    server->directory = directory_new(&config);
    int rc = server_open_store(server, false, store, err);

    if (rc == 0)
        rc = directory_load(server->directory, *store, clock_wall_ms(), err);
    if (rc == 0)
        used_tick(server, *store, 0, clock_wall_ms());
    if (rc == ERR_UNAVAILABLE && server_store_is_remote(server)) {
        say_away(server, "the database", err);
        rc = 0;
    }
    return rc;
}

/* Unless it is set, abacus@ the host of the public URL; empty: neither is there. */
static struct str mail_sender(struct server *server)
{
    const struct server_config *config = server->config;
    struct str rest = config->public_url, host = STR("");
    struct buf text = {0};

    while (rest.len > 0 && host.len == 0 && str_next(&rest, '/', &host))
        host = str_ends(host, STR(":")) ? STR("") : host;
    if (config->mail_from.len > 0 || host.len == 0)
        return config->mail_from;
    buf_addf(&text, "abacus@%.*s", STR_FMT(str_slice(host, 0, str_find(host, 0, ':'))));
    struct str sender = arena_str(&server->arena, buf_str(&text));

    buf_release(&text);
    return sender;
}

/* For invitations and forgotten passwords; without it links are shown once. */
static int open_mailer(struct server *server, struct err *err)
{
    const struct mail_config config = {.url = server->config->smtp_url,
                                       .from = mail_sender(server),
                                       .logger = &server->config->logger};

    if (config.url.len == 0 || !server_has(server, ROLE_QUERY))
        return 0;
    /* A link in a mail must not lead where the Host of somebody's request says. */
    if (server->config->public_url.len == 0)
        return err_set(err, ERR_INVALID, "mail: its links need the public URL of this server");
    int rc = mail_open(&config, &server->mailer, err);

    return rc == 0 ? 0 : err_wrap(err, rc, "mail");
}

static void wire_api(struct server *server)
{
    const struct server_config *config = server->config;
    int64_t interval_ms = server_has(server, ROLE_AGGREGATE) ? config->aggregate_interval_ms : 0;

    server->api = (struct api){.roles = config->roles,
                               .directory = server->directory,
                               .cache = server->cache,
                               .log = server->log,
                               .metrics = server->metrics,
                               .refusals = refusals_new(),
                               .sightings = sightings_new(),
                               .live = live_new(),
                               .scripts = server_has(server, ROLE_WEB)
                                              ? scripts_open(config->data_dir, &config->logger)
                                              : NULL,
                               .quotas = server->quotas,
                               .resets = resets_new(),
                               .throttle = throttle_new(),
                               .raw_days = config->raw_days,
                               .visit_days = config->visit_days,
                               .stats_days = config->stats_days,
                               .payload = &config->payload,
                               .mailer = server->mailer,
                               .open_writer = open_writer,
                               .recent = query_recent_new(RECENT_BYTES),
                               .agent = server->agent,
                               .geo = server->geo,
                               .trusted = config->trusted,
                               .trusted_count = config->trusted_count,
                               .data_dir = config->data_dir,
                               .public_url = config->public_url,
                               .demo_site = config->demo_site,
                               .always = config->always,
                               .logger = &config->logger,
                               .started_ms = clock_wall_ms(),
                               .aggregate_interval_ms = interval_ms,
                               .queued = server_is_platform(server) ? jobs_queued : NULL,
                               .redis = server_is_platform(server) ? about_redis : NULL,
                               .node = about_node,
                               .server = server};
}

static int open_http(struct server *server, struct err *err)
{
    const struct server_config *config = server->config;
    struct http_config http = {.listen = config->listen,
                               .threads = config->threads,
                               .query_threads = config->query_threads,
                               .connections = config->connections,
                               .connections_per_address = config->connections_per_address,
                               .trusted = config->trusted,
                               .trusted_count = config->trusted_count,
                               .app = &server->api,
                               .worker_open = worker_open,
                               .worker_close = worker_close,
                               .metrics = server->metrics,
                               .logger = &config->logger};

    http.routes = api_routes(&http.routes_count);
    http.groups = config->roles;
    return http_start(&http, &server->http, err);
}

/* No thread begins before everything that it uses is there: the directory's uses the API. */
static int start(struct server *server, struct err *err)
{
    struct metrics_names names = api_metrics_names(&server->arena);
    struct store *store = NULL;

    server->metrics = metrics_new(&names, STR(ABACUS_VERSION));
    int rc = check_redis(server, err);

    if (rc == 0)
        rc = open_cache(server, err);
    if (rc == 0 && server_has(server, ROLE_INGEST))
        rc = open_sender(server, err);
    if (rc == 0 && server_has(server, ROLE_INGEST))
        rc = open_log(server, err);
    if (rc == 0)
        rc = open_directory(server, &store, err);
    if (rc == 0)
        rc = open_mailer(server, err);
    if (rc == 0) {
        wire_api(server);
        rc = directory_start(server->directory, &store, err);
    }
    if (rc == 0)
        rc = open_http(server, err);
    if (rc == 0)
        rc = jobs_start(server, err);
    store_close(&store);
    return rc;
}

/* The signals are blocked in all threads; this one waits for them. */
static void block_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* 0, or what drain() says. */
static int stop(struct server *server, struct err *err)
{
    bool whole = true, served = server->http != NULL, logging = server->log != NULL;
    bool draining = served && logging && server_is_platform(server);
    int rc = 0;

    jobs_enter(server, draining ? PHASE_DRAINING : PHASE_STOPPING);
    if (server->http != NULL)
        whole = http_stop(&server->http, STOP_GRACE_MS);
    jobs_stop_housekeeper(server);
    if (server->directory != NULL)
        directory_stop(server->directory);
    /* The directory's thread sends mail, too. */
    mail_close(&server->mailer, MAIL_GRACE_MS);
    if (logging && server->api.refusals != NULL)
        api_flush_refusals(&server->api);
    log_close(&server->log);
    if (draining)
        rc = drain(server, err);
    jobs_enter(server, PHASE_STOPPING);
    jobs_stop(server);
    if (served)
        logger_line(&server->config->logger, LOG_INFO, "stopped", NULL);
    /* A query thread that hangs may still use what would be freed now; everything durable is done.
     */
    if (!whole)
        _exit(rc == 0 ? 0 : 1);
    cache_close(&server->cache);
    refusals_free(&server->api.refusals);
    sightings_free(&server->api.sightings);
    quotas_free(&server->quotas);
    resets_free(&server->api.resets);
    throttle_free(&server->api.throttle);
    live_free(&server->api.live);
    scripts_close(&server->api.scripts);
    query_recent_free(&server->api.recent);
    agent_close(&server->agent);
    geo_close(&server->geo);
    directory_free(&server->directory);
    metrics_free(&server->metrics);
    arena_free(&server->arena);
    return rc;
}

int server_run(const struct server_config *config, struct err *err)
{
    struct server server = {.config = config,
                            .buffer_lock = PTHREAD_MUTEX_INITIALIZER,
                            .lock = PTHREAD_MUTEX_INITIALIZER};
    sigset_t signals;
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&server.wake, &monotonic);
    block_signals(&signals);
    int rc = start(&server, err);

    if (rc == 0) {
        int signal_number = 0;

        (void)fprintf(stderr, "abacus: listening on http://%.*s\n",
                      STR_FMT(http_address(server.http)));
        while (sigwait(&signals, &signal_number) != 0)
            continue;
    }
    struct err stop_err = {0};
    int stop_rc = stop(&server, &stop_err);

    if (rc == 0 && stop_rc != 0)
        rc = err_set(err, stop_rc, "%s", stop_err.text);
    return rc;
}
