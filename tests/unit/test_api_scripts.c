/*
 * test_api_scripts.c -- the scripts of other versions in a data directory. The hashes of the three
 * below are sha256sum's.
 */
#include "api/scripts.h"
#include "base/arena.h"
#include "base/buf.h"
#include "web.h"

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct known {
    struct str name, bytes;
} old_script = {STR_INIT("analytics.28d3de72c36b5b69.js"), STR_INIT("void oldAnalytics(){}")},
  older_script = {STR_INIT("analytics.20fc1962ed2b80d3.js"), STR_INIT("window.analytics=1;\n")},
  old_links = {STR_INIT("analytics.links.fc523166b8dd91ce.js"), STR_INIT("window.links=1;\n")};

/* A directory of our own, and what is logged. */
struct world {
    char data_dir[32], said[16 * 1024];
    struct scripts *scripts;
    struct arena arena;
};

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));

    (void)memcpy(w->data_dir, "test_api_scripts.XXXXXX", sizeof("test_api_scripts.XXXXXX"));
    *state = w;
    return mkdtemp(w->data_dir) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[64];

    (void)snprintf(command, sizeof(command), "rm -rf ./%s", w->data_dir);
    int rc = system(command);

    scripts_close(&w->scripts);
    arena_free(&w->arena);
    test_free(w);
    return rc;
}

/* Start as `abacus serve` does, and take down what it says on stderr. */
static void start(struct world *w)
{
    const struct logger logger = {LOG_WARN};
    char *path = NULL;

    assert_true(asprintf(&path, "%s.said", w->data_dir) > 0);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), kept = dup(STDERR_FILENO);

    assert_true(file >= 0 && kept >= 0 && dup2(file, STDERR_FILENO) >= 0);
    scripts_close(&w->scripts);
    w->scripts = scripts_open(str_from(w->data_dir), &logger);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    ssize_t n = pread(file, w->said, sizeof(w->said) - 1, 0);

    assert_true(n >= 0);
    w->said[n] = '\0';
    (void)close(kept);
    (void)close(file);
    (void)unlink(path);
    free(path);
}

static struct str path_of(struct world *w, struct str name)
{
    struct buf path = {0};

    buf_addf(&path, "%s/scripts/%.*s", w->data_dir, STR_FMT(name));
    struct str kept = arena_str(&w->arena, buf_str(&path));

    buf_release(&path);
    return kept;
}

static void put(struct world *w, struct str name, struct str bytes)
{
    const char *path = path_of(w, name).ptr;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(close(fd), 0);
}

/* The bytes of a file in the directory. */
static struct str file_bytes(struct world *w, struct str name)
{
    FILE *file = fopen(path_of(w, name).ptr, "rb");
    char *bytes = arena_alloc(&w->arena, SCRIPT_BYTES_MAX, 1);

    assert_non_null(file);
    size_t n = fread(bytes, 1, SCRIPT_BYTES_MAX, file);

    (void)fclose(file);
    return (struct str){bytes, n};
}

static bool is_given(const struct world *w, struct known script)
{
    struct str bytes;

    return scripts_find(w->scripts, script.name, &bytes) && str_eq(bytes, script.bytes);
}

static bool is_found(const struct world *w, struct str name)
{
    struct str bytes;

    return scripts_find(w->scripts, name, &bytes);
}

static unsigned lines_said(const struct world *w)
{
    unsigned lines = 0;

    for (const char *at = w->said; *at != '\0'; at++)
        lines += *at == '\n';
    return lines;
}

/* Said once, as a warning, with the name of the file and why. */
static void assert_warned(const struct world *w, struct str name, const char *why)
{
    assert_int_equal(lines_said(w), 1);
    assert_non_null(strstr(w->said, "level=warn"));
    assert_non_null(strstr(w->said, name.ptr));
    assert_non_null(strstr(w->said, why));
}

/* -- what this version leaves --------------------------------------------------------------- */

static void keeps_a_copy_of_each_script_under_its_hashed_name(void **state)
{
    struct world *w = *state;
    unsigned scripts = 0, files = 0;

    start(w);
    assert_string_equal(w->said, "");
    for (size_t i = 0; i < web_files_count; i++) {
        if (!str_starts(web_files[i].name, STR("analytics.")))
            continue;
        assert_true(str_eq(file_bytes(w, web_files[i].hashed), web_files[i].plain));
        scripts++;
    }
    DIR *dir = opendir(path_of(w, STR("")).ptr);

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        files++;
    (void)closedir(dir);
    assert_int_equal(scripts, 3);
    assert_int_equal(files, scripts + 2); /* "." and "..": nothing else, nothing left aside */
}

static void keeps_none_where_there_is_no_data_directory(void **state)
{
    struct world *w = *state;
    struct stat st;

    assert_int_equal(rmdir(w->data_dir), 0);
    start(w);
    assert_string_equal(w->said, "");
    assert_int_equal(stat(w->data_dir, &st), -1);
    assert_int_equal(mkdir(w->data_dir, 0700), 0);
}

static struct str own_script(void)
{
    for (size_t i = 0; i < web_files_count; i++)
        if (str_eq(web_files[i].name, STR("analytics.js")))
            return web_files[i].hashed;
    fail();
    return STR("");
}

static void writes_its_copy_again_where_it_is_damaged_and_only_there(void **state)
{
    struct world *w = *state;
    struct str name = own_script();
    struct stat before, after;

    start(w);
    struct str whole = file_bytes(w, name);

    assert_int_equal(stat(path_of(w, name).ptr, &before), 0);
    start(w);
    assert_int_equal(stat(path_of(w, name).ptr, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    put(w, name, STR("half of i"));
    start(w);
    assert_string_equal(w->said, "");
    assert_true(str_eq(file_bytes(w, name), whole));
}

static void starts_although_nothing_can_be_kept(void **state)
{
    struct world *w = *state;
    int fd = open(w->data_dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    int file = openat(fd, "scripts", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    (void)close(file);
    (void)close(fd);
    start(w);
    assert_warned(w, STR("scripts"), "Not a directory");
    assert_false(is_found(w, own_script()));
}

static void starts_with_a_name_that_is_too_long_for_any_file(void **state)
{
    struct world *w = *state;
    const struct logger logger = {LOG_ERROR};
    char *name = arena_alloc(&w->arena, 5000, 1);

    memset(name, 'a', 4999);
    w->scripts = scripts_open(str_from(name), &logger);
    assert_false(is_found(w, old_script.name));
}

/* -- what other versions have left ------------------------------------------------------------ */

static void gives_out_the_scripts_of_other_versions(void **state)
{
    struct world *w = *state;

    start(w);
    assert_false(is_found(w, old_script.name));
    put(w, old_script.name, old_script.bytes);
    put(w, older_script.name, older_script.bytes);
    put(w, old_links.name, old_links.bytes);
    start(w);
    assert_string_equal(w->said, "");
    assert_true(is_given(w, old_script));
    assert_true(is_given(w, older_script));
    assert_true(is_given(w, old_links));
    start(w);
    assert_true(is_given(w, old_script));
}

static void ignores_a_file_whose_bytes_do_not_fit_its_name(void **state)
{
    struct world *w = *state;

    start(w);
    put(w, old_script.name, STR("void oldAnalytics(){};"));
    put(w, old_links.name, old_links.bytes);
    start(w);
    assert_warned(w, old_script.name, "do not fit");
    assert_false(is_found(w, old_script.name));
    assert_true(is_given(w, old_links));
    put(w, old_script.name, STR(""));
    start(w);
    assert_warned(w, old_script.name, "do not fit");
}

static void reads_nothing_with_another_name(void **state)
{
    static const struct str names[] = {
        STR_INIT("analytics.js"),
        STR_INIT("analytics.28D3DE72C36B5B69.js"),
        STR_INIT("analytics.28d3de72c36b5b6.js"),
        STR_INIT("analytics.28d3de72c36b5b69d.js"),
        STR_INIT("analytics.28d3de72c36b5b69.css"),
        STR_INIT("analytics.28d3de72c36b5b69.js.new"),
        STR_INIT("analytics..28d3de72c36b5b69.js"),
        STR_INIT("analytics.Links.28d3de72c36b5b69.js"),
        STR_INIT("analytics.a.b.28d3de72c36b5b69.js"),
        STR_INIT("analyticsx28d3de72c36b5b69.js"),
        STR_INIT("analytics28d3de72c36b5b69.js"),
        STR_INIT("privacy.28d3de72c36b5b69.js"),
        STR_INIT(".analytics.28d3de72c36b5b69.js"),
        STR_INIT("28d3de72c36b5b69.js"),
    };
    struct world *w = *state;

    start(w);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put(w, names[i], old_script.bytes);
    start(w);
    assert_string_equal(w->said, "");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_false(is_found(w, names[i]));
}

static void reads_nothing_but_files(void **state)
{
    struct world *w = *state;

    start(w);
    put(w, STR("elsewhere"), old_script.bytes);
    assert_int_equal(symlink("elsewhere", path_of(w, old_script.name).ptr), 0);
    start(w);
    assert_warned(w, old_script.name, "symbolic link");
    assert_int_equal(unlink(path_of(w, old_script.name).ptr), 0);
    assert_int_equal(mkfifo(path_of(w, old_script.name).ptr, 0600), 0);
    start(w);
    assert_warned(w, old_script.name, "not a file");
    assert_int_equal(unlink(path_of(w, old_script.name).ptr), 0);
    assert_int_equal(mkdir(path_of(w, old_script.name).ptr, 0700), 0);
    start(w);
    assert_warned(w, old_script.name, "not a file");
    assert_false(is_found(w, old_script.name));
}

/* -- limits ----------------------------------------------------------------------------------- */

/* The name that these bytes have. */
static struct str name_of(struct world *w, struct str bytes)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    struct buf name = {0};

    (void)crypto_hash_sha256(digest, (const unsigned char *)bytes.ptr, bytes.len);
    buf_add(&name, STR("analytics."));
    for (int i = 0; i < 8; i++)
        buf_addf(&name, "%02x", digest[i]);
    buf_add(&name, STR(".js"));
    struct str kept = arena_str(&w->arena, buf_str(&name));

    buf_release(&name);
    return kept;
}

static void reads_scripts_of_64_kib_and_not_of_a_byte_more(void **state)
{
    struct world *w = *state;
    char *bytes = arena_alloc(&w->arena, 65537, 1);

    memset(bytes, ' ', 65537);
    struct known largest = {.bytes = {bytes, 65536}}, too_large = {.bytes = {bytes, 65537}};

    largest.name = name_of(w, largest.bytes);
    too_large.name = name_of(w, too_large.bytes);
    start(w);
    put(w, largest.name, largest.bytes);
    put(w, too_large.name, too_large.bytes);
    start(w);
    assert_true(is_given(w, largest));
    assert_false(is_found(w, too_large.name));
    assert_warned(w, too_large.name, "too long");
}

/* Put script `i` there as though it was written in second `i`. */
static struct known put_of_second(struct world *w, int i)
{
    const struct timespec times[2] = {{.tv_sec = i}, {.tv_sec = i}};
    struct buf bytes = {0};

    buf_addf(&bytes, "void %d;", i);
    struct known script = {.bytes = arena_str(&w->arena, buf_str(&bytes))};

    script.name = name_of(w, script.bytes);
    put(w, script.name, script.bytes);
    assert_int_equal(utimensat(AT_FDCWD, path_of(w, script.name).ptr, times, 0), 0);
    buf_release(&bytes);
    return script;
}

static void reads_64_scripts_and_of_more_those_written_last(void **state)
{
    enum { MOST = 64, MORE = 3 };
    struct world *w = *state;
    struct known scripts[MOST + MORE];

    start(w);
    for (int i = 0; i < MOST; i++)
        scripts[i] = put_of_second(w, 1000 + i);
    start(w);
    assert_string_equal(w->said, "");
    for (int i = 0; i < MOST; i++)
        assert_true(is_given(w, scripts[i]));

    for (int i = MOST; i < MOST + MORE; i++)
        scripts[i] = put_of_second(w, 1000 + i);
    start(w);
    assert_warned(w, STR("left_out=3"), "most=64");
    for (int i = 0; i < MOST + MORE; i++)
        assert_int_equal(is_given(w, scripts[i]), i >= MORE);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(keeps_a_copy_of_each_script_under_its_hashed_name),
        WITH_WORLD(keeps_none_where_there_is_no_data_directory),
        WITH_WORLD(writes_its_copy_again_where_it_is_damaged_and_only_there),
        WITH_WORLD(starts_although_nothing_can_be_kept),
        WITH_WORLD(starts_with_a_name_that_is_too_long_for_any_file),
        WITH_WORLD(gives_out_the_scripts_of_other_versions),
        WITH_WORLD(ignores_a_file_whose_bytes_do_not_fit_its_name),
        WITH_WORLD(reads_nothing_with_another_name),
        WITH_WORLD(reads_nothing_but_files),
        WITH_WORLD(reads_scripts_of_64_kib_and_not_of_a_byte_more),
        WITH_WORLD(reads_64_scripts_and_of_more_those_written_last),
    };

    return cmocka_run_group_tests_name("api_scripts", tests, NULL, NULL);
}
