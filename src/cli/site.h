/*
 * cli/site.h -- what the commands about sites share.
 */
#ifndef ABACUS_CLI_SITE_H
#define ABACUS_CLI_SITE_H

#include "cli/command.h"

/* The row as an object: what the site sets itself, and when it was made. */
void site_json(const struct site_row *row, struct json_out *json);

/* NULL: there is none of that id. */
const struct site_row *site_find(const struct directory_rows *rows, struct str id);
/* The site with what its tenant and the installation set for it. */
struct site_row site_holds(const struct directory_rows *rows, const struct site_row *site,
                           struct arena *arena);

#endif
