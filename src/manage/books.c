/*
 * manage/books.c -- what tenants have used, from the ledger, and what was done, from the audit log:
 * for who manages whole tenants.
 */
#include "base/date.h"
#include "manage/manage_internal.h"

#include <stdlib.h>

enum { MONTH_TEXT = 7 };

/* -- usage ------------------------------------------------------------------------------------- */

struct month {
    char text[DATE_TEXT]; /* "2026-11" */
    int32_t first, last;
};

static int read_month(struct str text, int64_t now_ms, struct month *out, struct err *err)
{
    char date[DATE_TEXT];

    date_format((int32_t)(now_ms / DAY_MS), date);
    if (text.len > 0 && text.len != MONTH_TEXT)
        return err_set(err, ERR_INVALID, "month: must be a month (try 2026-11)");
    if (text.len > 0)
        memcpy(date, text.ptr, MONTH_TEXT);
    memcpy(date + MONTH_TEXT, "-01", sizeof("-01"));
    if (!date_parse(str_from(date), &out->first))
        return err_set(err, ERR_INVALID, "month: must be a month (try 2026-11)");
    out->last = date_add_months(out->first, 1) - 1;
    memcpy(out->text, date, MONTH_TEXT);
    out->text[MONTH_TEXT] = '\0';
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct usage_row *x = a, *y = b;
    int order = str_cmp(x->tenant, y->tenant);

    return order != 0 ? order : str_cmp(x->site, y->site);
}

struct usage {
    struct manage *m;
    const struct month *month;
    const struct usage_row *rows; /* by_place() */
    size_t count;
};

static void add_counts(struct json_out *json, const struct usage_row *row)
{
    out_number(json, "events", row->stored);
    out_number(json, "dropped", row->dropped);
    out_number(json, "rejected", row->rejected);
}

static void add_sites(const struct usage *usage, struct json_out *json)
{
    json_name(json, STR("sites"));
    json_open(json, '[');
    for (size_t i = 0; i < usage->count; i++) {
        json_open(json, '{');
        out_string(json, "siteId", usage->rows[i].site);
        add_counts(json, &usage->rows[i]);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* `usage` has the rows of this tenant alone. */
static void add_tenant(const struct usage *usage, const struct tenant_row *tenant,
                       struct json_out *json)
{
    struct usage_row sum = {0};

    for (size_t i = 0; i < usage->count; i++) {
        sum.stored += usage->rows[i].stored;
        sum.dropped += usage->rows[i].dropped;
        sum.rejected += usage->rows[i].rejected;
    }
    json_open(json, '{');
    out_string(json, "tenantId", tenant->id);
    add_counts(json, &sum);
    out_number(json, "limit", tenant->events_per_month);
    add_sites(usage, json);
    json_close(json, '}');
}

static int use_of(struct usage *usage, struct str tenant, struct err *err)
{
    struct usage_row *rows = NULL;
    int rc = store_usage(usage->m->store, tenant, usage->month->first, usage->month->last,
                         usage->m->arena, &rows, &usage->count, err);

    if (rc < 0)
        return rc;
    if (usage->count > 1)
        qsort(rows, usage->count, sizeof(*rows), by_place);
    usage->rows = rows;
    return 0;
}

static int add_named(struct usage *usage, const struct str *tenants, size_t count,
                     struct json_out *json, struct err *err)
{
    struct tenant_row tenant;
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = store_get(usage->m->store, ROW_TENANT, tenants[i], usage->m->arena, &tenant, err);
        if (rc == 1)
            rc = use_of(usage, tenants[i], err);
        else
            continue;
        if (rc == 0)
            add_tenant(usage, &tenant, json);
    }
    return rc < 0 ? rc : 0;
}

/* The rows of one tenant among those of all. */
static struct usage part_of(const struct usage *all, struct str tenant)
{
    struct usage part = *all;
    size_t first = 0;

    while (first < all->count && str_cmp(all->rows[first].tenant, tenant) < 0)
        first++;
    part.rows += first;
    part.count = 0;
    while (first + part.count < all->count && str_eq(part.rows[part.count].tenant, tenant))
        part.count++;
    return part;
}

struct listing {
    struct usage *usage;
    struct json_out *json;
};

static int add_each(void *ctx, const void *row, struct err *err)
{
    const struct listing *listing = ctx;
    const struct tenant_row *tenant = row;
    struct usage part = part_of(listing->usage, tenant->id);

    (void)err;
    add_tenant(&part, tenant, listing->json);
    return 0;
}

static int add_all(struct usage *usage, struct json_out *json, struct err *err)
{
    struct listing listing = {usage, json};
    int rc = use_of(usage, STR(""), err);

    return rc < 0 ? rc
                  : store_each(usage->m->store, ROW_TENANT, &(struct row_filter){0}, add_each,
                               &listing, err);
}

static int add_usage(struct manage *m, struct str tenant, struct str month, struct buf *out,
                     struct err *err)
{
    struct json_out json = {.buf = out};
    struct month read;
    struct usage usage = {.m = m, .month = &read};
    struct str *tenants = NULL;
    size_t count = 0;
    int rc = manage_gate(m, err);

    if (rc == 0)
        rc = read_month(month, m->now_ms, &read, err);
    if (rc == 0)
        rc = manage_tenants(m, tenant, &tenants, &count, err);
    if (rc != 0)
        return rc;
    json_open(&json, '{');
    out_string(&json, "month", str_from(read.text));
    json_name(&json, STR("tenants"));
    json_open(&json, '[');
    rc = count > 0 ? add_named(&usage, tenants, count, &json, err) : add_all(&usage, &json, err);
    json_close(&json, ']');
    json_close(&json, '}');
    return rc;
}

int manage_usage(struct manage *m, struct str tenant, struct str month, struct buf *out,
                 struct err *err)
{
    struct err why = {""};
    int rc = manage_end(m, add_usage(m, tenant, month, out, &why), &why);

    return rc == 0 ? 0 : err_set(err, rc, "%s", why.text);
}

/* -- the audit log ----------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct audit_row *x = a, *y = b;

    return (x->id < y->id) - (x->id > y->id);
}

/* The next `limit` of all these tenants, and one more if there is one. */
static int find_lines(struct manage *m, const struct str *tenants, size_t tenants_count,
                      int64_t before, size_t limit, struct audit_row **out, size_t *count,
                      struct err *err)
{
    static const struct str all = {"", 0};
    size_t sources = tenants_count > 0 ? tenants_count : 1;
    int rc = 0;

    *out = ARENA_NEW(m->arena, struct audit_row, sources * (limit + 1));
    *count = 0;
    for (size_t i = 0; rc >= 0 && i < sources; i++) {
        struct audit_row *rows = NULL;
        size_t found = 0;

        rc = store_page_audit(m->store, tenants_count > 0 ? tenants[i] : all, before, limit + 1,
                              m->arena, &rows, &found, err);
        for (size_t k = 0; rc >= 0 && k < found; k++)
            (*out)[(*count)++] = rows[k];
    }
    if (*count > 1)
        qsort(*out, *count, sizeof(**out), newest_first);
    return rc < 0 ? rc : 0;
}

static void add_line(const struct audit_row *row, struct json_out *json)
{
    json_open(json, '{');
    out_number(json, "id", row->id);
    out_instant(json, "at", row->at_ms);
    out_string(json, "actor", row->actor);
    out_string(json, "action", row->action);
    out_text(json, "target", row->target);
    out_text(json, "tenantId", row->tenant);
    json_close(json, '}');
}

static void add_lines(struct manage *m, const struct audit_row *rows, size_t count, size_t limit,
                      struct buf *out)
{
    struct json_out json = {.buf = out};
    bool more = count > limit;

    count = more ? limit : count;
    json_open(&json, '{');
    json_name(&json, STR("audit"));
    json_open(&json, '[');
    for (size_t i = 0; i < count; i++)
        add_line(&rows[i], &json);
    json_close(&json, ']');
    out_text(&json, "nextCursor",
             more ? arena_format(m->arena, "%lld", (long long)rows[count - 1].id) : STR(""));
    json_close(&json, '}');
}

static int add_audit(struct manage *m, const struct manage_query *query, struct buf *out,
                     struct err *err)
{
    size_t limit = manage_limit(query), tenants_count = 0, count = 0;
    struct audit_row *rows = NULL;
    struct str *tenants = NULL;
    int64_t before = 0;
    int rc = manage_gate(m, err);

    if (rc == 0 && query->cursor.len > 0 && (!str_to_i64(query->cursor, &before) || before < 1))
        rc = err_set(err, ERR_INVALID, "cursor: must be nextCursor of an answer");
    if (rc == 0)
        rc = manage_tenants(m, query->tenant, &tenants, &tenants_count, err);
    if (rc == 0)
        rc = find_lines(m, tenants, tenants_count, before, limit, &rows, &count, err);
    if (rc == 0)
        add_lines(m, rows, count, limit, out);
    return rc;
}

int manage_audit(struct manage *m, const struct manage_query *query, struct buf *out,
                 struct err *err)
{
    struct err why = {""};
    int rc = manage_end(m, add_audit(m, query, out, &why), &why);

    return rc == 0 ? 0 : err_set(err, rc, "%s", why.text);
}
