"""`cancel` and `cancel_below`: who may, what is left behind."""

from __future__ import annotations

from typing import Any

import ape
import pytest
from eth_account import Account
from venue import MARKET, Venue

from seawall.client.orders import as_tuple, new_salt, salt_at, sign
from seawall.spec.orders import CANCELLED
from seawall.spec.words import WAD, account_id


def test_cancel_by_owner_marks_and_logs_each_order(venue: Venue, trader: Any) -> None:
    orders = [venue.direct(trader, WAD), venue.direct(trader, -WAD)]
    receipt = venue.exchange.cancel([as_tuple(o.order) for o in orders], sender=trader)
    assert [venue.filled(order) for order in orders] == [CANCELLED, CANCELLED]
    logs = receipt.decode_logs(venue.exchange.OrderCancelled)
    expected = [(venue.digest(order), order.order.account) for order in orders]
    assert [(bytes(log.digest), log.account) for log in logs] == expected


def test_cancel_twice_logs_once(venue: Venue, trader: Any) -> None:
    order = as_tuple(venue.order(trader, WAD))
    venue.exchange.cancel([order], sender=trader)
    receipt = venue.exchange.cancel([order, order], sender=trader)
    assert not receipt.decode_logs(venue.exchange.OrderCancelled)


def test_cancel_by_operator_is_not_bound_by_size(venue: Venue, trader: Any, operator: Any) -> None:
    order = venue.direct(trader, 100 * WAD)
    venue.clearinghouse.allow(order.order.account, operator, MARKET, 1, sender=venue.keeper)
    venue.exchange.cancel([as_tuple(order.order)], sender=operator)
    assert venue.filled(order) == CANCELLED


def test_cancel_by_operator_of_other_market_reverts(
    venue: Venue, trader: Any, operator: Any
) -> None:
    order = venue.order(trader, WAD)
    venue.clearinghouse.allow(order.account, operator, 2, WAD, sender=venue.keeper)
    with ape.reverts("account: not yours"):
        venue.exchange.cancel([as_tuple(order)], sender=operator)


def test_cancel_by_stranger_reverts_whole_list(venue: Venue, trader: Any, stranger: Any) -> None:
    own = venue.direct(stranger, WAD)
    others = venue.direct(trader, WAD)
    with ape.reverts("account: not yours"):
        venue.exchange.cancel([as_tuple(own.order), as_tuple(others.order)], sender=stranger)
    assert venue.filled(own) == 0


def test_cancel_of_nothing_does_nothing(venue: Venue, stranger: Any) -> None:
    receipt = venue.exchange.cancel([], sender=stranger)
    assert not receipt.decode_logs(venue.exchange.OrderCancelled)


def test_cancel_stays_open_where_the_market_is_closed(venue: Venue, trader: Any) -> None:
    order = venue.direct(trader, WAD, market_id=99)
    venue.exchange.cancel([as_tuple(order.order)], sender=trader)
    assert venue.filled(order) == CANCELLED


def test_cancel_twenty_orders_of_two_sub_accounts(venue: Venue, trader: Any) -> None:
    orders = [
        venue.order(trader, WAD, account=account_id(trader.address, n % 2)) for n in range(20)
    ]
    receipt = venue.exchange.cancel([as_tuple(order) for order in orders], sender=trader)
    assert len(receipt.decode_logs(venue.exchange.OrderCancelled)) == 20


def test_cancel_below_raises_salt_and_logs(venue: Venue, trader: Any) -> None:
    account = account_id(trader.address)
    receipt = venue.exchange.cancel_below(account, 7, sender=trader)
    assert venue.exchange.min_salt(account) == 7
    logs = receipt.decode_logs(venue.exchange.SaltRaised)
    assert [(log.account, log.salt) for log in logs] == [(account, 7)]


@pytest.mark.parametrize("salt", [0, 6, 7])
def test_cancel_below_not_above_reverts(venue: Venue, trader: Any, salt: int) -> None:
    account = account_id(trader.address)
    venue.exchange.cancel_below(account, 7, sender=trader)
    with ape.reverts("salt: not above"):
        venue.exchange.cancel_below(account, salt, sender=trader)


def test_cancel_below_leaves_other_sub_accounts(venue: Venue, trader: Any) -> None:
    venue.exchange.cancel_below(account_id(trader.address, 1), 7, sender=trader)
    assert venue.exchange.min_salt(account_id(trader.address)) == 0


def test_cancel_below_by_operator_reverts(venue: Venue, trader: Any, operator: Any) -> None:
    account = account_id(trader.address)
    venue.clearinghouse.allow(account, operator, MARKET, WAD, sender=venue.keeper)
    with ape.reverts("account: not yours"):
        venue.exchange.cancel_below(account, 7, sender=operator)


def test_cancel_below_a_time_spares_later_orders(venue: Venue, trader: Any, relayer: Any) -> None:
    key = Account.from_key(trader.private_key)
    now = 1_700_000_000_000
    old, new = (
        sign(venue.order(trader, WAD, salt=new_salt(ms)), venue.domain, key)
        for ms in (now - 1, now)
    )
    venue.exchange.cancel_below(account_id(trader.address), salt_at(now), sender=trader)
    venue.check_refused(old, [venue.maker("maker", -WAD)], relayer, "order: salt")
    venue.check_match(new, [venue.maker("maker", -WAD)], relayer)
