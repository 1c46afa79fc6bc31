"""Creation bytecode: as `make compile` made it, of a harness, or with a bug planted in a copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from proofs.bytecode.judge import Plant
from proofs.lemmas.claim import ProofError

ROOT = Path(__file__).resolve().parents[2]
HARNESSES = Path(__file__).parent / "harness"
BUILD = ROOT / ".build" / "__local__.json"
#: The compiler of the project's own environment, so that a planted copy differs in the bug alone.
COMPILER = ROOT / ".venv" / "bin" / "vyper"


def shipped(names: list[str]) -> dict[str, bytes]:
    """Creation code by name: of `make compile`, harnesses as they stand. Errors: ProofError."""
    if not BUILD.is_file():
        raise ProofError("no compiled contracts: run make compile")
    types = json.loads(BUILD.read_text())["contractTypes"]
    missing = [name for name in names if name not in types and not _harness(name).is_file()]
    if missing:
        raise ProofError(f"not compiled: {', '.join(missing)}")
    return {
        name: _bytes(types[name]["deploymentBytecode"]["bytecode"])
        if name in types
        else _compiled(name, None)
        for name in names
    }


def with_bug(plant: Plant) -> bytes:
    """Creation code of the plant's contract with its bug in. Errors: ProofError."""
    return _compiled(plant.contract, plant)


def _harness(name: str) -> Path:
    return HARNESSES / f"{name}.vy"


def _compiled(name: str, plant: Plant | None) -> bytes:
    """Creation code of a contract or harness, compiled in a copy of the sources."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("contracts", "interfaces"):
            shutil.copytree(ROOT / part, copy / part)
        if _harness(name).is_file():
            shutil.copy(_harness(name), copy / "contracts")
        if plant is not None:
            _change(copy, plant)
        source = next((copy / "contracts").rglob(f"{name}.vy")).relative_to(copy)
        command = [str(COMPILER), "--evm-version", "cancun", "-f", "bytecode", str(source)]
        environment = {"PATH": os.environ["PATH"], "HOME": folder}
        made = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
    if made.returncode:
        raise ProofError(f"{name} does not compile: {made.stderr[-300:]}")
    return _bytes(made.stdout.strip())


def _change(copy: Path, plant: Plant) -> None:
    file = copy / plant.file
    text = file.read_text()
    if text.count(plant.old) != 1:
        raise ProofError(f"plant {plant.words!r}: its text stands {text.count(plant.old)} times")
    file.write_text(text.replace(plant.old, plant.new))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
