"""One sequence on both backends: every answer, reason and word is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.fuzz.apart import apart
from tests.fuzz.ape_node import anvil_chain
from tests.fuzz.backend import Argument, Call, Deployable, Refused
from tests.fuzz.campaign import pyrevm_chain
from tests.fuzz.furnish import furnished
from tests.fuzz.rules import draw_steps, run

SEQUENCES = 10
STEPS = 100


class Recorder:
    """A backend that writes down all that it is asked and all that it answers."""

    def __init__(self, chain: Deployable) -> None:
        self._chain = chain
        self.log: list[Any] = []

    @property
    def time(self) -> int:
        """Time of the latest block."""
        return self._chain.time

    def deploy(self, name: str, contract: str, *arguments: Any) -> str:
        """Deploy and note the address."""
        address = self._chain.deploy(name, contract, *arguments)
        self.log.append((name, address))
        return address

    def send(self, sender: str, target: str, signature: str, *arguments: Argument) -> bytes:
        """Send and note answer or refusal."""
        call = (self._chain.time, sender, target, signature, arguments)
        try:
            answer = self._chain.send(sender, target, signature, *arguments)
        except Refused as refused:
            self.log.append((*call, "refused", refused.data))
            raise
        self.log.append((*call, "answer", answer))
        return answer

    def view(self, calls: Sequence[Call]) -> list[bytes | None]:
        """Ask and note the answers."""
        answers = self._chain.view(calls)
        self.log.append((calls, answers))
        return answers

    def addr(self, name: str) -> str:
        """Address of a deployed contract."""
        return self._chain.addr(name)

    def actor(self, name: str) -> str:
        """Address of a person."""
        return self._chain.actor(name)

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self._chain.warp(seconds)

    def reset(self) -> None:
        """Return to the first call of this method."""
        self._chain.reset()


def _record(chain: Deployable) -> list[Any]:
    recorder = Recorder(chain)
    base = furnished(recorder)
    for number in range(SEQUENCES):
        world = base.fork()
        run(world, draw_steps(Random(f"both {number}"), STEPS), Counter())
    return recorder.log


def _record_on_node() -> list[Any]:
    with anvil_chain() as node:
        return _record(node)


def test_thousand_steps_on_both_backends_answer_alike() -> None:
    with pyrevm_chain() as inside:
        expected = _record(inside)
    found = apart(_record_on_node)

    assert len(found) == len(expected) > SEQUENCES * STEPS
    for here, there in zip(expected, found, strict=True):
        assert here == there
