"""Bugs put into a copy of the sources, compiled beside the true bytecode."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from seawall.build import imports_of
from tests.fuzz.creation import ROOT, compiled

PLANTED = Path(__file__).with_name("planted.yaml")
#: What the fuzz deploys of the project's own.
DEPLOYED = (
    "Clearinghouse",
    "MarginModel",
    "LiquidationEngine",
    "CollateralConverter",
    "Exchange",
    "InsuranceFund",
    "IndexOracle",
    "Backstop",
    "CloseOut",
    "BackstopVault",
    "ExitQueue",
    "Delisting",
)
FOLDERS = ("contracts", "interfaces")


class PlantingError(Exception):
    """A bug does not fit the sources any more, or they do not compile with it."""


@dataclass(frozen=True)
class Bug:
    """One replacement of text in one file, and what it does."""

    room: str
    file: str
    find: str
    replace: str
    breaks: str

    def plant(self, root: Path) -> None:
        """Change the file below a copy of the sources. Errors: PlantingError."""
        path = root / self.file
        source = path.read_text()
        if source.count(self.find) != 1:
            raise PlantingError(f"{self.file}: {source.count(self.find)} times {self.find!r}")
        path.write_text(source.replace(self.find, self.replace))

    def contracts(self) -> list[str]:
        """Names of the deployed contracts that it reaches."""
        sources = {name: f"contracts/{name}.vy" for name in DEPLOYED}
        return [
            name
            for name, source in sources.items()
            if self.file in (source, *imports_of(ROOT, source))
        ]


def bugs() -> list[Bug]:
    """All that are to be planted."""
    return [Bug(**entry) for entry in yaml.safe_load(PLANTED.read_text())]


def copy_sources(root: Path) -> None:
    """The contracts and interfaces of this project below another folder."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, dirs_exist_ok=True)


def build_with(bug: Bug, root: Path) -> Path:
    """A build file with the bug in it, below a folder that is filled. Errors: PlantingError."""
    copy_sources(root)
    bug.plant(root)
    types, reached = compiled(), bug.contracts()
    if not reached:
        raise PlantingError(f"{bug.file}: no contract of the fuzz is made of it")
    for name in reached:
        types[name]["deploymentBytecode"]["bytecode"] = _bytecode(root, f"contracts/{name}.vy")
    path = root / "build.json"
    path.write_text(json.dumps({"contractTypes": types}))
    return path


def _bytecode(root: Path, source: str) -> str:
    vyper = Path(sys.prefix, "bin", "vyper")
    command = [str(vyper), "--evm-version", "cancun", "-f", "bytecode", source]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlantingError(f"{source}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.strip()
