"""How the server starts, which arguments and files it takes, what it leaves behind, and how it stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.launch import Launched, UnixClient, answers, environment, launched, linux_only, run_to_end
from tests.resp import ConnectionClosed, RawClient
from tests.servers import READY_SECONDS, ServerProcess, free_port, oracle_program
from tests.waiting import wait_until
from zippy.commandspec import COMMANDS

FATAL = "\n*** FATAL CONFIG FILE ERROR (Redis 8.2.3) ***\nReading the configuration file, at line {}\n>>> '{}'\n{}\n"


def tcp(port: int) -> RawClient:
    """A connection to a loopback port."""
    return RawClient("127.0.0.1", port)


def ready(server: Launched, port: int) -> RawClient:
    """A connection to a server that has just been launched, as soon as it answers."""
    server.wait_ready(lambda: tcp(port))
    return tcp(port)


def same_as_oracle(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and standard error of zippy, which must be what Redis gives; the oracle is run if there is one."""
    mine = run_to_end(*arguments, cwd=tmp_path)
    program = oracle_program()
    if program is not None:
        theirs = subprocess.run([str(program), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert (mine.returncode, mine.stderr) == (theirs.returncode, theirs.stderr)
    return mine.returncode, mine.stderr


class TestCommandLine:
    """Flags and configuration files."""

    def test_what_fixtures_pass(self, tmp_path: Path) -> None:
        """The arguments with which pytest-redis and its like start redis-server."""
        port = free_port()
        arguments = {
            "daemonize": "no",
            "rdbcompression": "yes",
            "rdbchecksum": "no",
            "appendonly": "no",
            "databases": "16",
            "timeout": "0",
            "pidfile": str(tmp_path / "p.pid"),
            "unixsocket": str(tmp_path / "s"),
            "dbfilename": "dump.x.rdb",
            "logfile": str(tmp_path / "log"),
            "loglevel": "notice",
            "syslog-enabled": "no",
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(tmp_path),
            "requirepass": "secret",
            "save": "",
        }
        words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        with launched(tmp_path / "cwd", *words) as server, ready(server, port) as client:
            assert client("AUTH", "secret").value == b"OK"
            told = client("CONFIG", "GET", "*").plain()
            told = {key.decode(): value.decode() for key, value in zip(told[::2], told[1::2], strict=True)}
            assert {name: told[name] for name in arguments} == arguments
            assert answers(lambda: UnixClient(tmp_path / "s"))
            assert (tmp_path / "p.pid").read_text() == f"{server.process.pid}\n"
            assert "Ready to accept connections" in (tmp_path / "log").read_text()
            assert server.output == ""
            assert server.stop(signal.SIGTERM) == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == ["cwd", "log"]

    def test_one_word_for_a_name_and_its_values(self, tmp_path: Path) -> None:
        """pytest-redis passes "--save 60 1 300 10" as one argument."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--save 60 1 300 10") as server, ready(server, port) as client:
            assert client("CONFIG", "GET", "save").plain() == [b"save", b"60 1 300 10"]

    def test_version(self) -> None:
        """The line from which pytest-redis and others read the version, by `v=` or a number of three parts."""
        for flag in ("--version", "-v"):
            run = run_to_end(flag)
            assert run.returncode == 0
            assert re.fullmatch(r"Redis server v=(\d+\.\d+\.\d+) sha=[0-9a-f]{8}:0 malloc=\S+ bits=64 build=\S+\n", run.stdout), run.stdout
            assert re.search(r"\d+(?:\.\d+)+", run.stdout).group() == "8.2.3"  # type: ignore[union-attr]

    def test_help(self) -> None:
        """--help says how it is called."""
        run = run_to_end("--help")
        assert run.returncode == 0 and run.stdout.startswith("Usage: zippy")

    def test_file_and_overrides(self, tmp_path: Path) -> None:
        """Options win over the file, and the file is the one that CONFIG REWRITE writes."""
        port = free_port()
        (tmp_path / "z.conf").write_text(f"# ours\nport {port}\nmaxmemory 1mb\nhz 20\n")
        with launched(tmp_path, "z.conf", "--hz", "50", "--save", "") as server, ready(server, port) as client:
            assert client("CONFIG", "GET", "hz").plain() == [b"hz", b"50"]
            assert client("CONFIG", "GET", "maxmemory").plain() == [b"maxmemory", b"1048576"]

    def test_standard_input(self, tmp_path: Path) -> None:
        """A dash reads the configuration from standard input; a bad line in it is named."""
        run = run_to_end("-", cwd=tmp_path, stdin=b"hz 10\nhz x\n")
        assert run.returncode == 1
        assert run.stderr == FATAL.format(2, "hz x", "argument couldn't be parsed into an integer")

    @pytest.mark.parametrize(
        ("text", "line", "quoted", "reason"),
        [
            ("port 1\n\nmaxmemory 1x\n", 3, "maxmemory 1x", "argument must be a memory value"),
            ("databases 0\n", 1, "databases 0", None),
            ("appendonly maybe\n", 1, "appendonly maybe", "argument must be 'yes' or 'no'"),
            ("maxmemory-policy x\n", 1, "maxmemory-policy x", None),
            ("port\n", 1, "port", None),
            ("port 1 2\n", 1, "port 1 2", None),
            ('bind "127.0.0.1\n', 1, 'bind "127.0.0.1', "Unbalanced quotes in configuration line"),
            ("rename-command\n", 1, "rename-command", "Bad directive or wrong number of arguments"),
            ("rename-command NOSUCH a\n", 1, "rename-command NOSUCH a", "No such command in rename-command"),
            ("rename-command GET SET\n", 1, "rename-command GET SET", "Target command name already exists"),
            ("save 1\n", 1, "save 1", None),
            ("client-output-buffer-limit normal 1\n", 1, "client-output-buffer-limit normal 1", None),
        ],
    )
    def test_bad_lines(self, tmp_path: Path, text: str, line: int, quoted: str, reason: str | None) -> None:
        """A line that cannot be is shown with its number, in Redis's words (None: whatever the oracle says), and the exit code is 1."""
        (tmp_path / "z.conf").write_text(text)
        code, said = same_as_oracle(tmp_path, "z.conf")
        assert code == 1
        assert said.startswith(FATAL.format(line, quoted, reason or "")[: None if reason else -1]), said

    @pytest.mark.parametrize("arguments", [("--port", "abc"), ("--port", "70000"), ("--save", "1"), ("--hz",), ("--loglevel", "loud")])
    def test_bad_options(self, tmp_path: Path, arguments: tuple[str, ...]) -> None:
        """The same for options, which are lines behind those of the file."""
        assert same_as_oracle(tmp_path, *arguments)[0] == 1

    def test_unknown_name(self, tmp_path: Path) -> None:
        """No module could claim an unknown name later, so it is refused at its line."""
        (tmp_path / "z.conf").write_text("hz 10\nno-such-thing 1\n")
        run = run_to_end("z.conf", cwd=tmp_path)
        assert run.returncode == 1
        assert run.stderr == FATAL.format(2, "no-such-thing 1", "Bad directive or wrong number of arguments")

    def test_missing_file(self, tmp_path: Path) -> None:
        """A file that is not there."""
        run = run_to_end("nofile.conf", cwd=tmp_path)
        assert run.returncode == 1
        assert f"Fatal error, can't open config file '{tmp_path}/nofile.conf': No such file or directory" in run.stderr

    def test_missing_folder(self, tmp_path: Path) -> None:
        """A `dir` that is not there stops the start."""
        code, said = same_as_oracle(tmp_path, "--dir", "/nosuchdir")
        assert code == 1
        assert said == FATAL.format(2, 'dir "/nosuchdir"', "No such file or directory")

    def test_log_that_cannot_be_written(self, tmp_path: Path) -> None:
        """So does a log file that cannot be opened."""
        code, said = same_as_oracle(tmp_path, "--logfile", "/nosuchdir/log")
        assert code == 1
        assert said.endswith("Can't open the log file: No such file or directory\n")

    def test_nowhere_to_listen(self, tmp_path: Path) -> None:
        """No port and no Unix socket."""
        run = run_to_end("--port", "0", "--save", "", cwd=tmp_path)
        assert run.returncode == 1
        assert "# Configured to not listen anywhere, exiting.\n" in run.stdout

    def test_unused_settings_are_logged(self, tmp_path: Path) -> None:
        """Settings that mean nothing here are taken, and the log says so."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--io-threads", "4", "--save", "") as server, ready(server, port):
            assert "setting=io-threads is accepted for compatibility and has no effect in zippy" in server.output
            assert "setting=port" not in server.output


class TestRenameCommand:
    """The configuration's rename-command lines."""

    def test_rename(self, tmp_path: Path) -> None:
        """The new name works, the old one does not, and one renamed to "" is gone."""
        port = free_port()
        text = f'port {port}\nsave ""\n'
        (tmp_path / "z.conf").write_text(text + 'rename-command GET fetch\nrename-command FLUSHALL ""\nrename-command CONFIG c\n')
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("SET", "a", "1").value == b"OK"
            assert client("FETCH", "a").value == b"1"
            assert client("GET", "a").value == b"ERR unknown command 'GET', with args beginning with: 'a' "
            assert client("FLUSHALL").value == b"ERR unknown command 'FLUSHALL', with args beginning with: "
            assert client("C", "GET", "hz").plain() == [b"hz", b"10"]
            # COMMAND knows them as clients call them
            assert client("COMMAND", "COUNT").value == len(COMMANDS) - 1
            get, fetch, sub, gone, no_container = client("COMMAND", "INFO", "GET", "Fetch", "c|get", "flushall", "fetch|x").value
            assert (fetch.value[0].value, sub.value[0].value) == (b"get", b"config|get")
            assert get.value is gone.value is no_container.value is None
            # lists have the names that they have by themselves, and not what is gone
            for listed in (
                [row.value[0].value for row in client("COMMAND").value],
                client("COMMAND", "LIST").plain(),
                client("COMMAND", "LIST", "FILTERBY", "PATTERN", "*").plain(),
                client("COMMAND", "DOCS").plain()[::2],
            ):
                assert {b"get", b"config", b"flushdb"} <= set(listed)
                assert {b"fetch", b"c", b"flushall"}.isdisjoint(listed)
            by_category = client("COMMAND", "LIST", "FILTERBY", "ACLCAT", "dangerous").plain()
            assert b"flushdb" in by_category
            assert b"flushall" not in by_category
            assert client("c", "x").value == b"ERR unknown subcommand 'x'. Try C HELP."
            assert client("C", "help").value[0].value.startswith(b"C <subcommand> ")
            # the lines stay when the file is rewritten
            assert client("C", "REWRITE").value == b"OK"
            assert 'rename-command FLUSHALL ""' in (tmp_path / "z.conf").read_text()


class TestRun:
    """Process files, sockets, logs, signals."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize(("save", "saved"), [("", False), ("3600 1", True)])
    def test_signals(self, tmp_path: Path, number: int, save: str, saved: bool) -> None:
        """Both end the server with 0, its data saved if there are save points."""
        port = free_port()
        arguments = ("--port", str(port), "--save", save, "--pidfile", "p.pid", "--unixsocket", "s")
        with launched(tmp_path, *arguments) as server, ready(server, port) as client:
            assert client("SET", "a", "1").value == b"OK"
            assert (tmp_path / "p.pid").exists() and (tmp_path / "s").exists()
            assert server.stop(number) == 0
            with pytest.raises(ConnectionClosed):
                client.read()
            assert f"Received {signal.Signals(number).name}, scheduling shutdown" in server.output
        assert not (tmp_path / "p.pid").exists() and not (tmp_path / "s").exists()
        assert (tmp_path / "dump.rdb").exists() == saved
        with launched(tmp_path, *arguments) as server, ready(server, port) as client:
            assert client("GET", "a").value == (b"1" if saved else None)

    @pytest.mark.parametrize(("option", "saved"), [("nosave", False), ("save", True)])
    def test_shutdown_on(self, tmp_path: Path, option: str, saved: bool) -> None:
        """shutdown-on-sigterm decides against the save points."""
        port = free_port()
        with launched(
            tmp_path, "--port", str(port), "--save", "" if saved else "3600 1", "--shutdown-on-sigterm", option
        ) as server, ready(server, port) as client:
            assert client("SET", "a", "1").value == b"OK"
            assert server.stop(signal.SIGTERM) == 0
        assert (tmp_path / "dump.rdb").exists() == saved

    def test_save_that_fails_keeps_the_server(self, tmp_path: Path) -> None:
        """A shutdown that cannot save is given up, and one with `force` is not."""
        port = free_port()
        folder = tmp_path / "data"
        folder.mkdir()
        arguments = ("--port", str(port), "--save", "3600 1", "--dir", str(folder), "--dbfilename", "dump.rdb")
        with launched(tmp_path, *arguments) as server, ready(server, port) as client:
            assert client("SET", "a", "1").value == b"OK"
            (folder / "dump.rdb").mkdir()
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "Errors trying to shut down" in server.output)
            assert client("GET", "a").value == b"1"
            assert client("CONFIG", "SET", "shutdown-on-sigterm", "force").value == b"OK"
            assert server.stop(signal.SIGTERM) == 0

    def test_impatience(self, tmp_path: Path) -> None:
        """While the server saves for the end, SIGTERM changes nothing and SIGINT ends it at once; the next start works."""
        port = free_port()
        arguments = ("--port", str(port), "--save", "3600 1")
        with launched(tmp_path, *arguments) as server, ready(server, port) as client:
            assert client("SET", "a", "1").value == b"OK"
            # a pipe that nobody reads keeps the save waiting
            os.mkfifo(tmp_path / f"temp-{server.process.pid}.rdb")
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "Saving the final RDB snapshot" in server.output)
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(0.1)
            assert server.stop(signal.SIGINT) == -signal.SIGINT
        with launched(tmp_path, *arguments) as server, ready(server, port) as client:
            assert client("GET", "a").value is None
            assert [path.name for path in tmp_path.glob("temp-*")] == []

    def test_busy_port(self, tmp_path: Path) -> None:
        """The address of another server: the message is Redis's, and that one's process file and socket stay."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            (tmp_path / "p.pid").write_text("1\n")
            run = run_to_end("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--pidfile", "p.pid", cwd=tmp_path)
        assert run.returncode == 1
        assert f"# Warning: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use\n" in run.stdout
        assert f"# Failed listening on port {port} (tcp), aborting.\n" in run.stdout
        assert (tmp_path / "p.pid").read_text() == "1\n"

    def test_unix_socket_alone(self, tmp_path: Path) -> None:
        """--port 0 with a Unix socket, which replaces one that a killed server has left."""
        with launched(tmp_path, "--port", "0", "--unixsocket", "s", "--save", "") as server:
            server.wait_ready(lambda: UnixClient(tmp_path / "s"))
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        assert (tmp_path / "s").exists()
        with launched(tmp_path, "--port", "0", "--unixsocket", "s", "--save", "") as server:
            server.wait_ready(lambda: UnixClient(tmp_path / "s"))
            with UnixClient(tmp_path / "s") as client:
                assert b"tcp_port:0\r\n" in client("INFO", "server").value
            assert server.stop(signal.SIGTERM) == 0
        assert not (tmp_path / "s").exists()

    @linux_only
    def test_daemonize(self, tmp_path: Path) -> None:
        """The started process ends with 0, the server goes on behind it without a terminal, and writes a process file."""
        port = free_port()
        arguments = ["--daemonize", "yes", "--port", str(port), "--save", "", "--pidfile", str(tmp_path / "p.pid"), "--logfile", "log"]
        run = run_to_end(*arguments, cwd=tmp_path)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
        # it is ready by then
        pid = int((tmp_path / "p.pid").read_text())
        try:
            assert os.getsid(pid) == pid != os.getsid(0)
            assert os.readlink(f"/proc/{pid}/fd/1") == os.devnull
            with tcp(port) as client:
                assert f"process_id:{pid}\r\n".encode() in client("INFO", "server").value
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: "bye bye" in (tmp_path / "log").read_text())
        wait_until(lambda: not (tmp_path / "p.pid").exists())

    def test_daemonize_in_vain(self, tmp_path: Path) -> None:
        """Who started a server that cannot start hears of it."""
        (tmp_path / "dump.rdb").write_bytes(b"nonsense")
        run = run_to_end("--daemonize", "yes", "--port", str(free_port()), "--logfile", "log", cwd=tmp_path)
        assert (run.returncode, run.stdout) == (1, "")
        assert run.stderr == "The server ended before it was ready; its log (logfile) tells why.\n"
        assert "dump.rdb" in (tmp_path / "log").read_text()

    def test_log_file_can_be_moved_away(self, tmp_path: Path) -> None:
        """As log rotation does: a new file is begun."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--save", "", "--logfile", "log") as server, ready(server, port) as client:
            (tmp_path / "log").rename(tmp_path / "log.1")
            assert client("CONFIG", "SET", "loglevel", "debug").value == b"OK"
            assert server.stop(signal.SIGTERM) == 0
        assert "Ready to accept" in (tmp_path / "log.1").read_text()
        assert "bye bye" in (tmp_path / "log").read_text()

    def test_log_lines(self, tmp_path: Path) -> None:
        """Lines have Redis's form, and loglevel leaves lines out."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--save", "") as server, ready(server, port):
            for line in server.output.splitlines():
                assert re.fullmatch(r"\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} [.\-*#] .+", line), line
        with launched(tmp_path, "--port", str(port), "--save", "", "--loglevel", "warning") as server, ready(server, port):
            assert "Ready to accept" not in server.output
        with launched(tmp_path, "--port", str(port), "--save", "", "--loglevel", "nothing") as server, ready(server, port):
            assert server.output == ""

    @pytest.mark.parametrize("abstract", [False, pytest.param(True, marks=linux_only)])
    def test_service_manager(self, tmp_path: Path, abstract: bool) -> None:
        """systemd's socket is told when the server is ready and when it stops."""
        address = f"@zippy-test-{os.getpid()}" if abstract else str(tmp_path / "n")
        port = free_port()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.bind("\0" + address[1:] if abstract else address)
            channel.settimeout(READY_SECONDS)
            arguments = ("--supervised", "systemd", "--port", str(port), "--save", "")
            with launched(tmp_path, *arguments, env={"NOTIFY_SOCKET": address}) as server:
                assert "READY=1" in channel.recv(1000).decode().splitlines()
                assert answers(lambda: tcp(port))
                assert server.stop(signal.SIGTERM) == 0
            assert "STOPPING=1" in channel.recv(1000).decode().splitlines()

    def test_not_supervised(self, tmp_path: Path) -> None:
        """Without `supervised` nobody is told."""
        port = free_port()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.bind(str(tmp_path / "n"))
            channel.setblocking(False)
            with launched(tmp_path, "--port", str(port), "--save", "", env={"NOTIFY_SOCKET": str(tmp_path / "n")}) as server:
                ready(server, port).close()
                assert server.stop(signal.SIGTERM) == 0
            with pytest.raises(BlockingIOError):
                channel.recv(1000)

    def test_how_fast(self, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
        """The time to the first answer is shown (`pytest -rP`), not judged: machines differ."""
        times = []
        for _ in range(5):
            port = free_port()
            began = time.perf_counter()
            with launched(tmp_path, "--port", str(port), "--save", "") as server:
                ready(server, port).close()
                times.append(time.perf_counter() - began)
        record_property("seconds to the first answer", min(times))
        print(f"seconds to the first answer: {min(times):.3f} (five starts: {', '.join(f'{value:.3f}' for value in times)})")

    @linux_only
    def test_without_uvloop(self, tmp_path: Path) -> None:
        """Where uvloop is missing the server runs on asyncio's own loop."""
        (tmp_path / "shadow").mkdir()
        (tmp_path / "shadow" / "uvloop.py").write_text("raise ImportError\n")
        port = free_port()
        path = os.pathsep.join([str(tmp_path / "shadow"), environment()["PYTHONPATH"]])
        for given, with_uvloop in (({}, True), ({"PYTHONPATH": path}, False)):
            with launched(tmp_path, "--port", str(port), "--save", "", env=given) as server, ready(server, port) as client:
                assert client("SET", "a", "1").value == b"OK"
                assert ("uvloop" in Path(f"/proc/{server.process.pid}/maps").read_text()) == with_uvloop
                client.send_bytes(b"*1\r\n$4\r\nPING\r\n" * 1000)
                assert [client.read().value for _ in range(1000)] == [b"PONG"] * 1000
                assert server.stop(signal.SIGTERM) == 0


class TestConfigAtRunTime:
    """What CONFIG SET and CONFIG REWRITE change of a process that runs."""

    def test_port(self, tmp_path: Path) -> None:
        """The server moves; clients that are connected stay."""
        port, other = free_port(), free_port()
        with launched(tmp_path, "--port", str(port), "--save", "") as server, ready(server, port) as client:
            assert client("CONFIG", "SET", "port", other).value == b"OK"
            assert answers(lambda: tcp(other)) and not answers(lambda: tcp(port))
            assert client("CONFIG", "GET", "port").plain() == [b"port", str(other).encode()]
            assert f"tcp_port:{other}\r\n".encode() in client("INFO", "server").value

    def test_busy_port(self, tmp_path: Path) -> None:
        """One that another has is refused, and the server stays where it is."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--save", "") as server, ready(server, port) as client, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            reply = client("CONFIG", "SET", "port", taken.getsockname()[1])
            assert reply.value == (
                b"ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs."
            )
            assert answers(lambda: tcp(port))
            assert client("CONFIG", "GET", "port").plain() == [b"port", str(port).encode()]

    @linux_only
    def test_bind(self, tmp_path: Path) -> None:
        """Another address, and one that this machine does not have."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--bind", "127.0.0.1", "--save", "") as server, ready(server, port) as client:
            assert client("CONFIG", "SET", "bind", "127.0.0.2").value == b"OK"
            assert answers(lambda: RawClient("127.0.0.2", port)) and not answers(lambda: tcp(port))
            reply = client("CONFIG", "SET", "bind", "192.0.2.77")
            assert reply.value == (
                b"ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses."
            )
            for name in (b"\xff", b"127.0.0.1 -\xff", b"127.0.0.1\nmaxmemory 1", b"127.0.0.1 a\0b", "x" * 70):
                assert client("CONFIG", "SET", "bind", name) == reply
                assert client("CONFIG", "GET", "bind").plain() == [b"bind", b"127.0.0.2"]
            assert answers(lambda: RawClient("127.0.0.2", port))
            assert client("CONFIG", "SET", "bind", "127.0.0.1 -192.0.2.77").value == b"OK"
            assert answers(lambda: tcp(port))

    def test_rewrite(self, tmp_path: Path) -> None:
        """What CONFIG REWRITE wrote is what the next start reads."""
        port, other = free_port(), free_port()
        (tmp_path / "z.conf").write_text(f"# mine\nport {port}\nsave 3600 1\nhz 20\n")
        changes = {
            "hz": "33", "port": str(other), "maxmemory": "104857600", "maxmemory-policy": "allkeys-lfu", "save": "60 7 900 3",
            "requirepass": 'pa"ss \\ word\r\nmaxmemory 1\t\0',
            "client-output-buffer-limit": "normal 0 0 0 slave 1048576 524288 7 pubsub 0 0 0",
            "notify-keyspace-events": "KEA", "bind": "127.0.0.1", "slowlog-log-slower-than": "-1",
        }  # fmt: skip
        with launched(tmp_path, "z.conf", "--loglevel", "verbose") as server, ready(server, port) as client:
            for name, value in changes.items():
                assert client("CONFIG", "SET", name, value).value == b"OK", name
            assert client("CONFIG", "REWRITE").value == b"OK"
            before = client("CONFIG", "GET", "*").plain()
            assert server.stop(signal.SIGTERM) == 0
        assert (tmp_path / "z.conf").read_text().startswith("# mine\n")
        with launched(tmp_path, "z.conf") as server, ready(server, other) as client:
            assert client("AUTH", changes["requirepass"]).value == b"OK"
            assert client("CONFIG", "GET", "*").plain() == before
            assert client("CONFIG", "REWRITE").value == b"OK"
        program = oracle_program()
        if program is not None:
            process = ServerProcess([str(program), str(tmp_path / "z.conf")], other, tmp_path)
            try:
                with process.client() as client:
                    assert client("AUTH", changes["requirepass"]).value == b"OK"
                    assert client("CONFIG", "GET", "save").plain() == [b"save", b"60 7 900 3"]
                    assert client("CONFIG", "GET", "maxmemory-policy").plain() == [b"maxmemory-policy", b"allkeys-lfu"]
            finally:
                process.stop()

    def test_rewrite_without_a_file(self, tmp_path: Path) -> None:
        """There is nothing to rewrite."""
        port = free_port()
        with launched(tmp_path, "--port", str(port), "--save", "") as server, ready(server, port) as client:
            assert client("CONFIG", "REWRITE").value == b"ERR The server is running without a config file"
