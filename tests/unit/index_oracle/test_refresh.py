"""refresh, prices and price_word with feeds that answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import ape
import pytest

from seawall.spec import oracle as spec
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, RATIO, TICK, WAD

ETH, BTC, GOLD_TOKEN = 7, 3, 130
ETH_PRICE = 3_000 * WAD
MAX_AGE = 3600
SEED = 20_210_519

Later = Callable[[int], int]


def test_refresh_three_fresh_feeds_stores_median(
    oracle: Any,
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    refresh: Any,
    fields: Any,
    later: Later,
) -> None:
    set_feeds(mock_feeds[:3], quorum=2)
    for feed, price in zip(mock_feeds, (3_010, 2_990, 3_900), strict=False):
        feed.set_price(price * WAD, sender=owner)
    now = later(30)
    refresh()
    assert fields() == {
        "price": 3_010 * WAD,
        "updated_at": mock_feeds[0].updated_at(),
        "ema_ratio": RATIO,
        # 20 of 3,010, the nearer of the other two.
        "half_width": 665,
        "refreshed_at": now,
        "volatility": 0,
        "sample_ratio": RATIO,
        "sample_age": 0,
        "flags": 0,
    }


def test_refresh_by_anyone_returns_words_in_order_of_id(
    oracle: Any, owner: Any, stranger: Any, set_feeds: Any, mock_feeds: Any, later: Later
) -> None:
    for place, market_id in enumerate((GOLD_TOKEN, BTC, ETH)):
        mock_feeds[place].set_price((place + 1) * WAD, sender=owner)
        set_feeds([mock_feeds[place]], market_id=market_id)
    bitmap = 1 << GOLD_TOKEN | 1 << BTC | 1 << ETH
    returned = oracle.refresh.call(bitmap, sender=stranger)
    assert [word >> 176 for word in returned] == [2 * WAD, 3 * WAD, 1 * WAD]
    later(5)
    oracle.refresh(bitmap, sender=stranger)
    assert [oracle.price_word(i) >> 176 for i in (BTC, ETH, GOLD_TOKEN)] == [
        2 * WAD,
        3 * WAD,
        1 * WAD,
    ]


def test_refresh_even_count_averages_the_middle_two_down_to_the_tick(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:2], quorum=2)
    mock_feeds[0].set_price(ETH_PRICE + TICK, sender=owner)
    mock_feeds[1].set_price(ETH_PRICE + 2 * TICK + 1, sender=owner)
    later(1)
    refresh()
    assert fields()["price"] == ETH_PRICE + TICK


def test_refresh_price_between_ticks_is_rounded_down(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    mock_feeds[0].set_price(ETH_PRICE + TICK - 1, sender=owner)
    later(1)
    refresh()
    assert fields()["price"] == ETH_PRICE


@pytest.mark.parametrize(
    "price, usable",
    [
        (0, False),
        (spec.MIN_PRICE - 1, False),
        (spec.MIN_PRICE, True),
        (spec.MAX_PRICE, True),
        (spec.MAX_PRICE + 1, False),
        (2**96, False),
        (2**256 - 1, False),
    ],
)
def test_refresh_price_at_the_bounds_is_usable_inside_them(
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    refresh: Any,
    fields: Any,
    later: Later,
    price: int,
    usable: bool,
) -> None:
    set_feeds(mock_feeds[:1])
    mock_feeds[0].set_price(price, sender=owner)
    later(1)
    refresh()
    assert fields()["price"] == (price if usable else 0)
    assert fields()["half_width"] == (0 if usable else MAX_HALF_WIDTH)


@pytest.mark.parametrize(
    "age, usable", [(0, True), (MAX_AGE, True), (MAX_AGE + 1, False), (-1, False)]
)
def test_refresh_data_at_an_age_is_usable_up_to_max_age(
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    refresh: Any,
    fields: Any,
    later: Later,
    age: int,
    usable: bool,
) -> None:
    set_feeds(mock_feeds[:1])
    now = later(10_000)
    mock_feeds[0].set_latest(ETH_PRICE, now + 20 - age, sender=owner)
    later(20)
    refresh()
    assert fields()["half_width"] == (0 if usable else MAX_HALF_WIDTH)


@pytest.mark.parametrize("updated_at", [0, 2**40, 2**256 - 1])
def test_refresh_absurd_time_of_data_is_not_usable(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, updated_at: int
) -> None:
    set_feeds(mock_feeds[:1])
    mock_feeds[0].set_latest(ETH_PRICE, updated_at, sender=owner)
    refresh()
    assert fields()["half_width"] == MAX_HALF_WIDTH


def test_refresh_without_quorum_keeps_last_price_and_its_time(
    set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:3], quorum=2)
    later(5)
    refresh()
    before = fields()
    now = later(MAX_AGE * 2)
    refresh()
    aged = {"sample_age": before["sample_age"] + now - before["refreshed_at"]}
    stale = {"half_width": MAX_HALF_WIDTH, "refreshed_at": now}
    assert fields() == {**before, **stale, **aged}
    assert before["price"] == ETH_PRICE


@pytest.mark.parametrize("apart", [1, 2, TICK, ETH_PRICE // 1_000, ETH_PRICE // 2])
def test_refresh_two_feeds_apart_are_as_unsure_as_half_their_distance(
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    refresh: Any,
    fields: Any,
    later: Later,
    apart: int,
) -> None:
    mock_feeds[1].set_price(ETH_PRICE + apart, sender=owner)
    set_feeds(mock_feeds[:2], quorum=2)
    later(1)
    refresh()
    price = ETH_PRICE + apart // 2
    price -= price % TICK
    assert fields()["price"] == price
    farther = max(price - ETH_PRICE, ETH_PRICE + apart - price)
    assert fields()["half_width"] == -(-farther * 10**5 // price) > 0


def test_refresh_with_quorum_again_is_usable_again(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    later(MAX_AGE * 2)
    refresh()
    assert fields()["half_width"] == MAX_HALF_WIDTH
    mock_feeds[0].set_price(ETH_PRICE // 2, sender=owner)
    later(1)
    refresh()
    assert (fields()["price"], fields()["half_width"]) == (ETH_PRICE // 2, 0)


def test_refresh_updated_at_is_the_older_middle_of_the_fresh_data(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:3], quorum=2)
    now = later(50_000)
    ages = (700, MAX_AGE + 500, 10)
    for feed, age in zip(mock_feeds, ages, strict=False):
        feed.set_latest(ETH_PRICE, now - age, sender=owner)
    later(5)
    refresh()
    assert fields()["updated_at"] == now - 700
    mock_feeds[1].set_latest(ETH_PRICE, now - 300, sender=owner)
    later(10)
    refresh()
    assert fields()["updated_at"] == now - 300


def test_refresh_twice_in_a_block_keeps_the_first_snapshot(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, oracle: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    later(12)
    refresh()
    snapshot = oracle.price_word(ETH)
    later(0)
    mock_feeds[0].set_price(ETH_PRICE * 2, sender=owner)
    later(0)
    receipt = refresh()
    assert receipt.events == []
    assert oracle.price_word(ETH) == snapshot
    later(1)
    refresh()
    assert oracle.price_word(ETH) >> 176 == ETH_PRICE * 2


def test_refresh_logs_change_of_price(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    later(1)
    (event,) = refresh().events
    assert event.event_name == "IndexUpdated"
    assert (event.id, event.price, event.half_width) == (ETH, ETH_PRICE, 0)
    assert event.updated_at == fields()["updated_at"]


def test_refresh_logs_loss_of_quorum_once(
    set_feeds: Any, mock_feeds: Any, refresh: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    later(1)
    refresh()
    later(MAX_AGE * 2)
    (event,) = refresh().events
    assert (event.price, event.half_width) == (ETH_PRICE, MAX_HALF_WIDTH)
    later(1)
    assert refresh().events == []


def test_refresh_unchanged_price_logs_nothing_but_moves_times(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    later(1)
    refresh()
    now = later(100)
    mock_feeds[0].set_price(ETH_PRICE, sender=owner)
    later(0)
    assert refresh().events == []
    assert (fields()["updated_at"], fields()["refreshed_at"]) == (now, now)


def test_refresh_never_priced_and_no_quorum_logs_nothing(
    set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    now = later(MAX_AGE * 2)
    assert refresh().events == []
    assert fields() == PRICE.unpack(PRICE.pack(half_width=MAX_HALF_WIDTH, refreshed_at=now))


def test_refresh_id_without_feeds_returns_unusable_word_and_writes_nothing(
    oracle: Any, refresh: Any, keeper: Any
) -> None:
    receipt = refresh(55)
    assert receipt.events == []
    assert oracle.refresh.call(1 << 55, sender=keeper) == [spec.NO_PRICE]
    assert oracle.price_word(55) == spec.NO_PRICE


def test_refresh_empty_bitmap_returns_nothing(oracle: Any, keeper: Any) -> None:
    assert oracle.refresh.call(0, sender=keeper) == []
    assert oracle.prices(0) == []


def test_refresh_24_ids_is_the_most(oracle: Any, keeper: Any) -> None:
    most = (1 << 24) - 1 << 40
    assert oracle.refresh.call(most, sender=keeper) == [spec.NO_PRICE] * 24
    with ape.reverts("oracle: too many ids"):
        oracle.refresh(most | 1 << 135, sender=keeper)
    with ape.reverts("oracle: too many ids"):
        oracle.prices(most | 1)


@pytest.mark.parametrize("bitmap", [1 << 136, 1 << 255, 2**256 - 1])
def test_refresh_unknown_id_reverts(oracle: Any, keeper: Any, bitmap: int) -> None:
    with ape.reverts("oracle: unknown id"):
        oracle.refresh(bitmap, sender=keeper)
    with ape.reverts("oracle: unknown id"):
        oracle.prices(bitmap)


def test_refresh_one_stale_id_leaves_the_others(
    owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, fields: Any, later: Later
) -> None:
    set_feeds(mock_feeds[:1], market_id=BTC)
    set_feeds(mock_feeds[1:2], market_id=ETH)
    later(MAX_AGE * 2)
    mock_feeds[1].set_price(ETH_PRICE, sender=owner)
    later(1)
    refresh(BTC, ETH)
    assert (fields(BTC)["half_width"], fields(ETH)["half_width"]) == (MAX_HALF_WIDTH, 0)


def test_prices_every_id_alone_finds_its_place(
    oracle: Any, owner: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, later: Later
) -> None:
    marked = {1: 11, 2: 12, 63: 13, 64: 14, 65: 15, 127: 16, 128: 17, 135: 18}
    for market_id, price in marked.items():
        mock_feeds[0].set_price(price * WAD, sender=owner)
        set_feeds(mock_feeds[:1], market_id=market_id)
        later(1)
        refresh(market_id)
    stored = {i: oracle.price_word(i) >> 176 for i in marked}
    assert stored == {i: price * WAD for i, price in marked.items()}
    for market_id in range(136):
        words = oracle.prices(1 << market_id)
        assert len(words) == 1
        assert (words[0] == spec.NO_PRICE) == (market_id not in marked)


def test_prices_random_bitmaps_keep_the_order(oracle: Any, set_feeds: Any, mock_feeds: Any) -> None:
    rng = random.Random(SEED)
    ids = rng.sample(range(1, 136), 5)
    for place, market_id in enumerate(ids):
        set_feeds([mock_feeds[place]], market_id=market_id)
        mock_feeds[place].set_price((place + 1) * WAD, sender=oracle.owner())
    for _ in range(20):
        drawn = rng.sample(range(136), rng.randint(1, 24))
        words = oracle.prices(sum(1 << i for i in drawn))
        prices = [(ids.index(i) + 1) * WAD if i in ids else 0 for i in sorted(drawn)]
        assert [word >> 176 for word in words] == prices


def test_prices_equal_what_refresh_stores_in_the_same_block(
    oracle: Any, set_feeds: Any, mock_feeds: Any, refresh: Any, mine_later: Later, later: Later
) -> None:
    set_feeds(mock_feeds[:3], quorum=2)
    set_feeds(mock_feeds[:1], market_id=BTC, max_age=1)
    mine_later(60)
    seen = oracle.prices(1 << ETH | 1 << BTC)
    later(0)
    refresh(ETH, BTC)
    assert seen == [oracle.price_word(BTC), oracle.price_word(ETH)]


def test_prices_writes_nothing(
    oracle: Any, set_feeds: Any, mock_feeds: Any, mine_later: Later
) -> None:
    set_feeds(mock_feeds[:1])
    mine_later(5)
    assert oracle.prices(1 << ETH)[0] >> 176 == ETH_PRICE
    assert oracle.price_word(ETH) == spec.NO_PRICE


def test_price_word_before_the_first_refresh_is_not_usable(oracle: Any) -> None:
    assert PRICE.unpack(oracle.price_word(ETH))["half_width"] == MAX_HALF_WIDTH


def test_price_word_unknown_id_reverts(oracle: Any) -> None:
    with ape.reverts("oracle: unknown id"):
        oracle.price_word(136)
