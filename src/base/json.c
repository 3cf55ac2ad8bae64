/*
 * base/json.c -- JSON texts into values in an arena.
 *
 * json_check() goes over the raw bytes first, so yajl's own, weaker check of UTF-8 is off. The text
 * is copied into the arena once; names, strings without escapes and numbers are slices of that
 * copy. yajl's memory comes from the arena as well, so nothing is freed here and no error path can
 * leak.
 *
 * Values are built on one stack. An open array or object is an entry on it, and everything above
 * belongs to it. When it closes, what is above it moves into an array of the right size and only
 * the entry stays. While it is open, its `count` holds the place of the container around it.
 */
#include "base/json.h"

#include "base/json_check.h"

#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

enum {
    FIRST_ENTRIES = 16,       /* an event has about ten values */
    COMPARE_PAIRS_UP_TO = 16, /* members; larger objects are sorted */
};

#define NO_CONTAINER SIZE_MAX

struct build {
    struct arena *arena;
    struct str text; /* the copy */
    struct json_member *entries;
    size_t count, cap;
    size_t open; /* the entry of the innermost open container */
    unsigned depth, max_depth;
    struct str name; /* of the member whose value comes next */
    const char *why; /* the reason of our own for which a callback stopped yajl */
};

/* What yajl gets has its size in front, for yajl_realloc(). */
struct block {
    alignas(max_align_t) size_t size;
};

static void *yajl_arena_alloc(void *ctx, size_t size)
{
    struct block *block = arena_bytes(ctx, sizeof(*block) + size);

    block->size = size;
    return block + 1;
}

static void *yajl_arena_realloc(void *ctx, void *ptr, size_t size)
{
    void *fresh = yajl_arena_alloc(ctx, size);

    if (ptr != NULL) {
        size_t old = ((const struct block *)ptr - 1)->size;

        memcpy(fresh, ptr, old < size ? old : size);
    }
    return fresh;
}

static void yajl_arena_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

/* A slice that lives as long as the arena: yajl points into our copy, or, where it had to remove
 * escapes, into a buffer that it uses again. */
static struct str keep(struct build *b, const void *ptr, size_t len)
{
    struct str s = {ptr, len};
    uintptr_t at = (uintptr_t)ptr, from = (uintptr_t)b->text.ptr;

    return at >= from && at <= from + b->text.len ? s : arena_str(b->arena, s);
}

static struct json *push(struct build *b, enum json_type type)
{
    if (b->count == b->cap) {
        size_t cap = b->cap == 0 ? FIRST_ENTRIES : b->cap * 2;
        struct json_member *entries = ARENA_NEW(b->arena, struct json_member, cap);

        if (b->count > 0)
            memcpy(entries, b->entries, b->count * sizeof(*entries));
        b->entries = entries;
        b->cap = cap;
    }
    struct json_member *entry = &b->entries[b->count++];

    *entry = (struct json_member){.name = b->name, .value = {.type = type}};
    b->name = (struct str){0};
    return &entry->value;
}

static int on_null(void *ctx)
{
    (void)push(ctx, JSON_NULL);
    return 1;
}

static int on_boolean(void *ctx, int value)
{
    push(ctx, JSON_BOOL)->boolean = value != 0;
    return 1;
}

static int on_number(void *ctx, const char *digits, size_t len)
{
    push(ctx, JSON_NUMBER)->text = keep(ctx, digits, len);
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    push(ctx, JSON_STRING)->text = keep(ctx, text, len);
    return 1;
}

static int on_name(void *ctx, const unsigned char *name, size_t len)
{
    struct build *b = ctx;

    b->name = keep(b, name, len);
    return 1;
}

static int open_container(struct build *b, enum json_type type)
{
    if (b->depth == b->max_depth) {
        b->why = "nested too deeply";
        return 0;
    }
    b->depth++;
    push(b, type)->count = b->open;
    b->open = b->count - 1;
    return 1;
}

static int on_open_object(void *ctx)
{
    return open_container(ctx, JSON_OBJECT);
}

static int on_open_array(void *ctx)
{
    return open_container(ctx, JSON_ARRAY);
}

/* Close the innermost container: its contents begin at the entry returned, *container is the
 * container. */
static const struct json_member *close_container(struct build *b, struct json **container)
{
    size_t at = b->open;
    struct json *v = &b->entries[at].value;

    b->open = v->count;
    b->depth--;
    v->count = b->count - at - 1;
    b->count = at + 1;
    *container = v;
    return &b->entries[at + 1];
}

static int on_close_array(void *ctx)
{
    struct build *b = ctx;
    struct json *array;
    const struct json_member *contents = close_container(b, &array);

    array->items = ARENA_NEW(b->arena, struct json, array->count);
    for (size_t i = 0; i < array->count; i++)
        array->items[i] = contents[i].value;
    return 1;
}

/* Shorter names first: most comparisons end at the length. */
static int compare_names(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->len == 0 ? 0 : memcmp(x->ptr, y->ptr, x->len);
}

static bool repeats_by_sorting(struct arena *arena, const struct json *object)
{
    struct str *names = ARENA_NEW(arena, struct str, object->count);

    for (size_t i = 0; i < object->count; i++)
        names[i] = object->members[i].name;
    qsort(names, object->count, sizeof(*names), compare_names);
    for (size_t i = 1; i < object->count; i++)
        if (str_eq(names[i - 1], names[i]))
            return true;
    return false;
}

static bool repeats_by_pairs(const struct json *object)
{
    for (size_t i = 1; i < object->count; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(object->members[i].name, object->members[k].name))
                return true;
    return false;
}

static int on_close_object(void *ctx)
{
    struct build *b = ctx;
    struct json *object;
    const struct json_member *contents = close_container(b, &object);

    object->members = ARENA_NEW(b->arena, struct json_member, object->count);
    if (object->count > 0)
        memcpy(object->members, contents, object->count * sizeof(*contents));
    bool repeats = object->count <= COMPARE_PAIRS_UP_TO ? repeats_by_pairs(object)
                                                        : repeats_by_sorting(b->arena, object);

    if (repeats)
        b->why = "a member appears twice in the object that ends";
    return !repeats;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_name,
    .yajl_end_map = on_close_object,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close_array,
};

/* yajl stands behind the token that it does not like, so the offset of an error of grammar is that
 * of the token's end. */
static int explain(yajl_handle yajl, const struct build *b, struct err *err)
{
    size_t at = yajl_get_bytes_consumed(yajl);

    at = at < b->text.len ? at : b->text.len;
    if (b->why != NULL)
        return err_set(err, ERR_INVALID, "%s at byte %zu", b->why, at);
    struct str why = str_from((const char *)yajl_get_error(yajl, 0, NULL, 0));

    while (why.len > 0 && (why.ptr[why.len - 1] == '\n' || why.ptr[why.len - 1] == '.'))
        why.len--;
    return err_set(err, ERR_INVALID, "%.*s at byte %zu", STR_FMT(why), at);
}

int json_parse(struct str text, unsigned max_depth, struct arena *arena, struct json **out,
               struct err *err)
{
    int rc = json_check(text, err);

    if (rc < 0)
        return rc;
    struct build b = {
        .arena = arena,
        .text = arena_str(arena, text),
        .open = NO_CONTAINER,
        .max_depth = max_depth,
    };
    yajl_alloc_funcs memory = {yajl_arena_alloc, yajl_arena_realloc, yajl_arena_free, arena};
    yajl_handle yajl = yajl_alloc(&callbacks, &memory, &b);

    (void)yajl_config(yajl, yajl_dont_validate_strings, 1);
    if (yajl_parse(yajl, (const unsigned char *)b.text.ptr, b.text.len) != yajl_status_ok ||
        yajl_complete_parse(yajl) != yajl_status_ok)
        return explain(yajl, &b, err);
    *out = &b.entries[0].value;
    return 0;
}

const struct json *json_get(const struct json *object, struct str name)
{
    for (size_t i = 0; i < object->count; i++)
        if (str_eq(object->members[i].name, name))
            return &object->members[i].value;
    return NULL;
}

bool json_to_i64(const struct json *v, int64_t *out)
{
    return v->type == JSON_NUMBER && str_to_i64(v->text, out);
}

bool json_to_double(const struct json *v, double *out)
{
    if (v->type != JSON_NUMBER)
        return false;
    /* The byte behind a number is one that ends it, or the NUL behind the copy of the text. */
    double x = strtod(v->text.ptr, NULL);

    if (!isfinite(x))
        return false;
    *out = x;
    return true;
}
