/*
 * cli/site_snippet.c -- `abacus site snippet`: the texts that bring the script into a site's pages
 * (manage/snippet.h).
 */
#include "cli/site.h"

#include "manage/snippet.h"

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
     .value = "html|pinned|nextjs|nginx|payload|privacy|all",
     .fallback = "all",
     SNIPPET(kind),
     .sentence = "Only this one; html is a single line."},
    {.name = "path",
     .type = OPTION_TEXT,
     .value = "PATH",
     .fallback = SNIPPET_PATH,
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
    int rc = snippet_check_url(url, err);

    if (rc == 0 && !snippet_path_is_plain(args->path))
        rc = err_set(err, ERR_INVALID,
                     "--path: \"%.*s\" is no path of letters, digits and . _ ~ - (try %s)",
                     STR_FMT(args->path), SNIPPET_PATH);
    return rc;
}

/* One after the other, with an empty line between. */
static void add_text(const struct snippet *snippet, enum snippet_kind kind, struct buf *out)
{
    if (out->len > 0)
        buf_addc(out, '\n');
    snippet_add(snippet, kind, out);
}

static void add_kinds(const struct snippet_args *args, const struct snippet *snippet,
                      struct buf *out)
{
    struct json_out json = {.buf = out};
    bool all = str_eq(args->kind, STR("all"));

    if (args->json)
        json_open(&json, '{');
    for (unsigned kind = 0; kind < SNIPPETS; kind++) {
        if (!all && !str_eq(args->kind, snippet_name((enum snippet_kind)kind)))
            continue;
        if (args->json)
            snippet_member(snippet, (enum snippet_kind)kind, &json);
        else
            add_text(snippet, (enum snippet_kind)kind, out);
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

    if (rc == 0)
        rc = cli_read_directory(in, &rows, err);
    if (rc != 0)
        return rc;
    const struct site_row *site = site_find(&rows, args->id);

    if (site == NULL)
        return err_set(err, ERR_NOTFOUND, "site %.*s: no such site", STR_FMT(args->id));
    rc = snippet_check_site(site->id, site->domain, in->arena, err);
    if (rc != 0)
        return rc;
    const struct snippet snippet = {.site = site->id,
                                    .tenant = site->tenant,
                                    .domain = site->domain,
                                    .url = url,
                                    .path = args->path,
                                    .dnt = site_holds(&rows, site, in->arena).respect_dnt,
                                    .hash = args->hash,
                                    .headings = str_eq(args->kind, STR("all")) && !args->json};

    add_kinds(args, &snippet, in->out);
    return 0;
}

const struct command command_site_snippet = {
    .name = "site snippet",
    .summary = "Print the lines that bring the script into a site's pages.",
    .note = "A tag for any page, one that pins the script, Next.js, nginx, Payload CMS, and the "
            "page about privacy.",
    .options = snippet_options,
    .args_size = sizeof(struct snippet_args),
    .operand = "id",
    .groups = SETTINGS_DATA | SETTINGS_LINK,
    .run = run_snippet,
};
