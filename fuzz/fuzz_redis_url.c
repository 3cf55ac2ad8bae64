/* fuzz_redis_url.c -- whatever the URL: it is refused without a word of it, or what it says keeps
 * the limits and, written again, says the same. */
#include "base/buf.h"
#include "redis/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void add_encoded(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        buf_addf(out, "%%%02x", (unsigned char)s.ptr[i]);
}

static void write_url(const struct redis_url *url, struct buf *out)
{
    buf_add(out, url->sentinel ? STR("redis+sentinel://") : STR("redis://"));
    if (url->auth) {
        add_encoded(out, url->user);
        buf_addc(out, ':');
        add_encoded(out, url->password);
        buf_addc(out, '@');
    }
    for (size_t i = 0; i < url->hosts_count; i++) {
        struct str name = url->hosts[i].name;
        bool v6 = str_find(name, 0, ':') < name.len;

        buf_addf(out, "%s%s%.*s%s:%u", i > 0 ? "," : "", v6 ? "[" : "", STR_FMT(name),
                 v6 ? "]" : "", (unsigned)url->hosts[i].port);
    }
    if (url->sentinel)
        buf_addf(out, "/%.*s", STR_FMT(url->master));
    buf_addf(out, "/%u", url->db);
}

static void must_keep_limits(const struct redis_url *url)
{
    must(url->hosts_count >= 1 && url->hosts_count <= REDIS_HOSTS_MAX);
    must(url->sentinel || url->hosts_count == 1);
    must(url->db <= REDIS_DB_MAX);
    must(url->master.len <= REDIS_MASTER_MAX && (url->master.len > 0) == url->sentinel);
    must((url->user.len + url->password.len > 0) == url->auth);
    must(str_find(url->user, 0, '\0') == url->user.len);
    must(str_find(url->password, 0, '\0') == url->password.len);
    for (size_t i = 0; i < url->hosts_count; i++) {
        must(url->hosts[i].port != 0 && url->hosts[i].name.len <= REDIS_HOST_MAX);
        must(strlen(url->hosts[i].name.ptr) == url->hosts[i].name.len);
    }
}

static void must_be_equal(const struct redis_url *a, const struct redis_url *b)
{
    must(a->sentinel == b->sentinel && a->auth == b->auth && a->db == b->db);
    must(str_eq(a->user, b->user) && str_eq(a->password, b->password));
    must(str_eq(a->master, b->master) && a->hosts_count == b->hosts_count);
    for (size_t i = 0; i < a->hosts_count; i++)
        must(str_eq(a->hosts[i].name, b->hosts[i].name) && a->hosts[i].port == b->hosts[i].port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct redis_url url, again;
    struct buf text = {0};
    struct err err;
    int rc = redis_url_parse((struct str){(const char *)data, size}, &arena, &url, &err);

    must(rc == 0 || rc == ERR_INVALID);
    if (rc == 0) {
        must_keep_limits(&url);
        write_url(&url, &text);
        if (text.len <= REDIS_URL_MAX) {
            must(redis_url_parse(buf_str(&text), &arena, &again, &err) == 0);
            must_be_equal(&url, &again);
        }
    }
    buf_release(&text);
    arena_free(&arena);
    return 0;
}
