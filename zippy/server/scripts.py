"""What the server tells of scripts: the lines that they log."""

from __future__ import annotations

from zippy._core.session import Core
from zippy.server.log import log

LEVELS = (10, 10, 20, 30)  # logging's DEBUG, INFO and WARNING, of redis.LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE and LOG_WARNING


def write_line(level: int, line: bytes) -> None:
    """Writes a script's line to the server's log; a line break would make it two."""
    log.log(LEVELS[level], "%s", line.decode(errors="surrogateescape").replace("\r", " ").replace("\n", " "))


def log_scripts(core: Core) -> None:
    """Has the lines of a core's scripts written to the server's log."""
    core.on_log_line = write_line
