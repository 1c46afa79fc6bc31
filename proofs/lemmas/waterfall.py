"""Who pays a shortfall: stages sum to it, nobody pays above his cap, and no cap ruins a margin.

The fund is asked for every claim, then sides up to their caps; what a side cannot pay is asked of
the others by what they have left (`CloseOut._raise`, `CloseOut._charge`), and the rest is deferred.
All amounts are integers; a part of an amount rounds down.
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, lemma

p, a, b, equity, u, x = z3.Reals("P a b E u x")


def _larger(one: z3.ArithRef, other: z3.ArithRef) -> z3.ArithRef:
    return z3.If(one > other, one, other)


def _smaller(one: z3.ArithRef, other: z3.ArithRef) -> z3.ArithRef:
    return z3.If(one < other, one, other)


def _is_floor(part: z3.ArithRef, numerator: z3.ArithRef, divisor: z3.ArithRef) -> z3.BoolRef:
    return z3.And(part * divisor <= numerator, numerator < (part + 1) * divisor)


def _is_ceil(part: z3.ArithRef, numerator: z3.ArithRef, divisor: z3.ArithRef) -> z3.BoolRef:
    return z3.And(part * divisor >= numerator, numerator > (part - 1) * divisor)


@lemma
def fund_is_asked_for_no_more_than_it_has() -> Claim:
    """Asked floor(w c / S) of each claim w: no more than the claim, together no more than c.

    Given claims w1 + w2 + w3 = S > 0 and what the fund can pay of it, 0 <= c <= S. Planted: parts
    rounded up.
    """
    claims, parts = z3.Reals("w1 w2 w3"), z3.Reals("k1 k2 k3")
    total, cash = z3.Reals("S c")
    base = [total > 0, cash >= 0, cash <= total, total == z3.Sum(claims)]
    base += [claim >= 0 for claim in claims]
    pairs = list(zip(parts, claims, strict=True))
    down = [_is_floor(part, claim * cash, total) for part, claim in pairs]
    up = [_is_ceil(part, claim * cash, total) for part, claim in pairs]
    fits = z3.Sum(parts) <= cash
    return Claim(
        given=[*base, *down],
        goals=[fits, *(part <= claim for part, claim in pairs)],
        planted=[Falsehood("rounded up", [*base, *up], fits)],
    )


@lemma
def asking_the_others_keeps_every_cap() -> Claim:
    """One turn of the second round: a side's part fits its room, what is left fits the others'.

    Given integers 0 <= m <= f missing of what is free, a room 0 <= r <= f of it, f > 0, and the
    part k = floor(m r / f): 0 <= k <= r and 0 <= m - k <= f - r. So by induction the last side,
    whose room is all that is free, is asked exactly for the rest. Planted: the whole of m is asked.
    """
    missing, free, room, part = z3.Ints("m f r k")
    base = [missing >= 0, missing <= free, room >= 0, room <= free, free > 0]
    floor = [_is_floor(part, missing * room, free)]
    fits = z3.And(part >= 0, part <= room)
    left = z3.And(missing - part >= 0, missing - part <= free - room)
    return Claim(
        given=[*base, *floor],
        goals=[fits, left, z3.Implies(room == free, part == missing)],
        planted=[Falsehood("all of it", [*base, part == missing], fits)],
    )


@lemma
def stages_sum_to_the_shortfall() -> Claim:
    """Fund, charges and what is deferred sum to the shortfall; none of them is below zero.

    Given claims w1, w2 and an unclaimed rest w0 that sum to S, paid k <= w of each, caps c >= 0,
    charges min(w - k, c) + e with 0 <= e <= c - min(w - k, c) and e1 + e2 = min(missing, free):
    what is deferred, S less the rest, is not negative, and is nothing where caps suffice and all is
    claimed. Planted: charges that ask free where less is missing.
    """
    claims, paid = z3.Reals("w0 w1 w2"), z3.Reals("k0 k1 k2")
    caps, more = z3.Reals("c1 c2"), z3.Reals("e1 e2")
    base = [z3.And(k >= 0, k <= w) for k, w in zip(paid, claims, strict=True)]
    rests = [claims[1] - paid[1], claims[2] - paid[2]]
    first = [_smaller(rest, cap) for rest, cap in zip(rests, caps, strict=True)]
    spare = [cap - one for cap, one in zip(caps, first, strict=True)]
    base += [cap >= 0 for cap in caps]
    base += [z3.And(e >= 0, e <= room) for e, room in zip(more, spare, strict=True)]
    missing, free = z3.Sum(rests) - z3.Sum(first), z3.Sum(spare)
    deferred = z3.Sum(claims) - z3.Sum(paid) - z3.Sum(first) - z3.Sum(more)
    right = z3.Sum(more) == _smaller(missing, free)
    enough = z3.And(claims[0] == 0, z3.Sum(caps) >= z3.Sum(rests))
    within = [one + e <= cap for one, e, cap in zip(first, more, caps, strict=True)]
    return Claim(
        given=[*base, right],
        goals=[deferred >= 0, z3.Implies(enough, deferred == 0), *within],
        planted=[Falsehood("all that is free", [*base, z3.Sum(more) == free], deferred >= 0)],
    )


@lemma
def a_split_gives_everything_away() -> Claim:
    """Parts floor(s w / W), the rest to the last weight: they sum to s, the last by < 2 more.

    Given weights w1, w2 >= 0, w3 > 0 of sum W and an amount s >= 0. Planted: the last rounded down.
    """
    weights, parts = z3.Reals("w1 w2 w3"), z3.Reals("k1 k2 k3")
    amount, total = z3.Reals("s W")
    base = [amount >= 0, total == z3.Sum(weights), weights[2] > 0]
    base += [weight >= 0 for weight in weights]
    base += [_is_floor(k, amount * w, total) for k, w in zip(parts[:2], weights[:2], strict=True)]
    exact = z3.Sum(parts) == amount
    share = amount * weights[2]
    rest = parts[2] == amount - parts[0] - parts[1]
    last = z3.And(parts[2] * total >= share, (parts[2] - 2) * total < share)
    return Claim(
        given=[*base, rest],
        goals=[exact, last],
        planted=[
            Falsehood("the last down", [*base, _is_floor(parts[2], share, total)], exact),
        ],
    )


@lemma
def a_charge_up_to_the_cap_ruins_no_margin() -> Claim:
    """Per unit: who had base margin where he stood keeps E >= 0 after gain + base min(P, EMA).

    Given P, a > 0 (index and EMA) and 0 <= b <= 1: a winner (a long with P >= a, a short with
    P <= a) whose equity at the EMA was at least b a has E >= b a + |P - a| at P; a loser is given E
    >= b P at P. Either keeps E - charge >= 0. Planted: base margin at P, which ruins a long that
    won.
    """
    won = z3.Bool("won")
    is_long = z3.Bool("long")
    gain = z3.If(is_long, _larger(p - a, 0), _larger(a - p, 0))
    base = [p > 0, a > 0, b >= 0, b <= 1]
    base += [won == z3.If(is_long, p >= a, p <= a)]
    base += [equity >= z3.If(won, b * a + gain, b * p)]
    keeps = equity - gain - b * _smaller(p, a) >= 0
    dearer = equity - gain - b * p >= 0
    return Claim(given=base, goals=[keeps], planted=[Falsehood("base margin at P", base, dearer)])


@lemma
def closes_of_one_move_share_one_cap() -> Claim:
    """Two closes charge a member together no more than one cap of the size that it began with.

    Given a side L > 0, sizes s1 + s2 <= L that stood against it, charges up to u s (u >= 0 is the
    cap of a unit), and 0 <= q <= s1 of the side closed by the first, pro rata: a member of size n
    pays n u at most. Planted: each charge up to u times what is left of the side.
    """
    side, first, second, closed, size, after = z3.Reals("L s1 s2 q n n2")
    charge, later, paid, paid_later = z3.Reals("d1 d2 k1 k2")
    left = side - closed
    base = [side > 0, first > 0, second > 0, first + second <= side, u >= 0]
    base += [closed >= 0, closed <= first, size > 0, size <= side, charge >= 0, later >= 0]
    base += [after * side == size * left]
    base += [paid * side == size * charge, paid_later * left == after * later]
    fits = paid + paid_later <= size * u
    whole = [charge <= u * side, later <= u * left]
    return Claim(
        given=[*base, charge <= u * first, later <= u * second],
        goals=[fits],
        planted=[Falsehood("all of the side", [*base, *whole], fits)],
    )


@lemma
def a_deposit_before_a_healing_gains_nothing() -> Claim:
    """Credit at held / (held + deferred - h) for what the fund can heal, h: worth x afterwards.

    Given held H > 0, deferred D >= h >= 0 and a deposit x > 0, credited c = x (H + D - h) / H: when
    h has healed, c at the exit ratio is x. Before it is no more than x. Planted: credit at H + D.
    """
    held, deferred, heals, credit = z3.Reals("H D h c")
    base = [held > 0, heals > 0, deferred >= heals, x > 0]
    later = held + x
    claims = later + deferred + credit - x

    def worth(missing: z3.ArithRef) -> z3.BoolRef:
        # Credit times held / claims, without the division.
        return credit * later - x * (claims - missing)

    fair = credit * held == x * (held + deferred - heals)
    dear = credit * held == x * (held + deferred)
    return Claim(
        given=[*base, fair],
        goals=[worth(heals) == 0, worth(z3.RealVal(0)) <= 0],
        planted=[Falsehood("all that is deferred", [*base, dear], worth(heals) == 0)],
    )
