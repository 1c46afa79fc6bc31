"""What the follower may move: capacity with the fund, the volatility factor of maintenance."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import FACTOR_PERIOD, FACTOR_STEP, NOTICE, RAMP
from seawall.spec.words import PPM, WAD
from tests.unit.margin_model.room import RISK, Room

#: Twice the calm volatility.
ROUGH = 2 * RISK.calm
HOUR = 3_600
SMALL = 1_000 * WAD


@pytest.fixture
def listed(room: Room) -> Room:
    room.set_risk(1, RISK)
    return room


def _maintenance(room: Room, time: int) -> int:
    return int(room.model.requirement_at(1, SMALL, 0, 0, time)[1])


def test_follow_by_anyone_but_the_follower_refused(listed: Room, stranger: Any) -> None:
    for sender in (listed.owner, stranger):
        assert listed.reason(sender, "follow", 1, 0, 0) == "risk: not the follower"


@pytest.mark.parametrize("market_id", [0, 2, 127, 128, 2**255])
def test_follow_of_a_market_that_is_not_listed_refused(listed: Room, market_id: int) -> None:
    assert listed.reason(listed.follower, "follow", market_id, 0, 0) == "risk: market id"


def test_follow_moves_maintenance_by_five_percent_an_hour_and_initial_follows_the_index(
    listed: Room,
) -> None:
    receipt = listed.follow(1, ROUGH)

    event = receipt.decode_logs(listed.model.Followed)[0]
    assert (event.market_id, event.new_word) == (1, listed.spec.risks[1].word)
    now = receipt.timestamp
    assert _maintenance(listed, now) == 65_000
    assert _maintenance(listed, now + FACTOR_STEP - 1) == 65_000
    assert _maintenance(listed, now + FACTOR_STEP) == 65_065
    assert _maintenance(listed, now + HOUR) == 68_250
    assert _maintenance(listed, now + 20 * HOUR) == 130_000
    assert _maintenance(listed, 2**255) == 130_000
    assert tuple(listed.model.requirement_at(1, SMALL, 0, ROUGH, now)) == (200_000, 65_000)


def test_follow_is_bound_by_the_cap(listed: Room) -> None:
    now = listed.follow(1, 2**24 - 1).timestamp

    assert _maintenance(listed, now + 1_000 * HOUR) == 4 * 65_000


def test_follow_back_to_calm_moves_as_slowly_down_and_comes_to_rest(listed: Room) -> None:
    listed.follow(1, ROUGH)
    listed.wait(20 * HOUR)
    now = listed.follow(1, 0).timestamp
    assert _maintenance(listed, now + HOUR) == ceil_ppm(65_000, 1_950_000)
    listed.wait(20 * HOUR)

    listed.follow(1, 0)

    # From here on readers need not look at the clock.
    risk = listed.spec.risks[1]
    assert (risk.factor_from, risk.factor_to) == (1_000, 1_000)


def ceil_ppm(rate: int, factor: int) -> int:
    """A rate times a factor, rounded up."""
    return -(-rate * factor // PPM)


@pytest.mark.parametrize("changed", [{"calm": RISK.calm // 2}, {"volatility_cap": 160}])
def test_follow_after_stricter_volatility_terms_heads_for_them_by_their_ramp(
    listed: Room, changed: dict[str, int]
) -> None:
    """The owner's change moves nobody's maintenance before its notice is over."""
    rough = 16 * RISK.calm
    start = listed.set_risk(1, RISK._replace(**changed)).timestamp + NOTICE

    goals = []
    for time in (start - 10, start + RAMP // 2, start + RAMP + 1):
        listed.wait(time - listed.now)
        listed.follow(1, rough if "volatility_cap" in changed else 3 * RISK.calm // 2)
        goals.append(listed.spec.risks[1].factor_to)

    # 4 to 16 in tenths, and the calm volatility from 1 to a half.
    wanted = [4_000, 10_000, 16_000] if "volatility_cap" in changed else [1_500, 2_000, 3_000]
    assert all(abs(goal - want) <= 1 for goal, want in zip(goals, wanted, strict=True))


def test_set_risk_on_the_way_of_volatility_terms_starts_where_they_stand(listed: Room) -> None:
    listed.set_risk(1, RISK._replace(calm=RISK.calm // 2))
    listed.wait(NOTICE + RAMP // 2)

    listed.set_risk(1, RISK._replace(calm=RISK.calm // 4))

    # `set_risk` compares the stored words with the specification's.
    assert abs(listed.spec.risks[1].earlier_calm - RISK.calm * 3 // 4) <= 2


def test_follow_often_neither_freezes_nor_hurries_the_factor(listed: Room) -> None:
    """Whoever calls every few minutes with new numbers sets one goal an hour."""
    first = listed.follow(1, ROUGH).timestamp
    for number in range(1, 12):
        listed.wait(290)
        listed.follow(1, ROUGH + number)
    assert listed.spec.risks[1].factor_start == first
    listed.wait(FACTOR_PERIOD)

    here = listed.follow(1, ROUGH + 10 * RISK.calm // 1_000).timestamp

    assert listed.spec.risks[1].factor_start == here
    assert _maintenance(listed, here) >= 65_000 + 65 * ((here - first) // FACTOR_STEP)
    assert listed.spec.risks[1].factor_from == 1_000 + (here - first) // FACTOR_STEP


def test_follow_a_new_goal_moves_nothing_in_its_own_second(listed: Room) -> None:
    start = listed.follow(1, ROUGH).timestamp
    listed.wait(2 * HOUR + 71)
    before = listed.spec.risks[1]

    now = listed.follow(1, 0).timestamp

    assert now > start + FACTOR_PERIOD
    assert _maintenance(listed, now) == ceil_ppm(65_000, before.volatility_factor(now))


def test_follow_lets_capacity_follow_the_fund_up_and_down(listed: Room) -> None:
    # 50 parts per million of the fund, in thousands.
    for fund, capacity in ((10**9 * WAD, 500_050), (10**10 * WAD, 500_500), (0, 500_000)):
        listed.follow(1, 0, fund)
        assert listed.spec.risks[1].capacity == capacity


def test_follow_capacity_has_an_end(listed: Room) -> None:
    listed.set_risk(1, RISK._replace(capacity_per_fund=2**32 - 1))

    listed.follow(1, 0, 10**40)

    assert listed.spec.risks[1].capacity == 2**32 - 1


def test_follow_clears_a_ramp_once_it_is_over_and_not_before(listed: Room) -> None:
    changed = listed.set_risk(1, RISK._replace(maintenance=90_000)).timestamp
    listed.wait(NOTICE + RAMP - 10)
    listed.follow(1, 0)
    assert listed.spec.risks[1].ramp_start == changed + NOTICE
    before = _maintenance(listed, changed + NOTICE + RAMP)
    listed.wait(10)

    listed.follow(1, 0)

    assert listed.spec.risks[1].ramp_start == 0
    assert _maintenance(listed, listed.now) == before == 90_000


def test_set_follower_tells_who_it_was(room: Room, stranger: Any) -> None:
    receipt = room.model.set_follower(stranger, sender=room.owner)

    event = receipt.decode_logs(room.model.FollowerSet)[0]
    assert (event.old_follower, event.new_follower) == (room.follower.address, stranger.address)
    assert room.model.follower() == stranger.address
