/* Columns, dicts and rollups as bytes: there and back, and what is none. */
#include "facts/facts_internal.h"
#include "test_facts_support.h"

/* -- columns -------------------------------------------------------------------------------- */

static void column_comes_back(const uint64_t *values, size_t count)
{
    struct arena arena = {0};
    struct buf out = {0};
    uint64_t max = 0;

    for (size_t i = 0; i < count; i++)
        max = values[i] > max ? values[i] : max;
    put_wide_column(&out, values, count);
    struct reader reader = reader_of(buf_str(&out));
    const uint64_t *back = read_wide_column(&reader, count, max, &arena);

    assert_false(reader.bad);
    assert_ptr_equal(reader.at, reader.end);
    assert_memory_equal(back, values, count * sizeof(values[0]));
    if (max > 0) { /* one less is too little */
        reader = reader_of(buf_str(&out));
        assert_null(read_wide_column(&reader, count, max - 1, &arena));
        assert_true(reader.bad);
    }
    if (out.len > 0) { /* and so is one byte */
        reader = reader_of((struct str){out.ptr, out.len - 1});
        assert_null(read_wide_column(&reader, count, max, &arena));
    }
    buf_release(&out);
    arena_free(&arena);
}

static void columns_of_every_width_come_back(void **state)
{
    uint64_t values[600];
    struct chance chance = {1};

    (void)state;
    for (unsigned bits = 0; bits <= 64; bits++)
        for (size_t count = 1; count <= 600; count += 85) {
            for (size_t i = 0; i < count; i++)
                values[i] = bits == 0 ? 5 : mixed(++chance.state) >> (64 - bits);
            column_comes_back(values, count);
        }
    static const size_t sizes[] = {1, 255, 256, 257, 511, 512, 513};

    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        for (size_t i = 0; i < sizes[k]; i++)
            values[i] = i / 100; /* runs */
        column_comes_back(values, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            values[i] = i % 50 == 49 ? UINT64_MAX - i : i % 7; /* few large ones */
        column_comes_back(values, sizes[k]);
    }
}

static void a_column_asks_for_no_more_than_its_bytes_can_hold(void **state)
{
    static const char bytes[] = {0, 5, 0, 5}; /* two blocks of fives */
    struct arena arena = {0};
    struct reader reader = reader_of((struct str){bytes, sizeof(bytes)});

    (void)state;
    assert_true(column_fits((struct str){bytes, sizeof(bytes)}, 512));
    assert_false(column_fits((struct str){bytes, sizeof(bytes)}, 513));
    assert_non_null(read_column(&reader, 512, 5, &arena));
    reader = reader_of((struct str){bytes, sizeof(bytes)});
    assert_null(read_column(&reader, SIZE_MAX, 5, &arena));
    arena_free(&arena);
}

static void refuses_blocks_that_are_none(void **state)
{
    static const struct {
        char bytes[8];
        size_t len;
    } wrong[] = {{{58, 0, 0, 0}, 4},           /* more bits than a word holds at any bit */
                 {{127, 0}, 2},                /* no kind */
                 {{(char)130, 0}, 2},          /* no kind */
                 {{(char)129, 1, 3, 1, 0}, 5}, /* an empty run */
                 {{(char)129, 1, 5}, 3},       /* a run too long */
                 {{(char)129, 1, 3}, 3},       /* runs too short */
                 {{(char)128, 1, 1, 1}, 4},    /* three of four */
                 {{1, 3, 1}, 3}};              /* base and bits beyond 3 */
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reader reader = reader_of((struct str){wrong[i].bytes, wrong[i].len});

        assert_null(read_column(&reader, 4, 3, &arena));
        assert_true(reader.bad);
    }
    arena_free(&arena);
}

static void numbers_end_at_the_last_bit(void **state)
{
    static const char most[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    static const char beyond[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    struct reader reader = reader_of((struct str){most, 10});
    struct buf out = {0};

    (void)state;
    assert_true(read_uint(&reader) == UINT64_MAX && !reader.bad);
    reader = reader_of((struct str){beyond, 10});
    assert_true(read_uint(&reader) == 0 && reader.bad);
    put_uint(&out, (uint64_t)SUM_MAX);
    put_uint(&out, (uint64_t)SUM_MAX + 1);
    put_int(&out, INT64_MIN);
    reader = reader_of(buf_str(&out));
    assert_true(read_sum(&reader) == SUM_MAX && !reader.bad);
    assert_true(read_sum(&reader) == 0 && reader.bad);
    reader = reader_of((struct str){out.ptr + 16, out.len - 16});
    assert_true(read_int(&reader) == INT64_MIN && !reader.bad);
    buf_release(&out);
}

/* -- dicts ---------------------------------------------------------------------------------- */

static void dict_comes_back(const struct str *values, uint32_t count, size_t step)
{
    struct arena arena = {0};
    struct buf out = {0};

    put_dict(&out, (struct dict){values, count});
    struct reader reader = reader_of(buf_str(&out));
    struct dict back = read_dict(&reader, &arena);

    assert_false(reader.bad);
    assert_ptr_equal(reader.at, reader.end);
    assert_int_equal(back.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(str_eq(back.values[i], values[i]));
    for (size_t len = 0; len < out.len; len += step) {
        reader = reader_of((struct str){out.ptr, len});
        (void)read_dict(&reader, &arena);
        assert_true(reader.bad);
        arena_reset(&arena);
    }
    buf_release(&out);
    arena_free(&arena);
}

static void dicts_come_back_however_much_their_texts_share(void **state)
{
    enum { TEXTS = 60 };
    char *same = malloc((size_t)TEXTS * VALUE_MAX);
    struct str values[TEXTS + 1] = {STR("")};
    const struct str few[] = {STR(""), STR("/"), STR("/a"), STR("/ab"), STR("/b\0x")};

    (void)state;
    assert_non_null(same);
    memset(same, 'x', (size_t)TEXTS * VALUE_MAX);
    for (size_t i = 0; i < TEXTS; i++) { /* four bytes would stand for each */
        same[(i + 1) * VALUE_MAX - 1] = (char)('A' + i);
        values[i + 1] = (struct str){same + i * VALUE_MAX, VALUE_MAX};
    }
    dict_comes_back(values, 1, 1);
    dict_comes_back(few, COUNT_OF(few), 1);
    dict_comes_back(values, TEXTS + 1, 503);
    free(same);
}

static void refuses_dicts_that_are_none(void **state)
{
    static const struct {
        char bytes[16];
        size_t len;
    } wrong[] = {{{0, 0}, 2},                       /* not even the empty text */
                 {{2, 1, 1, 1, 'a'}, 5},            /* shares what is not there */
                 {{3, 2, 0, 1, 'b', 0, 1, 'a'}, 8}, /* not in order */
                 {{3, 2, 0, 1, 'a', 0, 1, 'a'}, 8}, /* twice */
                 {{2, 1, 0, 2, 'a', 'b'}, 6},       /* longer than it says */
                 {{2, 0x7f, 0, 1, 'a'}, 5},         /* fine but for the size: 127 of 3 */
                 {{0x7f, 1, 0, 1, 'a'}, 5}};        /* more texts than bytes */
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reader reader = reader_of((struct str){wrong[i].bytes, wrong[i].len});
        struct dict dict = read_dict(&reader, &arena);

        /* A size that is too great, but not out of all measure, only leaves room. */
        assert_true(reader.bad || (i == 5 && dict.count == 2));
    }
    arena_free(&arena);
}

static void cuts_a_value_that_no_dict_could_hold(void **state)
{
    struct arena arena = {0};
    struct intern intern;
    char text[VALUE_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    intern_init(&intern, &arena);
    uint32_t whole = intern_put(&intern, (struct str){text, VALUE_MAX});

    assert_int_equal(intern.values[whole].len, VALUE_MAX);
    assert_int_equal(intern_put(&intern, (struct str){text, VALUE_MAX + 1}), whole);
    arena_free(&arena);
}

/* -- rollups -------------------------------------------------------------------------------- */

static struct counts *some_counts(struct arena *arena, size_t values)
{
    struct counts *counts = counts_new(arena, DIM_PAGE, STR(""));
    char value[32];

    for (size_t i = values; i > 0; i--) {
        int len = snprintf(value, sizeof(value), "/page/%zu", i * 7919 % 1000);
        int64_t n = (int64_t)i;

        counts_add(counts, &(struct count_row){.value = {value, (size_t)len},
                                               .visitors = n,
                                               .pageviews = 2 * n,
                                               .visits = n,
                                               .bounces = n / 2,
                                               .visit_ms = n * 100000,
                                               .conversions = i % 5 == 0 ? 3 : 0,
                                               .converters = i % 5 == 0 ? 1 : 0,
                                               .engaged = n,
                                               .engaged_ms = n * 1000,
                                               .scrolled = n,
                                               .scroll = n * 50});
    }
    return counts;
}

static void rollups_come_back_and_add_up(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t values = 0; values < 300; values += 43) {
        struct counts *counts = some_counts(&arena, values);
        struct str bytes = counts_save(counts, SIZE_MAX, &arena);
        struct counts *back = counts_new(&arena, DIM_PAGE, STR(""));
        struct count_row other;
        size_t count, back_count;

        assert_int_equal(counts_load(back, bytes, NULL), 0);
        assert_true(str_eq(counts_save(back, SIZE_MAX, &arena), bytes));
        assert_int_equal(counts_load(back, bytes, NULL), 0);
        const struct count_row *rows = counts_rows(counts, &count, &other);
        const struct count_row *twice = counts_rows(back, &back_count, &other);

        assert_int_equal(count, values);
        assert_int_equal(back_count, values);
        for (size_t i = 0, k = 0; i < count; i++) {
            for (k = 0; !str_eq(twice[k].value, rows[i].value); k++)
                assert_true(k + 1 < count);
            assert_int_equal(twice[k].visitors, 2 * rows[i].visitors);
            assert_int_equal(twice[k].visit_ms, 2 * rows[i].visit_ms);
            assert_int_equal(twice[k].converters, 2 * rows[i].converters);
            assert_int_equal(twice[k].scroll, 2 * rows[i].scroll);
        }
    }
    arena_free(&arena);
}

static void rollups_hold_values_as_long_as_any_is(void **state)
{
    enum { VALUES = 20 };
    struct arena arena = {0};
    struct counts *counts = counts_new(&arena, DIM_PAGE, STR(""));
    struct counts *back = counts_new(&arena, DIM_PAGE, STR(""));
    char text[VALUE_MAX + 1];
    struct count_row other;
    size_t count;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < VALUES; i++) { /* two that differ only where they are cut are one */
        text[VALUE_MAX - 1 - 100 * i] = 'y';
        counts_add(counts, &(struct count_row){.value = {text, VALUE_MAX}, .visitors = 1});
        counts_add(counts, &(struct count_row){.value = {text, VALUE_MAX + 1}, .visitors = 1});
    }
    assert_int_equal(counts_load(back, counts_save(counts, SIZE_MAX, &arena), NULL), 0);
    const struct count_row *rows = counts_rows(back, &count, &other);

    assert_int_equal(count, VALUES);
    for (size_t i = 0; i < count; i++) {
        size_t turned = 0;

        assert_int_equal(rows[i].value.len, VALUE_MAX);
        assert_int_equal(rows[i].visitors, 2);
        /* From some place on every hundredth byte is a y, and no other is. */
        for (size_t k = 0; k < VALUE_MAX; k++) {
            bool y = rows[i].value.ptr[k] == 'y';

            assert_true(!y || (VALUE_MAX - 1 - k) % 100 == 0);
            assert_true(y || turned == 0 || (VALUE_MAX - 1 - k) % 100 != 0);
            turned += y;
        }
        assert_in_range(turned, 1, VALUES);
    }
    arena_free(&arena);
}

static void a_rollup_keeps_the_first_rows_and_the_sum_of_the_rest(void **state)
{
    struct arena arena = {0};
    struct counts *counts = some_counts(&arena, 10);

    (void)state;
    counts_add(counts, &(struct count_row){.value = VALUE_OTHER, .visitors = 1000});
    for (size_t most = 8; most <= 11; most++) {
        struct counts *back = counts_new(&arena, DIM_PAGE, STR(""));
        struct count_row other;
        size_t count;

        assert_int_equal(counts_load(back, counts_save(counts, most, &arena), NULL), 0);
        const struct count_row *rows = counts_rows(back, &count, &other);

        assert_int_equal(count, most < 10 ? most : 10);
        /* Those left out have 1 and 2 visitors. */
        assert_int_equal(other.visitors, 1000 + (most == 8 ? 3 : most == 9 ? 1 : 0));
        for (size_t i = 0; i < count; i++)
            assert_true(most >= 10 || rows[i].visitors > 10 - (int64_t)most);
    }
    arena_free(&arena);
}

static void refuses_rollups_that_are_damaged(void **state)
{
    struct arena arena = {0};
    struct str bytes = counts_save(some_counts(&arena, 100), SIZE_MAX, &arena);
    struct err err;

    (void)state;
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(
            counts_load(counts_new(&arena, DIM_PAGE, STR("")), (struct str){bytes.ptr, len}, &err),
            ERR_CORRUPT);
    char *more = arena_bytes(&arena, bytes.len + 1);

    memcpy(more, bytes.ptr, bytes.len);
    more[bytes.len] = 0;
    assert_int_equal(
        counts_load(counts_new(&arena, DIM_PAGE, STR("")), (struct str){more, bytes.len + 1}, &err),
        ERR_CORRUPT);
    for (int version = 0; version <= 3; version += 3) { /* none, and one to come */
        more[0] = (char)version;
        assert_int_equal(
            counts_load(counts_new(&arena, DIM_PAGE, STR("")), (struct str){more, bytes.len}, &err),
            ERR_CORRUPT);
    }
    arena_free(&arena);
}

/* -- events in rollups ---------------------------------------------------------------------- */

/* Two visitors and five pageviews of "b", as rollups were written before they held events. */
#define BEFORE_EVENTS STR("\1\0\1\0\1b\3\2\5")

static int load(struct counts *counts, struct str rollup)
{
    return counts_load(counts, rollup, NULL);
}

static struct counts *counts_of_events(struct arena *arena)
{
    struct counts *counts = counts_new(arena, DIM_EVENT, STR(""));

    counts_add(counts, &(struct count_row){.value = STR("b"), .visitors = 1, .events = 4});
    counts_add(counts, &(struct count_row){.value = STR("server"), .events = 7});
    counts_add(counts, &(struct count_row){.value = VALUE_OTHER, .events = SUM_MAX});
    return counts;
}

static void rollups_of_events_and_properties_hold_events(void **state)
{
    struct arena arena = {0};
    struct str bytes = counts_save(counts_of_events(&arena), SIZE_MAX, &arena);
    struct counts *back = counts_new(&arena, DIM_EVENT, STR(""));
    struct count_row other;
    size_t count;

    (void)state;
    assert_int_equal(bytes.ptr[0], 2);
    assert_int_equal(load(back, bytes), 0);
    assert_true(counts_know_events(back));
    assert_true(str_eq(counts_save(back, SIZE_MAX, &arena), bytes));
    assert_int_equal(load(back, bytes), 0);
    assert_int_equal(counts_find(back, STR("b"))->events, 8);
    assert_int_equal(counts_find(back, STR("server"))->events, 14);
    (void)counts_rows(back, &count, &other);
    assert_int_equal(count, 2);
    assert_int_equal(other.events, SUM_MAX);
    for (unsigned d = 0; d < DIMENSIONS; d++) { /* what others would be given is not written */
        struct counts *counts = counts_new(&arena, (enum dimension)d, STR("p"));
        bool has = d == DIM_EVENT || d == DIM_PROP;

        counts_add(counts, &(struct count_row){.value = STR("b"), .visitors = 1, .events = 4});
        assert_int_equal(counts_know_events(counts), has);
        bytes = counts_save(counts, SIZE_MAX, &arena);
        assert_int_equal(bytes.ptr[0], has ? 2 : 1);
        counts = counts_new(&arena, (enum dimension)d, STR("p"));
        assert_int_equal(load(counts, bytes), 0);
        assert_int_equal(counts_find(counts, STR("b"))->events, has ? 4 : 0);
    }
    arena_free(&arena);
}

static void a_rollup_of_before_knows_no_events_and_leaves_none_known(void **state)
{
    struct arena arena = {0};
    struct counts *alone = counts_new(&arena, DIM_EVENT, STR(""));
    struct str known = counts_save(counts_of_events(&arena), SIZE_MAX, &arena), sum[2];

    (void)state;
    assert_int_equal(load(alone, BEFORE_EVENTS), 0);
    assert_false(counts_know_events(alone));
    assert_int_equal(counts_find(alone, STR("b"))->visitors, 2);
    assert_int_equal(counts_find(alone, STR("b"))->pageviews, 5);
    assert_true(str_eq(counts_save(alone, SIZE_MAX, &arena), BEFORE_EVENTS));
    for (int first = 0; first < 2; first++) {
        struct counts *both = counts_new(&arena, DIM_EVENT, STR(""));

        assert_int_equal(load(both, first == 0 ? BEFORE_EVENTS : known), 0);
        assert_int_equal(load(both, first == 0 ? known : BEFORE_EVENTS), 0);
        assert_false(counts_know_events(both));
        assert_int_equal(counts_find(both, STR("b"))->visitors, 3);
        sum[first] = counts_save(both, SIZE_MAX, &arena);
        struct counts *back = counts_new(&arena, DIM_EVENT, STR(""));
        assert_int_equal(load(back, sum[first]), 0);
        assert_false(counts_know_events(back));
    }
    assert_true(str_eq(sum[0], sum[1]));
    arena_free(&arena);
}

static void a_row_has_no_more_numbers_than_its_version(void **state)
{
    static const struct {
        char bytes[8];
        size_t len;
        int rc;
    } rollups[] = {{{1, (char)0x80, 8, 1, 0}, 5, 0},            /* number 10 */
                   {{1, (char)0x80, 16, 1, 0}, 5, ERR_CORRUPT}, /* 11: events */
                   {{2, (char)0x80, 16, 1, 0}, 5, 0},
                   {{2, (char)0x80, 32, 1, 0}, 5, ERR_CORRUPT}}; /* 12 */
    struct arena arena = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rollups); i++)
        assert_int_equal(load(counts_new(&arena, DIM_EVENT, STR("")),
                              (struct str){rollups[i].bytes, rollups[i].len}),
                         rollups[i].rc);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_every_width_come_back),
        cmocka_unit_test(a_column_asks_for_no_more_than_its_bytes_can_hold),
        cmocka_unit_test(refuses_blocks_that_are_none),
        cmocka_unit_test(numbers_end_at_the_last_bit),
        cmocka_unit_test(dicts_come_back_however_much_their_texts_share),
        cmocka_unit_test(refuses_dicts_that_are_none),
        cmocka_unit_test(cuts_a_value_that_no_dict_could_hold),
        cmocka_unit_test(rollups_come_back_and_add_up),
        cmocka_unit_test(rollups_hold_values_as_long_as_any_is),
        cmocka_unit_test(a_rollup_keeps_the_first_rows_and_the_sum_of_the_rest),
        cmocka_unit_test(refuses_rollups_that_are_damaged),
        cmocka_unit_test(rollups_of_events_and_properties_hold_events),
        cmocka_unit_test(a_rollup_of_before_knows_no_events_and_leaves_none_known),
        cmocka_unit_test(a_row_has_no_more_numbers_than_its_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
