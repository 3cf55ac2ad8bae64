/*
 * range.c -- what a question means by its days, and which days it is compared with.
 *
 * Everything here is calendar arithmetic on dates; only range_cut() and range_next_hour() look at a
 * zone.
 */
#include "base/date.h"
#include "query/query.h"

int32_t range_days(struct range range)
{
    return range.to - range.from + 1;
}

/* A date without a clock is the same everywhere: UTC needs no table. */
static int32_t day_at(const struct tz *tz, int64_t ms)
{
    return tz == NULL ? (int32_t)(ms / DAY_MS - (ms % DAY_MS < 0)) : tz_at(tz, ms).day;
}

struct range_clock range_clock_at(const struct tz *tz, int64_t now_ms)
{
    int32_t today = day_at(tz, now_ms);

    return (struct range_clock){
        .today = today, .day_ago = day_at(tz, now_ms - DAY_MS), .first = today};
}

/* -- named periods ------------------------------------------------------------------------- */

static int32_t month_start(int32_t date)
{
    struct civil c = date_to_civil(date);

    return date_from_civil(c.year, c.month, 1);
}

static struct range period_today(const struct range_clock *c, int32_t n)
{
    return (struct range){c->today - n, c->today - n};
}

static struct range period_24h(const struct range_clock *c, int32_t n)
{
    (void)n;
    return (struct range){c->day_ago, c->today};
}

static struct range period_days(const struct range_clock *c, int32_t n)
{
    return (struct range){c->today - n, c->today - 1};
}

static struct range period_week(const struct range_clock *c, int32_t n)
{
    (void)n;
    return (struct range){c->today - date_weekday(c->today), c->today};
}

/* The n months (1, 3 or 12) of the year's division in which today lies. */
static struct range period_running_months(const struct range_clock *c, int32_t n)
{
    struct civil today = date_to_civil(c->today);

    return (struct range){date_from_civil(today.year, (today.month - 1) / n * n + 1, 1), c->today};
}

static struct range period_whole_months(const struct range_clock *c, int32_t n)
{
    int32_t this_month = month_start(c->today);

    return (struct range){date_add_months(this_month, -n), this_month - 1};
}

static struct range period_all(const struct range_clock *c, int32_t n)
{
    (void)n;
    return (struct range){c->first < c->today ? c->first : c->today, c->today};
}

static const struct period {
    struct str name;
    struct range (*resolve)(const struct range_clock *clock, int32_t n);
    int32_t n;
} periods[] = {
    {{"today", 5}, period_today, 0},
    {{"yesterday", 9}, period_today, 1},
    {{"24h", 3}, period_24h, 0},
    {{"7d", 2}, period_days, 7},
    {{"28d", 3}, period_days, 28},
    {{"30d", 3}, period_days, 30},
    {{"91d", 3}, period_days, 91},
    {{"week", 4}, period_week, 0},
    {{"month", 5}, period_running_months, 1},
    {{"quarter", 7}, period_running_months, 3},
    {{"year", 4}, period_running_months, 12},
    {{"lastMonth", 9}, period_whole_months, 1},
    {{"12mo", 4}, period_whole_months, 12},
    {{"all", 3}, period_all, 0},
};

static const struct period *period_find(struct str name)
{
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
        if (str_eq(periods[i].name, name))
            return &periods[i];
    return NULL;
}

/* -- parameters ---------------------------------------------------------------------------- */

static int refuse(const char **param, const char *name, struct err *err, const char *why)
{
    *param = name;
    return err_set(err, ERR_INVALID, "%s %s", name, why);
}

static int parse_date(struct str text, const char *name, int32_t *out, const char **param,
                      struct err *err)
{
    if (text.len == 0)
        return refuse(param, name, err, "is missing");
    if (!date_parse(text, out))
        return refuse(param, name, err, "is not a date like 2026-11-22");
    return 0;
}

int range_parse(struct str from, struct str to, const char *from_name, const char *to_name,
                struct range *out, const char **param, struct err *err)
{
    int rc = parse_date(from, from_name, &out->from, param, err);

    if (rc == 0)
        rc = parse_date(to, to_name, &out->to, param, err);
    if (rc < 0)
        return rc;
    if (out->from > out->to)
        return refuse(param, from_name, err, "is later than the end of the range");
    if (range_days(*out) > RANGE_DAYS_MAX)
        return refuse(param, from_name, err, "makes a range of more than 3660 days");
    return 0;
}

static int named(struct str name, const struct range_clock *clock, struct range *out,
                 const char **param, struct err *err)
{
    const struct period *period = period_find(name);

    if (period == NULL)
        return refuse(param, "period", err,
                      "is not one of today, yesterday, 24h, 7d, 28d, 30d, 91d, week, month, "
                      "quarter, year, lastMonth, 12mo, all, custom");
    *out = period->resolve(clock, period->n);
    if (range_days(*out) > RANGE_DAYS_MAX)
        return refuse(param, "period", err, "is a range of more than 3660 days");
    return 0;
}

int range_resolve(const struct range_words *words, const struct range_clock *clock,
                  struct range *out, const char **param, struct err *err)
{
    bool dates = words->from.len > 0 || words->to.len > 0;
    bool custom = str_eq(words->period, STR("custom"));

    if (dates && words->period.len > 0 && !custom)
        return refuse(param, "period", err, "goes with from and to only when it is custom");
    if (dates || custom)
        return range_parse(words->from, words->to, "from", "to", out, param, err);
    return named(words->period.len > 0 ? words->period : STR("today"), clock, out, param, err);
}

/* -- comparisons --------------------------------------------------------------------------- */

struct range range_match_weekday(struct range earlier, struct range range)
{
    int32_t back = (date_weekday(earlier.from) - date_weekday(range.from) + 7) % 7;

    return (struct range){earlier.from - back, earlier.to - back};
}

struct range range_before(struct range range, enum against against, bool match_weekday)
{
    struct range earlier = range;

    if (against == AGAINST_PREVIOUS)
        earlier = (struct range){range.from - range_days(range), range.from - 1};
    else if (against == AGAINST_YEAR)
        earlier = (struct range){date_add_months(range.from, -12), date_add_months(range.to, -12)};
    return match_weekday ? range_match_weekday(earlier, range) : earlier;
}

int64_t range_next_hour(const struct tz *tz, int64_t hour_ms)
{
    int32_t into = tz_at(tz, hour_ms).second_of_day % 3600;
    int64_t next = hour_ms + (3600 - into) * INT64_C(1000);

    /* A clock change or a date's beginning inside the hour begins an hour of its own. */
    for (;;) {
        int64_t begun = tz_at(tz, next - 1).hour_ms;
        if (begun <= hour_ms)
            return next;
        next = begun;
    }
}

/* The hour that the clock shows; where clocks were set back across midnight, the date's first hours
 * read 23: they are its hour 0. */
static int32_t clock_hour(const struct tz *tz, int64_t ms)
{
    struct tz_local local = tz_at(tz, ms);
    bool set_back =
        local.second_of_day >= 12 * 3600 && ms - tz_day_start(tz, local.day) < 6 * HOUR_MS;

    return set_back ? 0 : local.second_of_day / 3600;
}

bool range_cut(struct range range, const struct tz *tz, int64_t now_ms, struct range *earlier,
               int64_t *until_ms)
{
    int32_t today = tz_at(tz, now_ms).day;

    if (today < range.from || today > range.to)
        return false;
    int32_t last = earlier->to - (range.to - today);
    earlier->to = last < earlier->from ? earlier->from : last;

    int64_t begin = tz_day_start(tz, earlier->to), end = tz_day_start(tz, earlier->to + 1);
    *until_ms = begin;
    for (int64_t hour = begin, next; hour < end; hour = next) {
        next = range_next_hour(tz, hour);
        if (clock_hour(tz, hour) <= clock_hour(tz, now_ms))
            *until_ms = next;
    }
    return true;
}
