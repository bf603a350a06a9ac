# A user is changed in a copy, so that rules of which one is wrong change nothing; what the copy has is then put in its place.

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_text, buf_clear, buf_free, buf_init, slice_of
from zippy._core.ground.format cimport format_text
from zippy._core.ground.sha256 cimport SHA256_BYTES
from zippy._core.ground.slice cimport slice_equal
from zippy._core.commands.acl_check cimport acl_check, acl_explain
from zippy._core.commands.acl_clients cimport acl_delete, acl_put
from zippy._core.commands.acl_log cimport acl_log_trim
from zippy._core.commands.acl_rules cimport (
    RULE_END, RULE_NO_MEMORY, RULE_OUT_OF_MEMORY, RULE_READ, RuleReader, category_of, describe_channels, describe_commands, describe_keys,
    describe_password, describe_user, has_blanks, rules_are_closed, rules_begin, rules_end, rules_next, user_rule
)
from zippy._core.commands.acl_user cimport (
    ACL_ALLOWED, ACL_DENIED_CERTIFICATE, ACL_DENIED_CHANNEL, ACL_DENIED_COMMAND, ACL_DENIED_KEY, ACL_MODULE, ACL_MULTI, ACL_NO_MEMORY,
    ACL_SCRIPT, USER_NO_PASSWORD, USER_ON, USER_SKIPS_SANITIZING, Selector, Term, User, user_copy, user_free, user_new, users_find
)
from zippy._core.commands.args cimport (
    OptionTable, arg_choice, arg_i64, option_table, reply_out_of_memory, reply_subcommand_error
)
from zippy._core.commands.engine cimport find_command
from zippy._core.commands.rows cimport category_name
from zippy._core.commands.types cimport AclLogEntry, Command
from zippy._core.resp.writer cimport (
    Reply, reply_array, reply_bulk, reply_bulk_text, reply_defer, reply_defer_array, reply_double, reply_error,
    reply_error_about, reply_int, reply_map, reply_null, reply_ok, reply_set
)
from zippy._core.values.settings cimport ACL_PUBSUB_ALLCHANNELS

cdef enum:
    LOG_RESET = 1
    LOG_SHOWN = 10               # entries, unless more are asked for
    LOG_FIELDS = 10
    REASON_ROOM = 256            # bytes of what can be wrong with a rule
    ECHO = 128                   # bytes of a category that an error repeats, as in Redis; of other words it repeats all

cdef OptionTable LOG_WORDS = option_table("acl|log", [("reset", LOG_RESET)])


cdef inline void redact_from(Engine* e, int first) noexcept nogil:
    """Keeps all words from there on out of MONITOR and the slow log."""
    e.call.redacted |= ~<uint64_t>0 << first


cdef void acl_whoami_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL WHOAMI."""
    if c.user == NULL:
        reply_null(&c.reply)
    else:
        reply_bulk(&c.reply, c.user.name)


cdef void acl_users_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL USERS."""
    cdef size_t i
    reply_array(&c.reply, e.users.count)
    for i in range(e.users.count):
        reply_bulk(&c.reply, e.users.items[i].name)


cdef void acl_list_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL LIST."""
    cdef size_t i
    cdef Buf rules
    cdef Buf line
    buf_init(&rules)
    buf_init(&line)
    reply_array(&c.reply, e.users.count)
    for i in range(e.users.count):
        buf_clear(&rules)
        buf_clear(&line)
        describe_user(e.users.items[i], &rules)
        buf_append_text(&line, b"user ")
        buf_append(&line, e.users.items[i].name.ptr, e.users.items[i].name.len)
        buf_append_text(&line, b" ")
        buf_append(&line, rules.data, rules.len)
        reply_bulk(&c.reply, slice_of(line.data, line.len))
        # a client that cannot be told all is closed
        c.reply.out.failed |= rules.failed | line.failed
    buf_free(&rules)
    buf_free(&line)


# Making and changing


cdef bint obey(Engine* e, Client* c, User* user, int argc, const Slice* argv) noexcept nogil:
    """Changes a user by all rules; False: replied with what is wrong with one."""
    cdef RuleReader reader
    cdef Slice rule
    cdef char[REASON_ROOM] reason
    cdef const char* wrong = NULL
    cdef int status = RULE_READ
    rules_begin(&reader, argc, argv)
    while wrong == NULL and status == RULE_READ:
        status = rules_next(&reader, &rule)
        if status == RULE_READ:
            wrong = user_rule(e, user, rule)
    if wrong == RULE_OUT_OF_MEMORY or status == RULE_NO_MEMORY:
        reply_out_of_memory(c)
    elif wrong != NULL:
        format_text(reason, REASON_ROOM, b"': %s", wrong)
        reply_error_about(&c.reply, b"ERR Error in ACL SETUSER modifier '", rule, reason)
    rules_end(&reader)
    return wrong == NULL and status == RULE_END


cdef void acl_setuser_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL SETUSER username [rule [rule ...]]. Costs O(clients) beside the rules: each is told what it may do. No log shows the words."""
    cdef User* user
    cdef User* changed
    cdef Slice opened
    redact_from(e, 2)
    if has_blanks(argv[2]):
        reply_error(&c.reply, b"ERR Usernames can't contain spaces or null characters")
        return
    if not rules_are_closed(argc - 3, argv + 3, &opened):
        reply_error_about(&c.reply, b"ERR Unmatched parenthesis in acl selector starting at '", opened, b"'.")
        return
    user = users_find(&e.users, argv[2])
    if user != NULL:
        changed = user_copy(user)
    else:
        changed = user_new(argv[2], e.settings.acl_pubsub_default == ACL_PUBSUB_ALLCHANNELS)
    if not obey(e, c, changed, argc - 3, argv + 3):
        user_free(changed)
        return
    acl_put(e, changed)
    reply_ok(&c.reply)


cdef void acl_deluser_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL DELUSER username [username ...]. Costs O(clients) and O(users) beside the names."""
    cdef int i
    redact_from(e, 2)
    for i in range(2, argc):
        if slice_equal(argv[i], e.default_user.name):
            reply_error(&c.reply, b"ERR The 'default' user cannot be removed")
            return
    reply_int(&c.reply, acl_delete(e, argc - 2, argv + 2))


# Showing one


cdef void reply_text(Reply* r, Buf* text) noexcept nogil:
    """Replies with a text that was put together, and empties it."""
    reply_bulk(r, slice_of(text.data, text.len))
    r.out.failed |= text.failed
    buf_clear(text)


cdef void reply_selector(Reply* r, const Selector* s, Buf* text) noexcept nogil:
    """Three pairs of a map."""
    reply_bulk_text(r, b"commands")
    describe_commands(s, text)
    reply_text(r, text)
    reply_bulk_text(r, b"keys")
    describe_keys(s, text)
    reply_text(r, text)
    reply_bulk_text(r, b"channels")
    describe_channels(s, text)
    reply_text(r, text)


cdef void reply_flags(Reply* r, const User* user) noexcept nogil:
    reply_set(r, 3 if user.flags & USER_NO_PASSWORD else 2)
    reply_bulk_text(r, b"on" if user.flags & USER_ON else b"off")
    if user.flags & USER_NO_PASSWORD:
        reply_bulk_text(r, b"nopass")
    reply_bulk_text(r, b"skip-sanitize-payload" if user.flags & USER_SKIPS_SANITIZING else b"sanitize-payload")


cdef void reply_passwords(Reply* r, const User* user) noexcept nogil:
    cdef const Term* password = user.passwords.first
    cdef char[2 * SHA256_BYTES] text
    reply_array(r, user.passwords.by_text.count)
    while password != NULL:
        describe_password(password.text, text)
        reply_bulk(r, slice_of(text, sizeof(text)))
        password = password.next


cdef void acl_getuser_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL GETUSER username. No log shows the name."""
    cdef Reply* r = &c.reply
    cdef const User* user = users_find(&e.users, argv[2])
    cdef const Selector* s
    cdef Buf text
    cdef size_t place
    cdef int64_t count = 0
    redact_from(e, 2)
    if user == NULL:
        reply_null(r)
        return
    buf_init(&text)
    reply_map(r, 6)
    reply_bulk_text(r, b"flags")
    reply_flags(r, user)
    reply_bulk_text(r, b"passwords")
    reply_passwords(r, user)
    reply_selector(r, &user.root, &text)
    reply_bulk_text(r, b"selectors")
    place = reply_defer(r)
    s = user.root.next
    while s != NULL:
        reply_map(r, 3)
        reply_selector(r, s, &text)
        count += 1
        s = s.next
    reply_defer_array(r, place, count)
    buf_free(&text)


cdef void acl_cat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL CAT [category]."""
    cdef Reply* r = &c.reply
    cdef uint64_t category = 0
    cdef int64_t count = 0
    cdef size_t place
    cdef int i = 0
    if argc > 3:
        reply_subcommand_error(c, argv[1], b"ACL")
        return
    if argc == 3:
        category = category_of(argv[2])
        if category == 0:
            reply_error_about(r, b"ERR Unknown category '", slice_of(argv[2].ptr, min(argv[2].len, <size_t>ECHO)), b"'")
            return
    place = reply_defer(r)
    while category == 0 and category_name(i) != NULL:
        reply_bulk_text(r, category_name(i))
        i += 1
    count = i
    for i in range(e.command_count):
        if e.all_commands[i].categories & category:
            reply_bulk(r, e.all_commands[i].name)
            count += 1
    reply_defer_array(r, place, count)


cdef void acl_dryrun_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL DRYRUN username command [arg [arg ...]]."""
    cdef const User* user = users_find(&e.users, argv[2])
    cdef const Command* command
    cdef Buf text
    cdef int verdict
    cdef int place
    if user == NULL:
        reply_error_about(&c.reply, b"ERR User '", argv[2], b"' not found")
        return
    command = find_command(e, argc - 3, argv + 3)
    if command == NULL:
        reply_error_about(&c.reply, b"ERR Command '", argv[3], b"' not found")
        return
    if argc - 3 != command.arity if command.arity > 0 else argc - 3 < -command.arity:
        reply_error_about(&c.reply, b"ERR wrong number of arguments for '", command.name, b"' command")
        return
    verdict = acl_check(user, command, argc - 3, argv + 3, &place)
    if verdict == ACL_ALLOWED:
        reply_ok(&c.reply)
        return
    buf_init(&text)
    acl_explain(&text, verdict, user, command, argv[3 + place])
    if verdict == ACL_NO_MEMORY or text.failed:
        reply_out_of_memory(c)
    else:
        reply_bulk(&c.reply, slice_of(text.data, text.len))
    buf_free(&text)


# The log


cdef const char* reason_text(int verdict) noexcept nogil:
    if verdict == ACL_DENIED_COMMAND:
        return b"command"
    if verdict == ACL_DENIED_KEY:
        return b"key"
    if verdict == ACL_DENIED_CHANNEL:
        return b"channel"
    return b"tls-cert" if verdict == ACL_DENIED_CERTIFICATE else b"auth"


cdef const char* context_text(int context) noexcept nogil:
    if context == ACL_MULTI:
        return b"multi"
    if context == ACL_SCRIPT:
        return b"lua"
    return b"module" if context == ACL_MODULE else b"toplevel"


cdef void reply_entry(Engine* e, Reply* r, const AclLogEntry* entry) noexcept nogil:
    reply_map(r, LOG_FIELDS)
    reply_bulk_text(r, b"count")
    reply_int(r, <int64_t>entry.count)
    reply_bulk_text(r, b"reason")
    reply_bulk_text(r, reason_text(entry.verdict))
    reply_bulk_text(r, b"context")
    reply_bulk_text(r, context_text(entry.context))
    reply_bulk_text(r, b"object")
    reply_bulk(r, entry.object)
    reply_bulk_text(r, b"username")
    reply_bulk(r, entry.user)
    reply_bulk_text(r, b"age-seconds")
    reply_double(r, (e.ks.clock.ms - entry.updated_ms) / 1000.0)
    reply_bulk_text(r, b"client-info")
    reply_bulk(r, entry.client)
    reply_bulk_text(r, b"entry-id")
    reply_int(r, <int64_t>entry.id)
    reply_bulk_text(r, b"timestamp-created")
    reply_int(r, entry.created_ms)
    reply_bulk_text(r, b"timestamp-last-updated")
    reply_int(r, entry.updated_ms)


cdef void acl_log_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ACL LOG [count | RESET]."""
    cdef const AclLogEntry* entry = e.acl_log.newest
    cdef int64_t count = LOG_SHOWN
    cdef int64_t shown_count = 0
    cdef size_t place
    if argc > 3:
        reply_subcommand_error(c, argv[1], b"ACL")
        return
    if argc == 3 and arg_choice(&LOG_WORDS, argv[2]) == LOG_RESET:
        acl_log_trim(e, 0)
        reply_ok(&c.reply)
        return
    if argc == 3 and not arg_i64(c, argv[2], &count):
        return
    place = reply_defer(&c.reply)
    while entry != NULL and shown_count < count:
        reply_entry(e, &c.reply, entry)
        shown_count += 1
        entry = entry.older
    reply_defer_array(&c.reply, place, shown_count)
