/*
 * directory/directory.c -- when to look at the store, and what to swap.
 *
 * A look is cheap while nothing changed: one question for the store's version. If that moved, the
 * counter that each change of sites and tokens raises is read, and only if that moved too are the
 * rows. The salts are asked for when the set of living dates changed, when their own counter says
 * that another process changed some, and every hour, for stores without such a counter; what is
 * held goes with the question, for a store that has lost them. Where the store cannot be read, the
 * last snapshot stays, and where there is none yet, it is tried again with each look.
 *
 * Threads: one loads (the directory's own once it runs); any number take and give back. The lock is
 * held to copy one pointer and count one reference; the last holder frees.
 */
#include "directory/directory_internal.h"

#include "base/clock.h"
#include "base/date.h"

#include <assert.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

enum { TICK_MS = 250 };

/* -- loading ----------------------------------------------------------------------------------- */

/* sodium_malloc() locks if it can and does not say so; locking once more tells. */
static void check_locked(struct directory *directory, struct salt_box *box)
{
    if (directory->told_unlocked || sodium_mlock(box->salts, sizeof(*box->salts)) == 0)
        return;
    directory->told_unlocked = true;
    if (directory->config.logger != NULL)
        logger_line(directory->config.logger, LOG_WARN,
                    "salts may be swapped out: memory cannot be locked (raise RLIMIT_MEMLOCK)",
                    NULL);
}

static bool salts_due(const struct directory *directory, int64_t now_ms)
{
    int32_t first, last;
    int64_t age_ms = now_ms - directory->salts_read_ms;

    store_salt_days(now_ms, &first, &last);
    return directory->current == NULL || first != directory->salts_first ||
           last != directory->salts_last || age_ms < 0 || age_ms >= HOUR_MS;
}

static int load_salts(struct directory *directory, struct store *store, int64_t now_ms,
                      struct salt_box **out, struct err *err)
{
    struct salt_box *box = salt_box_new();

    if (directory->current != NULL)
        *box->salts = *directory->current->box->salts;
    int rc = store_salts(store, now_ms, box->salts, err);

    if (rc != 0) {
        salt_box_give(box);
        return rc;
    }
    check_locked(directory, box);
    store_salt_days(now_ms, &directory->salts_first, &directory->salts_last);
    directory->salts_read_ms = now_ms;
    *out = box;
    return 0;
}

/* The counter is read before the rows: a change between the two is seen twice rather than never. */
static int load_tables(struct directory *directory, struct store *store, struct tables **out,
                       struct err *err)
{
    const struct tables *before = directory->current == NULL ? NULL : directory->current->tables;
    int64_t counters[COUNTERS];
    struct directory_rows rows;
    struct arena arena = {0};
    int rc = store_counters(store, counters, err);

    if (rc == 0)
        rc = store_read_directory(store, &arena, &rows, err);
    if (rc == 0) {
        *out = tables_new(directory, before, &rows);
        directory->rows_version = (*out)->version = counters[COUNTER_DIRECTORY];
        sodium_memzero(&rows, sizeof(rows));
    }
    arena_free(&arena);
    return rc;
}

static void swap(struct directory *directory, struct snapshot *new)
{
    (void)pthread_mutex_lock(&directory->lock);
    struct snapshot *old = directory->current;

    directory->current = new;
    (void)pthread_mutex_unlock(&directory->lock);
    snapshot_give(old);
}

/* Make a snapshot with what is new of the two, the rest from the last one. */
static int load(struct directory *directory, struct store *store, bool rows, bool salts,
                int64_t now_ms, struct err *err)
{
    struct snapshot *current = directory->current;
    struct tables *tables = NULL;
    struct salt_box *box = NULL;
    int rc = salts ? load_salts(directory, store, now_ms, &box, err) : 0;

    if (rc == 0 && rows)
        rc = load_tables(directory, store, &tables, err);
    bool either = tables != NULL || box != NULL, both = tables != NULL && box != NULL;

    /* The first snapshot needs both. */
    if (current == NULL ? both : either)
        swap(directory, snapshot_new(tables != NULL ? tables : current->tables,
                                     box != NULL ? box : current->box));
    tables_give(tables);
    salt_box_give(box);
    return rc;
}

int directory_load(struct directory *directory, struct store *store, int64_t now_ms,
                   struct err *err)
{
    return load(directory, store, true, true, now_ms, err);
}

int directory_refresh(struct directory *directory, struct store *store, int64_t now_ms,
                      struct err *err)
{
    struct snapshot *current = directory->current;
    int64_t counters[COUNTERS];
    int rc = store_counters(store, counters, err);

    if (rc != 0 || (current != NULL && counters[COUNTER_DIRECTORY] == directory->rows_version))
        return rc;
    if (current != NULL)
        return load(directory, store, true, false, now_ms, err);
    struct salt_box *none = salt_box_new();
    struct tables *tables = NULL;

    rc = load_tables(directory, store, &tables, err);
    if (rc == 0)
        swap(directory, snapshot_new(tables, none));
    tables_give(tables);
    salt_box_give(none);
    return rc;
}

/* -- the thread -------------------------------------------------------------------------------- */

/* What is new since *version, which moves on; counters are read before what they speak of. */
struct news {
    bool rows, salts;
    int64_t salts_version;
};

static int find_news(const struct directory *directory, int64_t *version, struct news *out,
                     struct err *err)
{
    int64_t now_version = 0, counters[COUNTERS];
    int rc = store_version(directory->store, &now_version, err);

    if (rc != 0 || now_version == *version)
        return rc;
    rc = store_counters(directory->store, counters, err);
    if (rc != 0)
        return rc;
    *version = now_version;
    out->rows = counters[COUNTER_DIRECTORY] != directory->rows_version;
    out->salts = counters[COUNTER_SALTS] != directory->salts_version;
    out->salts_version = counters[COUNTER_SALTS];
    return 0;
}

/* Rows and salts fail each for itself: neither keeps the other from following. *version moves on
 * only when everything that was new under it has been read. */
static int follow_store(struct directory *directory, int64_t *version, int64_t now_ms,
                        struct err *err)
{
    struct news news = {.salts_version = directory->salts_version};
    int64_t now_version = *version;
    int rc = find_news(directory, &now_version, &news, err);
    int rows_rc = 0, salts_rc = 0;

    if (news.rows)
        rows_rc = load(directory, directory->store, true, false, now_ms, err);
    if (news.salts || salts_due(directory, now_ms))
        salts_rc = load(directory, directory->store, false, true, now_ms, err);
    if (salts_rc == 0)
        directory->salts_version = news.salts_version;
    if (rc == 0)
        rc = rows_rc != 0 ? rows_rc : salts_rc;
    if (rc == 0)
        *version = now_version;
    return rc;
}

static void tell(struct directory *directory, int rc, const struct err *err)
{
    char quoted[384];

    if (rc != 0 && !directory->told_failure && directory->config.logger != NULL)
        logger_line(directory->config.logger, LOG_ERROR, "sites, tokens or salts cannot be read",
                    "reason=%s", logger_quote(err->text, quoted, sizeof(quoted)));
    directory->told_failure = rc != 0;
}

static void look(struct directory *directory, int64_t *version)
{
    int64_t now_ms = clock_wall_ms();
    struct err err = {""};
    int rc = directory->current == NULL ? directory_load(directory, directory->store, now_ms, &err)
                                        : follow_store(directory, version, now_ms, &err);

    tell(directory, rc, &err);
    if (directory->config.tick != NULL)
        directory->config.tick(directory->config.ctx, directory->store, now_ms);
}

/* Until it is time for the next look; true if the directory is to stop. */
static bool pause_or_stop(struct directory *directory)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_mutex_lock(&directory->stop_lock);
    while (!directory->stopping &&
           pthread_cond_timedwait(&directory->stop_changed, &directory->stop_lock, &until) == 0)
        ;
    bool stopping = directory->stopping;

    (void)pthread_mutex_unlock(&directory->stop_lock);
    return stopping;
}

static void *follow(void *ctx)
{
    (void)prctl(PR_SET_NAME, "directory");
    struct directory *directory = ctx;
    int64_t version = -1;

    do
        look(directory, &version);
    while (!pause_or_stop(directory));
    return NULL;
}

/* Signals are for the program's other threads. */
int directory_start(struct directory *directory, struct store **store, struct err *err)
{
    sigset_t all, before;

    assert(!directory->running);
    directory->store = *store;
    *store = NULL;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&directory->thread, NULL, follow, directory);

    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    directory->running = rc == 0;
    if (rc != 0) {
        store_close(&directory->store);
        return err_set(err, ERR_SYSTEM, "no thread for the directory: %s", strerror(rc));
    }
    return 0;
}

void directory_stop(struct directory *directory)
{
    if (!directory->running)
        return;
    (void)pthread_mutex_lock(&directory->stop_lock);
    directory->stopping = true;
    (void)pthread_cond_signal(&directory->stop_changed);
    (void)pthread_mutex_unlock(&directory->stop_lock);
    (void)pthread_join(directory->thread, NULL);
    directory->running = directory->stopping = false;
    store_close(&directory->store);
}

/* -- the directory ----------------------------------------------------------------------------- */

struct directory *directory_new(const struct directory_config *config)
{
    struct directory *directory = directory_alloc(sizeof(*directory));
    pthread_condattr_t steady;

    directory->config = *config;
    directory->salts_version = -1;
    (void)pthread_mutex_init(&directory->lock, NULL);
    (void)pthread_mutex_init(&directory->zones.lock, NULL);
    (void)pthread_mutex_init(&directory->stop_lock, NULL);
    (void)pthread_condattr_init(&steady);
    (void)pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&directory->stop_changed, &steady);
    (void)pthread_condattr_destroy(&steady);
    return directory;
}

void directory_free(struct directory **directory)
{
    struct directory *d = *directory;

    if (d == NULL)
        return;
    directory_stop(d);
    snapshot_give(d->current);
    zones_release(&d->zones);
    (void)pthread_cond_destroy(&d->stop_changed);
    (void)pthread_mutex_destroy(&d->stop_lock);
    (void)pthread_mutex_destroy(&d->zones.lock);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
    *directory = NULL;
}

const struct snapshot *directory_take(struct directory *directory)
{
    (void)pthread_mutex_lock(&directory->lock);
    struct snapshot *snapshot = directory->current;

    if (snapshot != NULL)
        atomic_fetch_add(&snapshot->refs, 1);
    (void)pthread_mutex_unlock(&directory->lock);
    return snapshot;
}

void directory_give(struct directory *directory, const struct snapshot *snapshot)
{
    (void)directory;
    /* Given out as const, for nobody else may change it; its count is ours. */
    snapshot_give((struct snapshot *)(uintptr_t)snapshot);
}
