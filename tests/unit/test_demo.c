/*
 * Made-up traffic: the same whenever it is made, such as a site could have sent it, and telling the
 * story that demo.h promises. What is counted here is counted from the events alone.
 */
#include "base/date.h"
#include "base/json.h"
#include "demo/demo.h"
#include "unit.h"

#include <sodium.h>
#include <stdio.h>

/* 2026-11-23, a Monday. */
enum { TOLD = 20780, YEAR = 365, PAGES_MAX = 200, TEXT_MAX = 80 };

static struct tz *load_zone(struct str name)
{
    struct tz *tz = NULL;
    struct err err = {""};

    if (tz_load(name, &tz, &err) != 0)
        fail_msg("%s", err.text);
    return tz;
}

struct stream {
    struct tz *tz;
    struct demo *demo;
    int64_t until_ms;
    struct demo_event event;
};

/* Of `days` whole days up to and with `told`. */
static struct stream open_stream(const struct demo_site *site, uint64_t seed, int32_t days,
                                 int32_t told)
{
    struct stream stream = {.tz = load_zone(site->timezone)};
    const struct demo_config config = {
        .site = site, .tz = stream.tz, .seed = seed, .first = told - days + 1, .told = told};

    stream.demo = demo_new(&config);
    stream.until_ms = tz_day_start(stream.tz, told + 1);
    return stream;
}

static bool stream_next(struct stream *stream)
{
    demo_next(stream->demo, &stream->event);
    return stream->event.in.timestamp_ms < stream->until_ms;
}

static void close_stream(struct stream *stream)
{
    demo_free(&stream->demo);
    tz_free(&stream->tz);
}

/* -- the same, in order, from the first day on -- */

static bool same_text(struct str a, struct str b)
{
    return str_eq(a, b);
}

static bool same_event(const struct demo_event *a, const struct demo_event *b)
{
    const struct event_input *x = &a->in, *y = &b->in;

    return x->timestamp_ms == y->timestamp_ms && x->kind == y->kind &&
           same_text(x->path, y->path) && same_text(x->props, y->props) &&
           same_text(x->referrer, y->referrer) && x->tokens == y->tokens && x->count == y->count &&
           x->seconds_ms == y->seconds_ms &&
           memcmp(&a->client.address, &b->client.address, sizeof(a->client.address)) == 0 &&
           same_text(a->sender.country, b->sender.country) &&
           same_text(a->sender.browser, b->sender.browser);
}

static void is_the_same_for_the_same_seed_and_another_for_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEMO_SITES; i++) {
        struct stream a = open_stream(&demo_sites[i], 1, 10, TOLD),
                      b = open_stream(&demo_sites[i], 1, 10, TOLD),
                      c = open_stream(&demo_sites[i], 2, 10, TOLD);
        size_t same = 0, all = 0;

        while (stream_next(&a)) {
            (void)stream_next(&b);
            (void)stream_next(&c);
            assert_true(same_event(&a.event, &b.event));
            same += same_event(&a.event, &c.event);
            all++;
        }
        assert_true(all > 500);
        assert_true(same < all / 100);
        close_stream(&a);
        close_stream(&b);
        close_stream(&c);
    }
}

static void comes_in_the_order_of_time_from_the_first_day_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEMO_SITES; i++) {
        struct stream stream = open_stream(&demo_sites[i], 1, 10, TOLD);
        int64_t before_ms = tz_day_start(stream.tz, TOLD - 9);
        size_t on_day[10] = {0};

        while (stream_next(&stream)) {
            int64_t ms = stream.event.in.timestamp_ms;

            assert_true(ms >= before_ms);
            before_ms = ms;
            on_day[tz_at(stream.tz, ms).day - (TOLD - 9)]++;
        }
        for (size_t day = 0; day < 10; day++)
            assert_true(on_day[day] > 50);
        close_stream(&stream);
    }
}

/* -- such as a site could have sent it -- */

static void add_member(struct json_out *json, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    json_name(json, str_from(name));
    json_str(json, text);
}

static void add_number(struct json_out *json, const char *name, int64_t n)
{
    json_name(json, str_from(name));
    json_i64(json, n);
}

static void write_event(const struct event_input *in, struct buf *out)
{
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    add_member(&json, "event", in->name);
    add_member(&json, "siteId", in->site);
    add_member(&json, "path", in->path);
    add_member(&json, "referrer", in->referrer);
    add_member(&json, "title", in->title);
    add_member(&json, "screen", in->screen);
    add_number(&json, "count", in->count);
    if (in->props.len > 0) {
        json_name(&json, STR("props"));
        json_raw(&json, in->props);
    }
    if (in->kind == EVENT_AI_USAGE)
        add_number(&json, "tokens", in->tokens);
    if (in->kind == EVENT_ENGAGEMENT)
        add_number(&json, "scroll", in->scroll);
    json_close(&json, '}');
}

/* What the parser of requests reads from it is what the generator said. */
static void every_event_is_one_that_a_request_could_have_brought(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEMO_SITES; i++) {
        struct stream stream = open_stream(&demo_sites[i], 1, 5, TOLD);
        struct arena arena = {0};
        struct buf body = {0};

        while (stream_next(&stream)) {
            const struct event_input *in = &stream.event.in;
            struct event_batch batch;
            struct event_problem problem;
            struct err err = {""};

            buf_reset(&body);
            write_event(in, &body);
            if (event_parse(buf_str(&body), in->timestamp_ms, &arena, &batch, &problem, &err) != 0)
                fail_msg("%.*s: %s", STR_FMT(buf_str(&body)), err.text);
            assert_int_equal(batch.events[0].kind, in->kind);
            assert_true(str_eq(batch.events[0].path, in->path));
            assert_true(str_eq(batch.events[0].props, in->props));
            assert_int_equal(batch.events[0].tokens, in->tokens);
            assert_true(in->kind != EVENT_ENGAGEMENT ||
                        (in->seconds_ms > 0 && in->seconds_ms < 1000000));
            arena_reset(&arena);
        }
        buf_release(&body);
        arena_free(&arena);
        close_stream(&stream);
    }
}

static void goals_notes_and_names_are_such_as_sites_may_have(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEMO_SITES; i++) {
        struct demo_note notes[DEMO_NOTES_MAX];
        size_t count = demo_notes(&demo_sites[i], TOLD, notes), goals_count = 0;
        struct goal *goals = NULL;
        struct arena arena = {0};
        struct err err = {""};
        bool valued = false;

        assert_true(str_is_id(demo_sites[i].id));
        assert_true(str_ends(demo_sites[i].domain, STR(".demo.example")));
        if (goals_parse(demo_sites[i].goals, &arena, &goals, &goals_count, &err) != 0)
            fail_msg("%s", err.text);
        for (size_t g = 0; g < goals_count; g++)
            valued = valued || goals[g].value > 0;
        assert_true(goals_count >= 3 && valued);
        assert_true(count >= 3);
        for (size_t n = 0; n < count; n++) {
            assert_true(notes[n].text.len > 0 && notes[n].text.len <= TEXT_MAX);
            assert_true(notes[n].day > TOLD - YEAR && notes[n].day < TOLD);
        }
        arena_free(&arena);
    }
}

/* -- visits of every channel -- */

/* All that event/channel.c names, and the one that is empty. */
static const char *const channels[] = {
    "",
    "AI Assistants",
    "Affiliates",
    "Audio",
    "Cross-network",
    "Display",
    "Email",
    "Mobile Push",
    "Organic Search",
    "Organic Shopping",
    "Organic Social",
    "Organic Video",
    "Paid Other",
    "Paid Search",
    "Paid Shopping",
    "Paid Social",
    "Paid Video",
    "Referral",
    "SMS",
    "Unassigned",
};
enum { CHANNELS = sizeof(channels) / sizeof(channels[0]) };

static size_t channel_index(struct str channel)
{
    size_t i = 0;

    while (i < CHANNELS && !str_eq(channel, str_from(channels[i])))
        i++;
    return i;
}

static void the_shop_has_visits_of_every_channel(void **state)
{
    const struct demo_site *demo = &demo_sites[0];
    struct stream stream = open_stream(demo, 1, 30, TOLD);
    const struct site site = {.id = demo->id,
                              .tenant = STR("demo"),
                              .domain = demo->domain,
                              .tz = stream.tz,
                              .ipv6_prefix = 48};
    const uint8_t id_key[16] = {0};
    size_t seen[CHANNELS] = {0};
    struct arena arena = {0};

    (void)state;
    while (stream_next(&stream)) {
        const struct event_input *in = &stream.event.in;
        const struct salts salts = {1, {{.day = tz_at(stream.tz, in->timestamp_ms).day}}};
        struct event event;
        struct err err = {""};

        arena_reset(&arena);
        assert_int_equal(event_make(&site, &stream.event.client, &stream.event.sender, &salts,
                                    id_key, stream.until_ms, in, &arena, &event, &err),
                         0);
        if (in->kind != EVENT_PAGEVIEW || stream.event.sender.bot.len > 0)
            continue;
        size_t at = channel_index(event.traits[TRAIT_CHANNEL]);

        if (at == CHANNELS)
            fail_msg("%.*s", STR_FMT(event.traits[TRAIT_CHANNEL]));
        seen[at]++;
    }
    for (size_t i = 0; i < CHANNELS; i++)
        if (seen[i] == 0)
            fail_msg("nobody came through \"%s\"", channels[i]);
    arena_free(&arena);
    close_stream(&stream);
}

/* -- the story -- */

/* A year, by day and hour. Somebody comes with a page that no other page of the site led to. */
struct told {
    size_t events, visits, by_kind[EVENT_KINDS], robots, asked_not_to, by_backend;
    size_t day_visits[YEAR], day_leads[YEAR], hour_visits[24], down_visits;
    struct str paths[PAGES_MAX + 1];
    size_t paths_count;
    struct arena arena;
};

static bool comes_in(const struct demo_site *site, const struct demo_event *event)
{
    return event->in.kind == EVENT_PAGEVIEW && event->sender.bot.len == 0 &&
           memmem(event->in.referrer.ptr, event->in.referrer.len, site->domain.ptr,
                  site->domain.len) == NULL;
}

static void add_path(struct told *told, struct str path)
{
    size_t i = 0;

    path = str_slice(path, 0, str_find(path, 0, '?'));
    while (i < told->paths_count && !str_eq(told->paths[i], path))
        i++;
    if (i < told->paths_count)
        return;
    assert_true(told->paths_count < PAGES_MAX);
    told->paths[told->paths_count++] = arena_str(&told->arena, path);
}

static void add_event(struct told *told, const struct demo_site *site, const struct tz *tz,
                      const struct demo_event *event)
{
    struct tz_local local = tz_at(tz, event->in.timestamp_ms);
    size_t day = (size_t)(local.day - (TOLD - YEAR + 1)), hour = (size_t)local.second_of_day / 3600;

    told->events++;
    told->by_kind[event->in.kind]++;
    told->robots += event->sender.bot.len > 0;
    told->asked_not_to += event->client.gpc;
    told->by_backend += event->client.has_token;
    told->day_leads[day] += event->in.kind == EVENT_LEAD_CREATED;
    if (event->in.kind == EVENT_PAGEVIEW)
        add_path(told, event->in.path);
    if (!comes_in(site, event))
        return;
    told->visits++;
    told->day_visits[day]++;
    told->hour_visits[hour]++;
    told->down_visits += local.day == TOLD - 47 && hour >= 9 && hour < 17;
}

static void tell(const struct demo_site *site, struct told *told)
{
    struct stream stream = open_stream(site, 1, YEAR, TOLD);

    *told = (struct told){0};
    while (stream_next(&stream))
        add_event(told, site, stream.tz, &stream.event);
    close_stream(&stream);
}

static size_t sum_of(const size_t *days, int32_t from, int32_t to)
{
    size_t sum = 0;

    for (int32_t day = from; day <= to; day++)
        sum += days[day - (TOLD - YEAR + 1)];
    return sum;
}

static size_t greatest(const size_t *days)
{
    size_t best = 0;

    for (size_t i = 1; i < YEAR; i++)
        best = days[i] > days[best] ? i : best;
    return best;
}

static void the_shops_year_has_its_size_its_kinds_and_its_story(void **state)
{
    /* The month before is October: its campaign is from the 3rd to the 24th. */
    const int32_t begin = date_from_civil(2026, 10, 3), end = date_from_civil(2026, 10, 24);
    static struct told told;

    (void)state;
    tell(&demo_sites[0], &told);
    assert_in_range(told.visits, 100000, 150000);
    assert_in_range(told.events, 380000, 460000);
    assert_in_range(told.paths_count, 60, PAGES_MAX);
    for (size_t kind = 0; kind < EVENT_KINDS; kind++)
        assert_true(told.by_kind[kind] > 500);
    assert_true(told.robots > 1000 && told.asked_not_to > 1000 && told.by_backend > 1000);
    assert_int_equal(greatest(told.day_visits), YEAR - 1 - 96);
    assert_int_equal(told.down_visits, 0);
    assert_true(told.day_visits[YEAR - 1 - 47] * 2 < told.day_visits[YEAR - 1 - 48]);
    /* 22 days of the campaign beside the 22 before them. */
    assert_true(sum_of(told.day_leads, begin, end) >
                3 * sum_of(told.day_leads, begin - 22, begin - 1));
    assert_true(told.hour_visits[3] * 6 < told.hour_visits[20]);
    /* The last 60 days beside the first ones: it grows. */
    assert_true(sum_of(told.day_visits, TOLD - 59, TOLD) >
                sum_of(told.day_visits, TOLD - 364, TOLD - 305));
    arena_free(&told.arena);
}

static void others_have_their_pages_hours_and_weeks(void **state)
{
    static struct told told;
    size_t at_weekends = 0;

    (void)state;
    for (size_t i = 1; i < DEMO_SITES; i++) {
        tell(&demo_sites[i], &told);
        assert_in_range(told.paths_count, 60, PAGES_MAX);
        assert_in_range(told.visits, 15000, 60000);
        assert_true(told.hour_visits[3] * 5 < told.hour_visits[11]);
        arena_free(&told.arena);
    }
    /* The last is the app, where people work: two days of seven are less than an eighth of it. */
    for (int32_t day = TOLD - YEAR + 1; day <= TOLD; day++)
        at_weekends += date_weekday(day) >= 5 ? sum_of(told.day_visits, day, day) : 0;
    assert_true(at_weekends * 8 < told.visits);
}

static void one_source_falls_away_yesterday_whatever_the_day_of_the_week(void **state)
{
    (void)state;
    for (int32_t told = TOLD; told < TOLD + 7; told++) {
        struct stream stream = open_stream(&demo_sites[0], 1, 3, told);
        size_t visits[3] = {0}, from_it[3] = {0};

        while (stream_next(&stream)) {
            int32_t day = tz_at(stream.tz, stream.event.in.timestamp_ms).day - (told - 2);

            if (!comes_in(&demo_sites[0], &stream.event))
                continue;
            visits[day]++;
            from_it[day] +=
                str_starts(stream.event.in.referrer, STR("https://rooms-magazine.example/"));
        }
        assert_true(from_it[0] * 6 > visits[0]);
        assert_int_equal(from_it[1] + from_it[2], 0);
        assert_true(visits[1] * 10 < visits[0] * 9);
        /* Without it the two days are alike. */
        assert_in_range(visits[1] * 100 / (visits[0] - from_it[0]), 80, 120);
        close_stream(&stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_same_for_the_same_seed_and_another_for_another),
        cmocka_unit_test(comes_in_the_order_of_time_from_the_first_day_on),
        cmocka_unit_test(every_event_is_one_that_a_request_could_have_brought),
        cmocka_unit_test(goals_notes_and_names_are_such_as_sites_may_have),
        cmocka_unit_test(the_shop_has_visits_of_every_channel),
        cmocka_unit_test(the_shops_year_has_its_size_its_kinds_and_its_story),
        cmocka_unit_test(others_have_their_pages_hours_and_weeks),
        cmocka_unit_test(one_source_falls_away_yesterday_whatever_the_day_of_the_week),
    };

    assert_true(sodium_init() >= 0);
    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
