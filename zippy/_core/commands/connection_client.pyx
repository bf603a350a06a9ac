# The words of these commands stand at fixed places, each one of a few: they are choices, not options, and are looked up in tables alike.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.args cimport (
    OptionTable, arg_choice, arg_i64, arg_i64_or, option_table, reply_subcommand_error, reply_syntax_error
)
from zippy._core.commands.client cimport client_set_name_to_argument, end_pause, unblock_in_vain, unblock_with_error
from zippy._core.commands.client_ids cimport client_by_id
from zippy._core.commands.types cimport (
    CLIENT_BLOCKED, CLIENT_NO_EVICT, CLIENT_NO_TOUCH, CLIENT_REPLY_OFF, CLIENT_REPLY_SKIP, CLIENT_REPLY_SKIP_NEXT, Client, Engine
)
from zippy._core.resp.writer cimport reply_bulk, reply_error, reply_int, reply_null, reply_ok


cdef enum Switch:
    SWITCH_ON = 1
    SWITCH_OFF = 2
    SWITCH_SKIP = 3

cdef enum PauseMode:
    PAUSE_WRITE = 1
    PAUSE_ALL = 2

cdef enum UnblockReason:
    UNBLOCK_TIMEOUT = 1
    UNBLOCK_ERROR = 2

cdef OptionTable SWITCH_WORDS = option_table("client|no-evict client|no-touch", [("on", SWITCH_ON), ("off", SWITCH_OFF)])
cdef OptionTable REPLY_WORDS = option_table("client|reply", [("on", SWITCH_ON), ("off", SWITCH_OFF), ("skip", SWITCH_SKIP)])
cdef OptionTable PAUSE_WORDS = option_table("client|pause", [("write", PAUSE_WRITE), ("all", PAUSE_ALL)])
cdef OptionTable UNBLOCK_WORDS = option_table("client|unblock", [("timeout", UNBLOCK_TIMEOUT), ("error", UNBLOCK_ERROR)])


cdef void client_id_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT ID."""
    reply_int(&c.reply, <int64_t>c.id)


cdef void client_getname_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT GETNAME."""
    if c.name.ptr == NULL:
        reply_null(&c.reply)
    else:
        reply_bulk(&c.reply, c.name)


cdef void client_setname_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT SETNAME connection-name."""
    if client_set_name_to_argument(c, argv, 2):
        reply_ok(&c.reply)
    else:
        reply_error(&c.reply, b"ERR Client names cannot contain spaces, newlines or special characters.")


cdef void switch_flag(Client* c, Slice word, uint64_t flag) noexcept nogil:
    """Sets the client's flag for ON, clears it for OFF, and replies."""
    cdef uint32_t switch = arg_choice(&SWITCH_WORDS, word)
    if switch == SWITCH_ON:
        c.flags |= flag
        reply_ok(&c.reply)
    elif switch == SWITCH_OFF:
        c.flags &= ~flag
        reply_ok(&c.reply)
    else:
        reply_syntax_error(c)


cdef void client_no_evict_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT NO-EVICT <ON | OFF>."""
    switch_flag(c, argv[2], CLIENT_NO_EVICT)


cdef void client_no_touch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT NO-TOUCH <ON | OFF>."""
    switch_flag(c, argv[2], CLIENT_NO_TOUCH)


cdef void client_reply_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT REPLY <ON | OFF | SKIP>. Keeps sending pushes after OFF and SKIP."""
    cdef uint32_t switch = arg_choice(&REPLY_WORDS, argv[2])
    if switch == SWITCH_ON:
        c.flags &= ~<uint64_t>(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)
        reply_ok(&c.reply)
    elif switch == SWITCH_OFF:
        c.flags |= CLIENT_REPLY_OFF
    elif switch == SWITCH_SKIP:
        if not c.flags & CLIENT_REPLY_OFF:
            c.flags |= CLIENT_REPLY_SKIP_NEXT
    else:
        reply_syntax_error(c)


cdef void client_pause_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT PAUSE timeout [WRITE | ALL]. Only ever makes a pause under way longer and stricter. Keeps keys from expiring meanwhile."""
    cdef bint pause_all = True
    cdef uint32_t mode
    cdef int64_t ms
    cdef int64_t until
    if argc > 4:
        reply_subcommand_error(c, argv[1], b"CLIENT")
        return
    if argc == 4:
        mode = arg_choice(&PAUSE_WORDS, argv[3])
        if mode == 0:
            reply_error(&c.reply, b"ERR CLIENT PAUSE mode must be WRITE or ALL")
            return
        pause_all = mode == PAUSE_ALL
    if not arg_i64_or(c, argv[2], &ms, b"ERR timeout is not an integer or out of range"):
        return
    if ms < 0:
        reply_error(&c.reply, b"ERR timeout is negative")
        return
    if ms > INT64_MAX - e.ks.clock.ms:
        reply_error(&c.reply, b"ERR timeout is out of range")
        return
    until = INT64_MAX if ms > (INT64_MAX - e.ks.clock.mono_us) // 1000 else e.ks.clock.mono_us + ms * 1000
    # a pause under way is only ever made longer and stricter
    if e.pause_until_us > e.ks.clock.mono_us:
        pause_all = pause_all or e.pause_all
        until = until if until > e.pause_until_us else e.pause_until_us
    e.pause_until_us = until
    e.calm = False
    e.pause_all = pause_all
    e.ks.expiry_paused = True
    reply_ok(&c.reply)


cdef void client_unpause_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT UNPAUSE."""
    end_pause(e)
    reply_ok(&c.reply)


cdef void client_unblock_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT UNBLOCK client-id [TIMEOUT | ERROR]. Replies 0 for a client that waits for deleted memory to be freed (FLUSHALL SYNC)."""
    cdef uint32_t reason = UNBLOCK_TIMEOUT
    cdef int64_t id
    cdef Client* other
    if argc > 4:
        reply_subcommand_error(c, argv[1], b"CLIENT")
        return
    if argc == 4:
        reason = arg_choice(&UNBLOCK_WORDS, argv[3])
        if reason == 0:
            reply_error(&c.reply, b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
            return
    if not arg_i64(c, argv[2], &id):
        return
    other = client_by_id(e, <uint64_t>id)
    if other == NULL or not other.flags & CLIENT_BLOCKED or other.block.until_freed:
        reply_int(&c.reply, 0)
        return
    if reason == UNBLOCK_ERROR:
        unblock_with_error(e, other, b"UNBLOCKED client unblocked via CLIENT UNBLOCK")
    else:
        unblock_in_vain(e, other)
    reply_int(&c.reply, 1)
