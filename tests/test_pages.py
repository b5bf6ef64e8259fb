"""The pages, the probes and the answers, in process: whatever a ticker holds, and whatever is asked for."""

import itertools
import random
import re
from collections.abc import Iterator
from urllib.parse import quote

import gevent
import pytest
from flask.testing import FlaskClient

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.web import figures, fresh, pages, probes
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.scribe import now

TEXTS = [
    "NaN", "-NaN", "sNaN123", "Infinity", "-Infinity", "1e999999", "1E+999999999", "-1e-999999999",
    "9" * 10_000, "0." + "0" * 10_000 + "1", "0", "-0", "0.00000000", ".", "1.", ".5", "--1", "+1", "1_000",
    " 1 ", "1\n", "١٢٣", "0x10", "<script>alert(1)</script>", '" onload="x', "\0", "\u202e1", "{{ 7 * 7 }}",
    "<!--rows-->", "true", "null", "",
]  # fmt: skip
NUMBERS = [0, -1, 1, 10**14, 10**17, 2**63, 2**64, 10**30, -(10**30), 10**400]
WORDS = ["", "HALT", "x" * 5_000, "<img src=x onerror=alert(1)>", '" onload="x', "'", "\0", "停"]
SYMBOLS = [
    "币安人生USDT", "ÄÖÜUSDT", "İıſßUSDT", "<b>", '"quoted"', "a/b", "a//b", "..", "../../etc", "%2F", "%",
    "?", "#", "a b", "\u202eX", "\0", "S" * 5_000, "{{ 7 * 7 }}",
]  # fmt: skip
FIGURES = (
    "open",
    "high",
    "low",
    "volume",
    "quote_volume",
    "change",
    "change_percent",
    "bid",
    "ask",
)
COUNTS = ("event_time", "trades", "sequence", "pace")


def nasty_tickers() -> Iterator[Ticker]:
    """Each nasty value in each field alone, then fields in any mixture."""
    names = (f"N{number}" for number in itertools.count())
    for text in TEXTS:
        if text:
            yield Ticker(next(names), text, "trade", now(), 1)
        for field in FIGURES:
            yield Ticker(next(names), "1.5", "trade", now(), 1, **{"open": "1", field: text})
    for count in NUMBERS:
        for field in COUNTS:
            yield Ticker(next(names), "1.5", "trade", now(), **{field: count})
    for word in WORDS:
        yield Ticker(next(names), "1.5", "trade", now(), 1, status=word)
    for symbol in SYMBOLS:
        yield Ticker(symbol, "1.5", "trade", now(), 1)
    chance = random.Random(8)
    for _ in range(300):
        more = {field: chance.choice(TEXTS) for field in FIGURES if chance.random() < 0.7}
        counts = {field: chance.choice(NUMBERS) for field in COUNTS if chance.random() < 0.7}
        price = chance.choice([text for text in TEXTS if text])
        yield Ticker(next(names), price, "trade", now(), **counts, **more)


@pytest.fixture
def hub() -> Hub:
    return Hub(Health())


@pytest.fixture
def client(hub: Hub) -> FlaskClient:
    return create_site(hub, Config(_env_file=None), nothing_past()).test_client()


def take(hub: Hub, *tickers: Ticker) -> None:
    version = hub.board.version
    live = FeedStatus("live", time=now(), age=0.0)
    hub.take(Batch("e1", version, version + len(tickers), live, list(tickers)))


def test_no_value_that_a_ticker_may_hold_breaks_a_page(hub: Hub, client: FlaskClient) -> None:
    tickers = list(nasty_tickers())
    take(hub, *tickers)
    market = client.get("/?all")
    assert market.status_code == 200
    assert market.text.count('<tr role="row" data-symbol=') == len(tickers)
    for markup in ("<script>", "<img", "<b><b>", '" onload=', ">49<"):
        assert markup not in market.text
    assert client.get("/api/prices").status_code == 200
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/symbols/", "/api/prices/"])
def test_no_value_that_a_ticker_may_hold_breaks_its_own_answer(
    hub: Hub, client: FlaskClient, path: str
) -> None:
    for ticker in nasty_tickers():
        if ticker.symbol in SYMBOLS:
            continue
        take(hub, ticker)
        answer = client.get(path + ticker.symbol)
        assert answer.status_code == 200, ticker
        if path == "/symbols/":
            assert "<script>alert" not in answer.text
            assert "<img" not in answer.text


def test_figures_read_something_whatever_a_ticker_holds() -> None:
    for ticker in nasty_tickers():
        percent = figures.signed(figures.percent_changed(ticker))
        assert re.fullmatch(r"|0\.00%|[+-][0-9]+\.[0-9]{2}%", percent)
        assert 0 <= figures.place_in_range(ticker) <= 99
        assert re.fullmatch(r"[0-2][0-9](:[0-5][0-9]){2}", figures.clock(figures.made(ticker)))
        places = figures.decimals(ticker)
        assert 0 <= places <= 24
        for figure in (ticker.price, ticker.open, ticker.quote_volume):
            assert len(figures.plain(figure or "", places)) <= 50
            assert len(figures.compact(figure or "")) <= 24
    for count in NUMBERS:
        assert figures.clock(count)
    for age in (0.0, 1e308, float("inf"), float("nan")):
        assert figures.ago(age)
    assert len(figures.word("x" * 5_000)) == 40


def test_an_absurd_time_counts_for_nothing() -> None:
    for time in (0, -1, 10**17, None):
        assert figures.made(Ticker("A", "1", "trade", 5_000, time)) == 5_000


def test_a_symbol_of_any_characters_has_its_page_or_none(hub: Hub, client: FlaskClient) -> None:
    take(hub, Ticker("FIRST", "1", "trade", now(), 1))
    for symbol in SYMBOLS:
        quoted = quote(symbol, safe="")
        for path in ("/symbols/", "/api/prices/"):
            answer = client.get(path + quoted, headers={"Accept": "text/html"})
            assert answer.status_code in (308, 404), symbol
        take(hub, Ticker(symbol.upper() if symbol.isascii() else symbol, "1.5", "trade", now(), 1))
        assert client.get("/symbols/" + quoted).status_code in (200, 308, 404), symbol
    assert client.get("/symbols/" + quote(SYMBOLS[0])).status_code == 200
    assert client.get("/").status_code == 200


PATHS = [
    "%00", "A%00B", "a/b/c", "a%2Fb", "%2e%2e/%2e%2e/etc/passwd", "%FF%FE", "%C3%28", "%ED%A0%80",
    "%F0%9F%98%80", "S" * 5_000, "%E5" * 1_600, "%u0041", "%", "%zz", "btcusdt%0d%0aX: y", "İſ", "ß", "ǆ",
    "\u202e", "%20", "{{7*7}}", "<script>", "..;/", "BTCUSDT/", "BTCUSDT%2F",
]  # fmt: skip


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_symbol_that_nobody_knows_is_a_clear_404(
    hub: Hub, client: FlaskClient, accept: str
) -> None:
    take(hub, Ticker("BTCUSDT", "1", "trade", now(), 1))
    for path in PATHS:
        answer = client.get("/symbols/" + path, headers={"Accept": accept})
        assert answer.status_code == 404, path
        assert "No price of" in answer.text or "not found on the server" in answer.text, path
        assert "\0" not in answer.text
        assert "<script>" not in answer.text or accept != "text/html"
        assert len(answer.data) < 4_000
        json = client.get("/api/prices/" + path, headers={"Accept": accept})
        assert json.status_code == 404, path
        assert json.json["error"]
        assert len(json.data) < 4_000


def test_a_symbol_is_found_in_any_case_of_its_ascii_letters(hub: Hub, client: FlaskClient) -> None:
    take(hub, Ticker("BTCUSDT", "1", "trade", now(), 1), Ticker("ßİUSDT", "2", "trade", now(), 1))
    for asked in ("btcusdt", "BtcUsdt", "BTCUSDT", "%62tcusdt", "ßİusdt"):
        assert client.get("/symbols/" + asked).status_code == 200, asked
    assert client.get("/symbols/SSİUSDT").status_code == 404


HOSTS = ["", "a b", "<script>", "x" * 5_000, "é", "[::1", "a:b:c", "h:99999999"]


def test_a_host_of_any_kind_breaks_no_page(hub: Hub, client: FlaskClient) -> None:
    take(hub, Ticker("BTCUSDT", "1", "trade", now(), 1))
    for host in HOSTS:
        for path in ("/", "/symbols/BTCUSDT", "/symbols/NONE"):
            answer = client.get(path, headers={"Host": host, "Accept": "text/html"})
            assert answer.status_code < 500, host
            assert "<script>" not in answer.text


def test_the_page_is_what_stands_around_the_rows_with_its_length(
    hub: Hub, client: FlaskClient
) -> None:
    take(hub, *(Ticker(f"S{number}", "1", "trade", now(), 1) for number in range(120)))
    answer = client.get("/?all")
    assert answer.content_length == len(answer.data)
    assert answer.text.startswith("<!doctype html>")
    assert answer.text.endswith("</html>")
    assert pages.ROWS_MARK not in answer.data
    assert answer.text.count('<tr role="row" data-symbol=') == 120
    assert "120 symbols" in answer.text
    head = client.head("/?all")
    assert (head.data, head.content_length) == (b"", answer.content_length)


def test_no_request_waits_for_a_template_to_be_compiled(client: FlaskClient) -> None:
    templates = client.application.jinja_env
    assert len(templates.cache) == len(templates.list_templates()) > 0


def test_a_market_that_cannot_be_rendered_is_a_503_with_a_sentence(
    hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "WAIT_SECONDS", 0.0)
    take(hub, Ticker("BTCUSDT", "1", "trade", now(), 1))
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "cannot be shown at present" in answer.text


def test_rows_are_judged_anew_each_second_while_nothing_is_written(
    hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(hub, Ticker("BRISK", "1", "trade", now() - 7_000, 1, pace=1))
    assert 'data-standing="stale"' not in client.get("/").text
    monkeypatch.setattr(fresh, "FRESH_SECONDS", 0.0)
    later = now() + 60_000
    monkeypatch.setattr(hub.health, "now", lambda: later)
    assert 'data-standing="stale"' in client.get("/").text


def test_no_row_is_marked_while_the_banner_speaks_for_all(
    hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "FRESH_SECONDS", 0.0)
    take(hub, Ticker("BRISK", "1", "trade", now() - 60_000, 1, pace=1))
    assert 'data-standing="stale"' in client.get("/").text
    hub.take(FeedStatus("stale", time=now(), age=60.0))
    assert "data-standing" not in client.get("/").text


def test_the_probe_counts_symbols_once_for_all_who_ask(
    hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(hub, *(Ticker(f"S{number}", "1", "trade", now(), 1) for number in range(1300)))
    looked_at: list[Ticker] = []
    judge = hub.health.standing_of

    def counted(ticker: Ticker) -> str:
        looked_at.append(ticker)
        return judge(ticker)

    monkeypatch.setattr(hub.health, "standing_of", counted)
    asking = [gevent.spawn(client.application.test_client().get, "/readyz") for _ in range(20)]
    with gevent.Timeout(20):
        gevent.joinall(asking)
    assert {greenlet.value.json["symbols"] for greenlet in asking} == {1300}
    assert len(looked_at) == 1300
    monkeypatch.setattr(fresh, "FRESH_SECONDS", 0.0)
    take(hub, Ticker("S1", "1", "trade", now(), 1, status="HALT"))
    assert client.get("/readyz").json["halted"] == 1


def test_a_probe_that_cannot_count_still_answers(
    hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(hub, Ticker("BTCUSDT", "1", "trade", now(), 1))
    monkeypatch.setattr(probes, "_standings", None)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["ready"]
    assert "stale" not in answer.json


@pytest.mark.parametrize("leads", [False, True], ids=["no listener", "a listener without prices"])
def test_a_worker_without_prices_denies_no_symbol(
    hub: Hub, client: FlaskClient, leads: bool
) -> None:
    if leads:
        refused = FeedStatus("down", reason="exchange: Connection refused")
        hub.take(Batch("e1", 0, 0, refused, []))
    one = ("/symbols/A", "/embed/A", "/api/prices/A", "/api/prices/A.txt", "/api/history/A")
    for path in (*one, "/api/history?symbols=A", "/api/prices.csv?symbols=A"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
