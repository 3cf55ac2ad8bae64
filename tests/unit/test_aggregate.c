/* The job on a real log and a real SQLite file in a temporary directory. */
#include "aggregate/aggregate.h"
#include "base/clock.h"
#include "base/date.h"
#include "log/log.h"
#include "store/managed.h"
#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    char dir[64], db[96], url[128], queue[96];
    struct store *store;
    struct log *log;
    struct aggregate_report report;
    int64_t now_ms;
};

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%d: %s", rc, err->text);
}

static struct store *open_store(const struct world *w)
{
    struct store_config config = {.url = str_from(w->url), .data_dir = str_from(w->dir)};
    struct store *store = NULL;
    struct err err = {0};

    must(store_open(&config, &store, &err), &err);
    return store;
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct site_row site = site_row_default();
    struct actor actor = {STR("test"), 1};
    struct err err = {0};

    assert_non_null(w);
    (void)strcpy(w->dir, "/tmp/abacus-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->db, sizeof(w->db), "%s/abacus.db", w->dir);
    (void)snprintf(w->url, sizeof(w->url), "sqlite:%s", w->db);
    (void)snprintf(w->queue, sizeof(w->queue), "log:%s", w->dir);
    w->store = open_store(w);
    w->now_ms = clock_wall_ms();
    site.id = STR("s1");
    site.tenant = STR("t1");
    site.domain = STR("example.com");
    must(store_put_site(w->store, &site, &actor, &err), &err);
    struct log_config log = {.data_dir = str_from(w->dir)};

    must(log_open(&log, &w->log, &err), &err);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];

    log_close(&w->log);
    store_close(&w->store);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static struct event pageview(const struct world *w, const char *path)
{
    return (struct event){.kind = EVENT_PAGEVIEW,
                          .name = STR("pageview"),
                          .site = STR("s1"),
                          .tenant = STR("t1"),
                          .time_ms = w->now_ms,
                          .received_ms = w->now_ms,
                          .day = (int32_t)(w->now_ms / DAY_MS),
                          .hour_ms = w->now_ms / HOUR_MS * HOUR_MS,
                          .visitor = 77,
                          .path = str_from(path),
                          .count = 1,
                          .scroll = -1};
}

static void append_payload(struct world *w, struct str payload)
{
    struct log_entry entry = {site_partition(STR("s1")), payload};
    struct err err = {0};

    must(log_append(w->log, &entry, 1, NULL, &err), &err);
}

static void append(struct world *w, const struct event *event)
{
    struct buf record = {0};

    event_encode(event, &record);
    append_payload(w, buf_str(&record));
    buf_release(&record);
}

static int run_once(struct world *w, const struct aggregate_config *config, unsigned how,
                    struct err *err)
{
    struct aggregate_config whole = *config;

    whole.data_dir = str_from(w->dir);
    whole.queue_url = str_from(w->queue);
    struct aggregator *aggregator = aggregate_new(&whole);
    int rc = aggregate_run(aggregator, w->store, how, &w->report, err);

    aggregate_free(&aggregator);
    return rc;
}

static void run(struct world *w, size_t batch_max)
{
    struct aggregate_config config = {.raw_days = 30,
                                      .visit_days = 365,
                                      .stats_days = 365,
                                      .audit_days = 90,
                                      .batch_max = batch_max};
    struct err err = {0};

    must(run_once(w, &config, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
}

static int64_t number(const struct world *w, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;

    assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(statement, 0);

    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return n;
}

static void change(const struct world *w, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void assert_balanced(struct world *w)
{
    struct balance balance = {0};
    struct err err = {0};

    must(store_balance(w->store, &balance, &err), &err);
    assert_true(balance.committed > 0);
    assert_int_equal(balance.committed, balance.ledger_records);
}

static void counts_each_record_once_however_often_it_runs(void **state)
{
    struct world *w = *state;
    struct event event = pageview(w, "/a");

    for (int i = 0; i < 5; i++)
        append(w, &event);
    run(w, 0);
    assert_int_equal(w->report.events, 5);
    run(w, 0);
    assert_int_equal(w->report.records, 0);
    append(w, &event);
    run(w, 0);
    assert_int_equal(w->report.events, 1);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"), 6);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 6);
    assert_int_equal(number(w, "SELECT sum(unique_visitors) FROM analytics_daily_stats"), 1);
    assert_balanced(w);
}

static void the_size_of_batches_does_not_matter(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 25; i++) {
        struct event event = pageview(w, "/a");

        event.visitor = (uint64_t)(i % 5) + 1;
        append(w, &event);
    }
    run(w, 4);
    assert_int_equal(w->report.batches, 7);
    assert_int_equal(number(w, "SELECT pageviews FROM analytics_daily_stats"), 25);
    assert_int_equal(number(w, "SELECT unique_visitors FROM analytics_daily_stats"), 5);
    assert_int_equal(number(w, "SELECT visits FROM analytics_daily_stats"), 5);
    assert_balanced(w);
}

static void append_keyed(struct world *w, uint8_t key, int64_t received_ms)
{
    struct event event = pageview(w, "/k");

    event.has_id = true;
    event.id[0] = key;
    event.received_ms = received_ms;
    append(w, &event);
}

static void a_repeat_within_a_day_of_the_counted_copy_is_a_duplicate(void **state)
{
    struct world *w = *state;

    append_keyed(w, 1, w->now_ms);
    append_keyed(w, 1, w->now_ms + DAY_MS); /* just within */
    append_keyed(w, 2, w->now_ms);
    run(w, 0);
    assert_int_equal(w->report.duplicates, 1);
    append_keyed(w, 1, w->now_ms - DAY_MS);     /* just within, before it */
    append_keyed(w, 1, w->now_ms + DAY_MS + 1); /* no longer */
    append_keyed(w, 1, w->now_ms + DAY_MS + 2); /* a repeat of that one */
    run(w, 0);
    assert_int_equal(w->report.duplicates, 2);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"), 3);
    assert_int_equal(number(w, "SELECT sum(events) FROM ledger WHERE reason = 'duplicate'"), 3);
    assert_balanced(w);
}

static void what_the_store_refuses_ends_alone_among_the_dead_letters(void **state)
{
    struct world *w = *state;

    change(w, "CREATE TRIGGER refuse BEFORE INSERT ON analytics_events WHEN NEW.path = '/poison' "
              "BEGIN SELECT RAISE(ABORT, 'refused'); END");
    for (int i = 0; i < 20; i++) {
        struct event event = pageview(w, i == 13 ? "/poison" : "/fine");

        append(w, &event);
    }
    append_payload(w, STR("this is no record"));
    run(w, 0);
    assert_int_equal(w->report.unstorable, 2);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 19);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"), 19);
    assert_int_equal(number(w, "SELECT sum(events) FROM ledger WHERE reason = 'unstorable'"), 2);
    assert_balanced(w);
    char path[128], line[1024];

    (void)snprintf(path, sizeof(path), "%s/dead-letter.ndjson", w->dir);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    assert_non_null(strstr(line, "\"number\":14"));
    assert_non_null(strstr(line, "refused"));
    assert_non_null(fgets(line, sizeof(line), file));
    assert_non_null(strstr(line, "\"number\":21"));
    assert_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
}

static void tallies_enter_the_ledger_as_one_record(void **state)
{
    struct world *w = *state;
    struct buf record = {0};
    struct tally tally = {.site = STR("s1"),
                          .tenant = STR("t1"),
                          .day = 20000,
                          .rejected = true,
                          .reason = REJECT_INVALID,
                          .events = 12};

    tally_encode(&tally, &record);
    append_payload(w, buf_str(&record));
    tally.rejected = false;
    tally.reason = DROP_GPC;
    tally.events = 3;
    buf_reset(&record);
    tally_encode(&tally, &record);
    append_payload(w, buf_str(&record));
    buf_release(&record);
    struct aggregate_config config = {.batch_max = 0};
    struct err err = {0};

    must(run_once(w, &config, AGGREGATE_WAIT, &err), &err);
    assert_int_equal(number(w, "SELECT events FROM ledger WHERE kind = 2 AND reason = 'invalid'"),
                     12);
    assert_int_equal(number(w, "SELECT events FROM ledger WHERE kind = 1 AND reason = 'gpc'"), 3);
    assert_int_equal(number(w, "SELECT sum(records) FROM ledger"), 2);
    assert_balanced(w);
}

static void an_event_older_than_its_raw_days_adds_counts_alone(void **state)
{
    struct world *w = *state;
    struct event kept = pageview(w, "/kept"), late = pageview(w, "/late");
    int32_t today = late.day;

    kept.day = today - 30;
    kept.time_ms -= 30 * DAY_MS;
    kept.hour_ms -= 30 * DAY_MS;
    late.day = today - 31;
    late.time_ms -= 31 * DAY_MS;
    late.hour_ms -= 31 * DAY_MS;
    append(w, &kept);
    append(w, &late);
    struct aggregate_config config = {.raw_days = 30};
    struct err err = {0};

    must(run_once(w, &config, AGGREGATE_WAIT, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 1);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"), 2);
    assert_int_equal(number(w, "SELECT sum(unique_visitors) FROM analytics_daily_stats"), 1);
}

/* As after a restored backup: the store is older than what is left of the log. */
static void numbers_that_are_gone_are_lost_and_the_rest_is_counted(void **state)
{
    enum { EVENTS = 12000 }; /* more than a segment of the least size holds */
    struct world *w = *state;
    struct log_config config = {.data_dir = str_from(w->dir), .segment_bytes = LOG_SEGMENT_MIN};
    struct event event = pageview(w, "/a");
    struct err err = {0};
    char command[160];

    log_close(&w->log);
    must(log_open(&config, &w->log, &err), &err);
    for (int i = 0; i < EVENTS; i++) {
        append(w, &event);
        if (i % 1000 == 0)
            (void)usleep(20000); /* the next segment is made meanwhile */
    }
    (void)snprintf(command, sizeof(command), "rm \"$(ls %s/log/*.seg | head -1)\"", w->dir);
    assert_int_equal(system(command), 0);
    run(w, 0);
    assert_true(w->report.lost > 1000 && w->report.events > 1000);
    assert_int_equal(w->report.events + w->report.lost, EVENTS);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"),
                     (int64_t)w->report.events);
    assert_balanced(w);
    append(w, &event);
    run(w, 0);
    assert_int_equal(w->report.events, 1);
}

static void damage(const struct world *w, long offset)
{
    char command[256];

    (void)snprintf(command, sizeof(command),
                   "f=$(ls %s/log/*.seg | head -1); printf '\\377' | "
                   "dd of=$f bs=1 seek=%ld conv=notrunc status=none",
                   w->dir, offset);
    assert_int_equal(system(command), 0);
}

static void what_is_damaged_in_a_sealed_segment_is_lost_and_the_rest_is_counted(void **state)
{
    struct world *w = *state;
    struct log_config config = {.data_dir = str_from(w->dir)};
    struct event event = pageview(w, "/a");
    struct err err = {0};

    for (int i = 0; i < 100; i++)
        append(w, &event);
    log_close(&w->log); /* seals and cuts it */
    damage(w, 512 + 2000);
    must(log_open(&config, &w->log, &err), &err);
    for (int i = 0; i < 10; i++)
        append(w, &event);
    run(w, 0);
    assert_true(w->report.lost > 0);
    assert_int_equal(w->report.events + w->report.lost, 110);
    assert_true(w->report.events > 10);
    assert_int_equal(number(w, "SELECT sum(events) FROM ledger WHERE reason = 'lost'"),
                     (int64_t)w->report.lost);
    assert_balanced(w);
    run(w, 0);
    assert_int_equal(w->report.records + w->report.lost, 0);
}

static void events_of_a_site_that_was_removed_reach_nobody(void **state)
{
    struct world *w = *state;
    struct actor actor = {STR("test"), 1};
    struct event event = pageview(w, "/secret");
    struct err err = {0};

    append(w, &event);
    must(store_remove_site(w->store, STR("s1"), &actor, &err), &err);
    run(w, 0);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_daily_stats"), 0);
    assert_int_equal(
        number(w, "SELECT events FROM ledger WHERE site_id = '(removed)' AND reason = 'disabled'"),
        1);
    assert_balanced(w);
}

/* A deletion that is done; `site` empty: of the tenant. */
static void put_deletion(const struct world *w, const char *tenant, const char *site,
                         int64_t asked_ms, int64_t done_ms)
{
    char sql[400];

    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO erasures (id, tenant_id, site_id, kind, actor, asked_ms, due_ms,"
                   " done_ms) VALUES ('e%lld', '%s', '%s', %d, 'test', %lld, %lld, %lld)",
                   (long long)asked_ms, tenant, site, site[0] == '\0' ? 1 : 0, (long long)asked_ms,
                   (long long)asked_ms, (long long)done_ms);
    change(w, sql);
}

static void append_received(struct world *w, uint8_t key, int64_t received_ms, const char *tenant)
{
    struct event event = pageview(w, "/late");

    event.received_ms = received_ms;
    event.tenant = str_from(tenant);
    event.has_id = key != 0;
    event.id[0] = key;
    append(w, &event);
}

/* The site of the world is another one of the same id, made since by the same tenant. */
static void late_events_of_an_erased_site_are_not_the_next_ones(void **state)
{
    struct world *w = *state;
    int64_t asked_ms = w->now_ms - 10000;

    put_deletion(w, "t1", "s1", asked_ms - 5000, asked_ms - 4000);
    put_deletion(w, "t1", "s1", asked_ms, asked_ms + 1000);
    put_deletion(w, "t1", "s2", asked_ms + 2000, asked_ms + 3000); /* another site */
    put_deletion(w, "t2", "", asked_ms + 3000, asked_ms + 4000);   /* another tenant */
    put_deletion(w, "t1", "", asked_ms + 4000, 0);                 /* not done */
    append_received(w, 0, asked_ms, "t1");
    append_received(w, 0, asked_ms + 1, "t1");
    run(w, 0);
    assert_int_equal(w->report.events, 1);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"), 1);
    assert_int_equal(number(w, "SELECT sum(events) FROM ledger WHERE site_id = '(removed)'"), 1);
    /* With its tenant the same. */
    put_deletion(w, "t1", "", asked_ms + 5000, asked_ms + 6000);
    append_received(w, 0, asked_ms + 5000, "t1");
    append_received(w, 0, asked_ms + 5001, "t1");
    run(w, 0);
    assert_int_equal(w->report.events, 1);
    assert_int_equal(number(w, "SELECT sum(pageviews) FROM analytics_daily_stats"), 2);
    assert_balanced(w);
}

static void what_is_not_counted_leaves_no_key(void **state)
{
    struct world *w = *state;
    int64_t asked_ms = w->now_ms - 10000;

    put_deletion(w, "t1", "s1", asked_ms, asked_ms + 1000);
    append_received(w, 7, asked_ms - 1, "t1");
    append_received(w, 8, asked_ms - 1, "t9"); /* the id was another tenant's */
    run(w, 0);
    assert_int_equal(number(w, "SELECT count(*) FROM event_ids"), 0);
    /* The same ids, of the site that is here now. */
    append_received(w, 7, asked_ms + 1, "t1");
    append_received(w, 8, asked_ms + 1, "t1");
    run(w, 0);
    assert_int_equal(w->report.events, 2);
    assert_int_equal(w->report.duplicates, 0);
    assert_int_equal(number(w, "SELECT sum(events) FROM ledger WHERE site_id = '(removed)'"), 2);
    assert_balanced(w);
}

static void only_one_job_runs_at_a_time(void **state)
{
    struct world *w = *state;
    struct aggregate_config config = {.batch_max = 0};
    struct store *other = open_store(w);
    struct err err = {0};

    uint32_t got = 0;

    must(store_lease(other, PARTITIONS_ALL, true, false, &got, &err), &err);
    assert_int_equal(run_once(w, &config, 0, &err), ERR_CONFLICT);
    store_unlease(other);
    must(run_once(w, &config, 0, &err), &err);
    store_close(&other);
}

static void says_up_to_when_it_has_counted(void **state)
{
    struct world *w = *state;
    int64_t counters[COUNTERS] = {0};
    int64_t before = clock_wall_ms();
    struct err err = {0};

    run(w, 0);
    must(store_counters(w->store, counters, &err), &err);
    assert_in_range(counters[COUNTER_AS_OF], before, clock_wall_ms());
    assert_in_range(counters[COUNTER_LAST_SUCCESS], counters[COUNTER_AS_OF], clock_wall_ms());
}

/* An event of `days` days ago at noon. */
static struct event days_ago(const struct world *w, int days, const char *path, uint64_t visitor)
{
    struct event event = pageview(w, path);

    event.day -= days;
    event.time_ms = event.hour_ms = event.day * DAY_MS + DAY_MS / 2;
    event.visitor = visitor;
    return event;
}

static void a_day_that_is_over_is_packed_and_due_no_more(void **state)
{
    struct world *w = *state;
    struct event old = days_ago(w, 2, "/a", 7), now = pageview(w, "/a");

    append(w, &old);
    append(w, &now);
    run(w, 0);
    assert_int_equal(number(w, "SELECT count(DISTINCT day) FROM packs"), 1);
    assert_int_equal(number(w, "SELECT min(day) FROM packs"), old.day);
    assert_int_equal(number(w, "SELECT count(*) FROM due_days"), 1);
    assert_int_equal(number(w, "SELECT day FROM due_days"), now.day);
}

static void a_late_event_makes_its_day_due_again(void **state)
{
    struct world *w = *state;
    struct aggregate_config config = {.raw_days = 30};
    struct event old = days_ago(w, 2, "/a", 7), late = days_ago(w, 2, "/b", 8);
    struct err err = {0};

    append(w, &old);
    run(w, 0);
    int64_t bytes = number(w, "SELECT sum(length(bytes)) FROM packs");

    append(w, &late);
    must(run_once(w, &config, AGGREGATE_WAIT, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM due_days"), 0);
    assert_true(number(w, "SELECT sum(length(bytes)) FROM packs") > bytes);
}

/* Retention takes the rows of a day in the same run that packs it. */
static void a_day_loses_its_rows_only_when_it_is_packed(void **state)
{
    struct world *w = *state;
    struct aggregate_config config = {
        .raw_days = 5, .visit_days = 365, .stats_days = 365, .audit_days = 90};
    struct aggregate_config all = {.visit_days = 365, .stats_days = 365, .audit_days = 90};
    struct event old = days_ago(w, 6, "/a", 7), kept = days_ago(w, 5, "/a", 7);
    struct err err = {0};

    append(w, &old);
    append(w, &kept);
    must(run_once(w, &all, AGGREGATE_WAIT, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 2);
    change(w, "INSERT INTO due_days (site_id, day) SELECT site_id, day FROM packs WHERE part = 0;"
              "DELETE FROM packs");
    must(run_once(w, &config, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM visits"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM packs WHERE part = 0"), 2);
    /* What tells single events goes with them; what tells visits stays. */
    assert_int_equal(number(w, "SELECT count(DISTINCT day) FROM packs WHERE part >= 200"), 1);
    assert_int_equal(
        number(w, "SELECT count(DISTINCT day) FROM packs WHERE part BETWEEN 100 AND 199"), 2);
}

static void set_goals(struct world *w, const char *goals)
{
    struct arena arena = {0};
    struct directory_rows rows;
    struct actor actor = {STR("test"), 1};
    struct err err = {0};

    must(store_read_directory(w->store, &arena, &rows, &err), &err);
    rows.sites[0].goals = str_from(goals);
    must(store_set_site(w->store, &rows.sites[0], &actor, &err), &err);
    arena_free(&arena);
}

static void new_goals_are_counted_from_the_raw_rows_that_are_there(void **state)
{
    struct world *w = *state;
    struct event events[] = {days_ago(w, 3, "/thanks/1", 7), days_ago(w, 3, "/thanks/2", 7),
                             days_ago(w, 3, "/thanks/1", 8), days_ago(w, 3, "/other", 9),
                             pageview(w, "/thanks/3")};
    struct event lead = days_ago(w, 3, "", 9);

    lead.kind = EVENT_LEAD_CREATED;
    lead.name = STR("lead.created");
    events[4].visitor = 0;
    events[4].count = 4;
    for (size_t i = 0; i < 5; i++)
        append(w, &events[i]);
    append(w, &lead);
    run(w, 0);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM analytics_daily_stats"), 1);
    assert_int_equal(number(w, "SELECT sum(converters) FROM analytics_daily_stats"), 1);
    set_goals(w, "[{\"name\":\"Thanks\",\"path\":\"/thanks/*\"}]");
    run(w, 0);
    /* 3 of day 3 by two visitors, and 4 of today by nobody; the lead is no goal any more. */
    assert_int_equal(number(w, "SELECT sum(conversions) FROM analytics_daily_stats"), 7);
    assert_int_equal(number(w, "SELECT sum(converters) FROM analytics_daily_stats"), 2);
    assert_int_equal(number(w, "SELECT sum(unattributed_conversions) FROM analytics_daily_stats"),
                     4);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM hourly_stats"), 7);
    assert_int_equal(number(w, "SELECT sum(converters) FROM hourly_stats"), 2);
    /* What comes now is counted by them, beside what was counted again. */
    append(w, &events[0]);
    run(w, 0);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM analytics_daily_stats"), 8);
    assert_int_equal(number(w, "SELECT sum(converters) FROM analytics_daily_stats"), 2);
    set_goals(w, "");
    run(w, 0);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM analytics_daily_stats"), 1);
    assert_int_equal(number(w, "SELECT sum(converters) FROM analytics_daily_stats"), 1);
    assert_int_equal(number(w, "SELECT sum(unattributed_conversions) FROM analytics_daily_stats"),
                     0);
    assert_balanced(w);
}

/* rawDays were fewer for a while: what was counted of rows that are gone stays as it was counted.
 */
static void new_goals_leave_days_alone_that_have_lost_rows(void **state)
{
    struct world *w = *state;
    struct aggregate_config few = {
        .raw_days = 1, .visit_days = 365, .stats_days = 365, .audit_days = 90};
    struct event gone = days_ago(w, 5, "", 7), late = days_ago(w, 4, "/thanks", 7),
                 kept = days_ago(w, 3, "/thanks", 8);
    struct err err = {0};

    gone.kind = EVENT_LEAD_CREATED;
    gone.name = STR("lead.created");
    append(w, &gone);
    gone.day++;
    gone.time_ms += DAY_MS;
    gone.hour_ms += DAY_MS;
    append(w, &gone);
    run(w, 0);
    must(run_once(w, &few, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 0);
    append(w, &late);
    append(w, &kept);
    set_goals(w, "[{\"name\":\"Thanks\",\"path\":\"/thanks\"}]");
    run(w, 0);
    /* Both leads, and the two pages that came when they were goals. */
    assert_int_equal(number(w, "SELECT sum(conversions) FROM analytics_daily_stats"), 4);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM hourly_stats"), 4);
    assert_balanced(w);
}

/* The day's rows tell their date, and it began when the site was elsewhere. */
static void new_goals_are_counted_on_days_of_another_zone(void **state)
{
    struct world *w = *state;
    struct event early = days_ago(w, 3, "/thanks", 7), last = early;

    early.time_ms = early.hour_ms = early.day * DAY_MS;
    last.time_ms = last.hour_ms = early.day * DAY_MS + 23 * HOUR_MS;
    last.visitor = 8;
    append(w, &early);
    append(w, &last);
    run(w, 0);
    change(w, "UPDATE analytics_settings SET timezone = 'Asia/Tokyo'");
    set_goals(w, "[{\"name\":\"Thanks\",\"path\":\"/thanks\"}]");
    run(w, 0);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM analytics_daily_stats"), 2);
    assert_int_equal(number(w, "SELECT sum(converters) FROM analytics_daily_stats"), 2);
    assert_int_equal(number(w, "SELECT sum(conversions) FROM hourly_stats"), 2);
    assert_int_equal(number(w, "SELECT count(DISTINCT date) FROM analytics_daily_stats"), 1);
}

/* The run is stopped when it has come to packing, and goes on behind it. */
static bool stops_packing(void *ctx)
{
    return ++*(int *)ctx == 2;
}

static void a_day_that_waits_to_be_packed_keeps_the_visits_of_the_night_before(void **state)
{
    struct world *w = *state;
    int asked = 0;
    struct aggregate_config config = {.raw_days = 3,
                                      .visit_days = 365,
                                      .stats_days = 365,
                                      .audit_days = 90,
                                      .stopping = stops_packing,
                                      .ctx = &asked};
    struct event evening = days_ago(w, 4, "/in", 7), night = days_ago(w, 3, "/on", 8);
    struct err err = {0};

    evening.time_ms = evening.hour_ms = night.day * DAY_MS - 60 * 1000;
    night.time_ms = night.hour_ms = night.day * DAY_MS + 60 * 1000;
    night.visitor_before = 7;
    night.day_before = evening.day;
    append(w, &evening);
    append(w, &night);
    run(w, 0);
    assert_int_equal(number(w, "SELECT count(*) FROM visits WHERE before IS NULL OR before = 0"),
                     1);
    change(w, "INSERT INTO due_days (site_id, day) SELECT site_id, max(day) FROM packs");
    must(run_once(w, &config, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
    assert_true(asked > 3);
    assert_int_equal(number(w, "SELECT count(*) FROM due_days"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 2);
    assert_int_equal(number(w, "SELECT count(*) FROM visits"), 2);
}

/* Its first day has lost its rows; a late event of the second one goes on with it. */
static void a_visit_stays_as_long_as_the_rows_of_its_last_day(void **state)
{
    struct world *w = *state;
    struct aggregate_config config = {
        .raw_days = 3, .visit_days = 365, .stats_days = 365, .audit_days = 90};
    struct event evening = days_ago(w, 4, "/in", 7), night = days_ago(w, 3, "/on", 8), late;
    struct err err = {0};

    evening.time_ms = evening.hour_ms = night.day * DAY_MS - 60 * 1000;
    night.time_ms = night.hour_ms = night.day * DAY_MS + 60 * 1000;
    late = night;
    night.visitor_before = 7;
    night.day_before = evening.day;
    late.time_ms += 29 * 60 * 1000 + 59 * 1000;
    append(w, &evening);
    append(w, &night);
    run(w, 0);
    must(run_once(w, &config, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM analytics_events"), 1);
    append(w, &late);
    must(run_once(w, &config, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
    assert_int_equal(number(w, "SELECT sum(visits) FROM analytics_daily_stats"), 1);
    config.raw_days = 2;
    must(run_once(w, &config, AGGREGATE_WAIT | AGGREGATE_RETENTION, &err), &err);
    assert_int_equal(number(w, "SELECT count(*) FROM visits"), 0);
}

static void a_robots_kind_stands_behind_the_reason(void **state)
{
    struct world *w = *state;
    struct tally tally = {.site = STR("s1"),
                          .tenant = STR("t1"),
                          .day = (int32_t)(w->now_ms / DAY_MS),
                          .reason = DROP_BOT,
                          .bot = STR("search"),
                          .events = 3};
    struct buf record = {0};

    tally_encode(&tally, &record);
    append_payload(w, buf_str(&record));
    buf_release(&record);
    run(w, 0);
    assert_int_equal(number(w, "SELECT events FROM ledger WHERE reason = 'bot:search'"), 3);
    assert_balanced(w);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(counts_each_record_once_however_often_it_runs),
        WORLD_TEST(the_size_of_batches_does_not_matter),
        WORLD_TEST(a_repeat_within_a_day_of_the_counted_copy_is_a_duplicate),
        WORLD_TEST(what_the_store_refuses_ends_alone_among_the_dead_letters),
        WORLD_TEST(tallies_enter_the_ledger_as_one_record),
        WORLD_TEST(an_event_older_than_its_raw_days_adds_counts_alone),
        WORLD_TEST(numbers_that_are_gone_are_lost_and_the_rest_is_counted),
        WORLD_TEST(what_is_damaged_in_a_sealed_segment_is_lost_and_the_rest_is_counted),
        WORLD_TEST(events_of_a_site_that_was_removed_reach_nobody),
        WORLD_TEST(late_events_of_an_erased_site_are_not_the_next_ones),
        WORLD_TEST(what_is_not_counted_leaves_no_key),
        WORLD_TEST(only_one_job_runs_at_a_time),
        WORLD_TEST(says_up_to_when_it_has_counted),
        WORLD_TEST(a_day_that_is_over_is_packed_and_due_no_more),
        WORLD_TEST(a_late_event_makes_its_day_due_again),
        WORLD_TEST(a_day_loses_its_rows_only_when_it_is_packed),
        WORLD_TEST(new_goals_are_counted_from_the_raw_rows_that_are_there),
        WORLD_TEST(new_goals_leave_days_alone_that_have_lost_rows),
        WORLD_TEST(new_goals_are_counted_on_days_of_another_zone),
        WORLD_TEST(a_day_that_waits_to_be_packed_keeps_the_visits_of_the_night_before),
        WORLD_TEST(a_visit_stays_as_long_as_the_rows_of_its_last_day),
        WORLD_TEST(a_robots_kind_stands_behind_the_reason),
    };
    return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
