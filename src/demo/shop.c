/*
 * demo/shop.c -- a shop for the home: the site with most visits, and with visits of every channel.
 *
 * Campaigns, partners and products are made up; the names of search engines and networks are the
 * real ones, since those are what sources are known by.
 */
#include "demo/demo_internal.h"

static const struct source sources[] = {
    {190, ALWAYS, STR_INIT(""), STR_INIT(""), STR_INIT("")},
    {250, ALWAYS, STR_INIT("https://www.google.com/"), STR_INIT(""), STR_INIT("")},
    {26, ALWAYS, STR_INIT("https://www.bing.com/"), STR_INIT(""), STR_INIT("")},
    {24, ALWAYS, STR_INIT("https://duckduckgo.com/"), STR_INIT(""), STR_INIT("")},
    {12, ALWAYS, STR_INIT("https://www.ecosia.org/"), STR_INIT(""), STR_INIT("")},
    {40, ALWAYS, STR_INIT("https://www.google.com/"),
     STR_INIT("utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=demo+shop"),
     STR_INIT("/")},
    {30, ALWAYS, STR_INIT("https://www.google.com/"),
     STR_INIT("utm_source=google&utm_medium=cpc&utm_campaign=oak-tables&utm_term=oak+table"),
     STR_INIT("/tables")},
    {22, ALWAYS, STR_INIT("https://www.google.com/"),
     STR_INIT("utm_source=google&utm_medium=cpc&utm_campaign=shopping-feed"),
     STR_INIT("/lamps/amber")},
    {12, ALWAYS, STR_INIT("https://www.idealo.de/"), STR_INIT(""), STR_INIT("/chairs/birch")},
    {9, ALWAYS, STR_INIT("https://www.etsy.com/"), STR_INIT(""), STR_INIT("/mugs/cobalt")},
    {26, ALWAYS, STR_INIT("https://l.instagram.com/"), STR_INIT(""), STR_INIT("")},
    {24, ALWAYS, STR_INIT("https://www.facebook.com/"), STR_INIT(""), STR_INIT("")},
    {22, ALWAYS, STR_INIT("https://www.pinterest.com/"), STR_INIT(""), STR_INIT("")},
    {12, ALWAYS, STR_INIT("https://www.reddit.com/"), STR_INIT(""), STR_INIT("")},
    {20, ALWAYS, STR_INIT("https://www.facebook.com/"),
     STR_INIT("utm_source=facebook&utm_medium=paid_social&utm_campaign=rooms&utm_content=carousel"),
     STR_INIT("/rugs")},
    {14, ALWAYS, STR_INIT("https://www.youtube.com/"), STR_INIT(""), STR_INIT("/guides/care")},
    {9, ALWAYS, STR_INIT("https://www.youtube.com/"),
     STR_INIT("utm_source=youtube&utm_medium=paid_video&utm_campaign=rooms&utm_content=15s"),
     STR_INIT("/")},
    {12, ALWAYS, STR_INIT(""),
     STR_INIT("utm_source=criteo&utm_medium=display&utm_campaign=back-again&utm_content=banner-b"),
     STR_INIT("/")},
    {12, ALWAYS, STR_INIT(""),
     STR_INIT("utm_source=demo-deals&utm_medium=affiliate&utm_campaign=deals"),
     STR_INIT("/offers/last-pieces")},
    {6, ALWAYS, STR_INIT(""), STR_INIT("utm_source=demo-sms&utm_medium=sms&utm_campaign=parcel"),
     STR_INIT("/account")},
    {8, ALWAYS, STR_INIT(""), STR_INIT("utm_source=demo-app&utm_medium=push&utm_campaign=restock"),
     STR_INIT("/plants")},
    {6, ALWAYS, STR_INIT(""),
     STR_INIT("utm_source=demo-talk&utm_medium=podcast&utm_campaign=episode-12"), STR_INIT("/")},
    {6, ALWAYS, STR_INIT(""),
     STR_INIT("utm_source=google&utm_medium=cpc&utm_campaign=cross-network-1"), STR_INIT("/")},
    {5, ALWAYS, STR_INIT(""),
     STR_INIT("utm_source=demo-magazine&utm_medium=cpc&utm_campaign=advertorial"),
     STR_INIT("/guides/light")},
    {5, ALWAYS, STR_INIT(""), STR_INIT("utm_source=flyer&utm_medium=qr-code&utm_campaign=flyer"),
     STR_INIT("/")},
    {14, ALWAYS, STR_INIT("https://blog.demo.example/light"), STR_INIT(""), STR_INIT("/lamps")},
    {9, ALWAYS, STR_INIT("https://directory.example/home-and-garden"), STR_INIT(""), STR_INIT("/")},
    {22, GROWING, STR_INIT("https://chatgpt.com/"), STR_INIT(""), STR_INIT("")},
    {8, GROWING, STR_INIT("https://www.perplexity.ai/"), STR_INIT(""), STR_INIT("")},
    {5, GROWING, STR_INIT("https://claude.ai/"), STR_INIT(""), STR_INIT("")},
    {44, WEEKLY, STR_INIT(""),
     STR_INIT("utm_source=newsletter&utm_medium=email&utm_campaign=weekly"),
     STR_INIT("/offers/this-week")},
    {105, FALLING, STR_INIT("https://rooms-magazine.example/best-lamps"), STR_INIT(""),
     STR_INIT("/lamps/amber")},
    {340, CAMPAIGN, STR_INIT("https://l.instagram.com/"),
     STR_INIT("utm_source=instagram&utm_medium=paid_social&utm_campaign=made-to-measure"
              "&utm_content=story"),
     STR_INIT("/offers/made-to-measure")},
    {1500, LAUNCH, STR_INIT("https://news.ycombinator.com/item?id=1"), STR_INIT(""),
     STR_INIT("/guides/how-our-shop-works")},
    {900, LAUNCH, STR_INIT("https://design-news.example/launches"), STR_INIT(""),
     STR_INIT("/guides/how-our-shop-works")},
};
_Static_assert(COUNT(sources) <= SOURCES_MAX, "a day's plan has room for all sources");

static const struct place places[] = {
    {430, STR_INIT("DE"), STR_INIT("de")}, {90, STR_INIT("AT"), STR_INIT("de")},
    {62, STR_INIT("CH"), STR_INIT("de")},  {14, STR_INIT("CH"), STR_INIT("fr")},
    {55, STR_INIT("NL"), STR_INIT("nl")},  {52, STR_INIT("FR"), STR_INIT("fr")},
    {44, STR_INIT("PL"), STR_INIT("pl")},  {38, STR_INIT("GB"), STR_INIT("en")},
    {36, STR_INIT("IT"), STR_INIT("it")},  {32, STR_INIT("ES"), STR_INIT("es")},
    {30, STR_INIT("US"), STR_INIT("en")},  {24, STR_INIT("DK"), STR_INIT("da")},
    {22, STR_INIT("SE"), STR_INIT("sv")},  {20, STR_INIT("BE"), STR_INIT("nl")},
    {18, STR_INIT("CZ"), STR_INIT("cs")},  {10, STR_INIT("NO"), STR_INIT("nb")},
    {8, STR_INIT("FI"), STR_INIT("fi")},   {7, STR_INIT("PT"), STR_INIT("pt")},
    {6, STR_INIT("IE"), STR_INIT("en")},   {5, STR_INIT("LU"), STR_INIT("fr")},
    {4, STR_INIT("TR"), STR_INIT("tr")},   {4, STR_INIT("UA"), STR_INIT("uk")},
    {3, STR_INIT("CA"), STR_INIT("en")},   {2, STR_INIT("JP"), STR_INIT("ja")},
    {2, STR_INIT("AU"), STR_INIT("en")},
};

static const struct way ways[] = {
    {ROLE_ITEM, ROLE_CART, 75},
    {ROLE_CART, ROLE_CHECKOUT, 560},
    {ROLE_CHECKOUT, ROLE_DONE, 680},
    {ROLE_LIST, ROLE_ITEM, 380},
};

static const struct str cart_props[] = {
    STR_INIT("{\"size\":\"small\",\"gift\":false}"),
    STR_INIT("{\"size\":\"small\",\"gift\":true}"),
    STR_INIT("{\"size\":\"medium\",\"gift\":false}"),
    STR_INIT("{\"size\":\"large\",\"gift\":false}"),
    STR_INIT("{\"size\":\"large\",\"gift\":true}"),
};
static const struct str purchase_props[] = {
    STR_INIT("{\"payment\":\"invoice\",\"items\":1}"),
    STR_INIT("{\"payment\":\"invoice\",\"items\":2}"),
    STR_INIT("{\"payment\":\"card\",\"items\":1}"),
    STR_INIT("{\"payment\":\"card\",\"items\":3}"),
    STR_INIT("{\"payment\":\"transfer\",\"items\":1}"),
};
static const struct str lead_props[] = {
    STR_INIT("{\"plan\":\"shelf\"}"),
    STR_INIT("{\"plan\":\"table\"}"),
    STR_INIT("{\"plan\":\"wardrobe\"}"),
};
static const struct str form_props[] = {
    STR_INIT("{\"form\":\"newsletter\"}"), STR_INIT("{\"form\":\"newsletter\"}"),
    STR_INIT("{\"form\":\"newsletter\"}"), STR_INIT("{\"form\":\"sample\"}"),
    STR_INIT("{\"form\":\"callback\"}"),
};
static const struct str contact_props[] = {STR_INIT("{\"form\":\"contact\"}")};
static const struct str advice_props[] = {
    STR_INIT("{\"model\":\"small\",\"task\":\"advice\"}"),
    STR_INIT("{\"model\":\"small\",\"task\":\"search\"}"),
    STR_INIT("{\"model\":\"large\",\"task\":\"advice\"}"),
};
static const struct str link_props[] = {
    STR_INIT("{\"host\":\"maps.example\",\"path\":\"/demo-shop\"}"),
    STR_INIT("{\"host\":\"parcels.example\",\"path\":\"/track\"}"),
};

static const struct habit habits[] = {
    {ROLE_ITEM, 115, 115, EVENT_CUSTOM, STR_INIT("cart.add"), 0, TABLE(cart_props)},
    {ROLE_ITEM, 24, 24, EVENT_AI_USAGE, STR_INIT(""), 2400, TABLE(advice_props)},
    {ROLE_DONE, 960, 960, EVENT_CUSTOM, STR_INIT("purchase"), 0, TABLE(purchase_props)},
    {ROLE_OFFER, 34, 150, EVENT_LEAD_CREATED, STR_INIT(""), 0, TABLE(lead_props)},
    {ROLE_HOME, 14, 20, EVENT_FORM_SUBMIT, STR_INIT(""), 0, TABLE(form_props)},
    {ROLE_LIST, 6, 9, EVENT_FORM_SUBMIT, STR_INIT(""), 0, TABLE(form_props)},
    {ROLE_OTHER, 30, 30, EVENT_FORM_SUBMIT, STR_INIT(""), 0, TABLE(contact_props)},
    {ROLE_OTHER, 42, 42, EVENT_CUSTOM, STR_INIT("link.outbound"), 0, TABLE(link_props)},
};

static const struct str mail_props[] = {
    STR_INIT("{\"flow\":\"order-confirmation\"}"),
    STR_INIT("{\"flow\":\"order-confirmation\"}"),
    STR_INIT("{\"flow\":\"forgotten-cart\"}"),
    STR_INIT("{\"flow\":\"restock\"}"),
};
static const struct str export_props[] = {
    STR_INIT("{\"format\":\"csv\",\"what\":\"orders\"}"),
    STR_INIT("{\"format\":\"xlsx\",\"what\":\"orders\"}"),
    STR_INIT("{\"format\":\"csv\",\"what\":\"stock\"}"),
};
static const struct str text_props[] = {
    STR_INIT("{\"model\":\"large\",\"task\":\"descriptions\"}"),
    STR_INIT("{\"model\":\"large\",\"task\":\"translation\"}"),
};

static const struct duty duties[] = {
    {18, EVENT_AUTOMATION_RUN, 6, 0, STR_INIT(""), TABLE(mail_props)},
    {3, EVENT_EXPORT_COMPLETED, 1, 0, STR_INIT(""), TABLE(export_props)},
    {4, EVENT_AI_USAGE, 0, 9000, STR_INIT(""), TABLE(text_props)},
};

/* -- pages -- */

static const struct {
    const char *path, *one, *many;
    uint32_t weight;
} things[] = {
    {"lamps", "lamp", "Lamps", 30},      {"chairs", "chair", "Chairs", 24},
    {"tables", "table", "Tables", 22},   {"rugs", "rug", "Rugs", 14},
    {"mugs", "mug", "Mugs", 12},         {"plants", "plant pot", "Plants", 11},
    {"posters", "poster", "Posters", 9}, {"clocks", "clock", "Clocks", 8},
    {"shelves", "shelf", "Shelves", 8},  {"blankets", "blanket", "Blankets", 7},
};
static const struct {
    const char *path, *name;
    uint32_t weight;
} kinds[] = {
    {"amber", "Amber", 16}, {"birch", "Birch", 12},  {"cobalt", "Cobalt", 9},
    {"dune", "Dune", 7},    {"ember", "Ember", 6},   {"fjord", "Fjord", 5},
    {"grove", "Grove", 4},  {"harbor", "Harbor", 3}, {"indigo", "Indigo", 3},
    {"jade", "Jade", 2},    {"kiln", "Kiln", 2},     {"linen", "Linen", 1},
};

static const struct page others[] = {
    {STR_INIT("/cart"), STR_INIT("Your cart - Demo shop"), ROLE_CART, 0},
    {STR_INIT("/checkout"), STR_INIT("Checkout - Demo shop"), ROLE_CHECKOUT, 0},
    {STR_INIT("/checkout/thanks"), STR_INIT("Thank you - Demo shop"), ROLE_DONE, 0},
    {STR_INIT("/offers/made-to-measure"), STR_INIT("Made to measure - Demo shop"), ROLE_OFFER, 300},
    {STR_INIT("/offers/this-week"), STR_INIT("Offers of the week - Demo shop"), ROLE_OFFER, 340},
    {STR_INIT("/offers/last-pieces"), STR_INIT("Last pieces - Demo shop"), ROLE_OFFER, 160},
    {STR_INIT("/guides/care"), STR_INIT("How to care for wood - Demo shop"), ROLE_OTHER, 120},
    {STR_INIT("/guides/light"), STR_INIT("The right light - Demo shop"), ROLE_OTHER, 180},
    {STR_INIT("/guides/how-our-shop-works"), STR_INIT("How our shop works - Demo shop"), ROLE_OTHER,
     60},
    {STR_INIT("/account"), STR_INIT("Your account - Demo shop"), ROLE_OTHER, 110},
    {STR_INIT("/contact"), STR_INIT("Contact - Demo shop"), ROLE_OTHER, 90},
    {STR_INIT("/delivery"), STR_INIT("Delivery and returns - Demo shop"), ROLE_OTHER, 130},
    {STR_INIT("/about"), STR_INIT("About us - Demo shop"), ROLE_OTHER, 60},
    {STR_INIT("/privacy"), STR_INIT("Privacy - Demo shop"), ROLE_OTHER, 20},
};

static void add_pages(struct pages *pages, struct arena *arena)
{
    page_add(pages, ROLE_HOME, 600, STR("/"), STR("Demo shop: made-up things for the home"));
    for (size_t i = 0; i < COUNT(things); i++) {
        page_add(pages, ROLE_LIST, 14 * things[i].weight, text_of(arena, "/%s", things[i].path),
                 text_of(arena, "%s - Demo shop", things[i].many));
        for (size_t k = 0; k < COUNT(kinds); k++)
            page_add(pages, ROLE_ITEM, things[i].weight * kinds[k].weight,
                     text_of(arena, "/%s/%s", things[i].path, kinds[k].path),
                     text_of(arena, "%s %s - Demo shop", kinds[k].name, things[i].one));
    }
    for (size_t i = 0; i < COUNT(others); i++)
        page_add(pages, others[i].role, others[i].weight, others[i].path, others[i].title);
}

const struct story story_shop = {
    .visits = 320,
    .go_on = 330,
    .week = {1030, 1010, 990, 980, 960, 940, 1090},
    .year = {960, 930, 960, 950, 900, 850, 830, 880, 970, 1060, 1280, 1390},
    .hours = {14, 8,  5,  3,  3,  6,  14, 26, 38, 46, 52, 54,
              56, 52, 48, 48, 52, 60, 70, 82, 88, 76, 52, 28},
    .sources = sources,
    .sources_count = COUNT(sources),
    .places = places,
    .places_count = COUNT(places),
    .ways = ways,
    .ways_count = COUNT(ways),
    .habits = habits,
    .habits_count = COUNT(habits),
    .duties = duties,
    .duties_count = COUNT(duties),
    .add_pages = add_pages,
    .launch = STR_INIT("The new shop is open (demo)"),
    .campaign = STR_INIT("Campaign \"made to measure\" begins (demo)"),
};
