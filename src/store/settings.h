/* store/settings.h -- one setting of a row of a site (settings.c), for what reads many (layers.c).
 */
#ifndef ABACUS_STORE_SETTINGS_H
#define ABACUS_STORE_SETTINGS_H

#include "store/store_backend.h"

/* The first of site_members is behind whose site it is; `pinned` is none. */
enum { FIRST_SETTING = 2 };

struct site_setting setting_of(const struct row_member *member);
/* NULL and ERR_NOTFOUND's text: there is none of that name, or it never changes. */
const struct row_member *setting_member(struct str name, struct err *err);
/* From text as the type has it, without a look at the items of lists. */
int setting_put_text(struct site_row *row, const struct row_member *member, struct str text,
                     struct err *err);
int setting_put_default(struct site_row *row, const struct row_member *member, struct err *err);
bool setting_is_default(const struct site_row *row, const struct row_member *member);
/* Whether a tenant or the installation could say otherwise. */
bool setting_is_layered(const struct row_member *member);
/* One bit for each of site_members that is pinned. */
uint64_t settings_pinned(const struct site_row *row, struct arena *arena);
/* Pin what was put, where that takes a pin, or (`own` is false) take its pin away. */
void setting_pin(struct site_row *row, const struct row_member *member, bool own,
                 struct arena *arena);

#endif
