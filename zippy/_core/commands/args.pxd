"""Reading arguments: integers, floats, timeouts and options, with Redis's error texts. A function that returns False has replied with an
error."""

from libc.stdint cimport int64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry


cdef bint arg_i64(Client* c, Slice s, int64_t* n) noexcept nogil                    # "ERR value is not an integer or out of range"
cdef bint arg_i64_or(Client* c, Slice s, int64_t* n, const char* error) noexcept nogil   # with an error text of the command's own
cdef bint arg_int(Client* c, Slice s, int64_t* n) noexcept nogil                    # as arg_i64, of 32 bits
cdef bint arg_in_range(Client* c, Slice s, int64_t low, int64_t high, int64_t* n, const char* error) noexcept nogil
cdef bint arg_double(Client* c, Slice s, double* d) noexcept nogil                  # "ERR value is not a valid float"
cdef bint arg_timeout(Engine* e, Client* c, Slice s, int64_t* us) noexcept nogil    # seconds with decimals to us; 0: for ever
cdef bint arg_is(Slice s, const char* word) noexcept nogil                          # case-insensitive; word in lower case
cdef void reply_syntax_error(Client* c) noexcept nogil
# "ERR unknown subcommand or wrong number of arguments for 'pause'. Try CLIENT HELP.": what was given, the container in capitals
cdef void reply_subcommand_error(Client* c, Slice subcommand, const char* container) noexcept nogil
cdef void reply_wrong_type(Client* c) noexcept nogil
cdef void reply_out_of_memory(Client* c) noexcept nogil                             # a size that the client chose could not be had
# The entry's type is what the command works on, or it is absent (NULL): True. Else replies WRONGTYPE
cdef bint check_type(Client* c, const Entry* e, int value_type) noexcept nogil
