"""What a refresh costs, in execution gas of its transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.spec.oracle import FIRST_COLLATERAL, SETTLEMENT_ID
from seawall.spec.words import WAD

ETH, TOKEN = 7, FIRST_COLLATERAL
COLD_READ = 2_100
BASE_GAS = 21_000
CACHED_LIMIT = 5_000
#: Three cold feeds, each an adapter, an aggregator of five slots and the feed's own word: 17,800
#: for the accesses alone; the word itself, its event, the sequencer's slot, 600 of computation a
#: feed, and 7,000 for median, half-width, average and volatility.
THREE_FEEDS_LIMIT = 82_000

Later = Callable[[int], int]


@pytest.fixture(scope="module")
def chainlink_feeds(project: Any, owner: Any) -> list[Any]:
    aggregators = [owner.deploy(project.MockAggregator, 8, 3_000 * 10**8) for _ in range(3)]
    return [owner.deploy(project.ChainlinkFeed, a, 0, 0, 0) for a in aggregators]


def execution_gas(receipt: Any) -> int:
    """Gas of a transaction without its base and calldata."""
    data = bytes(receipt.transaction.data)
    return int(receipt.gas_used) - BASE_GAS - sum(16 if byte else 4 for byte in data)


def test_refresh_cached_in_the_same_block_costs_one_read(
    set_feeds: Any, chainlink_feeds: Any, refresh: Any, later: Later
) -> None:
    set_feeds(chainlink_feeds, quorum=2)
    later(1)
    refresh()
    later(0)
    used = execution_gas(refresh())
    assert used <= CACHED_LIMIT, used


def test_refresh_24_cached_ids_cost_at_most_3300_each(
    set_feeds: Any, mock_feeds: Any, refresh: Any, later: Later
) -> None:
    ids = range(112, 136)
    for market_id in ids:
        set_feeds(mock_feeds[:1], market_id=market_id)
    later(1)
    refresh(*ids)
    later(0)
    used = execution_gas(refresh(*ids))
    assert used <= 24 * 3_300, used


def cached(refresh: Any, later: Later, *ids: int) -> int:
    """Execution gas of a refresh of what the block has refreshed already."""
    later(1)
    refresh(*ids)
    later(0)
    return execution_gas(refresh(*ids))


def test_refresh_cached_token_of_a_settlement_token_without_feeds_costs_one_read_more(
    set_feeds: Any, mock_feeds: Any, refresh: Any, later: Later
) -> None:
    for one in (ETH, TOKEN):
        set_feeds(mock_feeds[:1], market_id=one)
    more = cached(refresh, later, TOKEN) - cached(refresh, later, ETH)
    assert COLD_READ < more <= COLD_READ + 350, more


@pytest.mark.parametrize("price, most", [(WAD, COLD_READ), (WAD + 10**6, 2 * COLD_READ + 400)])
def test_refresh_cached_tokens_in_settlement_tokens_cost_a_read_and_550_each_more(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, later: Later, price: int, most: int
) -> None:
    """Above par the ramp's start is read too."""
    tokens = range(TOKEN, TOKEN + 8)
    for one in (*tokens, *range(ETH, ETH + 8)):
        set_feeds(mock_feeds[:1], market_id=one)
    mock_feeds[1].set_price(price, sender=owner)
    set_feeds(mock_feeds[1:2], market_id=SETTLEMENT_ID)
    more = cached(refresh, later, *tokens) - cached(refresh, later, *range(ETH, ETH + 8))
    assert COLD_READ < more <= most + 8 * 550, more


def test_refresh_three_cold_feeds_stays_in_its_budget(
    set_feeds: Any, chainlink_feeds: Any, refresh: Any, later: Later
) -> None:
    set_feeds(chainlink_feeds, quorum=2)
    later(1)
    refresh()
    later(1)
    used = execution_gas(refresh())
    assert used <= THREE_FEEDS_LIMIT, used
