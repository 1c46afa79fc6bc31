"""Terms of a Pyth feed."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.published.pyth import PythSource
from seawall.spec.feeds import PythPrice

ETH = bytes(31) + b"\x01"
UNKNOWN = bytes(31) + b"\x09"


def test_deploy_pyth_feed_stores_its_terms(deploy_feed: Any, pyth: PythSource) -> None:
    feed = deploy_feed(-3)
    assert feed.PYTH().lower() == pyth.address
    assert (bytes(feed.PRICE_ID()), feed.UNIT_EXPONENT()) == (ETH, -3)


@pytest.mark.parametrize("unit_exponent", [-19, 19, -(2**255), 2**255 - 1])
def test_deploy_pyth_feed_unit_exponent_out_of_range_reverts(
    deploy_refusal: Any, pyth: PythSource, unit_exponent: int
) -> None:
    refusal = deploy_refusal("PythFeed", pyth.address, ETH, unit_exponent)
    assert refusal == "feed: unit exponent"


@pytest.mark.parametrize("exponent", [-19, 19, -(2**31), 2**31 - 1])
def test_deploy_pyth_feed_exponent_of_the_price_out_of_range_reverts(
    deploy_refusal: Any, pyth: PythSource, set_price: Any, exponent: int
) -> None:
    set_price(PythPrice(1, 0, exponent, 1_000))
    assert deploy_refusal("PythFeed", pyth.address, ETH, 0) == "feed: exponent"


def test_deploy_pyth_feed_of_a_price_never_seen_reverts(
    deploy_refusal: Any, pyth: PythSource
) -> None:
    # The contract's own error carries no text.
    assert deploy_refusal("PythFeed", pyth.address, UNKNOWN, 0) == ""


def test_deploy_pyth_feed_on_an_address_without_code_reverts(
    deploy_refusal: Any, deployer: Any
) -> None:
    assert deploy_refusal("PythFeed", deployer, ETH, 0) == ""
