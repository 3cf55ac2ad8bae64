/*
 * aggregate/pack.c -- days that are over become packs (facts/facts.h).
 *
 * A day is due from its first event on, and again whenever something of it changes. Who holds the
 * lease is the only one who changes it, so between reading a day's rows and the commit that stores
 * its pack and takes it off the list nothing can have been added; a lease that was lost meanwhile
 * makes that commit fail. A day is left alone for PACK_GRACE_MS after its end, in which visits
 * of the evening still go on. The rows stay what is true: a pack may be made again at any time.
 */
#include "aggregate/aggregate_internal.h"

#include "base/clock.h"
#include "base/date.h"
#include "facts/facts.h"

enum {
    PACK_GRACE_MS = VISIT_TIMEOUT_MS + 5 * 60 * 1000,
    COMMIT_BYTES = 4 * 1024 * 1024, /* of packs in one transaction */
    COMMIT_DAYS = 500,
    STEP_US = 2 * 1000 * 1000, /* a run packs this long, then events come first again */
};

/* Packs on their way into one transaction. */
struct packing {
    struct run *run;
    struct arena arena; /* what waits to be committed */
    struct site_day *days;
    size_t days_count;
    struct pack_part *parts;
    size_t parts_count, parts_cap, bytes;
};

static void add_parts(struct packing *packing, const struct pack_part *parts, size_t count)
{
    if (packing->parts_count + count > packing->parts_cap) {
        packing->parts_cap = 2 * (packing->parts_count + count);
        struct pack_part *more = ARENA_NEW(&packing->arena, struct pack_part, packing->parts_cap);

        if (packing->parts_count > 0)
            memcpy(more, packing->parts, packing->parts_count * sizeof(more[0]));
        packing->parts = more;
    }
    for (size_t i = 0; i < count; i++) {
        struct pack_part *part = &packing->parts[packing->parts_count++];

        *part = parts[i];
        part->site = arena_str(&packing->arena, parts[i].site);
        part->bytes = arena_str(&packing->arena, parts[i].bytes);
        packing->bytes += part->bytes.len;
    }
}

static int commit_packs(struct packing *packing, struct err *err)
{
    const struct store_batch batch = {
        .packed = packing->days,
        .packed_count = packing->days_count,
        .packs = packing->parts,
        .packs_count = packing->parts_count,
    };
    int rc = packing->days_count == 0 ? 0 : store_commit(packing->run->store, &batch, err);

    arena_reset(&packing->arena);
    packing->days = NULL;
    packing->parts = NULL;
    packing->days_count = packing->parts_count = packing->parts_cap = packing->bytes = 0;
    return rc;
}

/* A day of many millions of events, whose columns the store does not take in one piece, stays due:
 * it is answered from its rows, which are kept as long. */
static bool fits(const struct run *run, const struct site *site, const struct pack_part *parts,
                 size_t count)
{
    char date[DATE_TEXT];

    for (size_t i = 0; i < count; i++) {
        if (parts[i].bytes.len <= PACK_PART_BYTES_MAX)
            continue;
        date_format(parts[i].day, date);
        if (run->config->logger != NULL)
            logger_line(run->config->logger, LOG_ERROR, "a day is too large to be packed",
                        "site=%.*s day=%s bytes=%zu", STR_FMT(site->id), date, parts[i].bytes.len);
        return false;
    }
    return true;
}

static int pack_day(struct packing *packing, const struct site *site, int32_t day, struct err *err)
{
    struct arena arena = {0};
    struct facts *facts = NULL;
    int rc = facts_load(packing->run->store, site, day, &arena, &facts, err);

    if (rc == 0) {
        struct pack_part *parts = NULL;
        size_t count = 0;

        facts_pack(facts, (size_t)site->paths_per_day, &arena, &parts, &count);
        if (!fits(packing->run, site, parts, count)) {
            arena_free(&arena);
            return 0;
        }
        if (packing->days == NULL)
            packing->days = ARENA_NEW(&packing->arena, struct site_day, COMMIT_DAYS);
        packing->days[packing->days_count++] =
            (struct site_day){arena_str(&packing->arena, site->id), day};
        add_parts(packing, parts, count);
    }
    arena_free(&arena);
    if (rc == 0 && (packing->days_count == COMMIT_DAYS || packing->bytes >= COMMIT_BYTES))
        rc = commit_packs(packing, err);
    return rc;
}

static bool is_over(const struct run *run, const struct site *site, int32_t day)
{
    return run->now_ms >= tz_day_start(site->tz, day + 1) + PACK_GRACE_MS;
}

int pack_run(struct run *run, bool all, struct err *err)
{
    struct packing packing = {.run = run};
    struct arena arena = {0};
    struct site_day *due = NULL;
    size_t count = 0;
    int64_t until_us = clock_steady_us() + STEP_US;
    /* No date is further ahead than a day. */
    int32_t before = (int32_t)(run->now_ms / DAY_MS) + 2;
    int rc = store_load_due(run->store, run->partitions, before, &arena, &due, &count, err);

    for (size_t i = 0; rc == 0 && i < count && !run_stopping(run); i++) {
        const struct site *site = snapshot_site(run->snapshot, due[i].site);

        if (site == NULL || !is_over(run, site, due[i].day))
            continue;
        if (!all && clock_steady_us() > until_us)
            break;
        rc = pack_day(&packing, site, due[i].day, err);
    }
    if (rc == 0)
        rc = commit_packs(&packing, err);
    arena_free(&packing.arena);
    arena_free(&arena);
    return rc;
}
