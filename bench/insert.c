/*
 * bench/insert.c -- what the job is compared with: the raw rows of one database inserted into a new
 * one by a bare prepared statement, 10,000 a transaction, same table, same pragmas.
 *
 *     insert FROM.db TO.db
 *
 * Prints {"rows":N,"cpuSeconds":S}: the CPU time (user and system) of the inserting alone; rows are
 * read before.
 */
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BATCH = 10000, COLUMNS_MAX = 32 };

static _Noreturn void die(sqlite3 *db, const char *what)
{
    (void)fprintf(stderr, "insert: %s: %s\n", what, db == NULL ? "" : sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        die(db, sql);
    return statement;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The table as the program made it, and the pragmas of the job's handle. */
static void make_table(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *sql =
        prepare(from, "SELECT sql FROM sqlite_schema WHERE tbl_name = 'analytics_events' "
                      "AND sql IS NOT NULL ORDER BY type = 'index'");

    run(to, "PRAGMA journal_mode = WAL");
    run(to, "PRAGMA synchronous = FULL");
    run(to, "PRAGMA cache_size = -16000");
    while (sqlite3_step(sql) == SQLITE_ROW)
        run(to, (const char *)sqlite3_column_text(sql, 0));
    (void)sqlite3_finalize(sql);
}

/* All values of all rows, in the order in which the rows were made. */
static sqlite3_value **read_rows(sqlite3 *from, size_t *rows, int *columns)
{
    sqlite3_stmt *read = prepare(from, "SELECT * FROM analytics_events ORDER BY id");
    sqlite3_value **values = NULL;
    size_t count = 0, cap = 0;

    *columns = sqlite3_column_count(read);
    while (sqlite3_step(read) == SQLITE_ROW) {
        if (count + COLUMNS_MAX > cap) {
            cap = cap == 0 ? 1 << 16 : cap * 2;
            values = realloc(values, cap * sizeof(values[0]));
            if (values == NULL)
                die(NULL, "out of memory");
        }
        for (int i = 0; i < *columns; i++)
            values[count++] = sqlite3_value_dup(sqlite3_column_value(read, i));
    }
    (void)sqlite3_finalize(read);
    *rows = count / (size_t)*columns;
    return values;
}

static sqlite3_stmt *prepare_insert(sqlite3 *to, int columns)
{
    char sql[256] = "INSERT INTO analytics_events VALUES (?";

    for (int i = 1; i < columns; i++)
        (void)strcat(sql, ",?");
    (void)strcat(sql, ")");
    return prepare(to, sql);
}

static void bind(sqlite3_stmt *insert, int at, sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        (void)sqlite3_bind_int64(insert, at, sqlite3_value_int64(value));
        break;
    case SQLITE_TEXT:
        (void)sqlite3_bind_text(insert, at, (const char *)sqlite3_value_text(value),
                                sqlite3_value_bytes(value), SQLITE_STATIC);
        break;
    default:
        (void)sqlite3_bind_null(insert, at);
    }
}

int main(int argc, char **argv)
{
    sqlite3 *from = NULL, *to = NULL;
    size_t rows = 0;
    int columns = 0;

    if (argc != 3 || sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_open(argv[2], &to) != SQLITE_OK)
        die(from, "usage: insert FROM.db TO.db");
    make_table(from, to);
    sqlite3_value **values = read_rows(from, &rows, &columns);
    sqlite3_stmt *insert = prepare_insert(to, columns);
    double began = cpu_seconds();

    for (size_t row = 0; row < rows; row++) {
        if (row % BATCH == 0)
            run(to, "BEGIN IMMEDIATE");
        for (int i = 0; i < columns; i++)
            bind(insert, i + 1, values[row * (size_t)columns + (size_t)i]);
        if (sqlite3_step(insert) != SQLITE_DONE)
            die(to, "insert");
        (void)sqlite3_reset(insert);
        if (row % BATCH == BATCH - 1 || row == rows - 1)
            run(to, "COMMIT");
    }
    (void)printf("{\"rows\":%zu,\"cpuSeconds\":%.3f}\n", rows, cpu_seconds() - began);
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(to);
    for (size_t i = 0; i < rows * (size_t)columns; i++)
        sqlite3_value_free(values[i]);
    free(values);
    (void)sqlite3_close(from);
    return 0;
}
