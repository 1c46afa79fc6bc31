"""A price that is fixed for good: at the index, or at the average of one that is silent."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from seawall.spec.index_modes import MAX_FIXED_WIDTH
from seawall.spec.words import FIXED, MAX_HALF_WIDTH, RATIO, WAD

ETH = 7
ETH_PRICE = 3_000 * WAD


@pytest.fixture(autouse=True)
def fed(set_feeds: Any, oracle: Any, owner: Any, mock_feeds: Any, keeper: Any) -> None:
    """ETH on one feed of now; the keeper is guardian and delister."""
    set_feeds([mock_feeds[0]])
    oracle.set_roles(keeper, keeper, sender=owner)
    mock_feeds[0].set_half_width(0, sender=owner)
    mock_feeds[0].set_price(ETH_PRICE, sender=owner)


def test_fix_price_at_the_index_is_logged_in_the_word(
    oracle: Any, keeper: Any, fields: Any
) -> None:
    oracle.fix_price(ETH, False, sender=keeper)
    word = fields()
    assert (word["price"], word["half_width"], word["flags"]) == (ETH_PRICE, 0, FIXED)


def test_fix_price_stands_whatever_its_feeds_say(
    oracle: Any, keeper: Any, owner: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Any
) -> None:
    oracle.fix_price(ETH, False, sender=keeper)
    mock_feeds[0].set_failing(True, sender=owner)
    time = later(90 * 86_400)
    refresh(ETH)
    word = fields()
    assert (word["price"], word["half_width"], word["refreshed_at"]) == (ETH_PRICE, 0, time)
    assert word["flags"] == FIXED


@pytest.mark.parametrize("width, passes", ((MAX_FIXED_WIDTH, True), (MAX_FIXED_WIDTH + 1, False)))
def test_fix_price_wants_a_sure_index(
    oracle: Any, keeper: Any, owner: Any, mock_feeds: Any, width: int, passes: bool
) -> None:
    mock_feeds[0].set_half_width(width, sender=owner)
    if passes:
        assert not oracle.fix_price(ETH, False, sender=keeper).failed
    else:
        with ape.reverts("oracle: no sure price"):
            oracle.fix_price(ETH, False, sender=keeper)


def test_fix_price_in_grace_reverts(oracle: Any, keeper: Any, owner: Any, mock_feeds: Any) -> None:
    oracle.halt(ETH, sender=keeper)
    oracle.lift_halt(ETH, sender=keeper)
    mock_feeds[0].set_price(ETH_PRICE, sender=owner)
    with ape.reverts("oracle: no sure price"):
        oracle.fix_price(ETH, False, sender=keeper)


def test_fix_price_at_the_average_of_a_usable_index_reverts(oracle: Any, keeper: Any) -> None:
    with ape.reverts("oracle: still usable"):
        oracle.fix_price(ETH, True, sender=keeper)


def test_fix_price_of_a_silent_index_takes_its_average(
    oracle: Any, keeper: Any, owner: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Any
) -> None:
    refresh(ETH)
    later(60)
    mock_feeds[0].set_price(2 * ETH_PRICE, sender=owner)
    refresh(ETH)
    mock_feeds[0].set_failing(True, sender=owner)
    later(60)
    refresh(ETH)
    silent = fields()
    assert silent["half_width"] == MAX_HALF_WIDTH
    assert silent["price"] == 2 * ETH_PRICE
    oracle.fix_price(ETH, True, sender=keeper)
    word = fields()
    assert ETH_PRICE < word["price"] < 2 * ETH_PRICE
    assert (word["ema_ratio"], word["half_width"], word["flags"]) == (RATIO, 0, FIXED)


def test_fix_price_that_never_was_reverts(
    oracle: Any, keeper: Any, owner: Any, mock_feeds: Any
) -> None:
    mock_feeds[0].set_failing(True, sender=owner)
    with ape.reverts("oracle: no sure price"):
        oracle.fix_price(ETH, True, sender=keeper)


def test_fix_price_twice_reverts(oracle: Any, keeper: Any) -> None:
    oracle.fix_price(ETH, False, sender=keeper)
    with ape.reverts("oracle: price fixed"):
        oracle.fix_price(ETH, False, sender=keeper)


def test_halt_of_a_fixed_price_reverts(oracle: Any, keeper: Any) -> None:
    oracle.fix_price(ETH, False, sender=keeper)
    with ape.reverts("oracle: price fixed"):
        oracle.halt(ETH, sender=keeper)


def test_set_feeds_of_a_fixed_price_reverts(
    oracle: Any, keeper: Any, set_feeds: Any, mock_feeds: Any
) -> None:
    oracle.fix_price(ETH, False, sender=keeper)
    with ape.reverts("oracle: price fixed"):
        set_feeds([mock_feeds[1]])


def test_release_exits_takes_the_flag_and_leaves_the_price(
    oracle: Any, keeper: Any, fields: Any, refresh: Any, later: Any
) -> None:
    oracle.fix_price(ETH, False, sender=keeper)
    oracle.release_exits(ETH, sender=keeper)
    later(86_400)
    refresh(ETH)
    word = fields()
    assert (word["price"], word["half_width"], word["flags"]) == (ETH_PRICE, 0, 0)


def test_fix_price_of_no_market_reverts(oracle: Any, keeper: Any) -> None:
    with ape.reverts("oracle: no market"):
        oracle.fix_price(128, False, sender=keeper)
