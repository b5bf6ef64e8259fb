"""Stage: an exchange and a Redis, on which one deployment after the other is tried."""

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import redis

from bench.balancer import PROGRAMS, Balancer
from bench.drills.programs import Simulator
from bench.feed import RedisServer
from bench.path.files import Commands
from bench.path.journal import Step
from bench.process import Process, free_port

SYMBOL = "BTCUSDT"
_ANSWER_SECONDS = 5.0
_FIRST_PRICE_SECONDS = 40.0
_END_SECONDS = 30.0
_LOOK_SECONDS = 0.02
#: What a stranger's shell does not have, or has otherwise.
_UNSET = ("REDIS_URL", "BINANCE_WS", "HOST", "PORT", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")


class Stage:
    """Tries deployments."""

    def __init__(self, redis_server: RedisServer, exchange: Simulator, directory: Path) -> None:
        """`directory`: for what balancers write."""
        self.url = redis_server.url
        self._redis = redis.Redis(port=redis_server.port)
        self._exchange = exchange.url
        self._directory = directory
        self.port = free_port()

    def settings(self, **more: str) -> dict[str, str]:
        """The environment of both roles."""
        return {
            "REDIS_URL": self.url,
            "BINANCE_WS": self._exchange,
            "PORT": str(self.port),
            "DRAIN_DELAY": "0",
        } | more

    def try_out(self, step: Step, commands: Commands, directory: Path, **env: str) -> None:
        """Both roles start, a price comes through each proxy, HUP changes the workers, TERM ends all."""
        settings = self.settings(**env)
        with shell(commands.listener, directory, **settings) as listener:
            step.saw(f"listener's first price {self.wait_for_listener(listener):.1f} s")
            with shell(commands.web, directory, **settings) as web:
                step.saw(f"web's first price {self.wait_for_web(web):.1f} s")
                self.look_through_proxies(step)
                _hang_up(step, web)
                self.wait_for_web(web)
                _end(step, "web", web)
            _end(step, "listener", listener)

    def renew(self) -> None:
        """An empty Redis, and a port that is free now. Call it before each deployment."""
        self._redis.flushall()
        self.port = free_port()

    def wait_for_listener(self, process: Process) -> float:
        """Seconds until Redis holds prices."""
        return self.wait_for(lambda: bool(self._redis.exists("prices")), process)

    def wait_for_web(self, process: Process) -> float:
        """Seconds until a price is answered."""
        return self.wait_for(lambda: bool(price_at(self.port)), process)

    def wait_for(self, is_true: Callable[[], bool], process: Process) -> float:
        """Seconds until it is. Raises RuntimeError where it does not come, with what the program said."""
        return _wait(is_true, process)

    def look_through_proxies(self, step: Step) -> None:
        """A price over a stream through each of them."""
        for program in PROGRAMS:
            with Balancer(program, self._directory, [self.port]) as balancer:
                _wait(lambda port=balancer.port: bool(price_at(port)), balancer)  # type: ignore[misc]
                step.saw(f"{program} {_streamed_price(balancer.port)}")


def shell(command: str, directory: Path, **env: str) -> Process:
    """The command as a shell starts it; its process is the program's own."""
    clean = {name: "" for name in _UNSET if name in os.environ and name not in env}
    unset = " ".join(clean)
    line = f"unset {unset}; exec {command}" if clean else f"exec {command}"
    return Process(["sh", "-c", line], directory, **env)


def price_at(port: int) -> str:
    """The price that is answered there, or nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", f"/api/prices/{SYMBOL}")
        answer = connection.getresponse()
        return str(json.loads(answer.read())["price"]) if answer.status == 200 else ""
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return ""
    finally:
        connection.close()


def _streamed_price(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS) as sock:
        sock.sendall(b"GET /events?symbols=%b HTTP/1.1\r\nHost: x\r\n\r\n" % SYMBOL.encode())
        heard = b""
        while b'"price":"' not in heard:
            data = sock.recv(4096)
            if not data:
                raise RuntimeError(f"the stream ended without a price: {heard[:300]!r}")
            heard += data
    return heard.partition(b'"price":"')[2].partition(b'"')[0].decode()


def _hang_up(step: Step, web: Process) -> None:
    before = set(web.children)
    web.signal(signal.SIGHUP)
    _wait(lambda: bool(web.children) and not before & set(web.children), web)
    step.saw("HUP changed the workers")


def _end(step: Step, role: str, process: Process) -> None:
    process.signal(signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while process.code is None and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    if process.code != 0:
        raise RuntimeError(f"{role} ended with {process.code} after TERM:\n{process.output()}")
    step.saw(f"{role} ended with 0")


def _wait(is_true: Callable[[], bool], process: Process) -> float:
    """Seconds until it is. Raises RuntimeError with what the program said where it takes too long."""
    began = time.monotonic()
    while not is_true():
        if process.code is not None or time.monotonic() - began > _FIRST_PRICE_SECONDS:
            raise RuntimeError(f"it did not come; the program said:\n{process.output()[-3000:]}")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began
