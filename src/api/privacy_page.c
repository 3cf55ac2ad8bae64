/*
 * privacy_page.c -- /settings/privacy: what is counted of a visitor, in plain words, and the switch
 * to refuse it.
 *
 *     /settings/privacy               what holds unless a site sets it; no switch
 *     /settings/privacy/{siteId}      the site's own settings (a siteId or a tracking id)
 *     /settings/privacy/privacy.js    what the page loads: no id has a dot
 *
 * The words stand in web/privacy/, one template for each language; here are their values, all of
 * them read from the settings that events meet (struct site), so that the page cannot say other
 * than what is done. Every address on the page is below /settings/privacy: a site that passes this
 * on has all of it on its own origin, where its visitors' browsers keep the refusal.
 *
 * The page is the same for everybody who sends the same Sec-GPC, DNT, Accept-Language and Origin;
 * it reads and sets no cookie, and names no address.
 */
#include "api/api.h"
#include "api/assets.h"
#include "api/handlers.h"
#include "api/language.h"
#include "base/template.h"
#include "web.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

const struct http_param privacy_params[] = {
    {"lang", "en or de; unless given, what Accept-Language prefers", HTTP_PARAM_OPTIONAL}, {0}};

/* -- languages --------------------------------------------------------------------------------- */

struct words {
    const struct str *page;
    const char *day, *days, *ever; /* "1 day", "30 days", "for ever" */
};

static const struct words words_of[LANGUAGES] = {
    [LANGUAGE_EN] = {&web_privacy_en, "day", "days", "without a limit"},
    [LANGUAGE_DE] = {&web_privacy_de, "Tag", "Tage", "unbegrenzt"},
};

/* -- values ------------------------------------------------------------------------------------ */

enum { VALUES_MAX = 40 };

struct page {
    const struct http_request *request;
    const struct site *site; /* its id is empty: that of no site */
    enum language language;
    struct arena *arena;
    struct template_value values[VALUES_MAX];
    size_t count;
};

static void put(struct page *page, const char *name, struct str value)
{
    assert(page->count < VALUES_MAX);
    page->values[page->count++] = (struct template_value){name, value};
}

static void put_if(struct page *page, const char *name, bool holds)
{
    put(page, name, holds ? STR("yes") : STR(""));
}

static void put_number(struct page *page, const char *name, int32_t number)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", number);
    put(page, name, arena_str(page->arena, str_from(text)));
}

static void put_days(struct page *page, const char *name, int32_t days)
{
    const struct words *words = &words_of[page->language];
    char text[32];

    if (days == 0)
        (void)snprintf(text, sizeof(text), "%s", words->ever);
    else
        (void)snprintf(text, sizeof(text), "%d %s", days, days == 1 ? words->day : words->days);
    put(page, name, arena_str(page->arena, str_from(text)));
}

static void put_list(struct page *page, const char *name, const struct str *list, size_t count)
{
    struct buf all = {0};

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add(&all, STR(", "));
        buf_add(&all, list[i]);
    }
    put(page, name, arena_str(page->arena, buf_str(&all)));
    buf_release(&all);
}

/* "stats.example.com:8443" of "https://stats.example.com:8443/". */
static struct str host_of(struct str url)
{
    const struct str mark = STR("://");
    const char *at = url.len == 0 ? NULL : memmem(url.ptr, url.len, mark.ptr, mark.len);

    if (at == NULL)
        return STR("");
    struct str rest = str_slice(url, (size_t)(at - url.ptr) + mark.len, url.len);

    return str_slice(rest, 0, str_find(rest, 0, '/'));
}

/* Whose page it is, and where its switch works: privacy.ts compares these with its own address.
 * `here`: the page is fetched by one of another origin, which is the site's. */
static void put_place(struct page *page)
{
    const struct api *api = page->request->app;
    const struct site *site = page->site;
    bool named = site->id.len > 0;

    put_if(page, "site", named);
    put(page, "domain", site->domain);
    put(page, "server", api->public_url.len > 0 ? host_of(api->public_url) : page->request->host);
    put_if(page, "here",
           named && page->request->origin.len > 0 &&
               site_allows_origin(site, page->request->origin));
}

/* One of off, sendsGpc and sendsDnt at most: what is known without a script. */
static void put_state(struct page *page)
{
    const struct site *site = page->site;
    bool off = !site->enabled || !site->tenant_active;
    bool gpc = !off && site->respect_gpc && page->request->gpc;

    put_if(page, "off", off);
    put_if(page, "gpc", site->respect_gpc);
    put_if(page, "dnt", site->respect_dnt);
    put_if(page, "sendsGpc", gpc);
    put_if(page, "sendsDnt", !off && !gpc && site->respect_dnt && page->request->dnt);
}

/* Each field that the site has not switched off, by its name. */
static void put_kept(struct page *page)
{
    for (unsigned f = 0; f < FIELDS; f++)
        put_if(page, field_name((enum field)f).ptr, (page->site->fields_off >> f & 1) == 0);
    put_list(page, "params", page->site->query_params, page->site->query_params_count);
    put_if(page, "mask", page->site->mask_personal);
}

/* What is left of 203.0.113.77, an address that is nobody's (RFC 5737). */
static struct str cut_example(const struct site *site, struct arena *arena)
{
    struct addr whole = {.family = 4, .bytes = {203, 0, 113, 77}};
    struct addr cut = addr_cut(whole, site->ipv4_prefix, site->ipv6_prefix);
    char text[INET_ADDRSTRLEN];

    (void)inet_ntop(AF_INET, cut.bytes, text, sizeof(text));
    return arena_str(arena, str_from(text));
}

static void put_address(struct page *page)
{
    const struct site *site = page->site;

    put_if(page, "whole", site->identity == IDENTITY_FULL_ADDRESS);
    put_if(page, "prefix", site->store_prefix);
    put_number(page, "ipv4", site->ipv4_prefix);
    put_number(page, "ipv6", site->ipv6_prefix);
    put(page, "example", cut_example(site, page->arena));
}

/* The shorter of two times, 0 being for ever. */
static int32_t shorter(int32_t a, int32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What is kept of single visits goes with the stats of their day, if not before (store.h). */
static void put_times(struct page *page)
{
    const struct site *site = page->site;

    put_days(page, "rawDays", site->raw_days);
    put_days(page, "visitDays", shorter(site->visit_days, site->stats_days));
    put_days(page, "statsDays", site->stats_days);
}

/* -- the page ---------------------------------------------------------------------------------- */

static void send_page(const struct http_request *request, struct http_response *response,
                      const struct site *site)
{
    struct page page = {.request = request,
                        .site = site,
                        .language = language_choose(request),
                        .arena = request->arena};

    put_place(&page);
    put_state(&page);
    put_kept(&page);
    put_address(&page);
    put_times(&page);
    response->content_type = STR("text/html; charset=utf-8");
    http_header(response, STR("Content-Language"), language_name(page.language));
    http_header(response, STR("Cache-Control"), STR("private, no-cache"));
    http_header(response, STR("Vary"), STR("Accept-Language, Sec-GPC, DNT, Origin"));
    http_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_header(response, STR("Content-Security-Policy"),
                STR("default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
    template_fill(*words_of[page.language].page, page.values, page.count, TEMPLATE_HTML,
                  &response->body);
}

/* A site that has set nothing; its zone is read from a file the first time. */
void privacy_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    struct site_row row = site_row_default();
    struct site site;
    struct err err = {""};

    if (directory_make_site(api->directory, &row, true, request->arena, &site, &err) == 0)
        send_page(request, response, &site);
    else
        http_problem(response, 503, str_from(err.text), STR(""));
}

static void send_site(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    const struct snapshot *snapshot = directory_take(api->directory);

    if (snapshot == NULL) {
        http_problem(response, 503, STR("the server is still starting"), STR(""));
        return;
    }
    const struct site *site = snapshot_tracked(snapshot, request->param);

    if (site != NULL)
        send_page(request, response, site);
    else
        http_problem(response, 404, STR("there is no such site"), STR(""));
    directory_give(api->directory, snapshot);
}

void privacy_site_get(const struct http_request *request, struct http_response *response)
{
    struct str name = request->param;

    if (str_find(name, 0, '.') == name.len)
        send_site(request, response);
    else if (!str_starts(name, STR("privacy.")) ||
             !asset_serve(request, response, name, STR("public, max-age=3600")))
        http_problem(response, 404, STR("there is no such page"), STR(""));
}
