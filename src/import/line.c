/*
 * import/line.c -- a line of an access log in combined format, as Apache and nginx write it:
 *
 *     ADDRESS IDENT USER [10/Oct/2000:13:55:36 -0700] "GET /path?query HTTP/1.1" 200 2326
 *     "https://referrer/" "User-Agent"
 *
 * IDENT and USER are passed over (a user may hold spaces: the time is looked for by its bracket),
 * and so is whatever follows. ADDRESS may be a name. Inside quotes a backslash escapes: \" and
 * \\ and \xHH (nginx and Apache), \n, \t.
 */
#include "base/date.h"
#include "import/import.h"

#include <sodium.h>

/* What is left of a line. */
struct scan {
    struct str rest;
    struct arena *arena;
};

static bool take(struct scan *scan, struct str literal)
{
    if (!str_starts(scan->rest, literal))
        return false;
    scan->rest = str_slice(scan->rest, literal.len, scan->rest.len);
    return true;
}

/* Up to `stop`, which is passed over. */
static bool take_until(struct scan *scan, char stop, struct str *out)
{
    size_t end = str_find(scan->rest, 0, stop);

    if (end >= scan->rest.len)
        return false;
    *out = str_slice(scan->rest, 0, end);
    scan->rest = str_slice(scan->rest, end + 1, scan->rest.len);
    return true;
}

/* So many digits, and no more is looked at. */
static bool take_number(struct scan *scan, size_t digits, int *out)
{
    int n = 0;

    if (scan->rest.len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        char c = scan->rest.ptr[i];

        if (c < '0' || c > '9')
            return false;
        n = n * 10 + (c - '0');
    }
    *out = n;
    scan->rest = str_slice(scan->rest, digits, scan->rest.len);
    return true;
}

/* -- the address -- */

/* Where addresses were looked up they are names now, which tell visitors apart as well: each stands
 * for an address of a private network (RFC 4193), which has no country. */
static struct addr address_of(struct str text)
{
    struct addr address;
    uint8_t hash[crypto_generichash_BYTES_MIN];

    if (addr_parse(text, &address))
        return address;
    crypto_generichash(hash, sizeof(hash), (const uint8_t *)text.ptr, text.len, NULL, 0);
    address = (struct addr){.family = 6};
    memcpy(address.bytes, hash, sizeof(address.bytes));
    address.bytes[0] = 0xfd;
    return address;
}

/* -- the time -- */

static bool take_month(struct scan *scan, int *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct str name = str_slice(scan->rest, 0, 3);

    for (int i = 0; i < 12; i++)
        if (str_eq(name, (struct str){names + 3 * i, 3})) {
            scan->rest = str_slice(scan->rest, 3, scan->rest.len);
            *out = i + 1;
            return true;
        }
    return false;
}

/* "+0200" in minutes. */
static bool take_offset(struct scan *scan, int *out)
{
    int sign = take(scan, STR("-")) ? -1 : take(scan, STR("+")) ? 1 : 0, hours, minutes;

    if (sign == 0 || !take_number(scan, 2, &hours) || !take_number(scan, 2, &minutes) ||
        hours > 24 || minutes > 59)
        return false;
    *out = sign * (hours * 60 + minutes);
    return true;
}

static bool take_time(struct scan *scan, int64_t *out)
{
    int day, month, year, hour, minute, second, offset;

    if (!take_number(scan, 2, &day) || !take(scan, STR("/")) || !take_month(scan, &month) ||
        !take(scan, STR("/")) || !take_number(scan, 4, &year) || !take(scan, STR(":")) ||
        !take_number(scan, 2, &hour) || !take(scan, STR(":")) || !take_number(scan, 2, &minute) ||
        !take(scan, STR(":")) || !take_number(scan, 2, &second) || !take(scan, STR(" ")) ||
        !take_offset(scan, &offset))
        return false;
    int32_t date = date_from_civil(year, month, day);

    /* 31 February comes back as another date. */
    if (day == 0 || (day > 28 && date_to_civil(date).day != day) || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    *out = date * DAY_MS + (hour * 60 + minute - offset) * MINUTE_MS + second * 1000;
    return *out >= 0;
}

/* -- quoted texts -- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static struct str unescape(struct str s, struct arena *arena)
{
    if (str_find(s, 0, '\\') >= s.len)
        return s;
    char *out = arena_bytes(arena, s.len);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '\\' || i + 1 == s.len) {
            out[len++] = s.ptr[i];
            continue;
        }
        char c = s.ptr[++i];

        if (c == 'x' && i + 2 < s.len && hex_digit(s.ptr[i + 1]) >= 0 &&
            hex_digit(s.ptr[i + 2]) >= 0) {
            out[len++] = (char)(hex_digit(s.ptr[i + 1]) << 4 | hex_digit(s.ptr[i + 2]));
            i += 2;
        } else {
            out[len++] = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
        }
    }
    return (struct str){out, len};
}

/* Is the byte at `at` escaped: do an odd number of backslashes stand before it, behind `from`? */
static bool is_escaped(struct str s, size_t from, size_t at)
{
    size_t run = 0;

    while (at - run > from && s.ptr[at - run - 1] == '\\')
        run++;
    return run % 2 == 1;
}

/* A text in quotes, up to the quote that no backslash escapes; "-" is none. */
static bool take_quoted(struct scan *scan, struct str *out)
{
    if (!str_starts(scan->rest, STR("\"")))
        return false;
    size_t end = str_find(scan->rest, 1, '"');

    while (end < scan->rest.len && is_escaped(scan->rest, 1, end))
        end = str_find(scan->rest, end + 1, '"');
    if (end >= scan->rest.len)
        return false;
    *out = unescape(str_slice(scan->rest, 1, end), scan->arena);
    scan->rest = str_slice(scan->rest, end + 1, scan->rest.len);
    if (str_eq(*out, STR("-")))
        *out = STR("");
    return true;
}

/* A target may be absolute ("https://example.com/a"): its path and query. */
static struct str origin_form(struct str target)
{
    if (!str_starts(target, STR("http://")) && !str_starts(target, STR("https://")))
        return target;
    size_t at = str_find(target, str_find(target, 0, ':') + 3, '/');

    return at < target.len ? str_slice(target, at, target.len) : STR("/");
}

/* What is no request of HTTP (an empty one, a TLS handshake sent to a plain port) has no target. */
static void split_request(struct str request, struct access_line *out)
{
    struct scan scan = {.rest = request};

    if (!take_until(&scan, ' ', &out->method)) {
        out->method = request;
        out->target = STR("");
        return;
    }
    /* HTTP/0.9 has no version. */
    if (!take_until(&scan, ' ', &out->target))
        out->target = scan.rest;
    out->target = origin_form(out->target);
}

bool access_line_parse(struct str line, struct arena *arena, struct access_line *out)
{
    struct scan scan = {line, arena};
    struct str address, between, request, bytes;

    *out = (struct access_line){0};
    if (!take_until(&scan, ' ', &address) || !take_until(&scan, '[', &between) ||
        !take_time(&scan, &out->time_ms) || !take(&scan, STR("] ")) ||
        !take_quoted(&scan, &request) || !take(&scan, STR(" ")) ||
        !take_number(&scan, 3, &out->status) || !take(&scan, STR(" ")) ||
        !take_until(&scan, ' ', &bytes) || !take_quoted(&scan, &out->referrer) ||
        !take(&scan, STR(" ")) || !take_quoted(&scan, &out->agent))
        return false;
    out->address = address_of(address);
    split_request(request, out);
    return true;
}

/* -- pages -- */

bool access_line_is_page(const struct access_line *line)
{
    static const struct str pages[] = {{"html", 4}, {"htm", 3},  {"xhtml", 5}, {"php", 3},
                                       {"asp", 3},  {"aspx", 4}, {"jsp", 3},   {"cgi", 3}};
    struct str path = str_slice(line->target, 0, str_find(line->target, 0, '?'));
    size_t dot = path.len;

    if (!str_eq(line->method, STR("GET")) || path.len == 0 || path.ptr[0] != '/' ||
        ((line->status < 200 || line->status > 299) && line->status != 304))
        return false;
    while (dot > 0 && path.ptr[dot - 1] != '.' && path.ptr[dot - 1] != '/')
        dot--;
    if (path.ptr[dot - 1] == '/')
        return true;
    struct str extension = str_slice(path, dot, path.len);

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (str_ieq(extension, pages[i]))
            return true;
    return false;
}
