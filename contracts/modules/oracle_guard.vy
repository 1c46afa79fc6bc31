# pragma version ==0.4.3
"""
@title Oracle guard
@notice Reads a price feed adapter so that a broken one costs itself only, and a starved one nobody's price; and the
        uptime feed of a sequencer in the same way.
@dev The calls are static, so an adapter changes nothing; their gas is capped, so that one which burns all it gets
     leaves the rest of the transaction alone; of the answer 96 bytes are copied, 160 of a round, so a long one is harmless.
"""

# ---------------------------------------------------------------
#                            CONSTANTS
# ---------------------------------------------------------------

# What an adapter may use. A push feed behind a proxy needs about 25,000.
READ_GAS: constant(uint256) = 200_000
# The EVM hands over at most 63/64 of the gas left after the call's own price (2,600 for a cold account):
# 200,000 * 64 / 63 + 2,600 + some hundreds to set the call up. Above this the adapter got all of READ_GAS.
ENOUGH_GAS: constant(uint256) = 210_000
ANSWER_BYTES: constant(uint256) = 96
# Of a round: id, answer, start, end, round of the answer.
ROUND_BYTES: constant(uint256) = 160
# What an uptime feed answers for a sequencer that is down.
DOWN: constant(int256) = 1

# ---------------------------------------------------------------
#                            INTERNAL
# ---------------------------------------------------------------


@internal
@view
def _latest(adapter: address) -> (uint256, uint256, uint256):
    """
    @notice The adapter's price, time of data and half-width, or zeros when it fails or answers less than three words.
    @dev No price counts as the adapter's own failure only if it could not be the caller's doing: the gas given
         must have been enough for all of READ_GAS. Measuring what is left afterwards (1/32 of the gas before)
         does not do: every contract between the adapter and the data keeps 1/64 of its own, so behind a proxy
         a starved read leaves 3/64. Reverts with "oracle: gas".
    @param adapter contract with the interface of IPriceFeed
    @return price as the adapter gave it, unchecked
    @return updated_at unix seconds as the adapter gave them, unchecked
    @return half_width in 10**-5 of the price as the adapter gave it, unchecked
    """
    gas_before: uint256 = msg.gas
    success: bool = False
    answer: Bytes[ANSWER_BYTES] = b""
    success, answer = raw_call(
        adapter,
        method_id("latest()"),
        max_outsize=ANSWER_BYTES,
        gas=READ_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    price: uint256 = 0
    updated_at: uint256 = 0
    half_width: uint256 = 0
    # An address without code succeeds with an empty answer; a failure fills the answer with revert data.
    if success and len(answer) == ANSWER_BYTES:
        price, updated_at, half_width = abi_decode(answer, (uint256, uint256, uint256))
    if price == 0:
        assert gas_before > ENOUGH_GAS, "oracle: gas"
        return 0, 0, 0
    return price, updated_at, half_width


@internal
@view
def _latest_status(uptime_feed: address) -> (int256, uint256):
    """
    @notice The answer of an uptime feed (0 up, 1 down) and when that began; (1, 0) when it fails or answers less than
            a round.
    @dev A failure that may be the caller's doing reverts with "oracle: gas", as in `_latest`.
    @param uptime_feed contract with `latestRoundData`
    """
    gas_before: uint256 = msg.gas
    success: bool = False
    response: Bytes[ROUND_BYTES] = b""
    success, response = raw_call(
        uptime_feed,
        method_id("latestRoundData()"),
        max_outsize=ROUND_BYTES,
        gas=READ_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(response) != ROUND_BYTES:
        assert gas_before > ENOUGH_GAS, "oracle: gas"
        return DOWN, 0
    round_id: uint256 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in_round: uint256 = 0
    round_id, answer, started_at, updated_at, answered_in_round = abi_decode(
        response, (uint256, int256, uint256, uint256, uint256)
    )
    return answer, started_at
