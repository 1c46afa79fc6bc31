"""Who signs and pays for a keeper's transactions.

Two ways stand behind one protocol: accounts the node signs for (development nodes), and raw
transactions signed by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from seawall.rpc import Rpc, RpcError


@dataclass(frozen=True)
class Sent:
    """A transaction on its way; all `hashes` share the nonce, one of them will be mined."""

    hashes: tuple[str, ...]
    to: str
    data: bytes
    gas: int
    nonce: int
    gas_price: int


class Sender(Protocol):
    """Who pays and signs."""

    address: str

    def gas_price(self) -> int:
        """What a transaction sent now would pay, in wei per gas."""

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        """Send and do not wait. Errors: RpcError."""

    def replace(self, sent: Sent) -> Sent | None:
        """Send it again at a higher price; None where that is not possible."""


class UnlockedSender:
    """An account that a development node signs for."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        """`address` is one of the node's, or impersonated."""
        self.address = address
        self._rpc = rpc

    def gas_price(self) -> int:
        """The price the connection was made with."""
        return self._rpc.gas_price

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        """Let the node sign and number the transaction."""
        tx_hash = self._rpc.submit(self.address, to, data, gas)
        return Sent((tx_hash,), to, data, gas, -1, self._rpc.gas_price)

    def replace(self, sent: Sent) -> Sent | None:
        """A development node mines what it has: there is nothing to outbid."""
        return None


Sign = Callable[[dict[str, Any]], bytes]


class GasPriceError(Exception):
    """The gas price of the network is above the keeper's maximum."""


class SigningSender:
    """Raw transactions; numbers them itself and asks the node again when it disagrees."""

    def __init__(
        self, rpc: Rpc, address: str, chain_id: int, sign: Sign, max_gas_price: int | None = None
    ) -> None:
        """`sign` turns transaction fields into the signed bytes; `max_gas_price` in wei."""
        self.address = address
        self._rpc = rpc
        self._chain_id = chain_id
        self._sign = sign
        self._max_gas_price = max_gas_price
        self._next_nonce: int | None = None

    def gas_price(self) -> int:
        """A quarter above the node's proposal, up to the maximum. Errors: GasPriceError."""
        proposed = int(self._rpc.call("eth_gasPrice"), 16)
        if self._max_gas_price is None:
            return proposed * 5 // 4
        if proposed > self._max_gas_price:
            raise GasPriceError(f"gas price {proposed} wei is above {self._max_gas_price}")
        return min(proposed * 5 // 4, self._max_gas_price)

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        """Sign and send with the next nonce. Errors: RpcError, GasPriceError."""
        price = self.gas_price()
        try:
            return self._send(to, data, gas, self._nonce(), price)
        except RpcError as error:
            self._next_nonce = None
            if "nonce" not in error.message.lower():
                raise
        return self._send(to, data, gas, self._nonce(), price)

    def replace(self, sent: Sent) -> Sent | None:
        """Same nonce, a quarter more per gas; None above the maximum."""
        price = sent.gas_price * 5 // 4 + 1
        if self._max_gas_price is not None and price > self._max_gas_price:
            return None
        again = self._submit(sent.to, sent.data, sent.gas, sent.nonce, price)
        return Sent((*sent.hashes, again), sent.to, sent.data, sent.gas, sent.nonce, price)

    def _nonce(self) -> int:
        if self._next_nonce is None:
            answer = self._rpc.call("eth_getTransactionCount", self.address, "pending")
            self._next_nonce = int(answer, 16)
        return self._next_nonce

    def _send(self, to: str, data: bytes, gas: int, nonce: int, price: int) -> Sent:
        tx_hash = self._submit(to, data, gas, nonce, price)
        self._next_nonce = nonce + 1
        return Sent((tx_hash,), to, data, gas, nonce, price)

    def _submit(self, to: str, data: bytes, gas: int, nonce: int, price: int) -> str:
        fields = {
            "chainId": self._chain_id,
            "to": to,
            "data": data,
            "gas": gas,
            "gasPrice": price,
            "nonce": nonce,
            "value": 0,
        }
        raw = "0x" + self._sign(fields).hex()
        return str(self._rpc.call("eth_sendRawTransaction", raw))
