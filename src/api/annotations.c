/*
 * api/annotations.c -- /api/analytics/annotations: what is noted of a site's dates.
 *
 * Whoever reads the site's numbers reads it, but for public dashboards and shared links: it is
 * written for colleagues. Whoever manages the site writes it.
 */
#include "api/admin_internal.h"
#include "api/answer.h"
#include "api/handlers.h"
#include "api/reader.h"
#include "base/date.h"

/* -- reading ------------------------------------------------------------------------------- */

const struct http_param annotations_params[] = {
    READER_SITE_PARAMS, READER_RANGE_PARAMS, {NULL, NULL, HTTP_PARAM_OPTIONAL}};

/* The site's, from the first date of the range on. */
static int read_annotations(struct reader *reader, struct annotation_row **out, size_t *count,
                            struct err *err)
{
    const struct row_filter filter = {.tenant = reader->site->tenant, .site = reader->site->id};
    struct str after = annotation_id(reader->site->id, reader->range.from - 1, reader->arena);

    return store_page(reader->store, ROW_ANNOTATION, &filter, after, ANNOTATIONS_MAX, reader->arena,
                      (void **)out, count, err);
}

static void put_annotations(const struct reader *reader, const struct annotation_row *rows,
                            size_t count, struct json_out *json)
{
    int32_t day;

    answer_name(json, "annotations");
    json_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        struct str date = annotation_date(&rows[i]);

        if (!date_parse(date, &day) || day > reader->range.to)
            break;
        json_open(json, '{');
        answer_str(json, "date", date);
        answer_str(json, "text", rows[i].text);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void answer(struct reader *reader)
{
    struct json_out json = {.buf = &reader->response->body};
    struct annotation_row *rows = NULL;
    struct err err = {0};
    size_t count = 0;

    if (!reader_done(reader, read_annotations(reader, &rows, &count, &err), &err))
        return;
    json_open(&json, '{');
    reader_echo(reader, &json, true);
    put_annotations(reader, rows, count, &json);
    json_close(&json, '}');
}

void annotations_get(const struct http_request *request, struct http_response *response)
{
    struct reader reader;

    if (reader_open(&reader, request, response, annotations_params) &&
        reader_resolve_site(&reader) && reader_dates(&reader) && reader_begin(&reader))
        answer(&reader);
    reader_close(&reader);
}

/* -- writing ------------------------------------------------------------------------------- */

const struct http_param annotation_params[] = {
    {"siteId", "the site; may be left out by who reaches one alone", HTTP_PARAM_OPTIONAL},
    {"date", "the site's date, YYYY-MM-DD", HTTP_PARAM_REQUIRED},
    {NULL, NULL, HTTP_PARAM_OPTIONAL},
};

static bool take_place(struct admin *admin, struct str *site, int32_t *day)
{
    return admin_take_site(admin, site) &&
           (date_parse(admin_param(admin, "date"), day) ||
            admin_refuse(admin, 400, "parameter", STR("date"), STR("must be a date, YYYY-MM-DD")));
}

void annotation_put(const struct http_request *request, struct http_response *response)
{
    enum manage_done done = MANAGE_SAME;
    struct admin admin;
    struct str site;
    struct err err = {0};
    int32_t day;
    int rc = 0;

    if (admin_begin(&admin, request, response) && take_place(&admin, &site, &day)) {
        rc = manage_annotation_put(&admin.manage, site, day, admin.body, &done, &response->body,
                                   &err);
        if (rc == 0 && done == MANAGE_MADE)
            response->status = 201;
    }
    admin_end(&admin, rc, &err);
}

void annotation_delete(const struct http_request *request, struct http_response *response)
{
    struct admin admin;
    struct str site;
    struct err err = {0};
    int32_t day;
    int rc = 0;

    if (admin_begin(&admin, request, response) && take_place(&admin, &site, &day)) {
        rc = manage_annotation_remove(&admin.manage, site, day, &err);
        if (rc == 0)
            response->status = 204;
    }
    admin_end(&admin, rc, &err);
}
