/*
 * aggregate/erase.h -- erasing, as a run does it: find what is due, before the queue is measured;
 * erase it, group by group of partitions, behind what was counted; finish.
 */
#ifndef ABACUS_AGGREGATE_ERASE_H
#define ABACUS_AGGREGATE_ERASE_H

#include "base/arena.h"
#include "store/erase.h"
#include "store/managed.h"
#include "store/store.h"

struct run;

/* Sites and tenants whose deletion is done, by name. Zero-initialise. */
struct past_list {
    struct arena arena;
    struct past {
        struct str tenant, site; /* site empty: the tenant with all of its sites */
        int64_t asked_ms;
    } * items;
    size_t count, cap;
};

/* What the aggregator knows of erasures from run to run. Zero-initialise. */
struct erase_watch {
    struct past_list past;
    int64_t count;    /* of all that there are, when they were last looked through */
    int64_t due_ms;   /* of what is not done the earliest; INT64_MAX: nothing is */
    int64_t look_us;  /* when to look through them again, whatever else; 0: at once */
    int64_t again_us; /* nothing is tried before */
};

enum { ERASING_TABLES = ERASED_TABLES + 8 };

/* Something that is due. */
struct erasing {
    struct str id, tenant, site, value, actor;
    enum erasure_kind kind;
    int64_t asked_ms;
    struct erasing_site {
        struct str id;
        bool done;
    } * sites;
    size_t sites_count, sites_cap;
    bool done; /* nothing of it is left, but in the store's files */
    struct {
        const char *name;
        int64_t rows;
    } tables[ERASING_TABLES]; /* not yet in the receipt */
    size_t tables_count;
};

/* All that is due in a run. */
struct erase_list {
    struct arena arena;
    struct erasing *items;
    size_t count, cap;
    int64_t newest_ms; /* done_ms of the one that was done last */
};

/* Fill in run->erase if it is time to look. */
int erase_find(struct run *run, struct erase_watch *watch, struct err *err);
/* The partitions (a set) of the sites in it. */
uint32_t erase_partitions(const struct run *run);
/* Erase what belongs to the partitions leased, unless the run should end early. */
int erase_run(struct run *run, struct err *err);
/* After all groups, without a lease: complete what can be, and drop the list. */
int erase_finish(struct run *run, struct erase_watch *watch, struct err *err);

/* What is in the list is left for another run. */
void erase_drop(struct run *run);

/* -- what its files share -- */

/* Between two pieces: keep the lease, let other writers in. */
int erase_pause(struct run *run, struct err *err);

/* One that is open was made again since; or it is about to be shut. */
enum verdict { ERASE_IT, NOTHING_TO_ERASE, LEAVE_IT };
enum verdict erase_judge_open(const struct erasing *erasing, int64_t created_ms);
int erase_judge_tenant(struct run *run, const struct erasing *erasing, enum verdict *out,
                       struct err *err);
/* The rest of a tenant whose sites are gone. *done unless something has to wait. */
int erase_tenant(struct run *run, struct erasing *erasing, bool *done, struct err *err);

/* In all packed days of the site. *changed parts; *done unless the run should end early. */
int erase_from_packs(struct run *run, const struct erasing *erasing, struct str with,
                     int64_t *changed, bool *done, struct err *err);

/* Add all erasures, in any order; what is no deletion, or not done, is passed over. Then end. */
void past_add(struct past_list *list, const struct erasure_row *row);
void past_end(struct past_list *list);
void past_free(struct past_list *list);
/* What was received for this site up to then (ms) was of one that was erased. */
int64_t past_ms(const struct past_list *list, struct str tenant, struct str site);

/* Rows of a table (the text lives on) that are gone, or changed; of all of erased_tables[]. */
void erase_count(struct erasing *erasing, const char *table, int64_t rows);
void erase_count_tables(struct erasing *erasing, const int64_t rows[ERASED_TABLES]);
/* Put them into the receipt, and with `done_ms` (else 0) complete it. */
int erase_put_receipt(struct run *run, struct erasing *erasing, int64_t done_ms, struct err *err);
/* Who asked for it. */
struct actor erase_actor(const struct erasing *erasing);

#endif
