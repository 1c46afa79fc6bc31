"""Savers of the insurance fund, its covers, and gifts to it."""

from __future__ import annotations

from random import Random

from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS, Request
from tests.fuzz import compare
from tests.fuzz.world import World


def _draw_saver(world: World, dice: Random) -> str:
    return dice.choice(list(world.savers.values()))


def _check(world: World, saver: str, tokens: int) -> None:
    """Compare fund and saver after so many native units went from the saver to the house."""
    world.wallets[0, saver] -= tokens
    world.wallets[0, world.house] += tokens
    compare.expect_wallet(world, 0, saver)
    compare.expect_saver(world, saver)
    compare.touched(world, [world.fee_account])


def save(world: World, dice: Random) -> None:
    """Settlement tokens for shares."""
    assets = dice.choice([int(10 ** dice.uniform(0, 11))] * 9 + [0, 1])
    save_assets(world, _draw_saver(world, dice), assets)


def save_assets(world: World, saver: str, assets: int) -> None:
    """So many native units."""
    passed, _ = world.send(
        "save",
        saver,
        "deposit(uint256,address)",
        [assets, saver],
        lambda: world.savings.deposit(saver, assets, world.wallets[0, saver]),
        world.fund,
    )
    if passed:
        _check(world, saver, assets)


def save_for_shares(world: World, dice: Random) -> None:
    """So many shares, at their price."""
    saver = _draw_saver(world, dice)
    price = world.savings.fund.preview_deposit(1) + 1
    shares = dice.choice([price * dice.randrange(1, 10**9)] * 9 + [0, 1, dice.randrange(10**6)])
    passed, assets = world.send(
        "save_for_shares",
        saver,
        "mint(uint256,address)",
        [shares, saver],
        lambda: world.savings.mint(saver, shares, world.wallets[0, saver]),
        world.fund,
    )
    if passed:
        _check(world, saver, assets)


def _request(world: World, dice: Random, saver: str) -> None:
    free = world.savings.fund.balances.get(saver, 0)
    shares = dice.choice([free, free // 2, free // 3 + 1, 1, 0, free + 1])
    passed, _ = world.send(
        "request_redeem",
        saver,
        "request_redeem(uint256)",
        [shares],
        lambda: world.savings.request_redeem(saver, shares),
        world.fund,
    )
    if passed:
        _check(world, saver, 0)


def request_redeem(world: World, dice: Random) -> None:
    """Shares start to wait."""
    saver = _draw_saver(world, dice)
    if not world.savings.fund.balances.get(saver, 0):
        save(world, dice)
    _request(world, dice, saver)


def cancel_redeem(world: World, dice: Random) -> None:
    """Shares that wait come back."""
    saver = _draw_saver(world, dice)
    if saver not in world.savings.fund.queue and dice.random() < 0.9:
        request_redeem(world, dice)
    passed, _ = world.send(
        "cancel_redeem",
        saver,
        "cancel_redeem()",
        [],
        lambda: world.savings.cancel_redeem(saver),
        world.fund,
    )
    if passed:
        _check(world, saver, 0)


def _announce(world: World, saver: str) -> bool:
    passed, _ = world.send(
        "announce",
        saver,
        "announce()",
        [],
        lambda: world.savings.announce(saver),
        world.fund,
    )
    if passed:
        _check(world, saver, 0)
    return passed


def _matured(world: World, dice: Random, saver: str) -> None:
    """Wait until the saver may announce, or a second too short; at either end of the window."""
    if saver not in world.savings.fund.queue:
        if not world.savings.fund.balances.get(saver, 0):
            save(world, dice)
        _request(world, dice, saver)
    request = world.savings.fund.queue.get(saver)
    if request is None or request.due_at:
        return
    # The next call is a block after the wait.
    opens = request.matures_at - 1
    closes = request.lapses_at - CLAIM_DELAY_SECONDS - 1
    _wait_until(world, dice.choice([*[opens] * 8, opens - 1, closes - 1, closes]))


def _wait_until(world: World, time: int) -> None:
    """An empty block at that time, if it is still to come."""
    if time > world.chain.time:
        world.warp(time - world.chain.time)


def announce(world: World, dice: Random) -> None:
    """The price of shares that wait is noted."""
    saver = _draw_saver(world, dice)
    if dice.random() < 0.9:
        _matured(world, dice, saver)
    _announce(world, saver)


def _claimable(world: World, dice: Random, saver: str) -> int:
    """Wait until a claim of the saver's can be met, or a second too short; the claimable."""
    fund = world.savings.fund
    if not fund.claimable(saver, world.chain.time + 1) and dice.random() < 0.9:
        _announced(world, dice, saver)
        request = fund.queue.get(saver)
        if request is not None and request.due_at:
            _await_claim(world, dice, request)
    return world.savings.fund.claimable(saver, world.chain.time + 1)


def _announced(world: World, dice: Random, saver: str) -> None:
    """Bring the saver as far as an announcement; one that lapsed starts again."""
    request = world.savings.fund.queue.get(saver)
    if request is not None and request.lapses_at <= world.chain.time + CLAIM_DELAY_SECONDS + 1:
        world.count("claim lapsed", request.due_at > 0)
        _request(world, dice, saver)
    _matured(world, dice, saver)
    request = world.savings.fund.queue.get(saver)
    if request is not None and not request.due_at:
        _announce(world, saver)


def _await_claim(world: World, dice: Random, request: Request) -> None:
    """A claim's first or last second, or the second before and after; or the price moves."""
    opens, closes = request.due_at - 1, request.lapses_at - 1
    if dice.random() < 0.5:
        dice.choice([gift, cover])(world, dice)
    _wait_until(world, dice.choice([*[opens] * 8, opens - 1, closes - 1, closes]))


def _note_price(world: World, saver: str) -> None:
    """Count which of the two prices a claim is paid at."""
    request, fund = world.savings.fund.queue.get(saver), world.savings.fund
    if request is None or not request.due_at or not fund.claimable(saver, world.chain.time + 1):
        return
    fund.cash = world.spec.ledger.accounts[world.fee_account].cash
    noted = (request.worth + 1) * (fund.supply + 10**6)
    present = (fund.worth_out + 1) * (request.supply + 10**6)
    world.count("claim below the price noted", present < noted)
    world.count("claim below the present price", noted < present)


def redeem(world: World, dice: Random) -> None:
    """Shares whose claim is due for tokens, cut while losses are deferred."""
    saver = _draw_saver(world, dice)
    ready = _claimable(world, dice, saver)
    shares = dice.choice([ready, ready, ready // 2, ready // 3, ready + 1, 1, 0])
    _note_price(world, saver)
    passed, _ = world.send(
        "redeem",
        saver,
        "redeem(uint256,address,address)",
        [shares, saver, saver],
        lambda: world.savings.redeem(saver, shares),
        world.fund,
    )
    if passed:
        _check_exit(world, saver)


def withdraw_savings(world: World, dice: Random) -> None:
    """So many tokens for shares whose claim is due."""
    saver = _draw_saver(world, dice)
    worth = world.savings.fund.preview_redeem(_claimable(world, dice, saver), saver)
    assets = dice.choice([worth, worth, worth // 2, worth // 3, worth + 1, 1, 0])
    _note_price(world, saver)
    passed, _ = world.send(
        "withdraw_savings",
        saver,
        "withdraw(uint256,address,address)",
        [assets, saver, saver],
        lambda: world.savings.withdraw(saver, assets),
        world.fund,
    )
    if passed:
        _check_exit(world, saver)


def _check_exit(world: World, saver: str) -> None:
    """What was sent at once; the rest waits in the exit queue."""
    _check(world, saver, -world.spec.sent)
    compare.touched(world, [world.queue_account])
    compare.expect_exits(world)
    world.verify()


def cover(world: World, dice: Random) -> None:
    """A module asks the fund for a shortfall, clamped to its cash and to the caps."""
    account = dice.choice([*world.accounts * 2, world.fee_account, 0, 7])
    cash = max(0, world.spec.ledger.accounts[world.fee_account].cash)
    amount = dice.choice([cash // 9, cash // 2, cash, cash + 1, 1, 0, 2**255])
    module = world.chain.actor(dice.choice(["broker"] * 12 + ["dealer", "thief"]))
    market_ids = [dice.randrange(4) for _ in range(dice.choice([0, 1, 1, 2, 3]))]
    amounts = [amount // dice.choice([1, 1, 1, 2]) for _ in market_ids]
    found: list[int] = []

    def predict() -> list[int]:
        claims = list(zip(market_ids, amounts, strict=True))
        found[:] = world.savings.cover(module, account, claims)
        return [32, len(found), *found]

    passed, _ = world.send(
        "cover",
        module,
        "cover(uint256,uint256[],uint256[])",
        [account, market_ids, amounts],
        predict,
        world.fund,
    )
    if passed:
        covered = sum(found)
        world.count("covered", covered > 0)
        capped = account != world.fee_account and covered < min(sum(amounts), cash)
        world.count("cover capped", capped)
        compare.touched(world, [account, world.fee_account])
        for market_id in market_ids:
            compare.expect_uses(world, market_id)
        # The next epoch, after a wait, has other room.
        world.verify()


def gift(world: World, dice: Random) -> None:
    """Tokens deposited to the fund's account belong to all holders of shares."""
    giver = world.owners["whale"]
    amount = int(10 ** dice.uniform(0, 10))
    passed, _ = world.send(
        "gift",
        giver,
        "deposit(uint256,uint256,uint256)",
        [world.fee_account, 0, amount],
        lambda: world.spec.deposit(int(giver, 16), world.fee_account, 0, amount),
    )
    if passed:
        _check(world, giver, amount)
