/*
 * store/sqlite_visits.c -- visits: put by a batch, and read by the job and by whoever looks at a
 * day that is not packed.
 *
 * Most of a visit's texts are empty, and NULL in its row. What a statement has bound stays bound,
 * so all of it is forgotten at once before a row, and only what is there is bound.
 */
#include "store/sqlite_internal.h"

/* A row behind its site, day and visitor; the texts are those of visit_text_names. */
#define VISIT_COLUMNS                                                                              \
    "begin_ms, before, before_day, end_ms, first_ms, first_day, first_hour_ms, last_day,"          \
    " pageviews, others, entry_ms, exit_ms, source, channel, utm_source, utm_medium,"              \
    " utm_campaign, utm_content, utm_term, country, browser, os, device, language, entry_path,"    \
    " exit_path, referrer, screen, entry_name"

/* -- in a batch -------------------------------------------------------------------------------- */

static const char REMOVE_VISIT[] =
    "DELETE FROM visits WHERE site_id = ? AND day = ? AND visitor = ? AND begin_ms = ?";
#define PUT(column) #column " = excluded." #column ", "
#define PUTS                                                                                       \
    PUT(before)                                                                                    \
    PUT(before_day)                                                                                \
    PUT(end_ms)                                                                                    \
    PUT(first_ms)                                                                                  \
    PUT(first_day)                                                                                 \
    PUT(first_hour_ms)                                                                             \
    PUT(last_day)                                                                                  \
    PUT(pageviews)                                                                                 \
    PUT(others)                                                                                    \
    PUT(entry_ms)                                                                                  \
    PUT(exit_ms)                                                                                   \
    PUT(source)                                                                                    \
    PUT(channel)                                                                                   \
    PUT(utm_source)                                                                                \
    PUT(utm_medium)                                                                                \
    PUT(utm_campaign)                                                                              \
    PUT(utm_content)                                                                               \
    PUT(utm_term)                                                                                  \
    PUT(country)                                                                                   \
    PUT(browser)                                                                                   \
    PUT(os)                                                                                        \
    PUT(device)                                                                                    \
    PUT(language)                                                                                  \
    PUT(entry_path)                                                                                \
    PUT(exit_path)                                                                                 \
    PUT(referrer)                                                                                  \
    PUT(screen)                                                                                    \
    "entry_name = excluded.entry_name"

/* Not REPLACE: that takes the row away and looks for its place again, which costs half as much
 * again where a visit goes on. */
static const char PUT_VISIT[] =
    "INSERT INTO visits (site_id, day, visitor, " VISIT_COLUMNS ")"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (site_id, day, visitor, begin_ms) DO UPDATE SET " PUTS;

static void bind_visit_key(struct query *query, const struct visit_key *key)
{
    bind_str(query, key->site);
    bind_i64(query, key->day);
    bind_i64(query, (int64_t)key->visitor);
    bind_i64(query, key->begin_ms);
}

int sqlite_remove_visits(struct sqlite_store *store, const struct store_batch *batch,
                         struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, REMOVE_VISIT, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->visits_gone_count; i++) {
        bind_visit_key(&query, &batch->visits_gone[i]);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

static void bind_visit(struct query *query, const struct visit *visit)
{
    (void)sqlite3_clear_bindings(query->stmt);
    bind_visit_key(query, &visit->key);
    bind_i64(query, (int64_t)visit->before);
    bind_i64(query, visit->before_day);
    bind_i64(query, visit->end_ms);
    bind_i64(query, visit->first_ms);
    bind_i64(query, visit->first_day);
    bind_i64(query, visit->first_hour_ms);
    bind_i64(query, visit->last_day);
    bind_i64(query, visit->pageviews);
    bind_i64(query, visit->others);
    bind_i64(query, visit->entry_ms);
    bind_i64(query, visit->exit_ms);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        if (visit->texts[i].len > 0)
            bind_str(query, visit->texts[i]);
        else
            query->at++;
}

int sqlite_put_visits(struct sqlite_store *store, const struct store_batch *batch, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, PUT_VISIT, &query, err);

    for (size_t i = 0; rc == 0 && i < batch->visits_count; i++) {
        bind_visit(&query, &batch->visits[i]);
        rc = sqlite_done(store, &query, err);
    }
    return rc;
}

/* -- out again --------------------------------------------------------------------------------- */

/* `visitor` and VISIT_COLUMNS; texts live until the next row. */
static struct visit visit_columns(struct query *query, struct str site, int32_t day)
{
    struct visit visit = {.key = {.site = site, .day = day}};

    visit.key.visitor = (uint64_t)column_i64(query);
    visit.key.begin_ms = column_i64(query);
    visit.before = (uint64_t)column_i64(query);
    visit.before_day = (int32_t)column_i64(query);
    visit.end_ms = column_i64(query);
    visit.first_ms = column_i64(query);
    visit.first_day = (int32_t)column_i64(query);
    visit.first_hour_ms = column_i64(query);
    visit.last_day = (int32_t)column_i64(query);
    visit.pageviews = column_i64(query);
    visit.others = column_i64(query);
    visit.entry_ms = column_i64(query);
    visit.exit_ms = column_i64(query);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        visit.texts[i] = column_str(query);
    return visit;
}

/* Sixteen visitors of a day at a time, the last one again where there are fewer: a statement costs
 * more than the few rows that it finds. */
enum { VISITORS_AT_ONCE = 16 };
static const char VISITS_OF_VISITORS[] =
    "SELECT visitor, " VISIT_COLUMNS " FROM visits WHERE site_id = ? AND day = ?"
    " AND visitor IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

struct visits {
    struct visit *rows;
    size_t count, room;
};

static struct visit *visits_next(struct visits *visits, struct arena *arena)
{
    if (visits->count == visits->room) {
        size_t room = visits->room == 0 ? 64 : visits->room * 2;
        struct visit *rows = ARENA_NEW(arena, struct visit, room);

        if (visits->count > 0)
            memcpy(rows, visits->rows, visits->count * sizeof(*rows));
        *visits = (struct visits){rows, visits->count, room};
    }
    return &visits->rows[visits->count++];
}

static void keep_visit(struct visits *visits, struct query *query, const struct visitor_key *key,
                       struct arena *arena)
{
    struct visit *visit = visits_next(visits, arena);

    *visit = visit_columns(query, key->site, key->day);
    keep_texts(arena, visit->texts, VISIT_TEXTS);
}

/* How many keys from the first on are of its site and day, at most VISITORS_AT_ONCE. */
static size_t same_day(const struct visitor_key *keys, size_t count)
{
    size_t n = 1;

    while (n < count && n < VISITORS_AT_ONCE && keys[n].day == keys[0].day &&
           str_eq(keys[n].site, keys[0].site))
        n++;
    return n;
}

static void bind_visitors(struct query *query, const struct visitor_key *keys, size_t count)
{
    bind_str(query, keys[0].site);
    bind_i64(query, keys[0].day);
    for (size_t i = 0; i < VISITORS_AT_ONCE; i++)
        bind_i64(query, (int64_t)keys[i < count ? i : count - 1].visitor);
}

int sqlite_load_visits(struct store *base, struct arena *arena, const struct visitor_key *keys,
                       size_t count, struct visit **out, size_t *out_count, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct visits visits = {0};
    struct query query;
    bool own;
    int rc = sqlite_snapshot(store, &own, err);

    if (rc == 0)
        rc = sqlite_query(store, VISITS_OF_VISITORS, &query, err);
    for (size_t i = 0, n; rc == 0 && i < count; i += n) {
        n = same_day(&keys[i], count - i);
        bind_visitors(&query, &keys[i], n);
        while ((rc = sqlite_row(store, &query, err)) > 0)
            keep_visit(&visits, &query, &keys[i], arena);
    }
    *out = visits.rows;
    *out_count = visits.count;
    return sqlite_snapshot_end(store, own, rc);
}

static const char VISITS_OF_DAY[] =
    "SELECT visitor, " VISIT_COLUMNS " FROM visits WHERE site_id = ?1 AND day = ?3 AND " SITE_IS_OF
    " ORDER BY visitor, begin_ms";

int sqlite_each_visit(struct store *base, struct str tenant, struct str site, int32_t day,
                      visit_fn *fn, void *ctx, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, VISITS_OF_DAY, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, site);
    bind_str(&query, tenant);
    bind_i64(&query, day);
    while ((rc = sqlite_row(store, &query, err)) > 0) {
        struct visit visit = visit_columns(&query, site, day);

        rc = fn(ctx, &visit);
        if (rc != 0)
            break;
    }
    sqlite_end(&query);
    return rc;
}
