/*
 * import/log.c -- the lines of an access log as records.
 *
 * The secret that salts are made from is a hash of the whole file: nobody without the file, which
 * holds the addresses themselves, can make the visitors' ids again.
 */
#include "base/utf8.h"
#include "import/import_internal.h"

#include <sodium.h>

struct log {
    const struct import_config *config;
    struct lines lines;
    struct people *people;
};

/* Logs keep any bytes; what is kept of events is text. */
static bool is_text(struct str s)
{
    return utf8_valid(s) && str_find(s, 0, '\0') >= s.len;
}

/* As long as an event may have it, and whole characters. */
static struct str cut(struct str s)
{
    size_t len = s.len < EVENT_PATH_MAX ? s.len : EVENT_PATH_MAX;

    while (len < s.len && len > 0 && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
        len--;
    return str_slice(s, 0, len);
}

static void tell_page(struct log *self, const struct access_line *line, struct arena *arena,
                      struct import_record *out)
{
    out->sender = people_look(self->people, self->config, line, arena);
    out->client = (struct client){.address = line->address, .user_agent = line->agent};
    out->in = (struct event_input){
        .kind = EVENT_PAGEVIEW,
        .name = event_kind_name(EVENT_PAGEVIEW),
        .site = self->config->site,
        .path = cut(line->target),
        .referrer = is_text(line->referrer) ? cut(line->referrer) : STR(""),
        .count = 1,
        .scroll = -1,
        .has_timestamp = true,
        .timestamp_ms = line->time_ms,
    };
}

static void tell_line(struct log *self, struct str text, struct arena *arena,
                      struct import_record *out)
{
    struct access_line line;

    if (text.len >= LINE_MAX_BYTES || !access_line_parse(text, arena, &line)) {
        out->kind = IMPORT_INVALID;
        return;
    }
    out->in.timestamp_ms = line.time_ms;
    if (!access_line_is_page(&line)) {
        out->kind = IMPORT_LEFT_OUT;
        out->reason = DROP_NOT_A_PAGE;
    } else if (!is_text(line.target)) {
        out->kind = IMPORT_INVALID;
    } else {
        tell_page(self, &line, arena, out);
    }
}

static int log_seek(void *ctx, uint64_t number, struct err *err)
{
    struct log *self = ctx;

    return lines_seek(&self->lines, number, err);
}

static int log_next(void *ctx, struct arena *arena, struct import_record *out, struct err *err)
{
    struct log *self = ctx;
    struct str text;
    int rc = lines_next(&self->lines, &text, err);

    if (rc == 0)
        return err_set(err, ERR_CORRUPT, "the file has become shorter");
    if (rc > 0)
        tell_line(self, text, arena, out);
    return rc < 0 ? rc : 0;
}

/* Whoever gives a compressed file, or one of another format, wants to be told, not to find all of
 * it in the ledger. */
static int looks_like_a_log(struct log *self, const struct file_name *file, struct err *err)
{
    enum { LINES_LOOKED_AT = 100 };
    struct access_line line;
    struct arena arena = {0};
    struct str text;
    bool readable = file->lines == 0;
    int rc = lines_seek(&self->lines, 0, err);

    while (rc == 0 && !readable && self->lines.number < LINES_LOOKED_AT) {
        rc = lines_next(&self->lines, &text, err);
        if (rc <= 0)
            break;
        rc = 0;
        readable = access_line_parse(text, &arena, &line);
        arena_reset(&arena);
    }
    arena_free(&arena);
    if (rc == 0 && !readable)
        rc = err_set(err, ERR_INVALID, "none of the first %llu lines is in combined format",
                     (unsigned long long)self->lines.number);
    return rc;
}

static void add_report(struct import_report *sum, const struct import_report *more)
{
    sum->records += more->records;
    sum->known += more->known;
    sum->stored += more->stored;
    for (size_t i = 0; i < DROP_REASONS; i++)
        sum->dropped[i] += more->dropped[i];
    sum->invalid += more->invalid;
    if (sum->first_invalid == 0)
        sum->first_invalid = more->first_invalid;
    sum->seconds += more->seconds;
}

int import_access_log(const struct import_config *config, int fd, struct import_report *report,
                      struct err *err)
{
    struct log self = {.config = config};
    struct import_source source = {.seek = log_seek, .next = log_next, .ctx = &self};
    struct import_report mine = {0};
    struct file_name file;
    int rc = file_name_of(fd, FILE_ACCESS_LOG, config->site, &file, err);

    lines_open(&self.lines, fd);
    self.people = people_new();
    if (rc == 0)
        rc = looks_like_a_log(&self, &file, err);
    source.producer = file.producer;
    source.records = file.lines;
    memcpy(source.secret, file.secret, sizeof(source.secret));
    if (rc == 0)
        rc = import_records(config, &source, &mine, err);
    add_report(report, &mine);
    people_free(&self.people);
    lines_release(&self.lines);
    sodium_memzero(&source, sizeof(source));
    sodium_memzero(&file, sizeof(file));
    return rc;
}
