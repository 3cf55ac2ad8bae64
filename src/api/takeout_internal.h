/*
 * api/takeout_internal.h -- what the files of the takeout share: its place, and its sections.
 */
#ifndef ABACUS_API_TAKEOUT_INTERNAL_H
#define ABACUS_API_TAKEOUT_INTERNAL_H

#include "api/answer.h"
#include "api/export.h"
#include "api/takeout.h"

enum { TAKEOUT_PAGE_ROWS = 1000, TAKEOUT_PAGE_BYTES = 1024 * 1024 };

struct takeout {
    struct arena owned;
    struct arena page; /* emptied after each page */
    struct directory *directory;
    struct str tenant;
    bool whole_tenant;
    struct str *sites; /* of a tenant: read by the section of the tenant */
    size_t sites_count;
    int64_t now_ms, lines;
    size_t section, site; /* where it is */

    /* Within the section; all zero when it begins. */
    struct takeout_place {
        bool begun;
        struct str after;      /* the id of the last row; in `owned` */
        int64_t at;            /* the next day, hour or audit row */
        int dimension;         /* of the day */
        struct export *events; /* freed with the section */
    } place;
    /* Within the page: */
    struct json_out json;
    size_t rows;
};

/* Write a page of the section: 1: there is more of it, 0: not. */
typedef int takeout_fn(struct takeout *self, struct store *store, struct err *err);

/* A line: an object with its type. */
void takeout_open(struct takeout *self, const char *type);
void takeout_close(struct takeout *self);
/* The site that is written now; empty: none. */
struct str takeout_site(const struct takeout *self);

/* takeout_rows.c: what is managed */
takeout_fn takeout_tenant, takeout_users, takeout_tokens, takeout_links, takeout_settings,
    takeout_annotations, takeout_audit;
/* takeout_counts.c: what was counted */
takeout_fn takeout_days, takeout_hours, takeout_events, takeout_ledger, takeout_breakdowns;

#endif
