"""Which function and which source line an instruction of a compiled contract belongs to.

The compiler is asked in-process: its labels say where each function begins, internal ones too.
"""

from __future__ import annotations

import os
import re
import sysconfig
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from seawall.build import manifest

ROOT = Path(__file__).resolve().parents[1]

DISPATCH = "(dispatch)"

_INTERNAL = re.compile(r"^_sym_internal \d+ (\w+)\(.*\)_runtime$")
_BUCKET = "_sym_selector_bucket_"


@dataclass(frozen=True)
class CodeMap:
    """Sections of code in ascending order: `starts` with the `names` of their functions.

    `entries` are the first instructions of internal functions, `lines` the source line by pc where
    the compiler names one.
    """

    starts: list[int]
    names: list[str]
    entries: frozenset[int]
    lines: dict[int, str]

    def function(self, pc: int) -> str:
        """Function an instruction is part of, with its module."""
        return self.names[bisect_right(self.starts, pc) - 1]

    def line(self, pc: int) -> str:
        """`file:line` of the last instruction before that has one, else the function."""
        start = self.starts[bisect_right(self.starts, pc) - 1]
        for before in range(pc, start - 1, -1):
            if before in self.lines:
                return self.lines[before]
        return self.function(pc)


#: Of a contract that has no sources here.
FOREIGN = CodeMap([0], ["(all)"], frozenset(), {})


def code_map(name: str) -> CodeMap:
    """Map of a contract of the project. Errors: BenchError if the build is of other sources."""
    # The compiler takes a second to import; only the profiler needs it.
    from vyper.ir.compile_ir import assembly_to_evm_with_symbol_map

    entry = manifest(ROOT)["contractTypes"][name]
    compiled = _compile(Path(entry["sourceId"]))
    code, sources, symbols = assembly_to_evm_with_symbol_map(compiled.assembly_runtime)
    if code.hex() != entry["runtimeBytecode"]["bytecode"].removeprefix("0x"):
        raise BenchError(f"{name} was built from other sources: run make compile")
    nodes = sources["pc_raw_ast_map"]
    labels = {str(label): pc for label, pc in symbols.items() if pc is not None}
    entries = {pc: found[1] for label, pc in labels.items() if (found := _INTERNAL.match(label))}
    sections = {0: DISPATCH, **_externals(labels, nodes, min(entries, default=len(code)))}
    sections |= {pc: f"{_module_of(pc, one, nodes)}.{one}" for pc, one in entries.items()}
    starts = sorted(sections)
    lines = {pc: f"{_stem(node)}.vy:{node.lineno}" for pc, node in nodes.items()}
    return CodeMap(starts, [sections[pc] for pc in starts], frozenset(entries), lines)


def _compile(source: Path) -> Any:
    from vyper.compiler import CompilerData
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.settings import Settings

    # The compiler resolves imports from the folder it runs in.
    os.chdir(ROOT)
    bundle = FilesystemInputBundle([Path(sysconfig.get_path("purelib")), Path()])
    return CompilerData(bundle.load_file(source), bundle, settings=Settings(evm_version="cancun"))


def _externals(labels: dict[str, int], nodes: dict[int, Any], end: int) -> dict[int, str]:
    """External functions lie before `end`, some without a label: their first statements tell."""
    found = {pc: DISPATCH for label, pc in labels.items() if label.startswith(_BUCKET)}
    last = DISPATCH
    for pc in sorted(pc for pc in nodes if pc < end):
        function = _function_of(nodes[pc])
        name = last if function is None else f"{_stem(function)}.{function.name}"
        if name != last or found.get(pc) == DISPATCH:
            found[pc] = last = name
    return found


def _module_of(start: int, name: str, nodes: dict[int, Any]) -> str:
    """Module of an internal function: that of the first instruction which names the function."""
    for pc in sorted(pc for pc in nodes if pc >= start):
        function = _function_of(nodes[pc])
        if function is not None and function.name == name:
            return _stem(function)
    return "?"


def _function_of(node: Any) -> Any:
    from vyper import ast

    return node if isinstance(node, ast.FunctionDef) else node.get_ancestor(ast.FunctionDef)


def _stem(node: Any) -> str:
    return Path(node.module_node.path).stem
