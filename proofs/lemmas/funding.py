"""Funding moves value between the sides of a market, creates none, and may accrue at any time.

The funding index F is money per unit of size; a position is worth size * (P - F) and more that F
does not touch.
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

P, F, rate, first, second = z3.Reals("P F rate t1 t2")


@lemma
def what_longs_pay_shorts_receive() -> Claim:
    """With equal sides any move of F leaves the sum of all values as it was.

    Given long sizes a, b, c >= 0 and short sizes d, e >= 0 with a + b + c = d + e, and any F -> F':
    the five values change by amounts that sum to 0, and one side's gain is the other's loss.
    Planted: shorts that are one unit larger.
    """
    after = z3.Real("F'")
    longs, shorts = z3.Reals("a b c"), z3.Reals("d e")
    sizes = [*longs, *(-short for short in shorts)]
    change = z3.Sum([size * (P - after) - size * (P - F) for size in sizes])
    long_change = z3.Sum([long * (F - after) for long in longs])
    short_change = z3.Sum([-short * (F - after) for short in shorts])
    base = [size >= 0 for size in (*longs, *shorts)]
    equal = z3.Sum(longs) == z3.Sum(shorts)
    larger = z3.Sum(longs) + 1 == z3.Sum(shorts)
    return Claim(
        given=[*base, equal],
        goals=[change == 0, long_change == -short_change],
        planted=[Falsehood("sides apart", [*base, larger], change == 0)],
    )


@lemma
def accrual_in_steps_equals_accrual_at_once() -> Claim:
    """Touching a market in between, by whomever, leaves F as a single accrual would.

    Given a rate and t1, t2 >= 0: (F + rate t1) + rate t2 = F + rate (t1 + t2); and with a change of
    rate after t1 the order "accrue, then set" charges the old rate for t1 and the new for t2.
    Planted: the new rate for all of it.
    """
    new = z3.Real("new")
    base = [first >= 0, second >= 0]
    index = F + rate * first
    owed = rate * first + new * second
    return Claim(
        given=base,
        goals=[
            index + rate * second == F + rate * (first + second),
            index + new * second - F == owed,
        ],
        planted=[Falsehood("set, then accrue", base, new * (first + second) == owed)],
    )


@lemma
def a_leg_pays_only_for_its_own_time() -> Claim:
    """A leg opened after t1 pays funding for t2 alone, and its opening is free at its own price.

    Given a size s opened at price p after t1 (quote = -s p + s F1, F1 = F + rate t1): its value is
    0 at the price p at once, and -s rate t2 after t2. Planted: a quote without s F1.
    """
    size, price = z3.Reals("s p")
    at_opening = F + rate * first
    later = at_opening + rate * second
    quote = -size * price + size * at_opening
    base = [first >= 0, second >= 0, price > 0, size != 0]
    value = size * (price - later) + quote
    bare = size * (price - later) - size * price
    return Claim(
        given=base,
        goals=[size * (price - at_opening) + quote == 0, value == -size * rate * second],
        planted=[Falsehood("no funding in the quote", base, bare == -size * rate * second)],
    )


@lemma
def funding_on_the_grid_is_exact() -> Claim:
    """Lots of 1e12 and funding in ticks of 1e6: size * F is a whole number of wei.

    Given integers a, b with size = 1e12 a and F = 1e6 b: 1e18 divides size * F.
    Planted: a tick of 1e5.
    """
    lots, ticks = z3.Ints("a b")
    wad = 10**18
    exact = (10**12 * lots * (10**6 * ticks)) % wad == 0
    coarse = (10**12 * lots * (10**5 * ticks)) % wad == 0
    small = [lots == 1, ticks >= 0]
    return Claim([], [exact], [Falsehood("a tenth of the tick", small, coarse)])
