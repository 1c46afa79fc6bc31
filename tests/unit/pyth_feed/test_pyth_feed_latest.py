"""latest: what a price of Pyth's becomes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import ape
import pytest

from seawall.published.pyth import PythSource
from seawall.rpc import Rpc, succeeded
from seawall.spec.feeds import PythPrice, pyth_latest
from seawall.spec.oracle import NO_READING, Reading
from seawall.spec.words import WAD

SEED = 21
ETH = bytes(31) + b"\x01"
MAX_INT64 = 2**63 - 1
MAX_UINT64 = 2**64 - 1
#: Of a transaction's base and the four bytes of a call without arguments.
CALL_GAS = 21_064

Read = Callable[[Any], Reading]
SetPrice = Callable[[PythPrice], None]


@pytest.fixture
def now(node: Rpc) -> int:
    """Time that calls see."""
    return node.timestamp()


@pytest.fixture(scope="session")
def feed(project: Any, accounts: Any, pyth: PythSource) -> Any:
    """The feed of ETH, one token a unit."""
    return accounts[0].deploy(project.PythFeed, pyth.address, ETH, 0)


@pytest.mark.parametrize("exponent", range(-18, 19))
def test_latest_pyth_any_exponent_is_exact(
    feed: Any, set_price: SetPrice, read: Read, now: int, exponent: int
) -> None:
    for price in (1, 1_234, MAX_INT64):
        set_price(PythPrice(price, 0, exponent, now))
        assert read(feed) == Reading(price * 10 ** (18 + exponent), now, 0)


@pytest.mark.parametrize(
    "unit_exponent, exponent, price, expected",
    [
        # One unit of 1,000,000 tokens at 0.00002 each.
        (6, -8, 2_000, 20 * WAD),
        # One unit of a thousandth of a token at 60,000.
        (-3, -8, 60_000 * 10**8, 60 * WAD),
        (-18, -8, 10**8, 1),
        # Rounded down.
        (-18, -8, 2 * 10**8 - 1, 1),
        # Below one wei: no price.
        (-18, -8, 10**8 - 1, 0),
        (-18, -18, MAX_INT64, 9),
        (18, 18, MAX_INT64, MAX_INT64 * 10**54),
    ],
)
def test_latest_pyth_unit_exponent_scales_the_price(
    deploy_feed: Any,
    set_price: SetPrice,
    read: Read,
    unit_exponent: int,
    exponent: int,
    price: int,
    expected: int,
) -> None:
    feed = deploy_feed(unit_exponent)
    set_price(PythPrice(price, 0, exponent, 1_000))
    assert read(feed) == (Reading(expected, 1_000, 0) if expected else NO_READING)


@pytest.mark.parametrize("exponent", [-19, 19, -(2**31), 2**31 - 1])
def test_latest_pyth_exponent_out_of_range_is_no_price(
    feed: Any, set_price: SetPrice, read: Read, now: int, exponent: int
) -> None:
    set_price(PythPrice(10**8, 0, exponent, now))
    assert read(feed) == NO_READING


@pytest.mark.parametrize("price", [0, -1, -(2**63)])
def test_latest_pyth_price_not_positive_is_no_price(
    feed: Any, set_price: SetPrice, read: Read, now: int, price: int
) -> None:
    set_price(PythPrice(price, 0, -8, now))
    assert read(feed) == NO_READING


@pytest.mark.parametrize(
    "confidence, price, half_width",
    [
        (0, 10**11, 0),
        # Rounded up: any doubt is one unit at least.
        (1, 10**11, 1),
        (10**6, 10**11, 1),
        (10**6 + 1, 10**11, 2),
        (65_534 * 10**6, 10**11, 65_534),
        (1, 1, None),
        (65_534 * 10**6 + 1, 10**11, None),
        (MAX_UINT64, MAX_INT64, None),
        (MAX_UINT64, 1, None),
    ],
)
def test_latest_pyth_confidence_is_the_half_width(
    feed: Any,
    set_price: SetPrice,
    read: Read,
    now: int,
    confidence: int,
    price: int,
    half_width: int | None,
) -> None:
    set_price(PythPrice(price, confidence, -8, now))
    expected = NO_READING if half_width is None else Reading(price * 10**10, now, half_width)
    assert read(feed) == expected


@pytest.mark.parametrize(
    "offset, valid", [(0, True), (-1, True), (-999, True), (1, False), (2**200, False)]
)
def test_latest_pyth_publish_time_in_the_future_is_no_price(
    feed: Any, set_price: SetPrice, read: Read, now: int, offset: int, valid: bool
) -> None:
    set_price(PythPrice(10**8, 0, -8, now + offset))
    assert read(feed) == (Reading(WAD, now + offset, 0) if valid else NO_READING)


def test_latest_pyth_publish_time_zero_is_no_price(
    feed: Any, set_price: SetPrice, read: Read
) -> None:
    set_price(PythPrice(10**8, 0, -8, 0))
    assert read(feed) == NO_READING


@pytest.fixture
def odd_pyth(project: Any, deployer: Any) -> Any:
    """In the place of a Pyth contract; its first answer is a price."""
    source = deployer.deploy(project.OddSource)
    words = (10**8, 0, 0, 1_000)
    source.answer_with(b"".join(word.to_bytes(32, "big") for word in words), sender=deployer)
    return source


@pytest.mark.parametrize("answer", [b"", 127 * b"\x00", 128 * b"\xff"])
def test_latest_pyth_malformed_answer_reverts(
    project: Any, deployer: Any, odd_pyth: Any, answer: bytes
) -> None:
    feed = deployer.deploy(project.PythFeed, odd_pyth, ETH, 0)
    odd_pyth.answer_with(answer, sender=deployer)
    with ape.reverts():
        feed.latest()


def test_latest_pyth_failing_contract_reverts(project: Any, deployer: Any, odd_pyth: Any) -> None:
    feed = deployer.deploy(project.PythFeed, odd_pyth, ETH, 0)
    odd_pyth.fail_with(b"", sender=deployer)
    with ape.reverts():
        feed.latest()


@pytest.mark.parametrize("unit_exponent", [0, 3, -18, 18])
def test_latest_pyth_random_prices_match_specification(
    deploy_feed: Any,
    set_price: SetPrice,
    stored_price: Callable[[], PythPrice],
    read: Read,
    node: Rpc,
    unit_exponent: int,
) -> None:
    feed = deploy_feed(unit_exponent)
    now = node.timestamp()
    rng = random.Random(SEED + unit_exponent)
    priced = 0
    for _ in range(400):
        drawn = draw_price(rng, now)
        set_price(drawn)
        assert stored_price() == drawn
        expected = pyth_latest(unit_exponent, drawn, now)
        assert read(feed) == expected
        priced += expected != NO_READING
    # Both outcomes must be drawn, or the comparison says little.
    assert 100 < priced < 380


def draw_price(rng: random.Random, now: int) -> PythPrice:
    """A price with a fair share of bad fields."""
    price = rng.randrange(1, 2 ** rng.choice([10, 30, 45, 63]))
    if rng.random() < 0.08:
        price = -price
    widest = MAX_UINT64 if rng.random() < 0.08 else max(price // rng.choice([2, 100, 10**4]), 1)
    exponent = rng.randint(-18, 18) if rng.random() < 0.9 else rng.randrange(-(2**31), 2**31)
    publish_time = now - rng.choice([0, 1, 3_600, 10**6])
    if rng.random() < 0.08:
        publish_time = rng.choice([0, now + 1, MAX_UINT64])
    return PythPrice(price, rng.randint(0, widest), exponent, publish_time)


def test_latest_pyth_cold_costs_at_most_17000(feed: Any, deployer: Any, node: Rpc) -> None:
    """Of which 13,100 are the contract's: its address and the five slots of a price."""
    data = bytes(feed.latest.encode_input())
    receipt = node.send(str(deployer.address), str(feed.address), data)
    assert succeeded(receipt)
    used = int(receipt["gasUsed"], 16) - CALL_GAS
    assert used <= 17_000, used
