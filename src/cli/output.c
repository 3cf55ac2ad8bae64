/*
 * cli/output.c -- the files that copies and exports are written to (output.h).
 *
 * What is written aside is locked by who writes it; what a run left that was killed is written
 * over.
 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_is_stdout(struct str name)
{
    return str_eq(name, STR("-"));
}

static const char *text_of(struct arena *arena, struct str s, const char *suffix)
{
    struct buf text = {0};
    buf_addf(&text, "%.*s%s", STR_FMT(s), suffix);
    const char *copy = arena_str(arena, buf_str(&text)).ptr;
    buf_release(&text);
    return copy;
}

static int failed(const char *path, struct err *err)
{
    return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
}

/* One at a time writes a copy of this name: who holds the lock on the file aside, and it still has
 * that name, may fill it. What a run left that was killed is written over. */
static int open_aside(const char *path, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat mine, there;
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = 0;
    if (fd < 0) {
        return failed(path, err);
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0 || stat(path, &there) != 0) {
        rc = err_set(err, ERR_CONFLICT, "%s: another copy is being written", path);
    } else if (fstat(fd, &mine) != 0 || fchmod(fd, 0600) != 0 || ftruncate(fd, 0) != 0) {
        rc = failed(path, err);
    } else if (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev) {
        rc = err_set(err, ERR_CONFLICT, "%s: another copy was just written", path);
    }
    if (rc == 0) {
        return fd;
    }
    (void)close(fd);
    return rc;
}

int output_open(const struct invocation *in, struct str name, struct output *out, struct err *err)
{
    struct stat st;
    *out = (struct output){.file = stdout};
    if (output_is_stdout(name)) {
        return 0;
    }
    out->path = text_of(in->arena, name, "");
    int fd = -1, rc = 0;
    if (stat(out->path, &st) != 0 || S_ISREG(st.st_mode)) {
        out->aside = text_of(in->arena, name, ".part");
        fd = open_aside(out->aside, err);
        rc = fd < 0 ? fd : 0;
    } else if ((fd = open(out->path, O_WRONLY | O_CLOEXEC)) < 0) {
        rc = failed(out->path, err);
    }
    if (rc == 0 && (out->file = fdopen(fd, "w")) == NULL) {
        rc = failed(out->path, err);
        (void)close(fd);
    }
    if (rc != 0) {
        out->file = NULL;
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

int output_close(const struct invocation *in, struct output *out, int rc, struct err *err)
{
    if (out->path == NULL || out->file == NULL) {
        return rc;
    }
    if (rc == 0 &&
        (fflush(out->file) != 0 || (out->aside != NULL && fsync(fileno(out->file)) != 0))) {
        rc = failed(out->path, err);
    }
    /* The lock is held until the name is given or gone. */
    if (rc == 0 && out->aside != NULL && rename(out->aside, out->path) != 0) {
        rc = failed(out->path, err);
    }
    if (rc != 0 && out->aside != NULL) {
        (void)unlink(out->aside);
    }
    if (fclose(out->file) != 0 && rc == 0) {
        rc = failed(out->path, err);
    }
    return rc == 0 && out->aside != NULL ? sync_directory(in, out->path, err) : rc;
}
