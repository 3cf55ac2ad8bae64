/* fuzz_coding.c -- whatever Accept-Encoding says, the form chosen is one of those offered, a longer
 * offer never loses an answer, and one that is refused alone is not chosen among others. */
#include "http/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = {(const char *)data, size};
    bool alone[CODINGS];

    for (unsigned c = 0; c < CODINGS; c++)
        alone[c] = http_coding_choose(header, 1U << c) != CODINGS;
    for (unsigned offered = 0; offered < 1U << CODINGS; offered++) {
        enum http_coding chosen = http_coding_choose(header, offered);
        bool any = false;

        for (unsigned c = 0; c < CODINGS; c++)
            any = any || ((offered >> c & 1) != 0 && alone[c]);
        if (any != (chosen != CODINGS))
            abort();
        if (chosen != CODINGS && ((offered >> chosen & 1) == 0 || !alone[chosen]))
            abort();
    }
    return 0;
}
