# pragma version ==0.4.3
"""
@title Packed words
@notice Every field of a packed word is read and written here (tools for plain bits stand in `bits.vy`). `seawall/spec/words.py` is the same layout; the array
        harness holds the two equal at each field's corners.
@dev Fields from the most significant bit:
     account   cash int112 | mode uint8 | collateral uint8 | markets uint128
     position  shares int112 | quote int112 | epoch uint32
     market    funding int96 | accrued_at uint32 | rate int64 | open_interest float30
               | touched_short | touched_long | epoch_long uint16 | epoch_short uint16
     shares    long uint128 | short uint128
     side      scale uint96 | charge int160
     terms     oi_cap uint103 | min_notional uint96 | unused 49 | mode uint8
     operator  until uint40 | max_size uint88 | markets uint128
     token     asset uint160 | decimals uint8 | limits uint88: outflow uint36 | cap uint52
     ticket    amount uint216 | ready_at uint40
     totals    held uint120 | book int128 | impaired uint8
     leg       id uint8 | open_interest uint104 | size int144
     price     price uint80 | updated_at uint32 | ema_ratio uint28 | half_width uint16
               | refreshed_at uint32 | volatility uint24 | sample_ratio uint28 | flags uint2 | sample_age uint14
     bucket    capital uint34 | max_notional uint34 | loss_budget uint34 | initial uint20 | allotted uint94
               | clock uint40
     A packer reverts when a field is out of range, so a word never corrupts its neighbour: unsigned fields by an
     assertion, signed ones by narrowing. Two's complement is read and written by way of bytes32, which costs nothing.
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

U8: constant(uint256) = 2**8 - 1
U14: constant(uint256) = 2**14 - 1
U16: constant(uint256) = 2**16 - 1
U20: constant(uint256) = 2**20 - 1
U24: constant(uint256) = 2**24 - 1
U28: constant(uint256) = 2**28 - 1
U30: constant(uint256) = 2**30 - 1
U32: constant(uint256) = 2**32 - 1
U34: constant(uint256) = 2**34 - 1
U36: constant(uint256) = 2**36 - 1
U40: constant(uint256) = 2**40 - 1
U52: constant(uint256) = 2**52 - 1
U64: constant(uint256) = 2**64 - 1
U88: constant(uint256) = 2**88 - 1
U94: constant(uint256) = 2**94 - 1
U96: constant(uint256) = 2**96 - 1
U103: constant(uint256) = 2**103 - 1
U104: constant(uint256) = 2**104 - 1
U120: constant(uint256) = 2**120 - 1
U128: constant(uint256) = 2**128 - 1
U144: constant(uint256) = 2**144 - 1
U160: constant(uint256) = 2**160 - 1
U216: constant(uint256) = 2**216 - 1
# Of a price word: ema_ratio, volatility, sample_ratio, sample_age, and between the latter the flags.
MEMORY: constant(uint256) = (2**28 - 1) * 2**116 + 2**68 - 1
# Flags of a price word. An outage or a halt ended lately: no partial liquidation and no way out by value yet.
IN_GRACE: constant(uint256) = 2**15
# The market is being delisted at this price: no way out by value yet.
FIXED: constant(uint256) = 2**14


# Units: see seawall/spec/words.py.
struct Bucket:
    capital: uint256
    max_notional: uint256
    loss_budget: uint256
    initial: uint256
    allotted: uint256
    clock: uint256


# ---------------------------------------------------------------
#                           ACCOUNT
# ---------------------------------------------------------------


@internal
@pure
def _account(cash: int256, mode: uint256, bitmap: uint256) -> uint256:
    """
    @param bitmap collateral and market bitmaps, the low 136 bits
    """
    assert mode <= U8
    assert bitmap >> 136 == 0
    fits: int256 = convert(convert(cash, int112), int256)
    return (convert(convert(fits, bytes32), uint256) << 144) | (mode << 136) | bitmap


@internal
@pure
def _account_cash(word: uint256) -> int256:
    return convert(convert(word, bytes32), int256) >> 144


@internal
@pure
def _account_mode(word: uint256) -> uint256:
    return (word >> 136) & U8


@internal
@pure
def _account_bitmap(word: uint256) -> uint256:
    return word & (2**136 - 1)


@internal
@pure
def _account_markets(word: uint256) -> uint256:
    return word & U128


@internal
@pure
def _account_collateral(word: uint256) -> uint256:
    """
    @notice Bitmap of collateral tokens, token 1 in bit 0.
    """
    return (word >> 128) & U8


@internal
@pure
def _account_with_cash(word: uint256, cash: int256) -> uint256:
    fits: int256 = convert(convert(cash, int112), int256)
    return (word & U144) | (convert(convert(fits, bytes32), uint256) << 144)


# ---------------------------------------------------------------
#                           POSITION
# ---------------------------------------------------------------


@internal
@pure
def _position(shares: int256, quote: int256, epoch: uint256) -> uint256:
    assert epoch <= U32
    held: int256 = convert(convert(shares, int112), int256)
    paid: int256 = convert(convert(quote, int112), int256)
    # The upper shift drops the signs' copies.
    return (
        (convert(convert(held, bytes32), uint256) << 144) | ((convert(convert(paid, bytes32), uint256) << 144) >> 112) | epoch
    )


@internal
@pure
def _position_shares(word: uint256) -> int256:
    return convert(convert(word, bytes32), int256) >> 144


@internal
@pure
def _position_quote(word: uint256) -> int256:
    return convert(convert(word << 112, bytes32), int256) >> 144


@internal
@pure
def _position_epoch(word: uint256) -> uint256:
    return word & U32


# ---------------------------------------------------------------
#                            MARKET
# ---------------------------------------------------------------


@internal
@pure
def _market(funding: int256, accrued_at: uint256, rate: int256, tail: uint256) -> uint256:
    """
    @param tail the low 64 bits: open interest, touched flags, epochs
    """
    assert accrued_at <= U32
    assert tail <= U64
    index: int256 = convert(convert(funding, int96), int256)
    speed: int256 = convert(convert(rate, int64), int256)
    return (
        (convert(convert(index, bytes32), uint256) << 160)
        | (accrued_at << 128)
        | ((convert(convert(speed, bytes32), uint256) << 192) >> 128)
        | tail
    )


@internal
@pure
def _market_tail(open_interest: uint256, touched: uint256, epoch_long: uint256, epoch_short: uint256) -> uint256:
    """
    @param open_interest a float30
    @param touched sum of the numbers of the touched sides (1 long, 2 short)
    """
    assert open_interest <= U30
    assert touched <= 3
    assert epoch_long <= U16
    assert epoch_short <= U16
    return (open_interest << 34) | (touched << 32) | (epoch_long << 16) | epoch_short


@internal
@pure
def _market_funding(word: uint256) -> int256:
    return convert(convert(word, bytes32), int256) >> 160


@internal
@pure
def _market_accrued_at(word: uint256) -> uint256:
    return (word >> 128) & U32


@internal
@pure
def _market_rate(word: uint256) -> int256:
    return convert(convert(word << 128, bytes32), int256) >> 192


@internal
@pure
def _market_funding_at(word: uint256, time: uint256) -> int256:
    """
    @notice The funding index accrued to a time that is not before the last accrual.
    """
    elapsed: int256 = convert(time - ((word >> 128) & U32), int256)
    rate: int256 = convert(convert(word << 128, bytes32), int256) >> 192
    # int64 * uint32 and int96: no overflow.
    accrual: int256 = unsafe_mul(rate, elapsed)
    return unsafe_add(convert(convert(word, bytes32), int256) >> 160, accrual)


@internal
@pure
def _market_open_interest(word: uint256) -> uint256:
    return (word >> 34) & U30


@internal
@pure
def _market_touched(word: uint256, side: uint256) -> bool:
    """
    @param side 1 long, 2 short
    """
    return (word >> unsafe_add(31, side)) & 1 == 1


@internal
@pure
def _market_epoch(word: uint256, side: uint256) -> uint256:
    return (word >> (unsafe_sub(2, side) << 4)) & U16


# ---------------------------------------------------------------
#                        SHARES AND SIDE
# ---------------------------------------------------------------


@internal
@pure
def _shares(long: uint256, short: uint256) -> uint256:
    assert long <= U128
    assert short <= U128
    return (long << 128) | short


@internal
@pure
def _shares_of(word: uint256, side: uint256) -> uint256:
    """
    @param side 1 long, 2 short
    """
    return (word >> (unsafe_sub(2, side) << 7)) & U128


@internal
@pure
def _side(scale: uint256, charge: int256) -> uint256:
    assert scale <= U96
    fits: int256 = convert(convert(charge, int160), int256)
    return (scale << 160) | (convert(convert(fits, bytes32), uint256) & U160)


@internal
@pure
def _side_scale(word: uint256) -> uint256:
    return word >> 160


@internal
@pure
def _side_charge(word: uint256) -> int256:
    return convert(convert(word << 96, bytes32), int256) >> 96


# ---------------------------------------------------------------
#                  TERMS, OPERATOR, TOKEN, TOTALS
# ---------------------------------------------------------------


@internal
@pure
def _terms(oi_cap: uint256, min_notional: uint256, mode: uint256) -> uint256:
    assert oi_cap <= U103
    assert min_notional <= U96
    assert mode <= U8
    return (oi_cap << 153) | (min_notional << 57) | mode


@internal
@pure
def _terms_oi_cap(word: uint256) -> uint256:
    return word >> 153


@internal
@pure
def _terms_min_notional(word: uint256) -> uint256:
    return (word >> 57) & U96


@internal
@pure
def _terms_mode(word: uint256) -> uint256:
    return word & U8


@internal
@pure
def _operator(until: uint256, max_size: uint256, markets: uint256) -> uint256:
    assert until <= U40
    assert max_size <= U88
    assert markets <= U128
    return (until << 216) | (max_size << 128) | markets


@internal
@pure
def _operator_until(word: uint256) -> uint256:
    return word >> 216


@internal
@pure
def _operator_max_size(word: uint256) -> uint256:
    return (word >> 128) & U88


@internal
@pure
def _operator_markets(word: uint256) -> uint256:
    return word & U128


@internal
@pure
def _token(asset: address, decimals: uint256, limits: uint256) -> uint256:
    assert decimals <= U8
    assert limits <= U88
    return (convert(asset, uint256) << 96) | (decimals << 88) | limits


@internal
@pure
def _token_asset(word: uint256) -> address:
    return convert(word >> 96, address)


@internal
@pure
def _token_decimals(word: uint256) -> uint256:
    return (word >> 88) & U8


@internal
@pure
def _token_limits(word: uint256) -> uint256:
    return word & U88


@internal
@pure
def _token_outflow(word: uint256) -> uint256:
    return (word >> 52) & U36


@internal
@pure
def _token_cap(word: uint256) -> uint256:
    return word & U52


@internal
@pure
def _ticket(amount: uint256, ready_at: uint256) -> uint256:
    assert amount <= U216
    assert ready_at <= U40
    return (amount << 40) | ready_at


@internal
@pure
def _ticket_amount(word: uint256) -> uint256:
    return word >> 40


@internal
@pure
def _ticket_ready_at(word: uint256) -> uint256:
    return word & U40


@internal
@pure
def _totals(held: uint256, book: int256, impaired: uint256) -> uint256:
    assert held <= U120
    assert impaired <= 1
    fits: int256 = convert(convert(book, int128), int256)
    return (held << 136) | ((convert(convert(fits, bytes32), uint256) & U128) << 8) | impaired


@internal
@pure
def _totals_held(word: uint256) -> uint256:
    return word >> 136


@internal
@pure
def _totals_book(word: uint256) -> int256:
    return convert(convert(word << 120, bytes32), int256) >> 128


@internal
@pure
def _totals_impaired(word: uint256) -> uint256:
    return word & U8


# ---------------------------------------------------------------
#                         LEG AND PRICE
# ---------------------------------------------------------------


@internal
@pure
def _leg(id: uint256, open_interest: uint256, size: int256) -> uint256:
    assert id <= U8
    assert open_interest <= U104
    fits: int256 = convert(convert(size, int144), int256)
    return (id << 248) | (open_interest << 144) | (convert(convert(fits, bytes32), uint256) & U144)


@internal
@pure
def _leg_id(word: uint256) -> uint256:
    return word >> 248


@internal
@pure
def _leg_open_interest(word: uint256) -> uint256:
    return (word >> 144) & U104


@internal
@pure
def _leg_size(word: uint256) -> int256:
    return convert(convert(word << 112, bytes32), int256) >> 112


@internal
@pure
def _price(price: uint256, updated_at: uint256, half_width: uint256, refreshed_at: uint256, memory: uint256) -> uint256:
    """
    @param memory what `_price_memory` packs: the fields that remember earlier prices
    """
    assert memory & MEMORY == memory
    assert price < 2**80
    assert updated_at <= U32
    assert half_width <= U16
    assert refreshed_at <= U32
    return (price << 176) | (updated_at << 144) | (half_width << 100) | (refreshed_at << 68) | memory


@internal
@pure
def _price_memory(ema_ratio: uint256, volatility: uint256, sample_ratio: uint256, sample_age: uint256) -> uint256:
    """
    @notice The fields of a price word that remember earlier prices, in their places.
    """
    assert ema_ratio <= U28
    assert volatility <= U24
    assert sample_ratio <= U28
    assert sample_age <= U14
    return (ema_ratio << 116) | (volatility << 44) | (sample_ratio << 16) | sample_age


@internal
@pure
def _price_price(word: uint256) -> uint256:
    return word >> 176


@internal
@pure
def _price_updated_at(word: uint256) -> uint256:
    return (word >> 144) & U32


@internal
@pure
def _price_ema_ratio(word: uint256) -> uint256:
    return (word >> 116) & U28


@internal
@pure
def _price_half_width(word: uint256) -> uint256:
    return (word >> 100) & U16


@internal
@pure
def _price_refreshed_at(word: uint256) -> uint256:
    return (word >> 68) & U32


@internal
@pure
def _price_volatility(word: uint256) -> uint256:
    return (word >> 44) & U24


@internal
@pure
def _price_sample_ratio(word: uint256) -> uint256:
    return (word >> 16) & U28


@internal
@pure
def _price_sample_age(word: uint256) -> uint256:
    return word & U14


@internal
@pure
def _price_flags(word: uint256) -> uint256:
    """
    @notice IN_GRACE and FIXED, in their places.
    """
    return word & (IN_GRACE | FIXED)


# ---------------------------------------------------------------
#                             BUCKET
# ---------------------------------------------------------------


@internal
@pure
def _bucket(bucket: Bucket) -> uint256:
    assert bucket.capital <= U34
    assert bucket.max_notional <= U34
    assert bucket.loss_budget <= U34
    assert bucket.initial <= U20
    assert bucket.allotted <= U94
    assert bucket.clock <= U40
    return (
        (bucket.capital << 222)
        | (bucket.max_notional << 188)
        | (bucket.loss_budget << 154)
        | (bucket.initial << 134)
        | (bucket.allotted << 40)
        | bucket.clock
    )


@internal
@pure
def _bucket_fields(word: uint256) -> Bucket:
    return Bucket(
        capital=word >> 222,
        max_notional=(word >> 188) & U34,
        loss_budget=(word >> 154) & U34,
        initial=(word >> 134) & U20,
        allotted=(word >> 40) & U94,
        clock=word & U40,
    )
