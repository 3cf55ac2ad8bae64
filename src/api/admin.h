/*
 * api/admin.h -- the handlers of /api/admin, and the settings of sites.
 */
#ifndef ABACUS_API_ADMIN_H
#define ABACUS_API_ADMIN_H

#include "http/http.h"

enum { ADMIN_PARAMS_MAX = 8, ADMIN_BODY_MAX = 64 * 1024 };

extern const struct http_param admin_list_params[], admin_no_params[], admin_delete_params[],
    admin_settings_params[], settings_params[], usage_params[], audit_params[];

/* Of the kind that the route's number says (enum manage_kind). */
void admin_list(const struct http_request *request, struct http_response *response);
void admin_get(const struct http_request *request, struct http_response *response);
void admin_put(const struct http_request *request, struct http_response *response);
void admin_patch(const struct http_request *request, struct http_response *response);
void admin_delete(const struct http_request *request, struct http_response *response);

void settings_get(const struct http_request *request, struct http_response *response);
void settings_put(const struct http_request *request, struct http_response *response);
void settings_patch(const struct http_request *request, struct http_response *response);

void site_export_get(const struct http_request *request, struct http_response *response);
void tenant_export_get(const struct http_request *request, struct http_response *response);

void usage_get(const struct http_request *request, struct http_response *response);
void audit_get(const struct http_request *request, struct http_response *response);
void erase_post(const struct http_request *request, struct http_response *response);
void embed_post(const struct http_request *request, struct http_response *response);
void reset_post(const struct http_request *request, struct http_response *response);

#endif
