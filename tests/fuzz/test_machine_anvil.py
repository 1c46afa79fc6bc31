"""The same machine, unchanged, on the node that Ape manages."""

from __future__ import annotations

from tests.fuzz.apart import apart
from tests.fuzz.ape_node import anvil_chain
from tests.fuzz.campaign import ANVIL, SHARDS, lacking, run_shard
from tests.fuzz.explore import Tally


def _shard(number: int) -> Tally:
    with anvil_chain() as chain:
        return run_shard(chain, ANVIL, number)


def test_machine_on_anvil_matches_specification() -> None:
    shards, _ = SHARDS[ANVIL]
    tally = Tally(ANVIL)
    for number in range(shards):
        tally.add(apart(_shard, number))

    assert lacking(tally) == []
    assert tally.transactions >= 8_000
