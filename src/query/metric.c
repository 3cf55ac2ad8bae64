/*
 * metric.c -- the one table of metrics: what each is called and how it follows from the counts.
 */
#include "query/query.h"

#include <stddef.h>

/* A whole number is one count; a rate is the quotient of two, in units of `per`. */
struct metric {
    struct str name;
    size_t count;
    size_t by; /* NONE: a whole number */
    double per;
};

#define AT(field) offsetof(struct stats, field)
#define NONE SIZE_MAX
#define NAME(lit)                                                                                  \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

static const struct metric metrics[METRICS_COUNT] = {
    {NAME("pageviews"), AT(pageviews), NONE, 1},
    {NAME("uniqueVisitors"), AT(unique_visitors), NONE, 1},
    {NAME("visits"), AT(visits), NONE, 1},
    {NAME("viewsPerVisit"), AT(visit_pageviews), AT(visits), 1},
    {NAME("bounceRate"), AT(bounces), AT(visits), 1},
    {NAME("visitDuration"), AT(visit_ms), AT(visits), 1000},
    {NAME("conversions"), AT(conversions), NONE, 1},
    {NAME("converters"), AT(converters), NONE, 1},
    {NAME("conversionRate"), AT(converters), AT(unique_visitors), 1},
    {NAME("unattributedConversions"), AT(unattributed_conversions), NONE, 1},
    {NAME("leads"), AT(leads), NONE, 1},
    {NAME("forms"), AT(forms), NONE, 1},
    {NAME("exports"), AT(exports), NONE, 1},
    {NAME("automationRuns"), AT(automation_runs), NONE, 1},
    {NAME("aiTokens"), AT(ai_tokens), NONE, 1},
};

int metric_find(struct str name)
{
    for (int i = 0; i < METRICS_COUNT; i++)
        if (str_eq(metrics[i].name, name))
            return i;
    return -1;
}

struct str metric_name(int metric)
{
    return metrics[metric].name;
}

bool metric_is_rate(int metric)
{
    return metrics[metric].by != NONE;
}

static double count_at(const struct stats *s, size_t offset)
{
    int64_t n = 0;

    memcpy(&n, (const char *)s + offset, sizeof(n));
    return (double)n;
}

double metric_value(int metric, const struct stats *s)
{
    const struct metric *m = &metrics[metric];
    double count = count_at(s, m->count);

    if (m->by == NONE)
        return count;
    double by = count_at(s, m->by);
    return by > 0 ? count / m->per / by : 0;
}
