"""Each promise of the machine fails on a state that breaks it, whatever the contracts say."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from seawall.spec.clearinghouse import Change
from seawall.spec.conversion import Conversion
from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import Price
from seawall.spec.oracle import SETTLEMENT_ID
from seawall.spec.step_plan import PARTIAL, WHOLE, Step
from seawall.spec.words import GATE_INITIAL, GATE_MARGIN_RULE, PORTFOLIO, PPM, WAD
from tests.fuzz import promises, waterfall_actions
from tests.fuzz.clearing_actions import paid
from tests.fuzz.creation import compiled
from tests.fuzz.furnish import furnished
from tests.fuzz.promises import Standing
from tests.fuzz.revm import Revm
from tests.fuzz.rules import finish, play
from tests.fuzz.stage import ANCHORS, ENGINE
from tests.fuzz.trading import trade
from tests.fuzz.world import MismatchError, World

MARKET = 1
PRICE = ANCHORS[MARKET]


@pytest.fixture(scope="module")
def base() -> World:
    return furnished(Revm(compiled()))


@pytest.fixture
def world(base: World) -> World:
    """Nothing is broken yet: every promise holds."""
    made = base.fork()
    promises.check_custody(made)
    promises.check_zero_sum(made)
    promises.check_claims(made)
    return made


@pytest.fixture
def holder(world: World) -> int:
    """Long a hundred units at the index; a rich maker is short."""
    account, maker = world.accounts[0], world.accounts[2]
    size = 100 * WAD
    changes = [
        Change(account, size, paid(size, PRICE), 0, GATE_MARGIN_RULE),
        Change(maker, -size, -paid(size, PRICE), 0, GATE_MARGIN_RULE),
    ]
    assert trade(world, "fill", "dealer", MARKET, changes)
    return account


def _stood(world: World, account: int) -> Standing:
    found = promises.standing(world, account)
    assert found is not None
    return found


def _with_cash(world: World, account: int, cash: int) -> None:
    held = world.spec.ledger.accounts[account]
    world.spec.ledger.accounts[account] = held._replace(cash=cash)


def test_at_once_of_more_than_was_put_in_fails(world: World) -> None:
    free = sum(world.spec.principal.values())
    promises.check_at_once(world)
    world.spec.principal[world.accounts[0]] += world.spec.put_in[0] - free + 1

    with pytest.raises(MismatchError, match="P1 at once"):
        promises.check_at_once(world)


def test_custody_of_more_collateral_than_tokens_fails(world: World) -> None:
    token_id = 1
    owed = world.wallets[token_id, world.house] + 1
    others = world.spec.token_held[token_id] - world.spec.collateral[world.accounts[0], token_id]
    world.spec.collateral[world.accounts[0], token_id] = owed - others
    world.spec.token_held[token_id] = owed

    with pytest.raises(MismatchError, match="P1 custody"):
        promises.check_custody(world)


def test_custody_of_a_sum_that_differs_fails(world: World) -> None:
    world.spec.collateral[world.accounts[0], 1] -= 1

    with pytest.raises(MismatchError, match="P1 sum"):
        promises.check_custody(world)


def test_zero_sum_of_sides_that_part_fails(world: World, holder: int) -> None:
    market = world.spec.ledger.markets[MARKET]
    longer = market.long._replace(shares=market.long.shares + 1)
    world.spec.ledger.markets[MARKET] = market._replace(long=longer)

    with pytest.raises(MismatchError, match="P2 sizes"):
        promises.check_zero_sum(world)


def test_zero_sum_of_cash_from_nowhere_fails(world: World) -> None:
    _with_cash(world, world.accounts[0], 10**30)

    with pytest.raises(MismatchError, match="P2 accounts"):
        promises.check_claims(world)


def test_hidden_debt_of_an_account_without_legs_fails(world: World) -> None:
    account = world.accounts[4]
    _with_cash(world, account, -1)

    with pytest.raises(MismatchError, match="P3 hidden debt"):
        promises.check_no_hidden_debt(world, [account])


def test_liquidation_that_lowers_the_ratio_fails(world: World, holder: int) -> None:
    before = _stood(world, holder)
    _with_cash(world, holder, world.spec.ledger.accounts[holder].cash - 1)

    with pytest.raises(MismatchError, match="P5 ratio"):
        promises.check_liquidation(world, holder, before, Step(PARTIAL, MARKET), exact=True)


def test_liquidation_that_flips_a_position_fails(world: World, holder: int) -> None:
    now = _stood(world, holder)
    before = now._replace(sizes={MARKET: -now.sizes[MARKET]})

    with pytest.raises(MismatchError, match="P5 flip"):
        promises.check_liquidation(world, holder, before, Step(PARTIAL, MARKET), exact=True)


def test_liquidation_that_closes_all_for_a_little_fails(world: World, holder: int) -> None:
    world.prices[MARKET] = Price(PRICE)
    bounds = waterfall_actions.line(world, holder, MARKET, 10**6)
    assert bounds is not None
    world.prices[MARKET] = Price(bounds[1])
    before = _stood(world, holder)
    notional = before.plan.legs[0].notional
    step = Step(PARTIAL, MARKET, 100 * WAD, bounds[1], notional)

    with pytest.raises(MismatchError, match="P5 more than needed"):
        promises.check_liquidation(world, holder, before, step, exact=True)


def test_liquidation_that_charges_a_hedge_by_its_notional_fails(world: World, holder: int) -> None:
    found = _stood(world, holder)
    # As if these legs needed four times as much without each other.
    legs = tuple(leg._replace(rate=4 * leg.rate) for leg in found.plan.legs)
    before = found._replace(plan=found.plan._replace(legs=legs), mode=PORTFOLIO)
    notional = legs[0].notional // 2
    fee = notional * ENGINE.penalty_min // PPM
    step = Step(PARTIAL, size=WAD // 2, notional=notional, fee=fee)

    with pytest.raises(MismatchError, match="pays more than its margin"):
        promises.check_liquidation(world, holder, before, step, exact=True)


def test_liquidation_of_a_bankrupt_in_part_fails(world: World, holder: int) -> None:
    _with_cash(world, holder, -PRICE * 200)
    before = _stood(world, holder)

    with pytest.raises(MismatchError, match="P5 whole"):
        promises.check_liquidation(world, holder, before, Step(WHOLE), exact=True)


def test_conversion_that_lowers_equity_fails(world: World, holder: int) -> None:
    before = _stood(world, holder)
    _with_cash(world, holder, world.spec.ledger.accounts[holder].cash - 1)

    with pytest.raises(MismatchError, match="conversion equity"):
        promises.check_conversion(world, holder, before, 1, Conversion(-1, 0, 1, 1))


def test_conversion_of_a_unit_too_many_fails(world: World, holder: int) -> None:
    _with_cash(world, holder, 10**21)
    before = _stood(world, holder)
    balance = world.seller.settlement_balance(holder)

    with pytest.raises(MismatchError, match="conversion unit"):
        promises.check_conversion(world, holder, before, 1, Conversion(balance - 1, 0, 10**9, 1))


def test_conversion_below_the_discount_fails(world: World, holder: int) -> None:
    _with_cash(world, holder, -(10**21))
    before = _stood(world, holder)
    balance = world.seller.settlement_balance(holder)

    with pytest.raises(MismatchError, match="conversion gain"):
        promises.check_conversion(world, holder, before, 1, Conversion(balance - 1, 0, 1, 1))


def test_conversion_below_par_at_the_price_of_margin_fails(world: World, holder: int) -> None:
    world.set_price(SETTLEMENT_ID, Price(WAD * 95 // 100))
    _with_cash(world, holder, -(10**21))
    before = _stood(world, holder)
    balance, price = world.seller.settlement_balance(holder), world.prices[128].price
    fair = ceil_div(price * 100, 95)
    promises.check_conversion(world, holder, before, 1, Conversion(balance - fair, 0, 10**8, fair))

    with pytest.raises(MismatchError, match="conversion gain"):
        promises.check_conversion(
            world, holder, before, 1, Conversion(balance - price, 0, 10**8, price)
        )


def test_conversion_on_credit_fails(world: World, holder: int) -> None:
    _with_cash(world, holder, -1)

    with pytest.raises(MismatchError, match="P6 buyer's cash"):
        promises.check_buyer(world, holder)


def test_conversion_below_initial_margin_of_the_buyer_fails(world: World, holder: int) -> None:
    world.spec.collateral[holder, 1] = world.spec.collateral[holder, 8] = 0
    _with_cash(world, holder, 1)

    with pytest.raises(MismatchError, match=r"P6 buyer\b"):
        promises.check_buyer(world, holder)


def test_gate_of_risk_without_margin_fails(world: World, holder: int) -> None:
    before = _stood(world, holder)
    smaller = before._replace(sizes={MARKET: before.sizes[MARKET] - 1})
    _with_cash(world, holder, 100 * PRICE // 100)
    change = Change(holder, 1, 0, 0, GATE_MARGIN_RULE)

    with pytest.raises(MismatchError, match="P6 smaller"):
        promises.check_gate(world, change, MARKET, smaller)
    with pytest.raises(MismatchError, match="P6 gate 2"):
        promises.check_gate(world, change._replace(gate=GATE_INITIAL), MARKET, smaller)


def test_gate_of_a_reduction_that_lowers_the_ratio_fails(world: World, holder: int) -> None:
    _with_cash(world, holder, 100 * PRICE // 25)
    before = _stood(world, holder)
    _with_cash(world, holder, 100 * PRICE // 30)
    change = Change(holder, 0, 0, 0, GATE_MARGIN_RULE)

    with pytest.raises(MismatchError, match="P6 ratio"):
        promises.check_gate(world, change, MARKET, before)


def test_exit_with_debt_fails(world: World) -> None:
    account = world.accounts[4]
    _with_cash(world, account, -1)

    with pytest.raises(MismatchError, match="P6 cash"):
        promises.check_exit(world, account)


def test_finish_of_a_wrong_word_fails(world: World) -> None:
    world.spec.ledger.markets[MARKET] = world.spec.ledger.markets[MARKET]._replace(rate=10**6)

    with pytest.raises(MismatchError, match="market 1"):
        finish(world)


def test_play_of_a_step_counts_what_went_through(world: World) -> None:
    hits: Counter[str] = Counter()
    for number in range(20):
        hits["donate"] += play(world, ("donate", Random(number).getrandbits(32)))

    assert hits["donate"] == world.counts["donate"] == 20
