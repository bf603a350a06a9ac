"""A replica's side of the link to its primary, without input and output: bytes in, bytes and decisions out.

PING, AUTH and what the replica says of itself come first, then PSYNC. Its reply is a full copy of the data, in one of two framings, or the
word that the stream goes on; behind either comes the stream of commands without an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

LONGEST_LINE = 4096  # bytes: no reply of a handshake is longer
MOST_OFFSET = 2**62  # from there on a stream would take longer than anybody can wait to come to the largest number
MARK = 40  # bytes of what ends a copy whose length is not known before


@dataclass(frozen=True)
class Send:
    """Bytes for the primary."""

    data: bytes


@dataclass(frozen=True)
class Copy:
    """A full copy comes, from which on the history with this id (None: of no name) goes on at the offset."""

    id: str | None
    offset: int


@dataclass(frozen=True)
class Size:
    """The copy's bytes; None: not known."""

    size: int | None


@dataclass(frozen=True)
class Piece:
    """The next bytes of the copy."""

    data: bytes


@dataclass(frozen=True)
class Copied:
    """The copy is complete."""


@dataclass(frozen=True)
class Continue:
    """The stream goes on where it was left; id: the history's new one, None: it has the one it had."""

    id: str | None


@dataclass(frozen=True)
class Stream:
    """The next bytes of the stream."""

    data: bytes


@dataclass(frozen=True)
class Failed:
    """The link is of no use; for the log."""

    reason: str


@dataclass(frozen=True)
class Declined:
    """The other one does not take over, so the link is of no use; for the log."""

    reason: str


@dataclass(frozen=True)
class Note:
    """Something for the log that changes nothing."""

    text: str


Decision: TypeAlias = Send | Copy | Size | Piece | Copied | Continue | Stream | Failed | Declined | Note


class Step(Enum):
    """What is waited for."""

    PING = "ping"
    INTRODUCED = "introduced"  # the replies to what the replica said of itself
    PSYNC = "psync"
    SIZE = "size"
    KNOWN = "known"  # a copy of known length
    MARKED = "marked"  # one that a mark ends
    LOADING = "loading"  # who loads the copy
    STREAM = "stream"
    OVER = "over"


def is_id(word: str) -> bool:
    """Whether this can be a history's."""
    return len(word) == 40 and word.isascii()


@dataclass(frozen=True)
class Introduction:
    """What a replica says of itself."""

    port: int  # 0: it does not say, and is none that lasts
    address: str = ""
    user: str = ""
    password: str = ""
    id: str = "?"  # of the history that it has a part of
    offset: int = -1  # of the first byte that it wants, counted from 1
    failover: bool = False  # the other one is to be the primary from now on
    copy_only: bool = False  # it leaves when it has a copy


def request(*words: str) -> bytes:
    """A command as wire bytes."""
    parts = [word.encode(errors="surrogateescape") for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Link:
    """One connection's life. `begin`, then `receive` with whatever comes; `loaded` when a copy that was told of is in memory."""

    def __init__(self, introduction: Introduction) -> None:
        self.introduction = introduction
        self.step = Step.PING
        self.buffer = b""  # what is not understood yet
        self.said: list[str] = []  # what was said and has no reply yet
        self.left = 0  # bytes of a copy of known length
        self.mark = b""

    def begin(self) -> list[Decision]:
        """The first words."""
        return [Send(request("PING"))]

    def receive(self, data: bytes) -> list[Decision]:
        """What the primary's next bytes come to."""
        decisions: list[Decision] = []
        self.buffer += data
        while self.buffer and self.step is not Step.OVER:
            before = len(self.buffer), self.step
            self.advance(decisions)
            if (len(self.buffer), self.step) == before:
                break
        return decisions

    def advance(self, decisions: list[Decision]) -> None:
        """Understands some more of what is there."""
        if self.step is Step.STREAM:
            data, self.buffer = self.buffer, b""
            decisions.append(Stream(data))
        elif self.step is Step.KNOWN:
            self.take_known(decisions)
        elif self.step is Step.MARKED:
            self.take_marked(decisions)
        elif self.step is not Step.LOADING:
            self.take_line(decisions)

    def fail(self, decisions: list[Decision], reason: str) -> None:
        """Nothing more comes of this link."""
        self.step = Step.OVER
        self.buffer = b""
        decisions.append(Failed(reason))

    def decline(self, decisions: list[Decision], reason: str) -> None:
        """PSYNC has failed, so this server is the primary as before if the other one was to be it."""
        self.fail(decisions, reason)
        if self.introduction.failover:
            decisions[-1] = Declined(reason)

    # Copies

    def take_known(self, decisions: list[Decision]) -> None:
        """The next bytes of a copy of known length."""
        piece, self.buffer = self.buffer[: self.left], self.buffer[self.left :]
        self.left -= len(piece)
        decisions.append(Piece(piece))
        if self.left == 0:
            self.copied(decisions)

    def take_marked(self, decisions: list[Decision]) -> None:
        """The next bytes of a copy that a mark ends: what may be a part of the mark stays."""
        at = self.buffer.find(self.mark)
        if at >= 0:
            if at:
                decisions.append(Piece(self.buffer[:at]))
            self.buffer = self.buffer[at + MARK :]
            self.copied(decisions)
        elif len(self.buffer) >= MARK:
            whole = len(self.buffer) - (MARK - 1)
            decisions.append(Piece(self.buffer[:whole]))
            self.buffer = self.buffer[whole:]

    def copied(self, decisions: list[Decision]) -> None:
        """The stream follows: what came of it with the copy's last bytes waits until that is loaded."""
        self.step = Step.LOADING
        decisions.append(Copied())

    def loaded(self) -> list[Decision]:
        """The copy is loaded; what has come of the stream."""
        self.step = Step.STREAM
        return self.receive(b"")

    # Lines

    def take_line(self, decisions: list[Decision]) -> None:
        """The next line, if it is all there."""
        line, end, rest = self.buffer.partition(b"\n")
        if not end:
            if len(line) > LONGEST_LINE:
                self.fail(decisions, "the primary's reply is too long")
            return
        self.buffer = rest
        text = line.rstrip(b"\r").decode(errors="replace")
        # an empty line keeps the connection alive while the copy is being made
        if text:
            self.understand(text, decisions)

    def understand(self, line: str, decisions: list[Decision]) -> None:
        """What a reply means."""
        refused = line.startswith("-")
        if self.step is Step.PING:
            if refused and not line.startswith(("-NOAUTH", "-NOPERM", "-ERR operation not permitted")):
                self.fail(decisions, f"Error reply to PING from master: '{line}'")
                return
            if not refused and not line.startswith("+"):
                self.fail(decisions, f"Unexpected reply to PING from master: '{line}'")
                return
            decisions.append(Note("Master replied to PING, replication can continue..."))
            self.introduce(decisions)
        elif self.step is Step.INTRODUCED:
            self.note_reply(line, decisions)
        elif self.step is Step.PSYNC:
            self.understand_psync(line, decisions)
        else:
            self.understand_size(line, decisions)

    def introduce(self, decisions: list[Decision]) -> None:
        """All that the replica says of itself, at once."""
        who = self.introduction
        said: list[tuple[str, ...]] = []
        if who.password:
            said.append(("AUTH", who.user, who.password) if who.user else ("AUTH", who.password))
        if who.port:
            said.append(("REPLCONF", "listening-port", str(who.port)))
        if who.address:
            said.append(("REPLCONF", "ip-address", who.address))
        said.append(("REPLCONF", "capa", "eof", "capa", "psync2"))
        if who.copy_only:
            said.append(("REPLCONF", "rdb-only", "1"))
        self.said = [words[0] if words[0] == "AUTH" else words[1] for words in said]
        self.step = Step.INTRODUCED
        decisions.append(Send(b"".join(request(*words) for words in said)))

    def note_reply(self, line: str, decisions: list[Decision]) -> None:
        """A reply to that. An old primary may not understand what it is told, which is no reason to go."""
        what = self.said.pop(0)
        if line.startswith("-"):
            if what == "AUTH":
                self.fail(decisions, f"Unable to AUTH to MASTER: {line}")
                return
            decisions.append(Note(f"(Non critical) Master does not understand REPLCONF {what}: {line}"))
        if not self.said:
            self.step = Step.PSYNC
            who = self.introduction
            decisions.append(Send(request("PSYNC", who.id, str(who.offset), *(["FAILOVER"] if who.failover else []))))

    def understand_psync(self, line: str, decisions: list[Decision]) -> None:
        """The reply to PSYNC."""
        words = line.split() or [""]
        if words[0] == "+FULLRESYNC":
            if len(words) != 3 or not is_id(words[1]) or not words[2].isdecimal() or int(words[2]) > MOST_OFFSET:
                self.decline(decisions, f"Master replied with wrong +FULLRESYNC syntax: '{line}'")
                return
            self.step = Step.SIZE
            decisions.append(Copy(words[1], int(words[2])))
        elif words[0] == "+CONTINUE":
            self.step = Step.STREAM
            decisions.append(Continue(words[1] if len(words) > 1 and is_id(words[1]) else None))
        elif words[0] in ("-NOMASTERLINK", "-LOADING"):
            self.decline(decisions, f"Master is currently unable to PSYNC but should be in the future: {line}")
        elif line.startswith("-") and self.introduction.failover:
            self.decline(decisions, f"Failover target rejected psync request: {line}")
        elif line.startswith("-"):
            decisions.append(Note(f"Master does not support PSYNC or is in error state (reply: {line}): asking for SYNC"))
            self.step = Step.SIZE
            decisions.append(Copy(None, -1))
            decisions.append(Send(b"SYNC\r\n"))
        else:
            self.decline(decisions, f"Unexpected reply to PSYNC from master: '{line}'")

    def understand_size(self, line: str, decisions: list[Decision]) -> None:
        """The line before a copy."""
        if line.startswith("$EOF:") and len(line) == len("$EOF:") + MARK:
            self.mark = line[len("$EOF:") :].encode()
            self.step = Step.MARKED
            decisions.append(Size(None))
        elif line.startswith("$") and line[1:].isdecimal():
            self.left = int(line[1:])
            self.step = Step.KNOWN
            decisions.append(Size(self.left))
            if self.left == 0:
                self.copied(decisions)
        elif line.startswith("-"):
            self.fail(decisions, f"MASTER aborted replication with an error: {line}")
        else:
            self.fail(decisions, f"Bad protocol from MASTER, the first byte is not '$' (we received '{line[:100]}')")
