"""The long-running keeper: overlapping calls, errors of the node, registries of another chain."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seawall.deployed import CORE
from seawall.keeper import service
from seawall.keeper.jobs import JOBS
from seawall.keeper.rounds import Report
from seawall.keeper.service import Service, make_service
from seawall.keeper.settings import SettingError
from seawall.rpc import RpcError


def keeper_that(answer: Any) -> Any:
    return SimpleNamespace(round=lambda: [answer()])


def test_tick_something_due_returns_a_line() -> None:
    line = Service(keeper_that(lambda: Report(block=7, accounts=3, due=1))).tick()
    assert line == ["block 7: 3 open, 1 due"]


def test_tick_nothing_due_is_silent() -> None:
    assert Service(keeper_that(lambda: Report(block=7, accounts=3))).tick() == []


@pytest.mark.parametrize(
    "error", [RpcError(-32000, "node is busy"), OSError("node is gone"), KeyError("node is odd")]
)
def test_tick_error_of_the_node_is_told_and_the_next_tick_works(error: Exception) -> None:
    answers: list[Any] = [error, Report(block=8, accounts=1, due=1)]

    def play() -> Report:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    running = Service(keeper_that(play))
    (line,) = running.tick()
    assert line.startswith("round given up: ")
    assert "node is" in line
    assert running.tick() == ["block 8: 1 open, 1 due"]


def test_tick_while_a_round_runs_is_skipped() -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow() -> Report:
        entered.set()
        leave.wait(5)
        return Report(block=7, due=1)

    running = Service(keeper_that(slow))
    first = threading.Thread(target=running.tick)
    first.start()
    assert entered.wait(5)
    assert running.tick() == []
    leave.set()
    first.join(5)
    assert running.tick() != []


def test_make_service_registry_of_another_chain_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = tmp_path / "registry.yaml"
    contracts = "".join(f"  {name}: '0xaa'\n" for name in CORE)
    registry.write_text(f"chain_id: 5\nstart_block: 0\nmarkets: {{}}\ncontracts:\n{contracts}")
    monkeypatch.setattr(service.Rpc, "call", lambda self, method, *params: "0x6")
    given = {"SEAWALL_REGISTRY": str(registry)}
    keeper = "0x" + "11" * 20
    with pytest.raises(SettingError, match="is of chain 5, the node of 6"):
        make_service(given, "devnet", "http://127.0.0.1:1", keeper, lambda fields: b"", JOBS)
