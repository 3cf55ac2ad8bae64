/* cli/copy_report.c -- what is in a copy, and what was done with it, as JSON or for people. */
#include "cli/copy.h"
#include "cli/table.h"

#include <sodium.h>

static void add_json(const struct copy *copy, const char *id, struct buf *out)
{
    struct store_sums sums = copy->sums;
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    cli_json_text(&json, STR("id"), str_from(id));
    cli_json_instant(&json, STR("madeAt"), copy->made_ms);
    cli_json_text(&json, STR("version"), copy->version);
    cli_json_instant(&json, STR("asOf"), copy->as_of_ms);
    json_name(&json, STR("loaded"));
    json_bool(&json, copy->loaded);
    json_name(&json, STR("alreadyImported"));
    json_bool(&json, copy->known);
    cli_json_number(&json, STR("rows"), copy->rows_count);
    json_name(&json, STR("tables"));
    json_open(&json, '{');
    for (size_t i = 0; i < store_tables_count; i++) {
        cli_json_number(&json, store_tables[i].name, copy->rows[i]);
    }
    json_close(&json, '}');
    json_name(&json, STR("sums"));
    json_open(&json, '{');
    for (size_t i = 0; i < COPY_SUMS; i++) {
        cli_json_number(&json, copy_sums[i].name, *copy_sum(&sums, i));
    }
    json_close(&json, '}');
    json_name(&json, STR("seconds"));
    json_rate(&json, copy->seconds);
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static struct str number_text(struct arena *arena, int64_t n)
{
    struct buf text = {0};
    buf_addf(&text, "%lld", (long long)n);
    struct str kept = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void add_text(const struct invocation *in, const struct copy *copy, const char *id)
{
    struct store_sums sums = copy->sums;
    buf_addf(in->out, "copy %s, made %.*s by abacus %.*s, counted up to %.*s\n", id,
             STR_FMT(table_instant(in->arena, copy->made_ms, "?")), STR_FMT(copy->version),
             STR_FMT(table_instant(in->arena, copy->as_of_ms, "nothing yet")));
    struct table table = {.arena = in->arena, .columns = 2};
    for (size_t i = 0; i < store_tables_count; i++) {
        table_cell(&table, store_tables[i].name);
        table_cell(&table, number_text(in->arena, copy->rows[i]));
    }
    table_print(&table, in->out);
    buf_addf(in->out, "%s: ", copy->loaded ? "equal in the copy and in the database" : "in all");
    for (size_t i = 0; i < COPY_SUMS; i++) {
        buf_addf(in->out, "%s%lld %.*s", i == 0 ? "" : ", ", (long long)*copy_sum(&sums, i),
                 STR_FMT(copy_sums[i].name));
    }
    buf_addf(in->out, "\n%lld rows in %.2f s\n", (long long)copy->rows_count, copy->seconds);
}

void copy_report(const struct invocation *in, const struct copy *copy, bool json)
{
    char id[2 * COPY_ID_BYTES + 1];
    sodium_bin2hex(id, sizeof(id), copy->id, sizeof(copy->id));
    if (json) {
        add_json(copy, id, in->out);
    } else if (copy->known) {
        buf_add(in->out, STR("already imported: nothing changed\n"));
    } else {
        add_text(in, copy, id);
    }
}
