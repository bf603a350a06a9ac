"""Users from Python: their files and settings, and logging in by other ways than AUTH."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memchr, memcmp, memset
from zippy._core.ground.buf cimport Buf, Slice, buf_clear, buf_free, buf_init, slice_of
from zippy._core.client_list cimport append_client
from zippy._core.commands.acl_clients cimport acl_log_in, acl_log_in_by_certificate, acl_put, acl_replace_all, acl_set_default_password
from zippy._core.commands.acl_rules cimport (
    RULE_NO_MEMORY, RULE_READ, RULE_UNKNOWN, RULE_UNMATCHED, RuleReader, describe_user, has_blanks, rules_begin, rules_end, rules_next,
    user_rule
)
from zippy._core.commands.acl_user cimport USER_NO_PASSWORD, User, Users, user_free, user_new, users_add, users_find, users_free
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.types cimport Client, Engine
from zippy._core.session cimport Core, Session
from zippy._core.values.settings cimport ACL_PUBSUB_ALLCHANNELS

UNKNOWN = RULE_UNKNOWN.decode()


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


cdef void describe_client(Client* c, Buf* line) noexcept with gil:
    """Appends what CLIENT LIST shows; nothing for a client without a session."""
    cdef Session session
    if c.owner == NULL:
        return
    session = <Session>c.owner
    if session.state is not None:
        append_client(line, session)


def describe_clients(Core core):
    """From now on ACL LOG tells which client was refused something."""
    core.engine.describe_client = describe_client


def log_in(Session session, bytes name, bytes password, bytes how):
    """Logs the session's client in; False: name or password is wrong, which ACL LOG tells, `how` being the command."""
    engine_use(session.core.engine)
    return acl_log_in(session.core.engine, session.client, slice_of_bytes(name), slice_of_bytes(password), slice_of_bytes(how))


def log_in_by_certificate(Session session, bytes name):
    """Logs in a client whose certificate says that it is the user `name`; False: there is none that is on."""
    engine_use(session.core.engine)
    return acl_log_in_by_certificate(session.core.engine, session.client, slice_of_bytes(name))


def user_of(Session session):
    """The name of the user that a client is."""
    cdef const User* user = session.client.user
    return "" if user == NULL else user.name.ptr[:user.name.len].decode("utf-8", "surrogateescape")


def has_user(Core core, bytes name):
    """Whether there is a user of this name."""
    return users_find(&core.engine.users, slice_of_bytes(name)) != NULL


def default_is_open(Core core):
    """Whether every password is right for the default user."""
    return core.engine.default_user.flags & USER_NO_PASSWORD != 0


def set_default_password(Core core, bytes password):
    """Makes this the one password of the default user; None: every password is right."""
    engine_use(core.engine)
    acl_set_default_password(core.engine, slice_of(NULL, 0) if password is None else slice_of_bytes(password))


def user_lines(Core core):
    """All users as lines of a file, sorted by name: "user default on nopass sanitize-payload ~* &* +@all"."""
    cdef size_t i
    cdef User* user
    cdef Buf rules
    engine_use(core.engine)
    lines = []
    buf_init(&rules)
    for i in range(core.engine.users.count):
        user = core.engine.users.items[i]
        buf_clear(&rules)
        describe_user(user, &rules)
        if rules.failed:
            buf_free(&rules)
            raise MemoryError
        lines.append(b"user %b %b" % (user.name.ptr[:user.name.len], rules.data[:rules.len]))
    buf_free(&rules)
    return lines


cdef list wrong_rules(Engine* e, User* user, int count, const Slice* words):
    """Changes a user by rules, and returns those that are wrong, each with the reason."""
    cdef RuleReader reader
    cdef Slice rule
    cdef const char* wrong
    cdef list found = []
    cdef int status = RULE_READ
    rules_begin(&reader, count, words)
    while status == RULE_READ:
        status = rules_next(&reader, &rule)
        wrong = NULL
        if status == RULE_READ:
            wrong = user_rule(e, user, rule)
        elif status == RULE_UNMATCHED:
            wrong = b"Unmatched parenthesis in acl selector"
        elif status == RULE_NO_MEMORY:
            wrong = b"Out of memory"
        if wrong != NULL:
            found.append((PyBytes_FromStringAndSize(rule.ptr, rule.len), wrong.decode()))
    rules_end(&reader)
    return found


cdef User* made_user(Core core, Slice name, int count, const Slice* rules, list wrong):
    """A new user, whose wrong rules are appended to `wrong`."""
    cdef Engine* e = core.engine
    cdef User* user = user_new(name, e.settings.acl_pubsub_default == ACL_PUBSUB_ALLCHANNELS)
    wrong += wrong_rules(e, user, count, rules)
    return user


cdef Slice* room_for_words(size_t count) except NULL:
    cdef Slice* words = <Slice*>PyMem_Malloc((count + 1) * sizeof(Slice))
    if words == NULL:
        raise MemoryError
    return words


def define_user(Core core, bytes name, list rules):
    """Makes a user by rules (bytes), or makes one anew; returns (rule, reason) of each that is wrong, and changes nothing if one is."""
    cdef list wrong = []
    cdef Py_ssize_t count = len(rules)
    cdef Slice* words = room_for_words(count)
    cdef Py_ssize_t i
    cdef User* user
    try:
        for i in range(count):
            words[i] = slice_of_bytes(rules[i])
        engine_use(core.engine)
        user = made_user(core, slice_of_bytes(name), <int>count, words, wrong)
    finally:
        PyMem_Free(words)
    if wrong:
        user_free(user)
    else:
        acl_put(core.engine, user)
    return wrong


cdef inline bint is_margin(char c) noexcept nogil:
    return c == c' ' or c == c'\t' or c == c'\r'


cdef int split_line(Slice line, Slice* words) noexcept nogil:
    """The words of a line of a file of users, which has room for one every two bytes; how many."""
    cdef const char* at = line.ptr
    cdef const char* end = line.ptr + line.len
    cdef int count = 0
    while at != end and is_margin(at[0]):
        at += 1
    while at != end and is_margin((end - 1)[0]):
        end -= 1
    while at != end:
        words[count].ptr = at
        while at != end and at[0] != c' ':
            at += 1
        words[count].len = at - words[count].ptr
        count += 1
        while at != end and at[0] == c' ':
            at += 1
    return count


cdef str fault_of_line(const Users* made, int count, const Slice* words):
    """What is wrong with a line that is not empty, beside its rules; None: nothing."""
    if count < 2 or words[0].len != 4 or memcmp(words[0].ptr, b"user", 4) != 0:
        return "keyword"
    if has_blanks(words[1]):
        return "name"
    return "twice" if users_find(made, words[1]) != NULL else None


cdef list made_users(Core core, Slice text, Users* made, Slice* words):
    """Adds the users of a file to an empty list; what is wrong, as define_all_users returns it."""
    cdef Slice line
    cdef const char* at = text.ptr
    cdef const char* end = text.ptr + text.len
    cdef int number = 0
    cdef int count
    cdef list wrong = []
    cdef list rules = []
    while at <= end:
        line.ptr = at
        at = <const char*>memchr(at, c'\n', end - at)
        at = end if at == NULL else at
        line.len = at - line.ptr
        at += 1
        number += 1
        count = split_line(line, words)
        fault = fault_of_line(made, count, words) if count else None
        if count and fault is None:
            users_add(made, made_user(core, words[1], count - 2, words + 2, rules))
            fault = "rules" if rules else None
        if fault is not None:
            wrong.append((number, fault, words[1].ptr[:words[1].len] if count > 1 else b"", rules))
            rules = []
    return wrong


def define_all_users(Core core, bytes text):
    """Puts the users of a file, a line each, in the place of all users, and the default one beside them if it is not there.

    Returns for each line that is wrong its number, what is wrong ("keyword": it does not begin as a user's, "name", "twice" or "rules"),
    the name, and (rule, reason) of each wrong rule. Changes nothing if there is one.
    """
    cdef Users made
    cdef Slice* words = room_for_words(len(text) // 2 + 1)
    cdef list wrong
    memset(&made, 0, sizeof(Users))
    engine_use(core.engine)
    try:
        wrong = made_users(core, slice_of_bytes(text), &made, words)
    except BaseException:
        users_free(&made)
        raise
    finally:
        PyMem_Free(words)
    engine_use(core.engine)
    if wrong:
        users_free(&made)
    else:
        acl_replace_all(core.engine, &made)
    return wrong
