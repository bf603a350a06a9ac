/* Loaded before a server's libraries (LD_PRELOAD), it plays a disk with faults, and notes what a power cut would leave.

   FAIL_SYNC=END    syncing files whose paths end so fails; FAIL_WHEN=PATH: only while this file exists; FAIL_ONCE: which the first failure
                    removes, as a kernel tells of lost bytes once
   FULL_WHEN=PATH   while this file exists the disk is full for data files (.aof, .rdb): a write takes half of what it is given, the next nothing
   SLOW_SYNC=END    syncing them takes SYNC_MS milliseconds (3000), of which half go by before and half after
   HOLD_SYNC=END    syncing them waits for as long as HOLD_WHEN=PATH exists
   DISK_JOURNAL=FOLDER  every event becomes a line of FOLDER/journal; what is renamed over or deleted stays as a hard link in FOLDER:
       syncing BEGAN PID              this process has begun to sync a file (times: monotonic microseconds)
       sync BEGAN ENDED INODE SIZE    so many bytes of this file are on disk
       folder PATH                    the names in this folder are on disk
       create PATH | rename SHADOW FROM<tab>TO | unlink SHADOW PATH    SHADOW: the number of the hard link; noted before it is done */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void pause_ms(long ms) {
    struct timespec span = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&span, NULL);
}

static void note(const char *format, ...) {
    char path[PATH_MAX], line[2 * PATH_MAX];
    const char *folder = getenv("DISK_JOURNAL");
    va_list words;
    if (folder == NULL) return;
    snprintf(path, sizeof(path), "%s/journal", folder);
    va_start(words, format);
    int size = vsnprintf(line, sizeof(line), format, words);
    va_end(words);
    /* a child closes what it inherits, so the file is opened each time; one write is one line, whoever else writes */
    int fd = ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open"))(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, size) != size) abort();
    close(fd);
}

/* Keeps a file by another name; the number of that name, 0 if there is no such file. */
static long keep(const char *path) {
    static int counter;
    char shadow[PATH_MAX];
    long number = getpid() * 100000L + __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
    if (getenv("DISK_JOURNAL") == NULL) return 0;
    snprintf(shadow, sizeof(shadow), "%s/%ld", getenv("DISK_JOURNAL"), number);
    return link(path, shadow) == 0 ? number : 0;
}

static const char *absolute(const char *path, char *space) {
    char here[PATH_MAX];
    if (path[0] == '/' || getcwd(here, sizeof(here)) == NULL) return path;
    snprintf(space, PATH_MAX, "%.2000s/%.2000s", here, path);
    return space;
}

static int ends_with(const char *path, const char *end) {
    return strlen(path) >= strlen(end) && strcmp(path + strlen(path) - strlen(end), end) == 0;
}

static int ends(const char *path, const char *variable) {
    const char *end = getenv(variable);
    return end != NULL && ends_with(path, end);
}

/* The path of an open file. */
static const char *path_of(int fd, char *space) {
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, space, PATH_MAX - 1);
    space[n < 0 ? 0 : n] = 0;
    return space;
}

/* How much of so many bytes the disk takes, -1 for nothing: then errno says why. */
static ssize_t room(int fd, size_t size) {
    static int half_taken;
    char path[PATH_MAX];
    if (getenv("FULL_WHEN") == NULL || access(getenv("FULL_WHEN"), F_OK) != 0) {
        half_taken = 0;
        return size;
    }
    path_of(fd, path);
    if (!ends_with(path, ".aof") && !ends_with(path, ".rdb")) return size;
    if (size > 1 && !half_taken) {
        half_taken = 1;
        return size / 2;
    }
    errno = ENOSPC;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t most = room(fd, size);
    return most < 0 ? -1 : ((ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))(fd, data, most);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    size_t size = 0;
    for (int i = 0; i < count; i++) size += pieces[i].iov_len;
    ssize_t most = room(fd, size);
    if (most < 0) return -1;
    if ((size_t)most < size) return write(fd, pieces[0].iov_base, (pieces[0].iov_len + 1) / 2);
    return ((ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev"))(fd, pieces, count);
}

static int synced(int fd, const char *name) {
    char path[PATH_MAX];
    struct stat file;
    long began = now_us();
    int slow, result;
    path_of(fd, path);
    if (ends(path, "FAIL_SYNC") && (getenv("FAIL_WHEN") == NULL || access(getenv("FAIL_WHEN"), F_OK) == 0)) {
        if (getenv("FAIL_ONCE")) unlink(getenv("FAIL_WHEN"));
        errno = EIO;
        return -1;
    }
    slow = ends(path, "SLOW_SYNC") ? (getenv("SYNC_MS") ? atoi(getenv("SYNC_MS")) : 3000) : 0;
    if (fstat(fd, &file) != 0) return -1;
    if (S_ISREG(file.st_mode)) note("syncing %ld %d\n", began, (int)getpid());
    while (ends(path, "HOLD_SYNC") && access(getenv("HOLD_WHEN"), F_OK) == 0) pause_ms(1);
    pause_ms(slow / 2);
    result = ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
    pause_ms(slow - slow / 2);
    if (result == 0 && S_ISDIR(file.st_mode)) note("folder %s\n", path);
    if (result == 0 && S_ISREG(file.st_mode)) note("sync %ld %ld %lu %ld\n", began, now_us(), file.st_ino, file.st_size);
    return result;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

int rename(const char *from, const char *to) {
    char a[PATH_MAX], b[PATH_MAX];
    note("rename %ld %s\t%s\n", keep(to), absolute(from, a), absolute(to, b));
    return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}

int unlink(const char *path) {
    char a[PATH_MAX];
    long number = keep(path);
    if (number) note("unlink %ld %s\n", number, absolute(path, a));
    return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    char a[PATH_MAX];
    if ((flags & O_CREAT) && access(path, F_OK) != 0) note("create %s\n", absolute(path, a));
    return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

static mode_t mode_of(int flags, va_list words) { return flags & O_CREAT ? va_arg(words, mode_t) : 0; }

#define OPEN(NAME)                                 \
    int NAME(const char *path, int flags, ...) {   \
        va_list words;                             \
        va_start(words, flags);                    \
        mode_t mode = mode_of(flags, words);       \
        va_end(words);                             \
        return opened(#NAME, path, flags, mode);   \
    }

OPEN(open)
OPEN(open64)
