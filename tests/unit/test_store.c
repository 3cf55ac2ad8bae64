/*
 * test_store.c -- the contract of store/store.h, run against every backend: what is counted.
 */
#include "test_postgres_support.h"

/* -- stats ------------------------------------------------------------------------------------- */

static void adds_to_days_that_are_there(void **state)
{
    struct fixture *f = *state;

    add_day(f, "abc", DAY,
            (struct stats){.pageviews = 5,
                           .leads = 1,
                           .forms = 2,
                           .exports = 3,
                           .automation_runs = 4,
                           .ai_tokens = 1000,
                           .unique_visitors = 6,
                           .converters = 7,
                           .visits = 8,
                           .bounces = 9,
                           .visit_ms = 10,
                           .visit_pageviews = 11,
                           .conversions = 12,
                           .unattributed_conversions = 13,
                           .estimated = 0});
    add_day(f, "abc", DAY,
            (struct stats){.pageviews = 50,
                           .leads = 10,
                           .forms = 20,
                           .exports = 30,
                           .automation_runs = 40,
                           .ai_tokens = 1,
                           .unique_visitors = -1,
                           .converters = -2,
                           .visits = -3,
                           .bounces = -4,
                           .visit_ms = -5,
                           .visit_pageviews = 100,
                           .conversions = 200,
                           .unattributed_conversions = 300,
                           .estimated = 1});
    struct seen_stats seen = days_of(f, "abc", DAY, DAY);

    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.rows[0].day, DAY);
    const struct stats *s = &seen.rows[0].stats;

    assert_int_equal(s->pageviews, 55);
    assert_int_equal(s->leads, 11);
    assert_int_equal(s->forms, 22);
    assert_int_equal(s->exports, 33);
    assert_int_equal(s->automation_runs, 44);
    assert_int_equal(s->ai_tokens, 1001);
    assert_int_equal(s->unique_visitors, 5);
    assert_int_equal(s->converters, 5);
    assert_int_equal(s->visits, 5);
    assert_int_equal(s->bounces, 5);
    assert_int_equal(s->visit_ms, 5);
    assert_int_equal(s->visit_pageviews, 111);
    assert_int_equal(s->conversions, 212);
    assert_int_equal(s->unattributed_conversions, 313);
    assert_int_equal(s->estimated, 1);
}

static void an_estimate_stays_an_estimate(void **state)
{
    struct fixture *f = *state;

    add_day(f, "abc", DAY, (struct stats){.estimated = 1});
    add_day(f, "abc", DAY, (struct stats){.estimated = 0});
    add_day(f, "abc", DAY, (struct stats){.estimated = 1});
    assert_int_equal(days_of(f, "abc", DAY, DAY).rows[0].stats.estimated, 1);
}

static void sums_stop_at_2_to_the_53_minus_1(void **state)
{
    struct fixture *f = *state;
    const int64_t most = (INT64_C(1) << 53) - 1;

    add_day(f, "abc", DAY, (struct stats){.ai_tokens = most - 1});
    add_day(f, "abc", DAY, (struct stats){.ai_tokens = 1});
    assert_int_equal(days_of(f, "abc", DAY, DAY).rows[0].stats.ai_tokens, most);
    add_day(f, "abc", DAY, (struct stats){.ai_tokens = 1});
    assert_int_equal(days_of(f, "abc", DAY, DAY).rows[0].stats.ai_tokens, most);
    add_day(f, "abc", DAY, (struct stats){.ai_tokens = INT64_MAX, .pageviews = most + 1});
    assert_int_equal(days_of(f, "abc", DAY, DAY).rows[0].stats.ai_tokens, most);
    add_day(f, "new", DAY, (struct stats){.pageviews = most + 1});
    assert_int_equal(days_of(f, "new", DAY, DAY).rows[0].stats.pageviews, most);
}

static void days_come_in_order_and_within_the_range(void **state)
{
    struct fixture *f = *state;

    add_day(f, "abc", DAY + 2, (struct stats){.pageviews = 3});
    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    add_day(f, "abc", DAY + 1, (struct stats){.pageviews = 2});
    add_day(f, "xyz", DAY, (struct stats){.pageviews = 9});
    struct seen_stats seen = days_of(f, "abc", DAY, DAY + 1);

    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].stats.pageviews, 1);
    assert_int_equal(seen.rows[1].stats.pageviews, 2);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 3);
    assert_int_equal(days_of(f, "abc", DAY + 3, INT32_MAX).count, 0);
}

static void a_tenants_days_are_those_of_its_sites(void **state)
{
    struct fixture *f = *state;
    struct site_row b = site_named("b", "t5g"), a = site_named("a", "t5g"),
                    other = site_named("other", "else");

    assert_ok(f, store_put_site(f->store, &b, &somebody, &f->err));
    assert_ok(f, store_put_site(f->store, &a, &somebody, &f->err));
    assert_ok(f, store_put_site(f->store, &other, &somebody, &f->err));
    add_day(f, "b", DAY, (struct stats){.pageviews = 1});
    add_day(f, "a", DAY + 1, (struct stats){.pageviews = 2});
    add_day(f, "a", DAY, (struct stats){.pageviews = 3});
    struct stats_row foreign = {STR("other"), STR("else"), DAY, 0, {.pageviews = 4}};

    commit(f, &(struct store_batch){.days = &foreign, .days_count = 1});
    struct seen_stats seen = days_of(f, "", DAY, DAY + 1);

    assert_int_equal(seen.count, 3);
    assert_string_equal(seen.sites[0], "a");
    assert_int_equal(seen.rows[0].stats.pageviews, 3);
    assert_int_equal(seen.rows[1].stats.pageviews, 2);
    assert_string_equal(seen.sites[2], "b");
}

static void reading_ends_when_the_reader_says_so(void **state)
{
    struct fixture *f = *state;
    struct seen_stats seen = {.stop_with = 7};

    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    add_day(f, "abc", DAY + 1, (struct stats){.pageviews = 1});
    assert_int_equal(
        store_each_day(f->store, STR("t5g"), STR("abc"), DAY, DAY + 1, see_stats, &seen, &f->err),
        7);
    assert_int_equal(seen.count, 1);
}

static void hours_are_known_by_their_instant(void **state)
{
    struct fixture *f = *state;
    const struct stats_row rows[] = {
        {STR("abc"), STR("t5g"), DAY, DAY_START + HOUR_MS / 2, {.pageviews = 2}},
        {STR("abc"), STR("t5g"), DAY, DAY_START, {.pageviews = 1}},
        {STR("abc"), STR("t5g"), DAY, DAY_START + HOUR_MS / 2, {.pageviews = 20}},
        {STR("abc"), STR("t5g"), DAY, DAY_START + HOUR_MS, {.pageviews = 4}},
    };
    struct seen_stats seen = {0};

    commit(f, &(struct store_batch){.hours = rows, .hours_count = 4});
    assert_ok(f, store_each_hour(f->store, STR("t5g"), STR("abc"), DAY_START, DAY_START + HOUR_MS,
                                 see_stats, &seen, &f->err));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.rows[0].hour_ms, DAY_START);
    assert_int_equal(seen.rows[0].stats.pageviews, 1);
    assert_int_equal(seen.rows[1].stats.pageviews, 22);
    assert_int_equal(seen.rows[1].day, DAY);
}

static void counts_the_daily_rows_written(void **state)
{
    struct fixture *f = *state;

    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    assert_int_equal(counter_of(f, COUNTER_DAILY_STATS_ROWS), 2);
}

/* -- sets, visits, keys ------------------------------------------------------------------------ */

static void a_set_replaces_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct sketch put[] = {{{STR("abc"), SKETCH_DAY_VISITORS, DAY, 0}, STR("one")},
                           {{STR("abc"), SKETCH_HOUR_VISITORS, DAY, DAY_START}, STR("a\0b")}};
    struct sketch again = {{STR("abc"), SKETCH_DAY_VISITORS, DAY, 0}, STR("two")};
    struct sketch get[] = {{{STR("abc"), SKETCH_DAY_VISITORS, DAY, 0}, STR("junk")},
                           {{STR("abc"), SKETCH_HOUR_VISITORS, DAY, DAY_START}, STR("")},
                           {{STR("abc"), SKETCH_DAY_CONVERTERS, DAY, 0}, STR("junk")}};

    commit(f, &(struct store_batch){.sketches = put, .sketches_count = 2});
    commit(f, &(struct store_batch){.sketches = &again, .sketches_count = 1});
    assert_ok(f, store_load_sketches(f->store, &f->arena, get, 3, &f->err));
    assert_str(get[0].bytes, "two");
    assert_true(str_eq(get[1].bytes, STR("a\0b")));
    assert_int_equal(get[2].bytes.len, 0);
}

static void runs_and_links_of_a_visitor_come_back(void **state)
{
    struct fixture *f = *state;
    const uint64_t big = UINT64_C(0xfedcba9876543210);
    struct visit rows[] = {
        visit_of(big, DAY_START, 3),
        visit_of(big, DAY_START + 5 * HOUR_MS, 1),
        {.key = {STR("abc"), DAY, big, INT64_MIN}, .before = UINT64_MAX, .before_day = DAY - 2},
        visit_of(1, DAY_START, 9)};
    struct visit *out;

    commit(f, &(struct store_batch){.visits = rows, .visits_count = 4});
    assert_int_equal(load_visits(f, big, &out), 3);
    size_t links = 0, pageviews = 0;

    for (size_t i = 0; i < 3; i++) {
        assert_true(out[i].key.visitor == big);
        assert_str(out[i].key.site, "abc");
        links += out[i].before == UINT64_MAX && out[i].before_day == DAY - 2 &&
                 out[i].key.begin_ms == INT64_MIN;
        pageviews += (size_t)out[i].pageviews;
    }
    assert_int_equal(links, 1);
    assert_int_equal(pageviews, 4);
    assert_int_equal(load_visits(f, 2, &out), 0);
    assert_int_equal(load_visits_of(f, DAY + 1, big, &out), 0);
}

static void a_visit_keeps_all_its_members(void **state)
{
    struct fixture *f = *state;
    struct visit row = visit_of(7, DAY_START, 3), *out;

    commit(f, &(struct store_batch){.visits = &row, .visits_count = 1});
    assert_int_equal(load_visits(f, 7, &out), 1);
    assert_int_equal(out->key.begin_ms, DAY_START);
    assert_int_equal(out->end_ms, DAY_START + 1000);
    assert_int_equal(out->first_ms, DAY_START + 1);
    assert_int_equal(out->first_day, DAY);
    assert_int_equal(out->first_hour_ms, DAY_START);
    assert_int_equal(out->pageviews, 3);
    assert_int_equal(out->others, 2);
    assert_true(out->before == 0);
}

static void visits_are_removed_before_others_are_put(void **state)
{
    struct fixture *f = *state;
    struct visit two[] = {visit_of(7, DAY_START, 1), visit_of(7, DAY_START + HOUR_MS, 1)};
    struct visit_key gone[] = {two[0].key, two[1].key};
    struct visit joined = visit_of(7, DAY_START, 2), *out;

    commit(f, &(struct store_batch){.visits = two, .visits_count = 2});
    commit(f,
           &(struct store_batch){
               .visits_gone = gone, .visits_gone_count = 2, .visits = &joined, .visits_count = 1});
    assert_int_equal(load_visits(f, 7, &out), 1);
    assert_int_equal(out->pageviews, 2);
}

static void keys_are_known_by_site_and_id(void **state)
{
    struct fixture *f = *state;
    struct event_key put[] = {{STR("abc"), {1}, 1000}, {STR("abc"), {2}, 2000}};
    struct event_key get[] = {{STR("abc"), {1}, 77}, {STR("abc"), {3}, 77}, {STR("xyz"), {1}, 77}};

    commit(f, &(struct store_batch){.keys = put, .keys_count = 2});
    assert_ok(f, store_load_keys(f->store, get, 3, &f->err));
    assert_int_equal(get[0].received_ms, 1000);
    assert_int_equal(get[1].received_ms, 0);
    assert_int_equal(get[2].received_ms, 0);
}

/* -- positions --------------------------------------------------------------------------------- */

static const struct position_filter all_positions = {.partitions = PARTITIONS_ALL};

static void positions_move_on(void **state)
{
    struct fixture *f = *state;
    struct position_move first[] = {move_to(1, 0, 10), move_to(2, 0, 5)};
    struct position_move second = move_to(1, 10, 12);
    struct position *out;
    size_t count;

    commit(f, &(struct store_batch){.positions = first, .positions_count = 2});
    commit(f, &(struct store_batch){.positions = &second, .positions_count = 1});
    assert_ok(f, store_positions(f->store, &all_positions, &f->arena, &out, &count, &f->err));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(out[i].partition, 3);
        assert_true(out[i].number == (out[i].producer.id[0] == 1 ? 12 : 5));
    }
}

/* Everything that a batch can hold, so that what is left of it can be looked for. */
static int commit_everything(struct fixture *f, struct position_move move, const char *site)
{
    struct event event = pageview("abc", DAY_START, "/");
    struct stats_row row = {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = 1}};
    struct sketch sketch = {{STR("abc"), SKETCH_DAY_VISITORS, DAY, 0}, STR("one")};
    struct visit visit = visit_of(7, DAY_START, 1);
    struct event_key key = {STR("abc"), {1}, 1000};
    struct ledger_row ledger = {str_from(site), STR("t5g"), DAY, LEDGER_STORED, STR(""), 1, 1};

    return store_commit(f->store,
                        &(struct store_batch){.events = pointers(f, &event, 1),
                                              .events_count = 1,
                                              .days = &row,
                                              .days_count = 1,
                                              .hours = &row,
                                              .hours_count = 1,
                                              .sketches = &sketch,
                                              .sketches_count = 1,
                                              .visits = &visit,
                                              .visits_count = 1,
                                              .keys = &key,
                                              .keys_count = 1,
                                              .ledger = &ledger,
                                              .ledger_count = 1,
                                              .positions = &move,
                                              .positions_count = 1},
                        &f->err);
}

static void assert_nothing_is_there(struct fixture *f)
{
    struct sketch sketch = {{STR("abc"), SKETCH_DAY_VISITORS, DAY, 0}, STR("")};
    struct event_key key = {STR("abc"), {1}, 0};
    struct event_row *events;
    struct visit *visits;
    struct balance balance;
    size_t count;

    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 0);
    assert_ok(f, store_load_sketches(f->store, &f->arena, &sketch, 1, &f->err));
    assert_int_equal(sketch.bytes.len, 0);
    assert_int_equal(load_visits(f, 7, &visits), 0);
    assert_ok(f, store_load_keys(f->store, &key, 1, &f->err));
    assert_int_equal(key.received_ms, 0);
    assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &events,
                                   &count, &f->err));
    assert_int_equal(count, 0);
    assert_ok(f, store_balance(f->store, &balance, &f->err));
    assert_int_equal(balance.ledger_records, 0);
    assert_int_equal(counter_of(f, COUNTER_DAILY_STATS_ROWS), 0);
}

static void a_position_that_is_elsewhere_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct position_move there = move_to(1, 0, 10);

    commit(f, &(struct store_batch){.positions = &there, .positions_count = 1});
    assert_int_equal(commit_everything(f, move_to(1, 9, 11), "abc"), ERR_CONFLICT);
    assert_int_equal(commit_everything(f, move_to(1, 0, 11), "abc"), ERR_CONFLICT);
    assert_int_equal(commit_everything(f, move_to(2, 10, 11), "abc"), ERR_CONFLICT);
    assert_nothing_is_there(f);
    assert_int_equal(commit_everything(f, move_to(1, 10, 11), "abc"), 0);
}

static void a_refused_row_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct balance balance;

    /* The ledger is what is written last. */
    assert_int_equal(commit_everything(f, move_to(1, 0, 1), ""), ERR_INVALID);
    assert_nothing_is_there(f);
    assert_ok(f, store_balance(f->store, &balance, &f->err));
    assert_int_equal(balance.committed, 0);
    assert_int_equal(commit_everything(f, move_to(1, 0, 1), "abc"), 0);
}

/* -- raw rows ---------------------------------------------------------------------------------- */

static void a_raw_row_keeps_what_it_says(void **state)
{
    struct fixture *f = *state;
    struct event put = {
        .kind = EVENT_CUSTOM,
        .name = STR("video.play"),
        .site = STR("abc"),
        .tenant = STR("t5g"),
        .time_ms = DAY_START + 5,
        .day = DAY,
        .visitor = UINT64_C(0xffffffffffffff01),
        .path = STR("/a"),
        .referrer = STR("example.org"),
        .title = STR("T\xc3\xa4"),
        .screen = STR("1x2"),
        .props = STR("{\"a\":1}"),
        .count = 3,
        .tokens = 17,
        .seconds_ms = 2500,
        .scroll = 40,
        .prefix = STR("2001:db80:1111::/48"),
    };
    struct event_row *out;
    size_t count;

    commit(f, &(struct store_batch){.events = pointers(f, &put, 1), .events_count = 1});
    assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), DAY_START, DAY_START + DAY_MS,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &out, &count,
                                   &f->err));
    assert_int_equal(count, 1);
    const struct event *e = &out->event;

    assert_int_equal(e->kind, EVENT_CUSTOM);
    assert_str(e->name, "video.play");
    assert_str(e->site, "abc");
    assert_str(e->tenant, "t5g");
    assert_int_equal(e->time_ms, DAY_START + 5);
    assert_int_equal(e->day, DAY);
    assert_true(e->visitor == put.visitor);
    assert_str(e->path, "/a");
    assert_str(e->referrer, "example.org");
    assert_str(e->title, "T\xc3\xa4");
    assert_str(e->screen, "1x2");
    assert_str(e->props, "{\"a\":1}");
    assert_int_equal(e->count, 3);
    assert_int_equal(e->tokens, 17);
    assert_int_equal(e->seconds_ms, 2500);
    assert_int_equal(e->scroll, 40);
    assert_str(e->prefix, "2001:db80:1111::/48");
    assert_true(out->id > 0);
}

static void what_a_raw_row_lacks_stays_absent(void **state)
{
    struct fixture *f = *state;
    struct event put = pageview("abc", DAY_START, "");
    struct event_row *out;
    size_t count;

    commit(f, &(struct store_batch){.events = pointers(f, &put, 1), .events_count = 1});
    assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &out, &count,
                                   &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(out->event.kind, EVENT_PAGEVIEW);
    assert_str(out->event.name, "pageview");
    assert_int_equal(out->event.path.len + out->event.props.len + out->event.title.len, 0);
    assert_int_equal(out->event.prefix.len, 0);
    assert_true(out->event.visitor == 0);
    assert_int_equal(out->event.scroll, -1);
}

static void pages_give_every_row_once(void **state)
{
    enum { EVENTS = 57 };
    struct fixture *f = *state;
    struct event events[EVENTS];
    char paths[EVENTS][8];
    bool seen[EVENTS] = {false};
    struct event_cursor cursor = {INT64_MIN, 0};
    size_t count = 1, total = 0;

    /* Five rows in each millisecond, given backwards, so that pages of 7 cut between equal times.
     */
    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "/%d", i);
        events[i] = pageview("abc", DAY_START + (EVENTS - i) / 5, paths[i]);
    }
    commit(f, &(struct store_batch){.events = pointers(f, events, EVENTS), .events_count = EVENTS});
    while (count > 0) {
        struct event_row *rows;

        assert_ok(f,
                  store_page_events(f->store, STR("t5g"), STR("abc"), DAY_START, DAY_START + DAY_MS,
                                    cursor, 7, &f->arena, &rows, &count, &f->err));
        assert_true(count <= 7);
        for (size_t i = 0; i < count; i++, total++) {
            int64_t n = -1;

            assert_true(str_to_i64(str_slice(rows[i].event.path, 1, 9), &n));
            assert_false(seen[n]);
            seen[n] = true;
            assert_true(rows[i].event.time_ms > cursor.time_ms ||
                        (rows[i].event.time_ms == cursor.time_ms && rows[i].id > cursor.id));
            cursor = (struct event_cursor){rows[i].event.time_ms, rows[i].id};
        }
    }
    assert_int_equal(total, EVENTS);
}

/* A backend may put many rows at once, and then those that are left. */
static void batches_of_any_size_are_put_whole(void **state)
{
    struct fixture *f = *state;
    const size_t sizes[] = {1, 2, 49, 50, 51, 99, 100, 101, 149};
    enum { MOST = 149 };
    static const char *const paths[] = {"/a", "", "/c"};
    struct event events[MOST];
    struct event_row *rows;
    size_t count;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int64_t from_ms = DAY_START + (int64_t)i * HOUR_MS;

        for (size_t k = 0; k < sizes[i]; k++) {
            events[k] = pageview("abc", from_ms + (int64_t)k, paths[k % 3]);
            events[k].visitor = k;
        }
        commit(f, &(struct store_batch){.events = pointers(f, events, sizes[i]),
                                        .events_count = sizes[i]});
        assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), from_ms, from_ms + HOUR_MS,
                                       (struct event_cursor){INT64_MIN, 0}, 1000, &f->arena, &rows,
                                       &count, &f->err));
        assert_int_equal(count, sizes[i]);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(rows[k].event.time_ms, from_ms + (int64_t)k);
            assert_int_equal(rows[k].event.visitor, k);
            assert_str(rows[k].event.path, paths[k % 3]);
            assert_true(k == 0 || rows[k].id > rows[k - 1].id);
        }
    }
}

static void a_page_keeps_to_its_site_and_time(void **state)
{
    struct fixture *f = *state;
    struct event events[] = {pageview("abc", 999, "/before"), pageview("abc", 1000, "/first"),
                             pageview("abc", 1999, "/last"), pageview("abc", 2000, "/behind"),
                             pageview("ab", 1500, "/other")};
    struct event_row *rows;
    size_t count;

    commit(f, &(struct store_batch){.events = pointers(f, events, 5), .events_count = 5});
    assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), 1000, 2000,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &rows,
                                   &count, &f->err));
    assert_int_equal(count, 2);
    assert_str(rows[0].event.path, "/first");
    assert_str(rows[1].event.path, "/last");
}

/* -- ledger ------------------------------------------------------------------------------------ */

static void the_ledger_comes_by_day_kind_and_reason(void **state)
{
    struct fixture *f = *state;
    const struct ledger_row rows[] = {
        {STR("abc"), STR("t5g"), DAY + 1, LEDGER_STORED, STR(""), 5, 5},
        {STR("abc"), STR("t5g"), DAY, LEDGER_REJECTED, STR("invalid"), 7, 1},
        {STR("abc"), STR("t5g"), DAY, LEDGER_DROPPED, STR("gpc"), 2, 2},
        {STR("abc"), STR("t5g"), DAY, LEDGER_DROPPED, STR("bot"), 3, 3},
        {STR("abc"), STR("t5g"), DAY, LEDGER_STORED, STR(""), 4, 4},
        {STR("abc"), STR("t5g"), DAY, LEDGER_DROPPED, STR("bot"), 30, 3},
        {STR("xyz"), STR("t5g"), DAY, LEDGER_STORED, STR(""), 1, 1},
    };
    struct seen_ledger seen = {0};

    commit(f, &(struct store_batch){.ledger = rows, .ledger_count = 7});
    assert_ok(f, store_each_ledger(f->store, STR("t5g"), STR("abc"), DAY, DAY + 1, see_ledger,
                                   &seen, &f->err));
    assert_int_equal(seen.count, 5);
    assert_int_equal(seen.rows[0].kind, LEDGER_STORED);
    assert_int_equal(seen.rows[0].events, 4);
    assert_string_equal(seen.rows[1].reason, "bot");
    assert_int_equal(seen.rows[1].events, 33);
    assert_int_equal(seen.rows[1].records, 6);
    assert_string_equal(seen.rows[2].reason, "gpc");
    assert_string_equal(seen.rows[3].reason, "invalid");
    assert_int_equal(seen.rows[3].kind, LEDGER_REJECTED);
    assert_int_equal(seen.rows[4].day, DAY + 1);
}

/* -- runs and versions ------------------------------------------------------------------------- */

static void a_run_leaves_how_far_it_saw(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(counter_of(f, COUNTER_AS_OF), 0);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, 1000, 2000, &f->err));
    assert_int_equal(counter_of(f, COUNTER_AS_OF), 1000);
    assert_int_equal(counter_of(f, COUNTER_LAST_SUCCESS), 2000);
}

static void the_version_moves_with_each_change_and_not_with_reading(void **state)
{
    struct fixture *f = *state;
    struct tenant_row tenant = tenant_named("t5g", "Five");
    int64_t before, same, after;

    assert_ok(f, store_version(f->store, &before, &f->err));
    (void)days_of(f, "abc", DAY, DAY);
    assert_ok(f, store_version(f->store, &same, &f->err));
    assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
    assert_ok(f, store_version(f->store, &after, &f->err));
    assert_int_equal(before, same);
    assert_int_not_equal(before, after);
}

static void the_lease_is_one_handles_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);
    uint32_t got = 0;

    assert_ok(f, store_lease(f->store, PARTITIONS_ALL, true, false, &got, &f->err));
    assert_int_equal(got, PARTITIONS_ALL);
    assert_int_equal(store_lease(other, PARTITIONS_ALL, false, false, &got, &f->err), ERR_CONFLICT);
    assert_int_equal(got, 0);
    store_unlease(f->store);
    assert_ok(f, store_lease(other, PARTITIONS_ALL, false, false, &got, &f->err));
    assert_int_equal(got, PARTITIONS_ALL);
    store_close(&other);
    assert_ok(f, store_lease(f->store, PARTITIONS_ALL, false, true, &got, &f->err));
    store_yield(f->store);
    store_unlease(f->store);
}

static void a_sound_store_passes_its_check(void **state)
{
    struct fixture *f = *state;

    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    assert_ok(f, store_check(f->store, &f->err));
}

/* -- the handle itself ------------------------------------------------------------------------- */

struct heard {
    size_t count;
    char last[32];
};

static void hear(void *ctx, const char *op, double seconds)
{
    struct heard *heard = ctx;

    assert_true(seconds >= 0 && seconds < 60);
    heard->count++;
    (void)snprintf(heard->last, sizeof(heard->last), "%s", op);
}

static void an_observer_hears_of_each_verb(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};
    struct store_config config = {
        .url = f->url, .data_dir = str_from(f->dir), .observe = hear, .ctx = &heard};
    struct store *store = NULL;
    int64_t counters[COUNTERS];

    assert_ok(f, store_open(&config, &store, &f->err));
    assert_ok(f, store_counters(store, counters, &f->err));
    assert_string_equal(heard.last, "counters");
    assert_ok(f, store_commit(store, &(struct store_batch){0}, &f->err));
    assert_string_equal(heard.last, "commit");
    assert_int_equal(heard.count, 2);
    store_close(&store);
    assert_null(store);
    store_close(&store);
}

static void refuses_a_url_that_no_backend_knows(void **state)
{
    struct store_config config = {.url = STR("mysql://u:geheim@h/d"), .data_dir = STR("")};
    struct store *store = NULL;
    struct err err;

    (void)state;
    assert_int_equal(store_open(&config, &store, &err), ERR_INVALID);
    assert_null(store);
    assert_null(strstr(err.text, "geheim"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(adds_to_days_that_are_there),
        ON_ALL(an_estimate_stays_an_estimate),
        ON_ALL(sums_stop_at_2_to_the_53_minus_1),
        ON_ALL(days_come_in_order_and_within_the_range),
        ON_ALL(a_tenants_days_are_those_of_its_sites),
        ON_ALL(reading_ends_when_the_reader_says_so),
        ON_ALL(hours_are_known_by_their_instant),
        ON_ALL(counts_the_daily_rows_written),
        ON_ALL(a_set_replaces_the_one_before),
        ON_ALL(runs_and_links_of_a_visitor_come_back),
        ON_ALL(a_visit_keeps_all_its_members),
        ON_ALL(visits_are_removed_before_others_are_put),
        ON_ALL(keys_are_known_by_site_and_id),
        ON_ALL(positions_move_on),
        ON_ALL(a_position_that_is_elsewhere_leaves_nothing),
        ON_ALL(a_refused_row_leaves_nothing),
        ON_ALL(a_raw_row_keeps_what_it_says),
        ON_ALL(what_a_raw_row_lacks_stays_absent),
        ON_ALL(pages_give_every_row_once),
        ON_ALL(batches_of_any_size_are_put_whole),
        ON_ALL(a_page_keeps_to_its_site_and_time),
        ON_ALL(the_ledger_comes_by_day_kind_and_reason),
        ON_ALL(a_run_leaves_how_far_it_saw),
        ON_ALL(the_version_moves_with_each_change_and_not_with_reading),
        ON_ALL(the_lease_is_one_handles_at_a_time),
        ON_ALL(a_sound_store_passes_its_check),
        ON_ALL(an_observer_hears_of_each_verb),
        cmocka_unit_test(refuses_a_url_that_no_backend_knows),
    };

    return run_with_postgres("store", tests, sizeof(tests) / sizeof(tests[0]));
}
