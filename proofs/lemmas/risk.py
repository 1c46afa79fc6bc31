"""Risk factors: open interest by slices, and haircuts that grow with the size of a collateral."""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

top, bottom, middle, full = z3.Reals("top bottom middle full")
SLICE = [bottom >= 0, top > bottom, full > 0]


def _charge(upper: z3.ArithRef, lower: z3.ArithRef) -> z3.ArithRef:
    """Notional times the contract's factor, for the slice of open interest between two levels."""
    above = (upper + lower) / (2 * full)
    area = 2 * full * (full - lower) + upper**2 - full**2
    across = area / (2 * full * (upper - lower))
    factor = z3.If(upper <= full, 1, z3.If(lower >= full, above, across))
    return factor * (upper - lower)


@lemma
def splitting_a_position_asks_the_same_of_its_parts() -> Claim:
    """The factor is a mean over a position's own slice: its parts ask together what the whole asks.

    Given bottom < middle < top of any open interest and capacity: charge(top, middle) +
    charge(middle, bottom) = charge(top, bottom), wherever the capacity lies. Planted: the factor at
    the top for the whole slice.
    """

    def at_the_top(upper: z3.ArithRef, lower: z3.ArithRef) -> z3.ArithRef:
        return z3.If(upper <= full, 1, upper / full) * (upper - lower)

    base = [*SLICE, middle > bottom, middle < top]
    parts = _charge(top, middle) + _charge(middle, bottom) == _charge(top, bottom)
    wrong = at_the_top(top, middle) + at_the_top(middle, bottom) == at_the_top(top, bottom)
    return Claim(base, [parts], [Falsehood("factor at the top", base, wrong)])


@lemma
def the_last_slice_is_never_asked_less() -> Claim:
    """The factor is at least 1, and of two slices of one size the later one's is not smaller.

    Given a slice and the same slice higher up by `more` >= 0. Planted: strictly larger.
    """
    more = z3.Real("more")
    first, later = _charge(top, bottom), _charge(top + more, bottom + more)
    base = [*SLICE, more >= 0]
    return Claim(
        given=base,
        goals=[first >= top - bottom, later >= first],
        planted=[Falsehood("strictly", [*base, more > 0], later > first)],
    )


@lemma
def more_collateral_never_counts_for_less() -> Claim:
    """g (1 - h (g / d)^0.5) rises up to a haircut of two thirds, where the worth stays as it is.

    With g = s^2 and k = h / d^0.5: for 0 <= s <= t <= 2 / (3 k), s^2 (1 - k s) <= t^2 (1 - k t).
    Planted: up to a haircut of 1.
    """
    s, t, k = z3.Reals("s t k")
    base = [k > 0, s >= 0, s <= t]
    rises = s**2 * (1 - k * s) <= t**2 * (1 - k * t)
    return Claim(
        given=[*base, 3 * k * t <= 2],
        goals=[rises],
        planted=[Falsehood("up to 1", [*base, k * t <= 1], rises)],
    )
