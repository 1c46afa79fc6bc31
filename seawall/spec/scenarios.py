"""The scenario matrix: joint price shocks of all markets, and Expected Shortfall over them.

A version of the matrix holds SCENARIOS shocks per market, as 16-bit numbers shifted by BIAS, in
1/10,000 of the market's maintenance rate: the matrix says how markets move together, the rate how
far. So rates, their factors and their ramps reach every scenario. Scenario s of all markets is one
joint event. Expected Shortfall is the mean of the `tail` worst losses of a portfolio (Acerbi and
Tasche 2002); it credits hedges, and halves when the portfolio does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.spec.fixed_math import ceil_div
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.state import Journal, Table, require
from seawall.spec.words import MATRIX, PPM

SCENARIOS = 32
PER_WORD = 16
#: A shock of 0; 2**15 above and below are 3.2768 times the price.
BIAS = 2**15
SHOCK_UNIT = 10_000
#: Bits of a portfolio's gross exposure while losses are summed in 64-bit lanes: with 16 more for a
#: shock and a unit for each of 16 legs they stay below 2**63.
GROSS_BITS = 46

Shocks = tuple[int, ...]


class Terms(NamedTuple):
    """Of one matrix: how many worst scenarios are averaged; parts per million."""

    tail: int = 0
    factor: int = 0
    floor: int = 0


class Matrix(NamedTuple):
    """Which version is in force and which one the ramp of maintenance margin comes from."""

    version: int = 0
    earlier: int = 0
    ramp_start: int = 0
    terms: Terms = Terms()
    earlier_terms: Terms = Terms()
    #: Whole units of money: below it an account in portfolio mode takes no new risk.
    minimum_equity: int = 0

    @property
    def word(self) -> int:
        """As the contract stores it."""
        return MATRIX.pack(
            version=self.version,
            earlier=self.earlier,
            ramp_start=self.ramp_start,
            tail=self.terms.tail,
            factor=self.terms.factor,
            gross_floor=self.terms.floor,
            earlier_tail=self.earlier_terms.tail,
            earlier_factor=self.earlier_terms.factor,
            earlier_gross_floor=self.earlier_terms.floor,
            minimum_equity=self.minimum_equity,
        )


def pack_shocks(shocks: Shocks) -> tuple[int, int]:
    """Two words of 16 shocks each, the first in the lowest bits. Raises ValueError out of range."""
    if len(shocks) != SCENARIOS:
        raise ValueError(f"{len(shocks)} shocks, expected {SCENARIOS}")
    words = [0, 0]
    for number, shock in enumerate(shocks):
        if not -BIAS < shock < BIAS:
            raise ValueError(f"shock {shock} is outside ({-BIAS}, {BIAS}) of 1/{SHOCK_UNIT}")
        words[number // PER_WORD] |= (shock + BIAS) << 16 * (number % PER_WORD)
    return words[0], words[1]


def unpack_shocks(first: int, second: int) -> Shocks:
    """The shocks of two words."""
    word = second << 16 * PER_WORD | first
    return tuple((word >> 16 * number & 0xFFFF) - BIAS for number in range(SCENARIOS))


def expected_shortfall(book: list[tuple[int, Shocks]], tail: int) -> int:
    """Mean of the worst `tail` losses of signed requirements (money), not below 0, rounded up.

    They are cut to GROSS_BITS of their gross: each leg adds what that can cost.
    """
    gross = sum(abs(needed) for needed, _ in book)
    if gross == 0:
        return 0
    shift = max(0, gross.bit_length() - GROSS_BITS)
    losses = [0] * SCENARIOS
    for needed, shocks in book:
        cut = abs(needed) >> shift
        signed = cut if needed > 0 else -cut
        losses = [loss - shock * signed for loss, shock in zip(losses, shocks, strict=True)]
    worst = sum(sorted(losses)[-tail:])
    # A cut of less than a unit times a shock of less than 4.
    return ceil_div(max(0, worst) << shift, tail * SHOCK_UNIT) + (4 * len(book) << shift)


class PortfolioLeg(NamedTuple):
    """One market leg in money: what it needs by itself at the factor that holds whatever its size.

    `needed` has the sign of the leg; `excess` is what size and open interest add.
    """

    market_id: int
    needed: int
    excess: int


def portfolio_requirement(
    legs: list[PortfolioLeg], terms: Terms, shocks_of: Callable[[int], Shocks]
) -> int:
    """max(factor * ES, floor * gross, |net|) + concentration + what is not covered.

    Gross and net are of standard requirements. The net is the loss where all prices move together,
    each by its own rate, as they do in crashes: so legs of one direction get no credit for each
    other, and a book of one leg needs its standard requirement. Concentration is what its size adds
    to each leg. A leg without shocks needs its standard requirement.
    """
    covered = [leg for leg in legs if shocks_of(leg.market_id)]
    book = [(leg.needed, shocks_of(leg.market_id)) for leg in covered]
    shortfall = expected_shortfall(book, terms.tail)
    gross = sum(abs(leg.needed) for leg in covered)
    net = abs(sum(leg.needed for leg in covered))
    spread = max(ceil_div(shortfall * terms.factor, PPM), ceil_div(gross * terms.floor, PPM), net)
    bare = sum(abs(leg.needed) for leg in legs) - gross
    return spread + bare + sum(leg.excess for leg in legs)


class Scenarios:
    """The versions of the matrix, as the owner stages and activates them."""

    def __init__(self, journal: Journal) -> None:
        self._matrix: Table[int, Matrix] = Table(journal, Matrix())
        #: (version, market) -> shocks; a market without any is not covered
        self.shocks: Table[tuple[int, int], Shocks] = Table(journal, ())

    @property
    def matrix(self) -> Matrix:
        """Versions and terms in force."""
        return self._matrix[0]

    def requirement(
        self, maintenance: list[PortfolioLeg], initial: list[PortfolioLeg], now: int
    ) -> tuple[int, int]:
        """Initial and maintenance margin of a portfolio; the first never below the second."""
        shocks = self._shocks(self.matrix.version)
        required = self.maintenance(maintenance, now)
        first = portfolio_requirement(initial, self.matrix.terms, shocks)
        return max(first, required), required

    def maintenance(self, legs: list[PortfolioLeg], now: int) -> int:
        """Maintenance margin of a portfolio.

        While a new matrix that asks for more is on its ramp, it is a blend of what the two ask
        for, rounded down.
        """
        matrix = self.matrix
        required = portfolio_requirement(legs, matrix.terms, self._shocks(matrix.version))
        passed = now - matrix.ramp_start
        if passed >= RAMP:
            return required
        terms, shocks = matrix.earlier_terms, self._shocks(matrix.earlier)
        earlier = portfolio_requirement(legs, terms, shocks)
        if earlier >= required:
            return required
        return earlier + (required - earlier) * max(0, passed) // RAMP

    def _shocks(self, version: int) -> Callable[[int], Shocks]:
        return lambda market_id: self.shocks[version, market_id]

    def adopt(self, matrix: Matrix) -> None:
        """Take over versions and terms that were read from a chain."""
        self._matrix[0] = matrix

    def stage(self, market_id: int, shocks: Shocks) -> None:
        """Write a market's shocks of the next version; none: it is not covered."""
        require(1 <= market_id <= 127, "risk: market id")
        require(all(-BIAS < shock < BIAS for shock in shocks), "risk: shocks")
        self.shocks[self.matrix.version + 1, market_id] = shocks

    def activate(self, terms: Terms, minimum_equity: int, now: int) -> None:
        """Put the staged version in force: for initial margin at once, for maintenance by a ramp.

        Before the first one no market is covered. Errors: Reverted with the reason; while a ramp is
        on there is no other.
        """
        old = self.matrix
        require(now >= old.ramp_start + RAMP, "risk: matrix ramps")
        require(1 <= terms.tail <= SCENARIOS, "risk: tail")
        require(terms.factor > 0, "risk: factor")
        require(0 < terms.floor <= PPM, "risk: floor")
        self._matrix[0] = Matrix(
            version=old.version + 1,
            earlier=old.version,
            ramp_start=now + NOTICE,
            terms=terms,
            earlier_terms=old.terms,
            minimum_equity=minimum_equity,
        )
