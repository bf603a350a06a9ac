"""The rules that make users what they are: read from words, and written back as ACL LIST, ACL SAVE and CONFIG REWRITE show them."""

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.commands.acl_user cimport Selector, User
from zippy._core.commands.types cimport Engine

cdef enum RuleStatus:
    RULE_READ = 0
    RULE_END = 1
    RULE_UNMATCHED = 2           # a parenthesis is opened and not closed
    RULE_NO_MEMORY = 3

cdef const char* RULE_OUT_OF_MEMORY
cdef const char* RULE_UNKNOWN      # what user_rule returns for a command or category that there is not


cdef struct RuleReader:
    # the rules among words: the words of a selector in parentheses are one rule
    int argc
    const Slice* argv
    int at                       # the word to be read next
    Buf joined                   # what the last rule is in, if it was several words


cdef void rules_begin(RuleReader* r, int argc, const Slice* argv) noexcept nogil
# The next rule, good until the one after it is read; with RULE_UNMATCHED the word that opens a parenthesis
cdef int rules_next(RuleReader* r, Slice* rule) noexcept nogil
cdef void rules_end(RuleReader* r) noexcept nogil
# Whether all parentheses are closed; else opened is the word that opens the one that is not
cdef bint rules_are_closed(int argc, const Slice* argv, Slice* opened) noexcept nogil
# Changes a user by one rule; what is wrong with the rule, or NULL
cdef const char* user_rule(Engine* e, User* u, Slice rule) noexcept nogil

cdef void describe_user(const User* u, Buf* out) noexcept nogil             # all behind the name: "on nopass sanitize-payload ~* &* +@all"
cdef void describe_commands(const Selector* s, Buf* out) noexcept nogil     # "-@all +get"
cdef void describe_keys(const Selector* s, Buf* out) noexcept nogil         # "~a* %R~b"; nothing for none
cdef void describe_channels(const Selector* s, Buf* out) noexcept nogil     # "&a*"; nothing for none
cdef void describe_password(Slice sum, char* text) noexcept nogil           # 64 hexadecimal digits
cdef uint64_t category_of(Slice name) noexcept nogil                        # its bit, in any letter case; 0: there is none
cdef bint has_blanks(Slice text) noexcept nogil   # or a NUL, which no line of a file can have in a name or pattern
