/* test_queue.c -- the contract of queue.h, on every backend. */
#include "queue/queue.h"

#include "queue/queue_internal.h"
#include "test_log_support.h"

/* A queue and the way to fill it. */
struct bench {
    struct fixture *fixture;
    const struct backend *backend;
    struct queue *queue;
    struct log *log; /* of the log backend */
    uint64_t next[PARTITIONS];
    struct producer producer;
    struct arena arena;
};

struct backend {
    void (*start)(struct bench *bench);
    void (*append)(struct bench *bench,
                   uint16_t partition); /* the next number of the current producer */
    void (*new_producer)(struct bench *bench);
    void (*open)(struct bench *bench);
    /* Numbers 1 to the result are lost in `partition`. */
    uint64_t (*lose_first)(struct bench *bench, uint16_t partition);
};

enum { PAYLOAD = 1000 };

/* -- memory -- */

static void memory_start(struct bench *b)
{
    b->queue = queue_memory_new();
    b->producer.id[0] = 1;
}

static void memory_append(struct bench *b, uint16_t partition)
{
    char payload[PAYLOAD];
    uint64_t number = ++b->next[partition];
    struct queue_record record = {{b->producer, partition, number}, {payload, PAYLOAD}};

    make_payload(payload, PAYLOAD, partition, number);
    queue_memory_append(b->queue, &record);
}

static void memory_new_producer(struct bench *b)
{
    b->producer.id[0]++;
    memset(b->next, 0, sizeof(b->next));
}

static void memory_open(struct bench *b)
{
    (void)b;
}

static uint64_t memory_lose_first(struct bench *b, uint16_t partition)
{
    return b->next[partition] = 3;
}

static const struct backend MEMORY = {memory_start, memory_append, memory_new_producer, memory_open,
                                      memory_lose_first};

/* -- log -- */

static void log_start(struct bench *b)
{
    struct log_config config = small_config(b->fixture);

    b->log = open_log(&config);
    b->producer = log_producer(b->log);
}

static void log_append_next(struct bench *b, uint16_t partition)
{
    append_one(b->log, partition, ++b->next[partition], PAYLOAD);
}

static void log_new_producer(struct bench *b)
{
    log_close(&b->log);
    log_start(b);
    memset(b->next, 0, sizeof(b->next));
}

static void log_open_queue(struct bench *b)
{
    char url[300];
    struct err err = {""};

    (void)snprintf(url, sizeof(url), "log:%s", b->fixture->dir);
    if (queue_open(str_from(url), NULL, 0, &b->queue, &err) != 0)
        fail_msg("queue_open: %s", err.text);
}

/* The first segment, full of one partition's records, is gone. */
static uint64_t log_lose_first(struct bench *b, uint16_t partition)
{
    enum { FIT = (SMALL - SEGMENT_OVERHEAD) / (PAYLOAD + HEAD) };
    char path[320];

    for (int i = 0; i < FIT; i++)
        log_append_next(b, partition);
    struct sequence_list list = list_segments(b->fixture);
    segment_path(b->fixture, list.items[0], path);
    sequence_list_release(&list);
    assert_int_equal(unlink(path), 0);
    return FIT;
}

static const struct backend LOG = {log_start, log_append_next, log_new_producer, log_open_queue,
                                   log_lose_first};

static const struct backend *const BACKENDS[] = {&MEMORY, &LOG};

/* -- helpers -- */

static void expect_read(struct bench *b, size_t max, const struct position *expected, size_t count)
{
    struct queue_record *records;
    struct err err = {""};
    size_t found;
    int rc = queue_read(b->queue, max, &b->arena, &records, &found, &err);

    if (rc != 0)
        fail_msg("queue_read: %d %s", rc, err.text);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) {
        const struct position *p = &records[i].position;

        assert_memory_equal(&p->producer, &expected[i].producer, sizeof(p->producer));
        assert_int_equal(p->partition, expected[i].partition);
        assert_int_equal(p->number, expected[i].number);
        assert_true(payload_is(records[i].payload, PAYLOAD, p->partition, p->number));
    }
}

static void expect_status(struct bench *b, uint64_t length)
{
    struct queue_status status;
    struct err err;

    assert_int_equal(queue_status(b->queue, &status, &err), 0);
    assert_int_equal(status.length, length);
    if (length == 0)
        assert_int_equal(status.oldest_ms, 0);
    else
        assert_true(status.oldest_ms > INT64_C(1600000000000));
}

static void commit(struct bench *b, const struct position *positions, size_t count)
{
    struct err err;

    assert_int_equal(queue_committed(b->queue, positions, count, &err), 0);
}

static void go_back(struct bench *b, const struct position *positions, size_t count)
{
    struct err err;

    assert_int_equal(queue_rewind(b->queue, positions, count, &err), 0);
}

/* -- the contract -- */

static void check_order(struct bench *b)
{
    const struct producer a = b->producer;

    b->backend->open(b);
    expect_read(b, 10, NULL, 0);
    expect_status(b, 0);
    b->backend->append(b, 2);
    b->backend->append(b, 9);
    b->backend->append(b, 2);
    expect_status(b, 3);
    const struct position first[] = {{a, 2, 1}, {a, 9, 1}};
    expect_read(b, 2, first, 2);
    const struct position second[] = {{a, 2, 2}};
    expect_read(b, 2, second, 1);
    expect_read(b, 2, NULL, 0);
    b->backend->append(b, 9);
    b->backend->new_producer(b);
    b->backend->append(b, 9);
    const struct position third[] = {{a, 9, 2}, {b->producer, 9, 1}};
    expect_read(b, 10, third, 2);
    expect_status(b, 5);
}

static void check_committed(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position part[] = {{a, 0, 2}};
    const struct position all[] = {{a, 0, 3}, {a, 1, 1}};
    const struct position left[] = {{a, 1, 1}, {a, 0, 3}};

    b->backend->open(b);
    b->backend->append(b, 0);
    b->backend->append(b, 1);
    b->backend->append(b, 0);
    b->backend->append(b, 0);
    /* Committed by someone else before they were read here: not given. */
    commit(b, part, 1);
    expect_status(b, 2);
    expect_read(b, 10, left, 2);
    commit(b, all, 2);
    expect_status(b, 0);
    expect_read(b, 10, NULL, 0);
    go_back(b, all, 2);
    expect_read(b, 10, NULL, 0);
    b->backend->append(b, 1);
    const struct position more[] = {{a, 1, 2}};
    expect_read(b, 10, more, 1);
}

static void check_rewind(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position all[] = {{a, 0, 1}, {a, 1, 1}, {a, 0, 2}, {a, 1, 2}};
    const struct position done[] = {{a, 0, 1}, {a, 1, 1}};

    b->backend->open(b);
    for (size_t i = 0; i < 4; i++)
        b->backend->append(b, all[i].partition);
    expect_read(b, 3, all, 3);
    go_back(b, NULL, 0);
    expect_read(b, 10, all, 4);
    go_back(b, done, 2);
    expect_read(b, 10, all + 2, 2);
    expect_status(b, 2);
}

static void expect_gap(struct bench *b, uint16_t partition, uint64_t expected, uint64_t found)
{
    struct queue_record *records;
    char text[80], hex[2 * PRODUCER_BYTES + 1];
    struct err err = {""};
    size_t count;

    assert_int_equal(queue_read(b->queue, 10, &b->arena, &records, &count, &err), ERR_CORRUPT);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < PRODUCER_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", b->producer.id[i]);
    assert_non_null(strstr(err.text, hex));
    (void)snprintf(text, sizeof(text), "partition %u", (unsigned)partition);
    assert_non_null(strstr(err.text, text));
    (void)snprintf(text, sizeof(text), "number %" PRIu64 ", found %" PRIu64, expected, found);
    assert_non_null(strstr(err.text, text));
}

static void check_gap(struct bench *b)
{
    const struct producer a = b->producer;
    uint64_t lost = b->backend->lose_first(b, 3);
    const struct position good[] = {{a, 7, 1}, {a, 7, 2}};
    const struct position behind[] = {{a, 3, lost}};
    const struct position held[] = {{a, 3, lost + 1}, {a, 3, lost + 2}, {a, 7, 2}};

    b->backend->append(b, 7);
    b->backend->append(b, 3);
    b->backend->append(b, 3);
    b->backend->append(b, 7);
    b->backend->open(b);
    /* What came before the gap, then the gap, once, then what else there is. */
    expect_read(b, 10, good, 1);
    expect_gap(b, 3, 1, lost + 1);
    expect_read(b, 10, good + 1, 1);
    expect_read(b, 10, NULL, 0);
    expect_status(b, 4);
    /* Behind the gap nothing is held back. */
    commit(b, good, 1);
    const struct position both[] = {good[0], behind[0]};
    go_back(b, both, 2);
    expect_read(b, 10, held, 3);
    go_back(b, good, 1);
    expect_gap(b, 3, 1, lost + 1);
}

static void run_on_all(void **state, void (*check)(struct bench *b))
{
    for (size_t i = 0; i < sizeof(BACKENDS) / sizeof(BACKENDS[0]); i++) {
        struct bench b = {.fixture = *state, .backend = BACKENDS[i]};

        b.backend->start(&b);
        check(&b);
        queue_close(&b.queue);
        assert_null(b.queue);
        log_close(&b.log);
        arena_free(&b.arena);
    }
}

static void gives_records_once_and_in_order(void **state)
{
    run_on_all(state, check_order);
}

static void forgets_what_is_committed(void **state)
{
    run_on_all(state, check_committed);
}

static void gives_again_after_a_rewind(void **state)
{
    run_on_all(state, check_rewind);
}

static void holds_back_what_follows_a_gap(void **state)
{
    run_on_all(state, check_gap);
}

/* -- beyond the contract -- */

static void memory_gives_what_was_held_back_once_the_gap_is_filled(void **state)
{
    struct bench b = {.fixture = *state, .backend = &MEMORY};
    const struct position expected[] = {{{{1}}, 0, 1}, {{{1}}, 0, 2}, {{{1}}, 0, 3}};

    memory_start(&b);
    b.next[0] = 2;
    memory_append(&b, 0);
    b.next[0] = 0;
    expect_gap(&b, 0, 1, 3);
    expect_read(&b, 10, NULL, 0);
    memory_append(&b, 0);
    memory_append(&b, 0);
    expect_read(&b, 10, expected, 2);
    expect_read(&b, 10, expected + 2, 1);
    queue_close(&b.queue);
    arena_free(&b.arena);
}

static void refuses_a_url_of_no_backend(void **state)
{
    struct queue *queue;
    struct err err;

    (void)state;
    assert_int_equal(queue_open(STR("kafka:x"), NULL, 0, &queue, &err), ERR_INVALID);
    assert_int_equal(queue_open(STR("log"), NULL, 0, &queue, &err), ERR_INVALID);
    assert_int_equal(queue_open(STR(""), NULL, 0, &queue, &err), ERR_INVALID);
    assert_null(queue);
}

static void opens_behind_the_committed_positions(void **state)
{
    struct bench b = {.fixture = *state, .backend = &LOG};
    struct err err;
    char url[300];

    log_start(&b);
    for (int i = 0; i < 5; i++)
        log_append_next(&b, 1);
    const struct position done = {b.producer, 1, 3};
    const struct position expected[] = {{b.producer, 1, 4}, {b.producer, 1, 5}};
    (void)snprintf(url, sizeof(url), "log:%s", b.fixture->dir);
    assert_int_equal(queue_open(str_from(url), &done, 1, &b.queue, &err), 0);
    expect_status(&b, 2);
    expect_read(&b, 10, expected, 2);
    queue_close(&b.queue);
    log_close(&b.log);
    arena_free(&b.arena);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(gives_records_once_and_in_order),
        T(forgets_what_is_committed),
        T(gives_again_after_a_rewind),
        T(holds_back_what_follows_a_gap),
        T(memory_gives_what_was_held_back_once_the_gap_is_filled),
        T(refuses_a_url_of_no_backend),
        T(opens_behind_the_committed_positions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
