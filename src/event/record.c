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
 *      7 day less the UTC date of time_ms, signed   7 bot: an id; of DROP_BOT only, or left out
 *      8 time_ms - hour_ms
 *      9 visitor             10 visitor_before
 *     11 path: bytes         12 referrer: bytes
 *     13 title: bytes        14 screen: bytes
 *     15 props: bytes        16 id: 16 bytes
 *     17 count, usually 1    18 tokens
 *     19 seconds_ms          20 scroll + 1
 *     21 day - day_before, usually 1
 *     22 source: bytes       23 channel: bytes
 *     24 utm_source: bytes   25 utm_medium: bytes
 *     26 utm_campaign: bytes 27 utm_content: bytes
 *     28 utm_term: bytes     29 country: bytes
 *     30 browser: bytes      31 os: bytes
 *     32 device: bytes       33 language: bytes
 *     34 prefix: bytes
 *
 * Fields 22 to 33 are the traits (enum trait) and 34 is the cut address as text, where the site
 * stores it ("192.0.2.0/24"): of events with a visitor only. A pageview has about
 * 90 bytes, and 55 more for what is known of its visit. record_decode.c reads what is written here.
 */
#include "event/record_internal.h"

/* Numbers on disk: these never move. */
_Static_assert(EVENT_PAGEVIEW == 0 && EVENT_ENGAGEMENT == 6 && EVENT_CUSTOM == 7,
               "kinds of events");
_Static_assert(DROP_BOT == 1 && DROP_DUPLICATE == 7 && DROP_NOT_A_PAGE == 8 && DROP_TOO_OLD == 9,
               "reasons for leaving out");
_Static_assert(REJECT_INVALID == 0 && REJECT_UNSTORABLE == 4, "reasons for refusing");
_Static_assert(RECORD_EVENT == 1 && RECORD_TALLY == 2, "kinds of records");
_Static_assert(TRAIT_SOURCE == 0 && TRAIT_LANGUAGE == 11 && TRAITS == 12, "traits");
_Static_assert(E_SOURCE == 22 && E_LANGUAGE == E_SOURCE + TRAIT_LANGUAGE, "fields of traits");
_Static_assert(E_PREFIX == 34, "the field behind the traits");

static uint64_t zigzag(int64_t n)
{
    return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
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

static void put_traits(struct writer *w, const struct event *e)
{
    for (unsigned i = 0; i < TRAITS; i++)
        put_bytes(w, E_SOURCE + i, e->traits[i]);
}

static size_t text_bytes(const struct event *e)
{
    size_t bytes = e->name.len + e->site.len + e->tenant.len + e->path.len + e->referrer.len +
                   e->title.len + e->screen.len + e->props.len + e->prefix.len + sizeof(e->id);

    for (unsigned i = 0; i < TRAITS; i++)
        bytes += e->traits[i].len;
    return bytes;
}

void event_encode(const struct event *event, struct buf *out)
{
    const struct event *e = event;
    struct writer w = begin_record(out, RECORD_EVENT, text_bytes(e));

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
    put_traits(&w, e);
    put_bytes(&w, E_PREFIX, e->prefix);
    end_record(out, &w);
}

void tally_encode(const struct tally *tally, struct buf *out)
{
    struct writer w =
        begin_record(out, RECORD_TALLY, tally->site.len + tally->tenant.len + tally->bot.len);

    put_bytes(&w, T_SITE, tally->site);
    put_bytes(&w, T_TENANT, tally->tenant);
    put_number(&w, T_DAY, zigzag(tally->day), NO_LIMIT);
    put_number(&w, T_REJECTED, tally->rejected, 0);
    put_number(&w, T_REASON, tally->reason, NO_LIMIT);
    put_number(&w, T_EVENTS, tally->events, NO_LIMIT);
    if (!tally->rejected && tally->reason == DROP_BOT)
        put_bytes(&w, T_BOT, tally->bot);
    end_record(out, &w);
}
