"""Portfolio mode: slices of the same fraction of every leg, and Expected Shortfall behind them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

E, M, b, pi, N, phi = z3.Reals("E M b pi N phi")
#: An account below maintenance, a penalty on its notional, a fraction of all its legs.
ACCOUNT = [E > 0, M > 0, E < M, b >= 0, b <= 1, pi >= 0, N >= 0, phi >= 0, phi <= 1]


def _largest(numbers: Sequence[z3.ArithRef]) -> z3.ArithRef:
    most = numbers[0]
    for number in numbers[1:]:
        most = z3.If(number > most, number, most)
    return most


def _shortfall(losses: Sequence[z3.ArithRef], tail: int) -> z3.ArithRef:
    """Sum of the `tail` worst losses, not below 0: the largest sum of so many of them."""
    sums = [z3.Sum(chosen) for chosen in combinations(losses, tail)]
    return _largest([z3.RealVal(0), *sums])


@lemma
def expected_shortfall_is_subadditive() -> Claim:
    """ES(x + y) <= ES(x) + ES(y): a book never needs more than its parts do.

    For the worst 2 of 4 losses of any two books, floored at 0. Planted: the second worst loss
    alone, which is value at risk.
    """
    first, second = z3.Reals("x1 x2 x3 x4"), z3.Reals("y1 y2 y3 y4")
    both = [one + other for one, other in zip(first, second, strict=True)]

    def value_at_risk(losses: Sequence[z3.ArithRef]) -> z3.ArithRef:
        return _shortfall(losses, 2) - _shortfall(losses, 1)

    subadditive = _shortfall(both, 2) <= _shortfall(first, 2) + _shortfall(second, 2)
    wrong = value_at_risk(both) <= value_at_risk(first) + value_at_risk(second)
    return Claim([], [subadditive], [Falsehood("value at risk", [], wrong)])


@lemma
def expected_shortfall_falls_with_the_fraction() -> Claim:
    """ES((1 - phi) x) = (1 - phi) ES(x), so a slice of all legs releases its fraction of it.

    For the worst 2 of 4 losses and 0 <= phi <= 1. Planted: one leg of two closed, the hedge of the
    other.
    """
    losses, hedge = z3.Reals("x1 x2 x3 x4"), z3.Reals("y1 y2 y3 y4")
    base = [phi >= 0, phi <= 1]
    rest = [(1 - phi) * loss for loss in losses]
    book = [one + other for one, other in zip(losses, hedge, strict=True)]
    falls = _shortfall(rest, 2) == (1 - phi) * _shortfall(losses, 2)
    wrong = _shortfall(losses, 2) <= _shortfall(book, 2)
    return Claim(base, [falls], [Falsehood("a hedge alone closed", base, wrong)])


@lemma
def size_tiers_release_more_than_the_fraction() -> Claim:
    """What size adds to a leg, c n^1.5 - f n beyond its depth, falls at least with the fraction.

    With 1 - phi = r^2 and n = s^2: max(0, c (r s)^3 - f (r s)^2) <= r^2 max(0, c s^3 - f s^2).
    Planted: a tier that falls with the root of what is left.
    """
    r, s, c, flat = z3.Reals("r s c f")
    base = [r >= 0, r <= 1, s >= 0, c > 0, flat >= 0]

    def excess(root: z3.ArithRef) -> z3.ArithRef:
        above = c * root**3 - flat * root**2
        return z3.If(above > 0, above, 0)

    falls = excess(r * s) <= r**2 * excess(s)
    slowly = r * excess(s) <= r**2 * excess(s)
    return Claim(base, [falls], [Falsehood("the root", base, slowly)])


@lemma
def a_slice_releases_its_fraction_of_the_requirement() -> Claim:
    """max(F ES, floor gross, net) + uncovered + excess falls at least with the fraction.

    Given spreads A, B, D, flat requirements U of what is not covered, and an excess
    X' <= (1 - phi) X: the requirement after is at most (1 - phi) of the one before. Planted: an
    excess that stays.
    """
    shortfall, floor, net = z3.Reals("A B D")
    uncovered, excess, left = z3.Reals("U X X2")
    base = [phi >= 0, phi <= 1, *(x >= 0 for x in (shortfall, floor, net, uncovered, excess, left))]
    before = _largest([shortfall, floor, net]) + uncovered + excess
    rest = 1 - phi
    after = _largest([rest * shortfall, rest * floor, rest * net]) + rest * uncovered + left
    falls = after <= rest * before
    return Claim(
        given=[*base, left <= rest * excess],
        goals=[falls],
        planted=[Falsehood("an excess that stays", [*base, left == excess], falls)],
    )


@lemma
def a_slice_of_all_legs_keeps_h() -> Claim:
    """M' <= (1 - phi) M and pi N <= E: the same fraction of every leg never lowers h.

    E' = E - pi phi N satisfies E' M >= E M' and E' >= 0. Planted: one leg alone, whose hedge then
    stands open: M' <= (1 + phi) M.
    """
    left = z3.Real("M2")
    after = E - pi * phi * N
    base = [*ACCOUNT, left >= 0, pi * N <= E]
    helps = after * M >= E * left
    return Claim(
        given=[*base, left <= (1 - phi) * M],
        goals=[helps, after >= 0],
        planted=[Falsehood("a hedge left open", [*base, left <= (1 + phi) * M], helps)],
    )


@lemma
def a_slice_beside_stale_legs_helps_where_they_need_less_alone() -> Claim:
    """Subadditive and homogeneous M: what is left needs no more than (1 - phi) M(x) + phi M(z).

    x is the book and z its legs without a usable price: after the slice (1 - phi) x + phi z is
    left. Given M(z) < M(x) and phi > 0: M' < M. Planted: legs that need more alone than hedged.
    """
    left, alone = z3.Reals("M2 Mz")
    base = [M > 0, phi > 0, phi <= 1, alone >= 0, left <= (1 - phi) * M + phi * alone]
    helps = left < M
    more = alone <= 2 * M
    return Claim([*base, alone < M], [helps], [Falsehood("hedges", [*base, more], helps)])


@lemma
def the_fraction_never_overshoots_the_target() -> Claim:
    """phi = ((1+b) M - E) / ((1+b) (M + S/2) - pi N) ends at E' <= (1+b) M', on it where S = 0.

    S is what legs need whose size sets their rate, A = M - S the rest, of any sign: with 1 - phi =
    r^2 the slice leaves M' >= A r^2 + S r^3. Given (1 + b) (M + S / 2) > pi N. Planted: the same
    without S / 2.
    """
    left, sized, r = z3.Reals("M2 S r")
    target = (1 + b) * M
    rest = M - sized
    base = [*ACCOUNT, sized >= 0, r >= 0, 1 - phi == r**2, left >= rest * r**2 + sized * r**3]
    steepest = (1 + b) * (M + sized / 2) - pi * N
    step = [steepest > 0, phi * steepest == target - E]
    flat = target - pi * N
    wrong = [flat > 0, phi * flat == target - E, left == rest * r**2 + sized * r**3]
    after = E - pi * phi * N
    stays = after <= (1 + b) * left
    on_it = z3.Implies(z3.And(sized == 0, left == rest * r**2), after == (1 + b) * left)
    return Claim(
        given=[*base, *step],
        goals=[stays, on_it],
        planted=[Falsehood("without S / 2", [*base, *wrong], stays)],
    )
