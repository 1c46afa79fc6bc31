"""The risk setting of the bench: the scenario matrix, more markets, and a state in which all binds.

The shocks are the bench's own, drawn from a one-factor model with a fixed seed: they have the shape
of a matrix and are no calibration. Arithmetic is exact, so that every run has the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from bench.errors import BenchError
from bench.stand import LOCAL, MARKETS, Stand
from seawall.parameters import PortfolioParameters, load
from seawall.spec.averages import SAMPLE_SECONDS
from seawall.spec.risk import FACTOR_PERIOD, NOTICE, RAMP
from seawall.spec.scenarios import SCENARIOS, Shocks, pack_shocks
from seawall.spec.words import LISTED, MATRIX
from seawall.spec.words import TERMS as TERMS_WORD

#: Markets up to this id are listed where the number of markets is what is looked at.
MOST_MARKETS = 100
ALL_MARKETS = tuple(range(1, MOST_MARKETS + 1))
MAX_ID = 127

#: Standard deviations of the markets' shocks in 1/10,000 of their rates, in turn; the matrix that
#: follows has them larger.
DEVIATIONS = (3_600, 4_200, 4_800, 5_400, 4_500, 3_900, 3_000, 5_100)
LATER_PERCENT = 150
#: Thousandths of the common factor and of a market's own in a shock: the squares add up to 1, the
#: correlation of two markets is 0.81.
COMMON, OWN = 900, 436
FIRST, LATER = 1, 2

#: Depths in thousands: first listed ones give way to this, and this to the next by a ramp.
SHALLOW, SHALLOWER = 5, 2
#: Thousands of open interest; what the fund holds counts for nothing.
CAPACITY = 50
#: Parts per million, up from what params/local.yaml has.
STEEPER = 70_000


def shocks(market_ids: Sequence[int], seed: int, percent: int = 100) -> dict[int, Shocks]:
    """Joint shocks by market, in 1/10,000 of the rate; `percent` scales the deviations."""
    draw = Random(seed)
    common = [_normal(draw) for _ in range(SCENARIOS)]
    found = {}
    for market_id in market_ids:
        deviation = DEVIATIONS[market_id % len(DEVIATIONS)] * percent // 100
        own = [_normal(draw) for _ in range(SCENARIOS)]
        found[market_id] = tuple(
            deviation * (COMMON * everyone + OWN * alone) // 10**6
            for everyone, alone in zip(common, own, strict=True)
        )
    return found


def _normal(draw: Random) -> int:
    """A sum of twelve even draws: nearly normal, in thousandths of its standard deviation."""
    return sum(draw.randint(-500, 500) for _ in range(12))


def activate(stand: Stand, chosen: dict[int, Shocks]) -> None:
    """The owner puts a matrix in force, by a ramp."""
    for market_id, row in chosen.items():
        stand.govern(stand.model, "stage_scenarios", market_id, pack_shocks(row))
    asked = terms()
    stand.govern(
        stand.model, "activate_matrix",
        asked.terms.tail, asked.terms.factor, asked.terms.floor, asked.minimum_equity,
    )  # fmt: skip


def activate_first(stand: Stand) -> None:
    """The matrix of all markets that may be listed, its ramp over. Errors: BenchError where there
    was one already."""
    activate(stand, shocks(ALL_MARKETS, FIRST))
    version = MATRIX.unpack(stand.read(stand.model, "matrix_word"))["version"]
    if version != 1:
        raise BenchError(f"the first matrix is version {version}")
    stand.rpc.warp(NOTICE + RAMP)
    report_all(stand)


def terms() -> PortfolioParameters:
    """What params/local.yaml asks for in portfolio mode. Errors: BenchError where it does not."""
    portfolio = load(LOCAL).portfolio
    if portfolio is None:
        raise BenchError("params/local.yaml has no portfolio mode")
    return portfolio


def list_more(stand: Stand) -> None:
    """List markets up to MOST_MARKETS beside the stand's, each with risk, feeds, fees, terms and an
    index; the clock stands still. They share the first market's feeds."""
    list_until(stand, MOST_MARKETS)


def list_until(stand: Stand, last: int) -> tuple[int, ...]:
    """As `list_more`, up to a market; returns the ids of all that can be traded then."""
    stand.rpc.set_block_interval(0)
    for market_id in ALL_MARKETS[len(stand.markets) : last]:
        _list_one(stand, market_id)
        stand.refresh([market_id])
        stand.prices[market_id] = stand.prices[MARKETS[0]]
    return ALL_MARKETS[:last]


def listed(stand: Stand) -> list[int]:
    """Ids of the markets that are listed, as the Clearinghouse has them."""
    words = [stand.read(stand.house, "market_words", one)[2] for one in range(1, MAX_ID + 1)]
    return [one for one, word in enumerate(words, 1) if TERMS_WORD.unpack(word)["mode"] & LISTED]


def _list_one(stand: Stand, market_id: int) -> None:
    market = stand.markets[MARKETS[0]]
    feeds = [
        (adapter, feed.heartbeat, feed.max_age, feed.pull)
        for adapter, feed in zip(stand.adapters[market.market_id], market.feeds, strict=True)
    ]
    terms = (market.quorum, market.spread_band, market.volatility_floor)
    fees = (market.maker_fee, market.taker_fee, market.band)
    stand.govern(stand.model, "set_risk", market_id, tuple(market.risk))
    stand.govern(stand.oracle, "set_feeds", market_id, terms, feeds)
    stand.govern(stand.exchange, "set_fees", market_id, *fees)
    stand.govern(stand.house, "set_market", market_id, market.terms_word)


def bind(stand: Stand) -> None:
    """Everything binds: open interest is above capacity, volatility above calm, its factor of
    maintenance on the way; depth, maintenance rate and matrix are in the middle of a ramp."""
    _set_risk(stand, SHALLOW, stand.markets[MARKETS[0]].maintenance)
    stand.rpc.warp(NOTICE + RAMP)
    _set_risk(stand, SHALLOWER, STEEPER)
    activate(stand, shocks(MARKETS, LATER, LATER_PERCENT))
    stand.rpc.warp(NOTICE + RAMP // 2)
    report_all(stand)
    stir(stand)
    stand.do(stand.operator, stand.monitor, "follow", list(MARKETS))
    stand.rpc.warp(FACTOR_PERIOD // 2)
    report_all(stand)


def report_all(stand: Stand) -> None:
    """All feeds answer once more what they said, and the index follows."""
    for market_id in sorted(stand.sources):
        stand.report(market_id)
    stand.refresh()


def stir(stand: Stand) -> None:
    """All markets rise and fall back by so much that volatility is above calm."""
    for percent in ("6", "-6"):
        stand.rpc.warp(SAMPLE_SECONDS)
        for market_id in MARKETS:
            stand.move(market_id, percent)
        stand.refresh()


def _set_risk(stand: Stand, depth: int, maintenance: int) -> None:
    for market_id in MARKETS:
        risk = stand.markets[market_id].risk._replace(
            depth=depth, maintenance=maintenance, capacity_floor=CAPACITY, capacity_per_fund=0
        )
        stand.govern(stand.model, "set_risk", market_id, tuple(risk))
