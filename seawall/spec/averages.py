"""What the oracle remembers of an index: its moving average and its realised volatility.

Exact integers; `averages.vy` must agree to the unit. Ratios are in 10**-7 of the price, volatility
is the square root of the variance of log returns per second, in 10**-9.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from math import isqrt
from typing import NamedTuple

from seawall.spec.words import RATIO, WAD

#: Seconds between two samples of the volatility, at least: refreshing more often changes nothing.
#: And the most that one snapshot draws the average for: a price that was true for a second must not
#: stand for a silence after it.
SAMPLE_SECONDS = 300
#: Units of a decay factor in one.
DECAY_UNIT = 10**9
#: Units of the volatility in one, squared: variances are in 10**-18 per second.
VARIANCE_UNIT = 10**18
MAX_RATIO = 2**28 - 1
MAX_VOLATILITY = 2**24 - 1
MAX_SAMPLE_AGE = 2**14 - 1

_EXACT = Context(prec=40)


class Averages(NamedTuple):
    """The remembering fields of a price word; all 0 before the first price."""

    ema_ratio: int = 0
    volatility: int = 0
    sample_ratio: int = 0
    sample_age: int = 0


@lru_cache(maxsize=4_096)
def decay(elapsed: int, seconds: int) -> int:
    """e**(-elapsed / seconds), in 10**-9, to the nearest.

    A contract's exponential is good to about 10**-18, so both round to the same number unless the
    true one lies that close to a half: once in 10**9 pairs of seconds.
    """
    exponent = -Decimal(elapsed * WAD // seconds) / WAD
    factor = exponent.exp(_EXACT) * DECAY_UNIT
    return int(factor.to_integral_value(ROUND_HALF_UP))


def nearest(numerator: int, denominator: int) -> int:
    """The quotient of two numbers, to the nearest, halves up; the numerator not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def first(floor: int) -> Averages:
    """At the first price: the average is the price, the volatility its floor."""
    return Averages(RATIO, floor, RATIO, 0)


def next_ema_ratio(ratio: int, old_price: int, price: int, factor: int) -> int:
    """Average in relation to the new price.

    The old price stood until now, so it alone draws the average: EMA' = P + (EMA - P) * factor.
    The new one has stood for no time: after a gap the average lags, however long nobody refreshed.
    """
    weighted = ratio * factor + RATIO * (DECAY_UNIT - factor)
    return min(nearest(old_price * weighted, price * DECAY_UNIT), MAX_RATIO)


def next_volatility(volatility: int, sample_ratio: int, age: int, factor: int) -> int:
    """v' = factor * v + (1 - factor) * r**2 / age, as a root to the nearest.

    r**2 = (P - S)**2 / (P * S) for the sample S: the square of the log return up to its fourth
    power, never below it, and the same up as down.
    """
    gap = abs(RATIO - sample_ratio)
    squared = gap * gap * VARIANCE_UNIT // (RATIO * sample_ratio)
    variance = (volatility**2 * factor + squared // age * (DECAY_UNIT - factor)) // DECAY_UNIT
    return min((isqrt(4 * variance) + 1) // 2, MAX_VOLATILITY)


def moved(
    before: Averages,
    old_price: int,
    price: int,
    elapsed: int,
    *,
    floor: int,
    ema_seconds: int,
    volatility_seconds: int,
) -> Averages:
    """After `elapsed` seconds at the old price comes a new one, which samples the volatility when
    the last sample is old enough."""
    factor = decay(min(elapsed, SAMPLE_SECONDS), ema_seconds)
    ratio = next_ema_ratio(before.ema_ratio, old_price, price, factor)
    sample_ratio = max(1, min(nearest(old_price * before.sample_ratio, price), MAX_RATIO))
    # Either sampled or short: the word's room for it bounds only what waits.
    age = before.sample_age + elapsed
    volatility = before.volatility
    if age >= SAMPLE_SECONDS:
        factor = decay(age, volatility_seconds)
        volatility = next_volatility(volatility, sample_ratio, age, factor)
        sample_ratio, age = RATIO, 0
    return Averages(ratio, max(volatility, floor), sample_ratio, age)


def waited(before: Averages, elapsed: int, ema_seconds: int) -> Averages:
    """After `elapsed` seconds at the old price without a new one: nothing is sampled."""
    factor = decay(min(elapsed, SAMPLE_SECONDS), ema_seconds)
    ratio = next_ema_ratio(before.ema_ratio, 1, 1, factor)
    age = min(before.sample_age + elapsed, MAX_SAMPLE_AGE)
    return before._replace(ema_ratio=ratio, sample_age=age)
