"""The rounds of a keeper: catch up, look, plan, try, send. Everything is read again each time.

A round may be repeated, skipped or run late without harm: what was liquidated in between is healthy
when it is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seawall.keeper.chain import Chain
from seawall.keeper.closing import MAX_CLOSED
from seawall.keeper.index import AccountIndex
from seawall.keeper.outbox import Mined, Outbox, work_off
from seawall.keeper.planning import (
    Action,
    Candidate,
    Cooldown,
    KeeperMargin,
    Limits,
    Row,
    due,
    gas_cost,
    halves,
    plan,
    solvent,
)
from seawall.keeper.purchases import PurchaseRules
from seawall.keeper.upkeep import CallRules, FollowRules
from seawall.spec.words import WAD

LIQUIDATE, CLOSE_OUT = "liquidate", "close_out"


@dataclass(frozen=True)
class Policy:
    """How a keeper acts: `min_profit` None liquidates at any gas cost; money WAD."""

    limits: Limits = field(default_factory=Limits)
    dry_run: bool = False
    min_profit: int | None = None
    native_price: int = 0
    replace_blocks: int = 3
    close_batch: int = MAX_CLOSED
    follows: FollowRules = field(default_factory=FollowRules)
    calls: CallRules = field(default_factory=CallRules)
    purchases: PurchaseRules = field(default_factory=PurchaseRules)

    def __post_init__(self) -> None:
        if not 1 <= self.close_batch <= MAX_CLOSED:
            raise ValueError(f"close_batch: {self.close_batch} is outside 1 to {MAX_CLOSED}")


@dataclass
class Report:
    """What a round of liquidations saw and did; reasons per account for what it left out.

    `is_news`: an account could not be read that could be the round before.
    """

    block: int
    accounts: int = 0
    due: int = 0
    waiting: int = 0
    mined: int = 0
    sent: list[Action] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    is_news: bool = False

    @property
    def targets(self) -> int:
        """Accounts that the transactions of this round are for."""
        return sum(len(action.accounts) for action in self.sent)

    def summary(self) -> str:
        """One line for a log; empty where nothing happened."""
        if not (self.due or self.mined or self.is_news):
            return ""
        line = f"block {self.block}: {self.accounts} open, {self.due} due"
        if self.sent:
            notional = sum(action.notional for action in self.sent) // WAD
            fee = money(sum(action.keeper_fee for action in self.sent))
            line += f", {self.targets} in {len(self.sent)} transactions"
            line += f" ({notional} notional, fee {fee})"
        if self.waiting:
            line += f", {self.waiting} waiting to be mined"
        return line + reasons(self.left_out)


def money(wad: int) -> str:
    """Dollars and cents of WAD money at least 0, rounded down."""
    cents = wad * 100 // WAD
    return f"{cents // 100}.{cents % 100:02d}"


def reasons(left_out: Mapping[int, str]) -> str:
    """How many were left out for which reason, as the end of a line."""
    text = ""
    for reason in sorted(set(left_out.values())):
        count = sum(one == reason for one in left_out.values())
        text += f"; {count} left out: {reason}"
    return text


class Watch:
    """Open accounts and what Lens says of them, read once a block for all jobs."""

    def __init__(self, chain: Chain, start_block: int) -> None:
        """Read nothing yet: the first `catch_up` replays the events."""
        self.chain = chain
        self.start_block = start_block
        self.index = AccountIndex(start_block)
        self._rows: tuple[int, list[Row]] = (-1, [])
        self._flat: set[int] = set()
        self.unread: set[int] = set()

    def catch_up(self) -> int:
        """Read the events up to the head of the chain, which is returned."""
        head = self.chain.rpc.block_number()
        self._flat |= self.index.advance(self.chain.events(self.index.next_block, head), head)
        self._rows = (-1, [])
        return head

    def rows(self, block: int) -> list[Row]:
        """All open accounts but the keeper's at the end of a block; `unread` could not be read."""
        if self._rows[0] != block:
            accounts = [one for one in self.index.accounts() if one != self.chain.keeper_account]
            self._rows = block, self.chain.rows(accounts, block)
            self.unread = set(accounts) - {row.account for row in self._rows[1]}
        return self._rows[1]

    def debtors(self, block: int) -> list[Row]:
        """Accounts that owe cash and hold no legs any more: they are remembered while they do, for
        collateral may fall."""
        self._flat -= {*self.index.accounts(), self.chain.keeper_account}
        owing = self.chain.owing(self._flat, block)
        self._flat = set(owing)
        return self.chain.rows(owing, block)


class Liquidator:
    """State between rounds of liquidations: cooldowns."""

    name = LIQUIDATE

    def __init__(self, watch: Watch, outbox: Outbox, policy: Policy) -> None:
        """Work on what the watch sees."""
        self._chain = watch.chain
        self._watch = watch
        self._outbox = outbox
        self._policy = policy
        self._cooldown = Cooldown(policy.limits.cooldown_blocks)
        self._unread: set[int] = set()

    def round(self, block: int, mined: Sequence[Mined]) -> Report:
        """One pass over all open accounts; `mined` is what has come of earlier ones."""
        report = Report(block, mined=len(mined))
        self._cooldown.rest(failed(mined), block)
        rows = self._watch.rows(block)
        todo = solvent(due(rows))
        report.accounts, report.due = len(rows), len(todo)
        busy = self._outbox.targets(self.name) | self._outbox.targets(CLOSE_OUT)
        resting = self._cooldown.resting(block) - busy
        report.waiting = len(self._outbox.targets(self.name))
        report.left_out |= dict.fromkeys(self._watch.unread, "health reverts")
        report.is_news, self._unread = bool(self._watch.unread - self._unread), self._watch.unread
        report.left_out |= {row.account: "cooling down" for row in todo if row.account in resting}
        wanted = [row for row in todo if row.account not in busy | resting]
        candidates = self._chain.candidates(wanted, block)
        planned = {candidate.row.account for candidate in candidates}
        unplanned = [row.account for row in wanted if row.account not in planned]
        report.left_out |= dict.fromkeys(unplanned, "plan reverts")
        if candidates:
            self._act(candidates, report)
        return report

    def _act(self, candidates: Sequence[Candidate], report: Report) -> None:
        touched = {market_id for candidate in candidates for market_id in candidate.touched}
        margin = self._chain.margin(report.block, touched)
        free = KeeperMargin(margin.free - self._outbox.reserved(), margin.initial_rates)
        planned = plan(candidates, free, self._policy.limits)
        report.left_out |= planned.skipped
        by_account = {candidate.row.account: candidate for candidate in candidates}
        steps = {account: candidate.step for account, candidate in by_account.items()}

        def send(action: Action) -> str:
            return self._send(action, _margin_of(action, by_account, margin), report)

        refused = work_off(planned.actions, send, lambda action: halves(action, steps))
        self._cooldown.rest(refused, report.block)
        report.left_out |= refused

    def _send(self, action: Action, needed: int, report: Report) -> str:
        """Try and send one action; the reason if it was not sent."""
        tried = self._outbox.attempt(action, report.block)
        if tried.reason:
            return tried.reason
        if step := tried.trial.step:
            action = replace(action, notional=step.notional, keeper_fee=step.keeper_fee)
        if self._is_unprofitable(action, tried.trial.gas, tried.gas_price):
            return "keeper fee below the cost of gas"
        reason = self._outbox.send(self.name, action, tried, report.block, needed)
        if not reason:
            report.sent.append(action)
        return reason

    def _is_unprofitable(self, action: Action, gas: int, gas_price: int) -> bool:
        policy = self._policy
        if policy.min_profit is None:
            return False
        return action.keeper_fee - gas_cost(gas, gas_price, policy.native_price) < policy.min_profit


def failed(mined: Iterable[Mined]) -> list[int]:
    """Targets of transactions that reverted."""
    return [target for one in mined if not one.worked for target in one.targets]


def _margin_of(action: Action, candidates: Mapping[int, Candidate], keeper: KeeperMargin) -> int:
    """Initial margin that the keeper will need for an action (WAD)."""
    parts = [candidates[one] for one in action.accounts]
    if action.kind == "one":
        return keeper.needed(parts[0], action.notional)
    return sum(keeper.needed(one, one.step.notional) for one in parts)
