"""The way to the exchange: proxies of every kind, and TLS."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import serve

from relay.exchange import frame_limits, http_limits, way
from relay.exchange.proxies import proxy_for
from tests.certificates import make_certificate, needs_openssl
from tests.hanging import HangingAddress
from tests.ports import free_port
from tests.proxy import carry
from tests.scripted_api import Said, ScriptedApi

#: Nobody has this name: a proxy alone may find it.
NAME = "exchange.test"


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with ScriptedApi(lambda _: Said(b"ok")) as api:
        yield api


@contextmanager
def proxy(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A proxy that treats one connection as told; its port."""

    def serve_one() -> None:
        with listening.accept()[0] as client:
            try:
                answer(client)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve_one, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
    thread.join(20)


def ask(api: ScriptedApi, seconds: float = 5) -> bytes:
    """What the API answers, over whatever proxy the environment names."""
    port = api.url.rpartition(":")[2]
    return http_limits.get(f"http://{NAME}:{port}/", seconds, 10, TimeoutError("late"))[0]


def failure(api: ScriptedApi, seconds: float = 5) -> str:
    with pytest.raises(OSError, match="the proxy") as raised:
        ask(api, seconds)
    return str(raised.value)


def socks5(api: ScriptedApi, account: bytes, asked: list[bytes]) -> Callable[[socket.socket], None]:
    """RFC 1928 and 1929, for one that knows this account, which may be empty."""

    def answer(client: socket.socket) -> None:
        client.recv(100)
        client.sendall(b"\x05\x02" if account else b"\x05\x00")
        if account:
            known = client.recv(100) == account
            client.sendall(b"\x01\x00" if known else b"\x01\x01")
            if not known:
                return
        asked.append(client.recv(300))
        with socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as other:
            client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
            carry(client, other)

    return answer


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_a_socks_proxy_is_asked_for_the_name(
    variable: str, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    with proxy(socks5(api, b"", asked)) as port:
        monkeypatch.setenv(variable, f"socks5h://127.0.0.1:{port}")
        assert ask(api) == b"ok"
    assert NAME.encode() in asked[0]


def test_user_and_password_of_a_socks_proxy_are_told(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(socks5(api, b"\x01\x04user\x04p/ss", [])) as port:
        monkeypatch.setenv("all_proxy", f"socks5h://user:p%2Fss@127.0.0.1:{port}")
        assert ask(api) == b"ok"
    with proxy(socks5(api, b"\x01\x04user\x05other", [])) as port:
        monkeypatch.setenv("all_proxy", f"socks5h://user:p%2Fss@127.0.0.1:{port}")
        assert failure(api).startswith(f"the proxy 127.0.0.1:{port} says:")


def test_an_answer_in_pieces_is_read_whole(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(client: socket.socket) -> None:
        client.recv(1000)
        for piece in (b"HTTP/1.1 2", b"00 OK\r\nvia: x\r\n\r", b"\n"):
            client.sendall(piece)
        with socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as other:
            carry(client, other)

    with proxy(answer) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert ask(api) == b"ok"


SAID = {
    b"HTTP/1.1 407 Authenticate\r\n\r\n": "wants another user or password (407)",
    b"HTTP/1.1 403 No\r\n\r\n": "with HTTP 403",
    b"SSH-2.0-x\r\n\r\n": "speaks no HTTP",
    b"\x00" * (1 << 20): "says: an answer without end",
    b"": "says: it closed the connection",
}


@pytest.mark.parametrize("said", SAID, ids=SAID.values())
def test_a_proxy_that_lets_nobody_through_is_named(
    said: bytes, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(client: socket.socket) -> None:
        client.recv(1000)
        client.sendall(said)

    with proxy(answer) as port:
        monkeypatch.setenv("http_proxy", f"http://user:s3cr3t@127.0.0.1:{port}")
        why = failure(api)
    assert f"the proxy 127.0.0.1:{port} " in why
    assert SAID[said] in why
    assert "s3cr3t" not in why


@pytest.mark.parametrize("scheme", ["http", "socks5h", "socks5", "socks4a"])
def test_a_proxy_that_is_not_there_or_hangs_is_named(
    scheme: str, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.1:{port}")
    assert failure(api).startswith(f"the proxy 127.0.0.1:{port} cannot be reached: ")
    with HangingAddress("127.0.0.2") as hanging:
        monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.2:{hanging.port}")
        assert failure(api, 0.2) == f"the proxy 127.0.0.2:{hanging.port} does not answer"


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_does_not_answer_either_where_the_deadline_for_all_is_the_first_to_come(
    scheme: str, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "_PROXYS_SHARE", 100)
    ended = threading.Event()
    with HangingAddress("127.0.0.2") as hanging:
        monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.2:{hanging.port}")
        assert failure(api, 0.2) == f"the proxy 127.0.0.2:{hanging.port} does not answer"
    with proxy(lambda _: ended.wait(20) and None) as port:
        monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.1:{port}")
        assert failure(api, 0.2) == f"the proxy 127.0.0.1:{port} does not answer"
        ended.set()


WAYS = [
    # What the environment says, whereto, and the proxy.
    ({"https_proxy": "http://a:1"}, ("h", 443, True), "a:1"),
    ({"HTTPS_PROXY": "http://a"}, ("h", 443, True), "a:80"),
    ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, ("h", 443, True), "a:1"),
    ({"http_proxy": "http://a:1"}, ("h", 443, True), ""),
    ({"http_proxy": "http://a:1"}, ("h", 80, False), "a:1"),
    ({"all_proxy": "socks5h://a"}, ("h", 443, True), "a:1080"),
    ({"all_proxy": "http://a:1", "https_proxy": "http://b:1"}, ("h", 443, True), "b:1"),
    ({"all_proxy": "http://[::2]:1"}, ("h", 80, False), "[::2]:1"),
    ({"all_proxy": "http://a:1"}, ("localhost", 80, False), ""),
    ({"all_proxy": "http://a:1"}, ("127.0.0.9", 80, False), ""),
    ({"all_proxy": "http://a:1"}, ("::1", 80, False), ""),
    ({"all_proxy": "http://a:1", "no_proxy": "x, .h.org"}, ("a.h.org", 443, True), ""),
    ({"all_proxy": "http://a:1", "no_proxy": "h.org:9443"}, ("h.org", 443, True), "a:1"),
    ({"all_proxy": "http://a:1", "NO_PROXY": "h.org:9443"}, ("h.org", 9443, True), ""),
    ({"all_proxy": "http://a:1", "no_proxy": "10.0.0.0/8"}, ("10.1.2.3", 443, True), ""),
    ({"all_proxy": "http://a:1", "no_proxy": "*"}, ("h", 443, True), ""),
]


@pytest.mark.parametrize(("environ", "host", "found"), WAYS)
def test_the_environment_says_which_proxy(
    environ: dict[str, str], host: tuple[str, int, bool], found: str
) -> None:
    name, port, secure = host
    proxy = proxy_for(name, port, secure=secure, environ=environ)
    assert (proxy.shown if proxy else "") == found


@needs_openssl
def test_stream_and_rest_trust_whom_ssl_cert_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with serve(lambda connection: connection.recv(), "127.0.0.1", 0, ssl=context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.socket.getsockname()[1]}"
        way.trust.cache_clear()
        with pytest.raises(ssl.SSLCertVerificationError):
            frame_limits.connect(f"wss://{host}/ws", 5)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
        way.trust.cache_clear()
        frame_limits.connect(f"wss://{host}/ws", 5).shutdown()
        # It answers that it would rather be upgraded.
        with pytest.raises(http_limits.StatusError, match="HTTP 426"):
            http_limits.get(f"https://{host}/", 5, 1000, TimeoutError())
        way.trust.cache_clear()
        server.shutdown()
