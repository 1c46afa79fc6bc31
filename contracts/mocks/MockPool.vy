# pragma version ==0.4.3
# pragma nonreentrancy off
"""
@title Mock pool
@notice What a price feed reads of a Uniswap v3 pool, as anyone writes it.
"""

token0: public(address)
token1: public(address)
# Sums at the start and at the end of any window.
_ticks: int56[2]
_seconds: uint160[2]
_tick: int24
_last: int24


@deploy
def __init__(token0: address, token1: address):
    """
    @notice Deploy with sums of zero, at tick zero.
    """
    self.token0 = token0
    self.token1 = token1


@external
def set_sums(ticks: int56[2], seconds: uint160[2], tick: int24, last: int24):
    """
    @notice Sums of ticks and of seconds per liquidity at both ends of the window, the present tick, and that of the
            last second.
    """
    self._ticks = ticks
    self._seconds = seconds
    self._tick = tick
    self._last = last


@external
@view
def slot0() -> (uint160, int24, uint16, uint16, uint16, uint8, bool):
    """
    @notice Of all fields only the tick means something.
    """
    return 1, self._tick, 0, 1, 1, 0, True


@external
@view
def observe(seconds_ago: DynArray[uint32, 3]) -> (DynArray[int56, 3], DynArray[uint160, 3]):
    """
    @notice The sums as written, for a window, a second ago and now; the middle of the seconds means nothing.
    """
    assert len(seconds_ago) == 3 and seconds_ago[1] == 1 and seconds_ago[2] == 0
    before: int56 = self._ticks[1] - convert(self._last, int56)
    return [self._ticks[0], before, self._ticks[1]], [self._seconds[0], 0, self._seconds[1]]
