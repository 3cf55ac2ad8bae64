/*
 * cli/config_file.c -- the file that --config names.
 *
 * One `name = value` on a line; spaces around both are dropped; blank lines and lines that begin
 * with # are passed over. The value is taken as it stands, without quotes or escapes.
 */
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>

enum { CONFIG_BYTES_MAX = 64 * 1024 };

int config_lines(struct str text,
                 int (*fn)(void *ctx, const struct config_line *line, struct err *err), void *ctx,
                 struct err *err)
{
    struct str rest = text, line;
    for (unsigned number = 1; str_next(&rest, '\n', &line); number++) {
        if (str_ends(line, STR("\r"))) {
            line.len--;
        }
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#') {
            continue;
        }
        size_t equals = str_find(line, 0, '=');
        if (equals == line.len) {
            return err_set(err, ERR_INVALID, "%u: no \"name = value\"", number);
        }
        struct config_line found = {.name = str_trim(str_slice(line, 0, equals)),
                                    .value = str_trim(str_slice(line, equals + 1, line.len)),
                                    .line = number};
        int rc = fn(ctx, &found, err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int config_load(struct str path, struct arena *arena, struct str *text, struct err *err)
{
    FILE *file = fopen(path.ptr, "re");
    if (file == NULL) {
        return err_set(err, ERR_SYSTEM, "%s", strerror(errno));
    }
    char *bytes = ARENA_NEW(arena, char, CONFIG_BYTES_MAX + 1);
    size_t len = fread(bytes, 1, CONFIG_BYTES_MAX + 1, file);
    int rc = 0;
    if (ferror(file)) {
        rc = err_set(err, ERR_SYSTEM, "%s", strerror(errno));
    } else if (len > CONFIG_BYTES_MAX) {
        rc = err_set(err, ERR_INVALID, "larger than %d bytes", CONFIG_BYTES_MAX);
    }
    fclose(file);
    *text = (struct str){bytes, len};
    return rc;
}
