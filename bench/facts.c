/*
 * facts -- what a day in columns costs: CPU nanoseconds and bytes per event and per row.
 *
 *     facts [EVENTS [VISITS [PATHS]]]        default 166,000, 40,000 and 5,000
 *
 * Paths, countries and the like are spread as they are on sites: of n values the k-th comes about
 * 1/k as often as the first. Every second pageview is followed by engagement.
 */
#include "facts/facts.h"
#include "base/date.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of this process alone: whatever else the machine does does not count. */
static int64_t cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static uint64_t next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* 0 to n - 1, the k-th about 1/k as often as the first. */
static unsigned skewed(uint64_t *state, unsigned n)
{
    double u = (double)(next(state) >> 11) / 9007199254740992.0;

    return (unsigned)(pow((double)n + 1, u) - 1) % n;
}

static struct str text(struct arena *arena, const char *prefix, unsigned n)
{
    char out[128];
    int len = snprintf(out, sizeof(out), "%s%u", prefix, n);

    return arena_str(arena, (struct str){out, (size_t)len});
}

struct day {
    struct arena arena;
    struct site site;
    int32_t day;
    struct event_row *rows;
    struct visit *visits;
    size_t rows_count, visits_count;
    unsigned paths;
    uint64_t state;
};

static void add_visit(struct day *d, uint64_t visitor, int64_t begin_ms, size_t events)
{
    static const struct {
        enum visit_text at;
        const char *prefix;
        unsigned values, in; /* one visit in so many has one */
    } texts[] = {
        {(enum visit_text)TRAIT_SOURCE, "source ", 40, 2},
        {(enum visit_text)TRAIT_CHANNEL, "channel ", 8, 2},
        {(enum visit_text)TRAIT_UTM_SOURCE, "news", 10, 20},
        {(enum visit_text)TRAIT_UTM_MEDIUM, "mail", 4, 20},
        {(enum visit_text)TRAIT_UTM_CAMPAIGN, "spring-", 30, 20},
        {(enum visit_text)TRAIT_COUNTRY, "C", 80, 1},
        {(enum visit_text)TRAIT_BROWSER, "browser ", 8, 1},
        {(enum visit_text)TRAIT_OS, "os ", 6, 1},
        {(enum visit_text)TRAIT_DEVICE, "device ", 3, 1},
        {(enum visit_text)TRAIT_LANGUAGE, "l", 25, 1},
        {VISIT_REFERRER, "www.example.site-", 200, 2},
        {VISIT_SCREEN, "1920x1", 60, 1},
    };
    struct visit *visit = &d->visits[d->visits_count++];
    int64_t at = begin_ms;

    *visit = (struct visit){.key = {d->site.id, d->day, visitor, begin_ms},
                            .first_ms = begin_ms,
                            .first_day = d->day,
                            .first_hour_ms = begin_ms / HOUR_MS * HOUR_MS,
                            .last_day = d->day,
                            .entry_ms = begin_ms};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (next(&d->state) % texts[i].in == 0)
            visit->texts[texts[i].at] =
                text(&d->arena, texts[i].prefix, skewed(&d->state, texts[i].values));
    struct str path = STR("");

    for (size_t i = 0; i < events; i++) {
        struct event_row *row = &d->rows[d->rows_count++];
        bool engagement = i % 2 == 1, lead = !engagement && next(&d->state) % 40 == 0;

        if (!engagement && !lead)
            path = text(&d->arena, "/articles/some-words-in-a-title-", skewed(&d->state, d->paths));
        row->event =
            (struct event){.kind = engagement ? EVENT_ENGAGEMENT
                                   : lead     ? EVENT_LEAD_CREATED
                                              : EVENT_PAGEVIEW,
                           .name = engagement ? STR("engagement")
                                   : lead     ? STR("lead.created")
                                              : STR("pageview"),
                           .time_ms = at,
                           .day = d->day,
                           .visitor = visitor,
                           .path = lead && i > 0 ? STR("") : path,
                           .count = 1,
                           .seconds_ms = engagement ? (int64_t)(next(&d->state) % 60000) : 0,
                           .scroll = engagement ? (int32_t)(next(&d->state) % 101) : -1};
        visit->pageviews += row->event.kind == EVENT_PAGEVIEW;
        visit->others += lead;
        if (row->event.kind == EVENT_PAGEVIEW) {
            visit->exit_ms = at;
            visit->texts[VISIT_EXIT_PATH] = path;
            if (visit->pageviews == 1)
                visit->texts[VISIT_ENTRY_PATH] = path;
        }
        visit->end_ms = at;
        at += (int64_t)(next(&d->state) % 90000);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct event_row *x = a, *y = b;

    return (x->event.time_ms > y->event.time_ms) - (x->event.time_ms < y->event.time_ms);
}

static double ns_since(int64_t began_us, size_t count)
{
    return (double)(cpu_us() - began_us) * 1000 / (double)count;
}

static void measure_rollups(size_t rows_count)
{
    enum { DAYS = 365 };
    struct arena arena = {0};
    struct str rollups[DAYS];
    uint64_t state = 7;
    size_t rows = 0, bytes = 0;

    for (size_t i = 0; i < DAYS; i++) {
        struct counts *counts = counts_new(&arena, DIM_PAGE, STR(""));

        for (size_t k = 0; k < rows_count; k++) {
            int64_t views = 1 + (int64_t)(next(&state) % 50);

            counts_add(counts, &(struct count_row){
                                   .value = text(&arena, "/articles/some-words-in-a-title-",
                                                 (unsigned)(next(&state) % (5 * rows_count))),
                                   .visitors = views,
                                   .pageviews = views + 3,
                                   .visits = views,
                                   .bounces = views / 2,
                                   .visit_ms = views * 31000,
                                   .engaged = views,
                                   .engaged_ms = views * 9000,
                                   .scrolled = views,
                                   .scroll = views * 40});
        }
        rollups[i] = counts_save(counts, SIZE_MAX, &arena);
        struct count_row other;
        size_t count;

        (void)counts_rows(counts, &count, &other);
        rows += count;
        bytes += rollups[i].len;
    }
    struct arena sum = {0};
    int64_t began_us = cpu_us();
    struct counts *counts = counts_new(&sum, DIM_PAGE, STR(""));

    for (size_t i = 0; i < DAYS; i++)
        if (counts_load(counts, rollups[i], NULL) != 0)
            abort();
    (void)printf("a year of rollups, %zu rows of %zu values\n"
                 "    load            %6.1f ns/row\n    bytes           %6.1f /row\n",
                 rows, 5 * rows_count, ns_since(began_us, rows), (double)bytes / (double)rows);
    arena_free(&sum);
    arena_free(&arena);
}

/* The parts that a question needs, unpacked and counted. */
static void measure_question(const struct day *d, const struct pack_part *parts, size_t parts_count,
                             const char *name, enum dimension dimension,
                             const struct filter *filter)
{
    enum { TIMES = 10 };
    int32_t needed[PACK_PARTS_MAX];
    bool events;
    size_t count = facts_parts(dimension, filter, 1, false, needed, &events), kept = 0, bytes = 0;
    struct pack_part *asked = malloc((parts_count + 1) * sizeof(*asked));
    struct arena arena = {0}, result = {0};

    for (size_t i = 0; asked != NULL && i < parts_count; i++)
        for (size_t k = 0; k < count; k++)
            if (parts[i].part == needed[k]) {
                asked[kept++] = parts[i];
                bytes += parts[i].bytes.len;
            }
    int64_t began_us = cpu_us(), unpack_us = 0;

    for (size_t i = 0; i < TIMES; i++) {
        struct facts *facts = NULL;
        int64_t at_us = cpu_us();

        if (facts_unpack(&d->site, d->day, asked, kept, &arena, &facts, NULL) != 0)
            abort();
        unpack_us += cpu_us() - at_us;
        struct counts *counts = counts_new(&result, dimension, STR(""));

        facts_count(facts, filter, 1, 10000, counts);
        arena_reset(&arena);
        arena_reset(&result);
    }
    (void)printf("%-28s unpack %5.1f, with count %5.1f ns/event, %zu bytes\n", name,
                 (double)unpack_us * 1000 / (double)(TIMES * d->rows_count),
                 ns_since(began_us, TIMES * d->rows_count), bytes);
    free(asked);
    arena_free(&arena);
    arena_free(&result);
}

int main(int argc, char **argv)
{
    size_t events = argc > 1 ? strtoul(argv[1], NULL, 10) : 166000;
    size_t visits = argc > 2 ? strtoul(argv[2], NULL, 10) : 40000;
    struct tz *tz = NULL;
    struct day d = {.day = 19800, .paths = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 5000};
    struct goal goal = {.name = STR("Lead"), .event = STR("lead.created")};

    if (tz_load(STR("UTC"), &tz, NULL) != 0 || visits == 0 || events < visits)
        return 2;
    d.site = (struct site){.id = STR("s"), .tz = tz, .goals = &goal, .goals_count = 1};
    d.rows = ARENA_NEW(&d.arena, struct event_row, 3 * events);
    d.visits = ARENA_NEW(&d.arena, struct visit, visits);
    for (size_t i = 0; i < visits; i++) {
        size_t mean = (events - d.rows_count) / (visits - i);
        size_t count = i + 1 == visits ? events - d.rows_count : 1 + next(&d.state) % (2 * mean);

        if (count > events - d.rows_count - (visits - i - 1))
            count = events - d.rows_count - (visits - i - 1);
        add_visit(&d, (next(&d.state) | 1) << 1,
                  (int64_t)d.day * DAY_MS + (int64_t)(next(&d.state) % (uint64_t)(DAY_MS * 9 / 10)),
                  count);
    }
    qsort(d.rows, d.rows_count, sizeof(d.rows[0]), by_time);

    struct arena arena = {0};
    struct pack_part *parts = NULL;
    size_t parts_count = 0, bytes[3] = {0};
    int64_t began_us = cpu_us();
    struct facts *facts =
        facts_build(&d.site, d.day, d.rows, d.rows_count, d.visits, d.visits_count, &arena);
    double build = ns_since(began_us, d.rows_count);

    began_us = cpu_us();
    facts_pack(facts, 10000, &arena, &parts, &parts_count);
    double pack = ns_since(began_us, d.rows_count);

    for (size_t i = 0; i < parts_count; i++) {
        bytes[parts[i].part / PACK_VISITS] += parts[i].bytes.len;
        if (getenv("FACTS_PARTS") != NULL)
            (void)printf("part %3d %8zu bytes\n", (int)parts[i].part, parts[i].bytes.len);
    }
    (void)printf("%zu events, %zu visits\n    build           %6.1f ns/event\n"
                 "    pack            %6.1f ns/event\n"
                 "    bytes           %6.1f /event: rollups %.1f, visits %.1f, events %.1f\n",
                 d.rows_count, d.visits_count, build, pack,
                 (double)(bytes[0] + bytes[1] + bytes[2]) / (double)d.rows_count,
                 (double)bytes[0] / (double)d.rows_count, (double)bytes[1] / (double)d.rows_count,
                 (double)bytes[2] / (double)d.rows_count);
    const struct filter few = {.dimension = DIM_COUNTRY, .value = STR("C70")};
    const struct filter many = {.dimension = DIM_COUNTRY, .op = FILTER_IS_NOT, .value = STR("C0")};
    const struct filter page = {
        .dimension = DIM_PAGE, .op = FILTER_CONTAINS, .value = STR("title-1")};

    measure_question(&d, parts, parts_count, "page, few of the countries", DIM_PAGE, &few);
    measure_question(&d, parts, parts_count, "page, most of the countries", DIM_PAGE, &many);
    measure_question(&d, parts, parts_count, "source, most of the countries", DIM_SOURCE, &many);
    measure_question(&d, parts, parts_count, "source, some pages", DIM_SOURCE, &page);
    measure_rollups(10000);
    arena_free(&arena);
    arena_free(&d.arena);
    tz_free(&tz);
    return 0;
}
