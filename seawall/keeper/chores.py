"""Rounds of the jobs beside liquidation: parameters followed, margin called, collateral bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seawall.keeper.index import REORG_BLOCKS
from seawall.keeper.outbox import Mined, Outbox, guarded, work_off
from seawall.keeper.planning import Cooldown, gas_cost
from seawall.keeper.purchases import (
    TOO_DEAR,
    Purchase,
    at_least,
    budget,
    choose,
    least_worth_it,
)
from seawall.keeper.rounds import Policy, Watch, failed, money, reasons
from seawall.keeper.sender import GasPriceError
from seawall.keeper.upkeep import (
    MAX_FOLLOWED,
    CallLog,
    Follow,
    MarginCall,
    to_call,
    to_follow,
)

FOLLOW, CALL, CONVERT = "follow", "call", "convert"

#: Gas that no conversion is below (about 180,000 with two legs and one token): what cannot pay even
#: for that is not tried.
LEAST_GAS = 100_000
#: Blocks until the reason for leaving something out is told again.
REMIND_BLOCKS = 300


@dataclass
class ChoreReport:
    """What a round of one job did; reasons by account or market for what it left out."""

    job: str
    block: int
    sent: list[tuple[int, ...]] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    paid: int = 0
    worth: int = 0
    repeated: bool = False

    def summary(self) -> str:
        """One line for a log; empty where nothing was sent and the reasons are the old ones."""
        if not self.sent and (self.repeated or not self.left_out):
            return ""
        line = f"block {self.block}: {self.job}"
        if self.sent:
            count = sum(len(targets) for targets in self.sent)
            line += f" {count} in {len(self.sent)} transactions"
        if self.worth:
            line += f" ({money(self.paid)} paid for {money(self.worth)})"
        return line + reasons(self.left_out)


class _Chore:
    """What the jobs have in common: cooldowns, and reasons told once."""

    name = ""

    def __init__(self, watch: Watch, outbox: Outbox, policy: Policy) -> None:
        """Work on what the watch sees."""
        self._chain = watch.chain
        self._watch = watch
        self._outbox = outbox
        self._policy = policy
        self._cooldown = Cooldown(policy.limits.cooldown_blocks)
        self._told: dict[str, int] = {}

    def round(self, block: int, mined: Sequence[Mined]) -> ChoreReport:
        """One pass; `mined` is what has come of earlier ones."""
        report = ChoreReport(self.name, block)
        self._cooldown.rest(failed(mined), block)
        self._forget(failed(mined))
        self._act(report)
        self._cooldown.rest(report.left_out, block)
        report.repeated = not self._is_news(report)
        return report

    def _is_news(self, report: ChoreReport) -> bool:
        """Whether a reason to leave something out was not told for a while."""
        last = [self._told.get(reason) for reason in report.left_out.values()]
        news = any(one is None or one + REMIND_BLOCKS <= report.block for one in last)
        if news:
            self._told |= dict.fromkeys(report.left_out.values(), report.block)
        return news

    def _act(self, report: ChoreReport) -> None:
        raise NotImplementedError

    def _forget(self, targets: Sequence[int]) -> None:
        """Transactions for these have reverted."""

    def _idle(self, block: int) -> set[int]:
        """What is not to be touched now: on its way, or resting."""
        return self._outbox.targets(self.name) | self._cooldown.resting(block)

    def _send_all(self, tasks: Sequence[Follow | MarginCall], report: ChoreReport) -> None:
        """Try and send tasks that pay nothing; those that fail are halved."""

        def send(task: Follow | MarginCall) -> str:
            tried = self._outbox.attempt(task, report.block)
            reason = tried.reason or self._outbox.send(self.name, task, tried, report.block)
            if not reason:
                report.sent.append(task.targets)
            return reason

        report.left_out |= work_off(tasks, send, _halves)


class Follower(_Chore):
    """Parameters follow the market and the fund."""

    name = FOLLOW

    def __init__(self, watch: Watch, outbox: Outbox, policy: Policy) -> None:
        """No market is followed yet, as far as this keeper knows."""
        super().__init__(watch, outbox, policy)
        self._followed: dict[int, int] = {}

    def _act(self, report: ChoreReport) -> None:
        markets, fund = self._chain.markets(report.block, self._watch.index.markets())
        now = self._chain.time(report.block)
        rules, idle = self._policy.follows, self._idle(report.block)
        found = to_follow(markets, fund, now, self._followed, rules)
        wanted = [market_id for market_id in found if market_id not in idle]
        self._send_all([Follow(part) for part in _parts(wanted, MAX_FOLLOWED)], report)
        for targets in report.sent:
            self._followed |= dict.fromkeys(targets, now)

    def _forget(self, targets: Sequence[int]) -> None:
        for market_id in targets:
            self._followed.pop(market_id, None)


class Caller(_Chore):
    """Accounts between maintenance margin and the line are called for margin, once a call."""

    name = CALL

    def __init__(self, watch: Watch, outbox: Outbox, policy: Policy) -> None:
        """The first round reads the calls that still stand."""
        super().__init__(watch, outbox, policy)
        self._log: CallLog | None = None

    def _act(self, report: ChoreReport) -> None:
        block, rules = report.block, self._policy.calls
        if self._log is None:
            first = max(block - rules.blocks, self._watch.start_block)
            self._log = CallLog(first, rules.blocks)
        self._log.advance(self._chain.calls(self._log.next_block, block), block)
        rows = self._watch.rows(block)
        self._log.look(rows, block)
        idle = self._idle(block)
        wanted = [one for one in to_call(rows, self._log, block, rules) if one not in idle]
        parts = _parts(wanted, self._policy.limits.batch)
        self._send_all([MarginCall(part) for part in parts], report)
        # An account that is above the line again when it is called leaves no event behind.
        for targets in report.sent:
            self._cooldown.rest(targets, block)


class Converter(_Chore):
    """Collateral of accounts that owe the settlement token is bought at a discount."""

    name = CONVERT

    def __init__(self, watch: Watch, outbox: Outbox, policy: Policy) -> None:
        """The first round reads who ever got collateral."""
        super().__init__(watch, outbox, policy)
        self._holders: set[int] = set()
        self._next_block = watch.start_block

    def _act(self, report: ChoreReport) -> None:
        block, policy = report.block, self._policy
        self._holders |= self._chain.receivers(self._next_block, block)
        # Read again what a reorganisation may replace; one holder too many does no harm.
        self._next_block = max(self._next_block, block - REORG_BLOCKS + 1)
        idle = self._idle(block) | {self._chain.keeper_account}
        offers = self._chain.offers(sorted(self._holders - idle), block)
        if not offers:
            return
        try:
            cost = gas_cost(LEAST_GAS, self._outbox.sender.gas_price(), policy.native_price)
        except GasPriceError as error:
            report.left_out |= {offer.account: str(error) for offer in offers}
            return
        purse = self._chain.purse(block)
        rules, reserved = policy.purchases, self._outbox.reserved()
        room = budget(purse.cash, purse.free, policy.limits.use_ppm, reserved, rules)
        chosen = choose(offers, room, cost, rules)
        report.left_out |= chosen.skipped

        def buy(purchase: Purchase) -> str:
            return self._buy(purchase, report)

        for purchase in chosen.purchases:
            if reason := guarded(buy, purchase):
                report.left_out[purchase.account] = reason

    def _buy(self, purchase: Purchase, report: ChoreReport) -> str:
        """Try and send one purchase; the reason if it was not sent."""
        tried = self._outbox.attempt(purchase, report.block)
        if tried.reason:
            return tried.reason
        cost = gas_cost(tried.trial.gas, tried.gas_price, self._policy.native_price)
        least = least_worth_it(purchase, cost, self._policy.purchases)
        if least is None:
            return TOO_DEAR
        task = at_least(purchase, least)
        reason = self._outbox.send(self.name, task, tried, report.block, purchase.most)
        if not reason:
            report.sent.append(purchase.targets)
            report.paid += purchase.cash
            report.worth += purchase.worth
        return reason


def _parts(targets: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(targets[start : start + size]) for start in range(0, len(targets), size)]


def _halves(task: Follow | MarginCall) -> list[Follow | MarginCall]:
    """Two tasks instead of one; none for a single target."""
    if len(task.targets) < 2:
        return []
    middle = len(task.targets) // 2
    return [type(task)(task.targets[:middle]), type(task)(task.targets[middle:])]
