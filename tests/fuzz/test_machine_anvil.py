"""The same machine, unchanged, on the node that Ape manages."""

from __future__ import annotations

from tests.fuzz.ape_node import anvil_chain
from tests.fuzz.campaign import ANVIL, SHARDS, lacking, run_shard
from tests.fuzz.explore import Tally


def test_machine_on_anvil_matches_specification() -> None:
    shards, _ = SHARDS[ANVIL]
    tally = Tally(ANVIL)
    for number in range(shards):
        with anvil_chain() as chain:
            tally.add(run_shard(chain, ANVIL, number))

    assert lacking(tally) == []
    assert tally.transactions >= 8_000
