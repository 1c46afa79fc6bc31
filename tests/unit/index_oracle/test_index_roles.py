"""Who may halt a market, and who fixes prices."""

from __future__ import annotations

from typing import Any

import ape
import pytest

ETH = 7
ZERO_ADDRESS = "0x" + 40 * "0"


def test_set_roles_names_both(oracle: Any, owner: Any, keeper: Any, stranger: Any) -> None:
    receipt = oracle.set_roles(keeper, stranger, sender=owner)
    assert (oracle.guardian(), oracle.delister()) == (keeper, stranger)
    (event,) = receipt.decode_logs(oracle.RolesSet)
    assert (event.guardian, event.delister) == (keeper, stranger)


def test_set_roles_to_nobody_takes_them_away(oracle: Any, owner: Any, keeper: Any) -> None:
    oracle.set_roles(keeper, keeper, sender=owner)
    oracle.set_roles(ZERO_ADDRESS, ZERO_ADDRESS, sender=owner)
    with ape.reverts("oracle: not the guardian"):
        oracle.halt(ETH, sender=keeper)
    with ape.reverts("oracle: not the delister"):
        oracle.fix_price(ETH, False, sender=keeper)


def test_set_roles_by_stranger_reverts(oracle: Any, stranger: Any) -> None:
    with ape.reverts("ownable: caller is not the owner"):
        oracle.set_roles(stranger, stranger, sender=stranger)


@pytest.mark.parametrize("function", ("halt", "lift_halt"))
def test_halts_by_stranger_revert(oracle: Any, stranger: Any, function: str) -> None:
    with ape.reverts("oracle: not the guardian"):
        getattr(oracle, function)(ETH, sender=stranger)


def test_release_exits_by_guardian_reverts(oracle: Any, owner: Any, keeper: Any) -> None:
    oracle.set_roles(keeper, owner, sender=owner)
    with ape.reverts("oracle: not the delister"):
        oracle.release_exits(ETH, sender=keeper)


def test_fix_price_by_owner_reverts(oracle: Any, owner: Any, keeper: Any) -> None:
    """The owner chooses the delister, by its delay, but is none itself."""
    oracle.set_roles(keeper, keeper, sender=owner)
    with ape.reverts("oracle: not the delister"):
        oracle.fix_price(ETH, False, sender=owner)
