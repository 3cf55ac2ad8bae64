/*
 * event/source_tags.c -- what a link's query says of where its visitor came from.
 *
 * utm_* and their older kin `ref` and `source` are texts; of the first that is not blank each is
 * taken. They are decoded as a browser decodes a query: '+' is a space, %XY a byte, and each byte
 * that is no UTF-8 then becomes U+FFFD. Control characters, U+0000 among them, become spaces.
 *
 * An advertiser's click id names one click of one person. Its value is never read: that it is there
 * tells who sent the visitor, and whether for money. Where there are several, the first of the
 * table counts, which has the paid ones first. An id that stands on ordinary links as well (fbclid
 * on whatever is shared on Facebook) is not a paid one.
 *
 * Names of parameters are compared without regard to case.
 */
#include "event/event_internal.h"

#include "base/utf8.h"
#include "event/mask_internal.h"

#define CLICK(param, name, kind, paid)                                                             \
    {                                                                                              \
        STR_INIT(param), STR_INIT(name), (kind), (paid)                                            \
    }

static const struct click_id click_ids[] = {
    CLICK("gclid", "Google", SOURCE_SEARCH, true),
    CLICK("gbraid", "Google", SOURCE_SEARCH, true),
    CLICK("wbraid", "Google", SOURCE_SEARCH, true),
    CLICK("gclsrc", "Google", SOURCE_SEARCH, true),
    CLICK("gad_source", "Google", SOURCE_SEARCH, true),
    CLICK("gad_campaignid", "Google", SOURCE_SEARCH, true),
    CLICK("msclkid", "Bing", SOURCE_SEARCH, true),
    CLICK("yclid", "Yandex", SOURCE_SEARCH, true),
    CLICK("ttclid", "TikTok", SOURCE_SOCIAL, true),
    CLICK("twclid", "X", SOURCE_SOCIAL, true),
    CLICK("li_fat_id", "LinkedIn", SOURCE_SOCIAL, true),
    CLICK("epik", "Pinterest", SOURCE_SOCIAL, true),
    CLICK("ScCid", "Snapchat", SOURCE_SOCIAL, true),
    CLICK("rdt_cid", "Reddit", SOURCE_SOCIAL, true),
    CLICK("qclid", "Quora", SOURCE_SOCIAL, true),
    CLICK("dclid", "Google", SOURCE_DISPLAY, true),
    CLICK("tblci", "Taboola", SOURCE_DISPLAY, true),
    CLICK("obclid", "Outbrain", SOURCE_DISPLAY, true),
    CLICK("irclickid", "impact.com", SOURCE_AFFILIATE, false),
    CLICK("cjevent", "CJ", SOURCE_AFFILIATE, false),
    CLICK("awc", "Awin", SOURCE_AFFILIATE, false),
    CLICK("mc_cid", "Mailchimp", SOURCE_MAIL, false),
    CLICK("mc_eid", "Mailchimp", SOURCE_MAIL, false),
    CLICK("_hsenc", "HubSpot", SOURCE_MAIL, false),
    CLICK("_hsmi", "HubSpot", SOURCE_MAIL, false),
    CLICK("_kx", "Klaviyo", SOURCE_MAIL, false),
    CLICK("mkt_tok", "Marketo", SOURCE_MAIL, false),
    CLICK("vero_id", "Vero", SOURCE_MAIL, false),
    CLICK("fbclid", "Facebook", SOURCE_SOCIAL, false),
    CLICK("igshid", "Instagram", SOURCE_SOCIAL, false),
    CLICK("igsh", "Instagram", SOURCE_SOCIAL, false),
    CLICK("ysclid", "Yandex", SOURCE_SEARCH, false),
    CLICK("srsltid", "Google", SOURCE_SEARCH, false),
};

static const struct click_id *find_click(struct str name)
{
    for (size_t i = 0; i < sizeof(click_ids) / sizeof(click_ids[0]); i++)
        if (str_ieq(name, click_ids[i].param))
            return &click_ids[i];
    return NULL;
}

/* The parameters whose texts are read: those of enum utm, and their older kin. */
enum { TAG_SOURCE = UTMS, TAG_REF, TAGS };

static const struct str tag_params[TAGS] = {
    [UTM_SOURCE] = STR_INIT("utm_source"),
    [UTM_MEDIUM] = STR_INIT("utm_medium"),
    [UTM_CAMPAIGN] = STR_INIT("utm_campaign"),
    [UTM_CONTENT] = STR_INIT("utm_content"),
    [UTM_TERM] = STR_INIT("utm_term"),
    [TAG_SOURCE] = STR_INIT("source"),
    [TAG_REF] = STR_INIT("ref"),
};

static size_t find_tag(struct str name)
{
    size_t tag = 0;

    while (tag < TAGS && !str_ieq(name, tag_params[tag]))
        tag++;
    return tag;
}

bool tags_name(struct str parameter)
{
    return str_ieq(str_slice(parameter, 0, 4), STR("utm_")) || find_tag(parameter) < TAGS ||
           find_click(parameter) != NULL;
}

/* -- decoding -- */

static struct str decode_bytes(struct str s, struct arena *arena)
{
    char *out = arena_bytes(arena, s.len);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        int byte = escaped_at(s, i);

        i += byte >= 0 ? 2 : 0;
        out[len++] = (char)(byte >= 0 ? byte : s.ptr[i] == '+' ? ' ' : s.ptr[i]);
    }
    return (struct str){out, len};
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

static struct str make_text(struct str bytes, struct arena *arena)
{
    static const struct str replacement = STR_INIT("\xef\xbf\xbd");
    char *out = arena_bytes(arena, bytes.len * replacement.len);
    size_t len = 0;

    for (size_t at = 0; at < bytes.len;) {
        unsigned size = utf8_char(bytes, at);
        struct str c = size == 0 ? replacement : str_slice(bytes, at, at + size);

        memcpy(out + len, is_control(c.ptr[0]) ? " " : c.ptr, c.len);
        len += c.len;
        at += size == 0 ? 1 : size;
    }
    return str_trim((struct str){out, len});
}

/* -- reading -- */

static void read_parameter(struct str parameter, struct arena *arena, struct str texts[TAGS],
                           struct tags *out)
{
    struct str name = text_until(parameter, "=");
    struct str value = str_slice(parameter, name.len + 1, parameter.len);

    if (value.len == 0)
        return;
    size_t tag = find_tag(name);

    if (tag < TAGS) {
        if (texts[tag].len == 0)
            texts[tag] = make_text(decode_bytes(value, arena), arena);
        return;
    }
    const struct click_id *click = find_click(name);

    if (click != NULL && (out->click == NULL || click < out->click))
        out->click = click;
}

void tags_read(struct str query, struct arena *arena, struct tags *out)
{
    struct str texts[TAGS] = {0}, parameter;

    *out = (struct tags){0};
    while (str_next(&query, '&', &parameter))
        read_parameter(parameter, arena, texts, out);
    for (size_t i = 0; i < TAGS; i++)
        out->tagged = out->tagged || texts[i].len > 0;
    memcpy(out->utm, texts, sizeof(out->utm));
    out->named = texts[UTM_SOURCE];
    if (out->named.len == 0)
        out->named = texts[TAG_SOURCE];
    out->named_by_ref = out->named.len == 0 && texts[TAG_REF].len > 0;
    if (out->named_by_ref)
        out->named = texts[TAG_REF];
}
