"""A price feed that calls the oracle back while the oracle reads it."""

from __future__ import annotations

import pytest

from seawall.spec.words import WAD
from tests.fuzz.backend import Call, body, call_data, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.index import SET_FEEDS
from tests.fuzz.revm import Revm

SOUND, BUILT_ON_IT = 3, 5
PRICE = 7 * WAD
REFRESH = "refresh(uint256)"
PRICES = "prices(uint256)"
CALL_BACK = "call_back(address,bytes,bytes)"
HALF_WIDTH_FROM, HALF_WIDTH_BITS = 100, 16


def _half_width(word: int) -> int:
    return word >> HALF_WIDTH_FROM & (1 << HALF_WIDTH_BITS) - 1


@pytest.fixture
def chain() -> Revm:
    """An oracle with a sound feed, and one that refreshes the sound id before it answers."""
    made = Revm(compiled())
    owner = made.actor("timelock")
    oracle = made.deploy("index", "IndexOracle", owner, 1_800, 86_400, "0x" + "00" * 20, 0)
    for market_id, name, contract, arguments in (
        (SOUND, "sound", "MockFeed", (PRICE,)),
        (BUILT_ON_IT, "odd", "OddSource", ()),
    ):
        feed = int(made.deploy(name, contract, *arguments), 16)
        made.send(owner, oracle, SET_FEEDS, market_id, 1, 0, 0, [(feed, 3_600, 3_600, 0)])
    answer = (2 * PRICE).to_bytes(32, "big") + made.time.to_bytes(32, "big") + bytes(32)
    data = call_data(REFRESH, [1 << SOUND])
    made.send(owner, made.addr("odd"), CALL_BACK, oracle, body(data), body(answer))
    return made


def _refresh(chain: Revm, *market_ids: int) -> list[int]:
    bitmap = sum(1 << market_id for market_id in market_ids)
    oracle = chain.addr("index")
    return words_of(chain.send(chain.actor("keeper"), oracle, REFRESH, bitmap))[2:]


def test_refresh_feed_that_calls_back_answers_alike_whatever_is_cached(chain: Revm) -> None:
    (alone,) = _refresh(chain, BUILT_ON_IT)
    together = _refresh(chain, SOUND, BUILT_ON_IT)[1]
    assert _half_width(together) == _half_width(alone)


def test_prices_feed_that_calls_back_agrees_with_refresh(chain: Revm) -> None:
    bitmap = 1 << SOUND | 1 << BUILT_ON_IT
    chain.warp(1)
    seen = chain.view([Call(chain.addr("index"), PRICES, (bitmap,))])[0]
    chain.warp(-1)
    assert seen is not None
    shown = words_of(seen)[3]
    together = _refresh(chain, SOUND, BUILT_ON_IT)[1]
    assert _half_width(together) == _half_width(shown)
