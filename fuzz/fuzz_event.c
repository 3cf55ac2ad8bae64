/*
 * Any bytes as the body of a tracking request: refused with a place, or events that go through the
 * whole way of event/event.h and come back from their records as they were.
 */
#include "event/event.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_MS INT64_C(1795341900000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 8536: version 1, no transitions, one type: UTC. */
static struct tz *utc(void)
{
    static const char file[] =
        "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
        "\0\0\0\0\0\0UTC";
    struct tz *tz = NULL;

    if (tz_parse((struct str){file, sizeof(file)}, &tz, NULL) != 0)
        abort();
    return tz;
}

static void keep(const struct site *site, const struct client *client, const struct event_input *in,
                 struct arena *arena)
{
    const struct salts salts = {.count = 1, .salt = {{.day = site_day(site, NOW_MS)}}};
    const uint8_t id_key[16] = {0};
    struct event event;
    struct record record;
    struct buf buf = {0};

    const struct sender sender = {.browser = STR("Firefox"), .country = STR("DE")};

    if (event_make(site, client, &sender, &salts, id_key, NOW_MS, in, arena, &event, NULL) != 0)
        abort();
    event_encode(&event, &buf);
    if (record_decode(buf_str(&buf), &record, NULL) != 0 ||
        !str_eq(record.event.path, event.path) || !str_eq(record.event.props, event.props) ||
        !str_eq(record.event.referrer, event.referrer) ||
        !str_eq(record.event.prefix, event.prefix) || record.event.visitor != event.visitor)
        abort();
    if (event.path.len > EVENT_PATH_MAX || (event.prefix.len > 0) != (event.visitor != 0) ||
        (site->fields_off != 0 && event.referrer.len + event.title.len + event.props.len > 0))
        abort();
    for (unsigned i = 0; i < TRAITS; i++)
        if (!str_eq(record.event.traits[i], event.traits[i]) ||
            (event.visitor == 0 && event.traits[i].len > 0))
            abort();
    if (goals_met(site->goals, site->goals_count, &event) !=
        goals_met(site->goals, site->goals_count, &record.event))
        abort();
    buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct event_batch batch;
    struct event_problem problem;
    struct err err = {0};
    struct tz *tz = utc();
    struct str kept[] = {STR("q")};
    struct path_rule rules[] = {{STR("/users/*/edit"), STR("/users/:id/edit")},
                                {STR("/app#/users/*"), STR("/app#/users/:id")},
                                {STR("/docs/*/**"), STR("/$2/$1")}};
    struct goal_prop props[] = {{STR("plan"), STR("pro")}};
    struct goal goals[] = {{.name = STR("a"), .path = STR("/*"), .props = props, .props_count = 1},
                           {.name = STR("b"), .event = STR("lead.created")}};
    const struct site site = {.id = STR("abc123"),
                              .tenant = STR("t5g"),
                              .domain = STR("example.com"),
                              .tz = tz,
                              .mask_personal = true,
                              .query_params = kept,
                              .query_params_count = 1,
                              .path_rules = rules,
                              .path_rules_count = 3,
                              .goals = goals,
                              .goals_count = 2,
                              .ipv4_prefix = 24,
                              .ipv6_prefix = 48,
                              .store_prefix = true,
                              .fields_off = size % 3 == 0 ? (1U << FIELDS) - 1 : 0};
    const struct client client = {.address = {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8}},
                                  .user_agent = STR("UA"),
                                  .has_token = size % 2 == 0};
    int rc =
        event_parse((struct str){(const char *)data, size}, NOW_MS, &arena, &batch, &problem, &err);

    if ((rc != 0 && (rc != ERR_INVALID || err.text[0] == '\0')) ||
        (rc == 0 && (batch.count == 0 || batch.count > EVENT_BATCH_MAX)))
        abort();
    for (size_t i = 0; rc == 0 && i < batch.count; i++) {
        (void)event_screen(&site, &client, &(struct sender){0}, &batch.events[i]);
        keep(&site, &client, &batch.events[i], &arena);
    }
    tz_free(&tz);
    arena_free(&arena);
    return 0;
}
