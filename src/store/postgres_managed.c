/*
 * store/postgres_managed.c -- rows of tenants, sites, tokens, people ...: their statements and
 * values, made from the table of their members (row_types.c).
 *
 * The texts are made when they are first needed and stay with the handle, since a prepared
 * statement is known by the address of its text.
 */
#include "store/postgres_internal.h"

/* -- filters ----------------------------------------------------------------------------------- */

/* The first have a value; ONLY is what a kind has to be asked besides: people for admins, sites and
 * tenants for those that are not to be erased. */
enum { BY_TENANT = 1 << 0, BY_SITE = 1 << 1, BY_USER = 1 << 2, BY_PAYLOAD = 1 << 3, ONLY = 1 << 4 };
_Static_assert((BY_TENANT | BY_SITE | BY_USER | BY_PAYLOAD | ONLY) == PG_ROW_FILTERS - 1,
               "all sets have a number");

/* Of people it is a member of the list that their tenants stand in. */
static bool has_tenant(enum row_kind kind)
{
    return row_types[kind].tenant != NULL || kind == ROW_USER;
}

unsigned pg_filters_of(enum row_kind kind, const struct row_filter *filter)
{
    const struct row_type *type = &row_types[kind];
    unsigned filters = 0;

    if (filter->tenant.len > 0 && has_tenant(kind))
        filters |= BY_TENANT;
    if (filter->site.len > 0 && type->site != NULL)
        filters |= BY_SITE;
    if (filter->user.len > 0 && type->user != NULL)
        filters |= BY_USER;
    if (filter->payload.len > 0 && kind == ROW_USER)
        filters |= BY_PAYLOAD;
    if ((filter->admins && kind == ROW_USER) ||
        (filter->kept && (kind == ROW_SITE || kind == ROW_TENANT)))
        filters |= ONLY;
    return filters;
}

void pg_bind_filters(struct pg_query *query, unsigned filters, const struct row_filter *filter)
{
    if ((filters & BY_TENANT) != 0)
        pg_text(query, filter->tenant);
    if ((filters & BY_SITE) != 0)
        pg_text(query, filter->site);
    if ((filters & BY_USER) != 0)
        pg_text(query, filter->user);
    if ((filters & BY_PAYLOAD) != 0)
        pg_text(query, filter->payload);
}

/* -- texts ------------------------------------------------------------------------------------- */

static void add_column(struct buf *sql, const struct row_member *member)
{
    sql_add_name(sql, str_from(member->column));
}

static void add_columns(struct buf *sql, const struct row_type *type)
{
    for (size_t i = 0; i < type->count; i++) {
        buf_add(sql, i == 0 ? STR("") : STR(", "));
        add_column(sql, &type->members[i]);
    }
}

/* What the column gets of value number `n`. */
static void add_value(struct buf *sql, const struct row_member *member, size_t n)
{
    if (member_is_json(member))
        buf_addf(sql, "$%zu::jsonb", n);
    else if (member->type == MEMBER_DAYS)
        buf_addf(sql, "nullif($%zu, -1)", n);
    else
        buf_addf(sql, "$%zu", n);
}

/* From "SELECT" to behind "WHERE id", for whoever says which. */
static void add_select(struct buf *sql, const struct row_type *type)
{
    buf_add(sql, STR("SELECT "));
    add_columns(sql, type);
    buf_addf(sql, " FROM %s", type->table);
}

static void add_where_id(struct buf *sql, const struct row_type *type, const char *which)
{
    buf_add(sql, STR(" WHERE "));
    add_column(sql, &type->members[0]);
    buf_addf(sql, " %s $1", which);
}

static void add_insert(struct buf *sql, const struct row_type *type)
{
    buf_addf(sql, "INSERT INTO %s (", type->table);
    add_columns(sql, type);
    buf_add(sql, STR(") VALUES ("));
    for (size_t i = 0; i < type->count; i++) {
        buf_add(sql, i == 0 ? STR("") : STR(", "));
        add_value(sql, &type->members[i], i + 1);
    }
    buf_add(sql, STR(") ON CONFLICT ("));
    add_column(sql, &type->members[0]);
    buf_add(sql, STR(") DO NOTHING"));
}

/* What never changes is not written, and so cannot. */
static void add_update(struct buf *sql, const struct row_type *type)
{
    const char *separator = "";

    buf_addf(sql, "UPDATE %s SET ", type->table);
    for (size_t i = 0; i < type->count; i++) {
        if (type->members[i].use != USE_FREE)
            continue;
        buf_addf(sql, "%s", separator);
        add_column(sql, &type->members[i]);
        buf_add(sql, STR(" = "));
        add_value(sql, &type->members[i], i + 1);
        separator = ", ";
    }
    add_where_id(sql, type, "=");
}

/* Conditions for these filters, whose values begin with number `n`; the number behind them. */
static size_t add_filters(struct buf *sql, enum row_kind kind, unsigned filters, size_t n,
                          const char *begin)
{
    const struct row_type *type = &row_types[kind];
    const struct row_member *const members[] = {type->tenant, type->site, type->user};

    for (unsigned i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if ((filters >> i & 1) == 0)
            continue;
        buf_addf(sql, " %s ", begin);
        if (members[i] == NULL) {
            buf_addf(sql, "memberships @> jsonb_build_array(jsonb_build_object('tenantId', $%zu))",
                     n++);
        } else {
            add_column(sql, members[i]);
            buf_addf(sql, " = $%zu", n++);
        }
        begin = "AND";
    }
    if ((filters & BY_PAYLOAD) != 0) {
        buf_addf(sql, " %s payload_id <> '' AND payload_id = $%zu", begin, n++);
        begin = "AND";
    }
    if ((filters & ONLY) != 0)
        buf_addf(sql, " %s %s", begin, kind == ROW_USER ? "admin" : "erase_ms = 0");
    return n;
}

static void add_page(struct buf *sql, enum row_kind kind, unsigned filters)
{
    const struct row_type *type = &row_types[kind];

    add_select(sql, type);
    add_where_id(sql, type, ">");
    size_t n = add_filters(sql, kind, filters, 2, "AND");

    buf_add(sql, STR(" ORDER BY "));
    add_column(sql, &type->members[0]);
    buf_addf(sql, " LIMIT $%zu", n);
}

/* Sites in the order made, tokens as people look at them. */
static const char *order_of(enum row_kind kind)
{
    return kind == ROW_TOKEN ? "created_ms, id" : "id";
}

static void add_statement(struct buf *sql, enum row_kind kind, unsigned statement)
{
    const struct row_type *type = &row_types[kind];

    switch (statement) {
    case PG_ROW_GET:
        add_select(sql, type);
        add_where_id(sql, type, "=");
        break;
    case PG_ROW_LOCK:
        add_select(sql, type);
        add_where_id(sql, type, "=");
        /* Rows that refer to it can be made meanwhile. */
        buf_add(sql, STR(" FOR NO KEY UPDATE"));
        break;
    case PG_ROW_ADD:
        add_insert(sql, type);
        break;
    case PG_ROW_PUT:
        add_update(sql, type);
        break;
    case PG_ROW_REMOVE:
        buf_addf(sql, "DELETE FROM %s", type->table);
        add_where_id(sql, type, "=");
        break;
    case PG_ROW_EACH:
        add_select(sql, type);
        buf_addf(sql, " ORDER BY %s", order_of(kind));
        break;
    default:
        if (statement < PG_ROW_COUNT) {
            add_page(sql, kind, statement - PG_ROW_PAGE);
            break;
        }
        buf_addf(sql, "SELECT count(*) FROM %s", type->table);
        (void)add_filters(sql, kind, statement - PG_ROW_COUNT, 1, "WHERE");
        break;
    }
}

const char *pg_row_sql(struct pg_store *store, enum row_kind kind, unsigned statement)
{
    char **kept = &store->row_sql[kind][statement];

    if (*kept == NULL) {
        struct buf sql = {0};

        add_statement(&sql, kind, statement);
        *kept = store_alloc(sql.len + 1);
        memcpy(*kept, sql.ptr, sql.len);
        buf_release(&sql);
    }
    return *kept;
}

/* -- values ------------------------------------------------------------------------------------ */

static void bind_member(struct pg_query *query, const struct row_member *member, const void *row)
{
    switch (member->type) {
    case MEMBER_ID:
    case MEMBER_TEXT:
    case MEMBER_LIST:
    case MEMBER_JSON:
        (member_is_optional(member) ? pg_optional : pg_text)(query, row_text(member, row));
        break;
    case MEMBER_BOOL:
        pg_bool(query, row_number(member, row) != 0);
        break;
    case MEMBER_INT32:
    case MEMBER_DAYS:
        pg_i32(query, (int32_t)row_number(member, row));
        break;
    case MEMBER_INT64:
        pg_i64(query, row_number(member, row));
        break;
    case MEMBER_BYTES32:
        pg_bytes(query, (const char *)row + member->offset, 32);
        break;
    }
}

void pg_bind_row(struct pg_query *query, enum row_kind kind, const void *row)
{
    for (size_t i = 0; i < row_types[kind].count; i++)
        bind_member(query, &row_types[kind].members[i], row);
}

static void get_member(const PGresult *result, int row, int column, const struct row_member *member,
                       struct arena *arena, void *out)
{
    struct str text = pg_get_str(result, row, column);
    bool is_null = PQgetisnull(result, row, column) != 0;

    if (member_is_json(member))
        row_set_text(member, out, pg_get_json(result, row, column, arena));
    else if (member_is_text(member))
        row_set_text(member, out, arena_str(arena, text));
    else if (member->type != MEMBER_BYTES32)
        row_set_number(member, out,
                       is_null && member->type == MEMBER_DAYS ? -1
                                                              : pg_get_i64(result, row, column));
    else if (text.len == 32)
        memcpy((char *)out + member->offset, text.ptr, 32);
}

void pg_get_row(const PGresult *result, int row, enum row_kind kind, struct arena *arena, void *out)
{
    memset(out, 0, row_size(kind));
    for (size_t i = 0; i < row_types[kind].count; i++)
        get_member(result, row, (int)i, &row_types[kind].members[i], arena, out);
}
