/*
 * base/json.h -- JSON in (strict, into an arena) and out (into a buf).
 *
 * Reading is stricter than yajl, which does the lexing: the text must be strict UTF-8 (no overlong
 * form, no surrogate, nothing above U+10FFFF), escapes must not make U+0000 or a lone surrogate, no
 * object may name a member twice, nothing may nest deeper than asked, and nothing but white space
 * follows the value.
 */
#ifndef ABACUS_BASE_JSON_H
#define ABACUS_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value. Everything it points to lives in the arena. */
struct json {
    enum json_type type;
    bool boolean;
    struct str text;    /* the bytes of a string, unescaped; the digits of a number as sent */
    size_t count;       /* of items or members */
    struct json *items; /* of an array */
    struct json_member *members; /* of an object, in the order sent */
};

struct json_member {
    struct str name;
    struct json value;
};

/* Parse the whole of `text`; nesting deeper than `max_depth` (a flat object is 1) is refused.
 * ERR_INVALID says what is wrong and at which byte. */
int json_parse(struct str text, unsigned max_depth, struct arena *arena, struct json **out,
               struct err *err);

/* The member called `name`, or NULL when absent. `object` must be an object. */
const struct json *json_get(const struct json *object, struct str name);

/* True and the value if `v` is a number without fraction or exponent that fits; else false. */
bool json_to_i64(const struct json *v, int64_t *out);

/* True and the value if `v` is a finite number. */
bool json_to_double(const struct json *v, double *out);

/* Writing: commas are put where they belong. Zero-initialise with .buf set. Bytes of a string or
 * name that are not UTF-8 become U+FFFD each, so the text is valid whatever it is made from. */
struct json_out {
    struct buf *buf;
    bool comma;
};

void json_open(struct json_out *out, char bracket);  /* '{' or '[' */
void json_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_name(struct json_out *out, struct str name);
void json_str(struct json_out *out, struct str s);
void json_i64(struct json_out *out, int64_t n);
/* Rounded to 4 decimals, half away from zero, no trailing zeros, no exponent, no -0: 0.25,
 * 3, 1.3333. What is no finite number becomes null. */
void json_rate(struct json_out *out, double x);
void json_bool(struct json_out *out, bool b);
void json_null(struct json_out *out);
/* Text that is JSON already. */
void json_raw(struct json_out *out, struct str text);
/* Any parsed value, canonically: members in the order sent, no white space. */
void json_value(struct json_out *out, const struct json *v);

#endif
