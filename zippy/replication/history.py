"""Which history of writes this server's data is a part of: its id, and that of the history it went on from."""

from __future__ import annotations

import os

NONE = "0" * 40


def new_id() -> str:
    """A name that no other history has."""
    return os.urandom(20).hex()


class History:
    """Two ids. Up to `second_end` the data was a part of the history `second` too: who followed that one may go on here."""

    def __init__(self) -> None:
        self.id = new_id()
        self.second = NONE
        self.second_end = -1  # offset of the first byte that is not common, counted from 1

    def begin_anew(self) -> None:
        """This is no part of any history that others know."""
        self.id = new_id()
        self.forget_second()

    def forget_second(self) -> None:
        """The data is a part of one history alone."""
        self.second = NONE
        self.second_end = -1

    def adopt(self, history_id: str) -> None:
        """The data is the primary's now."""
        self.id = history_id
        self.forget_second()

    def branch(self, offset: int, history_id: str | None = None) -> None:
        """Goes on from here under another name, whoever gave it."""
        self.second = self.id
        self.second_end = offset + 1
        self.id = history_id or new_id()

    def knows(self, history_id: str, wanted: int) -> bool:
        """Whether the byte of this number, counted from 1, is the same in that history and here."""
        return history_id == self.id or (history_id == self.second and wanted <= self.second_end)
