# Everything that a user consists of is a list of texts in the order in which they were given, each once: one structure serves them all.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memchr, memcpy, memmove, memset
from zippy._core.ground.buf cimport slice_compare, slice_of, slice_text
from zippy._core.ground.glob cimport glob_is_pattern, glob_match
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport ht_find, ht_free, ht_init, ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_realloc, mem_zalloc
from zippy._core.ground.slice cimport slice_equal
from zippy._core.keyspace.lazy_free cimport free_remains


cdef void term_text_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Term*>item).text


cdef void terms_init(Terms* t) noexcept nogil:
    memset(t, 0, sizeof(Terms))
    ht_init(&t.by_text, term_text_of)


cdef bint terms_free_some(Terms* t, uint64_t* items) noexcept nogil:
    """Frees so many terms at most and counts them off; True: none is left, and no table."""
    cdef Term* term = t.first
    while term != NULL and items[0]:
        t.first = term.next
        mem_free(term)
        term = t.first
        items[0] -= 1
    if term != NULL:
        return False
    ht_free(&t.by_text)
    t.last = NULL
    return True


cdef void terms_clear(Terms* t) noexcept nogil:
    cdef uint64_t items = UINT64_MAX
    terms_free_some(t, &items)


cdef void terms_copy(Terms* t, const Terms* source) noexcept nogil:
    cdef const Term* term = source.first
    cdef Term* copy
    terms_init(t)
    while term != NULL:
        copy = terms_add(t, term.text)
        copy.flags = term.flags
        copy.kind = term.kind
        copy.command = term.command
        copy.word = term.word
        term = term.next


cdef Term* terms_find(Terms* t, Slice text) noexcept nogil:
    return <Term*>ht_find(&t.by_text, text)


cdef Term* terms_add(Terms* t, Slice text) noexcept nogil:
    cdef Term* term = <Term*>mem_alloc(sizeof(Term) + text.len)
    memset(term, 0, sizeof(Term))
    if text.len:
        memcpy(term + 1, text.ptr, text.len)
    term.text = slice_of(<char*>(term + 1), text.len)
    term.command = -1
    term.prev = t.last
    if t.last != NULL:
        t.last.next = term
    else:
        t.first = term
    t.last = term
    ht_insert(&t.by_text, term, hash_bytes(text.ptr, text.len))
    return term


cdef void terms_remove(Terms* t, Term* term) noexcept nogil:
    ht_remove(&t.by_text, term.text)
    if term.prev != NULL:
        term.prev.next = term.next
    else:
        t.first = term.next
    if term.next != NULL:
        term.next.prev = term.prev
    else:
        t.last = term.prev
    mem_free(term)


cdef void pattern_compile(Term* term) noexcept nogil:
    cdef Slice text = term.text
    term.kind = PATTERN_EXACT
    if text.len and text.ptr[text.len - 1] == c'*':
        term.kind = PATTERN_PREFIX
        text.len -= 1
    if text.len and (glob_is_pattern(text) or memchr(text.ptr, 92, text.len) != NULL):
        term.kind = PATTERN_GLOB


cdef bint pattern_matches(const Term* term, Slice text) noexcept nogil:
    cdef size_t size = term.text.len
    if term.kind == PATTERN_EXACT:
        return slice_equal(term.text, text)
    if term.kind == PATTERN_PREFIX:
        size -= 1
        # as in a glob, nothing but an empty pattern fits an empty text
        return text.len >= size and text.len > 0 and slice_equal(slice_of(term.text.ptr, size), slice_of(text.ptr, size))
    return glob_match(term.text, text, False)


cdef void selector_init(Selector* s, bint all_channels) noexcept nogil:
    memset(s, 0, sizeof(Selector))
    terms_init(&s.rules)
    terms_init(&s.keys)
    terms_init(&s.channels)
    if all_channels:
        s.flags = SELECTOR_ALL_CHANNELS


cdef void selector_allow_all(Selector* s) noexcept nogil:
    terms_clear(&s.rules)
    s.first_words = 0
    s.flags |= SELECTOR_ALL_COMMANDS
    memset(s.commands, 255, sizeof(s.commands))


cdef void selector_deny_all(Selector* s) noexcept nogil:
    terms_clear(&s.rules)
    s.first_words = 0
    s.flags &= ~<uint32_t>SELECTOR_ALL_COMMANDS
    memset(s.commands, 0, sizeof(s.commands))


cdef bint selector_is_free(const Selector* s) noexcept nogil:
    cdef uint32_t everything = SELECTOR_ALL_COMMANDS | SELECTOR_ALL_KEYS | SELECTOR_ALL_CHANNELS
    return s.flags & everything == everything and s.rules.first == NULL


cdef void selector_copy(Selector* s, const Selector* source) noexcept nogil:
    memcpy(s, source, sizeof(Selector))
    terms_copy(&s.rules, &source.rules)
    terms_copy(&s.keys, &source.keys)
    terms_copy(&s.channels, &source.channels)
    s.next = NULL


cdef bint selector_free_some(Selector* s, uint64_t* items) noexcept nogil:
    return terms_free_some(&s.rules, items) and terms_free_some(&s.keys, items) and terms_free_some(&s.channels, items)


cdef User* user_new(Slice name, bint all_channels) noexcept nogil:
    cdef User* u = <User*>mem_zalloc(sizeof(User) + name.len)
    if name.len:
        memcpy(u + 1, name.ptr, name.len)
    u.name = slice_of(<char*>(u + 1), name.len)
    terms_init(&u.passwords)
    selector_init(&u.root, all_channels)
    return u


cdef User* user_copy(const User* u) noexcept nogil:
    cdef User* copy = user_new(u.name, False)
    cdef const Selector* s = u.root.next
    cdef Selector* selector
    copy.flags = u.flags
    terms_copy(&copy.passwords, &u.passwords)
    selector_copy(&copy.root, &u.root)
    while s != NULL:
        selector = <Selector*>mem_alloc(sizeof(Selector))
        selector_copy(selector, s)
        user_add_selector(copy, selector)
        s = s.next
    return copy


cdef void user_add_selector(User* u, Selector* s) noexcept nogil:
    if u.last != NULL:
        u.last.next = s
    else:
        u.root.next = s
    u.last = s


cdef bint free_selectors_some(User* u, uint64_t* items) noexcept nogil:
    cdef Selector* s = u.root.next
    while s != NULL:
        if not selector_free_some(s, items) or items[0] == 0:
            return False
        u.root.next = s.next
        mem_free(s)
        s = u.root.next
        items[0] -= 1
    u.last = NULL
    return True


cdef void user_clear_selectors(User* u) noexcept nogil:
    cdef uint64_t items = UINT64_MAX
    free_selectors_some(u, &items)


cdef bint user_free_some(User* u, uint64_t* items) noexcept nogil:
    if not (free_selectors_some(u, items) and selector_free_some(&u.root, items) and terms_free_some(&u.passwords, items)):
        return False
    mem_free(u)
    return True


cdef void user_free(User* u) noexcept nogil:
    cdef uint64_t items = UINT64_MAX
    if u != NULL:
        user_free_some(u, &items)


cdef void user_swap(User* a, User* b) noexcept nogil:
    cdef User kept
    memcpy(&kept, a, sizeof(User))
    memcpy(a, b, sizeof(User))
    memcpy(b, &kept, sizeof(User))
    b.name = a.name
    a.name = kept.name


cdef bint user_is_free(const User* u) noexcept nogil:
    return selector_is_free(&u.root)


cdef size_t place_of(const Users* users, Slice name) noexcept nogil:
    """Where a user of that name is, or would be."""
    cdef size_t low = 0
    cdef size_t high = users.count
    cdef size_t middle
    if high and slice_compare(users.items[high - 1].name, name) < 0:
        # files have them in order
        return high
    while low < high:
        middle = (low + high) // 2
        if slice_compare(users.items[middle].name, name) < 0:
            low = middle + 1
        else:
            high = middle
    return low


cdef User* users_find(const Users* users, Slice name) noexcept nogil:
    cdef size_t at = place_of(users, name)
    return users.items[at] if at < users.count and slice_equal(users.items[at].name, name) else NULL


cdef User* users_begin(Users* users) noexcept nogil:
    cdef User* user = user_new(slice_text(b"default"), True)
    user.flags = USER_ON | USER_NO_PASSWORD
    user.root.flags |= SELECTOR_ALL_KEYS
    selector_allow_all(&user.root)
    users_add(users, user)
    return user


cdef bint users_add(Users* users, User* u) noexcept nogil:
    cdef size_t at = place_of(users, u.name)
    if at < users.count and slice_equal(users.items[at].name, u.name):
        return False
    if users.count == users.cap:
        users.cap = users.cap * 2 if users.cap else 4
        users.items = <User**>mem_realloc(users.items, users.cap * sizeof(User*))
    memmove(users.items + at + 1, users.items + at, (users.count - at) * sizeof(User*))
    users.items[at] = u
    users.count += 1
    return True


cdef void users_take_deleted(Users* users, Users* deleted) noexcept nogil:
    cdef User* u
    cdef size_t i
    cdef size_t kept = 0
    deleted.items = <User**>mem_alloc(users.count * sizeof(User*))
    deleted.cap = users.count
    for i in range(users.count):
        u = users.items[i]
        if u.flags & USER_DELETED:
            deleted.items[deleted.count] = u
            deleted.count += 1
        else:
            users.items[kept] = u
            kept += 1
    users.count = kept


cdef void users_free(Users* users) noexcept nogil:
    cdef size_t i
    for i in range(users.count):
        user_free(users.items[i])
    mem_free(users.items)
    users.items = NULL
    users.count = users.cap = 0


cdef bint users_free_some(void* remains, uint64_t items) noexcept nogil:
    cdef Users* users = <Users*>remains
    while users.count and items:
        if not user_free_some(users.items[users.count - 1], &items):
            return False
        users.count -= 1
        items -= items > 0
    if users.count:
        return False
    mem_free(users.items)
    mem_free(users)
    return True


cdef uint64_t user_terms(const User* u) noexcept nogil:
    """How many terms there are in all."""
    cdef const Selector* s = &u.root
    cdef uint64_t count = u.passwords.by_text.count
    while s != NULL:
        count += s.rules.by_text.count + s.keys.by_text.count + s.channels.by_text.count
        s = s.next
    return count


cdef void users_free_later(Keyspace* ks, Users* users) noexcept nogil:
    cdef Users* dead = <Users*>mem_alloc(sizeof(Users))
    cdef uint64_t items = users.count
    cdef size_t i
    for i in range(users.count):
        items += user_terms(users.items[i])
    dead[0] = users[0]
    memset(users, 0, sizeof(Users))
    free_remains(ks, users_free_some, dead, items, items * sizeof(Term) + dead.count * sizeof(User))
