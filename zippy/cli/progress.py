"""A bar on standard error for what takes long; nothing where that is no terminal."""

from __future__ import annotations

import sys
import time

from zippy.persistence.scratch import Progress

WIDTH = 30
PATIENCE = 0.5  # seconds before it appears
PAUSE = 0.1  # seconds between two looks


class Bar(Progress):
    """One line that is written over until the end, and then removed."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.what = ""
        self.total = 0
        self.began = self.next = 0.0
        self.shown = False

    def begin(self, what: str, total: int) -> None:
        """See Progress."""
        self.what, self.total = what, total
        self.began = time.monotonic()
        self.next = self.began + PATIENCE

    def at(self, done: int) -> None:
        """See Progress."""
        now = time.monotonic()
        if not self.live or now < self.next:
            return
        self.next = now + PAUSE
        if self.total:
            share = min(done / self.total, 1.0)
            left = (now - self.began) * (1 / share - 1) if share else 0.0
            bar = "#" * int(share * WIDTH)
            text = f"{self.what[:40]} [{bar:<{WIDTH}}] {share:4.0%}, {left:.0f} s left"
        else:
            text = f"{self.what[:40]}: {done:,}"
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
        self.shown = True

    def end(self) -> None:
        """See Progress."""
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self.shown = False
