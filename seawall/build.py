"""Compile the contracts that changed, or that import a file that changed, through Ape.

Ape compares a contract's own text only: after an edit of a module or an interface it would go on
testing the old bytecode. Here each contract has a digest of itself and of all it imports, kept
beside Ape's own build file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

_MANIFEST = Path(".build/__local__.json")
_DIGESTS = Path(".build/digests")
_SETTINGS = ("ape-config.yaml", "requirements.txt")
_IMPORT = re.compile(r"^from +(contracts|interfaces)([\w.]*) +import +(\w+)", re.MULTILINE)


class BuildError(Exception):
    """Ape could not compile; its own output says why."""


def contracts(root: Path = ROOT) -> list[str]:
    """Paths of the files that Ape compiles, from the root: all but the modules."""
    files = sorted((root / "contracts").rglob("*.vy"))
    names = [path.relative_to(root).as_posix() for path in files]
    return [name for name in names if not name.startswith("contracts/modules/")]


def imports_of(root: Path, name: str) -> set[str]:
    """Paths of the project's own files that a file imports, through others too."""
    found: set[str] = set()
    open_names = [name]
    while open_names:
        text = (root / open_names.pop()).read_text(encoding="utf-8", errors="replace")
        for folder, rest, imported in _IMPORT.findall(text):
            suffix = ".vyi" if folder == "interfaces" else ".vy"
            path = f"{folder}{rest.replace('.', '/')}/{imported}{suffix}"
            if path not in found and (root / path).is_file():
                found.add(path)
                open_names.append(path)
    return found


def digest(root: Path, name: str) -> str:
    """SHA-256 over a contract, all it imports and the settings of the compiler."""
    total = hashlib.sha256()
    for path in [name, *sorted(imports_of(root, name)), *_SETTINGS]:
        file = root / path
        total.update(path.encode() + b"\0")
        total.update(file.read_bytes() if file.is_file() else b"")
    return total.hexdigest()


def manifest(root: Path = ROOT) -> dict[str, Any]:
    """Ape's build file; empty if there is none."""
    path = root / _MANIFEST
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def stale(root: Path = ROOT) -> list[str]:
    """Paths of the contracts whose bytecode is missing or older than their sources."""
    built = {entry["sourceId"] for entry in manifest(root).get("contractTypes", {}).values()}
    known = _digests(root)
    names = contracts(root)
    return [name for name in names if name not in built or known.get(name) != digest(root, name)]


def compile_stale(root: Path = ROOT) -> list[str]:
    """Compile what is stale and return its paths. Errors: BuildError."""
    _forget_removed(root)
    names = stale(root)
    if not names:
        return []
    digests = {name: digest(root, name) for name in names}
    programs = Path(sys.prefix, "bin")
    # Ape looks for the compiler on PATH and would download one if the environment is not active.
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(programs / "ape"), "compile", "--force", *names]
    if subprocess.run(command, cwd=root, env=environment, check=False).returncode:
        raise BuildError("ape compile failed")
    (root / _DIGESTS).write_text(json.dumps(_digests(root) | digests, indent=1))
    return names


def _digests(root: Path) -> dict[str, str]:
    path = root / _DIGESTS
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def _forget_removed(root: Path) -> None:
    sources = manifest(root).get("sources", {})
    if any(not (root / name).is_file() for name in sources):
        (root / _MANIFEST).unlink()


def main() -> int:
    """Compile and say how many files were; status 1 if Ape failed."""
    try:
        names = compile_stale()
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    total = len(contracts())
    print(f"build: {total} contracts, {len(names)} compiled" if names else f"build: {total} fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
