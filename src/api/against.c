/*
 * against.c -- against, againstFrom, againstTo, matchWeekday.
 */
#include "api/against.h"

#include "base/date.h"

static bool take_against(struct reader *reader, enum against *out)
{
    static const struct {
        struct str name;
        enum against against;
    } names[] = {{STR_INIT(""), AGAINST_PREVIOUS},
                 {STR_INIT("previous"), AGAINST_PREVIOUS},
                 {STR_INIT("year"), AGAINST_YEAR},
                 {STR_INIT("custom"), AGAINST_CUSTOM}};
    struct str value = reader_param(reader, STR("against"));

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(names[i].name, value)) {
            *out = names[i].against;
            return true;
        }
    return reader_refuse(reader, "against", "is not one of previous, year, custom");
}

static bool take_custom(struct reader *reader, enum against against, struct range *out)
{
    struct str from = reader_param(reader, STR("againstFrom"));
    struct str to = reader_param(reader, STR("againstTo"));
    const char *param = "";
    struct err err = {0};

    if (against == AGAINST_CUSTOM)
        return range_parse(from, to, "againstFrom", "againstTo", out, &param, &err) == 0 ||
               reader_refuse(reader, param, "%s", err.text);
    if (from.len > 0)
        return reader_refuse(reader, "againstFrom", "goes only with against=custom");
    if (to.len > 0)
        return reader_refuse(reader, "againstTo", "goes only with against=custom");
    return true;
}

bool reader_against(struct reader *reader, struct against_range *out)
{
    struct range custom = {0, 0};

    if (!take_against(reader, &out->against) || !take_custom(reader, out->against, &custom) ||
        !reader_flag(reader, "matchWeekday", &out->match_weekday))
        return false;
    out->range = range_before(reader->range, out->against, out->match_weekday);
    if (out->against == AGAINST_CUSTOM)
        out->range = out->match_weekday ? range_match_weekday(custom, reader->range) : custom;
    return true;
}

bool reader_against_given(struct reader *reader, struct against_range *out, bool *wanted)
{
    static const char *const others[] = {"againstFrom", "againstTo", "matchWeekday"};

    *wanted = reader_param(reader, STR("against")).len > 0;
    if (*wanted)
        return reader_against(reader, out);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (reader_param(reader, str_from(others[i])).len > 0)
            return reader_refuse(reader, others[i], "goes only with against");
    return true;
}

int32_t against_day(const struct against_range *earlier, struct range range, int32_t day)
{
    if (earlier->against == AGAINST_YEAR && !earlier->match_weekday)
        return date_add_months(day, -12);
    return earlier->range.from + (day - range.from);
}
