"""A hedge is not taken from a solvent account whose other leg has no price; found at random."""

from __future__ import annotations

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.margin import Price
from seawall.spec.step_plan import BANKRUPT, NOTHING
from seawall.spec.words import GATE_MARGIN_RULE, LOT, MAX_HALF_WIDTH, MAX_UINT256, PPM, WAD
from tests.fuzz import compare
from tests.fuzz.clearing_actions import owner_name, paid
from tests.fuzz.close_out_actions import CLOSE_OUT_CALL
from tests.fuzz.creation import compiled
from tests.fuzz.furnish import furnished
from tests.fuzz.revm import Revm
from tests.fuzz.stage import ANCHORS, ENGINE, MAIN_MARKETS
from tests.fuzz.trading import trade
from tests.fuzz.world import World

HEDGE, STALE = MAIN_MARKETS[:2]
#: Neither is beyond its market's depth.
NOTIONALS = {HEDGE: 2_000 * WAD, STALE: -20_000 * WAD}


@pytest.fixture
def world() -> World:
    """An account in portfolio mode, long the one market and short the other, which falls silent."""
    made = furnished(Revm(compiled()))
    trader, maker = made.accounts[1], made.accounts[6]
    for market_id, notional in NOTIONALS.items():
        size = notional * WAD // ANCHORS[market_id] // LOT * LOT
        money = paid(size, ANCHORS[market_id])
        changes = [
            Change(trader, size, money, 0, GATE_MARGIN_RULE),
            Change(maker, -size, -money, 0, GATE_MARGIN_RULE),
        ]
        assert trade(made, "fill", "dealer", market_id, changes)
    made.set_price(STALE, Price(ANCHORS[STALE], made.chain.time, half_width=MAX_HALF_WIDTH))
    return made


def _leave(world: World, equity: int) -> None:
    """A module takes the trader's cash until so much equity is left."""
    trader, receiver, broker = world.accounts[1], world.accounts[6], world.chain.actor("broker")
    margin = world.spec.assess(trader)
    amount = margin.equity - equity
    assert world.send(
        "pay",
        broker,
        "pay(uint256,uint256,uint256,uint256)",
        [trader, receiver, 0, amount],
        lambda: world.spec.pay(broker, trader, receiver, 0, amount),
    )[0]


def _liquidate(world: World) -> bool:
    trader, keeper = world.accounts[1], world.accounts[2]
    return world.send(
        "liquidate",
        owner_name(world, keeper),
        "liquidate(uint256,uint256,uint256)",
        [trader, keeper, MAX_UINT256],
        lambda: list(world.waterfall.liquidate(trader, keeper)),
        world.engine,
    )[0]


def test_liquidate_solvent_account_keeps_the_hedge_of_a_leg_without_price(world: World) -> None:
    trader = world.accounts[1]
    maintenance = world.spec.assess(trader).maintenance
    _leave(world, maintenance * ENGINE.close_out // PPM // 10)

    assert not world.waterfall.is_healthy(trader)
    assert world.waterfall.plan_step(trader).stage == NOTHING
    assert not _liquidate(world)
    assert world.counts["liquidate! liquidation: price stale"] == 1


def test_close_out_bankrupt_account_loses_the_hedge_too(world: World) -> None:
    trader, keeper = world.accounts[1], world.accounts[2]
    _leave(world, -2_000 * WAD)

    assert world.waterfall.plan_step(trader).stage == BANKRUPT
    assert world.send(
        "resolve",
        world.chain.actor("keeper"),
        CLOSE_OUT_CALL,
        [trader, keeper],
        lambda: world.closer.close_out(trader, keeper),
        world.closer_address,
    )[0]
    assert [leg[0] for leg in world.spec.portfolio(trader)[1]] == [STALE]
    compare.touched(world, [trader, keeper])
