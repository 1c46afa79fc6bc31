"""`fixed_math.vy` against its specification, at the corners of 256 bits and over every length."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arithmetic_cases import FUNCTIONS, MATH_CASES, Function

CONTRACTS = Path(__file__).parents[2] / "contracts"
Ask = Callable[[int, Any], list[int | None]]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_fixed_math_any_case_equals_specification(ask_fixed_math: Ask, function: Function) -> None:
    cases = function.cases()

    answers = ask_fixed_math(function.index, cases)

    expected = [function.answer(case) for case in cases]
    assert answers == expected
    assert len(answers) >= MATH_CASES


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.arity > 1], ids=lambda f: f.name)
def test_fixed_math_cases_reach_results_and_reverts(function: Function) -> None:
    answers = [function.answer(case) for case in function.cases()]

    reverts = answers.count(None)

    assert reverts >= 50
    assert len(answers) - reverts >= 300


@pytest.mark.parametrize(
    "index, case, expected",
    [
        (0, (-7, 2, 0), -4),
        (1, (-7, 2, 0), -3),
        (0, (7, 2, 0), 3),
        (1, (7, 2, 0), 4),
        (4, (-1, 1, 0), -1),
        (5, (-1, 1, 0), 0),
        (5, (1, 1, 0), 1),
        (6, (-1, 10**27 - 1, 0), -1),
        (7, (1, 1, 0), 1),
        (10, (7, 1, 2), 3),
        (11, (7, 1, 2), 4),
        (12, (1, 999_999, 0), 0),
        (13, (1, 1, 0), 1),
        (8, (-7, 0, 0), 7),
        (9, (-(2**255), 0, 0), 2**255),
    ],
)
def test_fixed_math_known_case_rounds_as_named(
    ask_fixed_math: Ask, index: int, case: tuple[int, ...], expected: int
) -> None:
    """Figures worked out by hand, so that contract and specification cannot be wrong alike."""
    assert ask_fixed_math(index, [case]) == [expected % 2**256]


@pytest.mark.parametrize(
    "index, case",
    [
        (0, (1, 0, 0)),
        (0, (1, -1, 0)),
        (1, (1, 0, 0)),
        (2, (2**128, 2**127, 1)),
        (2, (1, 1, -1)),
        (6, (-(2**255), 2, 0)),
        (8, (-(2**255), 0, 0)),
        (10, (1, 1, 0)),
        (11, (2**128, 2**128, 2**128)),
        (13, (2**255, 2, 0)),
    ],
)
def test_fixed_math_outside_range_reverts(
    ask_fixed_math: Ask, index: int, case: tuple[int, ...]
) -> None:
    assert ask_fixed_math(index, [case]) == [None]


def test_harness_every_function_of_the_module_is_asked() -> None:
    """A function that is added later cannot be forgotten here."""
    source = (CONTRACTS / "modules" / "fixed_math.vy").read_text()
    harness = (CONTRACTS / "mocks" / "FixedMathHarness.vy").read_text()

    defined = set(re.findall(r"^def (_\w+)\(", source, re.MULTILINE))
    asked = set(re.findall(r"fixed_math\.(_\w+)\(", harness))

    assert asked == defined
    assert {f"_{function.name}" for function in FUNCTIONS} == defined
