"""Every TLS option counts on every form of REDIS_URL, with real servers that ask for certificates."""

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from redis.exceptions import RedisError

from relay.store import tls
from relay.store.connect import connect
from relay.store.failure import reason
from tests.certificates import Certificate, make_certificate, needs_openssl
from tests.ports import free_port
from tests.processes import Process, RedisServer

pytestmark = [
    needs_openssl,
    pytest.mark.skipif(
        shutil.which("redis-server") is None, reason="redis-server is not installed"
    ),
]

FORMS = {
    "server": ("rediss", ""),
    "cluster": ("rediss+cluster", ""),
    "sentinel": ("rediss+sentinel", "/prices"),
}


class Servers(NamedTuple):
    """A server, which is a cluster too, and a sentinel that names it. All want a certificate, and have one
    that is not for their address."""

    made: Certificate
    ports: dict[str, int]

    def url(self, form: str, *options: str) -> str:
        scheme, path = FORMS[form]
        values = {"CERT": self.made.certificate, "KEY": self.made.key}
        query = "&".join(options).format(**values)
        return f"{scheme}://127.0.0.1:{self.ports[form]}{path}?{query}"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("tls")
    made = make_certificate(directory, "DNS:redis.test")
    port, sentinel_port = free_port(), free_port()
    tls = {
        "tls-key-file": str(made.key),
        "tls-cert-file": str(made.certificate),
        "tls-ca-cert-file": str(made.certificate),
        "tls-replication": "yes",
    }
    cluster = {
        "tls-port": str(port),
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "tls-cluster": "yes",
    }
    options = [part for name, value in (tls | cluster).items() for part in (f"--{name}", value)]
    file = directory / "sentinel.conf"
    lines = [f"{name} {value}" for name, value in tls.items()]
    lines += [f"port 0\ntls-port {sentinel_port}\nbind 127.0.0.1\ndir {directory}"]
    file.write_text("\n".join([*lines, f"sentinel monitor prices 127.0.0.1 {port} 1\n"]))
    with (
        RedisServer(directory, *options) as server,
        Process(["redis-server", str(file), "--sentinel"]) as sentinel,
    ):
        server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        sentinel.wait_for_line("monitor master prices")
        yield Servers(made, {"server": port, "cluster": port, "sentinel": sentinel_port})
        sentinel.kill()


OURS = ("ssl_certfile={CERT}", "ssl_keyfile={KEY}")
THEIRS = "ssl_ca_certs={CERT}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options",
    [
        (*OURS, THEIRS, "ssl_check_hostname=false"),
        (*OURS, "ssl_cert_reqs=none"),
    ],
)
def test_these_options_are_enough(servers: Servers, form: str, options: tuple[str, ...]) -> None:
    assert connect(servers.url(form, *options)).ping()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options",
    [
        (*OURS, THEIRS),
        (*OURS, "ssl_check_hostname=false"),
        (*OURS, "ssl_cert_reqs=required"),
        (THEIRS, "ssl_check_hostname=false"),
        ("ssl_cert_reqs=none",),
    ],
)
def test_without_one_of_them_nobody_is_trusted(
    servers: Servers, form: str, options: tuple[str, ...]
) -> None:
    with pytest.raises(RedisError) as raised:
        connect(servers.url(form, *options)).ping()
    # Redis says why in an alert, and closes; who sends meanwhile may hear of the end alone (TLS 1.3).
    said = reason(raised.value)
    assert "TLS" in said or "breaks connections off" in said


@pytest.mark.parametrize("form", FORMS)
def test_connections_share_what_they_trust(
    servers: Servers, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls._context.cache_clear()
    made = []
    default = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: made.append(1) or default())
    url = servers.url(form, *OURS, THEIRS, "ssl_check_hostname=false")
    for _ in range(2):
        client = connect(url)
        assert client.ping()
        client.close()
        assert client.ping()
    assert len(made) == 1


def test_a_file_that_is_renewed_counts_for_the_next_connection(
    servers: Servers, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(make_certificate(tmp_path / "old").certificate.read_bytes())
    options = (*OURS, f"ssl_ca_certs={authorities}", "ssl_check_hostname=false")
    client = connect(servers.url("server", *options))
    with pytest.raises(RedisError):
        client.ping()
    authorities.write_bytes(servers.made.certificate.read_bytes())
    assert client.ping()
