"""The rule of the auction's clock in exact numbers: no sequence gains more than one purchase."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from seawall.spec.dutch_auction import TICKS, AuctionTerms, clock_after, discount_at, run_of
from seawall.spec.words import PPM, WAD

NOW = 1_800_000_000
CASES = 3_000


def _draw(dice: Random) -> tuple[AuctionTerms, int, int]:
    """Terms, a clock and an inventory."""
    terms = AuctionTerms(
        dice.randrange(100_001), dice.randrange(100_001), dice.choice([60, 3_600, 604_800])
    )
    clock = NOW * TICKS - dice.randrange(2 * terms.duration * TICKS)
    return terms, clock, dice.choice([1, -1]) * dice.randrange(1, 10 ** dice.randrange(1, 25))


def _gain(terms: AuctionTerms, clock: int, sold: int) -> Fraction:
    """What a buyer of a size gains now, in units of the index."""
    return Fraction(abs(sold) * discount_at(terms, run_of(terms, clock, NOW)), PPM)


def _positive(gain: Fraction) -> Fraction:
    """Nobody has to buy."""
    return gain if gain > 0 else Fraction(0)


def _slack(*sizes: int) -> Fraction:
    """A part per million of what is handed over, by rounding down the discount."""
    return Fraction(sum(map(abs, sizes)), PPM)


@pytest.mark.parametrize("terms", (AuctionTerms(), AuctionTerms(0, 100_000, 60)))
def test_discount_at_runs_from_premium_to_discount(terms: AuctionTerms) -> None:
    ticks = terms.duration * TICKS
    assert discount_at(terms, 0) == -terms.premium
    assert discount_at(terms, ticks) == terms.discount
    middle = (terms.discount - terms.premium) // 2
    assert discount_at(terms, ticks // 2) == middle


def test_run_of_an_old_clock_is_the_duration() -> None:
    terms = AuctionTerms()
    assert run_of(terms, 0, NOW) == terms.duration * TICKS


def test_clock_after_new_inventory_starts_anew() -> None:
    terms = AuctionTerms()
    for before, after in ((0, WAD), (WAD, -WAD), (-WAD, WAD), (WAD, 0)):
        assert clock_after(terms, 0, NOW, before, after) == NOW * TICKS


def test_clock_after_twice_the_inventory_is_half_way_back() -> None:
    terms = AuctionTerms()
    half = terms.duration * TICKS // 2
    for before, after in ((WAD, 2 * WAD), (2 * WAD, WAD), (-WAD, -2 * WAD)):
        assert clock_after(terms, 0, NOW, before, after) == NOW * TICKS - half


def test_clock_after_any_change_never_runs_ahead() -> None:
    dice = Random(1)
    for _ in range(CASES):
        terms, clock, before = _draw(dice)
        after = before * dice.randrange(0, 300) // 100
        later = clock_after(terms, clock, NOW, before, after)
        assert later <= NOW * TICKS
        assert run_of(terms, later, NOW) <= run_of(terms, clock, NOW)


def test_15_take_of_own_position_gains_nothing_in_one_transaction() -> None:
    """Liquidate oneself into a bucket, then buy any part of all that it has then."""
    dice = Random(2)
    for _ in range(CASES):
        terms, clock, before = _draw(dice)
        more = before * dice.randrange(1, 10**6) // dice.choice([1, 10**3, 10**6])
        later = clock_after(terms, clock, NOW, before, before + more)
        honest = _positive(_gain(terms, clock, before))
        part = (before + more) * dice.randrange(1, 101) // 100
        assert _gain(terms, later, part) <= honest + _slack(before, more)


def test_15_slices_of_own_position_gain_nothing_either() -> None:
    """As many small ones as there are: each takes its premium off what all of it sells for."""
    terms, clock, held = AuctionTerms(), NOW * TICKS - 3_600 * TICKS, 100 * WAD
    honest = _gain(terms, clock, held)
    for _ in range(1_000):
        clock = clock_after(terms, clock, NOW, held, held + WAD // 10)
        held += WAD // 10
    assert _gain(terms, clock, held) <= honest - 100 * WAD * Fraction(terms.premium, PPM)


def test_split_purchase_gains_no_more_than_one() -> None:
    dice = Random(3)
    for _ in range(CASES):
        terms, clock, held = _draw(dice)
        first = held * dice.randrange(1, 100) // 100
        left = held - first
        if not first or not left:
            continue
        later = clock_after(terms, clock, NOW, held, left)
        split = _gain(terms, clock, first) + _gain(terms, later, left)
        assert split <= _gain(terms, clock, held) + _slack(held)


def test_purchase_and_take_again_gain_no_more_than_one_purchase() -> None:
    """Two attackers in one transaction: one buys, the other is liquidated, the first buys again."""
    dice = Random(4)
    for _ in range(CASES):
        terms, clock, held = _draw(dice)
        first = held * dice.randrange(1, 100) // 100
        if not first or first == held:
            continue
        between = clock_after(terms, clock, NOW, held, held - first)
        last = clock_after(terms, between, NOW, held - first, held)
        total = _gain(terms, clock, first) + _gain(terms, last, held)
        assert total <= _positive(_gain(terms, clock, held)) + _slack(held, first)


def test_smallest_purchases_do_not_stop_the_clock() -> None:
    """256 a second would: each turns it back by a tick, whatever it buys."""
    terms, held = AuctionTerms(), 10**6 * WAD
    clock = NOW * TICKS
    for second in range(1, 601):
        clock = clock_after(terms, clock, NOW + second, held, held - WAD)
        held -= WAD
    run = run_of(terms, clock, NOW + 600)
    # A thousandth of a second for the purchases themselves, and a tick for each of them.
    assert run >= 600 * TICKS - 600 - 600 * TICKS * 600 // 10**6
