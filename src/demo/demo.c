/*
 * demo/demo.c -- the stream: those who are on the site now, in a heap by what each does next.
 *
 * A day is planned when the last of the day before has come, so that a visit over midnight and the
 * first ones of the next day stand in the order of time. Of the same millisecond, who came first is
 * first.
 */
#include "demo/demo_internal.h"

#include "base/date.h"
#include "base/must.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct demo_site demo_sites[DEMO_SITES] = {
    {STR_INIT("demo-shop"), STR_INIT("shop.demo.example"), STR_INIT("Europe/Berlin"),
     STR_INIT("[{\"name\":\"Lead\",\"event\":\"lead.created\",\"value\":45},"
              "{\"name\":\"Purchase\",\"event\":\"purchase\",\"value\":62.5},"
              "{\"name\":\"Newsletter\",\"event\":\"form.submit\","
              "\"props\":{\"form\":\"newsletter\"},\"value\":2},"
              "{\"name\":\"Checkout\",\"path\":\"/checkout\"}]"),
     &story_shop},
    {STR_INIT("demo-blog"), STR_INIT("blog.demo.example"), STR_INIT("America/New_York"),
     STR_INIT("[{\"name\":\"Letter\",\"event\":\"form.submit\",\"props\":{\"form\":\"letter\"},"
              "\"value\":1.5},"
              "{\"name\":\"Read\",\"event\":\"article.read\"},"
              "{\"name\":\"Course\",\"event\":\"lead.created\",\"value\":20}]"),
     &story_blog},
    {STR_INIT("demo-app"), STR_INIT("app.demo.example"), STR_INIT("Asia/Tokyo"),
     STR_INIT("[{\"name\":\"Signup\",\"event\":\"signup\",\"value\":12},"
              "{\"name\":\"Team\",\"event\":\"signup\",\"props\":{\"plan\":\"team\"},"
              "\"value\":90},"
              "{\"name\":\"Export\",\"event\":\"export.completed\"}]"),
     &story_app},
};

/* Somebody who is on the site. */
struct visit {
    uint64_t number; /* in the order in which they came */
    struct start start;
    struct person person;
    struct visit *next_free;
    size_t at; /* the next step */
    struct visit_steps steps;
};

struct demo {
    struct demo_config config; /* its seed is the site's own */
    struct arena arena;        /* pages, and visits to be used again */
    struct arena day_arena, text;
    struct pages pages;
    struct start *starts; /* of the last day that was planned */
    size_t starts_count, starts_at;
    int32_t next_day;
    struct visit **heap;
    size_t heap_count, heap_cap;
    struct visit *free;
    uint64_t visits;
};

/* -- pages -- */

void page_add(struct pages *pages, enum role role, uint32_t weight, struct str path,
              struct str title)
{
    uint32_t sum = pages->count == 0 ? 0 : pages->sums[pages->count - 1];

    assert(pages->count < PAGES_MAX);
    pages->page[pages->count] = (struct page){path, title, role, weight};
    pages->sums[pages->count++] = sum + weight;
}

struct str text_of(struct arena *arena, const char *format, ...)
{
    char text[256];
    va_list list;

    va_start(list, format);
    int len = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    return arena_str(arena, (struct str){text, (size_t)len});
}

/* -- the heap -- */

static int64_t next_ms(const struct visit *visit)
{
    return visit->steps.step[visit->at].ms;
}

static bool comes_before(const struct visit *a, const struct visit *b)
{
    return next_ms(a) != next_ms(b) ? next_ms(a) < next_ms(b) : a->number < b->number;
}

static void heap_swap(struct demo *demo, size_t a, size_t b)
{
    struct visit *visit = demo->heap[a];

    demo->heap[a] = demo->heap[b];
    demo->heap[b] = visit;
}

static void heap_put(struct demo *demo, struct visit *visit)
{
    size_t at = demo->heap_count;

    if (at == demo->heap_cap) {
        demo->heap_cap = at == 0 ? 64 : 2 * at;
        demo->heap = must(realloc(demo->heap, demo->heap_cap * sizeof(struct visit *)));
    }
    demo->heap[demo->heap_count++] = visit;
    for (; at > 0 && comes_before(demo->heap[at], demo->heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap_swap(demo, at, (at - 1) / 2);
}

/* The first has moved on in time. */
static void heap_sink(struct demo *demo)
{
    for (size_t at = 0, least;; at = least) {
        size_t left = 2 * at + 1, right = left + 1;

        least = at;
        if (left < demo->heap_count && comes_before(demo->heap[left], demo->heap[least]))
            least = left;
        if (right < demo->heap_count && comes_before(demo->heap[right], demo->heap[least]))
            least = right;
        if (least == at)
            return;
        heap_swap(demo, at, least);
    }
}

/* -- who comes -- */

static const struct start *next_start(struct demo *demo)
{
    while (demo->starts_at == demo->starts_count) {
        arena_reset(&demo->day_arena);
        demo->starts_at = 0;
        demo->starts_count =
            day_plan(&demo->config, demo->next_day++, &demo->day_arena, &demo->starts);
    }
    return &demo->starts[demo->starts_at];
}

static void come_in(struct demo *demo)
{
    struct visit *visit = demo->free;

    if (visit != NULL)
        demo->free = visit->next_free;
    else
        visit = ARENA_NEW(&demo->arena, struct visit, 1);
    visit->number = demo->visits++;
    visit->start = *next_start(demo);
    visit->at = 0;
    demo->starts_at++;
    if (visit->start.who == PERSON)
        visit->person = person_of(demo->config.site->story, demo->config.seed, visit->start.number);
    visit_walk(&demo->config, &demo->pages, &visit->start, &visit->steps);
    heap_put(demo, visit);
}

/* -- events -- */

static void tell_view(struct demo *demo, const struct visit *visit, const struct step *step,
                      struct event_input *in)
{
    const struct demo_site *site = demo->config.site;
    const struct page *page = &demo->pages.page[step->page];

    in->kind = EVENT_PAGEVIEW;
    in->path = page->path;
    in->title = page->title;
    in->screen = visit->start.who == PERSON ? visit->person.screen : STR("");
    if (step->before != PAGES_MAX) {
        struct str before = demo->pages.page[step->before].path;

        in->referrer =
            text_of(&demo->text, "https://%.*s%.*s", STR_FMT(site->domain), STR_FMT(before));
    } else if (visit->start.who == PERSON) {
        const struct source *source = &site->story->sources[visit->start.which];

        in->referrer = source->referrer;
        if (source->query.len > 0)
            in->path =
                text_of(&demo->text, "%.*s?%.*s", STR_FMT(page->path), STR_FMT(source->query));
    }
}

static void tell_habit(struct demo *demo, const struct step *step, struct event_input *in)
{
    const struct habit *habit = &demo->config.site->story->habits[step->habit];

    in->kind = habit->kind;
    in->name = habit->name;
    in->path = demo->pages.page[step->page].path;
    in->props = habit->props[step->props];
    in->tokens = habit->tokens > 0 ? step->number : 0;
}

static void tell_duty(struct demo *demo, const struct step *step, struct event_input *in)
{
    const struct duty *duty = &demo->config.site->story->duties[step->habit];

    in->kind = duty->kind;
    in->path = duty->path;
    in->props = duty->props[step->props];
    in->count = duty->tokens > 0 ? 1 : step->number;
    in->tokens = duty->tokens > 0 ? step->number : 0;
}

static void tell_step(struct demo *demo, const struct visit *visit, const struct step *step,
                      struct event_input *in)
{
    switch (step->kind) {
    case STEP_VIEW:
        tell_view(demo, visit, step, in);
        break;
    case STEP_LEAVE:
        in->kind = EVENT_ENGAGEMENT;
        in->path = demo->pages.page[step->page].path;
        in->seconds_ms = step->number;
        in->scroll = step->scroll;
        break;
    case STEP_HABIT:
        if (visit->start.who == BACKEND)
            tell_duty(demo, step, in);
        else
            tell_habit(demo, step, in);
        break;
    }
    if (in->kind != EVENT_CUSTOM)
        in->name = event_kind_name(in->kind);
}

/* An address of a private network (RFC 4193) that nobody else has, also when it is cut to /48. */
static struct addr address_of(uint64_t number)
{
    struct addr addr = {.family = 6, .bytes = {0xfd}};

    for (size_t i = 1; i <= 5; i++, number >>= 8)
        addr.bytes[i] = (uint8_t)number;
    return addr;
}

static void tell_sender(const struct visit *visit, struct demo_event *out)
{
    static const struct str robots[] = {STR_INIT("ai-crawler"), STR_INIT("search"),
                                        STR_INIT("ai-crawler"), STR_INIT("seo"),
                                        STR_INIT("monitoring")};

    out->client.has_token = visit->start.who == BACKEND;
    if (visit->start.who == BACKEND)
        return;
    out->client.address = address_of(visit->start.number);
    if (visit->start.who == ROBOT) {
        out->sender.bot = robots[visit->start.number % COUNT(robots)];
        return;
    }
    out->client.user_agent = STR("demo");
    out->client.gpc = visit->person.gpc;
    out->sender = visit->person.sender;
}

void demo_next(struct demo *demo, struct demo_event *out)
{
    while (demo->heap_count == 0 || next_start(demo)->ms <= next_ms(demo->heap[0]))
        come_in(demo);
    struct visit *visit = demo->heap[0];
    const struct step *step = &visit->steps.step[visit->at];

    arena_reset(&demo->text);
    *out = (struct demo_event){.in = {.site = demo->config.site->id,
                                      .count = 1,
                                      .scroll = -1,
                                      .has_timestamp = true,
                                      .timestamp_ms = step->ms}};
    tell_sender(visit, out);
    tell_step(demo, visit, step, &out->in);
    if (++visit->at == visit->steps.count) {
        demo->heap[0] = demo->heap[--demo->heap_count];
        visit->next_free = demo->free;
        demo->free = visit;
    }
    if (demo->heap_count > 0)
        heap_sink(demo);
}

/* -- the stream -- */

/* What is the same of all sites must not happen on all of them alike. */
static uint64_t seed_of(const struct demo_config *config)
{
    uint64_t seed = config->seed;

    for (size_t i = 0; i < config->site->id.len; i++)
        seed = dice_of(seed, (unsigned char)config->site->id.ptr[i]).state;
    return seed;
}

struct demo *demo_new(const struct demo_config *config)
{
    struct demo *demo = must(calloc(1, sizeof(*demo)));

    demo->config = *config;
    demo->config.seed = seed_of(config);
    demo->next_day = config->first;
    demo->pages.page = ARENA_NEW(&demo->arena, struct page, PAGES_MAX);
    demo->pages.sums = ARENA_NEW(&demo->arena, uint32_t, PAGES_MAX);
    config->site->story->add_pages(&demo->pages, &demo->arena);
    return demo;
}

void demo_free(struct demo **demo)
{
    if (*demo == NULL)
        return;
    arena_free(&(*demo)->arena);
    arena_free(&(*demo)->day_arena);
    arena_free(&(*demo)->text);
    free((*demo)->heap);
    free(*demo);
    *demo = NULL;
}

size_t demo_notes(const struct demo_site *site, int32_t told, struct demo_note out[DEMO_NOTES_MAX])
{
    const struct story *story = site->story;
    int32_t first, last;
    size_t count = 0;

    campaign_dates(told, &first, &last);
    if (story->launch.len > 0)
        out[count++] = (struct demo_note){told - LAUNCH_AGO, story->launch};
    out[count++] = (struct demo_note){told - DOWN_AGO, STR("The site was down for hours (demo)")};
    if (story->campaign.len > 0)
        out[count++] = (struct demo_note){first, story->campaign};
    out[count++] = (struct demo_note){told - 1, STR("A source fell away (demo)")};
    return count;
}
