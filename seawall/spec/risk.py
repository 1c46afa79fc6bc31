"""Risk parameters of markets and collateral tokens: rates, their factors, and how they move.

A market's base rates hold for a position no larger than its depth, at its calm volatility, and
while its open interest is below its capacity. Beyond, one factor multiplies both rates: the
largest of the size factor (square root of notional / depth: market impact grows with the square
root of size, Almgren et al. 2005, Toth et al. 2011), the volatility factor (volatility / calm
volatility) and, for initial margin alone, the open-interest factor.

Rates, weights and factors are parts per million; whatever maintenance margin and the worth of a
collateral rest on waits NOTICE seconds and then moves linearly over RAMP seconds, up and down
alike: a lower rate narrows the favourable end of a leg, and a smaller leg hedges less.
"""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from seawall.spec.fixed_math import ceil_div
from seawall.spec.state import require
from seawall.spec.words import CAPACITY, EARLIER, PPM, RISK, WAD, WEIGHT

#: Seconds from a change to the start of its ramp, and the ramp's length: 7 days in all.
NOTICE = 2 * 86_400
RAMP = 5 * 86_400
#: Keeper reserves are in cents, depths and capacities in thousands of money, volatility factors
#: in thousandths, caps of volatility factors in tenths.
RESERVE_UNIT = 10**16
DEPTH_UNIT = 10**21
FACTOR_UNIT = 1_000
CAP_UNIT = 100_000
#: The largest volatility factor: 16, in tenths.
MAX_VOLATILITY_CAP = 160
#: The volatility factor in maintenance margin moves by FACTOR_UNIT in so many seconds: 5 % an hour.
FACTOR_STEP = 72
#: Seconds that a movement of the volatility factor lasts before another may replace it.
FACTOR_PERIOD = 3_600
#: A calm volatility above all others: rates that hold whatever the volatility.
ANY_VOLATILITY = 2**24 - 1
#: Beyond 100 % only initial rates go, and not beyond what sums over legs have room for.
MAX_INITIAL_RATE = 2**30 - 1
#: A money unit of the open-interest factor, in products of two WAD numbers: a thousandth.
MILLI = 10**33


class Risk(NamedTuple):
    """All that is stored of a market: the risk word, and what is read while a ramp is on."""

    initial: int = 0
    maintenance: int = 0
    depth: int = 0
    capacity: int = 0
    reserve: int = 0
    calm: int = 0
    volatility_cap: int = 0
    ramp_start: int = 0
    factor_from: int = 0
    factor_to: int = 0
    factor_start: int = 0
    #: Where maintenance, depth and goals of its volatility factor come from while the ramp is on.
    earlier_maintenance: int = 0
    earlier_depth: int = 0
    earlier_calm: int = 0
    earlier_cap: int = 0
    #: Capacity is this floor and so many millionths of the insurance fund.
    capacity_floor: int = 0
    capacity_per_fund: int = 0

    @classmethod
    def of_words(cls, risk: int, earlier: int = 0, capacity: int = 0) -> Risk:
        """From the three words that the contract answers."""
        before, terms = EARLIER.unpack(earlier), CAPACITY.unpack(capacity)
        return cls(
            **RISK.unpack(risk),
            earlier_maintenance=before["maintenance"],
            earlier_depth=before["depth"],
            earlier_calm=before["calm"],
            earlier_cap=before["volatility_cap"],
            capacity_floor=terms["least"],
            capacity_per_fund=terms["per_fund"],
        )

    @property
    def word(self) -> int:
        """As the contract stores it."""
        return RISK.pack(**{field.name: getattr(self, field.name) for field in RISK.fields})

    @property
    def earlier_word(self) -> int:
        """As the contract stores it."""
        return EARLIER.pack(
            maintenance=self.earlier_maintenance,
            depth=self.earlier_depth,
            calm=self.earlier_calm,
            volatility_cap=self.earlier_cap,
        )

    @property
    def capacity_word(self) -> int:
        """As the contract stores it."""
        return CAPACITY.pack(least=self.capacity_floor, per_fund=self.capacity_per_fund)

    def base(self, now: int) -> tuple[int, int]:
        """Maintenance rate and depth in force, between earlier and new ones while a ramp is on."""
        if self.ramp_start == 0:
            return self.maintenance, self.depth
        passed = min(max(now - self.ramp_start, 0), RAMP)
        return (
            _between(self.earlier_maintenance, self.maintenance, passed),
            _between(self.earlier_depth, self.depth, passed),
        )

    def calm_base(self, now: int) -> tuple[int, int]:
        """Calm volatility and cap that goals of the factor in maintenance margin come from."""
        if self.ramp_start == 0:
            return self.calm, self.volatility_cap
        passed = min(max(now - self.ramp_start, 0), RAMP)
        return (
            _between(self.earlier_calm, self.calm, passed),
            _between(self.earlier_cap, self.volatility_cap, passed),
        )

    def calm_factor(self, volatility: int) -> int:
        """The factor of a volatility in initial margin."""
        return volatility_factor(self.calm, self.volatility_cap, volatility)

    def volatility_factor(self, now: int) -> int:
        """The factor in maintenance margin: it moves towards its goal by whole units.

        So what a new goal starts from is exact: no change of a goal moves anyone's margin.
        """
        start, goal = self.factor_from, self.factor_to
        steps = max(now - self.factor_start, 0) // FACTOR_STEP
        here = min(start + steps, goal) if goal >= start else max(start - steps, goal)
        return here * FACTOR_UNIT


class MarketRisk(NamedTuple):
    """What the owner sets for a market; see :class:`Risk` for units."""

    initial: int
    maintenance: int
    reserve: int
    depth: int
    calm: int
    volatility_cap: int
    capacity_floor: int
    capacity_per_fund: int


def changed(old: Risk, new: MarketRisk, now: int) -> Risk:
    """A market's parameters after the owner's change: initial at once, maintenance by a ramp.

    Maintenance margin is what it was in the second of the change. Errors: Reverted with the reason.
    """
    require(0 < new.maintenance <= new.initial <= PPM, "risk: rates")
    require(new.depth > 0, "risk: depth")
    require(new.calm > 0, "risk: calm")
    require(10 <= new.volatility_cap <= MAX_VOLATILITY_CAP, "risk: volatility cap")
    require(new.capacity_floor > 0, "risk: capacity")
    listed = old.initial != 0
    require(not listed or new.reserve == old.reserve, "risk: reserve is fixed")
    goal = (new.maintenance, new.depth, new.calm, new.volatility_cap)
    here = (*old.base(now), *old.calm_base(now)) if listed else goal
    ramps = here != goal
    earlier = here if ramps else (0, 0, 0, 0)
    return Risk(
        initial=new.initial,
        maintenance=new.maintenance,
        depth=new.depth,
        capacity=min(old.capacity, new.capacity_floor) if listed else new.capacity_floor,
        reserve=new.reserve,
        calm=new.calm,
        volatility_cap=new.volatility_cap,
        ramp_start=now + NOTICE if ramps else 0,
        factor_from=old.factor_from if listed else FACTOR_UNIT,
        factor_to=old.factor_to if listed else FACTOR_UNIT,
        factor_start=old.factor_start,
        earlier_maintenance=earlier[0],
        earlier_depth=earlier[1],
        earlier_calm=earlier[2],
        earlier_cap=earlier[3],
        capacity_floor=new.capacity_floor,
        capacity_per_fund=new.capacity_per_fund,
    )


def followed(risk: Risk, volatility: int, fund: int, now: int) -> Risk:
    """A market's parameters after looking at its volatility and at the fund (WAD money).

    The volatility factor gets a new goal at most once in FACTOR_PERIOD; else whoever looks every
    block would round its movement away.
    """
    grown = risk.capacity_per_fund * fund // PPM // DEPTH_UNIT
    over = now >= risk.ramp_start + RAMP
    calm_base = risk.calm_base(now)
    here = risk.volatility_factor(now) // FACTOR_UNIT
    risk = risk._replace(
        capacity=min(risk.capacity_floor + grown, 2**32 - 1),
        # Ramps and movements that are over cost every reader.
        ramp_start=0 if over else risk.ramp_start,
        factor_from=here if here == risk.factor_to else risk.factor_from,
    )
    goal = volatility_factor(*calm_base, volatility) // FACTOR_UNIT
    if now < risk.factor_start + FACTOR_PERIOD or goal == risk.factor_to:
        return risk
    return risk._replace(factor_from=here, factor_to=goal, factor_start=now)


def volatility_factor(calm: int, cap: int, volatility: int) -> int:
    """Volatility / calm volatility, at least 1 and at most the cap (tenths), rounded down."""
    if calm == 0:
        return PPM
    return min(max(volatility * PPM // calm, PPM), cap * CAP_UNIT)


def size_factor(notional: int, depth: int) -> int:
    """Square root of notional / depth, rounded down; notional as a product of two WAD numbers."""
    return isqrt(notional * PPM**2 // (depth * DEPTH_UNIT * WAD))


def interest_factor(notional: int, open_interest: int, capacity: int) -> int:
    """Mean of max(1, q / capacity) over the open interest that this position is the last of.

    As the mean over its own slice, what is asked of a position does not change by opening it in
    parts or over many accounts. Notionals are products of two WAD numbers; rounded up.
    """
    full = capacity * DEPTH_UNIT * WAD // MILLI
    top = ceil_div(open_interest, MILLI)
    if top <= full:
        return PPM
    bottom = max(0, top - notional // MILLI)
    if bottom >= full:
        return ceil_div((top + bottom) * PPM, 2 * full)
    area = 2 * full * (full - bottom) + top**2 - full**2
    return ceil_div(area * PPM, 2 * full * (top - bottom))


def charged(rate: int, factor: int, highest: int) -> int:
    """A base rate times its factor, rounded up."""
    return min(-(-rate * factor // PPM), highest)


def maintenance_rate(base: int, flat: int, depth: int, notional: int) -> int:
    """A base rate at the larger of the factor that holds whatever the size, and the size factor."""
    return charged(base, max(flat, size_factor(notional, depth)), PPM)


class Weight(NamedTuple):
    """All that is stored of a collateral token; weights in parts per million."""

    initial_from: int = 0
    initial_to: int = 0
    maintenance_from: int = 0
    maintenance_to: int = 0
    depth_from: int = 0
    depth_to: int = 0
    ramp_start: int = 0

    @property
    def word(self) -> int:
        """As the contract stores it."""
        return WEIGHT.pack(**self._asdict())

    def at(self, now: int) -> tuple[int, int, int]:
        """Initial and maintenance weight and depth in force, rounded down."""
        passed = min(max(now - self.ramp_start, 0), RAMP)
        return (
            _between(self.initial_from, self.initial_to, passed),
            _between(self.maintenance_from, self.maintenance_to, passed),
            _between(self.depth_from, self.depth_to, passed),
        )


def _between(start: int, goal: int, passed: int) -> int:
    """Where a ramp stands, rounded down."""
    return (start * (RAMP - passed) + goal * passed) // RAMP


def weighed(old: Weight, initial: int, maintenance: int, depth: int, now: int) -> Weight:
    """A token's weights after the owner's change: up and down by a ramp, from 0 when it is new.

    A lower initial weight applies at once. Errors: Reverted with the reason.
    """
    require(initial <= maintenance < PPM, "risk: weights")
    require(depth > 0, "risk: depth")
    initial_now, maintenance_now, depth_now = old.at(now)
    return Weight(
        initial_from=min(initial_now, initial),
        initial_to=initial,
        maintenance_from=maintenance_now,
        maintenance_to=maintenance,
        depth_from=depth_now if old.depth_to else depth,
        depth_to=depth,
        ramp_start=now + NOTICE,
    )


def worth(gross: int, weight: int, depth: int) -> int:
    """WAD money that a collateral of gross WAD value counts for: less for each unit of a large one.

    The haircut 1 - weight grows with the square root of gross / depth beyond the depth, up to where
    another unit would lower the whole: from there on it adds nothing. Rounded down; where the root
    takes its next whole number the worth falls by haircut * gross / 10**18 at most.
    """
    haircut = PPM - weight
    deep = depth * DEPTH_UNIT
    if gross <= deep:
        return gross * weight // PPM
    # The whole is largest at a haircut of two thirds: there its slope 1 - 3/2 * haircut is zero.
    most = max(deep, deep * 4 * PPM**2 // (9 * haircut**2))
    counted = min(gross, most)
    grown = haircut * isqrt(counted * PPM**4 // deep)
    # The root reaches 2 / 3 of 1 / haircut at most, and is 1 where that is below 1.
    return counted * (PPM**3 - grown) // PPM**3
