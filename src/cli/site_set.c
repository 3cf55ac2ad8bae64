/*
 * cli/site_set.c -- `abacus site set`: the settings of a site, from NAME=VALUE.
 *
 * Names, types and bounds are the store's (store_settings); what a value must be and what it means
 * stands in manage/values.h. Here stands how a person writes it. All of a command is done or none
 * of it.
 */
#include "cli/site.h"

#include "manage/values.h"

struct set_args {
    struct str id;
    struct text_list changes;
    bool json;
};
#define SET(member) .offset = offsetof(struct set_args, member)

static const struct option set_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     SET(id),
     .sentence = "The site."},
    {.name = "set",
     .type = OPTION_TEXT,
     .value = "NAME=VALUE",
     .list = true,
     .required = true,
     SET(changes),
     .sentence = "A setting; without a value (NAME=) it goes back to its default."},
    {.name = "json",
     .type = OPTION_FLAG,
     SET(json),
     .sentence = "Give the site as it is now as JSON."},
    {.name = NULL},
};

/* -- from NAME=VALUE to the row ---------------------------------------------------------------- */

/* A JSON array of texts, or texts between commas. */
static int read_items(struct str text, struct arena *arena, struct text_list *out, struct err *err)
{
    struct json *json = NULL;
    struct str piece;
    out->items = ARENA_NEW(arena, struct str, text.len + 1);
    if (!str_starts(text, STR("["))) {
        while (str_next(&text, ',', &piece)) {
            out->items[out->count++] = str_trim(piece);
        }
        return 0;
    }
    int rc = json_parse(text, 1, arena, &json, err);
    for (size_t i = 0; rc == 0 && i < json->count; i++) {
        if (json->items[i].type != JSON_STRING) {
            rc = err_set(err, ERR_INVALID, "must be a list of texts: a,b or [\"a\",\"b\"]");
        }
        out->items[out->count++] = json->items[i].text;
    }
    return rc;
}

static int read_list(struct str name, struct str *io, struct arena *arena, struct err *err)
{
    struct text_list list = {0};
    int rc = read_items(*io, arena, &list, err);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        struct str item = list.items[i];
        rc = item.len > 0 ? value_read(name, item, arena, &list.items[i], err)
                          : err_set(err, ERR_INVALID, "an item is empty");
    }
    if (rc == 0) {
        *io = site_json_list(&list, STR(""), arena);
    }
    return rc;
}

static int change(struct site_row *row, struct str text, struct arena *arena, struct err *err)
{
    struct site_setting setting;
    size_t equals = str_find(text, 0, '=');
    struct str name = str_slice(text, 0, equals), value = str_slice(text, equals + 1, text.len);
    if (equals == text.len) {
        return err_set(err, ERR_INVALID, "%.*s: NAME=VALUE is wanted", STR_FMT(text));
    }
    if (site_setting_find(name, &setting, err) != 0) {
        struct err why = *err;
        return err_set(err, ERR_INVALID, "%s (abacus site set --help lists those there are)",
                       why.text);
    }
    int rc = 0;
    if (value.len > 0 && setting.type == SETTING_LIST) {
        rc = read_list(name, &value, arena, err);
    } else if (value.len > 0) {
        rc = value_read(name, value, arena, &value, err);
    }
    if (rc != 0) {
        return err_wrap(err, rc, "%s", setting.name);
    }
    return site_setting_put(row, name, value, arena, err);
}

static int run_in(struct store *store, const struct invocation *in, struct err *err)
{
    const struct set_args *args = in->args;
    struct directory_rows rows;
    int rc = store_read_directory(store, in->arena, &rows, err);
    if (rc != 0) {
        return rc;
    }
    const struct site_row *there = site_find(&rows, args->id);
    if (there == NULL) {
        return err_set(err, ERR_NOTFOUND, "site %.*s: no such site", STR_FMT(args->id));
    }
    struct site_row row = *there;
    for (size_t i = 0; rc == 0 && i < args->changes.count; i++) {
        rc = change(&row, args->changes.items[i], in->arena, err);
    }
    if (rc == 0) {
        const struct actor actor = cli_actor();
        rc = store_set_site(store, &row, &actor, err);
    }
    if (rc == 0 && args->json) {
        struct json_out json = {.buf = in->out};
        site_json(&row, &json);
        buf_addc(in->out, '\n');
    }
    return rc;
}

static int run(const struct invocation *in, struct err *err)
{
    struct store *store = NULL;
    int rc = settings_open_store(in->settings, false, in->arena, &store, err);
    if (rc == 0) {
        rc = run_in(store, in, err);
    }
    store_close(&store);
    return rc;
}

/* -- help -------------------------------------------------------------------------------------- */

static void add_takes(const struct site_setting *setting, const char *takes, struct buf *out)
{
    static const char *const of_type[] = {[SETTING_TEXT] = "text",
                                          [SETTING_LIST] = "TEXT,...",
                                          [SETTING_JSON] = "a JSON list",
                                          [SETTING_BOOL] = "true, false",
                                          [SETTING_DAYS] = "days"};
    if (takes != NULL) {
        buf_add(out, str_from(takes));
    } else if (setting->type == SETTING_NUMBER || setting->type == SETTING_DAYS) {
        buf_addf(out, "%lld to %lld%s", (long long)setting->min, (long long)setting->max,
                 setting->type == SETTING_DAYS ? "; 0: for ever" : "");
    } else {
        buf_add(out, str_from(of_type[setting->type]));
    }
}

static void add_help(bool markdown, struct buf *out)
{
    struct site_setting setting;
    buf_add(out, markdown ? STR("\n| setting | takes | meaning |\n|---|---|---|\n")
                          : STR("\nSettings:\n"));
    for (size_t i = 0; site_setting_at(i, &setting); i++) {
        struct str name = str_from(setting.name);
        buf_addf(out, markdown ? "| `%s` | " : "  %s (", setting.name);
        add_takes(&setting, value_takes(name), out);
        buf_addf(out, markdown ? " | %s |\n" : ")\n      %s\n", value_sentence(name));
    }
}

const struct command command_site_set = {
    .name = "site set",
    .summary = "Change settings of a site; they hold within a second.",
    .note = "A list is written a,b or as JSON. New goals are counted from the kept raw events too.",
    .options = set_options,
    .args_size = sizeof(struct set_args),
    .operand = "id",
    .rest = "set",
    .add_help = add_help,
    .groups = SETTINGS_DATA,
    .run = run,
};
