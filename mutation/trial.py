"""One mutant before the tests of its target: compiled, run stage by stage, judged.

Everything here happens in a process of its own that ends afterwards.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from vyper.exceptions import VyperException

from mutation.compiler import Compiler, Function
from mutation.mutants import Mutant
from mutation.source import MODULE_LEVEL
from mutation.targets import Stage, Target

KILLED = "killed"
SURVIVED = "survived"
#: Not mutants: refused by the compiler, or the same bytecode.
INVALID = "does not compile"
SAME = "same bytecode"
#: What the tests import, read once before the processes part.
PRELOADED = (
    "eth_abi.abi",
    "eth_utils.crypto",
    "hypothesis.stateful",
    "pyrevm",
    "seawall.spec.clearinghouse",
    "seawall.spec.exit_vault",
    "seawall.spec.insurance_fund",
    "seawall.spec.oracle",
    "tests.fuzz.explore",
    "tests.fuzz.furnish",
    "tests.fuzz.revm",
)
#: Parts of pytest that a run of a second does without.
UNUSED = ("cacheprovider", "unraisableexception", "threadexception", "junitxml", "faulthandler")
_PASSED, _FAILED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED


class TrialError(Exception):
    """The tests could not be run: no verdict on the mutant."""


@dataclass
class Verdict:
    """What became of a mutant; `stage` and `test` say who killed it.

    `seconds` are those of the processor, which other work on the machine does not change.
    """

    outcome: str
    stage: str = ""
    test: str = ""
    seconds: float = 0.0
    #: Bytecode of the contracts that differ, for the tests on a node; not stored.
    changed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """What all trials share: sources, the unmutated bytecode, who uses which function."""

    compiler: Compiler
    build: Mapping[str, Any]
    bytecode: Mapping[str, str]
    used: Mapping[str, set[Function]]
    scratch: Path

    def carriers(self, mutant: Mutant, contracts: Sequence[str]) -> list[str]:
        """Those contracts that contain the mutated function; of a constant, all that import it."""
        if mutant.place == MODULE_LEVEL:
            return [c for c in contracts if any(f == mutant.file for f, _ in self.used[c])]
        return [c for c in contracts if (mutant.file, mutant.place) in self.used[c]]


def preload() -> None:
    """Import what the tests would import in each process anew."""
    for module in PRELOADED:
        importlib.import_module(module)


def _processor_time() -> float:
    """Seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def judge(bench: Bench, target: Target, mutant: Mutant, first: Mapping[str, str]) -> Verdict:
    """Run the stages until one notices. `first` names the tests to start with, by stage.

    Errors: TrialError.
    """
    began = _processor_time()
    text = mutant.apply((bench.compiler.root / mutant.file).read_text())
    changed: dict[str, str] = {}
    compiled: dict[str, str] = {}
    try:
        for stage in target.stages:
            for contract in bench.carriers(mutant, stage.contracts):
                if contract in compiled:
                    continue
                compiled[contract] = bench.compiler.bytecode(contract, {mutant.file: text})
                if compiled[contract] != bench.bytecode[contract]:
                    changed[contract] = compiled[contract]
                elif mutant.place != MODULE_LEVEL:
                    # A function compiles alike wherever it is used.
                    return Verdict(SAME, seconds=_processor_time() - began)
            mine = {c: code for c, code in changed.items() if c in stage.contracts}
            if mine:
                failed = run_stage(bench, stage, mine, first.get(stage.name, ""))
                if failed is not None:
                    return Verdict(KILLED, stage.name, failed, _processor_time() - began)
    except VyperException:
        return Verdict(INVALID, seconds=_processor_time() - began)
    outcome = SURVIVED if changed else SAME
    return Verdict(outcome, seconds=_processor_time() - began, changed=changed)


def run_stage(bench: Bench, stage: Stage, changed: Mapping[str, str], first: str) -> str | None:
    """Name of the first test that fails, or None. Errors: TrialError."""
    build = bench.scratch / f"build-{os.getpid()}.json"
    build.write_text(json.dumps({"contractTypes": _types(bench.build, changed)}))
    try:
        code, failed = forked(lambda: _run_pytest(stage, build, first))
    finally:
        build.unlink()
    if code == _PASSED:
        return None
    if code == _FAILED:
        return failed
    raise TrialError(f"{stage.name}: pytest ended with status {code}")


def _types(build: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    """The build's contracts, as little of each as a deployment needs."""
    types = {}
    for name, kind in build.items():
        code = changed.get(kind["sourceId"], kind["deploymentBytecode"]["bytecode"])
        types[name] = {"abi": kind["abi"], "deploymentBytecode": {"bytecode": code}}
    return types


class _Watcher:
    """Starts with the test that killed a neighbour, and remembers what failed."""

    def __init__(self, first: str) -> None:
        self._first = first
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """A killer of neighbours goes first."""
        items.sort(key=lambda item: item.nodeid != self._first)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The test that fails ends the run."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _run_pytest(stage: Stage, build: Path, first: str) -> tuple[int, str]:
    os.environ |= {"SEAWALL_FUZZ_BUILD": str(build), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    os.environ |= dict(stage.environment)
    # At its end pytest collects garbage, which would copy all memory that this process shares.
    gc.freeze()
    quiet = ["-q", "-x", "--tb=no", "--assert=plain"]
    quiet += [word for name in UNUSED for word in ("-p", f"no:{name}")]
    watcher = _Watcher(first)
    options = [*quiet, f"--confcutdir={stage.folder}", *stage.tests]
    return int(pytest.main(options, plugins=[watcher])), watcher.failed


def forked(work: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Run in a child whose output is thrown away; what it imports and leaves behind ends with it.

    Errors: TrialError.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer: tuple[int, str] = (-1, "")
        try:
            os.close(reader)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            answer = work()
        finally:
            os.write(writer, json.dumps(answer).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        raise TrialError("the tests' process died")
    code, failed = json.loads(text)
    return int(code), str(failed)


def as_record(mutant: Mutant, verdict: Verdict) -> dict[str, Any]:
    """What is kept of a trial."""
    record = asdict(verdict)
    del record["changed"]
    record["seconds"] = round(verdict.seconds, 2)
    names = ("id", "file", "place", "line", "operator", "original", "mutated")
    return {name: getattr(mutant, name) for name in names} | record
