"""Array harnesses: many cases of one function in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ape.api import AccountAPI
from ape.contracts import ContractInstance

BATCH = 500
UINT256 = 1 << 256

Case = Sequence[int]
#: The result, or None where the contract reverted.
Answers = list[int | None]
Ask = Callable[[int, Sequence[Case]], Answers]


def _bits(case: Case) -> list[int]:
    """Arguments as the 256-bit words that the harness takes."""
    return [number % UINT256 for number in case]


def _batches(cases: Sequence[Any]) -> list[Sequence[Any]]:
    return [cases[start : start + BATCH] for start in range(0, len(cases), BATCH)]


def _ask(handler: Any, index: int, cases: Sequence[Case]) -> Answers:
    answers: Answers = []
    for batch in _batches(cases):
        pairs = handler(index, [_bits(case) for case in batch])
        answers += [result if returned else None for returned, result in pairs]
    return answers


@pytest.fixture(scope="session")
def deployer(accounts: Any) -> AccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def words_harness(project: Any, deployer: AccountAPI) -> ContractInstance:
    return deployer.deploy(project.WordsHarness)


@pytest.fixture(scope="session")
def ask_fixed_math(project: Any, deployer: AccountAPI) -> Ask:
    """Run a function of fixed_math by its place in the module."""
    harness = deployer.deploy(project.FixedMathHarness)
    return lambda index, cases: _ask(harness.run_many, index, cases)


@pytest.fixture(scope="session")
def ask_vault_math(project: Any, deployer: AccountAPI) -> Ask:
    """Run a function of vault_math by its place in the harness."""
    harness = deployer.deploy(project.VaultMathHarness)
    return lambda index, cases: _ask(harness.run_many, index, cases)


@pytest.fixture(scope="session")
def ask_pack(words_harness: ContractInstance) -> Ask:
    """Run a packer of words; cases are padded to the harness's width."""

    def ask(kind: int, cases: Sequence[Case]) -> Answers:
        padded = [[*case, *([0] * (6 - len(case)))] for case in cases]
        return _ask(words_harness.pack_many, kind, padded)

    return ask


@pytest.fixture(scope="session")
def ask_unpack(words_harness: ContractInstance) -> Callable[[int, Sequence[int]], list[list[int]]]:
    """All readers of a word, as 256-bit words."""

    def ask(kind: int, words: Sequence[int]) -> list[list[int]]:
        answers: list[list[int]] = []
        for batch in _batches(words):
            answers += [list(answer) for answer in words_harness.unpack_many(kind, list(batch))]
        return answers

    return ask
