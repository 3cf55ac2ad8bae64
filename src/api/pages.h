/*
 * api/pages.h -- sending the pages for people: the sign-in (account_pages.c), the dashboard
 * (admin_pages.c), and what is shared of it (shared_pages.c).
 *
 * The words stand in web/; what a page shows is asked for by its script. Each page loads its script
 * and its style by the names that only these bytes have, so that none of this version gets another
 * one's. No page reads or sets a cookie. Pure; any thread.
 */
#ifndef ABACUS_API_PAGES_H
#define ABACUS_API_PAGES_H

#include "api/api.h"
#include "api/language.h"
#include "base/template.h"

struct page {
    const struct str *words[LANGUAGES]; /* the template of each language */
    struct str script[LANGUAGES];       /* empty: it has none */
    struct str style, more;             /* more: empty where there is none */
};

/* web/dashboard/. */
extern const struct page dashboard_page;

/* For `lang`, `en` or `de` (of which one is empty), `style`, `more` (the style of what is shown
 * later) and `script`. */
enum { PAGE_VALUES = 6 };

/* Answer with the page in the language that is asked for; `values` has room for PAGE_VALUES more.
 * Only the origins that `tenant` has named may frame it; NULL: nobody may. */
void page_send(const struct http_request *request, struct http_response *response,
               const struct page *page, struct template_value *values, size_t count,
               const struct tenant *tenant);

#endif
