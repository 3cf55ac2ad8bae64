/* cli/table.c -- rows of text with aligned columns. Widths are counted in UTF-8 characters. */
#include "cli/table.h"

#include "base/date.h"

enum { GAP = 2 };

void table_cell(struct table *table, struct str text)
{
    if (table->used == table->room) {
        size_t room = table->room == 0 ? 64 : table->room * 2;
        struct str *cells = ARENA_NEW(table->arena, struct str, room);
        if (table->used > 0) {
            memcpy(cells, table->cells, table->used * sizeof(*cells));
        }
        table->cells = cells;
        table->room = room;
    }
    table->cells[table->used++] = text;
}

static size_t width_of(struct str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++) {
        width += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    return width;
}

void table_print(const struct table *table, struct buf *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->used; i++) {
        size_t width = width_of(table->cells[i]);
        size_t *widest = &widths[i % table->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < table->used; i++) {
        size_t column = i % table->columns;
        buf_add(out, table->cells[i]);
        if (column + 1 == table->columns) {
            buf_addc(out, '\n');
            continue;
        }
        for (size_t n = width_of(table->cells[i]); n < widths[column] + GAP; n++) {
            buf_addc(out, ' ');
        }
    }
}

struct str table_instant(struct arena *arena, int64_t ms, const char *none)
{
    if (ms == 0) {
        return str_from(none);
    }
    char text[INSTANT_TEXT];
    instant_format(ms, text);
    struct buf out = {0};
    buf_addf(&out, "%.19sZ", text);
    struct str kept = arena_str(arena, buf_str(&out));
    buf_release(&out);
    return kept;
}
