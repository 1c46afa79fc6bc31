"""The settlement token's own feeds, and what they make of collateral."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from seawall.spec import oracle as spec
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import MAX_HALF_WIDTH, PRICE, WAD

USDC, ETH, GOLD_TOKEN, WETH_TOKEN = spec.SETTLEMENT_ID, 7, 128, 135
GOLD_PRICE, WETH_PRICE, ETH_PRICE = 2_000 * WAD, 3_000 * WAD, 3_000 * WAD
MAX_AGE = 3_600
LEGS = 1 << ETH | 1 << GOLD_TOKEN | 1 << WETH_TOKEN
ALL = LEGS | 1 << USDC

Later = Callable[[int], int]
Answer = Callable[..., list[dict[str, int]]]


@pytest.fixture
def usdc_feed(mock_feeds: list[Any]) -> Any:
    return mock_feeds[0]


@pytest.fixture
def speak(owner: Any, mock_feeds: list[Any], later: Later) -> Callable[[], None]:
    """The feeds of a market and of two collateral tokens answer anew."""

    def act() -> None:
        prices = (ETH_PRICE, GOLD_PRICE, WETH_PRICE)
        for feed, price in zip(mock_feeds[1:], prices, strict=False):
            feed.set_price(price, sender=owner)
        later(1)

    return act


@pytest.fixture
def legs(set_feeds: Any, mock_feeds: list[Any], speak: Callable[[], None]) -> None:
    """A market and two collateral tokens, a feed each, at most a week old."""
    for feed, leg_id in zip(mock_feeds[1:], (ETH, GOLD_TOKEN, WETH_TOKEN), strict=False):
        set_feeds([feed], market_id=leg_id, max_age=spec.MAX_MAX_AGE)
    speak()


@pytest.fixture
def peg(owner: Any, usdc_feed: Any, later: Later) -> Callable[[int], None]:
    """The settlement token's feed says this price from the next second on."""

    def act(price: int) -> None:
        usdc_feed.set_price(price, sender=owner)
        later(1)

    return act


@pytest.fixture
def listed(
    legs: None,
    set_feeds: Any,
    usdc_feed: Any,
    peg: Callable[[int], None],
    later: Later,
    speak: Callable[[], None],
) -> None:
    """The settlement token has a feed, at par, for so long that all it is above par counts."""
    set_feeds([usdc_feed], market_id=USDC)
    later(NOTICE + RAMP)
    speak()
    peg(WAD)


@pytest.fixture
def answer(oracle: Any, keeper: Any) -> Answer:
    """Fields of what a refresh answers; the same transaction is sent as well."""

    def act(bitmap: int = LEGS) -> list[dict[str, int]]:
        receipt = oracle.refresh(bitmap, sender=keeper)
        return [PRICE.unpack(word) for word in receipt.return_value]

    return act


def told(answered: list[dict[str, int]]) -> list[tuple[int, int]]:
    return [(one["price"], one["half_width"]) for one in answered]


def test_refresh_settlement_token_without_feeds_is_at_par(
    oracle: Any, legs: None, answer: Answer
) -> None:
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, 0), (WETH_PRICE, 0)]
    assert oracle.price_word(USDC) == spec.NO_PRICE


def test_refresh_settlement_token_at_par_changes_nothing(listed: None, answer: Answer) -> None:
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, 0), (WETH_PRICE, 0)]


def test_refresh_settlement_token_above_par_makes_collateral_worth_fewer(
    listed: None, peg: Any, answer: Answer
) -> None:
    peg(WAD * 5 // 4)
    assert told(answer()) == [(ETH_PRICE, 0), (1_600 * WAD, 0), (2_400 * WAD, 0)]


def test_refresh_settlement_token_below_par_widens_collateral_alone(
    listed: None, peg: Any, answer: Answer
) -> None:
    peg(WAD * 97 // 100)
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, 3_000), (WETH_PRICE, 3_000)]


def test_refresh_doubt_of_the_settlement_token_adds_to_that_of_collateral(
    owner: Any, listed: None, usdc_feed: Any, mock_feeds: Any, peg: Any, answer: Answer
) -> None:
    usdc_feed.set_half_width(200, sender=owner)
    mock_feeds[3].set_half_width(50, sender=owner)
    peg(WAD * 97 // 100)
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, 3_200), (WETH_PRICE, 3_250)]


def test_refresh_settlement_token_that_is_silent_carries_no_new_risk_at_its_last_price(
    owner: Any, listed: None, usdc_feed: Any, peg: Any, answer: Answer, later: Later
) -> None:
    peg(WAD * 5 // 4)
    answer()
    usdc_feed.set_failing(True, sender=owner)
    later(MAX_AGE * 2)
    unusable = MAX_HALF_WIDTH
    assert told(answer()) == [(ETH_PRICE, 0), (1_600 * WAD, unusable), (2_400 * WAD, unusable)]
    usdc_feed.set_failing(False, sender=owner)
    peg(WAD)
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, 0), (WETH_PRICE, 0)]


def test_refresh_settlement_token_whose_feeds_never_answered_leaves_collateral_at_par_unusable(
    legs: None, set_feeds: Any, usdc_feed: Any, owner: Any, answer: Answer, later: Later
) -> None:
    usdc_feed.set_failing(True, sender=owner)
    set_feeds([usdc_feed], market_id=USDC)
    later(1)
    unusable = MAX_HALF_WIDTH
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, unusable), (WETH_PRICE, unusable)]


def test_refresh_silent_collateral_stays_unusable_at_any_settlement_price(
    listed: None, peg: Any, answer: Answer, owner: Any, mock_feeds: Any, later: Later
) -> None:
    answer()
    mock_feeds[2].set_failing(True, sender=owner)
    peg(WAD * 5 // 4)
    assert told(answer())[1:] == [(1_600 * WAD, MAX_HALF_WIDTH), (2_400 * WAD, 0)]


def test_refresh_collateral_is_stored_in_dollars(
    listed: None, peg: Any, answer: Answer, fields: Any
) -> None:
    peg(WAD * 5 // 4)
    answer()
    assert (fields(GOLD_TOKEN)["price"], fields(GOLD_TOKEN)["half_width"]) == (GOLD_PRICE, 0)
    peg(WAD * 97 // 100)
    answer()
    assert (fields(GOLD_TOKEN)["price"], fields(GOLD_TOKEN)["half_width"]) == (GOLD_PRICE, 0)


def test_refresh_of_collateral_stores_the_settlement_token_too(
    listed: None, peg: Any, oracle: Any, keeper: Any, fields: Any
) -> None:
    peg(WAD * 5 // 4)
    receipt = oracle.refresh(1 << GOLD_TOKEN, sender=keeper)
    assert {event.id for event in receipt.events} == {GOLD_TOKEN, USDC}
    assert fields(USDC)["price"] == WAD * 5 // 4
    assert fields(USDC)["refreshed_at"] == fields(GOLD_TOKEN)["refreshed_at"]


def test_refresh_of_markets_leaves_the_settlement_token(
    listed: None, peg: Any, oracle: Any, keeper: Any
) -> None:
    before = oracle.price_word(USDC)
    peg(WAD * 5 // 4)
    oracle.refresh(1 << ETH, sender=keeper)
    assert oracle.price_word(USDC) == before


def test_refresh_settlement_token_asked_for_answers_its_own_price(
    listed: None, peg: Any, answer: Answer
) -> None:
    peg(WAD * 97 // 100)
    assert told(answer(ALL))[0] == (WAD * 97 // 100, 0)
    assert told(answer(1 << USDC)) == [(WAD * 97 // 100, 0)]


@pytest.mark.parametrize("price", [WAD, WAD * 5 // 4, WAD * 97 // 100])
@pytest.mark.parametrize("bitmap", [LEGS, ALL, 1 << WETH_TOKEN, 1 << USDC])
def test_prices_are_what_refresh_answers_in_the_same_block(
    oracle: Any, listed: None, peg: Any, answer: Answer, chain: Any, price: int, bitmap: int
) -> None:
    peg(price)
    chain.mine(timestamp=chain.pending_timestamp)
    seen = oracle.prices(bitmap)
    chain.pending_timestamp = chain.blocks.head.timestamp
    assert [PRICE.unpack(word) for word in seen] == answer(bitmap)
    assert oracle.prices(bitmap) == seen


def test_refresh_settlement_token_that_moves_within_a_block_moves_nothing(
    listed: None, peg: Any, answer: Answer, later: Later
) -> None:
    peg(WAD)
    later(5)
    first = answer()
    later(0)
    peg(WAD * 5 // 4)
    later(0)
    assert answer() == first
    later(1)
    assert answer() != first


def test_set_feeds_of_the_settlement_token_first_time_leaves_par_to_the_end_of_the_block(
    oracle: Any,
    legs: None,
    set_feeds: Any,
    usdc_feed: Any,
    owner: Any,
    answer: Answer,
    later: Later,
) -> None:
    """Nobody's collateral is worth less in the block of the change, nor in the next."""
    usdc_feed.set_price(WAD * 5 // 4, sender=owner)
    later(5)
    at_par = answer()
    later(0)
    set_feeds([usdc_feed], market_id=USDC)
    assert [PRICE.unpack(word) for word in oracle.prices(LEGS)] == at_par
    later(0)
    assert answer() == at_par
    later(1)
    assert told(answer()) == [(ETH_PRICE, 0), (GOLD_PRICE, 0), (WETH_PRICE, 0)]


@pytest.mark.parametrize(
    "seconds, counted",
    [
        (20, WAD),
        (NOTICE, WAD),
        (NOTICE + 1, WAD + WAD // 4 // RAMP),
        (NOTICE + RAMP // 2, WAD * 9 // 8),
        (NOTICE + RAMP, WAD * 5 // 4),
        (2 * (NOTICE + RAMP), WAD * 5 // 4),
    ],
)
def test_refresh_settlement_token_listed_above_par_counts_by_notice_and_ramp(
    legs: None,
    set_feeds: Any,
    usdc_feed: Any,
    owner: Any,
    speak: Callable[[], None],
    oracle: Any,
    later: Later,
    chain: Any,
    seconds: int,
    counted: int,
) -> None:
    """The price that its feeds tell is stored as it is; collateral falls step by step."""
    listed_at = later(5)
    set_feeds([usdc_feed], market_id=USDC)
    assert oracle.premium_start() == listed_at + NOTICE
    chain.pending_timestamp = listed_at + seconds - 10
    speak()
    usdc_feed.set_price(WAD * 5 // 4, sender=owner)
    chain.mine(timestamp=listed_at + seconds)
    answered = [PRICE.unpack(word) for word in oracle.prices(ALL)]
    assert told(answered)[2:] == [
        (GOLD_PRICE * WAD // counted, 0),
        (WETH_PRICE * WAD // counted, 0),
    ]
    assert answered[0]["price"] == WAD * 5 // 4


def test_set_feeds_of_the_settlement_token_again_leaves_its_ramp(
    oracle: Any, set_feeds: Any, usdc_feed: Any, mock_feeds: Any, later: Later
) -> None:
    assert oracle.premium_start() == 0
    now = later(5)
    set_feeds([usdc_feed], market_id=USDC)
    later(100)
    set_feeds(mock_feeds[4:5], market_id=USDC)
    assert oracle.premium_start() == now + NOTICE


def test_refresh_settlement_token_listed_below_par_widens_at_once(
    legs: None, set_feeds: Any, usdc_feed: Any, peg: Any, answer: Answer
) -> None:
    """New risk may be tightened without notice."""
    set_feeds([usdc_feed], market_id=USDC)
    peg(WAD * 97 // 100)
    assert told(answer())[1:] == [(GOLD_PRICE, 3_000), (WETH_PRICE, 3_000)]


def test_set_feeds_of_the_settlement_token_first_time_stores_and_logs_par(
    oracle: Any, set_feeds: Any, usdc_feed: Any, fields: Any, later: Later
) -> None:
    now = later(5)
    receipt = set_feeds([usdc_feed], market_id=USDC, floor=70)
    assert oracle.price_word(USDC) == spec.par_word(spec.IndexTerms(1, volatility_floor=70), now)
    assert fields(USDC)["refreshed_at"] == now
    assert [event.event_name for event in receipt.events] == ["FeedsSet", "IndexUpdated"]
    assert (receipt.events[1].id, receipt.events[1].price) == (USDC, WAD)


def test_set_feeds_of_the_settlement_token_again_keeps_its_snapshot(
    listed: None,
    set_feeds: Any,
    peg: Any,
    mock_feeds: Any,
    answer: Answer,
    oracle: Any,
    later: Later,
) -> None:
    peg(WAD * 5 // 4)
    later(5)
    first = answer()
    later(0)
    set_feeds(mock_feeds[4:5], market_id=USDC)
    later(0)
    assert answer() == first
    assert oracle.price_word(USDC) >> 176 == WAD * 5 // 4


def test_set_feeds_of_the_settlement_token_by_stranger_reverts(
    oracle: Any, stranger: Any, usdc_feed: Any
) -> None:
    with ape.reverts("ownable: caller is not the owner"):
        oracle.set_feeds(USDC, (1, 0, 0), [(usdc_feed.address, 9, 9, False)], sender=stranger)


def test_refresh_16_markets_and_8_tokens_are_the_most(
    listed: None, peg: Any, oracle: Any, keeper: Any
) -> None:
    most = (1 << 16) - 1 << 1 | 0xFF << 128
    peg(WAD * 5 // 4)
    words = oracle.refresh.call(most, sender=keeper)
    assert [word >> 176 for word in words[16:]] == [1_600 * WAD] + [0] * 6 + [2_400 * WAD]
    for act in (lambda: oracle.refresh(most | 1, sender=keeper), lambda: oracle.prices(most | 1)):
        with ape.reverts("oracle: too many ids"):
            act()
