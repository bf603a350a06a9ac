"""What a node of a cluster tells the core, and asks of it.

Bus, elections and CLUSTER's subcommands are above; the core is told whose each slot is, and answers every command by that.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint64_t
from zippy._core.commands.cluster cimport (
    SLOT_MINE, SLOT_NOBODYS, SLOT_OTHERS, SLOT_PRIMARYS, Cluster, SlotPlace, cluster_begin, cluster_flush_some,
    cluster_leave_channels, cluster_of, cluster_redirect_blocked, cluster_set_node
)
from zippy._core.commands.engine cimport engine_use
from zippy._core.commands.slot_use cimport slot_use_count
from zippy._core.commands.types cimport SlotUse
from zippy._core.ground.clock cimport clock_ticks_per_us
from zippy._core.ground.crc cimport SLOTS as SLOT_COUNT, key_slot as slot_of
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.keyspace.key_table cimport kt_count, kt_count_slot, kt_scan_slot
from zippy._core.session cimport Core
from zippy._core.values.entry cimport Entry, entry_key

cdef enum:
    FLUSH_KEYS = 200         # of a lost slot, deleted in one step; some 2 us each
    NODES = 65535

SLOTS = SLOT_COUNT
MINE, PRIMARYS, OTHERS, NOBODYS = SLOT_MINE, SLOT_PRIMARYS, SLOT_OTHERS, SLOT_NOBODYS


def key_slot(bytes key):
    """The slot of a key: of what is between its first { and the next }, if there is something."""
    return slot_of(slice_of(<const char*>key, len(key)))


cdef void append_key(void* context, void* item) noexcept with gil:
    cdef Slice key = entry_key(<Entry*>item)
    (<list>context).append(PyBytes_FromStringAndSize(key.ptr, key.len))


cdef int checked(int slot) except -1:
    if not 0 <= slot < SLOT_COUNT:
        raise ValueError(f"there is no slot {slot}")
    return slot


@cython.final
cdef class ClusterMap:
    """Whose each slot is, as the gate reads it, and the keys of slots. Until `enable` nothing asks it."""

    cdef readonly Core core
    cdef list lost               # slots that are being flushed
    cdef bint scheduled          # a step of that is
    cdef int listed              # slot whose keys were listed last
    cdef uint64_t listed_from    # the cursor at which the first of them were

    def __init__(self, Core core):
        self.core = core
        self.lost = []

    @property
    def enabled(self):
        """Whether the core is a node of a cluster."""
        return self.core.engine.cluster != NULL

    def enable(self):
        """Makes the core a node of a cluster, before any data is there: all slots nobody's, the cluster down."""
        cdef int i
        for i in range(self.core.engine.ks.db_count):
            if kt_count(&self.core.engine.ks.dbs[i].table):
                raise ValueError("there is data already")
        if self.core.engine.cluster == NULL:
            engine_use(self.core.engine)
            cluster_begin(self.core.engine)

    cdef Cluster* map(self) except NULL:
        if self.core.engine.cluster == NULL:
            raise ValueError("this is no node of a cluster")
        engine_use(self.core.engine)
        return cluster_of(self.core.engine)

    cdef SlotPlace* place(self, int slot) except NULL:
        return &self.map().places[checked(slot)]

    # Whose slots are

    def set_node(self, int index, bytes plain, bytes tls):
        """Where clients find node `index` (0 to 65534, chosen by the caller): "host:port" as MOVED tells it, for those with TLS apart."""
        if not 0 <= index < NODES:
            raise ValueError(f"there is no node {index}")
        if not cluster_set_node(
            self.map(), index, slice_of(<const char*>plain, len(plain)), slice_of(<const char*>tls, len(tls))
        ):
            raise MemoryError

    def assign(self, int first, int last, int index, int kind):
        """Says whose the slots from first to last are: node `index`, which does not matter to NOBODYS.

        Who waits for keys in a slot that is another's now is told so, and so are subscribers of shard channels. A slot that was
        migrating or coming in goes on doing so, until `settle`.
        """
        cdef Cluster* k = self.map()
        cdef int slot
        if not (0 <= index < NODES and 0 <= kind <= <int>SLOT_NOBODYS):
            raise ValueError(f"there is no node {index} or no kind {kind}")
        for slot in range(checked(first), checked(last) + 1):
            k.places[slot].kind = kind
            k.places[slot].node = index
            if kind == SLOT_MINE and slot in self.lost:
                self.finish(slot)
        self.review()

    def migrate(self, int slot, int index):
        """This node's slot is moving to node `index`: what is not here any more is asked for there."""
        self.place(slot).migrating = index

    def import_(self, int slot, int index):
        """A slot is coming here from node `index`: who says ASKING is served."""
        self.place(slot).importing = index
        if slot in self.lost:
            self.finish(slot)

    def settle(self, int slot):
        """Ends `migrate` and `import_` of a slot."""
        self.place(slot).migrating = self.place(slot).importing = -1
        self.review()

    def owner(self, int slot):
        """The node's index and the kind, as they were assigned."""
        return self.place(slot).node, self.place(slot).kind

    def set_state(self, bint ok, bint reads_when_down, bint shards_when_down):
        """Whether the cluster is well, and if not, whether reads and shard channels are served nevertheless."""
        cdef Cluster* k = self.map()
        k.ok = ok
        k.reads_when_down = reads_when_down
        k.shards_when_down = shards_when_down
        self.review()

    cdef int review(self) except -1:
        """Tells clients what has ended for them."""
        self.core.begin_turn()
        engine_use(self.core.engine)
        cluster_redirect_blocked(self.core.engine)
        cluster_leave_channels(self.core.engine)
        return 0

    # Keys of slots

    def count(self, int slot):
        """How many keys the slot has, those that have expired and are still there among them."""
        self.map()
        return kt_count_slot(&self.core.engine.ks.dbs[0].table, checked(slot))

    def keys(self, int slot, Py_ssize_t most):
        """Some keys of a slot, all if they are no more than `most`.

        Begins where the last list of the slot did, so that who takes the listed keys away and asks again does not walk over what he has
        emptied.
        """
        cdef list found
        most = min(most, <Py_ssize_t>self.count(slot))
        if slot != self.listed:
            self.listed = slot
            self.listed_from = 0
        found = self.keys_from(self.listed_from, most)
        if len(found) < most:
            # there are some before it
            found = self.keys_from(0, most)
        return found[:max(most, 0)]

    cdef list keys_from(self, uint64_t cursor, Py_ssize_t most):
        """The keys of the slot `listed` from a cursor on, no less than `most` if there are so many; notes where the first of them are."""
        cdef list found = []
        while len(found) < most:
            if not found:
                self.listed_from = cursor
            cursor = kt_scan_slot(&self.core.engine.ks.dbs[0].table, self.listed, cursor, append_key, <void*>found)
            if cursor == 0:
                break
        return found

    def flush(self, int slot):
        """Deletes what the slot holds: it is another's. In steps between turns; at once if the slot is assigned as MINE meanwhile."""
        if self.count(slot) and slot not in self.lost:
            self.lost.append(slot)
            self.go_on()

    @property
    def flushing(self):
        """Whether a slot is being flushed."""
        return bool(self.lost)

    def flush_some(self, uint64_t keys):
        """Deletes so many keys of the slots that are being flushed; whether there are more. The core's loop does this by itself."""
        cdef int slot
        if self.lost:
            slot = self.lost[0]
            self.core.begin_turn()
            engine_use(self.core.engine)
            if not cluster_flush_some(self.core.engine, slot, keys):
                self.lost.remove(slot)
        return bool(self.lost)

    cdef int finish(self, int slot) except -1:
        """Flushes a slot to its end: it is about to get keys."""
        self.core.begin_turn()
        engine_use(self.core.engine)
        cluster_flush_some(self.core.engine, slot, kt_count_slot(&self.core.engine.ks.dbs[0].table, slot))
        self.lost.remove(slot)
        return 0

    cdef int go_on(self) except -1:
        """Has the next step done; where nobody does anything between turns, all of it is done now."""
        if self.core.schedule_free is None:
            while self.flush_some(FLUSH_KEYS):
                pass
        elif not self.scheduled:
            self.scheduled = True
            self.core.schedule_free(self.step)
        return 0

    def step(self):
        """One step of the flushing, arranged by itself."""
        self.scheduled = False
        if self.flush_some(FLUSH_KEYS):
            self.go_on()

    # Use by slot

    def count_use(self, bint wanted):
        """Whether use is counted by slot: the setting cluster-slot-stats-enabled. What was counted is forgotten."""
        self.map()
        slot_use_count(self.core.engine, wanted)

    def reset_stats(self):
        """Forgets what was counted (CONFIG RESETSTAT)."""
        self.count_use(self.core.engine.slot_use != NULL)

    def stats(self, int slot):
        """Keys, CPU microseconds, bytes received and sent of a slot's commands, counted while `count_use` says so."""
        cdef SlotUse use = SlotUse(0, 0, 0)
        if self.core.engine.slot_use != NULL:
            use = self.core.engine.slot_use[checked(slot)]
        return self.count(slot), int(use.ticks / clock_ticks_per_us()), use.bytes_in, use.bytes_out
