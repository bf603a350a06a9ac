"""What a command does beside its reply: keyspace events and the count of changes."""

from __future__ import annotations

from tests.resp import RawClient


class Listener:
    """Hears the keyspace events of a connection's commands, and counts its changes."""

    def __init__(self, raw: RawClient, listener: RawClient) -> None:
        self.raw = raw
        self.listener = listener
        raw("CONFIG", "SET", "notify-keyspace-events", "KEAnocm")
        listener("PSUBSCRIBE", "__keyevent@0__:*")
        self.hear()

    def hear(self) -> list[str]:
        """The events since the last call, as "set key"."""
        events = (reply.value for reply in self.listener.read_until(b"fence"))
        return [f"{event[2].value.split(b':')[1].decode()} {event[3].value.decode()}" for event in events]

    def changes(self) -> int:
        """rdb_changes_since_last_save."""
        for line in self.raw("INFO", "persistence").value.split(b"\r\n"):
            if line.startswith(b"rdb_changes_since_last_save:"):
                return int(line.split(b":")[1])
        raise AssertionError("INFO has no rdb_changes_since_last_save")

    def __call__(self, *command: object) -> tuple[list[str], int]:
        """Run a command: its events, and by how much rdb_changes_since_last_save moved."""
        before = self.changes()
        self.hear()
        self.raw(*command)  # type: ignore[arg-type]
        return self.hear(), self.changes() - before
