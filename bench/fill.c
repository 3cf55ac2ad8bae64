/*
 * bench/fill.c -- put plausible events into the log of a data directory, as fast as that goes:
 *
 *     fill [--sites N] [--site ID] [--visitors N] [--paths N] [--days N] [--even] [--ids]
 *          DATA_DIR EVENTS
 *
 * Events come in the order of time, over the last two hours, or evenly over `--days` days up to the
 * last midnight (UTC). About as many visits go on at a time as make a visitor's pauses a minute
 * long; a visit has four events on average: half of them see one page, most pages are followed by
 * engagement, some by a lead. What a visitor, a page and a campaign are called depends on their
 * number alone; of n pages the k-th is seen about 1/k as often as the first.
 *
 * The sites are bench-1 ... of the tenant bench, in shares that fall off like 1/rank, or with
 * `--even` all the same; or the one that `--site` names. They must be in the store, with their zone
 * at UTC. `--ids`: events of the last days carry idempotency keys, as long as these are kept.
 */
#include "base/clock.h"
#include "base/date.h"
#include "event/event.h"
#include "log/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PRESENT_MAX = 100000, /* visits at a time */
    PAUSE_MS = 50 * 1000, /* between the events of a visit */
    IDS_DAYS = 7,
    PATH_DIGITS = 5, /* bench/breakdown.mjs reads them */
};

/* -- what things are called -- */

/* One of a list, and how many of a hundred are it. */
struct share {
    unsigned percent;
    const char *texts[3];
};

/* User-Agents name nothing here but a visitor: what the server reads from them stands beside. */
static const struct share machines[] = {
    {34, {"Chrome", "Windows", "desktop"}},
    {22, {"Mobile Safari", "iOS", "mobile"}},
    {18, {"Chrome Mobile", "Android", "mobile"}},
    {8, {"Edge", "Windows", "desktop"}},
    {7, {"Safari", "Mac OS X", "desktop"}},
    {5, {"Firefox", "Windows", "desktop"}},
    {3, {"Samsung Internet", "Android", "mobile"}},
    {2, {"Firefox", "Linux", "desktop"}},
    {1, {"Safari", "iOS", "tablet"}},
};
static const struct share countries[] = {
    {25, {"US", "en"}}, {14, {"DE", "de"}}, {9, {"GB", "en"}}, {8, {"IN", "en"}}, {7, {"FR", "fr"}},
    {6, {"BR", "pt"}},  {5, {"CA", "en"}},  {4, {"NL", "nl"}}, {4, {"ES", "es"}}, {4, {"IT", "it"}},
    {3, {"JP", "ja"}},  {3, {"PL", "pl"}},  {2, {"SE", "sv"}}, {2, {"AU", "en"}}, {2, {"MX", "es"}},
    {1, {"AT", "de"}},  {1, {"CL", "es"}},
};
static const struct share screens[] = {
    {30, {"1920x1080"}}, {20, {"390x844"}}, {15, {"1536x864"}}, {12, {"412x915"}},
    {10, {"2560x1440"}}, {8, {"1440x900"}}, {5, {"360x800"}},
};
/* The address that a visit came from, and the query that it came with; # is a number. */
static const struct share origins[] = {
    {40, {"", ""}},
    {28, {"https://www.google.com/", ""}},
    {4, {"https://www.bing.com/", ""}},
    {3, {"https://duckduckgo.com/", ""}},
    {4, {"https://www.facebook.com/", ""}},
    {3, {"https://chatgpt.com/", ""}},
    {3, {"https://www.linkedin.com/", ""}},
    {3, {"https://news.ycombinator.com/", ""}},
    {5, {"https://www.site-#.example/some/page", ""}},
    {5, {"", "?utm_source=newsletter&utm_medium=email&utm_campaign=letter-#"}},
    {2, {"https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=spring-#"}},
};
static const char *const sections[] = {"blog", "docs", "products", "help", "guides"};
static const char *const subjects[] = {"invoices",    "shipping",   "team-plans", "password-reset",
                                       "dark-mode",   "webhooks",   "city-bikes", "summer-shoes",
                                       "rate-limits", "gift-cards", "backups"};
static const char *const adjectives[] = {"quick",  "complete", "new",   "practical",
                                         "second", "friendly", "honest"};

/* -- chance -- */

struct fill {
    struct log *log;
    struct site site;
    struct salts salts;
    struct visit *present;
    uint64_t seed;
    const char *data_dir, *site_id;
    unsigned sites, visitors, paths, days, present_count;
    bool even, ids;
    int64_t ids_from_ms;
};

static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t next(struct fill *fill)
{
    return scramble(fill->seed += UINT64_C(0x9e3779b97f4a7c15));
}

static bool one_in(struct fill *fill, unsigned n)
{
    return next(fill) % n == 0;
}

/* 0 to n - 1, the k-th about 1/k as often as the first. */
static unsigned skewed(struct fill *fill, unsigned n)
{
    double u = (double)(next(fill) >> 11) / 9007199254740992.0;

    return (unsigned)(pow((double)n + 1, u) - 1) % n;
}

static const struct share *pick(const struct share *shares, uint64_t hash)
{
    unsigned at = (unsigned)(hash % 100);

    while (at >= shares->percent)
        at -= (shares++)->percent;
    return shares;
}

static _Noreturn void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "fill: %s: %s\n", what, err == NULL ? "" : err->text);
    exit(1);
}

/* -- visits -- */

enum step { STEP_PAGE, STEP_ENGAGED, STEP_LEAD };

struct visit {
    unsigned visitor, rank, page, page_before, pages_left;
    enum step step; /* of the next event */
    bool first;
    const struct share *origin;
    unsigned origin_number;
};

static void visit_page(struct fill *fill, struct visit *visit)
{
    visit->page_before = visit->page;
    visit->page = skewed(fill, fill->paths);
    visit->pages_left--;
    visit->step = STEP_PAGE;
}

static void visit_begin(struct fill *fill, struct visit *visit)
{
    unsigned visitor = (unsigned)(next(fill) % fill->visitors);

    *visit = (struct visit){
        .visitor = visitor,
        .rank = fill->even ? visitor % fill->sites
                           : fill->sites / (1 + visitor % fill->sites) % fill->sites,
        .pages_left = 1,
        .first = true,
        .origin = pick(origins, next(fill)),
        .origin_number = skewed(fill, 200),
    };
    if (!one_in(fill, 2))
        for (visit->pages_left = 2; one_in(fill, 2);)
            visit->pages_left++;
    visit_page(fill, visit);
}

/* `trait`: each has its own number, so that they do not go together. */
static const struct share *of_visitor(const struct share *shares, const struct visit *visit,
                                      unsigned trait)
{
    return pick(shares, scramble(((uint64_t)visit->visitor << 8) + trait));
}

/* What it does next; false: it is over. */
static bool visit_step(struct fill *fill, struct visit *visit)
{
    visit->first = false;
    if (visit->step == STEP_PAGE && !one_in(fill, 8)) {
        visit->step = STEP_ENGAGED;
        return true;
    }
    if (visit->step != STEP_LEAD && one_in(fill, 10)) {
        visit->step = STEP_LEAD;
        return true;
    }
    if (visit->pages_left == 0)
        return false;
    visit_page(fill, visit);
    return true;
}

/* -- events -- */

static void add_path(struct buf *body, unsigned page)
{
    uint64_t hash = scramble(page + 1);

    buf_addf(body, "/%s/%s-%s-%0*u", sections[hash % 5], adjectives[hash / 5 % 7],
             subjects[hash / 35 % 11], PATH_DIGITS, page);
}

static void add_title(struct buf *body, unsigned page)
{
    uint64_t hash = scramble(page + 1);

    buf_addf(body, "A %s guide to %s, part %u", adjectives[hash / 5 % 7], subjects[hash / 35 % 11],
             page);
}

static void add_numbered(struct buf *body, const char *text, unsigned number)
{
    for (; *text != '\0'; text++) {
        if (*text == '#')
            buf_add_u64(body, number);
        else
            buf_addc(body, *text);
    }
}

/* As analytics.js writes it: the page before is the referrer within the site. */
static void write_body(struct fill *fill, const struct visit *visit, const char *site,
                       int64_t at_ms, struct buf *body)
{
    static const char *const names[] = {"pageview", "engagement", "lead.created"};

    buf_reset(body);
    buf_addf(body, "{\"event\":\"%s\",\"siteId\":\"%s\",\"path\":\"", names[visit->step], site);
    add_path(body, visit->page);
    if (visit->first)
        add_numbered(body, visit->origin->texts[1], visit->origin_number % 40);
    buf_addc(body, '"');
    if (fill->ids && at_ms >= fill->ids_from_ms)
        buf_addf(body, ",\"id\":\"%llu-%llu\"", (unsigned long long)next(fill),
                 (unsigned long long)next(fill));
    if (visit->step == STEP_ENGAGED) {
        buf_addf(body, ",\"seconds\":%u,\"scroll\":%u}", 3 + skewed(fill, 300),
                 (unsigned)(next(fill) % 101));
        return;
    }
    buf_addf(body, ",\"title\":\"");
    add_title(body, visit->page);
    buf_addf(body, "\",\"screen\":\"%s\",\"referrer\":\"", of_visitor(screens, visit, 2)->texts[0]);
    if (visit->first) {
        add_numbered(body, visit->origin->texts[0], visit->origin_number);
    } else {
        buf_addf(body, "https://bench.example");
        add_path(body, visit->page_before);
    }
    buf_addf(body, "\"%s}", visit->step == STEP_LEAD ? ",\"props\":{\"form\":\"contact\"}" : "");
}

static void describe_sender(const struct visit *visit, struct sender *sender)
{
    const struct share *machine = of_visitor(machines, visit, 0);
    const struct share *country = of_visitor(countries, visit, 1);

    *sender = (struct sender){
        .browser = str_from(machine->texts[0]),
        .os = str_from(machine->texts[1]),
        .device = str_from(machine->texts[2]),
        .country = str_from(country->texts[0]),
        .language = str_from(country->texts[1]),
    };
}

/* Those of the day and of its neighbours. */
static void set_salts(struct fill *fill, int32_t day)
{
    if (fill->salts.count > 0 && fill->salts.salt[1].day == day)
        return;
    fill->salts.count = 3;
    for (int32_t i = 0; i < 3; i++) {
        struct salt *salt = &fill->salts.salt[i];

        *salt = (struct salt){.day = day - 1 + i};
        memcpy(salt->key, &salt->day, sizeof(salt->day));
    }
}

static void append_one(struct fill *fill, const struct visit *visit, int64_t at_ms,
                       struct buf *body, struct buf *record, struct arena *arena)
{
    uint8_t id_key[16] = {0};
    struct event_batch batch = {0};
    struct event_problem problem;
    struct event event = {0};
    struct sender sender;
    struct err err = {0};
    char id[32], agent[64];

    (void)snprintf(id, sizeof(id), "bench-%u", visit->rank + 1);
    (void)snprintf(agent, sizeof(agent), "Browser of visitor %u", visit->visitor);
    fill->site.id = str_from(fill->site_id != NULL ? fill->site_id : id);
    struct client client = {.user_agent = str_from(agent),
                            .address = {4, {10, 0, (uint8_t)visit->visitor, 1}}};

    write_body(fill, visit, fill->site.id.ptr, at_ms, body);
    describe_sender(visit, &sender);
    set_salts(fill, (int32_t)(at_ms / DAY_MS));
    if (event_parse(buf_str(body), at_ms, arena, &batch, &problem, &err) < 0 ||
        event_make(&fill->site, &client, &sender, &fill->salts, id_key, at_ms, batch.events, arena,
                   &event, &err) < 0)
        die("event", &err);
    buf_reset(record);
    event_encode(&event, record);
    struct log_entry entry = {site_partition(event.site), buf_str(record)};

    while (log_append(fill->log, &entry, 1, NULL, &err) < 0)
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    arena_reset(arena);
}

/* Which of those present sends the next event is left to chance. */
static void fill_all(struct fill *fill, unsigned events)
{
    int64_t now_ms = clock_wall_ms();
    int64_t end_ms = fill->days > 0 ? now_ms / DAY_MS * DAY_MS : now_ms;
    int64_t span_ms = fill->days > 0 ? fill->days * DAY_MS : 2 * HOUR_MS;
    int64_t present = 1 + (int64_t)events * PAUSE_MS / span_ms;
    struct buf body = {0}, record = {0};
    struct arena arena = {0};

    fill->ids_from_ms = now_ms - IDS_DAYS * DAY_MS;
    fill->present_count = (unsigned)(present < PRESENT_MAX ? present : PRESENT_MAX);
    fill->present = calloc(fill->present_count, sizeof(*fill->present));
    if (fill->present == NULL)
        die("memory", NULL);
    for (unsigned i = 0; i < fill->present_count; i++)
        visit_begin(fill, &fill->present[i]);
    for (unsigned i = 0; i < events; i++) {
        struct visit *visit = &fill->present[next(fill) % fill->present_count];

        append_one(fill, visit, end_ms - span_ms + span_ms * i / events, &body, &record, &arena);
        if (!visit_step(fill, visit))
            visit_begin(fill, visit);
    }
    free(fill->present);
    buf_release(&body);
    buf_release(&record);
    arena_free(&arena);
}

/* -- the command line -- */

static bool is(const char *arg, const char *name)
{
    return strcmp(arg, name) == 0;
}

static unsigned *number_of(struct fill *fill, const char *name)
{
    return is(name, "--sites")      ? &fill->sites
           : is(name, "--visitors") ? &fill->visitors
           : is(name, "--paths")    ? &fill->paths
           : is(name, "--days")     ? &fill->days
                                    : NULL;
}

static unsigned read_args(struct fill *fill, int argc, char **argv)
{
    int i = 1;

    for (; i < argc - 2; i++) {
        unsigned *number = number_of(fill, argv[i]);

        if (number != NULL)
            *number = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (is(argv[i], "--site"))
            fill->site_id = argv[++i];
        else if (is(argv[i], "--even"))
            fill->even = true;
        else if (is(argv[i], "--ids"))
            fill->ids = true;
        else
            break;
    }
    if (i != argc - 2 || fill->sites == 0 || fill->visitors == 0 || fill->paths == 0)
        die("usage: fill [OPTIONS] DATA_DIR EVENTS", NULL);
    fill->data_dir = argv[i];
    return (unsigned)strtoul(argv[i + 1], NULL, 10);
}

int main(int argc, char **argv)
{
    struct fill fill = {.sites = 1, .visitors = 60000, .paths = 500};
    unsigned events = read_args(&fill, argc, argv);
    struct log_config config = {.data_dir = str_from(fill.data_dir),
                                .max_bytes = UINT64_C(16) << 30};
    struct tz *tz = NULL;
    struct err err = {0};

    if (tz_load(STR("UTC"), &tz, &err) < 0 || log_open(&config, &fill.log, &err) < 0)
        die("open", &err);
    fill.site = (struct site){.tenant = STR("bench"),
                              .domain = STR("bench.example"),
                              .tz = tz,
                              .enabled = true,
                              .tenant_active = true,
                              .mask_personal = true,
                              .ipv4_prefix = 24,
                              .ipv6_prefix = 48};
    fill_all(&fill, events);
    log_close(&fill.log);
    tz_free(&tz);
    return 0;
}
