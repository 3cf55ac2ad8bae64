/*
 * api/admin_pages.c -- the dashboard (web/dashboard/) under /admin.
 *
 * Which pages there are stands in the route table alone. All of them are one shell, the same for
 * everybody: it names no tenant, no site and no person. Its script reads the address and asks with
 * the session's cookie, or leads to /admin/sign-in.
 */
#include "api/handlers.h"
#include "api/pages.h"

void admin_page_get(const struct http_request *request, struct http_response *response)
{
    struct template_value values[7 + PAGE_VALUES] = {
        {"title", STR("Abacus")}, {"shared", STR("")}, {"key", STR("")},  {"sites", STR("")},
        {"origins", STR("")},     {"locked", STR("")}, {"embed", STR("")}};

    http_header(response, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
    page_send(request, response, &dashboard_page, values, 7, NULL);
}

void admin_home_get(const struct http_request *request, struct http_response *response)
{
    (void)request;
    response->status = 302;
    http_header(response, STR("Location"), STR("/admin/sites"));
    http_header(response, STR("Cache-Control"), STR("no-store"));
}
