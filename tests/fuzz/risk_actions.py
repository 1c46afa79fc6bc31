"""What the timelock, the follower and accounts' owners do to margin: parameters and modes."""

from __future__ import annotations

from random import Random

from seawall.spec.clearinghouse import MARKETS_MASK
from seawall.spec.margin import MarketRisk
from seawall.spec.risk import RAMP
from seawall.spec.scenarios import SCENARIOS, Shocks, Terms
from seawall.spec.words import PORTFOLIO, PPM, WAD
from tests.fuzz import compare, parameters
from tests.fuzz.clearing_actions import draw_market, holders, owner_name
from tests.fuzz.promises import check_mode
from tests.fuzz.stage import (
    ANCHORS,
    CALM,
    CAPACITIES,
    COLLATERAL,
    DEPTHS,
    MAIN_MARKETS,
    MINIMUM_EQUITY,
    VOLATILITY_CAP,
    WEIGHTS,
    first_risk,
    market_reserve,
)
from tests.fuzz.world import World

LARGEST = 2**32 - 1
#: Largest shocks that a word holds, from -327 % to 327 %.
EXTREME = 2**15 - 1


# -- markets and tokens --------------------------------------------------------------------------


def set_risk(world: World, dice: Random) -> None:
    """All parameters of a market, up and down; sometimes refused."""
    market_id = draw_market(dice)
    maintenance = dice.choice([5_000, 20_000, 30_000, 30_000, 50_000, 120_000])
    depth, floor = DEPTHS[market_id], CAPACITIES[market_id]
    risk = MarketRisk(
        initial=min(PPM, maintenance * dice.choice([10, 15, 20]) // 10),
        maintenance=maintenance,
        reserve=market_reserve(market_id),
        depth=dice.choice([depth, depth, max(1, depth // 3), depth * 4, 1, LARGEST]),
        calm=dice.choice([CALM, CALM, CALM, 1, CALM // 2, CALM * 3]),
        volatility_cap=dice.choice([VOLATILITY_CAP, VOLATILITY_CAP, 10, 15, 160]),
        capacity_floor=dice.choice([floor, floor, max(1, floor // 5), floor * 5, 1, LARGEST]),
        capacity_per_fund=dice.choice([0, 100_000, PPM, LARGEST]),
    )
    oddity, sender = dice.random(), ""
    if oddity < 0.15:
        market_id, risk, sender = _spoilt(world, dice, market_id, risk)
    elif oddity < 0.3:
        # As listed: else a long run would end with nothing but odd parameters.
        risk = first_risk(market_id)
    if sender:
        _refuse_stranger(world, sender, parameters.SET_RISK, [market_id, *risk])
        return
    parameters.set_risk(world, market_id, risk)
    for account in holders(world, market_id)[:2]:
        compare.expect_account(world, account, [market_id])


def _spoilt(
    world: World, dice: Random, market_id: int, risk: MarketRisk
) -> tuple[int, MarketRisk, str]:
    """One bound broken, or a stranger."""
    case = dice.randrange(9)
    if case == 0:
        return market_id, risk._replace(reserve=risk.reserve + 1), ""
    if case == 1:
        wrong = dice.choice([risk.maintenance - 1, PPM + 1])
        return market_id, risk._replace(initial=wrong), ""
    if case == 2:
        return market_id, risk._replace(maintenance=0), ""
    if case == 3:
        return market_id, risk._replace(depth=0), ""
    if case == 4:
        return market_id, risk._replace(volatility_cap=dice.choice([9, 161])), ""
    if case == 5:
        return market_id, risk._replace(capacity_floor=0), ""
    if case == 6:
        return dice.choice([0, 128]), risk, ""
    if case == 7:
        return market_id, risk._replace(calm=0), ""
    return market_id, risk, world.chain.actor(dice.choice(["thief", "guardian", "follower"]))


def _refuse_stranger(world: World, sender: str, signature: str, arguments: list[int]) -> None:
    """A call that only the owner may make."""

    def predict() -> None:
        raise parameters.Reverted("ownable: caller is not the owner")

    parameters.change(world, "stranger", sender, signature, arguments, predict)


def set_token_risk(world: World, dice: Random) -> None:
    """Weights and depth of a token up and down, by little and by much; sometimes refused."""
    token_id = dice.choice(list(COLLATERAL))
    initial, maintenance, depth = WEIGHTS[token_id]
    fall = dice.choice([0, 0, 10_000, 200_000, initial])
    depth = dice.choice([depth, depth, 1, depth * 10, LARGEST])
    rise = min(dice.choice([0, 0, 50_000]), PPM - 1 - maintenance)
    initial, maintenance = initial - fall, maintenance - dice.choice([0, fall]) + rise
    if initial > maintenance:
        maintenance = initial
    oddity = dice.random()
    if oddity < 0.04:
        initial = maintenance + 1
    elif oddity < 0.07:
        maintenance = PPM
    elif oddity < 0.1:
        depth = 0
    elif oddity < 0.13:
        token_id = dice.choice([0, 9, 2**200])
    parameters.set_token_risk(world, token_id, initial, maintenance, depth)
    _expect_holders_of(world, token_id)


def _expect_holders_of(world: World, token_id: int) -> None:
    collateral = world.spec.collateral
    held = [account for account in world.accounts if collateral[account, token_id]]
    for account in held[:2]:
        compare.expect_account(world, account, [])


# -- the scenario matrix -------------------------------------------------------------------------


def _draw_odd(dice: Random, shocks: Shocks) -> Shocks:
    """Shocks as no calibration would find them, or none at all."""
    case = dice.randrange(5)
    if case == 0:
        return ()
    if case == 1:
        return tuple(dice.choice([EXTREME, -EXTREME]) for _ in shocks)
    if case == 2:
        return (0,) * SCENARIOS
    if case == 3:
        return tuple(dice.randrange(-EXTREME, EXTREME + 1) for _ in shocks)
    return tuple(-shock for shock in shocks)


def restage(world: World, dice: Random) -> None:
    """New shocks of some markets for the next version; what is left out will not be covered."""
    chosen = dice.sample(MAIN_MARKETS, dice.choice([1, 2, 4]))
    for market_id, shocks in parameters.draw_shocks(dice, chosen).items():
        drawn = _draw_odd(dice, shocks) if dice.random() < 0.15 else shocks
        parameters.stage(world, market_id, drawn)
    if dice.random() < 0.1:
        parameters.stage(world, dice.choice([0, 128]), (0,) * SCENARIOS)


def activate_matrix(world: World, dice: Random) -> None:
    """The staged version comes in force, mostly with all main markets; refused on a ramp."""
    ready = world.model.scenarios.matrix.ramp_start + RAMP
    if world.chain.time < ready and dice.random() < 0.5:
        world.warp(max(1, ready - world.chain.time - dice.choice([0, 1, 2, 1 + RAMP // 2])))
    if dice.random() < 0.8:
        covered = dice.sample(MAIN_MARKETS, len(MAIN_MARKETS) - 1)
        for market_id, shocks in parameters.draw_shocks(dice, covered).items():
            parameters.stage(world, market_id, shocks)
    terms = draw_terms(dice)
    oddity = dice.random()
    if oddity < 0.03:
        terms = terms._replace(tail=dice.choice([0, SCENARIOS + 1]))
    elif oddity < 0.06:
        terms = terms._replace(factor=0)
    elif oddity < 0.09:
        terms = terms._replace(floor=dice.choice([0, PPM + 1]))
    least = dice.choice([0, MINIMUM_EQUITY, MINIMUM_EQUITY, 1_000, LARGEST])
    parameters.activate(world, terms, least)
    for account in _in_portfolio(world)[:3]:
        compare.expect_account(world, account, [])


def draw_terms(dice: Random) -> Terms:
    """Terms of a matrix."""
    return Terms(
        tail=dice.choice([1, 3, 5, 5, SCENARIOS]),
        factor=dice.choice([500_000, PPM, PPM, 1_300_000]),
        floor=dice.choice([1, 150_000, 150_000, 400_000]),
    )


def _in_portfolio(world: World) -> list[int]:
    accounts = world.spec.ledger.accounts
    held = [a for a in world.accounts if accounts[a].mode == PORTFOLIO]
    return sorted(held, key=lambda account: -(accounts[account].bitmap & MARKETS_MASK))


# -- the follower --------------------------------------------------------------------------------


def follow(world: World, dice: Random) -> None:
    """The follower tells a market's volatility and the fund's money; strangers may not."""
    market_id = dice.choice([*MAIN_MARKETS * 4, 40, 20, 128, 2**200])
    name = dice.choice([parameters.FOLLOWER] * 9 + ["thief", "timelock"])
    seen = world.prices[market_id].volatility if market_id in ANCHORS else 0
    drawn = CALM * dice.choice([0, 4, 10, 11, 14, 20, 45, 700]) // 10
    volatility = dice.choice([seen, drawn, drawn, drawn])
    cash = max(0, world.spec.ledger.accounts[world.fee_account].cash)
    fund = dice.choice([cash, cash, 0, 10**6 * WAD, 10**12 * WAD])
    if dice.random() < 0.3:
        world.warp(dice.choice([1, 60, 3_598, 3_599, 3_600, 20_000]))
    parameters.follow(world, world.chain.actor(name), market_id, volatility, fund)


# -- modes ---------------------------------------------------------------------------------------


def set_mode(world: World, dice: Random) -> None:
    """An owner changes the mode of an account, with legs or without; sometimes refused."""
    with_legs = [a for a in world.accounts if world.spec.ledger.accounts[a].bitmap & MARKETS_MASK]
    account = dice.choice(with_legs or world.accounts)
    if dice.random() < 0.2:
        account = dice.choice(world.accounts)
    mode = PORTFOLIO - world.spec.ledger.accounts[account].mode
    sender = owner_name(world, account)
    oddity = dice.random()
    if oddity < 0.05:
        mode = dice.choice([2, 128, 129, 255, 256, 2**255])
    elif oddity < 0.1:
        sender = world.chain.actor(dice.choice(["thief", "bot", "timelock"]))
    elif oddity < 0.15:
        mode = PORTFOLIO - mode
    choose_mode(world, sender, account, mode)


def choose_mode(world: World, sender: str, account: int, mode: int) -> None:
    """One call, and P6 where it went through with legs or collateral."""
    earlier = world.spec.ledger.accounts[account]
    passed, _ = world.send(
        "set_mode",
        sender,
        "set_mode(uint256,uint256)",
        [account, mode],
        lambda: world.spec.set_mode(int(sender, 16), account, mode),
    )
    if not passed:
        return
    if earlier.bitmap & MARKETS_MASK and mode != earlier.mode:
        world.count("to portfolio mode" if mode else "to standard mode")
    compare.touched(world, [account])
    check_mode(world, account)
