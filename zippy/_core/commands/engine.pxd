"""The engine: admits, runs and accounts for commands. It knows no transport and no Python object."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.commands.types cimport Call, Client, Command, Engine, ScriptRights


cdef void engine_init(Engine* e, int databases, uint64_t seed) noexcept nogil
cdef void engine_free(Engine* e) noexcept nogil                             # all clients have been freed
# before any use: memory is charged to this engine, the clock refreshed
cdef void engine_enter(Engine* e) noexcept nogil
cdef void engine_use(Engine* e) noexcept nogil                              # the same without touching the clock
# Runs what the client's parser holds until there is no whole command left or the client has to wait. True: there is more, but the time that
# one client has in a turn is over. at_once: all is run, however long that takes
cdef bint engine_run(Engine* e, Client* c, bint at_once) noexcept nogil
# Sends one command through the gate and runs it; within another call it is a nested one. The arguments are borrowed until it returns.
# command: what find_command found, or NULL
cdef void engine_command(Engine* e, Client* c, Command* command, int argc, Slice* argv) noexcept nogil
# Has the gate refuse a command with this error, nothing run: for who lets commands fail on purpose
cdef void engine_refuse(Engine* e, Client* c, Slice name, Slice error) noexcept nogil
# Runs a command that the gate has let pass
cdef void engine_run_admitted(Engine* e, Client* c, Command* command, int argc, Slice* argv) noexcept nogil
# engine_command for a caller that cannot wait and has no parser: False, with nothing done, for a command with one of these CMD_ flags, and
# in a CLIENT PAUSE
cdef bint engine_call(Engine* e, Client* c, int argc, Slice* argv, uint64_t refused) noexcept nogil
# Whether engine_call would have it run, and there is such a command
cdef bint engine_would_call(Engine* e, int argc, const Slice* argv, uint64_t refused) noexcept nogil
# Whether a script that says that it writes may run now, as a command that writes; else it was refused with an error. over: memory is
# above its limit, and the script needs some
cdef bint engine_admits_script(Engine* e, Client* c, bint over) noexcept nogil
# Runs one command of a script as a nested call, if the script may; the error that it is refused with is a script's
cdef void engine_call_in_script(Engine* e, Client* c, ScriptRights* rights, int argc, Slice* argv) noexcept nogil
cdef void reply_busy(Engine* e, Client* c) noexcept nogil                           # another client's script or function is running
cdef void reply_error_text(Client* c, Buf* text) noexcept nogil                     # an error that was put together, which is freed
cdef bint engine_is_calling(const Engine* e, const Client* c) noexcept nogil        # whether a call of this client's is under way
# For a command in Python that is awaited, which only an outermost call can be: its handler returns after engine_awaits. Later the reply
# is written between engine_resume, which begins the call again at `call`, and engine_resumed. False: out of memory, it cannot wait
cdef bint engine_awaits(Engine* e, Client* c) noexcept nogil
cdef void engine_resume(Engine* e, Client* c, Call* call) noexcept nogil
cdef void engine_resumed(Engine* e, Client* c, Call* call) noexcept nogil
cdef Command* command_called(Engine* e, Slice word) noexcept nogil               # find_command of one word that may come often
cdef Command* find_command(Engine* e, int argc, const Slice* argv) noexcept nogil   # by name, or name and subcommand; NULL
# For handlers: instead of the command itself, propagate these. propagate_nothing: the change is told by other means or not at all
cdef void propagate_instead(Engine* e, Client* c, int argc, const Slice* argv) noexcept nogil   # may be called several times
cdef void propagate_nothing(Engine* e) noexcept nogil
# Evicts for a while if used memory is above maxmemory and this is no time at which nothing may vanish; False: it is above and remains so
cdef void serve_deadlines(Engine* e) noexcept nogil    # blocked clients whose time is over, or who are to be looked at again now
cdef bint engine_make_room(Engine* e) noexcept nogil
