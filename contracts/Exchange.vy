# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Exchange
@notice EIP-712 limit orders, matched in batches and settled through the Clearinghouse in one `trade`.
@dev The Exchange holds no money and no positions: it proves that each party agreed to a price, and the
     Clearinghouse decides whether each party can bear it. Orders that take liquidated legs over are proved here, too.
     Sizes, prices and money are WAD, fees and bands parts per million.
@custom:kill Taking the TRADE right away at the Clearinghouse stops all matching; cancelling goes on.
@custom:security Trusts the Clearinghouse and the index oracle, both fixed at deployment. Fills are stored
                 before the trade, so a repeated order finds nothing left. The chain id is read at each
                 match: after a fork a signature serves on one chain only.
"""

# ---------------------------------------------------------------
#                           INTERFACES
# ---------------------------------------------------------------

from interfaces import IClearinghouse
from interfaces import IExchange
implements: IExchange
from interfaces import IIndexOracle

# ---------------------------------------------------------------
#                            MODULES
# ---------------------------------------------------------------

# Who may set fees.
from snekmate.auth import ownable
initializes: ownable
from snekmate.auth import ownable_2step
initializes: ownable_2step[ownable := ownable]
# Domain separator, cached as an immutable and rebuilt after a fork.
from snekmate.utils import eip712_domain_separator
initializes: eip712_domain_separator
# Digest and signer of an order.
from contracts.modules import order_hash
# What an order is and what a fill does to its maker.
from contracts.modules import order_rules
# Price and leg words.
from contracts.modules import words

# ---------------------------------------------------------------
#                            EXPORTS
# ---------------------------------------------------------------

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    eip712_domain_separator.eip712Domain,
)

# ---------------------------------------------------------------
#                           CONSTANTS
# ---------------------------------------------------------------

WAD: constant(uint256) = 10**18
PPM: constant(uint256) = 10**6
# On this grid size * price is a whole number of wei.
LOT: constant(uint256) = 10**12
MAX_MARKET: constant(uint256) = 127
MAX_FEE: constant(uint256) = 10_000
MIN_BAND: constant(uint256) = 1_000
MAX_BAND: constant(uint256) = 100_000
UNUSABLE: constant(uint256) = 65_535
CANCELLED: constant(uint256) = max_value(uint256)
MARGIN_RULE: constant(uint256) = 1
# A right at the Clearinghouse, of modules that close accounts.
WATERFALL: constant(uint256) = 16
MAX_ORDERS: constant(uint256) = 20
# Bound of `trade` and of the words that oracle and portfolio return.
MAX_CHANGES: constant(uint256) = 22
MAX_WORDS: constant(uint256) = 24
# The largest prime below 256: residues spread over owners and sub-accounts alike.
RESIDUES: constant(uint256) = 251

# ---------------------------------------------------------------
#                           IMMUTABLES
# ---------------------------------------------------------------

CLEARINGHOUSE: public(immutable(IClearinghouse))
INDEX_ORACLE: public(immutable(IIndexOracle))

# ---------------------------------------------------------------
#                            STORAGE
# ---------------------------------------------------------------

filled: public(HashMap[bytes32, uint256])
min_salt: public(HashMap[uint256, uint256])
_fee_words: HashMap[uint256, uint256]

# ---------------------------------------------------------------
#                          CONSTRUCTOR
# ---------------------------------------------------------------


@deploy
def __init__(clearinghouse: address, index_oracle: address, owner: address):
    """
    @param clearinghouse where matches settle
    @param index_oracle where the band's index comes from
    @param owner who may set fees and bands
    """
    assert clearinghouse != empty(address)
    assert index_oracle != empty(address)
    assert owner != empty(address)
    ownable.__init__()
    ownable_2step.__init__()
    ownable_2step._transfer_ownership(owner)
    eip712_domain_separator.__init__("Seawall", "1")
    CLEARINGHOUSE = IClearinghouse(clearinghouse)
    INDEX_ORACLE = IIndexOracle(index_oracle)


# ---------------------------------------------------------------
#                         USER ACTIONS
# ---------------------------------------------------------------


@external
def match(
    taker: IExchange.SignedOrder, makers: DynArray[IExchange.SignedOrder, MAX_ORDERS]
) -> uint256:
    """
    @notice Fill the taker's order against makers' resting orders, each at the maker's limit price.
    @dev See IExchange for which orders are skipped and which revert the match. Fees round up, at each of a
         maker's fills and once for the taker. A maker's money rounds toward minus infinity and the taker
         receives the exact negative of the sum: sizes and money sum to zero off the grid too.
    @param taker the order that takes; with an empty signature the caller must be allowed to act for it
    @param makers the orders that are taken, in the order to fill them
    @return The size filled (WAD, absolute).
    """
    market_id: uint256 = taker.order.market_id
    buying: bool = taker.order.size > 0
    domain: bytes32 = eip712_domain_separator._domain_separator_v4()
    # A direct taker has no order that could be looked up, stored or told about.
    direct: bool = len(taker.signature) == 0
    digest: bytes32 = empty(bytes32)
    left: uint256 = 0
    maker_fee: uint256 = 0
    taker_fee: uint256 = 0
    lowest: uint256 = 0
    highest: uint256 = 0
    order_rules._check_form(taker.order)
    assert not taker.order.post_only, "order: post only"
    if direct:
        left = self._check_direct(taker.order)
    else:
        digest = order_hash._digest(domain, taker.order)
        left = self._check_signed(taker, digest)
    maker_fee, taker_fee, lowest, highest = self._terms(market_id)
    # How much may be filled before a reduce-only position is closed.
    room: uint256 = max_value(uint256)
    if taker.order.reduce_only:
        position: int256 = self._position(taker.order.account, market_id)
        room = order_rules._room(position, buying)
        assert room != 0, "order: reduce only"

    changes: DynArray[IClearinghouse.Change, MAX_CHANGES] = []
    reason: String[32] = "order: nothing filled"
    total: uint256 = 0
    product: uint256 = 0
    money: int256 = 0
    seen: uint256 = 0
    for maker: IExchange.SignedOrder in makers:
        open: uint256 = min(left, room)
        if open == 0:
            break
        order_rules._check_pair(taker.order, maker.order)
        maker_digest: bytes32 = order_hash._digest(domain, maker.order)
        offered: uint256 = 0
        refusal: String[32] = ""
        offered, refusal = self._offered(maker, maker_digest, lowest, highest)
        if offered == 0:
            reason = refusal
            continue
        # One change per account, however many of its orders are filled: one margin check.
        account: uint256 = maker.order.account
        party: uint256 = len(changes)
        # A bitmap as bits._lowest reads it: a clear bit spares most accounts the search.
        mark: uint256 = 1 << (account % RESIDUES)
        if seen & mark != 0:  # bits._has
            party = order_rules._party(changes, account)
        seen |= mark  # bits._has
        maker_room: uint256 = max_value(uint256)
        if maker.order.reduce_only:
            held: int256 = self._position(account, market_id)
            # The Clearinghouse has not seen this match's earlier fills yet.
            if party != len(changes):
                held += changes[party].size
            maker_room = order_rules._room(held, not buying)
            if maker_room == 0:
                reason = "order: reduce only"
                continue
        fill: uint256 = min(open, min(offered, maker_room))
        # Off the lot only what closes a position, so that untouched markets stay exact to the wei.
        if fill != room and fill != maker_room:
            fill -= fill % LOT
        if fill == 0:
            continue
        left -= fill
        if taker.order.reduce_only:
            room -= fill
        total += fill
        # In range: fill < 2**111, price < 2**97 (the band of a uint96 index), 20 makers.
        product += fill * maker.order.limit_price
        change: IClearinghouse.Change = order_rules._maker_change(maker.order, fill, maker_fee)
        money -= change.money
        self._record(maker_digest, market_id, change, maker.order.limit_price, fill)
        if party == len(changes):
            changes.append(change)
        else:
            changes[party].size += change.size
            changes[party].money += change.money
            changes[party].fee += change.fee

    assert total != 0, reason
    size: int256 = convert(total, int256)
    own: IClearinghouse.Change = IClearinghouse.Change(
        account=taker.order.account,
        size=size if buying else -size,
        money=money,
        fee=order_rules._fee(product, taker_fee),
        gate=MARGIN_RULE,
    )
    changes.append(own)
    if not direct:
        self._record(digest, market_id, own, product // total, total)
    extcall CLEARINGHOUSE.trade(market_id, changes)
    return total


@external
def take(
    account: uint256,
    market_id: uint256,
    size: int256,
    index: uint256,
    makers: DynArray[IExchange.SignedOrder, MAX_ORDERS],
) -> (DynArray[IClearinghouse.Change, MAX_CHANGES], int256, uint256):
    """
    @notice Record fills of resting orders that take a liquidated leg over whole. See IExchange.
    @dev What an order may fill is decided as in `match`; who calls trades. Twice the loop, so that makers stay in
         calldata: a match would pay for their copies.
    """
    rights: uint256 = staticcall CLEARINGHOUSE.modules(msg.sender)
    assert rights & WATERFALL != 0, "module: no right"  # a right as bits._has reads it
    domain: bytes32 = eip712_domain_separator._domain_separator_v4()
    buying: bool = size > 0
    taker: IExchange.Order = empty(IExchange.Order)
    taker.account = account
    taker.market_id = market_id
    taker.size = size
    # Any price within the band: who calls judges what they concede.
    if buying:
        taker.limit_price = max_value(uint256)
    maker_fee: uint256 = 0
    taker_fee: uint256 = 0
    lowest: uint256 = 0
    highest: uint256 = 0
    maker_fee, taker_fee, lowest, highest = self._terms(market_id)
    changes: DynArray[IClearinghouse.Change, MAX_CHANGES] = []
    reason: String[32] = "order: not filled"
    left: uint256 = convert(abs(size), uint256)
    money: int256 = 0
    conceded: uint256 = 0
    for maker: IExchange.SignedOrder in makers:
        if left == 0:
            break
        order_rules._check_pair(taker, maker.order)
        digest: bytes32 = order_hash._digest(domain, maker.order)
        offered: uint256 = 0
        refusal: String[32] = ""
        offered, refusal = self._offered(maker, digest, lowest, highest)
        if offered == 0:
            reason = refusal
            continue
        party: uint256 = order_rules._party(changes, maker.order.account)
        room: uint256 = max_value(uint256)
        if maker.order.reduce_only:
            held: int256 = self._position(maker.order.account, market_id)
            # The Clearinghouse has not seen the slice's earlier fills yet.
            if party != len(changes):
                held += changes[party].size
            room = order_rules._room(held, not buying)
            if room == 0:
                reason = "order: reduce only"
                continue
        fill: uint256 = min(left, min(offered, room))
        # What is left of a slice off the lot closes its leg.
        if fill != left and fill != room:
            fill -= fill % LOT
        if fill == 0:
            continue
        left -= fill
        conceded += order_rules._conceded(index, maker.order.limit_price, fill, buying)
        change: IClearinghouse.Change = order_rules._maker_change(maker.order, fill, maker_fee)
        money += change.money
        self._record(digest, market_id, change, maker.order.limit_price, fill)
        if party == len(changes):
            changes.append(change)
        else:
            changes[party].size += change.size
            changes[party].money += change.money
            changes[party].fee += change.fee
    assert left == 0, reason
    return changes, money, unsafe_div(conceded + (WAD - 1), WAD)


@external
def cancel(orders: DynArray[IExchange.Order, MAX_ORDERS]):
    """
    @notice Make signed orders unfillable. Owner or operator of each order's account.
    @dev An order that is cancelled already stays so, without an event.
    @param orders the orders, of any accounts that the caller may act for
    """
    domain: bytes32 = eip712_domain_separator._domain_separator_v4()
    for order: IExchange.Order in orders:
        # Size 0: an operator's size cap does not bind what only takes orders away.
        self._check_actor(order.account, msg.sender, order.market_id, 0)
        digest: bytes32 = order_hash._digest(domain, order)
        if self.filled[digest] != CANCELLED:
            self.filled[digest] = CANCELLED
            log IExchange.OrderCancelled(digest=digest, account=order.account)


@external
def cancel_below(account: uint256, salt: uint256):
    """
    @notice Make all of the account's orders with a salt below this one unfillable.
    @dev Owner only: the salt never falls again, so an operator could shut the account out for good.
    @param account the margin account
    @param salt the lowest salt that stays fillable; above the present one
    """
    assert convert(account >> 96, address) == msg.sender, "account: not yours"  # words.account_id
    assert salt > self.min_salt[account], "salt: not above"
    self.min_salt[account] = salt
    log IExchange.SaltRaised(account=account, salt=salt)


# ---------------------------------------------------------------
#                             ADMIN
# ---------------------------------------------------------------


@external
def set_fees(market_id: uint256, maker_fee: uint256, taker_fee: uint256, band: uint256):
    """
    @notice Fees and price band of a market. Owner only. The first call opens the market here.
    @dev Fees up to 1 %, band from 0.1 % to 10 %: the ceilings are constants.
    @param market_id 1 to 127
    @param maker_fee parts per million of size * price
    @param taker_fee parts per million of size * price
    @param band parts per million of the index that a price may lie away from it
    """
    ownable._check_owner()
    assert market_id != 0 and market_id <= MAX_MARKET, "order: market"
    assert maker_fee <= MAX_FEE and taker_fee <= MAX_FEE, "fees: above ceiling"
    assert band >= MIN_BAND and band <= MAX_BAND, "fees: band"
    old_word: uint256 = self._fee_words[market_id]
    # Fields as in words._weight, one more: maker fee uint32 | taker fee uint32 | band uint32.
    new_word: uint256 = (maker_fee << 64) | (taker_fee << 32) | band
    self._fee_words[market_id] = new_word
    log IExchange.FeesSet(market_id=market_id, old_word=old_word, new_word=new_word)


# ---------------------------------------------------------------
#                             VIEWS
# ---------------------------------------------------------------


@external
@view
def fees(market_id: uint256) -> (uint256, uint256, uint256):
    """
    @notice Maker fee, taker fee and price band of a market (parts per million); band 0: not open here.
    @param market_id 1 to 127
    @return Maker fee, taker fee, band.
    """
    return self._fees(market_id)


@external
@view
def order_digest(order: IExchange.Order) -> bytes32:
    """
    @notice The EIP-712 digest that the order's owner signs.
    @param order any order, valid or not
    @return The digest on the present chain.
    """
    domain: bytes32 = eip712_domain_separator._domain_separator_v4()
    return order_hash._digest(domain, order)


# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _check_direct(order: IExchange.Order) -> uint256:
    """
    @notice The size of an order that its sender takes with at once; salts and fills are of signed orders.
    """
    assert block.timestamp <= order.expiry, "order: expired"
    self._check_actor(order.account, msg.sender, order.market_id, order.size)
    return convert(abs(order.size), uint256)


@internal
@view
def _check_signed(taker: IExchange.SignedOrder, digest: bytes32) -> uint256:
    """
    @notice What is open of a signed taker's order; reverts when it may not be filled.
    """
    left: uint256 = 0
    refusal: String[32] = ""
    left, refusal = self._open_size(taker.order, self.filled[digest])
    assert left != 0, refusal
    self._check_signature(taker.order, digest, taker.signature)
    return left


@internal
@view
def _offered(
    maker: IExchange.SignedOrder, digest: bytes32, lowest: uint256, highest: uint256
) -> (uint256, String[32]):
    """
    @notice What is open of a maker's order, or 0 and what has changed since the batch was composed.
    """
    if maker.order.limit_price < lowest or maker.order.limit_price > highest:
        return 0, "order: band"
    left: uint256 = 0
    refusal: String[32] = ""
    left, refusal = self._open_size(maker.order, self.filled[digest])
    if left != 0:
        self._check_signature(maker.order, digest, maker.signature)
    return left, refusal


@internal
def _record(
    digest: bytes32, market_id: uint256, change: IClearinghouse.Change, price: uint256, fill: uint256
):
    """
    @notice Store and log what was filled of a signed order.
    """
    filled: uint256 = self.filled[digest] + fill
    self.filled[digest] = filled
    log IExchange.OrderFilled(
        digest=digest,
        account=change.account,
        market_id=market_id,
        size=change.size,
        price=price,
        fee=change.fee,
        filled=filled,
    )


@internal
@view
def _open_size(order: IExchange.Order, stored: uint256) -> (uint256, String[32]):
    """
    @notice What is left of a well-formed order, or 0 and why.
    @param stored the order's entry in `filled`
    """
    if block.timestamp > order.expiry:
        return 0, "order: expired"
    if order.salt < self.min_salt[order.account]:
        return 0, "order: salt"
    if stored == CANCELLED:
        return 0, "order: cancelled"
    return convert(abs(order.size), uint256) - stored, "order: filled"


@internal
@view
def _check_signature(order: IExchange.Order, digest: bytes32, signature: Bytes[65]):
    """
    @notice The owner or an operator of the order's account must have signed.
    """
    signer: address = order_hash._signer(digest, signature)
    # Also keeps accounts of owner 0, which stand for whole sides at the Clearinghouse, out of orders.
    assert signer != empty(address), "order: signature"
    if signer != convert(order.account >> 96, address):  # words.account_id
        allowed: bool = staticcall CLEARINGHOUSE.may_act(
            order.account, signer, order.market_id, order.size
        )
        assert allowed, "order: signature"


@internal
@view
def _check_actor(account: uint256, actor: address, market_id: uint256, size: int256):
    if actor != convert(account >> 96, address):  # words.account_id
        allowed: bool = staticcall CLEARINGHOUSE.may_act(account, actor, market_id, size)
        assert allowed, "account: not yours"


@internal
@view
def _fees(market_id: uint256) -> (uint256, uint256, uint256):
    word: uint256 = self._fee_words[market_id]
    # Fields as in words._weight, one more: maker fee uint32 | taker fee uint32 | band uint32.
    return word >> 64, (word >> 32) & words.U32, word & words.U32


@internal
def _terms(market_id: uint256) -> (uint256, uint256, uint256, uint256):
    """
    @notice Maker and taker fee, lowest and highest price of a fill: |price - index| <= band * index.
    """
    maker_fee: uint256 = 0
    taker_fee: uint256 = 0
    band: uint256 = 0
    maker_fee, taker_fee, band = self._fees(market_id)
    # A market that was never opened here has no fees and no band; ids beyond 127 cannot be opened.
    assert band != 0, "order: market"
    word: uint256 = staticcall INDEX_ORACLE.price_word(market_id)
    if words._price_refreshed_at(word) != block.timestamp:
        word = self._refresh(market_id)
    assert words._price_half_width(word) != UNUSABLE, "index: stale"
    index: uint256 = words._price_price(word)
    # Rounding: inwards, which is what the comparison of the exact products says. uint96 * 2**21: no overflow.
    inner: uint256 = unsafe_add(unsafe_mul(index, unsafe_sub(PPM, band)), PPM - 1)
    outer: uint256 = unsafe_mul(index, unsafe_add(PPM, band))
    return maker_fee, taker_fee, unsafe_div(inner, PPM), unsafe_div(outer, PPM)


@internal
def _refresh(market_id: uint256) -> uint256:
    # A bitmap of one id, as bits._lowest reads it.
    answer: DynArray[uint256, MAX_WORDS] = extcall INDEX_ORACLE.refresh(1 << market_id)
    return answer[0]


@internal
@view
def _position(account: uint256, market_id: uint256) -> int256:
    """
    @notice The size an account holds now. Asked of the Clearinghouse, which alone knows scales and epochs.
    """
    account_word: uint256 = 0
    base: int256 = 0
    legs: DynArray[uint256, MAX_WORDS] = []
    account_word, base, legs = staticcall CLEARINGHOUSE.portfolio(account)
    for leg: uint256 in legs:
        id: uint256 = words._leg_id(leg)
        if id == market_id:
            return words._leg_size(leg)
    return 0
