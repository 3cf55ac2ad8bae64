/*
 * facts/replace.c -- a value out of a day's pack.
 *
 * A part is one column or rollup, or small ones together (pack.c). Whichever it is, each column and
 * rollup has a number, that of the part that it would be alone, and one table says which numbers
 * hold which kind of value and how it leaves them. What changed is written back to where it was, so
 * that nothing else of the day has to be written; readers look into both places.
 *
 * Columns come before rollups, because the row of a rollup in which two become one is counted from
 * the new columns: who is in both counts once. A rollup can have less than the columns (values
 * beyond the site's pathsPerDay are all in one row), so what is counted holds only if its sums are
 * those of the two rows; else, and where the columns are kept no more, the row is their sum.
 */
#include "facts/replace_internal.h"

/* -- parts ------------------------------------------------------------------------------------- */

size_t facts_parts_all(int32_t parts[PACK_PARTS_MAX])
{
    size_t count = 0;

    for (int32_t d = 0; d <= DIMENSIONS; d++)
        parts[count++] = PACK_ROLLUPS + d;
    for (int32_t c = 0; c <= VISITS_COLUMNS; c++)
        parts[count++] = PACK_VISITS + c;
    for (int32_t c = 0; c <= EVENTS_COLUMNS; c++)
        parts[count++] = PACK_EVENTS + c;
    return count;
}
_Static_assert(3 + DIMENSIONS + VISITS_COLUMNS + EVENTS_COLUMNS <= PACK_PARTS_MAX,
               "all parts have room");

static bool is_shared(int32_t part)
{
    return part == PACK_ROLLUPS || part == PACK_VISITS || part == PACK_EVENTS;
}

/* The next of those that share a part: its number and its bytes. */
static int32_t next_entry(struct reader *reader, int32_t shared, struct str *bytes)
{
    uint64_t number = read_uint(reader);

    *bytes = read_text(reader);
    if (number > PACK_EVENTS - PACK_VISITS)
        (void)reader_fail(reader);
    return shared + (int32_t)number + (shared == PACK_ROLLUPS ? 0 : 1);
}

static void put_entry(struct buf *out, int32_t shared, int32_t part, struct str bytes)
{
    if (bytes.len == 0)
        return;
    put_uint(out, (uint64_t)(part - shared - (shared == PACK_ROLLUPS ? 0 : 1)));
    put_text(out, bytes);
}

struct str replace_find(const struct replace *replace, int32_t wanted)
{
    for (size_t i = 0; i < replace->parts_count; i++) {
        const struct pack_part *part = &replace->parts[i];
        struct reader reader = reader_of(part->bytes);
        struct str bytes;

        if (part->part == wanted)
            return part->bytes;
        while (is_shared(part->part) && reader.at < reader.end)
            if (next_entry(&reader, part->part, &bytes) == wanted && !reader.bad)
                return bytes;
    }
    return STR("");
}

/* -- rollups ----------------------------------------------------------------------------------- */

static const struct count_row *find_row(struct counts *counts, struct str value)
{
    struct count_row other;
    size_t count;
    const struct count_row *rows = counts_rows(counts, &count, &other);

    for (size_t i = 0; i < count; i++)
        if (str_eq(rows[i].value, value))
            return &rows[i];
    return NULL;
}

/* The row of `with` as the columns, which have it already, count it; NULL: they are not kept, or
 * nobody can read them. */
static const struct count_row *count_merged(struct replace *replace, enum dimension dimension)
{
    const struct site site = {.id = replace->parts[0].site};
    struct counts *counts = counts_new(&replace->scratch, dimension, STR(""));
    struct facts *facts = NULL;

    if (facts_unpack(&site, replace->parts[0].day, replace->parts, replace->parts_count,
                     &replace->scratch, &facts, NULL) != 0)
        return NULL;
    facts_count(facts, NULL, 0, SIZE_MAX, counts);
    return find_row(counts, replace->with);
}

/* Of two rows that become one: all but these may count something twice. A rollup may not know
 * events. */
static bool same_sums(const struct count_row *a, const struct count_row *b, bool events)
{
    return a->pageviews == b->pageviews && a->conversions == b->conversions &&
           a->engaged_ms == b->engaged_ms && (!events || a->events == b->events);
}

static struct count_row merge_rows(struct replace *replace, const struct counts *before,
                                   const struct count_row *gone, const struct count_row *there)
{
    struct count_row merged = *gone;

    merged.value = replace->with;
    if (there == NULL)
        return merged;
    count_row_add(&merged, *there);
    const struct count_row *counted = count_merged(replace, before->dimension);
    bool events = counts_know_events(before);

    return counted != NULL && same_sums(counted, &merged, events) ? *counted : merged;
}

static int replace_row(struct replace *replace, enum dimension dimension, struct str *bytes,
                       struct err *err)
{
    struct counts *before = counts_new(&replace->scratch, dimension, STR(""));
    struct counts *after = counts_new(&replace->scratch, dimension, STR(""));
    int rc = counts_load(before, *bytes, err);

    if (rc != 0)
        return rc;
    struct count_row other;
    size_t count;
    const struct count_row *rows = counts_rows(before, &count, &other);
    const struct count_row *gone = find_row(before, replace->value);

    if (gone == NULL)
        return 0;
    const struct count_row *there = find_row(before, replace->with);
    struct count_row merged = merge_rows(replace, before, gone, there);

    after->events = before->events;
    for (size_t i = 0; i < count; i++)
        if (&rows[i] != gone && &rows[i] != there)
            counts_add(after, &rows[i]);
    other.value = VALUE_OTHER;
    counts_add(after, &other);
    counts_add(after, &merged);
    *bytes = counts_save(after, SIZE_MAX, replace->arena);
    return 1;
}

/* One for each name. */
static int remove_rollup(struct replace *replace, enum dimension dimension, struct str *bytes,
                         struct err *err)
{
    struct reader reader = reader_of(*bytes);
    struct buf out = {0};
    bool found = false;

    (void)dimension;
    while (reader.at < reader.end) {
        struct str name = read_text(&reader), rollup = read_text(&reader);

        found = found || (!reader.bad && str_eq(name, replace->value));
        if (str_eq(name, replace->value))
            continue;
        put_text(&out, name);
        put_text(&out, rollup);
    }
    *bytes = replace_keep(replace, &out);
    return reader.bad ? replace_damaged(err) : found;
}

/* -- all of a day ------------------------------------------------------------------------------ */

#define OF_VISITS(dimension) (PACK_VISITS + 1 + VISITS_VALUE + (dimension))
#define OF_EVENTS(column) (PACK_EVENTS + 1 + (column))
#define ROLLUP(dimension) (PACK_ROLLUPS + 1 + (dimension))

static const struct place {
    enum erasure_kind kind;
    int32_t part;
    enum dimension dimension;
    replace_fn *replace;
} places[] = {
    {ERASE_PATH, OF_VISITS(DIM_ENTRY_PAGE), DIM_ENTRY_PAGE, replace_column},
    {ERASE_PATH, OF_VISITS(DIM_EXIT_PAGE), DIM_EXIT_PAGE, replace_column},
    {ERASE_PATH, OF_EVENTS(EVENTS_PAGE), DIM_PAGE, replace_column},
    {ERASE_PATH, ROLLUP(DIM_ENTRY_PAGE), DIM_ENTRY_PAGE, replace_row},
    {ERASE_PATH, ROLLUP(DIM_EXIT_PAGE), DIM_EXIT_PAGE, replace_row},
    {ERASE_PATH, ROLLUP(DIM_PAGE), DIM_PAGE, replace_row},
    {ERASE_EVENT, OF_EVENTS(EVENTS_NAME), DIM_EVENT, replace_column},
    {ERASE_EVENT, ROLLUP(DIM_EVENT), DIM_EVENT, replace_row},
    {ERASE_PROP, OF_EVENTS(EVENTS_PROPS), DIM_PROP, remove_pairs},
    {ERASE_PROP, ROLLUP(DIM_PROP), DIM_PROP, remove_rollup},
};

static int replace_entry(struct replace *replace, int32_t part, struct str *bytes, struct err *err)
{
    const struct str before = *bytes;
    int rc = 0;

    for (size_t i = 0; rc == 0 && bytes->len > 0 && i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].kind == replace->kind && places[i].part == part)
            rc = places[i].replace(replace, places[i].dimension, bytes, err);
    if (rc == 0)
        *bytes = before;
    arena_reset(&replace->scratch);
    return rc;
}

static int replace_shared(struct replace *replace, struct pack_part *part, struct err *err)
{
    struct reader reader = reader_of(part->bytes);
    struct buf out = {0};
    int rc = 0;
    bool changed = false;

    while (rc >= 0 && reader.at < reader.end) {
        struct str bytes;
        int32_t number = next_entry(&reader, part->part, &bytes);

        if (!reader.bad)
            rc = replace_entry(replace, number, &bytes, err);
        changed = changed || rc > 0;
        if (rc >= 0 && !reader.bad)
            put_entry(&out, part->part, number, bytes);
    }
    if (reader.bad)
        rc = err_set(err, ERR_CORRUPT, "part %d of a pack is damaged", (int)part->part);
    if (rc >= 0 && changed)
        part->bytes = arena_str(replace->arena, buf_str(&out));
    buf_release(&out);
    return rc < 0 ? rc : changed;
}

static int replace_part(struct replace *replace, struct pack_part *part, struct err *err)
{
    if (is_shared(part->part))
        return replace_shared(replace, part, err);
    return replace_entry(replace, part->part, &part->bytes, err);
}

static int check(enum erasure_kind kind, struct str value, struct str with, struct err *err)
{
    bool prop = kind == ERASE_PROP;

    if ((!prop && kind != ERASE_PATH && kind != ERASE_EVENT) || value.len == 0 ||
        (!prop && with.len == 0))
        return err_set(err, ERR_INVALID, "no value to be replaced");
    if (kind == ERASE_EVENT && (kind_of(value) != EVENT_CUSTOM || kind_of(with) != EVENT_CUSTOM))
        return err_set(err, ERR_INVALID, "%.*s is no event's own name", STR_FMT(value));
    return 0;
}

int facts_replace(const struct pack_part *parts, size_t count, enum erasure_kind kind,
                  struct str value, struct str with, struct arena *arena,
                  struct pack_part **changed, size_t *changed_count, struct err *err)
{
    struct replace replace = {kind,  value, with, ARENA_NEW(arena, struct pack_part, count),
                              count, arena, {0}};
    int rc = check(kind, value, with, err);

    *changed = ARENA_NEW(arena, struct pack_part, count);
    *changed_count = 0;
    if (count > 0)
        memcpy(replace.parts, parts, count * sizeof(parts[0]));
    if (str_eq(value, with))
        count = 0;
    for (int rollups = 0; rc >= 0 && rollups <= 1; rollups++)
        for (size_t i = 0; rc >= 0 && i < count; i++) {
            if ((parts[i].part < PACK_VISITS) != (rollups == 1))
                continue;
            rc = replace_part(&replace, &replace.parts[i], err);
            if (rc > 0)
                (*changed)[(*changed_count)++] = replace.parts[i];
        }
    arena_free(&replace.scratch);
    return rc < 0 ? rc : 0;
}
