"""Who owns the oracle."""

from __future__ import annotations

from typing import Any

import ape
import pytest

ZERO_ADDRESS = "0x" + 40 * "0"
MEMORY = 1_800, 86_400


def test_deploy_sets_owner(oracle: Any, owner: Any) -> None:
    assert oracle.owner() == owner
    assert oracle.pending_owner() == ZERO_ADDRESS


def test_deploy_without_owner_reverts(deploy_refusal: Any, project: Any, owner: Any) -> None:
    assert deploy_refusal("IndexOracle", ZERO_ADDRESS, *MEMORY, ZERO_ADDRESS, 0) == "oracle: owner"


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ((59, 86_400, ZERO_ADDRESS, 0), "oracle: seconds"),
        ((1_800, 30 * 86_400 + 1, ZERO_ADDRESS, 0), "oracle: seconds"),
        ((86_401, 86_400, ZERO_ADDRESS, 0), "oracle: seconds"),
        ((1_800, 86_400, ZERO_ADDRESS, 1), "oracle: grace"),
        ((1_800, 86_400, "0x" + 40 * "1", 0), "oracle: sequencer"),
        ((1_800, 86_400, "0x" + 40 * "1", 86_401), "oracle: grace"),
    ],
)
def test_deploy_out_of_bounds_reverts(
    deploy_refusal: Any, owner: Any, arguments: tuple[Any, ...], reason: str
) -> None:
    assert deploy_refusal("IndexOracle", owner, *arguments) == reason


def test_deploy_by_another_leaves_deployer_without_rights(
    project: Any, owner: Any, stranger: Any, mock_feeds: Any
) -> None:
    oracle = stranger.deploy(project.IndexOracle, owner, *MEMORY, ZERO_ADDRESS, 0)
    with ape.reverts("ownable: caller is not the owner"):
        oracle.set_feeds(1, (1, 0, 0), [(mock_feeds[0].address, 9, 9, False)], sender=stranger)


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


def test_set_sequencer_replaces_a_feed_that_broke(oracle: Any, owner: Any, mock_feeds: Any) -> None:
    receipt = oracle.set_sequencer(mock_feeds[0], 600, sender=owner)
    (event,) = receipt.events
    assert (event.event_name, event.uptime_feed, event.grace_seconds) == (
        "SequencerSet",
        mock_feeds[0].address,
        600,
    )
    assert tuple(oracle.sequencer()) == (mock_feeds[0].address, 600)
    oracle.set_sequencer(ZERO_ADDRESS, 0, sender=owner)
    assert tuple(oracle.sequencer()) == (ZERO_ADDRESS, 0)


def test_set_sequencer_by_stranger_reverts(oracle: Any, stranger: Any, mock_feeds: Any) -> None:
    with ape.reverts("ownable: caller is not the owner"):
        oracle.set_sequencer(mock_feeds[0], 600, sender=stranger)


@pytest.mark.parametrize("grace, reason", [(1, "oracle: grace"), (86_401, "oracle: grace")])
def test_set_sequencer_grace_out_of_bounds_reverts(
    oracle: Any, owner: Any, grace: int, reason: str
) -> None:
    with ape.reverts(reason):
        oracle.set_sequencer(ZERO_ADDRESS, grace, sender=owner)


def test_set_sequencer_without_code_reverts(oracle: Any, owner: Any, stranger: Any) -> None:
    with ape.reverts("oracle: sequencer"):
        oracle.set_sequencer(stranger, 600, sender=owner)
