"""The server group: snapshots on command. What they hold, and what happens when they fail, is tested in tests/persistence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.replies import OK, QUEUED, SYNTAX
from tests.resp import RawClient, Reply, request
from tests.waiting import wait_until

STARTED = Reply("+", b"Background saving started")
SCHEDULED = Reply("+", b"Background saving scheduled")
IN_PROGRESS = Reply("-", b"ERR Background save already in progress")


def until_saved(raw: RawClient) -> dict[str, str]:
    """Waits for the end of a background save; the fields then."""
    return when_idle(raw, "rdb_bgsave_in_progress")


def when_idle(raw: RawClient, *names: str) -> dict[str, str]:
    """INFO persistence as soon as these fields are all 0."""

    def idle() -> dict[str, str] | None:
        fields = raw.info("persistence")
        return fields if {fields[name] for name in names} == {"0"} else None

    fields: dict[str, str] = wait_until(idle, 60)
    return fields


def together(raw: RawClient, *commands: str) -> list[Reply]:
    """The replies to commands that are sent at once, so that the server has the next one when it has begun to save."""
    raw.send_bytes(b"".join(request(*command.split()) for command in commands))
    return [raw.read() for _ in commands]


def fields_of(info: Reply) -> dict[str, str]:
    """INFO's fields."""
    return dict(line.split(":", 1) for line in info.value.decode().splitlines() if ":" in line)


@pytest.fixture
def slow(raw: RawClient) -> Iterator[None]:
    """Each key takes long to save in the background: a save is under way for a second."""
    raw("MSET", *(word for i in range(20) for word in (f"k{i}", i)))
    raw("CONFIG", "SET", "rdb-key-save-delay", 50_000)
    yield
    raw("CONFIG", "SET", "rdb-key-save-delay", 0)
    until_saved(raw)


class TestSave:
    """SAVE."""

    def test_saves(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        before = raw.info("persistence")
        assert before["rdb_changes_since_last_save"] != "0"
        assert raw("SAVE") == OK
        after = raw.info("persistence")
        assert after["rdb_changes_since_last_save"] == "0"
        assert int(after["rdb_saves"]) == int(before["rdb_saves"]) + 1
        assert int(after["rdb_last_save_time"]) - time.time() < 2

    def test_arguments(self, raw: RawClient) -> None:
        assert raw("SAVE", "x") == Reply("-", b"ERR wrong number of arguments for 'save' command")

    def test_not_in_a_transaction(self, raw: RawClient) -> None:
        assert raw("MULTI") == OK
        assert raw("SAVE") == Reply("-", b"ERR Command not allowed inside a transaction")
        assert raw("EXEC") == Reply("-", b"EXECABORT Transaction discarded because of previous errors.")

    @pytest.mark.usefixtures("slow")
    def test_not_beside_another(self, raw: RawClient) -> None:
        assert together(raw, "BGSAVE", "SAVE") == [STARTED, IN_PROGRESS]


class TestBgsave:
    """BGSAVE [SCHEDULE]."""

    @pytest.mark.parametrize("arguments", [(), ("SCHEDULE",), ("schedule",)])
    def test_saves(self, raw: RawClient, arguments: tuple[str, ...]) -> None:
        raw("SET", "a", 1)
        before = int(raw.info("persistence")["rdb_saves"])
        assert raw("BGSAVE", *arguments) == STARTED
        fields = until_saved(raw)
        assert fields["rdb_last_bgsave_status"] == "ok"
        assert (int(fields["rdb_saves"]), fields["rdb_changes_since_last_save"]) == (before + 1, "0")
        assert int(fields["rdb_last_bgsave_time_sec"]) >= 0

    def test_arguments(self, raw: RawClient) -> None:
        for arguments in (("x",), ("SCHEDULE", "x"), ("SCHEDULE", "SCHEDULE")):
            assert raw("BGSAVE", *arguments) == SYNTAX

    @pytest.mark.usefixtures("slow")
    def test_not_beside_another(self, raw: RawClient) -> None:
        assert together(raw, "BGSAVE", "BGSAVE", "BGSAVE SCHEDULE") == [STARTED, IN_PROGRESS, IN_PROGRESS]

    @pytest.mark.usefixtures("slow")
    def test_info_while_it_runs(self, raw: RawClient) -> None:
        before = raw.info("persistence")
        assert before["rdb_current_bgsave_time_sec"] == "-1"
        started, info = together(raw, "BGSAVE", "INFO persistence")
        during = fields_of(info)
        assert started == STARTED
        assert during["rdb_bgsave_in_progress"] == "1"
        assert int(during["rdb_saves"]) == int(before["rdb_saves"]) + 1
        assert during["rdb_current_bgsave_time_sec"] in ("0", "1")
        assert during["current_save_keys_total"] == "20"
        assert 0 <= int(during["current_save_keys_processed"]) <= 20
        after = until_saved(raw)
        assert (after["current_save_keys_total"], after["current_save_keys_processed"]) == ("0", "0")

    @pytest.mark.usefixtures("slow")
    def test_changes_meanwhile_are_still_to_be_saved(self, raw: RawClient) -> None:
        assert together(raw, "BGSAVE", "MSET new1 1 new2 2") == [STARTED, OK]
        assert until_saved(raw)["rdb_changes_since_last_save"] == "2"

    def test_in_a_transaction(self, raw: RawClient) -> None:
        """It waits for the transaction's end, so that the snapshot has all of it."""
        before = int(raw.info("persistence")["rdb_saves"])
        assert raw("MULTI") == OK
        assert raw("BGSAVE") == QUEUED
        assert raw("SET", "a", 1) == QUEUED
        assert raw("EXEC").value == (SCHEDULED, OK)
        wait_until(lambda: int(raw.info("persistence")["rdb_saves"]) != before)
        assert until_saved(raw)["rdb_changes_since_last_save"] == "0"


class TestLastsave:
    """LASTSAVE."""

    def test_time(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        before = int(time.time())
        assert raw("SAVE") == OK
        last = raw("LASTSAVE")
        assert last.kind == ":"
        assert before <= last.value <= time.time()
        assert connect()("LASTSAVE") == last
        assert raw.info("persistence")["rdb_last_save_time"] == str(last.value)

    def test_arguments(self, raw: RawClient) -> None:
        assert raw("LASTSAVE", "x") == Reply("-", b"ERR wrong number of arguments for 'lastsave' command")


def until_rewritten(raw: RawClient) -> dict[str, str]:
    """Waits for the end of the rewrite under way or scheduled: INFO persistence then."""
    return when_idle(raw, "aof_rewrite_in_progress", "aof_rewrite_scheduled")


class TestBgrewriteaof:
    """BGREWRITEAOF. What the files hold is tested with persistence."""

    def test_rewrites(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        before = int(raw.info("persistence")["aof_rewrites"])
        assert raw("BGREWRITEAOF") == Reply("+", b"Background append only file rewriting started")
        fields = until_rewritten(raw)
        assert fields["aof_last_bgrewrite_status"] == "ok"
        assert int(fields["aof_rewrites"]) == before + 1
        assert int(fields["aof_last_rewrite_time_sec"]) >= 0

    @pytest.mark.usefixtures("slow")
    def test_not_beside_another(self, raw: RawClient) -> None:
        _, second, save = together(raw, "BGREWRITEAOF", "BGREWRITEAOF", "BGSAVE")
        assert second == Reply("-", b"ERR Background append only file rewriting already in progress")
        assert save.value.startswith(b"ERR Another child process is active (AOF?): can't BGSAVE right now.")
        until_rewritten(raw)

    @pytest.mark.usefixtures("slow")
    def test_scheduled_behind_a_save_and_a_save_behind_it(self, raw: RawClient) -> None:
        scheduled = Reply("+", b"Background append only file rewriting scheduled")
        rewrites, saves = (int(raw.info("persistence")[name]) for name in ("aof_rewrites", "rdb_saves"))
        *replies, info = together(raw, "BGSAVE", "BGREWRITEAOF", "INFO persistence")
        assert replies == [STARTED, scheduled]
        assert fields_of(info)["aof_rewrite_scheduled"] == "1"
        until_saved(raw)
        assert int(until_rewritten(raw)["aof_rewrites"]) == rewrites + 1
        rewrite, save = together(raw, "BGREWRITEAOF", "BGSAVE SCHEDULE")
        assert (rewrite.kind, save) == ("+", SCHEDULED)
        until_rewritten(raw)
        wait_until(lambda: int(raw.info("persistence")["rdb_saves"]) == saves + 2)
        until_saved(raw)

    def test_in_a_transaction(self, raw: RawClient) -> None:
        """It waits for the transaction's end, so that the file has all of it."""
        raw("MULTI")
        raw("BGREWRITEAOF")
        assert raw("EXEC").plain() == [b"Background append only file rewriting scheduled"]
        assert until_rewritten(raw)["aof_last_bgrewrite_status"] == "ok"

    def test_arguments(self, raw: RawClient) -> None:
        assert raw("BGREWRITEAOF", "x") == Reply("-", b"ERR wrong number of arguments for 'bgrewriteaof' command")
