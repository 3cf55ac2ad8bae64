/*
 * properties.c -- which properties the events of a range carry.
 *
 * Asked as a breakdown by one of them would be, so that what is named here has rows there: rollups
 * of packed days stream by, days that are due are looked at whole.
 */
#include "query/query_internal.h"

struct listing {
    struct prop_names *names;
    const struct due *due;
    struct err *err;
};

static int add_day(void *ctx, int32_t day, const struct facts *facts)
{
    const struct listing *listing = ctx;

    (void)day;
    prop_names_add(listing->names, facts);
    return 0;
}

static int add_rollups(void *ctx, const struct pack_part *part)
{
    const struct listing *listing = ctx;

    if (due_has(listing->due, part->day))
        return 0;
    return prop_names_add_packed(listing->names, part, listing->err);
}

static int list_range(struct store *store, const struct site *site, struct range range,
                      struct query_recent *recent, struct listing *listing, struct arena *list,
                      struct arena *scratch, struct err *err)
{
    int32_t parts[PACK_PARTS_MAX];
    struct due due = {0};
    bool events;
    size_t parts_count = facts_parts(DIM_PROP, NULL, 0, false, parts, &events);
    int rc = store_due_days(store, site->tenant, site->id, range.from, range.to, list, &due.days,
                            &due.count, err);

    listing->due = &due;
    if (rc == 0)
        rc = days_each_due(store, site, &due, recent, scratch, add_day, listing, err);
    if (rc == 0)
        rc = store_each_pack(store, site->tenant, site->id, range.from, range.to, parts,
                             parts_count, add_rollups, listing, err);
    listing->due = NULL;
    return rc;
}

int query_properties(struct store *store, const struct site *site, struct range range,
                     int32_t available, struct query_recent *recent, struct arena *arena,
                     struct query_properties *out, struct err *err)
{
    struct arena list = {0}, scratch = {0};
    struct listing listing = {.names = prop_names_new(arena), .err = err};
    struct range kept = range_kept(range, available);
    int rc = 0;

    *out = (struct query_properties){0};
    if (kept.from <= kept.to)
        rc = list_range(store, site, kept, recent, &listing, &list, &scratch, err);
    if (rc == 0) {
        out->total = prop_names_list(listing.names, &out->names);
        out->count = out->total < PROPERTIES_MAX ? out->total : PROPERTIES_MAX;
    }
    arena_free(&scratch);
    arena_free(&list);
    return rc;
}
