/*
 * api/against.h -- the earlier range that a question compares its own with.
 */
#ifndef ABACUS_API_AGAINST_H
#define ABACUS_API_AGAINST_H

#include "api/reader.h"

/* The parameters but for `against` itself, whose default is the handler's. */
#define READER_AGAINST_PARAMS                                                                      \
    {"againstFrom", "first day of the range compared with, where against=custom",                  \
     HTTP_PARAM_OPTIONAL},                                                                         \
        {"againstTo", "its last day, inclusive", HTTP_PARAM_OPTIONAL},                             \
    {                                                                                              \
        "matchWeekday", "true: move the earlier range back until it begins on the same weekday",   \
            HTTP_PARAM_OPTIONAL                                                                    \
    }

struct against_range {
    enum against against;
    bool match_weekday;
    struct range range;
};

/* What the parameters mean for the reader's range; without `against`, the range just before. 400
 * where they contradict each other. */
bool reader_against(struct reader *reader, struct against_range *out);
/* The same for who compares only where `against` is given: *wanted. The others go only with it. */
bool reader_against_given(struct reader *reader, struct against_range *out, bool *wanted);

/* The day that stands beside `day` of the reader's range: as far from the beginning, or, a year
 * before, the same date (29 February becomes the 28th). It may lie behind the end of the earlier
 * range. */
int32_t against_day(const struct against_range *earlier, struct range range, int32_t day);

#endif
