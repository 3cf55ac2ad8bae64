/*
 * base/logger.h -- one logfmt line per event on stderr.
 *
 *     time=2026-11-22T10:05:00.123Z level=info msg="listening" addr=127.0.0.1:8080
 *
 * Never given: addresses, User-Agents, tokens, salts. A line is one write(2). Any thread.
 */
#ifndef ABACUS_BASE_LOGGER_H
#define ABACUS_BASE_LOGGER_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct logger {
    enum log_level level; /* lines above it are left out */
};

/* `fields` is a printf format for ready "key=value key2=%s" text, or NULL for none; a value that
 * may hold spaces or quotes is written with %s from logger_quote(). Control characters become
 * spaces, and a line longer than 2 KiB is cut. errno is kept. */
void logger_line(const struct logger *logger, enum log_level level, const char *msg,
                 const char *fields, ...) __attribute__((format(printf, 4, 5)));

/* Quote `text` for logfmt into out (cut to fit); returns out. */
const char *logger_quote(const char *text, char *out, unsigned long size);

#endif
