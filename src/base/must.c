#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void *must(void *p)
{
    if (p == NULL) {
        (void)fputs("abacus: out of memory\n", stderr);
        abort();
    }
    return p;
}
