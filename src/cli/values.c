/*
 * cli/values.c -- the types of options: from text to a field, with bounds and a complaint that says
 * what to type.
 */
#include "cli/options.h"

#include "manage/values.h"
#include "redis/redis.h"
#include "store/store.h"

#include <ctype.h>
#include <stdio.h>

typedef int read_fn(const struct option *option, struct str text, struct arena *arena, void *field,
                    struct err *err);

static int not_a(struct str text, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "\"%.*s\" is %s", STR_FMT(text), what);
}

/* -- numbers -- */

struct unit {
    const char *name;
    int64_t factor;
};

/* Greatest first, so that a number is written in the greatest unit that divides it. */
static const struct unit duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                             {"s", 1000},     {"ms", 1},      {NULL, 0}};
static const struct unit size_units[] = {{"TiB", INT64_C(1) << 40},
                                         {"GiB", INT64_C(1) << 30},
                                         {"MiB", INT64_C(1) << 20},
                                         {"KiB", INT64_C(1) << 10},
                                         {"", 1},
                                         {NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum option_type type)
{
    if (type == OPTION_DURATION) {
        return duration_units;
    }
    return type == OPTION_SIZE ? size_units : count_units;
}

static void add_quantity(const struct option *option, int64_t n, struct buf *out)
{
    const struct unit *unit = units_of(option->type);
    while (unit[1].name != NULL && n % unit->factor != 0) {
        unit++;
    }
    buf_addf(out, "%lld%s", (long long)(n / unit->factor), unit->name);
}

void option_bounds(const struct option *option, struct buf *out)
{
    if (option->type < OPTION_COUNT) {
        return;
    }
    add_quantity(option, option->min, out);
    buf_add(out, STR(" to "));
    add_quantity(option, option->max, out);
    if (option->zero && option->min > 0) {
        buf_add(out, STR(", or 0"));
    }
}

static int out_of_range(const struct option *option, struct str text, struct err *err)
{
    struct buf bounds = {0};
    option_bounds(option, &bounds);
    int rc = err_set(err, ERR_INVALID, "%.*s is out of range (%.*s)", STR_FMT(text),
                     STR_FMT(buf_str(&bounds)));
    buf_release(&bounds);
    return rc;
}

/* Digits, then a unit of the type; "0" needs none. */
static bool parse_quantity(struct str text, const struct unit *unit, bool *overflow, int64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && isdigit((unsigned char)text.ptr[digits])) {
        digits++;
    }
    struct str suffix = str_slice(text, digits, text.len);
    if (digits == 0) {
        return false;
    }
    while (unit->name != NULL && !str_eq(suffix, str_from(unit->name))) {
        unit++;
    }
    if (unit->name == NULL && !str_eq(text, STR("0"))) {
        return false;
    }
    int64_t n = 0;
    *overflow = !str_to_i64(str_slice(text, 0, digits), &n) ||
                (unit->name != NULL && __builtin_mul_overflow(n, unit->factor, &n));
    *out = n;
    return true;
}

static int read_quantity(const struct option *option, struct str text, const char *complaint,
                         void *field, struct err *err)
{
    bool overflow = false;
    int64_t n = 0;
    if (!parse_quantity(text, units_of(option->type), &overflow, &n)) {
        return not_a(text, complaint, err);
    }
    bool fits = n >= option->min && n <= option->max;
    if (overflow || !(fits || (n == 0 && option->zero))) {
        return out_of_range(option, text, err);
    }
    *(int64_t *)field = n;
    return 0;
}

static int read_count(const struct option *option, struct str text, struct arena *arena,
                      void *field, struct err *err)
{
    (void)arena;
    return read_quantity(option, text, "no whole number", field, err);
}

static int read_duration(const struct option *option, struct str text, struct arena *arena,
                         void *field, struct err *err)
{
    (void)arena;
    return read_quantity(option, text, "no duration (try 10s, 5m, 1h)", field, err);
}

static int read_size(const struct option *option, struct str text, struct arena *arena, void *field,
                     struct err *err)
{
    (void)arena;
    return read_quantity(option, text, "no size (try 512MiB, 1GiB)", field, err);
}

/* -- texts -- */

static int keep(struct str text, void *field)
{
    *(struct str *)field = text;
    return 0;
}

static int read_text(const struct option *option, struct str text, struct arena *arena, void *field,
                     struct err *err)
{
    (void)option;
    (void)arena;
    return text.len == 0 ? err_set(err, ERR_INVALID, "it is empty") : keep(text, field);
}

static int read_choice(const struct option *option, struct str text, struct arena *arena,
                       void *field, struct err *err)
{
    (void)arena;
    struct str rest = str_from(option->value), choice;
    while (str_next(&rest, '|', &choice)) {
        if (str_eq(choice, text)) {
            return keep(choice, field);
        }
    }
    return err_set(err, ERR_INVALID, "\"%.*s\" is none of %s", STR_FMT(text), option->value);
}

static int read_id(const struct option *option, struct str text, struct arena *arena, void *field,
                   struct err *err)
{
    (void)option;
    (void)arena;
    return str_is_id(text) ? keep(text, field)
                           : not_a(text, "no id (1 to 64 of A-Z a-z 0-9 _ -)", err);
}

static int read_host(const struct option *option, struct str text, struct arena *arena, void *field,
                     struct err *err)
{
    (void)option;
    return value_host(text, arena, field, err);
}

static int read_origin(const struct option *option, struct str text, struct arena *arena,
                       void *field, struct err *err)
{
    (void)option;
    return value_origin(text, arena, field, err);
}

static int read_zone(const struct option *option, struct str text, struct arena *arena, void *field,
                     struct err *err)
{
    (void)option;
    return value_zone(text, arena, field, err);
}

static int read_endpoint(const struct option *option, struct str text, struct arena *arena,
                         void *field, struct err *err)
{
    (void)option;
    (void)arena;
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') {
        colon--;
    }
    struct str host = str_slice(text, 0, colon == 0 ? 0 : colon - 1);
    bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    struct addr addr;
    int64_t port = -1;
    bool good = addr_parse(brackets ? str_slice(host, 1, host.len - 1) : host, &addr) &&
                (brackets == (str_find(host, 0, ':') < host.len)) &&
                str_to_i64(str_slice(text, colon, text.len), &port) && port >= 0 && port <= 65535;
    return good ? keep(text, field)
                : not_a(text, "no address and port (try 127.0.0.1:8080, [::1]:8080)", err);
}

static int read_url(const struct option *option, struct str text, struct arena *arena, void *field,
                    struct err *err)
{
    (void)option;
    (void)arena;
    size_t scheme = str_starts(text, STR("https://"))  ? 8
                    : str_starts(text, STR("http://")) ? 7
                                                       : 0;
    while (text.len > scheme && text.ptr[text.len - 1] == '/') {
        text.len--;
    }
    bool good = scheme > 0 && text.len > scheme;
    for (size_t i = 0; i < text.len; i++) {
        good = good && isgraph((unsigned char)text.ptr[i]) && strchr("\"<>?#", text.ptr[i]) == NULL;
    }
    return good ? keep(text, field) : not_a(text, "no URL (try https://stats.example.com)", err);
}

static int read_database(const struct option *option, struct str text, struct arena *arena,
                         void *field, struct err *err)
{
    (void)option;
    (void)arena;
    static const struct str schemes[] = {
        {"sqlite:", 7}, {"postgres://", 11}, {"postgresql://", 13}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (str_starts(text, schemes[i]) && text.len > schemes[i].len) {
            int rc = store_check_url(text, err);
            return rc == 0 ? keep(text, field) : rc;
        }
    }
    /* It may hold a password: the text is not repeated. */
    return err_set(err, ERR_INVALID, "no database (try sqlite:PATH or postgres://HOST/NAME)");
}

static int read_redis(const struct option *option, struct str text, struct arena *arena,
                      void *field, struct err *err)
{
    (void)option;
    (void)arena;
    static const struct str schemes[] = {{"redis://", 8}, {"redis+sentinel://", 17}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (str_starts(text, schemes[i]) && text.len > schemes[i].len) {
            const struct redis_config config = {.url = text};
            struct redis *redis = NULL;
            int rc = redis_open(&config, &redis, err);
            redis_close(&redis);
            return rc == 0 ? keep(text, field) : rc;
        }
    }
    return err_set(err, ERR_INVALID, "no Redis (try redis://HOST:PORT)");
}

/* The place of `name` in a list "a,b,c", or -1. */
static int place_in(const char *list, struct str name)
{
    struct str rest = str_from(list), piece;
    for (int i = 0; str_next(&rest, ',', &piece); i++) {
        if (str_eq(piece, name)) {
            return i;
        }
    }
    return -1;
}

static int read_set(const struct option *option, struct str text, struct arena *arena, void *field,
                    struct err *err)
{
    struct str rest = text, piece;
    unsigned set = 0;
    (void)arena;
    while (str_next(&rest, ',', &piece)) {
        int place = place_in(option->value, str_trim(piece));
        if (place < 0) {
            return err_set(err, ERR_INVALID, "\"%.*s\" is none of %s", STR_FMT(piece),
                           option->value);
        }
        set |= 1U << place;
    }
    *(unsigned *)field = set;
    return 0;
}

static int read_cidrs(const struct option *option, struct str text, struct arena *arena,
                      void *field, struct err *err)
{
    (void)option;
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++) {
        most += text.ptr[i] == ',';
    }
    struct cidr_list list = {.items = ARENA_NEW(arena, struct cidr, most)};
    struct str rest = text, piece;
    while (str_next(&rest, ',', &piece)) {
        piece = str_trim(piece);
        if (piece.len == 0) {
            continue;
        }
        if (!cidr_parse(piece, &list.items[list.count])) {
            return not_a(piece, "no address range (try 10.0.0.0/8, 2001:db8::/32)", err);
        }
        list.count++;
    }
    *(struct cidr_list *)field = list;
    return 0;
}

static int read_flag(const struct option *option, struct str text, struct arena *arena, void *field,
                     struct err *err)
{
    (void)option;
    (void)arena;
    if (!str_eq(text, STR("true"))) {
        return err_set(err, ERR_INVALID, "takes no value");
    }
    *(bool *)field = true;
    return 0;
}

static read_fn *const readers[OPTION_TYPES] = {
    [OPTION_FLAG] = read_flag,         [OPTION_TEXT] = read_text,
    [OPTION_CHOICE] = read_choice,     [OPTION_ID] = read_id,
    [OPTION_HOST] = read_host,         [OPTION_ORIGIN] = read_origin,
    [OPTION_ZONE] = read_zone,         [OPTION_ENDPOINT] = read_endpoint,
    [OPTION_URL] = read_url,           [OPTION_DATABASE] = read_database,
    [OPTION_REDIS] = read_redis,       [OPTION_SET] = read_set,
    [OPTION_CIDRS] = read_cidrs,       [OPTION_COUNT] = read_count,
    [OPTION_DURATION] = read_duration, [OPTION_SIZE] = read_size,
};

int option_convert(const struct option *option, struct str text, struct arena *arena, void *field,
                   struct err *err)
{
    return readers[option->type](option, text, arena, field, err);
}
