/*
 * store/postgres_payload.c -- sessions that Payload keeps in a table of the same database.
 *
 * The table is Payload's own: `schema`.`collection`_sessions with (id, _parent_id, expires_at),
 * where the name of the collection stands as Payload's own adapter writes it ("adminUsers" and
 * "admin-users" are admin_users). The id of a user is a number, a UUID or a text there, by the
 * application's choice: ids are compared as text (which leaves the key of a text column its use).
 */
#include "store/postgres_internal.h"

enum { NAME_BYTES_MAX = 63 }; /* of PostgreSQL, NAMEDATALEN - 1 */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A letter or an underscore, then digits too: nothing that ends a quoted name. */
static bool is_identifier(struct str name)
{
    bool good = name.len > 0 && name.len <= NAME_BYTES_MAX && !is_digit(name.ptr[0]);

    for (size_t i = 0; good && i < name.len; i++)
        good = is_lower(name.ptr[i]) || is_upper(name.ptr[i]) || is_digit(name.ptr[i]) ||
               name.ptr[i] == '_';
    return good;
}

/* "adminUsers", "admin-users": admin_users. */
static void add_snake(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (is_upper(c) && i > 0 && name.ptr[i - 1] != '-' && name.ptr[i - 1] != '_')
            buf_addc(out, '_');
        buf_addc(out, c == '-' ? '_' : is_upper(c) ? (char)(c - 'A' + 'a') : c);
    }
}

/* "schema"."table", with a NUL behind it. */
static int add_table(struct buf *out, struct str schema, struct str collection, struct err *err)
{
    struct buf table = {0};
    int rc = 0;

    add_snake(&table, collection);
    buf_add(&table, STR("_sessions"));
    if (is_identifier(schema) && is_identifier(buf_str(&table)))
        buf_addf(out, "\"%.*s\".\"%.*s\"", STR_FMT(schema), STR_FMT(buf_str(&table)));
    else
        rc = err_set(err, ERR_INVALID, "%.*s.%.*s_sessions: not the name of a table",
                     STR_FMT(schema), STR_FMT(collection));
    buf_release(&table);
    return rc;
}

static const char IS_THERE[] = "SELECT 1 WHERE to_regclass($1) IS NOT NULL";

/* Why the server has refused: ERR_INVALID where it has no such table, else what it said. */
static int judge(struct pg_store *store, struct str table, int rc, struct err *err)
{
    struct pg_query query = pg_query(IS_THERE);
    PGresult *result = NULL;

    if (rc != ERR_SYSTEM || pg_ready(store, NULL) != 0)
        return rc;
    pg_text(&query, table);
    if (pg_run(store, &query, &result, NULL) == 0 && PQntuples(result) == 0)
        rc = err_set(err, ERR_INVALID, "the database has no table %.*s", STR_FMT(table));
    PQclear(result);
    return rc;
}

int pg_payload_session(struct store *base, struct str schema, struct str collection,
                       struct str user, struct str sid, int64_t now_ms, struct err *err)
{
    struct pg_store *store = pg_of(base);
    struct buf table = {0}, sql = {0};
    PGresult *result = NULL;
    int rc = add_table(&table, schema, collection, err);

    if (rc == 0)
        rc = pg_ready(store, err);
    if (rc == 0) {
        buf_addf(&sql,
                 "SELECT 1 FROM %.*s WHERE id::text = $1 AND _parent_id::text = $2 AND expires_at "
                 "> $3%c",
                 STR_FMT(buf_str(&table)), '\0');
        struct pg_query query = pg_query(sql.ptr);

        pg_text(&query, sid);
        pg_text(&query, user);
        pg_instant(&query, now_ms);
        rc = pg_run_once(store, &query, &result, err);
    }
    rc = rc == 0 ? PQntuples(result) > 0 : judge(store, buf_str(&table), rc, err);
    PQclear(result);
    buf_release(&table);
    buf_release(&sql);
    return rc;
}
