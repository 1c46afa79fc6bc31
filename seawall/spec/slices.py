"""A slice of a liquidation against signed orders, brought by whoever has no capital.

The makers take the place of the keeper's account (`seawall.spec.liquidation`), each at its limit
price. What they are conceded comes out of the penalty: concession and fee together are at most what
a keeper's slice costs, so h does not fall. Prices better than the index are the account's gain.
Only in standard mode: in portfolio mode a slice spans all legs, and goes to keepers and buckets.
Rates are parts per million, money WAD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seawall.spec.clearinghouse import Change
from seawall.spec.exchange import Exchange, Signed
from seawall.spec.liquidation import REFUSALS, LiquidationEngine
from seawall.spec.state import require
from seawall.spec.step_plan import Step
from seawall.spec.words import GATE_NONE, MAX_UINT256, PPM


class Matched(NamedTuple):
    """What was done: `step.fee` is what is left of the penalty after the concession."""

    step: Step
    conceded: int


def liquidate_matched(
    engine: LiquidationEngine,
    exchange: Exchange,
    account: int,
    keeper: int,
    makers: Sequence[Signed],
    limit: int = MAX_UINT256,
) -> Matched:
    """A slice of one leg to makers; the keeper's share and the reserve to any account, in cash."""
    house = engine.clearinghouse
    with house.journal.transaction():
        require(account != keeper, "liquidation: own account")
        require(keeper >> 96 != 0, "account: unknown")
        require(not engine.is_healthy(account), "liquidation: healthy")
        step = engine.plan_step(account, limit, whole=False)
        require(step.stage not in REFUSALS, REFUSALS.get(step.stage, ""))
        require(step.market_id != 0, "liquidation: all legs")
        require(step.notional != 0, "liquidation: over limit")
        size = _signed_size(engine, account, step)
        taken = exchange.take(engine.ADDRESS, account, step.market_id, -size, step.price, makers)
        require(taken.conceded <= step.fee, "liquidation: over penalty")
        step = _after(step, step.fee - taken.conceded, engine.parameters.keeper_share)
        to_keeper = step.keeper_fee + step.reserve
        makers_changes = [
            Change(one.account, one.size, one.money, one.fee, one.gate) for one in taken.changes
        ]
        left = step.fee - step.keeper_fee
        changes = [
            *makers_changes,
            Change(account, -size, -taken.money - to_keeper, left, GATE_NONE),
            Change(keeper, 0, to_keeper, 0, GATE_NONE),
        ]
        house.trade(engine.ADDRESS, step.market_id, changes)
        if engine.flagged[account]:
            engine.flag(account)
        return Matched(step, taken.conceded)


def _signed_size(engine: LiquidationEngine, account: int, step: Step) -> int:
    """What the slice closes of its leg, signed as the leg."""
    sizes = {leg_id: size for leg_id, _, size in engine.clearinghouse.portfolio(account)[1]}
    return step.size if sizes[step.market_id] > 0 else -step.size


def _after(step: Step, fee: int, share: int) -> Step:
    """The step with what is left of its fee."""
    return step._replace(fee=fee, keeper_fee=fee * share // PPM)
