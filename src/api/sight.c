/* sight.c -- from a request to sightings (api/sightings.h). */
#include "api/sightings.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { CUT_V4 = 24, CUT_V6 = 48, PREFIX_TEXT = INET6_ADDRSTRLEN + 4 };

/* -- proxies ----------------------------------------------------------------------------------- */

/* RFC 1122, 1918, 3927, 4193, 4291, 6598: no visitor of a public site comes from these. */
static const struct cidr private_ranges[] = {
    {{4, {127}}, 8},        {{4, {10}}, 8},        {{4, {172, 16}}, 12},
    {{4, {192, 168}}, 16},  {{4, {169, 254}}, 16}, {{4, {100, 64}}, 10},
    {{6, {[15] = 1}}, 128}, {{6, {0xfc}}, 7},      {{6, {0xfe, 0x80}}, 10},
};

static bool is_within(const struct addr *address, const struct cidr *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cidr_contains(&ranges[i], address))
            return true;
    return false;
}

static struct str proxy_text(const struct addr *peer, char out[PREFIX_TEXT])
{
    bool whole =
        is_within(peer, private_ranges, sizeof(private_ranges) / sizeof(private_ranges[0]));
    struct addr shown = whole ? *peer : addr_cut(*peer, CUT_V4, CUT_V6);
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(peer->family == 4 ? AF_INET : AF_INET6, shown.bytes, text, sizeof(text)) == NULL)
        return STR("");
    (void)snprintf(out, PREFIX_TEXT, whole ? "%s" : peer->family == 4 ? "%s/24" : "%s/48", text);
    return str_from(out);
}

static bool came_by_strange_proxy(const struct api *api, const struct http_request *request)
{
    return request->forwarded_for.len > 0 && request->peer.family != 0 &&
           !is_within(&request->peer, api->trusted, api->trusted_count);
}

/* -- at whom ----------------------------------------------------------------------------------- */

void sight_at_site(const struct api *api, const struct http_request *request, struct str tenant,
                   struct str site, enum sighting_kind kind, struct str detail, uint64_t count,
                   int64_t now_ms)
{
    char text[PREFIX_TEXT];

    if (api->sightings == NULL)
        return;
    sightings_note_site(api->sightings, tenant, site, kind, detail, count, now_ms);
    if (came_by_strange_proxy(api, request))
        sightings_note_site(api->sightings, tenant, site, SIGHT_PROXY,
                            proxy_text(&request->peer, text), count, now_ms);
}

void sight_at_page(const struct api *api, const struct http_request *request,
                   enum sighting_kind kind, struct str detail, int64_t now_ms)
{
    struct str page = request->origin.len > 0 ? request->origin : request->referer, host;
    char text[PREFIX_TEXT];

    if (api->sightings == NULL || !page_host(page, &host))
        return;
    sightings_note_host(api->sightings, host, kind, detail, 1, now_ms);
    if (came_by_strange_proxy(api, request))
        sightings_note_host(api->sightings, host, SIGHT_PROXY, proxy_text(&request->peer, text), 1,
                            now_ms);
}

void sight_drops(const struct api *api, const struct http_request *request,
                 const struct tally *tally, int64_t now_ms)
{
    static const enum sighting_kind kinds[DROP_REASONS] = {
        [DROP_NONE] = SIGHTING_KINDS,       [DROP_BOT] = SIGHT_BOT,
        [DROP_GPC] = SIGHT_SIGNAL,          [DROP_DO_NOT_TRACK] = SIGHT_SIGNAL,
        [DROP_DISABLED] = SIGHT_DISABLED,   [DROP_BLOCKED] = SIGHT_BLOCKED,
        [DROP_QUOTA] = SIGHTING_KINDS,      [DROP_DUPLICATE] = SIGHTING_KINDS,
        [DROP_NOT_A_PAGE] = SIGHTING_KINDS, [DROP_TOO_OLD] = SIGHTING_KINDS,
    };
    enum sighting_kind kind = kinds[tally->reason];
    struct str detail =
        kind == SIGHT_SIGNAL ? drop_reason_name((enum drop_reason)tally->reason) : STR("");

    if (kind != SIGHTING_KINDS)
        sight_at_site(api, request, tally->tenant, tally->site, kind, detail, tally->events,
                      now_ms);
}
