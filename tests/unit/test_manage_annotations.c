/*
 * test_manage_annotations.c -- what is noted of a site's dates: who may, how much, and what is told
 * of it. Expectations: the contract (1 to 80 characters, at most 1,000 a site, scope admin at the
 * site).
 */
#include "test_manage_support.h"

#include "base/date.h"

enum { DAY_ONE = 20513 /* 2026-03-01 */, MOST = 1000 };

static struct answer annotate_with(struct fixture *f, enum who who, const char *site, int32_t day,
                                   const struct json *body)
{
    struct caller caller = caller_for(who, &f->arena);
    enum manage_done done = MANAGE_SAME;
    struct asking a;

    asking_begin(&a, f, &caller);
    int rc = manage_annotation_put(&a.m, str_from(site), day, body, &done, &a.out, &a.err);
    struct answer answer = asking_end(&a, rc);

    answer.done = done;
    return answer;
}

static struct answer annotate(struct fixture *f, enum who who, const char *site, int32_t day,
                              const char *body)
{
    return annotate_with(f, who, site, day, body_of(f, body));
}

static struct answer take_away(struct fixture *f, enum who who, const char *site, int32_t day)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_annotation_remove(&a.m, str_from(site), day, &a.err));
}

static int64_t annotations_of(struct fixture *f, const char *site)
{
    const struct row_filter filter = {.site = str_from(site)};
    int64_t count = -1;

    assert_int_equal(store_count(f->store, ROW_ANNOTATION, &filter, &count, &f->err), 0);
    return count;
}

static void one_is_made_changed_and_removed(void **state)
{
    struct fixture *f = *state;
    struct answer made;

    make_world(f);
    made = annotate(f, MANAGER, "a", DAY_ONE, "{'text':'A new shop'}");
    assert_int_equal(made.done, MANAGE_MADE);
    assert_at(f, made, "",
              "{'siteId':'a','tenantId':'t1','date':'2026-03-01',"
              "'text':'A new shop'}");
    /* The answer put again changes nothing. */
    assert_done(annotate_with(f, MANAGER, "a", DAY_ONE, made.json), MANAGE_SAME);
    assert_done(annotate(f, MANAGER, "a", DAY_ONE, "{'text':'An old one'}"), MANAGE_CHANGED);
    assert_int_equal(annotations_of(f, "a"), 1);
    assert_int_equal(take_away(f, MANAGER, "a", DAY_ONE).rc, 0);
    assert_int_equal(annotations_of(f, "a"), 0);
    assert_refused(take_away(f, MANAGER, "a", DAY_ONE), ERR_NOTFOUND, "");
}

static void what_was_sent_is_looked_at(void **state)
{
    static const struct {
        const char *body, *field;
        int rc;
    } cases[] = {
        {"{}", "text", ERR_INVALID},
        {"{'text':null}", "text", ERR_INVALID},
        {"{'text':7}", "text", ERR_INVALID},
        {"{'text':''}", "text", ERR_INVALID},
        {"{'text':'a\\u0009b'}", "text", ERR_INVALID},
        {"{'text':'x','colour':'red'}", "colour", ERR_INVALID},
        {"{'text':'x','siteId':'b'}", "siteId", ERR_CONFLICT},
        {"{'text':'x','tenantId':'t2'}", "tenantId", ERR_CONFLICT},
        {"{'text':'x','date':'2026-03-02'}", "date", ERR_CONFLICT},
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(annotate(f, MANAGER, "a", DAY_ONE, cases[i].body), cases[i].rc,
                       cases[i].field);
    assert_int_equal(annotations_of(f, "a"), 0);
}

static void who_manages_the_site_may_and_nobody_else(void **state)
{
    static const int rcs[CALLERS] = {
        [PLATFORM] = 0,        [COMMAND] = 0,
        [ADMIN] = 0,           [TENANT] = 0,
        [MANAGER] = 0,         [BOUND] = 0,
        [LIMITED] = 0,         [VIEWER] = ERR_DENIED,
        [READER] = ERR_DENIED, [NOBODY] = ERR_NOTFOUND,
    };
    struct fixture *f = *state;

    make_world(f);
    for (enum who who = 0; who < CALLERS; who++) {
        struct answer answer = annotate(f, who, "a", DAY_ONE + (int32_t)who, "{'text':'x'}");

        if (answer.rc != rcs[who])
            fail_msg("%s: %d: %s", who_names[who], answer.rc, answer.why);
        assert_int_equal(take_away(f, who, "a", DAY_ONE + (int32_t)who).rc, rcs[who]);
    }
    assert_int_equal(annotations_of(f, "a"), 0);
    /* Another's, and one that is not there, in the same words. */
    for (enum who who = TENANT; who <= VIEWER; who++) {
        struct answer theirs = annotate(f, who, "x", DAY_ONE, "{'text':'x'}");
        struct answer nobodys = annotate(f, who, "y", DAY_ONE, "{'text':'x'}");

        assert_int_equal(theirs.rc, ERR_NOTFOUND);
        assert_int_equal(nobodys.rc, ERR_NOTFOUND);
        assert_string_equal(theirs.why, nobodys.why);
    }
    assert_refused(annotate(f, BOUND, "b", DAY_ONE, "{'text':'x'}"), ERR_NOTFOUND, "");
    assert_int_equal(annotations_of(f, "x") + annotations_of(f, "b"), 0);
}

static void a_site_that_is_to_be_erased_has_none_to_change(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(annotate(f, MANAGER, "a", DAY_ONE, "{'text':'x'}"), MANAGE_MADE);
    assert_int_equal(drop(f, MANAGER, MANAGE_SITES, "a").rc, 0);
    assert_refused(annotate(f, MANAGER, "a", DAY_ONE, "{'text':'y'}"), ERR_NOTFOUND, "");
    assert_refused(take_away(f, MANAGER, "a", DAY_ONE), ERR_NOTFOUND, "");
}

static void a_site_has_a_thousand(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    for (int32_t i = 0; i < MOST; i++)
        if (annotate(f, COMMAND, "a", DAY_ONE + i, "{'text':'x'}").rc != 0)
            fail_msg("number %d is refused", i + 1);
    assert_refused(annotate(f, COMMAND, "a", DAY_ONE + MOST, "{'text':'x'}"), ERR_CONFLICT, "date");
    /* One that is there may change, another site has room of its own, and so has who removes one.
     */
    assert_done(annotate(f, COMMAND, "a", DAY_ONE, "{'text':'y'}"), MANAGE_CHANGED);
    assert_done(annotate(f, COMMAND, "b", DAY_ONE, "{'text':'x'}"), MANAGE_MADE);
    assert_int_equal(take_away(f, COMMAND, "a", DAY_ONE).rc, 0);
    assert_done(annotate(f, COMMAND, "a", DAY_ONE + MOST, "{'text':'x'}"), MANAGE_MADE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_is_made_changed_and_removed),
        BOTH(what_was_sent_is_looked_at),
        BOTH(who_manages_the_site_may_and_nobody_else),
        BOTH(a_site_that_is_to_be_erased_has_none_to_change),
        BOTH(a_site_has_a_thousand),
    };

    return run_with_postgres("manage_annotations", tests, sizeof(tests) / sizeof(tests[0]));
}
