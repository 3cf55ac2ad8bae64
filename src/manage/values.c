/*
 * manage/values.c -- the values of settings: from what somebody wrote to what is kept.
 *
 * The store takes any list of texts; here stands what its items must be, and one spelling of each,
 * so that the same again is seen to be the same.
 */
#include "manage/values.h"

#include "base/net.h"
#include "base/tz.h"
#include "event/event.h"
#include "geo/geo.h"
#include "manage/manage_internal.h"

#include <ctype.h>

typedef int read_fn(struct str text, struct arena *arena, struct str *out, struct err *err);

enum { SHOWN_MAX = 100 }; /* bytes of a value in a message */

static int not_a(struct str text, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "\"%.*s\" is %s", STR_FMT(str_slice(text, 0, SHOWN_MAX)),
                   what);
}

/* -- hosts ------------------------------------------------------------------------------------- */

enum { HOST_MAX = 253, LABEL_MAX = 63 }; /* RFC 1035, 2.3.4 */

static bool label_is_good(struct str label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!isalnum((unsigned char)label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
            return false;
    return true;
}

static bool host_is_good(struct str host)
{
    struct str rest = host, label;

    if (host.len == 0 || host.len > HOST_MAX)
        return false;
    while (str_next(&rest, '.', &label))
        if (!label_is_good(label))
            return false;
    return true;
}

static struct str folded(struct str text, int (*fold)(int c), struct arena *arena)
{
    char *out = arena_bytes(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        out[i] = (char)fold((unsigned char)text.ptr[i]);
    out[text.len] = '\0';
    return (struct str){out, text.len};
}

int value_host(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    if (!host_is_good(text))
        return not_a(text, "no host name (try example.com)", err);
    *out = folded(text, tolower, arena);
    return 0;
}

int value_origin(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    struct str host = str_starts(text, STR("*.")) ? str_slice(text, 2, text.len) : text;

    if (!str_eq(text, STR("*")) && !host_is_good(host))
        return not_a(text, "no host (try example.com, *.example.com or *)", err);
    *out = folded(text, tolower, arena);
    return 0;
}

/* -- the others -------------------------------------------------------------------------------- */

int value_zone(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    struct tz *zone = NULL;

    (void)arena;
    if (tz_load(text, &zone, NULL) != 0)
        return not_a(text, "no time zone (try UTC, Europe/Berlin)", err);
    tz_free(&zone);
    *out = text;
    return 0;
}

static int read_text(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    (void)arena;
    (void)err;
    *out = text;
    return 0;
}

static int read_id(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    (void)arena;
    *out = text;
    return str_is_id(text) ? 0 : not_a(text, "no id (1 to 64 of A-Z a-z 0-9 _ -)", err);
}

static int read_range(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    struct cidr range;

    (void)arena;
    *out = text;
    return cidr_parse(text, &range)
               ? 0
               : not_a(text, "no address and no range (try 192.0.2.0/24)", err);
}

static int read_country(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    *out = folded(text, toupper, arena);
    return geo_is_country(*out) ? 0 : not_a(text, "no country of ISO 3166-1 (try DE)", err);
}

static int read_event(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    (void)arena;
    *out = text;
    return event_name_is_valid(text) ? 0
                                     : not_a(text, "no name of an event (try form.submit)", err);
}

/* What no path looks like would block nothing. */
static int read_path(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    (void)arena;
    *out = text;
    return str_starts(text, STR("/")) ? 0
                                      : err_set(err, ERR_INVALID, "\"%.*s\" does not begin with /",
                                                STR_FMT(str_slice(text, 0, SHOWN_MAX)));
}

/* What reading knows (CONTRACT: Reading): the metrics of stats and of a breakdown's rows, and the
 * dimensions. */
static const char *const metrics[] = {
    "pageviews",      "uniqueVisitors",
    "visits",         "viewsPerVisit",
    "bounceRate",     "visitDuration",
    "conversions",    "converters",
    "conversionRate", "unattributedConversions",
    "leads",          "forms",
    "exports",        "automationRuns",
    "aiTokens",       "timeOnPage",
    "scrollDepth",    "goal",
    "page",           "entryPage",
    "exitPage",       "referrer",
    "source",         "channel",
    "utmSource",      "utmMedium",
    "utmCampaign",    "utmContent",
    "utmTerm",        "country",
    "browser",        "os",
    "device",         "language",
    "screen",         "event",
};

static int read_metric(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    (void)arena;
    *out = text;
    if (str_starts(text, STR("prop:")) && text.len > 5 && text.len <= 5 + EVENT_PROP_KEY_MAX)
        return 0;
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        if (str_eq(str_from(metrics[i]), text))
            return 0;
    return not_a(text, "no metric and no dimension (try conversions, utmSource, prop:plan)", err);
}

/* -- by the names of the settings -------------------------------------------------------------- */

static const struct reading {
    const char *name;
    read_fn *read;     /* of the text, or of each item of the list */
    const char *takes; /* for people; NULL: what its type takes */
} readings[] = {
    {"domain", value_host, "HOST"},
    {"timezone", value_zone, "ZONE"},
    {"visitorIdentity", read_text, "cut-address, full-address"},
    {"trackingIds", read_id, "ID,..."},
    {"allowedOrigins", value_origin, "HOST,..."},
    {"blockedAddresses", read_range, "CIDR,..."},
    {"blockedPaths", read_path, "PATH,..."},
    {"blockedCountries", read_country, "CODE,..."},
    {"blockedReferrers", value_host, "HOST,..."},
    {"events", read_event, "EVENT,..."},
    {"fields", read_text, "FIELD,..."},
    {"requireToken", read_event, "EVENT,..."},
    {"publicMetrics", read_metric, "NAME,..."},
};
enum { READINGS = sizeof(readings) / sizeof(readings[0]) };

static const struct reading *reading_of(struct str setting)
{
    static const struct reading any = {.read = read_text};

    for (size_t i = 0; i < READINGS; i++)
        if (str_eq(setting, str_from(readings[i].name)))
            return &readings[i];
    return &any;
}

int value_read(struct str setting, struct str text, struct arena *arena, struct str *out,
               struct err *err)
{
    return reading_of(setting)->read(text, arena, out, err);
}

const char *value_takes(struct str setting)
{
    return reading_of(setting)->takes;
}

const char *value_sentence(struct str setting)
{
    const struct manage_member *member = site_resource_members;

    while (member->name != NULL && !str_eq(setting, str_from(member->name)))
        member++;
    return member->name == NULL ? "" : member->meaning;
}

/* -- from JSON --------------------------------------------------------------------------------- */

static int read_items(const char *name, const struct json *list, struct arena *arena,
                      struct json *out, struct err *err)
{
    *out = *list;
    out->items = ARENA_NEW(arena, struct json, list->count);
    for (size_t i = 0; i < list->count; i++) {
        out->items[i] = list->items[i];
        if (list->items[i].type != JSON_STRING || list->items[i].text.len == 0)
            return err_set(err, ERR_INVALID, "%s[%zu]: must be a text, and not empty", name, i);
        int rc = value_read(str_from(name), list->items[i].text, arena, &out->items[i].text, err);

        if (rc != 0)
            return err_wrap(err, rc, "%s[%zu]", name, i);
    }
    return 0;
}

static struct str text_of(const struct json *value, struct arena *arena)
{
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    json_value(&json, value);
    struct str kept = arena_str(arena, buf_str(&text));

    buf_release(&text);
    return kept;
}

/* Goals and rules are read where they are used, and so tell the place themselves. */
static int check_objects(const char *name, const struct json *value, struct arena *arena,
                         struct err *err)
{
    struct str text = text_of(value, arena);
    struct path_rule *rules;
    struct goal *goals;
    size_t count;

    return str_eq(str_from(name), STR("goals"))
               ? goals_parse(text, arena, &goals, &count, err)
               : path_rules_parse(text, arena, &rules, &count, err);
}

/* Of another type than its setting: the store says so. */
static int read_value(const struct site_setting *setting, const struct json *value,
                      struct arena *arena, struct json *out, struct err *err)
{
    int rc = 0;

    *out = *value;
    if (setting->type == SETTING_LIST && value->type == JSON_ARRAY)
        return read_items(setting->name, value, arena, out, err);
    if (setting->type == SETTING_JSON && value->type == JSON_ARRAY)
        return check_objects(setting->name, value, arena, err);
    if (setting->type == SETTING_TEXT && value->type == JSON_STRING) {
        rc = value_read(str_from(setting->name), value->text, arena, &out->text, err);
        return rc == 0 ? 0 : err_wrap(err, rc, "%s", setting->name);
    }
    return 0;
}

static const struct json null = {.type = JSON_NULL};

/* NULL: it is not said. */
static const struct json *said(const struct json *object, const char *name, const char *level)
{
    struct str group = str_slice(str_from(name), 0, str_find(str_from(name), 0, '.'));
    const struct json *outer = json_get(object, group), *value = body_get(object, name);

    if (value == NULL)
        return outer != NULL && outer->type == JSON_NULL ? &null : NULL;
    const struct json *from = value->type == JSON_OBJECT ? json_get(value, STR("from")) : NULL;

    if (from == NULL)
        return value;
    const struct json *inner = json_get(value, STR("value"));

    return inner != NULL && from->type == JSON_STRING && str_eq(from->text, str_from(level))
               ? inner
               : &null;
}

/* Room for `name`, the members of a group in an object of theirs. */
static struct json *place_for(struct json *out, struct str name, struct arena *arena)
{
    size_t dot = str_find(name, 0, '.');
    struct str first = str_slice(name, 0, dot);
    struct json_member *last = out->count > 0 ? &out->members[out->count - 1] : NULL;

    if (last == NULL || !str_eq(last->name, first)) {
        last = &out->members[out->count++];
        last->name = first;
    }
    if (dot == name.len)
        return &last->value;
    if (last->value.members == NULL) {
        last->value.type = JSON_OBJECT;
        last->value.members = ARENA_NEW(arena, struct json_member, SETTINGS_MAX);
    }
    struct json_member *inner = &last->value.members[last->value.count++];

    inner->name = str_slice(name, dot + 1, name.len);
    return &inner->value;
}

int values_read(const struct json *object, const char *level, struct arena *arena,
                const struct json **out, struct err *err)
{
    struct json *kept = ARENA_NEW(arena, struct json, 1);
    struct site_setting setting;
    int rc = 0;

    kept->type = JSON_OBJECT;
    kept->members = ARENA_NEW(arena, struct json_member, SETTINGS_MAX);
    for (size_t i = 0; rc == 0 && site_setting_at(i, &setting); i++) {
        const struct json *value = said(object, setting.name, level);

        if (value != NULL)
            rc = read_value(&setting, value, arena, place_for(kept, str_from(setting.name), arena),
                            err);
    }
    *out = kept;
    return rc;
}
