/*
 * event/channel.c -- which channel a visit came through.
 *
 * The names and words are those of Google Analytics' default channel groups, which people know;
 * AI assistants have one of their own. The first of these that holds decides:
 *
 *      1. utm_campaign or utm_medium holds "cross-network"               Cross-network
 *      2. paid: utm_medium holds "cp" or begins with "paid", is "ppc" or
 *         "retargeting"; or, with no medium that is known here, the id of
 *         an advertisement's click. Then by the kind of source:
 *           shopping, or utm_campaign holds the word "shop" or "shopping"  Paid Shopping
 *           search, social, video                    Paid Search, Paid Social, Paid Video
 *           an advertising network, or "cpm"                             Display
 *           any other                                                    Paid Other
 *         Where the source is of no known kind, a medium like "paid_social" names it.
 *      3. utm_medium is display, banner, expandable, interstitial        Display
 *         affiliate                                                      Affiliates
 *         email, e-mail, newsletter                                      Email
 *         sms                                                            SMS
 *         ends with push, or holds mobile or notification                Mobile Push
 *         audio, podcast                                                 Audio
 *         social, social-network, social-media, sm                       Organic Social
 *         holds video                                                    Organic Video
 *      4. the kind of source: Organic Shopping, Organic Search, Organic Social, Organic Video, AI
 *         Assistants, Email, Display, Audio, SMS, Mobile Push, Affiliates, or, of other pages that
 *         are known by name, Referral
 *      5. utm_medium is organic                                          Organic Search
 *         referral, app, link                                            Referral
 *      6. utm_medium is anything else                                    Unassigned
 *      7. a page of another host leads here                              Referral
 *      8. the link was tagged                                            Unassigned
 *      9. nothing is known                                               empty: Direct
 *
 * A medium that says what a message was (3) comes before the kind of source (4), so that a
 * newsletter's link that was shared stays Email; Google asks in the other order for Facebook and
 * the like. "-", "_" and spaces are the same in a medium.
 */
#include "event/event_internal.h"

enum medium {
    MEDIUM_NONE,
    MEDIUM_CROSS_NETWORK,
    MEDIUM_PAID,
    MEDIUM_CPM,
    MEDIUM_DISPLAY,
    MEDIUM_AFFILIATE,
    MEDIUM_EMAIL,
    MEDIUM_SMS,
    MEDIUM_PUSH,
    MEDIUM_AUDIO,
    MEDIUM_SOCIAL,
    MEDIUM_VIDEO,
    MEDIUM_ORGANIC,
    MEDIUM_REFERRAL,
    MEDIUM_UNKNOWN,
    MEDIUMS,
};

/* -- words -- */

enum where { IS, BEGINS, ENDS, HOLDS };

/* The first row that fits a medium in lower case, with dashes. */
static const struct {
    struct str word;
    enum where where;
    enum medium medium;
} words[] = {
    {STR_INIT("cross-network"), HOLDS, MEDIUM_CROSS_NETWORK},
    {STR_INIT("cpm"), IS, MEDIUM_CPM},
    {STR_INIT("cp"), HOLDS, MEDIUM_PAID},
    {STR_INIT("paid"), BEGINS, MEDIUM_PAID},
    {STR_INIT("ppc"), IS, MEDIUM_PAID},
    {STR_INIT("retargeting"), IS, MEDIUM_PAID},
    {STR_INIT("display"), IS, MEDIUM_DISPLAY},
    {STR_INIT("banner"), IS, MEDIUM_DISPLAY},
    {STR_INIT("expandable"), IS, MEDIUM_DISPLAY},
    {STR_INIT("interstitial"), IS, MEDIUM_DISPLAY},
    {STR_INIT("affiliate"), IS, MEDIUM_AFFILIATE},
    {STR_INIT("affiliates"), IS, MEDIUM_AFFILIATE},
    {STR_INIT("email"), IS, MEDIUM_EMAIL},
    {STR_INIT("e-mail"), IS, MEDIUM_EMAIL},
    {STR_INIT("mail"), IS, MEDIUM_EMAIL},
    {STR_INIT("newsletter"), IS, MEDIUM_EMAIL},
    {STR_INIT("sms"), IS, MEDIUM_SMS},
    {STR_INIT("push"), ENDS, MEDIUM_PUSH},
    {STR_INIT("mobile"), HOLDS, MEDIUM_PUSH},
    {STR_INIT("notification"), HOLDS, MEDIUM_PUSH},
    {STR_INIT("audio"), IS, MEDIUM_AUDIO},
    {STR_INIT("podcast"), IS, MEDIUM_AUDIO},
    {STR_INIT("social"), IS, MEDIUM_SOCIAL},
    {STR_INIT("social-network"), IS, MEDIUM_SOCIAL},
    {STR_INIT("social-media"), IS, MEDIUM_SOCIAL},
    {STR_INIT("sm"), IS, MEDIUM_SOCIAL},
    {STR_INIT("video"), HOLDS, MEDIUM_VIDEO},
    {STR_INIT("organic"), IS, MEDIUM_ORGANIC},
    {STR_INIT("referral"), IS, MEDIUM_REFERRAL},
    {STR_INIT("app"), IS, MEDIUM_REFERRAL},
    {STR_INIT("link"), IS, MEDIUM_REFERRAL},
};

static bool holds(struct str s, struct str word)
{
    return s.len >= word.len && memmem(s.ptr, s.len, word.ptr, word.len) != NULL;
}

static bool fits(struct str s, struct str word, enum where where)
{
    switch (where) {
    case IS:
        return str_eq(s, word);
    case BEGINS:
        return str_starts(s, word);
    case ENDS:
        return str_ends(s, word);
    case HOLDS:
        return holds(s, word);
    }
    return false;
}

static struct str with_dashes(struct str s, struct arena *arena)
{
    char *out = arena_bytes(arena, s.len);

    text_lower_to(s, out);
    for (size_t i = 0; i < s.len; i++)
        if (out[i] == ' ' || out[i] == '_')
            out[i] = '-';
    return (struct str){out, s.len};
}

static enum medium medium_of(struct str medium)
{
    if (medium.len == 0)
        return MEDIUM_NONE;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (fits(medium, words[i].word, words[i].where))
            return words[i].medium;
    return MEDIUM_UNKNOWN;
}

/* -- paid -- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Does the campaign hold the word "shop" or "shopping"? A "workshop" is none. */
static bool is_shopping(struct str campaign)
{
    for (size_t at = 0; at + 4 <= campaign.len; at++) {
        struct str rest = str_slice(campaign, at, campaign.len);

        if (!str_starts(rest, STR("shop")) || (at > 0 && is_lower(campaign.ptr[at - 1])))
            continue;
        rest = str_slice(rest, str_starts(rest, STR("shopping")) ? 8 : 4, rest.len);
        if (rest.len == 0 || !is_lower(rest.ptr[0]))
            return true;
    }
    return false;
}

/* The kind that a medium like "paid_social" names. */
static enum source_kind kind_named_by(struct str medium)
{
    static const struct {
        struct str word;
        enum source_kind kind;
    } kinds[] = {
        {STR_INIT("shop"), SOURCE_SHOPPING},
        {STR_INIT("search"), SOURCE_SEARCH},
        {STR_INIT("social"), SOURCE_SOCIAL},
        {STR_INIT("video"), SOURCE_VIDEO},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (holds(medium, kinds[i].word))
            return kinds[i].kind;
    return SOURCE_UNKNOWN;
}

static const struct str paid_channels[SOURCE_KINDS] = {
    [SOURCE_SEARCH] = STR_INIT("Paid Search"), [SOURCE_SOCIAL] = STR_INIT("Paid Social"),
    [SOURCE_VIDEO] = STR_INIT("Paid Video"),   [SOURCE_SHOPPING] = STR_INIT("Paid Shopping"),
    [SOURCE_DISPLAY] = STR_INIT("Display"),
};

static struct str paid_channel(enum source_kind kind, enum medium medium, struct str medium_text,
                               struct str campaign)
{
    if (kind == SOURCE_SHOPPING || is_shopping(campaign))
        return STR("Paid Shopping");
    if (kind == SOURCE_UNKNOWN)
        kind = kind_named_by(medium_text);
    if (paid_channels[kind].len > 0)
        return paid_channels[kind];
    return medium == MEDIUM_CPM ? STR("Display") : STR("Paid Other");
}

/* -- the others -- */

static const struct str medium_channels[MEDIUMS] = {
    [MEDIUM_CROSS_NETWORK] = STR_INIT("Cross-network"),
    [MEDIUM_DISPLAY] = STR_INIT("Display"),
    [MEDIUM_AFFILIATE] = STR_INIT("Affiliates"),
    [MEDIUM_EMAIL] = STR_INIT("Email"),
    [MEDIUM_SMS] = STR_INIT("SMS"),
    [MEDIUM_PUSH] = STR_INIT("Mobile Push"),
    [MEDIUM_AUDIO] = STR_INIT("Audio"),
    [MEDIUM_SOCIAL] = STR_INIT("Organic Social"),
    [MEDIUM_VIDEO] = STR_INIT("Organic Video"),
};

static const struct str kind_channels[SOURCE_KINDS] = {
    [SOURCE_SEARCH] = STR_INIT("Organic Search"),
    [SOURCE_SOCIAL] = STR_INIT("Organic Social"),
    [SOURCE_VIDEO] = STR_INIT("Organic Video"),
    [SOURCE_SHOPPING] = STR_INIT("Organic Shopping"),
    [SOURCE_AI] = STR_INIT("AI Assistants"),
    [SOURCE_MAIL] = STR_INIT("Email"),
    [SOURCE_DISPLAY] = STR_INIT("Display"),
    [SOURCE_AUDIO] = STR_INIT("Audio"),
    [SOURCE_SMS] = STR_INIT("SMS"),
    [SOURCE_PUSH] = STR_INIT("Mobile Push"),
    [SOURCE_AFFILIATE] = STR_INIT("Affiliates"),
    [SOURCE_PAGE] = STR_INIT("Referral"),
};

static const struct str late_channels[MEDIUMS] = {
    [MEDIUM_ORGANIC] = STR_INIT("Organic Search"),
    [MEDIUM_REFERRAL] = STR_INIT("Referral"),
    [MEDIUM_UNKNOWN] = STR_INIT("Unassigned"),
};

struct str channel_of(const struct channel_input *in, struct arena *arena)
{
    struct str medium_text = with_dashes(in->medium, arena);
    struct str campaign = with_dashes(in->campaign, arena);
    enum medium medium = medium_of(medium_text);

    if (in->paid && (medium == MEDIUM_NONE || medium == MEDIUM_UNKNOWN))
        medium = MEDIUM_PAID;
    if (holds(campaign, STR("cross-network")))
        return STR("Cross-network");
    if (medium == MEDIUM_PAID || medium == MEDIUM_CPM)
        return paid_channel(in->kind, medium, medium_text, campaign);
    if (medium_channels[medium].len > 0)
        return medium_channels[medium];
    if (kind_channels[in->kind].len > 0)
        return kind_channels[in->kind];
    if (late_channels[medium].len > 0)
        return late_channels[medium];
    if (in->referred)
        return STR("Referral");
    return in->tagged ? STR("Unassigned") : STR("");
}
