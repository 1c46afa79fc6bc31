"""Rounds that close accounts without a margin of the keeper's own, and start clocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seawall.keeper.closing import (
    Close,
    Flag,
    Hand,
    Holding,
    Terms,
    halves_of,
    plan_closing,
    wanted_of_buckets,
)
from seawall.keeper.outbox import Mined, Outbox, Tried, work_off
from seawall.keeper.planning import Cooldown, Row, due, gas_cost
from seawall.keeper.rounds import (
    CLOSE_OUT,
    LIQUIDATE,
    Policy,
    Watch,
    failed,
    money,
    reasons,
)


@dataclass
class CloseReport:
    """What a round of closes did; reasons by account for what it left out.

    `repeated`: nothing was sent and the same was left out the round before.
    """

    block: int
    closes: list[Close] = field(default_factory=list)
    hands: list[Hand] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    repeated: bool = False

    def summary(self) -> str:
        """One line for a log; empty where there is nothing new to tell."""
        line = f"block {self.block}: {CLOSE_OUT}"
        if self.closes:
            count = sum(len(one.accounts) for one in self.closes)
            reserve = money(sum(one.reserve for one in self.closes))
            line += f" {count} in {len(self.closes)} transactions (reserves {reserve})"
        if self.hands:
            line += f", {len(self.hands)} cut into buckets"
        if self.flags:
            line += f", {len(self.flags)} clocks started"
        if not (self.closes or self.hands or self.flags) and (self.repeated or not self.left_out):
            return ""
        return line + reasons(self.left_out)


class Closer:
    """State between rounds of closes: cooldowns, and what was left out last."""

    name = CLOSE_OUT

    def __init__(self, watch: Watch, outbox: Outbox, policy: Policy) -> None:
        """Work on what the watch sees."""
        self._chain = watch.chain
        self._watch = watch
        self._outbox = outbox
        self._policy = policy
        self._cooldown = Cooldown(policy.limits.cooldown_blocks)
        self._last: set[int] = set()

    def round(self, block: int, mined: Sequence[Mined]) -> CloseReport:
        """One pass over all due accounts; `mined` is what has come of earlier ones.

        Who is liquidated by a transaction on its way waits for what comes of it.
        """
        report = CloseReport(block)
        self._cooldown.rest(failed(mined), block)
        todo = due([*self._watch.rows(block), *self._watch.debtors(block)])
        busy = self._outbox.targets(self.name) | self._outbox.targets(LIQUIDATE)
        resting = self._cooldown.resting(block) - busy
        report.left_out |= {row.account: "cooling down" for row in todo if row.account in resting}
        wanted = [row for row in todo if row.account not in busy | resting]
        if wanted:
            self._act(wanted, report)
        report.repeated = report.left_out.keys() <= self._last
        self._last = set(report.left_out)
        return report

    def _act(self, rows: Sequence[Row], report: CloseReport) -> None:
        block = report.block
        holdings = self._chain.holdings(rows, block)
        read = {holding.account for holding in holdings}
        unread = [row.account for row in rows if row.account not in read]
        report.left_out |= dict.fromkeys(unread, "portfolio reverts")
        terms = self._terms(holdings, block)
        rooms = self._chain.rooms(block, wanted_of_buckets(holdings))
        planned = plan_closing(holdings, rooms, terms, self._policy.close_batch)

        def close(task: Close) -> str:
            return self._close(task, report)

        def hand(task: Hand) -> str:
            return self._hand(task, report)

        def flag(task: Flag) -> str:
            return self._flag(task, report)

        refused = work_off(planned.closes, close, halves_of)
        refused |= work_off(planned.hands, hand, lambda _: [])
        refused |= work_off(planned.flags, flag, lambda _: [])
        self._cooldown.rest(refused, block)
        report.left_out |= refused

    def _terms(self, holdings: Sequence[Holding], block: int) -> Terms:
        market_ids = {market_id for holding in holdings for market_id in holding.legs}
        return self._chain.terms(block, market_ids)

    def _close(self, task: Close, report: CloseReport) -> str:
        """Try and send one close; the reason if it was not sent."""
        tried = self._outbox.attempt(task, report.block)
        if tried.reason:
            return tried.reason
        if self._is_unprofitable(task.reserve, tried):
            return "keeper reserve below the cost of gas"
        reason = self._outbox.send(self.name, task, tried, report.block)
        if not reason:
            report.closes.append(task)
        return reason

    def _hand(self, task: Hand, report: CloseReport) -> str:
        """Try and send one slice to buckets; the reason if it was not sent."""
        tried = self._outbox.attempt(task, report.block)
        if tried.reason:
            return tried.reason
        step = tried.trial.step
        if step and self._is_unprofitable(step.keeper_fee + step.reserve, tried):
            return "keeper fee below the cost of gas"
        reason = self._outbox.send(self.name, task, tried, report.block)
        if not reason:
            report.hands.append(task)
        return reason

    def _is_unprofitable(self, earned: int, tried: Tried) -> bool:
        policy = self._policy
        cost = gas_cost(tried.trial.gas, tried.gas_price, policy.native_price)
        return policy.min_profit is not None and earned - cost < policy.min_profit

    def _flag(self, task: Flag, report: CloseReport) -> str:
        """Try and send one flag; the reason if it was not sent. It pays nothing by itself."""
        tried = self._outbox.attempt(task, report.block)
        reason = tried.reason or self._outbox.send(self.name, task, tried, report.block)
        if not reason:
            report.flags.append(task)
        return reason
