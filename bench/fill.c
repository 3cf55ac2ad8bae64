/*
 * bench/fill.c -- put a day's worth of plausible events into the log of a data directory, as fast
 * as that goes:
 *
 *     fill DATA_DIR SITES VISITORS EVENTS [even]
 *
 * Events come in the order of time over the last two hours; a visitor sends 5 to 6 in a row within
 * some minutes; sites get shares that fall off like 1/rank, or with `even` all the same. The sites
 * are bench-1 ... of the tenant bench; they must be in the store.
 */
#include "base/clock.h"
#include "base/date.h"
#include "event/event.h"
#include "log/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
};
/* {"event":EVENT,"siteId":...,"path":"PATHnnn"REST */
static const struct {
    const char *event, *path, *rest;
} bodies[] = {
    {"pageview", "/articles/",
     "\",\"referrer\":\"https://www.google.com/\",\"title\":\"An "
     "article\",\"screen\":\"1440x900\"}"},
    {"pageview", "/pricing/", "\",\"title\":\"Pricing\"}"},
    {"pageview", "/docs/", "\",\"title\":\"Docs\",\"props\":{\"plan\":\"pro\"}}"},
    {"lead.created", "/contact/", "\",\"props\":{\"form\":\"contact\"}}"},
    {"engagement", "/articles/", "\",\"seconds\":12,\"scroll\":60}"},
};

struct fill {
    struct log *log;
    struct site site;
    struct salts salts;
    uint32_t seed;
    unsigned sites, visitors;
    bool even;
};

static uint32_t next(struct fill *fill)
{
    fill->seed = fill->seed * 1664525u + 1013904223u;
    return fill->seed >> 8;
}

static _Noreturn void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "fill: %s: %s\n", what, err == NULL ? "" : err->text);
    exit(1);
}

static void append_one(struct fill *fill, int64_t at_ms, uint32_t visitor, uint32_t kind)
{
    uint8_t id_key[16] = {0};
    struct arena arena = {0};
    struct event_batch batch = {0};
    struct event_problem problem;
    struct event event = {0};
    struct buf record = {0};
    struct err err = {0};
    char id[32], body[512];
    uint32_t rank = fill->even ? visitor % fill->sites
                               : fill->sites / (1 + visitor % fill->sites) % fill->sites;
    struct client client = {.user_agent = str_from(agents[visitor % 3])};

    (void)snprintf(id, sizeof(id), "bench-%u", rank + 1);
    fill->site.id = str_from(id);
    client.address =
        (struct addr){4, {10, (uint8_t)(visitor >> 14), (uint8_t)(visitor >> 6), (uint8_t)visitor}};
    int n =
        snprintf(body, sizeof(body), "{\"event\":\"%s\",\"siteId\":\"%s\",\"path\":\"%s%u%s",
                 bodies[kind].event, id, bodies[kind].path, next(fill) % 500, bodies[kind].rest);

    if (event_parse((struct str){body, (size_t)n}, at_ms, &arena, &batch, &problem, &err) < 0 ||
        event_make(&fill->site, &client, &fill->salts, id_key, at_ms, batch.events, &arena, &event,
                   &err) < 0)
        die("event", &err);
    event_encode(&event, &record);
    struct log_entry entry = {site_partition(event.site), buf_str(&record)};

    while (log_append(fill->log, &entry, 1, NULL, &err) < 0)
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    buf_release(&record);
    arena_free(&arena);
}

/* Some visitors are there at a time; each leaves after a handful of events and another comes. */
static void fill_all(struct fill *fill, uint32_t events)
{
    enum { PRESENT = 2000 };
    static const uint32_t kinds[] = {0, 1, 2, 0, 4, 2, 1, 0, 4, 3};
    uint32_t present[PRESENT], left[PRESENT] = {0};
    int64_t end_ms = clock_wall_ms(), span_ms = 2 * HOUR_MS;

    for (uint32_t i = 0; i < events; i++) {
        uint32_t k = next(fill) % PRESENT;

        if (left[k] == 0) {
            present[k] = next(fill) % fill->visitors;
            left[k] = 3 + next(fill) % 6;
        }
        left[k]--;
        append_one(fill, end_ms - span_ms + span_ms * i / events, present[k],
                   kinds[next(fill) % 10]);
    }
}

int main(int argc, char **argv)
{
    struct fill fill = {.seed = 1};
    struct err err = {0};

    if (argc != 5 && argc != 6)
        die("usage: fill DATA_DIR SITES VISITORS EVENTS [even]", NULL);
    struct log_config config = {.data_dir = str_from(argv[1]), .max_bytes = UINT64_C(8) << 30};

    fill.sites = (unsigned)atoi(argv[2]);
    fill.visitors = (unsigned)atoi(argv[3]);
    fill.even = argc == 6;
    fill.site = (struct site){.tenant = STR("bench"),
                              .domain = STR("bench.example"),
                              .enabled = true,
                              .tenant_active = true,
                              .mask_personal = true,
                              .ipv4_prefix = 24,
                              .ipv6_prefix = 48};
    struct tz *tz = NULL;

    if (tz_load(STR("UTC"), &tz, &err) < 0 || log_open(&config, &fill.log, &err) < 0)
        die("open", &err);
    fill.site.tz = tz;
    fill.salts.count = 3;
    for (int i = 0; i < 3; i++)
        fill.salts.salt[i] = (struct salt){.day = (int32_t)(clock_wall_ms() / DAY_MS) - 2 + i,
                                           .key = {(uint8_t)(i + 1)}};
    fill_all(&fill, (uint32_t)atoi(argv[4]));
    log_close(&fill.log);
    tz_free(&tz);
    return 0;
}
