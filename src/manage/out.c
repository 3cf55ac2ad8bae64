/* manage/out.c -- members of answers. */
#include "manage/manage_internal.h"

#include "base/date.h"

#include <stdarg.h>
#include <stdio.h>

void out_string(struct json_out *json, const char *name, struct str text)
{
    json_name(json, str_from(name));
    json_str(json, text);
}

void out_text(struct json_out *json, const char *name, struct str text)
{
    json_name(json, str_from(name));
    if (text.len > 0)
        json_str(json, text);
    else
        json_null(json);
}

void out_number(struct json_out *json, const char *name, int64_t n)
{
    json_name(json, str_from(name));
    json_i64(json, n);
}

void out_bool(struct json_out *json, const char *name, bool value)
{
    json_name(json, str_from(name));
    json_bool(json, value);
}

void out_instant(struct json_out *json, const char *name, int64_t ms)
{
    char text[INSTANT_TEXT];

    instant_format(ms, text);
    out_text(json, name, ms == 0 ? STR("") : str_from(text));
}

void out_raw(struct json_out *json, const char *name, struct str text)
{
    json_name(json, str_from(name));
    json_raw(json, text);
}

struct str arena_format(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    char *text = arena_bytes(arena, (size_t)len + 1);

    (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return (struct str){text, (size_t)len};
}
