"""What to liquidate, in which order and in which transactions: data in, data out.

Rows come from `Lens.health_many`, steps from `LiquidationEngine.plan_step`. Money is WAD, rates are
parts per million. Nothing here knows a node: the bot and the demo share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from seawall.spec.step_plan import WHOLE, Step
from seawall.spec.words import PPM

# Status of Lens, those a keeper acts on.
BELOW_MAINTENANCE = 4
BELOW_CLOSE_OUT = 5
BANKRUPT = 6

#: Longest batch that `liquidate_many` takes.
MAX_BATCH = 32


class Row(NamedTuple):
    """One account as Lens sees it; an account below its lines without legs has maintenance 0."""

    account: int
    status: int
    equity: int
    maintenance: int


class Candidate(NamedTuple):
    """An account that is due, what `liquidate` would do to it now, and its markets.

    Without markets given, a step on several of them may be on any that has a rate.
    """

    row: Row
    step: Step
    markets: tuple[int, ...] = ()

    @property
    def is_divisible(self) -> bool:
        """Whether a keeper may take less than the step: of a solvent account always."""
        return self.step.stage != WHOLE or self.row.equity > 0

    @property
    def touched(self) -> tuple[int, ...]:
        """Markets that a step may hand over; a slice in place of a whole close may be of any."""
        return (self.step.market_id,) if self.step.market_id else self.markets


@dataclass(frozen=True)
class Limits:
    """What a keeper allows itself.

    `use_ppm` of its free initial margin is spent per round; `max_notional` bounds the notional of a
    round (None: no bound); `batch` accounts go into one transaction.
    """

    batch: int = 16
    use_ppm: int = 900_000
    max_notional: int | None = None
    cooldown_blocks: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= MAX_BATCH:
            raise ValueError(f"batch: {self.batch} is outside 1 to {MAX_BATCH}")
        if not 0 < self.use_ppm <= PPM:
            raise ValueError(f"margin_use: {self.use_ppm} of a million is outside 1 to {PPM}")
        if self.max_notional is not None and self.max_notional <= 0:
            raise ValueError(f"max_notional: {self.max_notional} is not above 0")
        if self.cooldown_blocks < 0:
            raise ValueError(f"cooldown_blocks: {self.cooldown_blocks} is negative")


@dataclass(frozen=True)
class KeeperMargin:
    """The keeper's own room: adverse equity above its initial margin (WAD), rates per market."""

    free: int
    initial_rates: Mapping[int, int]

    def needed(self, candidate: Candidate, notional: int) -> int:
        """Initial margin for notional taken over of an account with a rate, rounded up.

        An upper bound: it counts neither the fee earned nor legs that offset the keeper's own.
        """
        return -(-notional * self.rate(candidate) // PPM)

    def rate(self, candidate: Candidate) -> int:
        """The highest initial rate of the markets that a step touches; 0 where one has none."""
        rates = self.initial_rates
        found = [rates.get(one, 0) for one in candidate.touched or rates]
        return max(found) if found and all(found) else 0


@dataclass(frozen=True)
class Action:
    """One transaction: `many` by liquidate_many, or `one` up to `limit` by liquidate."""

    kind: str
    accounts: tuple[int, ...]
    notional: int = 0
    keeper_fee: int = 0
    limit: int = 0

    @property
    def targets(self) -> tuple[int, ...]:
        """Accounts that it is for."""
        return self.accounts


@dataclass
class Plan:
    """Transactions in the order to be sent, and the accounts left out with the reason."""

    actions: list[Action] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)


class Cooldown:
    """Accounts to leave alone until a block, after an attempt failed."""

    def __init__(self, blocks: int) -> None:
        """Each failure rests an account for this many blocks."""
        self._blocks = blocks
        self._until: dict[int, int] = {}

    def rest(self, accounts: Iterable[int], block: int) -> None:
        """An attempt at these accounts failed at a block."""
        self._until.update(dict.fromkeys(accounts, block + self._blocks))

    def resting(self, block: int) -> set[int]:
        """Accounts not to be tried at a block; those whose rest is over are forgotten."""
        self._until = {one: until for one, until in self._until.items() if until > block}
        return set(self._until)


def due(rows: Iterable[Row]) -> list[Row]:
    """Rows to act on, worst first: bankrupt, below close-out, below maintenance; by equity within.

    Bankrupt ones by depth of the shortfall, the others by margin ratio.
    """
    return sorted((row for row in rows if row.status >= BELOW_MAINTENANCE), key=_severity)


def solvent(rows: Iterable[Row]) -> list[Row]:
    """Rows whose account a keeper may take over: those with equity above zero."""
    return [row for row in rows if row.status != BANKRUPT and row.equity > 0]


def plan(candidates: Iterable[Candidate], keeper: KeeperMargin, limits: Limits) -> Plan:
    """Cut what is due into transactions that the keeper's margin allows, in the order given.

    Accounts that fit whole share batches. A partial liquidation that does not fit is cut to the
    room left, as is a whole close of a solvent account; smaller ones behind it are still taken.
    """
    found = Plan()
    room = _Room(keeper, limits)
    batch: list[Candidate] = []
    for candidate in candidates:
        row, step = candidate.row, candidate.step
        if step.notional == 0:
            found.skipped[row.account] = "no usable price"
        elif not keeper.rate(candidate):
            found.skipped[row.account] = "no initial rate of a market"
        elif room.holds(candidate):
            room.take(candidate, step.notional)
            batch.append(candidate)
        elif slice_ := room.slice_of(candidate):
            room.take(candidate, slice_.notional)
            found.actions.append(slice_)
        else:
            found.skipped[row.account] = "beyond the keeper's margin or limit"
    starts = range(0, len(batch), limits.batch)
    found.actions[:0] = [_many(batch[start : start + limits.batch]) for start in starts]
    return found


def halves(action: Action, steps: Mapping[int, Step]) -> list[Action]:
    """A batch that failed, as two that may not; empty for a single account."""
    if len(action.accounts) < 2:
        return []
    middle = len(action.accounts) // 2
    parts = action.accounts[:middle], action.accounts[middle:]
    return [
        Action(
            action.kind,
            part,
            sum(steps[one].notional for one in part),
            sum(steps[one].keeper_fee for one in part),
        )
        for part in parts
    ]


def gas_cost(gas: int, gas_price: int, native_price: int) -> int:
    """What gas costs (WAD money, rounded up).

    `gas_price` in wei, `native_price` WAD money per native token.
    """
    return -(-gas * gas_price * native_price // 10**18)


def _severity(row: Row) -> tuple[int, int, int]:
    if row.status == BANKRUPT or row.maintenance == 0:
        return (-row.status, row.equity, row.account)
    return (-row.status, row.equity * 10**18 // row.maintenance, row.account)


def _many(batch: list[Candidate]) -> Action:
    accounts = tuple(one.row.account for one in batch)
    notional = sum(one.step.notional for one in batch)
    return Action("many", accounts, notional, sum(one.step.keeper_fee for one in batch))


class _Room:
    """What a keeper may still take over in one round: initial margin and notional (WAD)."""

    def __init__(self, keeper: KeeperMargin, limits: Limits) -> None:
        self._keeper = keeper
        self._margin = max(keeper.free, 0) * limits.use_ppm // PPM
        self._notional = limits.max_notional

    def largest(self, candidate: Candidate) -> int:
        """Most notional of an account with a rate that still fits, rounded down."""
        by_margin = self._margin * PPM // self._keeper.rate(candidate)
        return by_margin if self._notional is None else min(by_margin, self._notional)

    def holds(self, candidate: Candidate) -> bool:
        return candidate.step.notional <= self.largest(candidate)

    def take(self, candidate: Candidate, notional: int) -> None:
        self._margin -= self._keeper.needed(candidate, notional)
        if self._notional is not None:
            self._notional -= notional

    def slice_of(self, candidate: Candidate) -> Action | None:
        """The part that fits; none where all legs must close at once.

        Its fee is an estimate: which leg a slice of a whole close takes, the engine finds.
        """
        step, limit = candidate.step, self.largest(candidate)
        # A slice below one percent of the step costs more gas than it helps.
        if not candidate.is_divisible or limit * 100 < step.notional:
            return None
        fee = step.keeper_fee * limit // step.notional
        return Action("one", (candidate.row.account,), limit, fee, limit)
