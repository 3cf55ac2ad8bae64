/*
 * api/shared_pages.c -- what is shared of the dashboard.
 *
 *     /share/{key}      a public site (its id), or a shared link ("link.ID.MAC")
 *     /embed/{key}      a tenant's sites in a frame of its own pages ("embed.PAYLOAD.MAC")
 *
 * The shell of the dashboard, with what the key shows: its sites, and who may give the page a new
 * key. A key that shows nothing has one answer, whatever is wrong with it.
 */
#include "access/signed.h"
#include "api/caller.h"
#include "api/handlers.h"
#include "api/pages.h"
#include "api/reader.h"
#include "base/json.h"
#include "web.h"

/* How many sites the choice of an embed offers; the rest is for the dashboard. */
enum { SITES_MAX = 1000 };

static const struct page missing_page = {.words = {&web_missing_en, &web_missing_de},
                                         .style = STR_INIT("account.css")};

/* What a key shows: at least one site of a tenant. */
struct shared {
    const struct http_request *request;
    const struct snapshot *snapshot;
    const struct tenant *tenant;
    const struct site *sites[SITES_MAX];
    size_t sites_count;
    struct str key;  /* the credential; empty: none is needed */
    bool locked;     /* until its password is given */
    bool restricted; /* not all that is counted is shown (api/reader.h) */
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

    shared->restricted = true;
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
    shared->restricted = true; /* once opened, too */
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

    shared->restricted = caller.restricted;
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
        if (shared->restricted) {
            json_name(&json, STR("shown"));
            reader_put_shown(shared->sites[i], &json);
        }
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
    struct template_value values[7 + PAGE_VALUES] = {
        {"title", title_of(shared)},
        {"shared", STR("yes")},
        {"key", shared->key},
        {"sites", sites_json(shared)},
        {"origins", origins_json(shared)},
        {"locked", shared->locked ? STR("yes") : STR("")},
        {"embed", shared->embed ? STR("yes") : STR("")},
    };

    page_send(shared->request, response, &dashboard_page, values, 7, shared->tenant);
}

static void answer_key(const struct http_request *request, struct http_response *response,
                       bool embed)
{
    const struct api *api = request->app;
    struct shared *shared = ARENA_NEW(request->arena, struct shared, 1);
    struct template_value values[PAGE_VALUES];

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
        page_send(request, response, &missing_page, values, 0, NULL);
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
