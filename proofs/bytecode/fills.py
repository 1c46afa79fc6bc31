"""A fill on the shipped Clearinghouse: its two sides cancel to the wei, in cash, quotes and shares.

`trade` is called with the rights of the waterfall, whose changes run no margin gate: the gate
writes nothing. The market is untouched and without funding; sizes are any below 2**87, moneys and
fees below 2**100, cash below 2**105, quotes below 2**100, sides as `setting` says. Sums are
compared as int112, the fields they stand in; a field that would not hold its number reverts
(packing.py).
"""

from __future__ import annotations

from dataclasses import dataclass

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
from proofs.bytecode.machine import Word, calldata_of_changes, symbol
from proofs.bytecode.setting import FIRST, FUND, MODULE, SECOND, House

FEE_PLANT = Plant(
    "the fund earns a wei more than was paid",
    "Clearinghouse",
    "contracts/Clearinghouse.vy",
    "ledger._add_cash(custody.FEE_ACCOUNT, fees)",
    "ledger._add_cash(custody.FEE_ACCOUNT, fees + 1)",
)
OPEN_PLANT = Plant(
    "an opening adds a share to its side only",
    "Clearinghouse",
    "contracts/modules/ledger.vy",
    "        shares = unsafe_add(shares, opened)\n",
    "        shares = unsafe_add(shares, unsafe_add(opened, 1))\n",
)
PORTION_PLANT = Plant(
    "a close keeps a wei of the quote that it pays out",
    "Clearinghouse",
    "contracts/modules/ledger.vy",
    "        quote = unsafe_sub(quote, closed.portion)\n",
    "        quote = unsafe_sub(quote, unsafe_sub(closed.portion, 1))\n",
)


@dataclass(frozen=True)
class Trade:
    """What the first account gets of the second, and the fees of both."""

    size: Word
    money: Word
    fees: list[Word]


def _low(number: Word) -> Word:
    return z3.Extract(111, 0, number)


def _money(house: House, account: int) -> Word:
    """Cash and quote of an account, int112."""
    return setting.cash_of(house.account(account)) + setting.quote_of(house.position(account))


def _positive(shares: Word) -> Word:
    """What a position adds to the long side, 128 bits."""
    wide = z3.SignExt(16, shares)
    return z3.If(wide > 0, wide, z3.BitVecVal(0, 128))


def _check(house: House, first_size: z3.BoolRef, size: Word, *example: z3.BoolRef) -> str:
    """Trade `size` from the second account to the first and compare the ends."""
    money, fees = symbol("money"), [symbol("fee_first"), symbol("fee_second")]
    small = z3.BitVecVal(2**setting.MONEY_BITS, 256)
    house = house.assume(
        first_size,
        size != 0,
        setting.within(size, setting.SIZE_BITS),
        setting.within(money, setting.MONEY_BITS),
        *(z3.ULT(fee, small) for fee in fees),
        fees[0] != 0,
    )
    house = setting.with_totals(house)
    changes = [(FIRST, size, money, fees[0], 0), (SECOND, -size, -money, fees[1], 0)]
    worlds = successes(house.send(MODULE, calldata_of_changes(setting.MARKET, changes)))
    require_possible(worlds, *example)
    trade = Trade(size, money, fees)
    return _compare(house, [house.after(world) for world in worlds], trade, example)


def _compare(
    before: House, ends: list[House], trade: Trade, example: tuple[z3.BoolRef, ...]
) -> str:
    """Prove the goals at each end."""
    size, money, fees = trade.size, trade.money, trade.fees
    accounts = [FIRST, SECOND]
    moneys = [_money(before, account) for account in accounts]
    shares = [setting.shares_of(before.position(account)) for account in accounts]
    fund, totals, sides = before.account(FUND), before.totals(), before.sides()
    goals = 0
    for end in ends:
        now = [setting.shares_of(end.position(account)) for account in accounts]
        moved = [_money(end, account) - old for account, old in zip(accounts, moneys, strict=True)]
        earned = setting.cash_of(end.account(FUND)) - setting.cash_of(fund)
        held, book, deferred = end.totals()
        longs = [_positive(number) for number in (*now, *shares)]
        long, short = end.sides()
        goals += require(
            end.world,
            {
                "first's cash and quote": moved[0] == _low(money - fees[0]),
                "second's cash and quote": moved[1] == _low(-money - fees[1]),
                "fund's cash": earned == _low(fees[0] + fees[1]),
                "totals": z3.And(held == totals[0], book == totals[1], deferred == totals[2]),
                "first's shares": now[0] - shares[0] == _low(size),
                "second's shares": shares[1] - now[1] == _low(size),
                "sides alike": long - sides[0] == short - sides[1],
                "long side": long - sides[0] == longs[0] + longs[1] - longs[2] - longs[3],
            },
            *example,
        )
    return f"{len(ends)} paths, {goals} goals"


def _house(creations: Creations, first: bool, second: bool) -> House:
    house = setting.with_market(setting.any_state(creations))
    house = setting.with_account(house, FIRST, "first", first)
    house = setting.with_account(house, SECOND, "second", second)
    return setting.with_account(house, FUND, "fund")


@proof(contracts=setting.CONTRACTS, planted=[FEE_PLANT, OPEN_PLANT])
def two_openings_cancel(creations: Creations) -> str:
    """Two accounts without a position: any size, money and fees move nothing but between them.

    Cash and quote of each move by its money less its fee, the fund's cash by the fees, which sums
    to 0; shares move by the size, both sides by as much, and held, book and deferred losses not at
    all.
    """
    size = symbol("size")
    return _check(_house(creations, False, False), z3.BoolVal(True), size)


def _with_holder(creations: Creations, *, adds: bool, beyond: bool) -> str:
    """A holder of either sign adds, or reduces to nothing at most, or flips, against a newcomer."""
    size, held = symbol("size"), setting.widened(z3.BitVec("shares_first", 112))
    if adds:
        relation = z3.And((size > 0) == (held > 0), setting.within(size + held, 86))
    elif beyond:
        relation = z3.Or(z3.And(held > 0, size < -held), z3.And(held < 0, size > -held))
    else:
        relation = z3.Or(
            z3.And(held > 0, size < 0, size >= -held), z3.And(held < 0, size > 0, size <= -held)
        )
    # For the quotient alone: a quote of 2**90 on 2**80 shares, a sixteenth of which is moved.
    quote, moved = z3.BitVec("quote_first", 112), 2**84 if beyond else 2**76
    example = [held == 2**80, quote == 2**90, size == (moved if adds else -moved)]
    return _check(_house(creations, True, False), relation, size, *example)


@proof(contracts=setting.CONTRACTS, planted=[])
def an_addition_cancels(creations: Creations) -> str:
    """A holder of any position adds to it against a newcomer: as for two openings."""
    return _with_holder(creations, adds=True, beyond=False)


@proof(contracts=setting.CONTRACTS, planted=[PORTION_PLANT])
def a_reduction_cancels(creations: Creations) -> str:
    """A holder of any position closes part or all of it against a newcomer: as for two openings.

    The realised part of the quote, a quotient of symbols, may be anything here: it moves from quote
    to cash, and what it must be is proved over the reals (rounding.kept_part_of_a_quote...).
    """
    return _with_holder(creations, adds=False, beyond=False)


@proof(contracts=setting.CONTRACTS, planted=[])
def a_flip_cancels(creations: Creations) -> str:
    """A holder of any position turns it around against a newcomer: as for two openings."""
    return _with_holder(creations, adds=False, beyond=True)
