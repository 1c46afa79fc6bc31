"""The steepest hour of 2021-05-19 as one step, after silence of a second to a week."""

from __future__ import annotations

from math import log

import pytest

from seawall.replay.gap import CADENCE, NEAR, SILENCES, Gap, heir
from seawall.spec.words import RATIO, WAD

Gaps = dict[str, Gap]


@pytest.mark.parametrize("silence", SILENCES)
def test_refresh_gap_average_stands_where_the_price_stood(gaps: Gaps, silence: str) -> None:
    gap = gaps[silence]
    step = gap.after[0]
    assert step.now - gap.before.now == SILENCES[silence]
    assert step.price.price * 100 < gap.before.price.price * 71
    # Rounded to 10**-7 of the new price.
    assert abs(step.average - gap.before.price.price) * RATIO <= step.price.price


@pytest.mark.parametrize("silence", SILENCES)
def test_refresh_gap_average_arrives_by_its_own_time_alone(gaps: Gaps, silence: str) -> None:
    gap = gaps[silence]
    apart = gap.after[0].price.ema_ratio - RATIO
    expected = 1_800 * log(apart / NEAR)
    assert expected <= gap.arrival < expected + CADENCE + 1


@pytest.mark.parametrize("silence", SILENCES)
def test_refresh_gap_same_average_after_any_silence(gaps: Gaps, silence: str) -> None:
    ratios = [step.price.ema_ratio for step in gaps[silence].after]
    assert ratios == [step.price.ema_ratio for step in gaps["1 s"].after]


@pytest.mark.parametrize("silence", SILENCES)
def test_assess_gap_winner_has_no_margin_to_take_out(gaps: Gaps, silence: str) -> None:
    free, profit = heir(gaps[silence])
    assert profit > 29_000 * WAD
    assert free < WAD


def test_refresh_gap_volatility_falls_with_the_time_that_the_move_took(gaps: Gaps) -> None:
    found = [gaps[silence].after[0].price.volatility for silence in ("1 h", "1 day")]
    assert found[0] > found[1]


def test_refresh_gap_within_five_minutes_of_a_sample_is_sampled_later(gaps: Gaps) -> None:
    gap = gaps["1 s"]
    assert gap.after[0].price.volatility == gap.before.price.volatility
    later = gap.after[300 // CADENCE]
    assert later.price.volatility > 10 * gap.before.price.volatility
