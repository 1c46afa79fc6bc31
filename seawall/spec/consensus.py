"""What several feeds say together: one price, the time of its data, and how sure it is.

Exact integers; `consensus.vy` must agree to the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from seawall.spec.words import MAX_HALF_WIDTH, TICK

#: Units of a half-width and of an outlier band in one.
HALF_WIDTH_UNIT = 10**5
#: Units of a volatility in one unit of half-width.
VOLATILITY_PER_WIDTH = 10**4


@dataclass(frozen=True)
class Quote:
    """A fresh answer: WAD price, unix seconds, own half-width, seconds past its heartbeat."""

    price: int
    updated_at: int
    half_width: int = 0
    overdue: int = 0
    is_pull: bool = False


@dataclass(frozen=True)
class Consensus:
    """Price on the tick, time of the data, half-width in 10**-5 of the price."""

    price: int
    updated_at: int
    half_width: int


def median(values: Sequence[int]) -> int:
    """The middle value, or the floor of the mean of the two middle ones. Errors: ValueError."""
    if not values:
        raise ValueError("median: no values")
    ordered = sorted(values)
    upper = len(ordered) // 2
    lower = (len(ordered) - 1) // 2
    return (ordered[lower] + ordered[upper]) // 2


def agree(
    quotes: Sequence[Quote], quorum: int, outlier_band: int, volatility: int
) -> Consensus | None:
    """The median of the quotes that are no outliers; None without a quorum or without a feed that
    nobody can choose the update of (a push feed).

    `updated_at` is the time of the quote that gave the price, the older of two. The half-width is
    the middle (of an even number the larger) of the doubts of all quotes, outliers included: more
    than half of the feeds lie within it. So a minority can neither widen nor narrow it, and a price
    that dropped one of two camps does not call itself sure.
    """
    if not _is_quorum(quotes, quorum):
        return None
    kept = without_outliers(quotes, outlier_band)
    used = kept if _is_quorum(kept, quorum) else quotes
    ordered = sorted(used, key=lambda quote: (quote.price, quote.updated_at))
    middle = ordered[(len(used) - 1) // 2], ordered[len(used) // 2]
    price = (middle[0].price + middle[1].price) // 2
    price -= price % TICK
    doubts = sorted(doubt(quote, price, volatility) for quote in quotes)
    width = min(doubts[len(doubts) // 2], MAX_HALF_WIDTH - 1)
    return Consensus(price, min(quote.updated_at for quote in middle), width)


def without_outliers(quotes: Sequence[Quote], outlier_band: int) -> list[Quote]:
    """Of three or more, those within the band (10**-5) around the median of all."""
    if len(quotes) < 3:
        return list(quotes)
    middle = median([quote.price for quote in quotes])
    return [
        quote
        for quote in quotes
        if abs(quote.price - middle) * HALF_WIDTH_UNIT <= outlier_band * middle
    ]


def doubt(quote: Quote, price: int, volatility: int) -> int:
    """How far a quote's farthest end is from the index, in 10**-5 of it, rounded up: its distance,
    its own half-width, and what the price may have moved since its heartbeat was due (volatility
    times the root of those seconds)."""
    distance = -(-abs(quote.price - price) * HALF_WIDTH_UNIT // price)
    stale = 0
    if quote.overdue:
        stale = isqrt(volatility**2 * quote.overdue) // VOLATILITY_PER_WIDTH + 1
    return distance + quote.half_width + stale


def _is_quorum(quotes: Sequence[Quote], quorum: int) -> bool:
    return len(quotes) >= quorum and not all(quote.is_pull for quote in quotes)
