#include "base/logger.h"

#include "base/clock.h"
#include "base/date.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* A longer line is cut; below PIPE_BUF, so that lines of several processes never mix in a pipe. */
enum { LINE_MAX_BYTES = 2048 };

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warn",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

/* The number of bytes that snprintf() really wrote. */
static size_t written(int wanted, size_t room)
{
    if (wanted < 0)
        return 0;
    return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/* Nothing in a line may end it early or move a terminal's cursor. */
static void blank_controls(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
}

static void write_once(const char *line, size_t len)
{
    ssize_t n;

    /* There is nobody to tell when stderr does not take it. */
    do
        n = write(STDERR_FILENO, line, len);
    while (n < 0 && errno == EINTR);
}

void logger_line(const struct logger *logger, enum log_level level, const char *msg,
                 const char *fields, ...)
{
    char line[LINE_MAX_BYTES], quoted[256], time[INSTANT_TEXT];
    size_t room = sizeof(line) - 1; /* the last byte is the newline's */
    int error = errno;
    va_list ap;

    if (level > logger->level)
        return;
    instant_format(clock_wall_ms(), time);
    size_t len = written(snprintf(line, room, "time=%s level=%s msg=%s", time, level_names[level],
                                  logger_quote(msg, quoted, sizeof(quoted))),
                         room);

    if (fields != NULL && fields[0] != '\0') {
        line[len++] = ' ';
        va_start(ap, fields);
        len += written(vsnprintf(line + len, room - len, fields, ap), room - len);
        va_end(ap);
    }
    blank_controls(line, len);
    line[len++] = '\n';
    write_once(line, len);
    errno = error;
}

/* Take back the beginning of a UTF-8 character whose end did not fit. */
static size_t whole_chars(const char *text, size_t len)
{
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

const char *logger_quote(const char *text, char *out, unsigned long size)
{
    size_t fits = 0, len = 0;

    if (size < sizeof("\"\"")) {
        if (size > 0)
            out[0] = '\0';
        return out;
    }
    for (size_t used = sizeof("\"\""); text[fits] != '\0'; fits++) {
        used += text[fits] == '"' || text[fits] == '\\' ? 2 : 1;
        if (used > size)
            break;
    }
    fits = whole_chars(text, fits);
    out[len++] = '"';
    for (size_t i = 0; i < fits; i++) {
        if (text[i] == '"' || text[i] == '\\')
            out[len++] = '\\';
        out[len++] = text[i];
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
