/*
 * event/source.c -- where a visit came from: source, channel and campaign of an event, from its
 * path's query and its referrer.
 *
 * The source is named by the first of these that there is:
 *
 *     utm_source, else source, else ref    a known one's name ("fb" is Facebook), else the text;
 *                                          of a URL its host
 *     the referrer, of a known source      its name
 *     the kind of a click's id             the advertiser's name
 *     the referrer                         its host without "www."
 *
 * A known referrer goes before a click's id because advertisers sell clicks on others' pages:
 * msclkid also comes from DuckDuckGo, fbclid from Instagram. The site's own hosts are no referrer.
 *
 * What kind of source it is, the same ones are asked in the same order until one knows, so that
 * "utm_source=spring" on Instagram is social. channel.c says what follows from it.
 *
 * A site that keeps no campaign has its queries not read, and one that keeps no referrer has that
 * not looked at: what is left tells where a visit came from, or that it came directly.
 *
 * The texts of utm_* are kept as people wrote them, decoded, masked where the site masks, and cut
 * at TRAIT_MAX. Nothing else of the query is kept, and of a click's id nothing but its kind's name.
 */
#include "event/event_internal.h"

/* What was found out so far. */
struct finding {
    struct str name;
    enum source_kind kind;
};

static void find_known(struct finding *f, const struct source_row *row)
{
    if (row == NULL)
        return;
    if (f->name.len == 0)
        f->name = row->name;
    if (f->kind == SOURCE_UNKNOWN)
        f->kind = row->kind;
}

static struct str without_www(struct str host)
{
    return str_starts(host, STR("www.")) ? str_slice(host, 4, host.len) : host;
}

/* A text as it is kept. */
static struct str keep(const struct site *site, struct str text, struct arena *arena)
{
    return text_cut(site->mask_personal ? mask_text(text, arena) : text, TRAIT_MAX);
}

/* The source that a link's text names. */
static void find_named(struct finding *f, const struct site *site, struct str text,
                       struct arena *arena)
{
    struct str lower = text_lower(text, arena);
    const struct source_row *row = source_of_word(lower);
    struct url url;
    bool is_url = url_split(lower, &url);
    struct str host = is_url ? url.host : lower;

    if (row == NULL && str_find(host, 0, '.') < host.len)
        row = source_of_host(host);
    find_known(f, row);
    if (f->name.len == 0)
        f->name = is_url ? text_cut(without_www(host), TRAIT_MAX) : keep(site, text, arena);
}

/* The page of another host that leads here. */
struct origin {
    struct str host; /* lower case; empty where there is none */
    const struct source_row *known;
};

static struct origin find_origin(const struct site *site, struct str referrer, struct arena *arena)
{
    struct origin origin = {0};
    struct url url;

    if (!referrer_split(referrer, &url) || host_within(url.host, site->domain))
        return origin;
    origin.host = text_lower(url.host, arena);
    origin.known = str_ieq(url.scheme, STR("android-app")) ? source_of_app(origin.host)
                                                           : source_of_host(origin.host);
    return origin;
}

static void find_click(struct finding *f, const struct click_id *click)
{
    if (click == NULL)
        return;
    if (f->name.len == 0)
        f->name = click->name;
    if (f->kind == SOURCE_UNKNOWN)
        f->kind = click->kind;
}

static struct finding find_source(const struct site *site, const struct tags *tags,
                                  const struct origin *origin, struct arena *arena)
{
    struct finding f = {0};

    if (tags->named.len > 0)
        find_named(&f, site, tags->named, arena);
    find_known(&f, origin->known);
    find_click(&f, tags->click);
    if (f.name.len == 0)
        f.name = text_cut(without_www(origin->host), TRAIT_MAX);
    return f;
}

void source_read(const struct site *site, struct str path, struct str referrer, struct arena *arena,
                 struct str traits[TRAITS])
{
    struct tags tags = {0};
    struct str query = field_is_off(site, FIELD_CAMPAIGN) ? STR("") : page_of(path).query;
    struct origin origin =
        find_origin(site, field_is_off(site, FIELD_REFERRER) ? STR("") : referrer, arena);

    /* As it was sent, too: decoded, the first part of "me+shop@example.com" is a word by itself. */
    if (site->mask_personal)
        query = mask_text(query, arena);
    if (query.len > 0)
        tags_read(query, arena, &tags);
    struct finding found = find_source(site, &tags, &origin, arena);
    const struct channel_input in = {
        .medium = tags.utm[UTM_MEDIUM],
        .campaign = tags.utm[UTM_CAMPAIGN],
        .kind = found.kind,
        .tagged = tags.tagged,
        .referred = origin.host.len > 0 || tags.named_by_ref,
        .paid = tags.click != NULL && tags.click->paid,
    };

    traits[TRAIT_SOURCE] = found.name;
    traits[TRAIT_CHANNEL] = channel_of(&in, arena);
    for (unsigned i = 0; i < UTMS; i++)
        if (tags.utm[i].len > 0)
            traits[TRAIT_UTM_SOURCE + i] = keep(site, tags.utm[i], arena);
}
