/*
 * api/system.c -- GET /api/admin/system: how this installation is, for its operator.
 *
 *     {"version","startedAt","node",
 *      "store":  {"kind","schema","bytes"},
 *      "redis":  {"connected","address","version","usedBytes","maxBytes"} or null: there is none
 *      "queue":  {"length","oldestAt"},     what waits to be counted (api_waiting_read())
 *      "log":    {"pending"},               of this node, not in the shared buffer yet
 *      "job":    {"lastSuccessAt","seconds","intervalSeconds","late"},
 *      "ledger": {"imbalance"},
 *      "sites","tenants"}                   without those that are to be erased
 *
 * What nobody can say now is null: the length of a buffer that does not answer, the seconds of a
 * job that runs on other nodes. Each number is the one that `abacus doctor` and /metrics have:
 * gauges where somebody here keeps them, else it is asked for.
 *
 * It is the platform's alone, since it speaks of all tenants.
 */
#include "access/caller.h"
#include "api/answer.h"
#include "api/caller.h"
#include "api/form.h"
#include "api/handlers.h"

struct system {
    struct call call;
    struct form form;
    struct store_about store;
    struct api_waiting waiting;
    bool waiting_known;
    int64_t last_success_ms, sites, tenants, imbalance;
};

/* -- what is read ------------------------------------------------------------------------------ */

static bool gauge(const struct system *system, enum metrics_gauge gauge, int64_t *out)
{
    const struct metrics *metrics = system->call.api->metrics;

    return metrics != NULL && metrics_gauge_read(metrics, gauge, out);
}

/* A node that does not check the books itself reads them now. */
static int read_imbalance(struct system *system, struct err *err)
{
    struct balance balance = {0};
    int rc = 0;

    if (gauge(system, METRICS_LEDGER_IMBALANCE, &system->imbalance))
        return 0;
    rc = store_balance(system->call.worker->store, &balance, err);
    system->imbalance = balance.committed - balance.ledger_records;
    return rc;
}

static int read_store(struct system *system, struct err *err)
{
    struct store *store = system->call.worker->store;
    const struct row_filter kept = {.kept = true};
    int64_t counters[COUNTERS] = {0};
    int rc = store_about(store, &system->store, err);

    if (rc == 0)
        rc = store_counters(store, counters, err);
    if (rc == 0)
        rc = store_count(store, ROW_SITE, &kept, &system->sites, err);
    if (rc == 0)
        rc = store_count(store, ROW_TENANT, &kept, &system->tenants, err);
    if (rc == 0)
        rc = read_imbalance(system, err);
    system->last_success_ms = counters[COUNTER_LAST_SUCCESS];
    return rc;
}

/* -- what is said ------------------------------------------------------------------------------ */

static void put_number(struct json_out *json, const char *name, bool known, int64_t value)
{
    answer_name(json, name);
    if (known)
        json_i64(json, value);
    else
        json_null(json);
}

static void put_seconds(struct json_out *json, const char *name, bool known, double seconds)
{
    answer_name(json, name);
    if (known)
        json_rate(json, seconds);
    else
        json_null(json);
}

static void put_store(struct json_out *json, const struct store_about *about)
{
    answer_name(json, "store");
    json_open(json, '{');
    answer_str(json, "kind", about->kind);
    put_number(json, "schema", true, about->schema);
    put_number(json, "bytes", true, about->bytes);
    json_close(json, '}');
}

static void put_redis(struct json_out *json, const struct api *api)
{
    struct api_redis redis;

    answer_name(json, "redis");
    if (api->redis == NULL) {
        json_null(json);
        return;
    }
    api->redis(api->server, &redis);
    json_open(json, '{');
    answer_name(json, "connected");
    json_bool(json, redis.connected);
    answer_str(json, "address", str_from(redis.address));
    answer_str(json, "version", str_from(redis.version));
    put_number(json, "usedBytes", redis.connected, (int64_t)redis.used_bytes);
    put_number(json, "maxBytes", redis.max_bytes > 0, (int64_t)redis.max_bytes);
    json_close(json, '}');
}

static void put_waiting(struct json_out *json, const struct system *system)
{
    int64_t pending = 0;
    bool known = gauge(system, METRICS_LOG_PENDING, &pending);

    answer_name(json, "queue");
    json_open(json, '{');
    put_number(json, "length", system->waiting_known, system->waiting.records);
    answer_moment(json, "oldestAt", system->waiting.oldest_ms);
    json_close(json, '}');
    answer_name(json, "log");
    json_open(json, '{');
    put_number(json, "pending", known, pending);
    json_close(json, '}');
}

static void put_job(struct json_out *json, const struct system *system)
{
    const struct api_waiting *waiting = &system->waiting;
    int64_t run_us = 0, interval_ms = system->call.api->aggregate_interval_ms;
    bool ran = gauge(system, METRICS_LAST_RUN, &run_us);

    answer_name(json, "job");
    json_open(json, '{');
    answer_moment(json, "lastSuccessAt", system->last_success_ms);
    put_seconds(json, "seconds", ran, (double)run_us / 1e6);
    put_seconds(json, "intervalSeconds", interval_ms > 0, (double)interval_ms / 1e3);
    answer_name(json, "late");
    if (system->waiting_known)
        json_bool(json, waiting->oldest_ms != 0 &&
                            system->call.now_ms - waiting->oldest_ms > API_LATE_MS);
    else
        json_null(json);
    json_close(json, '}');
}

static void put_system(const struct system *system)
{
    const struct api *api = system->call.api;
    struct json_out json = {.buf = &system->call.response->body};
    struct str node = api->node == NULL ? STR("") : api->node(api->server, system->call.arena);

    json_open(&json, '{');
    answer_str(&json, "version", STR(ABACUS_VERSION));
    answer_moment(&json, "startedAt", api->started_ms);
    answer_str(&json, "node", node);
    put_store(&json, &system->store);
    put_redis(&json, api);
    put_waiting(&json, system);
    put_job(&json, system);
    answer_name(&json, "ledger");
    json_open(&json, '{');
    put_number(&json, "imbalance", true, system->imbalance);
    json_close(&json, '}');
    put_number(&json, "sites", true, system->sites);
    put_number(&json, "tenants", true, system->tenants);
    json_close(&json, '}');
}

/* -- the way ----------------------------------------------------------------------------------- */

static bool is_platform(struct call *call)
{
    if ((call->caller.platform & SCOPE_ADMIN) != 0)
        return true;
    http_problem(call->response, 403, STR("this is for who manages the whole installation"),
                 STR(""));
    return false;
}

void system_get(const struct http_request *request, struct http_response *response)
{
    struct system system = {.waiting_known = false};
    struct call *call = &system.call;
    struct err err = {0};

    http_header(response, STR("Cache-Control"), STR("no-store"));
    if (call_open(call, request, response, SCOPE_ADMIN) && call_no_params(call) &&
        is_platform(call)) {
        system.form = (struct form){.request = request, .response = response, .api = call->api};
        if (form_done(&system.form, read_store(&system, &err), &err)) {
            system.waiting_known = api_waiting_read(call->api, call->worker->store, call->arena,
                                                    &system.waiting, &err) == 0;
            put_system(&system);
        }
    }
    call_close(call);
}
