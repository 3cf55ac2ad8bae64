/*
 * throttle_apart.h -- a throttle in which those that a test calls strangers are strangers: a ring
 * is found by a hash with a key of chance, and two names meet in one once in 16,384 throttles.
 */
#ifndef ABACUS_TEST_THROTTLE_APART_H
#define ABACUS_TEST_THROTTLE_APART_H

#include "access/people.h"

#include "unit.h"

enum { APART_TRIES = 5 };

/* Failures of the one so long ago that they count for nothing, and whether the other would have had
 * to wait then. */
static inline bool apart_meet(struct throttle *throttle, const char *one, const char *other,
                              bool accounts, int64_t then_ms)
{
    int failures = accounts ? THROTTLE_ACCOUNT : THROTTLE_ADDRESS;

    for (int i = 0; i < failures; i++)
        throttle_failed(throttle, accounts ? str_from(one) : STR("somebody"),
                        accounts ? STR("somewhere") : str_from(one), then_ms);
    return throttle_ask(throttle, accounts ? str_from(other) : STR("somebody else"),
                        accounts ? STR("somewhere else") : str_from(other), then_ms) > 0;
}

static inline bool apart_any_meet(struct throttle *throttle, const char *const *names,
                                  bool accounts, int64_t *then_ms)
{
    bool met = false;

    for (size_t i = 0; names[i] != NULL; i++)
        for (size_t j = 0; names[j] != NULL; j++, *then_ms += 2 * THROTTLE_MS)
            met = (i != j && apart_meet(throttle, names[i], names[j], accounts, *then_ms)) || met;
    return met;
}

/* Of the accounts no two share a ring, nor do any two of the addresses; both lists end with NULL.
 * Nobody has failed in the last weeks before `now_ms`. Fails if they always meet: then they are no
 * strangers to it at all. */
static inline struct throttle *throttle_new_apart(const char *const *accounts,
                                                  const char *const *addresses, int64_t now_ms)
{
    for (int i = 0; i < APART_TRIES; i++) {
        struct throttle *throttle = throttle_new();
        int64_t then_ms = now_ms - INT64_C(400) * 24 * 60 * 60 * 1000;
        bool met = apart_any_meet(throttle, accounts, true, &then_ms);

        met = apart_any_meet(throttle, addresses, false, &then_ms) || met;
        assert_true(then_ms < now_ms - THROTTLE_MS);
        if (!met)
            return throttle;
        throttle_free(&throttle);
    }
    fail_msg("strangers share a ring in each of %d throttles", APART_TRIES);
    return NULL;
}

#endif
