/*
 * cli/table.h -- rows of text with aligned columns, for people to read.
 */
#ifndef ABACUS_CLI_TABLE_H
#define ABACUS_CLI_TABLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
    struct arena *arena;
    size_t columns;
    struct str *cells; /* row after row */
    size_t used, room;
};

/* The cell behind the last one; rows are filled from left to right. The text is borrowed until
 * table_print(). */
void table_cell(struct table *table, struct str text);
void table_print(const struct table *table, struct buf *out);

/* An instant to the second ("2026-11-22T10:05:00Z"), or `none` where it is 0. */
struct str table_instant(struct arena *arena, int64_t ms, const char *none);

#endif
