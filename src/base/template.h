/*
 * base/template.h -- texts with places to be filled in: the pages of web/, the snippets of
 * integrations/.
 *
 *     {{name}}               the value of that name, escaped
 *     {{#name}} ... {{/name}}  what stands between only where the value is not empty
 *     {{^name}} ... {{/name}}  only where it is empty
 *
 * Sections may stand inside each other. A line that holds nothing but the mark of a section leaves
 * no line. Templates are part of the program: one that names a value that is not given, or does not
 * close what it opens, is a bug and asserts.
 */
#ifndef ABACUS_BASE_TEMPLATE_H
#define ABACUS_BASE_TEMPLATE_H

#include "base/buf.h"

struct template_value {
    const char *name;
    struct str value;
};

/* How values enter the text; the text itself is taken as it is. */
enum template_escape {
    TEMPLATE_PLAIN,
    TEMPLATE_HTML, /* & < > " ' become references: good within elements and quoted attributes */
};

/* Append the filled text to `out`. */
void template_fill(struct str text, const struct template_value *values, size_t count,
                   enum template_escape escape, struct buf *out);

#endif
