"""The settings table against a real Redis 8.2, and the Settings object."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.oracle import ErrorReply, Oracle, start_oracle
from zippy.setting_types import MULTI_WORD
from zippy.settings import SETTINGS, Setting, SettingError, Settings, Value, find_setting, parse, render

OWN = {"functions-module", "huge-pages", "io-transport", "snapshot-method", "tls-auth-clients-user"}
"""Settings that the oracle does not have; the last one is later than it."""
OWN_DEFAULTS = {"activedefrag", "bind", "dir"}  # zippy compacts, and listens on the loopback; Redis shows where it was started
OF_THE_RUN = {"port", "unixsocket", "logfile"}  # given to the oracle on its command line
# Redis opens ports, reads files, allocates or (built without TLS) falls over by these values; locale names depend on the machine
WITH_EFFECTS = {"port", "bind", "dir", "maxclients", "repl-backlog-size", "appendonly", "locale-collate", "watchdog-period"} | {
    "tls-port",
    "tls-replication",
    "tls-cluster",
}


def cases(text: str) -> list[str]:
    return text.split("|")


NUMBERS = cases(
    "0|1|2|-1|-5|1.5|abc|00|-0|01|+1|0x10|077|888|65535|65536|2147483647|2147483648|-2147483648|-2147483649|4294967295|4294967296|"
    "9223372036854775807|-9223372036854775808|9223372036854775808|18446744073709551615|18446744073709551616|999999999999999999999999"
)
MEMORY = cases(
    "1k|1kb|1KB|1mB|2M|3g|1gb|1b|1B|1t|1bb|kb|8589934591gb|8589934592gb|17179869184gb|17179869185gb|50%|0%|100%|101%|05%|-1%|%|1%%"
)
WORDS = ["", " ", "yes", "no", "YES", "No", "a b", " 1", "1 ", "1\n", "/x/y", "x" * 300, "é", "1\x00b", "yes\x00b", "\u0663"]
SPECIAL = {
    "save": cases(
        "60 1|60 1 30 2|60 1 | 60 1|60  1|60|60 0|60 -1|0 1|a 1|60 a|+60 1|060 1|60 1.5|60 9999999999|60 4294967295|99999999999 1|"
        "9223372036854775808 1|60 |-5 -5|60 1\t30 2"
    ),
    "client-output-buffer-limit": cases(
        "normal 1 2 3|replica 1mb 512kb 10|slave 1 1 1|PubSub 5 6 7|normal 1 2|master 1 2 3|bogus 1 2 3|normal a 2 3|normal 1 a 3|"
        "normal 1 2 a|normal 1 2 -1|normal 1 2 2147483648|normal 1 2 |normal 1 1 1 normal 2 2 2|normal  1 1|normal 1 2 +1|"
        "normal 99999999999999999999999 2 1|normal -1 0 0"
    ),
    "oom-score-adj-values": cases("1 2 3|1 2|1 2 3 4|a 1 2|-2000 0 2000|-2001 0 0|1.5 2 3|0  2|+1 02 3|1  3| 1 2"),
    "notify-keyspace-events": cases("KEA|AKE|K|g$lshzxetd|KEg$lshzxetdmn|AKEmn|nm|Kx$|q|KEo|Ec|co|AKEoc|EKocmntd|g$lshzxetdnoc|dgm|A A"),
    "latency-tracking-info-percentiles": cases(
        "50|50 99 99.9 100|100.1|1e1|nan|inf|-0|50  99|50 |1e-5|1_0|99.999999999|33.333333333333336|12345e-3|-1|0x1p3|5%|\t5|0.0000001"
    ),
    "shutdown-on-sigterm": cases("save force|force save|default|default save|SAVE|save nosave|now now|save bogus"),
    "proc-title-template": cases(
        "{title}|{nosuch}|{title|a{title}b{{|}|{}|   |{{{title}|{{title}|"
        "{title} {title}|{listen-addr}|{config-file}|{server-mode}|{title}x|{{|{port}|{title}{port}{tls-port}{unixsocket}{config-file}"
    ),
    "cluster-announce-hostname": ["a.b-c", "a_b", "a" * 255, "a" * 256, "a/b"],
    "cluster-announce-human-nodename": ["a b", *(f"a{chr(code)}" for code in range(32, 127))],
    "maxmemory-clients": cases("9223372036854775808|18446744073709551566|20mb|99999999999999999999%"),
    "maxmemory": ["0" * 126 + "1", "0" * 127 + "1"],
}
BAD_AND_GOOD = [*NUMBERS, *MEMORY, *WORDS]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with start_oracle() as server:
        yield server


def ours(setting: Setting, name: str, text: str, current: Value) -> str:
    settings = Settings()
    settings.put(setting, current)
    try:
        settings.set(name, text)
    except SettingError as error:
        return f"ERR {error}"
    return "OK " + settings.rendered(name)


def test_names_and_defaults_are_those_of_redis(oracle: Oracle) -> None:
    theirs = oracle("CONFIG", "GET", "*")
    mine = Settings().match([b"*"])
    assert sorted(mine) == sorted([*theirs, *OWN])
    skipped = OWN | OWN_DEFAULTS | OF_THE_RUN
    assert {name: text for name, text in mine.items() if name not in skipped} == {
        name: text for name, text in theirs.items() if name not in skipped
    }
    assert mine["bind"] == "127.0.0.1 -::1"
    assert (mine["port"], mine["unixsocket"], mine["logfile"], mine["dir"]) == ("6379", "", "", "./")


@pytest.mark.parametrize(
    "setting", [setting for setting in SETTINGS if setting.name not in WITH_EFFECTS | OWN], ids=lambda setting: setting.name
)
def test_config_set_takes_and_refuses_as_redis(oracle: Oracle, setting: Setting) -> None:
    """Each value is tried from the default on, by every name."""
    default = oracle("CONFIG", "GET", setting.name)[setting.name]
    for name in (setting.name, setting.alias):
        if name is None:
            continue
        texts = BAD_AND_GOOD + SPECIAL.get(setting.name, [])
        for text in texts if setting.mutable else ["", "1"]:
            reply = oracle("CONFIG", "SET", name, text)
            if isinstance(reply, ErrorReply):
                theirs = str(reply)
            else:
                theirs = "OK " + oracle("CONFIG", "GET", name)[name]
                assert oracle("CONFIG", "SET", name, default) == "OK"
            assert ours(setting, name, text, parse(setting, default) if setting.mutable else setting.default) == theirs, (name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("port", text) for text in ("abc", "-1", "65536")),
        *(("maxclients", text) for text in ("0", "-1", "abc", "4294967296")),
        *(("repl-backlog-size", text) for text in ("", "0", "1", "16384", "20kb", "-1", "99999999999999999999")),
        ("bind", " ".join("abcdefghijklmnopq")),
    ],
)
def test_values_that_have_effects_in_redis(oracle: Oracle, name: str, text: str) -> None:
    setting = find_setting(name)
    assert setting is not None
    reply = oracle("CONFIG", "SET", name, text)
    theirs = str(reply) if isinstance(reply, ErrorReply) else "OK " + oracle("CONFIG", "GET", name)[name]
    assert ours(setting, name, text, setting.default) == theirs


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch", "1"],
        ["NoSuch", "1"],
        ["hz", "a", "nosuch", "1"],
        ["nosuch", "1", "daemonize", "yes"],
        ["daemonize", "yes", "nosuch", "1"],
        ["hz", "a", "daemonize", "yes"],
        ["hz", "1", "HZ", "2", "daemonize", "yes"],
        ["daemonize", "1", "hz", "2", "hz", "1"],
        ["slave-priority", "1", "slave-priority", "2"],
        ["Slave-Priority", "x"],
        ["dbfilename", "x", "hz", "a"],
        ["hz", "5", "dir", "."],
        ["hz", "a", "maxmemory", "b"],
        ["hz", "5", "maxmemory", "x"],
        ["Daemonize", "x"],
        ["HZ", "x"],
        ["include", "x"],
        ["rename-command", "x"],
        ["user", "x"],
        ["loadmodule", "x"],
    ],
)
def test_several_at_once_are_refused_as_by_redis(oracle: Oracle, words: list[str]) -> None:
    settings = Settings()
    with pytest.raises(SettingError) as caught:
        settings.set_many(list(zip(words[::2], words[1::2], strict=True)))
    assert f"ERR {caught.value}" == oracle("CONFIG", "SET", *words)
    assert list(settings.changed()) == []


@pytest.mark.parametrize(
    "patterns",
    [
        ["hz"],
        ["MAXMEM*"],
        ["*-priority"],
        ["Slave-Priority"],
        ["slave-read*", "replica-read-only"],
        ["h?", "[h]z", "[^a-g]z"],
        ["nosuch", "nosuch*"],
        ["*[0-9]*"],
        ["[a-c]*"],
        ["[c-a]*-e*"],
        ["tls\\-port", "t\\ls*"],
        ["hz", "hz", "HZ"],
        ["repl*[!e]"],
        ["s[a"],
        ["[", "[]z", "*\\"],
        ["sav[e"],
        ["*z*"],
    ],
)
def test_config_get_matches_as_redis(oracle: Oracle, patterns: list[str]) -> None:
    assert sorted(Settings().match([pattern.encode() for pattern in patterns]).keys() - OWN) == sorted(oracle("CONFIG", "GET", *patterns))


class TestTable:
    """What must hold of every row."""

    @pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
    def test_row(self, setting: Setting) -> None:
        if setting.type != "address":  # its empty value can't be written
            assert parse(setting, render(setting, setting.default)) == setting.default
        assert setting.help.endswith(".") and len(setting.help) < 80
        assert setting.low <= setting.high
        assert (setting.type in ("enum", "shutdown")) == bool(setting.choices)

    def test_names_are_unique_and_found(self) -> None:
        names = [name for setting in SETTINGS for name in (setting.name, setting.alias) if name]
        assert len(set(names)) == len(names)
        assert all(find_setting(name.upper()) is not None for name in names)
        assert find_setting("nosuch") is None


class TestSettings:
    def test_typed_access(self) -> None:
        settings = Settings()
        settings.set_many([("maxmemory", "1gb"), ("appendonly", "YES"), ("maxmemory-policy", "Allkeys-LRU")])
        assert settings.integer("maxmemory") == 1 << 30
        assert settings.flag("appendonly") is True
        assert settings.text("maxmemory-policy") == "allkeys-lru"
        assert [setting.name for setting in settings.changed()] == ["maxmemory", "maxmemory-policy", "appendonly"]

    def test_alias_and_name_are_one_value(self) -> None:
        settings = Settings()
        settings.set("slave-priority", "7")
        assert settings.integer("replica-priority") == settings.integer("slave-priority") == 7
        settings.set_many([("slave-priority", "1"), ("replica-priority", "2")])
        assert settings.integer("replica-priority") == 2

    def test_protected_needs_trust(self) -> None:
        settings = Settings()
        with pytest.raises(SettingError, match="can't set protected config"):
            settings.set("dbfilename", "x.rdb")
        settings.set("dbfilename", "x.rdb", trusted=True)
        assert settings.text("dbfilename") == "x.rdb"

    def test_listeners_hear_of_changes_only(self) -> None:
        settings = Settings()
        heard: list[Value] = []
        settings.on_change("slave-priority", heard.append)
        settings.set("replica-priority", "100")
        settings.set("replica-priority", "5")
        settings.set("hz", "20")
        assert heard == [5]

    def test_a_refusing_listener_takes_everything_back(self) -> None:
        settings = Settings()
        heard: list[Value] = []

        def refuse(value: Value) -> None:
            raise SettingError("Unable to listen on this port. Check server logs.")

        settings.on_change("hz", heard.append)
        settings.on_change("port", refuse)
        with pytest.raises(SettingError) as caught:
            settings.set_many([("hz", "20"), ("port", "1")])
        assert str(caught.value) == (
            "CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs."
        )
        assert heard == [20, 10]
        assert (settings.integer("hz"), settings.integer("port")) == (10, 6379)

    def test_listeners_to_all_come_first(self) -> None:
        settings = Settings()
        heard: list[object] = []

        def refuse_port(setting: Setting, value: Value) -> None:
            heard.append((setting.name, value))
            if setting.name == "port":
                raise SettingError("no")

        settings.on_change("hz", heard.append)
        settings.on_each_change(refuse_port)
        settings.set("hz", "20")
        assert heard == [("hz", 20), 20]
        heard.clear()
        with pytest.raises(SettingError):
            settings.set_many([("hz", "30"), ("port", "1")])
        assert heard == [("hz", 30), 30, ("port", 1), 20, ("hz", 20)]
        assert (settings.integer("hz"), settings.integer("port")) == (20, 6379)

    def test_values_of_several_words_are_data(self) -> None:
        settings = Settings()
        settings.set_many([("save", "900 1 300 10"), ("client-output-buffer-limit", "replica 1kb 2 3"), ("bind", "::1 *")])
        assert settings.value("save") == ((900, 1), (300, 10))
        assert settings.value("client-output-buffer-limit") == ((0, 0, 0), (1024, 2, 3), (32 << 20, 8 << 20, 60))
        assert settings.value("bind") == ("::1", "*")
        assert all(setting.type in MULTI_WORD for setting in settings.changed())


def test_no_value_of_very_many_words() -> None:
    """What takes long to read is refused, and the value stays."""
    settings = Settings()
    before = settings.rendered("save")
    with pytest.raises(SettingError, match="more than 1000 words"):
        settings.set("save", "900 1 " * 100_000)
    assert settings.rendered("save") == before
