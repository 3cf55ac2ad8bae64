/*
 * geo/geo.c -- the country of an address: which tables there are, and the look-up.
 *
 * Immutable after geo_open(); a newer table is read at the next start.
 */
#include "geo/geo_internal.h"

#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 /* bytes read at once; no line is longer */ };

struct geo {
    struct table4 ipv4; /* of both, no entries: no table */
    struct table6 ipv6;
    size_t ranges;
    int32_t day;
    struct mmdb *mmdb; /* NULL: none; else there are no tables */
};

/* -- reading tables ---------------------------------------------------------------------------- */

/* The whole lines in the first `held` bytes of `chunk`; gives how many bytes are left over, which
 * are then its first. */
static int read_lines(struct table_reader *reader, char *chunk, size_t held, size_t *left,
                      struct err *err)
{
    const char *newline = memrchr(chunk, '\n', held);
    size_t whole = newline == NULL ? 0 : (size_t)(newline - chunk) + 1;
    int rc = table_read(reader, (struct str){chunk, whole}, err);

    if (rc == 0 && held - whole == CHUNK)
        rc = err_set(err, ERR_INVALID, "%zu: the line is too long", reader->line + 1);
    *left = held - whole;
    memmove(chunk, chunk + whole, *left);
    return rc;
}

static int read_all(int fd, const char *path, struct table_reader *reader, struct err *err)
{
    char *chunk = must(malloc(CHUNK));
    struct err why = {""};
    size_t held = 0;
    ssize_t got = 1;
    int rc = 0;

    while (rc == 0 && got > 0) {
        got = read(fd, chunk + held, CHUNK - held);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            rc = err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
        else if (got == 0)
            rc = table_read(reader, (struct str){chunk, held}, &why);
        else
            rc = read_lines(reader, chunk, held + (size_t)got, &held, &why);
    }
    free(chunk);
    if (rc == 0 && !reader->begun)
        rc = err_set(err, ERR_INVALID, "%s: holds no ranges", path);
    return rc == ERR_INVALID && why.text[0] != '\0' ? err_set(err, rc, "%s:%s", path, why.text)
                                                    : rc;
}

/* Without a file in its usual place: reader->begun stays false. */
static int read_table(struct str path, struct str usual, struct table_reader *reader,
                      struct err *err)
{
    bool named = path.len > 0;
    char *name = must(named ? strndup(path.ptr, path.len) : strndup(usual.ptr, usual.len));
    int fd = open(name, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd >= 0)
        rc = read_all(fd, name, reader, err);
    else if (named || errno != ENOENT)
        rc = err_set(err, ERR_SYSTEM, "%s: %s", name, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    free(name);
    return rc;
}

static void note(struct geo *geo, const struct table_reader *reader)
{
    geo->ranges += reader->ranges;
    if (geo->day == 0 || (reader->day != 0 && reader->day < geo->day))
        geo->day = reader->day;
}

static int open_ipv4(struct geo *geo, struct str path, struct str usual, struct err *err)
{
    struct table_reader reader;

    table_reader_init(&reader, TABLE_IPV4);
    int rc = read_table(path, usual, &reader, err);

    if (rc == 0 && reader.begun) {
        note(geo, &reader);
        geo->ipv4 = table4_take(&reader);
    }
    table_reader_release(&reader);
    return rc;
}

static int open_ipv6(struct geo *geo, struct str path, struct str usual, struct err *err)
{
    struct table_reader reader;

    table_reader_init(&reader, TABLE_IPV6);
    int rc = read_table(path, usual, &reader, err);

    if (rc == 0 && reader.begun) {
        note(geo, &reader);
        geo->ipv6 = table6_take(&reader);
    }
    table_reader_release(&reader);
    return rc;
}

/* -- geo.h ------------------------------------------------------------------------------------- */

int geo_open_at(const struct geo_config *config, struct str usual4, struct str usual6,
                struct geo **out, struct err *err)
{
    struct geo *geo = must(calloc(1, sizeof(*geo)));
    int rc = 0;

    if (config->database.len > 0)
        rc = mmdb_open(config->database, &geo->mmdb, err);
    else
        rc = open_ipv4(geo, config->ipv4, usual4, err);
    if (rc == 0 && geo->mmdb == NULL)
        rc = open_ipv6(geo, config->ipv6, usual6, err);
    if (rc != 0)
        geo_close(&geo);
    else
        *out = geo;
    return rc;
}

int geo_open(const struct geo_config *config, struct geo **out, struct err *err)
{
    return geo_open_at(config, STR("/usr/share/tor/geoip"), STR("/usr/share/tor/geoip6"), out, err);
}

void geo_close(struct geo **geo)
{
    if (*geo == NULL)
        return;
    mmdb_close(&(*geo)->mmdb);
    free((*geo)->ipv4.entries);
    free((*geo)->ipv6.entries);
    free(*geo);
    *geo = NULL;
}

/* The first `bytes` bytes of the address, which are its network. */
static uint64_t network_of(const struct addr *address, unsigned bytes)
{
    uint64_t network = 0;

    for (unsigned i = 0; i < bytes; i++)
        network = network << 8 | address->bytes[i];
    return network;
}

struct str geo_country(const struct geo *geo, const struct addr *address)
{
    uint8_t country = 0;

    if (geo == NULL)
        return STR("");
    if (geo->mmdb != NULL) {
        const struct addr cut = addr_cut(*address, GEO_BITS4, GEO_BITS6);

        country = mmdb_find(geo->mmdb, &cut);
    } else if (address->family == 4 && geo->ipv4.count > 0) {
        country = table4_find(&geo->ipv4, (uint32_t)network_of(address, GEO_BITS4 / 8));
    } else if (address->family == 6 && geo->ipv6.count > 0) {
        country = table6_find(&geo->ipv6, network_of(address, GEO_BITS6 / 8));
    }
    return country_code(country);
}

size_t geo_ranges(const struct geo *geo)
{
    return geo->ranges;
}

void geo_about(const struct geo *geo, struct geo_about *out)
{
    bool any = geo->ipv4.count > 0 || geo->ipv6.count > 0;

    *out = (struct geo_about){.name = any ? STR("tor-geoipdb") : STR(""),
                              .ranges = geo->ranges,
                              .day = geo->day,
                              .ipv4 = geo->ipv4.count > 0,
                              .ipv6 = geo->ipv6.count > 0};
    if (geo->mmdb != NULL)
        *out = (struct geo_about){.name = mmdb_name(geo->mmdb),
                                  .day = mmdb_day(geo->mmdb),
                                  .ipv4 = true,
                                  .ipv6 = mmdb_has_ipv6(geo->mmdb)};
}
