"""Feeds made from recorded closes: what each answers at a time, and what may befall it.

An answer is a function of the time (unix seconds), so that faults wrap one another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from seawall.replay.windows import Series
from seawall.spec.oracle import NO_READING, FeedTerms, Reading

Answer = Callable[[int], Reading]


@dataclass(frozen=True)
class Feed:
    """A feed's place in an index and what it says."""

    terms: FeedTerms
    answer: Answer


def said(series: Series) -> Answer:
    """The latest close, stamped with its own time; no price before the first."""

    def answer(now: int) -> Reading:
        place = bisect_right(series.times, now)
        if place == 0:
            return NO_READING
        return Reading(series.prices[place - 1], series.times[place - 1])

    return answer


def late(answer: Answer, seconds: int) -> Answer:
    """What it would have said some seconds ago, with the time of that."""
    return lambda now: answer(now - seconds)


def restamped(answer: Answer) -> Answer:
    """A feed that calls whatever it has a price of now."""

    def claimed(now: int) -> Reading:
        reading = answer(now)
        return Reading(reading.price, now, reading.half_width) if reading.price else NO_READING

    return claimed


def frozen(answer: Answer, first: int, end: int) -> Answer:
    """From `first` to before `end` it repeats what it said at `first`."""
    return lambda now: answer(first if first <= now < end else now)


def broken(answer: Answer, first: int, end: int) -> Answer:
    """From `first` to before `end` it has no price."""
    return lambda now: NO_READING if first <= now < end else answer(now)


def scaled(answer: Answer, ratio: Callable[[int], tuple[int, int]]) -> Answer:
    """Its price times a fraction that depends on the time, rounded down."""

    def moved(now: int) -> Reading:
        reading = answer(now)
        numerator, denominator = ratio(now)
        return Reading(reading.price * numerator // denominator, reading.updated_at)

    return moved
