"""Users from Python: their files and settings, and logging in by other ways than AUTH."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memset
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_clear, buf_free, buf_init, slice_of
from zippy._core.commands.acl_clients cimport acl_log_in, acl_log_in_by_certificate, acl_put, acl_replace_all, acl_set_default_password
from zippy._core.commands.acl_rules cimport (
    RULE_NO_MEMORY, RULE_READ, RULE_UNKNOWN, RULE_UNMATCHED, RuleReader, describe_user, rules_begin, rules_end, rules_next, user_rule
)
from zippy._core.commands.acl_user cimport USER_NO_PASSWORD, User, Users, user_free, user_new, users_add, users_find, users_free
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.types cimport Client, Engine
from zippy._core.introspection import client_line
from zippy._core.session cimport Core, Session
from zippy._core.values.settings cimport ACL_PUBSUB_ALLCHANNELS

UNKNOWN = RULE_UNKNOWN.decode()


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


cdef void describe_client(Client* c, Buf* line) noexcept with gil:
    """Appends what CLIENT LIST shows; nothing for a client without a session."""
    cdef bytes text
    cdef Session session
    if c.owner == NULL:
        return
    session = <Session>c.owner
    if session.state is None:
        return
    text = client_line(session).encode("utf-8", "surrogateescape")
    engine_use(session.core.engine)
    buf_append(line, <const char*>text, len(text))


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


cdef User* made_user(Core core, bytes name, list rules, list wrong) except NULL:
    """A new user, whose wrong rules are appended to `wrong`."""
    cdef Engine* e = core.engine
    cdef Py_ssize_t count = len(rules)
    cdef Slice* words = <Slice*>PyMem_Malloc((count + 1) * sizeof(Slice))
    cdef Py_ssize_t i
    cdef User* user
    if words == NULL:
        raise MemoryError
    for i in range(count):
        words[i] = slice_of_bytes(rules[i])
    engine_use(e)
    user = user_new(slice_of_bytes(name), e.settings.acl_pubsub_default == ACL_PUBSUB_ALLCHANNELS)
    wrong += wrong_rules(e, user, <int>count, words)
    PyMem_Free(words)
    return user


def define_user(Core core, bytes name, list rules):
    """Makes a user by rules (bytes), or makes one anew; returns (rule, reason) of each that is wrong, and changes nothing if one is."""
    cdef list wrong = []
    cdef User* user = made_user(core, name, rules, wrong)
    if wrong:
        user_free(user)
    else:
        acl_put(core.engine, user)
    return wrong


def define_all_users(Core core, list users, bint only_check):
    """Puts these in the place of all users, and the default one beside them if it is not there: (name, rules), each name once.

    Returns for each the list of (rule, reason) of what is wrong, and changes nothing if anything is, or with only_check.
    """
    cdef Users made
    cdef list wrong = []
    cdef list found
    memset(&made, 0, sizeof(Users))
    for name, rules in users:
        found = []
        users_add(&made, made_user(core, name, rules, found))
        wrong.append(found)
    engine_use(core.engine)
    if only_check or any(wrong):
        users_free(&made)
    else:
        acl_replace_all(core.engine, &made)
    return wrong
