"""What gunicorn promises of any worker: an access log on request, Unix sockets."""

import socket
from pathlib import Path

import httpx

from tests import plain_http
from tests.processes import WAIT_SECONDS, Gunicorn
from tests.scripted import ScriptedExchange


def test_every_answer_is_in_the_access_log(exchange: ScriptedExchange) -> None:
    form = '%(h)s "%(r)s" %(s)s %(b)s %({x-name}i)s %({content-type}o)s'
    options = ("--access-logfile", "-", "--access-logformat", form)
    with Gunicorn(BINANCE_WS=exchange.url, options=options) as relay:
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        answer = plain_http.get(f"{relay.url}/livez?a=b", headers={"X-Name": "me"})
        # The head counts too, as in pywsgi.
        relay.wait_for_line(
            r'127\.0\.0\.1 "GET /livez\?a=b HTTP/1\.1" 200 [0-9]{2,} me application/json'
        )
        assert answer.json() == {"alive": True}
        with socket.create_connection(("127.0.0.1", relay.port), timeout=WAIT_SECONDS) as sock:
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            relay.wait_for_line(r'"GET /events HTTP/1\.1" 200 [0-9]{2,} - text/event-stream')
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        plain_http.get(f"{relay.url}/nothing")
        relay.wait_for_line(r'"GET /nothing HTTP/1\.1" 404')
        # What is no request has no line there, and leaves no traceback.
        with socket.create_connection(("127.0.0.1", relay.port), timeout=WAIT_SECONDS) as sock:
            sock.sendall(b"GET\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")
        assert not [line for line in relay.output if "Traceback" in line]


def test_a_unix_socket_serves_answers_and_streams(
    exchange: ScriptedExchange, tmp_path: Path
) -> None:
    path = tmp_path / "relay.sock"
    with Gunicorn(BINANCE_WS=exchange.url, options=("-b", f"unix:{path}")) as relay:
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_SECONDS)
            sock.connect(str(path))
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while b'"price":"1"' not in answer:
                answer += sock.recv(4096)
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://relay") as client:
            assert client.get("/livez").json() == {"alive": True}
