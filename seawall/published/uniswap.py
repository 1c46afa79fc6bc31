"""A Uniswap v3 pool out of the factory's published bytecode, with someone who trades in it."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.published.artifacts import PublishedError, deploy, transact, uniswap
from seawall.rpc import Rpc, succeeded
from seawall.spec.feeds import MAX_TICK, tick_power

#: Fee in millionths, and the ticks between two places for liquidity that come with it.
FEE, SPACING = 500, 10
#: The widest range of ticks with that spacing.
FULL = MAX_TICK // SPACING * SPACING
#: Native units of each token that the actor starts with.
RICHES = 2**127
_ONE = 10**120


class PoolSource:
    """A pool of two tokens that are made for it; liquidity and trades go through its `actor`.

    Ticks are the pool's own: a power of 1.0001 that counts native units of token1 per token0. The
    base, whose price is asked for, is either of the two.
    """

    def __init__(
        self,
        rpc: Rpc,
        owner: str,
        base_is_token0: bool = True,
        base_decimals: int = 18,
        quote_decimals: int = 6,
    ) -> None:
        """Tokens, factory, a pool without a price, and an actor with plenty of both tokens."""
        self._rpc, self._owner = rpc, owner
        self.base_is_token0 = base_is_token0
        self._decimals = base_decimals, quote_decimals
        self.base = self._token(base_decimals)
        self.quote = self._token(quote_decimals)
        # The pool orders its tokens by their addresses, which are as good as random.
        while (int(self.base.address, 16) < int(self.quote.address, 16)) != base_is_token0:
            self.quote = self._token(quote_decimals)
        self.pool = self._create()
        self.actor = self._own("PoolActor")
        for token in (self.base, self.quote):
            transact(rpc, owner, token, "mint", self.actor.address, RICHES)

    @property
    def address(self) -> str:
        """The pool, which is what protocols read."""
        return self.pool.address

    def start(self, tick: int) -> None:
        """Give the pool its first price, in the middle of a tick. Errors: PublishedError."""
        transact(self._rpc, self._owner, self.pool, "initialize", sqrt_price(tick))

    def remember(self, count: int) -> None:
        """Let the pool keep this many observations, one per block with a trade or a change of
        liquidity in range."""
        function = "increaseObservationCardinalityNext"
        transact(self._rpc, self._owner, self.pool, function, count)

    def add(self, liquidity: int, lower: int = -FULL, upper: int = FULL) -> None:
        """Put liquidity into a range of ticks. Errors: PublishedError."""
        self._act("add", lower, upper, liquidity)

    def remove(self, liquidity: int, lower: int = -FULL, upper: int = FULL) -> None:
        """Take liquidity out of a range of ticks. Errors: PublishedError."""
        self._act("remove", lower, upper, liquidity)

    def move(self, tick: int) -> None:
        """Trade until the price is in the middle of a tick. Errors: PublishedError."""
        self._act("swap_to", sqrt_price(tick), tick < self.tick)

    @property
    def tick(self) -> int:
        """The pool's present tick."""
        data = self._rpc.view(self.address, self.pool.encode("slot0"))
        return int(self.pool.decode("slot0", data)[1])

    def tick_of(self, price: Fraction) -> int:
        """The tick in which a price in whole quote tokens per whole base token lies."""
        base, quote = self._decimals
        native = price * Fraction(10) ** (quote - base)
        return tick_below(native if self.base_is_token0 else 1 / native)

    def _act(self, function: str, *args: Any) -> None:
        transact(self._rpc, self._owner, self.actor, function, self.address, *args)

    def _create(self) -> Contract:
        factory = deploy(self._rpc, self._owner, uniswap("UniswapV3Factory"))
        pair = self.base.address, self.quote.address
        transact(self._rpc, self._owner, factory, "createPool", *pair, FEE)
        data = self._rpc.view(factory.address, factory.encode("getPool", *pair, FEE))
        return Contract(factory.decode("getPool", data), uniswap("UniswapV3Pool").abi)

    def _token(self, decimals: int) -> Contract:
        return self._own("Token", "Pool token", "POOL", decimals)

    def _own(self, name: str, *args: Any) -> Contract:
        """A mock of this project's. Errors: PublishedError."""
        receipt = self._rpc.send(self._owner, None, creation(name, *args))
        if not succeeded(receipt):
            raise PublishedError(f"{name} could not be deployed")
        return Contract(str(receipt["contractAddress"]), load_abi(name))


def sqrt_price(tick: int) -> int:
    """Square root of 1.0001**(tick + 1/2) times 2**96: the middle of a tick, rounded down."""
    middle = isqrt(tick_power(tick) * tick_power(tick + 1))
    return isqrt((middle << 192) // _ONE)


def tick_below(ratio: Fraction) -> int:
    """The greatest tick whose power of 1.0001 does not exceed a ratio, within +-MAX_TICK."""
    low, high = -MAX_TICK, MAX_TICK
    while low < high:
        middle = -(-(low + high) // 2)
        if Fraction(tick_power(middle), _ONE) <= ratio:
            low = middle
        else:
            high = middle - 1
    return low
