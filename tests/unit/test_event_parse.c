/* What the contract says of a tracking request's body: every limit on both sides, every refusal's
 * place and text. */
#include "event/event.h"
#include "unit.h"

#include <stdio.h>

/* 2026-11-22T10:05:00Z */
#define NOW_MS INT64_C(1795341900000)

static struct arena arena;

static int free_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* JSON with ' for ". */
static struct str quoted(const char *text)
{
    struct str s = arena_str(&arena, str_from(text));
    char *bytes = ARENA_NEW(&arena, char, s.len);

    for (size_t i = 0; i < s.len; i++)
        bytes[i] = (char)(s.ptr[i] == '\'' ? '"' : s.ptr[i]);
    return (struct str){bytes, s.len};
}

/* `before`, `unit` `n` times, `after`. */
static const char *repeated(const char *before, const char *unit, size_t n, const char *after)
{
    struct buf buf = {0};

    buf_add(&buf, str_from(before));
    for (size_t i = 0; i < n; i++)
        buf_add(&buf, str_from(unit));
    buf_add(&buf, str_from(after));
    buf_addc(&buf, '\0');
    const char *text = arena_str(&arena, buf_str(&buf)).ptr;

    buf_release(&buf);
    return text;
}

static const char *pageview_with(const char *member)
{
    return repeated("{'event':'pageview','siteId':'abc123','path':'/',", member, 1, "}");
}

static int parse(const char *body, struct event_batch *batch, struct event_problem *problem,
                 struct err *err)
{
    return event_parse(quoted(body), NOW_MS, &arena, batch, problem, err);
}

/* The one event of a body that is taken. */
static const struct event_input *taken(const char *body)
{
    struct event_batch batch = {0};
    struct event_problem problem;
    struct err err = {0};
    int rc = parse(body, &batch, &problem, &err);

    if (rc != 0)
        fail_msg("%.200s: %s", body, err.text);
    assert_int_equal(batch.count, 1);
    return &batch.events[0];
}

static void refused(const char *body, size_t index, const char *field, const char *text)
{
    struct event_batch batch = {0};
    struct event_problem problem;
    struct err err = {0};

    if (parse(body, &batch, &problem, &err) != ERR_INVALID)
        fail_msg("taken: %.200s", body);
    assert_string_equal(err.text, text);
    assert_true(problem.index == index);
    if (field == NULL)
        assert_null(problem.field);
    else
        assert_string_equal(problem.field, field);
}

static void refuses_member(const char *member, const char *field, const char *what)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "event 0: %s %s", field, what);
    refused(pageview_with(member), 0, field, text);
}

static void is_text(struct str s, const char *expected)
{
    if (!str_eq(s, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(s), expected);
}

/* -- the request -- */

static void takes_every_member(void **state)
{
    (void)state;
    const struct event_input *in = taken(
        "{'visitor':{'ip':'192.0.2.7','userAgent':'UA'},'timestamp':'2026-11-22T11:04:00+01:00',"
        "'id':'k1','props':{'plan':'pro','n':1.50,'ok':true},'screen':'1440x900','title':'T',"
        "'referrer':'https://www.google.com/','path':'/p?x=1','tenantId':'t5g','siteId':'abc123',"
        "'count':3,'event':'signup','later':[1,{'a':2}]}");

    assert_int_equal(in->kind, EVENT_CUSTOM);
    is_text(in->name, "signup");
    is_text(in->site, "abc123");
    is_text(in->tenant, "t5g");
    is_text(in->path, "/p?x=1");
    is_text(in->referrer, "https://www.google.com/");
    is_text(in->title, "T");
    is_text(in->screen, "1440x900");
    is_text(in->id, "k1");
    is_text(in->props, "{\"plan\":\"pro\",\"n\":1.50,\"ok\":true}");
    assert_int_equal(in->count, 3);
    assert_true(in->has_timestamp);
    assert_true(in->timestamp_ms == NOW_MS - 60000);
    assert_true(in->has_visitor);
    assert_int_equal(in->visitor_address.family, 4);
    is_text(in->visitor_agent, "UA");
}

static void leaves_absent_members_empty(void **state)
{
    (void)state;
    const struct event_input *in = taken("{'event':'lead.created','siteId':'abc123'}");

    assert_int_equal(in->kind, EVENT_LEAD_CREATED);
    assert_int_equal(in->count, 1);
    assert_int_equal(in->scroll, -1);
    assert_true(in->tokens == 0 && in->seconds_ms == 0);
    assert_false(in->has_timestamp || in->has_visitor);
    assert_int_equal(in->tenant.len + in->path.len + in->referrer.len + in->title.len +
                         in->screen.len + in->props.len + in->id.len,
                     0);
}

static void takes_null_for_absent(void **state)
{
    (void)state;
    const struct event_input *in = taken(pageview_with(
        "'tenantId':null,'referrer':null,'title':null,'screen':null,'props':null,'count':null,"
        "'tokens':null,'seconds':null,'scroll':null,'id':null,'timestamp':null,'visitor':null"));

    assert_int_equal(in->count, 1);
    assert_int_equal(in->scroll, -1);
    assert_false(in->has_timestamp || in->has_visitor);
    refused("{'event':'pageview','siteId':'abc123','path':null}", 0, "path",
            "event 0: path is missing");
}

static size_t count_of(const char *body)
{
    struct event_batch batch = {0};
    struct event_problem problem;
    struct err err = {0};

    assert_int_equal(parse(body, &batch, &problem, &err), 0);
    return batch.count;
}

static void takes_arrays_and_lists(void **state)
{
    const char *event = "{'event':'lead.created','siteId':'abc123'},";
    const char *last = "{'event':'lead.created','siteId':'abc123'}";

    (void)state;
    assert_int_equal(count_of(repeated("[", event, 1, repeated(last, "", 0, "]"))), 2);
    assert_int_equal(count_of(repeated("{'events':[", event, 1, repeated(last, "", 0, "]}"))), 2);
    assert_int_equal(count_of(repeated("[", event, 99, repeated(last, "", 0, "]"))), 100);
    assert_int_equal(count_of(repeated("{'events':[", event, 99, repeated(last, "", 0, "]}"))),
                     100);
    /* `events` is an unknown member of what is an event. */
    assert_int_equal(count_of(pageview_with("'events':[]")), 1);
}

static void refuses_empty_and_long_lists(void **state)
{
    const char *event = "{'event':'lead.created','siteId':'abc123'},";
    const char *last = "{'event':'lead.created','siteId':'abc123'}";

    (void)state;
    refused("[]", SIZE_MAX, NULL, "the list of events is empty");
    refused("{'events':[]}", SIZE_MAX, "events", "the list of events is empty");
    refused(repeated("[", event, 100, repeated(last, "", 0, "]")), SIZE_MAX, NULL,
            "at most 100 events in a request");
    refused(repeated("{'events':[", event, 100, repeated(last, "", 0, "]}")), SIZE_MAX, "events",
            "at most 100 events in a request");
}

static void refuses_what_is_no_event(void **state)
{
    const char *neither = "the body is neither an event nor a list of events";

    (void)state;
    refused("5", SIZE_MAX, NULL, neither);
    refused("null", SIZE_MAX, NULL, neither);
    refused("'pageview'", SIZE_MAX, NULL, neither);
    refused("{'events':{}}", SIZE_MAX, "events", neither);
    refused("{'events':'x'}", SIZE_MAX, "events", neither);
    refused("{}", 0, "event", "event 0: event is missing");
    refused("{'events':null}", 0, "event", "event 0: event is missing");
    refused("[{'event':'lead.created','siteId':'a'},7]", 1, NULL, "event 1 is not an object");
    refused("[[]]", 0, NULL, "event 0 is not an object");
}

static void refuses_what_is_no_json(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "{'event':'pageview',}",
        "[{}",
        "\xff",
        "{'event':'\xc0\xaf'}",
        "{'event':'pageview','siteId':'a','path':'/\\u0000'}",
        "{'event':'pageview','siteId':'a','path':'/\\ud800'}",
        "{'event':'pageview','siteId':'a','path':'/','path':'/'}",
        "{'event':'pageview','siteId':'a','path':'/','deep':[[[[]]]]}",
        "{'event':'pageview','siteId':'a','path':'/'}x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct event_batch batch = {0};
        struct event_problem problem;
        struct err err = {0};

        if (parse(bodies[i], &batch, &problem, &err) != ERR_INVALID)
            fail_msg("taken: %s", bodies[i]);
        assert_true(problem.index == SIZE_MAX);
        assert_null(problem.field);
        assert_int_equal(batch.count, 0);
        assert_true(str_starts(str_from(err.text), STR("the body: ")));
    }
}

static void names_the_first_wrong_event(void **state)
{
    (void)state;
    refused("[{'event':'lead.created','siteId':'a'},{'event':'pageview','siteId':'a','path':'/'},"
            "{'event':'ai.usage','siteId':'a','tokens':1},{'siteId':'a','event':'pageview'},"
            "{'event':'?','siteId':'a'}]",
            3, "path", "event 3: path is missing");
}

static void names_the_same_place_whatever_the_order_of_members(void **state)
{
    (void)state;
    refused("{'screen':1,'siteId':'?','event':'lead.created'}", 0, "siteId",
            "event 0: siteId is not 1 to 64 of A-Z a-z 0-9 _ -");
    refused("{'event':'lead.created','siteId':'?','screen':1}", 0, "siteId",
            "event 0: siteId is not 1 to 64 of A-Z a-z 0-9 _ -");
}

static void lists_the_sites_of_a_refused_request(void **state)
{
    (void)state;
    struct event_batch batch = {0};
    struct event_problem problem;
    struct err err = {0};

    assert_int_equal(parse("[{'event':'pageview','siteId':'a'},{'siteId':'b'},{'siteId':5},7,"
                           "{'siteId':'?'},{'event':'lead.created','siteId':'c'}]",
                           &batch, &problem, &err),
                     ERR_INVALID);
    assert_int_equal(batch.count, 3);
    is_text(batch.events[0].site, "a");
    is_text(batch.events[1].site, "b");
    is_text(batch.events[2].site, "c");
}

static void lists_the_sites_of_a_list_that_is_too_long(void **state)
{
    (void)state;
    struct event_batch batch = {0};
    struct event_problem problem;
    struct err err = {0};

    assert_int_equal(
        parse(repeated("[{'siteId':'a'}", ",{'siteId':'b'}", 100, "]"), &batch, &problem, &err),
        ERR_INVALID);
    assert_int_equal(batch.count, 101);
    is_text(batch.events[100].site, "b");
}

/* -- the members -- */

static void knows_the_seven_names(void **state)
{
    static const struct {
        const char *name;
        enum event_kind kind;
    } cases[] = {
        {"pageview", EVENT_PAGEVIEW},
        {"lead.created", EVENT_LEAD_CREATED},
        {"form.submit", EVENT_FORM_SUBMIT},
        {"automation.run", EVENT_AUTOMATION_RUN},
        {"ai.usage", EVENT_AI_USAGE},
        {"export.completed", EVENT_EXPORT_COMPLETED},
        {"engagement", EVENT_ENGAGEMENT},
        {"pageviews", EVENT_CUSTOM},
        {"lead", EVENT_CUSTOM},
        {"custom", EVENT_CUSTOM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct event_input *in = taken(
            repeated("{'siteId':'a','path':'/','tokens':0,'event':'", cases[i].name, 1, "'}"));

        assert_int_equal(in->kind, cases[i].kind);
        is_text(in->name, cases[i].name);
        if (in->kind != EVENT_CUSTOM)
            is_text(event_kind_name(in->kind), cases[i].name);
    }
    is_text(event_kind_name(EVENT_CUSTOM), "custom");
}

static void takes_custom_names_up_to_64_characters(void **state)
{
    const char *wrong = "event 0: event is not a name of the form [a-z][a-z0-9_.:-]{0,63}";

    (void)state;
    (void)taken("{'event':'a','siteId':'a'}");
    (void)taken("{'event':'a9_.:-z','siteId':'a'}");
    (void)taken(repeated("{'siteId':'a','event':'", "e", 64, "'}"));
    refused(repeated("{'siteId':'a','event':'", "e", 65, "'}"), 0, "event", wrong);
    refused("{'event':'','siteId':'a'}", 0, "event", wrong);
    refused("{'event':'Signup','siteId':'a'}", 0, "event", wrong);
    refused("{'event':'9lives','siteId':'a'}", 0, "event", wrong);
    refused("{'event':'sign up','siteId':'a'}", 0, "event", wrong);
    refused("{'event':'sign/up','siteId':'a'}", 0, "event", wrong);
    refused("{'event':'\xc3\xa9','siteId':'a'}", 0, "event", wrong);
    refused("{'event':7,'siteId':'a'}", 0, "event", "event 0: event is not a string");
}

static void checks_site_and_tenant_ids(void **state)
{
    (void)state;
    (void)taken(repeated("{'event':'x','siteId':'", "aZ9_", 16, "'}"));
    refused(repeated("{'event':'x','siteId':'", "a", 65, "'}"), 0, "siteId",
            "event 0: siteId is not 1 to 64 of A-Z a-z 0-9 _ -");
    refused("{'event':'x','siteId':''}", 0, "siteId",
            "event 0: siteId is not 1 to 64 of A-Z a-z 0-9 _ -");
    refused("{'event':'x','siteId':5}", 0, "siteId", "event 0: siteId is not a string");
    refused("{'event':'x'}", 0, "siteId", "event 0: siteId is missing");
    refused("{'event':'x','siteId':null}", 0, "siteId", "event 0: siteId is missing");
    is_text(taken(pageview_with(repeated("'tenantId':'", "t", 64, "'")))->tenant,
            repeated("", "t", 64, ""));
    refuses_member(repeated("'tenantId':'", "t", 65, "'"), "tenantId",
                   "is not 1 to 64 of A-Z a-z 0-9 _ -");
    refuses_member("'tenantId':''", "tenantId", "is not 1 to 64 of A-Z a-z 0-9 _ -");
    refuses_member("'tenantId':true", "tenantId", "is not a string");
}

static void requires_a_path_of_pageviews_and_engagement_alone(void **state)
{
    (void)state;
    refused("{'event':'pageview','siteId':'a'}", 0, "path", "event 0: path is missing");
    refused("{'event':'engagement','siteId':'a'}", 0, "path", "event 0: path is missing");
    (void)taken("{'event':'form.submit','siteId':'a'}");
    (void)taken("{'event':'automation.run','siteId':'a'}");
    (void)taken("{'event':'export.completed','siteId':'a'}");
    (void)taken("{'event':'my.own','siteId':'a'}");
}

static void takes_paths_up_to_2000_bytes(void **state)
{
    const char *before = "{'event':'pageview','siteId':'a','path':'/";

    (void)state;
    assert_int_equal(taken(repeated(before, "p", 1999, "'}"))->path.len, 2000);
    refused(repeated(before, "p", 2000, "'}"), 0, "path",
            "event 0: path is longer than 2000 bytes");
    /* Bytes, not characters. */
    refused(repeated(before, "\xc3\xa9", 1000, "'}"), 0, "path",
            "event 0: path is longer than 2000 bytes");
    refused("{'event':'pageview','siteId':'a','path':''}", 0, "path", "event 0: path is empty");
    refused("{'event':'pageview','siteId':'a','path':{}}", 0, "path",
            "event 0: path is not a string");
}

static const char *path_of(const char *sent)
{
    struct str path =
        taken(repeated("{'event':'pageview','siteId':'a','path':'", sent, 1, "'}"))->path;

    return repeated(arena_str(&arena, path).ptr, "", 0, "");
}

static void reduces_urls_to_their_path(void **state)
{
    const char *neither =
        "event 0: path is neither a path that begins with / nor an http or https URL";

    (void)state;
    assert_string_equal(path_of("https://www.example.com/a/b?x=1#f"), "/a/b?x=1#f");
    assert_string_equal(path_of("HTTP://example.com:8080/a"), "/a");
    assert_string_equal(path_of("https://example.com"), "/");
    assert_string_equal(path_of("https://example.com?x=1"), "/?x=1");
    assert_string_equal(path_of("https://user:pw@[2001:db8::1]:80/z"), "/z");
    assert_string_equal(path_of("//double/slash"), "//double/slash");
    refused("{'event':'pageview','siteId':'a','path':'pricing'}", 0, "path", neither);
    refused("{'event':'pageview','siteId':'a','path':'file:///etc/x'}", 0, "path", neither);
    refused("{'event':'pageview','siteId':'a','path':'https:///x'}", 0, "path", neither);
    refused("{'event':'pageview','siteId':'a','path':'javascript:alert(1)'}", 0, "path", neither);
    refused("{'event':'lead.created','siteId':'a','path':'x'}", 0, "path", neither);
}

/* What is kept of them is cut after it was masked: event_make(). */
static void takes_referrers_and_titles_of_any_length(void **state)
{
    (void)state;
    assert_int_equal(taken(pageview_with(repeated("'referrer':'", "r", 60000, "'")))->referrer.len,
                     60000);
    assert_int_equal(taken(pageview_with(repeated("'title':'", "t", 60000, "'")))->title.len,
                     60000);
    assert_int_equal(taken(pageview_with("'referrer':''"))->referrer.len, 0);
    refuses_member("'referrer':[]", "referrer", "is not a string");
    refuses_member("'title':1", "title", "is not a string");
}

static void checks_the_form_of_screens(void **state)
{
    static const char *const wrong[] = {"",           "x",           "1440",      "1440x",
                                        "x900",       "1440X900",    "-1x900",    "1440x900x2",
                                        "144000x900", "1440x900000", "1440 x 900"};

    (void)state;
    is_text(taken(pageview_with("'screen':'1x1'"))->screen, "1x1");
    is_text(taken(pageview_with("'screen':'99999x99999'"))->screen, "99999x99999");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuses_member(repeated("'screen':'", wrong[i], 1, "'"), "screen",
                       "is not of the form 1440x900");
    refuses_member("'screen':1440", "screen", "is not a string");
    refuses_member(repeated("'screen':'", "1", 33, "'"), "screen", "is longer than 32 bytes");
}

static const char *props_of(size_t count)
{
    struct buf buf = {0};

    buf_add(&buf, STR("'props':{"));
    for (size_t i = 0; i < count; i++)
        buf_addf(&buf, "%s'k%zu':%zu", i > 0 ? "," : "", i, i);
    buf_add(&buf, STR("}"));
    buf_addc(&buf, '\0');
    const char *text = arena_str(&arena, buf_str(&buf)).ptr;

    buf_release(&buf);
    return text;
}

static void takes_at_most_30_flat_props(void **state)
{
    (void)state;
    assert_true(taken(pageview_with(props_of(30)))->props.len > 0);
    refuses_member(props_of(31), "props", "has more than 30 names");
    assert_int_equal(taken(pageview_with("'props':{}"))->props.len, 0);
    refuses_member("'props':[]", "props", "is not an object");
    refuses_member("'props':'x'", "props", "is not an object");
}

static void checks_the_values_of_props(void **state)
{
    const char *what = "is neither a string nor a finite number nor true or false";

    (void)state;
    (void)taken(pageview_with(repeated("'props':{'a':'", "v", 2000, "'}")));
    refuses_member(repeated("'props':{'a':'", "v", 2001, "'}"), "props.a",
                   "is longer than 2000 bytes");
    refuses_member("'props':{'ok':1,'plan':null}", "props.plan", what);
    refuses_member("'props':{'plan':{}}", "props.plan", what);
    refuses_member("'props':{'plan':[]}", "props.plan", what);
    refuses_member("'props':{'n':1e999}", "props.n", what);
    (void)taken(pageview_with(repeated("'props':{'", "k", 100, "':1}")));
    refuses_member(repeated("'props':{'", "k", 101, "':1}"), "props",
                   "has a name longer than 100 bytes");
}

static void keeps_props_canonically(void **state)
{
    (void)state;
    is_text(taken(pageview_with("'props' : { 'b' : 'x\\u0041\\/\\n' ,\n'a': -0.50e3 , 'c':false }"))
                ->props,
            "{\"b\":\"xA/\\n\",\"a\":-0.50e3,\"c\":false}");
}

static void takes_counts_from_1_to_a_million(void **state)
{
    const char *what = "is not an integer from 1 to 1000000";

    (void)state;
    assert_int_equal(taken(pageview_with("'count':1"))->count, 1);
    assert_int_equal(taken(pageview_with("'count':1000000"))->count, 1000000);
    refuses_member("'count':0", "count", what);
    refuses_member("'count':1000001", "count", what);
    refuses_member("'count':-1", "count", what);
    refuses_member("'count':1.5", "count", what);
    refuses_member("'count':'2'", "count", what);
    refuses_member("'count':99999999999999999999", "count", what);
}

static void takes_tokens_up_to_1e12_times_count(void **state)
{
    const char *what = "is not an integer from 0 to 1000000000000";
    const char *product = "event 0: tokens times count is more than 1000000000000";

    (void)state;
    assert_true(taken("{'event':'ai.usage','siteId':'a','tokens':0}")->tokens == 0);
    assert_true(taken("{'event':'ai.usage','siteId':'a','tokens':1000000000000}")->tokens ==
                INT64_C(1000000000000));
    refused("{'event':'ai.usage','siteId':'a'}", 0, "tokens", "event 0: tokens is missing");
    refuses_member("'tokens':1000000000001", "tokens", what);
    refuses_member("'tokens':-1", "tokens", what);
    refuses_member("'tokens':1.0", "tokens", what);
    refuses_member("'tokens':'1'", "tokens", what);
    (void)taken("{'event':'ai.usage','siteId':'a','count':1000000,'tokens':1000000}");
    refused("{'event':'ai.usage','siteId':'a','count':1000000,'tokens':1000001}", 0, "tokens",
            product);
    refused("{'tokens':1000000000000,'event':'ai.usage','siteId':'a','count':1000000}", 0, "tokens",
            product);
}

static const struct event_input *engagement(const char *member)
{
    return taken(repeated("{'event':'engagement','siteId':'a','path':'/',", member, 1, "}"));
}

static void takes_engagement_within_its_bounds(void **state)
{
    (void)state;
    assert_true(engagement("'seconds':0")->seconds_ms == 0);
    assert_true(engagement("'seconds':86400")->seconds_ms == 86400000);
    assert_true(engagement("'seconds':12.3456")->seconds_ms == 12346);
    refuses_member("'seconds':86400.001", "seconds", "is not a number from 0 to 86400");
    refuses_member("'seconds':-0.001", "seconds", "is not a number from 0 to 86400");
    refuses_member("'seconds':'5'", "seconds", "is not a number from 0 to 86400");
    assert_int_equal(engagement("'scroll':0")->scroll, 0);
    assert_int_equal(engagement("'scroll':100")->scroll, 100);
    assert_int_equal(engagement("'scroll':43.7")->scroll, 44);
    assert_int_equal(engagement("'seconds':1")->scroll, -1);
    refuses_member("'scroll':100.5", "scroll", "is not a number from 0 to 100");
    refuses_member("'scroll':-1", "scroll", "is not a number from 0 to 100");
    refuses_member("'scroll':true", "scroll", "is not a number from 0 to 100");
}

static void keeps_amounts_only_where_they_mean_something(void **state)
{
    (void)state;
    const struct event_input *in = taken(pageview_with("'tokens':5,'seconds':5,'scroll':5"));

    assert_true(in->tokens == 0 && in->seconds_ms == 0);
    assert_int_equal(in->scroll, -1);
}

static void takes_ids_of_1_to_200_bytes(void **state)
{
    (void)state;
    assert_int_equal(taken(pageview_with("'id':'x'"))->id.len, 1);
    assert_int_equal(taken(pageview_with(repeated("'id':'", "i", 200, "'")))->id.len, 200);
    refuses_member(repeated("'id':'", "i", 201, "'"), "id", "is longer than 200 bytes");
    refuses_member("'id':''", "id", "is empty");
    refuses_member("'id':5", "id", "is not a string");
}

static void takes_timestamps_from_30_days_ago_to_1_minute_ahead(void **state)
{
    (void)state;
    assert_true(taken(pageview_with("'timestamp':'2026-10-23T10:05:00Z'"))->timestamp_ms ==
                INT64_C(1792749900000));
    refuses_member("'timestamp':'2026-10-23T10:04:59.999Z'", "timestamp",
                   "is more than 30 days ago");
    assert_true(taken(pageview_with("'timestamp':'2026-11-22T10:06:00Z'"))->timestamp_ms ==
                NOW_MS + 60000);
    refuses_member("'timestamp':'2026-11-22T10:06:00.001Z'", "timestamp",
                   "is more than 60 seconds ahead");
    refuses_member("'timestamp':'2026-11-22'", "timestamp", "is not an RFC 3339 date and time");
    refuses_member("'timestamp':'2026-11-22T10:05:00'", "timestamp",
                   "is not an RFC 3339 date and time");
    refuses_member("'timestamp':1795341900", "timestamp", "is not an RFC 3339 date and time");
    refuses_member("'timestamp':''", "timestamp", "is not an RFC 3339 date and time");
}

static void requires_both_members_of_a_visitor(void **state)
{
    (void)state;
    (void)taken(pageview_with("'visitor':{'ip':'2001:db8::1','userAgent':'','more':1}"));
    refuses_member("'visitor':'x'", "visitor", "is not an object");
    refuses_member("'visitor':{}", "visitor.ip", "is missing");
    refuses_member("'visitor':{'ip':null,'userAgent':'x'}", "visitor.ip", "is missing");
    refuses_member("'visitor':{'ip':'1.2.3','userAgent':'x'}", "visitor.ip",
                   "is not an IP address");
    refuses_member("'visitor':{'ip':7,'userAgent':'x'}", "visitor.ip", "is not an IP address");
    refuses_member("'visitor':{'ip':'1.2.3.4'}", "visitor.userAgent", "is missing");
    refuses_member("'visitor':{'ip':'1.2.3.4','userAgent':[]}", "visitor.userAgent",
                   "is not a string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_member),
        cmocka_unit_test(leaves_absent_members_empty),
        cmocka_unit_test(takes_null_for_absent),
        cmocka_unit_test(takes_arrays_and_lists),
        cmocka_unit_test(refuses_empty_and_long_lists),
        cmocka_unit_test(refuses_what_is_no_event),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(names_the_first_wrong_event),
        cmocka_unit_test(names_the_same_place_whatever_the_order_of_members),
        cmocka_unit_test(lists_the_sites_of_a_refused_request),
        cmocka_unit_test(lists_the_sites_of_a_list_that_is_too_long),
        cmocka_unit_test(knows_the_seven_names),
        cmocka_unit_test(takes_custom_names_up_to_64_characters),
        cmocka_unit_test(checks_site_and_tenant_ids),
        cmocka_unit_test(requires_a_path_of_pageviews_and_engagement_alone),
        cmocka_unit_test(takes_paths_up_to_2000_bytes),
        cmocka_unit_test(reduces_urls_to_their_path),
        cmocka_unit_test(takes_referrers_and_titles_of_any_length),
        cmocka_unit_test(checks_the_form_of_screens),
        cmocka_unit_test(takes_at_most_30_flat_props),
        cmocka_unit_test(checks_the_values_of_props),
        cmocka_unit_test(keeps_props_canonically),
        cmocka_unit_test(takes_counts_from_1_to_a_million),
        cmocka_unit_test(takes_tokens_up_to_1e12_times_count),
        cmocka_unit_test(takes_engagement_within_its_bounds),
        cmocka_unit_test(keeps_amounts_only_where_they_mean_something),
        cmocka_unit_test(takes_ids_of_1_to_200_bytes),
        cmocka_unit_test(takes_timestamps_from_30_days_ago_to_1_minute_ahead),
        cmocka_unit_test(requires_both_members_of_a_visitor),
    };
    return cmocka_run_group_tests_name("event_parse", tests, NULL, free_arena);
}
