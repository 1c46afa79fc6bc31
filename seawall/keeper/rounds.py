"""One keeper round: catch up, look, plan, try, send. Everything is read again each time.

A round may be repeated, skipped or run late without harm: what was liquidated in between is healthy
when it is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seawall.keeper.chain import Chain, GasPriceError, Sender, Sent
from seawall.keeper.index import AccountIndex
from seawall.keeper.planning import (
    Action,
    Candidate,
    Cooldown,
    KeeperMargin,
    Limits,
    due,
    halves,
    plan,
    profit,
)
from seawall.rpc import Receipt, RpcError, succeeded
from seawall.spec.liquidation import Step
from seawall.spec.words import WAD

#: Gas beyond the estimate, in percent: prices may move between trial and block.
GAS_MARGIN = 30
#: Gas of reading one market's feeds (five at most). A trial on a block whose prices are refreshed
#: already does not see it; the transaction, in a later block, pays it.
REFRESH_GAS = 150_000


@dataclass(frozen=True)
class Policy:
    """How a keeper acts: `min_profit` None liquidates at any gas cost; money WAD."""

    limits: Limits = field(default_factory=Limits)
    dry_run: bool = False
    min_profit: int | None = None
    native_price: int = 0
    replace_blocks: int = 3


@dataclass
class Report:
    """What a round saw and did; reasons per account for what it left out."""

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
        """One line for a log."""
        line = f"block {self.block}: {self.accounts} open, {self.due} due"
        if self.sent:
            notional = sum(action.notional for action in self.sent) // WAD
            fee = sum(action.keeper_fee for action in self.sent) * 100 // WAD
            line += f", {self.targets} in {len(self.sent)} transactions"
            line += f" ({notional} notional, fee {fee // 100}.{fee % 100:02d})"
        if self.waiting:
            line += f", {self.waiting} waiting to be mined"
        for reason in sorted(set(self.left_out.values())):
            count = sum(one == reason for one in self.left_out.values())
            line += f"; {count} left out: {reason}"
        return line


@dataclass(frozen=True)
class _Pending:
    action: Action
    sent: Sent
    block: int
    margin: int


class Keeper:
    """State between rounds: the index of accounts, transactions on their way, cooldowns."""

    def __init__(self, chain: Chain, sender: Sender, policy: Policy, start_block: int) -> None:
        """Read nothing yet: the first round, or `catch_up`, replays the events."""
        self.chain = chain
        self.sender = sender
        self.policy = policy
        self.index = AccountIndex(start_block)
        self._cooldown = Cooldown(policy.limits.cooldown_blocks)
        self._pending: list[_Pending] = []

    def catch_up(self) -> int:
        """Read the events up to the head of the chain, which is returned."""
        head = self.chain.rpc.block_number()
        self.index.advance(self.chain.events(self.index.next_block, head), head)
        return head

    def round(self) -> Report:
        """One pass over all open accounts. Errors: RpcError, OSError; then nothing is lost."""
        report = Report(self.catch_up())
        report.mined = self._settle(report.block)
        accounts = [one for one in self.index.accounts() if one != self.chain.keeper_account]
        rows = self.chain.rows(accounts, report.block)
        todo = due(rows)
        report.accounts, report.due = len(rows), len(todo)
        busy = {one for pending in self._pending for one in pending.action.accounts}
        resting = self._cooldown.resting(report.block) - busy
        report.waiting = len(busy)
        report.left_out |= {row.account: "cooling down" for row in todo if row.account in resting}
        candidates = self.chain.candidates(
            [row for row in todo if row.account not in busy | resting], report.block
        )
        if candidates:
            self._act(candidates, report)
        return report

    def _act(self, candidates: Sequence[Candidate], report: Report) -> None:
        margin = self.chain.margin(report.block)
        # What is on its way will need margin that the chain does not show yet.
        reserved = sum(pending.margin for pending in self._pending)
        free = KeeperMargin(margin.free - reserved, margin.initial_rates)
        planned = plan(candidates, free, self.policy.limits)
        report.left_out |= planned.skipped
        steps = {candidate.row.account: candidate.step for candidate in candidates}
        queue = list(planned.actions)
        while queue:
            action = queue.pop(0)
            reason = self._send(action, steps, margin, report)
            if not reason:
                continue
            smaller = halves(action, steps)
            if not smaller:
                self._cooldown.rest(action.accounts, report.block)
                report.left_out |= dict.fromkeys(action.accounts, reason)
            queue[:0] = smaller

    def _send(
        self, action: Action, steps: dict[int, Step], margin: KeeperMargin, report: Report
    ) -> str:
        """Try and send one action; the reason if it was not sent."""
        trial = self.chain.attempt(action, self.sender.address, report.block)
        if trial.reason:
            return trial.reason
        try:
            price = self.sender.gas_price()
            if self._is_unprofitable(action, trial.gas, price):
                return "keeper fee below the cost of gas"
            if not self.policy.dry_run:
                gas = trial.gas * (100 + GAS_MARGIN) // 100
                gas += REFRESH_GAS * len(self.chain.market_ids)
                data = self.chain.calldata(action)
                sent = self.sender.send(self.chain.engine.address, data, gas)
                needed = _margin_of(action, steps, margin)
                self._pending.append(_Pending(action, sent, report.block, needed))
        except GasPriceError as error:
            return str(error)
        except RpcError as error:
            return error.reason or error.message
        report.sent.append(action)
        return ""

    def _is_unprofitable(self, action: Action, gas: int, gas_price: int) -> bool:
        policy = self.policy
        if policy.min_profit is None or action.kind == "absorb":
            return False
        return profit(action, gas, gas_price, policy.native_price) < policy.min_profit

    def _settle(self, block: int) -> int:
        """Forget what was mined, rest what reverted, outbid what is stuck; how many were mined."""
        mined, waiting = 0, []
        for pending in self._pending:
            receipt = self._receipt(pending, block)
            if receipt is None:
                waiting.append(self._outbid(pending, block))
                continue
            mined += 1
            if not succeeded(receipt):
                self._cooldown.rest(pending.action.accounts, block)
        self._pending = waiting
        return mined

    def _receipt(self, pending: _Pending, block: int) -> Receipt | None:
        """Receipt of whichever of the hashes was mined, up to a block: rows are of that block."""
        for one in pending.sent.hashes:
            receipt = self.chain.rpc.call("eth_getTransactionReceipt", one)
            if receipt is not None and int(receipt["blockNumber"], 16) <= block:
                return dict(receipt)
        return None

    def _outbid(self, pending: _Pending, block: int) -> _Pending:
        if block - pending.block < self.policy.replace_blocks:
            return pending
        try:
            again = self.sender.replace(pending.sent)
        except RpcError:
            # Mined this moment, or refused: the next round sees which.
            return pending
        if again is None:
            return pending
        return _Pending(pending.action, again, block, pending.margin)


def _margin_of(action: Action, steps: dict[int, Step], keeper: KeeperMargin) -> int:
    """Initial margin that the keeper will need for an action (WAD)."""
    if action.kind == "absorb":
        return 0
    if action.kind == "one":
        return keeper.needed(steps[action.accounts[0]].market_id, action.notional)
    parts = [steps[one] for one in action.accounts]
    return sum(keeper.needed(step.market_id, step.notional) for step in parts)
