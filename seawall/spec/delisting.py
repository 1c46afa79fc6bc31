"""Markets that end: notice, a fixed price, a day for the waterfall, then every leg becomes cash.

The same as `contracts/Delisting.vy`. Prices are WAD, times unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from seawall.spec.clearinghouse import Change, Clearinghouse
from seawall.spec.state import Table, require
from seawall.spec.words import GATE_NONE, LISTED, LONG, MAX_HALF_WIDTH, PRICE, SHORT, WAD

#: Between an announcement and the fixing of the price, at least,
NOTICE = 7 * 86_400
#: and at most.
LONGEST_NOTICE = 90 * 86_400
#: Between the fixing and the settlement: accounts below maintenance margin go through the
#: waterfall.
WINDOW = 86_400
#: How long an index must have been silent before anybody may fix its average.
SILENCE = 86_400


class Index(Protocol):
    """What the module asks of the index oracle, which refreshes the market's word first."""

    def refreshed(self, market_id: int) -> int:
        """The market's word of this block."""
        ...

    def fix_price(self, market_id: int, at_average: bool) -> int:
        """Fix the price. Errors: Reverted with the oracle's reason."""
        ...

    def release_exits(self, market_id: int) -> None:
        """Open the ways out again."""
        ...

    def resumed_at(self) -> int | None:
        """Since when the sequencer is up, 0 without one, None while it is down."""
        ...


@dataclass(frozen=True)
class Ending:
    """How far a market has come: times of the steps, 0 for none."""

    silent_since: int = 0
    fixing_at: int = 0
    fixed_at: int = 0
    settled_at: int = 0


class Delisting:
    """Executable specification of the module on the specification's Clearinghouse."""

    ADDRESS = "delisting"

    def __init__(self, clearinghouse: Clearinghouse, index: Index) -> None:
        self.clearinghouse = clearinghouse
        self.index = index
        self.endings: Table[int, Ending] = Table(clearinghouse.journal, Ending())

    def announce(self, market_ids: list[int], fixing_at: int) -> None:
        """By the owner: the markets are reduce-only from now on, their prices fixed at that time.

        Errors: Reverted with "delisting: notice", "delisting: price fixed", "market: unknown".
        """
        now = self.clearinghouse.now
        with self.clearinghouse.journal.transaction():
            require(now + NOTICE <= fixing_at <= now + LONGEST_NOTICE, "delisting: notice")
            for market_id in market_ids:
                self._announce(market_id, fixing_at)

    def shut_down(self, fixing_at: int) -> None:
        """By the owner: every listed market that has not ended yet is announced."""
        self.announce([one for one in range(1, 128) if self._is_open(one)], fixing_at)

    def _is_open(self, market_id: int) -> bool:
        listed = self.clearinghouse.terms[market_id].mode & LISTED
        return bool(listed) and not self.endings[market_id].fixed_at

    def _announce(self, market_id: int, fixing_at: int) -> None:
        ending = self.endings[market_id]
        require(not ending.fixed_at, "delisting: price fixed")
        self.clearinghouse.restrict(self.ADDRESS, market_id)
        self.endings[market_id] = replace(ending, fixing_at=fixing_at)

    def cancel(self, market_id: int) -> None:
        """By the owner, before the price is fixed; the market stays reduce-only until it says so.

        Errors: Reverted with "delisting: not announced", "delisting: price fixed".
        """
        ending = self.endings[market_id]
        require(not ending.fixed_at, "delisting: price fixed")
        require(ending.fixing_at != 0, "delisting: not announced")
        self.endings[market_id] = replace(ending, fixing_at=0)

    def report_silence(self, market_id: int) -> None:
        """By anybody: a clock starts while the index is not usable; it is void once it was.

        Errors: Reverted with "delisting: price fixed", "delisting: index usable",
        "delisting: outage", "delisting: reported".
        """
        ending = self.endings[market_id]
        require(not ending.fixed_at, "delisting: price fixed")
        word = PRICE.unpack(self.index.refreshed(market_id))
        require(word["half_width"] == MAX_HALF_WIDTH, "delisting: index usable")
        require(self.index.resumed_at() is not None, "delisting: outage")
        require(not self._still_silent(ending, word["updated_at"]), "delisting: reported")
        self.endings[market_id] = replace(ending, silent_since=self.clearinghouse.now)

    def _still_silent(self, ending: Ending, updated_at: int) -> bool:
        """Whether neither data nor a resume of the sequencer came after the report."""
        resumed = self.index.resumed_at()
        reported = ending.silent_since
        return bool(reported) and resumed is not None and max(updated_at, resumed) <= reported

    def fix(self, market_id: int) -> int:
        """By anybody: the price, at the index once the time announced has come, or at the average
        of an index that was reported silent a day ago and is. Funding stops.

        Errors: Reverted with "delisting: price fixed", "delisting: not due" and the oracle's.
        """
        now, ending = self.clearinghouse.now, self.endings[market_id]
        with self.clearinghouse.journal.transaction():
            require(not ending.fixed_at, "delisting: price fixed")
            word = PRICE.unpack(self.index.refreshed(market_id))
            is_silent = word["half_width"] == MAX_HALF_WIDTH
            if is_silent:
                waited = now >= ending.silent_since + SILENCE
                still = self._still_silent(ending, word["updated_at"])
                require(waited and still, "delisting: not due")
            else:
                require(0 < ending.fixing_at <= now, "delisting: not due")
            self.clearinghouse.restrict(self.ADDRESS, market_id)
            self.clearinghouse.set_funding_rate(self.ADDRESS, market_id, 0)
            price = self.index.fix_price(market_id, is_silent)
            self.endings[market_id] = replace(ending, fixed_at=now)
            return price

    def settle(self, market_id: int) -> int:
        """By anybody, a day after the fixing: both sides are closed whole at the fixed price.

        The size; the sides may have parted by a rounding, and the larger one counts.
        Errors: Reverted with "delisting: not due", "delisting: settled".
        """
        now, ending = self.clearinghouse.now, self.endings[market_id]
        with self.clearinghouse.journal.transaction():
            require(not ending.settled_at, "delisting: settled")
            due = ending.fixed_at and now >= ending.fixed_at + WINDOW
            require(bool(due), "delisting: not due")
            price = PRICE.unpack(self.index.refreshed(market_id))["price"]
            market = self.clearinghouse.ledger.markets[market_id]
            sizes = market.long.size, market.short.size
            size = max(sizes)
            if size:
                # Where only one has something left, it is what a rounding left, and nobody pays it.
                money = size * price // WAD if min(sizes) else 0
                changes = [
                    Change(LONG, -size, money, 0, GATE_NONE),
                    Change(SHORT, size, -money, 0, GATE_NONE),
                ]
                self.clearinghouse.trade(self.ADDRESS, market_id, changes)
            self.index.release_exits(market_id)
            self.endings[market_id] = replace(ending, settled_at=now)
            return size
