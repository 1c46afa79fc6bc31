"""`assess`, `plan` and the rates they use, in figures worked out by hand."""

from __future__ import annotations

import pytest

from seawall.spec.risk import ANY_VOLATILITY, NOTICE, RAMP
from seawall.spec.words import (
    ACCOUNT,
    LEG,
    MAX_HALF_WIDTH,
    MAX_UINT256,
    PLAN,
    PRICE,
    RATIO,
    TAKEOVER,
    WAD,
)
from tests.unit.margin_model.room import RISK, Room

PLAIN = RISK._replace(calm=ANY_VOLATILITY, reserve=0)
PRICED = PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)
MILLION = 10**6 * WAD


def test_assess_of_a_plain_long_in_figures(room: Room) -> None:
    # One unit at 1000, bought at 900 with 200 of cash: rates 10 % and 6.5 %, reserve 1.
    room.set_risk(1, RISK)
    word = ACCOUNT.pack(cash=200 * WAD, markets=2)
    assert room.model.assess(word, -700 * WAD, [LEG.pack(id=1, size=WAD)], [PRICED]) == (
        299 * WAD,
        (200 - 1 + 80) * WAD,
        199 * WAD,
        100 * WAD,
        65 * WAD,
    )


def test_assess_counts_a_leg_at_its_adverse_end(room: Room) -> None:
    # Half-width 1 %, EMA 5 % below: a long at 950 * 0.99, a short at 1000 * 1.01.
    room.set_risk(1, PLAIN)
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=95 * RATIO // 100, half_width=1_000)]
    long = room.model.assess(0, 0, [LEG.pack(id=1, size=WAD)], price)
    short = room.model.assess(0, 0, [LEG.pack(id=1, size=-WAD)], price)
    assert long == (1_000 * WAD, 9_405 * WAD * 8 // 100, 0, 100 * WAD, 65 * WAD)
    assert short == (-1_000 * WAD, -1_010 * WAD, -1_010 * WAD, 101 * WAD, 65 * WAD)


def test_assess_of_a_market_without_risk_is_not_usable(room: Room) -> None:
    assert room.model.assess(0, 0, [LEG.pack(id=99, size=WAD)], [PRICED])[3] == MAX_UINT256


@pytest.mark.parametrize(
    "half_width, is_usable", [(3_250, True), (3_251, False), (MAX_HALF_WIDTH, False)]
)
def test_assess_is_usable_up_to_half_the_maintenance_rate(
    room: Room, half_width: int, is_usable: bool
) -> None:
    room.set_risk(1, PLAIN)
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO, half_width=half_width)]
    leg = [LEG.pack(id=1, size=WAD)]
    assert (room.model.assess(0, 0, leg, price)[3] != MAX_UINT256) == is_usable
    assert bool(PLAN.unpack(room.model.plan(0, 0, leg, price)[4][0])["usable"]) == is_usable


def test_assess_rates_grow_with_the_root_of_size(room: Room) -> None:
    # Four depths of 20 millions: twice the rates.
    room.set_risk(1, PLAIN)
    leg = [LEG.pack(id=1, size=80_000 * WAD)]

    *_, initial, maintenance = room.model.assess(0, 0, leg, [PRICED])

    assert (initial, maintenance) == (16 * MILLION, 104 * MILLION // 10)


def test_assess_initial_rate_grows_with_open_interest_but_for_a_takeover(room: Room) -> None:
    # Open interest of twice the capacity, the leg all of it above: the mean is 1.5.
    room.set_risk(1, PLAIN._replace(depth=2**32 - 1, capacity_floor=10_000))
    leg = [LEG.pack(id=1, open_interest=20_000 * WAD, size=10_000 * WAD)]

    usual = room.model.assess(0, 0, leg, [PRICED])
    takeover = room.model.assess(ACCOUNT.pack(mode=TAKEOVER), 0, leg, [PRICED])

    assert tuple(usual[3:]) == (15 * MILLION // 10, 65 * MILLION // 100)
    assert tuple(takeover[3:]) == (MILLION, 65 * MILLION // 100)


def test_assess_initial_rate_grows_with_volatility_at_once(room: Room) -> None:
    room.set_risk(1, RISK._replace(reserve=0))
    price = PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO, volatility=3 * RISK.calm)

    *_, initial, maintenance = room.model.assess(0, 0, [LEG.pack(id=1, size=WAD)], [price])

    assert (initial, maintenance) == (300 * WAD, 65 * WAD)


def test_requirement_at_is_what_assess_asks_for(room: Room) -> None:
    """All factors at once, in the middle of a ramp."""
    room.set_risk(1, RISK._replace(reserve=0, capacity_floor=10_000))
    room.set_risk(1, RISK._replace(reserve=0, maintenance=90_000, depth=5_000))
    room.follow(1, 2 * RISK.calm)
    room.wait(NOTICE + RAMP // 2)
    now = room.now
    for units, interest, volatility in ((1, 1, 0), (50_000, 60_000, 300_000), (9, 90_000, 1)):
        leg = [LEG.pack(id=1, open_interest=interest * WAD, size=units * WAD)]
        price = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO, volatility=volatility)]
        money = units * 1_000 * WAD

        rates = room.model.requirement_at(1, money, interest * 1_000 * WAD, volatility, now)

        *_, initial, maintenance = room.model.assess(0, 0, leg, price, now)
        assert (initial, maintenance) == tuple(money * rate // 10**6 for rate in rates)


def test_requirement_at_beyond_what_a_leg_may_be_refused(room: Room) -> None:
    room.set_risk(1, RISK)
    assert room.reason(room.owner, "requirement_at", 1, 2**139 - 1, 2**124 - 1, 0, 0) is None
    for notional, interest in ((2**139, 0), (0, 2**124)):
        arguments = (1, notional, interest, 0, 0)
        assert room.reason(room.owner, "requirement_at", *arguments) == "risk: notional"


def test_views_of_ids_out_of_range_refused(room: Room) -> None:
    for number in (128, 255, 2**255):
        assert room.reason(room.owner, "risk_words_of", number) == ""
        assert room.reason(room.owner, "requirement_at", number, 0, 0, 0, 0) == ""
        assert room.reason(room.owner, "weight_word", number) == ""
        assert room.reason(room.owner, "weights_at", number, 0) == ""


# -- collateral ------------------------------------------------------------------------------


@pytest.fixture
def weighted(room: Room) -> Room:
    """Token 1 at 70 % and 80 %, its market a million deep."""
    room.set_token_risk(1, 700_000, 800_000, 1_000)
    room.wait(NOTICE + RAMP)
    return room


def test_assess_counts_collateral_at_its_adverse_end_for_initial_margin_alone(
    weighted: Room,
) -> None:
    # Half-width 1 %, EMA 5 % below: ten tokens at 950 * 0.99 at 70 %, for maintenance 1000 at 80 %.
    leg = [LEG.pack(id=128, size=10 * WAD)]
    price = [PRICE.pack(price=1_000 * WAD, ema_ratio=95 * RATIO // 100, half_width=1_000)]
    cash = ACCOUNT.pack(cash=10_000 * WAD)
    equity, _, settled, _, _ = weighted.model.assess(cash, 10_000 * WAD, leg, price)
    assert (equity, settled) == (18_000 * WAD, 10_000 * WAD + 9_405 * WAD * 7 // 10)


def test_assess_haircut_of_collateral_grows_with_its_root(weighted: Room) -> None:
    # Four millions in a market a million deep: a haircut of 20 % is 40 %.
    leg = [LEG.pack(id=128, size=4_000 * WAD)]

    assert weighted.model.plan(0, 0, leg, [PRICED])[0] == 24 * MILLION // 10


def test_assess_of_stale_collateral_carries_no_new_risk_and_liquidates_nobody(
    weighted: Room,
) -> None:
    model = weighted.model
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


def test_assess_of_fewer_prices_than_legs_refused(room: Room) -> None:
    legs = [LEG.pack(id=1, size=WAD)]
    assert room.reason(room.owner, "assess", 0, 0, legs, [], 0) == ""
