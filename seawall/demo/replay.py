"""The day, minute by minute: prices in, a block mined, the keeper acts, everything written down."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from seawall.demo.books import Books
from seawall.demo.keeper import MAX_ROUNDS, Keeper
from seawall.demo.market_data import MarketDay
from seawall.demo.opening import Cast
from seawall.demo.scene import Scene
from seawall.demo.venue import Venue
from seawall.keeper.planning import Row, due
from seawall.parameters import Parameters
from seawall.spec.words import WAD

#: Sources' small disagreements are drawn apart from the crowd, so that neither moves the other.
_QUOTES_SEED_OFFSET = 1

Progress = Callable[[int, "Course"], None]


@dataclass
class Course:
    """What was seen; money WAD. Per minute: rows before the keeper acted, the rest after it."""

    fund_before: int = 0
    notional_opened: int = 0
    steps: int = 0
    rows: list[list[Row]] = field(default_factory=list)
    fund: list[int] = field(default_factory=list)
    keeper_equity: list[int] = field(default_factory=list)
    conservation: list[int] = field(default_factory=list)
    left_below: list[tuple[int, int]] = field(default_factory=list)


def closes_at(day: MarketDay, parameters: Parameters, index: int) -> dict[int, Decimal]:
    """Closes of one minute by market id."""
    return {market.market_id: day.closes[market.symbol][index] for market in parameters.markets}


class Replay:
    """Drives one day through an opened venue."""

    def __init__(self, venue: Venue, scene: Scene, cast: Cast, day: MarketDay) -> None:
        """Nothing is sent yet."""
        self.course = Course()
        self.books = Books(venue.parameters, venue.handles, cast.positions)
        self._venue = venue
        self._scene = scene
        self._cast = cast
        self._day = day
        self._keeper = Keeper(venue, cast)
        self._source = random.Random(scene.seed + _QUOTES_SEED_OFFSET)

    def run(self, progress: Progress) -> None:
        """All minutes. Errors: DemoError where a transaction fails that must not."""
        self.course.fund_before = self._venue.fund_cash()
        self.course.notional_opened = self._cast.notional_opened
        for minute in range(len(self._day)):
            self._minute(minute)
            progress(minute, self.course)

    def _minute(self, minute: int) -> None:
        time = self._day.times[minute]
        closes = closes_at(self._day, self._venue.parameters, minute)
        self._venue.chain.block(self._venue.price_calls(closes, self._source), time)
        rows = self._keeper.scan()
        self.course.rows.append(rows)
        if not (self._scene.outage and self._scene.outage.covers(time)):
            self._liquidate(minute, time, rows, closes)
        self._observe(rows)

    def _liquidate(
        self, minute: int, time: int, rows: list[Row], closes: Mapping[int, Decimal]
    ) -> None:
        """Rounds one second apart until nothing is due; what remains is written down."""
        prices = {market_id: int(close * WAD) for market_id, close in closes.items()}
        for attempt in range(MAX_ROUNDS):
            if not due(rows):
                return
            receipts = self._keeper.act(rows, time + 1 + attempt)
            if not receipts:
                break
            before, rows = rows, self._keeper.scan()
            by_account = {row.account: row for row in before}
            steps = self.books.record(minute, receipts, by_account, prices)
            self.course.steps += len(steps)
            self.books.compare(steps, {row.account: row for row in rows})
        self.course.left_below += [(minute, row.account) for row in due(rows)]

    def _observe(self, rows: Sequence[Row]) -> None:
        self.course.fund.append(self._venue.fund_cash())
        self.course.keeper_equity.append(rows[-1].equity)
        self.course.conservation.append(self._venue.conservation())
