/*
 * cli/secret.c -- asking for a password.
 *
 * While a terminal shows nothing, signals that end the program wait until it shows again: a shell
 * would be left where nobody sees what they type.
 */
#include "cli/secret.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
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

/* A line, or one of the signals, which are blocked. */
static int wait_for_line(const sigset_t *signals, struct err *err)
{
    int fd = signalfd(-1, signals, SFD_CLOEXEC);
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int ready = fd < 0 ? -1 : poll(fds, 2, -1);
    if (fd >= 0) {
        (void)close(fd);
    }
    return ready > 0 && fds[1].revents == 0
               ? 0
               : err_set(err, ERR_SYSTEM, "password: the terminal cannot be asked");
}

static int read_hidden(const struct termios *shown, struct arena *arena, struct str *out,
                       struct err *err)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct termios hidden = *shown;
    sigset_t signals, before;
    (void)sigemptyset(&signals);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
        (void)sigaddset(&signals, ending[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    int rc = wait_for_line(&signals, err);
    if (rc == 0) {
        rc = read_line(arena, out, err);
    }
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, shown);
    fputc('\n', stderr);
    (void)sigprocmask(SIG_SETMASK, &before, NULL); /* ends the program if one came */
    return rc;
}

static int ask(const char *prompt, struct arena *arena, struct str *out, struct err *err)
{
    struct termios shown;
    fputs(prompt, stderr);
    fflush(stderr);
    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return err_set(err, ERR_SYSTEM, "password: the terminal cannot be asked");
    }
    return read_hidden(&shown, arena, out, err);
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
