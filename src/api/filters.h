/*
 * api/filters.h -- a filter as text: dimension:operator:value, prop:NAME:operator:value.
 */
#ifndef ABACUS_API_FILTERS_H
#define ABACUS_API_FILTERS_H

#include "query/query.h"

/* *out borrows from `text`. What is wrong with it ("has no value"), or NULL. */
const char *filter_parse(struct str text, struct filter *out);

#endif
