"""Fixtures of all tests: Ape knows them by name, and puts the chain back by their scope."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_fixtures_of_one_name_have_one_scope() -> None:
    """Else what one file does in a test is kept, for another file's fixture of that name is."""
    scopes: dict[str, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("*.py")):
        for name, scope in _fixtures(ast.parse(path.read_text())):
            scopes[name].add(scope)

    assert {name: found for name, found in scopes.items() if len(found) > 1} == {}
    # The deployment under test, and an account.
    assert scopes["system"] == scopes["trader"] == {"session"}


def _fixtures(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names and scopes."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            if ast.unparse(call.func if call else decorator) == "pytest.fixture":
                given = {one.arg: one.value for one in (call.keywords if call else [])}
                yield node.name, ast.literal_eval(given.get("scope", ast.Constant("function")))
