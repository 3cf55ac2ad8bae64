/*
 * store/row_types.c -- what rows of each kind are made of: one table for the checks, the SQL
 * backends, copies between rows and the settings.
 *
 * The bounds also stand as CHECK constraints in the schema, for whoever writes there without this
 * program.
 */
#include "store/row_checks.h"

#include "base/date.h"

#include <stddef.h>

enum {
    JSON_BYTES_MAX = 65536, /* of a list, of goals, of a tenant's settings */
    DAYS_MAX = 36500,       /* a hundred years */
    EMAIL_BYTES_MAX = 254,  /* RFC 3696, erratum 1690 */
    NAME_BYTES_MAX = 200,
    PASSWORD_BYTES_MAX = 128, /* crypto_pwhash_STRBYTES */
    TOTP_BYTES_MAX = 128,
    ACTOR_BYTES_MAX = 300, /* "user:" and an address */
};
#define PER_SECOND_MAX INT64_C(1000000000)
#define LIMIT_MAX INT64_C(1000000) /* of sites, of reads in a minute */
#define PER_MONTH_MAX INT64_C(1000000000000)

/* A member of `struct ROW`: its name, its column, where it stands, its type, min, max, use and what
 * else there is to say. */
#define MEMBER(row, title, sql, field, kind, least, most, ...)                                     \
    {                                                                                              \
        .name = title, .column = #sql, .offset = offsetof(struct row, field), .type = kind,        \
        .min = least, .max = most, .use = __VA_ARGS__                                              \
    }
#define ID(row, name, column, member, ...)                                                         \
    MEMBER(row, name, column, member, MEMBER_ID, 1, 64, __VA_ARGS__)
#define LIST(row, name, column, member, ...)                                                       \
    MEMBER(row, name, column, member, MEMBER_LIST, 0, JSON_BYTES_MAX, __VA_ARGS__)
#define JSON(row, name, column, member, ...)                                                       \
    MEMBER(row, name, column, member, MEMBER_JSON, 0, JSON_BYTES_MAX, __VA_ARGS__)
#define BOOL(row, name, column, member)                                                            \
    MEMBER(row, name, column, member, MEMBER_BOOL, 0, 1, USE_FREE)
/* An instant, 0 where there is none. */
#define INSTANT(row, name, column)                                                                 \
    MEMBER(row, name, column, column, MEMBER_INT64, 0, INT64_MAX, USE_FREE)
#define MADE(row)                                                                                  \
    MEMBER(row, "createdAt", created_ms, created_ms, MEMBER_INT64, INT64_MIN, INT64_MAX, USE_MADE)

/* -- tenants ----------------------------------------------------------------------------------- */

static const struct row_member tenant_members[] = {
    ID(tenant_row, "id", id, id, USE_FIXED),
    MEMBER(tenant_row, "name", name, name, MEMBER_TEXT, 1, NAME_BYTES_MAX, USE_FREE),
    BOOL(tenant_row, "status", active, active),
    MADE(tenant_row),
    MEMBER(tenant_row, "limits.eventsPerSecond", events_per_second, events_per_second, MEMBER_INT64,
           0, PER_SECOND_MAX, USE_FREE),
    MEMBER(tenant_row, "limits.eventsPerMonth", events_per_month, events_per_month, MEMBER_INT64, 0,
           PER_MONTH_MAX, USE_FREE),
    MEMBER(tenant_row, "limits.sites", sites_max, sites_max, MEMBER_INT64, 0, LIMIT_MAX, USE_FREE),
    MEMBER(tenant_row, "limits.readsPerMinute", reads_per_minute, reads_per_minute, MEMBER_INT64, 0,
           LIMIT_MAX, USE_FREE),
    LIST(tenant_row, "embedOrigins", embed_origins, embed_origins, USE_FREE,
         .check = check_origins),
    JSON(tenant_row, "settings", settings, settings, USE_FREE, .check = check_settings),
    INSTANT(tenant_row, "eraseAt", erase_ms),
};

struct tenant_row tenant_row_default(void)
{
    return (struct tenant_row){
        .id = STR(""),
        .name = STR(""),
        .active = true,
        .reads_per_minute = READS_PER_MINUTE,
        .embed_origins = STR(""),
        .settings = STR(""),
    };
}

/* -- sites ------------------------------------------------------------------------------------- */

#define SITE_BOOL(name, column) BOOL(site_row, name, column, column)
#define SITE_LIST(name, column) LIST(site_row, name, column, column, USE_FREE)
#define CHECKED_LIST(name, column, how)                                                            \
    LIST(site_row, name, column, column, USE_FREE, .check = (how))
#define SITE_DAYS(name, column)                                                                    \
    MEMBER(site_row, name, column, column, MEMBER_DAYS, -1, DAYS_MAX, USE_FREE)

const struct row_member site_members[] = {
    ID(site_row, "siteId", site_id, id, USE_FIXED),
    ID(site_row, "tenantId", tenant_id, tenant, USE_FIXED),
    MEMBER(site_row, "domain", domain, domain, MEMBER_TEXT, 1, 253, USE_FREE),
    MEMBER(site_row, "timezone", timezone, timezone, MEMBER_TEXT, 1, 64, USE_FREE),
    SITE_BOOL("enabled", enabled),
    SITE_BOOL("respectGpc", respect_gpc),
    SITE_BOOL("respectDnt", respect_dnt),
    SITE_BOOL("maskPersonal", mask_personal),
    MEMBER(site_row, "visitorIdentity", visitor_identity, visitor_identity, MEMBER_TEXT, 1, 64,
           USE_FREE, .check = check_identity),
    MEMBER(site_row, "ipv4Prefix", ipv4_prefix, ipv4_prefix, MEMBER_INT32, 0, 24, USE_FREE),
    MEMBER(site_row, "ipv6Prefix", ipv6_prefix, ipv6_prefix, MEMBER_INT32, 0, 48, USE_FREE),
    SITE_BOOL("storeIpPrefix", store_ip_prefix),
    CHECKED_LIST("trackingIds", tracking_ids, check_tracking_ids),
    SITE_LIST("allowedOrigins", allowed_origins),
    SITE_LIST("queryParams", query_params),
    SITE_LIST("blockedAddresses", blocked_addresses),
    SITE_LIST("blockedPaths", blocked_paths),
    SITE_LIST("events", disabled_events),
    CHECKED_LIST("fields", disabled_fields, check_fields),
    SITE_LIST("requireToken", require_token),
    SITE_LIST("blockedCountries", blocked_countries),
    SITE_LIST("blockedReferrers", blocked_referrers),
    JSON(site_row, "goals", goals, goals, USE_FREE, .check = check_goals),
    JSON(site_row, "pathRules", path_rules, path_rules, USE_FREE, .check = check_path_rules),
    SITE_BOOL("publicDashboard", public_dashboard),
    SITE_LIST("publicMetrics", public_metrics),
    MEMBER(site_row, "limits.eventsPerSecond", events_per_second, events_per_second, MEMBER_INT64,
           0, PER_SECOND_MAX, USE_FREE),
    MEMBER(site_row, "limits.eventsPerMonth", events_per_month, events_per_month, MEMBER_INT64, 0,
           PER_MONTH_MAX, USE_FREE),
    MEMBER(site_row, "limits.pathsPerDay", paths_per_day, paths_per_day, MEMBER_INT64, 1, 10000000,
           USE_FREE),
    SITE_DAYS("retention.rawDays", raw_days),
    SITE_DAYS("retention.visitDays", visit_days),
    SITE_DAYS("retention.statsDays", stats_days),
    CHECKED_LIST("pinned", pinned, check_pinned),
    MADE(site_row),
    INSTANT(site_row, "eraseAt", erase_ms),
};
_Static_assert(sizeof(site_members) / sizeof(site_members[0]) == SITE_MEMBERS + 2,
               "settings, then when it was made and when it is to be erased");

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

/* -- tokens ------------------------------------------------------------------------------------ */

static const struct row_member token_members[] = {
    ID(token_row, "id", id, id, USE_FIXED),
    MEMBER(token_row, "name", name, name, MEMBER_TEXT, 0, NAME_BYTES_MAX, USE_FREE),
    ID(token_row, "tenantId", tenant_id, tenant, USE_FIXED, .optional = true),
    ID(token_row, "siteId", site_id, site, USE_FIXED, .optional = true),
    MEMBER(token_row, "platform", platform, platform, MEMBER_BOOL, 0, 1, USE_FIXED),
    MEMBER(token_row, "scopes", scopes, scopes, MEMBER_INT32, 1, 15, USE_FREE),
    MEMBER(token_row, "token", hash, hash, MEMBER_BYTES32, 0, 0, USE_FIXED),
    MADE(token_row),
    MEMBER(token_row, "expiresAt", expires_ms, expires_ms, MEMBER_INT64, INT64_MIN, INT64_MAX,
           USE_FREE),
};

/* -- people ------------------------------------------------------------------------------------ */

static const struct row_member user_members[] = {
    MEMBER(user_row, "id", id, id, MEMBER_TEXT, 3, EMAIL_BYTES_MAX, USE_FIXED,
           .check = check_email),
    MEMBER(user_row, "name", name, name, MEMBER_TEXT, 0, NAME_BYTES_MAX, USE_FREE),
    MEMBER(user_row, "password", password, password, MEMBER_TEXT, 0, PASSWORD_BYTES_MAX, USE_FREE),
    MEMBER(user_row, "totp", totp, totp, MEMBER_TEXT, 0, TOTP_BYTES_MAX, USE_FREE,
           .check = check_base32),
    MEMBER(user_row, "totpStep", totp_step, totp_step, MEMBER_INT64, 0, INT64_MAX, USE_FREE),
    BOOL(user_row, "admin", admin, admin),
    JSON(user_row, "memberships", memberships, memberships, USE_FREE, .check = check_memberships),
    MEMBER(user_row, "payloadId", payload_id, payload_id, MEMBER_TEXT, 0, NAME_BYTES_MAX, USE_FREE),
    MADE(user_row),
    INSTANT(user_row, "signedInAt", signed_in_ms),
};

static const struct row_member session_members[] = {
    MEMBER(session_row, "id", id, id, MEMBER_TEXT, 64, 64, USE_FIXED, .check = check_hash),
    MEMBER(session_row, "user", user_id, user, MEMBER_TEXT, 0, EMAIL_BYTES_MAX, USE_FIXED,
           .optional = true),
    MEMBER(session_row, "kind", kind, kind, MEMBER_INT32, 0, SESSION_SETUP, USE_FIXED),
    MADE(session_row),
    INSTANT(session_row, "seenAt", seen_ms),
    INSTANT(session_row, "expiresAt", expires_ms),
};

static const struct row_member link_members[] = {
    ID(link_row, "id", id, id, USE_FIXED),
    ID(link_row, "tenantId", tenant_id, tenant, USE_FIXED),
    ID(link_row, "siteId", site_id, site, USE_FIXED),
    MEMBER(link_row, "name", name, name, MEMBER_TEXT, 0, NAME_BYTES_MAX, USE_FREE),
    MEMBER(link_row, "password", password, password, MEMBER_TEXT, 0, PASSWORD_BYTES_MAX, USE_FREE),
    MADE(link_row),
    INSTANT(link_row, "expiresAt", expires_ms),
};

static const struct row_member annotation_members[] = {
    MEMBER(annotation_row, "id", id, id, MEMBER_TEXT, 12, 75, USE_FIXED),
    ID(annotation_row, "tenantId", tenant_id, tenant, USE_FIXED),
    ID(annotation_row, "siteId", site_id, site, USE_FIXED),
    MEMBER(annotation_row, "text", text, text, MEMBER_TEXT, 0, JSON_BYTES_MAX, USE_FREE),
};

/* -- erasures, the installation ---------------------------------------------------------------- */

static const struct row_member erasure_members[] = {
    ID(erasure_row, "id", id, id, USE_FIXED),
    ID(erasure_row, "tenantId", tenant_id, tenant, USE_FIXED),
    MEMBER(erasure_row, "siteId", site_id, site, MEMBER_TEXT, 0, 64, USE_FIXED,
           .check = check_site_id),
    MEMBER(erasure_row, "kind", kind, kind, MEMBER_INT32, 0, ERASE_PROP, USE_FIXED),
    MEMBER(erasure_row, "value", value, value, MEMBER_TEXT, 0, EVENT_PATH_MAX, USE_FREE),
    MEMBER(erasure_row, "askedBy", actor, actor, MEMBER_TEXT, 1, ACTOR_BYTES_MAX, USE_FREE),
    INSTANT(erasure_row, "askedAt", asked_ms),
    INSTANT(erasure_row, "dueAt", due_ms),
    INSTANT(erasure_row, "doneAt", done_ms),
    JSON(erasure_row, "rows", rows, rows, USE_FREE, .check = check_rows),
    JSON(erasure_row, "nodes", nodes, nodes, USE_FREE, .check = check_nodes),
};

static const struct row_member installation_members[] = {
    ID(installation_row, "id", id, id, USE_FIXED, .check = check_installation),
    JSON(installation_row, "settings", settings, settings, USE_FREE, .check = check_settings),
};

/* -- all of them ------------------------------------------------------------------------------- */

#define ROW(title, sql, row, all)                                                                  \
    .name = (title), .table = (sql), .size = sizeof(struct row), .members = (all),                 \
    .count = sizeof(all) / sizeof((all)[0])

const struct row_type row_types[ROW_KINDS] = {
    [ROW_TENANT] = {ROW("tenant", "tenants", tenant_row, tenant_members),
                    .tenant = &tenant_members[0], .audited = true},
    [ROW_SITE] = {ROW("site", "analytics_settings", site_row, site_members),
                  .tenant = &site_members[1], .site = &site_members[0], .audited = true,
                  .taken = "its id or one of its trackingIds is taken, or named twice"},
    [ROW_TOKEN] = {ROW("token", "tokens", token_row, token_members), .tenant = &token_members[2],
                   .site = &token_members[3], .audited = true, .taken = "its secret is another's",
                   .check = check_token},
    [ROW_USER] = {ROW("user", "users", user_row, user_members), .audited = true,
                  .taken = "its payloadId is another's"},
    [ROW_SESSION] = {ROW("session", "sessions", session_row, session_members),
                     .user = &session_members[1], .check = check_session},
    [ROW_LINK] = {ROW("link", "links", link_row, link_members), .tenant = &link_members[1],
                  .site = &link_members[2], .audited = true},
    [ROW_ERASURE] = {ROW("erasure", "erasures", erasure_row, erasure_members),
                     .tenant = &erasure_members[1], .site = &erasure_members[2], .audited = true,
                     .check = check_erasure},
    [ROW_INSTALLATION] = {ROW("installation", "installation", installation_row,
                              installation_members),
                          .audited = true},
    [ROW_ANNOTATION] = {ROW("annotation", "annotations", annotation_row, annotation_members),
                        .tenant = &annotation_members[1], .site = &annotation_members[2],
                        .audited = true, .check = check_annotation},
};

size_t row_size(enum row_kind kind)
{
    return row_types[kind].size;
}

const char *row_name(enum row_kind kind)
{
    return row_types[kind].name;
}

/* All others begin with nothing: zeros and empty texts. */
void row_default(enum row_kind kind, struct str id, void *row)
{
    memset(row, 0, row_types[kind].size);
    if (kind == ROW_TENANT)
        *(struct tenant_row *)row = tenant_row_default();
    if (kind == ROW_SITE)
        *(struct site_row *)row = site_row_default();
    row_set_text(&row_types[kind].members[0], row, id);
}

struct tenant_row tenant_row_named(struct str id, int64_t now_ms)
{
    struct tenant_row row = tenant_row_default();

    row.id = row.name = id;
    row.created_ms = now_ms;
    return row;
}

enum { DATE_LEN = 10 };

struct str annotation_id(struct str site, int32_t day, struct arena *arena)
{
    char date[DATE_TEXT];
    char *id = arena_bytes(arena, site.len + 1 + DATE_LEN);

    date_format(day, date);
    memcpy(id, site.ptr, site.len);
    id[site.len] = '/';
    memcpy(id + site.len + 1, date, DATE_LEN);
    return (struct str){id, site.len + 1 + DATE_LEN};
}

struct str annotation_date(const struct annotation_row *row)
{
    return str_slice(row->id, row->id.len < DATE_LEN ? 0 : row->id.len - DATE_LEN, row->id.len);
}

/* -- members of any type ----------------------------------------------------------------------- */

bool member_is_json(const struct row_member *member)
{
    return member->type == MEMBER_LIST || member->type == MEMBER_JSON;
}

bool member_is_text(const struct row_member *member)
{
    return member->type == MEMBER_ID || member->type == MEMBER_TEXT || member_is_json(member);
}

bool member_is_optional(const struct row_member *member)
{
    return member->optional || member_is_json(member);
}

static const void *at(const struct row_member *member, const void *row)
{
    return (const char *)row + member->offset;
}

static void *at_in(const struct row_member *member, void *row)
{
    return (char *)row + member->offset;
}

struct str row_text(const struct row_member *member, const void *row)
{
    const struct str *text = at(member, row);

    return text->ptr == NULL ? STR("") : *text;
}

struct str row_text_of(const struct row_member *member, const void *row)
{
    return member == NULL ? STR("") : row_text(member, row);
}

struct str row_id(const void *row)
{
    return *(const struct str *)row;
}

int64_t row_number(const struct row_member *member, const void *row)
{
    switch (member->type) {
    case MEMBER_BOOL:
        return *(const bool *)at(member, row);
    case MEMBER_INT32:
    case MEMBER_DAYS:
        return *(const int32_t *)at(member, row);
    case MEMBER_INT64:
        return *(const int64_t *)at(member, row);
    case MEMBER_ID:
    case MEMBER_TEXT:
    case MEMBER_LIST:
    case MEMBER_JSON:
        return (int64_t)row_text(member, row).len;
    case MEMBER_BYTES32:
        break;
    }
    return 0;
}

void row_set_text(const struct row_member *member, void *row, struct str text)
{
    *(struct str *)at_in(member, row) = text;
}

void row_set_number(const struct row_member *member, void *row, int64_t number)
{
    if (member->type == MEMBER_BOOL)
        *(bool *)at_in(member, row) = number != 0;
    else if (member->type == MEMBER_INT64)
        *(int64_t *)at_in(member, row) = number;
    else
        *(int32_t *)at_in(member, row) = (int32_t)number;
}

void row_keep(enum row_kind kind, void *row, struct arena *arena)
{
    const struct row_type *type = &row_types[kind];

    for (size_t i = 0; i < type->count; i++)
        if (member_is_text(&type->members[i]))
            row_set_text(&type->members[i], row,
                         arena_str(arena, row_text(&type->members[i], row)));
}
