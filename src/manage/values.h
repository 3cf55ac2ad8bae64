/*
 * manage/values.h -- what the values of settings must be, for people and in JSON. Names, types and
 * bounds are the store's (store_settings); what a setting means stands in manage_members().
 */
#ifndef ABACUS_MANAGE_VALUES_H
#define ABACUS_MANAGE_VALUES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "store/managed.h"

/* Each reads a text and gives it as it is kept (hosts in lower case), borrowed or in the arena;
 * ERR_INVALID says what is wanted, and not where. */
int value_host(struct str text, struct arena *arena, struct str *out, struct err *err);
/* A host, "*.example.com", or "*". */
int value_origin(struct str text, struct arena *arena, struct str *out, struct err *err);
/* A time zone that this machine knows. */
int value_zone(struct str text, struct arena *arena, struct str *out, struct err *err);

/* The text of a setting, or one item of its list, as it is kept. */
int value_read(struct str setting, struct str text, struct arena *arena, struct str *out,
               struct err *err);
/* What a setting takes ("HOST,..."), NULL: what its type takes; and what it means. */
const char *value_takes(struct str setting);
const char *value_sentence(struct str setting);

/* The settings among the members of `object` ({"limits":{"pathsPerDay":500}}), each as it is kept;
 * other members are passed over. A value may also stand as answers have it, {"value":...,
 * "from":...}: if it is not from `level`, it is null. ERR_INVALID begins with the place
 * ("blockedAddresses[2]: "). */
int values_read(const struct json *object, const char *level, struct arena *arena,
                const struct json **out, struct err *err);

#endif
