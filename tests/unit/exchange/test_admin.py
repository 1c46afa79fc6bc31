"""Deployment, ownership and fees."""

from __future__ import annotations

from typing import Any

import ape
import pytest
from venue import FEES, MARKET, Venue

from seawall.spec.orders import MAX_BAND, MAX_FEE, MIN_BAND

ZERO = "0x" + "00" * 20


def _word(maker: int, taker: int, band: int) -> int:
    return maker << 64 | taker << 32 | band


def test_init_stores_addresses_and_owner(venue: Venue, governor: Any) -> None:
    assert venue.exchange.CLEARINGHOUSE() == venue.clearinghouse.address
    assert venue.exchange.INDEX_ORACLE() == venue.oracle.address
    assert venue.exchange.owner() == governor.address


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_init_zero_address_reverts(
    deploy_refusal: Any, project: Any, governor: Any, stranger: Any, missing: int
) -> None:
    arguments = [stranger.address] * 3
    arguments[missing] = ZERO
    assert deploy_refusal("Exchange", *arguments) == ""


def test_init_owner_need_not_be_deployer(project: Any, governor: Any, stranger: Any) -> None:
    exchange = governor.deploy(project.Exchange, governor, governor, stranger)
    assert exchange.owner() == stranger.address


def test_transfer_ownership_takes_two_steps(venue: Venue, governor: Any, stranger: Any) -> None:
    venue.exchange.transfer_ownership(stranger, sender=governor)
    assert venue.exchange.owner() == governor.address
    assert venue.exchange.pending_owner() == stranger.address
    venue.exchange.accept_ownership(sender=stranger)
    assert venue.exchange.owner() == stranger.address


def test_set_fees_stores_and_logs(venue: Venue, governor: Any) -> None:
    receipt = venue.exchange.set_fees(MARKET, 1, 2, 3_000, sender=governor)
    assert tuple(venue.exchange.fees(MARKET)) == (1, 2, 3_000)
    (log,) = receipt.decode_logs(venue.exchange.FeesSet)
    old_word = _word(FEES.maker, FEES.taker, FEES.band)
    assert (log.market_id, log.old_word, log.new_word) == (MARKET, old_word, _word(1, 2, 3_000))


@pytest.mark.parametrize("market_id", [1, 127])
@pytest.mark.parametrize("maker, taker, band", [(0, 0, MIN_BAND), (MAX_FEE, MAX_FEE, MAX_BAND)])
def test_set_fees_at_ceilings_stores(
    venue: Venue, governor: Any, market_id: int, maker: int, taker: int, band: int
) -> None:
    venue.exchange.set_fees(market_id, maker, taker, band, sender=governor)
    assert tuple(venue.exchange.fees(market_id)) == (maker, taker, band)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ((0, 0, 0, MIN_BAND), "order: market"),
        ((128, 0, 0, MIN_BAND), "order: market"),
        ((2**256 - 1, 0, 0, MIN_BAND), "order: market"),
        ((1, MAX_FEE + 1, 0, MIN_BAND), "fees: above ceiling"),
        ((1, 0, MAX_FEE + 1, MIN_BAND), "fees: above ceiling"),
        ((1, 2**256 - 1, 0, MIN_BAND), "fees: above ceiling"),
        ((1, 0, 0, 0), "fees: band"),
        ((1, 0, 0, MIN_BAND - 1), "fees: band"),
        ((1, 0, 0, MAX_BAND + 1), "fees: band"),
    ],
)
def test_set_fees_beyond_ceilings_reverts(
    venue: Venue, governor: Any, arguments: tuple[int, ...], reason: str
) -> None:
    with ape.reverts(reason):
        venue.exchange.set_fees(*arguments, sender=governor)


def test_set_fees_by_stranger_reverts(venue: Venue, stranger: Any) -> None:
    with ape.reverts():
        venue.exchange.set_fees(MARKET, 0, 0, MIN_BAND, sender=stranger)


def test_fees_of_unopened_market_are_zero(venue: Venue) -> None:
    assert tuple(venue.exchange.fees(5)) == (0, 0, 0)
