#include "base/clock.h"
#include "base/date.h"
#include "base/logger.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* stderr is a pipe in packet mode while a test runs: each write(2) is read by itself. */
struct capture {
    int stderr_fd, read_fd;
};

static int capture_begin(void **state)
{
    struct capture *c = calloc(1, sizeof(*c));
    int fds[2];

    if (c == NULL || pipe2(fds, O_DIRECT | O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    c->stderr_fd = dup(STDERR_FILENO);
    c->read_fd = fds[0];
    if (c->stderr_fd < 0 || dup2(fds[1], STDERR_FILENO) < 0)
        return -1;
    (void)close(fds[1]);
    *state = c;
    return 0;
}

static int capture_end(void **state)
{
    struct capture *c = *state;

    (void)dup2(c->stderr_fd, STDERR_FILENO);
    (void)close(c->stderr_fd);
    (void)close(c->read_fd);
    free(c);
    return 0;
}

/* The next write, or an empty string. */
static struct str next_write(void **state, char *room, size_t size)
{
    const struct capture *c = *state;
    ssize_t n = read(c->read_fd, room, size);

    return (struct str){room, n < 0 ? 0 : (size_t)n};
}

static void a_line_is_one_write_of_logfmt(void **state)
{
    const struct logger logger = {LOG_INFO};
    char room[4096];
    int64_t before = clock_wall_ms(), at;

    logger_line(&logger, LOG_INFO, "listening", "addr=%s port=%d", "127.0.0.1:8080", 8080);
    struct str line = next_write(state, room, sizeof(room));

    assert_true(str_starts(line, STR("time=")));
    assert_true(instant_parse(str_slice(line, 5, 29), &at));
    assert_true(at >= before && at <= clock_wall_ms());
    assert_true(str_eq(str_slice(line, 29, line.len),
                       STR(" level=info msg=\"listening\" addr=127.0.0.1:8080 port=8080\n")));
    assert_int_equal(next_write(state, room, sizeof(room)).len, 0);
}

static void leaves_out_levels_above_its_own(void **state)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char room[4096];

    for (int own = LOG_ERROR; own <= LOG_DEBUG; own++) {
        const struct logger logger = {(enum log_level)own};

        for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
            logger_line(&logger, (enum log_level)level, "x", NULL);
            struct str line = next_write(state, room, sizeof(room));

            assert_int_equal(line.len > 0, level <= own);
            if (line.len > 0) {
                struct str rest = str_slice(line, 36, line.len);

                assert_true(str_starts(rest, str_from(names[level])));
                assert_true(str_ends(line, STR(" msg=\"x\"\n")));
            }
        }
    }
}

static void nothing_in_a_line_can_begin_another(void **state)
{
    const struct logger logger = {LOG_INFO};
    char room[4096];

    logger_line(&logger, LOG_WARN, "a\nlevel=error", "key=%s", "b\r\nc\x1b[31m\x7f");
    struct str line = next_write(state, room, sizeof(room));

    assert_int_equal(str_find(line, 0, '\n'), line.len - 1);
    assert_true(str_ends(line, STR(" msg=\"a level=error\" key=b  c [31m \n")));
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    const struct logger logger = {LOG_INFO};
    char room[4096], text[3000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    logger_line(&logger, LOG_INFO, text, "key=%s", text);
    struct str line = next_write(state, room, sizeof(room));

    assert_true(line.len <= 2048 && line.len > 2000);
    assert_int_equal(str_find(line, 0, '\n'), line.len - 1);
    assert_int_equal(next_write(state, room, sizeof(room)).len, 0);
}

static void quotes_what_logfmt_needs_quoted(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(logger_quote("plain", out, sizeof(out)), "\"plain\"");
    assert_string_equal(logger_quote("", out, sizeof(out)), "\"\"");
    assert_string_equal(logger_quote("say \"a\\b\"", out, sizeof(out)), "\"say \\\"a\\\\b\\\"\"");
}

static void a_quoted_text_is_cut_between_characters(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(logger_quote("abcde", out, 8), "\"abcde\"");
    assert_string_equal(logger_quote("abcdef", out, 8), "\"abcde\"");
    assert_string_equal(logger_quote("abcd\"", out, 8), "\"abcd\"");
    assert_string_equal(logger_quote("abcd\xc3\xa4", out, 8), "\"abcd\"");
    assert_string_equal(logger_quote("abc\xc3\xa4", out, 8), "\"abc\xc3\xa4\"");
    assert_string_equal(logger_quote("a", out, 3), "\"\"");
    assert_string_equal(logger_quote("a", out, 2), "");
    assert_string_equal(logger_quote("a", out, 1), "");
    out[0] = 'k';
    (void)logger_quote("a", out, 0);
    assert_int_equal(out[0], 'k');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_one_write_of_logfmt, capture_begin, capture_end),
        cmocka_unit_test_setup_teardown(leaves_out_levels_above_its_own, capture_begin,
                                        capture_end),
        cmocka_unit_test_setup_teardown(nothing_in_a_line_can_begin_another, capture_begin,
                                        capture_end),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_still_ends, capture_begin,
                                        capture_end),
        cmocka_unit_test(quotes_what_logfmt_needs_quoted),
        cmocka_unit_test(a_quoted_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
