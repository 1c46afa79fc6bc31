"""Splitting a partial liquidation into several does not pay, and does not hurt the account.

The penalty pi never rises with h (the first two lemmas) and no slice lowers h (liquidation.py),
so the second slice's penalty pi2 is at most the first's.
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, floor_of, lemma

E, M, m, y, z, b, pi, pi2 = z3.Reals("E M m y z b pi pi2")
ACCOUNT = [E > 0, M > 0, E < M, m > 0, m <= 1, b >= 0, b <= 1, pi >= 0, pi2 >= 0, y > 0]


@lemma
def penalty_falls_as_h_rises() -> Claim:
    """lerp(pi_min, pi_max; h from 1 to kappa) never rises with h, before rounding.

    Given a span pi_max - pi_min >= 0, 0 <= kappa < 1 and h <= h2: with x (1 - kappa) = span max(1 -
    h, 0), x >= x2 >= 0, and x <= span for h >= kappa. Planted: a span below 0.
    """
    span, kappa, h, h2, depth, depth2 = z3.Reals("span kappa h h2 x x2")
    base = [kappa >= 0, kappa < 1, h <= h2]
    base += [depth * (1 - kappa) == span * z3.If(h < 1, 1 - h, 0)]
    base += [depth2 * (1 - kappa) == span * z3.If(h2 < 1, 1 - h2, 0)]
    falls = depth >= depth2
    return Claim(
        given=[*base, span >= 0],
        goals=[falls, depth2 >= 0, z3.Implies(h >= kappa, depth <= span)],
        planted=[Falsehood("a negative span", [*base, span < 0], falls)],
    )


@lemma
def rounding_a_penalty_keeps_its_order() -> Claim:
    """min(span, floor(x)) >= min(span, floor(x2)) for x >= x2 >= 0, and both are in [0, span].

    Given integers for the floors and the span >= 0. Planted: the second rounded up.
    """
    depth, depth2 = z3.Reals("x x2")
    step, step2, span = z3.Ints("k k2 span")

    def capped(number: z3.ArithRef) -> z3.ArithRef:
        return z3.If(number < span, number, span)

    base = [depth >= depth2, depth2 >= 0, span >= 0, step <= depth, depth < step + 1]
    down, up = (
        z3.And(step2 <= depth2, depth2 < step2 + 1),
        z3.And(step2 >= depth2, depth2 > step2 - 1),
    )
    falls = capped(step) >= capped(step2)
    return Claim(
        given=[*base, down],
        goals=[falls, capped(step2) >= 0, capped(step) <= span],
        planted=[Falsehood("the second rounded up", [*base, up], falls)],
    )


@lemma
def two_slices_close_no_more_than_one() -> Claim:
    """A slice y < x first, then the size the formula gives: together at most x.

    Given x ((1+b) m - pi) = (1+b) M - E, 0 < y < x, E1 = E - pi y, M1 = M - m y, pi2 <= pi and z
    ((1+b) m
    - pi2) = (1+b) M1 - E1: z > 0 and y + z <= x. Planted: pi2 above pi.
    """
    x = z3.Real("x")
    gain, gain2 = (1 + b) * m - pi, (1 + b) * m - pi2
    base = [*ACCOUNT, gain > 0, gain2 > 0, x * gain == (1 + b) * M - E, y < x]
    base += [z * gain2 == (1 + b) * (M - m * y) - (E - pi * y)]
    return Claim(
        given=[*base, pi2 <= pi],
        goals=[z > 0, y + z <= x],
        planted=[Falsehood("a rising penalty", [*base, pi2 > pi], y + z <= x)],
    )


@lemma
def two_slices_cost_the_account_no_more_than_one() -> Claim:
    """The same total in two slices: fees at most those of one slice, so E and h end no lower.

    Given parts y, z > 0 and pi2 <= pi: pi y + pi2 z <= pi (y + z), hence E - pi y - pi2 z >= E - pi
    (y + z) at the same M'. Planted: pi2 above pi.
    """
    base = [*ACCOUNT, z > 0, m * (y + z) <= M]
    cheaper = E - pi * y - pi2 * z >= E - pi * (y + z)
    return Claim(
        given=[*base, pi2 <= pi],
        goals=[cheaper],
        planted=[Falsehood("a rising penalty", [*base, pi2 > pi], cheaper)],
    )


@lemma
def two_rounded_fees_are_no_more_than_one() -> Claim:
    """Fees round down, so slices of y and z pay at most what y + z pays at the same penalty.

    Given floor(pi y), floor(pi z) and floor(pi (y + z)), all integers: the first two sum to at most
    the third. Planted: rounded up.
    """
    fees = z3.Ints("f1 f2 f3")
    notionals = [y, z, y + z]
    base = [pi >= 0, y > 0, z > 0]
    down = [
        z3.And(fee <= pi * part, pi * part < fee + 1)
        for fee, part in zip(fees, notionals, strict=True)
    ]
    up = [
        z3.And(fee >= pi * part, pi * part > fee - 1)
        for fee, part in zip(fees, notionals, strict=True)
    ]
    fewer = fees[0] + fees[1] <= fees[2]
    return Claim([*base, *down], [fewer], [Falsehood("rounded up", [*base, *up], fewer)])


@lemma
def keeper_and_fund_share_the_fee_exactly() -> Claim:
    """The keeper's floor(share fee) and the fund's rest of the fee are both not negative.

    Given fee >= 0 and 0 <= share <= 1e6 parts per million. Planted: both parts
    rounded down would still sum to the fee.
    """
    fee, share = z3.Reals("fee share")
    million = z3.RealVal(10**6)
    part, is_part = floor_of("part", fee * share, million)
    rest, is_rest = floor_of("rest", fee * (million - share), million)
    base = [fee >= 0, share >= 0, share <= million, is_part, z3.IsInt(part)]
    return Claim(
        given=base,
        goals=[part >= 0, fee - part >= 0],
        planted=[Falsehood("both down", [*base, is_rest], part + rest == fee)],
    )
