/*
 * test_api_share_page.c -- /share and /embed, called without a server: which keys show what, and
 * who may frame it. What the page does then is tested in a browser.
 */
#include "access/signed.h"
#include "api/api.h"
#include "api/handlers.h"
#include "query_fixture.h"

#include <stdio.h>

#define NOW "2026-11-22T12:00:00Z"

struct world {
    struct store *store;
    struct directory *directory;
    struct api api;
    struct arena arena;
    struct http_response response;
    struct str body;
};

static int64_t at_noon(void)
{
    return instant(NOW);
}

static int put_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct tenant_row *given = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    *(struct tenant_row *)row = *given;
    return EDIT_PUT;
}

static int put_link(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct link_row *given = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    *(struct link_row *)row = *given;
    return EDIT_PUT;
}

static struct tenant_row tenant_five(void)
{
    struct tenant_row row = tenant_row_default();

    row.id = STR("five");
    row.name = STR("Tenant <Five>");
    row.embed_origins = STR("[\"https://app.example\",\"http://127.0.0.1:8080\"]");
    return row;
}

static void edit_tenant(struct world *w, struct tenant_row row)
{
    const struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {""};

    if (store_edit(w->store, ROW_TENANT, row.id, put_tenant, &row, &actor, &err) < 0)
        fail_msg("%s", err.text);
}

static void load(struct world *w)
{
    struct err err = {""};

    assert_int_equal(directory_load(w->directory, w->store, at_noon(), &err), 0);
}

static void add_site(struct world *w, const char *id, bool public_dashboard)
{
    const struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct site_row row = site_row_default();
    struct err err = {""};

    row.id = str_from(id);
    row.tenant = STR("five");
    row.domain = STR("shop.example");
    row.public_dashboard = public_dashboard;
    row.public_metrics = STR("[\"leads\",\"page\",\"prop:plan\"]");
    if (store_put_site(w->store, &row, &actor, &err) != 0)
        fail_msg("%s", err.text);
}

/* Whoever makes embeds. */
static void add_token(struct world *w)
{
    const struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct token_row row = {.id = STR("maker"), .platform = true, .scopes = SCOPE_STATS_READ};
    struct err err = {""};

    if (store_put_token(w->store, &row, &actor, &err) != 0)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct directory_config config = {.raw_days = 31, .visit_days = 366, .stats_days = 367};

    w->store = fixture_open();
    w->directory = directory_new(&config);
    w->api = (struct api){.roles = ROLES_ALL, .directory = w->directory, .now = at_noon};
    *state = w;
    edit_tenant(w, tenant_five());
    add_site(w, "open", true);
    add_site(w, "closed", false);
    add_token(w);
    load(w);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    buf_release(&w->response.body);
    directory_free(&w->directory);
    fixture_close(&w->store);
    arena_free(&w->arena);
    test_free(w);
    return 0;
}

typedef void handler(const struct http_request *request, struct http_response *response);

static int ask(struct world *w, handler *handle, struct str key)
{
    struct http_request request = {.param = key, .arena = &w->arena, .app = &w->api};

    buf_release(&w->response.body);
    w->response = (struct http_response){0};
    handle(&request, &w->response);
    w->body = buf_str(&w->response.body);
    return w->response.status == 0 ? 200 : w->response.status;
}

static struct str header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->response.headers_count; i++)
        if (str_ieq(w->response.headers[i].name, str_from(name)))
            return w->response.headers[i].value;
    return STR("");
}

static size_t times(const struct world *w, const char *text)
{
    struct str rest = w->body;
    size_t count = 0;

    while (rest.len > 0) {
        const char *at = memmem(rest.ptr, rest.len, text, strlen(text));

        if (at == NULL)
            break;
        rest = str_slice(rest, (size_t)(at - rest.ptr) + 1, rest.len);
        count++;
    }
    return count;
}

/* A signed embed of these sites; none: all of the tenant's. */
static struct str embed(struct world *w, struct str *sites, size_t count)
{
    const struct snapshot *snapshot = directory_take(w->directory);
    const struct embed all = {.tenant = STR("five"),
                              .token = STR("maker"),
                              .sites = sites,
                              .sites_count = count,
                              .expires_ms = at_noon() + 1000};
    struct str text = signed_embed(snapshot_signing_key(snapshot), &all, &w->arena);

    directory_give(w->directory, snapshot);
    return text;
}

#define assert_framed_by(w, who)                                                                   \
    assert_true(str_ends(header((w), "Content-Security-Policy"), STR("; frame-ancestors " who)))

/* -------------------------------------------------------------------------------------------- */

static void frames_no_page_where_people_sign_in(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, sign_in_get, STR("")), 200);
    assert_framed_by(w, "'none'");
    assert_int_equal(times(w, "#forgot"), 0);
    assert_int_equal(ask(w, accept_get, STR("")), 200);
    assert_framed_by(w, "'none'");
    assert_true(str_eq(header(w, "Cache-Control"), STR("no-store")));
    assert_true(str_eq(header(w, "Referrer-Policy"), STR("no-referrer")));
}

static void shows_a_public_site_in_frames_of_its_tenant_s_origins(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, share_get, STR("open")), 200);
    assert_framed_by(w, "https://app.example http://127.0.0.1:8080");
    assert_int_equal(times(w, "data-key=\"\""), 1);
    assert_int_equal(times(w, "data-origins=\"[]\""), 1);
    assert_int_equal(times(w, "data-embed"), 0);
    assert_int_equal(times(w, "data-locked"), 0);
    assert_int_equal(times(w, "/public/dashboard.en."), 1);
    struct tenant_row row = tenant_five();

    row.embed_origins = STR("[]");
    edit_tenant(w, row);
    load(w);
    assert_int_equal(ask(w, share_get, STR("open")), 200);
    assert_framed_by(w, "'none'");
}

/* A signed link to the site "closed". */
static struct str add_link(struct world *w, const char *password)
{
    const struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct link_row row = {.id = STR("l1"),
                           .tenant = STR("five"),
                           .site = STR("closed"),
                           .password = str_from(password),
                           .created_ms = 1};
    struct err err = {""};

    if (store_edit(w->store, ROW_LINK, row.id, put_link, &row, &actor, &err) < 0)
        fail_msg("%s", err.text);
    load(w);
    const struct snapshot *snapshot = directory_take(w->directory);
    struct str text = signed_link(snapshot_signing_key(snapshot), &row, &w->arena);

    directory_give(w->directory, snapshot);
    return text;
}

/* What CONTRACT shows of every public site, and what this one names beside it, once. */
#define SHOWN                                                                                      \
    "&quot;shown&quot;:[&quot;pageviews&quot;,&quot;uniqueVisitors&quot;,&quot;visits&quot;,"      \
    "&quot;viewsPerVisit&quot;,&quot;bounceRate&quot;,&quot;visitDuration&quot;,&quot;page&quot;," \
    "&quot;source&quot;,&quot;country&quot;,&quot;device&quot;,&quot;leads&quot;,"                 \
    "&quot;prop:plan&quot;]}"

static void tells_what_is_shown_to_who_is_not_shown_all(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, share_get, STR("open")), 200);
    assert_int_equal(times(w, SHOWN), 1);
    assert_int_equal(ask(w, share_get, add_link(w, "")), 200);
    assert_int_equal(times(w, "data-locked"), 0);
    assert_int_equal(times(w, SHOWN), 1);
    assert_int_equal(ask(w, share_get, add_link(w, "$argon2id$whatever")), 200);
    assert_int_equal(times(w, "data-locked"), 1);
    assert_int_equal(times(w, SHOWN), 1);
    assert_int_equal(ask(w, embed_get, embed(w, NULL, 0)), 200);
    assert_int_equal(times(w, "&quot;id&quot;"), 2);
    assert_int_equal(times(w, "&quot;shown&quot;"), 0);
}

static void shows_nothing_of_who_is_suspended(void **state)
{
    struct world *w = *state;
    struct tenant_row row = tenant_five();

    row.active = false;
    edit_tenant(w, row);
    load(w);
    assert_int_equal(ask(w, share_get, STR("open")), 404);
    assert_framed_by(w, "'none'");
    assert_int_equal(ask(w, embed_get, embed(w, NULL, 0)), 404);
}

static void shows_nothing_that_is_not_shared(void **state)
{
    static const struct str keys[] = {STR_INIT("closed"), STR_INIT("none"),     STR_INIT(""),
                                      STR_INIT("link."),  STR_INIT("link.a.b"), STR_INIT("embed.")};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(ask(w, share_get, keys[i]), 404);
        assert_int_equal(ask(w, embed_get, keys[i]), 404);
    }
    assert_int_equal(ask(w, embed_get, STR("open")), 404);
    assert_int_equal(ask(w, share_get, embed(w, NULL, 0)), 404);
}

static void shows_an_embed_until_its_end(void **state)
{
    struct world *w = *state;
    struct str closed = STR("closed");
    const struct snapshot *snapshot = directory_take(w->directory);
    struct embed ended = {.tenant = STR("five"), .token = STR("maker"), .expires_ms = at_noon()};

    assert_int_equal(ask(w, embed_get, embed(w, &closed, 1)), 200);
    assert_int_equal(times(w, "&quot;id&quot;:&quot;closed&quot;"), 1);
    assert_int_equal(times(w, "&quot;id&quot;"), 1);
    assert_int_equal(times(w, "[&quot;https://app.example&quot;,"), 1);
    assert_int_equal(times(w, " data-embed"), 1);
    assert_int_equal(
        ask(w, embed_get, signed_embed(snapshot_signing_key(snapshot), &ended, &w->arena)), 404);
    directory_give(w->directory, snapshot);
}

static void names_all_sites_of_an_embed_up_to_a_thousand(void **state)
{
    struct world *w = *state;
    char id[16];

    for (int i = 3; i <= 1000; i++) {
        (void)snprintf(id, sizeof(id), "s%d", i);
        add_site(w, id, false);
    }
    load(w);
    assert_int_equal(ask(w, embed_get, embed(w, NULL, 0)), 200);
    assert_int_equal(times(w, "<title>Tenant &lt;Five&gt;</title>"), 1);
    assert_int_equal(times(w, "&quot;id&quot;"), 1000);
    add_site(w, "one-more", false);
    load(w);
    assert_int_equal(ask(w, embed_get, embed(w, NULL, 0)), 200);
    assert_int_equal(times(w, "&quot;id&quot;"), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_no_page_where_people_sign_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_a_public_site_in_frames_of_its_tenant_s_origins,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_is_shown_to_who_is_not_shown_all, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(shows_nothing_of_who_is_suspended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_nothing_that_is_not_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shows_an_embed_until_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_all_sites_of_an_embed_up_to_a_thousand, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
