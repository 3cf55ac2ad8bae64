/*
 * test_manage_rights.c -- every verb on every kind, asked by everybody: what each may do stands in
 * one table, by hand from the rules (DESIGN, CONTRACT: Managing), and each question is asked in a
 * world of its own.
 */
#include "test_manage_support.h"

enum verb { GET, LIST, PUT, PATCH, DELETE, SETTINGS, SET, ERASE, USAGE, AUDIT, RESET };

static struct answer ask_usage(struct fixture *f, enum who who, const char *tenant)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_usage(&a.m, str_from(tenant), STR(""), &a.out, &a.err));
}

static struct answer ask_audit(struct fixture *f, enum who who, const char *tenant)
{
    const struct manage_query query = {.tenant = str_from(tenant)};
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_audit(&a.m, &query, &a.out, &a.err));
}

static struct answer ask_reset(struct fixture *f, enum who who, const char *id)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_reset(&a.m, str_from(id), &a.out, &a.err));
}

struct row {
    enum verb verb;
    enum manage_kind kind;
    const char *id;   /* of settings, usage and audit the tenant; of lists too */
    const char *text; /* the body; of settings the site */
    /* What comes of it: for the platform, for who manages t1, for who manages site a alone. */
    int platform, tenant, site;
};

enum { OK = 0, NO = ERR_DENIED, NONE = ERR_NOTFOUND, TAKEN = ERR_CONFLICT, BAD = ERR_INVALID };
#define T MANAGE_TENANTS
#define S MANAGE_SITES
#define U MANAGE_USERS
#define K MANAGE_TOKENS
#define L MANAGE_LINKS
#define R MANAGE_RECEIPTS

static const struct row rows[] = {
    /* Tenants: the platform's; their name and frames also for who manages them. */
    {GET, T, "t1", "", OK, OK, NONE},
    {GET, T, "t2", "", OK, NONE, NONE},
    {GET, T, "t3", "", NONE, NONE, NONE},
    {LIST, T, "", "", OK, OK, NO},
    {LIST, T, "t1", "", OK, OK, NONE},
    {LIST, T, "t2", "", OK, NONE, NONE},
    {PUT, T, "t1", "{'name':'New'}", OK, OK, NONE},
    {PUT, T, "t2", "{'name':'New'}", OK, NONE, NONE},
    {PUT, T, "t3", "{'name':'New'}", OK, NONE, NONE},
    {PATCH, T, "t1", "{'name':'New','embedOrigins':['https://x.example']}", OK, OK, NONE},
    {PATCH, T, "t1", "{'status':'suspended'}", OK, NO, NONE},
    {PATCH, T, "t1", "{'limits':{'eventsPerSecond':5}}", OK, NO, NONE},
    {PATCH, T, "t1", "{'limits':{'eventsPerMonth':5}}", OK, NO, NONE},
    {PATCH, T, "t1", "{'limits':{'sites':5}}", OK, NO, NONE},
    {PATCH, T, "t1", "{'limits':{'readsPerMinute':0}}", OK, NO, NONE},
    {PATCH, T, "t1", "{'limits':{'readsPerMinute':600},'status':'active'}", OK, OK, NONE},
    {PUT, T, "t1", "{'limits':{'sites':1}}", OK, NO, NONE},
    {PATCH, T, "t2", "{'name':'New'}", OK, NONE, NONE},
    {PATCH, T, "t3", "{'name':'New'}", NONE, NONE, NONE},
    {DELETE, T, "t1", "", OK, NO, NONE},
    {DELETE, T, "t2", "", OK, NONE, NONE},
    {DELETE, T, "t3", "", NONE, NONE, NONE},

    /* Sites. */
    {GET, S, "a", "", OK, OK, OK},
    {GET, S, "b", "", OK, OK, NONE},
    {GET, S, "x", "", OK, NONE, NONE},
    {GET, S, "z", "", NONE, NONE, NONE},
    {LIST, S, "", "", OK, OK, OK},
    {LIST, S, "t1", "", OK, OK, OK},
    {LIST, S, "t2", "", OK, NONE, NONE},
    {PUT, S, "a", "{'tenantId':'t1','domain':'new.example'}", OK, OK, OK},
    {PUT, S, "b", "{'tenantId':'t1','domain':'new.example'}", OK, OK, TAKEN},
    {PUT, S, "z", "{'tenantId':'t1','domain':'new.example'}", OK, OK, NONE},
    {PUT, S, "z", "{'tenantId':'t2','domain':'new.example'}", OK, NONE, NONE},
    {PUT, S, "z", "{'tenantId':'t3','domain':'new.example'}", OK, NONE, NONE},
    {PUT, S, "x", "{'tenantId':'t1','domain':'new.example'}", TAKEN, TAKEN, TAKEN},
    {PUT, S, "a", "{'tenantId':'t2','domain':'new.example'}", TAKEN, TAKEN, TAKEN},
    {PUT, S, "z", "{'tenantId':'t1','domain':'a.example','trackingIds':['x']}", TAKEN, TAKEN, NONE},
    {PATCH, S, "a", "{'domain':'new.example'}", OK, OK, OK},
    {PATCH, S, "a", "{'tenantId':'t2'}", TAKEN, TAKEN, TAKEN},
    {PATCH, S, "b", "{'domain':'new.example'}", OK, OK, NONE},
    {PATCH, S, "x", "{'domain':'new.example'}", OK, NONE, NONE},
    {PATCH, S, "z", "{'domain':'new.example'}", NONE, NONE, NONE},
    {DELETE, S, "a", "", OK, OK, NO},
    {DELETE, S, "b", "", OK, OK, NONE},
    {DELETE, S, "x", "", OK, NONE, NONE},
    {DELETE, S, "z", "", NONE, NONE, NONE},

    /* People. */
    {GET, U, "ann@example.com", "", OK, OK, NONE},
    {GET, U, "ANN@Example.com", "", OK, OK, NONE},
    {GET, U, "both@example.com", "", OK, OK, NONE},
    {GET, U, "zoe@example.com", "", OK, NONE, NONE},
    {GET, U, "boss@example.com", "", OK, NONE, NONE},
    {GET, U, "who@example.com", "", NONE, NONE, NONE},
    {GET, U, "no address", "", NONE, NONE, NONE},
    {LIST, U, "", "", OK, OK, NO},
    {LIST, U, "t1", "", OK, OK, NONE},
    {LIST, U, "t2", "", OK, NONE, NONE},
    {PUT, U, "new@example.com", "{" OF_T1 "'manager'}]}", OK, OK, NO},
    {PUT, U, "new@example.com", "{" OF_T1 "'viewer','sites':['a']}]}", OK, OK, NO},
    {PUT, U, "new@example.com", "{" OF_T1 "'viewer','sites':['x']}]}", NONE, NONE, NO},
    {PUT, U, "new@example.com", "{'memberships':[{'tenantId':'t2','role':'viewer'}]}", OK, NONE,
     NO},
    {PUT, U, "new@example.com", "{'memberships':[{'tenantId':'t3','role':'viewer'}]}", NONE, NONE,
     NO},
    {PUT, U, "new@example.com", "{" OF_T1 "'admin'}]}", BAD, BAD, NO},
    {PUT, U, "new@example.com", "{'admin':true," OF_T1 "'viewer'}]}", OK, NO, NO},
    {PUT, U, "new@example.com", "{'payloadId':'1'," OF_T1 "'viewer'}]}", OK, NO, NO},
    {PUT, U, "zoe@example.com", "{" OF_T1 "'viewer'}]}", OK, OK, NO},
    {PUT, U, "boss@example.com", "{'admin':true," OF_T1 "'viewer'}]}", OK, NO, NO},
    {PATCH, U, "ann@example.com", "{'name':'New'}", OK, OK, NO},
    {PATCH, U, "ann@example.com", "{'admin':true}", OK, NO, NO},
    {PATCH, U, "ann@example.com", "{'payloadId':'1'}", OK, NO, NO},
    {PATCH, U, "ann@example.com", "{'invite':true}", OK, NO, NO},
    {PATCH, U, "both@example.com", "{'name':'New'}", OK, NO, NO},
    {PATCH, U, "both@example.com", "{" OF_T1 "'viewer'}]}", OK, OK, NO},
    {PATCH, U, "zoe@example.com", "{" OF_T1 "'viewer'}]}", OK, NONE, NO},
    {PATCH, U, "boss@example.com", "{'admin':false}", TAKEN, NONE, NO},
    {PATCH, U, "who@example.com", "{'name':'New'}", NONE, NONE, NO},
    {DELETE, U, "ann@example.com", "", OK, OK, NONE},
    {DELETE, U, "both@example.com", "", OK, OK, NONE},
    {DELETE, U, "zoe@example.com", "", OK, NONE, NONE},
    {DELETE, U, "boss@example.com", "", TAKEN, NONE, NONE},
    {RESET, U, "ann@example.com", "", OK, OK, NONE},
    {RESET, U, "both@example.com", "", OK, NO, NONE},
    {RESET, U, "zoe@example.com", "", OK, NONE, NONE},
    {RESET, U, "boss@example.com", "", OK, NONE, NONE},
    {RESET, U, "who@example.com", "", NONE, NONE, NONE},

    /* Tokens. */
    {GET, K, "t1-all", "", OK, OK, NONE},
    {GET, K, "t1-a", "", OK, OK, OK},
    {GET, K, "t1-b", "", OK, OK, NONE},
    {GET, K, "t2-all", "", OK, NONE, NONE},
    {GET, K, "root", "", OK, NONE, NONE},
    {LIST, K, "", "", OK, OK, OK},
    {LIST, K, "t2", "", OK, NONE, NONE},
    {PUT, K, "new", "{'tenantId':'t1','scopes':['admin']}", OK, OK, NONE},
    {PUT, K, "new", "{'tenantId':'t1','siteId':'a','scopes':['admin']}", OK, OK, OK},
    {PUT, K, "new", "{'tenantId':'t1','siteId':'b','scopes':['stats:read']}", OK, OK, NONE},
    {PUT, K, "new", "{'tenantId':'t1','siteId':'x','scopes':['stats:read']}", NONE, NONE, NONE},
    {PUT, K, "new", "{'tenantId':'t2','scopes':['stats:read']}", OK, NONE, NONE},
    {PUT, K, "new", "{'tenantId':'t2','siteId':'a','scopes':['stats:read']}", NONE, NONE, NONE},
    {PUT, K, "new", "{'tenantId':'t3','scopes':['stats:read']}", NONE, NONE, NONE},
    {PUT, K, "new", "{'platform':true,'scopes':['stats:read']}", OK, NO, NO},
    {PUT, K, "new", "{'platform':true,'tenantId':'t1','scopes':['stats:read']}", BAD, BAD, BAD},
    {PUT, K, "new", "{'scopes':['stats:read']}", BAD, BAD, BAD},
    {PUT, K, "new", "{'tenantId':'t1','siteId':'a','scopes':['metrics']}", BAD, BAD, BAD},
    {PUT, K, "t2-all", "{'tenantId':'t1','siteId':'a','scopes':['admin']}", TAKEN, TAKEN, TAKEN},
    {PUT, K, "root", "{'platform':true,'scopes':['admin']}", OK, TAKEN, TAKEN},
    {PATCH, K, "t1-a", "{'scopes':['stats:read']}", OK, OK, OK},
    {PATCH, K, "t1-a", "{'scopes':['metrics']}", BAD, BAD, BAD},
    {PATCH, K, "t1-a", "{'siteId':'b'}", TAKEN, TAKEN, TAKEN},
    {PATCH, K, "t1-a", "{'siteId':null}", TAKEN, TAKEN, TAKEN},
    {PATCH, K, "t1-a", "{'tenantId':'t2'}", TAKEN, TAKEN, TAKEN},
    {PATCH, K, "t1-a", "{'platform':true}", TAKEN, TAKEN, TAKEN},
    {PATCH, K, "t1-b", "{'scopes':['stats:read']}", OK, OK, NONE},
    {PATCH, K, "t2-all", "{'scopes':['stats:read']}", OK, NONE, NONE},
    {PATCH, K, "root", "{'scopes':['stats:read']}", OK, NONE, NONE},
    {DELETE, K, "t1-all", "", OK, OK, NONE},
    {DELETE, K, "t1-a", "", OK, OK, OK},
    {DELETE, K, "t2-all", "", OK, NONE, NONE},
    {DELETE, K, "root", "", OK, NONE, NONE},

    /* Links. */
    {GET, L, "l-a", "", OK, OK, OK},
    {GET, L, "l-b", "", OK, OK, NONE},
    {GET, L, "l-x", "", OK, NONE, NONE},
    {LIST, L, "", "", OK, OK, OK},
    {LIST, L, "t2", "", OK, NONE, NONE},
    {PUT, L, "new", "{'siteId':'a'}", OK, OK, OK},
    {PUT, L, "new", "{'siteId':'b'}", OK, OK, NONE},
    {PUT, L, "new", "{'siteId':'x'}", OK, NONE, NONE},
    {PUT, L, "new", "{'siteId':'z'}", NONE, NONE, NONE},
    {PUT, L, "l-x", "{'siteId':'a'}", TAKEN, TAKEN, TAKEN},
    {PUT, L, "l-a", "{'siteId':'b'}", TAKEN, TAKEN, TAKEN},
    {PUT, L, "l-a", "{'siteId':'a','tenantId':'t2'}", TAKEN, TAKEN, TAKEN},
    {PATCH, L, "l-a", "{'name':'New'}", OK, OK, OK},
    {PATCH, L, "l-b", "{'name':'New'}", OK, OK, NONE},
    {PATCH, L, "l-x", "{'name':'New'}", OK, NONE, NONE},
    {DELETE, L, "l-a", "", OK, OK, OK},
    {DELETE, L, "l-b", "", OK, OK, NONE},
    {DELETE, L, "l-x", "", OK, NONE, NONE},

    /* Receipts: of r1, an erasure at site a. */
    {GET, R, "none", "", NONE, NONE, NONE},
    {LIST, R, "", "", OK, OK, NO},
    {LIST, R, "t1", "", OK, OK, NONE},
    {LIST, R, "t2", "", OK, NONE, NONE},
    {PUT, R, "none", "{}", NO, NO, NO},
    {DELETE, R, "none", "", NONE, NONE, NONE},

    /* Settings. */
    {SETTINGS, T, "", "", OK, NO, NO},
    {SETTINGS, T, "t1", "", OK, OK, NONE},
    {SETTINGS, T, "t2", "", OK, NONE, NONE},
    {SETTINGS, T, "t3", "", NONE, NONE, NONE},
    {SETTINGS, T, "", "a", OK, OK, OK},
    {SETTINGS, T, "", "b", OK, OK, NONE},
    {SETTINGS, T, "", "x", OK, NONE, NONE},
    {SETTINGS, T, "t2", "a", NONE, NONE, NONE},
    {SET, T, "", "", OK, NO, NO},
    {SET, T, "t1", "", OK, OK, NONE},
    {SET, T, "t2", "", OK, NONE, NONE},
    {SET, T, "", "a", OK, OK, OK},
    {SET, T, "", "b", OK, OK, NONE},
    {SET, T, "", "x", OK, NONE, NONE},

    /* Erasing, and the books. */
    {ERASE, T, "", "{'siteId':'a','path':'/x'}", OK, OK, NO},
    {ERASE, T, "", "{'siteId':'b','path':'/x'}", OK, OK, NONE},
    {ERASE, T, "", "{'siteId':'x','path':'/x'}", OK, NONE, NONE},
    {USAGE, T, "", "", OK, OK, NO},
    {USAGE, T, "t1", "", OK, OK, NONE},
    {USAGE, T, "t2", "", OK, NONE, NONE},
    {AUDIT, T, "", "", OK, OK, NO},
    {AUDIT, T, "t1", "", OK, OK, NONE},
    {AUDIT, T, "t2", "", OK, NONE, NONE},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct answer ask(struct fixture *f, enum who who, const struct row *row)
{
    switch (row->verb) {
    case GET:
        return get(f, who, row->kind, row->id);
    case LIST:
        return list(f, who, row->kind, row->id, row->text);
    case PUT:
        return put(f, who, row->kind, row->id, row->text);
    case PATCH:
        return patch(f, who, row->kind, row->id, row->text);
    case DELETE:
        return drop(f, who, row->kind, row->id);
    case SETTINGS:
        return settings(f, who, row->id, row->text);
    case SET:
        return set(f, who, row->id, row->text, "{'respectDnt':true}");
    case ERASE:
        return ask_body(f, who, manage_erase, row->text);
    case USAGE:
        return ask_usage(f, who, row->id);
    case AUDIT:
        return ask_audit(f, who, row->id);
    case RESET:
        return ask_reset(f, who, row->id);
    }
    return (struct answer){.rc = ERR_SYSTEM};
}

static int wanted(const struct row *row, enum who who)
{
    switch (who) {
    case PLATFORM:
    case COMMAND:
    case ADMIN:
        return row->platform;
    case TENANT:
    case MANAGER:
        return row->tenant;
    case BOUND:
    case LIMITED:
        return row->site;
    case VIEWER:
    case READER:
    case NOBODY:
    case CALLERS:
        break;
    }
    return ERR_DENIED;
}

static void everybody_may_do_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (enum who who = 0; who < CALLERS; who++) {
            struct fixture *f = fixture_new("memory");

            make_world(f);
            struct answer answer = ask(f, who, &rows[i]);

            if (answer.rc != wanted(&rows[i], who))
                fail_msg("row %zu (verb %d, kind %d, \"%s\", %s) by %s: %d, not %d: %s", i,
                         (int)rows[i].verb, (int)rows[i].kind, rows[i].id, rows[i].text,
                         who_names[who], answer.rc, wanted(&rows[i], who), answer.why);
            fixture_free(f);
        }
}

/* What is another's is spoken of as what does not exist. */
static void what_is_anothers_is_told_in_the_words_for_what_is_not_there(void **state)
{
    static const struct {
        enum manage_kind kind;
        const char *anothers, *nothing;
    } pairs[] = {
        {T, "t2", "t3"},       {S, "x", "z"},       {U, "zoe@example.com", "who@example.com"},
        {K, "t2-all", "none"}, {K, "root", "none"}, {L, "l-x", "none"}};
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *a = pairs[i].anothers, *b = pairs[i].nothing;

        assert_string_equal(get(f, TENANT, pairs[i].kind, a).why,
                            get(f, TENANT, pairs[i].kind, b).why);
        assert_string_equal(patch(f, TENANT, pairs[i].kind, a, "{}").why,
                            patch(f, TENANT, pairs[i].kind, b, "{}").why);
        assert_string_equal(drop(f, TENANT, pairs[i].kind, a).why,
                            drop(f, TENANT, pairs[i].kind, b).why);
    }
    assert_string_equal(put(f, TENANT, K, "new", "{'tenantId':'t2','scopes':['admin']}").why,
                        put(f, TENANT, K, "new", "{'tenantId':'t3','scopes':['admin']}").why);
    assert_string_equal(put(f, TENANT, L, "new", "{'siteId':'x'}").why,
                        put(f, TENANT, L, "new", "{'siteId':'z'}").why);
    assert_string_equal(put(f, TENANT, S, "z", "{'tenantId':'t2','domain':'d.example'}").why,
                        put(f, TENANT, S, "z", "{'tenantId':'t3','domain':'d.example'}").why);
}

/* Nothing in a list, for any caller, is of a tenant that it does not reach. */
static void lists_hold_what_is_reached_and_all_of_it(void **state)
{
    static const struct {
        enum who who;
        enum manage_kind kind;
        const char *ids;
    } lists[] = {
        {PLATFORM, T, "t1 t2"},
        {PLATFORM, S, "a b x"},
        {PLATFORM, K, "root t1-a t1-all t1-b t2-all"},
        {PLATFORM, L, "l-a l-b l-x"},
        {PLATFORM, U,
         "ann@example.com boss@example.com both@example.com vic@example.com zoe@example.com"},
        {MANAGER, T, "t1"},
        {MANAGER, S, "a b"},
        {TENANT, K, "t1-a t1-all t1-b"},
        {TENANT, L, "l-a l-b"},
        {TENANT, U, "ann@example.com both@example.com vic@example.com"},
        {BOUND, S, "a"},
        {LIMITED, S, "a"},
        {LIMITED, K, "t1-a"},
        {BOUND, L, "l-a"},
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct answer answer = list(f, lists[i].who, lists[i].kind, "", "");
        const struct json *all = json_get(answer.json, str_from(manage_name(lists[i].kind)));
        struct buf ids = {0};

        for (size_t k = 0; k < all->count; k++)
            buf_addf(&ids, "%s%.*s", k > 0 ? " " : "",
                     STR_FMT(json_get(&all->items[k], STR("id"))->text));
        assert_str(buf_str(&ids), lists[i].ids);
        assert_at(f, answer, "nextCursor", "null");
        buf_release(&ids);
    }
}

static void a_caller_of_several_tenants_sees_all_of_them(void **state)
{
    struct fixture *f = *state;
    struct caller caller;
    struct asking a;

    make_world(f);
    caller = person("two@example.com",
                    "[{\"tenantId\":\"t1\",\"role\":\"manager\"},"
                    "{\"tenantId\":\"t2\",\"role\":\"manager\",\"sites\":[\"x\"]}]",
                    false, &f->arena);
    asking_begin(&a, f, &caller);
    struct answer sites =
        asking_end(&a, manage_list(&a.m, S, &(struct manage_query){0}, &a.out, &a.err));

    assert_at(f, sites, "sites.0.id", "'a'");
    assert_at(f, sites, "sites.2.id", "'x'");
    asking_begin(&a, f, &caller);
    struct answer tenants =
        asking_end(&a, manage_list(&a.m, T, &(struct manage_query){0}, &a.out, &a.err));

    assert_at(f, tenants, "tenants.0.id", "'t1'");
    assert_at(f, tenants, "tenants.1.id", "(absent)");
    /* A viewer of a tenant reaches it, and may not manage it. */
    caller = person("mix@example.com",
                    "[{\"tenantId\":\"t1\",\"role\":\"manager\"},"
                    "{\"tenantId\":\"t2\",\"role\":\"viewer\"}]",
                    false, &f->arena);
    asking_begin(&a, f, &caller);
    assert_int_equal(asking_end(&a, manage_get(&a.m, S, STR("x"), &a.out, &a.err)).rc, ERR_DENIED);
    asking_begin(&a, f, &caller);
    assert_int_equal(asking_end(&a, manage_get(&a.m, T, STR("t2"), &a.out, &a.err)).rc, ERR_DENIED);
}

/* -- frames ------------------------------------------------------------------------------------ */

static void only_a_platform_token_makes_embeds(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    for (enum who who = 0; who < CALLERS; who++) {
        int rc = ask_body(f, who, manage_embed, "{'tenantId':'t1'}").rc;

        assert_int_equal(rc, who == PLATFORM || who == READER ? 0 : ERR_DENIED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_may_do_what_the_table_says),
        BOTH(what_is_anothers_is_told_in_the_words_for_what_is_not_there),
        ON_ALL(lists_hold_what_is_reached_and_all_of_it),
        BOTH(a_caller_of_several_tenants_sees_all_of_them),
        ON("memory", only_a_platform_token_makes_embeds),
    };

    return run_with_postgres("manage_rights", tests, sizeof(tests) / sizeof(tests[0]));
}
