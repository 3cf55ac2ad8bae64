/*
 * agent/answers.c -- a set-associative cache: no list to keep in order, no memory to free, nothing
 * shared between sets.
 */
#include "agent/answers.h"

#include "base/must.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

struct entry {
    struct answer_key key;
    uint64_t used; /* the set's clock when it was used last; 0: never */
    struct answer answer;
};

struct set {
    pthread_mutex_t lock;
    uint64_t clock;
    struct entry way[ANSWERS_WAYS];
};

struct answers {
    unsigned char secret[XXH3_SECRET_SIZE_MIN];
    size_t count;
    struct set set[];
};

int answers_new(size_t places, struct answers **out, struct err *err)
{
    size_t count = places / ANSWERS_WAYS;
    struct answers *a;

    assert(places > 0 && places % ANSWERS_WAYS == 0);
    *out = NULL;
    a = must(calloc(1, sizeof(*a) + count * sizeof(a->set[0])));
    if (getrandom(a->secret, sizeof(a->secret), 0) != (ssize_t)sizeof(a->secret)) {
        free(a);
        return err_set(err, ERR_SYSTEM, "no random bytes: %s", strerror(errno));
    }
    a->count = count;
    for (size_t i = 0; i < count; i++)
        (void)pthread_mutex_init(&a->set[i].lock, NULL);
    *out = a;
    return 0;
}

void answers_free(struct answers **answers)
{
    if (*answers == NULL)
        return;
    for (size_t i = 0; i < (*answers)->count; i++)
        (void)pthread_mutex_destroy(&(*answers)->set[i].lock);
    free(*answers);
    *answers = NULL;
}

struct answer_key answers_key(const struct answers *answers, struct str user_agent,
                              enum mobile_hint hint)
{
    XXH128_hash_t hash = XXH3_128bits_withSecret(user_agent.ptr, user_agent.len, answers->secret,
                                                 sizeof(answers->secret));

    /* One User-Agent has a key for each hint. */
    return (struct answer_key){.low = hash.low64 + (uint64_t)hint, .high = hash.high64};
}

static struct set *set_of(struct answers *answers, struct answer_key key)
{
    return &answers->set[key.high % answers->count];
}

static struct entry *find(struct set *set, struct answer_key key)
{
    for (struct entry *e = set->way; e < set->way + ANSWERS_WAYS; e++) {
        if (e->used > 0 && e->key.low == key.low && e->key.high == key.high)
            return e;
    }
    return NULL;
}

static struct entry *least_used(struct set *set)
{
    struct entry *least = set->way;

    for (struct entry *e = set->way + 1; e < set->way + ANSWERS_WAYS; e++) {
        if (e->used < least->used)
            least = e;
    }
    return least;
}

bool answers_get(struct answers *answers, struct answer_key key, struct answer *out)
{
    struct set *set = set_of(answers, key);

    (void)pthread_mutex_lock(&set->lock);
    struct entry *e = find(set, key);
    if (e != NULL) {
        e->used = ++set->clock;
        *out = e->answer;
    }
    (void)pthread_mutex_unlock(&set->lock);
    return e != NULL;
}

void answers_put(struct answers *answers, struct answer_key key, const struct answer *answer)
{
    struct set *set = set_of(answers, key);

    (void)pthread_mutex_lock(&set->lock);
    struct entry *e = find(set, key);
    if (e == NULL)
        e = least_used(set);
    e->key = key;
    e->used = ++set->clock;
    e->answer = *answer;
    (void)pthread_mutex_unlock(&set->lock);
}
