/*
 * access/throttle.c -- how often somebody may try to sign in.
 *
 * Each account and each address has a ring of the times of its last failures; while the oldest of a
 * full ring is younger than THROTTLE_MS, nobody tries. Rings are found by a keyed hash alone, so
 * the memory is fixed and two keys may share one. How many failures there can be at all is bounded
 * by THROTTLE_PER_SECOND: 4,520 in THROTTLE_MS, which is one ring in four, so that ten strangers
 * meet in one ring about never, and nobody outside can choose which do.
 *
 * The answer is the same for accounts that exist and those that do not.
 */
#include "access/people.h"

#include "base/must.h"
#include "base/net.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

enum { RINGS = 16384, ACCOUNT_MAX = 256, TRY = 1000 };

struct ring {
    uint16_t used, next; /* next: the oldest, once it is full */
};

struct rings {
    struct ring *rings;
    int64_t *times; /* `size` of each ring */
    uint16_t size;
};

struct throttle {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct rings accounts, addresses;
    int64_t level;   /* thousandths of tries that everybody together still has */
    int64_t seen_ms; /* when that was reckoned */
};

static void rings_init(struct rings *rings, uint16_t size)
{
    rings->rings = must(calloc(RINGS, sizeof(*rings->rings)));
    rings->times = must(calloc((size_t)RINGS * size, sizeof(*rings->times)));
    rings->size = size;
}

static void rings_release(struct rings *rings)
{
    free(rings->rings);
    free(rings->times);
}

struct throttle *throttle_new(void)
{
    struct throttle *throttle = must(calloc(1, sizeof(*throttle)));

    (void)pthread_mutex_init(&throttle->lock, NULL);
    randombytes_buf(throttle->key, sizeof(throttle->key));
    rings_init(&throttle->accounts, THROTTLE_ACCOUNT);
    rings_init(&throttle->addresses, THROTTLE_ADDRESS);
    throttle->level = (int64_t)THROTTLE_BURST * TRY;
    return throttle;
}

void throttle_free(struct throttle **throttle)
{
    if (*throttle == NULL)
        return;
    rings_release(&(*throttle)->accounts);
    rings_release(&(*throttle)->addresses);
    (void)pthread_mutex_destroy(&(*throttle)->lock);
    free(*throttle);
    *throttle = NULL;
}

/* -- which ring -------------------------------------------------------------------------------- */

static size_t ring_of(const struct throttle *throttle, const void *bytes, size_t len)
{
    uint64_t hash = 0;

    (void)crypto_shorthash((uint8_t *)&hash, bytes, len, throttle->key);
    return (size_t)(hash % RINGS);
}

/* However its letters were written. */
static size_t ring_of_account(const struct throttle *throttle, struct str account)
{
    char folded[ACCOUNT_MAX];
    size_t len = account.len < sizeof(folded) ? account.len : sizeof(folded);

    for (size_t i = 0; i < len; i++)
        folded[i] =
            (char)(account.ptr[i] >= 'A' && account.ptr[i] <= 'Z' ? account.ptr[i] - 'A' + 'a'
                                                                  : account.ptr[i]);
    return ring_of(throttle, folded, len);
}

/* A household or a rented machine has a whole /64. */
static size_t ring_of_address(const struct throttle *throttle, struct str address)
{
    struct addr parsed = {0};

    if (!addr_parse(address, &parsed))
        return ring_of(throttle, address.ptr, address.len);
    parsed = addr_cut(parsed, 32, 64);
    return ring_of(throttle, &parsed, sizeof(parsed));
}

/* -- rings ------------------------------------------------------------------------------------- */

static int64_t wait_ms(const struct rings *rings, size_t at, int64_t now_ms)
{
    const struct ring *ring = &rings->rings[at];

    if (ring->used < rings->size)
        return 0;
    int64_t age = now_ms - rings->times[at * rings->size + ring->next];

    /* After a step of the clock to the past nobody waits for the time that it lost. */
    if (age >= THROTTLE_MS || age <= -THROTTLE_MS)
        return 0;
    return age < 0 ? THROTTLE_MS : THROTTLE_MS - age;
}

static void note(struct rings *rings, size_t at, int64_t now_ms)
{
    struct ring *ring = &rings->rings[at];

    rings->times[at * rings->size + ring->next] = now_ms;
    ring->next = (uint16_t)((ring->next + 1) % rings->size);
    if (ring->used < rings->size)
        ring->used++;
}

/* -- everybody --------------------------------------------------------------------------------- */

/* One of everybody's tries: 0, or how long until there is one. */
static int64_t take_try(struct throttle *throttle, int64_t now_ms)
{
    const int64_t most = (int64_t)THROTTLE_BURST * TRY;
    int64_t passed = now_ms - throttle->seen_ms;

    throttle->seen_ms = now_ms;
    if (passed >= most / THROTTLE_PER_SECOND)
        throttle->level = most;
    else if (passed > 0)
        throttle->level += passed * THROTTLE_PER_SECOND;
    throttle->level = throttle->level < most ? throttle->level : most;
    if (throttle->level < TRY)
        return (TRY - throttle->level + THROTTLE_PER_SECOND - 1) / THROTTLE_PER_SECOND;
    throttle->level -= TRY;
    return 0;
}

int64_t throttle_ask(struct throttle *throttle, struct str account, struct str address,
                     int64_t now_ms)
{
    size_t of_account = ring_of_account(throttle, account);
    size_t of_address = ring_of_address(throttle, address);

    (void)pthread_mutex_lock(&throttle->lock);
    int64_t wait = wait_ms(&throttle->accounts, of_account, now_ms);
    int64_t other = wait_ms(&throttle->addresses, of_address, now_ms);

    wait = wait > other ? wait : other;
    /* Who must wait anyway takes nothing from the others. */
    if (wait == 0)
        wait = take_try(throttle, now_ms);
    (void)pthread_mutex_unlock(&throttle->lock);
    return (wait + 999) / 1000;
}

void throttle_failed(struct throttle *throttle, struct str account, struct str address,
                     int64_t now_ms)
{
    size_t of_account = ring_of_account(throttle, account);
    size_t of_address = ring_of_address(throttle, address);

    (void)pthread_mutex_lock(&throttle->lock);
    note(&throttle->accounts, of_account, now_ms);
    note(&throttle->addresses, of_address, now_ms);
    (void)pthread_mutex_unlock(&throttle->lock);
}

void throttle_succeeded(struct throttle *throttle, struct str account, int64_t now_ms)
{
    size_t of_account = ring_of_account(throttle, account);

    (void)now_ms;
    (void)pthread_mutex_lock(&throttle->lock);
    throttle->accounts.rings[of_account] = (struct ring){0};
    (void)pthread_mutex_unlock(&throttle->lock);
}
