"""Cases that the random machine found, kept small."""

from __future__ import annotations

from seawall.spec.clearinghouse import Change
from seawall.spec.risk import RESERVE_UNIT
from seawall.spec.words import LONG, WAD
from tests.fuzz import compare
from tests.fuzz.clearing_actions import deposit_to, owner_name
from tests.fuzz.close_out_actions import CLOSE_OUT_CALL
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm
from tests.fuzz.stage import ANCHORS, deploy, market_reserve
from tests.fuzz.trading import trade
from tests.fuzz.world import World

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
        lambda: list(spec.withdraw(int(owner, 16), trader, 0, 10)),
    )

    assert paid == (True, 9)
    assert tuple(spec.totals) == (TOKEN_UNIT, loss, 0)
    compare.touched(world, [trader, pauper])


def test_trade_leaves_no_leg_without_size() -> None:
    chain = Revm(compiled())
    deploy(chain)
    world = World(chain)
    trader, maker, hedger = world.accounts[0], *world.accounts[2:5:2]
    size, closed, price = WAD, 3 * WAD // 10, ANCHORS[MARKET]
    for account in (trader, maker, hedger):
        deposit_to(world, account, 0, 10**10)
    _trade(world, "dealer", trader, maker, size, price)
    _trade(world, "broker", maker, LONG, closed, price)

    # All but one unit of what is left: the share that stays would be worth no unit.
    _trade(world, "dealer", hedger, trader, size - closed - 1, price)

    assert world.spec.ledger.accounts[trader].bitmap == 0
    compare.touched(world, [trader], [MARKET])


def test_close_out_leg_that_lost_its_size_pays_its_reserve_once() -> None:
    chain = Revm(compiled())
    deploy(chain)
    world = World(chain)
    trader, maker, hedger, keeper = world.accounts[0], *world.accounts[2:7:2]
    price = ANCHORS[MARKET]
    for account in (trader, maker, hedger, keeper):
        deposit_to(world, account, 0, 10**10)
    _trade(world, "dealer", hedger, maker, WAD, price)
    _trade(world, "broker", trader, maker, 1, price)
    # The side's fall takes the only unit; the leg goes on standing.
    _trade(world, "broker", maker, LONG, WAD // 2, price)
    broker, spec = chain.actor("broker"), world.spec
    amount = spec.ledger.accounts[trader].cash - WAD // 10
    assert world.send(
        "pay",
        broker,
        "pay(uint256,uint256,uint256,uint256)",
        [trader, maker, 0, amount],
        lambda: spec.pay(broker, trader, maker, 0, amount),
    )[0]
    assert spec.portfolio(trader)[1][0][2] == 0

    before = spec.ledger.accounts[keeper].cash
    outcomes = [
        world.send(
            "resolve",
            chain.actor("keeper"),
            CLOSE_OUT_CALL,
            [trader, keeper],
            lambda: world.closer.close_out(trader, keeper),
            world.closer_address,
        )[0]
        for _ in range(3)
    ]

    assert outcomes == [True, False, False]
    assert spec.ledger.accounts[trader].bitmap == 0
    reserve = market_reserve(MARKET) * RESERVE_UNIT
    assert spec.ledger.accounts[keeper].cash - before <= reserve


def _trade(world: World, module: str, buyer: int, seller: int, size: int, price: int) -> None:
    """A fill at a price; account 1 as the seller stands for the whole long side."""
    money = size * price // WAD
    changes = [Change(buyer, size, -money, 0, 1), Change(seller, -size, money, 0, 1)]
    if module == "broker":
        changes = [change._replace(gate=0) for change in changes]
    assert trade(world, "fill", module, MARKET, changes)
