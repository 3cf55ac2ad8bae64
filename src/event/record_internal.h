/* event/record_internal.h -- the fields of records, for what writes and what reads them. The format
 * stands at the top of event/record.c. */
#ifndef ABACUS_EVENT_RECORD_INTERNAL_H
#define ABACUS_EVENT_RECORD_INTERNAL_H

#include "base/date.h"
#include "event/event_internal.h"

enum { VERSION = 1, FORM_NUMBER = 0, FORM_BYTES = 1 };

enum event_field {
    E_KIND = 1,
    E_NAME,
    E_SITE,
    E_TENANT,
    E_RECEIVED,
    E_DELAY,
    E_DAY,
    E_HOUR,
    E_VISITOR,
    E_VISITOR_BEFORE,
    E_PATH,
    E_REFERRER,
    E_TITLE,
    E_SCREEN,
    E_PROPS,
    E_ID,
    E_COUNT,
    E_TOKENS,
    E_SECONDS,
    E_SCROLL,
    E_DAY_BEFORE,
    E_SOURCE,
    E_CHANNEL,
    E_UTM_SOURCE,
    E_UTM_MEDIUM,
    E_UTM_CAMPAIGN,
    E_UTM_CONTENT,
    E_UTM_TERM,
    E_COUNTRY,
    E_BROWSER,
    E_OS,
    E_DEVICE,
    E_LANGUAGE,
    E_PREFIX,
    E_FIELDS,
};

enum tally_field {
    T_SITE = 1,
    T_TENANT,
    T_DAY,
    T_REJECTED,
    T_REASON,
    T_EVENTS,
    T_BOT,
    T_FIELDS,
};

enum {
    FIELDS_MAX = E_FIELDS,
    VARINT_MAX = 10,
    NAME_MAX_BYTES = 64,
    SITE_MAX_BYTES = 64,
    BOT_MAX_BYTES = 64,
};

#define NO_LIMIT UINT64_MAX

static inline int64_t utc_day(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

#endif
