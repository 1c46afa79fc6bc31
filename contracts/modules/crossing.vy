# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Crossing
@notice Where an account passes a line as a price, all prices or its cash move: bracketed searches over `assess` and
        `plan`. Part of Lens.
@dev Equity is linear in a price and requirements are convex in it up to the cap of their rate, so what an account has
     above a line rises up to some price and falls from there on: between a healthy and an unhealthy price lies one
     crossing. Cash moves both sides of the gate of a way out one way.
"""

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import account_view  # portfolios and their margin
uses: account_view
from contracts.modules import fixed_math  # written roundings
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

# Lines, and what moves with the last: cash.
LIQUIDATION: constant(uint256) = 0
MARGIN_CALL: constant(uint256) = 1
EXIT: constant(uint256) = 2
# A market id that stands for all prices.
ALL: constant(uint256) = 0

WAD: constant(uint256) = 10**18
# A tolerance is this part of the answer.
PRECISION: constant(uint256) = 10**6
# The highest price of the oracle.
MAX_PRICE: constant(uint256) = 10**24
# Every third step halves a bracket of at most 2**112: no search takes more, most take fewer than ten.
MAX_STEPS: constant(uint256) = 340
# From 1 to the highest price by a factor of two.
MAX_DOUBLINGS: constant(uint256) = 80
NO_FALL: constant(int256) = min_value(int256)
NO_RISE: constant(int256) = max_value(int256)


# What is searched: the line, and the market whose price moves.
struct Search:
    seen: account_view.Portfolio
    line: uint256
    market_id: uint256


# Levels (a price, a factor of all prices or an amount of cash) on either side of a line, and what the account has
# above the line at each.
struct Bracket:
    good: uint256
    bad: uint256
    above: int256
    below: int256


# ---------------------------------------------------------------
#                           QUESTIONS
# ---------------------------------------------------------------


@internal
@view
def _price(account: uint256, market_id: uint256, line: uint256) -> uint256:
    """
    @notice The last price of a market's leg on the healthy side of a line. See ILens.liquidation_price.
    """
    search: Search = Search(seen=account_view._portfolio(account), line=line, market_id=market_id)
    size: int256 = 0
    price: uint256 = 0
    size, price = self._leg(search.seen, market_id)
    if size == 0 or price == 0:
        return 0
    now: int256 = self._excess(search, price)
    # A long is healthy above its price, a short below.
    if (size > 0) == (now >= 0):
        return self._below(search, price, now)
    return self._above(search, price, now, MAX_PRICE)


@internal
@view
def _move(account: uint256, line: uint256) -> (int256, int256):
    """
    @notice How far all prices may fall and rise at once. See ILens.liquidation_move.
    """
    search: Search = Search(seen=account_view._portfolio(account), line=line, market_id=ALL)
    highest: uint256 = 0
    for price_word: uint256 in search.seen.prices:
        highest = max(highest, words._price_price(price_word))
    if words._account_markets(search.seen.word) == 0 or highest == 0:
        return NO_FALL, NO_RISE
    now: int256 = self._excess(search, WAD)
    if now < 0:
        return 0, 0
    down: int256 = NO_FALL
    up: int256 = NO_RISE
    lowest: uint256 = self._below(search, WAD, now)
    if lowest != 0:
        down = convert(lowest, int256) - convert(WAD, int256)
    most: uint256 = self._above(search, WAD, now, fixed_math._mul_div_down(MAX_PRICE, WAD, highest))
    if most != max_value(uint256):
        up = convert(most, int256) - convert(WAD, int256)
    return down, up


@internal
@view
def _withdrawable(seen: account_view.Portfolio) -> uint256:
    """
    @notice The most cash after whose withdrawal the gate lets the account end: to the unit, but for what custody holds.
    """
    search: Search = Search(seen=seen, line=EXIT, market_id=ALL)
    cash: int256 = words._account_cash(seen.word)
    rich: int256 = cash
    if words._account_bitmap(seen.word) != 0:
        found: account_view.Assessment = account_view._assess(seen)
        rich = account_view._above_minimum(seen.word, found.equity)
    if rich < 0 or rich > cash:
        rich = cash
    start: uint256 = 0
    left: uint256 = 0
    # Below the minimum of portfolio mode the requirement jumps: each search is for what is continuous.
    for most: int256 in [rich, cash]:
        now: int256 = self._excess(search, start)
        if now < 0:
            break
        left = convert(most, uint256)
        then: int256 = self._excess(search, left)
        if then < 0:
            return self._search(search, Bracket(good=start, bad=left, above=now, below=then))
        if most == cash:
            break
        start = unsafe_add(left, 1)
    return left


# ---------------------------------------------------------------
#                            SEARCH
# ---------------------------------------------------------------


@internal
@view
def _below(search: Search, start: uint256, now: int256) -> uint256:
    """
    @notice The crossing between 0 and a level, 0 where there is none.
    @param now what the account has above the line at that level
    """
    then: int256 = self._excess(search, 0)
    if (then >= 0) == (now >= 0):
        return 0
    return self._search(search, self._bracket(start, now, 0, then))


@internal
@view
def _above(search: Search, start: uint256, now: int256, highest: uint256) -> uint256:
    """
    @notice The first crossing above a level that doubling it passes; max uint256 where there is none up to the highest.
    @param now what the account has above the line at that level
    """
    last: uint256 = start
    above: int256 = now
    for i: uint256 in range(MAX_DOUBLINGS):
        if last >= highest:
            break
        # At most 2**81.
        level: uint256 = min(unsafe_mul(last, 2), highest)
        then: int256 = self._excess(search, level)
        if (then >= 0) != (now >= 0):
            return self._search(search, self._bracket(last, above, level, then))
        last = level
        above = then
    return max_value(uint256)


@internal
@pure
def _bracket(one: uint256, one_excess: int256, other: uint256, other_excess: int256) -> Bracket:
    """
    @notice Two levels on different sides of a line.
    """
    if one_excess >= 0:
        return Bracket(good=one, bad=other, above=one_excess, below=other_excess)
    return Bracket(good=other, bad=one, above=other_excess, below=one_excess)


@internal
@view
def _search(search: Search, start: Bracket) -> uint256:
    """
    @notice The healthy end of a bracket that was narrowed to the tolerance.
    @dev By interpolation (regula falsi), every third step by halving, and never closer to an end than half the
         tolerance: where the account is a line, the second step ends it.
    """
    found: Bracket = start
    for i: uint256 in range(MAX_STEPS):
        tolerance: uint256 = 1
        if search.line != EXIT:
            tolerance = max(found.good // PRECISION, 1)
        # Levels are below 2**112.
        gap: uint256 = unsafe_sub(max(found.good, found.bad), min(found.good, found.bad))
        if gap <= tolerance:
            break
        step: uint256 = gap // 2
        if i % 3 != 2:
            drop: int256 = found.above - found.below
            step = convert(fixed_math._mul_div_floor(convert(gap, int256), found.above, drop), uint256)
        least: uint256 = max(tolerance // 2, 1)
        step = max(min(step, gap - least), least)
        level: uint256 = found.good - step if found.bad < found.good else found.good + step
        excess: int256 = self._excess(search, level)
        if excess >= 0:
            found.good = level
            found.above = excess
        else:
            found.bad = level
            found.below = excess
    return found.good


@internal
@view
def _excess(search: Search, level: uint256) -> int256:
    """
    @notice What an account has above a line at a level, below 0 where it is under it.
    """
    seen: account_view.Portfolio = search.seen
    if search.line == EXIT:
        paid: int256 = convert(level, int256)
        cash: int256 = words._account_cash(seen.word)
        seen.word = words._account_with_cash(seen.word, cash - paid)
        seen.base -= paid
        return account_view._exit_room(seen)
    if search.market_id == ALL:
        seen.prices = account_view._all_moved(seen.prices, level)
    else:
        index: uint256 = 0
        for leg: uint256 in seen.legs:
            if words._leg_id(leg) == search.market_id:
                seen.prices[index] = account_view._with_price(seen.prices[index], level)
            index = unsafe_add(index, 1)
    found: account_view.Plan = account_view._plan(seen, block.timestamp)
    excess: int256 = found.favourable - convert(found.favourable_maintenance, int256)
    if search.line == MARGIN_CALL:
        excess = min(excess, found.equity - account_view._margin_call_line(found.maintenance))
    return excess


@internal
@pure
def _leg(seen: account_view.Portfolio, market_id: uint256) -> (int256, uint256):
    """
    @notice Size and price of a market's leg, 0 where there is none.
    """
    index: uint256 = 0
    for leg: uint256 in seen.legs:
        if words._leg_id(leg) == market_id:
            return words._leg_size(leg), words._price_price(seen.prices[index])
        index = unsafe_add(index, 1)
    return 0, 0
