/*
 * cli/managed.h -- what the commands share that manage tenants, sites, people, tokens and links.
 *
 * Such a command writes what it was told as a JSON object, hands it to manage/ in the name of the
 * command line, and shows the answer: as it is with --json, else as a table whose columns name
 * members of it.
 */
#ifndef ABACUS_CLI_MANAGED_H
#define ABACUS_CLI_MANAGED_H

#include "cli/command.h"
#include "manage/manage.h"

/* A verb of manage/ on its way. */
struct managed {
    const struct invocation *in;
    struct store *store;
    struct caller caller;
    struct manage manage;
    struct buf body; /* the members of the object to send, written by the helpers below */
    struct json_out json;
    struct buf answer;
};

/* Open the store; the object is open for members. Ends with managed_close(), also after a failure,
 * which returns rc. */
int managed_open(struct managed *managed, const struct invocation *in, bool write, struct err *err);
int managed_close(struct managed *managed, int rc);

/* Members; empty texts and -1 are left out. */
void managed_text(struct managed *managed, const char *name, struct str value);
void managed_number(struct managed *managed, const char *name, int64_t value);
void managed_instant(struct managed *managed, const char *name, int64_t ms);
void managed_texts(struct managed *managed, const char *name, const struct text_list *list);
void managed_flag(struct managed *managed, const char *name, bool value);
/* "limits.sites=5" as a member of a member; the value as the table of members has its type: text,
 * a list (JSON, or a,b), else JSON; empty: null. */
int managed_assign(struct managed *managed, const struct manage_member *members,
                   const struct text_list *changes, struct err *err);

/* The object, closed and read. */
int managed_body(struct managed *managed, const struct json **out, struct err *err);
int managed_put(struct managed *managed, enum manage_kind kind, struct str id, enum manage_how how,
                struct err *err);

/* The answer as read JSON. */
int managed_answer(struct managed *managed, const struct json **out, struct err *err);
/* A text member of it, "invitation.url"; empty where it is not there. */
struct str managed_member(const struct json *object, const char *path, struct arena *arena);

/* A list as a table, or, with --json, as an array. */
struct column {
    const char *title, *path; /* "CREATED", "createdAt"; ends with NULL */
};
int managed_list(const struct invocation *in, enum manage_kind kind,
                 const struct manage_query *query, const struct column *columns, bool json,
                 struct err *err);
/* Rows that stand in an answer. */
void managed_table(const struct invocation *in, const struct json *rows,
                   const struct column *columns);

/* The answer of a verb: as it is, or its rows. */
int managed_show(struct managed *managed, bool json, const struct column *columns, struct err *err);

/* What rm commands share: an id, whether at once, and --json. */
struct remove_args {
    struct str id;
    bool now, json;
};
extern const struct option remove_options[];
int managed_remove(const struct invocation *in, enum manage_kind kind, struct str id, bool now,
                   bool json, struct err *err);

#endif
