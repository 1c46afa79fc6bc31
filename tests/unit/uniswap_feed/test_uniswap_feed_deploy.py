"""Terms of a Uniswap feed."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.published.uniswap import PoolSource
from seawall.spec.feeds import PoolTerms


def refusal(deploy_refusal: Any, pool: PoolSource, **over: Any) -> str:
    """Why a feed on the real pool with some terms changed is not deployed."""
    terms = {"base": pool.base.address, "window": 1_800, "unit_exponent": 0, "min_liquidity": 1}
    return str(deploy_refusal("UniswapFeed", pool.address, *(terms | over).values()))


@pytest.mark.parametrize("base_is_token0", [True, False])
def test_deploy_uniswap_feed_stores_its_terms(
    project: Any, deployer: Any, pool: PoolSource, base_is_token0: bool
) -> None:
    base = pool.base.address if base_is_token0 else pool.quote.address
    feed = deployer.deploy(project.UniswapFeed, pool.address, base, 600, -3, 10**15)
    assert (feed.POOL().lower(), feed.BASE_TOKEN().lower()) == (pool.address, base)
    assert (feed.WINDOW(), feed.UNIT_EXPONENT(), feed.MIN_LIQUIDITY()) == (600, -3, 10**15)


@pytest.mark.parametrize("window", [0, 59, 86_401, 2**32, 2**256 - 1])
def test_deploy_uniswap_feed_window_out_of_range_reverts(
    deploy_refusal: Any, pool: PoolSource, window: int
) -> None:
    assert refusal(deploy_refusal, pool, window=window) == "feed: window"


@pytest.mark.parametrize("unit_exponent", [-19, 19, -(2**255), 2**255 - 1])
def test_deploy_uniswap_feed_unit_exponent_out_of_range_reverts(
    deploy_refusal: Any, pool: PoolSource, unit_exponent: int
) -> None:
    found = refusal(deploy_refusal, pool, unit_exponent=unit_exponent)
    assert found == "feed: unit exponent"


def test_deploy_uniswap_feed_without_least_liquidity_reverts(
    deploy_refusal: Any, pool: PoolSource
) -> None:
    assert refusal(deploy_refusal, pool, min_liquidity=0) == "feed: liquidity"


def test_deploy_uniswap_feed_of_a_token_that_is_not_the_pools_reverts(
    deploy_refusal: Any, pool: PoolSource
) -> None:
    assert refusal(deploy_refusal, pool, base=pool.address) == "feed: base token"


@pytest.mark.parametrize("place", [0, 1])
def test_deploy_uniswap_feed_of_a_token_of_37_decimals_reverts(
    project: Any, deployer: Any, deploy_refusal: Any, tokens: Any, place: int
) -> None:
    pair = [tokens[18][0], tokens[18][1]]
    pair[place] = deployer.deploy(project.Token, "Pool token", "POOL", 37)
    pool = deployer.deploy(project.MockPool, *pair)
    assert deploy_refusal("UniswapFeed", pool, pair[0], 1_800, 0, 1) == "feed: decimals"


def test_deploy_uniswap_feed_on_an_address_without_code_reverts(
    deploy_refusal: Any, deployer: Any, pool: PoolSource
) -> None:
    assert deploy_refusal("UniswapFeed", deployer, pool.base.address, 1_800, 0, 1) == ""


@pytest.mark.parametrize(
    "terms",
    [
        {"window": 59},
        {"window": 86_401},
        {"unit_exponent": -19},
        {"min_liquidity": 0},
        {"base_decimals": 37},
        {"quote_decimals": -1},
    ],
)
def test_pool_terms_refuse_what_the_contract_refuses(terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="feed: "):
        PoolTerms(base_is_token0=True, **terms)
