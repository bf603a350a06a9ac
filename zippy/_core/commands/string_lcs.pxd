"""LCS: the longest common subsequence of two strings."""

from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine


cdef void lcs_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
