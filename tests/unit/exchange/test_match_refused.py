"""Each reason for which `match` refuses, from contract and specification alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ape
import pytest
from eth_account import Account
from eth_utils import keccak
from venue import INDEX, MARKET, Venue, signer_of

from seawall.client.orders import Domain, SignedOrder, as_tuple, digest, sign
from seawall.spec.orders import MAX_SIZE
from seawall.spec.words import LOT, MAX_HALF_WIDTH, TICK, WAD, account_id

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

BAD_FORMS = [
    ({"size": LOT - 1}, "order: size"),
    ({"size": LOT + 1}, "order: size"),
    ({"size": MAX_SIZE + 1}, "order: size"),
    ({"size": 2**255 - 1, "reduce_only": True}, "order: size"),
    ({"limit_price": 0}, "order: price"),
    ({"limit_price": INDEX + 1}, "order: price"),
    ({"limit_price": TICK - 1}, "order: price"),
    ({"limit_price": 2**256 - 1}, "order: price"),
    ({"trigger_price": 1}, "order: has trigger"),
]


@pytest.mark.parametrize("over, reason", BAD_FORMS)
def test_match_malformed_taker_refused(
    venue: Venue, trader: Any, over: dict[str, Any], reason: str
) -> None:
    taker = SignedOrder(replace(venue.order(trader, WAD), **over))
    venue.check_refused(taker, [venue.maker("maker", -WAD)], trader, reason)


@pytest.mark.parametrize("over, reason", BAD_FORMS)
def test_match_malformed_maker_refused(
    venue: Venue, trader: Any, over: dict[str, Any], reason: str
) -> None:
    order = replace(venue.order(signer_of("maker"), WAD), **over)
    maker = sign(order, venue.domain, signer_of("maker"))
    taker = venue.direct(trader, -WAD, TICK)
    venue.check_refused(taker, [maker], trader, reason)


@pytest.mark.parametrize("size", [0, -MAX_SIZE - 1, -(2**255)])
@pytest.mark.parametrize("reduce_only", [False, True])
def test_match_size_without_room_refused(
    venue: Venue, trader: Any, size: int, reduce_only: bool
) -> None:
    maker = venue.maker("maker", size, reduce_only=reduce_only)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: size")
    taker = venue.direct(trader, size, reduce_only=reduce_only)
    venue.check_refused(taker, [venue.maker("maker", WAD)], trader, "order: size")


@pytest.mark.parametrize("market_id", [0, 2, 127, 128, 256, 2**256 - 1])
def test_match_market_not_open_refused(venue: Venue, trader: Any, market_id: int) -> None:
    taker = venue.direct(trader, WAD, market_id=market_id)
    maker = venue.maker("maker", -WAD, market_id=market_id)
    venue.check_refused(taker, [maker], trader, "order: market")


def test_match_maker_of_other_market_refused(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD, market_id=2)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: market")


def test_match_post_only_taker_refused(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, WAD, post_only=True)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], trader, "order: post only")


def test_match_post_only_maker_fills(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD, post_only=True)
    venue.check_match(venue.direct(trader, WAD), [maker], trader)


def test_match_same_side_refused(venue: Venue, trader: Any) -> None:
    venue.check_refused(
        venue.direct(trader, WAD), [venue.maker("maker", WAD)], trader, "order: side"
    )


def test_match_own_account_refused(venue: Venue, trader: Any) -> None:
    maker = sign(venue.order(trader, -WAD), venue.domain, Account.from_key(trader.private_key))
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: self match")


@pytest.mark.parametrize("size, worse", [(WAD, TICK), (-WAD, -TICK)])
def test_match_maker_one_tick_beyond_limit_refused(
    venue: Venue, trader: Any, size: int, worse: int
) -> None:
    maker = venue.maker("maker", -size, INDEX + worse)
    venue.check_refused(venue.direct(trader, size), [maker], trader, "order: price")


def test_match_without_makers_refused(venue: Venue, trader: Any) -> None:
    venue.check_refused(venue.direct(trader, WAD), [], trader, "order: nothing filled")


def test_match_unusable_index_refused(venue: Venue, trader: Any) -> None:
    venue.set_price(INDEX, MAX_HALF_WIDTH)
    maker = venue.maker("maker", -WAD)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "index: stale")


def test_match_wide_but_usable_index_fills(venue: Venue, trader: Any) -> None:
    venue.set_price(INDEX, MAX_HALF_WIDTH - 1)
    venue.check_match(venue.direct(trader, WAD), [venue.maker("maker", -WAD)], trader)


def test_match_index_of_zero_refused(venue: Venue, trader: Any) -> None:
    venue.set_price(0)
    maker = venue.maker("maker", -WAD, TICK)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: band")


def test_match_expired_taker_refused(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, WAD, expiry=venue.chain.pending_timestamp - 1)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], trader, "order: expired")


def test_match_expired_maker_alone_refused(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD, expiry=venue.chain.pending_timestamp - 1)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: expired")


def test_match_second_after_expiry_refused(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD)
    taker = venue.direct(trader, WAD, expiry=venue.expiry + 10)
    venue.chain.pending_timestamp = venue.expiry + 1
    with ape.reverts("order: expired"):
        venue.send(taker, [maker], trader)


def test_match_cancelled_maker_alone_refused(venue: Venue, trader: Any, stranger: Any) -> None:
    owner = Account.from_key(stranger.private_key)
    maker = sign(venue.order(stranger, -WAD), venue.domain, owner)
    venue.exchange.cancel([as_tuple(maker.order)], sender=stranger)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: cancelled")


def test_match_cancelled_signed_taker_refused(venue: Venue, trader: Any, relayer: Any) -> None:
    taker = sign(venue.order(trader, WAD), venue.domain, Account.from_key(trader.private_key))
    venue.exchange.cancel([as_tuple(taker.order)], sender=trader)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], relayer, "order: cancelled")


def test_match_partly_filled_then_cancelled_refused(
    venue: Venue, trader: Any, stranger: Any
) -> None:
    owner = Account.from_key(stranger.private_key)
    maker = sign(venue.order(stranger, -2 * WAD), venue.domain, owner)
    venue.check_match(venue.direct(trader, WAD), [maker], trader)
    venue.exchange.cancel([as_tuple(maker.order)], sender=stranger)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: cancelled")


def test_match_signed_taker_below_salt_refused(venue: Venue, trader: Any) -> None:
    order = venue.order(trader, WAD)
    taker = sign(order, venue.domain, Account.from_key(trader.private_key))
    venue.exchange.cancel_below(order.account, order.salt + 1, sender=trader)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], trader, "order: salt")


def test_match_direct_taker_below_salt_fills(venue: Venue, trader: Any) -> None:
    order = venue.order(trader, WAD)
    venue.exchange.cancel_below(order.account, order.salt + 1, sender=trader)
    venue.check_match(SignedOrder(order), [venue.maker("maker", -WAD)], trader)


def test_match_maker_below_salt_alone_refused(venue: Venue, trader: Any, stranger: Any) -> None:
    owner = Account.from_key(stranger.private_key)
    maker = sign(venue.order(stranger, -WAD), venue.domain, owner)
    venue.exchange.cancel_below(maker.order.account, maker.order.salt + 1, sender=stranger)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: salt")


def test_match_maker_at_salt_fills(venue: Venue, trader: Any, stranger: Any) -> None:
    owner = Account.from_key(stranger.private_key)
    maker = sign(venue.order(stranger, -WAD), venue.domain, owner)
    venue.exchange.cancel_below(maker.order.account, maker.order.salt, sender=stranger)
    venue.check_match(venue.direct(trader, WAD), [maker], trader)


def test_match_direct_taker_of_another_refused(venue: Venue, trader: Any, stranger: Any) -> None:
    taker = venue.direct(trader, WAD)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], stranger, "account: not yours")


def test_match_direct_operator_over_size_refused(venue: Venue, trader: Any, operator: Any) -> None:
    taker = venue.direct(trader, WAD + LOT)
    venue.clearinghouse.allow(taker.order.account, operator, MARKET, WAD, sender=venue.keeper)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], operator, "account: not yours")


def _spoiled(venue: Venue, order: Any, how: str) -> SignedOrder:
    """The maker's order with a signature that must not count."""
    owner = signer_of("maker")
    good = sign(order, venue.domain, owner).signature
    r, s, v = good[:32], int.from_bytes(good[32:64], "big"), good[64]
    zero = bytes(32)
    other_chain = Domain(venue.domain.chain_id + 1, venue.domain.exchange)
    other_exchange = Domain(venue.domain.chain_id, venue.clearinghouse.address)
    personal = owner.unsafe_sign_hash(
        keccak(b"\x19Ethereum Signed Message:\n32" + digest(order, venue.domain))
    )
    signatures = {
        "stranger": sign(order, venue.domain, signer_of("stranger")).signature,
        "other chain": sign(order, other_chain, owner).signature,
        "other exchange": sign(order, other_exchange, owner).signature,
        "other order": sign(replace(order, salt=1), venue.domain, owner).signature,
        "personal message": bytes(personal.signature),
        "upper s": r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - v]),
        "v 0 or 1": good[:64] + bytes([v - 27]),
        "v 29": good[:64] + bytes([29]),
        "v 255": good[:64] + bytes([255]),
        "zeros": bytes(65),
        "r zero": zero + good[32:],
        "s zero": r + zero + good[64:],
        "64 bytes": good[:64],
        "none": b"",
    }
    return SignedOrder(order, signatures[how])


@pytest.mark.parametrize(
    "how",
    [
        "stranger",
        "other chain",
        "other exchange",
        "other order",
        "personal message",
        "upper s",
        "v 0 or 1",
        "v 29",
        "v 255",
        "zeros",
        "r zero",
        "s zero",
        "64 bytes",
        "none",
    ],
)
def test_match_maker_with_bad_signature_refused(venue: Venue, trader: Any, how: str) -> None:
    maker = _spoiled(venue, venue.order(signer_of("maker"), -WAD), how)
    assert venue.refusal(venue.direct(trader, WAD), [maker], trader) == "order: signature"


@pytest.mark.parametrize("how", ["stranger", "other chain", "upper s", "v 0 or 1", "zeros"])
def test_match_taker_with_bad_signature_refused(venue: Venue, relayer: Any, how: str) -> None:
    taker = _spoiled(venue, venue.order(signer_of("maker"), WAD), how)
    assert venue.refusal(taker, [venue.maker("other", -WAD)], relayer) == "order: signature"


def test_match_bad_signature_reverts_a_batch(venue: Venue, trader: Any) -> None:
    order = venue.order(signer_of("maker"), -WAD)
    forged = sign(order, venue.domain, signer_of("stranger"))
    makers = [venue.maker("other", -WAD), forged]
    venue.check_refused(venue.direct(trader, 2 * WAD), makers, trader, "order: signature")


def test_match_changed_field_voids_signature(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD)
    larger = SignedOrder(replace(maker.order, size=-2 * WAD), maker.signature)
    venue.check_refused(venue.direct(trader, 2 * WAD), [larger], trader, "order: signature")


@pytest.mark.parametrize("account", [0, 1, 2])
def test_match_account_without_owner_refused(venue: Venue, trader: Any, account: int) -> None:
    order = replace(venue.order(signer_of("maker"), -WAD), account=account)
    for signature in (bytes(65), sign(order, venue.domain, signer_of("maker")).signature):
        maker = SignedOrder(order, signature)
        assert venue.refusal(venue.direct(trader, WAD), [maker], trader) == "order: signature"


def test_match_operator_of_other_market_refused(venue: Venue, trader: Any) -> None:
    hand = signer_of("hand")
    order = venue.order(signer_of("maker"), -WAD)
    venue.clearinghouse.allow(order.account, hand.address, 2, WAD, sender=venue.keeper)
    maker = sign(order, venue.domain, hand)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: signature")


def test_match_operator_over_size_refused(venue: Venue, trader: Any) -> None:
    hand = signer_of("hand")
    order = venue.order(signer_of("maker"), -WAD - LOT)
    venue.clearinghouse.allow(order.account, hand.address, MARKET, WAD, sender=venue.keeper)
    maker = sign(order, venue.domain, hand)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: signature")


def test_match_revoked_operator_refused(venue: Venue, trader: Any) -> None:
    hand = signer_of("hand")
    order = venue.order(signer_of("maker"), -2 * WAD)
    maker = sign(order, venue.domain, hand)
    venue.clearinghouse.allow(order.account, hand.address, MARKET, 2 * WAD, sender=venue.keeper)
    venue.check_match(venue.direct(trader, WAD), [maker], trader)
    venue.clearinghouse.allow(order.account, hand.address, 0, 0, sender=venue.keeper)
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: signature")


def test_match_signature_for_one_sub_account_refused_for_another(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD)
    other = account_id(signer_of("maker").address, 1)
    moved = SignedOrder(replace(maker.order, account=other), maker.signature)
    venue.check_refused(venue.direct(trader, WAD), [moved], trader, "order: signature")
