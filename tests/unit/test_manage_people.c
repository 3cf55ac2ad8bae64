/*
 * test_manage_people.c -- people: who sees and changes which part of them, invitations and resets,
 * and the last admin. Expectations: CONTRACT (Managing), DESIGN (promise 5).
 */
#include "test_manage_support.h"

#include "access/people.h"
#include "mail/mail.h"

#define U MANAGE_USERS
#define ANN "ann@example.com"
#define BOTH_OF "both@example.com"
#define BOSS "boss@example.com"

static struct user_row row_of(struct fixture *f, const char *id)
{
    struct user_row row = {0};

    assert_int_equal(store_get(f->store, ROW_USER, str_from(id), &f->arena, &row, &f->err), 1);
    return row;
}

static bool is_there(struct fixture *f, const char *id)
{
    struct user_row row;

    return store_get(f->store, ROW_USER, str_from(id), &f->arena, &row, &f->err) == 1;
}

/* The secret in "https://stats.example.com/admin/accept#SECRET". */
static struct str secret_of(const struct answer *answer, const char *member)
{
    const struct json *link =
        member[0] == '\0' ? answer->json : json_get(answer->json, str_from(member));
    const struct json *url = link == NULL ? NULL : json_get(link, STR("url"));

    if (url == NULL) {
        fail_msg("no url in %s", member);
        return STR("");
    }
    const struct str before = STR("https://stats.example.com/admin/accept#");

    assert_true(str_starts(url->text, before));
    return str_slice(url->text, before.len, url->text.len);
}

/* -- what is seen ------------------------------------------------------------------------------ */

static void a_manager_sees_its_own_part_of_a_person(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_at(f, get(f, TENANT, U, BOTH_OF), "",
              "{'id':'both@example.com','memberships':[{'tenantId':'t1','role':'manager'}]}");
    assert_at(f, get(f, MANAGER, U, ANN), "",
              "{'id':'ann@example.com','name':'Ann','memberships':[{'tenantId':'t1','role':"
              "'manager'}],'totp':false,'invited':true,'createdAt':'2026-11-22T12:00:00.000Z',"
              "'signedInAt':null}");
    struct answer all = get(f, PLATFORM, U, BOTH_OF);

    assert_at(f, all, "memberships",
              "[{'tenantId':'t1','role':'manager'},{'tenantId':'t2','role':'viewer'}]");
    assert_at(f, all, "payloadId", "'7'");
    assert_at(f, all, "name", "'Both'");
    assert_at(f, all, "admin", "false");
}

/* Neither in an answer nor by what is refused. */
static void an_admin_looks_like_anybody_to_a_manager(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(put(f, PLATFORM, U, BOSS, "{'admin':true," OF_T1 "'viewer'}]}"), MANAGE_CHANGED);
    assert_at(f, get(f, TENANT, U, BOSS), "",
              "{'id':'boss@example.com','memberships':[{'tenantId':'t1','role':'viewer'}]}");
    assert_refused(put(f, TENANT, U, BOSS, "{}"), ERR_INVALID, "memberships");
    assert_refused(put(f, TENANT, U, BOTH_OF, "{}"), ERR_INVALID, "memberships");
    /* Nobody's part of somebody who is there, and of somebody who is not. */
    assert_string_equal(put(f, TENANT, U, "zoe@example.com", "{'memberships':[]}").why,
                        put(f, TENANT, U, "who@example.com", "{'memberships':[]}").why);
    assert_refused(put(f, TENANT, U, "zoe@example.com", "{'memberships':[]}"), ERR_INVALID,
                   "memberships");
}

/* -- what is touched --------------------------------------------------------------------------- */

static void a_manager_touches_its_own_memberships_alone(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer answer =
        put(f, TENANT, U, BOTH_OF, "{'name':'Hacked'," OF_T1 "'viewer','sites':['b','a']}]}");

    assert_done(answer, MANAGE_CHANGED);
    assert_at(f, answer, "memberships", "[{'tenantId':'t1','role':'viewer','sites':['a','b']}]");
    struct user_row row = row_of(f, BOTH_OF);

    assert_at(f, get(f, PLATFORM, U, BOTH_OF), "memberships",
              "[{'tenantId':'t1','role':'viewer','sites':['a','b']},"
              "{'tenantId':'t2','role':'viewer'}]");
    assert_str(row.name, "Both");
    assert_str(row.payload_id, "7");
    /* Left by one tenant, they stay with the other. */
    assert_done(patch(f, TENANT, U, BOTH_OF, "{'memberships':[]}"), MANAGE_CHANGED);
    assert_at(f, get(f, PLATFORM, U, BOTH_OF), "memberships",
              "[{'tenantId':'t2','role':'viewer'}]");
    assert_int_equal(get(f, TENANT, U, BOTH_OF).rc, ERR_NOTFOUND);
}

static void somebody_known_gets_a_membership_and_no_link(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer answer = put(f, TENANT, U, "zoe@example.com", "{'name':'Z'," OF_T1 "'viewer'}]}");

    assert_done(answer, MANAGE_CHANGED);
    assert_at(f, answer, "",
              "{'id':'zoe@example.com','memberships':[{'tenantId':'t1','role':'viewer'}]}");
    assert_str(row_of(f, "zoe@example.com").name, "Zoe");
    assert_at(f, get(f, PLATFORM, U, "zoe@example.com"), "memberships",
              "[{'tenantId':'t1','role':'viewer'},{'tenantId':'t2','role':'manager'}]");
}

static void an_address_is_one_person_in_whatever_case(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(put(f, TENANT, U, "ANN@EXAMPLE.COM", "{'name':'Ann'," OF_T1 "'manager'}]}"),
                MANAGE_SAME);
    assert_at(f, put(f, TENANT, U, "New@Example.com", "{" OF_T1 "'viewer'}]}"), "id",
              "'new@example.com'");
}

/* -- going ------------------------------------------------------------------------------------- */

static void begin_session(struct fixture *f, const char *user, char text[SECRET_TEXT_MAX])
{
    char secret[SECRET_TEXT_MAX];
    const struct actor actor = {STR("cli"), NOW};
    enum sign_in out;

    (void)actor;
    assert_int_equal(
        people_make_link(f->store, SESSION_INVITATION, str_from(user), NOW, secret, &f->err), 0);
    const struct use_link_request use = {
        .secret = str_from(secret), .password = STR("correct horse battery"), .now_ms = NOW};

    assert_ok(f, people_use_link(f->store, &use, &out, text, &f->err));
    assert_int_equal(out, SIGN_IN_DONE);
}

static int session_lives(struct fixture *f, const char *text)
{
    struct caller caller;

    return people_of_session(f->store, NULL, str_from(text), NOW, &f->arena, &caller, &f->err);
}

static void who_has_no_membership_left_is_gone_with_their_sessions(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX];

    make_world(f);
    begin_session(f, ANN, text);
    assert_int_equal(session_lives(f, text), 1);
    assert_int_equal(drop(f, TENANT, U, ANN).rc, 0);
    assert_false(is_there(f, ANN));
    assert_int_equal(session_lives(f, text), 0);
    assert_int_equal(drop(f, TENANT, U, ANN).rc, ERR_NOTFOUND);
    /* The same by an empty list. */
    begin_session(f, "vic@example.com", text);
    struct answer answer = patch(f, TENANT, U, "vic@example.com", "{'memberships':[]}");

    assert_done(answer, MANAGE_CHANGED);
    assert_at(f, answer, "memberships", "[]");
    assert_false(is_there(f, "vic@example.com"));
    assert_int_equal(session_lives(f, text), 0);
    /* Who is of another tenant too is only taken out of this one. */
    assert_int_equal(drop(f, TENANT, U, BOTH_OF).rc, 0);
    assert_true(is_there(f, BOTH_OF));
    assert_int_equal(drop(f, PLATFORM, U, BOTH_OF).rc, 0);
    assert_false(is_there(f, BOTH_OF));
}

static void a_manager_that_is_demoted_reaches_less_at_once(void **state)
{
    struct fixture *f = *state;
    char text[SECRET_TEXT_MAX];
    struct caller caller;

    make_world(f);
    begin_session(f, ANN, text);
    assert_done(patch(f, TENANT, U, ANN, "{" OF_T1 "'viewer'}]}"), MANAGE_CHANGED);
    assert_int_equal(
        people_of_session(f->store, NULL, str_from(text), NOW, &f->arena, &caller, &f->err), 1);
    assert_int_equal(caller_at_tenant(&caller, STR("t1")), SCOPE_STATS_READ);
}

static void the_last_admin_stays(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_refused(put(f, PLATFORM, U, BOSS, "{" OF_T1 "'viewer'}]}"), ERR_CONFLICT, "admin");
    assert_refused(patch(f, ADMIN, U, BOSS, "{'admin':false}"), ERR_CONFLICT, "admin");
    assert_refused(patch(f, COMMAND, U, BOSS, "{'admin':null}"), ERR_CONFLICT, "admin");
    assert_int_equal(drop(f, PLATFORM, U, BOSS).rc, ERR_CONFLICT);
    assert_true(row_of(f, BOSS).admin);
    assert_done(put(f, PLATFORM, U, "second@example.com", "{'admin':true}"), MANAGE_MADE);
    assert_int_equal(drop(f, PLATFORM, U, BOSS).rc, 0);
    assert_false(is_there(f, BOSS));
    assert_int_equal(drop(f, PLATFORM, U, "second@example.com").rc, ERR_CONFLICT);
}

/* The other one stands behind a page of others. */
static void another_admin_is_found_among_many(void **state)
{
    struct fixture *f = *state;
    char id[64];

    make_world(f);
    for (int i = 0; i < 520; i++) {
        (void)snprintf(id, sizeof(id), "p%d@example.com", i);
        assert_int_equal(put(f, PLATFORM, U, id, "{'invite':false," OF_T1 "'viewer'}]}").rc, 0);
    }
    assert_int_equal(drop(f, PLATFORM, U, BOSS).rc, ERR_CONFLICT);
    assert_done(put(f, PLATFORM, U, "z@example.com", "{'admin':true}"), MANAGE_MADE);
    assert_int_equal(drop(f, PLATFORM, U, BOSS).rc, 0);
}

/* -- links ------------------------------------------------------------------------------------- */

static void a_new_person_gets_a_link_and_only_once(void **state)
{
    struct fixture *f = *state;
    const char *body = "{'name':'New'," OF_T1 "'viewer'}]}";
    struct session_row link;

    make_world(f);
    struct answer made = put(f, TENANT, U, "new@example.com", body);

    assert_done(made, MANAGE_MADE);
    assert_at(f, made, "invited", "true");
    assert_at(f, made, "invitation.expiresAt", "'2026-11-29T12:00:00.000Z'");
    assert_int_equal(people_look_at_link(f->store, secret_of(&made, "invitation"), NOW, &f->arena,
                                         &link, &f->err),
                     1);
    assert_str(link.user, "new@example.com");
    assert_int_equal(link.kind, SESSION_INVITATION);
    struct answer again = put(f, TENANT, U, "new@example.com", body);

    assert_done(again, MANAGE_SAME);
    assert_at(f, again, "invitation", "(absent)");
    /* The answer put again, link and all. */
    struct caller tenant = caller_for(TENANT, &f->arena);

    assert_done(put_as(f, &tenant, U, "new@example.com", made.json, MANAGE_PUT), MANAGE_SAME);
    /* Another one, by the platform: the one before ends. */
    struct answer invited = patch(f, PLATFORM, U, "new@example.com", "{'invite':true}");

    assert_done(invited, MANAGE_SAME);
    assert_false(str_eq(secret_of(&invited, "invitation"), secret_of(&made, "invitation")));
    assert_int_equal(people_look_at_link(f->store, secret_of(&made, "invitation"), NOW, &f->arena,
                                         &link, &f->err),
                     0);
    assert_at(f, put(f, TENANT, U, "quiet@example.com", "{'invite':false," OF_T1 "'viewer'}]}"),
              "invitation", "(absent)");
}

static struct answer ask_reset(struct fixture *f, enum who who, const char *id,
                               struct mailer *mailer)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    a.m.mailer = mailer;
    return asking_end(&a, manage_reset(&a.m, str_from(id), &a.out, &a.err));
}

static void a_reset_is_a_link_for_an_hour(void **state)
{
    struct fixture *f = *state;
    struct session_row link;

    make_world(f);
    struct answer answer = ask_reset(f, MANAGER, "vic@example.com", NULL);

    assert_int_equal(answer.rc, 0);
    assert_at(f, answer, "expiresAt", "'2026-11-22T13:00:00.000Z'");
    assert_int_equal(
        people_look_at_link(f->store, secret_of(&answer, ""), NOW, &f->arena, &link, &f->err), 1);
    assert_str(link.user, "vic@example.com");
    assert_int_equal(link.kind, SESSION_RESET);
}

/* Who made up an address does not get its link. */
static void with_mail_no_link_is_in_an_answer(void **state)
{
    struct fixture *f = *state;
    /* Nobody listens there. */
    const struct mail_config config = {.url = STR("smtp://127.0.0.1:1"),
                                       .from = STR("abacus@example.com")};
    struct caller caller;
    struct mailer *mailer = NULL;
    enum manage_done done;
    struct asking a;

    make_world(f);
    assert_ok(f, mail_open(&config, &mailer, &f->err));
    caller = caller_for(TENANT, &f->arena);
    asking_begin(&a, f, &caller);
    a.m.mailer = mailer;
    int rc = manage_put(&a.m, U, STR("new@example.com"), body_of(f, "{" OF_T1 "'viewer'}]}"),
                        MANAGE_PUT, &done, &a.out, &a.err);
    struct answer made = asking_end(&a, rc);

    assert_at(f, made, "invitation", "{'sent':true,'expiresAt':'2026-11-29T12:00:00.000Z'}");
    assert_at(f, ask_reset(f, TENANT, ANN, mailer), "",
              "{'sent':true,'expiresAt':'2026-11-22T13:00:00.000Z'}");
    mail_close(&mailer, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_manager_sees_its_own_part_of_a_person),
        BOTH(an_admin_looks_like_anybody_to_a_manager),
        ON_ALL(a_manager_touches_its_own_memberships_alone),
        BOTH(somebody_known_gets_a_membership_and_no_link),
        BOTH(an_address_is_one_person_in_whatever_case),
        ON_ALL(who_has_no_membership_left_is_gone_with_their_sessions),
        ON("memory", a_manager_that_is_demoted_reaches_less_at_once),
        ON_ALL(the_last_admin_stays),
        ON("memory", another_admin_is_found_among_many),
        BOTH(a_new_person_gets_a_link_and_only_once),
        BOTH(a_reset_is_a_link_for_an_hour),
        ON("memory", with_mail_no_link_is_in_an_answer),
    };

    return run_with_postgres("manage_people", tests, sizeof(tests) / sizeof(tests[0]));
}
