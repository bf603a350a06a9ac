"""The server as a process of its system: log, process file, background, service manager."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import socket
import sys
import time

from zippy.settings import Settings

LEVELS = {"debug": logging.DEBUG, "verbose": 15, "notice": logging.INFO, "warning": logging.WARNING, "nothing": logging.CRITICAL + 1}
MARKS = ((logging.WARNING, "#"), (logging.INFO, "*"), (15, "-"), (0, "."))


class LogFormatter(logging.Formatter):
    """Lines as Redis writes them: process:role day month year time mark text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback behind it if there is one."""
        mark = next(mark for level, mark in MARKS if record.levelno >= level)
        moment = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        line = f"{os.getpid()}:M {moment}.{int(record.msecs):03d} {mark} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def set_up_log(settings: Settings) -> None:
    """Sends the log where `logfile` and `syslog-enabled` say and follows `loglevel`. OSError when the file cannot be written."""
    log = logging.getLogger("zippy")
    log.propagate = False
    path = settings.text("logfile")
    handlers: list[logging.Handler] = []
    if path:
        handlers.append(logging.handlers.WatchedFileHandler(path, encoding="utf-8", errors="surrogateescape"))
    elif not settings.flag("daemonize"):
        handlers.append(logging.StreamHandler(sys.stdout))
    if settings.flag("syslog-enabled"):
        with contextlib.suppress(OSError):
            handlers.append(logging.handlers.SysLogHandler("/dev/log"))
    for handler in handlers:
        handler.setFormatter(LogFormatter())
    log.handlers[:] = handlers
    log.setLevel(LEVELS[settings.text("loglevel")])
    settings.on_change("loglevel", lambda level: log.setLevel(LEVELS[str(level)]))


def go_to_background() -> None:
    """Detaches from the terminal: the caller goes on in a child of init, its standard streams at /dev/null."""
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)


def write_pidfile(settings: Settings) -> str:
    """Writes the process file, if one is wanted or the server is in the background; its path, or "". OSError when that fails."""
    path = settings.text("pidfile") or ("/var/run/redis.pid" if settings.flag("daemonize") else "")
    if path:
        path = os.path.abspath(path)
        with open(path, "w") as file:
            file.write(f"{os.getpid()}\n")
    return path


def remove_file(path: str) -> None:
    """Removes a file that may be gone already."""
    if path:
        with contextlib.suppress(OSError):
            os.unlink(path)


def tell_service_manager(settings: Settings, state: str) -> None:
    """Sends a state ("READY=1", "STOPPING=1") to systemd when it started us and `supervised` allows it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or settings.text("supervised") not in ("systemd", "auto"):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, contextlib.suppress(OSError):
        channel.sendto(state.encode(), address)
