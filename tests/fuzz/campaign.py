"""The machine at its usual size: which seeds on which backend, and what the runs must have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.fuzz.ape_node import anvil_chain
from tests.fuzz.backend import Deployable
from tests.fuzz.creation import compiled
from tests.fuzz.explore import Progress, Tally, explore, few
from tests.fuzz.furnish import furnished
from tests.fuzz.revm import Revm
from tests.fuzz.rules import DECK

PYREVM, ANVIL = "pyrevm", "anvil"
#: Seeds, and sequences of each: fixed, so that the same contracts see the same calls every time.
SHARDS = {PYREVM: (4, 250), ANVIL: (2, 116)}
#: Successes that each rule must have; on anvil a run is a fifth as long.
LEAST_HITS = {PYREVM: 50, ANVIL: 20}
#: What must have happened besides, this often in 100,000 transactions.
LEAST_SEEN = {
    "stage partial": 500,
    "stage whole": 400,
    "batch with a step": 100,
    "slice to a bucket": 100,
    "slice of all legs to buckets": 20,
    "slice to orders": 120,
    "slice with a concession": 90,
    "slice with a gain": 40,
    "slice with both": 20,
    "slice to several makers": 50,
    "slice past an order": 10,
    "batch of many accounts": 8,
    "resolved bankrupt": 500,
    "resolved above zero": 100,
    "batch closed as one": 100,
    "side reduced": 600,
    "stage charged": 150,
    "stage fund in a close-out": 400,
    "stage deferred in a close-out": 50,
    "charged member with margin": 300,
    "brought to rest": 200,
    "quiet after steps": 200,
    "debt resolved": 200,
    "flagged": 70,
    "converted to zero": 15,
    "converted with legs": 40,
    "converted while bankrupt": 40,
    "converted while impaired": 8,
    "converted below par": 20,
    "allotted": 50,
    "released": 7,
    "bucket took": 100,
    "bucket took a part": 30,
    "bucket took nothing": 30,
    "bucket reduced": 20,
    "bucket took after a gap": 20,
    "left out of buckets": 3,
    "left in part": 5,
    "backing lapsed": 3,
    "bought at a discount": 50,
    "bought at a premium": 50,
    "bought all": 50,
    "bucket closed": 5,
    "covered": 100,
    "cover capped": 20,
    "claim below the price noted": 5,
    "claim below the present price": 5,
    "claim lapsed": 5,
    "written off": 50,
    "healed": 150,
    "healed slowly": 10,
    "epoch ended": 500,
    "after an epoch": 1_000,
    "slice of all legs": 80,
    "slice of several legs": 40,
    "whole close in portfolio mode": 150,
    "to portfolio mode": 150,
    "to standard mode": 200,
    "poor in portfolio mode": 10,
    "covered leg": 10_000,
    "uncovered leg": 5_000,
    "size tier at a gate": 1_000,
    "size tier in maintenance": 10_000,
    "OI tier at a gate": 250,
    "takeover that is exempt": 5,
    "volatility at a gate": 500,
    "volatility in maintenance": 300,
    "volatility factor moves": 700,
    "collateral beyond its depth": 100,
    "ramp on": 400,
    "matrix ramp on": 200,
    "bystander of a change": 10_000,
    "ticket paid": 50,
    "ticket given back": 20,
    "queue served": 20,
    "called back": 10,
    "booked beside a silent leg": 10,
    "halted": 20,
    "price fixed": 20,
    "stayed": 20,
    "market settled": 6,
    "scale 1e-0": 5_000,
    "scale 1e-1": 80,
    "scale 1e-2": 200,
    "scale 1e-3": 200,
    "scale 1e-4": 100,
}
#: Every reason of Clearinghouse, margin model, engines, Exchange and fund that the rules can meet.
REASONS = (
    "account: not yours",
    "account: unknown",
    "account: 16 markets",
    "amount: zero",
    "amount: too large",
    "token: unknown",
    "token: over cap",
    "queue: not yours",
    "market: unknown",
    "market: reduce only",
    "market: over OI cap",
    "market: below minimum",
    "module: no right",
    "ownable: caller is not the owner",
    "risk: market id",
    "risk: token id",
    "risk: rates",
    "risk: depth",
    "risk: reserve is fixed",
    "risk: calm",
    "risk: volatility cap",
    "risk: capacity",
    "risk: weights",
    "risk: tail",
    "risk: factor",
    "risk: floor",
    "risk: matrix ramps",
    "risk: not the follower",
    "trade: not balanced",
    "margin: below initial",
    "margin: cash below zero",
    "liquidation: all legs",
    "liquidation: bankrupt",
    "liquidation: bucket full",
    "liquidation: not due",
    "liquidation: healthy",
    "liquidation: over limit",
    "liquidation: over penalty",
    "liquidation: own account",
    "liquidation: in grace",
    "liquidation: price stale",
    "closing: healthy",
    "closing: not due",
    "closing: own account",
    "closing: price stale",
    "closing: not ascending",
    "delisting: notice",
    "delisting: not due",
    "delisting: price fixed",
    "delisting: index usable",
    "oracle: halted lately",
    "oracle: price fixed",
    "oracle: no sure price",
    "conversion: own account",
    "conversion: balance covered",
    "conversion: not held",
    "conversion: price stale",
    "conversion: over limit",
    "conversion: buyer's cash",
    "backstop: no bucket",
    "backstop: initial",
    "auction: nothing for sale",
    "auction: price stale",
    "auction: over limit",
    "auction: below minimum",
    "order: market",
    "order: size",
    "order: price",
    "order: has trigger",
    "order: post only",
    "order: expired",
    "order: salt",
    "order: cancelled",
    "order: filled",
    "order: signature",
    "order: reduce only",
    "order: side",
    "order: self match",
    "order: band",
    "order: nothing filled",
    "order: not filled",
    "index: stale",
    "salt: not above",
    "fees: above ceiling",
    "fees: band",
    "vault: in debt",
    "vault: losses deferred",
    "vault: zero assets",
    "vault: zero shares",
    "vault: outside window",
    "vault: above claimable",
    "vault: short payment",
)
#: Of which a run of so many transactions must have met all.
ENOUGH = 100_000


@contextmanager
def pyrevm_chain() -> Iterator[Deployable]:
    """A chain in this process."""
    yield Revm(compiled())


CHAINS: dict[str, Callable[[], Any]] = {PYREVM: pyrevm_chain, ANVIL: anvil_chain}


def run_shard(
    chain: Deployable, backend: str, number: int, progress: Progress = lambda tally: None
) -> Tally:
    """The sequences of one seed. Errors: FailureError."""
    _, examples = SHARDS[backend]
    return explore(furnished(chain), backend, number, examples, progress)


def lacking(tally: Tally) -> list[str]:
    """What a whole run should have seen and has not; empty when it is as it should be."""
    hits = LEAST_HITS[tally.backend]
    lines = [f"rule {name}: {n}" for name, n in few(tally.rule_hits, DECK, hits).items()]
    for name, least in LEAST_SEEN.items():
        wanted = least * tally.transactions // ENOUGH
        if tally.transactions < ENOUGH:
            # A short run is a small sample of what comes in bursts.
            wanted //= 3
        if tally.seen[name] < wanted:
            lines.append(f"{name}: {tally.seen[name]}, expected {wanted}")
    if tally.transactions >= ENOUGH:
        met = {name.partition("! ")[2] for name in tally.seen}
        never = [f"never refused with {reason!r}" for reason in REASONS if reason not in met]
        # The rarest come a handful of times in a run: one that misses a few of them is no surprise.
        lines += never if len(never) > 4 else []
    return lines
