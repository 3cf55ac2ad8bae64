/*
 * test_api_privacy_page.c -- /settings/privacy, called without a server: whose page it is, in which
 * language, and that it says of each setting what is done. How it looks and what its script does is
 * tested in a browser.
 */
#include "api/api.h"
#include "api/handlers.h"
#include "query_fixture.h"
#include "web.h"

#include <stdio.h>

struct world {
    struct store *store;
    struct directory *directory;
    struct api api;
    struct arena arena;
    struct http_response response;
    struct str body;
};

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct directory_config config = {.raw_days = 31, .visit_days = 366, .stats_days = 367};

    w->store = fixture_open();
    w->directory = directory_new(&config);
    w->api = (struct api){.roles = ROLES_ALL, .directory = w->directory};
    *state = w;
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

static struct site_row row_of_shop(void)
{
    struct site_row row = site_row_default();

    row.id = STR("shop");
    row.tenant = STR("five");
    row.domain = STR("shop.example");
    return row;
}

/* Makes the site, or gives the one that is there these settings. */
static void add(struct world *w, struct site_row row)
{
    struct actor actor = {.name = STR("test"), .now_ms = 1};
    struct err err = {""};
    int rc = store_put_site(w->store, &row, &actor, &err);

    if (rc == ERR_CONFLICT)
        rc = store_set_site(w->store, &row, &actor, &err);
    if (rc != 0)
        fail_msg("%s", err.text);
    assert_int_equal(directory_load(w->directory, w->store, instant("2026-11-22T12:00:00Z"), &err),
                     0);
}

typedef void handler(const struct http_request *request, struct http_response *response);

static int ask(struct world *w, handler *handle, struct http_request request)
{
    request.arena = &w->arena;
    request.app = &w->api;
    buf_release(&w->response.body);
    w->response = (struct http_response){0};
    handle(&request, &w->response);
    w->body =
        w->response.static_body.len > 0 ? w->response.static_body : buf_str(&w->response.body);
    return w->response.status == 0 ? 200 : w->response.status;
}

/* The page of the one site, with its settings. */
static void show(struct world *w, struct site_row row)
{
    add(w, row);
    assert_int_equal(ask(w, privacy_site_get, (struct http_request){.param = row.id}), 200);
}

static bool has(const struct world *w, const char *text)
{
    return w->body.len > 0 && memmem(w->body.ptr, w->body.len, text, strlen(text)) != NULL;
}

/* Of two sentences that contradict each other, the one that holds stands there. */
static void assert_says(const struct world *w, const char *text, const char *contrary)
{
    if (!has(w, text) || has(w, contrary))
        fail_msg("not \"%s\" but \"%s\"\nin %.*s", text, contrary, STR_FMT(w->body));
}

static struct str header(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->response.headers_count; i++)
        if (str_ieq(w->response.headers[i].name, str_from(name)))
            return w->response.headers[i].value;
    return STR("");
}

#define assert_header(w, name, expected) assert_true(str_eq(header((w), (name)), STR(expected)))

/* -- whose page ------------------------------------------------------------------------------- */

static void gives_a_site_s_page_by_its_id_and_by_a_tracking_id(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    row.tracking_ids = STR("[\"t-1\"]");
    show(w, row);
    assert_true(str_eq(w->response.content_type, STR("text/html; charset=utf-8")));
    assert_true(has(w, "<h1>Privacy on shop.example</h1>"));
    assert_true(has(w, "data-domain=\"shop.example\""));
    assert_int_equal(ask(w, privacy_site_get, (struct http_request){.param = STR("t-1")}), 200);
    assert_true(has(w, "<h1>Privacy on shop.example</h1>"));
}

static void knows_no_page_of_a_site_that_does_not_exist(void **state)
{
    static const char *const unknown[] = {"shops",        "SHOP",        "", "privacy", "web.c",
                                          "analytics.js", "privacy.html"};
    struct world *w = *state;

    add(w, row_of_shop());
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct http_request request = {.param = str_from(unknown[i])};
        assert_int_equal(ask(w, privacy_site_get, request), 404);
        assert_true(str_eq(w->response.content_type, STR("application/problem+json")));
    }
}

static void asks_to_wait_before_the_first_snapshot(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, privacy_site_get, (struct http_request){.param = STR("shop")}), 503);
}

static void gives_the_installation_s_page_without_a_switch(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask(w, privacy_get, (struct http_request){0}), 200);
    assert_true(has(w, "<h1>Privacy and statistics</h1>"));
    assert_true(has(w, "Each site has a page of its own"));
    assert_false(has(w, "data-domain"));
    assert_false(has(w, "<template"));
    assert_true(has(w, "<dd>31 days</dd>"));
    assert_true(has(w, "<dd>366 days</dd>"));
    assert_true(has(w, "<dd>367 days</dd>"));
}

static void gives_what_the_page_loads(void **state)
{
    static const struct {
        struct str name, type;
    } files[] = {
        {STR_INIT("privacy.js"), STR_INIT("text/javascript; charset=utf-8")},
        {STR_INIT("privacy.css"), STR_INIT("text/css; charset=utf-8")},
    };
    struct world *w = *state;

    for (size_t i = 0; i < 2; i++) {
        struct http_request request = {.param = files[i].name};
        assert_int_equal(ask(w, privacy_site_get, request), 200);
        assert_true(str_eq(w->response.content_type, files[i].type));
        assert_true(w->body.len > 0);
        assert_header(w, "Cache-Control", "public, max-age=3600");
    }
}

static void names_only_addresses_below_its_own(void **state)
{
    struct world *w = *state;

    show(w, row_of_shop());
    assert_true(has(w, "href=\"/settings/privacy/privacy.css\""));
    assert_true(has(w, "src=\"/settings/privacy/privacy.js\""));
    assert_header(w, "Content-Security-Policy",
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
                  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    assert_header(w, "Referrer-Policy", "no-referrer");
    assert_header(w, "Cache-Control", "private, no-cache");
    assert_header(w, "Vary", "Accept-Language, Sec-GPC, DNT, Origin");
}

static void escapes_what_a_site_may_be_called(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    row.domain = STR("\"><script>alert('1')</script>&");
    row.query_params = STR("[\"<b>\"]");
    w->api.public_url = STR("https://\"><i>");
    show(w, row);
    assert_false(has(w, "<script>alert"));
    assert_false(has(w, "<b>"));
    assert_false(has(w, "<i>"));
    assert_true(
        has(w, "data-domain=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\""));
    assert_true(has(w, "data-server=\"&quot;&gt;&lt;i&gt;\""));
}

/* The script compares it with where the page is. */
static void tells_the_statistics_own_address_from_the_site_s(void **state)
{
    struct world *w = *state;

    w->api.public_url = STR("https://stats.shop.example:8443/");
    show(w, row_of_shop());
    assert_true(has(w, "data-server=\"stats.shop.example:8443\""));
    w->api.public_url = STR("https://stats.shop.example");
    show(w, row_of_shop());
    assert_true(has(w, "data-server=\"stats.shop.example\""));
    w->api.public_url = STR("");
    assert_int_equal(
        ask(w, privacy_site_get,
            (struct http_request){.param = STR("shop"), .host = STR("stats.shop.example:81")}),
        200);
    assert_true(has(w, "data-server=\"stats.shop.example:81\""));
}

static void knows_the_site_s_origins(void **state)
{
    static const struct {
        struct str origin;
        bool here;
    } origins[] = {
        {STR_INIT("https://shop.example"), true},
        {STR_INIT("https://shop.test:8443"), true},
        {STR_INIT("https://other.test"), false},
        {STR_INIT("null"), false},
        {STR_INIT(""), false},
    };
    struct world *w = *state;
    struct site_row row = row_of_shop();

    row.allowed_origins = STR("[\"shop.example\",\"shop.test\"]");
    add(w, row);
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct http_request request = {.param = row.id, .origin = origins[i].origin};
        assert_int_equal(ask(w, privacy_site_get, request), 200);
        assert_int_equal(has(w, " data-here"), origins[i].here);
    }
}

/* -- languages -------------------------------------------------------------------------------- */

static void speaks_the_language_that_is_preferred(void **state)
{
    static const struct {
        const char *query, *accept, *language;
    } cases[] = {
        {"", "", "en"},
        {"", "de", "de"},
        {"", "de-AT,de;q=0.9,en;q=0.8", "de"},
        {"", "en;q=0.5,de;q=0.8", "de"},
        {"", "en;q=0.8,de;q=0.5", "en"},
        {"", "fr,de;q=0.8,en;q=0.5", "de"},
        {"", "de;q=0,en;q=0.1", "en"},
        {"", "de;q=0", "en"},
        {"", "fr", "en"},
        {"", "*", "en"},
        {"", "de;q=nonsense", "en"},
        {"", "den", "en"},
        {"lang=de", "en", "de"},
        {"lang=en", "de", "en"},
        {"lang=fr", "de", "de"},
        {"lang=DE", "en", "en"},
        {"lang=de&lang=en", "en", "en"},
        {"lang=%ff", "de", "de"},
        {"utm_source=x&lang=de", "en", "de"},
    };
    struct world *w = *state;
    struct buf tag = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request = {.query = str_from(cases[i].query),
                                       .accept_language = str_from(cases[i].accept)};
        assert_int_equal(ask(w, privacy_get, request), 200);
        if (!str_eq(header(w, "Content-Language"), str_from(cases[i].language)))
            fail_msg("%s, %s", cases[i].query, cases[i].accept);
        buf_reset(&tag);
        buf_addf(&tag, "<html lang=\"%s\">%c", cases[i].language, '\0');
        assert_true(has(w, tag.ptr));
    }
    buf_release(&tag);
}

static void counts_days_in_both_languages(void **state)
{
    static const struct {
        int32_t days;
        const char *en, *de;
    } cases[] = {
        {0, "<dd>without a limit</dd>", "<dd>unbegrenzt</dd>"},
        {1, "<dd>1 day</dd>", "<dd>1 Tag</dd>"},
        {2, "<dd>2 days</dd>", "<dd>2 Tage</dd>"},
        {36500, "<dd>36500 days</dd>", "<dd>36500 Tage</dd>"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct site_row row = row_of_shop();
        row.raw_days = cases[i].days;
        show(w, row);
        assert_true(has(w, cases[i].en));
        struct http_request request = {.param = row.id, .query = STR("lang=de")};
        assert_int_equal(ask(w, privacy_site_get, request), 200);
        assert_true(has(w, cases[i].de));
    }
}

/* Every mark of a template, in order. */
static void list_marks(struct str text, struct buf *out)
{
    for (size_t at = 0; (at = str_find(text, at, '{')) < text.len; at++) {
        size_t end = str_find(text, at, '}');

        buf_add(out, str_slice(text, at, end));
        at = end;
    }
}

static void says_the_same_in_every_language(void **state)
{
    struct buf en = {0}, de = {0};

    (void)state;
    list_marks(web_privacy_en, &en);
    list_marks(web_privacy_de, &de);
    assert_true(en.len > 0);
    assert_true(str_eq(buf_str(&en), buf_str(&de)));
    buf_release(&en);
    buf_release(&de);
}

/* -- what it says ----------------------------------------------------------------------------- */

static void says_for_how_long(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    row.raw_days = 3;
    row.visit_days = 40;
    row.stats_days = 500;
    show(w, row);
    assert_true(has(w, "number of the day</dt>\n      <dd>3 days</dd>"));
    assert_true(has(w, "without that number</dt>\n      <dd>40 days</dd>"));
    assert_true(has(w, "from a country</dt>\n      <dd>500 days</dd>"));
}

/* What is kept of visits goes with the stats (store.h: struct expiry). */
static void gives_visits_no_longer_life_than_stats(void **state)
{
    static const struct {
        int32_t visit_days, stats_days;
        const char *said;
    } cases[] = {
        {40, 39, "39 days"}, {40, 40, "40 days"}, {40, 41, "40 days"},
        {0, 41, "41 days"},  {40, 0, "40 days"},  {0, 0, "without a limit"},
    };
    struct world *w = *state;
    char text[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct site_row row = row_of_shop();
        row.visit_days = cases[i].visit_days;
        row.stats_days = cases[i].stats_days;
        show(w, row);
        (void)snprintf(text, sizeof(text), "without that number</dt>\n      <dd>%s</dd>",
                       cases[i].said);
        assert_true(has(w, text));
    }
}

static void says_what_of_an_address_is_hashed(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    show(w, row);
    assert_says(w, "first 24 of 32 bits are left, so that 203.0.113.77 becomes 203.0.113.0;",
                "whole network address</strong>");
    assert_true(has(w, "the first 48 of 128"));
    row.ipv4_prefix = 20;
    row.ipv6_prefix = 32;
    show(w, row);
    assert_true(has(w, "first 20 of 32 bits are left, so that 203.0.113.77 becomes 203.0.112.0;"));
    assert_true(has(w, "the first 32 of 128"));
    row.ipv4_prefix = 0;
    show(w, row);
    assert_true(has(w, "first 0 of 32 bits are left, so that 203.0.113.77 becomes 0.0.0.0;"));
    row.visitor_identity = STR("full-address");
    show(w, row);
    assert_says(w, "whole network address</strong>", "Cut short means");
}

static void says_what_of_an_address_is_stored(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    show(w, row);
    assert_says(w, "<li>Not your network address", "keeps its beginning");
    assert_false(has(w, "The beginning of your network address"));
    row.store_ip_prefix = true;
    row.raw_days = 5;
    show(w, row);
    assert_says(w, "keeps its beginning: of 203.0.113.77 it keeps\n      203.0.113.0.",
                "<li>Not your network address");
    assert_true(has(w, "The beginning of your network address, with each of them</dt>\n"
                       "      <dd>5 days</dd>"));
}

static void says_whether_texts_are_masked(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    show(w, row);
    assert_says(w, "it is blotted out", "has switched off the blotting out");
    row.mask_personal = false;
    show(w, row);
    assert_says(w, "has switched off the blotting out", "it is blotted out");
}

static void says_what_of_a_query_is_kept(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    show(w, row);
    assert_says(w, "its address, without what stands behind", "question mark only");
    row.query_params = STR("[\"page\",\"q\"]");
    show(w, row);
    assert_says(w, "question mark only: page, q</li>", "its address, without what stands behind");
}

static void leaves_out_the_fields_that_are_switched_off(void **state)
{
    static const struct {
        const char *field, *list, *said;
    } cases[] = {
        {"referrer", "[\"referrer\"]", "<li>where you came from"},
        {"campaign", "[\"campaign\"]", "utm_source"},
        {"title", "[\"title\"]", "<li>its title</li>"},
        {"screen", "[\"screen\"]", "the size of your screen"},
        {"props", "[\"props\"]", "details of its own choosing"},
        {"country", "[\"country\"]", "<li>your country"},
        {"browser", "[\"browser\"]", "<li>the name of your browser"},
        {"os", "[\"os\"]", "<li>the name of your operating system"},
        {"device", "[\"device\"]", "<li>the kind of your device"},
        {"language", "[\"language\"]", "<li>the language that your browser prefers"},
    };
    struct world *w = *state;
    const size_t count = sizeof(cases) / sizeof(cases[0]);

    assert_int_equal(count, FIELDS);
    for (size_t off = 0; off < count; off++) {
        struct site_row row = row_of_shop();
        row.disabled_fields = str_from(cases[off].list);
        show(w, row);
        for (size_t i = 0; i < count; i++)
            if (has(w, cases[i].said) != (i != off))
                fail_msg("%s with %s off", cases[i].field, cases[off].field);
    }
}

/* -- the signals, and what is known of the visitor without a script ------------------------------
 */

static const char you_by_gpc[] =
    "role=\"status\"><strong>You are not counted.</strong> Your browser sends Global";
static const char you_by_dnt[] =
    "role=\"status\"><strong>You are not counted.</strong>\n      Your browser sends Do Not Track";
static const char nobody[] = "role=\"status\"><strong>Nobody is counted.</strong>";

static void says_which_signals_are_followed(void **state)
{
    struct world *w = *state;
    struct site_row row = row_of_shop();

    show(w, row);
    assert_says(w, "<strong>This site takes it as a no:</strong>",
                "chosen not to follow it.</strong>");
    assert_says(w, "It does not follow the older signal", "It also follows the older signal");
    assert_says(w, " data-gpc", " data-dnt");
    assert_true(has(w, "described below, lasts") && has(w, "described below, does not"));
    row.respect_gpc = false;
    row.respect_dnt = true;
    show(w, row);
    assert_says(w, "chosen not to follow it.</strong>",
                "<strong>This site takes it as a no:</strong>");
    assert_says(w, "It also follows the older signal", "It does not follow the older signal");
    assert_says(w, " data-dnt", " data-gpc");
    assert_false(has(w, "described below, "));
}

static void says_who_is_not_counted_before_any_script_runs(void **state)
{
    static const struct {
        bool respect_gpc, respect_dnt, enabled, gpc, dnt;
        const char *said; /* NULL: nothing */
    } cases[] = {
        {true, false, true, false, false, NULL},      {true, false, true, true, false, you_by_gpc},
        {false, false, true, true, true, NULL},       {true, false, true, false, true, NULL},
        {false, true, true, false, true, you_by_dnt}, {true, true, true, true, true, you_by_gpc},
        {false, true, true, true, true, you_by_dnt},  {true, true, false, true, true, nobody},
        {true, true, false, false, false, nobody},
    };
    static const char *const all[] = {you_by_gpc, you_by_dnt, nobody};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct site_row row = row_of_shop();
        row.respect_gpc = cases[i].respect_gpc;
        row.respect_dnt = cases[i].respect_dnt;
        row.enabled = cases[i].enabled;
        add(w, row);
        struct http_request request = {.param = row.id, .gpc = cases[i].gpc, .dnt = cases[i].dnt};
        assert_int_equal(ask(w, privacy_site_get, request), 200);
        for (size_t j = 0; j < 3; j++)
            if (has(w, all[j]) != (all[j] == cases[i].said))
                fail_msg("case %zu: %s", i, all[j]);
        assert_int_equal(has(w, " data-off"), !cases[i].enabled);
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(gives_a_site_s_page_by_its_id_and_by_a_tracking_id),
        WITH_WORLD(knows_no_page_of_a_site_that_does_not_exist),
        WITH_WORLD(asks_to_wait_before_the_first_snapshot),
        WITH_WORLD(gives_the_installation_s_page_without_a_switch),
        WITH_WORLD(gives_what_the_page_loads),
        WITH_WORLD(names_only_addresses_below_its_own),
        WITH_WORLD(escapes_what_a_site_may_be_called),
        WITH_WORLD(tells_the_statistics_own_address_from_the_site_s),
        WITH_WORLD(knows_the_site_s_origins),
        WITH_WORLD(speaks_the_language_that_is_preferred),
        WITH_WORLD(counts_days_in_both_languages),
        cmocka_unit_test(says_the_same_in_every_language),
        WITH_WORLD(says_for_how_long),
        WITH_WORLD(gives_visits_no_longer_life_than_stats),
        WITH_WORLD(says_what_of_an_address_is_hashed),
        WITH_WORLD(says_what_of_an_address_is_stored),
        WITH_WORLD(says_whether_texts_are_masked),
        WITH_WORLD(says_what_of_a_query_is_kept),
        WITH_WORLD(leaves_out_the_fields_that_are_switched_off),
        WITH_WORLD(says_which_signals_are_followed),
        WITH_WORLD(says_who_is_not_counted_before_any_script_runs),
    };
    return cmocka_run_group_tests_name("api_privacy_page", tests, NULL, NULL);
}
