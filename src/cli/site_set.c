/*
 * cli/site_set.c -- `abacus site set`: the settings of a site, from NAME=VALUE.
 *
 * It is the API's PATCH: all of a command is done or none of it, on the site as it is then. The
 * help is made from the store's table of settings and from what manage/values.h says of each.
 */
#include "cli/managed.h"
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
     .sentence = "A setting; without a value (NAME=) it goes back to its default. status=active "
                 "takes back what `abacus site rm` did."},
    {.name = "json",
     .type = OPTION_FLAG,
     SET(json),
     .sentence = "Give the site as it is now as JSON."},
    {.name = NULL},
};

/* -- the change -------------------------------------------------------------------------------- */

/* A site's members that are no settings are not for here, but for taking back what rm did. */
static int check_names(const struct text_list *changes, struct err *err)
{
    struct site_setting setting;
    for (size_t i = 0; i < changes->count; i++) {
        struct str text = changes->items[i], name = str_slice(text, 0, str_find(text, 0, '='));
        if (!str_eq(name, STR("status")) && site_setting_find(name, &setting, err) != 0) {
            struct err why = *err;
            return err_set(err, ERR_INVALID, "%s (abacus site set --help lists those there are)",
                           why.text);
        }
    }
    return 0;
}

static int show(struct managed *managed, struct str id, struct err *err)
{
    struct json_out json = {.buf = managed->in->out};
    struct site_row row;
    int rc = store_get(managed->store, ROW_SITE, id, managed->in->arena, &row, err);
    if (rc == 1) {
        site_json(&row, &json);
        buf_addc(managed->in->out, '\n');
    }
    return rc < 0 ? rc : 0;
}

static int run(const struct invocation *in, struct err *err)
{
    const struct set_args *args = in->args;
    struct managed managed;
    int rc = check_names(&args->changes, err);
    if (rc != 0) {
        return rc;
    }
    rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = managed_assign(&managed, manage_members(MANAGE_SITES), &args->changes, err);
    }
    if (rc == 0) {
        rc = managed_put(&managed, MANAGE_SITES, args->id, MANAGE_PATCH, err);
    }
    if (rc == 0 && args->json) {
        rc = show(&managed, args->id, err);
    }
    return managed_close(&managed, rc);
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
