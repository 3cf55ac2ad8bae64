/*
 * cli/privacy.h -- the facts of `abacus privacy report`, and what is made of them.
 *
 * Facts are read first, all of them; then they are judged; then they are shown, as a page or as
 * JSON. Showing adds nothing that was not read.
 */
#ifndef ABACUS_CLI_PRIVACY_H
#define ABACUS_CLI_PRIVACY_H

#include "cli/command.h"
#include "queue/queue.h"
#include "store/holdings.h"

/* What is not as it should be, and what mends it. */
struct privacy_finding {
    struct str what, mend;
};

struct privacy {
    const struct invocation *in;
    int64_t now_ms;
    bool all; /* sites are all listed */

    struct salts_held salts;
    int salts_code; /* 0, or why they could not be looked at */
    struct err salts_err;

    struct holdings held;
    size_t due_days; /* that wait to be packed */

    const struct site *const *sites; /* by id */
    size_t sites_count;
    /* Which kinds of each site, and then of each removed one, should have been gone by now. */
    uint32_t *overdue;

    struct privacy_log {
        const char *place;
        bool there;
        struct err err; /* empty: it could be read */
        uint64_t segments, bytes, records;
        int64_t oldest_ms; /* 0: no record */
    } log;
    uint64_t dead_letters;

    struct queue_status buffer; /* of Redis, where there is one */
    struct err buffer_err;      /* empty: it could be reached */

    struct privacy_finding *findings;
    size_t findings_count, findings_cap;
};

/* -- what is read (privacy_read.c) ------------------------------------------------------------- */

int privacy_read(struct privacy *privacy, struct store *store, struct err *err);

/* -- what is found (privacy_judge.c) ----------------------------------------------------------- */

void privacy_judge(struct privacy *privacy);

/* A salt that should be no more. */
bool privacy_salt_is_ended(const struct privacy *privacy, const struct salt_held *salt);
/* The first date whose salt exists; INT32_MAX: none does. */
int32_t privacy_first_salt(const struct privacy *privacy);

/* -- kinds and settings (privacy_tables.c) ----------------------------------------------------- */

/* How long a kind is kept. */
enum privacy_keep {
    KEEP_RAW_DAYS,
    KEEP_VISIT_DAYS,
    KEEP_STATS_DAYS,
    KEEP_AUDIT_DAYS,
    KEEP_KEY_DAYS,
    KEEP_UNTIL_REMOVED,
};
struct privacy_kind {
    const char *name, *title; /* in JSON, and for people */
    enum privacy_keep keep;
    bool visitors; /* its rows hold visitors' ids of a day, or hashes of them */
};
extern const struct privacy_kind privacy_kinds[HOLDINGS];

/* The installation's days; 0: for ever, -1: until removed. */
int64_t privacy_keep_days(const struct privacy *privacy, enum privacy_keep keep);

/* A setting of a site that protects visitors less than the installation's default. */
struct privacy_setting {
    const char *name;
    /* False: it does not. Else its value, as JSON. */
    bool (*value)(const struct site *site, const struct settings *settings, struct json_out *json);
};
extern const struct privacy_setting privacy_settings[];
extern const size_t privacy_settings_count;
/* One of them is. */
bool privacy_is_laxer(const struct site *site, const struct settings *settings);
/* A site keeps something longer (1), or something shorter and nothing longer (-1). */
int privacy_keeps_longer(const struct site *site, const struct settings *settings);

/* Sites that are listed unless --all. */
enum { PRIVACY_SITES_SHOWN = 20 };

/* -- how it is shown (privacy_page.c, privacy_json.c) ------------------------------------------ */

void privacy_page(const struct privacy *privacy, struct buf *out);
void privacy_json(const struct privacy *privacy, struct buf *out);

#endif
