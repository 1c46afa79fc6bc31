# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Packed words, arrays in and arrays out
@notice Runs one packer of `words` or tool of `bits` over many cases in one call, and one word's readers over many words; a case
        that reverts is an answer too.
@dev Signed fields travel as their two's complement bits in 256 bits.
"""

# Every function of both modules is under test.
from contracts.modules import bits
from contracts.modules import words

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

MAX_CASES: constant(uint256) = 500

# Words in the order of the module; what follows the price are functions rather than words.
ACCOUNT: constant(uint256) = 0
POSITION: constant(uint256) = 1
MARKET: constant(uint256) = 2
MARKET_TAIL: constant(uint256) = 3
SHARES: constant(uint256) = 4
SIDE: constant(uint256) = 5
TERMS: constant(uint256) = 6
OPERATOR: constant(uint256) = 7
TOKEN: constant(uint256) = 8
TOTALS: constant(uint256) = 9
LEG: constant(uint256) = 10
TICKET: constant(uint256) = 11
PRICE: constant(uint256) = 14
FLOAT30: constant(uint256) = 15
ACCOUNT_WITH_CASH: constant(uint256) = 16
BITMAP: constant(uint256) = 17
OWNER: constant(uint256) = 18
BIT: constant(uint256) = 19
HAS: constant(uint256) = 20
FUNDING_AT: constant(uint256) = 21
PRICE_MEMORY: constant(uint256) = 22
BUCKET: constant(uint256) = 23

# ---------------------------------------------------------------
#                              VIEWS
# ---------------------------------------------------------------


@external
@view
def pack_many(kind: uint256, cases: DynArray[uint256[9], MAX_CASES]) -> DynArray[uint256[2], MAX_CASES]:
    """
    @notice (1, word) for each case that returns and (0, 0) for each that reverts.
    """
    answers: DynArray[uint256[2], MAX_CASES] = []
    for case: uint256[9] in cases:
        success: bool = False
        response: Bytes[32] = b""
        success, response = raw_call(
            self,
            abi_encode(kind, case, method_id=method_id("pack(uint256,uint256[9])")),
            max_outsize=32,
            is_static_call=True,
            revert_on_failure=False,
        )
        if success:
            word: uint256 = abi_decode(response, uint256)
            answers.append([1, word])
        else:
            answers.append([0, 0])
    return answers


@external
@pure
def pack(kind: uint256, case: uint256[9]) -> uint256:
    """
    @notice The word that a packer makes of its arguments; arguments that it does not take are ignored.
    """
    if kind < TERMS:
        return self._pack_ledger(kind, case)
    if kind < LEG:
        return self._pack_custody(kind, case)
    if kind < FLOAT30:
        return self._pack_margin(kind, case)
    if kind == FLOAT30:
        return bits._float30_up(case[0])
    if kind == BIT:
        return bits._bit(case[0])
    if kind == HAS:
        return convert(bits._has(case[0], case[1]), uint256)
    if kind == FUNDING_AT:
        funding: int256 = words._market_funding_at(case[0], case[1])
        return self._bits(funding)
    if kind == PRICE_MEMORY:
        return words._price(0, 0, 0, 0, case[0])
    if kind == BUCKET:
        return words._bucket(
            words.Bucket(
                capital=case[0],
                max_notional=case[1],
                loss_budget=case[2],
                initial=case[3],
                allotted=case[4],
                clock=case[5],
            )
        )
    signed: int256 = self._signed(case[0])
    assert kind == ACCOUNT_WITH_CASH
    return words._account_with_cash(case[1], signed)


@external
@pure
def unpack_many(kind: uint256, packed: DynArray[uint256, MAX_CASES]) -> DynArray[uint256[9], MAX_CASES]:
    """
    @notice What the readers of a word say of each, in the order of the module.
    """
    answers: DynArray[uint256[9], MAX_CASES] = []
    for word: uint256 in packed:
        answer: uint256[9] = self._unpack(kind, word)
        answers.append(answer)
    return answers


# ---------------------------------------------------------------
#                             INTERNAL
# ---------------------------------------------------------------


@internal
@pure
def _signed(word: uint256) -> int256:
    return convert(convert(word, bytes32), int256)


@internal
@pure
def _bits(number: int256) -> uint256:
    return convert(convert(number, bytes32), uint256)


@internal
@pure
def _pack_ledger(kind: uint256, case: uint256[9]) -> uint256:
    first: int256 = self._signed(case[0])
    second: int256 = self._signed(case[1])
    third: int256 = self._signed(case[2])
    if kind == ACCOUNT:
        return words._account(first, case[1], case[2])
    if kind == POSITION:
        return words._position(first, second, case[2])
    if kind == MARKET:
        return words._market(first, case[1], third, case[3])
    if kind == MARKET_TAIL:
        return words._market_tail(case[0], case[1], case[2], case[3])
    if kind == SHARES:
        return words._shares(case[0], case[1])
    return words._side(case[0], second)


@internal
@pure
def _pack_custody(kind: uint256, case: uint256[9]) -> uint256:
    if kind == TERMS:
        return words._terms(case[0], case[1], case[2])
    if kind == OPERATOR:
        return words._operator(case[0], case[1], case[2])
    if kind == TOKEN:
        asset: address = convert(case[0], address)
        return words._token(asset, case[1], case[2])
    book: int256 = self._signed(case[1])
    return words._totals(case[0], book, case[2])


@internal
@pure
def _pack_margin(kind: uint256, case: uint256[9]) -> uint256:
    if kind == LEG:
        size: int256 = self._signed(case[2])
        return words._leg(case[0], case[1], size)
    if kind == TICKET:
        return words._ticket(case[0], case[1])
    memory: uint256 = words._price_memory(case[2], case[5], case[6], case[8])
    # No packer sets flags: they stand beside what `_price_memory` packs.
    assert case[7] <= 3
    return words._price(case[0], case[1], case[3], case[4], memory | (case[7] << 14))  # words._price_flags


@internal
@pure
def _unpack(kind: uint256, word: uint256) -> uint256[9]:
    if kind < TERMS:
        return self._unpack_ledger(kind, word)
    if kind < LEG:
        return self._unpack_custody(kind, word)
    if kind < FLOAT30:
        return self._unpack_margin(kind, word)
    answer: uint256[9] = empty(uint256[9])
    if kind == FLOAT30:
        answer[0] = bits._float30_value(word)
    elif kind == BITMAP:
        answer[0] = bits._lowest(word)
        answer[1] = bits._count(word)
        answer[2] = bits._without_lowest(word)
        answer[3] = bits._log2(word)
    elif kind == BUCKET:
        bucket: words.Bucket = words._bucket_fields(word)
        answer[0] = bucket.capital
        answer[1] = bucket.max_notional
        answer[2] = bucket.loss_budget
        answer[3] = bucket.initial
        answer[4] = bucket.allotted
        answer[5] = bucket.clock
    else:
        assert kind == OWNER
        owner: uint256 = bits._owner(word)
        answer[0] = owner
        answer[1] = bits._first_account(convert(owner, address))
    return answer


@internal
@pure
def _unpack_ledger(kind: uint256, word: uint256) -> uint256[9]:
    answer: uint256[9] = empty(uint256[9])
    if kind == ACCOUNT:
        cash: int256 = words._account_cash(word)
        answer[0] = self._bits(cash)
        answer[1] = words._account_mode(word)
        answer[2] = words._account_bitmap(word)
        answer[3] = words._account_collateral(word)
        answer[4] = words._account_markets(word)
    elif kind == POSITION:
        shares: int256 = words._position_shares(word)
        quote: int256 = words._position_quote(word)
        answer[0] = self._bits(shares)
        answer[1] = self._bits(quote)
        answer[2] = words._position_epoch(word)
    elif kind == MARKET:
        funding: int256 = words._market_funding(word)
        rate: int256 = words._market_rate(word)
        answer[0] = self._bits(funding)
        answer[1] = words._market_accrued_at(word)
        answer[2] = self._bits(rate)
        answer[3] = words._market_open_interest(word)
        answer[4] = convert(words._market_touched(word, 1), uint256)
        answer[5] = convert(words._market_touched(word, 2), uint256)
        answer[6] = words._market_epoch(word, 1)
        answer[7] = words._market_epoch(word, 2)
    elif kind == SHARES:
        answer[0] = words._shares_of(word, 1)
        answer[1] = words._shares_of(word, 2)
    else:
        assert kind == SIDE
        charge: int256 = words._side_charge(word)
        answer[0] = words._side_scale(word)
        answer[1] = self._bits(charge)
    return answer


@internal
@pure
def _unpack_custody(kind: uint256, word: uint256) -> uint256[9]:
    answer: uint256[9] = empty(uint256[9])
    if kind == TERMS:
        answer[0] = words._terms_oi_cap(word)
        answer[1] = words._terms_min_notional(word)
        answer[2] = words._terms_mode(word)
    elif kind == OPERATOR:
        answer[0] = words._operator_until(word)
        answer[1] = words._operator_max_size(word)
        answer[2] = words._operator_markets(word)
    elif kind == TOKEN:
        answer[0] = convert(words._token_asset(word), uint256)
        answer[1] = words._token_decimals(word)
        answer[2] = words._token_limits(word)
        answer[3] = words._token_outflow(word)
        answer[4] = words._token_cap(word)
    else:
        book: int256 = words._totals_book(word)
        answer[0] = words._totals_held(word)
        answer[1] = self._bits(book)
        answer[2] = words._totals_impaired(word)
    return answer


@internal
@pure
def _unpack_margin(kind: uint256, word: uint256) -> uint256[9]:
    answer: uint256[9] = empty(uint256[9])
    if kind == LEG:
        size: int256 = words._leg_size(word)
        answer[0] = words._leg_id(word)
        answer[1] = words._leg_open_interest(word)
        answer[2] = self._bits(size)
    elif kind == TICKET:
        answer[0] = words._ticket_amount(word)
        answer[1] = words._ticket_ready_at(word)
    else:
        answer[0] = words._price_price(word)
        answer[1] = words._price_updated_at(word)
        answer[2] = words._price_ema_ratio(word)
        answer[3] = words._price_half_width(word)
        answer[4] = words._price_refreshed_at(word)
        answer[5] = words._price_volatility(word)
        answer[6] = words._price_sample_ratio(word)
        answer[7] = words._price_flags(word) >> 14  # words._price_flags
        answer[8] = words._price_sample_age(word)
    return answer
