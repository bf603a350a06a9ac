# The keys of a command are found once, and only if a selector asks for them; what is no key and not on the command's line (SORT's patterns)
# the command asks about itself.

from libc.stdint cimport uint32_t
from zippy._core.ground.buf cimport buf_append, buf_append_text, buf_free, buf_init, slice_of
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.slice cimport slice_equal
from zippy._core.commands.acl_log cimport acl_log_add
from zippy._core.commands.acl_user cimport (
    ACCESS_READ, ACCESS_WRITE, ACL_ALLOWED, ACL_DENIED_CHANNEL, ACL_DENIED_COMMAND, ACL_DENIED_KEY, ACL_MULTI, ACL_NO_MEMORY, ACL_SCRIPT,
    ACL_TOPLEVEL,
    SELECTOR_ALL_CHANNELS, SELECTOR_ALL_KEYS, Selector, Term, Terms, pattern_matches, selector_has,
    terms_find
)
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.commands.keys cimport command_has_keys, command_keys, known_arity
from zippy._core.commands.types cimport (
    CLIENT_MULTI, CMD_NO_AUTH, CMD_PUBLISHES, CMD_SUBSCRIBES, CMD_SUBSCRIBES_PATTERNS, KEY_ACCESS, KEY_DELETE, KEY_INSERT, KEY_UPDATE,
    KeyRef
)
from zippy._core.resp.writer cimport reply_error, reply_error_slice

cdef enum:
    KEYS_HERE = 16               # keys that need no block of their own
    NOT_ASKED = -2

cdef const char* CHANGED_COMMAND = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed "
    b"for the following reason: no permission to execute the command or subcommand"
)
cdef const char* CHANGED_KEY = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed "
    b"for the following reason: no permission to touch the specified keys"
)
cdef const char* CHANGED_CHANNEL = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed "
    b"for the following reason: no permission to access one of the channels used as arguments"
)


cdef struct Keys:
    # of the command that is asked about
    int count                    # NOT_ASKED, or what command_keys told
    KeyRef* refs
    KeyRef[KEYS_HERE] here


cdef bint find_keys(Keys* keys, const Command* command, int argc, const Slice* argv) noexcept nogil:
    """Finds the keys if that is not done; False: there is no memory for so many."""
    if keys.count != NOT_ASKED:
        return True
    keys.refs = keys.here
    keys.count = command_keys(command, argc, argv, keys.refs, KEYS_HERE)
    if keys.count <= KEYS_HERE:
        return True
    keys.refs = <KeyRef*>mem_try_alloc(keys.count * sizeof(KeyRef))
    if keys.refs == NULL:
        keys.refs = keys.here
        keys.count = NOT_ASKED
        return False
    command_keys(command, argc, argv, keys.refs, keys.count)
    return True


cdef bint same_word(Slice kept, Slice given) noexcept nogil:
    """Whether a word is the one that a rule has in lower case."""
    cdef size_t i
    cdef char c
    if kept.len != given.len:
        return False
    for i in range(kept.len):
        c = given.ptr[i]
        if kept.ptr[i] != (c + 32 if c'A' <= c <= c'Z' else c):
            return False
    return True


cdef bint allows_first_word(const Selector* s, const Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef const Term* rule = s.rules.first
    if argc < 2:
        return False
    while rule != NULL:
        if rule.command == command.id and same_word(slice_of(rule.text.ptr + rule.word, rule.text.len - rule.word), argv[1]):
            return True
        rule = rule.next
    return False


cdef inline bint allows_command(const Selector* s, const Command* command, int argc, const Slice* argv) noexcept nogil:
    if selector_has(s, command.id) or command.flags & CMD_NO_AUTH:
        return True
    return s.first_words and allows_first_word(s, command, argc, argv)


cdef inline uint32_t access_of(uint32_t key_flags) noexcept nogil:
    """What a key pattern has to allow."""
    cdef uint32_t access = ACCESS_READ if key_flags & KEY_ACCESS else 0
    return access | ACCESS_WRITE if key_flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE) else access


cdef bint allows_key(const Selector* s, Slice key, uint32_t access) noexcept nogil:
    cdef const Term* pattern = s.keys.first
    while pattern != NULL:
        if pattern.flags & access == access and pattern_matches(pattern, key):
            return True
        pattern = pattern.next
    return False


cdef bint has_channel(const Selector* s, Slice name, bint literal) noexcept nogil:
    cdef const Term* pattern = s.channels.first
    if s.flags & SELECTOR_ALL_CHANNELS:
        return True
    while pattern != NULL:
        if slice_equal(pattern.text, name) if literal else pattern_matches(pattern, name):
            return True
        pattern = pattern.next
    return False


cdef bint acl_has_channel(const User* user, Slice name, bint literal) noexcept nogil:
    cdef const Selector* s = &user.root
    while s != NULL:
        if has_channel(s, name, literal):
            return True
        s = s.next
    return False


cdef int check_keys(
    const Selector* s, const Command* command, int argc, const Slice* argv, Keys* keys, int* place
) noexcept nogil:
    cdef int i
    if not find_keys(keys, command, argc, argv):
        return ACL_NO_MEMORY
    # what has a wrong number of keys has none, as in Redis: the command replies with an error
    for i in range(keys.count):
        if not allows_key(s, argv[keys.refs[i].place], access_of(keys.refs[i].flags)):
            place[0] = keys.refs[i].place
            return ACL_DENIED_KEY
    return ACL_ALLOWED


cdef int check_channels(const Selector* s, const Command* command, int argc, const Slice* argv, int* place) noexcept nogil:
    cdef int last = argc if command.flags & CMD_SUBSCRIBES else 2
    cdef int i
    for i in range(1, last):
        if not has_channel(s, argv[i], command.flags & CMD_SUBSCRIBES_PATTERNS != 0):
            place[0] = i
            return ACL_DENIED_CHANNEL
    return ACL_ALLOWED


cdef int check_selector(
    const Selector* s, const Command* command, int argc, const Slice* argv, Keys* keys, int* place
) noexcept nogil:
    cdef int verdict
    place[0] = 0
    if not allows_command(s, command, argc, argv):
        return ACL_DENIED_COMMAND
    if not known_arity(command, argc):
        # a script may ask about such, too: nobody can tell its keys, and run it would reply with an error
        return ACL_ALLOWED
    if not s.flags & SELECTOR_ALL_KEYS and command_has_keys(command):
        verdict = check_keys(s, command, argc, argv, keys, place)
        if verdict != ACL_ALLOWED:
            return verdict
    if not s.flags & SELECTOR_ALL_CHANNELS and command.flags & (CMD_PUBLISHES | CMD_SUBSCRIBES):
        return check_channels(s, command, argc, argv, place)
    return ACL_ALLOWED


cdef void keys_done(Keys* keys) noexcept nogil:
    if keys.count > KEYS_HERE:
        mem_free(keys.refs)


cdef int acl_check(const User* user, const Command* command, int argc, const Slice* argv, int* place) noexcept nogil:
    cdef const Selector* s
    cdef Keys keys
    cdef int verdict
    cdef int here
    cdef int worst = ACL_ALLOWED
    if user == NULL:
        return ACL_ALLOWED
    s = &user.root
    keys.count = NOT_ASKED
    place[0] = 0
    while s != NULL:
        verdict = check_selector(s, command, argc, argv, &keys, &here)
        if verdict == ACL_ALLOWED:
            worst = ACL_ALLOWED
            break
        # of several refusals the one that came furthest is told
        if verdict > worst or (verdict == worst and here > place[0]):
            worst = verdict
            place[0] = here
        s = s.next
    keys_done(&keys)
    return worst


cdef bint reads_all(const Selector* s) noexcept nogil:
    cdef Term* pattern
    cdef Terms* keys = <Terms*>&s.keys
    if s.flags & SELECTOR_ALL_KEYS:
        return True
    pattern = terms_find(keys, slice_of(b"*", 1))
    return pattern != NULL and pattern.flags & ACCESS_READ


cdef bint acl_reads_all_keys(const User* user, const Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef const Selector* s
    cdef Keys keys
    cdef int place
    cdef bint found = False
    if user == NULL:
        return True
    s = &user.root
    keys.count = NOT_ASKED
    while s != NULL and not found:
        found = reads_all(s) and check_selector(s, command, argc, argv, &keys, &place) == ACL_ALLOWED
        s = s.next
    keys_done(&keys)
    return found


cdef void acl_explain(Buf* text, int verdict, const User* user, const Command* command, Slice about) noexcept nogil:
    buf_append_text(text, b"User ")
    buf_append(text, user.name.ptr, user.name.len)
    if verdict == ACL_DENIED_COMMAND:
        buf_append_text(text, b" has no permissions to run the '")
        buf_append(text, command.name.ptr, command.name.len)
        buf_append_text(text, b"' command")
        return
    buf_append_text(text, b" has no permissions to access the '")
    buf_append(text, about.ptr, about.len)
    buf_append_text(text, b"' key" if verdict == ACL_DENIED_KEY else b"' channel")


cdef void reply_denied(Client* c, int verdict, const Command* command, const char* front) noexcept nogil:
    cdef Buf text
    buf_init(&text)
    buf_append_text(&text, front)
    if verdict == ACL_DENIED_KEY:
        buf_append_text(&text, b"No permissions to access a key")
    elif verdict == ACL_DENIED_CHANNEL:
        buf_append_text(&text, b"No permissions to access a channel")
    else:
        acl_explain(&text, verdict, c.user, command, slice_of(NULL, 0))
    if text.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(text.data, text.len))
    buf_free(&text)


cdef bint was_denied(
    Engine* e, Client* c, Client* sender, int context, const Command* command, int argc, const Slice* argv, int* verdict
) noexcept nogil:
    """Whether the command was refused, which is logged for who sent it. verdict: as acl_check; without memory the reply is written."""
    cdef int place
    verdict[0] = acl_check(c.user, command, argc, argv, &place)
    if verdict[0] == ACL_NO_MEMORY:
        reply_out_of_memory(c)
    if verdict[0] == ACL_ALLOWED or verdict[0] == ACL_NO_MEMORY:
        return False
    acl_log_add(e, sender, verdict[0], context, argv[place] if place else command.name, c.user.name)
    return True


cdef bint acl_admits(Engine* e, Client* c, const Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef int verdict
    if was_denied(e, c, c, ACL_MULTI if c.flags & CLIENT_MULTI else ACL_TOPLEVEL, command, argc, argv, &verdict):
        reply_denied(c, verdict, command, b"NOPERM ")
    return verdict == ACL_ALLOWED


cdef bint acl_admits_in_script(Engine* e, Client* c, Client* sender, const Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef int verdict
    if was_denied(e, c, sender, ACL_SCRIPT, command, argc, argv, &verdict):
        reply_denied(c, verdict, command, b"ERR ACL failure in script: ")
    return verdict == ACL_ALLOWED


cdef bint acl_admits_queued(Engine* e, Client* c, const Command* command, int argc, const Slice* argv) noexcept nogil:
    cdef int verdict
    if was_denied(e, c, c, ACL_MULTI, command, argc, argv, &verdict):
        if verdict == ACL_DENIED_COMMAND:
            reply_error(&c.reply, CHANGED_COMMAND)
        elif verdict == ACL_DENIED_KEY:
            reply_error(&c.reply, CHANGED_KEY)
        else:
            reply_error(&c.reply, CHANGED_CHANNEL)
    return verdict == ACL_ALLOWED
