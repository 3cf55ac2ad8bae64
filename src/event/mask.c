/*
 * event/mask.c -- e-mail addresses and long tokens in text become "[email]" and "[token]".
 *
 * Both are found by rule, without dictionaries (mask_email.c, mask_token.c); the rules are to keep
 * ordinary slugs as they are. Addresses go first, since a token may be part of one.
 */
#include "event/mask_internal.h"

/* The result, made only when something is to be masked. */
struct masked {
    struct arena *arena;
    struct str source;
    char *out;
    size_t len;    /* of out */
    size_t copied; /* bytes of source that are dealt with */
};

static void copy_until(struct masked *m, size_t to)
{
    memcpy(m->out + m->len, m->source.ptr + m->copied, to - m->copied);
    m->len += to - m->copied;
    m->copied = to;
}

static void replace(struct masked *m, size_t from, size_t to, struct str with)
{
    /* "[email]" is one byte longer than the shortest address, "a@b.cc". */
    if (m->out == NULL)
        m->out = ARENA_NEW(m->arena, char, m->source.len + m->source.len / 6 + 1);
    copy_until(m, from);
    memcpy(m->out + m->len, with.ptr, with.len);
    m->len += with.len;
    m->copied = to;
}

static struct str finish(struct masked *m)
{
    if (m->out == NULL)
        return m->source;
    copy_until(m, m->source.len);
    return (struct str){m->out, m->len};
}

/* Put `with` wherever `find` finds something. */
static struct str replace_all(struct str s, bool (*find)(struct str, size_t, struct span *),
                              struct str with, struct arena *arena)
{
    struct masked m = {.arena = arena, .source = s};
    struct span span;

    for (size_t from = 0; find(s, from, &span); from = span.end)
        replace(&m, span.begin, span.end, with);
    return finish(&m);
}

struct str mask_text(struct str s, struct arena *arena)
{
    s = replace_all(s, find_email, STR("[email]"), arena);
    return replace_all(s, find_token, STR("[token]"), arena);
}

/* -- props -- */

/* The end of the string whose text begins at `from`: its closing quote. */
static size_t string_end(struct str json, size_t from)
{
    while (from < json.len && json.ptr[from] != '"')
        from += json.ptr[from] == '\\' ? 2 : 1;
    return from < json.len ? from : json.len;
}

/* The bytes of the escape at the start of `s`: "\n" or "\u001f". */
static size_t escape_length(struct str s)
{
    return s.len > 1 && s.ptr[1] == 'u' ? 6 : 2;
}

/* No address and no token holds anything that JSON escapes, so each stretch between escapes stands
 * alone. */
static void mask_value(struct str value, struct arena *arena, struct buf *out)
{
    while (value.len > 0) {
        size_t stop = str_find(value, 0, '\\');
        size_t next =
            stop + (stop < value.len ? escape_length(str_slice(value, stop, value.len)) : 0);

        buf_add(out, mask_text(str_slice(value, 0, stop), arena));
        buf_add(out, str_slice(value, stop, next));
        value = str_slice(value, next, value.len);
    }
}

struct str mask_props(struct str json, struct arena *arena)
{
    /* Quotes part names and values from each other, so without escapes the text as a whole can be
     * asked. */
    if (str_find(json, 0, '\\') == json.len && mask_text(json, arena).ptr == json.ptr)
        return json;

    struct buf out = {0};
    bool is_name = true;

    for (size_t i = 0; i < json.len;) {
        if (json.ptr[i] != '"') {
            is_name = is_name ? json.ptr[i] != ':' : json.ptr[i] == ',';
            buf_addc(&out, json.ptr[i++]);
            continue;
        }
        size_t end = string_end(json, i + 1);
        struct str text = str_slice(json, i + 1, end);

        buf_addc(&out, '"');
        if (is_name)
            buf_add(&out, text);
        else
            mask_value(text, arena, &out);
        buf_addc(&out, '"');
        i = end + 1;
    }
    struct str masked = arena_str(arena, buf_str(&out));

    buf_release(&out);
    return masked;
}
