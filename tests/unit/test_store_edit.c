/*
 * test_store_edit.c -- the contract of store_get(), store_edit(), store_page(), store_count() and
 * store_each(), run against every backend.
 */
#include "test_store_managed.h"

/* -- the edit ---------------------------------------------------------------------------------- */

static void an_edit_gets_the_row_as_it_is_or_with_the_defaults(void **state)
{
    struct fixture *f = *state;
    struct step keep = {.kind = ROW_TENANT, .answer = EDIT_KEEP};
    struct tenant_row row = tenant_named("t5g", "Five"), got;

    assert_int_equal(edit_step(f, STR("t5g"), &keep), 0);
    assert_int_equal(keep.calls, 1);
    assert_false(keep.existed);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 0);
    assert_str(got.id, "t5g");
    assert_true(got.active);
    assert_int_equal(got.reads_per_minute, READS_PER_MINUTE);

    assert_int_equal(put_row(f, ROW_TENANT, &row), 1);
    assert_int_equal(edit_step(f, STR("t5g"), &keep), 0);
    assert_true(keep.existed);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 1);
    assert_str(got.name, "Five");
}

/* Only the name: what it does not touch stays. */
static int rename_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct tenant_row *tenant = row;

    (void)err;
    assert_true(exists);
    assert_int_equal(tenant->sites_max, 3);
    tenant->name = arena_str(arena, str_from(ctx));
    return EDIT_PUT;
}

static void an_edit_changes_what_it_wants(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five"), got;
    char name[] = "Six";

    row.sites_max = 3;
    assert_int_equal(put_row(f, ROW_TENANT, &row), 1);
    assert_int_equal(
        store_edit(f->store, ROW_TENANT, STR("t5g"), rename_tenant, name, &somebody, &f->err), 1);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 1);
    assert_str(got.name, "Six");
    assert_int_equal(got.sites_max, 3);
}

static void an_edit_that_fails_changes_nothing_and_its_code_comes_back(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five"), got;
    struct step step = {.kind = ROW_TENANT, .row = &row, .answer = ERR_DENIED};
    struct audit_row *lines;

    assert_int_equal(edit_step(f, STR("t5g"), &step), ERR_DENIED);
    assert_string_equal(f->err.text, "the edit says no");
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 0);
    assert_int_equal(audit_of(f, "", &lines), 0);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), 0);
}

static void an_edit_removes_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five"), got;

    assert_int_equal(remove_row(f, ROW_TENANT, "t5g"), 0);
    assert_int_equal(put_row(f, ROW_TENANT, &row), 1);
    assert_int_equal(remove_row(f, ROW_TENANT, "t5g"), 1);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 0);
}

static int count_and_put(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct fixture *f = ctx;
    struct tenant_row *tenant = row, other;
    int64_t count = -1;

    assert_false(exists);
    assert_int_equal(store_get(f->store, ROW_TENANT, STR("t5g"), arena, &other, err), 1);
    assert_int_equal(store_get(f->store, ROW_TENANT, STR("none"), arena, &other, err), 0);
    assert_int_equal(
        store_count(f->store, ROW_TENANT, &(struct row_filter){.tenant = STR("")}, &count, err), 0);
    assert_int_equal(count, 1);
    tenant->name = STR("Six");
    return EDIT_PUT;
}

static void an_edit_may_look_at_other_rows(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five");

    assert_int_equal(put_row(f, ROW_TENANT, &row), 1);
    assert_int_equal(
        store_edit(f->store, ROW_TENANT, STR("t6"), count_and_put, f, &somebody, &f->err), 1);
    assert_int_equal(count_of(f, ROW_TENANT, (struct row_filter){.tenant = STR("")}), 2);
}

/* -- rows of each kind ------------------------------------------------------------------------- */

static void tenants_tokens_and_links_come_back(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples(), got;

    all.tenant.active = false;
    all.tenant.events_per_second = 5;
    all.tenant.events_per_month = 6;
    all.tenant.sites_max = 7;
    all.tenant.reads_per_minute = 8;
    all.tenant.erase_ms = 9;
    all.tenant.embed_origins = STR("[\"https://app.example.com\"]");
    all.tenant.settings = STR("{\"timezone\":\"UTC\"}");
    put_examples(f);
    assert_int_equal(put_row(f, ROW_TENANT, &all.tenant), 1);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got.tenant), 1);
    assert_str(got.tenant.id, "t5g");
    assert_str(got.tenant.name, "Five");
    assert_false(got.tenant.active);
    assert_int_equal(got.tenant.created_ms, 1000);
    assert_int_equal(got.tenant.events_per_second, 5);
    assert_int_equal(got.tenant.events_per_month, 6);
    assert_int_equal(got.tenant.sites_max, 7);
    assert_int_equal(got.tenant.reads_per_minute, 8);
    assert_int_equal(got.tenant.erase_ms, 9);
    assert_str(got.tenant.embed_origins, "[\"https://app.example.com\"]");
    assert_str(got.tenant.settings, "{\"timezone\":\"UTC\"}");

    assert_int_equal(get_row(f, ROW_TOKEN, "k1", &got.token), 1);
    assert_str(got.token.name, "the shop's");
    assert_str(got.token.tenant, "t5g");
    assert_str(got.token.site, "abc");
    assert_false(got.token.platform);
    assert_int_equal(got.token.scopes, SCOPE_STATS_READ);
    assert_memory_equal(got.token.hash, all.token.hash, TOKEN_HASH_BYTES);
    assert_int_equal(got.token.created_ms, 5000);
    assert_int_equal(got.token.expires_ms, 99);

    assert_int_equal(get_row(f, ROW_LINK, "l1", &got.link), 1);
    assert_str(got.link.tenant, "t5g");
    assert_str(got.link.site, "abc");
    assert_str(got.link.name, "board");
    assert_str(got.link.password, "$argon2id$y");
    assert_int_equal(got.link.created_ms, 5000);
    assert_int_equal(got.link.expires_ms, 77);
}

static void people_and_sessions_come_back(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all got;

    put_examples(f);
    assert_int_equal(get_row(f, ROW_USER, "a@b.example", &got.user), 1);
    assert_str(got.user.id, "a@b.example");
    assert_str(got.user.name, "A");
    assert_str(got.user.password, "$argon2id$x");
    assert_str(got.user.totp, "MFRGG");
    assert_int_equal(got.user.totp_step, 7);
    assert_true(got.user.admin);
    assert_non_null(strstr(got.user.memberships.ptr, "\"manager\""));
    assert_str(got.user.payload_id, "64");
    assert_int_equal(got.user.created_ms, 5000);
    assert_int_equal(got.user.signed_in_ms, 8);

    assert_int_equal(get_row(f, ROW_SESSION, SESSION_ID, &got.session), 1);
    assert_str(got.session.id, SESSION_ID);
    assert_str(got.session.user, "a@b.example");
    assert_int_equal(got.session.kind, SESSION_SIGNED_IN);
    assert_int_equal(got.session.created_ms, 5000);
    assert_int_equal(got.session.seen_ms, 6000);
    assert_int_equal(got.session.expires_ms, 9000);
}

static void erasures_and_the_installation_come_back(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples(), got;

    put_examples(f);
    assert_int_equal(get_row(f, ROW_ERASURE, "e1", &got.erasure), 1);
    assert_str(got.erasure.tenant, "t5g");
    assert_str(got.erasure.site, "abc");
    assert_int_equal(got.erasure.kind, ERASE_PATH);
    assert_str(got.erasure.value, "/secret");
    assert_str(got.erasure.actor, "cli");
    assert_int_equal(got.erasure.asked_ms, 3);
    assert_int_equal(got.erasure.due_ms, 4);
    assert_int_equal(got.erasure.done_ms, 0);
    assert_str(got.erasure.rows, "");
    assert_str(got.erasure.nodes, "");
    all.erasure.value = STR("");
    all.erasure.done_ms = 55;
    all.erasure.rows = STR("{\"visits\":2}");
    all.erasure.nodes = STR("{\"n1\":66}");
    assert_int_equal(put_row(f, ROW_ERASURE, &all.erasure), 1);
    assert_int_equal(get_row(f, ROW_ERASURE, "e1", &got.erasure), 1);
    assert_str(got.erasure.value, "");
    assert_int_equal(got.erasure.done_ms, 55);
    assert_str(got.erasure.rows, "{\"visits\":2}");
    assert_str(got.erasure.nodes, "{\"n1\":66}");

    assert_int_equal(get_row(f, ROW_INSTALLATION, "installation", &got.installation), 1);
    assert_str(got.installation.settings, "{\"respectDnt\":true}");
}

static void what_is_put_again_changes_nothing(void **state)
{
    struct fixture *f = *state;
    const struct rows_of_all all = examples();
    struct kind_example list[KIND_EXAMPLES];
    struct audit_row *lines;

    put_examples(f);
    int64_t counter = counter_of(f, COUNTER_DIRECTORY);
    size_t audit = audit_of(f, "", &lines);

    list_examples(&all, list);
    for (size_t i = 0; i < KIND_EXAMPLES; i++)
        assert_int_equal(put_row(f, list[i].kind, list[i].row), 0);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
    assert_int_equal(audit_of(f, "", &lines), audit);
}

static void json_that_says_the_same_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples();

    put_examples(f);
    all.user.memberships = STR("[ {\"sites\":[\"abc\"],\"role\":\"manager\",\"tenantId\":\"t5g\"},"
                               "{\"role\":\"viewer\",\"tenantId\":\"else\"} ]");
    assert_int_equal(put_row(f, ROW_USER, &all.user), 0);
    all.user.memberships = STR("[{\"tenantId\":\"else\",\"role\":\"viewer\"},"
                               "{\"tenantId\":\"t5g\",\"role\":\"manager\",\"sites\":[\"abc\"]}]");
    assert_int_equal(put_row(f, ROW_USER, &all.user), 1);
    all.installation.settings = STR("{ \"respectDnt\" : true }");
    assert_int_equal(put_row(f, ROW_INSTALLATION, &all.installation), 0);
    all.installation.settings = STR("{\"respectDnt\":false}");
    assert_int_equal(put_row(f, ROW_INSTALLATION, &all.installation), 1);
}

static void a_row_is_as_old_as_when_it_was_made(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five"), got;

    row.created_ms = 0;
    assert_int_equal(put_row(f, ROW_TENANT, &row), 1);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 1);
    assert_int_equal(got.created_ms, 5000); /* somebody's now */
    row.created_ms = 77;
    assert_int_equal(put_row(f, ROW_TENANT, &row), 0);
    row.name = STR("Six");
    assert_int_equal(put_row(f, ROW_TENANT, &row), 1);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &got), 1);
    assert_int_equal(got.created_ms, 5000);
}

/* -- what is refused --------------------------------------------------------------------------- */

static int put_as(struct fixture *f, enum row_kind kind, const char *id, const void *row)
{
    struct step step = {.kind = kind, .row = row, .answer = EDIT_PUT};

    return edit_step(f, str_from(id), &step);
}

static void what_never_changes_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    const struct rows_of_all all = examples();
    struct rows_of_all row = all;
    struct tenant_row other = tenant_named("else", "Else");
    struct site_row second = site_named("xyz", "t5g");

    put_examples(f);
    assert_int_equal(put_row(f, ROW_TENANT, &other), 1);
    assert_int_equal(put_row(f, ROW_SITE, &second), 1);
#define FIXED(kind, id, member, field, value)                                                      \
    row.member.field = (value);                                                                    \
    assert_int_equal(put_as(f, kind, id, &row.member), ERR_CONFLICT);                              \
    row = all

    FIXED(ROW_TENANT, "t5g", tenant, id, STR("else"));
    FIXED(ROW_TENANT, "new", tenant, id, STR("newer"));
    FIXED(ROW_SITE, "abc", site, id, STR("xyz"));
    FIXED(ROW_SITE, "abc", site, tenant, STR("else"));
    FIXED(ROW_TOKEN, "k1", token, tenant, STR("else"));
    FIXED(ROW_TOKEN, "k1", token, site, STR("xyz"));
    FIXED(ROW_TOKEN, "k1", token, site, STR(""));
    FIXED(ROW_TOKEN, "k1", token, hash[31], 9);
    FIXED(ROW_LINK, "l1", link, tenant, STR("else"));
    FIXED(ROW_LINK, "l1", link, site, STR("xyz"));
    FIXED(ROW_ERASURE, "e1", erasure, site, STR("xyz"));
    FIXED(ROW_ERASURE, "e1", erasure, kind, ERASE_EVENT);
    FIXED(ROW_SESSION, SESSION_ID, session, kind, SESSION_RESET);
    FIXED(ROW_USER, "a@b.example", user, id, STR("c@d.example"));
#undef FIXED
    row.token.platform = true;
    row.token.tenant = row.token.site = STR("");
    assert_int_equal(put_row(f, ROW_TOKEN, &row.token), ERR_CONFLICT);
    row = all;
    row.token.name = STR("another");
    row.token.scopes = SCOPE_ADMIN;
    row.token.expires_ms = 5;
    assert_int_equal(put_row(f, ROW_TOKEN, &row.token), 1);
}

static void a_new_row_needs_what_it_names(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples();
    struct site_row foreign = site_named("xyz", "else");

    assert_int_equal(put_row(f, ROW_SITE, &all.site), ERR_NOTFOUND);
    assert_string_equal(f->err.text, "no such tenant: t5g");
    assert_int_equal(put_row(f, ROW_TENANT, &all.tenant), 1);
    assert_ok(f, store_put_site(f->store, &foreign, &somebody, &f->err));
    assert_int_equal(put_row(f, ROW_TOKEN, &all.token), ERR_NOTFOUND);
    assert_string_equal(f->err.text, "no such site: abc");
    assert_int_equal(put_row(f, ROW_LINK, &all.link), ERR_NOTFOUND);
    assert_int_equal(put_row(f, ROW_ERASURE, &all.erasure), ERR_NOTFOUND);
    assert_int_equal(put_row(f, ROW_SESSION, &all.session), ERR_NOTFOUND);
    assert_string_equal(f->err.text, "no such user: a@b.example");
    all.token.site = all.link.site = all.erasure.site = STR("xyz");
    assert_int_equal(put_row(f, ROW_TOKEN, &all.token), ERR_NOTFOUND);
    assert_string_equal(f->err.text, "no such site: xyz");
    assert_int_equal(put_row(f, ROW_LINK, &all.link), ERR_NOTFOUND);
    assert_int_equal(put_row(f, ROW_ERASURE, &all.erasure), ERR_NOTFOUND);
    all.link.tenant = STR("nobody");
    assert_int_equal(put_row(f, ROW_LINK, &all.link), ERR_NOTFOUND);
    assert_string_equal(f->err.text, "no such tenant: nobody");
    all = examples();
    assert_int_equal(put_row(f, ROW_SITE, &all.site), 1);
    assert_int_equal(put_row(f, ROW_LINK, &all.link), 1);
    assert_int_equal(put_row(f, ROW_TOKEN, &all.token), 1);
    assert_int_equal(put_row(f, ROW_ERASURE, &all.erasure), 1);
}

static void a_site_can_bring_its_tenant(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g"), clash = site_named("xyz", "late");
    struct step step = {.kind = ROW_SITE, .row = &row, .answer = EDIT_PUT_WITH_TENANT};
    struct tenant_row tenant;

    assert_int_equal(edit_step(f, STR("abc"), &step), 1);
    assert_int_equal(get_row(f, ROW_TENANT, "t5g", &tenant), 1);
    assert_str(tenant.name, "t5g");
    assert_int_equal(tenant.created_ms, 5000);
    assert_int_equal(tenant.reads_per_minute, READS_PER_MINUTE);
    /* A tenant comes with its site or not at all. */
    clash.tracking_ids = STR("[\"abc\"]");
    step.row = &clash;
    assert_int_equal(edit_step(f, STR("xyz"), &step), ERR_CONFLICT);
    assert_int_equal(get_row(f, ROW_TENANT, "late", &tenant), 0);
}

static void what_is_unique_is_taken_once(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples();

    put_examples(f);
    all.user.id = STR("c@d.example");
    assert_int_equal(put_row(f, ROW_USER, &all.user), ERR_CONFLICT);
    assert_string_equal(f->err.text, "user c@d.example: its payloadId is another's");
    all.user.payload_id = STR("");
    assert_int_equal(put_row(f, ROW_USER, &all.user), 1);
    all.user.id = STR("e@f.example");
    assert_int_equal(put_row(f, ROW_USER, &all.user), 1); /* none is none's */
    all.user.payload_id = STR("64");
    assert_int_equal(put_row(f, ROW_USER, &all.user), ERR_CONFLICT);
    all.token.id = STR("k2");
    assert_int_equal(put_row(f, ROW_TOKEN, &all.token), ERR_CONFLICT);
    all.site.id = STR("xyz");
    all.site.tracking_ids = STR("[\"abc\"]");
    assert_int_equal(put_row(f, ROW_SITE, &all.site), ERR_CONFLICT);
    assert_string_equal(f->err.text,
                        "site xyz: its id or one of its trackingIds is taken, or named twice");
}

/* -- what goes with what is removed ------------------------------------------------------------ */

static void a_tenants_tokens_and_memberships_go_with_it(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples();
    struct user_row user;

    put_examples(f);
    all.token.id = STR("k2");
    all.token.site = STR("");
    all.token.hash[0] = 99;
    assert_int_equal(put_row(f, ROW_TOKEN, &all.token), 1);
    assert_int_equal(remove_row(f, ROW_TENANT, "t5g"), ERR_CONFLICT);
    assert_string_equal(f->err.text, "tenant t5g has sites");
    assert_int_equal(remove_row(f, ROW_SITE, "abc"), 1);
    assert_int_equal(count_of(f, ROW_TOKEN, (struct row_filter){.tenant = STR("t5g")}), 1);
    assert_int_equal(count_of(f, ROW_LINK, (struct row_filter){.tenant = STR("t5g")}), 0);
    assert_int_equal(remove_row(f, ROW_TENANT, "t5g"), 1);
    assert_int_equal(count_of(f, ROW_TOKEN, (struct row_filter){.tenant = STR("")}), 0);
    assert_int_equal(get_row(f, ROW_USER, "a@b.example", &user), 1);
    assert_null(strstr(user.memberships.ptr, "t5g"));
    assert_non_null(strstr(user.memberships.ptr, "\"else\""));
    /* The receipt outlives what it is about. */
    assert_int_equal(count_of(f, ROW_ERASURE, (struct row_filter){.tenant = STR("t5g")}), 1);
}

static void a_persons_sessions_go_with_the_person(void **state)
{
    struct fixture *f = *state;
    struct session_row session;

    put_examples(f);
    assert_int_equal(remove_row(f, ROW_USER, "a@b.example"), 1);
    assert_int_equal(get_row(f, ROW_SESSION, SESSION_ID, &session), 0);
}

/* -- lists ------------------------------------------------------------------------------------- */

static size_t page_of(struct fixture *f, enum row_kind kind, struct row_filter filter,
                      const char *after, size_t limit, void *out)
{
    void *rows = NULL;
    size_t count = 77;

    assert_ok(f, store_page(f->store, kind, &filter, str_from(after), limit, &f->arena, &rows,
                            &count, &f->err));
    memcpy(out, &rows, sizeof(rows));
    return count;
}

/* Sites "a1", "A1", "b1", "b2" of t5g and "c1" of else. */
static void put_sites(struct fixture *f)
{
    static const char *const sites[][2] = {
        {"b2", "t5g"}, {"a1", "t5g"}, {"c1", "else"}, {"A1", "t5g"}, {"b1", "t5g"}};

    for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
        struct site_row row = site_named(sites[i][0], sites[i][1]);

        row.erase_ms = i == 0 ? 9 : 0;
        assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    }
}

static void rows_come_by_id_a_page_at_a_time(void **state)
{
    static const char *const expected[] = {"A1", "a1", "b1", "b2", "c1"};
    struct fixture *f = *state;
    const struct row_filter all = {.tenant = STR("")}, theirs = {.tenant = STR("t5g")};
    struct site_row *rows;

    put_sites(f);
    assert_int_equal(page_of(f, ROW_SITE, all, "", 10, &rows), 5);
    for (size_t i = 0; i < 5; i++)
        assert_str(rows[i].id, expected[i]);
    assert_int_equal(rows[3].erase_ms, 9);
    assert_int_equal(page_of(f, ROW_SITE, all, "", 2, &rows), 2);
    assert_str(rows[1].id, "a1");
    assert_int_equal(page_of(f, ROW_SITE, all, "a1", 2, &rows), 2);
    assert_str(rows[0].id, "b1");
    assert_int_equal(page_of(f, ROW_SITE, all, "b2", 2, &rows), 1);
    assert_str(rows[0].id, "c1");
    assert_int_equal(page_of(f, ROW_SITE, all, "c1", 2, &rows), 0);
    assert_int_equal(page_of(f, ROW_SITE, all, "", 0, &rows), 0);
    assert_int_equal(page_of(f, ROW_SITE, theirs, "a", 10, &rows), 3);
    assert_str(rows[2].id, "b2");
    assert_int_equal(page_of(f, ROW_SITE, all, "", SIZE_MAX, &rows), 5);
}

static void a_filter_takes_what_is_of_it(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all all = examples();
    struct user_row *users;
    struct token_row platform = {.id = STR("p"), .platform = true, .scopes = SCOPE_METRICS};

#define FILTER(...) ((struct row_filter){__VA_ARGS__})
    put_examples(f);
    assert_int_equal(put_row(f, ROW_TOKEN, &platform), 1);
    all.tenant.id = STR("else");
    assert_int_equal(put_row(f, ROW_TENANT, &all.tenant), 1);
    all.user.id = STR("c@d.example");
    all.user.payload_id = STR("");
    all.user.memberships = STR("[{\"tenantId\":\"t5g\",\"role\":\"viewer\"}]");
    assert_int_equal(put_row(f, ROW_USER, &all.user), 1);
    assert_int_equal(count_of(f, ROW_TENANT, FILTER(.tenant = STR(""))), 2);
    assert_int_equal(count_of(f, ROW_TENANT, FILTER(.tenant = STR("t5g"))), 1);
    assert_int_equal(count_of(f, ROW_TENANT, FILTER(.tenant = STR("t"))), 0);
    assert_int_equal(count_of(f, ROW_TOKEN, FILTER(.tenant = STR(""))), 2);
    assert_int_equal(count_of(f, ROW_TOKEN, FILTER(.tenant = STR("t5g"))), 1);
    assert_int_equal(count_of(f, ROW_TOKEN, FILTER(.tenant = STR("else"))), 0);
    assert_int_equal(count_of(f, ROW_TOKEN, FILTER(.site = STR("abc"))), 1);
    assert_int_equal(count_of(f, ROW_TOKEN, FILTER(.tenant = STR("t5g"), .site = STR("x"))), 0);
    assert_int_equal(count_of(f, ROW_LINK, FILTER(.tenant = STR("t5g"), .site = STR("abc"))), 1);
    assert_int_equal(count_of(f, ROW_LINK, FILTER(.tenant = STR("else"))), 0);
    assert_int_equal(count_of(f, ROW_ERASURE, FILTER(.tenant = STR("t5g"))), 1);
    assert_int_equal(count_of(f, ROW_ERASURE, FILTER(.site = STR("x"))), 0);
    assert_int_equal(count_of(f, ROW_SITE, FILTER(.site = STR("abc"))), 1);
    assert_int_equal(count_of(f, ROW_SESSION, FILTER(.user = STR("a@b.example"))), 1);
    assert_int_equal(count_of(f, ROW_SESSION, FILTER(.user = STR("c@d.example"))), 0);
    assert_int_equal(count_of(f, ROW_USER, FILTER(.tenant = STR(""))), 2);
    assert_int_equal(count_of(f, ROW_USER, FILTER(.tenant = STR("t5g"))), 2);
    assert_int_equal(count_of(f, ROW_USER, FILTER(.tenant = STR("else"))), 1);
    assert_int_equal(count_of(f, ROW_USER, FILTER(.tenant = STR("abc"))), 0);
    assert_int_equal(page_of(f, ROW_USER, FILTER(.tenant = STR("else")), "", 9, &users), 1);
    assert_str(users[0].id, "a@b.example");
    assert_int_equal(page_of(f, ROW_USER, FILTER(.tenant = STR("t5g")), "a@b.example", 9, &users),
                     1);
    assert_str(users[0].id, "c@d.example");
    assert_int_equal(count_of(f, ROW_INSTALLATION, FILTER(.tenant = STR(""))), 1);
#undef FILTER
}

/* Admins a (at t5g, in Payload "1") and d (nowhere, "10"), and b (at t5g, "2") and c (at else). */
static void put_people(struct fixture *f)
{
    const struct user_row people[] = {
        {.id = STR("a@x.example"),
         .admin = true,
         .memberships = STR("[{\"tenantId\":\"t5g\",\"role\":\"viewer\"}]"),
         .payload_id = STR("1")},
        {.id = STR("b@x.example"),
         .memberships = STR("[{\"tenantId\":\"t5g\",\"role\":\"viewer\"}]"),
         .payload_id = STR("2")},
        {.id = STR("c@x.example"),
         .memberships = STR("[{\"tenantId\":\"else\",\"role\":\"viewer\"}]")},
        {.id = STR("d@x.example"), .admin = true, .payload_id = STR("10")},
    };

    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        assert_int_equal(put_row(f, ROW_USER, &people[i]), 1);
}

/* A page has these ids, with a blank behind each, and the count is as many. */
static void assert_found(struct fixture *f, enum row_kind kind, struct row_filter filter,
                         const char *expected)
{
    struct buf ids = {0};
    void *rows;
    size_t count = page_of(f, kind, filter, "", 99, &rows);

    for (size_t i = 0; i < count; i++) {
        const void *row = (const char *)rows + i * row_size(kind);

        buf_addf(&ids, "%.*s ", STR_FMT(*(const struct str *)row));
    }
    assert_str(buf_str(&ids), expected);
    assert_int_equal(count_of(f, kind, filter), count);
    buf_release(&ids);
}

static void people_are_found_by_their_id_in_payload(void **state)
{
    struct fixture *f = *state;
    struct user_row *users;

    put_people(f);
#define FILTER(...) ((struct row_filter){__VA_ARGS__})
    assert_found(f, ROW_USER, FILTER(.payload = STR("1")), "a@x.example ");
    assert_found(f, ROW_USER, FILTER(.payload = STR("10")), "d@x.example ");
    assert_found(f, ROW_USER, FILTER(.payload = STR("3")), "");
    assert_found(f, ROW_USER, FILTER(.payload = STR("2"), .tenant = STR("t5g")), "b@x.example ");
    assert_found(f, ROW_USER, FILTER(.payload = STR("2"), .tenant = STR("else")), "");
    assert_found(f, ROW_USER, FILTER(.payload = STR("1"), .admins = true), "a@x.example ");
    assert_found(f, ROW_USER, FILTER(.payload = STR("2"), .admins = true), "");
    /* Not asked for: those who have none are among them. */
    assert_found(f, ROW_USER, FILTER(.payload = STR("")),
                 "a@x.example b@x.example c@x.example d@x.example ");
    assert_int_equal(page_of(f, ROW_USER, FILTER(.payload = STR("1")), "a@x.example", 9, &users),
                     0);
}

static void admins_are_found_among_people(void **state)
{
    struct fixture *f = *state;
    struct user_row *users;

    assert_found(f, ROW_USER, FILTER(.admins = true), "");
    put_people(f);
    assert_found(f, ROW_USER, FILTER(.admins = true), "a@x.example d@x.example ");
    assert_found(f, ROW_USER, FILTER(.admins = true, .tenant = STR("t5g")), "a@x.example ");
    assert_found(f, ROW_USER, FILTER(.admins = true, .tenant = STR("else")), "");
    assert_found(f, ROW_USER, FILTER(.admins = false, .tenant = STR("t5g")),
                 "a@x.example b@x.example ");
    assert_int_equal(page_of(f, ROW_USER, FILTER(.admins = true), "a@x.example", 9, &users), 1);
    assert_str(users[0].id, "d@x.example");
    assert_int_equal(page_of(f, ROW_USER, FILTER(.admins = true), "", 1, &users), 1);
    assert_str(users[0].id, "a@x.example");
}

static void what_is_to_be_erased_can_be_left_out(void **state)
{
    struct fixture *f = *state;
    struct tenant_row tenant = tenant_named("gone", "Gone");
    struct site_row *sites;

    put_sites(f);
    tenant.erase_ms = 9;
    assert_int_equal(put_row(f, ROW_TENANT, &tenant), 1);
    assert_found(f, ROW_SITE, FILTER(.kept = true), "A1 a1 b1 c1 ");
    assert_found(f, ROW_SITE, FILTER(.kept = true, .tenant = STR("t5g")), "A1 a1 b1 ");
    assert_found(f, ROW_SITE, FILTER(.kept = true, .tenant = STR("else")), "c1 ");
    assert_found(f, ROW_SITE, FILTER(.kept = true, .site = STR("b2")), "");
    assert_found(f, ROW_SITE, FILTER(.kept = false, .site = STR("b2")), "b2 ");
    assert_int_equal(page_of(f, ROW_SITE, FILTER(.kept = true), "b1", 9, &sites), 1);
    assert_str(sites[0].id, "c1");
    assert_found(f, ROW_TENANT, FILTER(.kept = true), "else t5g ");
    assert_found(f, ROW_TENANT, FILTER(.kept = false), "else gone t5g ");
    assert_found(f, ROW_TENANT, FILTER(.kept = true, .tenant = STR("t5g")), "t5g ");
    assert_found(f, ROW_TENANT, FILTER(.kept = true, .tenant = STR("gone")), "");
}

/* Of people a filter asks for sites' matters in vain, and the other way round. */
static void a_kind_passes_over_what_it_does_not_have(void **state)
{
    struct fixture *f = *state;
    const struct row_filter all = {.payload = STR("64"), .admins = true, .kept = true};
    const struct rows_of_all examples_of = examples();
    struct kind_example list[KIND_EXAMPLES];

    put_examples(f);
    list_examples(&examples_of, list);
    for (size_t i = 0; i < KIND_EXAMPLES; i++) {
        void *rows;

        assert_int_equal(count_of(f, list[i].kind, all), 1);
        assert_int_equal(page_of(f, list[i].kind, all, "", 9, &rows), 1);
        assert_str(*(const struct str *)rows, list[i].id);
    }
}
#undef FILTER

/* What an edit counts: the row that it is about to change still as it was. */
struct counting {
    struct fixture *f;
    int64_t admins, sites;
};

static int count_and_dismiss(void *ctx, bool exists, void *row, struct arena *arena,
                             struct err *err)
{
    const struct row_filter admins = {.admins = true};
    const struct row_filter kept = {.tenant = STR("t5g"), .kept = true};
    struct counting *counting = ctx;
    struct store *store = counting->f->store;

    (void)arena;
    assert_true(exists);
    assert_int_equal(store_count(store, ROW_USER, &admins, &counting->admins, err), 0);
    assert_int_equal(store_count(store, ROW_SITE, &kept, &counting->sites, err), 0);
    ((struct user_row *)row)->admin = false;
    return EDIT_PUT;
}

static void an_edit_may_count_with_any_filter(void **state)
{
    struct fixture *f = *state;
    struct counting counting = {.f = f};

    put_sites(f);
    put_people(f);
    assert_int_equal(store_edit(f->store, ROW_USER, STR("a@x.example"), count_and_dismiss,
                                &counting, &somebody, &f->err),
                     1);
    assert_int_equal(counting.admins, 2);
    assert_int_equal(counting.sites, 3);
    assert_int_equal(store_edit(f->store, ROW_USER, STR("d@x.example"), count_and_dismiss,
                                &counting, &somebody, &f->err),
                     1);
    assert_int_equal(counting.admins, 1);
    assert_int_equal(count_of(f, ROW_USER, (struct row_filter){.admins = true}), 0);
}

/* -- each -------------------------------------------------------------------------------------- */

/* Persons "p000@x.example" and so on; every second one is an admin. */
static void put_persons(struct fixture *f, int from, int to)
{
    char id[32];

    for (int i = from; i < to; i++) {
        (void)snprintf(id, sizeof(id), "p%03d@x.example", i);
        struct user_row row = {.id = str_from(id), .admin = i % 2 == 0};

        assert_int_equal(put_row(f, ROW_USER, &row), 1);
    }
}

/* They come in order: the n-th is number n * step. */
struct walk {
    int calls, step;
    int last; /* the call that ends it; 0: none */
    int answer;
};

static int take_person(void *ctx, const void *row, struct err *err)
{
    struct walk *walk = ctx;
    char id[32];

    (void)snprintf(id, sizeof(id), "p%03d@x.example", walk->calls * walk->step);
    assert_str(((const struct user_row *)row)->id, id);
    if (++walk->calls != walk->last)
        return 0;
    return walk->answer < 0 ? err_set(err, walk->answer, "enough") : walk->answer;
}

static int walk_persons(struct fixture *f, struct row_filter filter, struct walk *walk)
{
    return store_each(f->store, ROW_USER, &filter, take_person, walk, &f->err);
}

static void assert_persons(struct fixture *f, int count)
{
    struct walk walk = {.step = 1}, admins = {.step = 2};

    assert_ok(f, walk_persons(f, (struct row_filter){.admins = false}, &walk));
    assert_int_equal(walk.calls, count);
    assert_ok(f, walk_persons(f, (struct row_filter){.admins = true}, &admins));
    assert_int_equal(admins.calls, (count + 1) / 2);
}

/* Each ends it, and its answer comes back. */
static void assert_ends(struct fixture *f)
{
    static const struct walk ends[] = {
        {.last = 1, .answer = 7},
        {.last = 3, .answer = ERR_DENIED},
        {.last = 500, .answer = 1},
        {.last = 501, .answer = ERR_DENIED},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct walk walk = ends[i];

        walk.step = 1;
        f->err.text[0] = '\0';
        assert_int_equal(walk_persons(f, (struct row_filter){.admins = false}, &walk), walk.answer);
        assert_int_equal(walk.calls, walk.last);
        assert_string_equal(f->err.text, walk.answer < 0 ? "enough" : "");
    }
}

/* Its pages have 500 rows. */
static void each_row_comes_once_until_an_answer_ends_it(void **state)
{
    struct fixture *f = *state;

    assert_persons(f, 0);
    put_persons(f, 0, 499);
    assert_persons(f, 499);
    put_persons(f, 499, 500);
    assert_persons(f, 500);
    put_persons(f, 500, 501);
    assert_persons(f, 501);
    assert_ends(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(an_edit_gets_the_row_as_it_is_or_with_the_defaults),
        ON_ALL(an_edit_changes_what_it_wants),
        ON_ALL(an_edit_that_fails_changes_nothing_and_its_code_comes_back),
        ON_ALL(an_edit_removes_what_is_there),
        ON_ALL(an_edit_may_look_at_other_rows),
        ON_ALL(tenants_tokens_and_links_come_back),
        ON_ALL(people_and_sessions_come_back),
        ON_ALL(erasures_and_the_installation_come_back),
        ON_ALL(what_is_put_again_changes_nothing),
        ON_ALL(json_that_says_the_same_is_the_same),
        ON_ALL(a_row_is_as_old_as_when_it_was_made),
        ON_ALL(what_never_changes_is_a_conflict),
        ON_ALL(a_new_row_needs_what_it_names),
        ON_ALL(a_site_can_bring_its_tenant),
        ON_ALL(what_is_unique_is_taken_once),
        ON_ALL(a_tenants_tokens_and_memberships_go_with_it),
        ON_ALL(a_persons_sessions_go_with_the_person),
        ON_ALL(rows_come_by_id_a_page_at_a_time),
        ON_ALL(a_filter_takes_what_is_of_it),
        ON_ALL(people_are_found_by_their_id_in_payload),
        ON_ALL(admins_are_found_among_people),
        ON_ALL(what_is_to_be_erased_can_be_left_out),
        ON_ALL(a_kind_passes_over_what_it_does_not_have),
        ON_ALL(an_edit_may_count_with_any_filter),
        ON_ALL(each_row_comes_once_until_an_answer_ends_it),
    };

    return run_with_postgres("store_edit", tests, sizeof(tests) / sizeof(tests[0]));
}
