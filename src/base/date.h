/*
 * base/date.h -- calendar dates and instants as text.
 *
 * A date is a count of days since 1970-01-01 in the proleptic Gregorian calendar (int32_t); an
 * instant is milliseconds since 1970-01-01T00:00:00Z (int64_t).  No time zones here: see base/tz.h.
 */
#ifndef ABACUS_BASE_DATE_H
#define ABACUS_BASE_DATE_H

#include "base/str.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)

struct civil {
    int year, month, day; /* month and day from 1 */
};

int32_t date_from_civil(int year, int month, int day);
struct civil date_to_civil(int32_t date);

/* 0 Monday to 6 Sunday. */
int date_weekday(int32_t date);

/* `date` moved by `months`; a day the month lacks becomes its last (29 February -> 28). */
int32_t date_add_months(int32_t date, int months);

/* YYYY-MM-DD, a real date of the years 1 to 9999, and nothing else. */
bool date_parse(struct str s, int32_t *out);

enum { DATE_TEXT = 11, INSTANT_TEXT = 25 };
/* "2026-11-22" */
void date_format(int32_t date, char out[DATE_TEXT]);

/* RFC 3339 with any offset, 0 to 9 decimals (cut to milliseconds), upper or lower case T and Z; a
 * leap second becomes the second after. */
bool instant_parse(struct str s, int64_t *out);
/* "2026-11-22T10:05:00.123Z" */
void instant_format(int64_t ms, char out[INSTANT_TEXT]);

#endif
