/* test_redis_rewrite.c -- files without what was removed, from servers of this test's own: what is
 * looked for are the bytes of a value in all that is below the server's directory. */
#include "test_redis_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define REMOVED "a-value-that-is-removed"
#define KEPT "a-value-that-is-kept"

static bool file_has(int dirfd, const char *name, const char *needle)
{
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST);
    int fd = openat(dirfd, name, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, MOST);
    bool has = n > 0 && memmem(text, (size_t)n, needle, strlen(needle)) != NULL;

    assert_true(n < MOST);
    if (fd >= 0)
        (void)close(fd);
    free(text);
    return has;
}

/* In a file of the directory, or of the one in it that Redis keeps its append-only file in. */
static bool is_in_files(const char *path, const char *needle)
{
    DIR *dir = opendir(path);
    bool found = false;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            char below[600];

            (void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
            found = is_in_files(below, needle) || found;
        } else if (entry->d_type == DT_REG) {
            found = file_has(dirfd(dir), entry->d_name, needle) || found;
        }
    }
    (void)closedir(dir);
    return found;
}

static struct redis *serve(struct servers *servers, const char *const more[])
{
    start_redis(servers, &servers->of[0], more);
    return open_server(&servers->of[0], 2000, false);
}

static void put_both(struct redis *redis)
{
    const struct redis_reply *reply;

    ASK(redis, &reply, "SET", "removed", REMOVED);
    ASK(redis, &reply, "SET", "kept", KEPT);
}

static void remove_one_value(struct redis *redis)
{
    const struct redis_reply *reply;

    ASK(redis, &reply, "DEL", "removed");
}

static struct redis_rewrite rewrite(struct redis *redis)
{
    struct redis_rewrite state = {0};
    struct err err = {""};
    int rc = 0;

    for (int i = 0; i < 1000 && (rc = redis_rewrite(redis, &state, &err)) == 0; i++)
        nap_ms(10);
    if (rc != 1)
        fail_msg("%d %s", rc, err.text);
    return state;
}

static const char *const APPEND_ONLY[] = {"--appendonly", "yes", "--rdbcompression", "no", NULL};
static const char *const BOTH_KINDS[] = {"--appendonly", "yes", "--rdbcompression", "no", "--save",
                                         "3600 1000000", NULL};
static const char *const SNAPSHOTS[] = {"--save", "3600 1000000", "--rdbcompression", "no", NULL};

static void writes_the_append_only_file_anew(void **state)
{
    struct servers *servers = *state;
    struct redis *redis = serve(servers, APPEND_ONLY);

    put_both(redis);
    remove_one_value(redis);
    assert_true(is_in_files(servers->dir, REMOVED));
    assert_string_equal(rewrite(redis).told, "");
    assert_false(is_in_files(servers->dir, REMOVED));
    assert_true(is_in_files(servers->dir, KEPT));
    redis_close(&redis);
}

static void writes_the_snapshot_anew_where_the_server_makes_them(void **state)
{
    struct servers *servers = *state;
    struct redis *redis = serve(servers, SNAPSHOTS);
    const struct redis_reply *reply;

    put_both(redis);
    ASK(redis, &reply, "SAVE");
    remove_one_value(redis);
    assert_true(is_in_files(servers->dir, REMOVED));
    assert_string_equal(rewrite(redis).told, "");
    assert_false(is_in_files(servers->dir, REMOVED));
    assert_true(is_in_files(servers->dir, KEPT));
    redis_close(&redis);
}

static void writes_both_anew(void **state)
{
    struct servers *servers = *state;
    struct redis *redis = serve(servers, BOTH_KINDS);
    const struct redis_reply *reply;

    put_both(redis);
    ASK(redis, &reply, "SAVE");
    remove_one_value(redis);
    assert_string_equal(rewrite(redis).told, "");
    assert_false(is_in_files(servers->dir, REMOVED));
    assert_true(is_in_files(servers->dir, KEPT));
    redis_close(&redis);
}

static void makes_no_file_where_the_server_keeps_none(void **state)
{
    struct servers *servers = *state;
    struct redis *redis = serve(servers, NULL);

    put_both(redis);
    assert_string_equal(rewrite(redis).told, "");
    assert_false(is_in_files(servers->dir, KEPT));
    redis_close(&redis);
}

/* One that was being written when it was asked still has what was removed. */
static void waits_for_one_that_is_being_written_and_asks_again(void **state)
{
    struct servers *servers = *state;
    static const char *const slow[] = {"--appendonly",
                                       "yes",
                                       "--rdbcompression",
                                       "no",
                                       "--rdb-key-save-delay",
                                       "20000",
                                       "--save",
                                       "",
                                       NULL};
    struct redis *redis = serve(servers, slow);
    struct redis_rewrite rewriting = {0};
    const struct redis_reply *reply;
    struct err err;

    put_both(redis);
    for (int i = 0; i < 20; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "key %d", i);
        ASK(redis, &reply, "SET", key, "value");
    }
    ASK(redis, &reply, "BGREWRITEAOF");
    remove_one_value(redis);
    assert_int_equal(redis_rewrite(redis, &rewriting, &err), 0);
    assert_string_equal(rewrite(redis).told, "");
    assert_false(is_in_files(servers->dir, REMOVED));
    assert_true(is_in_files(servers->dir, KEPT));
    redis_close(&redis);
}

static void says_what_the_server_refuses_and_goes_on(void **state)
{
    struct servers *servers = *state;
    struct redis *redis = serve(servers, BOTH_KINDS), *bound;
    const struct redis_reply *reply;
    char url[80];

    put_both(redis);
    remove_one_value(redis);
    ASK(redis, &reply, "ACL", "SETUSER", "us", "on", ">word", "~*", "+@all", "-bgrewriteaof",
        "-config");
    (void)snprintf(url, sizeof(url), "redis://us:word@127.0.0.1:%u", servers->of[0].port);
    bound = open_url(url, 2000, false);
    struct redis_rewrite said = rewrite(bound);

    assert_non_null(strstr(said.told, "NOPERM"));
    assert_null(strstr(said.told, "word"));
    assert_true(is_in_files(servers->dir, REMOVED));
    redis_close(&bound);
    /* The snapshot is written though the other is refused. */
    ASK(redis, &reply, "ACL", "SETUSER", "us", "+config");
    bound = open_url(url, 2000, false);
    said = rewrite(bound);
    assert_non_null(strstr(said.told, "bgrewriteaof"));
    ASK(redis, &reply, "LASTSAVE");
    assert_true(reply->integer > 0);
    char path[300];

    (void)snprintf(path, sizeof(path), "%s/dump.rdb", servers->dir);
    assert_int_equal(access(path, R_OK), 0);
    redis_close(&bound);
    redis_close(&redis);
}

static void asks_again_after_the_server_was_restarted(void **state)
{
    struct servers *servers = *state;
    struct redis *redis = serve(servers, APPEND_ONLY);
    struct redis_rewrite rewriting = {0};
    struct err err = {""};
    int rc = 0;

    put_both(redis);
    remove_one_value(redis);
    assert_int_equal(redis_rewrite(redis, &rewriting, &err), 0);
    server_kill(&servers->of[0]);
    assert_int_equal(redis_rewrite(redis, &rewriting, &err), ERR_UNAVAILABLE);
    start_redis(servers, &servers->of[0], APPEND_ONLY);
    for (int i = 0; i < 1000 && rc != 1; i++) {
        rc = redis_rewrite(redis, &rewriting, &err);
        nap_ms(10);
    }
    assert_int_equal(rc, 1);
    assert_false(is_in_files(servers->dir, REMOVED));
    assert_true(is_in_files(servers->dir, KEPT));
    redis_close(&redis);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_servers, teardown_servers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(writes_the_append_only_file_anew),
        T(writes_the_snapshot_anew_where_the_server_makes_them),
        T(writes_both_anew),
        T(makes_no_file_where_the_server_keeps_none),
        T(waits_for_one_that_is_being_written_and_asks_again),
        T(says_what_the_server_refuses_and_goes_on),
        T(asks_again_after_the_server_was_restarted),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
