# A user keeps its address for as long as it has its name, since clients point to it: what changes is what it consists of.

from libc.stdint cimport uint8_t
from libc.string cimport memset
from zippy._core.ground.buf cimport slice_compare
from zippy._core.ground.sha256 cimport SHA256_BYTES, sha256, sha256_equal
from zippy._core.ground.slice cimport slice_equal, slice_of
from zippy._core.commands.acl_check cimport acl_has_channel
from zippy._core.commands.acl_log cimport acl_log_add
from zippy._core.commands.acl_user cimport (
    ACL_DENIED_CERTIFICATE, ACL_DENIED_LOGIN, ACL_MULTI, ACL_TOPLEVEL, SELECTOR_ALL_CHANNELS, USER_DELETED, USER_NO_PASSWORD, USER_ON,
    Selector, Term, Terms, terms_add, terms_clear, terms_find, user_free, user_is_free, user_swap, users_add, users_begin, users_find,
    users_free_later, users_take_deleted
)
from zippy._core.commands.client cimport asks_for_password, client_log_in, client_note_restriction, client_note_rights, unblock
from zippy._core.commands.client_ids cimport ClientWalk, walk_begin, walk_next
from zippy._core.commands.engine cimport engine_is_calling
from zippy._core.commands.output cimport client_close, client_has_output
from zippy._core.commands.types cimport (
    CLIENT_BLOCKED, CLIENT_CLOSE_AFTER_REPLY, CLIENT_IN_EXEC, CLIENT_MULTI, CLIENT_UNPROVEN, Subscription, SubscriptionList
)


# Logging in


cdef bint password_is_right(const User* user, Slice password) noexcept nogil:
    """Whether it is the user's. It takes as long for a user that there is not (NULL), whichever of several passwords it is."""
    cdef uint8_t[SHA256_BYTES] sum
    cdef const Term* known
    cdef bint found = False
    if user != NULL and user.flags & USER_NO_PASSWORD:
        return True
    sha256(password.ptr, password.len, sum)
    known = NULL if user == NULL else user.passwords.first
    while known != NULL:
        found |= sha256_equal(<const uint8_t*>known.text.ptr, sum)
        known = known.next
    return found


cdef int context_of(const Client* c) noexcept nogil:
    return ACL_MULTI if c.flags & (CLIENT_MULTI | CLIENT_IN_EXEC) else ACL_TOPLEVEL


cdef bint acl_log_in(Engine* e, Client* c, Slice name, Slice password, Slice how) noexcept nogil:
    cdef User* user = users_find(&e.users, name)
    if password_is_right(user, password) and user != NULL and user.flags & USER_ON:
        client_log_in(c, user)
        return True
    acl_log_add(e, c, ACL_DENIED_LOGIN, context_of(c), how, name)
    return False


cdef bint acl_log_in_by_certificate(Engine* e, Client* c, Slice name) noexcept nogil:
    cdef User* user = users_find(&e.users, name)
    if user != NULL and user.flags & USER_ON:
        client_log_in(c, user)
        return True
    acl_log_add(e, c, ACL_DENIED_CERTIFICATE, ACL_TOPLEVEL, slice_of(NULL, 0), name)
    return False


# Users that change


cdef void turn_out(Engine* e, Client* c) noexcept nogil:
    """Closes a client whose user is gone or may not do any more what the client does; who had that done gets its reply."""
    client_log_in(c, e.default_user)
    c.flags |= CLIENT_UNPROVEN
    client_note_rights(c)
    if engine_is_calling(e, c):
        c.flags |= CLIENT_CLOSE_AFTER_REPLY
        client_has_output(e, c)
        return
    if c.flags & CLIENT_BLOCKED:
        unblock(e, c)
    client_close(c, e)


cdef bint names_channel(const User* user, Slice name) noexcept nogil:
    """Whether one of the user's selectors has this channel pattern."""
    cdef const Selector* s = &user.root
    cdef Terms* channels
    while s != NULL:
        channels = <Terms*>&s.channels
        if s.flags & SELECTOR_ALL_CHANNELS or terms_find(channels, name) != NULL:
            return True
        s = s.next
    return False


cdef bint has_all_channels(const User* user) noexcept nogil:
    cdef const Selector* s = &user.root
    while s != NULL and not s.flags & SELECTOR_ALL_CHANNELS:
        s = s.next
    return s != NULL


cdef bint loses_channels(const User* before, const User* after) noexcept nogil:
    """Whether a user has no longer all channel patterns that it had."""
    cdef const Selector* s = &before.root
    cdef const Term* channel
    if has_all_channels(after):
        return False
    if has_all_channels(before):
        return True
    while s != NULL:
        channel = s.channels.first
        while channel != NULL:
            if not names_channel(after, channel.text):
                return True
            channel = channel.next
        s = s.next
    return False


cdef bint may_listen(const User* user, const SubscriptionList* subscriptions, bint patterns) noexcept nogil:
    cdef const Subscription* s = subscriptions.first
    while s != NULL:
        if not acl_has_channel(user, s.channel.name, patterns):
            return False
        s = s.next
    return True


cdef bint may_keep_listening(const User* user, const Client* c) noexcept nogil:
    return (
        may_listen(user, &c.channels, False) and may_listen(user, &c.patterns, True) and may_listen(user, &c.shard_channels, False)
    )


cdef inline bint listens(const Client* c) noexcept nogil:
    return c.channels.first != NULL or c.patterns.first != NULL or c.shard_channels.first != NULL


cdef void note_all_rights(Engine* e) noexcept nogil:
    cdef ClientWalk walk
    cdef Client* c
    walk_begin(&walk, e)
    c = walk_next(&walk)
    while c != NULL:
        client_note_rights(c)
        c = walk_next(&walk)


cdef void change(Engine* e, User* user, User* changed) noexcept nogil:
    """Gives a user what another one of its name has, and frees that."""
    cdef ClientWalk walk
    cdef Client* c
    cdef bint loses = e.stats.pubsub_clients and loses_channels(user, changed)
    cdef bint asked = asks_for_password(e)
    cdef bint turns = user_is_free(user) != user_is_free(changed)    # what is free is not, or the other way round
    user_swap(user, changed)
    user_free(changed)
    if asked != asks_for_password(e):
        note_all_rights(e)
    elif not loses and not turns:
        return
    walk_begin(&walk, e)
    c = walk_next(&walk)
    while c != NULL:
        if c.user == user:
            if loses and listens(c) and not may_keep_listening(user, c):
                turn_out(e, c)
            elif turns:
                client_note_restriction(c)
        c = walk_next(&walk)


cdef void acl_put(Engine* e, User* changed) noexcept nogil:
    cdef User* user = users_find(&e.users, changed.name)
    if user == NULL:
        users_add(&e.users, changed)
    else:
        change(e, user, changed)


cdef int acl_delete(Engine* e, int count, const Slice* names) noexcept nogil:
    cdef Client* c = e.clients
    cdef Users deleted
    cdef User* user
    cdef int found = 0
    cdef int i
    for i in range(count):
        user = users_find(&e.users, names[i])
        if user != NULL and not user.flags & USER_DELETED:
            user.flags |= USER_DELETED
            found += 1
    if found == 0:
        return 0
    while c != NULL:
        if c.user != NULL and c.user.flags & USER_DELETED:
            turn_out(e, c)
        c = c.next
    memset(&deleted, 0, sizeof(Users))
    users_take_deleted(&e.users, &deleted)
    users_free_later(&e.ks, &deleted)
    return found


cdef void acl_set_default_password(Engine* e, Slice password) noexcept nogil:
    cdef User* user = e.default_user
    cdef uint8_t[SHA256_BYTES] sum
    terms_clear(&user.passwords)
    user.flags |= USER_NO_PASSWORD
    if password.ptr != NULL:
        user.flags &= ~<unsigned int>USER_NO_PASSWORD
        sha256(password.ptr, password.len, sum)
        terms_add(&user.passwords, slice_of(<const char*>sum, SHA256_BYTES))
    note_all_rights(e)


cdef void settle_clients(Engine* e, const Users* users) noexcept nogil:
    """Closes the clients whose user is not among these, or loses the channels that they listen to."""
    cdef Client* c = e.clients
    cdef const User* after
    while c != NULL:
        if c.user != NULL:
            after = users_find(users, c.user.name)
            if after == NULL:
                turn_out(e, c)
            elif listens(c) and loses_channels(c.user, after) and not may_keep_listening(after, c):
                turn_out(e, c)
        c = c.next


cdef void acl_replace_all(Engine* e, Users* users) noexcept nogil:
    cdef Users before
    cdef User* user
    cdef size_t at = 0
    cdef size_t i
    if users_find(users, e.default_user.name) == NULL:
        users_begin(users)
    settle_clients(e, users)
    before = e.users
    # both are sorted by name
    for i in range(users.count):
        while at < before.count and slice_compare(before.items[at].name, users.items[i].name) < 0:
            at += 1
        if at < before.count and slice_equal(before.items[at].name, users.items[i].name):
            user = before.items[at]
            user_swap(user, users.items[i])
            before.items[at] = users.items[i]
            users.items[i] = user
    # what is there now are users that are gone, and of those that stay what they were
    users_free_later(&e.ks, &before)
    e.users = users[0]
    memset(users, 0, sizeof(Users))
    note_all_rights(e)
