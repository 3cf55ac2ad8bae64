/*
 * base/tz_rule.c -- the POSIX TZ string in a TZif footer, with the extensions of RFC 8536, 3.3.1.
 *
 *     std offset [dst [offset] , start[/time] , end[/time]]
 *
 *     std, dst   three letters or more, or <letters, digits, + and ->
 *     offset     [+-]h[h][:mm[:ss]], positive *west* of Greenwich; that of dst defaults to std + 1
 * hour start, end Jn (1..365, 29 February never counted), n (0..365) or Mm.w.d (weekday d, 0
 * Sunday, of week w, 5 the last, of month m) time       -167..167 hours, on the wall clock before
 * the change; 02:00:00 by default
 *
 * "dst" may be behind "std" (Ireland), and may last all year (its end is then the next year's
 * start, which wins as the later of two changes at one instant).
 */
#include "base/tz_internal.h"

#include "base/date.h"

enum day_kind { DAY_JULIAN, DAY_ZERO_BASED, DAY_WEEKDAY };

struct rule_day {
    enum day_kind kind;
    int month, week, day;
    int32_t time;
};

struct rule {
    int32_t std, dst; /* offsets from UTC, east positive */
    bool has_dst;
    struct rule_day start, end;
};

/* The text not yet read. */
struct cursor {
    struct str rest;
};

static bool take(struct cursor *c, char want)
{
    if (c->rest.len == 0 || c->rest.ptr[0] != want)
        return false;
    c->rest = str_slice(c->rest, 1, c->rest.len);
    return true;
}

/* One to three digits, from `least` to `most`. */
static bool take_number(struct cursor *c, int least, int most, int *out)
{
    size_t len = 0;
    int value = 0;

    for (; len < c->rest.len && len < 3; len++) {
        char digit = c->rest.ptr[len];

        if (digit < '0' || digit > '9')
            break;
        value = value * 10 + (digit - '0');
    }
    c->rest = str_slice(c->rest, len, c->rest.len);
    *out = value;
    return len > 0 && value >= least && value <= most;
}

static bool is_name_char(char c, bool quoted)
{
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

    return letter || (quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'));
}

static bool take_name(struct cursor *c)
{
    bool quoted = take(c, '<');
    size_t len = 0;

    while (len < c->rest.len && is_name_char(c->rest.ptr[len], quoted))
        len++;
    c->rest = str_slice(c->rest, len, c->rest.len);
    return len >= 3 && (!quoted || take(c, '>'));
}

/* [+-]h[:mm[:ss]] in seconds. */
static bool take_time(struct cursor *c, int most_hours, int32_t *out)
{
    bool negative = take(c, '-');
    int hours, minutes = 0, seconds = 0;

    if (!negative)
        (void)take(c, '+');
    if (!take_number(c, 0, most_hours, &hours))
        return false;
    if (take(c, ':') &&
        (!take_number(c, 0, 59, &minutes) || (take(c, ':') && !take_number(c, 0, 59, &seconds))))
        return false;
    *out = hours * 3600 + minutes * 60 + seconds;
    if (negative)
        *out = -*out;
    return true;
}

static bool take_day(struct cursor *c, struct rule_day *out)
{
    bool ok;

    *out = (struct rule_day){.time = 2 * 3600};
    if (take(c, 'M')) {
        out->kind = DAY_WEEKDAY;
        ok = take_number(c, 1, 12, &out->month) && take(c, '.') &&
             take_number(c, 1, 5, &out->week) && take(c, '.') && take_number(c, 0, 6, &out->day);
    } else if (take(c, 'J')) {
        out->kind = DAY_JULIAN;
        ok = take_number(c, 1, 365, &out->day);
    } else {
        out->kind = DAY_ZERO_BASED;
        ok = take_number(c, 0, 365, &out->day);
    }
    return ok && (!take(c, '/') || take_time(c, 167, &out->time));
}

static bool parse_rule(struct str text, struct rule *rule)
{
    struct cursor c = {text};
    int32_t west;

    *rule = (struct rule){0};
    if (!take_name(&c) || !take_time(&c, 24, &west))
        return false;
    rule->std = -west;
    if (c.rest.len == 0)
        return true;
    rule->has_dst = true;
    rule->dst = rule->std + 3600;
    if (!take_name(&c))
        return false;
    if (c.rest.len > 0 && c.rest.ptr[0] != ',') {
        if (!take_time(&c, 24, &west))
            return false;
        rule->dst = -west;
    }
    return take(&c, ',') && take_day(&c, &rule->start) && take(&c, ',') &&
           take_day(&c, &rule->end) && c.rest.len == 0;
}

/* The date that `day` means in `year`. */
static int32_t date_in_year(const struct rule_day *day, int year)
{
    int32_t new_year = date_from_civil(year, 1, 1);

    if (day->kind == DAY_ZERO_BASED)
        return new_year + day->day;
    if (day->kind == DAY_JULIAN) {
        bool leap = date_from_civil(year + 1, 1, 1) - new_year == 366;

        return new_year + day->day - 1 + (leap && day->day >= 60);
    }
    int32_t month = date_from_civil(year, day->month, 1);
    int32_t next_month = date_add_months(month, 1);
    /* date_weekday() has Monday first, POSIX Sunday. */
    int32_t date = month + (day->day - (date_weekday(month) + 1) % 7 + 7) % 7 + (day->week - 1) * 7;

    return date < next_month ? date : date - 7;
}

static int64_t instant_in_year(const struct rule_day *day, int year, int32_t offset_before)
{
    return (int64_t)date_in_year(day, year) * 86400 + day->time - offset_before;
}

static void add_after(struct tz_changes *changes, int64_t last, struct tz_change change)
{
    if (change.start > last)
        tz_changes_add(changes, change.start, change.offset);
}

static void add_year(const struct rule *rule, int year, int64_t last, struct tz_changes *changes)
{
    struct tz_change to_dst = {instant_in_year(&rule->start, year, rule->std), rule->dst};
    struct tz_change to_std = {instant_in_year(&rule->end, year, rule->dst), rule->std};
    bool dst_first = to_dst.start <= to_std.start;

    add_after(changes, last, dst_first ? to_dst : to_std);
    add_after(changes, last, dst_first ? to_std : to_dst);
}

int tz_add_rule(struct str footer, int64_t last, struct tz_changes *changes, struct err *err)
{
    struct rule rule;

    if (!parse_rule(footer, &rule))
        return err_set(err, ERR_CORRUPT, "time zone file: cannot read its TZ string");
    if (last == INT64_MIN)
        tz_changes_add(changes, INT64_MIN, rule.std);
    for (int year = TZ_FIRST_YEAR; rule.has_dst && year <= TZ_LAST_YEAR; year++)
        add_year(&rule, year, last, changes);
    return 0;
}
