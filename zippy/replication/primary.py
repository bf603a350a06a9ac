"""A replica as its primary knows it, without input and output: what it said of itself, how far its copy is, what it has acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How far a replica is."""

    INTRODUCING = "introducing"  # it has not asked for data yet
    WAITING = "wait_bgsave"  # for a save that begins
    COPYING = "send_bulk"  # the save's bytes are on their way
    ONLINE = "online"  # it gets the stream


class ConfError(Exception):
    """What REPLCONF is answered."""


@dataclass
class Replica:
    """One replica. Times are seconds of one clock."""

    state: State = State.INTRODUCING
    port: int = 0
    address: str = ""  # that it says it has
    eof: bool = False  # takes a copy whose length is not known before
    psync2: bool = False  # understands a new id in +CONTINUE
    rdb_only: bool = False
    keyless: bool = False  # wants a copy without keys
    libraries: bool = True  # wants the libraries of functions
    acked: int = 0  # offset
    synced: int = 0  # offset that is on its disk
    heard_at: float = 0.0
    waits_for_ack: bool = False  # before the stream begins: it has to say that it has loaded the copy
    old: bool = False  # asked by SYNC, so it acknowledges nothing

    def configure(self, option: str, value: str) -> None:
        """One pair of REPLCONF's. ConfError."""
        if option == "listening-port":
            self.port = whole(value)
        elif option == "ip-address":
            if len(value) > 46:
                raise ConfError(f"ERR REPLCONF ip-address provided by replica instance is too long: {len(value)} bytes")
            self.address = value
        elif option == "capa":
            self.eof |= value.lower() == "eof"
            self.psync2 |= value.lower() == "psync2"
        elif option == "rdb-only":
            self.rdb_only = whole(value) == 1
        elif option == "rdb-filter-only":
            words = value.lower().split()
            for word in words:
                if word != "functions":
                    raise ConfError(f"ERR Unsupported rdb-filter-only option: {word}")
            self.keyless = True
            self.libraries = bool(words)
        elif option == "rdb-channel":
            whole(value)
        elif option == "main-ch-client-id":
            raise ConfError(f"ERR Unrecognized RDB client id: {value}")
        else:
            raise ConfError(f"ERR Unrecognized REPLCONF option: {option}")

    def acknowledge(self, offset: int, synced: int | None, now: float) -> bool:
        """It has applied the stream up to here, and has it on disk up to there; True: its copy is loaded, the stream may begin."""
        self.acked = max(self.acked, offset)
        if synced is not None:
            self.synced = max(self.synced, synced)
        self.heard_at = now
        ready, self.waits_for_ack = self.waits_for_ack, False
        return ready

    def lag(self, now: float) -> int:
        """Whole seconds since it was heard of."""
        return max(int(now - self.heard_at), 0)

    def is_good(self, now: float, most_lag: int) -> bool:
        """Whether it counts for min-replicas-to-write."""
        return self.state is State.ONLINE and not self.waits_for_ack and self.lag(now) <= most_lag


def whole(value: str) -> int:
    """A whole number; ConfError."""
    try:
        return int(value)
    except ValueError:
        raise ConfError("ERR value is not an integer or out of range") from None
