/*
 * agent/rules_names.c -- a regexes.yaml of uap-core into rules.
 *
 * The specification is uap-core's docs/specification.md. libyaml gives the whole file as nodes that
 * know their line. Only a file that the operator names may be wrong; each way of being wrong is
 * told with its place.
 */
#include "agent/rules.h"

#include <yaml.h>

/* What a rule of a list may say in place of captures, in the order of rule.text. */
struct list_spec {
    struct str name;
    struct str text[RULE_TEXTS];
};

static const struct list_spec lists[] = {
    {STR_INIT("user_agent_parsers"),
     {STR_INIT("family_replacement"), STR_INIT("v1_replacement"), STR_INIT("v2_replacement"),
      STR_INIT("v3_replacement"), STR_INIT("v4_replacement")}},
    {STR_INIT("os_parsers"),
     {STR_INIT("os_replacement"), STR_INIT("os_v1_replacement"), STR_INIT("os_v2_replacement"),
      STR_INIT("os_v3_replacement"), STR_INIT("os_v4_replacement")}},
};

enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

struct reading {
    yaml_document_t document;
    struct arena *arena;
};

static unsigned line_of(const yaml_node_t *node)
{
    return (unsigned)node->start_mark.line + 1;
}

static struct str text_of(const yaml_node_t *scalar)
{
    return (struct str){(const char *)scalar->data.scalar.value, scalar->data.scalar.length};
}

/* The value of `name` in a mapping, or NULL. */
static yaml_node_t *member(struct reading *in, const yaml_node_t *mapping, struct str name)
{
    const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

    for (; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&in->document, pair->key);

        if (key->type == YAML_SCALAR_NODE && str_eq(text_of(key), name))
            return yaml_document_get_node(&in->document, pair->value);
    }
    return NULL;
}

/* The text of a member; without bytes (ptr NULL) where there is none. */
static int read_text(struct reading *in, const yaml_node_t *mapping, struct str name,
                     struct str *out, struct err *err)
{
    const yaml_node_t *node = member(in, mapping, name);

    *out = (struct str){NULL, 0};
    if (node == NULL)
        return 0;
    if (node->type != YAML_SCALAR_NODE)
        return err_set(err, ERR_INVALID, "line %u: %.*s is no text", line_of(node), STR_FMT(name));
    struct str text = text_of(node);
    if (text.len > RULE_BYTES_MAX || memchr(text.ptr, '\0', text.len) != NULL)
        return err_set(err, ERR_INVALID, "line %u: %.*s is longer than %d bytes or holds a NUL",
                       line_of(node), STR_FMT(name), RULE_BYTES_MAX);
    *out = arena_str(in->arena, text);
    return 0;
}

static int read_flag(struct reading *in, const yaml_node_t *mapping, struct rule *rule,
                     struct err *err)
{
    struct str flag;
    int rc = read_text(in, mapping, STR("regex_flag"), &flag, err);

    if (rc < 0)
        return rc;
    if (flag.len > 0 && !str_eq(flag, STR("i")))
        return err_set(err, ERR_INVALID, "line %u: regex_flag is \"%.*s\"; only \"i\" is known",
                       rule->line, STR_FMT(flag));
    rule->caseless = flag.len > 0;
    return 0;
}

static int read_rule(struct reading *in, const yaml_node_t *node, const struct list_spec *spec,
                     struct rule *rule, struct err *err)
{
    int rc;

    rule->line = line_of(node);
    if (node->type != YAML_MAPPING_NODE)
        return err_set(err, ERR_INVALID, "line %u: a rule of %.*s is no mapping", rule->line,
                       STR_FMT(spec->name));
    if ((rc = read_text(in, node, STR("regex"), &rule->regex, err)) < 0 ||
        (rc = read_flag(in, node, rule, err)) < 0)
        return rc;
    if (rule->regex.len == 0)
        return err_set(err, ERR_INVALID, "line %u: the rule has no regex", rule->line);
    for (size_t i = 0; i < RULE_TEXTS; i++) {
        rc = read_text(in, node, spec->text[i], &rule->text[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Find the list's sequence. */
static int find_list(struct reading *in, const struct list_spec *spec, yaml_node_t **out,
                     struct err *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(&in->document);

    *out = root == NULL || root->type != YAML_MAPPING_NODE ? NULL : member(in, root, spec->name);
    if (*out == NULL)
        return err_set(err, ERR_INVALID, "it has no %.*s", STR_FMT(spec->name));
    if ((*out)->type != YAML_SEQUENCE_NODE)
        return err_set(err, ERR_INVALID, "line %u: %.*s is no list", line_of(*out),
                       STR_FMT(spec->name));
    return 0;
}

static size_t list_count(const yaml_node_t *list)
{
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static int read_lists(struct reading *in, struct rules *out, struct err *err)
{
    yaml_node_t *list[LISTS];
    size_t count = 0;

    for (size_t l = 0; l < LISTS; l++) {
        int rc = find_list(in, &lists[l], &list[l], err);
        if (rc < 0)
            return rc;
        count += list_count(list[l]);
    }
    if (count == 0 || count > RULES_MAX)
        return err_set(err, ERR_INVALID, "%zu rules; from 1 to %d can be used", count, RULES_MAX);

    struct rule *rule = ARENA_NEW(in->arena, struct rule, count);
    *out = (struct rules){.rule = rule, .split = list_count(list[0]), .count = count};
    for (size_t l = 0; l < LISTS; l++) {
        const yaml_node_item_t *item = list[l]->data.sequence.items.start;

        for (; item < list[l]->data.sequence.items.top; item++, rule++) {
            int rc =
                read_rule(in, yaml_document_get_node(&in->document, *item), &lists[l], rule, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int rules_read_names(struct str text, struct arena *arena, struct rules *out, struct err *err)
{
    struct reading in = {.arena = arena};
    yaml_parser_t parser;
    int rc;

    if (!yaml_parser_initialize(&parser))
        return err_set(err, ERR_SYSTEM, "libyaml: out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    if (!yaml_parser_load(&parser, &in.document)) {
        rc = err_set(err, ERR_INVALID, "line %zu: %s", parser.problem_mark.line + 1,
                     parser.problem != NULL ? parser.problem : "no YAML");
    } else {
        rc = read_lists(&in, out, err);
        yaml_document_delete(&in.document);
    }
    yaml_parser_delete(&parser);
    return rc;
}
