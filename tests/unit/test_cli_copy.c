/* test_cli_copy.c -- copies of a store: their format, what is refused, what is done once. */
#include "test_store_support.h"

#include "cli/copy.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

enum { KEYS = 2500 }; /* more than two batches of rows */

struct copying {
    struct fixture *from, *to;
    struct arena arena;
    struct buf out;
    struct settings settings;
    struct invocation in;
    struct copy copy;
    struct err err;
    struct buf text; /* of a copy of `from` */
};

/* -- stores and copies ------------------------------------------------------------------------- */

static void fill(struct fixture *f)
{
    struct site_row site = site_named("abc", "t5g");
    struct event_key *keys = calloc(KEYS, sizeof(*keys));

    assert_non_null(keys);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (struct event_key){STR("abc"), {(uint8_t)(i >> 8), (uint8_t)i}, 7};
    assert_ok(f, store_put_site(f->store, &site, &somebody, &f->err));
    fill_two_days(f);
    commit(f, &(struct store_batch){.keys = keys, .keys_count = KEYS});
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, DAY_START, DAY_START, &f->err));
    free(keys);
}

static void write_copy(struct copying *c, struct fixture *f, struct buf *out)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);

    assert_non_null(file);
    assert_ok(c, copy_write(&c->in, f->store, file, &c->copy, &c->err));
    assert_int_equal(fclose(file), 0);
    buf_add(out, (struct str){bytes, size});
    free(bytes);
}

static int set_up(void **state)
{
    struct copying *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    c->from = fixture_new("sqlite");
    c->to = fixture_new("sqlite");
    c->in = (struct invocation){.settings = &c->settings, .arena = &c->arena, .out = &c->out};
    fill(c->from);
    write_copy(c, c->from, &c->text);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    struct copying *c = *state;

    fixture_free(c->from);
    fixture_free(c->to);
    arena_free(&c->arena);
    buf_release(&c->out);
    buf_release(&c->text);
    free(c);
    return 0;
}

/* From a pipe, as far as the reader can see. */
static int load_once(struct copying *c, struct str text, enum copy_mode mode)
{
    FILE *file = text.len == 0 ? fopen("/dev/null", "r")
                               : fmemopen((void *)(uintptr_t)text.ptr, text.len, "r");

    assert_non_null(file);
    int rc = copy_load(&c->in, c->to->store, file, mode, &c->copy, &c->err);

    (void)fclose(file);
    return rc;
}

/* From a file, which is checked first. */
static int load_file(struct copying *c, struct str text, enum copy_mode mode)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    rewind(file);
    int rc = copy_load(&c->in, c->to->store, file, mode, &c->copy, &c->err);

    (void)fclose(file);
    return rc;
}

static int count_row(void *ctx, struct str row)
{
    (void)row;
    ++*(size_t *)ctx;
    return 0;
}

static size_t rows_of(struct fixture *f, const char *table)
{
    size_t count = 0;

    for (size_t i = 0; i < store_tables_count; i++)
        if (str_eq(store_tables[i].name, str_from(table)))
            assert_ok(f, store_dump(f->store, &store_tables[i], count_row, &count, &f->err));
    return count;
}

static void assert_empty(struct copying *c)
{
    struct store_sums sums, none = {0};

    assert_ok(c->to, store_sums(c->to->store, &sums, &c->to->err));
    assert_memory_equal(&sums, &none, sizeof(sums));
    assert_int_equal(rows_of(c->to, "event_ids"), 0);
}

/* -- texts ------------------------------------------------------------------------------------- */

static void assert_says(const struct copying *c, const char *words)
{
    if (strstr(c->err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", c->err.text, words);
}

/* Where the last line begins. */
static size_t last_line(struct str text)
{
    size_t at = text.len - 1;

    while (text.ptr[at - 1] != '\n')
        at--;
    return at;
}

/* The copy with `old` replaced by `new` and a right last line. */
static struct str forged(struct copying *c, const char *old, const char *new, size_t rows)
{
    struct str text = buf_str(&c->text);
    struct buf out = {0};
    char hex[65];
    uint8_t hash[32];
    size_t at = 0;

    while (at < text.len && !str_starts(str_slice(text, at, text.len), str_from(old)))
        at++;
    assert_true(at < text.len);
    buf_add(&out, str_slice(text, 0, at));
    buf_add(&out, str_from(new));
    buf_add(&out, str_slice(text, at + strlen(old), last_line(text)));
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)out.ptr, out.len, NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    buf_addf(&out, "{\"rows\":%zu,\"checksum\":\"%s\"}\n", rows, hex);
    struct str result = arena_str(&c->arena, buf_str(&out));

    buf_release(&out);
    return result;
}

static size_t rows_in(const struct copying *c)
{
    struct str rest = buf_str(&c->text), line;
    size_t rows = 0;

    while (str_next(&rest, '\n', &line))
        rows += str_starts(line, STR("["));
    return rows;
}

/* -- a right copy ------------------------------------------------------------------------------ */

static void a_copy_is_written_as_the_file_says(void **state)
{
    struct copying *c = *state;
    struct str text = buf_str(&c->text), rest = text, line;
    char expected[160], id[33];

    sodium_bin2hex(id, sizeof(id), c->copy.id, sizeof(c->copy.id));
    assert_true(str_next(&rest, '\n', &line));
    (void)snprintf(expected, sizeof(expected),
                   "{\"abacus\":\"copy\",\"format\":1,\"schema\":5,\"id\":\"%s\",\"madeAt\":\"",
                   id);
    assert_true(str_starts(line, str_from(expected)));
    assert_true(str_ends(line, STR(",\"asOf\":\"2024-10-04T00:00:00.000Z\"}")));
    assert_true(str_next(&rest, '\n', &line));
    assert_str(line, "{\"table\":\"secrets\",\"columns\":[\"name\",\"value\"]}");
    assert_true(str_eq(forged(c, "{", "{", rows_in(c)), text));
}

static void a_copy_makes_the_same_store(void **state)
{
    struct copying *c = *state;
    struct store_sums from, to;

    assert_ok(c, load_once(c, buf_str(&c->text), COPY_IMPORT));
    assert_true(c->copy.loaded && !c->copy.known);
    assert_int_equal(c->copy.rows_count, rows_in(c));
    assert_int_equal(rows_of(c->to, "event_ids"), KEYS);
    assert_ok(c, store_sums(c->from->store, &from, &c->err));
    assert_ok(c, store_sums(c->to->store, &to, &c->err));
    assert_memory_equal(&from, &to, sizeof(from));
    assert_int_equal(to.events, 2);
}

static void an_empty_store_can_be_copied(void **state)
{
    struct copying *c = *state;
    struct buf text = {0};

    write_copy(c, c->to, &text);
    assert_ok(c, load_file(c, buf_str(&text), COPY_IMPORT));
    assert_int_equal(c->copy.as_of_ms, 0);
    assert_empty(c);
    buf_release(&text);
}

/* -- once -------------------------------------------------------------------------------------- */

static void the_same_copy_again_changes_nothing(void **state)
{
    struct copying *c = *state;

    assert_ok(c, load_file(c, buf_str(&c->text), COPY_IMPORT));
    add_day(c->to, "abc", DAY + 5, (struct stats){.pageviews = 1});
    assert_ok(c, load_once(c, buf_str(&c->text), COPY_IMPORT));
    assert_true(c->copy.known);
    assert_int_equal(rows_of(c->to, "analytics_daily_stats"), 3);
    assert_int_equal(rows_of(c->to, "copies"), 1);
}

static void another_copy_is_refused_where_something_is(void **state)
{
    struct copying *c = *state;
    struct buf other = {0};

    assert_ok(c, load_file(c, buf_str(&c->text), COPY_IMPORT));
    write_copy(c, c->from, &other);
    assert_int_equal(load_once(c, buf_str(&other), COPY_IMPORT), ERR_CONFLICT);
    assert_true(c->copy.occupied);
    assert_says(c, "not empty");
    assert_int_equal(rows_of(c->to, "copies"), 1);
    buf_release(&other);
}

static void restore_puts_it_in_place_of_everything_only_when_told_to(void **state)
{
    struct copying *c = *state;

    assert_ok(c, load_file(c, buf_str(&c->text), COPY_RESTORE));
    add_day(c->to, "abc", DAY + 5, (struct stats){.pageviews = 1});
    assert_int_equal(load_file(c, buf_str(&c->text), COPY_RESTORE), ERR_CONFLICT);
    assert_true(c->copy.occupied);
    assert_int_equal(rows_of(c->to, "analytics_daily_stats"), 3);
    assert_ok(c, load_file(c, buf_str(&c->text), COPY_REPLACE));
    assert_int_equal(rows_of(c->to, "analytics_daily_stats"), 2);
}

/* -- what is wrong ----------------------------------------------------------------------------- */

static void refuse(struct copying *c, struct str text, int code)
{
    assert_int_equal(load_once(c, text, COPY_IMPORT), code);
    assert_int_equal(load_file(c, text, COPY_IMPORT), code);
}

static void refuses_a_copy_that_is_cut(void **state)
{
    struct copying *c = *state;
    struct str text = buf_str(&c->text);
    const size_t ends[] = {0, 1, 100, text.len / 2, last_line(text), text.len - 1};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        refuse(c, str_slice(text, 0, ends[i]), ERR_CORRUPT);
    for (size_t at = 0; at < 4000; at = str_find(text, at, '\n') + 1)
        refuse(c, str_slice(text, 0, at), ERR_CORRUPT);
    assert_empty(c);
}

static void refuses_a_copy_with_a_wrong_byte(void **state)
{
    struct copying *c = *state;

    for (size_t at = 3; at < c->text.len; at += 1 + c->text.len / 61) {
        char right = c->text.ptr[at];

        c->text.ptr[at] = (char)(right ^ 1);
        assert_int_not_equal(load_once(c, buf_str(&c->text), COPY_IMPORT), 0);
        assert_int_not_equal(load_file(c, buf_str(&c->text), COPY_IMPORT), 0);
        c->text.ptr[at] = right;
    }
    assert_empty(c);
    assert_ok(c, load_file(c, buf_str(&c->text), COPY_IMPORT));
}

static void refuses_a_copy_that_goes_on_behind_its_end(void **state)
{
    struct copying *c = *state;

    buf_add(&c->text, STR("[1]\n"));
    refuse(c, buf_str(&c->text), ERR_CORRUPT);
    assert_says(c, "behind the end");
    assert_empty(c);
}

static void refuses_what_a_newer_program_made(void **state)
{
    struct copying *c = *state;

    refuse(c, forged(c, "\"format\":1", "\"format\":2", rows_in(c)), ERR_CONFLICT);
    assert_says(c, "use a newer one");
    refuse(c, forged(c, "\"schema\":5", "\"schema\":6", rows_in(c)), ERR_CONFLICT);
    assert_says(c, "use a newer one");
    assert_false(c->copy.occupied);
    assert_empty(c);
}

static void refuses_what_is_no_copy(void **state)
{
    struct copying *c = *state;

    refuse(c, STR("{\"event\":\"pageview\"}\n"), ERR_CORRUPT);
    assert_says(c, "no copy");
    refuse(c, STR("SQLite format 3"), ERR_CORRUPT);
    refuse(c, STR("\n\n"), ERR_CORRUPT);
    assert_empty(c);
}

static void refuses_unknown_tables_and_columns(void **state)
{
    struct copying *c = *state;

    refuse(c, forged(c, "{\"table\":\"tenants\"", "{\"table\":\"tenant\"", rows_in(c)),
           ERR_CORRUPT);
    assert_says(c, "unknown table");
    refuse(c, forged(c, "\"active\"", "\"passive\"", rows_in(c)), ERR_CORRUPT);
    assert_says(c, "unknown column");
    assert_empty(c);
}

static void passes_over_a_table_that_is_gone(void **state)
{
    struct copying *c = *state;
    struct str text = forged(
        c, "{\"table\":\"event_ids\"",
        "{\"table\":\"closed_visits\",\"columns\":[\"site_id\",\"n\"]}\n[\"abc\",1]\n[\"abc\",2]\n"
        "{\"table\":\"event_ids\"",
        rows_in(c) + 2);

    assert_ok(c, load_once(c, text, COPY_IMPORT));
    assert_true(c->copy.loaded);
    assert_int_equal(c->copy.rows_count, rows_in(c) + 2);
    assert_int_equal(rows_of(c->to, "event_ids"), KEYS);
}

static void refuses_sums_that_are_not_those_of_the_store(void **state)
{
    struct copying *c = *state;

    refuse(c, forged(c, "\"pageviews\":2", "\"pageviews\":3", rows_in(c)), ERR_CORRUPT);
    assert_says(c, "pageviews: 3 in the copy, but 2 in the store");
    refuse(c, forged(c, "\"visits\":0,", "", rows_in(c)), ERR_CORRUPT);
    assert_empty(c);
}

static void refuses_a_wrong_number_of_rows(void **state)
{
    struct copying *c = *state;

    refuse(c, forged(c, "{", "{", rows_in(c) + 1), ERR_CORRUPT);
    assert_empty(c);
}

static void refuses_rows_that_the_store_refuses(void **state)
{
    struct copying *c = *state;

    refuse(c, forged(c, "[\"t5g\",\"t5g\"", "[\"no id\",\"t5g\"", rows_in(c)), ERR_CORRUPT);
    assert_says(c, "the store refuses the copy");
    assert_empty(c);
}

/* A line is bounded, because a file that is no copy may have none that ends. */
static void check_row_of(struct copying *c, size_t len, int code)
{
    struct buf row = {0};
    struct copy copy;

    buf_add(&row, STR("\n[\""));
    memset(buf_reserve(&row, len), 'x', len);
    row.len += len - 4;
    buf_add(&row, STR("\"]\n{\"table\":\"counters\""));
    buf_addc(&row, '\0');
    struct str text = forged(c, "\n{\"table\":\"counters\"", row.ptr, rows_in(c) + 1);
    FILE *file = fmemopen((void *)(uintptr_t)text.ptr, text.len, "r");

    assert_non_null(file);
    assert_int_equal(copy_read(&c->in, file, NULL, &copy, &c->err), code);
    (void)fclose(file);
    buf_release(&row);
}

static void the_longest_line_is_read_and_no_longer_one(void **state)
{
    struct copying *c = *state;

    check_row_of(c, COPY_LINE_MAX, 0);
    check_row_of(c, COPY_LINE_MAX + 1, ERR_CORRUPT);
    assert_says(c, "too long");
}

/* -- files ------------------------------------------------------------------------------------- */

static void a_file_is_its_owners_and_complete(void **state)
{
    struct copying *c = *state;
    struct buf path = {0}, part = {0};
    struct stat st;

    buf_addf(&path, "%s/copy", c->to->dir);
    buf_addf(&part, "%s/copy.part%c", c->to->dir, '\0');
    struct copy_args args = {.file = arena_str(&c->arena, buf_str(&path))};

    c->settings =
        (struct settings){.database_url = c->from->url, .data_dir = str_from(c->from->dir)};
    c->in.args = &args;
    assert_ok(c, copy_out_command(&c->in, "backup", &c->err));
    assert_ok(c, copy_out_command(&c->in, "backup", &c->err));
    assert_int_equal(stat(args.file.ptr, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(part.ptr, &st), -1);
    c->settings = (struct settings){.database_url = c->to->url, .data_dir = str_from(c->to->dir)};
    assert_ok(c, copy_in_command(&c->in, "restore", COPY_RESTORE, "", &c->err));
    assert_int_equal(rows_of(c->to, "event_ids"), KEYS);
    buf_release(&path);
    buf_release(&part);
}

static void two_copies_do_not_write_one_file(void **state)
{
    struct copying *c = *state;
    struct buf path = {0}, part = {0};
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;

    buf_addf(&path, "%s/copy", c->to->dir);
    buf_addf(&part, "%s/copy.part%c", c->to->dir, '\0');
    struct copy_args args = {.file = arena_str(&c->arena, buf_str(&path))};
    int fd = open(part.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    c->settings =
        (struct settings){.database_url = c->from->url, .data_dir = str_from(c->from->dir)};
    c->in.args = &args;
    assert_int_equal(write(fd, "half a copy", 11), 11);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
    assert_int_equal(copy_out_command(&c->in, "backup", &c->err), ERR_CONFLICT);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 11);
    /* Whoever wrote it is gone: what it left is of no use. */
    assert_int_equal(close(fd), 0);
    assert_ok(c, copy_out_command(&c->in, "backup", &c->err));
    assert_int_equal(stat(args.file.ptr, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(part.ptr, &st), -1);
    buf_release(&path);
    buf_release(&part);
}

static void a_file_that_cannot_be_written_is_not_left_behind(void **state)
{
    struct copying *c = *state;
    struct buf path = {0};
    struct stat st;

    buf_addf(&path, "%s/nowhere/copy", c->to->dir);
    struct copy_args args = {.file = arena_str(&c->arena, buf_str(&path))};

    c->settings =
        (struct settings){.database_url = c->from->url, .data_dir = str_from(c->from->dir)};
    c->in.args = &args;
    assert_int_equal(copy_out_command(&c->in, "backup", &c->err), ERR_SYSTEM);
    assert_int_equal(stat(args.file.ptr, &st), -1);
    buf_release(&path);
}

#define COPYING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COPYING(a_copy_is_written_as_the_file_says),
        COPYING(a_copy_makes_the_same_store),
        COPYING(an_empty_store_can_be_copied),
        COPYING(the_same_copy_again_changes_nothing),
        COPYING(another_copy_is_refused_where_something_is),
        COPYING(restore_puts_it_in_place_of_everything_only_when_told_to),
        COPYING(refuses_a_copy_that_is_cut),
        COPYING(refuses_a_copy_with_a_wrong_byte),
        COPYING(refuses_a_copy_that_goes_on_behind_its_end),
        COPYING(refuses_what_a_newer_program_made),
        COPYING(refuses_what_is_no_copy),
        COPYING(passes_over_a_table_that_is_gone),
        COPYING(refuses_unknown_tables_and_columns),
        COPYING(refuses_sums_that_are_not_those_of_the_store),
        COPYING(refuses_a_wrong_number_of_rows),
        COPYING(refuses_rows_that_the_store_refuses),
        COPYING(the_longest_line_is_read_and_no_longer_one),
        COPYING(a_file_is_its_owners_and_complete),
        COPYING(two_copies_do_not_write_one_file),
        COPYING(a_file_that_cannot_be_written_is_not_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
