/*
 * http/request.c -- from libmicrohttpd's parsed head to struct http_request, in one pass, refusing
 * what it lets through.
 *
 * libmicrohttpd 0.9.75 parses the head in place: it writes NUL over the space behind the method,
 * the space before the version, each colon and each line end (CR and LF), and keeps pointers. So a
 * head without surprises is one run of
 *
 *     METHOD 0 TARGET 0 VERSION eol  { NAME 0 blanks VALUE eol }*  eol        eol: one NUL (LF) or
 * two (CRLF)
 *
 * and each piece must begin exactly where the one before it ended. A NUL sent by the peer cuts a
 * piece short and leaves a gap; a line that begins with NUL ends the head early, and the gap shows
 * against the size of the head; a folded line makes libmicrohttpd copy the name elsewhere. (A NUL
 * in place of the CR of a line end cannot be told from it, and means the same.) It lets blanks
 * before the colon, two lengths, a length beside chunks, a missing or second Host and a bare CR
 * through as well.
 */
#include "http/http_internal.h"

/* What a header is to us. */
enum known {
    KNOWN_HOST,
    KNOWN_LENGTH,
    KNOWN_TRANSFER,
    KNOWN_CODING,
    KNOWN_EXPECT,
    KNOWN_GPC,
    KNOWN_PURPOSE,
    KNOWN_DNT,
    KNOWN_FORWARDED,      /* that it came is all that counts */
    KNOWN_SINGLE,         /* a second one makes the request ambiguous */
    KNOWN_FIRST,          /* a second one is left out */
    KNOWN_LIST,           /* joined with ", " */
    KNOWN_FORWARDED_LIST, /* a list, and that it came counts too */
    KNOWN_COOKIE,         /* joined with "; " */
    KNOWN_NONE,
};

struct known_header {
    const char *name; /* in lower case */
    enum known known;
    size_t field; /* of struct http_request */
};

#define FIELD(member) offsetof(struct http_request, member)

/* By length. */
static const struct known_header headers_3[] = {
    {"dnt", KNOWN_DNT, 0}, {"via", KNOWN_FORWARDED, 0}, {0}};
static const struct known_header headers_4[] = {{"host", KNOWN_HOST, FIELD(host)}, {0}};
static const struct known_header headers_6[] = {{"origin", KNOWN_SINGLE, FIELD(origin)},
                                                {"accept", KNOWN_LIST, FIELD(accept)},
                                                {"cookie", KNOWN_COOKIE, FIELD(cookie)},
                                                {"expect", KNOWN_EXPECT, 0},
                                                {0}};
static const struct known_header headers_7[] = {
    {"sec-gpc", KNOWN_GPC, 0}, {"referer", KNOWN_FIRST, FIELD(referer)}, {0}};
static const struct known_header headers_9[] = {{"forwarded", KNOWN_FORWARDED, 0}, {0}};
static const struct known_header headers_10[] = {{"user-agent", KNOWN_FIRST, FIELD(user_agent)},
                                                 {0}};
static const struct known_header headers_12[] = {
    {"content-type", KNOWN_SINGLE, FIELD(content_type)}, {0}};
static const struct known_header headers_11[] = {{"sec-purpose", KNOWN_PURPOSE, 0}, {0}};
static const struct known_header headers_13[] = {
    {"authorization", KNOWN_SINGLE, FIELD(authorization)},
    {"if-none-match", KNOWN_LIST, FIELD(if_none_match)},
    {0}};
static const struct known_header headers_14[] = {
    {"content-length", KNOWN_LENGTH, 0}, {"sec-fetch-site", KNOWN_FIRST, FIELD(fetch_site)}, {0}};
static const struct known_header headers_15[] = {
    {"x-forwarded-for", KNOWN_FORWARDED_LIST, FIELD(forwarded_for)},
    {"accept-language", KNOWN_FIRST, FIELD(accept_language)},
    {"accept-encoding", KNOWN_LIST, FIELD(accept_encoding)},
    {0}};
static const struct known_header headers_16[] = {
    {"content-encoding", KNOWN_CODING, 0},
    {"sec-ch-ua-mobile", KNOWN_FIRST, FIELD(mobile_hint)},
    {0}};
static const struct known_header headers_17[] = {
    {"transfer-encoding", KNOWN_TRANSFER, 0},
    {"x-forwarded-proto", KNOWN_FORWARDED_LIST, FIELD(forwarded_proto)},
    {0}};

enum { KNOWN_LONGEST = 17 };
static const struct known_header *const known_by_length[KNOWN_LONGEST + 1] = {
    [3] = headers_3,   [4] = headers_4,   [6] = headers_6,   [7] = headers_7,   [9] = headers_9,
    [10] = headers_10, [11] = headers_11, [12] = headers_12, [13] = headers_13, [14] = headers_14,
    [15] = headers_15, [16] = headers_16, [17] = headers_17,
};

/* RFC 9110 token characters. */
static const bool token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1, ['0'] = 1,
    ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,  ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,  ['F'] = 1, ['G'] = 1,
    ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1,  ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,  ['V'] = 1, ['W'] = 1,
    ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,  ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,  ['l'] = 1, ['m'] = 1,
    ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,  ['t'] = 1, ['u'] = 1,
    ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

/* Is `word` one of the pieces of "prefetch;prerender"? */
static bool has_word(struct str value, struct str word)
{
    struct str piece;

    while (str_next(&value, ';', &piece))
        if (str_ieq(str_trim(piece), word))
            return true;
    return false;
}

/* One pass over the headers. */
struct pass {
    struct exchange *exchange;
    uintptr_t at; /* where the piece before ended */
    unsigned hosts, lengths, transfers;
    const char *why; /* of the first refusal */
};

static bool is_token(struct str s)
{
    size_t i = 0;

    while (i < s.len && token_chars[(unsigned char)s.ptr[i]])
        i++;
    return i == s.len && s.len > 0;
}

/* Whether `name` is `lower` but for the case of its letters; `lower` has at least as many bytes. */
static bool name_is(struct str name, const char *lower)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c != lower[i] && (c < 'A' || c > 'Z' || (c | 0x20) != lower[i]))
            return false;
    }
    return true;
}

static struct known_header find_known(struct str name)
{
    const struct known_header *h = name.len <= KNOWN_LONGEST ? known_by_length[name.len] : NULL;

    while (h != NULL && h->name != NULL && !name_is(name, h->name))
        h++;
    if (h != NULL && h->name != NULL)
        return *h;
    bool forwarded = name.len > 12 && name_is(str_slice(name, 0, 12), "x-forwarded-");

    return (struct known_header){NULL, forwarded ? KNOWN_FORWARDED : KNOWN_NONE, 0};
}

static struct str join(struct arena *arena, struct str a, const char *between, struct str b)
{
    char *text = arena_alloc(arena, a.len + 2 + b.len, 1);

    memcpy(text, a.ptr, a.len);
    memcpy(text + a.len, between, 2);
    if (b.len > 0)
        memcpy(text + a.len + 2, b.ptr, b.len);
    return (struct str){text, a.len + 2 + b.len};
}

static void take_field(struct pass *pass, const struct known_header *header, struct str value)
{
    struct http_request *request = &pass->exchange->request;
    struct str *field = (struct str *)(void *)((char *)request + header->field);

    if (field->ptr == NULL)
        *field = value;
    else if (header->known == KNOWN_LIST || header->known == KNOWN_FORWARDED_LIST)
        *field = join(request->arena, *field, ", ", value);
    else if (header->known == KNOWN_COOKIE)
        *field = join(request->arena, *field, "; ", value);
    else if (header->known == KNOWN_SINGLE)
        pass->why = "a header that may come once came twice";
}

static void take_length(struct pass *pass, struct str value)
{
    int64_t length;

    if (pass->lengths++ > 0)
        pass->why = "the length of the body is ambiguous";
    /* libmicrohttpd has refused what is no number: this one is only too large. */
    pass->exchange->length = (uint64_t)(str_to_i64(value, &length) ? length : INT64_MAX);
}

static void take_header(struct pass *pass, const struct known_header *header, struct str value)
{
    struct exchange *ex = pass->exchange;

    switch (header->known) {
    case KNOWN_HOST:
        pass->hosts++;
        ex->request.host = value;
        break;
    case KNOWN_LENGTH:
        take_length(pass, value);
        break;
    case KNOWN_TRANSFER:
        /* Anything else libmicrohttpd would read to the end of the connection. */
        if (pass->transfers++ > 0 || !str_ieq(value, STR("chunked")))
            pass->why = "only Transfer-Encoding: chunked is understood";
        ex->chunked = true;
        break;
    case KNOWN_CODING:
        ex->coded |= value.len > 0 && !str_ieq(value, STR("identity"));
        break;
    case KNOWN_EXPECT:
        ex->expecting = true;
        break;
    case KNOWN_PURPOSE:
        ex->request.prerender = has_word(value, STR("prerender"));
        break;
    case KNOWN_GPC:
        ex->request.gpc = str_eq(value, STR("1"));
        break;
    case KNOWN_DNT:
        ex->request.dnt = str_eq(value, STR("1"));
        break;
    case KNOWN_FORWARDED:
        ex->request.forwarded = true;
        break;
    case KNOWN_FORWARDED_LIST:
        ex->request.forwarded = true;
        take_field(pass, header, value);
        break;
    case KNOWN_SINGLE:
    case KNOWN_FIRST:
    case KNOWN_LIST:
    case KNOWN_COOKIE:
        take_field(pass, header, value);
        break;
    case KNOWN_NONE:
        break;
    }
}

static enum MHD_Result each_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    struct pass *pass = ctx;
    struct str key = {name, name_len}, text = {value, value_len};
    uintptr_t gap = (uintptr_t)name - pass->at;

    (void)kind;
    if (gap < 1 || gap > 2) {
        pass->why = "a NUL or a folded line in the headers";
        return MHD_NO;
    }
    pass->at = (uintptr_t)value + value_len;
    struct known_header header = find_known(key);

    if (header.name == NULL && !is_token(key)) {
        pass->why = "a header name is malformed";
        return MHD_NO;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    if (header.known != KNOWN_NONE)
        take_header(pass, &header, text);
    return MHD_YES;
}

/* What the head as a whole must satisfy once all its headers have been seen. */
static const char *head_fault(const struct pass *pass, struct str head, bool http_1_0)
{
    uintptr_t gap = (uintptr_t)head.ptr + head.len - pass->at;

    if (gap < 2 || gap > 4)
        return "a NUL in the headers";
    /* The CR of each line end is gone, so one that is left stands alone. */
    if (memchr(head.ptr, '\r', head.len) != NULL)
        return "a bare CR in the head";
    if (pass->transfers > 0 && (pass->lengths > 0 || http_1_0))
        return "the length of the body is ambiguous";
    if (pass->hosts > 1 || (pass->hosts == 0 && !http_1_0))
        return "exactly one Host is needed";
    return NULL;
}

static bool has_blank(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
            return true;
    }
    return false;
}

/* "http://host/path" is a path too (RFC 9112, 3.2.2). */
static struct str origin_form(struct str path)
{
    static const struct str scheme = {"http://", 7};

    if (path.len > 0 && path.ptr[0] == '/')
        return path;
    if (!str_starts(path, scheme))
        return path;
    size_t slash = str_find(path, scheme.len, '/');

    return slash < path.len ? str_slice(path, slash, path.len) : STR("/");
}

/* The request line. `target_len` is that of the whole target as the peer sent it, up to a NUL if
 * there is one. */
static const char *read_line(struct exchange *ex, const char *url, const char *method,
                             const char *version)
{
    struct http_request *request = &ex->request;
    size_t method_len = strlen(method);

    if (url != method + method_len + 1 || version != url + ex->target_len + 1)
        return "a NUL or a blank in the request line";
    struct str raw = {url, ex->target_len};

    if (ex->target.len > 0) {
        struct str target = buf_str(&ex->target);
        size_t mark = str_find(target, 0, '?');

        raw.len = mark;
        request->query = str_slice(target, mark + 1, target.len);
    }
    request->method = (struct str){method, method_len};
    request->path = origin_form(raw);
    return has_blank(raw) || has_blank(request->query) ? "a blank in the request line" : NULL;
}

bool request_read_head(struct exchange *exchange, const char *url, const char *method,
                       const char *version, const char **why)
{
    struct pass pass = {.exchange = exchange, .at = (uintptr_t)version + strlen("HTTP/1.1")};
    struct str head = {
        method, MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
                    ->header_size};

    exchange->request.peer = exchange->conn->addr;
    pass.why = read_line(exchange, url, method, version);
    if (pass.why == NULL)
        MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, each_header, &pass);
    if (pass.why == NULL)
        pass.why = head_fault(&pass, head, version[7] == '0');
    *why = pass.why;
    exchange->head_raw = head;
    return pass.why == NULL;
}

void request_keep_head(struct exchange *exchange)
{
    struct http_request *r = &exchange->request;
    struct str *const fields[] = {
        &r->method,          &r->path,          &r->host,
        &r->origin,          &r->user_agent,    &r->authorization,
        &r->content_type,    &r->accept,        &r->cookie,
        &r->forwarded_for,   &r->if_none_match, &r->accept_language,
        &r->accept_encoding, &r->mobile_hint,   &r->forwarded_proto,
        &r->fetch_site,      &r->referer,
    };
    struct str head = exchange->head_raw;

    buf_reset(&exchange->head);
    buf_add(&exchange->head, head);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        uintptr_t offset = (uintptr_t)fields[i]->ptr - (uintptr_t)head.ptr;

        if (offset <= head.len)
            fields[i]->ptr = exchange->head.ptr + offset;
    }
    exchange->head_raw = buf_str(&exchange->head);
}
