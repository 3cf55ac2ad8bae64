/*
 * store/sqlite_packs.c -- days in columns: which are due, their parts, and with which goals they
 * were counted.
 *
 * A year of one part is read by one scan of the packs' key, which is small beside what it leads to
 * (twenty parts a day for a year: 0.2 MB): it was as quick as a lookup for each day, and it does
 * not care how far a range goes beyond what is there.
 */
#include "store/sqlite_internal.h"

#include "base/buf.h"

/* -- in a batch -------------------------------------------------------------------------------- */

static const char PUT_DUE[] =
    "INSERT INTO due_days (site_id, day) VALUES (?, ?) ON CONFLICT DO NOTHING";
static const char REMOVE_DUE[] = "DELETE FROM due_days WHERE site_id = ? AND day = ?";
static const char REMOVE_PACK[] = "DELETE FROM packs WHERE site_id = ? AND day = ?";
static const char PUT_PART[] =
    "INSERT INTO packs (site_id, day, part, bytes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (site_id, day, part) DO UPDATE SET bytes = excluded.bytes";
static const char PUT_GOALS[] = "INSERT INTO goals_counted (site_id, hash) VALUES (?, ?)"
                                " ON CONFLICT (site_id) DO UPDATE SET hash = excluded.hash";

static int run_on_days(struct sqlite_store *store, const char *sql, const struct site_day *days,
                       size_t count, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        bind_str(&query, days[i].site);
        bind_i64(&query, days[i].day);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

int sqlite_put_due(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    return run_on_days(store, PUT_DUE, batch->due, batch->due_count, err);
}

int sqlite_remove_packed(struct sqlite_store *store, const struct store_batch *batch,
                         struct err *err)
{
    int rc = run_on_days(store, REMOVE_DUE, batch->packed, batch->packed_count, err);

    return rc == 0 ? run_on_days(store, REMOVE_PACK, batch->packed, batch->packed_count, err) : rc;
}

int sqlite_put_packs(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, PUT_PART, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->packs_count; i++) {
        const struct pack_part *part = &batch->packs[i];

        bind_str(&query, part->site);
        bind_i64(&query, part->day);
        bind_i64(&query, part->part);
        bind_bytes(&query, part->bytes.ptr, part->bytes.len);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

int sqlite_put_goals(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, PUT_GOALS, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->goals_count; i++) {
        bind_str(&query, batch->goals[i].site);
        bind_i64(&query, (int64_t)batch->goals[i].hash);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

/* -- for the job ------------------------------------------------------------------------------- */

static const char COUNT_DUE[] = "SELECT count(*) FROM due_days";
static const char DUE[] = "SELECT site_id, day FROM due_days WHERE day < ? ORDER BY site_id, day";

static int read_due(struct sqlite_store *store, uint32_t partitions, int32_t before,
                    struct arena *arena, struct site_day **out, size_t *count, struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = sqlite_count_rows(store, COUNT_DUE, &room, err);

    if (rc == 0)
        rc = sqlite_query(store, DUE, &query, err);
    if (rc != 0)
        return rc;
    bind_i64(&query, before);
    *out = ARENA_NEW(arena, struct site_day, room + 1);
    *count = 0;
    while (*count < room && (rc = sqlite_row(store, &query, err)) > 0) {
        struct str site = column_str(&query);
        struct site_day *last = *count == 0 ? NULL : &(*out)[*count - 1];

        if ((partitions >> site_partition(site) & 1) == 0)
            continue;
        site = last != NULL && str_eq(last->site, site) ? last->site : arena_str(arena, site);
        (*out)[(*count)++] = (struct site_day){site, (int32_t)column_i64(&query)};
    }
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

int sqlite_load_due(struct store *base, uint32_t partitions, int32_t before, struct arena *arena,
                    struct site_day **out, size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    if (rc == 0)
        rc = read_due(store, partitions, before, arena, out, count, err);
    return sqlite_snapshot_end(store, own, rc);
}

static const char COUNT_GOALS[] = "SELECT count(*) FROM goals_counted";
static const char GOALS[] = "SELECT site_id, hash FROM goals_counted ORDER BY site_id";

static int read_goals(struct sqlite_store *store, struct arena *arena, struct goals_row **out,
                      size_t *count, struct err *err)
{
    struct query query;
    size_t room = 0;
    int rc = sqlite_count_rows(store, COUNT_GOALS, &room, err);

    if (rc == 0)
        rc = sqlite_query(store, GOALS, &query, err);
    if (rc != 0)
        return rc;
    *out = ARENA_NEW(arena, struct goals_row, room + 1);
    *count = 0;
    while (*count < room && (rc = sqlite_row(store, &query, err)) > 0) {
        struct goals_row *row = &(*out)[(*count)++];

        row->site = arena_str(arena, column_str(&query));
        row->hash = (uint64_t)column_i64(&query);
    }
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

int sqlite_load_goals(struct store *base, struct arena *arena, struct goals_row **out,
                      size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    if (rc == 0)
        rc = read_goals(store, arena, out, count, err);
    return sqlite_snapshot_end(store, own, rc);
}

/* -- for readers ------------------------------------------------------------------------------- */

static const char DUE_OF_SITE[] =
    "SELECT day FROM due_days WHERE site_id = ?1 AND day BETWEEN ?3 AND ?4 AND " SITE_IS_OF
    " ORDER BY day";

struct days {
    int32_t *days;
    size_t count, room;
};

static void add_day(struct days *days, int32_t day, struct arena *arena)
{
    if (days->count == days->room) {
        size_t room = days->room == 0 ? 16 : days->room * 2;
        int32_t *more = ARENA_NEW(arena, int32_t, room);

        if (days->count > 0)
            memcpy(more, days->days, days->count * sizeof(*more));
        *days = (struct days){more, days->count, room};
    }
    days->days[days->count++] = day;
}

int sqlite_due_days(struct store *base, struct str tenant, struct str site, int32_t from,
                    int32_t to, struct arena *arena, int32_t **out, size_t *count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct days days = {0};
    struct query query;
    int rc = sqlite_query(store, DUE_OF_SITE, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, site);
    bind_str(&query, tenant);
    bind_i64(&query, from);
    bind_i64(&query, to);
    while ((rc = sqlite_row(store, &query, err)) > 0)
        add_day(&days, (int32_t)column_i64(&query), arena);
    *out = days.days;
    *count = days.count;
    return rc;
}

static const char PARTS_OF_SITE[] =
    "SELECT day, part, bytes FROM packs WHERE site_id = ?1 AND day BETWEEN ?3 AND ?4"
    " AND part IN (SELECT value FROM json_each(?5)) AND " SITE_IS_OF " ORDER BY day, part";

static void add_list(struct buf *list, const int32_t *numbers, size_t count)
{
    buf_addc(list, '[');
    for (size_t i = 0; i < count; i++)
        buf_addf(list, "%s%d", i == 0 ? "" : ",", numbers[i]);
    buf_addc(list, ']');
}

static int each_part(struct sqlite_store *store, struct query *query, struct str site, pack_fn *fn,
                     void *ctx, struct err *err)
{
    int rc;

    while ((rc = sqlite_row(store, query, err)) > 0) {
        struct pack_part part = {.site = site, .bytes = STR("")};

        part.day = (int32_t)column_i64(query);
        part.part = (int32_t)column_i64(query);
        part.bytes = column_str(query);
        rc = fn(ctx, &part);
        if (rc != 0)
            break;
    }
    sqlite_end(query);
    return rc;
}

int sqlite_each_pack(struct store *base, struct str tenant, struct str site, int32_t from,
                     int32_t to, const int32_t *parts, size_t parts_count, pack_fn *fn, void *ctx,
                     struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    struct buf list = {0};
    int rc = sqlite_query(store, PARTS_OF_SITE, &query, err);

    if (rc != 0)
        return rc;
    add_list(&list, parts, parts_count);
    bind_str(&query, site);
    bind_str(&query, tenant);
    bind_i64(&query, from);
    bind_i64(&query, to);
    bind_str(&query, buf_str(&list));
    rc = each_part(store, &query, site, fn, ctx, err);
    buf_release(&list);
    return rc;
}
