/*
 * agent/answers.h -- answers that were given before.
 *
 * Places in sets of eight: a key has one set to be in, and what was used longest ago in its set
 * makes room. Each set has a lock of its own, held while an entry is copied. Any thread.
 *
 * A User-Agent is kept as 128 bits of XXH3 under a secret of this process: none can be read from
 * memory, none is too long, and who sends them cannot choose which share a set.
 */
#ifndef ABACUS_AGENT_ANSWERS_H
#define ABACUS_AGENT_ANSWERS_H

#include "agent/words.h"
#include "base/err.h"

/* What is kept of a struct agent_info. */
struct answer {
    struct str device, bot; /* live as long as the program */
    uint8_t browser_len, os_len;
    char browser[NAME_BYTES_MAX], os[NAME_BYTES_MAX];
};

struct answers;

/* `places`: a multiple of ANSWERS_WAYS. ERR_SYSTEM: no random bytes. The caller owns *out. */
enum { ANSWERS_WAYS = 8 };
int answers_new(size_t places, struct answers **out, struct err *err);
void answers_free(struct answers **answers);

struct answer_key {
    uint64_t low, high;
};
struct answer_key answers_key(const struct answers *answers, struct str user_agent,
                              enum mobile_hint hint);

bool answers_get(struct answers *answers, struct answer_key key, struct answer *out);
void answers_put(struct answers *answers, struct answer_key key, const struct answer *answer);

#endif
