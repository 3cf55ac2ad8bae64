/*
 * store/memory_erase.c -- a site, or a value of it, out of the memory double.
 */
#include "store/memory_internal.h"

#include "base/buf.h"

enum { PART_ROWS = 50 }; /* as SQLite has it */

/* -- a site ------------------------------------------------------------------------------------ */

struct erase {
    struct memory_store *store;
    struct str site;
    int64_t left;
    int64_t *rows;
};

static void remove_row(struct erase *erase, enum erased table, struct rows *rows, size_t size,
                       size_t at)
{
    if (table == ERASED_LEDGER)
        erase->store->folded_records += ((const struct ledger_row *)rows->ptr)[at].records;
    rows_remove(rows, size, at);
    erase->left -= table == ERASED_PACKS ? PART_ROWS : 1;
    erase->rows[table]++;
}

/* `site`: where the rows have theirs. */
static void remove_rows(struct erase *erase, enum erased table, struct rows *rows, size_t size,
                        size_t site)
{
    for (size_t i = 0; i < rows->count && erase->left > 0;) {
        struct str of;

        memcpy(&of, (const char *)rows->ptr + i * size + site, sizeof(of));
        if (str_eq(of, erase->site))
            remove_row(erase, table, rows, size, i);
        else
            i++;
    }
}

/* Every siteId and trackingId; no id has quotes. */
static int64_t names_of(const struct site_row *site)
{
    int64_t quotes = 0;

    for (size_t i = 0; i < site->tracking_ids.len; i++)
        quotes += site->tracking_ids.ptr[i] == '"';
    return 1 + quotes / 2;
}

static void remove_all(struct erase *erase)
{
    struct memory_store *s = erase->store;
    const struct {
        enum erased table;
        struct rows *rows;
        size_t size, site;
    } tables[] = {
#define ROWS(table, member, type, site)                                                            \
    {table, &s->member, sizeof(struct type), offsetof(struct type, site)}
        ROWS(ERASED_EVENTS, events, event_row, event.site),
        ROWS(ERASED_VISITS, visits, visit, key.site),
        ROWS(ERASED_SKETCHES, sketches, sketch, key.site),
        ROWS(ERASED_DUE, due, site_day, site),
        ROWS(ERASED_PACKS, packs, pack_part, site),
        ROWS(ERASED_DAYS, days, stats_row, site),
        ROWS(ERASED_HOURS, hours, stats_row, site),
        ROWS(ERASED_KEYS, keys, event_key, site),
        ROWS(ERASED_GOALS, goals, goals_row, site),
        ROWS(ERASED_LEDGER, ledger, ledger_row, site),
        ROWS(ERASED_TOKENS, tokens, token_row, site),
        ROWS(ERASED_LINKS, links, link_row, site),
        ROWS(ERASED_ANNOTATIONS, annotations, annotation_row, site),
        ROWS(ERASED_REMOVED, removed, memory_removed, site),
        ROWS(ERASED_SETTINGS, sites, site_row, id),
#undef ROWS
    };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        remove_rows(erase, tables[i].table, tables[i].rows, tables[i].size, tables[i].site);
}

static struct str tenant_of(struct memory_store *store, struct str site)
{
    const struct site_row *row = memory_site(store, site);
    const struct memory_removed *removed = store->removed.ptr;

    for (size_t i = 0; row == NULL && i < store->removed.count; i++)
        if (str_eq(removed[i].site, site))
            return removed[i].tenant;
    return row == NULL ? STR("") : row->tenant;
}

static void touch(struct memory_store *store, struct str site)
{
    store->commits[site_partition(site)]++;
    store->version++;
}

int memory_erase_site(struct store *base, struct str site, const struct actor *actor, bool *more,
                      int64_t rows[ERASED_TABLES], struct err *err)
{
    struct memory_store *store = memory_of(base);
    struct erase erase = {store, site, ERASE_ROWS_MAX, rows};
    const struct site_row *row = memory_site(store, site);
    int64_t names = row == NULL ? 0 : names_of(row);
    struct str tenant = tenant_of(store, site);
    int rc = 0;

    remove_all(&erase);
    *more = erase.left <= 0;
    touch(store, site);
    if (row != NULL && memory_site(store, site) == NULL) {
        rows[ERASED_NAMES] += names;
        store->counters[COUNTER_DIRECTORY]++;
    }
    if (tenant.len > 0 && tenant_of(store, site).len == 0)
        rc = memory_note(base, "site.erase", site, tenant, actor, err);
    return rc;
}

/* -- a value ----------------------------------------------------------------------------------- */

struct change {
    struct memory_store *store;
    enum erasure_kind kind;
    struct str site, value, with;
};

static bool put(const struct change *change, struct str *text)
{
    if (!str_eq(*text, change->value))
        return false;
    *text = change->with;
    return true;
}

static struct str join(const struct change *change, struct str before, struct str after)
{
    struct buf text = {0};

    buf_add(&text, before);
    buf_add(&text, after);
    struct str kept = memory_keep(change->store, buf_str(&text));

    buf_release(&text);
    return kept;
}

/* A referrer with a path is a page of the site itself; one that was too long is cut. */
static bool put_referrer(const struct change *change, struct str *referrer)
{
    size_t at = str_find(*referrer, 0, '/');
    struct str path = str_slice(*referrer, at, referrer->len);
    bool cut = referrer->len > EVENT_PATH_MAX - 4 && str_starts(change->value, path);

    if (path.len == 0 || (!cut && !str_eq(path, change->value)))
        return false;
    *referrer = join(change, str_slice(*referrer, 0, at), join(change, STR("/"), change->with));
    return true;
}

/* Name, space, path. */
static bool put_entry(const struct change *change, struct str *entry)
{
    size_t at = str_find(*entry, 0, ' ');
    struct str name = str_slice(*entry, 0, at), path = str_slice(*entry, at + 1, entry->len);

    if (entry->len == 0 || !put(change, change->kind == ERASE_PATH ? &path : &name))
        return false;
    *entry = join(change, name, join(change, STR(" "), path));
    return true;
}

static bool put_props(const struct change *change, struct str *props)
{
    struct buf left = {0};
    bool found = props_remove(*props, change->value, &left);

    if (found)
        *props = memory_keep(change->store, buf_str(&left));
    buf_release(&left);
    return found;
}

static bool change_event(const struct change *change, struct event *event)
{
    if (change->kind == ERASE_PROP)
        return put_props(change, &event->props);
    if (change->kind == ERASE_EVENT)
        return event->kind == EVENT_CUSTOM && put(change, &event->name);
    bool path = put(change, &event->path), referrer = put_referrer(change, &event->referrer);

    if (path)
        event->title = STR("");
    return path || referrer;
}

static bool change_visit(const struct change *change, struct visit *visit)
{
    bool entry = change->kind != ERASE_PROP && put_entry(change, &visit->texts[VISIT_ENTRY_NAME]);

    if (change->kind != ERASE_PATH)
        return entry;
    bool first = put(change, &visit->texts[VISIT_ENTRY_PATH]);
    bool last = put(change, &visit->texts[VISIT_EXIT_PATH]);

    return put_referrer(change, &visit->texts[VISIT_REFERRER]) || entry || first || last;
}

int memory_erase_value(struct store *base, struct str site, enum erasure_kind kind,
                       struct str value, struct str with, bool *more, int64_t rows[ERASED_TABLES],
                       struct err *err)
{
    struct memory_store *store = memory_of(base);
    struct change change = {store, kind, site, value, memory_keep(store, with)};
    struct event_row *events = store->events.ptr;
    struct visit *visits = store->visits.ptr;
    int64_t left = ERASE_ROWS_MAX;
    int rc = erase_check(kind, value, with, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; left > 0 && i < store->events.count; i++)
        if (str_eq(events[i].event.site, site) && change_event(&change, &events[i].event)) {
            rows[ERASED_EVENTS]++;
            left--;
        }
    for (size_t i = 0; left > 0 && i < store->visits.count; i++)
        if (str_eq(visits[i].key.site, site) && change_visit(&change, &visits[i])) {
            rows[ERASED_VISITS]++;
            left--;
        }
    *more = left < ERASE_ROWS_MAX;
    if (*more)
        touch(store, site);
    return 0;
}

int memory_compact(struct store *base, struct err *err)
{
    (void)base;
    (void)err;
    return 0;
}
