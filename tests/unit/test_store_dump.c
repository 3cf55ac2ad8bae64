/*
 * test_store_dump.c -- the contract of store_dump(), store_load() and store_sums(): what is dumped
 * from a store of any backend and loaded into one of any backend is the same store.
 */
#include "test_postgres_support.h"

enum { TABLES_MAX = 32 };

/* -- stores ------------------------------------------------------------------------------------ */

struct place {
    void *fixture;
    bool on_postgres;
};

struct pair {
    struct place from_place, to_place;
    struct fixture *from, *to;
};

static struct place place_new(bool on_postgres)
{
    struct place place = {(void *)(uintptr_t) "sqlite", on_postgres};

    assert_int_equal(on_postgres ? set_up_postgres(&place.fixture) : set_up_store(&place.fixture),
                     0);
    return place;
}

static void place_free(struct place *place)
{
    if (place->on_postgres)
        (void)tear_down_postgres(&place->fixture);
    else
        (void)tear_down_store(&place->fixture);
}

static int set_up(void **state)
{
    const char *backends = *state;
    bool needs_server = strstr(backends, "postgres") != NULL;
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    *state = pair;
    if (needs_server && postgres_server() == NULL)
        return 0;
    pair->from_place = place_new(str_starts(str_from(backends), STR("postgres")));
    pair->to_place = place_new(strstr(backends, " to postgres") != NULL);
    pair->from = pair->from_place.fixture;
    pair->to = pair->to_place.fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    if (pair->from != NULL) {
        place_free(&pair->from_place);
        place_free(&pair->to_place);
    }
    free(pair);
    return 0;
}

static struct pair *pair_of(void **state)
{
    struct pair *pair = *state;

    if (pair->from == NULL)
        skip();
    return pair;
}

struct any_row {
    enum row_kind kind;
    const void *row;
};

/* -- what is copied ---------------------------------------------------------------------------- */

/* Names and texts that need escapes, and visitors whose ids are no doubles. */
#define ODD_JSON "/a\\\"b\\\\c\\n\u00e9\U0001F600"
static const char odd[] = "/a\"b\\c\n\u00e9\U0001F600";
static const uint64_t visitors[] = {UINT64_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 53) + 1};
enum { LATER = DAY + 3 };
#define SUM_MOST INT64_C(9007199254740991) /* where sums stop */

static void put_directory(struct fixture *f)
{
    struct tenant_row tenant = tenant_named("t5g", "F\u00fcnf \"&\" \\ Co");
    struct site_row abc = site_named("abc", "t5g"), old = site_named("old", "t5g");
    struct token_row token = {.id = STR("tok"),
                              .tenant = STR("t5g"),
                              .site = STR("abc"),
                              .scopes = SCOPE_STATS_READ | SCOPE_EVENTS_WRITE,
                              .created_ms = 1001,
                              .expires_ms = INT64_C(1) << 42};
    struct token_row platform = {
        .id = STR("ops"), .platform = true, .scopes = SCOPE_METRICS, .created_ms = 1002};

    tenant.events_per_month = 1000000000000;
    tenant.sites_max = 3;
    tenant.reads_per_minute = 0;
    tenant.embed_origins = STR("[\"https://app.example.com\"]");
    tenant.settings = STR("{\"respectDnt\":true}");
    token.name = STR("a \"name\"");
    abc.public_dashboard = true;
    abc.public_metrics = STR("[\"leads\"]");
    abc.events_per_month = 77;
    abc.pinned = STR("[\"enabled\"]");
    abc.erase_ms = INT64_C(1) << 42;
    abc.enabled = false;
    abc.tracking_ids = STR("[\"pub1\",\"pub2\"]");
    abc.blocked_paths = STR("[\"/a b\",\"\"]");
    abc.blocked_countries = STR("[\"KP\"]");
    abc.goals = STR("[{\"name\":\"Bought\",\"event\":\"bought\",\"value\":9.5}]");
    abc.path_rules = STR("[{\"to\":\"/u/:id\",\"match\":\"/u/*\"}]");
    abc.store_ip_prefix = true;
    abc.disabled_fields = STR("[\"title\"]");
    abc.raw_days = 0;
    abc.stats_days = 77;
    memset(token.hash, 0xa5, sizeof(token.hash));
    assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
    assert_ok(f, store_put_site(f->store, &abc, &somebody, &f->err));
    assert_ok(f, store_put_site(f->store, &old, &somebody, &f->err));
    assert_ok(f, store_put_token(f->store, &token, &somebody, &f->err));
    assert_ok(f, store_put_token(f->store, &platform, &somebody, &f->err));
}

static int put_wanted(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct any_row *wanted = ctx;

    (void)exists;
    (void)arena;
    (void)err;
    memcpy(row, wanted->row, row_size(wanted->kind));
    return EDIT_PUT;
}

static void put_row(struct fixture *f, enum row_kind kind, const void *row)
{
    struct any_row wanted = {kind, row};

    if (store_edit(f->store, kind, *(const struct str *)row, put_wanted, &wanted, &somebody,
                   &f->err) != 1)
        fail_msg("%s", f->err.text);
}

static void put_people(struct fixture *f)
{
    struct user_row user = {.id = STR("a@b.example"),
                            .name = STR("A"),
                            .password = STR("$argon2id$x"),
                            .totp = STR("ABC"),
                            .totp_step = 5,
                            .admin = true,
                            .memberships = STR("[{\"role\":\"viewer\",\"tenantId\":\"t5g\"}]"),
                            .payload_id = STR("7"),
                            .signed_in_ms = 8};
    struct user_row other = {.id = STR("c@d.example")};
    struct session_row session = {
        .id = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        .user = STR("a@b.example"),
        .expires_ms = INT64_MAX};
    struct link_row link = {.id = STR("l1"),
                            .tenant = STR("t5g"),
                            .site = STR("abc"),
                            .name = STR("L"),
                            .password = STR("$argon2id$y"),
                            .expires_ms = 9};
    struct erasure_row site = {.id = STR("e1"),
                               .tenant = STR("t5g"),
                               .site = STR("abc"),
                               .kind = ERASE_PATH,
                               .value = str_from(odd),
                               .actor = STR("cli"),
                               .asked_ms = 1,
                               .due_ms = 2};
    struct erasure_row tenant = {.id = STR("e2"),
                                 .tenant = STR("t5g"),
                                 .kind = ERASE_TENANT,
                                 .actor = STR("cli"),
                                 .done_ms = 3,
                                 .rows = STR("{\"visits\":4}"),
                                 .nodes = STR("{\"n1\":5}")};
    struct installation_row installation = {STR("installation"), STR("{\"timezone\":\"UTC\"}")};
    struct annotation_row annotation = {STR("abc/2024-10-04"), STR("t5g"), STR("abc"),
                                        STR("\xc3\xbc \"x\"")};

    put_row(f, ROW_USER, &user);
    put_row(f, ROW_USER, &other);
    put_row(f, ROW_SESSION, &session);
    put_row(f, ROW_LINK, &link);
    put_row(f, ROW_ERASURE, &site);
    put_row(f, ROW_ERASURE, &tenant);
    put_row(f, ROW_INSTALLATION, &installation);
    put_row(f, ROW_ANNOTATION, &annotation);
}

static void lease(struct fixture *f)
{
    uint32_t got = 0;

    assert_ok(f, store_lease(f->store, PARTITIONS_ALL, true, true, &got, &f->err));
    assert_int_equal(got, PARTITIONS_ALL);
}

static void count_events(struct fixture *f)
{
    struct event events[3] = {pageview("abc", DAY_START + 1, odd),
                              pageview("abc", DAY_START + 2, ""),
                              pageview("old", LATER * DAY_MS - 1, "/")};

    events[0].visitor = visitors[0];
    events[0].prefix = STR("192.0.2.0/24");
    events[0].props = STR("{\"a\":1.50,\"b\":[\"x y\",null]}");
    events[1].kind = EVENT_CUSTOM;
    events[1].name = STR("sign.up");
    events[1].count = INT64_C(1) << 40;
    events[2].visitor = visitors[1];
    events[2].scroll = 55;
    commit(f, &(struct store_batch){.events = pointers(f, events, 3), .events_count = 3});
}

static void count_numbers(struct fixture *f)
{
    struct stats_row days[] = {
        {STR("abc"), STR("t5g"), DAY, 0, {.pageviews = SUM_MOST, .visits = 2, .estimated = 1}},
        {STR("old"), STR("t5g"), LATER, 0, {.pageviews = 1, .visits = 1}}};
    struct stats_row hour = {STR("abc"), STR("t5g"), DAY, DAY_START, {.pageviews = 4}};
    struct sketch sketch = {{STR("abc"), SKETCH_HOUR_VISITORS, DAY, DAY_START}, {"\0\xff\x10", 3}};
    struct event_key key = {STR("abc"), {0xde, 0xad}, 1234};
    struct ledger_row ledger[] = {
        {STR("abc"), STR("t5g"), DAY, LEDGER_STORED, STR(""), 3, 2},
        {STR("abc"), STR("t5g"), DAY, LEDGER_DROPPED, STR("bot"), 5, 1},
        {STR("old"), STR("t5g"), LATER, LEDGER_REJECTED, STR("rate"), 1, 1}};
    struct position_move moves[] = {move_to(1, 0, 1), {{{{2}}, 15, 0}, visitors[2]}};

    commit(f, &(struct store_batch){.days = days,
                                    .days_count = 2,
                                    .hours = &hour,
                                    .hours_count = 1,
                                    .sketches = &sketch,
                                    .sketches_count = 1,
                                    .keys = &key,
                                    .keys_count = 1,
                                    .ledger = ledger,
                                    .ledger_count = 3,
                                    .positions = moves,
                                    .positions_count = 2});
}

static void count_visits(struct fixture *f)
{
    struct visit visits[] = {visit_of(visitors[0], DAY_START + 1, 3),
                             visit_of(visitors[2], INT64_MIN, 0),
                             visit_of(visitors[1], DAY_START, 1)};

    visits[1].before = visitors[1];
    visits[1].before_day = DAY - 1;
    visits[1].first_ms = INT64_MAX;
    visits[2].key.day = visits[2].first_day = DAY - 9;
    visits[2].last_day = DAY;
    visits[2].entry_ms = DAY_START + 3;
    visits[2].exit_ms = DAY_START + 4;
    for (size_t i = 0; i < VISIT_TEXTS; i++)
        visits[2].texts[i] = str_from(visit_text_names[i]);
    visits[2].texts[VISIT_ENTRY_PATH] = str_from(odd);
    visits[2].texts[VISIT_SCREEN] = STR("");
    commit(f, &(struct store_batch){.visits = visits, .visits_count = 3});
}

/* Every day with rows is due or has a pack. */
static void pack_days(struct fixture *f)
{
    const struct site_day due[] = {{STR("abc"), DAY}, {STR("abc"), DAY - 9}};
    const struct pack_part parts[] = {{STR("old"), DAY, 0, STR("\0\xff")},
                                      {STR("old"), DAY, 201, STR("")},
                                      {STR("old"), DAY - 99, 100, STR("closed")}};
    const struct goals_row goals = {STR("abc"), UINT64_MAX};

    commit(f, &(struct store_batch){.due = due,
                                    .due_count = 2,
                                    .packs = parts,
                                    .packs_count = 3,
                                    .goals = &goals,
                                    .goals_count = 1});
}

static void fill(struct fixture *f)
{
    put_directory(f);
    put_people(f);
    lease(f);
    count_events(f);
    count_numbers(f);
    count_visits(f);
    pack_days(f);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, DAY_START + 5, DAY_START + 6, &f->err));
    store_unlease(f->store);
    assert_ok(f, store_remove_site(f->store, STR("old"), &somebody, &f->err));
}

/* -- dumping and loading ----------------------------------------------------------------------- */

struct dump {
    struct buf tables[TABLES_MAX]; /* "[row,row" */
    size_t rows[TABLES_MAX];
};

struct dumping {
    struct buf *out;
    size_t *rows;
};

static int keep_row(void *ctx, struct str row)
{
    struct dumping *dumping = ctx;

    buf_addc(dumping->out, (*dumping->rows)++ == 0 ? '[' : ',');
    buf_add(dumping->out, row);
    return 0;
}

static struct dump *dump_all(struct fixture *f)
{
    struct dump *dump = ARENA_NEW(&f->arena, struct dump, 1);

    assert_true(store_tables_count <= TABLES_MAX);
    assert_ok(f, store_read_begin(f->store, &f->err));
    for (size_t i = 0; i < store_tables_count; i++) {
        struct dumping dumping = {&dump->tables[i], &dump->rows[i]};

        assert_ok(f, store_dump(f->store, &store_tables[i], keep_row, &dumping, &f->err));
    }
    store_read_end(f->store);
    return dump;
}

static void dump_free(struct dump *dump)
{
    for (size_t i = 0; i < store_tables_count; i++)
        buf_release(&dump->tables[i]);
}

static size_t table_at(const char *name)
{
    size_t i = 0;

    while (!str_eq(store_tables[i].name, str_from(name)))
        i++;
    return i;
}

static int load_table(struct fixture *f, const struct dump *dump, size_t i)
{
    struct buf rows = {0};
    int rc = 0;

    buf_add(&rows, buf_str(&dump->tables[i]));
    buf_addc(&rows, ']');
    if (dump->rows[i] > 0)
        rc = store_load(f->store, &store_tables[i], buf_str(&rows), &f->err);
    buf_release(&rows);
    return rc;
}

static void load_all(struct fixture *f, const struct dump *dump, bool replace)
{
    assert_ok(f, store_load_begin(f->store, replace, &f->err));
    for (size_t i = 0; i < store_tables_count; i++)
        assert_ok(f, load_table(f, dump, i));
    assert_ok(f, store_load_end(f->store, 0, &f->err));
}

static void assert_same(const struct dump *a, const struct dump *b)
{
    for (size_t i = 0; i < store_tables_count; i++)
        if (!str_eq(buf_str(&a->tables[i]), buf_str(&b->tables[i])))
            fail_msg("%.*s: %.*s is not %.*s", STR_FMT(store_tables[i].name),
                     STR_FMT(buf_str(&a->tables[i])), STR_FMT(buf_str(&b->tables[i])));
}

static struct dump *copy_over(struct pair *pair)
{
    struct dump *dump;

    fill(pair->from);
    dump = dump_all(pair->from);
    load_all(pair->to, dump, false);
    return dump;
}

/* -- the copy is the same ---------------------------------------------------------------------- */

static void a_copy_dumps_the_same_text(void **state)
{
    struct pair *pair = pair_of(state);
    struct dump *dump = copy_over(pair), *again = dump_all(pair->to);

    for (size_t i = 0; i < store_tables_count; i++)
        if (!str_eq(store_tables[i].name, STR("copies")))
            assert_true(dump->rows[i] > 0);
    assert_same(dump, again);
    dump_free(again);
    dump_free(dump);
}

static void assert_holds(const struct dump *dump, const char *table, const char *text)
{
    struct buf all = {0};

    buf_add(&all, buf_str(&dump->tables[table_at(table)]));
    buf_addc(&all, '\0');
    if (strstr(all.ptr, text) == NULL)
        fail_msg("%s: %s is not in %s", table, text, all.ptr);
    buf_release(&all);
}

static void rows_are_written_as_the_header_says(void **state)
{
    struct pair *pair = pair_of(state);

    fill(pair->from);
    struct dump *dump = dump_all(pair->from);

    assert_holds(dump, "counters",
                 "[[\"as_of\",1728000000005],[\"daily_stats_rows\",2],[\"event_id\",");
    assert_holds(dump, "counters",
                 ",[\"folded_positions\",0],[\"folded_records\",0],[\"last_success\","
                 "1728000000006]");
    assert_holds(dump, "tenants",
                 "[[\"t5g\",\"F\u00fcnf \\\"&\\\" \\\\ "
                 "Co\",true,1000,0,1000000000000,3,0,[\"https://app.example.com\"],"
                 "{\"respectDnt\":true},0]");
    assert_holds(dump, "analytics_settings",
                 "\"abc\",\"t5g\",\"example.com\",\"UTC\",false,true,false,true,\"cut-address\",24,"
                 "48,[\"pub1\",\"pub2\"],null,null,null,[\"/a b\",\"\"],null,null,0,10000,0,null,"
                 "77,1000,[\"KP\"],null,[{\"name\":\"Bought\",\"event\":\"bought\",\"value\":9.5}],"
                 "[{\"to\":\"/u/:id\",\"match\":\"/u/"
                 "*\"}],true,[\"title\"],true,[\"leads\"],77,[\"enabled\"],"
                 "4398046511104]");
    assert_holds(dump, "removed_sites", "[[\"old\",\"t5g\"]");
    assert_holds(
        dump, "tokens",
        "[\"tok\",\"t5g\",\"abc\",false,3,\"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
        "5a5a5a5a5a5a5a5a5\",1001,4398046511104,\"a \\\"name\\\"\"]");
    assert_holds(dump, "audit_log", ",5000,\"cli\",\"site.put\",\"abc\",\"t5g\"]");
    assert_holds(dump, "audit_log", ",5000,\"cli\",\"token.put\",\"ops\",\"\"]");
    assert_holds(dump, "installation", "[[\"installation\",{\"timezone\":\"UTC\"}]");
    assert_holds(dump, "users",
                 "[[\"a@b.example\",\"A\",\"$argon2id$x\",\"ABC\",5,true,[{\"role\":\"viewer\","
                 "\"tenantId\":\"t5g\"}],\"7\",5000,8],"
                 "[\"c@d.example\",\"\",\"\",\"\",0,false,null,\"\",5000,0]");
    assert_holds(dump, "links", "[[\"l1\",\"t5g\",\"abc\",\"L\",\"$argon2id$y\",5000,9]");
    assert_holds(dump, "erasures",
                 "[[\"e1\",\"t5g\",\"abc\",2,\"" ODD_JSON "\",\"cli\",1,2,0,null,null],"
                 "[\"e2\",\"t5g\",\"\",1,\"\",\"cli\",0,0,3,{\"visits\":4},{\"n1\":5}]");
    assert_holds(dump, "annotations",
                 "[[\"abc/2024-10-04\",\"t5g\",\"abc\",\"\xc3\xbc \\\"x\\\"\"]");
    assert_holds(dump, "positions", "[\"02000000000000000000000000000000\",15,9007199254740993,");
    assert_holds(dump, "analytics_daily_stats",
                 "[[\"abc\",\"2024-10-04\",\"t5g\",9007199254740991,0,0,0,0,0,0,0,2,0,0,0,0,0,1]");
    assert_holds(dump, "hourly_stats", "[[\"abc\",1728000000000,20000,\"t5g\",4,");
    assert_holds(dump, "sketches", "[[\"abc\",20000,2,1728000000000,\"00ff10\"]");
    assert_holds(dump, "visits", "[\"abc\",20000,-1,1728000000001,0,0,1728000001001,");
    assert_holds(dump, "visits",
                 "[\"abc\",20000,9007199254740993,-9223372036854775808,-9223372036854775808,19999,"
                 "-9223372036854774808,9223372036854775807,20000,1728000000000,0,2,0,0,0,"
                 "null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
                 "null]");
    assert_holds(dump, "visits",
                 ",1,2,20000,1728000000003,1728000000004,\"source\",\"channel\",\"utm_source\","
                 "\"utm_medium\",\"utm_campaign\",\"utm_content\",\"utm_term\",\"country\","
                 "\"browser\",\"os\",\"device\",\"language\",\"" ODD_JSON
                 "\",\"exit_path\",\"referrer\",null,\"entry_name\"]");
    assert_holds(dump, "packs",
                 "[[\"old\",19901,100,\"636c6f736564\"],[\"old\",20000,0,\"00ff\"],");
    assert_holds(dump, "packs", ",[\"old\",20000,201,\"\"]");
    assert_holds(dump, "due_days", "[[\"abc\",19991],[\"abc\",20000]");
    assert_holds(dump, "goals_counted", "[[\"abc\",-1]");
    assert_holds(dump, "event_ids", "[[\"abc\",\"dead0000000000000000000000000000\",1234]");
    assert_holds(
        dump, "analytics_events",
        ",\"t5g\",\"pageview\",null,\"2024-10-04\",-1,\"" ODD_JSON
        "\",null,null,null,{\"a\":1.50,\"b\":[\"x y\",null]},1,0,0,null,\"192.0.2.0/24\"]");
    assert_holds(dump, "analytics_events", "[\"old\",1728259199999,");
    assert_holds(dump, "analytics_events", ",\"custom\",\"sign.up\",\"2024-10-04\",null,null,");
    dump_free(dump);
}

static void assert_same_days(struct fixture *a, struct fixture *b)
{
    struct seen_stats x = days_of(a, "abc", DAY, LATER), y = days_of(b, "abc", DAY, LATER);

    assert_int_equal(x.count, 1);
    assert_int_equal(y.count, 1);
    assert_memory_equal(&x.rows[0].stats, &y.rows[0].stats, sizeof(struct stats));
}

static void assert_same_events(struct fixture *a, struct fixture *b)
{
    struct event_row *x, *y;
    size_t x_count, y_count;
    const struct event_cursor start = {INT64_MIN, 0};

    assert_ok(a, store_page_events(a->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX, start,
                                   10, &a->arena, &x, &x_count, &a->err));
    assert_ok(b, store_page_events(b->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX, start,
                                   10, &b->arena, &y, &y_count, &b->err));
    assert_int_equal(x_count, 2);
    assert_int_equal(y_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(x[i].id, y[i].id);
        assert_int_equal(x[i].event.time_ms, y[i].event.time_ms);
        assert_true(x[i].event.visitor == y[i].event.visitor);
        assert_true(str_eq(x[i].event.path, y[i].event.path));
        assert_true(str_eq(x[i].event.props, y[i].event.props));
        assert_true(str_eq(x[i].event.prefix, y[i].event.prefix));
        assert_true(str_eq(x[i].event.name, y[i].event.name));
    }
    assert_true(x[0].event.visitor == UINT64_MAX);
    assert_str(y[0].event.prefix, "192.0.2.0/24");
    assert_str(y[1].event.prefix, "");
}

static void a_copy_gives_the_same_answers(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *a = pair->from, *b = pair->to;
    struct directory_rows x, y;
    struct visit *visits;

    dump_free(copy_over(pair));
    assert_same_days(a, b);
    assert_same_events(a, b);
    assert_int_equal(counter_of(b, COUNTER_AS_OF), DAY_START + 5);
    assert_int_equal(counter_of(b, COUNTER_LAST_SUCCESS), DAY_START + 6);
    assert_int_equal(counter_of(b, COUNTER_DAILY_STATS_ROWS), 2);
    assert_balance(b, 4, 1 + (int64_t)visitors[2]);
    assert_int_equal(load_visits(b, visitors[2], &visits), 1);
    assert_true(visits[0].before == visitors[1]);
    assert_int_equal(visits[0].key.begin_ms, INT64_MIN);
    assert_ok(a, store_read_directory(a->store, &a->arena, &x, &a->err));
    assert_ok(b, store_read_directory(b->store, &b->arena, &y, &b->err));
    assert_memory_equal(x.id_key, y.id_key, sizeof(x.id_key));
    assert_memory_equal(x.signing_key, y.signing_key, sizeof(x.signing_key));
    assert_int_equal(y.links_count, 1);
    assert_int_equal(y.erased_ms, 3);
    assert_int_equal(y.sites_count, 1);
    assert_str(y.sites[0].tracking_ids, "[\"pub1\",\"pub2\"]");
    assert_int_equal(y.tokens_count, 2);
}

static void sums_are_those_of_the_rows(void **state)
{
    struct pair *pair = pair_of(state);
    struct store_sums sums;

    dump_free(copy_over(pair));
    assert_ok(pair->to, store_sums(pair->to->store, &sums, &pair->to->err));
    assert_int_equal(sums.tenants, 1);
    assert_int_equal(sums.sites, 1);
    assert_int_equal(sums.events, 3);
    assert_int_equal(sums.days, 2);
    assert_int_equal(sums.pageviews, SUM_MOST + 1);
    assert_int_equal(sums.visits, 3);
    assert_int_equal(sums.counted, 9);
    assert_int_equal(sums.records, 4);
    assert_int_equal(sums.committed, 1 + (int64_t)visitors[2]);
}

/* -- life goes on ------------------------------------------------------------------------------ */

/* By this handle; what it counts is the newest of three. */
static void assert_next_id_is_new(struct fixture *f, struct store *store)
{
    struct event event = pageview("abc", DAY_START + 9, "/new");
    const struct store_batch batch = {.events = pointers(f, &event, 1), .events_count = 1};
    struct event_row *rows;
    size_t count;
    uint32_t got = 0;

    assert_ok(f, store_lease(store, PARTITIONS_ALL, true, true, &got, &f->err));
    assert_ok(f, store_commit(store, &batch, &f->err));
    store_unlease(store);
    assert_ok(f, store_page_events(f->store, STR("t5g"), STR("abc"), INT64_MIN, INT64_MAX,
                                   (struct event_cursor){INT64_MIN, 0}, 10, &f->arena, &rows,
                                   &count, &f->err));
    assert_int_equal(count, 3);
    assert_true(rows[2].id > rows[0].id && rows[2].id > rows[1].id);
}

static void new_ids_go_on_behind_those_of_the_copy(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct site_row site = site_named("new", "t5g");
    struct dump *before = copy_over(pair), *after;

    assert_next_id_is_new(f, f->store);
    assert_ok(f, store_put_site(f->store, &site, &somebody, &f->err));
    after = dump_all(f);
    size_t settings = table_at("analytics_settings"), audit = table_at("audit_log");

    assert_int_equal(after->rows[settings], before->rows[settings] + 1);
    assert_int_equal(after->rows[audit], before->rows[audit] + 1);
    dump_free(before);
    dump_free(after);
}

/* Handles may take ids by the hundred. */
static void ids_that_were_taken_ahead_are_void(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct event event = pageview("abc", DAY_START, "/");
    struct dump *dump;

    lease(f);
    commit(f, &(struct store_batch){.events = pointers(f, &event, 1), .events_count = 1});
    store_unlease(f->store);
    fill(pair->from);
    dump = dump_all(pair->from);
    struct store *other = open_again(f, false), *aggregator = f->store;

    f->store = other;
    load_all(f, dump, true);
    assert_next_id_is_new(f, aggregator);
    store_close(&aggregator);
    dump_free(dump);
}

static void nodes_see_that_something_changed(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    int64_t directory = counter_of(f, COUNTER_DIRECTORY), stamp, stamp_after;

    assert_ok(f, store_stamp(f->store, 1, &stamp, &f->err));
    dump_free(copy_over(pair));
    assert_true(counter_of(f, COUNTER_DIRECTORY) > directory);
    assert_ok(f, store_stamp(f->store, 1, &stamp_after, &f->err));
    assert_int_not_equal(stamp, stamp_after);
}

/* The key of idempotency keys has changed. */
static void nodes_see_a_copy_without_sites_too(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    int64_t directory = counter_of(f, COUNTER_DIRECTORY);
    struct dump *dump = dump_all(pair->from);

    load_all(f, dump, false);
    assert_true(counter_of(f, COUNTER_DIRECTORY) > directory);
    dump_free(dump);
}

static void names_of_copied_sites_are_taken(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct site_row site = site_named("pub2", "t5g");

    dump_free(copy_over(pair));
    assert_int_equal(store_put_site(f->store, &site, &somebody, &f->err), ERR_CONFLICT);
}

/* What another handle had in its memory is of a time that never was. */
static void a_batch_from_before_is_fenced(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct store *aggregator = open_again(f, false);
    struct position_move move = move_to(9, 0, 1);
    const struct store_batch batch = {.positions = &move, .positions_count = 1};
    uint32_t got = 0;

    assert_ok(f, store_lease(aggregator, PARTITIONS_ALL, true, true, &got, &f->err));
    dump_free(copy_over(pair));
    assert_int_equal(store_commit(aggregator, &batch, &f->err), ERR_CONFLICT);
    assert_balance(f, 4, 1 + (int64_t)visitors[2]);
    store_unlease(aggregator);
    store_close(&aggregator);
}

static void as_of_goes_back_to_that_of_the_copy(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct dump *dump;

    fill(pair->from);
    dump = dump_all(pair->from);
    lease(f);
    assert_ok(f, store_finish_run(f->store, PARTITIONS_ALL, DAY_START + 999, 1, &f->err));
    store_unlease(f->store);
    load_all(f, dump, true);
    assert_int_equal(counter_of(f, COUNTER_AS_OF), DAY_START + 5);
    lease(f);
    assert_ok(f, store_finish_run(f->store, 1, DAY_START + 888, 1, &f->err));
    store_unlease(f->store);
    assert_int_equal(counter_of(f, COUNTER_AS_OF), DAY_START + 5);
    dump_free(dump);
}

/* -- what is there ----------------------------------------------------------------------------- */

static void refuses_a_store_that_holds_something(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct tenant_row tenant = tenant_named("t", "T");
    struct dump *before, *after;

    assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
    before = dump_all(f);
    assert_int_equal(store_load_begin(f->store, false, &f->err), ERR_CONFLICT);
    after = dump_all(f);
    assert_same(before, after);
    dump_free(before);
    dump_free(after);
}

static void replaces_everything(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct tenant_row tenant = tenant_named("t", "T");
    struct dump *dump, *after;

    assert_ok(f, store_put_tenant(f->store, &tenant, &somebody, &f->err));
    lease(f);
    add_day(f, "zzz", DAY, (struct stats){.pageviews = 3});
    fill_two_days(f);
    store_unlease(f->store);
    fill(pair->from);
    dump = dump_all(pair->from);
    load_all(f, dump, true);
    after = dump_all(f);
    assert_same(dump, after);
    load_all(f, dump, true);
    dump_free(after);
    after = dump_all(f);
    assert_same(dump, after);
    dump_free(dump);
    dump_free(after);
}

static void a_load_that_fails_changes_nothing(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct dump *before, *after;
    const struct store_table *events = &store_tables[table_at("analytics_events")];

    fill(f);
    before = dump_all(f);
    assert_ok(f, store_load_begin(f->store, true, &f->err));
    for (size_t i = 0; i + 1 < store_tables_count; i++)
        assert_ok(f, load_table(f, before, i));
    int rc = store_load(f->store, events, STR("[[\"abc\",1,1]]"), &f->err);

    assert_int_equal(rc, ERR_INVALID);
    assert_int_equal(store_load_end(f->store, rc, &f->err), ERR_INVALID);
    after = dump_all(f);
    assert_same(before, after);
    dump_free(before);
    dump_free(after);
}

static void a_load_that_is_given_up_changes_nothing(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct dump *before = dump_all(f), *dump, *after;

    fill(pair->from);
    dump = dump_all(pair->from);
    assert_ok(f, store_load_begin(f->store, false, &f->err));
    for (size_t i = 0; i < store_tables_count; i++)
        assert_ok(f, load_table(f, dump, i));
    assert_int_equal(store_load_end(f->store, ERR_CORRUPT, &f->err), ERR_CORRUPT);
    after = dump_all(f);
    assert_same(before, after);
    load_all(f, dump, false);
    dump_free(after);
    after = dump_all(f);
    assert_same(dump, after);
    dump_free(before);
    dump_free(dump);
    dump_free(after);
}

static int load_rows(struct fixture *f, const char *table, const char *rows)
{
    assert_ok(f, store_load_begin(f->store, false, &f->err));
    int rc = store_load(f->store, &store_tables[table_at(table)], str_from(rows), &f->err);

    return store_load_end(f->store, rc, &f->err);
}

/* What the first version of the tables had. */
static int load_first_columns(struct fixture *f, const char *table, size_t columns,
                              const char *rows)
{
    struct store_table few = store_tables[table_at(table)];

    few.columns_count = columns;
    return store_load(f->store, &few, str_from(rows), &f->err);
}

static void refuses_rows_that_are_no_rows(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;

    assert_int_equal(load_rows(f, "tenants", "[[\"t\",\"T\",true,"), ERR_INVALID);
    assert_int_equal(load_rows(f, "tenants", "[[\"not an id\",\"T\",true,1]]"), ERR_INVALID);
    assert_int_equal(load_rows(f, "tenants", "[[\"t\",\"T\",true,1],[\"t\",\"T\",true,1]]"),
                     ERR_INVALID);
    assert_int_equal(load_rows(f, "event_ids", "[[\"abc\",\"0g\",1]]"), ERR_INVALID);
    assert_int_equal(load_rows(f, "event_ids", "[[\"abc\",\"000\",1]]"), ERR_INVALID);
    assert_int_equal(load_rows(f, "removed_sites", "[[\"abc\",null]]"), ERR_INVALID);
    assert_int_equal(load_rows(f, "event_ids", "[[\"abc\",\"0a\",1]]"), 0);
}

static void columns_that_an_older_copy_lacks_take_their_defaults(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    const struct store_table *all = &store_tables[table_at("analytics_settings")];
    struct store_column columns[] = {all->columns[0], all->columns[1], all->columns[2],
                                     all->columns[3], all->columns[24]};
    const struct store_table few = {all->name, columns, 5, 1};
    struct directory_rows rows;

    assert_ok(f, store_load_begin(f->store, false, &f->err));
    assert_ok(f, load_first_columns(f, "tenants", 4, "[[\"t\",\"T\",true,1]]"));
    assert_ok(f, store_load(f->store, &few, STR("[[7,\"abc\",\"t\",\"example.com\",5]]"), &f->err));
    assert_ok(f, store_load_end(f->store, 0, &f->err));
    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    assert_int_equal(rows.sites_count, 1);
    assert_int_equal(rows.sites[0].paths_per_day, site_row_default().paths_per_day);
    assert_int_equal(rows.sites[0].raw_days, -1);
    assert_false(rows.sites[0].store_ip_prefix);
    assert_int_equal(rows.sites[0].disabled_fields.len, 0);
    assert_int_equal(rows.sites[0].created_ms, 5);
    assert_int_equal(rows.sites[0].events_per_month + rows.sites[0].erase_ms, 0);
    assert_false(rows.sites[0].public_dashboard);
    assert_int_equal(rows.tenants[0].reads_per_minute, READS_PER_MINUTE);
    assert_int_equal(rows.tenants[0].settings.len, 0);
}

/* Version 3 had no names of tokens, no tenants in the audit log and no key to sign with. */
static void a_copy_of_the_third_version_keeps_the_key_to_sign_with(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct directory_rows before, after;
    struct audit_row *lines;
    size_t count;

    assert_ok(f, store_read_directory(f->store, &f->arena, &before, &f->err));
    assert_ok(f, store_load_begin(f->store, true, &f->err));
    assert_ok(f, load_first_columns(f, "secrets", 2,
                                    "[[\"id_key\",\"00112233445566778899aabbccddeeff\"]]"));
    assert_ok(f, load_first_columns(f, "tokens", 8,
                                    "[[\"ops\",null,null,true,8,\"000102030405060708090a0b0c0d0e0f"
                                    "101112131415161718191a1b1c1d1e1f\",5,0]]"));
    assert_ok(f, load_first_columns(f, "audit_log", 5, "[[3,9,\"cli\",\"token.put\",\"ops\"]]"));
    assert_ok(f, store_load_end(f->store, 0, &f->err));
    assert_ok(f, store_read_directory(f->store, &f->arena, &after, &f->err));
    assert_memory_equal(before.signing_key, after.signing_key, sizeof(after.signing_key));
    assert_int_equal(after.id_key[15], 0xff);
    assert_int_equal(after.tokens_count, 1);
    assert_int_equal(after.tokens[0].name.len, 0);
    assert_ok(f, store_page_audit(f->store, STR(""), 0, 9, &f->arena, &lines, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].tenant.len, 0);
}

static void sessions_are_in_no_copy_and_end_when_one_is_loaded(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    const struct row_filter all = {.tenant = STR("")};
    struct dump *dump;
    int64_t sessions = -1;

    fill(f);
    dump = dump_all(f);
    for (size_t i = 0; i < store_tables_count; i++)
        assert_false(str_eq(store_tables[i].name, STR("sessions")));
    assert_ok(f, store_count(f->store, ROW_SESSION, &all, &sessions, &f->err));
    assert_int_equal(sessions, 1);
    load_all(f, dump, true);
    assert_ok(f, store_count(f->store, ROW_SESSION, &all, &sessions, &f->err));
    assert_int_equal(sessions, 0);
    dump_free(dump);
}

/* Of sites and days of each kind: raw rows alone, visits alone, both, neither. */
static void load_a_copy_of_the_first_version(struct fixture *f)
{
    assert_ok(f, store_load_begin(f->store, false, &f->err));
    assert_ok(f, load_first_columns(f, "tenants", 4, "[[\"t5g\",\"T\",true,1]]"));
    assert_ok(f, load_first_columns(f, "analytics_settings", 25,
                                    "[[1,\"abc\",\"t5g\",\"example.com\",\"UTC\",true,true,false,"
                                    "true,\"cut-address\",24,48,null,null,null,null,null,null,null,"
                                    "0,10000,null,null,null,5]]"));
    assert_ok(
        f, load_first_columns(f, "analytics_daily_stats", 18,
                              "[[\"abc\",\"2024-10-01\",\"t5g\",7,0,0,0,0,0,0,0,3,0,0,0,0,0,0]]"));
    assert_ok(f, load_first_columns(f, "visits", 12,
                                    "[[\"abc\",20000,5,1,0,0,2,1,20000,0,1,0],"
                                    "[\"abc\",20001,5,1,0,0,2,1,20001,0,1,0]]"));
    assert_ok(f,
              load_first_columns(
                  f, "analytics_events", 17,
                  "[[\"abc\",1728000000000,1,\"t5g\",\"pageview\",null,\"2024-10-04\",5,\"/\",null,"
                  "null,null,null,1,null,null,null],"
                  "[\"xyz\",1728172800000,2,\"t5g\",\"pageview\",null,\"2024-10-06\",5,\"/\",null,"
                  "null,null,null,1,null,null,null],"
                  "[\"xyz\",1728172800001,3,\"t5g\",\"pageview\",null,\"2024-10-06\",5,\"/\",null,"
                  "null,null,null,1,null,null,null]]"));
    assert_ok(f, store_load_end(f->store, 0, &f->err));
}

static void days_with_rows_of_a_copy_of_the_first_version_are_due(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->to;
    struct site_day *days;
    struct visit *visits;
    struct store_sums sums;
    size_t count;

    load_a_copy_of_the_first_version(f);
    assert_ok(
        f, store_load_due(f->store, PARTITIONS_ALL, INT32_MAX, &f->arena, &days, &count, &f->err));
    assert_int_equal(count, 3);
    assert_str(days[0].site, "abc");
    assert_int_equal(days[0].day, 20000);
    assert_str(days[1].site, "abc");
    assert_int_equal(days[1].day, 20001);
    assert_str(days[2].site, "xyz");
    assert_int_equal(days[2].day, 20002);
    assert_int_equal(load_visits(f, 5, &visits), 1);
    assert_int_equal(visits->last_day, 0);
    assert_int_equal(visits->entry_ms, 0);
    assert_int_equal(visits->texts[VISIT_ENTRY_PATH].len, 0);
    assert_ok(f, store_sums(f->store, &sums, &f->err));
    assert_int_equal(sums.events, 3);
    assert_int_equal(sums.pageviews, 7);
    assert_int_equal(sums.visits, 3);
}

static void a_handle_for_reading_dumps_and_does_not_load(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->from;
    struct store *writer = f->store;

    fill(f);
    struct dump *dump = dump_all(f), *again;

    f->store = open_again(f, true);
    again = dump_all(f);
    assert_same(dump, again);
    assert_int_equal(store_load_begin(f->store, true, &f->err), ERR_DENIED);
    store_close(&f->store);
    f->store = writer;
    dump_free(dump);
    dump_free(again);
}

static int stop_at_once(void *ctx, struct str row)
{
    (void)ctx;
    (void)row;
    return 42;
}

static void a_dump_ends_when_it_is_told_to(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->from;

    fill(f);
    assert_int_equal(store_dump(f->store, &store_tables[table_at("analytics_events")], stop_at_once,
                                NULL, &f->err),
                     42);
    struct dump *dump = dump_all(f);

    assert_int_equal(dump->rows[table_at("analytics_events")], 3);
    dump_free(dump);
}

/* All tables come from one moment. */
static void a_dump_is_a_snapshot(void **state)
{
    struct pair *pair = pair_of(state);
    struct fixture *f = pair->from;
    struct store *other = open_again(f, false);
    struct dump dump = {0};
    size_t tenants = table_at("tenants"), settings = table_at("analytics_settings");
    struct dumping first = {&dump.tables[tenants], &dump.rows[tenants]},
                   second = {&dump.tables[settings], &dump.rows[settings]};

    fill(f);
    assert_ok(f, store_read_begin(f->store, &f->err));
    assert_ok(f, store_dump(f->store, &store_tables[tenants], keep_row, &first, &f->err));
    struct site_row site = site_named("new", "t9");

    assert_ok(f, store_put_site(other, &site, &somebody, &f->err));
    assert_ok(f, store_dump(f->store, &store_tables[settings], keep_row, &second, &f->err));
    store_read_end(f->store);
    assert_int_equal(dump.rows[tenants], 1);
    assert_int_equal(dump.rows[settings], 1);
    dump_free(&dump);
    store_close(&other);
}

#define BETWEEN(from, to, test)                                                                    \
    {                                                                                              \
        from " to " to ": " #test, test, set_up, tear_down, (void *)(uintptr_t)(from " to " to)    \
    }
#define INTO(to, test) BETWEEN("sqlite", to, test), BETWEEN("postgres", to, test)
#define ALL_FOUR(test) INTO("sqlite", test), INTO("postgres", test)
#define EACH(test) BETWEEN("sqlite", "sqlite", test), BETWEEN("postgres", "postgres", test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL_FOUR(a_copy_dumps_the_same_text),
        ALL_FOUR(a_copy_gives_the_same_answers),
        EACH(rows_are_written_as_the_header_says),
        EACH(sums_are_those_of_the_rows),
        EACH(new_ids_go_on_behind_those_of_the_copy),
        EACH(ids_that_were_taken_ahead_are_void),
        ALL_FOUR(nodes_see_that_something_changed),
        EACH(nodes_see_a_copy_without_sites_too),
        EACH(names_of_copied_sites_are_taken),
        INTO("postgres", a_batch_from_before_is_fenced),
        EACH(as_of_goes_back_to_that_of_the_copy),
        EACH(refuses_a_store_that_holds_something),
        ALL_FOUR(replaces_everything),
        EACH(a_load_that_fails_changes_nothing),
        ALL_FOUR(a_load_that_is_given_up_changes_nothing),
        EACH(refuses_rows_that_are_no_rows),
        EACH(columns_that_an_older_copy_lacks_take_their_defaults),
        EACH(a_copy_of_the_third_version_keeps_the_key_to_sign_with),
        EACH(sessions_are_in_no_copy_and_end_when_one_is_loaded),
        EACH(days_with_rows_of_a_copy_of_the_first_version_are_due),
        EACH(a_handle_for_reading_dumps_and_does_not_load),
        EACH(a_dump_ends_when_it_is_told_to),
        EACH(a_dump_is_a_snapshot),
    };

    bool there = postgres_server() != NULL;

    return cmocka_run_group_tests(tests, there ? make_template : NULL,
                                  there ? drop_template : NULL);
}
