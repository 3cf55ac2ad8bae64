/* test_queue_redis.c -- the queue on Redis streams beyond the contract: pages, gaps that are
 * published, losses, what is taken out when, and servers that go away. */
#include "queue/queue.h"

#include "test_queue_support.h"

static const struct producer A = {{0xa1, 0, '\r', '\n', '*', 0xff}}, B = {{0xb2}};

struct bench {
    struct redis *redis;
    struct queue *queue;
    struct arena arena;
};

static void open_on(struct bench *b, const char *url)
{
    struct err err = {""};

    b->redis = open_empty(url);
    if (queue_open(str_from(url), &b->queue, &err) != 0)
        fail_msg("%s", err.text);
}

static struct bench open_bench(void)
{
    struct bench b = {0};
    char url[256];

    queue_url(url);
    open_on(&b, url);
    return b;
}

static void close_bench(struct bench *b)
{
    queue_close(&b->queue);
    redis_close(&b->redis);
    arena_free(&b->arena);
}

static void add(struct bench *b, const struct producer *producer, uint16_t partition, uint64_t from,
                uint64_t to)
{
    for (uint64_t n = from; n <= to; n++) {
        struct position position = {*producer, partition, n};
        char payload[64];
        int length = snprintf(payload, sizeof(payload), "%u %" PRIu64, partition, n);

        add_record(b->redis, &position, "", (struct str){payload, (size_t)length});
    }
}

static void begin_behind(struct bench *b, const struct position *committed, size_t count)
{
    struct err err = {""};

    if (queue_begin(b->queue, PARTITIONS_ALL, committed, count, &err) != 0)
        fail_msg("%s", err.text);
}

static void begin(struct bench *b)
{
    begin_behind(b, NULL, 0);
}

static void commit(struct bench *b, const struct position *positions, size_t count)
{
    struct err err = {""};

    if (queue_committed(b->queue, positions, count, &err) != 0)
        fail_msg("%s", err.text);
}

/* The next records are these numbers of one producer and partition. */
static void expect(struct bench *b, const struct producer *producer, uint16_t partition,
                   uint64_t from, uint64_t to)
{
    struct queue_record *records;
    struct err err = {""};
    size_t count, max = (size_t)(to - from + 1);
    int rc = queue_read(b->queue, max, &b->arena, &records, &count, &err);

    if (rc != 0)
        fail_msg("%d %s", rc, err.text);
    assert_int_equal(count, max);
    for (size_t i = 0; i < count; i++) {
        char payload[64];

        (void)snprintf(payload, sizeof(payload), "%u %" PRIu64, partition, from + i);
        assert_memory_equal(&records[i].position.producer, producer, sizeof(*producer));
        assert_int_equal(records[i].position.partition, partition);
        assert_int_equal(records[i].position.number, from + i);
        assert_true(str_eq(records[i].payload, str_from(payload)));
    }
}

static void expect_nothing(struct bench *b)
{
    struct queue_record *records;
    struct err err = {""};
    size_t count = 1;
    int rc = queue_read(b->queue, 10, &b->arena, &records, &count, &err);

    if (rc != 0)
        fail_msg("%d %s", rc, err.text);
    assert_int_equal(count, 0);
}

static void expect_failure(struct bench *b, int code, const char *words)
{
    struct queue_record *records;
    struct err err = {""};
    size_t count;
    int rc = queue_read(b->queue, 10, &b->arena, &records, &count, &err);

    assert_int_equal(count, 0);
    if (rc != code || strstr(err.text, words) == NULL)
        fail_msg("%d %s", rc, err.text);
}

/* -- pages -- */

/* More than a page holds, in more partitions than are read ahead; what is read all at once lives
 * until the next read. */
static void reads_many_pages_of_many_partitions(void **state)
{
    enum { MANY = 4500, FEW = 3, LAST = 6 };
    struct bench b = open_bench();

    (void)state;
    add(&b, &A, 0, 1, MANY);
    for (unsigned p = 1; p < LAST; p++)
        add(&b, &A, (uint16_t)p, 1, FEW);
    begin(&b);
    expect(&b, &A, 0, 1, MANY);
    for (unsigned p = 1; p < LAST; p++)
        expect(&b, &A, (uint16_t)p, 1, FEW);
    expect_nothing(&b);
    close_bench(&b);
}

static void takes_out_no_more_than_it_gave(void **state)
{
    struct bench b = open_bench();
    const struct position one = {A, 0, 1}, ten = {A, 0, 10};

    (void)state;
    add(&b, &A, 0, 1, 10);
    add(&b, &A, 1, 1, 10);
    begin(&b);
    expect(&b, &A, 0, 1, 1);
    commit(&b, &one, 1);
    assert_int_equal(stream_length(b.redis, 0), 9);
    assert_int_equal(stream_length(b.redis, 1), 10);
    expect(&b, &A, 0, 2, 10);
    commit(&b, &ten, 1);
    assert_int_equal(stream_length(b.redis, 0), 0);
    assert_int_equal(stream_length(b.redis, 1), 10);
    expect(&b, &A, 1, 1, 10);
    close_bench(&b);
}

/* Ids need not be of one millisecond, and the largest has none behind it. */
static void reads_and_takes_out_whatever_the_ids(void **state)
{
    struct bench b = open_bench();
    const struct position of[] = {{A, 0, 1}, {A, 0, 2}, {A, 0, 3}, {A, 0, 4}};
    static const char *const ids[] = {"0-1", "7-18446744073709551615", "8-0",
                                      "18446744073709551615-18446744073709551615"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char payload[8];

        (void)snprintf(payload, sizeof(payload), "0 %zu", i + 1);
        add_record(b.redis, &of[i], ids[i], str_from(payload));
    }
    begin(&b);
    expect(&b, &A, 0, 1, 2);
    commit(&b, of + 1, 1);
    assert_int_equal(stream_length(b.redis, 0), 2);
    expect(&b, &A, 0, 3, 4);
    commit(&b, of + 3, 1);
    /* XTRIM cannot say "behind the last of all ids": that one entry stays. */
    assert_int_equal(stream_length(b.redis, 0), 1);
    begin_behind(&b, of + 3, 1);
    expect_nothing(&b);
    close_bench(&b);
}

static void tells_how_old_the_oldest_entry_is(void **state)
{
    struct bench b = open_bench();
    const struct position one = {A, 3, 1}, two = {A, 2, 1};
    uint64_t waiting[PARTITIONS];
    struct queue_status status;
    struct err err;

    (void)state;
    add_record(b.redis, &one, "1700000000123-5", STR("x"));
    add_record(b.redis, &two, "1700000000124-0", STR("x"));
    add(&b, &A, 2, 2, 3);
    assert_int_equal(queue_status(b.queue, &status, &err), 0);
    assert_int_equal(status.length, 4);
    assert_int_equal(status.oldest_ms, INT64_C(1700000000123));
    assert_int_equal(queue_waiting(b.queue, waiting, &err), 0);
    for (unsigned p = 0; p < PARTITIONS; p++)
        assert_int_equal(waiting[p], p == 2 ? 3 : p == 3 ? 1 : 0);
    close_bench(&b);
}

/* -- gaps -- */

static void publishes_what_it_waits_for(void **state)
{
    struct bench b = open_bench();
    const struct position done = {A, 4, 2}, of_b = {B, 4, 0};

    (void)state;
    add(&b, &A, 4, 1, 2);
    add(&b, &A, 4, 5, 9);
    add(&b, &B, 4, 1, 3);
    begin_behind(&b, &done, 1);
    expect(&b, &B, 4, 1, 3);
    expect_nothing(&b);
    assert_int_equal(wanted_number(b.redis, &done), 3);
    assert_int_equal(wanted_number(b.redis, &of_b), 0);
    /* Once for each time that reading begins. */
    forget_wanted(b.redis);
    expect_nothing(&b);
    commit(&b, (const struct position[]){{B, 4, 3}}, 1);
    assert_int_equal(stream_length(b.redis, 4), 0);
    assert_int_equal(wanted_number(b.redis, &done), 0);
    add(&b, &A, 4, 7, 7);
    begin_behind(&b, &done, 1);
    expect_nothing(&b);
    assert_int_equal(wanted_number(b.redis, &done), 3);
    close_bench(&b);
}

static void does_not_publish_a_gap_that_is_filled_further_on(void **state)
{
    struct bench b = open_bench();
    const struct position of_a = {A, 4, 0};

    (void)state;
    add(&b, &A, 4, 3, 5);
    add(&b, &A, 4, 1, 2);
    add(&b, &A, 4, 7, 7);
    add(&b, &A, 4, 3, 3);
    begin(&b);
    expect(&b, &A, 4, 1, 3);
    expect_nothing(&b);
    /* 4 and 5 came before 3 did, and nothing was sent again behind it. */
    assert_int_equal(wanted_number(b.redis, &of_a), 0);
    add(&b, &A, 4, 8, 8);
    begin_behind(&b, (const struct position[]){{A, 4, 3}}, 1);
    expect(&b, &A, 4, 4, 5);
    expect_nothing(&b);
    assert_int_equal(wanted_number(b.redis, &of_a), 6);
    close_bench(&b);
}

/* -- losses -- */

static void expect_loss(struct bench *b, const struct position *from, uint64_t to, bool restore)
{
    const struct queue_loss *losses;

    expect_failure(b, ERR_CORRUPT, restore ? "(restore)" : "(damaged)");
    assert_int_equal(queue_lost(b->queue, &losses), 1);
    assert_memory_equal(&losses[0].from.producer, &from->producer, sizeof(from->producer));
    assert_int_equal(losses[0].from.partition, from->partition);
    assert_int_equal(losses[0].from.number, from->number);
    assert_int_equal(losses[0].to, to);
    assert_int_equal(losses[0].restore, restore);
}

static void tells_what_is_lost_behind_what_was_given(void **state)
{
    struct bench b = open_bench();
    const struct position two = {A, 2, 2}, five = {A, 2, 5}, seven = {A, 2, 7};

    (void)state;
    add(&b, &A, 2, 1, 2);
    add_loss(b.redis, &five, 2, "damaged"); /* 2 was counted */
    add(&b, &A, 2, 6, 7);
    add(&b, &B, 3, 1, 1);
    begin(&b);
    expect(&b, &A, 2, 1, 2);
    commit(&b, &two, 1);
    /* The loss is not committed, so its entry must stay. */
    assert_int_equal(stream_length(b.redis, 2), 3);
    expect_loss(&b, &two, 5, false);
    expect(&b, &B, 3, 1, 1);
    commit(&b, (const struct position[]){{B, 3, 1}}, 1);
    assert_int_equal(stream_length(b.redis, 2), 3);
    begin_behind(&b, &five, 1);
    expect(&b, &A, 2, 6, 7);
    expect_nothing(&b);
    commit(&b, &seven, 1);
    assert_int_equal(stream_length(b.redis, 2), 0);
    assert_int_equal(wanted_number(b.redis, &two), 0);
    close_bench(&b);
}

/* expected is 4: a loss up to 3 is old, up to 4 is one; from 4 is one, from 5 is behind a gap. */
static void tells_a_loss_by_its_first_and_last_number(void **state)
{
    static const struct {
        uint64_t first, last;
        bool lost;
        uint64_t wanted;
    } cases[] = {{1, 3, false, 0}, {1, 4, true, 0}, {4, 4, true, 0}, {5, 5, false, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b = open_bench();
        const struct position done = {A, 9, 3}, last = {A, 9, cases[i].last};

        add_loss(b.redis, &last, cases[i].first, "restore");
        begin_behind(&b, &done, 1);
        if (cases[i].lost)
            expect_loss(&b, &done, cases[i].last, true);
        expect_nothing(&b);
        assert_int_equal(queue_has_leftovers(b.queue), !cases[i].lost);
        assert_int_equal(wanted_number(b.redis, &done), cases[i].wanted);
        commit(&b, NULL, 0);
        assert_int_equal(stream_length(b.redis, 9), cases[i].lost ? 1 : 0);
        close_bench(&b);
    }
}

/* -- what is no record -- */

#define P16 "0123456789abcdef"

static void passes_over_what_is_no_record(void **state)
{
    static const struct {
        struct str name, value;
    } bad[] = {
        {STR_INIT("x"), STR_INIT("y")},
        {STR_INIT("e"), STR_INIT("")},
        {STR_INIT("e"), STR_INIT(P16 "\0\0\0\0\0\0\1")},
        {STR_INIT("e"), STR_INIT(P16 "\0\0\0\0\0\0\0\0x")},
        {STR_INIT("e"), STR_INIT(P16 "\x80\0\0\0\0\0\0\0x")},
        {STR_INIT("e"), STR_INIT(P16 "\xff\xff\xff\xff\xff\xff\xff\xff"
                                     "x")},
        {STR_INIT("p"), STR_INIT(P16)},
    };
    static const char *const bad_losses[][8] = {
        {"p", P16, "n", "1", "f", "2", "r", "damaged"},
        {"p", P16, "n", "1", "f", "0", "r", "damaged"},
        {"p", P16, "n", "0", "f", "0", "r", "damaged"},
        {"p", P16, "n", "1x", "f", "1", "r", "damaged"},
        {"p", P16, "n", "", "f", "1", "r", "damaged"},
        {"p", P16, "n", "-1", "f", "1", "r", "damaged"},
        {"p", P16, "n", "9223372036854775808", "f", "1", "r", "damaged"},
        {"p", P16, "n", "18446744073709551617", "f", "1", "r", "damaged"},
        {"p", "0123456789abcde", "n", "1", "f", "1", "r", "damaged"},
        {"p", P16 "0", "n", "1", "f", "1", "r", "damaged"},
        {"x", P16, "n", "1", "f", "1", "r", "damaged"},
        {"p", P16, "x", "1", "f", "1", "r", "damaged"},
        {"p", P16, "n", "1", "x", "1", "r", "damaged"},
        {"p", P16, "n", "1", "f", "1", "x", "damaged"},
    };
    enum {
        BAD = sizeof(bad) / sizeof(bad[0]),
        BAD_LOSSES = sizeof(bad_losses) / sizeof(bad_losses[0])
    };
    struct bench b = open_bench();
    const struct redis_reply *reply;

    (void)state;
    for (size_t i = 0; i < BAD; i++) {
        const struct str args[] = {STR("XADD"), STR("analytics:events:1"), STR("*"), bad[i].name,
                                   bad[i].value};

        call(b.redis, args, 5, &reply);
    }
    for (size_t i = 0; i < BAD_LOSSES; i++) {
        const char *const *w = bad_losses[i];

        ASK(b.redis, &reply, "XADD", "analytics:events:1", "*", w[0], w[1], w[2], w[3], w[4], w[5],
            w[6], w[7]);
    }
    /* The largest number there may be, and fields of a later version. */
    static const struct str good[] = {
        STR_INIT(P16 "\0\0\0\0\0\0\0\1"
                     "1 1"),
        STR_INIT("0123456789abcdeX\x7f\xff\xff\xff\xff\xff\xff\xff"
                 "1 9223372036854775807"),
    };
    for (size_t i = 0; i < 2; i++) {
        const struct str args[] = {
            STR("XADD"), STR("analytics:events:1"), STR("*"), STR("z"), STR("1"), STR("e"),
            good[i]};

        call(b.redis, args, 7, &reply);
    }
    struct position done = {.partition = 1, .number = INT64_MAX - 1};
    struct producer producer;

    memcpy(done.producer.id, "0123456789abcdeX", PRODUCER_BYTES);
    memcpy(producer.id, P16, PRODUCER_BYTES);
    begin_behind(&b, &done, 1);
    expect(&b, &producer, 1, 1, 1);
    expect(&b, &done.producer, 1, INT64_MAX, INT64_MAX);
    assert_int_equal(queue_malformed(b.queue), BAD + BAD_LOSSES);
    assert_true(queue_has_leftovers(b.queue));
    done.number = INT64_MAX;
    commit(&b, (const struct position[]){{producer, 1, 1}, done}, 2);
    assert_int_equal(stream_length(b.redis, 1), 0);
    close_bench(&b);
}

static void says_that_a_key_is_no_stream(void **state)
{
    struct bench b = open_bench();
    const struct redis_reply *reply;
    uint64_t waiting[PARTITIONS];
    struct err err = {""};

    (void)state;
    ASK(b.redis, &reply, "SET", "analytics:events:3", "x");
    assert_int_equal(queue_begin(b.queue, PARTITIONS_ALL, NULL, 0, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "WRONGTYPE"));
    assert_int_equal(queue_waiting(b.queue, waiting, &err), ERR_SYSTEM);
    expect_failure(&b, ERR_UNAVAILABLE, "not begun");
    /* The answers to the rest of the pipeline were taken. */
    ASK(b.redis, &reply, "DEL", "analytics:events:3");
    add(&b, &A, 3, 1, 1);
    begin(&b);
    expect(&b, &A, 3, 1, 1);
    close_bench(&b);
}

/* -- servers that go away -- */

static void open_own(struct bench *b, struct servers *servers, const char *const more[])
{
    char url[64];

    start_redis(servers, &servers->of[0], more);
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", servers->of[0].port);
    open_on(b, url);
}

static void begin_when_it_is_back(struct bench *b, const struct position *committed, size_t count)
{
    struct err err = {""};
    int rc = ERR_UNAVAILABLE;

    for (int i = 0; rc != 0 && i < 600; i++) {
        rc = queue_begin(b->queue, PARTITIONS_ALL, committed, count, &err);
        nap_ms(10);
    }
    if (rc != 0)
        fail_msg("%s", err.text);
}

static void restart(struct bench *b, struct servers *servers, const char *const more[])
{
    const struct redis_reply *reply;
    struct err err = {""};
    int rc = ERR_UNAVAILABLE;

    server_kill(&servers->of[0]);
    start_redis(servers, &servers->of[0], more);
    for (int i = 0; rc != 0 && i < 600; i++) {
        rc = redis_call_words(b->redis, &reply, &err, "PING", NULL);
        nap_ms(10);
    }
    assert_int_equal(rc, 0);
}

/* Restarted empty between reading and committing, with ids that begin earlier: what came since is
 * neither given by the reading that had begun, nor taken out by it. */
static void neither_reads_on_nor_takes_out_on_another_connection(void **state)
{
    struct servers *servers = *state;
    struct bench b = {0};
    const struct position ten = {A, 0, 10}, twenty = {A, 0, 20}, next = {A, 0, 21};
    struct err err = {""};

    open_own(&b, servers, NULL);
    add(&b, &A, 0, 1, 20);
    begin(&b);
    expect(&b, &A, 0, 1, 10);
    restart(&b, servers, NULL);
    add_record(b.redis, &next, "1-1", STR("0 21"));
    assert_int_equal(queue_committed(b.queue, &ten, 1, &err), ERR_UNAVAILABLE);
    assert_int_equal(stream_length(b.redis, 0), 1);
    /* What is in memory may still be given: it is as good as it was. */
    expect(&b, &A, 0, 11, 20);
    assert_int_equal(queue_committed(b.queue, &twenty, 1, &err), ERR_UNAVAILABLE);
    assert_int_equal(stream_length(b.redis, 0), 1);
    begin_when_it_is_back(&b, &twenty, 1);
    expect(&b, &A, 0, 21, 21);
    expect_nothing(&b);
    commit(&b, &next, 1);
    assert_int_equal(stream_length(b.redis, 0), 0);
    close_bench(&b);
}

static void begins_again_on_a_server_that_came_back_with_older_data(void **state)
{
    struct servers *servers = *state;
    struct bench b = {0};
    const struct redis_reply *reply;
    const struct position of_a = {A, 0, 3};

    open_own(&b, servers, NULL);
    add(&b, &A, 0, 1, 5);
    ASK(b.redis, &reply, "SAVE");
    begin(&b);
    expect(&b, &A, 0, 1, 3);
    commit(&b, &of_a, 1);
    assert_int_equal(stream_length(b.redis, 0), 2);
    restart(&b, servers, NULL);
    assert_int_equal(stream_length(b.redis, 0), 5);
    begin_when_it_is_back(&b, &of_a, 1);
    expect(&b, &A, 0, 4, 5);
    expect_nothing(&b);
    close_bench(&b);
}

static void tells_each_time_that_the_server_is_away(void **state)
{
    struct servers *servers = *state;
    struct bench b = {0};
    struct queue_status status;
    struct err err = {""};

    open_own(&b, servers, NULL);
    add(&b, &A, 0, 1, 3);
    begin(&b);
    server_kill(&servers->of[0]);
    expect_failure(&b, ERR_UNAVAILABLE, "127.0.0.1");
    expect_failure(&b, ERR_UNAVAILABLE, "127.0.0.1");
    assert_int_equal(queue_status(b.queue, &status, &err), ERR_UNAVAILABLE);
    assert_int_equal(queue_begin(b.queue, PARTITIONS_ALL, NULL, 0, &err), ERR_UNAVAILABLE);
    expect_failure(&b, ERR_UNAVAILABLE, "not begun");
    close_bench(&b);
}

static void does_not_publish_a_gap_before_it_has_read_to_the_end(void **state)
{
    struct bench b = open_bench();
    const struct position of_a = {A, 4, 0}, of_b = {B, 4, 1};

    (void)state;
    add(&b, &A, 4, 2, 2);
    add(&b, &B, 4, 1, 1);
    add(&b, &A, 4, 1, 2);
    begin(&b);
    expect(&b, &B, 4, 1, 1);
    commit(&b, &of_b, 1);
    assert_int_equal(wanted_number(b.redis, &of_a), 0);
    expect(&b, &A, 4, 1, 2);
    expect_nothing(&b);
    assert_int_equal(wanted_number(b.redis, &of_a), 0);
    close_bench(&b);
}

static void publishes_a_gap_once_a_full_server_has_room_again(void **state)
{
    struct bench b = {0};
    const struct redis_reply *reply;
    const struct position of_a = {A, 0, 0};

    open_own(&b, *state, NULL);
    add(&b, &A, 0, 2, 2);
    begin(&b);
    ASK(b.redis, &reply, "CONFIG", "SET", "maxmemory", "1");
    expect_nothing(&b);
    assert_int_equal(wanted_number(b.redis, &of_a), 0);
    ASK(b.redis, &reply, "CONFIG", "SET", "maxmemory", "0");
    commit(&b, NULL, 0);
    assert_int_equal(stream_length(b.redis, 0), 0);
    assert_int_equal(wanted_number(b.redis, &of_a), 1);
    close_bench(&b);
}

static void refuses_a_server_that_throws_events_away(void **state)
{
    struct servers *servers = *state;
    struct queue *queue;
    const char *const evicting[] = {"--maxmemory-policy", "allkeys-lru", NULL};
    struct err err = {""};
    char url[64];

    start_redis(servers, &servers->of[0], evicting);
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", servers->of[0].port);
    assert_int_equal(queue_open(str_from(url), &queue, &err), 0);
    assert_int_equal(queue_begin(queue, PARTITIONS_ALL, NULL, 0, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "allkeys-lru"));
    queue_close(&queue);
}

/* -- against a model -- */

/* Streams as a relay may leave them after any trouble: parts sent again, from too early on, cut
 * off, lost. However they are read and committed, each number is given once and in order, and
 * nothing that is not committed is lost: once all is sent again, all was given. */
static void gives_each_record_once_whatever_was_sent_again(void **state)
{
    enum { ROUNDS = 40, RECORDS = 300, MAX = 23 };
    struct bench b = open_bench();
    const struct producer *const producers[] = {&A, &B};
    uint64_t committed[2] = {0, 0};
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct position done[2] = {{A, 0, committed[0]}, {B, 0, committed[1]}};
        uint64_t given[2] = {committed[0], committed[1]};
        size_t count = 1;

        for (int i = 0; i < 4; i++) {
            uint64_t from = 1 + (uint64_t)rand_r(&seed) % RECORDS;
            uint64_t to = from + (uint64_t)rand_r(&seed) % 40;

            if (round == ROUNDS - 1)
                from = 1, to = RECORDS;
            add(&b, producers[i % 2], 0, from, to < RECORDS ? to : RECORDS);
        }
        begin_behind(&b, done, 2);
        while (count > 0) {
            struct queue_record *records;
            struct err err = {""};

            assert_int_equal(queue_read(b.queue, MAX, &b.arena, &records, &count, &err), 0);
            for (size_t i = 0; i < count; i++) {
                size_t who = records[i].position.producer.id[0] == B.id[0];

                assert_int_equal(records[i].position.number, given[who] + 1);
                given[who]++;
            }
            /* A commit that failed: all begins again. */
            if (round < ROUNDS - 1 && rand_r(&seed) % 5 == 0)
                break;
            for (size_t i = 0; i < 2; i++)
                done[i].number = committed[i] = given[i];
            commit(&b, done, 2);
        }
        arena_reset(&b.arena);
    }
    assert_int_equal(committed[0], RECORDS);
    assert_int_equal(committed[1], RECORDS);
    assert_int_equal(stream_length(b.redis, 0), 0);
    close_bench(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_servers, teardown_servers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(reads_many_pages_of_many_partitions),
        T(takes_out_no_more_than_it_gave),
        T(reads_and_takes_out_whatever_the_ids),
        T(tells_how_old_the_oldest_entry_is),
        T(publishes_what_it_waits_for),
        T(does_not_publish_a_gap_that_is_filled_further_on),
        T(tells_what_is_lost_behind_what_was_given),
        T(tells_a_loss_by_its_first_and_last_number),
        T(passes_over_what_is_no_record),
        T(says_that_a_key_is_no_stream),
        T(neither_reads_on_nor_takes_out_on_another_connection),
        T(begins_again_on_a_server_that_came_back_with_older_data),
        T(tells_each_time_that_the_server_is_away),
        T(does_not_publish_a_gap_before_it_has_read_to_the_end),
        T(publishes_a_gap_once_a_full_server_has_room_again),
        T(refuses_a_server_that_throws_events_away),
        T(gives_each_record_once_whatever_was_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
