/*
 * api/sightings.h -- what lately kept pages from being counted, for who sets a site up
 * (GET /api/analytics/check): refusals, drops, and that the script was loaded.
 *
 * A sighting has an owner, a kind and a detail, when it was last seen and how often. The owner is a
 * tenant's site, or, where no site is known, the host of the page that sent it. Which site a host
 * belongs to is found out when it is asked for: a sender may claim any host, so that a look through
 * all sites for each would cost more than what it sent.
 *
 * Nothing of a visitor is in it: hosts of pages, ids, names of events, words of problems. It is
 * shown for an hour, stays in this process, and is noted only where something is refused or
 * dropped, or a script loaded: an event that is counted pays nothing.
 *
 * Bounded: sites and hosts each have SIGHTINGS_SETS sets of SIGHTINGS_OF_SET. All that is of one
 * owner stands in one set, of each kind at most SIGHTINGS_OF_KIND details, and the oldest gives
 * way. So a page that makes up details pushes out its own, and hosts that are made up push out
 * hosts, never a site's. At most 12 MB in all.
 *
 * Any thread. Each set has a lock of its own: who looks through all hosts keeps a thread that notes
 * something, and with it the events that wait behind, for one set only.
 */
#ifndef ABACUS_API_SIGHTINGS_H
#define ABACUS_API_SIGHTINGS_H

#include "api/api.h"
#include "event/event.h"

enum sighting_kind {
    SIGHT_UNKNOWN_SITE, /* detail: the id that was sent */
    SIGHT_ORIGIN,       /* ... the Origin */
    SIGHT_PROXY,        /* X-Forwarded-For by who is no trusted proxy; its address */
    SIGHT_BOT,
    SIGHT_SIGNAL, /* "gpc", "do-not-track" */
    SIGHT_BLOCKED,
    SIGHT_DISABLED,
    SIGHT_TOKEN,   /* what only a token may send */
    SIGHT_INVALID, /* the problem's words */
    SIGHT_SCRIPT,  /* no problem: the script was loaded */
    SIGHTING_KINDS,
};
const char *sighting_name(enum sighting_kind kind); /* "unknown-site" */

enum {
    SIGHTINGS_SETS = 1024,
    SIGHTINGS_OF_SET = 16,
    SIGHTINGS_OF_KIND = 4,
    SIGHTING_DETAIL_MAX = 200, /* bytes; a longer one is cut */
    SIGHTING_SHOWN_MS = 60 * 60 * 1000,
};

struct sightings *sightings_new(void);
void sightings_free(struct sightings **sightings);

/* One that was not seen for an hour begins to count anew. */
void sightings_note_site(struct sightings *sightings, struct str tenant, struct str site,
                         enum sighting_kind kind, struct str detail, uint64_t count,
                         int64_t now_ms);
/* A host of more than 253 bytes is none. */
void sightings_note_host(struct sightings *sightings, struct str host, enum sighting_kind kind,
                         struct str detail, uint64_t count, int64_t now_ms);

struct sighting {
    struct str host; /* empty: the site's own */
    enum sighting_kind kind;
    struct str detail;
    int64_t at_ms;
    uint64_t count;
};
/* Those of the last hour: the site's, and those of the hosts that `wanted` takes (it is called with
 * a lock held). The newest first; in the arena. */
typedef bool sighting_host_fn(const void *ctx, struct str host);
size_t sightings_list(struct sightings *sightings, struct str tenant, struct str site,
                      sighting_host_fn *wanted, const void *ctx, int64_t now_ms,
                      struct arena *arena, struct sighting **out);

/* -- from a request (sight.c) -------------------------------------------------------------------
 *
 * With a request that came through a proxy which is not trusted that is noted, too: all visitors
 * behind it have its address. Of a proxy outside of private networks the cut address is shown, for
 * it may as well be a browser that sends the header. Nothing happens where api->sightings is NULL.
 */

void sight_at_site(const struct api *api, const struct http_request *request, struct str tenant,
                   struct str site, enum sighting_kind kind, struct str detail, uint64_t count,
                   int64_t now_ms);
/* Events that were left out; of some reasons nothing is noted: they are no fault of the set-up. */
void sight_drops(const struct api *api, const struct http_request *request,
                 const struct tally *tally, int64_t now_ms);
/* At the page that Origin, or else Referer, names; without one nothing is noted. */
void sight_at_page(const struct api *api, const struct http_request *request,
                   enum sighting_kind kind, struct str detail, int64_t now_ms);

#endif
