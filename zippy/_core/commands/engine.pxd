"""The engine: admits, runs and accounts for commands. It knows no transport and no Python object."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Command, Engine


cdef void engine_init(Engine* e, int databases, uint64_t seed) noexcept nogil
cdef void engine_free(Engine* e) noexcept nogil                             # all clients have been freed
# before any use: memory is charged to this engine, the clock refreshed
cdef void engine_enter(Engine* e) noexcept nogil
cdef void engine_use(Engine* e) noexcept nogil                              # the same without touching the clock
# Runs what the client's parser holds until there is no whole command left, or the client has to wait, or RUN_PYTHON
cdef int engine_run(Engine* e, Client* c) noexcept nogil
# Runs one command whose arguments are borrowed until it returns (with RUN_PYTHON: until engine_python_done returns RUN_DONE)
cdef int engine_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
# The same for a caller that cannot wait and has no parser: RUN_REFUSED, with nothing done, for a command with one of these CMD_ flags, and
# in a CLIENT PAUSE
cdef int engine_call(Engine* e, Client* c, int argc, Slice* argv, uint64_t refused) noexcept nogil
cdef Command* engine_python_command(Client* c, int* argc, Slice** argv) noexcept nogil   # which command RUN_PYTHON is about
# Its handler is awaited: the arguments outlive the input. engine_python_resumes goes before engine_python_done then
cdef void engine_python_waits(Client* c) noexcept nogil
cdef void engine_python_resumes(Client* c) noexcept nogil
# its reply has been written; RUN_PYTHON when EXEC has another one
cdef int engine_python_done(Engine* e, Client* c) noexcept nogil
cdef Command* find_command(Engine* e, int argc, const Slice* argv) noexcept nogil   # by name, or name and subcommand; NULL
# For handlers: instead of the command itself, propagate these. propagate_nothing: the change is told by other means or not at all
cdef void propagate_instead(Engine* e, Client* c, int argc, const Slice* argv) noexcept nogil   # may be called several times
cdef void propagate_nothing(Engine* e) noexcept nogil
# Evicts for a while if used memory is above maxmemory and this is no time at which nothing may vanish; False: it is above and remains so
cdef bint engine_make_room(Engine* e) noexcept nogil
# For EXEC: runs one queued command, RUN_PYTHON as above
cdef int run_queued(Engine* e, Client* c) noexcept nogil
