"""Price of an insurance fund share: nobody's deposit or exit lowers it for the others.

price = (A + 1) / (S + V), with A the native units, S the shares, V = 1e6 virtual shares.
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, ceil_of, floor_of, lemma

A, S, assets, shares = z3.Reals("A S a s")
V = 10**6
VAULT = [A >= 0, S >= 0]


def not_lower(after: z3.ArithRef, supply: z3.ArithRef) -> z3.BoolRef:
    """(A' + 1) / (S' + V) >= (A + 1) / (S + V), cross-multiplied."""
    return (after + 1) * (S + V) >= (A + 1) * (supply + V)


@lemma
def entering_never_lowers_the_price() -> Claim:
    """deposit (shares down) and mint (assets up) leave the price or raise it.

    Given A, S >= 0: deposit of a > 0 issues floor(a (S + V) / (A + 1)); mint of s > 0 takes
    ceil(s (A + 1) / (S + V)). Planted: shares rounded up; assets rounded down.
    """
    issued, is_issued = floor_of("issued", assets * (S + V), A + 1)
    more, is_more = ceil_of("more", assets * (S + V), A + 1)
    paid, is_paid = ceil_of("paid", shares * (A + 1), S + V)
    less, is_less = floor_of("less", shares * (A + 1), S + V)
    base = [*VAULT, assets > 0, shares > 0]
    return Claim(
        given=[*base, is_issued, is_paid],
        goals=[not_lower(A + assets, S + issued), not_lower(A + paid, S + shares)],
        planted=[
            Falsehood("shares up", [*base, is_more], not_lower(A + assets, S + more)),
            Falsehood("assets down", [*base, is_less], not_lower(A + less, S + shares)),
        ],
    )


@lemma
def leaving_never_lowers_the_price() -> Claim:
    """redeem (assets down) and withdraw (shares up) leave the price or raise it.

    Given A, S >= 0: redeem of s <= S pays floor(s (A + 1) / (S + V)); withdraw of a burns
    ceil(a (S + V) / (A + 1)) <= S. Planted: assets rounded up; shares rounded down.
    """
    paid, is_paid = floor_of("paid", shares * (A + 1), S + V)
    more, is_more = ceil_of("more", shares * (A + 1), S + V)
    burnt, is_burnt = ceil_of("burnt", assets * (S + V), A + 1)
    fewer, is_fewer = floor_of("fewer", assets * (S + V), A + 1)
    base = [*VAULT, shares > 0, shares <= S, assets > 0, assets <= A]
    return Claim(
        given=[*base, is_paid, is_burnt, burnt <= S],
        goals=[not_lower(A - paid, S - shares), not_lower(A - assets, S - burnt)],
        planted=[
            Falsehood("assets up", [*base, is_more], not_lower(A - more, S - shares)),
            Falsehood("shares down", [*base, is_fewer], not_lower(A - assets, S - fewer)),
        ],
    )


@lemma
def a_round_trip_never_gains() -> Claim:
    """Depositing a and redeeming the shares at once pays at most a.

    Given A, S >= 0, a > 0, s = floor(a (S + V) / (A + 1)) and the redemption at the price after:
    floor(s (A + a + 1) / (S + s + V)) <= a. Planted: shares rounded up.
    """
    issued, is_issued = floor_of("issued", assets * (S + V), A + 1)
    more, is_more = ceil_of("more", assets * (S + V), A + 1)
    back, is_back = floor_of("back", issued * (A + assets + 1), S + issued + V)
    back2, is_back2 = floor_of("back2", more * (A + assets + 1), S + more + V)
    base = [*VAULT, assets > 0]
    return Claim(
        given=[*base, is_issued, is_back],
        goals=[back <= assets],
        planted=[Falsehood("shares up", [*base, is_more, is_back2], back2 <= assets)],
    )


@lemma
def rounded_credit_backs_the_shares() -> Claim:
    """What the fund counts of a credit, floor(c / u), is at most what its assets grow by.

    Given cash k >= 0, a credit c >= 0 and a native unit of u >= 1 wei: floor((k + c) / u) >=
    floor(k / u) + floor(c / u), over integers. Planted: the credit counted up.
    """
    cash, credit, unit, before, counted, after, up = z3.Ints("k c u before counted after up")
    base = [cash >= 0, credit >= 0, unit >= 1, before * unit <= cash, cash < (before + 1) * unit]
    base += [after * unit <= cash + credit, cash + credit < (after + 1) * unit]
    down = [counted * unit <= credit, credit < (counted + 1) * unit]
    more = [up * unit >= credit, (up - 1) * unit < credit, unit == 10]
    return Claim(
        given=[*base, *down],
        goals=[after >= before + counted],
        planted=[Falsehood("counted up", [*base, *more], after >= before + up)],
    )


@lemma
def a_gift_costs_the_next_depositor_a_millionth_of_it() -> Claim:
    """A gift D to an empty fund makes the next depositor lose less than (D + 1) / 1e6 to rounding.

    Given S = 0, A = 0 and a gift D > 0, then a deposit of a: it loses at the price before it, and
    so at the price after (`entering_never_lowers_the_price`), less than one share, (D + 1) / 1e6;
    the giver holds no share. Planted: a loss below (D + 1) / 1e7.
    """
    gift = z3.Real("D")
    issued, is_issued = floor_of("issued", assets * V, gift + 1)
    loss = assets - issued * (gift + 1) / V
    base = [gift > 0, assets > 0, is_issued]
    return Claim(
        given=base,
        goals=[loss >= 0, loss * V < gift + 1],
        planted=[Falsehood("ten times less", base, loss * V * 10 < gift + 1)],
    )


@lemma
def paying_a_shortfall_lowers_every_share_alike() -> Claim:
    """cover: the price falls by the same factor for all; a queued share loses what others lose.

    Given assets A falling to A' >= 0 with the supply unchanged, any two holdings s1, s2 > 0: worth'
    / worth is the same for both. Planted: one holding priced before the loss.
    """
    first, second, left = z3.Reals("s1 s2 A'")
    base = [*VAULT, first > 0, second > 0, left >= 0, left < A]

    def worth(holding: z3.ArithRef, total: z3.ArithRef) -> z3.ArithRef:
        return holding * (total + 1) / (S + V)

    alike = worth(first, left) * worth(second, A) == worth(second, left) * worth(first, A)
    spared = worth(first, A) * worth(second, A) == worth(second, left) * worth(first, A)
    return Claim(base, [alike], [Falsehood("one spared", base, spared)])
