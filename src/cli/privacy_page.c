/* cli/privacy_page.c -- the report as a page for people: sections, and in them aligned columns. */
#include "cli/privacy.h"

#include "base/date.h"
#include "cli/table.h"
#include "event/event.h"
#include "log/log.h"

#include <stdarg.h>
#include <stdio.h>

/* -- words -- */

static struct str text_of(const struct privacy *privacy, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct str text_of(const struct privacy *privacy, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return arena_str(privacy->in->arena, str_from(text));
}

/* "3 days", "1 hour", "20 minutes", "0 seconds". */
static struct str age_of(const struct privacy *privacy, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{DAY_MS, "day"}, {HOUR_MS, "hour"}, {MINUTE_MS, "minute"}, {1000, "second"}};
    size_t i = 0;
    while (i + 1 < sizeof(units) / sizeof(units[0]) && ms < 2 * units[i].ms && ms != units[i].ms) {
        i++;
    }
    long long n = ms < 0 ? 0 : ms / units[i].ms;
    return text_of(privacy, "%lld %s%s", n, units[i].name, n == 1 ? "" : "s");
}

static struct str instant_of(const struct privacy *privacy, int64_t ms)
{
    return table_instant(privacy->in->arena, ms, "not known");
}

static struct str date_of(const struct privacy *privacy, int32_t day)
{
    char text[DATE_TEXT] = "-";
    if (day != DAY_NONE) {
        date_format(day, text);
    }
    return text_of(privacy, "%s", text);
}

static struct str days_of(const struct privacy *privacy, int64_t days)
{
    if (days == 0) {
        return STR("for ever");
    }
    return days < 0 ? STR("until removed")
                    : text_of(privacy, "%lld day%s", (long long)days, days == 1 ? "" : "s");
}

/* -- sections: lines of a name and what is said of it -- */

static void title(struct buf *out, const char *text)
{
    buf_addf(out, "\n%s\n", text);
}

static struct table lines(const struct privacy *privacy, size_t columns)
{
    return (struct table){.arena = privacy->in->arena, .columns = columns};
}

/* The first cell of a row is set in. */
static void first_cell(const struct privacy *privacy, struct table *table, struct str text)
{
    table_cell(table, text_of(privacy, "  %.*s", STR_FMT(text)));
}

static void line(const struct privacy *privacy, struct table *table, const char *name,
                 struct str text)
{
    first_cell(privacy, table, str_from(name));
    table_cell(table, text);
}

static void titles(const struct privacy *privacy, struct table *table, const char *const *names)
{
    first_cell(privacy, table, str_from(names[0]));
    for (size_t i = 1; i < table->columns; i++) {
        table_cell(table, str_from(names[i]));
    }
}

/* -- salts -- */

static struct str place_of_salts(const struct privacy *privacy)
{
    const struct salts_held *salts = &privacy->salts;
    if (salts->mode != 0) {
        return text_of(privacy, "%.*s (a file of its own, mode %03o)", STR_FMT(salts->place),
                       salts->mode);
    }
    if (settings_store_is_local(privacy->in->settings)) {
        return text_of(privacy, "%.*s, which is not there yet", STR_FMT(salts->place));
    }
    return text_of(privacy, "%.*s (%s)", STR_FMT(salts->place),
                   salts->unlogged ? "unlogged: in no write-ahead log" : "logged");
}

static void add_salt_row(const struct privacy *privacy, const struct salt_held *salt,
                         struct table *table)
{
    bool ended = privacy_salt_is_ended(privacy, salt);
    first_cell(privacy, table, date_of(privacy, salt->day));
    table_cell(table, instant_of(privacy, salt->made_ms));
    table_cell(table,
               salt->made_ms == 0 ? STR("-") : age_of(privacy, privacy->now_ms - salt->made_ms));
    table_cell(table, text_of(privacy, "%.*s%s",
                              STR_FMT(instant_of(privacy, store_salt_end_ms(salt->day))),
                              ended ? "  has ended" : ""));
}

static size_t ended_salts(const struct privacy *privacy)
{
    size_t count = 0;
    for (size_t i = 0; i < privacy->salts.count; i++) {
        count += privacy_salt_is_ended(privacy, &privacy->salts.salts[i]);
    }
    return count;
}

static void add_salts(const struct privacy *privacy, struct buf *out)
{
    static const char *const names[] = {"DATE", "MADE", "AGE", "ENDS, AND IS DESTROYED"};
    struct table place = lines(privacy, 2), table = lines(privacy, 4);
    int32_t first, last;
    title(out, "Salts, without which no visitor's id can be made");
    if (privacy->salts_code != 0) {
        line(privacy, &place, "kept in", STR("not known: see the findings"));
        table_print(&place, out);
        return;
    }
    line(privacy, &place, "kept in", place_of_salts(privacy));
    store_salt_days(privacy->now_ms, &first, &last);
    line(privacy, &place, "oldest",
         text_of(privacy, "%.*s may have one now; %s", STR_FMT(date_of(privacy, first)),
                 ended_salts(privacy) > 0 ? "an older one exists" : "no older one exists"));
    table_print(&place, out);
    titles(privacy, &table, names);
    for (size_t i = 0; i < privacy->salts.count; i++) {
        add_salt_row(privacy, &privacy->salts.salts[i], &table);
    }
    if (privacy->salts.count > 0) {
        table_print(&table, out);
    }
}

/* -- retention -- */

static struct str last_run(const struct privacy *privacy)
{
    int64_t ended_ms = privacy->held.retention_ended_ms;
    if (ended_ms == 0) {
        return STR("not recorded yet");
    }
    return text_of(privacy, "%.*s, %.*s ago", STR_FMT(instant_of(privacy, ended_ms)),
                   STR_FMT(age_of(privacy, privacy->now_ms - ended_ms)));
}

static struct str removed_rows(const struct privacy *privacy)
{
    const struct holdings *held = &privacy->held;
    struct str rows = text_of(privacy, "%lld row%s", (long long)held->retention_rows,
                              held->retention_rows == 1 ? "" : "s");
    if (held->retention_days > 0) {
        rows = text_of(privacy, "%.*s, and %lld whole day%s of raw events", STR_FMT(rows),
                       (long long)held->retention_days, held->retention_days == 1 ? "" : "s");
    }
    return held->retention_since_ms == 0
               ? rows
               : text_of(privacy, "%.*s, since %.*s", STR_FMT(rows),
                         STR_FMT(instant_of(privacy, held->retention_since_ms)));
}

static struct str kept_for(const struct privacy *privacy, enum privacy_keep keep)
{
    return days_of(privacy, privacy_keep_days(privacy, keep));
}

static struct str other_sites(const struct privacy *privacy)
{
    size_t longer = 0, shorter = 0;
    for (size_t i = 0; i < privacy->sites_count; i++) {
        int differs = privacy_keeps_longer(privacy->sites[i], privacy->in->settings);
        longer += differs > 0;
        shorter += differs < 0;
    }
    return longer + shorter == 0
               ? text_of(privacy, "none of %zu differs", privacy->sites_count)
               : text_of(privacy, "%zu of %zu keep something longer (listed below), %zu shorter",
                         longer, privacy->sites_count, shorter);
}

static void add_retention(const struct privacy *privacy, struct buf *out)
{
    struct table table = lines(privacy, 2);
    title(out, "Retention");
    line(privacy, &table, "last complete run", last_run(privacy));
    line(privacy, &table, "removed in all", removed_rows(privacy));
    line(privacy, &table, "kept for",
         text_of(privacy, "raw events %.*s, packed visits %.*s,",
                 STR_FMT(kept_for(privacy, KEEP_RAW_DAYS)),
                 STR_FMT(kept_for(privacy, KEEP_VISIT_DAYS))));
    line(privacy, &table, "",
         text_of(privacy, "stats %.*s, audit log %.*s", STR_FMT(kept_for(privacy, KEEP_STATS_DAYS)),
                 STR_FMT(kept_for(privacy, KEEP_AUDIT_DAYS))));
    line(privacy, &table, "sites", other_sites(privacy));
    table_print(&table, out);
}

/* -- what is stored -- */

/* Of which days an id could be made again. */
static struct str ids_text(const struct privacy *privacy)
{
    int32_t first = privacy_first_salt(privacy);
    if (privacy->salts_code != 0) {
        return STR("one whose salt is gone cannot be made again from anything");
    }
    return first == INT32_MAX
               ? STR("none can be made again: all salts are gone")
               : text_of(privacy, "of days before %.*s none can be made again: no salt",
                         STR_FMT(date_of(privacy, first)));
}

static void add_kind(const struct privacy *privacy, enum holding_kind kind, struct table *table)
{
    const struct holding *holding = &privacy->held.kinds[kind];
    first_cell(privacy, table, str_from(privacy_kinds[kind].title));
    table_cell(table, text_of(privacy, "%s%lld", holding->about ? "about " : "",
                              (long long)holding->rows));
    table_cell(table, date_of(privacy, holding->oldest_day));
    table_cell(table, date_of(privacy, holding->newest_day));
    table_cell(table, days_of(privacy, privacy_keep_days(privacy, privacy_kinds[kind].keep)));
    table_cell(table, privacy_kinds[kind].visitors ? STR("yes") : STR("none"));
}

static struct str prefixes(const struct privacy *privacy)
{
    size_t sites = 0;
    for (size_t i = 0; i < privacy->sites_count; i++) {
        sites += privacy->sites[i]->store_prefix;
    }
    return text_of(privacy, "%s%lld raw events hold a cut one; %zu of %zu sites store it",
                   privacy->held.kinds[HOLDING_EVENTS].about ? "about " : "",
                   (long long)privacy->held.prefixes, sites, privacy->sites_count);
}

static void add_stored(const struct privacy *privacy, struct buf *out)
{
    static const char *const names[] = {"WHAT", "ROWS", "OLDEST", "NEWEST", "KEPT", "VISITOR IDS"};
    struct table table = lines(privacy, 6), notes = lines(privacy, 2);
    title(out, "What is stored");
    titles(privacy, &table, names);
    for (enum holding_kind kind = 0; kind < HOLDINGS; kind++) {
        add_kind(privacy, kind, &table);
    }
    table_print(&table, out);
    line(privacy, &notes, "visitor ids", ids_text(privacy));
    line(privacy, &notes, "addresses", prefixes(privacy));
    line(privacy, &notes, "dead letters",
         text_of(privacy, "%llu", (unsigned long long)privacy->dead_letters));
    table_print(&notes, out);
}

/* -- what is on its way -- */

static struct str log_text(const struct privacy *privacy)
{
    const struct privacy_log *log = &privacy->log;
    if (!log->there) {
        return STR("none on this machine");
    }
    struct str oldest = log->oldest_ms == 0
                            ? STR("")
                            : text_of(privacy, ", the oldest of %.*s ago",
                                      STR_FMT(age_of(privacy, privacy->now_ms - log->oldest_ms)));
    return text_of(privacy, "%llu record%s%.*s; %llu segment%s, %llu KiB",
                   (unsigned long long)log->records, log->records == 1 ? "" : "s", STR_FMT(oldest),
                   (unsigned long long)log->segments, log->segments == 1 ? "" : "s",
                   (unsigned long long)(log->bytes / 1024));
}

static struct str buffer_text(const struct privacy *privacy)
{
    const struct settings *settings = privacy->in->settings;
    const struct queue_status *buffer = &privacy->buffer;
    if (settings->redis_url.len == 0) {
        return STR("none: no REDIS_URL is given");
    }
    if (privacy->buffer_err.text[0] != '\0') {
        return text_of(privacy, "not known: %s", privacy->buffer_err.text);
    }
    return buffer->length == 0
               ? STR("nothing waits")
               : text_of(privacy, "%llu waiting, the oldest for %.*s",
                         (unsigned long long)buffer->length,
                         STR_FMT(age_of(privacy, privacy->now_ms - buffer->oldest_ms)));
}

static void add_on_its_way(const struct privacy *privacy, struct buf *out)
{
    int64_t keep_ms = privacy->in->settings->log_keep_ms;
    int64_t taking_ms = keep_ms > LOG_SEGMENT_MS_MIN ? keep_ms : LOG_SEGMENT_MS_MIN;
    struct table table = lines(privacy, 2);
    title(out, "On its way to the database");
    line(privacy, &table, "event log", log_text(privacy));
    if (privacy->log.there) {
        line(privacy, &table, "", text_of(privacy, "in %s", privacy->log.place));
    }
    line(privacy, &table, "segments",
         text_of(privacy, "what was counted goes within %.*s",
                 STR_FMT(age_of(privacy, taking_ms + keep_ms))));
    line(privacy, &table, "Redis", buffer_text(privacy));
    table_print(&table, out);
}

/* -- sites -- */

static void add_site(const struct privacy *privacy, const struct site *site, struct table *table)
{
    struct buf text = {0};
    for (size_t i = 0; i < privacy_settings_count; i++) {
        size_t before = text.len;
        struct json_out json = {.buf = &text};
        buf_addf(&text, "%s%s ", before == 0 ? "" : ", ", privacy_settings[i].name);
        if (!privacy_settings[i].value(site, privacy->in->settings, &json)) {
            text.len = before;
        }
    }
    first_cell(privacy, table, site->id);
    table_cell(table, site->tenant);
    table_cell(table, arena_str(privacy->in->arena, buf_str(&text)));
    buf_release(&text);
}

static void add_sites(const struct privacy *privacy, struct buf *out)
{
    static const char *const names[] = {"SITE", "TENANT", "SETTINGS"};
    struct table table = lines(privacy, 3);
    size_t count = 0;
    title(out, "Sites with settings less strict than the defaults");
    titles(privacy, &table, names);
    for (size_t i = 0; i < privacy->sites_count; i++) {
        if (!privacy_is_laxer(privacy->sites[i], privacy->in->settings)) {
            continue;
        }
        if (privacy->all || count < PRIVACY_SITES_SHOWN) {
            add_site(privacy, privacy->sites[i], &table);
        }
        count++;
    }
    if (count == 0) {
        buf_addf(out, "  none of %zu\n", privacy->sites_count);
        return;
    }
    table_print(&table, out);
    if (!privacy->all && count > PRIVACY_SITES_SHOWN) {
        buf_addf(out, "  and %zu more (--all lists them)\n", count - PRIVACY_SITES_SHOWN);
    }
}

/* -- the verdict -- */

static void add_findings(const struct privacy *privacy, struct buf *out)
{
    title(out, "Findings");
    for (size_t i = 0; i < privacy->findings_count; i++) {
        const struct privacy_finding *finding = &privacy->findings[i];
        buf_addf(out, "  %zu. %.*s\n     -> %.*s\n", i + 1, STR_FMT(finding->what),
                 STR_FMT(finding->mend));
    }
    if (privacy->findings_count == 0) {
        buf_add(out, STR("  no findings\n"));
    }
}

void privacy_page(const struct privacy *privacy, struct buf *out)
{
    const struct settings *settings = privacy->in->settings;
    buf_addf(out, "Privacy report of %.*s\nread at %.*s\n",
             STR_FMT(settings_shown(settings->database_url, privacy->in->arena)),
             STR_FMT(instant_of(privacy, privacy->now_ms)));
    add_salts(privacy, out);
    add_retention(privacy, out);
    add_stored(privacy, out);
    add_on_its_way(privacy, out);
    add_sites(privacy, out);
    add_findings(privacy, out);
}
