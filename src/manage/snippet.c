/* manage/snippet.c -- the template of integrations/, filled in for a site. */
#include "manage/snippet.h"

#include "base/template.h"

void manage_snippet(const struct site_row *site, struct str url, struct buf *out)
{
    const struct template_value values[] = {
        {"url", url},          {"site", site->id},
        {"hash", STR("")},     {"dnt", site->respect_dnt ? STR("yes") : STR("")},
        {"headings", STR("")},
    };

    template_fill(manage_snippet_html, values, sizeof(values) / sizeof(values[0]), TEMPLATE_HTML,
                  out);
    while (out->len > 0 && out->ptr[out->len - 1] == '\n')
        out->len--;
}
