/*
 * recent.c -- days that are due, as packs in memory.
 *
 * What is asked most is today, whose facts have to be made from its rows: for 166,000 events that
 * takes half a second, while packing what was made takes a tenth of that, and unpacking it some
 * milliseconds. A dashboard asks for eight breakdowns of it at once. The first one makes the day,
 * the others wait for it, and all later ones find it until the job has counted again: the stamp of
 * the site's partition is part of the key. It is read in the question's own snapshot, so a day is
 * never older than the answer that it goes into says. The settings that facts depend on are part of
 * the key too, since what a node knows of them may lag behind its stamp.
 *
 * A comparison with a running day asks for a part of an earlier one, which is made from that day's
 * rows and kept in the same way.
 *
 * Packs, not facts, are kept: they take about 4 bytes an event, a twentieth, and their size is
 * known. Rollups are left out: what they say is counted from the columns.
 *
 * One lock; it is not held while a day is made. A day in use stays, even when it is pushed out.
 */
#include "base/must.h"
#include "query/query_internal.h"

#include <pthread.h>
#include <stdlib.h>

enum { DAYS_MAX = 256 }; /* looked through under the lock */

struct recent_key {
    struct str tenant, site, timezone;
    int32_t day;
    int64_t until_ms; /* only what lies before it; INT64_MAX: the whole day */
    int64_t stamp;
    uint64_t goals_hash;
};

struct recent_day {
    struct recent_key key;
    bool done;   /* else it is being made, by who put it here */
    bool listed; /* else it goes with its last user */
    unsigned users;
    uint64_t used;  /* when last: query_recent's clock */
    int rc;         /* not 0: it could not be made ... */
    struct err err; /* ... because of this */
    struct pack_part *parts;
    size_t count, bytes;
    char *texts;  /* of the parts */
    char names[]; /* of the key */
};

struct query_recent {
    pthread_mutex_t lock;
    pthread_cond_t made; /* a day was made, or could not be */
    struct recent_day *days[DAYS_MAX];
    size_t count, bytes, bytes_max;
    uint64_t clock;
};

struct query_recent *query_recent_new(size_t bytes_max)
{
    struct query_recent *recent = must(calloc(1, sizeof(*recent)));

    recent->bytes_max = bytes_max;
    (void)pthread_mutex_init(&recent->lock, NULL);
    (void)pthread_cond_init(&recent->made, NULL);
    return recent;
}

/* -- days ---------------------------------------------------------------------------------- */

static struct str copy(char **at, struct str s)
{
    struct str copied = {*at, s.len};

    if (s.len > 0)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copied;
}

static struct recent_day *day_new(const struct recent_key *key)
{
    size_t names = key->tenant.len + key->site.len + key->timezone.len;
    struct recent_day *day = must(calloc(1, sizeof(*day) + names + 1));
    char *at = day->names;

    day->key = *key;
    day->key.tenant = copy(&at, key->tenant);
    day->key.site = copy(&at, key->site);
    day->key.timezone = copy(&at, key->timezone);
    return day;
}

static void day_free(struct recent_day *day)
{
    free(day->parts);
    free(day->texts);
    free(day);
}

void query_recent_free(struct query_recent **recent)
{
    if (*recent == NULL)
        return;
    for (size_t i = 0; i < (*recent)->count; i++)
        day_free((*recent)->days[i]);
    (void)pthread_mutex_destroy(&(*recent)->lock);
    (void)pthread_cond_destroy(&(*recent)->made);
    free(*recent);
    *recent = NULL;
}

/* Copy what facts are unpacked from. */
static void day_fill(struct recent_day *day, const struct pack_part *parts, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        if (parts[i].part >= PACK_VISITS) {
            bytes += parts[i].bytes.len;
            day->count++;
        }
    day->parts = must(calloc(day->count + 1, sizeof(*day->parts)));
    day->texts = must(malloc(bytes + 1));
    day->bytes = sizeof(*day) + day->count * sizeof(*day->parts) + bytes;
    char *at = day->texts;
    for (size_t i = 0, n = 0; i < count; i++)
        if (parts[i].part >= PACK_VISITS)
            day->parts[n++] = (struct pack_part){day->key.site, day->key.day, parts[i].part,
                                                 copy(&at, parts[i].bytes)};
}

/* -- the list; the lock is held ------------------------------------------------------------ */

/* A day and a part of it are two. */
static bool same_day(const struct recent_key *a, const struct recent_key *b)
{
    return a->day == b->day && (a->until_ms == INT64_MAX) == (b->until_ms == INT64_MAX) &&
           str_eq(a->site, b->site) && str_eq(a->tenant, b->tenant);
}

static bool same_key(const struct recent_key *a, const struct recent_key *b)
{
    return same_day(a, b) && a->until_ms == b->until_ms && a->stamp == b->stamp &&
           a->goals_hash == b->goals_hash && str_eq(a->timezone, b->timezone);
}

static struct recent_day *find(const struct query_recent *recent, const struct recent_key *key)
{
    for (size_t i = 0; i < recent->count; i++)
        if (same_key(&recent->days[i]->key, key))
            return recent->days[i];
    return NULL;
}

static void unlist(struct query_recent *recent, struct recent_day *day)
{
    size_t i = 0;

    while (recent->days[i] != day)
        i++;
    recent->days[i] = recent->days[--recent->count];
    recent->bytes -= day->bytes;
    day->listed = false;
    if (day->users == 0)
        day_free(day);
}

/* The one that was not used for longest; NULL: all are being made. */
static struct recent_day *oldest(const struct query_recent *recent)
{
    struct recent_day *found = NULL;

    for (size_t i = 0; i < recent->count; i++)
        if (recent->days[i]->done && (found == NULL || recent->days[i]->used < found->used))
            found = recent->days[i];
    return found;
}

static void make_room(struct query_recent *recent, size_t count_max)
{
    while (recent->bytes > recent->bytes_max || recent->count > count_max) {
        struct recent_day *day = oldest(recent);
        if (day == NULL)
            return;
        unlist(recent, day);
    }
}

/* The same day as it was before is of no use any more. */
static void list(struct query_recent *recent, struct recent_day *day)
{
    for (size_t i = recent->count; i > 0; i--) {
        struct recent_day *other = recent->days[i - 1];
        if (other->done && same_day(&other->key, &day->key))
            unlist(recent, other);
    }
    make_room(recent, DAYS_MAX - 1);
    if (recent->count == DAYS_MAX)
        return;
    recent->days[recent->count++] = day;
    day->listed = true;
}

/* It was made, or could not be. */
static void settle(struct query_recent *recent, struct recent_day *day)
{
    day->done = true;
    recent->bytes += day->listed ? day->bytes : 0;
    if (day->listed && (day->rc != 0 || day->bytes > recent->bytes_max))
        unlist(recent, day);
    make_room(recent, DAYS_MAX);
    (void)pthread_cond_broadcast(&recent->made);
}

void query_recent_clear(struct query_recent *recent)
{
    (void)pthread_mutex_lock(&recent->lock);
    make_room(recent, 0);
    (void)pthread_mutex_unlock(&recent->lock);
}

static void leave(struct recent_day *day)
{
    if (--day->users == 0 && !day->listed)
        day_free(day);
}

/* -- taking -------------------------------------------------------------------------------- */

static int make(struct store *store, const struct site *site, struct recent_day *day)
{
    struct arena arena = {0};
    struct facts *facts = NULL;
    struct pack_part *parts = NULL;
    size_t count = 0;
    int rc =
        facts_load_until(store, site, day->key.day, day->key.until_ms, &arena, &facts, &day->err);

    if (rc == 0) {
        facts_pack(facts, (size_t)site->paths_per_day, &arena, &parts, &count);
        day_fill(day, parts, count);
    }
    arena_free(&arena);
    return rc;
}

/* The day as it is kept, being made, or to be made by the caller. */
static struct recent_day *enter(struct query_recent *recent, const struct recent_key *key,
                                bool *found)
{
    struct recent_day *day = find(recent, key);

    *found = day != NULL;
    if (!*found) {
        day = day_new(key);
        list(recent, day);
    }
    day->users++;
    day->used = ++recent->clock;
    return day;
}

int recent_take(struct query_recent *recent, struct store *store, const struct site *site,
                int32_t on, int64_t until_ms, int64_t stamp, struct recent_day **out,
                struct err *err)
{
    struct recent_key key = {site->tenant, site->id, site->timezone,  on,
                             until_ms,     stamp,    site->goals_hash};
    bool found;

    (void)pthread_mutex_lock(&recent->lock);
    struct recent_day *day = enter(recent, &key, &found);
    if (!found) {
        (void)pthread_mutex_unlock(&recent->lock);
        int rc = make(store, site, day);
        (void)pthread_mutex_lock(&recent->lock);
        day->rc = rc;
        settle(recent, day);
    }
    while (!day->done)
        (void)pthread_cond_wait(&recent->made, &recent->lock);
    int rc = day->rc;
    if (rc != 0 && err != NULL)
        *err = day->err;
    *out = rc == 0 ? day : NULL;
    if (rc != 0)
        leave(day);
    (void)pthread_mutex_unlock(&recent->lock);
    return rc;
}

void recent_give(struct query_recent *recent, struct recent_day *day)
{
    (void)pthread_mutex_lock(&recent->lock);
    leave(day);
    (void)pthread_mutex_unlock(&recent->lock);
}

const struct pack_part *recent_parts(const struct recent_day *day, size_t *count)
{
    *count = day->count;
    return day->parts;
}
