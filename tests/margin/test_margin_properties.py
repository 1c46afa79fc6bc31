"""What must hold of every margin, said of the specification."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import Assessment, Price
from seawall.spec.risk import (
    ANY_VOLATILITY,
    MAX_INITIAL_RATE,
    MarketRisk,
    charged,
    interest_factor,
    size_factor,
    worth,
)
from seawall.spec.scenarios import (
    GROSS_BITS,
    SCENARIOS,
    PortfolioLeg,
    Shocks,
    Terms,
    portfolio_requirement,
)
from seawall.spec.words import PORTFOLIO, PPM, WAD
from tests.margin.draws import KINDS, change, portfolio, stage_matrix, wait, world
from tests.margin.twin import Alone, Question, assessed, planned

MONEY = WAD * WAD
#: Every draw of a seed is a history: fewer of them are as many changes.
HISTORIES = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
QUICK = settings(max_examples=400, deadline=None)

seeds = st.integers(min_value=0, max_value=2**32)
#: Notionals as products of two WAD numbers, from a billionth of money up.
notionals = st.integers(min_value=0, max_value=10**12).map(lambda n: n * MONEY // 10**3 + n)


# ------------------------------ changes -------------------------


@HISTORIES
@given(seeds)
def test_any_change_no_account_on_the_edge_becomes_liquidatable(seed: int) -> None:
    """The first promise of margins that move, on random portfolios and histories of changes."""
    rng = Random(seed)
    model = Alone()
    world(rng, model)
    for _ in range(12):
        kind = rng.choice(KINDS)
        if kind == "matrix":
            stage_matrix(model, rng)
        questions = [portfolio(rng, model.spec, model.now) for _ in range(8)]
        now = model.now + 1
        mode = PORTFOLIO if model.spec.scenarios.matrix.version == 0 else 0
        edges = []
        for question in questions:
            asked = question._replace(time=now, mode=question.mode & ~mode)
            plan = planned(model.spec, asked)
            if plan is not None:
                short = plan.favourable_maintenance - plan.favourable_equity
                edges.append(asked._replace(base=asked.base + short))

        change(model, rng, kind)

        for question in edges:
            after = planned(model.spec, question)
            assert after is not None
            assert after.favourable_equity >= after.favourable_maintenance, (kind, question)
        wait(model, rng)


@HISTORIES
@given(seeds)
def test_initial_margin_is_never_below_maintenance(seed: int) -> None:
    rng = Random(seed)
    model = Alone()
    world(rng, model)
    for _ in range(150):
        answer = assessed(model.spec, portfolio(rng, model.spec, model.now))
        if answer is not None:
            assert answer.initial >= answer.maintenance


# --------------------------- open interest ----------------------


@QUICK
@given(
    before=notionals,
    parts=st.lists(notionals.filter(bool), min_size=1, max_size=12),
    capacity=st.integers(min_value=1, max_value=2**32 - 1),
    rate=st.integers(min_value=1, max_value=PPM),
)
def test_interest_factor_opening_in_parts_never_asks_for_less(
    before: int, parts: list[int], capacity: int, rate: int
) -> None:
    """To the rounding: 1 part per million of the notional and 3 of what the rate asks of it.

    Open interest and notional are rounded to thousandths of money against the position, which
    adds 2 / capacity parts per million to the mean at most, and the mean is rounded up to one. No
    rate here is beyond what sums over legs have room for.
    """
    whole = sum(parts)
    factor = interest_factor(whole, before + whole, capacity)
    assume(rate * factor < PPM * MAX_INITIAL_RATE)
    asked, opened = 0, before
    for part in parts:
        opened += part
        factor_of_part = interest_factor(part, opened, capacity)
        assume(rate * factor_of_part < PPM * MAX_INITIAL_RATE)
        asked += charged(rate, factor_of_part, MAX_INITIAL_RATE) * part

    at_once = charged(rate, factor, MAX_INITIAL_RATE) * whole

    assert asked >= at_once - whole * (1 + ceil_div(3 * rate, PPM))


@QUICK
@given(
    before=st.integers(min_value=0, max_value=3_000),
    size=st.integers(min_value=100, max_value=5_000),
    depth=st.integers(min_value=1, max_value=2**32 - 1),
)
def test_hundred_accounts_need_what_one_account_needs(before: int, size: int, depth: int) -> None:
    """Where open interest binds: at least 99 % of it, in the order in which they come."""
    model = Alone()
    terms = MarketRisk(100_000, 50_000, 0, depth, ANY_VOLATILITY, 10, 1_000, 0)
    assert model.set_risk(1, terms) is None
    # Money and units alike: capacity is 1,000,000 units.
    price, unit = Price(WAD), 1_000 * WAD
    notional, interest = size * unit * WAD, (before + size) * unit
    assume(
        interest_factor(notional, interest * WAD, 1_000) > max(PPM, size_factor(notional, depth))
    )

    def initial(units: int, opened: int) -> int:
        legs = [(1, opened, units)]
        return model.spec.assess(0, 0, legs, [price], model.now).initial

    one = initial(size * unit, interest)
    part = size * unit // 100
    split = sum(initial(part, before * unit + part * number) for number in range(1, 101))

    assert split * 100 >= one * 99


# ---------------------------- portfolios ------------------------

shock = st.integers(min_value=1 - 2**15, max_value=2**15 - 1)
columns = st.lists(shock, min_size=SCENARIOS, max_size=SCENARIOS).map(tuple)


@st.composite
def books(draw: st.DrawFn) -> tuple[list[PortfolioLeg], dict[int, Shocks]]:
    """Legs of covered and uncovered markets, and their shocks."""
    count = draw(st.integers(min_value=1, max_value=8))
    legs, shocks = [], {}
    for market_id in range(1, count + 1):
        size = draw(st.integers(min_value=0, max_value=40).map(lambda bits: 10 * 2**bits))
        needed = draw(st.sampled_from([1, -1])) * size * draw(st.sampled_from([1, 10**9 + 7]))
        legs.append(PortfolioLeg(market_id, needed, 0))
        shocks[market_id] = draw(st.one_of(columns, st.just(())))
    return legs, shocks


terms_of = st.builds(
    Terms,
    tail=st.integers(min_value=1, max_value=SCENARIOS),
    factor=st.integers(min_value=1, max_value=3 * PPM),
    floor=st.integers(min_value=1, max_value=PPM),
)


def _cut_off(legs: list[PortfolioLeg], terms: Terms) -> int:
    """What the bits that sums leave out can add to a requirement, and a unit of each rounding."""
    gross = sum(abs(leg.needed) for leg in legs)
    shift = max(0, gross.bit_length() - GROSS_BITS)
    return ceil_div((4 * len(legs) << shift) * terms.factor, PPM) + 3


@QUICK
@given(books(), terms_of)
def test_portfolio_requirement_of_twice_the_book_is_at_most_twice(
    book: tuple[list[PortfolioLeg], dict[int, Shocks]], terms: Terms
) -> None:
    legs, shocks = book
    twice = [PortfolioLeg(i, 2 * needed, 0) for i, needed, _ in legs]

    required = portfolio_requirement(legs, terms, shocks.__getitem__)
    doubled = portfolio_requirement(twice, terms, shocks.__getitem__)

    assert abs(doubled - 2 * required) <= 2 * _cut_off(twice, terms)


@QUICK
@given(books(), terms_of, st.integers(min_value=0, max_value=1_000))
def test_portfolio_requirement_of_a_part_of_every_leg_is_not_higher(
    book: tuple[list[PortfolioLeg], dict[int, Shocks]], terms: Terms, kept: int
) -> None:
    """The same fraction of every leg closed."""
    legs, shocks = book

    def part(number: int) -> int:
        return abs(number) * kept // 1_000 * (1 if number > 0 else -1)

    rest = [PortfolioLeg(i, part(needed), 0) for i, needed, _ in legs]

    required = portfolio_requirement(legs, terms, shocks.__getitem__)
    left = portfolio_requirement(rest, terms, shocks.__getitem__)

    # A rest is a unit short of its part, at most, in each leg.
    rounding = 4 * len(legs) * ceil_div(terms.factor, PPM) + 2 * len(legs)
    assert left <= required * kept // 1_000 + 2 * _cut_off(legs, terms) + rounding


@QUICK
@given(books(), terms_of)
def test_portfolio_requirement_of_two_books_is_at_most_what_they_need_apart(
    book: tuple[list[PortfolioLeg], dict[int, Shocks]], terms: Terms
) -> None:
    legs, shocks = book
    half = len(legs) // 2

    together = portfolio_requirement(legs, terms, shocks.__getitem__)
    apart = sum(
        portfolio_requirement(part, terms, shocks.__getitem__)
        for part in (legs[:half], legs[half:])
    )

    assert together <= apart + _cut_off(legs, terms)


@QUICK
@given(books(), terms_of)
def test_book_of_one_direction_needs_at_least_what_its_legs_need_apart(
    book: tuple[list[PortfolioLeg], dict[int, Shocks]], terms: Terms
) -> None:
    """In standard mode: whatever the matrix, legs of one direction get no credit."""
    legs, shocks = book
    alike = [leg._replace(needed=abs(leg.needed)) for leg in legs]

    required = portfolio_requirement(alike, terms, shocks.__getitem__)

    assert required >= sum(leg.needed for leg in alike)


@HISTORIES
@given(seeds)
def test_one_leg_in_portfolio_mode_needs_at_least_its_standard_requirement(seed: int) -> None:
    rng = Random(seed)
    model = Alone()
    world(rng, model)
    for _ in range(150):
        plain, mixed = _both_modes(model, portfolio(rng, model.spec, model.now))
        assert mixed.initial >= plain.initial
        assert mixed.maintenance >= plain.maintenance


def _both_modes(model: Alone, question: Question) -> tuple[Assessment, Assessment]:
    """The first leg alone, in standard and in portfolio mode."""
    one = question._replace(legs=question.legs[:1], prices=question.prices[:1])
    plain = assessed(model.spec, one._replace(mode=one.mode & ~PORTFOLIO))
    mixed = assessed(model.spec, one._replace(mode=one.mode | PORTFOLIO))
    assert plain is not None
    assert mixed is not None
    return plain, mixed


@QUICK
@given(
    size=st.integers(min_value=1, max_value=10**30),
    sign=st.sampled_from([1, -1]),
    depth=st.sampled_from([1, 1_000, 2**32 - 1]),
    half_width=st.sampled_from([0, 50]),
)
def test_one_leg_under_calm_scenarios_needs_its_standard_requirement(
    size: int, sign: int, depth: int, half_width: int
) -> None:
    """To a unit: two parts of it are rounded up instead of one, and what sums leave out."""
    model = Alone()
    risk = MarketRisk(100_000, 65_000, 0, depth, ANY_VOLATILITY, 10, 2**32 - 1, 0)
    assert model.set_risk(1, risk) is None
    assert model.stage(1, tuple(range(-8_000, 8_000, 500))) is None
    assert model.activate(Terms(3, PPM, 100_000), 0) is None
    mark = Price(2_000 * WAD, half_width=half_width)
    question = Question(0, 10**50, [(1, 0, sign * size)], [mark], model.now, 0)

    plain, mixed = _both_modes(model, question)

    # Below some units of money, what sums leave out of a loss is more than the leg needs.
    dust = 4
    assert plain.initial <= mixed.initial <= plain.initial + 1 + dust
    assert plain.maintenance <= mixed.maintenance <= plain.maintenance + 1 + dust


# ---------------------------- collateral ------------------------


@QUICK
@given(
    gross=st.integers(min_value=0, max_value=2**160),
    more=st.integers(min_value=0, max_value=2**160),
    weight=st.integers(min_value=0, max_value=PPM - 1),
    depth=st.integers(min_value=1, max_value=2**32 - 1),
)
def test_worth_of_more_is_not_less(gross: int, more: int, weight: int, depth: int) -> None:
    """But for the rounding of a root to a whole number of 10**-12."""
    rounding = (PPM - weight) * (gross + more) // 10**18 + 1

    assert worth(gross + more, weight, depth) >= worth(gross, weight, depth) - rounding


@QUICK
@given(
    root=st.integers(min_value=1_000_001, max_value=3_000_000),
    weight=st.integers(min_value=400_000, max_value=PPM - 1),
    depth=st.integers(min_value=1, max_value=2**32 - 1),
)
def test_worth_of_a_unit_more_where_the_root_steps_is_not_less(
    root: int, weight: int, depth: int
) -> None:
    deep = depth * 10**21
    gross = ceil_div(root**2 * deep, PPM**2)
    rounding = (PPM - weight) * gross // 10**18 + 1

    assert worth(gross, weight, depth) >= worth(gross - 1, weight, depth) - rounding


@pytest.mark.parametrize("depth", [1, 20_000])
@pytest.mark.parametrize("weight", [0, 333_333, 333_334, 900_000, 999_999])
def test_worth_grows_up_to_its_most_and_stays_there(depth: int, weight: int) -> None:
    deep, haircut = depth * 10**21, PPM - weight
    most = max(deep, deep * 4 * PPM**2 // (9 * haircut**2))
    steps = [most * number // 1_000 for number in range(1, 1_001)]

    worths = [worth(step, weight, depth) for step in steps]

    assert worths == sorted(worths)
    assert worth(most * 1_000, weight, depth) == worths[-1]


@QUICK
@given(
    gross=st.integers(min_value=0, max_value=2**160),
    weight=st.integers(min_value=0, max_value=PPM - 1),
    depth=st.integers(min_value=1, max_value=2**32 - 1),
)
def test_worth_is_not_above_the_weight(gross: int, weight: int, depth: int) -> None:
    assert 0 <= worth(gross, weight, depth) <= gross * weight // PPM
