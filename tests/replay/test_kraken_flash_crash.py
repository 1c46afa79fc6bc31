"""2017-05-07: ETH at a third of its price on Kraken alone, for an hour."""

from __future__ import annotations

import pytest

from seawall.replay.accounts import WIDEST, model, plan
from seawall.replay.drive import middle
from seawall.replay.flash import LEVERAGES, Night, crowd, deviation, liquidatable
from seawall.spec.words import MAX_HALF_WIDTH, WAD

ALONE = "Kraken alone"
PAIR = "Kraken and Coinbase"
THREE = "Kraken, Coinbase, Coinbase an hour late"
LATER = "three venues of 2021, Kraken crashing"
Nights = dict[str, Night]


def test_refresh_kraken_alone_takes_the_crash_for_true(kraken: Nights) -> None:
    night = kraken[ALONE]
    assert night.steps[night.start].price.price > 88 * WAD
    assert night.after[0].price.price == 30 * WAD
    assert night.after[0].price.half_width == 0


def test_plan_kraken_alone_liquidates_every_long(kraken: Nights) -> None:
    assert liquidatable(kraken[ALONE])[0] == len(LEVERAGES)


def test_plan_kraken_alone_leaves_a_tenfold_long_bankrupt(kraken: Nights) -> None:
    night = kraken[ALONE]
    tenfold = crowd(night.steps[night.start].price.price)[LEVERAGES.index(10)]
    found = plan(model(), tenfold, night.after[0].price, night.after[0].now)
    assert found.favourable_equity < -50_000 * WAD


@pytest.mark.parametrize("case", [PAIR, THREE, LATER])
def test_plan_kraken_beside_others_liquidates_nobody(kraken: Nights, case: str) -> None:
    assert liquidatable(kraken[case]) == [0, 0, 0]


@pytest.mark.parametrize("case", [THREE, LATER])
def test_refresh_kraken_one_of_three_moves_the_index_by_no_more_than_the_others_do(
    kraken: Nights, case: str
) -> None:
    night = kraken[case]
    for step in night.after:
        others = sorted(one.price for one in step.readings[1:])
        assert others[0] <= step.price.price <= others[1]


@pytest.mark.parametrize("case", [THREE, LATER])
def test_refresh_kraken_in_the_crash_index_is_the_lower_of_the_others(
    kraken: Nights, case: str
) -> None:
    night = kraken[case]
    crash = night.after[0]
    # The crash is in the data: a third of the price of the others.
    assert crash.readings[0].price * 100 < middle(crash.readings[1:]) * 36
    tick = crash.price.price % 10**6
    assert crash.price.price == min(one.price for one in crash.readings[1:]) - tick
    assert crash.price.half_width < WIDEST


def test_refresh_kraken_one_of_three_worst_deviation_is_seven_basis_points(kraken: Nights) -> None:
    night = kraken[LATER]
    assert max(abs(deviation(night, step)) for step in night.after) < 7


def test_refresh_kraken_one_of_two_confirms_nothing(kraken: Nights) -> None:
    night = kraken[PAIR]
    crash = night.after[0]
    assert crash.price.price == night.steps[night.start].price.price
    assert crash.price.half_width == MAX_HALF_WIDTH
