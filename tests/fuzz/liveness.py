"""P4 as a theorem: from any state, while any account is below maintenance margin, some step is open
to somebody, it succeeds, and stepping ends with nobody left below.

Prices are usable and clocks may run; a keeper with money takes slices, anybody closes whole
accounts. Nothing else is assumed: not a fund with money, nor a side with members, nor limits that
hold, nor an operator who is awake.
"""

from __future__ import annotations

from functools import partial
from random import Random

from seawall.spec import liveness
from seawall.spec.exit_queue import MAX_CLAIMS
from seawall.spec.margin import Plan, Price
from seawall.spec.oracle import MAX_PRICE
from seawall.spec.words import MAX_UINT256, RATIO, TICK, account_id
from tests.fuzz import compare, exit_actions
from tests.fuzz import delisting_actions as delisting
from tests.fuzz.clearing_actions import deposit_to
from tests.fuzz.close_out_actions import MAX_EMA_RATIO
from tests.fuzz.compare import market_ids_of
from tests.fuzz.stage import ANCHORS, CAP, DECIMALS, MAIN_MARKETS, WAIT_SECONDS
from tests.fuzz.world import World

#: Percent of its price that an index jumps to at the end.
JUMPS = (20, 65, 90, 97, 100, 100, 103, 110, 150, 500)
#: WAD of a native unit of the settlement token.
NATIVE = 10 ** (18 - DECIMALS[0])
#: What a keeper brings, as a multiple of the maintenance margin of the account that it helps.
MULTIPLE = 20


def step_until_quiet(world: World) -> int:
    """Take steps until nobody is below maintenance margin; how many it took. Errors: MismatchError.

    Every step must succeed, and the rounds are bounded.
    """
    _shake(world)
    rich = 0, world.owners["whale"]

    def bears(plan: Plan) -> bool:
        """Where all the money there is could not bear a slice there is no keeper with margin."""
        return _needed(plan) <= world.wallets[rich]

    try:
        everyone = partial(getattr, world, "everyone")
        steps = liveness.step_until_quiet(world.closer, everyone, Helpers(world), bears)
    except liveness.NotQuietError as error:
        world.fail(f"P4: still below maintenance margin: {error}")
    world.count("quiet after steps", steps)
    world.count("brought to rest")
    return steps


def serve_queue(world: World) -> None:
    """Everybody who waits is paid or has his money back, unless the till is empty.

    Their wait is over and no limit holds them: the timelock may lift it, and a day has an end.
    """
    exits = world.exits
    world.set_token(0, 10**3 * CAP)
    if exits.ends[0] == exits.ends[1]:
        return
    world.warp(WAIT_SECONDS + 1)
    _let_prices_be_known(world)
    while (gone := exit_actions.serve(world, MAX_CLAIMS)) == MAX_CLAIMS:
        pass
    world.must("P4 claim", gone >= 0, exits.ends)
    left = exits.ends[1] - exits.ends[0]
    # Of what is held each rounding leaves a native unit.
    empty = world.spec.totals.held <= NATIVE
    world.must("P4 tickets are left", left == 0 or empty, (left, world.spec.totals))
    world.count("queue served")


class Helpers:
    """Act on the chain and the specification; each call must pass."""

    def __init__(self, world: World) -> None:
        self._world = world

    def flag(self, account: int) -> None:
        """Anybody starts a clock."""
        _flag(self._world, account)

    def wait(self, seconds: int) -> None:
        """Funding accrues; prices stay."""
        self._world.warp(seconds)
        _let_prices_be_known(self._world)

    def close_out(self, account: int) -> None:
        """Anybody closes."""
        _close(self._world, account)

    def liquidate(self, account: int, plan: Plan) -> None:
        """A keeper with money takes a slice."""
        _slice(self._world, account, plan)


def _let_prices_be_known(world: World) -> None:
    """Every index is confirmed at its latest price, once no halt stands in the way."""
    delisting.come_to_an_end(world)
    for market_id in ANCHORS:
        price = max(TICK, world.prices[market_id].price // TICK * TICK)
        world.set_price(market_id, Price(price, world.chain.time))


def _shake(world: World) -> None:
    """Every main market jumps, and its EMA stays behind; the others are confirmed."""
    _let_prices_be_known(world)
    dice = Random(world.transactions)
    for market_id in MAIN_MARKETS:
        old = world.prices[market_id].price
        price = max(TICK, min(MAX_PRICE, old * dice.choice(JUMPS) // 100 // TICK * TICK))
        ema = max(1, min(MAX_EMA_RATIO, old * RATIO // price))
        world.set_price(market_id, Price(price, world.chain.time, ema_ratio=ema))


def _flag(world: World, account: int) -> None:
    passed, _ = world.send(
        "flag",
        world.chain.actor("keeper"),
        "flag(uint256)",
        [account],
        lambda: world.waterfall.flag(account),
        world.engine,
    )
    world.must("P4 flag", passed, hex(account))


def _close(world: World, account: int) -> None:
    keeper = world.collector if account != world.collector else world.counterparty
    passed, _ = world.send(
        "resolve",
        world.chain.actor("keeper"),
        "close_out(uint256,uint256)",
        [account, keeper],
        lambda: world.closer.close_out(account, keeper),
        world.closer_address,
    )
    world.must("P4 close", passed, hex(account))
    held = market_ids_of(world, account)
    world.must("P4 legs are left", not held, (hex(account), held))
    compare.touched(world, [account, keeper, world.fee_account])


def _slice(world: World, account: int, plan: Plan) -> None:
    """A keeper of its own, so that neither margin nor the number of markets stands in the way."""
    keeper = account_id(world.owners["whale"], 100 + len(world.rescuers))
    world.rescuers.append(keeper)
    # No deposit cap keeps help away for ever: the timelock may raise it.
    world.set_token(0, 10**3 * CAP)
    deposit_to(world, keeper, 0, _needed(plan))
    passed, _ = world.send(
        "liquidate",
        world.owners["whale"],
        "liquidate(uint256,uint256,uint256)",
        [account, keeper, MAX_UINT256],
        lambda: _liquidated(world, account, keeper),
        world.engine,
    )
    world.must("P4 slice", passed, (hex(account), plan))
    compare.touched(world, [account, keeper, world.fee_account])


def _liquidated(world: World, account: int, keeper: int) -> list[int]:
    return list(world.waterfall.liquidate(account, keeper))


def _needed(plan: Plan) -> int:
    """What a keeper brings, in native units."""
    return MULTIPLE * plan.maintenance // NATIVE + NATIVE
