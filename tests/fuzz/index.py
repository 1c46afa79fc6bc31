"""An index oracle inside the machine: three feeds each for some legs and for the settlement token,
that answer, stall, lie and break."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Protocol

from seawall.spec.index_modes import Halt, Resume, fixed_word, released_word, standing_word
from seawall.spec.margin import Price
from seawall.spec.oracle import (
    FIRST_COLLATERAL,
    MAX_MAX_AGE,
    NO_READING,
    SETTLEMENT_ID,
    FeedTerms,
    IndexTerms,
    Memory,
    Reading,
    in_settlement,
    next_word,
    par_word,
    phased_in,
    premium_start,
)
from seawall.spec.state import require
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, WAD
from tests.fuzz.backend import Backend, body

#: Two markets and the first token; what else has a price gets it from a test.
INDEXED = (3, 127, 128)
#: Ids with feeds of their own.
FED = (SETTLEMENT_ID, *INDEXED)
FEEDS = 3
TERMS = IndexTerms(quorum=2, spread_band=5_000, volatility_floor=20_000)
#: An hour between updates, and a week until the data counts no more.
FEED = FeedTerms(3_600, MAX_MAX_AGE)
MEMORY = Memory(1_800, 86_400)
#: Quorum, spread band and volatility floor; adapter, heartbeat, greatest age and pull.
SET_FEEDS = "set_feeds(uint256,(uint256,uint256,uint256),(address,uint256,uint256,bool)[])"


class Clock(Protocol):
    """Who knows the time, in unix seconds."""

    now: int


def feed_name(leg_id: int, number: int) -> str:
    """Name of one of a leg's feeds on the chain."""
    return f"feed {leg_id} {number}"


def _encoded(reading: Reading) -> bytes:
    words = reading.price, reading.updated_at, reading.half_width
    return b"".join(word.to_bytes(32, "big") for word in words)


class FeedIndex:
    """What the feeds say, and the words that the oracle has stored."""

    def __init__(self, chain: Backend) -> None:
        self._chain = chain
        self._owner = chain.actor("timelock")
        self.readings = {leg_id: [NO_READING] * FEEDS for leg_id in FED}
        self.words: dict[int, int] = {}
        self.halted = Halt()
        #: Markets whose price is fixed.
        self.standing: frozenset[int] = frozenset()
        #: What was answered last for a leg, and what the answer came from.
        self._latest: dict[int, tuple[tuple[Any, ...], int]] = {}
        for leg_id in FED:
            self._set_feeds(leg_id)
            if leg_id == SETTLEMENT_ID:
                self.words[leg_id] = par_word(TERMS, chain.time)
                self._premium_start = premium_start(chain.time)
        self.agree(SETTLEMENT_ID, Price(WAD))

    def _set_feeds(self, leg_id: int) -> None:
        adapters = [int(self._chain.addr(feed_name(leg_id, n)), 16) for n in range(FEEDS)]
        rows = [(one, FEED.heartbeat, FEED.max_age, int(FEED.is_pull)) for one in adapters]
        terms = TERMS.quorum, TERMS.spread_band, TERMS.volatility_floor
        index = self._chain.addr("index")
        self._chain.send(self._owner, index, SET_FEEDS, leg_id, *terms, rows)

    def word(self, leg_id: int, now: int) -> int:
        """What a refresh would store: dollars."""
        cached = self.words.get(leg_id, 0)
        if leg_id in self.standing:
            return standing_word(cached, now)
        source = now, cached, list(self.readings[leg_id]), self.halted
        found = self._latest.get(leg_id)
        if found is not None and found[0] == source:
            return found[1]
        readings = [(reading, FEED) for reading in source[2]]
        since, in_grace = self.halted.resume(leg_id, Resume(), now) or (None, False)
        word = next_word(cached, TERMS, readings, now, MEMORY, since, in_grace)
        self._latest[leg_id] = source, word
        return word

    def price(self, leg_id: int, now: int) -> Price:
        """What it would answer: of collateral in settlement tokens."""
        word = self.word(leg_id, now)
        if leg_id >= FIRST_COLLATERAL:
            settlement = self.word(SETTLEMENT_ID, now)
            word = in_settlement(word, phased_in(settlement, self._premium_start, now))
        return Price(**PRICE.unpack(word))

    def store(self, leg_ids: Iterable[int], now: int) -> None:
        """A transaction refreshes these; collateral brings the settlement token along."""
        refreshed = set(leg_ids)
        fed = refreshed & set(INDEXED)
        if any(leg_id >= FIRST_COLLATERAL for leg_id in refreshed):
            fed.add(SETTLEMENT_ID)
        self.words |= {leg_id: self.word(leg_id, now) for leg_id in fed}

    # -- modes -----------------------------------------------------------------------------------

    def saved(self) -> tuple[dict[int, int], Halt, frozenset[int]]:
        """What a call that is reverted leaves as it was, for `restore`."""
        return dict(self.words), self.halted, self.standing

    def restore(self, saved: tuple[dict[int, int], Halt, frozenset[int]]) -> None:
        """As it was."""
        self.words, self.halted, self.standing = saved

    def begin_halt(self, market_id: int, now: int) -> None:
        """The guardian stops a market. Errors: Reverted with the oracle's reason."""
        require(market_id not in self.standing, "oracle: price fixed")
        self.halted = self.halted.begun(market_id, now)

    def end_halt(self, market_id: int, now: int) -> None:
        """Before its time. Errors: Reverted with the oracle's reason."""
        self.halted = self.halted.ended(market_id, now)

    def fix_price(self, market_id: int, at_average: bool, now: int) -> int:
        """The price, for good. Errors: Reverted with the oracle's reason."""
        require(market_id not in self.standing, "oracle: price fixed")
        word = fixed_word(self.word(market_id, now), at_average)
        self.words = {**self.words, market_id: word}
        self.standing |= {market_id}
        return PRICE.unpack(word)["price"]

    def release_exits(self, market_id: int) -> None:
        """The legs are settled."""
        self.words = {**self.words, market_id: released_word(self.words[market_id])}

    # -- feeds -----------------------------------------------------------------------------------

    def answer(self, leg_id: int, number: int, reading: Reading) -> None:
        """A feed says this from now on."""
        self._tell(leg_id, number, "answer_with(bytes)", body(_encoded(reading)))
        self.readings[leg_id][number] = reading

    def break_down(self, leg_id: int, number: int, signature: str, *data: bytes) -> None:
        """A feed that gives no price from now on."""
        self._tell(leg_id, number, signature, *data)
        self.readings[leg_id][number] = NO_READING

    def _tell(self, leg_id: int, number: int, signature: str, *data: bytes) -> None:
        self._chain.send(self._owner, self._chain.addr(feed_name(leg_id, number)), signature, *data)

    def agree(self, leg_id: int, price: Price) -> None:
        """All feeds say this price; where it is not usable, one feed is left alone with it."""
        reading = Reading(price.price, self._chain.time, price.half_width)
        if price.half_width == MAX_HALF_WIDTH:
            for number in range(1, FEEDS):
                self.break_down(leg_id, number, "fail_with(bytes)", body(b""))
            reading = Reading(price.price, self._chain.time)
            self.answer(leg_id, 0, reading)
            return
        for number in range(FEEDS):
            self.answer(leg_id, number, reading)

    def disturb(self, leg_id: int, dice: Random) -> str:
        """One feed lies, stalls, breaks or comes back; what happened."""
        number, now = dice.randrange(FEEDS), self._chain.time
        told = [reading for reading in self.readings[leg_id] if reading.price]
        true = told[0].price if told else 10**18
        odd: dict[str, Callable[[], None]] = {
            "come back": lambda: self.answer(leg_id, number, Reading(true, now)),
            "lie": lambda: self.answer(leg_id, number, Reading(true * dice.choice([9, 2]), now)),
            "part": lambda: self.answer(
                leg_id, number, Reading(true * dice.randrange(950, 1_051) // 1_000, now)
            ),
            "doubt": lambda: self.answer(
                leg_id, number, Reading(true, now, dice.choice([10, 3_000, MAX_HALF_WIDTH]))
            ),
            "be late": lambda: self.answer(
                leg_id, number, Reading(true, now - dice.choice([3_600, 86_400, MAX_MAX_AGE]))
            ),
            "be early": lambda: self.answer(leg_id, number, Reading(true, now + 100)),
            "answer garbage": lambda: self.break_down(
                leg_id, number, "answer_with(bytes)", body(b"\xff" * dice.choice([1, 95]))
            ),
            "fail": lambda: self.break_down(leg_id, number, "fail_with(bytes)", body(b"no")),
            "burn gas": lambda: self.break_down(leg_id, number, "burn_gas()"),
            "answer a bomb": lambda: self.break_down(leg_id, number, "answer_bomb()"),
        }
        name = dice.choice(["come back", *odd])
        odd[name]()
        return name


class Prices(dict[int, Price]):
    """Prices that a test has set, and what the feeds' index is by somebody's clock."""

    def __init__(self, index: FeedIndex, clock: Clock) -> None:
        super().__init__()
        self._index = index
        self._clock = clock

    def __getitem__(self, leg_id: int) -> Price:
        if leg_id in FED:
            return self._index.price(leg_id, self._clock.now)
        return super().__getitem__(leg_id)
