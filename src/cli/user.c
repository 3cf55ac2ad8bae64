/* cli/user.c -- `abacus user add|list|rm|passwd|setup`. */
#include "access/people.h"
#include "cli/managed.h"
#include "cli/secret.h"

static int read_email(struct str text, struct arena *arena, struct str *out, struct err *err)
{
    int rc = email_normalise(text, arena, out, err);
    return rc == 0 ? 0 : err_wrap(err, rc, "--email");
}

/* -- a person's password ----------------------------------------------------------------------- */

static int put_password(void *ctx, bool exists, void *row, struct arena *arena, struct err *err)
{
    const struct str *hash = ctx;
    struct user_row *user = row;
    (void)arena;
    if (!exists) {
        return err_set(err, ERR_NOTFOUND, "no such user: %.*s", STR_FMT(user->id));
    }
    user->password = *hash;
    return EDIT_PUT;
}

static int read_password(struct str user, struct arena *arena, struct str *hash, struct err *err)
{
    struct str password = STR("");
    int rc = secret_read("New password: ", arena, &password, err);
    if (rc == 0) {
        rc = password_check(password, user, err);
    }
    return rc == 0 ? password_hash(password, arena, hash, err) : rc;
}

/* Sessions and links of before end. */
static int set_password(struct managed *managed, struct str user, struct str hash, struct err *err)
{
    const struct actor actor = cli_actor();
    int rc = store_edit(managed->store, ROW_USER, user, put_password, &hash, &actor, err);
    return rc < 0 ? rc : store_end_sessions(managed->store, user, -1, STR(""), err);
}

/* -- add --------------------------------------------------------------------------------------- */

struct add_args {
    struct str email, role, tenant, name, payload_id;
    struct text_list sites;
    bool invite;
};
#define ADD(member) .offset = offsetof(struct add_args, member)

static const struct option add_options[] = {
    {.name = "email",
     .type = OPTION_TEXT,
     .value = "ADDRESS",
     .required = true,
     ADD(email),
     .sentence = "The person's e-mail address."},
    {.name = "role",
     .type = OPTION_CHOICE,
     .value = "admin|manager|viewer",
     .required = true,
     ADD(role),
     .sentence = "admin: of the whole installation; manager: of a tenant; viewer: reads it."},
    {.name = "tenant",
     .type = OPTION_ID,
     .value = "TENANT",
     ADD(tenant),
     .sentence = "Whose manager or viewer; the person may have several."},
    {.name = "site",
     .type = OPTION_ID,
     .value = "SITE",
     .list = true,
     ADD(sites),
     .sentence = "Only these sites of the tenant."},
    {.name = "name", .type = OPTION_TEXT, .value = "NAME", ADD(name), .sentence = "Their name."},
    {.name = "payload-id",
     .type = OPTION_TEXT,
     .value = "ID",
     ADD(payload_id),
     .sentence = "The id of the same person in Payload, whose sessions then sign in here."},
    {.name = "invite",
     .type = OPTION_FLAG,
     ADD(invite),
     .sentence = "Print a link with which they choose their password, in place of asking for one; "
                 "of somebody who is there, a new one."},
    {.name = NULL},
};

static int check_role(const struct add_args *args, struct err *err)
{
    bool admin = str_eq(args->role, STR("admin"));
    if (admin && (args->tenant.len > 0 || args->sites.count > 0)) {
        return err_set(err, ERR_INVALID, "user add: an admin is not of one tenant or site");
    }
    return admin || args->tenant.len > 0
               ? 0
               : err_set(err, ERR_INVALID, "user add: give the --tenant of a manager or viewer");
}

/* Those that are there, but for the one of the same tenant, and the new one. */
static void add_memberships(struct managed *managed, const struct json *there,
                            const struct add_args *args)
{
    const struct json *list = there == NULL ? NULL : json_get(there, STR("memberships"));
    struct json_out *json = &managed->json;
    json_name(json, STR("memberships"));
    json_open(json, '[');
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct json *tenant = json_get(&list->items[i], STR("tenantId"));
        if (tenant == NULL || !str_eq(tenant->text, args->tenant)) {
            json_value(json, &list->items[i]);
        }
    }
    if (args->tenant.len > 0) {
        json_open(json, '{');
        managed_text(managed, "tenantId", args->tenant);
        managed_text(managed, "role", args->role);
        managed_texts(managed, "sites", &args->sites);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static int look_up(struct managed *managed, struct str email, const struct json **out,
                   struct err *err)
{
    int rc = manage_get(&managed->manage, MANAGE_USERS, email, &managed->answer, err);
    *out = NULL;
    if (rc == 0) {
        rc = managed_answer(managed, out, err);
    }
    buf_reset(&managed->answer);
    return rc == ERR_NOTFOUND ? 0 : rc;
}

static int put_user(struct managed *managed, const struct add_args *args, struct str email,
                    const struct json *there, struct err *err)
{
    if (str_eq(args->role, STR("admin"))) {
        managed_flag(managed, "admin", true);
    }
    managed_text(managed, "name", args->name);
    managed_text(managed, "payloadId", args->payload_id);
    managed_flag(managed, "invite", args->invite);
    add_memberships(managed, there, args);
    return managed_put(managed, MANAGE_USERS, email, there == NULL ? MANAGE_PUT : MANAGE_PATCH,
                       err);
}

/* The password comes first: without one there is to be nobody new. */
static int add_user(struct managed *managed, const struct add_args *args, struct err *err)
{
    const struct json *there = NULL, *answer = NULL;
    struct arena *arena = managed->in->arena;
    struct str email = STR(""), hash = STR("");
    int rc = read_email(args->email, arena, &email, err);
    if (rc == 0) {
        rc = look_up(managed, email, &there, err);
    }
    if (rc == 0 && there == NULL && !args->invite) {
        rc = read_password(email, arena, &hash, err);
    }
    if (rc == 0) {
        rc = put_user(managed, args, email, there, err);
    }
    if (rc == 0 && hash.len > 0) {
        rc = set_password(managed, email, hash, err);
    }
    if (rc == 0 && args->invite) {
        rc = managed_answer(managed, &answer, err);
    }
    if (rc == 0 && args->invite) {
        buf_addf(managed->in->out, "%.*s\n",
                 STR_FMT(managed_member(answer, "invitation.url", arena)));
    }
    return rc;
}

static int run_add(const struct invocation *in, struct err *err)
{
    const struct add_args *args = in->args;
    struct managed managed;
    int rc = check_role(args, err);
    if (rc != 0) {
        return rc;
    }
    rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = add_user(&managed, args, err);
    }
    return managed_close(&managed, rc);
}

/* -- list, rm, passwd -------------------------------------------------------------------------- */

static int run_list(const struct invocation *in, struct err *err)
{
    static const struct column columns[] = {{"EMAIL", "id"},
                                            {"NAME", "name"},
                                            {"ADMIN", "admin"},
                                            {"MEMBERSHIPS", "memberships"},
                                            {"2ND FACTOR", "totp"},
                                            {"SIGNED IN", "signedInAt"},
                                            {NULL, NULL}};
    const struct json_args *args = in->args;
    return managed_list(in, MANAGE_USERS, &(struct manage_query){0}, columns, args->json, err);
}

struct email_args {
    struct str email;
};

static const struct option email_options[] = {
    {.name = "email",
     .type = OPTION_TEXT,
     .value = "ADDRESS",
     .required = true,
     .offset = offsetof(struct email_args, email),
     .sentence = "Who."},
    {.name = NULL},
};

static int run_rm(const struct invocation *in, struct err *err)
{
    const struct email_args *args = in->args;
    struct str email;
    int rc = read_email(args->email, in->arena, &email, err);
    return rc == 0 ? managed_remove(in, MANAGE_USERS, email, false, false, err) : rc;
}

static int run_passwd(const struct invocation *in, struct err *err)
{
    const struct email_args *args = in->args;
    struct managed managed;
    struct str email, hash = STR("");
    int rc = read_email(args->email, in->arena, &email, err);
    if (rc != 0) {
        return rc;
    }
    rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = manage_get(&managed.manage, MANAGE_USERS, email, &managed.answer, err);
    }
    if (rc == 0) {
        rc = read_password(email, in->arena, &hash, err);
    }
    if (rc == 0) {
        rc = set_password(&managed, email, hash, err);
    }
    return managed_close(&managed, rc);
}

/* -- setup ------------------------------------------------------------------------------------- */

static int run_setup(const struct invocation *in, struct err *err)
{
    struct managed managed;
    char secret[SECRET_TEXT_MAX];
    int rc = managed_open(&managed, in, true, err);
    if (rc == 0) {
        rc = people_make_link(managed.store, SESSION_SETUP, STR(""), managed.manage.now_ms, secret,
                              err);
    }
    if (rc == 0) {
        struct str url = in->settings->public_url;
        buf_addf(in->out, "%.*s/admin/accept#%s\n", STR_FMT(url), secret);
    }
    return managed_close(&managed, rc);
}

const struct command command_user_add = {
    .name = "user add",
    .summary = "Add a person, or a membership to one who is there.",
    .note = "The password is asked for, or read from stdin.",
    .options = add_options,
    .args_size = sizeof(struct add_args),
    .operand = "email",
    .groups = SETTINGS_DATA | SETTINGS_LINK,
    .run = run_add,
};

const struct command command_user_list = {
    .name = "user list",
    .summary = "List the people.",
    .options = json_options,
    .args_size = sizeof(struct json_args),
    .groups = SETTINGS_DATA,
    .run = run_list,
};

const struct command command_user_rm = {
    .name = "user rm",
    .summary = "Remove a person; their sessions end at once.",
    .options = email_options,
    .args_size = sizeof(struct email_args),
    .operand = "email",
    .groups = SETTINGS_DATA,
    .run = run_rm,
};

const struct command command_user_passwd = {
    .name = "user passwd",
    .summary = "Give a person a new password; their sessions end.",
    .note = "It is asked for, or read from stdin.",
    .options = email_options,
    .args_size = sizeof(struct email_args),
    .operand = "email",
    .groups = SETTINGS_DATA,
    .run = run_passwd,
};

const struct command command_user_setup = {
    .name = "user setup",
    .summary = "Print a link, good for an hour and once, with which the first admin signs up.",
    .note = "Only while there is no admin. Unless --public-url is set it is printed without a "
            "host.",
    .options = json_options + 1,
    .groups = SETTINGS_DATA | SETTINGS_LINK,
    .run = run_setup,
};
