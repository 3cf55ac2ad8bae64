/*
 * event/goals.c -- a site's goals: from their JSON, and which of them an event meets.
 *
 * A goal is met by name, by path, or by both, and by all of its properties. The event's name is
 * asked, not its kind: rows of a store have no other. Engagement says how long a page was seen and
 * happens to no goal.
 *
 * What goals_hash() hashes is unambiguous: the number of goals; then of each goal its name, event
 * and path, the number of its properties, and each one's name and value. Numbers are 4 bytes, the
 * lowest first, and each text has its length in front. The hash (XXH3, 64 bits) is kept in the
 * store beside what was counted with these goals.
 */
#include "base/json.h"
#include "event/event_internal.h"

#include <xxhash.h>

enum { GOALS_DEPTH = 3 }; /* the list, a goal, its properties */

/* One goal's object on its way in. */
struct goal_reader {
    size_t index;
    struct arena *arena;
    struct goal *goal;
    struct err *err;
};

#define wrong(r, member, ...)                                                                      \
    (err_fill((r)->err, __VA_ARGS__),                                                              \
     err_wrap((r)->err, ERR_INVALID, "goals[%zu].%s", (r)->index, (member)))

static int read_text(const struct goal_reader *r, const char *member, const struct json *v,
                     size_t max, struct str *out)
{
    if (v->type != JSON_STRING || v->text.len == 0 || v->text.len > max)
        return wrong(r, member, "not a text of 1 to %zu bytes", max);
    *out = v->text;
    return 0;
}

static int read_name(const struct goal_reader *r, const struct json *v)
{
    return read_text(r, "name", v, GOAL_NAME_MAX, &r->goal->name);
}

static int read_event(const struct goal_reader *r, const struct json *v)
{
    if (v->type != JSON_STRING || !event_name_is_valid(v->text))
        return wrong(r, "event", "not a name of the form [a-z][a-z0-9_.:-]{0,63}");
    if (event_kind_of(v->text) == EVENT_ENGAGEMENT)
        return wrong(r, "event", "engagement meets no goal");
    r->goal->event = v->text;
    return 0;
}

static int read_path(const struct goal_reader *r, const struct json *v)
{
    int rc = read_text(r, "path", v, EVENT_PATH_MAX, &r->goal->path);

    if (rc != 0)
        return rc;
    struct str path = r->goal->path;
    size_t star = str_find(path, 0, '*');

    if (path.ptr[0] != '/')
        return wrong(r, "path", "does not begin with /");
    if (!path_is_page(path))
        return wrong(r, "path",
                     "has a query, or a fragment that is no route (#/ or #!): the paths that it "
                     "meets have none");
    if (star < path.len && (star + 1 < path.len || path.ptr[star - 1] != '/'))
        return wrong(r, "path", "has a * that is not all that follows its last /");
    return 0;
}

static int read_prop(const struct goal_reader *r, const struct json_member *prop,
                     struct goal_prop *out)
{
    const struct json *v = &prop->value;
    double number;

    if (prop->name.len > EVENT_PROP_KEY_MAX)
        return wrong(r, "props", "a name is longer than %d bytes", EVENT_PROP_KEY_MAX);
    out->name = prop->name;
    if (v->type == JSON_STRING && v->text.len <= EVENT_PROP_VALUE_MAX)
        out->value = v->text;
    else if (v->type == JSON_BOOL)
        out->value = v->boolean ? STR("true") : STR("false");
    else if (v->type == JSON_NUMBER && json_to_double(v, &number))
        out->value = number_plain(v->text, r->arena);
    else
        return wrong(r, "props",
                     "%.*s is neither a text of up to %d bytes nor a finite number nor "
                     "true or false",
                     STR_FMT(prop->name), EVENT_PROP_VALUE_MAX);
    return 0;
}

static int read_props(const struct goal_reader *r, const struct json *v)
{
    struct goal *goal = r->goal;
    int rc = 0;

    if (v->type != JSON_OBJECT || v->count > EVENT_PROPS_MAX)
        return wrong(r, "props", "not an object of at most %d names", EVENT_PROPS_MAX);
    goal->props = ARENA_NEW(r->arena, struct goal_prop, v->count + 1);
    goal->props_count = v->count;
    for (size_t i = 0; i < v->count && rc == 0; i++)
        rc = read_prop(r, &v->members[i], &goal->props[i]);
    return rc;
}

static int read_value(const struct goal_reader *r, const struct json *v)
{
    if (!json_to_double(v, &r->goal->value) || r->goal->value < 0 ||
        r->goal->value > GOAL_VALUE_MAX)
        return wrong(r, "value", "not a number from 0 to %.0f", GOAL_VALUE_MAX);
    return 0;
}

static const struct {
    struct str name;
    int (*read)(const struct goal_reader *r, const struct json *v);
} members[] = {
    {STR_INIT("name"), read_name},   {STR_INIT("event"), read_event}, {STR_INIT("path"), read_path},
    {STR_INIT("props"), read_props}, {STR_INIT("value"), read_value},
};

static int read_member(const struct goal_reader *r, const struct json_member *member)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (str_eq(member->name, members[i].name))
            return member->value.type == JSON_NULL ? 0 : members[i].read(r, &member->value);
    return err_set(r->err, ERR_INVALID, "goals[%zu].%.*s: not known", r->index,
                   STR_FMT(str_slice(member->name, 0, GOAL_NAME_MAX)));
}

static int read_goal(const struct goal_reader *r, const struct json *v)
{
    if (v->type != JSON_OBJECT)
        return err_set(r->err, ERR_INVALID, "goals[%zu]: not an object", r->index);
    for (size_t i = 0; i < v->count; i++) {
        int rc = read_member(r, &v->members[i]);

        if (rc != 0)
            return rc;
    }
    if (r->goal->name.len == 0)
        return wrong(r, "name", "missing");
    if (r->goal->event.len == 0 && r->goal->path.len == 0)
        return wrong(r, "event", "missing, and so is path");
    return 0;
}

static int check_name(const struct goal_reader *r, const struct goal *goals)
{
    for (size_t i = 0; i < r->index; i++)
        if (str_eq(goals[i].name, r->goal->name))
            return wrong(r, "name", "that of goals[%zu] too", i);
    return 0;
}

static void use_default(struct arena *arena, struct goal **out, size_t *count)
{
    *out = ARENA_NEW(arena, struct goal, 1);
    **out = (struct goal){.name = STR("lead.created"), .event = STR("lead.created")};
    *count = 1;
}

int goals_parse(struct str json, struct arena *arena, struct goal **out, size_t *count,
                struct err *err)
{
    struct json *list = NULL;
    int rc = 0;

    *out = NULL;
    *count = 0;
    if (json.len == 0) {
        use_default(arena, out, count);
        return 0;
    }
    rc = json_parse(json, GOALS_DEPTH, arena, &list, err);
    if (rc != 0)
        return err_wrap(err, rc, "goals");
    if (list->type != JSON_ARRAY || list->count > GOALS_MAX)
        return err_set(err, ERR_INVALID, "goals: not a list of at most %d", GOALS_MAX);
    struct goal *goals = ARENA_NEW(arena, struct goal, list->count + 1);

    for (size_t i = 0; i < list->count && rc == 0; i++) {
        struct goal_reader r = {i, arena, &goals[i], err};

        rc = read_goal(&r, &list->items[i]);
        if (rc == 0)
            rc = check_name(&r, goals);
    }
    if (rc != 0)
        return rc;
    *out = goals;
    *count = list->count;
    return 0;
}

/* -- the hash -- */

static void add_number(struct buf *buf, size_t n)
{
    for (int i = 0; i < 4; i++)
        buf_addc(buf, (char)(n >> 8 * i & 0xFF));
}

static void add_text(struct buf *buf, struct str s)
{
    add_number(buf, s.len);
    buf_add(buf, s);
}

uint64_t goals_hash(const struct goal *goals, size_t count)
{
    struct buf buf = {0};

    add_number(&buf, count);
    for (const struct goal *goal = goals; goal < goals + count; goal++) {
        add_text(&buf, goal->name);
        add_text(&buf, goal->event);
        add_text(&buf, goal->path);
        add_number(&buf, goal->props_count);
        for (size_t i = 0; i < goal->props_count; i++) {
            add_text(&buf, goal->props[i].name);
            add_text(&buf, goal->props[i].value);
        }
    }
    uint64_t hash = XXH3_64bits(buf.ptr, buf.len);

    buf_release(&buf);
    return hash != 0 ? hash : 1;
}

/* -- meeting them -- */

/* How many of a goal's properties an event has. */
struct tick {
    const struct goal *goal;
    size_t found;
};

static int tick_prop(void *ctx, struct str name, struct str value)
{
    struct tick *tick = ctx;

    for (size_t i = 0; i < tick->goal->props_count; i++)
        if (str_eq(tick->goal->props[i].name, name))
            tick->found += str_eq(tick->goal->props[i].value, value);
    return 0;
}

static bool has_props(const struct goal *goal, const struct event *event)
{
    struct tick tick = {.goal = goal};
    struct arena scratch = {0};

    if (goal->props_count == 0)
        return true;
    (void)props_each(event->props, &scratch, tick_prop, &tick);
    arena_free(&scratch);
    return tick.found == goal->props_count;
}

static bool is_met(const struct goal *goal, const struct event *event)
{
    struct str name = goal->event.len > 0 ? goal->event : STR("pageview");

    return str_eq(event->name, name) &&
           (goal->path.len == 0 || path_matches(event->path, goal->path)) && has_props(goal, event);
}

uint64_t goals_met(const struct goal *goals, size_t count, const struct event *event)
{
    uint64_t met = 0;

    for (size_t i = 0; i < count; i++)
        met |= (uint64_t)is_met(&goals[i], event) << i;
    return met;
}
