"""Unix sockets at paths of any length: the system takes about a hundred bytes, and a path may be longer."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator

LONGEST = 107 if sys.platform == "linux" else 103  # bytes, without the zero at the end
DESCRIPTORS = "/proc/self/fd"


@contextlib.contextmanager
def unix_address(path: str) -> Iterator[str]:
    """What stands for a path in bind and connect: itself, or a way through an open descriptor of its folder, or from the working folder.

    OSError when none is short enough, or when there is no such folder."""
    if len(os.fsencode(path)) <= LONGEST:
        yield path
        return
    folder, name = os.path.split(path)
    if os.path.isdir(DESCRIPTORS):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield checked(f"{DESCRIPTORS}/{descriptor}/{name}")
        finally:
            os.close(descriptor)
    else:
        yield checked(os.path.relpath(path))


def checked(address: str) -> str:
    """The address; OSError when it is too long all the same."""
    if len(os.fsencode(address)) > LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return address
