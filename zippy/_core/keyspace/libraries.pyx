# A library's name is told from others letter by letter, a function's without regard to case, as in Redis.

from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_of, slice_text
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport ht_find, ht_free, ht_init, ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_size, mem_try_alloc
from zippy._core.keyspace.rdb_op cimport OP_FUNCTION
from zippy._core.values.command_writer cimport command_begin, command_word
from zippy._core.values.rdb_stream cimport rdb_write_byte, rdb_write_string

cdef enum:
    KEY_ROOM = 256               # bytes of a name that are made lower case on the stack

cdef const char* FLAG_WORDS[FUNCTION_FLAGS]
FLAG_WORDS[:] = [b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys"]


cdef const char* function_flag_word(int place) noexcept nogil:
    return FLAG_WORDS[place]


cdef bint library_name_fits(Slice name) noexcept nogil:
    cdef size_t i
    cdef char c
    for i in range(name.len):
        c = name.ptr[i]
        if not (c'a' <= c <= c'z' or c'A' <= c <= c'Z' or c'0' <= c <= c'9' or c == c'_'):
            return False
    return name.len > 0


cdef void library_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Library*>item).name


cdef void function_key_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Function*>item).key


cdef void name_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Function*>item).name


cdef void put_lower(char* to, Slice name) noexcept nogil:
    cdef size_t i
    cdef char c
    for i in range(name.len):
        c = name.ptr[i]
        to[i] = c + 32 if c'A' <= c <= c'Z' else c


cdef Slice put_bytes(char** at, Slice s) noexcept nogil:
    """Copies to *at, and moves it behind the copy."""
    cdef Slice put = slice_of(at[0], s.len)
    if s.ptr == NULL:
        return s
    memcpy(at[0], s.ptr, s.len)
    at[0] += s.len
    return put


cdef Library* library_new(int engine, Slice name, Slice code) noexcept nogil:
    cdef Library* library = <Library*>mem_try_alloc(sizeof(Library) + name.len + code.len)
    cdef char* at = <char*>(library + 1)
    if library == NULL:
        return NULL
    library.prev = library.next = NULL
    library.engine = engine
    library.name = put_bytes(&at, name)
    library.code = put_bytes(&at, code)
    library.first = library.last = NULL
    library.count = 0
    ht_init(&library.names, name_of)
    library.bytes = mem_size(library)
    return library


cdef void library_free(Library* library) noexcept nogil:
    cdef Function* f
    while library.first != NULL:
        f = library.first
        library.first = f.next
        mem_free(f)
    ht_free(&library.names)
    mem_free(library)


cdef Function* library_add(Library* library, Slice name, Slice description, uint32_t flags, int64_t callback) noexcept nogil:
    cdef Function* f
    cdef char* at
    if ht_find(&library.names, name) != NULL:
        return NULL
    f = <Function*>mem_alloc(sizeof(Function) + 2 * name.len + description.len)
    at = <char*>(f + 1)
    f.library = library
    f.next = NULL
    f.name = put_bytes(&at, name)
    f.key = slice_of(at, name.len)
    put_lower(at, name)
    at += name.len
    f.description = put_bytes(&at, description)
    f.flags = flags
    f.callback = callback
    if library.last != NULL:
        library.last.next = f
    else:
        library.first = f
    library.last = f
    ht_insert(&library.names, f, hash_bytes(f.name.ptr, f.name.len))
    library.count += 1
    library.bytes += mem_size(f)
    return f


cdef void libraries_init(Libraries* l) noexcept nogil:
    cdef int i
    ht_init(&l.by_name, library_key_of)
    ht_init(&l.functions, function_key_of)
    l.first = l.last = NULL
    l.bytes = 0
    for i in range(<int>LIBRARY_ENGINES):
        l.library_counts[i] = l.function_counts[i] = 0


cdef void libraries_free(Libraries* l) noexcept nogil:
    cdef Library* library
    while l.first != NULL:
        library = l.first
        libraries_take(l, library)
        library_free(library)
    ht_free(&l.by_name)
    ht_free(&l.functions)


cdef Library* library_find(Libraries* l, Slice name) noexcept nogil:
    return <Library*>ht_find(&l.by_name, name)


cdef Function* function_find(Libraries* l, Slice name) noexcept nogil:
    cdef char[KEY_ROOM] lower
    cdef char* longer
    cdef Function* f
    if name.len <= KEY_ROOM:
        put_lower(lower, name)
        return function_of_key(l, slice_of(lower, name.len))
    longer = <char*>mem_try_alloc(name.len)
    if longer == NULL:
        return NULL
    put_lower(longer, name)
    f = function_of_key(l, slice_of(longer, name.len))
    mem_free(longer)
    return f


cdef Function* function_of_key(Libraries* l, Slice key) noexcept nogil:
    return <Function*>ht_find(&l.functions, key)


cdef void libraries_put(Libraries* l, Library* library) noexcept nogil:
    cdef Function* f = library.first
    library.prev = l.last
    library.next = NULL
    ht_free(&library.names)
    if l.last != NULL:
        l.last.next = library
    else:
        l.first = library
    l.last = library
    ht_insert(&l.by_name, library, hash_bytes(library.name.ptr, library.name.len))
    while f != NULL:
        if ht_find(&l.functions, f.key) == NULL:
            ht_insert(&l.functions, f, hash_bytes(f.key.ptr, f.key.len))
        f = f.next
    l.library_counts[library.engine] += 1
    l.function_counts[library.engine] += library.count
    l.bytes += library.bytes


cdef void libraries_take(Libraries* l, Library* library) noexcept nogil:
    cdef Function* f = library.first
    if library.prev != NULL:
        library.prev.next = library.next
    else:
        l.first = library.next
    if library.next != NULL:
        library.next.prev = library.prev
    else:
        l.last = library.prev
    library.prev = library.next = NULL
    ht_remove(&l.by_name, library.name)
    while f != NULL:
        # no other library can have a function of this name
        ht_remove(&l.functions, f.key)
        f = f.next
    l.library_counts[library.engine] -= 1
    l.function_counts[library.engine] -= library.count
    l.bytes -= library.bytes


cdef void libraries_write(RdbWriter* w, const Libraries* l) noexcept nogil:
    cdef const Library* library = l.first
    while library != NULL:
        if library.engine == LIBRARY_LUA:
            rdb_write_byte(w, OP_FUNCTION)
            rdb_write_string(w, library.code)
        library = library.next


cdef void libraries_rebuild(RdbWriter* w, const Libraries* l) noexcept nogil:
    cdef const Library* library = l.first
    while library != NULL:
        if library.engine == LIBRARY_LUA:
            command_begin(w, 3)
            command_word(w, slice_text(b"FUNCTION"))
            command_word(w, slice_text(b"LOAD"))
            command_word(w, library.code)
        library = library.next
