/*
 * api/cached.c -- keys, and the order in which store and cache are asked.
 */
#include "api/cached.h"

#include "base/date.h"
#include "cache/cache.h"

enum { QUARTER_MS = HOUR_MS / 4 };

/* -- keys -------------------------------------------------------------------------------------- */

/* Lengths keep parts apart whatever is in them. */
static void add_part(struct buf *key, struct str part)
{
    buf_addf(key, "%zu:", part.len);
    buf_add(key, part);
}

/* One site and a list of one are different questions. */
static void add_sites(struct buf *key, const struct reader *reader)
{
    add_part(key, reader->tenant);
    if (reader->whole_tenant) {
        buf_addc(key, '*');
        return;
    }
    buf_addc(key, reader->site != NULL ? '1' : 'n');
    for (size_t i = 0; i < reader->sites_count; i++)
        add_part(key, reader->sites[i]->id);
}

/* Where the first day is the store's to say, the stamp stands for it. */
static void add_dates(struct buf *key, const struct reader *reader)
{
    buf_addf(key, "|%lld %d %d %d %d|", (long long)(reader->now_ms / QUARTER_MS),
             reader->from_first, reader->range.from, reader->range.to, reader->available);
}

/* These are in the key as what they mean. */
static bool is_resolved(struct str name)
{
    static const struct str names[] = {STR_INIT("siteId"),   STR_INIT("siteIds"),
                                       STR_INIT("tenantId"), STR_INIT("period"),
                                       STR_INIT("from"),     STR_INIT("to")};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

static void add_params(struct buf *key, const struct reader *reader)
{
    for (size_t i = 0; reader->params[i].name != NULL; i++) {
        struct str name = str_from(reader->params[i].name);

        if (reader->values[i].ptr == NULL || is_resolved(name) ||
            reader->params[i].use == HTTP_PARAM_REPEATED)
            continue;
        add_part(key, name);
        add_part(key, reader->values[i]);
    }
    for (size_t i = 0; i < reader->repeated_count; i++)
        add_part(key, reader->repeated[i]);
}

static void write_key(const struct reader *reader, struct str route, struct buf *key)
{
    add_part(key, STR(ABACUS_VERSION));
    add_part(key, route);
    buf_addf(key, "%lld %d|", (long long)snapshot_version(reader->snapshot),
             reader->caller.restricted);
    add_sites(key, reader);
    add_dates(key, reader);
    if (reader->reading)
        buf_addf(key, "%lld %d|", (long long)reader->as_of_ms, reader_is_late(reader));
    add_params(key, reader);
}

/* -- answers ----------------------------------------------------------------------------------- */

static uint32_t partitions_of(const struct reader *reader)
{
    uint32_t set = 0;

    for (size_t i = 0; i < reader->sites_count && set != PARTITIONS_ALL; i++)
        set |= UINT32_C(1) << site_partition(reader->sites[i]->id);
    return set;
}

static bool look_up(struct reader *reader, struct str key, int64_t stamp)
{
    static const enum metrics_cache results[] = {[CACHE_HIT] = METRICS_CACHE_HIT,
                                                 [CACHE_MISS] = METRICS_CACHE_MISS,
                                                 [CACHE_STALE] = METRICS_CACHE_STALE,
                                                 [CACHE_ERROR] = METRICS_CACHE_ERROR};
    enum cache_result result =
        cache_get(reader->api->cache, key, stamp, reader->now_ms, &reader->response->body);

    if (reader->api->metrics != NULL)
        metrics_cache(reader->api->metrics, results[result]);
    return result == CACHE_HIT;
}

static void make_and_keep(struct reader *reader, struct str key, int64_t stamp,
                          void (*make)(struct reader *reader))
{
    const struct http_response *response = reader->response;

    if (!reader->reading && !reader_begin(reader))
        return;
    make(reader);
    if (response->status == 0)
        cache_put(reader->api->cache, key, stamp, reader->now_ms, buf_str(&response->body));
}

/* The key is written before reading begins, or, `now`, afterwards: then asOf is in it. */
static void answer(struct reader *reader, struct str route, bool now,
                   void (*make)(struct reader *reader))
{
    struct buf key = {0};
    struct err err = {0};
    int64_t stamp = 0;

    if (reader->api->cache == NULL) {
        if (reader_begin(reader))
            make(reader);
        return;
    }
    int rc = store_stamp(reader->store, partitions_of(reader), &stamp, &err);

    if (!reader_done(reader, rc, &err) || (now && !reader_begin(reader)))
        return;
    write_key(reader, route, &key);
    if (!look_up(reader, buf_str(&key), stamp))
        make_and_keep(reader, buf_str(&key), stamp, make);
    buf_release(&key);
}

void cached_answer(struct reader *reader, struct str route, void (*make)(struct reader *reader))
{
    answer(reader, route, false, make);
}

void cached_now(struct reader *reader, struct str route, void (*make)(struct reader *reader))
{
    answer(reader, route, true, make);
}
