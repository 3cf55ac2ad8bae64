/*
 * event/path_rules.c -- a site's rules for rewriting and grouping paths.
 *
 * Rules see the page without the query, after masking: so that no rule can carry over what masking
 * takes out, and a rule is written for the paths that reports show ("/users/[email]"). What of the
 * query the site keeps follows the path that a rule makes.
 *
 * The route of a fragment is a part of the page: "/app#/users/7" has the segments "app#", "users"
 * and "7".
 *
 * A path is matched segment by segment without building anything, so a rule that does not match
 * costs the few bytes that it has in common with the path.
 */
#include "base/json.h"
#include "event/event_internal.h"

#include "event/mask_internal.h"

enum { RULES_DEPTH = 2 };

/* -- matching -- */

/* What the stars of a match stood for. */
struct stars {
    size_t count;
    struct str text[PATH_RULE_STARS_MAX];
};

/* Take the next segment with the slash before it off *rest; false at the end. */
static bool next_segment(struct str *rest, struct str *segment)
{
    if (rest->len == 0)
        return false;
    size_t end = str_find(*rest, 1, '/');

    *segment = str_slice(*rest, 1, end);
    *rest = str_slice(*rest, end, rest->len);
    return true;
}

static bool rule_matches(struct str match, struct str path, struct stars *stars)
{
    struct str wanted, segment;

    stars->count = 0;
    while (next_segment(&match, &wanted)) {
        if (str_eq(wanted, STR("**"))) {
            stars->text[stars->count++] = str_slice(path, 1, path.len);
            return true;
        }
        if (!next_segment(&path, &segment))
            return false;
        bool star = str_eq(wanted, STR("*"));

        if (star ? segment.len == 0 : !str_eq(wanted, segment))
            return false;
        if (star)
            stars->text[stars->count++] = segment;
    }
    return path.len == 0;
}

/* -- rewriting -- */

/* At most this: one byte more than is kept, so that the cut sees what follows. */
enum { REWRITTEN_MAX = EVENT_PATH_MAX + 1 };

static size_t add(char *out, size_t len, struct str s)
{
    s = str_slice(s, 0, REWRITTEN_MAX - len);
    if (s.len > 0)
        memcpy(out + len, s.ptr, s.len);
    return len + s.len;
}

/* The number of the star that the '$' at `at` stands for, or 0. */
static size_t reference_at(struct str to, size_t at)
{
    bool digit = at + 1 < to.len && to.ptr[at + 1] >= '1' && to.ptr[at + 1] <= '9';

    return digit ? (size_t)(to.ptr[at + 1] - '0') : 0;
}

static struct str rewrite(struct str to, const struct stars *stars, struct arena *arena)
{
    char *out = arena_bytes(arena, REWRITTEN_MAX);
    size_t len = 0;

    while (to.len > 0) {
        size_t dollar = str_find(to, 0, '$');
        size_t star = reference_at(to, dollar);

        len = add(out, len, str_slice(to, 0, star > 0 ? dollar : dollar + 1));
        if (star > 0 && star <= stars->count)
            len = add(out, len, stars->text[star - 1]);
        to = str_slice(to, dollar + (star > 0 ? 2 : 1), to.len);
    }
    return text_cut((struct str){out, len}, EVENT_PATH_MAX);
}

struct str path_rewrite(const struct site *site, struct str path, struct arena *arena)
{
    struct stars stars;

    for (size_t i = 0; i < site->path_rules_count; i++)
        if (rule_matches(site->path_rules[i].match, path, &stars))
            return rewrite(site->path_rules[i].to, &stars, arena);
    return path;
}

/* -- from their JSON -- */

#define wrong(index, member, err, ...)                                                             \
    (err_fill((err), __VA_ARGS__),                                                                 \
     err_wrap((err), ERR_INVALID, "pathRules[%zu].%s", (index), (member)))

static int read_path(size_t index, const char *member, const struct json *rule, struct str *out,
                     struct err *err)
{
    const struct json *v = get_present(rule, str_from(member));

    if (v == NULL || v->type != JSON_STRING || v->text.len > PATH_RULE_BYTES_MAX)
        return wrong(index, member, err, "not a text of 1 to %d bytes", PATH_RULE_BYTES_MAX);
    if (v->text.len == 0 || v->text.ptr[0] != '/')
        return wrong(index, member, err, "does not begin with /");
    if (!path_is_page(v->text))
        return wrong(index, member, err,
                     "has a query, or a fragment that is no route (#/ or #!): a path has none");
    *out = v->text;
    return 0;
}

static int count_stars(size_t index, struct str match, size_t *stars, struct err *err)
{
    struct str segment;

    for (*stars = 0; next_segment(&match, &segment);) {
        bool rest = str_eq(segment, STR("**"));

        if (rest && match.len > 0)
            return wrong(index, "match", err, "has a ** that is not its last segment");
        if (!rest && !str_eq(segment, STR("*")) && str_find(segment, 0, '*') < segment.len)
            return wrong(index, "match", err, "has a * that is not the whole of a segment");
        *stars += segment.len > 0 && segment.ptr[0] == '*';
    }
    if (*stars > PATH_RULE_STARS_MAX)
        return wrong(index, "match", err, "has more than %d stars", PATH_RULE_STARS_MAX);
    return 0;
}

static int check_references(size_t index, struct str to, size_t stars, struct err *err)
{
    for (size_t at = 0; (at = str_find(to, at, '$')) < to.len; at++)
        if (reference_at(to, at) > stars)
            return wrong(index, "to", err, "names $%zu, and match has %zu star%s",
                         reference_at(to, at), stars, stars == 1 ? "" : "s");
    return 0;
}

static int check_members(size_t index, const struct json *rule, struct err *err)
{
    if (rule->type != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "pathRules[%zu]: not an object", index);
    for (size_t i = 0; i < rule->count; i++) {
        struct str name = rule->members[i].name;

        if (!str_eq(name, STR("match")) && !str_eq(name, STR("to")))
            return err_set(err, ERR_INVALID, "pathRules[%zu].%.*s: not known", index,
                           STR_FMT(str_slice(name, 0, EVENT_PROP_KEY_MAX)));
    }
    return 0;
}

static int read_rule(size_t index, const struct json *v, struct path_rule *out, struct err *err)
{
    size_t stars = 0;
    int rc = check_members(index, v, err);

    if (rc == 0)
        rc = read_path(index, "match", v, &out->match, err);
    if (rc == 0)
        rc = read_path(index, "to", v, &out->to, err);
    if (rc == 0)
        rc = count_stars(index, out->match, &stars, err);
    if (rc == 0)
        rc = check_references(index, out->to, stars, err);
    return rc;
}

int path_rules_parse(struct str json, struct arena *arena, struct path_rule **out, size_t *count,
                     struct err *err)
{
    struct json *list = NULL;
    int rc = 0;

    *out = NULL;
    *count = 0;
    if (json.len == 0)
        return 0;
    rc = json_parse(json, RULES_DEPTH, arena, &list, err);
    if (rc != 0)
        return err_wrap(err, rc, "pathRules");
    if (list->type != JSON_ARRAY || list->count > PATH_RULES_MAX)
        return err_set(err, ERR_INVALID, "pathRules: not a list of at most %d", PATH_RULES_MAX);
    struct path_rule *rules = ARENA_NEW(arena, struct path_rule, list->count + 1);

    for (size_t i = 0; i < list->count && rc == 0; i++)
        rc = read_rule(i, &list->items[i], &rules[i], err);
    if (rc != 0)
        return rc;
    *out = rules;
    *count = list->count;
    return 0;
}
