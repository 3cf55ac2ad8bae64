/*
 * cli/export.h -- `abacus export`: everything as a copy (copy.h), or what is known of a site or a
 * tenant as rows (api/export.h).
 */
#ifndef ABACUS_CLI_EXPORT_H
#define ABACUS_CLI_EXPORT_H

#include "cli/copy.h"

struct export_args {
    struct copy_args copy; /* --all, --output, --json */
    struct str site, tenant;
    struct str rows, format, period, from, to; /* empty: the default */
    struct text_list filters;
};

/* Rows of the site, or of all sites of the tenant (export_rows.c). */
int export_rows_command(const struct invocation *in, const struct export_args *args,
                        struct err *err);

#endif
