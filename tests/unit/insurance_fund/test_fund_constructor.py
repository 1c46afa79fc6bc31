"""What a fund is bound to, and that nobody owns it."""

from __future__ import annotations

from typing import Any

import pytest
from ape.api import AccountAPI
from room import COOLDOWN, UNCAPPED, Room

from seawall.spec.words import account_id

ZERO = "0x" + "00" * 20
PREDICTED = "0x" + "c1" * 20


def test_constructor_any_fund_states_what_it_is_bound_to(room: Room) -> None:
    fund = room.fund

    assert fund.asset() == room.token
    assert fund.clearinghouse() == room.book
    assert fund.fund_account() == account_id(fund.address)
    assert fund.cooldown_seconds() == COOLDOWN
    assert (fund.name(), fund.symbol()) == ("Seawall fund", "SWF")


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_constructor_any_decimals_gives_shares_six_more(
    rooms: dict[int, Room], decimals: int
) -> None:
    assert rooms[decimals].fund.decimals() == decimals + 6


def test_constructor_clearinghouse_without_code_deploys(
    project: Any, deployer: AccountAPI, room: Room
) -> None:
    fund = deployer.deploy(
        project.InsuranceFund, PREDICTED, room.token, "Early", "EAR", COOLDOWN, *UNCAPPED
    )

    assert fund.clearinghouse().lower() == PREDICTED


def test_constructor_no_clearinghouse_reverts(
    deploy_refusal: Any, project: Any, deployer: AccountAPI, room: Room
) -> None:
    assert (
        deploy_refusal("InsuranceFund", ZERO, room.token, "None", "NON", COOLDOWN, *UNCAPPED) == ""
    )


@pytest.mark.parametrize("cooldown", [0, 3599, 30 * 86400 + 1])
def test_constructor_cooldown_out_of_bounds_reverts(
    deploy_refusal: Any, project: Any, deployer: AccountAPI, room: Room, cooldown: int
) -> None:
    assert (
        deploy_refusal("InsuranceFund", room.book, room.token, "Odd", "ODD", cooldown, *UNCAPPED)
        == ""
    )


@pytest.mark.parametrize("cooldown", [3600, 30 * 86400])
def test_constructor_cooldown_at_bounds_deploys(
    project: Any, deployer: AccountAPI, room: Room, cooldown: int
) -> None:
    fund = deployer.deploy(
        project.InsuranceFund, room.book, room.token, "Edge", "EDG", cooldown, *UNCAPPED
    )

    assert fund.cooldown_seconds() == cooldown


def test_constructor_asset_of_19_decimals_reverts(
    deploy_refusal: Any, project: Any, deployer: AccountAPI, room: Room
) -> None:
    fine = deployer.deploy(project.Token, "Fine", "FIN", 19)

    assert (
        deploy_refusal("InsuranceFund", room.book, fine, "Fine", "FIN", COOLDOWN, *UNCAPPED) == ""
    )


def test_constructor_any_fund_has_no_owner_and_no_minter(room: Room) -> None:
    functions = {method.name for method in room.fund.contract_type.methods}

    assert functions.isdisjoint(
        {"owner", "transfer_ownership", "renounce_ownership", "set_minter", "is_minter", "burn"}
    )
    mints = [m for m in room.fund.contract_type.mutable_methods if m.name == "mint"]
    assert [[i.type for i in m.inputs] for m in mints] == [["uint256", "address"]]


def test_constructor_any_fund_stores_no_owner(room: Room, deployer: AccountAPI) -> None:
    """The token module's owner has the first slot of the storage layout."""
    assert bytes(deployer.provider.get_storage(room.fund.address, 0)) == bytes(32)
