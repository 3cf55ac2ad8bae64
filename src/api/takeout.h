/*
 * api/takeout.h -- everything that is kept of a site, or of a tenant with all of its sites, as
 * NDJSON, a page at a time: what GET /api/admin/sites/{id}/export and /tenants/{id}/export stream.
 *
 * Each line is an object whose "type" says what it is:
 *
 *     export     the first one: of what, when, by which format
 *     tenant, user (its membership in this tenant), token (never its secret), link
 *     site       its settings
 *     annotation what is noted of its dates
 *     day, hour  counted numbers, as the reading API names them
 *     event      raw rows
 *     ledger     what became of what was received, by day
 *     breakdown  a value of a dimension on a day that is packed; properties are in raw rows only
 *     audit      of a tenant, the newest first
 *     end        the last one, with the number of lines before it: without it the end is missing
 *
 * Every page is read by short transactions of its own, so what changes meanwhile may be in it or
 * not. It ends with ERR_NOTFOUND where the site or tenant goes away.
 */
#ifndef ABACUS_API_TAKEOUT_H
#define ABACUS_API_TAKEOUT_H

#include "directory/directory.h"
#include "query/query.h"

struct takeout;

/* Of `site`, or (NULL) all of `tenant`. Nothing is borrowed but the directory. */
struct takeout *takeout_new(struct directory *directory, struct str tenant, const struct site *site,
                            int64_t now_ms);
void takeout_free(struct takeout **out);
/* Append the next page, which may be empty. 1: more to come; 0: that was the last. */
int takeout_next(struct takeout *self, struct store *store, struct buf *out, struct err *err);

#endif
