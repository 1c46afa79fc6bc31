"""A whole side charged (shipped Clearinghouse) or closed (harness): the written roundings.

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
from proofs.bytecode.machine import (
    DEPLOYER,
    Word,
    World,
    calldata_of_changes,
    encode,
    symbol,
    word,
)
from proofs.bytecode.setting import FIRST, FUND, MARKET, MODULE, House
from seawall.spec.words import RAY

LONG, SHORT = 1, 2
CLOSE = "close(uint256,int256,int256,int256,int256)"
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
    "SideHarness",
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
                *_example(house),
                amount == 10**21,
            )
    return f"{paths} paths, {goals} goals"


@proof(contracts=["SideHarness"], planted=[SCALE_PLANT])
def closing_a_side_books_the_ceil(creations: Creations) -> str:
    """Closing q of a side for money m, in a harness of the ledger: scale and charge as written.

    Given any shares, 0 < q < shares < 2**110, |m| < 2**100 and a charge |G| < 2**150 at scale 1
    without funding: the scale falls by c = ceil(q 1e27 / shares) and the charge moves by floor(m
    1e27 / shares), down for longs, up for shorts, and the book not at all; or, where the scale
    would be below 1e-4, the epoch ends with scale 1 and charge 0.
    """
    shares, charge, size, money = (symbol(name) for name in ("shares", "charge", "size", "money"))
    world, harness = World.empty(1).deploy(creations["SideHarness"])
    example = [shares == 3 * 10**24 + 1, size == 10**24, money == 10**27, charge == 7]
    goals, paths = 0, 0
    for side, name in SIDES.items():
        closed = -size if side == LONG else size
        ranges = [size > 0, size < shares, shares < 2**110, setting.within(money, 100)]
        start = world.assume(*ranges, setting.within(charge, 150))
        data = encode(CLOSE, side, shares, charge, closed, money)
        worlds = start.call(DEPLOYER, harness, data)
        require_possible(successes(worlds), *example)
        step = floor_of(money * RAY, shares)
        scale = word(RAY) - ceil_of(size * RAY, shares)
        moved = charge - step if side == LONG else charge + step
        for end in worlds:
            if not end.success:
                continue
            paths += 1
            left, now, carried, epoch, book = end.words(5)
            goes_on = z3.And(left == shares, now == scale, carried == moved, book == 0)
            ends = z3.And(now == RAY, carried == 0, scale < RAY // 10**4)
            goals += require(
                end.world,
                {f"{name} side": z3.Or(z3.And(epoch == 0, goes_on), z3.And(epoch == 1, ends))},
                *example,
            )
    return f"{paths} paths, {goals} goals"
