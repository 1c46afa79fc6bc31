"""Vaults on the specification's Clearinghouse: every public method is one function of a contract.

Prices of shares, queue and caps are in `seawall.spec.exit_vault` and the vaults' pages; here are
the cash of the vault's account, what the Clearinghouse credits and pays, and who may call for a
cover. A refused call raises :class:`Reverted` with the contract's reason and leaves no trace.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from seawall.spec.backstop import Backstop
from seawall.spec.backstop_vault import BackstopVault
from seawall.spec.clearinghouse import Clearinghouse
from seawall.spec.exit_vault import ExitVault, VaultError
from seawall.spec.insurance_fund import InsuranceFund
from seawall.spec.state import Reverted, Table, require
from seawall.spec.words import LOSS, MAX_UINT256, PPM

SETTLEMENT = 0
Vault = TypeVar("Vault", bound=ExitVault)


class Saving(ABC, Generic[Vault]):
    """Executable specification of a vault; savers are keyed by address."""

    def __init__(self, house: Clearinghouse, account: int, fund: Vault) -> None:
        self.house, self.account, self.fund = house, account, fund

    @abstractmethod
    def see(self) -> None:
        """Let the vault know what it is worth now."""

    @abstractmethod
    def _debit(self, assets: int, receiver: int) -> int:
        """Native units of a debit that are paid or wait for the receiver in the exit queue."""

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
        with self._call(priced=False):
            return self.fund.request_redeem(saver, shares, self.house.now)

    def announce(self, saver: str) -> int:
        """Note the price of a matured request; returns when its claim is due."""
        with self._call():
            return self.fund.announce(saver, self.house.now)

    def cancel_redeem(self, saver: str) -> int:
        """Give the locked shares back; returns how many."""
        with self._call(priced=False):
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

    @contextmanager
    def _call(self, priced: bool = True) -> Iterator[None]:
        """One external call: the vault sees its worth; a refusal undoes everything."""
        if priced:
            self.see()
        fund = self.fund
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
        """Carry tokens into the vault's account; returns the credit (WAD)."""
        require(self.fund.cash >= 0, "vault: in debt")
        # A saver must not fill a hole that all accounts share.
        require(self.house.totals.deferred == 0, "vault: losses deferred")
        require(assets != 0, "vault: zero assets")
        require(assets <= wallet, "erc20: transfer amount exceeds balance")
        return self.house.deposit(self.account >> 96, self.account, SETTLEMENT, assets)

    def _pay_out(self, saver: str, assets: int) -> int:
        """Native units of a debit that are paid or wait in the exit queue, not nothing."""
        receiver = int(saver, 16) if saver.startswith("0x") else 0
        paid = self._debit(assets, receiver)
        require(paid != 0, "vault: zero assets")
        return paid


class Savings(Saving[InsuranceFund]):
    """The insurance fund; its account is where the house's fees go."""

    def __init__(
        self,
        house: Clearinghouse,
        decimals: int,
        cooldown_seconds: int,
        market_share: int = PPM,
        epoch_share: int = PPM,
    ) -> None:
        fund = InsuranceFund(
            decimals,
            cooldown_seconds,
            market_share=market_share,
            epoch_share=epoch_share,
            uses=Table(house.journal, 0),
        )
        super().__init__(house, house.fee_account, fund)

    def see(self) -> None:
        """The account's cash."""
        self.fund.cash = self.house.ledger.accounts[self.account].cash

    def _debit(self, assets: int, receiver: int) -> int:
        owner = self.account >> 96
        return sum(self.house.withdraw(owner, self.account, SETTLEMENT, assets, receiver))

    def cover(self, module: str, account: int, claims: list[tuple[int, int]]) -> list[int]:
        """Pay up to so much (WAD) per market at a module's call; returns what was paid of each."""
        with self._call():
            require(self.house.rights[module] & LOSS != 0, "module: no right")
            if account == self.account:
                return [0] * len(claims)
            now = self.house.now
            covered = [self.fund.cover(market_id, amount, now) for market_id, amount in claims]
            if any(covered):
                self.house.transfer(self.account >> 96, self.account, account, sum(covered))
            return covered


class BackstopSavings(Saving[BackstopVault]):
    """The Backstop's vault; savers pay into what is not allotted."""

    def __init__(self, stop: Backstop, decimals: int, cooldown_seconds: int) -> None:
        vault = BackstopVault(decimals, cooldown_seconds)
        super().__init__(stop.clearinghouse, stop.account(0), vault)
        self.stop = stop

    def see(self) -> None:
        """What is not allotted, and what all of it is worth."""
        self.fund.cash = self.house.ledger.accounts[self.account].cash
        self.fund.adverse, self.fund.favourable = self.stop.nav()

    def _debit(self, assets: int, receiver: int) -> int:
        return sum(self.stop.withdraw(self.stop.vault, assets, receiver))
