/*
 * store/postgres_values.c -- values to and from PostgreSQL, in its binary formats.
 *
 * All integers are big-endian. A date is the days since 2000-01-01, an instant the microseconds
 * since then; dates beyond the years 1 to 9999 become the first and the last of these. jsonb is a
 * byte 1 and the text. An array of one dimension is
 *
 *     int32 1 (dimensions), int32 0 (whether there are nulls, which nobody looks at), int32 type,
 *     int32 count, int32 1 (first index), then for each element int32 its length (-1: NULL) and its
 *     bytes
 */
#include "store/postgres_internal.h"

#include "base/date.h"

#include <assert.h>
#include <endian.h>

/* Of the catalog pg_type; they never change. */
enum {
    BOOL = 16,
    BYTEA = 17,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    BYTEA_ARRAY = 1001,
    INT2_ARRAY = 1005,
    INT4_ARRAY = 1007,
    TEXT_ARRAY = 1009,
    INT8_ARRAY = 1016,
    DATE = 1082,
    DATE_ARRAY = 1182,
    TIMESTAMPTZ = 1184,
    JSONB = 3802,
};

enum {
    EPOCH_DAY = 10957, /* 2000-01-01 */
    FIRST_DAY = -719162,
    END_DAY = 2932897, /* 0001-01-01 and 10000-01-01 */
    ARRAY_HEAD = 5 * sizeof(uint32_t),
};

static int32_t pg_day(int32_t day)
{
    return (day < FIRST_DAY ? FIRST_DAY : day >= END_DAY ? END_DAY - 1 : day) - EPOCH_DAY;
}

/* -- values of a statement --------------------------------------------------------------------- */

struct pg_query pg_query(const char *sql)
{
    return (struct pg_query){.sql = sql};
}

static void put(struct pg_query *query, Oid type, const char *value, size_t len)
{
    assert(query->count < PG_PARAMS_MAX && len <= INT32_MAX);
    query->types[query->count] = type;
    query->values[query->count] = value;
    query->lengths[query->count] = (int)len;
    query->count++;
}

static void bind_number(struct pg_query *query, Oid type, const void *bytes, size_t len)
{
    assert(query->count < PG_PARAMS_MAX && len <= sizeof(query->numbers[0]));
    memcpy(query->numbers[query->count], bytes, len);
    put(query, type, NULL, len); /* its address is taken when it is sent: the struct may move */
}

void pg_i64(struct pg_query *query, int64_t n)
{
    uint64_t bytes = htobe64((uint64_t)n);

    bind_number(query, INT8, &bytes, sizeof(bytes));
}

void pg_i32(struct pg_query *query, int32_t n)
{
    uint32_t bytes = htobe32((uint32_t)n);

    bind_number(query, INT4, &bytes, sizeof(bytes));
}

void pg_bool(struct pg_query *query, bool b)
{
    char byte = b ? 1 : 0;

    bind_number(query, BOOL, &byte, sizeof(byte));
}

void pg_date(struct pg_query *query, int32_t day)
{
    uint32_t bytes = htobe32((uint32_t)pg_day(day));

    bind_number(query, DATE, &bytes, sizeof(bytes));
}

void pg_instant(struct pg_query *query, int64_t ms)
{
    const int64_t first = FIRST_DAY * DAY_MS, end = END_DAY * DAY_MS;
    int64_t kept = ms < first ? first : ms > end ? end : ms;
    uint64_t bytes = htobe64((uint64_t)((kept - EPOCH_DAY * DAY_MS) * 1000));

    bind_number(query, TIMESTAMPTZ, &bytes, sizeof(bytes));
}

void pg_text(struct pg_query *query, struct str s)
{
    put(query, TEXT, s.ptr == NULL ? "" : s.ptr, s.len);
}

void pg_optional(struct pg_query *query, struct str s)
{
    put(query, TEXT, s.len == 0 ? NULL : s.ptr, s.len);
}

void pg_bytes(struct pg_query *query, const void *bytes, size_t len)
{
    put(query, BYTEA, bytes == NULL ? "" : bytes, len);
}

/* -- arrays ------------------------------------------------------------------------------------ */

static void put32(char *at, uint32_t n)
{
    n = htobe32(n);
    memcpy(at, &n, sizeof(n));
}

struct pg_array pg_array(enum pg_element element)
{
    static const struct {
        Oid element, array;
    } types[] = {
        [PG_INT8] = {INT8, INT8_ARRAY},    [PG_INT4] = {INT4, INT4_ARRAY},
        [PG_INT2] = {INT2, INT2_ARRAY},    [PG_TEXT] = {TEXT, TEXT_ARRAY},
        [PG_BYTEA] = {BYTEA, BYTEA_ARRAY}, [PG_DATE] = {DATE, DATE_ARRAY},
    };
    struct pg_array array = {.type = types[element].array};
    char *head = buf_reserve(&array.buf, ARRAY_HEAD);

    put32(head, 1);
    put32(head + 4, 0);
    put32(head + 8, types[element].element);
    put32(head + 16, 1);
    array.buf.len = ARRAY_HEAD;
    return array;
}

static void add(struct pg_array *array, const void *bytes, size_t len)
{
    char *at = buf_reserve(&array->buf, sizeof(uint32_t) + len);

    put32(at, (uint32_t)len);
    if (len > 0)
        memcpy(at + sizeof(uint32_t), bytes, len);
    array->buf.len += sizeof(uint32_t) + len;
    array->count++;
}

void pg_add_i64(struct pg_array *array, int64_t n)
{
    uint64_t bytes = htobe64((uint64_t)n);

    add(array, &bytes, sizeof(bytes));
}

void pg_add_i32(struct pg_array *array, int32_t n)
{
    uint32_t bytes = htobe32((uint32_t)n);

    add(array, &bytes, sizeof(bytes));
}

void pg_add_i16(struct pg_array *array, int16_t n)
{
    uint16_t bytes = htobe16((uint16_t)n);

    add(array, &bytes, sizeof(bytes));
}

void pg_add_date(struct pg_array *array, int32_t day)
{
    pg_add_i32(array, pg_day(day));
}

void pg_add_str(struct pg_array *array, struct str s)
{
    add(array, s.ptr, s.len);
}

void pg_add_optional(struct pg_array *array, struct str s)
{
    if (s.len > 0) {
        add(array, s.ptr, s.len);
        return;
    }
    put32(buf_reserve(&array->buf, sizeof(uint32_t)), UINT32_MAX);
    array->buf.len += sizeof(uint32_t);
    array->count++;
}

void pg_bind_array(struct pg_query *query, struct pg_array *array)
{
    put32(array->buf.ptr + 12, (uint32_t)array->count);
    put(query, array->type, array->buf.ptr, array->buf.len);
}

/* -- columns of a row -------------------------------------------------------------------------- */

/* NULL has no length either: nobody has to ask for it. */
int64_t pg_get_i64(const PGresult *result, int row, int column)
{
    const int len = PQgetlength(result, row, column);
    const char *at = PQgetvalue(result, row, column);
    uint64_t n64;
    uint32_t n32;
    uint16_t n16;

    switch (len) {
    case sizeof(n64):
        memcpy(&n64, at, sizeof(n64));
        return (int64_t)be64toh(n64);
    case sizeof(n32):
        memcpy(&n32, at, sizeof(n32));
        return (int32_t)be32toh(n32);
    case sizeof(n16):
        memcpy(&n16, at, sizeof(n16));
        return (int16_t)be16toh(n16);
    case 1:
        return *at;
    default:
        assert(len == 0);
        return 0;
    }
}

int32_t pg_get_date(const PGresult *result, int row, int column)
{
    return (int32_t)pg_get_i64(result, row, column) + EPOCH_DAY;
}

int64_t pg_get_instant(const PGresult *result, int row, int column)
{
    int64_t us = pg_get_i64(result, row, column);

    return us / 1000 - (us % 1000 < 0) + EPOCH_DAY * DAY_MS;
}

struct str pg_get_str(const PGresult *result, int row, int column)
{
    const int len = PQgetlength(result, row, column);

    return len == 0 ? STR("") : (struct str){PQgetvalue(result, row, column), (size_t)len};
}

/* The spaces outside of strings are all that jsonb adds. */
static size_t without_spaces(struct str json, char *out)
{
    bool inside = false, escaped = false;
    size_t len = 0;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];

        if (c == ' ' && !inside)
            continue;
        out[len++] = c;
        if (c == '"' && !escaped)
            inside = !inside;
        escaped = c == '\\' && !escaped;
    }
    return len;
}

struct str pg_get_json(const PGresult *result, int row, int column, struct arena *arena)
{
    struct str json = pg_get_str(result, row, column);

    if (json.len == 0)
        return json;
    if (PQftype(result, column) == JSONB)
        json = str_slice(json, 1, json.len);
    char *out = arena_bytes(arena, json.len + 1);
    size_t len = without_spaces(json, out);

    out[len] = '\0';
    return (struct str){out, len};
}
