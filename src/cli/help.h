/*
 * cli/help.h -- help and the reference, made from the tables.
 */
#ifndef ABACUS_CLI_HELP_H
#define ABACUS_CLI_HELP_H

#include "cli/command.h"

/* All commands, one line each. */
void help_overview(struct buf *out);

/* Everything about the commands called `name`, or whose names begin with it and a space. False:
 * there are none. */
bool help_command(struct str name, struct buf *out);

/* doc/REFERENCE.md. */
void help_markdown(struct buf *out);

#endif
