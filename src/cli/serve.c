/* cli/serve.c -- `abacus serve`: the settings as struct server_config. */
#include "cli/command.h"
#include "server/server.h"

static int run(const struct invocation *in, struct err *err)
{
    const struct settings *settings = in->settings;
    int rc = 0;
    if (settings_keep_files(settings)) {
        rc = settings_make_data_dir(settings, in->arena, err);
    }
    if (rc != 0) {
        return rc;
    }
    _Static_assert(ROLE_INGEST == 1 && ROLE_AGGREGATE == 2 && ROLE_QUERY == 4 && ROLE_WEB == 8,
                   "in the order of the option's names");
    const struct server_config config = {
        .roles = settings->roles,
        .redis_url = settings->redis_url,
        .queue_url = settings_queue_url(settings, in->arena),
        .drain_timeout_ms = settings->drain_timeout_ms,
        .listen = settings->listen,
        .data_dir = settings->data_dir,
        .database_url = settings->database_url,
        .public_url = settings->public_url,
        .trusted = settings->trusted_proxies.items,
        .trusted_count = settings->trusted_proxies.count,
        .aggregate_interval_ms = settings->aggregate_interval_ms,
        .always = str_eq(settings->durability, STR("always")),
        .raw_days = (int32_t)settings->raw_days,
        .visit_days = (int32_t)settings->visit_days,
        .stats_days = (int32_t)settings->stats_days,
        .audit_days = (int32_t)settings->audit_days,
        .log_keep_ms = settings->log_keep_ms,
        .log_max_bytes = settings->log_max_bytes,
        .threads = (unsigned)settings->threads,
        .query_threads = (unsigned)settings->query_threads,
        .connections = (unsigned)settings->max_connections,
        .connections_per_address = (unsigned)settings->max_connections_per_address,
        .demo_site = settings->demo_site,
        .smtp_url = settings->smtp_url,
        .mail_from = settings->mail_from,
        .payload = {.secret = settings->payload_secret,
                    .collection = settings->payload_collection,
                    .schema = settings->payload_schema},
        .geo_database = settings->geo_database,
        .agent_rules = settings->agent_rules,
        .logger = {.level = settings_log_level(settings)},
    };
    /* What it says is complete; a bad value was refused before, so that this is never wrong usage.
     */
    rc = server_run(&config, err);
    return rc == ERR_INVALID ? ERR_SYSTEM : rc;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Run everything, or some roles of it: HTTP, aggregation, retention.",
    .note = "Says \"abacus: listening on http://ADDRESS:PORT\" when it is ready; SIGTERM and "
            "SIGINT end it "
            "clean.",
    .options = json_options + 1,
    .groups = SETTINGS_DATA | SETTINGS_JOB | SETTINGS_SERVE | SETTINGS_LINK | SETTINGS_SENDER,
    .run = run,
};
