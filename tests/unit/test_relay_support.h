/* test_relay_support.h -- a log, a store in memory, a relay, a Redis of its own, and a second
 * connection to see with what that holds. */
#ifndef ABACUS_TEST_RELAY_SUPPORT_H
#define ABACUS_TEST_RELAY_SUPPORT_H

#include "test_log_support.h"

#include "base/buf.h"
#include "redis/redis.h"
#include "relay/relay.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PAYLOAD = 96 }; /* so that a record takes 128 bytes, and a segment holds PER_SEGMENT */
enum { PER_SEGMENT = 4091 };

struct bench {
    struct fixture files;
    struct buf url;
    struct log *log;
    struct producer producer;
    struct store *store;
    struct redis *eye;
    struct relay *relay;
    struct relay_progress progress;
    struct err err;
    uint64_t appended[PARTITIONS];
};

/* -- what is under test, opened and closed -- */

UNUSED static void start_log(struct bench *b)
{
    struct log_config config = small_config(&b->files);

    b->log = open_log(&config);
    b->producer = log_producer(b->log);
    memset(b->appended, 0, sizeof(b->appended));
}

UNUSED static struct store *new_store(struct bench *b)
{
    const struct store_config config = {.url = STR("memory:"), .data_dir = str_from(b->files.dir)};
    struct store *store = NULL;

    if (store_open(&config, &store, &b->err) != 0)
        fail_msg("store: %s", b->err.text);
    return store;
}

UNUSED static int try_relay(struct bench *b, struct relay **out)
{
    const struct relay_config config = {.data_dir = str_from(b->files.dir),
                                        .redis_url = buf_str(&b->url)};

    return relay_open(&config, out, &b->err);
}

UNUSED static void start_relay(struct bench *b)
{
    if (try_relay(b, &b->relay) != 0)
        fail_msg("relay: %s", b->err.text);
}

UNUSED static void restart_relay(struct bench *b)
{
    relay_close(&b->relay);
    start_relay(b);
}

/* -- Redis -- */

UNUSED static const struct redis_reply *call(struct bench *b, const struct str *words, size_t count)
{
    const struct redis_reply *reply = NULL;

    if (redis_call(b->eye, words, count, &reply, &b->err) != 0)
        fail_msg("Redis: %s", b->err.text);
    return reply;
}
#define CALL(b, ...)                                                                               \
    call((b), (const struct str[]){__VA_ARGS__},                                                   \
         sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))

struct key_name {
    char text[32];
};
UNUSED static struct key_name key_of(const char *name, unsigned p)
{
    struct key_name key;

    (void)snprintf(key.text, sizeof(key.text), "analytics:%s:%u", name, p);
    return key;
}

UNUSED static struct str id_of(const struct producer *producer)
{
    return (struct str){(const char *)producer->id, sizeof(producer->id)};
}

UNUSED static uint64_t stream_length(struct bench *b, unsigned p)
{
    struct key_name key = key_of("events", p);

    return (uint64_t)CALL(b, STR("XLEN"), str_from(key.text))->integer;
}

UNUSED static void delete_key(struct bench *b, const char *name, unsigned p)
{
    struct key_name key = key_of(name, p);

    (void)CALL(b, STR("DEL"), str_from(key.text));
}

/* The number in a hash; 0: none. */
UNUSED static uint64_t hash_number(struct bench *b, const char *name, unsigned p,
                                   const struct producer *producer)
{
    struct key_name key = key_of(name, p);
    const struct redis_reply *reply = CALL(b, STR("HGET"), str_from(key.text), id_of(producer));
    int64_t n = 0;

    if (reply->type == REDIS_NIL)
        return 0;
    assert_true(str_to_i64(reply->text, &n));
    return (uint64_t)n;
}

UNUSED static void set_hash(struct bench *b, const char *name, unsigned p,
                            const struct producer *producer, const char *value)
{
    struct key_name key = key_of(name, p);

    (void)CALL(b, STR("HSET"), str_from(key.text), id_of(producer), str_from(value));
}

/* An entry, as an aggregator reads it. */
struct seen {
    struct producer producer;
    uint64_t first, number; /* first: of a loss; else 0 */
    bool restore, payload_right;
};

static struct str field(const struct redis_reply *fields, char name)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2)
        if (fields->items[i].text.len == 1 && fields->items[i].text.ptr[0] == name)
            return fields->items[i + 1].text;
    return (struct str){NULL, 0};
}

static uint64_t number_in(struct str text)
{
    int64_t n = 0;

    assert_true(str_to_i64(text, &n) && n > 0);
    return (uint64_t)n;
}

/* The producer, the number in eight bytes, the highest first, and the record. */
static struct seen record_in(struct str value, unsigned p)
{
    struct seen seen = {.number = 0};
    uint8_t number[8];

    if (value.ptr == NULL || value.len < PRODUCER_BYTES + sizeof(number)) {
        fail_msg("an entry of %zu bytes", value.len);
        return seen;
    }
    memcpy(&seen.producer, value.ptr, PRODUCER_BYTES);
    memcpy(number, value.ptr + PRODUCER_BYTES, sizeof(number));
    for (size_t i = 0; i < sizeof(number); i++)
        seen.number = seen.number << 8 | number[i];
    seen.payload_right = payload_is(str_slice(value, PRODUCER_BYTES + 8, value.len), PAYLOAD,
                                    (uint16_t)p, seen.number);
    return seen;
}

static struct seen seen_in(const struct redis_reply *fields, unsigned p)
{
    struct str producer = field(fields, 'p'), reason = field(fields, 'r');

    if (reason.ptr == NULL)
        return record_in(field(fields, 'e'), p);

    struct seen seen = {.number = number_in(field(fields, 'n')),
                        .first = number_in(field(fields, 'f'))};

    assert_int_equal(producer.len, sizeof(seen.producer));
    memcpy(&seen.producer, producer.ptr, producer.len);
    seen.restore = str_eq(reason, STR("restore"));
    assert_true(seen.restore || str_eq(reason, STR("damaged")));
    return seen;
}

/* All entries of a stream; the caller frees them. */
UNUSED static struct seen *entries(struct bench *b, unsigned p, size_t *count)
{
    struct key_name key = key_of("events", p);
    size_t length = stream_length(b, p);
    struct seen *all = calloc(length + 1, sizeof(*all));
    char from[64] = "-";

    assert_non_null(all);
    for (*count = 0; *count < length;) {
        const struct redis_reply *page = CALL(b, STR("XRANGE"), str_from(key.text), str_from(from),
                                              STR("+"), STR("COUNT"), STR("2000"));

        assert_true(page->count > 0 && *count + page->count <= length);
        for (size_t i = 0; i < page->count; i++)
            all[(*count)++] = seen_in(&page->items[i].items[1], p);
        (void)snprintf(from, sizeof(from), "(%.*s",
                       STR_FMT(page->items[page->count - 1].items[0].text));
    }
    return all;
}

/* The stream holds exactly the numbers from..to of the producer, one behind the other. */
UNUSED static void assert_stream(struct bench *b, unsigned p, const struct producer *producer,
                                 uint64_t from, uint64_t to)
{
    size_t count;
    struct seen *all = entries(b, p, &count);

    assert_int_equal(count, to + 1 - from);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(&all[i].producer, producer, sizeof(*producer));
        assert_int_equal(all[i].number, from + i);
        assert_int_equal(all[i].first, 0);
        assert_true(all[i].payload_right);
    }
    free(all);
}

/* How far an aggregator comes that has counted up to `done`: it takes the number behind the last
 * one only, and of a loss what lies behind that. */
UNUSED static uint64_t counted(struct bench *b, unsigned p, const struct producer *producer,
                               uint64_t done)
{
    size_t count;
    struct seen *all = entries(b, p, &count);

    for (size_t i = 0; i < count; i++) {
        const struct seen *seen = &all[i];
        uint64_t first = seen->first == 0 ? seen->number : seen->first;

        if (memcmp(&seen->producer, producer, sizeof(*producer)) == 0 && first <= done + 1 &&
            seen->number > done)
            done = seen->number;
    }
    free(all);
    return done;
}

/* -- what happens -- */

UNUSED static void append(struct bench *b, uint16_t partition, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        append_one(b->log, partition, ++b->appended[partition], PAYLOAD);
}

UNUSED static int step(struct bench *b)
{
    return relay_step(b->relay, b->store, &b->progress, &b->err);
}

/* Steps, with the pauses of a caller, for `ms`; how many records were sent. */
UNUSED static uint64_t run_for(struct bench *b, int64_t ms)
{
    uint64_t sent = 0;

    for (int64_t i = 0; i < ms; i += 10) {
        int rc = step(b);

        if (rc != 0)
            fail_msg("relay: %d %s", rc, b->err.text);
        sent += b->progress.sent;
        if (b->progress.sent == 0)
            pause_ms(10);
    }
    return sent;
}

/* Steps until everything published is sent; failures of peers pass. */
UNUSED static uint64_t run(struct bench *b)
{
    uint64_t sent = 0;

    for (int i = 0; i < 1000; i++) {
        int rc = step(b);

        if (rc != 0 && rc != ERR_UNAVAILABLE)
            fail_msg("relay: %d %s", rc, b->err.text);
        sent += b->progress.sent;
        if (rc == 0 && b->progress.up_to_date)
            return sent;
        if (b->progress.sent == 0)
            pause_ms(10);
    }
    fail_msg("the relay does not come to an end: %s", b->err.text);
    return 0;
}

UNUSED static void commit(struct bench *b, struct store *store, const struct producer *producer,
                          uint16_t partition, uint64_t from, uint64_t to)
{
    const struct position_move move = {{*producer, partition, from}, to};
    const struct store_batch batch = {.positions = &move, .positions_count = 1};
    uint32_t got = 0;

    if (store_lease(store, PARTITIONS_ALL, true, true, &got, &b->err) != 0 ||
        store_commit(store, &batch, &b->err) != 0)
        fail_msg("commit: %s", b->err.text);
    store_unlease(store);
}

/* -- a server -- */

struct server {
    char dir[64], port[8], url[64];
    pid_t pid; /* 0: it does not run */
};

UNUSED static void free_port(char out[8])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    (void)close(fd);
    (void)snprintf(out, 8, "%u", (unsigned)ntohs(at.sin_port));
}

UNUSED static void server_run(struct server *s)
{
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves none behind */
        int null = open("/dev/null", O_RDWR);

        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", s->port,
                     "--dir", s->dir, "--save", "", "--maxmemory-policy", "noeviction",
                     (char *)NULL);
        _exit(127);
    }
}

UNUSED static void server_kill(struct server *s)
{
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

UNUSED static void server_start(struct server *s)
{
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/abacus-redis-XXXXXX");
    if (mkdtemp(s->dir) == NULL)
        abort();
    free_port(s->port);
    (void)snprintf(s->url, sizeof(s->url), "redis://127.0.0.1:%s", s->port);
    server_run(s);
}

UNUSED static void server_stop(struct server *s)
{
    server_kill(s);
    (void)nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

UNUSED static void wait_until_it_answers(struct bench *b)
{
    const struct redis_reply *reply = NULL;

    for (int i = 0; i < 1000; i++) {
        if (redis_call_words(b->eye, &reply, &b->err, "PING", NULL) == 0)
            return;
        pause_ms(10);
    }
    fail_msg("redis-server: %s", b->err.text);
}

/* -- from test to test -- */

UNUSED static struct bench *bench_new(const char *url)
{
    struct bench *b = calloc(1, sizeof(*b));
    void *files = NULL;

    if (b == NULL || setup(&files) != 0 || files == NULL)
        abort();
    b->files = *(struct fixture *)files;
    free(files);
    buf_add(&b->url, str_from(url));
    assert_int_equal(redis_open(&(struct redis_config){.url = buf_str(&b->url)}, &b->eye, &b->err),
                     0);
    start_log(b);
    b->store = new_store(b);
    start_relay(b);
    return b;
}

UNUSED static void bench_free(struct bench *b)
{
    relay_close(&b->relay);
    store_close(&b->store);
    redis_close(&b->eye);
    log_close(&b->log);
    buf_release(&b->url);
    (void)nftw(b->files.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(b);
}

#endif
