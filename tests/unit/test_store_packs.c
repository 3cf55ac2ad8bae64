/*
 * test_store_packs.c -- the contract of store/store.h, run against every backend: visits with their
 * entry and exit, due days, packs and goals.
 */
#include "test_postgres_support.h"

static void put_site(struct fixture *f, const char *id, const char *tenant)
{
    struct site_row row = site_named(id, tenant);

    assert_ok(f, store_put_site(f->store, &row, &somebody, &f->err));
}

/* -- visits ------------------------------------------------------------------------------------ */

/* One whose members and texts all differ; texts with `without` are empty. */
static struct visit full_visit(struct fixture *f, uint64_t visitor, size_t without)
{
    struct visit visit = visit_of(visitor, DAY_START, 3);

    visit.last_day = DAY + 1;
    visit.entry_ms = DAY_START + 11;
    visit.exit_ms = DAY_START + 22;
    for (size_t i = 0; i < VISIT_TEXTS; i++) {
        struct buf text = {0};

        buf_addf(&text, "text \"%zu\" of \u00e9", i);
        visit.texts[i] = i % 3 == without ? STR("") : arena_str(&f->arena, buf_str(&text));
        buf_release(&text);
    }
    return visit;
}

static void assert_same_visit(const struct visit *a, const struct visit *b)
{
    assert_true(str_eq(a->key.site, b->key.site));
    assert_int_equal(a->key.day, b->key.day);
    assert_true(a->key.visitor == b->key.visitor && a->key.begin_ms == b->key.begin_ms);
    assert_true(a->before == b->before);
    assert_int_equal(a->before_day, b->before_day);
    assert_int_equal(a->end_ms, b->end_ms);
    assert_int_equal(a->first_ms, b->first_ms);
    assert_int_equal(a->first_day, b->first_day);
    assert_int_equal(a->first_hour_ms, b->first_hour_ms);
    assert_int_equal(a->last_day, b->last_day);
    assert_int_equal(a->pageviews, b->pageviews);
    assert_int_equal(a->others, b->others);
    assert_int_equal(a->entry_ms, b->entry_ms);
    assert_int_equal(a->exit_ms, b->exit_ms);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        if (!str_eq(a->texts[i], b->texts[i]))
            fail_msg("%s: \"%.*s\" is not \"%.*s\"", visit_text_names[i], STR_FMT(a->texts[i]),
                     STR_FMT(b->texts[i]));
}

static void a_visit_keeps_its_entry_and_exit(void **state)
{
    struct fixture *f = *state;
    const struct visit rows[] = {full_visit(f, 1, 3), full_visit(f, 2, 0), full_visit(f, 3, 1),
                                 visit_of(4, DAY_START, 1)};
    struct visit *out;

    commit(f, &(struct store_batch){.visits = rows, .visits_count = 4});
    for (uint64_t visitor = 1; visitor <= 4; visitor++) {
        assert_int_equal(load_visits(f, visitor, &out), 1);
        assert_same_visit(out, &rows[visitor - 1]);
    }
}

static void a_visit_that_goes_on_takes_the_place_of_what_it_was(void **state)
{
    struct fixture *f = *state;
    const struct visit before = full_visit(f, 1, 0), after = full_visit(f, 1, 2);
    struct visit *out;

    commit(f, &(struct store_batch){.visits = &before, .visits_count = 1});
    commit(f, &(struct store_batch){.visits = &after, .visits_count = 1});
    assert_int_equal(load_visits(f, 1, &out), 1);
    assert_same_visit(out, &after);
}

struct seen_visits {
    size_t count;
    struct visit rows[8];
    struct arena *arena;
    int stop_with;
};

static int see_visit(void *ctx, const struct visit *visit)
{
    struct seen_visits *seen = ctx;
    struct visit *row = &seen->rows[seen->count++];

    assert_true(seen->count <= 8);
    *row = *visit;
    row->key.site = arena_str(seen->arena, row->key.site);
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        row->texts[i] = arena_str(seen->arena, row->texts[i]);
    return seen->stop_with;
}

static struct seen_visits visits_of(struct fixture *f, const char *tenant, const char *site,
                                    int32_t day)
{
    struct seen_visits seen = {.arena = &f->arena};

    assert_ok(f, store_each_visit(f->store, str_from(tenant), str_from(site), day, see_visit, &seen,
                                  &f->err));
    return seen;
}

/* Under DAY: a link and two runs of a visitor whose id is negative as a signed number, and one run
 * of another; beside it a day before and a site. */
static void put_visits_of_a_day(struct fixture *f, struct visit rows[6])
{
    const uint64_t big = UINT64_MAX - 1;

    rows[0] = (struct visit){
        .key = {STR("abc"), DAY, big, INT64_MIN}, .before = UINT64_MAX, .before_day = DAY - 1};
    rows[1] = full_visit(f, big, 1);
    rows[2] = full_visit(f, big, 2);
    rows[2].key.begin_ms += HOUR_MS;
    rows[3] = full_visit(f, 5, 0);
    rows[4] = full_visit(f, 5, 0);
    rows[4].key.day--;
    rows[5] = full_visit(f, 5, 0);
    rows[5].key.site = STR("xyz");
    const struct visit shuffled[] = {rows[3], rows[5], rows[2], rows[0], rows[4], rows[1]};

    commit(f, &(struct store_batch){.visits = shuffled, .visits_count = 6});
}

static void a_days_visits_come_by_visitor_and_beginning(void **state)
{
    struct fixture *f = *state;
    struct visit rows[6];

    put_site(f, "abc", "t5g");
    put_visits_of_a_day(f, rows);
    struct seen_visits seen = visits_of(f, "t5g", "abc", DAY);

    assert_int_equal(seen.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_same_visit(&seen.rows[i], &rows[i]);
    seen = visits_of(f, "t5g", "abc", DAY - 1);
    assert_int_equal(seen.count, 1);
    assert_same_visit(&seen.rows[0], &rows[4]);
    assert_int_equal(visits_of(f, "t5g", "abc", DAY + 1).count, 0);
}

static void reading_visits_ends_when_the_reader_says_so(void **state)
{
    struct fixture *f = *state;
    struct seen_visits seen = {.arena = &f->arena, .stop_with = 42};
    struct visit rows[6];

    put_site(f, "abc", "t5g");
    put_visits_of_a_day(f, rows);
    assert_int_equal(
        store_each_visit(f->store, STR("t5g"), STR("abc"), DAY, see_visit, &seen, &f->err), 42);
    assert_int_equal(seen.count, 1);
}

static void a_reader_loads_visits_from_its_snapshot(void **state)
{
    struct fixture *f = *state;
    struct visit before = full_visit(f, 7, 0), after = full_visit(f, 7, 1), *out;
    struct store *writer = f->store;

    put_site(f, "abc", "t5g");
    commit(f, &(struct store_batch){.visits = &before, .visits_count = 1});
    f->store = open_again(f, true);
    assert_ok(f, store_read_begin(f->store, &f->err));
    assert_int_equal(load_visits(f, 7, &out), 1);
    assert_ok(f, store_commit(writer, &(struct store_batch){.visits = &after, .visits_count = 1},
                              &f->err));
    assert_int_equal(load_visits(f, 7, &out), 1);
    assert_same_visit(out, &before);
    assert_int_equal(visits_of(f, "t5g", "abc", DAY).count, 1);
    assert_int_equal(load_visits(f, 7, &out), 1);
    assert_same_visit(out, &before);
    store_read_end(f->store);
    assert_int_equal(load_visits(f, 7, &out), 1);
    assert_same_visit(out, &after);
    store_close(&f->store);
    f->store = writer;
}

/* -- due days ---------------------------------------------------------------------------------- */

/* "site:day" of each, relative to DAY, with a space behind. */
static const char *due_text(struct fixture *f, uint32_t partitions, int32_t before, char out[256])
{
    struct site_day *days;
    size_t count, len = 0;

    assert_ok(f, store_load_due(f->store, partitions, before, &f->arena, &days, &count, &f->err));
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, 256 - len, "%.*s:%d ", STR_FMT(days[i].site),
                                days[i].day - DAY);
    return out;
}

static const char *due_of_site(struct fixture *f, const char *tenant, const char *site,
                               int32_t from, int32_t to, char out[256])
{
    int32_t *days;
    size_t count, len = 0;

    assert_ok(f, store_due_days(f->store, str_from(tenant), str_from(site), from, to, &f->arena,
                                &days, &count, &f->err));
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, 256 - len, "%d ", days[i] - DAY);
    return out;
}

static void due_days_are_there_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    const struct site_day due[] = {{STR("xyz"), DAY},     {STR("abc"), DAY + 2},
                                   {STR("abc"), DAY - 3}, {STR("abc"), DAY + 2},
                                   {STR("abc"), DAY},     {STR("Abc"), DAY + 1}};
    char text[256];

    commit(f, &(struct store_batch){.due = due, .due_count = 6});
    commit(f, &(struct store_batch){.due = due, .due_count = 3});
    assert_string_equal(due_text(f, PARTITIONS_ALL, INT32_MAX, text),
                        "Abc:1 abc:-3 abc:0 abc:2 xyz:0 ");
    assert_string_equal(due_text(f, PARTITIONS_ALL, DAY + 1, text), "abc:-3 abc:0 xyz:0 ");
    assert_string_equal(due_text(f, PARTITIONS_ALL, DAY, text), "abc:-3 ");
    assert_string_equal(due_text(f, PARTITIONS_ALL, DAY - 3, text), "");
}

static void due_days_are_those_of_the_partitions_that_were_asked_for(void **state)
{
    struct fixture *f = *state;
    const struct site_day due[] = {{STR("abc"), DAY}, {STR("xyz"), DAY}};
    uint32_t abc = UINT32_C(1) << site_partition(STR("abc"));
    uint32_t xyz = UINT32_C(1) << site_partition(STR("xyz"));
    char text[256];

    assert_int_not_equal(abc, xyz);
    commit(f, &(struct store_batch){.due = due, .due_count = 2});
    assert_string_equal(due_text(f, abc, INT32_MAX, text), "abc:0 ");
    assert_string_equal(due_text(f, xyz, INT32_MAX, text), "xyz:0 ");
    assert_string_equal(due_text(f, abc | xyz, INT32_MAX, text), "abc:0 xyz:0 ");
    assert_string_equal(due_text(f, PARTITIONS_ALL & ~abc, INT32_MAX, text), "xyz:0 ");
    assert_string_equal(due_text(f, 0, INT32_MAX, text), "");
}

static void a_sites_due_days_come_within_the_range(void **state)
{
    struct fixture *f = *state;
    const struct site_day due[] = {
        {STR("abc"), DAY + 2}, {STR("abc"), DAY - 3}, {STR("abc"), DAY}, {STR("xyz"), DAY + 1}};
    char text[256];

    put_site(f, "abc", "t5g");
    put_site(f, "xyz", "t5g");
    commit(f, &(struct store_batch){.due = due, .due_count = 4});
    assert_string_equal(due_of_site(f, "t5g", "abc", INT32_MIN, INT32_MAX, text), "-3 0 2 ");
    assert_string_equal(due_of_site(f, "t5g", "abc", DAY - 3, DAY + 2, text), "-3 0 2 ");
    assert_string_equal(due_of_site(f, "t5g", "abc", DAY - 2, DAY + 1, text), "0 ");
    assert_string_equal(due_of_site(f, "t5g", "abc", DAY + 1, DAY, text), "");
    assert_string_equal(due_of_site(f, "t5g", "xyz", DAY, DAY + 1, text), "1 ");
}

/* -- packs ------------------------------------------------------------------------------------- */

static int see_part(void *ctx, const struct pack_part *part)
{
    struct buf *seen = ctx;

    buf_addf(seen, "%.*s:%d/%d=", STR_FMT(part->site), part->day - DAY, part->part);
    buf_add(seen, part->bytes);
    buf_addc(seen, ' ');
    return 0;
}

/* "site:day/part=bytes" of each, with a space behind. */
static void assert_parts_of(struct fixture *f, const char *tenant, const char *site, int32_t from,
                            int32_t to, const int32_t *parts, size_t count, struct str expected)
{
    struct buf seen = {0};

    assert_ok(f, store_each_pack(f->store, str_from(tenant), str_from(site), from, to, parts, count,
                                 see_part, &seen, &f->err));
    if (!str_eq(buf_str(&seen), expected))
        fail_msg("\"%.*s\" is not \"%.*s\"", STR_FMT(buf_str(&seen)), STR_FMT(expected));
    buf_release(&seen);
}

static const int32_t some_parts[] = {0, 1, 99, 100, 199, 200, 201};
enum { SOME_PARTS = sizeof(some_parts) / sizeof(some_parts[0]) };

static void assert_parts(struct fixture *f, const char *site, const char *expected)
{
    assert_parts_of(f, "t5g", site, INT32_MIN, INT32_MAX, some_parts, SOME_PARTS,
                    str_from(expected));
}

static void put_parts(struct fixture *f, const struct pack_part *parts, size_t count)
{
    commit(f, &(struct store_batch){.packs = parts, .packs_count = count});
}

/* Two days of abc and one of xyz. */
static void put_three_packs(struct fixture *f)
{
    const struct pack_part parts[] = {
        {STR("abc"), DAY + 1, 0, STR("d")},   {STR("abc"), DAY, 200, STR("c")},
        {STR("abc"), DAY, 0, STR("a")},       {STR("xyz"), DAY, 0, STR("x")},
        {STR("abc"), DAY, 100, STR("b")},     {STR("abc"), DAY + 1, 201, STR("f")},
        {STR("abc"), DAY + 1, 100, STR("e")},
    };

    put_site(f, "abc", "t5g");
    put_site(f, "xyz", "t5g");
    put_parts(f, parts, 7);
}

static void parts_come_by_day_then_part_within_the_range(void **state)
{
    struct fixture *f = *state;

    put_three_packs(f);
    assert_parts(f, "abc", "abc:0/0=a abc:0/100=b abc:0/200=c abc:1/0=d abc:1/100=e abc:1/201=f ");
    assert_parts(f, "xyz", "xyz:0/0=x ");
    assert_parts_of(f, "t5g", "abc", DAY, DAY, some_parts, SOME_PARTS,
                    STR("abc:0/0=a abc:0/100=b abc:0/200=c "));
    assert_parts_of(f, "t5g", "abc", DAY + 1, DAY + 7, some_parts, SOME_PARTS,
                    STR("abc:1/0=d abc:1/100=e abc:1/201=f "));
    assert_parts_of(f, "t5g", "abc", DAY + 1, DAY, some_parts, SOME_PARTS, STR(""));
    assert_parts_of(f, "t5g", "abc", DAY - 7, DAY - 1, some_parts, SOME_PARTS, STR(""));
}

static void only_the_parts_that_are_named_come(void **state)
{
    struct fixture *f = *state;
    int32_t many[96];

    put_three_packs(f);
    for (int32_t i = 0; i < 96; i++)
        many[i] = 5 + i; /* 5 to 100 */
    assert_parts_of(f, "t5g", "abc", DAY, DAY + 1, (const int32_t[]){0}, 1,
                    STR("abc:0/0=a abc:1/0=d "));
    assert_parts_of(f, "t5g", "abc", DAY, DAY + 1, (const int32_t[]){100, 201}, 2,
                    STR("abc:0/100=b abc:1/100=e abc:1/201=f "));
    assert_parts_of(f, "t5g", "abc", DAY, DAY + 1, many, 96, STR("abc:0/100=b abc:1/100=e "));
    assert_parts_of(f, "t5g", "abc", DAY, DAY + 1, many, 95, STR(""));
    assert_parts_of(f, "t5g", "abc", DAY, DAY + 1, NULL, 0, STR(""));
}

static void bytes_are_any(void **state)
{
    struct fixture *f = *state;
    struct pack_part parts[] = {{STR("abc"), DAY, 0, STR("\0\xff\0")},
                                {STR("abc"), DAY, 1, STR("")}};

    put_site(f, "abc", "t5g");
    put_parts(f, parts, 2);
    assert_parts_of(f, "t5g", "abc", DAY, DAY, some_parts, 2, STR("abc:0/0=\0\xff\0 abc:0/1= "));
    parts[0].bytes = STR("another");
    put_parts(f, parts, 1);
    assert_parts(f, "abc", "abc:0/0=another abc:0/1= ");
}

static int measure_part(void *ctx, const struct pack_part *part)
{
    *(size_t *)ctx += part->bytes.len;
    return part->bytes.ptr[part->bytes.len - 1] == 'x' ? 0 : ERR_CORRUPT;
}

static void a_part_has_31_megabytes_at_most(void **state)
{
    struct fixture *f = *state;
    struct buf bytes = {0};
    size_t len = 0;

    memset(buf_reserve(&bytes, PACK_PART_BYTES_MAX + 1), 'x', PACK_PART_BYTES_MAX + 1);
    struct pack_part part = {STR("abc"), DAY, 0, {bytes.ptr, PACK_PART_BYTES_MAX + 1}};
    const struct store_batch batch = {.packs = &part, .packs_count = 1};

    put_site(f, "abc", "t5g");
    assert_int_equal(store_commit(f->store, &batch, &f->err), ERR_INVALID);
    assert_parts(f, "abc", "");
    part.bytes.len--;
    commit(f, &batch);
    assert_ok(f, store_each_pack(f->store, STR("t5g"), STR("abc"), DAY, DAY, some_parts, 1,
                                 measure_part, &len, &f->err));
    assert_int_equal(len, 31 * 1024 * 1024);
    buf_release(&bytes);
}

static int stop_at_once(void *ctx, const struct pack_part *part)
{
    (void)part;
    ++*(int *)ctx;
    return 42;
}

static void reading_parts_ends_when_the_reader_says_so(void **state)
{
    struct fixture *f = *state;
    int calls = 0;

    put_three_packs(f);
    assert_int_equal(store_each_pack(f->store, STR("t5g"), STR("abc"), DAY, DAY + 1, some_parts,
                                     SOME_PARTS, stop_at_once, &calls, &f->err),
                     42);
    assert_int_equal(calls, 1);
}

/* -- a batch ----------------------------------------------------------------------------------- */

static void a_day_that_is_packed_loses_its_old_parts_and_is_due_no_more(void **state)
{
    struct fixture *f = *state;
    const struct site_day due[] = {{STR("abc"), DAY}, {STR("abc"), DAY + 1}, {STR("xyz"), DAY}};
    const struct pack_part fresh[] = {{STR("abc"), DAY, 0, STR("new")},
                                      {STR("abc"), DAY, 1, STR("more")}};
    char text[256];

    put_three_packs(f);
    commit(f, &(struct store_batch){.due = due, .due_count = 3});
    assert_parts(f, "abc", "abc:0/0=a abc:0/100=b abc:0/200=c abc:1/0=d abc:1/100=e abc:1/201=f ");
    commit(f, &(struct store_batch){
                  .packed = due, .packed_count = 1, .packs = fresh, .packs_count = 2});
    assert_parts(f, "abc", "abc:0/0=new abc:0/1=more abc:1/0=d abc:1/100=e abc:1/201=f ");
    assert_parts(f, "xyz", "xyz:0/0=x ");
    assert_string_equal(due_text(f, PARTITIONS_ALL, INT32_MAX, text), "abc:1 xyz:0 ");
}

static void a_day_that_is_due_and_packed_in_one_batch_is_packed(void **state)
{
    struct fixture *f = *state;
    const struct site_day days[] = {{STR("abc"), DAY}, {STR("abc"), DAY + 1}};
    char text[256];

    commit(f,
           &(struct store_batch){.due = days, .due_count = 2, .packed = days, .packed_count = 1});
    assert_string_equal(due_text(f, PARTITIONS_ALL, INT32_MAX, text), "abc:1 ");
}

static void a_batch_that_fails_leaves_days_and_packs_as_they_were(void **state)
{
    struct fixture *f = *state;
    const struct site_day due = {STR("abc"), DAY}, other = {STR("abc"), DAY + 1};
    const struct pack_part part = {STR("abc"), DAY, 0, STR("new")};
    const struct goals_row goals = {STR("abc"), 1};
    const struct position_move elsewhere = move_to(1, 7, 8);
    struct goals_row *rows;
    size_t count;
    char text[256];

    put_three_packs(f);
    commit(f, &(struct store_batch){.due = &due, .due_count = 1});
    assert_int_equal(store_commit(f->store,
                                  &(struct store_batch){.due = &other,
                                                        .due_count = 1,
                                                        .packed = &due,
                                                        .packed_count = 1,
                                                        .packs = &part,
                                                        .packs_count = 1,
                                                        .goals = &goals,
                                                        .goals_count = 1,
                                                        .positions = &elsewhere,
                                                        .positions_count = 1},
                                  &f->err),
                     ERR_CONFLICT);
    assert_string_equal(due_text(f, PARTITIONS_ALL, INT32_MAX, text), "abc:0 ");
    assert_parts(f, "abc", "abc:0/0=a abc:0/100=b abc:0/200=c abc:1/0=d abc:1/100=e abc:1/201=f ");
    assert_ok(f, store_load_goals(f->store, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 0);
}

static void rows_of_no_site_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct site_day due[] = {{STR("abc"), DAY}, {STR(""), DAY}};
    const struct pack_part parts[] = {{STR("abc"), DAY, 0, STR("a")}, {STR(""), DAY, 0, STR("b")}};
    const struct goals_row goals[] = {{STR("abc"), 1}, {STR(""), 1}};
    char text[256];

    put_site(f, "abc", "t5g");
    assert_int_equal(
        store_commit(f->store, &(struct store_batch){.due = due, .due_count = 2}, &f->err),
        ERR_INVALID);
    assert_int_equal(
        store_commit(f->store, &(struct store_batch){.packs = parts, .packs_count = 2}, &f->err),
        ERR_INVALID);
    assert_int_equal(
        store_commit(f->store, &(struct store_batch){.goals = goals, .goals_count = 2}, &f->err),
        ERR_INVALID);
    assert_string_equal(due_text(f, PARTITIONS_ALL, INT32_MAX, text), "");
    assert_parts(f, "abc", "");
}

/* -- whose they are ---------------------------------------------------------------------------- */

static void assert_found(struct fixture *f, const char *tenant, bool found)
{
    char text[256];

    assert_int_equal(visits_of(f, tenant, "abc", DAY).count, found ? 4 : 0);
    assert_string_equal(due_of_site(f, tenant, "abc", DAY, DAY, text), found ? "0 " : "");
    assert_parts_of(f, tenant, "abc", DAY, DAY, some_parts, 1, found ? STR("abc:0/0=a ") : STR(""));
}

static void what_is_anothers_or_a_removed_sites_is_not_found(void **state)
{
    struct fixture *f = *state;
    const struct site_day due = {STR("abc"), DAY};
    struct visit rows[6];

    put_visits_of_a_day(f, rows);
    put_three_packs(f);
    put_site(f, "other", "else");
    commit(f, &(struct store_batch){.due = &due, .due_count = 1});
    assert_found(f, "t5g", true);
    assert_found(f, "else", false);
    assert_found(f, "", false);
    assert_found(f, "abc", false);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    assert_found(f, "t5g", false);
    put_site(f, "abc", "t5g");
    assert_found(f, "t5g", true);
}

/* -- goals ------------------------------------------------------------------------------------- */

static void goals_are_kept_by_site(void **state)
{
    struct fixture *f = *state;
    const struct goals_row first[] = {{STR("xyz"), UINT64_MAX}, {STR("abc"), 5}};
    const struct goals_row second = {STR("xyz"), UINT64_C(1) << 63};
    struct goals_row *rows;
    size_t count;

    assert_ok(f, store_load_goals(f->store, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 0);
    commit(f, &(struct store_batch){.goals = first, .goals_count = 2});
    commit(f, &(struct store_batch){.goals = &second, .goals_count = 1});
    assert_ok(f, store_load_goals(f->store, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 2);
    size_t xyz = str_eq(rows[0].site, STR("xyz")) ? 0 : 1;

    assert_str(rows[xyz].site, "xyz");
    assert_true(rows[xyz].hash == UINT64_C(1) << 63);
    assert_str(rows[1 - xyz].site, "abc");
    assert_true(rows[1 - xyz].hash == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(a_visit_keeps_its_entry_and_exit),
        ON_ALL(a_visit_that_goes_on_takes_the_place_of_what_it_was),
        ON_ALL(a_days_visits_come_by_visitor_and_beginning),
        ON_ALL(reading_visits_ends_when_the_reader_says_so),
        ON("sqlite", a_reader_loads_visits_from_its_snapshot),
        ON_POSTGRES(a_reader_loads_visits_from_its_snapshot),
        ON_ALL(due_days_are_there_once_and_in_order),
        ON_ALL(due_days_are_those_of_the_partitions_that_were_asked_for),
        ON_ALL(a_sites_due_days_come_within_the_range),
        ON_ALL(parts_come_by_day_then_part_within_the_range),
        ON_ALL(only_the_parts_that_are_named_come),
        ON_ALL(bytes_are_any),
        ON_ALL(a_part_has_31_megabytes_at_most),
        ON_ALL(reading_parts_ends_when_the_reader_says_so),
        ON_ALL(a_day_that_is_packed_loses_its_old_parts_and_is_due_no_more),
        ON_ALL(a_day_that_is_due_and_packed_in_one_batch_is_packed),
        ON_ALL(a_batch_that_fails_leaves_days_and_packs_as_they_were),
        ON_ALL(rows_of_no_site_are_refused),
        ON_ALL(what_is_anothers_or_a_removed_sites_is_not_found),
        ON_ALL(goals_are_kept_by_site),
    };

    return run_with_postgres("store_packs", tests, sizeof(tests) / sizeof(tests[0]));
}
