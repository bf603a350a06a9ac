"""Time that a test moves."""

from __future__ import annotations

import time
from datetime import timedelta

from zippy.inprocess.host import Host, living_hosts, newcomers

_in_use: list[Clock] = []


class Clock:
    """Moves the time of all engines in this process, between `with` and its end; then it is the system's again.

    All of them and not one, since a test has one time: who moves time with freezegun or time-machine moves it for every module of the
    process, and code under test makes engines that the test never sees. Those that are made later have the moved time, too. Python's own
    clocks and servers in other processes are not touched.

    What follows: TTLs of keys and hash fields, blocked commands' timeouts, idle times, LRU, TIME, ids of streams. What expires goes at
    once, for DBSIZE and KEYS as well. Threads and coroutines that wait with a timeout are answered before advance returns, or as soon as
    their loop runs. When time goes back at the end, keys keep the moments at which they expire.

    One at a time: RuntimeError where there is another already.
    """

    def __init__(self) -> None:
        self._ahead_us = 0
        self._frozen_us = 0

    def advance(self, seconds: float | timedelta) -> None:
        """Moves time on, frozen or not; ValueError for less than 0 seconds. It takes as long as deleting what has expired."""
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        if seconds < 0:
            raise ValueError("time does not go back")
        self._refuse_unused()
        us = round(seconds * 1_000_000)
        self._ahead_us += us
        if self._frozen_us:
            self._frozen_us += us
        for host in living_hosts():
            with host.lock:
                host.core.advance_clock(us)
                host.do_chores()

    def freeze(self) -> None:
        """Stops time where it is: it moves by advance alone. Blocked commands wait until then."""
        self._refuse_unused()
        self._frozen_us = time.time_ns() // 1000 + self._ahead_us
        self._set(self._frozen_us)

    def unfreeze(self) -> None:
        """Has time go on, as far ahead as it was moved."""
        self._refuse_unused()
        self._frozen_us = 0
        self._set(0)

    def _set(self, us: int) -> None:
        for host in living_hosts():
            with host.lock:
                host.core.set_clock(us)
                host.core.end_turn()
                host.do_chores()

    def _greet(self, host: Host) -> None:
        """Gives a new engine the time that the others have."""
        with host.lock:
            host.core.advance_clock(self._ahead_us)
            if self._frozen_us:
                host.core.set_clock(self._frozen_us)

    def _refuse_unused(self) -> None:
        if self not in _in_use:
            raise RuntimeError("a Clock is used between `with` and its end")
        return None

    def __enter__(self) -> Clock:
        if _in_use:
            raise RuntimeError("there is a zippy.testing.Clock already, and one time for all")
        _in_use.append(self)
        newcomers.append(self._greet)
        return self

    def __exit__(self, *error: object) -> None:
        newcomers.remove(self._greet)
        _in_use.remove(self)
        self._ahead_us = self._frozen_us = 0
        for host in living_hosts():
            with host.lock:
                host.core.restore_clock()
                host.do_chores()
