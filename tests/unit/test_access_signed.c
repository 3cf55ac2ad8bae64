/*
 * test_access_signed.c -- links, opened links and embeds: what is taken, and everything that is
 * not. The expected texts were calculated with Python's hashlib (keyed BLAKE2b) and base64.
 */
#include "unit.h"

#include "access/signed.h"
#include "base/buf.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t key[SIGNING_KEY_BYTES] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                               11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                               22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static const char link_text[] = "link.lnk1.fW3XH1glpX_yJRR2f9HHXrDnWMO2kKUg";
static const char open_text[] =
    "open.eyJsaW5rIjoibG5rMSIsInNpdGUiOiJhYmMiLCJtYWRlIjoxMDAwLCJwYXNzd29yZCI6Ill3M3NXZkhwTTRIcDdo"
    "ZkJGbUE0VmciLCJleHAiOjUwMDB9.2KXZ-cJ4g3m9BAvh0H-rtSD-oKRLv7Dk";
static const char embed_text[] =
    "embed.eyJ0ZW5hbnQiOiJ0NWciLCJ0b2tlbiI6InRvazEiLCJzaXRlcyI6WyJhYmMiLCJ4eXoiXSwiZXhwIjozNjAwMDAw"
    "fQ.Of8GkXzhFG_bPA7INI1MeA2B1hh8UNVx";

struct scene {
    struct arena arena;
    struct link_row row;
    bool is_there;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->row = (struct link_row){.id = STR("lnk1"),
                               .tenant = STR("t5g"),
                               .site = STR("abc"),
                               .password = STR("$argon2id$x"),
                               .created_ms = 1000};
    s->is_there = true;
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;

    arena_free(&s->arena);
    free(s);
    return 0;
}

static const struct link_row *find(void *ctx, struct str id)
{
    struct scene *s = ctx;

    return s->is_there && str_eq(id, s->row.id) ? &s->row : NULL;
}

static enum signed_kind read_as(struct scene *s, struct str text, int64_t now_ms,
                                struct embed *embed)
{
    struct str link = {0};
    enum signed_kind kind = signed_read(key, text, now_ms, find, s, &s->arena, &link, embed);

    if (kind == SIGNED_LINK || kind == SIGNED_OPEN)
        assert_true(str_eq(link, STR("lnk1")));
    else
        assert_int_equal(link.len, 0);
    if (kind != SIGNED_EMBED)
        assert_int_equal(embed->tenant.len + embed->token.len + embed->sites_count, 0);
    return kind;
}

static enum signed_kind read_at(struct scene *s, const char *text, int64_t now_ms)
{
    struct embed embed;

    return read_as(s, str_from(text), now_ms, &embed);
}

static const struct embed example = {
    .tenant = {"t5g", 3},
    .token = {"tok1", 4},
    .sites = (struct str[]){{"abc", 3}, {"xyz", 3}},
    .sites_count = 2,
    .expires_ms = 3600000,
};

/* -- what is made ------------------------------------------------------------------------------ */

static void texts_are_those_of_another_implementation(void **state)
{
    struct scene *s = *state;

    assert_string_equal(signed_link(key, &s->row, &s->arena).ptr, link_text);
    assert_string_equal(signed_open(key, &s->row, 5000, &s->arena).ptr, open_text);
    assert_string_equal(signed_embed(key, &example, &s->arena).ptr, embed_text);
}

static void what_was_signed_is_taken(void **state)
{
    struct scene *s = *state;
    struct embed embed;

    assert_int_equal(read_at(s, link_text, 2000), SIGNED_LINK);
    assert_int_equal(read_at(s, open_text, 2000), SIGNED_OPEN);
    assert_int_equal(read_as(s, str_from(embed_text), 2000, &embed), SIGNED_EMBED);
    assert_true(str_eq(embed.tenant, STR("t5g")));
    assert_true(str_eq(embed.token, STR("tok1")));
    assert_int_equal(embed.sites_count, 2);
    assert_true(str_eq(embed.sites[0], STR("abc")));
    assert_true(str_eq(embed.sites[1], STR("xyz")));
    assert_int_equal(embed.expires_ms, 3600000);
}

static void an_embed_may_name_no_sites(void **state)
{
    struct scene *s = *state;
    struct embed all = example, embed;

    all.sites_count = 0;
    assert_int_equal(read_as(s, signed_embed(key, &all, &s->arena), 0, &embed), SIGNED_EMBED);
    assert_int_equal(embed.sites_count, 0);
}

/* -- ends -------------------------------------------------------------------------------------- */

static void each_ends_when_its_time_has_come(void **state)
{
    struct scene *s = *state;

    assert_int_equal(read_at(s, open_text, 4999), SIGNED_OPEN);
    assert_int_equal(read_at(s, open_text, 5000), SIGNED_NOT);
    assert_int_equal(read_at(s, embed_text, 3599999), SIGNED_EMBED);
    assert_int_equal(read_at(s, embed_text, 3600000), SIGNED_NOT);
    s->row.expires_ms = 3000;
    assert_int_equal(read_at(s, link_text, 2999), SIGNED_LINK);
    assert_int_equal(read_at(s, link_text, 3000), SIGNED_NOT);
    assert_int_equal(read_at(s, open_text, 2999), SIGNED_OPEN);
    assert_int_equal(read_at(s, open_text, 3000), SIGNED_NOT);
}

static void a_link_that_is_gone_opens_nothing(void **state)
{
    struct scene *s = *state;

    s->is_there = false;
    assert_int_equal(read_at(s, link_text, 2000), SIGNED_NOT);
    assert_int_equal(read_at(s, open_text, 2000), SIGNED_NOT);
}

static void a_link_that_was_made_anew_is_another(void **state)
{
    struct scene *s = *state;

    s->row.created_ms = 1001;
    assert_int_equal(read_at(s, link_text, 2000), SIGNED_NOT);
    assert_int_equal(read_at(s, open_text, 2000), SIGNED_NOT);
    s->row.created_ms = 1000;
    s->row.site = STR("abd");
    assert_int_equal(read_at(s, link_text, 2000), SIGNED_NOT);
    assert_int_equal(read_at(s, open_text, 2000), SIGNED_NOT);
}

static void another_password_ends_what_was_opened(void **state)
{
    struct scene *s = *state;

    s->row.password = STR("$argon2id$y");
    assert_int_equal(read_at(s, link_text, 2000), SIGNED_LINK);
    assert_int_equal(read_at(s, open_text, 2000), SIGNED_NOT);
    s->row.password = STR("");
    assert_int_equal(read_at(s, open_text, 2000), SIGNED_NOT);
}

static void another_installations_texts_are_nothing(void **state)
{
    struct scene *s = *state;
    uint8_t other[SIGNING_KEY_BYTES];

    memcpy(other, key, sizeof(other));
    other[31] ^= 1;
    assert_int_equal(read_at(s, signed_link(other, &s->row, &s->arena).ptr, 2000), SIGNED_NOT);
    assert_int_equal(read_at(s, signed_open(other, &s->row, 5000, &s->arena).ptr, 2000),
                     SIGNED_NOT);
    assert_int_equal(read_at(s, signed_embed(other, &example, &s->arena).ptr, 2000), SIGNED_NOT);
}

/* -- tampering --------------------------------------------------------------------------------- */

/* Each byte replaced by each of some others. */
static void flip_each_byte(struct scene *s, const char *text)
{
    static const char replacements[] = "AZaz09-_.=+/ \n";
    char copy[512];
    size_t len = strlen(text);
    struct embed embed;

    assert_true(len < sizeof(copy));
    for (size_t i = 0; i < len; i++)
        for (size_t k = 0; k < sizeof(replacements); k++) {
            memcpy(copy, text, len);
            if (copy[i] == replacements[k])
                continue;
            copy[i] = replacements[k];
            if (read_as(s, (struct str){copy, len}, 2000, &embed) != SIGNED_NOT)
                fail_msg("byte %zu as %c is taken: %.*s", i, replacements[k], (int)len, copy);
        }
}

static void no_byte_can_be_changed(void **state)
{
    flip_each_byte(*state, link_text);
    flip_each_byte(*state, open_text);
    flip_each_byte(*state, embed_text);
}

static void nothing_can_be_cut_off_or_added(void **state)
{
    static const char *const texts[] = {link_text, open_text, embed_text};
    struct scene *s = *state;
    struct embed embed;

    for (size_t i = 0; i < 3; i++) {
        struct str text = str_from(texts[i]);
        char longer[512];

        for (size_t len = 0; len < text.len; len++)
            assert_int_equal(read_as(s, str_slice(text, 0, len), 2000, &embed), SIGNED_NOT);
        for (size_t from = 1; from < text.len; from++)
            assert_int_equal(read_as(s, str_slice(text, from, text.len), 2000, &embed), SIGNED_NOT);
        for (const char *more = "A=. \n"; *more != '\0'; more++) {
            (void)snprintf(longer, sizeof(longer), "%s%c", texts[i], *more);
            assert_int_equal(read_at(s, longer, 2000), SIGNED_NOT);
        }
    }
}

/* The MAC is right and the kind is not: the word is under the MAC. */
static void one_kind_is_not_taken_for_another(void **state)
{
    struct scene *s = *state;
    char text[512];

    (void)snprintf(text, sizeof(text), "open%s", strchr(embed_text, '.'));
    assert_int_equal(read_at(s, text, 2000), SIGNED_NOT);
    (void)snprintf(text, sizeof(text), "embed%s", strchr(open_text, '.'));
    assert_int_equal(read_at(s, text, 2000), SIGNED_NOT);
    (void)snprintf(text, sizeof(text), "Link%s", strchr(link_text, '.'));
    assert_int_equal(read_at(s, text, 2000), SIGNED_NOT);
}

/* Signed with the real key, so that the payload alone is what is wrong. */
static enum signed_kind read_payload(struct scene *s, const char *word, const char *payload)
{
    char text[1024], base64[512];
    uint8_t mac[24];
    char mac_text[33];

    (void)sodium_bin2base64(base64, sizeof(base64), (const uint8_t *)payload, strlen(payload),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    size_t len = (size_t)snprintf(text, sizeof(text), "%s.%s", word, base64);

    assert_int_equal(
        crypto_generichash(mac, sizeof(mac), (const uint8_t *)text, len, key, sizeof(key)), 0);
    (void)sodium_bin2base64(mac_text, sizeof(mac_text), mac, sizeof(mac),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)snprintf(text + len, sizeof(text) - len, ".%s", mac_text);
    assert_true(signed_is_shaped(str_from(text)));
    return read_at(s, text, 2000);
}

static void payloads_are_read_strictly(void **state)
{
    static const struct {
        const char *word, *payload;
        enum signed_kind kind;
    } cases[] = {
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":2001}", SIGNED_EMBED},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":2000}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[]}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":\"2001\"}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":2001.5}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":9223372036854775808}",
         SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":2001,\"exp\":2001}",
         SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":null,\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[\"\"],\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[1],\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"\",\"token\":\"k\",\"sites\":[],\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"token\":\"k\",\"sites\":[],\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"token\":\"\",\"sites\":[],\"exp\":2001}", SIGNED_NOT},
        {"embed", "{\"tenant\":\"t\",\"sites\":[],\"exp\":2001}", SIGNED_NOT},
        {"embed", "[]", SIGNED_NOT},
        {"embed", "2001", SIGNED_NOT},
        {"embed", "{", SIGNED_NOT},
        {"open",
         "{\"link\":\"lnk1\",\"site\":\"abc\",\"made\":1000,\"password\":"
         "\"Yw3sWfHpM4Hp7hfBFmA4Vg\","
         "\"exp\":2001}",
         SIGNED_OPEN},
        {"open",
         "{\"link\":\"lnk1\",\"site\":\"abc\",\"made\":1000,\"password\":\"\",\"exp\":2001}",
         SIGNED_NOT},
        {"open", "{\"link\":\"lnk1\",\"site\":\"abc\",\"made\":1000,\"exp\":2001}", SIGNED_NOT},
        {"open",
         "{\"site\":\"abc\",\"made\":1000,\"password\":\"Yw3sWfHpM4Hp7hfBFmA4Vg\",\"exp\":2001}",
         SIGNED_NOT},
        {"open", "{\"tenant\":\"t\",\"token\":\"k\",\"sites\":[],\"exp\":2001}", SIGNED_NOT},
        {"link", "{\"exp\":2001}", SIGNED_NOT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (read_payload(*state, cases[i].word, cases[i].payload) != cases[i].kind)
            fail_msg("case %zu: %s", i, cases[i].payload);
}

/* -- shapes and sizes -------------------------------------------------------------------------- */

static void only_what_looks_like_one_is_shaped(void **state)
{
    static const char mac[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const struct {
        const char *before;
        bool shaped;
    } cases[] = {
        {"link.lnk1.", true}, {"open.e30.", true},   {"embed.e30.", true}, {"embed..", false},
        {"link.a.b.", false}, {"Link.lnk1.", false}, {"lnk1.", false},     {"links.lnk1.", false},
        {"", false},          {"link.l=.", false},   {"abacus_", false},   {"link.l/.", false},
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", cases[i].before, mac);
        if (signed_is_shaped(str_from(text)) != cases[i].shaped)
            fail_msg("%s", text);
    }
    assert_false(signed_is_shaped(STR("link.lnk1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    assert_false(signed_is_shaped(STR("link.lnk1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    assert_false(signed_is_shaped(STR("")));
    assert_false(signed_is_shaped(STR("link")));
    assert_false(signed_is_shaped((struct str){0}));
}

static struct embed long_embed(struct arena *arena, size_t sites)
{
    static const char id[] = "0123456789012345678901234567890123456789012345678901234567890123";
    struct embed embed = {.tenant = str_from(id),
                          .token = str_from(id),
                          .sites = ARENA_NEW(arena, struct str, sites),
                          .sites_count = sites,
                          .expires_ms = INT64_C(1800000000000)};

    for (size_t i = 0; i < sites; i++)
        embed.sites[i] = str_from(id);
    return embed;
}

static void the_longest_embed_fits(void **state)
{
    struct scene *s = *state;
    struct embed most = long_embed(&s->arena, 100), more = long_embed(&s->arena, 101), out;
    struct str text = signed_embed(key, &most, &s->arena);

    assert_int_equal(text.len, 9215);
    assert_int_equal(read_as(s, text, 0, &out), SIGNED_EMBED);
    assert_int_equal(out.sites_count, 100);
    assert_int_equal(read_as(s, signed_embed(key, &more, &s->arena), 0, &out), SIGNED_NOT);
}

static void a_text_is_bounded(void **state)
{
    static const char mac[] = ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    struct buf buf = {0};

    (void)state;
    buf_add(&buf, STR("open."));
    while (buf.len < SIGNED_TEXT_MAX - 33)
        buf_addc(&buf, 'A');
    buf_add(&buf, str_from(mac));
    assert_int_equal(buf.len, SIGNED_TEXT_MAX);
    assert_true(signed_is_shaped(buf_str(&buf)));
    buf.ptr[buf.len - 33] = 'A';
    buf.len -= 32;
    buf_add(&buf, str_from(mac));
    assert_int_equal(buf.len, SIGNED_TEXT_MAX + 1);
    assert_false(signed_is_shaped(buf_str(&buf)));
    buf_release(&buf);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(texts_are_those_of_another_implementation),
        TEST(what_was_signed_is_taken),
        TEST(an_embed_may_name_no_sites),
        TEST(each_ends_when_its_time_has_come),
        TEST(a_link_that_is_gone_opens_nothing),
        TEST(a_link_that_was_made_anew_is_another),
        TEST(another_password_ends_what_was_opened),
        TEST(another_installations_texts_are_nothing),
        TEST(no_byte_can_be_changed),
        TEST(nothing_can_be_cut_off_or_added),
        TEST(one_kind_is_not_taken_for_another),
        TEST(payloads_are_read_strictly),
        TEST(only_what_looks_like_one_is_shaped),
        TEST(the_longest_embed_fits),
        TEST(a_text_is_bounded),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("access_signed", tests, NULL, NULL);
}
