"""Staging and activating the scenario matrix: one version at a time, maintenance by a ramp."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.risk import ANY_VOLATILITY, NOTICE, RAMP
from seawall.spec.scenarios import BIAS, PER_WORD, SCENARIOS, Shocks, Terms, pack_shocks
from seawall.spec.words import ACCOUNT, LEG, PORTFOLIO, PPM, PRICE, RATIO, WAD
from tests.unit.margin_model.room import RISK, Room

TERMS = Terms(tail=3, factor=PPM, floor=100_000)
#: Half of the scenarios fall and half rise, by the rate.
MOVES: Shocks = tuple([-10_000, 10_000] * (SCENARIOS // 2))
TWICE: Shocks = tuple(2 * move for move in MOVES)
MODE = ACCOUNT.pack(cash=0, mode=PORTFOLIO)
RICH = 10**30
#: Standard margin of ten units at 1,000 is 1,000 and 650.
PLAIN = RISK._replace(calm=ANY_VOLATILITY, reserve=0)
PAIR, ALIKE = {1: 10, 2: -10}, {1: 10, 2: 10}


@pytest.fixture
def listed(room: Room) -> Room:
    """Two markets and a matrix under which they move as one, its ramp over."""
    for market_id in (1, 2):
        room.set_risk(market_id, PLAIN)
        room.stage(market_id, MOVES)
    room.activate(TERMS, 100)
    room.wait(NOTICE + RAMP)
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
    initial, maintenance = _margins(listed, PAIR)

    assert _near(maintenance, 130)
    assert _near(initial, 200)


def test_matrix_legs_of_one_direction_need_what_they_need_apart(listed: Room) -> None:
    initial, maintenance = _margins(listed, ALIKE)

    assert _near(maintenance, 1_300)
    assert _near(initial, 2_000)


def test_matrix_legs_of_one_direction_that_never_move_together_get_no_credit(room: Room) -> None:
    for market_id, sign in ((1, 1), (2, -1)):
        room.set_risk(market_id, PLAIN)
        room.stage(market_id, tuple(sign * move for move in MOVES))
    room.activate(TERMS, 0)

    assert _margins(room, ALIKE) == (2_000 * WAD, 1_300 * WAD)


def test_matrix_raised_rate_reaches_a_hedge_by_its_ramp(listed: Room) -> None:
    """A rate of one leg twice as high: the pair needs half of the difference on the way."""
    listed.set_risk(1, PLAIN._replace(initial=130_000, maintenance=130_000))
    start = listed.now + NOTICE

    for time, money in ((start, 130), (start + RAMP // 2, 325), (start + RAMP, 650)):
        assert _near(_model_at(listed, PAIR, time), money)


def test_matrix_one_leg_needs_no_less_than_its_standard_requirement(room: Room) -> None:
    room.set_risk(1, PLAIN)
    room.stage(1, (0,) * SCENARIOS)
    room.activate(TERMS, 0)

    assert _margins(room, {1: 10}) == (1_000 * WAD, 650 * WAD)


def test_matrix_market_left_out_needs_its_standard_requirement(listed: Room) -> None:
    listed.set_risk(3, PLAIN)

    initial, maintenance = _margins(listed, PAIR | {3: 10})

    assert _near(maintenance, 130 + 650)
    assert _near(initial, 200 + 1_000)


def test_matrix_before_the_first_all_legs_need_their_standard_requirement(room: Room) -> None:
    for market_id in (1, 2):
        room.set_risk(market_id, PLAIN)

    assert _margins(room, PAIR) == (2_000 * WAD, 1_300 * WAD)


def test_matrix_equity_below_the_least_needs_the_initial_margin_of_standard_mode(
    listed: Room,
) -> None:
    assert _near(_margins(listed, PAIR, 100 * WAD)[0], 200)
    assert _margins(listed, PAIR, 100 * WAD - 1)[0] == 2_000 * WAD
    assert _near(_margins(listed, PAIR, 100 * WAD - 1)[1], 130)


def test_activate_first_matrix_that_asks_for_less_is_in_force_at_once(room: Room) -> None:
    for market_id in (1, 2):
        room.set_risk(market_id, PLAIN)
        room.stage(market_id, MOVES)
    receipt = room.activate(TERMS, 100)

    event = receipt.decode_logs(room.model.MatrixActivated)[0]
    assert (event.old_word, event.new_word) == (0, room.spec.scenarios.matrix.word)
    assert _near(_margins(room, PAIR)[1], 130)


def test_activate_first_matrix_that_asks_for_more_counts_by_a_ramp(room: Room) -> None:
    for market_id in (1, 2):
        room.set_risk(market_id, PLAIN)
        room.stage(market_id, TWICE)
    changed = room.activate(TERMS, 100).timestamp

    assert _near(_margins(room, ALIKE)[0], 4_000)
    _expect_ramp(room, changed)


def test_activate_later_matrix_counts_for_initial_at_once_for_maintenance_by_a_ramp(
    listed: Room,
) -> None:
    for market_id in (1, 2):
        listed.stage(market_id, TWICE)
    # The matrix in force is another version, so that staging moves nothing.
    assert _near(_margins(listed, ALIKE)[1], 1_300)
    changed = listed.activate(TERMS, 100).timestamp

    assert _near(_margins(listed, ALIKE)[0], 4_000)
    _expect_ramp(listed, changed)


def _expect_ramp(room: Room, changed: int) -> None:
    """From standard margin to twice that."""
    start = changed + NOTICE
    for time, money in (
        (changed, 1_300),
        (start, 1_300),
        (start + RAMP // 2, 1_950),
        (start + RAMP, 2_600),
    ):
        assert _near(_model_at(room, ALIKE, time), money)


def _model_at(room: Room, legs: dict[int, int], time: int) -> int:
    words = [LEG.pack(id=market_id, size=size * WAD) for market_id, size in legs.items()]
    prices = [PRICE.pack(price=1_000 * WAD, ema_ratio=RATIO)] * len(words)
    return int(room.model.assess(MODE, RICH, words, prices, time)[4])


def test_activate_gentler_matrix_counts_at_once(listed: Room) -> None:
    for market_id in (1, 2):
        listed.stage(market_id, MOVES)
    listed.activate(TERMS._replace(floor=50_000), 100)

    assert _near(_margins(listed, PAIR)[1], 65)


def test_activate_while_a_ramp_is_on_refused(listed: Room) -> None:
    listed.activate(TERMS, 100)

    assert listed.refuse_matrix(TERMS, 100) == "risk: matrix ramps"
    listed.wait(NOTICE + RAMP - 2)
    assert listed.refuse_matrix(TERMS, 100) == "risk: matrix ramps"
    listed.wait(2)
    listed.activate(TERMS, 100)
    assert listed.spec.scenarios.matrix.version == 3


@pytest.mark.parametrize(
    "terms, reason",
    [
        (Terms(0, 1, 1), "risk: tail"),
        (Terms(33, 1, 1), "risk: tail"),
        (Terms(1, 0, 1), "risk: factor"),
        (Terms(1, 1, 0), "risk: floor"),
        (Terms(1, 1, PPM + 1), "risk: floor"),
    ],
)
def test_activate_out_of_bounds_refused(room: Room, terms: Terms, reason: str) -> None:
    assert room.refuse_matrix(terms) == reason


def test_activate_without_room_in_its_word_refused_bare(room: Room) -> None:
    assert room.reason(room.owner, "activate_matrix", 1, 2**24, 1, 0) == ""
    assert room.reason(room.owner, "activate_matrix", 1, 1, 1, 2**32) == ""


def test_activate_at_its_bounds_is_stored(room: Room) -> None:
    room.activate(Terms(SCENARIOS, 2**24 - 1, PPM), 2**32 - 1)


def test_stage_tells_version_market_and_shocks(listed: Room) -> None:
    event = listed.stage(127, TWICE).decode_logs(listed.model.ScenariosStaged)[0]

    assert (event.version, event.market_id) == (2, 127)
    assert tuple(event.shocks) == tuple(listed.model.shocks(2, 127))


def test_stage_market_id_out_of_range_refused(room: Room) -> None:
    for market_id in (0, 128, 2**255):
        assert room.reason(room.owner, "stage_scenarios", market_id, (1, 1)) == "risk: market id"


@pytest.mark.parametrize("place", range(SCENARIOS))
def test_stage_a_number_that_is_no_shock_refused(room: Room, place: int) -> None:
    words = list(pack_shocks((1 - BIAS,) * SCENARIOS))
    words[place // PER_WORD] &= ~(0xFFFF << 16 * (place % PER_WORD))

    assert room.reason(room.owner, "stage_scenarios", 1, words) == "risk: shocks"


def test_stage_one_word_alone_refused(room: Room) -> None:
    word = pack_shocks((0,) * SCENARIOS)[0]
    for words in ((word, 0), (0, word)):
        assert room.reason(room.owner, "stage_scenarios", 1, words) == "risk: shocks"


def test_stage_lowest_and_highest_shocks_and_none_are_stored(room: Room) -> None:
    for shocks in ((1 - BIAS,) * SCENARIOS, (BIAS - 1,) * SCENARIOS):
        room.stage(1, shocks)
        assert tuple(room.model.shocks(1, 1)) == pack_shocks(shocks)
    room.model.stage_scenarios(1, (0, 0), sender=room.owner)
    assert tuple(room.model.shocks(1, 1)) == (0, 0)
