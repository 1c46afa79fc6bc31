"""Which collateral is bought, for how much, and when gas eats the discount up."""

from __future__ import annotations

import pytest

from seawall.keeper.purchases import (
    MOST_PURCHASES,
    TOO_DEAR,
    Offer,
    Purchase,
    PurchaseRules,
    at_least,
    budget,
    choose,
    holder,
    least_worth_it,
    market_price,
    may_owe,
)
from seawall.spec.conversion import sale_price

WAD = 10**18
ANY = PurchaseRules(most=10**6 * WAD, discount_ppm=0)


def offer(account: int, cash: int, worth: int, token_id: int = 1, amount: int = 10**6) -> Offer:
    return Offer(account, token_id, amount, cash * WAD, worth * WAD)


def bought(offers: list[Offer], room: int, cost: int = 0) -> list[Purchase]:
    return choose(offers, room * WAD, cost, ANY).purchases


# -- who may owe -----------------------------------------------------------------------------


def test_holder_reads_the_bitmaps_of_an_account_word() -> None:
    one = holder(7, -5, markets=0b110, collateral=0b101)
    assert (one.markets, one.tokens) == ((1, 2), (1, 3))


@pytest.mark.parametrize(
    "cash, markets, collateral, expected",
    [(-1, 0, 1, True), (5, 2, 1, True), (0, 0, 1, False), (-1, 2, 0, False)],
)
def test_may_owe_needs_collateral_and_a_debt_or_legs(
    cash: int, markets: int, collateral: int, expected: bool
) -> None:
    assert may_owe(holder(7, cash, markets, collateral)) == expected


# -- what a token is worth ---------------------------------------------------------------------


@pytest.mark.parametrize("settlement", (90, 97, 99, 100))
def test_market_price_at_or_below_par_is_that_of_a_sale(settlement: int) -> None:
    price = settlement * WAD // 100
    sold = sale_price(50 * WAD, price)
    assert 0 <= sold - market_price(50 * WAD, price, price) <= 1


def test_market_price_without_feeds_is_the_index() -> None:
    assert market_price(50 * WAD, 0, 0) == 50 * WAD


def test_market_price_above_par_is_the_index_once_all_of_it_counts() -> None:
    premium = 103 * WAD // 100
    assert market_price(50 * WAD, premium, premium) == 50 * WAD


@pytest.mark.parametrize("counted", (100, 101, 102))
def test_market_price_above_par_is_below_the_index_while_a_part_counts(counted: int) -> None:
    # 103 dollars, of which the index has divided by `counted` hundredths.
    price = market_price(103 * WAD * 100 // counted, 103 * WAD // 100, counted * WAD // 100)
    assert 100 * WAD - 2 <= price <= 100 * WAD


# -- how much --------------------------------------------------------------------------------


def test_budget_is_the_least_of_cash_free_margin_and_limit() -> None:
    rules = PurchaseRules(most=70)
    assert budget(50, 1_000, 900_000, 0, rules) == 50
    assert budget(1_000, 60, 500_000, 0, rules) == 30
    assert budget(1_000, 1_000, 900_000, 0, rules) == 70


def test_budget_leaves_what_is_on_its_way_and_never_is_below_zero() -> None:
    rules = PurchaseRules(most=70)
    assert budget(100, 1_000, 900_000, 60, rules) == 40
    assert budget(100, 1_000, 900_000, 200, rules) == 0
    assert budget(100, -5, 900_000, 0, rules) == 0


# -- which -----------------------------------------------------------------------------------


def test_choose_takes_the_best_gain_first() -> None:
    found = bought([offer(7, 100, 101), offer(8, 100, 105), offer(9, 100, 103)], 1_000)
    assert [one.account for one in found] == [8, 9, 7]


def test_choose_takes_one_offer_of_an_account() -> None:
    (one,) = bought([offer(7, 100, 101, token_id=1), offer(7, 100, 103, token_id=2)], 1_000)
    assert one.token_id == 2


def test_choose_offer_that_fits_is_whole_with_room_for_a_rising_price() -> None:
    (one,) = bought([offer(7, 100, 102)], 101)
    assert (one.amount, one.cash, one.most) == (10**6, 100 * WAD, 101 * WAD)


def test_choose_offer_beyond_the_room_is_cut_to_it() -> None:
    (one,) = bought([offer(7, 100, 102)], 50)
    assert one.amount == 10**6 * 50 * 100 // (100 * 101)
    assert 49 * WAD < one.cash <= one.most <= 50 * WAD
    assert one.worth == 102 * WAD * one.amount // 10**6


def test_choose_never_spends_more_than_the_room() -> None:
    found = bought([offer(n, 30, 31) for n in range(1, 6)], 100)
    assert len(found) == 4
    assert sum(one.most for one in found) <= 100 * WAD


def test_choose_without_room_says_so() -> None:
    found = choose([offer(7, 100, 102)], 0, 0, ANY)
    assert (found.purchases, found.skipped) == ([], {7: "beyond the keeper's cash or limit"})


def test_choose_what_gas_eats_up_is_left_out_and_leaves_its_room() -> None:
    found = choose([offer(7, 100, 101), offer(8, 10, 11)], 100 * WAD, 1 * WAD + 1, ANY)
    assert (found.purchases, found.skipped) == ([], {7: TOO_DEAR, 8: TOO_DEAR})
    assert len(bought([offer(7, 100, 101), offer(8, 50, 52)], 51, WAD + 1)) == 1


def test_choose_takes_so_many_a_round() -> None:
    offers = [offer(n, 1, 2) for n in range(1, MOST_PURCHASES + 5)]
    assert len(bought(offers, 1_000)) == MOST_PURCHASES


def test_choose_deferred_losses_that_cost_more_than_the_discount_are_left_out() -> None:
    assert choose([offer(7, 110, 102)], 1_000 * WAD, 0, ANY).skipped == {7: TOO_DEAR}


# -- is it worth it --------------------------------------------------------------------------


def purchase(cash: int = 98, worth: int = 100, amount: int = 1_000) -> Purchase:
    return Purchase(7, 1, amount, cash * WAD, worth * WAD, most=cash * WAD)


def test_least_worth_it_is_the_part_that_still_pays_for_gas() -> None:
    # 2 dollars off, 1 of them asked for: half a dollar of gas is half of the other.
    rules = PurchaseRules(discount_ppm=10_000)
    assert least_worth_it(purchase(), WAD // 2, rules) == 500


def test_least_worth_it_gas_as_large_as_the_discount_needs_the_whole() -> None:
    rules = PurchaseRules(discount_ppm=10_000)
    assert least_worth_it(purchase(), WAD, rules) == 1_000
    assert least_worth_it(purchase(), WAD + 1, rules) is None


def test_least_worth_it_without_gas_is_one_unit() -> None:
    assert least_worth_it(purchase(), 0, PurchaseRules(discount_ppm=0)) == 1


def test_least_worth_it_discount_no_larger_than_asked_for_is_never() -> None:
    assert least_worth_it(purchase(), 0, PurchaseRules(discount_ppm=20_000)) is None
    assert least_worth_it(purchase(), 0, PurchaseRules(discount_ppm=19_999)) == 1


def test_at_least_changes_nothing_else() -> None:
    one = at_least(purchase(), 5)
    assert (one.least, one.amount, one.most) == (5, 1_000, 98 * WAD)


def test_purchase_rules_discount_of_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="convert_discount"):
        PurchaseRules(discount_ppm=10**6)
