# A client that is refused the same again and again fills the log with one entry: it is looked for among the newest.

from libc.string cimport memcpy
from zippy._core.ground.buf cimport Buf, buf_free, buf_init, slice_of
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_zalloc
from zippy._core.ground.slice cimport slice_equal
from zippy._core.commands.acl_user cimport (
    ACL_DENIED_CERTIFICATE, ACL_DENIED_CHANNEL, ACL_DENIED_COMMAND, ACL_DENIED_KEY, ACL_DENIED_LOGIN
)
from zippy._core.commands.types cimport AclLog, AclLogEntry

cdef enum:
    ALIKE_MS = 60_000            # after that a refusal is an entry of its own
    LOOKED_AT = 10               # entries, the newest


cdef void count(Engine* e, int verdict) noexcept nogil:
    if verdict == ACL_DENIED_COMMAND:
        e.stats.denied_commands += 1
    elif verdict == ACL_DENIED_KEY:
        e.stats.denied_keys += 1
    elif verdict == ACL_DENIED_CHANNEL:
        e.stats.denied_channels += 1
    elif verdict == ACL_DENIED_LOGIN:
        e.stats.denied_logins += 1
    elif verdict == ACL_DENIED_CERTIFICATE:
        e.stats.denied_certificates += 1


cdef void take_out(AclLog* log, AclLogEntry* entry) noexcept nogil:
    if entry.newer != NULL:
        entry.newer.older = entry.older
    else:
        log.newest = entry.older
    if entry.older != NULL:
        entry.older.newer = entry.newer
    else:
        log.oldest = entry.newer
    log.count -= 1


cdef void put_first(AclLog* log, AclLogEntry* entry) noexcept nogil:
    entry.newer = NULL
    entry.older = log.newest
    if log.newest != NULL:
        log.newest.newer = entry
    else:
        log.oldest = entry
    log.newest = entry
    log.count += 1


cdef AclLogEntry* new_entry(Slice object, Slice user) noexcept nogil:
    cdef AclLogEntry* entry = <AclLogEntry*>mem_zalloc(sizeof(AclLogEntry) + object.len + user.len)
    cdef char* at = <char*>(entry + 1)
    if object.len:
        memcpy(at, object.ptr, object.len)
    if user.len:
        memcpy(at + object.len, user.ptr, user.len)
    entry.object = slice_of(at, object.len)
    entry.user = slice_of(at + object.len, user.len)
    return entry


cdef AclLogEntry* alike(AclLog* log, int verdict, int context, Slice object, Slice user, int64_t now_ms) noexcept nogil:
    """An entry for the same refusal not long ago, or NULL."""
    cdef AclLogEntry* entry = log.newest
    cdef int left = LOOKED_AT
    while entry != NULL and left > 0:
        if entry.verdict == verdict and entry.context == context and -ALIKE_MS <= now_ms - entry.updated_ms <= ALIKE_MS:
            if slice_equal(entry.object, object) and slice_equal(entry.user, user):
                return entry
        entry = entry.older
        left -= 1
    return NULL


cdef void describe(Engine* e, Client* c, AclLogEntry* entry) noexcept nogil:
    """Notes what the client is now; nothing if there is no memory for that."""
    cdef Buf line
    cdef char* copy
    mem_free(<void*>entry.client.ptr)
    entry.client = slice_of(NULL, 0)
    if e.describe_client == NULL:
        return
    buf_init(&line)
    e.describe_client(c, &line)
    if line.len and not line.failed:
        copy = <char*>mem_alloc(line.len)
        memcpy(copy, line.data, line.len)
        entry.client = slice_of(copy, line.len)
    buf_free(&line)


cdef inline Slice shortened(Slice text) noexcept nogil:
    return slice_of(text.ptr, text.len if text.len < ACL_LOG_TEXT else ACL_LOG_TEXT)


cdef void acl_log_add(Engine* e, Client* c, int verdict, int context, Slice object, Slice user) noexcept nogil:
    cdef AclLog* log = &e.acl_log
    cdef AclLogEntry* entry
    count(e, verdict)
    if e.settings.acllog_max_len == 0:
        acl_log_trim(e, 0)
        return
    object = shortened(object)
    user = shortened(user)
    entry = alike(log, verdict, context, object, user, e.ks.clock.ms)
    if entry != NULL:
        take_out(log, entry)
    else:
        entry = new_entry(object, user)
        entry.id = log.next_id
        entry.verdict = verdict
        entry.context = context
        entry.created_ms = e.ks.clock.ms
        log.next_id += 1
    entry.count += 1
    entry.updated_ms = e.ks.clock.ms
    describe(e, c, entry)
    put_first(log, entry)
    if entry.count == 1:
        # a lower limit is obeyed when the next one comes
        acl_log_trim(e, e.settings.acllog_max_len)


cdef void acl_log_trim(Engine* e, int64_t most) noexcept nogil:
    cdef AclLog* log = &e.acl_log
    cdef AclLogEntry* entry
    while <int64_t>log.count > most:
        entry = log.oldest
        take_out(log, entry)
        mem_free(<void*>entry.client.ptr)
        mem_free(entry)
