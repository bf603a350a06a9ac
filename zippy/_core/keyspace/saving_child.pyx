# The child calls no Python; its news go through memory that both processes share.

from libc.errno cimport EIO
from libc.signal cimport SIG_DFL, SIG_IGN, SIGINT, SIGTERM, signal
from libc.stdlib cimport strtoull
from libc.string cimport strstr
from posix.fcntl cimport F_DUPFD, O_RDONLY, fcntl, open
from posix.mman cimport MAP_ANONYMOUS, MAP_FAILED, MAP_SHARED, PROT_READ, PROT_WRITE, mmap, munmap
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.unistd cimport STDERR_FILENO, close, dup2, getppid, read, usleep

cdef extern from *:
    """
    #include <fcntl.h>
    #include <unistd.h>
    #include <sys/syscall.h>

    /* Closes every descriptor from `first` on. Only what is open can be in the first 64 Ki, where the kernel has no call for it. */
    static void zippy_close_from(int first) {
    #ifdef SYS_close_range
        if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
    #endif
        for (int fd = first; fd < 65536; fd++) close(fd);
    }
    """
    void zippy_close_from(int first) noexcept nogil

cdef enum:
    LOOK_EVERY = 1024            # keys
    MEMORY_EVERY = 1000000       # microseconds at least between two looks at the memory
    MEMORY_SHARE = 100           # and so many times what the last one took: the system walks through all of it
    SMAPS_BYTES = 4096


cdef int64_t now_us() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000000 + now.tv_nsec // 1000


cdef uint64_t child_copied() noexcept nogil:
    cdef char[SMAPS_BYTES] text
    cdef int fd = open(b"/proc/self/smaps_rollup", O_RDONLY)
    cdef ssize_t size
    cdef char* at
    if fd < 0:
        return 0
    size = read(fd, text, SMAPS_BYTES - 1)
    close(fd)
    if size <= 0:
        return 0
    text[size] = 0
    at = strstr(text, b"Private_Dirty:")
    return strtoull(at + 14, NULL, 10) * 1024 if at != NULL else 0


cdef void child_look(SavingChild* child) noexcept nogil:
    child.news.copied = child_copied()
    if child.news.copied > child.news.most_copied:
        child.news.most_copied = child.news.copied
    child.news.looked_us = now_us()


cdef void look_at_memory(SavingChild* child) noexcept nogil:
    """Once in a while."""
    cdef int64_t before = now_us()
    cdef int64_t pause
    if child.look_us == 0:
        child.look_us = before + MEMORY_EVERY
    if before < child.look_us:
        return
    child_look(child)
    pause = (child.news.looked_us - before) * MEMORY_SHARE
    child.look_us = child.news.looked_us + (pause if pause > MEMORY_EVERY else MEMORY_EVERY)


cdef int child_is_alone(const SavingChild* child) noexcept nogil:
    # whoever took the parent's place may have saved newer data
    return EIO if getppid() != child.parent else 0


cdef int child_wrote_key(SavingChild* child, uint64_t keys) noexcept nogil:
    child.news.keys = keys
    if child.delay_us:
        usleep(child.delay_us)
    if keys % LOOK_EVERY and not child.delay_us:
        return 0
    look_at_memory(child)
    return child_is_alone(child)


cdef void child_settle(int* kept, int count) noexcept nogil:
    cdef int first = STDERR_FILENO + 1
    cdef int i
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_DFL)
    # none may take another's place before that was moved
    for i in range(count):
        kept[i] = fcntl(kept[i], F_DUPFD, first + count)
    for i in range(count):
        dup2(kept[i], first + i)
        kept[i] = first + i
    # an inherited socket that stayed open here would keep a connection alive that the parent closes
    zippy_close_from(first + count)


cdef ChildNews* child_news_new() noexcept nogil:
    cdef void* page = mmap(NULL, sizeof(ChildNews), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    return NULL if page == MAP_FAILED else <ChildNews*>page


cdef void child_news_free(ChildNews* news) noexcept nogil:
    if news != NULL:
        munmap(news, sizeof(ChildNews))


cdef int64_t child_news_age_us(const ChildNews* news) noexcept nogil:
    return now_us() - news.looked_us if news.looked_us else 0
