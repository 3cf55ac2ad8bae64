/*
 * store/erase.c -- what the backends share when they erase: the tables, what may be erased, where
 * they are, and a property out of the text that it stands in.
 *
 * A site goes table by table. A value is looked for in a site's raw rows, a UTC date at a time, and
 * then in its visits, day by day, because no index knows it: each call goes on where the one before
 * it ended, as long as the handle lives (else it begins again, which does no harm). What is counted
 * meanwhile may bring the value back behind that place, so a pass that changed anything is followed
 * by another, and the end is a pass that found nothing.
 */
#include "store/store_backend.h"

#include "base/buf.h"
#include "base/date.h"

#include <sodium.h>

enum { STEPS_MAX = 32 }; /* dates that a call looks at */

const char *const erased_tables[ERASED_TABLES] = {
    [ERASED_EVENTS] = "analytics_events",
    [ERASED_VISITS] = "visits",
    [ERASED_SKETCHES] = "sketches",
    [ERASED_DUE] = "due_days",
    [ERASED_PACKS] = "packs",
    [ERASED_DAYS] = "analytics_daily_stats",
    [ERASED_HOURS] = "hourly_stats",
    [ERASED_KEYS] = "event_ids",
    [ERASED_GOALS] = "goals_counted",
    [ERASED_LEDGER] = "ledger",
    [ERASED_TOKENS] = "tokens",
    [ERASED_LINKS] = "links",
    [ERASED_ANNOTATIONS] = "annotations",
    [ERASED_NAMES] = "site_names",
    [ERASED_REMOVED] = "removed_sites",
    [ERASED_SETTINGS] = "analytics_settings",
};
_Static_assert((int)ERASED_KINDS < (int)ERASED_TABLES, "the list ends with NULL");

/* -- values ------------------------------------------------------------------------------------ */

static bool is_own_name(struct str name)
{
    for (unsigned kind = 0; kind < EVENT_CUSTOM; kind++)
        if (str_eq(name, event_kind_name((enum event_kind)kind)))
            return false;
    return true;
}

int erase_check(enum erasure_kind kind, struct str value, struct str with, struct err *err)
{
    if (kind != ERASE_PATH && kind != ERASE_EVENT && kind != ERASE_PROP)
        return err_set(err, ERR_INVALID, "this kind of erasure has no value");
    if (value.len == 0 || (kind != ERASE_PROP && with.len == 0))
        return err_set(err, ERR_INVALID, "a value is empty");
    /* A visit's entry is a name, a space and a path. */
    if (kind == ERASE_EVENT &&
        (!is_own_name(value) || !is_own_name(with) || str_find(value, 0, ' ') < value.len ||
         str_find(with, 0, ' ') < with.len))
        return err_set(err, ERR_INVALID, "%.*s is no event's own name", STR_FMT(value));
    if (kind != ERASE_PROP && str_eq(value, with))
        return err_set(err, ERR_INVALID, "a value is to be replaced by itself");
    return 0;
}

static void add_text(crypto_generichash_state *state, struct str text)
{
    uint64_t len = text.len;

    (void)crypto_generichash_update(state, (const unsigned char *)&len, sizeof(len));
    (void)crypto_generichash_update(state, (const unsigned char *)text.ptr, text.len);
}

struct erase_cursor erase_begin(const struct store *store, struct str site, enum erasure_kind kind,
                                struct str value, struct str with)
{
    struct erase_cursor begin = {.from = INT64_MIN};
    crypto_generichash_state state;
    unsigned char name = (unsigned char)kind;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof(begin.what));
    (void)crypto_generichash_update(&state, &name, 1);
    add_text(&state, site);
    add_text(&state, value);
    add_text(&state, with);
    (void)crypto_generichash_final(&state, begin.what, sizeof(begin.what));
    return memcmp(store->erasing.what, begin.what, sizeof(begin.what)) == 0 ? store->erasing
                                                                            : begin;
}

/* Behind the last row of a table: on to the next, or the pass is over. */
static void turn(struct erase_cursor *cursor, bool *more)
{
    cursor->from = INT64_MIN;
    if (!cursor->in_visits) {
        cursor->in_visits = true;
        return;
    }
    *more = cursor->changed;
    cursor->in_visits = cursor->changed = false;
}

int erase_step(struct erase_cursor *cursor, const struct erase_ops *ops, void *ctx, bool *more,
               int64_t rows[ERASED_TABLES], struct err *err)
{
    int64_t left = ERASE_ROWS_MAX;

    *more = true;
    for (int steps = 0; left > 0 && steps < STEPS_MAX; steps++) {
        int64_t at = 0, changed = 0, end;
        int rc = ops->next(ctx, cursor->in_visits, cursor->from, &at, err);

        if (rc < 0)
            return rc;
        if (rc == 0) {
            bool visits = cursor->in_visits;

            turn(cursor, more);
            if (visits)
                return 0;
            continue;
        }
        end = cursor->in_visits ? at + 1 : at - (at % DAY_MS + DAY_MS) % DAY_MS + DAY_MS;
        rc = ops->change(ctx, cursor->in_visits, at, end, left, &changed, err);
        if (rc < 0)
            return rc;
        left -= changed;
        rows[cursor->in_visits ? ERASED_VISITS : ERASED_EVENTS] += changed;
        cursor->changed = cursor->changed || changed > 0;
        cursor->from = left > 0 ? end : at;
    }
    return 0;
}

void erase_add(int64_t sums[ERASED_TABLES], const int64_t rows[ERASED_TABLES])
{
    for (size_t i = 0; i < ERASED_TABLES; i++)
        sums[i] += rows[i];
}

/* -- properties -------------------------------------------------------------------------------- */

/* Which members of the object are of that name, in their order. */
struct named {
    struct str name;
    struct buf is; /* a byte for each: 1, 0 */
    bool any;
};

static int see_prop(void *ctx, struct str name, struct str value)
{
    struct named *named = ctx;
    bool is = str_eq(name, named->name);

    (void)value;
    buf_addc(&named->is, is ? 1 : 0);
    named->any = named->any || is;
    return 0;
}

/* The bytes of the next member of a flat object, without the commas around it; *at moves behind
 * it. */
static struct str next_member(struct str props, size_t *at)
{
    size_t from = *at;
    bool quoted = false;

    for (; *at < props.len; (*at)++) {
        char c = props.ptr[*at];

        if (quoted && c == '\\')
            (*at)++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ',' || c == '}'))
            break;
    }
    struct str member = str_slice(props, from, *at);

    (*at)++;
    return member;
}

bool props_remove(struct str props, struct str name, struct buf *out)
{
    struct named named = {.name = name};
    struct arena scratch = {0};
    size_t at = str_find(props, 0, '{') + 1, kept = 0;

    (void)props_each(props, &scratch, see_prop, &named);
    for (size_t i = 0; named.any && at < props.len; i++) {
        struct str member = next_member(props, &at);

        if (i < named.is.len && named.is.ptr[i] == 1)
            continue;
        buf_addc(out, kept++ == 0 ? '{' : ',');
        buf_add(out, member);
    }
    if (kept > 0)
        buf_addc(out, '}');
    buf_release(&named.is);
    arena_free(&scratch);
    return named.any;
}
