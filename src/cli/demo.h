/*
 * cli/demo.h -- what the files of `abacus demo` share: the sites with made-up numbers, and how far
 * each is counted.
 *
 * A site's stream (demo/demo.h) is a producer like a file that is imported. Its id says all that
 * makes the stream but the tables of this program, so that a later run, which knows nothing of the
 * first one, finds it and goes on behind what is counted:
 *
 *     bytes 0..7    PRODUCER_IMPORT
 *           8..11   a hash of DEMO_SEED, the site's id, and when the site was made
 *           12..13  the day on which the story is told, from 1970-01-01, big-endian
 *           14..15  how many days the year has, big-endian
 */
#ifndef ABACUS_CLI_DEMO_H
#define ABACUS_CLI_DEMO_H

#include "cli/command.h"
#include "demo/demo.h"
#include "import/import.h"

enum { DEMO_DAYS_MAX = 365 };
#define DEMO_TENANT STR("demo")
#define DEMO_TENANT_NAME STR("Demo: made-up numbers")
/* Another one where the tables in demo/ change: what was begun with others is not gone on with. */
#define DEMO_SEED UINT64_C(1)

/* A site on its way. */
struct demo_stream {
    const struct demo_site *site;
    struct tz *tz;
    int64_t made_ms; /* the site; 0: it is not there yet */
    struct producer producer;
    int32_t first, told;
    uint64_t counted; /* by earlier runs */
    uint64_t records; /* up to now */
};

/* -- the sites (demo_sites.c) -- */

/* Find what is there. ERR_CONFLICT: the tenant or a site is something else's, or has numbers that
 * are not the demo's. To be released whatever it returns. */
int demo_find(struct store *store, struct arena *arena, struct demo_stream streams[DEMO_SITES],
              struct err *err);
void demo_release(struct demo_stream streams[DEMO_SITES]);
/* Make the tenant and the sites that are missing. */
int demo_make(const struct invocation *in, struct demo_stream streams[DEMO_SITES], struct err *err);
/* Note at the site's dates what happened then. */
int demo_note_days(const struct invocation *in, const struct demo_stream *stream, int32_t today,
                   struct err *err);

/* -- the stream (demo_stream.c) -- */

/* Has the store counted some of it? Then first, told and counted are filled in. */
int demo_stream_find(struct store *store, struct arena *arena, struct demo_stream *stream,
                     struct err *err);
/* Nothing is counted yet: the story is told today. */
void demo_stream_begin(struct demo_stream *stream, int32_t days, int64_t now_ms);
/* Set `records`: up to now, or, where some of today is counted, what is counted. */
void demo_stream_measure(struct demo_stream *stream, int64_t now_ms);
int demo_stream_count(const struct demo_stream *stream, const struct import_config *config,
                      struct import_report *report, struct err *err);

#endif
