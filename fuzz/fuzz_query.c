/* fuzz_query.c -- whatever the query string, decoded names and values are UTF-8 without NUL, and
 * looking a parameter up agrees with walking over all of them. */
#include "base/utf8.h"
#include "http/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    struct str first;
    unsigned names, of_first;
};

static int look(void *ctx, struct str name, struct str value)
{
    struct walk *walk = ctx;

    if (!utf8_valid(name) || !utf8_valid(value) || str_find(name, 0, '\0') != name.len ||
        str_find(value, 0, '\0') != value.len)
        abort();
    if (walk->names++ == 0)
        walk->first = name;
    walk->of_first += str_eq(name, walk->first);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str query = {(const char *)data, size};
    struct arena arena = {0};
    struct walk walk = {0};
    struct str value;
    int all = query_each(query, &arena, look, &walk, NULL);

    if (all != 0 && all != ERR_INVALID)
        abort();
    int one = query_param(query, walk.names > 0 ? walk.first : STR("absent"), &arena, &value, NULL);

    if (all == 0 && walk.names > 0 && one != (walk.of_first == 1 ? 1 : ERR_INVALID))
        abort();
    if (all != 0 && one != ERR_INVALID)
        abort();
    arena_free(&arena);
    return 0;
}
