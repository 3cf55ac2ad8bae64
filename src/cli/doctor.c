/*
 * cli/doctor.c -- `abacus doctor`: a table of checks, a line for each.
 *
 * It only reads. A check that needs the database says so and fails where the database cannot be
 * opened; all others are made all the same.
 */
#include "cli/doctor.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    check_fn *check;
} checks[] = {
    {"data directory", check_data_directory},
    {"database", check_database},
    {"schema", check_schema},
    {"ledger", check_ledger},
    {"Redis", check_redis},
    {"job", check_job},
    {"dead letters", check_dead_letters},
    {"event log", check_log},
    {"disk", check_disk},
    {"salts", check_salts},
    {"clock", check_clock},
    {"time zones", check_zones},
    {"proxies", check_proxies},
    {"countries", check_countries},
    {"User-Agents", check_agents},
};
enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

static const struct {
    const char *name, *colour;
} verdicts[] = {
    [VERDICT_OK] = {"ok", "\033[32m"},
    [VERDICT_WARN] = {"warn", "\033[33m"},
    [VERDICT_FAIL] = {"fail", "\033[31m"},
};

void finding_set(struct finding *finding, enum verdict verdict, const char *mend,
                 const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    finding->verdict = verdict;
    buf_reset(&finding->text);
    buf_reset(&finding->mend);
    buf_add(&finding->text, str_from(text));
    buf_add(&finding->mend, str_from(mend));
}

const char *doctor_path(const struct doctor *doctor, const char *name)
{
    struct buf path = {0};
    buf_addf(&path, "%.*s%s%s%c", STR_FMT(doctor->in->settings->data_dir),
             name[0] == '\0' ? "" : "/", name, '\0');
    const char *out = arena_str(doctor->in->arena, buf_str(&path)).ptr;
    buf_release(&path);
    return out;
}

static void add_line(size_t check, const struct finding *finding, bool colour, struct buf *out)
{
    const char *on = colour ? verdicts[finding->verdict].colour : "",
               *off = colour ? "\033[0m" : "";
    buf_addf(out, "%s%-4s%s  %-14s  %.*s\n", on, verdicts[finding->verdict].name, off,
             checks[check].name, STR_FMT(buf_str(&finding->text)));
    if (finding->mend.len > 0) {
        buf_addf(out, "%*s-> %.*s\n", 22, "", STR_FMT(buf_str(&finding->mend)));
    }
}

static void add_json(size_t check, const struct finding *finding, struct json_out *json)
{
    json_open(json, '{');
    cli_json_text(json, STR("check"), str_from(checks[check].name));
    cli_json_text(json, STR("status"), str_from(verdicts[finding->verdict].name));
    cli_json_text(json, STR("detail"), buf_str(&finding->text));
    cli_json_text(json, STR("mend"), buf_str(&finding->mend));
    json_close(json, '}');
}

static int run(const struct invocation *in, struct err *err)
{
    (void)err;
    const struct json_args *args = in->args;
    struct doctor doctor = {.in = in, .now_ms = clock_wall_ms()};
    struct json_out json = {.buf = in->out};
    bool failed = false;
    doctor.store_code =
        settings_open_store(in->settings, true, in->arena, &doctor.store, &doctor.store_err);
    if (args->json) {
        json_open(&json, '[');
    }
    for (size_t i = 0; i < CHECKS; i++) {
        struct finding finding = {0};
        checks[i].check(&doctor, &finding);
        failed = failed || finding.verdict == VERDICT_FAIL;
        if (args->json) {
            add_json(i, &finding, &json);
        } else {
            add_line(i, &finding, in->colour, in->out);
        }
        buf_release(&finding.text);
        buf_release(&finding.mend);
    }
    if (args->json) {
        json_close(&json, ']');
        buf_addc(in->out, '\n');
    }
    store_close(&doctor.store);
    return failed ? 1 : 0;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary =
        "Check configuration, database, Redis, ledger, disk and clock, and say what to mend.",
    .note = "Exit status 1 if any check fails. Give it the server's own options and environment.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA | SETTINGS_JOB | SETTINGS_SERVE | SETTINGS_LINK | SETTINGS_SENDER,
    .run = run,
};
