/*
 * cli/site_snippet.c -- `abacus site snippet`: the lines that bring the script into a site's pages.
 *
 * They are the templates of integrations/, embedded. What is filled into them ends up in quotes of
 * HTML, in strings of JavaScript, and with and without quotes in nginx's configuration. These
 * escape differently, or not at all (no escape of nginx's hides a '$'): so a value is refused that
 * has a character which means something in any of them. HTML is escaped all the same.
 */
#include "cli/site.h"

#include "base/template.h"
#include "manage/snippet.h"
#include "snippets.h"
#include "web.h"

#include <assert.h>
#include <ctype.h>

struct snippet_args {
    struct str id, url, kind, path;
    bool hash, json;
};
#define SNIPPET(member) .offset = offsetof(struct snippet_args, member)

static const struct option snippet_options[] = {
    {.name = "id",
     .type = OPTION_ID,
     .value = "ID",
     .required = true,
     SNIPPET(id),
     .sentence = "The site."},
    {.name = "url",
     .type = OPTION_URL,
     .value = "URL",
     SNIPPET(url),
     .sentence = "Where browsers reach this server; unless given, --public-url, else --listen."},
    {.name = "kind",
     .type = OPTION_CHOICE,
     .value = "html|pinned|nextjs|nginx|privacy|all",
     .fallback = "all",
     SNIPPET(kind),
     .sentence = "Only this one; html is a single line."},
    {.name = "path",
     .type = OPTION_TEXT,
     .value = "PATH",
     .fallback = "/abacus",
     SNIPPET(path),
     .sentence = "Below which nginx or Next.js has the script on the site's own origin."},
    {.name = "hash",
     .type = OPTION_FLAG,
     SNIPPET(hash),
     .sentence =
         "The site routes by the part of the address behind #, which so belongs to a page."},
    {.name = "json",
     .type = OPTION_FLAG,
     SNIPPET(json),
     .sentence = "Give the result as JSON: an object with a member for each kind."},
    {.name = NULL},
};

/* -- what may be filled in --------------------------------------------------------------------- */

/* Letters, digits, and what `marks` has. */
static bool is_made_of(struct str text, const char *marks)
{
    size_t i = 0;
    while (i < text.len && text.ptr[i] != '\0' &&
           (isalnum((unsigned char)text.ptr[i]) || strchr(marks, text.ptr[i]) != NULL)) {
        i++;
    }
    return i == text.len;
}

/* Each piece between two slashes is a name, and not a step. */
static bool path_is_plain(struct str path)
{
    struct str rest = path, name;
    bool good = str_next(&rest, '/', &name) && name.len == 0 && rest.ptr != NULL;
    while (good && str_next(&rest, '/', &name)) {
        good = name.len > 0 && is_made_of(name, "._~-") && !str_eq(name, STR(".")) &&
               !str_eq(name, STR(".."));
    }
    return good;
}

/* SCHEME://HOST[:PORT][/PATH], as OPTION_URL has it, without a name and password. */
static bool url_is_plain(struct str url)
{
    size_t host = str_find(url, 0, ':') + 3;
    size_t path = str_find(url, host, '/');
    return path > host && is_made_of(str_slice(url, host, path), "._-:[]") &&
           (path == url.len || path_is_plain(str_slice(url, path, url.len)));
}

static struct str base_of(const struct invocation *in)
{
    const struct snippet_args *args = in->args;
    struct str given = args->url.len > 0 ? args->url : in->settings->public_url;
    if (given.len > 0) {
        return given;
    }
    struct buf made = {0};
    buf_addf(&made, "http://%.*s", STR_FMT(in->settings->listen));
    given = arena_str(in->arena, buf_str(&made));
    buf_release(&made);
    return given;
}

static int check(const struct snippet_args *args, struct str url, struct err *err)
{
    if (!url_is_plain(url)) {
        return err_set(err, ERR_INVALID,
                       "%.*s: a URL that stands in other texts has a host, perhaps a port and a "
                       "path, and in it only letters, digits and . _ ~ -",
                       STR_FMT(url));
    }
    if (!path_is_plain(args->path)) {
        return err_set(err, ERR_INVALID,
                       "--path: \"%.*s\" is no path of letters, digits and . _ ~ - (try /abacus)",
                       STR_FMT(args->path));
    }
    return 0;
}

/* The id was compared with one that is good; the domain may have come into the database by another
 * way than ours. */
static int check_site(const struct site_row *site, struct arena *arena, struct err *err)
{
    static const struct option host = {.type = OPTION_HOST};
    struct str domain;
    return option_convert(&host, site->domain, arena, &domain, err) == 0
               ? 0
               : err_wrap(err, ERR_CORRUPT, "site %.*s: domain", STR_FMT(site->id));
}

/* -- filling in -------------------------------------------------------------------------------- */

/* In the order in which they are printed. */
static const struct kind {
    const char *name;
    enum template_escape escape;
    const struct str *texts[2]; /* one after the other */
} kinds[] = {
    {"html", TEMPLATE_HTML, {&manage_snippet_html}},
    {"pinned", TEMPLATE_HTML, {&snippet_pinned}},
    {"nextjs", TEMPLATE_PLAIN, {&snippet_nextjs_layout, &snippet_nextjs_config}},
    {"nginx", TEMPLATE_PLAIN, {&snippet_nginx}},
    {"privacy", TEMPLATE_HTML, {&snippet_privacy}},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), VALUES = 10 };

static const struct web_file *script(void)
{
    size_t i = 0;
    while (i < web_files_count && !str_eq(web_files[i].name, STR("analytics.js"))) {
        i++;
    }
    assert(i < web_files_count);
    return &web_files[i];
}

static struct str when(bool holds)
{
    return holds ? STR("yes") : STR("");
}

static void add_kind(const struct kind *kind, const struct template_value *values, struct buf *out)
{
    for (size_t i = 0; i < 2 && kind->texts[i] != NULL; i++) {
        if (i > 0) {
            buf_addc(out, '\n');
        }
        template_fill(*kind->texts[i], values, VALUES, kind->escape, out);
    }
}

static void add_kind_json(const struct kind *kind, const struct template_value *values,
                          struct json_out *json)
{
    struct buf text = {0};
    add_kind(kind, values, &text);
    json_name(json, str_from(kind->name));
    json_str(json, str_slice(buf_str(&text), 0, text.len - 1));
    buf_release(&text);
}

static void add_kinds(const struct snippet_args *args, const struct template_value *values,
                      struct buf *out)
{
    struct json_out json = {.buf = out};
    bool all = str_eq(args->kind, STR("all"));
    if (args->json) {
        json_open(&json, '{');
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (!all && !str_eq(args->kind, str_from(kinds[i].name))) {
            continue;
        }
        if (args->json) {
            add_kind_json(&kinds[i], values, &json);
            continue;
        }
        if (out->len > 0) {
            buf_addc(out, '\n');
        }
        add_kind(&kinds[i], values, out);
    }
    if (args->json) {
        json_close(&json, '}');
        buf_addc(out, '\n');
    }
}

static int run_snippet(const struct invocation *in, struct err *err)
{
    const struct snippet_args *args = in->args;
    struct str url = base_of(in);
    struct directory_rows rows;
    int rc = check(args, url, err);
    if (rc == 0) {
        rc = cli_read_directory(in, &rows, err);
    }
    if (rc != 0) {
        return rc;
    }
    const struct site_row *site = site_find(&rows, args->id);
    if (site == NULL) {
        return err_set(err, ERR_NOTFOUND, "site %.*s: no such site", STR_FMT(args->id));
    }
    rc = check_site(site, in->arena, err);
    if (rc != 0) {
        return rc;
    }
    const struct template_value values[VALUES] = {
        {"url", url},
        {"site", site->id},
        {"domain", site->domain},
        {"path", args->path},
        {"hashed", script()->hashed},
        {"integrity", script()->integrity},
        {"hash", when(args->hash)},
        {"dnt", when(site_holds(&rows, site, in->arena).respect_dnt)},
        {"https", when(str_starts(url, STR("https:")))},
        {"headings", when(str_eq(args->kind, STR("all")) && !args->json)},
    };
    add_kinds(args, values, in->out);
    return 0;
}

const struct command command_site_snippet = {
    .name = "site snippet",
    .summary = "Print the lines that bring the script into a site's pages.",
    .note = "A tag for any page, one that pins the script, Next.js, nginx, and the page about "
            "privacy.",
    .options = snippet_options,
    .args_size = sizeof(struct snippet_args),
    .operand = "id",
    .groups = SETTINGS_DATA | SETTINGS_LINK,
    .run = run_snippet,
};
