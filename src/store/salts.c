/*
 * store/salts.c -- the salts of one machine, in one small file that is replaced whole.
 *
 *     DATA_DIR/salts    a line per date: "YYYY-MM-DD", a space, 64 hex digits, a space and when it
 *                       was made, in milliseconds since 1970; files of the first version end their
 *                       lines with the salt
 *
 * Not in the database, whose log, free pages and backups would keep a salt longer than it may live.
 * A salt lives while its date can still be running somewhere (from UTC+14 to UTC-12, and the visit
 * time-out after it), and is made when its date comes within 48 hours of running anywhere. Salts
 * are never derived from anything, so what is gone is gone -- but where the file is missing, a
 * process that still holds living salts puts them back. A file that is there is the truth.
 *
 * Whoever looks takes DATA_DIR/salts.lock, so that two processes never make different salts for a
 * date; the new file is written aside, flushed and renamed over the old one, and what is given out
 * is what was read back.
 */
#include "store/store_backend.h"

#include "base/buf.h"
#include "base/date.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SALT_END = 10 + 1 + 2 * SALT_BYTES,
    LINE_BYTES_MAX = SALT_END + 1 + 20 + 1, /* with the longest number and the line's end */
    FILE_BYTES_MAX = SALTS_MAX * LINE_BYTES_MAX,
    EAST_HOURS = 14, /* the first zone in which a date begins */
    WEST_HOURS = 12, /* the last one in which it ends */
    AHEAD_HOURS = 48,
};

static int32_t day_of(int64_t ms)
{
    return (int32_t)(ms / DAY_MS - (ms % DAY_MS < 0));
}

void store_salt_days(int64_t now_ms, int32_t *first, int32_t *last)
{
    *first = day_of(now_ms - WEST_HOURS * HOUR_MS - VISIT_TIMEOUT_MS);
    *last = day_of(now_ms + (EAST_HOURS + AHEAD_HOURS) * HOUR_MS);
}

int64_t store_salt_end_ms(int32_t day)
{
    return (day + INT64_C(1)) * DAY_MS + WEST_HOURS * HOUR_MS + VISIT_TIMEOUT_MS;
}

/* -- the text ---------------------------------------------------------------------------------- */

static bool line_parse(struct str line, struct salt *out)
{
    struct str made = str_slice(line, SALT_END + 1, line.len);
    size_t bytes = 0;

    out->made_ms = 0;
    return line.len >= SALT_END && line.ptr[10] == ' ' &&
           date_parse(str_slice(line, 0, 10), &out->day) &&
           sodium_hex2bin(out->key, SALT_BYTES, line.ptr + 11, SALT_END - 11, NULL, &bytes, NULL) ==
               0 &&
           bytes == SALT_BYTES &&
           (line.len == SALT_END || (line.ptr[SALT_END] == ' ' && str_to_i64(made, &out->made_ms)));
}

static int text_parse(struct str text, struct salts *out, struct err *err)
{
    out->count = 0;
    while (text.len > 0) {
        size_t end = str_find(text, 0, '\n');

        if (out->count == SALTS_MAX || end == text.len ||
            !line_parse(str_slice(text, 0, end), &out->salt[out->count]) ||
            salts_find(out, out->salt[out->count].day) != NULL)
            return err_set(err, ERR_CORRUPT, "salts: line %zu is not a date and its salt",
                           out->count + 1);
        out->count++;
        text = str_slice(text, end + 1, text.len);
    }
    return 0;
}

static size_t text_format(const struct salts *salts, char out[FILE_BYTES_MAX + 1])
{
    size_t len = 0;

    for (size_t i = 0; i < salts->count; i++) {
        const struct salt *salt = &salts->salt[i];

        date_format(salt->day, out + len);
        out[len + 10] = ' ';
        (void)sodium_bin2hex(out + len + 11, 2 * SALT_BYTES + 1, salt->key, SALT_BYTES);
        len += SALT_END;
        len += (size_t)snprintf(out + len, FILE_BYTES_MAX + 1 - len, " %lld\n",
                                (long long)salt->made_ms);
    }
    return len;
}

/* -- the file ---------------------------------------------------------------------------------- */

struct salts_dir {
    const char *name;
    int fd, lock_fd;
};

static int fail(const struct salts_dir *dir, const char *what, struct err *err)
{
    int code = errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_SYSTEM;

    return err_set(err, code, "%s/%s: %s", dir->name, what, strerror(errno));
}

static int dir_open(const struct store *store, struct salts_dir *dir, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    *dir = (struct salts_dir){store->data_dir[0] == '\0' ? "." : store->data_dir, -1, -1};
    dir->fd = open(dir->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0)
        return fail(dir, "", err);
    dir->lock_fd = openat(dir->fd, "salts.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock_fd < 0)
        return fail(dir, "salts.lock", err);
    while (fcntl(dir->lock_fd, F_OFD_SETLKW, &whole) != 0)
        if (errno != EINTR)
            return fail(dir, "salts.lock", err);
    return 0;
}

static void dir_close(struct salts_dir *dir)
{
    if (dir->lock_fd >= 0)
        (void)close(dir->lock_fd);
    if (dir->fd >= 0)
        (void)close(dir->fd);
}

/* A file that is not there leaves *out as it is. */
static int file_read(const struct salts_dir *dir, const char *name, struct salts *out, bool *there,
                     struct err *err)
{
    char text[FILE_BYTES_MAX + 1];
    int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC);

    *there = fd >= 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(dir, name, err);
    ssize_t n = read(fd, text, sizeof(text));
    int rc = n < 0 ? fail(dir, name, err) : text_parse((struct str){text, (size_t)n}, out, err);

    (void)close(fd);
    sodium_memzero(text, sizeof(text));
    return rc;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR)
            return false;
        text += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
    return true;
}

static int file_replace(const struct salts_dir *dir, const struct salts *salts, struct err *err)
{
    char text[FILE_BYTES_MAX + 1];
    int fd = openat(dir->fd, "salts.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc = 0;

    if (fd < 0)
        return fail(dir, "salts.new", err);
    size_t len = text_format(salts, text);

    if (!write_all(fd, text, len) || fsync(fd) != 0)
        rc = fail(dir, "salts.new", err);
    sodium_memzero(text, sizeof(text));
    (void)close(fd);
    if (rc == 0 && (renameat(dir->fd, "salts.new", dir->fd, "salts") != 0 || fsync(dir->fd) != 0))
        rc = fail(dir, "salts", err);
    if (rc != 0)
        (void)unlinkat(dir->fd, "salts.new", 0);
    return rc;
}

/* -- which live -------------------------------------------------------------------------------- */

/* True if something changed. */
static bool salts_turn(struct salts *salts, int64_t now_ms)
{
    int32_t first, last;
    size_t kept = 0, before = salts->count;
    bool changed;

    store_salt_days(now_ms, &first, &last);
    for (size_t i = 0; i < before; i++)
        if (salts->salt[i].day >= first && salts->salt[i].day <= last)
            salts->salt[kept++] = salts->salt[i];
    changed = kept < before;
    salts->count = kept;
    for (int32_t day = first; day <= last; day++) {
        if (salts_find(salts, day) != NULL)
            continue;
        struct salt *new = &salts->salt[salts->count++];

        new->day = day;
        new->made_ms = now_ms;
        randombytes_buf(new->key, SALT_BYTES);
        changed = true;
    }
    return changed;
}

/* The file where it is there, else what is held, and what is missing of that. */
static int read_and_turn(const struct salts_dir *dir, int64_t now_ms, struct salts *salts,
                         struct err *err)
{
    bool there = false;
    int rc = file_read(dir, "salts", salts, &there, err);

    if (rc != 0 || (!salts_turn(salts, now_ms) && there))
        return rc;
    rc = file_replace(dir, salts, err);
    return rc == 0 ? file_read(dir, "salts", salts, &there, err) : rc;
}

/* What fails leaves the caller what it held. */
int salts_read(struct store *store, int64_t now_ms, struct salts *io, struct err *err)
{
    struct salts_dir dir = {"", -1, -1};
    struct salts salts = *io;

    if (store->read_only)
        return err_set(err, ERR_DENIED, "the store is open for reading only");
    int rc = dir_open(store, &dir, err);

    if (rc == 0)
        rc = read_and_turn(&dir, now_ms, &salts, err);
    if (rc == 0)
        *io = salts;
    sodium_memzero(&salts, sizeof(salts));
    dir_close(&dir);
    return rc;
}

/* -- looking, without a lock and without a change ---------------------------------------------- */

static void note_dates(const struct salts *salts, bool aside, struct salts_held *out)
{
    for (size_t i = 0; i < salts->count; i++)
        out->salts[out->count++] =
            (struct salt_held){salts->salt[i].day, salts->salt[i].made_ms, aside};
}

static int look_into(const struct salts_dir *dir, const char *name, bool aside,
                     struct salts_held *out, struct err *err)
{
    struct salts salts = {0};
    struct stat st;
    bool there = false;
    int rc = file_read(dir, name, &salts, &there, err);

    if (rc == 0)
        note_dates(&salts, aside, out);
    if (rc == 0 && there && fstatat(dir->fd, name, &st, 0) == 0)
        out->mode |= st.st_mode & 0777;
    sodium_memzero(&salts, sizeof(salts));
    return rc;
}

/* A process that dies while it replaces the file leaves the new one beside it until the next time;
 * one that is just being written has no whole lines yet, and then holds nothing that is ended. */
int salts_look(struct store *store, struct arena *arena, struct salts_held *out, struct err *err)
{
    struct salts_dir dir = {store->data_dir[0] == '\0' ? "." : store->data_dir, -1, -1};
    struct buf place = {0};
    int rc = 0;

    buf_addf(&place, "%s/salts", dir.name);
    out->place = arena_str(arena, buf_str(&place));
    buf_release(&place);
    out->salts = ARENA_NEW(arena, struct salt_held, 2 * SALTS_MAX);
    dir.fd = open(dir.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir.fd < 0)
        return errno == ENOENT ? 0 : fail(&dir, "", err);
    rc = look_into(&dir, "salts", false, out, err);
    if (rc == 0 && look_into(&dir, "salts.new", true, out, NULL) == ERR_SYSTEM)
        rc = fail(&dir, "salts.new", err);
    dir_close(&dir);
    return rc;
}
