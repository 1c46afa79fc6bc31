"""A chain that lies is found out, and what found it out is kept, cut short and played again."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.fuzz.backend import Argument
from tests.fuzz.creation import compiled
from tests.fuzz.explore import FailureError, attempt, explore, load_steps, minimised
from tests.fuzz.furnish import furnished
from tests.fuzz.revm import Revm
from tests.fuzz.rules import draw_steps

STEPS = 60
LIE_ABOUT = "set_operator(address,uint256,uint256,uint256)"


class Liar(Revm):
    """A chain that grants operators nothing, once the set-up is over."""

    def send(self, sender: str, target: str, signature: str, *arguments: Argument) -> bytes:
        """Drop one kind of call."""
        if signature == LIE_ABOUT:
            self.warp(1)
            return b""
        return super().send(sender, target, signature, *arguments)


@pytest.fixture(scope="module")
def lying() -> Any:
    return furnished(Liar(compiled()))


@pytest.fixture(scope="module")
def failure(lying: Any) -> FailureError:
    for number in range(20):
        try:
            attempt(lying, draw_steps(Random(number), STEPS))
        except FailureError as found:
            return found
    raise AssertionError("nobody noticed")


def test_attempt_of_a_lying_chain_fails_with_its_steps(failure: FailureError) -> None:
    assert len(failure.steps) == STEPS + 1
    assert "MismatchError" in failure.reason


def test_minimised_failure_still_fails_in_few_steps(lying: Any, failure: FailureError) -> None:
    shorter = minimised(lying, failure)

    assert len(shorter.steps) <= 5
    with pytest.raises(FailureError):
        attempt(lying, shorter.steps)


def test_saved_failure_is_loaded_as_it_was(tmp_path: Path, failure: FailureError) -> None:
    failure.save(tmp_path / "kept" / "one.json")

    assert load_steps(tmp_path / "kept" / "one.json") == failure.steps


def test_explore_of_a_lying_chain_shrinks_to_few_steps(lying: Any) -> None:
    with pytest.raises(FailureError) as found:
        explore(lying, "liar", 3, 100, steps=15)

    assert len(found.value.steps) <= 5


def test_attempt_of_the_true_chain_holds(failure: FailureError) -> None:
    attempt(furnished(Revm(compiled())), failure.steps)
