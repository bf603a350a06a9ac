"""Trimming streams: XTRIM, and the options that XADD shares with it."""

from libc.stdint cimport uint32_t, uint64_t
from zippy._core.ground.slice cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.stream cimport Stream, StreamTrim

cdef enum TrimFlag:
    TRIM_MAXLEN = 1 << 0
    TRIM_MINID = 1 << 1
    TRIM_LIMIT = 1 << 2
    TRIM_KEEPREF = 1 << 3
    TRIM_DELREF = 1 << 4
    TRIM_ACKED = 1 << 5
    ADD_NOMKSTREAM = 1 << 6
    ADD_ANY_ID = 1 << 7          # XADD's *


cdef struct TrimOptions:
    # what XADD or XTRIM was asked for
    uint32_t flags               # TrimFlag bits of the options that were given
    StreamTrim trim              # nothing is to be trimmed unless flags has TRIM_MAXLEN or TRIM_MINID
    int threshold_at             # in argv
    int id_at                    # of XADD: where the id stands; argc: there is none


cdef void xtrim_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil

# Reads the options from argv[2] on; of XADD up to the id, which is not looked at. False: replied with an error
cdef bint arg_trim_options(Client* c, int argc, const Slice* argv, bint adding, TrimOptions* t) noexcept nogil
# Whether LIMIT may be there, and what it is where it is not. False: replied with an error
cdef bint arg_trim_limit(Client* c, bint adding, TrimOptions* t) noexcept nogil
cdef uint64_t trim_stream(Engine* e, Stream* s, const TrimOptions* t) noexcept nogil     # how many entries it removed
# Propagates the command with "=" and what is left in the place of "~" and its threshold, which is not the same in another server; of XADD
# with this id (NULL: of XTRIM)
cdef void propagate_trimmed(
    Engine* e, Client* c, int argc, Slice* argv, const TrimOptions* t, const Stream* s, const Slice* id
) noexcept nogil
