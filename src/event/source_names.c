/*
 * event/source_names.c -- names of sources other than hosts, and the search for any of them.
 *
 * Brands have a host in every country: "google" is google.com, google.de and google.co.uk, and no
 * google.example. Packages are Android's, from referrers like android-app://com.slack. Words are
 * what people write into utm_source. Each table is sorted by key, bytewise.
 */
#include "event/event_internal.h"

#include <stdlib.h>

#define ROW SOURCE_ROW
#define TABLE(rows)                                                                                \
    {                                                                                              \
        (rows), sizeof(rows) / sizeof((rows)[0])                                                   \
    }

static const struct source_row brands[] = {
    ROW("amazon", "Amazon", SOURCE_SHOPPING), ROW("ebay", "eBay", SOURCE_SHOPPING),
    ROW("google", "Google", SOURCE_SEARCH),   ROW("pinterest", "Pinterest", SOURCE_SOCIAL),
    ROW("yandex", "Yandex", SOURCE_SEARCH),
};
const struct source_table source_brands = TABLE(brands);

static const struct source_row apps[] = {
    ROW("ai.mistral.chat", "Mistral", SOURCE_AI),
    ROW("ai.perplexity.app.android", "Perplexity", SOURCE_AI),
    ROW("ai.x.grok", "Grok", SOURCE_AI),
    ROW("ch.protonmail.android", "Proton Mail", SOURCE_MAIL),
    ROW("com.amazon.mshop.android.shopping", "Amazon", SOURCE_SHOPPING),
    ROW("com.anthropic.claude", "Claude", SOURCE_AI),
    ROW("com.deepseek.chat", "DeepSeek", SOURCE_AI),
    ROW("com.devhd.feedly", "Feedly", SOURCE_PAGE),
    ROW("com.discord", "Discord", SOURCE_SOCIAL),
    ROW("com.duckduckgo.mobile.android", "DuckDuckGo", SOURCE_SEARCH),
    ROW("com.ebay.mobile", "eBay", SOURCE_SHOPPING),
    ROW("com.ecosia.android", "Ecosia", SOURCE_SEARCH),
    ROW("com.facebook.katana", "Facebook", SOURCE_SOCIAL),
    ROW("com.facebook.lite", "Facebook", SOURCE_SOCIAL),
    ROW("com.facebook.orca", "Messenger", SOURCE_SOCIAL),
    ROW("com.fsck.k9", "K-9 Mail", SOURCE_MAIL),
    ROW("com.github.android", "GitHub", SOURCE_PAGE),
    ROW("com.google.android.apps.bard", "Gemini", SOURCE_AI),
    ROW("com.google.android.apps.dynamite", "Google Chat", SOURCE_PAGE),
    ROW("com.google.android.apps.magazines", "Google News", SOURCE_PAGE),
    ROW("com.google.android.gm", "Gmail", SOURCE_MAIL),
    ROW("com.google.android.gm.lite", "Gmail", SOURCE_MAIL),
    ROW("com.google.android.googlequicksearchbox", "Google", SOURCE_SEARCH),
    ROW("com.google.android.youtube", "YouTube", SOURCE_VIDEO),
    ROW("com.ideashower.readitlater.pro", "Pocket", SOURCE_SOCIAL),
    ROW("com.instagram.android", "Instagram", SOURCE_SOCIAL),
    ROW("com.instagram.barcelona", "Threads", SOURCE_SOCIAL),
    ROW("com.instagram.lite", "Instagram", SOURCE_SOCIAL),
    ROW("com.keylesspalace.tusky", "Mastodon", SOURCE_SOCIAL),
    ROW("com.laurencedawson.reddit_sync", "Reddit", SOURCE_SOCIAL),
    ROW("com.linkedin.android", "LinkedIn", SOURCE_SOCIAL),
    ROW("com.microsoft.bing", "Bing", SOURCE_SEARCH),
    ROW("com.microsoft.copilot", "Copilot", SOURCE_AI),
    ROW("com.microsoft.office.outlook", "Outlook", SOURCE_MAIL),
    ROW("com.microsoft.teams", "Teams", SOURCE_PAGE),
    ROW("com.nhn.android.search", "Naver", SOURCE_SEARCH),
    ROW("com.openai.chatgpt", "ChatGPT", SOURCE_AI),
    ROW("com.pinterest", "Pinterest", SOURCE_SOCIAL),
    ROW("com.quora.android", "Quora", SOURCE_SOCIAL),
    ROW("com.qwant.liberty", "Qwant", SOURCE_SEARCH),
    ROW("com.reddit.frontpage", "Reddit", SOURCE_SOCIAL),
    ROW("com.samsung.android.email.provider", "Samsung Email", SOURCE_MAIL),
    ROW("com.slack", "Slack", SOURCE_PAGE),
    ROW("com.snapchat.android", "Snapchat", SOURCE_SOCIAL),
    ROW("com.ss.android.ugc.trill", "TikTok", SOURCE_SOCIAL),
    ROW("com.tencent.mm", "WeChat", SOURCE_SOCIAL),
    ROW("com.tumblr", "Tumblr", SOURCE_SOCIAL),
    ROW("com.twitter.android", "X", SOURCE_SOCIAL),
    ROW("com.twitter.android.lite", "X", SOURCE_SOCIAL),
    ROW("com.vimeo.android.videoapp", "Vimeo", SOURCE_VIDEO),
    ROW("com.vkontakte.android", "VK", SOURCE_SOCIAL),
    ROW("com.whatsapp", "WhatsApp", SOURCE_SOCIAL),
    ROW("com.whatsapp.w4b", "WhatsApp", SOURCE_SOCIAL),
    ROW("com.xing.android", "Xing", SOURCE_SOCIAL),
    ROW("com.yahoo.mobile.client.android.mail", "Yahoo Mail", SOURCE_MAIL),
    ROW("com.zhiliaoapp.musically", "TikTok", SOURCE_SOCIAL),
    ROW("de.gmx.mobile.android.mail", "GMX", SOURCE_MAIL),
    ROW("de.web.mobile.android.mail", "WEB.DE", SOURCE_MAIL),
    ROW("flipboard.app", "Flipboard", SOURCE_SOCIAL),
    ROW("io.github.hidroh.materialistic", "Hacker News", SOURCE_SOCIAL),
    ROW("jp.naver.line.android", "LINE", SOURCE_SOCIAL),
    ROW("net.thunderbird.android", "Thunderbird", SOURCE_MAIL),
    ROW("org.joinmastodon.android", "Mastodon", SOURCE_SOCIAL),
    ROW("org.telegram.messenger", "Telegram", SOURCE_SOCIAL),
    ROW("org.telegram.messenger.web", "Telegram", SOURCE_SOCIAL),
    ROW("org.thunderdog.challegram", "Telegram", SOURCE_SOCIAL),
    ROW("ru.yandex.searchplugin", "Yandex", SOURCE_SEARCH),
    ROW("tv.twitch.android.app", "Twitch", SOURCE_VIDEO),
    ROW("xyz.blueskyweb.app", "Bluesky", SOURCE_SOCIAL),
};
const struct source_table source_apps = TABLE(apps);

static const struct source_row words[] = {
    ROW("adwords", "Google", SOURCE_SEARCH),
    ROW("amazon", "Amazon", SOURCE_SHOPPING),
    ROW("baidu", "Baidu", SOURCE_SEARCH),
    ROW("bing", "Bing", SOURCE_SEARCH),
    ROW("bing-ads", "Bing", SOURCE_SEARCH),
    ROW("bing_ads", "Bing", SOURCE_SEARCH),
    ROW("bingads", "Bing", SOURCE_SEARCH),
    ROW("bluesky", "Bluesky", SOURCE_SOCIAL),
    ROW("brave", "Brave", SOURCE_SEARCH),
    ROW("bsky", "Bluesky", SOURCE_SOCIAL),
    ROW("chatgpt", "ChatGPT", SOURCE_AI),
    ROW("claude", "Claude", SOURCE_AI),
    ROW("copilot", "Copilot", SOURCE_AI),
    ROW("criteo", "Criteo", SOURCE_DISPLAY),
    ROW("dailymotion", "Dailymotion", SOURCE_VIDEO),
    ROW("ddg", "DuckDuckGo", SOURCE_SEARCH),
    ROW("deepseek", "DeepSeek", SOURCE_AI),
    ROW("discord", "Discord", SOURCE_SOCIAL),
    ROW("duckduckgo", "DuckDuckGo", SOURCE_SEARCH),
    ROW("dv360", "Google", SOURCE_DISPLAY),
    ROW("e-mail", "email", SOURCE_MAIL),
    ROW("e_mail", "email", SOURCE_MAIL),
    ROW("ebay", "eBay", SOURCE_SHOPPING),
    ROW("ecosia", "Ecosia", SOURCE_SEARCH),
    ROW("email", "email", SOURCE_MAIL),
    ROW("etsy", "Etsy", SOURCE_SHOPPING),
    ROW("facebook", "Facebook", SOURCE_SOCIAL),
    ROW("facebook-ads", "Facebook", SOURCE_SOCIAL),
    ROW("facebook_ads", "Facebook", SOURCE_SOCIAL),
    ROW("facebookads", "Facebook", SOURCE_SOCIAL),
    ROW("fb", "Facebook", SOURCE_SOCIAL),
    ROW("firebase", "Firebase", SOURCE_PUSH),
    ROW("gemini", "Gemini", SOURCE_AI),
    ROW("github", "GitHub", SOURCE_PAGE),
    ROW("gmail", "Gmail", SOURCE_MAIL),
    ROW("google", "Google", SOURCE_SEARCH),
    ROW("google-ads", "Google", SOURCE_SEARCH),
    ROW("google-shopping", "Google Shopping", SOURCE_SHOPPING),
    ROW("google_ads", "Google", SOURCE_SEARCH),
    ROW("google_shopping", "Google Shopping", SOURCE_SHOPPING),
    ROW("googleads", "Google", SOURCE_SEARCH),
    ROW("googleshopping", "Google Shopping", SOURCE_SHOPPING),
    ROW("grok", "Grok", SOURCE_AI),
    ROW("hacker-news", "Hacker News", SOURCE_SOCIAL),
    ROW("hacker_news", "Hacker News", SOURCE_SOCIAL),
    ROW("hackernews", "Hacker News", SOURCE_SOCIAL),
    ROW("hn", "Hacker News", SOURCE_SOCIAL),
    ROW("hs_email", "HubSpot", SOURCE_MAIL),
    ROW("idealo", "Idealo", SOURCE_SHOPPING),
    ROW("ig", "Instagram", SOURCE_SOCIAL),
    ROW("insta", "Instagram", SOURCE_SOCIAL),
    ROW("instagram", "Instagram", SOURCE_SOCIAL),
    ROW("kagi", "Kagi", SOURCE_SEARCH),
    ROW("klaviyo", "Klaviyo", SOURCE_MAIL),
    ROW("line", "LINE", SOURCE_SOCIAL),
    ROW("linkedin", "LinkedIn", SOURCE_SOCIAL),
    ROW("mail", "email", SOURCE_MAIL),
    ROW("mailchimp", "Mailchimp", SOURCE_MAIL),
    ROW("mastodon", "Mastodon", SOURCE_SOCIAL),
    ROW("messenger", "Messenger", SOURCE_SOCIAL),
    ROW("meta", "Facebook", SOURCE_SOCIAL),
    ROW("mistral", "Mistral", SOURCE_AI),
    ROW("naver", "Naver", SOURCE_SEARCH),
    ROW("newsletter", "newsletter", SOURCE_MAIL),
    ROW("openai", "ChatGPT", SOURCE_AI),
    ROW("outbrain", "Outbrain", SOURCE_DISPLAY),
    ROW("outlook", "Outlook", SOURCE_MAIL),
    ROW("perplexity", "Perplexity", SOURCE_AI),
    ROW("pinterest", "Pinterest", SOURCE_SOCIAL),
    ROW("product-hunt", "Product Hunt", SOURCE_SOCIAL),
    ROW("producthunt", "Product Hunt", SOURCE_SOCIAL),
    ROW("quora", "Quora", SOURCE_SOCIAL),
    ROW("qwant", "Qwant", SOURCE_SEARCH),
    ROW("reddit", "Reddit", SOURCE_SOCIAL),
    ROW("sms", "sms", SOURCE_SMS),
    ROW("snapchat", "Snapchat", SOURCE_SOCIAL),
    ROW("spotify", "Spotify", SOURCE_AUDIO),
    ROW("startpage", "Startpage", SOURCE_SEARCH),
    ROW("taboola", "Taboola", SOURCE_DISPLAY),
    ROW("telegram", "Telegram", SOURCE_SOCIAL),
    ROW("threads", "Threads", SOURCE_SOCIAL),
    ROW("tiktok", "TikTok", SOURCE_SOCIAL),
    ROW("tumblr", "Tumblr", SOURCE_SOCIAL),
    ROW("twitch", "Twitch", SOURCE_VIDEO),
    ROW("twitter", "X", SOURCE_SOCIAL),
    ROW("vimeo", "Vimeo", SOURCE_VIDEO),
    ROW("vk", "VK", SOURCE_SOCIAL),
    ROW("vkontakte", "VK", SOURCE_SOCIAL),
    ROW("wechat", "WeChat", SOURCE_SOCIAL),
    ROW("whatsapp", "WhatsApp", SOURCE_SOCIAL),
    ROW("wikipedia", "Wikipedia", SOURCE_PAGE),
    ROW("x", "X", SOURCE_SOCIAL),
    ROW("xing", "Xing", SOURCE_SOCIAL),
    ROW("yahoo", "Yahoo", SOURCE_SEARCH),
    ROW("yandex", "Yandex", SOURCE_SEARCH),
    ROW("youtube", "YouTube", SOURCE_VIDEO),
    ROW("yt", "YouTube", SOURCE_VIDEO),
};
const struct source_table source_words = TABLE(words);

static int compare_key(const void *key, const void *row)
{
    return str_cmp(*(const struct str *)key, ((const struct source_row *)row)->key);
}

static const struct source_row *find(struct str key, const struct source_table *table)
{
    return bsearch(&key, table->rows, table->count, sizeof(table->rows[0]), compare_key);
}

static bool is_country(struct str label)
{
    return label.len == 2;
}

/* "com", "de", "co.uk", "com.br": what follows a brand. */
static bool is_registry(struct str s)
{
    struct str first = text_until(s, ".");
    struct str rest = str_slice(s, first.len + 1, s.len);
    bool general = str_eq(first, STR("com")) || str_eq(first, STR("co"));

    if (first.len == s.len)
        return is_country(s) || str_eq(s, STR("com"));
    return general && is_country(rest) && str_find(rest, 0, '.') == rest.len;
}

static const struct source_row *find_brand(struct str host)
{
    while (host.len > 0) {
        struct str label = text_until(host, ".");
        struct str rest = str_slice(host, label.len + 1, host.len);

        if (is_registry(rest))
            return find(label, &source_brands);
        host = rest;
    }
    return NULL;
}

const struct source_row *source_of_host(struct str host)
{
    const struct source_row *row =
        host_find(host, source_hosts.rows, source_hosts.count, sizeof(source_hosts.rows[0]));

    return row != NULL ? row : find_brand(host);
}

const struct source_row *source_of_app(struct str package)
{
    return find(package, &source_apps);
}

const struct source_row *source_of_word(struct str word)
{
    return find(word, &source_words);
}
