"""The insurance fund on the specification's Clearinghouse: every public method is one function.

Prices of shares, queue and caps are `seawall.spec.insurance_fund`; here are the cash of the fund's
account, what the Clearinghouse credits and pays, and who may call for a cover. A refused call
raises :class:`Reverted` with the contract's reason and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from seawall.spec.clearinghouse import Clearinghouse
from seawall.spec.exit_vault import VaultError
from seawall.spec.insurance_fund import InsuranceFund
from seawall.spec.state import Reverted, Table, require
from seawall.spec.words import LOSS, MAX_UINT256, PPM

SETTLEMENT = 0


class Savings:
    """Executable specification; savers are keyed by address, the fund's account is the house's."""

    def __init__(
        self,
        house: Clearinghouse,
        decimals: int,
        cooldown_seconds: int,
        market_share: int = PPM,
        epoch_share: int = PPM,
    ) -> None:
        self.house = house
        self.account = house.fee_account
        self.fund = InsuranceFund(
            decimals,
            cooldown_seconds,
            market_share=market_share,
            epoch_share=epoch_share,
            uses=Table(house.journal, 0),
        )

    def deposit(self, saver: str, assets: int, wallet: int = MAX_UINT256) -> int:
        """Pay native units in, of so many in the saver's wallet; returns the shares."""
        with self._call():
            credited = self._pay_in(assets, wallet)
            return self.fund.deposit(saver, assets, credited)

    def mint(self, saver: str, shares: int, wallet: int = MAX_UINT256) -> int:
        """Buy exactly so many shares; returns the native units they cost."""
        with self._call():
            assets = self.fund.preview_mint(shares)
            credited = self._pay_in(assets, wallet)
            return self.fund.mint(saver, shares, credited)

    def request_redeem(self, saver: str, shares: int) -> int:
        """Lock shares; returns when they mature."""
        with self._call():
            return self.fund.request_redeem(saver, shares, self.house.now)

    def announce(self, saver: str) -> int:
        """Note the price of a matured request; returns when its claim is due."""
        with self._call():
            return self.fund.announce(saver, self.house.now)

    def cancel_redeem(self, saver: str) -> int:
        """Give the locked shares back; returns how many."""
        with self._call():
            return self.fund.cancel_redeem(saver)

    def redeem(self, saver: str, shares: int) -> int:
        """Burn claimable shares; returns the native units paid, cut while losses are deferred."""
        with self._call():
            return self._pay_out(saver, self.fund.redeem(saver, shares, self.house.now))

    def withdraw(self, saver: str, assets: int) -> int:
        """Pay exactly so many native units; returns the shares burnt."""
        with self._call():
            shares = self.fund.withdraw(saver, assets, self.house.now)
            require(self._pay_out(saver, assets) == assets, "vault: short payment")
            return shares

    def cover(self, module: str, market_id: int, account: int, amount: int) -> int:
        """Pay up to `amount` (WAD) of a shortfall at a module's call; returns what was paid."""
        with self._call():
            require(self.house.rights[module] & LOSS != 0, "module: no right")
            if account == self.account:
                return 0
            covered = self.fund.cover(market_id, amount, self.house.now)
            if covered:
                self.house.transfer(self.account >> 96, self.account, account, covered)
            return covered

    @contextmanager
    def _call(self) -> Iterator[None]:
        """One external call: the fund sees the account's cash; a refusal undoes everything."""
        fund = self.fund
        fund.cash = self.house.ledger.accounts[self.account].cash
        # What an epoch has used is in the journal: a cover is part of somebody else's call.
        before = replace(fund, balances=dict(fund.balances), queue=dict(fund.queue))
        try:
            with self.house.journal.transaction():
                yield
        except VaultError as error:
            self.fund = before
            raise Reverted(str(error)) from None
        except (Reverted, ArithmeticError):
            self.fund = before
            raise

    def _pay_in(self, assets: int, wallet: int) -> int:
        """Carry tokens into the fund's account; returns the credit (WAD)."""
        require(self.fund.cash >= 0, "vault: in debt")
        # A saver must not fill a hole that all accounts share.
        require(self.house.totals.deferred == 0, "vault: losses deferred")
        require(assets != 0, "vault: zero assets")
        require(assets <= wallet, "erc20: transfer amount exceeds balance")
        return self.house.deposit(self.account >> 96, self.account, SETTLEMENT, assets)

    def _pay_out(self, saver: str, assets: int) -> int:
        """Native units of a debit that are paid or wait in the exit queue, not nothing."""
        owner, receiver = self.account >> 96, int(saver, 16) if saver.startswith("0x") else 0
        paid, waits = self.house.withdraw(owner, self.account, SETTLEMENT, assets, receiver)
        require(paid + waits != 0, "vault: zero assets")
        return paid + waits
