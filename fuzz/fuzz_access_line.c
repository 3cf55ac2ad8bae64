/* Any line of an access log: read or refused, within its bounds. */
#include "import/import.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct access_line line;

    if (sodium_init() < 0)
        abort();

    if (access_line_parse((struct str){(const char *)data, size}, &arena, &line)) {
        (void)access_line_is_page(&line);
        if (line.time_ms < 0 || line.status < 0 || line.status > 999 || line.target.len > size)
            abort();
    }
    arena_free(&arena);
    return 0;
}
