/*
 * directory/site.c -- from a site's row to the struct that requests read.
 *
 * A row may have been written by another program. What cannot be read of it falls back to the
 * default and is told to the operator; it never takes a site away.
 */
#include "directory/directory_internal.h"

/* -- lists ------------------------------------------------------------------------------------- */

static struct cidr *read_ranges(const struct list_reader *reader, const char *member,
                                struct str text, size_t *count)
{
    size_t texts_count = 0;
    const struct str *texts = read_list(reader, member, text, &texts_count);
    struct cidr *ranges = ARENA_NEW(reader->arena, struct cidr, texts_count + 1);

    *count = 0;
    for (size_t i = 0; i < texts_count; i++)
        if (cidr_parse(texts[i], &ranges[*count]))
            (*count)++;
        else
            list_warn(reader, member, "an item is no address or range");
    return ranges;
}

/* ISO 3166-1 alpha-2, in capitals whatever case it was written in. */
static bool fold_country(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 'a' + 'A' : text[i]);
    return len == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

/* A name without scheme, port and path, in lower case. */
static bool fold_host(char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

    for (size_t i = 0; i < len; i++)
        text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    return len > 0 && strspn(text, allowed) == len;
}

/* A list of words that are compared bytewise: in one case. */
static struct str *read_words(const struct list_reader *reader, const char *member, struct str text,
                              bool (*fold)(char *text, size_t len), const char *what, size_t *count)
{
    size_t texts_count = 0;
    struct str *texts = read_list(reader, member, text, &texts_count);

    *count = 0;
    for (size_t i = 0; i < texts_count; i++) {
        char *word = arena_bytes(reader->arena, texts[i].len + 1);

        memcpy(word, texts[i].ptr, texts[i].len);
        word[texts[i].len] = '\0';
        if (fold(word, texts[i].len))
            texts[(*count)++] = (struct str){word, texts[i].len};
        else
            list_warn(reader, member, what);
    }
    return texts;
}

/* The names of fields as a set. */
static unsigned read_fields(const struct list_reader *reader, struct str text)
{
    size_t count = 0;
    const struct str *names = read_list(reader, "fields", text, &count);
    unsigned set = 0;

    for (size_t i = 0; i < count; i++) {
        enum field field = field_of(names[i]);

        if (field < FIELDS)
            set |= 1U << field;
        else
            list_warn(reader, "fields", "an item is no field");
    }
    return set;
}

static void read_lists(const struct list_reader *reader, const struct site_row *row,
                       struct site *out)
{
    out->allowed_origins =
        read_list(reader, "allowedOrigins", row->allowed_origins, &out->allowed_origins_count);
    out->has_allowed_origins = out->allowed_origins != NULL;
    out->query_params =
        read_list(reader, "queryParams", row->query_params, &out->query_params_count);
    out->blocked_addresses = read_ranges(reader, "blockedAddresses", row->blocked_addresses,
                                         &out->blocked_addresses_count);
    out->blocked_paths =
        read_list(reader, "blockedPaths", row->blocked_paths, &out->blocked_paths_count);
    out->blocked_countries =
        read_words(reader, "blockedCountries", row->blocked_countries, fold_country,
                   "an item is no code of a country", &out->blocked_countries_count);
    out->blocked_referrers =
        read_words(reader, "blockedReferrers", row->blocked_referrers, fold_host,
                   "an item is no host", &out->blocked_referrers_count);
    out->disabled_events =
        read_list(reader, "events", row->disabled_events, &out->disabled_events_count);
    out->fields_off = read_fields(reader, row->disabled_fields);
    out->token_events =
        read_list(reader, "requireToken", row->require_token, &out->token_events_count);
    out->public_metrics =
        read_list(reader, "publicMetrics", row->public_metrics, &out->public_metrics_count);
}

/* Goals that cannot be read are those of a site that names none; rules are none at all. */
static int read_rules(const struct list_reader *reader, const struct site_row *row,
                      struct site *out, struct err *err)
{
    struct err why = {""};
    int rc = 0;

    if (goals_parse(row->goals, reader->arena, &out->goals, &out->goals_count, &why) != 0) {
        list_warn(reader, "goals", why.text);
        rc = goals_parse(STR(""), reader->arena, &out->goals, &out->goals_count, err);
    }
    out->goals_hash = goals_hash(out->goals, out->goals_count);
    if (path_rules_parse(row->path_rules, reader->arena, &out->path_rules, &out->path_rules_count,
                         &why) != 0) {
        list_warn(reader, "pathRules", why.text);
        out->path_rules_count = 0;
    }
    return rc;
}

/* -- the rest ---------------------------------------------------------------------------------- */

static int32_t days_or(int32_t days, int32_t installation)
{
    return days < 0 ? installation : days;
}

static uint8_t prefix_or(int32_t prefix, uint8_t most)
{
    return prefix < 0 || prefix > most ? most : (uint8_t)prefix;
}

static int64_t at_least(int64_t n, int64_t least)
{
    return n < least ? least : n;
}

static int read_zone(struct directory *directory, const struct site_row *row, struct arena *arena,
                     struct site *out, struct err *err)
{
    struct err why = {""};

    out->timezone = arena_str(arena, row->timezone);
    if (zones_find(&directory->zones, row->timezone, &out->tz, &why) == 0)
        return 0;
    directory_warn(directory, "setting timezone ignored, UTC holds", "site", row->id, why.text);
    out->timezone = STR("UTC");
    return zones_find(&directory->zones, STR("UTC"), &out->tz, err);
}

int directory_make_site(struct directory *directory, const struct site_row *row, bool tenant_active,
                        struct arena *arena, struct site *out, struct err *err)
{
    const struct directory_config *config = &directory->config;
    struct list_reader reader = {directory, "site", row->id, arena};

    *out = (struct site){
        .id = arena_str(arena, row->id),
        .tenant = arena_str(arena, row->tenant),
        .domain = arena_str(arena, row->domain),
        .enabled = row->enabled && row->erase_ms == 0,
        .erasing = row->erase_ms != 0,
        .tenant_active = tenant_active,
        .respect_gpc = row->respect_gpc,
        .respect_dnt = row->respect_dnt,
        .mask_personal = row->mask_personal,
        .identity = str_eq(row->visitor_identity, STR("full-address")) ? IDENTITY_FULL_ADDRESS
                                                                       : IDENTITY_CUT_ADDRESS,
        .ipv4_prefix = prefix_or(row->ipv4_prefix, 24),
        .ipv6_prefix = prefix_or(row->ipv6_prefix, 48),
        .store_prefix = row->store_ip_prefix,
        .events_per_second = at_least(row->events_per_second, 0),
        .events_per_month = at_least(row->events_per_month, 0),
        .public_dashboard = row->public_dashboard,
        .paths_per_day =
            row->paths_per_day < 1 ? site_row_default().paths_per_day : row->paths_per_day,
        .raw_days = days_or(row->raw_days, config->raw_days),
        .visit_days = days_or(row->visit_days, config->visit_days),
        .stats_days = days_or(row->stats_days, config->stats_days),
    };
    read_lists(&reader, row, out);
    int rc = read_rules(&reader, row, out, err);

    return rc == 0 ? read_zone(directory, row, arena, out, err) : rc;
}
