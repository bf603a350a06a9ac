"""Commands that fail, hang or lose their connection because a test wants them to."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod

from zippy._core.session import Session
from zippy.inprocess.engine import Engine, host_of
from zippy.testing.requests import cut_request

# what redis-py sends when it connects: a fault that names no command is not for them
SETTING_UP = frozenset({b"AUTH", b"CLIENT", b"HELLO", b"SELECT"})

ERROR, HANG, LOSE_BEFORE, LOSE_AFTER = range(4)


class Fault:
    """One thing that goes wrong; `hits` says how often it has."""

    def __init__(self, owner: FaultList, kind: int, error: bytes, command: str | None, nth: int, times: int | None) -> None:
        if nth < 1 or (times is not None and times < 1):
            raise ValueError("nth and times count from 1")
        self.hits = 0
        self._owner = owner
        self._kind = kind
        self._error = error
        self._name = command.upper().encode() if command else None
        self._to_pass = nth - 1
        self._left = times

    def release(self) -> None:
        """Ends it: it hits no more, and commands that hang because of it are run."""
        self._owner._end(self)

    def _comes_to(self, name: bytes) -> bool:
        """Would it hit this command? Counts it."""
        if name != self._name and (self._name is not None or name in SETTING_UP):
            return False
        if self._to_pass:
            self._to_pass -= 1
            return False
        return self._left != 0

    def _hit(self) -> None:
        if self._left is not None:
            self._left -= 1
        self.hits += 1


class FaultList(ABC):
    """Faults that are in force, in the order in which they were made; what makes and ends them."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def error(self, text: str, command: str | None = None, *, nth: int = 1, times: int | None = 1) -> Fault:
        """Answers with an error, its code first: "LOADING Redis is loading the dataset in memory". The command is not run."""
        if "\r" in text or "\n" in text:
            raise ValueError("an error is one line")
        return self._add(ERROR, text.encode(), command, nth, times)

    def hang(self, command: str | None = None, *, nth: int = 1, times: int | None = 1) -> Fault:
        """Leaves the command, and all that its connection sends after it, waiting until `release`; one whose client leaves is never run."""
        return self._add(HANG, b"", command, nth, times)

    def disconnect(self, command: str | None = None, *, nth: int = 1, times: int | None = 1, after: bool = False) -> Fault:
        """Ends the connection in the place of an answer; after: when the command has been run."""
        return self._add(LOSE_AFTER if after else LOSE_BEFORE, b"", command, nth, times)

    def clear(self) -> None:
        """Ends all faults."""
        for fault in list(self._faults):
            fault.release()

    def _add(self, kind: int, error: bytes, command: str | None, nth: int, times: int | None) -> Fault:
        if not self._is_in_use():
            raise RuntimeError(f"{type(self).__name__} are used between `with` and its end")
        fault = Fault(self, kind, error, command, nth, times)
        with self._locked():
            self._faults.append(fault)
        return fault

    def _end(self, fault: Fault) -> None:
        with self._locked():
            fault._left = 0
            if fault in self._faults:
                self._faults.remove(fault)
            self._run_held(fault)

    def _fault_for(self, name: bytes) -> Fault | None:
        """The first that hits this command; all count it."""
        coming = [fault for fault in self._faults if fault._comes_to(name)]
        if not coming:
            return None
        coming[0]._hit()
        return coming[0]

    @abstractmethod
    def _is_in_use(self) -> bool:
        """Are commands seen?"""

    @abstractmethod
    def _locked(self) -> contextlib.AbstractContextManager[object]:
        """What is held while faults change."""

    @abstractmethod
    def _run_held(self, fault: Fault) -> None:
        """Runs the commands that hang because of a fault; the lock is held."""


class _Line:
    """What one client has sent and what has not been run yet."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.data = b""
        self.held_by: Fault | None = None
        self.was_released = False  # its first command has hung already, and hits nothing more


class Faults(FaultList):
    """Lets commands of an engine's clients fail, between `with` and its end, which ends all faults.

    Each method says what happens to the nth command from now on, counting those of one name if `command` is given, and to `times`
    commands in all, None: to every one from there on. What redis-py sends to set a connection up (HELLO, AUTH, SELECT, CLIENT) is hit by
    its name alone. Clients of zippy.connect, connect_async and zippy.testing.patch are hit; Engine.execute is not, so that a test can
    look at the data.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._host = host_of(engine)
        self._lines: dict[int, _Line] = {}

    def _is_in_use(self) -> bool:
        return self._host.watcher == self._watch

    def _locked(self) -> contextlib.AbstractContextManager[object]:
        return self._host.lock

    def _run_held(self, fault: Fault) -> None:
        for line in list(self._lines.values()):
            if line.held_by is fault:
                line.held_by = None
                line.was_released = True
                self._run(line)
        self._host.core.end_turn()
        self._host.do_chores()

    def _watch(self, session: Session, data: bytes) -> None:
        """Runs what a client has sent, the lock held."""
        line = self._lines.get(session.id)
        if line is None:
            self._lines = {id: line for id, line in self._lines.items() if line.session.id}
            line = self._lines[session.id] = _Line(session)
        line.data += data
        self._run(line)

    def _run(self, line: _Line) -> None:
        at = 0
        while line.held_by is None and line.session.id:
            name, end = cut_request(line.data, at)
            if not end:
                break
            fault = None if line.was_released else self._fault_for(name)
            line.was_released = False
            if fault is not None and fault._kind == HANG:
                line.held_by = fault
                break
            self._run_one(line, fault, name, line.data[at:end])
            at = end
        line.data = line.data[at:]

    def _run_one(self, line: _Line, fault: Fault | None, name: bytes, request: bytes) -> None:
        session = line.session
        if fault is None:
            session.feed(request)
        elif fault._kind == ERROR:
            session.refuse(name, fault._error)
        else:
            if fault._kind == LOSE_AFTER:
                session.feed(request)
                session.take_output()
            session.kill()
            # what else it sent is lost with it
            self._host.core.end_turn()

    def __enter__(self) -> Faults:
        with self._host.lock:
            if self._host.watcher is not None:
                raise RuntimeError("this engine has a zippy.testing.Faults already")
            self._host.watch(self._watch)
        return self

    def __exit__(self, *error: object) -> None:
        with self._host.lock:
            self.clear()
            for line in self._lines.values():
                # the rest of a command that has come in part
                if line.data and line.session.id:
                    line.session.feed(line.data)
            self._host.watch(None)
