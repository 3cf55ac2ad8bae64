/*
 * Any bytes as properties: read without harm; and where they are a flat object, member by member
 * what the general parser says, also after masking.
 */
#include "base/json.h"
#include "event/event_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    const struct json *object;
    size_t next;
    struct arena *arena;
};

static struct str text_of(const struct json *v, struct arena *arena)
{
    if (v->type == JSON_BOOL)
        return v->boolean ? STR("true") : STR("false");
    return v->type == JSON_NUMBER ? number_plain(v->text, arena) : v->text;
}

static int compare(void *ctx, struct str name, struct str value)
{
    struct walk *walk = ctx;

    if (walk->next == walk->object->count)
        abort();
    const struct json_member *member = &walk->object->members[walk->next++];

    if (!str_eq(member->name, name) || !str_eq(text_of(&member->value, walk->arena), value))
        abort();
    return 0;
}

static int pass(void *ctx, struct str name, struct str value)
{
    (void)name;
    (void)value;
    return ++*(size_t *)ctx > EVENT_BODY_MAX ? -1 : 0;
}

static bool is_flat(const struct json *v)
{
    if (v->type != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < v->count; i++)
        if (v->members[i].value.type == JSON_NULL)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct arena arena = {0};
    struct json *v = NULL;
    struct buf canonical = {0};
    size_t calls = 0;

    (void)props_each(input, &arena, pass, &calls);
    if (json_parse(input, 1, &arena, &v, NULL) == 0 && is_flat(v)) {
        struct walk walk = {v, 0, &arena};

        json_value(&(struct json_out){.buf = &canonical}, v);
        if (props_each(buf_str(&canonical), &arena, compare, &walk) != 0 || walk.next != v->count)
            abort();
        size_t masked = 0;

        (void)props_each(mask_props(buf_str(&canonical), &arena), &arena, pass, &masked);
        if (masked != v->count)
            abort();
    }
    buf_release(&canonical);
    arena_free(&arena);
    return 0;
}
