/*
 * store/postgres_raw.c -- raw rows, by COPY.
 *
 * Rows go in the order of their key, site by site, so that neighbours meet the same page of its
 * index; the id is the server's. Instants outside the years 1 to 9999 become the first or the last
 * of these.
 *
 * The days that rows go to are there before the transaction begins: they are made where this lease
 * does not know them yet.
 */
#include "store/postgres_copy.h"

#include "base/date.h"

#include <stdlib.h>

enum {
    ROW_FIELDS = 17,
    EPOCH_DAY = 10957, /* 2000-01-01, from which PostgreSQL counts */
    FIRST_DAY = -719162,
    LAST_DAY = 2932896,
};
#define FIRST_MS (FIRST_DAY * DAY_MS)
#define LAST_MS ((LAST_DAY + 1) * DAY_MS - 1)

static const char COPY[] =
    "COPY analytics.analytics_events (site_id, \"timestamp\", tenant_id, type, name, day, visitor,"
    " path, referrer, title, screen, props, count, tokens, seconds_ms, scroll, ip_prefix)"
    " FROM STDIN (FORMAT binary)";

/* -- fields ------------------------------------------------------------------------------------ */

/* jsonb: a version, then the text. */
static char *put_json(char *at, struct str s)
{
    if (s.len == 0)
        return put_null(at);
    at = put_i32(at, (int32_t)s.len + 1);
    *at++ = 1;
    memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static int64_t kept_ms(int64_t ms)
{
    return ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
}

static int32_t kept_day(int32_t day)
{
    return day < FIRST_DAY ? FIRST_DAY : day > LAST_DAY ? LAST_DAY : day;
}

/* -- rows -------------------------------------------------------------------------------------- */

static size_t row_room(const struct event *e)
{
    return 256 + e->site.len + e->tenant.len + e->name.len + e->path.len + e->referrer.len +
           e->title.len + e->screen.len + e->props.len + e->prefix.len;
}

static void put_row(struct buf *buf, const struct event *e)
{
    char *at = buf_reserve(buf, row_room(e));

    at = put_i16(at, ROW_FIELDS);
    at = put_field_text(at, e->site);
    at = put_field_i64(at, (kept_ms(e->time_ms) - EPOCH_DAY * DAY_MS) * 1000);
    at = put_field_text(at, e->tenant);
    at = put_field_text(at, event_kind_name(e->kind));
    at = put_optional(at, e->kind == EVENT_CUSTOM ? e->name : STR(""));
    at = put_field_i32(at, kept_day(e->day) - EPOCH_DAY);
    at = e->visitor == 0 ? put_null(at) : put_field_i64(at, (int64_t)e->visitor);
    at = put_optional(at, e->path);
    at = put_optional(at, e->referrer);
    at = put_optional(at, e->title);
    at = put_optional(at, e->screen);
    at = put_json(at, e->props);
    at = put_field_i64(at, e->count);
    at = put_field_i64(at, e->tokens);
    at = put_field_i64(at, e->seconds_ms);
    at = e->scroll < 0 ? put_null(at) : put_field_i32(at, e->scroll);
    at = put_optional(at, e->prefix);
    buf->len = (size_t)(at - buf->ptr);
}

/* Whatever was refused: perhaps a day that this lease knew is gone. */
static int copy_all(struct pg_store *store, const struct event **events, size_t count,
                    struct err *err)
{
    struct buf buf = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count;) {
        copy_begin(&buf);
        while (i < count && buf.len < COPY_BYTES)
            put_row(&buf, events[i++]);
        rc = copy_end(store, COPY, &buf, err);
    }
    if (rc != 0)
        store->days_count = 0;
    buf_release(&buf);
    return rc;
}

int pg_add_events(struct pg_store *store, const struct store_batch *batch, struct err *err)
{
    if (batch->events_count == 0)
        return 0;
    const struct event **sorted = batch_sorted_events(batch);
    int rc = copy_all(store, sorted, batch->events_count, err);

    free(sorted);
    return rc;
}

/* -- their days -------------------------------------------------------------------------------- */

static int32_t day_of(const struct event *e)
{
    int64_t ms = kept_ms(e->time_ms);

    return (int32_t)(ms / DAY_MS - (ms % DAY_MS < 0));
}

static bool is_known(const struct pg_store *store, int32_t day)
{
    for (size_t i = 0; i < store->days_count; i++)
        if (store->days[i] == day)
            return true;
    return false;
}

/* Days are made some at a time: `fresh` are those known since `from`. */
static int make_fresh(struct pg_store *store, size_t from, struct err *err)
{
    int rc = pg_days_make(store, &store->days[from], store->days_count - from, err);

    if (rc != 0)
        store->days_count = 0;
    return rc;
}

int pg_days_of(struct pg_store *store, const struct store_batch *batch, struct err *err)
{
    size_t from = store->days_count;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < batch->events_count; i++) {
        int32_t day = day_of(batch->events[i]);

        if (is_known(store, day))
            continue;
        if (store->days_count == PG_DAYS_KNOWN) {
            rc = make_fresh(store, from, err);
            store->days_count = from = 0;
        }
        if (rc == 0)
            store->days[store->days_count++] = day;
    }
    return rc == 0 && store->days_count > from ? make_fresh(store, from, err) : rc;
}
