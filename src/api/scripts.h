/*
 * api/scripts.h -- scripts of other versions of this program, kept so that their addresses live on.
 *
 * A page that pins the script by its integrity names it by the hash of its bytes
 * ("/public/analytics.0123456789abcdef.js"). Were that address gone after an upgrade, the page
 * would stop counting and nobody would be told. So each version leaves its scripts in the data
 * directory, and gives out those that it finds there.
 *
 * Read once, at the start; immutable afterwards: any thread.
 */
#ifndef ABACUS_API_SCRIPTS_H
#define ABACUS_API_SCRIPTS_H

#include "base/logger.h"
#include "base/str.h"

enum {
    SCRIPTS_MAX = 64,             /* of other versions; of more, those written last */
    SCRIPT_BYTES_MAX = 64 * 1024, /* of each; a longer one is not read */
};

struct scripts;

/* Keep a copy of this program's scripts in `data_dir`, and load the others. A node without a data
 * directory, which only answers, keeps none. Whatever goes wrong is a warning: the result, which is
 * never NULL, has what could be read. */
struct scripts *scripts_open(struct str data_dir, const struct logger *logger);
void scripts_close(struct scripts **scripts);

/* The bytes of the script that has this hashed name; borrowed. False: it is not there. */
bool scripts_find(const struct scripts *scripts, struct str hashed, struct str *bytes);

#endif
