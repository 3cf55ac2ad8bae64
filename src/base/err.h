/*
 * base/err.h -- how failure travels.
 *
 * A function that can fail returns `int`: 0, or one of the negative codes below.  The code says
 * what the caller should do about it; the text in `struct err` says what happened, complete enough
 * to be logged or shown as it is.  The first failure fills the text, callers on the way up may
 * prefix it.
 */
#ifndef ABACUS_BASE_ERR_H
#define ABACUS_BASE_ERR_H

enum err_code {
    ERR_INVALID = -1,     /* the input is wrong: answer 4xx, do not retry */
    ERR_NOTFOUND = -2,    /* no such thing: answer 404 */
    ERR_UNAVAILABLE = -3, /* a peer is down: keep the batch, retry later */
    ERR_UNCERTAIN = -7,   /* a write may or may not have happened: replay by batch id */
    ERR_FULL = -4,        /* a bound was reached: shed load, answer 429 */
    ERR_CORRUPT = -5,     /* stored data fails its check: stop and tell the operator */
    ERR_SYSTEM = -6,      /* the operating system refused: see the text */
    ERR_DENIED = -8,      /* the caller may not do this: answer 403 */
    ERR_CONFLICT = -9,    /* it differs from what is there already: answer 409 */
};

struct err {
    char text[256];
};

/* Format into `err` (which may be NULL) and give `code`, so that callers write `return err_set(err,
 * ERR_INVALID, "event %zu: siteId is missing", i)`. Macros, so that whoever reads a caller,
 * compiler and analyzer too, sees the code. */
#define err_set(err, code, ...) (err_fill((err), __VA_ARGS__), (int)(code))

/* Put "prefix: " in front of the text already in `err`; give `code`. */
#define err_wrap(err, code, ...) (err_prefix((err), __VA_ARGS__), (int)(code))

void err_fill(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));
void err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

#endif
