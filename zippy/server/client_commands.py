"""CLIENT LIST, INFO, KILL and SETINFO: what needs to know all clients, or what the server alone remembers of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zippy._core.client_list import client_age, client_kind, is_listed, reply_clients, sessions_of_kind, sessions_with_ids
from zippy._core.introspection import ClientStats, valid_name
from zippy._core.resp.kinds import NO_REPLY, OK, ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy._core.users import user_of
from zippy.server.access import Access
from zippy.server.arguments import integer, repeated, syntax_error, text
from zippy.server.info import Fields, Sections, UntilSet
from zippy.server.registry import command
from zippy.settings import Settings

KINDS = {"normal": "normal", "master": "master", "slave": "replica", "replica": "replica", "pubsub": "pubsub"}


def clients(session: Session) -> list[Session]:
    """All clients that have a peer and are not about to be closed, oldest first."""
    return list(filter(is_listed, session.core.sessions.values()))


def client_with_id(session: Session, number: int) -> list[Session]:
    """That client alone, if there is one; costs the same however many there are."""
    other = session.core.sessions.get(number)
    return [other] if other is not None and is_listed(other) else []


def kind_called(name: bytes) -> str:
    """The kind of clients that an argument means."""
    kind = KINDS.get(text(name).lower())
    if kind is None:
        raise ReplyError(f"ERR Unknown client type '{repeated(name)}'")
    return kind


@command("client|info")
def client_info(session: Session, args: Words) -> Any:
    """CLIENT INFO."""
    reply_clients(session, [session])
    return NO_REPLY


@command("client|list")
def client_list(session: Session, args: Words) -> Any:
    """CLIENT LIST [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]."""
    option = args[2].upper() if len(args) > 2 else b""
    if option == b"TYPE" and len(args) == 4:
        chosen = sessions_of_kind(session.core, kind_called(args[3]))
    elif option == b"ID" and len(args) > 3:
        chosen = sessions_with_ids(session.core, args, 3)
    elif option:
        raise syntax_error()
    else:
        chosen = list(session.core.sessions.values())
    reply_clients(session, chosen)
    return NO_REPLY


Filter = Callable[[Session], bool]


def kill(session: Session, victims: list[Session]) -> None:
    """Closes the connections; the session itself still gets its reply."""
    for victim in victims:
        if victim is session:
            victim.close_after_reply()
        else:
            victim.kill()


@command("client|setinfo")
def client_setinfo(session: Session, args: Words) -> Any:
    """CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>."""
    fields = {b"lib-name": "lib_name", b"lib-ver": "lib_version"}
    attribute = args[2].lower()
    if attribute not in fields:
        raise ReplyError(f"ERR Unrecognized option '{repeated(args[2])}'")
    if not valid_name(args[3]):
        raise ReplyError(f"ERR {repeated(args[2])} cannot contain spaces, newlines or special characters.")
    setattr(session.state, fields[attribute], args[3].decode())
    return OK


class Clients:
    """What there is to know of all clients together, and CLIENT KILL."""

    def __init__(self, core: Core, settings: Settings, access: Access) -> None:
        self.core = core
        self.settings = settings
        self.access = access

    def sections(self) -> Sections:
        """For INFO."""
        return {"clients": (UntilSet(self.settings, self.fields), ClientStats(self.core), {"total_blocking_keys_on_nokey": 0})}

    def fields(self) -> Fields:
        """The most clients that there may be, and the places of those that the core has."""
        return {
            "connected_clients": 0,
            "cluster_connections": 0,
            "maxclients": self.settings.integer("maxclients"),
            "client_recent_max_input_buffer": 0,
            "client_recent_max_output_buffer": 0,
            "blocked_clients": 0,
            "tracking_clients": 0,
        }

    def read_filter(self, session: Session, option: bytes, value: bytes) -> Filter:
        """One "option value" pair of CLIENT KILL."""
        if option == b"ID":
            number = integer(value, "ERR client-id should be greater than 0")
            if number < 1:
                raise ReplyError("ERR client-id should be greater than 0")
            return lambda other: other.id == number
        if option == b"MAXAGE":
            age = integer(value, "ERR maxage is not an integer or out of range")
            if age < 1:
                raise ReplyError("ERR maxage should be greater than 0")
            return lambda other: client_age(other) >= age
        if option == b"TYPE":
            kind = kind_called(value)
            return lambda other: bool(client_kind(other) == kind)
        wanted = text(value)
        if option == b"ADDR":
            return lambda other: bool(other.address() == wanted)
        if option == b"LADDR":
            return lambda other: bool(other.state.local_address == wanted)
        if option == b"USER":
            if not self.access.has_user(wanted):
                raise ReplyError(f"ERR No such user '{repeated(value)}'")
            return lambda other: user_of(other) == wanted
        raise syntax_error()

    @command("client|kill")
    def client_kill(self, session: Session, args: Words) -> Any:
        """CLIENT KILL <ip:port | <[ID client-id] | [TYPE NORMAL | MASTER | SLAVE | REPLICA | PUBSUB] | [USER username] | [ADDR ip:port] |
        [LADDR ip:port] | [SKIPME YES | NO] | [MAXAGE maxage]> [...]>."""
        if len(args) == 3:
            address = text(args[2])
            victims = [other for other in clients(session) if other.address() == address]
            if not victims:
                raise ReplyError("ERR No such client")
            kill(session, victims)
            return OK
        if len(args) % 2:
            raise syntax_error()
        skip_me = True
        candidates: list[Session] | None = None
        filters: dict[bytes, Filter] = {}
        for option, value in zip(args[2::2], args[3::2], strict=True):
            name = option.upper()
            if name == b"SKIPME" and value.lower() in (b"yes", b"no"):
                skip_me = value.lower() == b"yes"
            else:
                # of an option that comes twice, the last one counts
                filters[name] = self.read_filter(session, name, value)
                if name == b"ID":
                    candidates = client_with_id(session, int(value))
        victims = clients(session) if candidates is None else candidates
        for fits in filters.values():
            victims = list(filter(fits, victims))
        if skip_me and session in victims:
            victims.remove(session)
        kill(session, victims)
        return len(victims)
