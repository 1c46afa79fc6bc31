# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Collateral converter
@notice Collateral of an account that owes the settlement token goes to whoever pays cash for it, at what it is worth
        in settlement tokens less a discount that grows with the debt.
@dev `seawall/spec/conversion.py` is the same in Python. Rates are parts per million, money WAD, amounts of tokens
     native units. What the buyer pays rounds up, the discount rounds down. The discount never exceeds the token's
     maintenance haircut, so what comes in is at least what the collateral counted: no conversion lowers the account's
     equity, whatever its legs are worth.
     Margin counts dollars / max(1, s) for the price s of a settlement token: of a token below par nobody is counted
     more of. A sale is paid in such tokens: its price is dollars / s, or the buyer would gain what they lack of par.
     A market leg whose price is not usable counts at its last price. That may bring a conversion forward or delay it,
     and cannot cost the account any equity, for what it gives and gets does not depend on that leg.
     While losses are deferred, cash is a claim on less than its amount: a buyer pays price / exit ratio, as if he had
     withdrawn and the account had deposited. Otherwise collateral would be a way out at par.
     Parameters are immutable: new ones come with a new converter, whose rights the timelock grants.
@custom:kill None: the owner of the Clearinghouse can revoke the rights of this converter.
@custom:security Holds the TRADE, PAY and WATERFALL rights of the Clearinghouse; the last for the margin gate of a
                 buyer whose legs do not change. Anyone may call for an account of his own. No token moves and the
                 account's owner is not called, so odd or reentrant tokens are of no concern here.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import ICollateralConverter
implements: ICollateralConverter
from interfaces import IIndexOracle
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from contracts.modules import bits  # owners of accounts, bitmaps
from contracts.modules import fixed_math  # written roundings
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

GATE_INITIAL: constant(uint256) = 2

PPM: constant(uint256) = 10**6
WAD: constant(uint256) = 10**18
MAX_DISCOUNT: constant(uint256) = 10**5
MAX_TOKEN_DECIMALS: constant(uint256) = 18
# Ids from here up are collateral tokens, 128 is token 1.
COLLATERAL_IDS: constant(uint256) = 128
# Id of the settlement token at the oracle, and its bit.
SETTLEMENT_ID: constant(uint256) = 0
SETTLEMENT: constant(uint256) = 1
UNUSABLE: constant(uint256) = 2**16 - 1


# What a settlement token is worth (WAD dollars, at most one), and an account with the prices of its legs; market legs
# come first.
struct Situation:
    settlement: uint256
    base: int256
    legs: DynArray[uint256, 24]
    prices: DynArray[uint256, 24]


# One collateral token of an account: WAD tokens held, the price of a sale (0 where it is not usable), WAD tokens per
# native unit; and what all collateral of the account is worth at such prices (WAD).
struct Holding:
    tokens: uint256
    price: uint256
    unit: uint256
    worth: uint256


# What the cash for a token amount is made of: price of a sale, WAD tokens per native unit, the parts per million of the
# price that are paid, and deferred losses as claims / held.
struct Terms:
    price: uint256
    unit: uint256
    paid_ppm: uint256
    claims: uint256
    held: uint256


# A conversion: settlement balance, native units held, whether the price is usable, discount, native units and cash.
struct Conversion:
    balance: int256
    held: uint256
    usable: bool
    discount: uint256
    amount: uint256
    cash: uint256


# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))
MARGIN_MODEL: public(immutable(IMarginModel))
# The discount while the debt is small beside the collateral, and where it is as large.
DISCOUNT_MIN_PPM: public(immutable(uint256))
DISCOUNT_MAX_PPM: public(immutable(uint256))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse: IClearinghouse,
    index_oracle: IIndexOracle,
    margin_model: IMarginModel,
    discount_min_ppm: uint256,
    discount_max_ppm: uint256,
):
    """
    @param discount_min_ppm discount while the debt is small beside the collateral
    @param discount_max_ppm discount where the debt is as large as the collateral; at most 1e5
    """
    assert discount_min_ppm <= discount_max_ppm and discount_max_ppm <= MAX_DISCOUNT, "converter: discount"
    CLEARINGHOUSE = clearinghouse
    INDEX_ORACLE = index_oracle
    MARGIN_MODEL = margin_model
    DISCOUNT_MIN_PPM = discount_min_ppm
    DISCOUNT_MAX_PPM = discount_max_ppm


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def convert(
    account: uint256, token_id: uint256, amount: uint256, buyer: uint256, min_sold: uint256, max_paid: uint256
) -> (uint256, uint256):
    """
    @notice Buy collateral of an account whose settlement balance is below zero.
    @dev See ICollateralConverter.
    """
    assert account != buyer, "conversion: own account"
    assert bits._owner(buyer) == convert(msg.sender, uint256), "account: not yours"
    assert amount != 0, "amount: zero"
    found: Conversion = self._calculate(self._examine(account), token_id, amount)
    self._check_possible(found)
    assert found.amount >= min_sold and found.cash <= max_paid, "conversion: over limit"
    self._execute(account, token_id, buyer, found.amount, found.cash)
    self._check_buyer(buyer)
    log ICollateralConverter.Converted(
        account=account,
        buyer=buyer,
        token_id=token_id,
        sold=found.amount,
        paid=found.cash,
        discount=found.discount,
    )
    return found.amount, found.cash


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def plan_conversion(account: uint256, token_id: uint256) -> (int256, uint256, uint256, uint256):
    """
    @notice Settlement balance, discount, native units and cash of the largest conversion now; zeros for none.
    @dev See ICollateralConverter.
    """
    found: Conversion = self._calculate(self._foresee(account), token_id, max_value(uint256))
    if found.amount == 0:
        return 0, 0, 0, 0
    return found.balance, found.discount, found.amount, found.cash


# ---------------------------------------------------------------
#                     INTERNAL: CALCULATION
# ---------------------------------------------------------------


@internal
def _examine(account: uint256) -> Situation:
    """
    @notice An account at refreshed prices.
    @dev A refresh of collateral brings the settlement token along; asked for with it, that would not fit the list of
         the largest account. Without collateral nothing is sold, and its word does not matter.
    """
    seen: Situation = empty(Situation)
    word: uint256 = 0
    word, seen.base, seen.legs = staticcall CLEARINGHOUSE.portfolio(account)
    seen.prices = extcall INDEX_ORACLE.refresh(words._account_bitmap(word))
    settlement: uint256 = staticcall INDEX_ORACLE.price_word(SETTLEMENT_ID)
    seen.settlement = self._at_most_par(settlement)
    return seen


@internal
@view
def _foresee(account: uint256) -> Situation:
    """
    @notice What `_examine` would find now: a view may not refresh.
    """
    seen: Situation = empty(Situation)
    word: uint256 = 0
    word, seen.base, seen.legs = staticcall CLEARINGHOUSE.portfolio(account)
    seen.prices = staticcall INDEX_ORACLE.prices(words._account_bitmap(word))
    settlement: DynArray[uint256, 24] = staticcall INDEX_ORACLE.prices(SETTLEMENT)
    seen.settlement = self._at_most_par(settlement[0])
    return seen


@internal
@pure
def _at_most_par(settlement: uint256) -> uint256:
    """
    @notice WAD dollars that a settlement token is worth, at most one; one while it has no feeds.
    @dev Where its price is not usable no collateral's is, and nothing is sold.
    @param settlement its price word
    """
    price: uint256 = words._price_price(settlement)
    return WAD if price == 0 else min(price, WAD)


@internal
@view
def _calculate(seen: Situation, token_id: uint256, wanted: uint256) -> Conversion:
    """
    @notice The conversion of at most `wanted` native units; amount 0 where nothing can be converted.
    """
    found: Conversion = empty(Conversion)
    found.balance = self._settlement_balance(seen)
    if found.balance >= 0:
        return found
    holding: Holding = self._holding(seen, token_id)
    if holding.tokens == 0:
        return found
    found.held = unsafe_div(holding.tokens, holding.unit)
    found.usable = holding.price != 0
    if not found.usable:
        return found
    owed: uint256 = convert(-found.balance, uint256)
    found.discount = self._discount(owed, holding.worth, self._haircut(token_id))
    terms: Terms = self._terms(holding, found.discount)
    if terms.held == 0:
        return found
    found.amount = min(min(wanted, found.held), self._covering(terms, owed))
    found.cash = self._cash(terms, found.amount)
    return found


@internal
@view
def _settlement_balance(seen: Situation) -> int256:
    """
    @notice B: equity at the index of the market legs alone.
    @dev Cash is part of the base and margin is not asked for, so the account word does not matter.
    """
    legs: DynArray[uint256, 24] = []
    prices: DynArray[uint256, 24] = []
    for leg: uint256 in seen.legs:
        if words._leg_id(leg) >= COLLATERAL_IDS:
            break
        prices.append(seen.prices[len(legs)])
        legs.append(leg)
    balance: int256 = 0
    maintenance: uint256 = 0
    favourable: int256 = 0
    favourable_maintenance: uint256 = 0
    planned: DynArray[uint256, 16] = []
    balance, maintenance, favourable, favourable_maintenance, planned = staticcall MARGIN_MODEL.plan(
        0, seen.base, legs, prices
    )
    return balance


@internal
@view
def _holding(seen: Situation, token_id: uint256) -> Holding:
    """
    @notice What the account holds of a token, and what all its collateral is worth in settlement tokens (rounded
            up); a token without a usable price is worth nothing.
    """
    holding: Holding = empty(Holding)
    index: uint256 = 0
    for leg: uint256 in seen.legs:
        id: uint256 = words._leg_id(leg)
        price_word: uint256 = seen.prices[index]
        index = unsafe_add(index, 1)
        if id < COLLATERAL_IDS:
            continue
        tokens: uint256 = convert(words._leg_size(leg), uint256)
        price: uint256 = words._price_price(price_word)
        if words._price_half_width(price_word) == UNUSABLE:
            price = 0
        # From margin's price to that of a sale.
        price = fixed_math._mul_div_up(price, WAD, seen.settlement)
        holding.worth += fixed_math._mul_div_up(tokens, price, WAD)
        # An id is at least 128 and fits eight bits.
        if unsafe_sub(id, COLLATERAL_IDS - 1) == token_id:
            holding.tokens = tokens
            holding.price = price
    if holding.tokens != 0:
        token: uint256 = staticcall CLEARINGHOUSE.token_word(token_id)
        # A listed token has at most 18 decimals.
        holding.unit = 10 ** unsafe_sub(MAX_TOKEN_DECIMALS, words._token_decimals(token))
    return holding


@internal
@view
def _haircut(token_id: uint256) -> uint256:
    """
    @notice What of the token's price does not count for maintenance margin, however little of it there is.
    """
    initial: uint256 = 0
    maintenance: uint256 = 0
    depth: uint256 = 0
    initial, maintenance, depth = staticcall MARGIN_MODEL.weights_at(token_id, block.timestamp)
    return PPM - maintenance


@internal
@view
def _discount(owed: uint256, worth: uint256, haircut: uint256) -> uint256:
    """
    @notice Linear in debt / worth of all collateral, from the least discount at 0 to the largest at 1, rounded down;
            never more than the haircut.
    """
    span: uint256 = unsafe_sub(DISCOUNT_MAX_PPM, DISCOUNT_MIN_PPM)
    rise: uint256 = min(span, fixed_math._mul_div_down(span, owed, worth))
    # Both are at most MAX_DISCOUNT.
    return min(unsafe_add(DISCOUNT_MIN_PPM, rise), haircut)


@internal
@view
def _terms(holding: Holding, discount: uint256) -> Terms:
    """
    @notice The price of a token in cash; `held` 0 where cash is worth nothing.
    """
    terms: Terms = Terms(
        # A discount is at most MAX_DISCOUNT.
        price=holding.price, unit=holding.unit, paid_ppm=unsafe_sub(PPM, discount), claims=1, held=1
    )
    held: uint256 = 0
    book: int256 = 0
    deferred: uint256 = 0
    held, book, deferred = staticcall CLEARINGHOUSE.totals()
    if deferred != 0:
        terms.claims = held + deferred
        terms.held = held
    return terms


@internal
@pure
def _cash(terms: Terms, amount: uint256) -> uint256:
    """
    @notice Cash for native units: their worth in settlement tokens, less the discount, by the exit ratio; each rounded
            up.
    @dev The first rounding covers the one of the equity's collateral, so that equity does not fall by a wei.
    """
    worth: uint256 = fixed_math._mul_div_up(amount * terms.unit, terms.price, WAD)
    discounted: uint256 = fixed_math._ppm_up(worth, terms.paid_ppm)
    return fixed_math._mul_div_up(discounted, terms.claims, terms.held)


@internal
@pure
def _covering(terms: Terms, owed: uint256) -> uint256:
    """
    @notice The least native units whose cash is not below a debt > 0: `_cash` step by step backwards.
    """
    discounted: uint256 = self._least(owed, terms.claims, terms.held)
    worth: uint256 = self._least(discounted, terms.paid_ppm, PPM)
    return self._least(worth, terms.unit * terms.price, WAD)


@internal
@pure
def _least(goal: uint256, a: uint256, b: uint256) -> uint256:
    """
    @notice The least x with ceil(x * a / b) >= goal, for goal, a and b > 0: x * a must exceed (goal - 1) * b.
    """
    return fixed_math._mul_div_down(goal - 1, b, a) + 1


# ---------------------------------------------------------------
#                      INTERNAL: EXECUTION
# ---------------------------------------------------------------


@internal
@pure
def _check_possible(found: Conversion):
    """
    @notice Refuse what `_calculate` has found nothing for.
    """
    assert found.balance < 0, "conversion: balance covered"
    assert found.held != 0, "conversion: not held"
    assert found.usable, "conversion: price stale"
    # Nothing is left in custody that cash could be paid with.
    assert found.amount != 0, "custody: till short"


@internal
def _execute(account: uint256, token_id: uint256, buyer: uint256, amount: uint256, cash: uint256):
    """
    @notice Cash to the account, native units to the buyer.
    """
    extcall CLEARINGHOUSE.pay(buyer, account, 0, cash)
    moved: uint256 = extcall CLEARINGHOUSE.pay(account, buyer, token_id, amount)
    assert moved == amount


@internal
def _check_buyer(buyer: uint256):
    """
    @notice The buyer is at or above initial margin where it has legs, and its cash is not below zero.
    @dev A change of nothing in a market that it holds makes the Clearinghouse run its gate. The gate settles what that
         leg still owes, which may cost the last cash: cash is looked at afterwards.
    """
    word: uint256 = staticcall CLEARINGHOUSE.account_word(buyer)
    markets: uint256 = words._account_markets(word)
    if markets != 0:
        gate: IClearinghouse.Change = IClearinghouse.Change(
            account=buyer, size=0, money=0, fee=0, gate=GATE_INITIAL
        )
        extcall CLEARINGHOUSE.trade(bits._lowest(markets), [gate])
        word = staticcall CLEARINGHOUSE.account_word(buyer)
    assert words._account_cash(word) >= 0, "conversion: buyer's cash"
