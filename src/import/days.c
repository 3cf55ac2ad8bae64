/* import/days.c -- a set of days as an ascending list: they nearly always come in order. */
#include "import/import_internal.h"

#include <string.h>

/* Where `day` stands, or would stand. */
static size_t find(const struct days *days, int32_t day)
{
    size_t low = 0, high = days->count;

    if (high > 0 && days->day[high - 1] < day)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (days->day[middle] < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool days_has(const struct days *days, int32_t day)
{
    size_t at = find(days, day);

    return at < days->count && days->day[at] == day;
}

bool days_add(struct days *days, int32_t day, struct arena *arena)
{
    size_t at = find(days, day);

    if (at < days->count && days->day[at] == day)
        return false;
    if (days->count == days->cap) {
        size_t cap = days->cap == 0 ? 64 : 2 * days->cap;
        int32_t *more = ARENA_NEW(arena, int32_t, cap);

        if (days->count > 0)
            memcpy(more, days->day, days->count * sizeof(*more));
        *days = (struct days){more, days->count, cap};
    }
    memmove(days->day + at + 1, days->day + at, (days->count - at) * sizeof(days->day[0]));
    days->day[at] = day;
    days->count++;
    return true;
}
