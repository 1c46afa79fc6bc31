"""What is compiled again after an edit, and the sizes read from the build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from scripts import check_sizes
from seawall import build
from seawall.node import Node

ROOT = Path(__file__).resolve().parents[2]
PRAGMA = "# pragma version ==0.4.3\n"
INTERFACE = PRAGMA + "\nevent Read:\n    value_read: uint256\n"
OUTER = PRAGMA + (
    "from contracts.modules import inner\n"
    "\n@internal\n@pure\ndef _outer() -> uint256:\n    return inner._inner() + 1\n"
)
INNER = PRAGMA + "\n@internal\n@pure\ndef _inner() -> uint256:\n    return {number}\n"
READER = PRAGMA + (
    "from interfaces import IReader\n"
    "from contracts.modules import outer\n"
    "\nLIMIT: immutable(uint256)\nOWNER: immutable(address)\n"
    "\n@deploy\ndef __init__():\n    LIMIT = 7\n    OWNER = msg.sender\n"
    "\n@external\ndef read() -> uint256:\n"
    "    found: uint256 = outer._outer() + LIMIT\n"
    "    log IReader.Read(value_read=found)\n"
    "    return found\n"
    "\n@external\n@view\ndef owner() -> address:\n    return OWNER\n"
)
ALONE = PRAGMA + "\n@external\n@pure\ndef one() -> uint256:\n    return 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two contracts, of which one imports through two modules and an interface."""
    for folder in ("contracts/modules", "contracts/mocks", "interfaces"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "ape-config.yaml", tmp_path)
    write(tmp_path, "interfaces/IReader.vyi", INTERFACE)
    write(tmp_path, "contracts/modules/outer.vy", OUTER)
    write(tmp_path, "contracts/modules/inner.vy", INNER.format(number=3))
    write(tmp_path, "contracts/Reader.vy", READER)
    write(tmp_path, "contracts/Alone.vy", ALONE)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)


def pretend_built(root: Path) -> None:
    """Leave the traces of a build of everything, without compiling."""
    names = build.contracts(root)
    (root / ".build").mkdir(exist_ok=True)
    types = {Path(name).stem: {"sourceId": name} for name in names}
    record: dict[str, Any] = {"contractTypes": types, "sources": dict.fromkeys(names)}
    write(root, ".build/__local__.json", json.dumps(record))
    digests = {name: build.digest(root, name) for name in names}
    write(root, ".build/digests", json.dumps(digests))


def runtime(root: Path, name: str) -> str:
    return str(build.manifest(root)["contractTypes"][name]["runtimeBytecode"]["bytecode"])


def test_contracts_leaves_modules_out(project: Path) -> None:
    assert build.contracts(project) == ["contracts/Alone.vy", "contracts/Reader.vy"]


def test_imports_of_follows_modules_and_interfaces(project: Path) -> None:
    assert build.imports_of(project, "contracts/Reader.vy") == {
        "interfaces/IReader.vyi",
        "contracts/modules/outer.vy",
        "contracts/modules/inner.vy",
    }


def test_stale_without_a_build_is_everything(project: Path) -> None:
    assert build.stale(project) == ["contracts/Alone.vy", "contracts/Reader.vy"]


def test_stale_after_a_build_is_nothing(project: Path) -> None:
    pretend_built(project)
    assert build.stale(project) == []


@pytest.mark.parametrize(
    "edited",
    [
        "contracts/Reader.vy",
        "contracts/modules/outer.vy",
        "contracts/modules/inner.vy",
        "interfaces/IReader.vyi",
    ],
)
def test_stale_after_an_edit_is_what_imports_it(project: Path, edited: str) -> None:
    pretend_built(project)
    write(project, edited, (project / edited).read_text() + "# Edited.\n")
    assert build.stale(project) == ["contracts/Reader.vy"]


def test_stale_after_new_compiler_settings_is_everything(project: Path) -> None:
    pretend_built(project)
    settings = (project / "ape-config.yaml").read_text()
    write(project, "ape-config.yaml", settings.replace("cancun", "shanghai"))
    assert build.stale(project) == ["contracts/Alone.vy", "contracts/Reader.vy"]


def test_compile_stale_edited_module_changes_the_bytecode_of_its_importer(project: Path) -> None:
    assert len(build.compile_stale(project)) == 2
    reader, alone = runtime(project, "Reader"), runtime(project, "Alone")
    write(project, "contracts/modules/inner.vy", INNER.format(number=4))
    assert build.compile_stale(project) == ["contracts/Reader.vy"]
    assert runtime(project, "Reader") != reader
    assert runtime(project, "Alone") == alone
    (project / "contracts/Alone.vy").unlink()
    assert build.compile_stale(project) == ["contracts/Reader.vy"]
    assert list(build.manifest(project)["contractTypes"]) == ["Reader"]


def test_compile_stale_broken_source_raises_and_stays_stale(project: Path) -> None:
    write(project, "contracts/Alone.vy", PRAGMA + "def def\n")
    with pytest.raises(build.BuildError):
        build.compile_stale(project)
    assert "contracts/Alone.vy" in build.stale(project)


def test_sizes_of_the_build_are_those_of_deployed_code(project: Path) -> None:
    without_build = {row.name: row for row in check_sizes.sizes(project)}
    build.compile_stale(project)
    with_build = {row.name: row for row in check_sizes.sizes(project)}
    assert with_build == without_build
    assert with_build["Reader"].immutables == 64
    entry = build.manifest(project)["contractTypes"]["Reader"]
    creation = bytes.fromhex(entry["deploymentBytecode"]["bytecode"].removeprefix("0x"))
    with Node() as node:
        rpc = node.rpc()
        deployed = rpc.send(rpc.accounts()[0], None, creation)["contractAddress"]
        code = rpc.call("eth_getCode", deployed, "latest")
    assert with_build["Reader"].total == len(code) // 2 - 1


def test_sizes_leaves_mocks_out(project: Path) -> None:
    write(project, "contracts/mocks/Odd.vy", ALONE)
    assert [row.name for row in check_sizes.sizes(project)] == ["Alone", "Reader"]


def test_sizes_broken_source_raises(project: Path) -> None:
    write(project, "contracts/Alone.vy", PRAGMA + "x: nonsense\n")
    with pytest.raises(check_sizes.CompileError, match=r"contracts/Alone\.vy does not compile"):
        check_sizes.sizes(project)


@pytest.mark.parametrize(
    ("name", "total", "verdict"),
    [
        ("Clearinghouse", 22_000, "ok"),
        ("Clearinghouse", 22_001, "over budget"),
        ("Lens", 16_000, "ok"),
        ("Lens", 16_001, "over budget"),
        ("Lens", 24_001, "over limit"),
    ],
)
def test_size_verdict_follows_the_budget(name: str, total: int, verdict: str) -> None:
    budget = check_sizes.BUDGETS.get(name, check_sizes.BUDGET)
    assert check_sizes.Size(name, total - 32, 32, budget).verdict == verdict


def test_table_marks_what_is_over() -> None:
    rows = [check_sizes.Size("Small", 10, 0, 16_000), check_sizes.Size("Big", 16_001, 0, 16_000)]
    lines = check_sizes.table(rows).splitlines()
    assert lines[1].endswith("0%")
    assert lines[2].endswith("over budget")


def test_main_over_budget_fails(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check_sizes, "ROOT", project)
    assert check_sizes.main() == 0
    monkeypatch.setitem(check_sizes.BUDGETS, "Reader", 10)
    assert check_sizes.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "check_sizes: Reader over"
