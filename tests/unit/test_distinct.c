/* Distinct counting against counts that are known because the values are made to be distinct. */
#include "rollup/distinct.h"
#include "unit.h"

#include <math.h>

/* splitmix64: a bijection, so n different inputs give n different, evenly spread values. */
static uint64_t spread(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct distinct *load(struct str bytes, struct arena *arena)
{
    struct distinct *set = NULL;
    struct err err = {0};

    assert_int_equal(distinct_load(bytes, arena, &set, &err), 0);
    return set;
}

static struct distinct *filled(uint64_t from, uint64_t to, struct arena *arena)
{
    struct distinct *set = load(STR(""), arena);

    for (uint64_t i = from; i < to; i++)
        (void)distinct_add(set, spread(i), arena);
    return set;
}

static void is_exact_up_to_its_bound_and_an_estimate_beyond(void **state)
{
    struct arena arena = {0};
    struct distinct *set = filled(0, DISTINCT_EXACT, &arena);

    (void)state;
    assert_int_equal(distinct_count(set), DISTINCT_EXACT);
    assert_true(distinct_is_exact(set));
    assert_true(distinct_add(set, spread(DISTINCT_EXACT), &arena));
    assert_false(distinct_is_exact(set));
    assert_in_range(distinct_count(set), 2049 - 66, 2049 + 66); /* four standard errors */
    arena_free(&arena);
}

static void adding_again_changes_nothing(void **state)
{
    struct arena arena = {0};
    struct distinct *set = filled(0, 100, &arena);

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        assert_false(distinct_add(set, spread(i), &arena));
    assert_int_equal(distinct_count(set), 100);
    arena_free(&arena);
}

static void goes_on_from_its_bytes(void **state)
{
    struct arena arena = {0};
    struct distinct *set = load(distinct_save(filled(0, 1000, &arena), &arena), &arena);

    (void)state;
    for (uint64_t i = 500; i < 1500; i++)
        (void)distinct_add(set, spread(i), &arena);
    assert_int_equal(distinct_count(set), 1500);
    arena_free(&arena);
}

static void the_same_set_has_the_same_bytes_in_any_order(void **state)
{
    const uint64_t sizes[] = {1500, 5000};
    struct arena arena = {0};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct distinct *up = filled(0, sizes[k], &arena);
        struct distinct *down = load(STR(""), &arena);

        for (uint64_t i = sizes[k]; i-- > 0;) {
            if (i % 700 == 0)
                down = load(distinct_save(down, &arena), &arena);
            (void)distinct_add(down, spread(i), &arena);
        }
        struct str a = distinct_save(up, &arena), b = distinct_save(down, &arena);

        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.ptr, b.ptr, a.len);
    }
    arena_free(&arena);
}

static void merging_is_the_union_in_any_direction(void **state)
{
    const uint64_t sizes[] = {600, 6000};
    struct arena arena = {0};

    (void)state;
    for (size_t x = 0; x < 2; x++) {
        for (size_t y = 0; y < 2; y++) {
            struct distinct *a = filled(0, sizes[x], &arena);
            struct distinct *b = filled(300, 300 + sizes[y], &arena);
            struct distinct *both = filled(0, sizes[x], &arena);

            for (uint64_t i = 300; i < 300 + sizes[y]; i++)
                (void)distinct_add(both, spread(i), &arena);
            distinct_merge(a, b, &arena);
            distinct_merge(a, b, &arena);
            struct str merged = distinct_save(a, &arena), wanted = distinct_save(both, &arena);

            assert_int_equal(merged.len, wanted.len);
            assert_memory_equal(merged.ptr, wanted.ptr, merged.len);
        }
    }
    arena_free(&arena);
}

/* The standard error is 1.04/sqrt(2^14) = 0.81 %; over 20 sets the mean square error stays near it.
 */
static void estimates_within_the_documented_error(void **state)
{
    const uint64_t sizes[] = {3000, 20000, 300000};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        double square = 0;

        for (uint64_t round = 0; round < 20; round++) {
            struct arena arena = {0};
            uint64_t from = (round + 1) << 32;
            double count = (double)distinct_count(filled(from, from + sizes[k], &arena));
            double error = count / (double)sizes[k] - 1;

            square += error * error / 20;
            arena_free(&arena);
        }
        assert_true(sqrt(square) < 0.0081 * 1.5);
    }
}

static void refuses_bytes_that_are_no_set(void **state)
{
    struct arena arena = {0};
    char big[1 + 8 * (DISTINCT_EXACT + 1)] = {1};
    char registers[1 + 16384] = {2};
    const struct str bad[] = {
        STR("\3"), STR("\1abc"), STR("\2"), STR("\1\0\0\0\0\0\0\0\0"), {big, sizeof(big)}};
    struct distinct *set = NULL;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(distinct_load(bad[i], &arena, &set, &err), ERR_CORRUPT);
    registers[17] = 51;
    assert_int_equal(distinct_load((struct str){registers, sizeof(registers)}, &arena, &set, &err),
                     0);
    registers[17] = 52;
    assert_int_equal(distinct_load((struct str){registers, sizeof(registers)}, &arena, &set, &err),
                     ERR_CORRUPT);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_up_to_its_bound_and_an_estimate_beyond),
        cmocka_unit_test(adding_again_changes_nothing),
        cmocka_unit_test(goes_on_from_its_bytes),
        cmocka_unit_test(the_same_set_has_the_same_bytes_in_any_order),
        cmocka_unit_test(merging_is_the_union_in_any_direction),
        cmocka_unit_test(estimates_within_the_documented_error),
        cmocka_unit_test(refuses_bytes_that_are_no_set),
    };
    return cmocka_run_group_tests_name("distinct", tests, NULL, NULL);
}
