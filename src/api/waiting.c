/* api/waiting.c -- what waits to be counted, for who asks how far behind the numbers are. */
#include "api/api.h"

/* The log of this machine behind what the store has counted. */
static int look_at_log(const struct api *api, struct store *store, struct arena *arena,
                       struct api_waiting *out, struct err *err)
{
    const struct position_filter all = {.partitions = PARTITIONS_ALL};
    struct position *positions;
    struct log_backlog backlog = {0};
    size_t count;
    int rc = store_positions(store, &all, arena, &positions, &count, err);

    if (rc == 0)
        rc = log_backlog(api->data_dir, positions, count, &backlog, err);
    *out = (struct api_waiting){(int64_t)backlog.records, backlog.oldest_ms};
    return rc;
}

int api_waiting_read(const struct api *api, struct store *store, struct arena *arena,
                     struct api_waiting *out, struct err *err)
{
    if (api->queued != NULL)
        return api->queued(api->server, out);
    int rc = look_at_log(api, store, arena, out, err);

    if (rc != 0 && api->metrics != NULL)
        metrics_error(api->metrics, METRICS_ERROR_LOG);
    return rc;
}
