"""Attacks that found a way once: around healings, exit tickets, silent markets, ten-dollar legs."""

from __future__ import annotations

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.margin import Price
from seawall.spec.words import (
    GATE_MARGIN_RULE,
    LOT,
    MAX_HALF_WIDTH,
    PPM,
    RATIO,
    WAD,
    account_id,
)
from tests.fuzz import compare, exit_actions
from tests.fuzz.backend import Call, words_of
from tests.fuzz.clearing_actions import deposit_to, owner_name
from tests.fuzz.close_out_actions import CLOSE_OUT_CALL
from tests.fuzz.creation import compiled
from tests.fuzz.module_actions import move_cash
from tests.fuzz.revm import Revm
from tests.fuzz.stage import ANCHORS, MAINTENANCE, WAIT_SECONDS, deploy
from tests.fuzz.trading import trade
from tests.fuzz.world import World

NATIVE = 10**12
USD = 10**6
HOUR = 3_600
#: At 40 and 41 dollars, rates 5 and 3 %.
MARKET, OTHER = 40, 41
SIZE = 1_000 * WAD
#: The least leg.
TEN_DOLLARS = (10 * WAD * WAD // ANCHORS[OTHER] // LOT + 1) * LOT


@pytest.fixture
def world() -> World:
    """The system without savings, on pyrevm."""
    chain = Revm(compiled())
    deploy(chain)
    return World(chain)


def _account(world: World, name: str, dollars: int, sub: int = 0) -> int:
    account = account_id(world.owners[name], sub)
    if dollars:
        deposit_to(world, account, 0, dollars * USD)
    return account


def _fill(world: World, long: int, short: int, market_id: int, size: int) -> None:
    """At the index."""
    money = size * world.prices[market_id].price // WAD
    changes = [
        Change(long, size, -money, 0, GATE_MARGIN_RULE),
        Change(short, -size, money, 0, GATE_MARGIN_RULE),
    ]
    assert trade(world, "fill", "dealer", market_id, changes)


def _index(world: World, market_id: int, price: int, average: int = 0, width: int = 0) -> None:
    """An index, its average where it was or with it."""
    ratio = average * RATIO // price if average else RATIO
    world.set_price(market_id, Price(price, world.chain.time, ema_ratio=ratio, half_width=width))


def _close(world: World, account: int, keeper: int) -> None:
    assert world.send(
        "resolve",
        world.chain.actor("keeper"),
        CLOSE_OUT_CALL,
        [account, keeper],
        lambda: world.closer.close_out(account, keeper),
        world.closer_address,
    )[0]
    compare.touched(world, world.everyone)


def _withdraw(world: World, account: int, native: int) -> None:
    owner = owner_name(world, account)
    passed, paid = world.send(
        "withdraw",
        owner,
        "withdraw(uint256,uint256,uint256,address)",
        [account, 0, native, owner],
        lambda: list(world.spec.withdraw(int(owner, 16), account, 0, native, int(owner, 16))),
    )
    assert passed
    world.wallets[0, owner] += paid
    world.wallets[0, world.house] -= paid


def _in_wallet(world: World, account: int) -> int:
    """Dollars in the wallet of an account's owner."""
    owner = int(owner_name(world, account), 16)
    (answer,) = world.chain.view(
        [Call(world.chain.addr("token 0"), "balanceOf(address)", (owner,))]
    )
    assert answer is not None
    return words_of(answer)[0] // USD


def _equity(world: World, account: int) -> int:
    return world.spec.assess(account).equity


@pytest.mark.parametrize("close_first", (True, False))
def test_close_out_exit_ticket_pays_the_hole_of_its_account_first(
    world: World, close_first: bool
) -> None:
    """Attack: a gain at a false price waits to leave while its hole is paid by others."""
    victim, keeper = _account(world, "whale", 10**6), _account(world, "maker", 0)
    thief = _account(world, "trader", 2_500)
    before = _in_wallet(world, thief)
    _fill(world, thief, victim, MARKET, SIZE)
    _index(world, MARKET, 53 * WAD)
    _fill(world, victim, thief, MARKET, SIZE)
    _fill(world, thief, victim, MARKET, SIZE)
    _withdraw(world, thief, 12_000 * USD)
    world.warp(WAIT_SECONDS // 2)
    _index(world, MARKET, 40 * WAD)
    if close_first:
        _close(world, thief, keeper)
    world.warp(WAIT_SECONDS)
    assert exit_actions.serve(world, 5) >= 1
    if not close_first:
        _close(world, thief, keeper)
    assert world.spec.totals.deferred == 0
    assert _in_wallet(world, thief) - before == 2_500
    assert _equity(world, victim) >= (10**6 - 2) * WAD


def test_close_out_beside_a_silent_market_charges_who_won(world: World) -> None:
    """Attack: a least leg in a market that is silent for a moment moves the bill to strangers."""
    friend, keeper = _account(world, "maker", 50_000), _account(world, "hedger", 0)
    long, short = _account(world, "whale", 50_000), _account(world, "whale", 50_000, 1)
    _fill(world, long, short, OTHER, SIZE)
    thief = _account(world, "trader", 2_500)
    _fill(world, thief, friend, MARKET, SIZE)
    _fill(world, thief, short, OTHER, TEN_DOLLARS)
    thief_had, friend_had, short_had = (_equity(world, one) for one in (thief, friend, short))
    _index(world, MARKET, 32 * WAD, average=40 * WAD)
    _index(world, OTHER, ANCHORS[OTHER], width=MAX_HALF_WIDTH)

    _close(world, thief, keeper)
    # Beside the silent leg next to nothing is left to be paid.
    assert -WAD <= _equity(world, thief) <= 0
    _index(world, OTHER, ANCHORS[OTHER])
    _close(world, thief, keeper)

    assert _equity(world, short) >= short_had - WAD
    # What the friend won is what the thief had.
    assert _equity(world, friend) - friend_had <= thief_had + 2 * WAD
    assert world.spec.totals.deferred <= WAD


def test_close_out_old_holes_beside_least_legs_cost_a_stranger_cents(world: World) -> None:
    """Attack: one old hole after the other is claimed where a dollar was bet."""
    long, short = _account(world, "whale", 5_000), _account(world, "whale", 5_000, 1)
    other, keeper = _account(world, "maker", 50_000), _account(world, "hedger", 0)
    _fill(world, long, short, OTHER, SIZE)
    before, asked = _equity(world, short), 0
    for sub in range(2):
        account = _account(world, "trader", 3_000, sub)
        _fill(world, account, other, OTHER, TEN_DOLLARS)
        move_cash(world, account, other, 10_000 * WAD)
        _close(world, account, keeper)
        asked += TEN_DOLLARS * world.prices[OTHER].price // WAD * MAINTENANCE // PPM
    assert _equity(world, long) + _equity(world, short) >= 2 * before - asked - WAD
    assert world.spec.totals.deferred > 13_000 * WAD


def test_deposit_around_every_healing_gains_nothing(world: World) -> None:
    """Attack: a deposit while losses are deferred takes most of the next healing."""
    honest, keeper = _account(world, "whale", 200_000), _account(world, "maker", 0)
    debtor, thief = _account(world, "pauper", 0), _account(world, "trader", 0)
    move_cash(world, debtor, honest, 1_000 * WAD)
    _close(world, debtor, keeper)
    assert world.spec.totals.deferred == 1_000 * WAD
    move_cash(world, honest, world.fee_account, 100_000 * WAD)
    before = _in_wallet(world, thief)
    for _ in range(12):
        deposit_to(world, thief, 0, 10_000_000 * USD)
        assert world.send(
            "heal_slowly",
            world.chain.actor("keeper"),
            "heal()",
            [],
            world.closer.heal,
            world.closer_address,
        )[0]
        _withdraw(world, thief, world.spec.ledger.accounts[thief].cash // NATIVE)
        world.warp(HOUR)
    assert _in_wallet(world, thief) <= before
    assert world.spec.totals.deferred < 1_000 * WAD
