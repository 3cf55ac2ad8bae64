/*
 * base/utf8.h -- strict UTF-8 (Unicode 15, table 3-7).
 *
 * No overlong form, no surrogate, nothing above U+10FFFF.
 */
#ifndef ABACUS_BASE_UTF8_H
#define ABACUS_BASE_UTF8_H

#include "base/str.h"

/* The length, 1 to 4, of the well-formed character at `at`; 0 if there is none. at < s.len. */
unsigned utf8_char(struct str s, size_t at);

/* Whether the whole text is well-formed. */
bool utf8_valid(struct str s);

#endif
