"""Charging a side and closing a fraction of it conserve value and fall pro rata (ADL, haircut).

A position of n shares (signed) is worth n (A (P - F) - G) + q. With money t = money + size F, the
ledger moves the charge of longs by -t / (sum of shares) and of shorts by t / (sum of shares).
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

P, F, price, A, G, A2, G2, B = z3.Reals("P F p A G A2 G2 B")
LONGS = z3.Reals("n1 n2 n3")
SHORTS = z3.Reals("n4 n5")
QUOTES = z3.Reals("q1 q2 q3 q4 q5")
POSITIVE = [number > 0 for number in (*LONGS, *SHORTS, A, A2)]


def value(
    shares: z3.ArithRef, quote: z3.ArithRef, scale: z3.ArithRef, charge: z3.ArithRef
) -> z3.ArithRef:
    """What a position is worth at the index price P."""
    return shares * (scale * (P - F) - charge) + quote


def longs_worth(scale: z3.ArithRef, charge: z3.ArithRef) -> z3.ArithRef:
    """All longs."""
    pairs = zip(LONGS, QUOTES[:3], strict=True)
    return z3.Sum([value(shares, quote, scale, charge) for shares, quote in pairs])


def shorts_worth(scale: z3.ArithRef, charge: z3.ArithRef) -> z3.ArithRef:
    """All shorts; their shares stand absolute here."""
    pairs = zip(SHORTS, QUOTES[3:], strict=True)
    return z3.Sum([value(-shares, quote, scale, charge) for shares, quote in pairs])


@lemma
def a_charge_takes_the_shortfall_pro_rata() -> Claim:
    """Charging B: the side's values fall by B together, each member's by its share; nobody else's.

    Given money -B on the side (so t = -B): a long side with G' = G + d, d sum(n) = B, falls by B
    and each member by n_i d; a short side with G' = G - d likewise. Planted: a short side with + d.
    """
    per_share = z3.Real("d")
    on_longs, on_shorts = per_share * z3.Sum(LONGS) == B, per_share * z3.Sum(SHORTS) == B
    base = [*POSITIVE, B > 0]
    member = value(LONGS[0], QUOTES[0], A, G) - value(LONGS[0], QUOTES[0], A, G + per_share)
    long_fall = longs_worth(A, G) - longs_worth(A, G + per_share)
    short_fall = shorts_worth(A2, G2) - shorts_worth(A2, G2 - per_share)
    short_rise = shorts_worth(A2, G2) - shorts_worth(A2, G2 + per_share)
    return Claim(
        given=base,
        goals=[
            z3.Implies(on_longs, z3.And(long_fall == B, member == LONGS[0] * per_share)),
            z3.Implies(on_shorts, short_fall == B),
        ],
        planted=[Falsehood("the sign of longs", [*base, on_shorts], short_rise == B)],
    )


@lemma
def closing_both_sides_conserves_at_any_price() -> Claim:
    """ADL of the same size on both sides at price p: the sum of all values stays, at every P.

    Given q = f A sum(n) = f2 A2 sum(n2), t = q (p - F): longs' G' = G - t / sum(n), A' = A (1 - f);
    shorts' G2' = G2 - t / sum(n2), A2' = A2 (1 - f2). Each side alone keeps its worth at P = p.
    Planted: the charge left where it was (q p vanishes).
    """
    size, fraction, other = z3.Reals("q f f2")
    step, step2 = z3.Reals("d d2")
    base = [*POSITIVE, fraction > 0, fraction <= 1, other > 0, other <= 1, price > 0]
    base += [size == fraction * A * z3.Sum(LONGS), size == other * A2 * z3.Sum(SHORTS)]
    base += [
        step * z3.Sum(LONGS) == size * (price - F),
        step2 * z3.Sum(SHORTS) == size * (price - F),
    ]
    scale, scale2 = A * (1 - fraction), A2 * (1 - other)
    before = longs_worth(A, G) + shorts_worth(A2, G2)
    after = longs_worth(scale, G - step) + shorts_worth(scale2, G2 - step2)
    one_side = longs_worth(scale, G - step) == longs_worth(A, G)
    uncharged = longs_worth(scale, G) + shorts_worth(scale2, G2 - step2)
    return Claim(
        given=base,
        goals=[after == before, z3.Implies(price == P, one_side)],
        planted=[Falsehood("longs' charge unmoved", base, uncharged == before)],
    )


@lemma
def adl_reduces_every_member_by_the_same_fraction() -> Claim:
    """Closing the fraction f of a side: each member's size falls by f, its worth at p stays.

    Given t = f A sum(n) (p - F) over sum(n), that is G' = G - f A (p - F) and A' = A (1 - f): for
    any member n A' = (1 - f) n A and its value at P = p is what it was. Planted: f of the shares
    instead, with the charge kept.
    """
    fraction = z3.Real("f")
    shares, quote = LONGS[0], QUOTES[0]
    base = [*POSITIVE, fraction > 0, fraction <= 1, price > 0]
    scale, charge = A * (1 - fraction), G - fraction * A * (price - F)
    same = value(shares, quote, scale, charge) == value(shares, quote, A, G)
    fewer = value(shares * (1 - fraction), quote, A, G) == value(shares, quote, A, G)
    return Claim(
        given=[*base, price == P],
        goals=[shares * scale == (1 - fraction) * (shares * A), same],
        planted=[Falsehood("fewer shares", [*base, price == P], fewer)],
    )


@lemma
def a_shortfall_is_what_the_side_pays() -> Claim:
    """A bankrupt leg closed and its hole charged: values before = values after + what was paid in.

    Given a bankrupt account with cash C and a long leg n3 whose worth sums to E = C + V < 0, the
    leg taken at P by another account, and B = -E charged to the shorts: the bankrupt ends at 0 and
    the worth of all (its own included) sums to what it was. Planted: B charged twice.
    """
    cash, per_share = z3.Reals("C d")
    leg = value(LONGS[2], QUOTES[2], A, G)
    hole = -(cash + leg)
    base = [*POSITIVE, hole > 0, hole == B, per_share * z3.Sum(SHORTS) == B]
    before = cash + leg + shorts_worth(A2, G2)
    after = (cash + leg + B) + shorts_worth(A2, G2 - per_share)
    twice = (cash + leg + B) + shorts_worth(A2, G2 - 2 * per_share)
    return Claim(
        given=base,
        goals=[cash + leg + B == 0, after == before],
        planted=[Falsehood("charged twice", base, twice == before)],
    )


@lemma
def a_new_epoch_changes_no_value() -> Claim:
    """A position carried into the next epoch, (n A, q - n G) at scale 1, is worth the same.

    Given any A > 0, G, P and F. Planted: the quote carried without n G.
    """
    shares, quote = LONGS[0], QUOTES[0]
    one, zero = z3.RealVal(1), z3.RealVal(0)
    before = value(shares, quote, A, G)
    carried = value(shares * A, quote - shares * G, one, zero)
    bare = value(shares * A, quote, one, zero)
    return Claim(POSITIVE, [carried == before], [Falsehood("no n G", POSITIVE, bare == before)])
