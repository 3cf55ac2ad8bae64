/*
 * aggregate/erase_receipt.c -- how many rows of which table are gone, from run to run, in the
 * receipt.
 */
#include "aggregate/aggregate_internal.h"
#include "base/clock.h"
#include "base/json.h"

void erase_count(struct erasing *erasing, const char *table, int64_t rows)
{
    size_t i = 0;

    while (i < erasing->tables_count && strcmp(erasing->tables[i].name, table) != 0)
        i++;
    if (rows == 0 || i == ERASING_TABLES)
        return;
    if (i == erasing->tables_count)
        erasing->tables[erasing->tables_count++].name = table;
    erasing->tables[i].rows += rows;
}

void erase_count_tables(struct erasing *erasing, const int64_t rows[ERASED_TABLES])
{
    for (size_t i = 0; i < ERASED_TABLES && erased_tables[i] != NULL; i++)
        erase_count(erasing, erased_tables[i], rows[i]);
}

static int64_t rows_before(const struct json *rows, const char *table)
{
    const struct json *value = rows == NULL ? NULL : json_get(rows, str_from(table));
    int64_t n;

    return value != NULL && json_to_i64(value, &n) ? n : 0;
}

static bool is_counted_now(const struct erasing *erasing, struct str table)
{
    for (size_t i = 0; i < erasing->tables_count; i++)
        if (str_eq(str_from(erasing->tables[i].name), table))
            return true;
    return false;
}

/* What the receipt says, and what this run has removed. */
static struct str rows_with(struct str before, const struct erasing *erasing, struct arena *arena)
{
    struct buf text = {0};
    struct json_out json = {.buf = &text};
    struct json *rows = NULL;

    if (before.len > 0 &&
        (json_parse(before, 1, arena, &rows, NULL) != 0 || rows->type != JSON_OBJECT))
        rows = NULL;
    json_open(&json, '{');
    for (size_t i = 0; rows != NULL && i < rows->count; i++)
        if (!is_counted_now(erasing, rows->members[i].name)) {
            json_name(&json, rows->members[i].name);
            json_value(&json, &rows->members[i].value);
        }
    for (size_t i = 0; i < erasing->tables_count; i++) {
        json_name(&json, str_from(erasing->tables[i].name));
        json_i64(&json, rows_before(rows, erasing->tables[i].name) + erasing->tables[i].rows);
    }
    json_close(&json, '}');
    struct str out = arena_str(arena, buf_str(&text));

    buf_release(&text);
    return out;
}

struct receipt {
    const struct erasing *erasing;
    int64_t done_ms; /* 0: not yet */
};

/* edit_fn */
static int write_receipt(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct receipt *receipt = ctx;
    struct erasure_row *erasure = row;

    (void)err;
    if (!exists)
        return EDIT_KEEP;
    erasure->rows = rows_with(erasure->rows, receipt->erasing, arena);
    /* Another node may have found nothing left while this one wrote the files anew. */
    if (erasure->done_ms == 0)
        erasure->done_ms = receipt->done_ms;
    if (erasure->done_ms != 0)
        erasure->value = STR("");
    return EDIT_PUT;
}

struct actor erase_actor(const struct erasing *erasing)
{
    return (struct actor){erasing->actor, clock_wall_ms()};
}

int erase_put_receipt(struct run *run, struct erasing *erasing, int64_t done_ms, struct err *err)
{
    struct receipt receipt = {erasing, done_ms};
    const struct actor actor = erase_actor(erasing);
    int rc = store_edit(run->store, ROW_ERASURE, erasing->id, write_receipt, &receipt, &actor, err);

    if (rc < 0)
        return rc;
    erasing->tables_count = 0;
    return 0;
}
