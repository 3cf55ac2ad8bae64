/*
 * cli/copy_command.c -- what the commands about copies do: write one, or read one into the
 * database.
 */
#include "cli/copy.h"
#include "cli/output.h"

#include <errno.h>

static int failed(const char *path, struct err *err)
{
    return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
}

/* -- out --------------------------------------------------------------------------------------- */

int copy_out_command(const struct invocation *in, const char *name, struct err *err)
{
    const struct copy_args *args = in->args;
    struct store *store = NULL;
    struct output out = {0};
    struct copy copy;
    if (args->json && output_is_stdout(args->file)) {
        return err_set(err, ERR_INVALID, "%s: --json needs --output FILE: stdout takes the copy",
                       name);
    }
    int rc = settings_open_store(in->settings, true, in->arena, &store, err);
    if (rc == 0) {
        rc = output_open(in, args->file, &out, err);
        if (rc == 0) {
            rc = copy_write(in, store, out.file, &copy, err);
        }
        rc = output_close(in, &out, rc, err);
    }
    store_close(&store);
    if (rc != 0) {
        return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "%s", name);
    }
    if (!output_is_stdout(args->file)) {
        copy_report(in, &copy, args->json);
    }
    return 0;
}

/* -- in ---------------------------------------------------------------------------------------- */

static int load(const struct invocation *in, FILE *file, enum copy_mode mode, struct copy *copy,
                struct err *err)
{
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc == 0) {
        rc = copy_load(in, store, file, mode, copy, err);
    }
    store_close(&store);
    return rc;
}

int copy_in_command(const struct invocation *in, const char *name, enum copy_mode mode,
                    const char *hint, struct err *err)
{
    const struct copy_args *args = in->args;
    const char *path = arena_str(in->arena, args->file).ptr;
    FILE *file = str_eq(args->file, STR("-")) ? stdin : fopen(path, "re");
    struct copy copy = {0};
    struct err why = {""};
    int rc = file == NULL ? failed(path, &why) : load(in, file, mode, &copy, &why);
    if (file != NULL && file != stdin) {
        (void)fclose(file);
    }
    if (rc != 0) {
        /* Whatever it is, the command line was not what was wrong. */
        return err_set(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "%s: %s%s", name, why.text,
                       copy.occupied ? hint : "");
    }
    copy_report(in, &copy, args->json);
    return 0;
}
