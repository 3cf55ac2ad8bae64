/* cli/privacy_json.c -- the report for machines: the same facts as the page. */
#include "cli/privacy.h"

#include "base/date.h"
#include "event/event.h"

#include <stdio.h>

/* -- members -- */

static void put_bool(struct json_out *json, const char *name, bool b)
{
    json_name(json, str_from(name));
    json_bool(json, b);
}

static void put_number(struct json_out *json, const char *name, int64_t n)
{
    cli_json_number(json, str_from(name), n);
}

static void put_instant(struct json_out *json, const char *name, int64_t ms)
{
    cli_json_instant(json, str_from(name), ms);
}

static void put_date(struct json_out *json, const char *name, int32_t day)
{
    char text[DATE_TEXT];
    json_name(json, str_from(name));
    if (day == DAY_NONE) {
        json_null(json);
        return;
    }
    date_format(day, text);
    json_str(json, str_from(text));
}

/* Of something that is 0 where there is none. */
static void put_age(struct json_out *json, const char *name, int64_t now_ms, int64_t ms)
{
    json_name(json, str_from(name));
    if (ms == 0) {
        json_null(json);
    } else {
        json_i64(json, now_ms > ms ? (now_ms - ms) / 1000 : 0);
    }
}

static void open_member(struct json_out *json, const char *name, char bracket)
{
    json_name(json, str_from(name));
    json_open(json, bracket);
}

/* -- sections -- */

static void add_salt(const struct privacy *privacy, const struct salt_held *salt,
                     struct json_out *json)
{
    json_open(json, '{');
    put_date(json, "date", salt->day);
    put_instant(json, "madeAt", salt->made_ms);
    put_age(json, "ageSeconds", privacy->now_ms, salt->made_ms);
    put_instant(json, "endsAt", store_salt_end_ms(salt->day));
    put_bool(json, "ended", privacy_salt_is_ended(privacy, salt));
    json_close(json, '}');
}

static void add_salts(const struct privacy *privacy, struct json_out *json)
{
    const struct salts_held *salts = &privacy->salts;
    bool local = settings_store_is_local(privacy->in->settings), ended = false;
    int32_t first, last;
    char mode[8];
    open_member(json, "salts", '{');
    cli_json_text(json, STR("place"), salts->place);
    if (local && salts->mode != 0) {
        snprintf(mode, sizeof(mode), "%03o", salts->mode & 0777);
        cli_json_text(json, STR("mode"), str_from(mode));
    }
    if (!local) {
        put_bool(json, "unlogged", salts->unlogged);
    }
    cli_json_text(json, STR("error"), str_from(privacy->salts_err.text));
    store_salt_days(privacy->now_ms, &first, &last);
    put_date(json, "oldestAllowed", first);
    open_member(json, "dates", '[');
    for (size_t i = 0; i < salts->count; i++) {
        ended = ended || privacy_salt_is_ended(privacy, &salts->salts[i]);
        add_salt(privacy, &salts->salts[i], json);
    }
    json_close(json, ']');
    put_bool(json, "olderExist", ended);
    json_close(json, '}');
}

static void add_retention(const struct privacy *privacy, struct json_out *json)
{
    const struct holdings *held = &privacy->held;
    const struct settings *settings = privacy->in->settings;
    int64_t longer = 0, shorter = 0;
    for (size_t i = 0; i < privacy->sites_count; i++) {
        int differs = privacy_keeps_longer(privacy->sites[i], settings);
        longer += differs > 0;
        shorter += differs < 0;
    }
    open_member(json, "retention", '{');
    put_instant(json, "lastCompleteAt", held->retention_ended_ms);
    put_instant(json, "recordedSince", held->retention_since_ms);
    put_number(json, "rowsRemoved", held->retention_rows);
    put_number(json, "daysRemoved", held->retention_days);
    put_number(json, "rawDays", settings->raw_days);
    put_number(json, "visitDays", settings->visit_days);
    put_number(json, "statsDays", settings->stats_days);
    put_number(json, "auditDays", settings->audit_days);
    put_number(json, "sitesLonger", longer);
    put_number(json, "sitesShorter", shorter);
    put_number(json, "daysToPack", (int64_t)privacy->due_days);
    json_close(json, '}');
}

static void add_kind(const struct privacy *privacy, enum holding_kind kind, struct json_out *json)
{
    const struct holding *holding = &privacy->held.kinds[kind];
    int64_t days = privacy_keep_days(privacy, privacy_kinds[kind].keep);
    json_open(json, '{');
    cli_json_text(json, STR("kind"), str_from(privacy_kinds[kind].name));
    put_number(json, "rows", holding->rows);
    put_bool(json, "exact", !holding->about);
    put_date(json, "oldest", holding->oldest_day);
    put_date(json, "newest", holding->newest_day);
    json_name(json, STR("keepDays"));
    if (days < 0) {
        json_null(json);
    } else {
        json_i64(json, days);
    }
    put_bool(json, "visitorIds", privacy_kinds[kind].visitors);
    /* Some of these ids are of a day whose salt exists. */
    put_bool(json, "saltsExist",
             privacy_kinds[kind].visitors && holding->rows > 0 &&
                 holding->newest_day >= privacy_first_salt(privacy));
    json_close(json, '}');
}

static void add_stored(const struct privacy *privacy, struct json_out *json)
{
    int64_t sites = 0;
    for (size_t i = 0; i < privacy->sites_count; i++) {
        sites += privacy->sites[i]->store_prefix;
    }
    open_member(json, "stored", '[');
    for (enum holding_kind kind = 0; kind < HOLDINGS; kind++) {
        add_kind(privacy, kind, json);
    }
    json_close(json, ']');
    open_member(json, "addressPrefixes", '{');
    put_number(json, "rows", privacy->held.prefixes);
    put_bool(json, "exact", !privacy->held.kinds[HOLDING_EVENTS].about);
    put_number(json, "sites", sites);
    json_close(json, '}');
    put_number(json, "deadLetters", (int64_t)privacy->dead_letters);
}

static void add_log(const struct privacy *privacy, struct json_out *json)
{
    const struct privacy_log *log = &privacy->log;
    open_member(json, "log", '{');
    cli_json_text(json, STR("place"), str_from(log->place));
    put_bool(json, "there", log->there);
    put_number(json, "segments", (int64_t)log->segments);
    put_number(json, "bytes", (int64_t)log->bytes);
    put_number(json, "records", (int64_t)log->records);
    put_instant(json, "oldestAt", log->oldest_ms);
    put_age(json, "oldestAgeSeconds", privacy->now_ms, log->oldest_ms);
    put_number(json, "keepSeconds", privacy->in->settings->log_keep_ms / 1000);
    cli_json_text(json, STR("error"), str_from(log->err.text));
    json_close(json, '}');
}

static void add_buffer(const struct privacy *privacy, struct json_out *json)
{
    json_name(json, STR("redis"));
    if (privacy->in->settings->redis_url.len == 0) {
        json_null(json);
        return;
    }
    bool reached = privacy->buffer_err.text[0] == '\0';
    json_open(json, '{');
    put_bool(json, "reached", reached);
    if (reached) {
        put_number(json, "waiting", (int64_t)privacy->buffer.length);
        put_instant(json, "oldestAt", privacy->buffer.oldest_ms);
    }
    cli_json_text(json, STR("error"), str_from(privacy->buffer_err.text));
    json_close(json, '}');
}

static void add_site(const struct privacy *privacy, const struct site *site, struct json_out *json)
{
    struct buf value = {0};
    json_open(json, '{');
    cli_json_text(json, STR("siteId"), site->id);
    cli_json_text(json, STR("tenantId"), site->tenant);
    open_member(json, "settings", '{');
    for (size_t i = 0; i < privacy_settings_count; i++) {
        struct json_out text = {.buf = &value};
        buf_reset(&value);
        if (privacy_settings[i].value(site, privacy->in->settings, &text)) {
            json_name(json, str_from(privacy_settings[i].name));
            json_raw(json, buf_str(&value));
        }
    }
    json_close(json, '}');
    json_close(json, '}');
    buf_release(&value);
}

static void add_sites(const struct privacy *privacy, struct json_out *json)
{
    size_t count = 0;
    open_member(json, "sites", '{');
    open_member(json, "lessStrict", '[');
    for (size_t i = 0; i < privacy->sites_count; i++) {
        if (!privacy_is_laxer(privacy->sites[i], privacy->in->settings)) {
            continue;
        }
        if (privacy->all || count < PRIVACY_SITES_SHOWN) {
            add_site(privacy, privacy->sites[i], json);
        }
        count++;
    }
    json_close(json, ']');
    put_number(json, "lessStrictCount", (int64_t)count);
    put_number(json, "count", (int64_t)privacy->sites_count);
    put_number(json, "removedWithRows", (int64_t)privacy->held.removed_count);
    json_close(json, '}');
}

static void add_findings(const struct privacy *privacy, struct json_out *json)
{
    open_member(json, "findings", '[');
    for (size_t i = 0; i < privacy->findings_count; i++) {
        json_open(json, '{');
        cli_json_text(json, STR("finding"), privacy->findings[i].what);
        cli_json_text(json, STR("mend"), privacy->findings[i].mend);
        json_close(json, '}');
    }
    json_close(json, ']');
}

void privacy_json(const struct privacy *privacy, struct buf *out)
{
    const struct settings *settings = privacy->in->settings;
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    put_instant(&json, "readAt", privacy->now_ms);
    cli_json_text(&json, STR("database"),
                  settings_shown(settings->database_url, privacy->in->arena));
    add_salts(privacy, &json);
    add_retention(privacy, &json);
    add_stored(privacy, &json);
    add_log(privacy, &json);
    add_buffer(privacy, &json);
    add_sites(privacy, &json);
    add_findings(privacy, &json);
    json_close(&json, '}');
    buf_addc(out, '\n');
}
