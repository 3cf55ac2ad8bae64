/*
 * store/tables.c -- which tables and columns a copy holds.
 *
 * The order is that of loading: a row comes behind those that it refers to. Each table begins with
 * its key, and its rows are copied in the key's order, texts bytewise.
 *
 * Left out: salts, which a copy must not keep longer than their day; sessions, which end with what
 * they were of; leases and what else belongs to the running processes; site_names, which triggers
 * make again from analytics_settings. Of the
 * counters those are copied that say what was counted, with the same names on every backend:
 * as_of, daily_stats_rows, event_id (the greatest given), folded_positions, folded_records,
 * last_success. `secrets` holds id_key, without which no idempotency key would be known again, and
 * signing_key, without which no link that was given away would open: a copy is as secret as the
 * store. `users` holds passwords as argon2id and second factors as they are.
 *
 * What is here stays: a later version adds tables and columns behind those that are there, and
 * raises STORE_TABLES_VERSION. A table that later versions have no use for is named as gone, so
 * that copies which hold it can still be read: closed_visits of version 1, whose visits had lost
 * their raw rows and with them everything that a breakdown could be made of.
 *
 * A copy of version 1 knows nothing of due days. A backend marks at the end of a load every day as
 * due that has raw rows or visits and no part 0 of a pack: in a copy of this version there is none.
 */
#include "store/store_backend.h"

#define COLUMN(column, type)                                                                       \
    {                                                                                              \
        STR_INIT(#column), type                                                                    \
    }
#define INT(column) COLUMN(column, COLUMN_INT)
#define BOOL(column) COLUMN(column, COLUMN_BOOL)
#define TEXT(column) COLUMN(column, COLUMN_TEXT)
#define DATE(column) COLUMN(column, COLUMN_DATE)
#define INSTANT(column) COLUMN(column, COLUMN_INSTANT)
#define BYTES(column) COLUMN(column, COLUMN_BYTES)
#define JSON(column) COLUMN(column, COLUMN_JSON)

typedef const struct store_column columns[];

/* -- the installation -------------------------------------------------------------------------- */

static columns secrets = {TEXT(name), BYTES(value)};
static columns counters = {TEXT(name), INT(value)};
static columns copies = {BYTES(id), INT(made_ms), INT(loaded_ms)};

/* -- whom it belongs to ------------------------------------------------------------------------ */

static columns tenants = {
    TEXT(id),
    TEXT(name),
    BOOL(active),
    INT(created_ms),
    INT(events_per_second),
    INT(events_per_month),
    INT(sites_max),
    INT(reads_per_minute),
    JSON(embed_origins),
    JSON(settings),
    INT(erase_ms),
};
static columns analytics_settings = {
    INT(id),
    TEXT(site_id),
    TEXT(tenant_id),
    TEXT(domain),
    TEXT(timezone),
    BOOL(enabled),
    BOOL(respect_gpc),
    BOOL(respect_dnt),
    BOOL(mask_personal),
    TEXT(visitor_identity),
    INT(ipv4_prefix),
    INT(ipv6_prefix),
    JSON(tracking_ids),
    JSON(allowed_origins),
    JSON(query_params),
    JSON(blocked_addresses),
    JSON(blocked_paths),
    JSON(disabled_events),
    JSON(require_token),
    INT(events_per_second),
    INT(paths_per_day),
    INT(raw_days),
    INT(visit_days),
    INT(stats_days),
    INT(created_ms),
    JSON(blocked_countries),
    JSON(blocked_referrers),
    JSON(goals),
    JSON(path_rules),
    BOOL(store_ip_prefix),
    JSON(disabled_fields),
    BOOL(public_dashboard),
    JSON(public_metrics),
    INT(events_per_month),
    JSON(pinned),
    INT(erase_ms),
};
static columns removed_sites = {TEXT(site_id), TEXT(tenant_id)};
static columns tokens = {
    TEXT(id),    TEXT(tenant_id), TEXT(site_id),   BOOL(platform), INT(scopes),
    BYTES(hash), INT(created_ms), INT(expires_ms), TEXT(name),
};
static columns audit_log = {INT(id),      INT(at_ms),   TEXT(actor),
                            TEXT(action), TEXT(target), TEXT(tenant_id)};
static columns installation = {TEXT(id), JSON(settings)};
static columns users = {
    TEXT(id),    TEXT(name),        TEXT(password),   TEXT(totp),      INT(totp_step),
    BOOL(admin), JSON(memberships), TEXT(payload_id), INT(created_ms), INT(signed_in_ms),
};
static columns links = {
    TEXT(id),       TEXT(tenant_id), TEXT(site_id),   TEXT(name),
    TEXT(password), INT(created_ms), INT(expires_ms),
};
static columns erasures = {
    TEXT(id),      TEXT(tenant_id), TEXT(site_id), INT(kind),  TEXT(value), TEXT(actor),
    INT(asked_ms), INT(due_ms),     INT(done_ms),  JSON(rows), JSON(nodes),
};
static columns annotations = {TEXT(id), TEXT(tenant_id), TEXT(site_id), TEXT(text)};

/* -- what is counted --------------------------------------------------------------------------- */

#define STATS                                                                                      \
    INT(pageviews), INT(leads), INT(forms), INT(exports), INT(automation_runs), INT(ai_tokens),    \
        INT(unique_visitors), INT(converters), INT(visits), INT(bounces), INT(visit_ms),           \
        INT(visit_pageviews), INT(conversions), INT(unattributed_conversions), INT(estimated)

static columns positions = {BYTES(producer), INT(partition), INT(number), INT(moved_ms)};
static columns ledger = {TEXT(site_id),   INT(day),    INT(kind),   TEXT(reason),
                         TEXT(tenant_id), INT(events), INT(records)};
static columns daily_stats = {TEXT(site_id), DATE(date), TEXT(tenant_id), STATS};
static columns hourly_stats = {TEXT(site_id), INT(hour_ms), INT(day), TEXT(tenant_id), STATS};
static columns sketches = {TEXT(site_id), INT(day), INT(kind), INT(hour_ms), BYTES(bytes)};
/* The texts are those of visit_text_names. */
static columns visits = {
    TEXT(site_id),     INT(day),         INT(visitor),     INT(begin_ms),    INT(before),
    INT(before_day),   INT(end_ms),      INT(first_ms),    INT(first_day),   INT(first_hour_ms),
    INT(pageviews),    INT(others),      INT(last_day),    INT(entry_ms),    INT(exit_ms),
    TEXT(source),      TEXT(channel),    TEXT(utm_source), TEXT(utm_medium), TEXT(utm_campaign),
    TEXT(utm_content), TEXT(utm_term),   TEXT(country),    TEXT(browser),    TEXT(os),
    TEXT(device),      TEXT(language),   TEXT(entry_path), TEXT(exit_path),  TEXT(referrer),
    TEXT(screen),      TEXT(entry_name),
};
static columns goals_counted = {TEXT(site_id), INT(hash)};
static columns packs = {TEXT(site_id), INT(day), INT(part), BYTES(bytes)};
static columns due_days = {TEXT(site_id), INT(day)};
static columns event_ids = {TEXT(site_id), BYTES(id), INT(received_ms)};
static columns analytics_events = {
    TEXT(site_id), INSTANT(timestamp), INT(id),     TEXT(tenant_id), TEXT(type),  TEXT(name),
    DATE(day),     INT(visitor),       TEXT(path),  TEXT(referrer),  TEXT(title), TEXT(screen),
    JSON(props),   INT(count),         INT(tokens), INT(seconds_ms), INT(scroll), TEXT(ip_prefix),
};

/* -- all of them ------------------------------------------------------------------------------- */

#define TABLE(table, columns, keys)                                                                \
    {                                                                                              \
        STR_INIT(table), columns, sizeof(columns) / sizeof((columns)[0]), keys                     \
    }

const struct store_table store_tables[] = {
    TABLE("secrets", secrets, 1),
    TABLE("counters", counters, 1),
    TABLE("tenants", tenants, 1),
    TABLE("analytics_settings", analytics_settings, 1),
    TABLE("removed_sites", removed_sites, 1),
    TABLE("tokens", tokens, 1),
    TABLE("audit_log", audit_log, 1),
    TABLE("copies", copies, 1),
    TABLE("positions", positions, 2),
    TABLE("ledger", ledger, 4),
    TABLE("analytics_daily_stats", daily_stats, 2),
    TABLE("hourly_stats", hourly_stats, 2),
    TABLE("sketches", sketches, 4),
    TABLE("visits", visits, 4),
    TABLE("event_ids", event_ids, 2),
    TABLE("analytics_events", analytics_events, 3),
    TABLE("goals_counted", goals_counted, 1),
    TABLE("packs", packs, 3),
    TABLE("due_days", due_days, 2),
    TABLE("installation", installation, 1),
    TABLE("users", users, 1),
    TABLE("links", links, 1),
    TABLE("erasures", erasures, 1),
    TABLE("annotations", annotations, 1),
};
const size_t store_tables_count = sizeof(store_tables) / sizeof(store_tables[0]);

bool store_table_is_gone(struct str name)
{
    return str_eq(name, STR("closed_visits"));
}

/* -- what backends do with them ---------------------------------------------------------------- */

void sql_add_name(struct buf *sql, struct str name)
{
    buf_addf(sql, "\"%.*s\"", STR_FMT(name));
}

void sql_add_columns(struct buf *sql, const struct store_table *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add(sql, i == 0 ? STR("") : STR(", "));
        sql_add_name(sql, table->columns[i].name);
    }
}

bool table_is_own(const struct store_table *table)
{
    return str_eq(table->name, STR("counters")) || str_eq(table->name, STR("secrets"));
}
