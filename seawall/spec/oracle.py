"""Index price: from an aggregator's round to the cached price word.

Exact integers, pure functions; `IndexOracle.vy`, `ChainlinkFeed.vy` and their modules must agree to
the unit. Prices are WAD settlement money per market unit, of the settlement token and of stored
collateral WAD dollars; times are unix seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.spec.averages import MAX_VOLATILITY, Averages, first, moved, waited
from seawall.spec.consensus import HALF_WIDTH_UNIT, Quote, agree
from seawall.spec.fixed_math import ceil_div
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import (
    IN_GRACE,
    MAX_HALF_WIDTH,
    MAX_UINT256,
    PRICE,
    WAD,
    Field,
    Word,
    ids_of,
)

#: The settlement token's own feeds; without any it counts as a dollar.
SETTLEMENT_ID = 0
#: Ids from here up are collateral tokens.
FIRST_COLLATERAL = 128
MAX_ID = 135
MAX_IDS = 24
MAX_FEEDS = 5
#: Seconds.
MIN_MAX_AGE = 1
MAX_MAX_AGE = 7 * 86_400
#: Of a pull feed, whose caller chooses among the updates of that time.
MAX_PULL_AGE = 10
MAX_SPREAD_BAND = 2**16 - 1
#: Of the averages' time constants.
MIN_SECONDS = 60
MAX_SECONDS = 30 * 86_400
MAX_EMA_SECONDS = 86_400
MAX_GRACE = 86_400
#: WAD: 0.00000001 to 1,000,000 settlement money per unit, both included.
MIN_PRICE = 10**10
MAX_PRICE = 10**24
MAX_DECIMALS = 18
MAX_UNIT_EXPONENT = 18

#: IndexOracle: one per feed; from `count` on in the first feed's word only.
FEED = Word(
    "feed",
    (
        Field("adapter", 160),
        Field("heartbeat", 20),
        Field("max_age", 20),
        Field("is_pull", 1),
        Field("count", 3),
        Field("quorum", 3),
        Field("unused", 7),
        Field("mode", 2),
        Field("spread_band", 16),
        Field("volatility_floor", 24),
    ),
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
    """What an adapter answers: WAD price, time of the data, half-width; zeros for no price."""

    price: int
    updated_at: int
    half_width: int = 0


NO_READING = Reading(0, 0)


@dataclass(frozen=True)
class FeedTerms:
    """A feed's place in an index: seconds between updates that it promises, seconds after which
    its data counts no more, and whether its updates come with a caller (pull)."""

    heartbeat: int
    max_age: int
    is_pull: bool = False


@dataclass(frozen=True)
class IndexTerms:
    """Fresh feeds that make a price, as many of which must be push feeds; how far the middle two of
    an even number may be from their mean, 10**-5; what the volatility never falls below, 10**-9 per
    root of a second."""

    quorum: int
    spread_band: int = MAX_SPREAD_BAND
    volatility_floor: int = 0


@dataclass(frozen=True)
class Memory:
    """Time constants of the averages, in seconds."""

    ema_seconds: int = 1_800
    volatility_seconds: int = 86_400


def check_terms(terms: IndexTerms, feeds: Sequence[FeedTerms]) -> None:
    """Bounds of an index's terms. Errors: ValueError with the contract's reason."""
    if not feeds:
        raise ValueError("feeds: none")
    if not 0 < terms.quorum <= len(feeds):
        raise ValueError("feeds: quorum")
    if terms.spread_band > MAX_SPREAD_BAND:
        raise ValueError("feeds: spread band")
    if terms.volatility_floor > MAX_VOLATILITY:
        raise ValueError("feeds: volatility floor")
    if sum(not feed.is_pull for feed in feeds) < terms.quorum:
        raise ValueError("feeds: too few push")
    for feed in feeds:
        longest = MAX_PULL_AGE if feed.is_pull else MAX_MAX_AGE
        if not MIN_MAX_AGE <= feed.max_age <= longest:
            raise ValueError("feeds: max age")
        if not 0 < feed.heartbeat <= feed.max_age:
            raise ValueError("feeds: heartbeat")


def latest(source: Source, answered: Round, now: int) -> Reading:
    """Reading of a Chainlink feed. Without a price: an incomplete round, a time in the future or
    of 0, and every answer that `Source.price` refuses."""
    if not 0 < answered.updated_at <= now:
        return NO_READING
    if answered.answered_in_round < answered.round_id:
        return NO_READING
    price = source.price(answered.answer)
    return Reading(price, answered.updated_at) if price else NO_READING


def fresh_quote(reading: Reading, feed: FeedTerms, now: int, since: int | None) -> Quote | None:
    """What a reading has to say, if it is in range, at most `max_age` seconds old, not from the
    future and stamped after `since`."""
    if since is None or not since < reading.updated_at <= now:
        return None
    if not MIN_PRICE <= reading.price <= MAX_PRICE or reading.half_width >= MAX_HALF_WIDTH:
        return None
    age = now - reading.updated_at
    if age > feed.max_age:
        return None
    overdue = max(0, age - feed.heartbeat)
    return Quote(reading.price, reading.updated_at, reading.half_width, overdue, feed.is_pull)


def stale_word(cached: int, now: int, memory: Memory) -> int:
    """The cached word, not usable, as of now: price and time of data stay, the average is drawn to
    the price that stood."""
    fields = PRICE.unpack(cached)
    averages = _averages(fields)
    if fields["price"]:
        averages = waited(averages, now - fields["refreshed_at"], memory.ema_seconds)
    news = {"half_width": MAX_HALF_WIDTH, "refreshed_at": now, "flags": 0}
    return PRICE.pack(**{**fields, **averages._asdict(), **news})


def next_word(
    cached: int,
    terms: IndexTerms | None,
    readings: Sequence[tuple[Reading, FeedTerms]],
    now: int,
    memory: Memory,
    since: int | None = 0,
    in_grace: bool = False,
) -> int:
    """The word that a refresh returns and, for an id with feeds, stores.

    `cached` is the stored word (0 before the first refresh); `terms` is None for an id without
    feeds; data counts if stamped after `since`, which is None while nothing counts. A price that
    is not fixed: see `index_modes`.
    """
    before = cached or NO_PRICE
    fields = PRICE.unpack(before)
    if fields["refreshed_at"] == now:
        return before
    if terms is None:
        return NO_PRICE
    found = [fresh_quote(reading, feed, now, since) for reading, feed in readings]
    quotes = [quote for quote in found if quote]
    volatility = max(fields["volatility"], terms.volatility_floor)
    agreed = agree(quotes, terms.quorum, terms.spread_band, volatility)
    if agreed is None:
        return stale_word(before, now, memory)
    averages = first(terms.volatility_floor)
    if fields["price"]:
        averages = moved(
            _averages(fields),
            fields["price"],
            agreed.price,
            now - fields["refreshed_at"],
            floor=terms.volatility_floor,
            ema_seconds=memory.ema_seconds,
            volatility_seconds=memory.volatility_seconds,
        )
    return PRICE.pack(
        price=agreed.price,
        updated_at=agreed.updated_at,
        half_width=agreed.half_width,
        refreshed_at=now,
        flags=IN_GRACE if in_grace else 0,
        **averages._asdict(),
    )


def _averages(fields: dict[str, int]) -> Averages:
    return Averages(*(fields[name] for name in Averages._fields))


def par_word(terms: IndexTerms, now: int) -> int:
    """The settlement token's word when it has its first feeds: at par to the end of the block."""
    averages = first(terms.volatility_floor)
    return PRICE.pack(price=WAD, updated_at=now, refreshed_at=now, **averages._asdict())


def premium_start(listed_at: int) -> int:
    """Time from which on what the settlement token is above par counts, a little more each second.

    Its first feeds would else lower what collateral is worth at once.
    """
    return listed_at + NOTICE


def phased_in(settlement: int, start: int, now: int) -> int:
    """The settlement token's word as collateral is priced with it: of what it is above par the part
    of RAMP seconds that have passed since `start`, rounded down to a wei."""
    price = PRICE.unpack(settlement)["price"]
    passed = min(max(now - start, 0), RAMP)
    counted = WAD + (price - WAD) * passed // RAMP if price > WAD else price
    return PRICE.pack(**{**PRICE.unpack(settlement), "price": counted})


def in_settlement(word: int, settlement: int) -> int:
    """A collateral token's word as it is answered: priced in settlement tokens.

    `word` is in dollars, `settlement` the settlement token's word of the same block, phased in. A
    token above par buys fewer settlement tokens, rounded down. One below par buys no more of them:
    equity stays where it is, and what the settlement token lacks is in the half-width, which lowers
    what counts for initial margin alone. Both half-widths add up: (1 - a) / (1 + b) >= 1 - a - b.
    """
    fields, held = PRICE.unpack(word), PRICE.unpack(settlement)
    price = fields["price"] * WAD // max(WAD, held["price"])
    half_width = MAX_HALF_WIDTH
    if MAX_HALF_WIDTH not in (fields["half_width"], held["half_width"]):
        shortfall = ceil_div(HALF_WIDTH_UNIT * max(0, WAD - held["price"]), WAD)
        doubt = fields["half_width"] + shortfall + held["half_width"]
        half_width = min(MAX_HALF_WIDTH - 1, doubt)
    return PRICE.pack(**{**fields, "price": price, "half_width": half_width})


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
