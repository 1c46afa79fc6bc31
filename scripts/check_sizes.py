"""Check the runtime size of every deployable against its budget in bytes.

Run as `python -m scripts.check_sizes`. A deployed contract is its runtime code followed by its
immutables; both count against the limit of EIP-170. Ape's build file serves where it is fresh,
the compiler where it is not.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2

from seawall import build

ROOT = Path(__file__).resolve().parents[1]
HARD_LIMIT = 24_000
BUDGET = 16_000
BUDGETS = {
    "Backstop": 17_000,
    "Clearinghouse": 22_000,
    "CloseOut": 19_800,
    "IndexOracle": 18_400,
    "InsuranceFund": 15_400,
    "LiquidationEngine": 21_800,
    "MarginModel": 21_900,
}

# Runtime code and creation code, in hex.
Codes = tuple[str, str]


class CompileError(Exception):
    """A deployable does not compile; the text says which and why."""


@dataclass(frozen=True)
class Size:
    """Bytes of a deployed contract and what it may have."""

    name: str
    runtime: int
    immutables: int
    budget: int

    @property
    def total(self) -> int:
        """Bytes of code at the contract's address."""
        return self.runtime + self.immutables

    @property
    def verdict(self) -> str:
        """`ok`, `over budget`, or `over limit` where a chain would soon refuse it."""
        if self.total > HARD_LIMIT:
            return "over limit"
        return "over budget" if self.total > self.budget else "ok"


def immutables_of(initcode: bytes) -> int:
    """Bytes of immutables, from the record the compiler appends to the creation code.

    The last two bytes give the length of the record, themselves included; it is a CBOR list of
    integrity hash, runtime length, lengths of the data sections, immutables' length and version.
    """
    length = int.from_bytes(initcode[-2:], "big")
    record = cbor2.loads(initcode[-length:-2])
    return int(record[3])


def measure(name: str, runtime: str, initcode: str) -> Size:
    """Size of a contract from its runtime and creation code in hex."""
    return Size(
        name=name,
        runtime=len(bytes.fromhex(runtime.removeprefix("0x"))),
        immutables=immutables_of(bytes.fromhex(initcode.removeprefix("0x"))),
        budget=BUDGETS.get(name, BUDGET),
    )


def deployables(root: Path) -> list[str]:
    """Paths of the contracts that are deployed as product: no modules, no mocks."""
    return [name for name in build.contracts(root) if not name.startswith("contracts/mocks/")]


def sizes(root: Path) -> list[Size]:
    """Sizes of all deployables under a root, in the order of their paths. Errors: CompileError."""
    stale = set(build.stale(root))
    types = build.manifest(root).get("contractTypes", {}).values()
    built = {entry["sourceId"]: entry for entry in types}
    paths = deployables(root)
    codes = {path: _codes_of(built[path]) for path in paths if path not in stale}
    to_compile = [path for path in paths if path in stale]
    codes |= zip(to_compile, _compile_all(root, to_compile), strict=True)
    return [measure(Path(path).stem, *codes[path]) for path in paths]


def _codes_of(entry: dict[str, Any]) -> Codes:
    return entry["runtimeBytecode"]["bytecode"], entry["deploymentBytecode"]["bytecode"]


def _compile_all(root: Path, paths: list[str]) -> list[Codes]:
    if not paths:
        return []
    workers = min(len(paths), os.cpu_count() or 1)
    # Forking a process that already has threads, as Ape does, can lock up.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_compile, [root] * len(paths), paths))


def _compile(root: Path, path: str) -> Codes:
    # Importing the compiler costs more than reading the build file, which is the usual case.
    from vyper.compiler import CompilerData
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.settings import Settings
    from vyper.exceptions import VyperException

    os.chdir(root)
    packages = Path(sysconfig.get_path("purelib"))
    bundle = FilesystemInputBundle([packages, Path()])
    file = bundle.load_file(Path(path))
    compiled = CompilerData(file, bundle, settings=Settings(evm_version="cancun"))
    try:
        runtime, initcode = compiled.bytecode_runtime, compiled.bytecode
    except VyperException as error:
        # The compiler's own exceptions do not survive the way back from a worker process.
        raise CompileError(f"{path} does not compile: {error}") from None
    return runtime.hex(), initcode.hex()


def table(rows: list[Size]) -> str:
    """The sizes as aligned text, one line a contract."""
    width = max(len("contract"), *(len(row.name) for row in rows))
    lines = [f"{'contract':{width}}  {'bytes':>6}  {'budget':>6}  {'used':>5}"]
    for row in rows:
        used = f"{row.total * 100 // row.budget}%"
        note = "" if row.verdict == "ok" else f"  {row.verdict}"
        lines.append(f"{row.name:{width}}  {row.total:6}  {row.budget:6}  {used:>5}{note}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; status 1 if a contract is over its budget."""
    try:
        rows = sizes(ROOT)
    except CompileError as error:
        print(f"check_sizes: {error}")
        return 1
    if not rows:
        print("check_sizes: OK (no contracts yet)")
        return 0
    print(table(rows))
    over = [row.name for row in rows if row.verdict != "ok"]
    print(f"check_sizes: {', '.join(over)} over" if over else f"check_sizes: OK ({len(rows)})")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
