"""Terms of a Chainlink feed."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.oracle import Source


def test_deploy_stores_its_terms(aggregator: Any, deploy_feed: Any) -> None:
    feed = deploy_feed(Source(decimals=6, unit_exponent=-3, min_answer=5, max_answer=10**12))
    assert feed.AGGREGATOR() == aggregator.address
    assert (feed.DECIMALS(), feed.UNIT_EXPONENT()) == (6, -3)
    assert (feed.MIN_ANSWER(), feed.MAX_ANSWER()) == (5, 10**12)


@pytest.mark.parametrize("decimals", [19, 27, 255])
def test_deploy_more_than_18_decimals_reverts(
    deploy_refusal: Any, project: Any, deployer: Any, aggregator: Any, decimals: int
) -> None:
    aggregator.set_decimals(decimals, sender=deployer)
    assert deploy_refusal("ChainlinkFeed", aggregator, 0, 0, 0) == "feed: decimals"


@pytest.mark.parametrize("unit_exponent", [-19, 19, -(2**255), 2**255 - 1])
def test_deploy_unit_exponent_out_of_range_reverts(
    deploy_refusal: Any, project: Any, deployer: Any, aggregator: Any, unit_exponent: int
) -> None:
    assert deploy_refusal("ChainlinkFeed", aggregator, unit_exponent, 0, 0) == "feed: unit exponent"


@pytest.mark.parametrize(
    "min_answer, max_answer", [(-1, 0), (0, -1), (5, 5), (6, 5), (-(2**255), 2**255 - 1)]
)
def test_deploy_bounds_that_admit_nothing_revert(
    deploy_refusal: Any,
    project: Any,
    deployer: Any,
    aggregator: Any,
    min_answer: int,
    max_answer: int,
) -> None:
    assert deploy_refusal("ChainlinkFeed", aggregator, 0, min_answer, max_answer) == "feed: bounds"


def test_deploy_aggregator_without_code_reverts(
    deploy_refusal: Any, project: Any, deployer: Any
) -> None:
    assert deploy_refusal("ChainlinkFeed", deployer, 0, 0, 0) == ""


def test_deploy_aggregator_without_decimals_reverts(
    deploy_refusal: Any, project: Any, deployer: Any
) -> None:
    no_aggregator = deployer.deploy(project.GasCaller)
    assert deploy_refusal("ChainlinkFeed", no_aggregator, 0, 0, 0) == ""


@pytest.mark.parametrize(
    "terms",
    [
        {"decimals": 19},
        {"decimals": -1},
        {"decimals": 8, "unit_exponent": 19},
        {"decimals": 8, "min_answer": -1},
        {"decimals": 8, "min_answer": 5, "max_answer": 5},
    ],
)
def test_source_refuses_what_the_contract_refuses(terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="feed: "):
        Source(**terms)
