/* test_aggregate_erase.c -- which erasures the job carries out, and dead letters of what is gone. A
 * real SQLite file and a log without a writer, in a temporary directory. */
#include "aggregate/aggregate_internal.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/json.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    char dir[64], url[128], queue[96], letters[96];
    struct store *store;
    struct aggregator *aggregator;
    struct arena arena;
    int64_t now_ms;
};

static const struct actor ACTOR = {{"test", 4}, 1};

static void must(int rc, const struct err *err)
{
    if (rc < 0)
        fail_msg("%d: %s", rc, err->text);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err err = {""};

    (void)strcpy(w->dir, "/tmp/abacus-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->url, sizeof(w->url), "sqlite:%s/abacus.db", w->dir);
    (void)snprintf(w->queue, sizeof(w->queue), "log:%s", w->dir);
    (void)snprintf(w->letters, sizeof(w->letters), "%s/dead-letter.ndjson", w->dir);
    const struct store_config config = {.url = str_from(w->url), .data_dir = str_from(w->dir)};
    const struct aggregate_config job = {.queue_url = str_from(w->queue),
                                         .data_dir = str_from(w->dir)};

    must(store_open(&config, &w->store, &err), &err);
    w->aggregator = aggregate_new(&job);
    w->now_ms = clock_wall_ms();
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[128];

    aggregate_free(&w->aggregator);
    store_close(&w->store);
    arena_free(&w->arena);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* -- rows -- */

static int put_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct str id;

    (void)exists;
    (void)arena;
    (void)err;
    memcpy(&id, row, sizeof(id));
    memcpy(row, ctx, row_size(ROW_ERASURE));
    memcpy(row, &id, sizeof(id));
    return EDIT_PUT;
}

static void put_erasure(struct world *w, const char *id, struct erasure_row row)
{
    struct err err = {""};

    row.actor = STR("token:abc");
    must(store_edit(w->store, ROW_ERASURE, str_from(id), put_row, &row, &ACTOR, &err), &err);
}

static void put_site(struct world *w, const char *id, const char *tenant, int64_t created_ms,
                     int64_t erase_ms)
{
    struct site_row site = site_row_default();
    struct err err = {""};

    site.id = str_from(id);
    site.tenant = str_from(tenant);
    site.domain = STR("example.com");
    site.created_ms = created_ms;
    site.erase_ms = erase_ms;
    must(store_put_site(w->store, &site, &ACTOR, &err), &err);
}

static int shut_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)arena;
    (void)err;
    assert_true(exists);
    ((struct tenant_row *)row)->erase_ms = *(const int64_t *)ctx;
    return EDIT_PUT;
}

static bool has(struct world *w, enum row_kind kind, const char *id)
{
    char *row = arena_bytes(&w->arena, row_size(kind));
    struct err err = {""};
    int rc = store_get(w->store, kind, str_from(id), &w->arena, row, &err);

    must(rc, &err);
    return rc == 1;
}

static struct erasure_row receipt(struct world *w, const char *id)
{
    struct erasure_row row;
    struct err err = {""};

    assert_int_equal(store_get(w->store, ROW_ERASURE, str_from(id), &w->arena, &row, &err), 1);
    return row;
}

static void run_job(struct world *w)
{
    struct aggregate_report report;
    struct err err = {""};

    must(aggregate_run(w->aggregator, w->store, 0, &report, &err), &err);
}

/* -- what is due -- */

static void a_site_goes_when_it_is_due_and_not_before(void **state)
{
    struct world *w = *state;
    struct erasure_row row = {.tenant = STR("t1"),
                              .site = STR("s1"),
                              .asked_ms = w->now_ms - 1000,
                              .due_ms = w->now_ms + DAY_MS};

    put_site(w, "s1", "t1", w->now_ms - DAY_MS, row.due_ms);
    put_erasure(w, "e1", row);
    run_job(w);
    assert_true(has(w, ROW_SITE, "s1"));
    assert_int_equal(receipt(w, "e1").done_ms, 0);
    row.due_ms = w->now_ms;
    put_erasure(w, "e2", row);
    run_job(w);
    assert_false(has(w, ROW_SITE, "s1"));
    assert_true(receipt(w, "e2").done_ms >= w->now_ms);
    assert_non_null(strstr(arena_str(&w->arena, receipt(w, "e2").rows).ptr, "analytics_settings"));
    /* The site is gone, and nothing of it is left to be counted. */
    assert_int_equal(receipt(w, "e1").done_ms, 0);
}

/* A job that was cut short behind the site and before the receipt, and a new site of that id. */
static void a_site_that_was_made_since_is_left_alone(void **state)
{
    struct world *w = *state;
    const struct erasure_row row = {.tenant = STR("t1"),
                                    .site = STR("s1"),
                                    .asked_ms = w->now_ms - 1000,
                                    .due_ms = w->now_ms - 1000};

    put_site(w, "s1", "t1", w->now_ms - 500, 0);
    put_erasure(w, "e1", row);
    put_erasure(w, "e2", row);
    run_job(w);
    assert_true(has(w, ROW_SITE, "s1"));
    assert_true(receipt(w, "e1").done_ms > 0);
    /* Each is news to who looks for what is newer than the last. */
    assert_true(receipt(w, "e2").done_ms > receipt(w, "e1").done_ms);
}

/* Whoever asked was about to shut it. */
static void a_site_that_is_still_open_waits(void **state)
{
    struct world *w = *state;
    const struct erasure_row row = {
        .tenant = STR("t1"), .site = STR("s1"), .asked_ms = w->now_ms, .due_ms = w->now_ms};

    put_site(w, "s1", "t1", w->now_ms - 1, 0);
    put_erasure(w, "e1", row);
    run_job(w);
    assert_true(has(w, ROW_SITE, "s1"));
    assert_int_equal(receipt(w, "e1").done_ms, 0);
}

/* Two nodes at one erasure: the one that removed the rows is still writing the files anew when the
 * other finds nothing left. */
static void rows_that_come_after_the_end_are_in_the_receipt(void **state)
{
    struct world *w = *state;
    struct run run = {.store = w->store};
    struct erasing slow = {.id = STR("e1"), .actor = STR("token:abc")}, quick = slow;
    struct err err = {""};

    put_site(w, "s1", "t1", 1, 1);
    put_erasure(
        w, "e1",
        (struct erasure_row){.tenant = STR("t1"), .site = STR("s1"), .asked_ms = 1, .due_ms = 1});
    erase_count(&slow, "ledger", 3);
    must(erase_put_receipt(&run, &quick, 1000, &err), &err);
    must(erase_put_receipt(&run, &slow, 2000, &err), &err);
    assert_int_equal(receipt(w, "e1").done_ms, 1000);
    assert_true(str_eq(receipt(w, "e1").rows, STR("{\"ledger\":3}")));
}

static int put_user(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct user_row *user = row;

    (void)exists;
    (void)arena;
    (void)err;
    user->memberships = str_from(ctx);
    user->created_ms = 1;
    return EDIT_PUT;
}

static int put_session(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct session_row *session = row;

    (void)exists;
    (void)arena;
    (void)err;
    session->user = str_from(ctx);
    session->created_ms = session->seen_ms = 1;
    session->expires_ms = INT64_C(1) << 50;
    return EDIT_PUT;
}

static void a_tenant_goes_with_its_sites_tokens_and_people(void **state)
{
    struct world *w = *state;
    char only[] = "[{\"tenantId\":\"t1\",\"role\":\"viewer\"}]";
    char both[] = "[{\"tenantId\":\"t1\",\"role\":\"viewer\"},"
                  "{\"tenantId\":\"t2\",\"role\":\"manager\"}]";
    char name[] = "only@a.b";
    struct token_row token = {.id = STR("k1"), .tenant = STR("t1"), .scopes = SCOPE_ADMIN};
    struct user_row user;
    struct err err = {""};

    for (int i = 0; i < 20; i++) {
        char site[8];

        (void)snprintf(site, sizeof(site), "s%d", i);
        put_site(w, site, "t1", 1, 0);
    }
    put_site(w, "other", "t2", 1, 0);
    must(store_put_token(w->store, &token, &ACTOR, &err), &err);
    must(store_edit(w->store, ROW_USER, str_from(name), put_user, only, &ACTOR, &err), &err);
    must(store_edit(w->store, ROW_USER, STR("both@a.b"), put_user, both, &ACTOR, &err), &err);
    must(store_edit(w->store, ROW_SESSION,
                    STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                    put_session, name, &ACTOR, &err),
         &err);
    must(store_edit(w->store, ROW_TENANT, STR("t1"), shut_tenant, &w->now_ms, &ACTOR, &err), &err);
    put_erasure(
        w, "e1",
        (struct erasure_row){
            .tenant = STR("t1"), .kind = ERASE_TENANT, .asked_ms = w->now_ms, .due_ms = w->now_ms});
    run_job(w);
    assert_false(has(w, ROW_TENANT, "t1"));
    assert_false(has(w, ROW_SITE, "s0"));
    assert_false(has(w, ROW_SITE, "s19"));
    assert_false(has(w, ROW_TOKEN, "k1"));
    assert_false(has(w, ROW_USER, "only@a.b"));
    assert_false(
        has(w, ROW_SESSION, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_true(has(w, ROW_SITE, "other"));
    assert_true(has(w, ROW_TENANT, "t2"));
    assert_int_equal(store_get(w->store, ROW_USER, STR("both@a.b"), &w->arena, &user, &err), 1);
    assert_null(strstr(arena_str(&w->arena, user.memberships).ptr, "t1"));
    assert_non_null(strstr(arena_str(&w->arena, user.memberships).ptr, "t2"));
    const struct erasure_row done = receipt(w, "e1");
    struct json *rows = NULL;
    int64_t n = 0;

    assert_true(done.done_ms > 0);
    must(json_parse(done.rows, 1, &w->arena, &rows, &err), &err);
    static const struct {
        const char *table;
        int64_t rows;
    } expected[] = {{"analytics_settings", 20}, {"tokens", 1}, {"users", 2}, {"tenants", 1}};

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct json *value = json_get(rows, str_from(expected[i].table));

        assert_non_null(value);
        assert_true(json_to_i64(value, &n));
        assert_int_equal(n, expected[i].rows);
    }
}

/* -- dead letters -- */

static void add_letter(struct world *w, struct str payload)
{
    const struct aggregate_config config = {.data_dir = str_from(w->dir)};
    struct run run = {.config = &config};
    const struct queue_record record = {.payload = payload};
    struct err err = {""};

    must(dead_letter(&run, &record, "refused", &err), &err);
}

static void add_event(struct world *w, const char *tenant, const char *site)
{
    struct event event = {.kind = EVENT_PAGEVIEW,
                          .name = STR("pageview"),
                          .site = str_from(site),
                          .tenant = str_from(tenant),
                          .path = STR("/"),
                          .count = 1,
                          .scroll = -1};
    struct buf payload = {0};

    event_encode(&event, &payload);
    add_letter(w, buf_str(&payload));
    buf_release(&payload);
}

static void add_tally(struct world *w, const char *tenant, const char *site)
{
    const struct tally tally = {
        .site = str_from(site), .tenant = str_from(tenant), .reason = DROP_GPC, .events = 3};
    struct buf payload = {0};

    tally_encode(&tally, &payload);
    add_letter(w, buf_str(&payload));
    buf_release(&payload);
}

static void add_line(struct world *w, const char *line)
{
    FILE *file = fopen(w->letters, "a");

    assert_non_null(file);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* In the arena. */
static const char *read_letters(struct world *w)
{
    char *text = arena_bytes(&w->arena, 1 << 20);
    FILE *file = fopen(w->letters, "r");

    assert_non_null(file);
    size_t n = fread(text, 1, (1 << 20) - 1, file);

    text[n] = '\0';
    (void)fclose(file);
    return text;
}

static size_t remove_letters(struct world *w, const char *tenant, const char *site)
{
    const struct dead_letters_of of = {str_from(tenant), str_from(site)};
    struct err err = {""};
    size_t removed = 99;

    must(dead_letters_remove(str_from(w->dir), &of, 1, &removed, &err), &err);
    return removed;
}

static void letters_of_a_site_go_and_others_stay_as_they_are(void **state)
{
    struct world *w = *state;
    struct stat st;

    assert_int_equal(remove_letters(w, "t1", "s1"), 0);
    assert_int_equal(access(w->letters, F_OK), -1);
    add_event(w, "t1", "s2");
    add_tally(w, "t1", "s2");
    add_line(w, "{\"payload\":\"aGVsbG8=\"}\n"); /* no record */
    add_line(w, "not ours at all\n");
    add_event(w, "t2", "s1x");
    const char *kept = read_letters(w);

    assert_int_equal(remove_letters(w, "t1", "s1"), 0);
    assert_string_equal(read_letters(w), kept);
    add_event(w, "t1", "s1");
    add_tally(w, "t1", "s1");
    add_letter(w, STR("\xff no record, but of s1 \x01"));
    add_line(w, "a line with s1 in it\n");
    assert_int_equal(remove_letters(w, "t1", "s1"), 4);
    assert_string_equal(read_letters(w), kept);
    assert_int_equal(stat(w->letters, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char aside[128];

    (void)snprintf(aside, sizeof(aside), "%s.new", w->letters);
    assert_int_equal(access(aside, F_OK), -1);
}

static void letters_of_a_tenant_go_with_those_of_all_its_sites(void **state)
{
    struct world *w = *state;

    add_event(w, "t2", "s9");
    const char *kept = read_letters(w);

    add_event(w, "t1", "s1");
    add_event(w, "t1", "s2");
    add_tally(w, "t1", "s3");
    assert_int_equal(remove_letters(w, "t1", ""), 3);
    assert_string_equal(read_letters(w), kept);
    assert_int_equal(remove_letters(w, "t2", ""), 1);
    assert_string_equal(read_letters(w), "");
}

/* A crash before the new file takes the place leaves one beside it, which the next try overwrites.
 */
static void what_a_crash_left_beside_is_written_over(void **state)
{
    struct world *w = *state;
    char aside[128];

    add_event(w, "t1", "s1");
    add_event(w, "t2", "s2");
    (void)snprintf(aside, sizeof(aside), "%s.new", w->letters);
    FILE *file = fopen(aside, "w");

    assert_non_null(file);
    (void)fputs("half a li", file);
    (void)fclose(file);
    assert_int_equal(remove_letters(w, "t1", "s1"), 1);
    assert_int_equal(access(aside, F_OK), -1);
    assert_null(strstr(read_letters(w), "half"));
    assert_int_equal(remove_letters(w, "t2", "s2"), 1);
}

enum { LETTERS = 300 };

struct appending {
    struct world *w;
    atomic_bool done;
};

static void *append_all_the_time(void *ctx)
{
    struct appending *appending = ctx;

    for (int i = 0; i < LETTERS; i++)
        add_event(appending->w, i % 2 == 0 ? "t1" : "t2", i % 2 == 0 ? "s1" : "s2");
    atomic_store(&appending->done, true);
    return NULL;
}

static void no_letter_is_lost_that_is_written_meanwhile(void **state)
{
    struct world *w = *state;
    struct appending appending = {.w = w};
    size_t removed = 0, lines = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, append_all_the_time, &appending), 0);
    while (!atomic_load(&appending.done))
        removed += remove_letters(w, "t1", "s1");
    assert_int_equal(pthread_join(thread, NULL), 0);
    removed += remove_letters(w, "t1", "s1");
    for (const char *at = read_letters(w); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(removed, LETTERS / 2);
    assert_int_equal(lines, LETTERS / 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_site_goes_when_it_is_due_and_not_before),
        T(a_site_that_was_made_since_is_left_alone),
        T(a_site_that_is_still_open_waits),
        T(rows_that_come_after_the_end_are_in_the_receipt),
        T(a_tenant_goes_with_its_sites_tokens_and_people),
        T(letters_of_a_site_go_and_others_stay_as_they_are),
        T(letters_of_a_tenant_go_with_those_of_all_its_sites),
        T(what_a_crash_left_beside_is_written_over),
        T(no_letter_is_lost_that_is_written_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
