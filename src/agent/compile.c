/*
 * agent/compile.c -- the builder's tool: rules and databases into a C source.
 *
 *     agent_compile OUT.c regexes.yaml robots.txt
 *
 * agent/embedded.h declares what it writes. Bytes are written as 64-bit words, eight times fewer
 * numbers for the compiler to read than bytes would be.
 */
#include "agent/matcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Far above any list of rules (uap-core's is 205 KB). */
enum { FILE_MAX = 16 << 20, WORDS_A_LINE = 6 };

typedef int read_rules(struct str text, struct arena *arena, struct rules *out, struct err *err);

static int read_file(const char *path, struct buf *out, struct err *err)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
    out->len = fread(buf_reserve(out, FILE_MAX), 1, FILE_MAX, file);
    bool whole = ferror(file) == 0 && out->len < FILE_MAX;
    (void)fclose(file);
    return whole ? 0 : err_set(err, ERR_SYSTEM, "%s: cannot be read, or is too big", path);
}

static void write_bytes(FILE *out, const char *name, const char *suffix, struct str bytes)
{
    (void)fprintf(out, "static const uint64_t %s%s_words[] = {", name, suffix);
    for (size_t at = 0; at <= bytes.len; at += sizeof(uint64_t)) {
        struct str piece = str_slice(bytes, at, at + sizeof(uint64_t));
        uint64_t word = 0;

        if (piece.len > 0)
            memcpy(&word, piece.ptr, piece.len);
        (void)fprintf(out, "%s0x%llx,", at / sizeof(word) % WORDS_A_LINE == 0 ? "\n" : " ",
                      (unsigned long long)word);
    }
    (void)fprintf(out, "\n};\nconst struct str %s%s = {(const char *)%s%s_words, %zu};\n\n", name,
                  suffix, name, suffix, bytes.len);
}

static int write_set(FILE *out, const char *name, const char *path, read_rules *read,
                     struct err *err)
{
    struct arena arena = {0};
    struct buf text = {0}, database = {0};
    struct matcher *matcher = NULL;
    struct rules rules;
    int rc;

    if ((rc = read_file(path, &text, err)) < 0)
        goto out;
    if ((rc = read(buf_str(&text), &arena, &rules, err)) < 0 ||
        (rc = matcher_new(&rules, STR(""), &matcher, err)) < 0 ||
        (rc = matcher_save(matcher, &database, err)) < 0) {
        rc = err_wrap(err, rc, "%s", path);
        goto out;
    }
    write_bytes(out, name, "", buf_str(&text));
    write_bytes(out, name, "_database", buf_str(&database));
out:
    matcher_free(&matcher);
    buf_release(&database);
    buf_release(&text);
    arena_free(&arena);
    return rc;
}

static int compile(const char *path, const char *names, const char *robots, struct err *err)
{
    FILE *out = fopen(path, "w");
    int rc;

    if (out == NULL)
        return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
    (void)fputs("/* Made by agent/compile.c. */\n#include \"agent/embedded.h\"\n\n", out);
    rc = write_set(out, "embedded_names", names, rules_read_names, err);
    if (rc == 0)
        rc = write_set(out, "embedded_robots", robots, rules_read_robots, err);
    bool failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    return rc == 0 && failed ? err_set(err, ERR_SYSTEM, "%s: cannot be written", path) : rc;
}

int main(int argc, char **argv)
{
    struct err err = {{0}};

    if (argc != 4) {
        (void)fputs("usage: agent_compile OUT.c regexes.yaml robots.txt\n", stderr);
        return 2;
    }
    if (compile(argv[1], argv[2], argv[3], &err) < 0) {
        (void)fprintf(stderr, "agent_compile: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
