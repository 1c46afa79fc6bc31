"""What the rooms of single contracts share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from seawall.rpc import Rpc


@pytest.fixture(scope="session")
def node(chain: Any) -> Iterator[Rpc]:
    """A plain connection to Ape's node: fast enough for hundreds of cases, and it tells the reason
    of a refusal."""
    made = Rpc(chain.provider.http_uri)
    yield made
    made.close()
