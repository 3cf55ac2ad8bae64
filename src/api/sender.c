/*
 * api/sender.c -- from headers and an address to browser, country, language and robots.
 *
 * An address and a User-Agent end here: what comes out are words that thousands share.
 */
#include "api/sender.h"

#include "agent/agent.h"
#include "geo/geo.h"

static void look(const struct api *api, struct str user_agent, struct str mobile_hint,
                 const struct addr *address, struct arena *arena, struct sender *out)
{
    struct agent_info info = {0};

    agent_look(api->agent, user_agent, mobile_hint, arena, &info);
    *out = (struct sender){
        .browser = info.browser,
        .os = info.os,
        .device = info.device,
        .bot = info.bot,
        .country = geo_country(api->geo, address),
    };
}

/* A page that is only prepared may never be seen; analytics.js waits until it is (Sec-Purpose is a
 * safety net for what does not). */
void sender_of_request(const struct api *api, const struct http_request *request,
                       const struct addr *address, struct sender *out)
{
    look(api, request->user_agent, request->mobile_hint, address, request->arena, out);
    out->language = language_of(request->accept_language, request->arena);
    if (request->prerender && out->bot.len == 0)
        out->bot = STR("prerender");
}

void sender_of_visitor(const struct api *api, struct str user_agent, const struct addr *address,
                       struct arena *arena, struct sender *out)
{
    look(api, user_agent, STR(""), address, arena, out);
    if (user_agent.len == 0)
        out->bot = out->device = STR("");
}
