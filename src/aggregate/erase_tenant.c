/*
 * aggregate/erase_tenant.c -- the rest of a tenant whose sites are gone: links, tokens, people's
 * memberships, itself.
 */
#include "access/caller.h"
#include "aggregate/aggregate_internal.h"
#include "base/json.h"

enum { PAGE_ROWS = 500 };

/* -- what has become of it --------------------------------------------------------------------- */

/* One that is open was made again since; or it is about to be shut. */
enum verdict erase_judge_open(const struct erasing *erasing, int64_t created_ms)
{
    return created_ms >= erasing->asked_ms ? NOTHING_TO_ERASE : LEAVE_IT;
}

int erase_judge_tenant(struct run *run, const struct erasing *erasing, enum verdict *out,
                       struct err *err)
{
    struct arena arena = {0};
    struct tenant_row row;
    int rc = store_get(run->store, ROW_TENANT, erasing->tenant, &arena, &row, err);

    *out = rc <= 0             ? NOTHING_TO_ERASE
           : row.erase_ms != 0 ? ERASE_IT
                               : erase_judge_open(erasing, row.created_ms);
    arena_free(&arena);
    return rc < 0 ? rc : 0;
}

/* -- its rows ---------------------------------------------------------------------------------- */

/* edit_fn */
static int remove_row(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)arena;
    (void)err;
    return exists ? EDIT_REMOVE : EDIT_KEEP;
}

struct leaving {
    struct str tenant;
    bool gone; /* the person is in no tenant any more */
};

/* edit_fn: out of the tenant; who is in no other and is no admin is nobody. */
static int leave_tenant(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct leaving *leaving = ctx;
    struct user_row *user = row;
    struct membership *memberships = NULL;
    size_t count = 0, kept = 0;

    leaving->gone = false;
    if (!exists)
        return EDIT_KEEP;
    int rc = memberships_parse(user->memberships, arena, &memberships, &count, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (!str_eq(memberships[i].tenant, leaving->tenant))
            memberships[kept++] = memberships[i];
    leaving->gone = kept == 0 && !user->admin;
    if (leaving->gone)
        return EDIT_REMOVE;
    struct buf text = {0};
    struct json_out json = {.buf = &text};

    memberships_json(memberships, kept, &json);
    user->memberships = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return EDIT_PUT;
}

static int remove_one(struct run *run, struct erasing *erasing, enum row_kind kind, struct str id,
                      struct err *err)
{
    const struct actor actor = erase_actor(erasing);
    struct leaving leaving = {.tenant = erasing->tenant};
    bool person = kind == ROW_USER;
    int rc =
        store_edit(run->store, kind, id, person ? leave_tenant : remove_row, &leaving, &actor, err);

    if (rc == 1 && leaving.gone) {
        int ended = store_end_sessions(run->store, id, -1, STR(""), err);

        rc = ended < 0 ? ended : rc;
    }
    return rc;
}

/* All rows of a kind that are the tenant's. A page is read from the beginning each time, for what
 * was there is gone. */
static int remove_all(struct run *run, struct erasing *erasing, enum row_kind kind,
                      const char *table, struct err *err)
{
    const struct row_filter filter = {.tenant = erasing->tenant};
    struct arena arena = {0};
    size_t count = 1;
    int rc = 0;

    while (rc >= 0 && count > 0) {
        void *page = NULL;

        rc = store_page(run->store, kind, &filter, STR(""), PAGE_ROWS, &arena, &page, &count, err);
        const char *row = page;

        for (size_t i = 0; rc >= 0 && i < count; i++, row += row_size(kind)) {
            struct str id;

            memcpy(&id, row, sizeof(id)); /* a row of any kind begins with it */
            rc = remove_one(run, erasing, kind, id, err);
            erase_count(erasing, table, rc == 1);
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
    return rc < 0 ? rc : 0;
}

int erase_tenant(struct run *run, struct erasing *erasing, bool *done, struct err *err)
{
    static const struct {
        enum row_kind kind;
        const char *table;
    } kinds[] = {{ROW_LINK, "links"}, {ROW_TOKEN, "tokens"}, {ROW_USER, "users"}};
    enum verdict verdict = LEAVE_IT;
    int rc = erase_judge_tenant(run, erasing, &verdict, err);

    *done = rc == 0 && verdict == NOTHING_TO_ERASE;
    if (rc != 0 || verdict != ERASE_IT)
        return rc;
    for (size_t i = 0; rc == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        rc = remove_all(run, erasing, kinds[i].kind, kinds[i].table, err);
    if (rc == 0)
        rc = remove_one(run, erasing, ROW_TENANT, erasing->tenant, err);
    /* A site that was made in this moment is the next run's. */
    if (rc == ERR_CONFLICT)
        return 0;
    erase_count(erasing, "tenants", rc == 1);
    *done = rc >= 0;
    return rc < 0 ? rc : 0;
}
