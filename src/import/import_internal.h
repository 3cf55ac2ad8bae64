/*
 * import/import_internal.h -- a file's lines, its name as a producer, and what both kinds of
 * imports ask of the store first.
 */
#ifndef ABACUS_IMPORT_IMPORT_INTERNAL_H
#define ABACUS_IMPORT_IMPORT_INTERNAL_H

#include "base/position.h"
#include "directory/directory.h"
#include "event/event.h"
#include "import/import.h"

/* -- lines (file.c) -- */

enum { LINE_MAX_BYTES = 65536, READ_BYTES = 1 << 17 };

/* A file, line by line. */
struct lines {
    int fd;
    char *bytes; /* READ_BYTES and a line */
    size_t begin, end;
    bool ended;
    uint64_t number; /* of the last line given */
};
void lines_open(struct lines *lines, int fd);
void lines_release(struct lines *lines);
/* Begin again behind line `number`. */
int lines_seek(struct lines *lines, uint64_t number, struct err *err);
/* 1: a line, without its end, borrowed until the next call; 0: the end. The last line needs no line
 * feed. One of LINE_MAX_BYTES or more may be cut, but not below that: to be refused. */
int lines_next(struct lines *lines, struct str *out, struct err *err);

/* -- the file's name (file.c) -- */

/* The same file may be tried as both; they are two producers. */
enum file_kind { FILE_ACCESS_LOG, FILE_DAILY };

/* What kind, site and all bytes are hashed to. `secret` is another hash that is kept nowhere: salts
 * of the file's days are made from it. */
struct file_name {
    struct producer producer;
    uint8_t secret[SALT_BYTES];
    uint64_t lines;
};
int file_name_of(int fd, enum file_kind kind, struct str site, struct file_name *out,
                 struct err *err);

/* -- sets of days (days.c) -- */

/* Ascending. */
struct days {
    int32_t *day;
    size_t count, cap;
};
bool days_has(const struct days *days, int32_t day);
/* False: it is there already. */
bool days_add(struct days *days, int32_t day, struct arena *arena);

/* -- the site (target.c) -- */

struct target {
    struct directory *directory;
    const struct snapshot *snapshot;
    const struct site *site;
};
/* ERR_NOTFOUND: no such site. To be released whatever it returns. */
int target_find(const struct import_config *config, int64_t now_ms, struct target *out,
                struct err *err);
void target_release(struct target *target);

/* The site's days that have numbers: those with another product's totals, and the first of its own
 * (INT32_MAX: none). */
struct target_days {
    struct days imported;
    int32_t first_own;
};
int target_days(struct store *store, const struct site *site, struct arena *arena,
                struct target_days *out, struct err *err);

/* -- who comes again (people.c) -- */

struct people;
struct people *people_new(void);
void people_free(struct people **people);

/* Look who sent the line up, or find it out: of two lines in a row of one address and agent only
 * the first costs much. What is known lives until the next look. */
struct import_sender *people_look(struct people *people, const struct import_config *config,
                                  const struct access_line *line, struct arena *scratch);

/* -- CSV (csv.c) -- */

enum { CSV_COLUMNS_MAX = 64 };

/* Split a row (RFC 4180; each row is one line). Fields without quotes lose the spaces around them;
 * texts are borrowed, or live in `arena`. ERR_INVALID. */
int csv_split(struct str line, struct arena *arena, struct str fields[CSV_COLUMNS_MAX],
              size_t *count, struct err *err);

#endif
