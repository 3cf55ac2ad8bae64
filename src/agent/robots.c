/*
 * agent/robots.c -- two lists and the few exceptions.
 *
 * isbot tells robots from people well and says no more. crawler-user-agents knows fewer, finds some
 * that isbot does not, and says what they are for.
 */
#include "agent/robots.h"

#include "agent/words.h"

/* Patterns of crawler-user-agents that people's browsers meet too. They name the kind of what else
 * says is a robot, and make nobody one. */
static const struct str no_proof[] = {
    STR_INIT("AP3A\\.240617\\.008"), /* a build of Android 15, on phones of several makers */
    STR_INIT("MetaIAB Facebook"),    /* Facebook's browser for links in its app */
    STR_INIT("Code\\/1\\."),         /* the browser in an editor: developers look at their site */
    STR_INIT("Trae\\/"),             /* the same of another editor */
    STR_INIT("Fluid"),               /* Safari, made into an app for one site */
    STR_INIT("Sogou"),               /* also a browser of that name */
    STR_INIT("Sonic"),               /* also in the names of phones */
    STR_INIT("Butterfly"),           /* also a phone, HTC's */
};

static bool proves(struct str regex)
{
    for (size_t i = 0; i < sizeof(no_proof) / sizeof(no_proof[0]); i++) {
        if (str_eq(regex, no_proof[i]))
            return false;
    }
    return true;
}

bool robots_isbot(const struct matcher *robots, struct work *work)
{
    size_t end = matcher_rules(robots)->split;

    return matcher_next(robots, 0, end, work) < end;
}

struct str robots_kind(const struct matcher *robots, struct work *work)
{
    const struct rules *rules = matcher_rules(robots);
    bool robot = robots_isbot(robots, work);
    struct str kind = STR("other");
    size_t i = rules->split;

    /* Of several patterns the first that says a kind names it. */
    while ((i = matcher_next(robots, i, rules->count, work)) < rules->count) {
        const struct rule *rule = &rules->rule[i++];

        robot = robot || proves(rule->regex);
        if (str_eq(kind, STR("other")))
            kind = kind_of_tags(rule->text[0]);
    }
    return robot ? kind : STR("");
}
