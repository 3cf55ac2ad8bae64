/*
 * directory/lists.c -- lists of texts in rows, and telling the operator of what cannot be read.
 */
#include "directory/directory_internal.h"

#include "base/json.h"

#include <stdio.h>

enum { LIST_DEPTH = 1 };

void directory_warn(const struct directory *directory, const char *msg, const char *kind,
                    struct str id, const char *why)
{
    char quoted[384];

    if (directory->config.logger == NULL)
        return;
    (void)logger_quote(why, quoted, sizeof(quoted));
    if (id.len == 0)
        logger_line(directory->config.logger, LOG_WARN, msg, "reason=%s", quoted);
    else
        logger_line(directory->config.logger, LOG_WARN, msg, "%s=%.*s reason=%s", kind, STR_FMT(id),
                    quoted);
}

void list_warn(const struct list_reader *reader, const char *member, const char *why)
{
    char msg[128];

    (void)snprintf(msg, sizeof(msg), "setting %s ignored", member);
    directory_warn(reader->directory, msg, reader->kind, reader->id, why);
}

struct str *read_list(const struct list_reader *reader, const char *member, struct str text,
                      size_t *count)
{
    struct json *json = NULL;
    struct err err = {""};

    *count = 0;
    if (text.len == 0)
        return NULL;
    if (json_parse(text, LIST_DEPTH, reader->arena, &json, &err) != 0 || json->type != JSON_ARRAY) {
        list_warn(reader, member, err.text[0] == '\0' ? "not a list" : err.text);
        return NULL;
    }
    struct str *list = ARENA_NEW(reader->arena, struct str, json->count + 1);

    for (size_t i = 0; i < json->count; i++)
        if (json->items[i].type == JSON_STRING)
            list[(*count)++] = json->items[i].text;
        else
            list_warn(reader, member, "an item is no text");
    return list;
}
