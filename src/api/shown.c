/*
 * shown.c -- what of a site's numbers a public dashboard and a shared link show.
 *
 * Some metrics and dimensions always; others where the site names them in publicMetrics.
 */
#include "api/reader.h"

static const struct str always[] = {
    STR_INIT("pageviews"),     STR_INIT("uniqueVisitors"), STR_INIT("visits"),
    STR_INIT("viewsPerVisit"), STR_INIT("bounceRate"),     STR_INIT("visitDuration"),
    STR_INIT("page"),          STR_INIT("source"),         STR_INIT("country"),
    STR_INIT("device"),
};
enum { ALWAYS = sizeof(always) / sizeof(always[0]) };

static bool is_listed(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

bool reader_shows(const struct reader *reader, struct str name)
{
    if (!reader->caller.restricted || is_listed(name, always, ALWAYS))
        return true;
    for (size_t i = 0; i < reader->sites_count; i++)
        if (!is_listed(name, reader->sites[i]->public_metrics,
                       reader->sites[i]->public_metrics_count))
            return false;
    return true;
}

bool reader_shows_dimension(const struct reader *reader, enum dimension dimension, struct str prop)
{
    struct buf name = {0};

    buf_add(&name, dimension_name(dimension));
    if (dimension == DIM_PROP) {
        buf_addc(&name, ':');
        buf_add(&name, prop);
    }
    bool shown = reader_shows(reader, buf_str(&name));

    buf_release(&name);
    return shown;
}

void reader_put_shown(const struct site *site, struct json_out *json)
{
    json_open(json, '[');
    for (size_t i = 0; i < ALWAYS; i++)
        json_str(json, always[i]);
    for (size_t i = 0; i < site->public_metrics_count; i++)
        if (!is_listed(site->public_metrics[i], always, ALWAYS))
            json_str(json, site->public_metrics[i]);
    json_close(json, ']');
}

bool reader_refuse_private(struct reader *reader)
{
    return caller_refuse(reader->response,
                         reader->caller.kind == CALLER_NOBODY ? REFUSED_UNKNOWN : REFUSED_PRIVATE);
}
