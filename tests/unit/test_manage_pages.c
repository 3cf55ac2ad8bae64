/*
 * test_manage_pages.c -- lists page by page while rows come and go, what tenants have used, the
 * audit log, and addresses for frames. Expectations: CONTRACT (Managing).
 */
#include "test_manage_support.h"

#include "access/signed.h"

#define T MANAGE_TENANTS
#define S MANAGE_SITES
#define U MANAGE_USERS
#define R MANAGE_RECEIPTS

/* -- pages ------------------------------------------------------------------------------------- */

struct paging {
    struct fixture *f;
    struct caller caller;
    enum manage_kind kind;
    struct manage_query query;
    char seen[4000][24];
    size_t count;
    bool more;
};

static void next_page(struct paging *p)
{
    struct asking a;

    asking_begin(&a, p->f, &p->caller);
    struct answer answer = asking_end(&a, manage_list(&a.m, p->kind, &p->query, &a.out, &a.err));

    assert_int_equal(answer.rc, 0);
    const struct json *rows = json_get(answer.json, str_from(manage_name(p->kind)));
    const struct json *cursor = json_get(answer.json, STR("nextCursor"));

    assert_true(rows->count <= (p->query.limit == 0 ? MANAGE_LIMIT : p->query.limit));
    for (size_t i = 0; i < rows->count; i++) {
        struct str id = json_get(&rows->items[i], STR("id"))->text;

        (void)snprintf(p->seen[p->count++], sizeof(p->seen[0]), "%.*s", STR_FMT(id));
    }
    p->more = cursor->type == JSON_STRING;
    if (p->more)
        (void)snprintf(p->seen[p->count], sizeof(p->seen[0]), "%.*s", STR_FMT(cursor->text));
    p->query.cursor = p->more ? arena_str(&p->f->arena, cursor->text) : STR("");
}

static void put_site(struct fixture *f, const char *id, const char *tenant)
{
    const struct actor actor = {STR("cli"), NOW};
    struct site_row row = site_row_default();

    row.id = str_from(id);
    row.tenant = str_from(tenant);
    row.domain = STR("example.com");
    row.created_ms = NOW;
    assert_ok(f, store_put_site(f->store, &row, &actor, &f->err));
}

/* Each id of the 3,000 once; of those added meanwhile at most once. */
static void three_thousand_sites_come_once_while_others_are_added(void **state)
{
    struct fixture *f = *state;
    struct paging *p = calloc(1, sizeof(*p));
    char id[32], tenant[32];
    size_t old = 0, pages = 0;

    assert_non_null(p);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(id, sizeof(id), "site-%04d", i);
        (void)snprintf(tenant, sizeof(tenant), "t-%d", i % 200);
        put_site(f, id, tenant);
    }
    p->f = f;
    p->caller = caller_command();
    p->kind = S;
    p->query.limit = 250;
    do {
        next_page(p);
        /* One before the cursor, one behind it. */
        (void)snprintf(id, sizeof(id), "new-%04zu", pages);
        put_site(f, id, "t-0");
        (void)snprintf(id, sizeof(id), "site-%04zu-new", 2990 - pages);
        put_site(f, id, "t-0");
        pages++;
    } while (p->more);
    for (size_t i = 0; i < p->count; i++) {
        old += strlen(p->seen[i]) == strlen("site-0000");
        assert_true(i == 0 || strcmp(p->seen[i - 1], p->seen[i]) < 0);
    }
    assert_int_equal(old, 3000);
    assert_int_equal(pages, 13);
    free(p);
}

static void pages_of_several_tenants_are_one_list(void **state)
{
    struct fixture *f = *state;
    struct paging *p = calloc(1, sizeof(*p));
    char id[32];

    assert_non_null(p);
    make_world(f);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(id, sizeof(id), "s-%02d", i);
        put_site(f, id, i % 3 == 0 ? "t1" : i % 3 == 1 ? "t2" : "t3");
    }
    p->f = f;
    p->caller = person("two@example.com",
                       "[{\"tenantId\":\"t1\",\"role\":\"manager\"},"
                       "{\"tenantId\":\"t2\",\"role\":\"manager\"}]",
                       false, &f->arena);
    p->kind = S;
    p->query.limit = 4;
    do
        next_page(p);
    while (p->more);
    /* a, b, x; s-00 to s-39 but for those of t3 (2, 5, ... 38). */
    assert_int_equal(p->count, 3 + 40 - 13);
    for (size_t i = 1; i < p->count; i++)
        assert_true(strcmp(p->seen[i - 1], p->seen[i]) < 0);
    /* People of both tenants come once. */
    p->kind = U;
    for (size_t limit = 1; limit <= 5; limit++) {
        p->count = 0;
        p->query = (struct manage_query){.limit = limit};
        do
            next_page(p);
        while (p->more);
        assert_int_equal(p->count, 4);
    }
    free(p);
}

static void a_page_has_its_limit_and_a_hundred_without(void **state)
{
    struct fixture *f = *state;
    struct caller caller = caller_command();
    static const struct {
        size_t limit, rows;
    } limits[] = {{0, 100}, {1, 1}, {100, 100}, {101, 101}, {1000, 1000}, {1001, 1000}};
    char id[32];

    for (int i = 0; i < 1010; i++) {
        (void)snprintf(id, sizeof(id), "s-%04d", i);
        put_site(f, id, "t1");
    }
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const struct manage_query query = {.limit = limits[i].limit};
        struct asking a;

        asking_begin(&a, f, &caller);
        struct answer answer = asking_end(&a, manage_list(&a.m, S, &query, &a.out, &a.err));

        assert_int_equal(json_get(answer.json, STR("sites"))->count, limits[i].rows);
        assert_int_equal(json_get(answer.json, STR("nextCursor"))->type, JSON_STRING);
    }
    /* The last page says that it is. */
    const struct manage_query rest = {.limit = 10, .cursor = STR("s-0999")};
    struct asking a;

    asking_begin(&a, f, &caller);
    assert_at(f, asking_end(&a, manage_list(&a.m, S, &rest, &a.out, &a.err)), "nextCursor", "null");
}

static void lists_can_be_of_one_tenant_or_site(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_at(f, list(f, PLATFORM, S, "t2", ""), "sites.0.id", "'x'");
    assert_at(f, list(f, PLATFORM, S, "t2", ""), "sites.1", "(absent)");
    assert_at(f, list(f, PLATFORM, MANAGE_TOKENS, "", "b"), "tokens.0.id", "'t1-b'");
    assert_at(f, list(f, PLATFORM, MANAGE_TOKENS, "", "b"), "tokens.1", "(absent)");
    assert_at(f, list(f, TENANT, MANAGE_LINKS, "t1", "a"), "links.0.id", "'l-a'");
    assert_int_equal(list(f, PLATFORM, MANAGE_LINKS, "t2", "a").rc, ERR_NOTFOUND);
    assert_int_equal(list(f, PLATFORM, MANAGE_LINKS, "", "z").rc, ERR_NOTFOUND);
    assert_int_equal(list(f, PLATFORM, S, "t3", "").rc, ERR_NOTFOUND);
    assert_int_equal(list(f, TENANT, MANAGE_LINKS, "", "x").rc, ERR_NOTFOUND);
    assert_at(f, list(f, PLATFORM, T, "t2", ""), "tenants.1", "(absent)");
}

/* -- usage ------------------------------------------------------------------------------------- */

static struct answer usage(struct fixture *f, enum who who, const char *tenant, const char *month)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_usage(&a.m, str_from(tenant), str_from(month), &a.out, &a.err));
}

static struct ledger_row counted(const char *tenant, const char *site, int32_t day,
                                 enum ledger_kind kind, int64_t events)
{
    return (struct ledger_row){.site = str_from(site),
                               .tenant = str_from(tenant),
                               .day = day,
                               .kind = kind,
                               .reason = kind == LEDGER_DROPPED    ? STR("bot")
                                         : kind == LEDGER_REJECTED ? STR("invalid")
                                                                   : STR(""),
                               .events = events,
                               .records = events};
}

static void fill_ledger(struct fixture *f)
{
    const int32_t first = date_from_civil(2026, 11, 1), last = date_from_civil(2026, 11, 30);
    struct ledger_row rows[] = {
        counted("t1", "a", first, LEDGER_STORED, 100),
        counted("t1", "a", last, LEDGER_STORED, 11),
        counted("t1", "a", last, LEDGER_DROPPED, 5),
        counted("t1", "b", first + 3, LEDGER_REJECTED, 7),
        counted("t2", "x", first, LEDGER_STORED, 1000),
        counted("t1", "a", first - 1, LEDGER_STORED, 40),
        counted("t1", "b", last + 1, LEDGER_STORED, 60),
    };
    struct store_batch batch = {.ledger = rows, .ledger_count = sizeof(rows) / sizeof(rows[0])};

    commit(f, &batch);
}

static void usage_is_what_the_ledger_says(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    fill_ledger(f);
    assert_done(patch(f, PLATFORM, T, "t1", "{'limits':{'eventsPerMonth':5000}}"), MANAGE_CHANGED);
    assert_at(f, usage(f, TENANT, "", ""), "",
              "{'month':'2026-11','tenants':[{'tenantId':'t1','events':111,'dropped':5,'rejected':"
              "7,'limit':5000,'sites':[{'siteId':'a','events':111,'dropped':5,'rejected':0},"
              "{'siteId':'b','events':0,'dropped':0,'rejected':7}]}]}");
    assert_at(
        f, usage(f, PLATFORM, "", "2026-11"), "tenants.1",
        "{'tenantId':'t2','events':1000,'dropped':0,'rejected':0,'limit':0,'sites':[{'siteId':"
        "'x','events':1000,'dropped':0,'rejected':0}]}");
    assert_at(f, usage(f, PLATFORM, "", "2026-11"), "tenants.2", "(absent)");
    assert_at(f, usage(f, PLATFORM, "t1", "2026-10"), "tenants.0.events", "40");
    assert_at(f, usage(f, PLATFORM, "t1", "2026-12"), "tenants.0.events", "60");
    assert_at(f, usage(f, PLATFORM, "t2", "2026-12"), "tenants.0",
              "{'tenantId':'t2','events':0,'dropped':0,'rejected':0,'limit':0,'sites':[]}");
}

static void a_month_is_year_and_month(void **state)
{
    static const char *const wrong[] = {"2026",   "2026-13",    "2026-00",
                                        "2026-1", "2026-11-01", "november"};
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_refused(usage(f, PLATFORM, "", wrong[i]), ERR_INVALID, "month");
    assert_at(f, usage(f, PLATFORM, "", "2024-02"), "month", "'2024-02'");
}

/* -- the audit log ----------------------------------------------------------------------------- */

static struct answer audit(struct fixture *f, enum who who, const char *tenant, const char *cursor,
                           size_t limit)
{
    const struct manage_query query = {
        .tenant = str_from(tenant), .cursor = str_from(cursor), .limit = limit};
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_audit(&a.m, &query, &a.out, &a.err));
}

static void the_audit_log_tells_who_did_what_the_newest_first(void **state)
{
    struct fixture *f = *state;

    make_world(f);
    assert_done(patch(f, MANAGER, S, "a", "{'enabled':false}"), MANAGE_CHANGED);
    struct answer own = audit(f, TENANT, "", "", 0);

    assert_at(f, own, "audit.0.actor", "'user:ann@example.com'");
    assert_at(f, own, "audit.0.action", "'site.set'");
    assert_at(f, own, "audit.0.target", "'a'");
    assert_at(f, own, "audit.0.tenantId", "'t1'");
    assert_at(f, own, "audit.0.at", "'2026-11-22T12:00:00.000Z'");
    const struct json *lines = json_get(own.json, STR("audit"));

    assert_true(lines->count > 5);
    for (size_t i = 0; i < lines->count; i++)
        assert_true(str_eq(json_get(&lines->items[i], STR("tenantId"))->text, STR("t1")));
    /* What changes nothing is not told. */
    assert_done(patch(f, MANAGER, S, "a", "{'enabled':false}"), MANAGE_SAME);
    assert_true(str_eq(at(f, audit(f, TENANT, "", "", 0).json, ""), at(f, own.json, "")));
    assert_refused(audit(f, TENANT, "", "x", 0), ERR_INVALID, "cursor");
    assert_refused(audit(f, TENANT, "", "0", 0), ERR_INVALID, "cursor");
}

static void the_audit_log_has_pages(void **state)
{
    struct fixture *f = *state;
    char cursor[32] = "";
    int64_t last = INT64_MAX, id = 0;
    size_t count = 0;

    make_world(f);
    size_t all = json_get(audit(f, PLATFORM, "", "", 1000).json, STR("audit"))->count;

    do {
        struct answer page = audit(f, PLATFORM, "", cursor, 3);
        const struct json *lines = json_get(page.json, STR("audit"));
        const struct json *next = json_get(page.json, STR("nextCursor"));

        for (size_t i = 0; i < lines->count; i++) {
            assert_true(json_to_i64(json_get(&lines->items[i], STR("id")), &id));
            assert_true(id < last);
            last = id;
            count++;
        }
        (void)snprintf(cursor, sizeof(cursor), "%.*s",
                       STR_FMT(next->type == JSON_STRING ? next->text : STR("")));
    } while (cursor[0] != '\0');
    assert_int_equal(count, all);
    assert_true(all > 15);
}

/* -- frames ------------------------------------------------------------------------------------ */

static enum signed_kind open_embed(struct fixture *f, const struct answer *answer, int64_t now_ms,
                                   struct embed *out)
{
    struct str before = STR("https://stats.example.com/embed/");
    struct str url = json_get(answer->json, STR("url"))->text, link;

    assert_true(str_starts(url, before));
    return signed_read(signing_key, str_slice(url, before.len, url.len), now_ms, NULL, NULL,
                       &f->arena, &link, out);
}

static void an_embed_is_of_the_sites_that_were_named(void **state)
{
    struct fixture *f = *state;
    struct embed embed;

    make_world(f);
    struct answer answer =
        ask_body(f, READER, manage_embed, "{'tenantId':'t1','siteIds':['a'],'seconds':60}");

    assert_int_equal(answer.rc, 0);
    assert_at(f, answer, "expiresAt", "'2026-11-22T12:01:00.000Z'");
    assert_int_equal(open_embed(f, &answer, NOW + 59999, &embed), SIGNED_EMBED);
    assert_str(embed.tenant, "t1");
    assert_str(embed.token, "k");
    assert_int_equal(embed.sites_count, 1);
    assert_str(embed.sites[0], "a");
    assert_int_equal(open_embed(f, &answer, NOW + 60000, &embed), SIGNED_NOT);
    answer = ask_body(f, READER, manage_embed, "{'tenantId':'t1'}");
    assert_at(f, answer, "expiresAt", "'2026-11-22T13:00:00.000Z'");
    assert_int_equal(open_embed(f, &answer, NOW, &embed), SIGNED_EMBED);
    assert_int_equal(embed.sites_count, 0);
}

static void an_embed_ends_with_its_token(void **state)
{
    struct fixture *f = *state;
    struct caller caller;
    struct asking a;

    make_world(f);
    caller_of_token(STR("k"), true, STR(""), STR(""), SCOPE_STATS_READ, NOW + 90000, &f->arena,
                    &caller);
    asking_begin(&a, f, &caller);
    assert_at(f,
              asking_end(&a, manage_embed(&a.m, body_of(f, "{'tenantId':'t1'}"), &a.out, &a.err)),
              "expiresAt", "'2026-11-22T12:01:30.000Z'");
}

static void an_embed_that_cannot_be_is_refused_by_name(void **state)
{
    static const struct {
        const char *body, *field;
        int rc;
    } wrong[] = {
        {"{}", "tenantId", ERR_INVALID},
        {"{'tenantId':'t3'}", "tenantId", ERR_NOTFOUND},
        {"{'tenantId':'t1','seconds':59}", "seconds", ERR_INVALID},
        {"{'tenantId':'t1','seconds':3601}", "seconds", ERR_INVALID},
        {"{'tenantId':'t1','siteIds':[]}", "siteIds", ERR_INVALID},
        {"{'tenantId':'t1','siteIds':['a','x']}", "siteIds[1]", ERR_NOTFOUND},
        {"{'tenantId':'t1','siteIds':[5]}", "siteIds[0]", ERR_NOTFOUND},
        {"{'tenantId':'t1','sites':['a']}", "sites", ERR_INVALID},
    };
    struct fixture *f = *state;

    make_world(f);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_refused(ask_body(f, PLATFORM, manage_embed, wrong[i].body), wrong[i].rc,
                       wrong[i].field);
    assert_int_equal(ask_body(f, PLATFORM, manage_embed, "{'tenantId':'t1','seconds':3600}").rc, 0);
    assert_int_equal(drop(f, PLATFORM, S, "a").rc, 0);
    assert_refused(ask_body(f, PLATFORM, manage_embed, "{'tenantId':'t1','siteIds':['a']}"),
                   ERR_NOTFOUND, "siteIds[0]");
    assert_done(patch(f, PLATFORM, T, "t1", "{'status':'suspended'}"), MANAGE_CHANGED);
    assert_int_equal(ask_body(f, PLATFORM, manage_embed, "{'tenantId':'t1'}").rc, ERR_DENIED);
    assert_int_equal(drop(f, PLATFORM, T, "t1").rc, 0);
    assert_refused(ask_body(f, PLATFORM, manage_embed, "{'tenantId':'t1'}"), ERR_NOTFOUND,
                   "tenantId");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON("memory", three_thousand_sites_come_once_while_others_are_added),
        ON_ALL(pages_of_several_tenants_are_one_list),
        ON("memory", a_page_has_its_limit_and_a_hundred_without),
        ON_ALL(lists_can_be_of_one_tenant_or_site),
        ON_ALL(usage_is_what_the_ledger_says),
        ON("memory", a_month_is_year_and_month),
        ON_ALL(the_audit_log_tells_who_did_what_the_newest_first),
        BOTH(the_audit_log_has_pages),
        ON("memory", an_embed_is_of_the_sites_that_were_named),
        ON("memory", an_embed_ends_with_its_token),
        ON("memory", an_embed_that_cannot_be_is_refused_by_name),
    };

    return run_with_postgres("manage_pages", tests, sizeof(tests) / sizeof(tests[0]));
}
