/*
 * test_manage_support.h -- two tenants with what belongs to them, and everybody who may ask.
 *
 *     t1: sites a, b; tokens t1-all, t1-a, t1-b; links to a and b; people ann (manager), vic
 *         (viewer), and both, who is of t2 too
 *     t2: site x; token t2-all; a link to x; zoe (manager)
 *     the platform: token root, admin boss
 */
#ifndef ABACUS_TEST_MANAGE_SUPPORT_H
#define ABACUS_TEST_MANAGE_SUPPORT_H

#include "test_postgres_support.h"

#include "access/access.h"
#include "base/json.h"
#include "manage/manage.h"

/* 2026-11-22T12:00:00Z */
#define NOW INT64_C(1795348800000)

enum who {
    PLATFORM, /* a platform token with stats:read and admin */
    COMMAND,
    ADMIN,   /* a person */
    TENANT,  /* a token of t1 with admin */
    MANAGER, /* a person of t1 */
    BOUND,   /* a token of t1, bound to site a, with admin */
    LIMITED, /* a manager of t1 for site a alone */
    VIEWER,  /* of t1 */
    READER,  /* a platform token with stats:read alone */
    NOBODY,
    CALLERS,
};
static const char *const who_names[] = {"PLATFORM", "COMMAND", "ADMIN",  "TENANT", "MANAGER",
                                        "BOUND",    "LIMITED", "VIEWER", "READER", "NOBODY"};

static inline struct caller person(const char *id, const char *memberships, bool admin,
                                   struct arena *arena)
{
    const struct user_row user = {
        .id = str_from(id), .memberships = str_from(memberships), .admin = admin};
    struct caller caller;

    caller_of_user(&user, arena, &caller);
    return caller;
}

static inline struct caller token_of(const char *tenant, const char *site, unsigned scopes,
                                     struct arena *arena)
{
    struct caller caller;

    caller_of_token(STR("k"), tenant[0] == '\0', str_from(tenant), str_from(site), scopes, 0, arena,
                    &caller);
    return caller;
}

static inline struct caller caller_for(enum who who, struct arena *arena)
{
    const unsigned both = SCOPE_STATS_READ | SCOPE_ADMIN;

    switch (who) {
    case PLATFORM:
        return token_of("", "", both, arena);
    case READER:
        return token_of("", "", SCOPE_STATS_READ, arena);
    case COMMAND:
        return caller_command();
    case ADMIN:
        return person("boss@example.com", "", true, arena);
    case TENANT:
        return token_of("t1", "", both, arena);
    case BOUND:
        return token_of("t1", "a", both, arena);
    case MANAGER:
        return person("ann@example.com", "[{\"tenantId\":\"t1\",\"role\":\"manager\"}]", false,
                      arena);
    case LIMITED:
        return person("lim@example.com",
                      "[{\"tenantId\":\"t1\",\"role\":\"manager\",\"sites\":[\"a\"]}]", false,
                      arena);
    case VIEWER:
        return person("vic@example.com", "[{\"tenantId\":\"t1\",\"role\":\"viewer\"}]", false,
                      arena);
    case NOBODY:
    case CALLERS:
        break;
    }
    return (struct caller){.kind = CALLER_NOBODY};
}

/* -- asking ------------------------------------------------------------------------------------ */

struct answer {
    int rc;
    enum manage_done done;
    const struct json *json; /* NULL: nothing was answered */
    char field[128], why[256];
};

struct asking {
    struct fixture *f;
    struct caller caller;
    struct manage m;
    struct buf out;
    struct err err;
};

static const uint8_t signing_key[32] = {1, 2, 3};

static inline void asking_begin(struct asking *a, struct fixture *f, const struct caller *caller)
{
    *a = (struct asking){.f = f, .caller = *caller};
    a->m = (struct manage){.store = f->store,
                           .caller = &a->caller,
                           .arena = &f->arena,
                           .now_ms = NOW,
                           .public_url = STR("https://stats.example.com"),
                           .signing_key = signing_key,
                           .raw_days = 30,
                           .visit_days = 365,
                           .stats_days = 365};
}

static inline struct answer asking_end(struct asking *a, int rc)
{
    struct answer answer = {.rc = rc};
    struct json *json = NULL;
    struct err err = {""};

    if (rc == 0 && a->out.len > 0) {
        struct str text = arena_str(&a->f->arena, buf_str(&a->out));

        if (json_parse(text, 16, &a->f->arena, &json, &err) != 0)
            fail_msg("%s: %.*s", err.text, STR_FMT(text));
    }
    answer.json = json;
    (void)snprintf(answer.why, sizeof(answer.why), "%s", rc == 0 ? "" : a->err.text);
    (void)snprintf(answer.field, sizeof(answer.field), "%s", a->m.field == NULL ? "" : a->m.field);
    buf_release(&a->out);
    return answer;
}

/* Single quotes stand for double ones. */
static inline const struct json *body_of(struct fixture *f, const char *text)
{
    struct json *json = NULL;
    struct err err = {""};
    size_t len = strlen(text);
    char *copy = arena_alloc(&f->arena, len + 1, 1);

    for (size_t i = 0; i < len; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    if (json_parse((struct str){copy, len}, 8, &f->arena, &json, &err) != 0)
        fail_msg("%s: %s", err.text, copy);
    return json;
}

static inline struct answer put_as(struct fixture *f, const struct caller *caller,
                                   enum manage_kind kind, const char *id, const struct json *body,
                                   enum manage_how how)
{
    struct asking a;
    enum manage_done done = MANAGE_SAME;

    asking_begin(&a, f, caller);
    int rc = manage_put(&a.m, kind, str_from(id), body, how, &done, &a.out, &a.err);
    struct answer answer = asking_end(&a, rc);

    answer.done = done;
    return answer;
}

static inline struct answer put(struct fixture *f, enum who who, enum manage_kind kind,
                                const char *id, const char *body)
{
    struct caller caller = caller_for(who, &f->arena);

    return put_as(f, &caller, kind, id, body_of(f, body), MANAGE_PUT);
}

static inline struct answer patch(struct fixture *f, enum who who, enum manage_kind kind,
                                  const char *id, const char *body)
{
    struct caller caller = caller_for(who, &f->arena);

    return put_as(f, &caller, kind, id, body_of(f, body), MANAGE_PATCH);
}

static inline struct answer get(struct fixture *f, enum who who, enum manage_kind kind,
                                const char *id)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_get(&a.m, kind, str_from(id), &a.out, &a.err));
}

static inline struct answer drop_at(struct fixture *f, enum who who, enum manage_kind kind,
                                    const char *id, bool now, int64_t now_ms)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    a.m.now_ms = now_ms;
    return asking_end(&a, manage_remove(&a.m, kind, str_from(id), now, &a.out, &a.err));
}

static inline struct answer drop(struct fixture *f, enum who who, enum manage_kind kind,
                                 const char *id)
{
    return drop_at(f, who, kind, id, false, NOW);
}

static inline struct answer list(struct fixture *f, enum who who, enum manage_kind kind,
                                 const char *tenant, const char *site)
{
    const struct manage_query query = {.tenant = str_from(tenant), .site = str_from(site)};
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, manage_list(&a.m, kind, &query, &a.out, &a.err));
}

static inline struct answer settings(struct fixture *f, enum who who, const char *tenant,
                                     const char *site)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a,
                      manage_settings_get(&a.m, str_from(tenant), str_from(site), &a.out, &a.err));
}

static inline struct answer set_as_is(struct fixture *f, enum who who, const char *tenant,
                                      const char *site, const struct json *body,
                                      enum manage_how how)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(
        &a, manage_settings_put(&a.m, str_from(tenant), str_from(site), body, how, &a.out, &a.err));
}

static inline struct answer set(struct fixture *f, enum who who, const char *tenant,
                                const char *site, const char *body)
{
    return set_as_is(f, who, tenant, site, body_of(f, body), MANAGE_PATCH);
}

typedef int body_verb(struct manage *m, const struct json *body, struct buf *out, struct err *err);
static inline struct answer ask_body(struct fixture *f, enum who who, body_verb *verb,
                                     const char *body)
{
    struct caller caller = caller_for(who, &f->arena);
    struct asking a;

    asking_begin(&a, f, &caller);
    return asking_end(&a, verb(&a.m, body_of(f, body), &a.out, &a.err));
}

/* -- looking at answers ------------------------------------------------------------------------ */

/* The value at a place ("limits.sites", "memberships.0.role") as JSON. */
static inline struct str at(struct fixture *f, const struct json *json, const char *place)
{
    struct str rest = str_from(place), piece;
    struct buf text = {0};
    struct json_out out = {.buf = &text};

    while (json != NULL && place[0] != '\0' && str_next(&rest, '.', &piece)) {
        int64_t i = 0;

        if (json->type == JSON_ARRAY && str_to_i64(piece, &i) && (size_t)i < json->count)
            json = &json->items[i];
        else
            json = json->type == JSON_OBJECT ? json_get(json, piece) : NULL;
    }
    if (json == NULL)
        return STR("(absent)");
    json_value(&out, json);
    struct str kept = arena_str(&f->arena, buf_str(&text));

    buf_release(&text);
    return kept;
}

/* Single quotes stand for double ones. */
#define assert_at(f, answer, place, expected)                                                      \
    do {                                                                                           \
        struct str is_ = at((f), (answer).json, (place));                                          \
        char wants_[2048];                                                                         \
        (void)snprintf(wants_, sizeof(wants_), "%s", (expected));                                  \
        for (char *c_ = wants_; *c_ != '\0'; c_++)                                                 \
            *c_ = *c_ == '\'' ? '"' : *c_;                                                         \
        if (!str_eq(is_, str_from(wants_)))                                                        \
            fail_msg("%s: %.*s is not %s (%s)", (place), STR_FMT(is_), wants_, (answer).why);      \
    } while (0)

#define assert_done(call, expected)                                                                \
    do {                                                                                           \
        const struct answer got_ = (call);                                                         \
        if (got_.rc != 0 || got_.done != (expected))                                               \
            fail_msg("%s: %d, done %d, not %d: %s", #call, got_.rc, (int)got_.done,                \
                     (int)(expected), got_.why);                                                   \
    } while (0)

#define assert_refused(call, code, place)                                                          \
    do {                                                                                           \
        const struct answer got_ = (call);                                                         \
        if (got_.rc != (code) || strcmp(got_.field, (place)) != 0)                                 \
            fail_msg("%s: %d at \"%s\", not %d at \"%s\": %s", #call, got_.rc, got_.field,         \
                     (int)(code), (place), got_.why);                                              \
    } while (0)

/* -- the world --------------------------------------------------------------------------------- */

static inline void must_put(struct fixture *f, enum manage_kind kind, const char *id,
                            const char *body)
{
    assert_done(put(f, COMMAND, kind, id, body), MANAGE_MADE);
}

#define OF_T1 "'memberships':[{'tenantId':'t1','role':"
static inline void make_world(struct fixture *f)
{
    must_put(f, MANAGE_TENANTS, "t1", "{'name':'One'}");
    must_put(f, MANAGE_TENANTS, "t2", "{'name':'Two'}");
    must_put(f, MANAGE_SITES, "a", "{'tenantId':'t1','domain':'a.example'}");
    must_put(f, MANAGE_SITES, "b", "{'tenantId':'t1','domain':'b.example'}");
    must_put(f, MANAGE_SITES, "x", "{'tenantId':'t2','domain':'x.example'}");
    must_put(f, MANAGE_TOKENS, "root", "{'platform':true,'scopes':['admin','metrics']}");
    must_put(f, MANAGE_TOKENS, "t1-all", "{'tenantId':'t1','scopes':['admin']}");
    must_put(f, MANAGE_TOKENS, "t1-a", "{'tenantId':'t1','siteId':'a','scopes':['admin']}");
    must_put(f, MANAGE_TOKENS, "t1-b", "{'tenantId':'t1','siteId':'b','scopes':['admin']}");
    must_put(f, MANAGE_TOKENS, "t2-all", "{'tenantId':'t2','scopes':['admin']}");
    must_put(f, MANAGE_LINKS, "l-a", "{'siteId':'a'}");
    must_put(f, MANAGE_LINKS, "l-b", "{'siteId':'b'}");
    must_put(f, MANAGE_LINKS, "l-x", "{'siteId':'x'}");
    must_put(f, MANAGE_USERS, "boss@example.com", "{'admin':true,'invite':false}");
    must_put(f, MANAGE_USERS, "ann@example.com", "{'name':'Ann'," OF_T1 "'manager'}]}");
    must_put(f, MANAGE_USERS, "vic@example.com", "{'name':'Vic'," OF_T1 "'viewer'}]}");
    must_put(f, MANAGE_USERS, "both@example.com",
             "{'name':'Both','payloadId':'7'," OF_T1
             "'manager'},{'tenantId':'t2','role':'viewer'}]}");
    must_put(f, MANAGE_USERS, "zoe@example.com",
             "{'name':'Zoe','memberships':[{'tenantId':'t2','role':'manager'}]}");
}

#endif
