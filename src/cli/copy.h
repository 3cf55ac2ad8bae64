/*
 * cli/copy.h -- a whole store as text, and a store from that text: what backup, restore, export and
 * import have in common. The format stands at the top of copy_write.c.
 *
 * Memory is bounded by a batch of rows, whatever the size of the store.
 */
#ifndef ABACUS_CLI_COPY_H
#define ABACUS_CLI_COPY_H

#include "cli/command.h"
#include "store/dump.h"

#include <stdio.h>

enum {
    COPY_FORMAT = 1,
    COPY_ID_BYTES = 16,
    COPY_CHECKSUM_BYTES = 32,
    COPY_TABLES_MAX = 32,
    COPY_COLUMNS_MAX = 64,
    COPY_LINE_MAX = 64 * 1024 * 1024, /* a part of a pack, in hex */
};
_Static_assert(2 * (int)PACK_PART_BYTES_MAX + 1024 <= (int)COPY_LINE_MAX, "it can be copied");

/* What a copy says of itself, and what was done with it. */
struct copy {
    uint8_t id[COPY_ID_BYTES];     /* random */
    int64_t made_ms, as_of_ms;     /* as_of_ms: everything received up to here is counted in it */
    struct str version;            /* of the program that made it */
    int64_t schema;                /* STORE_TABLES_VERSION of that program */
    int64_t rows[COPY_TABLES_MAX]; /* of each of store_tables */
    int64_t rows_count;            /* of all */
    struct store_sums sums;
    bool loaded;   /* its rows are in the store, whose sums are equal */
    bool known;    /* the store holds this copy's rows already: nothing was changed */
    bool occupied; /* the store holds something else: nothing was changed */
    double seconds;
};

/* The members of struct store_sums, by the names that they have in a copy. */
enum { COPY_SUMS = sizeof(struct store_sums) / sizeof(int64_t) };
extern const struct copy_sum {
    struct str name;
    size_t offset;
} copy_sums[COPY_SUMS];
static inline int64_t *copy_sum(struct store_sums *sums, size_t i)
{
    return (int64_t *)(void *)((char *)sums + copy_sums[i].offset);
}

/* Write a copy of one moment. Texts of *copy live in the arena. */
int copy_write(const struct invocation *in, struct store *store, FILE *out, struct copy *copy,
               struct err *err);

/* Where rows go while a copy is read. */
struct copy_sink {
    /* The first line was read. 0 goes on. */
    int (*begin)(void *ctx, const struct copy *copy, struct err *err);
    /* Some rows as one JSON array. */
    int (*rows)(void *ctx, const struct store_table *table, struct str rows, struct err *err);
    void *ctx;
};
/* Read a copy to its end; `sink` may be NULL, then it is only checked. ERR_CORRUPT: cut, damaged or
 * no copy at all; ERR_CONFLICT: made by a newer program. What the sink returns other than 0 ends it
 * and is returned. */
int copy_read(const struct invocation *in, FILE *file, const struct copy_sink *sink,
              struct copy *copy, struct err *err);

enum copy_mode {
    COPY_IMPORT,  /* into an empty store; one that holds this copy already is left as it is */
    COPY_RESTORE, /* into an empty store */
    COPY_REPLACE, /* in place of everything */
};
/* Put a copy into a store. A file that can be read twice is checked before anything is done; all
 * else is undone if the copy turns out to be damaged. The sums of the store must be the copy's.
 * ERR_CONFLICT: the store is not empty (`occupied`), or the copy is newer than this program. */
int copy_load(const struct invocation *in, struct store *store, FILE *file, enum copy_mode mode,
              struct copy *copy, struct err *err);

/* -- commands (copy_command.c) ----------------------------------------------------------------- */

struct copy_args {
    struct str file; /* "-": stdout, stdin */
    bool all, yes, json;
};

/* `name` is the command's, for messages; `hint`: what to do where the database is not empty. */
int copy_out_command(const struct invocation *in, const char *name, struct err *err);
int copy_in_command(const struct invocation *in, const char *name, enum copy_mode mode,
                    const char *hint, struct err *err);

/* As JSON, or for people (copy_report.c). */
void copy_report(const struct invocation *in, const struct copy *copy, bool json);

#endif
