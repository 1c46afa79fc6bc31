"""What the source check knows about Vyper files: names, callees and types, from the syntax tree.

Files are parsed, not compiled, so that a finding can be given for a file that does not compile yet.
An answer of None means "cannot tell from the annotations".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vyper.ast import nodes as ast
from vyper.ast import parse_to_ast
from vyper.builtins.functions import DISPATCH_TABLE, STMT_DISPATCH_TABLE

# The compiler builds its node classes at run time, so they carry no static types.
Node = Any

BUILTINS = frozenset(DISPATCH_TABLE) | frozenset(STMT_DISPATCH_TABLE)


@dataclass(frozen=True)
class Source:
    """One parsed file. `kind` is contract, module, mock or interface."""

    path: str
    kind: str
    text: str
    tree: Node
    imports: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Node] = field(default_factory=dict)
    variables: dict[str, Node] = field(default_factory=dict)
    structs: dict[str, dict[str, Node]] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """Lines of the file, the first at index 0."""
        return self.text.split("\n")

    def find(self, *kinds: type) -> list[Node]:
        """All nodes of these kinds, in the order of the file."""
        return sorted(
            self.tree.get_descendants(kinds), key=lambda node: (node.lineno, node.col_offset)
        )


class Index:
    """All Vyper files of the project, to resolve calls across modules and interfaces."""

    def __init__(self, root: Path) -> None:
        """Parse nothing yet: `root` is the folder that holds contracts/ and interfaces/."""
        self.root = root
        self.sources: dict[str, Source] = {}
        self.failures: dict[str, str] = {}
        for folder in ("interfaces", "contracts"):
            for path in sorted((root / folder).rglob("*.vy*")):
                self._load(path)

    def _load(self, path: Path) -> None:
        name = path.relative_to(self.root).as_posix()
        # Bytes that are not ASCII are the business of another rule.
        text = path.read_bytes().decode("ascii", errors="replace")
        try:
            tree = parse_to_ast(text, is_interface=path.suffix == ".vyi")
        except Exception as error:
            self.failures[name] = str(error).strip().splitlines()[0]
            return
        source = Source(name, kind_of(name), text, tree)
        for node in tree.body:
            _enter(source, node)
        self.sources[name] = source

    def callee(self, source: Source, call: Node) -> Node | None:
        """Definition of the internal function that a call runs, here or in an own module."""
        function = call.func
        if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
            return None
        owner = function.value.id
        if owner == "self":
            return source.functions.get(function.attr)
        module = self.sources.get(source.imports.get(owner, ""))
        return None if module is None else module.functions.get(function.attr)

    def is_pure(self, source: Source, call: Node) -> bool:
        """Whether a call is known to read and write no state."""
        return "pure" in self._mutability(source, call)

    def is_reading(self, source: Source, call: Node) -> bool:
        """Whether a call is known to write no state."""
        if isinstance(call, ast.StaticCall):
            return True
        return bool({"pure", "view"} & self._mutability(source, call))

    def _mutability(self, source: Source, call: Node) -> set[str]:
        definition = None if isinstance(call, ast.ExtCall) else self.callee(source, _inner(call))
        return set() if definition is None else decorators(definition)

    def external_returns(self, name: str) -> str | None:
        """Return type of an external function, where all interfaces that have it agree."""
        found = {
            _source_of(source.functions[name].returns)
            for source in self.sources.values()
            if source.kind == "interface" and name in source.functions
        }
        return found.pop() if len(found) == 1 else None


def _enter(source: Source, node: Node) -> None:
    if isinstance(node, ast.ImportFrom) and node.module is not None:
        folder = node.module.replace(".", "/")
        suffix = ".vyi" if folder.startswith("interfaces") else ".vy"
        source.imports[node.alias or node.name] = f"{folder}/{node.name}{suffix}"
    elif isinstance(node, ast.FunctionDef):
        source.functions[node.name] = node
    elif isinstance(node, ast.VariableDecl):
        source.variables[node.target.id] = node
    elif isinstance(node, ast.StructDef):
        source.structs[node.name] = {
            member.target.id: member.annotation
            for member in node.body
            if isinstance(member, ast.AnnAssign)
        }


def kind_of(name: str) -> str:
    """Kind of a file by its path from the root of the project."""
    if name.endswith(".vyi"):
        return "interface"
    parts = name.split("/")
    return {"modules": "module", "mocks": "mock"}.get(parts[1], "contract")


def decorators(function: Node) -> set[str]:
    """Names of the decorators of a function."""
    return {node.id for node in function.decorator_list if isinstance(node, ast.Name)}


def is_builtin(call: Node) -> bool:
    """Whether a call is one of the compiler's own functions."""
    return isinstance(call.func, ast.Name) and call.func.id in BUILTINS


def is_real_call(node: Node) -> bool:
    """Whether a node runs code of a contract: internal, of a module, or external."""
    if isinstance(node, ast.ExtCall | ast.StaticCall):
        return True
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    # A capital is a struct, an event or an interface cast.
    return not node.func.attr[:1].isupper() and node.func.attr not in ("append", "pop")


def outer_calls(node: Node) -> Iterator[Node]:
    """Real calls under a node, without those that a call has in its own arguments."""
    if is_real_call(node):
        yield node
        return
    for child in node.get_children():
        yield from outer_calls(child)


def storage_reads(source: Source, node: Node) -> Iterator[Node]:
    """Reads of `self.x` or of a module's variable under a node, outside the calls' arguments."""
    if is_real_call(node):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner, name = node.value.id, node.attr
        own = owner == "self" and name not in ("balance", "code", "codehash", "codesize")
        foreign = owner in source.imports and name[:1].islower()
        if own or foreign:
            yield node
        return
    for child in node.get_children():
        yield from storage_reads(source, child)


def type_of(index: Index, source: Source, function: Node, node: Node) -> str | None:
    """Type of an expression as written in the annotations it leads to, or None."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return _source_of(_annotation(source, function, node))
    if isinstance(node, ast.UnaryOp):
        return type_of(index, source, function, node.operand)
    if isinstance(node, ast.BinOp):
        left = type_of(index, source, function, node.left)
        return left or type_of(index, source, function, node.right)
    if isinstance(node, ast.IfExp):
        body = type_of(index, source, function, node.body)
        return body or type_of(index, source, function, node.orelse)
    if isinstance(node, ast.ExtCall | ast.StaticCall):
        return index.external_returns(getattr(node.value.func, "attr", ""))
    if isinstance(node, ast.Call):
        return _type_of_call(index, source, function, node)
    return None


def _type_of_call(index: Index, source: Source, function: Node, call: Node) -> str | None:
    if not is_builtin(call):
        definition = index.callee(source, call)
        return None if definition is None else _source_of(definition.returns)
    if call.func.id in ("convert", "empty", "max_value", "min_value"):
        return _source_of(call.args[-1])
    if call.func.id == "abs":
        return "int256"
    if call.func.id in ("min", "max") or call.func.id.startswith("unsafe_"):
        types = (type_of(index, source, function, argument) for argument in call.args)
        return next((found for found in types if found is not None), None)
    return "uint256" if call.func.id in ("len", "isqrt") else None


def _annotation(source: Source, function: Node, node: Node) -> Node | None:
    if isinstance(node, ast.Name):
        return _declared(function, node.id) or _variable(source, node.id)
    if isinstance(node, ast.Subscript):
        return _element(_annotation(source, function, node.value))
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        return _variable(source, node.attr)
    holder = _annotation(source, function, node.value)
    fields = source.structs.get(getattr(holder, "id", ""), {})
    return fields.get(node.attr)


def _variable(source: Source, name: str) -> Node | None:
    declaration = source.variables.get(name)
    return None if declaration is None else declaration.annotation


def _declared(function: Node, name: str) -> Node | None:
    for argument in function.args.args:
        if argument.arg == name:
            return argument.annotation
    # The target of a loop is an AnnAssign too.
    for node in function.get_descendants(ast.AnnAssign):
        if isinstance(node.target, ast.Name) and node.target.id == name:
            return node.annotation
    return None


def _element(annotation: Node | None) -> Node | None:
    if not isinstance(annotation, ast.Subscript):
        return None
    container = getattr(annotation.value, "id", "")
    if container == "HashMap":
        return annotation.slice.elements[1]
    if container == "DynArray":
        return annotation.slice.elements[0]
    return annotation.value


def _inner(call: Node) -> Node:
    return call.value if isinstance(call, ast.ExtCall | ast.StaticCall) else call


def _source_of(annotation: Node | None) -> str | None:
    return None if annotation is None else str(annotation.node_source_code)
