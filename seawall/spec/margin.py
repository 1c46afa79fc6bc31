"""Equity and margin requirements of one portfolio (protocol sections 4 and 5).

Rates and weights are parts per million, prices WAD per unit, money WAD. Assets round down,
requirements round up.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.fixed_math import ceil_div
from seawall.spec.state import Journal, Table, require
from seawall.spec.words import MAX_HALF_WIDTH, MAX_UINT256, PLAN, PPM, RATIO, WAD

#: A raised maintenance rate is reached linearly over this many seconds (7 days).
RAMP_SECONDS = 7 * 86_400
#: half_width is in units of 10**-5.
HALF_WIDTH_UNIT = 10**5
RESERVE_UNIT = 10**16
#: Collateral legs carry ids from here up (128 is token 1).
COLLATERAL_IDS = 128
MAX_RATE = PPM
MAX_RESERVE = 2**16 - 1


class Risk(NamedTuple):
    """Rates of a market, the maintenance ramp, the keeper reserve in units of RESERVE_UNIT."""

    initial: int = 0
    maintenance_from: int = 0
    maintenance_to: int = 0
    ramp_start: int = 0
    reserve: int = 0

    def maintenance(self, now: int) -> int:
        """The rate in force: linear from one value to the other, rounded down."""
        if now <= self.ramp_start:
            return self.maintenance_from
        elapsed = now - self.ramp_start
        if elapsed >= RAMP_SECONDS:
            return self.maintenance_to
        step = (self.maintenance_to - self.maintenance_from) * elapsed
        return self.maintenance_from + step // RAMP_SECONDS


class Price(NamedTuple):
    """One oracle answer, see the price word."""

    price: int
    updated_at: int = 0
    ema_ratio: int = RATIO
    half_width: int = 0
    refreshed_at: int = 0
    volatility: int = 0
    sample_ratio: int = RATIO
    sample_age: int = 0


class Assessment(NamedTuple):
    """`adverse` weighs net unrealised profit, `settled` ignores it; all after keeper reserves."""

    equity: int
    adverse: int
    settled: int
    initial: int
    maintenance: int


class PlannedLeg(NamedTuple):
    """What the waterfall needs to know of one market leg."""

    market_id: int
    usable: bool
    reserve: int
    rate: int
    notional: int

    @property
    def word(self) -> int:
        """As the contract answers it."""
        return PLAN.pack(
            id=self.market_id,
            usable=int(self.usable),
            reserve=self.reserve,
            rate=self.rate,
            notional=self.notional,
        )


class Plan(NamedTuple):
    """Spot decides sizes and fees, the favourable ends decide whether."""

    equity: int
    maintenance: int
    favourable_equity: int
    favourable_maintenance: int
    legs: tuple[PlannedLeg, ...]


Leg = tuple[int, int, int]


def _magnitude(size: int) -> int:
    """|size| of a market leg; positions are int112, which bounds every sum of legs."""
    require(abs(size) < 2**113)
    return abs(size)


def _ceil_requirement(total: int) -> int:
    """A sum of rate * |size| * price, rounded up to money."""
    return ceil_div(total, WAD * PPM)


class MarginModel:
    """Risk parameters and the two questions asked of them: `assess` and `plan`."""

    def __init__(self, journal: Journal, profit_weight: int, margin_call: int) -> None:
        self.profit_weight = profit_weight
        self.margin_call = margin_call
        self.risks: Table[int, Risk] = Table(journal, Risk())
        #: token id -> (initial weight, maintenance weight)
        self.weights: Table[int, tuple[int, int]] = Table(journal, (0, 0))

    def set_risk(
        self, market_id: int, initial: int, maintenance: int, reserve: int, now: int
    ) -> None:
        """List or change: initial at once, a higher maintenance over the ramp, reserve fixed."""
        require(1 <= market_id <= 127, "risk: market id")
        require(0 < maintenance <= initial <= MAX_RATE, "risk: rates")
        require(
            reserve % RESERVE_UNIT == 0 and reserve // RESERVE_UNIT <= MAX_RESERVE, "risk: reserve"
        )
        old = self.risks[market_id]
        start = maintenance
        if old.initial != 0:
            require(reserve // RESERVE_UNIT == old.reserve, "risk: reserve is fixed")
            start = min(old.maintenance(now), maintenance)
        self.risks[market_id] = Risk(initial, start, maintenance, now, reserve // RESERVE_UNIT)

    def set_token_weight(self, token_id: int, initial: int, maintenance: int) -> None:
        """Weights may only rise: lowering one would lower the equity of open accounts at once."""
        require(1 <= token_id <= 8, "risk: token id")
        require(initial <= maintenance < PPM, "risk: weights")
        old_initial, old_maintenance = self.weights[token_id]
        require(initial >= old_initial and maintenance >= old_maintenance, "risk: weight lowered")
        self.weights[token_id] = (initial, maintenance)

    def assess(
        self, cash: int, base: int, legs: list[Leg], prices: list[Price], now: int
    ) -> Assessment:
        """Equity at spot, adverse and settled equity, initial and maintenance margin.

        Each sum over the market legs rounds once: values down, requirements up.
        """
        require(-(2**200) <= base < 2**200)
        value = adverse = initial = maintenance = reserve = 0
        collateral_initial = collateral = 0
        usable = True
        for (leg_id, _, size), price in zip(legs, prices, strict=True):
            if leg_id >= COLLATERAL_IDS:
                worth_initial, worth = self._collateral(leg_id, size, price)
                collateral_initial += worth_initial
                collateral += worth
                continue
            risk = self.risks[leg_id]
            rate = risk.maintenance(now)
            usable = usable and _is_usable(price, rate)
            worse = _adverse_price(size, price)
            value += size * price.price
            adverse += size * worse
            initial += _magnitude(size) * max(price.price, worse) * risk.initial
            maintenance += _magnitude(size) * price.price * rate
            reserve += risk.reserve * RESERVE_UNIT
        net = base - cash + adverse // WAD
        settled = cash + collateral_initial + min(0, net) - reserve
        # The settlement balance must cover half of the initial margin, so that collateral never
        # carries a debt in the settlement token alone.
        balance = cash - reserve + net
        bound = balance + max(balance, 0)
        return Assessment(
            equity=base + value // WAD + collateral - reserve,
            adverse=min(settled + max(0, net) * self.profit_weight // PPM, bound),
            settled=min(settled, bound),
            initial=_ceil_requirement(initial) if usable else MAX_UINT256,
            maintenance=_ceil_requirement(maintenance),
        )

    def plan(self, base: int, legs: list[Leg], prices: list[Price], now: int) -> Plan:
        """Equity and maintenance at spot and at favourable ends, and each market leg."""
        require(-(2**200) <= base < 2**200)
        value = maintenance = favourable = favourable_maintenance = outside = 0
        planned = []
        for (leg_id, _, size), price in zip(legs, prices, strict=True):
            if leg_id >= COLLATERAL_IDS:
                _, worth = self._collateral(leg_id, size, price)
                outside += worth
                continue
            risk = self.risks[leg_id]
            rate = risk.maintenance(now)
            reserve = risk.reserve * RESERVE_UNIT
            better = _favourable_price(size, price, rate)
            outside -= reserve
            value += size * price.price
            maintenance += _magnitude(size) * price.price * rate
            favourable += size * better
            favourable_maintenance += _magnitude(size) * better * rate
            notional = _magnitude(size) * price.price // WAD
            planned.append(PlannedLeg(leg_id, _is_usable(price, rate), reserve, rate, notional))
        return Plan(
            base + outside + value // WAD,
            _ceil_requirement(maintenance),
            base + outside + favourable // WAD,
            _ceil_requirement(favourable_maintenance),
            tuple(planned),
        )

    def _collateral(self, leg_id: int, amount: int, price: Price) -> tuple[int, int]:
        """Weighted worth of a collateral leg: for IM at its adverse end, for MM at the last price.

        A silent feed carries no new risk (0 for IM), but it liquidates nobody either.
        """
        initial, maintenance = self.weights[leg_id - COLLATERAL_IDS + 1]
        worth = amount * price.price // WAD * maintenance // PPM
        if price.half_width == MAX_HALF_WIDTH:
            return 0, worth
        # A balance is held like a long, whatever its amount.
        low = _adverse_price(1, price)
        return amount * low // WAD * initial // PPM, worth


def _is_usable(price: Price, rate: int) -> bool:
    """A market is usable while its half-width is at most half its maintenance rate."""
    if price.price == 0 or rate == 0:
        return False
    return price.half_width * PPM * 2 <= rate * HALF_WIDTH_UNIT


def _adverse_price(size: int, price: Price) -> int:
    """The worse of spot and EMA, moved by the half-width against the leg."""
    average = price.price * price.ema_ratio // RATIO
    if size > 0:
        low = min(price.price, average)
        return low * (HALF_WIDTH_UNIT - price.half_width) // HALF_WIDTH_UNIT
    high = max(price.price, average)
    return -(-high * (HALF_WIDTH_UNIT + price.half_width) // HALF_WIDTH_UNIT)


def _favourable_price(size: int, price: Price, rate: int) -> int:
    """Spot moved by the half-width, capped at half the maintenance rate, in favour of the leg."""
    width = min(price.half_width, rate * HALF_WIDTH_UNIT // (2 * PPM))
    if size > 0:
        return -(-price.price * (HALF_WIDTH_UNIT + width) // HALF_WIDTH_UNIT)
    return price.price * (HALF_WIDTH_UNIT - width) // HALF_WIDTH_UNIT
