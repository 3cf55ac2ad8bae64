/*
 * scripts.c -- scripts of other versions, in the data directory.
 *
 *     DATA_DIR/scripts/analytics[.WORD].HASH.js
 *
 * WORD is lower-case letters; HASH is the first 16 hexadecimal digits of the SHA-256 of the bytes,
 * and a file whose bytes say otherwise is not given out. Nothing but regular files with such names
 * is read. A copy is written aside (".NAME") and renamed; it is not flushed, since one that a crash
 * has cut short does not fit its name and is written again.
 */
#include "api/scripts.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/must.h"
#include "web.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HASH_DIGITS = 16,
    ENDING = 1 + HASH_DIGITS + 3, /* ".HASH.js" */
};

struct scripts {
    struct arena arena;
    struct script {
        struct str name, bytes;
    } items[SCRIPTS_MAX];
    size_t count;
};

/* What the work on the directory needs. */
struct shelf {
    int dirfd;
    const struct logger *logger;
    struct buf bytes; /* of the file read last */
};

/* A name is one of ours, or of our pattern: it needs no quotes. */
static void warn(const struct shelf *shelf, const char *what, const char *name, const char *why)
{
    char quoted[256];

    logger_line(shelf->logger, LOG_WARN, what, "file=%s why=%s", name,
                logger_quote(why, quoted, sizeof(quoted)));
}

/* -- names --------------------------------------------------------------------------------- */

static bool has_only(struct str s, const char *chars)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\0' || strchr(chars, s.ptr[i]) == NULL)
            return false;
    return true;
}

/* "analytics.0123456789abcdef.js", "analytics.links.0123456789abcdef.js" */
static bool is_hashed_name(struct str name)
{
    const struct str stem = STR("analytics");

    if (name.len < stem.len + ENDING || !str_starts(name, stem) || !str_ends(name, STR(".js")))
        return false;
    size_t end = name.len - ENDING;
    struct str word = str_slice(name, stem.len, end);
    struct str hash = str_slice(name, end + 1, end + 1 + HASH_DIGITS);

    return name.ptr[end] == '.' && has_only(hash, "0123456789abcdef") &&
           (word.len == 0 ||
            (word.len > 1 && word.ptr[0] == '.' &&
             has_only(str_slice(word, 1, word.len), "abcdefghijklmnopqrstuvwxyz")));
}

static bool fits_its_name(struct str name, struct str bytes)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[HASH_DIGITS + 1];

    (void)crypto_hash_sha256(digest, (const unsigned char *)bytes.ptr, bytes.len);
    (void)sodium_bin2hex(hex, sizeof(hex), digest, HASH_DIGITS / 2);
    return str_eq(str_slice(name, name.len - ENDING + 1, name.len - STR(".js").len),
                  (struct str){hex, HASH_DIGITS});
}

static bool is_own(struct str name)
{
    for (size_t i = 0; i < web_files_count; i++)
        if (str_eq(web_files[i].hashed, name))
            return true;
    return false;
}

/* -- files --------------------------------------------------------------------------------- */

/* Read up to `max` bytes and one more. False: errno says why. */
static bool read_up_to(int fd, size_t max, struct buf *out)
{
    buf_reset(out);
    while (out->len <= max) {
        size_t room = max + 1 - out->len;
        ssize_t n = read(fd, buf_reserve(out, room), room);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
    }
    return true;
}

/* NULL: shelf->bytes holds the file; else why not. A pipe with that name must not hold up the
 * start. */
static const char *read_script(struct shelf *shelf, const char *name)
{
    int fd = openat(shelf->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    const char *why = NULL;

    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "not a file";
    else if (!read_up_to(fd, SCRIPT_BYTES_MAX, &shelf->bytes))
        why = strerror(errno);
    else if (shelf->bytes.len > SCRIPT_BYTES_MAX)
        why = "too long";
    (void)close(fd);
    return why;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = str_slice(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static void write_script(const struct shelf *shelf, const char *name, struct str bytes)
{
    char aside[NAME_MAX + 1];

    (void)snprintf(aside, sizeof(aside), ".%s", name);
    int fd =
        openat(shelf->dirfd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool written = fd >= 0 && write_all(fd, bytes);

    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (!written || renameat(shelf->dirfd, aside, shelf->dirfd, name) != 0) {
        warn(shelf, "script not kept", name, strerror(errno));
        (void)unlinkat(shelf->dirfd, aside, 0);
    }
}

/* -- this version's ------------------------------------------------------------------------ */

static void keep_own(struct shelf *shelf)
{
    for (size_t i = 0; i < web_files_count; i++) {
        const struct web_file *file = &web_files[i];

        if (is_hashed_name(file->hashed) && (read_script(shelf, file->hashed.ptr) != NULL ||
                                             !str_eq(buf_str(&shelf->bytes), file->plain)))
            write_script(shelf, file->hashed.ptr, file->plain);
    }
}

/* -- the others ---------------------------------------------------------------------------- */

/* Files whose names are right, those written last first. */
struct candidates {
    struct candidate {
        char name[NAME_MAX + 1];
        struct timespec written;
    } items[SCRIPTS_MAX];
    size_t count, left_out;
};

/* Of those written at the same time, the order of names decides, not that of the directory. */
static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    if (a->written.tv_sec != b->written.tv_sec)
        return a->written.tv_sec > b->written.tv_sec;
    if (a->written.tv_nsec != b->written.tv_nsec)
        return a->written.tv_nsec > b->written.tv_nsec;
    return strcmp(a->name, b->name) < 0;
}

static void candidates_add(struct candidates *list, const struct candidate *one)
{
    size_t at = list->count;

    while (at > 0 && comes_before(one, &list->items[at - 1]))
        at--;
    if (list->count == SCRIPTS_MAX)
        list->left_out++;
    else
        list->count++;
    if (at == SCRIPTS_MAX)
        return;
    memmove(&list->items[at + 1], &list->items[at],
            (list->count - 1 - at) * sizeof(list->items[0]));
    list->items[at] = *one;
}

static void look_around(const struct shelf *shelf, struct candidates *out)
{
    int fd = openat(shelf->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL) {
        warn(shelf, "kept scripts not read", "scripts", strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        struct str name = str_from(entry->d_name);
        struct candidate one = {.written = {0}};
        struct stat st;

        if (!is_hashed_name(name) || is_own(name) ||
            fstatat(shelf->dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        memcpy(one.name, name.ptr, name.len + 1);
        one.written = st.st_mtim;
        candidates_add(out, &one);
    }
    (void)closedir(dir);
}

static void load_others(struct shelf *shelf, struct scripts *scripts)
{
    struct candidates *found = must(calloc(1, sizeof(*found)));

    look_around(shelf, found);
    for (size_t i = 0; i < found->count; i++) {
        struct str name = str_from(found->items[i].name);
        const char *why = read_script(shelf, name.ptr);

        if (why == NULL && !fits_its_name(name, buf_str(&shelf->bytes)))
            why = "its bytes do not fit its name";
        if (why != NULL)
            warn(shelf, "kept script not read", name.ptr, why);
        else
            scripts->items[scripts->count++] =
                (struct script){arena_str(&scripts->arena, name),
                                arena_str(&scripts->arena, buf_str(&shelf->bytes))};
    }
    if (found->left_out > 0)
        logger_line(shelf->logger, LOG_WARN, "too many kept scripts", "most=%d left_out=%zu",
                    SCRIPTS_MAX, found->left_out);
    free(found);
}

/* -- all of it ----------------------------------------------------------------------------- */

static int open_shelf(struct str data_dir)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%.*s/scripts", STR_FMT(data_dir));

    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct scripts *scripts_open(struct str data_dir, const struct logger *logger)
{
    struct scripts *scripts = must(calloc(1, sizeof(*scripts)));
    struct shelf shelf = {.dirfd = open_shelf(data_dir), .logger = logger};

    if (shelf.dirfd < 0) {
        if (errno != ENOENT)
            warn(&shelf, "scripts not kept", "scripts", strerror(errno));
        return scripts;
    }
    keep_own(&shelf);
    load_others(&shelf, scripts);
    buf_release(&shelf.bytes);
    (void)close(shelf.dirfd);
    return scripts;
}

void scripts_close(struct scripts **scripts)
{
    if (*scripts == NULL)
        return;
    arena_free(&(*scripts)->arena);
    free(*scripts);
    *scripts = NULL;
}

bool scripts_find(const struct scripts *scripts, struct str hashed, struct str *bytes)
{
    for (size_t i = 0; i < scripts->count; i++) {
        if (str_eq(scripts->items[i].name, hashed)) {
            *bytes = scripts->items[i].bytes;
            return true;
        }
    }
    return false;
}
