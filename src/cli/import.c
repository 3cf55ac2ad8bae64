/* cli/import.c -- `abacus import`: a copy (copy.h) into an empty database; access logs and another
 * product's daily totals into a site (import/import.h). */
#include "import/import.h"

#include "cli/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct import_args {
    struct text_list files;
    struct str site;
    bool daily, json;
};
#define ARG(member) .offset = offsetof(struct import_args, member)

static const struct option import_options[] = {
    {.name = "input",
     .type = OPTION_TEXT,
     .value = "FILE",
     .list = true,
     ARG(files),
     .sentence =
         "What is to be read; without one, or for -, stdin. Of access logs and daily totals "
         "there may be several."},
    {.name = "site",
     .type = OPTION_ID,
     .value = "ID",
     ARG(site),
     .sentence = "Count access logs in combined format as pageviews of this site."},
    {.name = "daily",
     .type = OPTION_FLAG,
     ARG(daily),
     .sentence = "The files are daily totals of another product (CSV), for days before the site's "
                 "first."},
    {.name = "json", .type = OPTION_FLAG, ARG(json), .sentence = "Give the result as JSON."},
    {.name = NULL},
};

/* -- files ------------------------------------------------------------------------------------- */

/* A file without a name, which is gone with the process. In the data directory: it holds addresses,
 * and may be large. */
static int open_unnamed(const struct settings *settings)
{
    struct buf path = {0};

    buf_addf(&path, "%.*s", STR_FMT(settings->data_dir));
    buf_addc(&path, '\0');
    int fd = open(path.ptr, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    buf_release(&path);
    return fd;
}

/* 0, or -1 and errno. */
static int copy_all(int from, int to)
{
    char bytes[65536];
    ssize_t n = 0, put = 0;

    do {
        n = read(from, bytes, sizeof(bytes));
        for (ssize_t at = 0; at < n && put >= 0; at += put)
            put = write(to, bytes + at, (size_t)(n - at));
    } while (put >= 0 && (n > 0 || (n < 0 && errno == EINTR)));
    return n < 0 || put < 0 ? -1 : 0;
}

/* What cannot be read twice is kept meanwhile. */
static int spool(const struct settings *settings, int from, struct err *err)
{
    int fd = open_unnamed(settings);

    if (fd >= 0 && copy_all(from, fd) == 0)
        return fd;
    int rc = err_set(err, ERR_SYSTEM, "what is read cannot be kept in %.*s meanwhile: %s",
                     STR_FMT(settings->data_dir), strerror(errno));

    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int open_file(const struct invocation *in, struct str name, struct err *err)
{
    bool dash = str_eq(name, STR("-"));
    struct buf path = {0};

    buf_addf(&path, "%.*s", STR_FMT(name));
    const char *text = arena_str(in->arena, buf_str(&path)).ptr;
    int fd = dash ? STDIN_FILENO : open(text, O_RDONLY | O_CLOEXEC);

    buf_release(&path);
    if (fd < 0)
        return err_set(err, ERR_NOTFOUND, "%.*s: %s", STR_FMT(name), strerror(errno));
    if (lseek(fd, 0, SEEK_SET) == 0)
        return dash ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : fd;
    int spooled = spool(in->settings, fd, err);

    if (!dash)
        (void)close(fd);
    return spooled;
}

/* -- the report -------------------------------------------------------------------------------- */

/* What the site's settings leave out, whatever they say. */
static uint64_t blocked(const struct import_report *r)
{
    return r->dropped[DROP_BLOCKED] + r->dropped[DROP_DISABLED];
}

static void add_json(const struct import_report *r, bool daily, struct buf *out)
{
    const struct {
        struct str name;
        uint64_t value;
        bool of_daily;
    } members[] = {{STR("lines"), r->records, true},
                   {STR("known"), r->known, true},
                   {daily ? STR("days") : STR("pageviews"), r->stored, true},
                   {STR("bots"), r->dropped[DROP_BOT], false},
                   {STR("notPages"), r->dropped[DROP_NOT_A_PAGE], false},
                   {STR("blocked"), blocked(r), false},
                   {STR("tooOld"), r->dropped[DROP_TOO_OLD], false},
                   {STR("invalid"), r->invalid, false},
                   {STR("firstInvalid"), r->first_invalid, false}};
    struct json_out json = {.buf = out};

    json_open(&json, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (!daily || members[i].of_daily)
            cli_json_number(&json, members[i].name, (int64_t)members[i].value);
    json_name(&json, STR("seconds"));
    json_rate(&json, r->seconds);
    json_close(&json, '}');
    buf_addc(out, '\n');
}

static void add_part(struct buf *out, uint64_t n, const char *what)
{
    if (n > 0)
        buf_addf(out, ", %llu %s", (unsigned long long)n, what);
}

static void add_line(const struct import_report *r, bool daily, struct buf *out)
{
    buf_addf(out, "%llu %s of %llu lines in %.2f s", (unsigned long long)r->stored,
             daily ? "days" : "pageviews", (unsigned long long)r->records, r->seconds);
    add_part(out, r->known, "imported before");
    add_part(out, r->dropped[DROP_BOT], "by robots");
    add_part(out, r->dropped[DROP_NOT_A_PAGE], "of no page");
    add_part(out, blocked(r), "blocked by the site's settings");
    add_part(out, r->dropped[DROP_TOO_OLD], "of days that are closed or no longer kept");
    add_part(out, r->invalid, "that could not be read");
    if (r->invalid > 0)
        buf_addf(out, " (the first is line %llu)", (unsigned long long)r->first_invalid);
    buf_addc(out, '\n');
}

struct progress {
    bool terminal, shown;
};

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *progress = ctx;

    if (!progress->terminal)
        return;
    fprintf(stderr, "\rabacus: %llu of %llu lines", (unsigned long long)done,
            (unsigned long long)total);
    progress->shown = true;
}

/* -- sites ------------------------------------------------------------------------------------- */

static int import_files(const struct invocation *in, struct import_config *config, bool daily,
                        struct import_report *report, struct err *err)
{
    const struct import_args *args = in->args;
    struct str dash = STR("-");
    const struct text_list files =
        args->files.count > 0 ? args->files : (struct text_list){&dash, 1};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < files.count; i++) {
        int fd = open_file(in, files.items[i], err);

        if (fd < 0)
            return fd;
        rc = (daily ? import_daily : import_access_log)(config, fd, report, err);
        (void)close(fd);
        if (rc != 0)
            rc = err_wrap(err, rc, "%.*s", STR_FMT(files.items[i]));
    }
    return rc;
}

/* What browsers and countries are read with, as by the server. */
static int open_words(const struct settings *settings, struct agent **agent, struct geo **geo,
                      struct err *err)
{
    const struct geo_config config = {.database = settings->geo_database};
    int rc = geo_open(&config, geo, err);

    return rc == 0 ? agent_open(settings->agent_rules, agent, err) : rc;
}

static int import_site(const struct invocation *in, struct err *err)
{
    const struct import_args *args = in->args;
    const struct settings *settings = in->settings;
    const struct logger logger = {.level = settings_log_level(settings)};
    struct progress progress = {.terminal = in->progress};
    const struct aggregate_config job = {
        .data_dir = settings->data_dir,
        .raw_days = (int32_t)settings->raw_days,
        .visit_days = (int32_t)settings->visit_days,
        .stats_days = (int32_t)settings->stats_days,
        .audit_days = (int32_t)settings->audit_days,
        .logger = &logger,
        .progress = show_progress,
        .ctx = &progress,
    };
    struct import_config config = {.site = args->site, .job = &job};
    struct import_report report = {0};
    struct geo *geo = NULL;
    int rc = settings_open_store(settings, false, in->arena, &config.store, err);

    if (rc == 0)
        rc = settings_make_data_dir(settings, in->arena, err);
    if (rc == 0 && !args->daily)
        rc = open_words(settings, &config.agent, &geo, err);
    config.geo = geo;
    if (rc == 0)
        rc = import_files(in, &config, args->daily, &report, err);
    if (progress.shown)
        fputc('\n', stderr);
    geo_close(&geo);
    agent_close(&config.agent);
    store_close(&config.store);
    if (rc != 0)
        /* Whatever it is, the command line was not what was wrong. */
        return err_wrap(err, rc == ERR_INVALID ? ERR_SYSTEM : rc, "import");
    (args->json ? add_json : add_line)(&report, args->daily, in->out);
    return 0;
}

static int run(const struct invocation *in, struct err *err)
{
    const struct import_args *args = in->args;

    if (args->site.len > 0)
        return import_site(in, err);
    if (args->daily)
        return err_set(err, ERR_INVALID, "--daily needs --site");
    if (args->files.count > 1)
        return err_set(err, ERR_INVALID, "a copy is one file");
    const struct copy_args copy = {.file = args->files.count > 0 ? args->files.items[0] : STR("-"),
                                   .json = args->json};
    struct invocation inner = *in;

    inner.args = &copy;
    return copy_in_command(&inner, "import", COPY_IMPORT,
                           "; abacus restore --yes puts a copy in place of everything", err);
}

const struct command command_import = {
    .name = "import",
    .summary = "Count access logs, take another product's daily totals, or read what export --all "
               "wrote.",
    .note =
        "With --site, files are access logs in combined format, as Apache and nginx write them: "
        "a page that\n"
        "was served is a pageview, robots are left out. The same file again changes nothing; "
        "what was cut off\n"
        "goes on where it was. Give all files of a site at once, oldest first. With --daily "
        "they are CSV files\n"
        "whose first line names the columns (doc/MIGRATING.md).\n\n"
        "Without --site, what export --all wrote goes into an empty database, in one "
        "transaction: where the\n"
        "copy is cut or damaged nothing is changed.",
    .options = import_options,
    .args_size = sizeof(struct import_args),
    .operand = "input",
    .groups = SETTINGS_DATA | SETTINGS_JOB | SETTINGS_SENDER,
    .run = run,
};
