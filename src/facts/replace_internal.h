/*
 * facts/replace_internal.h -- what the two files of replacing share.
 */
#ifndef ABACUS_FACTS_REPLACE_INTERNAL_H
#define ABACUS_FACTS_REPLACE_INTERNAL_H

#include "facts/facts_internal.h"
#include "store/managed.h"

struct replace {
    enum erasure_kind kind;
    struct str value, with;
    struct pack_part *parts; /* the day's as they become */
    size_t parts_count;
    struct arena *arena;
    struct arena scratch;
};

/* The bytes of a column or a rollup, to be replaced in place: 1, 0: they stay, or an error. */
typedef int replace_fn(struct replace *replace, enum dimension dimension, struct str *bytes,
                       struct err *err);

/* The bytes that stand under this number, in a part of their own or in one that is shared; empty:
 * there are none (replace.c). */
struct str replace_find(const struct replace *replace, int32_t wanted);

/* replace_columns.c */
int replace_damaged(struct err *err); /* ERR_CORRUPT */
/* As bytes of the result; `out` is released. */
struct str replace_keep(struct replace *replace, struct buf *out);
/* A dict, and the number in it of each visit or event. */
replace_fn replace_column;
/* The column of properties. */
replace_fn remove_pairs;

#endif
