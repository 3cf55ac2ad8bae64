/* cli/privacy_read.c -- the facts of the report: from the database, in one snapshot; from the files
 * of this machine; from Redis. Nothing is written anywhere. */
#include "cli/privacy.h"

#include "aggregate/aggregate.h"
#include "base/date.h"
#include "log/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* -- what is too old -- */

/* Retention runs hourly in serve, at least daily from cron: what should have gone a day ago is
 * overdue. Raw rows that wait to be packed are held back; a day that still waits two days after
 * that is what is wrong. */
enum { LATE_DAYS = 1, HELD_DAYS = 2 };

static struct expiry expiry_of(const struct privacy *privacy, const struct site *site,
                               int32_t needed)
{
    int64_t late_ms = privacy->now_ms - LATE_DAYS * DAY_MS;
    int32_t most = retention_of_site(site, late_ms - HELD_DAYS * DAY_MS, INT32_MAX).raw_before_day;
    return retention_of_site(site, late_ms, needed > most ? needed : most);
}

static int read_overdue(struct privacy *privacy, struct store *store, struct err *err)
{
    const struct settings *settings = privacy->in->settings;
    size_t count = privacy->sites_count + privacy->held.removed_count, due_count = 0;
    struct expiry *expiries = ARENA_NEW(privacy->in->arena, struct expiry, count + 1);
    struct site_day *due = NULL;
    int rc =
        store_load_due(store, PARTITIONS_ALL, INT32_MAX, privacy->in->arena, &due, &due_count, err);
    for (size_t i = 0; rc == 0 && i < privacy->sites_count; i++) {
        int32_t needed = retention_needs(due, due_count, privacy->sites[i]->id);
        expiries[i] = expiry_of(privacy, privacy->sites[i], needed);
    }
    for (size_t i = 0; rc == 0 && i < privacy->held.removed_count; i++) {
        struct expiry *expiry = &expiries[privacy->sites_count + i];
        *expiry = retention_of_removed((int32_t)settings->raw_days, (int32_t)settings->visit_days,
                                       (int32_t)settings->stats_days,
                                       privacy->now_ms - LATE_DAYS * DAY_MS);
        expiry->site = privacy->held.removed[i];
    }
    privacy->due_days = due_count;
    privacy->overdue = ARENA_NEW(privacy->in->arena, uint32_t, count + 1);
    return rc == 0 ? store_overdue(store, expiries, count, privacy->overdue, err) : rc;
}

static int read_database(struct privacy *privacy, struct store *store, struct err *err)
{
    int rc = store_read_begin(store, err);
    if (rc != 0) {
        return rc;
    }
    rc = store_holdings(store, privacy->in->arena, &privacy->held, err);
    if (rc == 0) {
        rc = read_overdue(privacy, store, err);
    }
    store_read_end(store);
    return rc;
}

/* -- files -- */

static const char *path_in(const struct privacy *privacy, const char *name)
{
    struct buf path = {0};
    buf_addf(&path, "%.*s/%s%c", STR_FMT(privacy->in->settings->data_dir), name, '\0');
    const char *out = arena_str(privacy->in->arena, buf_str(&path)).ptr;
    buf_release(&path);
    return out;
}

static void count_segments(struct privacy_log *log)
{
    DIR *dir = opendir(log->place);
    const struct dirent *entry;
    log->there = dir != NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat st;
        if (str_ends(str_from(entry->d_name), STR(".seg")) &&
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            log->segments++;
            log->bytes += (uint64_t)st.st_size;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* Behind nothing: all that is there. */
static void read_log(struct privacy *privacy)
{
    struct privacy_log *log = &privacy->log;
    struct log_backlog whole = {0};
    log->place = path_in(privacy, "log");
    count_segments(log);
    if (log->there) {
        (void)log_backlog(privacy->in->settings->data_dir, NULL, 0, &whole, &log->err);
    }
    log->records = whole.records;
    log->oldest_ms = whole.oldest_ms;
}

static void read_dead_letters(struct privacy *privacy)
{
    FILE *file = fopen(path_in(privacy, "dead-letter.ndjson"), "re");
    if (file == NULL) {
        return;
    }
    for (int c = getc(file); c != EOF; c = getc(file)) {
        privacy->dead_letters += c == '\n';
    }
    fclose(file);
}

/* -- Redis -- */

static void read_buffer(struct privacy *privacy)
{
    struct queue *queue = NULL;
    if (privacy->in->settings->redis_url.len == 0) {
        return;
    }
    int rc = queue_open(privacy->in->settings->redis_url, &queue, &privacy->buffer_err);
    if (rc == 0) {
        (void)queue_status(queue, &privacy->buffer, &privacy->buffer_err);
    }
    queue_close(&queue);
}

/* -- all of it -- */

int privacy_read(struct privacy *privacy, struct store *store, struct err *err)
{
    privacy->salts_code =
        store_salts_held(store, privacy->in->arena, &privacy->salts, &privacy->salts_err);
    int rc = read_database(privacy, store, err);
    if (rc == 0) {
        read_log(privacy);
        read_dead_letters(privacy);
        read_buffer(privacy);
    }
    return rc;
}
