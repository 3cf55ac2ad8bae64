/*
 * api/answer.h -- pieces of JSON that several answers have.
 */
#ifndef ABACUS_API_ANSWER_H
#define ABACUS_API_ANSWER_H

#include "base/json.h"
#include "query/query.h"

void answer_name(struct json_out *json, const char *name);
/* A string, null when empty. */
void answer_str(struct json_out *json, const char *name, struct str value);
void answer_date(struct json_out *json, const char *name, int32_t date);
/* The first day kept, null where nothing is ever removed. */
void answer_available(struct json_out *json, const char *name, int32_t available);
void answer_instant(struct json_out *json, const char *name, int64_t ms);
/* 0: never, which is null. */
void answer_moment(struct json_out *json, const char *name, int64_t ms);

/* A metric's value: whole, or rounded to 4 decimals. */
void answer_value(struct json_out *json, int metric, double value);
/* These metrics (a set: bit m for metric m) as members. */
void answer_totals(struct json_out *json, const struct stats *stats, unsigned metrics);
/* The member `imported`, true where another product counted these numbers; else nothing. */
void answer_imported(struct json_out *json, const struct stats *stats);
/* "days": one row for each; `site` empty: of several. */
void answer_days(struct json_out *json, const struct query_totals *totals, struct str site,
                 struct str tenant, unsigned metrics);

/* The member `sites`: one object with its totals for each. */
void answer_sites(struct json_out *json, const struct site *const *sites,
                  const struct query_totals *each, size_t count, unsigned metrics);

#endif
