/*
 * store/rows.c -- what rows may hold, the same for every backend.
 *
 * The members of a site are one table: it checks the bounds of AnalyticsSettings, compares two
 * rows, and gives the SQL backends their columns. The bounds also stand as CHECK constraints in the
 * schema, for whoever writes there without this program.
 */
#include "store/store_backend.h"

#include "base/date.h"
#include "base/json.h"

#include <stddef.h>
#include <stdlib.h>

_Static_assert(sizeof(struct stats) == 15 * sizeof(int64_t), "struct stats is an array of sums");
_Static_assert(offsetof(struct stats, estimated) == 14 * sizeof(int64_t), "whose last is no sum");

void stats_to_array(const struct stats *stats, int64_t out[STATS_COUNT])
{
    memcpy(out, stats, sizeof(*stats));
}

struct stats stats_from_array(const int64_t values[STATS_COUNT])
{
    struct stats stats;

    memcpy(&stats, values, sizeof(stats));
    return stats;
}

int64_t *stats_counter(struct stats *stats, enum event_kind kind)
{
    switch (kind) {
    case EVENT_PAGEVIEW:
        return &stats->pageviews;
    case EVENT_LEAD_CREATED:
        return &stats->leads;
    case EVENT_FORM_SUBMIT:
        return &stats->forms;
    case EVENT_AUTOMATION_RUN:
        return &stats->automation_runs;
    case EVENT_EXPORT_COMPLETED:
        return &stats->exports;
    case EVENT_AI_USAGE:
        return &stats->ai_tokens;
    case EVENT_ENGAGEMENT:
    case EVENT_CUSTOM:
    case EVENT_KINDS:
        break;
    }
    return NULL;
}

enum {
    LIST_BYTES_MAX = 65536,
    DAYS_MAX = 36500, /* a hundred years */
};

const struct site_member site_members[SITE_MEMBERS] = {
    {"siteId", offsetof(struct site_row, id), MEMBER_ID, 1, 64},
    {"tenantId", offsetof(struct site_row, tenant), MEMBER_ID, 1, 64},
    {"domain", offsetof(struct site_row, domain), MEMBER_TEXT, 1, 253},
    {"timezone", offsetof(struct site_row, timezone), MEMBER_TEXT, 1, 64},
    {"enabled", offsetof(struct site_row, enabled), MEMBER_BOOL, 0, 1},
    {"respectGpc", offsetof(struct site_row, respect_gpc), MEMBER_BOOL, 0, 1},
    {"respectDnt", offsetof(struct site_row, respect_dnt), MEMBER_BOOL, 0, 1},
    {"maskPersonal", offsetof(struct site_row, mask_personal), MEMBER_BOOL, 0, 1},
    {"visitorIdentity", offsetof(struct site_row, visitor_identity), MEMBER_TEXT, 1, 64},
    {"ipv4Prefix", offsetof(struct site_row, ipv4_prefix), MEMBER_INT32, 0, 24},
    {"ipv6Prefix", offsetof(struct site_row, ipv6_prefix), MEMBER_INT32, 0, 48},
    {"storeIpPrefix", offsetof(struct site_row, store_ip_prefix), MEMBER_BOOL, 0, 1},
    {"trackingIds", offsetof(struct site_row, tracking_ids), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"allowedOrigins", offsetof(struct site_row, allowed_origins), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"queryParams", offsetof(struct site_row, query_params), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"blockedAddresses", offsetof(struct site_row, blocked_addresses), MEMBER_LIST, 0,
     LIST_BYTES_MAX},
    {"blockedPaths", offsetof(struct site_row, blocked_paths), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"events", offsetof(struct site_row, disabled_events), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"fields", offsetof(struct site_row, disabled_fields), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"requireToken", offsetof(struct site_row, require_token), MEMBER_LIST, 0, LIST_BYTES_MAX},
    {"blockedCountries", offsetof(struct site_row, blocked_countries), MEMBER_LIST, 0,
     LIST_BYTES_MAX},
    {"blockedReferrers", offsetof(struct site_row, blocked_referrers), MEMBER_LIST, 0,
     LIST_BYTES_MAX},
    {"goals", offsetof(struct site_row, goals), MEMBER_JSON, 0, LIST_BYTES_MAX},
    {"pathRules", offsetof(struct site_row, path_rules), MEMBER_JSON, 0, LIST_BYTES_MAX},
    {"limits.eventsPerSecond", offsetof(struct site_row, events_per_second), MEMBER_INT64, 0,
     1000000000},
    {"limits.pathsPerDay", offsetof(struct site_row, paths_per_day), MEMBER_INT64, 1, 10000000},
    {"retention.rawDays", offsetof(struct site_row, raw_days), MEMBER_DAYS, -1, DAYS_MAX},
    {"retention.visitDays", offsetof(struct site_row, visit_days), MEMBER_DAYS, -1, DAYS_MAX},
    {"retention.statsDays", offsetof(struct site_row, stats_days), MEMBER_DAYS, -1, DAYS_MAX},
};

struct site_row site_row_default(void)
{
    return (struct site_row){
        .id = STR(""),
        .tenant = STR(""),
        .domain = STR(""),
        .timezone = STR("UTC"),
        .enabled = true,
        .respect_gpc = true,
        .mask_personal = true,
        .visitor_identity = STR("cut-address"),
        .ipv4_prefix = 24,
        .ipv6_prefix = 48,
        .paths_per_day = 10000,
        .raw_days = -1,
        .visit_days = -1,
        .stats_days = -1,
    };
}

/* -- visits ------------------------------------------------------------------------------------ */

const char *const visit_text_names[VISIT_TEXTS] = {
    [TRAIT_SOURCE] = "source",
    [TRAIT_CHANNEL] = "channel",
    [TRAIT_UTM_SOURCE] = "utm_source",
    [TRAIT_UTM_MEDIUM] = "utm_medium",
    [TRAIT_UTM_CAMPAIGN] = "utm_campaign",
    [TRAIT_UTM_CONTENT] = "utm_content",
    [TRAIT_UTM_TERM] = "utm_term",
    [TRAIT_COUNTRY] = "country",
    [TRAIT_BROWSER] = "browser",
    [TRAIT_OS] = "os",
    [TRAIT_DEVICE] = "device",
    [TRAIT_LANGUAGE] = "language",
    [VISIT_ENTRY_PATH] = "entry_path",
    [VISIT_EXIT_PATH] = "exit_path",
    [VISIT_REFERRER] = "referrer",
    [VISIT_SCREEN] = "screen",
    [VISIT_ENTRY_NAME] = "entry_name",
};

/* -- members of any type ----------------------------------------------------------------------- */

static const void *member_at(const struct site_row *row, const struct site_member *member)
{
    return (const char *)row + member->offset;
}

static struct str member_str(const struct site_row *row, const struct site_member *member)
{
    return *(const struct str *)member_at(row, member);
}

static int64_t member_number(const struct site_row *row, const struct site_member *member)
{
    switch (member->type) {
    case MEMBER_BOOL:
        return *(const bool *)member_at(row, member);
    case MEMBER_INT32:
    case MEMBER_DAYS:
        return *(const int32_t *)member_at(row, member);
    case MEMBER_INT64:
        return *(const int64_t *)member_at(row, member);
    case MEMBER_ID:
    case MEMBER_TEXT:
    case MEMBER_LIST:
    case MEMBER_JSON:
        return (int64_t)member_str(row, member).len;
    }
    return 0;
}

bool member_is_json(const struct site_member *member)
{
    return member->type == MEMBER_LIST || member->type == MEMBER_JSON;
}

bool member_is_text(const struct site_member *member)
{
    return member->type == MEMBER_ID || member->type == MEMBER_TEXT || member_is_json(member);
}

/* -- bounds ------------------------------------------------------------------------------------ */

static bool list_is_strings(struct str list, bool ids, struct arena *arena)
{
    struct json *json = NULL;

    if (json_parse(list, 1, arena, &json, NULL) != 0 || json->type != JSON_ARRAY)
        return false;
    for (size_t i = 0; i < json->count; i++)
        if (json->items[i].type != JSON_STRING || (ids && !str_is_id(json->items[i].text)))
            return false;
    return true;
}

static int list_check(const struct site_row *row, const struct site_member *member, struct err *err)
{
    struct str list = member_str(row, member);
    bool ids = member->offset == offsetof(struct site_row, tracking_ids);
    struct arena arena = {0};
    bool good = list.len == 0 || list_is_strings(list, ids, &arena);

    arena_free(&arena);
    return good ? 0
                : err_set(err, ERR_INVALID, "%s is not a list of %s", member->name,
                          ids ? "ids" : "texts");
}

static int no_field(size_t index, struct err *err)
{
    struct buf known = {0};

    for (unsigned f = 0; f + 1 < FIELDS; f++)
        buf_addf(&known, "%s%.*s", f > 0 ? ", " : "", STR_FMT(field_name((enum field)f)));
    int rc = err_set(err, ERR_INVALID, "fields[%zu]: must be %.*s or %.*s", index,
                     STR_FMT(buf_str(&known)), STR_FMT(field_name(FIELDS - 1)));

    buf_release(&known);
    return rc;
}

/* `list` is one of texts, or empty. */
static int fields_check(struct str list, struct err *err)
{
    struct json *json = NULL;
    struct arena arena = {0};
    int rc = list.len == 0 ? 0 : json_parse(list, 1, &arena, &json, err);

    for (size_t i = 0; rc == 0 && json != NULL && i < json->count; i++)
        if (field_of(json->items[i].text) == FIELDS)
            rc = no_field(i, err);
    arena_free(&arena);
    return rc;
}

/* Where they are wrong is said by who reads them. */
static int rules_check(const struct site_row *row, const struct site_member *member,
                       struct err *err)
{
    struct str text = member_str(row, member);
    struct arena arena = {0};
    struct path_rule *rules;
    struct goal *goals;
    size_t count;
    int rc = member->offset == offsetof(struct site_row, goals)
                 ? goals_parse(text, &arena, &goals, &count, err)
                 : path_rules_parse(text, &arena, &rules, &count, err);

    arena_free(&arena);
    return rc;
}

static int member_check(const struct site_row *row, const struct site_member *member,
                        struct err *err)
{
    int64_t number = member_number(row, member);

    if (member->type == MEMBER_ID && !str_is_id(member_str(row, member)))
        return err_set(err, ERR_INVALID, "%s is not [A-Za-z0-9_-]{1,64}", member->name);
    if (number < member->min || number > member->max)
        return err_set(err, ERR_INVALID, "%s must %s %lld to %lld", member->name,
                       member_is_text(member) ? "have" : "be", (long long)member->min,
                       (long long)member->max);
    if (member->type == MEMBER_LIST)
        return list_check(row, member, err);
    return member->type == MEMBER_JSON ? rules_check(row, member, err) : 0;
}

int site_row_check(const struct site_row *row, struct err *err)
{
    for (size_t i = 0; i < SITE_MEMBERS; i++) {
        int rc = member_check(row, &site_members[i], err);

        if (rc != 0)
            return rc;
    }
    if (!str_eq(row->visitor_identity, STR("cut-address")) &&
        !str_eq(row->visitor_identity, STR("full-address")))
        return err_set(err, ERR_INVALID, "visitorIdentity must be cut-address or full-address");
    return fields_check(row->disabled_fields, err);
}

int tenant_row_check(const struct tenant_row *row, struct err *err)
{
    if (!str_is_id(row->id))
        return err_set(err, ERR_INVALID, "the tenant's id is not [A-Za-z0-9_-]{1,64}");
    if (row->name.len < 1 || row->name.len > 200)
        return err_set(err, ERR_INVALID, "the tenant's name must have 1 to 200 bytes");
    return 0;
}

int token_row_check(const struct token_row *row, struct err *err)
{
    const unsigned all = SCOPE_STATS_READ | SCOPE_EVENTS_WRITE | SCOPE_ADMIN | SCOPE_METRICS;

    if (!str_is_id(row->id))
        return err_set(err, ERR_INVALID, "the token's id is not [A-Za-z0-9_-]{1,64}");
    if (row->scopes == 0 || (row->scopes & ~all) != 0)
        return err_set(err, ERR_INVALID, "a token needs scopes, and only known ones");
    if (row->platform ? row->tenant.len + row->site.len > 0 : row->tenant.len == 0)
        return err_set(err, ERR_INVALID, "a token is the platform's or one tenant's");
    return 0;
}

/* -- equality ---------------------------------------------------------------------------------- */

bool site_row_equal(const struct site_row *a, const struct site_row *b)
{
    for (size_t i = 0; i < SITE_MEMBERS; i++) {
        const struct site_member *m = &site_members[i];

        if (member_number(a, m) != member_number(b, m) ||
            (member_is_text(m) && !str_eq(member_str(a, m), member_str(b, m))))
            return false;
    }
    return true;
}

bool tenant_row_equal(const struct tenant_row *a, const struct tenant_row *b)
{
    return str_eq(a->id, b->id) && str_eq(a->name, b->name) && a->active == b->active;
}

bool token_row_equal(const struct token_row *a, const struct token_row *b)
{
    return str_eq(a->id, b->id) && str_eq(a->tenant, b->tenant) && str_eq(a->site, b->site) &&
           a->platform == b->platform && a->scopes == b->scopes &&
           memcmp(a->hash, b->hash, TOKEN_HASH_BYTES) == 0 && a->expires_ms == b->expires_ms;
}

/* -- texts ------------------------------------------------------------------------------------- */

void keep_texts(struct arena *arena, struct str *texts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += texts[i].len;
    char *to = arena_bytes(arena, len + 1);

    for (size_t i = 0; i < count; i++) {
        if (texts[i].len > 0)
            memcpy(to, texts[i].ptr, texts[i].len);
        texts[i].ptr = to;
        to += texts[i].len;
    }
    *to = '\0';
}

/* -- raw rows of a batch ----------------------------------------------------------------------- */

static int by_site_and_time(const void *a, const void *b)
{
    const struct event *x = *(const struct event *const *)a, *y = *(const struct event *const *)b;
    int order = x->site.ptr == y->site.ptr ? 0 : str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
    return order != 0 ? order : (x > y) - (x < y);
}

static bool is_sorted(const struct event *const *events, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (events[i - 1]->time_ms > events[i]->time_ms &&
            str_eq(events[i - 1]->site, events[i]->site))
            return false;
    return true;
}

const struct event **batch_sorted_events(const struct store_batch *batch)
{
    const struct event **sorted = store_alloc(batch->events_count * sizeof(struct event *));

    memcpy(sorted, batch->events, batch->events_count * sizeof(sorted[0]));
    if (!is_sorted(sorted, batch->events_count))
        qsort(sorted, batch->events_count, sizeof(sorted[0]), by_site_and_time);
    return sorted;
}
