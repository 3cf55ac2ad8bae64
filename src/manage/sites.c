/*
 * manage/sites.c -- sites: whose they are, and what they set themselves.
 *
 * A setting that a site does not set is null here, whatever holds for it; what holds, and from
 * where, is told by manage_settings_get().
 */
#include "manage/manage_internal.h"
#include "manage/snippet.h"
#include "manage/values.h"

const struct manage_member site_resource_members[] = {
    {.name = "id", .type = "string", .meaning = "Its id, which its events carry; never changes."},
    {.name = "tenantId",
     .type = "string",
     .meaning = "Whose it is; never changes. The platform makes a tenant that is missing.",
     .required = true},
    {.name = "domain",
     .type = "string",
     .meaning = "Its host; pages of it and of its subdomains may send.",
     .required = true},
    {.name = "timezone", .type = "string", .meaning = "Where its days begin and end."},
    {.name = "enabled", .type = "boolean", .meaning = "Whether its events are counted."},
    {.name = "respectGpc",
     .type = "boolean",
     .meaning = "Whether visitors who send Global Privacy Control are left out."},
    {.name = "respectDnt",
     .type = "boolean",
     .meaning = "Whether visitors who send Do Not Track are left out."},
    {.name = "maskPersonal",
     .type = "boolean",
     .meaning =
         "Whether e-mail addresses and long tokens in paths, titles and properties are masked."},
    {.name = "visitorIdentity",
     .type = "string",
     .meaning = "What of an address is hashed into a visitor."},
    {.name = "ipv4Prefix",
     .type = "integer",
     .meaning = "Bits of an IPv4 address that are left when it is cut."},
    {.name = "ipv6Prefix",
     .type = "integer",
     .meaning = "Bits of an IPv6 address that are left when it is cut."},
    {.name = "storeIpPrefix",
     .type = "boolean",
     .meaning =
         "Whether raw events keep the cut address (192.0.2.0/24) for as long as they are kept."},
    {.name = "trackingIds", .type = "array", .meaning = "Public aliases of its id."},
    {.name = "allowedOrigins",
     .type = "array",
     .meaning = "Whose pages may send: example.com, *.example.com, or * for any; unless set, the "
                "domain and its subdomains."},
    {.name = "queryParams",
     .type = "array",
     .meaning = "Parameters of the query that stay in a path."},
    {.name = "blockedAddresses", .type = "array", .meaning = "Addresses that are not counted."},
    {.name = "blockedPaths",
     .type = "array",
     .meaning = "Paths that are not counted: /exact, or /prefix/*."},
    {.name = "events", .type = "array", .meaning = "Names of events that are switched off."},
    {.name = "fields",
     .type = "array",
     .meaning = "Fields that are switched off, and kept of no event: referrer, campaign, title, "
                "screen, props, country, browser, os, device, language."},
    {.name = "requireToken",
     .type = "array",
     .meaning = "Names of events that only a token may send."},
    {.name = "blockedCountries",
     .type = "array",
     .meaning = "Countries (DE) that are not counted."},
    {.name = "blockedReferrers",
     .type = "array",
     .meaning = "Hosts, with all below them, from which nothing is counted."},
    {.name = "goals",
     .type = "array",
     .meaning = "What is a conversion, [{\"name\":\"Bought\",\"path\":\"/thanks/*\"}]: each has a "
                "name and an event, a path or both, and may have props and a value; unless set, "
                "the event lead.created."},
    {.name = "pathRules",
     .type = "array",
     .meaning = "How paths are rewritten and grouped, "
                "[{\"match\":\"/users/*/edit\",\"to\":\"/users/:id/edit\"}]: the first that "
                "matches; * is one segment, a last ** the rest."},
    {.name = "publicDashboard",
     .type = "boolean",
     .meaning = "Whether anybody may see its dashboard."},
    {.name = "publicMetrics",
     .type = "array",
     .meaning = "Metrics and dimensions that a public dashboard or a shared link shows beside the "
                "usual ones."},
    {.name = "limits.eventsPerSecond",
     .type = "integer",
     .meaning = "Events a second on each node; 0 is no limit."},
    {.name = "limits.eventsPerMonth",
     .type = "integer",
     .meaning = "Events a calendar month (UTC); 0 is no limit."},
    {.name = "limits.pathsPerDay",
     .type = "integer",
     .meaning = "Values of a dimension that a day tells apart; the others are one row."},
    {.name = "retention.rawDays",
     .type = "integer",
     .meaning = "Days that raw events are kept; unless set, --raw-days."},
    {.name = "retention.visitDays",
     .type = "integer",
     .meaning = "Days that visits are kept; unless set, --visit-days."},
    {.name = "retention.statsDays",
     .type = "integer",
     .meaning = "Days that stats are kept; unless set, --stats-days."},
    {.name = "status",
     .type = "string",
     .meaning = "active, or deleted: it is to be erased, and active takes that back."},
    {.name = "createdAt", .type = "string", .meaning = "When it was made.", .read_only = true},
    {.name = "eraseAt",
     .type = "string",
     .meaning = "When it is to be erased; null: it is not.",
     .read_only = true},
    {.name = "snippet",
     .type = "string",
     .meaning = "The line that brings the script into its pages.",
     .read_only = true},
    {.name = "firstEventAt",
     .type = "string",
     .meaning = "When its first event happened, as far as kept.",
     .read_only = true},
    {.name = "lastEventAt", .type = "string", .meaning = "And its last.", .read_only = true},
    {.name = NULL},
};

int site_reach(struct manage *m, const void *row, struct err *err)
{
    const struct site_row *site = row;

    return manage_may_site(m, site->tenant, site->id, err);
}

/* -- to JSON ----------------------------------------------------------------------------------- */

static void add_settings(struct manage *m, const struct site_row *site, struct json_out *json)
{
    static const struct json null = {.type = JSON_NULL};
    const struct json *values[SETTINGS_MAX] = {0};
    enum setting_source sources[SETTINGS_MAX];
    struct site_row own = *site;
    struct site_setting setting;

    site_row_resolve(&own, STR(""), STR(""), m->arena, sources);
    settings_values(site, m->arena, values);
    for (size_t i = 0; site_setting_at(i, &setting); i++)
        if (sources[i] != FROM_SITE)
            values[i] = &null;
    settings_each(values, NULL, NULL, json);
}

/* What the script has to know follows from what holds. */
static int add_snippet(struct manage *m, const struct site_row *site, struct json_out *json,
                       struct err *err)
{
    struct site_row holds = *site;
    struct str tenant, installation;
    struct buf text = {0};
    int rc = layers_above(m, site->tenant, &tenant, &installation, err);

    if (rc != 0)
        return rc;
    site_row_resolve(&holds, tenant, installation, m->arena, NULL);
    manage_snippet(&holds, m->public_url, &text);
    out_string(json, "snippet", buf_str(&text));
    buf_release(&text);
    return 0;
}

int site_add(struct manage *m, const void *row, struct json_out *json, struct err *err)
{
    const struct site_row *site = row;
    int64_t first_ms = 0, last_ms = 0;
    int rc = store_site_span(m->store, site->tenant, site->id, &first_ms, &last_ms, err);

    if (rc < 0)
        return rc;
    out_string(json, "id", site->id);
    out_string(json, "tenantId", site->tenant);
    add_settings(m, site, json);
    out_string(json, "status", site->erase_ms > 0 ? STR("deleted") : STR("active"));
    out_instant(json, "createdAt", site->created_ms);
    out_instant(json, "eraseAt", site->erase_ms);
    rc = add_snippet(m, site, json, err);
    out_instant(json, "firstEventAt", first_ms);
    out_instant(json, "lastEventAt", last_ms);
    return rc;
}

/* -- making and changing ----------------------------------------------------------------------- */

int site_prepare(struct change *change, struct err *err)
{
    struct str text;
    int rc = 0;

    if (change->how != MANAGE_PATCH)
        rc = body_needs_text(change->body, "tenantId", &text, err);
    if (rc == 0 && change->how != MANAGE_PATCH)
        rc = body_needs_text(change->body, "domain", &text, err);
    return rc == 0 ? values_read(change->body, "site", change->m->arena, &change->settings, err)
                   : rc;
}

/* Whose a new site is to be. */
static int read_tenant(const struct change *change, struct site_row *site, struct err *err)
{
    int rc = body_needs_text(change->body, "tenantId", &site->tenant, err);

    if (rc == 0 && !str_is_id(site->tenant))
        rc = err_set(err, ERR_INVALID, "tenantId: must be 1 to 64 of A-Z a-z 0-9 _ -");
    if (rc == 0 && !manage_has_tenant(change->m, site->tenant))
        rc = err_wrap(err, manage_may_tenant(change->m, site->tenant, err), "tenantId");
    return rc;
}

/* Those that are to be erased need no room. */
static int check_limit(const struct change *change, const struct tenant_row *tenant,
                       struct err *err)
{
    const struct row_filter filter = {.tenant = tenant->id, .kept = true};
    int64_t sites = 0;
    int rc = store_count(change->m->store, ROW_SITE, &filter, &sites, err);

    if (rc < 0)
        return rc;
    return sites < tenant->sites_max
               ? EDIT_PUT
               : err_set(err, ERR_CONFLICT,
                         "tenantId: the tenant may have %lld sites (limits.sites)",
                         (long long)tenant->sites_max);
}

/* One more site in use: EDIT_PUT, or EDIT_PUT_WITH_TENANT. */
static int find_room(const struct change *change, const struct site_row *site, struct arena *arena,
                     struct err *err)
{
    struct manage *m = change->m;
    struct tenant_row tenant;
    int rc = store_get(m->store, ROW_TENANT, site->tenant, arena, &tenant, err);

    if (rc < 0)
        return rc;
    if (rc == 0)
        return manage_is_platform(m)
                   ? EDIT_PUT_WITH_TENANT
                   : err_set(err, ERR_NOTFOUND, "tenantId: there is no such tenant");
    if (tenant.erase_ms > 0)
        return err_set(err, ERR_CONFLICT, "tenantId: the tenant is to be erased");
    return tenant.sites_max > 0 ? check_limit(change, &tenant, err) : EDIT_PUT;
}

/* A site is active unless it is to be erased; only who manages the tenant brings it back. */
static int read_status(struct change *change, struct site_row *site, struct err *err)
{
    const struct json *value;
    bool given = body_use(change, "status", &value) == BODY_GIVEN;

    if (given && !str_eq(value->text, STR("active")) && !str_eq(value->text, STR("deleted")))
        return err_set(err, ERR_INVALID, "status: must be active; enabled says whether to count");
    int64_t was_ms = site->erase_ms;
    int rc = erasure_status(change, site->tenant, site->id, site->created_ms, &site->erase_ms, err);

    if (rc == 0 && was_ms != site->erase_ms && !manage_has_tenant(change->m, site->tenant))
        rc = err_set(err, ERR_DENIED, "status: only who manages the whole tenant may change it");
    return rc;
}

static int check_fixed(const struct change *change, const struct site_row *site, struct err *err)
{
    int rc = body_fixed_text(change, "tenantId", site->tenant, err);

    if (rc == 0)
        rc = body_fixed_instant(change, "createdAt", site->created_ms, err);
    return rc == 0 ? body_fixed_instant(change, "eraseAt", site->erase_ms, err) : rc;
}

static void clear_settings(struct site_row *site)
{
    struct site_row fresh = site_row_default();

    fresh.id = site->id;
    fresh.tenant = site->tenant;
    fresh.created_ms = site->created_ms;
    fresh.erase_ms = site->erase_ms;
    *site = fresh;
}

int site_apply(struct change *change, void *row, struct arena *arena, struct err *err)
{
    struct site_row *site = row;
    bool was_used = change->exists && site->erase_ms == 0;
    int rc = change->exists ? 0 : read_tenant(change, site, err);

    if (rc == 0)
        rc = check_fixed(change, site, err);
    if (rc == 0)
        rc = read_status(change, site, err);
    if (rc != 0)
        return rc;
    if (!change->exists)
        site->created_ms = change->m->now_ms;
    if (change->how != MANAGE_PATCH)
        clear_settings(site);
    rc = site_settings_put(site, change->settings, false, arena, err);
    if (rc != 0)
        return rc;
    return was_used || site->erase_ms > 0 ? EDIT_PUT : find_room(change, site, arena, err);
}
