/*
 * geo/mmdb.c -- countries from a database in MaxMind's format, through libmaxminddb.
 *
 * Who makes such a database names its members: MaxMind, DB-IP and those who follow them have
 * country.iso_code; others country_code, or a code as country itself. One in which no address has
 * any of these is refused, so that a database of networks or companies is not taken for one of
 * countries.
 *
 * The file is mapped, not read: a newer one has to be moved into its place, not written over it.
 */
#include "geo/geo_internal.h"

#include "base/date.h"
#include "base/must.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>

enum {
    DEPTH_MAX = 128,       /* bits of an address */
    PROBE_NODES = 1 << 16, /* of its tree, until a country must have been met */
};

struct mmdb {
    MMDB_s db;
    struct country_map map;
};

static uint8_t entry_country(const struct mmdb *mmdb, MMDB_entry_s entry)
{
    static const char *const paths[][3] = {
        {"country", "iso_code", NULL}, {"country_code", NULL}, {"country", NULL}};
    uint8_t country = 0;

    for (size_t i = 0; country == 0 && i < sizeof(paths) / sizeof(paths[0]); i++) {
        MMDB_entry_data_s data = {0};

        if (MMDB_aget_value(&entry, &data, paths[i]) == MMDB_SUCCESS && data.has_data &&
            data.type == MMDB_DATA_TYPE_UTF8_STRING)
            country = country_number(&mmdb->map, (struct str){data.utf8_string, data.data_size});
    }
    return country;
}

/* Leftmost first, which begins with IPv4 where there is any. */
static bool has_countries(const struct mmdb *mmdb)
{
    uint32_t stack[DEPTH_MAX + 1] = {0};
    unsigned depth = 1;

    for (int budget = PROBE_NODES; depth > 0 && budget > 0; budget--) {
        MMDB_search_node_s node;

        if (MMDB_read_node(&mmdb->db, stack[--depth], &node) != MMDB_SUCCESS)
            return false;
        const struct {
            uint8_t type;
            uint64_t record;
            MMDB_entry_s entry;
        } sides[] = {{node.right_record_type, node.right_record, node.right_record_entry},
                     {node.left_record_type, node.left_record, node.left_record_entry}};

        for (size_t i = 0; i < 2; i++) {
            if (sides[i].type == MMDB_RECORD_TYPE_DATA && entry_country(mmdb, sides[i].entry) != 0)
                return true;
            if (sides[i].type == MMDB_RECORD_TYPE_SEARCH_NODE && depth <= DEPTH_MAX)
                stack[depth++] = (uint32_t)sides[i].record;
        }
    }
    return false;
}

static int open_error(const char *path, int status, struct err *err)
{
    if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR)
        return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
    return err_set(err, ERR_INVALID, "%s: %s", path, MMDB_strerror(status));
}

int mmdb_open(struct str path, struct mmdb **out, struct err *err)
{
    struct mmdb *mmdb = must(calloc(1, sizeof(*mmdb)));
    char *name = must(strndup(path.ptr, path.len));
    int status = MMDB_open(name, MMDB_MODE_MMAP, &mmdb->db);
    int rc = status == MMDB_SUCCESS ? 0 : open_error(name, status, err);

    country_map_init(&mmdb->map);
    if (rc == 0 && !has_countries(mmdb)) {
        rc = err_set(err, ERR_INVALID, "%s: is a database without countries (%s)", name,
                     mmdb->db.metadata.database_type);
        MMDB_close(&mmdb->db);
    }
    free(name);
    if (rc != 0) {
        free(mmdb);
        return rc;
    }
    *out = mmdb;
    return 0;
}

void mmdb_close(struct mmdb **mmdb)
{
    if (*mmdb == NULL)
        return;
    MMDB_close(&(*mmdb)->db);
    free(*mmdb);
    *mmdb = NULL;
}

uint8_t mmdb_find(const struct mmdb *mmdb, const struct addr *address)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    const struct sockaddr *any =
        address->family == 4 ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6;
    int status = MMDB_SUCCESS;

    memcpy(&in.sin_addr, address->bytes, sizeof(in.sin_addr));
    memcpy(&in6.sin6_addr, address->bytes, sizeof(in6.sin6_addr));
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&mmdb->db, any, &status);

    if (status != MMDB_SUCCESS || !found.found_entry)
        return 0;
    return entry_country(mmdb, found.entry);
}

struct str mmdb_name(const struct mmdb *mmdb)
{
    return str_from(mmdb->db.metadata.database_type);
}

int32_t mmdb_day(const struct mmdb *mmdb)
{
    uint64_t day = mmdb->db.metadata.build_epoch * 1000 / DAY_MS;

    return day <= (uint64_t)date_from_civil(9999, 12, 31) ? (int32_t)day : 0;
}

bool mmdb_has_ipv6(const struct mmdb *mmdb)
{
    return mmdb->db.metadata.ip_version == 6;
}
