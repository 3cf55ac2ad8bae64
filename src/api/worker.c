/* api/worker.c -- a query thread's handles of the store. */
#include "api/api.h"

int worker_writer(const struct api *api, struct worker *worker, struct store **out, struct err *err)
{
    int rc = 0;

    if (worker->write == NULL)
        rc = api->open_writer(api->server, &worker->write, err);
    *out = worker->write;
    return rc;
}
