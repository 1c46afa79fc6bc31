"""2022-11-09: perpetuals and spot of SOL apart for 19 hours."""

from __future__ import annotations

from itertools import pairwise

import pytest

from seawall.replay.accounts import WIDEST
from seawall.replay.drive import SPREAD_BAND
from seawall.replay.split import Split, error, parted
from seawall.spec.consensus import HALF_WIDTH_UNIT
from seawall.spec.words import MAX_HALF_WIDTH

Cases = dict[str, Split]


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
        assert error(step) == 0
        assert step.price.half_width == 0


def test_refresh_sol_two_perpetuals_keep_spot_out(sol: Cases) -> None:
    for step in parted(sol["one spot, two perpetuals"].banded):
        spot, *perpetuals = (reading.price for reading in step.readings)
        assert min(perpetuals) <= step.price.price <= max(perpetuals)
        assert step.price.price * 100 < spot * 92


def test_refresh_sol_two_and_two_are_never_usable(sol: Cases) -> None:
    for step in [*parted(sol["two and two"].banded), *parted(sol["two and two"].unbanded)]:
        assert step.price.half_width > WIDEST


def test_refresh_sol_two_and_two_beyond_the_band_keep_the_last_price(sol: Cases) -> None:
    """A price between the camps would be nobody's, and equity would count it."""
    steps = sol["two and two"].banded
    kept = 0
    for before, step in pairwise(steps):
        prices = sorted(reading.price for reading in step.readings)
        mean = (prices[1] + prices[2]) // 2
        if (prices[2] - prices[1]) * HALF_WIDTH_UNIT > 2 * SPREAD_BAND * mean:
            assert step.price.half_width == MAX_HALF_WIDTH
            assert step.price.price == before.price.price
            kept += 1
    assert kept >= 10


@pytest.mark.parametrize("case", ["two spot, one perpetual", "one spot, two perpetuals"])
def test_refresh_sol_before_the_split_band_changes_nothing(sol: Cases, case: str) -> None:
    first = parted(sol[case].banded)[0].now
    for step, plain in zip(sol[case].banded, sol[case].unbanded, strict=True):
        if step.now < first:
            assert step.price.price == plain.price.price
            assert step.price.half_width == plain.price.half_width
