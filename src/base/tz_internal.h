/* base/tz_internal.h -- what the three parts of base/tz share: file, footer rule, table. */
#ifndef ABACUS_BASE_TZ_INTERNAL_H
#define ABACUS_BASE_TZ_INTERNAL_H

#include "base/tz.h"

/* From `start` (seconds since 1970) on, local time is UTC + `offset` seconds. */
struct tz_change {
    int64_t start;
    int32_t offset;
};

/* A table under construction. Ascending; the first begins at INT64_MIN. */
struct tz_changes {
    struct tz_change *at;
    size_t count, cap;
};

/* Append. A change at the same instant as the last one takes its place; one that changes nothing is
 * left out. start is not before the last one's. */
void tz_changes_add(struct tz_changes *changes, int64_t start, int32_t offset);

/* The years that the table covers. */
enum { TZ_FIRST_YEAR = 1969, TZ_LAST_YEAR = 2501 };
/* The largest offset from UTC that RFC 8536, 3.2 wants readers to accept is 26 hours less a second.
 */
enum { TZ_OFFSET_MAX = 26 * 3600 - 1 };

/* Read a TZif file into *changes, the footer's rule included. */
int tz_read_file(struct str bytes, struct tz_changes *changes, struct err *err);

/* Append the changes that the POSIX TZ string `footer` makes behind the last of the file's, up to
 * TZ_LAST_YEAR. `last` is the file's last change, or INT64_MIN if it has none; then the footer's
 * standard time holds from the beginning. */
int tz_add_rule(struct str footer, int64_t last, struct tz_changes *changes, struct err *err);

#endif
