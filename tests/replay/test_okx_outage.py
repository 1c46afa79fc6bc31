"""2022-11-10: OKX without a trade for 55 minutes."""

from __future__ import annotations

from math import sqrt

from seawall.replay.accounts import INITIAL, WIDEST, assess, model, plan
from seawall.replay.drive import Step
from seawall.replay.outage import OKX, TERMS, Outage, during, holder, okx_doubt
from seawall.spec.margin import HALF_WIDTH_UNIT
from seawall.spec.words import MAX_HALF_WIDTH, MAX_UINT256, PPM, RATIO, TICK, WAD


def age(step: Step) -> int:
    """Of the frozen feed's data, seconds."""
    return step.now - step.readings[-1].updated_at


def apart_from(step: Step, place: int) -> int:
    """A feed's distance from the index, 10**-5 of it, rounded up."""
    distance = abs(step.readings[place].price - step.price.price)
    return -(-distance * HALF_WIDTH_UNIT // step.price.price)


def own_doubt(step: Step) -> int:
    """What the frozen feed is doubted for beyond its distance, 10**-5."""
    doubt = okx_doubt(step)
    assert doubt is not None
    return doubt - apart_from(step, OKX)


def middle_minutes(steps: list[Step], first: int, last: int) -> list[Step]:
    """Steps whose frozen data is that many seconds old."""
    return [step for step in during(steps) if first <= age(step) <= last]


def test_refresh_okx_frozen_index_stays_between_the_other_two(okx: Outage) -> None:
    steps = during(okx.three)
    assert len(steps) == 59
    # While it counts, one feed of three can be the median, never beyond the others.
    for step in steps:
        spot, perp, _ = (reading.price for reading in step.readings)
        assert min(spot, perp) - TICK <= step.price.price <= max(spot, perp)


def test_refresh_okx_frozen_stands_far_from_the_index(okx: Outage) -> None:
    # Else the test above would show nothing.
    assert max(apart_from(step, OKX) for step in during(okx.three)) > 800


def test_refresh_okx_frozen_but_stamped_now_index_stays_between_the_other_two(okx: Outage) -> None:
    for step in during(okx.posing):
        spot, perp, posing = step.readings
        assert posing.updated_at == step.now
        low, high = sorted([spot.price, perp.price])
        assert low - TICK <= step.price.price <= high


def test_refresh_okx_within_its_heartbeat_is_doubted_for_its_distance_alone(okx: Outage) -> None:
    steps = middle_minutes(okx.three, 0, TERMS.heartbeat)
    assert len(steps) == 10
    assert {own_doubt(step) for step in steps} == {0}


def test_refresh_okx_past_its_heartbeat_doubt_grows_with_the_root_of_time(okx: Outage) -> None:
    steps = middle_minutes(okx.three, TERMS.heartbeat + 1, TERMS.max_age)
    doubts = {age(step) - TERMS.heartbeat: own_doubt(step) for step in steps}
    assert list(doubts.values()) == sorted(doubts.values())
    for quarter in (300, 240):
        assert abs(doubts[4 * quarter] / doubts[quarter] - sqrt(4)) < 0.04


def test_refresh_okx_frozen_half_width_is_not_above_what_the_others_say(okx: Outage) -> None:
    for step in during(okx.three):
        others = max(apart_from(step, place) for place in range(OKX))
        assert step.price.half_width <= others
    widest = max(step.price.half_width for step in during(okx.three))
    doubts = [okx_doubt(step) or 0 for step in during(okx.three)]
    assert widest * 10 < max(doubts)
    assert widest < WIDEST


def test_refresh_okx_past_its_max_age_leaves_the_mean_of_two(okx: Outage) -> None:
    steps = middle_minutes(okx.three, TERMS.max_age + 1, 10**6)
    assert len(steps) == 29
    for step in steps:
        spot, perp, _ = (reading.price for reading in step.readings)
        assert okx_doubt(step) is None
        assert step.price.price == (spot + perp) // 2 // TICK * TICK
        half = -(-abs(spot - perp) * HALF_WIDTH_UNIT // (2 * step.price.price))
        assert abs(step.price.half_width - half) <= 1


def test_refresh_okx_trading_again_counts_at_once(okx: Outage) -> None:
    step = next(
        step for step in okx.three if age(step) == 0 and step.now > during(okx.three)[-1].now
    )
    doubt = okx_doubt(step)
    assert doubt == apart_from(step, OKX)
    assert step.is_heard


def test_refresh_okx_alone_half_width_goes_from_nought_to_unusable(okx: Outage) -> None:
    for step in during(okx.alone):
        width = step.price.half_width
        if age(step) <= TERMS.heartbeat:
            assert width == 0
        elif age(step) <= TERMS.max_age:
            assert 0 < width <= WIDEST
        else:
            assert width == MAX_HALF_WIDTH


def test_refresh_okx_alone_keeps_its_last_price_and_time(okx: Outage) -> None:
    first = okx.alone[0].readings[0]
    for step in during(okx.alone):
        assert (step.price.price, step.price.updated_at) == (first.price, first.updated_at)


def test_refresh_okx_alone_draws_the_average_to_the_price_that_stands(okx: Outage) -> None:
    distances = [abs(step.price.ema_ratio - RATIO) for step in during(okx.alone)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] * 5 < distances[0]


def test_assess_okx_alone_past_its_max_age_refuses_new_risk(okx: Outage) -> None:
    account, made = holder(okx), model()
    for step in during(okx.alone):
        found = assess(made, account, step.price, None, step.now)
        if age(step) > TERMS.max_age:
            assert found.initial == MAX_UINT256
        else:
            notional = account.size * step.price.price // WAD
            assert found.initial < 2 * notional * INITIAL // PPM


def test_plan_okx_alone_past_its_max_age_caps_the_favourable_end(okx: Outage) -> None:
    account, made = holder(okx), model()
    steps = middle_minutes(okx.alone, TERMS.max_age + 1, 10**6)
    assert len(steps) == 29
    for step in steps:
        found = plan(made, account, step.price, step.now)
        end = -(-step.price.price * (HALF_WIDTH_UNIT + WIDEST) // HALF_WIDTH_UNIT)
        assert found.favourable_equity == account.base + account.size * end // WAD
        assert [leg.usable for leg in found.legs] == [False]


def test_plan_okx_alone_within_its_max_age_may_move_the_leg(okx: Outage) -> None:
    account, made = holder(okx), model()
    for step in middle_minutes(okx.alone, 0, TERMS.max_age):
        assert [leg.usable for leg in plan(made, account, step.price, step.now).legs] == [True]


def test_refresh_okx_alone_first_trade_is_usable_and_the_average_lags(okx: Outage) -> None:
    last = during(okx.alone)[-1]
    step = okx.alone[okx.alone.index(last) + 1]
    assert step.price.half_width == 0
    assert step.price.updated_at == step.now
    # OKX fell by 1.4 % over the outage; for a long's initial margin the fall counts in full.
    assert step.price.price * 100 < last.price.price * 99
    assert abs(step.average - last.average) * 10_000 < last.average
    made, account = model(), holder(okx)
    found = assess(made, account, step.price, None, step.now)
    assert found.initial < MAX_UINT256
    assert found.adverse == account.base + account.size * step.price.price // WAD
