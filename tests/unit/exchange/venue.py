"""An Exchange between a recording Clearinghouse and a fixed oracle, held to the specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

import ape
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys import keys
from eth_utils import keccak

from seawall.client.orders import Domain, SignedOrder, digest, direct, sign
from seawall.rpc import Rpc, RpcError
from seawall.spec.orders import (
    ExchangeState,
    Fees,
    Order,
    OrderRefused,
    Outcome,
    Submitted,
    match,
)
from seawall.spec.words import PRICE, WAD, account_id

MARKET = 1
INDEX = 2_000 * WAD
FEES = Fees(maker=200, taker=500, band=50_000)
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def signer_of(name: str) -> LocalAccount:
    """A key that never sends a transaction."""
    return Account.from_key(keccak(text=name))


class Venue:
    """Contracts, the actors' keys and shortcuts; one market at an index of 2,000."""

    def __init__(self, exchange: Any, clearinghouse: Any, oracle: Any, chain: Any) -> None:
        self.exchange = exchange
        self.clearinghouse = clearinghouse
        self.oracle = oracle
        self.chain = chain
        self.domain = Domain(chain.chain_id, exchange.address)
        self.expiry = chain.pending_timestamp + 3_600
        self.fees = {MARKET: FEES}
        self.price_words = {MARKET: PRICE.pack(price=INDEX)}
        self.positions: dict[int, int] = {}
        self._rpc = Rpc(chain.provider.http_uri)
        self._salt = 1_000

    def order(self, owner: LocalAccount | Any, size: int, price: int = INDEX, **over: Any) -> Order:
        """A valid order of the owner's first account, unless told otherwise."""
        self._salt += 1
        made = Order(account_id(owner.address), MARKET, size, price, self.expiry, self._salt)
        return replace(made, **over)

    def maker(self, name: str, size: int, price: int = INDEX, **over: Any) -> SignedOrder:
        """An order signed by its owner, who is known by name."""
        owner = signer_of(name)
        return sign(self.order(owner, size, price, **over), self.domain, owner)

    def direct(self, owner: Any, size: int, price: int = INDEX, **over: Any) -> SignedOrder:
        """A taker's order without a signature."""
        return direct(self.order(owner, size, price, **over))

    def set_price(self, price: int, half_width: int = 0) -> None:
        """Move the index."""
        word = PRICE.pack(price=price, half_width=half_width)
        self.price_words[MARKET] = word
        self.oracle.set_word(MARKET, word, sender=self.keeper)

    def set_size(self, account: int, size: int) -> None:
        """Give an account a position."""
        self.positions[account] = size
        self.clearinghouse.set_size(account, MARKET, size, sender=self.keeper)

    @property
    def keeper(self) -> Any:
        """Anyone: sends what needs no right."""
        return ape.accounts.test_accounts[5]

    def digest(self, signed: SignedOrder) -> bytes:
        """What the order's owner signed."""
        return digest(signed.order, self.domain)

    def filled(self, signed: SignedOrder) -> int:
        """The contract's entry of an order."""
        return int(self.exchange.filled(self.digest(signed)))

    def send(self, taker: SignedOrder, makers: Sequence[SignedOrder], sender: Any) -> Any:
        """The receipt of a match."""
        return self.exchange.match(
            taker.as_tuple(), [maker.as_tuple() for maker in makers], sender=sender
        )

    def refusal(self, taker: SignedOrder, makers: Sequence[SignedOrder], sender: Any) -> str | None:
        """Reason of a match that reverts, empty if bare; None for one that would pass.

        Asked of the node: the framework spends a second on the trace of each revert.
        """
        arguments = taker.as_tuple(), [maker.as_tuple() for maker in makers]
        data = bytes(self.exchange.match.encode_input(*arguments))
        try:
            self._rpc.view(self.exchange.address, data, sender.address)
        except RpcError as error:
            return error.reason
        return None

    def expected(self, taker: SignedOrder, makers: Sequence[SignedOrder], sender: Any) -> Outcome:
        """What the specification makes of a match on the chain's present state."""
        submitted = [self._submitted(taker, sender), *(self._submitted(m, None) for m in makers)]
        state = ExchangeState(
            now=self.chain.pending_timestamp,
            fees=self.fees,
            price_words=self.price_words,
            filled={s.digest: int(self.exchange.filled(s.digest)) for s in submitted},
            min_salt={
                s.order.account: int(self.exchange.min_salt(s.order.account)) for s in submitted
            },
            positions=self.positions,
        )
        return match(state, submitted[0], submitted[1:])

    def check_match(
        self, taker: SignedOrder, makers: Sequence[SignedOrder], sender: Any
    ) -> Outcome:
        """Send a match; its changes, events, stored fills and size are the specification's."""
        outcome = self.expected(taker, makers, sender)
        receipt = self.send(taker, makers, sender)
        assert receipt.return_value == outcome.size
        assert self.clearinghouse.market_id() == taker.order.market_id
        changes = [tuple(change) for change in self.clearinghouse.changes()]
        assert changes == [astuple(change) for change in outcome.changes]
        logs = receipt.decode_logs(self.exchange.OrderFilled)
        events = [
            (
                bytes(log.digest),
                log.account,
                log.market_id,
                log.size,
                log.price,
                log.fee,
                log.filled,
            )
            for log in logs
        ]
        assert events == [astuple(fill) for fill in outcome.fills]
        for order_digest, filled in outcome.filled.items():
            assert self.exchange.filled(order_digest) == filled
        assert sum(change.size for change in outcome.changes) == 0
        assert sum(change.money for change in outcome.changes) == 0
        return outcome

    def check_refused(
        self, taker: SignedOrder, makers: Sequence[SignedOrder], sender: Any, reason: str
    ) -> None:
        """Contract and specification refuse a match with the same reason."""
        assert self.refusal(taker, makers, sender) == reason
        with pytest.raises(OrderRefused) as refused:
            self.expected(taker, makers, sender)
        assert refused.value.reason == reason

    def _submitted(self, signed: SignedOrder, sender: Any) -> Submitted:
        is_direct = sender is not None and not signed.signature
        actor = sender.address if is_direct else self._signer(signed)
        order = signed.order
        authorised = actor is not None and bool(
            self.clearinghouse.may_act(order.account, actor, order.market_id, order.size)
        )
        return Submitted(order, self.digest(signed), authorised, is_direct)

    def _signer(self, signed: SignedOrder) -> str | None:
        """Who signed, by another library than the contract's precompile; None if not canonical."""
        raw = signed.signature
        if len(raw) != 65 or raw[64] not in (27, 28):
            return None
        if int.from_bytes(raw[32:64], "big") > HALF_ORDER:
            return None
        signature = keys.Signature(raw[:64] + bytes([raw[64] - 27]))
        public = signature.recover_public_key_from_msg_hash(self.digest(signed))
        return str(public.to_checksum_address())
