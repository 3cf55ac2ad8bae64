/* manage/people.h -- what the files about people share. */
#ifndef ABACUS_MANAGE_PEOPLE_H
#define ABACUS_MANAGE_PEOPLE_H

#include "manage/manage_internal.h"

struct memberships {
    struct membership *items;
    size_t count;
};

/* What cannot be read gives no rights either (caller_of_user()), and is none here. */
struct memberships memberships_of(const struct user_row *user, struct arena *arena);
/* Those in tenants that the caller manages, or (`managed` false) the others. */
struct memberships memberships_part(const struct manage *m, const struct memberships *all,
                                    bool managed, struct arena *arena);
/* Both, in their order. */
struct memberships memberships_joined(const struct memberships *a, const struct memberships *b,
                                      struct arena *arena);
/* As a row keeps them. */
struct str memberships_text(const struct memberships *list, struct arena *arena);
/* From what was sent into the change; the caller manages their tenants. */
int memberships_read(struct change *change, const struct json *value, struct err *err);

/* Nobody else has anything to do with this person. */
bool user_is_own(const struct manage *m, const struct user_row *user);

/* A line in the audit log of each tenant where somebody's membership is no longer what it was: a
 * person's own line names none. */
int memberships_note(struct manage *m, struct str user, struct str was, struct str now,
                     struct err *err);

#endif
