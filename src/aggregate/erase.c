/*
 * aggregate/erase.c -- erasing from the store (what is due: erase_find.c; packs: erase_packs.c; the
 * rest of a tenant: erase_tenant.c; the receipt: erase_receipt.c).
 *
 * A run looks for what is due before it measures how much waits in the queue. So whatever was
 * accepted before somebody asked is counted first, by who holds the lease of the site's partition,
 * and erased behind it under the same lease: nothing of a site comes after, but from a node of the
 * platform that was cut off from Redis, whose events are then dropped as those of a site that is no
 * more. A value in such events, though, would be counted again, since nobody may keep what it was:
 * it is erased only once everything is counted up to RELAY_MS after it was asked for, and what a
 * node brings later than that has to be erased once more.
 *
 * Steps, each of which may be done twice: the sites (or the value in a site), a bounded piece in a
 * transaction; of a tenant then its people's memberships, tokens, links and itself; the files of
 * the store written anew, once for everything; done_ms; after values, which leave the receipt with
 * that, the files again. A run that is stopped or killed in between leaves the erasure due, and the
 * next one does the rest. `rows` are put into the receipt at the
 * end of a run, however it ends: only a job that was killed leaves some of them out.
 *
 * What has an erasure has been shut before (manage/erasures.c): a site that is open is another one
 * of the same id, made since, and is left alone.
 */
#include "aggregate/erase.h"

#include "aggregate/aggregate_internal.h"
#include "base/clock.h"

enum { AGAIN_US = 60 * 1000 * 1000 }; /* after a failure: giving up space may take long */
#define ERASED_NAME "(erased)"

/* -- erasing, by who holds the lease ----------------------------------------------------------- */

static int judge_site(struct run *run, const struct erasing *erasing, struct str site,
                      enum verdict *out, struct err *err)
{
    bool whole = erasing->kind == ERASE_SITE;
    struct arena arena = {0};
    struct site_row row;
    int rc = erasing->kind == ERASE_TENANT
                 ? erase_judge_tenant(run, erasing, out, err)
                 : store_get(run->store, ROW_SITE, site, &arena, &row, err);

    if (erasing->kind == ERASE_TENANT || rc < 0)
        goto done;
    if (rc == 0)
        *out = whole ? ERASE_IT : NOTHING_TO_ERASE;
    else if (!str_eq(row.tenant, erasing->tenant))
        *out = NOTHING_TO_ERASE;
    else
        *out = !whole || row.erase_ms != 0 ? ERASE_IT : erase_judge_open(erasing, row.created_ms);
done:
    arena_free(&arena);
    return rc < 0 ? rc : 0;
}

static int erase_some(struct run *run, const struct erasing *erasing, struct str site, bool *more,
                      int64_t rows[ERASED_TABLES], struct err *err)
{
    const struct actor actor = erase_actor(erasing);

    if (erasing->kind == ERASE_SITE || erasing->kind == ERASE_TENANT)
        return store_erase_site(run->store, site, &actor, more, rows, err);
    return store_erase_value(run->store, site, erasing->kind, erasing->value, STR(ERASED_NAME),
                             more, rows, err);
}

/* Its rows, until nothing is left; *done says whether that is so. */
static int erase_rows(struct run *run, struct erasing *erasing, struct str site, bool *done,
                      struct err *err)
{
    bool more = true;
    int rc = 0;

    while (rc == 0 && more && !run_stopping(run)) {
        int64_t rows[ERASED_TABLES] = {0};

        rc = erase_some(run, erasing, site, &more, rows, err);
        if (rc != 0)
            break;
        erase_count_tables(erasing, rows);
        if (more)
            rc = erase_pause(run, err);
    }
    *done = rc == 0 && !more;
    return rc;
}

int erase_pause(struct run *run, struct err *err)
{
    /* Renews the lease, too. */
    int rc = store_commit(run->store, &(struct store_batch){0}, err);

    if (rc == 0)
        store_yield(run->store);
    return rc;
}

static int erase_site(struct run *run, struct erasing *erasing, struct erasing_site *site,
                      struct err *err)
{
    enum verdict verdict = LEAVE_IT;
    int64_t packs = 0;
    int rc = judge_site(run, erasing, site->id, &verdict, err);

    site->done = rc == 0 && verdict == NOTHING_TO_ERASE;
    if (rc != 0 || verdict != ERASE_IT)
        return rc;
    rc = erase_rows(run, erasing, site->id, &site->done, err);
    if (rc == 0 && site->done && erasing->value.len > 0) {
        rc = erase_from_packs(run, erasing, STR(ERASED_NAME), &packs, &site->done, err);
        erase_count(erasing, "packs", packs);
    }
    return rc;
}

int erase_run(struct run *run, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < run->erase.count; i++) {
        struct erasing *erasing = &run->erase.items[i];

        for (size_t k = 0; rc == 0 && k < erasing->sites_count && !run_stopping(run); k++)
            if ((run->partitions >> site_partition(erasing->sites[k].id) & 1) != 0)
                rc = erase_site(run, erasing, &erasing->sites[k], err);
    }
    return rc;
}

/* -- the end ----------------------------------------------------------------------------------- */

static bool sites_are_done(const struct erasing *erasing)
{
    for (size_t i = 0; i < erasing->sites_count; i++)
        if (!erasing->sites[i].done)
            return false;
    return true;
}

static int finish_stores(struct run *run, bool *any, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < run->erase.count; i++) {
        struct erasing *erasing = &run->erase.items[i];

        erasing->done = sites_are_done(erasing);
        if (erasing->done && erasing->kind == ERASE_TENANT)
            rc = erase_tenant(run, erasing, &erasing->done, err);
        *any = *any || erasing->done;
    }
    return rc;
}

/* Newer than all before, whatever the clock says: nodes look for what is new. */
static int finish_receipts(struct run *run, bool complete, struct err *err)
{
    int64_t done_ms = clock_wall_ms();
    int rc = 0;

    if (done_ms <= run->erase.newest_ms)
        done_ms = run->erase.newest_ms + 1;
    for (size_t i = 0; rc == 0 && i < run->erase.count; i++) {
        struct erasing *erasing = &run->erase.items[i];
        bool done = complete && erasing->done;

        if (done || erasing->tables_count > 0)
            rc = erase_put_receipt(run, erasing, done ? done_ms++ : 0, err);
        if (rc == 0 && done && run->config->logger != NULL)
            logger_line(run->config->logger, LOG_INFO, "erased", "receipt=%.*s",
                        STR_FMT(erasing->id));
    }
    return rc;
}

static bool has_values(const struct run *run)
{
    for (size_t i = 0; i < run->erase.count; i++)
        if (run->erase.items[i].done && run->erase.items[i].value.len > 0)
            return true;
    return false;
}

int erase_finish(struct run *run, struct erase_watch *watch, struct err *err)
{
    struct err why = {""};
    bool any = false;
    int rc = 0;

    if (run->erase.count > 0 && !run_stopping(run))
        rc = finish_stores(run, &any, err);
    if (rc == 0 && any)
        rc = store_compact(run->store, err);
    int noted = run->erase.count > 0 ? finish_receipts(run, rc == 0, &why) : 0;

    if (rc == 0 && noted != 0)
        rc = err_set(err, noted, "%s", why.text);
    /* What was asked for named the value, too. */
    if (rc == 0 && has_values(run))
        rc = store_compact(run->store, err);
    if (rc != 0)
        watch->again_us = clock_steady_us() + AGAIN_US;
    erase_drop(run);
    return rc;
}
