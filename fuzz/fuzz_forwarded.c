/* Any bytes as X-Forwarded-For and Origin: an untrusted peer stays, and a trusted one is left for
 * an address or stays. */
#include "event/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct addr proxy = {4, {10, 0, 0, 1}}, stranger = {4, {203, 0, 113, 9}};
    const struct cidr trusted[] = {{{4, {10}}, 8}, {{6, {0x20, 0x01, 0x0d, 0xb8}}, 32}};
    const struct site site = {.domain = STR("example.com")};
    struct str text = {(const char *)data, size};

    struct addr kept = client_address(stranger, text, trusted, 2);
    struct addr got = client_address(proxy, text, trusted, 2);

    if (memcmp(&kept, &stranger, sizeof(kept)) != 0 || (got.family != 4 && got.family != 6))
        abort();
    /* Whatever stands left of an address that is no proxy changes nothing. */
    struct buf list = {0};

    buf_add(&list, text);
    buf_add(&list, STR(", 203.0.113.9, 10.2.3.4"));
    got = client_address(proxy, buf_str(&list), trusted, 2);
    if (memcmp(&got, &stranger, sizeof(got)) != 0)
        abort();
    buf_release(&list);
    if (site_allows_origin(&site, text) && size > 0 && size < sizeof("a://example.com") - 1)
        abort();
    return 0;
}
