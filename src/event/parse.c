/*
 * event/parse.c -- from a request's body to validated events.
 *
 * All of a request is refused or none: the first wrong event ends the reading, and the batch is
 * then filled with the sites of all events, for the ledger.
 */
#include "base/json.h"
#include "event/event_internal.h"

struct list {
    const struct json *items;
    size_t count;
};

static int read_events(struct list list, int64_t now_ms, struct arena *arena,
                       struct event_batch *out, struct event_problem *problem, struct err *err)
{
    struct event_reader r = {.now_ms = now_ms, .arena = arena, .problem = problem, .err = err};

    out->events = ARENA_NEW(arena, struct event_input, list.count);
    for (size_t i = 0; i < list.count; i++) {
        r.index = i;
        r.in = &out->events[i];
        int rc = event_read(&r, &list.items[i]);

        if (rc != 0)
            return rc;
        out->count++;
    }
    return 0;
}

/* After a refusal: the sites, as far as they can be read. */
static void list_sites(struct list list, struct arena *arena, struct event_batch *out)
{
    *out = (struct event_batch){ARENA_NEW(arena, struct event_input, list.count), 0};
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].type != JSON_OBJECT)
            continue;
        const struct json *site = json_get(&list.items[i], STR("siteId"));

        if (site != NULL && site->type == JSON_STRING && str_is_id(site->text))
            out->events[out->count++] = (struct event_input){.site = site->text};
    }
}

/* One event, an array, or {"events":[...]}; what has an `event` of its own is an event whatever
 * else it has. */
static int find_events(const struct json *root, struct list *out, struct event_problem *problem,
                       struct err *err)
{
    const struct json *events = root;

    *out = (struct list){root, 1};
    if (root->type == JSON_OBJECT) {
        events = get_present(root, STR("events"));
        if (events == NULL || get_present(root, STR("event")) != NULL)
            return 0;
        problem->field = "events";
    }
    *out = (struct list){NULL, 0};
    if (events->type != JSON_ARRAY)
        return err_set(err, ERR_INVALID, "the body is neither an event nor a list of events");
    *out = (struct list){events->items, events->count};
    if (events->count == 0)
        return err_set(err, ERR_INVALID, "the list of events is empty");
    if (events->count > EVENT_BATCH_MAX)
        return err_set(err, ERR_INVALID, "at most %d events in a request", EVENT_BATCH_MAX);
    return 0;
}

int event_parse(struct str body, int64_t now_ms, struct arena *arena, struct event_batch *out,
                struct event_problem *problem, struct err *err)
{
    struct json *root;
    struct list list;

    *out = (struct event_batch){0};
    *problem = (struct event_problem){SIZE_MAX, NULL};
    if (json_parse(body, EVENT_NESTING_MAX, arena, &root, err) != 0)
        return err_wrap(err, ERR_INVALID, "the body");
    int rc = find_events(root, &list, problem, err);

    if (rc == 0)
        rc = read_events(list, now_ms, arena, out, problem, err);
    if (rc != 0)
        list_sites(list, arena, out);
    return rc;
}
