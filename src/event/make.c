/*
 * event/make.c -- from what was sent, and by whom, to the anonymous event that is kept.
 *
 * The visitor id is the first 8 bytes of a keyed BLAKE2b. Its key is the random salt of the site's
 * local date, which is thrown away when that date has ended everywhere, so that nobody can repeat
 * the calculation, not even with all addresses there are. What is hashed is unambiguous:
 *
 *     length of the site's id (1 byte), site id,
 *     address family (1 byte), address (4, 16 or no bytes), User-Agent
 *
 * The address is cut before it is hashed unless the site asks for `full-address`. The idempotency
 * key is hashed with the installation's key over length of the site's id, site id, key: it has to
 * be found again on any day.
 *
 * The half hour after local midnight is the time in which a visit of the day before can still go
 * on: an event then carries the id under that day's salt too, if the salt is still there.
 */
#include "event/event_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <sodium.h>
#include <stdio.h>

enum {
    HASH_BYTES = 16, /* the shortest that libsodium promises */
    SITE_ID_MAX = 64,
    VISITOR_INPUT_MAX = 1 + SITE_ID_MAX + 1 + 16 + EVENT_AGENT_MAX,
    ID_INPUT_MAX = 1 + SITE_ID_MAX + EVENT_ID_MAX,
};

/* What is to be hashed. */
struct input {
    uint8_t bytes[VISITOR_INPUT_MAX > ID_INPUT_MAX ? VISITOR_INPUT_MAX : ID_INPUT_MAX];
    size_t len;
};

static void add_bytes(struct input *input, const void *bytes, size_t len)
{
    assert(len <= sizeof(input->bytes) - input->len);
    if (len > 0)
        memcpy(input->bytes + input->len, bytes, len);
    input->len += len;
}

static void add_byte(struct input *input, size_t byte)
{
    input->bytes[input->len++] = (uint8_t)byte;
}

static void add_site(struct input *input, const struct site *site)
{
    assert(site->id.len <= SITE_ID_MAX);
    add_byte(input, site->id.len);
    add_bytes(input, site->id.ptr, site->id.len);
}

static void hash(const struct input *input, const uint8_t *key, size_t key_len,
                 uint8_t out[HASH_BYTES])
{
    int rc = crypto_generichash(out, HASH_BYTES, input->bytes, input->len, key, key_len);

    assert(rc == 0);
    (void)rc;
}

/* -- the visitor -- */

static size_t address_bytes(const struct addr *address)
{
    return address->family == 4 ? 4 : address->family == 6 ? 16 : 0;
}

static void describe_visitor(const struct site *site, struct addr address, struct str agent,
                             struct input *out)
{
    if (site->identity == IDENTITY_CUT_ADDRESS)
        address = addr_cut(address, site->ipv4_prefix, site->ipv6_prefix);
    out->len = 0;
    add_site(out, site);
    add_byte(out, address.family);
    add_bytes(out, address.bytes, address_bytes(&address));
    add_bytes(out, agent.ptr, str_slice(agent, 0, EVENT_AGENT_MAX).len);
}

static uint64_t visitor_id(const struct input *input, const struct salt *salt)
{
    uint8_t bytes[HASH_BYTES];
    uint64_t id = 0;

    hash(input, salt->key, SALT_BYTES, bytes);
    for (size_t i = 0; i < sizeof(id); i++)
        id = id << 8 | bytes[i];
    return id != 0 ? id : 1; /* 0 means none */
}

/* The id that this visitor had in the visit that may still go on when the day began at `begin`. */
static void add_id_before(const struct site *site, const struct salts *salts, int64_t begin,
                          const struct input *input, struct event *event)
{
    /* Not always day - 1: a zone that crosses the date line skips a date. */
    int32_t day_before = site_day(site, begin - 1);
    const struct salt *salt = salts_find(salts, day_before);

    if (salt == NULL)
        return;
    event->visitor_before = visitor_id(input, salt);
    event->day_before = day_before;
}

static int add_visitor(const struct site *site, const struct client *client,
                       const struct salts *salts, const struct event_input *in, struct event *out,
                       struct err *err)
{
    struct input input;
    const struct salt *salt = salts_find(salts, out->day);

    if (client->has_token && !in->has_visitor)
        return 0;
    if (salt == NULL && in->has_timestamp)
        return 0;
    if (salt == NULL)
        return err_set(err, ERR_UNAVAILABLE, "the salt of the event's date is not there");
    int64_t begin = tz_day_start(site->tz, out->day);
    bool early = out->time_ms < begin + VISIT_TIMEOUT_MS;

    if (client->visitor != 0 && !early) {
        out->visitor = client->visitor;
        return 0;
    }
    if (client->has_token)
        describe_visitor(site, in->visitor_address, in->visitor_agent, &input);
    else
        describe_visitor(site, client->address, client->user_agent, &input);
    out->visitor = visitor_id(&input, salt);
    if (early)
        add_id_before(site, salts, begin, &input, out);
    sodium_memzero(&input, sizeof(input));
    return 0;
}

/* -- the address that is kept -- */

/* However the visitor is told apart, an address is only ever kept cut. */
static void add_prefix(const struct site *site, const struct client *client,
                       const struct event_input *in, struct arena *arena, struct event *out)
{
    struct addr address = client->has_token ? in->visitor_address : client->address;
    unsigned bits = address.family == 4 ? site->ipv4_prefix : site->ipv6_prefix;
    char text[INET6_ADDRSTRLEN], prefix[INET6_ADDRSTRLEN + 4];

    if (!site->store_prefix || out->visitor == 0 || address.family == 0)
        return;
    address = addr_cut(address, site->ipv4_prefix, site->ipv6_prefix);
    (void)inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes, text, sizeof(text));
    int len = snprintf(prefix, sizeof(prefix), "%s/%u", text, bits);

    out->prefix = arena_str(arena, (struct str){prefix, (size_t)len});
}

/* -- the event -- */

static void add_time(const struct site *site, const struct event_input *in, int64_t now_ms,
                     struct event *out)
{
    out->received_ms = now_ms;
    out->time_ms = in->has_timestamp ? in->timestamp_ms : now_ms;
    struct tz_local local = tz_at(site->tz, out->time_ms);

    out->day = local.day;
    out->hour_ms = local.hour_ms;
}

/* The text, or nothing where the site has switched its field off. */
static struct str unless_off(const struct site *site, enum field field, struct str text)
{
    return field_is_off(site, field) ? STR("") : text;
}

static void add_text(const struct site *site, const struct event_input *in, struct arena *arena,
                     struct event *out)
{
    out->path = path_clean(site, in->path, arena);
    out->referrer = referrer_clean(site, unless_off(site, FIELD_REFERRER, in->referrer), arena);
    out->screen = unless_off(site, FIELD_SCREEN, in->screen);
    out->title = unless_off(site, FIELD_TITLE, in->title);
    out->props = unless_off(site, FIELD_PROPS, in->props);
    if (site->mask_personal) {
        out->title = mask_text(out->title, arena);
        out->props = mask_props(out->props, arena);
    }
    /* Masked first: half an address is none, and would stay. */
    out->title = text_cut(out->title, EVENT_TITLE_MAX);
}

static void add_trait(const struct site *site, enum field field, struct str text, struct str *out)
{
    *out = text_cut(unless_off(site, field, text), TRAIT_MAX);
}

/* What is known of the visit: no more than a visitor shares with many, and of none without one. */
static void add_traits(const struct site *site, const struct sender *sender,
                       const struct event_input *in, struct arena *arena, struct event *out)
{
    if (out->visitor == 0)
        return;
    source_read(site, in->path, in->referrer, arena, out->traits);
    add_trait(site, FIELD_COUNTRY, sender->country, &out->traits[TRAIT_COUNTRY]);
    add_trait(site, FIELD_BROWSER, sender->browser, &out->traits[TRAIT_BROWSER]);
    add_trait(site, FIELD_OS, sender->os, &out->traits[TRAIT_OS]);
    add_trait(site, FIELD_DEVICE, sender->device, &out->traits[TRAIT_DEVICE]);
    add_trait(site, FIELD_LANGUAGE, sender->language, &out->traits[TRAIT_LANGUAGE]);
}

static void add_id(const struct site *site, const uint8_t id_key[16], struct str id,
                   struct event *out)
{
    struct input input;

    if (id.len == 0)
        return;
    input.len = 0;
    add_site(&input, site);
    add_bytes(&input, id.ptr, id.len);
    hash(&input, id_key, 16, out->id);
    out->has_id = true;
}

int event_make(const struct site *site, const struct client *client, const struct sender *sender,
               const struct salts *salts, const uint8_t id_key[16], int64_t now_ms,
               const struct event_input *in, struct arena *arena, struct event *out,
               struct err *err)
{
    *out = (struct event){
        .kind = in->kind,
        .name = in->name,
        .site = site->id,
        .tenant = site->tenant,
        .count = in->count,
        .tokens = in->tokens,
        .seconds_ms = in->seconds_ms,
        .scroll = in->scroll,
    };
    add_time(site, in, now_ms, out);
    add_id(site, id_key, in->id, out);
    add_text(site, in, arena, out);
    int rc = add_visitor(site, client, salts, in, out, err);

    add_traits(site, sender, in, arena, out);
    add_prefix(site, client, in, arena, out);
    return rc;
}

int32_t site_day(const struct site *site, int64_t ms)
{
    return tz_at(site->tz, ms).day;
}

const struct salt *salts_find(const struct salts *salts, int32_t day)
{
    for (size_t i = 0; i < salts->count; i++)
        if (salts->salt[i].day == day)
            return &salts->salt[i];
    return NULL;
}
