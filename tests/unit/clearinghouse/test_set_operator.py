"""Operators: for how long, in which markets, up to which size, and never for a way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from seawall.client.orders import Domain, Order, SignedOrder, direct, sign
from seawall.deployed import System
from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import BARE, Deployed, Mirror

MARKETS = 1 << 1 | 1 << 127
MOST = 3 * WAD
NOT_YOURS = "account: not yours"


def _may(mirror: Mirror, *args: Any) -> bool:
    """The contract's answer, which must be the specification's."""
    answer = bool(mirror.read(mirror.house, "may_act", *args))
    account, actor, market_id, size = args
    with mirror.at("latest"):
        assert mirror.spec.may_act(account, int(actor, 16), market_id, size) == answer
    return answer


@pytest.fixture
def until(mirror: Mirror) -> int:
    return mirror.rpc.timestamp() + 1_000


@pytest.fixture
def account(mirror: Mirror, trader: Any, keeper: Any, until: int) -> int:
    """An account whose owner made the keeper an operator in markets 1 and 127."""
    mirror.act("set_operator", trader, str(keeper.address), until, MARKETS, MOST)
    return account_id(trader.address, 12)


def test_set_operator_logs_what_was_allowed(mirror: Mirror, trader: Any, keeper: Any) -> None:
    receipt = mirror.act("set_operator", trader, str(keeper.address), 7, MARKETS, MOST)
    assert mirror.events(receipt, "OperatorSet") == [
        {
            "owner": trader.address.lower(),
            "operator": keeper.address.lower(),
            "until": 7,
            "markets": MARKETS,
            "max_size": MOST,
        }
    ]


def test_may_act_of_the_owner_is_unlimited(mirror: Mirror, trader: Any) -> None:
    account = account_id(trader.address, 2**96 - 1)
    for market_id, size in ((0, 0), (1, 2**255 - 1), (2**255, -(2**254))):
        assert _may(mirror, account, str(trader.address), market_id, size)


def test_may_act_of_an_operator_within_markets_and_size(
    mirror: Mirror, account: int, keeper: Any
) -> None:
    operator = str(keeper.address)
    for size in (MOST, -MOST, 0):
        assert _may(mirror, account, operator, 1, size)
        assert _may(mirror, account, operator, 127, size)
    for size in (MOST + 1, -MOST - 1, 2**255 - 1, -(2**255) + 1):
        assert not _may(mirror, account, operator, 1, size)
    for market_id in (0, 2, 126, 128, 129, 255, 256, 257, 2**255, 2**256 - 1):
        assert not _may(mirror, account, operator, market_id, 1)


def test_may_act_of_the_lowest_size_refused(mirror: Mirror, account: int, keeper: Any) -> None:
    # It has no magnitude; no order can be of this size.
    args = (account, str(keeper.address), 1, -(2**255))
    assert mirror.reason_of(keeper, mirror.house, "may_act", *args) == BARE


def test_may_act_of_an_operator_for_all_sub_accounts_of_the_owner_alone(
    mirror: Mirror, account: int, keeper: Any, maker: Any
) -> None:
    operator = str(keeper.address)
    assert _may(mirror, account + 1, operator, 1, MOST)
    assert not _may(mirror, account_id(maker.address, 12), operator, 1, MOST)
    assert not _may(mirror, 12, operator, 1, MOST)


def test_may_act_of_an_operator_ends_after_its_last_second(
    mirror: Mirror, account: int, keeper: Any, until: int
) -> None:
    operator = str(keeper.address)
    mirror.later(until - mirror.rpc.timestamp())
    assert _may(mirror, account, operator, 1, WAD)
    mirror.later(1)
    assert not _may(mirror, account, operator, 1, WAD)


def test_set_operator_until_zero_revokes(
    mirror: Mirror, account: int, trader: Any, keeper: Any
) -> None:
    mirror.act("set_operator", trader, str(keeper.address), 0, MARKETS, MOST)
    assert not _may(mirror, account, str(keeper.address), 1, 0)


def test_set_operator_of_nobody_refused(mirror: Mirror, trader: Any) -> None:
    mirror.refuse(BARE, "set_operator", trader, "0x" + "00" * 20, 1, 1, 1)


@pytest.mark.parametrize(
    "until, markets, most",
    [(2**40, 1, 1), (2**256 - 1, 1, 1), (1, 2**128, 1), (1, 1, 2**88), (1, 1, 2**255)],
)
def test_set_operator_beyond_its_word_refused(
    mirror: Mirror, trader: Any, keeper: Any, until: int, markets: int, most: int
) -> None:
    mirror.refuse(BARE, "set_operator", trader, str(keeper.address), until, markets, most)


# -- through the real Exchange ---------------------------------------------------------------


@pytest.fixture
def maker_key() -> LocalAccount:
    return Account.from_key("0x" + "5a" * 32)


@pytest.fixture
def trade(
    mirror: Mirror, venue_system: System, maker: Any, maker_key: LocalAccount
) -> Callable[..., str | None]:
    """trade(account, sender, size, market): reason why a direct order is refused, None if not."""
    exchange = Deployed(str(venue_system.exchange.address), "Exchange")
    chain_id = int(mirror.rpc.call("eth_chainId"), 16)
    domain = Domain(chain_id, exchange.address)
    rich = account_id(maker_key.address)
    mirror.act("deposit", maker, rich, 0, 10**12)

    def act(account: int, sender: Any, size: int, market_id: int = 1) -> str | None:
        price = 40_000 * WAD
        expiry = mirror.rpc.timestamp() + 3_600
        salt = mirror.rpc.block_number()
        taker = direct(Order(account, market_id, size, price, expiry, salt))
        made: SignedOrder = sign(
            Order(rich, market_id, -size, price, expiry, salt), domain, maker_key
        )
        call = (taker.as_tuple(), [made.as_tuple()])
        reason = mirror.reason_of(sender, exchange, "match", *call)
        if reason is None:
            mirror.send(sender, exchange, "match", *call)
        return reason

    return act


def test_match_by_an_operator_trades_for_the_account(
    mirror: Mirror, account: int, trader: Any, keeper: Any, trade: Callable[..., str | None]
) -> None:
    mirror.act("deposit", trader, account, 0, 10**12)
    assert trade(account, keeper, WAD) is None
    assert trade(account, keeper, -3 * WAD) is None
    assert mirror.size(account) == -2 * WAD


def test_match_by_an_operator_beyond_its_limits_refused(
    mirror: Mirror,
    account: int,
    trader: Any,
    keeper: Any,
    until: int,
    trade: Callable[..., str | None],
) -> None:
    mirror.act("deposit", trader, account, 0, 10**12)
    assert trade(account, keeper, MOST + 10**12) == NOT_YOURS
    assert trade(account, keeper, WAD, 2) == NOT_YOURS
    mirror.later(until - mirror.rpc.timestamp() + 1)
    assert trade(account, keeper, WAD) == NOT_YOURS
    assert mirror.bitmap(account) == []


def test_match_by_a_stranger_refused(
    mirror: Mirror, account: int, trader: Any, stranger: Any, trade: Callable[..., str | None]
) -> None:
    mirror.act("deposit", trader, account, 0, 10**12)
    assert trade(account, stranger, WAD) == NOT_YOURS
