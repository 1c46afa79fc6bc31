"""`assess` and `plan` against the specification on random portfolios, in batches of plain calls."""

from __future__ import annotations

import random
from typing import Any

import pytest

from seawall.rpc import Rpc, RpcError
from seawall.spec.margin import Leg, MarginModel, Price, Risk
from seawall.spec.words import (
    ACCOUNT,
    LEG,
    MAX_HALF_WIDTH,
    MAX_UINT256,
    PLAN,
    PPM,
    PRICE,
    RATIO,
    RISK,
    WAD,
    WEIGHT,
)
from tests.unit.clearinghouse.mirror import Deployed

CASES = 400
MARKETS = range(1, 25)
TOKENS = range(1, 9)
BATCH = 100


@pytest.fixture
def loaded(model: Any, coder: Deployed, rpc: Rpc, spec: MarginModel, deployer: Any) -> MarginModel:
    """Rates, half of them in the middle of a ramp, and weights; the specification with the same."""
    rng = random.Random(7)

    def send(function: str, *args: int) -> None:
        data = coder.encode(function, *args)
        assert rpc.send(str(deployer.address), coder.address, data)["status"] == "0x1"

    for market_id in MARKETS:
        maintenance = rng.choice([1, 5_000, 30_000, 65_000, 500_000])
        reserve = rng.choice([0, 10**16, WAD, 655 * WAD])
        send("set_risk", market_id, min(PPM, 2 * maintenance), maintenance, reserve)
    for market_id in list(MARKETS)[::2]:
        old = RISK.unpack(model.risk_word(market_id))
        send("set_risk", market_id, PPM, rng.randint(1, PPM), old["reserve"] * 10**16)
    for token_id in TOKENS:
        send("set_token_weight", token_id, *sorted(rng.sample(range(PPM), 2)))
        weight = WEIGHT.unpack(model.token_weight_word(token_id))
        spec.weights[token_id] = (weight["initial"], weight["maintenance"])
    rpc.set_next_timestamp(rpc.timestamp() + 200_000)
    rpc.mine()
    for market_id in MARKETS:
        fields = RISK.unpack(model.risk_word(market_id))
        del fields["unused"]
        spec.risks[market_id] = Risk(**fields)
    return spec


def _price(rng: random.Random) -> Price:
    return Price(
        price=rng.choice([10**10, 10**24, int(10 ** rng.uniform(10, 24)), WAD]),
        updated_at=rng.getrandbits(32),
        ema_ratio=rng.choice([RATIO, 0, RATIO // 2, 2**28 - 1, rng.randint(9 * 10**6, 11 * 10**6)]),
        half_width=rng.choice([0, 0, 0, 1, 500, 5_000, 25_000, 65_534, MAX_HALF_WIDTH]),
        refreshed_at=rng.getrandbits(32),
        volatility=rng.getrandbits(24),
        sample_ratio=rng.getrandbits(28),
        sample_age=rng.getrandbits(16),
    )


def _portfolio(rng: random.Random) -> tuple[int, int, list[Leg], list[Price]]:
    """(cash, base, legs, prices): up to 16 markets and 8 tokens in any order."""
    markets = rng.sample(MARKETS, rng.choice([0, 1, 1, 2, 3, 16]))
    tokens = rng.sample(TOKENS, rng.choice([0, 0, 1, 8]))
    legs = []
    for market_id in markets:
        size = rng.choice([-1, 1]) * int(10 ** rng.uniform(0, 30)) * rng.choice([0, 1, 1, 1])
        legs.append((market_id, rng.getrandbits(104), size))
    legs += [(127 + token_id, 0, int(10 ** rng.uniform(0, 28))) for token_id in tokens]
    rng.shuffle(legs)
    span = 10 ** rng.randint(0, 30)
    cash, base = rng.randint(-span, span), rng.randint(-span, span)
    return cash, base, legs, [_price(rng) for _ in legs]


def _call(coder: Deployed, function: str, case: tuple[int, int, list[Leg], list[Price]]) -> bytes:
    cash, base, legs, prices = case
    words = [LEG.pack(id=leg_id, open_interest=oi, size=size) for leg_id, oi, size in legs]
    price_words = [PRICE.pack(**price._asdict()) for price in prices]
    return coder.encode(function, ACCOUNT.pack(cash=cash), base, words, price_words)


def test_assess_equals_the_specification_on_random_portfolios(
    loaded: MarginModel, coder: Deployed, rpc: Rpc
) -> None:
    rng = random.Random(2021)
    now = rpc.timestamp()
    unusable = below = 0
    for _ in range(CASES // BATCH):
        cases = [_portfolio(rng) for _ in range(BATCH)]
        calls = [(coder.address, _call(coder, "assess", case)) for case in cases]
        for case, data in zip(cases, rpc.views(calls), strict=True):
            expected = loaded.assess(*case, now)
            assert coder.decode("assess", data) == tuple(expected), case
            unusable += expected.initial == MAX_UINT256
            below += expected.adverse < expected.initial
    assert CASES // 10 < unusable < CASES
    assert CASES // 10 < below < CASES


def test_plan_equals_the_specification_on_random_portfolios(
    loaded: MarginModel, coder: Deployed, rpc: Rpc
) -> None:
    rng = random.Random(519)
    now = rpc.timestamp()
    for _ in range(CASES // BATCH):
        cases = [_portfolio(rng) for _ in range(BATCH)]
        calls = [(coder.address, _call(coder, "plan", case)) for case in cases]
        for case, data in zip(cases, rpc.views(calls), strict=True):
            plan = loaded.plan(*case[1:], now)
            legs = [leg.word for leg in plan.legs]
            seen = coder.decode("plan", data)
            assert seen[:4] == tuple(plan[:4]), case
            assert list(seen[4]) == legs, case


def test_assess_of_a_plain_long_in_figures(model: Any, deployer: Any) -> None:
    # One unit at 1000, bought at 900 with 200 of cash: rates 10 % and 6.5 %, reserve 1.
    model.set_risk(1, 100_000, 65_000, WAD, sender=deployer)
    word = ACCOUNT.pack(cash=200 * WAD, markets=2)
    leg = [LEG.pack(id=1, size=WAD)]
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)]
    assert model.assess(word, -700 * WAD, leg, price) == (
        299 * WAD,
        (200 - 1 + 80) * WAD,
        199 * WAD,
        100 * WAD,
        65 * WAD,
    )


def test_assess_counts_a_leg_at_its_adverse_end(model: Any, deployer: Any) -> None:
    # Half-width 1 %, EMA 5 % below: a long at 950 * 0.99, a short at 1000 * 1.01.
    model.set_risk(1, 100_000, 65_000, 0, sender=deployer)
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=95 * RATIO // 100, half_width=1_000)]
    long = model.assess(0, 0, [LEG.pack(id=1, size=WAD)], price)
    short = model.assess(0, 0, [LEG.pack(id=1, size=-WAD)], price)
    assert long == (1_000 * WAD, 9_405 * WAD * 8 // 100, 0, 100 * WAD, 65 * WAD)
    assert short == (-1_000 * WAD, -1_010 * WAD, -1_010 * WAD, 101 * WAD, 65 * WAD)


def test_assess_of_a_market_without_risk_is_not_usable(model: Any) -> None:
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)]
    assert model.assess(0, 0, [LEG.pack(id=99, size=WAD)], price)[3] == MAX_UINT256


@pytest.mark.parametrize(
    "half_width, is_usable", [(3_250, True), (3_251, False), (MAX_HALF_WIDTH, False)]
)
def test_assess_is_usable_up_to_half_the_maintenance_rate(
    model: Any, deployer: Any, half_width: int, is_usable: bool
) -> None:
    model.set_risk(1, 100_000, 65_000, 0, sender=deployer)
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO, half_width=half_width)]
    leg = [LEG.pack(id=1, size=WAD)]
    assert (model.assess(0, 0, leg, price)[3] != MAX_UINT256) == is_usable
    assert bool(PLAN.unpack(model.plan(0, 0, leg, price)[4][0])["usable"]) == is_usable


def test_assess_counts_collateral_at_its_adverse_end_for_initial_margin_alone(
    model: Any, deployer: Any
) -> None:
    # Half-width 1 %, EMA 5 % below: ten tokens at 950 * 0.99 at 70 %, for maintenance 1000 at 80 %.
    model.set_token_weight(1, 700_000, 800_000, sender=deployer)
    leg = [LEG.pack(id=128, size=10 * WAD)]
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=95 * RATIO // 100, half_width=1_000)]
    cash = ACCOUNT.pack(cash=10_000 * WAD)
    equity, _, settled, _, _ = model.assess(cash, 10_000 * WAD, leg, price)
    assert (equity, settled) == (18_000 * WAD, 10_000 * WAD + 9_405 * WAD * 7 // 10)


def test_assess_of_stale_collateral_carries_no_new_risk_and_liquidates_nobody(
    model: Any, deployer: Any
) -> None:
    model.set_token_weight(1, 700_000, 800_000, sender=deployer)
    leg = [LEG.pack(id=128, size=10 * WAD)]
    for half_width, for_initial in ((0, 7_000 * WAD), (MAX_HALF_WIDTH, 0)):
        price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO, half_width=half_width)]
        equity, adverse, settled, initial, maintenance = model.assess(0, 0, leg, price)
        assert (equity, initial, maintenance) == (8_000 * WAD, 0, 0)
        # Nothing stands in the settlement token, so collateral alone carries no new risk.
        assert adverse == settled == 0
        cash = ACCOUNT.pack(cash=10_000 * WAD)
        assert model.assess(cash, 10_000 * WAD, leg, price)[2] == 10_000 * WAD + for_initial
        assert model.plan(0, 0, leg, price)[0] == 8_000 * WAD


def test_assess_of_fewer_prices_than_legs_refused(coder: Deployed, rpc: Rpc) -> None:
    call = coder.encode("assess", 0, 0, [LEG.pack(id=1, size=WAD)], [])
    with pytest.raises(RpcError):
        rpc.view(coder.address, call)
