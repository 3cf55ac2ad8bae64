/*
 * hold.c -- hold up every query thread of `abacus serve`, to be loaded with LD_PRELOAD.
 *
 * In threads whose name begins with "query", sqlite3_step() waits as long as the file named by
 * HOLD_FILE exists, as a disk that does not answer would make it wait. Everybody else passes.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sqlite3_stmt;

__attribute__((visibility("default"))) int sqlite3_step(struct sqlite3_stmt *statement);

static int is_query_thread(void)
{
    char name[16] = "";

    return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
           strncmp(name, "query", strlen("query")) == 0;
}

int sqlite3_step(struct sqlite3_stmt *statement)
{
    const char *file = getenv("HOLD_FILE");
    void *symbol = dlsym(RTLD_NEXT, "sqlite3_step");
    int (*step)(struct sqlite3_stmt *);

    memcpy(&step, &symbol, sizeof(step)); /* ISO C knows no cast between the two kinds of pointer */
    if (file != NULL && is_query_thread()) {
        while (access(file, F_OK) == 0)
            (void)usleep(10000);
    }
    return step(statement);
}
