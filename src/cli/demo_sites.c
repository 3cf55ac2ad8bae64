/* cli/demo_sites.c -- whose the demo's tenant and sites are, and making them. */
#include "cli/demo.h"
#include "cli/managed.h"

/* -- what is there ----------------------------------------------------------------------------- */

static int not_ours(const char *kind, struct str id, const char *why, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "%s %.*s %s: the demo is not put there", kind, STR_FMT(id),
                   why);
}

/* `site add` names a tenant that it makes like its id. */
static int check_tenant(struct store *store, struct arena *arena, struct err *err)
{
    struct tenant_row row;
    int rc = store_get(store, ROW_TENANT, DEMO_TENANT, arena, &row, err);

    if (rc <= 0)
        return rc;
    if (row.erase_ms != 0)
        return not_ours("tenant", row.id, "is to be erased", err);
    if (!str_eq(row.name, DEMO_TENANT_NAME) && !str_eq(row.name, row.id))
        return not_ours("tenant", row.id, "is somebody's (it has another name)", err);
    return 0;
}

static int check_numbers(struct store *store, struct arena *arena, struct demo_stream *stream,
                         struct err *err)
{
    int64_t first_ms = 0, last_ms = 0;
    int rc = demo_stream_find(store, arena, stream, err);

    if (rc == 0 && stream->counted == 0)
        rc = store_site_span(store, DEMO_TENANT, stream->site->id, &first_ms, &last_ms, err);
    if (rc == 0 && first_ms != 0)
        rc =
            not_ours("site", stream->site->id,
                     "has numbers that are not this demo's (abacus site rm --now removes it)", err);
    return rc;
}

static int find_site(struct store *store, struct arena *arena, struct demo_stream *stream,
                     struct err *err)
{
    struct site_row row;
    int rc = store_get(store, ROW_SITE, stream->site->id, arena, &row, err);

    if (rc <= 0)
        return rc;
    if (!str_eq(row.tenant, DEMO_TENANT) || !str_eq(row.domain, stream->site->domain))
        return not_ours("site", row.id, "is somebody's (it has another tenant or domain)", err);
    if (row.erase_ms != 0)
        return not_ours("site", row.id, "is to be erased", err);
    stream->made_ms = row.created_ms;
    return check_numbers(store, arena, stream, err);
}

int demo_find(struct store *store, struct arena *arena, struct demo_stream streams[DEMO_SITES],
              struct err *err)
{
    int rc = check_tenant(store, arena, err);

    for (size_t i = 0; i < DEMO_SITES; i++)
        streams[i] = (struct demo_stream){.site = &demo_sites[i]};
    for (size_t i = 0; rc == 0 && i < DEMO_SITES; i++)
        rc = tz_load(streams[i].site->timezone, &streams[i].tz, err);
    for (size_t i = 0; rc == 0 && i < DEMO_SITES; i++)
        rc = find_site(store, arena, &streams[i], err);
    return rc;
}

void demo_release(struct demo_stream streams[DEMO_SITES])
{
    for (size_t i = 0; i < DEMO_SITES; i++)
        tz_free(&streams[i].tz);
}

/* -- making ------------------------------------------------------------------------------------ */

/* The name tells everybody who sees it. */
static int make_tenant(const struct invocation *in, struct err *err)
{
    struct managed managed;
    int rc = managed_open(&managed, in, true, err);

    managed_text(&managed, "name", DEMO_TENANT_NAME);
    if (rc == 0)
        rc = managed_put(&managed, MANAGE_TENANTS, DEMO_TENANT, MANAGE_PATCH, err);
    if (rc == ERR_NOTFOUND) {
        (void)managed_close(&managed, 0);
        rc = managed_open(&managed, in, true, err);
        managed_text(&managed, "name", DEMO_TENANT_NAME);
        if (rc == 0)
            rc = managed_put(&managed, MANAGE_TENANTS, DEMO_TENANT, MANAGE_ADD, err);
    }
    return managed_close(&managed, rc);
}

static int make_site(const struct invocation *in, struct demo_stream *stream, struct err *err)
{
    const struct demo_site *site = stream->site;
    struct buf goals = {0};
    struct managed managed;
    struct site_row row = {0};
    int rc = managed_open(&managed, in, true, err);

    buf_addf(&goals, "goals=%.*s", STR_FMT(site->goals));
    struct str change = buf_str(&goals);

    managed_text(&managed, "tenantId", DEMO_TENANT);
    managed_text(&managed, "domain", site->domain);
    managed_text(&managed, "timezone", site->timezone);
    if (rc == 0)
        rc = managed_assign(&managed, manage_members(MANAGE_SITES),
                            &(const struct text_list){&change, 1}, err);
    if (rc == 0)
        rc = managed_put(&managed, MANAGE_SITES, site->id, MANAGE_ADD, err);
    if (rc == 0)
        rc = store_get(managed.store, ROW_SITE, site->id, in->arena, &row, err);
    if (rc == 1)
        stream->made_ms = row.created_ms;
    buf_release(&goals);
    return managed_close(&managed, rc < 0 ? rc : 0);
}

int demo_make(const struct invocation *in, struct demo_stream streams[DEMO_SITES], struct err *err)
{
    int rc = make_tenant(in, err);

    for (size_t i = 0; rc == 0 && i < DEMO_SITES; i++)
        if (streams[i].made_ms == 0)
            rc = make_site(in, &streams[i], err);
    return rc;
}

/* -- notes ------------------------------------------------------------------------------------- */

static int note_day(const struct invocation *in, struct str site, const struct demo_note *note,
                    struct err *err)
{
    struct managed managed;
    enum manage_done done;
    const struct json *body = NULL;
    int rc = managed_open(&managed, in, true, err);

    managed_text(&managed, "text", note->text);
    if (rc == 0)
        rc = managed_body(&managed, &body, err);
    if (rc == 0)
        rc = manage_annotation_put(&managed.manage, site, note->day, body, &done, &managed.answer,
                                   err);
    return managed_close(&managed, rc);
}

int demo_note_days(const struct invocation *in, const struct demo_stream *stream, int32_t today,
                   struct err *err)
{
    struct demo_note notes[DEMO_NOTES_MAX];
    size_t count = demo_notes(stream->site, stream->told, notes);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++)
        if (notes[i].day >= stream->first && notes[i].day <= today)
            rc = note_day(in, stream->site->id, &notes[i], err);
    return rc;
}
