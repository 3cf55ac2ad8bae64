/*
 * log/forget.c -- letting go of what was appended up to now, without the time that it would be
 * kept.
 *
 * Every segment that has records is marked, the one in use too, which is sealed so that what comes
 * behind has one of its own. While no other is ready (a full disk) it stays in use, marked, until
 * the keeper has made one: what is appended meanwhile goes with it, and that goes as soon as it is
 * released like the rest.
 *
 * Marks are in memory only. A process that ends before everything is gone begins again with
 * whatever recovery finds, and whoever asked asks again.
 */
#include "log/log_internal.h"

void log_seal_forgotten(struct log *log)
{
    if (log->current != NULL && log->current->forgotten && log->spares.count > 0)
        log_seal_current(log);
}

void log_forget(struct log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    for (struct segment *s = log->segments.head; s != NULL; s = s->next) {
        log->forgetting += !s->forgotten;
        s->forgotten = true;
        s->expired = s->released;
    }
    log_seal_forgotten(log);
    (void)pthread_cond_signal(&log->wake);
    (void)pthread_mutex_unlock(&log->lock);
}

bool log_forgotten(struct log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    bool forgotten = log->forgetting == 0;
    (void)pthread_mutex_unlock(&log->lock);
    return forgotten;
}
