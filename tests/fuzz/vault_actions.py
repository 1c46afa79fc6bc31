"""Savers of the Backstop: in, all the way out, and what the vault promises them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS
from seawall.spec.state import Reverted
from seawall.spec.words import ids_of
from tests.fuzz import compare
from tests.fuzz.backend import Argument
from tests.fuzz.world import World

REDEEM, WITHDRAW = "redeem(uint256,address,address)", "withdraw(uint256,address,address)"


def _draw_saver(world: World, dice: Random) -> str:
    return dice.choice(list(world.savers.values()))


def _call(
    world: World,
    name: str,
    saver: str,
    signature: str,
    args: list[Argument],
    act: Callable[[], int],
) -> tuple[bool, int]:
    """A saver's call; whether it went through, and the answer."""
    passed, answer = world.send(name, saver, signature, args, act, world.backstop_vault)
    if passed:
        compare.expect_backer(world, saver)
    return passed, answer


def _moved(world: World, saver: str, tokens: int) -> None:
    """So many native units went from a saver to the house; buckets may have given some."""
    world.wallets[0, saver] -= tokens
    world.wallets[0, world.house] += tokens
    compare.expect_wallet(world, 0, saver)
    stop = world.stop
    for market_id in ids_of(stop.open):
        name, word = f"bucket {market_id}", stop.buckets[market_id].word
        world.expect(name, word, "bucket_word(uint256)", market_id, target=world.backstop)
    compare.touched(world, [stop.account(0), *map(stop.account, ids_of(stop.open))])


def _left(world: World, saver: str) -> None:
    """What was sent at once; the rest waits in the exit queue."""
    _moved(world, saver, -world.spec.sent)
    compare.touched(world, [world.queue_account])
    compare.expect_exits(world)
    world.verify()


def back(world: World, dice: Random) -> None:
    """Settlement tokens for shares of the Backstop."""
    saver = _draw_saver(world, dice)
    assets = dice.choice([int(10 ** dice.uniform(3, 12))] * 9 + [0, 1])
    passed, _ = _call(
        world,
        "back",
        saver,
        "deposit(uint256,address)",
        [assets, saver],
        lambda: world.backers.deposit(saver, assets, world.wallets[0, saver]),
    )
    if passed:
        _moved(world, saver, assets)


def _request(world: World, dice: Random, saver: str) -> None:
    free = world.backers.fund.balances.get(saver, 0)
    shares = dice.choice([free, free // 2, free // 3 + 1, 0, free + 1])
    _call(
        world,
        "request_backing",
        saver,
        "request_redeem(uint256)",
        [shares],
        lambda: world.backers.request_redeem(saver, shares),
    )


def _announce(world: World, saver: str) -> None:
    _call(world, "announce_backing", saver, "announce()", [], lambda: world.backers.announce(saver))


def _wait_until(world: World, time: int) -> None:
    if time > world.chain.time:
        world.warp(time - world.chain.time)


def _await_claim(world: World, dice: Random, saver: str) -> int:
    """Go all the way to a claim that is due, now and then a second short; the claimable."""
    queue = world.backers.fund.queue
    request = queue.get(saver)
    if request is None or request.lapses_at <= world.chain.time + CLAIM_DELAY_SECONDS + 1:
        world.count("backing lapsed", request is not None and request.due_at > 0)
        if not world.backers.fund.balances.get(saver, 0):
            back(world, dice)
        _request(world, dice, saver)
    request = world.backers.fund.queue.get(saver)
    if request is not None and not request.due_at:
        _wait_until(world, request.matures_at - dice.choice([1] * 9 + [2]))
        _announce(world, saver)
    request = world.backers.fund.queue.get(saver)
    if request is not None and request.due_at:
        _wait_until(world, request.due_at - dice.choice([1] * 9 + [2]))
    return world.backers.fund.claimable(saver, world.chain.time + 1)


def leave_backstop(world: World, dice: Random) -> None:
    """Shares whose claim is due for tokens, out of buckets where nothing else is free."""
    saver = _draw_saver(world, dice)
    ready = _await_claim(world, dice, saver)
    shares = dice.choice([_most(world, saver)] * 4 + [ready, ready // 2, ready + 1, 0])
    allotted = sum(one.allotted for _, one in world.stop.buckets.items())
    passed, _ = _call(
        world,
        "leave_backstop",
        saver,
        REDEEM,
        [shares, saver, saver],
        lambda: world.backers.redeem(saver, shares),
    )
    if passed:
        after = sum(one.allotted for _, one in world.stop.buckets.items())
        world.count("left out of buckets", after < allotted)
        world.count("left in part", shares < ready)
        _left(world, saver)


def withdraw_backing(world: World, dice: Random) -> None:
    """So many tokens for shares whose claim is due."""
    saver = _draw_saver(world, dice)
    ready = _await_claim(world, dice, saver)
    worth = world.backers.fund.preview_redeem(ready, saver)
    assets = dice.choice([worth, worth // 2, worth // 3, worth + 1, 1, 0])
    passed, _ = _call(
        world,
        "withdraw_backing",
        saver,
        WITHDRAW,
        [assets, saver, saver],
        lambda: world.backers.withdraw(saver, assets),
    )
    if passed:
        _left(world, saver)


def _most(world: World, saver: str) -> int:
    """What the vault says can be claimed now: no less is refused, and no more is promised."""
    world.spec.now = world.chain.time
    total = world.spec.totals
    try:
        world.backers.see()
        room = world.stop.exit_room()
    except (Reverted, ArithmeticError):
        return 0
    most = world.backers.fund.max_redeem(saver, world.chain.time, total.held, total.deferred, room)
    target = world.backstop_vault
    world.expect(f"most of {saver}", most, "maxRedeem(address)", saver, target=target)
    world.expect("room to exit", room, "exit_room()", target=world.backstop)
    world.verify()
    return most
