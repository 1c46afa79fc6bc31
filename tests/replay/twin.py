"""An index of the specification and one of the deployed bytecode, refreshed side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from seawall.replay.drive import MEMORY, SpecIndex
from seawall.spec.oracle import (
    FIRST_COLLATERAL,
    SETTLEMENT_ID,
    FeedTerms,
    IndexTerms,
    Reading,
    in_settlement,
    par_word,
)
from seawall.spec.words import WAD
from tests.fuzz.backend import words_of
from tests.fuzz.creation import Types, compiled
from tests.fuzz.index import SET_FEEDS
from tests.fuzz.revm import Revm
from tests.fuzz.stage import NOBODY

MARKET = 1


@cache
def _types() -> Types:
    """The build file, read once."""
    return compiled()


class Recording(Revm):
    """A chain whose clock stands still until it is set: all of a refresh is one second."""

    def at(self, now: int) -> None:
        """Set the clock of the blocks that follow."""
        self.time = now

    def _next_block(self, seconds: int) -> None:
        super()._next_block(0)


class Twin:
    """The IndexOracle in pyrevm on feeds that anyone may set, beside its specification."""

    #: Words compared by all twins.
    compared = 0

    def __init__(
        self,
        terms: IndexTerms,
        feeds: Sequence[FeedTerms],
        index_id: int = MARKET,
        start: int | None = None,
    ) -> None:
        self.index_id = index_id
        self.spec = SpecIndex(terms, feeds)
        self.chain = Recording(_types())
        if start is not None:
            self.chain.at(start)
        self.owner = self.chain.actor("timelock")
        self.oracle = self.chain.deploy(
            "index",
            "IndexOracle",
            self.owner,
            MEMORY.ema_seconds,
            MEMORY.volatility_seconds,
            NOBODY,
            0,
        )
        self.feeds = [
            self.chain.deploy(f"feed {place}", "MockFeed", WAD) for place in range(len(feeds))
        ]
        self.said: list[Reading | None] = [None] * len(feeds)
        self.set_feeds(index_id, terms, feeds, self.feeds)

    def set_feeds(
        self, index_id: int, terms: IndexTerms, feeds: Sequence[FeedTerms], addresses: Sequence[str]
    ) -> None:
        """Feeds of an index of the oracle's."""
        rows = [
            (int(address, 16), one.heartbeat, one.max_age, int(one.is_pull))
            for address, one in zip(addresses, feeds, strict=True)
        ]
        numbers = (terms.quorum, terms.spread_band, terms.volatility_floor)
        self.chain.send(self.owner, self.oracle, SET_FEEDS, index_id, *numbers, rows)

    def refresh(self, now: int, readings: Sequence[Reading]) -> int:
        """The word that both make. Errors: AssertionError where they part."""
        self.chain.at(now)
        for place, reading in enumerate(readings):
            self._tell(place, reading)
        answer = self.chain.send(self.owner, self.oracle, "refresh(uint256)", 1 << self.index_id)
        word = self.spec.refresh(now, readings)
        assert words_of(answer)[2:] == [word], f"at {now}"
        Twin.compared += 1
        return word

    def _tell(self, place: int, reading: Reading) -> None:
        """A reading without a price is a feed that reverts."""
        before = self.said[place]
        if reading == before:
            return
        self.said[place] = reading
        feed = self.feeds[place]
        if not reading.price:
            self._set(feed, "set_failing(bool)", 1)
            return
        if before is not None and not before.price:
            self._set(feed, "set_failing(bool)", 0)
        self._set(feed, "set_latest(uint256,uint256)", reading.price, reading.updated_at)
        if before is None or before.half_width != reading.half_width:
            self._set(feed, "set_half_width(uint256)", reading.half_width)

    def _set(self, feed: str, signature: str, *arguments: int) -> None:
        self.chain.send(self.owner, feed, signature, *arguments)


class SettlementTwin(Twin):
    """The same of the settlement token, and a collateral token at one price that is answered in it.

    The token is refreshed first, as a fill would: that must bring the settlement token along. The
    ramp of its first feeds, which begins at `start`, must be over.
    """

    def __init__(
        self,
        terms: IndexTerms,
        feeds: Sequence[FeedTerms],
        token_price: int,
        token_feed: FeedTerms,
        start: int,
    ) -> None:
        super().__init__(terms, feeds, SETTLEMENT_ID, start)
        # At par until the feeds speak.
        self.spec.word = par_word(terms, start)
        self.token_price = token_price
        agreed = IndexTerms(1)
        self.token_spec = SpecIndex(agreed, [token_feed])
        self.token_feed = self.chain.deploy("token feed", "MockFeed", token_price)
        self.set_feeds(FIRST_COLLATERAL, agreed, [token_feed], [self.token_feed])
        #: The token's words as they were answered.
        self.answered: list[int] = []

    def refresh(self, now: int, readings: Sequence[Reading]) -> int:
        """The settlement token's word. Errors: AssertionError where contract and specification
        part, over the token's word too."""
        self.chain.at(now)
        for place, reading in enumerate(readings):
            self._tell(place, reading)
        self._set(self.token_feed, "set_latest(uint256,uint256)", self.token_price, now)
        bitmap = 1 << FIRST_COLLATERAL
        (token,) = words_of(self.chain.send(self.owner, self.oracle, "refresh(uint256)", bitmap))[
            2:
        ]
        word = super().refresh(now, readings)
        stored = self.token_spec.refresh(now, [Reading(self.token_price, now)])
        assert token == in_settlement(stored, word), f"at {now}"
        self.answered.append(token)
        Twin.compared += 1
        return word
