"""Chores that pay nobody: which markets to follow, which accounts to call. Data in, data out.

What a `RiskMonitor` would write is foreseen by the specification of the margin model: a market is
followed when that would change a word. Money is WAD, times are unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from seawall.keeper.index import REORG_BLOCKS
from seawall.keeper.planning import Row
from seawall.spec.risk import FACTOR_PERIOD, FACTOR_UNIT, Risk, followed
from seawall.spec.words import PPM

#: Status of Lens: healthy, and below the margin-call line.
MARGIN_CALL = 3

#: Most that one call of `follow` and of `call_margin` takes.
MAX_FOLLOWED = 16
MAX_CALLED = 100


class Market(NamedTuple):
    """A market's stored parameters, and the volatility that a refresh would give."""

    market_id: int
    risk: Risk
    volatility: int


class CallEvent(NamedTuple):
    """One MarginCall."""

    block: int
    account: int


@dataclass(frozen=True)
class FollowRules:
    """Seconds between two follows of a market, and the change of goal or capacity that is worth one
    (parts per million): fees trickle into the fund all the time."""

    seconds: int = FACTOR_PERIOD
    change_ppm: int = 10_000

    def __post_init__(self) -> None:
        if self.seconds < FACTOR_PERIOD:
            raise ValueError(f"follow_seconds: {self.seconds} is below {FACTOR_PERIOD}")
        if self.change_ppm > PPM:
            raise ValueError(f"follow_change: {self.change_ppm} of a million is above {PPM}")


@dataclass(frozen=True)
class CallRules:
    """Who is called: from so much maintenance margin on (WAD), and not again within so many blocks.

    An account is called again only where it was seen above the line in between as well.
    """

    minimum: int = 0
    blocks: int = 300


@dataclass(frozen=True)
class Follow:
    """One transaction that follows these markets."""

    targets: tuple[int, ...]


@dataclass(frozen=True)
class MarginCall:
    """One transaction that calls these accounts."""

    targets: tuple[int, ...]


def to_follow(
    markets: Iterable[Market], fund: int, now: int, last: Mapping[int, int], rules: FollowRules
) -> list[int]:
    """Ids of the markets that a follow would change enough and that have rested long enough.

    `fund` is the insurance fund's cash, `last` when the keeper followed a market. A goal that
    somebody else has set counts as a follow: capacity alone, moved within its hour, would only
    put off the next goal.
    """
    found = []
    for market_id, risk, volatility in markets:
        rested = max(last.get(market_id, 0), risk.factor_start)
        if now < rested + rules.seconds:
            continue
        if _matters(risk, followed(risk, volatility, max(fund, 0), now), rules):
            found.append(market_id)
    return found


def _matters(before: Risk, after: Risk, rules: FollowRules) -> bool:
    """Whether a follow is worth its gas: a large change, or a word that costs its readers less."""
    if after.ramp_start != before.ramp_start:
        return True
    if after.factor_to == before.factor_to:
        is_goal = after.factor_from != before.factor_from
    else:
        # At its least the factor costs readers nothing, so that the last step down counts.
        is_last = after.factor_to == FACTOR_UNIT
        is_goal = is_last or _is_large(before.factor_to, after.factor_to, rules)
    return is_goal or _is_large(before.capacity, after.capacity, rules)


def _is_large(before: int, after: int, rules: FollowRules) -> bool:
    return after != before and abs(after - before) * PPM >= before * rules.change_ppm


def to_call(rows: Iterable[Row], log: CallLog, block: int, rules: CallRules) -> list[int]:
    """Accounts between maintenance margin and the line that are not called yet, largest first."""
    found = [
        row
        for row in rows
        if row.status == MARGIN_CALL
        and row.maintenance >= rules.minimum
        and not log.is_called(row.account, block)
    ]
    return [row.account for row in sorted(found, key=lambda row: (-row.maintenance, row.account))]


class CallLog:
    """Which accounts are called, from MarginCall events of anybody and from what was seen since.

    Feed it by `advance` from `next_block` on, then by `look`. The newest blocks are read again, so
    that a call that a reorganisation removed is forgotten.
    """

    def __init__(
        self, first_block: int, repeat_blocks: int, reorg_blocks: int = REORG_BLOCKS
    ) -> None:
        """Calls before `first_block` are as good as never made."""
        self.next_block = first_block
        self._repeat_blocks = repeat_blocks
        self._reorg_blocks = reorg_blocks
        self._settled: dict[int, int] = {}
        self._recent: dict[int, int] = {}
        self._cured: dict[int, int] = {}

    def advance(self, events: Iterable[CallEvent], head: int) -> None:
        """Take all events of [next_block, head], in their order on the chain."""
        border = max(self.next_block, head - self._reorg_blocks + 1)
        self._recent = {}
        for event in events:
            calls = self._settled if event.block < border else self._recent
            calls[event.account] = event.block
        self.next_block = border

    def look(self, rows: Iterable[Row], block: int) -> None:
        """What all open accounts were at the end of a block: who is above the line is cured."""
        below = {row.account for row in rows if row.status >= MARGIN_CALL}
        for account in self._settled.keys() | self._recent.keys():
            if account not in below:
                self._cured[account] = block
        for account in self._cured.keys() - self._recent.keys():
            if not self.is_called(account, block):
                del self._cured[account]
                self._settled.pop(account, None)

    def is_called(self, account: int, block: int) -> bool:
        """Whether the latest call still stands at a block."""
        called = self._recent.get(account, self._settled.get(account))
        if called is None:
            return False
        return block < called + self._repeat_blocks or self._cured.get(account, -1) < called
