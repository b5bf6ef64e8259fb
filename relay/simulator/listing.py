"""Listing: which symbols the synthetic market has. The names are real, the prices are not."""

import random
from dataclasses import dataclass

from relay.simulator.course import Course

#: US dollars, roughly, for the names that people would look at twice.
_KNOWN = {
    "BTC": 86_000.0, "ETH": 2_700.0, "BNB": 840.0, "SOL": 131.0, "XRP": 2.05, "币安人生": 0.13,
    "1INCH": 0.19, "1000SATS": 0.000021, "DOGE": 0.145, "ADA": 0.41, "TRX": 0.28, "AVAX": 13.4,
    "LINK": 12.6, "DOT": 2.3, "LTC": 83.0, "BCH": 540.0, "SHIB": 0.0000079, "PEPE": 0.0000041,
    "BONK": 0.0000091, "FLOKI": 0.000045, "UNI": 6.1, "ATOM": 2.5, "NEAR": 1.9, "APT": 2.4,
    "SUI": 1.4, "ARB": 0.2, "OP": 0.31, "FIL": 1.6, "ETC": 13.5, "XLM": 0.24, "HBAR": 0.14,
    "ICP": 4.2, "AAVE": 165.0, "TON": 1.5, "PAXG": 4_080.0, "WBTC": 85_900.0, "TAO": 290.0,
    "ZEC": 510.0, "DASH": 62.0, "XEC": 0.0000112, "LUNC": 0.000028, "BTTC": 0.00000042,
    "1MBABYDOGE": 0.00069, "1000CAT": 0.0031, "WIN": 0.000029, "COS": 0.0017,
}  # fmt: skip

_OTHERS = """
    4 A2Z AAPLX ACA ACE ACH ACM ACT ACX ADX AEUR AEVO AGLD AI AIXBT ALCX ALGO ALICE ALLO ALPINE ALT
    AMP ANIME ANKR APE API3 AR ARDR ARK ARKM ARPA ASR ASTER ASTR ATA ATM AUCTION AUDIO AVA AVNT AWE
    AXL AXS BABY BAKE BANANA BANANAS31 BAND BAR BARD BAT BB BEAMX BEL BERA BICO BIFI BIGTIME BIO
    BLUR BMT BNSOL BNT BOME BROCCOLI714 C C98 CAKE CATI CELO CELR CETUS CFX CGPT CHESS CHR CHZ CITY
    CKB COMP COOKIE COTI COW CRV CTK CTSI CTXC CVC CVX CYBER D DATA DCR DEGO DENT DEXE DF DGB DIA
    DODO DOGS DOLO DUSK DYDX DYM EDEN EDU EGLD EIGEN ENA ENJ ENS ENSO EPIC ERA ETHFI EUL EURI FARM
    FDUSD FET FF FIDA FIO FIS FLOW FLUX FORM FORTH FTT FUN FXS G GALA GAS GHST GIGGLE GLM GLMR GMT
    GMX GNO GNS GPS GRT GTC GUN HAEDAL HEI HEMI HFT HIGH HIVE HMSTR HOLO HOME HOOK HOT HUMA HYPER ID
    IDEX ILV IMX INIT INJ IO IOST IOTA IOTX IQ JASMY JOE JST JTO JUP JUV KAIA KAITO KAVA KDA KERNEL
    KITE KMNO KNC KSM LA LAYER LAZIO LDO LEVER LINEA LISTA LOKA LPT LQTY LRC LSK LUMIA LUNA MAGIC
    MANA MANTA MANTRA MASK MAV MBL MBOX MDT ME MEME MET METIS MINA MIRA MITO MLN MORPHO MOVE MOVR
    MTL MUBARAK NEIRO NEO NEWT NEXO NFP NIL NKN NMR NOM NOT NTRN NXPC OG OGN OM ONDO ONE ONG ONT
    OPEN ORCA ORDI OSMO OXT PARTI PENDLE PENGU PEOPLE PHA PHB PIVX PIXEL PLUME PNUT POL POLYX PORTAL
    PORTO POWR PROM PROVE PSG PUMP PUNDIX PYR PYTH QI QKC QNT QTUM QUICK RAD RARE RAY RDNT RED REI
    RENDER REQ RESOLV REZ RIF RLC RONIN ROSE RPL RSR RUNE RVN S SAGA SAHARA SAND SANTOS SAPIEN SC
    SCR SCRT SEI SFP SHELL SIGN SKL SKY SLF SLP SNX SOLV SOMI SOPH SPELL SPK SSV STEEM STG STO STORJ
    STRAX STRK STX SUN SUPER SUSHI SXP SXT SYN SYRUP SYS T THE THETA TIA TKO TLM TNSR TOWNS TREE
    TRUMP TST TURBO TURTLE TUSD TUT TWT UMA USDE USTC USUAL UTK VANA VANRY VELODROME VET VIC VIRTUAL
    VTHO W WAL WAXP WCT WIF WLD WLFI WOO XAI XNO XPL XTZ XVG XVS YB YFI YGG ZBT ZEN ZIL ZK ZKC ZRO
    ZRX
"""

#: Quote assets: US dollars each, and with how many assets, most traded first, they are paired.
_QUOTES = {
    "USDT": (1.0, 1000),
    "USDC": (1.0, 300),
    "BTC": (0.0, 250),
    "TRY": (0.0236, 280),
    "FDUSD": (0.9985, 110),
    "ETH": (0.0, 60),
    "BNB": (0.0, 90),
    "EUR": (1.152, 60),
    "BRL": (0.187, 40),
    "JPY": (0.0064, 40),
    "IDR": (0.00006, 12),
    "MXN": (0.054, 6),
    "PLN": (0.275, 6),
    "ZAR": (0.058, 5),
}

#: Pairs of money for money, and where each stands among the others.
_MONEY = {
    ("USDC", "USDT"): 21,
    ("USDT", "TRY"): 23,
    ("EUR", "USDT"): 25,
    ("USDT", "BRL"): 27,
    ("USDT", "JPY"): 31,
    ("EUR", "USDC"): 37,
    ("USDT", "IDR"): 45,
    ("USDT", "MXN"): 75,
    ("USDT", "PLN"): 85,
    ("USDT", "ZAR"): 95,
}

#: How lively the course of an asset is; 1.0 for those not named.
_RESTLESS = {"BTC": 0.5, "PAXG": 0.2, "USDT": 0.0, "USDC": 0.002, "FDUSD": 0.005, "TUSD": 0.005}
_RESTLESS |= {"USDE": 0.005, "TRY": 0.1, "EUR": 0.1, "BRL": 0.1, "JPY": 0.1, "IDR": 0.1}
_RESTLESS |= {"MXN": 0.1, "PLN": 0.1, "ZAR": 0.1}

#: Below this, eight decimals would leave a price nowhere to go.
_LEAST_PRICE = 2e-7

#: Pairs that are only traded the other way round.
_NEVER = frozenset((("BTC", "ETH"), ("BTC", "BNB"), ("ETH", "BNB")))

#: Binance opened on 2017-08-17 (seconds since 1970); the last symbol was listed in May 2025.
_OPENED = 1_502_928_000
_DAYS = 2_844
_FIRST = frozenset(("BTCUSDT", "ETHUSDT"))

#: Listed once, dead since: REST shows them with "0.00000000" unless asked for TRADING only.
DELISTED = ("BCCUSDT", "VENUSDT", "BTCSTUSDT", "SRMUSDT", "BUSDUSDT")


@dataclass(frozen=True, slots=True)
class Listed:
    """A symbol, and the courses whose quotient is its price."""

    symbol: str
    base: Course
    quote: Course
    #: The name of the asset in which it is priced.
    quoted_in: str = ""
    #: The day it was listed, in seconds since 1970.
    since: int = 0
    #: Another one, another past.
    key: str = ""

    def price(self, seconds: float) -> float:
        """Return the price the symbol is headed for, at a time in seconds since 1970."""
        return self.base.at(seconds) / self.quote.at(seconds)


def listing(count: int, seed: int) -> list[Listed]:
    """Return `count` symbols, the most traded first; invented ones if the real names run out."""
    dollars = _dollars(seed)
    worth = _worth(dollars)
    courses = {asset: _course(asset, price, seed) for asset, price in worth.items()}
    pairs = [
        (rank * (1 + 2 * position), asset, quote)
        for position, (quote, (_, most)) in enumerate(_QUOTES.items())
        for rank, asset in enumerate(dollars, start=1)
        if rank <= most and asset != quote and (asset, quote) not in _NEVER
        if worth[asset] / worth[quote] > _LEAST_PRICE
    ]
    pairs += [(place, base, quote) for (base, quote), place in _MONEY.items()]
    # The first hundred of the most traded lead, then it is the turn of the pairs in other quotes.
    pairs.sort(key=lambda pair: pair[0])
    names = [(asset + quote, asset, quote) for _, asset, quote in pairs][:count]
    names += [(f"SIM{n:05}USDT", "DOGE", "USDT") for n in range(count - len(names))]
    return [
        Listed(
            symbol, courses[base], courses[quote], quote, _since(symbol, seed), f"{seed} {symbol}"
        )
        for symbol, base, quote in names
    ]


def newcomer(symbol: str, seed: int) -> Listed:
    """Return a symbol that nobody has heard of; it is worth some dollars."""
    dollars = 10 ** random.Random(f"{seed} {symbol}").uniform(-1, 1)
    base = Course(f"{seed} {symbol}", dollars)
    for quote, price in sorted(_worth(_dollars(seed)).items(), key=lambda asset: -len(asset[0])):
        if quote in _QUOTES and symbol.endswith(quote) and symbol != quote:
            return Listed(symbol, base, _course(quote, price, seed), quote)
    return Listed(symbol, base, Course("", 1.0, 0.0))


def _course(asset: str, dollars: float, seed: int) -> Course:
    return Course(f"{seed} {asset}", dollars, _RESTLESS.get(asset, 1.0))


def _worth(dollars: dict[str, float]) -> dict[str, float]:
    """Return what each asset is worth, those included that only others are priced in."""
    return dollars | {quote: price for quote, (price, _) in _QUOTES.items() if price}


def _since(symbol: str, seed: int) -> int:
    """Return when a symbol was listed: the first of them when Binance opened."""
    days = 0 if symbol in _FIRST else random.Random(f"{symbol} {seed}").randrange(_DAYS)
    return _OPENED + days * 86_400


def _dollars(seed: int) -> dict[str, float]:
    chance = random.Random(seed)
    dollars = dict(_KNOWN)
    for asset in _OTHERS.split():
        dollars.setdefault(asset, 10 ** chance.uniform(-2.7, 1.3))
    for stable in ("FDUSD", "TUSD", "USDE"):
        dollars[stable] = 1.0
    return dollars
