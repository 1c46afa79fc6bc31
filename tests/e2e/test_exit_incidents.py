"""What has been carried out of other venues at once, and why it waits here."""

from __future__ import annotations

from typing import Any

from seawall.deployed import System
from seawall.spec.words import ACCOUNT, WAD
from tests.closing_desk import ClosingDesk
from tests.desk import Desk, contract_at, dollars

ETH = 2
USDC = 10**6
DAY = 86_400


def test_20_mango_profit_of_a_pushed_price_does_not_leave_at_once(
    desk: ClosingDesk, system: System, trader: Any, maker: Any, keeper: Any
) -> None:
    """Two accounts of one owner, a price pushed up, the winner sold out to others."""
    queue = contract_at(str(system.exit_queue.address), "ExitQueue")
    winner, loser = desk.account(trader, 1_000), desk.account(trader, 1_000, sub=1)
    victim = desk.account(maker, 100_000)
    desk.fill(winner, loser, ETH, WAD)
    desk.index(ETH, 9_000)
    desk.fill(victim, winner, ETH, WAD)
    owner = str(trader.address)
    before = system.settlement.balanceOf(owner)
    cash = ACCOUNT.unpack(desk.view(desk.house, "account_word", winner))["cash"] // 10**12
    assert cash > 5_000 * USDC
    desk.send(owner, desk.house, "withdraw", winner, 0, cash, owner)
    # What he put into this account, and not a unit of what the price made of it.
    assert system.settlement.balanceOf(owner) - before == 1_000 * USDC
    # The other account has a hole: it is found while the profit waits, and shared by it.
    desk.send(str(keeper.address), queue, "claim", 1)
    assert system.settlement.balanceOf(owner) - before == 1_000 * USDC
    # The average follows: who is long by now has won little since, and pays little of the hole.
    for _ in range(8):
        desk.warp(400)
        desk.index(ETH, 9_000)
    taker = desk.account(keeper)
    desk.send(str(keeper.address), desk.closer, "close_out", loser, taker)
    held, _, deferred = desk.view(desk.house, "totals")
    assert deferred > dollars(1_000)
    front, end = desk.view(queue, "ends")
    waits = desk.view(queue, "ticket", front)[2]
    assert (end - front, waits) == (1, cash - 1_000 * USDC)
    desk.warp(3_600)
    desk.send(str(keeper.address), queue, "claim", 1)
    paid = system.settlement.balanceOf(owner) - before - 1_000 * USDC
    assert paid == waits * held // (held + deferred) < waits


def test_25_perpetual_v1_bank_run_is_no_race(
    desk: Desk, system: System, trader: Any, maker: Any, keeper: Any
) -> None:
    """Two creditors of a debtor that nobody has dealt with; the one who comes first asks for all.

    Each has what he put in at once. What nobody backs yet waits, is refused to nobody, and is paid
    in the order in which it was asked for as the debtor pays.
    """
    queue = contract_at(str(system.exit_queue.address), "ExitQueue")
    creditors = [(trader, desk.account(trader, 100)), (keeper, desk.account(keeper, 100))]
    debtor = desk.account(maker, sub=7)
    for _, account in creditors:
        desk.send(desk.broker, desk.house, "pay", debtor, account, 0, dollars(50))
    _empty_till(desk, 200)
    before = [system.settlement.balanceOf(owner) for owner, _ in creditors]

    def gains() -> list[int]:
        """Dollars that each has taken out."""
        now = [system.settlement.balanceOf(owner) for owner, _ in creditors]
        return [(after - first) // USDC for after, first in zip(now, before, strict=True)]

    for owner, account in creditors:
        name = str(owner.address)
        desk.send(name, desk.house, "withdraw", account, 0, 150 * USDC, name)
    assert gains() == [100, 100]
    desk.warp(3_600)
    desk.send(str(maker.address), queue, "claim", 2)
    assert gains() == [100, 100]
    desk.deposit(debtor, 60)
    desk.send(str(maker.address), queue, "claim", 2)
    assert gains() == [150, 110]
    desk.deposit(debtor, 40)
    desk.send(str(maker.address), queue, "claim", 2)
    assert gains() == [150, 150]


def test_redeem_above_the_days_outflow_waits_for_the_saver(
    desk: Desk, system: System, trader: Any, maker: Any
) -> None:
    """The fund's account has put nothing in and needs not; the limit of a day binds it too."""
    queue = contract_at(str(system.exit_queue.address), "ExitQueue")
    desk.save(trader, 1_000)
    saver, settlement = str(trader.address), system.parameters.settlement
    shares = desk.view(desk.fund, "balanceOf", saver)
    desk.send(saver, desk.fund, "request_redeem", shares)
    desk.warp(system.parameters.fund.cooldown)
    desk.send(saver, desk.fund, "announce")
    # Into a fresh day of the limit.
    desk.warp(DAY - desk.rpc.timestamp() % DAY + 3_600)
    asset = str(system.settlement.address)
    desk.send(desk.owner, desk.house, "set_token", 0, asset, 100 << 52 | settlement.cap)
    before = system.settlement.balanceOf(saver)
    desk.send(saver, desk.fund, "redeem", shares, saver, saver)
    assert system.settlement.balanceOf(saver) - before == 100 * USDC
    front, end = desk.view(queue, "ends")
    account, receiver, waits, _ = desk.view(queue, "ticket", front)
    fund_account = desk.view(desk.fund, "fund_account")
    assert (end - front, account, int(receiver, 16)) == (1, fund_account, int(saver, 16))
    desk.send(desk.owner, desk.house, "set_token", 0, asset, settlement.cap)
    desk.warp(3_600)
    desk.send(str(maker.address), queue, "claim", 1)
    assert system.settlement.balanceOf(saver) - before == 100 * USDC + waits >= 999 * USDC


def _empty_till(desk: Desk, left: int) -> None:
    """The till holds so many dollars and no more."""
    held, _, deferred = desk.view(desk.house, "totals")
    assert (held, deferred) == (dollars(left), 0)
