"""Who sets terms, tokens and rights, and what the guardian may do."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.spec.words import (
    FUNDING,
    LISTED,
    LOSS,
    PAY,
    REDUCE_ONLY,
    TERMS,
    TRADE,
    WAD,
    WATERFALL,
    account_id,
)
from tests.unit.clearinghouse.mirror import BARE, USDC, Mirror, deploy_reason

NOT_OWNER = "ownable: caller is not the owner"
OPEN = TERMS.pack(oi_cap=WAD, min_notional=WAD, mode=LISTED)
NOBODY = "0x" + "00" * 20


def _setters(mirror: Mirror) -> dict[str, tuple[Any, ...]]:
    return {
        "set_market": (1, OPEN),
        "set_token": (0, mirror.stage.tokens[0][0], 1),
        "set_module": (mirror.venue, 0),
        "transfer_ownership": (mirror.venue,),
    }


def test_setters_by_anyone_but_the_owner_refused(
    mirror: Mirror, trader: Any, guardian: Any, keeper: Any
) -> None:
    for caller in (trader, guardian, keeper, mirror.venue, mirror.engine):
        for function, arguments in _setters(mirror).items():
            origin = caller if isinstance(caller, str) else str(caller.address)
            assert mirror.reason_of(origin, mirror.house, function, *arguments) == NOT_OWNER


def test_transfer_ownership_takes_two_steps(mirror: Mirror, trader: Any) -> None:
    owner = mirror.stage.owner
    mirror.send(owner, mirror.house, "transfer_ownership", str(trader.address))
    assert mirror.read(mirror.house, "owner") == owner.lower()
    assert mirror.reason_of(trader, mirror.house, "set_market", 1, OPEN) == NOT_OWNER
    mirror.send(trader, mirror.house, "accept_ownership")
    assert mirror.read(mirror.house, "owner") == trader.address.lower()
    assert mirror.reason_of(owner, mirror.house, "set_market", 1, OPEN) == NOT_OWNER


def test_renounce_ownership_is_not_offered(project: Any) -> None:
    names = {method.name for method in project.Clearinghouse.contract_type.mutable_methods}
    assert "renounce_ownership" not in names


# -- markets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("market_id", [1, 4, 127])
def test_set_market_lists_or_changes_terms(mirror: Mirror, market_id: int) -> None:
    before = mirror.read(mirror.house, "market_words", market_id)[2]
    receipt = mirror.act("set_market", mirror.stage.owner, market_id, OPEN)
    assert mirror.events(receipt, "MarketSet") == [
        {"market_id": market_id, "old_terms": before, "new_terms": OPEN}
    ]


@pytest.mark.parametrize("market_id", [0, 128, 255, 2**255, 2**256 - 1])
def test_set_market_of_an_id_out_of_range_refused(mirror: Mirror, market_id: int) -> None:
    mirror.refuse(BARE, "set_market", mirror.stage.owner, market_id, OPEN)


def test_restrict_by_guardian_or_owner_makes_reduce_only(mirror: Mirror, guardian: Any) -> None:
    with mirror.at("latest"):
        mirror.spec.set_module(str(guardian.address), 32)
    for market_id, caller in ((1, str(guardian.address)), (2, mirror.stage.owner)):
        before = mirror.read(mirror.house, "market_words", market_id)[2]
        receipt = mirror.act("restrict", caller, market_id)
        assert mirror.events(receipt, "MarketSet")[0]["new_terms"] == before | REDUCE_ONLY
        mirror.act("restrict", caller, market_id)
    mirror.act("set_market", mirror.stage.owner, 1, OPEN)


def test_restrict_by_anyone_else_refused(mirror: Mirror, trader: Any) -> None:
    everything_else = TRADE | PAY | FUNDING | LOSS | WATERFALL
    mirror.act("set_module", mirror.stage.owner, mirror.venue, everything_else)
    for caller in (trader, mirror.venue):
        mirror.refuse("module: no right", "restrict", caller, 1)


@pytest.mark.parametrize("market_id", [0, 4, 127, 128, 255, 2**255])
def test_restrict_of_an_unknown_market_refused(mirror: Mirror, market_id: int) -> None:
    mirror.refuse("market: unknown", "restrict", mirror.stage.owner, market_id)


def test_guardian_may_do_nothing_but_restrict(
    mirror: Mirror, guardian: Any, trader: Any, maker: Any
) -> None:
    pair = mirror.fund(trader, 1), account_id(maker.address)
    calls: dict[str, tuple[Any, ...]] = {
        "trade": (1, []),
        "pay": (*pair, 0, 1),
        "set_funding_rate": (1, 0),
        "write_off": (pair[0],),
        "heal": (1,),
    }
    for function, arguments in calls.items():
        mirror.refuse("module: no right", function, guardian, *arguments)


# -- modules ---------------------------------------------------------------------------------


def test_set_module_grants_and_revokes(mirror: Mirror, keeper: Any) -> None:
    module = str(keeper.address)
    for old, new in ((0, 63), (63, 1), (1, 0)):
        receipt = mirror.act("set_module", mirror.stage.owner, module, new)
        assert mirror.read(mirror.house, "modules", module) == new
        assert mirror.events(receipt, "ModuleSet") == [
            {"module": module.lower(), "old_verbs": old, "new_verbs": new}
        ]
    mirror.refuse("module: no right", "heal", keeper, 0)


@pytest.mark.parametrize("verbs", [128, 2**255, 2**256 - 1])
def test_set_module_of_an_unknown_verb_refused(mirror: Mirror, keeper: Any, verbs: int) -> None:
    mirror.refuse(BARE, "set_module", mirror.stage.owner, str(keeper.address), verbs)


# -- tokens ----------------------------------------------------------------------------------


def test_set_token_lists_with_the_tokens_own_decimals(
    mirror: Mirror, project: Any, deployer: Any
) -> None:
    token = deployer.deploy(project.Token, "Eighth", "EIG", 4)
    house, owner = mirror.house, mirror.stage.owner
    receipt = mirror.send(owner, house, "set_token", 8, str(token.address), 77)
    word = mirror.read(house, "token_word", 8)
    assert word == int(token.address, 16) << 96 | 4 << 88 | 77
    assert mirror.events(receipt, "TokenSet") == [
        {"token_id": 8, "asset": token.address.lower(), "old_limits": 0, "new_limits": 77}
    ]
    receipt = mirror.send(owner, house, "set_token", 8, str(token.address), 5)
    event = mirror.events(receipt, "TokenSet")[0]
    assert (event["old_limits"], event["new_limits"]) == (77, 5)
    assert mirror.read(house, "token_word", 8) == word - 72


def test_set_token_never_changes_the_asset(mirror: Mirror) -> None:
    owner, other = mirror.stage.owner, mirror.stage.tokens[1][0]
    for token_id in (0, 2):
        mirror.refuse_unmodelled(BARE, "set_token", owner, token_id, other, 1)


@pytest.mark.parametrize("token_id", [9, 127, 2**255])
def test_set_token_of_an_id_out_of_range_refused(mirror: Mirror, token_id: int) -> None:
    asset = mirror.stage.tokens[1][0]
    mirror.refuse_unmodelled(BARE, "set_token", mirror.stage.owner, token_id, asset, 1)


def test_set_token_of_no_token_or_too_many_decimals_refused(
    mirror: Mirror, project: Any, deployer: Any, trader: Any
) -> None:
    token = deployer.deploy(project.Token, "Fine", "FINE", 19)
    for asset in (NOBODY, str(trader.address), mirror.stage.oracle, str(token.address)):
        mirror.refuse_unmodelled(BARE, "set_token", mirror.stage.owner, 5, asset, 1)


@pytest.mark.parametrize("cap", [2**88, 2**255])
def test_set_token_of_a_cap_beyond_its_word_refused(mirror: Mirror, cap: int) -> None:
    asset = mirror.stage.tokens[0][0]
    mirror.refuse_unmodelled(BARE, "set_token", mirror.stage.owner, 0, asset, cap)


def test_set_token_listed_twice_keeps_both_amounts_backed(mirror: Mirror, trader: Any) -> None:
    # The settlement token as collateral too: two ledgers, one balance.
    asset = mirror.stage.tokens[0][0]
    mirror.send(mirror.stage.owner, mirror.house, "set_token", 4, asset, 10**9)
    mirror.spec.set_token(4, asset, 6, 10**9)
    account = mirror.fund(trader, 5)
    mirror.act("deposit", trader, account, 4, 3 * USDC)
    assert mirror.balance(mirror.stage.house) == 8 * USDC
    mirror.act("withdraw", trader, account, 0, 5 * USDC, str(trader.address))
    mirror.act("withdraw", trader, account, 4, 3 * USDC, str(trader.address))
    assert mirror.balance(mirror.stage.house) == 0


# -- deployment ------------------------------------------------------------------------------


def test_deploy_without_owner_or_fund_refused(project: Any, deployer: Any, mirror: Mirror) -> None:
    asset = mirror.stage.tokens[0][0]
    parts = (asset, 1, mirror.stage.model, mirror.stage.oracle)
    one, house, rpc = str(deployer.address), project.Clearinghouse, mirror.rpc
    assert deploy_reason(rpc, house, *parts, NOBODY, one, one) == "clearinghouse: no fund"
    assert deploy_reason(rpc, house, *parts, one, one, NOBODY) == "clearinghouse: no owner"
    assert deploy_reason(rpc, house, *parts, one, one, one) is None


def test_deploy_names_model_oracle_and_fee_account(mirror: Mirror, venue_system: Any) -> None:
    house = mirror.house
    assert mirror.read(house, "MARGIN_MODEL") == mirror.stage.model.lower()
    assert mirror.read(house, "INDEX_ORACLE") == mirror.stage.oracle.lower()
    fund = account_id(str(venue_system.insurance_fund.address))
    assert mirror.read(house, "FEE_ACCOUNT") == fund
