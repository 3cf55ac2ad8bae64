/* test_queue.c -- the contract of queue.h, on every backend. */
#include "queue/queue.h"

#include "queue/order.h"
#include "test_log_support.h"
#undef UNUSED
#include "test_queue_support.h"

/* A queue and the way to fill it. */
struct bench {
    struct fixture *fixture;
    const struct backend *backend;
    struct queue *queue;
    struct log *log;     /* of the log backend */
    struct redis *redis; /* of the Redis backend */
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

static const struct producer FIRST = {{1, 0, '\r', '\n'}};

static void other_producer(struct bench *b)
{
    b->producer.id[0]++;
    memset(b->next, 0, sizeof(b->next));
}

static uint64_t skip_three(struct bench *b, uint16_t partition)
{
    return b->next[partition] = 3;
}

static void open_queue(struct bench *b, const char *url)
{
    struct err err = {""};

    if (queue_open(str_from(url), &b->queue, &err) != 0)
        fail_msg("queue_open: %s", err.text);
}

/* -- memory -- */

static void memory_start(struct bench *b)
{
    b->queue = queue_memory_new();
    b->producer = FIRST;
}

static void memory_append(struct bench *b, uint16_t partition)
{
    char payload[PAYLOAD];
    uint64_t number = ++b->next[partition];
    struct queue_record record = {{b->producer, partition, number}, {payload, PAYLOAD}};

    make_payload(payload, PAYLOAD, partition, number);
    queue_memory_append(b->queue, &record);
}

static void memory_open(struct bench *b)
{
    (void)b;
}

static const struct backend MEMORY = {memory_start, memory_append, other_producer, memory_open,
                                      skip_three};

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

    (void)snprintf(url, sizeof(url), "log:%s", b->fixture->dir);
    open_queue(b, url);
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

/* -- Redis -- */

static void redis_start(struct bench *b)
{
    char url[256];

    queue_url(url);
    b->redis = open_empty(url);
    b->producer = FIRST;
}

static void redis_append(struct bench *b, uint16_t partition)
{
    char payload[PAYLOAD];
    struct position position = {b->producer, partition, ++b->next[partition]};

    make_payload(payload, PAYLOAD, partition, position.number);
    add_record(b->redis, &position, "", (struct str){payload, PAYLOAD});
}

static void redis_open_queue(struct bench *b)
{
    char url[256];

    queue_url(url);
    open_queue(b, url);
}

static const struct backend REDIS = {redis_start, redis_append, other_producer, redis_open_queue,
                                     skip_three};

/* -- helpers -- */

static void begin_with(struct bench *b, uint32_t partitions, const struct position *committed,
                       size_t count)
{
    struct err err = {""};
    int rc = queue_begin(b->queue, partitions, committed, count, &err);

    if (rc != 0)
        fail_msg("queue_begin: %d %s", rc, err.text);
}

static void begin(struct bench *b, const struct position *committed, size_t count)
{
    begin_with(b, PARTITIONS_ALL, committed, count);
}

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
    uint64_t waiting[PARTITIONS], sum = 0;
    struct queue_status status;
    struct err err;

    assert_int_equal(queue_status(b->queue, &status, &err), 0);
    assert_int_equal(status.length, length);
    if (length == 0)
        assert_int_equal(status.oldest_ms, 0);
    else
        assert_true(status.oldest_ms > INT64_C(1600000000000));
    if (queue_is_whole(b->queue))
        return;
    assert_int_equal(queue_waiting(b->queue, waiting, &err), 0);
    for (unsigned p = 0; p < PARTITIONS; p++)
        sum += waiting[p];
    assert_int_equal(sum, length);
}

static void commit(struct bench *b, const struct position *positions, size_t count)
{
    struct err err = {""};
    int rc = queue_committed(b->queue, positions, count, &err);

    if (rc != 0)
        fail_msg("queue_committed: %d %s", rc, err.text);
}

/* -- the contract -- */

static void check_order(struct bench *b)
{
    const struct producer a = b->producer;

    b->backend->open(b);
    begin(b, NULL, 0);
    expect_read(b, 10, NULL, 0);
    expect_status(b, 0);
    b->backend->append(b, 2);
    b->backend->append(b, 2);
    b->backend->append(b, 9);
    expect_status(b, 3);
    begin(b, NULL, 0);
    const struct position first[] = {{a, 2, 1}, {a, 2, 2}};
    expect_read(b, 2, first, 2);
    const struct position second[] = {{a, 9, 1}};
    expect_read(b, 2, second, 1);
    expect_read(b, 2, NULL, 0);
    commit(b, (const struct position[]){first[1], second[0]}, 2);
    expect_status(b, 0);
    b->backend->append(b, 9);
    b->backend->new_producer(b);
    b->backend->append(b, 9);
    begin(b, (const struct position[]){first[1], second[0]}, 2);
    const struct position third[] = {{a, 9, 2}, {b->producer, 9, 1}};
    expect_read(b, 10, third, 2);
    expect_read(b, 10, NULL, 0);
    expect_status(b, 2);
}

static void check_committed(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position part[] = {{a, 0, 2}};
    const struct position all[] = {{a, 0, 3}, {a, 1, 1}};

    b->backend->open(b);
    for (int i = 0; i < 3; i++)
        b->backend->append(b, 0);
    b->backend->append(b, 1);
    begin(b, NULL, 0);
    /* Committed by someone else before they were read here: not given. */
    commit(b, part, 1);
    expect_read(b, 10, all, 2);
    commit(b, all, 2);
    expect_status(b, 0);
    assert_false(queue_has_leftovers(b->queue));
    expect_read(b, 10, NULL, 0);
    begin(b, all, 2);
    expect_read(b, 10, NULL, 0);
    b->backend->append(b, 1);
    begin(b, all, 2);
    const struct position more[] = {{a, 1, 2}};
    expect_read(b, 10, more, 1);
}

static void check_begin_again(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position all[] = {{a, 0, 1}, {a, 0, 2}, {a, 1, 1}, {a, 1, 2}};
    const struct position done[] = {{a, 0, 1}, {a, 1, 1}};
    const struct position left[] = {{a, 0, 2}, {a, 1, 2}};

    b->backend->open(b);
    for (size_t i = 0; i < 4; i++)
        b->backend->append(b, all[i].partition);
    begin(b, NULL, 0);
    expect_read(b, 3, all, 3);
    begin(b, NULL, 0);
    expect_read(b, 10, all, 4);
    begin(b, done, 2);
    expect_read(b, 10, left, 2);
    expect_read(b, 10, NULL, 0);
}

static void expect_gap(struct bench *b, uint16_t partition, uint64_t expected, uint64_t found)
{
    struct queue_record *records;
    const struct queue_loss *losses;
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
    assert_int_equal(queue_lost(b->queue, &losses), 1);
    assert_int_equal(losses[0].from.partition, partition);
    assert_int_equal(losses[0].from.number, expected - 1);
    assert_int_equal(losses[0].to, found - 1);
    assert_true(losses[0].restore);
}

/* In a log what is missing is told, once, and it is lost since its segments are gone. */
static void check_gap(struct bench *b)
{
    const struct producer a = b->producer;
    uint64_t lost = b->backend->lose_first(b, 3);
    const struct position behind[] = {{a, 3, lost}};
    const struct position held[] = {{a, 3, lost + 1}, {a, 3, lost + 2}};
    const struct position good[] = {{a, 7, 1}, {a, 7, 2}};

    b->backend->append(b, 3);
    b->backend->append(b, 3);
    b->backend->append(b, 7);
    b->backend->append(b, 7);
    b->backend->open(b);
    begin(b, NULL, 0);
    if (queue_is_whole(b->queue))
        expect_gap(b, 3, 1, lost + 1);
    expect_read(b, 10, good, 2);
    expect_read(b, 10, NULL, 0);
    expect_status(b, 4);
    /* Behind the gap nothing is held back. */
    begin(b, behind, 1);
    const struct position all[] = {held[0], held[1], good[0], good[1]};
    expect_read(b, 10, all, 4);
    begin(b, good + 1, 1);
    if (queue_is_whole(b->queue))
        expect_gap(b, 3, 1, lost + 1);
    expect_read(b, 10, NULL, 0);
}

/* -- of shared queues -- */

static void check_partitions(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position here[] = {{a, 0, 1}, {a, 15, 1}};
    const struct position there[] = {{a, 8, 1}};
    uint64_t waiting[PARTITIONS];
    struct err err;

    b->backend->open(b);
    b->backend->append(b, 0);
    b->backend->append(b, 8);
    b->backend->append(b, 15);
    assert_false(queue_is_whole(b->queue));
    begin_with(b, 1U << 0 | 1U << 15, NULL, 0);
    expect_read(b, 10, here, 2);
    commit(b, here, 2);
    assert_int_equal(queue_waiting(b->queue, waiting, &err), 0);
    for (unsigned p = 0; p < PARTITIONS; p++)
        assert_int_equal(waiting[p], p == 8);
    begin_with(b, 1U << 8, here, 2);
    expect_read(b, 10, there, 1);
}

static void check_end(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position first[] = {{a, 4, 1}}, second[] = {{a, 4, 2}};

    b->backend->open(b);
    b->backend->append(b, 4);
    begin(b, NULL, 0);
    b->backend->append(b, 4);
    expect_read(b, 10, first, 1);
    expect_read(b, 10, NULL, 0);
    commit(b, first, 1);
    /* It was not read, so it stays. */
    expect_status(b, 1);
    begin(b, first, 1);
    expect_read(b, 10, second, 1);
}

static void check_filled_gap(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position all[] = {{a, 5, 1}, {a, 5, 2}, {a, 5, 3}};

    b->backend->open(b);
    b->next[5] = 2;
    b->backend->append(b, 5);
    begin(b, NULL, 0);
    expect_read(b, 10, NULL, 0);
    assert_true(queue_has_leftovers(b->queue));
    /* Sent again, from the gap on. */
    b->next[5] = 0;
    for (int i = 0; i < 3; i++)
        b->backend->append(b, 5);
    begin(b, NULL, 0);
    assert_false(queue_has_leftovers(b->queue));
    expect_read(b, 2, all, 2);
    expect_read(b, 2, all + 2, 1);
    expect_read(b, 2, NULL, 0);
    commit(b, all + 2, 1);
    expect_status(b, 0);
}

static void check_leftovers(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position done[] = {{a, 1, 2}};

    b->backend->open(b);
    for (int i = 0; i < 2; i++)
        b->backend->append(b, 1); /* old */
    (void)b->backend->lose_first(b, 2);
    b->backend->append(b, 2); /* behind a gap */
    begin(b, done, 1);
    assert_false(queue_has_leftovers(b->queue));
    expect_read(b, 10, NULL, 0);
    assert_true(queue_has_leftovers(b->queue));
    expect_status(b, 3);
    commit(b, NULL, 0);
    assert_false(queue_has_leftovers(b->queue));
    expect_status(b, 0);
}

/* Who commits less than what was given does not lose the rest. */
static void check_half_committed(struct bench *b)
{
    const struct producer a = b->producer;
    const struct position all[] = {{a, 1, 1}, {a, 1, 2}, {a, 6, 1}};

    b->backend->open(b);
    for (size_t i = 0; i < 3; i++)
        b->backend->append(b, all[i].partition);
    begin(b, NULL, 0);
    expect_read(b, 10, all, 3);
    commit(b, (const struct position[]){all[0], all[2]}, 2);
    begin(b, all, 1);
    expect_read(b, 10, all + 1, 1);
    commit(b, all + 1, 1);
    expect_status(b, 0);
}

static void run_on(void **state, const struct backend *backend, void (*check)(struct bench *b))
{
    struct bench b = {.fixture = *state, .backend = backend};

    b.backend->start(&b);
    check(&b);
    queue_close(&b.queue);
    assert_null(b.queue);
    log_close(&b.log);
    redis_close(&b.redis);
    arena_free(&b.arena);
}

/* A test for each backend, so that one that is skipped is seen. */
#define ON_MEMORY(name, check)                                                                     \
    static void memory_##name(void **state)                                                        \
    {                                                                                              \
        run_on(state, &MEMORY, check);                                                             \
    }
#define ON_LOG(name, check)                                                                        \
    static void log_##name(void **state)                                                           \
    {                                                                                              \
        run_on(state, &LOG, check);                                                                \
    }
#define ON_REDIS(name, check)                                                                      \
    static void redis_##name(void **state)                                                         \
    {                                                                                              \
        run_on(state, &REDIS, check);                                                              \
    }
#define ON_SHARED(name, check) ON_MEMORY(name, check) ON_REDIS(name, check)
#define ON_ALL(name, check) ON_SHARED(name, check) ON_LOG(name, check)

ON_ALL(gives_records_once_and_in_order, check_order)
ON_ALL(forgets_what_is_committed, check_committed)
ON_ALL(gives_again_what_was_not_committed, check_begin_again)
ON_ALL(holds_back_what_follows_a_gap, check_gap)
ON_SHARED(reads_its_partitions_alone, check_partitions)
ON_SHARED(ends_where_it_ended_when_reading_began, check_end)
ON_SHARED(gives_what_was_held_back_once_the_gap_is_filled, check_filled_gap)
ON_SHARED(takes_out_what_is_of_no_more_use, check_leftovers)
ON_SHARED(keeps_what_was_given_and_not_committed, check_half_committed)

/* -- beyond the contract -- */

static void refuses_a_url_of_no_backend_and_tells_its_scheme_alone(void **state)
{
    static const char *const urls[] = {"kafka:x", "log", "", ":", "rediss://u:s3cret@h", "s3cret"};
    struct queue *queue;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct err err = {""};

        assert_int_equal(queue_open(str_from(urls[i]), &queue, &err), ERR_INVALID);
        assert_null(queue);
        assert_null(strstr(err.text, "s3cret"));
    }
}

static void begins_behind_the_committed_positions(void **state)
{
    struct bench b = {.fixture = *state, .backend = &LOG};

    log_start(&b);
    for (int i = 0; i < 5; i++)
        log_append_next(&b, 1);
    const struct position done = {b.producer, 1, 3};
    const struct position expected[] = {{b.producer, 1, 4}, {b.producer, 1, 5}};

    log_open_queue(&b);
    begin(&b, &done, 1);
    expect_status(&b, 2);
    expect_read(&b, 10, expected, 2);
    queue_close(&b.queue);
    log_close(&b.log);
    arena_free(&b.arena);
}

static void gives_nothing_before_it_was_begun(void **state)
{
    struct bench b = {.fixture = *state, .backend = &LOG};
    struct queue_record *records;
    struct err err = {""};
    size_t count;

    log_start(&b);
    log_append_next(&b, 1);
    log_open_queue(&b);
    assert_int_equal(queue_read(b.queue, 10, &b.arena, &records, &count, &err), ERR_UNAVAILABLE);
    assert_int_equal(count, 0);
    queue_close(&b.queue);
    log_close(&b.log);
    arena_free(&b.arena);
}

/* A byte of a record is flipped in a sealed segment: its rest is damaged, not restored. */
static void tells_damage_from_what_a_restored_store_forgot(void **state)
{
    struct bench b = {.fixture = *state, .backend = &LOG};
    const struct queue_loss *losses;
    struct queue_record *records;
    struct err err = {""};
    size_t count;
    char byte;

    log_start(&b);
    for (int i = 0; i < 3; i++)
        log_append_next(&b, 1);
    log_close(&b.log);
    int fd = open_segment(b.fixture, 0);

    assert_int_equal(pread(fd, &byte, 1, SEGMENT_DATA_AT + PAYLOAD / 2), 1);
    byte = (char)(byte ^ 1);
    assert_int_equal(pwrite(fd, &byte, 1, SEGMENT_DATA_AT + PAYLOAD / 2), 1);
    (void)close(fd);
    log_open_queue(&b);
    begin(&b, NULL, 0);
    assert_int_equal(queue_read(b.queue, 10, &b.arena, &records, &count, &err), ERR_CORRUPT);
    assert_int_equal(queue_lost(b.queue, &losses), 1);
    assert_int_equal(losses[0].from.number, 0);
    assert_int_equal(losses[0].to, 3);
    assert_false(losses[0].restore);
    queue_close(&b.queue);
    arena_free(&b.arena);
}

/* -- the order of many producers -- */

static struct position position_of(uint32_t producer, uint16_t partition, uint64_t number)
{
    struct position position = {.partition = partition, .number = number};

    /* Alike in what chooses the bucket, three of four. */
    memcpy(position.producer.id + (producer % 4 == 0 ? 0 : 12), &producer, sizeof(producer));
    return position;
}

static void keeps_the_order_of_many_producers(void **state)
{
    enum { MANY = 5000 };
    struct position *positions;
    struct order order = {0};
    uint64_t expected;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        struct position done = position_of(i, (uint16_t)(i % PARTITIONS), i % 3 + 1);

        order_committed(&order, &done, 1);
    }
    assert_int_equal(order_unsettled(&order), 0);
    assert_int_equal(order_positions(&order, &positions), MANY);
    free(positions);
    for (uint32_t i = 0; i < MANY; i++) {
        struct position next = position_of(i, (uint16_t)(i % PARTITIONS), i % 3 + 2);

        assert_int_equal(order_judge(&order, &next, &expected), ORDER_GIVE);
        assert_int_equal(order_judge(&order, &next, &expected), ORDER_PASS);
    }
    assert_int_equal(order_unsettled(&order), PARTITIONS_ALL);
    struct position five = position_of(5, 5, 5 % 3 + 2);

    for (uint32_t i = 0; i < MANY; i++) {
        struct position done = position_of(i, (uint16_t)(i % PARTITIONS), i % 3 + 2);

        if (i != 5)
            order_committed(&order, &done, 1);
    }
    assert_int_equal(order_unsettled(&order), 1U << 5);
    order_committed(&order, &five, 1);
    assert_int_equal(order_unsettled(&order), 0);
    order_release(&order);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SHARED(name) T(memory_##name), T(redis_##name)
#define ALL(name) SHARED(name), T(log_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(gives_records_once_and_in_order),
        ALL(forgets_what_is_committed),
        ALL(gives_again_what_was_not_committed),
        ALL(holds_back_what_follows_a_gap),
        SHARED(reads_its_partitions_alone),
        SHARED(ends_where_it_ended_when_reading_began),
        SHARED(gives_what_was_held_back_once_the_gap_is_filled),
        SHARED(takes_out_what_is_of_no_more_use),
        SHARED(keeps_what_was_given_and_not_committed),
        T(refuses_a_url_of_no_backend_and_tells_its_scheme_alone),
        T(begins_behind_the_committed_positions),
        T(gives_nothing_before_it_was_begun),
        T(tells_damage_from_what_a_restored_store_forgot),
        cmocka_unit_test(keeps_the_order_of_many_producers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
