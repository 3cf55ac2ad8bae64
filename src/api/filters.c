/*
 * filters.c -- the parameter `filter`: dimension:operator:value, repeated.
 *
 * A value may hold colons, the other pieces may not; the dimension prop:NAME has two pieces.
 */
#include "api/filters.h"

#include "api/answer.h"
#include "api/reader.h"
#include "base/date.h"

#include <stdio.h>

_Static_assert(READER_REPEATED_MAX == 20, "READER_FILTER_PARAM says how many filters there may be");

static const struct {
    struct str name;
    enum filter_op op;
} operators[] = {{STR_INIT("is"), FILTER_IS},
                 {STR_INIT("isNot"), FILTER_IS_NOT},
                 {STR_INIT("contains"), FILTER_CONTAINS},
                 {STR_INIT("startsWith"), FILTER_STARTS_WITH}};

static bool find_operator(struct str name, enum filter_op *out)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (str_eq(operators[i].name, name)) {
            *out = operators[i].op;
            return true;
        }
    return false;
}

/* Where the dimension's name ends. */
static size_t dimension_end(struct str text)
{
    size_t end = str_find(text, 0, ':');

    return str_eq(str_slice(text, 0, end), STR("prop")) ? str_find(text, end + 1, ':') : end;
}

const char *filter_parse(struct str text, struct filter *out)
{
    size_t dimension = dimension_end(text), op = str_find(text, dimension + 1, ':');

    if (op >= text.len)
        return "is not dimension:operator:value";
    if (!dimension_find(str_slice(text, 0, dimension), &out->dimension, &out->prop))
        return "has no such dimension";
    if (!find_operator(str_slice(text, dimension + 1, op), &out->op))
        return "has none of the operators is, isNot, contains, startsWith";
    out->value = str_slice(text, op + 1, text.len);
    return out->value.len == 0 ? "has no value" : NULL;
}

static bool refuse(struct reader *reader, size_t index, const char *wrong)
{
    char detail[128], members[64];

    (void)snprintf(detail, sizeof(detail), "filter %zu %s", index, wrong);
    (void)snprintf(members, sizeof(members), "\"index\":%zu,\"parameter\":\"filter\"", index);
    http_problem(reader->response, 400, str_from(detail), str_from(members));
    return false;
}

bool reader_parse_filters(struct reader *reader)
{
    struct filter *filters = ARENA_NEW(reader->arena, struct filter, reader->repeated_count + 1);

    if (reader->repeated_count > 0 && reader->site == NULL)
        return reader_refuse(reader, "filter", "goes with one site only");
    for (size_t i = 0; i < reader->repeated_count; i++) {
        const char *wrong = filter_parse(reader->repeated[i], &filters[i]);
        if (wrong != NULL)
            return refuse(reader, i, wrong);
        if (!reader_shows_dimension(reader, filters[i].dimension, filters[i].prop))
            return reader_refuse_private(reader);
    }
    reader->filters = (struct query_filters){filters, reader->repeated_count};
    return true;
}

int32_t reader_today(const struct reader *reader)
{
    return site_day(reader->site, reader->now_ms);
}

bool reader_filterable(struct reader *reader, int32_t filterable)
{
    char date[DATE_TEXT], detail[128];
    struct buf members = {0};
    struct json_out json = {.buf = &members};

    reader->filterable = filterable;
    if (reader->filters.count == 0 || reader->range.from >= filterable)
        return true;
    date_format(filterable, date);
    (void)snprintf(detail, sizeof(detail),
                   "these filters can be answered from %s on: what came before is kept no more",
                   date);
    answer_date(&json, "filterableFrom", filterable);
    http_problem(reader->response, 422, str_from(detail), buf_str(&members));
    buf_release(&members);
    return false;
}

bool reader_filters(struct reader *reader, bool hours)
{
    if (!reader_parse_filters(reader))
        return false;
    return reader->filters.count == 0 ||
           reader_filterable(reader, query_filterable(reader->site, &reader->filters, hours,
                                                      reader_today(reader)));
}
