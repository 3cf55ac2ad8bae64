/*
 * import/import.h -- numbers that no request brought: access logs in combined format, daily totals
 * of another product, and records of any source (the demo's are made up).
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
    struct agent *agent;                /* of access logs */
    const struct geo *geo;              /* of access logs */
    const struct aggregate_config *job; /* data_dir, days, logger, progress, stopping */
};

struct import_report {
    uint64_t records; /* lines in all files */
    uint64_t known;   /* counted by an earlier import of the same source */
    uint64_t stored;  /* events; of daily totals, days */
    uint64_t dropped[DROP_REASONS], invalid;
    uint64_t first_invalid; /* the number of the first record that could not be read; 0: none */
    struct stats sums;      /* of import_records(): what the events add to (stats_counter()) */
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

/* -- records of any source -- */

/* Who sends, in the source's own memory. */
struct import_sender {
    struct sender words;
    int32_t day;
    uint64_t visitor; /* on `day`; 0: not known. Set when an event of it is made */
};

enum import_kind {
    IMPORT_EVENT,
    IMPORT_LEFT_OUT, /* for `reason` */
    IMPORT_INVALID,  /* it cannot be read; nothing else is looked at */
};
struct import_record {
    enum import_kind kind;
    enum drop_reason reason;
    struct client client;
    struct import_sender *sender;
    struct event_input in; /* timestamp_ms is needed of IMPORT_LEFT_OUT too */
};

/* Records in the order of time, more or less: the same ones whenever they are asked for. `next`
 * fills in the record behind the last one, or behind `number` after `seek`; *out is an event that
 * is empty, and texts live in `arena` or until the next call. */
struct import_source {
    struct producer producer;   /* its id begins with PRODUCER_IMPORT */
    uint8_t secret[SALT_BYTES]; /* salts of its days are made from it */
    uint64_t records;           /* how many there are */
    int (*seek)(void *ctx, uint64_t number, struct err *err);
    int (*next)(void *ctx, struct arena *arena, struct import_record *out, struct err *err);
    void *ctx;
};

/* Count them: what the site leaves out is dropped, as on the way in. What is too far ahead in time
 * is invalid. ERR_NOTFOUND: no such site. *report is filled in. */
int import_records(const struct import_config *config, const struct import_source *source,
                   struct import_report *report, struct err *err);

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
