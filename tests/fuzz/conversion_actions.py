"""The converter: accounts that owe the settlement token, buyers who can and cannot pay."""

from __future__ import annotations

from random import Random

from seawall.spec.conversion import Conversion
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.state import Reverted
from seawall.spec.words import MAX_UINT256, WAD, ids_of
from tests.fuzz import compare, promises
from tests.fuzz.clearing_actions import owner_name
from tests.fuzz.compare import market_ids_of
from tests.fuzz.module_actions import move_cash
from tests.fuzz.stage import COLLATERAL, DECIMALS
from tests.fuzz.trading import send_trades, standings
from tests.fuzz.world import World

CONVERT = "convert(uint256,uint256,uint256,uint256,uint256,uint256)"
PLAN = "plan_conversion(uint256,uint256)"
#: What the debt is in comparison with the collateral, mostly.
DEBTS = (0.001, 0.05, 0.3, 0.7, 0.9, 0.97, 1.0, 1.3, 4.0)


def _tokens_of(world: World, account: int) -> list[int]:
    return [
        leg_id - 127 for leg_id in ids_of(world.spec.ledger.accounts[account].bitmap >> 128 << 128)
    ]


def _balance(world: World, account: int) -> int | None:
    """None where the account cannot be valued at all."""
    world.spec.now = world.chain.time
    try:
        return world.seller.settlement_balance(account)
    except (Reverted, ArithmeticError):
        return None


def _indebt(world: World, dice: Random, account: int) -> None:
    """A module takes cash until the account's collateral is all, or not even all, that it has."""
    balance = _balance(world, account)
    if balance is None:
        return
    worth = sum(
        world.prices[127 + token_id].price
        * world.spec.collateral[account, token_id]
        // 10 ** DECIMALS[token_id]
        for token_id in _tokens_of(world, account)
    )
    debt = int(worth * dice.choice(DEBTS)) + dice.choice([0, 1, dice.randrange(10**18)])
    amount = balance + debt
    receiver = dice.choice([one for one in world.accounts if one != account])
    if not 0 < amount < 2**110:
        return
    move_cash(world, account, receiver, amount)


def _plan(world: World, account: int, token_id: int) -> Conversion:
    """The plan for the next block; that of the latest is compared with the contract's."""
    world.spec.now = world.chain.time
    expected: tuple[int, ...] | None
    try:
        expected = tuple(world.seller.plan_conversion(account, token_id))
    except (Reverted, ArithmeticError):
        expected = None
    world.expect("plan", expected, PLAN, account, token_id, target=world.converter)
    world.verify()
    world.spec.now = world.chain.time + 1
    try:
        return world.seller.plan_conversion(account, token_id)
    except (Reverted, ArithmeticError):
        return Conversion()


def _draw_buyer(world: World, dice: Random, account: int) -> int:
    """Mostly somebody with money, sometimes the account itself."""
    # The fund's account is a contract's, which sends no transaction.
    if account in world.accounts and dice.random() < 0.03:
        return account
    rich = sorted(world.accounts, key=lambda one: -world.spec.ledger.accounts[one].cash)
    buyer = dice.choice([*rich[:3] * 6, *world.accounts])
    if buyer == account and dice.random() < 0.9:
        buyer = next(one for one in rich if one != account)
    return buyer


def _draw_amount(dice: Random, plan: Conversion) -> int:
    """All, exactly what the plan says or a unit beside it, a part, next to nothing."""
    part = max(1, plan.amount * dice.randrange(1, 100) // 100)
    near = max(1, plan.amount + dice.choice([-1, 1]))
    return dice.choice([MAX_UINT256, MAX_UINT256, plan.amount or 1, near, part, part, 1])


def _draw_limits(dice: Random, plan: Conversion, amount: int) -> tuple[int, int]:
    """Mostly none; sometimes what the plan says, or a unit of either less than enough."""
    least, most = 0, MAX_UINT256
    if amount >= plan.amount and dice.random() < 0.3:
        least = plan.amount + dice.choice([0, 0, 1])
        most = max(0, plan.cash - dice.choice([0, 0, 1]))
    return least, most


def _convert(world: World, dice: Random, account: int, token_id: int) -> None:
    buyer = _draw_buyer(world, dice, account)
    sender = owner_name(world, buyer)
    if dice.random() < 0.05:
        sender = world.chain.actor(dice.choice(["bot", "desk", "thief"]))
    plan = _plan(world, account, token_id)
    amount = _draw_amount(dice, plan) if dice.random() < 0.98 else 0
    least, most = _draw_limits(dice, plan, amount)
    before = standings(world, [account])[account]
    arguments = (account, token_id, amount, buyer, least, most)
    done: list[int] = []

    def predict() -> list[int]:
        done[:] = world.seller.convert(*arguments, actor=int(sender, 16))
        return done

    passed = send_trades(
        world, "convert", sender, CONVERT, arguments, predict, [buyer], world.converter
    )
    if not passed:
        return
    compare.touched(world, [account, buyer])
    for holder in (account, buyer):
        held, view = world.spec.collateral[holder, token_id], "collateral_of(uint256,uint256)"
        world.expect(f"collateral {token_id} of {holder:#x}", held, view, holder, token_id)
    promises.check_buyer(world, buyer)
    if before is None:
        return
    found = plan._replace(amount=done[0], cash=done[1])
    promises.check_conversion(world, account, before, token_id, found)
    world.count("converted to zero", plan.balance + done[1] >= 0)
    world.count("converted with legs", bool(market_ids_of(world, account)))
    world.count("converted while bankrupt", before.plan.equity <= 0)
    world.count("converted while impaired", world.spec.totals.deferred > 0)
    world.count("converted below par", world.prices[SETTLEMENT_ID].price < WAD)


def convert(world: World, dice: Random) -> None:
    """An account with collateral that owes something, or is made to."""
    holders = [a for a in [*world.accounts, world.fee_account] if _tokens_of(world, a)]
    if not holders:
        return
    owing = [a for a in holders if (_balance(world, a) or 0) < 0]
    account = dice.choice(owing if owing and dice.random() < 0.7 else holders)
    if account not in owing and account != world.fee_account:
        _indebt(world, dice, account)
    _convert(world, dice, account, dice.choice(_tokens_of(world, account)))


def convert_refused(world: World, dice: Random) -> None:
    """Any account and token: mostly nothing is owed or held."""
    account = dice.choice([*world.accounts, world.fee_account, world.collector, 1, 2])
    _convert(world, dice, account, dice.choice([*COLLATERAL, *COLLATERAL, 0, 2, 9, 2**255]))
