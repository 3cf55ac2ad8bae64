/*
 * base/date.c -- the proleptic Gregorian calendar.
 *
 * Days are counted in years that begin on 1 March, so that the leap day is a year's last and 400
 * years, always 146,097 days, repeat exactly.
 */
#include "base/date.h"

enum {
    ERA_DAYS = 146097,     /* of 400 years */
    ERA_TO_EPOCH = 719468, /* days from 0000-03-01 to 1970-01-01 */
    FIRST_DATE = -719162,  /* 0001-01-01 */
    LAST_DATE = 2932896,   /* 9999-12-31 */
};

static int floor_div(int a, int b)
{
    return a / b - (a % b < 0);
}

int32_t date_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = floor_div(y, 400);
    int year_of_era = y - era * 400;
    int month_from_march = (month + 9) % 12;
    /* 153 days in each five months from March; the shorter last months need no care. */
    int day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - ERA_TO_EPOCH;
}

struct civil date_to_civil(int32_t date)
{
    int days = date + ERA_TO_EPOCH;
    int era = floor_div(days, ERA_DAYS);
    int day_of_era = days - era * ERA_DAYS;
    /* Take out the leap days of 4, 100 and 400 years; 365 goes into the rest. */
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

int date_weekday(int32_t date)
{
    /* 1970-01-01 was a Thursday. */
    int weekday = (date % 7 + 3) % 7;

    return weekday < 0 ? weekday + 7 : weekday;
}

static int month_days(int year, int month)
{
    int next = date_from_civil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1);

    return next - date_from_civil(year, month, 1);
}

int32_t date_add_months(int32_t date, int months)
{
    struct civil c = date_to_civil(date);
    int month = c.year * 12 + c.month - 1 + months;
    int year = floor_div(month, 12);

    month = month - year * 12 + 1;
    int last = month_days(year, month);

    return date_from_civil(year, month, c.day < last ? c.day : last);
}

/* `len` digits at `at`. */
static bool digits(struct str s, size_t at, size_t len, int *out)
{
    int value = 0;

    if (at + len > s.len)
        return false;
    for (size_t i = at; i < at + len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        value = value * 10 + (s.ptr[i] - '0');
    }
    *out = value;
    return true;
}

static bool is_char(struct str s, size_t at, char c)
{
    return at < s.len && s.ptr[at] == c;
}

bool date_parse(struct str s, int32_t *out)
{
    int year, month, day;

    if (s.len != DATE_TEXT - 1 || !digits(s, 0, 4, &year) || !is_char(s, 4, '-') ||
        !digits(s, 5, 2, &month) || !is_char(s, 7, '-') || !digits(s, 8, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *out = date_from_civil(year, month, day);
    return true;
}

static void put_digits(char *at, int len, int value)
{
    while (len-- > 0) {
        at[len] = (char)('0' + value % 10);
        value /= 10;
    }
}

void date_format(int32_t date, char out[DATE_TEXT])
{
    int32_t bounded = date < FIRST_DATE ? FIRST_DATE : date > LAST_DATE ? LAST_DATE : date;
    struct civil c = date_to_civil(bounded);

    put_digits(out, 4, c.year);
    out[4] = '-';
    put_digits(out + 5, 2, c.month);
    out[7] = '-';
    put_digits(out + 8, 2, c.day);
    out[10] = '\0';
}

/* "HH:MM" at `at`, in minutes. */
static bool hour_and_minute(struct str s, size_t at, int *out)
{
    int hour, minute;

    if (!digits(s, at, 2, &hour) || !is_char(s, at + 2, ':') || !digits(s, at + 3, 2, &minute) ||
        hour > 23 || minute > 59)
        return false;
    *out = hour * 60 + minute;
    return true;
}

/* ".5", ".123456789", or nothing, from *at on, cut to milliseconds. */
static bool fraction(struct str s, size_t *at, int *ms)
{
    size_t first = *at + 1, end = first;
    int digit, weight = 100;

    *ms = 0;
    if (!is_char(s, *at, '.'))
        return true;
    for (; digits(s, end, 1, &digit); end++, weight /= 10)
        *ms += digit * weight;
    *at = end;
    return end > first && end - first <= 9;
}

/* "Z" or "+HH:MM", and the end of the text. */
static bool zone(struct str s, size_t at, int *minutes)
{
    *minutes = 0;
    if (is_char(s, at, 'Z') || is_char(s, at, 'z'))
        return at + 1 == s.len;
    if (!is_char(s, at, '+') && !is_char(s, at, '-'))
        return false;
    if (s.len - at != 6 || !hour_and_minute(s, at + 1, minutes))
        return false;
    if (s.ptr[at] == '-')
        *minutes = -*minutes;
    return true;
}

/* Leap seconds end a month of UTC. */
static bool begins_month(int64_t seconds)
{
    return seconds % 86400 == 0 && date_to_civil((int32_t)(seconds / 86400)).day == 1;
}

bool instant_parse(struct str s, int64_t *out)
{
    int32_t date;
    int minutes, second, ms, offset;
    size_t at = sizeof("2026-11-22T10:05:00") - 1;

    if (!date_parse(str_slice(s, 0, 10), &date) || !(is_char(s, 10, 'T') || is_char(s, 10, 't')) ||
        !hour_and_minute(s, 11, &minutes) || !is_char(s, 16, ':') || !digits(s, 17, 2, &second) ||
        second > 60 || !fraction(s, &at, &ms) || !zone(s, at, &offset))
        return false;
    int64_t seconds = (int64_t)date * 86400 + (minutes - offset) * 60 + second;

    if (second == 60 && !begins_month(seconds))
        return false;
    *out = seconds * 1000 + ms;
    return true;
}

void instant_format(int64_t ms, char out[INSTANT_TEXT])
{
    int64_t first = FIRST_DATE * DAY_MS, last = (LAST_DATE + 1) * DAY_MS - 1;
    int64_t bounded = ms < first ? first : ms > last ? last : ms;
    int64_t date = bounded / DAY_MS - (bounded % DAY_MS < 0);
    int rest = (int)(bounded - date * DAY_MS);

    date_format((int32_t)date, out);
    memcpy(out + 10, "T00:00:00.000Z", sizeof("T00:00:00.000Z"));
    put_digits(out + 11, 2, rest / 3600000);
    put_digits(out + 14, 2, rest / 60000 % 60);
    put_digits(out + 17, 2, rest / 1000 % 60);
    put_digits(out + 20, 3, rest % 1000);
}
