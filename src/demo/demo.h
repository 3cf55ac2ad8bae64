/*
 * demo/demo.h -- made-up traffic of made-up sites, for people who want to see what the dashboard
 * shows.
 *
 * A site's traffic is a stream of events in the order of time. It begins with the first day's first
 * instant and never ends: whoever has counted n events of it goes on with event n+1, today or next
 * month. Site, seed, first day and the day on which the story is told make all of it.
 *
 * The story, seen from that day (`told`): a year of weekdays, seasons and growth; a launch that was
 * talked about 96 days ago; a day on which the site was down, 47 days ago; a campaign in the
 * calendar month before, which brought leads; and one source that fell away yesterday.
 *
 * Pure: no I/O, no clock, no randomness but the seed's. A stream belongs to one thread; the memory
 * that it takes is that of the visits of a day.
 */
#ifndef ABACUS_DEMO_DEMO_H
#define ABACUS_DEMO_DEMO_H

#include "base/arena.h"
#include "base/tz.h"
#include "event/event.h"

struct story;

/* A site with made-up numbers. Its name and its domain, which nobody can own (RFC 2606), say so. */
struct demo_site {
    struct str id, domain, timezone;
    struct str goals; /* JSON, as AnalyticsSettings has them */
    const struct story *story;
};
enum { DEMO_SITES = 3 };
/* The first is the one with most visits. */
extern const struct demo_site demo_sites[DEMO_SITES];

struct demo_config {
    const struct demo_site *site;
    const struct tz *tz; /* the site's */
    uint64_t seed;
    int32_t first, told; /* the site's dates; first <= told */
};

/* An event, and who sends it: a person (with or without Global Privacy Control), a robot (then
 * sender.bot says which), or a backend with a token. Of a person, client.visitor is not set. */
struct demo_event {
    struct client client;
    struct sender sender;
    struct event_input in; /* with its timestamp; of tables or of the stream, until the next call */
};

struct demo;
struct demo *demo_new(const struct demo_config *config);
void demo_free(struct demo **demo);
/* The next event; there is always one. */
void demo_next(struct demo *demo, struct demo_event *out);

/* -- what a graph of it should say -- */

struct demo_note {
    int32_t day;
    struct str text;
};
enum { DEMO_NOTES_MAX = 4 };
/* What happened on which day of the story; returns how many. */
size_t demo_notes(const struct demo_site *site, int32_t told, struct demo_note out[DEMO_NOTES_MAX]);

#endif
