"""2020-03-11 to 14: five venues of BTC at the same hours."""

from __future__ import annotations

import pytest

from seawall.replay.drive import middle
from seawall.replay.venues import FAULTS, NONE, SETS, SPOT, WIDEST, Run, Venues

NUMBERS = sorted(SETS)


def greatest(venues: Venues, runs: list[Run]) -> float:
    """Largest error of some runs, basis points."""
    return max(abs(error) for run in runs for error in venues.errors(run))


def test_errors_march_2020_venues_parted_by_hundreds_of_basis_points(march: Venues) -> None:
    worst = {name: max(map(abs, errors)) for name, errors in march.venue_errors().items()}
    assert len(march.runs[3, NONE][0].steps) == 96
    assert sorted(round(worst[name]) for name in SPOT) == [132, 194, 379, 413]


@pytest.mark.parametrize("number", NUMBERS)
def test_errors_march_2020_sound_feeds_are_within_a_hundred_basis_points(
    march: Venues, number: int
) -> None:
    runs = march.runs[number, NONE]
    assert greatest(march, runs) < 95
    assert march.cell(runs).mean < 6


def test_errors_march_2020_four_feeds_are_the_median_itself(march: Venues) -> None:
    # A price is floored to the tick, 10**-12 of a unit of money.
    assert greatest(march, march.runs[4, NONE]) < 10**-6


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", NUMBERS)
def test_errors_march_2020_one_faulty_feed_is_never_worse_than_the_sound_ones(
    march: Venues, number: int, fault: str
) -> None:
    for run in march.runs[number, fault]:
        names = SETS[number]
        for step in run.steps:
            sound = [march.answers[name](step.now).price for name in names if name != run.faulty]
            assert min(sound) <= step.price.price + 10**6
            assert step.price.price <= max(sound)


@pytest.mark.parametrize("fault", FAULTS)
def test_errors_march_2020_fourth_feed_lowers_the_error_of_a_fault(
    march: Venues, fault: str
) -> None:
    three, four = (march.cell(march.runs[number, fault]) for number in (3, 4))
    assert four.mean < three.mean


@pytest.mark.parametrize("number", NUMBERS)
def test_refresh_march_2020_broken_feed_index_is_of_the_others(march: Venues, number: int) -> None:
    for run in march.runs[number, "broken"]:
        for step in run.steps:
            assert sum(one.price == 0 for one in step.readings) == 1
            sound = sorted(one.price for one in step.readings if one.price)
            if len(sound) == 2:
                assert abs(step.price.price - middle(step.readings)) < 10**6


@pytest.mark.parametrize("number", NUMBERS)
def test_refresh_march_2020_late_feed_that_says_so_is_never_less_doubted(
    march: Venues, number: int
) -> None:
    honest = march.runs[number, "an hour late"]
    posing = march.runs[number, "an hour late, stamped now"]
    wider = 0
    for said, claimed in zip(honest, posing, strict=True):
        for one, two in zip(said.steps, claimed.steps, strict=True):
            assert one.price.half_width >= two.price.half_width
            wider += one.price.half_width > two.price.half_width
    assert wider > 0


def test_refresh_march_2020_sound_feeds_are_usable_at_every_hour(march: Venues) -> None:
    for number in NUMBERS:
        (run,) = march.runs[number, NONE]
        assert max(step.price.half_width for step in run.steps) <= WIDEST
