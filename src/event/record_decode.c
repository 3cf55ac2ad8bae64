/*
 * event/record_decode.c -- reading the records of the log, whose format stands at the top of
 * event/record.c.
 *
 * What a field may hold is one table for each kind of record. Records are checked for damage by the
 * log; the checks here keep what is no record, or one of another version, from being counted.
 */
#include "event/record_internal.h"

/* 9999-12-31T23:59:59.999Z */
#define TIME_MAX_MS INT64_C(253402300799999)

static int64_t unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* What a field may hold: a number from min to max, or from min to max bytes. */
struct rule {
    unsigned form;
    bool required;
    uint64_t min, max, usual;
};

#define TRAIT_RULE                                                                                 \
    {                                                                                              \
        FORM_BYTES, false, 1, TRAIT_MAX, 0                                                         \
    }

static const struct rule event_rules[E_FIELDS] = {
    [E_KIND] = {FORM_NUMBER, true, 0, EVENT_KINDS - 1, 0},
    [E_NAME] = {FORM_BYTES, false, 1, NAME_MAX_BYTES, 0},
    [E_SITE] = {FORM_BYTES, true, 1, SITE_MAX_BYTES, 0},
    [E_TENANT] = {FORM_BYTES, true, 1, SITE_MAX_BYTES, 0},
    [E_RECEIVED] = {FORM_NUMBER, true, 0, TIME_MAX_MS, 0},
    [E_DELAY] = {FORM_NUMBER, false, 0, 2 * TIME_MAX_MS, 0},
    [E_DAY] = {FORM_NUMBER, false, 0, 4, 0},
    [E_HOUR] = {FORM_NUMBER, false, 0, DAY_MS, 0},
    [E_VISITOR] = {FORM_NUMBER, false, 0, NO_LIMIT, 0},
    [E_VISITOR_BEFORE] = {FORM_NUMBER, false, 0, NO_LIMIT, 0},
    [E_PATH] = {FORM_BYTES, false, 1, EVENT_PATH_MAX, 0},
    [E_REFERRER] = {FORM_BYTES, false, 1, EVENT_PATH_MAX, 0},
    [E_TITLE] = {FORM_BYTES, false, 1, EVENT_TITLE_MAX, 0},
    [E_SCREEN] = {FORM_BYTES, false, 1, EVENT_SCREEN_MAX, 0},
    /* Masking makes some of the body's bytes longer. */
    [E_PROPS] = {FORM_BYTES, false, 1, 2 * EVENT_BODY_MAX, 0},
    [E_ID] = {FORM_BYTES, false, 16, 16, 0},
    [E_COUNT] = {FORM_NUMBER, false, 1, EVENT_COUNT_MAX, 1},
    [E_TOKENS] = {FORM_NUMBER, false, 0, EVENT_TOKENS_MAX, 0},
    [E_SECONDS] = {FORM_NUMBER, false, 0, DAY_MS, 0},
    [E_SCROLL] = {FORM_NUMBER, false, 0, 101, 0},
    [E_DAY_BEFORE] = {FORM_NUMBER, false, 1, 4, 1},
    [E_SOURCE] = TRAIT_RULE,
    [E_CHANNEL] = TRAIT_RULE,
    [E_UTM_SOURCE] = TRAIT_RULE,
    [E_UTM_MEDIUM] = TRAIT_RULE,
    [E_UTM_CAMPAIGN] = TRAIT_RULE,
    [E_UTM_CONTENT] = TRAIT_RULE,
    [E_UTM_TERM] = TRAIT_RULE,
    [E_COUNTRY] = TRAIT_RULE,
    [E_BROWSER] = TRAIT_RULE,
    [E_OS] = TRAIT_RULE,
    [E_DEVICE] = TRAIT_RULE,
    [E_LANGUAGE] = TRAIT_RULE,
    [E_PREFIX] = {FORM_BYTES, false, EVENT_PREFIX_MIN, EVENT_PREFIX_MAX, 0},
};

static const struct rule tally_rules[T_FIELDS] = {
    [T_SITE] = {FORM_BYTES, true, 1, SITE_MAX_BYTES, 0},
    [T_TENANT] = {FORM_BYTES, true, 1, SITE_MAX_BYTES, 0},
    [T_DAY] = {FORM_NUMBER, true, 0, 2 * (TIME_MAX_MS / DAY_MS), 0},
    [T_REJECTED] = {FORM_NUMBER, false, 0, 1, 0},
    [T_REASON] = {FORM_NUMBER, true, 0, UINT8_MAX, 0},
    [T_EVENTS] = {FORM_NUMBER, true, 1, INT64_MAX, 0},
    [T_BOT] = {FORM_BYTES, false, 1, BOT_MAX_BYTES, 0},
};

/* The known fields of a record, by number. */
struct raw_fields {
    bool seen[FIELDS_MAX];
    uint64_t number[FIELDS_MAX];
    struct str bytes[FIELDS_MAX];
};

static bool take_varint(struct str *rest, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->len && i < VARINT_MAX; i++) {
        uint64_t byte = (unsigned char)rest->ptr[i];

        /* The tenth byte has room for one bit; a last byte of zero is no shortest form. */
        if ((i == VARINT_MAX - 1 && byte > 1) || (i > 0 && byte == 0))
            return false;
        value |= (byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            *rest = str_slice(*rest, i + 1, rest->len);
            return true;
        }
    }
    return false;
}

/* One field's key and value. */
struct raw_field {
    uint64_t number;
    unsigned form;
    uint64_t value; /* or the length */
    struct str bytes;
};

static bool take_field(struct str *rest, struct raw_field *out)
{
    uint64_t key;

    if (!take_varint(rest, &key) || !take_varint(rest, &out->value))
        return false;
    out->number = key / 2;
    out->form = (unsigned)(key % 2);
    if (out->form == FORM_NUMBER)
        return true;
    if (out->value > rest->len)
        return false;
    out->bytes = str_slice(*rest, 0, (size_t)out->value);
    *rest = str_slice(*rest, (size_t)out->value, rest->len);
    return true;
}

static int keep_field(const struct raw_field *f, const struct rule *rule, struct raw_fields *out,
                      struct err *err)
{
    if (f->form != rule->form || f->value < rule->min || f->value > rule->max)
        return err_set(err, ERR_CORRUPT, "record: field %u is out of bounds", (unsigned)f->number);
    out->seen[f->number] = true;
    out->number[f->number] = f->value;
    out->bytes[f->number] = f->form == FORM_BYTES ? f->bytes : STR("");
    return 0;
}

static int read_fields(struct str rest, const struct rule *rules, size_t count,
                       struct raw_fields *out, struct err *err)
{
    memset(out->seen, 0, sizeof(out->seen));
    for (uint64_t last = 0; rest.len > 0;) {
        struct raw_field f = {0};
        int rc;

        if (!take_field(&rest, &f))
            return err_set(err, ERR_CORRUPT, "record: a field is cut off or has no length");
        if (f.number <= last)
            return err_set(err, ERR_CORRUPT, "record: fields are out of order");
        last = f.number;
        if (f.number < count && (rc = keep_field(&f, &rules[f.number], out, err)) != 0)
            return rc;
    }
    for (size_t i = 1; i < count; i++) {
        if (!out->seen[i] && rules[i].required)
            return err_set(err, ERR_CORRUPT, "record: field %zu is missing", i);
        if (!out->seen[i]) {
            out->number[i] = rules[i].usual;
            out->bytes[i] = STR("");
        }
    }
    return 0;
}

static int read_times(const struct raw_fields *f, struct event *e, struct err *err)
{
    e->received_ms = (int64_t)f->number[E_RECEIVED];
    e->time_ms = e->received_ms - unzigzag(f->number[E_DELAY]);
    if (e->time_ms < 0 || e->time_ms > TIME_MAX_MS)
        return err_set(err, ERR_CORRUPT, "record: its time is out of bounds");
    e->day = (int32_t)(utc_day(e->time_ms) + unzigzag(f->number[E_DAY]));
    e->hour_ms = e->time_ms - (int64_t)f->number[E_HOUR];
    return 0;
}

static int read_names(const struct raw_fields *f, struct event *e, struct err *err)
{
    e->kind = (enum event_kind)f->number[E_KIND];
    e->name = event_kind_name(e->kind);
    e->site = f->bytes[E_SITE];
    e->tenant = f->bytes[E_TENANT];
    if (e->kind == EVENT_CUSTOM)
        e->name = f->bytes[E_NAME];
    else if (f->seen[E_NAME])
        return err_set(err, ERR_CORRUPT, "record: a name that belongs to no custom event");
    if (!event_name_is_valid(e->name))
        return err_set(err, ERR_CORRUPT, "record: its event has no valid name");
    if (!str_is_id(e->site) || !str_is_id(e->tenant))
        return err_set(err, ERR_CORRUPT, "record: its site or tenant is no id");
    return 0;
}

static int read_event(struct str rest, struct event *e, struct err *err)
{
    struct raw_fields f __attribute__((uninitialized));
    int rc = read_fields(rest, event_rules, E_FIELDS, &f, err);

    if (rc != 0 || (rc = read_names(&f, e, err)) != 0 || (rc = read_times(&f, e, err)) != 0)
        return rc;
    e->visitor = f.number[E_VISITOR];
    e->visitor_before = f.number[E_VISITOR_BEFORE];
    e->path = f.bytes[E_PATH];
    e->referrer = f.bytes[E_REFERRER];
    e->title = f.bytes[E_TITLE];
    e->screen = f.bytes[E_SCREEN];
    e->props = f.bytes[E_PROPS];
    e->has_id = f.seen[E_ID];
    if (e->has_id)
        memcpy(e->id, f.bytes[E_ID].ptr, sizeof(e->id));
    e->count = (int64_t)f.number[E_COUNT];
    e->tokens = (int64_t)f.number[E_TOKENS];
    e->seconds_ms = (int64_t)f.number[E_SECONDS];
    e->scroll = (int32_t)f.number[E_SCROLL] - 1;
    if (e->visitor_before != 0)
        e->day_before = e->day - (int32_t)f.number[E_DAY_BEFORE];
    for (unsigned i = 0; i < TRAITS; i++)
        e->traits[i] = f.bytes[E_SOURCE + i];
    e->prefix = f.bytes[E_PREFIX];
    return 0;
}

static int read_tally(struct str rest, struct tally *t, struct err *err)
{
    struct raw_fields f __attribute__((uninitialized));
    int rc = read_fields(rest, tally_rules, T_FIELDS, &f, err);

    if (rc != 0)
        return rc;
    t->site = f.bytes[T_SITE];
    t->tenant = f.bytes[T_TENANT];
    t->day = (int32_t)unzigzag(f.number[T_DAY]);
    t->rejected = f.number[T_REJECTED] != 0;
    t->reason = (uint8_t)f.number[T_REASON];
    t->events = f.number[T_EVENTS];
    t->bot = f.bytes[T_BOT];
    if (!str_is_id(t->site) || !str_is_id(t->tenant))
        return err_set(err, ERR_CORRUPT, "record: its site or tenant is no id");
    if (t->rejected ? t->reason >= REJECT_REASONS
                    : t->reason == DROP_NONE || t->reason >= DROP_REASONS)
        return err_set(err, ERR_CORRUPT, "record: its reason %u is not known", t->reason);
    if (t->bot.len > 0 && (t->rejected || t->reason != DROP_BOT || !str_is_id(t->bot)))
        return err_set(err, ERR_CORRUPT, "record: a kind of robot that is none");
    return 0;
}

int record_decode(struct str payload, struct record *out, struct err *err)
{
    *out = (struct record){0};
    if (payload.len < 2)
        return err_set(err, ERR_CORRUPT, "record: shorter than its head");
    if (payload.ptr[0] != VERSION)
        return err_set(err, ERR_CORRUPT, "record: version %u is not known",
                       (unsigned char)payload.ptr[0]);
    unsigned kind = (unsigned char)payload.ptr[1];
    struct str rest = str_slice(payload, 2, payload.len);

    out->kind = (enum record_kind)kind;
    if (kind == RECORD_EVENT)
        return read_event(rest, &out->event, err);
    if (kind == RECORD_TALLY)
        return read_tally(rest, &out->tally, err);
    return err_set(err, ERR_CORRUPT, "record: kind %u is not known", kind);
}
