"""A change of a position moves its worth by what was agreed, so fills are zero-sum (P2).

The functions below are the ledger's arithmetic over the reals: a position of `shares` and `quote`
on a side of scale A and charge G is worth shares (A (P - F) - G) + quote. Signed throughout.
"""

from __future__ import annotations

from typing import NamedTuple

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

P, F = z3.Reals("P F")


class Side(NamedTuple):
    """Scale and charge of one side."""

    scale: z3.ArithRef
    charge: z3.ArithRef


class Held(NamedTuple):
    """Signed shares, quote, and what became cash."""

    shares: z3.ArithRef
    quote: z3.ArithRef
    cash: z3.ArithRef


LONG, SHORT = Side(*z3.Reals("A G")), Side(*z3.Reals("A2 G2"))


def worth(held: Held, side: Side) -> z3.ArithRef:
    """Cash and value at price P."""
    return held.shares * (side.scale * (P - F) - side.charge) + held.quote + held.cash


def opened(
    held: Held, side: Side, size: z3.ArithRef, money: z3.ArithRef, shares: z3.ArithRef
) -> Held:
    """Add size for money; `shares` are the shares of that size."""
    settled = money + size * F + shares * side.charge
    return Held(held.shares + shares, held.quote + settled, held.cash)


def reduced(
    held: Held,
    side: Side,
    size: z3.ArithRef,
    money: z3.ArithRef,
    shares: z3.ArithRef,
    portion: z3.ArithRef,
) -> Held:
    """Close `-shares` of the held ones: their part of the quote and the money become cash."""
    settled = money + size * F + shares * side.charge
    return Held(held.shares + shares, held.quote - portion, held.cash + portion + settled)


def _setting() -> tuple[Held, list[z3.BoolRef], tuple[z3.ArithRef, ...]]:
    shares, quote, cash, size, money, moved, portion = z3.Reals("n q C s m dn portion")
    sides = [LONG.scale > 0, LONG.scale <= 1, SHORT.scale > 0, SHORT.scale <= 1]
    return Held(shares, quote, cash), sides, (size, money, moved, portion)


@lemma
def opening_moves_worth_by_the_agreed_amount() -> Claim:
    """Adding size s for money m moves cash + value by s P + m at every price P.

    Given any position, any scale 0 < A <= 1, any G and F, and dn with dn A = s. Planted: no charge
    carried inside the quote.
    """
    held, sides, (size, money, moved, _) = _setting()
    base = [*sides, moved * LONG.scale == size, size != 0]
    exact = (
        worth(opened(held, LONG, size, money, moved), LONG) - worth(held, LONG) == size * P + money
    )
    bare = opened(held, Side(LONG.scale, z3.RealVal(0)), size, money, moved)
    wrong = worth(bare, LONG) - worth(held, LONG) == size * P + money
    return Claim(base, [exact], [Falsehood("charge left out", base, wrong)])


@lemma
def reducing_moves_worth_by_the_agreed_amount() -> Claim:
    """Closing a part moves cash + value by s P + m at every P, whatever of the quote is realised.

    Given n shares, dn of the opposite sign with |dn| <= |n| and dn A = s, and any portion of the
    quote. With the portion q |dn| / |n| the entry price stays: quote' n = quote (n + dn).
    Planted: the portion is credited and not taken from the quote.
    """
    held, sides, (size, money, moved, portion) = _setting()
    base = [*sides, held.shares * moved < 0, moved * LONG.scale == size]
    base += [z3.If(moved > 0, moved <= -held.shares, -moved <= held.shares)]
    after = reduced(held, LONG, size, money, moved, portion)
    delta = worth(after, LONG) - worth(held, LONG)
    pro_rata = portion * held.shares == -held.quote * moved
    stays = after.quote * held.shares == held.quote * after.shares
    doubled = delta + portion == size * P + money
    return Claim(
        given=base,
        goals=[delta == size * P + money, z3.Implies(pro_rata, stays)],
        planted=[Falsehood("portion credited twice", [*base, pro_rata], doubled)],
    )


@lemma
def flipping_moves_worth_by_the_agreed_amount() -> Claim:
    """A flip is a close on one side and an open on the other: together s P + m, however m is split.

    Given n shares on one side (A, G), a size s beyond them, and any split of s into w (which closes
    all n: -n A = w) and s - w, and of m into two parts. Planted: the closed part at the other
    side's charge.
    """
    held, sides, (size, money, _, _) = _setting()
    whole, part, added = z3.Reals("w m1 dn2")
    base = [*sides, -held.shares * LONG.scale == whole, added * SHORT.scale == size - whole]
    base += [held.shares * size < 0]

    def flipped(side: Side) -> Held:
        closed = reduced(held, side, whole, part, -held.shares, held.quote)
        return opened(closed, SHORT, size - whole, money - part, added)

    def delta(after: Held) -> z3.ArithRef:
        return worth(after, SHORT) - worth(held, LONG)

    wrong = delta(flipped(Side(LONG.scale, SHORT.charge))) == size * P + money
    return Claim(
        given=base,
        goals=[delta(flipped(LONG)) == size * P + money],
        planted=[Falsehood("charge of the other side", base, wrong)],
    )


@lemma
def a_fill_is_zero_sum_at_any_price() -> Claim:
    """Sizes and moneys that sum to zero leave the sum of all worths as it was, at every price.

    Given that each party's worth moves by s_i P + m_i (the three lemmas above), three parties and
    sums of s_i and m_i of 0: the moves sum to 0, whatever the fill's price. With fees f_i out of
    cash and their sum to the fund, too. Planted: moneys that sum to one wei.
    """
    sizes, moneys, fees = z3.Reals("s1 s2 s3"), z3.Reals("m1 m2 m3"), z3.Reals("f1 f2 f3")
    moves = [size * P + money - fee for size, money, fee in zip(sizes, moneys, fees, strict=True)]
    total = z3.Sum(moves) + z3.Sum(fees)
    balanced = z3.Sum(sizes) == 0
    return Claim(
        given=[balanced, z3.Sum(moneys) == 0],
        goals=[total == 0],
        planted=[Falsehood("one wei more", [balanced, z3.Sum(moneys) == 1], total == 0)],
    )
