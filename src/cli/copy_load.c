/*
 * cli/copy_load.c -- a copy put into a store, in one transaction.
 *
 * The store remembers the ids of the copies that it was made from (table copies), so that a copy
 * that is imported again is known and changes nothing; it is still read to its end, because whoever
 * writes into a pipe should not find it closed.
 *
 * Before the transaction ends the store's own sums must be those that the copy tells.
 */
#include "cli/copy.h"

#include "base/clock.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>

struct load {
    struct store *store;
    enum copy_mode mode;
    bool begun, known, occupied;
};

static const struct store_table *copies_table(void)
{
    size_t i = 0;
    while (!str_eq(store_tables[i].name, STR("copies"))) {
        i++;
    }
    return &store_tables[i];
}

/* -- which copies the store holds -------------------------------------------------------------- */

struct search {
    struct str row; /* how the row that is looked for begins */
    bool found;
};

static int compare_row(void *ctx, struct str row)
{
    struct search *search = ctx;
    search->found = search->found || str_starts(row, search->row);
    return 0;
}

static int find_copy(struct store *store, const struct copy *copy, bool *found, struct err *err)
{
    char hex[2 * COPY_ID_BYTES + 1];
    sodium_bin2hex(hex, sizeof(hex), copy->id, sizeof(copy->id));
    struct buf begins = {0};
    buf_addf(&begins, "[\"%s\"", hex);
    struct search search = {.row = buf_str(&begins)};
    int rc = store_dump(store, copies_table(), compare_row, &search, err);
    buf_release(&begins);
    *found = search.found;
    return rc;
}

static int remember(struct store *store, const struct copy *copy, struct err *err)
{
    char hex[2 * COPY_ID_BYTES + 1];
    sodium_bin2hex(hex, sizeof(hex), copy->id, sizeof(copy->id));
    struct buf rows = {0};
    buf_addf(&rows, "[[\"%s\",%lld,%lld]]", hex, (long long)copy->made_ms,
             (long long)clock_wall_ms());
    int rc = store_load(store, copies_table(), buf_str(&rows), err);
    buf_release(&rows);
    return rc;
}

/* -- rows -------------------------------------------------------------------------------------- */

static int begin(void *ctx, const struct copy *copy, struct err *err)
{
    struct load *load = ctx;
    int rc = store_load_begin(load->store, load->mode == COPY_REPLACE, err);
    load->begun = rc == 0;
    load->occupied = rc == ERR_CONFLICT;
    if (load->occupied && load->mode == COPY_IMPORT &&
        find_copy(load->store, copy, &load->known, NULL) == 0 && load->known) {
        load->occupied = false;
        return 0;
    }
    return rc;
}

/* What the database refuses is the copy's fault, whatever it is. */
static int load_rows(void *ctx, const struct store_table *table, struct str rows, struct err *err)
{
    const struct load *load = ctx;
    int rc = load->known ? 0 : store_load(load->store, table, rows, err);
    return rc == ERR_INVALID ? err_wrap(err, ERR_CORRUPT, "the store refuses the copy") : rc;
}

static int compare_sums(struct store *store, struct copy *copy, struct err *err)
{
    struct store_sums sums;
    int rc = store_sums(store, &sums, err);
    for (size_t i = 0; rc == 0 && i < COPY_SUMS; i++) {
        long long told = *copy_sum(&copy->sums, i), found = *copy_sum(&sums, i);
        if (told != found) {
            rc = err_set(err, ERR_CORRUPT,
                         "%.*s: %lld in the copy, but %lld in the store after loading it",
                         STR_FMT(copy_sums[i].name), told, found);
        }
    }
    return rc;
}

static int load_all(const struct invocation *in, struct load *load, FILE *file, struct copy *copy,
                    struct err *err)
{
    const struct copy_sink sink = {begin, load_rows, load};
    int rc = copy_read(in, file, &sink, copy, err);
    copy->known = load->known;
    copy->occupied = load->occupied;
    if (!load->begun) {
        return rc;
    }
    if (rc == 0) {
        rc = compare_sums(load->store, copy, err);
    }
    if (rc == 0) {
        rc = remember(load->store, copy, err);
    }
    rc = store_load_end(load->store, rc, err);
    copy->loaded = rc == 0;
    return rc;
}

/* -- twice over the file ----------------------------------------------------------------------- */

static int check_first(const struct invocation *in, FILE *file, struct copy *copy, struct err *err)
{
    off_t start = ftello(file);
    int rc = copy_read(in, file, NULL, copy, err);
    if (rc == 0 && fseeko(file, start, SEEK_SET) != 0) {
        rc = err_set(err, ERR_SYSTEM, "reading the copy again: %s", strerror(errno));
    }
    return rc;
}

int copy_load(const struct invocation *in, struct store *store, FILE *file, enum copy_mode mode,
              struct copy *copy, struct err *err)
{
    struct load load = {.store = store, .mode = mode};
    int64_t began_us = clock_steady_us();
    struct stat st;
    bool twice = fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode);
    int rc = twice ? check_first(in, file, copy, err) : 0;
    if (rc == 0) {
        rc = load_all(in, &load, file, copy, err);
    }
    copy->seconds = (double)(clock_steady_us() - began_us) / 1e6;
    return rc;
}
