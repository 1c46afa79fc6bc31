"""The feed on a real Uniswap v3 pool: windows, moves, pushes and thin liquidity."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.client.contract import Contract, load_abi
from seawall.published.artifacts import PublishedError, transact
from seawall.published.uniswap import PoolSource, sqrt_price
from seawall.rpc import RpcError, succeeded
from seawall.spec.feeds import PoolTerms, pool_latest, tick_power, tick_price
from seawall.spec.oracle import NO_READING, Reading

ETH_TICK = -196_256
LIQUIDITY = 10**17
OBSERVATIONS = 40
EXPONENT = 12
#: 1,000 ticks are 10.5 %.
PUSH = 1_000
CALL_GAS = 21_064
#: What the oracle lets an adapter use.
READ_GAS = 200_000


def test_latest_quiet_pool_is_its_tick(real: Any) -> None:
    assert real.latest() == Reading(tick_price(ETH_TICK, EXPONENT), real.node.timestamp(), 0)


def test_latest_real_pool_over_a_day_of_trades_matches_specification(real: Any) -> None:
    """Ticks up and down, waits of seconds and of more than the window, liquidity that comes and
    goes."""
    tick, given = ETH_TICK, 0
    for number in range(30):
        tick += (37, -120, 260, -11, 5, 45)[number % 6]
        real.source.move(tick)
        real.wait((1, 12, 300, 4, 2_000)[number % 5])
        if number % 4 == 1:
            real.source.add(LIQUIDITY, tick // 10 * 10 - 500, tick // 10 * 10 + 500)
            given += 1
        assert real.source.tick == tick
        expected = pool_latest(real.terms, real.observed(), real.node.timestamp())
        assert real.latest() == expected
        assert expected != NO_READING
    assert given == 8


def test_latest_push_within_one_second_hardly_moves_the_price(real: Any) -> None:
    """A push of 10.5 % that is undone a second later; what is left is 1000 / 1800 of a tick, and
    in the block that undoes it the doubt."""
    before = real.latest().price
    real.source.move(ETH_TICK + PUSH)
    pushed = real.latest()
    assert pushed.price == before
    assert pushed.half_width >= 10_500
    real.source.move(ETH_TICK)
    after = real.latest()
    assert abs(after.price - before) * 10**4 <= before
    assert after.half_width >= 10_500
    real.wait(1)
    assert real.latest().half_width <= 10


def test_latest_push_held_for_a_fifth_of_the_window_moves_the_price_by_a_fifth(real: Any) -> None:
    """What the mean does not resist, it tells: the true price stays within the half-width."""
    real.source.move(ETH_TICK + PUSH)
    real.wait(real.WINDOW // 5)
    held = real.latest()
    assert held.price == tick_price(ETH_TICK + PUSH // 5, EXPONENT)
    assert held.half_width >= 8_000
    true_price = tick_price(ETH_TICK, EXPONENT)
    assert abs(held.price - true_price) * 10**5 <= held.half_width * held.price


def seen_in_a_swap(real: Any, tick: int) -> Reading:
    """What the feed answers while the pool calls back in a trade to a tick."""
    actor = real.source.actor
    transact(real.node, real.owner, actor, "look_with", real.feed)
    real.source.move(tick)
    places = (actor.encode("seen", place) for place in range(3))
    return Reading(*(actor.decode("seen", real.node.view(actor.address, one)) for one in places))


def test_latest_push_in_the_same_block_is_seen_in_the_half_width_alone(real: Any) -> None:
    before = real.latest()
    seen = seen_in_a_swap(real, ETH_TICK + PUSH)
    assert seen.price == before.price
    assert seen.half_width >= 10_500


def test_latest_trade_back_to_the_mean_in_the_same_block_narrows_nothing(real: Any) -> None:
    """The market fell by 9.5 % a minute ago and the mean lags: nobody gets it believed by trading
    the pool back to it for the length of a transaction."""
    real.source.move(ETH_TICK - PUSH)
    real.wait(60)
    lagging = real.latest()
    assert lagging.half_width >= 10_000
    seen = seen_in_a_swap(real, ETH_TICK - PUSH // 30)
    assert abs(seen.price - lagging.price) * 10**3 <= lagging.price
    assert seen.half_width >= 10_000


def test_latest_after_a_move_arrives_once_the_window_has_passed(real: Any) -> None:
    real.source.move(ETH_TICK + PUSH)
    real.wait(real.WINDOW)
    moved = Reading(tick_price(ETH_TICK + PUSH, EXPONENT), real.node.timestamp(), 0)
    assert real.latest() == moved


def test_latest_pool_without_enough_history_reverts(real: Any) -> None:
    terms = PoolTerms(True, 18, 6, 0, 86_400, 1)
    young = type(real)(real.node, real.owner, real.source, terms)
    with pytest.raises(RpcError) as refused:
        young.latest()
    assert refused.value.reason == "OLD"


def test_latest_pool_that_forgets_reverts(real: Any) -> None:
    """More blocks with trades in the window than observations kept: the oldest is too young."""
    for number in range(OBSERVATIONS + 1):
        real.source.move(ETH_TICK + 2 - number % 2)
    with pytest.raises(RpcError) as refused:
        real.latest()
    assert refused.value.reason == "OLD"


def test_latest_pool_that_lost_its_liquidity_is_no_price(real: Any) -> None:
    """Whoever empties the pool to push it cheaply takes its feed out of the index."""
    real.source.remove(LIQUIDITY * 99 // 100)
    real.wait(real.WINDOW // 50)
    # 1 / 50 of the window at a hundredth: the harmonic mean is a third of what it was.
    assert real.latest() == NO_READING


def test_latest_pool_push_beyond_all_liquidity_is_no_price(real: Any) -> None:
    """A pool whose liquidity lies in a narrow range can be pushed for nothing beyond it."""
    real.source.remove(LIQUIDITY)
    real.source.add(LIQUIDITY, ETH_TICK // 10 * 10 - 100, ETH_TICK // 10 * 10 + 100)
    real.wait(real.WINDOW)
    assert real.latest() != NO_READING
    real.source.move(ETH_TICK + 20_000)
    assert real.latest() == NO_READING


def test_move_without_a_price_is_refused(node: Any, deployer: Any) -> None:
    source = PoolSource(node, str(deployer.address))
    with pytest.raises(PublishedError, match="LOK"):
        source.move(1)


@pytest.mark.parametrize("tick", [-887_271, -1, 0, 1, 887_270])
def test_sqrt_price_lies_within_its_tick(tick: int) -> None:
    price = sqrt_price(tick) ** 2 * tick_power(0)
    assert tick_power(tick) < price >> 192 < tick_power(tick + 1)


@pytest.mark.parametrize("trades, limit", [(0, 33_000), (36, 60_000)], ids=["quiet", "busy"])
def test_latest_pool_cold_stays_far_below_what_the_oracle_gives(
    real: Any, trades: int, limit: int
) -> None:
    """Of a busy pool the search through its observations costs most: two cold slots a step."""
    for number in range(trades):
        real.source.move(ETH_TICK + 2 - number % 2)
    if trades:
        real.wait(real.WINDOW - trades // 2)
    data = Contract(real.feed, load_abi("UniswapFeed")).encode("latest")
    receipt = real.node.send(real.owner, real.feed, data)
    assert succeeded(receipt)
    used = int(receipt["gasUsed"], 16) - CALL_GAS
    assert used <= limit < READ_GAS // 3, used
