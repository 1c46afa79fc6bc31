"""A desk at which markets end and are halted: ETH at 3,000 dollars, BTC at 40,000."""

from __future__ import annotations

from typing import Any

from seawall.deployed import DELISTING_RIGHTS, System
from seawall.rpc import Receipt
from seawall.spec.delisting import NOTICE, WINDOW, Delisting, Ending
from seawall.spec.words import WAD
from tests.closing_desk import ClosingDesk
from tests.desk import contract_at

BTC, ETH = 1, 2
BTC_PRICE, ETH_PRICE = 40_000, 3_000


class _Standing:
    """What the specification asks of an index whose price is fixed on the chain."""

    def __init__(self, desk: EndingDesk) -> None:
        self._desk = desk

    def refreshed(self, market_id: int) -> int:
        """The stored word."""
        return int(self._desk.read(self._desk.oracle, "price_word", market_id))

    def fix_price(self, market_id: int, at_average: bool) -> int:
        """Was done on the chain."""
        raise AssertionError((market_id, at_average))

    def release_exits(self, market_id: int) -> None:
        """Was done on the chain."""

    def resumed_at(self) -> int | None:
        """There is no sequencer."""
        return 0


class EndingDesk(ClosingDesk):
    """Adds the steps of a market's end; the ledger is compared after each."""

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        super().__init__(system, url, owner, broker)
        self.delisting = contract_at(str(system.delisting.address), "Delisting")
        self.ends = Delisting(self.spec, _Standing(self))
        self.spec.set_module(Delisting.ADDRESS, DELISTING_RIGHTS)

    def announce(self, *market_ids: int, notice: int = NOTICE + 60) -> int:
        """By the owner; the time of the fixing."""
        fixing_at = self.rpc.timestamp() + notice
        self.send(self.owner, self.delisting, "announce", list(market_ids), fixing_at)
        for market_id in market_ids:
            self.spec.restrict(None, market_id)
        self.check()
        return fixing_at

    def fix(self, market_id: int, sender: Any) -> Receipt:
        """By anybody; the specification takes over when."""
        receipt = self.send(str(sender.address), self.delisting, "fix", market_id)
        self.spec.restrict(None, market_id)
        self.spec.set_funding_rate(Delisting.ADDRESS, market_id, 0)
        self.ends.endings[market_id] = Ending(fixed_at=self.ending(market_id).fixed_at)
        self.check()
        return receipt

    def end(self, market_id: int, sender: Any) -> None:
        """Announced, waited for and fixed."""
        self.announce(market_id)
        self.warp(NOTICE + 60)
        self.fix(market_id, sender)

    def settle(self, market_id: int, sender: Any) -> int:
        """By anybody; the size."""
        size = int(self.view(self.delisting, "settle", market_id, sender=str(sender.address)))
        self.send(str(sender.address), self.delisting, "settle", market_id)
        assert self.ends.settle(market_id) == size
        self.check()
        return size

    def settled(self, market_id: int, sender: Any) -> int:
        """The whole way, from a fixed price to the settlement."""
        self.warp(WINDOW)
        return self.settle(market_id, sender)

    def ending(self, market_id: int) -> Ending:
        """How far a market has come."""
        return Ending(*self.read(self.delisting, "endings", market_id))

    def withdraw(self, account: int, dollars: int) -> None:
        """To the account's owner, who has put that much in. Errors: Refused."""
        owner, native = f"0x{account >> 96:040x}", dollars * 10**6
        self.send(owner, self.house, "withdraw", account, 0, native, owner)
        self.spec.withdraw(account >> 96, account, 0, native, account >> 96)
        self.check()

    def long_eth(self, owner: Any, other: int, size: int, money: int, sub: int = 0) -> int:
        """Long so many ETH on so many dollars, beside the keeper reserve."""
        account = self.account(owner, money + 1, sub)
        self.fill(account, other, ETH, size * WAD)
        return account
