"""2022-11-09: perpetuals and spot of SOL apart for 19 hours."""

from __future__ import annotations

import pytest

from seawall.replay.accounts import WIDEST
from seawall.replay.drive import OUTLIER_BAND, Step
from seawall.replay.split import CAMPS, Split, error, parted
from seawall.spec.consensus import HALF_WIDTH_UNIT, median

Cases = dict[str, Split]


def dropped(step: Step) -> list[int]:
    """Places of the feeds beyond the outlier band around the median of all."""
    middle = median([reading.price for reading in step.readings])
    return [
        place
        for place, reading in enumerate(step.readings)
        if abs(reading.price - middle) * HALF_WIDTH_UNIT > OUTLIER_BAND * middle
    ]


def test_refresh_sol_perpetuals_stand_beyond_the_band_below_spot(sol: Cases) -> None:
    steps = parted(sol["two and two"].banded)
    assert len(steps) == 19
    for step in steps:
        spot, _, okx, binance = (reading.price for reading in step.readings)
        assert max(okx, binance) * 100 < spot * 95
    low = min(step.readings[3].price * 100 / step.readings[0].price for step in steps)
    assert 76 < low < 77


def test_refresh_sol_two_spot_feeds_keep_one_perpetual_out(sol: Cases) -> None:
    for step in parted(sol["two spot, one perpetual"].banded):
        assert dropped(step) == [2]
        assert error(step) == 0
        assert step.price.half_width == 0


def test_refresh_sol_two_perpetuals_keep_spot_out(sol: Cases) -> None:
    for step in parted(sol["one spot, two perpetuals"].banded):
        spot, *perpetuals = (reading.price for reading in step.readings)
        assert 0 in dropped(step)
        assert min(perpetuals) <= step.price.price <= max(perpetuals)
        assert step.price.price * 100 < spot * 92


def test_refresh_sol_two_and_two_without_a_band_are_never_usable(sol: Cases) -> None:
    for step in parted(sol["two and two"].unbanded):
        assert step.price.half_width > WIDEST


def test_refresh_sol_two_and_two_all_or_none_dropped_are_not_usable(sol: Cases) -> None:
    steps = [step for step in parted(sol["two and two"].banded) if len(dropped(step)) in (0, 4)]
    assert len(steps) >= 15
    for step in steps:
        assert step.price.half_width > WIDEST


def test_refresh_sol_two_and_two_index_lies_between_the_camps(sol: Cases) -> None:
    for step in parted(sol["two and two"].banded):
        prices = sorted(reading.price for reading in step.readings)
        assert prices[1] <= step.price.price <= prices[2]


def test_refresh_sol_one_of_two_and_two_dropped_index_joins_a_camp(sol: Cases) -> None:
    (step,) = [step for step in parted(sol["two and two"].banded) if len(dropped(step)) == 1]
    assert CAMPS[0] < step.now < CAMPS[1]
    assert step.price.price == step.readings[0].price


@pytest.mark.parametrize("case", ["two spot, one perpetual", "one spot, two perpetuals"])
def test_refresh_sol_before_the_split_band_changes_nothing(sol: Cases, case: str) -> None:
    first = parted(sol[case].banded)[0].now
    for step, plain in zip(sol[case].banded, sol[case].unbanded, strict=True):
        if step.now < first:
            assert step.price.price == plain.price.price
            assert step.price.half_width == plain.price.half_width
