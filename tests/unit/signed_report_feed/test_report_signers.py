"""Who may sign, and who decides that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from team import Refused, Team, number_of

from seawall.spec.feeds import ReportFeed
from seawall.spec.oracle import NO_READING, Reading
from seawall.spec.state import Reverted
from seawall.spec.words import WAD

ZERO_ADDRESS = "0x" + 40 * "0"
OUTSIDER = 16

Form = Callable[..., Team]


def refusal(act: Callable[[], Any]) -> str:
    """Reason of a refused step."""
    with pytest.raises(Refused) as found:
        act()
    return str(found.value)


def lower(addresses: Any) -> list[str]:
    return [str(address).lower() for address in addresses]


def test_deploy_report_feed_stores_signers_and_threshold(team: Team, keys: list[Any]) -> None:
    addresses = [str(key.address).lower() for key in keys[:3]]
    assert lower(team.ask("signers")) == addresses
    assert team.ask("threshold") == 2
    assert [team.ask("is_signer", str(key.address)) for key in keys[:4]] == [True] * 3 + [False]


def test_deploy_report_feed_without_owner_reverts(deploy_refusal: Any, keys: list[Any]) -> None:
    signers = [str(keys[0].address)]
    assert deploy_refusal("SignedReportFeed", ZERO_ADDRESS, signers, 1) == "feed: owner"


@pytest.mark.parametrize(
    "count, threshold, reason",
    [(0, 0, "signers: count"), (3, 0, "signers: threshold"), (3, 4, "signers: threshold")],
)
def test_deploy_report_feed_bad_threshold_reverts(
    deploy_refusal: Any, deployer: Any, keys: list[Any], count: int, threshold: int, reason: str
) -> None:
    signers = [str(key.address) for key in keys[:count]]
    assert deploy_refusal("SignedReportFeed", deployer, signers, threshold) == reason


def test_deploy_report_feed_with_nobody_among_signers_reverts(
    deploy_refusal: Any, deployer: Any, keys: list[Any]
) -> None:
    signers = [ZERO_ADDRESS, str(keys[0].address)]
    refused = deploy_refusal("SignedReportFeed", deployer, signers, 1)
    assert refused == "signers: not ascending"


@pytest.mark.parametrize("places", [(1, 0), (0, 0), (0, 1, 1), (0, 2, 1)])
def test_set_signers_out_of_order_or_twice_is_refused(
    team: Team, keys: list[Any], places: tuple[int, ...]
) -> None:
    chosen = [keys[place] for place in places]
    assert refusal(lambda: team.set_signers(chosen, 1)) == "signers: not ascending"


@pytest.mark.parametrize("count, threshold", [(2, 3), (2, 0), (1, 2**256 - 1)])
def test_set_signers_threshold_out_of_range_is_refused(
    team: Team, keys: list[Any], count: int, threshold: int
) -> None:
    reason = refusal(lambda: team.set_signers(keys[:count], threshold))
    assert reason == "signers: threshold"


def test_set_signers_none_is_refused(team: Team) -> None:
    assert refusal(lambda: team.set_signers([], 0)) == "signers: count"


def test_set_signers_seventeen_is_refused(team: Team, keys: list[Any]) -> None:
    chosen = sorted(keys, key=number_of)
    assert len(chosen) == 17
    assert refusal(lambda: team.set_signers(chosen, 1)) == ""


def test_set_signers_by_a_stranger_is_refused(team: Team, keys: list[Any], stranger: Any) -> None:
    args = ([str(keys[0].address)], 1)
    reason = refusal(lambda: team.send(stranger, "set_signers", *args))
    assert reason == "ownable: caller is not the owner"


def test_set_signers_replaces_them(team: Team, keys: list[Any]) -> None:
    team.set_signers(keys[2:6], 3)
    assert lower(team.ask("signers")) == lower(key.address for key in keys[2:6])
    assert team.ask("threshold") == 3
    known = [team.ask("is_signer", str(key.address)) for key in keys[:7]]
    assert known == [False, False, True, True, True, True, False]


def test_set_signers_logs_old_and_new(team: Team, keys: list[Any]) -> None:
    logs = team.set_signers(keys[1:5], 4)["logs"]
    (signers,) = team.feed.events(logs, "SignersSet")
    assert lower(signers["old_signers"]) == lower(key.address for key in keys[:3])
    assert lower(signers["new_signers"]) == lower(key.address for key in keys[1:5])
    (threshold,) = team.feed.events(logs, "ThresholdSet")
    assert threshold == {"old_threshold": 2, "new_threshold": 4}


def test_submit_signature_of_a_removed_signer_is_refused(team: Team, keys: list[Any]) -> None:
    """A report that was signed by enough before one of them was removed."""
    report = team.report()
    pairs = team.signed(report, team.keys[:2])
    team.set_signers(keys[1:4], 2)
    assert refusal(lambda: team.submit(report, pairs)) == "report: unknown signer"
    # Those who stayed may sign the very same report.
    team.bring(report, [keys[1], keys[2]])
    assert team.latest().price == report.price


def test_submit_below_a_raised_threshold_is_refused(team: Team, keys: list[Any]) -> None:
    report = team.report()
    pairs = team.signed(report, team.keys[:2])
    team.set_signers(keys[:3], 3)
    assert refusal(lambda: team.submit(report, pairs)) == "report: too few signatures"


def test_latest_after_a_change_of_signers_is_no_price(team: Team, keys: list[Any]) -> None:
    """What a key signed that is being removed does not outlive it."""
    team.bring(team.report(3_000))
    team.set_signers(keys[1:4], 2)
    assert team.latest() == NO_READING
    fresh = team.report(2_900)
    team.bring(fresh, [keys[2], keys[3]])
    assert team.latest() == Reading(2_900 * WAD, fresh.published_at, fresh.half_width)


def test_submit_time_taken_before_a_change_of_signers_stays_taken(
    team: Team, keys: list[Any]
) -> None:
    first = team.report(3_000)
    team.bring(first)
    team.set_signers(keys[:3], 1)
    assert refusal(lambda: team.bring(first, [keys[0]])) == "report: not newer"
    assert team.ask("published_at") == first.published_at


def test_feed_transfer_of_ownership_takes_two_steps(team: Team, keeper: Any) -> None:
    team.send(None, "transfer_ownership", str(keeper.address))
    assert team.ask("owner") == team.owner.lower()
    team.send(keeper, "accept_ownership")
    assert team.ask("owner") == str(keeper.address).lower()


def test_feed_transfer_of_ownership_by_a_stranger_is_refused(team: Team, stranger: Any) -> None:
    reason = refusal(lambda: team.send(stranger, "transfer_ownership", str(stranger.address)))
    assert reason == "ownable: caller is not the owner"


@pytest.mark.parametrize("name", ["renounce_ownership", "_transfer_ownership"])
def test_feed_offers_no_way_to_lose_its_owner(project: Any, name: str) -> None:
    methods = project.SignedReportFeed.contract_type.methods
    assert name not in {method.name for method in methods}


def test_specification_refuses_more_signers_than_fit() -> None:
    with pytest.raises(Reverted) as found:
        ReportFeed((), 0).set_signers(range(1, 18), 1)
    assert found.value.reason == ""
