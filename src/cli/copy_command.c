/*
 * cli/copy_command.c -- the files that copies are written to and read from.
 *
 * A copy is as secret as the database: its file is readable by its owner only. It is written aside
 * and takes its name when it is complete and on the disk, so that a file of that name is always a
 * whole copy. What is no plain file (a pipe, a device) is written to as it is.
 */
#include "cli/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *text_of(struct arena *arena, struct str s, const char *suffix)
{
    struct buf text = {0};
    buf_addf(&text, "%.*s%s", STR_FMT(s), suffix);
    const char *copy = arena_str(arena, buf_str(&text)).ptr;
    buf_release(&text);
    return copy;
}

static bool is_dash(struct str file)
{
    return str_eq(file, STR("-"));
}

static int failed(const char *path, struct err *err)
{
    return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
}

/* -- out --------------------------------------------------------------------------------------- */

struct output {
    FILE *file;
    const char *path;  /* NULL: stdout */
    const char *aside; /* what is written; NULL: the path itself */
};

static int open_output(const struct invocation *in, struct str name, struct output *out,
                       struct err *err)
{
    struct stat st;
    *out = (struct output){.file = stdout};
    if (is_dash(name)) {
        return 0;
    }
    out->path = text_of(in->arena, name, "");
    int flags = O_WRONLY | O_CLOEXEC;
    if (stat(out->path, &st) != 0 || S_ISREG(st.st_mode)) {
        out->aside = text_of(in->arena, name, ".part");
        flags |= O_CREAT | O_EXCL;
        (void)unlink(out->aside);
    }
    const char *path = out->aside != NULL ? out->aside : out->path;
    int fd = open(path, flags, 0600);
    out->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (out->file != NULL) {
        return 0;
    }
    int rc = failed(path, err);
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

/* The new name is to survive a power cut too. */
static int sync_directory(const struct invocation *in, const char *path, struct err *err)
{
    char *copy = ARENA_NEW(in->arena, char, strlen(path) + 1);
    memcpy(copy, path, strlen(path));
    const char *directory = dirname(copy);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0 ? 0 : failed(directory, err);
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

static int close_output(const struct invocation *in, struct output *out, int rc, struct err *err)
{
    if (out->path == NULL || out->file == NULL) {
        return rc;
    }
    if (rc == 0 && out->aside != NULL && fsync(fileno(out->file)) != 0) {
        rc = failed(out->aside, err);
    }
    if (fclose(out->file) != 0 && rc == 0) {
        rc = failed(out->path, err);
    }
    if (out->aside == NULL) {
        return rc;
    }
    if (rc == 0 && rename(out->aside, out->path) != 0) {
        rc = failed(out->path, err);
    }
    if (rc != 0) {
        (void)unlink(out->aside);
        return rc;
    }
    return sync_directory(in, out->path, err);
}

int copy_out_command(const struct invocation *in, const char *name, struct err *err)
{
    const struct copy_args *args = in->args;
    struct store *store = NULL;
    struct output out = {0};
    struct copy copy;
    if (args->json && is_dash(args->file)) {
        return err_set(err, ERR_INVALID, "%s: --json needs --output FILE: stdout takes the copy",
                       name);
    }
    int rc = settings_open_store(in->settings, true, in->arena, &store, err);
    if (rc == 0) {
        rc = open_output(in, args->file, &out, err);
        if (rc == 0) {
            rc = copy_write(in, store, out.file, &copy, err);
        }
        rc = close_output(in, &out, rc, err);
    }
    store_close(&store);
    if (rc != 0) {
        return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "%s", name);
    }
    if (!is_dash(args->file)) {
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
    const char *path = text_of(in->arena, args->file, "");
    FILE *file = is_dash(args->file) ? stdin : fopen(path, "re");
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
