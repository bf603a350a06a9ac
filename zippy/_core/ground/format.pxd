"""Text by a format, and how long it really is. snprintf tells how long it would be, which is no length to read on by."""

from libc.stddef cimport size_t

cdef extern from *:
    """
    #include <stdarg.h>
    #include <stddef.h>
    #include <stdio.h>
    /* as snprintf, but what is returned lies within dst: at most room - 1, and 0 for a format that failed; room is at least 1 */
    #if defined(__GNUC__)
    __attribute__((format(printf, 3, 4), unused))
    #endif
    static size_t zippy_format_text(char* dst, size_t room, const char* format, ...) {
        va_list values;
        int size;
        va_start(values, format);
        size = vsnprintf(dst, room, format, values);
        va_end(values);
        return size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
    }
    """
    size_t format_text "zippy_format_text"(char* dst, size_t room, const char* format, ...) noexcept nogil
