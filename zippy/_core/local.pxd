"""Python values as a command's words, and its reply as a Python value: also for functions in Python, whose commands are such."""

from libc.stddef cimport size_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.number cimport NUM_I64_TEXT

cdef enum:
    FIRST_WORDS = 16             # arguments that need no block of their own


cdef struct Words:
    # A command's arguments, borrowed from Python objects
    int argc
    Slice* argv
    Slice[FIRST_WORDS] first
    char[FIRST_WORDS * NUM_I64_TEXT] numbers   # the text of integers among the first


# Fills in the arguments, to be ended with drop_words, and returns what holds them beside args and w. TypeError: one is neither bytes, str,
# int nor float; nothing is to be ended then
cdef object put_arguments(Words* w, tuple args)
cdef void drop_words(Words* w)
# The value of the one reply that the bytes are, of any kind, with strings as bytes; ValueError: it cannot be one
cdef object read_value(const char* data, size_t size)
