"""Glob patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET understand them."""

from zippy._core.ground.buf cimport Slice


cdef bint glob_match(Slice pattern, Slice text, bint ignore_case) noexcept nogil   # * ? [a-z] [^a] \x; polynomial time whatever the pattern
cdef bint glob_is_pattern(Slice text) noexcept nogil    # has it a character that may make others than itself fit it
