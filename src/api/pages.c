/*
 * pages.c -- the pages for people: signing in, and what is shared of a site's numbers.
 *
 *     /admin/sign-in    signing in and out, password, second factor
 *     /admin/accept     where links of invitations, resets and the first set-up lead; their secret
 *                       is in the fragment, which never comes here
 *     /share/{key}      a public site (its id), or a shared link ("link.ID.MAC")
 *     /embed/{key}      a tenant's sites in a frame of its own pages ("embed.PAYLOAD.MAC")
 *
 * The words stand in web/account/ and web/view/, one template for each language; what they show is
 * asked for by their scripts. No page reads or sets a cookie; none says of whom it is before the
 * script has asked. A key that shows nothing has one answer, whatever is wrong with it.
 *
 * Only the origins that a tenant has named may frame what is shared of its sites; nobody may frame
 * anything else.
 */
#include "access/signed.h"
#include "api/caller.h"
#include "api/handlers.h"
#include "api/language.h"
#include "api/reader.h"
#include "base/json.h"
#include "base/template.h"
#include "web.h"

#include <assert.h>

/* How many sites the choice of an embed offers; the rest is for the dashboard. */
enum { SITES_MAX = 1000 };

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types "      \
    "'none'; frame-ancestors"

struct page {
    const struct str *words[LANGUAGES];
    struct str style, script; /* script: empty where there is none */
};

static const struct page sign_in_page = {{&web_sign_in_en, &web_sign_in_de},
                                         STR_INIT("account.css"),
                                         STR_INIT("account.js")},
                         accept_page = {{&web_accept_en, &web_accept_de},
                                        STR_INIT("account.css"),
                                        STR_INIT("account.js")},
                         view_page = {{&web_view_en, &web_view_de},
                                      STR_INIT("view.css"),
                                      STR_INIT("view.js")},
                         missing_page = {{&web_missing_en, &web_missing_de},
                                         STR_INIT("view.css"),
                                         STR_INIT("")};

/* -- sending ------------------------------------------------------------------------------- */

/* The name that only these bytes have: a page of this version gets no script of another. */
static struct str hashed_name(struct str name)
{
    size_t i = 0;

    while (i < web_files_count && !str_eq(web_files[i].name, name))
        i++;
    assert(i < web_files_count || name.len == 0);
    return i < web_files_count ? web_files[i].hashed : STR("");
}

/* An origin that nothing can follow in a header; what else may be in the store frames nothing. */
static bool is_origin(struct str s)
{
    static const char others[] = "-._:/[]";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], lower = (char)(c | 0x20);

        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') &&
            memchr(others, c, sizeof(others) - 1) == NULL)
            return false;
    }
    return str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
}

/* `tenant`: whose origins may frame it; NULL: nobody. */
static struct str policy(const struct tenant *tenant, struct arena *arena)
{
    struct buf text = {0};
    size_t count = 0;

    buf_add(&text, STR(POLICY));
    for (size_t i = 0; tenant != NULL && i < tenant->embed_origins_count; i++) {
        if (!is_origin(tenant->embed_origins[i]))
            continue;
        buf_addf(&text, " %.*s", STR_FMT(tenant->embed_origins[i]));
        count++;
    }
    if (count == 0)
        buf_add(&text, STR(" 'none'"));
    struct str all = arena_str(arena, buf_str(&text));

    buf_release(&text);
    return all;
}

/* `values` has room for two more. */
static void send_page(const struct http_request *request, struct http_response *response,
                      const struct page *page, struct template_value *values, size_t count,
                      const struct tenant *tenant)
{
    enum language language = language_choose(request);

    values[count++] = (struct template_value){"style", hashed_name(page->style)};
    values[count++] = (struct template_value){"script", hashed_name(page->script)};
    response->content_type = STR("text/html; charset=utf-8");
    http_header(response, STR("Content-Language"), language_name(language));
    http_header(response, STR("Cache-Control"), STR("no-store"));
    http_header(response, STR("Vary"), STR("Accept-Language"));
    http_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_header(response, STR("Content-Security-Policy"), policy(tenant, request->arena));
    template_fill(*page->words[language], values, count, TEMPLATE_HTML, &response->body);
}

/* -- signing in ---------------------------------------------------------------------------- */

void sign_in_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    /* Without a public URL nobody knows where a link in a mail would lead. */
    bool mails = api->mailer != NULL && api->public_url.len > 0;
    struct template_value values[3] = {{"mail", mails ? STR("yes") : STR("")}};

    http_header(response, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    send_page(request, response, &sign_in_page, values, 1, NULL);
}

void accept_get(const struct http_request *request, struct http_response *response)
{
    struct template_value values[2];

    http_header(response, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    send_page(request, response, &accept_page, values, 0, NULL);
}

/* -- what is shared ------------------------------------------------------------------------ */

/* What a key shows: at least one site of a tenant. */
struct shared {
    const struct http_request *request;
    const struct snapshot *snapshot;
    const struct tenant *tenant;
    const struct site *sites[SITES_MAX];
    size_t sites_count;
    struct str key; /* the credential; empty: none is needed */
    bool locked;    /* until its password is given */
    bool embed;
};

static void add_site(struct shared *shared, const struct site *site, struct str tenant)
{
    if (site != NULL && !site->erasing && str_eq(site->tenant, tenant) &&
        shared->sites_count < SITES_MAX)
        shared->sites[shared->sites_count++] = site;
}

/* The key is asked like the credential that it is: what reads numbers by it is what opens the
 * page. */
static enum refusal ask(const struct shared *shared, struct caller *out)
{
    struct http_request request = *shared->request;
    struct buf header = {0};

    buf_addf(&header, "Bearer %.*s", STR_FMT(shared->key));
    request.authorization = arena_str(request.arena, buf_str(&header));
    request.cookie = STR("");
    buf_release(&header);
    return caller_read(&request, shared->snapshot, api_now(shared->request->app), out);
}

static void find_public(struct shared *shared, struct str id)
{
    const struct site *site = snapshot_site(shared->snapshot, id);

    if (site != NULL && site->public_dashboard)
        add_site(shared, site, site->tenant);
}

static void find_link(struct shared *shared)
{
    struct str rest = shared->key, id = {0};
    struct caller caller;
    enum refusal refusal = ask(shared, &caller);
    const struct link_row *link;

    (void)str_next(&rest, '.', &id);
    (void)str_next(&rest, '.', &id);
    shared->locked = refusal == REFUSED_PASSWORD;
    if (refusal != REFUSED_NOT && refusal != REFUSED_PASSWORD)
        return;
    link = snapshot_link(shared->snapshot, id, api_now(shared->request->app));
    if (link != NULL)
        add_site(shared, snapshot_site(shared->snapshot, link->site), link->tenant);
}

static void find_embed(struct shared *shared)
{
    const struct site *const *all = NULL;
    struct caller caller;

    if (ask(shared, &caller) != REFUSED_NOT || caller.kind != CALLER_EMBED)
        return;
    const struct reach *reach = &caller.reaches[0];

    for (size_t i = 0; i < reach->sites_count; i++)
        add_site(shared, snapshot_site(shared->snapshot, reach->sites[i]), reach->tenant);
    size_t count =
        reach->sites_count == 0 ? snapshot_sites(shared->snapshot, reach->tenant, &all) : 0;

    for (size_t i = 0; i < count; i++)
        add_site(shared, all[i], reach->tenant);
}

/* Whether there is something to show, of a tenant that is neither suspended nor leaving. */
static bool find(struct shared *shared, struct str key)
{
    bool is_link = str_starts(key, STR("link."));

    shared->key = shared->embed || is_link ? key : STR("");
    if (shared->embed && str_starts(key, STR("embed.")))
        find_embed(shared);
    else if (!shared->embed && is_link)
        find_link(shared);
    else if (!shared->embed)
        find_public(shared, key);
    if (shared->sites_count > 0)
        shared->tenant = snapshot_tenant(shared->snapshot, shared->sites[0]->tenant);
    return shared->tenant != NULL && shared->tenant->active;
}

static struct str sites_json(const struct shared *shared)
{
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    json_open(&json, '[');
    for (size_t i = 0; i < shared->sites_count; i++) {
        json_open(&json, '{');
        json_name(&json, STR("id"));
        json_str(&json, shared->sites[i]->id);
        json_name(&json, STR("name"));
        json_str(&json, shared->sites[i]->domain);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    struct str all = arena_str(shared->request->arena, buf_str(&text));

    buf_release(&text);
    return all;
}

/* Who may put a new credential in the place of an embed's. */
static struct str origins_json(const struct shared *shared)
{
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    json_open(&json, '[');
    for (size_t i = 0; shared->embed && i < shared->tenant->embed_origins_count; i++)
        json_str(&json, shared->tenant->embed_origins[i]);
    json_close(&json, ']');
    struct str all = arena_str(shared->request->arena, buf_str(&text));

    buf_release(&text);
    return all;
}

static struct str title_of(const struct shared *shared)
{
    const struct tenant *tenant = shared->tenant;

    if (shared->sites_count == 1)
        return shared->sites[0]->domain;
    return tenant->name.len > 0 ? tenant->name : tenant->id;
}

static void send_view(const struct shared *shared, struct http_response *response)
{
    struct template_value values[8] = {
        {"title", title_of(shared)},
        {"key", shared->key},
        {"sites", sites_json(shared)},
        {"origins", origins_json(shared)},
        {"locked", shared->locked ? STR("yes") : STR("")},
        {"several", shared->sites_count > 1 ? STR("yes") : STR("")},
    };

    send_page(shared->request, response, &view_page, values, 6, shared->tenant);
}

static void answer_key(const struct http_request *request, struct http_response *response,
                       bool embed)
{
    const struct api *api = request->app;
    struct shared *shared = ARENA_NEW(request->arena, struct shared, 1);
    struct template_value values[2];

    shared->request = request;
    shared->embed = embed;
    shared->snapshot = directory_take(api->directory);
    if (shared->snapshot == NULL) {
        (void)caller_refuse(response, REFUSED_STARTING);
        return;
    }
    if (find(shared, request->param)) {
        send_view(shared, response);
    } else {
        response->status = 404;
        send_page(request, response, &missing_page, values, 0, NULL);
    }
    directory_give(api->directory, shared->snapshot);
}

void share_get(const struct http_request *request, struct http_response *response)
{
    answer_key(request, response, false);
}

void embed_get(const struct http_request *request, struct http_response *response)
{
    answer_key(request, response, true);
}
