"""What accounts are worth at a recorded index: the margin model of the specification on top."""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.margin import (
    COLLATERAL_IDS,
    HALF_WIDTH_UNIT,
    Assessment,
    Leg,
    MarginModel,
    Plan,
    Price,
)
from seawall.spec.risk import ANY_VOLATILITY, MarketRisk
from seawall.spec.state import Journal
from seawall.spec.words import PPM, WAD

#: The market of these accounts, and the token that they may hold.
MARKET = 1
TOKEN = 1
#: Rates and weights of params/local.yaml, parts per million; no keeper reserve, so that lines are
#: those of the rates alone.
INITIAL = 100_000
MAINTENANCE = 65_000
PROFIT_WEIGHT = 800_000
MARGIN_CALL = 200_000
#: Greatest half-width at which the market is usable, 10**-5: half the maintenance rate.
WIDEST = MAINTENANCE * HALF_WIDTH_UNIT // (2 * PPM)
#: Of a stable token held as collateral.
INITIAL_WEIGHT = 900_000
MAINTENANCE_WEIGHT = 950_000


#: Thousands of money: no size and no open interest of these studies raises a rate.
ANY_DEPTH = 2**32 - 1
#: Rates that nothing raises: the studies show what the index does.
FLAT_RISK = MarketRisk(INITIAL, MAINTENANCE, 0, ANY_DEPTH, ANY_VOLATILITY, 10, ANY_DEPTH, 0)


class Account(NamedTuple):
    """Cash (WAD), a position (WAD units, negative for a short) with its entry price, and tokens."""

    cash: int
    size: int = 0
    entry: int = 0
    tokens: int = 0

    @property
    def base(self) -> int:
        """Cash and quote, WAD."""
        return self.cash - self.size * self.entry // WAD


def model() -> MarginModel:
    """One market and one collateral token, listed long ago."""
    made = MarginModel(Journal(), PROFIT_WEIGHT, MARGIN_CALL)
    made.set_risk(MARKET, FLAT_RISK, 0)
    made.set_token_risk(TOKEN, INITIAL_WEIGHT, MAINTENANCE_WEIGHT, ANY_DEPTH, 0)
    return made


def opened(price: int, leverage: int, side: int, notional: int = 100_000 * WAD) -> Account:
    """An account that has just opened at the index: notional (WAD) over leverage in cash, rounded
    up so that it holds what it must; `side` 1 is long, -1 short."""
    size = notional * WAD // price
    size -= size % 10**12
    return Account(-(-size * price // (WAD * leverage)), side * size, price)


def plan(made: MarginModel, account: Account, market: Price, now: int) -> Plan:
    """Equity and maintenance of an account with a position only."""
    return made.plan(account.base, [(MARKET, 0, account.size)], [market], now)


def assess(
    made: MarginModel, account: Account, market: Price, token: Price | None, now: int
) -> Assessment:
    """All five figures of an account; `token` is the price of its collateral, if it has any."""
    legs: list[Leg] = [(MARKET, 0, account.size)] if account.size else []
    prices = [market] if account.size else []
    if token is not None:
        legs.append((COLLATERAL_IDS + TOKEN - 1, 0, account.tokens))
        prices.append(token)
    return made.assess(account.cash, account.base, legs, prices, now)


def is_liquidatable(made: MarginModel, account: Account, market: Price, now: int) -> bool:
    """Below maintenance margin at the favourable end, in a market that may be moved."""
    found = plan(made, account, market, now)
    movable = any(leg.usable for leg in found.legs)
    return movable and found.favourable_equity < found.favourable_maintenance


def weighted(amount: int, price: int, weight: int) -> int:
    """Worth of tokens at a price and a weight in parts per million, WAD, rounded down twice."""
    return amount * price // WAD * weight // PPM
