"""Settings that CONFIG GET * does not show, and every other one set to the value that it has, against a real Redis."""

from __future__ import annotations

import pytest

from tests.resp import RawClient
from tests.servers import ServerProcess, start_server
from zippy.settings import SETTINGS

HIDDEN = [setting.name for setting in SETTINGS if setting.hidden]
OWN = {b"functions-module", b"huge-pages", b"io-transport", b"snapshot-method", b"tls-auth-clients-user"}
VALUES = ["0", "1", "-1", "yes", "no", "x", "128", "129", "1023", "1024", "2147483648", "9223372036854775808"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    process = start_server(folder=tmp_path_factory.mktemp("server"))
    yield process
    process.stop()


def config(raw: RawClient) -> dict[bytes, bytes]:
    words = raw("CONFIG", "GET", "*").plain()
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden(name: str, server: ServerProcess, oracle: ServerProcess) -> None:
    said = []
    for process in (server, oracle):
        with process.client() as raw:
            assert name.encode() not in config(raw)
            said.append([raw("CONFIG", "GET", f"{name[:-1]}?").plain(), before := raw("CONFIG", "GET", name).plain()])
            for value in VALUES:
                # of the watchdog a signal would be the effect
                if name != "watchdog-period" or value not in ("1", "128", "129", "1023", "1024"):
                    said[-1].append((value, raw("CONFIG", "SET", name, value).value, raw("CONFIG", "GET", name).plain()))
            raw("CONFIG", "SET", name, before[1])
    assert said[0] == said[1]


def test_all_shown_settings_take_the_value_that_they_have(server: ServerProcess, oracle: ServerProcess) -> None:
    said = []
    for process in (server, oracle):
        with process.client() as raw:
            before = config(raw)
            said.append({name: raw("CONFIG", "SET", name, value).value for name, value in before.items() if name not in OWN})
            assert config(raw) == before
    assert said[0] == said[1]


def test_expired_keys_in_a_transaction(server: ServerProcess, oracle: ServerProcess) -> None:
    for process in (server, oracle):
        with process.client() as raw:
            for setting, left in (("yes", 1), ("no", 2)):
                raw("CONFIG", "SET", "lazyexpire-nested-arbitrary-keys", setting)
                raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
                for command in (("SCAN", 0), ("RANDOMKEY",)):
                    raw("FLUSHALL")
                    raw("SET", "stays", "x")
                    raw("SET", "goes", "x", "PX", 1)
                    raw("DEBUG", "SLEEP", "0.01")
                    while b"goes" in raw("KEYS", "*").plain():
                        pass
                    raw("MULTI")
                    raw(*command)
                    raw("EXEC")
                    assert raw("DBSIZE").value in ((left,) if command[0] == "SCAN" else (left, 2))
            raw("CONFIG", "SET", "lazyexpire-nested-arbitrary-keys", "yes")
            raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)
            raw("FLUSHALL")
