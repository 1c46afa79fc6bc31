"""Roundings go against the account, so that claims never exceed assets.

A floor is any number in (x - 1, x] and a ceil any in [x, x + 1): the proofs use no more of them.
Amounts count in wei; scale and charge are fractions of one (their RAY taken out), so that a rounded
product is off by less than one wei.
"""

from __future__ import annotations

import z3

from proofs.lemmas.claim import Claim, Falsehood, ceil_of, floor_of, lemma

ONE = z3.RealVal(1)


@lemma
def two_sides_of_a_fill_never_book_a_gain() -> Claim:
    """floor(s F) + floor(-s F) is 0 or -1: opposite sides of a fill can lose a wei, not make one.

    Given integers a = s F (numerator) and d > 0 (one WAD): both floors sum to 0 or -1, and to 0
    where d divides a. Planted: both rounded up.
    """
    a, d, first, second = z3.Ints("a d first second")
    down = [d > 0, first * d <= a, a < (first + 1) * d, second * d <= -a, -a < (second + 1) * d]
    up = [d == 10, first * d >= a, (first - 1) * d < a, second * d >= -a, (second - 1) * d < -a]
    total = first + second
    return Claim(
        given=down,
        goals=[z3.Or(total == 0, total == -1), z3.Implies(first * d == a, total == 0)],
        planted=[Falsehood("both rounded up", up, total <= 0)],
    )


@lemma
def claim_of_a_leg_is_below_its_worth() -> Claim:
    """Size down, funding and charge up: a leg reports at most its exact worth where P >= F.

    Given n shares of either sign, scale 0 < A <= 1, any charge G, quote q, price P >= F: size =
    floor(n A), value = floor(size P) - ceil(size F) - ceil(n G) + q <= n (A (P - F) - G) + q.
    For P < F a leg may report up to F - P (money per wei of size) more. Planted: P below F.
    """
    shares, scale, charge, quote, price, funding = z3.Reals("n A G q P F")
    size, is_size = floor_of("size", shares * scale, ONE)
    worth, is_worth = floor_of("worth", size * price, ONE)
    owed, is_owed = ceil_of("owed", size * funding, ONE)
    paid, is_paid = ceil_of("paid", shares * charge, ONE)
    base = [scale > 0, scale <= 1, price > 0, is_size, is_worth, is_owed, is_paid]
    reported = worth - owed - paid + quote
    exact = shares * (scale * (price - funding) - charge) + quote
    return Claim(
        given=base,
        goals=[
            z3.Implies(price >= funding, reported <= exact),
            z3.Implies(price < funding, reported <= exact + (funding - price)),
        ],
        planted=[Falsehood("price below funding", [*base, price < funding], reported <= exact)],
    )


@lemma
def opening_never_claims_more_than_was_paid() -> Claim:
    """Shares of an opening round down: a long gains nothing, a short less than a wei of shares.

    Given a size |s| > 0 for money m, n = floor(|s| / A) shares and a quote of m + floor(s F) +
    floor(n G): the worth at once, n (A (P - F) - G) + quote, is at most s P + m for a long; for a
    short below s P + m + A (P - F), the price of a wei of shares. Planted: a long's shares rounded
    up.
    """
    size, money, scale, charge, price, funding = z3.Reals("s m A G P F")
    shares, is_down = floor_of("n", size, scale)
    more, is_up = ceil_of("n2", size, scale)
    long_owed, is_long = floor_of("owed", size * funding, ONE)
    short_owed, is_short = floor_of("owed2", -size * funding, ONE)
    base = [size > 0, scale > 0, scale <= 1, price >= funding, price > 0, is_long, is_short]

    def worth(held: z3.ArithRef, owed: z3.ArithRef, name: str) -> tuple[z3.ArithRef, z3.BoolRef]:
        carried, is_carried = floor_of(name, held * charge, ONE)
        return held * (scale * (price - funding) - charge) + money + owed + carried, is_carried

    long, long_floor = worth(shares, long_owed, "carried")
    short, short_floor = worth(-shares, short_owed, "carried2")
    wrong, wrong_floor = worth(more, long_owed, "carried3")
    return Claim(
        given=[*base, is_down, long_floor, short_floor],
        goals=[
            long <= size * price + money,
            short <= -size * price + money + scale * (price - funding),
        ],
        planted=[
            Falsehood("shares up", [*base, is_up, wrong_floor], wrong <= size * price + money)
        ],
    )


@lemma
def kept_part_of_a_quote_is_not_below_its_share() -> Claim:
    """A partial close takes floor(q n' / n) of the quote: its exact share stays, or a wei more.

    Given any q and 0 < n' <= n: q (n - n') / n <= q - floor(q n' / n) < q (n - n') / n + 1, so that
    many small closes cannot pull a gain out of the quote. Planted: the portion rounded up.
    """
    quote, held, closed = z3.Reals("q n n'")
    part, is_part = floor_of("part", quote * closed, held)
    more, is_more = ceil_of("more", quote * closed, held)
    base = [held > 0, closed > 0, closed <= held]
    exact = quote * (held - closed)
    return Claim(
        given=[*base, is_part],
        goals=[(quote - part) * held >= exact, (quote - part - 1) * held < exact],
        planted=[Falsehood("rounded up", [*base, is_more], (quote - more) * held >= exact)],
    )


@lemma
def a_charge_collects_at_least_the_shortfall() -> Claim:
    """Payers up: a charge of B takes from the side B at least, and less than one unit a share more.

    Given B > 0 and shares N > 0, the ledger's floor(-B / N) per share in RAY (unit u): the side
    pays c N with c >= B / N and c < B / N + u. Planted: the quotient rounded toward zero.
    """
    shortfall, shares, unit = z3.Reals("B N u")
    base = [shortfall > 0, shares > 0, unit > 0, unit < 1]
    quotient, is_floor = floor_of("k", -shortfall, shares * unit)
    truncated, is_ceil = ceil_of("k2", -shortfall, shares * unit)
    paid = -quotient * unit * shares
    short_paid = -truncated * unit * shares
    return Claim(
        given=[*base, is_floor],
        goals=[paid >= shortfall, paid < shortfall + unit * shares],
        planted=[Falsehood("toward zero", [*base, is_ceil], short_paid >= shortfall)],
    )


@lemma
def closing_a_side_takes_at_least_the_size() -> Claim:
    """A down: closing q of a side lowers its size by q at least, so no side keeps what it sold.

    Given N shares at scale A, 0 <= q <= A N and A' = A - ceil(q / N) in RAY (unit u): A' N <= A N -
    q, and A N - q - A' N < u N. Planted: the quotient rounded down.
    """
    shares, scale, size, unit = z3.Reals("N A q u")
    base = [shares > 0, scale > 0, size > 0, size <= scale * shares, unit > 0, unit < 1]
    step, is_ceil = ceil_of("k", size, shares * unit)
    small, is_floor = floor_of("k2", size, shares * unit)
    left = (scale - step * unit) * shares
    more = (scale - small * unit) * shares
    exact = scale * shares - size
    return Claim(
        given=[*base, is_ceil],
        goals=[left <= exact, exact - left < unit * shares],
        planted=[Falsehood("rounded down", [*base, is_floor], more <= exact)],
    )


@lemma
def carried_positions_claim_no_more_than_the_book() -> Claim:
    """At an epoch's end the book moves by ceil(-+N G); its members' quotes sum to no more.

    Given members n1, n2 > 0 of a side and a charge G of either sign: longs' quotes move by
    -ceil(n_i G), together at most ceil(-(n1 + n2) G); shorts' by -ceil(-n_i G) - 1, at most
    ceil((n1 + n2) G). Planted: members of a long side carried with floor.
    """
    first, second, charge = z3.Reals("n1 n2 G")
    longs, is_longs = ceil_of("longs", -(first + second) * charge, ONE)
    shorts, is_shorts = ceil_of("shorts", (first + second) * charge, ONE)
    base = [first > 0, second > 0, is_longs, is_shorts]
    moves = []
    for index, number in enumerate((first, second, -first, -second)):
        carried, is_carried = ceil_of(f"carried{index}", number * charge, ONE)
        base.append(is_carried)
        moves.append(-carried)
    floors = [floor_of(f"floor{index}", n * charge, ONE) for index, n in enumerate((first, second))]
    planted = [*base, *(formula for _, formula in floors)]
    return Claim(
        given=base,
        goals=[moves[0] + moves[1] <= longs, moves[2] + moves[3] - 2 <= shorts],
        planted=[Falsehood("floor", planted, -floors[0][0] - floors[1][0] <= longs)],
    )


@lemma
def exits_never_lower_the_ratio_of_those_who_stay() -> Claim:
    """A withdrawal paid floor(a H / (H + D)) leaves held / (held + deferred) as it was or higher.

    Given held H > 0, deferred D >= 0, 0 < a <= H + D, p the payment (rounded down to whatever unit)
    and D' = max(0, D - (a - p)): with H' = H - p, H' (H + D) >= H (H' + D'). Planted: rounded up.
    """
    held, deferred, amount, paid, unit = z3.Reals("H D a p u")
    base = [held > 0, deferred >= 0, amount > 0, amount <= held + deferred, unit >= 1]
    exact = amount * held
    down = z3.And(paid >= 0, paid * (held + deferred) <= exact)
    up = z3.And(paid * (held + deferred) >= exact, (paid - unit) * (held + deferred) < exact)
    owed = z3.If(deferred > amount - paid, deferred - (amount - paid), 0)
    kept = (held - paid) * (held + deferred) >= held * (held - paid + owed)
    return Claim(
        given=[*base, down],
        goals=[kept],
        planted=[Falsehood("rounded up", [*base, up, paid <= held], kept)],
    )


@lemma
def deposits_never_lower_the_ratio_of_those_who_are_in() -> Claim:
    """A deposit credited floor(a (H + D) / H), the rest deferred, leaves the ratio or raises it.

    Given H > 0, D >= 0, a > 0, c the credit, D' = D + c - a, H' = H + a: H' (H + D) >= H (H' + D'),
    and what the newcomer could take out at the new ratio is at most a. Planted: rounded up.
    """
    held, deferred, amount = z3.Reals("H D a")
    credit, is_down = floor_of("c", amount * (held + deferred), held)
    more, is_up = ceil_of("c2", amount * (held + deferred), held)
    base = [held > 0, deferred >= 0, amount > 0]

    def kept(credited: z3.ArithRef) -> z3.BoolRef:
        owed = deferred + credited - amount
        return (held + amount) * (held + deferred) >= held * (held + amount + owed)

    claims = held + deferred + credit
    return Claim(
        given=[*base, is_down],
        goals=[kept(credit), credit * (held + amount) <= amount * claims],
        planted=[Falsehood("rounded up", [*base, is_up], kept(more))],
    )
