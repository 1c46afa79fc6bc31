"""The rules of the machine: what may happen, how often, and what a step is.

A step is a rule and a seed: the seed makes the dice of all draws inside the rule. A sequence of
steps is thus two numbers a step, can be cut anywhere, and means the same on every backend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from tests.fuzz import backstop_actions as backstop
from tests.fuzz import clearing_actions as clearing
from tests.fuzz import close_out_actions as closing
from tests.fuzz import compare, liveness, promises
from tests.fuzz import conversion_actions as conversion
from tests.fuzz import delisting_actions as delisting
from tests.fuzz import exchange_actions as exchange
from tests.fuzz import exit_actions as exits
from tests.fuzz import fund_actions as fund
from tests.fuzz import module_actions as module
from tests.fuzz import risk_actions as risk
from tests.fuzz import slice_orders_actions as slices
from tests.fuzz import vault_actions as vault
from tests.fuzz import waterfall_actions as waterfall
from tests.fuzz.stage import MAIN_MARKETS
from tests.fuzz.world import World

Action = Callable[[World, Random], None]
Step = tuple[str, int]

#: Rule, and how often it is drawn in comparison with others.
WEIGHTS: dict[Action, int] = {
    clearing.deposit: 2,
    clearing.deposit_collateral: 2,
    clearing.withdraw: 3,
    clearing.withdraw_collateral: 2,
    clearing.transfer: 2,
    clearing.donate: 1,
    clearing.operate: 2,
    clearing.fill: 3,
    clearing.close: 3,
    clearing.distressed_close: 4,
    clearing.small_fill: 4,
    clearing.many_fill: 5,
    clearing.edge_fill: 3,
    clearing.collect: 4,
    clearing.settle: 2,
    module.takeover: 2,
    module.money_only: 2,
    module.side_charge: 1,
    module.side_close: 1,
    module.side_fall: 2,
    module.pay: 1,
    module.write_off: 1,
    module.go_broke: 1,
    module.heal: 1,
    module.set_funding_rate: 1,
    module.set_market: 1,
    module.restrict: 1,
    risk.set_risk: 3,
    risk.set_token_risk: 2,
    risk.restage: 1,
    risk.activate_matrix: 2,
    risk.follow: 3,
    risk.set_mode: 3,
    module.set_token_cap: 1,
    module.move_price: 2,
    module.crash: 1,
    module.move_collateral_price: 2,
    module.disturb_feed: 2,
    module.move_settlement_price: 2,
    module.wait: 1,
    module.rescue: 3,
    waterfall.liquidate: 5,
    waterfall.close_out: 7,
    waterfall.bankrupt: 2,
    waterfall.liquidate_many: 2,
    waterfall.hand_to_backstop: 4,
    slices.liquidate_matched_slice: 6,
    waterfall.flag: 1,
    closing.resolve: 7,
    closing.resolve_many: 4,
    closing.resolve_debt: 3,
    closing.heal_slowly: 2,
    conversion.convert: 4,
    backstop.set_bucket: 1,
    backstop.allot: 1,
    backstop.release: 2,
    backstop.take_in: 2,
    backstop.buy_inventory: 3,
    exchange.match: 4,
    exchange.match_batch: 4,
    exchange.match_reducing: 3,
    exchange.match_by_operator: 2,
    exchange.cancel: 3,
    exchange.cancel_below: 2,
    exchange.set_fees: 2,
    exits.claim: 2,
    exits.cancel_exit: 1,
    exits.set_outflow: 1,
    delisting.halt: 1,
    delisting.end_market: 2,
    fund.save: 2,
    fund.save_for_shares: 2,
    fund.request_redeem: 1,
    fund.announce: 2,
    fund.cancel_redeem: 2,
    fund.redeem: 1,
    fund.withdraw_savings: 2,
    fund.cover: 1,
    fund.gift: 1,
    vault.back: 2,
    vault.leave_backstop: 2,
    vault.withdraw_backing: 2,
}
RULES: dict[str, Action] = {action.__name__: action for action in WEIGHTS}
DECK = list(RULES)
SHARES = list(WEIGHTS.values())
#: Calls that only ever break a rule: one in so many steps of these rules is one.
REFUSED: dict[str, Action] = {
    "deposit": clearing.deposit_refused,
    "withdraw": clearing.withdraw_refused,
    "fill": clearing.fill_refused,
    "side_fall": module.side_refused,
    "convert": conversion.convert_refused,
    "match": exchange.match_refused,
    "match_batch": exchange.match_refused,
}
ONE_IN = 8
#: One in so many sequences is brought to rest at its end.
REST_ONE_IN = 3
#: In one of so many the exit queue is served to its end.
SERVED_ONE_IN = 2
PREPARE = "prepare"


def prepare(world: World, dice: Random) -> None:
    """Positions in every market, and in some of them a side whose scale has fallen."""
    for market_id in MAIN_MARKETS:
        for _ in range(2):
            clearing.fill_market(world, dice, market_id)
    for market_id in dice.sample(MAIN_MARKETS, dice.choice([0, 1, 2])):
        module.side_fall_market(world, dice, market_id)


def play(world: World, step: Step) -> bool:
    """Take one step and check all promises; whether something went through.

    Errors: MismatchError.
    """
    name, seed = step
    dice = Random(seed)
    before = world.passed
    if name == PREPARE:
        prepare(world, dice)
    elif name in REFUSED and dice.randrange(ONE_IN) == 0:
        REFUSED[name](world, dice)
    else:
        RULES[name](world, dice)
    promises.check_custody(world)
    promises.check_at_once(world)
    promises.check_zero_sum(world)
    return world.passed > before


def finish(world: World) -> None:
    """Compare everything there is at the end of a sequence. Errors: MismatchError."""
    compare.everything(world)
    promises.check_claims(world)
    if world.transactions % REST_ONE_IN == 0:
        liveness.step_until_quiet(world)
        promises.check_custody(world)
        promises.check_zero_sum(world)
        promises.check_claims(world)
    if world.transactions % SERVED_ONE_IN == 0:
        liveness.serve_queue(world)
        promises.check_custody(world)
        promises.check_claims(world)


def draw_steps(dice: Random, number: int) -> list[Step]:
    """A sequence at random, prepared first."""
    names = dice.choices(DECK, SHARES, k=number)
    return [(PREPARE, dice.getrandbits(32)), *((name, dice.getrandbits(32)) for name in names)]


def run(world: World, steps: list[Step], hits: Counter[str]) -> None:
    """Play a sequence to its end. Errors: MismatchError."""
    for step in steps:
        hits[step[0]] += play(world, step)
    finish(world)
