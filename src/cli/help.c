/* cli/help.c -- help and the reference, made from the tables of commands and options. */
#include "cli/help.h"

#include <stdlib.h>

struct help_args {
    struct text_list command;
    bool markdown;
};

static const struct option help_options[] = {
    {.name = "command",
     .type = OPTION_TEXT,
     .value = "COMMAND",
     .list = true,
     .offset = offsetof(struct help_args, command),
     .sentence = "What to tell about."},
    {.name = "markdown",
     .type = OPTION_FLAG,
     .offset = offsetof(struct help_args, markdown),
     .sentence = "Write the whole reference as Markdown."},
    {.name = NULL},
};

/* -- options -- */

static void add_flag(const struct option *option, struct buf *out)
{
    buf_addf(out, "--%s", option->name);
    if (option->type != OPTION_FLAG) {
        buf_addf(out, " %s", option->value);
    }
}

static void add_remarks(const struct option *option, struct buf *out)
{
    const char *between = " (";
    if (option->environment != NULL) {
        buf_addf(out, "%s%s", between, option->environment);
        between = ", ";
    }
    if (option->required) {
        buf_addf(out, "%srequired", between);
        between = ", ";
    }
    if (option->list) {
        buf_addf(out, "%smay be repeated", between);
        between = ", ";
    }
    if (option->fallback != NULL) {
        buf_addf(out, "%sdefault %s", between, option->fallback);
        between = ", ";
    }
    if (option->type >= OPTION_COUNT) {
        buf_add(out, str_from(between));
        option_bounds(option, out);
        between = ", ";
    }
    if (between[0] == ',') {
        buf_addc(out, ')');
    }
}

static void add_options(const struct option *option, unsigned groups, struct buf *out)
{
    for (; option->name != NULL; option++) {
        if (groups == 0 || (option->group & groups) != 0) {
            buf_add(out, STR("  "));
            add_flag(option, out);
            add_remarks(option, out);
            buf_addf(out, "\n      %s\n", option->sentence);
        }
    }
}

static bool is_called_by(const char *name, const struct option *option)
{
    return name != NULL && strcmp(name, option->name) == 0;
}

/* "abacus site add ID --tenant TENANT --domain HOST [OPTIONS]": what must be given, in the table's
 * order. */
static void add_usage(const struct command *command, struct buf *out)
{
    buf_addf(out, "abacus %s", command->name);
    bool more = command->groups != 0;
    for (const struct option *option = command->options; option->name != NULL; option++) {
        if (is_called_by(command->operand, option)) {
            buf_addf(out, option->required ? " %s%s" : " [%s%s]", option->value,
                     option->list ? "..." : "");
        } else if (is_called_by(command->rest, option)) {
            buf_addf(out, " %s...", option->value);
        } else if (option->required) {
            buf_addc(out, ' ');
            add_flag(option, out);
        } else {
            more = true;
        }
    }
    if (more) {
        buf_add(out, STR(" [OPTIONS]"));
    }
}

/* -- commands -- */

void help_overview(struct buf *out)
{
    buf_add(out, STR("Usage: abacus COMMAND [OPTIONS]\n\nCommands:\n"));
    for (const struct command *const *at = commands; *at != NULL; at++) {
        const struct command *command = *at;
        buf_addf(out, "  %-14s  %s\n", command->name, command->summary);
    }
    buf_add(out,
            STR("\nabacus COMMAND --help tells more. Results go to stdout, messages to stderr.\n"
                "Exit status: 0 done, 1 failed, 2 wrong usage.\n"));
}

static void add_command(const struct command *command, struct buf *out)
{
    buf_add(out, STR("Usage: "));
    add_usage(command, out);
    buf_addf(out, "\n\n%s\n", command->summary);
    if (command->note != NULL) {
        buf_addf(out, "%s\n", command->note);
    }
    buf_add(out, STR("\nOptions:\n"));
    add_options(command->options, 0, out);
    if (command->groups != 0) {
        add_options(settings_options, command->groups, out);
    }
    buf_add(out, STR("  --help\n      Tell this.\n"));
    if (command->add_help != NULL) {
        command->add_help(false, out);
    }
}

static bool is_called(const struct command *command, struct str name)
{
    struct str full = str_from(command->name);
    return str_starts(full, name) && (full.len == name.len || full.ptr[name.len] == ' ');
}

bool help_command(struct str name, struct buf *out)
{
    bool any = false;
    for (const struct command *const *at = commands; *at != NULL; at++) {
        const struct command *command = *at;
        if (is_called(command, name)) {
            if (any) {
                buf_addc(out, '\n');
            }
            add_command(command, out);
            any = true;
        }
    }
    return any;
}

/* -- the reference -- */

/* A bar would end the cell, a bare < begin a tag. */
static void add_cell(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            buf_addc(out, '\\');
        }
        buf_addc(out, *text);
    }
}

static void add_option_row(const struct option *option, struct buf *out)
{
    buf_add(out, STR("| `"));
    struct buf flag = {0};
    add_flag(option, &flag);
    buf_addc(&flag, '\0');
    add_cell(flag.ptr, out);
    buf_release(&flag);
    buf_add(out, STR("` | "));
    if (option->environment != NULL) {
        buf_addf(out, "`%s`", option->environment);
    }
    buf_add(out, STR(" | "));
    if (option->fallback != NULL) {
        buf_addf(out, "`%s`", option->fallback);
    } else if (option->required) {
        buf_add(out, STR("required"));
    }
    buf_add(out, STR(" | "));
    option_bounds(option, out);
    buf_add(out, STR(" | "));
    add_cell(option->sentence, out);
    buf_add(out, option->list ? STR(" May be repeated. |\n") : STR(" |\n"));
}

static void add_option_rows(const struct option *option, struct buf *out)
{
    buf_add(out,
            STR("\n| option | environment | default | range | meaning |\n|---|---|---|---|---|\n"));
    for (; option->name != NULL; option++) {
        add_option_row(option, out);
    }
}

static void add_settings_of(const struct command *command, struct buf *out)
{
    size_t taken = 0, all = 0;
    for (const struct option *option = settings_options; option->name != NULL; option++, all++) {
        taken += (option->group & command->groups) != 0;
    }
    if (taken == all) {
        buf_add(out, STR("\nTakes all of the installation's options.\n"));
        return;
    }
    const char *before = "\nTakes of the installation's options: ";
    for (const struct option *option = settings_options; option->name != NULL; option++) {
        if ((option->group & command->groups) != 0) {
            buf_addf(out, "%s`--%s`", before, option->name);
            before = ", ";
        }
    }
    if (taken > 0) {
        buf_add(out, STR(".\n"));
    }
}

void help_markdown(struct buf *out)
{
    buf_add(
        out,
        STR("<!-- Made by `abacus help --markdown`; a test compares them. -->\n"
            "# Reference\n\n`abacus COMMAND [OPTIONS]`: results go to stdout, messages to stderr "
            "as\n"
            "`abacus: what: why`. Exit status: 0 done, 1 failed, 2 wrong usage.\n\n"
            "## Options of the installation\n\n"
            "A value is taken from the command line (`--listen X` or `--listen=X`), else from the\n"
            "environment, else from the file that `--config` names (`listen = X`), else it is the\n"
            "default. An environment variable that is empty counts as unset.\n"));
    add_option_rows(settings_options, out);
    buf_add(out, STR("\n## Commands\n\n| command | does |\n|---|---|\n"));
    for (const struct command *const *at = commands; *at != NULL; at++) {
        const struct command *command = *at;
        buf_addf(out, "| `%s` | %s |\n", command->name, command->summary);
    }
    for (const struct command *const *at = commands; *at != NULL; at++) {
        const struct command *command = *at;
        buf_addf(out, "\n### %s\n\n    ", command->name);
        add_usage(command, out);
        buf_addf(out, "\n\n%s\n", command->summary);
        if (command->note != NULL) {
            buf_addf(out, "%s\n", command->note);
        }
        if (command->options->name != NULL && command != &command_help) {
            add_option_rows(command->options, out);
        }
        if (command->add_help != NULL) {
            command->add_help(true, out);
        }
        add_settings_of(command, out);
    }
}

static int run(const struct invocation *in, struct err *err)
{
    const struct help_args *args = in->args;
    if (args->markdown) {
        help_markdown(in->out);
        return 0;
    }
    if (args->command.count == 0) {
        help_overview(in->out);
        return 0;
    }
    struct buf name = {0};
    for (size_t i = 0; i < args->command.count; i++) {
        buf_addf(&name, "%s%.*s", i == 0 ? "" : " ", STR_FMT(args->command.items[i]));
    }
    int rc = help_command(buf_str(&name), in->out)
                 ? 0
                 : err_set(err, ERR_INVALID, "%.*s: unknown command", STR_FMT(buf_str(&name)));
    buf_release(&name);
    return rc;
}

const struct command command_help = {
    .name = "help",
    .summary = "Tell about all commands, or about one.",
    .options = help_options,
    .args_size = sizeof(struct help_args),
    .operand = "command",
    .run = run,
};
