"""`match`: what is filled, at which price, and what it costs."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import ape
import pytest
from eth_account import Account
from venue import INDEX, MARKET, Venue, signer_of

from seawall.client.orders import as_tuple, sign
from seawall.spec.orders import Fees
from seawall.spec.words import LOT, PRICE, TICK, WAD, account_id

BAND_WIDTH = INDEX * 50_000 // 10**6
#: Marginal cost of a maker with a fresh order, calldata included, beside a Clearinghouse that does
#: nothing. 30,000 of it are two slots, the precompile and the event, 3,600 the calldata.
GAS_PER_MAKER = 38_800


def test_match_direct_taker_fills_at_maker_price(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, WAD, INDEX + 10 * TICK)
    outcome = venue.check_match(taker, [venue.maker("maker", -WAD, INDEX - WAD)], trader)
    assert outcome.fills[0].price == INDEX - WAD
    assert outcome.changes[-1].money == -(INDEX - WAD)


def test_match_direct_seller_fills_at_maker_price(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, -WAD, INDEX)
    outcome = venue.check_match(taker, [venue.maker("maker", WAD, INDEX + WAD)], trader)
    assert outcome.changes[-1].money == INDEX + WAD


def test_match_direct_taker_stores_nothing(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, WAD)
    venue.check_match(taker, [venue.maker("maker", -WAD)], trader)
    assert venue.filled(taker) == 0
    venue.check_match(taker, [venue.maker("maker", -WAD)], trader)


def test_match_signed_taker_sent_by_relayer_stores_fill(venue: Venue, relayer: Any) -> None:
    taker = venue.maker("taker", WAD)
    venue.check_match(taker, [venue.maker("maker", -WAD // 4)], relayer)
    assert venue.filled(taker) == WAD // 4


def test_match_signed_taker_sent_by_its_owner_stores_fill(venue: Venue, trader: Any) -> None:
    taker = sign(venue.order(trader, WAD), venue.domain, _key(trader))
    venue.check_match(taker, [venue.maker("maker", -WAD)], trader)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], trader, "order: filled")


def test_match_signed_taker_replayed_is_filled(venue: Venue, relayer: Any) -> None:
    taker = venue.maker("taker", WAD)
    venue.check_match(taker, [venue.maker("maker", -WAD)], relayer)
    venue.check_refused(taker, [venue.maker("maker", -WAD)], relayer, "order: filled")


def test_match_taker_larger_than_makers_is_partly_filled(venue: Venue, trader: Any) -> None:
    makers = [venue.maker("first", -WAD), venue.maker("second", -2 * WAD, INDEX + WAD)]
    outcome = venue.check_match(venue.direct(trader, 10 * WAD, INDEX + WAD), makers, trader)
    assert outcome.size == 3 * WAD


def test_match_taker_smaller_than_maker_leaves_the_rest(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -10 * WAD)
    venue.check_match(venue.direct(trader, 3 * WAD), [maker], trader)
    outcome = venue.check_match(venue.direct(trader, 10 * WAD), [maker], trader)
    assert outcome.size == 7 * WAD
    venue.check_refused(venue.direct(trader, WAD), [maker], trader, "order: filled")


def test_match_taker_is_full_before_last_maker_leaves_it_alone(venue: Venue, trader: Any) -> None:
    last = venue.maker("last", -WAD)
    outcome = venue.check_match(
        venue.direct(trader, WAD), [venue.maker("first", -WAD), last], trader
    )
    assert len(outcome.changes) == 2
    assert venue.filled(last) == 0


def test_match_same_order_twice_in_a_batch_fills_once(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD)
    outcome = venue.check_match(venue.direct(trader, 5 * WAD), [maker, maker], trader)
    assert outcome.size == WAD


def test_match_orders_of_one_account_are_one_change(venue: Venue, trader: Any) -> None:
    names = ["first", "second", "first", "third", "first", "second"]
    makers = [venue.maker(name, -(n + 1) * WAD, INDEX - n * WAD) for n, name in enumerate(names)]
    outcome = venue.check_match(venue.direct(trader, 21 * WAD), makers, trader)
    assert [change.size for change in outcome.changes] == [
        -9 * WAD,
        -8 * WAD,
        -4 * WAD,
        21 * WAD,
    ]
    assert len(outcome.fills) == 6


def test_match_twenty_makers_fill_in_one_trade(venue: Venue, trader: Any) -> None:
    makers = [venue.maker(f"maker {n}", -WAD, INDEX - n * TICK) for n in range(20)]
    outcome = venue.check_match(venue.direct(trader, 20 * WAD), makers, trader)
    assert len(outcome.changes) == 21


def test_match_twenty_one_makers_reverts(venue: Venue, trader: Any) -> None:
    makers = [venue.maker("maker", -WAD) for _ in range(21)]
    assert venue.refusal(venue.direct(trader, 20 * WAD), makers, trader) == ""


def test_match_largest_size_fills(venue: Venue, trader: Any) -> None:
    # The largest whole number of lots below 2**111.
    size = (2**111 - 1) // LOT * LOT
    venue.set_price(TICK * 10**6)
    venue.check_match(
        venue.direct(trader, size, TICK * 10**6),
        [venue.maker("maker", -size, TICK * 10**6)],
        trader,
    )


def test_match_largest_price_fills(venue: Venue, trader: Any) -> None:
    price = (2**80 - 1) // TICK * TICK
    size = (2**111 - 1) // LOT * LOT
    venue.set_price(price)
    makers = [venue.maker(f"maker {n}", size // 20 // LOT * LOT, price) for n in range(20)]
    venue.check_match(venue.direct(trader, -size, price), makers, trader)


def test_match_smallest_size_and_price_charges_one_wei(venue: Venue, trader: Any) -> None:
    venue.set_price(TICK)
    outcome = venue.check_match(
        venue.direct(trader, LOT, TICK), [venue.maker("maker", -LOT, TICK)], trader
    )
    assert [change.fee for change in outcome.changes] == [1, 1]
    assert [change.money for change in outcome.changes] == [1, -1]


def test_match_taker_fee_rounds_once_for_all_fills(venue: Venue, trader: Any) -> None:
    venue.set_price(TICK)
    makers = [venue.maker(f"maker {n}", -LOT, TICK) for n in range(5)]
    outcome = venue.check_match(venue.direct(trader, 5 * LOT, TICK), makers, trader)
    assert [change.fee for change in outcome.changes] == [1] * 6


def test_match_exact_fee_is_not_rounded_up(venue: Venue, trader: Any) -> None:
    outcome = venue.check_match(venue.direct(trader, WAD), [venue.maker("maker", -WAD)], trader)
    assert outcome.changes[0].fee == INDEX * 200 // 10**6
    assert outcome.changes[1].fee == INDEX * 500 // 10**6


def test_match_free_market_charges_nothing(venue: Venue, trader: Any, governor: Any) -> None:
    venue.exchange.set_fees(MARKET, 0, 0, 50_000, sender=governor)
    venue.fees[MARKET] = Fees(0, 0, 50_000)
    outcome = venue.check_match(venue.direct(trader, WAD), [venue.maker("maker", -WAD)], trader)
    assert [change.fee for change in outcome.changes] == [0, 0]


@pytest.mark.parametrize("price", [INDEX - BAND_WIDTH, INDEX + BAND_WIDTH])
def test_match_price_at_band_edge_fills(venue: Venue, trader: Any, price: int) -> None:
    venue.check_match(venue.direct(trader, WAD, price), [venue.maker("maker", -WAD, price)], trader)


@pytest.mark.parametrize("price", [INDEX - BAND_WIDTH - TICK, INDEX + BAND_WIDTH + TICK])
def test_match_price_one_tick_beyond_band_refused(venue: Venue, trader: Any, price: int) -> None:
    taker = venue.direct(trader, WAD, price)
    venue.check_refused(taker, [venue.maker("maker", -WAD, price)], trader, "order: band")


def test_match_band_of_index_off_grid_rounds_inwards(venue: Venue, trader: Any) -> None:
    # 5 % of 1,000,007 ticks is 50,000.35 ticks.
    venue.set_price(1_000_007 * TICK)
    for ticks in (1_000_007 - 50_000, 1_000_007 + 50_000):
        maker = venue.maker("maker", -WAD, ticks * TICK)
        venue.check_match(venue.direct(trader, WAD, ticks * TICK), [maker], trader)
    for ticks in (1_000_007 - 50_001, 1_000_007 + 50_001):
        maker = venue.maker("maker", -WAD, ticks * TICK)
        taker = venue.direct(trader, WAD, ticks * TICK)
        venue.check_refused(taker, [maker], trader, "order: band")


def test_match_taker_limit_outside_band_fills_at_maker_price(venue: Venue, trader: Any) -> None:
    taker = venue.direct(trader, WAD, 100 * INDEX)
    assert venue.check_match(taker, [venue.maker("maker", -WAD)], trader).fills[0].price == INDEX


def test_match_fill_at_last_second_of_both_orders(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD)
    taker = venue.direct(trader, WAD)
    venue.chain.pending_timestamp = venue.expiry
    receipt = venue.send(taker, [maker], trader)
    assert receipt.timestamp == venue.expiry


def test_match_overtaken_makers_do_not_spoil_a_batch(venue: Venue, trader: Any) -> None:
    cancelled = venue.maker("fickle", -WAD)
    venue.clearinghouse.allow(cancelled.order.account, trader, MARKET, WAD, sender=venue.keeper)
    venue.exchange.cancel([as_tuple(cancelled.order)], sender=trader)
    full = venue.maker("full", -WAD)
    venue.check_match(venue.direct(trader, WAD), [full], trader)
    makers = [
        full,
        cancelled,
        venue.maker("late", -WAD, expiry=1),
        venue.maker("far", -WAD, INDEX - BAND_WIDTH - TICK),
        venue.maker("flat", -WAD, reduce_only=True),
        venue.maker("maker", -WAD),
    ]
    outcome = venue.check_match(venue.direct(trader, 6 * WAD), makers, trader)
    assert outcome.size == WAD


def test_match_clearinghouse_refusal_reverts_all(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -WAD)
    venue.clearinghouse.refuse("margin: below initial", sender=venue.keeper)
    with ape.reverts("margin: below initial"):
        venue.send(venue.direct(trader, WAD), [maker], trader)
    assert venue.filled(maker) == 0


def test_match_entered_again_from_the_trade_reverts(venue: Venue, trader: Any) -> None:
    maker = venue.maker("maker", -2 * WAD)
    again = venue.exchange.cancel.encode_input([])
    venue.clearinghouse.call_back(venue.exchange, again, sender=venue.keeper)
    assert venue.refusal(venue.direct(trader, WAD), [maker], trader) == ""


def test_match_operator_signs_maker_within_rights(venue: Venue, trader: Any) -> None:
    hand = signer_of("hand")
    order = venue.order(signer_of("maker"), -WAD)
    venue.clearinghouse.allow(order.account, hand.address, MARKET, WAD, sender=venue.keeper)
    venue.check_match(venue.direct(trader, WAD), [sign(order, venue.domain, hand)], trader)


def test_match_operator_sends_direct_taker(venue: Venue, trader: Any, operator: Any) -> None:
    taker = venue.direct(trader, WAD)
    venue.clearinghouse.allow(taker.order.account, operator, MARKET, WAD, sender=venue.keeper)
    venue.check_match(taker, [venue.maker("maker", -WAD)], operator)


def test_match_sub_accounts_of_one_owner_trade(venue: Venue, trader: Any) -> None:
    maker = sign(
        replace(venue.order(trader, -WAD), account=account_id(trader.address, 7)),
        venue.domain,
        _key(trader),
    )
    venue.check_match(venue.direct(trader, WAD), [maker], trader)


def test_match_gas_of_a_maker_is_within_budget(venue: Venue, trader: Any) -> None:
    venue.clearinghouse.forget(sender=venue.keeper)
    used = []
    for count in (1, 11):
        makers = [venue.maker(f"gas {count} {n}", -WAD) for n in range(count)]
        used.append(venue.send(venue.direct(trader, count * WAD), makers, trader).gas_used)
    assert (used[1] - used[0]) // 10 <= GAS_PER_MAKER


@pytest.mark.parametrize("seed", range(16))
def test_match_random_books_agree_with_specification(
    venue: Venue, trader: Any, relayer: Any, seed: int
) -> None:
    draw = random.Random(seed)
    venue.set_price(draw.randrange(10**6, 10**16) * TICK)
    index = PRICE.unpack(venue.price_words[MARKET])["price"]
    buying = draw.random() < 0.5
    sign_of_makers = -1 if buying else 1
    makers = []
    for n in range(draw.randrange(1, 9)):
        name = f"maker {draw.randrange(5)}"
        reduce_only = draw.random() < 0.4
        size = draw.randrange(1, 5 * 10**6) * (draw.randrange(1, LOT) if reduce_only else LOT)
        price = index * draw.randrange(951_000, 1_049_000) // 10**6 // TICK * TICK
        makers.append(venue.maker(name, sign_of_makers * size, price, reduce_only=reduce_only))
        account = makers[n].order.account
        if reduce_only and account not in venue.positions:
            venue.set_size(account, -sign_of_makers * draw.randrange(1, 10**19))
    limit = (index * 2 if buying else index // 2) // TICK * TICK
    size = draw.randrange(1, 10**7) * LOT * -sign_of_makers
    if seed % 2:
        venue.check_match(venue.direct(trader, size, limit), makers, trader)
    else:
        venue.check_match(venue.maker("taker", size, limit), makers, relayer)


def _key(account: Any) -> Any:
    """The key of one of the node's own accounts."""
    return Account.from_key(account.private_key)
