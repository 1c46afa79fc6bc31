"""Verdicts on real mutants of `median.vy` and on a project of three files; what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mutation.campaign import VALID, Campaign, Plan, check_unmutated, drawn, plan, prepare
from mutation.compiler import Compiler
from mutation.crew import Crew
from mutation.mutants import Mutant
from mutation.source import Span
from mutation.store import Record, Store
from mutation.targets import Stage, Target
from mutation.trial import INVALID, KILLED, SAME, SURVIVED, Bench, TrialError, judge

MODULE = """# pragma version ==0.4.3


@internal
@pure
def _double(number: uint256) -> uint256:
    return number * 2


@internal
@pure
def _unused(number: uint256) -> uint256:
    return number * 3
"""
CONTRACT = """# pragma version ==0.4.3
from contracts.modules import tiny


@external
@pure
def twice(number: uint256) -> uint256:
    return tiny._double(number)
"""
TEST = """
import json, os, pathlib
import pyrevm


def test_twice_of_three_is_six():
    build = json.loads(pathlib.Path(os.environ["SEAWALL_FUZZ_BUILD"]).read_text())
    code = build["contractTypes"]["Tiny"]["deploymentBytecode"]["bytecode"].removeprefix("0x")
    evm = pyrevm.EVM(spec_id="CANCUN")
    caller = "0x" + "ca" * 20
    tiny = evm.deploy(caller, bytes.fromhex(code))
    data = bytes.fromhex("{selector}") + bytes(31) + b"\\x03"
    assert int.from_bytes(evm.message_call(caller, tiny, data), "big") == 6
"""
FILE = "contracts/modules/tiny.vy"
PATH = "contracts/Tiny.vy"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one module, one contract and one test."""
    from eth_utils.crypto import keccak

    (tmp_path / "contracts" / "modules").mkdir(parents=True)
    (tmp_path / FILE).write_text(MODULE)
    (tmp_path / PATH).write_text(CONTRACT)
    (tmp_path / "tests").mkdir()
    chosen = keccak(text="twice(uint256)")[:4].hex()
    (tmp_path / "tests" / "test_tiny.py").write_text(TEST.replace("{selector}", chosen))
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def target() -> Target:
    stage = Stage("tiny", ("tests/test_tiny.py",), "tests", (PATH,))
    return Target(FILE, True, (stage,), ())


@pytest.fixture
def bench(root: Path, target: Target) -> Bench:
    code = Compiler(root).bytecode(PATH)
    build = {"Tiny": {"abi": [], "sourceId": PATH, "deploymentBytecode": {"bytecode": code}}}
    return prepare(root, build, [target], root / "out")


def fault(old: str, new: str, place: str = "_double") -> Mutant:
    """A mutant of the module that is not of the tool's own making."""
    start = MODULE.index(old)
    span = Span(start, start + len(old))
    return Mutant(f"tiny.{place}:{new}", FILE, place, 1, "test", old, new, span, new)


@pytest.mark.parametrize(
    "new, outcome",
    [
        ("number * 3", KILLED),
        ("(number * 2)", SAME),
        ("nobody * 2", INVALID),
        ("number * 2 + number // 4", SURVIVED),
    ],
)
def test_judge_fault_gets_its_verdict(bench: Bench, target: Target, new: str, outcome: str) -> None:
    assert judge(bench, target, fault("number * 2", new), {}).outcome == outcome


def test_judge_killed_names_stage_and_test(bench: Bench, target: Target) -> None:
    verdict = judge(bench, target, fault("number * 2", "number"), {})
    assert verdict.stage == "tiny"
    assert verdict.test.endswith("test_tiny.py::test_twice_of_three_is_six")


def test_judge_function_that_no_contract_uses_is_no_mutant(bench: Bench, target: Target) -> None:
    assert judge(bench, target, fault("number * 3", "number", "_unused"), {}).outcome == SAME


def test_check_unmutated_failing_test_raises(bench: Bench, target: Target, root: Path) -> None:
    check_unmutated(bench, [target])
    (root / "tests" / "test_tiny.py").write_text("def test_never():\n    assert False\n")
    with pytest.raises(TrialError, match="fails without any fault"):
        check_unmutated(bench, [target])


def test_judge_tests_that_cannot_be_collected_raises(
    bench: Bench, target: Target, root: Path
) -> None:
    (root / "tests" / "test_tiny.py").write_text("import nobody_wrote_this\n")
    with pytest.raises(TrialError, match="status 2"):
        judge(bench, target, fault("number * 2", "number"), {})


def test_campaign_complete_target_tries_every_fault(
    bench: Bench, target: Target, root: Path
) -> None:
    chosen = plan(root, [target], 0, "seed")
    store = Store(root / "out", "tiny", "sources", "tests")
    Campaign(bench, chosen, {FILE: store}, print).run(2)
    assert set(store.records) == {mutant.id for mutant in chosen.complete}
    used = [r for r in store.records.values() if r["place"] == "_double"]
    assert {r["outcome"] for r in used} == {KILLED}


@pytest.mark.parametrize("sample", [1, 3])
def test_campaign_sample_tries_no_more_than_it_needs(
    bench: Bench, target: Target, root: Path, sample: int
) -> None:
    chosen = plan(root, [replace(target, complete=False)], sample, "seed")
    store = Store(root / "out", "tiny", "sources", "tests")
    campaign = Campaign(bench, chosen, {FILE: store}, print)
    campaign.run(2)
    records, whole = drawn(chosen, campaign.record)
    assert whole
    assert len(records) == len(store.records)
    assert sum(record["outcome"] in VALID for record in records) == sample


@pytest.fixture
def kept(root: Path) -> Store:
    store = Store(root / "out", "kept", "sources", "tests")
    for name, outcome in (("a", KILLED), ("b", SURVIVED)):
        store.put({"id": name, "line": 1, "outcome": outcome})
    store.save()
    return store


@pytest.mark.parametrize(
    "sources, tests, expected",
    [
        ("sources", "tests", {"a", "b"}),
        ("sources", "more tests", {"a"}),
        ("other sources", "tests", set()),
    ],
)
def test_store_keeps_what_still_holds(
    kept: Store, root: Path, sources: str, tests: str, expected: set[str]
) -> None:
    assert set(Store(root / "out", "kept", sources, tests).records) == expected


def test_drawn_sample_ends_with_its_last_mutant() -> None:
    pool = [fault("number * 2", str(number)) for number in range(5)]
    outcomes = [INVALID, KILLED, SAME, SURVIVED, KILLED]
    known: dict[str, Record] = {
        mutant.id: {"id": mutant.id, "outcome": outcome}
        for mutant, outcome in zip(pool, outcomes, strict=True)
    }
    records, whole = drawn(Plan({}, [], pool, 2), known.get)
    assert ([r["outcome"] for r in records], whole) == (outcomes[:4], True)
    del known[pool[2].id]
    records, whole = drawn(Plan({}, [], pool, 2), known.get)
    assert ([r["outcome"] for r in records], whole) == (outcomes[:2], False)


def test_crew_job_that_raises_is_told(tmp_path: Path) -> None:
    crew = Crew(1, tmp_path)
    crew.start("job", lambda: {"found": 1 // 0})
    with pytest.raises(TrialError, match="job: ZeroDivisionError"):
        crew.wait()


def test_crew_jobs_answer_by_key(tmp_path: Path) -> None:
    crew = Crew(2, tmp_path)
    crew.start("one", lambda: {"found": 1})
    crew.start("two", lambda: {"found": 2})
    answers: dict[str, Record | None] = {}
    while crew.busy:
        answers |= dict(crew.wait())
    assert answers == {"one": {"found": 1}, "two": {"found": 2}}
