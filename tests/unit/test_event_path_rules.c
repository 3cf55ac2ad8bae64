/* A site's rules for paths, by what event/event.h says of struct path_rule. */
#include "event/event_internal.h"
#include "unit.h"

struct parsed {
    struct arena arena;
    struct site site;
};

static struct parsed parse(const char *json)
{
    struct parsed p = {.site = {.domain = STR("example.com"), .mask_personal = true}};
    struct err err = {0};

    if (path_rules_parse(str_from(json), &p.arena, &p.site.path_rules, &p.site.path_rules_count,
                         &err) != 0)
        fail_msg("%s: %s", json, err.text);
    return p;
}

static void takes(const char *json)
{
    struct parsed p = parse(json);

    arena_free(&p.arena);
}

static void refuses(const char *json, const char *place)
{
    struct arena arena = {0};
    struct path_rule *rules = NULL;
    struct err err = {0};
    size_t count = 0;

    if (path_rules_parse(str_from(json), &arena, &rules, &count, &err) != ERR_INVALID)
        fail_msg("%s is taken", json);
    if (!str_starts(str_from(err.text), str_from(place)))
        fail_msg("%s: %s, not %s", json, err.text, place);
    assert_int_equal(count, 0);
    arena_free(&arena);
}

static void becomes(struct parsed *p, const char *path, const char *expected)
{
    struct str got = path_clean(&p->site, str_from(path), &p->arena);

    if (!str_eq(got, str_from(expected)))
        fail_msg("%s -> %.*s, not %s", path, STR_FMT(got), expected);
}

/* One rule, one path. */
static void rewrites(const char *match, const char *to, const char *path, const char *expected)
{
    struct path_rule rule = {str_from(match), str_from(to)};
    struct parsed p = {
        .site = {.domain = STR("example.com"), .path_rules = &rule, .path_rules_count = 1}};

    becomes(&p, path, expected);
    arena_free(&p.arena);
}

/* -- matching -- */

static void a_star_stands_for_one_segment(void **state)
{
    const char *match = "/users/*/edit", *to = "/users/:id/edit";

    (void)state;
    rewrites(match, to, "/users/5/edit", to);
    rewrites(match, to, "/users/a%20b.c/edit", to);
    rewrites(match, to, "/users//edit", "/users//edit");
    rewrites(match, to, "/users/5/6/edit", "/users/5/6/edit");
    rewrites(match, to, "/users/5/edit/", "/users/5/edit/");
    rewrites(match, to, "/users/5", "/users/5");
    rewrites(match, to, "/Users/5/edit", "/Users/5/edit");
    rewrites(match, to, "/x/users/5/edit", "/x/users/5/edit");
    rewrites("/users/*", "/u", "/users/5", "/u");
    rewrites("/users/*", "/u", "/users/", "/users/");
    rewrites("/users/*", "/u", "/users", "/users");
    rewrites("/*", "/u", "/", "/");
    rewrites("/users/*/", "/u", "/users/5/", "/u");
    rewrites("/users/*/", "/u", "/users/5", "/users/5");
}

static void two_stars_stand_for_the_rest(void **state)
{
    (void)state;
    rewrites("/docs/**", "/docs", "/docs", "/docs");
    rewrites("/docs/**", "/d", "/docs", "/d");
    rewrites("/docs/**", "/d", "/docs/", "/d");
    rewrites("/docs/**", "/d", "/docs/a", "/d");
    rewrites("/docs/**", "/d", "/docs/a/b/", "/d");
    rewrites("/docs/**", "/d", "/docsx", "/docsx");
    rewrites("/docs/*/**", "/d", "/docs/a", "/d");
    rewrites("/docs/*/**", "/d", "/docs/", "/docs/");
    rewrites("/**", "/d", "/", "/d");
    rewrites("/**", "/d", "/a/b", "/d");
}

static void segments_without_stars_are_compared_bytewise(void **state)
{
    (void)state;
    rewrites("/", "/home", "/", "/home");
    rewrites("/", "/home", "/a", "/a");
    rewrites("/a", "/b", "/a", "/b");
    rewrites("/a", "/b", "/a/", "/a/");
    rewrites("/a/", "/b", "/a/", "/b");
    rewrites("/a//c", "/b", "/a//c", "/b");
    rewrites("/index.html", "/", "/index.html", "/");
}

/* -- rewriting -- */

static void to_names_what_the_stars_stood_for(void **state)
{
    (void)state;
    rewrites("/*/p/*", "/$2/$1", "/de/p/7", "/7/de");
    rewrites("/*/**", "/$2", "/de/a/b", "/a/b");
    rewrites("/*/**", "/$2", "/de", "/");
    rewrites("/*/**", "/$2", "/de/a/", "/a/");
    rewrites("/*", "/x$1y$1", "/a", "/xaya");
    rewrites("/*", "/$10", "/a", "/a0");
    rewrites("/*", "/$/$$1/$0/$x$", "/a", "/$/$a/$0/$x$");
    rewrites("/*/*/*/*/*/*/*/*/*", "/$9$8$7$6$5$4$3$2$1", "/1/2/3/4/5/6/7/8/9", "/987654321");
}

static void the_first_rule_that_matches_counts(void **state)
{
    struct parsed p = parse("[{\"match\":\"/a/b\",\"to\":\"/first\"},"
                            "{\"match\":\"/a/*\",\"to\":\"/second\"},"
                            "{\"match\":\"/first\",\"to\":\"/third\"}]");

    (void)state;
    becomes(&p, "/a/b", "/first"); /* once, not again */
    becomes(&p, "/a/c", "/second");
    becomes(&p, "/first", "/third");
    becomes(&p, "/c", "/c");
    becomes(&p, "", "");
    arena_free(&p.arena);
}

static void rules_see_masked_paths_without_their_query(void **state)
{
    struct str kept[] = {STR("page")};
    struct parsed p = parse("[{\"match\":\"/users/[email]\",\"to\":\"/users/:mail\"},"
                            "{\"match\":\"/shop/*\",\"to\":\"/shop/$1\"}]");

    (void)state;
    becomes(&p, "/users/me@example.com", "/users/:mail");
    becomes(&p, "/shop/me@example.com", "/shop/[email]");
    becomes(&p, "/users/me@example.com?page=2#top", "/users/:mail");
    p.site.query_params = kept;
    p.site.query_params_count = 1;
    becomes(&p, "/users/me@example.com?x=1&page=2&page=3#top", "/users/:mail?page=2&page=3");
    arena_free(&p.arena);
}

static void a_route_has_segments_as_a_path_has(void **state)
{
    struct str kept[] = {STR("page")};
    struct parsed p = parse("[{\"match\":\"/app#/users/*\",\"to\":\"/app#/users/:id\"},"
                            "{\"match\":\"/app#/docs/**\",\"to\":\"/docs/$1\"},"
                            "{\"match\":\"/old\",\"to\":\"/new\"}]");

    (void)state;
    becomes(&p, "/app#/users/7", "/app#/users/:id");
    becomes(&p, "/app?x=1#/users/7?tab=a", "/app#/users/:id");
    becomes(&p, "/app#/users/7/x", "/app#/users/7/x");
    becomes(&p, "/app/users/7", "/app/users/7");
    becomes(&p, "/app#/docs/a/b", "/docs/a/b");
    becomes(&p, "/old", "/new");
    becomes(&p, "/old#top", "/new");
    becomes(&p, "/old#/a", "/old#/a");
    p.site.query_params = kept;
    p.site.query_params_count = 1;
    becomes(&p, "/app?page=2#/users/7", "/app#/users/:id?page=2");
    arena_free(&p.arena);
}

static void the_sites_pages_have_the_same_name_as_referrers(void **state)
{
    struct parsed p = parse("[{\"match\":\"/users/*\",\"to\":\"/users/:id\"}]");

    (void)state;
    assert_true(str_eq(referrer_clean(&p.site, STR("https://example.com/users/5?a#b"), &p.arena),
                       STR("example.com/users/:id")));
    assert_true(str_eq(referrer_clean(&p.site, STR("https://other.org/users/5"), &p.arena),
                       STR("other.org")));
    arena_free(&p.arena);
}

static void what_a_rule_makes_is_cut_at_2000_bytes(void **state)
{
    char path[2001] = "/";
    struct path_rule rule = {STR("/*"), STR("/$1$1$1$1$1$1$1$1$1")};
    struct site site = {.path_rules = &rule, .path_rules_count = 1};
    struct arena arena = {0};

    (void)state;
    memset(path + 1, 'a', 1999);
    assert_int_equal(path_clean(&site, (struct str){path, 2000}, &arena).len, 2000);
    rule.to = STR("/x$1"); /* one byte more than there is room for */
    assert_int_equal(path_clean(&site, (struct str){path, 2000}, &arena).len, 2000);
    assert_int_equal(path_clean(&site, (struct str){path, 1999}, &arena).len, 2000);
    assert_int_equal(path_clean(&site, (struct str){path, 1998}, &arena).len, 1999);
    memcpy(path + 1998, "\xc3\xbc", 2); /* a character over the edge stays out whole */
    assert_int_equal(path_clean(&site, (struct str){path, 2000}, &arena).len, 1999);
    arena_free(&arena);
}

/* -- reading -- */

static void reads_rules(void **state)
{
    struct parsed p = parse("[{\"match\":\"/users/*/edit\",\"to\":\"/users/:id/edit\"}]");

    (void)state;
    assert_int_equal(p.site.path_rules_count, 1);
    assert_true(str_eq(p.site.path_rules[0].match, STR("/users/*/edit")));
    assert_true(str_eq(p.site.path_rules[0].to, STR("/users/:id/edit")));
    arena_free(&p.arena);
    p = parse("");
    assert_int_equal(p.site.path_rules_count, 0);
    arena_free(&p.arena);
    p = parse("[]");
    assert_int_equal(p.site.path_rules_count, 0);
    arena_free(&p.arena);
}

static void names_the_place_of_what_is_wrong(void **state)
{
    (void)state;
    refuses("[", "pathRules: ");
    refuses("{}", "pathRules: ");
    refuses("[[[]]]", "pathRules: ");
    refuses("[\"/a\"]", "pathRules[0]: ");
    refuses("[{\"match\":\"/a\",\"to\":\"/b\"},{}]", "pathRules[1].match: ");
    refuses("[{\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a\"}]", "pathRules[0].to: ");
    refuses("[{\"match\":\"/a\",\"to\":null}]", "pathRules[0].to: ");
    refuses("[{\"match\":5,\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"a\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a\",\"to\":\"a\"}]", "pathRules[0].to: ");
    refuses("[{\"match\":\"/a?b\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a#b\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a#/b?c\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a#/*b\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a\",\"to\":\"/a?b\"}]", "pathRules[0].to: ");
    refuses("[{\"match\":\"/a*\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/*a\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/***\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/**/a\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/**/\",\"to\":\"/a\"}]", "pathRules[0].match: ");
    refuses("[{\"match\":\"/a\",\"to\":\"/$1\"}]", "pathRules[0].to: ");
    refuses("[{\"match\":\"/*\",\"to\":\"/$1/$2\"}]", "pathRules[0].to: ");
    refuses("[{\"match\":\"/a\",\"to\":\"/b\",\"too\":\"/c\"}]", "pathRules[0].too: ");
    takes("[{\"match\":\"/*/**\",\"to\":\"/$1/$2\"}]");
    takes("[{\"match\":\"/a\",\"to\":\"/$0$x$\"}]");
}

static void there_are_at_most_9_stars(void **state)
{
    (void)state;
    takes("[{\"match\":\"/*/*/*/*/*/*/*/*/**\",\"to\":\"/$9\"}]");
    refuses("[{\"match\":\"/*/*/*/*/*/*/*/*/*/**\",\"to\":\"/$9\"}]", "pathRules[0].match: ");
}

static void there_are_at_most_100_rules(void **state)
{
    struct buf json = {0};

    (void)state;
    for (int count = 100; count <= 101; count++) {
        buf_reset(&json);
        buf_addc(&json, '[');
        for (int i = 0; i < count; i++)
            buf_addf(&json, "%s{\"match\":\"/a%d\",\"to\":\"/b\"}", i > 0 ? "," : "", i);
        buf_add(&json, (struct str){"]", 2});
        if (count == 100)
            takes(json.ptr);
        else
            refuses(json.ptr, "pathRules: ");
    }
    buf_release(&json);
}

static void texts_have_at_most_500_bytes(void **state)
{
    static const char *const members[][3] = {
        {"[{\"to\":\"/x\",\"match\":\"/", "\"}]", "pathRules[0].match: "},
        {"[{\"match\":\"/x\",\"to\":\"/", "\"}]", "pathRules[0].to: "},
    };
    struct buf json = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int len = 500; len <= 501; len++) {
            buf_reset(&json);
            buf_add(&json, str_from(members[i][0]));
            for (int k = 1; k < len; k++)
                buf_addc(&json, 'a');
            buf_add(&json, (struct str){members[i][1], strlen(members[i][1]) + 1});
            if (len == 500)
                takes(json.ptr);
            else
                refuses(json.ptr, members[i][2]);
        }
    }
    buf_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_stands_for_one_segment),
        cmocka_unit_test(two_stars_stand_for_the_rest),
        cmocka_unit_test(segments_without_stars_are_compared_bytewise),
        cmocka_unit_test(to_names_what_the_stars_stood_for),
        cmocka_unit_test(the_first_rule_that_matches_counts),
        cmocka_unit_test(rules_see_masked_paths_without_their_query),
        cmocka_unit_test(a_route_has_segments_as_a_path_has),
        cmocka_unit_test(the_sites_pages_have_the_same_name_as_referrers),
        cmocka_unit_test(what_a_rule_makes_is_cut_at_2000_bytes),
        cmocka_unit_test(reads_rules),
        cmocka_unit_test(names_the_place_of_what_is_wrong),
        cmocka_unit_test(there_are_at_most_9_stars),
        cmocka_unit_test(there_are_at_most_100_rules),
        cmocka_unit_test(texts_have_at_most_500_bytes),
    };
    return cmocka_run_group_tests_name("event_path_rules", tests, NULL, NULL);
}
