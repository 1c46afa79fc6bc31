"""What is mutated, and the tests that must notice, from cheap to dear."""

from __future__ import annotations

from dataclasses import dataclass

MODULES = "contracts/modules"
#: What `machine.py` reads of the environment.
SEED, TRANSACTIONS = "SEAWALL_MUTATION_SEED", "SEAWALL_MUTATION_TRANSACTIONS"


@dataclass(frozen=True)
class Stage:
    """One run of tests inside the process; only `contracts` carry the fault there."""

    name: str
    tests: tuple[str, ...]
    #: No conftest above this folder is read: those above ask Ape for a node.
    folder: str
    contracts: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Target:
    """One file; `complete` ones are mutated everywhere, the others in a common sample.

    `units` are the tests on a node that a mutant faces which every stage let pass.
    """

    file: str
    complete: bool
    stages: tuple[Stage, ...]
    units: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name on the command line."""
        return self.file.rpartition("/")[2].removesuffix(".vy")


#: Contracts that the random machine deploys.
FUZZED = (
    "contracts/MarginModel.vy",
    "contracts/Clearinghouse.vy",
    "contracts/LiquidationEngine.vy",
    "contracts/CloseOut.vy",
    "contracts/Backstop.vy",
    "contracts/BackstopVault.vy",
    "contracts/InsuranceFund.vy",
    "contracts/ExitQueue.vy",
    "contracts/CollateralConverter.vy",
    "contracts/Exchange.vy",
    "contracts/Delisting.vy",
    "contracts/IndexOracle.vy",
)


def _arrays(test: str, harness: str) -> Stage:
    folder = "tests/arithmetic"
    return Stage("arrays", (f"{folder}/{test}",), folder, (f"contracts/mocks/{harness}.vy",))


def _fuzz(name: str, seed: str, transactions: int) -> Stage:
    """The random machine, behind the bounds that it does not reach."""
    environment = ((SEED, seed), (TRANSACTIONS, str(transactions)))
    tests = ("tests/fuzz/test_bounds.py", "mutation/machine.py")
    return Stage(name, tests, "tests/fuzz", FUZZED, environment)


WORDS = _arrays("test_words.py", "WordsHarness")
FIXED_MATH = _arrays("test_fixed_math.py", "FixedMathHarness")
VAULT_MATH = _arrays("test_vault_math.py", "VaultMathHarness")
FUND_WORDS = _arrays("test_fund_words.py", "FundWordsHarness")
ORACLE_MATH = _arrays("test_oracle_math.py", "OracleMathHarness")
RISK_WORDS = _arrays("test_risk_words.py", "RiskHarness")
RISK_FACTORS = _arrays("test_risk_factors.py", "RiskHarness")
TICK_PRICE = _arrays("test_tick_price.py", "TickPriceHarness")
VAULT = Stage(
    "vault",
    ("tests/fuzz/test_vault_standard.py",),
    "tests/fuzz",
    ("contracts/InsuranceFund.vy", "contracts/mocks/CashBook.vy", "contracts/mocks/Token.vy"),
)
ORACLE = Stage(
    "oracle",
    ("tests/fuzz/test_index_oracle.py",),
    "tests/fuzz",
    ("contracts/IndexOracle.vy",),
)
CORNERS = Stage(
    "corners",
    ("tests/fuzz/test_margin_corners.py",),
    "tests/fuzz",
    ("contracts/MarginModel.vy",),
)
FUZZ = (_fuzz("fuzz", "mutants", 3_000), _fuzz("long fuzz", "survivors", 8_000))

_HOUSE = ("tests/unit/clearinghouse", "tests/e2e")
_ENGINE = ("tests/unit/liquidation_engine",)
_MODEL = ("tests/unit/margin_model", "tests/margin/test_margin_against_spec.py", *_HOUSE)
_ORACLE = ("tests/unit/index_oracle",)
_FUND = ("tests/unit/insurance_fund", "tests/e2e/test_insurance_fund.py")
_CLOSING = ("tests/unit/close_out",)
_BACKSTOP = ("tests/unit/backstop",)
_VAULTS = (*_FUND, "tests/unit/backstop/test_backstop_vault.py")
_DELISTING = ("tests/unit/delisting",)

TARGETS = (
    Target(f"{MODULES}/words.vy", True, (WORDS, *FUZZ), (*_HOUSE, *_ENGINE)),
    Target(f"{MODULES}/bits.vy", True, (WORDS, *FUZZ), _HOUSE),
    Target(f"{MODULES}/fixed_math.vy", True, (FIXED_MATH, *FUZZ), (*_HOUSE, *_ENGINE)),
    Target(f"{MODULES}/ledger.vy", False, FUZZ, _HOUSE),
    Target(f"{MODULES}/margin_gate.vy", False, FUZZ, _HOUSE),
    Target(f"{MODULES}/custody.vy", False, FUZZ, _HOUSE),
    Target("contracts/Clearinghouse.vy", False, FUZZ, _HOUSE),
    Target("contracts/ExitQueue.vy", False, FUZZ, ("tests/unit/exit_queue",)),
    Target("contracts/MarginModel.vy", False, (CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/leg_math.vy", False, (CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/risk_words.vy", False, (RISK_WORDS, CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/risk_factors.vy", False, (RISK_FACTORS, CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/risk_parameters.vy", False, (CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/portfolio_book.vy", False, (CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/scenarios.vy", False, (RISK_FACTORS, CORNERS, *FUZZ), _MODEL),
    Target(f"{MODULES}/liquidation_math.vy", False, FUZZ, _ENGINE),
    Target(f"{MODULES}/step_plan.vy", False, FUZZ, _ENGINE),
    Target("contracts/LiquidationEngine.vy", False, FUZZ, _ENGINE),
    Target("contracts/CloseOut.vy", False, FUZZ, _CLOSING),
    Target(f"{MODULES}/close_out_batch.vy", False, FUZZ, _CLOSING),
    Target(f"{MODULES}/shortfall.vy", False, FUZZ, _CLOSING),
    Target("contracts/Backstop.vy", False, FUZZ, _BACKSTOP),
    Target(f"{MODULES}/buckets.vy", False, FUZZ, _BACKSTOP),
    Target(f"{MODULES}/dutch_auction.vy", False, FUZZ, _BACKSTOP),
    Target("contracts/BackstopVault.vy", False, FUZZ, _BACKSTOP),
    Target("contracts/InsuranceFund.vy", False, (VAULT, *FUZZ), _FUND),
    Target(f"{MODULES}/exit_vault.vy", False, (VAULT, *FUZZ), _VAULTS),
    Target(f"{MODULES}/fund_words.vy", False, (FUND_WORDS, *FUZZ), _FUND),
    Target(f"{MODULES}/vault_math.vy", False, (VAULT_MATH, *FUZZ), _FUND),
    Target(f"{MODULES}/consensus.vy", False, (ORACLE_MATH, ORACLE), _ORACLE),
    Target(f"{MODULES}/averages.vy", False, (ORACLE_MATH, ORACLE), _ORACLE),
    Target(f"{MODULES}/settlement_price.vy", False, (ORACLE_MATH, ORACLE), _ORACLE),
    Target(f"{MODULES}/tick_price.vy", False, (TICK_PRICE,), ("tests/unit/uniswap_feed",)),
    Target(f"{MODULES}/report_word.vy", False, (), ("tests/unit/signed_report_feed",)),
    Target(f"{MODULES}/oracle_guard.vy", False, (ORACLE,), _ORACLE),
    Target(f"{MODULES}/feed_words.vy", False, (ORACLE,), _ORACLE),
    Target(f"{MODULES}/index_modes.vy", False, (ORACLE, *FUZZ), (*_ORACLE, *_DELISTING)),
    Target("contracts/Delisting.vy", False, FUZZ, _DELISTING),
    Target(f"{MODULES}/order_hash.vy", False, FUZZ, ("tests/unit/exchange",)),
    Target(f"{MODULES}/order_rules.vy", False, FUZZ, ("tests/unit/exchange", *_ENGINE)),
)
