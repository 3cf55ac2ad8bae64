/* Options: where a text is taken from, how it is read, what is said when it is wrong. Expectations:
 * CONTRACT, Options. */
#include "unit.h"

#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct values {
    struct str config, listen, mode, id, host, zone, url, database, redis, key;
    unsigned roles;
    struct cidr_list proxies;
    struct text_list hosts;
    int64_t pause_ms, bytes, count;
    bool json;
    struct str own;
};
#define FIELD(member) .offset = offsetof(struct values, member)

enum { GROUP_ONE = 1, GROUP_TWO = 2 };

static const struct option shared_options[] = {
    {.name = "config", .type = OPTION_TEXT, .value = "FILE", .group = GROUP_ONE, FIELD(config)},
    {.name = "listen",
     .environment = "T_LISTEN",
     .type = OPTION_ENDPOINT,
     .value = "ADDRESS:PORT",
     .fallback = "127.0.0.1:8080",
     .group = GROUP_ONE,
     FIELD(listen)},
    {.name = "mode",
     .environment = "T_MODE",
     .type = OPTION_CHOICE,
     .value = "slow|fast",
     .fallback = "slow",
     .group = GROUP_ONE,
     FIELD(mode)},
    {.name = "pause",
     .environment = "T_PAUSE",
     .type = OPTION_DURATION,
     .value = "DURATION",
     .fallback = "10s",
     .min = 100,
     .max = 86400000,
     .zero = true,
     .group = GROUP_ONE,
     FIELD(pause_ms)},
    {.name = "size",
     .environment = "T_SIZE",
     .type = OPTION_SIZE,
     .value = "SIZE",
     .fallback = "1GiB",
     .min = 33554432,
     .max = INT64_C(1099511627776),
     .group = GROUP_ONE,
     FIELD(bytes)},
    {.name = "count",
     .environment = "T_COUNT",
     .type = OPTION_COUNT,
     .value = "N",
     .fallback = "4",
     .min = 1,
     .max = 256,
     .group = GROUP_TWO,
     FIELD(count)},
    {.name = "proxies",
     .environment = "T_PROXIES",
     .type = OPTION_CIDRS,
     .value = "CIDR",
     .group = GROUP_ONE,
     FIELD(proxies)},
    {.name = "url",
     .environment = "T_URL",
     .type = OPTION_URL,
     .value = "URL",
     .group = GROUP_ONE,
     FIELD(url)},
    {.name = "redis",
     .environment = "T_REDIS",
     .type = OPTION_REDIS,
     .value = "URL",
     .group = GROUP_ONE,
     FIELD(redis)},
    {.name = "roles",
     .environment = "T_ROLES",
     .type = OPTION_SET,
     .value = "ingest,query",
     .fallback = "ingest,query",
     .group = GROUP_ONE,
     FIELD(roles)},
    {.name = "database",
     .environment = "T_DATABASE",
     .type = OPTION_DATABASE,
     .value = "URL",
     .group = GROUP_ONE,
     FIELD(database)},
    {.name = "key",
     .environment = "T_KEY",
     .type = OPTION_TEXT,
     .value = "KEY",
     .secret = true,
     .group = GROUP_ONE,
     FIELD(key)},
    {.name = NULL},
};

static const struct option own_options[] = {
    {.name = "id", .type = OPTION_ID, .value = "ID", FIELD(id)},
    {.name = "host", .type = OPTION_HOST, .value = "HOST", FIELD(host)},
    {.name = "allowed", .type = OPTION_ORIGIN, .value = "HOST", .list = true, FIELD(hosts)},
    {.name = "json", .type = OPTION_FLAG, FIELD(json)},
    {.name = NULL},
};

static const struct option required_options[] = {
    {.name = "own", .type = OPTION_TEXT, .value = "TEXT", .required = true, FIELD(own)},
    {.name = NULL},
};

struct fixture {
    struct arena arena;
    struct values values;
    struct err err;
    char path[32]; /* of the file, if one was written */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->path[0] != '\0') {
        unlink(f->path);
    }
    arena_free(&f->arena);
    free(f);
    return 0;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

static int read_as(struct fixture *f, unsigned groups, const char *operand,
                   const char *const *arguments, const char *const *environment)
{
    f->values = (struct values){0};
    f->err.text[0] = '\0';
    const struct option_set sets[] = {
        {.options = own_options, .values = &f->values},
        {.options = shared_options, .values = &f->values, .groups = groups}};
    const struct option_input input = {
        .arguments = arguments, .environment = environment, .operand = operand};
    return options_read(sets, 2, &input, &f->arena, &f->err);
}

static int read_args(struct fixture *f, const char *const *arguments)
{
    return read_as(f, GROUP_ONE | GROUP_TWO, NULL, arguments, NONE);
}

static void write_file(struct fixture *f, const char *text)
{
    strcpy(f->path, "cli-options-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void assert_text(struct str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

static void refused(struct fixture *f, const char *const *arguments, const char *message)
{
    assert_int_equal(read_args(f, arguments), ERR_INVALID);
    assert_string_equal(f->err.text, message);
}

static void takes_the_default_where_nothing_is_given(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, NONE), 0);
    assert_text(f->values.listen, "127.0.0.1:8080");
    assert_int_equal(f->values.pause_ms, 10000);
    assert_int_equal(f->values.bytes, 1073741824);
    assert_int_equal(f->values.proxies.count, 0);
    assert_int_equal(f->values.url.len, 0);
}

static void takes_a_secret_from_the_environment_or_the_file_alone(void **state)
{
    struct fixture *f = *state;
    const char *const env[] = {"T_KEY=from-here", NULL};
    assert_int_equal(read_as(f, GROUP_ONE, NULL, NONE, env), 0);
    assert_text(f->values.key, "from-here");
    write_file(f, "key = from-the-file\n");
    assert_int_equal(read_args(f, LIST("--config", f->path)), 0);
    assert_text(f->values.key, "from-the-file");
    refused(f, LIST("--key=seen-by-all"),
            "--key: arguments can be read by everybody on the machine; give it as T_KEY, or in the "
            "file of --config");
    refused(f, LIST("--key", "seen-by-all"),
            "--key: arguments can be read by everybody on the machine; give it as T_KEY, or in the "
            "file of --config");
}

static void takes_the_flag_before_the_environment_before_the_file(void **state)
{
    struct fixture *f = *state;
    write_file(f, "# where\n\n  listen = 10.0.0.1:1  \r\nmode=fast\npause = 3s\n");
    const char *const env[] = {"T_LISTEN=10.0.0.2:2", "T_MODE=", "T_LISTENER=x", NULL};
    assert_int_equal(
        read_as(f, GROUP_ONE, NULL, LIST("--config", f->path, "--listen=10.0.0.3:3"), env), 0);
    assert_text(f->values.listen, "10.0.0.3:3");
    assert_int_equal(read_as(f, GROUP_ONE, NULL, LIST("--config", f->path), env), 0);
    assert_text(f->values.listen, "10.0.0.2:2");
    assert_text(f->values.mode, "fast"); /* the empty variable counts as none */
    assert_int_equal(f->values.pause_ms, 3000);
    assert_int_equal(read_as(f, GROUP_ONE, NULL, LIST("--config", f->path), NONE), 0);
    assert_text(f->values.listen, "10.0.0.1:1");
}

static void overlooks_a_bad_value_that_another_one_overrides(void **state)
{
    struct fixture *f = *state;
    const char *const env[] = {"T_PAUSE=soon", NULL};
    assert_int_equal(read_as(f, GROUP_ONE, NULL, LIST("--pause", "5m"), env), 0);
    assert_int_equal(f->values.pause_ms, 300000);
}

static void names_the_place_of_a_bad_value(void **state)
{
    struct fixture *f = *state;
    char expected[128];
    refused(f, LIST("--pause", "10x"), "--pause: \"10x\" is no duration (try 10s, 5m, 1h)");
    assert_int_equal(read_as(f, GROUP_ONE, NULL, NONE, LIST("T_PAUSE=10x")), ERR_INVALID);
    assert_string_equal(f->err.text, "T_PAUSE: \"10x\" is no duration (try 10s, 5m, 1h)");
    write_file(f, "mode = fast\n\npause = 10x\n");
    assert_int_equal(read_args(f, LIST("--config", f->path)), ERR_INVALID);
    snprintf(expected, sizeof(expected), "%s:3: pause: \"10x\" is no duration (try 10s, 5m, 1h)",
             f->path);
    assert_string_equal(f->err.text, expected);
}

static void refuses_a_file_with_what_it_does_not_know(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *message;
    } cases[] = {{"lisen = x\n", ":1: lisen: unknown option"},
                 {"mode = fast\nid = x\n", ":2: id: unknown option"},
                 {"config = other\n", ":1: config: unknown option"},
                 {"mode = fast\nmode = fast\n", ":2: mode: is given twice"},
                 {"mode\n", ":1: no \"name = value\""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[128];
        write_file(f, cases[i].text);
        assert_int_equal(read_args(f, LIST("--config", f->path)), ERR_INVALID);
        snprintf(expected, sizeof(expected), "%s%s", f->path, cases[i].message);
        assert_string_equal(f->err.text, expected);
        unlink(f->path);
    }
    assert_int_equal(read_args(f, LIST("--config", f->path)), ERR_SYSTEM);
    assert_non_null(strstr(f->err.text, "No such file"));
}

static void passes_over_lines_of_other_commands_in_the_file(void **state)
{
    struct fixture *f = *state;
    write_file(f, "count = many\n");
    assert_int_equal(read_as(f, GROUP_ONE, NULL, LIST("--config", f->path), NONE), 0);
    assert_int_equal(read_as(f, GROUP_TWO, NULL, LIST("--json"), LIST("T_PAUSE=bad")), 0);
    assert_int_equal(read_as(f, GROUP_ONE, NULL, LIST("--count", "3"), NONE), ERR_INVALID);
    assert_string_equal(f->err.text, "--count: unknown option");
}

static void refuses_what_is_no_option(void **state)
{
    struct fixture *f = *state;
    refused(f, LIST("--lisen", "x"), "--lisen: unknown option");
    refused(f, LIST("-x"), "-x: unknown option");
    refused(f, LIST("more"), "more: unexpected argument");
    refused(f, LIST("--listen"), "--listen: ADDRESS:PORT is missing");
    refused(f, LIST("--listen", "--json"), "--listen: ADDRESS:PORT is missing");
    refused(f, LIST("--json=yes"), "--json: takes no value");
}

static void wants_what_is_required(void **state)
{
    struct fixture *f = *state;
    const struct option_set set = {.options = required_options, .values = &f->values};
    const struct option_input without = {.arguments = NONE, .environment = NONE},
                              with = {.arguments = LIST("--own", "x"), .environment = NONE};
    assert_int_equal(options_read(&set, 1, &without, &f->arena, &f->err), ERR_INVALID);
    assert_string_equal(f->err.text, "--own: is required");
    assert_int_equal(options_read(&set, 1, &with, &f->arena, &f->err), 0);
}

static void takes_an_operand_for_its_option(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_as(f, GROUP_ONE, "id", LIST("abc", "--json"), NONE), 0);
    assert_text(f->values.id, "abc");
    assert_true(f->values.json);
    assert_int_equal(read_as(f, GROUP_ONE, "id", LIST("--", "-abc"), NONE), 0);
    assert_text(f->values.id, "-abc");
    assert_int_equal(read_as(f, GROUP_ONE, "id", LIST("abc", "def"), NONE), ERR_INVALID);
    assert_string_equal(f->err.text, "def: --id was given already");
}

static void takes_all_operands_but_the_first_for_a_list(void **state)
{
    struct fixture *f = *state;
    const struct option_set set = {.options = own_options, .values = &f->values};
    struct option_input input = {.arguments = LIST("abc", "a.b", "--json", "c.d"),
                                 .environment = NONE,
                                 .operand = "id",
                                 .rest = "allowed"};
    assert_int_equal(options_read(&set, 1, &input, &f->arena, &f->err), 0);
    assert_text(f->values.id, "abc");
    assert_int_equal(f->values.hosts.count, 2);
    assert_text(f->values.hosts.items[0], "a.b");
    assert_text(f->values.hosts.items[1], "c.d");
    input.arguments = LIST("--id", "abc", "a.b", "--allowed", "c.d");
    assert_int_equal(options_read(&set, 1, &input, &f->arena, &f->err), 0);
    assert_int_equal(f->values.hosts.count, 2);
    assert_text(f->values.hosts.items[0], "a.b");
}

static void passes_over_a_literal_double_dash_where_there_is_no_operand(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, LIST("--", "--json", "--", "--pause", "1s")), 0);
    assert_true(f->values.json);
    assert_int_equal(f->values.pause_ms, 1000);
}

static void keeps_the_last_of_a_repeated_option_and_all_of_a_list(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, LIST("--pause", "1s", "--pause", "2s")), 0);
    assert_int_equal(f->values.pause_ms, 2000);
    assert_int_equal(read_args(f, LIST("--allowed", "a.b", "--allowed=*", "--allowed", "*.c.d",
                                       "--allowed", "localhost", "--allowed", "E.F")),
                     0);
    assert_int_equal(f->values.hosts.count, 5);
    assert_text(f->values.hosts.items[0], "a.b");
    assert_text(f->values.hosts.items[2], "*.c.d");
    assert_text(f->values.hosts.items[4], "e.f");
    refused(f, LIST("--allowed", "a.b", "--allowed", "https://x"),
            "--allowed: \"https://x\" is no host (try example.com, *.example.com or *)");
}

struct number {
    const char *text;
    int64_t value; /* -1: refused as out of range, -2: as no such thing */
};

static void check_numbers(struct fixture *f, const char *flag, const int64_t *field,
                          const struct number *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = read_args(f, LIST(flag, cases[i].text));
        if (cases[i].value >= 0) {
            assert_int_equal(rc, 0);
            assert_int_equal(*field, cases[i].value);
            continue;
        }
        assert_int_equal(rc, ERR_INVALID);
        bool range = strstr(f->err.text, "is out of range (") != NULL;
        assert_int_equal(range, cases[i].value == -1);
    }
}

static void reads_durations_within_their_bounds(void **state)
{
    struct fixture *f = *state;
    static const struct number cases[] = {{"100ms", 100},
                                          {"99ms", -1},
                                          {"0", 0},
                                          {"0s", 0},
                                          {"1d", 86400000},
                                          {"86400001ms", -1},
                                          {"24h", 86400000},
                                          {"25h", -1},
                                          {"90m", 5400000},
                                          {"999999999999999999h", -1},
                                          {"99999999999999999999s", -1},
                                          {"10", -2},
                                          {"-1s", -2},
                                          {"+1s", -2},
                                          {"1.5h", -2},
                                          {"s", -2},
                                          {"", -2},
                                          {"1 s", -2},
                                          {"1S", -2},
                                          {"1sec", -2}};
    check_numbers(f, "--pause", &f->values.pause_ms, cases, sizeof(cases) / sizeof(cases[0]));
    refused(f, LIST("--pause", "99ms"), "--pause: 99ms is out of range (100ms to 1d, or 0)");
}

static void reads_sizes_within_their_bounds(void **state)
{
    struct fixture *f = *state;
    static const struct number cases[] = {{"32MiB", 33554432},
                                          {"33554432", 33554432},
                                          {"33554431", -1},
                                          {"1TiB", 1099511627776},
                                          {"1024GiB", 1099511627776},
                                          {"1099511627777", -1},
                                          {"32768KiB", 33554432},
                                          {"0", -1},
                                          {"1GB", -2},
                                          {"1G", -2},
                                          {"9000000TiB", -1},
                                          {"GiB", -2}};
    check_numbers(f, "--size", &f->values.bytes, cases, sizeof(cases) / sizeof(cases[0]));
    refused(f, LIST("--size", "1"), "--size: 1 is out of range (32MiB to 1TiB)");
}

static void reads_counts_within_their_bounds(void **state)
{
    struct fixture *f = *state;
    static const struct number cases[] = {{"1", 1},    {"256", 256}, {"0", -1},
                                          {"257", -1}, {"007", 7},   {"1.0", -2},
                                          {"x", -2},   {"-1", -2},   {"0x1", -2}};
    check_numbers(f, "--count", &f->values.count, cases, sizeof(cases) / sizeof(cases[0]));
}

/* The first `good` texts are taken, the others refused. */
static void check_texts(struct fixture *f, const char *flag, const char *const *good,
                        const char *const *bad)
{
    for (; *good != NULL; good++) {
        if (read_args(f, LIST(flag, *good)) != 0) {
            fail_msg("%s %s: %s", flag, *good, f->err.text);
        }
    }
    for (; *bad != NULL; bad++) {
        if (read_args(f, LIST(flag, *bad)) != ERR_INVALID) {
            fail_msg("%s %s is taken", flag, *bad);
        }
    }
}

#define S16 "0123456789abcdef"
#define S63 S16 S16 S16 "0123456789abcde"

static void reads_texts_by_their_type(void **state)
{
    struct fixture *f = *state;
    check_texts(f, "--listen", LIST("127.0.0.1:8080", "[::1]:0", "0.0.0.0:65535", "[::]:80"),
                LIST("127.0.0.1:65536", "127.0.0.1", ":80", "::1:80", "[127.0.0.1]:80", "x:80",
                     "127.0.0.1:-1", "127.0.0.1:", "[::1]"));
    check_texts(f, "--mode", LIST("slow", "fast"), LIST("slo", "slow|fast", "", "FAST"));
    check_texts(f, "--id", LIST("a", "A_b-9", S63 "x"),
                LIST("", "a b", "a/b", "\xc3\xa4", S63 "xy"));
    check_texts(
        f, "--host", LIST("example.com", "localhost", "127.0.0.1", "a." S63),
        LIST("", "https://x", "a..b", "-a", "a-", "a b", "a/", "a:1", ".", "*.a", "a." S63 "x"));
    check_texts(f, "--url", LIST("http://a", "https://a.b:1/c", "https://a/"),
                LIST("a.b", "ftp://a", "https://", "https:///", "https://a b", "https://a?b",
                     "https://a\"b"));
    check_texts(f, "--proxies", LIST("10.0.0.0/8", "10.0.0.0/8, ::1,", ""),
                LIST("10.0.0.0/33", "x", "1,2"));
    check_texts(f, "--database",
                LIST("sqlite:x.db", "sqlite:/a/b", "postgres://h/d", "postgresql://u:p@h:1/d"),
                LIST("sqlite:", "x.db", "mysql://x", "postgres:", "postgres://", "postgres://h:x/d",
                     "postgres://h:0/d", "postgres://h:65536/d", "postgres://h/d?colour=red"));
    check_texts(f, "--redis", LIST("redis://h", "redis+sentinel://h:1,i:2/m"),
                LIST("redis:", "redis://", "h:6379", "http://h", "redis://h:0", "redis://h:65536",
                     "redis://h/x"));
    check_texts(f, "--roles", LIST("ingest", "query,ingest", "ingest, query"),
                LIST("", "ingest,", "web", "Ingest", "ingest;query"));
}

static void writes_hosts_and_urls_one_way(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, LIST("--host", "Example.COM", "--url", "https://a.b///")), 0);
    assert_text(f->values.host, "example.com");
    assert_text(f->values.url, "https://a.b");
}

static void a_set_has_a_bit_for_each_name_in_the_tables_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, NONE), 0);
    assert_int_equal(f->values.roles, 1 | 2);
    assert_int_equal(read_args(f, LIST("--roles", "query")), 0);
    assert_int_equal(f->values.roles, 2);
}

static void a_url_that_may_hold_a_password_is_not_repeated(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, LIST("--database", "pg://u:geheim@h/d")), ERR_INVALID);
    assert_null(strstr(f->err.text, "geheim"));
    assert_int_equal(read_args(f, LIST("--redis", "rediss://u:geheim@h")), ERR_INVALID);
    assert_null(strstr(f->err.text, "geheim"));
}

/* What follows a bare @ or / looks like a host, a port or a name to whoever parses the URL. */
static void no_part_of_a_password_that_was_not_encoded_is_repeated(void **state)
{
    struct fixture *f = *state;
    const char *const databases[] = {"postgres://u:geheim@heim@h/d", "postgres://u:geheim/heim@h/d",
                                     "postgres://u:12/geheim@h/d", "postgres://u:%geheim@h/d",
                                     "postgres://u:geheim"};
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
        assert_int_equal(read_args(f, LIST("--database", databases[i])), ERR_INVALID);
        assert_null(strstr(f->err.text, "heim"));
        assert_non_null(strstr(f->err.text, "--database: "));
    }
    const char *const servers[] = {"redis://:geheim@heim@h", "redis://:geheim/heim@h",
                                   "redis://:%geheim@h", "redis://u:12/geheim@h"};
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        assert_int_equal(read_args(f, LIST("--redis", servers[i])), ERR_INVALID);
        assert_null(strstr(f->err.text, "heim"));
        assert_non_null(strstr(f->err.text, "--redis: "));
    }
    assert_int_equal(read_args(f, LIST("--database", "postgres://u:ge%40he%2Fim@h/d")), 0);
    assert_int_equal(read_args(f, LIST("--redis", "redis://u:ge%40he%2Fim@h")), 0);
}

static void counts_trusted_proxies(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_args(f, LIST("--proxies", "10.0.0.0/8, 2001:db8::/32,192.0.2.1")), 0);
    assert_int_equal(f->values.proxies.count, 3);
    assert_int_equal(f->values.proxies.items[0].bits, 8);
    assert_int_equal(f->values.proxies.items[1].base.family, 6);
}

static void knows_when_help_is_asked_for(void **state)
{
    (void)state;
    assert_true(options_ask_help(LIST("--json", "--help")));
    assert_true(options_ask_help(LIST("-h")));
    assert_false(options_ask_help(LIST("--", "--help")));
    assert_false(options_ask_help(NONE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_the_default_where_nothing_is_given),
        TEST(takes_a_secret_from_the_environment_or_the_file_alone),
        TEST(takes_the_flag_before_the_environment_before_the_file),
        TEST(overlooks_a_bad_value_that_another_one_overrides),
        TEST(names_the_place_of_a_bad_value),
        TEST(refuses_a_file_with_what_it_does_not_know),
        TEST(passes_over_lines_of_other_commands_in_the_file),
        TEST(refuses_what_is_no_option),
        TEST(wants_what_is_required),
        TEST(takes_an_operand_for_its_option),
        TEST(takes_all_operands_but_the_first_for_a_list),
        TEST(passes_over_a_literal_double_dash_where_there_is_no_operand),
        TEST(keeps_the_last_of_a_repeated_option_and_all_of_a_list),
        TEST(reads_durations_within_their_bounds),
        TEST(reads_sizes_within_their_bounds),
        TEST(reads_counts_within_their_bounds),
        TEST(reads_texts_by_their_type),
        TEST(writes_hosts_and_urls_one_way),
        TEST(a_set_has_a_bit_for_each_name_in_the_tables_order),
        TEST(a_url_that_may_hold_a_password_is_not_repeated),
        TEST(no_part_of_a_password_that_was_not_encoded_is_repeated),
        TEST(counts_trusted_proxies),
        TEST(knows_when_help_is_asked_for),
    };
    return cmocka_run_group_tests_name("cli_options", tests, NULL, NULL);
}
