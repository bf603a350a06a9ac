"""One line on standard error that tells what runs, how far it is and how long it will take."""

from __future__ import annotations

import sys
import time


class Progress:
    """Counts steps of a number known in advance."""

    def __init__(self, what: str, steps: int) -> None:
        self.what = what
        self.steps = steps
        self.done = 0
        self.started = time.monotonic()
        self.live = sys.stderr.isatty()
        self.shown = self.started

    def step(self, doing: str) -> None:
        """Says what begins now. On a terminal the line is rewritten; elsewhere one is written every ten seconds."""
        now = time.monotonic()
        left = (now - self.started) / self.done * (self.steps - self.done) if self.done else 0.0
        text = f"{self.what} {self.done}/{self.steps}, {left:.0f} s left: {doing}"
        if self.live:
            print(f"\r{text[:118]:<118}", end="", file=sys.stderr, flush=True)
        elif now - self.shown >= 10:
            print(text, file=sys.stderr, flush=True)
            self.shown = now
        self.done += 1

    def end(self) -> None:
        """Says how long all took."""
        text = f"{self.what}: {time.monotonic() - self.started:.0f} s"
        print(f"\r{text:<118}" if self.live else text, file=sys.stderr, flush=True)
