/*
 * test_store_postgres_salts.c -- the salts that nodes share: one for each date, for no longer than
 * the date can run somewhere, and in no file of the server's after that.
 */
#include "test_postgres_support.h"

#include <sodium.h>
#include <sys/wait.h>

static struct salts salts_of(struct fixture *f, struct store *store, double hours,
                             struct salts held)
{
    assert_ok(f,
              store_salts(store, DAY_START + (int64_t)(hours * (double)HOUR_MS), &held, &f->err));
    return held;
}

/* Of a node that holds nothing, at `hours` after the beginning of DAY in UTC. */
static struct salts salts_at(struct fixture *f, double hours)
{
    return salts_of(f, f->store, hours, (struct salts){0});
}

static void assert_same_key(const struct salts *a, const struct salts *b, int32_t day)
{
    const struct salt *x = salts_find(a, day), *y = salts_find(b, day);

    assert_non_null(x);
    assert_non_null(y);
    assert_memory_equal(x->key, y->key, SALT_BYTES);
    assert_int_equal(x->made_ms, y->made_ms);
}

static void assert_sql(const struct fixture *f, const char *text, const char *expected)
{
    char value[256];

    sql_value(f->text.ptr, text, value, sizeof(value));
    if (strcmp(value, expected) != 0)
        fail_msg("%s: \"%s\" is not \"%s\"", text, value, expected);
}

/* -- which there are --------------------------------------------------------------------------- */

static void salts_are_made_for_the_dates_that_run_and_two_ahead(void **state)
{
    struct fixture *f = *state;
    /* At noon UTC: DAY - 1 for the visit time-out in UTC-12, DAY, DAY + 1 east of UTC+12, and
     * 48 hours later DAY + 3. */
    struct salts first = salts_at(f, 12), second = salts_at(f, 13);

    assert_int_equal(first.count, 5);
    for (int32_t day = DAY - 1; day <= DAY + 3; day++) {
        assert_int_equal(salts_find(&first, day)->made_ms, DAY_START + 12 * HOUR_MS);
        for (int32_t other = DAY - 1; other < day; other++)
            assert_memory_not_equal(salts_find(&first, day)->key, salts_find(&first, other)->key,
                                    SALT_BYTES);
    }
    for (int32_t day = DAY; day <= DAY + 3; day++)
        assert_same_key(&first, &second, day);
    assert_null(salts_find(&second, DAY - 1)); /* ended at 12:30 */
}

static void every_handle_reads_the_same(void **state)
{
    struct fixture *f = *state;
    struct store *other = open_again(f, false);
    struct salts mine = salts_at(f, 12), theirs = salts_of(f, other, 12, (struct salts){0});

    for (int32_t day = DAY - 1; day <= DAY + 3; day++)
        assert_same_key(&mine, &theirs, day);
    store_close(&other);
}

enum { TOGETHER = 4 };

static void processes_that_ask_together_get_the_same(void **state)
{
    struct fixture *f = *state;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < TOGETHER; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            struct store *store = open_again(f, false);
            struct salts salts = {0};
            int rc = store_salts(store, DAY_START, &salts, NULL);

            _exit(rc == 0 && write(fds[1], &salts, sizeof(salts)) == sizeof(salts) ? 0 : 1);
        }
    }
    struct salts stored = {0};

    for (int i = 0; i < TOGETHER; i++) {
        struct salts theirs;
        int status = -1;

        (void)wait(&status);
        assert_int_equal(status, 0);
        assert_int_equal(read(fds[0], &theirs, sizeof(theirs)), sizeof(theirs));
        stored = stored.count == 0 ? salts_at(f, 0) : stored;
        assert_int_equal(theirs.count, stored.count);
        for (size_t j = 0; j < stored.count; j++)
            assert_same_key(&theirs, &stored, stored.salt[j].day);
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* A server that is told to log its statements logs their text and their parameters. */
static void no_statement_or_parameter_holds_a_salt(void **state)
{
    struct fixture *f = *state;

    sql_on(f->text.ptr,
           "CREATE TABLE public.seen (query text);"
           "CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS"
           " 'BEGIN INSERT INTO public.seen VALUES (current_query()); RETURN NULL; END';"
           "CREATE TRIGGER note AFTER INSERT ON analytics.salts EXECUTE FUNCTION public.note()");
    struct salts salts = salts_at(f, 12);

    assert_int_equal(salts.count, 5);
    assert_sql(f, "SELECT string_agg(query, ' ') FROM public.seen",
               "COPY salts (day, made_ms, key) FROM STDIN (FORMAT binary)");
}

static void a_reader_gets_none(void **state)
{
    struct fixture *f = *state;
    struct store *reader = open_again(f, true);
    struct salts salts = {0};

    assert_int_equal(store_salts(reader, DAY_START, &salts, &f->err), ERR_DENIED);
    assert_int_equal(salts.count, 0);
    store_close(&reader);
}

/* -- what nodes still hold --------------------------------------------------------------------- */

static struct salts held_salt(int32_t day, int64_t made_ms, uint8_t byte)
{
    struct salts held = {.count = 1, .salt = {{.day = day, .made_ms = made_ms}}};

    memset(held.salt[0].key, byte, SALT_BYTES);
    return held;
}

static void an_empty_table_takes_what_a_node_holds(void **state)
{
    struct fixture *f = *state;
    struct salts before = salts_at(f, 12);

    sql_on(f->text.ptr, "TRUNCATE analytics.salts"); /* as a crash of the server leaves it */
    struct salts after = salts_of(f, f->store, 12.1, before), read = salts_at(f, 12.2);

    for (int32_t day = DAY - 1; day <= DAY + 3; day++) {
        assert_same_key(&before, &after, day);
        assert_same_key(&before, &read, day);
    }
}

static void of_two_salts_the_one_made_first_holds(void **state)
{
    struct fixture *f = *state;
    struct salts stored = salts_at(f, 12); /* made at DAY_START + 12 h */
    int64_t made = DAY_START + 12 * HOUR_MS;
    struct salts later = salts_of(f, f->store, 12, held_salt(DAY, made + 1, 1));
    struct salts same = salts_of(f, f->store, 12, held_salt(DAY, made, 2));

    assert_same_key(&later, &stored, DAY);
    assert_same_key(&same, &stored, DAY);
    struct salts earlier = salts_of(f, f->store, 12, held_salt(DAY, made - 1, 3));
    struct salts read = salts_at(f, 12);

    assert_int_equal(salts_find(&earlier, DAY)->key[0], 3);
    assert_same_key(&earlier, &read, DAY);
    assert_same_key(&read, &stored, DAY + 1);
}

static void a_salt_that_has_ended_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct salts salts = salts_of(f, f->store, 12, held_salt(DAY - 2, 1, 1));

    assert_null(salts_find(&salts, DAY - 2));
    assert_sql(f, "SELECT count(*) FROM analytics.salts WHERE day < 19999", "0");
}

/* -- who hears of it --------------------------------------------------------------------------- */

static void the_counter_differs_after_each_change_and_only_then(void **state)
{
    struct fixture *f = *state;
    int64_t none = counter_of(f, COUNTER_SALTS), first, second;

    assert_int_equal(none, 0);
    (void)salts_at(f, 12);
    first = counter_of(f, COUNTER_SALTS);
    assert_int_not_equal(first, 0);
    (void)salts_at(f, 12.1);
    assert_int_equal(counter_of(f, COUNTER_SALTS), first);
    (void)salts_of(f, f->store, 12.1, held_salt(DAY, 1000, 1));
    second = counter_of(f, COUNTER_SALTS);
    assert_int_not_equal(second, first);
    sql_on(f->text.ptr, "TRUNCATE analytics.salts");
    assert_int_equal(counter_of(f, COUNTER_SALTS), 0);
}

/* -- where they stand -------------------------------------------------------------------------- */

static bool is_in(const struct fixture *f, const char *file_sql, const void *bytes, size_t len)
{
    char text[1024], hex[2 * SALT_BYTES + 1], value[8];

    (void)sodium_bin2hex(hex, sizeof(hex), bytes, len);
    (void)snprintf(text, sizeof(text),
                   "SELECT coalesce(bool_or(position('\\x%s'::bytea IN content) > 0), false)"
                   " FROM (SELECT %s) AS file (content)",
                   hex, file_sql);
    sql_value(f->text.ptr, text, value, sizeof(value));
    return value[0] == 't';
}

/* A checkpoint passes unlogged tables by, but for that of a database copied file by file. */
static void write_all_buffers(const struct fixture *f)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "CREATE DATABASE \"%s_flush\" TEMPLATE template0 STRATEGY file_copy",
                   f->dir + 5);
    sql_on(postgres_server(), text);
    (void)snprintf(text, sizeof(text), "DROP DATABASE \"%s_flush\"", f->dir + 5);
    sql_on(postgres_server(), text);
}

static void a_salt_that_has_ended_is_in_no_file_of_the_table(void **state)
{
    static const char TABLE[] = "pg_read_binary_file(pg_relation_filepath('analytics.salts'))";
    struct fixture *f = *state;
    struct salts old = salts_at(f, 12);
    char path[128], text[256];

    write_all_buffers(f);
    assert_true(is_in(f, TABLE, salts_find(&old, DAY - 1)->key, SALT_BYTES));
    sql_value(f->text.ptr, "SELECT pg_relation_filepath('analytics.salts')", path, sizeof(path));
    struct salts new = salts_at(f, 13);

    write_all_buffers(f);
    assert_null(salts_find(&new, DAY - 1));
    assert_false(is_in(f, TABLE, salts_find(&old, DAY - 1)->key, SALT_BYTES));
    assert_true(is_in(f, TABLE, salts_find(&old, DAY)->key, SALT_BYTES));
    (void)snprintf(text, sizeof(text), "SELECT coalesce((pg_stat_file('%s', true)).size, 0)", path);
    assert_sql(f, text, "0");
}

static void no_salt_is_in_the_write_ahead_log(void **state)
{
    struct fixture *f = *state;
    struct tenant_row tenant = {
        .id = STR("t5g"), .name = STR("a needle in the log"), .active = true};
    char first[32], last[32], files[256];

    sql_value(f->text.ptr, "SELECT pg_walfile_name(pg_current_wal_lsn())", first, sizeof(first));
    struct salts salts = salts_at(f, 12);

    (void)salts_at(f, 13);
    assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
    sql_value(f->text.ptr, "SELECT pg_walfile_name(pg_current_wal_lsn())", last, sizeof(last));
    (void)snprintf(files, sizeof(files),
                   "pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir()"
                   " WHERE name BETWEEN '%s' AND '%s'",
                   first, last);
    assert_true(is_in(f, files, "a needle in the log", 19));
    for (int32_t day = DAY - 1; day <= DAY + 3; day++)
        assert_false(is_in(f, files, salts_find(&salts, day)->key, SALT_BYTES));
    assert_sql(f, "SELECT relpersistence FROM pg_class WHERE oid = 'analytics.salts'::regclass",
               "u");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(salts_are_made_for_the_dates_that_run_and_two_ahead),
        ON_POSTGRES(every_handle_reads_the_same),
        ON_POSTGRES(processes_that_ask_together_get_the_same),
        ON_POSTGRES(no_statement_or_parameter_holds_a_salt),
        ON_POSTGRES(a_reader_gets_none),
        ON_POSTGRES(an_empty_table_takes_what_a_node_holds),
        ON_POSTGRES(of_two_salts_the_one_made_first_holds),
        ON_POSTGRES(a_salt_that_has_ended_is_not_taken),
        ON_POSTGRES(the_counter_differs_after_each_change_and_only_then),
        ON_POSTGRES(a_salt_that_has_ended_is_in_no_file_of_the_table),
        ON_POSTGRES(no_salt_is_in_the_write_ahead_log),
    };

    return run_with_postgres("store_postgres_salts", tests, sizeof(tests) / sizeof(tests[0]));
}
