"""Array harnesses: many cases of one function in one call."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from arithmetic_cases import WORD_FIELDS
from harnesses import ApeHarness, Harness, RevmHarness

BATCH = 500
#: Books of up to sixteen legs, whose shocks are stored.
BOOKS = 20
UINT256 = 1 << 256
#: A build file: the harnesses in it run inside the process and Ape is not asked.
BUILD = os.environ.get("SEAWALL_FUZZ_BUILD")

Case = Sequence[int]
#: The result, or None where the contract reverted.
Answers = list[int | None]
Ask = Callable[[int, Sequence[Case]], Answers]


def _bits(case: Case) -> list[int]:
    """Arguments as the 256-bit words that the harness takes."""
    return [number % UINT256 for number in case]


def _batches(cases: Sequence[Any]) -> list[Sequence[Any]]:
    return [cases[start : start + BATCH] for start in range(0, len(cases), BATCH)]


def _ask(harness: Harness, function: str, index: int, cases: Sequence[Case]) -> Answers:
    answers: Answers = []
    for batch in _batches(cases):
        pairs = harness.call(function, index, [_bits(case) for case in batch])
        answers += [result if returned else None for returned, result in pairs]
    return answers


@pytest.fixture(scope="session")
def harness(request: pytest.FixtureRequest) -> Callable[[str], Harness]:
    """Deploy a harness by the name of its contract."""
    if BUILD:
        types = json.loads(Path(BUILD).read_text())["contractTypes"]
        return lambda name: RevmHarness(types[name])
    project = request.getfixturevalue("project")
    deployer = request.getfixturevalue("accounts")[0]
    return lambda name: ApeHarness(deployer.deploy(getattr(project, name)))


@pytest.fixture(scope="session")
def words_harness(harness: Callable[[str], Harness]) -> Harness:
    return harness("WordsHarness")


@pytest.fixture(scope="session")
def ask_fixed_math(harness: Callable[[str], Harness]) -> Ask:
    """Run a function of fixed_math by its place in the module."""
    deployed = harness("FixedMathHarness")
    return lambda index, cases: _ask(deployed, "run_many", index, cases)


@pytest.fixture(scope="session")
def ask_vault_math(harness: Callable[[str], Harness]) -> Ask:
    """Run a function of vault_math by its place in the harness."""
    deployed = harness("VaultMathHarness")
    return lambda index, cases: _ask(deployed, "run_many", index, cases)


@pytest.fixture(scope="session")
def ask_oracle_math(harness: Callable[[str], Harness]) -> Callable[..., list[list[int]]]:
    """Three results for each case of a function of the oracle's arithmetic, by name."""
    deployed = harness("OracleMathHarness")

    def ask(function: str, cases: Sequence[Any]) -> list[list[int]]:
        answers: list[list[int]] = []
        for batch in _batches(cases):
            answers += [list(answer) for answer in deployed.call(function, list(batch))]
        return answers

    return ask


@pytest.fixture(scope="session")
def ask_pack(words_harness: Harness) -> Ask:
    """Run a packer of words; cases are padded to the harness's width."""

    def ask(kind: int, cases: Sequence[Case]) -> Answers:
        padded = [[*case, *([0] * (WORD_FIELDS - len(case)))] for case in cases]
        return _ask(words_harness, "pack_many", kind, padded)

    return ask


@pytest.fixture(scope="session")
def ask_unpack(words_harness: Harness) -> Callable[[int, Sequence[int]], list[list[int]]]:
    """All readers of a word, as 256-bit words."""

    def ask(kind: int, words: Sequence[int]) -> list[list[int]]:
        answers: list[list[int]] = []
        for batch in _batches(words):
            found = words_harness.call("unpack_many", kind, list(batch))
            answers += [list(answer) for answer in found]
        return answers

    return ask


@pytest.fixture(scope="session")
def risk_harness(harness: Callable[[str], Harness]) -> Harness:
    return harness("RiskHarness")


@pytest.fixture(scope="session")
def ask_risk_pack(risk_harness: Harness) -> Ask:
    """Run a packer of risk_words; cases are padded to the harness's width."""

    def ask(kind: int, cases: Sequence[Case]) -> Answers:
        padded = [[*case, *([0] * (11 - len(case)))] for case in cases]
        return _ask(risk_harness, "pack_many", kind, padded)

    return ask


@pytest.fixture(scope="session")
def ask_risk_unpack(risk_harness: Harness) -> Callable[[int, Sequence[int]], list[list[int]]]:
    """All readers of a word of risk_words."""

    def ask(kind: int, words: Sequence[int]) -> list[list[int]]:
        answers: list[list[int]] = []
        for batch in _batches(words):
            found = risk_harness.call("unpack_many", kind, list(batch))
            answers += [list(answer) for answer in found]
        return answers

    return ask


@pytest.fixture(scope="session")
def ask_risk(risk_harness: Harness) -> Callable[[int, Sequence[Case]], list[tuple[int, int]]]:
    """Both results of a function of risk_factors by its place in the harness."""

    def ask(index: int, cases: Sequence[Case]) -> list[tuple[int, int]]:
        answers: list[tuple[int, int]] = []
        for batch in _batches(cases):
            padded = [[*case, *([0] * (4 - len(case)))] for case in batch]
            found = risk_harness.call("run_many", index, padded)
            answers += [(first, second) for first, second in found]
        return answers

    return ask


@pytest.fixture(scope="session")
def ask_shortfall(risk_harness: Harness) -> Callable[[int, Sequence[Any]], list[int]]:
    """Expected Shortfall of books of (exposure, first word, second word)."""

    def ask(tail: int, books: Sequence[Any]) -> list[int]:
        answers: list[int] = []
        for start in range(0, len(books), BOOKS):
            batch = [[_bits(leg) for leg in book] for book in books[start : start + BOOKS]]
            answers += list(risk_harness.simulate("shortfall_many", tail, batch))
        return answers

    return ask


@pytest.fixture(scope="session")
def fund_words_harness(harness: Callable[[str], Harness]) -> Harness:
    return harness("FundWordsHarness")


@pytest.fixture(scope="session")
def ask_fund_pack(fund_words_harness: Harness) -> Ask:
    """Pack a word of the insurance fund; cases are padded to the harness's width."""

    def ask(kind: int, cases: Sequence[Case]) -> Answers:
        padded = [[*case, *([0] * (3 - len(case)))] for case in cases]
        return _ask(fund_words_harness, "pack_many", kind, padded)

    return ask


@pytest.fixture(scope="session")
def ask_fund_unpack(fund_words_harness: Harness) -> Callable[[Sequence[int]], list[list[int]]]:
    """All readers of each word."""

    def ask(words: Sequence[int]) -> list[list[int]]:
        answers: list[list[int]] = []
        for batch in _batches(words):
            answers += [list(some) for some in fund_words_harness.call("unpack_many", list(batch))]
        return answers

    return ask
