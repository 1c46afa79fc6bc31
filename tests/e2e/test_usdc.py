"""Settlement in Circle's USDC, with its blacklist and its pause, read from real Chainlink feeds.

What the issuer's powers do here: nobody can be kept from liquidation, no claim is lost, and while
the Clearinghouse itself is blacklisted or the token paused, only deposits and withdrawals stand
still; trading, liquidation and transfers between accounts go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from seawall.spec.step_plan import PARTIAL
from seawall.spec.words import WAD
from tests.desk import Refused, dollars
from tests.e2e.real import RealDesk, RealSystem, real_system

ETH = 2
UNIT = 10**6
BLACKLISTED = "Blacklistable: account is blacklisted"
PAUSED = "Pausable: paused"


@pytest.fixture(scope="session")
def admin(accounts: Any) -> Any:
    """Who may upgrade the token."""
    return accounts[6]


@pytest.fixture(scope="session")
def issuer(accounts: Any) -> Any:
    """Who mints, pauses and blacklists, and reports prices."""
    return accounts[7]


@pytest.fixture(scope="session")
def real(project: Any, deployer: Any, admin: Any, issuer: Any) -> RealSystem:
    """The system around USDC and Chainlink's feeds."""
    return real_system(project, deployer, admin, issuer)


@pytest.fixture
def desk(real: RealSystem, chain: Any, deployer: Any, broker: Any) -> Iterator[RealDesk]:
    made = RealDesk(real, chain.provider.http_uri, deployer, broker)
    yield made
    made.close()


@pytest.fixture
def standing(desk: RealDesk, trader: Any, maker: Any, keeper: Any) -> tuple[int, int]:
    """The trader's account with one ETH below maintenance margin, and the keeper's account."""
    account, other = desk.account(trader, 400), desk.account(maker, 10_000)
    desk.fill(account, other, ETH, WAD)
    desk.index(ETH, 3_172)
    assert Fraction(2, 3) < desk.ratio(account) < 1
    return account, desk.account(keeper, 10_000)


def halt_of(desk: RealDesk, kind: str, halted: bool) -> str:
    """Blacklist the Clearinghouse or pause the token, or end that; the token's reason."""
    if kind == "pause":
        desk.usdc.set_paused(halted)
        return PAUSED
    desk.usdc.set_blacklisted(desk.house.address, halted)
    return BLACKLISTED


def test_deposit_usdc_is_credited_and_withdrawn_to_the_unit(desk: RealDesk, trader: Any) -> None:
    account = desk.account(trader, "1234.567891")
    assert desk.cash(account) == 1_234_567_891 * 10**12
    desk.withdraw(trader, account, 1_234_567_890, trader)
    assert desk.balance(trader) == 1_234_567_890
    assert desk.balance(desk.house.address) == 1
    desk.check()


def test_liquidate_usdc_through_partial_and_whole_to_a_shortfall(
    desk: RealDesk, standing: tuple[int, int], keeper: Any
) -> None:
    account, taker = standing
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL
    desk.index(ETH, 2_700)
    owed = -desk.equity(account)
    assert owed > 0
    # What the partial step's fee earned is all the fund has.
    saved = desk.cash(desk.fund_account)
    closed = desk.close_out(account, taker)
    assert (closed.fund, closed.total) == (saved, owed)


def test_withdraw_usdc_after_a_shortfall_pays_the_exit_ratio(
    desk: RealDesk, standing: tuple[int, int], keeper: Any, maker: Any
) -> None:
    _, taker = standing
    # No side stood against a debt without legs: it is deferred.
    debtor = desk.account(keeper, 0, sub=7)
    desk.move_money(debtor, desk.account(maker), 500)
    desk.close_out(debtor, taker)
    held, deferred = desk.spec.totals.held, desk.spec.totals.deferred
    assert deferred > 0
    desk.withdraw(maker, desk.account(maker), 1_000 * UNIT, maker)
    assert desk.balance(maker) == 1_000 * UNIT * held // (held + deferred)
    desk.check()


def test_liquidate_blacklisted_owner_goes_through_and_others_withdraw(
    desk: RealDesk, standing: tuple[int, int], trader: Any, keeper: Any
) -> None:
    account, taker = standing
    desk.usdc.set_blacklisted(str(trader.address), True)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL
    desk.withdraw(keeper, taker, 1_000 * UNIT, keeper)
    assert desk.balance(keeper) == 1_000 * UNIT
    desk.check()


def test_withdraw_blacklisted_receiver_is_refused_and_nothing_is_lost(
    desk: RealDesk, trader: Any, maker: Any
) -> None:
    account = desk.account(trader, 500)
    desk.usdc.set_blacklisted(str(trader.address), True)
    before = desk.words()
    with pytest.raises(Refused, match=BLACKLISTED):
        desk.withdraw(trader, account, 500 * UNIT, trader)
    assert desk.words() == before
    desk.check()
    # The claim is his: he may have it sent elsewhere, or wait until he is off the list.
    desk.withdraw(trader, account, 200 * UNIT, maker)
    desk.usdc.set_blacklisted(str(trader.address), False)
    desk.withdraw(trader, account, 300 * UNIT, trader)
    assert (desk.balance(maker), desk.balance(trader)) == (200 * UNIT, 300 * UNIT)
    desk.check()


@pytest.mark.parametrize("kind", ("blacklist", "pause"))
def test_halted_token_refuses_deposit_and_withdrawal_and_nothing_is_lost(
    desk: RealDesk, trader: Any, kind: str
) -> None:
    account = desk.account(trader, 500)
    # The wallet and the allowance are ready: only the token says no.
    desk.usdc.mint(str(trader.address), UNIT)
    desk.send(str(trader.address), desk.token, "approve", desk.house.address, UNIT)
    reason = halt_of(desk, kind, True)
    before = desk.words()
    with pytest.raises(Refused, match=reason):
        desk.withdraw(trader, account, UNIT, trader)
    with pytest.raises(Refused, match=reason):
        desk.send(str(trader.address), desk.house, "deposit", account, 0, UNIT)
    assert desk.words() == before
    halt_of(desk, kind, False)
    desk.withdraw(trader, account, 500 * UNIT, trader)
    assert desk.balance(trader) == 501 * UNIT
    desk.check()


@pytest.mark.parametrize("kind", ("blacklist", "pause"))
def test_halted_token_stops_no_trade_liquidation_or_transfer(
    desk: RealDesk, standing: tuple[int, int], keeper: Any, maker: Any, saver: Any, kind: str
) -> None:
    account, taker = standing
    other = desk.account(maker)
    halt_of(desk, kind, True)
    step, _ = desk.liquidate(account, taker, keeper)
    assert step.stage == PARTIAL
    desk.fill(taker, other, ETH, WAD)
    sender = str(keeper.address)
    desk.send(sender, desk.house, "transfer", taker, other, dollars(100))
    desk.spec.transfer(taker >> 96, taker, other, dollars(100))
    desk.index(ETH, 2_500)
    owed = -desk.equity(account)
    saved = desk.cash(desk.fund_account)
    closed = desk.close_out(account, taker)
    assert (closed.fund, closed.total) == (saved, owed)
