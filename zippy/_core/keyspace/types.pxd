"""The structs of the keyspace: databases, effects, watched and waited-for keys, statistics."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.ground.clock cimport Clock
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.ground.mem cimport Account
from zippy._core.ground.random cimport Random
from zippy._core.keyspace.key_table cimport KeyTable
from zippy._core.keyspace.libraries cimport Libraries
from zippy._core.keyspace.saving_child cimport SavingChild
from zippy._core.keyspace.stream cimport Stream
from zippy._core.values.entry cimport Entry
from zippy._core.values.types cimport RdbPart
from zippy._core.values.rdb_stream cimport RdbWriter
from zippy._core.values.settings cimport (
    NOTIFY_ALL, NOTIFY_EVICTED, NOTIFY_EXPIRED, NOTIFY_GENERIC, NOTIFY_HASH, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE, NOTIFY_KEY_MISS,
    NOTIFY_LIST, NOTIFY_MODULE, NOTIFY_NEW, NOTIFY_OVERWRITTEN, NOTIFY_SET, NOTIFY_STREAM, NOTIFY_STRING, NOTIFY_TYPE_CHANGED,
    NOTIFY_ZSET, Settings
)


cdef struct WatchedKey:
    # a key that at least one client watches; in Db.watched
    WatchNode* first
    WatchNode* alone             # the watch that came when the key had none: it is not in Keyspace.watches. NULL: that has ended
    Slice key                    # owned, behind the struct


cdef struct WatchNode:
    # one client's watch of one key
    WatchNode* prev
    WatchNode* next              # of the same key
    WatchNode* sibling           # the same client's next watch
    WatchedKey* watched          # with the next field the key of Keyspace.watches
    Watches* watches             # whose it is
    Db* db
    bint expired                 # the key was there but expired when WATCH came


cdef struct Watches:
    # what one client watches, from its first WATCH on; it is freed in steps when that ends
    WatchNode* first
    uint64_t count
    bint dirty                   # some of it was changed: EXEC aborts
    bint sends                   # no client's: a key that is on its way to another server


cdef struct WaitingKey:
    # a key that at least one client is blocked on; in Db.waiting
    WaitNode* first              # first come, first served
    WaitNode* last
    bint ready                   # on the keyspace's ready list
    int removals                 # places of those who want to hear of a removal too
    Slice key                    # owned, behind the struct


cdef struct WaitNode:
    # one blocked client's place in one key's queue
    WaitNode* prev
    WaitNode* next
    WaitNode* sibling            # the same client's place in its next key's queue
    WaitingKey* waiting
    Db* db
    void* client                 # the Client; opaque on this floor
    bint removal                 # it wants to hear, too, when the key is deleted or gets another type


cdef struct ReadyKey:
    ReadyKey* next
    Db* db
    Slice key                    # owned, behind the struct


cdef struct Db:
    int32_t id
    KeyTable table
    HashTable watched            # WatchedKey
    HashTable waiting            # WaitingKey
    int64_t avg_ttl              # ms, sampled by active expiry
    uint64_t expire_cursor       # of kt_scan_expiring
    Keyspace* keyspace
    int32_t saved_as             # while a snapshot is saved beside the traffic: the number that the tables had when it began


cdef struct KeyspaceStats:
    uint64_t hits
    uint64_t misses
    uint64_t expired
    uint64_t expired_elements    # fields of hashes
    uint64_t expired_time_cap_reached
    uint64_t expire_cycle_us
    uint64_t evicted
    uint64_t evicted_scripts
    int64_t over_limit_us        # used memory was above maxmemory for so long, up to the last time it came below
    int64_t over_limit_since     # monotonic us, 0: it is not above, as far as known
    uint64_t lazyfreed
    double expired_stale_perc


cdef enum EventKind:
    EVENT_NOTIFICATION = 0       # for those who subscribed to it
    EVENT_CHANGED = 1            # for those who track the key: a client changed it
    EVENT_VANISHED = 2           # the same: it expired or was evicted
    EVENT_FLUSHED = 3            # for all who track anything: of no key is known what it is now


cdef struct EventRecord:
    # what somebody is to be told, in Effects.events; the key's bytes follow it
    const char* event            # of a notification: a literal
    size_t key_len
    int32_t db
    int32_t kind                 # an EventKind


cdef struct TrackedKey:
    # A key and the clients that have read it since it was last changed. The key's bytes follow, and behind them, at the next multiple of
    # eight, the clients' ids (uint64_t) in ascending order; how many fit is told by the block's size
    uint32_t key_len
    uint32_t count               # of ids


cdef struct Effects:
    # what the commands did, for the floors above
    int recording                # how many read `stream`: AOF, replicas, a test
    Stream stream
    Buf events                   # keyspace notifications of this command, and what it tells those who track keys: EventRecords
    bint events_lost             # for want of memory some of them were not kept
    ReadyKey* ready              # keys that blocked clients wait for and that were written
    ReadyKey* ready_last


cdef struct DeadTable:
    DeadTable* next              # flushed after it, while a walk saves them
    KeyTable table               # its entries are all to be freed
    uint64_t cursor              # of kt_scan, while a walk saves it
    int32_t saved_as             # as of the database that it was
    size_t bytes                 # that it holds, estimated


# Frees about so many items of something, and last of all what held them: True
ctypedef bint (*remains_fn)(void* remains, uint64_t items) noexcept nogil


cdef struct LazyItem:
    # what was deleted at once and is freed in steps: a value, a whole database or the remains of something else; the others are NULL
    Entry* entry
    DeadTable* table
    void* remains
    remains_fn free_some         # of the remains
    size_t bytes                 # that it still holds, estimated


cdef struct LazyFree:
    LazyItem* queue              # first deleted, first freed
    size_t first                 # the place of the one that is being freed
    size_t end                   # behind the last one
    size_t cap
    uint64_t freed               # items that are gone; with what is in the queue: how many were ever put into it
    Entry** drained              # large values out of the table that is being freed: they go before the rest of it
    size_t drained_count
    size_t drained_cap
    size_t bytes                 # of all items


cdef struct LiveSave:
    RdbWriter w                  # what was written and not taken yet
    RdbWriter aside              # the same, while a value in w is half written
    size_t summed                # bytes of w that its checksum covers
    size_t noted                 # bytes of both that are part of Keyspace.memory_overhead
    int32_t selected             # the database whose keys follow in the file, -1: none
    int32_t db                   # the one that is walked, by saved_as
    uint64_t cursor              # of kt_scan over it
    DeadTable* flushed           # tables of databases flushed since it began, to be walked before they are freed
    RdbPart part                 # the value that is half written
    bint half                    # there is one
    bint skipped                 # a bucket has to be seen again
    uint64_t keys                # saved
    uint64_t total               # that were there when it began
    bint finished                # w ends with the file's end
    bint may_fork                # a child may go on with it, once a value that is too large to be saved at once is about to change
    int child                    # the process that goes on, 0: none. `from_child` brings the rest of the file's bytes
    int from_child               # owned descriptor
    int64_t fork_us              # that it took to make the child
    SavingChild going_on         # of the child


cdef enum:
    EVICTION_POOL = 16           # candidates kept from one eviction to the next


cdef struct Candidate:
    # a key that may be evicted
    uint64_t score               # the higher, the more dispensable
    int32_t db
    Slice key                    # owned


cdef struct Keyspace:
    Db** dbs
    int db_count
    Settings* settings           # owned by the engine
    Account* account             # owned by the engine; used_memory
    Clock clock
    Random random
    HashTable watches            # WatchNode by watched key and client, of all databases, but for the WatchedKeys' `alone`
    Effects effects
    Libraries libraries          # of functions: of no database, but saved, propagated and loaded as keys are
    LazyFree lazy
    KeyspaceStats stats
    int64_t dirty                # changes since the last save
    int64_t memory_overhead      # bytes that maxmemory leaves out: replicas' output buffers, AOF buffers
    Candidate[EVICTION_POOL] eviction_pool   # from the least to the most dispensable
    int eviction_count
    int evict_db                 # where random eviction took its last key
    bint evicting                # the time for eviction was over before memory was below maxmemory: it goes on between turns
    int expire_db                # where active expiry goes on
    int expire_elements_db       # where that of elements does
    bint compacting              # a pass of compaction is on its way
    int compact_db               # where it goes on
    uint64_t compact_cursor      # of kt_scan over that database
    LiveSave* live               # a snapshot that is being saved beside the traffic, or NULL
    uint8_t epoch                # of the last one, among the bits of ENTRY_EPOCH
    int epochs                   # that began since every entry was marked with the last one
    int32_t settling_db          # the database, by saved_as, whose entries are marked anew
    uint64_t settling            # of kt_scan over it
    size_t compact_above         # bytes: no new pass unless sparse slabs take more
    HashTable tracked            # TrackedKey: what clients may have in their caches, of all databases together
    bint tracking                # some client tracks keys, or did: it is told what changes
    bint broadcasting            # some client is told of keys that nobody read: all with a prefix
    bint loading                 # a dataset is being loaded: nothing expires, nothing is propagated
    bint obeys                   # what is being run comes from a primary: nothing has expired before that one says so
    bint expiry_paused           # CLIENT PAUSE WRITE and scripts: keys do not vanish
    bint replica                 # a replica does not expire on its own
    bint no_touch                # the command's client does not want LRU and LFU changed
