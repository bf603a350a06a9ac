# Redis skips every white space before a word, but a word that has begun is ended by fewer kinds.

from zippy._core.ground.buf cimport buf_append_byte


cdef inline bint is_space(char c) noexcept nogil:
    return c == c' ' or 9 <= c <= 13


cdef inline bint ends_word(char c) noexcept nogil:
    return c == c' ' or c == 9 or c == 10 or c == 13


cdef inline int hex_digit(char c) noexcept nogil:
    if c'0' <= c <= c'9':
        return c - c'0'
    if c'a' <= c <= c'f':
        return c - c'a' + 10
    if c'A' <= c <= c'F':
        return c - c'A' + 10
    return -1


cdef inline char escaped(char c) noexcept nogil:
    if c == c'n':
        return 10
    if c == c'r':
        return 13
    if c == c't':
        return 9
    if c == c'b':
        return 8
    if c == c'a':
        return 7
    return c


cdef size_t read_quoted(const char* line, size_t length, size_t i, Buf* word) noexcept nogil:
    """Appends the quoted text that opens at i; the index after its closing quote, 0 if there is none."""
    cdef char quote = line[i]
    cdef char c
    i += 1
    while i < length:
        c = line[i]
        if c == quote:
            return i + 1
        if c == 92 and i + 1 < length:
            if quote == c"'":
                if line[i + 1] == c"'":
                    c = c"'"
                    i += 1
            elif line[i + 1] == c'x' and i + 3 < length and hex_digit(line[i + 2]) >= 0 and hex_digit(line[i + 3]) >= 0:
                c = <char>(hex_digit(line[i + 2]) * 16 + hex_digit(line[i + 3]))
                i += 3
            else:
                i += 1
                c = escaped(line[i])
        buf_append_byte(word, c)
        i += 1
    return 0


cdef int word_next(const char* line, size_t length, size_t* at, Buf* word) noexcept nogil:
    cdef size_t i = at[0]
    while i < length and is_space(line[i]):
        i += 1
    at[0] = i
    if i == length:
        return WORD_NONE
    while i < length and not ends_word(line[i]):
        if line[i] == c'"' or line[i] == c"'":
            i = read_quoted(line, length, i, word)
            if i == 0 or (i < length and not is_space(line[i])):
                return WORD_UNBALANCED
            break
        buf_append_byte(word, line[i])
        i += 1
    at[0] = i
    return WORD_FOUND
