/*
 * manage/snippet.h -- the texts that bring the script into a site's pages: for `abacus site
 * snippet`, GET /api/analytics/snippet, and what a site answers of itself.
 *
 * They are the templates of integrations/, embedded. What is filled into them ends up in quotes of
 * HTML, in strings of JavaScript, and with and without quotes in nginx's configuration. These
 * escape differently, or not at all (no escape of nginx's hides a '$'): so a value is refused that
 * has a character which means something in any of them. HTML is escaped all the same.
 *
 * Pure; any thread.
 */
#ifndef ABACUS_MANAGE_SNIPPET_H
#define ABACUS_MANAGE_SNIPPET_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "store/managed.h"

/* In the order in which they are printed. */
enum snippet_kind {
    SNIPPET_HTML, /* a tag for any page, on a single line */
    SNIPPET_PINNED,
    SNIPPET_NEXTJS,
    SNIPPET_NGINX,
    SNIPPET_PAYLOAD,
    SNIPPET_PRIVACY, /* for the site's own page about privacy */
    SNIPPETS,
};
struct str snippet_name(enum snippet_kind kind);

/* What is filled in, for a site as it holds. */
struct snippet {
    struct str site, tenant, domain;
    struct str url;  /* where browsers reach this server */
    struct str path; /* below which nginx or Next.js has the script on the site's own origin */
    bool dnt;        /* the site respects Do Not Track */
    bool hash;       /* it routes by the part of the address behind #, which so belongs to a page */
    bool headings;   /* html, too, begins with a line that says what it is for */
};
#define SNIPPET_PATH "/abacus" /* unless somebody wants another */

/* Whether these may be filled in. `url` is of http or https; ERR_INVALID says what it may have. */
int snippet_check_url(struct str url, struct err *err);
bool snippet_path_is_plain(struct str path);
/* ERR_CORRUPT: the domain has come into the database by another way than ours. */
int snippet_check_site(struct str site, struct str domain, struct arena *arena, struct err *err);

/* Append one of the texts; in JSON it is a member of the open object, without the end of its last
 * line. */
void snippet_add(const struct snippet *snippet, enum snippet_kind kind, struct buf *out);
void snippet_member(const struct snippet *snippet, enum snippet_kind kind, struct json_out *json);

/* The tag alone, without the end of the line; nothing is refused. */
void manage_snippet(const struct site_row *site, struct str url, struct buf *out);

#endif
