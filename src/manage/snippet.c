/* manage/snippet.c -- the templates of integrations/, filled in for a site. */
#include "manage/snippet.h"

#include "base/template.h"
#include "manage/values.h"
#include "snippets.h"
#include "web.h"

#include <assert.h>
#include <ctype.h>

/* -- what may be filled in --------------------------------------------------------------------- */

/* Letters, digits, and what `marks` has. */
static bool is_made_of(struct str text, const char *marks)
{
    size_t i = 0;

    while (i < text.len && text.ptr[i] != '\0' &&
           (isalnum((unsigned char)text.ptr[i]) || strchr(marks, text.ptr[i]) != NULL))
        i++;
    return i == text.len;
}

/* Each piece between two slashes is a name, and not a step. */
bool snippet_path_is_plain(struct str path)
{
    struct str rest = path, name;
    bool good = str_next(&rest, '/', &name) && name.len == 0 && rest.ptr != NULL;

    while (good && str_next(&rest, '/', &name))
        good = name.len > 0 && is_made_of(name, "._~-") && !str_eq(name, STR(".")) &&
               !str_eq(name, STR(".."));
    return good;
}

/* SCHEME://HOST[:PORT][/PATH], without a name and password. */
static bool url_is_plain(struct str url)
{
    size_t host = str_find(url, 0, ':') + 3;
    size_t path = str_find(url, host, '/');

    return path > host && is_made_of(str_slice(url, host, path), "._-:[]") &&
           (path == url.len || snippet_path_is_plain(str_slice(url, path, url.len)));
}

int snippet_check_url(struct str url, struct err *err)
{
    return url_is_plain(url)
               ? 0
               : err_set(err, ERR_INVALID,
                         "%.*s: a URL that stands in other texts has a host, perhaps a port and a "
                         "path, and in it only letters, digits and . _ ~ -",
                         STR_FMT(url));
}

int snippet_check_site(struct str site, struct str domain, struct arena *arena, struct err *err)
{
    struct str host;

    return value_host(domain, arena, &host, err) == 0
               ? 0
               : err_wrap(err, ERR_CORRUPT, "site %.*s: domain", STR_FMT(site));
}

/* -- filling in -------------------------------------------------------------------------------- */

static const struct kind {
    struct str name;
    enum template_escape escape;
    const struct str *texts[2]; /* one after the other */
} kinds[] = {
    [SNIPPET_HTML] = {STR_INIT("html"), TEMPLATE_HTML, {&snippet_html}},
    [SNIPPET_PINNED] = {STR_INIT("pinned"), TEMPLATE_HTML, {&snippet_pinned}},
    [SNIPPET_NEXTJS] = {STR_INIT("nextjs"),
                        TEMPLATE_PLAIN,
                        {&snippet_nextjs_layout, &snippet_nextjs_config}},
    [SNIPPET_NGINX] = {STR_INIT("nginx"), TEMPLATE_PLAIN, {&snippet_nginx}},
    [SNIPPET_PAYLOAD] = {STR_INIT("payload"),
                         TEMPLATE_PLAIN,
                         {&snippet_payload_layout, &snippet_payload_hook}},
    [SNIPPET_PRIVACY] = {STR_INIT("privacy"), TEMPLATE_HTML, {&snippet_privacy}},
};

struct str snippet_name(enum snippet_kind kind)
{
    return kinds[kind].name;
}

static const struct web_file *script(void)
{
    size_t i = 0;

    while (i < web_files_count && !str_eq(web_files[i].name, STR("analytics.js")))
        i++;
    assert(i < web_files_count);
    return &web_files[i];
}

static struct str when(bool holds)
{
    return holds ? STR("yes") : STR("");
}

void snippet_add(const struct snippet *snippet, enum snippet_kind kind, struct buf *out)
{
    const struct template_value values[] = {
        {"url", snippet->url},
        {"site", snippet->site},
        {"tenant", snippet->tenant},
        {"domain", snippet->domain},
        {"path", snippet->path},
        {"hashed", script()->hashed},
        {"integrity", script()->integrity},
        {"hash", when(snippet->hash)},
        {"dnt", when(snippet->dnt)},
        {"https", when(str_starts(snippet->url, STR("https:")))},
        {"headings", when(snippet->headings)},
    };

    for (size_t i = 0; i < 2 && kinds[kind].texts[i] != NULL; i++) {
        if (i > 0)
            buf_addc(out, '\n');
        template_fill(*kinds[kind].texts[i], values, sizeof(values) / sizeof(values[0]),
                      kinds[kind].escape, out);
    }
}

/* Of a text that was appended. */
static struct str without_end(struct str text)
{
    return str_ends(text, STR("\n")) ? str_slice(text, 0, text.len - 1) : text;
}

void snippet_member(const struct snippet *snippet, enum snippet_kind kind, struct json_out *json)
{
    struct buf text = {0};

    snippet_add(snippet, kind, &text);
    json_name(json, snippet_name(kind));
    json_str(json, without_end(buf_str(&text)));
    buf_release(&text);
}

void manage_snippet(const struct site_row *site, struct str url, struct buf *out)
{
    const struct snippet snippet = {.site = site->id, .url = url, .dnt = site->respect_dnt};

    snippet_add(&snippet, SNIPPET_HTML, out);
    out->len = without_end(buf_str(out)).len;
}
