/*
 * event/record.c -- events and tallies as the bytes of the log's records.
 *
 *     record  := version kind field*
 *     version := one byte, 1
 *     kind    := one byte, enum record_kind
 *     field   := key value
 *     key     := varint of 2 * number + form
 *     value   := form 0: a varint
 *                form 1: a varint length, and as many bytes
 *     varint  := 7 bits a byte, lowest first, the high bit set in all bytes but the last;
 *                at most 64 bits, in the shortest form
 *
 * Fields stand in ascending order, each at most once; one that has its usual value is left out. A
 * newer version adds fields under higher numbers, and older readers pass over what they do not
 * know. The version is raised only when a known field changes its meaning; enum values in the
 * fields never change theirs. Signed values are zigzag: 0, -1, 1, -2 are 0, 1, 2, 3.
 *
 *     event                                        tally
 *      1 kind: enum event_kind                      1 site
 *      2 name: bytes, of EVENT_CUSTOM only          2 tenant
 *      3 site: bytes                                3 day: signed
 *      4 tenant: bytes                              4 rejected: 1, or left out
 *      5 received_ms                                5 reason: enum reject_reason or drop_reason
 *      6 received_ms - time_ms, signed              6 events
 *      7 day less the UTC date of time_ms, signed
 *      8 time_ms - hour_ms
 *      9 visitor             10 visitor_before
 *     11 path: bytes         12 referrer: bytes
 *     13 title: bytes        14 screen: bytes
 *     15 props: bytes        16 id: 16 bytes
 *     17 count, usually 1    18 tokens
 *     19 seconds_ms          20 scroll + 1
 *     21 day - day_before, usually 1
 *
 * A pageview has about 90 bytes. Records are checked for damage by the log; the checks here keep
 * what is no record, or one of another version, from being counted.
 */
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
    E_FIELDS,
};

enum tally_field {
    T_SITE = 1,
    T_TENANT,
    T_DAY,
    T_REJECTED,
    T_REASON,
    T_EVENTS,
    T_FIELDS,
};

enum { FIELDS_MAX = E_FIELDS, VARINT_MAX = 10, NAME_MAX_BYTES = 64, SITE_MAX_BYTES = 64 };

/* 9999-12-31T23:59:59.999Z */
#define TIME_MAX_MS INT64_C(253402300799999)
#define NO_LIMIT UINT64_MAX

/* Numbers on disk: these never move. */
_Static_assert(EVENT_PAGEVIEW == 0 && EVENT_ENGAGEMENT == 6 && EVENT_CUSTOM == 7,
               "kinds of events");
_Static_assert(DROP_BOT == 1 && DROP_DUPLICATE == 7, "reasons for leaving out");
_Static_assert(REJECT_INVALID == 0 && REJECT_UNSTORABLE == 4, "reasons for refusing");
_Static_assert(RECORD_EVENT == 1 && RECORD_TALLY == 2, "kinds of records");

static uint64_t zigzag(int64_t n)
{
    return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* -- writing -- */

/* `at` has room for everything that the record may come to. */
struct writer {
    char *at;
};

static void put_varint(struct writer *w, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *w->at++ = (char)(n | 0x80);
    *w->at++ = (char)n;
}

static void put_number(struct writer *w, unsigned field, uint64_t value, uint64_t usual)
{
    if (value == usual)
        return;
    put_varint(w, field * 2 + FORM_NUMBER);
    put_varint(w, value);
}

static void put_bytes(struct writer *w, unsigned field, struct str value)
{
    if (value.len == 0)
        return;
    put_varint(w, field * 2 + FORM_BYTES);
    put_varint(w, value.len);
    memcpy(w->at, value.ptr, value.len);
    w->at += value.len;
}

/* Begin a record of `kind` with at most `bytes` in its byte fields. */
static struct writer begin_record(struct buf *out, enum record_kind kind, size_t bytes)
{
    struct writer w = {buf_reserve(out, 2 + FIELDS_MAX * (1 + VARINT_MAX) + bytes)};

    *w.at++ = VERSION;
    *w.at++ = (char)kind;
    return w;
}

static void end_record(struct buf *out, const struct writer *w)
{
    out->len = (size_t)(w->at - out->ptr);
}

static int64_t utc_day(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

static void put_times(struct writer *w, const struct event *e)
{
    put_number(w, E_RECEIVED, (uint64_t)e->received_ms, NO_LIMIT);
    put_number(w, E_DELAY, zigzag(e->received_ms - e->time_ms), 0);
    put_number(w, E_DAY, zigzag(e->day - utc_day(e->time_ms)), 0);
    put_number(w, E_HOUR, (uint64_t)(e->time_ms - e->hour_ms), 0);
}

static void put_texts(struct writer *w, const struct event *e)
{
    put_bytes(w, E_PATH, e->path);
    put_bytes(w, E_REFERRER, e->referrer);
    put_bytes(w, E_TITLE, e->title);
    put_bytes(w, E_SCREEN, e->screen);
    put_bytes(w, E_PROPS, e->props);
    if (e->has_id)
        put_bytes(w, E_ID, (struct str){(const char *)e->id, sizeof(e->id)});
}

static void put_amounts(struct writer *w, const struct event *e)
{
    put_number(w, E_COUNT, (uint64_t)e->count, 1);
    put_number(w, E_TOKENS, (uint64_t)e->tokens, 0);
    put_number(w, E_SECONDS, (uint64_t)e->seconds_ms, 0);
    put_number(w, E_SCROLL, (uint64_t)((int64_t)e->scroll + 1), 0);
    if (e->visitor_before != 0)
        put_number(w, E_DAY_BEFORE, (uint64_t)(e->day - e->day_before), 1);
}

void event_encode(const struct event *event, struct buf *out)
{
    const struct event *e = event;
    struct writer w =
        begin_record(out, RECORD_EVENT,
                     e->name.len + e->site.len + e->tenant.len + e->path.len + e->referrer.len +
                         e->title.len + e->screen.len + e->props.len + sizeof(e->id));

    put_number(&w, E_KIND, e->kind, NO_LIMIT);
    if (e->kind == EVENT_CUSTOM)
        put_bytes(&w, E_NAME, e->name);
    put_bytes(&w, E_SITE, e->site);
    put_bytes(&w, E_TENANT, e->tenant);
    put_times(&w, e);
    put_number(&w, E_VISITOR, e->visitor, 0);
    put_number(&w, E_VISITOR_BEFORE, e->visitor_before, 0);
    put_texts(&w, e);
    put_amounts(&w, e);
    end_record(out, &w);
}

void tally_encode(const struct tally *tally, struct buf *out)
{
    struct writer w = begin_record(out, RECORD_TALLY, tally->site.len + tally->tenant.len);

    put_bytes(&w, T_SITE, tally->site);
    put_bytes(&w, T_TENANT, tally->tenant);
    put_number(&w, T_DAY, zigzag(tally->day), NO_LIMIT);
    put_number(&w, T_REJECTED, tally->rejected, 0);
    put_number(&w, T_REASON, tally->reason, NO_LIMIT);
    put_number(&w, T_EVENTS, tally->events, NO_LIMIT);
    end_record(out, &w);
}

/* -- reading -- */

/* What a field may hold: a number from min to max, or from min to max bytes. */
struct rule {
    unsigned form;
    bool required;
    uint64_t min, max, usual;
};

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
};

static const struct rule tally_rules[T_FIELDS] = {
    [T_SITE] = {FORM_BYTES, true, 1, SITE_MAX_BYTES, 0},
    [T_TENANT] = {FORM_BYTES, true, 1, SITE_MAX_BYTES, 0},
    [T_DAY] = {FORM_NUMBER, true, 0, 2 * (TIME_MAX_MS / DAY_MS), 0},
    [T_REJECTED] = {FORM_NUMBER, false, 0, 1, 0},
    [T_REASON] = {FORM_NUMBER, true, 0, UINT8_MAX, 0},
    [T_EVENTS] = {FORM_NUMBER, true, 1, INT64_MAX, 0},
};

/* The known fields of a record, by number. */
struct fields {
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
struct field {
    uint64_t number;
    unsigned form;
    uint64_t value; /* or the length */
    struct str bytes;
};

static bool take_field(struct str *rest, struct field *out)
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

static int keep_field(const struct field *f, const struct rule *rule, struct fields *out,
                      struct err *err)
{
    if (f->form != rule->form || f->value < rule->min || f->value > rule->max)
        return err_set(err, ERR_CORRUPT, "record: field %u is out of bounds", (unsigned)f->number);
    out->seen[f->number] = true;
    out->number[f->number] = f->value;
    out->bytes[f->number] = f->form == FORM_BYTES ? f->bytes : STR("");
    return 0;
}

static int read_fields(struct str rest, const struct rule *rules, size_t count, struct fields *out,
                       struct err *err)
{
    memset(out->seen, 0, sizeof(out->seen));
    for (uint64_t last = 0; rest.len > 0;) {
        struct field f = {0};
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

static int read_times(const struct fields *f, struct event *e, struct err *err)
{
    e->received_ms = (int64_t)f->number[E_RECEIVED];
    e->time_ms = e->received_ms - unzigzag(f->number[E_DELAY]);
    if (e->time_ms < 0 || e->time_ms > TIME_MAX_MS)
        return err_set(err, ERR_CORRUPT, "record: its time is out of bounds");
    e->day = (int32_t)(utc_day(e->time_ms) + unzigzag(f->number[E_DAY]));
    e->hour_ms = e->time_ms - (int64_t)f->number[E_HOUR];
    return 0;
}

static int read_names(const struct fields *f, struct event *e, struct err *err)
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
    struct fields f __attribute__((uninitialized));
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
    return 0;
}

static int read_tally(struct str rest, struct tally *t, struct err *err)
{
    struct fields f __attribute__((uninitialized));
    int rc = read_fields(rest, tally_rules, T_FIELDS, &f, err);

    if (rc != 0)
        return rc;
    t->site = f.bytes[T_SITE];
    t->tenant = f.bytes[T_TENANT];
    t->day = (int32_t)unzigzag(f.number[T_DAY]);
    t->rejected = f.number[T_REJECTED] != 0;
    t->reason = (uint8_t)f.number[T_REASON];
    t->events = f.number[T_EVENTS];
    if (!str_is_id(t->site) || !str_is_id(t->tenant))
        return err_set(err, ERR_CORRUPT, "record: its site or tenant is no id");
    if (t->rejected ? t->reason >= REJECT_REASONS
                    : t->reason == DROP_NONE || t->reason >= DROP_REASONS)
        return err_set(err, ERR_CORRUPT, "record: its reason %u is not known", t->reason);
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
