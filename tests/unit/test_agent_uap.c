/*
 * uap-core's own cases: every one must come out as its authors wrote it. They are not in npm's
 * package; ABACUS_UAP_CASES names the folder of test_ua.yaml and test_os.yaml of the version that
 * package.json pins.
 */
#include "test_agent_support.h"

#include <yaml.h>

/* A case, in the order of the keys below. */
enum { KEYS = 6 };
static const char *const keys[KEYS] = {"user_agent_string", "family", "major", "minor", "patch",
                                       "patch_minor"};

typedef void compare(struct agent *agent, const struct str expected[KEYS]);

static struct str scalar(const yaml_node_t *node)
{
    assert_int_equal(node->type, YAML_SCALAR_NODE);
    return (struct str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static void read_case(yaml_document_t *doc, const yaml_node_t *mapping, struct str out[KEYS])
{
    assert_int_equal(mapping->type, YAML_MAPPING_NODE);
    for (size_t k = 0; k < KEYS; k++)
        out[k] = STR("");
    for (const yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
         p < mapping->data.mapping.pairs.top; p++) {
        struct str key = scalar(yaml_document_get_node(doc, p->key));
        size_t k = 0;

        while (k < KEYS && !str_eq(key, str_from(keys[k])))
            k++;
        assert_true(k < KEYS);
        out[k] = scalar(yaml_document_get_node(doc, p->value));
    }
    assert_true(out[0].len > 0 && out[1].len > 0);
}

static size_t run_cases(struct agent *agent, struct str text, compare *check)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    size_t count = 0;

    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    assert_true(yaml_parser_load(&parser, &doc));
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    const yaml_node_t *list = yaml_document_get_node(&doc, root->data.mapping.pairs.start->value);
    assert_int_equal(list->type, YAML_SEQUENCE_NODE);
    for (const yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++, count++) {
        struct str expected[KEYS];

        read_case(&doc, yaml_document_get_node(&doc, *item), expected);
        check(agent, expected);
    }
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    return count;
}

/* Run the cases of a file, or say aloud that they are not here. */
static void run_file(struct agent *agent, const char *name, size_t least, compare *check)
{
    const char *folder = getenv("ABACUS_UAP_CASES");
    struct buf path = {0}, text = {0};

    buf_addf(&path, "%s/%s", folder != NULL ? folder : UAP_CASES, name);
    buf_addc(&path, '\0');
    bool found = read_whole(path.ptr, &text);
    if (!found)
        print_message("# %s: %s; ABACUS_UAP_CASES names the folder\n", path.ptr, strerror(errno));
    size_t count = found ? run_cases(agent, buf_str(&text), check) : 0;
    buf_release(&path);
    buf_release(&text);
    if (!found)
        skip();
    print_message("# %zu cases of %s\n", count, name);
    assert_true(count >= least);
}

/* `versions`: how many parts uap-core's specification has, and its own runner compares: three of a
 * browser (the fourth that some cases write down is not what the rules capture), four of a system.
 */
static void compare_case(const struct str expected[KEYS], struct str family,
                         const struct str version[4], size_t versions)
{
    char where[AGENT_MAX + 1];

    (void)snprintf(where, sizeof(where), "%.*s", STR_FMT(expected[0]));
    is_str(family.len > 0 ? family : STR("Other"), expected[1], where);
    for (size_t i = 0; i < versions; i++)
        is_str(version[i], expected[2 + i], where);
}

static void check_browser(struct agent *agent, const struct str expected[KEYS])
{
    struct arena arena = {0};
    struct agent_families said;

    agent_families(agent, expected[0], &arena, &said);
    compare_case(expected, said.browser, said.browser_version, 3);
    arena_free(&arena);
}

static void check_system(struct agent *agent, const struct str expected[KEYS])
{
    struct arena arena = {0};
    struct agent_families said;

    agent_families(agent, expected[0], &arena, &said);
    compare_case(expected, said.os, said.os_version, 4);
    arena_free(&arena);
}

static void names_browsers_as_uap_core_does(void **state)
{
    run_file(*state, "test_ua.yaml", 1430, check_browser);
}

static void names_systems_as_uap_core_does(void **state)
{
    run_file(*state, "test_os.yaml", 462, check_system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_browsers_as_uap_core_does),
        cmocka_unit_test(names_systems_as_uap_core_does),
    };

    return cmocka_run_group_tests(tests, open_agent, close_agent);
}
