/*
 * import/import_internal.h -- a file's lines, and its name as a producer.
 */
#ifndef ABACUS_IMPORT_IMPORT_INTERNAL_H
#define ABACUS_IMPORT_IMPORT_INTERNAL_H

#include "base/position.h"
#include "event/event.h"
#include "import/import.h"

enum { LINE_MAX_BYTES = 65536, READ_BYTES = 1 << 20 };

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
/* 1: a line, without its end, borrowed until the next call (of one longer than LINE_MAX_BYTES its
 * beginning); 0: the end. The last line needs no line feed. */
int lines_next(struct lines *lines, struct str *out, struct err *err);

/* What all bytes of a file, and the site, are hashed to. `secret` is another hash that is kept
 * nowhere: salts of the file's days are made from it. */
struct file_name {
    struct producer producer;
    uint8_t secret[SALT_BYTES];
    uint64_t lines;
};
int file_name_of(int fd, struct str site, struct file_name *out, struct err *err);

#endif
