"""Throw-away certificates from the openssl program: an authority, a server's, a client's, and a stranger's that nobody signed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def openssl(*arguments: str) -> None:
    """Runs openssl; skips the test where there is none."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the program openssl is not installed")
    subprocess.run([program, *arguments], check=True, capture_output=True)


class Certificates:
    """Files in a folder: NAME.crt and NAME.key for ca, server, client, stranger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("ca", "stranger"):
            new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key(name))
            openssl("req", "-x509", *new_key, "-out", self.certificate(name), "-subj", f"/CN=zippy test {name}", "-days", "2")
        for name in ("server", "client"):
            self.sign(name)

    def key(self, name: str) -> str:
        """Path of a private key."""
        return str(self.folder / f"{name}.key")

    def certificate(self, name: str) -> str:
        """Path of a certificate."""
        return str(self.folder / f"{name}.crt")

    def sign(self, name: str) -> None:
        """Makes a key and a certificate for 127.0.0.1 that the authority has signed."""
        request, names = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key(name))
        openssl("req", *new_key, "-out", str(request), "-subj", f"/CN={name}")
        authority = ("-CA", self.certificate("ca"), "-CAkey", self.key("ca"), "-CAcreateserial")
        openssl("x509", "-req", "-in", str(request), *authority, "-out", self.certificate(name), "-days", "2", "-extfile", str(names))

    def settings(self, port: int) -> dict[str, str]:
        """The settings of a server that asks its clients for a certificate."""
        return {
            "tls-port": str(port),
            "tls-cert-file": self.certificate("server"),
            "tls-key-file": self.key("server"),
            "tls-ca-cert-file": self.certificate("ca"),
        }
