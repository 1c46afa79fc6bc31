"""Cash between accounts on the shipped Clearinghouse moves exactly, and nothing else does."""

from __future__ import annotations

import z3

from proofs.bytecode import setting
from proofs.bytecode.judge import (
    Creations,
    Plant,
    proof,
    require,
    require_possible,
    successes,
)
from proofs.bytecode.machine import Word, encode, symbol
from proofs.bytecode.setting import FIRST, FUND, MODULE, SECOND, House

THIRD = 0xCA7 << 96
FIRST_OWNER = FIRST >> 96
CLEARINGHOUSE = "contracts/Clearinghouse.vy"
MOVE_PLANT = Plant(
    "the receiver gets a wei more",
    "Clearinghouse",
    CLEARINGHOUSE,
    "        ledger._add_cash(receiver, cash)\n",
    "        ledger._add_cash(receiver, unsafe_add(cash, 1))\n",
)
EXIT_PLANT = Plant(
    "an exit may leave cash below zero",
    "Clearinghouse",
    "contracts/modules/margin_gate.vy",
    "    if words._account_cash(word) < 0:\n",
    "    if words._account_cash(word) < -1:\n",
)
LOSS_PLANT = Plant(
    "a loss is deferred and not booked",
    "Clearinghouse",
    "contracts/modules/custody.vy",
    "    totals.book = unsafe_add(totals.book, loss)\n",
    "    totals.book = unsafe_add(totals.book, 0)\n",
)


def _house(creations: Creations) -> House:
    house = setting.any_state(creations)
    for name, account in {"first": FIRST, "second": SECOND, "third": THIRD, "fund": FUND}.items():
        house = setting.with_account(house, account, name)
    return setting.with_totals(house)


def _cash(house: House, account: int) -> Word:
    return setting.widened(setting.cash_of(house.account(account)))


def _stays(before: House, end: House) -> dict[str, z3.BoolRef]:
    """A third account's word and the totals are what they were."""
    held, book, deferred = before.totals()
    held2, book2, deferred2 = end.totals()
    return {
        "third account": end.account(THIRD) == before.account(THIRD),
        "totals": z3.And(held == held2, book == book2, deferred == deferred2),
    }


@proof(contracts=setting.CONTRACTS, planted=[MOVE_PLANT])
def pay_moves_exactly(creations: Creations) -> str:
    """`pay` of cash: the sender's falls and the receiver's rises by the amount, nothing else moves.

    For any amount that does not revert, the sender below zero or not.
    """
    amount = symbol("amount")
    house = _house(creations)
    house = house.pinned(
        "token_word(uint256)", (0,), {0: z3.Concat(z3.BitVec("asset", 160), z3.BitVecVal(1, 96))}
    )
    data = encode("pay(uint256,uint256,uint256,uint256)", FIRST, SECOND, 0, amount)
    worlds = successes(house.send(MODULE, data))
    require_possible(worlds)
    goals = 0
    for world in worlds:
        end = house.after(world)
        paid = _cash(house, FIRST) - _cash(end, FIRST)
        received = _cash(end, SECOND) - _cash(house, SECOND)
        goals += require(
            world,
            {
                "sender": paid == amount,
                "receiver": received == amount,
                **_stays(house, end),
            },
        )
    return f"{len(worlds)} paths, {goals} goals"


@proof(contracts=setting.CONTRACTS, planted=[MOVE_PLANT, EXIT_PLANT])
def transfer_moves_exactly_and_leaves_no_debt(creations: Creations) -> str:
    """`transfer` by its owner: as `pay`, and the sender's cash is not below zero afterwards.

    For any amount and accounts without legs; what legs require is the margin gate's and
    MarginModel's.
    """
    amount = symbol("amount")
    house = _house(creations)
    data = encode("transfer(uint256,uint256,uint256)", FIRST, SECOND, amount)
    worlds = successes(house.send(FIRST_OWNER, data))
    require_possible(worlds)
    goals = 0
    for world in worlds:
        end = house.after(world)
        paid = _cash(house, FIRST) - _cash(end, FIRST)
        received = _cash(end, SECOND) - _cash(house, SECOND)
        goals += require(
            world,
            {
                "sender": paid == amount,
                "receiver": received == amount,
                "no debt": _cash(end, FIRST) >= 0,
                **_stays(house, end),
            },
        )
    return f"{len(worlds)} paths, {goals} goals"


@proof(contracts=setting.CONTRACTS, planted=[LOSS_PLANT])
def write_off_defers_what_it_books(creations: Creations) -> str:
    """`write_off` of negative cash: it ends at 0, book and deferred losses rise by the loss.

    For an account without legs and any cash below zero, with nothing deferred before.
    """
    house = _house(creations)
    cash = _cash(house, FIRST)
    house = house.assume(cash < 0)
    worlds = successes(house.send(MODULE, encode("write_off(uint256)", FIRST)))
    require_possible(worlds)
    held, book, _ = house.totals()
    missing = -cash
    goals = 0
    for world in worlds:
        end = house.after(world)
        held2, book2, deferred = end.totals()
        goals += require(
            world,
            {
                "cash": _cash(end, FIRST) == 0,
                "deferred": deferred == missing,
                "book": book2 - book == missing,
                "held": held2 == held,
                "third account": end.account(THIRD) == house.account(THIRD),
            },
        )
    return f"{len(worlds)} paths, {goals} goals"
