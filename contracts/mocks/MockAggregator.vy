# pragma version ==0.4.3
# pragma nonreentrancy on
"""
@title Mock aggregator
@notice A Chainlink-type aggregator whose rounds anyone may write.
"""

decimals: public(uint8)
round_id: public(uint80)
answer: public(int256)
started_at: public(uint256)
updated_at: public(uint256)
answered_in_round: public(uint80)


@deploy
def __init__(decimals: uint8, answer: int256):
    """
    @notice Deploy with a first round of now.
    """
    self.decimals = decimals
    self._new_round(answer, block.timestamp)


@external
def set_answer(answer: int256):
    """
    @notice The next round, answered now.
    """
    self._new_round(answer, block.timestamp)


@external
def set_answer_at(answer: int256, updated_at: uint256):
    """
    @notice The next round, answered at a given time (unix seconds).
    """
    self._new_round(answer, updated_at)


@external
def set_round(
    round_id: uint80, answer: int256, started_at: uint256, updated_at: uint256, answered_in_round: uint80
):
    """
    @notice The present round, field by field.
    """
    self.round_id = round_id
    self.answer = answer
    self.started_at = started_at
    self.updated_at = updated_at
    self.answered_in_round = answered_in_round


@external
def set_decimals(decimals: uint8):
    """
    @notice Change the scale of the answers.
    """
    self.decimals = decimals


@external
@view
def description() -> String[32]:
    """
    @notice Name of the pair.
    """
    return "MOCK / USD"


@external
@view
def version() -> uint256:
    """
    @notice Version of the aggregator.
    """
    return 1


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    """
    @notice round_id, answer, started_at, updated_at, answered_in_round
    """
    return self.round_id, self.answer, self.started_at, self.updated_at, self.answered_in_round


@internal
def _new_round(answer: int256, updated_at: uint256):
    round_id: uint80 = self.round_id + 1
    self.round_id = round_id
    self.answer = answer
    self.started_at = updated_at
    self.updated_at = updated_at
    self.answered_in_round = round_id
