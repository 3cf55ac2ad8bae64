/*
 * base/tz.h -- IANA time zones, read from TZif files (RFC 8536) into immutable tables.
 *
 * libc's zone is global to the process, hence our own.  A struct tz may be used by any number of
 * threads. Looking up is pure and makes no system call.  Dates in a zone never go back: where
 * clocks are set back across midnight, the later date goes on (a date is one unbroken span of time;
 * its length is 0 where the zone skipped it, as Samoa 2011-12-30).
 */
#ifndef ABACUS_BASE_TZ_H
#define ABACUS_BASE_TZ_H

#include "base/err.h"
#include "base/str.h"

struct tz;

/* Where an instant falls in a zone. */
struct tz_local {
    int32_t day;           /* the local date, days since 1970-01-01 */
    int32_t second_of_day; /* wall clock, 0..86399 */
    int64_t hour_ms; /* the instant at which this local clock hour began: the wall clock's last full
                        hour, or the clock change or the date's beginning if that came later */
};

/* Load zone `name` ("Europe/Berlin", "UTC") from the system's zoneinfo (TZDIR, or
 * /usr/share/zoneinfo). ERR_INVALID: no such zone, or a name that is none ("../x"); ERR_CORRUPT:
 * the file is no TZif, or counts leap seconds; ERR_SYSTEM: it cannot be read. The caller owns *out.
 * Beyond the table the file's TZ string footer is followed. */
int tz_load(struct str name, struct tz **out, struct err *err);
/* The same from the bytes of a TZif file. */
int tz_parse(struct str bytes, struct tz **out, struct err *err);
void tz_free(struct tz **tz);

/* Instants of the years 1970 to 2500. */
struct tz_local tz_at(const struct tz *tz, int64_t ms);

/* The first instant of local date `day`; of a skipped date, that of the next. The date's length is
 * tz_day_start(day + 1) - tz_day_start(day). */
int64_t tz_day_start(const struct tz *tz, int32_t day);

#endif
