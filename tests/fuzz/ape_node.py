"""The node that Ape starts and stops, for the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fuzz.anvil import Anvil
from tests.fuzz.creation import compiled

STEP_TRACES = "--steps-tracing"


@contextmanager
def ape_node(step_traces: bool) -> Iterator[Any]:
    """Ape's provider of a node of its own, beside any other; stopped at the end.

    Ape lets its nodes record every step of every transaction, which a hot loop cannot afford: a
    transaction then takes ten times as long. Only who wants to see a trace asks for them.
    """
    # Only who asks for a node waits for Ape.
    from ape import networks
    from ape_foundry.provider import FoundryProvider

    original = FoundryProvider.build_command

    def build_command(self: Any) -> list[str]:
        return [flag for flag in original(self) if step_traces or flag != STEP_TRACES]

    FoundryProvider.build_command = build_command
    try:
        local = networks.ethereum.local
        with local.use_provider("foundry", disconnect_after=True) as provider:
            yield provider
    finally:
        FoundryProvider.build_command = original


@contextmanager
def anvil_chain(step_traces: bool = False) -> Iterator[Anvil]:
    """The machine's backend on such a node."""
    with ape_node(step_traces) as provider:
        chain = Anvil(compiled(), str(provider.http_uri))
        try:
            yield chain
        finally:
            chain.close()
