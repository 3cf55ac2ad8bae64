/*
 * test_store_managed.c -- what stands around managed rows, run against every backend: their bounds,
 * the audit log, sessions, what requests are told of, and what was counted for whom.
 */
#include "test_store_managed.h"

/* -- bounds ------------------------------------------------------------------------------------ */

static char many[70000]; /* of the letter A, which every text may hold; made by main() */

static struct str text_of(size_t len)
{
    return (struct str){many, len};
}

/* A JSON text of this length. */
static struct str json_of(struct fixture *f, const char *begin, const char *end, size_t len)
{
    struct buf buf = {0};

    buf_addf(&buf, "%s", begin);
    buf_add(&buf, text_of(len - strlen(begin) - strlen(end)));
    buf_addf(&buf, "%s", end);
    struct str text = arena_str(&f->arena, buf_str(&buf));

    buf_release(&buf);
    assert_int_equal(text.len, len);
    return text;
}

static struct str chars_of(struct fixture *f, const char *one, size_t count)
{
    struct buf buf = {0};

    for (size_t i = 0; i < count; i++)
        buf_addf(&buf, "%s", one);
    struct str text = arena_str(&f->arena, buf_str(&buf));

    buf_release(&buf);
    return text;
}

#define BOUND(kind, member, field, good, bad, name)                                                \
    row.member.field = (bad);                                                                      \
    assert_int_equal(put_row(f, kind, &row.member), ERR_INVALID);                                  \
    if (strncmp(f->err.text, name, strlen(name)) != 0)                                             \
        fail_msg("%s", f->err.text);                                                               \
    row.member.field = (good);                                                                     \
    if (put_row(f, kind, &row.member) < 0)                                                         \
        fail_msg("%s", f->err.text);                                                               \
    row = examples()

static void tenants_keep_to_their_bounds(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();

    put_examples(f);
#define TENANT(field, good, bad, name) BOUND(ROW_TENANT, tenant, field, good, bad, name)
    TENANT(name, text_of(200), text_of(201), "name: ");
    TENANT(name, text_of(1), STR(""), "name: ");
    TENANT(name, STR("\u00fc"), STR("\xfc"), "name: ");
    TENANT(name, STR("a b"), STR("a\0b"), "name: ");
    TENANT(events_per_second, 1000000000, 1000000001,
           "limits.eventsPerSecond: must be a whole number from 0 to 1000000000");
    TENANT(events_per_second, 0, -1, "limits.eventsPerSecond: ");
    TENANT(events_per_month, INT64_C(1000000000000), INT64_C(1000000000001),
           "limits.eventsPerMonth: ");
    TENANT(events_per_month, 0, -1, "limits.eventsPerMonth: ");
    TENANT(sites_max, 1000000, 1000001, "limits.sites: must be a whole number from 0 to 1000000");
    TENANT(sites_max, 0, -1, "limits.sites: ");
    TENANT(reads_per_minute, 1000000, 1000001, "limits.readsPerMinute: ");
    TENANT(reads_per_minute, 0, -1, "limits.readsPerMinute: ");
    TENANT(erase_ms, INT64_MAX, -1, "eraseAt: ");
    TENANT(embed_origins, STR("[]"), STR("{}"), "embedOrigins: ");
    TENANT(settings, STR("{}"), STR("[]"), "settings: ");
    TENANT(settings, STR("{\"limits\":{\"pathsPerDay\":1}}"),
           STR("{\"limits\":{\"pathsPerDay\":0}}"), "limits.pathsPerDay: ");
    TENANT(settings, STR("{\"timezone\":\"UTC\"}"), STR("{\"domain\":\"example.com\"}"),
           "domain: ");
    TENANT(settings, STR("{\"goals\":[]}"), STR("{\"colour\":1}"), "colour: ");
#undef TENANT
}

static void an_origin_is_one_that_a_header_can_name(void **state)
{
    static const char *const good[] = {"https://app.example.com", "http://localhost:3000",
                                       "https://*.example.com", "https://a.example:65535"};
    static const char *const bad[] = {"",
                                      "example.com",
                                      "https://",
                                      "https://a.example/",
                                      "https://a.example/x",
                                      "https://a.example b.example",
                                      "https://a.example;script-src",
                                      "https://a.example,b.example",
                                      "https://a.*.example",
                                      "https://*",
                                      "*",
                                      "'self'",
                                      "javascript:alert(1)",
                                      "https://a.example:0",
                                      "https://a.example:65536",
                                      "https://a.example:",
                                      "https://u@a.example"};
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five");
    char text[128];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(text, sizeof(text), "[\"%s\"]", good[i]);
        row.embed_origins = str_from(text);
        if (put_row(f, ROW_TENANT, &row) != 1)
            fail_msg("%s: %s", good[i], f->err.text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "[\"https://a.example\",\"%s\"]", bad[i]);
        row.embed_origins = str_from(text);
        if (put_row(f, ROW_TENANT, &row) != ERR_INVALID)
            fail_msg("taken: %s", bad[i]);
        assert_string_equal(f->err.text,
                            "embedOrigins[1]: must be an origin such as https://app.example.com");
    }
}

static void people_keep_to_their_bounds(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();

    put_examples(f);
#define USER(field, good, bad, name) BOUND(ROW_USER, user, field, good, bad, name)
    USER(name, text_of(200), text_of(201), "name: ");
    USER(password, text_of(128), text_of(129), "password: ");
    USER(totp, text_of(128), text_of(129), "totp: ");
    USER(totp, STR(""), STR("abc"), "totp: ");
    USER(totp_step, 0, -1, "totpStep: ");
    USER(payload_id, text_of(200), text_of(201), "payloadId: ");
    USER(signed_in_ms, 0, -1, "signedInAt: ");
    USER(memberships, STR("[]"), STR("{}"), "memberships: ");
    USER(memberships, STR(""), STR("[1]"), "memberships[0]: tenantId: ");
    USER(memberships, STR("[{\"tenantId\":\"t\",\"role\":\"viewer\"}]"),
         STR("[{\"tenantId\":\"t\",\"role\":\"admin\"}]"), "memberships[0]: role: ");
    USER(memberships, STR("[{\"tenantId\":\"t\",\"role\":\"manager\",\"sites\":[]}]"),
         STR("[{\"tenantId\":\"t\",\"role\":\"manager\",\"sites\":\"a\"}]"),
         "memberships[0]: sites: ");
    USER(memberships, STR("[{\"tenantId\":\"t\",\"role\":\"manager\",\"sites\":null}]"),
         STR("[{\"tenantId\":\"t\",\"role\":\"manager\",\"sites\":[\"a b\"]}]"),
         "memberships[0]: sites[0]: ");
    USER(memberships,
         STR("[{\"tenantId\":\"t\",\"role\":\"viewer\"},{\"tenantId\":\"u\",\"role\":\"viewer\"}]"),
         STR("[{\"tenantId\":\"t\",\"role\":\"viewer\"},{\"tenantId\":\"t\",\"role\":\"viewer\"}]"),
         "memberships[1]: tenantId: ");
    USER(memberships, STR("[]"), STR("[{\"tenantId\":\"t\",\"role\":\"viewer\",\"admin\":true}]"),
         "memberships[0]: admin: ");
#undef USER
}

static void a_persons_id_is_an_address_in_lower_case(void **state)
{
    static const char *const good[] = {"a@b", "j\u00f6rg+x@example.com", "a.b@c.d.e"};
    static const char *const bad[] = {"ab",    "A@b.example", "a@",    "@b",   "a@b@c",
                                      "a b@c", "a@b\nc",      "a,b@c", "<a@b>"};
    struct fixture *f = *state;
    struct user_row row = {.name = STR("A")};
    char longest[256];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        row.id = str_from(good[i]);
        if (put_row(f, ROW_USER, &row) != 1)
            fail_msg("%s: %s", good[i], f->err.text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        row.id = str_from(bad[i]);
        if (put_row(f, ROW_USER, &row) != ERR_INVALID)
            fail_msg("taken: %s", bad[i]);
    }
    memset(longest, 'a', sizeof(longest));
    longest[1] = '@';
    row.id = (struct str){longest, 255};
    assert_int_equal(put_row(f, ROW_USER, &row), ERR_INVALID);
    row.id = (struct str){longest, 254};
    assert_int_equal(put_row(f, ROW_USER, &row), 1);
}

static void sessions_links_and_tokens_keep_to_their_bounds(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();
    struct session_row setup = {
        .id = STR(HEX16 HEX16 HEX16 "0123456789abcde0"), .kind = SESSION_SETUP, .expires_ms = 1};

    put_examples(f);
    BOUND(ROW_SESSION, session, id, STR(SESSION_ID), STR(HEX16 HEX16 HEX16 "0123456789abcdeF"),
          "id: ");
    BOUND(ROW_SESSION, session, id, STR(SESSION_ID), STR(HEX16 HEX16 HEX16), "id: ");
    BOUND(ROW_SESSION, session, expires_ms, 0, -1, "expiresAt: ");
    BOUND(ROW_SESSION, session, seen_ms, 0, -1, "seenAt: ");
    BOUND(ROW_SESSION, session, kind, SESSION_SIGNED_IN, -1, "kind: ");
    BOUND(ROW_SESSION, session, kind, SESSION_SIGNED_IN, SESSION_SETUP + 1, "kind: ");
    setup.user = STR("a@b.example");
    assert_int_equal(put_row(f, ROW_SESSION, &setup), ERR_INVALID);
    setup.user = STR("");
    setup.kind = SESSION_RESET;
    assert_int_equal(put_row(f, ROW_SESSION, &setup), ERR_INVALID);
    setup.kind = SESSION_SETUP;
    assert_int_equal(put_row(f, ROW_SESSION, &setup), 1);

    BOUND(ROW_LINK, link, name, text_of(200), text_of(201), "name: ");
    BOUND(ROW_LINK, link, password, text_of(128), text_of(129), "password: ");
    BOUND(ROW_LINK, link, expires_ms, 0, -1, "expiresAt: ");
    BOUND(ROW_LINK, link, id, STR("l1"), STR("l 1"), "id: ");
    BOUND(ROW_TOKEN, token, name, text_of(200), text_of(201), "name: ");
    BOUND(ROW_TOKEN, token, scopes, 15, 16, "scopes: ");
    BOUND(ROW_TOKEN, token, scopes, 1, 0, "scopes: ");
}

static void erasures_and_the_installation_keep_to_their_bounds(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();
    struct erasure_row of_tenant = {.id = STR("e2"),
                                    .tenant = STR("t5g"),
                                    .kind = ERASE_TENANT,
                                    .actor = STR("cli"),
                                    .due_ms = 1};

    put_examples(f);
    BOUND(ROW_ERASURE, erasure, value, text_of(2000), text_of(2001), "value: ");
    BOUND(ROW_ERASURE, erasure, value, STR("/"), STR(""), "value: ");
    BOUND(ROW_ERASURE, erasure, actor, text_of(300), text_of(301), "askedBy: ");
    BOUND(ROW_ERASURE, erasure, actor, STR("x"), STR(""), "askedBy: ");
    BOUND(ROW_ERASURE, erasure, asked_ms, 0, -1, "askedAt: ");
    BOUND(ROW_ERASURE, erasure, due_ms, 0, -1, "dueAt: ");
    BOUND(ROW_ERASURE, erasure, done_ms, 0, -1, "doneAt: ");
    BOUND(ROW_ERASURE, erasure, rows, STR("{}"), STR("[]"), "rows: ");
    BOUND(ROW_ERASURE, erasure, nodes, STR("{}"), STR("1"), "nodes: ");
    BOUND(ROW_ERASURE, erasure, kind, ERASE_PATH, ERASE_PROP + 1, "kind: ");
    BOUND(ROW_ERASURE, erasure, kind, ERASE_PATH, -1, "kind: ");
    BOUND(ROW_INSTALLATION, installation, id, STR("installation"), STR("other"), "id: ");
    BOUND(ROW_INSTALLATION, installation, settings, STR("{}"), STR("{\"trackingIds\":[]}"),
          "trackingIds: ");
    of_tenant.value = STR("x");
    assert_int_equal(put_row(f, ROW_ERASURE, &of_tenant), ERR_INVALID);
    of_tenant.value = STR("");
    of_tenant.site = STR("abc");
    assert_int_equal(put_row(f, ROW_ERASURE, &of_tenant), ERR_INVALID);
    of_tenant.site = STR("");
    assert_int_equal(put_row(f, ROW_ERASURE, &of_tenant), 1);
}

static void lists_and_objects_hold_64_kib(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();

    put_examples(f);
    BOUND(ROW_SITE, site, public_metrics, json_of(f, "[\"", "\"]", 65536),
          json_of(f, "[\"", "\"]", 65537), "publicMetrics: must have 0 to 65536 bytes");
    BOUND(ROW_ERASURE, erasure, rows, json_of(f, "{\"a\":\"", "\"}", 65536),
          json_of(f, "{\"a\":\"", "\"}", 65537), "rows: ");
    BOUND(ROW_TENANT, tenant, settings, json_of(f, "{\"queryParams\":[\"", "\"]}", 65536),
          json_of(f, "{\"queryParams\":[\"", "\"]}", 65537), "settings: ");
}

/* -- annotations ------------------------------------------------------------------------------- */

static void annotations_keep_to_their_bounds(void **state)
{
    /* 80 characters of one, two and four bytes, and one more of each. */
    struct fixture *f = *state;
    struct rows_of_all row = examples();

    put_examples(f);
#define NOTE(good, bad) BOUND(ROW_ANNOTATION, annotation, text, good, bad, "text: ")
    NOTE(text_of(1), STR(""));
    NOTE(text_of(80), text_of(81));
    NOTE(chars_of(f, "\xc3\xbc", 80), chars_of(f, "\xc3\xbc", 81));
    NOTE(chars_of(f, "\xf0\x9f\x8e\x89", 80), chars_of(f, "\xf0\x9f\x8e\x89", 81));
    NOTE(STR("a b"), STR("a\tb"));
    NOTE(STR("a"), STR("a\n"));
    NOTE(STR("a~"), STR("a\x7f"));
    NOTE(STR("a\xc2\xa0z"), STR("a\xc2\x9fz"));
    NOTE(STR("a"), STR("a\xc3"));
    NOTE(STR("a"), STR("a\0b"));
#undef NOTE
#define PLACE(good, bad) BOUND(ROW_ANNOTATION, annotation, id, good, bad, "id: ")
    PLACE(STR("abc/2024-02-29"), STR("abc/2023-02-29"));
    PLACE(STR("abc/2024-02-28"), STR("abc/2024-2-28"));
    PLACE(STR("abc/0001-01-01"), STR("abc/0000-01-01"));
    PLACE(STR("abc/9999-12-31"), STR("abd/9999-12-31"));
    PLACE(STR("abc/2024-02-27"), STR("abc-2024-02-27"));
    PLACE(STR("abc/2024-02-26"), STR("abc/abc/2024-02-26"));
#undef PLACE
}

static void an_annotation_comes_back_and_stays_where_it_is(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();
    struct site_row other = site_named("xyz", "t5g");
    struct annotation_row got;

    put_examples(f);
    assert_int_equal(get_row(f, ROW_ANNOTATION, "abc/2026-03-01", &got), 1);
    assert_str(got.tenant, "t5g");
    assert_str(got.site, "abc");
    assert_str(got.text, "A new shop");
    assert_str(annotation_date(&got), "2026-03-01");
    assert_int_equal(put_row(f, ROW_ANNOTATION, &row.annotation), 0);
    assert_ok(f, store_put_site(f->store, &other, &somebody, &f->err));
    row.annotation.site = STR("xyz");
    assert_int_equal(put_row(f, ROW_ANNOTATION, &row.annotation), ERR_INVALID);
    row.annotation.site = STR("abc");
    row.annotation.tenant = STR("else");
    assert_int_equal(put_row(f, ROW_ANNOTATION, &row.annotation), ERR_CONFLICT);
    row.annotation =
        (struct annotation_row){STR("new/2026-03-01"), STR("t5g"), STR("new"), STR("x")};
    assert_int_equal(put_row(f, ROW_ANNOTATION, &row.annotation), ERR_NOTFOUND);
}

static void annotate(struct fixture *f, const char *site, const char *tenant, int32_t day)
{
    struct annotation_row row = {annotation_id(str_from(site), day, &f->arena), str_from(tenant),
                                 str_from(site), STR("x")};

    assert_int_equal(put_row(f, ROW_ANNOTATION, &row), 1);
}

static void assert_dates(struct fixture *f, struct row_filter filter, const char *after,
                         const char *expected)
{
    struct annotation_row *rows;
    struct buf ids = {0};
    void *page;
    size_t count;

    assert_ok(f, store_page(f->store, ROW_ANNOTATION, &filter, str_from(after), 99, &f->arena,
                            &page, &count, &f->err));
    rows = page;
    for (size_t i = 0; i < count; i++)
        buf_addf(&ids, "%.*s ", STR_FMT(rows[i].id));
    assert_str(buf_str(&ids), expected);
    buf_release(&ids);
}

/* "a-b" and "a0" stand about "a/" in the order of ids: '-' < '/' < '0'. */
static void a_sites_annotations_come_by_date_and_no_others(void **state)
{
    static const char *const sites[] = {"a", "a-b", "a0", "b"};
    struct fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        const char *tenant = i < 3 ? "t5g" : "else";
        struct site_row row = site_named(sites[i], tenant);

        assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
        annotate(f, sites[i], tenant, DAY + 30);
        annotate(f, sites[i], tenant, DAY);
    }
#define FILTER(...) ((struct row_filter){__VA_ARGS__})
    assert_dates(f, FILTER(.site = STR("a")), "", "a/2024-10-04 a/2024-11-03 ");
    assert_dates(f, FILTER(.site = STR("a"), .tenant = STR("t5g")), "a/2024-10-04",
                 "a/2024-11-03 ");
    assert_dates(f, FILTER(.site = STR("a"), .tenant = STR("else")), "", "");
    assert_dates(f, FILTER(.tenant = STR("else")), "", "b/2024-10-04 b/2024-11-03 ");
    assert_int_equal(count_of(f, ROW_ANNOTATION, FILTER(.site = STR("a"))), 2);
    assert_int_equal(count_of(f, ROW_ANNOTATION, FILTER(.tenant = STR("t5g"))), 6);
    assert_int_equal(count_of(f, ROW_ANNOTATION, FILTER(.user = STR("no one's"))), 8);
    assert_int_equal(remove_row(f, ROW_SITE, "a"), 1);
    assert_dates(f, FILTER(.tenant = STR("t5g")), "",
                 "a-b/2024-10-04 a-b/2024-11-03 a0/2024-10-04 a0/2024-11-03 ");
#undef FILTER
}

/* -- the audit log ----------------------------------------------------------------------------- */

static void each_change_has_its_line_and_its_tenant(void **state)
{
    /* The newest first; sessions have none. */
    static const char *const expected[][3] = {
        {"annotation.put", "abc/2026-03-01", "t5g"},
        {"installation.put", "installation", ""},
        {"erasure.put", "e1", "t5g"},
        {"link.put", "l1", "t5g"},
        {"user.put", "a@b.example", ""},
        {"token.put", "k1", "t5g"},
        {"site.put", "abc", "t5g"},
        {"tenant.put", "t5g", "t5g"},
    };
    struct fixture *f = *state;
    struct audit_row *lines;

    put_examples(f);
    assert_int_equal(audit_of(f, "", &lines), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_str(lines[i].action, expected[i][0]);
        assert_str(lines[i].target, expected[i][1]);
        assert_str(lines[i].tenant, expected[i][2]);
        assert_str(lines[i].actor, "cli");
        assert_int_equal(lines[i].at_ms, 5000);
        assert_true(i == 0 || lines[i].id < lines[i - 1].id);
    }
    assert_int_equal(audit_of(f, "t5g", &lines), 6);
    assert_int_equal(audit_of(f, "else", &lines), 0);
}

static void changes_and_removals_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();
    struct audit_row *lines;

    put_examples(f);
    row.link.name = STR("other");
    assert_int_equal(put_row(f, ROW_LINK, &row.link), 1);
    assert_int_equal(remove_row(f, ROW_LINK, "l1"), 1);
    assert_int_equal(audit_of(f, "t5g", &lines), 8);
    assert_str(lines[0].action, "link.remove");
    assert_str(lines[0].tenant, "t5g");
    assert_str(lines[1].action, "link.set");
}

static void the_log_is_read_a_page_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct audit_row *all, *lines;
    size_t count;

    put_examples(f);
    assert_int_equal(audit_of(f, "t5g", &all), 6);
    assert_ok(f, store_page_audit(f->store, STR("t5g"), 0, 2, &f->arena, &lines, &count, &f->err));
    assert_int_equal(count, 2);
    assert_true(lines[1].id == all[1].id);
    assert_ok(f, store_page_audit(f->store, STR("t5g"), lines[1].id, 2, &f->arena, &lines, &count,
                                  &f->err));
    assert_int_equal(count, 2);
    assert_true(lines[0].id == all[2].id);
    assert_ok(
        f, store_page_audit(f->store, STR(""), all[5].id, 2, &f->arena, &lines, &count, &f->err));
    assert_int_equal(count, 0);
}

static void a_note_is_a_line_of_its_own(void **state)
{
    struct fixture *f = *state;
    const struct actor person = {STR("user:a@b.example"), 7000};
    struct audit_row *lines;

    assert_ok(f, store_note(f->store, "export", STR("abc"), STR("t5g"), &person, &f->err));
    assert_ok(f, store_note(f->store, "sign-in", STR("a@b.example"), STR(""), &person, &f->err));
    assert_int_equal(audit_of(f, "", &lines), 2);
    assert_str(lines[0].action, "sign-in");
    assert_str(lines[0].tenant, "");
    assert_int_equal(audit_of(f, "t5g", &lines), 1);
    assert_str(lines[0].action, "export");
    assert_str(lines[0].actor, "user:a@b.example");
    assert_str(lines[0].target, "abc");
    assert_int_equal(lines[0].at_ms, 7000);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), 0);
}

/* -- sessions ---------------------------------------------------------------------------------- */

static void put_session(struct fixture *f, char last, const char *user, enum session_kind kind,
                        int64_t expires_ms)
{
    char id[] = SESSION_ID;
    struct session_row row = {.id = str_from(id),
                              .user = str_from(user),
                              .kind = (int32_t)kind,
                              .expires_ms = expires_ms};

    id[63] = last;
    assert_int_equal(put_row(f, ROW_SESSION, &row), 1);
}

static int64_t sessions_of(struct fixture *f, const char *user)
{
    return count_of(f, ROW_SESSION, (struct row_filter){.user = str_from(user)});
}

static void sessions_of_a_person_end_together(void **state)
{
    struct fixture *f = *state;
    struct user_row other = {.id = STR("c@d.example")};
    struct session_row session;

    put_examples(f); /* one that ends with f */
    assert_int_equal(put_row(f, ROW_USER, &other), 1);
    put_session(f, '1', "a@b.example", SESSION_SIGNED_IN, 9000);
    put_session(f, '2', "a@b.example", SESSION_RESET, 9000);
    put_session(f, '3', "c@d.example", SESSION_SIGNED_IN, 9000);
    put_session(f, '4', "", SESSION_SETUP, 9000);
    assert_ok(f, store_end_sessions(f->store, STR("a@b.example"), SESSION_RESET, STR(""), &f->err));
    assert_int_equal(sessions_of(f, "a@b.example"), 2);
    assert_ok(f, store_end_sessions(f->store, STR("a@b.example"), -1, STR(SESSION_ID), &f->err));
    assert_int_equal(sessions_of(f, "a@b.example"), 1);
    assert_int_equal(get_row(f, ROW_SESSION, SESSION_ID, &session), 1);
    assert_ok(f, store_end_sessions(f->store, STR("a@b.example"), -1, STR(""), &f->err));
    assert_int_equal(sessions_of(f, "a@b.example"), 0);
    assert_int_equal(sessions_of(f, "c@d.example"), 1);
    assert_int_equal(sessions_of(f, ""), 2);
    assert_ok(f, store_end_sessions(f->store, STR(""), SESSION_SETUP, STR(""), &f->err));
    assert_int_equal(sessions_of(f, ""), 1);
}

static void expired_sessions_go_with_retention(void **state)
{
    struct fixture *f = *state;
    bool more = true;

    put_examples(f); /* until 9000 */
    put_session(f, '1', "a@b.example", SESSION_SIGNED_IN, 9001);
    put_session(f, '2', "a@b.example", SESSION_RESET, 8999);
    assert_ok(f, store_expire(f->store, NULL, 0, &nothing_general, 9000, &more, &f->err));
    assert_int_equal(sessions_of(f, ""), 2);
    assert_ok(f, store_expire(f->store, NULL, 0, NULL, 9002, &more, &f->err));
    assert_int_equal(sessions_of(f, ""), 2);
    assert_ok(f, store_expire(f->store, NULL, 0, &nothing_general, 9002, &more, &f->err));
    assert_int_equal(sessions_of(f, ""), 0);
}

/* -- what requests are told of ----------------------------------------------------------------- */

static void requests_read_links_and_what_the_installation_sets(void **state)
{
    struct fixture *f = *state;
    struct directory_rows before, after;
    const uint8_t zero[32] = {0};

    assert_ok(f, store_read_directory(f->store, &f->arena, &before, &f->err));
    assert_int_equal(before.links_count, 0);
    assert_int_equal(before.installation.len, 0);
    assert_int_equal(before.erased_ms, 0);
    put_examples(f);
    assert_ok(f, store_read_directory(f->store, &f->arena, &after, &f->err));
    assert_int_equal(after.links_count, 1);
    assert_str(after.links[0].id, "l1");
    assert_str(after.links[0].site, "abc");
    assert_str(after.links[0].password, "$argon2id$y");
    assert_str(after.installation, "{\"respectDnt\":true}");
    assert_str(after.tenants[0].name, "Five");
    assert_str(after.tokens[0].name, "the shop's");
    assert_int_equal(after.erased_ms, 0);
    assert_memory_equal(before.signing_key, after.signing_key, 32);
    assert_memory_not_equal(after.signing_key, zero, 32);
    assert_memory_not_equal(after.signing_key, after.id_key, 16);
}

static void what_was_erased_last_is_told(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();
    struct directory_rows rows;

    put_examples(f);
    int64_t counter = counter_of(f, COUNTER_DIRECTORY);

    row.erasure.due_ms = 5;
    assert_int_equal(put_row(f, ROW_ERASURE, &row.erasure), 1);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
    row.erasure.done_ms = 8000;
    assert_int_equal(put_row(f, ROW_ERASURE, &row.erasure), 1);
    assert_true(counter_of(f, COUNTER_DIRECTORY) > counter);
    counter = counter_of(f, COUNTER_DIRECTORY);
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.erased_ms, 8000);
    /* What nodes note in the receipt is news for nobody. */
    row.erasure.nodes = STR("{\"n1\":9}");
    assert_int_equal(put_row(f, ROW_ERASURE, &row.erasure), 1);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
}

static void requests_are_told_of_all_but_people_and_annotations(void **state)
{
    struct fixture *f = *state;
    struct rows_of_all row = examples();
    int64_t counter;

    put_examples(f);
#define CHANGE(kind, member, field, value, told)                                                   \
    counter = counter_of(f, COUNTER_DIRECTORY);                                                    \
    row.member.field = (value);                                                                    \
    assert_int_equal(put_row(f, kind, &row.member), 1);                                            \
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY) > counter, told)

    CHANGE(ROW_TENANT, tenant, sites_max, 5, true);
    CHANGE(ROW_SITE, site, public_dashboard, true, true);
    CHANGE(ROW_TOKEN, token, name, STR("x"), true);
    CHANGE(ROW_LINK, link, name, STR("x"), true);
    CHANGE(ROW_INSTALLATION, installation, settings, STR("{}"), true);
    CHANGE(ROW_USER, user, name, STR("x"), false);
    CHANGE(ROW_SESSION, session, seen_ms, 7000, false);
    CHANGE(ROW_ANNOTATION, annotation, text, STR("x"), false);
#undef CHANGE
    counter = counter_of(f, COUNTER_DIRECTORY);
    assert_int_equal(remove_row(f, ROW_LINK, "l1"), 1);
    assert_true(counter_of(f, COUNTER_DIRECTORY) > counter);
    counter = counter_of(f, COUNTER_DIRECTORY);
    assert_int_equal(remove_row(f, ROW_USER, "a@b.example"), 1);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
}

/* -- what was counted for whom ----------------------------------------------------------------- */

static void add_ledger(struct fixture *f, const char *tenant, const char *site, int32_t day,
                       enum ledger_kind kind, const char *reason, int64_t events)
{
    struct ledger_row row = {str_from(site),   str_from(tenant), day, kind,
                             str_from(reason), events,           0};

    commit(f, &(struct store_batch){.ledger = &row, .ledger_count = 1});
}

static void usage_adds_the_ledger_by_tenant_and_site(void **state)
{
    struct fixture *f = *state;
    struct usage_row *rows;
    size_t count;

    add_ledger(f, "t5g", "abc", DAY, LEDGER_STORED, "", 5);
    add_ledger(f, "t5g", "abc", DAY + 1, LEDGER_STORED, "", 7);
    add_ledger(f, "t5g", "abc", DAY, LEDGER_DROPPED, "bot", 2);
    add_ledger(f, "t5g", "abc", DAY, LEDGER_DROPPED, "quota", 3);
    add_ledger(f, "t5g", "abc", DAY, LEDGER_REJECTED, "invalid", 1);
    add_ledger(f, "t5g", "abc", DAY - 1, LEDGER_STORED, "", 100);
    add_ledger(f, "t5g", "abc", DAY + 2, LEDGER_STORED, "", 100);
    add_ledger(f, "t5g", "Zed", DAY, LEDGER_DROPPED, "bot", 4);
    add_ledger(f, "else", "xyz", DAY, LEDGER_STORED, "", 6);
    add_ledger(f, "else", "old", DAY - 9, LEDGER_STORED, "", 6);
    assert_ok(f, store_usage(f->store, STR(""), DAY, DAY + 1, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 3);
    assert_str(rows[0].tenant, "else");
    assert_str(rows[0].site, "xyz");
    assert_int_equal(rows[0].stored, 6);
    assert_int_equal(rows[0].dropped + rows[0].rejected, 0);
    assert_str(rows[1].site, "Zed");
    assert_int_equal(rows[1].stored, 0);
    assert_int_equal(rows[1].dropped, 4);
    assert_str(rows[2].tenant, "t5g");
    assert_str(rows[2].site, "abc");
    assert_int_equal(rows[2].stored, 12);
    assert_int_equal(rows[2].dropped, 5);
    assert_int_equal(rows[2].rejected, 1);
    assert_ok(f, store_usage(f->store, STR("else"), DAY, DAY, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 1);
    assert_str(rows[0].site, "xyz");
    assert_ok(f, store_usage(f->store, STR("none"), DAY, DAY, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 0);
}

static void usage_has_room_for_many_sites(void **state)
{
    enum { SITES = 150 };
    struct fixture *f = *state;
    struct ledger_row ledger[SITES];
    char names[SITES][8];
    struct usage_row *rows;
    size_t count;

    for (int i = 0; i < SITES; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "s%03d", i);
        ledger[i] = (struct ledger_row){
            str_from(names[i]), STR("t5g"), DAY, LEDGER_STORED, STR(""), i + 1, 0};
    }
    commit(f, &(struct store_batch){.ledger = ledger, .ledger_count = SITES});
    assert_ok(f, store_usage(f->store, STR("t5g"), DAY, DAY, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, SITES);
    for (int i = 0; i < SITES; i++) {
        assert_str(rows[i].site, names[i]);
        assert_int_equal(rows[i].stored, i + 1);
    }
}

static void assert_span(struct fixture *f, const char *tenant, int64_t first, int64_t last)
{
    int64_t first_ms = -1, last_ms = -1;

    assert_ok(
        f, store_site_span(f->store, str_from(tenant), STR("abc"), &first_ms, &last_ms, &f->err));
    assert_int_equal(first_ms, first);
    assert_int_equal(last_ms, last);
}

static void add_hour(struct fixture *f, int64_t hour_ms)
{
    struct stats_row row = {STR("abc"), STR("t5g"), DAY, hour_ms, {.pageviews = 1}};

    commit(f, &(struct store_batch){.hours = &row, .hours_count = 1});
}

static void a_site_has_a_first_and_a_last_event(void **state)
{
    struct fixture *f = *state;
    const int64_t first = DAY_START + 5 * MINUTE_MS, last = DAY_START + 3 * HOUR_MS + 7;
    struct event events[] = {pageview("abc", last, "/"), pageview("abc", first, "/"),
                             pageview("xyz", 1, "/")};
    struct site_row row = site_named("abc", "t5g");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    assert_span(f, "t5g", 0, 0);
    commit(f, &(struct store_batch){.events = pointers(f, events, 3), .events_count = 3});
    assert_span(f, "t5g", first, last);
    /* The hours that they are of say no more; older ones do. */
    add_hour(f, DAY_START);
    add_hour(f, DAY_START + 3 * HOUR_MS);
    assert_span(f, "t5g", first, last);
    add_hour(f, DAY_START - HOUR_MS);
    assert_span(f, "t5g", DAY_START - HOUR_MS, last);
    assert_span(f, "else", 0, 0);
}

static void hours_stand_for_events_that_are_gone(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g");

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
    add_hour(f, DAY_START);
    add_hour(f, DAY_START + 3 * HOUR_MS);
    assert_span(f, "t5g", DAY_START, DAY_START + 3 * HOUR_MS);
}

static void payload_keeps_no_sessions_here(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_payload_session(f->store, STR("public"), STR("users"), STR("1"),
                                           STR("s"), 0, &f->err),
                     ERR_INVALID);
}

int main(void)
{
    memset(many, 'A', sizeof(many));
    const struct CMUnitTest tests[] = {
        ON_ALL(tenants_keep_to_their_bounds),
        ON_ALL(an_origin_is_one_that_a_header_can_name),
        ON_ALL(people_keep_to_their_bounds),
        ON_ALL(a_persons_id_is_an_address_in_lower_case),
        ON_ALL(sessions_links_and_tokens_keep_to_their_bounds),
        ON_ALL(erasures_and_the_installation_keep_to_their_bounds),
        ON_ALL(lists_and_objects_hold_64_kib),
        ON_ALL(annotations_keep_to_their_bounds),
        ON_ALL(an_annotation_comes_back_and_stays_where_it_is),
        ON_ALL(a_sites_annotations_come_by_date_and_no_others),
        ON_ALL(each_change_has_its_line_and_its_tenant),
        ON_ALL(changes_and_removals_are_told_apart),
        ON_ALL(the_log_is_read_a_page_at_a_time),
        ON_ALL(a_note_is_a_line_of_its_own),
        ON_ALL(sessions_of_a_person_end_together),
        ON_ALL(expired_sessions_go_with_retention),
        ON_ALL(requests_read_links_and_what_the_installation_sets),
        ON_ALL(what_was_erased_last_is_told),
        ON_ALL(requests_are_told_of_all_but_people_and_annotations),
        ON_ALL(usage_adds_the_ledger_by_tenant_and_site),
        ON_ALL(usage_has_room_for_many_sites),
        ON_ALL(a_site_has_a_first_and_a_last_event),
        ON_ALL(hours_stand_for_events_that_are_gone),
        BOTH(payload_keeps_no_sessions_here),
    };

    return run_with_postgres("store_managed", tests, sizeof(tests) / sizeof(tests[0]));
}
