/*
 * agent/matcher.h -- which rules of a set match a text.
 *
 * Hyperscan reads the text once and names the candidates, among them every rule that matches; PCRE2
 * decides on each candidate and captures. A matcher never changes: any thread may use it, each with
 * a struct work of its own.
 */
#ifndef ABACUS_AGENT_MATCHER_H
#define ABACUS_AGENT_MATCHER_H

#include "agent/rules.h"
#include "base/buf.h"

struct matcher;

/* Compile `rules`, which must outlive the matcher. `database`: what matcher_save() gave for the
 * same rules, or empty; one that this Hyperscan cannot use is made anew, which takes seconds.
 * ERR_INVALID names the line of a rule that is wrong. The caller owns *out. */
int matcher_new(const struct rules *rules, struct str database, struct matcher **out,
                struct err *err);
void matcher_free(struct matcher **matcher);

/* Append the database for matcher_new(), fit for any processor of this architecture. */
int matcher_save(const struct matcher *matcher, struct buf *out, struct err *err);

const struct rules *matcher_rules(const struct matcher *matcher);

/* What a thread needs while it looks at one text. */
struct work;

/* Enough for each of these matchers. ERR_SYSTEM: no memory. */
int work_new(const struct matcher *const *matchers, size_t count, struct work **out,
             struct err *err);
struct work *work_copy(const struct work *work);
void work_free(struct work **work);

/* Find the candidates among all rules. `text` must stay as it is until the last matcher_next(). */
void matcher_scan(const struct matcher *matcher, struct str text, struct work *work);

/* The first rule at or after `from` that matches the text scanned last, or `to` if none before it
 * does. A rule that takes PCRE2 more than MATCH_STEPS is one that does not match, and so are the
 * rest after MATCH_TRIES candidates of a scan that did not. Both bound what a hostile text costs;
 * of 4,703 User-Agents of people and known robots none needs a half of either. */
enum { MATCH_STEPS = 20000, MATCH_TRIES = 16 };
size_t matcher_next(const struct matcher *matcher, size_t from, size_t to, struct work *work);

/* What the rule found last captured: 0 all, 1 to 9 a group; empty if there is none. A piece of the
 * text scanned. */
struct str work_capture(const struct work *work, unsigned group);

#endif
