/* cli/export.c -- `abacus export`: its options, and which of the two exports they mean. */
#include "cli/export.h"

#define ARG(member) .offset = offsetof(struct export_args, member)

static const struct option export_options[] = {
    {.name = "site", .type = OPTION_ID, .value = "ID", ARG(site), .sentence = "Rows of this site."},
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "ID",
     ARG(tenant),
     .sentence = "Rows of all sites of this tenant, one site after the other."},
    {.name = "all",
     .type = OPTION_FLAG,
     ARG(copy.all),
     .sentence = "Everything that the database holds."},
    {.name = "rows",
     .type = OPTION_TEXT,
     .value = "ROWS",
     ARG(rows),
     .sentence = "Which rows: events (unless given), the raw events by time; days; hours; or, of "
                 "one site, the values of a dimension: page, country, prop:plan ..."},
    {.name = "format",
     .type = OPTION_CHOICE,
     .value = "ndjson|csv",
     ARG(format),
     .sentence = "How rows are written: ndjson (unless given), a JSON object a line, or csv."},
    {.name = "period",
     .type = OPTION_TEXT,
     .value = "PERIOD",
     ARG(period),
     .sentence = "Which days, as in the API: today, yesterday, 28d, month, 12mo ...; unless given, "
                 "all that are kept."},
    {.name = "from",
     .type = OPTION_TEXT,
     .value = "DATE",
     ARG(from),
     .sentence = "The first day, 2026-01-31; with --to."},
    {.name = "to",
     .type = OPTION_TEXT,
     .value = "DATE",
     ARG(to),
     .sentence = "The last day, which is in it."},
    {.name = "filter",
     .type = OPTION_TEXT,
     .value = "FILTER",
     .list = true,
     ARG(filters),
     .sentence = "Only what matches, country:is:DE; several hold together. Not of raw events."},
    {.name = "output",
     .type = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     ARG(copy.file),
     .sentence = "Where it goes; - is stdout. A file takes its name when it is complete."},
    {.name = "json", .type = OPTION_FLAG, ARG(copy.json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

/* What goes with rows alone and was given; NULL: nothing. */
static const char *option_of_rows(const struct export_args *args)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {{"--rows", args->rows.len > 0},     {"--format", args->format.len > 0},
                   {"--period", args->period.len > 0}, {"--from", args->from.len > 0},
                   {"--to", args->to.len > 0},         {"--filter", args->filters.count > 0}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].given) {
            return options[i].name;
        }
    }
    return NULL;
}

static int run_all(const struct invocation *in, const struct export_args *args, struct err *err)
{
    const char *of_rows = option_of_rows(args);
    struct invocation inner = *in;
    if (of_rows != NULL) {
        return err_set(err, ERR_INVALID, "%s goes with --site or --tenant", of_rows);
    }
    inner.args = &args->copy;
    return copy_out_command(&inner, "export", err);
}

static int run(const struct invocation *in, struct err *err)
{
    const struct export_args *args = in->args;
    int named = (args->site.len > 0) + (args->tenant.len > 0) + args->copy.all;
    if (named != 1) {
        return err_set(err, ERR_INVALID, "one of --site, --tenant and --all is wanted");
    }
    return args->copy.all ? run_all(in, args, err) : export_rows_command(in, args, err);
}

const struct command command_export = {
    .name = "export",
    .summary = "Write a site's or a tenant's data as NDJSON or CSV, or everything for import "
               "elsewhere.",
    .note = "With --site or --tenant: raw events, days, hours or values, as far as they are "
            "counted, the same\n"
            "as GET /api/analytics/export gives.\n\n"
            "abacus export --all | DATABASE_URL=postgres://... abacus import moves an "
            "installation. Salts are\n"
            "not in it; hashes of tokens are: keep it as secret as the database.",
    .options = export_options,
    .args_size = sizeof(struct export_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB,
    .run = run,
};
