/*
 * The pieces under an import: lines of a file at the bounds of its buffer, the file's name, rows of
 * CSV against RFC 4180, and sets of days.
 */
#include "import/import_internal.h"
#include "unit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* -- files -- */

static int file_of(struct str bytes)
{
    int fd = memfd_create("import", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    return fd;
}

static void assert_lines(const char *text, const char *const *expected, size_t count)
{
    int fd = file_of(str_from(text));
    struct lines lines;
    struct str line;
    struct err err = {""};

    lines_open(&lines, fd);
    assert_int_equal(lines_seek(&lines, 0, &err), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lines_next(&lines, &line, &err), 1);
        assert_int_equal(lines.number, i + 1);
        if (!str_eq(line, str_from(expected[i])))
            fail_msg("line %zu is \"%.*s\"", i + 1, STR_FMT(line));
    }
    assert_int_equal(lines_next(&lines, &line, &err), 0);
    lines_release(&lines);
    (void)close(fd);
}

static void gives_lines_with_any_ending(void **state)
{
    (void)state;
    assert_lines("", NULL, 0);
    assert_lines("a", (const char *const[]){"a"}, 1);
    assert_lines("a\n", (const char *const[]){"a"}, 1);
    assert_lines("\n\na\r\nb", (const char *const[]){"", "", "a", "b"}, 4);
    assert_lines("a\r\n\r\n", (const char *const[]){"a", ""}, 2);
}

/* Line i of `lengths` is so many bytes of one letter. */
static struct str long_lines(const size_t *lengths, size_t count)
{
    struct buf text = {0};

    for (size_t i = 0; i < count; i++) {
        memset(buf_reserve(&text, lengths[i]), (int)('a' + i % 26), lengths[i]);
        text.len += lengths[i];
        buf_addc(&text, '\n');
    }
    return buf_str(&text);
}

static void assert_long_line(struct lines *lines, size_t i, size_t length)
{
    struct err err = {""};
    struct str line;

    assert_int_equal(lines_next(lines, &line, &err), 1);
    assert_int_equal(lines->number, i + 1);
    if (length >= LINE_MAX_BYTES) {
        assert_true(line.len >= LINE_MAX_BYTES);
        return;
    }
    assert_int_equal(line.len, length);
    for (size_t k = 0; k < length; k++)
        assert_int_equal(line.ptr[k], 'a' + i % 26);
}

static void gives_whole_lines_below_the_limit_wherever_the_buffer_ends(void **state)
{
    const size_t lengths[] = {READ_BYTES - 10, 30,  LINE_MAX_BYTES - 1, LINE_MAX_BYTES,
                              READ_BYTES,      0,   3 * READ_BYTES,     5,
                              READ_BYTES / 2,  100, LINE_MAX_BYTES - 1, 1};
    enum { COUNT = sizeof(lengths) / sizeof(lengths[0]) };
    struct str text = long_lines(lengths, COUNT);
    int fd = file_of(text);
    struct lines lines;
    struct err err = {""};
    struct str line;

    (void)state;
    lines_open(&lines, fd);
    for (size_t from = 0; from <= COUNT; from++) {
        assert_int_equal(lines_seek(&lines, from, &err), 0);
        for (size_t i = from; i < COUNT; i++)
            assert_long_line(&lines, i, lengths[i]);
        assert_int_equal(lines_next(&lines, &line, &err), 0);
    }
    assert_int_equal(lines_seek(&lines, COUNT + 1, &err), ERR_CORRUPT);
    lines_release(&lines);
    (void)close(fd);
    free((void *)(uintptr_t)text.ptr);
}

/* -- names -- */

static struct file_name name_of(const char *text, enum file_kind kind, const char *site)
{
    struct file_name name;
    struct err err = {""};
    int fd = file_of(str_from(text));

    assert_int_equal(file_name_of(fd, kind, str_from(site), &name, &err), 0);
    (void)close(fd);
    return name;
}

static void counts_the_lines_of_a_file(void **state)
{
    static const struct {
        const char *text;
        uint64_t lines;
    } cases[] = {{"", 0}, {"a", 1}, {"a\n", 1}, {"\n", 1}, {"a\nb", 2}, {"a\n\n", 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(name_of(cases[i].text, FILE_ACCESS_LOG, "s").lines, cases[i].lines);
}

static bool same_producer(struct file_name a, struct file_name b)
{
    return memcmp(&a.producer, &b.producer, sizeof(a.producer)) == 0;
}

static void a_file_of_a_site_is_one_producer(void **state)
{
    const struct file_name name = name_of("ab\n", FILE_ACCESS_LOG, "s");
    const struct file_name others[] = {
        name_of("ab", FILE_ACCESS_LOG, "s"),
        name_of("b\n", FILE_ACCESS_LOG, "sa"),
        name_of("ab\n", FILE_ACCESS_LOG, "t"),
        name_of("ab\n", FILE_DAILY, "s"),
    };

    (void)state;
    assert_true(producer_is_import(&name.producer));
    assert_true(same_producer(name, name_of("ab\n", FILE_ACCESS_LOG, "s")));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(same_producer(name, others[i]));
}

/* Whoever has the database knows the producer. */
static void the_secret_is_no_part_of_the_name(void **state)
{
    const struct file_name name = name_of("ab\n", FILE_ACCESS_LOG, "s"),
                           again = name_of("ab\n", FILE_ACCESS_LOG, "s"),
                           other = name_of("ab\n", FILE_ACCESS_LOG, "t");

    (void)state;
    assert_memory_equal(name.secret, again.secret, SALT_BYTES);
    assert_memory_not_equal(name.secret, other.secret, SALT_BYTES);
    for (size_t i = 0; i + 8 <= SALT_BYTES; i++)
        assert_memory_not_equal(name.secret + i, name.producer.id + PRODUCER_IMPORT_BYTES, 8);
}

/* -- CSV -- */

static void splits_rows_as_rfc_4180_says(void **state)
{
    static const struct {
        const char *line;
        const char *fields[4]; /* up to NULL */
    } cases[] = {
        {"", {""}},
        {"aaa,bbb,ccc", {"aaa", "bbb", "ccc"}},
        {"\"aaa\",\"bbb\",\"ccc\"", {"aaa", "bbb", "ccc"}},
        {"\"aaa\",\"b\"\"bb\",\"ccc\"", {"aaa", "b\"bb", "ccc"}},
        {"\"a,b\",", {"a,b", ""}},
        {",,", {"", "", ""}},
        {"\"\"", {""}},
        {"\"\"\"\"", {"\""}},
        {"\" a \", b\t", {" a ", "b"}},
    };
    struct arena arena = {0};
    struct str fields[CSV_COLUMNS_MAX];
    struct err err = {""};
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t expected = 0;

        while (expected < 4 && cases[i].fields[expected] != NULL)
            expected++;
        assert_int_equal(csv_split(str_from(cases[i].line), &arena, fields, &count, &err), 0);
        assert_int_equal(count, expected);
        for (size_t k = 0; k < count; k++)
            if (!str_eq(fields[k], str_from(cases[i].fields[k])))
                fail_msg("%s: field %zu is \"%.*s\"", cases[i].line, k, STR_FMT(fields[k]));
    }
    arena_free(&arena);
}

static void refuses_quotes_out_of_place(void **state)
{
    static const char *const lines[] = {"\"",   "\"a",   "a,\"b",  "\"a\"b", "\"a\" ,b",
                                        "a\"b", "a\"\"", "\"\"\"", " \"a\""};
    struct arena arena = {0};
    struct str fields[CSV_COLUMNS_MAX];
    struct err err = {""};
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (csv_split(str_from(lines[i]), &arena, fields, &count, &err) != ERR_INVALID)
            fail_msg("taken: %s", lines[i]);
    arena_free(&arena);
}

static void takes_64_columns_and_no_more(void **state)
{
    char commas[CSV_COLUMNS_MAX + 1];
    struct arena arena = {0};
    struct str fields[CSV_COLUMNS_MAX];
    struct err err = {""};
    size_t count;

    (void)state;
    memset(commas, ',', sizeof(commas));
    assert_int_equal(
        csv_split((struct str){commas, CSV_COLUMNS_MAX - 1}, &arena, fields, &count, &err), 0);
    assert_int_equal(count, CSV_COLUMNS_MAX);
    assert_int_equal(csv_split((struct str){commas, CSV_COLUMNS_MAX}, &arena, fields, &count, &err),
                     ERR_INVALID);
    arena_free(&arena);
}

/* -- days -- */

static void keeps_each_day_once_and_in_order(void **state)
{
    struct arena arena = {0};
    struct days days = {0};
    bool there[1000] = {false};
    uint32_t random = 7;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        random = random * 1664525 + 1013904223;
        int32_t day = (int32_t)(random >> 16) % 1000;

        assert_int_equal(days_has(&days, day), there[day]);
        assert_int_equal(days_add(&days, day, &arena), !there[day]);
        there[day] = true;
    }
    for (size_t i = 1; i < days.count; i++)
        assert_true(days.day[i - 1] < days.day[i]);
    for (int32_t day = 0; day < 1000; day++)
        assert_int_equal(days_has(&days, day), there[day]);
    assert_false(days_has(&days, -1));
    assert_false(days_has(&days, 1000));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_lines_with_any_ending),
        cmocka_unit_test(gives_whole_lines_below_the_limit_wherever_the_buffer_ends),
        cmocka_unit_test(counts_the_lines_of_a_file),
        cmocka_unit_test(a_file_of_a_site_is_one_producer),
        cmocka_unit_test(the_secret_is_no_part_of_the_name),
        cmocka_unit_test(splits_rows_as_rfc_4180_says),
        cmocka_unit_test(refuses_quotes_out_of_place),
        cmocka_unit_test(takes_64_columns_and_no_more),
        cmocka_unit_test(keeps_each_day_once_and_in_order),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("import_file", tests, NULL, NULL);
}
