#include "base/net.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>

static struct addr addr_v4(const void *bytes)
{
    struct addr a = {.family = 4};

    memcpy(a.bytes, bytes, 4);
    return a;
}

/* The one place where a mapped address becomes IPv4. */
static struct addr addr_v6(const void *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct addr a = {.family = 6};

    if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
        return addr_v4((const uint8_t *)bytes + sizeof(mapped));
    memcpy(a.bytes, bytes, 16);
    return a;
}

/* inet_pton() wants a C string; it refuses shortened and octal forms and zones itself. */
static bool parse_family(struct str s, struct addr *out, int *written_as)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (s.len == 0 || s.len >= sizeof(text) || memchr(s.ptr, '\0', s.len) != NULL)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *out = addr_v4(bytes);
        *written_as = AF_INET;
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *out = addr_v6(bytes);
        *written_as = AF_INET6;
        return true;
    }
    return false;
}

bool addr_parse(struct str s, struct addr *out)
{
    int written_as;

    return parse_family(s, out, &written_as);
}

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof(in));
        *out = addr_v4(&in.sin_addr);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        *out = addr_v6(&in6.sin6_addr);
        return true;
    }
    return false;
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {[15] = 1};

    if (a->family == 4)
        return a->bytes[0] == 127;
    return a->family == 6 && memcmp(a->bytes, one, sizeof(one)) == 0;
}

static unsigned addr_bits(const struct addr *a)
{
    return a->family == 4 ? 32 : 128;
}

static struct addr cut(struct addr a, unsigned bits)
{
    for (unsigned i = 0; i < sizeof(a.bytes); i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;

        if (kept < 8)
            a.bytes[i] &= (uint8_t)(0xff00 >> kept);
    }
    return a;
}

struct addr addr_cut(struct addr a, unsigned bits4, unsigned bits6)
{
    return cut(a, a.family == 4 ? bits4 : bits6);
}

/* One to three digits without leading zeros. */
static bool parse_bits(struct str s, unsigned most, unsigned *out)
{
    int64_t n;

    if (s.len < 1 || s.len > 3 || s.ptr[0] == '-' || (s.len > 1 && s.ptr[0] == '0') ||
        !str_to_i64(s, &n) || n > most)
        return false;
    *out = (unsigned)n;
    return true;
}

bool cidr_parse(struct str s, struct cidr *out)
{
    size_t slash = str_find(s, 0, '/');
    struct addr base;
    int written_as;
    unsigned bits;

    if (!parse_family(str_slice(s, 0, slash), &base, &written_as))
        return false;
    bits = written_as == AF_INET ? 32 : 128;
    if (slash < s.len && !parse_bits(str_slice(s, slash + 1, s.len), bits, &bits))
        return false;
    if (written_as == AF_INET6 && base.family == 4) {
        /* ::ffff:0:0/90 would take in addresses that are not IPv4. */
        if (bits < 96)
            return false;
        bits -= 96;
    }
    *out = (struct cidr){.base = cut(base, bits), .bits = (uint8_t)bits};
    return true;
}

bool cidr_contains(const struct cidr *range, const struct addr *a)
{
    if (a->family != range->base.family || a->family == 0)
        return false;
    assert(range->bits <= addr_bits(a));
    struct addr start = cut(*a, range->bits);

    return memcmp(start.bytes, range->base.bytes, sizeof(start.bytes)) == 0;
}
