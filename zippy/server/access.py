"""Who may come in: the default user's password, and protected mode."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from zippy._core.resp.kinds import ReplyError
from zippy._core.session import Core, Session
from zippy.settings import Settings, Value

PROTECTED = (
    b"-DENIED zippy is running in protected mode because protected mode is enabled and no password is set for the default user. In this "
    b"mode connections are only accepted from the loopback interface. To let other computers connect: set a password with "
    b"'requirepass', or switch protected mode off with 'CONFIG SET protected-mode no' from the loopback interface, "
    b"or start zippy with --protected-mode no.\r\n"
)


class Access:
    """The users of a core: the default one."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self.core = core
        self.settings = settings
        self.password_hashes: set[bytes] = set()  # SHA-256; without one, nobody has to authenticate
        settings.follow("requirepass", self.set_password)

    def set_password(self, password: Value) -> None:
        """Follows the setting requirepass."""
        assert isinstance(password, str)
        self.password_hashes = {hashlib.sha256(password.encode("utf-8", "surrogateescape")).digest()} if password else set()
        self.core.set_setting("require-authentication", int(bool(self.password_hashes)))

    def has_user(self, name: str) -> bool:
        """Whether there is a user of this name."""
        return name == "default"

    def is_right(self, password: bytes) -> bool:
        """Whether it is the default user's; without one every password is right, and none is hashed, however long it is."""
        if not self.password_hashes:
            return True
        given = hashlib.sha256(password).digest()
        return any(hmac.compare_digest(given, known) for known in self.password_hashes)

    def authenticate(self, session: Session, user: bytes, password: bytes) -> None:
        """Lets the session in, or raises WRONGPASS."""
        if user != b"default" or not self.is_right(password):
            self.core.count_denied()
            raise ReplyError("WRONGPASS invalid username-password pair or user is disabled.")
        session.authenticate()

    def refusal(self, peer: Any, is_unix: bool) -> bytes | None:
        """Why a peer (asyncio's peername) may not connect in protected mode, as an error reply."""
        if is_unix or self.password_hashes or not self.settings.flag("protected-mode"):
            return None
        host = str(peer[0]) if isinstance(peer, tuple) else ""
        if host == "::1" or host.startswith(("127.", "::ffff:127.")):
            return None
        return PROTECTED
