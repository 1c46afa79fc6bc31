"""A fund, the cash book behind it and its token, with the moves that the tests make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ape import chain
from ape.api import AccountAPI, ReceiptAPI
from ape.contracts import ContractInstance

from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS, WINDOW_SECONDS
from seawall.spec.insurance_fund import InsuranceFund
from seawall.spec.words import ACCOUNT, LOSS, PPM

COOLDOWN = 3 * 86400
MARKET = 7
WINDOW = WINDOW_SECONDS
DELAY = CLAIM_DELAY_SECONDS
#: No caps, as most tests have it.
UNCAPPED = (PPM, PPM)


@dataclass(frozen=True)
class Room:
    """Amounts are native units of the token unless a name says WAD."""

    fund: ContractInstance
    book: ContractInstance
    token: ContractInstance
    decimals: int

    @property
    def unit(self) -> int:
        """One whole token."""
        return 10**self.decimals

    @property
    def scale(self) -> int:
        """WAD per native unit."""
        return 10 ** (18 - self.decimals)

    @property
    def account(self) -> int:
        return self.fund.fund_account()

    def cash_wad(self) -> int:
        return ACCOUNT.unpack(self.book.account_word(self.account))["cash"]

    def set_cash_wad(self, cash: int, sender: AccountAPI) -> None:
        """A fee, a loss or a debt of the fund's account."""
        self.book.set_cash(self.account, cash, sender=sender)

    def give(self, saver: AccountAPI, assets: int) -> None:
        """Tokens of the saver's that the fund may take."""
        self.token.mint(saver, assets, sender=saver)
        self.token.approve(self.fund, 2**256 - 1, sender=saver)

    def deposit(self, saver: AccountAPI, assets: int) -> int:
        """Give and deposit; returns the shares issued."""
        self.give(saver, assets)
        before = self.fund.balanceOf(saver)
        self.fund.deposit(assets, saver, sender=saver)
        return self.fund.balanceOf(saver) - before

    def request(self, saver: AccountAPI, shares: int) -> int:
        """Lock shares; returns the maturity."""
        self.fund.request_redeem(shares, sender=saver)
        return self.fund.redeem_request(saver)[1]

    def announce(self, saver: AccountAPI) -> int:
        """Announce the claim of matured shares; returns when it is due."""
        self.fund.announce(sender=saver)
        return self.fund.announcement(saver)[0]

    def announced(self, saver: AccountAPI, shares: int) -> int:
        """Lock shares, wait and announce; returns when the claim is due."""
        self.request(saver, shares)
        chain.mine(deltatime=COOLDOWN)
        return self.announce(saver)

    def mature(self, saver: AccountAPI, shares: int) -> None:
        """Lock shares, wait, announce and wait until they can be redeemed."""
        self.announced(saver, shares)
        chain.mine(deltatime=DELAY)

    def donate(self, donor: AccountAPI, assets: int) -> None:
        """A deposit to the fund's account past the fund."""
        self.token.mint(donor, assets, sender=donor)
        self.token.approve(self.book, assets, sender=donor)
        self.book.deposit(self.account, 0, assets, sender=donor)

    def mirror(self) -> InsuranceFund:
        """The specification's fund in the present state, without savers."""
        return InsuranceFund(
            decimals=self.decimals,
            cooldown_seconds=COOLDOWN,
            cash=self.cash_wad(),
            supply=self.fund.totalSupply(),
        )


def build(
    project: Any,
    deployer: AccountAPI,
    engine: AccountAPI,
    token: ContractInstance,
    shares: tuple[int, int] = UNCAPPED,
) -> Room:
    """A fund over a fresh cash book, with `engine` allowed to claim losses; `shares` (ppm) cap what
    a market and an epoch get."""
    book = deployer.deploy(project.CashBook)
    book.set_asset(token, sender=deployer)
    book.set_module(engine, LOSS, sender=deployer)
    fund = deployer.deploy(
        project.InsuranceFund, book, token, "Seawall fund", "SWF", COOLDOWN, *shares
    )
    return Room(fund, book, token, token.decimals())


def logged(receipt: ReceiptAPI, event: Any) -> list[dict[str, Any]]:
    """Arguments of each such event of a transaction."""
    return [log.event_arguments for log in receipt.decode_logs(event)]
