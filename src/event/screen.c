/*
 * event/screen.c -- why an event is left out.
 *
 * An event has one reason, so the order is fixed: first what the site's owner switched off
 * (disabled), then what the owner does not want to count (blocked: addresses, paths, countries,
 * referrers, those known for referrer spam too), then robots, then what the visitor asked for (gpc
 * before do-not-track, since GPC is respected by default). The owner's reasons come first so that
 * switching GPC on or off never changes their counts.
 *
 * What a token sends comes from a backend: the headers are the backend's, and say nothing of a
 * visitor. Its address counts as blocked only where it is a visitor's, that is, given in `visitor`,
 * and `sender` is empty without one.
 */
#include "event/event_internal.h"

static bool is_listed(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, list[i]))
            return true;
    return false;
}

static bool is_disabled(const struct site *site, const struct event_input *in)
{
    return !site->enabled || !site->tenant_active ||
           is_listed(in->name, site->disabled_events, site->disabled_events_count);
}

static bool address_is_blocked(const struct site *site, const struct addr *address)
{
    for (size_t i = 0; i < site->blocked_addresses_count; i++)
        if (cidr_contains(&site->blocked_addresses[i], address))
            return true;
    return false;
}

static bool path_is_blocked(const struct site *site, struct str path)
{
    for (size_t i = 0; i < site->blocked_paths_count; i++)
        if (path_matches(path, site->blocked_paths[i]))
            return true;
    return false;
}

static bool country_is_blocked(const struct site *site, struct str country)
{
    for (size_t i = 0; country.len > 0 && i < site->blocked_countries_count; i++)
        if (str_ieq(country, site->blocked_countries[i]))
            return true;
    return false;
}

/* The site's own pages are no referrer, and never blocked as one. */
static bool referrer_is_blocked(const struct site *site, struct str referrer)
{
    struct url url;

    if (!referrer_split(referrer, &url) || host_within(url.host, site->domain))
        return false;
    for (size_t i = 0; i < site->blocked_referrers_count; i++)
        if (host_within(url.host, site->blocked_referrers[i]))
            return true;
    return host_is_spam(url.host);
}

static bool is_blocked(const struct site *site, const struct client *client,
                       const struct sender *sender, const struct event_input *in)
{
    if (!client->has_token && address_is_blocked(site, &client->address))
        return true;
    if (client->has_token && in->has_visitor && address_is_blocked(site, &in->visitor_address))
        return true;
    return (in->path.len > 0 && path_is_blocked(site, in->path)) ||
           country_is_blocked(site, sender->country) || referrer_is_blocked(site, in->referrer);
}

enum drop_reason event_screen(const struct site *site, const struct client *client,
                              const struct sender *sender, const struct event_input *in)
{
    if (is_disabled(site, in))
        return DROP_DISABLED;
    if (is_blocked(site, client, sender, in))
        return DROP_BLOCKED;
    if (sender->bot.len > 0)
        return DROP_BOT;
    if (client->has_token)
        return DROP_NONE;
    if (site->respect_gpc && client->gpc)
        return DROP_GPC;
    if (site->respect_dnt && client->dnt)
        return DROP_DO_NOT_TRACK;
    return DROP_NONE;
}
