"""What a wei of rounding decides where it should not; cases kept small."""

from __future__ import annotations

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.margin import Price
from seawall.spec.words import GATE_MARGIN_RULE, LOT, MAX_HALF_WIDTH, WAD
from tests.fuzz.clearing_actions import deposit_to
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm
from tests.fuzz.stage import ANCHORS, deploy
from tests.fuzz.trading import trade
from tests.fuzz.world import World

MARKET = 1
TICK = 10**6
#: Off the grid of whole money by one tick for every unit of size that is off the lot.
PRICE = ANCHORS[MARKET] + TICK
ON_LOT = 10**5 * LOT


@pytest.fixture
def world() -> World:
    """A trader is long against a maker, in a market whose feed has fallen silent."""
    chain = Revm(compiled())
    deploy(chain)
    made = World(chain)
    made.set_price(MARKET, Price(PRICE))
    for account in (made.accounts[0], made.accounts[2]):
        deposit_to(made, account, 0, 10**10)
    assert _fill(made, made.accounts[0], made.accounts[2], WAD)
    made.set_price(MARKET, Price(PRICE, half_width=MAX_HALF_WIDTH))
    return made


def _fill(world: World, buyer: int, seller: int, size: int) -> bool:
    """At the index, rounded as the Exchange does for a maker who sells: down."""
    money = size * PRICE // WAD
    changes = [
        Change(buyer, size, -money, 0, GATE_MARGIN_RULE),
        Change(seller, -size, money, 0, GATE_MARGIN_RULE),
    ]
    return trade(world, "fill", "dealer", MARKET, changes)


def test_trade_both_reduce_at_a_silent_index_passes(world: World) -> None:
    trader, maker = world.accounts[0], world.accounts[2]
    assert _fill(world, maker, trader, ON_LOT)


@pytest.mark.xfail(
    strict=True,
    reason="in a market without a price not a wei may be lost, not even to rounding",
)
def test_trade_both_reduce_off_the_lot_at_a_silent_index_passes(world: World) -> None:
    trader, maker = world.accounts[0], world.accounts[2]
    assert _fill(world, maker, trader, ON_LOT + 1)
