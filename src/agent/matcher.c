/*
 * agent/matcher.c -- Hyperscan proposes, PCRE2 decides.
 *
 * Hyperscan gets each rule as it is, but with '.' for any byte. A rule that it refuses (a
 * lookbehind) it gets as a prefilter, which finds a superset; one that it refuses even so is always
 * a candidate. So whatever PCRE2 would match is among the candidates, and the answer is that of
 * trying all rules in order, for a fifteenth of the time. (To make ".{0,200}" into ".*" for it
 * halves the time to compile, 0.8 s, and saves nothing when it looks.)
 *
 * Databases are for the architecture's least processor: what is built on one machine runs on all.
 *
 * PCRE2 is without its JIT, since the service runs where no memory may be both written and run.
 *
 * Format of what matcher_save() gives: a bit for each rule, in 64-bit words of the machine's order,
 * set where it is always a candidate; then Hyperscan's own serialised database, which has a
 * checksum.
 */
#include "agent/matcher.h"

#include "base/must.h"

#include <assert.h>
#include <hs.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { GROUPS = 10, WORD_BITS = 64 };

struct matcher {
    const struct rules *rules;
    pcre2_code **code;          /* one for each rule */
    pcre2_match_context *limit; /* only read once it is made */
    hs_database_t *database;    /* NULL: each rule is always a candidate */
    uint64_t *always;           /* a bit for each rule */
};

struct work {
    hs_scratch_t *scratch;
    pcre2_match_data *captures;
    struct str text;
    unsigned tries;
    unsigned groups; /* that the rule found last has set; PCRE2 leaves the others as they were */
    size_t words;
    uint64_t candidates[];
};

static size_t word_count(const struct matcher *m)
{
    return (m->rules->count + WORD_BITS - 1) / WORD_BITS;
}

static void set_bit(uint64_t *bits, size_t i)
{
    bits[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
}

static bool has_bit(const uint64_t *bits, size_t i)
{
    return (bits[i / WORD_BITS] >> i % WORD_BITS & 1) != 0;
}

/* -- PCRE2 ----------------------------------------------------------------------------------- */

static int compile_code(const struct rule *rule, pcre2_code **out, struct err *err)
{
    uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C |
                       (rule->caseless ? PCRE2_CASELESS : 0);
    PCRE2_SIZE where;
    PCRE2_UCHAR why[120];
    int rc;

    *out = pcre2_compile((PCRE2_SPTR)rule->regex.ptr, rule->regex.len, options, &rc, &where, NULL);
    if (*out != NULL)
        return 0;
    (void)pcre2_get_error_message(rc, why, sizeof(why));
    return err_set(err, ERR_INVALID, "line %u: its regex, at byte %zu: %s", rule->line, where,
                   (const char *)why);
}

static int compile_codes(struct matcher *m, struct err *err)
{
    m->limit = must(pcre2_match_context_create(NULL));
    (void)pcre2_set_match_limit(m->limit, MATCH_STEPS);
    m->code = must(calloc(m->rules->count, sizeof(*m->code)));
    for (size_t i = 0; i < m->rules->count; i++) {
        int rc = compile_code(&m->rules->rule[i], &m->code[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* -- the database ---------------------------------------------------------------------------- */

/* What Hyperscan is asked for, rule by rule. */
struct request {
    size_t count;
    const char **regex;
    unsigned *flags;
    unsigned *id;
};

static void request_init(struct request *r, const struct rules *rules)
{
    *r = (struct request){
        .count = rules->count,
        .regex = must(calloc(rules->count, sizeof(*r->regex))),
        .flags = must(calloc(rules->count, sizeof(*r->flags))),
        .id = must(calloc(rules->count, sizeof(*r->id))),
    };
    for (size_t i = 0; i < rules->count; i++) {
        r->regex[i] = rules->rule[i].regex.ptr;
        r->flags[i] = HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY |
                      (rules->rule[i].caseless ? HS_FLAG_CASELESS : 0);
        r->id[i] = (unsigned)i;
    }
}

static void request_release(struct request *r)
{
    free(r->regex);
    free(r->flags);
    free(r->id);
}

/* Ask for less of rule `i`: first as a prefilter, then not at all. */
static void ask_less(struct request *r, size_t i, uint64_t *always)
{
    if ((r->flags[i] & HS_FLAG_PREFILTER) == 0) {
        r->flags[i] |= HS_FLAG_PREFILTER;
        return;
    }
    set_bit(always, r->id[i]);
    r->count--;
    r->regex[i] = r->regex[r->count];
    r->flags[i] = r->flags[r->count];
    r->id[i] = r->id[r->count];
}

static int compile_request(struct matcher *m, struct request *r, struct err *err)
{
    static const hs_platform_info_t any = {.tune = HS_TUNE_FAMILY_GENERIC, .cpu_features = 0};

    while (r->count > 0) {
        hs_compile_error_t *error = NULL;
        if (hs_compile_multi(r->regex, r->flags, r->id, (unsigned)r->count, HS_MODE_BLOCK, &any,
                             &m->database, &error) == HS_SUCCESS)
            return 0;
        int which = error->expression;
        if (which < 0)
            err_fill(err, "Hyperscan: %s", error->message);
        (void)hs_free_compile_error(error);
        if (which < 0)
            return ERR_INVALID;
        ask_less(r, (size_t)which, m->always);
    }
    return 0;
}

static int compile_database(struct matcher *m, struct err *err)
{
    struct request r;
    int rc;

    request_init(&r, m->rules);
    memset(m->always, 0, word_count(m) * sizeof(*m->always));
    rc = compile_request(m, &r, err);
    request_release(&r);
    return rc;
}

/* False where the bytes are none that this Hyperscan takes: a newer library reads only its own. */
static bool load_database(struct matcher *m, struct str bytes)
{
    size_t bits = word_count(m) * sizeof(*m->always);

    if (bytes.len <= bits)
        return false;
    memcpy(m->always, bytes.ptr, bits);
    return hs_deserialize_database(bytes.ptr + bits, bytes.len - bits, &m->database) == HS_SUCCESS;
}

int matcher_save(const struct matcher *m, struct buf *out, struct err *err)
{
    char *bytes;
    size_t len;

    if (m->database == NULL || hs_serialize_database(m->database, &bytes, &len) != HS_SUCCESS)
        return err_set(err, ERR_INVALID, "Hyperscan takes none of these rules");
    buf_add(out, (struct str){(const char *)m->always, word_count(m) * sizeof(*m->always)});
    buf_add(out, (struct str){bytes, len});
    free(bytes);
    return 0;
}

/* -- the matcher ----------------------------------------------------------------------------- */

int matcher_new(const struct rules *rules, struct str database, struct matcher **out,
                struct err *err)
{
    struct matcher *m = must(calloc(1, sizeof(*m)));
    int rc;

    m->rules = rules;
    m->always = must(calloc(word_count(m), sizeof(*m->always)));
    rc = compile_codes(m, err);
    if (rc == 0 && !load_database(m, database))
        rc = compile_database(m, err);
    if (rc < 0)
        matcher_free(&m);
    *out = m;
    return rc;
}

void matcher_free(struct matcher **matcher)
{
    struct matcher *m = *matcher;

    if (m == NULL)
        return;
    for (size_t i = 0; m->code != NULL && i < m->rules->count; i++)
        pcre2_code_free(m->code[i]);
    free(m->code);
    pcre2_match_context_free(m->limit);
    (void)hs_free_database(m->database);
    free(m->always);
    free(m);
    *matcher = NULL;
}

const struct rules *matcher_rules(const struct matcher *m)
{
    return m->rules;
}

/* -- work ------------------------------------------------------------------------------------ */

static struct work *work_alloc(size_t words)
{
    struct work *w = must(calloc(1, sizeof(*w) + words * sizeof(w->candidates[0])));

    w->words = words;
    w->captures = must(pcre2_match_data_create(GROUPS, NULL));
    return w;
}

int work_new(const struct matcher *const *matchers, size_t count, struct work **out,
             struct err *err)
{
    size_t words = 0;

    for (size_t i = 0; i < count; i++)
        words = word_count(matchers[i]) > words ? word_count(matchers[i]) : words;
    *out = work_alloc(words);
    for (size_t i = 0; i < count; i++) {
        if (matchers[i]->database != NULL &&
            hs_alloc_scratch(matchers[i]->database, &(*out)->scratch) != HS_SUCCESS) {
            work_free(out);
            return err_set(err, ERR_SYSTEM, "Hyperscan: no scratch space");
        }
    }
    return 0;
}

struct work *work_copy(const struct work *from)
{
    struct work *w = work_alloc(from->words);

    if (from->scratch != NULL && hs_clone_scratch(from->scratch, &w->scratch) != HS_SUCCESS)
        (void)must(NULL);
    return w;
}

void work_free(struct work **work)
{
    if (*work == NULL)
        return;
    (void)hs_free_scratch((*work)->scratch);
    pcre2_match_data_free((*work)->captures);
    free(*work);
    *work = NULL;
}

static int on_candidate(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                        void *candidates)
{
    (void)from;
    (void)to;
    (void)flags;
    set_bit(candidates, id);
    return 0;
}

void matcher_scan(const struct matcher *m, struct str text, struct work *w)
{
    w->text = text.len > 0 ? text : STR("");
    w->tries = 0;
    memcpy(w->candidates, m->always, word_count(m) * sizeof(*m->always));
    if (m->database == NULL)
        return;
    hs_error_t rc = hs_scan(m->database, w->text.ptr, (unsigned)w->text.len, 0, w->scratch,
                            on_candidate, w->candidates);
    assert(rc == HS_SUCCESS);
    (void)rc;
}

static bool decide(const struct matcher *m, size_t i, struct work *w)
{
    if (w->tries >= MATCH_TRIES)
        return false;
    int rc =
        pcre2_match(m->code[i], (PCRE2_SPTR)w->text.ptr, w->text.len, 0, 0, w->captures, m->limit);
    /* 0: it has more groups than there is room for. */
    w->groups = rc > 0 ? (unsigned)rc : GROUPS;
    w->tries += rc < 0;
    return rc >= 0;
}

size_t matcher_next(const struct matcher *m, size_t from, size_t to, struct work *w)
{
    for (size_t i = from; i < to; i++) {
        if (w->candidates[i / WORD_BITS] >> i % WORD_BITS == 0)
            i |= WORD_BITS - 1;
        else if (has_bit(w->candidates, i) && decide(m, i, w))
            return i;
    }
    return to;
}

struct str work_capture(const struct work *w, unsigned group)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(w->captures) + (size_t)2 * group;

    if (group >= w->groups || at[0] == PCRE2_UNSET || at[0] > at[1])
        return STR("");
    return str_slice(w->text, at[0], at[1]);
}
