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


def test_latest_quiet_pool_is_its_tick(real_pool: Any) -> None:
    assert real_pool.latest() == Reading(
        tick_price(ETH_TICK, EXPONENT), real_pool.node.timestamp(), 0
    )


def test_latest_real_pool_over_a_day_of_trades_matches_specification(real_pool: Any) -> None:
    """Ticks up and down, waits of seconds and of more than the window, liquidity that comes and
    goes."""
    tick, given = ETH_TICK, 0
    for number in range(30):
        tick += (37, -120, 260, -11, 5, 45)[number % 6]
        real_pool.source.move(tick)
        real_pool.wait((1, 12, 300, 4, 2_000)[number % 5])
        if number % 4 == 1:
            real_pool.source.add(LIQUIDITY, tick // 10 * 10 - 500, tick // 10 * 10 + 500)
            given += 1
        assert real_pool.source.tick == tick
        expected = pool_latest(real_pool.terms, real_pool.observed(), real_pool.node.timestamp())
        assert real_pool.latest() == expected
        assert expected != NO_READING
    assert given == 8


def test_latest_push_within_one_second_hardly_moves_the_price(real_pool: Any) -> None:
    """A push of 10.5 % that is undone a second later; what is left is 1000 / 1800 of a tick, and
    in the block that undoes it the doubt."""
    before = real_pool.latest().price
    real_pool.source.move(ETH_TICK + PUSH)
    pushed = real_pool.latest()
    assert pushed.price == before
    assert pushed.half_width >= 10_500
    real_pool.source.move(ETH_TICK)
    after = real_pool.latest()
    assert abs(after.price - before) * 10**4 <= before
    assert after.half_width >= 10_500
    real_pool.wait(1)
    assert real_pool.latest().half_width <= 10


def test_latest_push_held_for_a_fifth_of_the_window_moves_the_price_by_a_fifth(
    real_pool: Any,
) -> None:
    """What the mean does not resist, it tells: the true price stays within the half-width."""
    real_pool.source.move(ETH_TICK + PUSH)
    real_pool.wait(real_pool.WINDOW // 5)
    held = real_pool.latest()
    assert held.price == tick_price(ETH_TICK + PUSH // 5, EXPONENT)
    assert held.half_width >= 8_000
    true_price = tick_price(ETH_TICK, EXPONENT)
    assert abs(held.price - true_price) * 10**5 <= held.half_width * held.price


def seen_in_a_swap(real_pool: Any, tick: int) -> Reading:
    """What the feed answers while the pool calls back in a trade to a tick."""
    actor = real_pool.source.actor
    transact(real_pool.node, real_pool.owner, actor, "look_with", real_pool.feed)
    real_pool.source.move(tick)
    places = (actor.encode("seen", place) for place in range(3))
    return Reading(
        *(actor.decode("seen", real_pool.node.view(actor.address, one)) for one in places)
    )


def test_latest_push_in_the_same_block_is_seen_in_the_half_width_alone(real_pool: Any) -> None:
    before = real_pool.latest()
    seen = seen_in_a_swap(real_pool, ETH_TICK + PUSH)
    assert seen.price == before.price
    assert seen.half_width >= 10_500


def test_latest_trade_back_to_the_mean_in_the_same_block_narrows_nothing(real_pool: Any) -> None:
    """The market fell by 9.5 % a minute ago and the mean lags: nobody gets it believed by trading
    the pool back to it for the length of a transaction."""
    real_pool.source.move(ETH_TICK - PUSH)
    real_pool.wait(60)
    lagging = real_pool.latest()
    assert lagging.half_width >= 10_000
    seen = seen_in_a_swap(real_pool, ETH_TICK - PUSH // 30)
    assert abs(seen.price - lagging.price) * 10**3 <= lagging.price
    assert seen.half_width >= 10_000


def test_latest_after_a_move_arrives_once_the_window_has_passed(real_pool: Any) -> None:
    real_pool.source.move(ETH_TICK + PUSH)
    real_pool.wait(real_pool.WINDOW)
    moved = Reading(tick_price(ETH_TICK + PUSH, EXPONENT), real_pool.node.timestamp(), 0)
    assert real_pool.latest() == moved


def test_latest_pool_without_enough_history_reverts(real_pool: Any) -> None:
    source = PoolSource(real_pool.node, real_pool.owner)
    source.start(ETH_TICK)
    source.add(LIQUIDITY)
    terms = PoolTerms(True, 18, 6, 0, 86_400, 1)
    young = type(real_pool)(real_pool.node, real_pool.owner, source, terms)
    with pytest.raises(RpcError) as refused:
        young.latest()
    assert refused.value.reason == "OLD"


def test_latest_pool_that_forgets_reverts(real_pool: Any) -> None:
    """More blocks with trades in the window than observations kept: the oldest is too young."""
    for number in range(OBSERVATIONS + 1):
        real_pool.source.move(ETH_TICK + 2 - number % 2)
    with pytest.raises(RpcError) as refused:
        real_pool.latest()
    assert refused.value.reason == "OLD"


def test_latest_pool_that_lost_its_liquidity_is_no_price(real_pool: Any) -> None:
    """Whoever empties the pool to push it cheaply takes its feed out of the index."""
    real_pool.source.remove(LIQUIDITY * 99 // 100)
    real_pool.wait(real_pool.WINDOW // 50)
    # 1 / 50 of the window at a hundredth: the harmonic mean is a third of what it was.
    assert real_pool.latest() == NO_READING


def test_latest_pool_push_beyond_all_liquidity_is_no_price(real_pool: Any) -> None:
    """A pool whose liquidity lies in a narrow range can be pushed for nothing beyond it."""
    real_pool.source.remove(LIQUIDITY)
    real_pool.source.add(LIQUIDITY, ETH_TICK // 10 * 10 - 100, ETH_TICK // 10 * 10 + 100)
    real_pool.wait(real_pool.WINDOW)
    assert real_pool.latest() != NO_READING
    real_pool.source.move(ETH_TICK + 20_000)
    assert real_pool.latest() == NO_READING


def test_move_without_a_price_is_refused(node: Any, deployer: Any) -> None:
    source = PoolSource(node, str(deployer.address))
    with pytest.raises(PublishedError, match="LOK"):
        source.move(1)


@pytest.mark.parametrize("tick", [-887_271, -1, 0, 1, 887_270])
def test_sqrt_price_lies_within_its_tick(tick: int) -> None:
    price = sqrt_price(tick) ** 2 * tick_power(0)
    assert tick_power(tick) < price >> 192 < tick_power(tick + 1)


def cold_gas(real_pool: Any) -> int:
    """Execution gas of reading the feed in a transaction of its own."""
    data = Contract(real_pool.feed, load_abi("UniswapFeed")).encode("latest")
    receipt = real_pool.node.send(real_pool.owner, real_pool.feed, data)
    assert succeeded(receipt)
    return int(receipt["gasUsed"], 16) - CALL_GAS


def test_latest_quiet_pool_cold_costs_at_most_26000(real_pool: Any) -> None:
    used = cold_gas(real_pool)
    assert used <= 26_000, used


def test_latest_busy_pool_cold_stays_far_below_what_the_oracle_gives(real_pool: Any) -> None:
    """The search through observations costs most, two cold slots a step; one more search for the
    last second in a block that has traded."""
    for number in range(36):
        real_pool.source.move(ETH_TICK + 2 - number % 2)
    real_pool.wait(real_pool.WINDOW - 18)
    searched = cold_gas(real_pool)
    real_pool.source.move(ETH_TICK + 9)
    real_pool.node.set_block_interval(0)
    searched_twice = cold_gas(real_pool)
    assert 40_000 < searched < searched_twice < READ_GAS // 2
