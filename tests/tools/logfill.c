/*
 * logfill.c -- append events with times of their own to the event log of a data directory, for
 * tests.
 *
 *     logfill --data-dir DIR [--database URL] [--shuffle SEED] < EVENTS
 *
 * Each line of EVENTS is {"timeMs":..., "ip":"...", "userAgent":"...", "token":false,
 * "event":{...}}: an event as it would have been sent at that time by that sender. It goes the way
 * that the server sends it (event_parse, event_make, event_encode, log_append) but for screening;
 * sites come from the database at URL, or the one in DIR. The salt of a date is made from the date
 * alone, so that every run gives the same visitors. No server may run on DIR.
 *
 * With --shuffle the records are appended in an order that SEED decides.
 */
#include "base/clock.h"
#include "base/json.h"
#include "directory/directory.h"
#include "event/event.h"
#include "log/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    LINE_DEPTH = EVENT_NESTING_MAX + 1,
    APPEND_MAX = 64,   /* records taken at once */
    TRIES_MAX = 10000, /* while the log makes its next segment, a millisecond each */
    DAYS_AROUND = 1,   /* salts of the days beside the event's own */
};

/* An encoded record and where it goes. */
struct line {
    uint16_t partition;
    struct str payload;
};

struct filler {
    struct directory *directory;
    struct arena arena; /* payloads */
    struct line *lines;
    size_t count, room;
};

/* -- sites -- */

static int load_directory(struct filler *f, struct str dir, struct str database, struct err *err)
{
    struct buf url = {0};
    struct store *store = NULL;

    if (database.len > 0)
        buf_add(&url, database);
    else
        buf_addf(&url, "sqlite:%.*s/abacus.db", STR_FMT(dir));
    const struct store_config config = {.url = buf_str(&url), .data_dir = dir};
    const struct directory_config plain = {0};
    int rc = store_open(&config, &store, err);

    if (rc == 0) {
        f->directory = directory_new(&plain);
        rc = directory_load(f->directory, store, clock_wall_ms(), err);
    }
    store_close(&store);
    buf_release(&url);
    return rc;
}

/* -- one line -- */

static struct salts salts_around(int32_t day)
{
    struct salts salts = {0};

    for (int32_t d = day - DAYS_AROUND; d <= day + DAYS_AROUND; d++) {
        struct salt *salt = &salts.salt[salts.count++];
        salt->day = d;
        memcpy(salt->key, &d, sizeof(d));
    }
    return salts;
}

static struct str text_of(const struct json *object, struct str name)
{
    const struct json *v = json_get(object, name);

    return v != NULL && v->type == JSON_STRING ? v->text : STR("");
}

/* The time, and who sends. */
static int read_sender(const struct json *line, int64_t *now_ms, struct client *out,
                       struct err *err)
{
    const struct json *time = json_get(line, STR("timeMs")), *token = json_get(line, STR("token"));

    *out = (struct client){.user_agent = text_of(line, STR("userAgent")),
                           .has_token = token != NULL && token->boolean};
    if (time == NULL || !json_to_i64(time, now_ms))
        return err_set(err, ERR_INVALID, "timeMs is missing");
    if (!addr_parse(text_of(line, STR("ip")), &out->address))
        return err_set(err, ERR_INVALID, "ip is no address");
    return 0;
}

/* The event within `line`, as the server would read it. */
static int read_event(const struct json *line, int64_t now_ms, struct arena *arena,
                      struct event_input *out, struct err *err)
{
    const struct json *event = json_get(line, STR("event"));
    struct event_batch batch = {0};
    struct event_problem problem;
    struct buf body = {0};

    if (event == NULL)
        return err_set(err, ERR_INVALID, "event is missing");
    json_value(&(struct json_out){.buf = &body}, event);
    int rc = event_parse(arena_str(arena, buf_str(&body)), now_ms, arena, &batch, &problem, err);

    buf_release(&body);
    if (rc == 0)
        *out = batch.events[0];
    return rc;
}

static void keep(struct filler *f, const struct event *event)
{
    struct buf bytes = {0};

    if (f->count == f->room) {
        f->room = f->room == 0 ? 1024 : f->room * 2;
        f->lines = realloc(f->lines, f->room * sizeof(*f->lines));
        if (f->lines == NULL)
            abort();
    }
    event_encode(event, &bytes);
    f->lines[f->count++] =
        (struct line){site_partition(event->site), arena_str(&f->arena, buf_str(&bytes))};
    buf_release(&bytes);
}

static int take_line(struct filler *f, const struct snapshot *snapshot, struct str text,
                     struct arena *arena, struct err *err)
{
    struct json *line;
    struct client client;
    struct event_input in;
    struct event event;
    int64_t now_ms;
    int rc = json_parse(text, LINE_DEPTH, arena, &line, err);

    if (rc == 0 && line->type != JSON_OBJECT)
        rc = err_set(err, ERR_INVALID, "not an object");
    if (rc == 0)
        rc = read_sender(line, &now_ms, &client, err);
    if (rc == 0)
        rc = read_event(line, now_ms, arena, &in, err);
    if (rc != 0)
        return rc;
    const struct site *site = snapshot_site(snapshot, in.site);
    if (site == NULL)
        return err_set(err, ERR_NOTFOUND, "no site %.*s", STR_FMT(in.site));
    int64_t at_ms = in.has_timestamp ? in.timestamp_ms : now_ms;
    struct salts salts = salts_around(site_day(site, at_ms));
    rc = event_make(site, &client, &(struct sender){0}, &salts, snapshot_id_key(snapshot), now_ms,
                    &in, arena, &event, err);
    if (rc == 0)
        keep(f, &event);
    return rc;
}

static int take_lines(struct filler *f, FILE *in, struct err *err)
{
    const struct snapshot *snapshot = directory_take(f->directory);
    struct arena arena = {0};
    char *text = NULL;
    size_t size = 0, number = 0;
    ssize_t length;
    int rc = 0;

    while (rc == 0 && (length = getline(&text, &size, in)) > 0) {
        number++;
        rc = take_line(f, snapshot, (struct str){text, (size_t)length}, &arena, err);
        arena_reset(&arena);
    }
    if (rc != 0)
        (void)err_wrap(err, rc, "line %zu", number);
    free(text);
    arena_free(&arena);
    directory_give(f->directory, snapshot);
    return rc;
}

/* -- the log -- */

/* The next of a sequence of numbers: splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void shuffle(struct line *lines, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = random_next(&seed) % i;
        struct line line = lines[k];
        lines[k] = lines[i - 1];
        lines[i - 1] = line;
    }
}

/* ERR_FULL is only "not yet" while the next segment is being made. */
static int append(struct log *log, const struct log_entry *entries, size_t count, struct err *err)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};
    int rc = ERR_FULL;

    for (unsigned i = 0; i < TRIES_MAX && rc == ERR_FULL; i++) {
        if (i > 0)
            (void)nanosleep(&millisecond, NULL);
        rc = log_append(log, entries, count, NULL, err);
    }
    return rc;
}

static int append_all(const struct filler *f, struct str dir, struct err *err)
{
    const struct log_config config = {.data_dir = dir, .keep_ms = INT64_C(3600000)};
    struct log_entry entries[APPEND_MAX];
    struct log *log = NULL;
    int rc = log_open(&config, &log, err);

    for (size_t i = 0; i < f->count && rc == 0;) {
        size_t n = 0;
        for (; n < APPEND_MAX && i < f->count; n++, i++)
            entries[n] = (struct log_entry){f->lines[i].partition, f->lines[i].payload};
        rc = append(log, entries, n, err);
    }
    log_close(&log);
    return rc;
}

/* -- the command -- */

struct arguments {
    struct str dir, database;
    bool shuffle;
    int64_t seed;
};

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        struct str name = str_from(argv[i]), value = str_from(argv[i + 1]);
        if (str_eq(name, STR("--data-dir")))
            out->dir = value;
        else if (str_eq(name, STR("--database")))
            out->database = value;
        else if (str_eq(name, STR("--shuffle")) && str_to_i64(value, &out->seed))
            out->shuffle = true;
        else
            return false;
    }
    return argc % 2 == 1 && out->dir.len > 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct filler filler = {0};
    struct err err = {0};

    if (!read_arguments(argc, argv, &arguments)) {
        fprintf(stderr,
                "usage: logfill --data-dir DIR [--database URL] [--shuffle SEED] < EVENTS\n");
        return 2;
    }
    int rc = load_directory(&filler, arguments.dir, arguments.database, &err);
    if (rc == 0)
        rc = take_lines(&filler, stdin, &err);
    if (rc == 0 && arguments.shuffle)
        shuffle(filler.lines, filler.count, (uint64_t)arguments.seed);
    if (rc == 0)
        rc = append_all(&filler, arguments.dir, &err);
    if (rc != 0)
        fprintf(stderr, "logfill: %s\n", err.text);
    else
        printf("%zu\n", filler.count);
    free(filler.lines);
    arena_free(&filler.arena);
    directory_free(&filler.directory);
    return rc == 0 ? 0 : 1;
}
