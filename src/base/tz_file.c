/*
 * base/tz_file.c -- the TZif format (RFC 8536, and RFC 9636 for version 4).
 *
 *     header  "TZif" version(1) reserved(15), six counts of 4 bytes, big-endian: isutcnt isstdcnt
 * leapcnt timecnt typecnt charcnt block   timecnt transition times, timecnt type indices (1),
 * typecnt types (offset 4, isdst 1, name index 1), charcnt name bytes, leapcnt leap seconds (time +
 * 4), isstdcnt and isutcnt flags (1)
 *
 * Version 1 is one header and one block with times of 4 bytes. Later versions repeat both with
 * times of 8 bytes, which alone are read, and end with a POSIX TZ string between two newlines.
 *
 * Of all this only instants and offsets matter here. Whether a type is called summer time, and its
 * name, does not.
 */
#include "base/tz_internal.h"

#include "base/date.h"

enum { HEADER_BYTES = 44, TYPE_BYTES = 6 };

struct header {
    char version;
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static uint64_t big_endian(const char *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

static int corrupt(struct err *err, const char *why)
{
    return err_set(err, ERR_CORRUPT, "time zone file: %s", why);
}

static int read_header(struct str bytes, struct header *h, struct err *err)
{
    if (bytes.len < HEADER_BYTES || !str_starts(bytes, STR("TZif")))
        return corrupt(err, "no TZif header");
    uint32_t *const counts[] = {&h->isutcnt, &h->isstdcnt, &h->leapcnt,
                                &h->timecnt, &h->typecnt,  &h->charcnt};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        *counts[i] = (uint32_t)big_endian(bytes.ptr + 20 + i * 4, 4);
    h->version = bytes.ptr[4];
    if (h->version != '\0' && (h->version < '2' || h->version > '9'))
        return corrupt(err, "unknown version");
    return 0;
}

/* Six 32-bit counts times at most 12 cannot overflow 64 bits. */
static uint64_t block_bytes(const struct header *h, uint64_t time_bytes)
{
    return h->timecnt * (time_bytes + 1) + (uint64_t)h->typecnt * TYPE_BYTES + h->charcnt +
           h->leapcnt * (time_bytes + 4) + h->isstdcnt + h->isutcnt;
}

static int check_header(const struct header *h, uint64_t time_bytes, size_t have, struct err *err)
{
    if (h->leapcnt != 0)
        return corrupt(err, "counts leap seconds (a \"right\" zone)");
    if (block_bytes(h, time_bytes) > have)
        return corrupt(err, "cut short");
    if (h->typecnt == 0 || h->typecnt > 256)
        return corrupt(err, "no local time types, or too many");
    return 0;
}

static int read_offset(const char *types, uint32_t type, int32_t *out, struct err *err)
{
    int32_t offset = (int32_t)(uint32_t)big_endian(types + (size_t)type * TYPE_BYTES, 4);

    if (offset < -TZ_OFFSET_MAX || offset > TZ_OFFSET_MAX)
        return corrupt(err, "offset from UTC out of range");
    *out = offset;
    return 0;
}

/* What came before the table's first year folds into its beginning. */
static void add_transition(struct tz_changes *changes, int64_t time, int32_t offset)
{
    int64_t first = (int64_t)date_from_civil(TZ_FIRST_YEAR, 1, 1) * 86400;
    int64_t end = (int64_t)date_from_civil(TZ_LAST_YEAR + 1, 1, 1) * 86400;

    if (time < end)
        tz_changes_add(changes, time < first ? INT64_MIN : time, offset);
}

/* Read the block at `p`; *last becomes its last transition, or INT64_MIN. */
static int read_block(const char *p, const struct header *h, size_t time_bytes,
                      struct tz_changes *changes, int64_t *last, struct err *err)
{
    const char *indices = p + h->timecnt * time_bytes, *types = indices + h->timecnt;
    int32_t offset = 0;
    int rc = read_offset(types, 0, &offset, err);

    if (rc < 0)
        return rc;
    *last = INT64_MIN;
    tz_changes_add(changes, INT64_MIN, offset);
    for (size_t i = 0; i < h->timecnt; i++) {
        uint64_t raw = big_endian(p + i * time_bytes, time_bytes);
        int64_t time = time_bytes == 4 ? (int32_t)(uint32_t)raw : (int64_t)raw;
        unsigned char type = (unsigned char)indices[i];

        if (type >= h->typecnt)
            return corrupt(err, "transition to an unknown local time type");
        if (i > 0 && time <= *last)
            return corrupt(err, "transitions out of order");
        rc = read_offset(types, type, &offset, err);
        if (rc < 0)
            return rc;
        add_transition(changes, time, offset);
        *last = time;
    }
    return 0;
}

static int read_footer(struct str rest, int64_t last, struct tz_changes *changes, struct err *err)
{
    size_t end = str_find(rest, 1, '\n');

    if (rest.len < 2 || rest.ptr[0] != '\n' || end == rest.len)
        return corrupt(err, "no footer");
    if (end == 1)
        return 0; /* The file does not say what comes after its last transition: that goes on. */
    return tz_add_rule(str_slice(rest, 1, end), last, changes, err);
}

int tz_read_file(struct str bytes, struct tz_changes *changes, struct err *err)
{
    struct header h;
    size_t time_bytes = 4;
    int64_t last;
    int rc = read_header(bytes, &h, err);

    if (rc < 0)
        return rc;
    bytes = str_slice(bytes, HEADER_BYTES, bytes.len);
    if (h.version != '\0') {
        if (block_bytes(&h, 4) > bytes.len)
            return corrupt(err, "cut short");
        bytes = str_slice(bytes, (size_t)block_bytes(&h, 4), bytes.len);
        rc = read_header(bytes, &h, err);
        if (rc < 0)
            return rc;
        bytes = str_slice(bytes, HEADER_BYTES, bytes.len);
        time_bytes = 8;
    }
    rc = check_header(&h, time_bytes, bytes.len, err);
    if (rc < 0)
        return rc;
    rc = read_block(bytes.ptr, &h, time_bytes, changes, &last, err);
    if (rc < 0 || time_bytes == 4)
        return rc;
    return read_footer(str_slice(bytes, (size_t)block_bytes(&h, 8), bytes.len), last, changes, err);
}
