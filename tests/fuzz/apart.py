"""A function in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from tests.fuzz.workers import SPAWN


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a module elsewhere; answer and exception come back.

    A node that Ape starts inside a process of tests takes the place of the tests' own: what other
    tests have deployed is taken back with it.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=SPAWN) as pool:
        return pool.submit(function, *arguments).result()
