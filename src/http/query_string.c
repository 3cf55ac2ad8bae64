/*
 * http/query_string.c -- parameters of a query string, percent-decoded into an arena.
 *
 * What decodes to a NUL or to bad UTF-8 is refused rather than repaired: such a value can be no
 * name of ours, and a repaired one would not be what the sender meant. Pure; any thread.
 */
#include "base/utf8.h"
#include "http/http_internal.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int percent_decode(struct str s, bool plus, struct arena *arena, struct str *out)
{
    char *text = arena_alloc(arena, s.len + 1, 1);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '%') {
            int high = i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_value(s.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return ERR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return ERR_INVALID;
        text[len++] = c;
    }
    *out = (struct str){text, len};
    return utf8_valid(*out) ? 0 : ERR_INVALID;
}

int query_each(struct str query, struct arena *arena,
               int (*fn)(void *ctx, struct str name, struct str value), void *ctx, struct err *err)
{
    struct str rest = query, piece;

    while (str_next(&rest, '&', &piece)) {
        size_t equals = str_find(piece, 0, '=');
        struct str name, value;

        if (piece.len == 0)
            continue;
        if (percent_decode(str_slice(piece, 0, equals), true, arena, &name) != 0 ||
            percent_decode(str_slice(piece, equals + 1, piece.len), true, arena, &value) != 0)
            return err_set(err, ERR_INVALID, "the query string is badly encoded");
        int rc = fn(ctx, name, value);

        if (rc != 0)
            return rc;
    }
    return 0;
}

struct wanted {
    struct str name, value;
    unsigned count;
};

static int take_wanted(void *ctx, struct str name, struct str value)
{
    struct wanted *wanted = ctx;

    if (str_eq(name, wanted->name)) {
        wanted->value = value;
        wanted->count++;
    }
    return 0;
}

int query_param(struct str query, struct str name, struct arena *arena, struct str *out,
                struct err *err)
{
    struct wanted wanted = {.name = name};
    int rc = query_each(query, arena, take_wanted, &wanted, err);

    if (rc < 0)
        return rc;
    if (wanted.count > 1)
        return err_set(err, ERR_INVALID, "parameter %.*s is given twice", STR_FMT(name));
    if (wanted.count == 1)
        *out = wanted.value;
    return wanted.count == 1;
}
