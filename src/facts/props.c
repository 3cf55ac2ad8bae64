/*
 * facts/props.c -- which properties events carry.
 *
 * A dict of properties is in the order of their names, and so are the rollups of a pack (pack.c):
 * each name is found without looking at an event.
 */
#include "facts/facts_internal.h"

#include <stdlib.h>

struct prop_names {
    struct intern texts;
};

struct prop_names *prop_names_new(struct arena *arena)
{
    struct prop_names *names = ARENA_NEW(arena, struct prop_names, 1);

    intern_init(&names->texts, arena);
    return names;
}

void prop_names_add(struct prop_names *names, const struct facts *facts)
{
    struct dict dict = facts->dicts[DIM_PROP];
    struct str before = STR("");

    for (uint32_t i = 1; i < dict.count; i++) {
        struct str name = prop_name(dict.values[i]);

        if (!str_eq(name, before))
            (void)intern_put(&names->texts, name);
        before = name;
    }
}

int prop_names_add_packed(struct prop_names *names, const struct pack_part *part, struct err *err)
{
    struct str rollups;
    int rc = rollup_of_part(part, DIM_PROP, &rollups, err);

    if (rc <= 0)
        return rc;
    struct reader reader = reader_of(rollups);

    while (reader.at < reader.end) {
        struct str name = read_text(&reader);

        (void)read_text(&reader);
        if (!reader.bad)
            (void)intern_put(&names->texts, name);
    }
    return reader.bad ? err_set(err, ERR_CORRUPT, "rollups of properties are damaged") : 0;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t prop_names_list(const struct prop_names *names, const struct str **out)
{
    /* Number 0 is no name. */
    size_t count = names->texts.count - 1;
    struct str *list = ARENA_NEW(names->texts.arena, struct str, count + 1);

    memcpy(list, names->texts.values + 1, count * sizeof(list[0]));
    qsort(list, count, sizeof(list[0]), by_text);
    *out = list;
    return count;
}
