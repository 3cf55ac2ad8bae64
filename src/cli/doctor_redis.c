/* cli/doctor_redis.c -- what doctor checks about Redis: is it there, may it throw events away, has
 * it room, does it come back with its data. */
#include "cli/doctor.h"

#include "redis/redis.h"

#include <string.h>

enum { MIB = 1024 * 1024 };

static void judge(const struct redis_about *about, struct finding *finding)
{
    const char *policy = about->policy;
    unsigned long long used = about->used_bytes / MIB, most = about->max_bytes / MIB;
    if (strcmp(policy, "noeviction") != 0) {
        finding_set(finding, VERDICT_FAIL, "set maxmemory-policy noeviction",
                    "%s may throw events away (maxmemory-policy %s)", about->address, policy);
    } else if (about->max_bytes > 0 &&
               about->used_bytes >= about->max_bytes - about->max_bytes / 4) {
        finding_set(
            finding, VERDICT_WARN, "see \"job\"; or raise maxmemory",
            "%s is nearly full: %llu of %llu MiB; when it is, events wait in the nodes' logs",
            about->address, used, most);
    } else if (!about->append_only) {
        finding_set(finding, VERDICT_WARN, "set appendonly yes, to spare the nodes sending again",
                    "redis %s at %s keeps nothing over a restart; nothing is lost by it",
                    about->version, about->address);
    } else {
        finding_set(finding, VERDICT_OK, NULL, "redis %s at %s, %s, %llu MiB used", about->version,
                    about->address, policy, used);
    }
}

void check_redis(struct doctor *doctor, struct finding *finding)
{
    const struct redis_config config = {.url = doctor->in->settings->redis_url};
    struct redis_about about;
    struct redis *redis = NULL;
    struct err err = {0};
    if (config.url.len == 0) {
        finding_set(finding, VERDICT_OK, NULL, "none: the event log is the buffer");
        return;
    }
    int rc = redis_open(&config, &redis, &err);
    if (rc == 0) {
        rc = redis_about(redis, &about, &err);
    }
    if (rc == 0) {
        judge(&about, finding);
    } else {
        finding_set(finding, VERDICT_FAIL, "start it, or give the right REDIS_URL", "%s", err.text);
    }
    redis_close(&redis);
}
