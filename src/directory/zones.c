/* directory/zones.c -- time zones, each loaded once. */
#include "directory/directory_internal.h"

#include <stdlib.h>

struct zone {
    struct zone *next;
    struct tz *tz;
    size_t name_len;
    char name[];
};

static struct zone *zone_load(struct str name, struct err *err)
{
    struct zone *zone = directory_alloc(sizeof(*zone) + name.len);

    zone->name_len = name.len;
    if (name.len > 0)
        memcpy(zone->name, name.ptr, name.len);
    if (tz_load(name, &zone->tz, err) == 0)
        return zone;
    free(zone);
    return NULL;
}

static struct zone *zone_find(const struct zones *zones, struct str name)
{
    struct zone *zone = zones->first;

    while (zone != NULL && !str_eq((struct str){zone->name, zone->name_len}, name))
        zone = zone->next;
    return zone;
}

int zones_find(struct zones *zones, struct str name, const struct tz **out, struct err *err)
{
    (void)pthread_mutex_lock(&zones->lock);
    struct zone *zone = zone_find(zones, name);

    if (zone == NULL) {
        zone = zone_load(name, err);
        if (zone != NULL) {
            zone->next = zones->first;
            zones->first = zone;
        }
    }
    (void)pthread_mutex_unlock(&zones->lock);
    if (zone == NULL)
        return ERR_INVALID;
    *out = zone->tz;
    return 0;
}

void zones_release(struct zones *zones)
{
    while (zones->first != NULL) {
        struct zone *next = zones->first->next;

        tz_free(&zones->first->tz);
        free(zones->first);
        zones->first = next;
    }
}
