/*
 * test_query_job.c -- what the real job makes of a real log, asked for: the days that are over are
 * packed by it, today is due, and a late event changes a packed day.
 */
#include "aggregate/aggregate.h"
#include "base/clock.h"
#include "log/log.h"
#include "query_fixture.h"

#include <stdlib.h>

struct world {
    char dir[64], url[128], queue[96];
    struct store *store;
    struct log *log;
    struct tz *tz;
    struct site site;
    int32_t today;
    struct arena arena;
    struct err err;
};

static void must_succeed(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%d: %s", rc, err->text);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    (void)strcpy(w->dir, "/tmp/abacus-job-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->url, sizeof(w->url), "sqlite:%s/abacus.db", w->dir);
    (void)snprintf(w->queue, sizeof(w->queue), "log:%s", w->dir);
    struct store_config store = {.url = str_from(w->url), .data_dir = str_from(w->dir)};
    struct log_config log = {.data_dir = str_from(w->dir)};

    must_succeed(store_open(&store, &w->store, &w->err), &w->err);
    must_succeed(log_open(&log, &w->log, &w->err), &w->err);
    fixture_site(w->store, "five", "a", "UTC", 0);
    w->tz = fixture_tz("UTC");
    w->site = (struct site){.id = STR("a"),
                            .tenant = STR("five"),
                            .timezone = STR("UTC"),
                            .tz = w->tz,
                            .paths_per_day = 10000};
    must_succeed(goals_parse(STR(""), &w->arena, &w->site.goals, &w->site.goals_count, &w->err),
                 &w->err);
    w->site.goals_hash = goals_hash(w->site.goals, w->site.goals_count);
    w->today = (int32_t)(clock_wall_ms() / DAY_MS);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];

    log_close(&w->log);
    store_close(&w->store);
    tz_free(&w->tz);
    arena_free(&w->arena);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    test_free(w);
    return 0;
}

/* At so many minutes of the day that was `ago` days ago. */
static void append(struct world *w, int32_t ago, int minutes, const char *name, uint64_t visitor,
                   const char *path)
{
    int64_t time_ms = (w->today - ago) * DAY_MS + minutes * MINUTE_MS;
    struct event event = fixture_event(&w->site, name, time_ms, visitor, path);
    struct buf record = {0};

    event.traits[TRAIT_SOURCE] = visitor % 2 == 0 ? STR("Google") : STR("");
    event_encode(&event, &record);
    struct log_entry entry = {site_partition(w->site.id), buf_str(&record)};
    must_succeed(log_append(w->log, &entry, 1, NULL, &w->err), &w->err);
    buf_release(&record);
}

static void run(struct world *w)
{
    struct aggregate_config config = {.queue_url = str_from(w->queue),
                                      .data_dir = str_from(w->dir),
                                      .raw_days = 30,
                                      .visit_days = 365,
                                      .stats_days = 365,
                                      .audit_days = 90};
    struct aggregator *aggregator = aggregate_new(&config);
    struct aggregate_report report;

    must_succeed(
        aggregate_run(aggregator, w->store, AGGREGATE_WAIT | AGGREGATE_RETENTION, &report, &w->err),
        &w->err);
    aggregate_free(&aggregator);
}

static size_t due_days(struct world *w)
{
    int32_t *days = NULL;
    size_t count = 0;

    must_succeed(store_due_days(w->store, w->site.tenant, w->site.id, w->today - 10, w->today,
                                &w->arena, &days, &count, &w->err),
                 &w->err);
    return count;
}

static struct query_breakdown ask(struct world *w, enum dimension dimension,
                                  const struct filter *filter)
{
    struct range range = {w->today - 10, w->today};
    struct query_breakdown_ask question = {
        .dimension = dimension, .filters = {filter, filter != NULL ? 1 : 0}, .limit = 10};
    struct query_breakdown out;

    must_succeed(
        query_breakdown(w->store, &w->site, range, INT32_MIN, &question, &w->arena, &out, &w->err),
        &w->err);
    return out;
}

static void assert_row(const struct count_row *row, const char *value, int64_t visitors,
                       int64_t pageviews, int64_t visits, int64_t conversions)
{
    if (!str_eq(row->value, str_from(value)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(row->value), value);
    assert_int_equal(row->visitors, visitors);
    assert_int_equal(row->pageviews, pageviews);
    assert_int_equal(row->visits, visits);
    assert_int_equal(row->conversions, conversions);
}

static const struct filter google = {
    .dimension = DIM_SOURCE, .op = FILTER_IS, .value = {"Google", 6}};

/* Of three days: visitor 1 (direct) sees /a and /b, visitor 2 (Google) sees /a and becomes a lead;
 * of today only what happens in its first minutes, which are over. */
static void append_days(struct world *w)
{
    for (int32_t ago = 0; ago < 3; ago++) {
        append(w, ago, ago == 0 ? 0 : 100, "pageview", 1, "/a");
        append(w, ago, ago == 0 ? 0 : 110, "pageview", 1, "/b");
        append(w, ago, ago == 0 ? 0 : 700, "pageview", 2, "/a");
        append(w, ago, ago == 0 ? 0 : 705, "lead.created", 2, "/a");
    }
}

static void answers_from_what_the_job_counted_and_packed(void **state)
{
    struct world *w = *state;

    append_days(w);
    run(w);
    /* Of yesterday the first half hour after midnight may still belong to it. */
    assert_true(due_days(w) >= 1 && due_days(w) <= 2);
    struct query_breakdown out = ask(w, DIM_PAGE, NULL);
    assert_int_equal(out.total, 2);
    assert_int_equal(out.visitors, 6);
    assert_row(&out.rows[0], "/a", 6, 6, 6, 3);
    assert_row(&out.rows[1], "/b", 3, 3, 3, 0);
    out = ask(w, DIM_PAGE, &google);
    assert_int_equal(out.total, 1);
    assert_int_equal(out.visitors, 3);
    assert_row(&out.rows[0], "/a", 3, 3, 3, 3);
    out = ask(w, DIM_SOURCE, NULL);
    assert_int_equal(out.total, 2);
    out = ask(w, DIM_SOURCE, &google);
    assert_int_equal(out.total, 1);
    assert_row(&out.rows[0], "Google", 3, 3, 3, 3);
}

static void counts_a_late_event_of_a_packed_day(void **state)
{
    struct world *w = *state;

    append_days(w);
    run(w);
    size_t due = due_days(w);
    append(w, 2, 800, "pageview", 4, "/b");
    append(w, 2, 115, "pageview", 1, "/b");
    run(w);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(due_days(w), due);
        struct query_breakdown out = ask(w, DIM_PAGE, NULL);
        assert_int_equal(out.visitors, 7);
        assert_row(&out.rows[0], "/a", 6, 6, 6, 3);
        assert_row(&out.rows[1], "/b", 4, 5, 4, 0);
        out = ask(w, DIM_SOURCE, &google);
        assert_row(&out.rows[0], "Google", 4, 4, 4, 3);
        run(w);
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(answers_from_what_the_job_counted_and_packed),
        WITH_WORLD(counts_a_late_event_of_a_packed_day),
    };
    return cmocka_run_group_tests_name("query_job", tests, NULL, NULL);
}
