"""Scenes of what moves with risk: where everything binds, portfolio mode, the monitor's chores.

They start from the same venue as those of `scenes.py`. In a busy one each leg is larger than the
depth of its market, open interest is above capacity, volatility above calm and its factor of
maintenance margin on the way to its goal, and maintenance rate, depth and matrix are in the middle
of a ramp: all of that is read back before anything is measured.
"""

from __future__ import annotations

from bench import scenes
from bench.actors import Actor
from bench.binding import check_binding
from bench.parts import (
    HOUSE_SHORT,
    KEEPER,
    MAKER,
    MARKET,
    TRADER,
    fall,
    let_hold,
    let_keeper_hold,
    liquidating,
    make_due,
    margin_of,
    part_filled,
    slice_of,
)
from bench.setting import bind, stir
from bench.stand import MARKETS, Act, Stand
from seawall.spec.words import PORTFOLIO

# -- everything binds --------------------------------------------------------------------------


def fill_hold_busy(stand: Stand) -> Act:
    """As `fill_hold`, where everything binds."""
    bind(stand)
    act = scenes.fill_hold(stand)
    check_binding(stand, (TRADER, MAKER))
    return act


def liquidate_1_busy(stand: Stand) -> Act:
    """As `liquidate_1`, where everything binds."""
    return _busy_slice(stand, 1, 34, "-23")


def liquidate_8_busy(stand: Stand) -> Act:
    """As `liquidate_8`, where everything binds."""
    return _busy_slice(stand, 8, 27, "-17.5")


def margin_view_1_busy(stand: Stand) -> Act:
    """As `margin_view_1`, where everything binds."""
    return _busy_margin(stand, 1)


def margin_view_8_busy(stand: Stand) -> Act:
    """As `margin_view_8`, where everything binds."""
    return _busy_margin(stand, 8)


# -- portfolio mode ----------------------------------------------------------------------------


def portfolio_view_8(stand: Stand) -> Act:
    """`Lens.margin` of a healthy account in portfolio mode with four longs and four shorts, all
    covered by the matrix: 32 scenarios, the worst three count."""
    return _portfolio_margin(stand)


def portfolio_view_8_busy(stand: Stand) -> Act:
    """As `portfolio_view_8`, where everything binds, two matrices included."""
    bind(stand)
    act = _portfolio_margin(stand)
    check_binding(stand, [TRADER])
    return act


def fill_hold_portfolio(stand: Stand) -> Act:
    """As `fill_hold`, both accounts in portfolio mode."""
    let_hold(stand, [MAKER])
    for actor in (TRADER, MAKER):
        _opt_in(stand, actor)
    order = part_filled(stand, MAKER)
    stand.freshen([MARKET])
    return stand.matching(TRADER, [order], stand.size(MARKET, 2_000))


def liquidate_8_portfolio(stand: Stand) -> Act:
    """Eight legs in portfolio mode, equity between close-out and maintenance: the keeper takes the
    same fraction of each. He holds a leg of each of these markets."""
    make_due(stand, TRADER, 8)
    _opt_in(stand, TRADER)
    let_keeper_hold(stand, 8)
    fall(stand, 8, "-6.2")
    stand.freshen()
    return liquidating(stand)


def set_mode(stand: Stand) -> Act:
    """The owner of an account with four longs and four shorts chooses portfolio mode. Margin is
    checked at the fresh index."""
    _hold_both_ways(stand)
    stand.freshen()
    return stand.act(TRADER, stand.house, "set_mode", TRADER.account, PORTFOLIO)


# -- monitor -----------------------------------------------------------------------------------


def call_margin_20(stand: Stand) -> Act:
    """`RiskMonitor.call_margin` of twenty accounts of one leg each, all in the same market, all
    below the margin-call line."""
    debtors = [Actor(f"victim {number}") for number in range(20)]
    for debtor in debtors:
        make_due(stand, debtor, 1)
    fall(stand, 1, "-5.2")
    stand.freshen([MARKET])
    accounts = [debtor.account for debtor in debtors]
    return stand.act(KEEPER, stand.monitor, "call_margin", accounts)


def follow_8(stand: Stand) -> Act:
    """`RiskMonitor.follow` of eight markets, in all of which volatility has risen above calm."""
    stir(stand)
    stand.freshen()
    return stand.act(KEEPER, stand.monitor, "follow", list(MARKETS))


# -- parts -------------------------------------------------------------------------------------


def _busy_slice(stand: Stand, legs: int, percent: int, fallen: str) -> Act:
    bind(stand)
    act = slice_of(stand, legs, percent, fallen)
    check_binding(stand, (TRADER, KEEPER))
    return act


def _busy_margin(stand: Stand, legs: int) -> Act:
    bind(stand)
    act = margin_of(stand, legs)
    check_binding(stand, [TRADER])
    return act


def _portfolio_margin(stand: Stand) -> Act:
    _hold_both_ways(stand)
    _opt_in(stand, TRADER)
    stand.freshen()
    return stand.act(TRADER, stand.lens, "margin", TRADER.account)


def _hold_both_ways(stand: Stand) -> None:
    """The trader is long in every other market and short in those between."""
    stand.deposit(TRADER, 100_000)
    for market_id in MARKETS:
        parties = (TRADER, HOUSE_SHORT) if market_id % 2 else (HOUSE_SHORT, TRADER)
        stand.open(*parties, market_id, 5_000)


def _opt_in(stand: Stand, owner: Actor) -> None:
    stand.do(owner, stand.house, "set_mode", owner.account, PORTFOLIO)
