/*
 * cli/site.h -- what the commands about sites share.
 */
#ifndef ABACUS_CLI_SITE_H
#define ABACUS_CLI_SITE_H

#include "cli/command.h"

/* A JSON array of `first`, unless it is empty, and the texts. */
struct str site_json_list(const struct text_list *list, struct str first, struct arena *arena);

/* The row as an object: its settings, and when it was made. */
void site_json(const struct site_row *row, struct json_out *json);

/* NULL: there is none of that id. */
const struct site_row *site_find(const struct directory_rows *rows, struct str id);

#endif
