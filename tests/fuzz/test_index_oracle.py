"""The IndexOracle beside its specification: random feeds, answers, failures, ids and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from seawall.spec.oracle import (
    MAX_ID,
    MAX_MAX_AGE,
    MAX_PRICE,
    MIN_PRICE,
    NO_PRICE,
    NO_READING,
    Reading,
    ids_of_bitmap,
    next_word,
)
from seawall.spec.words import MAX_UINT256, WAD
from tests.fuzz.backend import Call, Refused, call_data, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm

STEPS = 3_000
IDS = (1, 2, 7, 64, 127, 128, 135)
FEEDS = 6
BASE = 3_000 * WAD
AGES = (1, 60, 3_600, MAX_MAX_AGE)
SET_FEEDS = "set_feeds(uint256,uint256,(address,uint256)[])"
#: What each action must have done at least, in STEPS steps.
LEAST = {
    "refresh": 300,
    "usable": 500,
    "stale": 200,
    "spread": 50,
    "set_feeds": 100,
    "odd": 100,
    "oracle: unknown id": 20,
    "oracle: too many ids": 20,
    "feeds: id": 5,
    "feeds: none": 5,
    "feeds: quorum": 5,
    "feeds: not a contract": 5,
    "feeds: max age": 5,
    "feeds: duplicate": 5,
}


def _body(data: bytes) -> bytes:
    """A byte string as the encoded body of an argument."""
    return len(data).to_bytes(32, "big") + data + bytes(-len(data) % 32)


def _pair(first: int, second: int) -> bytes:
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


@dataclass
class Index:
    """An IndexOracle on some feeds, the last of them an odd one, and what both must say."""

    chain: Revm
    dice: Random
    words: dict[int, int] = field(default_factory=dict)
    #: Quorum, and number of the feed with its greatest age.
    feeds: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.owner = self.chain.actor("timelock")
        self.oracle = self.chain.deploy("index", "IndexOracle", self.owner)
        for number in range(FEEDS - 1):
            self.chain.deploy(f"feed {number}", "MockFeed", BASE)
            self.readings.append(Reading(BASE, self.chain.time))
        self.chain.deploy(f"feed {FEEDS - 1}", "OddSource")
        self.readings.append(NO_READING)

    def address(self, number: int) -> str:
        """Address of a feed."""
        return self.chain.addr(f"feed {number}")

    # -- actions ---------------------------------------------------------------------------------

    def answer(self) -> None:
        """A feed's price and time, around every bound that a reading has."""
        number = self.dice.randrange(FEEDS - 1)
        near = BASE * self.dice.randrange(900_000, 1_100_000) // 10**6
        bounds = [0, MIN_PRICE - 1, MIN_PRICE, MAX_PRICE, MAX_PRICE + 1, MAX_UINT256, 1]
        price = self.dice.choice([near] * 9 + [near * 700, self.dice.choice(bounds)])
        reading = Reading(price, self._time())
        self._feed(number, "set_latest(uint256,uint256)", reading.price, reading.updated_at)
        self.readings[number] = reading if price else NO_READING

    def _time(self) -> int:
        now, age = self.chain.time, self.dice.choice(AGES)
        edges = [0, now + 1, now + 2, now + 100, now - age, now - age + 1, now - age + 2]
        return self.dice.choice([now] * 9 + edges)

    def answer_oddly(self) -> None:
        """Short, exact and long answers, failures with an answer's length, bombs, burnt gas."""
        odd, price = FEEDS - 1, self.dice.choice([BASE, 0, MAX_PRICE + 1])
        reading = Reading(price, self.chain.time)
        answer = _pair(reading.price, reading.updated_at)
        good = reading if price else NO_READING
        cases: list[tuple[str, tuple[bytes, ...], Reading]] = [
            ("answer_with(bytes)", (_body(answer),), good),
            ("answer_with(bytes)", (_body(answer + b"tail"),), good),
            ("answer_with(bytes)", (_body(answer[:63]),), NO_READING),
            ("answer_with(bytes)", (_body(b""),), NO_READING),
            ("fail_with(bytes)", (_body(answer),), NO_READING),
            ("fail_bomb()", (), NO_READING),
            ("answer_bomb()", (), Reading(1, 1)),
            ("burn_gas()", (), NO_READING),
        ]
        signature, arguments, self.readings[odd] = self.dice.choice(cases)
        self._feed(odd, signature, *arguments)
        self.counts["odd"] += 1

    def fail(self) -> None:
        """A feed that reverts for a while."""
        number = self.dice.randrange(FEEDS - 1)
        self._feed(number, "set_failing(bool)", 1)
        kept, self.readings[number] = self.readings[number], NO_READING
        self.refresh()
        self._feed(number, "set_failing(bool)", 0)
        self.readings[number] = kept

    def _feed(self, number: int, signature: str, *arguments: int | bytes) -> None:
        self.chain.send(self.owner, self.address(number), signature, *arguments)

    def set_feeds(self) -> None:
        """New feeds of an id."""
        numbers = self.dice.sample(range(FEEDS), self.dice.choice([1, 2, 2, 3, 4, 5]))
        listed = [(number, self.dice.choice(AGES)) for number in numbers]
        quorum = self.dice.randrange(1, len(listed) + 1)
        market_id = self.dice.choice(IDS)
        self._send_feeds(market_id, quorum, [(self.address(n), age) for n, age in listed])
        self.feeds[market_id] = (quorum, listed)
        self.counts["set_feeds"] += 1

    def set_feeds_refused(self) -> None:
        """One bound broken at a time."""
        good = [(self.address(number), 60) for number in range(3)]
        first = self.address(0)
        market_id, quorum, listed, reason = self.dice.choice(
            [
                (0, 1, good, "feeds: id"),
                (MAX_ID + 1, 1, good, "feeds: id"),
                (1, 1, [], "feeds: none"),
                (1, 0, good, "feeds: quorum"),
                (1, 4, good, "feeds: quorum"),
                (1, 1, [(self.owner, 60), *good], "feeds: not a contract"),
                (1, 1, [*good[:1], (first, 0)], "feeds: max age"),
                (1, 1, [*good[1:], (first, MAX_MAX_AGE + 1)], "feeds: max age"),
                (1, 1, [*good, (first, 60)], "feeds: duplicate"),
                (1, 1, [*good[1:], good[2]], "feeds: duplicate"),
            ]
        )
        assert self._refusal(lambda: self._send_feeds(market_id, quorum, listed)) == reason

    def _send_feeds(self, market_id: int, quorum: int, listed: list[tuple[str, int]]) -> None:
        pairs = [(int(address, 16), age) for address, age in listed]
        self.chain.send(self.owner, self.oracle, SET_FEEDS, market_id, quorum, pairs)

    def refresh(self) -> None:
        """Some ids; what the view says before is what a transaction stores in the same second."""
        ids = sorted(self.dice.sample(IDS, self.dice.randrange(1, 5)))
        bitmap = sum(1 << market_id for market_id in ids)
        now = self.chain.time
        seen = self._view("prices(uint256)", bitmap)
        assert seen[2:] == [self.expected(market_id, now) for market_id in ids]
        answer = self.chain.send(self.owner, self.oracle, "refresh(uint256)", bitmap)
        expected = [self.expected(market_id, self.chain.time) for market_id in ids]
        assert words_of(answer)[2:] == expected
        for market_id, word in zip(ids, expected, strict=True):
            # An id without feeds is not stored.
            if market_id in self.feeds:
                self.words[market_id] = word
            self._count(word)
            assert self._view("price_word(uint256)", market_id) == [self.stored(market_id)]
        self.counts["refresh"] += 1

    def refresh_refused(self) -> None:
        """Ids that do not exist, and more than an account can hold."""
        many = (1 << self.dice.randrange(25, 30)) - 1 << self.dice.randrange(100)
        bitmap = self.dice.choice([many, 1 << self.dice.randrange(MAX_ID + 1, 256)])
        reason = ""
        try:
            ids_of_bitmap(bitmap)
        except ValueError as error:
            reason = str(error)
        arguments = self.owner, self.oracle, "refresh(uint256)", bitmap
        assert self._refusal(lambda: self.chain.send(*arguments)) == reason

    def list_feeds(self) -> None:
        """Feeds of an id as they were set."""
        market_id = self.dice.choice(IDS)
        quorum, listed = self.feeds.get(market_id, (0, []))
        flat = [word for n, age in listed for word in (int(self.address(n), 16), age)]
        assert self._view("feeds(uint256)", market_id) == [quorum, 64, len(listed), *flat]

    def wait(self) -> None:
        """Seconds to days."""
        self.chain.warp(int(10 ** self.dice.uniform(0, 5)))

    # -- what must be ----------------------------------------------------------------------------

    def stored(self, market_id: int) -> int:
        """The cached word as a reader sees it."""
        return self.words.get(market_id, NO_PRICE)

    def expected(self, market_id: int, now: int) -> int:
        """The word that a refresh returns."""
        quorum, listed = self.feeds.get(market_id, (0, []))
        readings = [(self.readings[number], max_age) for number, max_age in listed]
        return next_word(self.words.get(market_id, 0), quorum, readings, now)

    def _count(self, word: int) -> None:
        width = word >> 80 & 0xFFFF
        self.counts["stale" if width == 0xFFFF else "usable"] += 1
        self.counts["spread"] += 0 < width < 0xFFFF

    def _refusal(self, act: Callable[[], object]) -> str:
        try:
            act()
        except Refused as error:
            self.counts[error.reason] += 1
            return error.reason
        return "(none)"

    def _view(self, signature: str, *arguments: int) -> list[int]:
        (answer,) = self.chain.view([Call(self.oracle, signature, arguments)])
        assert answer is not None
        return words_of(answer)


def test_index_oracle_random_feeds_match_specification() -> None:
    index = Index(Revm(compiled()), Random("index oracle"))
    weights: dict[Callable[[], None], int] = {
        index.answer: 12,
        index.answer_oddly: 3,
        index.fail: 2,
        index.set_feeds: 3,
        index.set_feeds_refused: 2,
        index.refresh: 9,
        index.refresh_refused: 2,
        index.list_feeds: 1,
        index.wait: 2,
    }
    for act in index.dice.choices(list(weights), list(weights.values()), k=STEPS):
        act()
    assert {n: index.counts[n] for n, least in LEAST.items() if index.counts[n] < least} == {}


def test_refresh_any_gas_limit_never_calls_a_feed_broken_for_want_of_gas() -> None:
    """A burning feed needs all it may use: below that the call reverts, above the word is stale."""
    index = Index(Revm(compiled()), Random("gas"))
    chain, odd = index.chain, FEEDS - 1
    caller = chain.deploy("caller", "GasCaller")
    chain.send(index.owner, index.address(odd), "burn_gas()")
    feeds = [(int(index.address(odd), 16), 60)]
    chain.send(index.owner, index.oracle, SET_FEEDS, 7, 1, feeds)
    data = _body(call_data("prices(uint256)", (1 << 7,)))
    outcomes = []
    for gas in range(150_000, 450_000, 5_000):
        call = Call(caller, "call_with(address,bytes,uint256)", (index.oracle, data, gas))
        answer = chain.send(index.owner, call.target, call.signature, *call.arguments)
        outcomes.append(words_of(answer)[0])
    assert sorted(outcomes) == outcomes
    assert {outcomes[0], outcomes[-1]} == {0, 1}
