# A mismatch goes back to the last star alone, so a pattern costs at most its length times the text's; patterns come from clients.

from libc.string cimport memchr
from zippy._core.ground.slice cimport slice_of


cdef inline unsigned char folded(char c, bint ignore_case) noexcept nogil:
    return <unsigned char>(c + 32) if ignore_case and c'A' <= c <= c'Z' else <unsigned char>c


cdef bint match_class(Slice pattern, size_t* at, char c, bint ignore_case) noexcept nogil:
    """Matches c with the class whose bracket is at *at, and moves *at to its last character."""
    cdef size_t i = at[0] + 1
    cdef bint negated = i < pattern.len and pattern.ptr[i] == c'^'
    cdef bint found = False
    cdef unsigned char low
    cdef unsigned char high
    cdef unsigned char wanted = folded(c, ignore_case)
    if negated:
        i += 1
    while i < pattern.len and pattern.ptr[i] != c']':
        if pattern.ptr[i] == 92 and i + 1 < pattern.len:
            i += 1
            if pattern.ptr[i] == c:
                found = True
        elif i + 2 < pattern.len and pattern.ptr[i + 1] == c'-':
            low = folded(pattern.ptr[i], ignore_case)
            high = folded(pattern.ptr[i + 2], ignore_case)
            if low > high:
                low, high = high, low
            if low <= wanted <= high:
                found = True
            i += 2
        elif folded(pattern.ptr[i], ignore_case) == wanted:
            found = True
        i += 1
    # a class that is not closed ends with the pattern
    at[0] = i if i < pattern.len else pattern.len - 1
    return found != negated


cdef bint glob_match(Slice pattern, Slice text, bint ignore_case) noexcept nogil:
    # On a mismatch only the last star is given one more character: an earlier one could not do better, so the time is at most pattern times
    # text.
    cdef size_t p = 0
    cdef size_t t = 0
    cdef size_t star = 0
    cdef size_t star_text = 0
    cdef bint starred = False
    cdef bint matched
    cdef size_t next
    if text.len == 0:
        # nothing fits an empty text but an empty pattern, not even a star: as Redis does
        return pattern.len == 0
    while t < text.len or p < pattern.len:
        matched = False
        if p < pattern.len:
            if pattern.ptr[p] == c'*':
                starred = True
                star = p
                star_text = t
                p += 1
                continue
            next = p
            if t < text.len:
                if pattern.ptr[p] == c'?':
                    matched = True
                elif pattern.ptr[p] == c'[':
                    matched = match_class(pattern, &next, text.ptr[t], ignore_case)
                else:
                    if pattern.ptr[p] == 92 and p + 1 < pattern.len:
                        next = p + 1
                    matched = folded(pattern.ptr[next], ignore_case) == folded(text.ptr[t], ignore_case)
        if matched:
            p = next + 1
            t += 1
        elif starred and t < text.len:
            # where the text ended before the pattern, it would do so from any later start
            star_text += 1
            t = star_text
            p = star + 1
        else:
            return False
    return True


cdef inline bint has(Slice text, char c) noexcept nogil:
    return memchr(text.ptr, c, text.len) != NULL


cdef bint glob_is_pattern(Slice text) noexcept nogil:
    return text.len > 0 and (has(text, c'*') or has(text, c'?') or has(text, c'['))


def fitting(bytes pattern not None, tuple texts not None, bint ignore_case=False):
    """Those of the texts (bytes) that fit the pattern as a whole."""
    cdef Slice wanted = slice_of(<const char*>pattern, len(pattern))
    cdef bytes text
    return [text for text in texts if glob_match(wanted, slice_of(<const char*>text, len(text)), ignore_case)]


def is_pattern(bytes text not None):
    """Whether a text has a character that may make others than itself fit it."""
    return glob_is_pattern(slice_of(<const char*>text, len(text)))
