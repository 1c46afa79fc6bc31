"""The reduce rule of the margin gate: what the contract compares is what P6 promises."""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

E0, M0, E1, M1 = z3.Reals("E0 M0 E1 M1")


@lemma
def cross_multiplied_comparison_means_h_is_not_lower() -> Claim:
    """E1 M0 >= E0 M1 with E0 > 0, E1 >= 0 says E1 / M1 >= E0 / M0, or that no margin is needed.

    Given M0, M1 >= 0: with M0 > 0 and M1 > 0 the ratio did not fall; with M0 = 0 the comparison can
    hold only if M1 = 0 too. Planted: E0 and E1 of any sign with M0, M1 swapped.
    """
    passes = E1 * M0 >= E0 * M1
    base = [E0 > 0, E1 >= 0, M0 >= 0, M1 >= 0]
    ratio = z3.Implies(z3.And(M0 > 0, M1 > 0), E1 / M1 >= E0 / M0)
    return Claim(
        given=[*base, passes],
        goals=[ratio, z3.Implies(M0 == 0, M1 == 0)],
        planted=[Falsehood("sides swapped", [*base, E1 * M1 >= E0 * M0], ratio)],
    )


@lemma
def comparison_refuses_every_lower_h() -> Claim:
    """The converse: a reduction that lowers h does not pass.

    Given E0 > 0, E1 >= 0, M0, M1 > 0 and E1 / M1 < E0 / M0: E1 M0 < E0 M1. Planted: a comparison
    that forgives one unit.
    """
    base = [E0 > 0, E1 >= 0, M0 > 0, M1 > 0, E1 / M1 < E0 / M0]
    forgiving = z3.Not(E1 * M0 + 1 >= E0 * M1)
    return Claim(base, [z3.Not(E1 * M0 >= E0 * M1)], [Falsehood("one unit", base, forgiving)])


@lemma
def equity_before_is_rebuilt_exactly() -> Claim:
    """Base less money and fee, leg less size: the equity before the change, at every price.

    Given legs s (changed by d for money m and fee f, at any fill price) and r, prices P and Q, base
    the part of equity that no price moves: base0 = base1 - m + f, s0 = s1 - d, so E0 = base0 + s0 P
    + r Q equals E1 - (d P + m - f). Planted: the fee left in.
    """
    base, size, other, price, other_price = z3.Reals("base s r P Q")
    change, money, fee = z3.Reals("d m f")
    after = base + size * price + other * other_price
    before = (base - money + fee) + (size - change) * price + other * other_price
    wrong = (base - money) + (size - change) * price + other * other_price
    moved = change * price + money - fee
    return Claim(
        [], [before == after - moved], [Falsehood("fee left in", [], wrong == after - moved)]
    )


@lemma
def reduction_test_is_no_growth_and_no_flip() -> Claim:
    """after * (before - after) >= 0 says exactly: |after| <= |before| and no change of sign.

    Given any two sizes: the product is not negative if and only if after lies between 0 and before.
    Planted: before * (before - after) >= 0, which lets a flip through.
    """
    before, after = z3.Reals("before after")
    between = z3.Or(z3.And(after >= 0, after <= before), z3.And(after <= 0, after >= before))
    return Claim(
        given=[],
        goals=[(after * (before - after) >= 0) == between],
        planted=[Falsehood("the other factor", [], (before * (before - after) >= 0) == between)],
    )


@lemma
def products_fit_256_bits() -> Claim:
    """Equity and maintenance below 2**128: neither product of the comparison wraps.

    Given integers 0 <= E, M < 2**128: E M < 2**256. Planted: a bound of 2**129.
    """
    equity, maintenance = z3.Reals("E M")

    def below(bits: int) -> list[z3.BoolRef]:
        limit = 2**bits
        return [equity >= 0, maintenance >= 0, equity < limit, maintenance < limit]

    fits = equity * maintenance < 2**256
    return Claim(below(128), [fits], [Falsehood("129 bits", below(129), fits)])


@lemma
def above_initial_is_above_maintenance() -> Claim:
    """Settled or adverse equity >= initial margin implies E >= M: nobody acts into a liquidation.

    Given cash C, collateral worth K >= 0 with weights 0 <= w_i <= w_m, V the net value and Va <= V
    at adverse prices, reserve R: settled = C + w_i K + min(0, Va) - R, adverse = settled + w max(0,
    Va) with 0 <= w <= 1, E = C + w_m K + V - R, and M <= IM: either of them >= IM implies E >= M.
    Planted: an initial weight above the maintenance weight.
    """
    cash, worth, initial_weight, weight, net, adverse, reserve = z3.Reals("C K wi wm V Va R")
    profit_weight = z3.Real("w")
    initial, maintenance = z3.Reals("IM M")
    settled = cash + initial_weight * worth + z3.If(adverse < 0, adverse, 0) - reserve
    counted = settled + profit_weight * z3.If(adverse > 0, adverse, 0)
    equity = cash + weight * worth + net - reserve
    base = [worth >= 0, initial_weight >= 0, weight >= 0, weight <= 1, adverse <= net]
    base += [reserve >= 0, maintenance >= 0, maintenance <= initial]
    base += [profit_weight >= 0, profit_weight <= 1]
    safe = equity >= maintenance
    exits, fills = z3.Implies(settled >= initial, safe), z3.Implies(counted >= initial, safe)
    return Claim(
        given=[*base, initial_weight <= weight],
        goals=[exits, fills],
        planted=[Falsehood("weights crossed", [*base, initial_weight <= 1], exits)],
    )
