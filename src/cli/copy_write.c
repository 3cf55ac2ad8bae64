/*
 * cli/copy_write.c -- the format of a copy, and how it is written.
 *
 * Lines of JSON (UTF-8, no spaces, "\n"), so that a copy can be looked at, cut into tables and
 * compressed with what every system has:
 *
 *     {"abacus":"copy","format":1,"schema":3,"id":"HEX","madeAt":"...","version":"0.1.0",
 *      "asOf":"..."}                            one line, the first
 *     {"table":"tenants","columns":["id","name","active","created_ms"]}
 *     ["t5g","Five",true,1795344300000]         a line for each row, in the order of its key
 *     ...                                       more tables, in the order of store_tables
 *     {"sums":{"tenants":1,"sites":2,...}}      as the store itself gives them
 *     {"rows":4711,"checksum":"HEX"}            the last one
 *
 * The checksum is BLAKE2b (32 bytes) of all bytes before its line. All of it comes from one
 * snapshot: tables fit together, whatever is counted meanwhile. `format` changes when older
 * programs could not read the lines at all; `schema` is raised by each new table or column, which
 * an older copy does not have: they take their defaults. A table that only older versions have is
 * passed over (store_table_is_gone()).
 *
 * Integers are 64 bits wide (visitor ids use all of them): a reader that makes doubles of them
 * damages the copy. Values are written as store/dump.h says. A copy holds the hashes of tokens and
 * the key of idempotency keys: it is as secret as the database. Salts are not in it.
 */
#include "cli/copy.h"

#include "base/clock.h"
#include "base/date.h"

#include <errno.h>
#include <sodium.h>

enum { PROGRESS_ROWS = 10000 };

#define SUM(name, member)                                                                          \
    {                                                                                              \
        STR_INIT(name), offsetof(struct store_sums, member)                                        \
    }
const struct copy_sum copy_sums[COPY_SUMS] = {
    SUM("tenants", tenants),
    SUM("sites", sites),
    SUM("rawEvents", events),
    SUM("days", days),
    SUM("pageviews", pageviews),
    SUM("visits", visits),
    SUM("countedEvents", counted),
    SUM("records", records),
    SUM("committedRecords", committed),
};

struct writer {
    const struct invocation *in;
    FILE *out;
    struct copy *copy;
    size_t table;
    crypto_generichash_state hash;
    struct buf line;
    struct err *err;
};

/* -- lines ------------------------------------------------------------------------------------- */

static int put(struct writer *w, struct str line)
{
    if (fwrite(line.ptr, 1, line.len, w->out) != line.len || putc('\n', w->out) == EOF) {
        return err_set(w->err, ERR_SYSTEM, "writing the copy: %s", strerror(errno));
    }
    return 0;
}

/* A line that the checksum covers. */
static int put_line(struct writer *w, struct str line)
{
    crypto_generichash_update(&w->hash, (const unsigned char *)line.ptr, line.len);
    crypto_generichash_update(&w->hash, (const unsigned char *)"\n", 1);
    return put(w, line);
}

static struct json_out begin_line(struct writer *w)
{
    struct json_out json = {.buf = &w->line};
    buf_reset(&w->line);
    json_open(&json, '{');
    return json;
}

static void add_hex(struct json_out *json, struct str name, const uint8_t *bytes, size_t count)
{
    char hex[2 * COPY_CHECKSUM_BYTES + 1];
    sodium_bin2hex(hex, sizeof(hex), bytes, count);
    cli_json_text(json, name, str_from(hex));
}

/* -- the first line and the last --------------------------------------------------------------- */

static int put_head(struct writer *w)
{
    const struct copy *copy = w->copy;
    struct json_out json = begin_line(w);
    cli_json_text(&json, STR("abacus"), STR("copy"));
    cli_json_number(&json, STR("format"), COPY_FORMAT);
    cli_json_number(&json, STR("schema"), copy->schema);
    add_hex(&json, STR("id"), copy->id, sizeof(copy->id));
    cli_json_instant(&json, STR("madeAt"), copy->made_ms);
    cli_json_text(&json, STR("version"), copy->version);
    cli_json_instant(&json, STR("asOf"), copy->as_of_ms);
    json_close(&json, '}');
    return put_line(w, buf_str(&w->line));
}

static int put_sums(struct writer *w)
{
    struct json_out json = begin_line(w);
    json_name(&json, STR("sums"));
    json_open(&json, '{');
    for (size_t i = 0; i < COPY_SUMS; i++) {
        cli_json_number(&json, copy_sums[i].name, *copy_sum(&w->copy->sums, i));
    }
    json_close(&json, '}');
    json_close(&json, '}');
    return put_line(w, buf_str(&w->line));
}

static int put_end(struct writer *w)
{
    uint8_t checksum[COPY_CHECKSUM_BYTES];
    crypto_generichash_final(&w->hash, checksum, sizeof(checksum));
    struct json_out json = begin_line(w);
    cli_json_number(&json, STR("rows"), w->copy->rows_count);
    add_hex(&json, STR("checksum"), checksum, sizeof(checksum));
    json_close(&json, '}');
    return put(w, buf_str(&w->line));
}

/* -- tables ------------------------------------------------------------------------------------ */

static void show_progress(const struct writer *w)
{
    if (w->in->progress) {
        fprintf(stderr, "\rabacus: %lld rows, %.*s\033[K", (long long)w->copy->rows_count,
                STR_FMT(store_tables[w->table].name));
    }
}

static int put_row(void *ctx, struct str row)
{
    struct writer *w = ctx;
    w->copy->rows[w->table]++;
    if (w->copy->rows_count++ % PROGRESS_ROWS == 0) {
        show_progress(w);
    }
    return put_line(w, row);
}

static int put_table(struct writer *w, struct store *store)
{
    const struct store_table *table = &store_tables[w->table];
    struct json_out json = begin_line(w);
    cli_json_text(&json, STR("table"), table->name);
    json_name(&json, STR("columns"));
    json_open(&json, '[');
    for (size_t i = 0; i < table->columns_count; i++) {
        json_str(&json, table->columns[i].name);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    int rc = put_line(w, buf_str(&w->line));
    return rc == 0 ? store_dump(store, table, put_row, w, w->err) : rc;
}

static int put_all(struct writer *w, struct store *store)
{
    int64_t counters[COUNTERS];
    int rc = store_counters(store, counters, w->err);
    if (rc == 0) {
        w->copy->as_of_ms = counters[COUNTER_AS_OF];
        rc = put_head(w);
    }
    for (w->table = 0; rc == 0 && w->table < store_tables_count; w->table++) {
        rc = put_table(w, store);
    }
    if (rc == 0) {
        rc = store_sums(store, &w->copy->sums, w->err);
    }
    if (rc == 0) {
        rc = put_sums(w);
    }
    if (rc == 0) {
        rc = put_end(w);
    }
    if (rc == 0 && fflush(w->out) != 0) {
        rc = err_set(w->err, ERR_SYSTEM, "writing the copy: %s", strerror(errno));
    }
    return rc;
}

int copy_write(const struct invocation *in, struct store *store, FILE *out, struct copy *copy,
               struct err *err)
{
    int64_t began_us = clock_steady_us();
    struct writer w = {.in = in, .out = out, .copy = copy, .err = err};
    *copy = (struct copy){
        .made_ms = clock_wall_ms(), .version = STR(ABACUS_VERSION), .schema = STORE_TABLES_VERSION};
    randombytes_buf(copy->id, sizeof(copy->id));
    crypto_generichash_init(&w.hash, NULL, 0, COPY_CHECKSUM_BYTES);
    int rc = store_read_begin(store, err);
    if (rc == 0) {
        rc = put_all(&w, store);
        store_read_end(store);
    }
    if (in->progress) {
        fputs("\r\033[K", stderr);
    }
    buf_release(&w.line);
    copy->seconds = (double)(clock_steady_us() - began_us) / 1e6;
    return rc;
}
