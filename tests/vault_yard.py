"""The yard with savers of the Backstop: what a vault does is predicted, sent and compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seawall.deployed import System
from seawall.spec.exit_vault import CLAIM_DELAY_SECONDS
from seawall.spec.savings import BackstopSavings
from tests.desk import Refused
from tests.yard import Yard


class VaultYard(Yard):
    """Adds the vault's actions; amounts are native units."""

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        super().__init__(system, url, owner, broker)
        self.unit = 10**system.parameters.settlement.decimals
        self.cooldown = system.parameters.vault.cooldown
        self.savings = BackstopSavings(
            self.stop, system.parameters.settlement.decimals, self.cooldown
        )

    def save_backstop(self, owner: Any, dollars: int) -> int:
        """A saver buys shares; how many."""
        saver, assets = str(owner.address), dollars * self.unit
        self.send(saver, self.token, "mint", saver, assets)
        self.send(saver, self.token, "approve", self.vault.address, assets)
        return self._call(
            saver, lambda: self.savings.deposit(saver, assets), "deposit", assets, saver
        )

    def request(self, owner: Any, shares: int) -> int:
        """Shares are locked; when they mature."""
        saver = str(owner.address)
        action = lambda: self.savings.request_redeem(saver, shares)  # noqa: E731
        return self._call(saver, action, "request_redeem", shares)

    def announce(self, owner: Any) -> int:
        """The price is noted; when the claim is due."""
        saver = str(owner.address)
        return self._call(saver, lambda: self.savings.announce(saver), "announce")

    def due(self, owner: Any, shares: int) -> None:
        """All the way until the claim is due."""
        self.request(owner, shares)
        self.warp(self.cooldown)
        self.announce(owner)
        self.warp(CLAIM_DELAY_SECONDS)

    def redeem(self, owner: Any, shares: int) -> int:
        """Native units paid for shares whose claim is due. Errors: Refused."""
        saver = str(owner.address)
        action = lambda: self.savings.redeem(saver, shares)  # noqa: E731
        return self._call(saver, action, "redeem", shares, saver, saver)

    def most(self, owner: Any) -> tuple[int, int]:
        """Shares and native units that can be claimed in the latest block, as specified."""
        self.spec_now()
        saver, vault = str(owner.address), self.savings.fund
        self.savings.see()
        totals, room = self.spec.totals, self.stop.exit_room()
        terms = self.spec.now, totals.held, totals.deferred, room
        shares = self.read(self.vault, "maxRedeem", saver)
        assets = self.read(self.vault, "maxWithdraw", saver)
        assert self.read(self.backstop, "exit_room") == room
        assert (shares, assets) == (
            vault.max_redeem(saver, *terms),
            vault.max_withdraw(saver, *terms),
        )
        return shares, assets

    def tokens(self, owner: Any) -> int:
        """Native units in a wallet."""
        return int(self.read(self.token, "balanceOf", str(owner.address)))

    def _call(self, sender: str, act: Callable[[], int], function: str, *args: Any) -> int:
        self.ahead = True
        predicted: Any = self._predict(act)
        self.ahead = False
        if isinstance(predicted, Refused):
            with pytest.raises(Refused) as refused:
                self.send(sender, self.vault, function, *args)
            assert refused.value.reason == predicted.reason
            raise predicted
        assert self.view(self.vault, function, *args, sender=sender) == predicted
        self.last_receipt = self.send(sender, self.vault, function, *args)
        self.check()
        assert self.read(self.vault, "totalSupply") == self.savings.fund.supply
        return int(predicted)
