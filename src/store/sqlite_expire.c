/*
 * store/sqlite_expire.c -- what is too old goes, a bounded number of rows in one transaction.
 *
 * Every rule is one statement that takes at most so many of the oldest rows by an index, so that a
 * call without work costs a few lookups for each site. Where removed rows carried a part of the
 * ledger's check (records, committed numbers), what they carried is folded into a running total in
 * the same transaction: both sides stay equal.
 *
 * A part of a pack is large, up to hundreds of pages that SQLite walks through to free them: it
 * counts as PART_ROWS rows.
 */
#include "store/sqlite_internal.h"

#include "base/date.h"

#include <stdlib.h>

enum { ROWS_MAX = 10000, PART_ROWS = 50 };

struct work {
    struct sqlite_store *store;
    int64_t left;    /* rows that this call may still change */
    int64_t removed; /* rows that it has */
};

/* -- one rule ---------------------------------------------------------------------------------- */

/* `sql` has the parameters site, bound, limit. A row that it removes counts as `weight`. */
static int apply(struct work *work, const char *sql, struct str site, int64_t bound, int64_t weight,
                 struct err *err)
{
    struct query query;
    int rc = work->left > 0 ? sqlite_query(work->store, sql, &query, err) : 1;

    if (rc != 0)
        return rc < 0 ? rc : 0;
    bind_str(&query, site);
    bind_i64(&query, bound);
    bind_i64(&query, (work->left + weight - 1) / weight);
    rc = sqlite_done(work->store, &query, err);
    if (rc == 0) {
        work->left -= sqlite3_changes(work->store->db) * weight;
        work->removed += sqlite3_changes(work->store->db);
    }
    return rc;
}

/* Run what removes rows and returns a number of each; the sum is added to a counter. */
static int fold(struct work *work, struct query *query, const char *counter, struct err *err)
{
    int64_t sum = 0;
    int rc;

    while ((rc = sqlite_row(work->store, query, err)) > 0) {
        sum += column_i64(query);
        work->left--;
        work->removed++;
    }
    return rc == 0 ? sqlite_count(work->store, counter, sum, err) : rc;
}

static const char REMOVE_RAW[] =
    "DELETE FROM analytics_events WHERE (site_id, timestamp, id) IN (SELECT site_id, timestamp, id"
    " FROM analytics_events WHERE site_id = ?1 AND timestamp < ?2 ORDER BY timestamp LIMIT ?3)";
static const char REMOVE_SKETCHES[] =
    "DELETE FROM sketches WHERE (site_id, day, kind, hour_ms) IN (SELECT site_id, day, kind,"
    " hour_ms FROM sketches WHERE site_id = ?1 AND day < ?2 ORDER BY day LIMIT ?3)";
/* The rows of its last day name a visit, too. */
static const char REMOVE_VISITS[] =
    "DELETE FROM visits WHERE (site_id, day, visitor, begin_ms) IN (SELECT site_id, day, visitor,"
    " begin_ms FROM visits WHERE site_id = ?1 AND day < ?2 AND last_day < ?2"
    " ORDER BY day, visitor, begin_ms LIMIT ?3)";
/* A day without its rows cannot be packed any more: the pack holds that it has. */
static const char REMOVE_DUE[] =
    "DELETE FROM due_days WHERE (site_id, day) IN (SELECT site_id, day FROM due_days"
    " WHERE site_id = ?1 AND day < ?2 ORDER BY day LIMIT ?3)";
#define REMOVE_PARTS(index, which)                                                                 \
    "DELETE FROM packs WHERE rowid IN (SELECT rowid FROM packs INDEXED BY " index                  \
    " WHERE site_id = ?1 AND day < ?2" which " ORDER BY day LIMIT ?3)"
static const char REMOVE_PARTS_OF_EVENTS[] = REMOVE_PARTS("packs_of_events", " AND part >= 200");
static const char REMOVE_PARTS_OF_VISITS[] =
    REMOVE_PARTS("packs_of_visits", " AND part >= 100 AND part < 200");
static const char REMOVE_PACKS[] = REMOVE_PARTS("sqlite_autoindex_packs_1", "");
_Static_assert(PACK_VISITS == 100 && PACK_EVENTS == 200, "as the statements have it");
/* 2932896 is 9999-12-31. */
static const char REMOVE_DAYS[] =
    "DELETE FROM analytics_daily_stats WHERE (site_id, date) IN (SELECT site_id, date"
    " FROM analytics_daily_stats WHERE site_id = ?1 AND date < date(min(?2, 2932896) * 86400,"
    " 'unixepoch') ORDER BY date LIMIT ?3)";
/* A local day begins at most 14 hours after the same date in UTC, which bounds the key. */
static const char REMOVE_HOURS[] =
    "DELETE FROM hourly_stats WHERE (site_id, hour_ms) IN (SELECT site_id, hour_ms"
    " FROM hourly_stats WHERE site_id = ?1 AND hour_ms < (?2 * 24 + 14) * 3600000 AND day < ?2"
    " ORDER BY hour_ms LIMIT ?3)";
static const char REMOVE_LEDGER[] =
    "DELETE FROM ledger WHERE (site_id, day, kind, reason) IN (SELECT site_id, day, kind, reason"
    " FROM ledger WHERE site_id = ?1 AND day < ?2 ORDER BY day LIMIT ?3) RETURNING records";

/* The rules of a site's days, in this order: what still names visitors first. */
struct rule {
    const char *sql;
    size_t bound; /* the member of struct expiry that bounds it */
    int64_t weight;
};
static const struct rule rules[] = {
    {REMOVE_VISITS, offsetof(struct expiry, raw_before_day), 1},
    {REMOVE_SKETCHES, offsetof(struct expiry, raw_before_day), 1},
    {REMOVE_DUE, offsetof(struct expiry, raw_before_day), 1},
    {REMOVE_DUE, offsetof(struct expiry, stats_before_day), 1},
    {REMOVE_PARTS_OF_EVENTS, offsetof(struct expiry, raw_before_day), PART_ROWS},
    {REMOVE_PARTS_OF_VISITS, offsetof(struct expiry, visits_before_day), PART_ROWS},
    {REMOVE_PACKS, offsetof(struct expiry, stats_before_day), PART_ROWS},
    {REMOVE_DAYS, offsetof(struct expiry, stats_before_day), 1},
    {REMOVE_HOURS, offsetof(struct expiry, stats_before_day), 1},
};

static int expire_ledger(struct work *work, const struct expiry *expiry, struct err *err)
{
    struct query query;
    int rc = work->left > 0 ? sqlite_query(work->store, REMOVE_LEDGER, &query, err) : 1;

    if (rc != 0)
        return rc < 0 ? rc : 0;
    bind_str(&query, expiry->site);
    bind_i64(&query, expiry->stats_before_day);
    bind_i64(&query, work->left);
    return fold(work, &query, "folded_records", err);
}

static int expire_site(struct work *work, const struct expiry *expiry, struct err *err)
{
    int rc = 0;

    if (expiry->raw_before_ms != INT64_MIN)
        rc = apply(work, REMOVE_RAW, expiry->site, expiry->raw_before_ms, 1, err);
    for (size_t i = 0; rc == 0 && i < sizeof(rules) / sizeof(rules[0]); i++) {
        int32_t bound;

        memcpy(&bound, (const char *)expiry + rules[i].bound, sizeof(bound));
        if (bound != INT32_MIN)
            rc = apply(work, rules[i].sql, expiry->site, bound, rules[i].weight, err);
    }
    if (rc == 0 && expiry->stats_before_day != INT32_MIN)
        rc = expire_ledger(work, expiry, err);
    return rc;
}

/* -- sites that were removed ------------------------------------------------------------------- */

static const char REMOVED_SITES[] =
    "SELECT site_id FROM removed_sites WHERE site_id > ? ORDER BY site_id LIMIT 1";
static const char FORGET_EMPTY[] =
    "DELETE FROM removed_sites WHERE site_id = ?1"
    " AND NOT EXISTS (SELECT 1 FROM analytics_events WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM sketches WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM visits WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM due_days WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM packs WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM analytics_daily_stats WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM hourly_stats WHERE site_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM ledger WHERE site_id = ?1)";

static const char FORGET_GOALS[] = "DELETE FROM goals_counted WHERE site_id = ?1";

static int run(struct work *work, const char *sql, struct str site, struct err *err)
{
    struct query query;
    int rc = sqlite_query(work->store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, site);
    return sqlite_done(work->store, &query, err);
}

/* With what its conversions were counted says nothing any more once they are gone. */
static int forget_if_empty(struct work *work, struct str site, struct err *err)
{
    int rc = run(work, FORGET_EMPTY, site, err);

    if (rc == 0 && sqlite3_changes(work->store->db) > 0)
        rc = run(work, FORGET_GOALS, site, err);
    return rc;
}

/* The id of the first removed site behind `site`, in `arena`; 1 if there is one. */
static int next_removed(struct work *work, struct str *site, struct arena *arena, struct err *err)
{
    struct query query;
    int rc = sqlite_query(work->store, REMOVED_SITES, &query, err);

    if (rc != 0)
        return rc;
    bind_str(&query, *site);
    rc = sqlite_row(work->store, &query, err);
    if (rc <= 0)
        return rc;
    *site = arena_str(arena, column_str(&query));
    sqlite_end(&query);
    return rc;
}

static int expire_removed(struct work *work, const struct expiry *removed, struct err *err)
{
    struct arena arena = {0};
    struct expiry expiry = *removed;
    int rc = 0;

    expiry.site = STR("");
    while (work->left > 0 && (rc = next_removed(work, &expiry.site, &arena, err)) > 0) {
        rc = expire_site(work, &expiry, err);
        if (rc == 0 && work->left > 0)
            rc = forget_if_empty(work, expiry.site, err);
        if (rc != 0)
            break;
    }
    arena_free(&arena);
    return rc;
}

/* -- what belongs to no site ------------------------------------------------------------------- */

/* ?1, the site, is not used. */
static const char REMOVE_KEYS[] =
    "DELETE FROM event_ids WHERE (site_id, id) IN (SELECT site_id, id FROM event_ids"
    " WHERE received_ms < ?2 ORDER BY received_ms LIMIT ?3)";
static const char REMOVE_AUDIT[] =
    "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at_ms < ?2"
    " ORDER BY at_ms LIMIT ?3)";
static const char REMOVE_SESSIONS[] =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_ms < ?2"
    " ORDER BY expires_ms LIMIT ?3)";

/* The producers in question are few: those of 30 days' starts. */
static const char PRODUCERS[] =
    "SELECT DISTINCT producer FROM positions WHERE moved_ms < ?1 AND producer > ?2"
    " ORDER BY producer LIMIT 1";
static const char REMOVE_PRODUCER[] =
    "DELETE FROM positions WHERE producer = ?1 AND moved_ms < ?2 RETURNING number";

static bool is_running(const struct expiry_general *general, struct str producer)
{
    for (size_t i = 0; i < general->running_count; i++)
        if (str_eq((struct str){(const char *)general->running[i].id, PRODUCER_BYTES}, producer))
            return true;
    return false;
}

/* The first producer behind *producer that has old positions; 1 if there is one. */
static int next_producer(struct work *work, int64_t before_ms, struct producer *producer,
                         bool first, struct err *err)
{
    struct query query;
    int rc = sqlite_query(work->store, PRODUCERS, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, before_ms);
    bind_bytes(&query, producer->id, first ? 0 : PRODUCER_BYTES);
    rc = sqlite_row(work->store, &query, err);
    if (rc <= 0)
        return rc;
    struct str id = column_str(&query);

    if (id.len == PRODUCER_BYTES)
        memcpy(producer->id, id.ptr, PRODUCER_BYTES);
    sqlite_end(&query);
    return rc;
}

static int fold_producer(struct work *work, int64_t before_ms, const struct producer *producer,
                         struct err *err)
{
    struct query query;
    int rc = sqlite_query(work->store, REMOVE_PRODUCER, &query, err);

    if (rc != 0)
        return rc;
    bind_bytes(&query, producer->id, PRODUCER_BYTES);
    bind_i64(&query, before_ms);
    return fold(work, &query, "folded_positions", err);
}

static int expire_positions(struct work *work, const struct expiry_general *general,
                            struct err *err)
{
    int64_t before_ms = general->positions_before_ms;
    struct producer producer = {0};
    bool first = true;
    int rc = 0;

    while (work->left > 0 && (rc = next_producer(work, before_ms, &producer, first, err)) > 0) {
        struct str id = {(const char *)producer.id, PRODUCER_BYTES};

        first = false;
        if (is_running(general, id) || producer_is_import(&producer))
            continue;
        rc = fold_producer(work, before_ms, &producer, err);
        if (rc != 0)
            break;
    }
    return rc < 0 ? rc : 0;
}

static int expire_general(struct work *work, const struct expiry_general *general, int64_t now_ms,
                          struct err *err)
{
    int rc = apply(work, REMOVE_KEYS, STR(""), general->keys_before_ms, 1, err);

    if (rc == 0)
        rc = apply(work, REMOVE_AUDIT, STR(""), general->audit_before_ms, 1, err);
    if (rc == 0)
        rc = apply(work, REMOVE_SESSIONS, STR(""), now_ms, 1, err);
    if (rc == 0 && work->left > 0)
        rc = expire_positions(work, general, err);
    return rc == 0 ? expire_removed(work, &general->removed, err) : rc;
}

/* -- the book of it ---------------------------------------------------------------------------- */

/* What retention has done stands in `counters`, in rows that the first run of it makes:
 * retention_rows, retention_since, and retention_at_N of partition N. */
static const char ADD_REMOVED[] =
    "INSERT INTO counters (name, value) VALUES ('retention_rows', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value";

static int note_removed(struct work *work, struct err *err)
{
    struct query query;
    int rc = work->removed > 0 ? sqlite_query(work->store, ADD_REMOVED, &query, err) : 1;

    if (rc != 0)
        return rc < 0 ? rc : 0;
    bind_i64(&query, work->removed);
    return sqlite_done(work->store, &query, err);
}

static const char SET_ENDED[] =
    "INSERT INTO counters (name, value) SELECT 'retention_at_' || partition, ?1 FROM partitions"
    " WHERE ?2 >> partition & 1 ON CONFLICT (name) DO UPDATE SET value = excluded.value";
static const char SET_SINCE[] = "INSERT INTO counters (name, value) SELECT 'retention_since', ?1"
                                " WHERE ?2 <> 0 ON CONFLICT (name) DO NOTHING";

static int note_ended(struct sqlite_store *store, const char *sql, uint32_t partitions,
                      int64_t now_ms, struct err *err)
{
    struct query query;
    int rc = sqlite_query(store, sql, &query, err);

    if (rc != 0)
        return rc;
    bind_i64(&query, now_ms);
    bind_i64(&query, partitions);
    return sqlite_done(store, &query, err);
}

int sqlite_finish_retention(struct store *base, uint32_t partitions, int64_t now_ms,
                            struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    int rc = sqlite_write_begin(store, err);

    if (rc != 0)
        return rc;
    rc = note_ended(store, SET_ENDED, partitions, now_ms, err);
    if (rc == 0)
        rc = note_ended(store, SET_SINCE, partitions, now_ms, err);
    return sqlite_write_end(store, rc, err);
}

/* -- the transaction --------------------------------------------------------------------------- */

int sqlite_expire(struct store *base, const struct expiry *sites, size_t count,
                  const struct expiry_general *general, int64_t now_ms, bool *more, struct err *err)
{
    struct work work = {.store = sqlite_of(base), .left = ROWS_MAX};
    int rc = sqlite_write_begin(work.store, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count && work.left > 0; i++)
        rc = expire_site(&work, &sites[i], err);
    if (rc == 0 && general != NULL)
        rc = expire_general(&work, general, now_ms, err);
    if (rc == 0)
        rc = note_removed(&work, err);
    *more = work.left <= 0;
    return sqlite_write_end(work.store, rc, err);
}
