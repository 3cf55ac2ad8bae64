/*
 * import/line.c -- a line of an access log in combined format, as Apache and nginx write it:
 *
 *     ADDRESS IDENT USER [10/Oct/2000:13:55:36 -0700] "GET /path?query HTTP/1.1" 200 2326
 *     "https://referrer/" "User-Agent"
 *
 * IDENT and USER are passed over (a user may hold spaces: the time is looked for by its bracket),
 * and so is whatever follows. Inside quotes a backslash escapes: \" and \\ and \xHH (nginx and
 * Apache), \n, \t.
 */
#include "base/date.h"
#include "import/import.h"

/* What is left of a line. */
struct scan {
    struct str rest;
    struct arena *arena;
};

static bool take(struct scan *scan, const char *literal)
{
    struct str s = str_from(literal);

    if (!str_starts(scan->rest, s))
        return false;
    scan->rest = str_slice(scan->rest, s.len, scan->rest.len);
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

static bool take_number(struct scan *scan, size_t digits, int64_t *out)
{
    if (scan->rest.len < digits)
        return false;
    struct str s = str_slice(scan->rest, 0, digits);

    for (size_t i = 0; i < digits; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    scan->rest = str_slice(scan->rest, digits, scan->rest.len);
    return str_to_i64(s, out);
}

/* -- the time -- */

static bool take_month(struct scan *scan, int64_t *out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct str name = str_slice(scan->rest, 0, 3);

    for (int64_t i = 0; i < 12; i++)
        if (str_eq(name, (struct str){names + 3 * i, 3})) {
            scan->rest = str_slice(scan->rest, 3, scan->rest.len);
            *out = i + 1;
            return true;
        }
    return false;
}

/* "+0200" in milliseconds. */
static bool take_offset(struct scan *scan, int64_t *out)
{
    int64_t sign = take(scan, "-") ? -1 : take(scan, "+") ? 1 : 0, hours, minutes;

    if (sign == 0 || !take_number(scan, 2, &hours) || !take_number(scan, 2, &minutes) ||
        hours > 24 || minutes > 59)
        return false;
    *out = sign * (hours * 60 + minutes) * 60 * 1000;
    return true;
}

static bool take_time(struct scan *scan, int64_t *out)
{
    int64_t day, month, year, hour, minute, second, offset;

    if (!take_number(scan, 2, &day) || !take(scan, "/") || !take_month(scan, &month) ||
        !take(scan, "/") || !take_number(scan, 4, &year) || !take(scan, ":") ||
        !take_number(scan, 2, &hour) || !take(scan, ":") || !take_number(scan, 2, &minute) ||
        !take(scan, ":") || !take_number(scan, 2, &second) || !take(scan, " ") ||
        !take_offset(scan, &offset))
        return false;
    int32_t date = date_from_civil((int)year, (int)month, (int)day);

    /* 31 February comes back as another date. */
    if (date_to_civil(date).day != day || hour > 23 || minute > 59 || second > 60)
        return false;
    *out = date * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 - offset;
    return true;
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
            out[len++] = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
    }
    return (struct str){out, len};
}

/* A text in quotes, up to the quote that no backslash escapes; "-" is none. */
static bool take_quoted(struct scan *scan, struct str *out)
{
    size_t end = 1;

    if (!str_starts(scan->rest, STR("\"")))
        return false;
    while (end < scan->rest.len && scan->rest.ptr[end] != '"')
        end += scan->rest.ptr[end] == '\\' ? 2 : 1;
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

static bool split_request(struct str request, struct access_line *out)
{
    struct scan scan = {.rest = request};

    if (!take_until(&scan, ' ', &out->method))
        return false;
    /* HTTP/0.9 has no version. */
    if (!take_until(&scan, ' ', &out->target))
        out->target = scan.rest;
    out->target = origin_form(out->target);
    return out->method.len > 0;
}

bool access_line_parse(struct str line, struct arena *arena, struct access_line *out)
{
    struct scan scan = {line, arena};
    struct str address, between, request, bytes;
    int64_t status;

    *out = (struct access_line){0};
    /* An address may have been looked up, and be a name now. */
    return take_until(&scan, ' ', &address) &&
           (addr_parse(address, &out->address) || (out->address = (struct addr){0}, true)) &&
           take_until(&scan, '[', &between) && take_time(&scan, &out->time_ms) &&
           take(&scan, "] ") && take_quoted(&scan, &request) && split_request(request, out) &&
           take(&scan, " ") && take_number(&scan, 3, &status) && take(&scan, " ") &&
           take_until(&scan, ' ', &bytes) && take_quoted(&scan, &out->referrer) &&
           take(&scan, " ") && take_quoted(&scan, &out->agent) && (out->status = (int)status, true);
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
