/*
 * base/net.h -- addresses, address ranges, and cutting them short.
 */
#ifndef ABACUS_BASE_NET_H
#define ABACUS_BASE_NET_H

#include "base/str.h"

#include <sys/socket.h>

/* An IPv4 or IPv6 address. IPv4-mapped IPv6 (::ffff:a.b.c.d) is always held as IPv4. */
struct addr {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t bytes[16];
};

struct cidr {
    struct addr base;
    uint8_t bits;
};

/* "192.0.2.1", "2001:db8::1"; no port, no brackets, no zone. */
bool addr_parse(struct str s, struct addr *out);
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
bool addr_is_loopback(const struct addr *a);

/* "10.0.0.0/8", "2001:db8::/32", or a single address; bits behind the length are zeroed. A range of
 * mapped addresses (::ffff:10.0.0.0/104) is one of IPv4, and has at least 96 bits. */
bool cidr_parse(struct str s, struct cidr *out);
bool cidr_contains(const struct cidr *range, const struct addr *a);

/* Zero everything behind the first `bits4` or `bits6` bits. */
struct addr addr_cut(struct addr a, unsigned bits4, unsigned bits6);

#endif
