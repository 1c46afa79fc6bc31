"""One index through time: feeds answer, a machine refreshes, every word is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, Protocol

from seawall.replay.feeds import Feed
from seawall.spec.consensus import Quote, doubt
from seawall.spec.margin import Price
from seawall.spec.oracle import FeedTerms, IndexTerms, Memory, Reading, fresh_quote, next_word
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, RATIO

#: Time constants, spread band (10**-5) and volatility floor (0.3 a year) of params/local.yaml.
MEMORY = Memory(1_800, 86_400)
SPREAD_BAND = 5_000
VOLATILITY_FLOOR = 53_421
BPS = 10_000


def terms(quorum: int, spread_band: int = SPREAD_BAND) -> IndexTerms:
    """Terms of an index as a deployment would set them."""
    return IndexTerms(quorum, spread_band, VOLATILITY_FLOOR)


class Machine(Protocol):
    """An index with fixed terms and feeds."""

    def refresh(self, now: int, readings: Sequence[Reading]) -> int:
        """The word at `now`, when the feeds answer this."""


#: Makes the machine of an index.
Workshop = Callable[[IndexTerms, Sequence[FeedTerms]], Machine]


class SpecIndex:
    """The executable specification of one index."""

    def __init__(self, terms: IndexTerms, feeds: Sequence[FeedTerms]) -> None:
        self.terms = terms
        self.feeds = feeds
        self.word = 0

    def refresh(self, now: int, readings: Sequence[Reading]) -> int:
        """The word at `now`, when the feeds answer this."""
        heard = list(zip(readings, self.feeds, strict=True))
        self.word = next_word(self.word, self.terms, heard, now, MEMORY)
        return self.word


class Step(NamedTuple):
    """One refresh: its time, the feeds' answers, the price word's fields."""

    now: int
    readings: tuple[Reading, ...]
    price: Price

    @property
    def is_heard(self) -> bool:
        """Whether a quorum of fresh feeds made a price."""
        return self.price.half_width < MAX_HALF_WIDTH

    @property
    def average(self) -> int:
        """The EMA, WAD, as the margin model reads it."""
        return self.price.price * self.price.ema_ratio // RATIO


@dataclass(frozen=True)
class Index:
    """An index's feeds, and the machine that makes its words of their answers."""

    feeds: tuple[Feed, ...]
    machine: Machine

    def step(self, now: int) -> Step:
        """Ask the feeds and refresh."""
        readings = tuple(feed.answer(now) for feed in self.feeds)
        word = self.machine.refresh(now, readings)
        return Step(now, readings, price_of(word))

    def run(self, times: Iterable[int]) -> list[Step]:
        """A refresh at each time, in order."""
        return [self.step(now) for now in times]


def build(workshop: Workshop, agreed: IndexTerms, *feeds: Feed) -> Index:
    """An index that has not been refreshed yet."""
    return Index(feeds, workshop(agreed, [feed.terms for feed in feeds]))


def price_of(word: int) -> Price:
    """The fields of a price word."""
    return Price(**PRICE.unpack(word))


def quote_of(step: Step, place: int, feed: FeedTerms) -> Quote | None:
    """What one feed's answer counted for; None where it did not."""
    return fresh_quote(step.readings[place], feed, step.now, 0)


def doubt_of(step: Step, place: int, feed: FeedTerms) -> int | None:
    """How far one feed's farthest end is from the index, in 10**-5 of it; None if it is dropped."""
    quote = quote_of(step, place, feed)
    return doubt(quote, step.price.price, step.price.volatility) if quote else None


def apart(price: int, other: int) -> float:
    """Distance of a price from another one, in basis points of that, with its sign."""
    return (price - other) * BPS / other


def middle(readings: Iterable[Reading]) -> int:
    """Median of the answers that are prices, WAD. Errors: ValueError without one."""
    return int(median(reading.price for reading in readings if reading.price))
