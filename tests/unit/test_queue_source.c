/*
 * test_queue_source.c -- a queue of records that are made while they are read: in order, behind
 * what is committed, and never beyond what there is.
 */
#include "queue/queue.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 10, PARTITION = 3 };
static const struct producer SELF = {"import\0\0file"};

/* Record n is the text of n. */
struct maker {
    uint64_t at; /* the last that was made, or sought */
    unsigned seeks;
    uint64_t fail_at; /* 0: none fails */
    int failure;
};

static int maker_seek(void *ctx, uint64_t number, struct err *err)
{
    struct maker *maker = ctx;

    (void)err;
    maker->at = number;
    maker->seeks++;
    return 0;
}

static int maker_next(void *ctx, struct arena *arena, struct str *payload, struct err *err)
{
    struct maker *maker = ctx;
    char text[24];

    if (maker->at + 1 == maker->fail_at)
        return err_set(err, maker->failure, "it fails");
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)++maker->at);
    *payload = arena_str(arena, str_from(text));
    return 0;
}

struct bench {
    struct maker maker;
    struct queue *queue;
    struct arena arena;
    struct err err;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    b->queue = queue_source_new(&(struct queue_source){.producer = SELF,
                                                       .partition = PARTITION,
                                                       .records = RECORDS,
                                                       .seek = maker_seek,
                                                       .next = maker_next,
                                                       .ctx = &b->maker});
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    queue_close(&b->queue);
    arena_free(&b->arena);
    free(b);
    return 0;
}

static void begin(struct bench *b, uint32_t partitions, uint64_t committed)
{
    const struct position at[] = {{{{9}}, PARTITION, 8}, {SELF, PARTITION, committed}};

    assert_int_equal(queue_begin(b->queue, partitions, at, committed > 0 ? 2 : 1, &b->err), 0);
}

static void assert_read(struct bench *b, size_t max, uint64_t from, size_t expected)
{
    struct queue_record *records;
    size_t count;

    assert_int_equal(queue_read(b->queue, max, &b->arena, &records, &count, &b->err), 0);
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        char text[24];

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)(from + i));
        assert_int_equal(records[i].position.number, from + i);
        assert_int_equal(records[i].position.partition, PARTITION);
        assert_memory_equal(&records[i].position.producer, &SELF, sizeof(SELF));
        assert_true(str_eq(records[i].payload, str_from(text)));
    }
}

static uint64_t waiting(struct bench *b)
{
    uint64_t out[PARTITIONS], sum = 0;

    assert_int_equal(queue_waiting(b->queue, out, &b->err), 0);
    for (size_t i = 0; i < PARTITIONS; i++)
        sum += out[i];
    assert_int_equal(out[PARTITION], sum);
    return sum;
}

static void gives_every_record_once_in_order(void **state)
{
    struct bench *b = *state;

    assert_false(queue_is_whole(b->queue));
    assert_int_equal(waiting(b), RECORDS);
    begin(b, PARTITIONS_ALL, 0);
    assert_read(b, 4, 1, 4);
    assert_int_equal(waiting(b), RECORDS - 4);
    assert_read(b, 4, 5, 4);
    assert_read(b, 4, 9, 2);
    assert_read(b, 4, 0, 0);
    assert_int_equal(waiting(b), 0);
    assert_int_equal(b->maker.seeks, 1);
}

static void goes_on_behind_what_is_committed(void **state)
{
    struct bench *b = *state;

    begin(b, UINT32_C(1) << PARTITION, 7);
    assert_read(b, 100, 8, 3);
    /* A commit that failed: all of it again. */
    begin(b, UINT32_C(1) << PARTITION, 7);
    assert_read(b, 1, 8, 1);
    begin(b, UINT32_C(1) << PARTITION, 8);
    assert_read(b, 100, 9, 2);
}

static void makes_nothing_of_what_is_committed_already(void **state)
{
    struct bench *b = *state;

    begin(b, PARTITIONS_ALL, RECORDS);
    assert_read(b, 100, 0, 0);
    assert_int_equal(b->maker.seeks, 0);
}

static void gives_nothing_of_another_partition(void **state)
{
    struct bench *b = *state;

    begin(b, PARTITIONS_ALL & ~(UINT32_C(1) << PARTITION), 0);
    assert_read(b, 100, 0, 0);
    assert_int_equal(b->maker.seeks, 0);
}

static void gives_what_came_before_a_failure_and_then_the_failure(void **state)
{
    static const int failures[] = {ERR_CORRUPT, ERR_SYSTEM};
    struct bench *b = *state;
    struct queue_record *records;
    const struct queue_loss *lost;
    size_t count;

    for (size_t i = 0; i < 2; i++) {
        b->maker.fail_at = 4;
        b->maker.failure = failures[i];
        begin(b, PARTITIONS_ALL, 0);
        assert_read(b, 100, 1, 3);
        assert_int_equal(queue_read(b->queue, 100, &b->arena, &records, &count, &b->err),
                         failures[i]);
        assert_non_null(strstr(b->err.text, "it fails"));
        /* Nothing is lost for good: the file may come back. */
        assert_int_equal(queue_lost(b->queue, &lost), 0);
        b->maker.fail_at = 0;
        assert_read(b, 100, 4, 7);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(gives_every_record_once_in_order),
        T(goes_on_behind_what_is_committed),
        T(makes_nothing_of_what_is_committed_already),
        T(gives_nothing_of_another_partition),
        T(gives_what_came_before_a_failure_and_then_the_failure),
    };

    return cmocka_run_group_tests_name("queue_source", tests, NULL, NULL);
}
