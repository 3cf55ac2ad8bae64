/* cli/secret.c -- asking for a password. */
#include "cli/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* A line of stdin without its end; what the library kept of it is wiped. */
static int read_line(struct arena *arena, struct str *out, struct err *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len = getline(&line, &room, stdin);
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    if (len > 0) {
        *out = arena_str(arena, (struct str){line, (size_t)len});
    }
    if (line != NULL) {
        explicit_bzero(line, room);
    }
    free(line);
    return len > 0 ? 0 : err_set(err, ERR_INVALID, "password: there is none on stdin");
}

static int ask(const char *prompt, struct arena *arena, struct str *out, struct err *err)
{
    struct termios shown, hidden;
    fputs(prompt, stderr);
    fflush(stderr);
    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return err_set(err, ERR_SYSTEM, "password: the terminal cannot be asked");
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    int rc = read_line(arena, out, err);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return rc;
}

int secret_read(const char *prompt, struct arena *arena, struct str *out, struct err *err)
{
    struct str again = STR("");
    if (isatty(STDIN_FILENO) == 0) {
        return read_line(arena, out, err);
    }
    int rc = ask(prompt, arena, out, err);
    if (rc == 0) {
        rc = ask("The same again: ", arena, &again, err);
    }
    if (rc == 0 && !str_eq(*out, again)) {
        rc = err_set(err, ERR_INVALID, "password: the two differ");
    }
    return rc;
}
