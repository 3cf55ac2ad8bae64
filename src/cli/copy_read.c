/*
 * cli/copy_read.c -- a copy read line by line, and refused where it is cut, damaged or newer.
 *
 * Rows are not looked into here: they go to the database as they are, some at a time. What a copy
 * is can be told from its first bytes, so that a file of something else is named as that.
 */
#include "cli/copy.h"

#include "base/date.h"

#include <errno.h>
#include <sodium.h>

enum {
    CHUNK = 64 * 1024,
    BATCH_ROWS = 1000,
    BATCH_BYTES = 1024 * 1024,
    PROGRESS_ROWS = 10000,
};

struct reader {
    const struct invocation *in;
    FILE *file;
    const struct copy_sink *sink;
    struct copy *copy;
    struct err *err;
    char *chunk;
    size_t at, end;  /* of the chunk: what is not read yet */
    struct buf line; /* without its end */
    int64_t lines;
    crypto_generichash_state hash; /* of the lines before this one */
    struct store_table table;      /* with the columns that the copy has; no name: none yet */
    size_t table_at;               /* which of store_tables it is */
    bool gone;                     /* a table of older versions: its rows are passed over */
    struct store_column columns[COPY_COLUMNS_MAX];
    struct buf batch;
    size_t batch_rows;
};

static int damaged(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_CORRUPT, "the copy is damaged: line %lld %s", (long long)r->lines,
                   what);
}

/* -- lines ------------------------------------------------------------------------------------- */

/* 1: there is more in the chunk; 0: the end of the file. */
static int fill_chunk(struct reader *r)
{
    r->at = 0;
    r->end = fread(r->chunk, 1, CHUNK, r->file);
    if (r->end == 0 && ferror(r->file)) {
        return err_set(r->err, ERR_SYSTEM, "reading the copy: %s", strerror(errno));
    }
    return r->end > 0;
}

/* The next line; 0: there is none. One that the file's end cuts off is damage. */
static int read_line(struct reader *r)
{
    buf_reset(&r->line);
    r->lines++;
    for (;;) {
        int rc = r->at < r->end ? 1 : fill_chunk(r);
        if (rc <= 0) {
            return rc < 0 || r->line.len == 0 ? rc : damaged(r, "is cut off");
        }
        struct str rest = {r->chunk + r->at, r->end - r->at};
        size_t len = str_find(rest, 0, '\n');
        buf_add(&r->line, str_slice(rest, 0, len));
        r->at += len < rest.len ? len + 1 : len;
        if (r->line.len > COPY_LINE_MAX) {
            return damaged(r, "is too long");
        }
        if (len < rest.len) {
            return 1;
        }
    }
}

static void hash_line(struct reader *r)
{
    buf_addc(&r->line, '\n');
    crypto_generichash_update(&r->hash, (const unsigned char *)r->line.ptr, r->line.len);
    r->line.len--;
}

/* -- rows -------------------------------------------------------------------------------------- */

static int flush_batch(struct reader *r)
{
    if (r->batch_rows == 0) {
        return 0;
    }
    buf_addc(&r->batch, ']');
    int rc =
        r->sink == NULL ? 0 : r->sink->rows(r->sink->ctx, &r->table, buf_str(&r->batch), r->err);
    buf_reset(&r->batch);
    r->batch_rows = 0;
    return rc;
}

static void show_progress(const struct reader *r)
{
    if (r->in->progress) {
        fprintf(stderr, "\rabacus: %s%lld rows, %.*s\033[K", r->sink == NULL ? "checking: " : "",
                (long long)r->copy->rows_count, STR_FMT(r->table.name));
    }
}

static int take_row(struct reader *r)
{
    struct str row = buf_str(&r->line);
    if ((r->table.name.len == 0 && !r->gone) || !str_ends(row, STR("]"))) {
        return damaged(r, "is no row");
    }
    if (r->copy->rows_count++ % PROGRESS_ROWS == 0) {
        show_progress(r);
    }
    if (r->gone) {
        return 0;
    }
    buf_addc(&r->batch, r->batch_rows == 0 ? '[' : ',');
    buf_add(&r->batch, row);
    r->copy->rows[r->table_at]++;
    bool full = ++r->batch_rows == BATCH_ROWS || r->batch.len >= BATCH_BYTES;
    return full ? flush_batch(r) : 0;
}

/* -- what else stands in a line ---------------------------------------------------------------- */

static struct str text_of(const struct json *object, struct str name)
{
    const struct json *value = json_get(object, name);
    return value != NULL && value->type == JSON_STRING ? value->text : STR("");
}

static bool number_of(const struct json *object, struct str name, int64_t *out)
{
    const struct json *value = json_get(object, name);
    return value != NULL && json_to_i64(value, out);
}

static bool hex_of(const struct json *object, struct str name, uint8_t *out, size_t size)
{
    struct str hex = text_of(object, name);
    size_t len = 0;
    return hex.len == 2 * size &&
           sodium_hex2bin(out, size, hex.ptr, hex.len, NULL, &len, NULL) == 0 && len == size;
}

static int read_head(struct reader *r, const struct json *line)
{
    struct copy *copy = r->copy;
    int64_t format = 0;
    if (!number_of(line, STR("format"), &format) ||
        !number_of(line, STR("schema"), &copy->schema) ||
        !hex_of(line, STR("id"), copy->id, sizeof(copy->id)) ||
        !instant_parse(text_of(line, STR("madeAt")), &copy->made_ms)) {
        return damaged(r, "is no first line of a copy");
    }
    copy->version = arena_str(r->in->arena, text_of(line, STR("version")));
    if (format > COPY_FORMAT || copy->schema > STORE_TABLES_VERSION) {
        return err_set(r->err, ERR_CONFLICT,
                       "the copy was made by abacus %.*s (format %lld, schema %lld); this program "
                       "knows format %d, schema %d: use a newer one",
                       STR_FMT(copy->version), (long long)format, (long long)copy->schema,
                       COPY_FORMAT, STORE_TABLES_VERSION);
    }
    /* null: nothing was counted yet. */
    (void)instant_parse(text_of(line, STR("asOf")), &copy->as_of_ms);
    return r->sink == NULL ? 0 : r->sink->begin(r->sink->ctx, copy, r->err);
}

static const struct store_column *find_column(const struct store_table *table, struct str name)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        if (str_eq(table->columns[i].name, name)) {
            return &table->columns[i];
        }
    }
    return NULL;
}

static int take_columns(struct reader *r, const struct json *names)
{
    const struct store_table *table = &store_tables[r->table_at];
    if (names == NULL || names->type != JSON_ARRAY || names->count == 0 ||
        names->count > table->columns_count) {
        return damaged(r, "names no columns");
    }
    for (size_t i = 0; i < names->count; i++) {
        const struct store_column *column = find_column(table, names->items[i].text);
        if (names->items[i].type != JSON_STRING || column == NULL) {
            return damaged(r, "names an unknown column");
        }
        r->columns[i] = *column;
    }
    r->table = (struct store_table){table->name, r->columns, names->count, table->key_count};
    return 0;
}

static int begin_table(struct reader *r, const struct json *line)
{
    struct str name = text_of(line, STR("table"));
    int rc = flush_batch(r);
    r->gone = store_table_is_gone(name);
    for (r->table_at = 0; r->table_at < store_tables_count; r->table_at++) {
        if (str_eq(store_tables[r->table_at].name, name)) {
            break;
        }
    }
    if (rc != 0 || r->gone) {
        return rc;
    }
    return r->table_at == store_tables_count ? damaged(r, "names an unknown table")
                                             : take_columns(r, json_get(line, STR("columns")));
}

static int take_sums(struct reader *r, const struct json *sums)
{
    for (size_t i = 0; i < COPY_SUMS; i++) {
        if (sums->type != JSON_OBJECT ||
            !number_of(sums, copy_sums[i].name, copy_sum(&r->copy->sums, i))) {
            return damaged(r, "lacks a sum");
        }
    }
    return 0;
}

/* 1: it is the right end. */
static int check_end(struct reader *r, const struct json *line)
{
    uint8_t told[COPY_CHECKSUM_BYTES], found[COPY_CHECKSUM_BYTES];
    int64_t rows = -1;
    crypto_generichash_final(&r->hash, found, sizeof(found));
    if (!number_of(line, STR("rows"), &rows) ||
        !hex_of(line, STR("checksum"), told, sizeof(told))) {
        return damaged(r, "is no last line of a copy");
    }
    if (rows != r->copy->rows_count || memcmp(told, found, sizeof(told)) != 0) {
        return err_set(r->err, ERR_CORRUPT, "the copy is damaged: its checksum is wrong");
    }
    int rc = read_line(r);
    if (rc != 0) {
        return rc < 0 ? rc : damaged(r, "stands behind the end");
    }
    rc = flush_batch(r);
    return rc == 0 ? 1 : rc;
}

static int take_object(struct reader *r, struct arena *arena)
{
    struct json *line = NULL;
    if (json_parse(buf_str(&r->line), 2, arena, &line, NULL) != 0 || line->type != JSON_OBJECT) {
        return damaged(r, "is no JSON");
    }
    if (json_get(line, STR("table")) != NULL) {
        return begin_table(r, line);
    }
    const struct json *sums = json_get(line, STR("sums"));
    if (sums != NULL) {
        return take_sums(r, sums);
    }
    return check_end(r, line);
}

/* -- all of it --------------------------------------------------------------------------------- */

static int read_first(struct reader *r, struct arena *arena)
{
    struct json *line = NULL;
    int rc = read_line(r);
    if (rc < 0 && r->line.len <= COPY_LINE_MAX) {
        return rc;
    }
    if (rc <= 0 || json_parse(buf_str(&r->line), 2, arena, &line, NULL) != 0 ||
        line->type != JSON_OBJECT || !str_eq(text_of(line, STR("abacus")), STR("copy"))) {
        return err_set(r->err, ERR_CORRUPT, "this is no copy of a store");
    }
    hash_line(r);
    return read_head(r, line);
}

/* 1: the end was reached. */
static int take_line(struct reader *r, struct arena *arena)
{
    int rc = read_line(r);
    if (rc <= 0) {
        return rc < 0 ? rc : damaged(r, "is missing: the copy is cut off");
    }
    if (str_starts(buf_str(&r->line), STR("["))) {
        rc = take_row(r);
    } else {
        arena_reset(arena);
        rc = take_object(r, arena);
    }
    if (rc == 0) {
        hash_line(r);
    }
    return rc;
}

static int read_all(struct reader *r)
{
    struct arena arena = {0};
    int rc = read_first(r, &arena);
    while (rc == 0) {
        rc = take_line(r, &arena);
    }
    arena_free(&arena);
    return rc > 0 ? 0 : rc;
}

int copy_read(const struct invocation *in, FILE *file, const struct copy_sink *sink,
              struct copy *copy, struct err *err)
{
    struct reader r = {.in = in,
                       .file = file,
                       .sink = sink,
                       .copy = copy,
                       .err = err,
                       .chunk = ARENA_NEW(in->arena, char, CHUNK)};
    *copy = (struct copy){0};
    crypto_generichash_init(&r.hash, NULL, 0, COPY_CHECKSUM_BYTES);
    int rc = read_all(&r);
    if (in->progress) {
        fputs("\r\033[K", stderr);
    }
    buf_release(&r.line);
    buf_release(&r.batch);
    return rc;
}
