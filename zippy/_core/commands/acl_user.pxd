"""Users as the gate needs them: commands as a bitmap, keys and channels as patterns, passwords as SHA-256.

What a user may do is said by selectors; the first is the user's own, and a command is allowed if one of them allows all of it. A selector
keeps the rules about commands as they were given, too, beside the bitmap that they came to: ACL LIST shows them.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.keyspace.types cimport Keyspace

cdef enum:
    ACL_WORDS = 16               # of 64 bits: room for the ids of 1024 commands

cdef enum UserFlag:
    USER_ON = 1 << 0
    USER_NO_PASSWORD = 1 << 1    # any password is right
    USER_SKIPS_SANITIZING = 1 << 2   # kept, and without effect: payloads are always checked
    USER_DELETED = 1 << 3        # it is about to go

cdef enum SelectorFlag:
    SELECTOR_ALL_COMMANDS = 1 << 0   # the rules about commands begin with +@all, not with -@all
    SELECTOR_ALL_KEYS = 1 << 1
    SELECTOR_ALL_CHANNELS = 1 << 2

cdef enum KeyAccess:
    ACCESS_READ = 1 << 0
    ACCESS_WRITE = 1 << 1
    ACCESS_BOTH = ACCESS_READ | ACCESS_WRITE

cdef enum PatternKind:
    PATTERN_EXACT = 0            # no character of it is special
    PATTERN_PREFIX = 1           # none but a star at the end
    PATTERN_GLOB = 2

cdef enum AclVerdict:
    # What is highest is what a user is told whom several selectors refuse
    ACL_ALLOWED = 0
    ACL_DENIED_COMMAND = 1
    ACL_DENIED_KEY = 2
    ACL_DENIED_LOGIN = 3             # a wrong name or password
    ACL_DENIED_CHANNEL = 4
    ACL_DENIED_CERTIFICATE = 5       # it names no user
    ACL_NO_MEMORY = 6                # not known

cdef enum AclContext:
    ACL_TOPLEVEL = 0
    ACL_MULTI = 1
    ACL_SCRIPT = 2
    ACL_MODULE = 3


cdef struct Term:
    # a pattern, a rule about commands or a password, in the order in which they were given
    Slice text                   # owned, behind the struct; of a password its SHA256_BYTES
    Term* next
    Term* prev
    uint32_t flags               # of a key pattern ACCESS_ bits; of a rule whether it allows
    int kind                     # of a pattern its PatternKind
    int command                  # of a rule for one first argument alone: the command's id; else -1
    int word                     # of such a rule: where in the text that argument begins


cdef struct Terms:
    HashTable by_text
    Term* first
    Term* last


cdef struct Selector:
    Selector* next
    uint32_t flags               # SELECTOR_ bits
    uint64_t[ACL_WORDS] commands     # by id: what may run whatever its arguments are
    Terms rules                  # about commands, behind +@all or -@all
    uint32_t first_words         # how many of them are for one first argument alone
    Terms keys
    Terms channels


cdef struct User:
    Slice name                   # owned
    uint32_t flags               # USER_ bits
    Terms passwords
    Selector root                # the others are its next
    Selector* last               # of the others; NULL: there is none


cdef struct Users:
    # sorted by name
    User** items
    size_t count
    size_t cap


cdef void terms_init(Terms* t) noexcept nogil
cdef void terms_clear(Terms* t) noexcept nogil
cdef void terms_copy(Terms* t, const Terms* source) noexcept nogil          # t is not initialised
cdef Term* terms_find(Terms* t, Slice text) noexcept nogil                  # NULL: there is none
cdef Term* terms_add(Terms* t, Slice text) noexcept nogil                   # at the end; it was absent
cdef void terms_remove(Terms* t, Term* term) noexcept nogil
cdef void pattern_compile(Term* term) noexcept nogil
cdef bint pattern_matches(const Term* term, Slice text) noexcept nogil

cdef void selector_init(Selector* s, bint all_channels) noexcept nogil      # allows nothing, or all channels and nothing else
cdef void selector_allow_all(Selector* s) noexcept nogil                    # commands
cdef void selector_deny_all(Selector* s) noexcept nogil
cdef bint selector_is_free(const Selector* s) noexcept nogil                # allows everything: it need not be asked
cdef inline bint selector_has(const Selector* s, int id) noexcept nogil:
    """Whether the command of that id may run whatever its arguments are."""
    return s.commands[id >> 6] >> (id & 63) & 1

cdef User* user_new(Slice name, bint all_channels) noexcept nogil           # off, without password and rights
cdef User* user_copy(const User* u) noexcept nogil
cdef void user_free(User* u) noexcept nogil                                 # NULL is allowed
cdef void user_add_selector(User* u, Selector* s) noexcept nogil            # behind the others; the user owns it then
cdef void user_clear_selectors(User* u) noexcept nogil                      # all but the user's own
cdef void user_swap(User* a, User* b) noexcept nogil                        # all but the names
cdef bint user_is_free(const User* u) noexcept nogil                        # there is nothing that it may not do

cdef User* users_begin(Users* users) noexcept nogil                         # adds the default user, whom nothing is forbidden
cdef User* users_find(const Users* users, Slice name) noexcept nogil        # NULL: there is none
cdef bint users_add(Users* users, User* u) noexcept nogil                   # False: there is one of that name
cdef void users_take_deleted(Users* users, Users* deleted) noexcept nogil   # moves those that are marked as such to an empty list
cdef void users_free(Users* users) noexcept nogil                           # and all in it
cdef void users_free_later(Keyspace* ks, Users* users) noexcept nogil       # the same, in steps if it is much; the list is empty then
