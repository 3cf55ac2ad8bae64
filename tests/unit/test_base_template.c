/* Places that are filled in, sections that hold or do not, escaping. */
#include "base/template.h"
#include "unit.h"

static const struct template_value values[] = {
    {"name", {"Ada & \"Bob\" <'>", 15}},
    {"none", {"", 0}},
    {"site", {"shop", 4}},
};

static void becomes(struct str text, enum template_escape escape, const char *expected)
{
    struct buf out = {0};

    template_fill(text, values, sizeof(values) / sizeof(values[0]), escape, &out);
    buf_addc(&out, '\0');
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
}

static void fills_values_in(void **state)
{
    (void)state;
    becomes(STR(""), TEMPLATE_PLAIN, "");
    becomes(STR("plain { } }} text"), TEMPLATE_PLAIN, "plain { } }} text");
    becomes(STR("{{site}}/{{site}}{{none}}!"), TEMPLATE_PLAIN, "shop/shop!");
    becomes(STR("<{{name}}>"), TEMPLATE_PLAIN, "<Ada & \"Bob\" <'>>");
}

static void escapes_values_and_nothing_else(void **state)
{
    (void)state;
    becomes(STR("<b title=\"{{name}}\">&</b>"), TEMPLATE_HTML,
            "<b title=\"Ada &amp; &quot;Bob&quot; &lt;&#39;&gt;\">&</b>");
}

static void shows_a_section_where_its_value_is_there(void **state)
{
    (void)state;
    becomes(STR("a{{#site}}b{{/site}}c{{#none}}d{{/none}}e"), TEMPLATE_PLAIN, "abce");
    becomes(STR("a{{^site}}b{{/site}}c{{^none}}d{{/none}}e"), TEMPLATE_PLAIN, "acde");
    becomes(STR("{{#none}}{{#site}}a{{/site}}{{^none}}b{{/none}}{{/none}}c"), TEMPLATE_PLAIN, "c");
    becomes(STR("{{#site}}1{{^none}}2{{site}}{{/none}}3{{/site}}"), TEMPLATE_PLAIN, "12shop3");
}

static void a_mark_alone_on_its_line_leaves_none(void **state)
{
    (void)state;
    becomes(STR("a\n{{#site}}\nb\n{{/site}}\nc\n"), TEMPLATE_PLAIN, "a\nb\nc\n");
    becomes(STR("a\n  {{#none}}  \n  b\n  {{/none}}\nc\n"), TEMPLATE_PLAIN, "a\nc\n");
    becomes(STR("a {{#site}}\nb{{/site}}\nc"), TEMPLATE_PLAIN, "a \nb\nc");
    becomes(STR("a\n{{site}}\nb"), TEMPLATE_PLAIN, "a\nshop\nb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_values_in),
        cmocka_unit_test(escapes_values_and_nothing_else),
        cmocka_unit_test(shows_a_section_where_its_value_is_there),
        cmocka_unit_test(a_mark_alone_on_its_line_leaves_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
