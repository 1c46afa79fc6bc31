"""What stands on the chain before the first action: contracts, markets, tokens, roles."""

from __future__ import annotations

from seawall.deployment import create_address
from seawall.spec.close_out import CloseOutParameters
from seawall.spec.conversion import ConversionParameters
from seawall.spec.dutch_auction import AuctionTerms
from seawall.spec.margin import MarketRisk
from seawall.spec.orders import Fees
from seawall.spec.scenarios import Terms
from seawall.spec.step_plan import EngineParameters
from seawall.spec.words import EXIT, FUNDING, LOSS, PAY, RESTRICT, TRADE, WAD, WATERFALL
from tests.fuzz.backend import Deployable
from tests.fuzz.index import FED, FEEDS, MEMORY, feed_name

NOBODY = "0x" + "00" * 20

#: id -> price at the start, WAD: from 1e-8 to a quarter of 1e6, the most that an index can be,
#: and enough others to exceed sixteen markets.
ANCHORS = {1: 2_000 * WAD, 2: 10**10, 3: 10**24 // 4, 127: 15 * WAD // 10}
MAIN_MARKETS = tuple(ANCHORS)
ANCHORS |= {market_id: market_id * WAD for market_id in range(40, 54)}
#: token -> (price per whole token, decimals), the first and the last that an account can hold;
#: the settlement token has no price.
COLLATERAL = {1: (60_000 * WAD, 8), 8: (2_000 * WAD, 18)}
DECIMALS = {0: 6} | {token_id: decimals for token_id, (_, decimals) in COLLATERAL.items()}
#: Initial and maintenance weight in parts per million, depth in thousands of money: what an account
#: holds is often worth more than its depth.
WEIGHTS = {1: (700_000, 800_000, 12), 8: (850_000, 900_000, 2)}
PROFIT_WEIGHT = 500_000
MARGIN_CALL = 100_000
NOTIONAL_FLOOR = 15_000
CAP = 10**9
#: Below what a leg word carries, 2**104 - 1.
OI_CAP = 10**31
MIN_NOTIONAL = 10 * WAD
INITIAL, MAINTENANCE = 50_000, 30_000
#: As in the price word: what the feeds' index reports at least.
CALM = 20_000
#: Depths and floors of capacity (thousands of money) of the main markets: one without size tier,
#: one without open-interest tier, two where both bind often.
DEPTHS = {1: 5, 2: 30, 3: 10**6, 127: 2}
CAPACITIES = {1: 60, 2: 10**6, 3: 400, 127: 20}
DEPTH, CAPACITY = 100, 1_000
#: Of the insurance fund, parts per million; largest volatility factor in tenths.
CAPACITY_PER_FUND = 100_000
VOLATILITY_CAP = 40
#: Markets of the first scenario matrix: one main market is not covered.
COVERED = (1, 2, 3, *range(40, 50))
MATRIX = Terms(tail=5, factor=1_000_000, floor=150_000)
MINIMUM_EQUITY = 50
#: Two markets of the Exchange with fees, one without, one with the widest terms.
FEES = {
    1: Fees(100, 400, 50_000),
    2: Fees(0, 0, 100_000),
    3: Fees(10_000, 10_000, 1_000),
    127: Fees(1, 10_000, 100_000),
}
ENGINE = EngineParameters()
CLOSE_OUT = CloseOutParameters()
CONVERSION = ConversionParameters()
AUCTION = AuctionTerms()
COOLDOWN_SECONDS = 3_600
#: Of the fund's cash, parts per million, for one market and for all of an epoch.
FUND_SHARES = 600_000, 800_000
#: Of the exit queue.
WAIT_SECONDS = 3_600

ENGINE_RIGHTS = TRADE | WATERFALL
CLOSE_OUT_RIGHTS = TRADE | PAY | LOSS | WATERFALL
#: People with the rights of modules, so that every verb meets what no contract would ask of it.
ROLES = {
    "dealer": TRADE,
    "funder": FUNDING,
    "broker": CLOSE_OUT_RIGHTS,
    "guardian": RESTRICT,
}
CONTRACT_RIGHTS = {
    "exchange": TRADE,
    "engine": ENGINE_RIGHTS,
    "close_out": CLOSE_OUT_RIGHTS,
    "converter": TRADE | PAY | WATERFALL,
    "backstop": TRADE | WATERFALL | EXIT,
    "fund": EXIT,
    "queue": EXIT,
    "delisting": TRADE | WATERFALL | FUNDING | RESTRICT,
}
OWNERS = ("trader", "maker", "hedger", "whale", "pauper")
COLLECTOR = "collector"
SAVERS = ("saver", "whale")
SUB_ACCOUNTS = 2


def market_reserve(market_id: int) -> int:
    """Keeper reserve of a market in cents: nothing, half a dollar or one."""
    return market_id % 3 * 50


def first_risk(market_id: int) -> MarketRisk:
    """What a market is listed with."""
    return MarketRisk(
        initial=INITIAL,
        maintenance=MAINTENANCE,
        reserve=market_reserve(market_id),
        depth=DEPTHS.get(market_id, DEPTH),
        calm=CALM,
        volatility_cap=VOLATILITY_CAP,
        capacity_floor=CAPACITIES.get(market_id, CAPACITY),
        capacity_per_fund=CAPACITY_PER_FUND,
    )


def deploy(chain: Deployable) -> None:
    """Tokens, prices by hand and by feeds, and the system as it is shipped, by one deployer."""
    owner = chain.actor("timelock")
    for token_id, decimals in DECIMALS.items():
        chain.deploy(f"token {token_id}", "Token", f"Token {token_id}", "TOK", decimals)
    chain.deploy("oracle", "FixedOracle")
    chain.deploy("model", "MarginModel", PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR, owner)
    settlement, model, oracle = (chain.addr(name) for name in ("token 0", "model", "oracle"))
    # Fund, queue and Clearinghouse name each other: the last address is known beforehand.
    house = create_address(chain.actor("deployer"), len(DECIMALS) + 4).lower()
    fund = chain.deploy(
        "fund", "InsuranceFund", house, settlement, "Savings", "SAVE", COOLDOWN_SECONDS,
        *FUND_SHARES,
    )  # fmt: skip
    queue = chain.deploy("queue", "ExitQueue", house, settlement, oracle, model, WAIT_SECONDS)
    places = settlement, CAP, model, oracle, fund, queue
    deployed = chain.deploy("house", "Clearinghouse", *places, owner)
    if deployed != house:
        raise RuntimeError(f"the Clearinghouse is at {deployed}, the fund expects it at {house}")
    chain.deploy("exchange", "Exchange", house, oracle, owner)
    chain.deploy("converter", "CollateralConverter", house, oracle, model, *CONVERSION)
    _deploy_backstop(chain, owner)
    backstop = chain.addr("backstop")
    linked = house, oracle, model, backstop, chain.addr("exchange")
    chain.deploy("engine", "LiquidationEngine", *linked, *ENGINE)
    chain.deploy("close_out", "CloseOut", chain.addr("engine"), fund, backstop, *CLOSE_OUT)
    _deploy_index(chain, owner, oracle)


def _deploy_backstop(chain: Deployable, owner: str) -> None:
    """It and its vault name each other."""
    house, oracle, model = (chain.addr(name) for name in ("house", "oracle", "model"))
    predicted = create_address(chain.actor("deployer"), len(DECIMALS) + 8).lower()
    terms = "Backstop", "BACK", COOLDOWN_SECONDS
    asset = chain.addr("token 0")
    vault = chain.deploy("backstop_vault", "BackstopVault", house, asset, predicted, *terms)
    found = chain.deploy("backstop", "Backstop", house, oracle, model, vault, *AUCTION, owner)
    if found != predicted:
        raise RuntimeError(f"the Backstop is at {found}, its vault expects it at {predicted}")


def _deploy_index(chain: Deployable, owner: str, oracle: str) -> None:
    """An index oracle with feeds that may do anything, behind the oracle that tests set."""
    memory = MEMORY.ema_seconds, MEMORY.volatility_seconds
    index = chain.deploy("index", "IndexOracle", owner, *memory, NOBODY, 0)
    for leg_id in FED:
        for number in range(FEEDS):
            chain.deploy(feed_name(leg_id, number), "OddSource")
    bitmap = sum(1 << leg_id for leg_id in FED)
    chain.send(owner, oracle, "ask_for(uint256,address)", bitmap, index)
    delisting = chain.deploy("delisting", "Delisting", chain.addr("house"), index, owner)
    roles = "set_roles(address,address)", chain.actor("index guardian"), delisting
    chain.send(owner, index, *roles)
