"""The size of a partial liquidation reaches the target E = (1 + b) M, and closes no more (P5)."""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, ceil_of, lemma

E, M, m, x, y, b, pi = z3.Reals("E M m x y b pi")
#: An account below maintenance, a leg that releases m per notional, a penalty, a buffer up to 1.
ACCOUNT = [E > 0, M > 0, E < M, m > 0, m <= 1, b >= 0, b <= 1, pi >= 0]
GAIN = (1 + b) * m - pi
MISSING = (1 + b) * M - E


def short_of_target(notional: z3.ArithRef) -> z3.ArithRef:
    """(1 + b) M' - E' after closing so much; 0 is on target, negative beyond it."""
    return (1 + b) * (M - m * notional) - (E - pi * notional)


@lemma
def size_reaches_the_target_exactly() -> Claim:
    """x = ((1+b) M - E) / ((1+b) m - pi) ends at E' = (1+b) M'; any less falls short.

    Given (1 + b) m > pi: x > 0, E' = (1 + b) M' at x, and E' < (1 + b) M' for every y < x.
    Planted: the same formula with + pi; and that half of x would do.
    """
    exact = x * GAIN == MISSING
    wrong = x * ((1 + b) * m + pi) == MISSING
    base = [*ACCOUNT, GAIN > 0]
    return Claim(
        given=[*base, exact],
        goals=[
            x > 0,
            short_of_target(x) == 0,
            z3.Implies(z3.And(y >= 0, y < x), short_of_target(y) > 0),
        ],
        planted=[
            Falsehood("plus pi", [*base, wrong], short_of_target(x) == 0),
            Falsehood("half of it", [*base, exact], short_of_target(x / 2) <= 0),
        ],
    )


@lemma
def no_size_reaches_the_target_when_nothing_is_gained() -> Claim:
    """(1+b) m <= pi: every size falls short, so the engine closes up to its limit.

    Given (1 + b) m <= pi and any y >= 0: E - pi y < (1 + b)(M - m y). Planted: (1 + b) m > pi.
    """
    base = [*ACCOUNT, y >= 0]
    falls_short = short_of_target(y) > 0
    return Claim(
        given=[*base, GAIN <= 0],
        goals=[falls_short],
        planted=[Falsehood("a gain", [*base, GAIN > 0], falls_short)],
    )


@lemma
def capped_sizes_stay_below_the_target() -> Claim:
    """A leg or a limit smaller than x: the account ends at or below the target, never above.

    Given any notional y <= x: E' <= (1 + b) M'. Planted: y up to 1.001 x.
    """
    base = [*ACCOUNT, GAIN > 0, x * GAIN == MISSING, y >= 0]
    below = short_of_target(y) >= 0
    return Claim(
        given=[*base, y <= x],
        goals=[below],
        planted=[Falsehood("a little above x", [*base, 1000 * y <= 1001 * x], below)],
    )


@lemma
def capped_fee_never_overshoots_the_target() -> Claim:
    """Where the fee's cap E (1 - M'/M) binds, x still ends at or below the target.

    Given x of the formula, m x <= M and fee = min(pi x, E m x / M), which is the cap over the
    reals: E' = E - fee <= (1 + b) M', with equality where pi <= m h. Planted: a fee of half of it.
    """
    fee = z3.Real("fee")
    room = E * m * x
    rule = z3.If(pi * x * M <= room, fee == pi * x, fee * M == room)
    base = [*ACCOUNT, GAIN > 0, x * GAIN == MISSING, m * x <= M]
    target = (1 + b) * (M - m * x)
    return Claim(
        given=[*base, rule],
        goals=[E - fee <= target, z3.Implies(pi * M <= m * E, E - fee == target)],
        planted=[
            Falsehood("half the fee", [*base, rule], E - fee / 2 <= target),
        ],
    )


@lemma
def rounded_notional_is_the_first_that_reaches() -> Claim:
    """In parts per million, N = ceil(T 1e6 / (g r - p 1e6)) reaches the target and N - 1 does not.

    Given integers E, M, rate r, penalty p, goal g = 1e6 + buffer and T = g M - 1e6 E as the
    contract forms them: after N, 1e6 (1e6 E - N p) >= g (1e6 M - N r); after N - 1 the contrary.
    Planted: N rounded down.
    """
    million = 10**6
    rate, penalty, goal = z3.Reals("r p g")
    base = [E > 0, M > E, rate > 0, rate <= million, penalty >= 0, penalty <= 10**5]
    base += [goal >= million, goal <= 2 * million]
    divisor = goal * rate - penalty * million
    numerator = (goal * M - million * E) * million
    notional, is_ceil = ceil_of("N", numerator, divisor)

    def reaches(closed: z3.ArithRef) -> z3.BoolRef:
        equity = million * E - closed * penalty
        maintenance = million * M - closed * rate
        return million * equity >= goal * maintenance

    floored = z3.And(notional * divisor <= numerator, numerator < (notional + 1) * divisor)
    return Claim(
        given=[*base, divisor > 0, is_ceil],
        goals=[reaches(notional), z3.Not(reaches(notional - 1))],
        planted=[Falsehood("rounded down", [*base, divisor > 0, floored], reaches(notional))],
    )


@lemma
def whole_lots_close_a_lot_too_much_at_most() -> Claim:
    """Size up to a lot, whole when the rest would be dust: at most a lot and the minimum too much.

    Given a needed notional N, price P > 0, lot L, a position `held`, lots = ceil(N / (P L)), taken
    = min(held, lots L), and taken = held when (held - taken) P < minimum: the notional taken
    exceeds N by less than P L + minimum, is at least N unless all is taken, and 0 < taken <= held.
    Planted: an excess below one lot with the dust rule on.
    """
    needed, price, lot, held, taken, minimum = z3.Reals("N P L held taken minimum")
    lots, is_ceil = ceil_of("lots", needed, price * lot)
    capped = z3.If(lots * lot <= held, lots * lot, held)
    is_dust = (held - capped) * price < minimum
    base = [needed > 0, price > 0, lot > 0, held > 0, minimum >= 0, is_ceil]
    base += [taken == z3.If(is_dust, held, capped)]
    excess = taken * price - needed
    return Claim(
        given=base,
        goals=[
            z3.And(taken > 0, taken <= held),
            z3.Or(taken == held, taken * price >= needed),
            excess < price * lot + minimum,
        ],
        planted=[Falsehood("no dust", base, excess < price * lot)],
    )


@lemma
def limited_size_stays_within_the_limit() -> Claim:
    """A keeper's limit: floor(limit / (P L)) lots are worth no more than it, and one more would be.

    Given limit >= 0, price P > 0 and lot L > 0: lots L P <= limit < (lots + 1) L P.
    Planted: rounded up.
    """
    limit, price, lot, lots = z3.Reals("limit P L lots")
    base = [limit >= 0, price > 0, lot > 0]
    per_lot = price * lot
    down = z3.And(lots * per_lot <= limit, limit < (lots + 1) * per_lot)
    rounded_up = z3.And(lots * per_lot >= limit, (lots - 1) * per_lot < limit)
    within = lots * lot * price <= limit
    return Claim(
        given=[*base, down],
        goals=[within, limit < (lots * lot + lot) * price],
        planted=[Falsehood("rounded up", [*base, rounded_up], within)],
    )


s, u, c = z3.Reals("s u c")


@lemma
def a_square_root_tier_lies_above_its_tangent() -> Claim:
    """R(n) = c n^1.5 is convex: what is left needs at least what the tangent at n says.

    With n = s^2 and a smaller n' = u^2: c u^3 >= c s^3 + 1.5 c s (u^2 - s^2). Planted: the mean
    rate c s in place of the marginal rate 1.5 c s.
    """
    base = [s >= 0, u >= 0, u <= s, c > 0]
    falls = s**2 - u**2
    above = c * u**3 >= c * s**3 - (3 * c * s / 2) * falls
    mean = c * u**3 >= c * s**3 - c * s * falls
    return Claim(base, [above], [Falsehood("the mean rate", base, mean)])


def _after_step(slope: z3.ArithRef) -> tuple[list[z3.BoolRef], z3.ArithRef]:
    """What holds of one of Newton's steps with a slope per notional, and what is missing then.

    s^2 is the notional left before the step, u^2 after it; `owed` is (1 + b) M - E before it.
    """
    owed, step = z3.Reals("owed step")
    gain = (1 + b) * slope - pi
    base = [b >= 0, b <= 1, pi >= 0, c > 0, s > 0, u >= 0, owed > 0, gain > 0]
    base += [step * gain == owed, u**2 == s**2 - step]
    left = owed - (1 + b) * (c * s**3 - c * u**3) + pi * step
    return base, left


@lemma
def newton_steps_never_close_more_than_needed() -> Claim:
    """A step with a slope at or above the marginal rate ends short of the target or on it.

    Given a leg of notional s^2 beyond its depth, (1 + b) M - E > 0 missing, a slope k >= 1.5 c s
    with (1 + b) k > pi, and a step of missing / ((1 + b) k - pi) that the leg holds: afterwards
    (1 + b) M' - E' >= 0. Steps add up, so all of them together close no more than needed.
    Planted: the mean rate as the slope.
    """
    slope = z3.Real("k")
    base, left = _after_step(slope)
    marginal = slope >= 3 * c * s / 2
    mean = slope == c * s
    return Claim([*base, marginal], [left >= 0], [Falsehood("mean rate", [*base, mean], left >= 0)])


@lemma
def newton_steps_stay_short_where_the_tier_ends() -> Claim:
    """The same where the rest falls below its depth: its rate is then the flat one, not less.

    Given R(n) = max(f n, c n^1.5) with c n^1.5 >= f n before the step: then (1 + b) M' - E' >= 0.
    Planted: a rest that needs nothing.
    """
    flat = z3.Real("f")
    slope = 3 * c * s / 2
    base, left = _after_step(slope)
    base += [flat >= 0, c * s >= flat]
    rest = z3.If(c * u >= flat, c * u**3, flat * u**2)
    more = left + (1 + b) * (rest - c * u**3)
    nothing = left - (1 + b) * c * u**3
    return Claim(base, [more >= 0], [Falsehood("nothing", base, nothing >= 0)])
