/*
 * takeout_rows.c -- what is managed of a tenant or a site: itself, people, tokens, links, settings,
 * annotations, and who changed what.
 */
#include "access/access.h"
#include "access/caller.h"
#include "api/takeout_internal.h"

enum { PAGE_ROWS = 200 };

/* The next page of a kind, of the tenant or of its one site. */
static int next_page(struct takeout *self, struct store *store, enum row_kind kind, bool of_site,
                     void **rows, size_t *count, struct err *err)
{
    const struct row_filter filter = {.tenant = self->tenant,
                                      .site = of_site ? takeout_site(self) : STR("")};

    return store_page(store, kind, &filter, self->place.after, PAGE_ROWS, &self->page, rows, count,
                      err);
}

/* The page is written up to here: 1 if there is another one. */
static int page_done(struct takeout *self, struct str last, size_t count)
{
    self->place.after = arena_str(&self->owned, last);
    return count == PAGE_ROWS;
}

static void put_count(struct takeout *self, const char *name, int64_t n)
{
    answer_name(&self->json, name);
    json_i64(&self->json, n);
}

static void put_flag(struct takeout *self, const char *name, bool flag)
{
    answer_name(&self->json, name);
    json_bool(&self->json, flag);
}

/* JSON of a row; null where there is none. */
static void put_json(struct takeout *self, const char *name, struct str json)
{
    answer_name(&self->json, name);
    if (json.len == 0)
        json_null(&self->json);
    else
        json_raw(&self->json, json);
}

static void put_instant(struct takeout *self, const char *name, int64_t ms)
{
    if (ms == 0)
        answer_str(&self->json, name, STR(""));
    else
        answer_instant(&self->json, name, ms);
}

/* -- the tenant ---------------------------------------------------------------------------- */

struct gathering {
    struct takeout *takeout;
    size_t cap;
};

/* One that is made in this moment is not in it. */
static int gather_site(void *ctx, const void *row, struct err *err)
{
    const struct gathering *gathering = ctx;
    struct takeout *self = gathering->takeout;

    (void)err;
    if (self->sites_count < gathering->cap)
        self->sites[self->sites_count++] =
            arena_str(&self->owned, ((const struct site_row *)row)->id);
    return 0;
}

static int list_sites(struct takeout *self, struct store *store, struct err *err)
{
    const struct row_filter filter = {.tenant = self->tenant, .kept = true};
    int64_t all = 0;
    int rc = store_count(store, ROW_SITE, &filter, &all, err);

    if (rc < 0)
        return rc;
    struct gathering gathering = {self, (size_t)all};

    self->sites = ARENA_NEW(&self->owned, struct str, gathering.cap);
    return store_each(store, ROW_SITE, &filter, gather_site, &gathering, err);
}

int takeout_tenant(struct takeout *self, struct store *store, struct err *err)
{
    struct tenant_row row;
    int rc = store_get(store, ROW_TENANT, self->tenant, &self->page, &row, err);

    if (rc == 0)
        return err_set(err, ERR_NOTFOUND, "the tenant is gone");
    if (rc > 0)
        rc = list_sites(self, store, err);
    if (rc < 0)
        return rc;
    takeout_open(self, "tenant");
    answer_str(&self->json, "id", row.id);
    answer_str(&self->json, "name", row.name);
    answer_str(&self->json, "status", row.active ? STR("active") : STR("suspended"));
    answer_name(&self->json, "limits");
    json_open(&self->json, '{');
    put_count(self, "eventsPerSecond", row.events_per_second);
    put_count(self, "eventsPerMonth", row.events_per_month);
    put_count(self, "sites", row.sites_max);
    put_count(self, "readsPerMinute", row.reads_per_minute);
    json_close(&self->json, '}');
    put_json(self, "embedOrigins", row.embed_origins.len > 0 ? row.embed_origins : STR("[]"));
    put_json(self, "settings", row.settings.len > 0 ? row.settings : STR("{}"));
    put_instant(self, "createdAt", row.created_ms);
    takeout_close(self);
    return 0;
}

/* -- people -------------------------------------------------------------------------------- */

/* Who is in other tenants too has a name, and the rest, from them. */
static int put_user(struct takeout *self, const struct user_row *user, struct err *err)
{
    struct membership *memberships = NULL;
    size_t count = 0, own = 0;
    int rc = memberships_parse(user->memberships, &self->page, &memberships, &count, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (str_eq(memberships[i].tenant, self->tenant))
            memberships[own++] = memberships[i];
    takeout_open(self, "user");
    answer_str(&self->json, "id", user->id);
    if (own == count && !user->admin)
        answer_str(&self->json, "name", user->name);
    answer_name(&self->json, "memberships");
    memberships_json(memberships, own, &self->json);
    takeout_close(self);
    return 0;
}

int takeout_users(struct takeout *self, struct store *store, struct err *err)
{
    void *page = NULL;
    size_t count = 0;
    int rc = next_page(self, store, ROW_USER, false, &page, &count, err);
    const struct user_row *rows = page;

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = put_user(self, &rows[i], err);
    return rc < 0 || count == 0 ? rc : page_done(self, rows[count - 1].id, count);
}

/* -- tokens and links ---------------------------------------------------------------------- */

static void put_scopes(struct takeout *self, unsigned scopes)
{
    char text[64];
    struct str rest, scope;

    scopes_format(scopes, text, sizeof(text));
    rest = str_from(text);
    answer_name(&self->json, "scopes");
    json_open(&self->json, '[');
    while (str_next(&rest, ',', &scope))
        json_str(&self->json, str_trim(scope));
    json_close(&self->json, ']');
}

int takeout_tokens(struct takeout *self, struct store *store, struct err *err)
{
    void *page = NULL;
    size_t count = 0;
    int rc = next_page(self, store, ROW_TOKEN, true, &page, &count, err);
    const struct token_row *rows = page;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        takeout_open(self, "token");
        answer_str(&self->json, "id", rows[i].id);
        answer_str(&self->json, "name", rows[i].name);
        answer_str(&self->json, "tenantId", rows[i].tenant);
        answer_str(&self->json, "siteId", rows[i].site);
        put_scopes(self, rows[i].scopes);
        put_instant(self, "createdAt", rows[i].created_ms);
        put_instant(self, "expiresAt", rows[i].expires_ms);
        takeout_close(self);
    }
    return rc < 0 || count == 0 ? rc : page_done(self, rows[count - 1].id, count);
}

int takeout_links(struct takeout *self, struct store *store, struct err *err)
{
    void *page = NULL;
    size_t count = 0;
    int rc = next_page(self, store, ROW_LINK, true, &page, &count, err);
    const struct link_row *rows = page;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        takeout_open(self, "link");
        answer_str(&self->json, "id", rows[i].id);
        answer_str(&self->json, "name", rows[i].name);
        answer_str(&self->json, "tenantId", rows[i].tenant);
        answer_str(&self->json, "siteId", rows[i].site);
        put_flag(self, "hasPassword", rows[i].password.len > 0);
        put_instant(self, "createdAt", rows[i].created_ms);
        put_instant(self, "expiresAt", rows[i].expires_ms);
        takeout_close(self);
    }
    return rc < 0 || count == 0 ? rc : page_done(self, rows[count - 1].id, count);
}

/* -- settings ------------------------------------------------------------------------------ */

int takeout_settings(struct takeout *self, struct store *store, struct err *err)
{
    struct site_row row;
    int rc = store_get(store, ROW_SITE, takeout_site(self), &self->page, &row, err);

    if (rc < 0)
        return rc;
    if (rc == 0 || !str_eq(row.tenant, self->tenant))
        return err_set(err, ERR_NOTFOUND, "a site is gone");
    takeout_open(self, "site");
    site_settings_json(&row, &self->json);
    put_instant(self, "createdAt", row.created_ms);
    takeout_close(self);
    return 0;
}

int takeout_annotations(struct takeout *self, struct store *store, struct err *err)
{
    void *page = NULL;
    size_t count = 0;
    int rc = next_page(self, store, ROW_ANNOTATION, true, &page, &count, err);
    const struct annotation_row *rows = page;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        takeout_open(self, "annotation");
        answer_str(&self->json, "siteId", rows[i].site);
        answer_str(&self->json, "date", annotation_date(&rows[i]));
        answer_str(&self->json, "text", rows[i].text);
        takeout_close(self);
    }
    return rc < 0 || count == 0 ? rc : page_done(self, rows[count - 1].id, count);
}

/* -- who changed what ---------------------------------------------------------------------- */

int takeout_audit(struct takeout *self, struct store *store, struct err *err)
{
    struct audit_row *rows = NULL;
    size_t count = 0;
    int rc = store_page_audit(store, self->tenant, self->place.at, PAGE_ROWS, &self->page, &rows,
                              &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        takeout_open(self, "audit");
        answer_instant(&self->json, "at", rows[i].at_ms);
        answer_str(&self->json, "actor", rows[i].actor);
        answer_str(&self->json, "action", rows[i].action);
        answer_str(&self->json, "target", rows[i].target);
        takeout_close(self);
        self->place.at = rows[i].id;
    }
    return rc < 0 ? rc : count == PAGE_ROWS;
}
