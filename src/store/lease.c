/*
 * store/lease.c -- locks in files beside the store, for stores that live on one machine.
 *
 * They are OFD locks (fcntl(2)): they belong to the open file, so that two handles in one process
 * exclude each other as two processes do, and the kernel takes them back however a process ends.
 *
 *     DATA_DIR/aggregate.lock  exclusive: the job runs
 *     DATA_DIR/writers.lock    shared: somebody else has a writing transaction, or waits to begin
 * one
 */
#include "store/store_backend.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static int open_lock(const struct store *store, const char *name, int *out, struct err *err)
{
    struct buf path = {0};

    buf_addf(&path, "%s/%s", store->data_dir[0] == '\0' ? "." : store->data_dir, name);
    buf_addc(&path, '\0');
    *out = open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = *out >= 0 ? 0 : err_set(err, ERR_SYSTEM, "%s: %s", path.ptr, strerror(errno));

    buf_release(&path);
    return rc;
}

static int lock(int fd, short type, bool wait)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    int rc;

    do
        rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* -- the job ----------------------------------------------------------------------------------- */

int lease_take(struct store *store, uint32_t wanted, bool all, bool wait, uint32_t *got,
               struct err *err)
{
    int fd = -1;

    (void)all;
    *got = 0;
    int rc = open_lock(store, "aggregate.lock", &fd, err);

    if (rc != 0)
        return rc;
    if (lock(fd, F_WRLCK, wait) == 0) {
        store->lease_fd = fd;
        *got = wanted;
        return 0;
    }
    rc = errno == EAGAIN || errno == EACCES
             ? err_set(err, ERR_CONFLICT, "another run of the job is going on")
             : err_set(err, ERR_SYSTEM, "aggregate.lock: %s", strerror(errno));
    (void)close(fd);
    return rc;
}

void lease_give(struct store *store)
{
    if (store->lease_fd >= 0)
        (void)close(store->lease_fd);
    store->lease_fd = -1;
}

/* -- other writers ----------------------------------------------------------------------------- */

static bool writers_open(struct store *store)
{
    return store->writers_fd >= 0 ||
           open_lock(store, "writers.lock", &store->writers_fd, NULL) == 0;
}

/* The lock is a courtesy: where it fails, the writer waits a little longer. */
void writers_enter(struct store *store)
{
    if (writers_open(store))
        (void)lock(store->writers_fd, F_RDLCK, false);
}

void writers_leave(struct store *store)
{
    if (store->writers_fd >= 0)
        (void)lock(store->writers_fd, F_UNLCK, false);
}

void writers_yield(struct store *store)
{
    struct flock probe = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (writers_open(store) && fcntl(store->writers_fd, F_OFD_GETLK, &probe) == 0 &&
        probe.l_type != F_UNLCK)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}
