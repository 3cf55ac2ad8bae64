/*
 * test_manage_erase.c -- deleting, taking back, erasing values, and the receipts. Expectations:
 * CONTRACT (Managing: "suspends at once, erases after 30 days (or `now`), leaves a receipt").
 */
#include "test_manage_support.h"

#define T MANAGE_TENANTS
#define S MANAGE_SITES
#define R MANAGE_RECEIPTS
#define DAYS_30 (INT64_C(30) * DAY_MS)

static struct str id_of(const struct answer *answer)
{
    const struct json *id = json_get(answer->json, STR("id"));

    assert_non_null(id);
    return id->text;
}

static struct answer receipt(struct fixture *f, enum who who, struct str id)
{
    return get(f, who, R, arena_str(&f->arena, id).ptr);
}

static int64_t erase_ms_of(struct fixture *f, const char *id)
{
    struct site_row row;

    assert_int_equal(store_get(f->store, ROW_SITE, str_from(id), &f->arena, &row, &f->err), 1);
    return row.erase_ms;
}

/* -- deleting ---------------------------------------------------------------------------------- */

static void a_deleted_site_is_shut_and_due_in_30_days(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer first = drop(f, MANAGER, S, "a");

    assert_int_equal(first.rc, 0);
    assert_at(f, first, "kind", "'site'");
    assert_at(f, first, "tenantId", "'t1'");
    assert_at(f, first, "siteId", "'a'");
    assert_at(f, first, "value", "null");
    assert_at(f, first, "status", "'due'");
    assert_at(f, first, "askedBy", "'user:ann@example.com'");
    assert_at(f, first, "askedAt", "'2026-11-22T12:00:00.000Z'");
    assert_at(f, first, "dueAt", "'2026-12-22T12:00:00.000Z'");
    assert_at(f, first, "doneAt", "null");
    assert_at(f, first, "rows", "{}");
    assert_at(f, first, "nodes", "{}");
    assert_at(f, get(f, TENANT, S, "a"), "status", "'deleted'");
    assert_at(f, get(f, TENANT, S, "a"), "eraseAt", "'2026-12-22T12:00:00.000Z'");
    assert_true(erase_ms_of(f, "a") == NOW + DAYS_30);
    /* The same again, a day later and by another: the same receipt. */
    struct answer again = drop_at(f, PLATFORM, S, "a", false, NOW + DAY_MS);

    assert_true(str_eq(at(f, again.json, ""), at(f, first.json, "")));
    assert_true(str_eq(at(f, receipt(f, TENANT, id_of(&first)).json, ""), at(f, first.json, "")));
    assert_int_equal(receipt(f, BOUND, id_of(&first)).rc, ERR_NOTFOUND);
    assert_at(f, list(f, TENANT, R, "", ""), "receipts.1", "(absent)");
    assert_at(f, list(f, TENANT, R, "t1", "a"), "receipts.0.siteId", "'a'");
}

static void now_brings_it_forward(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer later = drop(f, TENANT, S, "a");
    struct answer soon = drop_at(f, TENANT, S, "a", true, NOW + 5000);

    assert_true(str_eq(id_of(&later), id_of(&soon)));
    assert_at(f, soon, "dueAt", "'2026-11-22T12:00:05.000Z'");
    assert_true(erase_ms_of(f, "a") == NOW + 5000);
    /* And nothing puts it off again. */
    assert_at(f, drop_at(f, TENANT, S, "a", false, NOW + 6000), "dueAt",
              "'2026-11-22T12:00:05.000Z'");
    assert_at(f, drop_at(f, TENANT, S, "a", true, NOW + 7000), "dueAt",
              "'2026-11-22T12:00:05.000Z'");
    assert_at(f, drop_at(f, TENANT, S, "b", true, NOW), "dueAt", "'2026-11-22T12:00:00.000Z'");
}

static void a_deleted_tenant_has_a_receipt_of_its_own(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer first = drop(f, ADMIN, T, "t1");

    assert_at(f, first, "kind", "'tenant'");
    assert_at(f, first, "tenantId", "'t1'");
    assert_at(f, first, "siteId", "null");
    assert_at(f, get(f, PLATFORM, T, "t1"), "status", "'deleted'");
    /* Its sites keep what they have of their own, and get no company. */
    assert_at(f, get(f, PLATFORM, S, "a"), "status", "'active'");
    assert_refused(put(f, PLATFORM, S, "c", "{'tenantId':'t1','domain':'c.example'}"), ERR_CONFLICT,
                   "tenantId");
    struct answer site = drop(f, PLATFORM, S, "a");

    assert_false(str_eq(id_of(&site), id_of(&first)));
}

/* -- taking it back ---------------------------------------------------------------------------- */

static void within_the_grace_a_site_can_be_taken_back(void **state)
{
    static const char *const ways[] = {"{'tenantId':'t1','domain':'a.example'}",
                                       "{'tenantId':'t1','domain':'a.example','status':'active'}"};
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < 2; i++) {
        struct answer gone = drop(f, TENANT, S, "a");

        assert_done(put(f, TENANT, S, "a", ways[i]), MANAGE_CHANGED);
        assert_true(erase_ms_of(f, "a") == 0);
        assert_int_equal(receipt(f, TENANT, id_of(&gone)).rc, ERR_NOTFOUND);
    }
    (void)drop(f, TENANT, S, "a");
    struct answer back = patch(f, TENANT, S, "a", "{'status':'active'}");

    assert_done(back, MANAGE_CHANGED);
    assert_at(f, back, "status", "'active'");
    assert_at(f, back, "eraseAt", "null");
    (void)drop(f, TENANT, S, "a");
    struct caller cli = caller_command();

    assert_done(put_as(f, &cli, S, "a", body_of(f, ways[0]), MANAGE_ADD), MANAGE_CHANGED);
    assert_at(f, list(f, PLATFORM, R, "", ""), "receipts", "[]");
}

static void other_changes_leave_it_deleted(void **state)
{
    struct fixture *f = *state;
    struct caller tenant;

    make_world(f);
    (void)drop(f, TENANT, S, "a");
    assert_done(patch(f, TENANT, S, "a", "{'domain':'new.example'}"), MANAGE_CHANGED);
    tenant = caller_for(TENANT, &f->arena);
    struct answer got = get(f, TENANT, S, "a");

    assert_done(put_as(f, &tenant, S, "a", got.json, MANAGE_PUT), MANAGE_SAME);
    assert_at(f, get(f, TENANT, S, "a"), "status", "'deleted'");
    /* Who manages the site alone neither deletes it nor brings it back. */
    assert_int_equal(patch(f, BOUND, S, "a", "{'status':'active'}").rc, ERR_DENIED);
    assert_int_equal(patch(f, LIMITED, S, "a", "{'status':'active'}").rc, ERR_DENIED);
    assert_refused(put(f, PLATFORM, S, "a", "{'tenantId':'t2','domain':'a.example'}"), ERR_CONFLICT,
                   "tenantId");
    assert_at(f, get(f, TENANT, S, "a"), "status", "'deleted'");
    assert_at(f, list(f, TENANT, R, "", ""), "receipts.0.status", "'due'");
    assert_int_equal(put(f, TENANT, MANAGE_LINKS, "l9", "{'siteId':'a'}").rc, ERR_CONFLICT);
}

static struct answer restore_at(struct fixture *f, int64_t now_ms)
{
    struct caller caller = caller_for(TENANT, &f->arena);
    enum manage_done done;
    struct asking a;

    asking_begin(&a, f, &caller);
    a.m.now_ms = now_ms;
    int rc = manage_put(&a.m, S, STR("a"), body_of(f, "{'status':'active'}"), MANAGE_PATCH, &done,
                        &a.out, &a.err);

    return asking_end(&a, rc);
}

/* A minute before it is due the job of another machine, whose clock differs, may begin. */
static void what_is_due_cannot_be_taken_back(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    (void)drop(f, TENANT, S, "a");
    assert_refused(restore_at(f, NOW + DAYS_30), ERR_CONFLICT, "status");
    assert_refused(restore_at(f, NOW + DAYS_30 - 60000), ERR_CONFLICT, "status");
    assert_true(erase_ms_of(f, "a") == NOW + DAYS_30);
    assert_int_equal(restore_at(f, NOW + DAYS_30 - 60001).rc, 0);
    assert_true(erase_ms_of(f, "a") == 0);
    (void)drop_at(f, TENANT, S, "a", true, NOW);
    assert_refused(restore_at(f, NOW), ERR_CONFLICT, "status");
}

static void a_tenant_comes_back_by_the_platform_alone(void **state)
{
    struct fixture *f = *state;
    struct caller tenant;

    make_world(f);
    (void)drop(f, PLATFORM, T, "t1");
    assert_int_equal(patch(f, TENANT, T, "t1", "{'status':'active'}").rc, ERR_DENIED);
    tenant = caller_for(TENANT, &f->arena);
    assert_done(put_as(f, &tenant, T, "t1", body_of(f, "{'name':'One'}"), MANAGE_PUT), MANAGE_SAME);
    assert_at(f, get(f, PLATFORM, T, "t1"), "status", "'deleted'");
    assert_refused(patch(f, PLATFORM, T, "t1", "{'status':'suspended'}"), ERR_CONFLICT, "status");
    assert_done(patch(f, PLATFORM, T, "t1", "{'status':'active'}"), MANAGE_CHANGED);
    assert_at(f, get(f, PLATFORM, T, "t1"), "eraseAt", "null");
    assert_at(f, list(f, PLATFORM, R, "", ""), "receipts", "[]");
}

/* -- what a crash leaves ------------------------------------------------------------------------
 *
 * Between the two rows of a deletion, and of taking it back, there is the same state: shut, and no
 * erasure. */

static int forget(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)arena;
    (void)err;
    return exists ? EDIT_REMOVE : EDIT_KEEP;
}

static void asking_again_mends_what_a_crash_left(void **state)
{
    struct fixture *f = *state;
    const struct actor actor = {STR("crash"), NOW};

    make_world(f);
    struct answer first = drop(f, TENANT, S, "a");

    assert_int_equal(
        store_edit(f->store, ROW_ERASURE, id_of(&first), forget, NULL, &actor, &f->err), 1);
    struct answer again = drop_at(f, TENANT, S, "a", false, NOW + DAY_MS);

    assert_int_equal(again.rc, 0);
    assert_true(str_eq(id_of(&again), id_of(&first)));
    assert_at(f, again, "dueAt", "'2026-12-22T12:00:00.000Z'");
    assert_int_equal(
        store_edit(f->store, ROW_ERASURE, id_of(&first), forget, NULL, &actor, &f->err), 1);
    assert_done(patch(f, TENANT, S, "a", "{'status':'active'}"), MANAGE_CHANGED);
}

/* -- values ------------------------------------------------------------------------------------ */

static void a_value_is_erased_by_the_next_run(void **state)
{
    static const struct {
        const char *body, *kind, *value;
    } asked[] = {{"{'siteId':'a','path':'/users/ann'}", "'path'", "'/users/ann'"},
                 {"{'siteId':'a','event':'signup.ann'}", "'event'", "'signup.ann'"},
                 {"{'siteId':'a','prop':'customer','path':null}", "'prop'", "'customer'"}};
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = ask_body(f, TENANT, manage_erase, asked[i].body);

        assert_int_equal(answer.rc, 0);
        assert_at(f, answer, "kind", asked[i].kind);
        assert_at(f, answer, "value", asked[i].value);
        assert_at(f, answer, "tenantId", "'t1'");
        assert_at(f, answer, "siteId", "'a'");
        assert_at(f, answer, "dueAt", "'2026-11-22T12:00:00.000Z'");
        assert_at(f, answer, "askedBy", "'token:k'");
        assert_true(str_starts(id_of(&answer), STR("e_")));
        assert_int_equal(id_of(&answer).len, 18);
    }
    /* What was erased once may come again, and be erased again. */
    assert_int_equal(ask_body(f, TENANT, manage_erase, asked[0].body).rc, 0);
    assert_at(f, list(f, TENANT, R, "", ""), "receipts.4", "(absent)");
    assert_false(str_eq(at(f, list(f, TENANT, R, "", "").json, "receipts.3"), STR("(absent)")));
}

static void an_erasure_names_one_thing_that_can_be(void **state)
{
    static const struct {
        const char *body, *field;
    } wrong[] = {
        {"{'path':'/x'}", "siteId"},
        {"{'siteId':5,'path':'/x'}", "siteId"},
        {"{'siteId':'a'}", ""},
        {"{'siteId':'a','path':'/x','prop':'y'}", ""},
        {"{'siteId':'a','path':'x'}", "path"},
        {"{'siteId':'a','path':''}", "path"},
        {"{'siteId':'a','event':'pageview'}", "event"},
        {"{'siteId':'a','event':'lead.created'}", "event"},
        {"{'siteId':'a','event':'No Event'}", "event"},
        {"{'siteId':'a','prop':''}", "prop"},
        {"{'siteId':'a','query':'x'}", "query"},
    };
    struct fixture *f = *state;
    char body[2200], text[2002];

    make_world(f);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_refused(ask_body(f, TENANT, manage_erase, wrong[i].body), ERR_INVALID,
                       wrong[i].field);
    memset(text, 'p', sizeof(text));
    text[0] = '/';
    text[2001] = '\0';
    (void)snprintf(body, sizeof(body), "{'siteId':'a','path':'%s'}", text);
    assert_refused(ask_body(f, TENANT, manage_erase, body), ERR_INVALID, "path");
    text[2000] = '\0';
    (void)snprintf(body, sizeof(body), "{'siteId':'a','path':'%s'}", text);
    assert_int_equal(ask_body(f, TENANT, manage_erase, body).rc, 0);
    text[101] = '\0';
    (void)snprintf(body, sizeof(body), "{'siteId':'a','prop':'%s'}", text);
    assert_refused(ask_body(f, TENANT, manage_erase, body), ERR_INVALID, "prop");
    text[100] = '\0';
    (void)snprintf(body, sizeof(body), "{'siteId':'a','prop':'%s'}", text);
    assert_int_equal(ask_body(f, TENANT, manage_erase, body).rc, 0);
}

/* -- the receipt when it is done --------------------------------------------------------------- */

static int finish(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct erasure_row *erasure = row;

    (void)ctx;
    (void)arena;
    (void)err;
    assert_true(exists);
    erasure->value = STR("");
    erasure->done_ms = NOW + 1000;
    erasure->rows = STR("{\"events\":5,\"visits\":2}");
    erasure->nodes = STR("{\"node-1\":1795348802000}");
    return EDIT_PUT;
}

static void a_receipt_tells_rows_and_nodes(void **state)
{
    struct fixture *f = *state;
    const struct actor actor = {STR("job"), NOW};

    make_world(f);
    struct answer asked = ask_body(f, TENANT, manage_erase, "{'siteId':'a','path':'/x'}");

    assert_int_equal(
        store_edit(f->store, ROW_ERASURE, id_of(&asked), finish, NULL, &actor, &f->err), 1);
    struct answer done = receipt(f, TENANT, id_of(&asked));

    assert_at(f, done, "status", "'done'");
    assert_at(f, done, "value", "null");
    assert_at(f, done, "doneAt", "'2026-11-22T12:00:01.000Z'");
    assert_at(f, done, "rows", "{'events':5,'visits':2}");
    assert_at(f, done, "nodes", "{'node-1':'2026-11-22T12:00:02.000Z'}");
    assert_int_equal(put(f, TENANT, R, "e_1", "{}").rc, ERR_DENIED);
    assert_int_equal(drop(f, TENANT, R, arena_str(&f->arena, id_of(&asked)).ptr).rc, ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(a_deleted_site_is_shut_and_due_in_30_days),
        BOTH(now_brings_it_forward),
        BOTH(a_deleted_tenant_has_a_receipt_of_its_own),
        ON_ALL(within_the_grace_a_site_can_be_taken_back),
        BOTH(other_changes_leave_it_deleted),
        BOTH(what_is_due_cannot_be_taken_back),
        BOTH(a_tenant_comes_back_by_the_platform_alone),
        BOTH(asking_again_mends_what_a_crash_left),
        BOTH(a_value_is_erased_by_the_next_run),
        ON("memory", an_erasure_names_one_thing_that_can_be),
        BOTH(a_receipt_tells_rows_and_nodes),
    };

    return run_with_postgres("manage_erase", tests, sizeof(tests) / sizeof(tests[0]));
}
