"""The faults: for each kind of node, texts that could stand there by mistake.

Not made, because the result would be the same program: `|` for `^` and `+` between disjoint fields,
swapped arguments of sums, products, minimum and maximum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vyper.ast import nodes as ast

from mutation.source import Node, Source, Span

ARITHMETIC = {
    ast.Add: ("-", "*"),
    ast.Sub: ("+",),
    ast.Mult: ("//", "+"),
    ast.FloorDiv: ("*", "%"),
    ast.Mod: ("//", "*"),
    ast.Pow: ("*",),
    ast.BitAnd: ("|",),
    ast.BitOr: ("&",),
    ast.BitXor: ("|",),
    ast.LShift: (">>",),
    ast.RShift: ("<<",),
}
COMPARISONS = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
UNCHECKED = {
    "unsafe_add": "unsafe_sub",
    "unsafe_sub": "unsafe_add",
    "unsafe_mul": "unsafe_add",
    "unsafe_div": "unsafe_mul",
    "min": "max",
    "max": "min",
}
ROUNDINGS = {"_floor": "_ceil", "_ceil": "_floor", "_down": "_up", "_up": "_down"}
#: Calls whose arguments are types, or whose order does not matter.
NO_SWAP = frozenset(
    {"unsafe_add", "unsafe_mul", "min", "max", "concat", "range"}
    | {"convert", "empty", "abi_decode", "extract32"}
)
#: Calls of which some arguments are types: place of the first such argument.
TYPE_FROM = {"empty": 0, "min_value": 0, "max_value": 0, "convert": 1, "abi_decode": 1}
TYPE_KEYWORDS = frozenset({"bound", "output_type"})
INTEGER = re.compile(r"u?int\d+")
COMMUTATIVE = re.compile(r"_(mul|ppm)_")


@dataclass(frozen=True)
class Edit:
    """One replacement in the text; `node` tells to which statement it belongs."""

    operator: str
    span: Span
    text: str
    node: Node


@dataclass(frozen=True)
class Scope:
    """What a file's names mean: alias of each imported module -> that module's file."""

    modules: Mapping[str, Source]


def edits(source: Source, scope: Scope) -> Iterator[Edit]:
    """All faults of a file, in its order; the same text may come from more than one operator."""
    found = [
        edit
        for node in _nodes(source.tree)
        for make in MAKERS
        for edit in make(source, scope, node)
    ]
    found.sort(key=lambda edit: (edit.span.start, edit.span.end, edit.operator, edit.text))
    return iter(found)


# -- which nodes -----------------------------------------------------------------------------------


def _nodes(tree: Node) -> Iterator[Node]:
    """Nodes of function bodies and of constants; no types, decorators, docstrings or messages."""
    for top in tree.body:
        if isinstance(top, ast.VariableDecl) and top.is_constant:
            yield from _inside(top.value)
        elif isinstance(top, ast.FunctionDef):
            for statement in top.body:
                yield from _inside(statement)


def _inside(node: Node) -> Iterator[Node]:
    if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Str, ast.DocStr)):
        return
    yield node
    if _literal(node) is not None:
        return
    for child in _children(node):
        yield from _inside(child)


def _children(node: Node) -> list[Node]:
    if isinstance(node, ast.Call):
        name = _called(node)
        keywords = [word.value for word in node.keywords if word.arg not in TYPE_KEYWORDS]
        return [node.func, *node.args[: TYPE_FROM.get(name, len(node.args))], *keywords]
    if isinstance(node, ast.AnnAssign):
        return [node.value]
    if isinstance(node, ast.Assert):
        return [node.test]
    if isinstance(node, ast.For):
        return [node.iter, *node.body]
    if isinstance(node, ast.Attribute):
        return [node.value]
    return [child for child in node.get_children() if hasattr(child, "lineno")]


def _called(node: Node) -> str:
    function = node.func
    return str(function.id) if isinstance(function, ast.Name) else ""


def _literal(node: Node) -> int | None:
    """Value of an expression of whole numbers alone."""
    if isinstance(node, ast.Int):
        return int(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _literal(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        left, right = _literal(node.left), _literal(node.right)
        work = FOLDED.get(type(node.op))
        if left is not None and right is not None and work is not None:
            return work(left, right)
    return None


FOLDED: dict[Any, Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Pow: lambda a, b: a**b,
}


# -- faults of expressions -------------------------------------------------------------------------


def _between(source: Source, left: Node, right: Node) -> Span:
    """From the end of one operand to the start of the next: the operator and parentheses."""
    return Span(source.span(left).end, source.span(right).start)


def _operator(source: Source, span: Span) -> Span:
    """The operator alone in such a gap."""
    gap = source.text[span.start : span.end]
    found = re.search(r"[^\s()\\]+(?:\s+in)?", re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), gap))
    if found is None:
        raise ValueError(f"{source.path}: no operator in {gap!r}")
    return Span(span.start + found.start(), span.start + found.end())


def _rejoined(source: Source, node: Node, gap: Span, new: str) -> tuple[Span, str]:
    """The node with another operator; in parentheses where precedence might regroup it."""
    operator = _operator(source, gap)
    parent = node.get_ancestor()
    if not isinstance(parent, (ast.BinOp, ast.Compare, ast.UnaryOp, ast.BoolOp)):
        return operator, new
    span = source.span(node)
    head, tail = source.text[span.start : operator.start], source.text[operator.end : span.end]
    return span, f"({head}{new}{tail})"


def _arithmetic(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if not isinstance(node, ast.BinOp) or _literal(node) is not None:
        return
    for new in ARITHMETIC[type(node.op)]:
        gap = _between(source, node.left, node.right)
        yield Edit("arithmetic", *_rejoined(source, node, gap, new), node)


def _augmented(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if isinstance(node, ast.AugAssign):
        gap = _operator(source, _between(source, node.target, node.value))
        for new in ARITHMETIC[type(node.op)]:
            yield Edit("arithmetic", gap, f"{new}=", node)


def _comparison(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if isinstance(node, ast.Compare):
        gap = _operator(source, _between(source, node.left, node.right))
        for new in COMPARISONS[type(node.op)]:
            yield Edit("comparison", gap, new, node)


def _logic(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if isinstance(node, ast.BoolOp):
        new = "or" if isinstance(node.op, ast.And) else "and"
        texts = [source.text_of(value) for value in node.values]
        yield Edit("logic", source.span(node), f"({_joined(texts, new)})", node)
    elif isinstance(node, ast.UnaryOp):
        yield Edit("unary", source.span(node), source.text_of(node.operand), node)


def _joined(texts: list[str], word: str) -> str:
    return f" {word} ".join(f"({text})" for text in texts)


def _negation(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    """Conditions that are no comparison: those are turned round by `_comparison`."""
    if isinstance(node, ast.If) and not isinstance(node.test, ast.Compare):
        span = source.span(node.test)
        yield Edit("negation", span, f"not ({source.text_of(node.test)})", node.test)


def _branches(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if isinstance(node, ast.IfExp):
        test, body, other = (source.text_of(part) for part in (node.test, node.body, node.orelse))
        yield Edit("branches", source.span(node), f"{other} if {test} else {body}", node)


def _number(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    value = _literal(node)
    if value is None:
        return
    text = source.text_of(node)
    plain = isinstance(node, ast.Int) and re.fullmatch(r"\d+", text)
    more = [str(value + 1), str(value - 1)] if plain else [f"({text} + 1)", f"({text} - 1)"]
    for new in [*more, *(["0"] if value not in (0, 1) else [])]:
        yield Edit("number", source.span(node), new, node)


def _truth(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if isinstance(node, ast.NameConstant) and isinstance(node.value, bool):
        yield Edit("truth", source.span(node), str(not node.value), node)


def _constant(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    """The next constant of the same type, round the file: LONG for SHORT, U32 for U30."""
    if isinstance(node, ast.Name):
        new = _next_constant(source, str(node.id))
        if new:
            yield Edit("constant", source.span(node), new, node)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = scope.modules.get(str(node.value.id))
        new = _next_constant(owner, str(node.attr)) if owner else ""
        if new:
            yield Edit("constant", source.span(node), f"{node.value.id}.{new}", node)


def _next_constant(source: Source, name: str) -> str:
    kinds = dict(source.constants())
    if name not in kinds:
        return ""
    alike = [other for other, kind in source.constants() if kind == kinds[name]]
    new = alike[(alike.index(name) + 1) % len(alike)]
    return new if new != name else ""


# -- faults of calls -------------------------------------------------------------------------------


def _callee(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    if not isinstance(node, ast.Call):
        return
    name = _called(node)
    if name in UNCHECKED:
        yield Edit("callee", source.span(node.func), UNCHECKED[name], node)
    elif name == "abs":
        yield Edit("callee", source.span(node), f"({source.text_of(node.args[0])})", node)
    elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        owner = str(node.func.value.id)
        for new in _other_functions(scope.modules.get(owner, source), str(node.func.attr)):
            yield Edit("callee", source.span(node.func), f"{owner}.{new}", node)


def _other_functions(owner: Source, name: str) -> list[str]:
    """The other rounding, and the next reader of the same word."""
    signatures = dict(owner.signatures())
    for ending, other in ROUNDINGS.items():
        twin = name.removesuffix(ending) + other
        if name.endswith(ending) and twin in signatures:
            return [twin]
    stem = name.rsplit("_", 1)[0]
    alike = [
        other
        for other, rest in owner.signatures()
        if rest == signatures.get(name) and stem and other.rsplit("_", 1)[0] == stem
    ]
    if len(alike) < 2:
        return []
    return [alike[(alike.index(name) + 1) % len(alike)]]


def _arguments(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    """Two neighbours exchanged, by place or by keyword."""
    if not isinstance(node, ast.Call):
        return
    name = _called(node)
    values = [word.value for word in node.keywords if word.arg not in TYPE_KEYWORDS]
    pairs = list(pairwise(values))
    if name not in NO_SWAP:
        places = list(pairwise(node.args))
        symmetric = isinstance(node.func, ast.Attribute) and COMMUTATIVE.match(str(node.func.attr))
        pairs += places[1:] if symmetric else places
    for left, right in pairs:
        first, second = source.span(left), source.span(right)
        if source.text_of(left) == source.text_of(right):
            continue
        text = source.text_of(right) + source.text[first.end : second.start] + source.text_of(left)
        yield Edit("arguments", Span(first.start, second.end), text, node)


# -- faults of statements --------------------------------------------------------------------------


def _removal(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    plain = (ast.Assign, ast.AugAssign, ast.Expr, ast.Log, ast.Assert, ast.Break, ast.Continue)
    if isinstance(node, plain):
        yield Edit("removal", source.span(node), "pass", node)
    elif isinstance(node, ast.AnnAssign) and not _is_default(node.value):
        kind = source.text_of(node.annotation)
        yield Edit("removal", source.span(node.value), f"empty({kind})", node)


def _is_default(node: Node) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) == "empty"
    return isinstance(node, (ast.Int, ast.NameConstant, ast.List, ast.Bytes))


def _result(source: Source, scope: Scope, node: Node) -> Iterator[Edit]:
    """One more for a number, the opposite for a truth, nothing for all else."""
    if not isinstance(node, ast.Return) or node.value is None:
        return
    function = node.get_ancestor(ast.FunctionDef)
    several = isinstance(function.returns, ast.Tuple) and isinstance(node.value, ast.Tuple)
    kinds = function.returns.elements if several else [function.returns]
    values = node.value.elements if several else [node.value]
    for kind, value in zip(kinds, values, strict=True):
        new = _other_result(source.text_of(kind), source.text_of(value), value)
        if new:
            yield Edit("result", source.span(value), new, node)


def _other_result(kind: str, text: str, value: Node) -> str:
    if _literal(value) is not None or isinstance(value, ast.NameConstant):
        return ""
    if INTEGER.fullmatch(kind):
        return f"unsafe_add({text}, 1)"
    if kind == "bool":
        return f"not ({text})" if not isinstance(value, ast.Compare) else ""
    return "" if _is_default(value) else f"empty({kind})"


MAKERS: list[Callable[[Source, Scope, Node], Iterator[Edit]]] = [
    _arithmetic,
    _augmented,
    _comparison,
    _logic,
    _negation,
    _branches,
    _number,
    _truth,
    _constant,
    _callee,
    _arguments,
    _removal,
    _result,
]
