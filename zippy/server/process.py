"""The server as a process of its system: log, process file, background, service manager."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import resource
import socket
import sys
import time
from typing import NoReturn

from zippy._core.ground.mem import log_aborts_to
from zippy._core.ground.pages import ask_for_huge_pages, shun_huge_pages
from zippy.settings import SettingError, Settings, Value, find_setting

log = logging.getLogger("zippy")

RESERVED_FILES = 32  # beside clients: listeners, files, pipes; as in Redis
LEVELS = {"debug": logging.DEBUG, "verbose": 15, "notice": logging.INFO, "warning": logging.WARNING, "nothing": logging.CRITICAL + 1}
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"  # Linux: the chosen of three words is in brackets
MARKS = ((logging.WARNING, "#"), (logging.INFO, "*"), (15, "-"), (0, "."))


class LogFormatter(logging.Formatter):
    """Lines as Redis writes them: process:role day month year time mark text."""

    role = "M"  # S: a replica

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback behind it if there is one."""
        mark = next(mark for level, mark in MARKS if record.levelno >= level)
        moment = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        line = f"{os.getpid()}:{self.role} {moment}.{int(record.msecs):03d} {mark} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def set_up_log(settings: Settings) -> None:
    """Sends the log where `logfile` and `syslog-enabled` say and follows `loglevel`. OSError when the file cannot be written."""
    log.propagate = False
    path = settings.text("logfile")
    handlers: list[logging.Handler] = []
    if path:
        handlers.append(logging.handlers.WatchedFileHandler(path, encoding="utf-8", errors="surrogateescape"))
    elif not settings.flag("daemonize"):
        handlers.append(logging.StreamHandler(sys.stdout))
    for handler in handlers:
        handler.setFormatter(LogFormatter())
    if settings.flag("syslog-enabled"):
        with contextlib.suppress(OSError):
            handlers.append(system_log(settings))
    log_aborts_to(os.fsencode(os.path.abspath(path)) if path else b"")
    log.handlers[:] = handlers
    log.setLevel(LEVELS[settings.text("loglevel")])
    settings.on_change("loglevel", lambda level: log.setLevel(LEVELS[str(level)]))


def system_log(settings: Settings) -> logging.Handler:
    """A handler for the system's log, which writes the time and the process itself. OSError when there is none."""
    handler = logging.handlers.SysLogHandler("/dev/log", settings.text("syslog-facility"))
    handler.ident = f"{settings.text('syslog-ident')}[{os.getpid()}]: "
    return handler


def log_unused(settings: Settings) -> None:
    """Says which settings were given that change nothing here."""
    for setting in settings.changed():
        if setting.waits_for:
            log.info("setting=%s has no effect in zippy yet: it waits for %s", setting.name, setting.waits_for)
        elif not setting.used:
            log.info("setting=%s is accepted for compatibility and has no effect in zippy", setting.name)


def allow_clients(wanted: int) -> int:
    """Raises the limit of open files so that so many clients can connect; how many really can."""
    needed = wanted + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    for limit in (needed, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard) if hard != resource.RLIM_INFINITY else hard))
        except (OSError, ValueError):
            continue
        break
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft >= needed else max(soft - RESERVED_FILES, 1)


def follow_huge_pages(settings: Settings) -> None:
    """Shuns huge pages where the system gives them to everybody, if disable-thp says so, and follows huge-pages."""
    with contextlib.suppress(OSError), open(HUGE_PAGES, encoding="ascii") as chosen:
        if settings.flag("disable-thp") and "[always]" in chosen.read() and not shun_huge_pages():
            log.warning("disable-thp: the system did not switch huge pages off for this process")
    settings.follow("huge-pages", lambda wanted: ask_for_huge_pages(bool(wanted)))


def follow_maxclients(settings: Settings) -> None:
    """Fits maxclients to what the system allows, now with a warning, and refuses more from CONFIG SET."""
    wanted = settings.integer("maxclients")
    possible = allow_clients(wanted)
    if possible < wanted:
        log.warning("maxclients=%d needs %d open files, the system allows %d: reduced to %d. Raise 'ulimit -n' for more",
                    wanted, wanted + RESERVED_FILES, possible + RESERVED_FILES, possible)  # fmt: skip
        setting = find_setting("maxclients")
        assert setting is not None
        settings.put(setting, possible)

    def check(value: Value) -> None:
        assert isinstance(value, int)
        most = allow_clients(value)
        if most < value:
            raise SettingError(f"The operating system is not able to handle the specified number of clients, try with {most}")

    settings.on_change("maxclients", check)


def follow_folder(settings: Settings) -> None:
    """Goes to the folder of the setting `dir`, now and when it changes. Its value is absolute from then on."""
    setting = find_setting("dir")
    assert setting is not None

    def go(folder: Value) -> None:
        assert isinstance(folder, str)
        try:
            os.chdir(folder)
        except OSError as error:
            raise SettingError(str(error.strerror)) from None
        settings.put(setting, os.getcwd())

    go(os.getcwd())
    settings.on_change("dir", go)


def end_process(text: str, error: int) -> NoReturn:
    """Ends the process at once, because of an errno: a reply that left now would promise what is not kept."""
    log.critical("%s: %s. Exiting.", text, os.strerror(error))
    logging.shutdown()
    os._exit(1)


def go_to_background() -> int:
    """Detaches from the terminal: the caller goes on in a child of init, its standard streams at /dev/null.

    The process that was called ends when `tell_caller` is given the descriptor returned, or with exit code 1 when the child ended before.
    """
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        if not os.read(ready, 1):
            print("The server ended before it was ready; its log (logfile) tells why.", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    os.close(ready)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)
    return tell


def tell_caller(descriptor: int) -> None:
    """Has the process that was called end: the server is ready. It may have been ended before."""
    with contextlib.suppress(BrokenPipeError):
        os.write(descriptor, b"1")
    os.close(descriptor)


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
