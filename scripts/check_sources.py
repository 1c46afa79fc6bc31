"""Check the sources against the rules that neither the compiler nor ruff knows.

Run as `python -m scripts.check_sources`; prints one line a finding and ends with status 1 if there
is any. `--rules` lists the rules. Mocks are free of the rules of style, not of those of encoding.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vyper.ast import nodes as ast

from scripts._vyper_index import (
    Index,
    Source,
    decorators,
    is_builtin,
    outer_calls,
    storage_reads,
    type_of,
)

ROOT = Path(__file__).resolve().parents[1]
MAX_LINES = 600
MAX_ERROR = 32
VERSION_PRAGMA = "# pragma version ==0.4.3"
LOCK_PRAGMA = "# pragma nonreentrancy on"
RAW_CALL_FILES = ("contracts/modules/oracle_guard.vy", "contracts/modules/token_utils.vy")
SIGNED_FILE = "contracts/modules/fixed_math.vy"
WORDS_FILES = (
    "contracts/modules/words.vy",
    "contracts/modules/risk_words.vy",
    "contracts/modules/bits.vy",
)
SKIPPED_FOLDERS = frozenset({"node_modules", "out", "__pycache__"})

BIT_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
ERROR_TEXT = re.compile(r"[a-z][a-z0-9_-]*: \S.*")
WORDS_COMMENT = re.compile(r"#.*\b(words|risk_words|bits)\._?[a-z]\w*")
EXPERIMENT = re.compile(r"#\s*(pragma|@version).*(experimental|venom)", re.IGNORECASE)
SWALLOWING = re.compile(r"\bchain\.isolate\(")

Node = Any
Finding = tuple[int, str]
Check = Callable[[Index, Source], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A named check of the tree of the files of some kinds."""

    name: str
    summary: str
    kinds: tuple[str, ...]
    check: Check


PRODUCT = ("contract", "module")
EVERYTHING = ("contract", "module", "mock", "interface")
RULES: list[Rule] = []
FILE_RULES = {
    "encoding": "printable ASCII and newline only, in Vyper files",
    "syntax": "the file parses as Vyper",
    "length": f"at most {MAX_LINES} lines, in Vyper and Python files",
    "isolate": "no isolation context of Ape in Python: it swallows failed assertions",
}


def rule(name: str, summary: str, kinds: tuple[str, ...] = PRODUCT) -> Callable[[Check], Check]:
    """Register a check of the tree under a name."""

    def register(check: Check) -> Check:
        RULES.append(Rule(name, summary, kinds, check))
        return check

    return register


@rule(
    "pragma", "version, then nonreentrancy in contracts and in modules with externals", EVERYTHING
)
def _pragma(index: Index, source: Source) -> Iterator[Finding]:
    if source.lines[0] != VERSION_PRAGMA:
        yield 1, f"the first line is not `{VERSION_PRAGMA}`"
    locked = source.kind == "contract" or (source.kind == "module" and _has_external(source))
    if locked and source.lines[1:2] != [LOCK_PRAGMA]:
        yield 2, f"the second line is not `{LOCK_PRAGMA}`"


@rule("experimental", "no experimental code generator", EVERYTHING)
def _experimental(index: Index, source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, 1):
        if EXPERIMENT.search(line):
            yield number, "experimental code generation is not audited enough to ship"


@rule("raw-call", "raw_call only in oracle_guard and token_utils")
def _raw_call(index: Index, source: Source) -> Iterator[Finding]:
    if source.path in RAW_CALL_FILES:
        return
    for call in _builtin_calls(source, "raw_call"):
        yield call.lineno, "raw_call outside oracle_guard and token_utils"


@rule("blueprint", "create_from_blueprint takes a constant code_offset only")
def _blueprint(index: Index, source: Source) -> Iterator[Finding]:
    for call in _builtin_calls(source, "create_from_blueprint"):
        for keyword in call.keywords:
            constant = isinstance(keyword.value, ast.Int) or (
                isinstance(keyword.value, ast.Name) and keyword.value.id.isupper()
            )
            if keyword.arg == "code_offset" and not constant:
                yield call.lineno, "a variable code_offset can wrap and deploy empty code"


@rule("contract-check", "no skip_contract_check=True")
def _contract_check(index: Index, source: Source) -> Iterator[Finding]:
    for keyword in source.find(ast.keyword):
        if keyword.arg == "skip_contract_check" and getattr(keyword.value, "value", None) is True:
            yield keyword.lineno, "skip_contract_check hides a missing contract"


@rule("decimal", "no decimal numbers", EVERYTHING)
def _decimal(index: Index, source: Source) -> Iterator[Finding]:
    for node in source.find(ast.Name, ast.Decimal):
        if isinstance(node, ast.Decimal) or node.id == "decimal":
            yield node.lineno, "decimal arithmetic"


@rule("exports", "exports are an explicit list, never __interface__ of a module")
def _exports(index: Index, source: Source) -> Iterator[Finding]:
    for declaration in source.find(ast.ExportsDecl):
        for node in declaration.get_descendants(ast.Attribute, include_self=True):
            if node.attr == "__interface__":
                yield node.lineno, "export the functions by name"


@rule("order", "no two calls, nor a writing call and a storage read, where the order is undefined")
def _order(index: Index, source: Source) -> Iterator[Finding]:
    for node, place in _unordered_places(source):
        calls = list(outer_calls_inside(node))
        if len(calls) > 1 and not all(index.is_pure(source, call) for call in calls):
            yield node.lineno, f"{len(calls)} calls in {place}: assign them to locals first"
            continue
        writing = [call for call in calls if not index.is_reading(source, call)]
        if writing and any(storage_reads_inside(source, node)):
            yield node.lineno, f"a call and a storage read in {place}: assign to locals first"


def outer_calls_inside(node: Node) -> Iterator[Node]:
    """Calls among the operands or arguments of a node, which may be a call itself."""
    for child in _operands(node):
        yield from outer_calls(child)


def storage_reads_inside(source: Source, node: Node) -> Iterator[Node]:
    """Storage reads among the operands or arguments of a node, which may be a call itself."""
    for child in _operands(node):
        yield from storage_reads(source, child)


def _operands(node: Node) -> list[Node]:
    if isinstance(node, ast.Call):
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    return list(node.get_children())


def _unordered_places(source: Source) -> Iterator[tuple[Node, str]]:
    for node in source.find(ast.Compare, ast.BinOp, ast.Call):
        if isinstance(node, ast.Compare):
            yield node, "a comparison"
        elif isinstance(node, ast.BinOp):
            if isinstance(node.op, BIT_OPERATORS):
                yield node, "a bit operation"
        elif is_builtin(node):
            yield node, f"{node.func.id}()"
        elif node.keywords:
            yield node, "keyword arguments"


@rule("ternary", "a ternary chooses between scalars, without |, msg.value and len(msg.data)")
def _ternary(index: Index, source: Source) -> Iterator[Finding]:
    for function in source.functions.values():
        for node in function.get_descendants(ast.IfExp):
            if reason := _unsafe_ternary(index, source, function, node):
                yield node.lineno, reason


def _unsafe_ternary(index: Index, source: Source, function: Node, node: Node) -> str | None:
    if any(isinstance(part.op, ast.BitOr) for part in node.get_descendants(ast.BinOp)):
        return "a ternary with |"
    for part in node.get_descendants(ast.Attribute):
        if part.node_source_code in ("msg.value", "msg.data"):
            return f"a ternary with {part.node_source_code}"
    for branch in (node.body, node.orelse):
        if isinstance(branch, ast.List | ast.Tuple | ast.Str | ast.Bytes | ast.HexBytes):
            return "a ternary between literals that are not scalars"
        kind = type_of(index, source, function, branch)
        if kind is not None and ("[" in kind or kind in source.structs):
            return f"a ternary between values of type {kind}"
    return None


@rule("signed-division", "// and % of signed numbers stand in fixed_math only")
def _signed_division(index: Index, source: Source) -> Iterator[Finding]:
    if source.path == SIGNED_FILE:
        return
    for function in source.functions.values():
        for node in function.get_descendants((ast.BinOp, ast.AugAssign, ast.Call)):
            operands = _divided(node)
            kinds = [type_of(index, source, function, operand) for operand in operands]
            if any(kind is not None and kind.startswith("int") for kind in kinds):
                yield node.lineno, "signed division truncates toward zero: use fixed_math"


def _divided(node: Node) -> list[Node]:
    if isinstance(node, ast.Call):
        return list(node.args) if is_builtin(node) and node.func.id == "unsafe_div" else []
    if not isinstance(node.op, ast.FloorDiv | ast.Mod) or _is_divisibility(node):
        return []
    return [node.left, node.right] if isinstance(node, ast.BinOp) else [node.target, node.value]


def _is_divisibility(node: Node) -> bool:
    """Whether a remainder is only compared with zero, which no rounding changes."""
    outer = node.get_ancestor()
    if not isinstance(node.op, ast.Mod) or not isinstance(outer, ast.Compare):
        return False
    return any(isinstance(side, ast.Int) and side.value == 0 for side in (outer.left, outer.right))


@rule("mask", "shifts and masks stand in words, or name its function in a comment")
def _mask(index: Index, source: Source) -> Iterator[Finding]:
    if source.path in WORDS_FILES:
        return
    masked: set[int] = set()
    for node in source.find(ast.BinOp, ast.AugAssign, ast.UnaryOp):
        is_bitwise = isinstance(node.op, (*BIT_OPERATORS, ast.Invert))
        if is_bitwise and not _is_about_flags(node) and node.lineno not in masked:
            masked.add(node.lineno)
            if not _names_words(source.lines, node.lineno, masked):
                yield node.lineno, "a shift or mask without a `# words.<function>` comment"


def _is_about_flags(node: Node) -> bool:
    """Whether the operation tests a named bit, or joins members of a flag, written Name.MEMBER."""
    if isinstance(node.op, ast.BitAnd) and _is_constant(node.right):
        return True
    members = node.get_descendants(ast.Attribute)
    return any(member.attr.isupper() and _is_type_name(member.value) for member in members)


def _is_constant(node: Node) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper()


def _is_type_name(node: Node) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name[:1].isupper()


def _names_words(lines: list[str], number: int, masked: set[int]) -> bool:
    if WORDS_COMMENT.search(lines[number - 1]):
        return True
    above = number - 1
    # One comment serves the run of masks that stands right under it.
    while above in masked:
        above -= 1
    text = lines[above - 1].strip() if above >= 1 else ""
    return text.startswith("#") and WORDS_COMMENT.search(text) is not None


@rule("natspec", "every external function has a docstring with @notice")
def _natspec(index: Index, source: Source) -> Iterator[Finding]:
    for function in source.functions.values():
        comment = getattr(function, "doc_string", None)
        text = "" if comment is None else comment.value
        if "external" in decorators(function) and "@notice" not in text:
            yield function.lineno, f"{function.name} has no docstring with @notice"


@rule("error-text", f'an error is "area: reason" of at most {MAX_ERROR} characters')
def _error_text(index: Index, source: Source) -> Iterator[Finding]:
    for node in source.find(ast.Assert, ast.Raise):
        message = getattr(node, "msg" if isinstance(node, ast.Assert) else "exc", None)
        if not isinstance(message, ast.Str):
            continue
        if len(message.value) > MAX_ERROR:
            yield node.lineno, f"the error has {len(message.value)} characters"
        if not ERROR_TEXT.fullmatch(message.value):
            yield node.lineno, 'the error does not read "area: reason"'


@rule("log-keywords", "events are logged with keyword arguments")
def _log_keywords(index: Index, source: Source) -> Iterator[Finding]:
    for node in source.find(ast.Log):
        if node.value.args:
            yield node.lineno, "positional arguments in a log"


def _has_external(source: Source) -> bool:
    return any("external" in decorators(function) for function in source.functions.values())


def _builtin_calls(source: Source, name: str) -> list[Node]:
    return [call for call in source.find(ast.Call) if is_builtin(call) and call.func.id == name]


def check_trees(index: Index) -> Iterator[str]:
    """Findings of the rules over the parsed files, as `path:line: rule: message`."""
    for path, message in index.failures.items():
        yield f"{path}:1: syntax: {message}"
    for source in index.sources.values():
        for entry in RULES:
            if source.kind in entry.kinds:
                for line, message in entry.check(index, source):
                    yield f"{source.path}:{line}: {entry.name}: {message}"


def check_files(root: Path) -> Iterator[str]:
    """Findings of the rules over plain text, Python files included."""
    for path in source_files(root):
        name = path.relative_to(root).as_posix()
        data = path.read_bytes()
        lines = data.count(b"\n") + (not data.endswith(b"\n"))
        if lines > MAX_LINES:
            yield f"{name}:{MAX_LINES + 1}: length: {lines} lines"
        if path.suffix == ".py":
            yield from _isolations(name, data.decode())
        else:
            yield from _odd_bytes(name, data)


def _isolations(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), 1):
        if SWALLOWING.search(line):
            yield f"{name}:{number}: isolate: it swallows failed assertions, use a snapshot"


def _odd_bytes(name: str, data: bytes) -> Iterator[str]:
    for number, line in enumerate(data.split(b"\n"), 1):
        odd = next((byte for byte in line if not 0x20 <= byte <= 0x7E), None)
        if odd is not None:
            yield f"{name}:{number}: encoding: byte 0x{odd:02x} is not printable ASCII"


def source_files(root: Path) -> list[Path]:
    """Vyper and Python files of the project, without installed and generated folders."""
    found: list[Path] = []
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name in SKIPPED_FOLDERS:
            continue
        if path.is_dir():
            found += source_files(path)
        elif path.suffix in (".vy", ".vyi", ".py"):
            found.append(path)
    return found


def all_findings(root: Path) -> list[str]:
    """Every finding under a root, text first."""
    return [*check_files(root), *check_trees(Index(root))]


def list_rules() -> list[str]:
    """One line a rule: name and summary."""
    named = [*FILE_RULES.items(), *((entry.name, entry.summary) for entry in RULES)]
    return [f"{name:16} {summary}" for name, summary in named]


def main(arguments: list[str] | None = None) -> int:
    """Print the rules or the findings; status 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Check the sources of Seawall")
    parser.add_argument("--rules", action="store_true", help="list the rules and end")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder to check")
    options = parser.parse_args(arguments)
    if options.rules:
        print("\n".join(list_rules()))
        return 0
    findings = all_findings(options.root)
    if findings:
        print("\n".join(findings))
        print(f"check_sources: {len(findings)} findings")
        return 1
    rules = len(RULES) + len(FILE_RULES)
    print(f"check_sources: OK ({len(source_files(options.root))} files, {rules} rules)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
