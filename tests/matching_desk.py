"""The desk with signed orders that take slices: predicted, sent and compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from seawall.client.orders import Domain, SignedOrder, digest, sign
from seawall.deployment import EXCHANGE_RIGHTS, System
from seawall.spec.exchange import Exchange, Signed
from seawall.spec.orders import Fees, Order
from seawall.spec.slices import Matched, liquidate_matched
from seawall.spec.words import LOT, MAX_UINT256, TICK, account_id
from tests.closing_desk import ClosingDesk
from tests.desk import Refused

Events = list[dict[str, Any]]


def signer_of(name: str) -> LocalAccount:
    """A key that never sends a transaction."""
    return Account.from_key(keccak(text=name))


class MatchingDesk(ClosingDesk):
    """Adds orders of people known by name, and `liquidate_matched`."""

    def __init__(self, system: System, url: str, owner: Any, broker: Any) -> None:
        super().__init__(system, url, owner, broker)
        self.venue = Exchange(self.spec, "exchange")
        self.spec.set_module("exchange", EXCHANGE_RIGHTS)
        for market in system.parameters.markets:
            fees = Fees(market.maker_fee, market.taker_fee, market.band)
            self.venue.set_fees(market.market_id, fees)
        self.domain = Domain(int(self.rpc.call("eth_chainId"), 16), self.exchange.address)
        self._salt = 0

    def order(
        self,
        name: str,
        market_id: int,
        size: int,
        worse: int = 0,
        sub: int = 0,
        signer: str | None = None,
        **over: Any,
    ) -> SignedOrder:
        """A signed order on the lot, `worse` parts per million for who takes it than the index."""
        self._salt += 1
        sign_of = -1 if size > 0 else 1
        price = self.price(market_id) * (10**6 + sign_of * worse) // 10**6 // TICK * TICK
        account = account_id(signer_of(name).address, sub)
        if account not in self.accounts:
            self.accounts.append(account)
        # To the lot that is farther from zero, as slices are.
        lots = -(-abs(size) // LOT) * LOT * -sign_of
        expiry = self.rpc.timestamp() + 3_600
        made = Order(account, market_id, lots, price, expiry, self._salt)
        return sign(replace(made, **over), self.domain, signer_of(signer or name))

    def rich(self, name: str, sub: int = 0, amount: int = 100_000) -> int:
        """An account of somebody known by name, with money."""
        return self.account(signer_of(name), amount, sub)

    def specified(self, made: SignedOrder, signer: str | None = None) -> Signed:
        """An order as the specification takes it; by default its account's owner signed."""
        actor = int(signer_of(signer).address, 16) if signer else made.order.account >> 96
        return Signed(made.order, digest(made.order, self.domain), actor)

    def match(
        self,
        account: int,
        keeper: int,
        makers: list[SignedOrder],
        limit: int = MAX_UINT256,
        signers: list[str] | None = None,
    ) -> tuple[Matched, Events]:
        """A slice to orders, as the specification says; what it did and events. Errors: Refused.

        `signers` are names, where not every order was signed by its owner.
        """
        signed = [
            self.specified(made, signers[place] if signers else None)
            for place, made in enumerate(makers)
        ]
        before = self.plan(account)
        sizes = {market_id: self.size(account, market_id) for market_id in self.markets}
        predicted = self._predict(
            lambda: liquidate_matched(self.waterfall, self.venue, account, keeper, signed, limit)
        )
        args = account, keeper, limit, [made.as_tuple() for made in makers]
        seen = self._seen(predicted, "liquidate_matched", *args, sender=self.owner)
        receipt = self._send_as(predicted, self.owner, "liquidate_matched", *args)
        assert (tuple(seen[0]), seen[1]) == (tuple(predicted.step), predicted.conceded)
        for one in signed:
            assert self.view(self.exchange, "filled", one.digest) == self.venue.filled[one.digest]
        self.check()
        after = self.plan(account)
        # P5, and the position only falls.
        assert after.equity * before.maintenance >= before.equity * after.maintenance
        for market_id, size in sizes.items():
            left = self.size(account, market_id)
            assert left * size >= 0
            assert abs(left) <= abs(size)
        return predicted, self.events(receipt)

    def mismatch(
        self,
        account: int,
        keeper: int,
        makers: list[SignedOrder],
        limit: int = MAX_UINT256,
        signers: list[str] | None = None,
    ) -> str:
        """Why a slice to orders reverts, the same in the specification; nothing has changed."""
        before = self.words()
        try:
            self.match(account, keeper, makers, limit, signers)
        except Refused as refused:
            assert self.words() == before
            return refused.reason
        raise AssertionError("the slice went through")
