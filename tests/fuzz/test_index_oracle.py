"""The IndexOracle beside its specification: random feeds, answers, failures, ids and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from seawall.spec.averages import MAX_VOLATILITY
from seawall.spec.index_modes import (
    HALT_GRACE,
    HALT_PAUSE,
    HALT_SECONDS,
    Halt,
    Resume,
    fixed_word,
    released_word,
    resumed_at,
    standing_word,
)
from seawall.spec.oracle import (
    FIRST_COLLATERAL,
    MAX_ID,
    MAX_MAX_AGE,
    MAX_PRICE,
    MAX_PULL_AGE,
    MAX_SPREAD_BAND,
    MIN_PRICE,
    NO_PRICE,
    NO_READING,
    SETTLEMENT_ID,
    FeedTerms,
    IndexTerms,
    Reading,
    Round,
    ids_of_bitmap,
    in_settlement,
    next_word,
    par_word,
    phased_in,
    premium_start,
)
from seawall.spec.risk import RAMP
from seawall.spec.state import Reverted
from seawall.spec.words import IN_GRACE, MAX_HALF_WIDTH, MAX_UINT256, PRICE, RATIO, WAD
from tests.fuzz.backend import Call, Refused, body, call_data, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.index import MEMORY, SET_FEEDS
from tests.fuzz.revm import Revm
from tests.fuzz.stage import NOBODY

STEPS = 10_000
IDS = (1, 2, 7, 64, 127, 128, 135)
FEEDS = 6
#: Feeds of the settlement token, after the others; the odd one may be among them.
PEGS = range(FEEDS, FEEDS + 3)
BASE = 3_000 * WAD
AGES = (1, 60, 3_600, MAX_MAX_AGE)
GRACE = 600
#: Markets from here on end one after the other.
FIRST_ENDING, LAST_ENDING = 65, 126
Listed = tuple[str, int, int, bool]
#: What each action must have done at least, in STEPS steps.
LEAST = {
    "refresh": 300,
    "usable": 500,
    "stale": 200,
    "spread": 300,
    "overdue": 100,
    "average apart": 300,
    "volatile": 300,
    "set_feeds": 100,
    "settled above par": 200,
    "premium on its ramp": 20,
    "settled below par": 40,
    "settled without a price": 100,
    "settled and capped": 5,
    "odd": 100,
    "oracle: unknown id": 20,
    "oracle: too many ids": 20,
    "feeds: id": 5,
    "feeds: none": 5,
    "feeds: quorum": 5,
    "feeds: not a contract": 5,
    "feeds: max age": 5,
    "feeds: duplicate": 5,
    "feeds: heartbeat": 5,
    "feeds: spread band": 5,
    "feeds: volatility floor": 5,
    "feeds: too few push": 5,
    "halted": 20,
    "lately": 5,
    "oracle: halted lately": 8,
    "oracle: not halted": 20,
    "oracle: not the guardian": 20,
    "oracle: not the delister": 5,
    "oracle: no market": 20,
    "oracle: price fixed": 10,
    "oracle: no sure price": 5,
    "oracle: still usable": 5,
    "fixed at the index": 5,
    "fixed at the average": 5,
}

LEAST_ON_L2 = {"down": 30, "in grace": 10}


def _answer(*words: int) -> bytes:
    return b"".join(word.to_bytes(32, "big") for word in words)


@dataclass
class Index:
    """An IndexOracle on some feeds, the last of them an odd one, and what both must say."""

    chain: Revm
    dice: Random
    words: dict[int, int] = field(default_factory=dict)
    #: Terms, and number of each feed with its own.
    feeds: dict[int, tuple[IndexTerms, list[tuple[int, FeedTerms]]]] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    #: Whether there is a sequencer, and what its uptime feed says; None while it fails.
    sequenced: bool = False
    status: Round | None = None
    #: When what the settlement token is above par begins to count.
    premium_start: int = 0
    #: The latest halt; the market that ends next, and those whose prices are fixed.
    halted: Halt = field(default_factory=Halt)
    ending: int = FIRST_ENDING
    standing: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.owner = self.chain.actor("timelock")
        uptime, grace = NOBODY, 0
        if self.sequenced:
            uptime, grace = self.chain.deploy("uptime", "OddSource"), GRACE
        self.oracle = self.chain.deploy(
            "index",
            "IndexOracle",
            self.owner,
            MEMORY.ema_seconds,
            MEMORY.volatility_seconds,
            uptime,
            grace,
        )
        self.guardian, self.delister = self.chain.actor("guardian"), self.chain.actor("delister")
        roles = "set_roles(address,address)", self.guardian, self.delister
        self.chain.send(self.owner, self.oracle, *roles)
        for number in range(FEEDS - 1):
            self.chain.deploy(f"feed {number}", "MockFeed", BASE)
            self.readings.append(Reading(BASE, self.chain.time))
        self.chain.deploy(f"feed {FEEDS - 1}", "OddSource")
        self.readings.append(NO_READING)
        for number in PEGS:
            self.chain.deploy(f"feed {number}", "MockFeed", WAD)
            self.readings.append(Reading(WAD, self.chain.time))

    def address(self, number: int) -> str:
        """Address of a feed."""
        return self.chain.addr(f"feed {number}")

    # -- actions ---------------------------------------------------------------------------------

    def answer(self) -> None:
        """A feed's price and time, around every bound that a reading has."""
        number = self.dice.randrange(FEEDS - 1)
        spread = self.dice.choice([0, 1_000, 100_000])
        near = BASE * (10**6 + self.dice.randint(-spread, spread)) // 10**6
        bounds = [0, MIN_PRICE - 1, MIN_PRICE, MAX_PRICE, MAX_PRICE + 1, MAX_UINT256, 1]
        price = self.dice.choice([near] * 9 + [near * 700, self.dice.choice(bounds)])
        self._say(number, price)

    def answer_peg(self) -> None:
        """The settlement token at par, around it, and where it never should be."""
        near = WAD * (10**6 + self.dice.randint(-150_000, 150_000)) // 10**6
        far = self.dice.choice([0, WAD - 1, WAD + 1, WAD // 3, WAD * 9, MIN_PRICE])
        self._say(self.dice.choice(PEGS), self.dice.choice([WAD, WAD, near, near, near, far]))

    def _say(self, number: int, price: int) -> None:
        """A feed's price, with a time and a half-width."""
        width = self.dice.choice([0] * 6 + [1, 300, MAX_HALF_WIDTH - 1, MAX_HALF_WIDTH, 2**255])
        reading = Reading(price, self._time(), width)
        self._feed(number, "set_latest(uint256,uint256)", reading.price, reading.updated_at)
        self._feed(number, "set_half_width(uint256)", width)
        self.readings[number] = reading if price else NO_READING

    def _time(self) -> int:
        now, age = self.chain.time, self.dice.choice(AGES)
        edges = [0, now + 1, now + 2, now + 100, now - age, now - age + 1, now - age + 2]
        return self.dice.choice([now] * 9 + edges)

    def answer_oddly(self) -> None:
        """Short, exact and long answers, failures with an answer's length, bombs, burnt gas."""
        odd, price = FEEDS - 1, self.dice.choice([BASE, 0, MAX_PRICE + 1])
        reading = Reading(price, self.chain.time)
        answer = _answer(reading.price, reading.updated_at, 0)
        good = reading if price else NO_READING
        cases: list[tuple[str, tuple[bytes, ...], Reading]] = [
            ("answer_with(bytes)", (body(answer),), good),
            ("answer_with(bytes)", (body(answer + b"tail"),), good),
            ("answer_with(bytes)", (body(answer[:95]),), NO_READING),
            ("answer_with(bytes)", (body(b""),), NO_READING),
            ("fail_with(bytes)", (body(answer),), NO_READING),
            ("fail_bomb()", (), NO_READING),
            ("answer_bomb()", (), Reading(1, 1)),
            ("burn_gas()", (), NO_READING),
        ]
        signature, arguments, self.readings[odd] = self.dice.choice(cases)
        self._feed(odd, signature, *arguments)
        self.counts["odd"] += 1

    def fail(self) -> None:
        """A feed that reverts for a while."""
        number = self.dice.choice([*range(FEEDS - 1), *PEGS])
        self._feed(number, "set_failing(bool)", 1)
        kept, self.readings[number] = self.readings[number], NO_READING
        self.refresh()
        self._feed(number, "set_failing(bool)", 0)
        self.readings[number] = kept

    def _feed(self, number: int, signature: str, *arguments: int | bytes) -> None:
        self.chain.send(self.owner, self.address(number), signature, *arguments)

    def set_feeds(self) -> None:
        """New feeds of an id."""
        numbers = self.dice.sample(range(FEEDS), self.dice.choice([1, 2, 2, 3, 3, 4, 5]))
        self._set_feeds(self.dice.choice((*IDS, self.ending, self.ending)), numbers)
        self.counts["set_feeds"] += 1

    def set_peg_feeds(self) -> None:
        """First or other feeds of the settlement token, sometimes the odd one among them."""
        numbers = self.dice.sample(PEGS, self.dice.choice([1, 2, 3, 3]))
        self._set_feeds(SETTLEMENT_ID, [*numbers, *self.dice.choice([[], [], [FEEDS - 1]])])
        terms, _ = self.feeds[SETTLEMENT_ID]
        if SETTLEMENT_ID not in self.words:
            self.words[SETTLEMENT_ID] = par_word(terms, self.chain.time)
            self.premium_start = premium_start(self.chain.time)
        assert self._view("premium_start()") == [self.premium_start]
        assert self._view("price_word(uint256)", SETTLEMENT_ID) == [self.words[SETTLEMENT_ID]]

    def _set_feeds(self, market_id: int, numbers: list[int]) -> None:
        listed = [(number, self._terms(place)) for place, number in enumerate(numbers)]
        pushes = sum(not one.is_pull for _, one in listed)
        terms = IndexTerms(
            self.dice.randrange(1, pushes + 1),
            self.dice.choice([0, 1_000, 5_000, MAX_SPREAD_BAND]),
            self.dice.choice([0, 53_000, MAX_VOLATILITY]),
        )
        self._send_feeds(
            market_id,
            terms,
            [(self.address(n), one.heartbeat, one.max_age, one.is_pull) for n, one in listed],
        )
        self.feeds[market_id] = (terms, listed)

    def _terms(self, place: int) -> FeedTerms:
        """The first feed is never a pull feed."""
        pull = place > 0 and self.dice.random() < 0.2
        age = MAX_PULL_AGE if pull else self.dice.choice(AGES)
        return FeedTerms(self.dice.choice([age, age, max(1, age // 60)]), age, pull)

    def set_feeds_refused(self) -> None:
        """One bound broken at a time."""
        good: list[Listed] = [(self.address(number), 60, 60, False) for number in range(3)]
        first = self.address(0)
        fine = IndexTerms(1)
        cases: list[tuple[int, IndexTerms, list[Listed], str]] = [
            (2**255, fine, good, "feeds: id"),
            (MAX_ID + 1, fine, good, "feeds: id"),
            (1, fine, [], "feeds: none"),
            (1, IndexTerms(0), good, "feeds: quorum"),
            (1, IndexTerms(4), good, "feeds: quorum"),
            (1, IndexTerms(1, MAX_SPREAD_BAND + 1), good, "feeds: spread band"),
            (1, IndexTerms(1, 0, MAX_VOLATILITY + 1), good, "feeds: volatility floor"),
            (1, fine, [(self.owner, 60, 60, False), *good], "feeds: not a contract"),
            (1, fine, [*good[:1], (first, 1, 0, False)], "feeds: max age"),
            (1, fine, [*good[1:], (first, 1, MAX_MAX_AGE + 1, False)], "feeds: max age"),
            (1, fine, [*good[1:], (first, 1, MAX_PULL_AGE + 1, True)], "feeds: max age"),
            (1, fine, [*good[1:], (first, 0, 60, False)], "feeds: heartbeat"),
            (1, fine, [*good[1:], (first, 61, 60, False)], "feeds: heartbeat"),
            (1, fine, [(first, 5, 5, True)], "feeds: too few push"),
            (1, IndexTerms(3), [*good[1:], (first, 5, 5, True)], "feeds: too few push"),
            (1, fine, [*good, (first, 60, 60, False)], "feeds: duplicate"),
            (1, fine, [*good[1:], good[2]], "feeds: duplicate"),
        ]
        cases += [(fixed, fine, good, "oracle: price fixed") for fixed in self.standing]
        market_id, terms, listed, reason = self.dice.choice(cases)
        assert self._refusal(lambda: self._send_feeds(market_id, terms, listed)) == reason

    def _send_feeds(self, market_id: int, terms: IndexTerms, listed: list[Listed]) -> None:
        rows = [(int(address, 16), *rest) for address, *rest in listed]
        numbers = terms.quorum, terms.spread_band, terms.volatility_floor
        self.chain.send(self.owner, self.oracle, SET_FEEDS, market_id, *numbers, rows)

    def switch_sequencer(self) -> None:
        """Up since some time, down, not initialised, or a feed that fails."""
        if not self.sequenced:
            return
        now = self.chain.time
        since = self.dice.choice([now - 10**6, now - GRACE - 1, now - GRACE, now, now + 9, 0])
        since = self.dice.choice([now - 10**6, now - 10**5, now - 10**5, since])
        answer = self.dice.choice([0] * 12 + [1, 2, 2**255])
        self.status = Round(1, answer, since, now, 1)
        uptime, sent = self.chain.addr("uptime"), _answer(1, answer, since, now, 1)
        if self.dice.random() < 0.1:
            self.status = None
            short = self.dice.random() < 0.5
            signature = "answer_with(bytes)" if short else "fail_with(bytes)"
            self.chain.send(self.owner, uptime, signature, body(sent[:159] if short else sent))
            return
        self.chain.send(self.owner, uptime, "answer_with(bytes)", body(sent))

    def _since(self, now: int) -> Resume | None:
        if not self.sequenced:
            return Resume()
        since = resumed_at(self.status, GRACE, now)
        self.counts["down"] += since is None
        self.counts["in grace"] += since is not None and since.in_grace
        return since

    # -- halts and fixed prices ------------------------------------------------------------------

    def halt(self) -> None:
        """A market stops for hours; mostly long enough after the one before."""
        # Not while what the settlement token is above par comes by a ramp.
        if self.dice.random() < 0.3 and self.chain.time > self.premium_start + RAMP > RAMP:
            self.chain.warp(HALT_PAUSE)
        market_id, before = self._draw_market(), self.halted
        self._by_guardian("halt(uint256)", market_id, self._open(market_id), self.halted.begun)
        if self.halted != before:
            self.refresh()
            self.chain.warp(HALT_SECONDS + self.dice.choice([0, 60, HALT_GRACE - 9, HALT_GRACE]))
            for number in range(FEEDS - 1):
                self._say(number, BASE)
            self.refresh()

    def lift_halt(self) -> None:
        """Before its time; also one that is over, or of another market."""
        if self.dice.random() < 0.5:
            self.chain.warp(self.dice.choice([1, HALT_SECONDS - 5, HALT_SECONDS, HALT_GRACE]))
        market_id = self.dice.choice([self.halted.market_id] * 3 + [self._draw_market()])
        self._by_guardian("lift_halt(uint256)", market_id, "", self.halted.ended)

    def _draw_market(self) -> int:
        return self.dice.choice([*IDS, 0, 63, MAX_ID, 2**255, *self.standing])

    def _open(self, market_id: int) -> str:
        """Why nothing can be done with a market; empty when something can."""
        if market_id not in self.feeds or not 0 < market_id < FIRST_COLLATERAL:
            return "oracle: no market"
        return "oracle: price fixed" if market_id in self.standing else ""

    def _by_guardian(
        self, signature: str, market_id: int, reason: str, change: Callable[[int, int], Halt]
    ) -> None:
        sender = self.dice.choice([self.owner, self.guardian, self.guardian, self.delister])
        halted = self.halted
        if sender == self.delister:
            reason = "oracle: not the guardian"
        elif not reason:
            try:
                halted = change(market_id, self.chain.time + 1)
            except Reverted as error:
                reason = str(error)
        if self._sent(sender, signature, market_id) == reason:
            self.halted = halted
        else:
            raise AssertionError((signature, market_id, reason))

    def fix_price(self) -> None:
        """Of the market that ends next: at the index, or at the average of a silent one."""
        sender = self.dice.choice([self.guardian] + [self.delister] * 9)
        market_id = self.dice.choice([self.ending] * 9 + [self._draw_market()])
        if market_id in IDS or self.ending == LAST_ENDING:
            return
        at_average = self.dice.random() < 0.4
        reason, word = self._open(market_id), 0
        if sender == self.guardian:
            reason = "oracle: not the delister"
        elif not reason:
            try:
                word = fixed_word(self.fresh(market_id, self.chain.time + 1), at_average)
            except Reverted as error:
                reason = str(error)
        arguments = sender, "fix_price(uint256,bool)", market_id, int(at_average)
        found = self._sent(*arguments)
        assert found == reason, (arguments, found, reason)
        if not reason:
            self.words[market_id] = word
            self.standing.add(market_id)
            self.ending += 1
            self.counts["fixed at the average" if at_average else "fixed at the index"] += 1

    def release_exits(self) -> None:
        """Of a market whose price is fixed."""
        if self.standing:
            market_id = self.dice.choice(sorted(self.standing))
            assert self._sent(self.delister, "release_exits(uint256)", market_id) == ""
            self.words[market_id] = released_word(self.words[market_id])

    def _sent(self, sender: str, signature: str, *arguments: int) -> str:
        """Send a call; the reason of a refusal, empty when it passed."""
        try:
            self.chain.send(sender, self.oracle, signature, *arguments)
        except Refused as error:
            self.counts[error.reason] += 1
            return error.reason
        return ""

    def refresh(self) -> None:
        """Some ids; what the view says before is what a transaction stores in the same second."""
        ends = [self.ending, *sorted(self.standing)[-2:]]
        drawn = self.dice.sample((SETTLEMENT_ID, *IDS, *ends), self.dice.randrange(1, 5))
        ids = sorted({*drawn, self.halted.market_id})
        bitmap = sum(1 << market_id for market_id in ids)
        now = self.chain.time
        seen = self._view("prices(uint256)", bitmap)
        assert seen[2:] == [self.expected(market_id, now) for market_id in ids]
        answer = self.chain.send(self.owner, self.oracle, "refresh(uint256)", bitmap)
        now = self.chain.time
        expected = [self.expected(market_id, now) for market_id in ids]
        assert words_of(answer)[2:] == expected
        # Collateral is refreshed with the settlement token.
        refreshed = {*ids, SETTLEMENT_ID} if ids[-1] >= FIRST_COLLATERAL else set(ids)
        fresh = {market_id: self.fresh(market_id, now) for market_id in refreshed}
        # An id without feeds is not stored.
        self.words |= {one: word for one, word in fresh.items() if one in self.feeds}
        for market_id, word in zip(ids, expected, strict=True):
            self._count(fresh[market_id])
            self._count_settled(fresh[market_id], word)
        for market_id in refreshed:
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
        market_id = self.dice.choice((SETTLEMENT_ID, *IDS))
        terms, listed = self.feeds.get(market_id, (IndexTerms(0, 0), []))
        flat = [
            word
            for n, one in listed
            for word in (int(self.address(n), 16), one.heartbeat, one.max_age, one.is_pull)
        ]
        numbers = [terms.quorum, terms.spread_band, terms.volatility_floor]
        assert self._view("feeds(uint256)", market_id) == [*numbers, 128, len(listed), *flat]

    def wait(self) -> None:
        """Seconds to days."""
        self.chain.warp(int(10 ** self.dice.uniform(0, 5)))

    # -- what must be ----------------------------------------------------------------------------

    def stored(self, market_id: int) -> int:
        """The cached word as a reader sees it."""
        return self.words.get(market_id, NO_PRICE)

    def expected(self, market_id: int, now: int) -> int:
        """The word that a refresh answers: of collateral in settlement tokens that have feeds."""
        word = self.fresh(market_id, now)
        if market_id < FIRST_COLLATERAL or SETTLEMENT_ID not in self.feeds:
            return word
        settlement = self.fresh(SETTLEMENT_ID, now)
        counted = phased_in(settlement, self.premium_start, now)
        self.counts["premium on its ramp"] += WAD < counted >> 176 < settlement >> 176
        return in_settlement(word, counted)

    def fresh(self, market_id: int, now: int) -> int:
        """The word of this second as it is stored."""
        terms, listed = self.feeds.get(market_id, (None, []))
        readings = [(self.readings[number], one) for number, one in listed]
        cached = self.words.get(market_id, 0)
        self.counts["overdue"] += any(
            0 < now - one.heartbeat - reading.updated_at <= one.max_age - one.heartbeat
            for reading, one in readings
        )
        if market_id in self.standing:
            return standing_word(cached, now)
        outage = self._since(now)
        resume = self.halted.resume(market_id, outage, now)
        self.counts["halted"] += outage is not None and resume is None
        since, in_grace = resume or (None, False)
        return next_word(cached, terms, readings, now, MEMORY, since, in_grace)

    def _count(self, word: int) -> None:
        found = PRICE.unpack(word)
        width = found["half_width"]
        self.counts["stale" if width == MAX_HALF_WIDTH else "usable"] += 1
        self.counts["spread"] += 0 < width < MAX_HALF_WIDTH
        self.counts["average apart"] += found["ema_ratio"] not in (0, RATIO)
        self.counts["lately"] += bool(found["flags"] & IN_GRACE)
        self.counts["volatile"] += 0 < found["volatility"] < MAX_VOLATILITY

    def _count_settled(self, word: int, answered: int) -> None:
        before, after = PRICE.unpack(word), PRICE.unpack(answered)
        widened = before["half_width"] < after["half_width"]
        self.counts["settled above par"] += after["price"] < before["price"]
        self.counts["settled below par"] += widened and after["half_width"] < MAX_HALF_WIDTH
        self.counts["settled without a price"] += widened and after["half_width"] == MAX_HALF_WIDTH
        self.counts["settled and capped"] += widened and after["half_width"] == MAX_HALF_WIDTH - 1

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


@pytest.mark.parametrize("sequenced", [False, True], ids=["a chain", "an L2"])
def test_index_oracle_random_feeds_match_specification(sequenced: bool) -> None:
    index = Index(Revm(compiled()), Random("index oracle"), sequenced=sequenced)
    weights: dict[Callable[[], None], int] = {
        index.answer: 12,
        index.answer_peg: 6,
        index.answer_oddly: 3,
        index.fail: 2,
        index.set_feeds: 3,
        index.set_peg_feeds: 1,
        index.set_feeds_refused: 2,
        index.refresh: 9,
        index.refresh_refused: 2,
        index.list_feeds: 1,
        index.wait: 2,
        index.switch_sequencer: 1,
        index.halt: 1,
        index.lift_halt: 1,
        index.fix_price: 1,
        index.release_exits: 1,
    }
    for act in index.dice.choices(list(weights), list(weights.values()), k=STEPS):
        act()
    # Half of an L2's time nothing counts.
    least = {name: n // 2 for name, n in LEAST.items()} | LEAST_ON_L2 if sequenced else LEAST
    assert {name: index.counts[name] for name, n in least.items() if index.counts[name] < n} == {}


def test_refresh_any_gas_limit_never_calls_a_feed_broken_for_want_of_gas() -> None:
    """A burning feed needs all it may use: below that the call reverts, above the word is stale."""
    index = Index(Revm(compiled()), Random("gas"))
    chain, odd = index.chain, FEEDS - 1
    caller = chain.deploy("caller", "GasCaller")
    chain.send(index.owner, index.address(odd), "burn_gas()")
    feeds = [(int(index.address(odd), 16), 60, 60, 0)]
    chain.send(index.owner, index.oracle, SET_FEEDS, 7, 1, 0, 0, feeds)
    data = body(call_data("prices(uint256)", (1 << 7,)))
    outcomes = []
    for gas in range(150_000, 450_000, 5_000):
        call = Call(caller, "call_with(address,bytes,uint256)", (index.oracle, data, gas))
        answer = chain.send(index.owner, call.target, call.signature, *call.arguments)
        outcomes.append(words_of(answer)[0])
    assert sorted(outcomes) == outcomes
    assert {outcomes[0], outcomes[-1]} == {0, 1}
