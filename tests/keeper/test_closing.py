"""Who is closed with whom, who alone, and whose clock is started: data in, data out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seawall.keeper.closing import (
    DUST,
    MAX_FLAGS,
    MAX_HANDED,
    MAX_LEGS,
    MAX_MARKETS,
    Close,
    Flag,
    Hand,
    Holding,
    Terms,
    batches,
    halves_of,
    is_bankrupt,
    plan_closing,
    wanted_of_buckets,
)
from seawall.keeper.planning import Row
from seawall.spec.liquidation import BACKSTOP_AFTER, LONGEST_CLOCK
from seawall.spec.words import LOT, WAD

BTC, ETH = 1, 2
NOW, HOUR = 1_000_000, 3_600
MARKETS = range(1, 128)
TERMS = Terms(NOW, HOUR, dict.fromkeys(MARKETS, 100 * WAD), dict.fromkeys(MARKETS, WAD))


def bankrupt(account: int, **sizes: int) -> Holding:
    """Sizes in whole units by m<market>."""
    legs = {int(name[1:]): size * WAD for name, size in sizes.items()}
    return Holding(Row(account, 6, -WAD, WAD), legs)


def below(account: int, size: int, flagged_at: int = 0, status: int = 5) -> Holding:
    """Above zero, below close-out, in one market."""
    return Holding(Row(account, status, WAD, 10 * WAD), {BTC: size * WAD}, flagged_at)


def together(*holdings: Holding, batch: int = 20) -> list[tuple[int, ...]]:
    return [one.accounts for one in batches(holdings, TERMS, batch)]


@pytest.mark.parametrize(
    "status, equity, expected",
    [(6, 0, True), (6, -5, True), (5, DUST, True), (5, DUST + 1, False), (3, 0, False)],
)
def test_is_bankrupt_at_or_below_zero_but_for_roundings(
    status: int, equity: int, expected: bool
) -> None:
    assert is_bankrupt(Row(1, status, equity, WAD)) is expected


# -- batches ---------------------------------------------------------------------------------


def test_batches_are_ascending_whatever_the_severity() -> None:
    assert together(bankrupt(9, m1=1), bankrupt(3, m1=2), bankrupt(5, m1=1)) == [(3, 5, 9)]


def test_batches_never_exceed_the_bound() -> None:
    found = together(*(bankrupt(number, m1=1) for number in range(1, 51)))
    assert [len(one) for one in found] == [20, 20, 10]


def test_batches_put_losers_beside_the_winners_that_net_them() -> None:
    longs = [bankrupt(number, m1=5) for number in (1, 2)]
    shorts = [bankrupt(number, m1=-5) for number in (3, 4)]
    assert together(*longs, *shorts, batch=2) == [(1, 3), (2, 4)]


def test_batches_weigh_what_is_netted_by_its_notional() -> None:
    terms = Terms(NOW, HOUR, {BTC: 1_000 * WAD, ETH: WAD}, {})
    first = bankrupt(1, m1=1, m2=100)
    of_ether, of_bitcoin = bankrupt(2, m2=-100), bankrupt(3, m1=-1)
    (batch, rest) = batches([first, of_ether, of_bitcoin], terms, 2)
    assert (batch.accounts, rest.accounts) == ((1, 3), (2,))


def test_batches_prefer_accounts_of_the_same_markets() -> None:
    held = bankrupt(1, m1=1), bankrupt(2, m2=1), bankrupt(3, m1=1), bankrupt(4, m2=1)
    assert together(*held, batch=2) == [(1, 3), (2, 4)]


def test_batches_hold_no_more_markets_than_a_call_takes() -> None:
    wide = {f"m{number}": 1 for number in range(1, 17)}
    other = {f"m{number}": 1 for number in range(17, MAX_MARKETS + 1)}
    one_more = {f"m{MAX_MARKETS + 1}": 1}
    found = together(bankrupt(1, **wide), bankrupt(2, **other), bankrupt(3, **one_more))
    # One fits beside the first, both do not.
    assert found == [(1, 3), (2,)]


def test_batches_hold_no_more_legs_than_a_transaction_has_gas_for() -> None:
    wide = {f"m{number}": 1 for number in range(1, 17)}
    found = together(*(bankrupt(number, **wide) for number in range(1, 21)))
    assert {len(one) * 16 for one in found} == {MAX_LEGS}


def test_batches_account_without_legs_fits_anywhere() -> None:
    assert together(bankrupt(2, m1=1), bankrupt(1)) == [(1, 2)]


def test_batches_earn_the_reserve_of_each_leg() -> None:
    (close,) = batches([bankrupt(1, m1=1, m2=1), bankrupt(2, m1=1)], TERMS, 20)
    assert close.reserve == 3 * WAD


def test_halves_of_batch_covers_its_accounts() -> None:
    parts = halves_of(Close((1, 2, 3), 3 * WAD))
    assert parts == [Close((1,), WAD), Close((2, 3), 2 * WAD)]


def test_halves_of_one_account_is_nothing() -> None:
    assert halves_of(Close((1,))) == []


# -- who is due ------------------------------------------------------------------------------


def test_plan_closing_bankrupt_is_closed_at_once_and_not_flagged() -> None:
    found = plan_closing([bankrupt(1, m1=1)], {}, TERMS, 20)
    assert (found.closes, found.flags) == ([Close((1,), WAD)], [])


@pytest.mark.parametrize("status", (4, 5))
def test_plan_closing_above_zero_only_starts_the_clock(status: int) -> None:
    found = plan_closing([below(1, 5, status=status)], {}, TERMS, 20)
    assert (found.closes, found.flags) == ([], [Flag(1)])


@pytest.mark.parametrize("age, closed", [(HOUR - 1, False), (HOUR, True), (LONGEST_CLOCK, True)])
def test_plan_closing_clock_that_has_run_closes_without_buckets(age: int, closed: bool) -> None:
    found = plan_closing([below(1, 5, NOW - age)], {}, TERMS, 20)
    assert found.closes == ([Close((1,), WAD)] if closed else [])
    assert found.flags == []


def test_plan_closing_clock_that_is_void_closes_nothing_and_is_started_again() -> None:
    found = plan_closing([below(1, 5, NOW - LONGEST_CLOCK - 1)], {}, TERMS, 20)
    assert (found.closes, found.flags) == ([], [Flag(1, NOW - LONGEST_CLOCK - 1)])


def test_plan_closing_clock_that_has_run_does_nothing_above_close_out() -> None:
    found = plan_closing([below(1, 5, NOW - HOUR, status=4)], {}, TERMS, 20)
    assert (found.closes, found.flags) == ([], [])


@pytest.mark.parametrize("age, restarted", [(LONGEST_CLOCK, False), (LONGEST_CLOCK + 1, True)])
def test_plan_closing_clock_of_a_day_is_started_again(age: int, restarted: bool) -> None:
    found = plan_closing([below(1, 5, NOW - age, status=4)], {}, TERMS, 20)
    assert found.flags == ([Flag(1, NOW - age)] if restarted else [])


def test_plan_closing_clocks_of_a_round_are_bounded_worst_first() -> None:
    held = [below(number, 5) for number in range(1, 50)]
    found = plan_closing(held, {}, TERMS, 20)
    assert [flag.account for flag in found.flags] == list(range(1, MAX_FLAGS + 1))


def test_plan_closing_bucket_with_room_for_all_closes_alone_without_a_clock() -> None:
    found = plan_closing([below(1, 5)], {(BTC, True): 5 * WAD}, TERMS, 20)
    assert (found.closes, found.flags) == ([Close((1,), WAD, alone=True)], [])


@pytest.mark.parametrize("missing, fits", [(LOT - 1, True), (LOT, False)])
def test_plan_closing_bucket_may_leave_less_than_a_lot(missing: int, fits: bool) -> None:
    found = plan_closing([below(1, 5)], {(BTC, True): 5 * WAD - missing}, TERMS, 20)
    assert bool(found.closes) is fits


def test_plan_closing_room_is_not_promised_twice() -> None:
    held = [below(1, 4), below(2, 4), below(3, 1)]
    found = plan_closing(held, {(BTC, True): 5 * WAD}, TERMS, 20)
    assert [close.accounts for close in found.closes] == [(1,), (3,)]
    assert found.flags == [Flag(2)]


def test_plan_closing_room_for_longs_is_none_for_shorts() -> None:
    found = plan_closing([below(1, -5)], {(BTC, True): 5 * WAD}, TERMS, 20)
    assert found.closes == []


@pytest.mark.parametrize("status", (4, 5))
@pytest.mark.parametrize(
    "age, room, handed",
    [
        (BACKSTOP_AFTER - 1, WAD, False),
        (BACKSTOP_AFTER, WAD, True),
        (BACKSTOP_AFTER, LOT, True),
        (BACKSTOP_AFTER, LOT - 1, False),
    ],
)
def test_plan_closing_bucket_gets_a_slice_once_the_clock_has_run_for_it(
    status: int, age: int, room: int, handed: bool
) -> None:
    found = plan_closing([below(1, 5, NOW - age, status)], {(BTC, True): room}, TERMS, 20)
    assert (found.hands, found.flags) == ([Hand(1)] if handed else [], [])


def test_plan_closing_void_clock_hands_nothing_over() -> None:
    held = [below(1, 5, NOW - LONGEST_CLOCK - 1, status=4)]
    assert plan_closing(held, {(BTC, True): WAD}, TERMS, 20).hands == []


def test_plan_closing_slices_of_a_round_are_bounded_worst_first() -> None:
    held = [below(number, 5, NOW - BACKSTOP_AFTER, status=4) for number in range(1, 50)]
    found = plan_closing(held, {(BTC, True): WAD}, TERMS, 20)
    assert [hand.account for hand in found.hands] == list(range(1, MAX_HANDED + 1))


def test_wanted_of_buckets_sums_what_stands_above_zero_by_side() -> None:
    held = [below(1, 4), below(2, 3), below(3, -2), below(4, 9, status=4), bankrupt(5, m1=7)]
    assert wanted_of_buckets(held) == {(BTC, True): 16 * WAD, (BTC, False): 2 * WAD}


# -- silent markets --------------------------------------------------------------------------


def test_plan_closing_bankrupt_beside_a_silent_leg_goes_alone() -> None:
    terms = replace(TERMS, silent=frozenset({ETH}))
    holdings = [bankrupt(1, m1=1), bankrupt(2, m1=1, m2=1), bankrupt(3, m1=-1)]
    found = plan_closing(holdings, {}, terms, 20)
    assert found.closes == [Close((1, 3), 2 * WAD), Close((2,), WAD, alone=True)]


def test_plan_closing_bankrupt_with_silent_legs_only_waits() -> None:
    terms = replace(TERMS, silent=frozenset({ETH}))
    assert plan_closing([bankrupt(2, m2=1)], {}, terms, 20).closes == []
