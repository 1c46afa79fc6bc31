"""Orders as they go to the chain: signed by a person's key, packed by hand."""

from __future__ import annotations

from typing import NamedTuple

from seawall.client.orders import ORDER_FIELDS, as_tuple, digest
from seawall.spec.exchange import Signed
from seawall.spec.orders import Order
from tests.fuzz.backend import UINT256, key_of
from tests.fuzz.world import World

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
CURVE_ORDER = 2 * HALF_ORDER + 1
ORDER_KIND = f"({','.join(kind for _, kind in ORDER_FIELDS)})"
MATCH = f"match(({ORDER_KIND},bytes),({ORDER_KIND},bytes)[])"
CANCEL = f"cancel({ORDER_KIND}[])"
#: The order's words and the offset of its signature.
HEAD_WORDS = len(ORDER_FIELDS) + 1


class Offer(NamedTuple):
    """An order with its signature, and what the specification needs to know of both."""

    signed: Signed
    signature: bytes


def _words(*numbers: int) -> bytes:
    return b"".join((number % UINT256).to_bytes(32, "big") for number in numbers)


def order_words(order: Order) -> tuple[int, ...]:
    """The fields as words, in the order of the ABI."""
    return tuple(int(value) for value in as_tuple(order))


def offer(world: World, order: Order, signer: str) -> Offer:
    """An order signed by a person (by name)."""
    hashed = digest(order, world.domain)
    signature = key_of(signer).sign_recoverable(hashed, hasher=None)
    owner = int(world.chain.actor(signer), 16)
    return Offer(Signed(order, hashed, owner), signature[:64] + bytes([27 + signature[64]]))


def direct(world: World, order: Order) -> Offer:
    """A taker's order without a signature."""
    return Offer(Signed(order, digest(order, world.domain), None), b"")


def spoilt(made: Offer, kind: int) -> Offer:
    """The same order with a signature that proves nothing: five ways to be wrong."""
    good = made.signature
    twin = CURVE_ORDER - int.from_bytes(good[32:64], "big")
    signatures = (
        good[:64],
        good[:64] + bytes([good[64] - 27]),
        good[:32] + twin.to_bytes(32, "big") + bytes([55 - good[64]]),
        bytes(32) + good[32:],
        good[:63],
    )
    return Offer(made.signed._replace(signer=0), signatures[kind % len(signatures)])


def _packed(made: Offer) -> bytes:
    """One element of a list of signed orders."""
    signature = made.signature
    padded = signature + bytes(-len(signature) % 32)
    head = _words(*order_words(made.signed.order), 32 * HEAD_WORDS)
    return head + _words(len(signature)) + padded


def packed_taker(taker: Offer) -> bytes:
    """Encoded body of `match`'s first argument."""
    return _packed(taker)


def packed_makers(makers: list[Offer]) -> bytes:
    """Encoded body of `match`'s second argument."""
    bodies = [_packed(maker) for maker in makers]
    offsets, position = [], 32 * len(bodies)
    for body in bodies:
        offsets.append(position)
        position += len(body)
    return _words(len(bodies), *offsets) + b"".join(bodies)
