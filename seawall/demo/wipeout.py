"""One gap that wipes a whale out: who pays, stage by stage, on a node of its own.

Nobody acts between the opening and the gap. The keeper that closes has no capital. Every figure is
read from events and views.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.demo.chain import call
from seawall.demo.clearing import Cleared, clear
from seawall.demo.market_data import BAR_SECONDS
from seawall.demo.opening import deposit, save, trade
from seawall.demo.population import SIZE_STEP, Actor, Trader, draw
from seawall.demo.scene import Wipeout
from seawall.demo.venue import Venue
from seawall.keeper.planning import Row
from seawall.spec.margin import COLLATERAL_IDS
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import LEG, PPM, PRICE, WAD, account_id

#: From the deployment to the opening: the whale's collateral counts by a ramp.
LEAD_SECONDS = NOTICE + RAMP + 3_600
#: The market that gaps, and the one whose asset the whale has pledged some of.
MARKET_ID, PLEDGED_ID = 1, 2
TOKEN_ID = 1
#: Weights of the pledged token (parts per million): initial, maintenance; depth in thousands.
_WEIGHTS = 800_000, 850_000, 100_000
_CREATE_GAS, _SET_GAS = 6_000_000, 500_000


@dataclass(frozen=True)
class Cast:
    """Everyone in the story; who is short wins, the market maker included."""

    whale: Trader
    longs: Sequence[Trader]
    shorts: Sequence[Trader]
    maker: Actor
    keeper: Actor
    idle: Sequence[Actor]

    @property
    def losers(self) -> list[int]:
        """Accounts that are long, the whale first."""
        return [one.actor.account for one in (self.whale, *self.longs)]

    @property
    def winners(self) -> list[int]:
        """Accounts that are short."""
        return [*(one.actor.account for one in self.shorts), self.maker.account]


@dataclass(frozen=True)
class Look:
    """All accounts at one moment: rows of Lens and signed sizes in the market, cash of those
    without positions (WAD), and what the promises ask for.

    `custody_gaps` are tokens in the Clearinghouse beyond its ledger: the settlement token (WAD) and
    the pledged one (native).
    """

    rows: Mapping[int, Row]
    sizes: Mapping[int, int]
    idle: Mapping[int, int]
    fund_cash: int
    keeper_cash: int
    conservation: int
    custody_gaps: tuple[int, int]


@dataclass(frozen=True)
class Story:
    """What happened: prices WAD, looks after the gap and after the closes, and who sent what."""

    cast: Cast
    bucket: int
    fund: int
    opening_price: int
    price: int
    opened: Look
    before: Look
    after: Look
    cleared: Cleared


class Stage:
    """The venue with a token to pledge, and everyone who appears on it."""

    def __init__(self, venue: Venue, scene: Wipeout, closes: Mapping[int, Decimal]) -> None:
        """List the token: what is pledged counts once its ramp is over."""
        self.venue = venue
        self._scene = scene
        self._closes = dict(closes)
        self._source = random.Random(scene.seed)
        self.token = self._create("Token", "Test Ether", "tETH", 18)
        self.bucket = account_id(venue.backstop.address, MARKET_ID)
        self.fund = int(venue.read(venue.fund, "fund_account"))
        self._list_token()

    def _create(self, name: str, *args: object) -> Contract:
        rpc, reporter = self.venue.chain.rpc, self.venue.reporter
        tx_hash = rpc.submit(reporter, None, creation(name, *args), _CREATE_GAS)
        self.venue.chain.block([], self.venue.chain.time + 1)
        return Contract(rpc.wait(tx_hash)["contractAddress"], load_abi(name))

    def _list_token(self) -> None:
        venue, reporter = self.venue, self.venue.reporter
        source = venue.aggregators[PLEDGED_ID][0]
        feed = self._create("ChainlinkFeed", source.address, 0, 0, 0)
        (pledged,) = (one for one in venue.parameters.markets if one.market_id == PLEDGED_ID)
        ages = pledged.feeds[0].heartbeat, pledged.feeds[0].max_age
        feeds = [(feed.address, *ages, False)]
        terms = 1, pledged.spread_band, pledged.volatility_floor
        calls = [
            call(venue.oracle, reporter, _SET_GAS, "set_feeds", COLLATERAL_IDS, terms, feeds),
            call(venue.house, reporter, _SET_GAS, "set_token", TOKEN_ID, self.token.address, 10**9),
            call(venue.model, reporter, _SET_GAS, "set_token_risk", TOKEN_ID, *_WEIGHTS),
        ]
        venue.chain.block(calls, venue.chain.time + 1)

    # -- the opening -------------------------------------------------------------------------

    def open(self, time: int) -> Cast:
        """Everyone deposits and trades at the opening price. Errors: DemoError."""
        venue, scene = self.venue, self._scene
        venue.chain.block(venue.price_calls(self._closes, self._source), time)
        prices = {market_id: int(close * WAD) for market_id, close in self._closes.items()}
        cast = self._cast(prices)
        traders = [cast.whale, *cast.longs, *cast.shorts]
        deposits = [(trader.actor, trader.collateral) for trader in traders]
        deposits += [(cast.maker, scene.maker_capital)]
        deposits += [(who, 1_000 * number) for number, who in enumerate(cast.idle, start=1)]
        deposit(venue, deposits)
        savers = [
            Actor(scene.seed, f"saver {number}") for number in range(len(scene.fund_deposits))
        ]
        save(venue, list(zip(savers, scene.fund_deposits, strict=True)))
        self._pledge(cast.whale.actor, prices[PLEDGED_ID])
        self._fill_bucket()
        trade(venue, traders, [cast.maker], prices)
        return cast

    def _cast(self, prices: Mapping[int, int]) -> Cast:
        """Traders drawn from the seed; the whale is as large as its share of all longs says."""
        scene, markets = self._scene, self.venue.parameters.markets
        careful = draw(scene.careful, scene.seed + 1, markets, prices)
        bold = draw(scene.bold, scene.seed + 2, markets, prices)
        shorts = draw(scene.shorts, scene.seed + 3, markets, prices)
        others = sum(trader.sizes[MARKET_ID] for trader in (*careful, *bold))
        size = others * scene.whale_share_ppm // (PPM - scene.whale_share_ppm)
        size -= size % SIZE_STEP
        money = size * prices[MARKET_ID] // WAD // WAD // scene.whale_leverage - scene.pledged
        whale = Trader(Actor(scene.seed, "whale"), "BTC", money, {MARKET_ID: size})
        idle = [Actor(scene.seed, f"idle {number}") for number in range(scene.idle)]
        maker, keeper = Actor(scene.seed, "market maker"), Actor(scene.seed, "keeper")
        return Cast(whale, [*careful, *bold], shorts, maker, keeper, idle)

    def _pledge(self, whale: Actor, price: int) -> None:
        """The whale pays tokens in beside its money."""
        venue, house = self.venue, self.venue.house
        amount = self._scene.pledged * WAD * WAD // price
        calls = [
            call(self.token, venue.reporter, _SET_GAS, "mint", whale.address, amount),
            call(self.token, whale.address, _SET_GAS, "approve", house.address, amount),
            call(house, whale.address, _SET_GAS, "deposit", whale.account, TOKEN_ID, amount),
        ]
        for one in calls:
            venue.chain.block([one], venue.chain.time + 1)

    def _fill_bucket(self) -> None:
        """The Backstop's money, all for the bucket of the market that will gap."""
        venue, house, reporter = self.venue, self.venue.house, self.venue.reporter
        units = self._scene.backstop_capital * 10**venue.parameters.settlement.decimals
        free = account_id(venue.backstop.address)
        calls = [
            call(venue.token, reporter, _SET_GAS, "mint", reporter, units),
            call(venue.token, reporter, _SET_GAS, "approve", house.address, units),
            call(house, reporter, _SET_GAS, "deposit", free, 0, units),
            call(venue.backstop, reporter, _SET_GAS, "allot", MARKET_ID),
        ]
        for one in calls:
            venue.chain.block([one], venue.chain.time + 1)

    # -- the gap -----------------------------------------------------------------------------

    def gap(self) -> None:
        """The market's price jumps within a minute."""
        close = self._closes[MARKET_ID] * (PPM - self._scene.gap_ppm) / PPM
        # As exact as its sources answer.
        self._closes[MARKET_ID] = close.quantize(Decimal(10) ** -8)
        calls = self.venue.price_calls(self._closes, self._source)
        self.venue.chain.block(calls, self.venue.chain.time + BAR_SECONDS)

    # -- what is seen ------------------------------------------------------------------------

    def price(self) -> int:
        """The market's index, WAD."""
        (word,) = self.venue.read(self.venue.oracle, "prices", 1 << MARKET_ID)
        return PRICE.unpack(word)["price"]

    def look(self, cast: Cast) -> Look:
        """Everything that the table and the promises need, at the latest block."""
        venue = self.venue
        accounts = [*cast.losers, *cast.winners, self.bucket]
        everyone = [*accounts, *(one.account for one in cast.idle), cast.keeper.account, self.fund]
        rows = dict(zip(everyone, venue.scan(everyone), strict=True))
        portfolios = venue.read_many(venue.house, "portfolio", accounts)
        sizes = {}
        for account, (_, _, legs) in zip(accounts, portfolios, strict=True):
            found = {leg["id"]: leg["size"] for leg in map(LEG.unpack, legs)}
            sizes[account] = found.get(MARKET_ID, 0)
        held, _, _ = venue.read(venue.house, "totals")
        scale = 10 ** (18 - venue.parameters.settlement.decimals)
        money = venue.read(venue.token, "balanceOf", venue.house.address) * scale
        pledged = venue.read(self.token, "balanceOf", venue.house.address)
        for account in everyone:
            pledged -= venue.read(venue.house, "collateral_of", account, TOKEN_ID)
        return Look(
            rows=rows,
            sizes=sizes,
            idle={one.account: venue.cash(one.account) for one in cast.idle},
            fund_cash=venue.fund_cash(),
            keeper_cash=venue.cash(cast.keeper.account),
            conservation=venue.conservation(),
            custody_gaps=(money - held, pledged),
        )


def tell(stage: Stage, time: int, say: Callable[[str], None] = lambda phase: None) -> Story:
    """From the opening at a time (unix seconds) to the last close. Errors: DemoError.

    `say` hears what comes next.
    """
    cast = stage.open(time)
    opened, opening_price = stage.look(cast), stage.price()
    say("the price jumps")
    stage.gap()
    before, price = stage.look(cast), stage.price()
    say("closing what is bankrupt")
    cleared = clear(stage.venue, cast.keeper)
    after = stage.look(cast)
    return Story(
        cast, stage.bucket, stage.fund, opening_price, price, opened, before, after, cleared,
    )  # fmt: skip
