"""Price feeds beside Chainlink's: a Pyth price, a Uniswap v3 pool's average, a team's own reports.

Exact integers, pure functions; `PythFeed.vy`, `UniswapFeed.vy`, `SignedReportFeed.vy` and their
modules must agree to the unit. Prices are WAD settlement money per market unit, times are unix
seconds, half-widths are 10**-5 of the price, rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from seawall.spec.consensus import HALF_WIDTH_UNIT
from seawall.spec.oracle import (
    MAX_PRICE,
    MAX_UNIT_EXPONENT,
    MIN_PRICE,
    NO_READING,
    Reading,
)
from seawall.spec.state import require
from seawall.spec.words import MAX_HALF_WIDTH, Field, Word

#: Both signs: a Pyth price is a whole number times ten to a power in this range.
MAX_PYTH_EXPONENT = 18

#: Seconds.
MIN_WINDOW = 60
MAX_WINDOW = 86_400
MAX_TOKEN_DECIMALS = 36
#: Of a Uniswap v3 pool, both signs.
MAX_TICK = 887_272
#: Places of a price out of a tick.
DIGITS = 9
#: A tick is a factor of 1.0001, as two whole numbers.
TICK_NUMERATOR, TICK_DENOMINATOR = 10_001, 10_000
#: The greatest distance in ticks whose half-width is below MAX_HALF_WIDTH.
MAX_DISTANCE = 5_040
#: Powers of a tick are kept with this factor: 60 places are right at the 120 that are kept.
_PRECISION = 10**120

MAX_SIGNERS = 16
#: SignedReportFeed: the present report; a price of 0 stands for none.
REPORT = Word("report", (Field("price", 96), Field("half_width", 16), Field("published_at", 64)))


# -- Pyth --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PythPrice:
    """`price * 10**exponent` dollars a token, give or take `confidence * 10**exponent`."""

    price: int
    confidence: int
    exponent: int
    publish_time: int


def pyth_latest(unit_exponent: int, published: PythPrice, now: int) -> Reading:
    """Reading of a Pyth feed whose market unit is `10**unit_exponent` tokens.

    Price rounded down. None for a price that is not positive or below 1 wei, a publish time of 0
    or in the future, an exponent out of range, or a confidence of MAX_HALF_WIDTH or more.
    """
    if published.price <= 0 or not 0 < published.publish_time <= now:
        return NO_READING
    if abs(published.exponent) > MAX_PYTH_EXPONENT:
        return NO_READING
    half_width = -(-published.confidence * HALF_WIDTH_UNIT // published.price)
    exponent = 18 + unit_exponent + published.exponent
    price = published.price * 10 ** max(exponent, 0) // 10 ** max(-exponent, 0)
    if half_width >= MAX_HALF_WIDTH or price == 0:
        return NO_READING
    return Reading(price, published.publish_time, half_width)


# -- Uniswap v3 --------------------------------------------------------------------------------


@dataclass(frozen=True)
class PoolTerms:
    """Fixed terms of a pool's feed; `window` in seconds, one market unit is 10**unit_exponent
    tokens of the base, `min_liquidity` in the pool's own unit."""

    base_is_token0: bool
    base_decimals: int = 18
    quote_decimals: int = 18
    unit_exponent: int = 0
    window: int = MIN_WINDOW
    min_liquidity: int = 1

    def __post_init__(self) -> None:
        """Errors: ValueError with the contract's reason."""
        if not MIN_WINDOW <= self.window <= MAX_WINDOW:
            raise ValueError("feed: window")
        if abs(self.unit_exponent) > MAX_UNIT_EXPONENT:
            raise ValueError("feed: unit exponent")
        if self.min_liquidity < 1:
            raise ValueError("feed: liquidity")
        if min(self.base_decimals, self.quote_decimals) < 0:
            raise ValueError("feed: decimals")
        if max(self.base_decimals, self.quote_decimals) > MAX_TOKEN_DECIMALS:
            raise ValueError("feed: decimals")

    @property
    def exponent(self) -> int:
        """Power of ten between the pool's price in native units and a price per market unit."""
        return self.unit_exponent + self.base_decimals - self.quote_decimals


class Observed(NamedTuple):
    """A pool's sums at the start and at the end of the window, its present tick, and the last
    second's, which no trade of this block has touched."""

    ticks: tuple[int, int]
    #: Seconds per liquidity, times 2**128, modulo 2**160.
    seconds: tuple[int, int]
    tick: int
    last_tick: int


def pool_latest(terms: PoolTerms, observed: Observed, now: int) -> Reading:
    """Reading of a pool: the geometric mean over the window, as wide as the present tick or the
    last second's is off, whichever is farther.

    None below the minimum of liquidity, outside [MIN_PRICE, MAX_PRICE], and where one of those
    ticks lies more than MAX_DISTANCE from the mean.
    """
    mean = mean_tick(observed.ticks, terms.window)
    price = tick_price(mean if terms.base_is_token0 else -mean, terms.exponent)
    distance = max(abs(tick - mean) for tick in (observed.tick, observed.last_tick))
    half_width = distance_half_width(distance)
    if mean_liquidity(observed.seconds, terms.window) < terms.min_liquidity:
        return NO_READING
    if price == 0 or half_width >= MAX_HALF_WIDTH:
        return NO_READING
    return Reading(price, now, half_width)


def mean_tick(ticks: tuple[int, int], window: int) -> int:
    """Mean tick of a window (s) from two sums of tick * seconds, rounded toward -inf."""
    return (ticks[1] - ticks[0]) // window


def mean_liquidity(seconds: tuple[int, int], window: int) -> int:
    """Harmonic mean of the liquidity in range over a window (s), rounded down."""
    passed = (seconds[1] - seconds[0]) % 2**160
    return (window << 128) // passed


def tick_price(tick: int, exponent: int) -> int:
    """WAD price `1.0001**tick * 10**exponent`, to the nearest of DIGITS places; 0 out of range.

    The contract knows the power to 3 parts in 10**18. No tick comes nearer than 9 in 10**16 to
    the middle between two prices of DIGITS places (a test tries all), so both always agree.
    """
    digits, power = _digits(tick)
    power += exponent + 18
    # Every price in range has more places than DIGITS, hence a power that is not negative.
    price = digits * 10**power if 0 <= power <= 18 else 0
    return price if MIN_PRICE <= price <= MAX_PRICE else 0


def distance_half_width(distance: int) -> int:
    """Half-width of two prices `distance` ticks apart, `1.0001**distance - 1` in 10**-5, rounded
    up; MAX_HALF_WIDTH beyond MAX_DISTANCE."""
    if distance > MAX_DISTANCE:
        return MAX_HALF_WIDTH
    above = TICK_NUMERATOR**distance - TICK_DENOMINATOR**distance
    return int(-(-above * HALF_WIDTH_UNIT // TICK_DENOMINATOR**distance))


def tick_power(tick: int) -> int:
    """`1.0001**tick * 10**120`, right to 60 places at least, for |tick| <= MAX_TICK."""
    power, square, rest = _PRECISION, _PRECISION * TICK_NUMERATOR // TICK_DENOMINATOR, abs(tick)
    while rest:
        if rest & 1:
            power = power * square // _PRECISION
        square = square * square // _PRECISION
        rest >>= 1
    return power if tick >= 0 else _PRECISION**2 // power


@lru_cache(maxsize=4096)
def _digits(tick: int) -> tuple[int, int]:
    """`1.0001**tick` as (n, e): n * 10**e, n of DIGITS places, to the nearest."""
    value = tick_power(tick)
    places = len(str(value)) - DIGITS
    digits = (2 * value + 10**places) // (2 * 10**places)
    return digits, places - 120


# -- Signed reports ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What the signers of a feed sign: WAD price, half-width, unix seconds."""

    price: int
    half_width: int
    published_at: int


@dataclass(frozen=True)
class ReportFeed:
    """A feed's signers (addresses as numbers, ascending), how many it takes, and its report."""

    signers: tuple[int, ...]
    threshold: int
    report: Report = Report(0, 0, 0)

    def set_signers(self, signers: Sequence[int], threshold: int) -> ReportFeed:
        """New signers. What the old ones signed counts no longer, but its time stays taken.

        Errors: Reverted.
        """
        # More do not fit the contract's argument, which has no reason for that.
        require(len(signers) <= MAX_SIGNERS)
        require(len(signers) > 0, "signers: count")
        ascending = all(a < b for a, b in zip((0, *signers), signers, strict=False))
        require(ascending, "signers: not ascending")
        require(0 < threshold <= len(signers), "signers: threshold")
        return ReportFeed(tuple(signers), threshold, Report(0, 0, self.report.published_at))

    def submit(self, report: Report, recovered: Sequence[int], now: int) -> ReportFeed:
        """The feed after a report whose signatures lead to these addresses. Errors: Reverted."""
        require(MIN_PRICE <= report.price <= MAX_PRICE, "report: price")
        require(report.half_width < MAX_HALF_WIDTH, "report: half width")
        require(report.published_at <= now, "report: future")
        require(report.published_at > self.report.published_at, "report: not newer")
        require(len(recovered) >= self.threshold, "report: too few signatures")
        before = 0
        for signer in recovered:
            require(signer in self.signers, "report: unknown signer")
            require(signer > before, "report: signer order")
            before = signer
        return replace(self, report=report)

    def latest(self) -> Reading:
        """Reading of the present report."""
        report = self.report
        if report.price == 0:
            return NO_READING
        return Reading(report.price, report.published_at, report.half_width)
