"""Configuration files, command lines and rewriting, against what a real Redis 8.2 makes of them."""

from __future__ import annotations

import io
import os
import pathlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tests.unit.oracle import oracle_binary, start_oracle
from zippy.config_file import (
    INCLUDE_DEPTH_MAX,
    REWRITE_MARK,
    ConfigFileError,
    Directive,
    load_command_line,
    load_text,
    parse_command_line,
    quote,
    rewrite,
    rewrite_file,
    split_words,
)
from zippy.settings import SETTINGS, SettingError, Settings, parse


def fatal_error(folder: pathlib.Path, arguments: list[str], stdin: bytes) -> str:
    """What Redis prints when it refuses to start; log lines around the message are left out."""
    command = [oracle_binary(), *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, cwd=folder, timeout=60, check=False)
    assert result.returncode == 1, result.stdout
    text = (result.stdout + result.stderr).decode()
    return "*** FATAL" + text.split("*** FATAL", 1)[1].rstrip("\n")


def our_error(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], stdin: bytes) -> str:
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigFileError) as caught:
        load_command_line(Settings(), arguments, io.BytesIO(stdin))
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "foo\n",
        "hz\n",
        "hz 1 2\n",
        "# comment\n\n  hz abc  \n",
        'hz "1\n',
        'hz "1"x\n',
        "hz 'a\n",
        "hz 7 # not a comment\n",
        'requirepass a"b"c\n',
        "requirepass a'b\n",
        "requirepass 'a\\x41\\'b\\\\'\n",
        "save 60\n",
        "save 60 a\n",
        "client-output-buffer-limit normal 1 2\n",
        "client-output-buffer-limit foo 1 2 3\n",
        "notify-keyspace-events K E\n",
        "masterauth a b\n",
        "replicaof a\n",
        "replicaof a b\n",
        "replicaof a 70000\n",
        "loglevel foo\n",
        "user\n",
        "loadmodule\n",
        "sentinel monitor a 1 2 3\n",
        "hash-max-ziplist-entries x\n",
        "proc-title-template a b\n",
        "shutdown-on-sigint nosave save\n",
        "appendfilename a/b\n",
        'appendfilename ""\n',
        "appenddirname a/b\n",
        'appenddirname ""\n',
        "dbfilename a/b\n",
        "databases 0\n",
        "io-threads 129\n",
        "unixsocketperm 1000\n",
        "unixsocketperm 8\n",
        "unixsocketperm -1\n",
        "socket-mark-id -1\n",
        "supervised maybe\n",
        "syslog-facility local9\n",
        "cluster-port 65536\n",
        "tcp-backlog -1\n",
        "rdbchecksum maybe\n",
        "enable-debug-command maybe\n",
    ],
)
def test_file_is_refused_as_by_redis(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "t.conf").write_text(text)
    assert our_error(tmp_path, monkeypatch, ["t.conf"], b"") == fatal_error(tmp_path, ["t.conf"], b"")


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--hz", "--save", "60", "1"], b""),
        (["--hz", "20", "30"], b""),
        (["--port", "0", "--hz"], b""),
        (["--hz=5"], b""),
        (["--port", "0", "-hz", "5"], b""),
        (["--masterauth", "--hz", "5"], b""),
        (["--client-output-buffer-limit", "normal 1 2 3", "pubsub 1 2 3"], b""),
        (["--hz", "", "5"], b""),
        (["--hz", '5\n"\\\x01é'], b""),
        (["--save", "'60 1'"], b""),
        (["--maxmemory", "100", "mb"], b""),
        (["--nosuch"], b""),
        (["--shutdown-on-sigterm", "SAVE bogus"], b""),
        (["t.conf", "t.conf", "--port", "0"], b""),
        (["t.conf", "-", "--port", "0"], b""),
        (["t.conf", "--port", "0", "--bogus"], b""),
        (["-", "--port", "0", "--hz", "a"], b"hz 44\nsave 1 1\n"),
        (["t.conf", "--hz", "a", "-"], b"slowlog-max-len 6\n"),
        (["--hz", "5", "-"], b"timeout x\n"),
    ],
)
def test_command_line_is_refused_as_by_redis(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], stdin: bytes
) -> None:
    (tmp_path / "t.conf").write_text("hz 33\nsave 1 1\n")
    assert our_error(tmp_path, monkeypatch, arguments, stdin) == fatal_error(tmp_path, arguments, stdin)


CONFIGURATION = r"""
# every kind of value
  HZ	7
maxmemory '3mb'
masterauth "a\x41\n\"b\\\xff é"
masteruser 'it\'s "me"'
save 60 1
save ""
save 10 1 20 2
save "30 3"
client-output-buffer-limit normal 1 2kb 3
client-output-buffer-limit pubsub 1mb 2mb 3
latency-tracking-info-percentiles 5 99.95
shutdown-on-sigterm now save
notify-keyspace-events xKE
slave-priority 5
replica-priority 6
oom-score-adj-values 1 2 3
maxmemory-clients 5%
unixsocketperm 700
list-max-ziplist-entries 5
repl-backlog-size 20kb
loglevel WARNING
"""
INCLUDING = "include part*.conf\ninclude nosuch*.conf\ntimeout 2\n"  # apart, as Redis adds no save points up after an include


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--include", "include.conf"],
        ["--save", "60", "1", "--save", "30", "2"],
        ["--save", "60 1", "--hz", "20"],
        ["--save", "", "--timeout", "9"],
        ["--save", "--hz", "20"],
        ["--SAVE", "60", "1"],
        ["--masterauth", "--hz"],
        ["--masterauth", "", "--hz", "5"],
        ["--masterauth", "a b\"c\\d\x01é'", "--masteruser", "'a'"],
        ["--hz 20"],
        ["--client-output-buffer-limit", "replica", "1", "2", "3"],
        ["--client-output-buffer-limit", "replica 1 2 3"],
        ["--oom-score-adj-values", "1 2 3", "--enable-debug-command", "yes", "--enable-debug-command", "no"],
        ["--shutdown-on-sigterm", "force", "now", "nosave"],
    ],
)
def test_values_are_those_of_redis(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    (tmp_path / "t.conf").write_text(CONFIGURATION)
    (tmp_path / "include.conf").write_text(INCLUDING)
    (tmp_path / "part1.conf").write_text("timeout 1\nslowlog-max-len 1\n")
    (tmp_path / "part2.conf").write_text("slowlog-max-len 2")
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    loaded = load_command_line(settings, ["t.conf", *options], io.BytesIO())
    assert loaded == (str(tmp_path / "t.conf"), [])
    with start_oracle(*options, config=tmp_path / "t.conf") as oracle:
        theirs = oracle("CONFIG", "GET", "*")
    for name in ("activedefrag", "bind", "port", "unixsocket", "dir", "logfile"):
        del theirs[name]
    assert {name: text for name, text in settings.match([b"*"]).items() if name in theirs} == theirs


class TestLoading:
    def test_other_directives_are_handed_on(self) -> None:
        directives = load_text(Settings(), 'user a on ~*\nRename-Command GET ""\n')
        assert directives == [
            Directive("user", ["a", "on", "~*"], "user a on ~*", 1, None),
            Directive("rename-command", ["GET", ""], 'Rename-Command GET ""', 2, None),
        ]
        assert str(directives[1].error("No such command in rename-command")) == (
            "*** FATAL CONFIG FILE ERROR (Redis 8.2.3) ***\n"
            "Reading the configuration file, at line 2\n>>> 'Rename-Command GET \"\"'\nNo such command in rename-command"
        )

    @pytest.mark.parametrize("text", ["nosuch 1", "include a b", "rename-command GET", "list-max-ziplist-entries", "include"])
    def test_unknown_lines_are_refused(self, text: str) -> None:
        with pytest.raises(ConfigFileError, match="Bad directive or wrong number of arguments"):
            load_text(Settings(), text)

    def test_an_included_file_is_named_in_errors(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "part.conf").write_text("\nhz x\n")
        with pytest.raises(ConfigFileError) as caught:
            load_text(Settings(), "include part.conf")
        assert "Reading the configuration file 'part.conf', at line 2\n>>> 'hz x'\n" in str(caught.value)

    def test_including_in_a_circle_ends(self, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "circle.conf"
        path.write_text(f"include {path}\n")
        with pytest.raises(ConfigFileError, match="Too many levels of included files"):
            load_text(Settings(), f"include {path}")
        assert INCLUDE_DEPTH_MAX > 1

    @pytest.mark.parametrize("name", ["nosuch.conf", "."])
    def test_unreadable_file(self, tmp_path: pathlib.Path, name: str) -> None:
        path = str(tmp_path / name)
        with pytest.raises(ConfigFileError, match=r"^Fatal error, can't open config file '.*': (No such file or|Is a) directory$"):
            load_command_line(Settings(), [path], io.BytesIO())

    def test_standard_input_comes_between_file_and_options(self, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "t.conf"
        path.write_text("hz 1\ntimeout 1\ntcp-keepalive 1")
        settings = Settings()
        load_command_line(settings, [str(path), "--hz", "3", "-"], io.BytesIO(b"hz 2\ntimeout 2"))
        assert [settings.integer(name) for name in ("hz", "timeout", "tcp-keepalive")] == [3, 2, 1]

    def test_command_line_parts(self) -> None:
        assert parse_command_line([]) == (None, False, "")
        assert parse_command_line(["-"]) == (None, True, "")
        assert parse_command_line(["f"]) == ("f", False, "")
        assert parse_command_line(["f", "--a", "1", "x y", "--b", "-"]) == ("f", True, 'a "1" "x y"\nb')


class TestWords:
    @given(st.text())
    def test_quote_is_undone(self, text: str) -> None:
        assert split_words(f" a {quote(text)}\t{quote(text)} ") == ["a", text, text]

    @given(st.binary())
    def test_any_byte_survives(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        assert split_words(quote(text)) == [text]
        assert quote(text).isascii() and quote(text).isprintable()

    @given(st.text("ab \"'\\xn4\t#"))
    def test_any_line_gives_words_or_valueerror(self, line: str) -> None:
        try:
            words = split_words(line)
        except ValueError:
            return
        assert split_words(" ".join(quote(word) for word in words)) == words

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("", []),
            ('a"b c"', ["ab c"]),
            (r'"\x41\x4\q\n"', ["Ax4q\n"]),
            (r"'\n\'\\ '", [r"\n'\\ "]),
            ("'a' \"b\"", ["a", "b"]),
        ],
    )
    def test_examples(self, line: str, words: list[str]) -> None:
        assert split_words(line) == words


def loaded(text: str) -> Settings:
    settings = Settings()
    load_text(settings, text)
    return settings


class TestRewrite:
    def test_order_and_comments_stay(self) -> None:
        text = "# head\n\nport 0\nhz 10\n# mid\nmaxmemory 1mb\n\n\n\nhz 20\nsave 60 1\nsave 30 2\n  # tail"
        settings = loaded(text)
        settings.set_many([("hz", "15"), ("maxmemory", "2097152"), ("timeout", "5")])
        assert rewrite(text, settings) == (
            f"# head\n\nport 0\nhz 15\n# mid\nmaxmemory 2mb\n\nsave 60 1\nsave 30 2\n# tail\n{REWRITE_MARK}\ntimeout 5\n"
        )

    def test_nothing_changed(self) -> None:
        assert rewrite("", Settings()) == ""
        text = "# only this\nhz 10\n"
        assert rewrite(text, loaded(text)) == text

    def test_back_to_the_default_keeps_the_line(self) -> None:
        settings = loaded("hz 15\n")
        settings.set("hz", "10")
        assert rewrite("hz 15\n", settings) == "hz 10\n"

    def test_aliases_become_names(self) -> None:
        text = "replica-priority 5\nslave-priority 6\nlist-max-ziplist-size 5\n"
        assert rewrite(text, loaded(text)) == "replica-priority 6\n\nlist-max-listpack-size 5\n"

    def test_second_rewrite_adds_no_second_mark(self) -> None:
        settings = loaded("hz 10\n")
        settings.set("timeout", "4")
        once = rewrite("hz 10\n", settings)
        assert once == f"hz 10\n\n{REWRITE_MARK}\ntimeout 4\n"
        assert rewrite(once, settings) == once
        settings.set("tcp-keepalive", "5")
        twice = rewrite(once, settings)
        assert twice == f"hz 10\n\n{REWRITE_MARK}\ntimeout 4\n\ntcp-keepalive 5\n"
        assert rewrite(twice, settings) == twice

    @pytest.mark.parametrize(
        ("text", "save", "expected"),
        [
            ("save 60 1\nsave 30 2\n# a\nsave 5 5\n", "1 1", "save 1 1\n\n# a\n\n"),
            ("save 60 1\n", "", 'save ""\n'),
            ("", "", f'{REWRITE_MARK}\nsave ""\n'),
            ('save ""\n', "1 1 2 2", f"save 1 1\n\n{REWRITE_MARK}\nsave 2 2\n"),
        ],
    )
    def test_save(self, text: str, save: str, expected: str) -> None:
        settings = loaded(text)
        settings.set("save", save)
        assert rewrite(text, settings).rstrip("\n") == expected.rstrip("\n")

    def test_buffer_limits_that_differ(self) -> None:
        settings = loaded("client-output-buffer-limit normal 1 2 3\n")
        settings.set("client-output-buffer-limit", "slave 1kb 1mb 1")
        assert rewrite("client-output-buffer-limit normal 1 2 3\n", settings) == (
            f"client-output-buffer-limit normal 1 2 3\n\n{REWRITE_MARK}\nclient-output-buffer-limit replica 1kb 1mb 1\n"
        )

    def test_lines_of_others(self) -> None:
        text = 'user a on nopass\nrename-command FLUSHALL ""\ninclude x.conf\nuser old on\n'
        assert rewrite(text, Settings(), {"user": ["user a off", "user b on", "user c on"]}) == (
            f'user a off\nrename-command FLUSHALL ""\ninclude x.conf\nuser b on\n\n{REWRITE_MARK}\nuser c on\n'
        )
        assert rewrite(text, Settings()) == text

    @pytest.mark.parametrize("kind", sorted({setting.type for setting in SETTINGS}))
    @limits(max_examples=40)
    @given(st.data())
    def test_a_file_gives_back_whatever_was_taken(self, kind: str, data: st.DataObject) -> None:
        """Line breaks, quotes and control bytes in a value are no lines and no words of the file."""
        setting = data.draw(st.sampled_from([setting for setting in SETTINGS if setting.type == kind and setting.name != "dir"]))
        words = st.sampled_from(["127.0.0.1", "1", "60", "normal", "1kb", "yes", "a", *setting.choices])
        hostile = st.text(st.sampled_from("a1- \n\r\t\0\"'\\#x\x01\x1b\x7f\xa0\u2028é\udcff"), max_size=12)
        parts = data.draw(st.lists(words | hostile, min_size=1, max_size=5))
        text = data.draw(st.sampled_from(["", " ", "\nmaxmemory 1\n", "\r"])).join(parts)
        settings = Settings()
        try:
            settings.put(setting, parse(setting, text, settings.value(setting.name)))
        except SettingError:
            return
        for before in ("", f"{setting.name} 1\nport 7\n"):
            written = rewrite(before, settings)
            again = loaded(written)
            assert [name for name in again.changed() if name.name != setting.name] == []
            assert again.value(setting.name) == settings.value(setting.name)
            assert rewrite(written, again) == written

    @pytest.mark.parametrize("folder", ["a\nmaxmemory 1", "\"q\" 'r' \\", "\udcff\r#", " "])
    def test_a_folder_with_any_name(self, tmp_path: pathlib.Path, folder: str) -> None:
        path = tmp_path / folder
        path.mkdir()
        settings = Settings()
        settings.set_many([("dir", str(path))], trusted=True)
        again = loaded(rewrite("", settings))
        assert (again.text("dir"), again.integer("maxmemory")) == (str(path), 0)

    def test_redis_reads_what_was_written(self, tmp_path: pathlib.Path) -> None:
        settings = Settings()
        settings.set_many(
            [
                ("masterauth", "x\"y\\z\n\t\x01\x7fé 'q' #"),
                ("masteruser", "u v"),
                ("save", "1 2 3 4"),
                ("notify-keyspace-events", "KEA"),
                ("bind-source-addr", "1.2.3.4"),
                ("proc-title-template", "a\nmaxmemory 1 {title}"),
                ("cluster-announce-ip", "'\r\x1b"),
                ("oom-score-adj-values", "1 2 3"),
                ("latency-tracking-info-percentiles", ""),
                ("maxmemory-clients", "5%"),
                ("maxmemory", "1500000"),
                ("shutdown-on-sigterm", "force save"),
                ("client-output-buffer-limit", "normal 1kb 2 3 replica 4 5 6"),
                ("loglevel", "warning"),
                ("appendfsync", "no"),
            ]
        )
        path = tmp_path / "new.conf"
        rewrite_file(str(path), settings)
        again = loaded(path.read_text())
        assert {setting.name for setting in settings.changed()} == {setting.name for setting in again.changed()}
        with start_oracle(config=path) as oracle:
            for setting in settings.changed():
                assert again.value(setting.name) == settings.value(setting.name)
                assert oracle("CONFIG", "GET", setting.name)[setting.name] == settings.rendered(setting.name)

    def test_file_keeps_its_mode_and_leaves_nothing_behind(self, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "t.conf"
        path.write_text("hz 11\n")
        path.chmod(0o600)
        rewrite_file(str(path), Settings())
        assert path.read_text() == "hz 10\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert os.listdir(tmp_path) == ["t.conf"]

    def test_a_folder_that_is_not_there(self, tmp_path: pathlib.Path) -> None:
        with pytest.raises(OSError):
            rewrite_file(str(tmp_path / "no" / "t.conf"), Settings())
