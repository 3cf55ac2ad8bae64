/* cli/doctor_machine.c -- what doctor checks about the machine: files, space, clock, zones,
 * proxies. */
#include "cli/doctor.h"

#include "agent/agent.h"
#include "base/date.h"
#include "base/tz.h"
#include "geo/geo.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    MIB = 1024 * 1024,
    SEGMENT_MIB = 8, /* the log's next segment */
    COMFORT_MIB = 512,
};

void check_data_directory(struct doctor *doctor, struct finding *finding)
{
    const char *dir = doctor_path(doctor, "");
    struct stat st;
    if (!settings_keep_files(doctor->in->settings)) {
        finding_set(finding, VERDICT_OK, NULL, "none is needed");
    } else if (stat(dir, &st) != 0) {
        finding_set(finding, VERDICT_FAIL, "abacus serve makes it, or give the right --data-dir",
                    "%s: %s", dir, strerror(errno));
    } else if (access(dir, R_OK | W_OK | X_OK) != 0) {
        finding_set(finding, VERDICT_FAIL, "run as the server's user", "%s: %s", dir,
                    strerror(errno));
    } else if ((st.st_mode & 077) != 0) {
        finding_set(finding, VERDICT_WARN, "chmod 700", "%s is open to others (mode %03o)", dir,
                    st.st_mode & 0777);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "%s", dir);
    }
}

void check_disk(struct doctor *doctor, struct finding *finding)
{
    struct statvfs fs;
    const char *dir = doctor_path(doctor, "");
    if (!settings_keep_files(doctor->in->settings)) {
        finding_set(finding, VERDICT_OK, NULL, "none is needed");
        return;
    }
    if (statvfs(dir, &fs) != 0) {
        finding_set(finding, VERDICT_FAIL, "see \"data directory\"", "%s: %s", dir,
                    strerror(errno));
        return;
    }
    uint64_t free_mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
    enum verdict verdict = VERDICT_OK;
    if (free_mib < SEGMENT_MIB) {
        verdict = VERDICT_FAIL;
    } else if (free_mib < COMFORT_MIB) {
        verdict = VERDICT_WARN;
    }
    finding_set(finding, verdict,
                verdict == VERDICT_OK ? NULL : "make room: a full disk answers 503",
                "%llu MiB free", (unsigned long long)free_mib);
}

void check_salts(struct doctor *doctor, struct finding *finding)
{
    struct stat st;
    const char *path = doctor_path(doctor, "salts");
    if (!str_starts(doctor->in->settings->database_url, STR("sqlite:"))) {
        finding_set(finding, VERDICT_OK, NULL, "in the database, in no log and no copy of it");
    } else if (stat(path, &st) != 0) {
        if (errno == ENOENT) {
            finding_set(finding, VERDICT_OK, NULL, "none yet; serve makes them");
        } else {
            finding_set(finding, VERDICT_FAIL, "run as the server's user", "%s: %s", path,
                        strerror(errno));
        }
    } else if ((st.st_mode & 077) != 0) {
        finding_set(finding, VERDICT_FAIL, "chmod 600", "%s is open to others (mode %03o)", path,
                    st.st_mode & 0777);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "private to the server's user");
    }
}

void check_clock(struct doctor *doctor, struct finding *finding)
{
    int64_t counters[COUNTERS] = {0};
    struct err why = {0};
    char now[INSTANT_TEXT];
    instant_format(doctor->now_ms, now);
    if (doctor->now_ms < (int64_t)date_from_civil(2020, 1, 1) * DAY_MS) {
        finding_set(finding, VERDICT_FAIL, "set the clock (timedatectl set-ntp true)", "it says %s",
                    now);
    } else if (doctor->store != NULL && store_counters(doctor->store, counters, &why) == 0 &&
               counters[COUNTER_AS_OF] > doctor->now_ms + MINUTE_MS) {
        char as_of[INSTANT_TEXT];
        instant_format(counters[COUNTER_AS_OF], as_of);
        finding_set(finding, VERDICT_FAIL, "set the clock (timedatectl set-ntp true)",
                    "it says %s, but events were counted up to %s", now, as_of);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "%s", now);
    }
}

static int load_zone(struct str name, struct err *err)
{
    struct tz *zone = NULL;
    int rc = tz_load(name, &zone, err);
    tz_free(&zone);
    return rc;
}

void check_zones(struct doctor *doctor, struct finding *finding)
{
    struct directory_rows rows = {0};
    struct err err = {0};
    static const char mend[] = "apt-get install tzdata";
    /* UTC alone can be there without the data. */
    if (load_zone(STR("Europe/Berlin"), &err) != 0 || load_zone(STR("UTC"), &err) != 0) {
        finding_set(finding, VERDICT_FAIL, mend, "no time zone data: %s", err.text);
        return;
    }
    if (doctor->store != NULL) {
        (void)store_read_directory(doctor->store, doctor->in->arena, &rows, &err);
    }
    for (size_t i = 0; i < rows.sites_count; i++) {
        if (load_zone(rows.sites[i].timezone, &err) != 0) {
            finding_set(finding, VERDICT_FAIL, mend, "site %.*s: %s", STR_FMT(rows.sites[i].id),
                        err.text);
            return;
        }
    }
    finding_set(finding, VERDICT_OK, NULL, "there, and those of all sites");
}

void check_proxies(struct doctor *doctor, struct finding *finding)
{
    const struct settings *settings = doctor->in->settings;
    size_t trusted = settings->trusted_proxies.count;
    if (trusted > 0 && settings->public_url.len == 0) {
        finding_set(finding, VERDICT_WARN, "set ABACUS_PUBLIC_URL to what browsers see",
                    "%zu trusted, but there is no public URL", trusted);
    } else if (trusted == 0 && str_starts(settings->public_url, STR("https:"))) {
        finding_set(finding, VERDICT_WARN, "set ABACUS_TRUSTED_PROXIES to the proxy's address",
                    "the public URL is https, so that a proxy stands before this server, but none "
                    "is trusted: all visitors share its address");
    } else {
        finding_set(finding, VERDICT_OK, NULL, trusted > 0 ? "%zu trusted" : "none", trusted);
    }
}

void check_dead_letters(struct doctor *doctor, struct finding *finding)
{
    FILE *file = fopen(doctor_path(doctor, "dead-letter.ndjson"), "re");
    if (file == NULL) {
        finding_set(finding, VERDICT_OK, NULL, "none");
        return;
    }
    unsigned long long lines = 0;
    for (int c = getc(file); c != EOF; c = getc(file)) {
        lines += c == '\n';
    }
    fclose(file);
    finding_set(finding, lines > 0 ? VERDICT_WARN : VERDICT_OK,
                lines > 0 ? "look at dead-letter.ndjson, report what it holds, then move it away"
                          : NULL,
                "%llu", lines);
}

static void judge_countries(const struct geo_about *about, struct finding *finding)
{
    static const char install[] = "apt-get install tor-geoipdb, or set ABACUS_GEO_DATABASE";
    char day[DATE_TEXT] = "unknown";
    if (about->day != 0) {
        date_format(about->day, day);
    }
    if (about->name.len == 0) {
        finding_set(finding, VERDICT_WARN, install, "none: events have no country");
    } else if (!about->ipv4 || !about->ipv6) {
        finding_set(finding, VERDICT_WARN, install, "%.*s (%s), which has no %s",
                    STR_FMT(about->name), day, about->ipv4 ? "IPv6" : "IPv4");
    } else if (about->ranges > 0) {
        finding_set(finding, VERDICT_OK, NULL, "%.*s (%s), %zu ranges", STR_FMT(about->name), day,
                    about->ranges);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "%.*s (%s)", STR_FMT(about->name), day);
    }
}

void check_countries(struct doctor *doctor, struct finding *finding)
{
    const struct geo_config config = {.database = doctor->in->settings->geo_database};
    struct geo_about about;
    struct geo *geo = NULL;
    struct err err = {0};
    if (!settings_take_events(doctor->in->settings)) {
        finding_set(finding, VERDICT_OK, NULL, "none is needed");
    } else if (geo_open(&config, &geo, &err) != 0) {
        finding_set(finding, VERDICT_FAIL, "mend the file, or name another", "%s", err.text);
    } else {
        geo_about(geo, &about);
        judge_countries(&about, finding);
    }
    geo_close(&geo);
}

void check_agents(struct doctor *doctor, struct finding *finding)
{
    struct str rules = doctor->in->settings->agent_rules;
    struct agent *agent = NULL;
    struct err err = {0};
    if (!settings_take_events(doctor->in->settings)) {
        finding_set(finding, VERDICT_OK, NULL, "no rules are needed");
    } else if (rules.len == 0) {
        finding_set(finding, VERDICT_OK, NULL, "rules built in");
    } else if (agent_open(rules, &agent, &err) != 0) {
        finding_set(finding, VERDICT_FAIL, "mend the file, or name another", "%s", err.text);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "rules of %.*s", STR_FMT(rules));
    }
    agent_close(&agent);
}
