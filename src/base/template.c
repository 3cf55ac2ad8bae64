/* base/template.c -- one pass over the text; a section that does not hold is passed over. */
#include "base/template.h"

#include <assert.h>

struct filling {
    struct str rest; /* of the text */
    const struct template_value *values;
    size_t count;
    enum template_escape escape;
    struct buf *out;
};

enum mark_kind { MARK_END, MARK_VALUE, MARK_WITH, MARK_WITHOUT, MARK_CLOSE };

struct mark {
    enum mark_kind kind;
    struct str name, before; /* `before`: the text up to the mark */
};

static struct str value_of(const struct filling *f, struct str name)
{
    size_t i = 0;

    while (i < f->count && !str_eq(str_from(f->values[i].name), name))
        i++;
    assert(i < f->count);
    return f->values[i].value;
}

static void add_html(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.ptr[i]) {
        case '&':
            buf_add(out, STR("&amp;"));
            break;
        case '<':
            buf_add(out, STR("&lt;"));
            break;
        case '>':
            buf_add(out, STR("&gt;"));
            break;
        case '"':
            buf_add(out, STR("&quot;"));
            break;
        case '\'':
            buf_add(out, STR("&#39;"));
            break;
        default:
            buf_addc(out, s.ptr[i]);
        }
    }
}

static void add_value(const struct filling *f, struct str value)
{
    if (f->escape == TEMPLATE_HTML)
        add_html(f->out, value);
    else
        buf_add(f->out, value);
}

static struct str until(struct str s, struct str mark)
{
    const char *at = s.len == 0 ? NULL : memmem(s.ptr, s.len, mark.ptr, mark.len);

    return at == NULL ? s : str_slice(s, 0, (size_t)(at - s.ptr));
}

/* A mark of a section that has its line to itself takes the line along: the blanks before it, and
 * the line's end behind it. */
static void take_line(struct mark *mark, struct str *rest)
{
    size_t begin = mark->before.len;
    struct str blanks = *rest;

    while (begin > 0 && mark->before.ptr[begin - 1] == ' ')
        begin--;
    while (blanks.len > 0 && blanks.ptr[0] == ' ')
        blanks = str_slice(blanks, 1, blanks.len);
    if ((begin > 0 && mark->before.ptr[begin - 1] != '\n') || blanks.len == 0 ||
        blanks.ptr[0] != '\n')
        return;
    mark->before = str_slice(mark->before, 0, begin);
    *rest = str_slice(blanks, 1, blanks.len);
}

static struct mark next_mark(struct str *rest)
{
    struct mark mark = {.kind = MARK_END, .before = until(*rest, STR("{{"))};

    if (mark.before.len == rest->len) {
        *rest = STR("");
        return mark;
    }
    *rest = str_slice(*rest, mark.before.len + 2, rest->len);
    mark.name = until(*rest, STR("}}"));
    assert(mark.name.len > 0 && mark.name.len < rest->len);
    *rest = str_slice(*rest, mark.name.len + 2, rest->len);
    mark.kind = mark.name.ptr[0] == '#'   ? MARK_WITH
                : mark.name.ptr[0] == '^' ? MARK_WITHOUT
                : mark.name.ptr[0] == '/' ? MARK_CLOSE
                                          : MARK_VALUE;
    if (mark.kind == MARK_VALUE)
        return mark;
    mark.name = str_slice(mark.name, 1, mark.name.len);
    take_line(&mark, rest);
    return mark;
}

/* Up to the mark that closes `section`, or the end where that is empty. */
static void fill(struct filling *f, struct str section, bool shown)
{
    for (;;) {
        struct mark mark = next_mark(&f->rest);

        if (shown)
            buf_add(f->out, mark.before);
        if (mark.kind == MARK_END || mark.kind == MARK_CLOSE) {
            assert(str_eq(mark.name, section));
            return;
        }
        struct str value = value_of(f, mark.name);

        if (mark.kind != MARK_VALUE)
            fill(f, mark.name, shown && (value.len > 0) == (mark.kind == MARK_WITH));
        else if (shown)
            add_value(f, value);
    }
}

void template_fill(struct str text, const struct template_value *values, size_t count,
                   enum template_escape escape, struct buf *out)
{
    struct filling filling = {text, values, count, escape, out};

    fill(&filling, STR(""), true);
}
