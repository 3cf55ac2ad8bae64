/*
 * test_manage.c -- tenants, sites, tokens and links: what a PUT and a PATCH make of them, what they
 * refuse and where, and that the same again changes nothing. Expectations: CONTRACT (Managing).
 */
#include "test_manage_support.h"

#define T MANAGE_TENANTS
#define S MANAGE_SITES
#define U MANAGE_USERS
#define K MANAGE_TOKENS
#define L MANAGE_LINKS

static const char *const examples[][2] = {[T] = {"t1", "t9"},
                                          [S] = {"a", "s9"},
                                          [U] = {"ann@example.com", "new@example.com"},
                                          [K] = {"t1-a", "k9"},
                                          [L] = {"l-a", "l9"}};

/* -- the same again ---------------------------------------------------------------------------- */

static const struct {
    enum manage_kind kind;
    const char *body;
} full[] = {
    {T,
     "{'name':'Nine','status':'suspended','limits':{'eventsPerSecond':5,'eventsPerMonth':6,'sites':"
     "7,'readsPerMinute':8},'embedOrigins':['https://app.example.com','http://x.example:8080']}"},
    {S,
     "{'tenantId':'t1','domain':'Nine.Example','timezone':'Europe/Berlin','enabled':false,"
     "'respectGpc':true,'trackingIds':['n1','n2'],'blockedCountries':['de'],'goals':[{'value':9.50,"
     "'path':'/thanks/*','name':'B'}],'limits':{'pathsPerDay':500},'retention':{'rawDays':0},"
     "'publicMetrics':['conversions','prop:plan']}"},
    {U,
     "{'name':'New',"
     "'memberships':[{'tenantId':'t2','role':'viewer'},{'tenantId':'t1','role':'manager','sites':"
     "['b','a']}],'payloadId':'42','invite':false}"},
    {K, "{'name':'for CI','tenantId':'t1','siteId':'a','scopes':['events:write','stats:read'],"
        "'expiresAt':'2027-01-31T00:00:00Z'}"},
    {L, "{'name':'for the board','siteId':'a','password':'correct "
        "horse','expiresAt':'2027-01-31T00:00:"
        "00Z'}"},
};
enum { FULL = sizeof(full) / sizeof(full[0]) };

static void putting_twice_changes_nothing_the_second_time(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < FULL; i++) {
        const char *id = examples[full[i].kind][1];
        struct caller cli = caller_command();

        assert_done(put(f, PLATFORM, full[i].kind, id, full[i].body), MANAGE_MADE);
        struct answer first = get(f, PLATFORM, full[i].kind, id);

        assert_done(put(f, PLATFORM, full[i].kind, id, full[i].body), MANAGE_SAME);
        assert_done(put_as(f, &cli, full[i].kind, id, body_of(f, full[i].body), MANAGE_ADD),
                    MANAGE_SAME);
        struct str is = at(f, get(f, PLATFORM, full[i].kind, id).json, "");

        assert_true(str_eq(is, at(f, first.json, "")));
    }
}

/* By everybody who sees it, whatever part of it they see. */
static void what_get_answers_can_be_put_again(void **state)
{
    static const enum who whos[] = {PLATFORM, ADMIN, TENANT, MANAGER};
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < FULL; i++)
        assert_done(put(f, PLATFORM, full[i].kind, examples[full[i].kind][1], full[i].body),
                    MANAGE_MADE);
    for (enum manage_kind kind = T; kind <= L; kind++)
        for (size_t w = 0; w < sizeof(whos) / sizeof(whos[0]); w++)
            for (size_t which = 0; which < 2; which++) {
                struct caller caller = caller_for(whos[w], &f->arena);
                const char *id = examples[kind][which];
                struct answer got = get(f, whos[w], kind, id);

                if (got.rc == ERR_NOTFOUND && kind == T && which == 1)
                    continue;
                assert_int_equal(got.rc, 0);
                assert_done(put_as(f, &caller, kind, id, got.json, MANAGE_PUT), MANAGE_SAME);
                assert_done(put_as(f, &caller, kind, id, got.json, MANAGE_PATCH), MANAGE_SAME);
                assert_true(str_eq(at(f, get(f, whos[w], kind, id).json, ""), at(f, got.json, "")));
            }
}

static void an_empty_patch_changes_nothing(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    for (enum manage_kind kind = T; kind <= L; kind++)
        assert_done(patch(f, PLATFORM, kind, examples[kind][0], "{}"), MANAGE_SAME);
}

/* -- what is no member ------------------------------------------------------------------------- */

static void unknown_members_and_wrong_types_are_refused_by_name(void **state)
{
    static const struct {
        enum manage_kind kind;
        const char *body, *field;
    } wrong[] = {
        {T, "{'nmae':'x'}", "nmae"},
        {T, "{'limits':{'site':5}}", "limits.site"},
        {T, "{'limits':5}", "limits"},
        {T, "{'limits':{'sites':'5'}}", "limits.sites"},
        {T, "{'limits':{'sites':1.5}}", "limits.sites"},
        {T, "{'limits':{'sites':-1}}", "limits.sites"},
        {T, "{'limits':{'sites':1000001}}", "limits.sites"},
        {T, "{'limits':{'eventsPerMonth':1000000000001}}", "limits.eventsPerMonth"},
        {T, "{'name':5}", "name"},
        {T, "{'name':''}", "name"},
        {T, "{'name':'a\\nb'}", "name"},
        {T, "{'status':'gone'}", "status"},
        {T, "{'status':'deleted'}", "status"},
        {T, "{'embedOrigins':'https://x.example'}", "embedOrigins"},
        {T, "{'embedOrigins':['https://x.example','x.example']}", "embedOrigins[1]"},
        {T, "{'embedOrigins':['https://x.example; script-src *']}", "embedOrigins[0]"},
        {T, "{'embedOrigins':[5]}", "embedOrigins"},
        {T, "{'createdAt':'2020-01-01T00:00:00Z'}", "createdAt"},
        {T, "{'eraseAt':'2020-01-01T00:00:00Z'}", "eraseAt"},
        {S, "{'domian':'x'}", "domian"},
        {S, "{'domain':'https://x'}", "domain"},
        {S, "{'domain':null}", "domain"},
        {S, "{'timezone':'Mars/Olympus'}", "timezone"},
        {S, "{'enabled':'yes'}", "enabled"},
        {S, "{'ipv4Prefix':25}", "ipv4Prefix"},
        {S, "{'limits':{'pathsPerday':5}}", "limits.pathsPerday"},
        {S, "{'limits':{'pathsPerDay':0}}", "limits.pathsPerDay"},
        {S, "{'blockedAddresses':['10.0.0.0/8','10.0.0.0/33']}", "blockedAddresses[1]"},
        {S, "{'blockedAddresses':['']}", "blockedAddresses[0]"},
        {S, "{'trackingIds':['a b']}", "trackingIds[0]"},
        {S, "{'allowedOrigins':['https://x']}", "allowedOrigins[0]"},
        {S, "{'blockedCountries':['UK']}", "blockedCountries[0]"},
        {S, "{'events':['Form']}", "events[0]"},
        {S, "{'requireToken':['Form']}", "requireToken[0]"},
        {S, "{'blockedPaths':['admin']}", "blockedPaths[0]"},
        {S, "{'blockedReferrers':['http://x']}", "blockedReferrers[0]"},
        {S, "{'fields':['title','path']}", "fields[1]"},
        {S, "{'publicMetrics':['pageviews','secrets']}", "publicMetrics[1]"},
        {S, "{'goals':[{'event':'x'}]}", "goals[0].name"},
        {S, "{'visitorIdentity':'none'}", "visitorIdentity"},
        {S, "{'status':'suspended'}", "status"},
        {S, "{'createdAt':'2020-01-01T00:00:00Z'}", "createdAt"},
        {U, "{'role':'admin'}", "role"},
        {U, "{'memberships':{}}", "memberships"},
        {U, "{'memberships':[5]}", "memberships[0]"},
        {U, "{'memberships':[{'tenantId':'t1'}]}", "memberships[0].role"},
        {U, "{'memberships':[{'tenantId':'t1','role':'viewer'},{'tenantId':'t2','role':'boss'}]}",
         "memberships[1].role"},
        {U, "{'memberships':[{'tenantId':'t1','role':'viewer','site':'a'}]}",
         "memberships[0].site"},
        {U, "{'memberships':[{'tenantId':'t1','role':'viewer','sites':[]}]}",
         "memberships[0].sites"},
        {U, "{'memberships':[{'tenantId':'t1','role':'viewer','sites':['a','a']}]}",
         "memberships[0].sites"},
        {U,
         "{'memberships':[{'tenantId':'t1','role':'viewer'},{'tenantId':'t1','role':'manager'}]}",
         "memberships[1].tenantId"},
        {U, "{'admin':1}", "admin"},
        {U, "{'totp':'x'}", "totp"},
        {K, "{'scope':'admin'}", "scope"},
        {K, "{'scopes':[]}", "scopes"},
        {K, "{'scopes':null}", "scopes"},
        {K, "{'scopes':['stats:read','all']}", "scopes[1]"},
        {K, "{'scopes':['stats:read,metrics']}", "scopes[0]"},
        {K, "{'expiresAt':'tomorrow'}", "expiresAt"},
        {K, "{'expiresAt':'2026-11-22T12:00:00Z'}", "expiresAt"},
        {K, "{'createdAt':'2020-01-01T00:00:00Z'}", "createdAt"},
        {L, "{'passwort':'correct horse'}", "passwort"},
        {L, "{'password':'2 short'}", "password"},
        {L, "{'expiresAt':'2020-01-01T00:00:00Z'}", "expiresAt"},
        {L, "{'hasPassword':true}", "hasPassword"},
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *id = examples[wrong[i].kind][0];
        struct answer was = get(f, PLATFORM, wrong[i].kind, id);
        struct answer answer = patch(f, PLATFORM, wrong[i].kind, id, wrong[i].body);

        if (answer.rc != ERR_INVALID || strcmp(answer.field, wrong[i].field) != 0)
            fail_msg("%s: %d at \"%s\": %s", wrong[i].body, answer.rc, answer.field, answer.why);
        assert_true(
            str_eq(at(f, was.json, ""), at(f, get(f, PLATFORM, wrong[i].kind, id).json, "")));
    }
}

static void bounds_are_taken_on_both_sides(void **state)
{
    struct fixture *f = *state;
    char body[600], name[202];

    make_world(f);
    assert_done(patch(f, PLATFORM, T, "t1",
                      "{'limits':{'eventsPerSecond':1000000000,'eventsPerMonth':1000000000000,"
                      "'sites':1000000,'readsPerMinute':1000000}}"),
                MANAGE_CHANGED);
    assert_refused(patch(f, PLATFORM, T, "t1", "{'limits':{'eventsPerSecond':1000000001}}"),
                   ERR_INVALID, "limits.eventsPerSecond");
    assert_refused(patch(f, PLATFORM, T, "t1", "{'limits':{'readsPerMinute':1000001}}"),
                   ERR_INVALID, "limits.readsPerMinute");
    memset(name, 'n', 200);
    name[200] = '\0';
    (void)snprintf(body, sizeof(body), "{'name':'%s'}", name);
    assert_done(patch(f, PLATFORM, T, "t1", body), MANAGE_CHANGED);
    (void)snprintf(body, sizeof(body), "{'name':'%sn'}", name);
    assert_refused(patch(f, PLATFORM, T, "t1", body), ERR_INVALID, "name");
    /* Eight characters, of which one is longer than a byte. */
    assert_done(patch(f, PLATFORM, L, "l-a",
                      "{'password':'\xc3\xa4"
                      "bcdefgh'}"),
                MANAGE_CHANGED);
    assert_refused(patch(f, PLATFORM, L, "l-a",
                         "{'password':'\xc3\xa4"
                         "bcdefg'}"),
                   ERR_INVALID, "password");
    assert_refused(put(f, PLATFORM, T, "no id", "{}"), ERR_INVALID, "id");
    assert_refused(put(f, PLATFORM, U, "nobody", "{'admin':true}"), ERR_INVALID, "id");
    assert_refused(put(f, PLATFORM, S, "z", "{'domain':'z.example'}"), ERR_INVALID, "tenantId");
    assert_refused(put(f, PLATFORM, S, "z", "{'tenantId':'t1'}"), ERR_INVALID, "domain");
    assert_refused(put(f, PLATFORM, S, "z", "{'tenantId':'t 1','domain':'z.example'}"), ERR_INVALID,
                   "tenantId");
    assert_refused(put(f, PLATFORM, K, "z", "{'tenantId':'t1'}"), ERR_INVALID, "scopes");
    assert_refused(put(f, PLATFORM, L, "z", "{}"), ERR_INVALID, "siteId");
    assert_refused(patch(f, PLATFORM, S, "a", "{'id':'b'}"), ERR_CONFLICT, "id");
    assert_done(patch(f, PLATFORM, S, "a", "{'id':'a'}"), MANAGE_SAME);
}

/* -- tenants ----------------------------------------------------------------------------------- */

static void a_tenant_has_defaults(void **state)
{
    struct fixture *f = *state;
    struct answer made = put(f, PLATFORM, T, "t9", "{}");

    assert_done(made, MANAGE_MADE);
    assert_at(f, made, "",
              "{'id':'t9','name':'t9','status':'active','limits':{'eventsPerSecond':0,"
              "'eventsPerMonth':0,'sites':0,'readsPerMinute':600},'embedOrigins':[],"
              "'createdAt':'2026-11-22T12:00:00.000Z','eraseAt':null}");
}

static void a_put_brings_back_what_it_leaves_out(void **state)
{
    struct fixture *f = *state;

    assert_done(put(f, PLATFORM, T, "t9", full[T].body), MANAGE_MADE);
    struct answer patched = patch(f, PLATFORM, T, "t9", "{'limits':{'sites':3},'name':null}");

    assert_done(patched, MANAGE_CHANGED);
    assert_at(f, patched, "limits",
              "{'eventsPerSecond':5,'eventsPerMonth':6,'sites':3,'readsPerMinute':8}");
    assert_at(f, patched, "name", "'t9'");
    assert_at(f, patched, "status", "'suspended'");
    struct answer back = put(f, PLATFORM, T, "t9", "{}");

    assert_done(back, MANAGE_CHANGED);
    assert_at(f, back, "limits",
              "{'eventsPerSecond':0,'eventsPerMonth':0,'sites':0,'readsPerMinute':600}");
    assert_at(f, back, "status", "'active'");
    assert_at(f, back, "embedOrigins", "[]");
}

/* What the platform has decided stays in a PUT of who manages the tenant. */
static void a_tenants_own_put_leaves_the_platforms_part(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(patch(f, PLATFORM, T, "t1", "{'limits':{'sites':2,'readsPerMinute':9}}"),
                MANAGE_CHANGED);
    struct answer own = put(f, TENANT, T, "t1", "{'name':'Ours'}");

    assert_done(own, MANAGE_CHANGED);
    assert_at(f, own, "limits.sites", "2");
    assert_at(f, own, "limits.readsPerMinute", "9");
    assert_at(f, own, "name", "'Ours'");
}

static void adding_what_is_there_otherwise_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct caller cli = caller_command();

    make_world(f);
    assert_done(put_as(f, &cli, T, "t1", body_of(f, "{'name':'One'}"), MANAGE_ADD), MANAGE_SAME);
    assert_refused(put_as(f, &cli, T, "t1", body_of(f, "{'name':'Uno'}"), MANAGE_ADD), ERR_CONFLICT,
                   "id");
    assert_refused(put_as(f, &cli, S, "a",
                          body_of(f, "{'tenantId':'t1','domain':'a.example','enabled':false}"),
                          MANAGE_ADD),
                   ERR_CONFLICT, "id");
    assert_at(f, get(f, COMMAND, S, "a"), "enabled", "null");
    assert_done(put_as(f, &cli, T, "t9", body_of(f, "{}"), MANAGE_ADD), MANAGE_MADE);
}

/* -- sites ------------------------------------------------------------------------------------- */

static void a_site_shows_what_it_sets_itself(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer made = put(f, TENANT, S, "s9", full[S].body);

    assert_done(made, MANAGE_MADE);
    assert_at(f, made, "domain", "'nine.example'");
    assert_at(f, made, "timezone", "'Europe/Berlin'");
    assert_at(f, made, "enabled", "false");
    /* Said, and so its own, although it is the default; what was not said is not set. */
    assert_at(f, made, "respectGpc", "true");
    assert_at(f, made, "respectDnt", "null");
    assert_at(f, made, "allowedOrigins", "null");
    assert_at(f, made, "trackingIds", "['n1','n2']");
    assert_at(f, made, "blockedCountries", "['DE']");
    assert_at(f, made, "limits",
              "{'eventsPerSecond':null,'eventsPerMonth':null,'pathsPerDay':500}");
    assert_at(f, made, "retention", "{'rawDays':0,'visitDays':null,'statsDays':null}");
    assert_at(f, made, "status", "'active'");
    assert_at(f, made, "firstEventAt", "null");
    assert_at(f, made, "lastEventAt", "null");
    assert_at(f, made, "snippet",
              "'<script defer src=\\'https://stats.example.com/public/analytics.js\\' "
              "data-site=\\'s9\\'></script>'");
    struct answer back = put(f, TENANT, S, "s9", "{'tenantId':'t1','domain':'nine.example'}");

    assert_done(back, MANAGE_CHANGED);
    assert_at(f, back, "respectGpc", "null");
    assert_at(f, back, "trackingIds", "null");
    assert_at(f, back, "timezone", "null");
}

/* Where the tenant respects DNT, its sites' scripts are told so. */
static void the_snippet_follows_what_holds(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_int_equal(set(f, TENANT, "t1", "", "{'respectDnt':true}").rc, 0);
    assert_at(f, get(f, TENANT, S, "a"), "snippet",
              "'<script defer src=\\'https://stats.example.com/public/analytics.js\\' "
              "data-site=\\'a\\' data-dnt></script>'");
    assert_at(f, get(f, TENANT, S, "a"), "respectDnt", "null");
}

static void a_site_makes_a_missing_tenant_for_the_platform(void **state)
{
    struct fixture *f = *state;

    assert_done(put(f, PLATFORM, S, "s9", "{'tenantId':'t9','domain':'nine.example'}"),
                MANAGE_MADE);
    assert_at(f, get(f, PLATFORM, T, "t9"), "name", "'t9'");
    /* Not where the site could not be made. */
    assert_refused(put(f, PLATFORM, S, "s10", "{'tenantId':'t10','domain':'-'}"), ERR_INVALID,
                   "domain");
    assert_int_equal(get(f, PLATFORM, T, "t10").rc, ERR_NOTFOUND);
}

static void a_tenant_has_no_more_sites_than_its_limit(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(patch(f, PLATFORM, T, "t1", "{'limits':{'sites':3}}"), MANAGE_CHANGED);
    assert_done(put(f, TENANT, S, "c", "{'tenantId':'t1','domain':'c.example'}"), MANAGE_MADE);
    struct answer fourth = put(f, TENANT, S, "d", "{'tenantId':'t1','domain':'d.example'}");

    assert_refused(fourth, ERR_CONFLICT, "tenantId");
    assert_non_null(strstr(fourth.why, "3 sites"));
    assert_refused(put(f, PLATFORM, S, "d", "{'tenantId':'t1','domain':'d.example'}"), ERR_CONFLICT,
                   "tenantId");
    /* Those that are there may change. */
    assert_done(patch(f, TENANT, S, "c", "{'enabled':false}"), MANAGE_CHANGED);
    /* What is to be erased needs no room, and has none to come back to. */
    assert_int_equal(drop(f, TENANT, S, "b").rc, 0);
    assert_done(put(f, TENANT, S, "d", "{'tenantId':'t1','domain':'d.example'}"), MANAGE_MADE);
    assert_refused(patch(f, TENANT, S, "b", "{'status':'active'}"), ERR_CONFLICT, "tenantId");
    assert_at(f, get(f, TENANT, S, "b"), "status", "'deleted'");
    assert_int_equal(drop(f, TENANT, S, "a").rc, 0);
    assert_done(patch(f, TENANT, S, "b", "{'status':'active'}"), MANAGE_CHANGED);
}

static void an_alias_is_taken_once(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(patch(f, TENANT, S, "a", "{'trackingIds':['one']}"), MANAGE_CHANGED);
    assert_int_equal(patch(f, TENANT, S, "b", "{'trackingIds':['one']}").rc, ERR_CONFLICT);
    assert_int_equal(patch(f, TENANT, S, "b", "{'trackingIds':['x']}").rc, ERR_CONFLICT);
    assert_int_equal(put(f, TENANT, S, "one", "{'tenantId':'t1','domain':'c.example'}").rc,
                     ERR_CONFLICT);
}

static void a_site_tells_its_first_and_last_event(void **state)
{
    struct fixture *f = *state;
    struct event events[] = {pageview("abc", DAY_START + 5 * MINUTE_MS, "/"),
                             pageview("abc", DAY_START + 3 * HOUR_MS, "/")};

    must_put(f, S, "abc", "{'tenantId':'t5g','domain':'a.example'}");
    struct answer before = get(f, COMMAND, S, "abc");

    commit(f, &(struct store_batch){.events = pointers(f, events, 2), .events_count = 2});
    assert_at(f, get(f, COMMAND, S, "abc"), "firstEventAt", "'2024-10-04T00:05:00.000Z'");
    assert_at(f, get(f, COMMAND, S, "abc"), "lastEventAt", "'2024-10-04T03:00:00.000Z'");
    /* What was answered before an event came can be put after it. */
    struct caller cli = caller_command();

    assert_done(put_as(f, &cli, S, "abc", before.json, MANAGE_PUT), MANAGE_SAME);
}

/* -- tokens ------------------------------------------------------------------------------------ */

static void a_tokens_secret_is_shown_once(void **state)
{
    struct fixture *f = *state;
    struct token_row row;
    uint8_t hash[TOKEN_HASH_BYTES];

    make_world(f);
    struct answer made = put(f, TENANT, K, "k9", full[K].body);

    assert_done(made, MANAGE_MADE);
    const struct json *token = json_get(made.json, STR("token"));

    assert_non_null(token);
    assert_true(token_hash(token->text, hash));
    assert_int_equal(store_get(f->store, ROW_TOKEN, STR("k9"), &f->arena, &row, &f->err), 1);
    assert_memory_equal(row.hash, hash, TOKEN_HASH_BYTES);
    assert_at(f, made, "scopes", "['stats:read','events:write']");
    assert_at(f, made, "expiresAt", "'2027-01-31T00:00:00.000Z'");
    struct answer changed = put(
        f, TENANT, K, "k9",
        "{'name':'for CD','tenantId':'t1','siteId':'a','scopes':['admin'],'token':'old answer'}");

    assert_done(changed, MANAGE_CHANGED);
    assert_at(f, changed, "token", "(absent)");
    assert_at(f, changed, "name", "'for CD'");
    assert_at(f, changed, "scopes", "['admin']");
    assert_at(f, changed, "expiresAt", "null");
    assert_int_equal(store_get(f->store, ROW_TOKEN, STR("k9"), &f->arena, &row, &f->err), 1);
    assert_memory_equal(row.hash, hash, TOKEN_HASH_BYTES);
    assert_at(f, get(f, TENANT, K, "k9"), "token", "(absent)");
}

static void whose_a_token_is_never_changes(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_refused(put(f, PLATFORM, K, "t1-a", "{'tenantId':'t2','siteId':'x','scopes':['admin']}"),
                   ERR_CONFLICT, "tenantId");
    assert_refused(put(f, PLATFORM, K, "t1-a", "{'tenantId':'t1','scopes':['admin']}"),
                   ERR_CONFLICT, "siteId");
    assert_refused(
        put(f, PLATFORM, K, "t1-all", "{'tenantId':'t1','siteId':'a','scopes':['admin']}"),
        ERR_CONFLICT, "siteId");
    assert_refused(put(f, PLATFORM, K, "root", "{'tenantId':'t1','scopes':['admin']}"),
                   ERR_CONFLICT, "tenantId");
    assert_refused(put(f, PLATFORM, K, "root", "{'scopes':['admin']}"), ERR_CONFLICT, "platform");
}

static void an_expired_token_can_be_put_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct caller platform;
    struct asking a;
    enum manage_done done;

    make_world(f);
    assert_done(patch(f, TENANT, K, "t1-all", "{'expiresAt':'2026-11-22T12:00:00.001Z'}"),
                MANAGE_CHANGED);
    platform = caller_for(PLATFORM, &f->arena);
    asking_begin(&a, f, &platform);
    a.m.now_ms = NOW + 1000;
    int rc = manage_put(&a.m, K, STR("t1-all"), get(f, TENANT, K, "t1-all").json, MANAGE_PUT, &done,
                        &a.out, &a.err);

    assert_int_equal(asking_end(&a, rc).rc, 0);
    assert_int_equal(done, MANAGE_SAME);
}

/* -- links ------------------------------------------------------------------------------------- */

static void a_links_password_stays_until_it_is_changed(void **state)
{
    struct fixture *f = *state;
    struct link_row first, row;

    make_world(f);
    assert_done(put(f, BOUND, L, "l9", full[L].body), MANAGE_MADE);
    assert_int_equal(store_get(f->store, ROW_LINK, STR("l9"), &f->arena, &first, &f->err), 1);
    assert_true(first.password.len > 0);
    assert_at(f, get(f, BOUND, L, "l9"), "hasPassword", "true");
    assert_at(f, get(f, BOUND, L, "l9"), "password", "(absent)");
    /* Left out, or the same again, it keeps its hash. */
    assert_done(put(f, BOUND, L, "l9", "{'siteId':'a'}"), MANAGE_CHANGED);
    assert_done(patch(f, BOUND, L, "l9", "{'password':'correct horse'}"), MANAGE_SAME);
    assert_int_equal(store_get(f->store, ROW_LINK, STR("l9"), &f->arena, &row, &f->err), 1);
    assert_true(str_eq(row.password, first.password));
    assert_done(patch(f, BOUND, L, "l9", "{'password':'battery staple'}"), MANAGE_CHANGED);
    assert_int_equal(store_get(f->store, ROW_LINK, STR("l9"), &f->arena, &row, &f->err), 1);
    assert_false(str_eq(row.password, first.password));
    struct answer open = patch(f, BOUND, L, "l9", "{'password':null}");

    assert_done(open, MANAGE_CHANGED);
    assert_at(f, open, "hasPassword", "false");
}

static void a_link_has_a_signed_address(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    struct answer link = get(f, BOUND, L, "l-a");
    const struct json *url = json_get(link.json, STR("url"));

    assert_true(str_starts(url->text, STR("https://stats.example.com/share/link.l-a.")));
    assert_at(f, link, "tenantId", "'t1'");
    assert_at(f, link, "expiresAt", "null");
}

/* -- the tables for openapi.json --------------------------------------------------------------- */

static void members_are_those_of_answers(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    for (enum manage_kind kind = T; kind <= L; kind++) {
        struct answer answer = get(f, PLATFORM, kind, examples[kind][0]);

        for (size_t i = 0; i < answer.json->count; i++) {
            const struct json_member *member = &answer.json->members[i];
            const struct manage_member *row = manage_members(kind);

            while (row->name != NULL &&
                   !str_eq(str_slice(str_from(row->name), 0, str_find(str_from(row->name), 0, '.')),
                           member->name))
                row++;
            if (row->name == NULL)
                fail_msg("%s: %.*s is in no table", manage_name(kind), STR_FMT(member->name));
        }
    }
}

/* Each setting is a member, of the type that it takes. */
static void every_setting_is_a_member_of_sites(void **state)
{
    static const char *const types[] = {
        [SETTING_TEXT] = "string",  [SETTING_LIST] = "array",     [SETTING_JSON] = "array",
        [SETTING_BOOL] = "boolean", [SETTING_NUMBER] = "integer", [SETTING_DAYS] = "integer"};
    struct site_setting setting;

    (void)state;
    for (size_t i = 0; site_setting_at(i, &setting); i++) {
        const struct manage_member *row = manage_members(S);

        while (row->name != NULL && strcmp(row->name, setting.name) != 0)
            row++;
        assert_non_null(row->name);
        assert_string_equal(row->type, types[setting.type]);
        assert_false(row->read_only);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(putting_twice_changes_nothing_the_second_time),
        ON_ALL(what_get_answers_can_be_put_again),
        BOTH(an_empty_patch_changes_nothing),
        ON("memory", unknown_members_and_wrong_types_are_refused_by_name),
        ON("memory", bounds_are_taken_on_both_sides),
        BOTH(a_tenant_has_defaults),
        BOTH(a_put_brings_back_what_it_leaves_out),
        BOTH(a_tenants_own_put_leaves_the_platforms_part),
        BOTH(adding_what_is_there_otherwise_is_a_conflict),
        BOTH(a_site_shows_what_it_sets_itself),
        BOTH(the_snippet_follows_what_holds),
        ON_ALL(a_site_makes_a_missing_tenant_for_the_platform),
        ON_ALL(a_tenant_has_no_more_sites_than_its_limit),
        BOTH(an_alias_is_taken_once),
        BOTH(a_site_tells_its_first_and_last_event),
        BOTH(a_tokens_secret_is_shown_once),
        BOTH(whose_a_token_is_never_changes),
        BOTH(an_expired_token_can_be_put_as_it_is),
        BOTH(a_links_password_stays_until_it_is_changed),
        BOTH(a_link_has_a_signed_address),
        ON("memory", members_are_those_of_answers),
        cmocka_unit_test(every_setting_is_a_member_of_sites),
    };

    return run_with_postgres("manage", tests, sizeof(tests) / sizeof(tests[0]));
}
