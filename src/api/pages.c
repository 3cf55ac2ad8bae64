/* api/pages.c -- a page's headers, what it may load, and who may frame it. */
#include "api/pages.h"

#include "web.h"

#include <assert.h>

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types "      \
    "'none'; frame-ancestors"

const struct page dashboard_page = {
    .words = {&web_shell, &web_shell},
    .script = {STR_INIT("dashboard.en.js"), STR_INIT("dashboard.de.js")},
    .style = STR_INIT("dashboard.css"),
    .more = STR_INIT("more.css"),
};

static struct str hashed_name(struct str name)
{
    size_t i = 0;

    while (i < web_files_count && !str_eq(web_files[i].name, name))
        i++;
    assert(i < web_files_count || name.len == 0);
    return i < web_files_count ? web_files[i].hashed : STR("");
}

/* An origin that nothing can follow in a header; what else may be in the store frames nothing. */
static bool is_origin(struct str s)
{
    static const char others[] = "-._:/[]";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], lower = (char)(c | 0x20);

        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') &&
            memchr(others, c, sizeof(others) - 1) == NULL)
            return false;
    }
    return str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
}

/* `tenant`: whose origins may frame it; NULL: nobody. */
static struct str policy(const struct tenant *tenant, struct arena *arena)
{
    struct buf text = {0};
    size_t count = 0;

    buf_add(&text, STR(POLICY));
    for (size_t i = 0; tenant != NULL && i < tenant->embed_origins_count; i++) {
        if (!is_origin(tenant->embed_origins[i]))
            continue;
        buf_addf(&text, " %.*s", STR_FMT(tenant->embed_origins[i]));
        count++;
    }
    if (count == 0)
        buf_add(&text, STR(" 'none'"));
    struct str all = arena_str(arena, buf_str(&text));

    buf_release(&text);
    return all;
}

void page_send(const struct http_request *request, struct http_response *response,
               const struct page *page, struct template_value *values, size_t count,
               const struct tenant *tenant)
{
    enum language language = language_choose(request);
    struct str name = language_name(language);
    const struct template_value own[PAGE_VALUES] = {
        {"lang", name},
        {"en", language == LANGUAGE_EN ? name : STR("")},
        {"de", language == LANGUAGE_DE ? name : STR("")},
        {"style", hashed_name(page->style)},
        {"more", hashed_name(page->more)},
        {"script", hashed_name(page->script[language])},
    };

    memcpy(values + count, own, sizeof(own));
    response->content_type = STR("text/html; charset=utf-8");
    http_header(response, STR("Content-Language"), name);
    http_header(response, STR("Cache-Control"), STR("no-store"));
    http_header(response, STR("Vary"), STR("Accept-Language"));
    http_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_header(response, STR("Content-Security-Policy"), policy(tenant, request->arena));
    template_fill(*page->words[language], values, count + PAGE_VALUES, TEMPLATE_HTML,
                  &response->body);
}
