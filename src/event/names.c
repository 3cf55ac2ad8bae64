/*
 * event/names.c -- the names of kinds and reasons on the wire, in answers and in the ledger.
 *
 * The numbers behind them stand in the log's records (record.c): names may be added at the end,
 * none moved.
 */
#include "event/event_internal.h"

#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static const struct str kind_names[EVENT_KINDS] = {
    [EVENT_PAGEVIEW] = NAME("pageview"),       [EVENT_LEAD_CREATED] = NAME("lead.created"),
    [EVENT_FORM_SUBMIT] = NAME("form.submit"), [EVENT_AUTOMATION_RUN] = NAME("automation.run"),
    [EVENT_AI_USAGE] = NAME("ai.usage"),       [EVENT_EXPORT_COMPLETED] = NAME("export.completed"),
    [EVENT_ENGAGEMENT] = NAME("engagement"),   [EVENT_CUSTOM] = NAME("custom"),
};

static const struct str drop_names[DROP_REASONS] = {
    [DROP_NONE] = NAME(""),
    [DROP_BOT] = NAME("bot"),
    [DROP_GPC] = NAME("gpc"),
    [DROP_DO_NOT_TRACK] = NAME("do-not-track"),
    [DROP_DISABLED] = NAME("disabled"),
    [DROP_BLOCKED] = NAME("blocked"),
    [DROP_QUOTA] = NAME("quota"),
    [DROP_DUPLICATE] = NAME("duplicate"),
    [DROP_NOT_A_PAGE] = NAME("not-a-page"),
    [DROP_TOO_OLD] = NAME("too-old"),
};

static const struct str reject_names[REJECT_REASONS] = {
    [REJECT_INVALID] = NAME("invalid"),       [REJECT_UNAUTHORIZED] = NAME("unauthorized"),
    [REJECT_FORBIDDEN] = NAME("forbidden"),   [REJECT_RATE_LIMITED] = NAME("rate-limited"),
    [REJECT_UNSTORABLE] = NAME("unstorable"),
};

/* These stand in settings alone. */
static const struct str field_names[FIELDS] = {
    [FIELD_REFERRER] = NAME("referrer"), [FIELD_CAMPAIGN] = NAME("campaign"),
    [FIELD_TITLE] = NAME("title"),       [FIELD_SCREEN] = NAME("screen"),
    [FIELD_PROPS] = NAME("props"),       [FIELD_COUNTRY] = NAME("country"),
    [FIELD_BROWSER] = NAME("browser"),   [FIELD_OS] = NAME("os"),
    [FIELD_DEVICE] = NAME("device"),     [FIELD_LANGUAGE] = NAME("language"),
};

struct str event_kind_name(enum event_kind kind)
{
    return kind_names[kind];
}

struct str drop_reason_name(enum drop_reason reason)
{
    return drop_names[reason];
}

struct str reject_reason_name(enum reject_reason reason)
{
    return reject_names[reason];
}

struct str field_name(enum field field)
{
    return field_names[field];
}

enum field field_of(struct str name)
{
    unsigned field = 0;

    while (field < FIELDS && !str_eq(name, field_names[field]))
        field++;
    return (enum field)field;
}

enum event_kind event_kind_of(struct str name)
{
    for (unsigned kind = 0; kind < EVENT_CUSTOM; kind++)
        if (str_eq(name, kind_names[kind]))
            return (enum event_kind)kind;
    return EVENT_CUSTOM;
}

bool event_name_is_valid(struct str name)
{
    if (name.len < 1 || name.len > 64 || name.ptr[0] < 'a' || name.ptr[0] > 'z')
        return false;
    for (size_t i = 1; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && memchr("_.:-", c, 4) == NULL)
            return false;
    }
    return true;
}
