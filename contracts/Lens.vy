# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Lens
@notice Read-only answers for bots, dashboards and risk teams.
@custom:kill None: it holds nothing and may be replaced at will.
@custom:security Views only; every answer comes from the Clearinghouse, the oracle and the margin model as the gate
                 would see them now.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import ILens
implements: ILens
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

FLAT: constant(uint256) = 0
OPEN: constant(uint256) = 1
BELOW_INITIAL: constant(uint256) = 2
MARGIN_CALL: constant(uint256) = 3
BELOW_MAINTENANCE: constant(uint256) = 4
BELOW_CLOSE_OUT: constant(uint256) = 5
BANKRUPT: constant(uint256) = 6

LONG: constant(uint256) = 1
SHORT: constant(uint256) = 2
PPM: constant(uint256) = 10**6
IPPM: constant(int256) = 10**6
WAD: constant(uint256) = 10**18
IWAD: constant(int256) = 10**18
# Ids from here up are collateral tokens.
COLLATERAL_IDS: constant(uint256) = 128


# An account as the Clearinghouse folds it, with the prices of its legs.
struct Portfolio:
    word: uint256
    base: int256
    legs: DynArray[uint256, 24]
    prices: DynArray[uint256, 24]


# What the margin model and the plan say of an account.
struct Answer:
    word: uint256
    equity: int256
    adverse: int256
    settled: int256
    initial: uint256
    maintenance: uint256
    healthy: bool
    notional: uint256


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))
CLOSE_OUT_PPM: public(immutable(uint256))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse: IClearinghouse, index_oracle: IIndexOracle, margin_model: IMarginModel, close_out_ppm: uint256
):
    """
    @param close_out_ppm the engine's close-out line
    """
    assert close_out_ppm < PPM, "lens: close out"
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model
    CLOSE_OUT_PPM = close_out_ppm


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def health(account: uint256) -> ILens.Health:
    """
    @notice Everything about one account at the prices that a refresh would give now.
    """
    portfolio: Portfolio = self._portfolio(account)
    found: Answer = self._answer(portfolio)
    cash: int256 = words._account_cash(found.word)
    line: int256 = self._margin_call_line(found.maintenance)
    out: ILens.Health = ILens.Health(
        status=self._status(found),
        equity=found.equity,
        adverse_equity=found.adverse,
        settled_equity=found.settled,
        initial=found.initial,
        maintenance=found.maintenance,
        cash=cash,
        notional=found.notional,
        ratio=max_value(uint256),
        leverage=max_value(uint256),
        withdrawable=0,
        to_cure=convert(max(line - found.equity, 0), uint256),
    )
    if found.maintenance != 0:
        positive: uint256 = convert(max(found.equity, 0), uint256)
        out.ratio = fixed_math._mul_div_down(positive, WAD, found.maintenance)
    if found.equity > 0:
        out.leverage = fixed_math._mul_div_up(found.notional, WAD, convert(found.equity, uint256))
    if found.settled > 0 and found.initial <= convert(found.settled, uint256):
        free: int256 = min(cash, found.settled - convert(found.initial, int256))
        if words._account_collateral(found.word) != 0:
            free = min(free, self._settlement_room(portfolio, found.initial))
        out.withdrawable = convert(max(free, 0), uint256)
    return out


@external
@view
def margin(account: uint256) -> (int256, int256, int256, uint256, uint256):
    """
    @notice Equity, adverse equity, settled equity, initial and maintenance margin at the prices of a refresh now.
    """
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall CLEARINGHOUSE.portfolio(account)
    prices: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(words._account_bitmap(word))
    return staticcall MARGIN_MODEL.assess(word, base, legs, prices)


@external
@view
def health_many(accounts: DynArray[uint256, 500]) -> DynArray[ILens.Row, 500]:
    """
    @notice Status, equity and maintenance margin of many accounts.
    """
    rows: DynArray[ILens.Row, 500] = []
    for account: uint256 in accounts:
        found: Answer = self._answer(self._portfolio(account))
        status: uint256 = self._status(found)
        rows.append(ILens.Row(status=status, equity=found.equity, maintenance=found.maintenance))
    return rows


@external
@view
def liquidation_price(account: uint256, market_id: uint256) -> uint256:
    """
    @notice The index price of one market at which equity falls to maintenance margin, the others unmoved.
    @dev E + s (P' - P) = M + m |s| (P' - P), solved for P'; rounded towards the present price.
    """
    portfolio: Portfolio = self._portfolio(account)
    found: Answer = self._answer(portfolio)
    index: uint256 = 0
    for leg: uint256 in portfolio.legs:
        if words._leg_id(leg) == market_id:
            size: int256 = words._leg_size(leg)
            if size == 0:
                return 0
            price: uint256 = words._price_price(portfolio.prices[index])
            notional: uint256 = fixed_math._mul_div_down(fixed_math._abs(size), price, WAD)
            initial_rate: uint256 = 0
            rate: uint256 = 0
            initial_rate, rate = staticcall MARGIN_MODEL.requirement_at(market_id, notional, 0, 0, block.timestamp)
            # d(E - M)/dP per million: positive for a long, negative for a short.
            required: int256 = convert(rate, int256) * fixed_math._magnitude(size)
            slope: int256 = size * IPPM - required
            excess: int256 = found.equity - convert(found.maintenance, int256)
            return self._crossing(price, excess, slope)
        index = unsafe_add(index, 1)
    return 0


@external
@view
def size_of(account: uint256, market_id: uint256) -> int256:
    """
    @notice Signed size of a leg, ended epochs carried; rounded towards minus infinity.
    """
    word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, 24] = []
    word, base, legs = staticcall CLEARINGHOUSE.portfolio(account)
    for leg: uint256 in legs:
        if words._leg_id(leg) == market_id:
            return words._leg_size(leg)
    return 0


@external
@view
def conservation(market_ids: DynArray[uint256, 127]) -> int256:
    """
    @notice Assets minus claims (WAD) over all accounts and the given markets.
    """
    held: uint256 = 0
    book: int256 = 0
    deferred: uint256 = 0
    held, book, deferred = staticcall CLEARINGHOUSE.totals()
    slack: int256 = convert(held + deferred, int256) - book
    for market_id: uint256 in market_ids:
        slack -= self._side_claims(market_id)
    return slack


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _portfolio(account: uint256) -> Portfolio:
    """
    @notice An account at prices that a refresh would give now.
    """
    seen: Portfolio = empty(Portfolio)
    seen.word, seen.base, seen.legs = staticcall CLEARINGHOUSE.portfolio(account)
    seen.prices = staticcall INDEX_ORACLE.prices(words._account_bitmap(seen.word))
    return seen


@internal
@view
def _settlement_room(portfolio: Portfolio, initial: uint256) -> int256:
    """
    @notice What may leave before the settlement balance falls to half of the initial margin.
    @dev The balance is seen without its unrealised profit: at most what the gate allows.
    """
    alone: Portfolio = empty(Portfolio)
    alone.word = portfolio.word
    alone.base = portfolio.base
    index: uint256 = 0
    for leg: uint256 in portfolio.legs:
        if words._leg_id(leg) < COLLATERAL_IDS:
            alone.legs.append(leg)
            alone.prices.append(portfolio.prices[index])
        index = unsafe_add(index, 1)
    found: Answer = self._answer(alone)
    half: uint256 = fixed_math._mul_div_up(initial, 1, 2)
    return found.settled - convert(half, int256)


@internal
@view
def _answer(portfolio: Portfolio) -> Answer:
    """
    @notice Margin of a portfolio, by the same `assess` as the gate.
    """
    found: Answer = empty(Answer)
    found.word = portfolio.word
    found.equity, found.adverse, found.settled, found.initial, found.maintenance = staticcall MARGIN_MODEL.assess(
        portfolio.word, portfolio.base, portfolio.legs, portfolio.prices
    )
    equity: int256 = 0
    maintenance: uint256 = 0
    favourable: int256 = 0
    favourable_maintenance: uint256 = 0
    planned: DynArray[uint256, 16] = []
    equity, maintenance, favourable, favourable_maintenance, planned = staticcall MARGIN_MODEL.plan(
        portfolio.word, portfolio.base, portfolio.legs, portfolio.prices
    )
    found.healthy = len(planned) == 0 or favourable >= convert(favourable_maintenance, int256)
    for leg: uint256 in planned:
        found.notional += risk_words._plan_notional(leg)
    return found


@internal
@view
def _margin_call_line(maintenance: uint256) -> int256:
    """
    @notice (1 + w_c) * MM, rounded up.
    """
    factor: uint256 = PPM + staticcall MARGIN_MODEL.MARGIN_CALL_PPM()
    return convert(fixed_math._mul_div_up(maintenance, factor, PPM), int256)


@internal
@view
def _status(found: Answer) -> uint256:
    """
    @notice The lowest line that the account is under.
    """
    if words._account_markets(found.word) == 0:
        return FLAT if found.equity >= 0 else BANKRUPT
    if not found.healthy:
        if found.equity <= 0:
            return BANKRUPT
        line: int256 = convert(found.maintenance * CLOSE_OUT_PPM, int256)
        return BELOW_CLOSE_OUT if found.equity * IPPM < line else BELOW_MAINTENANCE
    if found.equity < self._margin_call_line(found.maintenance):
        return MARGIN_CALL
    if found.adverse < 0 or convert(found.adverse, uint256) < found.initial:
        return BELOW_INITIAL
    return OPEN


@internal
@pure
def _crossing(price: uint256, excess: int256, slope: int256) -> uint256:
    """
    @notice price - excess / slope (slope per million), rounded towards the present price; 0 where it is not above 0.
    """
    divisor: int256 = fixed_math._magnitude(slope)
    if divisor == 0:
        return 0
    distance: int256 = fixed_math._mul_div_floor(excess, IPPM * IWAD, divisor)
    crossing: int256 = convert(price, int256)
    crossing = crossing - distance if slope > 0 else crossing + distance
    return convert(max(crossing, 0), uint256)


@internal
@view
def _side_claims(market_id: uint256) -> int256:
    """
    @notice What the sides of a market add to the sum of cash and quotes: size imbalance at spot, less charges.
    """
    market: uint256[3] = staticcall CLEARINGHOUSE.market_words(market_id)
    prices: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(bits._bit(market_id))
    funding: int256 = words._market_funding_at(market[0], block.timestamp)
    moved: int256 = convert(words._price_price(prices[0]), int256) - funding
    claims: int256 = 0
    net: int256 = 0
    for side: uint256 in [LONG, SHORT]:
        shares: int256 = convert(words._shares_of(market[1], side), int256)
        if side == SHORT:
            shares = -shares
        size: int256 = shares
        if words._market_touched(market[0], side):
            epoch: uint256 = words._market_epoch(market[0], side)
            rates: uint256 = staticcall CLEARINGHOUSE.side_word(market_id, side, epoch)
            size = fixed_math._mul_ray_floor(shares, convert(words._side_scale(rates), int256))
            claims -= fixed_math._mul_ray_floor(shares, words._side_charge(rates))
        net += size
    return claims + fixed_math._wad_floor(net * moved)
