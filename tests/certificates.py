"""Certificates that sign themselves."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: it makes the certificate"
)


class Certificate(NamedTuple):
    """Its files."""

    key: Path
    certificate: Path


def make_certificate(directory: Path, name: str = "IP:127.0.0.1") -> Certificate:
    """For a name, which is `IP:...` or `DNS:...`."""
    made = Certificate(directory / "key.pem", directory / "certificate.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=relay", "-addext", f"subjectAltName={name}"),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return made
