/*
 * api/sender.h -- what the headers of who sends say, in common words (event/event.h).
 */
#ifndef ABACUS_API_SENDER_H
#define ABACUS_API_SENDER_H

#include "api/api.h"

/* Of the request itself, whose sender stands behind `address`. Strings live as long as the request.
 */
void sender_of_request(const struct api *api, const struct http_request *request,
                       const struct addr *address, struct sender *out);
/* Of the visitor that a backend speaks for; without a User-Agent it is no robot. */
void sender_of_visitor(const struct api *api, struct str user_agent, const struct addr *address,
                       struct arena *arena, struct sender *out);

#endif
