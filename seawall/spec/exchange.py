"""The Exchange on the specification's Clearinghouse: every public method is one function.

What a match does with its orders is `seawall.spec.orders`; here are the stored fills, the salts,
the terms, and the trade at the end. A refused call raises :class:`Reverted` with the contract's
reason and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from seawall.spec import clearinghouse, orders
from seawall.spec.orders import CANCELLED, ExchangeState, Fees, Order, Submitted, Taken
from seawall.spec.state import Reverted, Table, require
from seawall.spec.words import PRICE, WATERFALL


class Signed(NamedTuple):
    """An order as it is sent; `signer` is the owner of its signature, 0 for an invalid one.

    None stands for an empty signature: a taker's own order, sent by its caller.
    """

    order: Order
    digest: bytes
    signer: int | None


class _Positions(Mapping[int, int]):
    """Sizes in one market, asked of the Clearinghouse when they are needed."""

    def __init__(self, house: clearinghouse.Clearinghouse, market_id: int) -> None:
        self._house = house
        self._market_id = market_id

    def __getitem__(self, account: int) -> int:
        _, legs = self._house.portfolio(account)
        return next((size for leg_id, _, size in legs if leg_id == self._market_id), 0)

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Exchange:
    """Executable specification; `module` is the key of its right to trade."""

    def __init__(self, house: clearinghouse.Clearinghouse, module: str) -> None:
        self.house = house
        self.module = module
        self.filled: Table[bytes, int] = Table(house.journal, 0)
        self.min_salt: Table[int, int] = Table(house.journal, 0)
        self.fees: dict[int, Fees] = {}

    def match(self, caller: int, taker: Signed, makers: Sequence[Signed]) -> int:
        """Fill the taker against the makers and settle in one trade; returns the size filled."""
        with self.house.journal.transaction():
            market_id = taker.order.market_id
            direct = taker.signer is None
            authorised = self._may(taker, caller if direct else taker.signer or 0)
            submitted = Submitted(taker.order, taker.digest, authorised, direct)
            offered = [
                Submitted(maker.order, maker.digest, self._may(maker, maker.signer or 0))
                for maker in makers
            ]
            try:
                outcome = orders.match(self._state(market_id), submitted, offered)
            except orders.OrderRefused as refused:
                raise Reverted(refused.reason) from None
            for digest, filled in outcome.filled.items():
                self.filled[digest] = filled
            changes = [
                clearinghouse.Change(one.account, one.size, one.money, one.fee, one.gate)
                for one in outcome.changes
            ]
            self.house.trade(self.module, market_id, changes)
            return outcome.size

    def take(
        self,
        module: str,
        account: int,
        market_id: int,
        size: int,
        index: int,
        makers: Sequence[Signed],
    ) -> Taken:
        """Record fills of resting orders that take a liquidated leg over; who calls trades."""
        require(self.house.rights[module] & WATERFALL != 0, "module: no right")
        offered = [
            Submitted(maker.order, maker.digest, self._may(maker, maker.signer or 0))
            for maker in makers
        ]
        try:
            taken = orders.take(self._state(market_id), account, market_id, size, index, offered)
        except orders.OrderRefused as refused:
            raise Reverted(refused.reason) from None
        for digest, filled in taken.filled.items():
            self.filled[digest] = filled
        return taken

    def cancel(self, caller: int, cancelled: Sequence[tuple[Order, bytes]]) -> None:
        """Make orders (with their digests) unfillable; of all of them the caller may act for."""
        with self.house.journal.transaction():
            for order, digest in cancelled:
                # Size 0: an operator's size cap does not bind what only takes orders away.
                allowed = self.house.may_act(order.account, caller, order.market_id, 0)
                require(allowed, "account: not yours")
                self.filled[digest] = CANCELLED

    def cancel_below(self, caller: int, account: int, salt: int) -> None:
        """Make all orders of an account with a smaller salt unfillable."""
        require(account >> 96 == caller, "account: not yours")
        require(salt > self.min_salt[account], "salt: not above")
        self.min_salt[account] = salt

    def set_fees(self, market_id: int, fees: Fees) -> None:
        """Fees and band of a market, within the ceilings; the first call opens it."""
        require(1 <= market_id <= orders.MAX_MARKET, "order: market")
        ceiling = orders.MAX_FEE
        require(fees.maker <= ceiling and fees.taker <= ceiling, "fees: above ceiling")
        require(orders.MIN_BAND <= fees.band <= orders.MAX_BAND, "fees: band")
        self.fees[market_id] = fees

    def _may(self, signed: Signed, actor: int) -> bool:
        """Whether somebody may act for an order's account; nobody signs as address 0."""
        order = signed.order
        return actor != 0 and self.house.may_act(order.account, actor, order.market_id, order.size)

    def _state(self, market_id: int) -> ExchangeState:
        words = {}
        if market_id in self.fees:
            price = self.house.refresh(1 << market_id)[0]
            words[market_id] = PRICE.pack(**price._asdict())
        positions = _Positions(self.house, market_id)
        return ExchangeState(
            self.house.now, self.fees, words, self.filled, self.min_salt, positions
        )
