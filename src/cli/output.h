/*
 * cli/output.h -- where a copy or an export goes: stdout, or a file.
 *
 * What is written is as secret as the database: its file is readable by its owner only. It is
 * written aside and takes its name when it is complete and on the disk, so that a file of that name
 * is always whole. What is no plain file (a pipe, a device) is written to as it is.
 */
#ifndef ABACUS_CLI_OUTPUT_H
#define ABACUS_CLI_OUTPUT_H

#include "cli/command.h"

#include <stdio.h>

struct output {
    FILE *file;
    const char *path;  /* NULL: stdout */
    const char *aside; /* what is written; NULL: the path itself */
};

/* "-" */
bool output_is_stdout(struct str name);

/* ERR_CONFLICT: it is being written by somebody else. */
int output_open(const struct invocation *in, struct str name, struct output *out, struct err *err);
/* With rc 0 the file takes its name, else it goes. Returns rc, or what went wrong now. To be called
 * also where output_open() failed. */
int output_close(const struct invocation *in, struct output *out, int rc, struct err *err);

#endif
