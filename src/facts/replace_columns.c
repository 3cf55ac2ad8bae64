/*
 * facts/replace_columns.c -- a value out of a column (pack.c has their format).
 *
 * A dict stays in bytewise order, so its numbers change with it, and the column is written anew. A
 * column is read by the number of its values, which stands in another one. Where retention has
 * taken that already and not yet this, nobody can read it any more: it is emptied.
 */
#include "facts/replace_internal.h"

/* -- columns ----------------------------------------------------------------------------------- */

int replace_damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "a column of a pack is damaged");
}

/* How many values its columns have: 1, or 0: nothing says so, and nobody can read them. */
static int count_values(const struct replace *replace, bool of_visits, size_t *out, struct err *err)
{
    struct str meta = replace_find(replace, of_visits ? PACK_VISITS + 1 + VISITS_META
                                                      : PACK_EVENTS + 1 + EVENTS_META);
    struct reader reader = reader_of(meta);
    uint64_t version = read_uint(&reader), first = read_uint(&reader), second = read_uint(&reader);

    if (meta.len == 0)
        return 0;
    if (reader.bad || version != PACK_VERSION || first > UINT32_MAX || second > UINT32_MAX)
        return replace_damaged(err);
    *out = of_visits ? (size_t)second : (size_t)(first + second);
    return 1;
}

static bool find_text(struct dict dict, struct str text, uint32_t *at)
{
    for (uint32_t i = 1; i < dict.count; i++)
        if (str_eq(dict.values[i], text)) {
            *at = i;
            return true;
        }
    return false;
}

/* The dict with `with` in the place that is its own, and the numbers that its texts have there. */
static struct dict replace_text(struct replace *replace, struct dict dict, uint32_t gone,
                                uint32_t *map)
{
    struct str *values = ARENA_NEW(&replace->scratch, struct str, (size_t)dict.count + 1);
    struct str with = replace->with;
    uint32_t count = 0, place = 0;

    for (uint32_t i = 0; i < dict.count; i++) {
        if (i == gone)
            continue;
        if (place == 0 && i > 0 && str_cmp(dict.values[i], with) >= 0) {
            place = count;
            values[count++] = with;
        }
        map[i] = count;
        if (place > 0 && str_eq(dict.values[i], with))
            map[i] = place;
        else
            values[count++] = dict.values[i];
    }
    if (place == 0) {
        place = count;
        values[count++] = with;
    }
    map[gone] = place;
    return (struct dict){values, count};
}

struct str replace_keep(struct replace *replace, struct buf *out)
{
    struct str bytes = arena_str(replace->arena, buf_str(out));

    buf_release(out);
    return bytes;
}

static const uint32_t *renumber(struct replace *replace, const uint32_t *values, size_t count,
                                const uint32_t *map)
{
    uint32_t *out = ARENA_NEW(&replace->scratch, uint32_t, count + 1);

    for (size_t i = 0; i < count; i++)
        out[i] = map[values[i]];
    return out;
}

int replace_column(struct replace *replace, enum dimension dimension, struct str *bytes,
                   struct err *err)
{
    struct reader reader = reader_of(*bytes);
    struct buf out = {0};
    uint32_t gone;
    size_t count = 0;
    int rc = count_values(replace, dimension_of_visit(dimension), &count, err);

    if (rc <= 0) {
        *bytes = STR("");
        return rc < 0 ? rc : 1;
    }
    struct dict dict = read_dict(&reader, &replace->scratch);

    if (reader.bad)
        return replace_damaged(err);
    const uint32_t *values = read_column(&reader, count, dict.count - 1, &replace->scratch);

    if (reader.bad || reader.at != reader.end)
        return replace_damaged(err);
    if (!find_text(dict, replace->value, &gone))
        return 0;
    uint32_t *map = ARENA_NEW(&replace->scratch, uint32_t, dict.count);

    put_dict(&out, replace_text(replace, dict, gone, map));
    put_column(&out, renumber(replace, values, count, map), count);
    *bytes = replace_keep(replace, &out);
    return 1;
}

/* -- the column of properties ------------------------------------------------------------------ */

struct pairs {
    struct dict dict;
    uint32_t *counts, *numbers; /* by event; of all events one after the other */
    size_t events, count;
};

static bool read_pairs(struct replace *replace, struct str bytes, struct pairs *pairs)
{
    struct reader reader = reader_of(bytes);
    uint64_t sum = 0, count;

    pairs->dict = read_dict(&reader, &replace->scratch);
    const uint32_t *counts =
        read_column(&reader, pairs->events, EVENT_PROPS_MAX, &replace->scratch);

    count = read_uint(&reader);
    for (size_t i = 0; !reader.bad && i < pairs->events; i++)
        sum += counts[i];
    if (reader.bad || sum != count)
        return false;
    const uint32_t *numbers =
        read_column(&reader, (size_t)count, pairs->dict.count - 1, &replace->scratch);

    if (reader.bad || reader.at != reader.end)
        return false;
    pairs->count = (size_t)count;
    pairs->counts = ARENA_NEW(&replace->scratch, uint32_t, pairs->events + 1);
    pairs->numbers = ARENA_NEW(&replace->scratch, uint32_t, pairs->count + 1);
    memcpy(pairs->counts, counts, pairs->events * sizeof(counts[0]));
    memcpy(pairs->numbers, numbers, pairs->count * sizeof(numbers[0]));
    return true;
}

/* The dict without the pairs of that name; those have number 0 in the map. False: there are none.
 */
static bool remove_name(struct replace *replace, struct dict *dict, uint32_t *map)
{
    struct str *values = ARENA_NEW(&replace->scratch, struct str, dict->count);
    uint32_t count = 1;

    values[0] = STR("");
    for (uint32_t i = 1; i < dict->count; i++) {
        if (str_eq(prop_name(dict->values[i]), replace->value))
            continue;
        map[i] = count;
        values[count++] = dict->values[i];
    }
    bool found = count < dict->count;

    *dict = (struct dict){values, count};
    return found;
}

static void drop_pairs(struct pairs *pairs, const uint32_t *map)
{
    size_t at = 0, kept = 0;

    for (size_t event = 0; event < pairs->events; event++) {
        size_t before = kept;

        for (uint32_t n = pairs->counts[event]; n > 0; n--, at++)
            if (map[pairs->numbers[at]] != 0)
                pairs->numbers[kept++] = map[pairs->numbers[at]];
        pairs->counts[event] = (uint32_t)(kept - before);
    }
    pairs->count = kept;
}

int remove_pairs(struct replace *replace, enum dimension dimension, struct str *bytes,
                 struct err *err)
{
    struct pairs pairs = {0};
    struct buf out = {0};
    int rc = count_values(replace, dimension_of_visit(dimension), &pairs.events, err);

    if (rc <= 0) {
        *bytes = STR("");
        return rc < 0 ? rc : 1;
    }
    if (!read_pairs(replace, *bytes, &pairs))
        return replace_damaged(err);
    uint32_t *map = ARENA_NEW(&replace->scratch, uint32_t, pairs.dict.count);

    if (!remove_name(replace, &pairs.dict, map))
        return 0;
    drop_pairs(&pairs, map);
    if (pairs.count > 0) {
        put_dict(&out, pairs.dict);
        put_column(&out, pairs.counts, pairs.events);
        put_uint(&out, pairs.count);
        put_column(&out, pairs.numbers, pairs.count);
    }
    *bytes = replace_keep(replace, &out);
    return 1;
}
