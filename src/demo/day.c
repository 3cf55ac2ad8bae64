/*
 * demo/day.c -- how many come on a day, from where, and when.
 *
 * Each source brings people by itself: its weight, times what its season makes of the day. What
 * happens to a site is therefore always something that happened to one of its sources, and can be
 * found by whoever looks; but for the day on which the site was down.
 */
#include "base/date.h"
#include "demo/demo_internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    DOWN_FROM = 9, /* hours of the day on which the site was down */
    DOWN_TO = 17,
    ROBOTS_PER_MILLE = 55,
    AGAIN = 7, /* a visitor is one of so many times as many as come in a day */
    SECONDS = 86400,
};

void campaign_dates(int32_t told, int32_t *first, int32_t *last)
{
    struct civil date = date_to_civil(told);
    int32_t begin = date_add_months(date_from_civil(date.year, date.month, 1), -1);

    *first = begin + 2;
    *last = begin + 23;
}

/* -- how many -- */

/* The day before yesterday is as good a day as yesterday: what they differ in is the source that
 * fell away. */
static int32_t like_day(int32_t told, int32_t day)
{
    return day == told - 2 ? told - 1 : day;
}

static double weekly_factor(int32_t day)
{
    return date_weekday(day) == 1 ? 4.0 : date_weekday(day) == 2 ? 1.3 : 0.34;
}

static double season_factor(const struct source *source, int32_t told, int32_t day)
{
    static const double talk[] = {1.0, 0.4, 0.15, 0.06, 0.03};
    int32_t first, last, since = day - (told - LAUNCH_AGO);

    campaign_dates(told, &first, &last);
    switch (source->season) {
    case ALWAYS:
        return 1;
    case GROWING:
        return day >= told ? 1.8 : day < told - 365 ? 0.2 : 1.8 - 1.6 * (told - day) / 365;
    case WEEKLY:
        return weekly_factor(like_day(told, day));
    case CAMPAIGN:
        return day < first || day > last ? 0 : 1;
    case LAUNCH:
        return since < 0 || since >= (int32_t)COUNT(talk) ? 0 : talk[since];
    case FALLING:
        return day >= told - 1 ? 0 : day < told - 15 ? 0.8 : 0.8 + 0.13 * (day - (told - 15));
    }
    return 0;
}

static double year_factor(const struct story *story, int32_t day)
{
    struct civil date = date_to_civil(day);
    double now = story->year[date.month - 1], next = story->year[date.month % 12];

    return (now + (next - now) * (date.day - 1) / 31) / 1000;
}

static double growth_factor(int32_t told, int32_t day)
{
    double growth = 1.22 - 0.45 * (told - day) / 365;

    return day >= told ? 1.22 : growth > 0.4 ? growth : 0.4;
}

static double day_factor(const struct demo_config *config, int32_t day)
{
    const struct story *story = config->site->story;
    int32_t like = like_day(config->told, day);
    struct dice dice = dice_of(config->seed, (uint64_t)like);
    double noise = 0.93 + 0.14 * dice_part(&dice);

    return story->week[date_weekday(like)] / 1000.0 * year_factor(story, like) *
           growth_factor(config->told, like) * noise;
}

/* Visits by each source, summed up. */
static double source_sums(const struct demo_config *config, int32_t day, double sums[SOURCES_MAX])
{
    const struct story *story = config->site->story;
    double sum = 0, always = 0, factor = day_factor(config, day) * story->visits;

    for (size_t i = 0; i < story->sources_count; i++)
        always += story->sources[i].season == ALWAYS ? story->sources[i].weight : 0;
    for (size_t i = 0; i < story->sources_count; i++) {
        const struct source *source = &story->sources[i];

        sum += factor * source->weight / always * season_factor(source, config->told, day);
        sums[i] = sum;
    }
    return sum;
}

/* -- when -- */

struct clock {
    int64_t begin_ms;
    double length; /* of the day, in its seconds: 25 hours are all a little longer */
    uint32_t hours[24];
};

static struct clock clock_of(const struct demo_config *config, int32_t day)
{
    int64_t begin = tz_day_start(config->tz, day), end = tz_day_start(config->tz, day + 1);
    struct clock clock = {.begin_ms = begin, .length = (double)(end - begin) / SECONDS};
    uint32_t sum = 0;

    for (size_t i = 0; i < 24; i++) {
        sum += config->site->story->hours[i];
        clock.hours[i] = sum;
    }
    return clock;
}

static int64_t draw_ms(const struct clock *clock, size_t hour, struct dice *dice)
{
    double second = ((double)hour + dice_part(dice)) * 3600;

    return clock->begin_ms + (int64_t)(second * clock->length);
}

/* -- the plan -- */

static int by_ms(const void *a, const void *b)
{
    const struct start *x = a, *y = b;

    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static uint32_t draw_source(const double *sums, size_t count, struct dice *dice)
{
    assert(count > 0 && count <= SOURCES_MAX);
    double at = dice_part(dice) * sums[count - 1];
    uint32_t i = 0;

    while (i + 1 < count && sums[i] <= at)
        i++;
    return i;
}

struct planning {
    const struct demo_config *config;
    struct clock clock;
    struct dice dice;
    bool down; /* the site, for some hours */
    struct start *starts;
    size_t count;
};

static void add_start(struct planning *p, struct start start)
{
    size_t hour = pick(p->clock.hours, 24, &p->dice);

    start.ms = draw_ms(&p->clock, hour, &p->dice);
    if (!p->down || start.who == BACKEND || hour < DOWN_FROM || hour >= DOWN_TO)
        p->starts[p->count++] = start;
}

static void add_duties(struct planning *p)
{
    const struct story *story = p->config->site->story;

    for (uint32_t i = 0; i < story->duties_count; i++)
        for (uint32_t n = 0; n < story->duties[i].a_day; n++)
            add_start(p, (struct start){.who = BACKEND, .which = i, .number = dice_roll(&p->dice)});
}

static size_t duties_a_day(const struct story *story)
{
    size_t sum = 0;

    for (size_t i = 0; i < story->duties_count; i++)
        sum += story->duties[i].a_day;
    return sum;
}

size_t day_plan(const struct demo_config *config, int32_t day, struct arena *arena,
                struct start **out)
{
    const struct story *story = config->site->story;
    double sums[SOURCES_MAX] = {0};
    uint32_t visits = (uint32_t)(source_sums(config, day, sums) + 0.5);
    uint32_t robots = visits * ROBOTS_PER_MILLE / 1000 + 1;
    struct planning p = {
        .config = config,
        .clock = clock_of(config, day),
        .dice = dice_of(config->seed + 1, (uint64_t)day),
        .down = day == config->told - DOWN_AGO,
        .starts = ARENA_NEW(arena, struct start, visits + robots + duties_a_day(story)),
    };

    for (uint32_t i = 0; i < visits; i++)
        add_start(&p, (struct start){
                          .who = PERSON,
                          .which = draw_source(sums, story->sources_count, &p.dice),
                          .number = dice_below(&p.dice, AGAIN * visits),
                      });
    for (uint32_t i = 0; i < robots; i++)
        add_start(&p, (struct start){.who = ROBOT, .number = dice_roll(&p.dice)});
    add_duties(&p);
    qsort(p.starts, p.count, sizeof(p.starts[0]), by_ms);
    *out = p.starts;
    return p.count;
}
