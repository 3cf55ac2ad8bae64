/*
 * geo/geo_internal.h -- what the files of geo/ share: countries by number, a table made from lines
 * of text, a MaxMind database.
 */
#ifndef ABACUS_GEO_INTERNAL_H
#define ABACUS_GEO_INTERNAL_H

#include "geo/geo.h"

/* geo_open() with other places for the tables that are not named. */
int geo_open_at(const struct geo_config *config, struct str usual4, struct str usual6,
                struct geo **out, struct err *err);

/* -- countries (countries.c) -- */

/* A country has a number, 1 to 255; 0 is none. */
struct str country_code(uint8_t number); /* "DE"; of 0 empty; a literal */

struct country_map {
    uint8_t numbers[26 * 26]; /* by the letters of the code */
};
void country_map_init(struct country_map *map);
/* 0: not the code of a country. */
uint8_t country_number(const struct country_map *map, struct str code);

/* -- tables (table.c) -- */

/* Boundaries, ascending: from the network `entry >> 8` up to the next entry's, the country is the
 * one of number `entry & 255`. The first stands at network 0. */
struct table4 {
    uint32_t *entries; /* networks of GEO_BITS4 bits */
    size_t count;
};
struct table6 {
    uint64_t *entries; /* networks of GEO_BITS6 bits */
    size_t count;
};

enum table_kind {
    TABLE_IPV4, /* "16777216,16777471,AU" */
    TABLE_IPV6, /* "2001:200::,2001:200:134:ffff:ffff:ffff:ffff:ffff,JP" */
};

/* An address. IPv4 has bits 8 to 39 of `high`, so that a network is `high >> 16` in both. */
struct place {
    uint64_t high, low;
};

/* A table on its way from text. */
struct table_reader {
    enum table_kind kind;
    struct country_map map;
    size_t line;   /* the last one read, from 1 */
    size_t ranges; /* with a country, so far */
    int32_t day;   /* when the table says it was made; 0: it does not */
    bool begun;    /* there was a range, and `last` is its end */
    struct place last;
    uint64_t next; /* the first network that no range before decides */
    uint64_t *entries;
    size_t count, room;
};
void table_reader_init(struct table_reader *reader, enum table_kind kind);
void table_reader_release(struct table_reader *reader);
/* Whole lines; the last of all may lack its newline. ERR_INVALID begins with the line's number. */
int table_read(struct table_reader *reader, struct str lines, struct err *err);
/* What was read, after the last line; free() its entries. */
struct table4 table4_take(struct table_reader *reader);
struct table6 table6_take(struct table_reader *reader);

/* The country's number. */
uint8_t table4_find(const struct table4 *table, uint32_t network);
uint8_t table6_find(const struct table6 *table, uint64_t network);

/* -- MaxMind databases (mmdb.c) -- */

struct mmdb;
int mmdb_open(struct str path, struct mmdb **out, struct err *err);
void mmdb_close(struct mmdb **mmdb);
uint8_t mmdb_find(const struct mmdb *mmdb, const struct addr *address);
/* What the database says of itself: "GeoLite2-Country", and its day. */
struct str mmdb_name(const struct mmdb *mmdb);
int32_t mmdb_day(const struct mmdb *mmdb);
bool mmdb_has_ipv6(const struct mmdb *mmdb);

#endif
