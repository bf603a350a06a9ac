# A client may name as many prefixes as fit into a request: they are sorted, so that those that overlap stand beside each other.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memchr, memcmp
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_text, buf_free, buf_init, slice_compare, slice_of
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.commands.args cimport (
    Options, OptionTable, arg_choice, arg_i64, arg_option, option_table, options_begin, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.client_ids cimport client_by_id
from zippy._core.commands.tracking cimport start_tracking, stop_tracking
from zippy._core.commands.types cimport (
    TRACKING_BROADCAST, TRACKING_BROKEN, TRACKING_CACHING, TRACKING_NOLOOP, TRACKING_ON, TRACKING_OPTIN, TRACKING_OPTOUT, Subscription
)
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_bulk_text, reply_defer, reply_defer_set, reply_error, reply_error_slice, reply_int, reply_map, reply_ok
)


cdef enum TrackingSwitch:
    SWITCH_ON = 1
    SWITCH_OFF = 2
    CACHING_YES = 3
    CACHING_NO = 4

cdef enum TrackingOption:
    # of CLIENT TRACKING; the others are the bits of Client.tracking
    OPTION_REDIRECT = 1 << 8
    OPTION_PREFIX = 1 << 9
    MODES = TRACKING_BROADCAST | TRACKING_OPTIN | TRACKING_OPTOUT | TRACKING_NOLOOP

cdef OptionTable STATUS_WORDS = option_table("client|tracking", [("on", SWITCH_ON), ("off", SWITCH_OFF)])
cdef OptionTable TRACKING_OPTIONS = option_table("client|tracking", [
    ("redirect", OPTION_REDIRECT, 0, 1),
    ("prefix", OPTION_PREFIX, 0, 1),
    ("bcast", TRACKING_BROADCAST),
    ("optin", TRACKING_OPTIN),
    ("optout", TRACKING_OPTOUT),
    ("noloop", TRACKING_NOLOOP),
])
cdef OptionTable CACHING_WORDS = option_table("client|caching", [("yes", CACHING_YES), ("no", CACHING_NO)])


cdef struct Wish:
    # what CLIENT TRACKING was asked for
    uint32_t flags               # of MODES
    uint64_t redirect            # 0: nobody
    int count
    Slice* prefixes              # owned; borrowed bytes


cdef struct Prefix:
    Slice name
    int place                    # among those of the request; -1: the client has it already


cdef bint read_redirect(Engine* e, Client* c, Slice word, Wish* wish) noexcept nogil:
    """The argument of REDIRECT; False: an error was replied."""
    cdef int64_t id
    if wish.redirect:
        reply_error(&c.reply, b"ERR A client can only redirect to a single other client")
        return False
    if not arg_i64(c, word, &id):
        return False
    if client_by_id(e, <uint64_t>id) == NULL:
        reply_error(&c.reply, b"ERR The client ID you want redirect to does not exist")
        return False
    wish.redirect = <uint64_t>id
    return True


cdef bint read_options(Engine* e, Client* c, int argc, const Slice* argv, Wish* wish) noexcept nogil:
    """The options of CLIENT TRACKING; False: an error was replied."""
    cdef Options options
    cdef uint32_t option
    options_begin(&options, &TRACKING_OPTIONS, argc, argv, 3)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return False
        if option == OPTION_REDIRECT and not read_redirect(e, c, options.value[0], wish):
            return False
        if option == OPTION_PREFIX:
            wish.prefixes[wish.count] = options.value[0]
            wish.count += 1
    wish.flags = options.flags & MODES
    return True


cdef const char* contradiction(const Client* c, const Wish* wish) noexcept nogil:
    """What speaks against the modes, NULL: nothing."""
    cdef uint32_t flags = wish.flags
    if wish.count and not flags & TRACKING_BROADCAST:
        return b"ERR PREFIX option requires BCAST mode to be enabled"
    if c.tracking & TRACKING_ON and (c.tracking ^ flags) & TRACKING_BROADCAST:
        return (
            b"ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different "
            b"mode."
        )
    if flags & TRACKING_BROADCAST and flags & (TRACKING_OPTIN | TRACKING_OPTOUT):
        return b"ERR OPTIN and OPTOUT are not compatible with BCAST"
    if flags & TRACKING_OPTIN and flags & TRACKING_OPTOUT:
        return b"ERR You can't specify both OPTIN mode and OPTOUT mode"
    if flags & TRACKING_OPTIN and c.tracking & TRACKING_OPTOUT or flags & TRACKING_OPTOUT and c.tracking & TRACKING_OPTIN:
        return (
            b"ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different "
            b"mode."
        )
    return NULL


cdef int by_name(const void* a, const void* b) noexcept nogil:
    cdef const Prefix* left = <const Prefix*>a
    cdef const Prefix* right = <const Prefix*>b
    cdef int order = slice_compare(left.name, right.name)
    return order if order else left.place - right.place


cdef inline bint begins_with(Slice s, Slice prefix) noexcept nogil:
    return s.len >= prefix.len and memcmp(s.ptr, prefix.ptr, prefix.len) == 0


cdef inline bint overlap(Slice a, Slice b) noexcept nogil:
    return begins_with(a, b) or begins_with(b, a)


cdef void sort_prefixes(const Client* c, Prefix* found, int count, const Slice* more) noexcept nogil:
    """Puts the client's prefixes and `count` more into order; there is room for all."""
    cdef const Subscription* s = c.prefixes.first
    cdef int filled = 0
    cdef int i
    while s != NULL:
        found[filled] = Prefix(s.channel.name, -1)
        filled += 1
        s = s.next
    for i in range(count):
        found[filled] = Prefix(more[i], i)
        filled += 1
    qsort(found, filled, sizeof(Prefix), by_name)


cdef int first_overlap(const Prefix* sorted, int count, int* open_at) noexcept nogil:
    """The place of the first prefix of the request that another one overlaps with, count: there is none; open_at has room for as many.

    Behind a prefix stand all that begin with it, so those that begin with one another are a stack.
    """
    cdef int depth = 0
    cdef int found = count
    cdef int i
    for i in range(count):
        while depth and not begins_with(sorted[i].name, sorted[open_at[depth - 1]].name):
            depth -= 1
        if depth:
            if 0 <= sorted[i].place < found:
                found = sorted[i].place
            if 0 <= sorted[open_at[depth - 1]].place < found:
                found = sorted[open_at[depth - 1]].place
        open_at[depth] = i
        depth += 1
    return found


cdef inline void append_text(Buf* text, Slice word) noexcept nogil:
    """Appends a client's word up to a NUL, as Redis repeats it."""
    cdef const void* end = memchr(word.ptr, 0, word.len) if word.len else NULL
    buf_append(text, word.ptr, word.len if end == NULL else <size_t>(<const char*>end - word.ptr))


cdef void reply_overlap(Client* c, Slice prefix, const char* what, Slice other) noexcept nogil:
    cdef Buf text
    buf_init(&text)
    buf_append_text(&text, b"ERR Prefix '")
    append_text(&text, prefix)
    buf_append_text(&text, what)
    append_text(&text, other)
    buf_append_text(&text, b"'. Prefixes for a single client must not overlap.")
    if text.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(text.data, text.len))
    buf_free(&text)


cdef void tell_overlap(Client* c, const Wish* wish, const Prefix* sorted, int count, int place) noexcept nogil:
    """Replies with which prefix the one of this place overlaps: one that the client has already, or one behind it."""
    cdef int i
    for i in range(count):
        if sorted[i].place < 0 and overlap(sorted[i].name, wish.prefixes[place]):
            reply_overlap(c, wish.prefixes[place], b"' overlaps with an existing prefix '", sorted[i].name)
            return
    for i in range(place + 1, wish.count):
        if overlap(wish.prefixes[i], wish.prefixes[place]):
            reply_overlap(c, wish.prefixes[place], b"' overlaps with another provided prefix '", wish.prefixes[i])
            return


cdef bint prefixes_fit(Client* c, const Wish* wish) noexcept nogil:
    """Whether no prefix begins with another one; False: an error was replied."""
    cdef int count = wish.count + <int>c.prefixes.count
    cdef Prefix* sorted
    cdef int place
    if wish.count == 0:
        return True
    sorted = <Prefix*>mem_try_alloc(count * (sizeof(Prefix) + sizeof(int)))
    if sorted == NULL:
        reply_out_of_memory(c)
        return False
    sort_prefixes(c, sorted, wish.count, wish.prefixes)
    place = first_overlap(sorted, count, <int*>(sorted + count))
    if place < count:
        tell_overlap(c, wish, sorted, count, place)
    mem_free(sorted)
    return place == count


cdef void switch_tracking(Engine* e, Client* c, Slice status, const Wish* wish) noexcept nogil:
    cdef uint32_t switch = arg_choice(&STATUS_WORDS, status)
    cdef const char* wrong
    if switch == 0:
        reply_syntax_error(c)
        return
    if switch == SWITCH_OFF:
        stop_tracking(e, c)
        reply_ok(&c.reply)
        return
    wrong = contradiction(c, wish)
    if wrong != NULL:
        reply_error(&c.reply, wrong)
    elif prefixes_fit(c, wish):
        start_tracking(e, c, wish.flags, wish.redirect, wish.count, wish.prefixes)
        reply_ok(&c.reply)


cdef void client_tracking_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]. Takes
    O(P log P) for P prefixes."""
    cdef Wish wish = Wish(0, 0, 0, NULL)
    wish.prefixes = <Slice*>mem_try_alloc(argc * sizeof(Slice))
    if wish.prefixes == NULL:
        reply_out_of_memory(c)
        return
    if read_options(e, c, argc, argv, &wish):
        switch_tracking(e, c, argv[2], &wish)
    mem_free(wish.prefixes)


cdef void client_caching_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT CACHING <YES | NO>. Holds for the next command or transaction; other subcommands of CLIENT may stand between."""
    cdef uint32_t answer = arg_choice(&CACHING_WORDS, argv[2])
    if not c.tracking & TRACKING_ON:
        reply_error(
            &c.reply, b"ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    elif answer == CACHING_YES and not c.tracking & TRACKING_OPTIN:
        reply_error(&c.reply, b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    elif answer == CACHING_NO and not c.tracking & TRACKING_OPTOUT:
        reply_error(&c.reply, b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    elif answer == 0:
        reply_syntax_error(c)
    else:
        e.tracking.container = e.call.command.parent
        c.tracking |= TRACKING_CACHING
        reply_ok(&c.reply)


cdef inline int64_t redirect_of(const Client* c) noexcept nogil:
    """As it is shown: -1 for who does not track, 0 for who redirects to nobody."""
    return <int64_t>c.redirect if c.tracking & TRACKING_ON else -1


cdef void client_getredir_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT GETREDIR."""
    reply_int(&c.reply, redirect_of(c))


cdef inline int show(Client* c, bint shown, const char* word) noexcept nogil:
    """Replies with a word if it is to be shown; how many that are."""
    if shown:
        reply_bulk_text(&c.reply, word)
    return shown


cdef void reply_modes(Client* c) noexcept nogil:
    """The flags of CLIENT TRACKINGINFO."""
    cdef size_t place = reply_defer(&c.reply)
    cdef uint32_t flags = c.tracking
    cdef bint caching = flags & TRACKING_CACHING != 0
    cdef int count = show(c, True, b"on" if flags & TRACKING_ON else b"off")
    count += show(c, flags & TRACKING_BROADCAST != 0, b"bcast")
    count += show(c, flags & TRACKING_OPTIN != 0, b"optin")
    count += show(c, flags & TRACKING_OPTIN and caching, b"caching-yes")
    count += show(c, flags & TRACKING_OPTOUT != 0, b"optout")
    count += show(c, flags & TRACKING_OPTOUT and caching, b"caching-no")
    count += show(c, flags & TRACKING_NOLOOP != 0, b"noloop")
    count += show(c, flags & TRACKING_BROKEN != 0, b"broken_redirect")
    reply_defer_set(&c.reply, place, count)


cdef void client_trackinginfo_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """CLIENT TRACKINGINFO. Shows prefixes in order."""
    cdef int count = <int>c.prefixes.count
    cdef Prefix* sorted = NULL
    cdef int i
    if count:
        sorted = <Prefix*>mem_try_alloc(count * sizeof(Prefix))
        if sorted == NULL:
            reply_out_of_memory(c)
            return
        sort_prefixes(c, sorted, 0, NULL)
    reply_map(&c.reply, 3)
    reply_bulk_text(&c.reply, b"flags")
    reply_modes(c)
    reply_bulk_text(&c.reply, b"redirect")
    reply_int(&c.reply, redirect_of(c))
    reply_bulk_text(&c.reply, b"prefixes")
    reply_array(&c.reply, count)
    for i in range(count):
        reply_bulk(&c.reply, sorted[i].name)
    mem_free(sorted)
