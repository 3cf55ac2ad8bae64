/* test_relay.c -- what is sent, and what is sent again, on a real Redis: one of its own, where
 * ABACUS_TEST_REDIS says that redis-server is there to be run. */
#include "test_relay_support.h"

#include "relay/relay_internal.h"

static int start_server(void **state)
{
    struct server *server = calloc(1, sizeof(*server));

    *state = NULL;
    if (server == NULL || getenv("ABACUS_TEST_REDIS") == NULL) {
        free(server);
        return 0;
    }
    server_start(server);
    *state = server;
    return 0;
}

static int stop_server(void **state)
{
    if (*state != NULL)
        server_stop(*state);
    free(*state);
    return 0;
}

/* The group's state is the server, the test's a bench on it. */
static int start(void **state)
{
    if (*state == NULL)
        return 0;
    struct bench *b = bench_new(((struct server *)*state)->url);

    wait_until_it_answers(b);
    (void)CALL(b, STR("FLUSHALL"));
    *state = b;
    return 0;
}

static int stop(void **state)
{
    if (*state != NULL)
        bench_free(*state);
    return 0;
}

static struct bench *bench(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

/* -- sending -- */

static void sends_each_record_once_in_order_with_its_number(void **state)
{
    struct bench *b = bench(state);

    append(b, 3, 5);
    append(b, 7, 2);
    append(b, 3, 4);
    append(b, 15, 1);
    assert_int_equal(run(b), 12);
    assert_stream(b, 3, &b->producer, 1, 9);
    assert_stream(b, 7, &b->producer, 1, 2);
    assert_stream(b, 15, &b->producer, 1, 1);
    assert_int_equal(hash_number(b, "sent", 3, &b->producer), 9);
    assert_int_equal(hash_number(b, "sent", 7, &b->producer), 2);
    assert_int_equal(hash_number(b, "sent", 0, &b->producer), 0);
    assert_int_equal(b->progress.in_flight, 12);
    assert_int_equal(b->progress.committed, 0);
    assert_int_equal(run_for(b, 500), 0);
    assert_stream(b, 3, &b->producer, 1, 9);
}

static void sends_what_is_appended_later(void **state)
{
    struct bench *b = bench(state);

    assert_int_equal(run(b), 0);
    append(b, 0, 3);
    assert_int_equal(run(b), 3);
    append(b, 0, 2);
    assert_int_equal(run(b), 2);
    assert_stream(b, 0, &b->producer, 1, 5);
}

static void a_pipeline_has_2000_records_at_most(void **state)
{
    struct bench *b = bench(state);

    append(b, 1, 2001);
    assert_int_equal(step(b), 0);
    assert_int_equal(b->progress.sent, 2000);
    assert_false(b->progress.up_to_date);
    assert_int_equal(hash_number(b, "sent", 1, &b->producer), 2000);
    assert_int_equal(step(b), 0);
    assert_int_equal(b->progress.sent, 1);
    assert_true(b->progress.up_to_date);
    assert_stream(b, 1, &b->producer, 1, 2001);
}

static void a_pipeline_ends_at_a_mebibyte(void **state)
{
    struct bench *b = bench(state);

    for (uint64_t n = 1; n <= 5; n++)
        append_one(b->log, 2, n, LOG_PAYLOAD_MAX);
    assert_int_equal(step(b), 0);
    assert_int_equal(b->progress.sent, 4); /* of 256 KiB each */
    assert_int_equal(step(b), 0);
    assert_int_equal(b->progress.sent, 1);
    assert_int_equal(stream_length(b, 2), 5);
}

static void sends_earlier_producers_first(void **state)
{
    struct bench *b = bench(state);
    struct producer first = b->producer;
    size_t count;

    append(b, 4, 3);
    log_close(&b->log);
    start_log(b);
    append(b, 4, 2);
    assert_int_equal(run(b), 5);

    struct seen *all = entries(b, 4, &count);

    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_memory_equal(&all[i].producer, i < 3 ? &first : &b->producer, sizeof(first));
        assert_int_equal(all[i].number, i < 3 ? i + 1 : i - 2);
    }
    free(all);
}

static void a_producer_that_begins_meanwhile_is_sent(void **state)
{
    struct bench *b = bench(state);
    struct producer first = b->producer;

    append(b, 4, 3);
    assert_int_equal(run(b), 3);
    log_close(&b->log);
    start_log(b);
    append(b, 4, 2);
    assert_int_equal(run(b), 2);
    assert_int_equal(hash_number(b, "sent", 4, &first), 3);
    assert_int_equal(hash_number(b, "sent", 4, &b->producer), 2);
}

/* -- beginning again -- */

/* An entry of another node. */
static void add_stranger(struct bench *b, unsigned p)
{
    struct key_name key = key_of("events", p);

    (void)CALL(b, STR("XADD"), str_from(key.text), STR("*"), STR("e"),
               STR("0123456789abcdef\0\0\0\0\0\0\0\1x"));
}

static void goes_on_behind_what_was_sent(void **state)
{
    struct bench *b = bench(state);

    append(b, 0, 10);
    append(b, 9, 10);
    assert_int_equal(run(b), 20);
    restart_relay(b);
    append(b, 9, 1);
    assert_int_equal(run(b), 1);
    assert_stream(b, 0, &b->producer, 1, 10);
    assert_stream(b, 9, &b->producer, 1, 11);
}

static void begins_behind_what_is_committed_where_redis_knows_nothing(void **state)
{
    struct bench *b = bench(state);

    append(b, 0, 10);
    commit(b, b->store, &b->producer, 0, 0, 7);
    assert_int_equal(run(b), 3);
    assert_stream(b, 0, &b->producer, 8, 10);
    assert_int_equal(b->progress.committed, 7);
    assert_int_equal(b->progress.in_flight, 3);
}

static void does_not_believe_numbers_that_the_log_never_gave(void **state)
{
    struct bench *b = bench(state);

    /* Others' entries are there, so that none of the streams is found empty. */
    for (unsigned p = 0; p < 3; p++)
        add_stranger(b, p);
    append(b, 0, 10);
    append(b, 1, 10);
    append(b, 2, 10);
    set_hash(b, "sent", 0, &b->producer, "11");
    set_hash(b, "sent", 1, &b->producer, "999999999999999999999999");
    set_hash(b, "sent", 2, &b->producer, "many");
    assert_int_equal(run(b), 30);
    for (unsigned p = 0; p < 3; p++) {
        assert_int_equal(stream_length(b, p), 11);
        assert_int_equal(counted(b, p, &b->producer, 0), 10);
    }
}

static void a_number_sent_that_is_lower_than_what_is_committed_does_not_count(void **state)
{
    struct bench *b = bench(state);

    append(b, 0, 10);
    set_hash(b, "sent", 0, &b->producer, "4");
    commit(b, b->store, &b->producer, 0, 0, 8);
    assert_int_equal(run(b), 2);
    assert_stream(b, 0, &b->producer, 9, 10);
}

/* -- sending again -- */

static void sends_again_from_a_number_wanted(void **state)
{
    struct bench *b = bench(state);
    const struct producer stranger = {{1, 2, 3}};

    append(b, 5, 20);
    append(b, 6, 20);
    assert_int_equal(run(b), 40);
    commit(b, b->store, &b->producer, 5, 0, 11);
    set_hash(b, "wanted", 5, &b->producer, "12");
    set_hash(b, "wanted", 5, &stranger, "3");
    assert_int_equal(run_for(b, 600), 9);
    assert_int_equal(stream_length(b, 5), 29);
    assert_int_equal(stream_length(b, 6), 20);
    assert_int_equal(hash_number(b, "wanted", 5, &b->producer), 0);
    assert_int_equal(hash_number(b, "wanted", 5, &stranger), 3);
    assert_int_equal(hash_number(b, "sent", 5, &b->producer), 20);
}

static void what_is_committed_is_not_wanted(void **state)
{
    struct bench *b = bench(state);

    append(b, 5, 20);
    assert_int_equal(run(b), 20);
    commit(b, b->store, &b->producer, 5, 0, 12);
    set_hash(b, "wanted", 5, &b->producer, "12");
    assert_int_equal(run_for(b, 500), 0);
    assert_int_equal(stream_length(b, 5), 20);
}

static void a_number_wanted_and_not_sent_yet_makes_nothing_twice(void **state)
{
    struct bench *b = bench(state);

    append(b, 5, 4);
    assert_int_equal(run(b), 4);
    set_hash(b, "wanted", 5, &b->producer, "5");
    assert_int_equal(run_for(b, 300), 0);
    append(b, 5, 2);
    assert_int_equal(run_for(b, 500), 2);
    assert_stream(b, 5, &b->producer, 1, 6);
    assert_int_equal(hash_number(b, "wanted", 5, &b->producer), 0);
}

static void a_number_wanted_again_at_once_was_answered_already(void **state)
{
    struct bench *b = bench(state);

    append(b, 5, 6);
    assert_int_equal(run(b), 6);
    set_hash(b, "wanted", 5, &b->producer, "3");
    assert_int_equal(run_for(b, 400), 4);
    set_hash(b, "wanted", 5, &b->producer, "3");
    assert_int_equal(run_for(b, 300), 0);
    /* But not for ever. */
    assert_int_equal(run_for(b, 1200), 4);
}

static void sends_again_what_is_neither_in_its_stream_nor_committed(void **state)
{
    struct bench *b = bench(state);

    append(b, 8, 10);
    assert_int_equal(run(b), 10);
    commit(b, b->store, &b->producer, 8, 0, 6);
    delete_key(b, "events", 8);
    assert_int_equal(run_for(b, 600), 4);
    assert_stream(b, 8, &b->producer, 7, 10);
}

static void an_empty_stream_is_no_loss_once_all_is_committed(void **state)
{
    struct bench *b = bench(state);

    append(b, 8, 10);
    assert_int_equal(run(b), 10);
    commit(b, b->store, &b->producer, 8, 0, 10);
    delete_key(b, "events", 8);
    assert_int_equal(run_for(b, 600), 0);
    assert_int_equal(b->progress.in_flight, 0);
    assert_int_equal(b->progress.committed, 10);
    assert_int_equal(stream_length(b, 8), 0);
}

/* Other nodes fill the streams again at once, so that none is found empty. */
static void sends_again_what_redis_forgot_though_others_go_on(void **state)
{
    struct bench *b = bench(state);

    append(b, 8, 10);
    assert_int_equal(run(b), 10);
    (void)CALL(b, STR("FLUSHDB"));
    add_stranger(b, 8);
    assert_int_equal(run_for(b, 600), 10);
    assert_int_equal(stream_length(b, 8), 11);
    assert_int_equal(hash_number(b, "sent", 8, &b->producer), 10);
}

static void sends_again_what_a_store_that_went_back_does_not_hold(void **state)
{
    struct bench *b = bench(state);
    struct store *older = new_store(b);

    append(b, 8, 10);
    append(b, 9, 10);
    assert_int_equal(run(b), 20);
    commit(b, b->store, &b->producer, 8, 0, 10);
    commit(b, b->store, &b->producer, 9, 0, 10);
    commit(b, older, &b->producer, 8, 0, 4);
    delete_key(b, "events", 8);
    delete_key(b, "events", 9);
    assert_int_equal(run_for(b, 500), 0);
    store_close(&b->store);
    b->store = older;
    /* It is asked each 5 s while nothing is in flight. */
    assert_int_equal(run_for(b, 6000), 16);
    assert_stream(b, 8, &b->producer, 5, 10);
    assert_stream(b, 9, &b->producer, 1, 10);
}

/* -- the window -- */

static void append_many(struct bench *b, uint16_t partition, uint64_t count)
{
    enum { AT_ONCE = 2000 };
    struct log_entry *batch = calloc(AT_ONCE, sizeof(*batch));
    char *payloads = malloc((size_t)AT_ONCE * PAYLOAD);

    for (uint64_t done = 0; done < count;) {
        size_t n = 0;

        for (; n < AT_ONCE && done + n < count; n++) {
            char *payload = payloads + n * PAYLOAD;

            make_payload(payload, PAYLOAD, partition, ++b->appended[partition]);
            batch[n] = (struct log_entry){partition, {payload, PAYLOAD}};
        }
        for (int tries = 0; tries < 2000; tries++) {
            int rc = log_append(b->log, batch, n, NULL, &b->err);

            if (rc == 0)
                break;
            assert_int_equal(rc, ERR_FULL);
            pause_ms(2);
        }
        done += n;
    }
    free(batch);
    free(payloads);
}

static void run_until(struct bench *b, unsigned p, uint64_t length)
{
    for (int i = 0; i < 3000 && stream_length(b, p) < length; i++)
        (void)run_for(b, 10);
    assert_true(stream_length(b, p) >= length);
}

static void at_most_a_window_of_a_partition_is_in_flight(void **state)
{
    struct bench *b = bench(state);

    append_many(b, 2, RELAY_WINDOW + 7);
    append(b, 3, 5);
    run_until(b, 2, RELAY_WINDOW);
    run_until(b, 3, 5);
    (void)run_for(b, 300);
    assert_int_equal(stream_length(b, 2), RELAY_WINDOW);
    assert_int_equal(hash_number(b, "sent", 2, &b->producer), RELAY_WINDOW);
    assert_false(b->progress.up_to_date);
    /* The others are not held up. */
    assert_stream(b, 3, &b->producer, 1, 5);
    append(b, 3, 1);
    assert_int_equal(run_for(b, 100), 1);

    commit(b, b->store, &b->producer, 2, 0, 3);
    assert_int_equal(run_for(b, 600), 3);
    assert_int_equal(stream_length(b, 2), RELAY_WINDOW + 3);
    commit(b, b->store, &b->producer, 2, 3, RELAY_WINDOW);
    assert_int_equal(run_for(b, 600), 4);
    assert_true(b->progress.up_to_date);
    assert_int_equal(counted(b, 2, &b->producer, 0), RELAY_WINDOW + 7);
    append(b, 2, 1);
    assert_int_equal(run(b), 1);
    assert_int_equal(stream_length(b, 2), RELAY_WINDOW + 8);
}

static void partitions_that_waited_come_whole_and_in_order(void **state)
{
    struct bench *b = bench(state);

    for (int i = 0; i < 6; i++)
        for (uint16_t p = 0; p < 2; p++)
            append_many(b, p, 20000);
    run_until(b, 0, RELAY_WINDOW);
    run_until(b, 1, RELAY_WINDOW);
    (void)run_for(b, 300);
    assert_int_equal(stream_length(b, 0), RELAY_WINDOW);
    assert_int_equal(stream_length(b, 1), RELAY_WINDOW);
    commit(b, b->store, &b->producer, 1, 0, 60000);
    (void)run_for(b, 1000);
    commit(b, b->store, &b->producer, 0, 0, 90000);
    (void)run(b);
    for (unsigned p = 0; p < 2; p++)
        assert_stream(b, p, &b->producer, 1, 120000);
}

/* -- what is lost -- */

/* Fill two segments, and begin a third. */
static void fill_segments(struct bench *b, uint16_t partition)
{
    append(b, partition, 2 * PER_SEGMENT + 10);
}

static void remove_segment(struct bench *b, size_t n)
{
    struct sequence_list list = list_segments(&b->files);
    char path[320];

    assert_true(n < list.count);
    segment_path(&b->files, list.items[n], path);
    sequence_list_release(&list);
    assert_int_equal(unlink(path), 0);
}

static void tells_what_a_damaged_segment_held(void **state)
{
    struct bench *b = bench(state);
    size_t count;

    fill_segments(b, 1);
    int fd = open_segment(&b->files, 0);

    assert_int_equal(pwrite(fd, "damage", 6, 512 + 1000 * 128 + 40), 6);
    (void)close(fd);
    (void)run(b);
    struct seen *all = entries(b, 1, &count);

    assert_int_equal(count, 1000 + 1 + PER_SEGMENT + 10);
    assert_int_equal(all[999].number, 1000);
    assert_int_equal(all[1000].first, 1001);
    assert_int_equal(all[1000].number, PER_SEGMENT);
    assert_false(all[1000].restore);
    assert_int_equal(all[1001].number, PER_SEGMENT + 1);
    free(all);
    assert_int_equal(counted(b, 1, &b->producer, 0), 2 * PER_SEGMENT + 10);
    assert_int_equal(hash_number(b, "sent", 1, &b->producer), 2 * PER_SEGMENT + 10);
}

static void tells_what_a_store_lost_that_is_older_than_the_log_reaches(void **state)
{
    struct bench *b = bench(state);
    size_t count;

    fill_segments(b, 1);
    commit(b, b->store, &b->producer, 1, 0, 100);
    remove_segment(b, 0);
    (void)run(b);
    struct seen *all = entries(b, 1, &count);

    assert_int_equal(count, 1 + PER_SEGMENT + 10);
    assert_int_equal(all[0].first, 101);
    assert_int_equal(all[0].number, PER_SEGMENT);
    assert_true(all[0].restore);
    assert_int_equal(all[1].number, PER_SEGMENT + 1);
    free(all);
    assert_int_equal(counted(b, 1, &b->producer, 100), 2 * PER_SEGMENT + 10);
}

/* The producer ended, and its segments went when they were committed: only the relay, which runs
 * on, still knows of them. */
static void tells_what_was_lost_of_a_producer_that_is_gone(void **state)
{
    struct bench *b = bench(state);
    struct producer first = b->producer;
    struct store *older = new_store(b);
    size_t count;

    append(b, 1, 50);
    assert_int_equal(run(b), 50);
    commit(b, b->store, &first, 1, 0, 50);
    commit(b, older, &first, 1, 0, 20);
    delete_key(b, "events", 1);
    log_close(&b->log);
    start_log(b);
    remove_segment(b, 0);
    assert_int_equal(run_for(b, 300), 0);
    store_close(&b->store);
    b->store = older;
    b->relay->look_due_us = 0;
    assert_int_equal(run_for(b, 600), 1);
    struct seen *all = entries(b, 1, &count);

    assert_int_equal(count, 1);
    assert_memory_equal(&all[0].producer, &first, sizeof(first));
    assert_int_equal(all[0].first, 21);
    assert_int_equal(all[0].number, 50);
    assert_true(all[0].restore);
    free(all);
}

/* What the relay last heard was committed is older than the log's beginning: it asks again first.
 */
static void what_was_committed_and_released_meanwhile_is_not_lost(void **state)
{
    struct bench *b = bench(state);
    size_t count;

    append(b, 1, 100);
    assert_int_equal(run(b), 100);
    append(b, 1, 2 * PER_SEGMENT);
    commit(b, b->store, &b->producer, 1, 0, PER_SEGMENT);
    remove_segment(b, 0);
    /* It would ask now, anyway. */
    b->relay->look_due_us = INT64_MAX;
    (void)run(b);
    struct seen *all = entries(b, 1, &count);

    for (size_t i = 0; i < count; i++)
        assert_int_equal(all[i].first, 0);
    free(all);
    assert_int_equal(counted(b, 1, &b->producer, PER_SEGMENT), 2 * PER_SEGMENT + 100);
}

static void takes_producers_of_which_nothing_is_left_out_of_redis(void **state)
{
    struct bench *b = bench(state);
    struct producer first = b->producer;

    append(b, 1, 5);
    append(b, 2, 5);
    assert_int_equal(run(b), 10);
    log_close(&b->log);
    start_log(b);
    append(b, 1, 1);
    assert_int_equal(run(b), 1);
    set_hash(b, "wanted", 2, &first, "4");
    commit(b, b->store, &first, 1, 0, 5);
    commit(b, b->store, &first, 2, 0, 4);
    remove_segment(b, 0);
    /* Something of it is in flight. */
    b->relay->forget_due_us = 0;
    assert_int_equal(run_for(b, 300), 0);
    assert_int_equal(hash_number(b, "sent", 1, &first), 5);
    commit(b, b->store, &first, 2, 4, 5);
    b->relay->forget_due_us = 0;
    assert_int_equal(run_for(b, 300), 0);
    b->relay->forget_due_us = 0;
    assert_int_equal(run_for(b, 300), 0);
    assert_int_equal(hash_number(b, "sent", 1, &first), 0);
    assert_int_equal(hash_number(b, "sent", 2, &first), 0);
    assert_int_equal(hash_number(b, "wanted", 2, &first), 0);
    assert_int_equal(hash_number(b, "sent", 1, &b->producer), 1);
}

/* -- who may -- */

static void a_second_relay_of_the_same_log_is_refused(void **state)
{
    struct bench *b = bench(state);
    struct relay *second = NULL;

    assert_int_equal(try_relay(b, &second), ERR_CONFLICT);
    assert_null(second);
    relay_close(&b->relay);
    assert_int_equal(try_relay(b, &second), 0);
    relay_close(&second);
}

static void refuses_a_url_that_is_none(void **state)
{
    struct bench *b = bench(state);
    struct relay *relay = NULL;

    relay_close(&b->relay);
    buf_reset(&b->url);
    buf_add(&b->url, STR("http://127.0.0.1/"));
    assert_int_equal(try_relay(b, &relay), ERR_INVALID);
    assert_null(relay);
}

/* -- is it committed -- */

static void says_how_many_records_are_not_committed(void **state)
{
    struct bench *b = bench(state);
    const struct producer other = {{9}};
    struct arena arena = {0};
    struct position *ends = NULL;
    size_t count = 0;
    uint64_t left = 99;
    bool all = true;

    append(b, 0, 10);
    append(b, 15, 3);
    assert_int_equal(log_ends(str_from(b->files.dir), &arena, &ends, &count, &b->err), 0);
    assert_int_equal(relay_is_committed(b->store, ends, count, &all, &left, &b->err), 0);
    assert_false(all);
    assert_int_equal(left, 13);
    commit(b, b->store, &b->producer, 0, 0, 10);
    commit(b, b->store, &b->producer, 15, 0, 2);
    commit(b, b->store, &other, 15, 0, 70);
    assert_int_equal(relay_is_committed(b->store, ends, count, &all, &left, &b->err), 0);
    assert_false(all);
    assert_int_equal(left, 1);
    commit(b, b->store, &b->producer, 15, 2, 4);
    assert_int_equal(relay_is_committed(b->store, ends, count, &all, &left, &b->err), 0);
    assert_true(all);
    assert_int_equal(left, 0);
    arena_free(&arena);
}

static void a_log_without_records_is_committed(void **state)
{
    struct bench *b = bench(state);
    uint64_t left = 99;
    bool all = false;

    assert_int_equal(relay_is_committed(b->store, NULL, 0, &all, &left, &b->err), 0);
    assert_true(all);
    assert_int_equal(left, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(sends_each_record_once_in_order_with_its_number),
        T(sends_what_is_appended_later),
        T(a_pipeline_has_2000_records_at_most),
        T(a_pipeline_ends_at_a_mebibyte),
        T(sends_earlier_producers_first),
        T(a_producer_that_begins_meanwhile_is_sent),
        T(goes_on_behind_what_was_sent),
        T(begins_behind_what_is_committed_where_redis_knows_nothing),
        T(does_not_believe_numbers_that_the_log_never_gave),
        T(a_number_sent_that_is_lower_than_what_is_committed_does_not_count),
        T(sends_again_from_a_number_wanted),
        T(what_is_committed_is_not_wanted),
        T(a_number_wanted_and_not_sent_yet_makes_nothing_twice),
        T(a_number_wanted_again_at_once_was_answered_already),
        T(sends_again_what_is_neither_in_its_stream_nor_committed),
        T(an_empty_stream_is_no_loss_once_all_is_committed),
        T(sends_again_what_redis_forgot_though_others_go_on),
        T(sends_again_what_a_store_that_went_back_does_not_hold),
        T(at_most_a_window_of_a_partition_is_in_flight),
        T(partitions_that_waited_come_whole_and_in_order),
        T(tells_what_a_damaged_segment_held),
        T(tells_what_a_store_lost_that_is_older_than_the_log_reaches),
        T(tells_what_was_lost_of_a_producer_that_is_gone),
        T(what_was_committed_and_released_meanwhile_is_not_lost),
        T(takes_producers_of_which_nothing_is_left_out_of_redis),
        T(a_second_relay_of_the_same_log_is_refused),
        T(refuses_a_url_that_is_none),
        T(says_how_many_records_are_not_committed),
        T(a_log_without_records_is_committed),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
