/*
 * api/account_pages.c -- the pages where people sign in (web/account/).
 *
 *     /admin/sign-in    signing in and out, password, second factor; ?next=PATH: where to go then
 *     /admin/accept     where links of invitations, resets and the first set-up lead; their secret
 *                       is in the fragment, which never comes here
 *
 * None says of whom it is before its script has asked.
 */
#include "api/handlers.h"
#include "api/pages.h"
#include "web.h"

#define ACCOUNT_FILES                                                                              \
    .style = STR_INIT("account.css"), .script = {STR_INIT("account.js"), STR_INIT("account.js")}

static const struct page sign_in_page = {{&web_sign_in_en, &web_sign_in_de}, ACCOUNT_FILES},
                         accept_page = {{&web_accept_en, &web_accept_de}, ACCOUNT_FILES};

const struct http_param sign_in_params[] = {
    {"lang", "en or de; unless given, what Accept-Language prefers", HTTP_PARAM_OPTIONAL},
    {"next", "the page under /admin/ to go to; unless given, /admin/sites", HTTP_PARAM_OPTIONAL},
    {0}};

void sign_in_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    /* Without a public URL nobody knows where a link in a mail would lead. */
    bool mails = api->mailer != NULL && api->public_url.len > 0;
    struct template_value values[1 + PAGE_VALUES] = {{"mail", mails ? STR("yes") : STR("")}};

    http_header(response, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    page_send(request, response, &sign_in_page, values, 1, NULL);
}

void accept_get(const struct http_request *request, struct http_response *response)
{
    struct template_value values[PAGE_VALUES];

    http_header(response, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    page_send(request, response, &accept_page, values, 0, NULL);
}
