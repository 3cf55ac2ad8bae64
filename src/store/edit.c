/*
 * store/edit.c -- what an edit makes of a row, and what is said of it: the same for every backend.
 *
 * A backend reads the row in its transaction, asks row_edit() what becomes of it, and does that.
 */
#include "store/store_backend.h"

#include <assert.h>
#include <stdio.h>

/* -- sentences --------------------------------------------------------------------------------- */

int err_no_row(enum row_kind kind, struct str id, struct err *err)
{
    return err_set(err, ERR_NOTFOUND, "no such %s: %.*s", row_name(kind), STR_FMT(id));
}

int err_taken(enum row_kind kind, struct str id, struct err *err)
{
    const char *taken = row_types[kind].taken;

    return err_set(err, ERR_CONFLICT, "%s %.*s: %s", row_name(kind), STR_FMT(id),
                   taken == NULL ? "its id is taken" : taken);
}

int err_has_sites(struct str tenant, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "tenant %.*s has sites", STR_FMT(tenant));
}

int err_was_anothers(struct str site, struct err *err)
{
    return err_set(err, ERR_CONFLICT,
                   "site %.*s was another tenant's, and its numbers are still kept", STR_FMT(site));
}

struct row_action row_action(enum row_kind kind, bool exists, int answer)
{
    struct row_action action;
    const char *what = answer == EDIT_REMOVE ? "remove" : exists ? "set" : "put";

    (void)snprintf(action.text, sizeof(action.text), "%s.%s", row_name(kind), what);
    return action;
}

/* -- the edit ---------------------------------------------------------------------------------- */

/* The id stays even where there was no row: it is the one that was asked for. */
static int check_fixed(enum row_kind kind, bool exists, const void *before, const void *row,
                       struct err *err)
{
    const struct row_type *type = &row_types[kind];

    for (size_t i = 0; i < (exists ? type->count : 1); i++) {
        const struct row_member *member = &type->members[i];

        if (member->use == USE_FIXED && !member_equal(member, before, row))
            return err_set(err, ERR_CONFLICT, "%s %.*s: %s never changes", type->name,
                           STR_FMT(row_id(before)), member->name);
    }
    return 0;
}

static void keep_made(enum row_kind kind, bool exists, const void *before, void *row,
                      int64_t now_ms)
{
    const struct row_type *type = &row_types[kind];

    for (size_t i = 0; i < type->count; i++) {
        const struct row_member *member = &type->members[i];

        if (member->use != USE_MADE)
            continue;
        if (exists)
            row_set_number(member, row, row_number(member, before));
        else if (row_number(member, row) == 0)
            row_set_number(member, row, now_ms);
    }
}

int row_edit(enum row_kind kind, bool exists, void *row, void *before, edit_fn *edit, void *ctx,
             const struct actor *actor, struct arena *arena, struct err *err)
{
    memcpy(before, row, row_size(kind));
    int answer = edit(ctx, exists, row, arena, err);

    if (answer <= 0 || answer == EDIT_REMOVE)
        return answer == EDIT_REMOVE && !exists ? EDIT_KEEP : answer;
    assert(answer == EDIT_PUT || (answer == EDIT_PUT_WITH_TENANT && kind == ROW_SITE));
    keep_made(kind, exists, before, row, actor->now_ms);
    int rc = row_check(kind, row, err);

    if (rc == 0)
        rc = check_fixed(kind, exists, before, row, err);
    if (rc != 0)
        return rc;
    return exists && row_equal(kind, before, row) ? EDIT_KEEP : answer;
}
