"""CONFIG: the settings from outside."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from zippy._core.introspection import redact, reset_stats
from zippy._core.resp.kinds import OK, Raw, ReplyError
from zippy._core.resp.values import Vocabulary, Words, encoded
from zippy._core.session import Core, Session
from zippy.server.arguments import syntax_error, text
from zippy.server.meter import Meter
from zippy.server.registry import command
from zippy.settings import NAMES, SETTINGS, SettingError, Settings

SECRETS = frozenset(setting.name.encode() for setting in SETTINGS if setting.type == "secret")
ASKED_FOR = Vocabulary(NAMES)  # by CONFIG GET, beside patterns
KEPT_REPLIES = 64
KEPT_QUESTION = 256  # bytes of the pattern whose reply is kept


def is_local(session: Session) -> bool:
    """The client sits on this machine: it came over a Unix socket, from the loopback interface, or from within the process."""
    host = session.address().rpartition(":")[0].strip("[]")
    try:
        # an engine in process starts without it
        return bool(import_module("ipaddress").ip_address(host).is_loopback)
    except ValueError:
        return True


def permits(settings: Settings, session: Session, name: str) -> bool:
    """What a setting of the kind no | yes | local allows this client."""
    choice = settings.text(name)
    return choice == "yes" or (choice == "local" and is_local(session))


class Config:
    """CONFIG of one server. path: the file that CONFIG REWRITE writes, None if it was started without."""

    def __init__(self, core: Core, settings: Settings, meter: Meter, path: str | None) -> None:
        self.core = core
        self.settings = settings
        self.meter = meter
        self.path = path
        self.lines: dict[str, Callable[[], list[str]]] = {}  # by directive that is no setting: its lines of the file
        self.on_resetstat: list[Callable[[], object]] = []  # who counts something beside the core
        # of CONFIG GET, by protocol and pattern: a transaction may ask thousands of times
        self.replies: dict[tuple[int, bytes], Raw] = {}
        self.replies_as_of = -1  # settings.changes when they were made

    @command("config|get")
    def config_get(self, session: Session, args: Words) -> Any:
        """CONFIG GET parameter [parameter ...]."""
        if len(args) > 3:
            return self.settings.match(ASKED_FOR.among(args, 2))
        if self.replies_as_of != self.settings.changes:
            self.replies, self.replies_as_of = {}, self.settings.changes
        key = (session.protocol, args[2])
        reply = self.replies.get(key)
        if reply is None:
            reply = encoded(self.settings.match(args[2:]), session.protocol)
            if len(self.replies) < KEPT_REPLIES and len(args[2]) < KEPT_QUESTION:
                self.replies[key] = reply
        return reply

    @command("config|set")
    def config_set(self, session: Session, args: Words) -> Any:
        """CONFIG SET parameter value [parameter value ...]. Sets all or none."""
        if len(args) % 2:
            raise syntax_error()
        # among more names than there are settings one is unknown or comes twice, so those behind it do not matter, and no log shows them
        some = args[2 : 2 * len(SETTINGS) + 4]
        for place, name in enumerate(some[::2]):
            if name.lower() in SECRETS:
                redact(session, 2 * place + 3)
        pairs = [(text(name), text(value)) for name, value in zip(some[::2], some[1::2], strict=True)]
        try:
            self.settings.set_many(pairs, trusted=permits(self.settings, session, "enable-protected-configs"))
        except SettingError as error:
            raise ReplyError(f"ERR {error}") from None
        return OK

    @command("config|resetstat")
    def config_resetstat(self, session: Session, args: Words) -> Any:
        """CONFIG RESETSTAT."""
        reset_stats(self.core)
        self.meter.reset()
        for forget in self.on_resetstat:
            forget()
        return OK

    @command("config|rewrite")
    def config_rewrite(self, session: Session, args: Words) -> Any:
        """CONFIG REWRITE."""
        if self.path is None:
            raise ReplyError("ERR The server is running without a config file")
        try:
            # as above
            import_module("zippy.config_file").rewrite_file(self.path, self.settings, {name: lines() for name, lines in self.lines.items()})
        except OSError as error:
            raise ReplyError(f"ERR Rewriting config file: {error.strerror}") from None
        return OK
