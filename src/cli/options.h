/*
 * cli/options.h -- what an option is, and how its value is found and read.
 *
 * Options stand in tables; the parser, --help and doc/REFERENCE.md all come from them. An option's
 * text is taken from the command line, else from its environment variable, else from the file that
 * --config names, else it is the table's own. Then it is read by its type, checked against its
 * bounds, and put into a field of the caller's struct. Every complaint names the place that the
 * text came from: "--listen", "ABACUS_LISTEN", "abacus.conf:3: listen".
 *
 * Reading is pure but for that file (and the zoneinfo files behind OPTION_ZONE): arguments and
 * environment are handed in.
 */
#ifndef ABACUS_CLI_OPTIONS_H
#define ABACUS_CLI_OPTIONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/net.h"
#include "base/str.h"

/* How the text is read, and which field takes it. */
enum option_type {
    OPTION_FLAG,     /* bool; takes no value */
    OPTION_TEXT,     /* struct str, not empty */
    OPTION_CHOICE,   /* struct str; one of `value`, which lists them: "everysec|always" */
    OPTION_ID,       /* struct str; [A-Za-z0-9_-]{1,64} */
    OPTION_HOST,     /* struct str; a host name or address, in lower case */
    OPTION_ORIGIN,   /* struct str; a host, "*.example.com" or "*" */
    OPTION_ZONE,     /* struct str; an IANA time zone that this machine knows */
    OPTION_ENDPOINT, /* struct str; "127.0.0.1:8080", "[::1]:0" */
    OPTION_URL,      /* struct str; http or https, without a slash at its end */
    OPTION_DATABASE, /* struct str; "sqlite:PATH" or "postgres://..." */
    OPTION_REDIS,    /* struct str; "redis://..." or "redis+sentinel://..." */
    OPTION_SET,      /* unsigned; some of `value`, "ingest,aggregate": bit i for the i-th of them */
    OPTION_CIDRS,    /* struct cidr_list; separated by commas, may be empty */
    OPTION_COUNT,    /* int64_t */
    OPTION_DURATION, /* int64_t, milliseconds: "250ms", "10s", "5m", "1h", "30d", "0" */
    OPTION_SIZE,     /* int64_t, bytes: "65536", "512MiB", "1GiB" */
    OPTION_TYPES,
};

struct option {
    const char *name;        /* "listen": --listen, and `listen =` in the file */
    const char *environment; /* NULL: only on the command line */
    enum option_type type;
    const char *value;    /* what stands for the value in the help: "ADDRESS:PORT" */
    const char *fallback; /* as one would type it; NULL: the field stays zero */
    int64_t min, max;     /* of numbers, both allowed */
    bool zero;            /* 0 is allowed too */
    bool list;            /* may be repeated; the field is a struct text_list */
    bool required;
    bool secret;    /* not taken on the command line, which everybody on the machine can read */
    unsigned group; /* which commands take it (cli/command.h); 0: it belongs to one command's own
                       table */
    size_t offset;  /* of the field */
    const char *sentence;
};

struct text_list {
    struct str *items;
    size_t count;
};
struct cidr_list {
    struct cidr *items;
    size_t count;
};

/* A table, and where its values go. Ends with a NULL name. Only options of one of `groups`, or of
 * none, are taken on the command line and read; the file may name them all. */
struct option_set {
    const struct option *options;
    void *values;
    unsigned groups;
};

struct option_input {
    const char *const *arguments;   /* ends with NULL; without the command's name */
    const char *const *environment; /* "NAME=value", ends with NULL */
    const char
        *operand; /* the option that an argument without dashes stands for; NULL: there is none */
    const char *rest; /* the list that those behind it are for; NULL: there are none */
};

/* Read everything. ERR_INVALID: wrong usage. ERR_SYSTEM: the file cannot be read. Texts are
 * borrowed from the input or live in the arena. An option named "config" names the file. */
int options_read(const struct option_set *sets, size_t sets_count, const struct option_input *input,
                 struct arena *arena, struct err *err);

/* True if --help or -h is among the arguments, before any "--". */
bool options_ask_help(const char *const *arguments);

/* One text to one field, by the option's type and bounds. The complaint does not name the place. */
int option_convert(const struct option *option, struct str text, struct arena *arena, void *field,
                   struct err *err);

/* "100ms to 24h, or 0"; nothing for types without bounds. */
void option_bounds(const struct option *option, struct buf *out);

/* A line of the file: name and value. Calls fn for each; `line` counts from 1. */
struct config_line {
    struct str name, value;
    unsigned line;
};
int config_lines(struct str text,
                 int (*fn)(void *ctx, const struct config_line *line, struct err *err), void *ctx,
                 struct err *err);
int config_load(struct str path, struct arena *arena, struct str *text, struct err *err);

#endif
