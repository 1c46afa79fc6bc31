"""The digest: contract, fast client and the generic EIP-712 encoder agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from venue import Venue, signer_of

from seawall.client.orders import (
    NO_SIGNATURE,
    Domain,
    Order,
    OrderError,
    as_tuple,
    check_order,
    digest,
    direct,
    new_salt,
    salt_at,
    sign,
    typed_data,
)
from seawall.spec.words import LOT, TICK, WAD, account_id

OWNER = signer_of("owner")
ORDER = Order(account_id(OWNER.address), 1, WAD, 2_000 * WAD, 1_800_000_000, 5)
DOMAIN = Domain(31337, "0x" + "5e" * 20)
ORDERS = [
    ORDER,
    replace(ORDER, size=-WAD, reduce_only=True),
    replace(ORDER, size=-(2**255), post_only=True),
    Order(2**256 - 1, 2**256 - 1, 2**255 - 1, 2**256 - 1, 2**256 - 1, 2**256 - 1, 2**256 - 1),
    Order(0, 0, 0, 0, 0, 0),
]


@pytest.mark.parametrize("order", ORDERS)
def test_digest_equals_generic_encoder(order: Order) -> None:
    message = encode_typed_data(full_message=typed_data(order, DOMAIN))
    assert digest(order, DOMAIN) == bytes(_hash_eip191_message(message))


@pytest.mark.parametrize("order", ORDERS)
def test_order_digest_equals_client(venue: Venue, order: Order) -> None:
    assert bytes(venue.exchange.order_digest(as_tuple(order))) == digest(order, venue.domain)


def test_order_digest_follows_the_chain_id(venue: Venue) -> None:
    provider: Any = venue.chain.provider
    data = venue.exchange.order_digest.encode_input(as_tuple(ORDER))
    call = {"to": venue.exchange.address, "data": "0x" + data.hex()}
    other = venue.domain.chain_id + 1
    provider.make_request("anvil_setChainId", [other])
    try:
        answer = provider.make_request("eth_call", [call, "latest"])
    finally:
        provider.make_request("anvil_setChainId", [venue.domain.chain_id])
    forked = Domain(other, venue.domain.exchange)
    assert bytes.fromhex(answer.removeprefix("0x")) == digest(ORDER, forked)


def test_eip712_domain_tells_wallets_the_domain(venue: Venue) -> None:
    fields, name, version, chain_id, contract, salt, extensions = venue.exchange.eip712Domain()
    assert (bytes(fields), name, version) == (b"\x0f", "Seawall", "1")
    assert (chain_id, contract) == (venue.domain.chain_id, venue.exchange.address)
    assert (bytes(salt), extensions) == (bytes(32), [])


def test_sign_is_what_a_wallet_signs() -> None:
    wallet = Account.sign_message(
        encode_typed_data(full_message=typed_data(ORDER, DOMAIN)), OWNER.key
    )
    assert sign(ORDER, DOMAIN, OWNER).signature == bytes(wallet.signature)


def test_direct_has_no_signature() -> None:
    assert direct(ORDER).as_tuple() == (as_tuple(ORDER), NO_SIGNATURE)


def test_digest_field_beyond_its_word_raises() -> None:
    with pytest.raises(OverflowError):
        digest(replace(ORDER, salt=2**256), DOMAIN)


def test_check_order_valid_passes() -> None:
    check_order(ORDER, now=ORDER.expiry)
    check_order(replace(ORDER, size=-LOT - 1, reduce_only=True))


@pytest.mark.parametrize(
    "over, message",
    [
        ({"account": 2}, "account: 2 is outside"),
        ({"market_id": 0}, r"market_id: 0 is outside \[1, 127\]"),
        ({"market_id": 128}, "market_id: 128 is outside"),
        ({"size": 0}, "size: 0, a positive size buys"),
        ({"size": 2**111}, "size: .* is outside"),
        ({"size": -(2**111)}, "size: .* is outside"),
        ({"size": LOT + 1}, "size: .* is no multiple of the lot 1000000000000"),
        ({"limit_price": 0}, "limit_price: 0 is outside"),
        ({"limit_price": TICK + 1}, "limit_price: 1000001 is no multiple of the tick"),
        ({"trigger_price": 1}, "trigger_price: 1, only 0"),
        ({"salt": -1}, "salt: -1 is outside"),
        ({"expiry": 2**256}, "expiry: .* is outside"),
    ],
)
def test_check_order_names_what_is_wrong(over: dict[str, Any], message: str) -> None:
    with pytest.raises(OrderError, match=message):
        check_order(replace(ORDER, **over))


def test_check_order_expired_says_since_when() -> None:
    with pytest.raises(OrderError, match="is 3 s in the past"):
        check_order(ORDER, now=ORDER.expiry + 3)


def test_new_salt_is_unique_and_grows_with_time() -> None:
    salts = {new_salt(1_000) for _ in range(1_000)}
    assert len(salts) == 1_000
    assert salt_at(1_000) <= min(salts) <= max(salts) < salt_at(1_001)
    assert new_salt() > new_salt(0)


def test_salt_at_negative_time_raises() -> None:
    with pytest.raises(OrderError, match="lies before 1970"):
        salt_at(-1)
