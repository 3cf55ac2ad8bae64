/*
 * import/people.c -- who sent the lines before: a visitor's pages stand near one another in a log.
 *
 * One place for each hash, and who comes last stays. The hash, 128 bits of address and User-Agent,
 * stands for both; nothing else of them is kept, and all of it goes with the import.
 */
#include "base/must.h"
#include "import/import_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { PLACES = 8192, TEXT_MAX = 64 };

struct person {
    XXH128_hash_t hash;
    bool there;
    struct import_sender known;
    char browser[TEXT_MAX], os[TEXT_MAX];
};

struct people {
    struct person place[PLACES];
};

struct people *people_new(void)
{
    return must(calloc(1, sizeof(struct people)));
}

void people_free(struct people **people)
{
    if (*people == NULL)
        return;
    sodium_memzero(*people, sizeof(**people));
    free(*people);
    *people = NULL;
}

/* An agent's names are shorter; what is not would only be cut. */
static struct str keep(struct str text, char to[TEXT_MAX])
{
    text = str_slice(text, 0, TEXT_MAX);
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    return (struct str){to, text.len};
}

static void find_out(struct person *person, const struct import_config *config,
                     const struct access_line *line, struct arena *scratch)
{
    struct agent_info info;

    agent_look(config->agent, line->agent, STR(""), scratch, &info);
    person->known = (struct import_sender){
        .words = {.browser = keep(info.browser, person->browser),
                  .os = keep(info.os, person->os),
                  .device = info.device,
                  .bot = info.bot,
                  .country = geo_country(config->geo, &line->address)},
    };
}

struct import_sender *people_look(struct people *people, const struct import_config *config,
                                  const struct access_line *line, struct arena *scratch)
{
    const struct addr *address = &line->address;
    XXH64_hash_t seed =
        XXH3_64bits_withSeed(address->bytes, sizeof(address->bytes), address->family);
    XXH128_hash_t hash = XXH3_128bits_withSeed(line->agent.ptr, line->agent.len, seed);
    struct person *person = &people->place[hash.low64 % PLACES];

    if (!person->there || !XXH128_isEqual(person->hash, hash)) {
        find_out(person, config, line, scratch);
        person->hash = hash;
        person->there = true;
    }
    return &person->known;
}
