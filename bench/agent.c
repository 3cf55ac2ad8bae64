/*
 * bench/agent.c -- what a User-Agent costs: CPU microseconds of a look, and memory.
 *
 *     ninja -C build bench/agent && build/bench/agent [regexes.yaml]
 *
 * People are the browsers of npm's user-agents. "unique" is the same with a number behind, so that
 * nothing is answered from the cache; "noise" is random printable bytes, "pieces" are cuttings of
 * people and robots up to 512 bytes, which meet many rules.
 */
#include "agent/agent.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TEXTS_MAX = 20000, LOOKS = 200000, BATCH = 1000, PIECE_MAX = 40 };

struct texts {
    struct str *text;
    size_t count;
};

struct bench {
    struct agent *agent;
    struct arena arena;
    struct texts people, all;
};

static double cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static long resident_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return kb;
}

static void add(struct texts *texts, struct str text)
{
    if (texts->count < TEXTS_MAX)
        texts->text[texts->count++] = text;
}

/* Lines of list, verdict, device and User-Agent (tests/unit/test_agent_cases.mjs). */
static bool read_texts(struct bench *b)
{
    FILE *file = fopen(AGENT_CASES, "r");
    char line[4096];

    if (file == NULL)
        return false;
    b->people.text = ARENA_NEW(&b->arena, struct str, TEXTS_MAX);
    b->all.text = ARENA_NEW(&b->arena, struct str, TEXTS_MAX);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct str rest = {line, strcspn(line, "\n")}, list, skipped;

        if (!str_next(&rest, '\t', &list) || !str_next(&rest, '\t', &skipped) ||
            !str_next(&rest, '\t', &skipped))
            continue;
        rest = arena_str(&b->arena, rest);
        if (str_eq(list, STR("person")))
            add(&b->people, rest);
        add(&b->all, rest);
    }
    (void)fclose(file);
    return b->people.count > 0;
}

typedef void make_text(const struct bench *b, size_t i, struct buf *out);

static void person(const struct bench *b, size_t i, struct buf *out)
{
    buf_add(out, b->people.text[i % b->people.count]);
}

static void unique(const struct bench *b, size_t i, struct buf *out)
{
    person(b, i, out);
    buf_addf(out, " %zu", i);
}

static void noise(const struct bench *b, size_t i, struct buf *out)
{
    (void)b;
    (void)i;
    for (long left = 30 + random() % (AGENT_MAX - 30); left > 0; left--)
        buf_addc(out, (char)(' ' + random() % ('~' - ' ' + 1)));
}

static void pieces(const struct bench *b, size_t i, struct buf *out)
{
    (void)i;
    while (out->len < AGENT_MAX) {
        struct str from = b->all.text[(size_t)random() % b->all.count];
        size_t at = (size_t)random() % from.len;

        buf_add(out, str_slice(from, at, at + 1 + (size_t)random() % PIECE_MAX));
    }
}

/* Texts are made outside what is measured, so many at a time. */
static void measure(struct bench *b, const char *name, make_text *make)
{
    struct arena texts = {0}, arena = {0};
    struct buf text = {0};
    double all = 0;

    for (size_t done = 0; done < LOOKS; done += BATCH) {
        struct str batch[BATCH];
        struct agent_info info;

        for (size_t i = 0; i < BATCH; i++) {
            buf_reset(&text);
            make(b, done + i, &text);
            batch[i] = arena_str(&texts, buf_str(&text));
        }
        double start = cpu_us();
        for (size_t i = 0; i < BATCH; i++) {
            agent_look(b->agent, batch[i], STR(""), &arena, &info);
            arena_reset(&arena);
        }
        all += cpu_us() - start;
        arena_reset(&texts);
    }
    (void)printf("%-8s %8.3f us a look\n", name, all / LOOKS);
    buf_release(&text);
    arena_free(&texts);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct err err = {{0}};
    long before = resident_kb();
    double start = cpu_us();

    if (agent_open(str_from(argc > 1 ? argv[1] : ""), &b.agent, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    (void)printf("opened in %.1f ms, %ld KB\n", (cpu_us() - start) / 1e3, resident_kb() - before);
    if (!read_texts(&b)) {
        (void)fprintf(stderr, "%s: cannot be read\n", AGENT_CASES);
        return EXIT_FAILURE;
    }
    measure(&b, "known", person);
    measure(&b, "unique", unique);
    measure(&b, "noise", noise);
    measure(&b, "pieces", pieces);
    agent_close(&b.agent);
    arena_free(&b.arena);
    return EXIT_SUCCESS;
}
