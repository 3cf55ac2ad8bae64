/*
 * cli/main.c -- `abacus COMMAND [OPTIONS]`: find the command, read its options, run it, say how it
 * ended.
 *
 * This is the one place where the command line reports: results go to stdout at once when the
 * command has returned, errors to stderr as "abacus: what: why". Exit status: 0 done, 1 failed, 2
 * wrong usage.
 */
#include "cli/help.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum status { STATUS_DONE, STATUS_FAILED, STATUS_USAGE };

static enum status complain(int code, const struct err *err)
{
    fprintf(stderr, "abacus: %s\n", err->text);
    return code == ERR_INVALID ? STATUS_USAGE : STATUS_FAILED;
}

/* A full disk or a closed pipe must not look like success. */
static enum status print(const struct buf *out, enum status status)
{
    if (out->len > 0 && fwrite(out->ptr, 1, out->len, stdout) != out->len) {
        fprintf(stderr, "abacus: stdout: %s\n", strerror(errno));
        return STATUS_FAILED;
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "abacus: stdout: %s\n", strerror(errno));
        return STATUS_FAILED;
    }
    return status;
}

/* The longest name that the arguments begin with: "site add". *words: of how many. */
static const struct command *find_command(const char *const *arguments, size_t *words)
{
    for (const struct command *const *at = commands; *at != NULL; at++) {
        struct str rest = str_from((*at)->name), word;
        size_t n = 0;
        bool same = true;
        while (same && str_next(&rest, ' ', &word)) {
            same = arguments[n] != NULL && str_eq(word, str_from(arguments[n]));
            n++;
        }
        if (same) {
            *words = n;
            return *at;
        }
    }
    return NULL;
}

static enum status run_command(const struct command *command, const char *const *arguments,
                               const char *const *environment, struct arena *arena, struct buf *out)
{
    struct settings settings = {0};
    void *args = arena_alloc(arena, 1, command->args_size + 1);
    const struct option_set sets[] = {
        {.options = command->options, .values = args},
        {.options = settings_options, .values = &settings, .groups = command->groups},
    };
    const struct option_input input = {arguments, environment, command->operand, command->rest};
    struct err err = {0};
    int rc = options_read(sets, command->groups == 0 ? 1 : 2, &input, arena, &err);
    if (rc != 0) {
        return complain(ERR_INVALID, &err);
    }
    settings_complete(&settings, arena);
    const struct invocation in = {.settings = &settings,
                                  .args = args,
                                  .arena = arena,
                                  .out = out,
                                  .colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL,
                                  .progress = isatty(STDERR_FILENO) == 1};
    rc = command->run(&in, &err);
    if (rc < 0) {
        return complain(rc, &err);
    }
    return rc == 0 ? STATUS_DONE : STATUS_FAILED;
}

/* The second words of the commands whose first one is `word`, joined by commas. */
static void add_second_words(struct str word, struct buf *out)
{
    for (const struct command *const *at = commands; *at != NULL; at++) {
        struct str name = str_from((*at)->name);
        size_t space = str_find(name, 0, ' ');
        if (space < name.len && str_eq(str_slice(name, 0, space), word)) {
            struct str second = str_slice(name, space + 1, name.len);
            buf_addf(out, "%s%.*s", out->len == 0 ? "" : ", ", STR_FMT(second));
        }
    }
}

/* "abacus --help", "abacus site --help", "abacus site", "abacus sit". */
static enum status no_command(const char *const *arguments, struct buf *out)
{
    struct str first = str_from(arguments[0]);
    if (options_ask_help(arguments)) {
        if (str_starts(first, STR("-"))) {
            help_overview(out);
            return STATUS_DONE;
        }
        if (help_command(first, out)) {
            return STATUS_DONE;
        }
    }
    struct buf seconds = {0};
    add_second_words(first, &seconds);
    if (seconds.len > 0) {
        fprintf(stderr, "abacus: %s: one of %.*s must follow\n", arguments[0],
                STR_FMT(buf_str(&seconds)));
    } else {
        fprintf(stderr, "abacus: %s: unknown command (abacus help lists them)\n", arguments[0]);
    }
    buf_release(&seconds);
    return STATUS_USAGE;
}

static enum status dispatch(const char *const *arguments, const char *const *environment,
                            struct arena *arena, struct buf *out)
{
    if (arguments[0] == NULL) {
        help_overview(out);
        fwrite(out->ptr, 1, out->len, stderr);
        buf_reset(out);
        return STATUS_USAGE;
    }
    static const char *const version[] = {"version", NULL};
    if (strcmp(arguments[0], "--version") == 0) {
        arguments = version;
    }
    size_t words = 0;
    const struct command *command = find_command(arguments, &words);
    if (command == NULL) {
        return no_command(arguments, out);
    }
    if (options_ask_help(arguments + words)) {
        help_command(str_from(command->name), out);
        return STATUS_DONE;
    }
    return run_command(command, arguments + words, environment, arena, out);
}

int main(int argc, char **argv)
{
    /* A reader that goes away is an error of write(), not a signal. */
    signal(SIGPIPE, SIG_IGN);
    struct arena arena = {0};
    struct buf out = {0};
    enum status status = dispatch((const char *const *)argv + (argc > 0),
                                  (const char *const *)environ, &arena, &out);
    status = print(&out, status);
    buf_release(&out);
    arena_free(&arena);
    return (int)status;
}
