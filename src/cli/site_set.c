/*
 * cli/site_set.c -- `abacus site set`: the settings of a site, from NAME=VALUE.
 *
 * Names, types and bounds are the store's (store_settings). Here stands what a person may write for
 * them, and what they mean. All of a command is done or none of it.
 */
#include "cli/site.h"

#include "base/net.h"
#include "event/event.h"
#include "geo/geo.h"

struct set_args {
    struct str id;
    struct text_list changes;
    bool json;
};
#define SET(member) .offset = offsetof(struct set_args, member)

static const struct option set_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     SET(id),
     .sentence = "The site."},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "NAME=VALUE",
     .list = true,
     .required = true,
     SET(changes),
     .sentence = "A setting; without a value (NAME=) it goes back to its default."},
    {.name = "json",
     .type = OPTION_FLAG,
     SET(json),
     .sentence = "Give the site as it is now as JSON."},
    {.name = NULL},
};

/* -- what a value, or an item of a list, must be ----------------------------------------------- */

/* *io: as written, and then as it is kept. */
typedef int read_fn(struct str *io, struct arena *arena, struct err *err);

static int as_option(enum option_type type, struct str *io, struct arena *arena, struct err *err)
{
    const struct option option = {.type = type};
    return option_convert(&option, *io, arena, io, err);
}

static int read_id(struct str *io, struct arena *arena, struct err *err)
{
    return as_option(OPTION_ID, io, arena, err);
}

static int read_host(struct str *io, struct arena *arena, struct err *err)
{
    return as_option(OPTION_HOST, io, arena, err);
}

static int read_origin(struct str *io, struct arena *arena, struct err *err)
{
    return as_option(OPTION_ORIGIN, io, arena, err);
}

static int read_zone(struct str *io, struct arena *arena, struct err *err)
{
    return as_option(OPTION_ZONE, io, arena, err);
}

static int read_range(struct str *io, struct arena *arena, struct err *err)
{
    (void)arena;
    struct cidr range;
    return cidr_parse(*io, &range)
               ? 0
               : err_set(err, ERR_INVALID, "\"%.*s\" is no address and no range (try 192.0.2.0/24)",
                         STR_FMT(*io));
}

static int read_country(struct str *io, struct arena *arena, struct err *err)
{
    char *code = ARENA_NEW(arena, char, io->len + 1);
    for (size_t i = 0; i < io->len; i++) {
        char c = io->ptr[i];
        code[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    struct str text = {code, io->len};
    if (!geo_is_country(text)) {
        return err_set(err, ERR_INVALID, "\"%.*s\" is no country of ISO 3166-1 (try DE)",
                       STR_FMT(*io));
    }
    *io = text;
    return 0;
}

static int read_event(struct str *io, struct arena *arena, struct err *err)
{
    (void)arena;
    return event_name_is_valid(*io)
               ? 0
               : err_set(err, ERR_INVALID, "\"%.*s\" is no name of an event (try form.submit)",
                         STR_FMT(*io));
}

/* What no path looks like would block nothing. */
static int read_path(struct str *io, struct arena *arena, struct err *err)
{
    (void)arena;
    return str_starts(*io, STR("/"))
               ? 0
               : err_set(err, ERR_INVALID, "\"%.*s\" does not begin with /", STR_FMT(*io));
}

/* By the names of the settings. */
static const struct {
    const char *name;
    read_fn *read;     /* NULL: any text */
    const char *takes; /* for people; NULL: what its type takes */
    const char *sentence;
} meanings[] = {
    {"domain", read_host, "HOST", "Its host; pages of it and of its subdomains may send."},
    {"timezone", read_zone, "ZONE", "Where its days begin and end."},
    {"enabled", NULL, NULL, "Whether its events are counted."},
    {"respectGpc", NULL, NULL, "Whether visitors who send Global Privacy Control are left out."},
    {"respectDnt", NULL, NULL, "Whether visitors who send Do Not Track are left out."},
    {"maskPersonal", NULL, NULL,
     "Whether e-mail addresses and long tokens in paths, titles and properties are masked."},
    {"visitorIdentity", NULL, "cut-address, full-address",
     "What of an address is hashed into a visitor."},
    {"ipv4Prefix", NULL, NULL, "Bits of an IPv4 address that are left when it is cut."},
    {"ipv6Prefix", NULL, NULL, "Bits of an IPv6 address that are left when it is cut."},
    {"storeIpPrefix", NULL, NULL,
     "Whether raw events keep the cut address (192.0.2.0/24) for as long as they are kept."},
    {"trackingIds", read_id, "ID,...", "Public aliases of its id."},
    {"allowedOrigins", read_origin, "HOST,...",
     "Whose pages may send: example.com, *.example.com, or * for any; unless set, the domain and "
     "its subdomains."},
    {"queryParams", NULL, NULL, "Parameters of the query that stay in a path."},
    {"blockedAddresses", read_range, "CIDR,...", "Addresses that are not counted."},
    {"blockedPaths", read_path, "PATH,...", "Paths that are not counted: /exact, or /prefix/*."},
    {"blockedCountries", read_country, "CODE,...", "Countries (DE) that are not counted."},
    {"blockedReferrers", read_host, "HOST,...",
     "Hosts, with all below them, from which nothing is counted."},
    {"events", read_event, "EVENT,...", "Names of events that are switched off."},
    {"fields", NULL, "FIELD,...",
     "Fields that are switched off, and kept of no event: referrer, campaign, title, screen, "
     "props, country, browser, os, device, language."},
    {"requireToken", read_event, "EVENT,...", "Names of events that only a token may send."},
    {"goals", NULL, NULL,
     "What is a conversion, [{\"name\":\"Bought\",\"path\":\"/thanks/*\"}]: each has a name and an "
     "event, a path or both, and may have props and a value; unless set, the event lead.created."},
    {"pathRules", NULL, NULL,
     "How paths are rewritten and grouped, "
     "[{\"match\":\"/users/*/edit\",\"to\":\"/users/:id/edit\"}]"
     ": the first that matches; * is one segment, a last ** the rest."},
    {"limits.eventsPerSecond", NULL, NULL, "Events a second on each node; 0 is no limit."},
    {"limits.pathsPerDay", NULL, NULL,
     "Values of a dimension that a day tells apart; the others are one row."},
    {"retention.rawDays", NULL, NULL, "Days that raw events are kept; unless set, --raw-days."},
    {"retention.visitDays", NULL, NULL, "Days that visits are kept; unless set, --visit-days."},
    {"retention.statsDays", NULL, NULL, "Days that stats are kept; unless set, --stats-days."},
};
enum { MEANINGS = sizeof(meanings) / sizeof(meanings[0]) };

/* MEANINGS: there is none. */
static size_t meaning_of(struct str name)
{
    size_t i = 0;
    while (i < MEANINGS && !str_eq(name, str_from(meanings[i].name))) {
        i++;
    }
    return i;
}

/* -- from NAME=VALUE to the row ---------------------------------------------------------------- */

/* A JSON array of texts, or texts between commas. */
static int read_items(struct str text, struct arena *arena, struct text_list *out, struct err *err)
{
    struct json *json = NULL;
    struct str piece;
    out->items = ARENA_NEW(arena, struct str, text.len + 1);
    if (!str_starts(text, STR("["))) {
        while (str_next(&text, ',', &piece)) {
            out->items[out->count++] = str_trim(piece);
        }
        return 0;
    }
    int rc = json_parse(text, 1, arena, &json, err);
    for (size_t i = 0; rc == 0 && i < json->count; i++) {
        if (json->items[i].type != JSON_STRING) {
            rc = err_set(err, ERR_INVALID, "must be a list of texts: a,b or [\"a\",\"b\"]");
        }
        out->items[out->count++] = json->items[i].text;
    }
    return rc;
}

static int read_list(struct str *io, read_fn *read, struct arena *arena, struct err *err)
{
    struct text_list list = {0};
    int rc = read_items(*io, arena, &list, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        if (list.items[i].len == 0) {
            rc = err_set(err, ERR_INVALID, "an item is empty");
        } else if (read != NULL) {
            rc = read(&list.items[i], arena, err);
        }
    }
    if (rc == 0) {
        *io = site_json_list(&list, STR(""), arena);
    }
    return rc;
}

static int change(struct site_row *row, struct str text, struct arena *arena, struct err *err)
{
    struct site_setting setting;
    size_t equals = str_find(text, 0, '=');
    struct str name = str_slice(text, 0, equals), value = str_slice(text, equals + 1, text.len);
    if (equals == text.len) {
        return err_set(err, ERR_INVALID, "%.*s: NAME=VALUE is wanted", STR_FMT(text));
    }
    if (site_setting_find(name, &setting, err) != 0) {
        struct err why = *err;
        return err_set(err, ERR_INVALID, "%s (abacus site set --help lists those there are)",
                       why.text);
    }
    size_t i = meaning_of(name);
    read_fn *read = i < MEANINGS ? meanings[i].read : NULL;
    int rc = 0;
    if (value.len > 0 && setting.type == SETTING_LIST) {
        rc = read_list(&value, read, arena, err);
    } else if (value.len > 0 && read != NULL) {
        rc = read(&value, arena, err);
    }
    if (rc != 0) {
        return err_wrap(err, rc, "%s", setting.name);
    }
    return site_setting_put(row, name, value, err);
}

static int run_in(struct store *store, const struct invocation *in, struct err *err)
{
    const struct set_args *args = in->args;
    struct directory_rows rows;
    int rc = store_read_directory(store, in->arena, &rows, err);
    if (rc != 0) {
        return rc;
    }
    const struct site_row *there = site_find(&rows, args->id);
    if (there == NULL) {
        return err_set(err, ERR_NOTFOUND, "site %.*s: no such site", STR_FMT(args->id));
    }
    struct site_row row = *there;
    for (size_t i = 0; rc == 0 && i < args->changes.count; i++) {
        rc = change(&row, args->changes.items[i], in->arena, err);
    }
    if (rc == 0) {
        const struct actor actor = cli_actor();
        rc = store_set_site(store, &row, &actor, err);
    }
    if (rc == 0 && args->json) {
        struct json_out json = {.buf = in->out};
        site_json(&row, &json);
        buf_addc(in->out, '\n');
    }
    return rc;
}

static int run(const struct invocation *in, struct err *err)
{
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc == 0) {
        rc = run_in(store, in, err);
    }
    store_close(&store);
    return rc;
}

/* -- help -------------------------------------------------------------------------------------- */

static void add_takes(const struct site_setting *setting, const char *takes, struct buf *out)
{
    static const char *const of_type[] = {[SETTING_TEXT] = "text",
                                          [SETTING_LIST] = "TEXT,...",
                                          [SETTING_JSON] = "a JSON list",
                                          [SETTING_BOOL] = "true, false",
                                          [SETTING_DAYS] = "days"};
    if (takes != NULL) {
        buf_add(out, str_from(takes));
    } else if (setting->type == SETTING_NUMBER || setting->type == SETTING_DAYS) {
        buf_addf(out, "%lld to %lld%s", (long long)setting->min, (long long)setting->max,
                 setting->type == SETTING_DAYS ? "; 0: for ever" : "");
    } else {
        buf_add(out, str_from(of_type[setting->type]));
    }
}

static void add_help(bool markdown, struct buf *out)
{
    struct site_setting setting;
    buf_add(out, markdown ? STR("\n| setting | takes | meaning |\n|---|---|---|\n")
                          : STR("\nSettings:\n"));
    for (size_t i = 0; site_setting_at(i, &setting); i++) {
        size_t k = meaning_of(str_from(setting.name));
        const char *takes = k < MEANINGS ? meanings[k].takes : NULL;
        const char *sentence = k < MEANINGS ? meanings[k].sentence : "";
        buf_addf(out, markdown ? "| `%s` | " : "  %s (", setting.name);
        add_takes(&setting, takes, out);
        buf_addf(out, markdown ? " | %s |\n" : ")\n      %s\n", sentence);
    }
}

const struct command command_site_set = {
    .name = "site set",
    .summary = "Change settings of a site; they hold within a second.",
    .note = "A list is written a,b or as JSON. New goals are counted from the kept raw events too.",
    .options = set_options,
    .args_size = sizeof(struct set_args),
    .operand = "id",
    .rest = "set",
    .add_help = add_help,
    .groups = SETTINGS_DATA,
    .run = run,
};
