"""What a node of a cluster tells the core, and asks of it; what each function does is said in cluster.pyx.

MINE, PRIMARYS, OTHERS, NOBODYS: whose a slot is. MINE: this node's. PRIMARYS: this node is a replica of who has it. OTHERS: another
node's. NOBODYS: no node's.
"""

from typing import final

from zippy._core.session import Core

SLOTS: int
MINE: int
PRIMARYS: int
OTHERS: int
NOBODYS: int

def key_slot(key: bytes) -> int:
    """The slot of a key: of what is between its first { and the next }, if there is something."""

@final
class ClusterMap:
    """Whose each slot is, as the gate reads it, and the keys of slots. Until `enable` nothing asks it."""
    def __init__(self, core: Core) -> None: ...
    @property
    def core(self) -> Core: ...
    @property
    def enabled(self) -> bool: ...
    def enable(self) -> None:
        """Makes the core a node of a cluster, before any data is there: all slots nobody's, the cluster down."""
    def set_node(self, index: int, plain: bytes, tls: bytes) -> None:
        """Where clients find node `index` (0 to 65534, chosen by the caller): "host:port" as MOVED tells it, for those with TLS apart."""
    def assign(self, first: int, last: int, index: int, kind: int) -> None:
        """Says whose the slots from first to last are: node `index`, which does not matter to NOBODYS.

        Who waits for keys in a slot that is another's now is told so, and so are subscribers of shard channels. A slot that was
        migrating or coming in goes on doing so, until `settle`.
        """
    def migrate(self, slot: int, index: int) -> None:
        """This node's slot is moving to node `index`: what is not here any more is asked for there."""
    def import_(self, slot: int, index: int) -> None:
        """A slot is coming here from node `index`: who says ASKING is served."""
    def settle(self, slot: int) -> None:
        """Ends `migrate` and `import_` of a slot."""
    def set_state(self, ok: bool, reads_when_down: bool, shards_when_down: bool) -> None:
        """Whether the cluster is well, and if not, whether reads and shard channels are served nevertheless."""
    def owner(self, slot: int) -> tuple[int, int]:
        """The node's index and the kind, as they were assigned."""
    def count(self, slot: int) -> int:
        """How many keys the slot has, those that have expired and are still there among them."""
    def keys(self, slot: int, most: int) -> list[bytes]:
        """Some keys of a slot, all if they are no more than `most`."""
    def flush(self, slot: int) -> None:
        """Deletes what the slot holds: it is another's. In steps between turns; at once if the slot is assigned as MINE meanwhile."""
    @property
    def flushing(self) -> bool:
        """Whether a slot is being flushed."""
    def flush_some(self, keys: int) -> bool:
        """Deletes so many keys of the slots that are being flushed; whether there are more. The core's loop does this by itself."""
    def stats(self, slot: int) -> tuple[int, int, int, int]:
        """Keys, CPU microseconds, bytes received and sent of a slot's commands, counted while `count_use` says so."""
    def count_use(self, wanted: bool) -> None:
        """Whether use is counted by slot: the setting cluster-slot-stats-enabled. What was counted is forgotten."""
    def step(self) -> None:
        """One step of the flushing, arranged by itself."""
    def reset_stats(self) -> None:
        """Forgets what was counted (CONFIG RESETSTAT)."""
