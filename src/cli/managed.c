/* cli/managed.c -- from a command's options to manage/, and from its answer to a person. */
#include "cli/managed.h"

#include "base/clock.h"
#include "cli/table.h"

/* -- the way there ----------------------------------------------------------------------------- */

int managed_open(struct managed *managed, const struct invocation *in, bool write, struct err *err)
{
    *managed = (struct managed){.in = in, .caller = caller_command()};
    managed->json = (struct json_out){.buf = &managed->body};
    json_open(&managed->json, '{');
    int rc = settings_open_store(in->settings, !write, in->arena, &managed->store, err);
    if (rc != 0) {
        return rc;
    }
    uint8_t *key = arena_alloc(in->arena, 1, sizeof(((struct directory_rows *)0)->signing_key));
    struct directory_rows rows;
    rc = store_read_directory(managed->store, in->arena, &rows, err);
    if (rc == 0) {
        memcpy(key, rows.signing_key, sizeof(rows.signing_key));
    }
    managed->manage = (struct manage){.store = managed->store,
                                      .caller = &managed->caller,
                                      .arena = in->arena,
                                      .now_ms = clock_wall_ms(),
                                      .public_url = in->settings->public_url,
                                      .signing_key = key,
                                      .raw_days = (int32_t)in->settings->raw_days,
                                      .visit_days = (int32_t)in->settings->visit_days,
                                      .stats_days = (int32_t)in->settings->stats_days};
    return rc;
}

int managed_close(struct managed *managed, int rc)
{
    store_close(&managed->store);
    buf_release(&managed->body);
    buf_release(&managed->answer);
    return rc;
}

/* -- members ----------------------------------------------------------------------------------- */

void managed_text(struct managed *managed, const char *name, struct str value)
{
    if (value.len > 0) {
        json_name(&managed->json, str_from(name));
        json_str(&managed->json, value);
    }
}

void managed_number(struct managed *managed, const char *name, int64_t value)
{
    if (value >= 0) {
        json_name(&managed->json, str_from(name));
        json_i64(&managed->json, value);
    }
}

void managed_instant(struct managed *managed, const char *name, int64_t ms)
{
    cli_json_instant(&managed->json, str_from(name), ms);
}

void managed_texts(struct managed *managed, const char *name, const struct text_list *list)
{
    if (list->count == 0) {
        return;
    }
    json_name(&managed->json, str_from(name));
    json_open(&managed->json, '[');
    for (size_t i = 0; i < list->count; i++) {
        json_str(&managed->json, list->items[i]);
    }
    json_close(&managed->json, ']');
}

void managed_flag(struct managed *managed, const char *name, bool value)
{
    json_name(&managed->json, str_from(name));
    json_bool(&managed->json, value);
}

/* "array" of a member with that name; empty: there is none. */
static struct str type_of(const struct manage_member *members, struct str name)
{
    while (members->name != NULL && !str_eq(str_from(members->name), name)) {
        members++;
    }
    return members->name == NULL ? STR("") : str_from(members->type);
}

/* a,b is a list of texts. What is JSON is taken as it is, anything else is text. */
static void add_value(struct managed *managed, struct str type, struct str value)
{
    enum { DEPTH = 4 };
    struct json *json = NULL;
    struct str item;
    if (value.len == 0) {
        json_null(&managed->json);
    } else if (str_eq(type, STR("array")) && value.ptr[0] != '[' && value.ptr[0] != '{') {
        json_open(&managed->json, '[');
        while (str_next(&value, ',', &item)) {
            json_str(&managed->json, str_trim(item));
        }
        json_close(&managed->json, ']');
    } else if (!str_eq(type, STR("string")) &&
               json_parse(value, DEPTH, managed->in->arena, &json, NULL) == 0) {
        json_value(&managed->json, json);
    } else {
        json_str(&managed->json, value);
    }
}

/* Changes of one object ("limits.") become one member, wherever they stand. */
static bool starts_same(struct str text, struct str group)
{
    return text.len > group.len && str_starts(text, group) && text.ptr[group.len] == '.';
}

static bool group_is_done(const struct text_list *changes, size_t i, struct str group)
{
    for (size_t k = 0; k < i; k++) {
        if (starts_same(changes->items[k], group)) {
            return true;
        }
    }
    return false;
}

/* The last of a name holds. */
static bool comes_again(const struct text_list *changes, size_t i, struct str name)
{
    while (++i < changes->count) {
        struct str text = changes->items[i];
        if (str_eq(str_slice(text, 0, str_find(text, 0, '=')), name)) {
            return true;
        }
    }
    return false;
}

static void add_change(struct managed *managed, const struct manage_member *members,
                       const struct text_list *changes, size_t i, size_t group_len)
{
    struct str text = changes->items[i];
    size_t equals = str_find(text, 0, '=');
    struct str name = str_slice(text, 0, equals);
    if (!comes_again(changes, i, name)) {
        json_name(&managed->json, str_slice(name, group_len, name.len));
        add_value(managed, type_of(members, name), str_slice(text, equals + 1, text.len));
    }
}

static void add_group(struct managed *managed, const struct manage_member *members,
                      const struct text_list *changes, size_t first, struct str group)
{
    json_name(&managed->json, group);
    json_open(&managed->json, '{');
    for (size_t i = first; i < changes->count; i++) {
        if (starts_same(changes->items[i], group)) {
            add_change(managed, members, changes, i, group.len + 1);
        }
    }
    json_close(&managed->json, '}');
}

int managed_assign(struct managed *managed, const struct manage_member *members,
                   const struct text_list *changes, struct err *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct str text = changes->items[i];
        size_t equals = str_find(text, 0, '='), dot = str_find(text, 0, '.');
        if (equals == text.len || equals == 0) {
            return err_set(err, ERR_INVALID, "%.*s: NAME=VALUE is wanted", STR_FMT(text));
        }
        if (dot > equals) {
            add_change(managed, members, changes, i, 0);
        } else if (!group_is_done(changes, i, str_slice(text, 0, dot))) {
            add_group(managed, members, changes, i, str_slice(text, 0, dot));
        }
    }
    return 0;
}

int managed_body(struct managed *managed, const struct json **out, struct err *err)
{
    enum { DEPTH = 8 };
    struct json *json = NULL;
    json_close(&managed->json, '}');
    int rc = json_parse(buf_str(&managed->body), DEPTH, managed->in->arena, &json, err);
    *out = json;
    return rc;
}

int managed_put(struct managed *managed, enum manage_kind kind, struct str id, enum manage_how how,
                struct err *err)
{
    const struct json *body = NULL;
    enum manage_done done;
    int rc = managed_body(managed, &body, err);
    if (rc == 0) {
        rc = manage_put(&managed->manage, kind, id, body, how, &done, &managed->answer, err);
    }
    return rc;
}

/* -- the way back ------------------------------------------------------------------------------ */

int managed_answer(struct managed *managed, const struct json **out, struct err *err)
{
    enum { DEPTH = 16 };
    struct json *json = NULL;
    int rc = json_parse(buf_str(&managed->answer), DEPTH, managed->in->arena, &json, err);
    *out = json;
    return rc;
}

static const struct json *find_member(const struct json *object, const char *path)
{
    struct str rest = str_from(path), name;
    while (object != NULL && str_next(&rest, '.', &name)) {
        object = object->type == JSON_OBJECT ? json_get(object, name) : NULL;
    }
    return object;
}

static void add_text(const struct json *value, struct buf *out)
{
    switch (value->type) {
    case JSON_STRING:
    case JSON_NUMBER:
        buf_add(out, value->text);
        break;
    case JSON_BOOL:
        buf_add(out, value->boolean ? STR("yes") : STR("no"));
        break;
    case JSON_ARRAY:
        for (size_t i = 0; i < value->count; i++) {
            bool object = value->items[i].type == JSON_OBJECT;
            buf_add(out, i == 0 ? STR("") : object ? STR("; ") : STR(", "));
            add_text(&value->items[i], out);
        }
        break;
    case JSON_OBJECT: /* a membership, the rows of a receipt */
        for (size_t i = 0; i < value->count; i++) {
            buf_addf(out, "%s%.*s ", i > 0 ? ", " : "", STR_FMT(value->members[i].name));
            add_text(&value->members[i].value, out);
        }
        break;
    case JSON_NULL:
        break;
    }
}

struct str managed_member(const struct json *object, const char *path, struct arena *arena)
{
    const struct json *value = find_member(object, path);
    struct buf text = {0};
    if (value != NULL) {
        add_text(value, &text);
    }
    struct str kept = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

/* An instant to the second, as other tables have it. */
static struct str to_second(const char *path, struct str text, struct arena *arena)
{
    enum { SECOND = sizeof("2026-11-22T10:05:00") - 1 };
    size_t len = strlen(path);
    struct buf cut = {0};
    if (len < 2 || (strcmp(path + len - 2, "At") != 0 && strcmp(path, "at") != 0) ||
        text.len <= SECOND) {
        return text;
    }
    buf_addf(&cut, "%.*sZ", STR_FMT(str_slice(text, 0, SECOND)));
    struct str kept = arena_str(arena, buf_str(&cut));
    buf_release(&cut);
    return kept;
}

static void add_rows(const struct json *rows, const struct column *columns, struct arena *arena,
                     struct table *table)
{
    for (size_t i = 0; i < rows->count; i++) {
        for (size_t k = 0; columns[k].title != NULL; k++) {
            struct str text = managed_member(&rows->items[i], columns[k].path, arena);
            text = to_second(columns[k].path, text, arena);
            table_cell(table, text.len > 0 ? text : STR("-"));
        }
    }
}

static struct table begin_table(const struct column *columns, struct arena *arena)
{
    struct table table = {.arena = arena};
    while (columns[table.columns].title != NULL) {
        table.columns++;
    }
    for (size_t k = 0; k < table.columns; k++) {
        table_cell(&table, str_from(columns[k].title));
    }
    return table;
}

void managed_table(const struct invocation *in, const struct json *rows,
                   const struct column *columns)
{
    struct table table = begin_table(columns, in->arena);
    add_rows(rows, columns, in->arena, &table);
    table_print(&table, in->out);
}

/* The rows of an answer are its first member that is an array. */
static const struct json *rows_of(const struct json *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->members[i].value.type == JSON_ARRAY) {
            return &answer->members[i].value;
        }
    }
    return NULL;
}

/* One page after the other. */
static int list_all(struct managed *managed, enum manage_kind kind, struct manage_query query,
                    const struct column *columns, bool json, struct err *err)
{
    struct table table = begin_table(columns, managed->in->arena);
    struct json_out out = {.buf = managed->in->out};
    const struct json *answer = NULL;
    int rc = 0;
    query.limit = MANAGE_LIMIT_MAX;
    if (json) {
        json_open(&out, '[');
    }
    do {
        buf_reset(&managed->answer);
        rc = manage_list(&managed->manage, kind, &query, &managed->answer, err);
        if (rc == 0) {
            rc = managed_answer(managed, &answer, err);
        }
        const struct json *rows = rc == 0 ? rows_of(answer) : NULL;
        for (size_t i = 0; json && rows != NULL && i < rows->count; i++) {
            json_value(&out, &rows->items[i]);
        }
        if (!json && rows != NULL) {
            add_rows(rows, columns, managed->in->arena, &table);
        }
        query.cursor = rc == 0 ? managed_member(answer, "nextCursor", managed->in->arena) : STR("");
    } while (rc == 0 && query.cursor.len > 0);
    if (rc == 0 && json) {
        json_close(&out, ']');
        buf_addc(managed->in->out, '\n');
    } else if (rc == 0) {
        table_print(&table, managed->in->out);
    }
    return rc;
}

int managed_list(const struct invocation *in, enum manage_kind kind,
                 const struct manage_query *query, const struct column *columns, bool json,
                 struct err *err)
{
    struct managed managed;
    int rc = managed_open(&managed, in, false, err);
    if (rc == 0) {
        rc = list_all(&managed, kind, *query, columns, json, err);
    }
    return managed_close(&managed, rc);
}

/* The answer as it is, or its rows as a table. */
int managed_show(struct managed *managed, bool json, const struct column *columns, struct err *err)
{
    const struct invocation *in = managed->in;
    const struct json *answer = NULL;
    if (json) {
        buf_add(in->out, buf_str(&managed->answer));
        buf_addc(in->out, '\n');
        return 0;
    }
    int rc = managed_answer(managed, &answer, err);
    for (size_t i = 0; rc == 0 && i < answer->count; i++) {
        if (answer->members[i].value.type == JSON_ARRAY) {
            managed_table(in, &answer->members[i].value, columns);
        }
    }
    return rc;
}

/* -- removing ---------------------------------------------------------------------------------- */

const struct option remove_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     .offset = offsetof(struct remove_args, id),
     .sentence = "Which one."},
    {.name = "now",
     .type = OPTION_FLAG,
     .offset = offsetof(struct remove_args, now),
     .sentence = "Erase it with the next run of the job, not after 30 days."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct remove_args, json),
     .sentence = "Give the receipt as JSON."},
    {.name = NULL},
};

static int say_receipt(struct managed *managed, bool json, struct err *err)
{
    const struct json *receipt = NULL;
    struct arena *arena = managed->in->arena;
    if (managed->answer.len == 0) {
        return 0;
    }
    if (json) {
        buf_add(managed->in->out, buf_str(&managed->answer));
        buf_addc(managed->in->out, '\n');
        return 0;
    }
    int rc = managed_answer(managed, &receipt, err);
    if (rc == 0) {
        buf_addf(managed->in->out, "Receipt %.*s: to be erased from %.*s on\n",
                 STR_FMT(managed_member(receipt, "id", arena)),
                 STR_FMT(managed_member(receipt, "dueAt", arena)));
    }
    return rc;
}

int managed_remove(const struct invocation *in, enum manage_kind kind, struct str id, bool now,
                   bool json, struct err *err)
{
    struct managed managed;
    int rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = manage_remove(&managed.manage, kind, id, now, &managed.answer, err);
    }
    if (rc == 0) {
        rc = say_receipt(&managed, json, err);
    }
    return managed_close(&managed, rc);
}
