/*
 * api/check.c -- GET /api/analytics/check: whether a site's events come, and what lately kept them
 * from being counted (api/sightings.h), as this node has seen it.
 *
 * What is known only by the host of a page is shown to the site that names the host most closely:
 * by its domain, or an allowed origin. A host that sites of several tenants name equally closely is
 * nobody's, so that no tenant sees what comes from another's pages by naming them, too. (By naming
 * a host of another's domain more closely it would: whose a domain is nobody knows.)
 */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "api/sightings.h"

enum {
    CHECK_HOSTS_MAX = 50,              /* of hosts' sightings those looked at, the newest */
    SILENT_WITHIN_MS = 10 * 60 * 1000, /* a script that was loaded longer ago tells nothing */
    /* A page sends its first event while it loads; one that is older than this when everything
     * received up to now is counted has sent none. */
    SILENT_AFTER_MS = 10 * 1000,
};

const struct http_param check_params[] = {READER_SITE_PARAMS, {NULL, NULL, HTTP_PARAM_OPTIONAL}};

struct check {
    struct reader *reader;
    int64_t first_ms, last_ms, script_ms; /* 0: none */
    struct sighting problems[SIGHTINGS_OF_SET + CHECK_HOSTS_MAX];
    size_t count;
};

/* -- whose pages a host's are ------------------------------------------------------------------ */

/* sighting_host_fn: the site may be the one. */
static bool names_host(const void *ctx, struct str host)
{
    return site_names_host(ctx, host) > 0;
}

static bool is_of_site(const struct reader *reader, struct str host)
{
    const struct site *const *all;
    size_t count = snapshot_sites(reader->snapshot, STR(""), &all);
    size_t closeness = site_names_host(reader->site, host);

    for (size_t i = 0; i < count; i++) {
        size_t other = all[i] == reader->site ? 0 : site_names_host(all[i], host);

        if (other > closeness ||
            (other == closeness && !str_eq(all[i]->tenant, reader->site->tenant)))
            return false;
    }
    return true;
}

/* -- what was seen ----------------------------------------------------------------------------- */

/* The same seen at the site and at its pages' hosts is one problem; the newest comes first. */
static void add_problem(struct check *check, const struct sighting *one)
{
    for (size_t i = 0; i < check->count; i++) {
        struct sighting *problem = &check->problems[i];

        if (problem->kind == one->kind && str_eq(problem->detail, one->detail)) {
            problem->count += one->count;
            return;
        }
    }
    check->problems[check->count++] = *one;
}

/* Hosts are anybody's to make up: many of them hide nothing that was seen at the site itself. */
static void find_problems(struct check *check)
{
    const struct reader *reader = check->reader;
    struct sighting *all = NULL;
    size_t hosts = 0;
    size_t count =
        reader->api->sightings == NULL
            ? 0
            : sightings_list(reader->api->sightings, reader->site->tenant, reader->site->id,
                             names_host, reader->site, reader->now_ms, reader->arena, &all);

    for (size_t i = 0; i < count; i++) {
        if (all[i].host.len > 0 && (hosts++ >= CHECK_HOSTS_MAX || !is_of_site(reader, all[i].host)))
            continue;
        if (all[i].kind != SIGHT_SCRIPT)
            add_problem(check, &all[i]);
        else if (all[i].at_ms > check->script_ms)
            check->script_ms = all[i].at_ms;
    }
}

/* The script was loaded and nothing came, neither an event nor what would be a problem. */
static bool is_silent(const struct check *check)
{
    const struct reader *reader = check->reader;
    bool silent = check->script_ms > check->last_ms &&
                  reader->now_ms - check->script_ms <= SILENT_WITHIN_MS &&
                  reader->as_of_ms - check->script_ms >= SILENT_AFTER_MS;

    for (size_t i = 0; silent && i < check->count; i++)
        silent =
            check->problems[i].kind == SIGHT_PROXY || check->problems[i].at_ms < check->script_ms;
    return silent;
}

/* -- the answer -------------------------------------------------------------------------------- */

static void put_problem(struct json_out *json, const char *kind, const struct sighting *problem)
{
    json_open(json, '{');
    answer_str(json, "kind", str_from(kind));
    answer_str(json, "detail", problem->detail);
    answer_instant(json, "at", problem->at_ms);
    answer_name(json, "count");
    json_i64(json, (int64_t)problem->count);
    json_close(json, '}');
}

static void answer(const struct check *check)
{
    const struct reader *reader = check->reader;
    const struct sighting silent = {.detail = STR(""), .at_ms = check->script_ms, .count = 1};
    struct json_out json = {.buf = &reader->response->body};

    json_open(&json, '{');
    answer_str(&json, "siteId", reader->site->id);
    answer_str(&json, "tenantId", reader->site->tenant);
    answer_str(&json, "domain", reader->site->domain);
    answer_moment(&json, "asOf", reader->as_of_ms);
    answer_moment(&json, "firstEventAt", check->first_ms);
    answer_moment(&json, "lastEventAt", check->last_ms);
    answer_moment(&json, "scriptLoadedAt", check->script_ms);
    answer_name(&json, "problems");
    json_open(&json, '[');
    if (is_silent(check))
        put_problem(&json, "silent", &silent);
    for (size_t i = 0; i < check->count; i++)
        put_problem(&json, sighting_name(check->problems[i].kind), &check->problems[i]);
    json_close(&json, ']');
    json_close(&json, '}');
}

void check_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;
    struct check check = {.reader = &reader};
    struct err err = {0};

    if (reader_open(&reader, request, response, check_params) && reader_resolve_site(&reader) &&
        reader_begin(&reader) &&
        reader_done(&reader,
                    store_site_span(reader.store, reader.site->tenant, reader.site->id,
                                    &check.first_ms, &check.last_ms, &err),
                    &err)) {
        find_problems(&check);
        answer(&check);
    }
    reader_close(&reader);
}
