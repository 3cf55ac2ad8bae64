/* import/csv.c -- a row of CSV (RFC 4180), where each row is one line. */
#include "import/import_internal.h"

/* Two quotes inside quotes are one. */
static struct str unquote(struct str field, struct arena *arena)
{
    char *out = arena_bytes(arena, field.len);
    size_t len = 0;

    for (size_t i = 0; i < field.len; i++) {
        out[len++] = field.ptr[i];
        i += field.ptr[i] == '"';
    }
    return (struct str){out, len};
}

/* Where the closing quote of the text that begins at `from` stands; s.len: nowhere. */
static size_t closing_quote(struct str s, size_t from)
{
    while (from < s.len && (s.ptr[from] != '"' || (from + 1 < s.len && s.ptr[from + 1] == '"')))
        from += s.ptr[from] == '"' ? 2 : 1;
    return from < s.len ? from : s.len;
}

int csv_split(struct str line, struct arena *arena, struct str fields[CSV_COLUMNS_MAX],
              size_t *count, struct err *err)
{
    size_t at = 0;

    for (*count = 0;; ++*count) {
        bool quoted = at < line.len && line.ptr[at] == '"';
        size_t from = at + quoted;
        size_t end = quoted ? closing_quote(line, from) : str_find(line, at, ',');
        size_t comma = quoted ? end + 1 : end;
        struct str field = str_slice(line, from, end);

        if (*count == CSV_COLUMNS_MAX)
            return err_set(err, ERR_INVALID, "more than %d columns", CSV_COLUMNS_MAX);
        if ((quoted && end == line.len) || (comma < line.len && line.ptr[comma] != ',') ||
            (!quoted && str_find(field, 0, '"') < field.len))
            return err_set(err, ERR_INVALID, "column %zu: a quote is out of place", *count + 1);
        fields[*count] = quoted ? unquote(field, arena) : str_trim(field);
        if (comma >= line.len)
            break;
        at = comma + 1;
    }
    ++*count;
    return 0;
}
