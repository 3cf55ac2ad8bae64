/*
 * api/handlers.h -- every handler of the route table, and the parameters that each takes.
 *
 * The parameter tables are what openapi.json lists and what a request is checked against: a
 * parameter that is not in its route's table is refused.
 */
#ifndef ABACUS_API_HANDLERS_H
#define ABACUS_API_HANDLERS_H

#include "http/http.h"

void track_post(const struct http_request *request, struct http_response *response);

extern const struct http_param stats_params[];
void stats_get(const struct http_request *request, struct http_response *response);

extern const struct http_param compare_params[];
void compare_get(const struct http_request *request, struct http_response *response);

extern const struct http_param timeseries_params[];
void timeseries_get(const struct http_request *request, struct http_response *response);

extern const struct http_param breakdown_params[];
void breakdown_get(const struct http_request *request, struct http_response *response);

extern const struct http_param properties_params[];
void properties_get(const struct http_request *request, struct http_response *response);

extern const struct http_param realtime_params[];
void realtime_get(const struct http_request *request, struct http_response *response);

extern const struct http_param ledger_params[];
void ledger_get(const struct http_request *request, struct http_response *response);

extern const struct http_param annotations_params[], annotation_params[];
void annotations_get(const struct http_request *request, struct http_response *response);
void annotation_put(const struct http_request *request, struct http_response *response);
void annotation_delete(const struct http_request *request, struct http_response *response);

extern const struct http_param snippet_params[];
void snippet_get(const struct http_request *request, struct http_response *response);

extern const struct http_param check_params[];
void check_get(const struct http_request *request, struct http_response *response);

extern const struct http_param tenant_stats_params[];
void tenant_stats_get(const struct http_request *request, struct http_response *response);

extern const struct http_param sites_params[];
void sites_get(const struct http_request *request, struct http_response *response);

extern const struct http_param export_params[];
void export_get(const struct http_request *request, struct http_response *response);

void session_post(const struct http_request *request, struct http_response *response);
void session_get(const struct http_request *request, struct http_response *response);
void session_delete(const struct http_request *request, struct http_response *response);
void session_password_put(const struct http_request *request, struct http_response *response);
void session_totp_post(const struct http_request *request, struct http_response *response);
void session_totp_put(const struct http_request *request, struct http_response *response);
void session_totp_delete(const struct http_request *request, struct http_response *response);
void session_reset_post(const struct http_request *request, struct http_response *response);
void session_link_post(const struct http_request *request, struct http_response *response);
void session_accept_post(const struct http_request *request, struct http_response *response);
void share_post(const struct http_request *request, struct http_response *response);

void system_get(const struct http_request *request, struct http_response *response);

void healthz_get(const struct http_request *request, struct http_response *response);
void readyz_get(const struct http_request *request, struct http_response *response);
void metrics_get(const struct http_request *request, struct http_response *response);
void openapi_get(const struct http_request *request, struct http_response *response);
void tracker_get(const struct http_request *request, struct http_response *response);
void public_get(const struct http_request *request, struct http_response *response);
extern const struct http_param privacy_params[];
void privacy_get(const struct http_request *request, struct http_response *response);
void privacy_site_get(const struct http_request *request, struct http_response *response);
extern const struct http_param sign_in_params[];
void sign_in_get(const struct http_request *request, struct http_response *response);
void accept_get(const struct http_request *request, struct http_response *response);
void admin_home_get(const struct http_request *request, struct http_response *response);
void admin_page_get(const struct http_request *request, struct http_response *response);
void share_get(const struct http_request *request, struct http_response *response);
void embed_get(const struct http_request *request, struct http_response *response);
void demo_get(const struct http_request *request, struct http_response *response);
void demo_page_get(const struct http_request *request, struct http_response *response);

#endif
