/*
 * Any bytes as a path and a referrer: before the first newline the path, behind it the referrer.
 * What comes out is valid, bounded text; known sources have their channels; and the value of a
 * click's id, which stands in front of the path's query, is nowhere.
 */
#include "base/utf8.h"
#include "event/event_internal.h"

#include <stdlib.h>

#define CLICK_VALUE "Q9zX7kclick"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str s, bool valid_input)
{
    if (s.len > EVENT_PATH_MAX || (valid_input && !utf8_valid(s)))
        abort();
    if (s.len > 0 && memmem(s.ptr, s.len, CLICK_VALUE, strlen(CLICK_VALUE)) != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct str sent = str_slice(input, 0, str_find(input, 0, '\n'));
    struct str referrer = str_slice(input, sent.len + 1, input.len);
    struct str kept[] = {STR("gclid"), STR("q")};
    struct site site = {.domain = STR("example.com"),
                        .mask_personal = size % 2 == 0,
                        .query_params = kept,
                        .query_params_count = 2};
    struct str traits[TRAITS] = {0};
    struct arena arena = {0};
    struct buf path = {0};
    bool valid = utf8_valid(input);

    buf_add(&path, STR("/?gclid=" CLICK_VALUE "&"));
    buf_add(&path, sent);
    if (path.len <= EVENT_PATH_MAX && referrer.len <= EVENT_PATH_MAX &&
        memmem(data, size, "Q9z", 3) == NULL) {
        source_read(&site, buf_str(&path), referrer, &arena, traits);
        for (unsigned i = 0; i < TRAITS; i++) {
            check(traits[i], valid);
            if (traits[i].len > TRAIT_MAX)
                abort();
        }
        if (traits[TRAIT_SOURCE].len == 0 || traits[TRAIT_CHANNEL].len == 0)
            abort(); /* a click's id is there: never direct */
        check(path_clean(&site, buf_str(&path), &arena), valid);
        check(referrer_clean(&site, referrer, &arena), valid);
    }
    buf_release(&path);
    arena_free(&arena);
    return 0;
}
