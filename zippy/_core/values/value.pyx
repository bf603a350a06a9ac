# The rows are filled in and looked through when the module is imported, so a type that lacks something stops the server before it begins.

from zippy._core.ground.mem cimport mem_has_room
from zippy._core.ground.sha1 cimport Sha1, sha1_begin, sha1_end
from zippy._core.values.digest cimport digest_number
from zippy._core.values.entry cimport (
    NO_EXPIRY, TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STREAM, TYPE_STRING, TYPE_ZSET, entry_admit_type, entry_encoding, entry_expiry,
    entry_free_block, entry_memory, entry_type
)
from zippy._core.values.hash_type cimport hash_row
from zippy._core.values.list_type cimport list_row
from zippy._core.values.set_type cimport set_row
from zippy._core.values.stream_type cimport stream_row
from zippy._core.values.string_type cimport string_row
from zippy._core.values.types cimport RDB_TYPES, TYPES, RdbPart
from zippy._core.values.zset_type cimport zset_row

cdef enum:
    LARGE = 1 << 20              # bytes: so much has to be there before a copy is begun
    COPY_SAMPLES = 5             # elements that tell how large a value is

ctypedef void (*fill_fn)(TypeOps* row) noexcept nogil

cdef TypeOps[TYPES] rows            # by ValueType; those without a name are no types
cdef rdb_read_fn[RDB_TYPES] readers  # of all rows


cdef int check_row(const TypeOps* row) except -1:
    """ImportError when the row lacks something."""
    cdef void** functions = <void**>&row.free
    cdef size_t count = (sizeof(TypeOps) - <size_t>(<char*>functions - <char*>row)) // sizeof(void*)
    cdef RdbPart* part = NULL
    cdef size_t i
    for i in range(count):
        if functions[i] == NULL:
            raise ImportError(f"the type {row.name.decode()} lacks the function number {i} of its row")
    if row.part_bytes > sizeof(part.state):
        raise ImportError(f"the type {row.name.decode()} keeps more between two pieces than a part has room for")
    return 0


cdef int admit(int type, fill_fn fill) except -1:
    """Takes a type into the table."""
    cdef TypeOps* row = &rows[type]
    cdef int i
    fill(row)
    check_row(row)
    for i in range(<int>RDB_TYPES):
        if row.readers[i] != NULL:
            if readers[i] != NULL:
                raise ImportError(f"two types read what RDB calls {i}")
            readers[i] = row.readers[i]
    entry_admit_type(type)
    return 0


admit(TYPE_STRING, string_row)
admit(TYPE_LIST, list_row)
admit(TYPE_SET, set_row)
admit(TYPE_ZSET, zset_row)
admit(TYPE_HASH, hash_row)
admit(TYPE_STREAM, stream_row)


cdef const TypeOps* type_row(int type) noexcept nogil:
    return &rows[type] if rows[type].name != NULL else NULL


cdef const TypeOps* value_ops(const Entry* e) noexcept nogil:
    return &rows[entry_type(e)]


cdef rdb_read_fn value_reader(int rdb_type) noexcept nogil:
    return readers[rdb_type]

cdef enum:
    ITEM_BYTES = 64 * 1024      # of a string take as long to be freed as an item of another value does


cdef void value_free(Entry* e) noexcept nogil:
    value_ops(e).free(e)
    entry_free_block(e)


cdef bint value_free_some(Entry* e, uint64_t items) noexcept nogil:
    if not value_ops(e).free_some(e, items):
        return False
    entry_free_block(e)
    return True


cdef uint64_t value_free_effort(const Entry* e) noexcept nogil:
    return value_ops(e).free_effort(e)


cdef Entry* value_copy(Entry* e, Slice key, int64_t expiry) noexcept nogil:
    # items are made in the middle of it, and what they are made of aborts where there is no memory
    cdef size_t size = value_memory(e, COPY_SAMPLES)
    if size >= LARGE and not mem_has_room(size):
        return NULL
    return value_ops(e).copy(e, key, expiry)


cdef uint64_t value_length(const Entry* e) noexcept nogil:
    return value_ops(e).length(e)


cdef size_t value_memory(Entry* e, uint64_t samples) noexcept nogil:
    return entry_memory(e) + value_ops(e).memory(e, samples)


cdef const char* value_type_name(const Entry* e) noexcept nogil:
    return value_ops(e).name


cdef const char* value_encoding_name(const Entry* e) noexcept nogil:
    return value_ops(e).encodings[entry_encoding(e)]


cdef void value_rebuild(RdbWriter* w, Entry* e) noexcept nogil:
    value_ops(e).rebuild(w, e)


cdef void value_checksum(Entry* e, uint8_t* sum) noexcept nogil:
    cdef Sha1 h
    sha1_begin(&h)
    digest_number(&h, <uint64_t>entry_type(e))
    digest_number(&h, entry_expiry(e) != NO_EXPIRY)
    value_ops(e).digest(&h, e)
    sha1_end(&h, sum)
