/* cli/doctor_store.c -- what doctor checks about the database: is it sound, do the books add up,
 * does the job keep up. */
#include "cli/doctor.h"

#include "api/api.h"
#include "log/log.h"
#include "queue/queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { MIB = 1024 * 1024 };

/* Says so and returns false where there is no database to ask. */
static bool has_store(const struct doctor *doctor, struct finding *finding)
{
    if (doctor->store == NULL) {
        finding_set(finding, VERDICT_FAIL, NULL, "unknown without the database");
    }
    return doctor->store != NULL;
}

/* What the operator can do about a database that fails with this code; NULL where the text says it.
 */
static const char *mend_database(const struct doctor *doctor, int code)
{
    const struct {
        int code;
        const char *local, *remote;
    } mends[] = {
        {ERR_NOTFOUND, "abacus migrate makes it", NULL},
        {ERR_UNAVAILABLE, NULL, "start it, or give the right DATABASE_URL"},
        {ERR_DENIED, "run as the server's user",
         "give the right user, password and name in DATABASE_URL; its role has to own the schema "
         "analytics"},
        {ERR_CORRUPT, "restore the last good copy", "restore the last good copy"},
    };
    for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
        if (mends[i].code == code) {
            return settings_store_is_local(doctor->in->settings) ? mends[i].local : mends[i].remote;
        }
    }
    return NULL;
}

void check_database(struct doctor *doctor, struct finding *finding)
{
    struct str shown = settings_shown(doctor->in->settings->database_url, doctor->in->arena);
    struct err err = {0};
    int rc = doctor->store == NULL ? 0 : store_check(doctor->store, &err);
    if (doctor->store_code == ERR_CONFLICT) {
        finding_set(finding, VERDICT_OK, NULL, "%.*s answers", STR_FMT(shown));
    } else if (doctor->store == NULL) {
        finding_set(finding, VERDICT_FAIL, mend_database(doctor, doctor->store_code), "%s",
                    doctor->store_err.text);
    } else if (rc != 0) {
        finding_set(finding, VERDICT_FAIL, mend_database(doctor, rc), "%s", err.text);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "%.*s is sound", STR_FMT(shown));
    }
}

/* A schema that is newer or older: the text says what to run. */
void check_schema(struct doctor *doctor, struct finding *finding)
{
    if (doctor->store_code == ERR_CONFLICT) {
        finding_set(finding, VERDICT_FAIL, NULL, "%s", doctor->store_err.text);
    } else if (has_store(doctor, finding)) {
        finding_set(finding, VERDICT_OK, NULL, "up to date");
    }
}

void check_ledger(struct doctor *doctor, struct finding *finding)
{
    struct balance balance = {0};
    struct err err = {0};
    if (!has_store(doctor, finding)) {
        return;
    }
    if (store_balance(doctor->store, &balance, &err) != 0) {
        finding_set(finding, VERDICT_FAIL, NULL, "%s", err.text);
    } else if (balance.ledger_records != balance.committed) {
        finding_set(finding, VERDICT_FAIL, "keep a copy of the data directory and report it",
                    "it holds %lld records, but %lld were committed",
                    (long long)balance.ledger_records, (long long)balance.committed);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "it adds up: %lld records",
                    (long long)balance.committed);
    }
}

/* What waits in the log, or false and a finding. */
static bool find_backlog(struct doctor *doctor, struct finding *finding, struct log_backlog *out)
{
    struct position *committed = NULL;
    size_t count = 0;
    struct err err = {0};
    if (!has_store(doctor, finding)) {
        return false;
    }
    if (store_positions(doctor->store, NULL, doctor->in->arena, &committed, &count, &err) != 0 ||
        log_backlog(doctor->in->settings->data_dir, committed, count, out, &err) != 0) {
        finding_set(finding, VERDICT_FAIL, NULL, "%s", err.text);
        return false;
    }
    return true;
}

/* The same of the shared buffer, in which entries stay until they are counted. */
static bool find_buffered(struct doctor *doctor, struct finding *finding, struct log_backlog *out)
{
    struct queue *queue = NULL;
    struct queue_status status = {0};
    struct err err = {0};
    int rc = queue_open(doctor->in->settings->redis_url, &queue, &err);
    if (rc == 0) {
        rc = queue_status(queue, &status, &err);
    }
    queue_close(&queue);
    if (rc != 0) {
        finding_set(finding, VERDICT_FAIL, "see \"Redis\"", "unknown: %s", err.text);
        return false;
    }
    *out = (struct log_backlog){status.length, status.oldest_ms};
    return true;
}

/* The job is late only when something waits: an idle server may count as seldom as it likes. */
void check_job(struct doctor *doctor, struct finding *finding)
{
    struct log_backlog backlog = {0};
    if (doctor->in->settings->redis_url.len > 0 ? !find_buffered(doctor, finding, &backlog)
                                                : !find_backlog(doctor, finding, &backlog)) {
        return;
    }
    int64_t waiting_ms = backlog.records == 0 ? 0 : doctor->now_ms - backlog.oldest_ms;
    bool late = waiting_ms > API_LATE_MS;
    finding_set(finding, late ? VERDICT_FAIL : VERDICT_OK,
                late ? "start serve, or run abacus aggregate from cron" : NULL,
                "%llu records wait, the oldest for %lld s", (unsigned long long)backlog.records,
                (long long)(waiting_ms / 1000));
}

/* The bytes that the files of a directory take; 0 where there is none. */
static uint64_t directory_bytes(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return 0;
    }
    uint64_t bytes = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            bytes += (uint64_t)st.st_size;
        }
    }
    closedir(dir);
    return bytes;
}

/* A log at its bound is full only of what waits: counted segments go when their room is needed. */
void check_log(struct doctor *doctor, struct finding *finding)
{
    struct log_backlog backlog = {0};
    if (!find_backlog(doctor, finding, &backlog)) {
        return;
    }
    uint64_t used = directory_bytes(doctor_path(doctor, "log"));
    uint64_t most = (uint64_t)doctor->in->settings->log_max_bytes;
    enum verdict verdict = VERDICT_OK;
    if (backlog.records > 0 && used >= most - most / 20) {
        verdict = VERDICT_FAIL;
    } else if (backlog.records > 0 && used >= most - most / 4) {
        verdict = VERDICT_WARN;
    }
    finding_set(finding, verdict, verdict == VERDICT_OK ? NULL : "see \"job\"; or raise --log-max",
                "%llu of at most %llu MiB, %llu records waiting", (unsigned long long)(used / MIB),
                (unsigned long long)(most / MIB), (unsigned long long)backlog.records);
}
