/*
 * cli/secret.h -- a password from a person, or from a pipe.
 *
 * On a terminal it is asked for twice and not shown; else it is the first line of stdin. It is
 * never an argument, which everybody on the machine could read.
 */
#ifndef ABACUS_CLI_SECRET_H
#define ABACUS_CLI_SECRET_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* ERR_INVALID: there was none, or the two differ. */
int secret_read(const char *prompt, struct arena *arena, struct str *out, struct err *err);

#endif
