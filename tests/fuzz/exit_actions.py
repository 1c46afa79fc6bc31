"""The exit queue: tickets paid, given back and cancelled, and the limit of a day's outflow."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.fuzz import clearing_actions as clearing
from tests.fuzz import compare
from tests.fuzz import module_actions as module
from tests.fuzz.stage import CAP, WAIT_SECONDS
from tests.fuzz.world import World


def claim(world: World, dice: Random) -> None:
    """Anybody serves the front of the queue, mostly once its wait is over."""
    exits = world.exits
    for _ in range(dice.randrange(3)):
        clearing.withdraw_profit(world, dice)
    if dice.random() < 0.2:
        module.crash(world, dice)
    front = exits.tickets[exits.ends[0]]
    late = front.ready_at - world.chain.time - 1
    if exits.ends[0] < exits.ends[1] and 0 < late <= WAIT_SECONDS and dice.random() < 0.8:
        # The next call is a block after the wait; sometimes a second too early.
        world.warp(max(1, late - dice.choice([0, 0, 0, 1])))
    serve(world, dice.choice([0, 1, 2, 2, 5, 32, 100]))


def serve(world: World, count: int) -> int:
    """Claim so many tickets and note who was paid; how many are gone, -1 where it was refused."""
    exits = world.exits
    before = [exits.tickets[number] for number in range(exits.ends[0], exits.ends[1])]
    passed, gone = world.send(
        "claim",
        world.chain.actor("keeper"),
        "claim(uint256)",
        [count],
        lambda: exits.claim(count),
        world.queue,
    )
    if not passed:
        return -1
    for receiver, paid in exits.paid:
        world.wallets[0, f"0x{receiver:040x}"] += paid
        world.wallets[0, world.house] -= paid
    # One receiver may be paid twice: what is noted is what must hold at the end.
    for receiver, _ in exits.paid:
        compare.expect_wallet(world, 0, f"0x{receiver:040x}")
    world.count("ticket paid", len(exits.paid))
    world.count("ticket given back", max(0, gone - len(exits.paid)))
    compare.touched(world, [*{one.account for one in before if one.account}, world.queue_account])
    compare.expect_exits(world)
    check_backed(world)
    return int(gone)


def cancel_exit(world: World, dice: Random) -> None:
    """An owner takes a withdrawal back; or a thief, or somebody a ticket that is gone."""
    exits = world.exits
    first, end = exits.ends[0], exits.ends[1]
    if first == end and dice.random() < 0.8:
        clearing.withdraw_profit(world, dice)
        end = exits.ends[1]
    ticket_id = dice.randrange(max(0, first - 1), end + 1)
    ticket = exits.tickets[ticket_id]
    caller = f"0x{ticket.account >> 96:040x}"
    if ticket.account == 0 or dice.random() < 0.1:
        caller = world.chain.actor("thief")
    passed, _ = world.send(
        "cancel_exit",
        caller,
        "cancel(uint256)",
        [ticket_id],
        lambda: exits.cancel(int(caller, 16), ticket_id),
        world.queue,
    )
    if passed:
        compare.touched(world, [ticket.account, world.queue_account])
        compare.expect_exits(world)
        check_backed(world)


def set_outflow(world: World, dice: Random) -> None:
    """A limit of the day near what is held, or none."""
    held = world.spec.totals.held // 10**18
    limit = dice.choice([0, 0, 1, 1 + held // 50, 1 + held // 2])
    world.set_token(0, CAP, min(limit, 2**36 - 1))


def check_backed(world: World) -> None:
    """P1 of the queue: its account has the cash of every ticket that was not called back."""
    exits = world.exits
    tickets: Counter[int] = Counter()
    for number in range(exits.ends[0], exits.ends[1]):
        tickets[exits.tickets[number].account] += exits.tickets[number].amount
    for account, amount in exits.waiting.items():
        world.must("P1 ticket", amount <= tickets[account], (hex(account), amount))
    waits = sum(exits.waiting.values())
    cash = world.spec.ledger.accounts[world.queue_account].cash
    owed = waits * world.spec.tokens[0].unit
    world.must("P1 queue", cash >= owed, (cash, owed))
