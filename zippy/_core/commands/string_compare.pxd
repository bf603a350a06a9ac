"""Conditions on the value that a key has, and the commands that compare and delete."""

from libc.stdint cimport uint32_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry

cdef enum ValueCondition:
    # bits of options beside those of SET
    IF_EQUAL = 1 << 9
    IF_NOT_EQUAL = 1 << 10
    IF_DIGEST_EQUAL = 1 << 11
    IF_DIGEST_NOT_EQUAL = 1 << 12
    IF_DIGEST = IF_DIGEST_EQUAL | IF_DIGEST_NOT_EQUAL
    IF_VALUE = IF_EQUAL | IF_NOT_EQUAL | IF_DIGEST


cdef bint condition_is_valid(Client* c, uint32_t condition, Slice operand) noexcept nogil      # False: replied with an error
# Whether the condition is true of a string's entry, or of an absent key (NULL), which no value is equal to
cdef bint condition_holds(const Entry* entry, uint32_t condition, Slice operand) noexcept nogil
cdef void digest_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void delex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void delifeq_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
