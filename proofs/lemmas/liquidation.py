"""A liquidation never lowers the ratio h = E / M of equity to maintenance margin (P5).

E and M are compared by cross-multiplication, E' * M >= E * M', which for M, M' > 0 is h' >= h.
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, ceil_of, lemma

E, M, m, x, pi = z3.Reals("E M m x pi")
#: A slice of notional x of a leg that releases m per notional, out of an account below maintenance.
SLICE = [E > 0, M > 0, E < M, m > 0, m <= 1, x > 0, m * x <= M, pi >= 0]


def not_lower(equity: z3.ArithRef, maintenance: z3.ArithRef) -> z3.BoolRef:
    """E' / M' >= E / M, cross-multiplied."""
    return equity * M >= E * maintenance


@lemma
def penalty_below_m_h_keeps_h() -> Claim:
    """pi <= m h: a slice never lowers h and leaves no shortfall.

    Given 0 < E < M, a slice of notional x with m x <= M, a penalty 0 <= pi <= m E / M:
    E' = E - pi x and M' = M - m x satisfy E' M >= E M' and E' >= 0.
    Planted: pi just above m h; E < 0, where a slice cannot help (the engine closes whole).
    """
    after, left = E - pi * x, M - m * x
    helps = not_lower(after, left)
    return Claim(
        given=[*SLICE, pi * M <= m * E],
        goals=[helps, after >= 0],
        planted=[
            Falsehood("pi up to 1.001 m h", [*SLICE, 1000 * pi * M <= 1001 * m * E], helps),
            Falsehood("E < 0", [E < 0, *SLICE[1:], pi == 0], helps),
        ],
    )


@lemma
def capped_fee_keeps_h() -> Claim:
    """fee <= E - ceil(E M' / M) - 4 wei: h never falls, whatever the tiers and roundings.

    Given E > 0, M > 0 and any 0 <= M' <= M, a fee between 0 and that room, and up to 4 wei that a
    close off the grid loses to rounding: E' M >= E M' and E' >= 0. Nothing is said of how M came
    down to M', so size tiers, rounded requirements and whole closes beside stale legs are covered.
    Planted: the room without its 4 wei; a room that rounds E M' / M down.
    """
    left, fee, lost = z3.Reals("left fee lost")
    kept, is_ceil = ceil_of("kept", E * left, M)
    room = E - kept - 4
    base = [E > 0, M > 0, left >= 0, left <= M, fee >= 0, lost >= 0, lost <= 4]
    helps = not_lower(E - fee - lost, left)
    floored = z3.And(kept * M <= E * left, E * left < (kept + 1) * M)
    return Claim(
        given=[*base, is_ceil, fee <= room],
        goals=[helps, E - fee - lost >= 0],
        planted=[
            Falsehood("no room for rounding", [*base, is_ceil, fee <= E - kept], helps),
            Falsehood("kept rounded down", [*base, floored, fee <= room, lost == 4], helps),
        ],
    )


@lemma
def either_sign_of_leg_and_a_concession() -> Claim:
    """Long or short, at the index or with a concession: concession + fee <= m h x keeps h.

    Given a leg of signed size s, a part q of it (same sign, at most s) closed at the price
    P - c sign(s) per unit, cash C (any sign) so that E = C + s P > 0, a rate r of maintenance,
    M = r |s| P + R with the requirement R >= 0 of other legs, and c |q| + fee <= r |q| P E / M:
    afterwards E' M >= E M' and E' >= 0. Planted: the fee alone is held to m h and the concession
    comes on top.
    """
    price, size, part, cash, fee, concession, rate, other = z3.Reals("P s q C f c r R")

    def magnitude(number: z3.ArithRef) -> z3.ArithRef:
        return z3.If(number < 0, -number, number)

    equity = cash + size * price
    maintenance = rate * magnitude(size) * price + other
    paid = concession * magnitude(part)
    after = cash + part * price - paid - fee + (size - part) * price
    left = rate * magnitude(size - part) * price + other
    base = [price > 0, size * part > 0, magnitude(part) <= magnitude(size), fee >= 0]
    base += [concession >= 0, rate > 0, rate <= 1, other >= 0, equity > 0, equity < maintenance]
    notional = magnitude(part) * price
    helps = after * maintenance >= equity * left
    capped = (paid + fee) * maintenance <= rate * notional * equity
    loose = z3.And(fee * maintenance <= rate * notional * equity, size == 1, part == 1)
    return Claim(
        given=[*base, capped],
        goals=[helps, after >= 0],
        planted=[Falsehood("concession on top", [*base, loose, cash == 0], helps)],
    )


@lemma
def several_legs_at_once() -> Claim:
    """Three legs closed in one step with one penalty: pi <= m_i h for each keeps h.

    Given legs with m_1, m_2, m_3 per notional, notionals x_i >= 0, m_1 x_1 + m_2 x_2 + m_3 x_3 <= M
    and pi M <= m_i E for each i: E' = E - pi (x_1 + x_2 + x_3) satisfies E' M >= E M'.
    Planted: pi held to the largest m_i only.
    """
    rates, parts = z3.Reals("m1 m2 m3"), z3.Reals("x1 x2 x3")
    released = z3.Sum([rate * part for rate, part in zip(rates, parts, strict=True)])
    base = [E > 0, M > 0, E < M, pi >= 0, released <= M]
    base += [rate > 0 for rate in rates] + [part >= 0 for part in parts]
    after, left = E - pi * z3.Sum(parts), M - released
    helps = not_lower(after, left)
    largest = z3.And(rates[0] >= rates[1], rates[0] >= rates[2], pi * M <= rates[0] * E)
    return Claim(
        given=[*base, *(pi * M <= rate * E for rate in rates)],
        goals=[helps, after >= 0],
        planted=[Falsehood("pi held to the largest rate", [*base, largest], helps)],
    )


@lemma
def bankrupt_pays_no_fee() -> Claim:
    """E <= 0: the fee is 0, so a whole close leaves E as it was and creates no shortfall.

    Given E <= 0 and the engine's fee (0 for E <= 0, else between 0 and E): E' = E - fee = E; and
    for E > 0 the same fee leaves E' >= 0. Planted: a fee of up to |E|.
    """
    fee = z3.Real("fee")
    after = E - fee
    rule = z3.If(E <= 0, fee == 0, z3.And(fee >= 0, fee <= E))
    sound = z3.If(E <= 0, after == E, after >= 0)
    loose = z3.And(fee >= 0, z3.Or(fee <= E, fee <= -E))
    return Claim([rule], [sound], [Falsehood("fee up to |E|", [loose], sound)])


@lemma
def reserve_of_a_closed_leg_is_outside_equity() -> Claim:
    """Paying a closed leg's keeper reserve leaves E as it was: it was set aside before.

    Given E = C + V - R1 - R2 (cash, values, reserves of two legs): after leg 1 is closed at its
    value and its reserve R1 is paid from cash, E' = E. Planted: the reserve of the leg that stays
    is paid.
    """
    cash, first, second, reserve, other = z3.Reals("C V1 V2 R1 R2")
    before = cash + first + second - reserve - other
    after = (cash + first - reserve) + second - other
    wrong = (cash + first - other) + second - other
    base = [reserve >= 0, other >= 0]
    return Claim(
        base, [after == before], [Falsehood("pays the other reserve", base, wrong == before)]
    )
