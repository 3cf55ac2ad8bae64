/*
 * demo/demo_internal.h -- what a site's story is made of, and the steps from it to events.
 *
 *     day_plan      how many come, from where, when
 *     visit_walk    what each of them does
 *     demo_next     their events in the order of time
 */
#ifndef ABACUS_DEMO_DEMO_INTERNAL_H
#define ABACUS_DEMO_DEMO_INTERNAL_H

#include "demo/demo.h"

/* -- chance -- */

/* Numbers from a seed: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, 2014). */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Dice that are the same for the same two numbers. */
static inline struct dice dice_of(uint64_t a, uint64_t b)
{
    struct dice dice = {a};

    dice.state = dice_roll(&dice) ^ b;
    dice.state = dice_roll(&dice);
    return dice;
}

/* 0 <= x < n */
static inline uint32_t dice_below(struct dice *dice, uint32_t n)
{
    return (uint32_t)((dice_roll(dice) >> 32) * n >> 32);
}

/* 0 <= x < 1 */
static inline double dice_part(struct dice *dice)
{
    return (double)(dice_roll(dice) >> 11) / 9007199254740992.0;
}

static inline bool dice_hits(struct dice *dice, uint32_t per_mille)
{
    return dice_below(dice, 1000) < per_mille;
}

/* -- tables: what a site is like -- */

/* What a page is, for where people go from it and what they do there. */
enum role {
    ROLE_HOME,
    ROLE_LIST,
    ROLE_ITEM,
    ROLE_OFFER,
    ROLE_CART,
    ROLE_CHECKOUT,
    ROLE_DONE,
    ROLE_OTHER,
};
struct page {
    struct str path, title;
    enum role role;
    uint32_t weight; /* how often people choose it; 0: it is only come to by a way */
};
struct pages {
    struct page *page;
    uint32_t *sums; /* of the weights up to and with each */
    size_t count;
};
enum { PAGES_MAX = 200 };

/* When a source brings people. */
enum season {
    ALWAYS,
    GROWING,  /* ever more of them */
    WEEKLY,   /* most of them on Tuesdays */
    CAMPAIGN, /* only while the campaign runs */
    LAUNCH,   /* only when the launch is talked about */
    FALLING,  /* more and more, until it fell away yesterday */
};
struct source {
    uint32_t weight; /* where it has a season, in the middle of that */
    enum season season;
    struct str referrer, query; /* with `landing` or a page of its choice */
    struct str landing;
};

struct place {
    uint32_t weight;
    struct str country, language;
};

/* Of those who are on a page of one role, so many per mille go on to that one. */
struct way {
    enum role from, to;
    uint32_t per_mille;
};

/* What people do on a page of a role; of those whom the campaign brought, others. */
struct habit {
    enum role on;
    uint32_t per_mille, of_campaign;
    enum event_kind kind;
    struct str name; /* of EVENT_CUSTOM */
    uint32_t tokens; /* at most */
    const struct str *props;
    uint32_t props_count;
};

/* What the site's backend reports by itself. */
struct duty {
    uint32_t a_day;
    enum event_kind kind;
    uint32_t count, tokens; /* at most */
    struct str path;
    const struct str *props;
    uint32_t props_count;
};

struct story {
    double visits;      /* of a day, by the sources that are always there, before growth */
    uint32_t go_on;     /* how many per mille look at one more page */
    bool at_work;       /* whether people come from their desks */
    uint16_t week[7];   /* per mille, from Monday */
    uint16_t year[12];  /* per mille */
    uint16_t hours[24]; /* weights */
    const struct source *sources;
    size_t sources_count;
    const struct place *places;
    size_t places_count;
    const struct way *ways;
    size_t ways_count;
    const struct habit *habits;
    size_t habits_count;
    const struct duty *duties;
    size_t duties_count;
    /* Adds pages by page_add(). */
    void (*add_pages)(struct pages *pages, struct arena *arena);
    struct str launch, campaign; /* what is noted; empty: there was none */
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TABLE(table) (table), COUNT(table)

extern const struct story story_shop, story_blog, story_app;

void page_add(struct pages *pages, enum role role, uint32_t weight, struct str path,
              struct str title);
/* A text in `arena` as printf makes it. */
struct str text_of(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* -- who comes (person.c) -- */

struct person {
    uint64_t number;
    bool gpc;
    struct sender sender;
    struct str screen;
};
/* The same for the same number. */
struct person person_of(const struct story *story, uint64_t seed, uint64_t number);

/* -- a day (day.c) -- */

enum { LAUNCH_AGO = 96, DOWN_AGO = 47, SOURCES_MAX = 48 };

/* The campaign's first and last date. */
void campaign_dates(int32_t told, int32_t *first, int32_t *last);

enum who { PERSON, ROBOT, BACKEND };
/* That somebody comes. */
struct start {
    int64_t ms;
    enum who who;
    uint32_t which;  /* of a person the source, of a backend the duty */
    uint64_t number; /* of the person; of others any */
};
/* Those of a date in the order of time, in `arena`. */
size_t day_plan(const struct demo_config *config, int32_t day, struct arena *arena,
                struct start **out);

/* -- a visit (walk.c) -- */

enum step_kind { STEP_VIEW, STEP_LEAVE, STEP_HABIT };
struct step {
    int64_t ms;
    enum step_kind kind;
    uint16_t page, before; /* before: the page that led here; PAGES_MAX: none */
    uint16_t habit, props; /* which habit or duty, and which of its props */
    uint32_t number;       /* of STEP_LEAVE milliseconds, of others tokens */
    int32_t scroll;
};
enum { VIEWS_MAX = 12, STEPS_MAX = VIEWS_MAX * 4 };
struct visit_steps {
    size_t count;
    struct step step[STEPS_MAX];
};
/* What this one does, in the order of time. */
void visit_walk(const struct demo_config *config, const struct pages *pages,
                const struct start *start, struct visit_steps *out);

/* Which row of a table with weights: `sums` are those up to and with each. */
size_t pick(const uint32_t *sums, size_t count, struct dice *dice);

#endif
