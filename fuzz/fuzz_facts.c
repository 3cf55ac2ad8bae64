/* Any bytes as the parts of a pack: refused, or facts that answer every question; and as a rollup:
 * refused, or one whose bytes say the same again.
 *
 * The input is parts one after the other: its number, two bytes of length (low first), bytes. */
#include "facts/facts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 16 };

static const struct filter filters[] = {
    {.dimension = DIM_PAGE, .op = FILTER_CONTAINS, .value = STR_INIT("a")},
    {.dimension = DIM_SOURCE, .op = FILTER_IS_NOT, .value = STR_INIT("a")},
    {.dimension = DIM_GOAL, .op = FILTER_STARTS_WITH, .value = STR_INIT("L")},
    {.dimension = DIM_PROP, .prop = STR_INIT("p"), .value = STR_INIT("")},
};

static void ask(const struct facts *facts, size_t filters_count, struct arena *arena)
{
    struct facts_hour hours[FACTS_HOURS_MAX];
    struct stats stats;
    size_t count = 0;

    for (unsigned d = 0; d < DIMENSIONS; d++)
        facts_count(facts, filters, filters_count, 3,
                    counts_new(arena, (enum dimension)d, STR("p")));
    facts_stats(facts, filters, filters_count, &stats, hours, &count);
    facts_stats(facts, filters, filters_count, &stats, NULL, NULL);
    if (count > FACTS_HOURS_MAX)
        abort();
}

static void roll(const struct pack_part *part, struct arena *arena)
{
    struct counts *counts = counts_new(arena, DIM_EVENT, STR(""));
    struct counts *again = counts_new(arena, DIM_EVENT, STR(""));

    (void)counts_add_packed(counts_new(arena, DIM_PROP, STR("p")), part, NULL);
    (void)prop_names_add_packed(prop_names_new(arena), part, NULL);
    if (counts_load(counts, part->bytes, NULL) != 0)
        return;
    struct str bytes = counts_save(counts, SIZE_MAX, arena);

    if (counts_load(again, bytes, NULL) != 0 || !str_eq(bytes, counts_save(again, SIZE_MAX, arena)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct site site = {.id = STR("s")};
    struct arena arena = {0};
    struct pack_part parts[PARTS];
    size_t count = 0;
    struct facts *facts = NULL;

    while (size >= 3 && count < PARTS) {
        size_t len = (size_t)data[1] | (size_t)data[2] << 8;

        len = len < size - 3 ? len : size - 3;
        parts[count] = (struct pack_part){
            site.id, 0, data[0], arena_str(&arena, (struct str){(const char *)data + 3, len})};
        roll(&parts[count++], &arena);
        data += 3 + len;
        size -= 3 + len;
    }
    if (facts_unpack(&site, 0, parts, count, &arena, &facts, NULL) == 0) {
        prop_names_add(prop_names_new(&arena), facts);
        for (size_t i = 0; i <= sizeof(filters) / sizeof(filters[0]); i++)
            ask(facts, i, &arena);
    }
    arena_free(&arena);
    return 0;
}
