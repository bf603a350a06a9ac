"""Libraries of functions, by name, and their functions by name: what FUNCTION LOAD made and what the operator gave in Python.

Data alone, which snapshots and rewritten logs hold as the text of each library; how a function is run is known to who made its library.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.values.rdb_stream cimport RdbWriter

cdef enum FunctionFlag:
    FUNCTION_NO_WRITES = 1 << 0
    FUNCTION_ALLOW_OOM = 1 << 1
    FUNCTION_ALLOW_STALE = 1 << 2
    FUNCTION_NO_CLUSTER = 1 << 3
    FUNCTION_ALLOW_CROSS_SLOT_KEYS = 1 << 4

cdef enum:
    FUNCTION_FLAGS = 5

cdef enum LibraryEngine:
    LIBRARY_LUA = 0              # loaded by clients, and kept in files
    LIBRARY_PYTHON = 1           # the operator's, made when the server starts and in no file
    LIBRARY_ENGINES = 2


cdef struct Function:
    Library* library
    Function* next               # of the library
    Slice name                   # owned, behind the struct, as the two that follow
    Slice key                    # in lower case: a call finds it in any
    Slice description            # ptr NULL: none
    uint32_t flags               # FunctionFlag bits
    int64_t callback             # what it is to who runs it


cdef struct Library:
    Library* prev                # in the order in which they came
    Library* next
    int engine                   # a LibraryEngine
    Slice name                   # owned, behind the struct, as the code
    Slice code                   # all of it, ptr NULL where there is none
    Function* first              # in the order in which they were registered
    Function* last
    int count
    HashTable names              # its functions by their very names; until it is put among others
    size_t bytes                 # that all of it takes


cdef struct Libraries:
    HashTable by_name            # Library
    HashTable functions          # Function by key; of those in one library that differ in case alone, the first
    Library* first
    Library* last
    int[LIBRARY_ENGINES] library_counts
    int[LIBRARY_ENGINES] function_counts
    size_t bytes


# A word for each FunctionFlag, in their order
cdef const char* function_flag_word(int place) noexcept nogil
cdef bint library_name_fits(Slice name) noexcept nogil     # letters, digits and underscores, one at least: of functions, too

# NULL: there is no memory for it. The name and the code are copied
cdef Library* library_new(int engine, Slice name, Slice code) noexcept nogil
cdef void library_free(Library* library) noexcept nogil    # which is in no Libraries
# NULL: a function of this very name is there already. All is copied
cdef Function* library_add(Library* library, Slice name, Slice description, uint32_t flags, int64_t callback) noexcept nogil

cdef void libraries_init(Libraries* l) noexcept nogil
cdef void libraries_free(Libraries* l) noexcept nogil      # with all that is in it
cdef Library* library_find(Libraries* l, Slice name) noexcept nogil
cdef Function* function_find(Libraries* l, Slice name) noexcept nogil      # in any case of letters
cdef Function* function_of_key(Libraries* l, Slice key) noexcept nogil     # by a name in lower case
cdef void libraries_put(Libraries* l, Library* library) noexcept nogil     # neither its name nor its functions' may be there
cdef void libraries_take(Libraries* l, Library* library) noexcept nogil    # out of them; it is the caller's then

cdef void libraries_write(RdbWriter* w, const Libraries* l) noexcept nogil       # those of clients, as records of a snapshot
cdef void libraries_rebuild(RdbWriter* w, const Libraries* l) noexcept nogil     # the same as commands
