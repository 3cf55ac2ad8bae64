/*
 * geo/geo.h -- the country of an address.
 *
 * From the tables of Debian's tor-geoipdb (text, ranges of IPv4 and IPv6; searched by halves), or a
 * database in MaxMind's format that the operator names (libmaxminddb). An address is cut to
 * GEO_BITS4 or GEO_BITS6 before it is looked up, whoever asks: that changes about one answer in a
 * thousand, and nothing behind this header ever sees more of it. Immutable once opened; any thread;
 * a look-up allocates nothing.
 */
#ifndef ABACUS_GEO_GEO_H
#define ABACUS_GEO_GEO_H

#include "base/err.h"
#include "base/net.h"
#include "base/str.h"

enum { GEO_BITS4 = 24, GEO_BITS6 = 48 };

struct geo;

struct geo_config {
    struct str database;   /* a .mmdb file; empty: none. With one the tables are not read. */
    struct str ipv4, ipv6; /* tor-geoipdb's tables; empty: where Debian puts them. Such a table that
                              is not there leaves its addresses without a country. */
};

/* ERR_INVALID: no such format, with the line; ERR_SYSTEM: a file cannot be read, or one that was
 * named is not there. The caller owns *out. */
int geo_open(const struct geo_config *config, struct geo **out, struct err *err);
void geo_close(struct geo **geo);

/* "DE", a code of ISO 3166-1 alpha-2 or XK, as a literal; or empty: not known. `geo` may be NULL:
 * no country is known. */
struct str geo_country(const struct geo *geo, const struct addr *address);

/* Is it one of the codes that geo_country() may give? */
bool geo_is_country(struct str code);

/* How many ranges have a country; 0 of a MaxMind database. For messages. */
size_t geo_ranges(const struct geo *geo);

/* What is in force, for messages. */
struct geo_about {
    struct str name; /* "tor-geoipdb", or what a MaxMind database calls itself; empty: nothing
                        is known; borrowed */
    size_t ranges;   /* as geo_ranges() */
    int32_t day;     /* when it was made, of two tables the older one; 0: it does not say */
    bool ipv4, ipv6; /* there is a table for these addresses */
};
void geo_about(const struct geo *geo, struct geo_about *out);

#endif
