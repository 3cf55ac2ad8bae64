/*
 * cli/command.h -- a command: a row of one table, from which dispatch, --help and doc/REFERENCE.md
 * are made.
 */
#ifndef ABACUS_CLI_COMMAND_H
#define ABACUS_CLI_COMMAND_H

#include "base/json.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "store/managed.h"
#include "store/store.h"

/* What a command is run with. */
struct invocation {
    const struct settings *settings;
    const void *args; /* its own options, read into its own struct */
    struct arena *arena;
    struct buf *out; /* results; written to stdout when the command returns */
    bool colour;     /* stdout is a terminal, and NO_COLOR is not set */
    bool progress;   /* stderr is a terminal */
};

struct command {
    const char *name;             /* "site add" */
    const char *summary;          /* a sentence */
    const char *note;             /* more, for its own help; may be NULL */
    const struct option *options; /* its own */
    size_t args_size;             /* of the struct they go into */
    const char *operand; /* the option that an argument without dashes stands for; NULL: none */
    const char *rest;    /* the list that all others stand for; NULL: there are none */
    /* Adds to its help, or to its chapter of the reference, what no option tells; may be NULL. */
    void (*add_help)(bool markdown, struct buf *out);
    unsigned groups; /* of the settings that it takes (enum settings_group) */
    /* 0: done. A negative code: err says "what: why"; ERR_INVALID is wrong usage. 1: failed, and
     * what is to be said stands in the results. */
    int (*run)(const struct invocation *in, struct err *err);
};

/* Each stands in the file of its name. */
extern const struct command command_serve, command_aggregate, command_migrate;
extern const struct command command_tenant_add, command_tenant_set, command_tenant_list,
    command_tenant_rm;
extern const struct command command_site_add, command_site_list, command_site_rm, command_site_set,
    command_site_snippet;
extern const struct command command_token_create, command_token_list, command_token_revoke;
extern const struct command command_user_add, command_user_list, command_user_rm,
    command_user_passwd, command_user_setup;
extern const struct command command_link_add, command_link_list, command_link_rm;
extern const struct command command_settings_set, command_settings_list;
extern const struct command command_usage, command_audit, command_erase, command_receipts;
extern const struct command command_queue_status, command_queue_dump, command_relay;
extern const struct command command_backup, command_restore, command_export, command_import;
extern const struct command command_demo;
extern const struct command command_privacy_report;
extern const struct command command_doctor, command_version, command_help;

/* All of them in the order of the help; ends with NULL. */
extern const struct command *const commands[];

/* What several have in common: --json alone; an id that is also the operand. */
struct json_args {
    bool json;
};
extern const struct option json_options[];
struct id_args {
    struct str id;
};
extern const struct option id_options[];

/* Who the command line is to the audit log. */
struct actor cli_actor(void);

/* Read all tenants, sites and tokens into the arena. */
int cli_read_directory(const struct invocation *in, struct directory_rows *out, struct err *err);

/* What `abacus aggregate` does; *sum of its runs. `batch` records in a transaction, or 0. */
struct aggregate_report;
int cli_aggregate(const struct invocation *in, int64_t batch, struct aggregate_report *sum,
                  struct err *err);

/* Remove what `id` names. */
typedef int remove_fn(struct store *store, struct str id, const struct actor *actor,
                      struct err *err);
int cli_remove(const struct invocation *in, remove_fn *remove, struct str id, struct err *err);

/* A name and its value, where the value is text and left out if empty. */
void cli_json_text(struct json_out *json, struct str name, struct str value);
/* The same with a number. */
void cli_json_number(struct json_out *json, struct str name, int64_t n);
/* The same with an instant; 0 is null. */
void cli_json_instant(struct json_out *json, struct str name, int64_t ms);

#endif
