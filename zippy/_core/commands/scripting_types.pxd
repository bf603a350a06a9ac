"""The structs of scripts: what a Lua machine of ours is for, a script, and one that is being run."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.lua.vm cimport LuaVm
from zippy._core.commands.types cimport Client, Engine, ScriptRights

cdef enum:
    SHA_TEXT = 40                # bytes of a SHA-1 as text

cdef enum ScriptFlag:
    # what the first line of a script says of it: "#!lua flags=no-writes"
    SCRIPT_NO_WRITES = 1 << 0
    SCRIPT_ALLOW_OOM = 1 << 1
    SCRIPT_ALLOW_STALE = 1 << 2
    SCRIPT_NO_CLUSTER = 1 << 3
    SCRIPT_CROSS_SLOT = 1 << 4
    SCRIPT_DECLARES = 1 << 5     # there is such a line: without one it may do what it likes

cdef enum Replicate:
    # where what a script's commands do is told, as redis.set_repl takes it
    REPL_NONE = 0
    REPL_AOF = 1
    REPL_REPLICA = 2
    REPL_ALL = 3


cdef struct ScriptRun:
    # a script or a function that is being run, on the stack of who runs it
    Client* caller
    Slice name                   # that errors tell: a script's SHA-1, a function's name
    int function                 # of vm_compile
    const Slice* keys            # borrowed
    int key_count
    const Slice* args            # borrowed
    int arg_count
    ScriptRights rights
    int replicate                # REPL_ bits
    uint64_t began               # clock_ticks
    bint killed                  # it is to end with an error
    bint told                    # the log has a line that it runs for long


cdef struct ScriptHost:
    # a Lua machine, and what the functions of its `redis` need
    Engine* engine
    LuaVm vm
    Client* client               # to whom the commands of scripts reply; on no list of clients
    ScriptRun* run               # the one under way, NULL: none
    int collections              # that Lua's collector has ended since the machine's functions were forgotten


cdef struct Script:
    char[SHA_TEXT] sha           # lower case
    Slice body                   # owned, behind the struct or in `block`
    void* block                  # of a long argument, taken over; NULL: there is none
    uint64_t flags               # SCRIPT_ bits
    int function                 # of vm_compile
    bint evictable               # it came with EVAL: it goes when there are too many of them
    Script* older                # of those that are evictable, by when they were last run
    Script* newer


cdef struct Scripting:
    # the scripts of EVAL
    ScriptHost host
    int body                     # in Lua's registry: the C function that runs a script
    HashTable by_sha             # Script
    HashTable by_body
    Script* oldest               # of those that are evictable
    Script* newest
    uint64_t evictable           # how many they are
    size_t bytes                 # that scripts take outside of Lua
