"""What several feeds say together: one price, the time of its data, and how sure it is.

Exact integers; `consensus.vy` must agree to the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from seawall.spec.words import MAX_HALF_WIDTH, TICK

#: Units of a half-width and of a spread band in one.
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


def agree(
    quotes: Sequence[Quote], quorum: int, spread_band: int, volatility: int
) -> Consensus | None:
    """The median of the quotes. None without a quorum, without a feed that nobody can choose the
    update of (a push feed), and where the two in the middle are farther from their mean than the
    band (10**-5): two camps confirm nothing, and what is between them nobody said.

    With an odd number, or a minority that lies, the price is within what the others say.
    `updated_at` is the time of the quote that gave the price, the older of two. The half-width is
    the middle (of an even number the larger) of the quotes' doubts: more than half of the feeds lie
    within it.
    """
    if len(quotes) < quorum or all(quote.is_pull for quote in quotes):
        return None
    ordered = sorted(quotes, key=lambda quote: (quote.price, quote.updated_at))
    middle = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    price = (middle[0].price + middle[1].price) // 2
    if (middle[1].price - middle[0].price) * HALF_WIDTH_UNIT > 2 * spread_band * price:
        return None
    price -= price % TICK
    doubts = sorted(doubt(quote, price, volatility) for quote in quotes)
    width = min(doubts[len(doubts) // 2], MAX_HALF_WIDTH - 1)
    return Consensus(price, min(quote.updated_at for quote in middle), width)


def doubt(quote: Quote, price: int, volatility: int) -> int:
    """How far a quote's farthest end is from the index, in 10**-5 of it, rounded up: its distance,
    its own half-width, and what the price may have moved since its heartbeat was due (volatility
    times the root of those seconds)."""
    distance = -(-abs(quote.price - price) * HALF_WIDTH_UNIT // price)
    stale = 0
    if quote.overdue:
        stale = isqrt(volatility**2 * quote.overdue) // VOLATILITY_PER_WIDTH + 1
    return distance + quote.half_width + stale
