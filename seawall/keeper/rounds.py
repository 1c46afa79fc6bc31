"""The rounds of a keeper: catch up, look, plan, try, send. Everything is read again each time.

A round may be repeated, skipped or run late without harm: what was liquidated in between is healthy
when it is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seawall.keeper.chain import Chain
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
)
from seawall.keeper.purchases import PurchaseRules
from seawall.keeper.upkeep import CallRules, FollowRules
from seawall.spec.liquidation import Step
from seawall.spec.words import WAD

LIQUIDATE = "liquidate"


@dataclass(frozen=True)
class Policy:
    """How a keeper acts: `min_profit` None liquidates at any gas cost; money WAD."""

    limits: Limits = field(default_factory=Limits)
    dry_run: bool = False
    min_profit: int | None = None
    native_price: int = 0
    replace_blocks: int = 3
    follows: FollowRules = field(default_factory=FollowRules)
    calls: CallRules = field(default_factory=CallRules)
    purchases: PurchaseRules = field(default_factory=PurchaseRules)


@dataclass
class Report:
    """What a round of liquidations saw and did; reasons per account for what it left out."""

    block: int
    accounts: int = 0
    due: int = 0
    waiting: int = 0
    mined: int = 0
    sent: list[Action] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)

    @property
    def targets(self) -> int:
        """Accounts that the transactions of this round are for."""
        return sum(len(action.accounts) for action in self.sent)

    def summary(self) -> str:
        """One line for a log; empty where nothing happened."""
        if not (self.due or self.mined):
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

    def catch_up(self) -> int:
        """Read the events up to the head of the chain, which is returned."""
        head = self.chain.rpc.block_number()
        self.index.advance(self.chain.events(self.index.next_block, head), head)
        self._rows = (-1, [])
        return head

    def rows(self, block: int) -> list[Row]:
        """All open accounts but the keeper's at the end of a block."""
        if self._rows[0] != block:
            accounts = [one for one in self.index.accounts() if one != self.chain.keeper_account]
            self._rows = block, self.chain.rows(accounts, block)
        return self._rows[1]


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

    def round(self, block: int, mined: Sequence[Mined]) -> Report:
        """One pass over all open accounts; `mined` is what has come of earlier ones."""
        report = Report(block, mined=len(mined))
        self._cooldown.rest(failed(mined), block)
        rows = self._watch.rows(block)
        todo = due(rows)
        report.accounts, report.due = len(rows), len(todo)
        busy = self._outbox.targets(self.name)
        resting = self._cooldown.resting(block) - busy
        report.waiting = len(busy)
        report.left_out |= {row.account: "cooling down" for row in todo if row.account in resting}
        candidates = self._chain.candidates(
            [row for row in todo if row.account not in busy | resting], block
        )
        if candidates:
            self._act(candidates, report)
        return report

    def _act(self, candidates: Sequence[Candidate], report: Report) -> None:
        margin = self._chain.margin(report.block)
        free = KeeperMargin(margin.free - self._outbox.reserved(), margin.initial_rates)
        planned = plan(candidates, free, self._policy.limits)
        report.left_out |= planned.skipped
        steps = {candidate.row.account: candidate.step for candidate in candidates}

        def send(action: Action) -> str:
            return self._send(action, _margin_of(action, steps, margin), report)

        refused = work_off(planned.actions, send, lambda action: halves(action, steps))
        self._cooldown.rest(refused, report.block)
        report.left_out |= refused

    def _send(self, action: Action, needed: int, report: Report) -> str:
        """Try and send one action; the reason if it was not sent."""
        tried = self._outbox.attempt(action, report.block)
        if tried.reason:
            return tried.reason
        if self._is_unprofitable(action, tried.trial.gas, tried.gas_price):
            return "keeper fee below the cost of gas"
        reason = self._outbox.send(self.name, action, tried, report.block, needed)
        if not reason:
            report.sent.append(action)
        return reason

    def _is_unprofitable(self, action: Action, gas: int, gas_price: int) -> bool:
        policy = self._policy
        if policy.min_profit is None or action.kind == "absorb":
            return False
        return action.keeper_fee - gas_cost(gas, gas_price, policy.native_price) < policy.min_profit


def failed(mined: Iterable[Mined]) -> list[int]:
    """Targets of transactions that reverted."""
    return [target for one in mined if not one.worked for target in one.targets]


def _margin_of(action: Action, steps: dict[int, Step], keeper: KeeperMargin) -> int:
    """Initial margin that the keeper will need for an action (WAD)."""
    if action.kind == "absorb":
        return 0
    if action.kind == "one":
        return keeper.needed(steps[action.accounts[0]].market_id, action.notional)
    parts = [steps[one] for one in action.accounts]
    return sum(keeper.needed(step.market_id, step.notional) for step in parts)
