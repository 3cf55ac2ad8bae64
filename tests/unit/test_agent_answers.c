/* Answers kept: which are found again, and which make room. */
#include "agent/answers.h"
#include "test_agent_support.h"

static struct answers *answers_of(size_t places)
{
    struct answers *answers;

    assert_int_equal(answers_new(places, &answers, NULL), 0);
    return answers;
}

static struct answer_key key_of(struct answers *answers, unsigned n)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "agent %u", n);
    return answers_key(answers, str_from(text), HINT_NONE);
}

static void put(struct answers *answers, unsigned n)
{
    struct answer answer = {.device = STR("tv"), .browser_len = (uint8_t)n};

    answers_put(answers, key_of(answers, n), &answer);
}

static bool has(struct answers *answers, unsigned n)
{
    struct answer answer;
    bool found = answers_get(answers, key_of(answers, n), &answer);

    if (found) {
        is_str(answer.device, STR("tv"), "device");
        assert_int_equal(answer.browser_len, n);
    }
    return found;
}

static void finds_what_was_put(void **state)
{
    struct answers *answers = answers_of(4096);

    (void)state;
    assert_false(has(answers, 1));
    for (unsigned n = 1; n <= 100; n++)
        put(answers, n);
    for (unsigned n = 1; n <= 100; n++)
        assert_true(has(answers, n));
    assert_false(has(answers, 101));
    answers_free(&answers);
    assert_null(answers);
    answers_free(&answers);
}

/* With places for one set, all keys are in it. */
static void makes_room_of_what_was_used_longest_ago(void **state)
{
    struct answers *answers = answers_of(ANSWERS_WAYS);

    (void)state;
    for (unsigned n = 1; n <= ANSWERS_WAYS; n++)
        put(answers, n);
    for (unsigned n = 1; n <= ANSWERS_WAYS; n++)
        assert_true(has(answers, n));
    assert_true(has(answers, 1));
    put(answers, 100);
    assert_false(has(answers, 2));
    assert_true(has(answers, 1));
    assert_true(has(answers, 100));
    /* What stands already takes no second place. */
    put(answers, 3);
    put(answers, 3);
    for (unsigned n = 3; n <= ANSWERS_WAYS; n++)
        assert_true(has(answers, n));
    answers_free(&answers);
}

static void keeps_no_more_than_it_has_places_for(void **state)
{
    enum { PLACES = 64, PUT = 1000 };
    struct answers *answers = answers_of(PLACES);
    unsigned kept = 0;

    (void)state;
    for (unsigned n = 1; n <= PUT; n++)
        put(answers, n);
    for (unsigned n = 1; n <= PUT; n++) {
        struct answer answer;
        kept += answers_get(answers, key_of(answers, n), &answer);
    }
    assert_int_equal(kept, PLACES);
    answers_free(&answers);
}

static bool same(struct answer_key a, struct answer_key b)
{
    return a.low == b.low && a.high == b.high;
}

static void has_a_key_for_each_hint_and_process(void **state)
{
    struct answers *one = answers_of(8), *other = answers_of(8);
    struct str text = STR("Mozilla/5.0 (X11; Linux x86_64; rv:120.0)");

    (void)state;
    assert_true(same(answers_key(one, text, HINT_MOBILE), answers_key(one, text, HINT_MOBILE)));
    assert_false(same(answers_key(one, text, HINT_MOBILE), answers_key(one, text, HINT_NONE)));
    assert_false(same(answers_key(one, text, HINT_MOBILE), answers_key(one, text, HINT_DESKTOP)));
    assert_false(same(answers_key(one, text, HINT_NONE), answers_key(other, text, HINT_NONE)));
    answers_free(&one);
    answers_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(makes_room_of_what_was_used_longest_ago),
        cmocka_unit_test(keeps_no_more_than_it_has_places_for),
        cmocka_unit_test(has_a_key_for_each_hint_and_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
