"""The whole system against its specification on pyrevm; every outcome and word is predicted."""

from __future__ import annotations

from tests.fuzz.campaign import PYREVM, SHARDS, lacking, pyrevm_chain, run_shard
from tests.fuzz.explore import Tally


def test_machine_on_pyrevm_matches_specification() -> None:
    shards, _ = SHARDS[PYREVM]
    tally = Tally(PYREVM)
    for number in range(shards):
        with pyrevm_chain() as chain:
            tally.add(run_shard(chain, PYREVM, number))

    assert lacking(tally) == []
    assert tally.transactions >= 100_000
