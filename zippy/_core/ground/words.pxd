"""A line as words, quoted or not: an inline request, the first line of a script."""

from libc.stddef cimport size_t
from zippy._core.ground.buf cimport Buf

cdef enum WordFound:
    WORD_NONE = 0            # the line ends here
    WORD_FOUND = 1
    WORD_UNBALANCED = -1     # a quote is not closed, or something follows a closing quote at once


# Appends the word that begins at or behind *at to `word`, and moves *at behind it: "..." with escapes, '...' with \', or plain. Returns a
# WordFound. Whoever reads all words of a line asks word.failed once
cdef int word_next(const char* line, size_t length, size_t* at, Buf* word) noexcept nogil
