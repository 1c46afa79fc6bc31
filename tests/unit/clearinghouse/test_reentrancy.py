"""Callbacks of a token in the middle of an action: every way back in is shut, views included."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import decode
from eth_account import Account

from seawall.client.orders import Domain, Order, sign
from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import BARE, USDC, Deployed, Mirror

VERBS = 31
#: function -> arguments of a call by the token; outside it passes, or is refused with a reason.
REENTRIES: dict[str, Any] = {
    "deposit": lambda own, other, owner: (own, 0, 1),
    "withdraw": lambda own, other, owner: (own, 0, 1, owner),
    "transfer": lambda own, other, owner: (own, other, 1),
    "set_operator": lambda own, other, owner: (owner, 1, 1, 1),
    "settle": lambda own, other, owner: (own, 1),
    "trade": lambda own, other, owner: (1, []),
    "pay": lambda own, other, owner: (own, other, 0, 1),
    "set_funding_rate": lambda own, other, owner: (1, 0),
    "heal": lambda own, other, owner: (1,),
    "write_off": lambda own, other, owner: (own,),
    "restrict": lambda own, other, owner: (1,),
    "set_token": lambda own, other, owner: (0, owner, 1),
    "set_module": lambda own, other, owner: (owner, 1),
    "portfolio": lambda own, other, owner: (own,),
    "account_word": lambda own, other, owner: (own,),
    "position_word": lambda own, other, owner: (own, 1),
    "market_words": lambda own, other, owner: (1,),
    "side_word": lambda own, other, owner: (1, 1, 0),
    "token_word": lambda own, other, owner: (0,),
    "collateral_of": lambda own, other, owner: (own, 1),
    "may_act": lambda own, other, owner: (own, owner, 1, 1),
    "totals": lambda own, other, owner: (),
    "modules": lambda own, other, owner: (owner,),
    "check_nonreentrant": lambda own, other, owner: (),
}


@pytest.fixture
def hooked(bare: Any, project: Any, deployer: Any, trader: Any) -> tuple[Mirror, Deployed, int]:
    """A Clearinghouse around a token that calls back, holds every right and has an account."""
    token = deployer.deploy(project.ReentrantToken, "Hooked", "HOOK", 6)
    mirror = bare(token)
    mirror.act("set_module", mirror.stage.owner, str(token.address), VERBS)
    mirror.act("deposit", trader, account_id(str(token.address)), 0, USDC)
    return mirror, Deployed(str(token.address), "ReentrantToken"), mirror.fund(trader, 5)


def _arm(mirror: Mirror, token: Deployed, target: str, data: bytes, before: bool = False) -> None:
    mirror.send(mirror.stage.owner, token, "set_call", target, data, False, before)


def _require_locked(mirror: Mirror, token: Deployed, calls: int, what: str) -> None:
    """The last callback was made, and failed bare as only the lock does."""
    assert mirror.read(token, "calls") == calls, what
    assert not mirror.read(token, "success"), what
    answer = mirror.rpc.view(token.address, token.encode("answer"))
    assert decode(["bytes"], answer)[0] == b"", what


def test_deposit_and_withdraw_refuse_every_reentry(
    hooked: tuple[Mirror, Deployed, int], trader: Any, maker: Any
) -> None:
    mirror, token, account = hooked
    own, other, owner = account_id(token.address), account_id(maker.address), str(trader.address)
    calls, passing = 0, 0
    for function, arguments in REENTRIES.items():
        args = arguments(own, other, owner)
        outside = mirror.reason_of(token.address, mirror.house, function, *args)
        assert outside != BARE, function
        passing += outside is None
        for before in (True, False):
            _arm(mirror, token, mirror.stage.house, mirror.house.encode(function, *args), before)
            mirror.send(trader, mirror.house, "deposit", account, 0, USDC)
            calls += 1
            _require_locked(mirror, token, calls, function)
            mirror.send(trader, mirror.house, "withdraw", account, 0, USDC, owner)
            calls += 1
            _require_locked(mirror, token, calls, function)
    assert passing > len(REENTRIES) // 2
    mirror.compare()


def test_deposit_with_a_reentry_that_is_not_caught_reverts_everything(
    hooked: tuple[Mirror, Deployed, int], trader: Any
) -> None:
    mirror, token, account = hooked
    data = mirror.house.encode("withdraw", account_id(token.address), 0, 1, token.address)
    mirror.send(trader, token, "set_call", mirror.stage.house, data, True, False)
    mirror.refuse_unmodelled(BARE, "deposit", trader, account, 0, USDC)
    mirror.refuse_unmodelled(BARE, "withdraw", trader, account, 0, USDC, str(trader.address))
    mirror.compare()


def test_deposit_refuses_reentry_through_exchange_lens_and_fund(
    mirror: Mirror, project: Any, deployer: Any, trader: Any, venue_system: Any
) -> None:
    instance = deployer.deploy(project.ReentrantToken, "Hooked", "HOOK", 18)
    token = Deployed(str(instance.address), "ReentrantToken")
    mirror.send(mirror.stage.owner, mirror.house, "set_token", 3, token.address, 10**9)
    account = account_id(trader.address)
    mirror.send(trader, token, "mint", str(trader.address), 10 * WAD)
    mirror.send(trader, token, "approve", mirror.stage.house, 10 * WAD)
    lens = Deployed(str(venue_system.lens.address), "Lens")
    fund = Deployed(str(venue_system.insurance_fund.address), "InsuranceFund")
    exchange = Deployed(str(venue_system.exchange.address), "Exchange")
    calls = [
        (lens, lens.encode("health", account)),
        (lens, lens.encode("conservation", [1])),
        (fund, fund.encode("totalAssets")),
        (exchange, _signed_match(mirror, trader, exchange)),
    ]
    for number, (contract, data) in enumerate(calls, 1):
        mirror.rpc.view(contract.address, data, token.address)
        _arm(mirror, token, contract.address, data)
        mirror.send(trader, mirror.house, "deposit", account, 3, WAD)
        _require_locked(mirror, token, number, contract.address)
    assert mirror.read(mirror.house, "collateral_of", account, 3) == len(calls) * WAD


def _signed_match(mirror: Mirror, payer: Any, exchange: Deployed) -> bytes:
    """A match of two signed orders of funded accounts, which anyone may send."""
    chain_id = int(mirror.rpc.call("eth_chainId"), 16)
    domain = Domain(chain_id, exchange.address)
    expiry = mirror.rpc.timestamp() + 3_600
    orders = []
    for key, size in (("0x" + "1b" * 32, WAD), ("0x" + "2c" * 32, -WAD)):
        signer = Account.from_key(key)
        account = account_id(signer.address)
        mirror.act("deposit", payer, account, 0, 10**12)
        order = Order(account, 1, size, 40_000 * WAD, expiry, salt=1)
        orders.append(sign(order, domain, signer).as_tuple())
    return exchange.encode("match", orders[0], orders[1:])


def test_check_nonreentrant_answers_outside_of_an_action(mirror: Mirror) -> None:
    assert mirror.rpc.view(mirror.stage.house, mirror.house.encode("check_nonreentrant")) == b""
