"""Calls that change parameters of risk, each followed by the promise that none worsens an account.

World's set-up sends the first of them, `risk_actions` the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from seawall.spec.clearinghouse import MARKETS_MASK
from seawall.spec.margin import MarketRisk, Plan
from seawall.spec.risk import NOTICE, RAMP, charged, interest_factor, size_factor
from seawall.spec.scenarios import SCENARIOS, Shocks, Terms, pack_shocks
from seawall.spec.state import Reverted
from seawall.spec.words import PORTFOLIO, PPM, WAD
from tests.fuzz.stage import (
    ANCHORS,
    COLLATERAL,
    COVERED,
    MATRIX,
    MINIMUM_EQUITY,
    WEIGHTS,
    first_risk,
)

if TYPE_CHECKING:
    from tests.fuzz.world import World

SET_RISK = f"set_risk(uint256,({','.join(['uint256'] * 8)}))"
SET_TOKEN_RISK = "set_token_risk(uint256,uint256,uint256,uint256)"
STAGE = "stage_scenarios(uint256,uint256[2])"
ACTIVATE = "activate_matrix(uint256,uint256,uint256,uint256)"
FOLLOW = "follow(uint256,uint256,uint256)"
#: A time within the ramp of a change made now.
RAMP_AHEAD = NOTICE + RAMP // 3
FOLLOWER = "follower"
#: What `requirement_at` is asked about, WAD money: notional and open interest.
ASKED = (3_000 * WAD, 70_000 * WAD)


#: One change in so many is judged by all accounts, the others by those that it may concern.
ALL_IN = 8


class _Bystander(NamedTuple):
    """An account before a change, valued at the prices and the time of the change."""

    account: int
    plan: Plan


# -- the promise ---------------------------------------------------------------------------------


def _plan(world: World, account: int) -> Plan | None:
    held = world.spec.ledger.accounts[account]
    if held.bitmap == 0:
        return None
    try:
        base, legs = world.spec.portfolio(account)
        prices = world.spec.refresh(held.bitmap)
        return world.model.plan(base, legs, prices, world.spec.now, held.mode)
    except (Reverted, ArithmeticError):
        return None


def bystanders(world: World, legs: int, mode: int) -> list[_Bystander]:
    """Accounts that can be valued, as the next call will find them.

    Those with one of some legs or in some mode, now and then all.
    """
    world.spec.now = world.chain.time + 1
    held = world.spec.ledger.accounts
    concerned = [
        account
        for account in world.everyone
        if held[account].bitmap & legs
        or held[account].mode & mode
        or world.transactions % ALL_IN == 0
    ]
    plans = [(account, _plan(world, account)) for account in concerned]
    return [_Bystander(account, plan) for account, plan in plans if plan is not None]


def check_bystanders(world: World, before: Sequence[_Bystander]) -> None:
    """P10: in the second of a change no account's E falls or M rises, and none turns liquidatable.

    Only the favourable end may come nearer, for its width is bounded by the maintenance rate; but
    never across the line.
    """
    for account, earlier in before:
        later = _plan(world, account)
        values = (hex(account), earlier, later)
        if later is None:
            world.fail(f"P10: {values}: cannot be valued after a change of parameters")
            return
        world.must("P10 equity", later.equity >= earlier.equity, values)
        world.must("P10 maintenance", later.maintenance <= earlier.maintenance, values)
        world.must("P10 liquidatable", is_healthy(later) or not is_healthy(earlier), values)
        if account in world.accounts and world.spec.ledger.accounts[account].bitmap & MARKETS_MASK:
            world.count("bystander of a change")


def is_healthy(plan: Plan) -> bool:
    """Not liquidatable: E >= M at the favourable ends."""
    return plan.favourable_equity >= plan.favourable_maintenance or not plan.legs


def change(
    world: World,
    action: str,
    sender: str,
    signature: str,
    arguments: Sequence[int | str],
    predict: Callable[[], None],
    legs: int = 0,
    mode: int = 0,
) -> bool:
    """Send a call that changes the margin model, and look at accounts before and after it.

    `legs` and `mode` tell whom it may concern.
    """
    before = bystanders(world, legs, mode)
    passed, _ = world.send(action, sender, signature, arguments, predict, world.model_address)
    if passed:
        check_bystanders(world, before)
    return passed


# -- the calls -----------------------------------------------------------------------------------


def set_risk(world: World, market_id: int, risk: MarketRisk, sender: str = "") -> bool:
    """All parameters of a market; by the owner unless told otherwise."""
    passed = change(
        world,
        "set_risk",
        sender or world.owner,
        SET_RISK,
        [market_id, *risk],
        lambda: world.model.set_risk(market_id, risk, world.spec.now),
        legs=1 << market_id,
    )
    if market_id in ANCHORS:
        expect_risk(world, market_id)
    return passed


def set_token_risk(world: World, token_id: int, initial: int, maintenance: int, depth: int) -> bool:
    """Weights and depth of a collateral token."""
    passed = change(
        world,
        "set_token_risk",
        world.owner,
        SET_TOKEN_RISK,
        [token_id, initial, maintenance, depth],
        lambda: world.model.set_token_risk(token_id, initial, maintenance, depth, world.spec.now),
        legs=1 << 127 + min(token_id, 9),
    )
    if token_id in COLLATERAL:
        expect_weight(world, token_id)
    return passed


def stage(world: World, market_id: int, shocks: Shocks) -> bool:
    """A market's shocks of the next version; without any it will not be covered."""
    words = pack_shocks(shocks) if shocks else (0, 0)
    passed = change(
        world,
        "stage_scenarios",
        world.owner,
        STAGE,
        [market_id, *words],
        lambda: world.model.scenarios.stage(market_id, shocks),
        mode=PORTFOLIO,
    )
    if passed:
        expect_shocks(world, world.model.scenarios.matrix.version + 1, market_id)
    return passed


def activate(world: World, terms: Terms, minimum_equity: int) -> bool:
    """Put the staged version in force."""
    passed = change(
        world,
        "activate_matrix",
        world.owner,
        ACTIVATE,
        [*terms, minimum_equity],
        lambda: world.model.scenarios.activate(terms, minimum_equity, world.spec.now),
        mode=PORTFOLIO,
    )
    expect_matrix(world)
    return passed


def follow(world: World, sender: str, market_id: int, volatility: int, fund: int) -> bool:
    """Capacity follows the fund, the volatility factor the volatility; strangers are refused."""

    def predict() -> None:
        if sender != world.chain.actor(FOLLOWER):
            raise Reverted("risk: not the follower")
        world.model.follow(market_id, volatility, fund, world.spec.now)

    arguments, legs = [market_id, volatility, fund], 1 << min(market_id, 128)
    passed = change(world, "follow", sender, FOLLOW, arguments, predict, legs)
    if market_id in ANCHORS:
        expect_risk(world, market_id)
    return passed


def list_all(world: World) -> None:
    """Every market and token, a matrix and a follower; time passes until the tokens count."""
    for token_id, weights in WEIGHTS.items():
        set_token_risk(world, token_id, *weights)
    for market_id in ANCHORS:
        set_risk(world, market_id, first_risk(market_id))
    dice = Random("first matrix")
    for market_id, shocks in draw_shocks(dice, COVERED).items():
        stage(world, market_id, shocks)
    activate(world, MATRIX, MINIMUM_EQUITY)
    name = world.chain.actor(FOLLOWER)
    world.send(
        "set_follower",
        world.owner,
        "set_follower(address)",
        [name],
        lambda: None,
        world.model_address,
    )
    world.warp(NOTICE + RAMP)


def draw_shocks(dice: Random, market_ids: Sequence[int]) -> dict[int, Shocks]:
    """Joint shocks: a common move of all markets and one of each, up to some rates."""
    common = [dice.gauss(0, 5_000) for _ in range(SCENARIOS)]
    made = {}
    for market_id in market_ids:
        beta, own = dice.uniform(0.5, 1.5), dice.choice([500, 2_500, 6_500])
        moves = [round(beta * move + dice.gauss(0, own)) for move in common]
        made[market_id] = tuple(max(-30_000, min(30_000, move)) for move in moves)
    return made


# -- comparison ----------------------------------------------------------------------------------


def expect_risk(world: World, market_id: int) -> None:
    """All words of a market, and its rates now, on a ramp and for a size beyond its depth."""
    risk, model = world.model.risks[market_id], world.model_address
    words = [risk.word, risk.earlier_word, risk.capacity_word]
    view = "risk_words_of(uint256)"
    world.expect(f"risk {market_id}", words, view, market_id, target=model)
    view = "requirement_at(uint256,uint256,uint256,uint256,uint256)"
    notional, interest = ASKED
    volatility = 3 * risk.calm // 2
    for time in (world.spec.now, world.spec.now + RAMP_AHEAD):
        rates = _rates(world, market_id, volatility, time)
        arguments = market_id, notional, interest, volatility, time
        world.expect(f"rates of {market_id}", rates, view, *arguments, target=model)


def _rates(world: World, market_id: int, volatility: int, time: int) -> tuple[int, int]:
    """Initial and maintenance rate of what is asked about."""
    risk = world.model.risks[market_id]
    notional, interest = (money * WAD for money in ASKED)
    least, depth = risk.base(time)
    flat = risk.volatility_factor(time)
    factors = (
        flat,
        risk.calm_factor(volatility),
        size_factor(notional, risk.depth),
        interest_factor(notional, interest, risk.capacity),
    )
    rate = charged(least, max(flat, size_factor(notional, depth)), PPM)
    return max(rate, charged(risk.initial, max(factors), 2**30 - 1)), rate


def expect_weight(world: World, token_id: int) -> None:
    """A token's word, and its weights now and on a ramp."""
    weight, model = world.model.weights[token_id], world.model_address
    world.expect(f"weight {token_id}", weight.word, "weight_word(uint256)", token_id, target=model)
    for time in (world.spec.now, world.spec.now + RAMP_AHEAD):
        name, view = f"weights of {token_id}", "weights_at(uint256,uint256)"
        world.expect(name, weight.at(time), view, token_id, time, target=model)


def expect_shocks(world: World, version: int, market_id: int) -> None:
    """A market's shocks in a version."""
    shocks, model = world.model.scenarios.shocks[version, market_id], world.model_address
    words = pack_shocks(shocks) if shocks else (0, 0)
    name, view = f"shocks of {market_id} in {version}", "shocks(uint256,uint256)"
    world.expect(name, words, view, version, market_id, target=model)


def expect_matrix(world: World) -> None:
    """Versions and terms."""
    word = world.model.scenarios.matrix.word
    world.expect("matrix", word, "matrix_word()", target=world.model_address)


def everything(world: World) -> None:
    """Compare all parameters there are."""
    for market_id in ANCHORS:
        expect_risk(world, market_id)
    for token_id in COLLATERAL:
        expect_weight(world, token_id)
    for version, market_id in world.model.scenarios.shocks:
        expect_shocks(world, version, market_id)
    expect_matrix(world)
