/* Any bytes as a record of the log: refused, or an event or tally whose encoding decodes to the
 * same bytes again. */
#include "event/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const struct record *record, struct buf *out)
{
    buf_reset(out);
    if (record->kind == RECORD_EVENT)
        event_encode(&record->event, out);
    else
        tally_encode(&record->tally, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record, again;
    struct buf first = {0}, second = {0};

    if (record_decode((struct str){(const char *)data, size}, &record, NULL) == 0) {
        encode(&record, &first);
        if (record_decode(buf_str(&first), &again, NULL) != 0)
            abort();
        encode(&again, &second);
        if (!str_eq(buf_str(&first), buf_str(&second)))
            abort();
    }
    buf_release(&first);
    buf_release(&second);
    return 0;
}
