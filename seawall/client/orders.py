"""Making, checking and signing orders for the Exchange.

The digest is built from packed words with two hashes, without a model of the type: a market maker
signs thousands of orders a minute. A test holds it equal to the generic EIP-712 encoder and to the
contract.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from seawall.client import eip712
from seawall.spec.orders import MAX_MARKET, MAX_SIZE, Order
from seawall.spec.words import LOT, MAX_UINT256, TICK, account_id

__all__ = [
    "NO_SIGNATURE",
    "Domain",
    "Order",
    "OrderError",
    "SignedOrder",
    "account_id",
    "as_tuple",
    "check_order",
    "digest",
    "direct",
    "new_salt",
    "salt_at",
    "sign",
    "typed_data",
]

ORDER_FIELDS = (
    ("account", "uint256"),
    ("market_id", "uint256"),
    ("size", "int256"),
    ("limit_price", "uint256"),
    ("trigger_price", "uint256"),
    ("expiry", "uint256"),
    ("reduce_only", "bool"),
    ("post_only", "bool"),
    ("salt", "uint256"),
)
NAME = "Seawall"
VERSION = "1"
#: Signature of an order that its own account's owner or operator sends as the taker.
NO_SIGNATURE = b""

#: Bits of a salt below its time: as many orders per millisecond as one likes, without collisions.
_SALT_RANDOM_BITS = 64


_ORDER_TYPE_HASH = eip712.type_hash("Order", ORDER_FIELDS)


class OrderError(ValueError):
    """An order that the Exchange would refuse: says what is wrong and what is allowed."""


@dataclass(frozen=True)
class Domain:
    """Where a signature counts: one Exchange on one chain."""

    chain_id: int
    exchange: str

    @cached_property
    def separator(self) -> bytes:
        """EIP-712 domain separator (32 bytes)."""
        return eip712.separator(NAME, VERSION, self.chain_id, self.exchange)


@dataclass(frozen=True)
class SignedOrder:
    """An order with the 65 bytes r | s | v, or none for a direct taker."""

    order: Order
    signature: bytes = NO_SIGNATURE

    def as_tuple(self) -> tuple[tuple[Any, ...], bytes]:
        """The argument that `match` takes."""
        return as_tuple(self.order), self.signature


def as_tuple(order: Order) -> tuple[Any, ...]:
    """Field values in the order of the ABI, as `cancel` and `order_digest` take them."""
    return tuple(getattr(order, name) for name, _ in ORDER_FIELDS)


def digest(order: Order, domain: Domain) -> bytes:
    """EIP-712 digest of an order (32 bytes). Errors: OverflowError for a field beyond its word."""
    encoded = b"".join(
        (
            _ORDER_TYPE_HASH,
            order.account.to_bytes(32, "big"),
            order.market_id.to_bytes(32, "big"),
            order.size.to_bytes(32, "big", signed=True),
            order.limit_price.to_bytes(32, "big"),
            order.trigger_price.to_bytes(32, "big"),
            order.expiry.to_bytes(32, "big"),
            order.reduce_only.to_bytes(32, "big"),
            order.post_only.to_bytes(32, "big"),
            order.salt.to_bytes(32, "big"),
        )
    )
    return eip712.digest(domain.separator, encoded)


def typed_data(order: Order, domain: Domain) -> dict[str, Any]:
    """The same order as an EIP-712 document, for wallets that show what is being signed."""
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in eip712.DOMAIN_FIELDS],
            "Order": [{"name": name, "type": kind} for name, kind in ORDER_FIELDS],
        },
        "primaryType": "Order",
        "domain": {
            "name": NAME,
            "version": VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.exchange,
        },
        "message": {name: getattr(order, name) for name, _ in ORDER_FIELDS},
    }


def sign(order: Order, domain: Domain, signer: LocalAccount) -> SignedOrder:
    """Sign an order with the key of the account's owner or operator."""
    signature = signer.unsafe_sign_hash(Hash32(digest(order, domain))).signature
    return SignedOrder(order, bytes(signature))


def direct(order: Order) -> SignedOrder:
    """A taker's order that the account's own owner or operator sends: no signature, used once."""
    return SignedOrder(order)


def salt_at(milliseconds: int) -> int:
    """Lowest salt of orders made at or after a unix time: the argument of `cancel_below`."""
    if milliseconds < 0:
        raise OrderError(f"salt: time {milliseconds} ms lies before 1970")
    return milliseconds << _SALT_RANDOM_BITS


def new_salt(milliseconds: int | None = None) -> int:
    """A salt that grows with time (default: now) and is random below the millisecond."""
    now = time.time_ns() // 10**6 if milliseconds is None else milliseconds
    return salt_at(now) | secrets.randbits(_SALT_RANDOM_BITS)


def check_order(order: Order, now: int | None = None) -> None:
    """Refuse what the Exchange would refuse of the order alone, `now` in unix seconds if given.

    Errors: OrderError, naming the field, its value and what is allowed.
    """
    _check_range("account", order.account, 1 << 96, MAX_UINT256)
    _check_range("market_id", order.market_id, 1, MAX_MARKET)
    _check_size(order)
    _check_range("limit_price", order.limit_price, TICK, MAX_UINT256)
    if order.limit_price % TICK:
        raise OrderError(f"limit_price: {order.limit_price} is no multiple of the tick {TICK}")
    if order.trigger_price:
        raise OrderError(f"trigger_price: {order.trigger_price}, only 0 (none) can be matched")
    _check_range("salt", order.salt, 0, MAX_UINT256)
    _check_range("expiry", order.expiry, 0, MAX_UINT256)
    if now is not None and order.expiry < now:
        raise OrderError(f"expiry: {order.expiry} is {now - order.expiry} s in the past")


def _check_size(order: Order) -> None:
    if order.size == 0:
        raise OrderError("size: 0, a positive size buys and a negative one sells")
    _check_range("size", order.size, -MAX_SIZE, MAX_SIZE)
    if abs(order.size) % LOT and not order.reduce_only:
        raise OrderError(
            f"size: {order.size} is no multiple of the lot {LOT}; only reduce_only may be off it"
        )


def _check_range(name: str, number: int, lowest: int, highest: int) -> None:
    if not lowest <= number <= highest:
        raise OrderError(f"{name}: {number} is outside [{lowest}, {highest}]")
