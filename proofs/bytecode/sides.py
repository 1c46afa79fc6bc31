"""A whole side charged or closed on the shipped Clearinghouse: exact shares, written roundings.

That a charge of floor(-B 1e27 / shares) a share collects B, and that a scale lowered by ceil(q 1e27
/ shares) closes q, is proved over the reals (rounding.py, sides.py); here the bytecode is shown to
book just these quotients, for any shares, sizes and moneys. Products and quotients are function
symbols.
"""

from __future__ import annotations

import z3
from halmos.sevm import f_mul, f_sdiv

from proofs.bytecode import setting
from proofs.bytecode.judge import (
    Creations,
    Plant,
    proof,
    require,
    require_possible,
    successes,
)
from proofs.bytecode.machine import Word, calldata_of_changes, symbol, word
from proofs.bytecode.setting import FIRST, FUND, MARKET, MODULE, House
from seawall.spec.words import RAY

LONG, SHORT = 1, 2
SIDES = {LONG: "long", SHORT: "short"}
LEDGER = "contracts/modules/ledger.vy"
CHARGE_PLANT = Plant(
    "a charge rounded against the receivers",
    "Clearinghouse",
    LEDGER,
    "per_share: int256 = fixed_math._mul_div_floor(total, RAY, shares)",
    "per_share: int256 = fixed_math._mul_div_ceil(total, RAY, shares)",
)
SCALE_PLANT = Plant(
    "a scale lowered by too little",
    "Clearinghouse",
    LEDGER,
    "side.scale -= fixed_math._mul_div_ceil(closing, RAY, side.shares)",
    "side.scale -= fixed_math._mul_div_floor(closing, RAY, side.shares)",
)


def floor_of(product: Word, divisor: Word) -> Word:
    """floor(product / divisor) as truncation and correction, for a divisor above 0."""
    quotient = f_sdiv(product, divisor)
    back = f_mul[256](quotient, divisor)
    return z3.If(back > product, quotient - 1, quotient)


def ceil_of(product: Word, divisor: Word) -> Word:
    """ceil(product / divisor) likewise."""
    quotient = f_sdiv(product, divisor)
    back = f_mul[256](quotient, divisor)
    return z3.If(back < product, quotient + 1, quotient)


def _wide(number: Word) -> Word:
    return z3.ZeroExt(256 - number.size(), number)


def _side(house: House, side: int) -> tuple[Word, Word]:
    """Scale (96 bits) and charge (160 bits) of a side in its first epoch."""
    stored = house.read("side_word(uint256,uint256,uint256)", MARKET, side, 0)[0]
    return z3.Extract(255, 160, stored), z3.Extract(159, 0, stored)


def _house(creations: Creations) -> House:
    house = setting.with_market(setting.any_state(creations))
    house = setting.with_account(house, FIRST, "first")
    return setting.with_totals(setting.with_account(house, FUND, "fund"))


def _example(house: House) -> list[z3.BoolRef]:
    """Sides of some shares."""
    return [side == setting.LEAST_SIDE + 1 for side in house.sides()]


@proof(contracts=setting.CONTRACTS, planted=[CHARGE_PLANT])
def charging_a_side_books_the_floor(creations: Creations) -> str:
    """Charging a side B for an account: its cash, the book and the side's charge move by it alone.

    Given 0 < B < 2**100 and an untouched side: the account's cash and the book rise by B, the
    long's charge is -floor(-B 1e27 / shares) and the short's its opposite, scale 1, shares as they
    were.
    """
    amount = symbol("amount")
    goals, paths = 0, 0
    for side, name in SIDES.items():
        house = _house(creations).assume(amount > 0, setting.within(amount, setting.MONEY_BITS))
        changes = [(side, 0, -amount, 0, 0), (FIRST, 0, amount, 0, 0)]
        worlds = successes(house.send(MODULE, calldata_of_changes(MARKET, changes)))
        require_possible(worlds, *_example(house), amount == 10**21)
        shares = _wide(house.sides()[side - 1])
        per_share = floor_of(-amount * RAY, shares)
        cash, totals = setting.cash_of(house.account(FIRST)), house.totals()
        for world in worlds:
            end = house.after(world)
            paths += 1
            scale, charge = _side(end, side)
            expected = -per_share if side == LONG else per_share
            held, book, deferred = end.totals()
            goals += require(
                world,
                {
                    f"{name} charge": charge == z3.Extract(159, 0, expected),
                    f"{name} scale": scale == RAY,
                    "shares": z3.And(
                        *(a == b for a, b in zip(end.sides(), house.sides(), strict=True))
                    ),
                    "cash": setting.cash_of(end.account(FIRST)) - cash
                    == z3.Extract(111, 0, amount),
                    "book": z3.Extract(127, 0, book - totals[1]) == z3.Extract(127, 0, amount),
                    "held": z3.And(held == totals[0], deferred == totals[2]),
                },
            )
    return f"{paths} paths, {goals} goals"


@proof(contracts=setting.CONTRACTS, planted=[SCALE_PLANT])
def closing_both_sides_books_the_ceil(creations: Creations) -> str:
    """Closing the same size of both sides at one price: charge and scale by the written roundings.

    Given 0 < q < 2**87 and any money |m| < 2**100 against it: scales fall by ceil(q 1e27 / shares),
    the charges move by floor(m 1e27 / shares) of the long's (down) and of the short's money (up),
    shares stay, and held, book and deferred losses do not move.
    """
    size, money = symbol("size"), symbol("money")
    house = _house(creations).assume(
        size > 0,
        setting.within(size, setting.SIZE_BITS),
        setting.within(money, setting.MONEY_BITS),
    )
    changes = [(LONG, -size, money, 0, 0), (SHORT, size, -money, 0, 0)]
    worlds = successes(house.send(MODULE, calldata_of_changes(MARKET, changes)))
    require_possible(worlds, *_example(house), size == 10**24, money == 10**27)
    longs, shorts = (_wide(side) for side in house.sides())
    totals = house.totals()
    goals = 0
    for world in worlds:
        end = house.after(world)
        held, book, deferred = end.totals()
        (scale, charge), (scale2, charge2) = _side(end, LONG), _side(end, SHORT)
        fall, fall2 = ceil_of(size * RAY, longs), ceil_of(size * RAY, shorts)
        step, step2 = floor_of(money * RAY, longs), floor_of(-money * RAY, shorts)
        goals += require(
            world,
            {
                "long scale": scale == z3.Extract(95, 0, word(RAY) - fall),
                "short scale": scale2 == z3.Extract(95, 0, word(RAY) - fall2),
                "long charge": charge == z3.Extract(159, 0, -step),
                "short charge": charge2 == z3.Extract(159, 0, step2),
                "shares": z3.And(
                    *(a == b for a, b in zip(end.sides(), house.sides(), strict=True))
                ),
                "totals": z3.And(held == totals[0], book == totals[1], deferred == totals[2]),
            },
        )
    return f"{len(worlds)} paths, {goals} goals"
