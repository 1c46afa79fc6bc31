"""The Clearinghouse against its specification: random actions, every outcome predicted.

SEAWALL_FUZZ_SEED chooses other runs, SEAWALL_FUZZ_STEPS longer ones, SEAWALL_FUZZ_TRACE=1 prints
every step. A failure names its seed and step.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import clearing_actions as actions
import clearing_engine as engine
from clearing_world import World, deploy
from revm import Revm

#: Least successes in 15,000 transactions: an action that never succeeds tests nothing.
LEAST = {
    "deposit": 500,
    "deposit_collateral": 200,
    "withdraw": 150,
    "withdraw_collateral": 100,
    "transfer": 100,
    "donate": 40,
    "operate": 20,
    "fill": 400,
    "close": 200,
    "distressed_close": 45,
    "small_fill": 50,
    "many_fill": 60,
    "twice_fill": 25,
    "edge_fill": 20,
    "collect": 80,
    "settle": 150,
    "takeover": 150,
    "money_only": 150,
    "side_charge": 150,
    "side_close": 200,
    "side_fall": 150,
    "epoch ended": 150,
    "pay": 150,
    "pay_collateral": 80,
    "write_off": 150,
    "written off": 40,
    "heal": 100,
    "healed": 30,
    "set_funding_rate": 150,
    "set_market": 200,
    "restrict": 15,
    "set_risk": 200,
    "set_token_weight": 40,
    "set_token": 60,
    "rescue": 30,
}
#: Every reason of the contract that these actions can meet.
REASONS = (
    "account: not yours",
    "account: unknown",
    "account: 16 markets",
    "amount: zero",
    "amount: too large",
    "token: unknown",
    "token: over cap",
    "custody: till short",
    "market: unknown",
    "market: reduce only",
    "market: over OI cap",
    "market: below minimum",
    "module: no right",
    "trade: not balanced",
    "margin: below initial",
    "margin: cash below zero",
)
ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("SEAWALL_FUZZ_BUILD", ROOT / ".build" / "__local__.json"))
SEED = os.environ.get("SEAWALL_FUZZ_SEED", "seawall")
STEPS = int(os.environ.get("SEAWALL_FUZZ_STEPS", "15000"))
TRACE = os.environ.get("SEAWALL_FUZZ_TRACE") == "1"
EPISODE = 1_000
SWEEP_EVERY = 100

Action = Callable[[World, Random], None]

#: Action and how often it is drawn.
WEIGHTS: dict[Action, int] = {
    actions.deposit: 10,
    actions.deposit_collateral: 4,
    actions.deposit_refused: 1,
    actions.withdraw: 7,
    actions.withdraw_collateral: 4,
    actions.withdraw_refused: 1,
    actions.transfer: 5,
    actions.donate: 1,
    actions.operate: 1,
    actions.fill: 20,
    actions.close: 12,
    actions.distressed_close: 8,
    actions.small_fill: 4,
    actions.many_fill: 8,
    actions.edge_fill: 2,
    actions.collect: 3,
    actions.fill_refused: 4,
    actions.settle: 5,
    engine.takeover: 6,
    engine.money_only: 3,
    engine.side_charge: 5,
    engine.side_close: 6,
    engine.side_fall: 4,
    engine.side_refused: 1,
    engine.pay: 4,
    engine.write_off: 2,
    engine.go_broke: 2,
    engine.heal: 2,
    engine.set_funding_rate: 4,
    engine.set_market: 2,
    engine.restrict: 1,
    engine.set_risk: 2,
    engine.set_weight: 1,
    engine.set_token_cap: 1,
    engine.move_price: 10,
    engine.crash: 1,
    engine.move_collateral_price: 2,
    engine.wait: 4,
    engine.rescue: 3,
}


def run(chain: Revm, seed: str, steps: int) -> World:
    """One episode: a fresh world and that many actions."""
    world = World(chain, seed, TRACE)
    dice = Random(seed)
    deck, weights = list(WEIGHTS), list(WEIGHTS.values())
    for step in range(1, steps + 1):
        dice.choices(deck, weights)[0](world, dice)
        if step % SWEEP_EVERY == 0 or step == steps:
            world.sweep()
    return world


def test_clearinghouse_random_actions_match_specification() -> None:
    chain = deploy(json.loads(BUILD.read_text())["contractTypes"])
    counts: Counter[str] = Counter()
    sent = episode = by_sides = by_accounts = 0
    while sent < STEPS:
        world = run(chain, f"{SEED} {episode}", EPISODE)
        counts += world.counts
        sent += world.transactions
        by_sides = min(by_sides, world.slack.lowest)
        by_accounts = min(by_accounts, world.slack.lowest_of_accounts)
        episode += 1

    print(f"{sent} transactions; claims above assets: {-by_sides} wei, {-by_accounts} by accounts")
    for name, number in sorted(counts.items()):
        print(f"{number:7} {name}")
    # A share of the runs is the share of the successes.
    few = {
        name: counts[name] for name, least in LEAST.items() if counts[name] * 15_000 < least * STEPS
    }
    assert few == {}
    refused = {name.partition("! ")[2] for name in counts}
    assert STEPS < 15_000 or [reason for reason in REASONS if reason not in refused] == []
