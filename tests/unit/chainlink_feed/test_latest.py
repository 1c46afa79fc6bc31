"""latest: what an aggregator's round becomes."""

from __future__ import annotations

import random
from typing import Any

import ape
import pytest

from seawall.spec.oracle import NO_READING, Round, Source, latest
from seawall.spec.words import WAD

SEED = 8
MAX_INT256 = 2**255 - 1
MIN_INT256 = -(2**255)
MAX_UINT80 = 2**80 - 1
NONE = (0, 0, 0)


def answered(answer: int, updated_at: int) -> Round:
    """A complete round."""
    return Round(9, answer, updated_at, updated_at, 9)


@pytest.mark.parametrize("decimals", range(19))
def test_latest_any_decimals_give_wad(
    deploy_feed: Any, set_round: Any, now: int, decimals: int
) -> None:
    feed = deploy_feed(Source(decimals))
    set_round(answered(1_234 * 10**decimals, now))
    assert feed.latest() == (1_234 * WAD, now, 0)
    set_round(answered(1, now))
    assert feed.latest() == (10 ** (18 - decimals), now, 0)


@pytest.mark.parametrize(
    "unit_exponent, answer, price",
    [
        # One unit of 1,000,000 tokens at 0.00002 each.
        (6, 2_000, 20 * WAD),
        # One unit of a thousandth of a token at 60,000.
        (-3, 60_000 * 10**8, 60 * WAD),
        (-18, 10**8, 1),
        # Below one wei: no price.
        (-18, 10**8 - 1, 0),
        (18, 1, 10**28),
    ],
)
def test_latest_unit_exponent_scales_the_price(
    deploy_feed: Any, set_round: Any, now: int, unit_exponent: int, answer: int, price: int
) -> None:
    feed = deploy_feed(Source(8, unit_exponent))
    set_round(answered(answer, now))
    assert feed.latest() == ((price, now, 0) if price else NONE)


@pytest.mark.parametrize("answer", [0, -1, MIN_INT256, MIN_INT256 + 1])
def test_latest_answer_not_positive_is_no_price(
    deploy_feed: Any, set_round: Any, now: int, answer: int
) -> None:
    feed = deploy_feed(Source(8))
    set_round(answered(answer, now))
    assert feed.latest() == NONE


@pytest.mark.parametrize(
    "answer, valid",
    [(99, False), (100, False), (101, True), (899, True), (900, False), (901, False)],
)
def test_latest_answer_at_floor_or_ceiling_is_no_price(
    deploy_feed: Any, set_round: Any, now: int, answer: int, valid: bool
) -> None:
    feed = deploy_feed(Source(8, min_answer=100, max_answer=900))
    set_round(answered(answer, now))
    assert feed.latest() == ((answer * 10**10, now, 0) if valid else NONE)


def test_latest_without_bounds_takes_any_positive_answer(
    deploy_feed: Any, set_round: Any, now: int
) -> None:
    feed = deploy_feed(Source(18))
    for answer in (1, MAX_INT256):
        set_round(answered(answer, now))
        assert feed.latest() == (answer, now, 0)


def test_latest_price_above_a_word_is_no_price(deploy_feed: Any, set_round: Any, now: int) -> None:
    feed = deploy_feed(Source(0))
    most = (2**256 - 1) // 10**18
    set_round(answered(most, now))
    assert feed.latest() == (most * 10**18, now, 0)
    for answer in (most + 1, MAX_INT256):
        set_round(answered(answer, now))
        assert feed.latest() == NONE


def test_latest_price_of_the_widest_scale_does_not_revert(
    deploy_feed: Any, set_round: Any, now: int
) -> None:
    feed = deploy_feed(Source(0, unit_exponent=18))
    set_round(answered(MAX_INT256, now))
    assert feed.latest() == NONE


@pytest.mark.parametrize(
    "offset, valid", [(0, True), (-1, True), (-999, True), (1, False), (2**200, False)]
)
def test_latest_time_of_data_in_the_future_is_no_price(
    deploy_feed: Any, set_round: Any, chain: Any, offset: int, valid: bool
) -> None:
    feed = deploy_feed(Source(8))
    head = int(chain.blocks.head.timestamp)
    set_round(answered(10**8, head + offset))
    assert feed.latest() == ((WAD, head + offset, 0) if valid else NONE)


def test_latest_time_of_data_zero_is_no_price(deploy_feed: Any, set_round: Any) -> None:
    feed = deploy_feed(Source(8))
    set_round(Round(9, 10**8, 0, 0, 9))
    assert feed.latest() == NONE


@pytest.mark.parametrize(
    "round_id, answered_in_round, valid",
    [(9, 9, True), (9, 10, True), (9, 8, False), (MAX_UINT80, MAX_UINT80, True), (1, 0, False)],
)
def test_latest_answer_of_an_earlier_round_is_no_price(
    deploy_feed: Any,
    set_round: Any,
    now: int,
    round_id: int,
    answered_in_round: int,
    valid: bool,
) -> None:
    feed = deploy_feed(Source(8))
    set_round(Round(round_id, 10**8, now, now, answered_in_round))
    assert feed.latest() == ((WAD, now, 0) if valid else NONE)


def test_latest_failing_aggregator_reverts(project: Any, deployer: Any) -> None:
    odd_source = deployer.deploy(project.OddSource)
    feed = deployer.deploy(project.ChainlinkFeed, odd_source, 0, 0, 0)
    odd_source.fail_with(b"", sender=deployer)
    with ape.reverts():
        feed.latest()


@pytest.mark.parametrize("answer", [b"", 159 * b"\x00", 160 * b"\xff"])
def test_latest_malformed_round_reverts(project: Any, deployer: Any, answer: bytes) -> None:
    odd_source = deployer.deploy(project.OddSource)
    feed = deployer.deploy(project.ChainlinkFeed, odd_source, 0, 0, 0)
    odd_source.answer_with(answer, sender=deployer)
    with ape.reverts():
        feed.latest()


@pytest.mark.parametrize(
    "source",
    [
        Source(8, 0, 10**6, 10**14),
        Source(18, -18, 0, 10**30),
        Source(0, 18, 3, 0),
        Source(6, 3, 0, 0),
    ],
)
def test_latest_random_rounds_match_specification(
    deploy_feed: Any, set_round: Any, chain: Any, source: Source
) -> None:
    feed = deploy_feed(source)
    head = int(chain.blocks.head.timestamp)
    rng = random.Random(SEED)
    priced = 0
    for _ in range(80):
        drawn = draw_round(rng, head)
        set_round(drawn)
        expected = latest(source, drawn, head)
        assert feed.latest() == (expected.price, expected.updated_at, 0)
        priced += expected != NO_READING
    # Both outcomes must be drawn, or the comparison says little.
    assert 5 < priced < 75


def draw_round(rng: random.Random, now: int) -> Round:
    """A round with a fair share of bad fields."""
    answer = rng.randrange(1, 2 ** rng.choice([10, 30, 45, 100, 255]))
    if rng.random() < 0.1:
        answer = -answer
    round_id = rng.randrange(1, 2**80)
    answered_in_round = round_id if rng.random() < 0.8 else rng.randrange(2**80)
    updated_at = now - rng.choice([0, 1, 3_600, 10**6, -1, now])
    return Round(round_id, answer, updated_at, updated_at, answered_in_round)
