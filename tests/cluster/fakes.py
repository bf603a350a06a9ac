"""What a cluster's node has around it, for tests without a server."""

from __future__ import annotations


class FakeSlots:
    """The core's table of slots, without a core: keeps what it is told."""

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[bytes, bytes]] = {}
        self.owners: dict[int, tuple[int, int]] = {}
        self.moving: dict[int, tuple[str, int]] = {}
        self.state = (False, False, False)
        self.held: dict[int, list[bytes]] = {}

    def set_node(self, index: int, plain: bytes, tls: bytes) -> None:
        """Where clients find a node."""
        self.nodes[index] = plain, tls

    def assign(self, first: int, last: int, index: int, kind: int) -> None:
        """Whose slots are."""
        self.owners.update(dict.fromkeys(range(first, last + 1), (index, kind)))

    def migrate(self, slot: int, index: int) -> None:
        """A slot goes."""
        self.moving[slot] = "to", index

    def import_(self, slot: int, index: int) -> None:
        """A slot comes."""
        self.moving[slot] = "from", index

    def settle(self, slot: int) -> None:
        """A slot stays."""
        self.moving.pop(slot, None)

    def set_state(self, ok: bool, reads_when_down: bool, shards_when_down: bool) -> None:
        """Whether the cluster serves."""
        self.state = ok, reads_when_down, shards_when_down

    def count(self, slot: int) -> int:
        """Keys of a slot."""
        return len(self.held.get(slot, ()))

    def keys(self, slot: int, most: int) -> list[bytes]:
        """Some keys of a slot."""
        return self.held.get(slot, [])[:most]

    def flush(self, slot: int) -> None:
        """The slot is empty."""
        self.held.pop(slot, None)

    def count_use(self, wanted: bool) -> None:
        """Whether use is counted."""

    def stats(self, slot: int) -> tuple[int, int, int, int]:
        """Keys, and no use."""
        return self.count(slot), 0, 0, 0


class FakeReplication:
    """Replication that keeps whom it follows."""

    def __init__(self) -> None:
        self.primary: tuple[str, int] | None = None
        self.paused = False
        self.at = 0
        self.silent: float | None = 0.0

    def follow(self, address: tuple[str, int]) -> None:
        """Follows a primary."""
        self.primary = address

    def lead(self) -> None:
        """Follows nobody."""
        self.primary = None

    def pause_writes(self, paused: bool) -> None:
        """Has writes wait."""
        self.paused = paused

    def offset(self) -> int:
        """Of what was written."""
        return self.at

    def silence(self) -> float | None:
        """Seconds since the primary was heard of."""
        return self.silent
