/*
 * agent/device.c -- the class of a device from a few marks in the User-Agent.
 *
 * Five rules, of which the first that fits decides: marks of a television set; Sec-CH-UA-Mobile
 * says mobile; marks of a tablet, or Android without "Mobile"; marks of a phone, unless
 * Sec-CH-UA-Mobile says no; else a desktop. An iPad that asks for desktop pages calls itself a
 * Macintosh and cannot be told from one.
 */
#include "agent/words.h"

enum { MARKS_MAX = 24 };

struct marks {
    struct str device;
    struct str mark[MARKS_MAX]; /* case counts */
};

static const struct marks tv = {
    STR_INIT("tv"),
    {
        STR_INIT("SmartTV"), STR_INIT("SMART-TV"), STR_INIT("Smart-TV"),  STR_INIT("Smart TV"),
        STR_INIT("HbbTV"),   STR_INIT("GoogleTV"), STR_INIT("Google TV"), STR_INIT("Android TV"),
        STR_INIT("AppleTV"), STR_INIT("Apple TV"), STR_INIT("NetCast"),   STR_INIT("Web0S"),
        STR_INIT("NETTV"),   STR_INIT("BRAVIA"),   STR_INIT("VIERA"),     STR_INIT("CrKey"),
        STR_INIT("Roku"),    STR_INIT("; AFT"), /* Amazon's Fire TV: AFTB, AFTS, AFTMM ... */
        STR_INIT("DTV"),     STR_INIT("Opera TV"), STR_INIT("TV Safari"), STR_INIT("PhilipsTV"),
    }};

static const struct marks tablet = {STR_INIT("tablet"),
                                    {STR_INIT("iPad"), STR_INIT("Tablet"), STR_INIT("PlayBook"),
                                     STR_INIT("Kindle"), STR_INIT("Silk-Accelerated")}};

static const struct marks phone = {STR_INIT("mobile"),
                                   {
                                       STR_INIT("Mobi"),
                                       STR_INIT("iPhone"),
                                       STR_INIT("iPod"),
                                       STR_INIT("Windows Phone"),
                                       STR_INIT("Windows CE"),
                                       STR_INIT("BlackBerry"),
                                       STR_INIT("BB10"),
                                       STR_INIT("Opera Mini"),
                                       STR_INIT("Symbian"),
                                       STR_INIT("Series40"),
                                       STR_INIT("Series60"),
                                       STR_INIT("Nokia"),
                                       STR_INIT("KAIOS"),
                                       STR_INIT("webOS/"),
                                       STR_INIT("UCWEB"),
                                       STR_INIT("J2ME"),
                                       STR_INIT("MIDP"),
                                   }};

static bool has(struct str text, struct str mark)
{
    return memmem(text.ptr, text.len, mark.ptr, mark.len) != NULL;
}

static bool has_any(struct str text, const struct marks *marks)
{
    for (size_t i = 0; i < MARKS_MAX && marks->mark[i].len > 0; i++) {
        if (has(text, marks->mark[i]))
            return true;
    }
    return false;
}

/* Google's own way of telling them apart; Opera Mini says nothing of where it runs, and most run it
 * on a phone. */
static bool is_android_tablet(struct str user_agent, enum mobile_hint hint)
{
    return has(user_agent, STR("Android")) &&
           (hint == HINT_DESKTOP ||
            (!has(user_agent, STR("Mobi")) && !has(user_agent, STR("Opera Mini"))));
}

enum mobile_hint mobile_hint_of(struct str header)
{
    if (str_eq(header, STR("?1")))
        return HINT_MOBILE;
    return str_eq(header, STR("?0")) ? HINT_DESKTOP : HINT_NONE;
}

struct str device_of(struct str user_agent, enum mobile_hint hint)
{
    if (has_any(user_agent, &tv))
        return tv.device;
    if (hint == HINT_MOBILE)
        return phone.device;
    if (has_any(user_agent, &tablet) || is_android_tablet(user_agent, hint))
        return tablet.device;
    if (hint == HINT_NONE && has_any(user_agent, &phone))
        return phone.device;
    return STR("desktop");
}
