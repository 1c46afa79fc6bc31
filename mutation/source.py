"""A Vyper file as text and tree: where a node stands, and what its surroundings are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vyper.ast import nodes as ast
from vyper.ast import parse_to_ast

# The compiler builds its node classes at run time, so they carry no static types.
Node = Any

#: Name of the place of what stands outside every function.
MODULE_LEVEL = "module"

_CONSTANT = re.compile(r"^([A-Z]\w*): (?:public\()?constant\((\w+)\)+ =", re.MULTILINE)
_SIGNATURE = re.compile(r"^def (\w+)(\([^)]*\) -> [^:]+):", re.MULTILINE)
#: Nodes whose whole text is one statement, compound ones apart.
SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Assert,
    ast.Return,
    ast.Expr,
    ast.Log,
    ast.Break,
    ast.Continue,
    ast.Pass,
    ast.Raise,
    ast.VariableDecl,
)


@dataclass(frozen=True)
class Span:
    """Characters from `start` up to, but without, `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """One file; `path` is relative to the root of the project."""

    path: str
    text: str

    @cached_property
    def tree(self) -> Node:
        """The compiler's own syntax tree. Errors: the compiler's."""
        return parse_to_ast(self.text)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def span(self, node: Node) -> Span:
        """Place of a node, without parentheses around it."""
        starts = self._line_starts
        return Span(
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def text_of(self, node: Node) -> str:
        """Text of a node."""
        span = self.span(node)
        return self.text[span.start : span.end]

    def functions(self) -> Iterator[Node]:
        """Definitions in the order of the file."""
        return (node for node in self.tree.body if isinstance(node, ast.FunctionDef))

    def constants(self) -> list[tuple[str, str]]:
        """Name and type of each constant, in the order of the file."""
        return _CONSTANT.findall(self.text)

    def signatures(self) -> list[tuple[str, str]]:
        """Name and the rest of each signature on one line, in the order of the file."""
        return _SIGNATURE.findall(self.text)


def place_of(node: Node) -> str:
    """Name of the function around a node."""
    function = node.get_ancestor(ast.FunctionDef)
    return MODULE_LEVEL if function is None else str(function.name)


def statement_span(source: Source, node: Node) -> Span:
    """The statement around a node; of a compound one its header, as far as the last expression."""
    found = node
    while not isinstance(found, (*SIMPLE, ast.If, ast.For)):
        found = found.get_ancestor()
    span = source.span(found)
    if isinstance(found, ast.If):
        # An `elif` is an `if` inside: both begin with their condition here.
        return source.span(found.test)
    if isinstance(found, ast.For):
        return Span(span.start, source.span(found.iter).end)
    return span


def in_one_line(text: str) -> str:
    """Text with each run of white space and comments as one space."""
    return " ".join(re.sub(r"#.*", "", text).split())
