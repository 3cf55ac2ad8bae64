/* Any bytes as an Accept-Language header: two or three lower-case letters, or nothing. */
#include "event/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str language = language_of((struct str){(const char *)data, size}, &arena);

    if (language.len != 0 && language.len != 2 && language.len != 3)
        abort();
    for (size_t i = 0; i < language.len; i++)
        if (language.ptr[i] < 'a' || language.ptr[i] > 'z')
            abort();
    arena_free(&arena);
    return 0;
}
