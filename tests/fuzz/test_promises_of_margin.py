"""Each promise about parameters, modes and slices of all legs fails on a state that breaks it."""

from __future__ import annotations

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.step_plan import PARTIAL, Step
from seawall.spec.words import GATE_MARGIN_RULE, LOT, PORTFOLIO, WAD
from tests.fuzz import parameters, promises
from tests.fuzz.clearing_actions import paid
from tests.fuzz.creation import compiled
from tests.fuzz.furnish import furnished
from tests.fuzz.promises import Standing
from tests.fuzz.revm import Revm
from tests.fuzz.stage import ANCHORS, MAIN_MARKETS
from tests.fuzz.trading import trade
from tests.fuzz.world import MismatchError, World

MARKET, OTHER = MAIN_MARKETS[:2]
#: Of the account that the tests look at: dollars, and dollars of notional in each of two markets.
CASH, NOTIONAL = 2_000 * WAD, 20_000 * WAD


@pytest.fixture(scope="module")
def base() -> World:
    """Two legs in portfolio mode: long one market, short another."""
    world = furnished(Revm(compiled()))
    account, maker = _account(world), world.accounts[6]
    for market_id, sign in ((MARKET, 1), (OTHER, -1)):
        size = sign * (NOTIONAL * WAD // ANCHORS[market_id] // LOT * LOT)
        money = paid(size, ANCHORS[market_id])
        changes = [
            Change(account, size, money, 0, GATE_MARGIN_RULE),
            Change(maker, -size, -money, 0, GATE_MARGIN_RULE),
        ]
        assert trade(world, "fill", "dealer", market_id, changes)
    world.restart()
    return world


@pytest.fixture
def world(base: World) -> World:
    return base.fork()


def _account(world: World) -> int:
    return world.accounts[1]


def _stood(world: World) -> Standing:
    found = promises.standing(world, _account(world))
    assert found is not None
    assert found.mode == PORTFOLIO
    return found


def _with_cash(world: World, cash: int) -> None:
    held = world.spec.ledger.accounts[_account(world)]
    world.spec.ledger.accounts[_account(world)] = held._replace(cash=cash)


def _with_risk(world: World, **fields: int) -> None:
    for market_id in (MARKET, OTHER):
        risk = world.model.risks[market_id]
        world.model.risks[market_id] = risk._replace(**fields)


def test_bystanders_of_nothing_hold(world: World) -> None:
    before = parameters.bystanders(world, 2**256 - 1, 0)
    assert len(before) > 2
    parameters.check_bystanders(world, before)


def test_bystander_whose_collateral_falls_fails(world: World) -> None:
    before = parameters.bystanders(world, 1 << 128, 0)
    weight = world.model.weights[1]
    world.model.weights[1] = weight._replace(maintenance_to=weight.maintenance_to - 1_000)

    with pytest.raises(MismatchError, match="P10 equity"):
        parameters.check_bystanders(world, before)


def test_bystander_whose_maintenance_rises_fails(world: World) -> None:
    before = parameters.bystanders(world, 1 << MARKET, 0)
    _with_risk(world, depth=1)

    with pytest.raises(MismatchError, match="P10 maintenance"):
        parameters.check_bystanders(world, before)


def test_bystander_that_turns_liquidatable_fails(world: World) -> None:
    before = parameters.bystanders(world, 1 << MARKET, 0)
    _with_cash(world, 0)
    earlier = next(one for one in before if one.account == _account(world))
    later = parameters.bystanders(world, 1 << MARKET, 0)
    poor = next(one.plan for one in later if one.account == _account(world))
    # As if only the favourable end had fallen.
    plan = earlier.plan._replace(equity=poor.equity, maintenance=poor.maintenance)

    with pytest.raises(MismatchError, match="P10 liquidatable"):
        parameters.check_bystanders(world, [earlier._replace(plan=plan)])


def test_standing_with_initial_below_maintenance_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    margin = _stood(world).margin
    wrong = margin._replace(initial=margin.maintenance - 1)
    monkeypatch.setattr(world.model, "assess", lambda *given: wrong)

    with pytest.raises(MismatchError, match="IM below MM"):
        promises.standing(world, _account(world))


def test_mode_without_margin_fails(world: World) -> None:
    _with_cash(world, 0)

    with pytest.raises(MismatchError, match="P6 mode"):
        promises.check_mode(world, _account(world))


def test_gate_of_new_risk_below_minimum_equity_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was let through with the credit of a hedge."""
    before = _stood(world)
    lenient = before._replace(margin=before.margin._replace(initial=before.margin.adverse))
    monkeypatch.setattr(promises, "standing", lambda *_: lenient)
    monkeypatch.setattr(promises, "standard_initial", lambda *_: before.margin.adverse + 1)
    smaller = before._replace(sizes={MARKET: before.sizes[MARKET] - LOT})
    scenarios = world.model.scenarios
    least = before.margin.equity // WAD + 1
    scenarios._matrix[0] = scenarios.matrix._replace(minimum_equity=least)
    change = Change(_account(world), LOT, 0, 0, GATE_MARGIN_RULE)

    with pytest.raises(MismatchError, match="P6 smaller"):
        promises.check_gate(world, change, MARKET, smaller)
    assert world.counts["poor in portfolio mode"] > 0


def test_slice_that_closes_one_leg_only_fails(world: World) -> None:
    after = _stood(world)
    larger = after.sizes | {MARKET: after.sizes[MARKET] * 2}
    before = after._replace(sizes=larger)
    step = Step(PARTIAL, 0, WAD // 2)

    with pytest.raises(MismatchError, match="P5 same fraction"):
        promises.check_liquidation(world, _account(world), before, step, exact=True)


def test_slice_beyond_the_target_fails(world: World) -> None:
    _with_cash(world, 0)
    owned = _stood(world).margin
    _with_cash(world, owned.maintenance * 3 // 2 - owned.equity)
    after = _stood(world)
    # Half of every leg was needed where M falls in proportion, but E ends at three halves of M.
    sizes = {market_id: size * 2 for market_id, size in after.sizes.items()}
    doubled = tuple(leg._replace(notional=leg.notional * 2) for leg in after.plan.legs)
    maintenance = after.margin.maintenance * 3
    plan = after.plan._replace(legs=doubled, maintenance=maintenance, equity=maintenance * 2 // 5)
    before = after._replace(sizes=sizes, plan=plan)
    step = Step(PARTIAL, 0, WAD // 2)

    with pytest.raises(MismatchError, match="P5 more of all than needed"):
        promises.check_liquidation(world, _account(world), before, step, exact=True)


def test_slice_of_more_than_needed_fails(world: World) -> None:
    after = _stood(world)
    sizes = {market_id: size * 2 for market_id, size in after.sizes.items()}
    plan = after.plan
    doubled = tuple(leg._replace(notional=leg.notional * 2) for leg in plan.legs)
    plan = plan._replace(legs=doubled, maintenance=plan.equity * 1_001 // 1_000)
    before = after._replace(sizes=sizes, plan=plan)

    with pytest.raises(MismatchError, match="P5 larger fraction than needed"):
        promises.check_liquidation(
            world, _account(world), before, Step(PARTIAL, 0, WAD // 2), exact=True
        )
