/*
 * import/import.h -- other people's numbers: access logs in combined format, and daily totals of
 * another product.
 *
 * A file is a producer (base/position.h) whose id is the hash of the site's id and of all its
 * bytes, and whose record n is line n; a line is counted in the transaction that moves the position
 * to it. So an import that was cut off goes on where it was, and the same file again changes
 * nothing. Each line is in the ledger: stored, dropped or rejected by reason. The import holds the
 * lease on its partition from the first line to the last; on one machine the server's own job waits
 * meanwhile.
 *
 * A line's day may be older than the site keeps raw rows: its rows are kept until the job has
 * packed the day (facts/). After that the day is closed, and further lines of it are dropped as
 * `too-old`: give all files of a site to one import. Days that have another product's totals are
 * closed as well: no day has numbers of both.
 */
#ifndef ABACUS_IMPORT_IMPORT_H
#define ABACUS_IMPORT_IMPORT_H

#include "agent/agent.h"
#include "aggregate/aggregate.h"
#include "geo/geo.h"
#include "store/store.h"

struct import_config {
    struct store *store;
    struct str site;
    struct agent *agent;
    const struct geo *geo;
    const struct aggregate_config *job; /* data_dir, days, logger, progress, stopping */
};

struct import_report {
    uint64_t lines;     /* in all files */
    uint64_t known;     /* counted by an earlier import of the same file */
    uint64_t pageviews; /* or, of daily totals, days */
    uint64_t bots, not_pages, blocked, too_old, invalid;
    uint64_t first_invalid; /* the number of the first line that could not be read; 0: none */
    double seconds;
};

/* Count an access log in combined format (what follows the User-Agent is passed over): a line is a
 * pageview if it is a GET answered 200 to 299 or 304 of something that is a page by its name (no
 * extension, or one of those of pages), and was not made by a robot. `fd` can be read twice.
 * ERR_NOTFOUND: no such site. ERR_INVALID: none of the first lines is in combined format; then
 * nothing is counted. *report is added to. */
int import_access_log(const struct import_config *config, int fd, struct import_report *report,
                      struct err *err);

/* Take daily totals: a CSV file whose first line names the columns. `date` is needed; pageviews,
 * uniqueVisitors, visits, bounces, visitSeconds (of all visits together), conversions, converters,
 * leads, forms, exports, automationRuns and aiTokens are taken where they are there; siteId, where
 * it is there, must be the site's. All of it is one transaction. ERR_INVALID names the line and the
 * column; a day twice, one that is not over, one from the site's first own day on, one that has
 * imported totals already and one that is too old to be kept are refused, and then nothing is
 * taken. */
int import_daily(const struct import_config *config, int fd, struct import_report *report,
                 struct err *err);

/* -- a line of an access log (line.c) -- */

struct access_line {
    struct addr address;       /* of a name, one of a private network that stands for it */
    int64_t time_ms;           /* from 1970 on */
    struct str method, target; /* of the request; the target as sent, at most a path and a query;
                                  empty where there was no request that could be read */
    int status;
    struct str referrer, agent; /* unescaped; empty for "-" */
};

/* False: it is not in combined format. Unescaped texts live in `arena`. Pure. sodium_init() comes
 * first. */
bool access_line_parse(struct str line, struct arena *arena, struct access_line *out);
/* Is it something that people look at, by method, status and name? */
bool access_line_is_page(const struct access_line *line);

#endif
