#include "api/sightings.h"

#include "base/must.h"
#include "base/utf8.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

enum { HOST_MAX = 253, OWNER_MAX = 64 + 1 + 64 };

/* One allocation; owner and detail follow each other in `text`. */
struct seen {
    int64_t at_ms;
    uint64_t count;
    uint8_t kind, owner_len, detail_len;
    char text[];
};
_Static_assert(HOST_MAX <= UINT8_MAX && SIGHTING_DETAIL_MAX <= UINT8_MAX, "lengths fit");

struct set {
    pthread_mutex_t lock;
    struct seen *seen[SIGHTINGS_OF_SET]; /* NULL: free */
};

struct sightings {
    struct set sites[SIGHTINGS_SETS], hosts[SIGHTINGS_SETS];
};

const char *sighting_name(enum sighting_kind kind)
{
    static const char *const names[SIGHTING_KINDS] = {
        [SIGHT_UNKNOWN_SITE] = "unknown-site",
        [SIGHT_ORIGIN] = "origin",
        [SIGHT_PROXY] = "proxy",
        [SIGHT_BOT] = "bot",
        [SIGHT_SIGNAL] = "signal",
        [SIGHT_BLOCKED] = "blocked",
        [SIGHT_DISABLED] = "disabled",
        [SIGHT_TOKEN] = "token",
        [SIGHT_INVALID] = "invalid",
        [SIGHT_SCRIPT] = "script",
    };

    return names[kind];
}

static void open_all(struct set *sets)
{
    for (size_t i = 0; i < SIGHTINGS_SETS; i++)
        if (pthread_mutex_init(&sets[i].lock, NULL) != 0)
            abort();
}

struct sightings *sightings_new(void)
{
    struct sightings *sightings = must(calloc(1, sizeof(*sightings)));

    open_all(sightings->sites);
    open_all(sightings->hosts);
    return sightings;
}

static void close_all(struct set *sets)
{
    for (size_t i = 0; i < SIGHTINGS_SETS; i++) {
        for (size_t k = 0; k < SIGHTINGS_OF_SET; k++)
            free(sets[i].seen[k]);
        (void)pthread_mutex_destroy(&sets[i].lock);
    }
}

void sightings_free(struct sightings **sightings)
{
    if (*sightings == NULL)
        return;
    close_all((*sightings)->sites);
    close_all((*sightings)->hosts);
    free(*sightings);
    *sightings = NULL;
}

/* -- noting ------------------------------------------------------------------------------------ */

static struct str owner_of(const struct seen *seen)
{
    return (struct str){seen->text, seen->owner_len};
}

static struct str detail_of(const struct seen *seen)
{
    return (struct str){seen->text + seen->owner_len, seen->detail_len};
}

/* As it is shown: at most so many bytes, whole characters, '?' for what no line of text has. */
static struct str shown(struct str detail, char out[SIGHTING_DETAIL_MAX])
{
    size_t len = 0;

    for (size_t at = 0; at < detail.len;) {
        unsigned bytes = utf8_char(detail, at);
        bool plain = bytes > 1 || (bytes == 1 && detail.ptr[at] >= ' ' && detail.ptr[at] != 0x7f);

        bytes = bytes == 0 ? 1 : bytes;
        if (len + bytes > SIGHTING_DETAIL_MAX)
            break;
        memcpy(out + len, plain ? detail.ptr + at : "?", bytes);
        len += bytes;
        at += bytes;
    }
    return (struct str){out, len};
}

static struct seen *seen_new(struct str owner, enum sighting_kind kind, struct str detail)
{
    struct seen *seen = must(malloc(sizeof(*seen) + owner.len + detail.len));

    *seen = (struct seen){
        .kind = (uint8_t)kind, .owner_len = (uint8_t)owner.len, .detail_len = (uint8_t)detail.len};
    memcpy(seen->text, owner.ptr, owner.len);
    if (detail.len > 0)
        memcpy(seen->text + owner.len, detail.ptr, detail.len);
    return seen;
}

static bool is_of(const struct seen *seen, struct str owner, enum sighting_kind kind)
{
    return seen != NULL && seen->kind == kind && str_eq(owner_of(seen), owner);
}

static bool is_older(const struct seen *a, const struct seen *b)
{
    return a == NULL || (b != NULL && a->at_ms < b->at_ms);
}

/* The place of this one: where it is, or that of the oldest of its kind where there are enough of
 * them, or else a free one, or that of the oldest of all. */
static struct seen **place_of(struct set *set, struct str owner, enum sighting_kind kind,
                              struct str detail)
{
    struct seen **oldest = &set->seen[0], **own = NULL;
    size_t alike = 0;

    for (size_t i = 0; i < SIGHTINGS_OF_SET; i++) {
        struct seen **at = &set->seen[i];

        if (is_older(*at, *oldest))
            oldest = at;
        if (!is_of(*at, owner, kind))
            continue;
        if (str_eq(detail_of(*at), detail))
            return at;
        alike++;
        if (own == NULL || is_older(*at, *own))
            own = at;
    }
    return alike < SIGHTINGS_OF_KIND ? oldest : own;
}

static struct set *set_of(struct set *sets, struct str owner)
{
    return &sets[XXH3_64bits(owner.ptr, owner.len) % SIGHTINGS_SETS];
}

static bool is_kept(const struct seen *seen, int64_t now_ms)
{
    return seen != NULL && now_ms - seen->at_ms <= SIGHTING_SHOWN_MS;
}

static void note(struct set *set, struct str owner, enum sighting_kind kind, struct str detail,
                 uint64_t count, int64_t now_ms)
{
    char text[SIGHTING_DETAIL_MAX];

    detail = shown(detail, text);
    (void)pthread_mutex_lock(&set->lock);
    struct seen **at = place_of(set, owner, kind, detail);

    if (!is_of(*at, owner, kind) || !str_eq(detail_of(*at), detail)) {
        free(*at);
        *at = seen_new(owner, kind, detail);
    }
    if (!is_kept(*at, now_ms))
        (*at)->count = 0;
    (*at)->count += count;
    (*at)->at_ms = now_ms;
    (void)pthread_mutex_unlock(&set->lock);
}

/* With the tenant's: an id may be another's before an hour is over. */
static struct str site_owner(struct str tenant, struct str site, char out[OWNER_MAX])
{
    assert(str_is_id(tenant) && str_is_id(site));
    memcpy(out, tenant.ptr, tenant.len);
    out[tenant.len] = '/';
    memcpy(out + tenant.len + 1, site.ptr, site.len);
    return (struct str){out, tenant.len + 1 + site.len};
}

void sightings_note_site(struct sightings *sightings, struct str tenant, struct str site,
                         enum sighting_kind kind, struct str detail, uint64_t count, int64_t now_ms)
{
    char text[OWNER_MAX];
    struct str owner = site_owner(tenant, site, text);

    note(set_of(sightings->sites, owner), owner, kind, detail, count, now_ms);
}

void sightings_note_host(struct sightings *sightings, struct str host, enum sighting_kind kind,
                         struct str detail, uint64_t count, int64_t now_ms)
{
    char lower[HOST_MAX];

    if (host.len == 0 || host.len > HOST_MAX)
        return;
    for (size_t i = 0; i < host.len; i++)
        lower[i] =
            (char)(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? host.ptr[i] | 0x20 : host.ptr[i]);
    host.ptr = lower;
    note(set_of(sightings->hosts, host), host, kind, detail, count, now_ms);
}

/* -- listing ----------------------------------------------------------------------------------- */

/* What is found grows twofold; the arena keeps the old ones until the request is done. */
struct found {
    struct arena *arena;
    struct sighting *all;
    size_t count, room;
};

static void add(struct found *found, const struct seen *seen, bool of_host)
{
    if (found->count == found->room) {
        size_t room = found->room == 0 ? SIGHTINGS_OF_SET : 2 * found->room;
        struct sighting *all = ARENA_NEW(found->arena, struct sighting, room);

        if (found->count > 0)
            memcpy(all, found->all, found->count * sizeof(*all));
        found->all = all;
        found->room = room;
    }
    found->all[found->count++] =
        (struct sighting){.host = of_host ? arena_str(found->arena, owner_of(seen)) : STR(""),
                          .kind = (enum sighting_kind)seen->kind,
                          .detail = arena_str(found->arena, detail_of(seen)),
                          .at_ms = seen->at_ms,
                          .count = seen->count};
}

static void find_of_site(struct set *set, struct str owner, int64_t now_ms, struct found *found)
{
    (void)pthread_mutex_lock(&set->lock);
    for (size_t k = 0; k < SIGHTINGS_OF_SET; k++)
        if (is_kept(set->seen[k], now_ms) && str_eq(owner_of(set->seen[k]), owner))
            add(found, set->seen[k], false);
    (void)pthread_mutex_unlock(&set->lock);
}

static void find_of_hosts(struct set *set, sighting_host_fn *wanted, const void *ctx,
                          int64_t now_ms, struct found *found)
{
    (void)pthread_mutex_lock(&set->lock);
    for (size_t k = 0; k < SIGHTINGS_OF_SET; k++)
        if (is_kept(set->seen[k], now_ms) && wanted(ctx, owner_of(set->seen[k])))
            add(found, set->seen[k], true);
    (void)pthread_mutex_unlock(&set->lock);
}

static int newest_first(const void *a, const void *b)
{
    int64_t one = ((const struct sighting *)a)->at_ms, other = ((const struct sighting *)b)->at_ms;

    return (one < other) - (one > other);
}

size_t sightings_list(struct sightings *sightings, struct str tenant, struct str site,
                      sighting_host_fn *wanted, const void *ctx, int64_t now_ms,
                      struct arena *arena, struct sighting **out)
{
    struct found found = {.arena = arena};
    char text[OWNER_MAX];
    struct str owner = site_owner(tenant, site, text);

    find_of_site(set_of(sightings->sites, owner), owner, now_ms, &found);
    for (size_t i = 0; i < SIGHTINGS_SETS; i++)
        find_of_hosts(&sightings->hosts[i], wanted, ctx, now_ms, &found);
    if (found.count > 0)
        qsort(found.all, found.count, sizeof(*found.all), newest_first);
    *out = found.all;
    return found.count;
}
