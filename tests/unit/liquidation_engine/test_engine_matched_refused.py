"""What a slice to signed orders is refused for, from contract and specification alike."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from shapes import BTC, ETH, one_leg, two_legs

from seawall.client.orders import SignedOrder, sign
from seawall.spec.scenarios import Terms
from seawall.spec.words import LOT, PPM, TICK, WAD
from tests.desk import Refused
from tests.matching_desk import MatchingDesk, signer_of
from tests.risk_desk import PORTFOLIO, activate, choose_mode, rising

NINE_TENTHS = "0.9"


@pytest.fixture
def account(matching_desk: MatchingDesk, trader: Any, maker: Any) -> int:
    """Long a hundred ETH at nine tenths of its maintenance margin."""
    return one_leg(matching_desk, trader, maker, NINE_TENTHS, size=100)


@pytest.fixture
def order(matching_desk: MatchingDesk, account: int) -> SignedOrder:
    """An order at the index that takes the slice whole."""
    matching_desk.rich("rival")
    return matching_desk.order("rival", ETH, matching_desk.plan_step(account).size)


def spoilt(desk: MatchingDesk, order: SignedOrder, **over: Any) -> SignedOrder:
    """The order with something else in it, signed anew by its owner."""
    return sign(replace(order.order, **over), desk.domain, signer_of("rival"))


@pytest.mark.parametrize(
    ("over", "reason"),
    (
        ({"market_id": BTC}, "order: market"),
        ({"size": 0}, "order: size"),
        ({"size": WAD + 1}, "order: size"),
        ({"size": -WAD}, "order: side"),
        ({"limit_price": 0}, "order: price"),
        ({"limit_price": 3_000 * WAD + 1}, "order: price"),
        ({"trigger_price": TICK}, "order: has trigger"),
    ),
)
def test_liquidate_matched_order_that_is_wrong_in_every_block_reverts(
    matching_desk: MatchingDesk,
    account: int,
    keeper: Any,
    order: SignedOrder,
    over: dict[str, Any],
    reason: str,
) -> None:
    desk = matching_desk
    makers = [spoilt(desk, order, **over), order]
    assert desk.mismatch(account, desk.account(keeper), makers) == reason


def test_liquidate_matched_order_signed_by_a_stranger_reverts(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    forged = sign(order.order, desk.domain, signer_of("thief"))
    found = desk.mismatch(account, desk.account(keeper), [forged], signers=["thief"])
    assert found == "order: signature"


def test_liquidate_matched_cancelled_order_is_not_filled(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    rival = signer_of("rival")
    desk.rpc.call("anvil_setBalance", rival.address, hex(WAD))
    desk.rpc.call("anvil_impersonateAccount", rival.address)
    signed = desk.specified(order)
    desk.send(rival.address, desk.exchange, "cancel", [order.as_tuple()[0]])
    desk.venue.cancel(int(rival.address, 16), [(signed.order, signed.digest)])
    assert desk.mismatch(account, desk.account(keeper), [order]) == "order: cancelled"


def test_liquidate_matched_order_below_the_salt_is_not_filled(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    rival = signer_of("rival")
    desk.rpc.call("anvil_setBalance", rival.address, hex(WAD))
    desk.rpc.call("anvil_impersonateAccount", rival.address)
    maker, salt = order.order.account, order.order.salt + 1
    desk.send(rival.address, desk.exchange, "cancel_below", maker, salt)
    desk.venue.cancel_below(int(rival.address, 16), maker, salt)
    assert desk.mismatch(account, desk.account(keeper), [order]) == "order: salt"


def test_liquidate_matched_own_order_of_the_account_reverts(
    matching_desk: MatchingDesk, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, signer_of("owner"), maker, NINE_TENTHS, size=100)
    own = desk.order("owner", ETH, desk.plan_step(account).size, worse=-10_000)
    assert own.order.account == account
    assert desk.mismatch(account, desk.account(keeper), [own]) == "order: self match"


def test_liquidate_matched_maker_without_margin_reverts(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    """Who called chose the orders: without that one his call goes through."""
    desk = matching_desk
    taker = desk.account(keeper)
    poor = desk.order("poor", ETH, order.order.size)
    desk.deposit(poor.order.account, 10)
    assert desk.mismatch(account, taker, [poor, order]) == "margin: below initial"
    desk.match(account, taker, [order])


def test_liquidate_matched_not_enough_orders_reverts(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    taker = desk.account(keeper)
    short = spoilt(desk, order, size=order.order.size - LOT)
    assert desk.mismatch(account, taker, [short]) == "order: not filled"
    assert desk.mismatch(account, taker, []) == "order: not filled"


def test_liquidate_matched_limit_below_a_lot_is_refused(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    limit = LOT * 3_000 - 1
    found = desk.mismatch(account, desk.account(keeper), [order], limit)
    assert found == "liquidation: over limit"


def test_liquidate_matched_healthy_account_is_refused(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    desk.index(ETH, 3_100)
    assert desk.mismatch(account, desk.account(keeper), [order]) == "liquidation: healthy"


def test_liquidate_matched_bankrupt_account_is_refused(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    desk = matching_desk
    desk.index(ETH, 2_000)
    assert desk.mismatch(account, desk.account(keeper), [order]) == "liquidation: bankrupt"


def test_liquidate_matched_stale_index_is_refused(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = one_leg(desk, trader, maker, "0.3")
    desk.silence(ETH)
    order = desk.order("rival", ETH, WAD)
    found = desk.mismatch(account, desk.account(keeper), [order])
    assert found == "liquidation: price stale"


def test_liquidate_matched_beside_a_stale_leg_takes_the_other(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    account = two_legs(desk, trader, maker, "0.7")
    desk.silence(BTC)
    desk.index(ETH, 3_010)
    desk.rich("rival")
    order = desk.order("rival", ETH, -desk.plan_step(account).size, worse=2_000)
    found, _ = desk.match(account, desk.account(keeper), [order])
    assert found.step.market_id == ETH
    assert found.conceded > 0


def test_liquidate_matched_concession_that_would_lower_h_is_refused(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    """The penalty is one per cent of the notional here, h bears three per mille."""
    desk = matching_desk
    account = one_leg(desk, trader, maker, "0.05", size=100)
    desk.rich("rival", amount=1_000_000)
    taker, limit = desk.account(keeper), 30_000 * WAD
    orders = [desk.order("rival", ETH, 10 * WAD, worse=worse) for worse in (3_300, 3_200)]
    assert desk.mismatch(account, taker, orders[:1], limit) == "liquidation: over penalty"
    found, _ = desk.match(account, taker, orders[1:], limit)
    assert found.conceded == 96 * WAD


def test_liquidate_matched_paying_the_account_itself_or_nobody_is_refused(
    matching_desk: MatchingDesk, account: int, order: SignedOrder
) -> None:
    desk = matching_desk
    for keeper, reason in ((account, "liquidation: own account"), (7, "account: unknown")):
        assert desk.mismatch(account, keeper, [order]) == reason


def test_liquidate_matched_in_portfolio_mode_is_refused(
    matching_desk: MatchingDesk, account: int, trader: Any, keeper: Any, order: SignedOrder
) -> None:
    """A slice of all legs would need orders in each of their markets."""
    desk = matching_desk
    activate(desk, {BTC: rising(10), ETH: rising(15)}, Terms(3, PPM, 250_000), 0)
    desk.index(ETH, 3_500)
    choose_mode(desk, trader, account, PORTFOLIO)
    desk.index(ETH, 3_000)
    desk.move_money(account, desk.account(keeper), Fraction(desk.equity(account), WAD) - 5_000)
    assert desk.waterfall.is_healthy(account) is False
    assert desk.mismatch(account, desk.account(keeper), [order]) == "liquidation: all legs"


def test_liquidate_matched_market_closed_at_the_exchange_reverts(
    matching_desk: MatchingDesk, trader: Any, maker: Any, keeper: Any
) -> None:
    desk = matching_desk
    desk.list_market(3, 3_000)
    account, other = desk.account(trader, 1_000), desk.account(maker, 10**6)
    desk.fill(account, other, 3, 6 * WAD)
    assert not desk.waterfall.is_healthy(account)
    order = desk.order("rival", 3, 6 * WAD)
    assert desk.mismatch(account, desk.account(keeper), [order]) == "order: market"


def test_take_of_whoever_closes_no_accounts_is_refused(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    """Nobody but the waterfall may use an order up without a trade."""
    desk = matching_desk
    args = account, ETH, -order.order.size, 3_000 * WAD, [order.as_tuple()]
    for sender in (str(keeper.address), desk.owner, signer_of("rival").address):
        with pytest.raises(Refused, match="module: no right"):
            desk.view(desk.exchange, "take", *args, sender=sender)
    changes, money, conceded = desk.view(desk.exchange, "take", *args, sender=desk.broker)
    assert [change[1] for change in changes] == [order.order.size]
    assert money == -order.order.size * 3_000
    assert conceded == 0
    assert desk.view(desk.exchange, "filled", desk.specified(order).digest) == 0


def test_liquidate_matched_order_of_a_side_reverts(
    matching_desk: MatchingDesk, account: int, keeper: Any, order: SignedOrder
) -> None:
    """The sides of a market are no accounts that anybody signs for."""
    desk = matching_desk
    own = spoilt(desk, order, account=1)
    found = desk.mismatch(account, desk.account(keeper), [own], signers=["rival"])
    assert found == "order: signature"
