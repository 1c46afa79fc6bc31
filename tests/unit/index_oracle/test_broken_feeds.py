"""A broken feed costs itself only, and a starved read costs nobody's price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest
from eth_abi import encode

from seawall.spec.words import MAX_HALF_WIDTH, TICK, WAD

ETH = 7
ETH_PRICE = 3_000 * WAD
#: What one adapter may use, and what the guard asks for before it believes a failure.
READ_GAS = 200_000
ENOUGH_GAS = 210_000

Later = Callable[[int], int]


def answer_of(price: int, updated_at: int) -> bytes:
    return encode(["uint256", "uint256", "uint256"], [price, updated_at, 0])


#: Each gets the odd source, the oracle and an answer that would be taken if the source were sound.
BREAKS: dict[str, Callable[[Any, Any, bytes, Any], Any]] = {
    "reverts": lambda odd, oracle, sound, who: odd.fail_with(b"", sender=who),
    "reverts with a price": lambda odd, oracle, sound, who: odd.fail_with(sound, sender=who),
    "burns gas": lambda odd, oracle, sound, who: odd.burn_gas(sender=who),
    "answers nothing": lambda odd, oracle, sound, who: odd.answer_with(b"", sender=who),
    "answers one word": lambda odd, oracle, sound, who: odd.answer_with(sound[:32], sender=who),
    "answers 95 bytes": lambda odd, oracle, sound, who: odd.answer_with(sound[:95], sender=who),
    "answers garbage": lambda odd, oracle, sound, who: odd.answer_with(96 * b"\xff", sender=who),
    "answers text": lambda odd, oracle, sound, who: odd.answer_with(
        b"no price today " * 20, sender=who
    ),
    "bomb": lambda odd, oracle, sound, who: odd.answer_bomb(sender=who),
    "reverting bomb": lambda odd, oracle, sound, who: odd.fail_bomb(sender=who),
    "writes": lambda odd, oracle, sound, who: odd.call_back(
        odd.address, odd.burn_gas.encode_input(), sound, sender=who
    ),
    "refreshes": lambda odd, oracle, sound, who: odd.call_back(
        oracle.address, oracle.refresh.encode_input(1 << ETH), sound, sender=who
    ),
    "reads the oracle": lambda odd, oracle, sound, who: odd.call_back(
        oracle.address, oracle.price_word.encode_input(ETH), sound, sender=who
    ),
}
WAYS = pytest.mark.parametrize("way", BREAKS)


@pytest.fixture
def sound_answer(chain: Any) -> bytes:
    """A price of now that no other feed gives."""
    return answer_of(ETH_PRICE * 2, int(chain.blocks.head.timestamp))


@pytest.fixture
def break_source(
    oracle: Any, odd_source: Any, owner: Any, sound_answer: bytes
) -> Callable[[str], Any]:
    """Let the odd source misbehave in a named way."""

    def act(way: str) -> Any:
        return BREAKS[way](odd_source, oracle, sound_answer, owner)

    return act


def test_refresh_sound_answer_is_taken(
    owner: Any,
    set_feeds: Any,
    odd_source: Any,
    sound_answer: bytes,
    refresh: Any,
    fields: Any,
    later: Later,
) -> None:
    """Premise of the tests of broken feeds: only the breaking keeps this answer out."""
    odd_source.call_back(owner, b"", sound_answer, sender=owner)
    set_feeds([odd_source])
    later(1)
    refresh()
    assert (fields()["price"], fields()["half_width"]) == (ETH_PRICE * 2, 0)


@pytest.fixture(scope="module")
def chainlink_on_odd(project: Any, owner: Any, odd_source: Any) -> Any:
    return owner.deploy(project.ChainlinkFeed, odd_source, 0, 0, 0)


#: Half-width of two feeds that are two ticks apart, rounded up.
TWO_APART = 1


@WAYS
def test_refresh_broken_feed_costs_itself_only(
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    odd_source: Any,
    break_source: Any,
    refresh: Any,
    fields: Any,
    later: Later,
    way: str,
) -> None:
    set_feeds([mock_feeds[0], odd_source, mock_feeds[1]], quorum=2)
    break_source(way)
    mock_feeds[1].set_price(ETH_PRICE + 2 * TICK, sender=owner)
    later(1)
    receipt = refresh()
    assert (fields()["price"], fields()["half_width"]) == (ETH_PRICE + TICK, TWO_APART)
    assert receipt.gas_used < READ_GAS + 150_000


@WAYS
def test_refresh_broken_feed_makes_no_quorum(
    set_feeds: Any,
    mock_feeds: Any,
    odd_source: Any,
    break_source: Any,
    refresh: Any,
    fields: Any,
    later: Later,
    way: str,
) -> None:
    set_feeds([odd_source, mock_feeds[0]], quorum=2)
    break_source(way)
    later(1)
    refresh()
    assert (fields()["price"], fields()["half_width"]) == (0, MAX_HALF_WIDTH)


@WAYS
def test_refresh_broken_aggregator_behind_adapter_costs_itself_only(
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    chainlink_on_odd: Any,
    break_source: Any,
    refresh: Any,
    fields: Any,
    later: Later,
    way: str,
) -> None:
    set_feeds([chainlink_on_odd, mock_feeds[0], mock_feeds[1]], quorum=2)
    break_source(way)
    mock_feeds[1].set_price(ETH_PRICE + 2 * TICK, sender=owner)
    later(1)
    refresh()
    assert (fields()["price"], fields()["half_width"]) == (ETH_PRICE + TICK, TWO_APART)


def test_refresh_longer_answer_is_read_by_its_first_three_words(
    owner: Any, set_feeds: Any, odd_source: Any, refresh: Any, fields: Any, later: Later
) -> None:
    now = later(5)
    odd_source.answer_with(answer_of(ETH_PRICE, now) + b"more", sender=owner)
    set_feeds([odd_source])
    later(1)
    refresh()
    assert (fields()["price"], fields()["updated_at"]) == (ETH_PRICE, now)


def test_refresh_two_gas_burners_of_three_still_price(
    project: Any,
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    refresh: Any,
    fields: Any,
    later: Later,
) -> None:
    burners = [owner.deploy(project.OddSource) for _ in range(2)]
    for burner in burners:
        burner.burn_gas(sender=owner)
    set_feeds([*burners, mock_feeds[0]], quorum=1)
    later(1)
    refresh()
    assert (fields()["price"], fields()["half_width"]) == (ETH_PRICE, 0)


def test_prices_broken_feed_gives_what_refresh_stores(
    oracle: Any,
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    odd_source: Any,
    refresh: Any,
    mine_later: Later,
    later: Later,
) -> None:
    odd_source.burn_gas(sender=owner)
    set_feeds([odd_source, *mock_feeds[:2]], quorum=2)
    mine_later(3)
    seen = oracle.prices(1 << ETH)
    later(0)
    refresh()
    assert seen == [oracle.price_word(ETH)]
    assert seen[0] >> 176 == ETH_PRICE


def test_prices_feed_that_reads_prices_again_costs_itself_only(
    oracle: Any,
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    odd_source: Any,
    sound_answer: bytes,
    mine_later: Later,
) -> None:
    """A view holds no lock, so the recursion is real: it ends where the feed's gas ends."""
    data = oracle.prices.encode_input(1 << ETH)
    odd_source.call_back(oracle, data, sound_answer, sender=owner)
    set_feeds([odd_source, *mock_feeds[:2]], quorum=2)
    mock_feeds[1].set_price(ETH_PRICE + 2 * TICK, sender=owner)
    mine_later(3)
    assert oracle.prices(1 << ETH)[0] >> 176 == ETH_PRICE + TICK


@pytest.fixture(scope="module")
def deep_feed(project: Any, owner: Any) -> Any:
    """Adapter, two proxies and an aggregator: a read of nearly READ_GAS, used up at the far end."""
    aggregator = owner.deploy(project.MockAggregator, 8, 3_000 * 10**8)
    inner = owner.deploy(project.RelayAggregator, aggregator, 1_500)
    outer = owner.deploy(project.RelayAggregator, inner, 0)
    return owner.deploy(project.ChainlinkFeed, outer, 0, 0, 0)


def test_deep_feed_uses_nearly_all_it_may(deep_feed: Any, gas_caller: Any, owner: Any) -> None:
    """Premise of the starvation tests."""
    data = deep_feed.latest.encode_input()
    success, answer, used = gas_caller.call_with.call(deep_feed, data, READ_GAS, sender=owner)
    assert success
    assert int.from_bytes(answer[:32], "big") == ETH_PRICE
    assert 0.87 * READ_GAS < used < READ_GAS


@pytest.mark.parametrize("quorum", [1, 2])
def test_refresh_any_amount_of_gas_never_forces_stale(
    oracle: Any,
    owner: Any,
    set_feeds: Any,
    mock_feeds: Any,
    deep_feed: Any,
    gas_caller: Any,
    refresh: Any,
    mine_later: Later,
    quorum: int,
) -> None:
    """A caller with too little gas gets a revert or the true word, never another one."""
    set_feeds([*mock_feeds[: quorum - 1], deep_feed], quorum=quorum)
    refresh()
    mine_later(1)
    true_words = oracle.prices(1 << ETH)
    assert true_words[0] >> 176 == ETH_PRICE
    data = oracle.refresh.encode_input(1 << ETH)
    outcomes = {True: 0, False: 0}
    for gas_amount in [*range(20_000, 160_000, 10_000), *range(160_000, 280_000, 1_000)]:
        success, answer, _ = gas_caller.call_with.call(oracle, data, gas_amount, sender=owner)
        outcomes[success] += 1
        if success:
            words = [int.from_bytes(answer[i : i + 32], "big") for i in range(64, len(answer), 32)]
            assert words == true_words, f"{gas_amount} gas changed the word"
    assert min(outcomes.values()) > 10


def test_refresh_broken_feed_with_little_gas_reverts_with_reason(
    oracle: Any, owner: Any, set_feeds: Any, odd_source: Any, keeper: Any, later: Later
) -> None:
    odd_source.fail_with(b"", sender=owner)
    set_feeds([odd_source])
    later(1)
    with ape.reverts("oracle: gas"):
        oracle.refresh(1 << ETH, sender=keeper, gas_limit=ENOUGH_GAS)


def test_refresh_broken_feed_with_enough_gas_succeeds(
    oracle: Any, owner: Any, set_feeds: Any, odd_source: Any, keeper: Any, fields: Any, later: Later
) -> None:
    odd_source.fail_with(b"", sender=owner)
    set_feeds([odd_source])
    later(1)
    oracle.refresh(1 << ETH, sender=keeper, gas_limit=ENOUGH_GAS + 45_000)
    assert fields()["half_width"] == MAX_HALF_WIDTH


def test_refresh_gas_above_the_guard_gives_a_feed_its_whole_allowance(
    oracle: Any,
    project: Any,
    owner: Any,
    set_feeds: Any,
    gas_caller: Any,
    mine_later: Later,
) -> None:
    """The guard's constant: a failure that is believed cost as much as with gas in plenty."""
    burner = owner.deploy(project.OddSource)
    burner.burn_gas(sender=owner)
    set_feeds([burner])
    mine_later(1)
    data = oracle.prices.encode_input(1 << ETH)
    success, _, full_cost = gas_caller.call_with.call(oracle, data, 1_000_000, sender=owner)
    assert success
    assert full_cost > READ_GAS
    believed = []
    for gas_amount in range(205_000, 225_000, 250):
        success, _, used = gas_caller.call_with.call(oracle, data, gas_amount, sender=owner)
        if success:
            believed.append(used)
    assert 10 < len(believed) < 70
    assert set(believed) == {full_cost}
