"""Transactional state of the specification: tables that roll back when an action reverts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_MISSING = object()


class Reverted(Exception):  # noqa: N818 - an outcome of the rules, named as the chain names it
    """An action that the protocol refuses; `reason` is the contract's revert string.

    An empty reason stands for a bare revert (a field out of range, an unknown id).
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "(no reason)")
        self.reason = reason


def require(condition: bool, reason: str = "") -> None:
    """Raise :class:`Reverted` with `reason` unless `condition` holds."""
    if not condition:
        raise Reverted(reason)


class Journal:
    """Undo log shared by all tables of one deployment."""

    def __init__(self) -> None:
        self._log: list[tuple[dict[Any, Any], Hashable, object]] = []
        self._depth = 0

    def record(self, table: dict[Any, Any], key: Hashable) -> None:
        """Remember the value that `key` has now."""
        if self._depth:
            self._log.append((table, key, table.get(key, _MISSING)))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo all writes made inside when the body raises. Nests: the outermost commits."""
        mark = len(self._log)
        self._depth += 1
        try:
            yield
        except BaseException:
            while len(self._log) > mark:
                table, key, value = self._log.pop()
                if value is _MISSING:
                    dict.pop(table, key, None)
                else:
                    dict.__setitem__(table, key, value)
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._log.clear()


class Table(dict[Key, Value], Generic[Key, Value]):
    """A mapping with a default for absent keys, journaled like contract storage."""

    def __init__(self, journal: Journal, default: Value) -> None:
        super().__init__()
        self._journal = journal
        self._default = default

    def __missing__(self, key: Key) -> Value:
        return self._default

    def __setitem__(self, key: Key, value: Value) -> None:
        self._journal.record(self, key)
        super().__setitem__(key, value)
