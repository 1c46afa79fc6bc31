"""What the replay writes down: every liquidation step with what it needed, and the positions.

Money and sizes are WAD integers. The book is kept from events alone, so that it can be held
against what the contracts say at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seawall.client.contract import Contract
from seawall.demo.opening import Positions
from seawall.keeper.planning import Row
from seawall.parameters import EngineSettings, Parameters
from seawall.rpc import Receipt
from seawall.spec.liquidation import (
    FUND,
    PARTIAL,
    WHOLE,
    EngineParameters,
    needed_notional,
    penalty,
)
from seawall.spec.margin import PlannedLeg
from seawall.spec.words import PPM, WAD


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
    deferred: int = 0
    legs: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shortfall(self) -> int:
        """What the account could not pay."""
        return self.from_fund + self.deferred

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
    """Positions and liquidation steps, from events."""

    def __init__(self, parameters: Parameters, engine: Contract, positions: Positions) -> None:
        """Start from the positions as they were opened."""
        self.positions = positions
        self.steps: list[StepRecord] = []
        self.transaction_gas: list[tuple[int, int]] = []
        self.lowered = 0
        self._engine = engine
        self._settings = engine_parameters(parameters.liquidation)
        self._rates = {market.market_id: market.maintenance for market in parameters.markets}

    def needed(self, row: Row, account: int, market_id: int, price: int) -> int:
        """Notional that one step has to close: x for close-out <= h, never above the leg itself.

        Below close-out each leg is needed whole.
        """
        held = abs(self.positions[account][market_id]) * price // WAD
        if row.equity * PPM < row.maintenance * self._settings.close_out:
            return held
        rate = penalty(self._settings, row.equity, row.maintenance)
        maintenance = self._rates[market_id]
        leg = PlannedLeg(market_id, True, 0, maintenance, maintenance, PPM, MAX_DEPTH, held)
        wanted = needed_notional(self._settings, row.equity, row.maintenance, leg, rate)
        return held if wanted is None else min(held, wanted)

    def record(
        self, minute: int, receipts: Sequence[Receipt], rows: Mapping[int, Row]
    ) -> list[StepRecord]:
        """Enter what the engine did in these transactions; `rows` are from just before them."""
        steps: list[StepRecord] = []
        for receipt in receipts:
            found = self._steps_of(minute, receipt, rows)
            if found:
                self.transaction_gas.append((int(receipt["gasUsed"], 16), len(found)))
            steps += found
        self.steps += steps
        return steps

    def compare(self, steps: Sequence[StepRecord], rows: Mapping[int, Row]) -> None:
        """Count partial steps after which h is lower; `rows` are from just after them."""
        for step in steps:
            before, after = step.before, rows[step.account]
            if step.stage == PARTIAL and after.maintenance:
                falls = after.equity * before.maintenance < before.equity * after.maintenance
                self.lowered += falls

    def _steps_of(self, minute: int, receipt: Receipt, rows: Mapping[int, Row]) -> list[StepRecord]:
        by_account: dict[int, StepRecord] = {}
        for log in receipt["logs"]:
            if log["address"].lower() != self._engine.address.lower():
                continue
            name, values = self._engine.event(log)
            if name not in ("Liquidated", "Absorbed"):
                continue
            account, stage = values["account"], values["stage"]
            step = by_account.setdefault(account, StepRecord(minute, account, stage, rows[account]))
            if name == "Liquidated":
                self._enter_leg(step, values)
            elif stage == FUND:
                step.from_fund += values["amount"]
            else:
                step.deferred += values["amount"]
        return list(by_account.values())

    def _enter_leg(self, step: StepRecord, leg: Mapping[str, Any]) -> None:
        market_id, size, price = leg["market_id"], leg["size"], leg["price"]
        step.needed += self.needed(step.before, step.account, market_id, price)
        closed = abs(size) * price // WAD
        step.closed += closed
        step.fee += leg["fee"]
        step.keeper_fee += leg["keeper_fee"]
        step.reserve += leg["reserve"]
        step.legs.append((market_id, closed))
        self.positions[step.account][market_id] -= size
        self.positions[leg["keeper"]][market_id] += size


__all__ = ["PARTIAL", "WHOLE", "Books", "StepRecord", "engine_parameters"]
