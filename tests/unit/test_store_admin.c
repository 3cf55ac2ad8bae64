/*
 * test_store_admin.c -- the contract of store/managed.h, run against every backend: tenants, sites
 * and tokens.
 */
#include "test_postgres_support.h"

/* -- tenants, sites, tokens -------------------------------------------------------------------- */

static struct directory_rows directory_of(struct fixture *f)
{
    struct directory_rows rows;

    assert_ok(f, store_read_directory(f->store, &f->arena, &rows, &f->err));
    return rows;
}

static int put_site(struct fixture *f, const struct site_row *row)
{
    return store_put_site(f->store, row, &somebody, &f->err);
}

#define GOALS                                                                                      \
    "[{\"name\":\"Bought\",\"path\":\"/thanks/*\",\"props\":{\"plan\":\"pro\"},\"value\":9.5}]"
#define RULES "[{\"to\":\"/users/:id/edit\",\"match\":\"/users/*/edit\"}]"

/* Everything else than the defaults. */
static struct site_row full_site(void)
{
    struct site_row put = site_named("abc", "t5g");

    put.timezone = STR("Europe/Berlin");
    put.enabled = put.respect_gpc = put.mask_personal = false;
    put.respect_dnt = true;
    put.visitor_identity = STR("full-address");
    put.ipv4_prefix = 16;
    put.ipv6_prefix = 32;
    put.store_ip_prefix = true;
    put.tracking_ids = STR("[\"pub1\",\"pub2\"]");
    put.allowed_origins = STR("[\"example.com\"]");
    put.query_params = STR("[\"q\"]");
    put.blocked_addresses = STR("[\"10.0.0.0/8\"]");
    put.blocked_paths = STR("[\"/admin/*\"]");
    put.disabled_events = STR("[\"pageview\"]");
    put.disabled_fields = STR("[\"referrer\",\"language\"]");
    put.require_token = STR("[\"ai.usage\"]");
    put.blocked_countries = STR("[\"KP\",\"XX\"]");
    put.blocked_referrers = STR("[\"spam.example\"]");
    put.goals = STR(GOALS);
    put.path_rules = STR(RULES);
    put.public_dashboard = true;
    put.public_metrics = STR("[\"leads\"]");
    put.pinned = STR("[\"timezone\"]");
    put.events_per_month = 70000;
    put.events_per_second = 50;
    put.paths_per_day = 77;
    put.raw_days = 0;
    put.visit_days = 10;
    put.stats_days = -1;
    return put;
}

static void assert_full_site(struct fixture *f)
{
    struct directory_rows rows = directory_of(f);
    const struct site_row *got = rows.sites;

    assert_int_equal(rows.sites_count, 1);
    assert_str(got->id, "abc");
    assert_str(got->tenant, "t5g");
    assert_str(got->domain, "example.com");
    assert_str(got->timezone, "Europe/Berlin");
    assert_false(got->enabled || got->respect_gpc || got->mask_personal);
    assert_true(got->respect_dnt);
    assert_str(got->visitor_identity, "full-address");
    assert_int_equal(got->ipv4_prefix, 16);
    assert_int_equal(got->ipv6_prefix, 32);
    assert_true(got->store_ip_prefix);
    assert_str(got->tracking_ids, "[\"pub1\",\"pub2\"]");
    assert_str(got->allowed_origins, "[\"example.com\"]");
    assert_str(got->query_params, "[\"q\"]");
    assert_str(got->blocked_addresses, "[\"10.0.0.0/8\"]");
    assert_str(got->blocked_paths, "[\"/admin/*\"]");
    assert_str(got->disabled_events, "[\"pageview\"]");
    assert_str(got->disabled_fields, "[\"referrer\",\"language\"]");
    assert_str(got->require_token, "[\"ai.usage\"]");
    assert_str(got->blocked_countries, "[\"KP\",\"XX\"]");
    assert_str(got->blocked_referrers, "[\"spam.example\"]");
    assert_str(got->goals, GOALS);
    assert_str(got->path_rules, RULES);
    assert_true(got->public_dashboard);
    assert_str(got->public_metrics, "[\"leads\"]");
    assert_str(got->pinned, "[\"timezone\"]");
    assert_int_equal(got->events_per_month, 70000);
    assert_int_equal(got->erase_ms, 0);
    assert_int_equal(got->events_per_second, 50);
    assert_int_equal(got->paths_per_day, 77);
    assert_int_equal(got->raw_days, 0);
    assert_int_equal(got->visit_days, 10);
    assert_int_equal(got->stats_days, -1);
    assert_int_equal(got->created_ms, 1000);
}

static void a_site_comes_back_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct site_row put = full_site();

    assert_ok(f, put_site(f, &put));
    assert_full_site(f);
    assert_ok(f, put_site(f, &put));
    assert_full_site(f);
}

static int set_site(struct fixture *f, const struct site_row *row)
{
    return store_set_site(f->store, row, &somebody, &f->err);
}

static void settings_change_and_what_a_site_is_does_not(void **state)
{
    struct fixture *f = *state;
    struct site_row first = site_named("abc", "t5g"), full = full_site();

    assert_ok(f, put_site(f, &first));
    full.created_ms = 77;
    assert_ok(f, set_site(f, &full));
    assert_full_site(f); /* made at 1000 */
    int64_t counter = counter_of(f, COUNTER_DIRECTORY);

    assert_ok(f, set_site(f, &full));
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
    first.domain = STR("example.net");
    assert_ok(f, set_site(f, &first));
    assert_int_not_equal(counter_of(f, COUNTER_DIRECTORY), counter);
    const struct site_row got = directory_of(f).sites[0];

    assert_str(got.domain, "example.net");
    assert_str(got.goals, "");
    assert_str(got.tracking_ids, "");
    assert_int_equal(got.raw_days, -1);
}

static void settings_of_a_site_that_is_not_there_are_not_found(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g"), stranger = site_named("abc", "else");

    assert_int_equal(set_site(f, &row), ERR_NOTFOUND);
    assert_ok(f, put_site(f, &row));
    stranger.domain = STR("example.net");
    assert_int_equal(set_site(f, &stranger), ERR_NOTFOUND);
    assert_str(directory_of(f).sites[0].domain, "example.com");
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    assert_int_equal(set_site(f, &row), ERR_NOTFOUND);
}

static void changed_settings_keep_to_their_bounds_and_names_to_one_site(void **state)
{
    struct fixture *f = *state;
    struct site_row abc = site_named("abc", "t5g"), other = site_named("xyz", "t5g");

    abc.tracking_ids = STR("[\"pub1\",\"pub2\"]");
    assert_ok(f, put_site(f, &abc));
    assert_ok(f, put_site(f, &other));
    other.ipv4_prefix = 25;
    assert_int_equal(set_site(f, &other), ERR_INVALID);
    other.ipv4_prefix = 24;
    other.tracking_ids = STR("[\"pub2\"]");
    assert_int_equal(set_site(f, &other), ERR_CONFLICT);
    other.tracking_ids = STR("[\"abc\"]");
    assert_int_equal(set_site(f, &other), ERR_CONFLICT);
    assert_str(directory_of(f).sites[1].tracking_ids, "");

    /* A name that it has already, and one that another has given up. */
    abc.tracking_ids = STR("[\"pub1\",\"pub3\"]");
    assert_ok(f, set_site(f, &abc));
    other.tracking_ids = STR("[\"pub2\"]");
    assert_ok(f, set_site(f, &other));
    assert_str(directory_of(f).sites[1].tracking_ids, "[\"pub2\"]");
}

static void a_sites_token_outlives_a_change_of_its_settings(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g");
    struct token_row token = {.id = STR("k1"),
                              .tenant = STR("t5g"),
                              .site = STR("abc"),
                              .scopes = SCOPE_STATS_READ,
                              .hash = {1}};

    assert_ok(f, put_site(f, &row));
    assert_ok(f, store_put_token(f->store, &token, &somebody, &f->err));
    row.enabled = false;
    assert_ok(f, set_site(f, &row));
    assert_int_equal(directory_of(f).tokens_count, 1);
    assert_false(directory_of(f).sites[0].enabled);
}

static void a_site_makes_its_tenant(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g");

    assert_ok(f, put_site(f, &row));
    struct directory_rows rows = directory_of(f);

    assert_int_equal(rows.tenants_count, 1);
    assert_str(rows.tenants[0].id, "t5g");
    assert_str(rows.tenants[0].name, "t5g");
    assert_true(rows.tenants[0].active);
}

static void the_same_site_again_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g");

    assert_ok(f, put_site(f, &row));
    int64_t counter = counter_of(f, COUNTER_DIRECTORY);

    row.created_ms = 2000;
    assert_ok(f, put_site(f, &row));
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), counter);
    assert_int_equal(directory_of(f).sites[0].created_ms, 1000);
}

static void other_values_for_the_same_site_are_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g"), other = row;

    assert_ok(f, put_site(f, &row));
    other.domain = STR("example.org");
    assert_int_equal(put_site(f, &other), ERR_CONFLICT);
    other = row;
    other.tenant = STR("else");
    assert_int_equal(put_site(f, &other), ERR_CONFLICT);
    assert_str(directory_of(f).sites[0].domain, "example.com");
}

static void names_are_unique_in_the_installation(void **state)
{
    struct fixture *f = *state;
    struct site_row a = site_named("a", "t5g"), b = site_named("b", "else");

    a.tracking_ids = STR("[\"pub\"]");
    assert_ok(f, put_site(f, &a));
    b.tracking_ids = STR("[\"pub\"]");
    assert_int_equal(put_site(f, &b), ERR_CONFLICT);
    b.tracking_ids = STR("[\"a\"]");
    assert_int_equal(put_site(f, &b), ERR_CONFLICT);
    b.tracking_ids = STR("[\"b\"]");
    assert_int_equal(put_site(f, &b), ERR_CONFLICT);
    b.tracking_ids = STR("[\"c\",\"c\"]");
    assert_int_equal(put_site(f, &b), ERR_CONFLICT);
    b.tracking_ids = STR("[\"c\"]");
    assert_ok(f, put_site(f, &b));
    struct site_row pub = site_named("pub", "t5g");

    assert_int_equal(put_site(f, &pub), ERR_CONFLICT);
    assert_int_equal(directory_of(f).sites_count, 2);
}

/* A value on each side of each bound. */
static void settings_keep_to_their_bounds(void **state)
{
    struct fixture *f = *state;
    char long_domain[255];
    struct site_row row;

    memset(long_domain, 'a', sizeof(long_domain));
#define BOUND(member, good, bad)                                                                   \
    row = site_named("abc", "t5g");                                                                \
    row.member = (bad);                                                                            \
    assert_int_equal(put_site(f, &row), ERR_INVALID);                                              \
    row.member = (good);                                                                           \
    assert_ok(f, put_site(f, &row));                                                               \
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err))

    BOUND(domain, ((struct str){long_domain, 253}), ((struct str){long_domain, 254}));
    BOUND(domain, STR("a"), STR(""));
    BOUND(timezone, ((struct str){long_domain, 64}), ((struct str){long_domain, 65}));
    BOUND(timezone, STR("Z"), STR(""));
    BOUND(visitor_identity, STR("full-address"), STR("address"));
    BOUND(ipv4_prefix, 24, 25);
    BOUND(ipv4_prefix, 0, -1);
    BOUND(ipv6_prefix, 48, 49);
    BOUND(ipv6_prefix, 0, -1);
    BOUND(events_per_second, 1000000000, 1000000001);
    BOUND(events_per_second, 0, -1);
    BOUND(events_per_month, 1000000000000, 1000000000001);
    BOUND(events_per_month, 0, -1);
    BOUND(erase_ms, INT64_MAX, -1);
    BOUND(paths_per_day, 10000000, 10000001);
    BOUND(paths_per_day, 1, 0);
    BOUND(raw_days, 36500, 36501);
    BOUND(raw_days, -1, -2);
    BOUND(visit_days, 36500, 36501);
    BOUND(visit_days, -1, -2);
    BOUND(stats_days, 36500, 36501);
    BOUND(stats_days, -1, -2);
    BOUND(tracking_ids, STR("[\"x\"]"), STR("[\"x y\"]"));
    BOUND(allowed_origins, STR("[\"x y\"]"), STR("[1]"));
    BOUND(query_params, STR("[]"), STR("{}"));
    BOUND(blocked_paths, STR(""), STR("nonsense"));
    BOUND(disabled_fields,
          STR("[\"referrer\",\"campaign\",\"title\",\"screen\",\"props\",\"country\","
              "\"browser\",\"os\",\"device\",\"language\",\"title\"]"),
          STR("[\"path\"]"));
    BOUND(disabled_fields, STR(""), STR("[1]"));
    BOUND(disabled_fields, STR("[]"), STR("[\"\"]"));
    BOUND(blocked_countries, STR("[\"DE\"]"), STR("[{}]"));
    BOUND(blocked_referrers, STR("[\"a.example\"]"), STR("\"a.example\""));
    BOUND(goals, STR(GOALS), STR("[{\"name\":\"Bought\"}]"));
    BOUND(goals, STR("[]"), STR("[\"signup\"]"));
    BOUND(path_rules, STR(RULES), STR("[{\"match\":\"/users/*\"}]"));
    BOUND(path_rules, STR("[]"), STR("{}"));
    BOUND(public_metrics, STR("[\"leads\"]"), STR("[1]"));
    BOUND(pinned, STR("[\"respectGpc\",\"limits.pathsPerDay\"]"), STR("[\"colour\"]"));
    BOUND(pinned, STR("[]"), STR("[\"siteId\"]"));
#undef BOUND
    row = site_named("not an id", "t5g");
    assert_int_equal(put_site(f, &row), ERR_INVALID);
    row = site_named("abc", "");
    assert_int_equal(put_site(f, &row), ERR_INVALID);
}

static void a_field_that_is_none_is_named_with_those_there_are(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g");

    assert_ok(f, put_site(f, &row));
    row.disabled_fields = STR("[\"title\",\"path\"]");
    assert_int_equal(store_set_site(f->store, &row, &somebody, &f->err), ERR_INVALID);
    assert_string_equal(f->err.text,
                        "fields[1]: must be referrer, campaign, title, screen, props, country, "
                        "browser, os, device or language");
    assert_str(directory_of(f).sites[0].disabled_fields, "");
}

static void a_removed_site_keeps_its_numbers_for_its_tenant_alone(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g"), stranger = site_named("abc", "else");

    assert_ok(f, put_site(f, &row));
    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    assert_int_equal(directory_of(f).sites_count, 0);
    assert_int_equal(days_of(f, "abc", DAY, DAY).count, 1);
    assert_int_equal(days_of(f, "", DAY, DAY).count, 0);
    assert_int_equal(put_site(f, &stranger), ERR_CONFLICT);
    assert_ok(f, put_site(f, &row));
    assert_int_equal(days_of(f, "", DAY, DAY).count, 1);
}

static void retention_takes_a_removed_sites_numbers_and_frees_its_id(void **state)
{
    struct fixture *f = *state;
    struct site_row row = site_named("abc", "t5g"), stranger = site_named("abc", "else");
    struct expiry_general general = nothing_general;

    assert_ok(f, put_site(f, &row));
    fill_two_days(f);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    general.removed = (struct expiry){STR(""), INT64_MAX, INT32_MAX, INT32_MAX, DAY + 1};
    expire(f, NULL, &general);
    assert_int_equal(raw_rows(f, "abc"), 0);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 1);
    assert_int_equal(put_site(f, &stranger), ERR_CONFLICT);
    general.removed.stats_before_day = INT32_MAX;
    expire(f, NULL, &general);
    assert_int_equal(days_of(f, "abc", INT32_MIN, INT32_MAX).count, 0);
    assert_balance(f, 2, 2);
    assert_ok(f, put_site(f, &stranger));
}

static void what_is_not_there_cannot_be_removed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_remove_site(f->store, STR("abc"), &somebody, &f->err), ERR_NOTFOUND);
    assert_int_equal(store_remove_tenant(f->store, STR("t5g"), &somebody, &f->err), ERR_NOTFOUND);
    assert_int_equal(store_remove_token(f->store, STR("1"), &somebody, &f->err), ERR_NOTFOUND);
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), 0);
}

static void tenants_are_put_once_and_removed_without_sites(void **state)
{
    struct fixture *f = *state;
    struct tenant_row row = tenant_named("t5g", "Five"), other = row;
    struct site_row site = site_named("abc", "t5g");

    assert_ok(f, store_put_tenant(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_put_tenant(f->store, &row, &somebody, &f->err));
    other.name = STR("Six");
    assert_int_equal(store_put_tenant(f->store, &other, &somebody, &f->err), ERR_CONFLICT);
    assert_ok(f, put_site(f, &site));
    assert_str(directory_of(f).tenants[0].name, "Five");
    assert_int_equal(store_remove_tenant(f->store, STR("t5g"), &somebody, &f->err), ERR_CONFLICT);
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    assert_ok(f, store_remove_tenant(f->store, STR("t5g"), &somebody, &f->err));
    assert_int_equal(directory_of(f).tenants_count, 0);
    other.name = STR("");
    assert_int_equal(store_put_tenant(f->store, &other, &somebody, &f->err), ERR_INVALID);
}

static struct token_row token_of(const char *id, uint8_t secret)
{
    return (struct token_row){.id = str_from(id),
                              .tenant = STR("t5g"),
                              .site = STR("abc"),
                              .scopes = SCOPE_STATS_READ | SCOPE_ADMIN,
                              .hash = {secret, 0, 0xff},
                              .created_ms = 1000,
                              .expires_ms = 2000};
}

static void a_token_comes_back_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct site_row site = site_named("abc", "t5g");
    struct token_row row = token_of("k1", 9);

    assert_ok(f, put_site(f, &site));
    assert_ok(f, store_put_token(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_put_token(f->store, &row, &somebody, &f->err));
    struct directory_rows rows = directory_of(f);

    assert_int_equal(rows.tokens_count, 1);
    assert_str(rows.tokens[0].id, "k1");
    assert_str(rows.tokens[0].tenant, "t5g");
    assert_str(rows.tokens[0].site, "abc");
    assert_false(rows.tokens[0].platform);
    assert_int_equal(rows.tokens[0].scopes, SCOPE_STATS_READ | SCOPE_ADMIN);
    assert_memory_equal(rows.tokens[0].hash, row.hash, TOKEN_HASH_BYTES);
    assert_int_equal(rows.tokens[0].created_ms, 1000);
    assert_int_equal(rows.tokens[0].expires_ms, 2000);
    assert_ok(f, store_remove_token(f->store, STR("k1"), &somebody, &f->err));
    assert_int_equal(directory_of(f).tokens_count, 0);
}

static void a_token_needs_an_owner_that_is_there(void **state)
{
    struct fixture *f = *state;
    struct site_row site = site_named("abc", "t5g"), foreign = site_named("xyz", "else");
    struct token_row row = token_of("k1", 9);
    struct token_row platform = {.id = STR("p"), .platform = true, .scopes = SCOPE_METRICS};

    assert_int_equal(store_put_token(f->store, &row, &somebody, &f->err), ERR_NOTFOUND);
    assert_ok(f, put_site(f, &site));
    assert_ok(f, put_site(f, &foreign));
    row.site = STR("xyz");
    assert_int_equal(store_put_token(f->store, &row, &somebody, &f->err), ERR_NOTFOUND);
    row.site = STR("");
    assert_ok(f, store_put_token(f->store, &row, &somebody, &f->err));
    assert_ok(f, store_put_token(f->store, &platform, &somebody, &f->err));
    platform.tenant = STR("t5g");
    assert_int_equal(store_put_token(f->store, &platform, &somebody, &f->err), ERR_INVALID);
    row.scopes = 0;
    assert_int_equal(store_put_token(f->store, &row, &somebody, &f->err), ERR_INVALID);
}

static void token_ids_and_secrets_are_taken_once(void **state)
{
    struct fixture *f = *state;
    struct site_row site = site_named("abc", "t5g");
    struct token_row row = token_of("k1", 9), same_id = token_of("k1", 8),
                     same_hash = token_of("k2", 9);

    assert_ok(f, put_site(f, &site));
    assert_ok(f, store_put_token(f->store, &row, &somebody, &f->err));
    assert_int_equal(store_put_token(f->store, &same_id, &somebody, &f->err), ERR_CONFLICT);
    assert_int_equal(store_put_token(f->store, &same_hash, &somebody, &f->err), ERR_CONFLICT);
}

static void tokens_go_with_their_site_and_tenant(void **state)
{
    struct fixture *f = *state;
    struct site_row site = site_named("abc", "t5g");
    struct token_row bound = token_of("k1", 1), whole = token_of("k2", 2);

    whole.site = STR("");
    assert_ok(f, put_site(f, &site));
    assert_ok(f, store_put_token(f->store, &bound, &somebody, &f->err));
    assert_ok(f, store_put_token(f->store, &whole, &somebody, &f->err));
    assert_ok(f, store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    struct directory_rows rows = directory_of(f);

    assert_int_equal(rows.tokens_count, 1);
    assert_str(rows.tokens[0].id, "k2");
    assert_ok(f, store_remove_tenant(f->store, STR("t5g"), &somebody, &f->err));
    assert_int_equal(directory_of(f).tokens_count, 0);
}

static void sites_come_in_the_order_they_were_made(void **state)
{
    struct fixture *f = *state;
    struct site_row z = site_named("z", "t5g"), a = site_named("a", "t5g");

    assert_ok(f, put_site(f, &z));
    assert_ok(f, put_site(f, &a));
    struct directory_rows rows = directory_of(f);

    assert_str(rows.sites[0].id, "z");
    assert_str(rows.sites[1].id, "a");
}

static void each_change_of_the_directory_raises_its_counter(void **state)
{
    struct fixture *f = *state;
    struct tenant_row tenant = tenant_named("t5g", "Five");
    struct site_row site = site_named("abc", "t5g");
    struct token_row token = token_of("k1", 1);
    int64_t last = counter_of(f, COUNTER_DIRECTORY);

#define RAISES(call)                                                                               \
    assert_ok(f, call);                                                                            \
    assert_true(counter_of(f, COUNTER_DIRECTORY) > last);                                          \
    last = counter_of(f, COUNTER_DIRECTORY)

    RAISES(store_put_tenant(f->store, &tenant, &somebody, &f->err));
    RAISES(store_put_site(f->store, &site, &somebody, &f->err));
    RAISES(store_put_token(f->store, &token, &somebody, &f->err));
    RAISES(store_remove_token(f->store, STR("k1"), &somebody, &f->err));
    RAISES(store_remove_site(f->store, STR("abc"), &somebody, &f->err));
    RAISES(store_remove_tenant(f->store, STR("t5g"), &somebody, &f->err));
#undef RAISES
    add_day(f, "abc", DAY, (struct stats){.pageviews = 1});
    assert_int_equal(counter_of(f, COUNTER_DIRECTORY), last);
}

static void the_id_key_stays_and_is_random(void **state)
{
    struct fixture *f = *state;
    struct directory_rows a = directory_of(f), b = directory_of(f);
    const uint8_t zero[16] = {0};

    assert_memory_equal(a.id_key, b.id_key, 16);
    assert_memory_not_equal(a.id_key, zero, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(a_site_comes_back_as_it_was_put),
        ON_ALL(settings_change_and_what_a_site_is_does_not),
        ON_ALL(settings_of_a_site_that_is_not_there_are_not_found),
        ON_ALL(changed_settings_keep_to_their_bounds_and_names_to_one_site),
        ON_ALL(a_sites_token_outlives_a_change_of_its_settings),
        ON_ALL(a_site_makes_its_tenant),
        ON_ALL(the_same_site_again_changes_nothing),
        ON_ALL(other_values_for_the_same_site_are_a_conflict),
        ON_ALL(names_are_unique_in_the_installation),
        ON_ALL(settings_keep_to_their_bounds),
        ON_ALL(a_field_that_is_none_is_named_with_those_there_are),
        ON_ALL(a_removed_site_keeps_its_numbers_for_its_tenant_alone),
        ON_ALL(retention_takes_a_removed_sites_numbers_and_frees_its_id),
        ON_ALL(what_is_not_there_cannot_be_removed),
        ON_ALL(tenants_are_put_once_and_removed_without_sites),
        ON_ALL(a_token_comes_back_as_it_was_put),
        ON_ALL(a_token_needs_an_owner_that_is_there),
        ON_ALL(token_ids_and_secrets_are_taken_once),
        ON_ALL(tokens_go_with_their_site_and_tenant),
        ON_ALL(sites_come_in_the_order_they_were_made),
        ON_ALL(each_change_of_the_directory_raises_its_counter),
        ON_ALL(the_id_key_stays_and_is_random),
    };

    return run_with_postgres("store_admin", tests, sizeof(tests) / sizeof(tests[0]));
}
