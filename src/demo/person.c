/* demo/person.c -- who comes: a place and a device by chance, the same whenever they come again. */
#include "demo/demo_internal.h"

enum { SCREENS = 3, GPC_PER_MILLE = 25 };

/* In the words of agent/. The second weight is of people at their desks. */
static const struct device {
    uint32_t weight, at_work;
    struct str browser, os, device;
    struct str screens[SCREENS];
} devices[] = {
    {230,
     360,
     STR_INIT("Chrome"),
     STR_INIT("Windows"),
     STR_INIT("desktop"),
     {STR_INIT("1920x1080"), STR_INIT("1536x864"), STR_INIT("2560x1440")}},
    {65,
     130,
     STR_INIT("Edge"),
     STR_INIT("Windows"),
     STR_INIT("desktop"),
     {STR_INIT("1920x1080"), STR_INIT("1920x1200"), STR_INIT("1366x768")}},
    {48,
     55,
     STR_INIT("Firefox"),
     STR_INIT("Windows"),
     STR_INIT("desktop"),
     {STR_INIT("1920x1080"), STR_INIT("1680x1050"), STR_INIT("2560x1440")}},
    {70,
     160,
     STR_INIT("Chrome"),
     STR_INIT("macOS"),
     STR_INIT("desktop"),
     {STR_INIT("1440x900"), STR_INIT("1728x1117"), STR_INIT("2560x1440")}},
    {68,
     75,
     STR_INIT("Safari"),
     STR_INIT("macOS"),
     STR_INIT("desktop"),
     {STR_INIT("1440x900"), STR_INIT("1512x982"), STR_INIT("1728x1117")}},
    {16,
     40,
     STR_INIT("Firefox"),
     STR_INIT("Ubuntu"),
     STR_INIT("desktop"),
     {STR_INIT("1920x1080"), STR_INIT("2560x1440"), STR_INIT("3840x2160")}},
    {10,
     18,
     STR_INIT("Chrome"),
     STR_INIT("Linux"),
     STR_INIT("desktop"),
     {STR_INIT("1920x1080"), STR_INIT("2560x1440"), STR_INIT("1920x1200")}},
    {9,
     6,
     STR_INIT("Opera"),
     STR_INIT("Windows"),
     STR_INIT("desktop"),
     {STR_INIT("1920x1080"), STR_INIT("1366x768"), STR_INIT("1600x900")}},
    {7,
     12,
     STR_INIT("Chrome"),
     STR_INIT("Chrome OS"),
     STR_INIT("desktop"),
     {STR_INIT("1366x768"), STR_INIT("1920x1080"), STR_INIT("1536x864")}},
    {195,
     60,
     STR_INIT("Chrome"),
     STR_INIT("Android"),
     STR_INIT("mobile"),
     {STR_INIT("412x915"), STR_INIT("360x800"), STR_INIT("393x873")}},
    {46,
     12,
     STR_INIT("Samsung Internet"),
     STR_INIT("Android"),
     STR_INIT("mobile"),
     {STR_INIT("360x780"), STR_INIT("384x832"), STR_INIT("412x915")}},
    {12,
     6,
     STR_INIT("Firefox"),
     STR_INIT("Android"),
     STR_INIT("mobile"),
     {STR_INIT("412x915"), STR_INIT("360x800"), STR_INIT("393x851")}},
    {165,
     48,
     STR_INIT("Safari"),
     STR_INIT("iOS"),
     STR_INIT("mobile"),
     {STR_INIT("390x844"), STR_INIT("393x852"), STR_INIT("430x932")}},
    {18,
     8,
     STR_INIT("Chrome"),
     STR_INIT("iOS"),
     STR_INIT("mobile"),
     {STR_INIT("390x844"), STR_INIT("375x812"), STR_INIT("428x926")}},
    {24,
     7,
     STR_INIT("Safari"),
     STR_INIT("iOS"),
     STR_INIT("tablet"),
     {STR_INIT("810x1080"), STR_INIT("820x1180"), STR_INIT("1024x1366")}},
    {14,
     3,
     STR_INIT("Chrome"),
     STR_INIT("Android"),
     STR_INIT("tablet"),
     {STR_INIT("800x1280"), STR_INIT("962x601"), STR_INIT("1280x800")}},
    {3,
     0,
     STR_INIT("Samsung Internet"),
     STR_INIT("Tizen"),
     STR_INIT("tv"),
     {STR_INIT("1920x1080"), STR_INIT("1920x1080"), STR_INIT("3840x2160")}},
};

static const struct device *device_of(bool at_work, struct dice *dice)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < COUNT(devices); i++)
        sum += at_work ? devices[i].at_work : devices[i].weight;
    uint32_t at = dice_below(dice, sum);
    const struct device *device = devices;

    for (;; device++) {
        uint32_t weight = at_work ? device->at_work : device->weight;

        if (at < weight)
            return device;
        at -= weight;
    }
}

static const struct place *place_of(const struct story *story, struct dice *dice)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < story->places_count; i++)
        sum += story->places[i].weight;
    uint32_t at = dice_below(dice, sum);
    const struct place *place = story->places;

    while (at >= place->weight)
        at -= place++->weight;
    return place;
}

struct person person_of(const struct story *story, uint64_t seed, uint64_t number)
{
    struct dice dice = dice_of(seed, number);
    const struct device *device = device_of(story->at_work, &dice);
    const struct place *place = place_of(story, &dice);
    struct person person = {
        .number = number,
        .gpc = dice_hits(&dice, GPC_PER_MILLE),
        .sender = {.browser = device->browser,
                   .os = device->os,
                   .device = device->device,
                   .language = place->language,
                   .country = place->country},
        .screen = device->screens[dice_below(&dice, SCREENS)],
    };

    /* Some have another language than their country. */
    if (dice_hits(&dice, 60))
        person.sender.language = STR("en");
    return person;
}
