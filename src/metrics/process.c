#include "metrics/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The fields of /proc/self/stat behind the command's name (proc(5)), counted from its field 3. */
enum {
    STAT_UTIME = 14 - 3,
    STAT_STIME = 15 - 3,
    STAT_STARTTIME = 22 - 3,
    STAT_RSS = 24 - 3,
    STAT_FIELDS = 25 - 3
};

static bool read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (fd >= 0)
        (void)close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return true;
}

static bool read_stat(unsigned long long fields[STAT_FIELDS])
{
    char text[1024];

    if (!read_small("/proc/self/stat", text, sizeof(text)))
        return false;
    /* The name may hold blanks and brackets. */
    char *at = strrchr(text, ')');

    if (at == NULL || strlen(at) < 4)
        return false;
    at += 4; /* over ") " and the letter of field 3 */
    fields[0] = 0;
    for (size_t i = 1; i < STAT_FIELDS; i++)
        fields[i] = strtoull(at, &at, 10);
    return true;
}

/* The moment the machine started, in seconds since 1970; 0 if it cannot be read. */
static unsigned long long boot_time(void)
{
    FILE *f = fopen("/proc/stat", "re");
    unsigned long long seconds = 0;
    char line[256];

    while (f != NULL && seconds == 0 && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "btime ", 6) == 0)
            seconds = strtoull(line + 6, NULL, 10);
    }
    if (f != NULL)
        (void)fclose(f);
    return seconds;
}

static unsigned count_open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the one that reads the directory */
}

static void add(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

void process_render(struct buf *out)
{
    unsigned long long stat[STAT_FIELDS];
    double ticks = (double)sysconf(_SC_CLK_TCK);
    unsigned files = count_open_files();
    unsigned long long booted = boot_time();
    struct rlimit limit;

    if (read_stat(stat)) {
        add(out, "process_cpu_seconds_total", "counter",
            "User and system CPU time spent in seconds.",
            (double)(stat[STAT_UTIME] + stat[STAT_STIME]) / ticks);
        add(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
            (double)stat[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
        if (booted > 0)
            add(out, "process_start_time_seconds", "gauge",
                "Start time of the process since the Unix epoch in seconds.",
                (double)booted + (double)stat[STAT_STARTTIME] / ticks);
    }
    if (files > 0)
        add(out, "process_open_fds", "gauge", "Number of open file descriptors.", files);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        add(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
            (double)limit.rlim_cur);
}
