"""2021-05-19 and a calm day: one path, refreshed at different times."""

from __future__ import annotations

from statistics import median

from seawall.replay import cadence
from seawall.replay.cadence import CADENCES, READ, Line, Lines
from seawall.replay.drive import SpecIndex
from tests.replay.twin import Twin


def test_refresh_cadence_in_the_crash_contract_is_as_specified(windows: None) -> None:
    answer, before = cadence.path(cadence.CRASH), Twin.compared
    lines = cadence.replay(Twin, answer, cadence.PART)
    assert Twin.compared - before == sum(7_200 // every for every in CADENCES)
    alone = cadence.replay(SpecIndex, answer, cadence.PART)
    assert {every: line.steps for every, line in lines.items()} == {
        every: line.steps for every, line in alone.items()
    }


def test_refresh_cadence_every_2_s_and_every_12_s_same_volatility(crash: Lines) -> None:
    assert len(crash[2].steps) == 410
    found = [[step.price.volatility for step in crash[every].steps] for every in (2, 12)]
    assert found[0] == found[1]
    assert len(set(found[0])) > 400


def test_refresh_cadence_every_2_s_and_every_12_s_same_average(crash: Lines) -> None:
    # Each refresh rounds the ratio by half of 10**-7 at most, and 900 of them stay in the memory.
    assert max(cadence.average_gaps(crash[12], crash[2])) < 0.5


def test_refresh_cadence_every_10_min_differs_as_other_samples_do(
    crash: Lines, grids: list[Line]
) -> None:
    slow = median(cadence.volatility_gaps(crash[READ], crash[2]))
    others = [median(cadence.volatility_gaps(grid, crash[2])) for grid in grids]
    assert 0 < slow <= max(others)


def test_refresh_cadence_every_10_min_average_lags_behind(crash: Lines) -> None:
    """A snapshot draws for five minutes at most: the average of ten has half the time."""
    assert 20 < median(cadence.average_gaps(crash[READ], crash[2])) < 80


def test_refresh_cadence_of_bouncing_trades_leaves_the_volatility(
    calm: Lines, bouncing: Lines
) -> None:
    for every in (2, 12):
        gaps = cadence.volatility_gaps(bouncing[every], calm[every])
        assert max(gaps[len(gaps) // 2 :]) < 5


def test_refresh_cadence_naive_estimator_of_bouncing_trades_doubles(
    calm: Lines, bouncing: Lines
) -> None:
    assert bouncing[2].naive[-1] > 2 * calm[2].naive[-1]
    assert bouncing[2].naive[-1] > 1.5 * bouncing[12].naive[-1]
