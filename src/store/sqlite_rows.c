/*
 * store/sqlite_rows.c -- managed rows of any kind: the statements of each kind, and what reads
 * them.
 *
 * The columns of a kind's statements are those of its members (row_types.c), in their order.
 */
#include "store/sqlite_internal.h"

#define MARKS_2 "?, ?"
#define MARKS_4 MARKS_2 ", " MARKS_2
#define MARKS_5 "?, ?, ?, ?, ?"
#define MARKS_6 MARKS_5 ", ?"
#define MARKS_7 MARKS_5 ", " MARKS_2
#define MARKS_9 MARKS_7 ", " MARKS_2
#define MARKS_10 MARKS_5 ", " MARKS_5
#define MARKS_11 MARKS_10 ", ?"
#define MARKS_35 MARKS_10 ", " MARKS_10 ", " MARKS_10 ", " MARKS_5

/* struct row_filter is ?1 to ?5; what is not asked for is empty, or 0. ?5 is what a kind has to be
 * asked besides. */
#define OF_TENANT "(?1 = '' OR tenant_id = ?1)"
#define OF_SITE "(?2 = '' OR site_id = ?2)"
#define OF_USER "(?3 = '' OR user_id = ?3)"
#define OF_ITSELF "(?1 = '' OR id = ?1)"
#define OF_PAYLOAD "(?4 = '' OR payload_id = ?4)"
#define ADMINS "(?5 = 0 OR admin = 1)"
#define KEPT "(?5 = 0 OR erase_ms = 0)"
/* By the id, which begins with the site's and a slash: '0' follows that, and a blob any text. */
#define AMONG_SITES                                                                                \
    "id >= CASE ?2 WHEN '' THEN '' ELSE ?2 || '/' END"                                             \
    " AND id < CASE ?2 WHEN '' THEN X'' ELSE ?2 || '0' END"
#define OF_MEMBERSHIP                                                                              \
    "(?1 = '' OR EXISTS (SELECT 1 FROM json_each(memberships) m"                                   \
    " WHERE json_extract(m.value, '$.tenantId') = ?1))"

#define STATEMENTS(table, key, columns, marks, filter)                                             \
    {                                                                                              \
        .get = "SELECT " columns " FROM " table " WHERE " key " = ?",                              \
        .add = "INSERT INTO " table " (" columns ") VALUES (" marks ")",                           \
        .set = "UPDATE " table " SET (" columns ") = (" marks ") WHERE " key " = ?1",              \
        .remove = "DELETE FROM " table " WHERE " key " = ?",                                       \
        .page = "SELECT " columns " FROM " table " WHERE " filter " AND " key                      \
                " > ?6 ORDER BY " key " LIMIT ?7",                                                 \
        .count = "SELECT count(*) FROM " table " WHERE " filter,                                   \
    }

const struct sqlite_statements sqlite_statements[ROW_KINDS] = {
    [ROW_TENANT] = STATEMENTS("tenants", "id", TENANT_COLUMNS, MARKS_11, OF_ITSELF " AND " KEPT),
    [ROW_SITE] = STATEMENTS("analytics_settings", "site_id", SITE_COLUMNS, MARKS_35,
                            OF_TENANT " AND " OF_SITE " AND " KEPT),
    [ROW_TOKEN] = STATEMENTS("tokens", "id", TOKEN_COLUMNS, MARKS_9, OF_TENANT " AND " OF_SITE),
    [ROW_USER] = STATEMENTS("users", "id", USER_COLUMNS, MARKS_10,
                            OF_MEMBERSHIP " AND " OF_PAYLOAD " AND " ADMINS),
    [ROW_SESSION] = STATEMENTS("sessions", "id", SESSION_COLUMNS, MARKS_6, OF_USER),
    [ROW_LINK] = STATEMENTS("links", "id", LINK_COLUMNS, MARKS_7, OF_TENANT " AND " OF_SITE),
    [ROW_ERASURE] =
        STATEMENTS("erasures", "id", ERASURE_COLUMNS, MARKS_11, OF_TENANT " AND " OF_SITE),
    [ROW_INSTALLATION] = STATEMENTS("installation", "id", INSTALLATION_COLUMNS, MARKS_2, "true"),
    [ROW_ANNOTATION] =
        STATEMENTS("annotations", "id", ANNOTATION_COLUMNS, MARKS_4, OF_TENANT " AND " AMONG_SITES),
};

/* -- members ----------------------------------------------------------------------------------- */

static void bind_text(struct query *query, const struct row_member *member, struct str text)
{
    if (member_is_optional(member))
        bind_optional(query, text);
    else
        bind_str(query, text);
}

static void bind_member(struct query *query, const struct row_member *member, const void *row)
{
    if (member_is_text(member))
        bind_text(query, member, row_text(member, row));
    else if (member->type == MEMBER_BYTES32)
        bind_bytes(query, (const char *)row + member->offset, 32);
    else if (member->type == MEMBER_DAYS && row_number(member, row) < 0)
        bind_null(query);
    else
        bind_i64(query, row_number(member, row));
}

void sqlite_bind_row(struct query *query, enum row_kind kind, const void *row)
{
    for (size_t i = 0; i < row_types[kind].count; i++)
        bind_member(query, &row_types[kind].members[i], row);
}

static void member_column(struct query *query, const struct row_member *member, struct arena *arena,
                          void *row)
{
    if (member_is_text(member)) {
        row_set_text(member, row, arena_str(arena, column_str(query)));
    } else if (member->type == MEMBER_BYTES32) {
        struct str bytes = column_str(query);

        if (bytes.len == 32)
            memcpy((char *)row + member->offset, bytes.ptr, 32);
    } else {
        bool null = sqlite3_column_type(query->stmt, query->at) == SQLITE_NULL;
        int64_t number = column_i64(query);

        row_set_number(member, row, member->type == MEMBER_DAYS && null ? -1 : number);
    }
}

void sqlite_row_columns(struct query *query, enum row_kind kind, struct arena *arena, void *row)
{
    for (size_t i = 0; i < row_types[kind].count; i++)
        member_column(query, &row_types[kind].members[i], arena, row);
}

/* -- verbs ------------------------------------------------------------------------------------- */

int sqlite_get(struct store *base, enum row_kind kind, struct str id, struct arena *arena,
               void *row, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, sqlite_statements[kind].get, &query, err);

    if (rc != 0)
        return rc;
    row_default(kind, arena_str(arena, id), row);
    bind_str(&query, id);
    rc = sqlite_row(store, &query, err);
    if (rc > 0)
        sqlite_row_columns(&query, kind, arena, row);
    sqlite_end(&query);
    return rc;
}

/* A statement names the greatest parameter that it has use for. */
static void bind_filter(struct query *query, enum row_kind kind, const struct row_filter *filter)
{
    const struct str wanted[] = {filter->tenant, filter->site, filter->user, filter->payload};
    int room = sqlite3_bind_parameter_count(query->stmt);

    for (int i = 0; i < 4 && i < room; i++)
        bind_str(query, wanted[i]);
    if (room > 4)
        bind_i64(query, kind == ROW_USER ? filter->admins : filter->kept);
}

int sqlite_page(struct store *base, enum row_kind kind, const struct row_filter *filter,
                struct str after, size_t limit, struct arena *arena, void **rows, size_t *count,
                struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    size_t size = row_size(kind);
    struct query query;
    int rc = sqlite_query(store, sqlite_statements[kind].page, &query, err);

    *count = 0;
    if (rc != 0)
        return rc;
    *rows = arena_alloc(arena, limit + 1, size);
    bind_filter(&query, kind, filter);
    bind_str(&query, after);
    bind_i64(&query, (int64_t)limit);
    while (*count < limit && (rc = sqlite_row(store, &query, err)) > 0)
        sqlite_row_columns(&query, kind, arena, (char *)*rows + (*count)++ * size);
    sqlite_end(&query);
    return rc < 0 ? rc : 0;
}

int sqlite_count_kind(struct store *base, enum row_kind kind, const struct row_filter *filter,
                      int64_t *out, struct err *err)
{
    struct sqlite_store *store = sqlite_of(base);
    struct query query;
    int rc = sqlite_query(store, sqlite_statements[kind].count, &query, err);

    if (rc != 0)
        return rc;
    bind_filter(&query, kind, filter);
    rc = sqlite_row(store, &query, err);
    if (rc < 0)
        return rc;
    *out = column_i64(&query);
    sqlite_end(&query);
    return 0;
}
