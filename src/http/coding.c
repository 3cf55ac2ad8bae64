/*
 * http/coding.c -- which form of a body a client wants, by its Accept-Encoding (RFC 9110, 12.5.3).
 *
 *     Accept-Encoding = [ entry *( OWS "," OWS entry ) ]
 *     entry           = ( coding / "identity" / "*" ) [ OWS ";" OWS "q=" weight ]
 *     weight          = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ]
 *
 * "*" stands for all codings that no entry names. One pass without memory: what a peer may send is
 * bounded by the head of its request.
 */
#include "http/http.h"

enum {
    UNNAMED = -1,
    MALFORMED = -1,
    WEIGHT_MAX = 1000, /* weights are counted in thousandths */
    WEIGHT_SILENT = 1, /* of identity where nothing is said of it: taken, but only if need be */
};

static const struct {
    struct str name;
    enum http_coding coding; /* CODINGS: the rest */
} names[] = {
    {STR_INIT("br"), CODING_BR},
    {STR_INIT("gzip"), CODING_GZIP},
    {STR_INIT("x-gzip"), CODING_GZIP}, /* the same (RFC 9110, 8.4.1.3) */
    {STR_INIT("identity"), CODING_IDENTITY},
    {STR_INIT("*"), CODINGS},
};

static int weight_of(struct str text)
{
    int weight = 0;

    if (text.len == 0 || text.len > STR("0.000").len || (text.len > 1 && text.ptr[1] != '.'))
        return MALFORMED;
    for (size_t i = 0, unit = WEIGHT_MAX; i < text.len; i++) {
        if (i == 1)
            continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return MALFORMED;
        weight += (text.ptr[i] - '0') * (int)unit;
        unit /= 10;
    }
    return weight <= WEIGHT_MAX ? weight : MALFORMED;
}

/* The weight of "NAME;q=0.5", or MALFORMED; *name is what stands before it. */
static int entry_read(struct str entry, struct str *name)
{
    size_t semicolon = str_find(entry, 0, ';');
    struct str weight = str_trim(str_slice(entry, semicolon + 1, entry.len));

    *name = str_trim(str_slice(entry, 0, semicolon));
    if (semicolon == entry.len)
        return WEIGHT_MAX;
    if (!str_ieq(str_slice(weight, 0, 2), STR("q=")))
        return MALFORMED;
    return weight_of(str_slice(weight, 2, weight.len));
}

/* Of a coding that is named twice the lower weight counts: what is refused stays refused. */
static void entry_add(struct str entry, int weights[CODINGS + 1])
{
    struct str name;
    int weight = entry_read(entry, &name);

    if (weight == MALFORMED)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int *at = &weights[names[i].coding];

        if (str_ieq(name, names[i].name) && (*at == UNNAMED || weight < *at))
            *at = weight;
    }
}

enum http_coding http_coding_choose(struct str accept_encoding, unsigned offered)
{
    int weights[CODINGS + 1] = {UNNAMED, UNNAMED, UNNAMED, UNNAMED}, best_weight = 0;
    enum http_coding best = CODINGS;
    struct str entry;

    while (str_next(&accept_encoding, ',', &entry))
        entry_add(entry, weights);
    for (unsigned c = 0; c < CODINGS; c++) {
        int weight = weights[c] == UNNAMED ? weights[CODINGS] : weights[c];

        if (weight == UNNAMED)
            weight = c == CODING_IDENTITY ? WEIGHT_SILENT : 0;
        if ((offered >> c & 1) != 0 && weight > best_weight) {
            best = (enum http_coding)c;
            best_weight = weight;
        }
    }
    return best;
}
