"""The pages for people, rendered by Flask so that the first paint needs no JavaScript."""

from decimal import Decimal, DecimalException, InvalidOperation

import msgspec
from flask import Blueprint, render_template

from relay.hub import Hub
from relay.ticker import Ticker

_decode = msgspec.json.Decoder(Ticker).decode


def blueprint(hub: Hub) -> Blueprint:
    """The routes."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def index() -> str:
        tickers = [_decode(update.ticker) for update in hub.board.updates()]
        tickers.sort(key=_traded, reverse=True)
        return render_template("index.html", tickers=tickers, feed=hub.verdict(), id=hub.board.id)

    routes.add_app_template_filter(percent_changed, "percent_changed")
    routes.add_app_template_filter(plain, "plain")
    return routes


def percent_changed(ticker: Ticker) -> Decimal | None:
    """Percent over 24 hours: as the stream says, or from its open; None where neither is known."""
    try:
        if ticker.change_percent is not None:
            return Decimal(ticker.change_percent)
        if ticker.open is None or not Decimal(ticker.open):
            return None
        return (Decimal(ticker.price) / Decimal(ticker.open) - 1) * 100
    except InvalidOperation:
        return None


def plain(price: str) -> str:
    """A price for reading: without the zeros that pad it."""
    return price.rstrip("0").rstrip(".") if "." in price else price


def _traded(ticker: Ticker) -> Decimal:
    try:
        return Decimal(ticker.quote_volume or 0)
    except DecimalException:
        return Decimal(0)
