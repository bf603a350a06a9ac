"""The parts of a server, put together as the program does it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.unit.peer import Peer
from zippy._core.resp.kinds import OK
from zippy._core.session import Session
from zippy._core.users import default_is_open
from zippy.persistence.append_only import AppendOnly
from zippy.persistence.folder_lock import FolderLock
from zippy.persistence.snapshots import Snapshots
from zippy.replication.service import Replication
from zippy.server.info import SECTIONS, Fields, Sections
from zippy.server.process import end_process, follow_folder
from zippy.server.registry import command
from zippy.server.server import Server
from zippy.server.tls import link_context
from zippy.settings import Settings


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with its services, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    follow_folder(settings)
    whole = Server(settings)
    snapshots = Snapshots(whole.core, settings, asyncio.new_event_loop(), FolderLock(alone=False))
    whole.join(snapshots)
    whole.join(AppendOnly(whole.core, settings, snapshots, end_process))
    whole.join(Replication(whole.core, settings, snapshots, lambda: link_context(settings)))
    return whole


def test_every_command_has_a_handler(server: Server) -> None:
    assert server.core.unbound() == []


def test_sections_of_info(server: Server) -> None:
    """All that were promised an order, and no others; empty are those that nobody has figures for."""
    assert tuple(server.info.sections) == SECTIONS
    assert {name for name in SECTIONS if server.info.sections[name].is_empty()} == {"modules"}


def test_a_service_puts_its_figures_over_those_of_its_absence(server: Server) -> None:
    with_services, without = (info.report(["persistence"]).splitlines() for info in (server.info, Server(Settings()).info))
    assert [line.partition(":")[0] for line in with_services[: len(without)]] == [line.partition(":")[0] for line in without]
    assert "rdb_bgsave_in_progress:0" in with_services


class Greeter:
    """A service with a command, a section and work."""

    def __init__(self) -> None:
        self.done: list[str] = []

    @command("lolwut")
    def greet(self, session: Session, args: list[bytes]) -> object:
        """LOLWUT."""
        self.done.append("greeted")
        return OK

    def cron(self) -> None:
        """Notes it."""
        self.done.append("cron")

    def stop(self, save: bool | None) -> bool:
        """Notes it."""
        self.done.append("stop")
        return True

    def sections(self) -> Sections:
        """A field of an old section, and a new section."""
        return {"cluster": self.fields, "greetings": self.fields}

    def fields(self) -> Fields:
        """One."""
        return {"cluster_enabled": "greeted" in self.done}


def test_a_service_joins() -> None:
    server, greeter = Server(Settings()), Greeter()
    server.join(greeter)
    peer = Peer(server.core)
    assert peer("LOLWUT") == b"+OK\r\n"
    server.cron.do_work()
    assert greeter.done == ["greeted", "cron"]
    assert server.info.report(["cluster"]) == "# Cluster\r\ncluster_enabled:True\r\n"
    assert server.info.report(["greetings"]) == "# Greetings\r\ncluster_enabled:True\r\n"
    peer.session.close()


def test_settings_are_looked_up_once_until_one_changes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    match = Settings.match
    monkeypatch.setattr(Settings, "match", lambda settings, patterns: asked.append(patterns) or match(settings, patterns))
    peer = Peer(server.core)
    hz = b"*2\r\n$2\r\nhz\r\n$2\r\n%d\r\n"
    assert peer("CONFIG GET hz", "CONFIG GET hz", "CONFIG SET hz 20", "CONFIG GET hz") == 2 * (hz % 10) + b"+OK\r\n" + hz % 20
    assert len(asked) == 2
    peer("HELLO 3")
    assert peer("CONFIG GET hz") == (hz % 20).replace(b"*2", b"%1")
    peer.session.close()


def test_two_servers_have_their_own_parts(server: Server) -> None:
    other = Server(Settings())
    server.settings.set("requirepass", "secret")
    assert not default_is_open(server.core) and default_is_open(other.core)
    peer = Peer(other.core)
    assert peer("AUTH x").startswith(b"-ERR AUTH <password> called without any password")
    peer.session.close()
    assert os.getcwd() == server.settings.text("dir")
