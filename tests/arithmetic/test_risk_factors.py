"""`risk_factors.vy` and the Expected Shortfall against their specification, corners included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from risk_cases import (
    BOOKS_A_TAIL,
    FACTORS,
    TAILS,
    WORDS,
    Factor,
    books,
    shortfall,
)

from seawall.spec.risk import interest_factor, size_factor, worth
from seawall.spec.scenarios import SCENARIOS, expected_shortfall, pack_shocks, unpack_shocks
from seawall.spec.words import PPM, WAD

Ask = Callable[[int, Any], list[tuple[int, int]]]
AskShortfall = Callable[[int, Any], list[int]]
#: Products of two WAD numbers.
MONEY = WAD * WAD
LEAST_CASES = 20_000


@pytest.mark.parametrize("factor", FACTORS, ids=lambda f: f.name)
def test_factor_any_case_equals_specification(ask_risk: Ask, factor: Factor) -> None:
    cases = factor.cases()

    answers = ask_risk(factor.index, cases)

    assert answers == [factor.answer(case) for case in cases]


@pytest.mark.parametrize("tail", TAILS)
def test_shortfall_any_book_equals_specification(ask_shortfall: AskShortfall, tail: int) -> None:
    made = books(tail)

    answers = ask_shortfall(tail, made)

    assert answers == [shortfall(book, tail) for book in made]
    assert len(set(answers)) > BOOKS_A_TAIL // 2


def test_shortfall_is_the_mean_of_the_worst_losses_worked_out_by_hand(
    ask_shortfall: AskShortfall,
) -> None:
    """Long 1,000 and short 400 of another: scenarios lose 70, 44 and 20; all else gains."""
    first = (-700, -600, -200, *(100 for _ in range(SCENARIOS - 3)))
    second = (0, -400, 0, *(-500 for _ in range(SCENARIOS - 3)))
    book = [(1_000 * WAD, *pack_shocks(first)), (-400 * WAD, *pack_shocks(second))]

    answers = [ask_shortfall(tail, [book])[0] for tail in (1, 2, 3)]

    # What sums are cut off by: 2**25 wei of each leg, times 4.
    rounding = 8 << 25
    for answer, money in zip(answers, (70 * WAD, 57 * WAD, 134 * WAD // 3), strict=True):
        assert money <= answer <= money + 2 * rounding


@pytest.mark.parametrize(
    "notional, open_interest, expected",
    [
        # Capacity 1,000: below it, across it, beyond it, and all of what is open.
        (500, 1_000, 1_000_000),
        (1_000, 2_000, 1_500_000),
        (1_000, 1_500, 1_125_000),
        (1_000, 5_000, 4_500_000),
        (3_000, 3_000, 1_666_667),
    ],
)
def test_interest_factor_known_case_is_the_mean_worked_out_by_hand(
    ask_risk: Ask, notional: int, open_interest: int, expected: int
) -> None:
    case = (notional * MONEY, open_interest * MONEY, 1)

    assert ask_risk(8, [case]) == [(expected, 0)]
    assert interest_factor(*case) == expected


def test_size_factor_known_case_is_the_root(ask_risk: Ask) -> None:
    case = (4 * 20_000_000 * MONEY, 20_000)

    assert ask_risk(5, [case]) == [(2 * PPM, 0)]
    assert size_factor(*case) == 2 * PPM


@pytest.mark.parametrize(
    "gross, weight, expected",
    [
        # Depth 1,000,000: a haircut of 10 % doubles at four times the depth; the most counts at
        # (2 / 0.3)**2 depths, where two thirds are taken off.
        (1_000_000, 900_000, 900_000),
        (4_000_000, 900_000, 3_200_000),
        (10**12, 900_000, 44_444_444 // 3),
        (5_000_000, 200_000, 200_000),
    ],
)
def test_worth_known_case_is_worked_out_by_hand(
    ask_risk: Ask, gross: int, weight: int, expected: int
) -> None:
    case = (gross * WAD, weight, 1_000)

    ((answer, _),) = ask_risk(10, [case])

    assert answer == worth(*case)
    assert abs(answer // WAD - expected) <= 1


def test_pack_shocks_any_book_reads_back() -> None:
    for book in books(3):
        for _, first, second in book:
            assert pack_shocks(unpack_shocks(first, second)) == (first, second)


def test_expected_shortfall_of_nothing_is_nothing() -> None:
    assert expected_shortfall([], 3) == 0


def test_risk_cases_are_many() -> None:
    assert len(WORDS) == 6
    assert sum(len(factor.cases()) for factor in FACTORS) >= LEAST_CASES
