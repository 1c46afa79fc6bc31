"""Cases that the random machine found, kept small."""

from __future__ import annotations

from tests.fuzz import compare
from tests.fuzz.clearing_actions import owner_name
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm
from tests.fuzz.stage import deploy
from tests.fuzz.world import World

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
