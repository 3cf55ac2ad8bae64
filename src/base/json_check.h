/* base/json_check.h -- what is checked before yajl reads a text. Used by json.c only. */
#ifndef ABACUS_BASE_JSON_CHECK_H
#define ABACUS_BASE_JSON_CHECK_H

#include "base/err.h"
#include "base/str.h"

/* Refuse ill-formed UTF-8, control characters that are no JSON white space, and escapes that make
 * U+0000 or a lone surrogate. */
int json_check(struct str text, struct err *err);

#endif
