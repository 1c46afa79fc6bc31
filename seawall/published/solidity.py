"""Contracts that their makers publish as Solidity source, compiled with the pinned solc of npm.

A compilation takes seconds, so its result is kept under out/, named by a hash of all that went in.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from seawall.published.artifacts import PACKAGES, ROOT, Artifact, PublishedError

KEPT = ROOT / "out" / "solidity"

_COMPILER = PACKAGES / "solc"
_SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": "cancun",
}
_TIMEOUT_SECONDS = 300


@cache
def pyth(name: str) -> Artifact:
    """A contract of @pythnetwork/pyth-sdk-solidity. Errors: PublishedError."""
    return compiled(PACKAGES / "@pythnetwork" / "pyth-sdk-solidity", name)


def compiled(package: Path, name: str) -> Artifact:
    """The contract `name` of the file of this name in a flat folder of sources.

    Errors: PublishedError when package or compiler is missing, or the source does not compile.
    """
    question = json.dumps(_question(package, name), sort_keys=True)
    version = _installed(_COMPILER / "package.json", json.loads)["version"]
    digest = hashlib.sha256(f"{version}\0{question}".encode()).hexdigest()
    path = KEPT / f"{name}-{digest[:16]}.json"
    if not path.is_file():
        _keep(path, _compile(question, name))
    found = json.loads(path.read_text())
    return Artifact(name, found["abi"], found["evm"]["bytecode"]["object"])


def _question(package: Path, name: str) -> dict[str, Any]:
    """Input of the compiler: every source of the folder, the output of one contract."""
    file = f"{name}.sol"
    _installed(package / file, str)
    sources = {path.name: {"content": path.read_text()} for path in sorted(package.glob("*.sol"))}
    wanted = {file: {name: ["abi", "evm.bytecode.object"]}}
    return {
        "language": "Solidity",
        "sources": sources,
        "settings": _SETTINGS | {"outputSelection": wanted},
    }


def _compile(question: str, name: str) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None:
        raise PublishedError("Node is needed on PATH to compile Solidity")
    done = subprocess.run(
        [node, str(_COMPILER / "solc.js"), "--standard-json"],
        input=question,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise PublishedError(f"{name}: solc ended with {done.returncode}: {done.stderr.strip()}")
    answer = _json_of(done.stdout)
    faults = [one for one in answer.get("errors", []) if one["severity"] == "error"]
    if faults:
        raise PublishedError(f"{name}: {faults[0]['formattedMessage'].strip()}")
    return dict(answer["contracts"][f"{name}.sol"][name])


def _json_of(text: str) -> dict[str, Any]:
    """The object in the output, before which the command line may print remarks."""
    return dict(json.loads(text[text.index("{") :]))


def _keep(path: Path, output: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two test processes may compile at once: neither must read half a file of the other.
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(output))
    scratch.replace(path)


def _installed(path: Path, read: Any) -> Any:
    if not path.is_file():
        raise PublishedError(f"{path.parent.name}/{path.name} is missing: run make setup")
    return read(path.read_text())
