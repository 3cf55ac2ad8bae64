/*
 * server/node.c -- the name that a node has in receipts, and since when it has been there.
 *
 * Both stand in DATA_DIR/node, "HOST:12ab34cd 1795305600000" and a newline, which the first one to
 * need them makes: whoever keeps the directory keeps the name.
 */
#include "server/server_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_name(struct node *node)
{
    char host[NODE_NAME - 16] = "";
    uint8_t random[4];
    char hex[2 * sizeof(random) + 1];

    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        (void)snprintf(host, sizeof(host), "node");
    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
    (void)snprintf(node->name, sizeof(node->name), "%s:%s", host, hex);
}

/* A log that has something in it was here before. */
static int64_t here_since(struct str data_dir)
{
    struct arena arena = {0};
    struct producer *producers = NULL;
    size_t count = 0;
    int rc = log_producers(data_dir, &arena, &producers, &count, NULL);

    arena_free(&arena);
    return rc == 0 && count == 0 ? clock_wall_ms() : 1;
}

static bool read_file(const char *path, struct node *node)
{
    FILE *file = fopen(path, "re");
    char text[NODE_NAME + 32] = "", *space;

    if (file == NULL)
        return false;
    (void)!fgets(text, sizeof(text), file);
    (void)fclose(file);
    space = strchr(text, ' ');
    if (space == NULL || space == text || space - text >= NODE_NAME)
        return false;
    (void)snprintf(node->name, sizeof(node->name), "%.*s", (int)(space - text), text);
    node->since_ms = strtoll(space + 1, NULL, 10);
    return node->since_ms > 0;
}

/* Whole or not at all. */
static int write_file(const char *path, const char *next, const struct node *node, struct err *err)
{
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && dprintf(fd, "%s %lld\n", node->name, (long long)node->since_ms) > 0 &&
                fdatasync(fd) == 0 && rename(next, path) == 0;
    int rc = good ? 0 : err_set(err, ERR_SYSTEM, "%s: %s", next, strerror(errno));

    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* DATA_DIR/`name` and a NUL, to be released. */
static struct buf path_of(struct str data_dir, const char *name)
{
    struct buf path = {0};

    buf_addf(&path, "%.*s/%s", STR_FMT(data_dir), name);
    buf_addc(&path, '\0');
    return path;
}

bool node_read(struct str data_dir, struct node *out)
{
    struct buf path = path_of(data_dir, "node");
    bool there = read_file(path.ptr, out);

    buf_release(&path);
    return there;
}

int node_learn(struct str data_dir, struct node *out, struct err *err)
{
    struct buf path = path_of(data_dir, "node"), next = path_of(data_dir, "node.new");
    int rc = 0;

    if (!read_file(path.ptr, out)) {
        make_name(out);
        out->since_ms = here_since(data_dir);
        rc = write_file(path.ptr, next.ptr, out, err);
    }
    if (rc != 0)
        out->since_ms = 0;
    buf_release(&path);
    buf_release(&next);
    return rc;
}
