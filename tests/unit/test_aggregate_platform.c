/*
 * test_aggregate_platform.c -- the job on a real log, Redis and PostgreSQL, where the database
 * refuses some of it.
 */
#include "test_postgres_support.h"

#include "aggregate/aggregate.h"
#include "log/log.h"
#include "redis/redis.h"
#include "relay/relay.h"

enum { REDIS_DB = 13 };

struct platform {
    struct fixture *f;
    char redis_url[256];
    struct log *log;
    struct relay *relay;
    struct aggregator *aggregator;
    struct aggregate_report report;
};

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%d: %s", rc, err->text);
}

static void flush_redis(const struct platform *p)
{
    const struct redis_config config = {.url = str_from(p->redis_url)};
    const struct redis_reply *reply = NULL;
    struct redis *redis = NULL;
    struct err err = {""};

    must(redis_open(&config, &redis, &err), &err);
    must(redis_call_words(redis, &reply, &err, "FLUSHDB", NULL), &err);
    redis_close(&redis);
}

static int set_up(void **state)
{
    struct platform *p = calloc(1, sizeof(*p));
    void *f = NULL;

    *state = NULL;
    if (p == NULL || getenv("ABACUS_TEST_REDIS") == NULL) {
        free(p);
        return 0;
    }
    assert_int_equal(set_up_postgres(&f), 0);
    p->f = f;
    (void)snprintf(p->redis_url, sizeof(p->redis_url), "%s/%d", getenv("ABACUS_TEST_REDIS"),
                   REDIS_DB);
    flush_redis(p);
    const struct log_config log = {.data_dir = str_from(p->f->dir)};
    const struct relay_config relay = {.data_dir = log.data_dir,
                                       .redis_url = str_from(p->redis_url)};
    const struct aggregate_config job = {.data_dir = log.data_dir, .queue_url = relay.redis_url};

    assert_ok(p->f, log_open(&log, &p->log, &p->f->err));
    assert_ok(p->f, relay_open(&relay, &p->relay, &p->f->err));
    p->aggregator = aggregate_new(&job);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct platform *p = *state;

    if (p == NULL)
        return 0;
    void *f = p->f;

    aggregate_free(&p->aggregator);
    relay_close(&p->relay);
    log_close(&p->log);
    flush_redis(p);
    free(p);
    return tear_down_postgres(&f);
}

static struct platform *platform(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

/* A site of the partition, and as many pageviews. */
static void append(struct platform *p, unsigned partition, int count)
{
    char id[16];
    unsigned i = 0;

    do
        (void)snprintf(id, sizeof(id), "s%u", i++);
    while (site_partition(str_from(id)) != partition);
    struct site_row site = site_named(id, "t5g");

    assert_ok(p->f, store_put_site(p->f->store, &site, &somebody, &p->f->err));
    for (int n = 0; n < count; n++) {
        struct event event = pageview(id, DAY_START + n, "/");
        struct buf record = {0};

        event.received_ms = event.time_ms;
        event.hour_ms = DAY_START;
        event_encode(&event, &record);
        const struct log_entry entry = {(uint16_t)partition, buf_str(&record)};

        assert_ok(p->f, log_append(p->log, &entry, 1, NULL, &p->f->err));
        buf_release(&record);
    }
}

static void send_all(struct platform *p)
{
    struct relay_progress progress = {.sent = 1};

    while (progress.sent > 0)
        assert_ok(p->f, relay_step(p->relay, p->f->store, &progress, &p->f->err));
}

static int run(struct platform *p)
{
    int rc = aggregate_run(p->aggregator, p->f->store, 0, &p->report, &p->f->err);

    assert_int_equal(p->report.unstorable, 0);
    return rc;
}

/* A position that is begun, or moved, like this is refused with the code. */
static void refuse_moves(struct platform *p, const char *begun, const char *moved, const char *code)
{
    char sql[600];

    (void)snprintf(sql, sizeof(sql),
                   "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS"
                   " 'BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''%s''; END';"
                   "CREATE TRIGGER refuse BEFORE INSERT ON analytics.positions FOR EACH ROW"
                   " WHEN (%s) EXECUTE FUNCTION public.refuse();"
                   "CREATE TRIGGER refuse_more BEFORE UPDATE ON analytics.positions FOR EACH ROW"
                   " WHEN (%s) EXECUTE FUNCTION public.refuse()",
                   code, begun, moved);
    sql_on(p->f->text.ptr, sql);
}

static int64_t counted(struct platform *p, unsigned partition)
{
    char sql[160], text[32];
    int64_t out = -1;

    (void)snprintf(sql, sizeof(sql),
                   "SELECT coalesce(sum(number), 0) FROM analytics.positions WHERE partition = %u",
                   partition);
    sql_value(p->f->text.ptr, sql, text, sizeof(text));
    assert_true(str_to_i64(str_from(text), &out));
    return out;
}

/* As if the database needed a minute for 7 records, however often it is asked. */
static void a_batch_for_which_the_time_is_too_short_is_tried_smaller(void **state)
{
    struct platform *p = platform(state);
    int runs = 0;

    append(p, 3, 100);
    send_all(p);
    refuse_moves(p, "new.number > 7", "new.number - old.number > 7", "query_canceled");
    while (counted(p, 3) < 100) {
        int rc = run(p);

        assert_true(rc == 0 || rc == ERR_UNAVAILABLE);
        assert_true(++runs < 60);
    }
    assert_balance(p->f, 100, 100);
    /* They grow again. */
    sql_on(p->f->text.ptr, "DROP FUNCTION public.refuse CASCADE");
    append(p, 3, 100);
    send_all(p);
    assert_ok(p->f, run(p));
    assert_in_range(p->report.batches, 1, 8);
    append(p, 3, 100);
    send_all(p);
    assert_ok(p->f, run(p));
    assert_int_equal(p->report.batches, 1);
    assert_balance(p->f, 300, 300);
}

static void a_partition_that_cannot_be_counted_does_not_keep_the_others_waiting(void **state)
{
    struct platform *p = platform(state);

    append(p, 3, 60);
    append(p, 5, 5);
    append(p, 9, 4);
    send_all(p);
    refuse_moves(p, "new.partition = 3", "new.partition = 3", "raise_exception");
    for (int i = 0; i < 10; i++)
        assert_int_equal(run(p), ERR_SYSTEM);
    assert_int_equal(counted(p, 3), 0);
    assert_int_equal(counted(p, 5), 5);
    assert_int_equal(counted(p, 9), 4);
}

/* Without them it would send again what its log still holds of what was counted. */
static void the_positions_of_a_node_that_was_away_for_a_year_are_still_there(void **state)
{
    struct platform *p = platform(state);
    char text[64];

    sql_on(p->f->text.ptr,
           "INSERT INTO analytics.positions (producer, partition, number, moved_ms)"
           " SELECT decode(lpad(days::text, 32, '0'), 'hex'), 3, 7,"
           " (extract(epoch FROM clock_timestamp()) * 1000)::bigint - days * 86400000::bigint"
           " FROM unnest(ARRAY[366, 401]) days");
    assert_ok(p->f, aggregate_run(p->aggregator, p->f->store, AGGREGATE_RETENTION, &p->report,
                                  &p->f->err));
    sql_value(p->f->text.ptr,
              "SELECT string_agg(right(encode(producer, 'hex'), 3), ' ')"
              " FROM analytics.positions",
              text, sizeof(text));
    assert_string_equal(text, "366");
}

int main(void)
{
#define T(name)                                                                                    \
    {                                                                                              \
        "postgres: " #name, name, set_up, tear_down, NULL                                          \
    }
    const struct CMUnitTest tests[] = {
        T(a_batch_for_which_the_time_is_too_short_is_tried_smaller),
        T(a_partition_that_cannot_be_counted_does_not_keep_the_others_waiting),
        T(the_positions_of_a_node_that_was_away_for_a_year_are_still_there),
    };
    return run_with_postgres("aggregate_platform", tests, sizeof(tests) / sizeof(tests[0]));
}
