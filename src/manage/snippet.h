/*
 * manage/snippet.h -- the line that brings the script into a site's pages.
 */
#ifndef ABACUS_MANAGE_SNIPPET_H
#define ABACUS_MANAGE_SNIPPET_H

#include "base/buf.h"
#include "store/managed.h"

/* The template that `abacus site snippet --kind html` fills in, too (base/template.h): url, site,
 * hash, dnt, headings. */
extern const struct str manage_snippet_html;

/* Without the end of the line. `site` as it holds; `url` is where browsers reach this server. */
void manage_snippet(const struct site_row *site, struct str url, struct buf *out);

#endif
