/*
 * Where a visit came from. Channels are expected as Google Analytics' default channel groups define
 * them (support.google.com/analytics/answer/9756891), but for what the top of event/channel.c says;
 * the parameters of clicks as the advertisers document them.
 */
#include "event/event_internal.h"
#include "unit.h"

#include <stdio.h>

static struct site plain_site(void)
{
    return (struct site){.domain = STR("example.com"), .mask_personal = true};
}

struct traits {
    struct arena arena;
    struct str trait[TRAITS];
};

static struct traits read_from(const struct site *site, const char *path, const char *referrer)
{
    struct traits t = {0};

    source_read(site, str_from(path), str_from(referrer), &t.arena, t.trait);
    return t;
}

static void has(const struct traits *t, enum trait trait, const char *expected, const char *what)
{
    if (!str_eq(t->trait[trait], str_from(expected)))
        fail_msg("%s: trait %u is \"%.*s\", not \"%s\"", what, (unsigned)trait,
                 STR_FMT(t->trait[trait]), expected);
}

static void comes_from(const char *path, const char *referrer, const char *source,
                       const char *channel)
{
    struct site site = plain_site();
    struct traits t = read_from(&site, path, referrer);
    const char *what = strlen(path) > 1 ? path : referrer;

    has(&t, TRAIT_SOURCE, source, what);
    has(&t, TRAIT_CHANNEL, channel, what);
    arena_free(&t.arena);
}

/* -- referrers -- */

static void nothing_known_is_direct(void **state)
{
    (void)state;
    comes_from("/", "", "", "");
    comes_from("/pricing?plan=pro", "", "", "");
    comes_from("/", "no url", "", "");
    comes_from("/", "file:///home/me/a.html", "", "");
    comes_from("", "", "", "");
}

static void the_sites_own_hosts_are_no_referrer(void **state)
{
    (void)state;
    comes_from("/", "https://example.com/a", "", "");
    comes_from("/", "https://Shop.Example.com/a", "", "");
    comes_from("/", "https://notexample.com/", "notexample.com", "Referral");
}

static void names_the_host_of_a_page_that_is_not_known(void **state)
{
    (void)state;
    comes_from("/", "https://www.partner.org/a?b=c", "partner.org", "Referral");
    comes_from("/", "https://WWW.Partner.org", "partner.org", "Referral");
    comes_from("/", "https://blog.partner.org/", "blog.partner.org", "Referral");
    comes_from("/", "https://wwww.partner.org/", "wwww.partner.org", "Referral");
    comes_from("/", "https://[2001:db8::1]/", "[2001:db8::1]", "Referral");
    comes_from("/", "android-app://org.partner.app/", "org.partner.app", "Referral");
}

static void knows_search_engines(void **state)
{
    static const char *const cases[][2] = {
        {"https://www.google.com/", "Google"},
        {"https://www.google.de/", "Google"},
        {"https://www.google.co.uk/", "Google"},
        {"https://www.google.com.br/", "Google"},
        {"https://google.fr/search?q=x", "Google"},
        {"android-app://com.google.android.googlequicksearchbox/", "Google"},
        {"https://www.bing.com/", "Bing"},
        {"https://cn.bing.com/", "Bing"},
        {"https://duckduckgo.com/", "DuckDuckGo"},
        {"https://yandex.ru/", "Yandex"},
        {"https://yandex.com.tr/", "Yandex"},
        {"https://ya.ru/", "Yandex"},
        {"https://www.baidu.com/link?url=x", "Baidu"},
        {"https://www.ecosia.org/", "Ecosia"},
        {"https://www.qwant.com/", "Qwant"},
        {"https://www.startpage.com/", "Startpage"},
        {"https://search.brave.com/", "Brave"},
        {"https://kagi.com/", "Kagi"},
        {"https://m.search.naver.com/", "Naver"},
        {"https://de.search.yahoo.com/", "Yahoo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        comes_from("/", cases[i][0], cases[i][1], "Organic Search");
}

static void knows_social_networks(void **state)
{
    static const char *const cases[][2] = {
        {"https://l.facebook.com/", "Facebook"},
        {"https://m.facebook.com/", "Facebook"},
        {"android-app://com.facebook.katana/", "Facebook"},
        {"https://l.instagram.com/", "Instagram"},
        {"https://t.co/abc", "X"},
        {"https://twitter.com/", "X"},
        {"https://x.com/", "X"},
        {"https://www.linkedin.com/", "LinkedIn"},
        {"https://lnkd.in/", "LinkedIn"},
        {"android-app://com.linkedin.android/", "LinkedIn"},
        {"https://old.reddit.com/", "Reddit"},
        {"https://out.reddit.com/", "Reddit"},
        {"https://www.pinterest.com/", "Pinterest"},
        {"https://www.pinterest.de/", "Pinterest"},
        {"https://www.tiktok.com/", "TikTok"},
        {"https://mastodon.social/", "Mastodon"},
        {"https://www.threads.net/", "Threads"},
        {"https://l.threads.com/", "Threads"},
        {"https://bsky.app/", "Bluesky"},
        {"https://go.bsky.app/", "Bluesky"},
        {"https://news.ycombinator.com/", "Hacker News"},
        {"https://t.me/", "Telegram"},
        {"https://web.telegram.org/", "Telegram"},
        {"https://web.whatsapp.com/", "WhatsApp"},
        {"https://discord.com/", "Discord"},
        {"https://away.vk.com/", "VK"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        comes_from("/", cases[i][0], cases[i][1], "Organic Social");
}

static void knows_assistants_mail_shops_and_videos(void **state)
{
    static const char *const cases[][3] = {
        {"https://chatgpt.com/", "ChatGPT", "AI Assistants"},
        {"https://chat.openai.com/", "ChatGPT", "AI Assistants"},
        {"https://www.perplexity.ai/", "Perplexity", "AI Assistants"},
        {"https://claude.ai/", "Claude", "AI Assistants"},
        {"https://gemini.google.com/", "Gemini", "AI Assistants"},
        {"https://copilot.microsoft.com/", "Copilot", "AI Assistants"},
        {"https://chat.deepseek.com/", "DeepSeek", "AI Assistants"},
        {"https://chat.mistral.ai/", "Mistral", "AI Assistants"},
        {"https://grok.com/", "Grok", "AI Assistants"},
        {"https://you.com/", "You.com", "AI Assistants"},
        {"https://www.phind.com/", "Phind", "AI Assistants"},
        {"android-app://com.openai.chatgpt/", "ChatGPT", "AI Assistants"},
        {"https://mail.google.com/", "Gmail", "Email"},
        {"android-app://com.google.android.gm/", "Gmail", "Email"},
        {"https://outlook.live.com/", "Outlook", "Email"},
        {"https://mail.yahoo.com/", "Yahoo Mail", "Email"},
        {"https://deref-gmx.net/", "GMX", "Email"},
        {"https://navigator.web.de/", "WEB.DE", "Email"},
        {"https://mail.proton.me/", "Proton Mail", "Email"},
        {"https://www.amazon.de/", "Amazon", "Organic Shopping"},
        {"https://www.amazon.co.jp/", "Amazon", "Organic Shopping"},
        {"https://www.ebay.com/", "eBay", "Organic Shopping"},
        {"https://www.etsy.com/", "Etsy", "Organic Shopping"},
        {"https://www.youtube.com/", "YouTube", "Organic Video"},
        {"https://m.youtube.com/", "YouTube", "Organic Video"},
        {"android-app://com.google.android.youtube/", "YouTube", "Organic Video"},
        {"https://vimeo.com/", "Vimeo", "Organic Video"},
        {"https://github.com/", "GitHub", "Referral"},
        {"https://en.wikipedia.org/", "Wikipedia", "Referral"},
        {"https://docs.google.com/", "Google Docs", "Referral"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        comes_from("/", cases[i][0], cases[i][1], cases[i][2]);
}

static void takes_no_lookalike_for_a_known_source(void **state)
{
    static const char *const hosts[] = {
        "google.com.evil.org", "notgoogle.com", "google.evil.org", "google.example",
        "google.co.evil",      "evil-t.co",     "com.google",      "youtube.com.evil.org",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char url[64];

        (void)snprintf(url, sizeof(url), "https://%s/", hosts[i]);
        comes_from("/", url, hosts[i], "Referral");
    }
    /* A package is the whole of one. */
    comes_from("/", "android-app://evil.com.whatsapp/", "evil.com.whatsapp", "Referral");
    comes_from("/", "android-app://www.google.com/", "google.com", "Referral");
    comes_from("/", "https://com.whatsapp/", "com.whatsapp", "Referral");
}

/* -- tags -- */

static void utm_source_names_the_source_before_source_and_ref(void **state)
{
    (void)state;
    comes_from("/?ref=c&source=b&utm_source=a", "", "a", "Unassigned");
    comes_from("/?ref=c&source=b", "", "b", "Unassigned");
    comes_from("/?ref=c", "", "c", "Referral");
    comes_from("/?utm_source=&source=%20&ref=c", "", "c", "Referral");
    comes_from("/?utm_source=a&utm_source=b", "", "a", "Unassigned");
    comes_from("/?utm_source=&utm_source=b", "", "b", "Unassigned");
    comes_from("/?UTM_Source=a", "", "a", "Unassigned");
    comes_from("/?utm_source=a#?utm_source=b", "", "a", "Unassigned");
    comes_from("/#?utm_source=b", "", "", "");
    comes_from("/?utm_source=spring", "https://www.partner.org/", "spring", "Referral");
}

static void known_words_and_hosts_take_their_name(void **state)
{
    static const char *const cases[][3] = {
        {"/?utm_source=google", "Google", "Organic Search"},
        {"/?utm_source=Google", "Google", "Organic Search"},
        {"/?utm_source=google.com", "Google", "Organic Search"},
        {"/?utm_source=facebook", "Facebook", "Organic Social"},
        {"/?utm_source=FB", "Facebook", "Organic Social"},
        {"/?utm_source=l.facebook.com", "Facebook", "Organic Social"},
        {"/?utm_source=chatgpt.com", "ChatGPT", "AI Assistants"},
        {"/?utm_source=perplexity", "Perplexity", "AI Assistants"},
        {"/?utm_source=newsletter", "newsletter", "Email"},
        {"/?utm_source=Newsletter", "newsletter", "Email"},
        {"/?utm_source=twitter", "X", "Organic Social"},
        {"/?ref=producthunt", "Product Hunt", "Organic Social"},
        {"/?ref=https%3A%2F%2Fwww.youtube.com%2Fwatch", "YouTube", "Organic Video"},
        {"/?ref=https://www.partner.org/me@example.com", "partner.org", "Referral"},
        {"/?utm_source=sms", "sms", "SMS"},
        {"/?utm_source=firebase", "Firebase", "Mobile Push"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        comes_from(cases[i][0], "", cases[i][1], cases[i][2]);
}

static void keeps_the_texts_of_a_campaign(void **state)
{
    struct site site = plain_site();
    struct traits t = read_from(&site,
                                "/?utm_term=d+e&utm_content=%C3%BCber&utm_campaign=%20Spring%20"
                                "&utm_medium=Email&utm_source=Facebook&utm_id=7",
                                "");

    (void)state;
    has(&t, TRAIT_SOURCE, "Facebook", "all");
    has(&t, TRAIT_CHANNEL, "Email", "all");
    has(&t, TRAIT_UTM_SOURCE, "Facebook", "all");
    has(&t, TRAIT_UTM_MEDIUM, "Email", "all");
    has(&t, TRAIT_UTM_CAMPAIGN, "Spring", "all");
    has(&t, TRAIT_UTM_CONTENT,
        "\xc3\xbc"
        "ber",
        "all");
    has(&t, TRAIT_UTM_TERM, "d e", "all");
    arena_free(&t.arena);

    t = read_from(&site, "/?utm_source=fb&source=b&ref=c", "");
    has(&t, TRAIT_SOURCE, "Facebook", "fb");
    has(&t, TRAIT_UTM_SOURCE, "fb", "fb");
    arena_free(&t.arena);

    t = read_from(&site, "/?source=b&ref=c", "");
    has(&t, TRAIT_UTM_SOURCE, "", "source");
    arena_free(&t.arena);
}

static void decodes_to_valid_text(void **state)
{
    static const char *const cases[][2] = {
        {"/?utm_term=%FCber", "\xef\xbf\xbd"
                              "ber"},
        {"/?utm_term=%C3", "\xef\xbf\xbd"},
        {"/?utm_term=%ED%A0%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"/?utm_term=%C0%AF", "\xef\xbf\xbd\xef\xbf\xbd"},                /* overlong */
        {"/?utm_term=a%00b%0Ac%7Fd", "a b c d"},
        {"/?utm_term=%00%09", ""},
        {"/?utm_term=100%", "100%"},
        {"/?utm_term=100%2", "100%2"},
        {"/?utm_term=%zz", "%zz"},
        {"/?utm_term=%2525", "%25"},
        {"/?utm_term=a%2Bb", "a+b"},
        {"/?utm_term=a=b", "a=b"},
        {"/?utm_term", ""},
    };
    struct site site = plain_site();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct traits t = read_from(&site, cases[i][0], "");

        has(&t, TRAIT_UTM_TERM, cases[i][1], cases[i][0]);
        arena_free(&t.arena);
    }
}

static void masks_texts_where_the_site_wants_it(void **state)
{
    struct site site = plain_site();
    struct traits t =
        read_from(&site, "/?utm_source=me%40example.com&utm_term=x+me@example.com", "");

    (void)state;
    has(&t, TRAIT_SOURCE, "[email]", "masked");
    has(&t, TRAIT_UTM_SOURCE, "[email]", "masked");
    has(&t, TRAIT_UTM_TERM, "[email]", "masked");
    arena_free(&t.arena);
    site.mask_personal = false;
    t = read_from(&site, "/?utm_source=me%40example.net", "");
    has(&t, TRAIT_SOURCE, "me@example.net", "plain");
    has(&t, TRAIT_UTM_SOURCE, "me@example.net", "plain");
    arena_free(&t.arena);
}

static void cuts_texts_at_200_bytes(void **state)
{
    struct site site = plain_site();
    char path[300] = "/?utm_source=", host[300] = "https://";

    (void)state;
    memset(path + 13, 'a', 201);
    struct traits t = read_from(&site, path, "");

    assert_int_equal(t.trait[TRAIT_SOURCE].len, 200);
    assert_int_equal(t.trait[TRAIT_UTM_SOURCE].len, 200);
    arena_free(&t.arena);
    memcpy(path + 13 + 199, "\xc3\xbc", 3); /* a character over the edge stays out whole */
    t = read_from(&site, path, "");
    assert_int_equal(t.trait[TRAIT_UTM_SOURCE].len, 199);
    arena_free(&t.arena);
    path[13 + 200] = '\0';
    path[13 + 199] = 'a';
    t = read_from(&site, path, "");
    assert_int_equal(t.trait[TRAIT_UTM_SOURCE].len, 200);
    arena_free(&t.arena);

    memset(host + 8, 'h', 200);
    t = read_from(&site, "/", host);
    assert_int_equal(t.trait[TRAIT_SOURCE].len, 200);
    arena_free(&t.arena);
    memset(host + 8, 'h', 201);
    t = read_from(&site, "/", host);
    assert_int_equal(t.trait[TRAIT_SOURCE].len, 200);
    arena_free(&t.arena);
}

/* -- clicks -- */

static void a_clicks_id_names_source_and_channel(void **state)
{
    static const char *const cases[][3] = {
        {"/?gclid=x", "Google", "Paid Search"},
        {"/?GCLID=x", "Google", "Paid Search"},
        {"/?gbraid=x", "Google", "Paid Search"},
        {"/?wbraid=x", "Google", "Paid Search"},
        {"/?gad_source=1", "Google", "Paid Search"},
        {"/?dclid=x", "Google", "Display"},
        {"/?msclkid=x", "Bing", "Paid Search"},
        {"/?yclid=x", "Yandex", "Paid Search"},
        {"/?fbclid=x", "Facebook", "Organic Social"},
        {"/?igshid=x", "Instagram", "Organic Social"},
        {"/?ttclid=x", "TikTok", "Paid Social"},
        {"/?twclid=x", "X", "Paid Social"},
        {"/?li_fat_id=x", "LinkedIn", "Paid Social"},
        {"/?epik=x", "Pinterest", "Paid Social"},
        {"/?ScCid=x", "Snapchat", "Paid Social"},
        {"/?rdt_cid=x", "Reddit", "Paid Social"},
        {"/?mc_cid=x&mc_eid=y", "Mailchimp", "Email"},
        {"/?awc=x", "Awin", "Affiliates"},
        {"/?fbclid=x&gclid=y", "Google", "Paid Search"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        comes_from(cases[i][0], "", cases[i][1], cases[i][2]);
    comes_from("/?gclid=", "", "", "");
    comes_from("/?gclid", "", "", "");
}

static void what_names_the_source_better_goes_before_a_click(void **state)
{
    (void)state;
    comes_from("/?fbclid=x", "https://l.instagram.com/", "Instagram", "Organic Social");
    comes_from("/?msclkid=x", "https://duckduckgo.com/", "DuckDuckGo", "Paid Search");
    comes_from("/?gclid=x", "https://www.youtube.com/", "YouTube", "Paid Video");
    comes_from("/?gclid=x", "https://www.partner.org/", "Google", "Paid Search");
    comes_from("/?gclid=x", "https://googleads.g.doubleclick.net/", "Google", "Display");
    comes_from("/?utm_source=spring&gclid=x", "", "spring", "Paid Search");
    comes_from("/?utm_source=newsletter&fbclid=x", "https://l.facebook.com/", "newsletter",
               "Email");
    /* A medium that is understood stands; another does not hide that a click was paid. */
    comes_from("/?utm_medium=email&gclid=x", "", "Google", "Email");
    comes_from("/?utm_medium=xyz&gclid=x", "", "Google", "Paid Search");
}

static void knows_what_is_never_kept(void **state)
{
    static const char *const names[] = {
        "utm_source", "UTM_anything", "ref",    "source", "gclid",  "gclsrc",    "gbraid",
        "wbraid",     "gad_source",   "dclid",  "fbclid", "FBCLID", "msclkid",   "ttclid",
        "twclid",     "li_fat_id",    "yclid",  "epik",   "ScCid",  "rdt_cid",   "igshid",
        "mc_cid",     "mc_eid",       "_hsenc", "_hsmi",  "_kx",    "irclickid", "vero_id",
    };
    static const char *const others[] = {"q", "utm", "referrer", "sources", "gclidx", "", "utm-x"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!tags_name(str_from(names[i])))
            fail_msg("%s", names[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (tags_name(str_from(others[i])))
            fail_msg("%s", others[i]);
}

static void no_text_holds_the_id_of_a_click(void **state)
{
    struct site site = plain_site();
    struct traits t =
        read_from(&site, "/?gclid=SECRET&fbclid=SECRET&mc_eid=SECRET&utm_id=SECRET", "");

    (void)state;
    for (unsigned i = 0; i < TRAITS; i++)
        assert_true(t.trait[i].len < 6 ||
                    memmem(t.trait[i].ptr, t.trait[i].len, "SECRET", 6) == NULL);
    has(&t, TRAIT_SOURCE, "Google", "click");
    arena_free(&t.arena);
}

/* -- channels -- */

static void tells_channels_as_analysts_know_them(void **state)
{
    static const char *const cases[][2] = {
        {"/?utm_source=x&utm_medium=cpc&utm_campaign=a-cross-network-b", "Cross-network"},
        {"/?utm_source=google&utm_medium=cross-network", "Cross-network"},
        {"/?utm_source=google&utm_medium=cpc&utm_campaign=shopping_de", "Paid Shopping"},
        {"/?utm_source=google&utm_medium=cpc&utm_campaign=my+shop", "Paid Shopping"},
        {"/?utm_source=google&utm_medium=cpc&utm_campaign=workshop", "Paid Search"},
        {"/?utm_source=google&utm_medium=cpc&utm_campaign=shoplift", "Paid Search"},
        {"/?utm_source=amazon&utm_medium=cpc", "Paid Shopping"},
        {"/?utm_source=google&utm_medium=cpc", "Paid Search"},
        {"/?utm_source=google&utm_medium=CPC", "Paid Search"},
        {"/?utm_source=bing&utm_medium=ppc", "Paid Search"},
        {"/?utm_source=google&utm_medium=retargeting", "Paid Search"},
        {"/?utm_source=google&utm_medium=cpm", "Paid Search"},
        {"/?utm_source=facebook&utm_medium=paid", "Paid Social"},
        {"/?utm_source=facebook&utm_medium=paid_social", "Paid Social"},
        {"/?utm_source=linkedin&utm_medium=cpa", "Paid Social"},
        {"/?utm_source=youtube&utm_medium=cpv", "Paid Video"},
        {"/?utm_source=spring&utm_medium=paid-social", "Paid Social"},
        {"/?utm_source=spring&utm_medium=cpc", "Paid Other"},
        {"/?utm_source=chatgpt.com&utm_medium=cpc", "Paid Other"},
        {"/?utm_source=spring&utm_medium=cpm", "Display"},
        {"/?utm_source=taboola&utm_medium=cpc", "Display"},
        {"/?utm_source=spring&utm_medium=display", "Display"},
        {"/?utm_source=spring&utm_medium=banner", "Display"},
        {"/?utm_source=spring&utm_medium=expandable", "Display"},
        {"/?utm_source=spring&utm_medium=interstitial", "Display"},
        {"/?utm_source=spring&utm_medium=affiliate", "Affiliates"},
        {"/?utm_source=spring&utm_medium=email", "Email"},
        {"/?utm_source=spring&utm_medium=e-mail", "Email"},
        {"/?utm_source=spring&utm_medium=e_mail", "Email"},
        {"/?utm_source=spring&utm_medium=e+mail", "Email"},
        {"/?utm_source=e-mail", "Email"},
        {"/?utm_source=spring&utm_medium=sms", "SMS"},
        {"/?utm_source=spring&utm_medium=webpush", "Mobile Push"},
        {"/?utm_source=spring&utm_medium=mobile_app", "Mobile Push"},
        {"/?utm_source=spring&utm_medium=notification", "Mobile Push"},
        {"/?utm_source=spring&utm_medium=audio", "Audio"},
        {"/?utm_source=spring&utm_medium=social", "Organic Social"},
        {"/?utm_source=spring&utm_medium=social-network", "Organic Social"},
        {"/?utm_source=spring&utm_medium=social+media", "Organic Social"},
        {"/?utm_source=spring&utm_medium=sm", "Organic Social"},
        {"/?utm_source=facebook&utm_medium=referral", "Organic Social"},
        {"/?utm_source=spring&utm_medium=video", "Organic Video"},
        {"/?utm_source=etsy&utm_medium=xyz", "Organic Shopping"},
        {"/?utm_source=spring&utm_medium=organic", "Organic Search"},
        {"/?utm_source=chatgpt.com&utm_medium=referral", "AI Assistants"},
        {"/?utm_source=spring&utm_medium=referral", "Referral"},
        {"/?utm_source=spring&utm_medium=app", "Referral"},
        {"/?utm_source=spring&utm_medium=link", "Referral"},
        {"/?utm_source=spring&utm_medium=xyz", "Unassigned"},
        {"/?utm_medium=xyz", "Unassigned"},
        {"/?utm_campaign=xyz", "Unassigned"},
        {"/?utm_content=xyz", "Unassigned"},
        {"/?utm_term=xyz", "Unassigned"},
    };
    struct site site = plain_site();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct traits t = read_from(&site, cases[i][0], "");

        has(&t, TRAIT_CHANNEL, cases[i][1], cases[i][0]);
        arena_free(&t.arena);
    }
}

static void asks_the_referrer_where_a_tag_is_not_known(void **state)
{
    (void)state;
    comes_from("/?utm_source=spring", "https://l.instagram.com/", "spring", "Organic Social");
    comes_from("/?utm_source=ads_de&utm_medium=cpc", "https://www.google.de/", "ads_de",
               "Paid Search");
    comes_from("/?utm_source=spring&utm_medium=xyz", "https://www.partner.org/", "spring",
               "Unassigned");
    comes_from("/?utm_campaign=spring", "https://www.google.de/", "Google", "Organic Search");
}

/* -- the tables -- */

static size_t labels_of(struct str host)
{
    size_t labels = 1;

    for (size_t i = 0; i < host.len; i++)
        labels += host.ptr[i] == '.';
    return labels;
}

static void is_lower_case(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')
            fail_msg("%.*s", STR_FMT(s));
}

static void tables_are_sorted_and_in_lower_case(void **state)
{
    const struct source_table *const tables[] = {&source_hosts, &source_brands, &source_apps,
                                                 &source_words};

    (void)state;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct source_row *row = &tables[t]->rows[i];

            if (i > 0 && str_cmp(row[-1].key, row->key) >= 0)
                fail_msg("%.*s", STR_FMT(row->key));
            is_lower_case(row->key);
            assert_true(row->name.len > 0 && row->name.len <= TRAIT_MAX);
            assert_true(row->kind > SOURCE_UNKNOWN && row->kind < SOURCE_KINDS);
            if (tables[t] == &source_hosts)
                assert_in_range(labels_of(row->key), 2, HOST_LABELS_MAX);
        }
    }
    for (size_t i = 0; i < spam_hosts_count; i++) {
        if (i > 0 && str_cmp(spam_hosts[i - 1], spam_hosts[i]) >= 0)
            fail_msg("%.*s", STR_FMT(spam_hosts[i]));
        is_lower_case(spam_hosts[i]);
        assert_in_range(labels_of(spam_hosts[i]), 2, HOST_LABELS_MAX);
        assert_null(source_of_host(spam_hosts[i]));
    }
}

/* Each row is found by its own key, and below it. */
static void finds_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < source_hosts.count; i++) {
        const struct source_row *row = &source_hosts.rows[i];
        char below[300];

        assert_ptr_equal(source_of_host(row->key), row);
        (void)snprintf(below, sizeof(below), "a.b.c.d.e.%.*s", STR_FMT(row->key));
        assert_ptr_equal(source_of_host(str_from(below)), row);
    }
    for (size_t i = 0; i < source_apps.count; i++)
        assert_ptr_equal(source_of_app(source_apps.rows[i].key), &source_apps.rows[i]);
    for (size_t i = 0; i < source_words.count; i++)
        assert_ptr_equal(source_of_word(source_words.rows[i].key), &source_words.rows[i]);
    for (size_t i = 0; i < spam_hosts_count; i++)
        assert_true(host_is_spam(spam_hosts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_known_is_direct),
        cmocka_unit_test(the_sites_own_hosts_are_no_referrer),
        cmocka_unit_test(names_the_host_of_a_page_that_is_not_known),
        cmocka_unit_test(knows_search_engines),
        cmocka_unit_test(knows_social_networks),
        cmocka_unit_test(knows_assistants_mail_shops_and_videos),
        cmocka_unit_test(takes_no_lookalike_for_a_known_source),
        cmocka_unit_test(utm_source_names_the_source_before_source_and_ref),
        cmocka_unit_test(known_words_and_hosts_take_their_name),
        cmocka_unit_test(keeps_the_texts_of_a_campaign),
        cmocka_unit_test(decodes_to_valid_text),
        cmocka_unit_test(masks_texts_where_the_site_wants_it),
        cmocka_unit_test(cuts_texts_at_200_bytes),
        cmocka_unit_test(a_clicks_id_names_source_and_channel),
        cmocka_unit_test(what_names_the_source_better_goes_before_a_click),
        cmocka_unit_test(knows_what_is_never_kept),
        cmocka_unit_test(no_text_holds_the_id_of_a_click),
        cmocka_unit_test(tells_channels_as_analysts_know_them),
        cmocka_unit_test(asks_the_referrer_where_a_tag_is_not_known),
        cmocka_unit_test(tables_are_sorted_and_in_lower_case),
        cmocka_unit_test(finds_every_row),
    };
    return cmocka_run_group_tests_name("event_source", tests, NULL, NULL);
}
