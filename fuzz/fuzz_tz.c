/*
 * fuzz/fuzz_tz.c -- any bytes as a TZif file.
 *
 * In every zone that is taken dates ascend, each instant lies in its own date, and a date that was
 * not skipped begins where it says.
 */
#include "base/date.h"
#include "base/tz.h"

#include <stdlib.h>

enum { DAYS = 200000, STEP = 997 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_date(const struct tz *tz, int32_t date)
{
    int64_t start = tz_day_start(tz, date), end = tz_day_start(tz, date + 1);

    must(start <= end);
    if (start == end)
        return;
    must(tz_at(tz, start).day == date && tz_at(tz, end - 1).day == date);
    must(tz_at(tz, start).hour_ms == start);
    must(tz_at(tz, end - 1).hour_ms >= start && tz_at(tz, end - 1).hour_ms < end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tz *tz = NULL;
    int rc = tz_parse((struct str){(const char *)data, size}, &tz, NULL);

    must(rc == 0 || rc == ERR_CORRUPT);
    for (int32_t date = 0; rc == 0 && date < DAYS; date += STEP)
        check_date(tz, date);
    tz_free(&tz);
    return 0;
}
