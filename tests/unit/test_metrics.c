/* Metrics: what is exposed, exactly, and its bounds. */
#include "metrics/metrics.h"

#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct str drop_reasons[] = {{"", 0}, {"bot", 3}, {"do-not-track", 12}};
static const struct str reject_reasons[] = {{"invalid", 7}, {"rate-limited", 12}};
static const struct str route_names[] = {{"/track", 6}, {"/stats", 6}, {"unknown", 7}};
static const struct metrics_names names = {drop_reasons, 3, reject_reasons, 2, route_names, 3};

static int make_metrics(void **state)
{
    *state = metrics_new(&names, STR("1.2.3"));
    return 0;
}

static int free_metrics(void **state)
{
    struct metrics *metrics = *state;

    metrics_free(&metrics);
    metrics_free(&metrics);
    return metrics == NULL ? 0 : -1;
}

/* The whole exposition as a string; the caller frees it. */
static char *render(struct metrics *metrics)
{
    struct buf out = {0};

    metrics_render(metrics, &out);
    buf_addc(&out, '\0');
    return out.ptr;
}

static bool exposes(struct metrics *metrics, const char *text)
{
    char *all = render(metrics);
    bool found = strstr(all, text) != NULL;

    free(all);
    return found;
}

static size_t count_lines(struct metrics *metrics, const char *prefix)
{
    char *all = render(metrics), *save = NULL;
    size_t n = 0;

    for (char *line = strtok_r(all, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
        n += strncmp(line, prefix, strlen(prefix)) == 0;
    free(all);
    return n;
}

static void exposes_all_events_of_a_site_as_0_first(void **state)
{
    (void)metrics_site(*state, STR("t5g"), STR("abc123"));
    assert_true(exposes(
        *state,
        "# HELP analytics_events_total Events accepted by this node.\n"
        "# TYPE analytics_events_total counter\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"pageview\"} 0\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"lead.created\"} 0\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"form.submit\"} 0\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"automation.run\"} 0\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"ai.usage\"} 0\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"export.completed\"} 0\n"
        "analytics_events_total{tenant=\"t5g\",site=\"abc123\",event=\"custom\"} 0\n"
        "# HELP analytics_daily_stats_total "));
    assert_true(exposes(*state, "analytics_conversions_total{tenant=\"t5g\",site=\"abc123\"} 0\n"));
    assert_true(exposes(*state, "analytics_ai_tokens_total{tenant=\"t5g\",site=\"abc123\"} 0\n"));
}

static void counts_events_conversions_and_tokens_per_site(void **state)
{
    struct metrics_site *a = metrics_site(*state, STR("t"), STR("a")),
                        *b = metrics_site(*state, STR("t"), STR("b"));

    assert_ptr_equal(metrics_site(*state, STR("t"), STR("a")), a);
    assert_ptr_not_equal(a, b);
    for (unsigned name = 0; name < METRICS_EVENT_NAMES; name++) {
        for (unsigned n = 0; n <= name; n++)
            metrics_event(a, name);
    }
    metrics_event(b, 1);
    metrics_conversions(b, 3);
    metrics_ai_tokens(b, 1000000000000);
    metrics_ai_tokens(b, 5);
    assert_true(exposes(*state, "{tenant=\"t\",site=\"a\",event=\"pageview\"} 1\n"));
    assert_true(exposes(*state, "{tenant=\"t\",site=\"a\",event=\"ai.usage\"} 5\n"));
    assert_true(exposes(*state, "{tenant=\"t\",site=\"a\",event=\"custom\"} 7\n"));
    assert_true(exposes(*state, "{tenant=\"t\",site=\"b\",event=\"lead.created\"} 1\n"));
    assert_true(exposes(*state, "analytics_conversions_total{tenant=\"t\",site=\"b\"} 3\n"));
    assert_true(
        exposes(*state, "analytics_ai_tokens_total{tenant=\"t\",site=\"b\"} 1000000000005\n"));
}

static void escapes_label_values(void **state)
{
    (void)metrics_site(*state, STR("a\\b"), STR("say \"hi\"\nnow"));
    assert_true(exposes(
        *state,
        "analytics_conversions_total{tenant=\"a\\\\b\",site=\"say \\\"hi\\\"\\nnow\"} 0\n"));
    metrics_db(*state, "a\"b", 0.1);
    assert_true(exposes(*state, "analytics_db_latency_seconds_count{op=\"a\\\"b\"} 1\n"));
}

static void bounds_the_sites_that_have_series_of_their_own(void **state)
{
    char site[16];
    struct metrics_site *last = NULL;

    assert_true(exposes(*state, "analytics_site_series 0\n"));
    assert_true(exposes(*state, "analytics_site_series_limit 1000\n"));
    for (int i = 1; i <= METRICS_SITES_MAX; i++) {
        (void)snprintf(site, sizeof(site), "s%d", i);
        last = metrics_site(*state, STR("t"), str_from(site));
    }
    metrics_event(last, 0);
    assert_true(exposes(
        *state, "analytics_events_total{tenant=\"t\",site=\"s1000\",event=\"pageview\"} 1\n"));
    assert_int_equal(count_lines(*state, "analytics_conversions_total{"), 1000);
    assert_false(exposes(*state, "__other__"));

    struct metrics_site *other = metrics_site(*state, STR("t"), STR("s1001"));

    assert_ptr_equal(metrics_site(*state, STR("u"), STR("s1002")), other);
    metrics_event(other, 0);
    metrics_event(other, 0);
    assert_ptr_equal(metrics_site(*state, STR("t"), STR("s1000")), last);
    assert_true(
        exposes(*state, "{tenant=\"__other__\",site=\"__other__\",event=\"pageview\"} 2\n"));
    assert_false(exposes(*state, "s1001"));
    assert_int_equal(count_lines(*state, "analytics_conversions_total{"), 1001);
    assert_true(exposes(*state, "analytics_site_series 1000\n"));
}

static void gives_no_site_the_name_of_the_shared_series(void **state)
{
    (void)metrics_site(*state, STR("__other__"), STR("__other__"));
    (void)metrics_site(*state, STR("t"), STR("__other__"));
    assert_int_equal(count_lines(*state, "analytics_conversions_total{"), 1);
}

static void counts_dropped_rejected_and_errors_by_reason(void **state)
{
    metrics_dropped(*state, 1, 2);
    metrics_dropped(*state, 1, 1);
    metrics_dropped(*state, 3, 9); /* no such reason */
    metrics_rejected(*state, 1, 4);
    metrics_rejected(*state, 2, 9);
    metrics_error(*state, METRICS_ERROR_LOG);
    metrics_error(*state, METRICS_ERROR_REDIS);
    metrics_error(*state, METRICS_ERROR_REDIS);
    assert_true(exposes(*state,
                        "# TYPE analytics_events_dropped_total counter\n"
                        "analytics_events_dropped_total{reason=\"bot\"} 3\n"
                        "analytics_events_dropped_total{reason=\"do-not-track\"} 0\n"
                        "# HELP analytics_events_rejected_total Events refused, by reason.\n"
                        "# TYPE analytics_events_rejected_total counter\n"
                        "analytics_events_rejected_total{reason=\"invalid\"} 0\n"
                        "analytics_events_rejected_total{reason=\"rate-limited\"} 4\n"
                        "# HELP"));
    assert_true(exposes(*state, "# TYPE analytics_errors_total counter\n"
                                "analytics_errors_total{kind=\"store\"} 0\n"
                                "analytics_errors_total{kind=\"log\"} 1\n"
                                "analytics_errors_total{kind=\"redis\"} 2\n"
                                "analytics_errors_total{kind=\"internal\"} 0\n"));
}

/* 9 observations, one of them on a bound, one beyond all of them; the sum is 51.1115. */
static void accumulates_database_latencies(void **state)
{
    static const double seconds[] = {0.0005, 0.001, 0.003, 0.007, 0.1, 1.0, 4.0, 15.0, 31.0};

    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
        metrics_db(*state, "commit", seconds[i]);
    assert_true(exposes(*state,
                        "# TYPE analytics_db_latency_seconds histogram\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.001\"} 2\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.005\"} 3\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.01\"} 4\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.05\"} 4\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.1\"} 5\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.25\"} 5\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"0.5\"} 5\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"1\"} 6\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"2\"} 6\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"5\"} 7\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"10\"} 7\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"30\"} 8\n"
                        "analytics_db_latency_seconds_bucket{op=\"commit\",le=\"+Inf\"} 9\n"
                        "analytics_db_latency_seconds_sum{op=\"commit\"} 51.111500000\n"
                        "analytics_db_latency_seconds_count{op=\"commit\"} 9\n"));
}

static void counts_impossible_durations_as_0(void **state)
{
    metrics_aggregate(*state, -1);
    metrics_aggregate(*state, (double)NAN);
    metrics_aggregate(*state, (double)INFINITY);
    assert_true(exposes(*state, "analytics_aggregate_duration_seconds_bucket{le=\"0.01\"} 3\n"));
    assert_true(exposes(*state, "analytics_aggregate_duration_seconds_sum 0.000000000\n"
                                "analytics_aggregate_duration_seconds_count 3\n"));
}

static void bounds_the_operations_that_have_series_of_their_own(void **state)
{
    char ops[40][8];

    for (int i = 0; i < 40; i++) {
        (void)snprintf(ops[i], sizeof(ops[i]), "op%d", i);
        metrics_db(*state, ops[i], 0.001);
    }
    assert_int_equal(count_lines(*state, "analytics_db_latency_seconds_count{"), 32);
    assert_true(exposes(*state, "analytics_db_latency_seconds_count{op=\"op30\"} 1\n"));
    assert_true(exposes(*state, "analytics_db_latency_seconds_count{op=\"other\"} 9\n"));
}

static void counts_requests_by_route_and_status_code(void **state)
{
    metrics_http(*state, 0, 202, 0.0004);
    metrics_http(*state, 0, 202, 0.002);
    metrics_http(*state, 0, 413, 0.0001);
    metrics_http(*state, 0, 418, 0.0001);
    metrics_http(*state, 2, 404, 0.0001);
    metrics_http(*state, 99, 404, 0.0001); /* no such route: unknown */
    assert_true(exposes(*state, "# TYPE analytics_http_requests_total counter\n"
                                "analytics_http_requests_total{route=\"/track\",code=\"other\"} 1\n"
                                "analytics_http_requests_total{route=\"/track\",code=\"202\"} 2\n"
                                "analytics_http_requests_total{route=\"/track\",code=\"413\"} 1\n"
                                "analytics_http_requests_total{route=\"unknown\",code=\"404\"} 2\n"
                                "# HELP"));
    assert_true(exposes(
        *state,
        "analytics_http_request_duration_seconds_bucket{route=\"/track\",le=\"0.0005\"} 3\n"));
    assert_true(exposes(
        *state,
        "analytics_http_request_duration_seconds_bucket{route=\"/track\",le=\"0.0025\"} 4\n"));
    assert_true(exposes(
        *state, "analytics_http_request_duration_seconds_sum{route=\"/track\"} 0.002600000\n"));
    assert_false(exposes(*state, "duration_seconds_count{route=\"/stats\"}"));
}

static void leaves_gauges_out_until_they_are_set(void **state)
{
    assert_int_equal(count_lines(*state, "analytics_queue_pending "), 0);
    metrics_set(*state, METRICS_QUEUE_PENDING, 0);
    metrics_set(*state, METRICS_LOG_PENDING, 12);
    metrics_set(*state, METRICS_LEDGER_IMBALANCE, -3);
    metrics_set(*state, METRICS_LAST_SUCCESS, 1764000000123);
    metrics_set(*state, METRICS_DAILY_STATS_TOTAL, 77);
    assert_true(
        exposes(*state, "# TYPE analytics_queue_pending gauge\nanalytics_queue_pending 0\n"));
    assert_true(exposes(*state, "# TYPE analytics_log_pending gauge\nanalytics_log_pending 12\n"));
    assert_true(exposes(
        *state, "# TYPE analytics_ledger_imbalance gauge\nanalytics_ledger_imbalance -3\n"));
    assert_true(exposes(*state,
                        "# TYPE analytics_aggregate_last_success_timestamp_seconds gauge\n"
                        "analytics_aggregate_last_success_timestamp_seconds 1764000000.123\n"));
    assert_true(exposes(
        *state, "# TYPE analytics_daily_stats_total counter\nanalytics_daily_stats_total 77\n"));
    metrics_set(*state, METRICS_QUEUE_PENDING, 5);
    assert_true(exposes(*state, "\nanalytics_queue_pending 5\n"));
    assert_true(exposes(
        *state, "# TYPE analytics_build_info gauge\nanalytics_build_info{version=\"1.2.3\"} 1\n"));
}

static void leaves_a_gauge_out_again_once_it_is_unset(void **state)
{
    metrics_set(*state, METRICS_QUEUE_PENDING, 5);
    metrics_set(*state, METRICS_LOG_PENDING, 6);
    metrics_unset(*state, METRICS_QUEUE_PENDING);
    assert_int_equal(count_lines(*state, "analytics_queue_pending "), 0);
    assert_true(exposes(*state, "\nanalytics_log_pending 6\n"));
    metrics_set(*state, METRICS_QUEUE_PENDING, 0);
    assert_true(exposes(*state, "\nanalytics_queue_pending 0\n"));
}

static void a_gauge_is_read_as_it_was_set(void **state)
{
    int64_t value;

    assert_false(metrics_gauge_read(*state, METRICS_LOG_PENDING, &value));
    metrics_set(*state, METRICS_LOG_PENDING, 0);
    assert_true(metrics_gauge_read(*state, METRICS_LOG_PENDING, &value));
    assert_int_equal(value, 0);
    metrics_set(*state, METRICS_LOG_PENDING, -7);
    assert_true(metrics_gauge_read(*state, METRICS_LOG_PENDING, &value));
    assert_int_equal(value, -7);
    metrics_unset(*state, METRICS_LOG_PENDING);
    assert_false(metrics_gauge_read(*state, METRICS_LOG_PENDING, &value));
}

static void how_long_the_last_run_took_is_known_after_it(void **state)
{
    int64_t us;

    assert_false(metrics_gauge_read(*state, METRICS_LAST_RUN, &us));
    metrics_aggregate(*state, 2.5);
    metrics_aggregate(*state, 0.25);
    assert_true(metrics_gauge_read(*state, METRICS_LAST_RUN, &us));
    assert_int_equal(us, 250000);
    metrics_aggregate(*state, (double)NAN);
    assert_true(metrics_gauge_read(*state, METRICS_LAST_RUN, &us));
    assert_int_equal(us, 0);
}

static void counts_what_the_cache_answers(void **state)
{
    static const unsigned times[METRICS_CACHE_RESULTS] = {[METRICS_CACHE_HIT] = 4,
                                                          [METRICS_CACHE_MISS] = 3,
                                                          [METRICS_CACHE_STALE] = 2,
                                                          [METRICS_CACHE_ERROR] = 0};

    for (unsigned result = 0; result < METRICS_CACHE_RESULTS; result++)
        for (unsigned n = 0; n < times[result]; n++)
            metrics_cache(*state, (enum metrics_cache)result);
    assert_true(exposes(*state, "# TYPE analytics_cache_requests_total counter\n"
                                "analytics_cache_requests_total{result=\"hit\"} 4\n"
                                "analytics_cache_requests_total{result=\"miss\"} 3\n"
                                "analytics_cache_requests_total{result=\"stale\"} 2\n"
                                "analytics_cache_requests_total{result=\"error\"} 0\n"
                                "# HELP"));
}

/* The number of a process_* metric. */
static double number_of(struct metrics *metrics, const char *name)
{
    char *all = render(metrics), start[64];

    (void)snprintf(start, sizeof(start), "\n%s ", name);
    const char *at = strstr(all, start);
    double number = at == NULL ? -1 : strtod(at + strlen(start), NULL);

    free(all);
    return number;
}

static void tells_what_the_process_uses(void **state)
{
    double files = number_of(*state, "process_open_fds");
    double started = number_of(*state, "process_start_time_seconds"), now = (double)time(NULL);
    int fds[2];

    assert_true(number_of(*state, "process_resident_memory_bytes") > 100e3);
    assert_true(number_of(*state, "process_resident_memory_bytes") < 4e9);
    assert_true(files >= 3);
    assert_int_equal(pipe(fds), 0);
    assert_true(number_of(*state, "process_open_fds") == files + 2);
    (void)close(fds[0]);
    (void)close(fds[1]);
    assert_true(started > now - 600 && started < now + 2);

    double before = number_of(*state, "process_cpu_seconds_total");
    clock_t until = clock() + CLOCKS_PER_SEC / 10;

    while (clock() < until)
        continue;
    double used = number_of(*state, "process_cpu_seconds_total") - before;

    assert_true(used > 0.05 && used < 5);
}

static void names_every_family_once_with_help_and_type(void **state)
{
    char *all = render(*state), *save = NULL;
    size_t families = 0;

    for (char *line = strtok_r(all, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char name[128], prefix[160];

        if (sscanf(line, "# HELP %127s", name) != 1)
            continue;
        families++;
        (void)snprintf(prefix, sizeof(prefix), "# HELP %s ", name);
        assert_int_equal(count_lines(*state, prefix), 1);
        (void)snprintf(prefix, sizeof(prefix), "# TYPE %s ", name);
        assert_int_equal(count_lines(*state, prefix), 1);
    }
    free(all);
    assert_true(families >= 19 + 4);
}

/* -- threads -- */

enum { THREADS = 4, ROUNDS = 5000 };

static void *count_things(void *ctx)
{
    char site[16];

    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(site, sizeof(site), "s%d", i % 50);
        metrics_event(metrics_site(ctx, STR("t"), str_from(site)), 0);
        metrics_http(ctx, 0, 202, 0.001);
        metrics_db(ctx, i % 2 == 0 ? "even" : "odd", 0.001);
        metrics_dropped(ctx, 1, 1);
    }
    return NULL;
}

static void loses_nothing_when_threads_count_at_once(void **state)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_things, *state), 0);
    char *meanwhile = render(*state);

    free(meanwhile);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(exposes(*state, "{tenant=\"t\",site=\"s49\",event=\"pageview\"} 400\n"));
    assert_true(exposes(*state, "analytics_site_series 50\n"));
    assert_true(
        exposes(*state, "analytics_http_requests_total{route=\"/track\",code=\"202\"} 20000\n"));
    assert_true(exposes(*state, "analytics_db_latency_seconds_count{op=\"odd\"} 10000\n"));
    assert_true(exposes(*state, "analytics_events_dropped_total{reason=\"bot\"} 20000\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_metrics, free_metrics)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exposes_all_events_of_a_site_as_0_first),
        TEST(counts_events_conversions_and_tokens_per_site),
        TEST(escapes_label_values),
        TEST(bounds_the_sites_that_have_series_of_their_own),
        TEST(gives_no_site_the_name_of_the_shared_series),
        TEST(counts_dropped_rejected_and_errors_by_reason),
        TEST(accumulates_database_latencies),
        TEST(counts_impossible_durations_as_0),
        TEST(bounds_the_operations_that_have_series_of_their_own),
        TEST(counts_requests_by_route_and_status_code),
        TEST(leaves_gauges_out_until_they_are_set),
        TEST(leaves_a_gauge_out_again_once_it_is_unset),
        TEST(a_gauge_is_read_as_it_was_set),
        TEST(how_long_the_last_run_took_is_known_after_it),
        TEST(counts_what_the_cache_answers),
        TEST(tells_what_the_process_uses),
        TEST(names_every_family_once_with_help_and_type),
        TEST(loses_nothing_when_threads_count_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
