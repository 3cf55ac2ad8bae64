/*
 * event/parse_event.c -- one event's JSON object, member by member.
 *
 * The members are one table; its order is the order in which they are checked, whatever the order
 * in which they were sent, so that an event that is wrong in two places always names the same one.
 * Members that the table lacks are ignored. A member that is null counts as absent, since trackers
 * send null for what they do not know.
 */
#include "base/date.h"
#include "base/json.h"
#include "event/event_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { SECONDS_MAX = 86400, SCROLL_MAX = 100, SCREEN_DIGITS_MAX = 5, WHAT_MAX = 128 };

/* A member: required of the kinds whose bits are set, and read where it is there. */
struct member {
    const char *name;
    size_t name_len;
    unsigned required;
    int (*read)(struct event_reader *r, const char *field, const struct json *v);
};

/* Refuse the event for that field. A macro for the reason that err_set() is one. */
#define wrong(r, field, ...) (refuse((r), (field), __VA_ARGS__), (int)ERR_INVALID)

__attribute__((format(printf, 3, 4))) static void refuse(struct event_reader *r, const char *field,
                                                         const char *fmt, ...)
{
    char what[WHAT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    *r->problem = (struct event_problem){r->index, field};
    err_fill(r->err, "event %zu: %s %s", r->index, field, what);
}

/* -- values of one type -- */

static int read_text(struct event_reader *r, const char *field, const struct json *v, size_t max,
                     struct str *out)
{
    if (v->type != JSON_STRING)
        return wrong(r, field, "is not a string");
    if (v->text.len > max)
        return wrong(r, field, "is longer than %zu bytes", max);
    *out = v->text;
    return 0;
}

static int read_nonempty(struct event_reader *r, const char *field, const struct json *v,
                         size_t max, struct str *out)
{
    int rc = read_text(r, field, v, max, out);

    return rc == 0 && out->len == 0 ? wrong(r, field, "is empty") : rc;
}

static int read_id_text(struct event_reader *r, const char *field, const struct json *v,
                        struct str *out)
{
    if (v->type != JSON_STRING)
        return wrong(r, field, "is not a string");
    if (!str_is_id(v->text))
        return wrong(r, field, "is not 1 to 64 of A-Z a-z 0-9 _ -");
    *out = v->text;
    return 0;
}

static int read_integer(struct event_reader *r, const char *field, const struct json *v,
                        int64_t min, int64_t max, int64_t *out)
{
    if (!json_to_i64(v, out) || *out < min || *out > max)
        return wrong(r, field, "is not an integer from %" PRId64 " to %" PRId64, min, max);
    return 0;
}

static int read_number(struct event_reader *r, const char *field, const struct json *v, int max,
                       double *out)
{
    if (!json_to_double(v, out) || *out < 0 || *out > max)
        return wrong(r, field, "is not a number from 0 to %d", max);
    return 0;
}

/* -- the members -- */

static int read_event(struct event_reader *r, const char *field, const struct json *v)
{
    if (v->type != JSON_STRING)
        return wrong(r, field, "is not a string");
    if (!event_name_is_valid(v->text))
        return wrong(r, field, "is not a name of the form [a-z][a-z0-9_.:-]{0,63}");
    r->in->name = v->text;
    r->in->kind = event_kind_of(v->text);
    return 0;
}

static int read_site(struct event_reader *r, const char *field, const struct json *v)
{
    return read_id_text(r, field, v, &r->in->site);
}

static int read_tenant(struct event_reader *r, const char *field, const struct json *v)
{
    return read_id_text(r, field, v, &r->in->tenant);
}

/* Backends often send the whole URL: its host says nothing new. */
static int reduce_url(struct event_reader *r, const char *field, struct str text)
{
    struct url url;

    if (!url_split(text, &url) ||
        !(str_ieq(url.scheme, STR("https")) || str_ieq(url.scheme, STR("http"))))
        return wrong(r, field, "is neither a path that begins with / nor an http or https URL");
    r->in->path = url.rest;
    if (url.rest.len > 0 && url.rest.ptr[0] == '/')
        return 0;
    char *path = ARENA_NEW(r->arena, char, url.rest.len + 1);

    path[0] = '/';
    if (url.rest.len > 0)
        memcpy(path + 1, url.rest.ptr, url.rest.len);
    r->in->path = (struct str){path, url.rest.len + 1};
    return 0;
}

static int read_path(struct event_reader *r, const char *field, const struct json *v)
{
    struct str text;
    int rc = read_nonempty(r, field, v, EVENT_PATH_MAX, &text);

    if (rc != 0)
        return rc;
    if (text.ptr[0] != '/')
        return reduce_url(r, field, text);
    r->in->path = text;
    return 0;
}

/* Browsers name pages of the same site in full, however long: no event is refused for that. */
static int read_referrer(struct event_reader *r, const char *field, const struct json *v)
{
    return read_text(r, field, v, EVENT_BODY_MAX, &r->in->referrer);
}

static int read_title(struct event_reader *r, const char *field, const struct json *v)
{
    return read_text(r, field, v, EVENT_BODY_MAX, &r->in->title);
}

static bool is_pixels(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len >= 1 && s.len <= SCREEN_DIGITS_MAX;
}

static int read_screen(struct event_reader *r, const char *field, const struct json *v)
{
    struct str text;
    int rc = read_text(r, field, v, EVENT_SCREEN_MAX, &text);

    if (rc != 0)
        return rc;
    size_t x = str_find(text, 0, 'x');

    if (!is_pixels(str_slice(text, 0, x)) || !is_pixels(str_slice(text, x + 1, text.len)))
        return wrong(r, field, "is not of the form 1440x900");
    r->in->screen = text;
    return 0;
}

/* "props.plan", in the arena. */
static const char *prop_field(struct event_reader *r, const char *field, struct str name)
{
    struct str before = str_from(field);
    char *out = ARENA_NEW(r->arena, char, before.len + 1 + name.len + 1);

    memcpy(out, before.ptr, before.len);
    out[before.len] = '.';
    if (name.len > 0)
        memcpy(out + before.len + 1, name.ptr, name.len);
    return out;
}

static int check_prop(struct event_reader *r, const char *field, const struct json_member *prop)
{
    const struct json *v = &prop->value;
    struct str text;
    double number;

    if (prop->name.len > EVENT_PROP_KEY_MAX)
        return wrong(r, field, "has a name longer than %d bytes", EVENT_PROP_KEY_MAX);
    if (v->type == JSON_BOOL || (v->type == JSON_NUMBER && json_to_double(v, &number)))
        return 0;
    if (v->type == JSON_STRING && v->text.len <= EVENT_PROP_VALUE_MAX)
        return 0;
    field = prop_field(r, field, prop->name);
    if (v->type == JSON_STRING)
        return read_text(r, field, v, EVENT_PROP_VALUE_MAX, &text);
    return wrong(r, field, "is neither a string nor a finite number nor true or false");
}

static int read_props(struct event_reader *r, const char *field, const struct json *v)
{
    struct buf buf = {0};

    if (v->type != JSON_OBJECT)
        return wrong(r, field, "is not an object");
    if (v->count > EVENT_PROPS_MAX)
        return wrong(r, field, "has more than %d names", EVENT_PROPS_MAX);
    for (size_t i = 0; i < v->count; i++) {
        int rc = check_prop(r, field, &v->members[i]);

        if (rc != 0)
            return rc;
    }
    if (v->count == 0)
        return 0;
    json_value(&(struct json_out){.buf = &buf}, v);
    r->in->props = arena_str(r->arena, buf_str(&buf));
    buf_release(&buf);
    return 0;
}

static int read_count(struct event_reader *r, const char *field, const struct json *v)
{
    return read_integer(r, field, v, 1, EVENT_COUNT_MAX, &r->in->count);
}

static int read_tokens(struct event_reader *r, const char *field, const struct json *v)
{
    int64_t tokens;
    int rc = read_integer(r, field, v, 0, EVENT_TOKENS_MAX, &tokens);

    if (rc != 0)
        return rc;
    /* At most 1e12 times 1e6: no overflow. */
    if (tokens * r->in->count > EVENT_TOKENS_MAX)
        return wrong(r, field, "times count is more than %" PRId64, EVENT_TOKENS_MAX);
    if (r->in->kind == EVENT_AI_USAGE)
        r->in->tokens = tokens;
    return 0;
}

static int read_seconds(struct event_reader *r, const char *field, const struct json *v)
{
    double seconds;
    int rc = read_number(r, field, v, SECONDS_MAX, &seconds);

    if (rc == 0 && r->in->kind == EVENT_ENGAGEMENT)
        r->in->seconds_ms = (int64_t)(seconds * 1000 + 0.5);
    return rc;
}

static int read_scroll(struct event_reader *r, const char *field, const struct json *v)
{
    double percent;
    int rc = read_number(r, field, v, SCROLL_MAX, &percent);

    if (rc == 0 && r->in->kind == EVENT_ENGAGEMENT)
        r->in->scroll = (int32_t)(percent + 0.5);
    return rc;
}

static int read_id(struct event_reader *r, const char *field, const struct json *v)
{
    return read_nonempty(r, field, v, EVENT_ID_MAX, &r->in->id);
}

static int read_timestamp(struct event_reader *r, const char *field, const struct json *v)
{
    int64_t ms;

    if (v->type != JSON_STRING || !instant_parse(v->text, &ms))
        return wrong(r, field, "is not an RFC 3339 date and time");
    if (ms < r->now_ms - TIMESTAMP_PAST_DAYS * DAY_MS)
        return wrong(r, field, "is more than %d days ago", TIMESTAMP_PAST_DAYS);
    if (ms > r->now_ms + TIMESTAMP_AHEAD_MS)
        return wrong(r, field, "is more than %d seconds ahead", TIMESTAMP_AHEAD_MS / 1000);
    r->in->has_timestamp = true;
    r->in->timestamp_ms = ms;
    return 0;
}

const struct json *get_present(const struct json *object, struct str name)
{
    const struct json *v = json_get(object, name);

    return v != NULL && v->type != JSON_NULL ? v : NULL;
}

static int read_visitor(struct event_reader *r, const char *field, const struct json *v)
{
    if (v->type != JSON_OBJECT)
        return wrong(r, field, "is not an object");
    const struct json *ip = get_present(v, STR("ip"));
    const struct json *agent = get_present(v, STR("userAgent"));

    if (ip == NULL)
        return wrong(r, "visitor.ip", "is missing");
    if (ip->type != JSON_STRING || !addr_parse(ip->text, &r->in->visitor_address))
        return wrong(r, "visitor.ip", "is not an IP address");
    if (agent == NULL)
        return wrong(r, "visitor.userAgent", "is missing");
    if (agent->type != JSON_STRING)
        return wrong(r, "visitor.userAgent", "is not a string");
    r->in->visitor_agent = agent->text;
    r->in->has_visitor = true;
    return 0;
}

enum { NEVER = 0, ALWAYS = (1 << EVENT_KINDS) - 1 };
#define OF(kind) (1U << (kind))
#define MEMBER(name, required, read)                                                               \
    {                                                                                              \
        (name), sizeof(name) - 1, (required), (read)                                               \
    }

/* `event` comes first, since what else is required depends on it; `count` before `tokens`. */
static const struct member members[] = {
    MEMBER("event", ALWAYS, read_event),
    MEMBER("siteId", ALWAYS, read_site),
    MEMBER("tenantId", NEVER, read_tenant),
    MEMBER("path", OF(EVENT_PAGEVIEW) | OF(EVENT_ENGAGEMENT), read_path),
    MEMBER("referrer", NEVER, read_referrer),
    MEMBER("title", NEVER, read_title),
    MEMBER("screen", NEVER, read_screen),
    MEMBER("props", NEVER, read_props),
    MEMBER("count", NEVER, read_count),
    MEMBER("tokens", OF(EVENT_AI_USAGE), read_tokens),
    MEMBER("seconds", NEVER, read_seconds),
    MEMBER("scroll", NEVER, read_scroll),
    MEMBER("id", NEVER, read_id),
    MEMBER("timestamp", NEVER, read_timestamp),
    MEMBER("visitor", NEVER, read_visitor),
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

/* -- all of them -- */

static void find_members(const struct json *event, const struct json *found[MEMBERS])
{
    for (size_t i = 0; i < event->count; i++) {
        struct str name = event->members[i].name;
        const struct json *value = &event->members[i].value;

        for (size_t k = 0; k < MEMBERS; k++)
            if (name.len == members[k].name_len && memcmp(name.ptr, members[k].name, name.len) == 0)
                found[k] = value->type != JSON_NULL ? value : NULL;
    }
}

int event_read(struct event_reader *r, const struct json *event)
{
    const struct json *found[MEMBERS] = {0};
    int rc = 0;

    *r->in = (struct event_input){.count = 1, .scroll = -1};
    if (event->type != JSON_OBJECT) {
        *r->problem = (struct event_problem){r->index, NULL};
        return err_set(r->err, ERR_INVALID, "event %zu is not an object", r->index);
    }
    find_members(event, found);
    for (size_t k = 0; k < MEMBERS && rc == 0; k++) {
        if (found[k] != NULL)
            rc = members[k].read(r, members[k].name, found[k]);
        else if (members[k].required & OF(r->in->kind))
            rc = wrong(r, members[k].name, "is missing");
    }
    return rc;
}
