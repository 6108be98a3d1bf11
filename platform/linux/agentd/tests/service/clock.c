/* The time of day of a program under test: the system's, and the seconds more that stand in the file KEDGE_CLOCK. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = (int)syscall(SYS_clock_gettime, clock, time);
    const char *name = getenv("KEDGE_CLOCK");
    FILE *file = done == 0 && clock == CLOCK_REALTIME && name ? fopen(name, "r") : NULL;
    long long more = 0;
    if (file) {
        if (fscanf(file, "%lld", &more) == 1) {
            time->tv_sec += (time_t)more;
        }
        fclose(file);
    }
    return done;
}
