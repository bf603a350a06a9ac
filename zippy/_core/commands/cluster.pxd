"""A node of a cluster as commands see it: whose each slot is, what the gate says of keys, and who has to be told when that changes."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint16_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.ground.crc cimport SLOTS
from zippy._core.commands.types cimport (
    CLIENT_MULTI, CLUSTER_ASKED, CLUSTER_ASKING, Call, Client, Command, Engine, ScriptRights
)


cdef enum SlotKind:
    SLOT_MINE = 0
    SLOT_PRIMARYS = 1            # this node is a replica of who has it
    SLOT_OTHERS = 2
    SLOT_NOBODYS = 3             # no node has it

cdef enum:
    ENDPOINT_MAX = 300           # bytes of "host:port"


cdef struct ClusterNode:
    # where clients find it, "host:port"; owned, ptr NULL: not known
    Slice plain
    Slice tls


cdef struct SlotPlace:
    uint16_t kind                # a SlotKind
    uint16_t node                # whose it is, in Cluster.nodes
    int32_t migrating            # the node that it is moving to, -1: none
    int32_t importing            # the node that it is coming from, -1: none


cdef struct Cluster:
    # of an engine that is a node; what it says comes from above
    SlotPlace* places            # SLOTS of them
    ClusterNode* nodes
    size_t node_count
    bint ok                      # the cluster is well; else keys are not served,
    bint reads_when_down         # but for reading
    bint shards_when_down        # and shard channels
    bint calm                    # but for slots, nothing about the engine's state keeps any command from running


cdef inline Cluster* cluster_of(const Engine* e) noexcept nogil:
    """What the engine knows as a node of a cluster, NULL: it is none."""
    return <Cluster*>e.cluster


cdef inline void end_asking(Client* c) noexcept nogil:
    """A command of the client's comes: ASKING holds for one, or for a transaction whose MULTI is that one."""
    if c.cluster & CLUSTER_ASKED and not c.flags & CLIENT_MULTI:
        c.cluster &= ~<uint32_t>CLUSTER_ASKED
    if c.cluster & CLUSTER_ASKING:
        c.cluster = c.cluster & ~<uint32_t>CLUSTER_ASKING | CLUSTER_ASKED


cdef void cluster_begin(Engine* e) noexcept nogil                # makes the engine a node: all slots nobody's, the cluster down
cdef void cluster_free(Engine* e) noexcept nogil
cdef bint cluster_set_node(Cluster* k, size_t index, Slice plain, Slice tls) noexcept nogil      # copies; False: out of memory

# The gate: whether this node serves a command of the client's now, else replies with where it is served, or why it is not
cdef bint cluster_admits(Engine* e, Client* c, const Command* command, int argc, const Slice* argv, bint is_exec) noexcept nogil
# The same without a reply, for a plain command of one key: False says nothing
cdef bint cluster_surely_admits(Engine* e, Client* c, const Command* command, int argc, const Slice* argv) noexcept nogil
# The same of a script's command, which replies to c; the caller's own keys have passed the gate
cdef bint cluster_admits_in_script(
    Engine* e, Client* c, Client* caller, const ScriptRights* rights, const Command* command, int argc, const Slice* argv
) noexcept nogil
# Of a script that is about to run and may write, though its command does not tell
cdef bint cluster_admits_writing(Engine* e, Client* c) noexcept nogil

# Answers those who wait for keys that this node does not serve any more
cdef void cluster_redirect_blocked(Engine* e) noexcept nogil
# Ends subscriptions to shard channels whose slots are others' now, and tells their subscribers
cdef void cluster_leave_channels(Engine* e) noexcept nogil
# Deletes about so many keys of a slot that is another node's; whether there are more
cdef bint cluster_flush_some(Engine* e, int slot, uint64_t keys) noexcept nogil

cdef void asking_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void readonly_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
cdef void readwrite_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
