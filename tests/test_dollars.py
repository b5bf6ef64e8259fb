"""What amounts are worth in dollars: the first paint and the page say the same, by the same table."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from relay.ticker import Ticker
from relay.web.dollars import QUOTES, STABLE, Dollars, split
from tests.node import evaluate

CASES = json.loads(Path(__file__).with_name("dollars.json").read_text())
MARKETS = CASES["markets"]
#: The page's answers to the table: floats survive JSON to the last bit.
ASK = """
import { Dollars, split } from "./market/dollars.js";
const dollars = new Dollars();
answer = {
  splits: given.splits.map(([ticker]) => split(ticker)),
  worths: given.markets.map(({ tickers, worths }) => {
    dollars.renew(tickers);
    return worths.map(([amount, quote]) => dollars.worth(amount ?? undefined, quote));
  }),
};
"""


def ticker(symbol: str, price: str = "1", **fields: Any) -> Ticker:
    return Ticker(symbol, price, "24hrMiniTicker", **fields)


def worths(market: dict[str, Any]) -> list[float | None]:
    dollars = Dollars()
    dollars.renew(ticker(**each) for each in market["tickers"])
    return [dollars.worth(amount, quote) for amount, quote, _ in market["worths"]]


@pytest.mark.parametrize(("fields", "expected"), CASES["splits"])
def test_a_symbol_is_its_base_and_its_quote(fields: dict[str, str], expected: list[str]) -> None:
    assert list(split(ticker(**fields))) == expected


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market["name"])
def test_an_amount_is_worth_what_prices_say(market: dict[str, Any]) -> None:
    expected = [dollars for *_, dollars in market["worths"]]
    assert worths(market) == [None if e is None else pytest.approx(e) for e in expected]


def test_an_amount_beyond_all_numbers_is_worth_nothing_that_can_be_said() -> None:
    assert Dollars().worth("9" * 5_000, "USDT") is None


def test_each_look_at_prices_forgets_the_one_before() -> None:
    dollars = Dollars()
    dollars.renew([ticker("BTCUSDT", "86000")])
    assert dollars.worth("1", "BTC") == 86_000
    dollars.renew([])
    assert dollars.worth("1", "BTC") is None


def test_the_page_says_the_same_to_the_last_bit() -> None:
    answer = evaluate(ASK, CASES)
    assert answer["splits"] == [expected for _, expected in CASES["splits"]]
    assert answer["worths"] == [worths(market) for market in MARKETS]


def test_the_page_knows_the_same_quotes() -> None:
    quotes, kinds = evaluate(
        'import { KINDS, QUOTES } from "./market/dollars.js"; answer = [[...QUOTES], [...KINDS]];'
    )
    assert set(quotes) == QUOTES
    assert [asset for asset, kind in kinds if kind == "usd"] == STABLE
    assert {kind for _, kind in kinds} == {"usd", "btc", "eth", "fiat"}


def test_the_kind_of_a_quote() -> None:
    kinds = evaluate(
        'import { kindOf } from "./market/dollars.js"; answer = given.map(kindOf);',
        ["USDT", "BTC", "ETH", "TRY", "BNB", "", "__proto__", "constructor"],
    )
    assert kinds == ["usd", "btc", "eth", "fiat", "other", "other", "other", "other"]


def test_three_hundred_coins_have_a_name() -> None:
    names = evaluate('import { NAMES } from "./market/names.js"; answer = [...NAMES];')
    bases = [base for base, _ in names]
    assert len(names) == len(set(bases)) == 300
    assert bases == sorted(bases)
    assert all(re.fullmatch(r"\w{1,32}", base) for base in bases)
    assert all(name == name.strip() != "" for _, name in names)
    expected = {"BTC": "Bitcoin", "PEPE": "Pepe", "1000SATS": "SATS", "1INCH": "1inch"}
    assert expected.items() <= dict(names).items()
