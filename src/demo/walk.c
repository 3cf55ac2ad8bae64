/*
 * demo/walk.c -- what one visit does: pages, how long each is read, and what is done there.
 */
#include "demo/demo_internal.h"

enum {
    TELLS_PER_MILLE = 640, /* pages whose reading time arrives */
    DWELL_MIN_MS = 3000,
    DWELL_MORE_MS = 200000,
};

size_t pick(const uint32_t *sums, size_t count, struct dice *dice)
{
    uint32_t at = dice_below(dice, sums[count - 1]);
    size_t low = 0, high = count - 1;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sums[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct walk {
    const struct story *story;
    const struct pages *pages;
    const struct source *source;
    struct dice dice;
    int64_t ms;
    struct visit_steps *out;
};

static struct step *add_step(struct walk *walk, enum step_kind kind, size_t page, int64_t ms)
{
    struct step *step = &walk->out->step[walk->out->count++];

    *step = (struct step){
        .ms = ms, .kind = kind, .page = (uint16_t)page, .before = PAGES_MAX, .scroll = -1};
    return step;
}

/* -- where to -- */

static size_t page_of_path(const struct pages *pages, struct str path)
{
    size_t i = 0;

    while (i + 1 < pages->count && !str_eq(pages->page[i].path, path))
        i++;
    return i;
}

static size_t page_of_role(struct walk *walk, enum role role)
{
    size_t found = 0, seen = 0;

    for (size_t i = 0; i < walk->pages->count; i++)
        if (walk->pages->page[i].role == role && dice_below(&walk->dice, (uint32_t)++seen) == 0)
            found = i;
    return found;
}

static size_t first_page(struct walk *walk)
{
    if (walk->source->landing.len > 0)
        return page_of_path(walk->pages, walk->source->landing);
    /* The home page is what most people have heard of. */
    return dice_hits(&walk->dice, 300) ? 0
                                       : pick(walk->pages->sums, walk->pages->count, &walk->dice);
}

/* The next page, or PAGES_MAX: there is none. */
static size_t next_page(struct walk *walk, size_t page)
{
    enum role role = walk->pages->page[page].role;

    for (size_t i = 0; i < walk->story->ways_count; i++) {
        const struct way *way = &walk->story->ways[i];

        if (way->from == role && dice_hits(&walk->dice, way->per_mille))
            return page_of_role(walk, way->to);
    }
    if (!dice_hits(&walk->dice, walk->story->go_on))
        return PAGES_MAX;
    return pick(walk->pages->sums, walk->pages->count, &walk->dice);
}

/* -- what is done there -- */

static void add_habit(struct walk *walk, size_t page, int64_t dwell_ms)
{
    enum role role = walk->pages->page[page].role;

    for (size_t i = 0; i < walk->story->habits_count; i++) {
        const struct habit *habit = &walk->story->habits[i];
        bool campaign = walk->source->season == CAMPAIGN;

        if (habit->on != role ||
            !dice_hits(&walk->dice, campaign ? habit->of_campaign : habit->per_mille))
            continue;
        struct step *step = add_step(walk, STEP_HABIT, page, walk->ms + dwell_ms * 3 / 4);

        step->habit = (uint16_t)i;
        step->props = (uint16_t)dice_below(&walk->dice, habit->props_count);
        step->number = habit->tokens == 0 ? 0 : 1 + dice_below(&walk->dice, habit->tokens);
        return;
    }
}

static void look_at(struct walk *walk, size_t page, size_t before)
{
    /* Most pages are left soon, a few are read for minutes. */
    double part = dice_part(&walk->dice) * dice_part(&walk->dice);
    int64_t dwell_ms = DWELL_MIN_MS + (int64_t)(part * DWELL_MORE_MS);
    struct step *view = add_step(walk, STEP_VIEW, page, walk->ms);

    view->before = (uint16_t)before;
    add_habit(walk, page, dwell_ms);
    if (dice_hits(&walk->dice, TELLS_PER_MILLE)) {
        struct step *leave = add_step(walk, STEP_LEAVE, page, walk->ms + dwell_ms - 1);

        leave->number = (uint32_t)(dwell_ms - (int64_t)dice_below(&walk->dice, 1500));
        leave->scroll = 10 + 5 * (int32_t)dice_below(&walk->dice, 19);
    }
    walk->ms += dwell_ms;
}

static void walk_backend(struct walk *walk, const struct start *start)
{
    const struct duty *duty = &walk->story->duties[start->which];
    struct step *step = add_step(walk, STEP_HABIT, 0, start->ms);

    step->habit = (uint16_t)start->which;
    step->props = (uint16_t)dice_below(&walk->dice, duty->props_count);
    step->number = 1 + dice_below(&walk->dice, duty->tokens > 0 ? duty->tokens : duty->count);
}

void visit_walk(const struct demo_config *config, const struct pages *pages,
                const struct start *start, struct visit_steps *out)
{
    const struct story *story = config->site->story;
    struct walk walk = {
        .story = story,
        .pages = pages,
        .dice = dice_of(config->seed ^ start->number, (uint64_t)start->ms),
        .ms = start->ms,
        .out = out,
    };
    size_t page, before = PAGES_MAX;

    out->count = 0;
    if (start->who == BACKEND) {
        walk_backend(&walk, start);
        return;
    }
    if (start->who == ROBOT) {
        (void)add_step(&walk, STEP_VIEW, pick(pages->sums, pages->count, &walk.dice), start->ms);
        return;
    }
    walk.source = &story->sources[start->which];
    page = first_page(&walk);
    for (size_t views = 0; page != PAGES_MAX && views < VIEWS_MAX; views++) {
        look_at(&walk, page, before);
        before = page;
        page = next_page(&walk, page);
    }
}
