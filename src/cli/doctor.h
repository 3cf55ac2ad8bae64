/*
 * cli/doctor.h -- the checks of `abacus doctor`, one function each.
 */
#ifndef ABACUS_CLI_DOCTOR_H
#define ABACUS_CLI_DOCTOR_H

#include "cli/command.h"

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

/* What the checks share. */
struct doctor {
    const struct invocation *in;
    int64_t now_ms;
    struct store *store; /* opened to read; NULL: it could not be */
    int store_code;
    struct err store_err;
};

/* What a check says: how it is, and what mends it (empty where nothing has to be). */
struct finding {
    enum verdict verdict;
    struct buf text, mend;
};

/* `finding` begins as VERDICT_OK without texts. */
typedef void check_fn(struct doctor *doctor, struct finding *finding);

/* About the machine. */
check_fn check_data_directory, check_disk, check_salts, check_clock, check_zones, check_proxies,
    check_dead_letters, check_countries, check_agents;
/* About the database, and what waits to come into it. */
check_fn check_database, check_schema, check_ledger, check_job, check_log;
/* About the buffer between nodes. */
check_fn check_redis;

/* Set a finding: its verdict, its text, and (NULL: nothing) what mends it. */
void finding_set(struct finding *finding, enum verdict verdict, const char *mend,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* DATA_DIR/name, or with an empty name DATA_DIR, as a C string in the arena. */
const char *doctor_path(const struct doctor *doctor, const char *name);

#endif
