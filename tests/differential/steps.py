"""What a sequence is made of: steps (one command on one connection) and units (steps that only make sense together)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

LISTENERS = (8, 9)
"""Connections that may subscribe: everything they receive is compared, not one reply a command."""

CLIENT_OF = b"@client-"


def client_of(connection: int) -> bytes:
    """An argument that stands for the id of a connection, whatever a server calls it."""
    return CLIENT_OF + b"%d" % connection



@dataclass(frozen=True)
class Step:
    """One command. `check` names the comparison ("auto": chosen by the command; "clock": no command, the clock moves on by so
    many ms); with `wait` false the reply is read when the connection is used next, so that the command may block meanwhile."""

    args: tuple[bytes, ...]
    connection: int = 0
    check: str = "auto"
    wait: bool = True

    @property
    def name(self) -> str:
        """The command's name in capitals."""
        return self.args[0].decode("latin-1").upper() if self.args else ""


@dataclass(frozen=True)
class Unit:
    """Steps that are kept or dropped together; `atomic` units are not shortened from inside either."""

    steps: tuple[Step, ...]
    atomic: bool = False

    def with_steps(self, steps: Iterable[Step]) -> Unit:
        """The same unit with other steps."""
        return replace(self, steps=tuple(steps))


def quoted(arg: bytes) -> str:
    """An argument as redis-cli reads it from its input."""
    if arg and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in arg):
        return arg.decode()
    escapes = {34: '\\"', 92: "\\\\", 10: "\\n", 13: "\\r", 9: "\\t"}
    text = "".join(escapes.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in arg)
    return f'"{text}"'


def line(step: Step) -> str:
    """A step as a line for redis-cli."""
    return " ".join(quoted(arg) for arg in step.args)


def listing(units: Iterable[Unit], limit: int = 300) -> str:
    """Units as lines for redis-cli; a comment names the connection when it changes and what is more than a command."""
    lines = []
    connection = 0
    for step in (step for unit in units for step in unit.steps):
        if step.connection != connection:
            connection = step.connection
            lines.append(f"# on connection {connection}:")
        notes = []
        if not step.wait:
            notes.append("don't wait for the reply")
        if step.check in ("scan", "exchange"):
            notes.append({"scan": "go on until the cursor is 0", "exchange": "RESTORE the other server's DUMP"}[step.check])
        text = f"# {step.args[1].decode()} ms later" if step.check == "clock" else line(step)
        lines.append(text if len(text) <= limit * 10 else text[: limit * 10] + " ...")
        lines += [f"# ^ {note}" for note in notes]
    return "\n".join(lines)
