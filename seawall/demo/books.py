"""What the replay writes down: every liquidation step with what it needed, and the positions.

Money and sizes are WAD integers. The book is kept from events alone, so that it can be held
against what the contracts say at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seawall.demo.opening import Positions
from seawall.demo.venue import Handles
from seawall.keeper.planning import Row
from seawall.parameters import EngineSettings, Parameters
from seawall.rpc import Receipt
from seawall.spec.close_out import CHARGED, DEFERRED, FUND
from seawall.spec.margin import PlannedLeg
from seawall.spec.step_plan import PARTIAL, WHOLE, EngineParameters, needed_notional, penalty
from seawall.spec.words import LONG, PPM, RAY, SHORT, WAD


@dataclass
class StepRecord:
    """One step on one account. `needed` and `closed` notional, `before` its row just before.

    `legs` are (market id, notional closed).
    """

    minute: int
    account: int
    stage: int
    before: Row
    needed: int = 0
    closed: int = 0
    fee: int = 0
    keeper_fee: int = 0
    reserve: int = 0
    from_fund: int = 0
    charged: int = 0
    deferred: int = 0
    legs: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shortfall(self) -> int:
        """What the account could not pay."""
        return self.from_fund + self.charged + self.deferred

    @property
    def to_fund(self) -> int:
        """The fund's part of the fee."""
        return self.fee - self.keeper_fee


def engine_parameters(settings: EngineSettings) -> EngineParameters:
    """The deployed engine's settings as the specification takes them."""
    return EngineParameters(
        settings.target_buffer, settings.penalty_min, settings.penalty_max, settings.close_out,
        settings.keeper_share,
    )  # fmt: skip


#: Thousands of money: the legs of the crowd are below every depth.
MAX_DEPTH = 2**32 - 1


class Books:
    """Positions and liquidation steps, from events.

    A position is kept as its last event says; `sides` are the scales of whole sides, which shrink
    all their positions at once, and `scales` what a position's was at that event.
    """

    def __init__(self, parameters: Parameters, handles: Handles, positions: Positions) -> None:
        """Start from the positions as they were opened, before any side has shrunk."""
        self.positions = positions
        self.steps: list[StepRecord] = []
        self.transaction_gas: list[tuple[int, int]] = []
        self.lowered = 0
        self._handles = handles
        self._sides: dict[tuple[int, int], int] = defaultdict(lambda: RAY)
        self._scales: dict[tuple[int, int], int] = defaultdict(lambda: RAY)
        self._settings = engine_parameters(parameters.liquidation)
        self._rates = {market.market_id: market.maintenance for market in parameters.markets}

    def size(self, account: int, market_id: int) -> int:
        """Signed size (WAD) now, rounded towards minus infinity."""
        size = self.positions[account][market_id]
        side = LONG if size > 0 else SHORT
        return size * self._sides[market_id, side] // self._scales[account, market_id]

    def needed(self, row: Row, account: int, market_id: int, price: int) -> int:
        """Notional that one step has to close: x for close-out <= h, never above the leg itself.

        Below close-out each leg is needed whole.
        """
        held = abs(self.size(account, market_id)) * price // WAD
        if row.equity * PPM < row.maintenance * self._settings.close_out:
            return held
        rate = penalty(self._settings, row.equity, row.maintenance)
        maintenance = self._rates[market_id]
        leg = PlannedLeg(market_id, True, 0, maintenance, maintenance, PPM, MAX_DEPTH, held)
        wanted = needed_notional(self._settings, row.equity, row.maintenance, leg, rate)
        return held if wanted is None else min(held, wanted)

    def record(
        self,
        minute: int,
        receipts: Sequence[Receipt],
        rows: Mapping[int, Row],
        prices: Mapping[int, int],
    ) -> list[StepRecord]:
        """Enter what was liquidated in these transactions; `rows` are from just before them,
        `prices` (WAD) the index by market."""
        steps: list[StepRecord] = []
        for receipt in receipts:
            found = self._steps_of(minute, receipt, rows, prices)
            if found:
                self.transaction_gas.append((int(receipt["gasUsed"], 16), len(found)))
            steps += found
            self._enter_positions(receipt)
        self.steps += steps
        return steps

    def compare(self, steps: Sequence[StepRecord], rows: Mapping[int, Row]) -> None:
        """Count partial steps after which h is lower; `rows` are from just after them."""
        for step in steps:
            before, after = step.before, rows[step.account]
            if step.stage == PARTIAL and after.maintenance:
                falls = after.equity * before.maintenance < before.equity * after.maintenance
                self.lowered += falls

    def _steps_of(
        self,
        minute: int,
        receipt: Receipt,
        rows: Mapping[int, Row],
        prices: Mapping[int, int],
    ) -> list[StepRecord]:
        """Steps of one transaction, whose positions are not entered yet."""
        by_account: dict[int, StepRecord] = {}
        for leg in self._handles.engine.events(receipt["logs"], "Liquidated"):
            account = leg["account"]
            new = StepRecord(minute, account, leg["stage"], rows[account])
            self._enter_leg(by_account.setdefault(account, new), leg)
        return list(by_account.values()) + self._closes_of(minute, receipt, rows, prices)

    def _closes_of(
        self,
        minute: int,
        receipt: Receipt,
        rows: Mapping[int, Row],
        prices: Mapping[int, int],
    ) -> list[StepRecord]:
        """Whole accounts of one transaction that were closed without a keeper's margin."""
        closer, logs = self._handles.closer, receipt["logs"]
        steps, shortfalls = [], []
        for closed in closer.events(logs, "ClosedOut"):
            account = closed["account"]
            step = StepRecord(minute, account, WHOLE, rows[account])
            for market_id in self.positions[account]:
                notional = abs(self.size(account, market_id)) * prices[market_id] // WAD
                if notional:
                    step.legs.append((market_id, notional))
            step.needed = step.closed = sum(notional for _, notional in step.legs)
            step.fee, step.reserve = closed["fee"], closed["reserve"]
            steps.append(step)
            shortfalls.append(closed["shortfall"])
        paid = dict.fromkeys((FUND, CHARGED, DEFERRED), 0)
        for part in closer.events(logs, "ShortfallPaid"):
            paid[part["stage"]] += part["amount"]
        # A batch has one shortfall: what each stage paid is split over its accounts by theirs.
        funded, charged, deferred = (split(paid[one], shortfalls) for one in paid)
        for number, step in enumerate(steps):
            step.from_fund, step.charged = funded[number], charged[number]
            step.deferred = deferred[number]
        return steps

    def _enter_leg(self, step: StepRecord, leg: Mapping[str, Any]) -> None:
        market_id, size, price = leg["market_id"], leg["size"], leg["price"]
        step.needed += self.needed(step.before, step.account, market_id, price)
        closed = abs(size) * price // WAD
        step.closed += closed
        step.fee += leg["fee"]
        step.keeper_fee += leg["keeper_fee"]
        step.reserve += leg["reserve"]
        step.legs.append((market_id, closed))

    def _enter_positions(self, receipt: Receipt) -> None:
        """Positions and scales after a transaction, in the order of its events."""
        house = self._handles.house
        for log in receipt["logs"]:
            if log["address"].lower() != house.address.lower():
                continue
            name, values = house.event(log)
            if name == "PositionChanged":
                account, market_id, size = values["account"], values["market_id"], values["size"]
                self.positions[account][market_id] = size
                side = LONG if size > 0 else SHORT
                self._scales[account, market_id] = self._sides[market_id, side]
            elif name == "SideChanged":
                self._sides[values["market_id"], values["side"]] = values["scale"]


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in proportion to weights, the last with one gets what roundings leave."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    last = max(number for number, weight in enumerate(weights) if weight)
    parts[last] += amount - sum(parts)
    return parts


__all__ = ["PARTIAL", "WHOLE", "Books", "StepRecord", "engine_parameters"]
