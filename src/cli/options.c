/*
 * cli/options.c -- finding each option's text: command line, environment, file, table, in this
 * order.
 *
 * Each source fills only what no source before it has given. Only then are the texts read, so that
 * a bad value which another one overrides is no error.
 */
#include "cli/options.h"

/* What was given for one option, and where. */
struct given {
    struct str *texts;
    size_t count, room;
    const char *place; /* NULL: nothing was given yet */
    bool from_file;
};

struct finder {
    const struct option_set *sets;
    size_t sets_count;
    struct given **given; /* for each set, for each of its options */
    struct arena *arena;
    struct str config_path; /* empty: none */
};

/* An option of the tables. */
struct found {
    const struct option *option;
    struct given *given;
    bool taken; /* by this command */
};

static bool belongs(const struct option_set *set, const struct option *option)
{
    return option->group == 0 || (option->group & set->groups) != 0;
}

static bool find(const struct finder *finder, struct str name, struct found *out)
{
    for (size_t s = 0; s < finder->sets_count; s++) {
        const struct option_set *set = &finder->sets[s];
        for (size_t i = 0; set->options[i].name != NULL; i++) {
            if (str_eq(name, str_from(set->options[i].name))) {
                *out = (struct found){&set->options[i], &finder->given[s][i],
                                      belongs(set, &set->options[i])};
                return true;
            }
        }
    }
    return false;
}

/* A place as text that lives in the arena: `prefix` and `name`. */
static const char *place_of(struct arena *arena, const char *prefix, struct str name)
{
    struct buf text = {0};
    buf_addf(&text, "%s%.*s", prefix, STR_FMT(name));
    buf_addc(&text, '\0');
    const char *out = arena_str(arena, buf_str(&text)).ptr;
    buf_release(&text);
    return out;
}

/* A list grows; of anything else the last one counts. */
static void give(struct finder *finder, const struct found *found, struct str text,
                 const char *place)
{
    struct given *given = found->given;
    if (!found->option->list) {
        given->count = 0;
    }
    if (given->count == given->room) {
        size_t room = given->room == 0 ? 4 : given->room * 2;
        struct str *texts = ARENA_NEW(finder->arena, struct str, room);
        for (size_t i = 0; i < given->count; i++) {
            texts[i] = given->texts[i];
        }
        given->texts = texts;
        given->room = room;
    }
    given->texts[given->count++] = text;
    given->place = place;
}

/* -- the command line -- */

/* `next` is the argument behind it. *used: that was its value. */
static int take_option(struct finder *finder, struct str argument, const char *next, bool *used,
                       struct err *err)
{
    size_t equals = str_find(argument, 0, '=');
    bool has_value = equals < argument.len;
    struct str name = str_slice(argument, 2, equals);
    struct found found;
    if (!find(finder, name, &found) || !found.taken) {
        return err_set(err, ERR_INVALID, "--%.*s: unknown option", STR_FMT(name));
    }
    const char *place = place_of(finder->arena, "--", name);
    if (found.option->secret) {
        return err_set(
            err, ERR_INVALID,
            "%s: arguments can be read by everybody on the machine; give it as %s, or in "
            "the file of --config",
            place, found.option->environment);
    }
    struct str value = str_slice(argument, equals + 1, argument.len);
    if (found.option->type == OPTION_FLAG) {
        if (has_value) {
            return err_set(err, ERR_INVALID, "%s: takes no value", place);
        }
        value = STR("true");
    } else if (!has_value) {
        if (next == NULL || str_starts(str_from(next), STR("--"))) {
            return err_set(err, ERR_INVALID, "%s: %s is missing", place, found.option->value);
        }
        value = str_from(next);
        *used = true;
    }
    give(finder, &found, value, place);
    return 0;
}

static int take_operand(struct finder *finder, const struct option_input *input, struct str text,
                        struct err *err)
{
    const char *operand = input->operand;
    struct found found;
    if (operand == NULL || !find(finder, str_from(operand), &found)) {
        return err_set(err, ERR_INVALID, "%.*s: unexpected argument", STR_FMT(text));
    }
    if (found.given->place != NULL && input->rest != NULL) {
        operand = input->rest;
        (void)find(finder, str_from(operand), &found);
    }
    if (found.given->place != NULL && !found.option->list) {
        return err_set(err, ERR_INVALID, "%.*s: --%s was given already", STR_FMT(text), operand);
    }
    give(finder, &found, text, place_of(finder->arena, "--", str_from(operand)));
    return 0;
}

/* "--" ends the options of a command that has an operand; elsewhere it is passed over, because
 * script runners add one in front of what they pass on. */
static int take_arguments(struct finder *finder, const struct option_input *input, struct err *err)
{
    bool ended = false;
    for (const char *const *at = input->arguments; *at != NULL; at++) {
        struct str argument = str_from(*at);
        bool used = false;
        int rc = 0;
        if (!ended && str_eq(argument, STR("--"))) {
            ended = input->operand != NULL;
        } else if (!ended && str_starts(argument, STR("--"))) {
            rc = take_option(finder, argument, at[1], &used, err);
        } else if (!ended && argument.len > 1 && argument.ptr[0] == '-') {
            rc = err_set(err, ERR_INVALID, "%s: unknown option", *at);
        } else {
            rc = take_operand(finder, input, argument, err);
        }
        if (rc != 0) {
            return rc;
        }
        at += used;
    }
    return 0;
}

bool options_ask_help(const char *const *arguments)
{
    for (; *arguments != NULL && strcmp(*arguments, "--") != 0; arguments++) {
        if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0) {
            return true;
        }
    }
    return false;
}

/* -- environment and file -- */

/* An empty variable counts as none: that is how service files and containers leave one out. */
static struct str look_up(const char *const *environment, struct str name)
{
    for (; *environment != NULL; environment++) {
        struct str entry = str_from(*environment);
        if (str_starts(entry, name) && entry.len > name.len && entry.ptr[name.len] == '=') {
            return str_slice(entry, name.len + 1, entry.len);
        }
    }
    return STR("");
}

static void take_environment(struct finder *finder, const char *const *environment)
{
    for (size_t s = 0; s < finder->sets_count; s++) {
        const struct option *option = finder->sets[s].options;
        for (size_t i = 0; option[i].name != NULL; i++) {
            struct given *given = &finder->given[s][i];
            if (option[i].environment == NULL || given->place != NULL) {
                continue;
            }
            struct str text = look_up(environment, str_from(option[i].environment));
            if (text.len > 0) {
                struct found found = {.option = &option[i], .given = given, .taken = true};
                give(finder, &found, text, option[i].environment);
            }
        }
    }
}

static int take_line(void *ctx, const struct config_line *line, struct err *err)
{
    struct finder *finder = ctx;
    struct found found;
    if (!find(finder, line->name, &found) || found.option->environment == NULL) {
        return err_set(err, ERR_INVALID, "%u: %.*s: unknown option", line->line,
                       STR_FMT(line->name));
    }
    if (found.given->from_file) {
        return err_set(err, ERR_INVALID, "%u: %.*s: is given twice", line->line,
                       STR_FMT(line->name));
    }
    found.given->from_file = true;
    if (found.given->place == NULL) {
        struct buf prefix = {0};
        buf_addf(&prefix, "%.*s:%u: %c", STR_FMT(finder->config_path), line->line, '\0');
        give(finder, &found, line->value, place_of(finder->arena, prefix.ptr, line->name));
        buf_release(&prefix);
    }
    return 0;
}

static int take_file(struct finder *finder, struct err *err)
{
    struct found config;
    if (!find(finder, STR("config"), &config) || config.given->count == 0) {
        return 0;
    }
    finder->config_path = config.given->texts[0];
    struct str text = {0};
    int rc = config_load(finder->config_path, finder->arena, &text, err);
    if (rc != 0) {
        return err_wrap(err, rc, "%s: %.*s", config.given->place, STR_FMT(finder->config_path));
    }
    rc = config_lines(text, take_line, finder, err);
    if (rc != 0) {
        /* "abacus.conf:3: ..." */
        struct err why = *err;
        return err_set(err, rc, "%.*s:%s", STR_FMT(finder->config_path), why.text);
    }
    return 0;
}

/* -- reading -- */

static int read_list(const struct option *option, const struct given *given, struct arena *arena,
                     void *field, struct err *err)
{
    struct text_list list = {ARENA_NEW(arena, struct str, given->count + 1), given->count};
    for (size_t i = 0; i < given->count; i++) {
        int rc = option_convert(option, given->texts[i], arena, &list.items[i], err);
        if (rc != 0) {
            return rc;
        }
    }
    *(struct text_list *)field = list;
    return 0;
}

static int read_option(const struct option *option, const struct given *given, struct arena *arena,
                       void *field, struct err *err)
{
    int rc = 0;
    if (given->place != NULL) {
        rc = option->list ? read_list(option, given, arena, field, err)
                          : option_convert(option, given->texts[0], arena, field, err);
        return rc == 0 ? 0 : err_wrap(err, rc, "%s", given->place);
    }
    if (option->required) {
        return err_set(err, ERR_INVALID, "--%s: is required", option->name);
    }
    if (option->fallback != NULL) {
        rc = option_convert(option, str_from(option->fallback), arena, field, err);
    }
    return rc == 0 ? 0 : err_wrap(err, rc, "default of --%s", option->name);
}

static int read_all(const struct finder *finder, struct err *err)
{
    for (size_t s = 0; s < finder->sets_count; s++) {
        const struct option_set *set = &finder->sets[s];
        for (size_t i = 0; set->options[i].name != NULL; i++) {
            const struct option *option = &set->options[i];
            if (!belongs(set, option)) {
                continue;
            }
            int rc = read_option(option, &finder->given[s][i], finder->arena,
                                 (char *)set->values + option->offset, err);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

static struct given **given_new(const struct option_set *sets, size_t count, struct arena *arena)
{
    struct given **given = ARENA_NEW(arena, struct given *, count);
    for (size_t s = 0; s < count; s++) {
        size_t options = 0;
        while (sets[s].options[options].name != NULL) {
            options++;
        }
        given[s] = ARENA_NEW(arena, struct given, options + 1);
    }
    return given;
}

int options_read(const struct option_set *sets, size_t sets_count, const struct option_input *input,
                 struct arena *arena, struct err *err)
{
    struct finder finder = {.sets = sets,
                            .sets_count = sets_count,
                            .given = given_new(sets, sets_count, arena),
                            .arena = arena};
    int rc = take_arguments(&finder, input, err);
    if (rc != 0) {
        return rc;
    }
    take_environment(&finder, input->environment);
    rc = take_file(&finder, err);
    return rc != 0 ? rc : read_all(&finder, err);
}
