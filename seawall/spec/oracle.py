"""Index price: from an aggregator's round to the cached price word.

Exact integers, pure functions; `IndexOracle.vy`, `ChainlinkFeed.vy` and their modules must agree to
the unit. Prices are WAD settlement money per market unit, times are unix seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.spec.words import (
    MAX_HALF_WIDTH,
    MAX_UINT256,
    PPM,
    PRICE,
    TICK,
    Field,
    Word,
    ids_of,
)

MAX_ID = 135
MAX_IDS = 24
MAX_FEEDS = 5
#: Seconds.
MIN_MAX_AGE = 1
MAX_MAX_AGE = 7 * 86_400
#: WAD: 0.00000001 to 1,000,000 settlement money per unit, both included.
MIN_PRICE = 10**10
MAX_PRICE = 10**24
MAX_DECIMALS = 18
#: Units of a half-width in one.
HALF_WIDTH_UNIT = 10**5
MAX_UNIT_EXPONENT = 18

#: IndexOracle: one per feed; count and quorum stand in the first feed's word only.
FEED = Word(
    "feed",
    (Field("adapter", 160), Field("max_age", 32), Field("count", 8), Field("quorum", 8)),
)

#: Word of an id that was never refreshed or has no feeds: no price, not usable.
NO_PRICE = PRICE.pack(half_width=MAX_HALF_WIDTH)


@dataclass(frozen=True)
class Round:
    """An aggregator's answer, in its own decimals."""

    round_id: int
    answer: int
    started_at: int
    updated_at: int
    answered_in_round: int


@dataclass(frozen=True)
class Source:
    """Fixed terms of a Chainlink feed; a bound of 0 stands for none.

    One market unit is `10**unit_exponent` tokens; the bounds are in the answer's decimals.
    """

    decimals: int
    unit_exponent: int = 0
    min_answer: int = 0
    max_answer: int = 0

    def __post_init__(self) -> None:
        """Errors: ValueError with the contract's reason."""
        if not 0 <= self.decimals <= MAX_DECIMALS:
            raise ValueError("feed: decimals")
        if abs(self.unit_exponent) > MAX_UNIT_EXPONENT:
            raise ValueError("feed: unit exponent")
        if self.min_answer < 0 or self.max_answer < 0:
            raise ValueError("feed: bounds")
        if self.max_answer and self.min_answer >= self.max_answer:
            raise ValueError("feed: bounds")

    def price(self, answer: int) -> int:
        """WAD price of an answer, rounded down; 0 when the answer is not a price."""
        if answer <= 0 or answer <= self.min_answer:
            return 0
        if self.max_answer and answer >= self.max_answer:
            return 0
        exponent = 18 + self.unit_exponent - self.decimals
        if exponent < 0:
            return answer // 10**-exponent
        price = answer * 10**exponent
        return price if price <= MAX_UINT256 else 0


@dataclass(frozen=True)
class Reading:
    """What an adapter answers: WAD price and time of the data; (0, 0) for no price."""

    price: int
    updated_at: int


NO_READING = Reading(0, 0)


def latest(source: Source, answered: Round, now: int) -> Reading:
    """Reading of a Chainlink feed. Without a price: an incomplete round, a time in the future or
    of 0, and every answer that `Source.price` refuses."""
    if not 0 < answered.updated_at <= now:
        return NO_READING
    if answered.answered_in_round < answered.round_id:
        return NO_READING
    price = source.price(answered.answer)
    return Reading(price, answered.updated_at) if price else NO_READING


def is_fresh(reading: Reading, max_age: int, now: int) -> bool:
    """Whether a reading is in range, not from the future and at most `max_age` seconds old."""
    if not MIN_PRICE <= reading.price <= MAX_PRICE:
        return False
    return now - max_age <= reading.updated_at <= now


def median(values: Sequence[int]) -> int:
    """The middle value, or the floor of the mean of the two middle ones. Errors: ValueError."""
    if not values:
        raise ValueError("median: no values")
    ordered = sorted(values)
    upper = len(ordered) // 2
    lower = (len(ordered) - 1) // 2
    return (ordered[lower] + ordered[upper]) // 2


def stale_word(cached: int, now: int) -> int:
    """The cached word, not usable, as of now: price, time of data, EMA and variance stay."""
    fields = PRICE.unpack(cached)
    return PRICE.pack(**{**fields, "half_width": MAX_HALF_WIDTH, "refreshed_at": now})


def next_word(cached: int, quorum: int, readings: Sequence[tuple[Reading, int]], now: int) -> int:
    """The word that a refresh returns and, for an id with feeds, stores.

    `cached` is the stored word (0 before the first refresh); `readings` holds each feed's reading
    and its max_age in seconds, empty for an id without feeds. The price is the median of the fresh
    readings rounded down to the tick; `updated_at` the time of the oldest of them.
    """
    before = cached or NO_PRICE
    if PRICE.unpack(before)["refreshed_at"] == now:
        return before
    if not readings:
        return NO_PRICE
    fresh = [reading for reading, max_age in readings if is_fresh(reading, max_age, now)]
    if len(fresh) < quorum:
        return stale_word(before, now)
    prices = [reading.price for reading in fresh]
    price = median(prices)
    price -= price % TICK
    return PRICE.pack(
        price=price,
        updated_at=min(reading.updated_at for reading in fresh),
        ema_ratio=PPM,
        half_width=half_spread(prices, price),
        refreshed_at=now,
    )


def half_spread(prices: Sequence[int], index: int) -> int:
    """Half-width of an index of two prices: half their distance, rounded up; 0 for other counts.

    Of two feeds none is the outlier: the index is as unsure as they are apart.
    """
    if len(prices) != 2:
        return 0
    distance = abs(prices[0] - prices[1])
    return min(-(-distance * HALF_WIDTH_UNIT // (2 * index)), MAX_HALF_WIDTH - 1)


def is_logged(cached: int, word: int) -> bool:
    """Whether storing `word` over `cached` logs IndexUpdated: price or half-width changed."""
    before, after = PRICE.unpack(cached or NO_PRICE), PRICE.unpack(word)
    return any(before[name] != after[name] for name in ("price", "half_width"))


def ids_of_bitmap(bitmap: int) -> list[int]:
    """Ids that a refresh prices, ascending. Errors: ValueError with the contract's reason."""
    if bitmap >> (MAX_ID + 1):
        raise ValueError("oracle: unknown id")
    ids = ids_of(bitmap)
    if len(ids) > MAX_IDS:
        raise ValueError("oracle: too many ids")
    return ids
