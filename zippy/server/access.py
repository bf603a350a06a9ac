"""Who may come in, and as whom: users from the configuration or a file of their own, passwords, certificates, protected mode."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from zippy._core.resp.kinds import OK, ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy._core.users import (
    UNKNOWN,
    default_is_open,
    define_all_users,
    define_user,
    describe_clients,
    has_user,
    log_in,
    log_in_by_certificate,
    set_default_password,
    user_lines,
)
from zippy.server.arguments import integer, subcommand_error
from zippy.server.log import log
from zippy.server.registry import command
from zippy.settings import Settings, Value

if TYPE_CHECKING:
    # an engine in process reads and writes no such file, and does not load what does
    from zippy.config_file import Directive

PROTECTED = (
    b"-DENIED zippy is running in protected mode because protected mode is enabled and no password is set for the default user. In this "
    b"mode connections are only accepted from the loopback interface. To let other computers connect: set a password with "
    b"'requirepass', or switch protected mode off with 'CONFIG SET protected-mode no' from the loopback interface, "
    b"or start zippy with --protected-mode no.\r\n"
)
NO_FILE = (
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then "
    "issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
)
TWO_PLACES = (
    "Configuring zippy with users defined in its configuration file and at the same time with an ACL file is invalid: it would be "
    "likely to lead to security holes. Define the users in one of the two."
)
FAULTS = {  # of lines in a file of users, by what define_all_users calls them
    "keyword": "{path}:{number} should start with user keyword followed by the username. ",
    "name": "'{path}:{number}: username '{name}' contains invalid characters. ",
    "twice": "WARNING: Duplicate user '{name}' found on line {number}. ",
}
PASSWORD_BITS = 256  # of ACL GENPASS
MOST_PASSWORD_BITS = 4096


class FileError(Exception):
    """Why the users of a file cannot be taken."""


def is_name(name: bytes) -> bool:
    """Whether a user may have this name: it stands between blanks in lines of files."""
    return name.split() == [name] and b"\0" not in name


def is_loopback(peer: Any) -> bool:
    """Whether a peer (asyncio's peername) is on this machine, as far as its address tells."""
    host = str(peer[0]) if isinstance(peer, tuple) else ""
    return host == "::1" or host.startswith(("127.", "::ffff:127."))


def wrong_line(path: str, number: int, fault: str, name: bytes, rules: list[tuple[bytes, str]]) -> list[str]:
    """What is wrong with a line of a file of users. Of rules only what cannot be a password is repeated, and of the others the first."""
    if fault != "rules":
        return [FAULTS[fault].format(path=path, number=number, name=name.decode(errors="replace"))]
    told = []
    others = 0
    for rule, reason in rules:
        if reason == UNKNOWN:
            told.append(f"{path}:{number}: Error in applying operation '{rule.decode(errors='replace')}': {reason}. ")
        else:
            others += 1
            if others == 1:
                told.append(f"{path}:{number}: {reason}. ")
    return told


class Access:
    """The users of a core, as far as files, settings and connections have to do with them; the rest is the core's."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self.core = core
        self.settings = settings
        self.defined: set[bytes] = set()  # in the configuration file
        describe_clients(core)
        settings.follow("requirepass", self.set_password)

    def set_password(self, password: Value) -> None:
        """Follows the setting requirepass."""
        assert isinstance(password, str)
        set_default_password(self.core, password.encode("utf-8", "surrogateescape") if password else None)

    def has_user(self, name: str) -> bool:
        """Whether there is a user of this name."""
        return has_user(self.core, name.encode("utf-8", "surrogateescape"))

    def authenticate(self, session: Session, user: bytes, password: bytes, how: bytes) -> None:
        """Logs the session in, or raises WRONGPASS."""
        if not log_in(session, user, password, how):
            raise ReplyError("WRONGPASS invalid username-password pair or user is disabled.")

    def trust_certificate(self, session: Session, transport: Any) -> None:
        """Logs in a new client whose certificate names a user, if tls-auth-clients-user wants it; others stay the default user."""
        certificate = transport.get_extra_info("peercert") if self.settings.text("tls-auth-clients-user") == "CN" else None
        for part in (certificate or {}).get("subject", ()):
            for field, value in part:
                if field == "commonName":
                    log_in_by_certificate(session, value.encode("utf-8", "surrogateescape"))
                    return

    def refusal(self, is_local: bool) -> bytes | None:
        """Why a peer may not connect in protected mode, as an error reply. is_local: it is on this machine."""
        if is_local or not default_is_open(self.core) or not self.settings.flag("protected-mode"):
            return None
        return PROTECTED

    # Users at the start

    def define(self, directive: Directive) -> None:
        """Obeys a line "user name rule ..." of the configuration; ConfigFileError tells what is wrong with it."""
        name, *rules = [word.encode("utf-8", "surrogateescape") for word in directive.words]
        if self.settings.text("aclfile"):
            raise directive.error(TWO_PLACES)
        if name in self.defined:
            raise directive.error(
                f"Error in user declaration '{directive.words[0]}': Duplicate user found. A user can only be defined once in config files"
            )
        if not is_name(name):
            raise directive.error("Usernames can't be empty and can't contain spaces or null characters")
        wrong = define_user(self.core, name, rules)
        if wrong:
            raise directive.error(f"Error in user declaration '{directive.words[0]}': {wrong[0][1]}")
        self.defined.add(name)
        if name == b"default" and b"on" not in [rule.lower() for rule in rules]:
            log.warning(
                "The user 'default' is disabled (there is no 'on' modifier in the user description). Make sure this is not a "
                "configuration error."
            )

    def load_at_start(self) -> bool:
        """Takes the users of the aclfile, if there is one; False, and the reason is logged, if that cannot be done."""
        if not self.settings.text("aclfile"):
            return True
        try:
            self.load()
        except FileError as error:
            log.warning("Aborting startup because of ACL errors: %s", error)
            return False
        if self.settings.text("requirepass") and default_is_open(self.core):
            log.warning("The setting requirepass has no effect: the aclfile decides about the user 'default', who has no password now.")
        return True

    # Users in files

    def load(self) -> None:
        """Puts the users of the aclfile in the place of all; FileError, and nothing is changed, if one of them is wrong."""
        path = os.path.abspath(self.settings.text("aclfile"))
        try:
            with open(path, "rb") as file:
                text = file.read()
        except OSError as error:
            raise FileError(f"Error loading ACLs, opening file '{path}': {error.strerror}") from None
        wrong = [told for line in define_all_users(self.core, text) for told in wrong_line(path, *line)]
        if wrong:
            raise FileError(f"{''.join(wrong)}WARNING: ACL errors detected, no change to the previously active ACL rules was performed")

    def lines(self) -> list[str]:
        """The lines of the configuration file that define the users."""
        return [line.decode("utf-8", "surrogateescape") for line in user_lines(self.core)]

    @command("acl|save")
    def acl_save(self, session: Session, args: Words) -> Any:
        """ACL SAVE. Only the owner may read a file that is new."""
        path = self.settings.text("aclfile")
        if not path:
            raise ReplyError(NO_FILE)
        try:
            replace_file: Callable[[str, bytes, int], None] = import_module("zippy.config_file").replace_file
            replace_file(os.path.abspath(path), b"".join(line + b"\n" for line in user_lines(self.core)), 0o600)
        except OSError as error:
            log.warning("ACL SAVE: %s: %s", path, error.strerror)
            raise ReplyError("ERR There was an error trying to save the ACLs. Please check the server logs for more information") from None
        return OK

    @command("acl|load")
    def acl_load(self, session: Session, args: Words) -> Any:
        """ACL LOAD. Closes the clients of users that are gone, and listeners that may not listen any more."""
        if not self.settings.text("aclfile"):
            raise ReplyError(NO_FILE)
        try:
            self.load()
        except FileError as error:
            raise ReplyError(f"ERR {error}") from None
        return OK

    @command("acl|genpass")
    def acl_genpass(self, session: Session, args: Words) -> Any:
        """ACL GENPASS [bits]. Takes the system's randomness, not the engine's."""
        if len(args) > 3:
            raise subcommand_error(args)
        bits = integer(args[2]) if len(args) == 3 else PASSWORD_BITS
        if not 0 < bits <= MOST_PASSWORD_BITS:
            raise ReplyError(
                f"ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to {MOST_PASSWORD_BITS}"
            )
        digits = (bits + 3) // 4
        return os.urandom((digits + 1) // 2).hex()[:digits]
