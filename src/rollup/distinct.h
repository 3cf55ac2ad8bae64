/*
 * rollup/distinct.h -- how many different visitors: exact up to 2048, then HyperLogLog.
 *
 * Beyond DISTINCT_EXACT values a set becomes a HyperLogLog of 2^14 registers (standard
 * error 1.04/sqrt(2^14) = 0.81 %) with the improved raw estimator of Ertl, "New cardinality
 * estimation algorithms for HyperLogLog sketches" (2017), algorithms 4 to 6. Adding is idempotent
 * and commutative; so is merging. Nothing is ever taken out.
 */
#ifndef ABACUS_ROLLUP_DISTINCT_H
#define ABACUS_ROLLUP_DISTINCT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { DISTINCT_EXACT = 2048 };

struct distinct;

/* A set from its stored bytes (empty: the empty set); it lives in `arena`. ERR_CORRUPT: no set. */
int distinct_load(struct str bytes, struct arena *arena, struct distinct **out, struct err *err);
/* Its bytes, in `arena`; the same set always gives the same bytes. */
struct str distinct_save(const struct distinct *set, struct arena *arena);

/* Add a value, which must be uniformly distributed (a keyed hash) and not 0. True if that changed
 * the set. */
bool distinct_add(struct distinct *set, uint64_t value, struct arena *arena);
void distinct_merge(struct distinct *set, const struct distinct *other, struct arena *arena);

int64_t distinct_count(const struct distinct *set);
bool distinct_is_exact(const struct distinct *set);

#endif
