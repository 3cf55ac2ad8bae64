/* cli/privacy_judge.c -- what of the facts is not as it should be, one function for each part. */
#include "cli/privacy.h"

#include "base/date.h"
#include "event/event.h"

#include <stdarg.h>
#include <stdio.h>

/* Retention that has not ended for so long is not running. */
#define STALE_MS (2 * DAY_MS)
/* A server that runs destroys a salt within seconds of its end, not at that instant. */
#define SALT_LATE_MS MINUTE_MS
/* So many sites are named. */
enum { NAMED = 3 };

static void found(struct privacy *privacy, const char *mend, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void found(struct privacy *privacy, const char *mend, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (privacy->findings_count == privacy->findings_cap) {
        size_t cap = privacy->findings_cap == 0 ? 16 : privacy->findings_cap * 2;
        struct privacy_finding *more = ARENA_NEW(privacy->in->arena, struct privacy_finding, cap);
        if (privacy->findings_count > 0) {
            memcpy(more, privacy->findings, privacy->findings_count * sizeof(*more));
        }
        privacy->findings = more;
        privacy->findings_cap = cap;
    }
    privacy->findings[privacy->findings_count++] =
        (struct privacy_finding){arena_str(privacy->in->arena, str_from(text)), str_from(mend)};
}

/* -- salts -- */

bool privacy_salt_is_ended(const struct privacy *privacy, const struct salt_held *salt)
{
    return store_salt_end_ms(salt->day) <= privacy->now_ms;
}

int32_t privacy_first_salt(const struct privacy *privacy)
{
    int32_t first = INT32_MAX;
    for (size_t i = 0; i < privacy->salts.count; i++) {
        int32_t day = privacy->salts.salts[i].day;
        first = day < first ? day : first;
    }
    return first;
}

/* The dates of those in the one file or the other, and when the first of them ended. */
static size_t name_ended(const struct privacy *privacy, bool aside, struct buf *dates,
                         int64_t *first_ms)
{
    size_t count = 0;
    *first_ms = INT64_MAX;
    for (size_t i = 0; i < privacy->salts.count; i++) {
        const struct salt_held *salt = &privacy->salts.salts[i];
        int64_t end_ms = store_salt_end_ms(salt->day);
        char date[DATE_TEXT];
        if (salt->aside != aside || privacy->now_ms - end_ms < SALT_LATE_MS) {
            continue;
        }
        date_format(salt->day, date);
        buf_addf(dates, "%s%s", count++ == 0 ? "" : ", ", date);
        *first_ms = end_ms < *first_ms ? end_ms : *first_ms;
    }
    return count;
}

static void judge_ended(struct privacy *privacy, bool aside)
{
    bool local = settings_store_is_local(privacy->in->settings);
    struct buf dates = {0};
    int64_t first_ms;
    size_t count = name_ended(privacy, aside, &dates, &first_ms);
    if (count > 0) {
        char end[INSTANT_TEXT];
        instant_format(first_ms, end);
        found(privacy,
              local ? "start abacus serve, which destroys what has ended; or, while nothing runs, "
                      "remove the file"
                    : "start abacus serve, which destroys what has ended; or, while no node runs, "
                      "TRUNCATE analytics.salts",
              "salts that have ended, the first at %.19sZ, still exist in %.*s%s: of %.*s", end,
              STR_FMT(privacy->salts.place), aside ? ".new" : "", STR_FMT(buf_str(&dates)));
    }
    buf_release(&dates);
}

static void judge_salts(struct privacy *privacy)
{
    const struct salts_held *salts = &privacy->salts;
    if (privacy->salts_code != 0) {
        found(privacy, "run as the server's user, with its own options",
              "the salts could not be looked at: %s", privacy->salts_err.text);
        return;
    }
    judge_ended(privacy, false);
    judge_ended(privacy, true);
    if ((salts->mode & 077) != 0) {
        found(privacy, "chmod 600", "%.*s is open to others (mode %03o)", STR_FMT(salts->place),
              salts->mode);
    }
    if (!settings_store_is_local(privacy->in->settings) && !salts->unlogged) {
        found(privacy, "ALTER TABLE analytics.salts SET UNLOGGED",
              "the server's write-ahead log keeps what is in %.*s", STR_FMT(salts->place));
    }
    if (salts->sampled) {
        found(privacy,
              "ALTER TABLE analytics.salts ALTER COLUMN key TYPE bytea, ALTER COLUMN key SET "
              "STATISTICS 0; then VACUUM pg_statistic",
              "the server's statistics keep keys out of %.*s", STR_FMT(salts->place));
    }
}

/* -- retention -- */

static void judge_runs(struct privacy *privacy)
{
    const struct holdings *held = &privacy->held;
    int64_t last_ms =
        held->retention_ended_ms != 0 ? held->retention_ended_ms : held->retention_since_ms;
    if (last_ms != 0 && privacy->now_ms - last_ms > STALE_MS) {
        char last[INSTANT_TEXT];
        instant_format(last_ms, last);
        found(privacy, "start abacus serve, or run abacus aggregate from cron",
              "retention has not ended completely since %.19sZ", last);
    }
}

static struct str site_at(const struct privacy *privacy, size_t i)
{
    return i < privacy->sites_count ? privacy->sites[i]->id
                                    : privacy->held.removed[i - privacy->sites_count];
}

/* "a, b, c and 4 more"; how many. */
static size_t name_sites(const struct privacy *privacy, enum holding_kind kind, struct buf *names)
{
    size_t all = privacy->sites_count + privacy->held.removed_count, count = 0;
    for (size_t i = 0; i < all; i++) {
        if ((privacy->overdue[i] >> kind & 1) == 0) {
            continue;
        }
        if (count < NAMED) {
            buf_addf(names, "%s%.*s", count == 0 ? "" : ", ", STR_FMT(site_at(privacy, i)));
        }
        count++;
    }
    if (count > NAMED) {
        buf_addf(names, " and %zu more", count - NAMED);
    }
    return count;
}

/* Only raw rows are held back by days that cannot be packed. */
static void judge_overdue(struct privacy *privacy, enum holding_kind kind)
{
    struct buf names = {0};
    size_t count = name_sites(privacy, kind, &names);
    if (count > 0) {
        found(privacy,
              privacy_kinds[kind].keep == KEEP_RAW_DAYS
                  ? "run abacus aggregate; if it does not help, look for \"a day is too large to "
                    "be packed\" in what the server says"
                  : "run abacus aggregate",
              "%s: some are older than allowed, of %zu site%s: %.*s", privacy_kinds[kind].title,
              count, count == 1 ? "" : "s", STR_FMT(buf_str(&names)));
    }
    buf_release(&names);
}

/* What belongs to no site goes by UTC dates here; and a day late, as the rest. */
static void judge_general(struct privacy *privacy, enum holding_kind kind)
{
    int64_t days = privacy_keep_days(privacy, privacy_kinds[kind].keep);
    int32_t oldest = privacy->held.kinds[kind].oldest_day;
    int32_t today = (int32_t)(privacy->now_ms / DAY_MS);
    if (days > 0 && oldest != DAY_NONE && oldest < today - days - 1) {
        char date[DATE_TEXT];
        date_format(oldest, date);
        found(privacy, "run abacus aggregate", "%s: some are of %s, older than %lld days allow",
              privacy_kinds[kind].title, date, (long long)days);
    }
}

static void judge_retention(struct privacy *privacy)
{
    judge_runs(privacy);
    for (enum holding_kind kind = 0; kind < HOLDINGS_OF_SITES; kind++) {
        judge_overdue(privacy, kind);
    }
    judge_general(privacy, HOLDING_KEYS);
    judge_general(privacy, HOLDING_AUDIT);
}

/* -- files -- */

/* The shortest that any site keeps raw events; 0: all for ever. */
static int64_t least_raw_days(const struct privacy *privacy)
{
    int64_t least = privacy->in->settings->raw_days;
    for (size_t i = 0; i < privacy->sites_count; i++) {
        int32_t days = privacy->sites[i]->raw_days;
        least = days != 0 && (least == 0 || days < least) ? days : least;
    }
    return least;
}

static void judge_log(struct privacy *privacy)
{
    const struct privacy_log *log = &privacy->log;
    int64_t days = least_raw_days(privacy), keep_ms = privacy->in->settings->log_keep_ms;
    int64_t age_ms = log->oldest_ms == 0 ? 0 : privacy->now_ms - log->oldest_ms;
    if (log->err.text[0] != '\0') {
        found(privacy, "run as the server's user", "the event log could not be looked at: %s",
              log->err.text);
    } else if (days != 0 && age_ms > (days + 1) * DAY_MS + keep_ms) {
        found(privacy,
              "run abacus aggregate, if it is not counted yet; then start abacus serve with "
              "this data directory, and --log-keep not longer than raw events",
              "the event log has records of %lld days ago, but raw events may be kept for %lld",
              (long long)(age_ms / DAY_MS), (long long)days);
    }
}

static void judge_dead_letters(struct privacy *privacy)
{
    if (privacy->dead_letters > 0) {
        found(privacy, "look at what it holds, then remove the file",
              "dead-letter.ndjson holds %llu events that the database refused; no retention takes "
              "them",
              (unsigned long long)privacy->dead_letters);
    }
}

void privacy_judge(struct privacy *privacy)
{
    judge_salts(privacy);
    judge_retention(privacy);
    judge_log(privacy);
    judge_dead_letters(privacy);
}
