"""One price path of ETH, refreshed every 2 s, 12 s and 10 min.

The price stands between two one-minute closes. Words are read every ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import exp, sqrt
from typing import NamedTuple

from seawall.replay.drive import MEMORY, Step, Workshop, apart, build, terms
from seawall.replay.feeds import Answer, Feed, said
from seawall.replay.windows import MINUTE, closes, moment
from seawall.spec.oracle import FeedTerms, Reading

CRASH = "windows/2021-05-19/binance_spot_1m.csv.gz"
CALM = "windows/2025-07-22-calm/binance_spot_1m.csv.gz"
READ = 10 * MINUTE
CADENCES = (2, 12, READ)
#: Seconds by which other grids of five minutes are shifted.
SHIFTS = (60, 120, 180, 240)
#: Multiples of ten minutes.
DAYS = (moment("2021-05-18T00:10"), moment("2021-05-20T20:30"))
CALM_DAY = (moment("2025-07-23T00:00"), moment("2025-07-24T00:00"))
#: Two hours of the crash, for machines that take longer.
PART = (moment("2021-05-19T12:10"), moment("2021-05-19T14:10"))
TERMS = FeedTerms(heartbeat=5 * MINUTE, max_age=30 * MINUTE)
SECONDS_PER_YEAR = 31_536_000
#: Half of the distance between a bid and an ask that trades alternate between, 10**-6 of the price.
BOUNCE = 200


class Line(NamedTuple):
    """What was read at the full ten minutes: the oracle's steps, and the volatility a year that
    one sampled at every refresh would show, in per cent."""

    steps: list[Step]
    naive: list[float]


#: By seconds between two refreshes.
Lines = dict[int, Line]


def replay(workshop: Workshop, answer: Answer, span: tuple[int, int]) -> Lines:
    """Refresh at every cadence from one time to another, both multiples of ten minutes."""
    return {
        cadence: _line(workshop, answer, cadence, range(*span, cadence)) for cadence in CADENCES
    }


def shifted(workshop: Workshop, answer: Answer, span: tuple[int, int]) -> list[Line]:
    """Every 12 s, but begun later, so that other moments of the same path are sampled."""
    return [_line(workshop, answer, 12, _late(span, seconds)) for seconds in SHIFTS]


def path(window: str) -> Answer:
    """One-minute closes of a window."""
    return said(closes(window, "binance", MINUTE, symbol="ETH"))


def bounced(answer: Answer) -> Answer:
    """The same path as trades see it that alternate between bid and ask, from one refresh to the
    next at 2 s and at 12 s."""

    def seen(now: int) -> Reading:
        reading = answer(now)
        side = 1 if (now // 2 + now // 12) % 2 else -1
        return Reading(reading.price * (10**6 + side * BOUNCE) // 10**6, reading.updated_at)

    return seen


def yearly(step: Step) -> float:
    """Volatility of a word, in per cent a year."""
    return step.price.volatility / 10**9 * sqrt(SECONDS_PER_YEAR) * 100


def volatility_gaps(line: Line, other: Line) -> list[float]:
    """Of the volatilities read at the same times, the distance in per cent, without sign."""
    pairs = _paired(line, other)
    return [abs(one.price.volatility / two.price.volatility - 1) * 100 for one, two in pairs]


def average_gaps(line: Line, other: Line) -> list[float]:
    """Of the moving averages read at the same times, the distance in basis points, unsigned."""
    return [abs(apart(one.average, two.average)) for one, two in _paired(line, other)]


def _paired(line: Line, other: Line) -> list[tuple[Step, Step]]:
    """Steps of the same time; a line that began late has none at the beginning."""
    begun = len(other.steps) - len(line.steps)
    return list(zip(line.steps, other.steps[begun:], strict=True))


def _late(span: tuple[int, int], seconds: int) -> Iterable[int]:
    """From a later second on, but read at the same times: the clock of samples is what shifts."""
    first, last = span
    return range(first + seconds, last, 12)


def _line(workshop: Workshop, answer: Answer, cadence: int, times: Iterable[int]) -> Line:
    index = build(workshop, terms(1), Feed(TERMS, answer))
    estimate = _naive(cadence)
    steps, naive = [], []
    for now in times:
        step = index.step(now)
        sigma = estimate(step.price.price)
        if now % READ == 0:
            steps.append(step)
            naive.append(sigma)
    return Line(steps, naive)


def _naive(seconds: int) -> Callable[[int], float]:
    """The same recursion with a sample at every refresh, in per cent a year; a study in floats."""
    kept = exp(-seconds / MEMORY.volatility_seconds)
    variance, last = 0.0, 0

    def sampled(price: int) -> float:
        nonlocal variance, last
        if last:
            squared = (price - last) ** 2 / (price * last)
            variance = kept * variance + (1 - kept) * squared / seconds
        last = price
        return sqrt(variance * SECONDS_PER_YEAR) * 100

    return sampled
