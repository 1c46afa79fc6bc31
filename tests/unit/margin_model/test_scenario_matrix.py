"""Staging and activating the scenario matrix: one version at a time, maintenance by a ramp."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.scenarios import SCENARIOS, Shocks, Terms
from seawall.spec.words import ACCOUNT, LEG, MAX_UINT256, PORTFOLIO, PPM, PRICE, RATIO, WAD
from tests.unit.margin_model.room import RISK, Room

TERMS = Terms(tail=3, factor=PPM, floor=10_000)
#: Half of the scenarios fall and half rise, by 10 %.
MOVES: Shocks = tuple([-1_000, 1_000] * (SCENARIOS // 2))
TWICE: Shocks = tuple(2 * move for move in MOVES)
MODE = ACCOUNT.pack(cash=0, mode=PORTFOLIO)
RICH = 10**30


@pytest.fixture
def listed(room: Room) -> Room:
    """Two markets and a matrix in force under which they move as one."""
    for market_id in (1, 2):
        room.set_risk(market_id, RISK._replace(calm=0, reserve=0))
        room.stage(market_id, MOVES)
    room.activate(TERMS, 1_500_000, 100)
    return room


def _margins(room: Room, legs: dict[int, int], base: int = RICH, **kwargs: Any) -> tuple[int, int]:
    """Initial and maintenance margin in portfolio mode of units at 1,000."""
    words = [LEG.pack(id=market_id, size=size * WAD) for market_id, size in legs.items()]
    prices = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)] * len(words)
    answer = room.model.assess(MODE, base, words, prices, **kwargs)
    return int(answer[3]), int(answer[4])


def _near(found: int, money: int) -> bool:
    """But for what sums of losses leave out, and roundings."""
    return money * WAD <= found < money * WAD + 10**11


def test_matrix_opposite_legs_that_move_as_one_need_the_floor(listed: Room) -> None:
    initial, maintenance = _margins(listed, {1: 10, 2: -10})

    assert _near(maintenance, 200)
    assert _near(initial, 300)


def test_matrix_legs_of_one_direction_need_their_shortfall(listed: Room) -> None:
    initial, maintenance = _margins(listed, {1: 10, 2: 10})

    assert _near(maintenance, 2_000)
    assert _near(initial, 3_000)


def test_matrix_one_leg_needs_no_less_than_its_standard_requirement(room: Room) -> None:
    room.set_risk(1, RISK._replace(calm=0, reserve=0))
    room.stage(1, (0,) * SCENARIOS)
    room.activate(TERMS, PPM, 0)

    assert _margins(room, {1: 10}) == (1_000 * WAD, 650 * WAD)


def test_matrix_market_left_out_needs_its_standard_requirement(listed: Room) -> None:
    listed.set_risk(3, RISK._replace(calm=0, reserve=0))

    initial, maintenance = _margins(listed, {1: 10, 2: -10, 3: 10})

    assert _near(maintenance, 200 + 650)
    assert _near(initial, 300 + 1_000)


def test_matrix_before_the_first_portfolio_mode_takes_no_new_risk(room: Room) -> None:
    """Or the first matrix could raise somebody's maintenance margin without a ramp."""
    room.set_risk(1, RISK._replace(calm=0, reserve=0))

    assert _margins(room, {1: 10}) == (MAX_UINT256, 650 * WAD)


def test_matrix_equity_below_the_least_takes_no_new_risk(listed: Room) -> None:
    legs = {1: 10, 2: -10}

    assert _margins(listed, legs, 100 * WAD)[0] != MAX_UINT256
    assert _margins(listed, legs, 100 * WAD - 1)[0] == MAX_UINT256
    assert _near(_margins(listed, legs, 100 * WAD - 1)[1], 200)


def test_activate_first_matrix_is_in_force_at_once(room: Room) -> None:
    room.stage(1, MOVES)
    receipt = room.activate(TERMS, 1_500_000, 100)

    event = receipt.decode_logs(room.model.MatrixActivated)[0]
    assert (event.old_word, event.new_word) == (0, room.spec.scenarios.matrix.word)
    assert room.spec.scenarios.matrix.ramp_start == 0


def test_activate_later_matrix_counts_for_initial_at_once_for_maintenance_by_a_ramp(
    listed: Room,
) -> None:
    legs = {1: 10, 2: 10}
    for market_id in (1, 2):
        listed.stage(market_id, TWICE)
    # The matrix in force is another version, so that staging moves nothing.
    assert _near(_margins(listed, legs)[1], 2_000)
    changed = listed.activate(TERMS, 1_500_000, 100).timestamp

    assert _near(_margins(listed, legs)[0], 6_000)
    start = changed + NOTICE
    for time, money in (
        (changed, 2_000),
        (start, 2_000),
        (start + RAMP // 2, 3_000),
        (start + RAMP, 4_000),
    ):
        assert _near(_model_at(listed, legs, time), money)


def _model_at(room: Room, legs: dict[int, int], time: int) -> int:
    words = [LEG.pack(id=market_id, size=size * WAD) for market_id, size in legs.items()]
    prices = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)] * len(words)
    return int(room.model.assess(MODE, RICH, words, prices, time)[4])


def test_activate_gentler_matrix_counts_at_once(listed: Room) -> None:
    for market_id in (1, 2):
        listed.stage(market_id, tuple(move // 2 for move in MOVES))
    listed.activate(TERMS, 1_500_000, 100)

    # The sum of the standard requirements is 1,300, of which none is left.
    assert _near(_margins(listed, {1: 10, 2: 10})[1], 1_000)


def test_activate_while_a_ramp_is_on_refused(listed: Room) -> None:
    listed.activate(TERMS, 1_500_000, 100)

    assert listed.refuse_matrix(TERMS, 1_500_000, 100) == "risk: matrix ramps"
    listed.wait(NOTICE + RAMP - 2)
    assert listed.refuse_matrix(TERMS, 1_500_000, 100) == "risk: matrix ramps"
    listed.wait(2)
    listed.activate(TERMS, 1_500_000, 100)
    assert listed.spec.scenarios.matrix.version == 3


@pytest.mark.parametrize(
    "terms, initial_factor, reason",
    [
        (Terms(0, 1, 1), 1, "risk: tail"),
        (Terms(33, 1, 1), 1, "risk: tail"),
        (Terms(1, 0, 1), 1, "risk: factors"),
        (Terms(1, 2, 1), 1, "risk: factors"),
        (Terms(1, 1, 0), 1, "risk: floor"),
        (Terms(1, 1, PPM + 1), 1, "risk: floor"),
    ],
)
def test_activate_out_of_bounds_refused(
    room: Room, terms: Terms, initial_factor: int, reason: str
) -> None:
    assert room.refuse_matrix(terms, initial_factor) == reason


def test_activate_without_room_in_its_word_refused_bare(room: Room) -> None:
    assert room.reason(room.owner, "activate_matrix", 1, 1, 1, 2**24, 0) == ""
    assert room.reason(room.owner, "activate_matrix", 1, 1, 1, 1, 2**32) == ""


def test_activate_at_its_bounds_is_stored(room: Room) -> None:
    room.activate(Terms(SCENARIOS, 2**24 - 1, PPM), 2**24 - 1, 2**32 - 1)


def test_stage_tells_version_market_and_shocks(listed: Room) -> None:
    event = listed.stage(127, TWICE).decode_logs(listed.model.ScenariosStaged)[0]

    assert (event.version, event.market_id) == (2, 127)
    assert tuple(event.shocks) == tuple(listed.model.shocks(2, 127))


def test_stage_market_id_out_of_range_refused(room: Room) -> None:
    for market_id in (0, 128, 2**255):
        assert room.reason(room.owner, "stage_scenarios", market_id, (1, 1)) == "risk: market id"
