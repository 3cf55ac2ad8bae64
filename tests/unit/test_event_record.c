/*
 * Records: there and back, the bytes that the format at the top of event/record.c prescribes, and
 * nothing else taken.
 *
 * The partitions were calculated by an implementation of XXH3's specification of its own (in
 * Python, for up to 128 bytes, checked against the specification's value for the empty input).
 */
#include "base/date.h"
#include "event/event.h"
#include "unit.h"

#include <stdlib.h>

/* 2026-11-22T10:05:00Z */
#define NOW_MS INT64_C(1795341900000)
enum { DAY = 20779 };

static struct event full_event(void)
{
    return (struct event){
        .kind = EVENT_CUSTOM,
        .name = STR("sign.up"),
        .site = STR("abc123"),
        .tenant = STR("t5g"),
        .time_ms = NOW_MS - 1000,
        .received_ms = NOW_MS,
        .day = DAY + 1,
        .hour_ms = NOW_MS - 5 * MINUTE_MS,
        .visitor = UINT64_MAX,
        .visitor_before = 1,
        .day_before = DAY - 1, /* two less than its day: a date was skipped */
        .path = STR("/pricing"),
        .referrer = STR("www.google.com"),
        .title = STR("Pricing"),
        .screen = STR("1440x900"),
        .props = STR("{\"plan\":\"pro\"}"),
        .has_id = true,
        .id = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255},
        .count = 3,
        .tokens = EVENT_TOKENS_MAX,
        .seconds_ms = 86400000,
        .scroll = 100,
        .traits =
            {
                [TRAIT_SOURCE] = STR_INIT("Google"),
                [TRAIT_CHANNEL] = STR_INIT("Paid Search"),
                [TRAIT_UTM_SOURCE] = STR_INIT("google"),
                [TRAIT_UTM_MEDIUM] = STR_INIT("cpc"),
                [TRAIT_UTM_CAMPAIGN] = STR_INIT("spring"),
                [TRAIT_UTM_CONTENT] = STR_INIT("blue"),
                [TRAIT_UTM_TERM] = STR_INIT("shoes"),
                [TRAIT_COUNTRY] = STR_INIT("DE"),
                [TRAIT_BROWSER] = STR_INIT("Firefox"),
                [TRAIT_OS] = STR_INIT("Linux"),
                [TRAIT_DEVICE] = STR_INIT("desktop"),
                [TRAIT_LANGUAGE] = STR_INIT("de"),
            },
        .prefix = STR("198.51.100.0/24"),
    };
}

/* Nothing but what must be there. */
static struct event bare_event(void)
{
    return (struct event){.kind = EVENT_PAGEVIEW,
                          .name = STR("pageview"),
                          .site = STR("a"),
                          .tenant = STR("b"),
                          .time_ms = NOW_MS,
                          .received_ms = NOW_MS,
                          .day = DAY,
                          .hour_ms = NOW_MS,
                          .count = 1,
                          .scroll = -1};
}

static struct tally some_tally(void)
{
    return (struct tally){.site = STR("abc123"),
                          .tenant = STR("t5g"),
                          .day = DAY,
                          .rejected = true,
                          .reason = REJECT_RATE_LIMITED,
                          .events = 70000};
}

static void same_event(const struct event *a, const struct event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(str_eq(a->name, b->name));
    assert_true(str_eq(a->site, b->site));
    assert_true(str_eq(a->tenant, b->tenant));
    assert_true(a->time_ms == b->time_ms);
    assert_true(a->received_ms == b->received_ms);
    assert_int_equal(a->day, b->day);
    assert_true(a->hour_ms == b->hour_ms);
    assert_true(a->visitor == b->visitor);
    assert_true(a->visitor_before == b->visitor_before);
    assert_int_equal(a->day_before, b->day_before);
    assert_true(str_eq(a->path, b->path));
    assert_true(str_eq(a->referrer, b->referrer));
    assert_true(str_eq(a->title, b->title));
    assert_true(str_eq(a->screen, b->screen));
    assert_true(str_eq(a->props, b->props));
    assert_int_equal(a->has_id, b->has_id);
    assert_memory_equal(a->id, b->id, sizeof(a->id));
    assert_true(a->count == b->count);
    assert_true(a->tokens == b->tokens);
    assert_true(a->seconds_ms == b->seconds_ms);
    assert_int_equal(a->scroll, b->scroll);
    for (unsigned i = 0; i < TRAITS; i++)
        assert_true(str_eq(a->traits[i], b->traits[i]));
    assert_true(str_eq(a->prefix, b->prefix));
}

static void goes_there_and_back(const struct event *event)
{
    struct buf buf = {0};
    struct record record;
    struct err err = {0};

    event_encode(event, &buf);
    if (record_decode(buf_str(&buf), &record, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(record.kind, RECORD_EVENT);
    same_event(event, &record.event);
    buf_release(&buf);
}

static void events_go_there_and_back(void **state)
{
    struct event full = full_event(), bare = bare_event();

    (void)state;
    goes_there_and_back(&full);
    goes_there_and_back(&bare);
}

static struct str random_text(struct arena *arena, size_t max)
{
    size_t len = (size_t)rand() % 4 == 0 ? max : (size_t)rand() % (max + 1);
    char *bytes = ARENA_NEW(arena, char, len);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)rand();
    return (struct str){bytes, len};
}

/* Small numbers, and large ones, up to max. */
static int64_t random_number(int64_t max)
{
    uint64_t bits = (uint64_t)rand() << 31 | (uint64_t)rand();

    return (int64_t)((bits >> (rand() % 62)) % ((uint64_t)max + 1));
}

static void random_events_go_there_and_back(void **state)
{
    struct arena arena = {0};

    (void)state;
    srand(4711);
    for (int i = 0; i < 2000; i++) {
        struct event e = full_event();

        e.kind = (enum event_kind)(rand() % EVENT_KINDS);
        e.name = e.kind == EVENT_CUSTOM ? STR("x") : event_kind_name(e.kind);
        e.received_ms = random_number(INT64_C(253402300799999));
        e.time_ms = random_number(INT64_C(253402300799999));
        e.day = (int32_t)(e.time_ms / DAY_MS) + rand() % 5 - 2;
        e.hour_ms = e.time_ms - random_number(HOUR_MS);
        e.visitor = (uint64_t)random_number(INT64_MAX - 1);
        e.visitor_before = (uint64_t)random_number(INT64_MAX - 1);
        e.day_before = e.visitor_before == 0 ? 0 : e.day - 1 - rand() % 3;
        e.path = random_text(&arena, EVENT_PATH_MAX);
        e.referrer = random_text(&arena, EVENT_PATH_MAX);
        e.title = random_text(&arena, EVENT_TITLE_MAX);
        e.screen = random_text(&arena, EVENT_SCREEN_MAX);
        e.props = random_text(&arena, EVENT_BODY_MAX);
        e.count = 1 + random_number(EVENT_COUNT_MAX - 1);
        e.tokens = random_number(EVENT_TOKENS_MAX);
        e.seconds_ms = random_number(DAY_MS);
        e.scroll = rand() % 102 - 1;
        for (unsigned t = 0; t < TRAITS; t++)
            e.traits[t] = rand() % 2 == 0 ? STR("") : random_text(&arena, TRAIT_MAX);
        e.prefix = rand() % 2 == 0 ? STR("") : STR("2001:db80:1111::/48");
        goes_there_and_back(&e);
        arena_reset(&arena);
    }
    arena_free(&arena);
}

static void tallies_go_there_and_back(void **state)
{
    static const struct {
        bool rejected;
        uint8_t reason;
        uint64_t events;
        struct str bot;
    } cases[] = {
        {true, REJECT_INVALID, 1, STR_INIT("")},
        {true, REJECT_UNSTORABLE, INT64_MAX, STR_INIT("")},
        {false, DROP_BOT, 100, STR_INIT("")},
        {false, DROP_BOT, 100, STR_INIT("ai-crawler")},
        {false, DROP_DUPLICATE, 7, STR_INIT("")},
        {false, DROP_TOO_OLD, 7, STR_INIT("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tally tally = some_tally();
        struct record record;
        struct buf buf = {0};

        tally.rejected = cases[i].rejected;
        tally.reason = cases[i].reason;
        tally.events = cases[i].events;
        tally.bot = cases[i].bot;
        tally_encode(&tally, &buf);
        assert_int_equal(record_decode(buf_str(&buf), &record, NULL), 0);
        assert_int_equal(record.kind, RECORD_TALLY);
        assert_true(str_eq(record.tally.site, tally.site));
        assert_true(str_eq(record.tally.tenant, tally.tenant));
        assert_int_equal(record.tally.day, tally.day);
        assert_int_equal(record.tally.rejected, tally.rejected);
        assert_int_equal(record.tally.reason, tally.reason);
        assert_true(record.tally.events == tally.events);
        assert_true(str_eq(record.tally.bot, tally.bot));
        buf_release(&buf);
    }
}

static void only_what_robots_sent_carries_their_kind(void **state)
{
    static const struct {
        bool rejected;
        uint8_t reason;
    } others[] = {{true, DROP_BOT}, {false, DROP_GPC}};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct tally tally = some_tally();
        struct record record;
        struct buf buf = {0};

        tally.rejected = others[i].rejected;
        tally.reason = others[i].reason;
        tally.bot = STR("search");
        tally_encode(&tally, &buf);
        assert_int_equal(record_decode(buf_str(&buf), &record, NULL), 0);
        assert_int_equal(record.tally.bot.len, 0);
        buf_release(&buf);
    }
}

/* -- the bytes -- */

/* version, kind; 1 kind; 3 site, 4 tenant; 5 received_ms = 0x1a202b758e0 in groups of 7 bits from
 * the lowest */
#define BARE_HEAD "\x01\x01"
#define BARE_KIND "\x02\x00"
#define BARE_SITE                                                                                  \
    "\x07\x01"                                                                                     \
    "a"
#define BARE_TENANT                                                                                \
    "\x09\x01"                                                                                     \
    "b"
#define BARE_TIME "\x0a\xe0\xb1\xdd\x95\xa0\x34"
#define BARE BARE_HEAD BARE_KIND BARE_SITE BARE_TENANT BARE_TIME

static void writes_the_bytes_that_the_format_prescribes(void **state)
{
    struct event event = bare_event();
    struct buf buf = {0};

    (void)state;
    event_encode(&event, &buf);
    assert_int_equal(buf.len, sizeof(BARE) - 1);
    assert_memory_equal(buf.ptr, BARE, buf.len);

    /* 6: 1000 ms late, zigzag 2000; 7: the date behind the UTC date, zigzag of -1; 8: 65 ms into
     * the hour; 9: visitor; 11: path; 17: count */
    event.time_ms = NOW_MS - 1000;
    event.day = DAY - 1;
    event.hour_ms = event.time_ms - 65;
    event.visitor = 300;
    event.path = STR("/");
    event.count = 2;
    buf_reset(&buf);
    event_encode(&event, &buf);
    assert_int_equal(buf.len, sizeof(BARE) - 1 + 3 + 2 + 2 + 3 + 3 + 2);
    assert_memory_equal(buf.ptr + sizeof(BARE) - 1,
                        "\x0c\xd0\x0f\x0e\x01\x10\x41\x12\xac\x02\x17\x01/\x22\x02", 15);

    /* 22: source; 33: language */
    struct event visit = bare_event();

    visit.traits[TRAIT_SOURCE] = STR("Bing");
    visit.traits[TRAIT_LANGUAGE] = STR("de");
    buf_reset(&buf);
    event_encode(&visit, &buf);
    assert_int_equal(buf.len, sizeof(BARE) - 1 + 6 + 4);
    assert_memory_equal(buf.ptr + sizeof(BARE) - 1,
                        "\x2d\x04"
                        "Bing"
                        "\x43\x02"
                        "de",
                        10);

    /* 34: prefix */
    struct event cut = bare_event();

    cut.prefix = STR("192.0.2.0/24");
    buf_reset(&buf);
    event_encode(&cut, &buf);
    assert_int_equal(buf.len, sizeof(BARE) - 1 + 2 + 12);
    assert_memory_equal(buf.ptr + sizeof(BARE) - 1,
                        "\x45\x0c"
                        "192.0.2.0/24",
                        14);
    buf_release(&buf);
}

static void appends_behind_what_is_there(void **state)
{
    struct event event = bare_event();
    struct tally tally = some_tally();
    struct buf buf = {0};

    (void)state;
    buf_add(&buf, STR("before"));
    event_encode(&event, &buf);
    size_t event_end = buf.len;

    tally_encode(&tally, &buf);
    assert_memory_equal(buf.ptr, "before" BARE, sizeof("before" BARE) - 1);
    struct record record;

    assert_int_equal(record_decode(str_slice(buf_str(&buf), event_end, buf.len), &record, NULL), 0);
    assert_int_equal(record.kind, RECORD_TALLY);
    buf_release(&buf);
}

static int decode(struct str bytes, struct record *record)
{
    /* A copy of its own, so that ASan sees a step beyond the end. */
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    struct err err = {0};

    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    int rc = record_decode((struct str){copy, bytes.len}, record, &err);

    if (rc != 0)
        assert_true(err.text[0] != '\0');
    free(copy);
    return rc;
}

#define TAKES(bytes)                                                                               \
    do {                                                                                           \
        struct record record_;                                                                     \
        assert_int_equal(decode(STR(bytes), &record_), 0);                                         \
    } while (0)
#define REFUSES(bytes)                                                                             \
    do {                                                                                           \
        struct record record_;                                                                     \
        assert_int_equal(decode(STR(bytes), &record_), ERR_CORRUPT);                               \
    } while (0)

/* 3: day 1; 4: rejected; 5: reason; 6: events; 7: bot */
#define TALLY                                                                                      \
    "\x01\x02\x03\x01"                                                                             \
    "a"                                                                                            \
    "\x05\x01"                                                                                     \
    "b"                                                                                            \
    "\x06\x02"
#define SOME_TALLY TALLY "\x0a\x01\x0c\x01"

static void passes_over_fields_of_newer_versions(void **state)
{
    struct event bare = bare_event();
    struct record record;

    (void)state;
    /* 35: a number; 36: bytes; 1000: bytes */
    struct str newer = STR(BARE "\x46\xff\x01\x49\x03xyz\xd1\x0f\x01!");

    assert_int_equal(record_decode(newer, &record, NULL), 0);
    same_event(&bare, &record.event);
    REFUSES(BARE "\x46\xff\x01\x49\x03xyz\xd1\x0f\x02!"); /* still within bounds */
    TAKES(SOME_TALLY "\x11\x01!");                        /* 8 of a tally */
}

static void refuses_other_versions_and_kinds(void **state)
{
    (void)state;
    TAKES(BARE);
    REFUSES("\x00"
            "\x01" BARE_KIND BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES("\x02"
            "\x01" BARE_KIND BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES("\x01"
            "\x00" BARE_KIND BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES("\x01"
            "\x03" BARE_KIND BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES("");
    REFUSES("\x01");
    REFUSES("\x01\x01");
}

static void refuses_records_that_lack_a_field(void **state)
{
    (void)state;
    REFUSES(BARE_HEAD BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND BARE_SITE BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND BARE_SITE BARE_TENANT);
    REFUSES(BARE_HEAD "\x02\x07" BARE_SITE BARE_TENANT BARE_TIME); /* custom without name */
}

static void refuses_fields_out_of_order(void **state)
{
    (void)state;
    REFUSES(BARE_HEAD BARE_SITE BARE_KIND BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND BARE_SITE BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD "\x00\x00" BARE_KIND BARE_SITE BARE_TENANT BARE_TIME); /* number 0 */
    REFUSES(BARE "\x46\x01\x46\x01"); /* unknown ones as well */
}

static void refuses_varints_that_are_not_the_shortest(void **state)
{
    (void)state;
    TAKES(BARE "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"); /* visitor 2^64 - 1 */
    REFUSES(BARE "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    REFUSES(BARE "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01");
    REFUSES(BARE "\x12\x81\x00");
    REFUSES(BARE "\x12\xff");
    REFUSES(BARE "\x12");
}

static void refuses_fields_of_another_form(void **state)
{
    (void)state;
    REFUSES(BARE "\x13\x01x"); /* visitor as bytes */
    REFUSES(BARE "\x16\x01");  /* path as a number */
}

static void keeps_the_bounds_of_fields(void **state)
{
    (void)state;
    TAKES(BARE_HEAD "\x02\x06" BARE_SITE BARE_TENANT BARE_TIME); /* the last kind but custom */
    REFUSES(BARE_HEAD "\x02\x08" BARE_SITE BARE_TENANT BARE_TIME);
    TAKES(BARE "\x0e\x04"); /* two days between local and UTC date */
    REFUSES(BARE "\x0e\x05");
    TAKES(BARE "\x22\x01");
    REFUSES(BARE "\x22\x00"); /* count 0 */
    TAKES(BARE "\x22\xc0\x84\x3d");
    REFUSES(BARE "\x22\xc1\x84\x3d"); /* 1,000,001 */
    TAKES(BARE "\x24\x80\xa0\x94\xa5\x8d\x1d");
    REFUSES(BARE "\x24\x81\xa0\x94\xa5\x8d\x1d"); /* 1e12 + 1 tokens */
    TAKES(BARE "\x28\x65");
    REFUSES(BARE "\x28\x66"); /* scroll 101 */
    REFUSES(BARE "\x17\x00"); /* an empty path is left out */
    TAKES(BARE "\x21\x10"
               "0123456789abcdef"); /* an id of 16 bytes */
    REFUSES(BARE "\x21\x0f"
                 "0123456789abcde");
    REFUSES(BARE "\x21\x11"
                 "0123456789abcdefg");
    TAKES(BARE "\x0c\xc0\xe3\xba\xab\xc0\x68"); /* 1970-01-01T00:00:00Z */
    REFUSES(BARE "\x0c\xc2\xe3\xba\xab\xc0\x68");
}

static void refuses_names_and_ids_that_are_none(void **state)
{
    (void)state;
    TAKES(BARE_HEAD "\x02\x07"
                    "\x05\x01x" BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD "\x02\x07"
                      "\x05\x01X" BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND "\x05\x01x" BARE_SITE BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND "\x07\x01/" BARE_TENANT BARE_TIME);
    REFUSES(BARE_HEAD BARE_KIND BARE_SITE "\x09\x01 " BARE_TIME);
}

static void refuses_tallies_without_a_known_reason(void **state)
{
    (void)state;
    TAKES(TALLY "\x0a\x01\x0c\x01");
    TAKES(TALLY "\x0a\x09\x0c\x01");
    REFUSES(TALLY "\x0a\x00\x0c\x01"); /* dropped for no reason */
    REFUSES(TALLY "\x0a\x0a\x0c\x01");
    TAKES(TALLY "\x08\x01\x0a\x00\x0c\x01");
    TAKES(TALLY "\x08\x01\x0a\x04\x0c\x01");
    REFUSES(TALLY "\x08\x01\x0a\x05\x0c\x01");
    REFUSES(TALLY "\x0a\x01\x0c\x00"); /* of no event */
    REFUSES(TALLY "\x0a\x01");
    REFUSES(TALLY "\x0c\x01");
    REFUSES("\x01\x02\x03\x01"
            "/"
            "\x05\x01"
            "b"
            "\x06\x02\x0a\x01\x0c\x01");
}

#define EIGHT "aaaaaaaa"
#define SIXTY_FOUR EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT

static void refuses_kinds_of_robots_that_are_none(void **state)
{
    (void)state;
    TAKES(SOME_TALLY "\x0f\x01x");
    TAKES(SOME_TALLY "\x0f\x40" SIXTY_FOUR);
    REFUSES(SOME_TALLY "\x0f\x41" SIXTY_FOUR "a");
    REFUSES(SOME_TALLY "\x0f\x00");
    REFUSES(SOME_TALLY "\x0f\x01:");
    REFUSES(TALLY "\x0a\x02\x0c\x01\x0f\x01x");         /* gpc */
    REFUSES(TALLY "\x08\x01\x0a\x01\x0c\x01\x0f\x01x"); /* refused */
}

/* Records of the version before traits, written down from what it wrote. */
static void reads_records_without_traits(void **state)
{
    struct record record;

    (void)state;
    assert_int_equal(record_decode(STR(BARE "\x12\x05\x17\x01/"), &record, NULL), 0);
    for (unsigned i = 0; i < TRAITS; i++)
        assert_int_equal(record.event.traits[i].len, 0);
    assert_int_equal(record_decode(STR(SOME_TALLY), &record, NULL), 0);
    assert_int_equal(record.tally.bot.len, 0);
}

static void traits_have_1_to_200_bytes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TRAITS; i++) {
        for (size_t len = 0; len <= 201; len += len == 1 ? 199 : 1) {
            char bytes[256];
            size_t at = sizeof(BARE) - 1;
            struct record record;

            memcpy(bytes, BARE, at);
            bytes[at++] = (char)((22 + i) * 2 + 1);
            if (len >= 128)
                bytes[at++] = (char)(len | 0x80);
            bytes[at++] = (char)(len >= 128 ? 1 : len);
            memset(bytes + at, 'x', len);
            assert_int_equal(decode((struct str){bytes, at + len}, &record),
                             len == 1 || len == 200 ? 0 : ERR_CORRUPT);
        }
    }
}

static void a_cut_address_has_4_to_19_bytes(void **state)
{
    (void)state;
    TAKES(BARE "\x45\x04::/0");
    TAKES(BARE "\x45\x13"
               "2001:db80:1111::/48");
    REFUSES(BARE "\x45\x03::/");
    REFUSES(BARE "\x45\x14"
                 "2001:db80:1111::/048");
    REFUSES(BARE "\x44\x04"); /* a number */
}

static void refuses_what_is_cut_off_within_a_field(void **state)
{
    struct event event = full_event();
    struct buf buf = {0};
    size_t taken = 0;

    (void)state;
    event_encode(&event, &buf);
    for (size_t len = 0; len < buf.len; len++) {
        struct record record;
        int rc = decode(str_slice(buf_str(&buf), 0, len), &record);

        assert_true(rc == 0 || rc == ERR_CORRUPT);
        taken += rc == 0;
    }
    /* Fields 6 to 34 may be absent: where 5 to 33 end, what is there is a record. */
    assert_int_equal(taken, 29);
    buf_release(&buf);
}

static void survives_any_changed_byte(void **state)
{
    struct event event = full_event();
    struct buf buf = {0};

    (void)state;
    event_encode(&event, &buf);
    for (size_t i = 0; i < buf.len; i++) {
        for (unsigned change = 1; change < 256; change++) {
            struct record record;

            buf.ptr[i] = (char)(buf.ptr[i] ^ (char)change);
            int rc = decode(buf_str(&buf), &record);

            assert_true(rc == 0 || rc == ERR_CORRUPT);
            buf.ptr[i] = (char)(buf.ptr[i] ^ (char)change);
        }
    }
    buf_release(&buf);
}

/* -- partitions -- */

static void a_sites_partition_never_changes(void **state)
{
    static const struct {
        const char *site;
        uint16_t partition;
    } cases[] = {
        {"a", 15},
        {"abc", 0},
        {"t5g", 8},
        {"demo", 0},
        {"abc123", 0},
        {"site_1", 12},
        {"A-Z_09", 12},
        {"0123456789", 15},
        {"example-com-production", 15},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 15},
        {"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 14},
        {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(site_partition(str_from(cases[i].site)), cases[i].partition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_go_there_and_back),
        cmocka_unit_test(random_events_go_there_and_back),
        cmocka_unit_test(tallies_go_there_and_back),
        cmocka_unit_test(only_what_robots_sent_carries_their_kind),
        cmocka_unit_test(writes_the_bytes_that_the_format_prescribes),
        cmocka_unit_test(appends_behind_what_is_there),
        cmocka_unit_test(passes_over_fields_of_newer_versions),
        cmocka_unit_test(refuses_other_versions_and_kinds),
        cmocka_unit_test(refuses_records_that_lack_a_field),
        cmocka_unit_test(refuses_fields_out_of_order),
        cmocka_unit_test(refuses_varints_that_are_not_the_shortest),
        cmocka_unit_test(refuses_fields_of_another_form),
        cmocka_unit_test(keeps_the_bounds_of_fields),
        cmocka_unit_test(refuses_names_and_ids_that_are_none),
        cmocka_unit_test(refuses_tallies_without_a_known_reason),
        cmocka_unit_test(refuses_kinds_of_robots_that_are_none),
        cmocka_unit_test(reads_records_without_traits),
        cmocka_unit_test(traits_have_1_to_200_bytes),
        cmocka_unit_test(a_cut_address_has_4_to_19_bytes),
        cmocka_unit_test(refuses_what_is_cut_off_within_a_field),
        cmocka_unit_test(survives_any_changed_byte),
        cmocka_unit_test(a_sites_partition_never_changes),
    };
    return cmocka_run_group_tests_name("event_record", tests, NULL, NULL);
}
