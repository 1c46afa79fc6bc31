"""Solidity sources of others: compiled once, kept by a hash of all that went in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from seawall.published import solidity
from seawall.published.artifacts import PublishedError
from seawall.published.solidity import compiled

BASE = "pragma solidity ^0.8.0;\ncontract Base { uint256 public constant SIZE = 7; }\n"
PLAIN = 'pragma solidity ^0.8.0;\nimport "./Base.sol";\ncontract Plain is Base {}\n'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two sources, and an empty place to keep what they compile to."""
    monkeypatch.setattr(solidity, "KEPT", tmp_path / "kept")
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "Base.sol").write_text(BASE)
    (folder / "Plain.sol").write_text(PLAIN)
    return folder


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Commands that were run so far."""
    seen: list[Any] = []
    run = subprocess.run

    def watched(command: Any, **options: Any) -> Any:
        seen.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    return seen


def test_compiled_follows_imports_within_the_folder(package: Path) -> None:
    artifact = compiled(package, "Plain")
    assert [entry["name"] for entry in artifact.abi] == ["SIZE"]
    assert len(artifact.creation()) > 50


def test_compiled_again_reads_what_was_kept(package: Path, runs: list[Any]) -> None:
    first = compiled(package, "Plain")
    assert compiled(package, "Plain") == first
    assert len(runs) == 1


def test_compiled_after_an_edit_of_an_import_compiles_again(package: Path, runs: list[Any]) -> None:
    first = compiled(package, "Plain")
    (package / "Base.sol").write_text(BASE.replace("7", "8"))
    assert compiled(package, "Plain").code != first.code
    assert len(runs) == 2


def test_compiled_source_with_a_fault_tells_it(package: Path) -> None:
    (package / "Plain.sol").write_text(PLAIN.replace("Base {}", "Missing {}"))
    with pytest.raises(PublishedError, match="Plain: DeclarationError"):
        compiled(package, "Plain")


def test_compiled_package_that_is_missing_says_what_to_do(package: Path) -> None:
    with pytest.raises(PublishedError, match=r"Other\.sol is missing: run make setup"):
        compiled(package, "Other")
