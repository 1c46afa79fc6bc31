"""Random parameters, histories and portfolios of the margin model, from a seed."""

from __future__ import annotations

from random import Random

from seawall.spec.margin import Leg, MarginModel, Price
from seawall.spec.risk import NOTICE, RAMP, MarketRisk
from seawall.spec.scenarios import SCENARIOS, Shocks, Terms
from seawall.spec.words import MAX_HALF_WIDTH, OPTING_IN, PORTFOLIO, PPM, RATIO, TAKEOVER, WAD
from tests.margin.twin import Model, Question

#: The last of these is never listed, two more are never covered by a matrix.
MARKETS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 100, 101, 102, 103, 104, 105, 126, 127)
UNLISTED = 127
UNCOVERED = (105, 126)
TOKENS = range(1, 9)
FIRST_TOKEN = 128
DAY = 86_400
THOUSAND = 1_000 * WAD
#: Changes of one transaction.
KINDS = ("market", "market", "token", "follow", "follow", "matrix")


def _log(rng: Random, low: float, high: float) -> int:
    """Between powers of ten, every length alike."""
    return int(10 ** rng.uniform(low, high))


def market_risk(rng: Random, reserve: int) -> MarketRisk:
    """Terms within bounds, corners among them."""
    maintenance = rng.choice([1, 5_000, 30_000, 65_000, 500_000, PPM, _log(rng, 3, 5.9)])
    return MarketRisk(
        initial=rng.choice([maintenance, min(PPM, 2 * maintenance), PPM]),
        maintenance=maintenance,
        reserve=reserve,
        depth=rng.choice([1, 2**32 - 1, _log(rng, 1, 6), _log(rng, 3, 5)]),
        calm=rng.choice([1, 50_000, 142_000, 2**24 - 1, _log(rng, 4, 6)]),
        volatility_cap=rng.choice([10, 40, 160, rng.randint(10, 160)]),
        capacity_floor=rng.choice([1, 2**32 - 1, _log(rng, 1, 6), _log(rng, 3, 5)]),
        capacity_per_fund=rng.choice([0, 50, PPM, 2**32 - 1]),
    )


def shocks(rng: Random) -> Shocks:
    """Joint moves as they may be, and now and then the ends of their range."""
    if rng.random() < 0.1:
        return tuple(rng.choice([-(2**15) + 1, 0, 2**15 - 1]) for _ in range(SCENARIOS))
    scale = rng.choice([500, 5_000, 15_000])
    most = 2**15 - 1
    return tuple(max(-most, min(int(rng.gauss(0, scale)), most)) for _ in range(SCENARIOS))


def shock_words_of(rng: Random, common: Shocks) -> Shocks:
    """Shocks that mostly follow a common move."""
    own = shocks(rng)
    if rng.random() < 0.4:
        return own
    mixed = (move + int(rng.gauss(0, 800)) for move in common)
    return tuple(max(-(2**15) + 1, min(move, 2**15 - 1)) for move in mixed)


def terms(rng: Random) -> tuple[Terms, int]:
    """Terms of a matrix and the least equity."""
    factor = rng.choice([1, 600_000, PPM, 1_400_000, 2**24 - 1])
    tail = rng.choice([1, 3, 3, 5, SCENARIOS, rng.randint(1, SCENARIOS)])
    floor = rng.choice([1, 50_000, 250_000, 600_000, PPM])
    return Terms(tail, factor, floor), rng.choice([0, 100, 10_000, 2**32 - 1])


def stage_matrix(twin: Model, rng: Random) -> None:
    """Stage the shocks of most markets."""
    common = shocks(rng)
    for market_id in MARKETS:
        if market_id not in UNCOVERED and rng.random() < 0.9:
            twin.stage(market_id, shock_words_of(rng, common))


def change_matrix(twin: Model, rng: Random) -> str | None:
    """Stage and activate; None, or why not."""
    stage_matrix(twin, rng)
    return twin.activate(*terms(rng))


def change(twin: Model, rng: Random, kind: str) -> str | None:
    """One transaction; None, or why both refuse it."""
    # Some markets change often, so that one change meets another on its way.
    market_id = rng.choice(MARKETS[:3] if rng.random() < 0.6 else MARKETS[:-1])
    if kind == "market":
        reserve = twin.spec.risks[market_id].reserve
        right = rng.random() < 0.97
        return twin.set_risk(market_id, market_risk(rng, reserve if right else 7))
    if kind == "follow":
        volatility = rng.choice([0, 2**24 - 1, _log(rng, 4, 6.5)])
        return twin.follow(market_id, volatility, rng.choice([0, _log(rng, 18, 30)]))
    if kind == "token":
        first, second = sorted((rng.randrange(PPM), rng.randrange(PPM)))
        depth = rng.choice([1, 2**32 - 1, _log(rng, 1, 6)])
        return twin.set_token_risk(rng.choice(TOKENS), first, second, depth)
    return twin.activate(*terms(rng))


def wait(twin: Model, rng: Random) -> None:
    """Let time pass, from seconds to the better part of a ramp."""
    twin.warp(rng.choice([1, 60, 3_600, DAY, NOTICE, RAMP // 2]))


def _live(twin: Model, rng: Random, changes: int) -> None:
    for _ in range(changes):
        kind = rng.choice(["market"] * 4 + ["follow"] * 3 + ["token"] * 2 + ["matrix"])
        if kind == "matrix":
            stage_matrix(twin, rng)
        change(twin, rng, kind)
        if rng.random() < 0.3:
            wait(twin, rng)


def world(rng: Random, twin: Model) -> None:
    """Markets, tokens and matrices with a history of changes, some of them still on their way."""
    for market_id in MARKETS:
        if market_id != UNLISTED:
            reserve = rng.choice([0, 1, 100, 2**16 - 1])
            assert twin.set_risk(market_id, market_risk(rng, reserve)) is None
    for token_id in TOKENS:
        if rng.random() < 0.9:
            first, second = sorted((rng.randrange(PPM), rng.choice([PPM - 1, rng.randrange(PPM)])))
            twin.set_token_risk(token_id, first, second, _log(rng, 1, 5))
    if rng.random() < 0.9:
        assert change_matrix(twin, rng) is None
    twin.warp(rng.choice([3_600, NOTICE + RAMP, NOTICE + RAMP // 2]))
    _live(twin, rng, rng.choice([0, 20, 60]))
    if rng.random() < 0.5 and twin.spec.scenarios.matrix.version:
        twin.warp(NOTICE + RAMP)
        assert change_matrix(twin, rng) is None
        twin.warp(rng.choice([1, NOTICE + RAMP // 3, NOTICE + RAMP - 1]))


def price(rng: Random) -> Price:
    """Any price a market may have, its average far off and its half-width wide now and then."""
    return Price(
        price=rng.choice([_log(rng, 18, 23), _log(rng, 18, 23), _log(rng, 10, 24), 2**80 - 1, 1]),
        ema_ratio=rng.choice([RATIO, RATIO, 0, 2**28 - 1, rng.randint(9 * 10**6, 11 * 10**6)]),
        half_width=rng.choice([0, 0, 0, 1, 50, 500, 2_500, 25_000, 65_534, MAX_HALF_WIDTH]),
        volatility=rng.choice([0, 0, 2**24 - 1, _log(rng, 4, 6)]),
    )


def market_leg(rng: Random, spec: MarginModel, market_id: int, mark: Price) -> Leg:
    """A leg whose notional and open interest are about depth and capacity, or anything."""
    risk = spec.risks[market_id]
    unit = max(1, risk.depth) * THOUSAND * WAD // mark.price
    size = int(unit * 10 ** rng.uniform(-4, 2))
    if rng.random() < 0.1:
        size = rng.choice([0, 1, 2**111, _log(rng, 0, 33)])
    size = max(1, min(size, 2**111)) if size else 0
    room = max(1, risk.capacity) * THOUSAND * WAD // mark.price
    interest = int(room * rng.choice([0.5, 1, 1.5, 5])) + rng.choice([0, size, size // 2])
    if rng.random() < 0.2:
        interest = size
    sign = rng.choice([1, -1])
    return market_id, min(interest, 2**104 - 1), sign * size


def portfolio(rng: Random, spec: MarginModel, now: int) -> Question:
    """A portfolio of up to 16 markets and 8 tokens at its prices, in any order."""
    count = rng.choice([0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4])
    if rng.random() < 0.03:
        count = 16
    tokens = rng.choice([0, 0, 0, 1, 1, 2]) if rng.random() < 0.97 else 8
    pairs: list[tuple[Leg, Price]] = []
    for market_id in rng.sample(MARKETS, count):
        mark = price(rng)
        pairs.append((market_leg(rng, spec, market_id, mark), mark))
    for token_id in rng.sample(TOKENS, tokens):
        amount = rng.choice([0, _log(rng, 18, 26), 2**110])
        pairs.append(((FIRST_TOKEN + token_id - 1, 0, amount), price(rng)))
    if rng.random() < 0.2:
        rng.shuffle(pairs)
    cash = rng.choice([0, _log(rng, 18, 27), -_log(rng, 18, 27)])
    base = cash + rng.choice([0, 1, -1]) * _log(rng, 0, 28)
    time = now + rng.choice([0, 0, 1, 3_600, NOTICE, NOTICE + rng.randrange(RAMP), 10**9])
    opting = PORTFOLIO | OPTING_IN
    mode = rng.choice([0, 0, PORTFOLIO, PORTFOLIO, opting, TAKEOVER, TAKEOVER | PORTFOLIO])
    return Question(cash, base, [leg for leg, _ in pairs], [p for _, p in pairs], time, mode)
