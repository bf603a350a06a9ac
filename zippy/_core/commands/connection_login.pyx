# Here and not in Python, since a client that connects for a few commands logs in each time.

from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.commands.acl_clients cimport acl_log_in
from zippy._core.commands.acl_user cimport USER_NO_PASSWORD
from zippy._core.commands.args cimport reply_syntax_error
from zippy._core.resp.writer cimport reply_error, reply_ok

cdef enum:
    SECRETS = 1 << 1 | 1 << 2    # the words that no log shows


cdef void auth_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """AUTH [username] password. Costs the hashing of the password, whether there is such a user or not."""
    e.call.redacted |= <uint64_t>SECRETS
    if argc > 3:
        reply_syntax_error(c)
        return
    if argc == 2 and e.default_user.flags & USER_NO_PASSWORD:
        reply_error(
            &c.reply,
            b"ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
        )
        return
    if acl_log_in(e, c, argv[1] if argc == 3 else slice_text(b"default"), argv[argc - 1], argv[0]):
        reply_ok(&c.reply)
    else:
        reply_error(&c.reply, b"WRONGPASS invalid username-password pair or user is disabled.")
