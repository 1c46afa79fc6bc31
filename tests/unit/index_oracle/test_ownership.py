"""Who owns the oracle."""

from __future__ import annotations

from typing import Any

import ape
import pytest

ZERO_ADDRESS = "0x" + 40 * "0"


def test_deploy_sets_owner(oracle: Any, owner: Any) -> None:
    assert oracle.owner() == owner
    assert oracle.pending_owner() == ZERO_ADDRESS


def test_deploy_without_owner_reverts(deploy_refusal: Any, project: Any, owner: Any) -> None:
    assert deploy_refusal("IndexOracle", ZERO_ADDRESS) == "oracle: owner"


def test_deploy_by_another_leaves_deployer_without_rights(
    project: Any, owner: Any, stranger: Any, mock_feeds: Any
) -> None:
    oracle = stranger.deploy(project.IndexOracle, owner)
    with ape.reverts("ownable: caller is not the owner"):
        oracle.set_feeds(1, 1, [(mock_feeds[0].address, 60)], sender=stranger)


def test_transfer_ownership_takes_two_steps(oracle: Any, owner: Any, keeper: Any) -> None:
    oracle.transfer_ownership(keeper, sender=owner)
    assert (oracle.owner(), oracle.pending_owner()) == (owner, keeper)
    oracle.accept_ownership(sender=keeper)
    assert (oracle.owner(), oracle.pending_owner()) == (keeper, ZERO_ADDRESS)


def test_transfer_ownership_by_stranger_reverts(oracle: Any, stranger: Any) -> None:
    with ape.reverts("ownable: caller is not the owner"):
        oracle.transfer_ownership(stranger, sender=stranger)


def test_accept_ownership_by_stranger_reverts(oracle: Any, owner: Any, stranger: Any) -> None:
    oracle.transfer_ownership(owner, sender=owner)
    with ape.reverts("ownable_2step: caller is not the new owner"):
        oracle.accept_ownership(sender=stranger)


@pytest.mark.parametrize("name", ["renounce_ownership", "_transfer_ownership"])
def test_oracle_offers_no_way_to_lose_owner(oracle: Any, name: str) -> None:
    assert name not in {method.name for method in oracle.contract_type.methods}
