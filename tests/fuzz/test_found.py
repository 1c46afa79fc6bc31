"""Cases that the random machine found, kept small."""

from __future__ import annotations

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.words import LONG, WAD
from tests.fuzz import compare
from tests.fuzz.clearing_actions import deposit_to, owner_name
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm
from tests.fuzz.stage import ANCHORS, deploy
from tests.fuzz.trading import trade
from tests.fuzz.world import World, market_reserve

MARKET = 1

TOKEN_UNIT = 10**12


def test_withdraw_deferred_loss_below_one_native_unit_is_paid() -> None:
    # The cut rounds up to a native unit, which is more than the losses that are left.
    chain = Revm(compiled())
    deploy(chain)
    world = World(chain)
    trader, pauper = world.accounts[0], world.accounts[-1]
    owner, engine = owner_name(world, trader), world.chain.actor("broker")
    spec, loss = world.spec, 5

    assert world.send(
        "deposit",
        owner,
        "deposit(uint256,uint256,uint256)",
        [trader, 0, 10],
        lambda: spec.deposit(int(owner, 16), trader, 0, 10),
    )[0]
    assert world.send(
        "pay",
        engine,
        "pay(uint256,uint256,uint256,uint256)",
        [pauper, trader, 0, loss],
        lambda: spec.pay(engine, pauper, trader, 0, loss),
    )[0]
    assert world.send(
        "write_off",
        engine,
        "write_off(uint256)",
        [pauper],
        lambda: spec.write_off(engine, pauper),
    ) == (True, loss)
    paid = world.send(
        "withdraw",
        owner,
        "withdraw(uint256,uint256,uint256,address)",
        [trader, 0, 10, owner],
        lambda: spec.withdraw(int(owner, 16), trader, 0, 10),
    )

    assert paid == (True, 9)
    assert tuple(spec.totals) == (TOKEN_UNIT, loss, 0)
    compare.touched(world, [trader, pauper])


@pytest.mark.xfail(
    strict=True,
    reason="a leg with shares but no size survives its close, and each step pays its reserve",
)
def test_liquidate_leg_without_size_pays_its_reserve_once() -> None:
    # Needs a side whose scale has fallen, which no contract asks for yet.
    chain = Revm(compiled())
    deploy(chain)
    world = World(chain)
    trader, maker, hedger, keeper = world.accounts[0], *world.accounts[2:7:2]
    size, closed, price = WAD, 3 * WAD // 10, ANCHORS[MARKET]
    for account in (trader, maker, hedger, keeper):
        deposit_to(world, account, 0, 10**10)
    _trade(world, "dealer", trader, maker, size, price)
    _trade(world, "broker", maker, LONG, closed, price)
    # All but one unit of what is left: one share stays, and is worth no unit.
    _trade(world, "dealer", hedger, trader, size - closed - 1, price)
    assert world.spec.ledger.positions[trader, MARKET].shares == 1
    broker, left = chain.actor("broker"), WAD // 10
    amount = world.spec.ledger.accounts[trader].cash - left
    assert world.send(
        "pay",
        broker,
        "pay(uint256,uint256,uint256,uint256)",
        [trader, maker, 0, amount],
        lambda: world.spec.pay(broker, trader, maker, 0, amount),
    )[0]

    before = world.spec.ledger.accounts[keeper].cash
    for _ in range(3):
        world.send(
            "liquidate",
            owner_name(world, keeper),
            "liquidate(uint256,uint256,uint256)",
            [trader, keeper, 2**255],
            lambda: list(world.waterfall.liquidate(trader, keeper, 2**255)),
            world.engine,
        )

    assert world.spec.ledger.accounts[keeper].cash - before <= market_reserve(MARKET)


def _trade(world: World, module: str, buyer: int, seller: int, size: int, price: int) -> None:
    """A fill at a price; account 1 as the seller stands for the whole long side."""
    money = size * price // WAD
    changes = [Change(buyer, size, -money, 0, 1), Change(seller, -size, money, 0, 1)]
    if module == "broker":
        changes = [change._replace(gate=0) for change in changes]
    assert trade(world, "fill", module, MARKET, changes)
