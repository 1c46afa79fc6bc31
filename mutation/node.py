"""The last stage: tests on a node through Ape, for mutants that all others let pass.

They run in a copy of the project whose sources have no fault: only the bytecode in Ape's build
file is exchanged, so that nothing is compiled again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vyper.exceptions import VyperException

from mutation.crew import Crew
from mutation.mutants import Mutant
from mutation.store import Record
from mutation.targets import Target
from mutation.trial import KILLED, Bench, TrialError

NODE = "node"
COPIED = ("contracts", "interfaces", "seawall", "scripts", "bots", "tests", "params", "data")
FILES = ("pyproject.toml", "ape-config.yaml", "requirements.txt")
LINKED = (".venv", "node_modules")
_BUILD = ".build/__local__.json"
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)

Keep = Callable[[Mutant, Record], None]


def copy_project(root: Path, place: Path) -> None:
    """A copy that Ape takes for a project of its own."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name)
    for name in FILES:
        shutil.copy2(root / name, place / name)
    for name in LINKED:
        (place / name).symlink_to((root / name).resolve())
    shutil.copytree(root / ".build", place / ".build")


def exchange(place: Path, build: Mapping[str, Any], code: Mapping[str, str]) -> None:
    """Put other bytecode of some contracts (by path) into a copy's build file.

    Only what is deployed matters to the tests: the runtime code in the file is left as it was.
    """
    kinds = {
        name: _with_code(kind, code[kind["sourceId"]]) if kind["sourceId"] in code else kind
        for name, kind in build["contractTypes"].items()
    }
    (place / _BUILD).write_text(json.dumps({**build, "contractTypes": kinds}))


def _with_code(kind: Mapping[str, Any], code: str) -> dict[str, Any]:
    return {**kind, "deploymentBytecode": {**kind["deploymentBytecode"], "bytecode": code}}


def run_tests(place: Path, root: Path, tests: Sequence[str]) -> str | None:
    """First test that fails in a copy, or None. Errors: TrialError."""
    programs = [Path(sys.prefix, "bin"), root / "node_modules" / ".bin"]
    path = os.pathsep.join([*map(str, programs), os.environ.get("PATH", "")])
    command = [str(programs[0] / "ape"), "test", *tests, "-n", "0", "-x", "-q", "--tb=no"]
    # Without its links a copy is on its own: nothing in it may be read from the original.
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(place)}
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return None
    found = _FAILED.search(done.stdout)
    if done.returncode == 1 and found:
        return found[1]
    raise TrialError(f"ape test ended with status {done.returncode}: {done.stdout[-600:]}")


class NodeStage:
    """Runs the survivors' tests, each worker in a copy of its own."""

    def __init__(self, bench: Bench, targets: Mapping[str, Target], whole_build: Path) -> None:
        self._bench, self._targets = bench, targets
        self._build = json.loads(whole_build.read_text())
        self._root = bench.compiler.root

    def run(self, survivors: Sequence[tuple[Mutant, Record]], workers: int, keep: Keep) -> None:
        """Give each survivor its last chance. Errors: TrialError."""
        if not survivors:
            return
        free = [self._bench.scratch / f"node-{number}" for number in range(workers)]
        for place in free:
            copy_project(self._root, place)
        crew = Crew(workers, self._bench.scratch)
        waiting, at_work = list(survivors), {}
        try:
            while waiting or crew.busy:
                while waiting and free:
                    mutant, record = waiting.pop(0)
                    place = free.pop()
                    at_work[mutant.id] = (mutant, record, place)
                    crew.start(mutant.id, lambda m=mutant, p=place: self._try(m, p))  # type: ignore[misc]
                for key, answer in crew.wait():
                    mutant, record, place = at_work.pop(key)
                    free.append(place)
                    keep(mutant, record | (answer or {"outcome": KILLED, "stage": NODE}))
        finally:
            crew.stop()

    def _try(self, mutant: Mutant, place: Path) -> Record:
        text = mutant.apply((self._root / mutant.file).read_text())
        exchange(place, self._build, self._changed(mutant, text))
        failed = run_tests(place, self._root, self._targets[mutant.file].units)
        if failed is None:
            return {"node": True}
        return {"outcome": KILLED, "stage": NODE, "test": failed, "node": True}

    def _changed(self, mutant: Mutant, text: str) -> dict[str, str]:
        """Bytecode of every contract that contains the fault, harnesses included."""
        carriers = self._bench.carriers(mutant, list(self._bench.bytecode))
        changed = {}
        for contract in carriers:
            try:
                changed[contract] = self._bench.compiler.bytecode(contract, {mutant.file: text})
            except VyperException as error:
                raise TrialError(f"{mutant.id}: {contract} does not compile") from error
        return changed
