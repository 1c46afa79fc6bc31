"""Equity and margin requirements of one portfolio (protocol sections 4 and 5).

Rates, weights and factors are parts per million, prices WAD per unit, money WAD. Assets round
down, requirements round up.
"""

from __future__ import annotations

from typing import NamedTuple

from seawall.spec.risk import (
    MAX_INITIAL_RATE,
    RESERVE_UNIT,
    MarketRisk,
    Risk,
    Weight,
    changed,
    charged,
    followed,
    interest_factor,
    maintenance_rate,
    size_factor,
    weighed,
    worth,
)
from seawall.spec.scenarios import PortfolioLeg, Scenarios
from seawall.spec.state import Journal, Table, require
from seawall.spec.words import (
    MAX_HALF_WIDTH,
    MAX_UINT256,
    OPTING_IN,
    PLAN,
    PORTFOLIO,
    PPM,
    RATIO,
    TAKEOVER,
    WAD,
)

#: half_width is in units of 10**-5.
HALF_WIDTH_UNIT = 10**5
#: Collateral legs carry ids from here up (128 is token 1).
COLLATERAL_IDS = 128


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
    flags: int = 0


class Assessment(NamedTuple):
    """`adverse` weighs net unrealised profit, `settled` ignores it; all after keeper reserves."""

    equity: int
    adverse: int
    settled: int
    initial: int
    maintenance: int


class PlannedLeg(NamedTuple):
    """What the waterfall needs to know of one market leg.

    `rate` is what holds at its size; at others the size factor over `base`, or `flat` if larger.
    """

    market_id: int
    usable: bool
    reserve: int
    rate: int
    base: int
    flat: int
    depth: int
    notional: int

    @property
    def word(self) -> int:
        """As the contract answers it."""
        return PLAN.pack(
            id=self.market_id,
            usable=int(self.usable),
            reserve=self.reserve // RESERVE_UNIT,
            rate=self.rate,
            base=self.base,
            flat=self.flat,
            depth=self.depth,
            notional=self.notional,
        )

    def rate_at(self, notional: int) -> int:
        """Maintenance rate of another size of this leg; notional as size * price."""
        return maintenance_rate(self.base, self.flat, self.depth, notional)


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
    return -(-total // (WAD * PPM))


class _Market(NamedTuple):
    """A market leg at its prices: products of two WAD numbers, rates in force."""

    market_id: int
    size: int
    notional: int
    adverse: int
    favourable: int
    base: int
    flat: int
    depth: int
    flat_initial: int
    initial_rate: int
    usable: bool
    reserve: int
    #: Base rate of initial margin.
    initial: int

    @property
    def rate(self) -> int:
        """Maintenance rate at spot."""
        return self.rate_at(self.notional)

    def rate_at(self, notional: int) -> int:
        """Maintenance rate of the leg at another notional."""
        return maintenance_rate(self.base, self.flat, self.depth, notional)

    @property
    def in_portfolio(self) -> PortfolioLeg:
        """Its part of a portfolio's maintenance margin."""
        flat_rate = charged(self.base, self.flat, PPM)
        return PortfolioLeg(
            self.market_id,
            _signed(self, _ceil_requirement(self.notional * flat_rate)),
            _ceil_requirement(self.notional * (self.rate - flat_rate)),
        )

    @property
    def in_portfolio_initial(self) -> PortfolioLeg:
        """Its part of a portfolio's initial margin.

        What hedges may make up for is at spot: what a short's adverse end adds is not among it.
        """
        flat_rate = charged(self.initial, self.flat_initial, MAX_INITIAL_RATE)
        flat = _ceil_requirement(self.notional * flat_rate)
        whole = _ceil_requirement(max(self.notional, self.adverse) * self.initial_rate)
        return PortfolioLeg(self.market_id, _signed(self, flat), whole - flat)


class MarginModel:
    """Risk parameters and the two questions asked of them: `assess` and `plan`.

    `notional_floor` is what must stay of gross notional after a way out by value.
    """

    def __init__(
        self, journal: Journal, profit_weight: int, margin_call: int, notional_floor: int = 0
    ) -> None:
        self.profit_weight = profit_weight
        self.margin_call = margin_call
        self.notional_floor = notional_floor
        self.risks: Table[int, Risk] = Table(journal, Risk())
        self.weights: Table[int, Weight] = Table(journal, Weight())
        self.scenarios = Scenarios(journal)

    def set_risk(self, market_id: int, risk: MarketRisk, now: int) -> None:
        """List a market or change its parameters. Errors: Reverted with the reason."""
        require(1 <= market_id <= 127, "risk: market id")
        self.risks[market_id] = changed(self.risks[market_id], risk, now)

    def follow(self, market_id: int, volatility: int, fund: int, now: int) -> None:
        """Let capacity follow the fund (WAD money) and the volatility factor the volatility."""
        require(self.risks[market_id].initial != 0, "risk: market id")
        self.risks[market_id] = followed(self.risks[market_id], volatility, fund, now)

    def set_token_risk(
        self, token_id: int, initial: int, maintenance: int, depth: int, now: int
    ) -> None:
        """Weights and depth of a collateral token. Errors: Reverted with the reason."""
        require(1 <= token_id <= 8, "risk: token id")
        self.weights[token_id] = weighed(self.weights[token_id], initial, maintenance, depth, now)

    def assess(
        self, cash: int, base: int, legs: list[Leg], prices: list[Price], now: int, mode: int = 0
    ) -> Assessment:
        """Equity at spot, adverse and settled equity, initial and maintenance margin.

        In standard mode each sum over the market legs rounds once: values down, requirements up.
        """
        require(-(2**200) <= base < 2**200)
        markets, (collateral_initial, collateral) = self._look(legs, prices, now, mode)
        reserve = sum(leg.reserve for leg in markets)
        value = sum(_signed(leg, leg.notional) for leg in markets)
        adverse = sum(_signed(leg, leg.adverse) for leg in markets)
        net = base - cash + adverse // WAD
        settled = cash + collateral_initial + min(0, net) - reserve
        # The settlement balance must cover half of the initial margin, so that collateral never
        # carries a debt in the settlement token alone.
        balance = cash - reserve + net
        bound = balance + max(balance, 0)
        equity = base + value // WAD + collateral - reserve
        initial, maintenance = self._required(markets, mode, now)
        if mode & PORTFOLIO and equity < self.scenarios.matrix.minimum_equity * WAD:
            # Too poor for the credit of hedges: new risk at the margin of standard mode.
            standard = _standard_initial(markets)
            initial = max(initial, standard)
            if mode & OPTING_IN and standard:
                initial = MAX_UINT256
        if not all(leg.usable for leg in markets):
            initial = MAX_UINT256
        gross = sum(leg.notional for leg in markets)
        floor = _ceil_requirement(gross * self.notional_floor)
        left = min(settled, bound) - max(0, floor - initial)
        if any(
            price.flags for leg, price in zip(legs, prices, strict=True) if leg[0] < COLLATERAL_IDS
        ):
            # No way out by value yet.
            left = min(left, -1)
        return Assessment(
            equity=equity,
            adverse=min(settled + max(0, net) * self.profit_weight // PPM, bound),
            settled=left,
            initial=initial,
            maintenance=maintenance,
        )

    def plan(
        self, base: int, legs: list[Leg], prices: list[Price], now: int, mode: int = 0
    ) -> Plan:
        """Equity and maintenance at spot and at favourable ends, and each market leg."""
        require(-(2**200) <= base < 2**200)
        markets, (_, collateral) = self._look(legs, prices, now, mode)
        outside = base + collateral - sum(leg.reserve for leg in markets)
        value = sum(_signed(leg, leg.notional) for leg in markets)
        favourable = sum(_signed(leg, leg.favourable) for leg in markets)
        spot = self._maintenance(markets, mode, now)
        equity, better = outside + value // WAD, outside + favourable // WAD
        if mode & PORTFOLIO:
            # The width of an index is at most half of standard margin, many times what a hedge
            # needs: as a part of this margin it may not shield a portfolio more than a leg in
            # standard mode.
            better, least = min(better, equity + spot // 2), spot
        else:
            least = _ceil_requirement(
                sum(leg.favourable * leg.rate_at(leg.favourable) for leg in markets)
            )
        return Plan(equity, spot, better, least, tuple(_planned(leg) for leg in markets))

    def _look(
        self, legs: list[Leg], prices: list[Price], now: int, mode: int
    ) -> tuple[list[_Market], tuple[int, int]]:
        """Market legs at their prices, and what collateral is worth for IM and for MM."""
        markets, initial, maintenance = [], 0, 0
        for (leg_id, open_interest, size), price in zip(legs, prices, strict=True):
            if leg_id < COLLATERAL_IDS:
                interest = 0 if mode & TAKEOVER else open_interest
                markets.append(self._market(leg_id, interest, size, price, now))
                continue
            first, second = self._collateral(leg_id, size, price, now)
            initial += first
            maintenance += second
        return markets, (initial, maintenance)

    def _market(
        self, market_id: int, open_interest: int, size: int, price: Price, now: int
    ) -> _Market:
        """A market leg; an open interest of 0 asks for none of its factor."""
        risk = self.risks[market_id]
        base, depth = risk.base(now)
        flat = risk.volatility_factor(now) if risk.initial else PPM
        flat_initial = max(flat, risk.calm_factor(price.volatility))
        notional = _magnitude(size) * price.price
        depth = max(1, depth)
        factor = flat_initial
        if risk.initial:
            factor = max(
                factor,
                size_factor(notional, risk.depth),
                interest_factor(notional, open_interest * price.price, risk.capacity),
            )
        return _Market(
            market_id=market_id,
            size=size,
            notional=notional,
            adverse=_magnitude(size) * _adverse_price(size, price),
            favourable=_magnitude(size) * _favourable_price(size, price, base),
            base=base,
            flat=flat,
            depth=depth,
            flat_initial=flat_initial,
            # A rate that was lowered is in force at once here, and by a ramp in maintenance.
            initial_rate=max(
                charged(risk.initial, factor, MAX_INITIAL_RATE),
                maintenance_rate(base, flat, depth, notional),
            ),
            usable=_is_usable(price, base),
            reserve=risk.reserve * RESERVE_UNIT,
            initial=risk.initial,
        )

    def _required(self, markets: list[_Market], mode: int, now: int) -> tuple[int, int]:
        """Initial and maintenance margin at spot."""
        if mode & PORTFOLIO:
            return self.scenarios.requirement(
                [leg.in_portfolio for leg in markets],
                [leg.in_portfolio_initial for leg in markets],
                now,
            )
        return _standard_initial(markets), self._maintenance(markets, mode, now)

    def _maintenance(self, markets: list[_Market], mode: int, now: int) -> int:
        """Maintenance margin at spot."""
        if mode & PORTFOLIO:
            return self.scenarios.maintenance([leg.in_portfolio for leg in markets], now)
        return _ceil_requirement(sum(leg.notional * leg.rate for leg in markets))

    def _collateral(self, leg_id: int, amount: int, price: Price, now: int) -> tuple[int, int]:
        """Weighted worth of a collateral leg: for IM at its adverse end, for MM at the last price.

        A silent feed carries no new risk (0 for IM), but it liquidates nobody either.
        """
        token = self.weights[leg_id - COLLATERAL_IDS + 1]
        if token.depth_to == 0:
            return 0, 0
        initial, maintenance, depth = token.at(now)
        kept = worth(amount * price.price // WAD, maintenance, depth)
        if price.half_width == MAX_HALF_WIDTH:
            return 0, kept
        # A balance is held like a long, whatever its amount.
        low = _adverse_price(1, price)
        return worth(amount * low // WAD, initial, depth), kept


def _signed(leg: _Market, notional: int) -> int:
    """A value with the sign of the leg."""
    return notional if leg.size > 0 else -notional


def _standard_initial(markets: list[_Market]) -> int:
    """Initial margin in standard mode."""
    # A long's adverse price is not above spot, so spot is the initial margin's.
    return _ceil_requirement(
        sum(max(leg.notional, leg.adverse) * leg.initial_rate for leg in markets)
    )


def _planned(leg: _Market) -> PlannedLeg:
    return PlannedLeg(
        market_id=leg.market_id,
        usable=leg.usable,
        reserve=leg.reserve,
        rate=leg.rate,
        base=leg.base,
        flat=leg.flat,
        depth=leg.depth,
        notional=leg.notional // WAD,
    )


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
