/*
 * sites.c -- GET /api/analytics/sites: every site that the caller reaches, with its numbers.
 *
 * Named periods are those of the UTC calendar, taken as each site's own dates, as for a tenant;
 * what is kept, and which hour it is, is each site's own. All sites are added up to find the order,
 * in one question to the store; only those that the answer shows are then read day by day, which it
 * gives for ranges up to a year.
 *
 * While the range runs, the earlier one ends at the same local hour, as in compare.c; but visitors
 * of part of a day are estimated there, so that thousands of sites stay one question (`exact` is
 * false then). A site that does not keep all of its earlier range has no `previous`, and with
 * sort=change comes last.
 *
 * With names=true the answer comes from the snapshot alone, and is no read of a tenant's.
 */
#include "api/against.h"
#include "api/answer.h"
#include "api/cached.h"
#include "api/handlers.h"
#include "api/reader.h"

#include <stdlib.h>

enum { LIMIT_PRESET = 50, SERIES_DAYS_MAX = 366 };

const struct http_param sites_params[] = {
    {"tenantId", "only the sites of this tenant", HTTP_PARAM_OPTIONAL},
    READER_RANGE_PARAMS,
    {"search",
     "only sites whose id or domain contains this (ASCII letters' case aside), up to 200 "
     "bytes",
     HTTP_PARAM_OPTIONAL},
    {"sort",
     "visitors (the default), pageviews, change (by how many more or fewer visitors than in the "
     "earlier range; needs against), or name (the domain)",
     HTTP_PARAM_OPTIONAL},
    {"limit", "sites in the answer, 1 to 1000; default 50", HTTP_PARAM_OPTIONAL},
    {"offset", "sites before the first one in the answer, up to 1000000", HTTP_PARAM_OPTIONAL},
    {"names",
     "true: only siteId, tenantId and domain, by domain; goes with tenantId, search, limit and "
     "offset",
     HTTP_PARAM_OPTIONAL},
    {"against",
     "adds previous, visitors and pageviews of the same number of days just before (previous), of "
     "the same dates a year before (year), or of againstFrom to againstTo (custom)",
     HTTP_PARAM_OPTIONAL},
    READER_AGAINST_PARAMS,
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
};

/* -- which sites --------------------------------------------------------------------------- */

/* A site on its way into the answer. */
struct entry {
    const struct site *site;
    const struct query_sides *sides; /* NULL with names */
    int64_t rank;                    /* the greatest come first; -1: not known */
};

static int by_rank(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = (x->rank < y->rank) - (x->rank > y->rank);

    if (order == 0)
        order = str_cmp(x->site->domain, y->site->domain);
    return order != 0 ? order : str_cmp(x->site->id, y->site->id);
}

/* What is shown of them. */
struct page {
    struct reader_window window;
    struct entry *entries;
    size_t count, total;
};

/* Those of the search, in no order yet. */
static void find_entries(const struct reader *reader, struct page *page)
{
    page->entries = ARENA_NEW(reader->arena, struct entry, reader->sites_count + 1);
    for (size_t i = 0; i < reader->sites_count; i++)
        if (str_icontains(reader->sites[i]->id, page->window.search) ||
            str_icontains(reader->sites[i]->domain, page->window.search))
            page->entries[page->total++].site = reader->sites[i];
}

/* Put them in order; from then on `entries` and `count` are the page. */
static void cut_page(struct page *page)
{
    size_t offset = page->window.offset < page->total ? page->window.offset : page->total;
    size_t rest = page->total - offset;

    if (page->total > 1)
        qsort(page->entries, page->total, sizeof(*page->entries), by_rank);
    page->entries += offset;
    page->count = rest < page->window.limit ? rest : page->window.limit;
}

static const struct site **sites_of(const struct entry *entries, size_t count, struct arena *arena)
{
    const struct site **sites = ARENA_NEW(arena, const struct site *, count + 1);

    for (size_t i = 0; i < count; i++)
        sites[i] = entries[i].site;
    return sites;
}

/* -- sorting ------------------------------------------------------------------------------- */

static int64_t rank_visitors(const struct query_sides *sides)
{
    return sides->now.unique_visitors;
}

static int64_t rank_pageviews(const struct query_sides *sides)
{
    return sides->now.pageviews;
}

static int64_t rank_change(const struct query_sides *sides)
{
    int64_t change = sides->now.unique_visitors - sides->visitors_before;

    return !sides->compared ? -1 : change < 0 ? -change : change;
}

static int64_t rank_name(const struct query_sides *sides)
{
    (void)sides;
    return 0;
}

static const struct sort {
    struct str name;
    int64_t (*rank)(const struct query_sides *sides);
} sorts[] = {
    {STR_INIT("visitors"), rank_visitors},
    {STR_INIT("pageviews"), rank_pageviews},
    {STR_INIT("change"), rank_change},
    {STR_INIT("name"), rank_name},
};

static bool take_sort(struct reader *reader, bool compared, const struct sort **out)
{
    struct str name = reader_param(reader, STR("sort"));

    *out = NULL;
    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
        if (str_eq(sorts[i].name, name))
            *out = &sorts[i];
    if (name.len == 0)
        *out = &sorts[0];
    if (*out == NULL)
        return reader_refuse(reader, "sort", "is not one of visitors, pageviews, change, name");
    return (*out)->rank != rank_change || compared ||
           reader_refuse(reader, "sort", "change goes only with against");
}

/* -- numbers ------------------------------------------------------------------------------- */

/* What is asked for, and what was read. */
struct listing {
    struct page page;
    const struct sort *sort;
    bool compared;
    struct against_range against;
    unsigned metrics;
    int64_t *visitors; /* of each day of each site of the page; NULL: the range is too long */
};

static unsigned metrics_shown(void)
{
    static const char *const names[] = {"pageviews",  "uniqueVisitors", "visits",
                                        "bounceRate", "visitDuration",  "conversions"};
    unsigned metrics = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        metrics |= 1U << metric_find(str_from(names[i]));
    return metrics;
}

static int rank_all(struct reader *reader, struct listing *listing, struct err *err)
{
    struct page *page = &listing->page;
    struct query_sides *sides;
    int rc =
        query_sides(reader->store, sites_of(page->entries, page->total, reader->arena), page->total,
                    reader->range, listing->compared ? &listing->against.range : NULL,
                    reader->now_ms, reader->arena, &sides, err);

    for (size_t i = 0; rc == 0 && i < page->total; i++) {
        page->entries[i].sides = &sides[i];
        page->entries[i].rank = listing->sort->rank(&sides[i]);
    }
    return rc;
}

static int read_listing(struct reader *reader, struct listing *listing, struct err *err)
{
    struct page *page = &listing->page;
    int rc;

    find_entries(reader, page);
    rc = rank_all(reader, listing, err);
    if (rc != 0)
        return rc;
    cut_page(page);
    return range_days(reader->range) > SERIES_DAYS_MAX
               ? 0
               : query_visitors_by_day(reader->store,
                                       sites_of(page->entries, page->count, reader->arena),
                                       page->count, reader->range, reader->now_ms, reader->arena,
                                       &listing->visitors, err);
}

/* -- answers ------------------------------------------------------------------------------- */

static void put_name(struct json_out *json, const struct site *site)
{
    answer_str(json, "siteId", site->id);
    answer_str(json, "tenantId", site->tenant);
}

static void put_previous(struct json_out *json, const struct query_sides *sides)
{
    answer_name(json, "previous");
    if (!sides->compared) {
        json_null(json);
        return;
    }
    json_open(json, '{');
    answer_name(json, "uniqueVisitors");
    json_i64(json, sides->visitors_before);
    answer_name(json, "pageviews");
    json_i64(json, sides->pageviews_before);
    json_close(json, '}');
}

static void put_days(struct json_out *json, const int64_t *visitors, size_t count)
{
    answer_name(json, "days");
    if (visitors == NULL) {
        json_null(json);
        return;
    }
    json_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        if (visitors[i] < 0)
            json_null(json);
        else
            json_i64(json, visitors[i]);
    }
    json_close(json, ']');
}

static void put_site(struct json_out *json, const struct reader *reader,
                     const struct listing *listing, size_t at)
{
    const struct entry *entry = &listing->page.entries[at];
    const struct tenant *tenant = snapshot_tenant(reader->snapshot, entry->site->tenant);
    size_t days = (size_t)range_days(reader->range);

    json_open(json, '{');
    put_name(json, entry->site);
    answer_str(json, "tenantName", tenant == NULL ? STR("") : tenant->name);
    answer_str(json, "domain", entry->site->domain);
    answer_str(json, "timezone", entry->site->timezone);
    answer_totals(json, &entry->sides->now, listing->metrics);
    answer_name(json, "exact");
    json_bool(json, entry->sides->exact);
    put_previous(json, entry->sides);
    put_days(json, listing->visitors == NULL ? NULL : listing->visitors + at * days, days);
    json_close(json, '}');
}

static bool is_exact(const struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        if (!page->entries[i].sides->exact)
            return false;
    return true;
}

static void answer_listing(struct reader *reader)
{
    struct listing listing = {.metrics = metrics_shown()};
    const struct page *page = &listing.page;
    struct err err = {0};
    struct json_out json = {.buf = &reader->response->body};

    if (!reader_window(reader, LIMIT_PRESET, &listing.page.window) ||
        !reader_against_given(reader, &listing.against, &listing.compared) ||
        !take_sort(reader, listing.compared, &listing.sort) ||
        !reader_done(reader, read_listing(reader, &listing, &err), &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, is_exact(page));
    if (listing.compared) {
        answer_date(&json, "previousFrom", listing.against.range.from);
        answer_date(&json, "previousTo", listing.against.range.to);
    }
    answer_name(&json, "sites");
    json_open(&json, '[');
    for (size_t i = 0; i < page->count; i++)
        put_site(&json, reader, &listing, i);
    json_close(&json, ']');
    answer_name(&json, "total");
    json_i64(&json, (int64_t)page->total);
    json_close(&json, '}');
}

/* -- names --------------------------------------------------------------------------------- */

static bool names_alone(struct reader *reader)
{
    static const char *const others[] = {"period",  "from",        "to",        "sort",
                                         "against", "againstFrom", "againstTo", "matchWeekday"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (reader_param(reader, str_from(others[i])).len > 0)
            return reader_refuse(reader, others[i], "does not go with names");
    return true;
}

static void answer_names(struct reader *reader)
{
    struct page page = {.total = 0};
    struct json_out json = {.buf = &reader->response->body};

    reader->counted = true;
    if (!names_alone(reader) || !reader_window(reader, LIMIT_PRESET, &page.window) ||
        !reader_resolve_reached(reader))
        return;
    find_entries(reader, &page);
    cut_page(&page);
    json_open(&json, '{');
    answer_str(&json, "tenantId", reader->tenant);
    answer_name(&json, "sites");
    json_open(&json, '[');
    for (size_t i = 0; i < page.count; i++) {
        json_open(&json, '{');
        put_name(&json, page.entries[i].site);
        answer_str(&json, "domain", page.entries[i].site->domain);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    answer_name(&json, "total");
    json_i64(&json, (int64_t)page.total);
    json_close(&json, '}');
}

void sites_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;
    bool names = false;

    if (reader_open(&reader, request, response, sites_params) &&
        reader_flag(&reader, "names", &names)) {
        if (names)
            answer_names(&reader);
        else if (reader_resolve_reached(&reader) && reader_dates(&reader))
            cached_answer(&reader, STR("sites"), answer_listing);
    }
    reader_close(&reader);
}
