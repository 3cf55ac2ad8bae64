/* test_store_managed.h -- one row of each kind, and edits to put them. */
#ifndef ABACUS_TEST_STORE_MANAGED_H
#define ABACUS_TEST_STORE_MANAGED_H

#include "test_postgres_support.h"

#define HEX16 "0123456789abcdef"
#define SESSION_ID HEX16 HEX16 HEX16 HEX16

/* What an edit does, and what it saw. */
struct step {
    enum row_kind kind;
    const void *row; /* to be put; may be NULL */
    int answer;
    int calls;
    bool existed;
};

static inline int take_step(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    struct step *step = ctx;

    (void)arena;
    step->calls++;
    step->existed = exists;
    if (step->row != NULL)
        memcpy(row, step->row, row_size(step->kind));
    return step->answer < 0 ? err_set(err, step->answer, "the edit says no") : step->answer;
}

static inline int edit_step(struct fixture *f, struct str id, struct step *step)
{
    return store_edit(f->store, step->kind, id, take_step, step, &somebody, &f->err);
}

/* What store_edit() returns. */
static inline int put_row(struct fixture *f, enum row_kind kind, const void *row)
{
    struct step step = {.kind = kind, .row = row, .answer = EDIT_PUT};

    return edit_step(f, *(const struct str *)row, &step);
}

static inline int remove_row(struct fixture *f, enum row_kind kind, const char *id)
{
    struct step step = {.kind = kind, .answer = EDIT_REMOVE};

    return edit_step(f, str_from(id), &step);
}

static inline int get_row(struct fixture *f, enum row_kind kind, const char *id, void *row)
{
    return store_get(f->store, kind, str_from(id), &f->arena, row, &f->err);
}

/* Of t5g and its site abc. */
struct rows_of_all {
    struct tenant_row tenant;
    struct site_row site;
    struct token_row token;
    struct user_row user;
    struct session_row session;
    struct link_row link;
    struct erasure_row erasure;
    struct installation_row installation;
    struct annotation_row annotation;
};

#define MEMBERSHIPS                                                                                \
    "[{\"tenantId\":\"t5g\",\"role\":\"manager\",\"sites\":[\"abc\"]},"                            \
    "{\"tenantId\":\"else\",\"role\":\"viewer\"}]"

static inline struct rows_of_all examples(void)
{
    struct rows_of_all all = {
        .tenant = tenant_named("t5g", "Five"),
        .site = site_named("abc", "t5g"),
        .token = {.id = STR("k1"),
                  .name = STR("the shop's"),
                  .tenant = STR("t5g"),
                  .site = STR("abc"),
                  .scopes = SCOPE_STATS_READ,
                  .hash = {1, 2, 3},
                  .expires_ms = 99},
        .user = {.id = STR("a@b.example"),
                 .name = STR("A"),
                 .password = STR("$argon2id$x"),
                 .totp = STR("MFRGG"),
                 .totp_step = 7,
                 .admin = true,
                 .memberships = STR(MEMBERSHIPS),
                 .payload_id = STR("64"),
                 .signed_in_ms = 8},
        .session = {.id = STR(SESSION_ID),
                    .user = STR("a@b.example"),
                    .kind = SESSION_SIGNED_IN,
                    .seen_ms = 6000,
                    .expires_ms = 9000},
        .link = {.id = STR("l1"),
                 .tenant = STR("t5g"),
                 .site = STR("abc"),
                 .name = STR("board"),
                 .password = STR("$argon2id$y"),
                 .expires_ms = 77},
        .erasure = {.id = STR("e1"),
                    .tenant = STR("t5g"),
                    .site = STR("abc"),
                    .kind = ERASE_PATH,
                    .value = STR("/secret"),
                    .actor = STR("cli"),
                    .asked_ms = 3,
                    .due_ms = 4},
        .installation = {.id = STR("installation"), .settings = STR("{\"respectDnt\":true}")},
        .annotation = {.id = STR("abc/2026-03-01"),
                       .tenant = STR("t5g"),
                       .site = STR("abc"),
                       .text = STR("A new shop")},
    };

    return all;
}

struct kind_example {
    enum row_kind kind;
    const char *id;
    const void *row;
};
enum { KIND_EXAMPLES = ROW_KINDS };

/* In the order in which they refer to each other. */
static inline void list_examples(const struct rows_of_all *all,
                                 struct kind_example out[KIND_EXAMPLES])
{
    const struct kind_example list[KIND_EXAMPLES] = {
        {ROW_TENANT, "t5g", &all->tenant},
        {ROW_SITE, "abc", &all->site},
        {ROW_TOKEN, "k1", &all->token},
        {ROW_USER, "a@b.example", &all->user},
        {ROW_SESSION, SESSION_ID, &all->session},
        {ROW_LINK, "l1", &all->link},
        {ROW_ERASURE, "e1", &all->erasure},
        {ROW_INSTALLATION, "installation", &all->installation},
        {ROW_ANNOTATION, "abc/2026-03-01", &all->annotation},
    };

    memcpy(out, list, sizeof(list));
}

static inline void put_examples(struct fixture *f)
{
    const struct rows_of_all all = examples();
    struct kind_example list[KIND_EXAMPLES];

    list_examples(&all, list);
    for (size_t i = 0; i < KIND_EXAMPLES; i++)
        if (put_row(f, list[i].kind, list[i].row) != 1)
            fail_msg("%s: %s", row_name(list[i].kind), f->err.text);
}

static inline int64_t count_of(struct fixture *f, enum row_kind kind, struct row_filter filter)
{
    int64_t count = -1;

    assert_ok(f, store_count(f->store, kind, &filter, &count, &f->err));
    return count;
}

static inline size_t audit_of(struct fixture *f, const char *tenant, struct audit_row **rows)
{
    size_t count = 0;

    assert_ok(
        f, store_page_audit(f->store, str_from(tenant), 0, 100, &f->arena, rows, &count, &f->err));
    return count;
}

#endif
