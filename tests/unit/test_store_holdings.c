/*
 * test_store_holdings.c -- the contract of store/holdings.h, run against every backend: what is
 * held, what of it is too old, what retention has done, which salts there are.
 */
#include "test_postgres_support.h"

#include <fcntl.h>
#include <sys/stat.h>

static void put_site(struct fixture *f, const char *id)
{
    struct site_row row = site_named(id, "t5g");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

/* A row of each kind that belongs to a site, and a key. */
static void fill_day(struct fixture *f, const char *site, int32_t day)
{
    static const int32_t part_numbers[] = {0, PACK_VISITS, PACK_EVENTS};
    int64_t start = day * DAY_MS;
    struct event event = pageview(site, start, "/");
    struct stats_row daily = {str_from(site), STR("t5g"), day, 0, {.pageviews = 1}};
    struct stats_row hourly = {str_from(site), STR("t5g"), day, start, {.pageviews = 1}};
    struct sketch sketch = {{str_from(site), SKETCH_DAY_VISITORS, day, 0}, STR("one")};
    struct visit visit = {.key = {str_from(site), day, (uint64_t)day, start},
                          .end_ms = start,
                          .first_ms = start,
                          .first_day = day,
                          .first_hour_ms = start,
                          .last_day = day,
                          .pageviews = 1};
    struct ledger_row ledger = {str_from(site), STR("t5g"), day, LEDGER_STORED, STR(""), 1, 1};
    struct event_key key = {str_from(site), {(uint8_t)day, (uint8_t)site[0]}, start};
    struct pack_part parts[3];

    event.day = day;
    for (size_t i = 0; i < 3; i++)
        parts[i] = (struct pack_part){str_from(site), day, part_numbers[i], STR("bytes")};
    commit(f, &(struct store_batch){.events = pointers(f, &event, 1),
                                    .events_count = 1,
                                    .days = &daily,
                                    .days_count = 1,
                                    .hours = &hourly,
                                    .hours_count = 1,
                                    .sketches = &sketch,
                                    .sketches_count = 1,
                                    .visits = &visit,
                                    .visits_count = 1,
                                    .keys = &key,
                                    .keys_count = 1,
                                    .ledger = &ledger,
                                    .ledger_count = 1,
                                    .packs = parts,
                                    .packs_count = 3});
}

static struct holdings holdings_of(struct fixture *f, struct store *store)
{
    struct holdings out;

    assert_ok(f, store_holdings(store, &f->arena, &out, &f->err));
    return out;
}

static void assert_holding(const struct holding *holding, int64_t rows, int32_t oldest,
                           int32_t newest)
{
    assert_int_equal(holding->rows, rows);
    assert_false(holding->about);
    assert_int_equal(holding->oldest_day, oldest);
    assert_int_equal(holding->newest_day, newest);
}

/* How many rows of a kind fill_day() puts. */
static int64_t rows_a_day(enum holding_kind kind)
{
    return kind == HOLDING_PACKS ? 3 : 1;
}

/* -- what is held ------------------------------------------------------------------------------ */

static void an_empty_store_holds_nothing(void **state)
{
    struct fixture *f = *state;
    struct holdings held = holdings_of(f, f->store);

    for (size_t kind = 0; kind < HOLDINGS; kind++)
        assert_holding(&held.kinds[kind], 0, DAY_NONE, DAY_NONE);
    assert_int_equal(held.prefixes, 0);
    assert_int_equal(held.removed_count, 0);
    assert_int_equal(held.retention_since_ms, 0);
    assert_int_equal(held.retention_ended_ms, 0);
    assert_int_equal(held.retention_rows, 0);
    assert_int_equal(held.retention_days, 0);
}

static void rows_of_all_sites_are_counted_from_their_first_day_to_their_last(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc");
    put_site(f, "none");
    put_site(f, "xyz");
    fill_day(f, "abc", DAY);
    fill_day(f, "xyz", DAY - 3);
    fill_day(f, "xyz", DAY + 2);
    struct holdings held = holdings_of(f, f->store);

    for (size_t kind = 0; kind < HOLDINGS_OF_SITES; kind++)
        assert_holding(&held.kinds[kind], 3 * rows_a_day(kind), DAY - 3, DAY + 2);
    assert_holding(&held.kinds[HOLDING_KEYS], 3, DAY - 3, DAY + 2);
    /* somebody makes them in the sixth second of 1970; sites say themselves when. */
    assert_holding(&held.kinds[HOLDING_SITES], 3, 0, 0);
    assert_holding(&held.kinds[HOLDING_TENANTS], 1, 0, 0);
}

static void what_an_administrator_did_is_counted(void **state)
{
    struct fixture *f = *state;
    const struct token_row token = {
        .id = STR("one"), .platform = true, .scopes = SCOPE_ADMIN, .created_ms = DAY_START};
    const struct actor later = {STR("cli"), DAY_START + DAY_MS};

    put_site(f, "abc");
    assert_ok(f, store_put_token(f->store, &token, &later, &f->err));
    struct holdings held = holdings_of(f, f->store);

    assert_holding(&held.kinds[HOLDING_TOKENS], 1, DAY, DAY);
    assert_int_equal(held.kinds[HOLDING_AUDIT].oldest_day, 0);
    assert_int_equal(held.kinds[HOLDING_AUDIT].newest_day, DAY + 1);
}

static void a_removed_sites_rows_are_held_until_they_go(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc");
    put_site(f, "xyz");
    fill_day(f, "abc", DAY);
    fill_day(f, "xyz", DAY + 1);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    struct holdings held = holdings_of(f, f->store);

    assert_int_equal(held.removed_count, 1);
    assert_str(held.removed[0], "abc");
    assert_holding(&held.kinds[HOLDING_EVENTS], 2, DAY, DAY + 1);
    assert_holding(&held.kinds[HOLDING_LEDGER], 2, DAY, DAY + 1);
}

static void rows_with_a_cut_address_are_counted(void **state)
{
    struct fixture *f = *state;
    struct event events[3];

    put_site(f, "abc");
    for (int i = 0; i < 3; i++) {
        events[i] = pageview("abc", DAY_START + i, "/");
        events[i].visitor = 7;
    }
    events[1].prefix = STR("192.0.2.0/24");
    commit(f, &(struct store_batch){.events = pointers(f, events, 3), .events_count = 3});
    assert_int_equal(holdings_of(f, f->store).prefixes, 1);
}

static void a_handle_for_reading_sees_what_is_held(void **state)
{
    struct fixture *f = *state;
    const struct expiry all = {STR("abc"), INT64_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    uint32_t overdue = 0;

    put_site(f, "abc");
    fill_day(f, "abc", DAY);
    struct store *reader = open_again(f, true);

    assert_ok(f, store_read_begin(reader, &f->err));
    assert_holding(&holdings_of(f, reader).kinds[HOLDING_VISITS], 1, DAY, DAY);
    assert_ok(f, store_overdue(reader, &all, 1, &overdue, &f->err));
    assert_int_equal(overdue, (1U << HOLDINGS_OF_SITES) - 1);
    store_read_end(reader);
    store_close(&reader);
}

/* -- what is too old --------------------------------------------------------------------------- */

/* Which member of struct expiry bounds each kind: as store.h says of them. */
static struct expiry bound_of(enum holding_kind kind, const char *site, int32_t day)
{
    struct expiry out = {str_from(site), INT64_MIN, INT32_MIN, INT32_MIN, INT32_MIN};

    if (kind == HOLDING_EVENTS)
        out.raw_before_ms = day * DAY_MS;
    else if (kind == HOLDING_VISITS || kind == HOLDING_SKETCHES || kind == HOLDING_EVENT_PARTS)
        out.raw_before_day = day;
    else if (kind == HOLDING_VISIT_PARTS)
        out.visits_before_day = day;
    else
        out.stats_before_day = day;
    return out;
}

static uint32_t overdue_of(struct fixture *f, struct expiry expiry)
{
    uint32_t out = UINT32_MAX;

    assert_ok(f, store_overdue(f->store, &expiry, 1, &out, &f->err));
    return out;
}

static void a_row_is_overdue_before_its_bound_and_not_at_it(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc");
    fill_day(f, "abc", DAY);
    for (size_t kind = 0; kind < HOLDINGS_OF_SITES; kind++) {
        assert_int_equal(overdue_of(f, bound_of(kind, "abc", DAY)), 0);
        assert_int_not_equal(overdue_of(f, bound_of(kind, "abc", DAY + 1)) & 1U << kind, 0);
    }
    struct expiry instant = bound_of(HOLDING_EVENTS, "abc", DAY);

    instant.raw_before_ms += 1;
    assert_int_equal(overdue_of(f, instant), 1U << HOLDING_EVENTS);
}

static void each_bound_speaks_of_its_own_kinds(void **state)
{
    struct fixture *f = *state;
    const uint32_t raw = 1U << HOLDING_VISITS | 1U << HOLDING_SKETCHES | 1U << HOLDING_EVENT_PARTS;
    const uint32_t stats =
        1U << HOLDING_PACKS | 1U << HOLDING_DAYS | 1U << HOLDING_HOURS | 1U << HOLDING_LEDGER;

    put_site(f, "abc");
    fill_day(f, "abc", DAY);
    assert_int_equal(overdue_of(f, bound_of(HOLDING_EVENTS, "abc", DAY + 1)), 1U << HOLDING_EVENTS);
    assert_int_equal(overdue_of(f, bound_of(HOLDING_VISITS, "abc", DAY + 1)), raw);
    assert_int_equal(overdue_of(f, bound_of(HOLDING_VISIT_PARTS, "abc", DAY + 1)),
                     1U << HOLDING_VISIT_PARTS);
    assert_int_equal(overdue_of(f, bound_of(HOLDING_DAYS, "abc", DAY + 1)), stats);
}

static void sites_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct expiry sites[] = {
        bound_of(HOLDING_EVENTS, "none", DAY + 1), bound_of(HOLDING_EVENTS, "xyz", DAY + 1),
        bound_of(HOLDING_EVENTS, "abc", DAY + 1), bound_of(HOLDING_DAYS, "abc", DAY)};
    uint32_t out[4] = {9, 9, 9, 9};

    fill_day(f, "abc", DAY);
    fill_day(f, "xyz", DAY + 1);
    assert_ok(f, store_overdue(f->store, sites, 4, out, &f->err));
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 0);
    assert_int_equal(out[2], 1U << HOLDING_EVENTS);
    assert_int_equal(out[3], 0);
    assert_ok(f, store_overdue(f->store, NULL, 0, NULL, &f->err));
}

static void nothing_is_overdue_without_a_bound_or_after_retention(void **state)
{
    struct fixture *f = *state;
    const struct expiry none = {STR("abc"), INT64_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
    const struct expiry all = {STR("abc"), INT64_MAX, INT32_MAX, INT32_MAX, INT32_MAX};

    fill_day(f, "abc", DAY);
    assert_int_equal(overdue_of(f, none), 0);
    assert_int_equal(overdue_of(f, all), (1U << HOLDINGS_OF_SITES) - 1);
    expire(f, &all, &nothing_general);
    assert_int_equal(overdue_of(f, all), 0);
}

static void a_visit_over_midnight_is_overdue_after_its_last_day(void **state)
{
    struct fixture *f = *state;
    struct visit visit = visit_of(7, DAY_START + DAY_MS - 1000, 1);

    visit.last_day = DAY + 4;
    commit(f, &(struct store_batch){.visits = &visit, .visits_count = 1});
    assert_int_equal(overdue_of(f, bound_of(HOLDING_VISITS, "abc", DAY + 4)), 0);
    assert_int_equal(overdue_of(f, bound_of(HOLDING_VISITS, "abc", DAY + 5)), 1U << HOLDING_VISITS);
}

/* -- what retention has done ------------------------------------------------------------------- */

static void removed_rows_are_counted_in_all(void **state)
{
    struct fixture *f = *state;
    const struct expiry raw = bound_of(HOLDING_VISITS, "abc", DAY + 1);
    const struct expiry stats = bound_of(HOLDING_DAYS, "abc", DAY + 1);
    struct expiry_general keys = nothing_general;

    keys.keys_before_ms = DAY_START + 1;
    fill_day(f, "abc", DAY);
    fill_day(f, "abc", DAY + 1);
    expire(f, &raw, NULL); /* a visit, a set, a part */
    assert_int_equal(holdings_of(f, f->store).retention_rows, 3);
    expire(f, &raw, NULL);
    assert_int_equal(holdings_of(f, f->store).retention_rows, 3);
    expire(f, &stats, &keys); /* the other two parts, a day, an hour, the ledger's row; a key */
    assert_int_equal(holdings_of(f, f->store).retention_rows, 9);
    assert_int_equal(holdings_of(f, f->store).retention_ended_ms, 0);
    assert_int_equal(holdings_of(f, f->store).retention_since_ms, 0);
}

static void finish(struct fixture *f, uint32_t partitions, int64_t now_ms)
{
    assert_ok(f, store_finish_retention(f->store, partitions, now_ms, &f->err));
}

static void retention_has_ended_when_it_has_for_every_partition(void **state)
{
    struct fixture *f = *state;

    finish(f, PARTITIONS_ALL & ~UINT32_C(1), 5000);
    assert_int_equal(holdings_of(f, f->store).retention_ended_ms, 0);
    assert_int_equal(holdings_of(f, f->store).retention_since_ms, 5000);
    finish(f, 1, 9000);
    assert_int_equal(holdings_of(f, f->store).retention_ended_ms, 5000);
    finish(f, PARTITIONS_ALL & ~UINT32_C(2), 11000);
    assert_int_equal(holdings_of(f, f->store).retention_ended_ms, 5000);
    finish(f, 2, 12000);
    struct holdings held = holdings_of(f, f->store);

    assert_int_equal(held.retention_ended_ms, 11000);
    assert_int_equal(held.retention_since_ms, 5000);
    assert_int_equal(held.retention_rows, 0);
}

static void other_counters_stay_as_they_are(void **state)
{
    struct fixture *f = *state;
    int64_t before[COUNTERS], after[COUNTERS];

    assert_ok(f, store_counters(f->store, before, &f->err));
    finish(f, PARTITIONS_ALL, 5000);
    assert_ok(f, store_counters(f->store, after, &f->err));
    assert_memory_equal(before, after, sizeof(before));
    assert_ok(f, store_check(f->store, &f->err));
}

/* Whole days go at once there: their rows are not counted, but the days that had any. */
static void days_with_rows_that_go_at_once_are_counted(void **state)
{
    struct fixture *f = *state;
    struct expiry_general general = nothing_general;
    bool more = true;

    fill_day(f, "abc", DAY);
    fill_day(f, "abc", DAY + 1);
    general.raw_before_ms = DAY_START + DAY_MS;
    general.removed = (struct expiry){STR(""), INT64_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
    assert_ok(f, store_expire(f->store, NULL, 0, &general, DAY_START + 2 * DAY_MS, &more, &f->err));
    struct holdings held = holdings_of(f, f->store);

    assert_int_equal(held.kinds[HOLDING_EVENTS].rows, 1);
    assert_int_equal(held.retention_days, 1);
    assert_int_equal(held.retention_rows, 0);
}

/* -- estimates --------------------------------------------------------------------------------- */

static void a_large_table_is_estimated_once_the_server_has_looked_at_it(void **state)
{
    struct fixture *f = *state;

    sql_on(f->text.ptr, "ALTER TABLE analytics.audit_log SET (autovacuum_enabled = false)");
    sql_on(f->text.ptr,
           "INSERT INTO analytics.audit_log (at_ms, actor, action, target)"
           " SELECT 86400000, 'cli', 'x', repeat('y', 1900) FROM generate_series(1, 40000)");
    assert_holding(&holdings_of(f, f->store).kinds[HOLDING_AUDIT], 40000, 1, 1);
    sql_on(f->text.ptr, "ANALYZE analytics.audit_log");
    struct holdings held = holdings_of(f, f->store);

    assert_true(held.kinds[HOLDING_AUDIT].about);
    assert_in_range(held.kinds[HOLDING_AUDIT].rows, 36000, 44000);
    assert_false(held.kinds[HOLDING_EVENTS].about);
}

static void days_of_raw_rows_are_estimated_together(void **state)
{
    struct fixture *f = *state;

    put_site(f, "abc");
    fill_day(f, "abc", DAY); /* which makes the day */
    sql_on(f->text.ptr,
           "INSERT INTO analytics.analytics_events (site_id, \"timestamp\", tenant_id, type, day,"
           " visitor, title, count, ip_prefix)"
           " SELECT 'abc', timestamptz '2024-10-04 12:00:00+00', 't5g', 'pageview',"
           " date '2024-10-04', 1, repeat('y', 1900), 1,"
           " CASE WHEN i % 2 = 0 THEN '192.0.2.0/24' END FROM generate_series(1, 40000) i");
    sql_on(f->text.ptr, "ANALYZE analytics.analytics_events");
    struct holdings held = holdings_of(f, f->store);

    assert_true(held.kinds[HOLDING_EVENTS].about);
    assert_in_range(held.kinds[HOLDING_EVENTS].rows, 36000, 44000);
    assert_int_equal(held.kinds[HOLDING_EVENTS].oldest_day, DAY);
    assert_in_range(held.prefixes, 18000, 22000);
}

/* -- salts ------------------------------------------------------------------------------------- */

static struct salts_held salts_held(struct fixture *f, struct store *store)
{
    struct salts_held out;

    assert_ok(f, store_salts_held(store, &f->arena, &out, &f->err));
    return out;
}

static void no_salts_are_held_before_there_are_any(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(salts_held(f, f->store).count, 0);
}

/* A date runs until it has ended in UTC-12, which is noon of the next in UTC, and visits of its end
 * go on for half an hour. */
static void a_salt_ends_when_its_date_can_run_nowhere(void **state)
{
    int32_t first, last;

    (void)state;
    assert_int_equal(store_salt_end_ms(DAY), DAY_START + 36 * HOUR_MS + 30 * MINUTE_MS);
    store_salt_days(store_salt_end_ms(DAY) - 1, &first, &last);
    assert_int_equal(first, DAY);
    store_salt_days(store_salt_end_ms(DAY), &first, &last);
    assert_int_equal(first, DAY + 1);
}

static void salts_are_told_by_date_and_when_they_were_made(void **state)
{
    struct fixture *f = *state;
    struct salts salts = {0};
    int64_t noon = DAY_START + 12 * HOUR_MS;

    assert_ok(f, store_salts(f->store, noon, &salts, &f->err));
    assert_ok(f, store_salts(f->store, noon + DAY_MS, &salts, &f->err));
    struct store *reader = open_again(f, true);
    struct salts_held held = salts_held(f, reader);

    /* At noon of DAY + 1 in UTC-12: DAY, and half an hour of visits; ahead 48 hours and 14. */
    assert_int_equal(held.count, 5);
    for (int32_t i = 0; i < 5; i++) {
        assert_int_equal(held.salts[i].day, DAY + i);
        assert_int_equal(held.salts[i].made_ms, i < 4 ? noon : noon + DAY_MS);
        assert_false(held.salts[i].aside);
    }
    store_close(&reader);
}

static void put_file(const struct fixture *f, const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void a_file_is_told_as_it_is_with_what_stands_beside_it(void **state)
{
    struct fixture *f = *state;
    char path[128];

    put_file(f, "salts", "2024-10-04 " KEY " 1727999999999\n2024-10-05 " KEY "\n");
    put_file(f, "salts.new", "2024-10-03 " KEY " 17\n");
    struct salts_held held = salts_held(f, f->store);

    assert_int_equal(held.count, 3);
    assert_int_equal(held.salts[0].day, DAY);
    assert_int_equal(held.salts[0].made_ms, INT64_C(1727999999999));
    assert_int_equal(held.salts[1].day, DAY + 1);
    assert_int_equal(held.salts[1].made_ms, 0);
    assert_false(held.salts[1].aside);
    assert_int_equal(held.salts[2].day, DAY - 1);
    assert_true(held.salts[2].aside);
    assert_int_equal(held.mode, 0600);
    assert_false(held.unlogged);
    (void)snprintf(path, sizeof(path), "%s/salts", f->dir);
    assert_str(held.place, path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(salts_held(f, f->store).mode, 0640);
}

static void what_is_no_file_of_salts_is_an_error_that_shows_nothing_of_it(void **state)
{
    struct fixture *f = *state;
    struct salts_held out;

    put_file(f, "salts", "2024-10-04 " KEY " 17\nsecret " KEY "\n");
    assert_int_equal(store_salts_held(f->store, &f->arena, &out, &f->err), ERR_CORRUPT);
    assert_null(strstr(f->err.text, "secret"));
    assert_null(strstr(f->err.text, "00112233"));
    put_file(f, "salts", "2024-10-04 " KEY " 17\n");
    put_file(f, "salts.new", "2024-10");
    assert_int_equal(salts_held(f, f->store).count, 1);
}

static void the_table_is_told_to_be_unlogged_as_long_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct salts salts = {0};

    assert_ok(f, store_salts(f->store, DAY_START, &salts, &f->err));
    assert_true(salts_held(f, f->store).unlogged);
    assert_false(salts_held(f, f->store).sampled);
    assert_int_equal(salts_held(f, f->store).mode, 0);
    sql_on(f->text.ptr, "ALTER TABLE analytics.salts SET LOGGED");
    assert_false(salts_held(f, f->store).unlogged);
}

static void samples_of_keys_in_the_servers_statistics_are_told(void **state)
{
    struct fixture *f = *state;
    struct salts salts = {0};

    assert_ok(f, store_salts(f->store, DAY_START, &salts, &f->err));
    sql_on(f->text.ptr, "ALTER TABLE analytics.salts ALTER COLUMN key SET STATISTICS 100");
    sql_on(f->text.ptr, "ANALYZE analytics.salts");
    assert_true(salts_held(f, f->store).sampled);
}

/* -- the store itself -------------------------------------------------------------------------- */

static struct store_about about_of(struct fixture *f)
{
    struct store_about out;

    assert_ok(f, store_about(f->store, &out, &f->err));
    return out;
}

static void a_store_in_memory_takes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_about about = about_of(f);

    assert_str(about.kind, "memory");
    assert_int_equal(about.schema, 0);
    assert_int_equal(about.bytes, 0);
}

/* Once the last handle is closed all of it is in the one file, whose header has the number of the
 * schema at 60 (sqlite.org/fileformat.html). */
static void a_store_of_sqlite_takes_its_file(void **state)
{
    struct fixture *f = *state;
    uint8_t header[64];
    char path[128];

    put_site(f, "abc");
    fill_day(f, "abc", DAY);
    store_close(&f->store);
    (void)snprintf(path, sizeof(path), "%s/abacus.db", f->dir);
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    assert_int_equal(fread(header, 1, sizeof(header), file), sizeof(header));
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long bytes = ftell(file);

    (void)fclose(file);
    f->store = open_again(f, true);
    struct store_about about = about_of(f);

    assert_str(about.kind, "sqlite");
    assert_int_equal(about.bytes, bytes);
    assert_int_equal(header[60] | header[61] | header[62], 0);
    assert_int_equal(about.schema, header[63]);
}

/* What the server itself says, which has other tables, too. */
static void a_store_of_postgresql_takes_its_schema(void **state)
{
    struct fixture *f = *state;
    char schema[32], bytes[32], all[32];

    sql_on(f->url.ptr, "CREATE TABLE public.others AS SELECT generate_series(1, 10000)");
    put_site(f, "abc");
    fill_day(f, "abc", DAY);
    sql_value(f->url.ptr, "SELECT count(*) FROM analytics.migrations", schema, sizeof(schema));
    sql_value(f->url.ptr,
              "SELECT sum(pg_table_size(format('analytics.%I', tablename)::regclass)"
              " + pg_indexes_size(format('analytics.%I', tablename)::regclass))"
              " FROM pg_tables WHERE schemaname = 'analytics'",
              bytes, sizeof(bytes));
    sql_value(f->url.ptr, "SELECT pg_database_size(current_database())", all, sizeof(all));
    struct store_about about = about_of(f);

    assert_str(about.kind, "postgresql");
    assert_int_equal(about.schema, strtoll(schema, NULL, 10));
    assert_int_equal(about.bytes, strtoll(bytes, NULL, 10));
    assert_true(about.bytes > 0 && about.bytes < strtoll(all, NULL, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(an_empty_store_holds_nothing),
        ON_ALL(rows_of_all_sites_are_counted_from_their_first_day_to_their_last),
        ON("sqlite", what_an_administrator_did_is_counted),
        ON_POSTGRES(what_an_administrator_did_is_counted),
        ON_ALL(a_removed_sites_rows_are_held_until_they_go),
        ON_ALL(rows_with_a_cut_address_are_counted),
        ON("sqlite", a_handle_for_reading_sees_what_is_held),
        ON_POSTGRES(a_handle_for_reading_sees_what_is_held),
        ON_ALL(a_row_is_overdue_before_its_bound_and_not_at_it),
        ON_ALL(each_bound_speaks_of_its_own_kinds),
        ON_ALL(sites_are_told_apart),
        ON_ALL(nothing_is_overdue_without_a_bound_or_after_retention),
        ON_ALL(a_visit_over_midnight_is_overdue_after_its_last_day),
        ON_ALL(removed_rows_are_counted_in_all),
        ON_ALL(retention_has_ended_when_it_has_for_every_partition),
        ON_ALL(other_counters_stay_as_they_are),
        ON_POSTGRES(days_with_rows_that_go_at_once_are_counted),
        ON_POSTGRES(a_large_table_is_estimated_once_the_server_has_looked_at_it),
        ON_POSTGRES(days_of_raw_rows_are_estimated_together),
        ON_ALL(no_salts_are_held_before_there_are_any),
        ON("memory", a_salt_ends_when_its_date_can_run_nowhere),
        ON("sqlite", salts_are_told_by_date_and_when_they_were_made),
        ON_POSTGRES(salts_are_told_by_date_and_when_they_were_made),
        BOTH(a_file_is_told_as_it_is_with_what_stands_beside_it),
        BOTH(what_is_no_file_of_salts_is_an_error_that_shows_nothing_of_it),
        ON_POSTGRES(the_table_is_told_to_be_unlogged_as_long_as_it_is),
        ON_POSTGRES(samples_of_keys_in_the_servers_statistics_are_told),
        ON("memory", a_store_in_memory_takes_nothing),
        ON("sqlite", a_store_of_sqlite_takes_its_file),
        ON_POSTGRES(a_store_of_postgresql_takes_its_schema),
    };

    return run_with_postgres("store_holdings", tests, sizeof(tests) / sizeof(tests[0]));
}
