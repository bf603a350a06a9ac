/* Loaded in front of the C library: the time of day stands where a shared file says, or runs when the file says 0. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t* us;

__attribute__((constructor)) static void attach(void) {
    const char* path = getenv("ZIPPY_SET_CLOCK");
    int file = path ? open(path, O_RDONLY) : -1;
    void* place;
    if (file < 0) return;
    place = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED) us = place;
}

int clock_gettime(clockid_t id, struct timespec* now) {
    static int (*real)(clockid_t, struct timespec*);
    int64_t set = us ? *us : 0;
    if (set && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        now->tv_sec = set / 1000000;
        now->tv_nsec = set % 1000000 * 1000;
        return 0;
    }
    if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
    return real(id, now);
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
    struct timespec moment;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &moment);
    now->tv_sec = moment.tv_sec;
    now->tv_usec = moment.tv_nsec / 1000;
    return 0;
}

time_t time(time_t* place) {
    struct timespec moment;
    clock_gettime(CLOCK_REALTIME, &moment);
    if (place) *place = moment.tv_sec;
    return moment.tv_sec;
}
