/*
 * event/spam.c -- hosts known for referrer spam, and the search in tables of hosts.
 *
 * Referrer spam sends events, or visits pages, only to be read in reports. The table is of our own,
 * from what has been reported in public about the campaigns since 2013; it is modest, because new
 * hosts come faster than versions of this program, and sites name their own (blockedReferrers).
 */
#include "event/event_internal.h"

#include <stdlib.h>

const struct str spam_hosts[] = {
    STR_INIT("4webmasters.org"),
    STR_INIT("7makemoneyonline.com"),
    STR_INIT("abcdefh.xyz"),
    STR_INIT("abcdeg.xyz"),
    STR_INIT("adviceforum.info"),
    STR_INIT("anticrawler.org"),
    STR_INIT("bartikus.site"),
    STR_INIT("best-seo-offer.com"),
    STR_INIT("best-seo-solution.com"),
    STR_INIT("bestwebsitesawards.com"),
    STR_INIT("blackhatworth.com"),
    STR_INIT("bot-traffic.icu"),
    STR_INIT("bot-traffic.xyz"),
    STR_INIT("bottraffic.live"),
    STR_INIT("bottraffic.wtf"),
    STR_INIT("buttons-for-website.com"),
    STR_INIT("buttons-for-your-website.com"),
    STR_INIT("cenokos.ru"),
    STR_INIT("cenoval.ru"),
    STR_INIT("chinese-amezon.com"),
    STR_INIT("copyrightclaims.org"),
    STR_INIT("darodar.com"),
    STR_INIT("depositfiles-porn.ga"),
    STR_INIT("dertus.site"),
    STR_INIT("domination.ml"),
    STR_INIT("e-buyeasy.com"),
    STR_INIT("econom.co"),
    STR_INIT("erot.co"),
    STR_INIT("event-tracking.com"),
    STR_INIT("fast-wordpress-start.com"),
    STR_INIT("fertuk.site"),
    STR_INIT("fix-website-errors.com"),
    STR_INIT("floating-share-buttons.com"),
    STR_INIT("free-share-buttons.com"),
    STR_INIT("free-social-buttons.com"),
    STR_INIT("free-video-tool.com"),
    STR_INIT("get-free-social-traffic.com"),
    STR_INIT("get-free-traffic-now.com"),
    STR_INIT("gobongo.info"),
    STR_INIT("googlsucks.com"),
    STR_INIT("grets.store"),
    STR_INIT("guardlink.org"),
    STR_INIT("howtostopreferralspam.eu"),
    STR_INIT("hulfingtonpost.com"),
    STR_INIT("humanorightswatch.org"),
    STR_INIT("ilovevitaly.co"),
    STR_INIT("ilovevitaly.com"),
    STR_INIT("ilovevitaly.ru"),
    STR_INIT("iskalko.ru"),
    STR_INIT("justprofit.xyz"),
    STR_INIT("kambasoft.com"),
    STR_INIT("keywords-monitoring-success.com"),
    STR_INIT("keywords-monitoring-your-success.com"),
    STR_INIT("lomb.co"),
    STR_INIT("lumb.co"),
    STR_INIT("makemoneyonline.com"),
    STR_INIT("mantero.online"),
    STR_INIT("monetizationking.net"),
    STR_INIT("o-o-6-o-o.com"),
    STR_INIT("o-o-8-o-o.com"),
    STR_INIT("pornhub-forum.ga"),
    STR_INIT("priceg.com"),
    STR_INIT("qualitymarketzone.com"),
    STR_INIT("rank-checker.online"),
    STR_INIT("rankings-analytics.com"),
    STR_INIT("ranksonic.info"),
    STR_INIT("ranksonic.org"),
    STR_INIT("razas.site"),
    STR_INIT("responsive-test.net"),
    STR_INIT("rida.tokyo"),
    STR_INIT("savetubevideo.com"),
    STR_INIT("seders.website"),
    STR_INIT("semalt.com"),
    STR_INIT("seoexperimenty.ru"),
    STR_INIT("sexyali.com"),
    STR_INIT("share-buttons.xyz"),
    STR_INIT("sharebutton.net"),
    STR_INIT("sharebutton.org"),
    STR_INIT("sharebutton.to"),
    STR_INIT("simple-share-buttons.com"),
    STR_INIT("slftsdybbg.ru"),
    STR_INIT("smailik.org"),
    STR_INIT("social-buttons.com"),
    STR_INIT("success-seo.com"),
    STR_INIT("theguardlan.com"),
    STR_INIT("top1-seo-service.com"),
    STR_INIT("torontoplumbinggroup.com"),
    STR_INIT("traffic2cash.xyz"),
    STR_INIT("traffic2money.com"),
    STR_INIT("trafficbot.life"),
    STR_INIT("trafficmonetizer.org"),
    STR_INIT("uptimechecker.com"),
    STR_INIT("video--production.com"),
    STR_INIT("vodkoved.ru"),
    STR_INIT("web-revenue.xyz"),
    STR_INIT("webmonetizer.net"),
    STR_INIT("website-analyzer.info"),
    STR_INIT("x5market.ru"),
    STR_INIT("ykecwqlixx.ru"),
};
const size_t spam_hosts_count = sizeof(spam_hosts) / sizeof(spam_hosts[0]);

static int compare_host(const void *key, const void *entry)
{
    return str_cmp(*(const struct str *)key, *(const struct str *)entry);
}

/* Where the last HOST_LABELS_MAX labels begin: longer hosts can be in no table as they are. */
static size_t last_labels(struct str host)
{
    size_t at = host.len;

    for (int labels = 0; at > 0; at--)
        if (host.ptr[at - 1] == '.' && ++labels == HOST_LABELS_MAX)
            break;
    return at;
}

const void *host_find(struct str host, const void *table, size_t count, size_t size)
{
    size_t dot;

    /* No table has a top-level domain: two labels are the least. */
    for (size_t at = last_labels(host); (dot = str_find(host, at, '.')) < host.len; at = dot + 1) {
        struct str above = str_slice(host, at, host.len);
        const void *entry = bsearch(&above, table, count, size, compare_host);

        if (entry != NULL)
            return entry;
    }
    return NULL;
}

bool host_is_spam(struct str host)
{
    char lower[URL_HOST_MAX];

    if (host.len > sizeof(lower))
        return false;
    text_lower_to(host, lower);
    return host_find((struct str){lower, host.len}, spam_hosts, spam_hosts_count,
                     sizeof(spam_hosts[0])) != NULL;
}
