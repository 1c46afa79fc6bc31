# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Backstop
@notice Takes what liquidations close, market by market, out of capital of its own, and sells it by Dutch auction.
@dev `seawall/spec/backstop.py` and `seawall/spec/dutch_auction.py` are the same in Python. An auction only reduces a
     bucket's leg. Its discount is at most what the loss budget allows on the whole leg, so no sale takes a bucket
     below it, to rounding; and it is less by the index's half-width, so whoever knows better than a doubtful index
     gains nothing by it. What stands before a liquidation sells no dearer to who liquidates himself in the same
     transaction: the clock goes back in proportion to what is taken, see the specification.
     Terms of the auction are immutable: new ones come with a new Backstop, whose rights the timelock grants.
@custom:kill None: the owner of the Clearinghouse can revoke the rights of this contract; then nothing is sold.
@custom:security Holds the TRADE, WATERFALL and EXIT rights of the Clearinghouse, and uses the second to move a bucket's leg
                 without its gate and outside market terms, to a buyer who passes the gate. The owner sets terms of
                 buckets and can take no money; money leaves to the vault's savers only. The module that takes must hold
                 the WATERFALL right, too.
"""

# ---------------------------------------------------------------
#                          INTERFACES
# ---------------------------------------------------------------

from interfaces import IBackstop
implements: IBackstop
from interfaces import IClearinghouse
from interfaces import IIndexOracle
from interfaces import IMarginModel

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

from snekmate.auth import ownable  # base of ownable_2step
initializes: ownable
from snekmate.auth import ownable_2step  # the timelock accepts its role in a second step
initializes: ownable_2step[ownable := ownable]

from contracts.modules import bits  # owners of accounts
from contracts.modules import buckets  # accounts, capital, room, worth
initializes: buckets
from contracts.modules import dutch_auction  # discounts by the second
from contracts.modules import fixed_math  # written roundings
from contracts.modules import risk_words  # layout of plans
from contracts.modules import words  # storage layout

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    buckets.CLEARINGHOUSE,
    buckets.INDEX_ORACLE,
    buckets.MARGIN_MODEL,
    buckets.bucket_word,
    buckets.open_buckets,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

# Verb right at the Clearinghouse.
WATERFALL: constant(uint256) = 16

SETTLEMENT: constant(uint256) = 0

GATE_NONE: constant(uint256) = 0
GATE_INITIAL: constant(uint256) = 2

PPM: constant(uint256) = 10**6
WAD: constant(uint256) = 10**18
LOT: constant(uint256) = 10**12
# Parts per million in a unit of a half-width.
WIDTH_PPM: constant(uint256) = 10

# ---------------------------------------------------------------
#                          IMMUTABLES
# ---------------------------------------------------------------

PREMIUM_PPM: public(immutable(uint256))
DISCOUNT_PPM: public(immutable(uint256))
DURATION_SECONDS: public(immutable(uint256))
VAULT: public(immutable(address))

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(
    clearinghouse: IClearinghouse,
    index_oracle: IIndexOracle,
    margin_model: IMarginModel,
    vault: address,
    premium_ppm: uint256,
    discount_ppm: uint256,
    duration_seconds: uint256,
    owner: address,
):
    """
    @param vault whose savers own all of it; may have no code yet
    @param premium_ppm in the bucket's favour at an auction's start, at most 1e5
    @param discount_ppm in the buyer's favour at its end, at most 1e5
    @param duration_seconds from start to end, from a minute to a week
    @param owner who sets terms of buckets
    """
    ownable.__init__()
    ownable_2step.__init__()
    assert owner != empty(address), "backstop: no owner"
    ownable._transfer_ownership(owner)
    buckets.__init__(clearinghouse, index_oracle, margin_model)
    dutch_auction._check_terms(
        dutch_auction.Terms(premium=premium_ppm, discount=discount_ppm, duration=duration_seconds)
    )
    PREMIUM_PPM = premium_ppm
    DISCOUNT_PPM = discount_ppm
    DURATION_SECONDS = duration_seconds
    VAULT = vault


# ---------------------------------------------------------------
#                        KEEPER ACTIONS
# ---------------------------------------------------------------


@external
def allot(market_id: uint256) -> uint256:
    """
    @notice Bring a bucket's equity up to its capital, out of what is not allotted.
    @dev See IBackstop.
    """
    return buckets._allot(market_id)


@external
def release(market_id: uint256) -> uint256:
    """
    @notice Take back what a bucket has beyond its capital, as far as its margin allows.
    @dev See IBackstop.
    """
    return buckets._release(market_id)


@external
def buy(account: uint256, market_id: uint256, size: int256, limit_price: uint256) -> int256:
    """
    @notice Take over a part of a bucket's leg at the auction's price.
    @dev See IBackstop.
    """
    assert size != 0, "amount: zero"
    bucket: words.Bucket = buckets._bucket(market_id)
    price_word: uint256 = buckets._refresh(market_id)
    standing: buckets.Standing = buckets._standing(market_id, price_word)
    for_sale: bool = (standing.held > 0 and size > 0) or (standing.held < 0 and size < 0)
    assert for_sale, "auction: nothing for sale"
    assert risk_words._plan_usable(standing.planned), "auction: price stale"
    bought: int256 = self._sold(market_id, size, standing.held, words._price_price(price_word))
    self._check_buyer(account, market_id, bought)
    price: uint256 = 0
    discount: int256 = 0
    price, discount = self._offered(bucket, standing, price_word)
    within: bool = price <= limit_price
    if size < 0:
        within = price >= limit_price
    assert within, "auction: over limit"
    self._turn_clock(market_id, standing.held, -bought)
    self._hand_over(account, market_id, bought, price)
    log IBackstop.Bought(account=account, market_id=market_id, size=bought, price=price, discount=discount)
    return bought


# ---------------------------------------------------------------
#                        MODULE ACTIONS
# ---------------------------------------------------------------


@external
def take(market_id: uint256, size: int256, price: uint256) -> int256:
    """
    @notice `room`, for a module that hands over just so much in the same transaction.
    @dev See IBackstop.
    """
    rights: uint256 = staticcall buckets.CLEARINGHOUSE.modules(msg.sender)
    assert rights & WATERFALL != 0, "module: no right"  # words.py numbers the rights
    taken: int256 = 0
    held: int256 = 0
    taken, held = buckets._room(market_id, size, price)
    if taken != 0:
        self._turn_clock(market_id, held, taken)
    return taken


@external
def withdraw(account: uint256, token_id: uint256, amount: uint256, receiver: address) -> (uint256, uint256):
    """
    @notice Pay savers out of what is not allotted and then out of buckets. The vault only.
    @dev See IBackstop.
    """
    assert msg.sender == VAULT, "backstop: not the vault"
    token: uint256 = staticcall buckets.CLEARINGHOUSE.token_word(SETTLEMENT)
    # A listed token has at most 18 decimals.
    scale: uint256 = 10 ** unsafe_sub(18, words._token_decimals(token))
    buckets._gather(amount * scale)
    return extcall buckets.CLEARINGHOUSE.withdraw(account, token_id, amount, receiver)


# ---------------------------------------------------------------
#                             ADMIN
# ---------------------------------------------------------------


@external
def set_bucket(market_id: uint256, capital: uint256, max_notional: uint256, loss_budget: uint256, initial: uint256):
    """
    @notice Open the bucket of a market or change its terms. Owner only.
    @dev See IBackstop.
    """
    ownable._check_owner()
    buckets._set(market_id, capital, max_notional, loss_budget, initial)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def room(market_id: uint256, size: int256, price: uint256) -> int256:
    """
    @notice What of a size the bucket takes at an index price now. Never reverts.
    @dev See IBackstop.
    """
    return buckets._room(market_id, size, price)[0]


@external
@view
def offer(market_id: uint256) -> (int256, uint256, int256):
    """
    @notice What `buy` sells now: signed size, price, discount; zeros for nothing.
    @dev See IBackstop.
    """
    word: uint256 = buckets._buckets[market_id]
    bucket: words.Bucket = words._bucket_fields(word)
    if bucket.initial == 0:
        return 0, 0, 0
    prices: DynArray[uint256, 24] = staticcall buckets.INDEX_ORACLE.prices(1 << market_id)  # bits._bit
    standing: buckets.Standing = buckets._standing(market_id, prices[0])
    if standing.held == 0 or not risk_words._plan_usable(standing.planned):
        return 0, 0, 0
    price: uint256 = 0
    discount: int256 = 0
    price, discount = self._offered(bucket, standing, prices[0])
    return standing.held, price, discount


@external
@view
def exit_room() -> uint256:
    """
    @notice What `withdraw` can pay now.
    @dev See IBackstop.
    """
    return buckets._exit_room()


@external
@view
def nav() -> (uint256, uint256):
    """
    @notice Worth of all buckets and of what is not allotted at adverse and at favourable ends.
    @dev See IBackstop.
    """
    return buckets._nav()


# ---------------------------------------------------------------
#                           INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _check_buyer(account: uint256, market_id: uint256, size: int256):
    """
    @notice The caller owns the account or may trade for it.
    """
    if bits._owner(account) != convert(msg.sender, uint256):
        allowed: bool = staticcall buckets.CLEARINGHOUSE.may_act(account, msg.sender, market_id, size)
        assert allowed, "account: not yours"


@internal
@view
def _sold(market_id: uint256, size: int256, held: int256, index: uint256) -> int256:
    """
    @notice At most the leg, down to a lot, and no less than the minimum notional unless it is all of the leg.
    @param size of the leg's sign
    """
    wanted: uint256 = fixed_math._abs(size)
    if wanted >= fixed_math._abs(held):
        return held
    lots: uint256 = wanted // LOT * LOT
    market: uint256[3] = staticcall buckets.CLEARINGHOUSE.market_words(market_id)
    minimum: uint256 = words._terms_min_notional(market[2])
    # Below a position of 2**113, at a price below 2**80; uint96 * 10**18.
    enough: bool = unsafe_mul(lots, index) >= unsafe_mul(minimum, WAD)
    assert lots != 0 and enough, "auction: below minimum"
    sold: int256 = convert(lots, int256)
    if size < 0:
        sold = unsafe_sub(0, sold)
    return sold


@internal
@view
def _offered(bucket: words.Bucket, standing: buckets.Standing, price_word: uint256) -> (uint256, int256):
    """
    @notice Price and discount of a leg now.
    """
    terms: dutch_auction.Terms = self._terms()
    discount: int256 = dutch_auction._discount(terms, dutch_auction._run(terms, bucket.clock))
    index: uint256 = words._price_price(price_word)
    left: uint256 = convert(max(0, standing.equity - buckets._floor(bucket)), uint256)
    # Equity is below 2**200, the notional of a leg with a usable price not 0.
    notional: uint256 = fixed_math._abs(standing.held) * index
    most: uint256 = fixed_math._mul_div_down(left, PPM * WAD, notional)
    # A discount is at most 1e5.
    discount = min(discount, convert(min(most, PPM), int256))
    width: uint256 = words._price_half_width(price_word) * WIDTH_PPM
    discount -= convert(width, int256)
    price: uint256 = dutch_auction._price(index, standing.held > 0, discount)
    return price, discount


@internal
@view
def _terms() -> dutch_auction.Terms:
    return dutch_auction.Terms(premium=PREMIUM_PPM, discount=DISCOUNT_PPM, duration=DURATION_SECONDS)


@internal
def _turn_clock(market_id: uint256, held: int256, change: int256):
    """
    @notice Turn the clock of a bucket whose leg is about to change.
    """
    bucket: words.Bucket = words._bucket_fields(buckets._buckets[market_id])
    bucket.clock = dutch_auction._clock_after(self._terms(), bucket.clock, held, held + change)
    buckets._buckets[market_id] = words._bucket(bucket)


@internal
def _hand_over(account: uint256, market_id: uint256, size: int256, price: uint256):
    """
    @notice Move a signed size from the bucket to a buyer at a price; a part of a wei is the bucket's.
    """
    money: int256 = fixed_math._wad_ceil(size * convert(price, int256))
    # Two parties: the bound of the call would cost memory.
    changes: DynArray[IClearinghouse.Change, 2] = [
        IClearinghouse.Change(
            account=buckets._account(market_id), size=-size, money=money, fee=0, gate=GATE_NONE
        ),
        IClearinghouse.Change(account=account, size=size, money=-money, fee=0, gate=GATE_INITIAL),
    ]
    extcall buckets.CLEARINGHOUSE.trade(market_id, changes)
