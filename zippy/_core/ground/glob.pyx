# A mismatch goes back to the last star alone, so a pattern costs at most its length times the text's; patterns come from clients.

from libc.string cimport memchr
from zippy._core.ground.slice cimport slice_of


cdef enum:
    SHORT = 256      # bytes of a pattern that is looked through beforehand


cdef inline bint has(Slice text, char c) noexcept nogil:
    return memchr(text.ptr, c, text.len) != NULL


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


cdef bint ends_otherwise(Slice pattern, Slice text, bint ignore_case) noexcept nogil:
    """Whether a short pattern ends with a byte of its own, which is not the text's last: most that have to be looked into for long do."""
    cdef char last = pattern.ptr[pattern.len - 1]
    if last == c'*' or last == c'?' or last == c']' or folded(last, ignore_case) == folded(text.ptr[text.len - 1], ignore_case):
        return False
    # what looks like a byte may be one of a class, or one that an escape makes of another
    return pattern.len <= SHORT and not has(pattern, c'[') and not has(pattern, 92)


cdef size_t count_single(Slice pattern, size_t* at, size_t most) noexcept nogil:
    """Counts the characters to match from *at on, up to a star or a class, to which *at is moved, and hardly more than `most`."""
    cdef size_t i = at[0]
    cdef size_t count = 0
    while i < pattern.len and pattern.ptr[i] != c'*' and pattern.ptr[i] != c'[' and count <= most:
        i += 2 if pattern.ptr[i] == 92 and i + 1 < pattern.len else 1
        count += 1
    at[0] = i
    return count


cdef const char* first_byte(Slice pattern, size_t p, bint ignore_case) noexcept nogil:
    """The byte that a text has to have where pattern[p:] begins to fit it; NULL: one of several."""
    if ignore_case or pattern.ptr[p] == c'?' or pattern.ptr[p] == c'[':
        return NULL
    return pattern.ptr + (p + 1 if pattern.ptr[p] == 92 and p + 1 < pattern.len else p)


cdef inline size_t found_from(Slice text, size_t t, const char* byte) noexcept nogil:
    """Where the byte is first, from t on; the text's length: nowhere."""
    cdef const char* found = <const char*>memchr(text.ptr + t, <unsigned char>byte[0], text.len - t)
    return text.len if found == NULL else found - text.ptr


cdef bint glob_match(Slice pattern, Slice text, bint ignore_case) noexcept nogil:
    # On a mismatch only the last star is given more characters: an earlier one could not do better, so the time is at most pattern times
    # text. What is behind the very last star fits the text's end or nothing.
    cdef size_t p = 0
    cdef size_t t = 0
    cdef size_t star = 0             # behind the last star
    cdef size_t star_text = 0        # what is behind it is held against the text from here on
    cdef bint starred = False
    cdef const char* first = NULL    # the byte that what is behind it begins with
    cdef bint matched
    cdef size_t next
    cdef size_t count
    if text.len == 0 or pattern.len == 0:
        # nothing fits an empty text but an empty pattern, not even a star: as Redis does
        return pattern.len == text.len
    if ends_otherwise(pattern, text, ignore_case):
        return False
    while t < text.len or p < pattern.len:
        matched = False
        if p < pattern.len:
            if pattern.ptr[p] == c'*':
                p += 1
                if p == pattern.len:
                    return True
                next = p
                count = count_single(pattern, &next, text.len - t)
                if count > text.len - t:
                    return False
                starred = next < pattern.len
                if not starred:
                    t = text.len - count
                    continue
                star = p
                first = first_byte(pattern, p, ignore_case) if count else NULL
                star_text = t if first == NULL else found_from(text, t, first)
                t = star_text
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
            star_text = star_text + 1 if first == NULL else found_from(text, star_text + 1, first)
            t = star_text
            p = star
        else:
            return False
    return True


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
