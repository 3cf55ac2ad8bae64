/*
 * store/rows.c -- what is counted, as backends handle it: sums, the texts of visits, the order of
 * raw rows.
 */
#include "store/store_backend.h"

#include "base/date.h"

#include <stddef.h>
#include <stdlib.h>

_Static_assert(sizeof(struct stats) == 15 * sizeof(int64_t), "struct stats is an array of sums");
_Static_assert(offsetof(struct stats, estimated) == 14 * sizeof(int64_t), "whose last is no sum");

void stats_to_array(const struct stats *stats, int64_t out[STATS_COUNT])
{
    memcpy(out, stats, sizeof(*stats));
}

struct stats stats_from_array(const int64_t values[STATS_COUNT])
{
    struct stats stats;

    memcpy(&stats, values, sizeof(stats));
    return stats;
}

int64_t *stats_counter(struct stats *stats, enum event_kind kind)
{
    switch (kind) {
    case EVENT_PAGEVIEW:
        return &stats->pageviews;
    case EVENT_LEAD_CREATED:
        return &stats->leads;
    case EVENT_FORM_SUBMIT:
        return &stats->forms;
    case EVENT_AUTOMATION_RUN:
        return &stats->automation_runs;
    case EVENT_EXPORT_COMPLETED:
        return &stats->exports;
    case EVENT_AI_USAGE:
        return &stats->ai_tokens;
    case EVENT_ENGAGEMENT:
    case EVENT_CUSTOM:
    case EVENT_KINDS:
        break;
    }
    return NULL;
}

/* -- visits ------------------------------------------------------------------------------------ */

const char *const visit_text_names[VISIT_TEXTS] = {
    [TRAIT_SOURCE] = "source",
    [TRAIT_CHANNEL] = "channel",
    [TRAIT_UTM_SOURCE] = "utm_source",
    [TRAIT_UTM_MEDIUM] = "utm_medium",
    [TRAIT_UTM_CAMPAIGN] = "utm_campaign",
    [TRAIT_UTM_CONTENT] = "utm_content",
    [TRAIT_UTM_TERM] = "utm_term",
    [TRAIT_COUNTRY] = "country",
    [TRAIT_BROWSER] = "browser",
    [TRAIT_OS] = "os",
    [TRAIT_DEVICE] = "device",
    [TRAIT_LANGUAGE] = "language",
    [VISIT_ENTRY_PATH] = "entry_path",
    [VISIT_EXIT_PATH] = "exit_path",
    [VISIT_REFERRER] = "referrer",
    [VISIT_SCREEN] = "screen",
    [VISIT_ENTRY_NAME] = "entry_name",
};

/* -- a site's first and last event ------------------------------------------------------------- */

/* An hour's row stays when its raw rows go: one that the first raw row is not of is older. */
int64_t span_first(int64_t raw_ms, int64_t hour_ms)
{
    return raw_ms != 0 && (hour_ms == 0 || raw_ms < hour_ms + HOUR_MS) ? raw_ms : hour_ms;
}

int64_t span_last(int64_t raw_ms, int64_t hour_ms)
{
    return raw_ms > hour_ms ? raw_ms : hour_ms;
}

/* -- texts ------------------------------------------------------------------------------------- */

void keep_texts(struct arena *arena, struct str *texts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += texts[i].len;
    char *to = arena_bytes(arena, len + 1);

    for (size_t i = 0; i < count; i++) {
        if (texts[i].len > 0)
            memcpy(to, texts[i].ptr, texts[i].len);
        texts[i].ptr = to;
        to += texts[i].len;
    }
    *to = '\0';
}

/* -- raw rows of a batch ----------------------------------------------------------------------- */

static int by_site_and_time(const void *a, const void *b)
{
    const struct event *x = *(const struct event *const *)a, *y = *(const struct event *const *)b;
    int order = x->site.ptr == y->site.ptr ? 0 : str_cmp(x->site, y->site);

    if (order == 0)
        order = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
    return order != 0 ? order : (x > y) - (x < y);
}

static bool is_sorted(const struct event *const *events, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (events[i - 1]->time_ms > events[i]->time_ms &&
            str_eq(events[i - 1]->site, events[i]->site))
            return false;
    return true;
}

const struct event **batch_sorted_events(const struct store_batch *batch)
{
    const struct event **sorted = store_alloc(batch->events_count * sizeof(struct event *));

    memcpy(sorted, batch->events, batch->events_count * sizeof(sorted[0]));
    if (!is_sorted(sorted, batch->events_count))
        qsort(sorted, batch->events_count, sizeof(sorted[0]), by_site_and_time);
    return sorted;
}
