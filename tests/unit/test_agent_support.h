/* What the tests of src/agent share: an agent, and files for it. */
#ifndef ABACUS_TEST_AGENT_SUPPORT_H
#define ABACUS_TEST_AGENT_SUPPORT_H

#include "agent/agent.h"
#include "base/buf.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline void is_str(struct str actual, struct str expected, const char *of)
{
    if (!str_eq(actual, expected))
        fail_msg("\"%.*s\", expected \"%.*s\": %s", STR_FMT(actual), STR_FMT(expected), of);
}

static inline int open_agent(void **state)
{
    struct err err = {{0}};
    struct agent *agent;

    if (agent_open(STR(""), &agent, &err) < 0)
        fail_msg("%s", err.text);
    *state = agent;
    return 0;
}

static inline int close_agent(void **state)
{
    struct agent *agent = *state;

    agent_close(&agent);
    assert_null(agent);
    return 0;
}

/* All of a file; false if there is none. */
static inline bool read_whole(const char *path, struct buf *out)
{
    enum { PIECE = 1 << 16 };
    FILE *file = fopen(path, "rb");
    size_t n;

    if (file == NULL)
        return false;
    while ((n = fread(buf_reserve(out, PIECE), 1, PIECE, file)) > 0)
        out->len += n;
    assert_int_equal(fclose(file), 0);
    return true;
}

#endif
