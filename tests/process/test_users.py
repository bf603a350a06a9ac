"""Users in files: in the configuration, in an aclfile, written and read again, also by a real Redis; and users that certificates name."""

from __future__ import annotations

import signal
import ssl
import stat
from pathlib import Path

import pytest

from tests.commands.users import WRONG_PASSWORD, log_of, rules_of, told
from tests.process import test_transports
from tests.process.certificates import Certificates
from tests.process.launch import Launched, launched, run_to_end
from tests.replies import OK, bulk, error
from tests.resp import RawClient
from tests.servers import ServerProcess, StartServer, free_port, oracle_program

CHANGED_NOTHING = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
ALICE = "~a* resetchannels &c +@all -@dangerous +info (%R~b resetchannels -@all +get)"


def ready(server: Launched, port: int) -> RawClient:
    """A connection as soon as the server answers."""
    server.wait_ready(lambda: RawClient("127.0.0.1", port))
    return RawClient("127.0.0.1", port)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority and its certificates."""
    return Certificates(tmp_path_factory.mktemp("tls"))


def configured(folder: Path, *lines: str) -> int:
    """Writes a configuration file z.conf; its port."""
    port = free_port()
    (folder / "z.conf").write_text("\n".join([*lines, f"port {port}", 'save ""', ""]))
    return port


class TestConfiguration:
    """Lines "user ..." of the configuration file."""

    def test_written_and_read_again(self, tmp_path: Path) -> None:
        """By CONFIG REWRITE, for zippy and for a real Redis."""
        port = configured(tmp_path, "user alice on >secret ~a*", "# mine", "user bob off", "requirepass word")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("PING") == error("NOAUTH Authentication required.")
            assert client("AUTH", "word") == OK
            assert client("ACL", "SETUSER", "alice", "resetkeys", *ALICE.split()) == OK
            assert client("ACL", "DELUSER", "bob").value == 1
            assert client("ACL", "SETUSER", "carol", "on", "nopass") == OK
            assert client("CONFIG", "REWRITE") == OK
            lines = client("ACL", "LIST")
            assert server.stop(signal.SIGTERM) == 0
        assert [line for line in (tmp_path / "z.conf").read_text().splitlines() if line.startswith("user ")] == [
            line.value.decode() for line in lines.value
        ]
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("AUTH", "alice", "wrong") == WRONG_PASSWORD
            assert client("AUTH", "alice", "secret") == OK
            assert client("AUTH", "word") == OK
            assert client("ACL", "LIST") == lines
        program = oracle_program()
        if program is not None:
            process = ServerProcess([str(program), str(tmp_path / "z.conf")], port, tmp_path)
            try:
                with process.client() as client:
                    assert client("AUTH", "alice", "secret") == OK
                    assert client("AUTH", "word") == OK
                    assert client("ACL", "LIST") == lines
            finally:
                process.stop()

    @pytest.mark.parametrize(
        ("lines", "number", "reason"),
        [
            (["user"], 1, "Bad directive or wrong number of arguments"),
            (["hz 10", "user a on nosuch"], 2, "Error in user declaration 'a': Syntax error"),
            (["user a +nosuch"], 1, "Error in user declaration 'a': Unknown command or category name in ACL"),
            (["user a (~x"], 1, "Error in user declaration 'a': Unmatched parenthesis in acl selector"),
            (
                ["user a on", "user a off"],
                2,
                "Error in user declaration 'a': Duplicate user found. A user can only be defined once in config files",
            ),
            (['user "a b" on'], 1, "Usernames can't be empty and can't contain spaces or null characters"),
        ],
    )
    def test_wrong_lines(self, tmp_path: Path, lines: list[str], number: int, reason: str) -> None:
        """The server does not start, and says where it is wrong."""
        configured(tmp_path, *lines)
        ended = run_to_end("z.conf", cwd=tmp_path)
        assert ended.returncode == 1
        assert ended.stderr.endswith(f"Reading the configuration file, at line {number}\n>>> '{lines[number - 1]}'\n{reason}\n")

    def test_not_in_two_places(self, tmp_path: Path) -> None:
        configured(tmp_path, "user a on", f"aclfile {tmp_path}/users.acl")
        ended = run_to_end("z.conf", cwd=tmp_path)
        assert ended.returncode == 1
        assert "Define the users in one of the two." in ended.stderr

    def test_line_for_the_default_user(self, tmp_path: Path) -> None:
        """It stands above requirepass, as in Redis."""
        port = configured(tmp_path, "requirepass word", "user default on >other +@all ~*")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("AUTH", "word") == WRONG_PASSWORD
            assert client("AUTH", "other") == OK
            assert rules_of(client, "default").endswith(" ~* resetchannels +@all")
            assert client("CONFIG", "GET", "requirepass").value[1] == bulk("word")


class TestFile:
    """aclfile, ACL SAVE and ACL LOAD."""

    def test_saved_and_loaded(self, tmp_path: Path) -> None:
        users = tmp_path / "users.acl"
        users.write_text(f"user alice on >secret {ALICE}\n\n  user bob off  \r\n")
        port = configured(tmp_path, f"aclfile {users}")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("AUTH", "alice", "secret") == OK
            assert client("RESET").value == b"RESET"
            assert client("ACL", "SETUSER", "carol", "on", "nopass", "(+@all ~c)") == OK
            assert client("ACL", "SAVE") == OK
            lines = client("ACL", "LIST")
            assert users.read_bytes() == b"".join(line.value + b"\n" for line in lines.value)
            assert client("ACL", "DELUSER", "alice", "carol").value == 2
            assert client("ACL", "LOAD") == OK
            assert client("ACL", "LIST") == lines
            assert client("CONFIG", "REWRITE") == OK
            assert "user " not in (tmp_path / "z.conf").read_text()

    def test_a_new_file_is_for_its_owner_alone(self, tmp_path: Path) -> None:
        users = tmp_path / "users.acl"
        users.write_text("")
        port = configured(tmp_path, f"aclfile {users}")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("ACL", "SAVE") == OK
            assert stat.S_IMODE(users.stat().st_mode) == 0o600
            assert [path.name for path in tmp_path.glob("users*")] == ["users.acl"]

    def test_what_becomes_of_clients(self, tmp_path: Path) -> None:
        """Those of users that are gone are closed, and listeners that may not listen any more; who is new knows no old password."""
        users = tmp_path / "users.acl"
        users.write_text("user a on nopass +@all ~* &c*\nuser b on nopass +@all\n")
        port = configured(tmp_path, f"aclfile {users}")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as admin:
            clients = [RawClient("127.0.0.1", port) for _ in range(4)]
            for client, user in zip(clients, "aaab", strict=True):
                assert client("AUTH", user, "any") == OK
            clients[0]("SUBSCRIBE", "c1")
            clients[1]("SUBSCRIBE", "c2")
            users.write_text("user a on >p +get +ping ~x &c1\nuser c on nopass\n")
            assert admin("ACL", "LOAD") == OK
            assert clients[0]("PING").value[0] == bulk("pong")
            assert clients[1].is_closed(timeout=20)
            assert clients[2]("GET", "y") == error("NOPERM No permissions to access a key")
            assert clients[2]("AUTH", "a", "any") == WRONG_PASSWORD
            assert clients[3].is_closed(timeout=20)
            assert [name.value for name in admin("ACL", "USERS").value] == [b"a", b"c", b"default"]

    def test_all_or_nothing(self, tmp_path: Path) -> None:
        users = tmp_path / "users.acl"
        users.write_text("user a on\n")
        port = configured(tmp_path, f"aclfile {users}")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            before = client("ACL", "LIST")
            for text, told_of in (
                ("user a foo bar +x +@y #z\n", f"{users}:1: Syntax error. {users}:1: Error in applying operation '+x': {{}}. "
                 f"{users}:1: Error in applying operation '+@y': {{}}. "),
                ("user b on\nfoo\nuser a +x\n", f"{users}:2 should start with user keyword followed by the username. "
                 f"{users}:3: Error in applying operation '+x': {{}}. "),
                ("user b on\nuser b +q\n", "WARNING: Duplicate user 'b' found on line 2. "),
                ("# a comment\n", f"{users}:1 should start with user keyword followed by the username. "),
                ("user a\ton\n", f"'{users}:1: username 'a\ton' contains invalid characters. "),
                ("user b >secret (~x\n", f"{users}:1: Unmatched parenthesis in acl selector. "),
            ):  # fmt: skip
                users.write_text(text)
                unknown = "Unknown command or category name in ACL"
                assert client("ACL", "LOAD") == error("ERR " + told_of.format(unknown, unknown) + CHANGED_NOTHING)
                assert client("ACL", "LIST") == before
            users.unlink()
            assert client("ACL", "LOAD") == error(f"ERR Error loading ACLs, opening file '{users}': No such file or directory")

    def test_a_start_with_a_wrong_file(self, tmp_path: Path) -> None:
        (tmp_path / "users.acl").write_text("user a on nosuch\n")
        configured(tmp_path, f"aclfile {tmp_path}/users.acl")
        ended = run_to_end("z.conf", cwd=tmp_path)
        assert ended.returncode == 1
        assert f"{tmp_path}/users.acl:1: Syntax error. {CHANGED_NOTHING}" in ended.stdout

    def test_the_file_decides_about_the_default_user(self, tmp_path: Path) -> None:
        """requirepass has no effect then, which is said."""
        (tmp_path / "users.acl").write_text("user a on\n")
        port = configured(tmp_path, f"aclfile {tmp_path}/users.acl", "requirepass word")
        with launched(tmp_path, "z.conf") as server, ready(server, port) as client:
            assert client("PING").value == b"PONG"
            assert "requirepass has no effect" in server.output


class TestCertificate:
    """tls-auth-clients-user."""

    def connect(self, port: int, certificates: Certificates, name: str | None) -> RawClient:
        context = ssl.create_default_context(cafile=certificates.certificate("ca"))
        if name is not None:
            context.load_cert_chain(certificates.certificate(name), certificates.key(name))
        return test_transports.TestTls.connect(port, context)

    def test_it_names_the_user(self, start_server: StartServer, certificates: Certificates) -> None:
        """Who shows none, or one of a user that there is not or who is off, stays the default user."""
        port = free_port()
        config = certificates.settings(port) | {"tls-auth-clients": "optional", "tls-auth-clients-user": "cn"}
        with start_server(config=config).client() as admin:
            assert admin("CONFIG", "GET", "tls-auth-clients-user").value[1] == bulk("CN")
            with self.connect(port, certificates, "client") as client:
                assert client("ACL", "WHOAMI") == bulk("default")
            assert [told(entry) for entry in log_of(admin)] == [(b"tls-cert", b"toplevel", b"", b"client", 1)]
            assert admin.info("stats")["acl_access_denied_tls_cert"] == "1"
            assert admin("ACL", "SETUSER", "client", "on", "+@all", "-ping") == OK
            with self.connect(port, certificates, "client") as client, self.connect(port, certificates, None) as other:
                assert client("ACL", "WHOAMI") == bulk("client")
                assert client("PING").value.startswith(b"NOPERM")
                assert other("ACL", "WHOAMI") == bulk("default")
            assert admin("ACL", "SETUSER", "client", "off") == OK
            with self.connect(port, certificates, "client") as client:
                assert client("ACL", "WHOAMI") == bulk("default")
            assert admin("CONFIG", "SET", "tls-auth-clients-user", "off") == OK
            assert admin("ACL", "SETUSER", "client", "on") == OK
            with self.connect(port, certificates, "client") as client:
                assert client("ACL", "WHOAMI") == bulk("default")

    def test_it_is_enough_where_a_password_is_asked_for(self, start_server: StartServer, certificates: Certificates) -> None:
        port = free_port()
        config = certificates.settings(port) | {"tls-auth-clients-user": "CN", "requirepass": "word"}
        with start_server(config=config).client() as admin:
            assert admin("AUTH", "word") == OK
            with self.connect(port, certificates, "client") as client:
                assert client("PING") == error("NOAUTH Authentication required.")
            assert admin("ACL", "SETUSER", "client", "on", "+@all") == OK
            with self.connect(port, certificates, "client") as client:
                assert client("ACL", "WHOAMI") == bulk("client")
