"""The Pyth contract's own rules that the adapter relies on: publish times only rise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.published.artifacts import PublishedError
from seawall.published.pyth import UPDATE_FEE, PythSource
from seawall.rpc import Rpc
from seawall.spec.feeds import PythPrice
from seawall.spec.oracle import Reading
from seawall.spec.words import WAD

ETH = bytes(31) + b"\x01"
BTC = bytes(31) + b"\x02"

Read = Callable[[Any], Reading]
Stored = Callable[[], PythPrice]


def test_update_published_later_is_the_price(
    pyth: PythSource, deploy_feed: Any, read: Read, node: Rpc
) -> None:
    feed = deploy_feed(0)
    now = node.timestamp()
    pyth.update(ETH, 2_000 * 10**8, 10**8, -8, now)
    assert read(feed) == Reading(2_000 * WAD, now, 50)


@pytest.mark.parametrize("age", [0, 1, 500])
def test_update_published_no_later_changes_nothing(
    pyth: PythSource, deploy_feed: Any, read: Read, stored_price: Stored, node: Rpc, age: int
) -> None:
    feed = deploy_feed(0)
    now = node.timestamp()
    pyth.update(ETH, 2_000 * 10**8, 0, -8, now)
    before, answered = stored_price(), read(feed)
    pyth.update(ETH, 1_000 * 10**8, 0, -8, now - age)
    assert (stored_price(), read(feed)) == (before, answered)


def test_update_of_another_price_changes_nothing(
    pyth: PythSource, deploy_feed: Any, read: Read, node: Rpc
) -> None:
    feed = deploy_feed(0)
    before = read(feed)
    pyth.update(BTC, 60_000 * 10**8, 0, -8, node.timestamp())
    assert read(feed) == before


def test_update_without_its_fee_is_refused(pyth: PythSource, node: Rpc) -> None:
    with pytest.raises(PublishedError, match="updatePriceFeeds"):
        pyth.update(ETH, 1, 0, -8, node.timestamp(), fee=UPDATE_FEE - 1)


def test_update_may_change_the_exponent(
    pyth: PythSource, deploy_feed: Any, read: Read, node: Rpc
) -> None:
    feed = deploy_feed(0)
    now = node.timestamp()
    pyth.update(ETH, 2_000 * 10**5, 10**5, -5, now)
    assert read(feed) == Reading(2_000 * WAD, now, 50)
