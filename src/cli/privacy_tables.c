/* cli/privacy_tables.c -- what the kinds of things kept are to a visitor, and which settings of a
 * site protect visitors less than the defaults do. */
#include "cli/privacy.h"

#include "aggregate/aggregate.h"
#include "event/event.h"

/* -- kinds -- */

const struct privacy_kind privacy_kinds[HOLDINGS] = {
    [HOLDING_EVENTS] = {"rawEvents", "raw events", KEEP_RAW_DAYS, true},
    [HOLDING_VISITS] = {"visits", "visits", KEEP_RAW_DAYS, true},
    [HOLDING_SKETCHES] = {"distinctSets", "sets of visitors", KEEP_RAW_DAYS, true},
    [HOLDING_EVENT_PARTS] = {"packedEvents", "packed days: events", KEEP_RAW_DAYS, false},
    [HOLDING_VISIT_PARTS] = {"packedVisits", "packed days: visits", KEEP_VISIT_DAYS, false},
    [HOLDING_PACKS] = {"packs", "packed days: all", KEEP_STATS_DAYS, false},
    [HOLDING_DAYS] = {"dailyStats", "daily stats", KEEP_STATS_DAYS, false},
    [HOLDING_HOURS] = {"hourlyStats", "hourly stats", KEEP_STATS_DAYS, false},
    [HOLDING_LEDGER] = {"ledger", "ledger", KEEP_STATS_DAYS, false},
    [HOLDING_KEYS] = {"idempotencyKeys", "idempotency keys", KEEP_KEY_DAYS, false},
    [HOLDING_AUDIT] = {"auditLog", "audit log", KEEP_AUDIT_DAYS, false},
    [HOLDING_TOKENS] = {"tokens", "API tokens, hashed", KEEP_UNTIL_REMOVED, false},
    [HOLDING_SITES] = {"sites", "sites", KEEP_UNTIL_REMOVED, false},
    [HOLDING_TENANTS] = {"tenants", "tenants", KEEP_UNTIL_REMOVED, false},
};

int64_t privacy_keep_days(const struct privacy *privacy, enum privacy_keep keep)
{
    const struct settings *settings = privacy->in->settings;
    const int64_t days[] = {
        [KEEP_RAW_DAYS] = settings->raw_days,     [KEEP_VISIT_DAYS] = settings->visit_days,
        [KEEP_STATS_DAYS] = settings->stats_days, [KEEP_AUDIT_DAYS] = settings->audit_days,
        [KEEP_KEY_DAYS] = RETENTION_KEY_DAYS,     [KEEP_UNTIL_REMOVED] = -1,
    };
    return days[keep];
}

/* -- settings -- */

static bool put_if(bool laxer, struct str text, struct json_out *json)
{
    if (laxer) {
        json_raw(json, text);
    }
    return laxer;
}

static bool full_address(const struct site *site, const struct settings *settings,
                         struct json_out *json)
{
    (void)settings;
    return put_if(site->identity == IDENTITY_FULL_ADDRESS, STR("\"full-address\""), json);
}

static bool stores_prefix(const struct site *site, const struct settings *settings,
                          struct json_out *json)
{
    (void)settings;
    return put_if(site->store_prefix, STR("true"), json);
}

static bool masks_nothing(const struct site *site, const struct settings *settings,
                          struct json_out *json)
{
    (void)settings;
    return put_if(!site->mask_personal, STR("false"), json);
}

static bool ignores_gpc(const struct site *site, const struct settings *settings,
                        struct json_out *json)
{
    (void)settings;
    return put_if(!site->respect_gpc, STR("false"), json);
}

static bool keeps_params(const struct site *site, const struct settings *settings,
                         struct json_out *json)
{
    (void)settings;
    if (site->query_params_count > 0) {
        json_open(json, '[');
        for (size_t i = 0; i < site->query_params_count; i++) {
            json_str(json, site->query_params[i]);
        }
        json_close(json, ']');
    }
    return site->query_params_count > 0;
}

/* 1: longer than the other, -1: shorter; 0 days are for ever. */
static int compare_days(int64_t days, int64_t other)
{
    int64_t a = days == 0 ? INT64_MAX : days, b = other == 0 ? INT64_MAX : other;
    return (a > b) - (a < b);
}

static bool put_days(int64_t days, int64_t installation, struct json_out *json)
{
    bool longer = compare_days(days, installation) > 0;
    if (longer) {
        json_i64(json, days);
    }
    return longer;
}

static bool raw_days(const struct site *site, const struct settings *settings,
                     struct json_out *json)
{
    return put_days(site->raw_days, settings->raw_days, json);
}

static bool visit_days(const struct site *site, const struct settings *settings,
                       struct json_out *json)
{
    return put_days(site->visit_days, settings->visit_days, json);
}

static bool stats_days(const struct site *site, const struct settings *settings,
                       struct json_out *json)
{
    return put_days(site->stats_days, settings->stats_days, json);
}

/* A prefix is never longer than the default: the bounds of the settings end there. */
const struct privacy_setting privacy_settings[] = {
    {"visitorIdentity", full_address},   {"storeIpPrefix", stores_prefix},
    {"maskPersonal", masks_nothing},     {"respectGpc", ignores_gpc},
    {"queryParams", keeps_params},       {"retention.rawDays", raw_days},
    {"retention.visitDays", visit_days}, {"retention.statsDays", stats_days},
};
const size_t privacy_settings_count = sizeof(privacy_settings) / sizeof(privacy_settings[0]);

bool privacy_is_laxer(const struct site *site, const struct settings *settings)
{
    struct buf nowhere = {0};
    bool laxer = false;
    for (size_t i = 0; !laxer && i < privacy_settings_count; i++) {
        struct json_out json = {.buf = &nowhere};
        laxer = privacy_settings[i].value(site, settings, &json);
    }
    buf_release(&nowhere);
    return laxer;
}

int privacy_keeps_longer(const struct site *site, const struct settings *settings)
{
    const int each[] = {compare_days(site->raw_days, settings->raw_days),
                        compare_days(site->visit_days, settings->visit_days),
                        compare_days(site->stats_days, settings->stats_days)};
    int sum = 0;
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        sum = each[i] > 0 || (each[i] < 0 && sum == 0) ? each[i] : sum;
    }
    return sum;
}
