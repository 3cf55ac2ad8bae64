/*
 * manage/tenants.c -- tenants.
 *
 * The platform makes them, and decides on their status and limits. Who manages a whole tenant may
 * change its name, and who may show its dashboards in frames; of a PUT of theirs the rest stays.
 */
#include "manage/manage_internal.h"

enum { ORIGINS_MAX = 50 };
#define PER_SECOND_MAX INT64_C(1000000000)
#define PER_MONTH_MAX INT64_C(1000000000000)
#define COUNT_MAX INT64_C(1000000)

const struct manage_member tenant_members[] = {
    {.name = "id", .type = "string", .meaning = "Its id; never changes."},
    {.name = "name", .type = "string", .meaning = "What people call it; unless given, its id."},
    {.name = "status",
     .type = "string",
     .meaning = "active or suspended, for the platform to say; deleted: it is to be erased, until "
                "then active takes that back."},
    {.name = "limits.eventsPerSecond",
     .type = "integer",
     .meaning = "Events a second of all its sites; 0 is no limit."},
    {.name = "limits.eventsPerMonth",
     .type = "integer",
     .meaning = "Events a calendar month (UTC) of all its sites; 0 is no limit."},
    {.name = "limits.sites", .type = "integer", .meaning = "How many sites; 0 is no limit."},
    {.name = "limits.readsPerMinute",
     .type = "integer",
     .meaning = "Requests a minute that read; unless set, 600; 0 is no limit."},
    {.name = "embedOrigins",
     .type = "array",
     .meaning = "Whose pages may show its dashboards in frames: https://app.example.com."},
    {.name = "createdAt", .type = "string", .meaning = "When it was made.", .read_only = true},
    {.name = "eraseAt",
     .type = "string",
     .meaning = "When it is to be erased; null: it is not.",
     .read_only = true},
    {.name = NULL},
};

static const struct limit {
    const char *name;
    size_t offset;
    int64_t fallback, most;
} limits[] = {
    {"limits.eventsPerSecond", offsetof(struct tenant_row, events_per_second), 0, PER_SECOND_MAX},
    {"limits.eventsPerMonth", offsetof(struct tenant_row, events_per_month), 0, PER_MONTH_MAX},
    {"limits.sites", offsetof(struct tenant_row, sites_max), 0, COUNT_MAX},
    {"limits.readsPerMinute", offsetof(struct tenant_row, reads_per_minute), READS_PER_MINUTE,
     COUNT_MAX},
};
enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

static int64_t limit_of(const struct tenant_row *row, size_t i)
{
    const void *at = (const char *)row + limits[i].offset;

    return *(const int64_t *)at;
}

int tenant_reach(struct manage *m, const void *row, struct err *err)
{
    return manage_may_tenant(m, ((const struct tenant_row *)row)->id, err);
}

/* -- to JSON ----------------------------------------------------------------------------------- */

static struct str status_of(const struct tenant_row *tenant)
{
    if (tenant->erase_ms > 0)
        return STR("deleted");
    return tenant->active ? STR("active") : STR("suspended");
}

int tenant_add(struct manage *m, const void *row, struct json_out *json, struct err *err)
{
    const struct tenant_row *tenant = row;

    (void)m;
    (void)err;
    out_string(json, "id", tenant->id);
    out_string(json, "name", tenant->name);
    out_string(json, "status", status_of(tenant));
    json_name(json, STR("limits"));
    json_open(json, '{');
    for (size_t i = 0; i < LIMITS; i++)
        out_number(json, limits[i].name + strlen("limits."), limit_of(tenant, i));
    json_close(json, '}');
    out_raw(json, "embedOrigins",
            tenant->embed_origins.len > 0 ? tenant->embed_origins : STR("[]"));
    out_instant(json, "createdAt", tenant->created_ms);
    out_instant(json, "eraseAt", tenant->erase_ms);
    return 0;
}

/* -- making and changing ----------------------------------------------------------------------- */

/* What an origin is, the store says. */
static int read_origins(const struct change *change, struct str *out, struct arena *arena,
                        struct err *err)
{
    const struct json *list;
    enum body_use use = body_use(change, "embedOrigins", &list);
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    if (use != BODY_GIVEN) {
        *out = use == BODY_DEFAULT ? STR("") : *out;
        return 0;
    }
    if (list->count > ORIGINS_MAX)
        return err_set(err, ERR_INVALID, "embedOrigins: must be at most %d", ORIGINS_MAX);
    json_value(&json, list);
    *out = list->count > 0 ? arena_str(arena, buf_str(&text)) : STR("");
    buf_release(&text);
    return 0;
}

static int read_limits(const struct change *change, struct tenant_row *row, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < LIMITS; i++) {
        void *at = (char *)row + limits[i].offset;

        rc = body_number(change, limits[i].name, limits[i].fallback, 0, limits[i].most, at, err);
    }
    return rc;
}

/* What is to be erased has its status from that. */
static int read_status(const struct change *change, struct tenant_row *row, struct err *err)
{
    const struct json *value;
    enum body_use use = body_use(change, "status", &value);
    struct str status = use == BODY_GIVEN ? value->text : STR("active");

    if (use == BODY_KEEP || row->erase_ms > 0)
        return 0;
    if (!str_eq(status, STR("active")) && !str_eq(status, STR("suspended")))
        return err_set(err, ERR_INVALID, "status: must be active or suspended");
    row->active = str_eq(status, STR("active"));
    return 0;
}

/* Who manages one tenant may repeat what the platform decides, and not change it. */
static int repeats(const struct change *change, const struct tenant_row *row, struct err *err)
{
    struct change sent = *change;
    struct tenant_row as_sent = *row;

    const struct json *status;

    sent.how = MANAGE_PATCH;
    if (body_use(&sent, "status", &status) == BODY_GIVEN && !str_eq(status->text, status_of(row)))
        return err_set(err, ERR_DENIED, "status: is for the platform to change");
    int rc = read_limits(&sent, &as_sent, err);

    for (size_t i = 0; rc == 0 && i < LIMITS; i++)
        if (limit_of(row, i) != limit_of(&as_sent, i))
            rc = err_set(err, ERR_DENIED, "%s: is for the platform to change", limits[i].name);
    return rc;
}

static int apply_platform(struct change *change, struct tenant_row *row, struct err *err)
{
    int rc = erasure_status(change, row->id, STR(""), row->created_ms, &row->erase_ms, err);

    if (rc == 0)
        rc = read_status(change, row, err);
    return rc == 0 ? read_limits(change, row, err) : rc;
}

int tenant_apply(struct change *change, void *row, struct arena *arena, struct err *err)
{
    struct tenant_row *tenant = row;
    int rc = 0;

    if (!change->exists && !manage_is_platform(change->m)) {
        rc = manage_may_tenant(change->m, change->id, err);
        return rc != 0 ? rc : manage_no_such("tenant", err);
    }
    if (!change->exists) {
        tenant->created_ms = change->m->now_ms;
        tenant->name = change->id;
    }
    rc = body_fixed_instant(change, "createdAt", tenant->created_ms, err);
    if (rc == 0)
        rc = body_fixed_instant(change, "eraseAt", tenant->erase_ms, err);
    if (rc == 0)
        rc = manage_is_platform(change->m) ? apply_platform(change, tenant, err)
                                           : repeats(change, tenant, err);
    if (rc == 0)
        rc = body_text(change, "name", change->id, 1, NAME_MAX_BYTES, &tenant->name, err);
    if (rc == 0)
        rc = read_origins(change, &tenant->embed_origins, arena, err);
    return rc == 0 ? EDIT_PUT : rc;
}
