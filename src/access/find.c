/*
 * access/find.c -- a person of whom something else is known than the address.
 *
 * Pages through all people, a few thousand at most. It is for what is asked seldom: whether there
 * is an admin, and who somebody is whose address in Payload is another one.
 */
#include "access/people_internal.h"

#include "base/buf.h"

enum { PAGE = 500 };

/* The first of a page; NULL: none. */
static const struct user_row *first_of(const struct user_row *users, size_t count, person_is *is,
                                       const void *ctx)
{
    for (size_t i = 0; i < count; i++)
        if (is(ctx, &users[i]))
            return &users[i];
    return NULL;
}

int person_find(struct store *store, person_is *is, const void *ctx, struct arena *arena,
                struct user_row *out, struct err *err)
{
    const struct row_filter everybody = {0};
    const struct user_row *found = NULL;
    struct arena page = {0};
    struct buf after = {0};
    size_t count = PAGE;
    int rc = 0;

    while (rc == 0 && found == NULL && count == PAGE) {
        void *rows = NULL;

        arena_reset(&page);
        rc = store_page(store, ROW_USER, &everybody, buf_str(&after), PAGE, &page, &rows, &count,
                        err);
        const struct user_row *users = rows;

        found = rc == 0 ? first_of(users, count, is, ctx) : NULL;
        buf_reset(&after);
        if (rc == 0 && count > 0)
            buf_add(&after, users[count - 1].id);
    }
    if (found != NULL)
        rc = store_get(store, ROW_USER, found->id, arena, out, err);
    buf_release(&after);
    arena_free(&page);
    return rc;
}
